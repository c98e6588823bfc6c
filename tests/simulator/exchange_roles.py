# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which management role has which cmdlets, which role group has which roles, and who belongs to a role group.

That a directory role is a member of a role group is Microsoft's documentation. Which cmdlets a role has is documented
per tenant only (Get-ManagementRoleEntry prints it), so this table follows the cmdlets' own pages and the roles' names;
it is inferred where they are silent. A role's scope and its parameters are not looked at.
"""

from __future__ import annotations

from .store import Document
from .tenant import Tenant

_READ_RECIPIENTS = (
    *("Get-Mailbox", "Get-Recipient", "Get-User", "Get-CASMailbox", "Get-CalendarProcessing", "Get-DistributionGroup"),
    *("Get-DistributionGroupMember", "Get-UnifiedGroup", "Get-MailboxPermission", "Get-RecipientPermission"),
    *("Get-MailboxCalendarConfiguration", "Get-MailboxRegionalConfiguration", "Get-MailboxFolderStatistics"),
    "Get-MailboxFolderPermission",
)
_READ_ORGANIZATION = ("Get-OrganizationConfig", "Get-AcceptedDomain", "Get-AdministrativeUnit")
_READ_ROLES = (
    *("Get-ManagementScope", "Get-ManagementRole", "Get-ManagementRoleEntry", "Get-ManagementRoleAssignment"),
    *("Get-RoleGroup", "Get-RoleGroupMember", "Get-ServicePrincipal"),
)
ROLES: dict[str, tuple[str, ...]] = {
    "Mail Recipients": (
        *_READ_RECIPIENTS,
        *_READ_ORGANIZATION,
        *("Set-Mailbox", "Set-User", "Set-CASMailbox", "Set-CalendarProcessing", "Set-MailboxCalendarConfiguration"),
        *("Set-MailboxRegionalConfiguration", "Add-MailboxPermission", "Remove-MailboxPermission"),
        *("Add-RecipientPermission", "Remove-RecipientPermission", "Add-MailboxFolderPermission"),
        *("Set-MailboxFolderPermission", "Remove-MailboxFolderPermission"),
    ),
    "Mail Recipient Creation": (*_READ_RECIPIENTS, *_READ_ORGANIZATION, "New-Mailbox", "Remove-Mailbox"),
    "Distribution Groups": (
        *("Get-DistributionGroup", "Get-DistributionGroupMember", "Get-UnifiedGroup", "Get-Recipient"),
        *("New-DistributionGroup", "Set-DistributionGroup", "Remove-DistributionGroup"),
        *("Add-DistributionGroupMember", "Remove-DistributionGroupMember", "Update-DistributionGroupMember"),
    ),
    "Role Management": (
        *_READ_ROLES,
        *("New-ManagementScope", "Set-ManagementScope", "Remove-ManagementScope", "New-ManagementRoleAssignment"),
        *("Set-ManagementRoleAssignment", "Remove-ManagementRoleAssignment", "New-RoleGroup", "Add-RoleGroupMember"),
        *("Remove-RoleGroupMember", "New-ServicePrincipal", "Set-ServicePrincipal", "Remove-ServicePrincipal"),
        "Test-ServicePrincipalAuthorization",
    ),
    "Organization Configuration": (
        *_READ_ORGANIZATION,
        *("Set-OrganizationConfig", "Enable-OrganizationCustomization", "New-ApplicationAccessPolicy"),
        *("Get-ApplicationAccessPolicy", "Remove-ApplicationAccessPolicy", "Test-ApplicationAccessPolicy"),
    ),
    "Org Custom Apps": ("Get-App", "New-App", "Set-App", "Remove-App"),
    "View-Only Recipients": _READ_RECIPIENTS,
    "View-Only Configuration": (*_READ_ORGANIZATION, *_READ_ROLES, "Get-ApplicationAccessPolicy", "Get-App"),
}

ROLE_GROUPS: dict[str, tuple[str, ...]] = {
    "Organization Management": tuple(ROLES),
    "Recipient Management": ("Mail Recipients", "Mail Recipient Creation", "Distribution Groups"),
    "View-Only Organization Management": ("View-Only Recipients", "View-Only Configuration"),
    "Help Desk": ("View-Only Recipients",),
}
# Members by directory role template id (Microsoft docs, "app-only authentication"); Security Reader reads no mailboxes
# (live capture), and the other security roles have no cmdlet that is simulated.
_DIRECTORY = {
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Organization Management",  # Exchange Administrator
    "62e90394-69f5-4237-9190-012177145e10": "Organization Management",  # Global Administrator
    "31392ffb-586c-42d1-9346-e59415a2cc4e": "Recipient Management",  # Exchange Recipient Administrator
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "View-Only Organization Management",  # Global Reader
    "729827e3-9c14-49f7-bb1b-9608f156bbb8": "Help Desk",  # Helpdesk Administrator
}


def role_groups(tenant: Tenant) -> list[Document]:
    """The role groups, those that every organization has first; ``Members`` are object ids."""
    stored = {one["Name"]: one for one in tenant.fresh.all("roleGroup")}
    built_in: dict[str, Document] = {
        name: {"Name": name, "Guid": "", "Roles": list(roles), "Members": [], "Description": ""}
        for name, roles in ROLE_GROUPS.items()
    }
    return list({**built_in, **stored}.values())


def cmdlets(tenant: Tenant, directory_roles: frozenset[str], principal_id: str) -> frozenset[str]:
    """The cmdlets of somebody with those directory roles (template ids), role groups and role assignments."""
    by_directory = {_DIRECTORY[role] for role in directory_roles if role in _DIRECTORY}
    roles = {
        role
        for group in role_groups(tenant)
        if group["Name"] in by_directory or principal_id in group["Members"]
        for role in group["Roles"]
    }
    assigned = tenant.fresh.where(
        "managementRoleAssignment", lambda one: one["Enabled"] and one["RoleAssignee"].lower() == principal_id.lower()
    )
    roles |= {one["Role"] for one in assigned}
    return frozenset(name for role in roles for name in ROLES.get(role, ()))
