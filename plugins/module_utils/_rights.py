# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights the collection needs, as data: for each kind of request, for each module and option, for each documented step.

Microsoft Graph's permissions follow Microsoft's permission map, Exchange's directory roles the documentation of app-only
authentication. The directory roles of a person who signs in are those that Microsoft's role reference names for the task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

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


@dataclass(frozen=True, order=True)
class Right:
    """A permission of a service, or a directory role.

    Args:
        of: GRAPH, EXCHANGE_ONLINE or DIRECTORY_ROLE.
        name: as the service writes it.
    """

    of: str
    name: str


@dataclass(frozen=True)
class Need:
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


# --- by module and option ---------------------------------------------------------------------------------------------

GIVEN = "given"
"""Stands for any value but None."""
FILLED = "filled"
"""Stands for any value that is not empty."""

_PRESENT: Mapping[str, Any] = {"state": "present"}
_CONSENT: Mapping[str, Any] = {**_PRESENT, "admin_consent": True}


@dataclass(frozen=True)
class Rule:
    """What a module needs under a condition.

    Args:
        module: its name; ``when`` the options and their values, all of which must hold. A dotted name looks into the
            entries of a list.
        adds: the options in words, when it adds to the module's rules without such words.
    """

    module: str
    when: Mapping[str, Any]
    needs: tuple[Need, ...]
    adds: str = ""

    def applies(self, options: Mapping[str, Any]) -> bool:
        """Whether it holds for a module's options."""
        return all(_matches(_values(options, name), wanted) for name, wanted in self.when.items())


def _values(options: Mapping[str, Any], name: str) -> list[Any]:
    head, _dot, rest = name.partition(".")
    value = options.get(head)
    return [entry.get(rest) for entry in value or ()] if rest else [value]


def _matches(values: Sequence[Any], wanted: Any) -> bool:
    if wanted == GIVEN:
        return any(value is not None for value in values)
    if wanted == FILLED:
        return any(values)
    return wanted in values


RULES: tuple[Rule, ...] = (
    Rule("o365_calendar_info", {"backend": "ews"}, (OPEN_MAILBOXES,)),
    Rule("o365_calendar_info", {"backend": "graph"}, (VIEW_CALENDARS,)),
    Rule("o365_equipment_mailbox", {}, (MANAGE_EXCHANGE, RECIPIENTS)),
    Rule("o365_ews_access", {}, (MANAGE_EXCHANGE, ORGANIZATION)),
    Rule("o365_impersonation", {"method": "application_rbac"}, (READ_APPLICATIONS, MANAGE_EXCHANGE, ORGANIZATION)),
    Rule("o365_impersonation", {"method": "application_impersonation"}, (MANAGE_EXCHANGE, ORGANIZATION)),
    Rule("o365_mailbox_delegate", {}, (MANAGE_EXCHANGE, RECIPIENTS)),
    Rule("o365_oauth_app", {}, (READ_APPLICATIONS, WRITE_APPLICATIONS)),
    Rule(
        "o365_oauth_app",
        {**_CONSENT, "permissions.application": FILLED},
        (GRANT_APP_ROLES, READ_ALL_APPLICATIONS),
        "`admin_consent` with application permissions",
    ),
    Rule(
        "o365_oauth_app",
        {**_CONSENT, "permissions.delegated": FILLED},
        (READ_GRANTS, WRITE_GRANTS),
        "`admin_consent` with delegated permissions",
    ),
    Rule(
        "o365_oauth_app",
        {**_CONSENT, "permissions": GIVEN, "permissions_mode": "replace"},
        (REVOKE_APP_ROLES, READ_GRANTS, WRITE_GRANTS),
        "`admin_consent` with `permissions_mode: replace`",
    ),
    Rule("o365_oauth_app", {**_PRESENT, "owners": FILLED}, (READ_USERS, READ_DIRECTORY), "`owners`"),
    Rule("o365_outlook_addin", {}, (MANAGE_EXCHANGE, ORGANIZATION)),
    Rule("o365_service_account", _PRESENT, (READ_USERS, WRITE_USERS, DELETE_USERS, READ_DOMAINS)),
    Rule("o365_service_account", {"state": "absent"}, (READ_USERS, DELETE_USERS)),
    Rule("o365_service_account", {**_PRESENT, "licenses": GIVEN}, (READ_LICENCES, ASSIGN_LICENCES), "`licenses`"),
    Rule(
        "o365_service_account",
        {**_PRESENT, "wait_for_mailbox": True},
        (READ_LICENCES, READ_MAILBOX_SETTINGS),
        "`wait_for_mailbox`",
    ),
    Rule(
        "o365_service_account",
        {**_PRESENT, "hide_from_address_lists": GIVEN},
        (READ_LICENCES, MANAGE_EXCHANGE, RECIPIENTS),
        "`hide_from_address_lists`",
    ),
    Rule(
        "o365_service_account",
        {**_PRESENT, "password": GIVEN, "update_password": "always"},
        (SET_PASSWORDS,),
        "`update_password: always`",
    ),
    Rule("o365_tenant_info", {}, (READ_ORGANIZATION, READ_LICENCES, MANAGE_EXCHANGE, VIEW_EXCHANGE)),
    Rule("o365_tenant_info", {"app_id": GIVEN}, (READ_APPLICATIONS,), "`app_id`"),
    Rule("o365_tenant_info", {"app_unique_name": GIVEN}, (READ_APPLICATIONS,), "`app_unique_name`"),
    Rule("o365_tenant_info", {"mailboxes": FILLED}, (READ_USERS,), "`mailboxes`"),
    Rule("o365_tenant_info", {"access": "service_account"}, (READ_USERS, READ_POLICIES), "`access: service_account`"),
)


def of_module(module: str, options: Mapping[str, Any]) -> list[Need]:
    """What a module needs with these options (the module's own, defaults filled in), each thing once."""
    found = (need for rule in RULES if rule.module == module and rule.applies(options) for need in rule.needs)
    return list(dict.fromkeys(found))


class Step(NamedTuple):
    """A step of the set-up.

    Args:
        name: by which it is referred to.
        words: as in "the caller may not ...".
        module: which module takes it; ``options`` what the role vmr_scheduling gives it.
    """

    name: str
    words: str
    module: str
    options: Mapping[str, Any]


_EQUIPMENT_STEP = Step("equipment", "create and configure the equipment resource", "o365_equipment_mailbox", _PRESENT)
# The steps of Pexip's pages, by way of access.
STEPS: Mapping[str, tuple[Step, ...]] = {
    "app_permissions": (
        _EQUIPMENT_STEP,
        Step("app", "register the app", "o365_oauth_app", _PRESENT),
        Step(
            "impersonation",
            "let the app open the calendars in scope",
            "o365_impersonation",
            {"method": "application_rbac", **_PRESENT},
        ),
    ),
    "service_account": (
        Step(
            "service_account",
            "create the service account",
            "o365_service_account",
            {**_PRESENT, "licenses": [{}], "wait_for_mailbox": True},
        ),
        Step(
            "impersonation",
            "let the service account open the calendars in scope",
            "o365_impersonation",
            {"method": "application_impersonation", **_PRESENT},
        ),
        _EQUIPMENT_STEP,
        Step(
            "app",
            "enable OAuth for the service account",
            "o365_oauth_app",
            {**_CONSENT, "permissions": [{"delegated": ["EWS.AccessAsUser.All"]}]},
        ),
    ),
}
# Steps that are only taken where somebody asks for them.
OTHER_STEPS = (
    Step("ews_access", "keep EWS open for the app", "o365_ews_access", _PRESENT),
    Step("delegates", "let delegates open the equipment's mailbox", "o365_mailbox_delegate", _PRESENT),
    Step("addin", "offer the Outlook add-in", "o365_outlook_addin", _PRESENT),
)
STEP_NAMES = tuple(dict.fromkeys(step.name for steps in (*STEPS.values(), OTHER_STEPS) for step in steps))


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
