# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Management role assignments: to service principals (RBAC for Applications) and to users.

Raw JSON of these objects is not public: names are those that working clients read, value types are inferred.
"""

from __future__ import annotations

from ..store import Document, View
from ..tenant import graph_time, new_id
from . import identity, scopes
from .base import Call, CmdletError, Output, already_exists, cmdlet
from .principals import drop_vanished, principal

APPLICATION_PREFIX = "Application "  # Microsoft docs: the roles of RBAC for Applications have it
_USER_ROLES = ("ApplicationImpersonation",)
_KEYS = ("Name", "Guid", "Identity")
_CONTAINER = "CN=Role Assignments,CN=RBAC,CN=Configuration"
_SCOPES = (
    *("CustomResourceScope", "CustomRecipientWriteScope", "ExclusiveRecipientWriteScope"),
    *("RecipientAdministrativeUnitScope", "RecipientGroupScope"),
)
_UNSUPPORTED = ("Policy", "SecurityGroup", "RecipientOrganizationalUnitScope", "RecipientRelativeWriteScope")


@cmdlet("New-ManagementRoleAssignment")
def new_management_role_assignment(call: Call) -> Output:
    """Assign a role to a service principal (App) or to a user (User)."""
    drop_vanished(call.tenant)
    _refuse_unsupported(call)
    check_hydrated(call)
    role = scopes.role(call, call.get("Role"))["Name"]
    assignee = _assignee(call, role)
    written = _scope(call)
    # A name made by the service joins role and assignee and is cut to the limit (inferred).
    name = call.get("Name") or _free_name(call, f"{role}-{assignee['RoleAssigneeName']}"[:60])
    if len(name) > 64:
        raise CmdletError(  # limit: Microsoft docs; text: unverified
            "Microsoft.Exchange.Data.DataValidationException",
            f'The Name "{name}" isn\'t valid. The maximum length is 64.',
        )
    if _named(call, name):
        raise already_exists(name, _CONTAINER)
    guid, now = new_id(), graph_time()
    document: Document = {
        "Name": name,
        "Identity": name,
        "Id": name,
        "Guid": guid,
        "Role": role,
        **assignee,
        "AssignmentMethod": "Direct",
        "RoleAssignmentDelegationType": "Delegating" if call.get("Delegating") else "Regular",
        "Enabled": True,
        "RecipientReadScope": "Organization",
        "ConfigReadScope": "OrganizationConfig",
        "ConfigWriteScope": "OrganizationConfig",
        **written,
        "WhenCreated": now,
        "WhenChanged": now,
        "IsValid": True,
    }
    call.tenant.store.put("managementRoleAssignment", guid, document)
    return [document]


def check_hydrated(call: Call) -> None:
    """Refuse to make role assignments and role groups before Enable-OrganizationCustomization was run once."""
    if (call.tenant.fresh.get("organizationConfig", "organization") or {}).get("IsDehydrated"):
        raise CmdletError(  # text: live capture by its author; type: seen in a public blog
            "Microsoft.Exchange.Configuration.Tasks.CmdletInvalidOperationInDehydratedContextException",
            "This operation is not allowed for the organization with disabled customizations. To enable this "
            "operation, you need to execute Enable-OrganizationCustomization task first.",
        )


def _refuse_unsupported(call: Call) -> None:
    given = [name for name in _UNSUPPORTED if call.given(name)]
    if given:  # honest rather than faithful
        raise CmdletError("Simulator.NotImplemented", f"This simulator does not know {', '.join(given)}.")


def _assignee(call: Call, role: str) -> Document:
    application = role.startswith(APPLICATION_PREFIX) and role not in _USER_ROLES
    if application != call.given("App"):
        # Microsoft docs: application roles are for service principals only; the text is unverified.
        whom = "a service principal" if call.given("App") else "a user, group or policy"
        raise CmdletError(
            "TaskInvalidOperationException", f'The management role "{role}" can\'t be assigned to {whom}.'
        )
    if call.given("App"):
        one = principal(call, call.get("App"), call.tenant.fresh)
        return {
            "RoleAssignee": one["ObjectId"],
            "RoleAssigneeName": one["DisplayName"] or one["ObjectId"],
            "RoleAssigneeType": "ServicePrincipal",
            "EffectiveUserName": "All Service Principals",
        }
    user = identity.user(call, call.get("User"))
    return {
        "RoleAssignee": user["id"],
        "RoleAssigneeName": user["displayName"],
        "RoleAssigneeType": "User",
        "EffectiveUserName": user["displayName"],
    }


def _scope(call: Call) -> Document:
    """What an assignment stores of its scope parameters; an administrative unit or group by its id."""
    given = [name for name in _SCOPES if call.get(name)]
    if len(given) > 1:  # that only one may be given: Microsoft docs; text: unverified
        raise CmdletError("TaskArgumentException", f"You can use only one of these parameters: {', '.join(given)}.")
    empty = {"RecipientWriteScope": "Organization", "CustomResourceScope": None, "CustomRecipientWriteScope": None}
    if not given:
        return empty
    name, wanted = given[0], call.get(given[0])
    if name == "RecipientAdministrativeUnitScope":
        unit = identity.administrative_unit(call, wanted)
        return {**empty, "RecipientWriteScope": "AdministrativeUnit", "CustomRecipientWriteScope": unit["id"]}
    if name == "RecipientGroupScope":
        group = identity.group_reference(call, wanted)
        return {**empty, "RecipientWriteScope": "Group", "CustomRecipientWriteScope": group["id"]}
    scope = scopes.scope(call, wanted)
    exclusive = name == "ExclusiveRecipientWriteScope"
    if scope["Exclusive"] != exclusive and name != "CustomResourceScope":  # text: GitHub issue, for the first case
        is_a = "an exclusive scope" if scope["Exclusive"] else "a regular scope"
        raise CmdletError(
            "TaskInvalidOperationException",
            f"The management scope object {scope['Name']} is {is_a}, and it can't be specified as parameter {name}.",
        )
    kind = "ExclusiveRecipientScope" if exclusive else "CustomRecipientScope"
    key = "CustomResourceScope" if name == "CustomResourceScope" else "CustomRecipientWriteScope"
    return {**empty, "RecipientWriteScope": kind, key: scope["Name"]}


def _named(call: Call, name: str) -> bool:
    assignments = call.tenant.fresh.all("managementRoleAssignment")
    return any(one["Name"].lower() == name.lower() for one in assignments)


def _free_name(call: Call, name: str) -> str:
    number, wish = 0, name
    while _named(call, wish):
        number += 1
        wish = f"{name}-{number}"
    return wish


@cmdlet("Get-ManagementRoleAssignment")
def get_management_role_assignment(call: Call) -> Output:
    """One assignment, or those that pass the filters. App and CustomResourceScope are no filters here (docs)."""
    drop_vanished(call.tenant)
    wanted = call.get("Identity")
    if wanted is not None:
        rows = [_assignment(call, wanted, call.tenant.store.view_for(_resource(wanted)))]
    else:
        rows = call.tenant.store.stale.all("managementRoleAssignment")
    if call.given("Role"):
        role = scopes.role(call, call.get("Role"))["Name"]
        rows = [one for one in rows if one["Role"] == role]
    if call.given("RoleAssignee"):
        assignee = _assignee_id(call, call.get("RoleAssignee"))
        rows = [one for one in rows if one["RoleAssignee"].lower() == assignee]
    if call.given("AssignmentMethod"):
        methods = [method.lower() for method in call.get("AssignmentMethod")]
        rows = [one for one in rows if one["AssignmentMethod"].lower() in methods]
    if call.given("Enabled"):
        rows = [one for one in rows if one["Enabled"] == call.get("Enabled")]
    for name in ("RoleAssigneeType", "RecipientWriteScope", "CustomRecipientWriteScope"):
        if call.get(name):
            rows = [one for one in rows if str(one[name] or "").lower() == call.get(name).lower()]
    for name, kind in (("RecipientAdministrativeUnitScope", "AdministrativeUnit"), ("RecipientGroupScope", "Group")):
        if call.get(name):
            key = (identity.administrative_unit if kind != "Group" else identity.group_reference)(call, call.get(name))
            rows = [
                one
                for one in rows
                if (one["RecipientWriteScope"], one["CustomRecipientWriteScope"]) == (kind, key["id"])
            ]
    if call.given("WritableRecipient"):
        kind, box = identity.recipient(call, call.get("WritableRecipient"))
        rows = [one for one in rows if kind == "mailbox" and call.tenant.in_assignment_scope(one, box)]
    return rows


def _resource(wanted: str) -> str:
    return f"exchange/managementRoleAssignment/{wanted.lower()}"


def _assignment(call: Call, wanted: str, view: View) -> Document:
    return identity.named(call, "managementRoleAssignment", wanted, view, _KEYS)


def _assignee_id(call: Call, wanted: str) -> str:
    """The id of a service principal or user; AppId and ObjectId work here too (Microsoft docs), the first by a switch."""
    try:
        one = principal(call, wanted, call.tenant.fresh)
        if call.tenant.switch("assignee_by_app_id") or wanted.lower() != str(one["AppId"]).lower():
            return str(one["ObjectId"]).lower()
    except CmdletError:
        pass
    return str(identity.user(call, wanted)["id"]).lower()


def _for_change(call: Call) -> Document:
    drop_vanished(call.tenant)
    wanted = call.get("Identity")
    seen = _assignment(call, wanted, call.tenant.store.view_for(_resource(wanted)))
    newest = call.tenant.fresh.get("managementRoleAssignment", seen["Guid"])
    if newest is None:
        raise call.not_found(wanted)
    return newest


@cmdlet("Set-ManagementRoleAssignment")
def set_management_role_assignment(call: Call) -> Output:
    """Change an assignment's scope, or switch it on and off."""
    _refuse_unsupported(call)
    one = _for_change(call)
    wish = dict(one)
    if call.given("Enabled"):
        wish["Enabled"] = call.get("Enabled")
    if any(call.given(name) for name in _SCOPES):
        wish.update(_scope(call))
    application = one["RoleAssigneeType"] == "ServicePrincipal"
    other = "CustomRecipientWriteScope" if application else "CustomResourceScope"
    if call.get(other):  # that the parameter belongs to the other kind: Microsoft docs; text: unverified
        raise CmdletError(
            "TaskInvalidOperationException",
            f'The parameter {other} can\'t be used with the role assignment "{one["Name"]}".',
        )
    if wish == one:
        call.unchanged(one["Name"])
        return None
    call.tenant.store.put("managementRoleAssignment", one["Guid"], {**wish, "WhenChanged": graph_time()})
    return None


@cmdlet("Remove-ManagementRoleAssignment")
def remove_management_role_assignment(call: Call) -> Output:
    """Remove an assignment."""
    call.tenant.store.remove("managementRoleAssignment", _for_change(call)["Guid"])
    return None
