# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between a tenant and working scheduling: findings, and the facts that they are made from. Pure functions.

The facts are the sections of the module's result. Each has ``readable``, and ``reason`` when something in it was not; what was
not read is None, and nothing is found of it but that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

from .._granted import By, Granted, in_words
from .._module_rights import OTHER_STEPS, STEPS, Step, of_module
from .._rights import (
    DIRECTORY_ROLE,
    EXCHANGE_ONLINE,
    GRAPH,
    MANAGE_EXCHANGE,
    READ_APPLICATIONS,
    READ_LICENCES,
    READ_ORGANIZATION,
    READ_POLICIES,
    READ_USERS,
    VIEW_EXCHANGE,
    Need,
    Right,
    is_role,
)
from .._text import visible

if TYPE_CHECKING:
    from ._readers import Object

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """Something to know or to do.

    Args:
        id: stays the same from version to version; several findings may share it.
        severity: error when the set-up would fail, or does not work.
        what, why, do: what was found, why it matters, and what to do, as sentences.
    """

    id: str
    severity: Severity
    what: str
    why: str
    do: str

    def shown(self) -> dict[str, str]:
        """As the module returns it; names that others gave hide nothing."""
        shown: dict[str, str] = visible(asdict(self))
        return shown


@dataclass(frozen=True)
class Facts:
    """What was read of a tenant, and what for.

    Args:
        access: app_permissions or service_account.
        today: in UTC.
        app_id, account, equipment: the application, the service account and the equipment mailbox; None when not named.
        app_name: the unique name of an application that is not registered yet.
        licenses: part numbers or ids of the licences that the service account is to have; () for any that does.
        steps: the steps that are to be taken, by name; None for those of Pexip's page.
        sections: by name; those that nobody asked for are None.
    """

    access: str
    today: date
    app_id: str | None = None
    account: str | None = None
    equipment: str | None = None
    app_name: str | None = None
    licenses: Sequence[str] = ()
    steps: Sequence[str] | None = None
    sections: Mapping[str, Object | None] = field(default_factory=dict)

    @property
    def for_account(self) -> bool:
        """Whether a service account is to sign in, and no application as itself."""
        return self.access == "service_account"

    def of(self, section: str) -> Object:
        """A section's members; {} when nobody asked for it."""
        return self.sections.get(section) or {}


def plural(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names)


# --- what could not be read -------------------------------------------------------------------------------------------

# By section: what it is called, and what reading it takes.
PARTS: Mapping[str, tuple[str, tuple[Need, ...]]] = {
    "caller": ("The rights of the caller", ()),
    "organization": ("The tenant's name and domains", (READ_ORGANIZATION,)),
    "licenses": ("The licences", (READ_LICENCES,)),
    "exchange": ("The settings of Exchange Online", (MANAGE_EXCHANGE, VIEW_EXCHANGE)),
    "mailboxes": ("The settings of the mailboxes", (MANAGE_EXCHANGE, VIEW_EXCHANGE, READ_USERS)),
    "sign_in": ("What a sign-in of the service account has to pass", (READ_USERS, READ_POLICIES)),
    "scope": ("What the application was granted", (READ_APPLICATIONS, MANAGE_EXCHANGE, VIEW_EXCHANGE)),
}


def unreadable(facts: Facts) -> Iterator[Finding]:
    """Each section of which something could not be read, with the rights that reading it takes."""
    by = _by(facts)
    for name, (words, needs) in PARTS.items():
        section = facts.of(name)
        if not section or section["readable"]:
            continue
        spare = name == "licenses" and not facts.for_account
        yield Finding(
            f"unreadable-{name.replace('_', '-')}",
            "info" if spare else "warning",
            f"{words} could not be read, or not all of it. {section['reason']}",
            "What is wrong there stays unknown.",
            f"Reading it takes {' and '.join(in_words(need, by) for need in needs)}."
            if needs
            else "Consent to permissions of the app on Microsoft Graph and on Office 365 Exchange Online.",
        )


# --- the caller's rights ----------------------------------------------------------------------------------------------


def _by(facts: Facts) -> By:
    return "person" if facts.of("caller").get("kind") == "person" else "application"


def missing_rights(facts: Facts) -> Iterator[Finding]:
    """Each step for which the caller lacks a right."""
    caller = facts.of("caller")
    held = {of: caller.get(name) for of, name in _PERMISSIONS.items()}
    known = {of for of, names in held.items() if names is not None}
    roles = caller.get("directory_roles") or []
    rights = {Right(of, name) for of, names in held.items() for name in names or ()}
    granted = Granted(_by(facts), frozenset(rights | {Right(DIRECTORY_ROLE, name) for name in roles}), bool(known))
    steps = STEPS[facts.access]
    if facts.steps is not None:
        steps = tuple(step for step in (*steps, *OTHER_STEPS) if step.name in facts.steps)
    for step in steps:
        needs = [need for need in of_module(step.module, step.options) if known & _services(need)]
        lacking = granted.lacks(needs)
        if lacking:
            yield _missing_right(facts, step, lacking)


_PERMISSIONS: Mapping[str, str] = {GRAPH: "graph_permissions", EXCHANGE_ONLINE: "exchange_permissions"}


def _services(need: Need) -> set[str]:
    """The services whose token shows whether a need is met; directory roles stand in every token."""
    services = {right.of for right in need.application if not is_role(right)}
    return services or set(_PERMISSIONS)


def _missing_right(facts: Facts, step: Step, lacking: Sequence[Need]) -> Finding:
    words = " and ".join(in_words(need, _by(facts)) for need in lacking)
    # Exchange counts membership in its own role groups as well, which no token shows.
    hidden = all(is_role(right) for need in lacking for right in need.application)
    unsure = hidden and bool(facts.of("exchange").get("readable"))
    beside = " Exchange answers the caller without it, so it may belong to a role group of Exchange's own." * unsure
    return Finding(
        "missing-right",
        "warning" if unsure else "error",
        f"To {step.words}, the caller lacks {words}.{beside}",
        f"{step.module} needs it to {' and to '.join(need.purpose for need in lacking)}.",
        "Grant it to the app that Ansible signs in with, or leave this step to somebody else.",
    )


# --- the tenant -------------------------------------------------------------------------------------------------------


def foreign_domains(facts: Facts) -> Iterator[Finding]:
    """Addresses to be made in domains that the tenant has not verified."""
    domains = facts.of("organization").get("domains")
    wanted = [one for one in (facts.equipment, facts.account if facts.for_account else None) if one]
    for address in wanted if domains is not None else []:
        domain = address.rpartition("@")[2].lower()
        if domain not in [one.lower() for one in domains or []]:
            yield Finding(
                "domain-not-verified",
                "error",
                f"{address} is in no verified domain of the tenant. It has: {plural(domains or [])}.",
                "Microsoft 365 makes no account and no mailbox in another domain.",
                f"Verify {domain} in the tenant, or choose another address.",
            )
