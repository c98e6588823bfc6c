# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role groups: management roles for their members, who may be users, groups and service principals.

Raw JSON of these objects is not public: names are Microsoft's documentation, value types are inferred.
"""

from __future__ import annotations

import fnmatch
import uuid

from ..exchange_roles import ROLE_GROUPS, ROLES, role_groups
from ..store import Document, View
from ..tenant import graph_time, new_id
from . import identity, scopes
from .assignments import check_hydrated
from .base import Call, CmdletError, Output, already_exists, cmdlet
from .binding import contract
from .listing import condition, truncated
from .principals import principal

_CONTAINER = "CN=Role Groups,CN=RBAC,CN=Configuration"


def _shown(call: Call, group: Document) -> Document:
    built_in = group["Name"] in ROLE_GROUPS
    guid = group["Guid"] or str(uuid.uuid5(uuid.UUID(call.tenant.id), group["Name"]))
    return {
        "Name": group["Name"],
        "Identity": group["Name"],
        "Id": group["Name"],
        "Guid": guid,
        "DisplayName": group.get("DisplayName", ""),
        "Description": group["Description"],
        "Roles": group["Roles"],
        "RoleAssignments": [f"{role}-{group['Name']}" for role in group["Roles"]],
        "Members": [_member(call, key)["DisplayName"] for key in group["Members"]],
        "ManagedBy": group.get("ManagedBy", ["Organization Management"]),
        "RoleGroupType": "Standard",
        "Capabilities": ["None"] if not built_in else ["Partner_Managed"],
        "IsValid": True,
    }


def _find(call: Call, wanted: str) -> Document:
    found = [
        one
        for one in role_groups(call.tenant)
        if wanted.lower() in (one["Name"].lower(), one["Guid"].lower(), _shown(call, one)["Guid"].lower())
    ]
    if not found:
        raise call.not_found(wanted)
    return found[0]


@cmdlet("Get-RoleGroup")
def get_role_group(call: Call) -> Output:
    """One role group, or those that pass the filter."""
    if call.given("Identity"):
        return [_shown(call, _find(call, call.get("Identity")))]
    rows = [_shown(call, one) for one in role_groups(call.tenant)]
    if call.given("Filter"):
        passes = condition(call, "Filter")
        rows = [row for row in rows if passes.matches(row)]
    return truncated(call, rows)


@cmdlet("New-RoleGroup")
def new_role_group(call: Call) -> Output:
    """Make a role group, with a role assignment for each of its roles (Microsoft docs)."""
    check_hydrated(call)
    name = call.get("Name")
    if len(name) > 64:  # limit: Microsoft docs; text: unverified
        raise CmdletError(
            "Microsoft.Exchange.Data.DataValidationException",
            f'The Name "{name}" isn\'t valid. The maximum length is 64.',
        )
    if any(one["Name"].lower() == name.lower() for one in role_groups(call.tenant)):
        raise already_exists(name, _CONTAINER)
    members, owners = call.get("Members"), call.get("ManagedBy")
    group: Document = {
        "Name": name,
        "Guid": new_id(),
        "DisplayName": call.get("DisplayName") or "",
        "Description": call.get("Description") or "",
        "Roles": [scopes.role(call, one)["Name"] for one in call.get("Roles") or []],
        "Members": [_member_id(call, one) for one in members.replace or ()] if members else [],
        "ManagedBy": list(owners.replace or ()) if owners else ["Organization Management"],
    }
    call.tenant.store.put("roleGroup", name, group)
    scope = call.get("CustomRecipientWriteScope")
    for role in group["Roles"]:
        _assign(call, group, role, scopes.scope(call, scope)["Name"] if scope else None)
    return [_shown(call, group)]


def _assign(call: Call, group: Document, role: str, scope: str | None) -> None:
    guid, now = new_id(), graph_time()
    document = {
        "Name": f"{role}-{group['Name']}",
        "Identity": f"{role}-{group['Name']}",
        "Id": f"{role}-{group['Name']}",
        "Guid": guid,
        "Role": role,
        "RoleAssignee": group["Name"],
        "RoleAssigneeName": group["Name"],
        "RoleAssigneeType": "RoleGroup",
        "EffectiveUserName": "All Group Members",
        "AssignmentMethod": "Direct",
        "RoleAssignmentDelegationType": "Regular",
        "Enabled": True,
        "RecipientReadScope": "Organization",
        "ConfigReadScope": "OrganizationConfig",
        "ConfigWriteScope": "OrganizationConfig",
        "RecipientWriteScope": "CustomRecipientScope" if scope else "Organization",
        "CustomResourceScope": None,
        "CustomRecipientWriteScope": scope,
        "WhenCreated": now,
        "WhenChanged": now,
        "IsValid": True,
    }
    call.tenant.store.put("managementRoleAssignment", guid, document)


# --- members ----------------------------------------------------------------------------------------------------------


def _member_id(call: Call, wanted: str) -> str:
    """The object id of a user, security group or service principal."""
    try:
        return str(principal(call, wanted, call.tenant.fresh)["ObjectId"])
    except CmdletError:
        return str(identity.trustee(call, wanted)["id"])


def _member(call: Call, key: str) -> Document:
    """A member as printed (names: Microsoft docs; what a service principal looks like is inferred)."""
    view: View = call.tenant.fresh
    box = next(iter(view.having("mailbox", "ExternalDirectoryObjectId", key)), None)
    if box is not None and not box["WhenSoftDeleted"]:
        names = ("Name", "DisplayName", "Alias", "PrimarySmtpAddress", "RecipientType", "RecipientTypeDetails", "Guid")
        return {"Identity": box["Identity"], **{name: box[name] for name in names}}
    application = view.get("exchangeServicePrincipal", key)
    kind = "ServicePrincipal" if application else "MailUniversalSecurityGroup" if view.get("group", key) else "User"
    name = application["DisplayName"] if application else identity.trustee_name(call, key)
    return {"Identity": key, "Name": name or key, "DisplayName": name or key, "RecipientType": kind, "Guid": key}


@cmdlet("Get-RoleGroupMember")
def get_role_group_member(call: Call) -> Output:
    """The direct members."""
    group = _find(call, call.get("Identity"))
    return truncated(call, [_member(call, key) for key in group["Members"]])


@cmdlet("Add-RoleGroupMember")
def add_role_group_member(call: Call) -> Output:
    """Add a member; one who is in already is an error (type: working client, for groups; text: unverified)."""
    group, key = _find(call, call.get("Identity")), _member_id(call, call.get("Member"))
    if key in group["Members"]:
        raise CmdletError(
            "MemberAlreadyExistsException",
            f'The recipient "{call.get("Member")}" is already a member of the group "{group["Name"]}".',
        )
    call.tenant.store.put("roleGroup", group["Name"], {**group, "Members": [*group["Members"], key]})
    return None


@cmdlet("Remove-RoleGroupMember")
def remove_role_group_member(call: Call) -> Output:
    """Remove a member; one who is not in is an error (text: unverified)."""
    group, key = _find(call, call.get("Identity")), _member_id(call, call.get("Member"))
    if key not in group["Members"]:
        raise CmdletError(
            "MemberNotFoundException",
            f'The recipient "{call.get("Member")}" isn\'t a member of the group "{group["Name"]}".',
        )
    kept = [one for one in group["Members"] if one != key]
    call.tenant.store.put("roleGroup", group["Name"], {**group, "Members": kept})
    return None


# --- what roles may ---------------------------------------------------------------------------------------------------


@cmdlet("Get-ManagementRoleEntry")
def get_management_role_entry(call: Call) -> Output:
    r"""The cmdlets of roles: ``role\cmdlet``, both with ``*`` for anything (Microsoft docs)."""
    role, backslash, name = str(call.get("Identity")).partition("\\")
    if not backslash:  # the form: Microsoft docs; text: unverified
        raise CmdletError("TaskArgumentException", "Identity must have the form <management role>\\<role entry>.")
    rows: list[Document] = [
        {
            "Identity": f"{one}\\{entry}",
            "Id": f"{one}\\{entry}",
            "Name": entry,
            "Role": one,
            "Parameters": sorted({parameter.name for parameter in contract(entry).parameters.values()}),
            "PSSnapinName": "Microsoft.Exchange.Management.PowerShell.E2010",
            "Type": "Cmdlet",
            "IsValid": True,
        }
        for one, entries in ROLES.items()
        for entry in entries
        if fnmatch.fnmatchcase(one.lower(), role.lower()) and fnmatch.fnmatchcase(entry.lower(), name.lower())
    ]
    for wanted in call.get("Parameters") or []:
        rows = [row for row in rows if wanted.lower() in (one.lower() for one in row["Parameters"])]
    if not rows and "*" not in call.get("Identity"):
        raise call.not_found(call.get("Identity"))
    return truncated(call, rows)
