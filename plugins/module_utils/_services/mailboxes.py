# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules read of Exchange Online, in Exchange's words."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .._transport.errors import NotFound, ServiceError

if TYPE_CHECKING:
    from .exchange import Exchange


class Mailboxes:
    """Reads; None means that the service says that the object is not there, any other failure is raised."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    # --- recipients ---------------------------------------------------------------------------------------------------

    def mailbox(self, identity: str) -> dict[str, Any] | None:
        """A mailbox by any identity that Exchange takes."""
        return self._exchange.find("Get-Mailbox", {"Identity": identity}, f"read the mailbox {identity}")

    def recipient(self, identity: str) -> dict[str, Any] | None:
        """A recipient of any kind."""
        return self._exchange.find("Get-Recipient", {"Identity": identity}, f"look for the recipient {identity}")

    def recipients(self, identities: Sequence[str]) -> list[dict[str, Any] | None]:
        """Several recipients, in batches."""
        calls = [("Get-Recipient", {"Identity": identity}) for identity in identities]
        return self._exchange.find_many(calls, "look for recipients")

    def calendar_processing(self, identity: str) -> dict[str, Any] | None:
        """How a mailbox treats meeting requests."""
        return self._exchange.find(
            "Get-CalendarProcessing", {"Identity": identity}, f"read the calendar processing of {identity}"
        )

    def client_access(self, identities: Sequence[str]) -> list[dict[str, Any] | None]:
        """The protocols of several mailboxes, in batches."""
        calls = [("Get-CASMailbox", {"Identity": identity}) for identity in identities]
        return self._exchange.find_many(calls, "read the protocols of mailboxes")

    def accepted_domains(self) -> list[str]:
        """The domains in which the tenant may have addresses."""
        found = self._exchange.invoke("Get-AcceptedDomain", {}, "read the accepted domains")
        return [str(domain.get("DomainName") or domain.get("Name")) for domain in found]

    def organization(self) -> dict[str, Any]:
        """The organization's configuration. EwsAllowedAppIDs is only filled when asked for with a switch of its own."""
        tried = "read the organization's configuration"
        found = self._exchange.invoke("Get-OrganizationConfig", {"RetrieveEwsOperationAccessPolicy": True}, tried)
        if not found:
            raise ServiceError(tried, text="Exchange returned none")
        return found[0]

    def group(self, identity: str) -> dict[str, Any] | None:
        """A group that Exchange recognises, i.e. a mail-enabled one."""
        return self._exchange.find("Get-DistributionGroup", {"Identity": identity}, f"read the group {identity}")

    def group_members(self, identity: str) -> list[dict[str, Any]]:
        """The direct members of a group."""
        parameters = {"Identity": identity, "ResultSize": "Unlimited"}
        return self._exchange.invoke("Get-DistributionGroupMember", parameters, f"read the members of {identity}")

    def administrative_unit(self, identity: str) -> dict[str, Any] | None:
        """An administrative unit by name or id."""
        return self._exchange.find(
            "Get-AdministrativeUnit", {"Identity": identity}, f"read the administrative unit {identity}"
        )

    # --- delegates ----------------------------------------------------------------------------------------------------

    def mailbox_permissions(self, mailbox: str, user: str) -> list[dict[str, Any]]:
        """The permission entries of one user or group on a mailbox."""
        parameters = {"Identity": mailbox, "User": user}
        return self._exchange.invoke("Get-MailboxPermission", parameters, f"read what {user} may do with {mailbox}")

    def send_as(self, mailbox: str, trustee: str) -> list[dict[str, Any]]:
        """The entries that let a user or group send as a recipient."""
        parameters = {"Identity": mailbox, "Trustee": trustee}
        tried = f"read whether {trustee} may send as {mailbox}"
        return self._exchange.invoke("Get-RecipientPermission", parameters, tried)

    def calendar_folder(self, mailbox: str) -> str:
        """The default calendar as the folder cmdlets name it. Its name is in the mailbox's language, its type is not."""
        tried = f"find the calendar of {mailbox}"
        parameters = {"Identity": mailbox, "FolderScope": "Calendar"}
        folders = self._exchange.invoke("Get-MailboxFolderStatistics", parameters, tried)
        paths = [str(one["FolderPath"]) for one in folders if one.get("FolderType") == "Calendar"]
        if len(paths) != 1:
            raise NotFound(tried, text=f"Exchange shows {len(paths)} folders of the type Calendar")
        path = paths[0].replace("/", "\\")
        return f"{mailbox}:{path}"

    def folder_permission(self, folder: str, user: str) -> dict[str, Any] | None:
        """The entry of one user or group on a folder."""
        parameters = {"Identity": folder, "User": user}
        return self._exchange.find("Get-MailboxFolderPermission", parameters, f"read what {user} may do with {folder}")

    def organization_apps(self) -> list[dict[str, Any]]:
        """The Outlook add-ins of the organization."""
        return self._exchange.invoke("Get-App", {"OrganizationApp": True}, "read the organization's add-ins")

    # --- role-based access control ------------------------------------------------------------------------------------

    def management_role(self, name: str) -> dict[str, Any] | None:
        """A management role by name."""
        return self._exchange.find("Get-ManagementRole", {"Identity": name}, f"read the management role {name}")

    def management_scope(self, name: str) -> dict[str, Any] | None:
        """A management scope by name."""
        return self._exchange.find("Get-ManagementScope", {"Identity": name}, f"read the management scope {name}")

    def role_assignment(self, name: str) -> dict[str, Any] | None:
        """A role assignment by name."""
        return self._exchange.find(
            "Get-ManagementRoleAssignment", {"Identity": name}, f"read the role assignment {name}"
        )

    def role_assignments_of(self, assignee: str) -> list[dict[str, Any]]:
        """The role assignments of a user or an application; none when Exchange does not know the assignee."""
        try:
            return self._exchange.invoke(
                "Get-ManagementRoleAssignment", {"RoleAssignee": assignee}, f"read the role assignments of {assignee}"
            )
        except NotFound:
            return []

    def application_role_assignments(self, app_id: str, object_id: str) -> list[dict[str, Any]]:
        """The role assignments of a service principal, by its object id unless its application id finds them alone."""
        found = []
        with suppress(ServiceError):
            found = self.role_assignments_of(app_id)
        if found and all(_is(one.get("RoleAssignee"), object_id) for one in found):
            return found
        return self.role_assignments_of(object_id)

    def role_assignments_with(self, role: str) -> list[dict[str, Any]]:
        """Every assignment of a management role."""
        return self._exchange.invoke("Get-ManagementRoleAssignment", {"Role": role}, f"read who has the role {role}")

    def role_assignments_to(self, assignee_type: str) -> list[dict[str, Any]]:
        """Every role assignment to that type of assignee: ServicePrincipal, User, ..."""
        return self._exchange.invoke(
            "Get-ManagementRoleAssignment", {"RoleAssigneeType": assignee_type}, "read the role assignments"
        )

    def role_assignments_over(self, scope: str) -> list[dict[str, Any]]:
        """Every role assignment to users and groups over a management scope."""
        return self._exchange.invoke(
            "Get-ManagementRoleAssignment", {"CustomRecipientWriteScope": scope}, f"read who uses the scope {scope}"
        )

    def service_principal(self, identity: str) -> dict[str, Any] | None:
        """Exchange's pointer to an Entra service principal, by application id or object id."""
        return self._exchange.find(
            "Get-ServicePrincipal", {"Identity": identity}, f"read Exchange's service principal {identity}"
        )

    def application_service_principal(self, app_id: str, object_id: str) -> dict[str, Any] | None:
        """Exchange's pointer to this service principal. To the application id one that was left behind may answer as well."""
        try:
            found = self.service_principal(app_id)
        except ServiceError:
            return self.service_principal(object_id)
        return found if found is None or _is(found["ObjectId"], object_id) else self.service_principal(object_id)

    def authorization(self, app_id: str, mailbox: str) -> list[dict[str, Any]]:
        """What an application may do with a mailbox, role by role; asked past the permission cache."""
        return self._exchange.invoke(
            "Test-ServicePrincipalAuthorization",
            {"Identity": app_id, "Resource": mailbox},
            f"test what {app_id} may do with {mailbox}",
        )


def _is(shown: Any, object_id: str) -> bool:
    return str(shown).lower() == object_id.lower()
