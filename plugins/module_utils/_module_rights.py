# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights each module needs with which options, and each documented step, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ._rights import (
    ASSIGN_LICENCES,
    DELETE_USERS,
    GRANT_APP_ROLES,
    MANAGE_EXCHANGE,
    OPEN_MAILBOXES,
    ORGANIZATION,
    READ_ALL_APPLICATIONS,
    READ_APPLICATIONS,
    READ_DIRECTORY,
    READ_DOMAINS,
    READ_GRANTS,
    READ_LICENCES,
    READ_MAILBOX_SETTINGS,
    READ_ORGANIZATION,
    READ_POLICIES,
    READ_USERS,
    RECIPIENTS,
    REVOKE_APP_ROLES,
    SET_PASSWORDS,
    VIEW_CALENDARS,
    VIEW_EXCHANGE,
    WRITE_APPLICATIONS,
    WRITE_GRANTS,
    WRITE_USERS,
    Need,
)

GIVEN = "given"
"""Stands for any value but None."""
FILLED = "filled"
"""Stands for any value that is not empty."""

_PRESENT: Mapping[str, Any] = {"state": "present"}
_CONSENT: Mapping[str, Any] = {**_PRESENT, "admin_consent": True}


class Rule(NamedTuple):
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
