# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found in a tenant: each finding from the facts that make it, and from those that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils import _module_rights, _rights
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources import _findings, _tenant_shown
from ansible_collections.vmrops.o365.plugins.module_utils._resources import _findings_account as account
from ansible_collections.vmrops.o365.plugins.module_utils._resources import _findings_exchange as exchange
from ansible_collections.vmrops.o365.plugins.module_utils._resources._findings import Facts, Finding
from ansible_collections.vmrops.o365.plugins.module_utils._resources.tenant_info import JUDGES, TenantInfo

Data = dict[str, Any]
Judge = Callable[[Facts], Iterator[Finding]]

TODAY = date(2026, 8, 1)
PEXIP, OTHER = "4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11", "0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42"
PERSON = "pexip@contoso.com"
STANDARD: Data = {
    "sku": "EXCHANGESTANDARD",
    "sku_id": "s-1",
    "bought": 5,
    "used": 4,
    "free": 1,
    "mailbox": True,
    "ews": True,
}
KIOSK: Data = {**STANDARD, "sku": "EXCHANGEDESKLESS", "sku_id": "s-2", "ews": False}
FLOW: Data = {**STANDARD, "sku": "FLOW_FREE", "sku_id": "s-3", "mailbox": False, "ews": False}
EWS: Data = {"enabled": True, "app_ids": [PEXIP], "user_agent_policy": None, "user_agents": [], "ends_on": "2027-04-01"}
BOX: Data = {
    "address": "alice@contoso.com",
    "exists": True,
    "ews_enabled": None,
    "user_agent_policy": None,
    "user_agents": [],
    "frontline": False,
}
READY: dict[str, Data] = {
    "caller": {
        "kind": "application",
        "graph_permissions": [
            *("User.ReadWrite.All", "Directory.ReadWrite.All", "Application.ReadWrite.All", "MailboxSettings.Read"),
            *("DelegatedPermissionGrant.ReadWrite.All", "Domain.Read.All"),
        ],
        "exchange_permissions": ["Exchange.ManageAsApp"],
        "directory_roles": ["Exchange Administrator"],
    },
    "organization": {"domains": ["contoso.com"]},
    "licenses": {"skus": [STANDARD, KIOSK, FLOW]},
    "exchange": {
        "dehydrated": False,
        "impersonation_role": True,
        "impersonation_holders": [{"assignee": "Pexip", "everything": False}],
        "ews": EWS,
    },
    "mailboxes": {"mailboxes": [BOX]},
    "sign_in": {
        "account": {"exists": False, "enabled": None, "licenses": [], "mailbox_plans": [], "ews": False},
        "security_defaults": False,
        "policies": [],
    },
    "scope": {
        "tenant_wide_permissions": [],
        "roles": [{"role": "Application EWS.AccessAsApp", "scope": "Pexip", "everything": False}],
    },
}


def facts(access: str = "app_permissions", today: date = TODAY, **changes: Data | None) -> Facts:
    """A tenant that is ready, but for the members of sections that are given; None for a section that was not asked for."""
    sections: dict[str, Data | None] = {}
    for name, section in READY.items():
        change = changes.get(name, {})
        sections[name] = None if change is None else {"readable": True, "reason": None, **section, **change}
    return Facts(access, today, PEXIP, PERSON, "vmr@contoso.com", sections=sections)


def for_account(**changes: Any) -> Facts:
    """The same for a service account."""
    return facts("service_account", **changes)


def found(judge: Judge, about: Facts) -> list[tuple[str, str]]:
    """The findings' ids and severities; all of them must say what, why and what to do."""
    findings = list(judge(about))
    for one in findings:
        assert all(text.strip().endswith((".", "!")) for text in (one.what, one.why, one.do)), one
    return [(one.id, one.severity) for one in findings]


def only(judge: Judge, about: Facts) -> Finding:
    (one,) = judge(about)
    return one


# --- nothing wrong, nothing known -------------------------------------------------------------------------------------


@pytest.mark.parametrize("access", ["app_permissions", "service_account"])
def test_of_a_tenant_that_is_ready_only_the_end_of_ews_is_said(access: str) -> None:
    assert [one for judge in JUDGES for one in found(judge, facts(access))] == [("ews-ending", "warning")]


@pytest.mark.parametrize("access", ["app_permissions", "service_account"])
def test_of_what_could_not_be_read_nothing_else_is_said(access: str) -> None:
    """Unknown is not wrong: every member is None."""
    unread: dict[str, Any] = {
        name: {**dict.fromkeys(section), "readable": False, "reason": "Refused."} for name, section in READY.items()
    }
    ids = [name for judge in JUDGES for name, _severity in found(judge, facts(access, **unread))]
    assert ids == ["ews-ending", *(f"unreadable-{name.replace('_', '-')}" for name in _findings.PARTS)]


def test_what_nobody_asked_for_is_not_missed() -> None:
    about = facts(mailboxes=None, sign_in=None, scope=None)
    assert [one for judge in JUDGES for one in found(judge, about)] == [("ews-ending", "warning")]


# --- unreadable -------------------------------------------------------------------------------------------------------

UNREAD: Data = {"readable": False, "reason": "Could not read it: 403."}


@pytest.mark.parametrize(
    ("section", "right"),
    [
        ("organization", "Organization.Read.All"),
        ("licenses", "LicenseAssignment.Read.All"),
        ("exchange", "Global Reader"),
        ("mailboxes", "User.Read.All"),
        ("sign_in", "Policy.Read.All"),
        ("scope", "Application.Read.All"),
        ("caller", "Consent"),
    ],
)
def test_what_is_unreadable_names_the_right_that_it_takes(section: str, right: str) -> None:
    about = for_account(**{section: UNREAD})
    one = only(_findings.unreadable, about)
    assert (one.id, one.severity) == (f"unreadable-{section.replace('_', '-')}", "warning")
    assert "403" in one.what
    assert right in one.do


def test_licences_that_nobody_needs_are_only_news() -> None:
    assert found(_findings.unreadable, facts(licenses=UNREAD)) == [("unreadable-licenses", "info")]


# --- rights -----------------------------------------------------------------------------------------------------------


def test_a_missing_right_names_the_step_and_what_it_takes() -> None:
    about = facts(caller={"graph_permissions": ["User.Read.All"]})
    first, second = _findings.missing_rights(about)
    assert (first.id, first.severity) == ("missing-right", "error")
    assert first.what.startswith("To register the app, the caller lacks the application permission ")
    assert "Application.ReadWrite.OwnedBy" in first.what
    assert first.why.startswith("o365_oauth_app needs it to ")
    assert "let the app open the calendars in scope" in second.what


def test_a_role_group_of_exchange_may_stand_for_a_directory_role() -> None:
    """No token shows it; but a caller whom Exchange does not answer has none."""
    caller: Data = {"directory_roles": []}
    assert {severity for _id, severity in found(_findings.missing_rights, facts(caller=caller))} == {"warning"}
    refused = facts(caller=caller, exchange={"readable": False})
    assert {severity for _id, severity in found(_findings.missing_rights, refused)} == {"error"}


def test_of_a_token_that_cannot_be_read_no_right_is_missed() -> None:
    ids = [one.what for one in _findings.missing_rights(facts(caller={"exchange_permissions": None}))]
    assert ids == []


def test_a_person_lacks_delegated_permissions_and_roles() -> None:
    person: Data = {
        "kind": "person",
        "exchange_permissions": ["Exchange.Manage"],
        "directory_roles": ["Exchange Administrator"],
    }
    words = " ".join(one.what for one in _findings.missing_rights(facts(caller=person)))
    assert "for the person who signs in, the directory role Cloud Application Administrator" in words


def test_every_documented_step_is_looked_at() -> None:
    nothing: Data = {"graph_permissions": [], "exchange_permissions": [], "directory_roles": []}
    for access, steps in _module_rights.STEPS.items():
        words = [one.what for one in _findings.missing_rights(facts(access, caller=nothing))]
        assert len(words) == len(steps)
        assert all(step.words in text for step, text in zip(steps, words, strict=True))


def test_only_the_steps_that_are_taken_miss_rights() -> None:
    nothing: Data = {"graph_permissions": [], "exchange_permissions": [], "directory_roles": []}
    taken = replace(facts(caller=nothing), steps=["app", "addin"])
    words = [one.what for one in _findings.missing_rights(taken)]
    assert ["register the app" in words[0], "offer the Outlook add-in" in words[1]] == [True, True]
    assert len(words) == 2


# --- domains ----------------------------------------------------------------------------------------------------------


def test_addresses_must_be_in_verified_domains() -> None:
    about = for_account(organization={"domains": ["Fabrikam.com"]})
    assert found(_findings.foreign_domains, about) == [("domain-not-verified", "error")] * 2
    assert "Fabrikam.com" in next(_findings.foreign_domains(about)).what
    assert found(_findings.foreign_domains, facts(organization={"domains": ["CONTOSO.com"]})) == []


# --- licences ---------------------------------------------------------------------------------------------------------

HELD: Data = {"exists": True, "enabled": True, "licenses": ["EXCHANGESTANDARD"], "mailbox_plans": ["x"], "ews": True}
FULL: Data = {**STANDARD, "used": 5, "free": 0}


@pytest.mark.parametrize(
    ("names", "skus", "held", "expected"),
    [
        ((), [STANDARD], {}, []),
        ((), [FULL, KIOSK], {}, ["no-free-seat"]),
        ((), [], {}, ["no-free-seat"]),
        ((), [FULL], HELD, []),
        (("exchangestandard",), [FULL], {}, ["no-free-seat"]),
        (("S-1",), [FULL], HELD, []),
        (("SPE_E3",), [STANDARD], {}, ["unknown-licence"]),
        (("EXCHANGEDESKLESS",), [STANDARD, KIOSK], {}, ["frontline-licence"]),
        (("EXCHANGEDESKLESS",), [STANDARD, KIOSK], HELD, []),
        (("FLOW_FREE",), [STANDARD, FLOW], {}, ["no-mailbox-plan"]),
        ((), [KIOSK], {**HELD, "licenses": ["EXCHANGEDESKLESS"], "ews": False}, ["frontline-licence"]),
        ((), [STANDARD], {**HELD, "mailbox_plans": [], "ews": False}, ["no-mailbox-plan"]),
    ],
)
def test_licences(names: tuple[str, ...], skus: list[Data], held: Data, expected: list[str]) -> None:
    sign_in = {"account": {**READY["sign_in"]["account"], **held}}
    about = Facts(
        "service_account", TODAY, licenses=names, sections={**READY, "licenses": {"skus": skus}, "sign_in": sign_in}
    )
    assert found(account.licences, about) == [(one, "error") for one in expected]
    assert (
        found(account.licences, Facts("app_permissions", TODAY, licenses=names, sections={"licenses": {"skus": skus}}))
        == []
    )


def test_of_an_account_that_could_not_be_read_no_seat_is_missed() -> None:
    assert found(account.licences, for_account(licenses={"skus": [FULL]}, sign_in={"account": None})) == []


def test_no_free_seat_says_how_many_there_are() -> None:
    about = Facts("service_account", TODAY, licenses=["EXCHANGESTANDARD"], sections={"licenses": {"skus": [FULL]}})
    assert "5 bought, 5 used" in only(account.licences, about).what
    assert "5 bought, 5 used" in only(account.licences, Facts("service_account", TODAY, sections=about.sections)).what


# --- sign-in ----------------------------------------------------------------------------------------------------------


def test_a_disabled_account_cannot_sign_in() -> None:
    about = for_account(sign_in={"account": {**HELD, "enabled": False}})
    assert found(account.sign_in, about) == [("account-disabled", "error")]


def test_security_defaults_are_told() -> None:
    assert found(account.sign_in, for_account(sign_in={"security_defaults": True})) == [
        ("security-defaults", "warning")
    ]


@pytest.mark.parametrize(
    ("state", "effects", "certain", "severity"),
    [
        ("enabled", ["block"], True, "error"),
        ("enabled", ["device"], True, "error"),
        ("enabled", ["block"], False, "warning"),
        ("enabled", ["interaction", "frequency"], True, "warning"),
        ("report_only", ["block"], True, "info"),
    ],
)
def test_policies_by_what_they_do(state: str, effects: list[str], certain: bool, severity: str) -> None:
    policy = {"name": "No robots", "state": state, "effects": effects, "certain": certain}
    about = for_account(sign_in={"policies": [policy]})
    assert found(account.sign_in, about) == [("conditional-access", severity)]
    what = only(account.sign_in, about).what
    assert "No robots" in what
    assert ("not known here" in what) != certain


def policy(controls: Any = ("block",), state: str = "enabled", **more: Any) -> Data:
    """Graph's document of a policy for everybody and everything; ``users`` and ``applications`` are merged in."""
    users = {"includeUsers": ["All"], **more.pop("users", {})}
    applications = {"includeApplications": ["All"], **more.pop("applications", {})}
    grant = controls if isinstance(controls, dict) else {"operator": "OR", "builtInControls": list(controls)}
    conditions = {"clientAppTypes": ["all"], **more, "users": users, "applications": applications}
    return {"displayName": "P", "state": state, "conditions": conditions, "grantControls": grant}


def effects(one: Data, account_id: str | None = "u-1", member_of: frozenset[str] = frozenset({"g-1", "r-1"})) -> Any:
    """What the policy does to the account; None when it does not concern it."""
    seen = account.concerning([one], account_id, set(member_of))
    return seen[0]["effects"] if seen else None


@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        (["block"], ["block"]),
        (["mfa"], ["interaction"]),
        (["compliantDevice"], ["device"]),
        (["compliantDevice", "mfa"], ["interaction"]),
        ({"operator": "AND", "builtInControls": ["compliantDevice", "mfa"]}, ["device", "interaction"]),
        ({"operator": "OR", "builtInControls": [], "authenticationStrength": {"id": "x"}}, ["interaction"]),
        ({}, None),
    ],
)
def test_what_a_policy_asks_for(controls: Any, expected: Any) -> None:
    assert effects(policy(controls)) == expected


def test_a_session_that_ends_is_an_effect_too() -> None:
    session = {"signInFrequency": {"isEnabled": True, "value": 1, "type": "days"}}
    assert effects({**policy({}), "grantControls": None, "sessionControls": session}) == ["frequency"]


@pytest.mark.parametrize(
    ("more", "concerned"),
    [
        ({"state": "disabled"}, False),
        ({"users": {"excludeUsers": ["u-1"]}}, False),
        ({"users": {"excludeGroups": ["g-1"]}}, False),
        ({"users": {"excludeRoles": ["r-1"]}}, False),
        ({"users": {"includeUsers": ["u-2"]}}, False),
        ({"users": {"includeUsers": ["u-1"]}}, True),
        ({"users": {"includeUsers": [], "includeGroups": ["g-1"]}}, True),
        ({"users": {"includeUsers": ["None"], "includeRoles": ["r-2"]}}, False),
        ({"applications": {"includeApplications": ["Office365"]}}, True),
        ({"applications": {"includeApplications": [account.EXCHANGE_APP_ID]}}, True),
        ({"applications": {"includeApplications": ["some-other"]}}, False),
        ({"applications": {"includeApplications": [], "includeUserActions": ["urn:user:registerdevice"]}}, False),
        ({"applications": {"excludeApplications": [account.EXCHANGE_APP_ID]}}, False),
        ({"clientAppTypes": ["exchangeActiveSync", "other"]}, False),
        ({"authenticationFlows": {"transferMethods": "deviceCodeFlow"}}, False),
    ],
)
def test_whom_a_policy_concerns(more: Data, concerned: bool) -> None:
    assert (effects(policy(**more)) is not None) == concerned


def test_somebody_who_is_not_there_yet_is_everybody_and_nobody_else() -> None:
    assert effects(policy(), None, frozenset()) == ["block"]
    assert effects(policy(users={"includeUsers": ["u-1"]}), None, frozenset()) is None


@pytest.mark.parametrize(
    ("more", "certain"),
    [
        ({}, True),
        ({"locations": {"includeLocations": ["All"]}}, True),
        ({"locations": {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}}, False),
        ({"platforms": {"includePlatforms": ["android"]}}, False),
        ({"signInRiskLevels": ["high"]}, False),
        ({"devices": {"deviceFilter": {"mode": "include"}}}, False),
        ({"clientAppTypes": ["mobileAppsAndDesktopClients"]}, False),
    ],
)
def test_what_depends_on_something_unknown_is_not_certain(more: Data, certain: bool) -> None:
    assert account.concerning([policy(**more)], None, set())[0]["certain"] == certain


# --- the organization -------------------------------------------------------------------------------------------------


def test_a_dehydrated_tenant() -> None:
    about = facts(exchange={"dehydrated": True})
    assert found(exchange.dehydrated, about) == [("dehydrated", "error")]
    assert "Enable-OrganizationCustomization" in only(exchange.dehydrated, about).do


def test_the_role_that_a_service_account_needs() -> None:
    gone: Data = {"impersonation_role": False, "impersonation_holders": []}
    assert found(exchange.impersonation, for_account(exchange=gone)) == [("no-impersonation-role", "error")]
    assert found(exchange.impersonation, facts(exchange=gone)) == []


def test_who_may_act_for_everybody_is_named() -> None:
    holders = [{"assignee": "Backup", "everything": True}, {"assignee": "Pexip", "everything": False}]
    one = only(exchange.impersonation, facts(exchange={"impersonation_holders": holders}))
    assert (one.id, one.severity) == ("impersonation-unscoped", "warning")
    assert "Backup" in one.what
    assert "Pexip" not in one.what


@pytest.mark.parametrize(
    ("today", "severity", "words"),
    [
        (date(2026, 3, 31), "info", "in 366 days"),
        (date(2026, 4, 1), "warning", "in 365 days"),
        (date(2027, 3, 31), "warning", "in 1 days"),
        (date(2027, 4, 1), "error", "ended"),
    ],
)
def test_the_end_of_ews(today: date, severity: str, words: str) -> None:
    ends, *_others = exchange.ews(facts(today=today))
    assert (ends.id, ends.severity) == ("ews-ending", severity)
    assert words in ends.what


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, None),
        ({"app_ids": [OTHER, PEXIP]}, None),
        ({"app_ids": [OTHER]}, ("app-not-listed", "error")),
        ({"app_ids": []}, ("app-not-listed", "error")),
        ({"enabled": False}, ("ews-closed", "error")),
        ({"enabled": None, "app_ids": []}, ("ews-undecided", "warning")),
        ({"user_agent_policy": "EnforceBlockList", "user_agents": ["*"]}, ("ews-user-agents", "warning")),
    ],
)
def test_who_may_use_ews(state: Data, expected: tuple[str, str] | None) -> None:
    _ends, *others = found(exchange.ews, facts(exchange={"ews": {**EWS, **state}}))
    assert others == ([expected] if expected else [])


def test_an_app_that_is_not_known_yet_is_not_missed_on_the_list() -> None:
    about = Facts("app_permissions", TODAY, sections={"exchange": {"ews": {**EWS, "app_ids": [OTHER]}}})
    assert [one for one, _severity in found(exchange.ews, about)] == ["ews-ending"]
    named = replace(about, app_name="pexip")
    assert found(exchange.ews, named)[1:] == [("app-not-listed", "error")]
    assert "pexip, which is not registered yet" in list(exchange.ews(named))[1].what


@pytest.mark.parametrize(("today", "words"), [(date(2026, 9, 29), "in 2 days"), (date(2026, 10, 2), "any day now")])
def test_until_when_nobody_has_to_decide_on_ews(today: date, words: str) -> None:
    _ends, undecided = exchange.ews(facts(today=today, exchange={"ews": {**EWS, "enabled": None}}))
    assert words in undecided.why


# --- mailboxes and scope ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ({"exists": False}, [("no-mailbox", "warning")]),
        ({"exists": None}, []),
        ({"exists": False, "address": "VMR@contoso.com"}, []),
        ({"ews_enabled": False}, [("mailbox-ews-closed", "error")]),
        ({"ews_enabled": True}, []),
        ({"user_agent_policy": "EnforceAllowList"}, [("ews-user-agents", "warning")]),
        ({"frontline": True}, [("frontline-licence", "warning")]),
    ],
)
def test_mailboxes(box: Data, expected: list[tuple[str, str]]) -> None:
    about = facts(mailboxes={"mailboxes": [BOX, {**BOX, **box}]})
    assert found(exchange.mailboxes, about) == expected


def test_many_mailboxes_are_one_finding() -> None:
    boxes = [{**BOX, "address": f"u{number}@contoso.com", "ews_enabled": False} for number in range(3)]
    assert (
        "u0@contoso.com, u1@contoso.com, u2@contoso.com"
        in only(exchange.mailboxes, facts(mailboxes={"mailboxes": boxes})).what
    )


WIDE_ROLE: Data = {"role": "Application EWS.AccessAsApp", "scope": "Organization", "everything": True}


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"tenant_wide_permissions": ["full_access_as_app"]}, [("scope-void", "warning")]),
        ({"roles": [WIDE_ROLE, *READY["scope"]["roles"]]}, [("scope-void", "warning")]),
        ({"roles": [WIDE_ROLE]}, [("scope-organization", "info")]),
        ({"roles": []}, []),
    ],
)
def test_what_reaches_further_than_the_scope(section: Data, expected: list[tuple[str, str]]) -> None:
    assert found(exchange.scope, facts(scope=section)) == expected


@pytest.mark.parametrize(
    ("name", "wide"),
    [
        ("full_access_as_app", True),
        ("Calendars.ReadWrite", True),
        ("Mail.Read", True),
        ("MailboxSettings.Read", False),
        ("Exchange.ManageAsApp", False),
        ("User.Read.All", False),
    ],
)
def test_which_permissions_reach_into_every_mailbox(name: str, wide: bool) -> None:
    assert bool(exchange.WIDE.fullmatch(name)) == wide


# --- what is shown of what was read -----------------------------------------------------------------------------------


def test_the_caller_is_what_its_tokens_say() -> None:
    wids = ["f2ef992c-3afb-46b9-b7cf-a126ee74c451", "0997a1d0-0d1d-4acb-b408-d5ca73121e90", "unheard-of"]
    graph = {"appid": PEXIP, "app_displayname": "A", "roles": ["b", "a"], "wids": wids}
    seen = _tenant_shown.caller({_rights.GRAPH: graph, _rights.EXCHANGE_ONLINE: {}})
    assert (seen["app_id"], seen["kind"], seen["user"]) == (PEXIP, "application", None)
    assert (seen["graph_permissions"], seen["exchange_permissions"]) == (["a", "b"], None)
    assert seen["directory_roles"] == ["Global Reader", "unheard-of"]
    person = _tenant_shown.caller({_rights.GRAPH: {"scp": "y x", "upn": PERSON}})
    assert (person["kind"], person["user"], person["graph_permissions"]) == ("person", PERSON, ["x", "y"])


@pytest.mark.parametrize(
    ("plans", "mailbox", "ews"),
    [
        (["EXCHANGE_S_STANDARD"], True, True),
        (["EXCHANGE_S_DESKLESS"], True, False),
        (["EXCHANGE_S_DESKLESS", "EXCHANGE_S_ENTERPRISE"], True, True),
        (["EXCHANGE_S_FOUNDATION"], False, False),
    ],
)
def test_what_a_licence_carries(plans: list[str], mailbox: bool, ews: bool) -> None:
    units = {"enabled": 3, "warning": 1}
    services = [{"servicePlanId": name, "servicePlanName": name} for name in plans]
    sku = {"skuId": "1", "skuPartNumber": "X", "servicePlans": services, "prepaidUnits": units, "consumedUnits": 5}
    shown = _tenant_shown.licence(sku)
    assert (shown["mailbox"], shown["ews"]) == (mailbox, ews)
    assert (shown["bought"], shown["used"], shown["free"]) == (4, 5, 0)


def test_who_may_only_pass_a_role_on_does_not_act() -> None:
    assert _tenant_shown.acts({"RoleAssignmentDelegationType": "Regular", "Enabled": "True"})
    assert not _tenant_shown.acts({"RoleAssignmentDelegationType": "DelegatingOrgWide"})
    assert not _tenant_shown.acts({"Enabled": False})


def test_the_list_that_a_policy_enforces_is_shown() -> None:
    settings = {"EwsApplicationAccessPolicy": "EnforceBlockList", "EwsAllowList": ["a"], "EwsBlockList": "b"}
    assert _tenant_shown.user_agents(settings) == {"user_agent_policy": "EnforceBlockList", "user_agents": ["b"]}
    assert _tenant_shown.user_agents({"EwsBlockList": ["b"]}) == {"user_agent_policy": None, "user_agents": []}


# --- options ----------------------------------------------------------------------------------------------------------

OPTIONS: Mapping[str, Any] = {
    "access": "app_permissions",
    "cloud": "global",
    "app_id": None,
    "app_unique_name": None,
    "steps": None,
    "equipment_address": "vmr@contoso.com",
    "service_account_user_principal_name": PERSON,
    "licenses": None,
    "mailboxes": ["Alice@contoso.com", "alice@contoso.com", "VMR@contoso.com"],
}


def test_each_address_is_looked_at_once_and_the_account_only_where_it_is_used() -> None:
    assert TenantInfo(OPTIONS, 0).addresses == ["vmr@contoso.com", "alice@contoso.com"]
    with_account = TenantInfo({**OPTIONS, "access": "service_account"}, 0)
    assert with_account.addresses == ["vmr@contoso.com", PERSON, "alice@contoso.com"]


def test_an_application_id_is_a_guid() -> None:
    with pytest.raises(Refused, match=r"^app_id: "):
        TenantInfo({**OPTIONS, "app_id": "Pexip"}, 0)
