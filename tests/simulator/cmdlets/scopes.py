# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Management scopes and roles.

Raw JSON of these objects is not public: names are those that working clients read, value types are inferred.
"""

from __future__ import annotations

from ..store import Document, View
from ..tenant import graph_time, new_id
from . import identity
from .base import Call, CmdletError, Output, already_exists, cmdlet
from .listing import condition

SCOPE_KEYS = ("Name", "Guid", "Identity", "DistinguishedName")
ROLE_KEYS = ("Name", "Guid", "Identity")
_CONTAINER = "CN=Scopes,CN=RBAC,CN=Configuration"


def scope(call: Call, wanted: str, view: View | None = None) -> Document:
    """A management scope by name or Guid. Raises CmdletError."""
    return identity.named(call, "managementScope", wanted, view or call.tenant.fresh, SCOPE_KEYS)


def role(call: Call, wanted: str) -> Document:
    """A management role by name; a retired one fails like any other that is not there (inferred)."""
    return identity.named(call, "managementRole", wanted, call.tenant.fresh, ROLE_KEYS)


def uses(call: Call, name: str) -> list[Document]:
    """The role assignments that name a scope."""
    keys = ("CustomResourceScope", "CustomRecipientWriteScope")
    return call.tenant.fresh.where(
        "managementRoleAssignment",
        lambda one: (
            one["RecipientWriteScope"] not in ("AdministrativeUnit", "Group")
            and name.lower() in (str(one.get(key) or "").lower() for key in keys)
        ),
    )


@cmdlet("New-ManagementScope")
def new_management_scope(call: Call) -> Output:
    """Make a scope; its filter comes back reformatted."""
    name = call.get("Name")
    _check_name(call, name)
    guid, now = new_id(), graph_time()
    document: Document = {
        "Name": name,
        "Identity": name,
        "Id": name,
        "Guid": guid,
        "DistinguishedName": f"CN={name},{_CONTAINER},{_organization(call)}",
        "RecipientRoot": call.get("RecipientRoot") or "",
        "RecipientFilter": str(condition(call, "RecipientRestrictionFilter")),
        "ServerFilter": "",
        "DatabaseFilter": "",
        "ScopeRestrictionType": "RecipientScope",
        "Exclusive": bool(call.get("Exclusive")),
        "WhenCreated": now,
        "WhenChanged": now,
        "IsValid": True,
        "ExchangeVersion": "0.10 (14.0.100.0)",
    }
    call.tenant.store.put("managementScope", guid, document)
    return [document]


def _organization(call: Call) -> str:
    return f"CN={call.tenant.domain},CN=ConfigurationUnits,DC=EURPR01A001,DC=PROD,DC=OUTLOOK,DC=COM"


def _check_name(call: Call, name: str, own: str = "") -> None:
    if not name.strip() or len(name) > 64:
        raise CmdletError(  # limit: Microsoft docs; text: unverified
            "Microsoft.Exchange.Data.DataValidationException",
            f'The Name "{name}" isn\'t valid. The length of the property must be 1 to 64.',
        )
    others = call.tenant.fresh.where("managementScope", lambda one: one["Guid"] != own)
    if name.lower() in (one["Name"].lower() for one in others):
        raise already_exists(name, f"{_CONTAINER},{_organization(call)}")


@cmdlet("Get-ManagementScope")
def get_management_scope(call: Call) -> Output:
    """One scope, or all of them; Exclusive and Orphan filter."""
    wanted = call.get("Identity")
    if wanted is not None:
        found = [scope(call, wanted, call.tenant.store.view_for(f"exchange/managementScope/{wanted.lower()}"))]
    else:
        found = call.tenant.store.stale.all("managementScope")
    if call.given("Exclusive"):
        found = [one for one in found if one["Exclusive"] == call.get("Exclusive")]
    if call.get("Orphan"):
        found = [one for one in found if not uses(call, one["Name"])]
    return found


def _for_change(call: Call) -> Document:
    wanted = call.get("Identity")
    seen = scope(call, wanted, call.tenant.store.view_for(f"exchange/managementScope/{wanted.lower()}"))
    newest = call.tenant.fresh.get("managementScope", seen["Guid"])
    if newest is None:
        raise call.not_found(wanted)
    return newest


@cmdlet("Set-ManagementScope")
def set_management_scope(call: Call) -> Output:
    """Change name or filter, for every assignment that uses the scope; returns nothing (Microsoft docs)."""
    one = _for_change(call)
    before, old_name = dict(one), one["Name"]
    if call.given("RecipientRestrictionFilter"):
        one["RecipientFilter"] = str(condition(call, "RecipientRestrictionFilter"))
    if call.given("RecipientRoot"):
        one["RecipientRoot"] = call.get("RecipientRoot") or ""
    if call.given("Name"):
        name = call.get("Name")
        _check_name(call, name, one["Guid"])
        one.update(Name=name, Identity=name, Id=name)
        one["DistinguishedName"] = f"CN={name},{_CONTAINER},{_organization(call)}"
    if one == before:
        call.unchanged(old_name)
        return None
    for assignment in uses(call, old_name):
        for key in ("CustomResourceScope", "CustomRecipientWriteScope"):
            if str(assignment.get(key) or "").lower() == old_name.lower():
                call.tenant.store.update("managementRoleAssignment", assignment["Guid"], **{key: one["Name"]})
    call.tenant.store.put("managementScope", one["Guid"], {**one, "WhenChanged": graph_time()})
    return None


@cmdlet("Remove-ManagementScope")
def remove_management_scope(call: Call) -> Output:
    """Remove a scope that no role assignment uses (Microsoft docs)."""
    one = _for_change(call)
    users = uses(call, one["Name"])
    if users:  # text: unverified
        raise CmdletError(
            "Microsoft.Exchange.Configuration.Tasks.TaskInvalidOperationException",
            f"The management scope \"{one['Name']}\" can't be removed because it's in use by the management role "
            f"assignment(s): {', '.join(sorted(user['Name'] for user in users))}.",
        )
    call.tenant.store.remove("managementScope", one["Guid"])
    return None


@cmdlet("Get-ManagementRole")
def get_management_role(call: Call) -> Output:
    """One role, or all of them."""
    wanted = call.get("Identity")
    roles = call.tenant.fresh.all("managementRole") if wanted is None else [role(call, wanted)]
    if call.given("RoleType"):
        roles = [one for one in roles if one["RoleType"].lower() == call.get("RoleType").lower()]
    more = {"Parent": "", "IsRootRole": True, "IsEndUserRole": False, "IsValid": True}
    return [{**one, **more} for one in roles]
