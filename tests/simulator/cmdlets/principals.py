# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange's service principals: pointers to Entra's, and what their roles reach.

Raw JSON of these objects is not public: names are those that a working client reads, value types are inferred.
"""

from __future__ import annotations

from typing import Any

from ..store import Document, View
from ..tenant import Tenant, graph_time, new_id
from . import identity
from .base import Call, CmdletError, Output, cmdlet

_KEYS = ("Name", "DisplayName", "Guid", "AppId", "ObjectId", "DistinguishedName", "Identity")
# Roles that stand for several permissions (Microsoft docs name the roles; the lists are inferred).
_FULL: dict[str, str] = {
    "Application Mail Full Access": "Mail.ReadWrite, Mail.Send",
    "Application Exchange Full Access": "Mail.ReadWrite, Mail.Send, MailboxSettings.ReadWrite, Calendars.ReadWrite, "
    "Contacts.ReadWrite",
}


def principal(call: Call, wanted: str, view: View) -> Document:
    """A service principal of Exchange by name, Guid, AppId or ObjectId. Raises CmdletError."""
    return identity.named(call, "exchangeServicePrincipal", wanted, view, _KEYS)


def drop_vanished(tenant: Tenant) -> None:
    """Deleting the Entra service principal removes Exchange's and its assignments (Microsoft docs)."""
    for one in tenant.fresh.all("exchangeServicePrincipal"):
        entra = tenant.fresh.get("servicePrincipal", one["ObjectId"])
        if entra is None or entra.get("deletedDateTime"):
            _remove(tenant, one)


def _remove(tenant: Tenant, one: Document) -> None:
    tenant.store.remove("exchangeServicePrincipal", one["ObjectId"])
    for assignment in tenant.fresh.where(
        "managementRoleAssignment", lambda each: each["RoleAssignee"].lower() == one["ObjectId"].lower()
    ):
        tenant.store.remove("managementRoleAssignment", assignment["Guid"])


@cmdlet("New-ServicePrincipal")
def new_service_principal(call: Call) -> Output:
    """Point to an Entra service principal: the Enterprise application's object id, with its AppId (Microsoft docs)."""
    drop_vanished(call.tenant)
    app_id, object_id = call.get("AppId"), call.get("ObjectId")
    entra = call.tenant.fresh.get("servicePrincipal", object_id)
    if entra is None or entra.get("deletedDateTime") or entra["appId"].lower() != app_id.lower():
        # Exchange refuses invalid pointers (Microsoft docs); the text is unverified.
        raise CmdletError(
            "RecipientTaskException",
            f'The service principal with AppId "{app_id}" and ObjectId "{object_id}" doesn\'t exist in Microsoft '
            "Entra ID. Specify the object ID of the enterprise application.",
        )
    if call.tenant.fresh.get("exchangeServicePrincipal", object_id) is not None:
        raise CmdletError(  # text: unverified
            "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
            f'A service principal with the AppId "{app_id}" already exists.',
        )
    guid, now = new_id(), graph_time()
    document: Document = {
        "DisplayName": call.get("DisplayName") or "",
        "AppId": entra["appId"],
        "ObjectId": entra["id"],
        "ServiceId": entra["id"],
        "Sid": f"S-1-5-21-{int(guid[:8], 16)}-{int(guid[9:13], 16)}-{int(guid[14:18], 16)}-1000",
        "Name": entra["id"],
        "Identity": entra["id"],
        "Id": entra["id"],
        "Guid": guid,
        "DistinguishedName": f"CN={entra['id']},OU={call.tenant.domain},OU=Microsoft Exchange Hosted Organizations,"
        "DC=EURPR01A001,DC=PROD,DC=OUTLOOK,DC=COM",
        "OverrideEnforceExoAppRbacPermissions": False,
        "WhenCreated": now,
        "WhenChanged": now,
        "IsValid": True,
    }
    call.tenant.store.put("exchangeServicePrincipal", entra["id"], document)
    return [document]


@cmdlet("Get-ServicePrincipal")
def get_service_principal(call: Call) -> Output:
    """One service principal, or all of them."""
    drop_vanished(call.tenant)
    wanted = call.get("Identity")
    if wanted is None:
        return call.tenant.store.stale.all("exchangeServicePrincipal")
    return [principal(call, wanted, call.tenant.store.view_for(f"exchange/servicePrincipal/{wanted.lower()}"))]


def _for_change(call: Call) -> Document:
    drop_vanished(call.tenant)
    wanted = call.get("Identity")
    seen = principal(call, wanted, call.tenant.store.view_for(f"exchange/servicePrincipal/{wanted.lower()}"))
    newest = call.tenant.fresh.get("exchangeServicePrincipal", seen["ObjectId"])
    if newest is None:
        raise call.not_found(wanted)
    return newest


@cmdlet("Set-ServicePrincipal")
def set_service_principal(call: Call) -> Output:
    """Change the display name or the override."""
    one = _for_change(call)
    wish = dict(one)
    if call.given("DisplayName"):
        wish["DisplayName"] = call.get("DisplayName") or ""
    if call.given("OverrideEnforceExoAppRbacPermissions"):
        wish["OverrideEnforceExoAppRbacPermissions"] = call.get("OverrideEnforceExoAppRbacPermissions")
    if wish == one:
        call.unchanged(one["Identity"])
        return None
    call.tenant.store.put("exchangeServicePrincipal", one["ObjectId"], {**wish, "WhenChanged": graph_time()})
    return None


@cmdlet("Remove-ServicePrincipal")
def remove_service_principal(call: Call) -> Output:
    """Remove the pointer and the role assignments that hang on it."""
    _remove(call.tenant, _for_change(call))
    return None


@cmdlet("Test-ServicePrincipalAuthorization")
def test_service_principal_authorization(call: Call) -> Output:
    """A row per role assignment, read past the replicas; InScope only with a Resource (Microsoft docs)."""
    drop_vanished(call.tenant)
    one = principal(call, call.get("Identity"), call.tenant.fresh)
    box = None
    if call.given("Resource"):
        kind, box = identity.recipient(call, call.get("Resource"))
        if kind != "mailbox":
            raise call.not_found(call.get("Resource"))
    assignments = call.tenant.fresh.where(
        "managementRoleAssignment",
        lambda each: each["Enabled"] and each["RoleAssignee"].lower() == one["ObjectId"].lower(),
    )
    return [_row(call, assignment, box) for assignment in assignments]


def _row(call: Call, assignment: Document, box: Document | None) -> Document:
    role = assignment["Role"]
    kind = assignment["RecipientWriteScope"]
    scope = assignment["CustomResourceScope"] or assignment["CustomRecipientWriteScope"] or "Organization"
    in_scope: Any = "Not Run" if box is None else call.tenant.in_assignment_scope(assignment, box)
    return {
        "RoleName": role,
        "GrantedPermissions": _FULL.get(role, role.removeprefix("Application ")),
        "AllowedResourceScope": scope,
        "ScopeType": kind,
        "InScope": in_scope,
    }
