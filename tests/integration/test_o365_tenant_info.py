# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module o365_tenant_info, run by ansible-playbook on simulated tenants of several kinds."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils import _module_rights, _rights
from ansible_collections.vmrops.o365.plugins.module_utils._resources.tenant_info import TenantInfo
from ansible_collections.vmrops.o365.plugins.module_utils._rights import Right
from support.ansible import Ansible, Result
from support.examples import examples
from support.exchange import ExchangeAdministrator
from support.graph import Administrator
from support.in_process import Person, new_run
from support.returned import differences
from support.simulator import Simulator, wherever
from support.tasks import good, refused, task

Data = dict[str, Any]
Start = Callable[..., Simulator]

MODULE = "o365_tenant_info"
PEXIP: Data = {
    "name": "Pexip",
    "client_id": "4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11",
    "client_secret": "seeded-secret",
    "exchange_roles": ["full_access_as_app"],
}
PASSWORD = "Correct-horse-battery-7"
OTHER = "0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42"
ACCOUNT = {"access": "service_account", "service_account_user_principal_name": "pexip@contoso.com"}
SECTIONS = ("caller", "organization", "licenses", "exchange", "mailboxes", "sign_in", "scope")
# What every tenant is told.
ALWAYS = {("ews-ending", "warning")}


def step(title: str, check: bool = False, **options: Any) -> Data:
    """A task of this module."""
    return task(title, MODULE, check, **options)


def told(result: Any) -> set[tuple[str, str]]:
    """The findings' ids and severities, less what every tenant is told."""
    return {(one["id"], one["severity"]) for one in result["findings"]} - ALWAYS


def one(result: Any, name: str) -> Data:
    """The one finding of that id."""
    (found,) = (finding for finding in result["findings"] if finding["id"] == name)
    return dict(found)


def run(tenant: Simulator, ansible: Ansible, *tasks: Data) -> list[Result]:
    """The results of tasks, none of which failed, changed or wrote anything."""
    with tenant.no_writes():
        results = good(ansible.tasks(list(tasks), tenant.auth()), *(one["name"] for one in tasks))
    assert not any(one.changed for one in results)
    return results


OPTIONS: Data = {
    "access": "app_permissions",
    "cloud": "global",
    "app_id": None,
    "app_unique_name": None,
    "steps": None,
    "equipment_address": None,
    "service_account_user_principal_name": None,
    "licenses": None,
    "mailboxes": None,
}
EVERYTHING: Data = {**OPTIONS, **ACCOUNT, "app_id": PEXIP["client_id"], "mailboxes": ["alice@contoso.com"]}


def look(tenant: Simulator, options: Data, person: Person | None = None, **auth: Any) -> Data:
    """The module's result, without Ansible; nothing may have been written."""
    with tenant.no_writes():
        run = new_run(
            TenantInfo({**OPTIONS, **options}, time.time()), {**tenant.auth(), **auth}, wait_timeout=0, person=person
        )
        return run.reconcile()


# --- tenants ----------------------------------------------------------------------------------------------------------


def test_a_tenant_before_anything_is_made(tenant: Simulator, ansible: Ansible) -> None:
    named = {"equipment_address": "vmr@contoso.com", "mailboxes": ["alice@contoso.com", "nobody@contoso.com"]}
    before, foreseen, account, foreign = run(
        tenant,
        ansible,
        step("before", **named),
        step("foreseen", check=True, **named),
        step("account", **ACCOUNT, app_id=PEXIP["client_id"]),
        step("foreign", equipment_address="vmr@contoso-lab.com"),
    )
    assert told(before) == {("ews-undecided", "warning"), ("no-mailbox", "warning")}
    assert before["findings"] == foreseen["findings"]
    assert "nobody@contoso.com" in one(before, "no-mailbox")["what"]
    assert [before[name] for name in ("sign_in", "scope")] == [None, None]
    assert all(before[name]["readable"] and before[name]["reason"] is None for name in SECTIONS[:5])
    assert before["organization"] == {
        "readable": True,
        "reason": None,
        "id": tenant.endpoints["tenant_id"],
        "name": "Contoso",
        "domains": ["contoso.onmicrosoft.com", "contoso.com"],
        "default_domain": "contoso.com",
        "cloud": "global",
        "multi_geo": None,
    }
    assert (before["caller"]["app_id"], before["caller"]["kind"]) == (tenant.endpoints["client_id"], "application")
    assert before["caller"]["directory_roles"] == ["Exchange Administrator"]
    seats = {sku["sku"]: (sku["bought"], sku["used"], sku["free"], sku["ews"]) for sku in before["licenses"]["skus"]}
    assert seats["SPE_E3"] == (25, 3, 22, True)
    assert seats["FLOW_FREE"] == (10000, 0, 10000, False)
    assert before["exchange"]["ews"]["enabled"] is None

    assert told(account) == {("no-impersonation-role", "error"), ("ews-undecided", "warning")}
    assert account["findings"][0]["severity"] == "error"
    assert account["sign_in"]["account"]["exists"] is False
    assert account["scope"]["registered"] is False
    assert "contoso-lab.com" in one(foreign, "domain-not-verified")["do"]


def test_x19_dehydrated_tenant_is_recognised_beforehand(simulator: Start, ansible: Ansible) -> None:
    """And the finding is true: Exchange refuses the role assignment, in the same words that the finding advises."""
    tenant = simulator(seed={"dehydrated": True, "apps": [PEXIP]})
    (result,) = run(tenant, ansible, step("look"))
    assert ("dehydrated", "error") in told(result)
    assert "Enable-OrganizationCustomization" in one(result, "dehydrated")["do"]
    scope = {"app_id": PEXIP["client_id"], "_name": "Pexip", "scope": {"mailboxes": ["alice@contoso.com"]}}
    failed = ansible.tasks([task("assign", "o365_impersonation", **scope)], tenant.auth())["assign"]
    assert "Enable-OrganizationCustomization" in failed.msg


def test_x37_switches_and_lists_that_close_ews_are_named(simulator: Start, ansible: Ansible) -> None:
    config = {"EwsEnabled": True, "EwsAllowedAppIDs": OTHER, "EwsApplicationAccessPolicy": "EnforceAllowList"}
    closed = {"upn": "shut@contoso.com", "name": "Shut", "licences": ["SPE_E3"]}
    kiosk = {"upn": "shop@contoso.com", "name": "Shop", "licences": ["EXCHANGEDESKLESS"]}
    seed = {
        "organization_config": {**config, "EwsAllowList": ["PexipInfinity*"]},
        "skus": {"SPE_E3": 5, "EXCHANGEDESKLESS": 5},
        "users": [{**closed, "mailbox": {"_casMailbox": {"EwsEnabled": False}}}, kiosk],
        "groups": [],
        "administrative_units": [],
    }
    tenant = simulator(seed=seed)
    named = {"app_id": PEXIP["client_id"], "mailboxes": ["shut@contoso.com", "shop@contoso.com"]}
    (result,) = run(tenant, ansible, step("look", **named))
    assert told(result) == {
        ("app-not-listed", "error"),
        ("mailbox-ews-closed", "error"),
        ("ews-user-agents", "warning"),
        ("frontline-licence", "warning"),
    }
    assert PEXIP["client_id"] in one(result, "app-not-listed")["what"]
    assert OTHER in one(result, "app-not-listed")["what"]
    assert "shut@contoso.com" in one(result, "mailbox-ews-closed")["what"]
    assert "shop@contoso.com" in one(result, "frontline-licence")["what"]
    assert "PexipInfinity*" in one(result, "ews-user-agents")["what"]

    merge = task("merge", "o365_ews_access", app_ids=[PEXIP["client_id"]])
    good(ansible.tasks([merge], tenant.auth()), "merge")
    ExchangeAdministrator(tenant).run("Set-OrganizationConfig", EwsApplicationAccessPolicy=None)
    assert told(look(tenant, named)) == {("mailbox-ews-closed", "error"), ("frontline-licence", "warning")}

    ExchangeAdministrator(tenant).run("Set-OrganizationConfig", EwsEnabled=False)
    off = look(tenant, named)
    assert ("ews-closed", "error") in told(off)
    assert "o365_ews_access" in one(off, "ews-closed")["do"]


def test_x38_a_grant_that_makes_the_scope_void_is_told(simulator: Start, ansible: Ansible) -> None:
    """Beside a scoped role, first Entra's tenant-wide grant, then a role over the whole organization."""
    tenant = simulator(seed={"apps": [{**PEXIP, "roles": ["Calendars.Read", "MailboxSettings.Read"]}]})
    scoped = {"app_id": PEXIP["client_id"], "_name": "Pexip", "scope": {"mailboxes": ["alice@contoso.com"]}}
    good(ansible.tasks([task("assign", "o365_impersonation", **scoped)], tenant.auth()), "assign")
    named = {"app_id": PEXIP["client_id"]}
    (result,) = run(tenant, ansible, step("look", **named))
    void = one(result, "scope-void")
    assert "full_access_as_app" in void["what"]
    assert "Calendars.Read" in void["what"]
    assert "MailboxSettings" not in void["what"]
    assert [(role["role"], role["scope"], role["everything"]) for role in result["scope"]["roles"]] == [
        ("Application EWS.AccessAsApp", "Pexip", False)
    ]

    administrator = Administrator(tenant)
    principal = administrator.resource(PEXIP["client_id"])
    for grant in administrator.all(f"/servicePrincipals/{principal['id']}/appRoleAssignments"):
        administrator.call("DELETE", f"/servicePrincipals/{principal['id']}/appRoleAssignments/{grant['id']}")
    assert told(look(tenant, named)) == {("ews-undecided", "warning")}

    wide = {"App": PEXIP["client_id"], "Role": "Application Calendars.Read", "Name": "Everybody"}
    ExchangeAdministrator(tenant).run("New-ManagementRoleAssignment", **wide)
    assert "Application Calendars.Read" in one(look(tenant, named), "scope-void")["what"]


def test_u18_no_free_seat_is_told_beforehand(simulator: Start, ansible: Ansible) -> None:
    seed = {"skus": {"EXCHANGESTANDARD": 1, "SPE_E3": 2, "EXCHANGEDESKLESS": 9, "FLOW_FREE": 9}}
    users = [("alice", "EXCHANGESTANDARD"), ("bob", "SPE_E3"), ("carol", "SPE_E3"), ("dave", "EXCHANGEDESKLESS")]
    people = [{"upn": f"{name}@contoso.com", "name": name, "licences": [sku]} for name, sku in users]
    tenant = simulator(
        seed={**seed, "impersonation_role": True, "users": people, "groups": [], "administrative_units": []}
    )
    dave = {"service_account_user_principal_name": "dave@contoso.com"}
    alice = {"service_account_user_principal_name": "alice@contoso.com"}
    any_licence, named, other, unknown, kiosk, held, frontline = run(
        tenant,
        ansible,
        step("any", **ACCOUNT),
        step("named", **ACCOUNT, licenses=["EXCHANGESTANDARD"]),
        step("other", **ACCOUNT, licenses=["FLOW_FREE"]),
        step("unknown", **ACCOUNT, licenses=["SPE_E5"]),
        step("kiosk", **ACCOUNT, licenses=["EXCHANGEDESKLESS"]),
        step("held", **{**ACCOUNT, **alice}, licenses=["EXCHANGESTANDARD"]),
        step("frontline", **{**ACCOUNT, **dave}),
    )
    errors = [
        {name for name, severity in told(result) if severity == "error"}
        for result in (any_licence, named, other, unknown, kiosk, held, frontline)
    ]
    seat, kiosk_only = {"no-free-seat"}, {"frontline-licence"}
    assert errors == [seat, seat, {"no-mailbox-plan"}, {"unknown-licence"}, kiosk_only, set(), kiosk_only]
    assert "1 bought, 1 used" in one(named, "no-free-seat")["what"]
    assert "2 bought, 2 used" in one(any_licence, "no-free-seat")["what"]


def test_what_the_sign_in_of_a_service_account_has_to_pass(simulator: Start, ansible: Ansible) -> None:
    """Policies for everybody, for a group within a group, and for others; the one that excludes the account is not told."""
    only_alice = {"users": {"includeUsers": ["alice@contoso.com"]}}
    robots = {"users": {"includeGroups": ["Robots"]}, "locations": {"includeLocations": ["All"]}}
    tenant = simulator(
        seed={
            "impersonation_role": True,
            "security_defaults": True,
            "groups": [
                {"name": "Schedulers", "mail": None, "members": ["dave@contoso.com"], "security": True},
                {"name": "Robots", "mail": None, "members": ["alice@contoso.com"], "security": True},
            ],
            "conditional_access": [
                {"displayName": "Two factors", "grantControls": {"builtInControls": ["mfa"]}},
                {"displayName": "No robots", "conditions": robots, "grantControls": {"builtInControls": ["block"]}},
                {"displayName": "No Alice", "conditions": only_alice, "grantControls": {"builtInControls": ["block"]}},
                {
                    "displayName": "All but schedulers",
                    "conditions": {"users": {"includeUsers": ["All"], "excludeGroups": ["Schedulers"]}},
                    "grantControls": {"builtInControls": ["compliantDevice"]},
                },
                {
                    "displayName": "Some day",
                    "state": "enabledForReportingButNotEnforced",
                    "grantControls": {"builtInControls": ["block"]},
                },
            ],
        }
    )
    dave, alice, nobody = run(
        tenant,
        ansible,
        step("dave", access="service_account", service_account_user_principal_name="dave@contoso.com"),
        step("alice", access="service_account", service_account_user_principal_name="alice@contoso.com"),
        step("nobody", **ACCOUNT),
    )
    names = [[one["name"] for one in result["sign_in"]["policies"]] for result in (dave, alice, nobody)]
    assert [sorted(one) for one in names] == [
        ["Some day", "Two factors"],
        ["All but schedulers", "No Alice", "No robots", "Some day", "Two factors"],
        ["All but schedulers", "Some day", "Two factors"],
    ]
    severities = {
        one["what"].split(" policy ")[1][:9]: one["severity"] for one in alice["findings"] if "policy" in one["what"]
    }
    assert severities == {
        "All but s": "error",
        "No Alice ": "error",
        "No robots": "error",
        "Some day,": "info",
        "Two facto": "warning",
    }
    assert ("security-defaults", "warning") in told(dave)


# --- what cannot be read ----------------------------------------------------------------------------------------------


def unreadable(result: Data) -> set[str]:
    """The sections that say that something in them was not read; each must have its finding."""
    found = {name for name in SECTIONS if result[name] and not result[name]["readable"]}
    ids = {one["id"] for one in result["findings"] if one["id"].startswith("unreadable-")}
    assert ids == {f"unreadable-{name.replace('_', '-')}" for name in found}
    assert all(bool(result[name]["reason"]) == (name in found) for name in SECTIONS if result[name])
    return found


def holder(rights: Iterable[Right]) -> Data:
    """A seeded app with exactly these rights."""
    names: dict[str, list[str]] = {}
    for right in rights:
        names.setdefault(right.of, []).append(right.name)
    return {
        "name": "Holder of rights",
        "client_id": str(uuid.uuid5(uuid.NAMESPACE_OID, repr(sorted(rights)))),
        "client_secret": "seeded-secret",
        "roles": names.get(_rights.GRAPH, []),
        "exchange_roles": names.get(_rights.EXCHANGE_ONLINE, []),
        "directory_roles": names.get(_rights.DIRECTORY_ROLE, []),
    }


def test_each_documented_right_is_needed_and_all_of_them_are_enough(simulator: Start) -> None:
    """Without one of them the rest is still reported, and the finding names it."""
    cases = [
        OPTIONS,
        {**OPTIONS, "app_id": PEXIP["client_id"]},
        {**OPTIONS, "mailboxes": ["alice@contoso.com"]},
        EVERYTHING,
    ]
    least = [tuple(sorted(_rights.least(_module_rights.of_module(MODULE, one)))) for one in cases]
    less = [(gone, tuple(one for one in least[-1] if one != gone)) for gone in least[-1]]
    seeded = {rights: holder(rights) for rights in [*least, *(rights for _gone, rights in less)]}
    tenant = simulator(seed={"apps": [PEXIP, *seeded.values()]})

    def auth(rights: tuple[Right, ...]) -> dict[str, str]:
        return {"client_id": seeded[rights]["client_id"], "client_secret": "seeded-secret"}

    for options, rights in zip(cases, least, strict=True):
        assert unreadable(look(tenant, options, **auth(rights))) == set(), rights
    for gone, rights in less:
        result = look(tenant, EVERYTHING, **auth(rights))
        sections = unreadable(result)
        assert sections, gone
        advice = [finding["do"] for finding in result["findings"] if finding["id"].startswith("unreadable-")]
        assert all(gone.name in text for text in advice), (gone, advice)
        assert result["organization"]["domains"] or "organization" in sections


# What reads a part, by path or cmdlet, and the section that it is of.
PARTS = {
    "/subscribedSkus$": "licenses",
    "/conditionalAccess/policies$": "sign_in",
    "/appRoleAssignments$": "scope",
    "Get-OrganizationConfig": "exchange",
}
OTHER_PARTS = {
    "/organization$": "organization",
    "/identitySecurityDefaultsEnforcementPolicy$": "sign_in",
    r"/servicePrincipals\(appId=": "scope",
    "Get-ManagementRole$": "exchange",
    "Get-CASMailbox": "mailboxes",
}


@pytest.mark.parametrize("status", [403, 500])
@pytest.mark.parametrize("parts", [PARTS, OTHER_PARTS], ids=["some", "others"])
def test_no_part_that_fails_stops_the_others(simulator: Start, parts: dict[str, str], status: int) -> None:
    """What is refused, or fails, is said in its section; the rest of that section and the others are there."""
    faults = [rule for part in parts for rule in wherever(part, do="respond", status=status, times=0)]
    result = look(simulator(seed={"apps": [PEXIP]}, faults=faults), EVERYTHING)
    assert unreadable(result) == set(parts.values())
    assert all(str(status) in result[section]["reason"] for section in parts.values())
    read = {
        "/subscribedSkus$": result["licenses"]["skus"],
        "/organization$": result["organization"]["domains"],
        "/conditionalAccess/policies$": result["sign_in"]["policies"],
        "/identitySecurityDefaultsEnforcementPolicy$": result["sign_in"]["security_defaults"],
        r"/servicePrincipals\(appId=": result["scope"]["registered"],
        "/appRoleAssignments$": result["scope"]["permissions"],
        "Get-OrganizationConfig": result["exchange"]["ews"],
        "Get-ManagementRole$": result["exchange"]["impersonation_role"],
        "Get-CASMailbox": result["mailboxes"]["mailboxes"][0]["exists"],
    }
    assert {part for part, value in read.items() if value is None} - set(parts) <= {"/appRoleAssignments$"}
    assert all(read[part] is None for part in parts)


def test_a_person_who_may_not_use_exchange_sees_the_rest(tenant: Simulator) -> None:
    """Consent to Microsoft Graph alone: no token for Exchange is issued, which is told of the caller too."""
    administrator = Administrator(tenant)
    app = administrator.register("Console", isFallbackPublicClient=True)
    graph = administrator.resource("00000003-0000-0000-c000-000000000000")["id"]
    consent = {"clientId": app["principal"]["id"], "resourceId": graph, "consentType": "AllPrincipals"}
    administrator.call("POST", "/oauth2PermissionGrants", {**consent, "scope": "Organization.Read.All"})
    profile = {"password": PASSWORD, "forceChangePasswordNextSignIn": False}
    user = {"accountEnabled": True, "displayName": "Eve", "mailNickname": "eve", "userPrincipalName": "eve@contoso.com"}
    administrator.call("POST", "/users", {**user, "passwordProfile": profile})
    url = f"{tenant.endpoints['login_url']}/{tenant.endpoints['tenant_id']}"
    person = Person(url, app["appId"], "eve@contoso.com", PASSWORD)
    result = look(tenant, {}, person)
    assert unreadable(result) == {"caller", "exchange"}
    caller = result["caller"]
    assert (caller["kind"], caller["user"], caller["exchange_permissions"]) == ("person", "eve@contoso.com", None)
    assert caller["graph_permissions"] == ["Organization.Read.All"]
    rights = [finding["what"] for finding in result["findings"] if finding["id"] == "missing-right"]
    assert any(
        "for the person who signs in, the directory role Cloud Application Administrator" in one for one in rights
    )


def test_nobody_who_cannot_sign_in_gets_a_report(tenant: Simulator, ansible: Ansible) -> None:
    wrong = {**tenant.auth(), "client_secret": "wrong"}
    refused(ansible.tasks([step("wrong", wait_timeout=0)], wrong), "wrong", "AADSTS7000215")
    refused(ansible.tasks([step("name", app_id="Pexip")], tenant.auth()), "name", "app_id:", "GUID")


def test_s35_many_mailboxes_are_read_in_batches(simulator: Start) -> None:
    people = [
        {"upn": f"user{number}@contoso.com", "name": f"User {number}", "licences": ["SPE_E3"]} for number in range(25)
    ]
    tenant = simulator(seed={"users": people, "groups": [], "administrative_units": []})
    result = look(tenant, {"mailboxes": [one["upn"] for one in people]})
    assert [one["exists"] for one in result["mailboxes"]["mailboxes"]] == [True] * 25
    services = ("graph", "outlook")
    sent = {service: [len(one.operations) for one in tenant.wire() if one.service == service] for service in services}
    # The tenant, meanwhile the mailboxes with what else Exchange is asked, then their owners.
    assert sent == {"graph": [2, 20, 5], "outlook": [10, 10, 8]}


@pytest.mark.smoke
def test_examples(tenant: Simulator, ansible: Ansible) -> None:
    results = ansible.tasks(examples(MODULE), tenant.auth()).ok().results
    assert [one.changed for one in results] == [False] * len(examples(MODULE))
    assert not differences(MODULE, results)
