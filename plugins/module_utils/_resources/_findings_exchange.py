# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about Exchange Online: EWS, Application Impersonation, and what reaches further than a scope. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from ._findings import Facts, Finding, Severity, plural
from ._grants import IMPERSONATION_ROLE
from .ews_access import ENDS_ON

if TYPE_CHECKING:
    from ._readers import Object

# From this day Microsoft switches EWS off, tenant by tenant, where an organization has not decided (MC1227454).
CLOSES_FROM = "2026-10-01"
_FAR = 365
# Application permissions of Microsoft Graph and of Exchange that reach into every mailbox.
WIDE = re.compile(r"full_access_as_app|(Mail|Calendars|Contacts|MailboxFolder|MailboxItem)\..+")


# --- the organization -------------------------------------------------------------------------------------------------


def dehydrated(facts: Facts) -> Iterator[Finding]:
    """Whether the organization takes role assignments at all."""
    if facts.of("exchange").get("dehydrated"):
        yield Finding(
            "dehydrated",
            "error",
            "The organization's settings were never customized (it is dehydrated).",
            "Exchange refuses to make role assignments in it.",
            "Run Enable-OrganizationCustomization once, wait until it has taken effect, and run again.",
        )


def impersonation(facts: Facts) -> Iterator[Finding]:
    """Whether the role ApplicationImpersonation is there where it is needed, and who has it over everything."""
    exchange = facts.of("exchange")
    if facts.for_account and exchange.get("impersonation_role") is False:
        yield Finding(
            "no-impersonation-role",
            "error",
            f"The tenant has no role {IMPERSONATION_ROLE} any more.",
            "Microsoft removed it from Exchange Online; without it no service account can act for users.",
            "Use access: app_permissions.",
        )
    wide = [str(one["assignee"]) for one in exchange.get("impersonation_holders") or [] if one["everything"]]
    if wide:
        yield Finding(
            "impersonation-unscoped",
            "warning",
            f"{plural(wide)} may act for every user of the tenant: the role {IMPERSONATION_ROLE} without a scope.",
            "Whoever has the password of one has every mailbox.",
            "Give the role assignment a scope, or remove it where nobody needs it.",
        )


def ews(facts: Facts) -> Iterator[Finding]:
    """Whether the organization leaves EWS open to the application, and until when."""
    yield _ends(facts.today)
    state = facts.of("exchange").get("ews")
    if state is None:
        return
    listed, app = state["app_ids"], (facts.app_id or "").lower()
    merge = "Run o365_ews_access with the application id: it merges it into the list, and switches EWS on."
    if state["enabled"] is False:
        yield Finding(
            "ews-closed",
            "error",
            "EWS is switched off for the organization.",
            "Exchange answers every request over EWS with 403, and Pexip's scheduler speaks nothing else.",
            merge,
        )
    elif state["enabled"] is None:
        yield _undecided(facts.today)
    elif not listed:
        yield Finding(
            "app-not-listed",
            "error",
            "EWS is switched on, and the list of applications that may use it (EwsAllowedAppIDs) is empty.",
            "Exchange then keeps every application out.",
            merge,
        )
    elif (app or facts.app_name) and app not in listed:
        name = facts.app_id or f"{facts.app_name}, which is not registered yet,"
        yield Finding(
            "app-not-listed",
            "error",
            f"The application {name} is not on the list of those that may use EWS: {plural(listed)}.",
            "Exchange answers its requests over EWS with 403.",
            merge,
        )
    if state["user_agent_policy"]:
        yield _user_agents("The organization", state)


def _days(today: date, moment: str) -> int:
    return (date.fromisoformat(moment) - today).days


def _ends(today: date) -> Finding:
    left = _days(today, ENDS_ON)
    severity: Severity = "error" if left <= 0 else "warning" if left <= _FAR else "info"
    when = f"ends for everybody on {ENDS_ON}, in {left} days" if left > 0 else f"ended for everybody on {ENDS_ON}"
    return Finding(
        "ews-ending",
        severity,
        f"EWS in Exchange Online {when}.",
        "Pexip's scheduler speaks EWS. Microsoft knows no exceptions.",
        "Ask Pexip what takes its place.",
    )


def _undecided(today: date) -> Finding:
    left = _days(today, CLOSES_FROM)
    when = f"from {CLOSES_FROM}, in {left} days" if left > 0 else f"since {CLOSES_FROM}, so any day now"
    return Finding(
        "ews-undecided",
        "warning",
        "EWS was never switched on or off for the organization.",
        f"It is open to every application. Where nobody has decided, Microsoft switches it off, tenant by tenant, {when}.",
        "Run o365_ews_access with every application that needs EWS.",
    )


def _user_agents(whose: str, state: Object) -> Finding:
    return Finding(
        "ews-user-agents",
        "warning",
        f"{whose} has the User-Agent policy {state['user_agent_policy']} for EWS: {plural(state['user_agents']) or 'none'}.",
        "An application has to pass it beside the list of applications.",
        "Compare it with the User-Agent that Pexip Infinity sends.",
    )


# --- mailboxes --------------------------------------------------------------------------------------------------------


def mailboxes(facts: Facts) -> Iterator[Finding]:
    """Whether the named mailboxes are there, and leave EWS open."""
    found = facts.of("mailboxes").get("mailboxes") or []
    ours = {one.lower() for one in (facts.equipment, facts.account) if one}
    missing = [one["address"] for one in found if one["exists"] is False and one["address"].lower() not in ours]
    if missing:
        yield Finding(
            "no-mailbox",
            "warning",
            f"Exchange knows no mailbox {plural(missing)}.",
            "Nobody can schedule with it.",
            "Check the address, and whether the licence has made the mailbox yet.",
        )
    closed = [one["address"] for one in found if one["ews_enabled"] is False]
    if closed:
        yield Finding(
            "mailbox-ews-closed",
            "error",
            f"EWS is switched off for {plural(closed)}.",
            "Exchange answers requests for this mailbox with 403, whatever the organization allows.",
            "Run Set-CASMailbox with EwsEnabled true for it, or ask who switched it off.",
        )
    yield from (_user_agents(one["address"], one) for one in found if one["user_agent_policy"])
    frontline = [one["address"] for one in found if one["frontline"]]
    if frontline:
        yield Finding(
            "frontline-licence",
            "warning",
            f"{plural(frontline)} has frontline licences alone, with Exchange Online Kiosk.",
            "EWS is closed to such mailboxes since 30 June 2026; the scheduler cannot answer for them.",
            "Give a licence with Exchange Online Plan 1 or 2 to whoever is to schedule.",
        )


# --- scope ------------------------------------------------------------------------------------------------------------


def scope(facts: Facts) -> Iterator[Finding]:
    """Grants that reach every mailbox beside a scope: reach is the union of all of them."""
    section = facts.of("scope")
    granted: Sequence[str] = section.get("tenant_wide_permissions") or []
    if granted:
        yield Finding(
            "scope-void",
            "warning",
            f"Entra ID grants the application {plural(granted)}, which reaches into every mailbox.",
            "An application reaches the union of all that it was granted, so a scoped role narrows nothing.",
            "Remove the grant once the scoped role is proved.",
        )
    roles = section.get("roles") or []
    wide = [one["role"] for one in roles if one["everything"]]
    if wide and len(wide) < len(roles):
        yield Finding(
            "scope-void",
            "warning",
            f"The application has the role {plural(wide)} over the whole organization, beside others with a scope.",
            "An application reaches the union of all that it was granted, so a scoped role narrows nothing.",
            "Remove the role assignment without a scope.",
        )
    elif wide:
        yield Finding(
            "scope-organization",
            "info",
            f"The application has the role {plural(wide)} over the whole organization.",
            "It opens every mailbox.",
            "Give it a scope if not everybody is meant.",
        )
