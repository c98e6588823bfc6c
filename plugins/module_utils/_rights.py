# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights each kind of request needs, as data.

Microsoft Graph's permissions follow Microsoft's permission map, Exchange's directory roles the documentation of app-only
authentication. The directory roles of a person who signs in are those that Microsoft's role reference names for the task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

GRAPH, EXCHANGE_ONLINE, DIRECTORY_ROLE = "Microsoft Graph", "Office 365 Exchange Online", "directory role"
# Holders may do whatever a directory role allows.
SUPERIOR_ROLE = "Global Administrator"
# Role template ids (Microsoft's reference), by which tokens name directory roles.
DIRECTORY_ROLES: Mapping[str, str] = {
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "31392ffb-586c-42d1-9346-e59415a2cc4e": "Exchange Recipient Administrator",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
    "62e90394-69f5-4237-9190-012177145e10": SUPERIOR_ROLE,
    "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "4d6ac14f-3453-41d0-bef9-a3e0c569773a": "License Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
}


class Right(NamedTuple):
    """A permission of a service, or a directory role.

    Args:
        of: GRAPH, EXCHANGE_ONLINE or DIRECTORY_ROLE.
        name: as the service writes it.
    """

    of: str
    name: str


class Need(NamedTuple):
    """Something that has to be allowed; any one of the rights does.

    Args:
        purpose: what for, as in "create and change users".
        application: rights of an app that signs in as itself, the least privileged first.
        also: wider permissions of Graph that do as well, and are not recommended.
        delegated: permissions of the app when a person signs in through it; empty when it takes none.
        person: directory roles of which that person needs one; empty when every member of the tenant may.
        limit: what one of the rights does not reach.
    """

    purpose: str
    application: tuple[Right, ...]
    also: tuple[Right, ...] = ()
    delegated: tuple[Right, ...] = ()
    person: tuple[Right, ...] = ()
    limit: str = ""

    def satisfied(self, rights: Iterable[Right], by: Literal["application", "person"] = "application") -> bool:
        """Whether an app, or a person through an app, with these rights may."""
        held = set(rights)
        superior = Right(DIRECTORY_ROLE, SUPERIOR_ROLE) in held
        if by == "application":
            return bool(held & {*self.application, *self.also}) or (superior and any(map(is_role, self.application)))
        permitted = not self.delegated or bool(held & {*self.delegated, *self.also})
        return permitted and (not self.person or superior or bool(held & set(self.person)))


def is_role(right: Right) -> bool:
    """Whether a right is a directory role."""
    return right.of == DIRECTORY_ROLE


def _rights(of: str, names: str) -> tuple[Right, ...]:
    return tuple(Right(of, name) for name in names.split(", ")) if names else ()


OWNED = "Application.ReadWrite.OwnedBy"


def _graph(purpose: str, names: str, also: str = "", person: str = "", limit: str = "") -> Need:
    """A need in Graph: the delegated permissions bear the same names, but for OWNED, which has no delegated form."""
    rights = _rights(GRAPH, names)
    delegated = tuple(right for right in rights if right.name != OWNED)
    return Need(purpose, rights, _rights(GRAPH, also), delegated, _rights(DIRECTORY_ROLE, person), limit)


def _roles(purpose: str, names: str) -> Need:
    roles = _rights(DIRECTORY_ROLE, names)
    return Need(purpose, roles, person=roles)


_USER_ADMINISTRATORS = "User Administrator"
_APP_ADMINISTRATORS = "Cloud Application Administrator, Application Administrator"
_OWNED_ONLY = f"{OWNED} reaches only applications that the caller owns, which are those that it made."

READ_USERS = _graph("read users", "User.Read.All, User.ReadWrite.All", "Directory.Read.All, Directory.ReadWrite.All")
WRITE_USERS = _graph("create and change users", "User.ReadWrite.All", "Directory.ReadWrite.All", _USER_ADMINISTRATORS)
DELETE_USERS = _graph(
    "delete, restore and purge users", "User.DeleteRestore.All, User.ReadWrite.All", person=_USER_ADMINISTRATORS
)
SET_PASSWORDS = Need(
    "set the passwords of users",
    (Right(GRAPH, "User-PasswordProfile.ReadWrite.All"), Right(DIRECTORY_ROLE, "User Administrator")),
    delegated=_rights(GRAPH, "User-PasswordProfile.ReadWrite.All, User.ReadWrite.All"),
    person=_rights(DIRECTORY_ROLE, _USER_ADMINISTRATORS),
    limit="The password of an administrator takes the directory role Privileged Authentication Administrator.",
)
READ_ORGANIZATION = _graph(
    "read the tenant's name and domains",
    "Organization.Read.All",
    "Organization.ReadWrite.All, Directory.Read.All, Directory.ReadWrite.All, User.Read.All",
)
READ_POLICIES = _graph(
    "read security defaults and conditional access policies", "Policy.Read.All", person="Global Reader"
)
READ_DOMAINS = _graph("read the domains of the tenant", "Domain.Read.All", "Domain.ReadWrite.All, Directory.Read.All")
READ_CUSTOMERS = _graph(
    "read the customers of the partner", "DelegatedAdminRelationship.Read.All, DelegatedAdminRelationship.ReadWrite.All"
)
READ_LICENCES = _graph(
    "read which licences were bought",
    "LicenseAssignment.Read.All, Organization.Read.All",
    "Organization.ReadWrite.All, Directory.Read.All, Directory.ReadWrite.All",
)
ASSIGN_LICENCES = _graph(
    "assign licences",
    "LicenseAssignment.ReadWrite.All, User.ReadWrite.All",
    "Directory.ReadWrite.All",
    f"License Administrator, {_USER_ADMINISTRATORS}",
)
READ_MAILBOX_SETTINGS = _graph(
    "look for a mailbox",
    "MailboxSettings.Read",
    "MailboxSettings.ReadWrite",
    limit="To a person who signs in, Graph opens no mailbox settings but their own.",
)
VIEW_CALENDARS = Need(
    "view calendars through Graph",
    _rights(GRAPH, "Calendars.Read, Calendars.ReadWrite"),
    delegated=_rights(GRAPH, "Calendars.Read, Calendars.ReadWrite"),
    limit="The role Application Calendars.Read over the mailbox is narrower and does as well; for a person, a calendar that "
    "somebody else shares takes Calendars.Read.Shared.",
)
OPEN_MAILBOXES = Need(
    "open mailboxes through EWS",
    _rights(EXCHANGE_ONLINE, "full_access_as_app"),
    delegated=_rights(EXCHANGE_ONLINE, "EWS.AccessAsUser.All"),
    limit="The role Application EWS.AccessAsApp over the mailbox is narrower and does as well.",
)
READ_APPLICATIONS = _graph(
    "read applications and service principals",
    f"Application.Read.All, {OWNED}, Application.ReadWrite.All",
    "Directory.Read.All",
)
READ_ALL_APPLICATIONS = _graph(
    "read the application whose permission is granted",
    "Application.Read.All, Application.ReadWrite.All",
    "Directory.Read.All",
)
WRITE_APPLICATIONS = _graph(
    "register, change and delete applications",
    f"{OWNED}, Application.ReadWrite.All",
    person=_APP_ADMINISTRATORS,
    limit=_OWNED_ONLY,
)
READ_DIRECTORY = _graph("refer to users", "Directory.Read.All", "Directory.ReadWrite.All")
GRANT_APP_ROLES = _graph(
    "grant application permissions", "AppRoleAssignment.ReadWrite.All", person="Privileged Role Administrator"
)
REVOKE_APP_ROLES = _graph(
    "revoke application permissions",
    "AppRoleAssignment.ReadWrite.All, Application.ReadWrite.All",
    person="Privileged Role Administrator",
)
READ_GRANTS = _graph(
    "read the consent to delegated permissions",
    "Directory.Read.All, DelegatedPermissionGrant.ReadWrite.All",
    "Directory.ReadWrite.All",
)
WRITE_GRANTS = _graph(
    "consent to delegated permissions",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.ReadWrite.All",
    f"{_APP_ADMINISTRATORS}, Privileged Role Administrator",
)
MANAGE_EXCHANGE = Need(
    "send cmdlets to Exchange Online",
    _rights(EXCHANGE_ONLINE, "Exchange.ManageAsApp"),
    delegated=_rights(EXCHANGE_ONLINE, "Exchange.Manage"),
)
RECIPIENTS = _roles("manage mailboxes", "Exchange Recipient Administrator, Exchange Administrator")
ORGANIZATION = _roles("manage scopes, role assignments and the organization", "Exchange Administrator")
VIEW_EXCHANGE = _roles("view mailboxes, role assignments and the organization", "Global Reader, Exchange Administrator")

# How the nouns of cmdlets begin that take membership in Organization Management; mailboxes and the rest are Recipient
# Management's, which may read the organization's settings too.
_ORGANIZATION_NOUNS = ("Management", "Organization", "ServicePrincipal", "App", "RoleGroup")


def of_cmdlet(cmdlet: str) -> tuple[Need, ...]:
    """What a cmdlet takes."""
    organization = cmdlet.partition("-")[2].startswith(_ORGANIZATION_NOUNS) and cmdlet != "Get-OrganizationConfig"
    return (MANAGE_EXCHANGE, ORGANIZATION if organization else RECIPIENTS)


def least(needs: Iterable[Need], preferred: Sequence[Right] = ()) -> list[Right]:
    """The least privileged rights with which an app has all that is needed; none of them can be left out.

    Args:
        preferred: rights to take before those that are the least privileged.
    """
    wanted = list(needs)
    first = [need.application[0] for need in wanted if not need.satisfied(preferred)]
    chosen = list(dict.fromkeys([*preferred, *first]))
    for right in reversed(chosen):
        rest = [one for one in chosen if one != right]
        if all(need.satisfied(rest) for need in wanted):
            chosen = rest
    return chosen
