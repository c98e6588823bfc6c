# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about the service account: its licence, and what its sign-in has to pass. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._findings import Facts, Finding, Severity, plural

if TYPE_CHECKING:
    from ._readers import Object

EXCHANGE_APP_ID = "00000002-0000-0ff1-ce00-000000000000"
_DEVICES = {"compliantDevice", "domainJoinedDevice", "approvedApplication", "compliantApplication"}
_RISKS = ("userRiskLevels", "signInRiskLevels", "servicePrincipalRiskLevels", "insiderRiskLevels")


# --- licences ---------------------------------------------------------------------------------------------------------


def licences(facts: Facts) -> Iterator[Finding]:
    """Whether the service account has, or can get, a licence with a mailbox that EWS opens."""
    skus, seen = facts.of("licenses").get("skus"), facts.of("sign_in").get("account")
    # What an account has that could not be read is not known; one that was not named has nothing.
    if not facts.for_account or skus is None or (facts.account and seen is None):
        return
    account = seen or {}
    held = set(account.get("licenses") or [])
    known = {name.lower(): sku for sku in skus for name in (sku["sku"], sku["sku_id"])}
    unknown = [name for name in facts.licenses if name.lower() not in known]
    if unknown:
        yield Finding(
            "unknown-licence",
            "error",
            f"The tenant has no licence {plural(unknown)}. It has: {plural(sorted(sku['sku'] for sku in skus)) or 'none'}.",
            "It cannot be assigned to the service account.",
            "Buy it, or name one that the tenant has.",
        )
        return
    named = [known[name.lower()] for name in facts.licenses]
    wanted = [sku for sku in named if sku["sku"] not in held]
    after = [*named, *(sku for sku in skus if sku["sku"] in held)]
    if after:
        yield from _carries(after, account)
        yield from (_no_seat(sku) for sku in wanted if sku["free"] < 1)
    elif not any(sku["ews"] and sku["free"] > 0 for sku in skus):
        shown = [f"{sku['sku']} ({sku['bought']} bought, {sku['used']} used)" for sku in skus if sku["ews"]]
        yield Finding(
            "no-free-seat",
            "error",
            f"No licence with a mailbox that EWS opens has a free seat: {plural(shown) or 'the tenant has none'}.",
            "The service account needs one.",
            "Buy a seat of Exchange Online, or free one.",
        )


def _no_seat(sku: Object) -> Finding:
    return Finding(
        "no-free-seat",
        "error",
        f"No seat of {sku['sku']} is free: {sku['bought']} bought, {sku['used']} used.",
        "It cannot be assigned to the service account.",
        "Buy a seat or free one.",
    )


def _carries(skus: Sequence[Object], account: Object) -> Iterator[Finding]:
    """Whether one of these licences makes a mailbox that EWS opens; plans that the account has switched off do not count."""
    names = plural(sorted({sku["sku"] for sku in skus}))
    plans = account.get("mailbox_plans")
    settled = plans is not None and {sku["sku"] for sku in skus} <= set(account.get("licenses") or [])
    mailbox = bool(plans) if settled else any(sku["mailbox"] for sku in skus)
    ews = account["ews"] if settled else any(sku["ews"] for sku in skus)
    if not mailbox:
        yield Finding(
            "no-mailbox-plan",
            "error",
            f"The licences of the service account ({names}) have no plan that makes a mailbox, or it is switched off.",
            "Without a mailbox there is no access through EWS.",
            "Give it a licence with Exchange Online Plan 1 or 2.",
        )
    elif not ews:
        yield Finding(
            "frontline-licence",
            "error",
            f"The licences of the service account ({names}) are frontline ones, with Exchange Online Kiosk.",
            "EWS is closed to mailboxes with such licences alone since 30 June 2026.",
            "Give it a licence with Exchange Online Plan 1 or 2.",
        )


# --- the sign-in ------------------------------------------------------------------------------------------------------


def concerning(policies: Iterable[Object], account_id: str | None, member_of: set[str]) -> list[Object]:
    """The conditional access policies that concern a sign-in to Exchange Online with a browser, in few words.

    Args:
        policies: Graph's conditionalAccessPolicy documents.
        account_id: the object id of who signs in; None for somebody who is not there yet.
        member_of: ids of groups, and template ids of directory roles.

    Returns:
        Entries with ``name``, ``state`` (enabled, report_only), ``effects`` (block, device, interaction, frequency) and
        ``certain``: whether it applies always, or depends on something that is not known here, such as the place.
    """
    found = []
    for policy in policies:
        conditions = policy["conditions"]
        effects = _effects(policy)
        if policy["state"] == "disabled" or not effects or not _concerns(conditions, account_id, member_of):
            continue
        state = "enabled" if policy["state"] == "enabled" else "report_only"
        name = policy.get("displayName") or policy.get("id")
        found.append({"name": name, "state": state, "effects": effects, "certain": _certain(conditions)})
    return found


def _effects(policy: Object) -> list[str]:
    grant, session = policy.get("grantControls") or {}, policy.get("sessionControls") or {}
    controls = set(grant.get("builtInControls") or [])
    others = controls - _DEVICES - {"block"}
    person = others or any(
        grant.get(name) for name in ("authenticationStrength", "termsOfUse", "customAuthenticationFactors")
    )
    # Of controls joined by OR, one that a person can satisfy in the browser is enough.
    device = bool(controls & _DEVICES) and not (grant.get("operator") == "OR" and person)
    effects = {
        "block": "block" in controls,
        "device": device,
        "interaction": bool(person),
        "frequency": bool((session.get("signInFrequency") or {}).get("isEnabled")),
    }
    return [name for name, there in effects.items() if there]


def _concerns(conditions: Object, account_id: str | None, member_of: set[str]) -> bool:
    kinds = set(conditions.get("clientAppTypes") or ["all"])
    transfer = (conditions.get("authenticationFlows") or {}).get("transferMethods") or "none"
    return (
        bool(kinds & {"all", "browser", "mobileAppsAndDesktopClients"})
        and transfer == "none"
        and _concerns_user(conditions.get("users") or {}, account_id, member_of)
        and _concerns_exchange(conditions.get("applications") or {})
    )


def _concerns_user(users: Object, account_id: str | None, member_of: set[str]) -> bool:
    def names(verb: str) -> bool:
        belongs = {*_list(users, f"{verb}Groups"), *_list(users, f"{verb}Roles")}
        listed = _list(users, f"{verb}Users")
        return "All" in listed or bool(account_id and account_id in listed) or bool(belongs & member_of)

    return names("include") and not names("exclude")


def _concerns_exchange(applications: Object) -> bool:
    def names(verb: str) -> bool:
        listed = {one.lower() for one in _list(applications, f"{verb}Applications")}
        return bool(listed & {EXCHANGE_APP_ID, "office365"}) or (verb == "include" and "all" in listed)

    return names("include") and not names("exclude")


def _certain(conditions: Object) -> bool:
    kinds = set(conditions.get("clientAppTypes") or ["all"])
    return (
        bool(kinds & {"all", "browser"})
        and not any(conditions.get(name) for name in (*_RISKS, "devices"))
        and all(_everywhere(conditions.get(name), name) for name in ("locations", "platforms"))
    )


def _everywhere(condition: Mapping[str, Any] | None, name: str) -> bool:
    if not condition:
        return True
    included = [one.lower() for one in _list(condition, f"include{name.capitalize()}")]
    return "all" in included and not _list(condition, f"exclude{name.capitalize()}")


def _list(document: Mapping[str, Any], name: str) -> list[str]:
    return document.get(name) or []


_EFFECTS: Mapping[str, tuple[str, str]] = {
    "block": ("forbids the sign-in", "Exclude the account from it."),
    "device": ("asks for a device or a program that the organization manages", "Exclude the account from it."),
    "interaction": (
        "asks the person at the browser for more, such as a second factor",
        "Register what it asks for with the account before its sign-in, or exclude the account.",
    ),
    "frequency": (
        "asks for a new sign-in after a time",
        "Exclude the account, or have somebody sign in again each time.",
    ),
}


def sign_in(facts: Facts) -> Iterator[Finding]:
    """What would stop the sign-in of the service account, or end it."""
    section = facts.of("sign_in")
    account, defaults = section.get("account") or {}, section.get("security_defaults")
    if account.get("enabled") is False:
        yield Finding(
            "account-disabled",
            "error",
            f"The service account {facts.account} is disabled.",
            "It cannot sign in.",
            "Enable it.",
        )
    if defaults:
        yield Finding(
            "security-defaults",
            "warning",
            "Security defaults are on.",
            "They make everybody register a second factor, so the first sign-in of the service account stops there.",
            "Register one with the account, or use conditional access with an exception in place of security defaults.",
        )
    for policy in section.get("policies") or []:
        yield _of_policy(policy)


def _of_policy(policy: Object) -> Finding:
    stops = bool({"block", "device"} & set(policy["effects"]))
    severity: Severity = "error" if stops and policy["certain"] else "warning"
    if policy["state"] != "enabled":
        severity = "info"
    words = " and ".join(_EFFECTS[one][0] for one in policy["effects"])
    state = "" if policy["state"] == "enabled" else ", which only reports so far,"
    depends = "" if policy["certain"] else ", under conditions that are not known here"
    return Finding(
        "conditional-access",
        severity,
        f"The conditional access policy {policy['name']}{state} {words}{depends}.",
        "It concerns the service account's sign-in for Exchange Online, which the scheduler depends on.",
        " ".join(dict.fromkeys(_EFFECTS[one][1] for one in policy["effects"])),
    )
