# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""o365_service_account through real ansible-playbook, against a simulated tenant."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.ansible import Ansible, Result
from support.examples import examples
from support.graph import Administrator
from support.returned import differences
from support.simulator import Simulator, wherever

MODULE = "o365_service_account"
UPN = "pexip@contoso.com"
EXCHANGE_PLAN_1 = "4b9405b0-7788-4568-add1-99614e613b69"
ACCOUNT = {
    "user_principal_name": UPN,
    "display_name": "Pexip VMR scheduling",
    "usage_location": "NO",
    "licenses": [{"sku": "EXCHANGESTANDARD"}],
}
PASSWORD = "Correct-horse-battery-7"

Tenants = Callable[..., Simulator]


def task(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, f"vmrops.o365.{MODULE}": options}


def auth(tenant: Simulator) -> dict[str, Any]:
    """Long enough for every wait here, and short enough for a test that waits in vain."""
    return {**tenant.auth(), "wait_timeout": 60}


def account(tenant: Simulator, ansible: Ansible, more: dict[str, Any] | None = None, **run: Any) -> Result:
    """The module's result for the usual account; ``more`` are options on top."""
    return ansible.module(MODULE, {**ACCOUNT, **(more or {})}, auth(tenant), **run).ok().last


def operations(tenant: Simulator, since: int = 0) -> list[str]:
    """The writes since a mark, failed ones too."""
    return [operation for request in tenant.writes(since) for operation in request.operations]


def creates(tenant: Simulator) -> int:
    """How many users were created."""
    return sum(one.method == "POST" and one.path == "/v1.0/users" and one.status == 201 for one in tenant.writes())


# --- life -------------------------------------------------------------------------------------------------------------


def test_check_mode_predicts_the_steps_and_writes_nothing(tenant: Simulator, ansible: Ansible) -> None:
    more = {"password": PASSWORD, "password_never_expires": True, "wait_for_mailbox": True}
    with tenant.no_writes():
        predicted = account(tenant, ansible, more, check=True, diff=True)
    applied = account(tenant, ansible, more, diff=True)
    assert predicted.changed
    assert applied.changed
    assert [step["summary"] for step in applied["steps"]] == [
        f"create the user {UPN}",
        f"set the licences of {UPN}",
    ]
    assert predicted["steps"] == applied["steps"]
    assert predicted["diff"] == applied["diff"]
    assert applied["diff"]["before"] == {"state": "absent"}
    after = applied["diff"]["after"]
    assert after["password"] == "********"
    assert after["display_name"] == "Pexip VMR scheduling"
    assert after["licenses"] == {"EXCHANGESTANDARD": []}


def test_again_changes_nothing_and_writes_nothing(tenant: Simulator, ansible: Ansible) -> None:
    more = {
        "given_name": "Pexip",
        "surname": "Scheduling",
        "mail_nickname": "pexip",
        "password": PASSWORD,
        "password_never_expires": True,
        "hide_from_address_lists": True,
        "wait_for_mailbox": True,
        "account_enabled": True,
    }
    first = account(tenant, ansible, more)
    with tenant.no_writes():
        second = account(tenant, ansible, more, diff=True)
    assert first.changed
    assert not second.changed
    assert second["steps"] == []
    assert second["diff"]["before"] == second["diff"]["after"]
    assert first["user"] == second["user"]
    assert second["user"]["mailbox_ready"] is True
    assert second["user"]["mail"] == UPN
    assert "password" not in second.result


def test_change_touches_only_what_is_named(tenant: Simulator, ansible: Ansible) -> None:
    account(tenant, ansible, {"given_name": "Pexip", "password_never_expires": True})
    mark = tenant.mark()
    changes = {"user_principal_name": UPN, "surname": "Scheduling", "account_enabled": False}
    changed = ansible.module(MODULE, changes, auth(tenant), diff=True).ok().last
    assert changed["diff"]["before"] == {"state": "present", "surname": None, "account_enabled": True}
    assert changed["diff"]["after"] == {"state": "present", "surname": "Scheduling", "account_enabled": False}
    [write] = tenant.writes(mark)
    assert write.request == {"surname": "Scheduling", "accountEnabled": False}
    user = Administrator(tenant).user(UPN)
    assert (user["givenName"], user["passwordPolicies"]) == ("Pexip", "DisablePasswordExpiration")


def test_password_policies_of_others_are_kept(tenant: Simulator, ansible: Ansible) -> None:
    administrator = Administrator(tenant)
    policies = {"passwordPolicies": "DisableStrongPassword"}
    administrator.call("PATCH", "/users/dave@contoso.com", policies)
    name = {"user_principal_name": "dave@contoso.com"}
    run = ansible.tasks(
        [
            task("on", **name, password_never_expires=True),
            task("still on", **name, password_never_expires=True),
            task("off", **name, password_never_expires=False),
        ],
        auth(tenant),
        diff=True,
    ).ok()
    assert [run[name].changed for name in ("on", "still on", "off")] == [True, False, True]
    assert run["on"]["diff"]["before"]["password_never_expires"] is False
    assert administrator.user("dave@contoso.com")["passwordPolicies"] == "DisableStrongPassword"
    [both] = [one.request for one in tenant.writes() if "PasswordExpiration" in str(one.request)]
    assert set(both["passwordPolicies"].split(", ")) == {"DisableStrongPassword", "DisablePasswordExpiration"}


def test_hidden_from_address_lists(tenant: Simulator, ansible: Ansible) -> None:
    name = {"user_principal_name": "alice@contoso.com"}
    run = ansible.tasks(
        [
            task("hide", **name, hide_from_address_lists=True),
            task("hidden", **name, hide_from_address_lists=True),
            task("show", **name, hide_from_address_lists=False),
        ],
        auth(tenant),
        diff=True,
    ).ok()
    assert [run[name].changed for name in ("hide", "hidden", "show")] == [True, False, True]
    assert run["hide"]["diff"]["after"]["hide_from_address_lists"] is True
    [step] = run["hide"]["steps"]
    assert step["cmdlet"] == "Set-Mailbox -Identity 'alice@contoso.com' -HiddenFromAddressListsEnabled $true"


def test_absent_purge_and_restore(tenant: Simulator, ansible: Ansible) -> None:
    name = {"user_principal_name": UPN}
    created = account(tenant, ansible)
    with tenant.no_writes():
        check = ansible.module(MODULE, {**name, "state": "absent"}, auth(tenant), check=True).ok().last
    run = ansible.tasks(
        [
            task("absent", **name, state="absent"),
            task("absent again", **name, state="absent"),
            task("restore", **ACCOUNT, deleted="restore"),
            task("restored", **ACCOUNT, deleted="restore"),
            task("purge", **name, state="absent", deleted="purge"),
            task("purge again", **name, state="absent", deleted="purge"),
            task("new", **ACCOUNT),
            task("absent at last", **name, state="absent"),
            task("purge from the bin", **name, state="absent", deleted="purge"),
        ],
        auth(tenant),
        diff=True,
    ).ok()
    assert check["steps"] == run["absent"]["steps"]
    assert run["absent"]["diff"] == {"before": {"state": "present"}, "after": {"state": "absent"}}
    assert run["absent"]["user"] is None
    changed = [one.task for one in run.results if one.changed]
    assert changed == ["absent", "restore", "purge", "new", "absent at last", "purge from the bin"]
    assert run["restore"]["user"]["id"] == created["user"]["id"]
    assert run["restore"]["user"]["licenses"] == [EXCHANGE_PLAN_1]
    assert "password" not in run["restore"].result
    assert run["new"]["user"]["id"] != created["user"]["id"]
    assert Administrator(tenant).deleted("user") == []


@pytest.mark.smoke
def test_the_examples_of_the_documentation_run(tenant: Simulator, ansible: Ansible) -> None:
    run = ansible.tasks(examples(MODULE), auth(tenant), extra_vars={"vault_service_account_password": PASSWORD}).ok()
    assert len(run.results) == len(examples(MODULE))
    assert not differences(MODULE, run.results)
    with tenant.no_writes():
        again = ansible.tasks(
            [one for one in examples(MODULE) if "lab" not in str(one)],
            auth(tenant),
            extra_vars={"vault_service_account_password": PASSWORD},
        ).ok()
    assert again.changed == 0


# --- password ---------------------------------------------------------------------------------------------------------


def test_generated_password_is_returned_once_and_hidden_by_no_log(tenant: Simulator, ansible: Ansible) -> None:
    hidden = {**task("create", **ACCOUNT), "register": "account", "no_log": True}
    reveal = {
        "name": "keep",
        "ansible.builtin.copy": {"content": "{{ account.password }}", "dest": "{{ where }}", "mode": "0600"},
        "no_log": True,
    }
    where = ansible.directory / "password"
    ansible.directory.mkdir(exist_ok=True)
    run = ansible.tasks([hidden, reveal], auth(tenant), verbosity=3, diff=True, extra_vars={"where": str(where)}).ok()
    password = where.read_text()
    assert len(password) == 32
    assert password not in run.output
    assert password not in tenant.wire_log.read_text()
    again = account(tenant, ansible)
    assert not again.changed
    assert "password" not in again.result


def test_given_password_is_never_printed(tenant: Simulator, ansible: Ansible) -> None:
    always = {"password": PASSWORD, "update_password": "always"}
    run = ansible.tasks(
        [
            task("create", **ACCOUNT, password=PASSWORD),
            task("leave", **ACCOUNT, password="Another-horse-7"),
            task("set", **ACCOUNT, **always),
            task("set again", **ACCOUNT, **always),
        ],
        auth(tenant),
        verbosity=3,
        diff=True,
    ).ok()
    assert PASSWORD not in run.output
    assert "Another-horse-7" not in run.output
    assert PASSWORD not in json.dumps([one.result for one in run.results])
    assert [run[name].changed for name in ("create", "leave", "set", "set again")] == [True, False, True, True]
    assert run["set"]["diff"]["before"]["password"] == run["set"]["diff"]["after"]["password"] == "********"
    assert run["set"]["steps"][0]["body"]["passwordProfile"]["password"] == "********"


# --- licences ---------------------------------------------------------------------------------------------------------


def test_u14_licence_without_usage_location(tenant: Simulator, ansible: Ansible) -> None:
    with tenant.no_writes():
        options = {**ACCOUNT, "usage_location": None}
        failed = ansible.module(MODULE, options, auth(tenant)).failure()
    assert failed.msg.startswith("usage_location:")
    assert "two-letter code" in failed.msg
    assert not failed.changed


def test_u15_two_licences_in_one_call(tenant: Simulator, ansible: Ansible) -> None:
    more = {"licenses": [{"sku": "EXCHANGESTANDARD"}, {"sku": "FLOW_FREE"}]}
    result = account(tenant, ansible, more, diff=True)
    calls = [one for one in tenant.writes() if one.path.endswith("/assignLicense")]
    assert len(calls) == 1
    assert len(calls[0].request["addLicenses"]) == 2
    assert result["diff"]["after"]["licenses"] == {"EXCHANGESTANDARD": [], "FLOW_FREE": []}
    with tenant.no_writes():
        assert not account(tenant, ansible, more).changed


def test_u15_inherited_licence_counts_as_present(simulator: Tenants, ansible: Ansible) -> None:
    heir = {"upn": "heir@contoso.com", "name": "Heir", "group_licences": ["EXCHANGESTANDARD"]}
    tenant = simulator(seed={"users": [heir], "groups": [], "administrative_units": []})
    name = {"user_principal_name": "heir@contoso.com"}
    with tenant.no_writes():
        run = ansible.tasks(
            [
                task("held", **name, licenses=[{"sku": "EXCHANGESTANDARD"}], wait_for_mailbox=True),
                task("replace", **name, licenses=[{"sku": "EXCHANGESTANDARD"}], licenses_mode="replace"),
                task("mailbox", **name, wait_for_mailbox=True),
            ],
            auth(tenant),
            diff=True,
        ).ok()
    assert run.changed == 0
    assert run["held"]["diff"]["before"]["licenses"] == {"EXCHANGESTANDARD": []}
    more = ansible.module(MODULE, {**name, "licenses": [{"sku": "FLOW_FREE"}]}, auth(tenant)).ok().last
    assert len(more["user"]["licenses"]) == 2


def test_licences_merge_replace_and_plans(tenant: Simulator, ansible: Ansible) -> None:
    standard, flow = {"sku": "EXCHANGESTANDARD"}, {"sku": "flow_free"}
    less = {"sku": EXCHANGE_PLAN_1, "disabled_plans": ["BPOS_S_TODO_1", "intune_o365"]}
    run = ansible.tasks(
        [
            task("both", **{**ACCOUNT, "licenses": [standard, flow]}),
            task("merge", **ACCOUNT),
            task("less", **{**ACCOUNT, "licenses": [less]}),
            task("plans stay", **ACCOUNT),
            task("less again", **{**ACCOUNT, "licenses": [less]}),
            task("all plans", **{**ACCOUNT, "licenses": [{**standard, "disabled_plans": []}]}),
            task("replace", **ACCOUNT, licenses_mode="replace"),
            task("replace again", **ACCOUNT, licenses_mode="replace"),
            task("none", **{**ACCOUNT, "licenses": []}, licenses_mode="replace"),
        ],
        auth(tenant),
        diff=True,
    ).ok()
    changed = [one.task for one in run.results if one.changed]
    assert changed == ["both", "less", "all plans", "replace", "none"]
    assert run["less"]["diff"]["after"]["licenses"] == {
        "EXCHANGESTANDARD": ["BPOS_S_TODO_1", "INTUNE_O365"],
        "FLOW_FREE": [],
    }
    assert run["replace"]["diff"]["after"]["licenses"] == {"EXCHANGESTANDARD": []}
    assert run["none"]["user"]["licenses"] == []


def test_u18_no_free_seat(simulator: Tenants, ansible: Ansible) -> None:
    holder = {"upn": "holder@contoso.com", "name": "Holder", "licences": ["EXCHANGESTANDARD"]}
    tenant = simulator(
        seed={"skus": {"EXCHANGESTANDARD": 1}, "users": [holder], "groups": [], "administrative_units": []}
    )
    with tenant.no_writes():
        failed = ansible.module(MODULE, ACCOUNT, auth(tenant)).failure()
        held = {"user_principal_name": "holder@contoso.com", "licenses": ACCOUNT["licenses"]}
        assert not ansible.module(MODULE, held, auth(tenant)).ok().last.changed
    assert "licenses: no free seat of EXCHANGESTANDARD: 1 bought, 1 used" in failed.msg


def test_u18_the_last_seat_is_not_missed_while_reads_lag(simulator: Tenants, ansible: Ansible) -> None:
    tenant = simulator(
        seed={"skus": {"EXCHANGESTANDARD": 1}, "users": [], "groups": [], "administrative_units": []}, lag=2
    )
    run = ansible.tasks([task("create", **ACCOUNT), task("again", **ACCOUNT)], auth(tenant)).ok()
    assert run["create"].changed
    assert not run["again"].changed
    assert run["again"]["user"]["licenses"] == [EXCHANGE_PLAN_1]


# --- names and the recycle bin ----------------------------------------------------------------------------------------


def test_u16_name_in_the_recycle_bin(tenant: Simulator, ansible: Ansible) -> None:
    administrator = Administrator(tenant)
    first = account(tenant, ansible)["user"]["id"]
    administrator.call("DELETE", f"/users/{first}")
    with tenant.no_writes():
        failed = ansible.module(MODULE, ACCOUNT, auth(tenant)).failure()
        predicted = account(tenant, ansible, {"deleted": "restore"}, check=True)
        purging = account(tenant, ansible, {"deleted": "purge"}, check=True)
    assert failed.msg.startswith("deleted:")
    for word in (UPN, first, "restore", "purge"):
        assert word in failed.msg
    applied = account(tenant, ansible, {"deleted": "restore"}, diff=True)
    assert applied["steps"] == predicted["steps"]
    assert applied["user"]["id"] == first
    assert applied["diff"]["before"] == {"state": "absent"}
    administrator.call("DELETE", f"/users/{first}")
    purged = account(tenant, ansible, {"deleted": "purge"})
    assert [one["summary"] for one in purged["steps"]] == [one["summary"] for one in purging["steps"]]
    assert purged["user"]["id"] != first
    assert administrator.deleted("user") == []


def test_u16_restored_account_is_brought_into_shape(simulator: Tenants, ansible: Ansible) -> None:
    tenant = simulator(seed={"switches": {"restore_licences": False}})
    administrator = Administrator(tenant)
    # What the options do not name stays as it was: the usage location is the deleted account's own.
    dave = administrator.user("dave@contoso.com")["id"]
    administrator.call("DELETE", f"/users/{dave}")
    options = {
        "user_principal_name": "dave@contoso.com",
        "surname": "Dahl",
        "licenses": ACCOUNT["licenses"],
        "deleted": "restore",
    }
    restored = ansible.module(MODULE, options, auth(tenant)).ok().last
    assert restored["user"]["display_name"] == "Dave Dahl"
    assert restored["user"]["licenses"] == [EXCHANGE_PLAN_1]
    assert administrator.user("dave@contoso.com")["surname"] == "Dahl"
    assert not ansible.module(MODULE, options, auth(tenant)).ok().last.changed


def test_u16_purging_asks_for_what_a_new_account_needs(tenant: Simulator, ansible: Ansible) -> None:
    Administrator(tenant).call("DELETE", "/users/dave@contoso.com")
    options = {"user_principal_name": "dave@contoso.com", "deleted": "purge"}
    with tenant.no_writes():
        failed = ansible.module(MODULE, options, auth(tenant)).failure()
    assert failed.msg.startswith("display_name:")


def test_u16_two_deleted_accounts_of_one_name(tenant: Simulator, ansible: Ansible) -> None:
    administrator = Administrator(tenant)
    ids = []
    for _round in range(2):
        profile = {"password": PASSWORD}
        body = {"accountEnabled": True, "displayName": "P", "mailNickname": "p", "userPrincipalName": UPN}
        ids.append(administrator.call("POST", "/users", {**body, "passwordProfile": profile})["id"])
        administrator.call("DELETE", f"/users/{ids[-1]}")
    with tenant.no_writes():
        failed = ansible.module(MODULE, {**ACCOUNT, "deleted": "restore"}, auth(tenant)).failure()
    assert all(one in failed.msg for one in ids)
    purged = account(tenant, ansible, {"deleted": "purge"})
    assert purged["user"]["id"] not in ids
    assert administrator.deleted("user") == []


def test_u16_address_held_by_someone_else(tenant: Simulator, ansible: Ansible) -> None:
    # Alice's mailbox keeps its address when her sign-in name changes.
    Administrator(tenant).call("PATCH", "/users/alice@contoso.com", {"userPrincipalName": "alice.anker@contoso.com"})
    taken = {**ACCOUNT, "user_principal_name": "alice@contoso.com"}
    group = {**ACCOUNT, "user_principal_name": "vmr-users@contoso.com"}
    with tenant.no_writes():
        failed = ansible.module(MODULE, taken, auth(tenant)).failure()
    assert "alice.anker@contoso.com (Alice Anker)" in failed.msg
    failed = ansible.module(MODULE, group, {**auth(tenant), "wait_timeout": 2}).failure()
    assert "proxyAddresses" in failed.msg
    assert not failed.changed


# --- mailbox ----------------------------------------------------------------------------------------------------------


def test_u17_waits_for_the_mailbox(simulator: Tenants, ansible: Ansible) -> None:
    tenant = simulator(seed={"switches": {"mailbox_delay": 3}})
    more = {"wait_for_mailbox": True, "hide_from_address_lists": True}
    started = time.monotonic()
    result = account(tenant, ansible, more)
    assert time.monotonic() - started >= 3
    assert result["user"]["mailbox_ready"] is True
    with tenant.no_writes():
        assert not account(tenant, ansible, more).changed


def test_u17_still_provisioning_is_told_from_no_plan(simulator: Tenants, ansible: Ansible) -> None:
    tenant = simulator(seed={"switches": {"mailbox_delay": 6}})
    impatient = {**auth(tenant), "wait_timeout": 2}
    waiting = ansible.module(MODULE, {**ACCOUNT, "wait_for_mailbox": True}, impatient).failure()
    for words in (
        f"the mailbox of {UPN}",
        "some minutes after the licence",
        f"Already done: create the user {UPN}; set the licences of {UPN}.",
        "Running again continues",
    ):
        assert words in waiting.msg
    assert waiting["steps_done"] == [f"create the user {UPN}", f"set the licences of {UPN}"]
    assert waiting.changed
    finished = account(tenant, ansible, {"wait_for_mailbox": True})
    assert not finished.changed
    assert finished["user"]["mailbox_ready"] is True
    # Without a plan there is nothing to wait for.
    mark = tenant.mark()
    hopeless = [
        task("unlicensed", user_principal_name="dave@contoso.com", wait_for_mailbox=True),
        task("no plan", user_principal_name="dave@contoso.com", licenses=[{"sku": "FLOW_FREE"}]),
        task(
            "switched off",
            user_principal_name="dave@contoso.com",
            licenses=[{"sku": "EXCHANGESTANDARD", "disabled_plans": ["EXCHANGE_S_STANDARD"]}],
        ),
        task("hide", user_principal_name="dave@contoso.com", hide_from_address_lists=True),
    ]
    started = time.monotonic()
    run = ansible.tasks([{**one, "ignore_errors": True} for one in hopeless], auth(tenant))
    assert time.monotonic() - started < 30
    for one in run.results:
        assert one.status == "failed", one
        assert "no licence of dave@contoso.com carries an Exchange mailbox plan" in one.msg
    assert tenant.writes(mark) == []


# --- lag and broken connections ---------------------------------------------------------------------------------------


def test_lag(simulator: Tenants, ansible: Ansible) -> None:
    """Half the reads are a second old: one create, and the next task sees what this one did."""
    tenant = simulator(lag=1)
    more = {"hide_from_address_lists": True, "wait_for_mailbox": True, "password_never_expires": True}
    name = {"user_principal_name": UPN}
    run = ansible.tasks(
        [
            task("create", **ACCOUNT, **more),
            task("again", **ACCOUNT, **more),
            task("rename", **name, display_name="Pexip"),
            task("rename again", **name, display_name="Pexip"),
            task("absent", **name, state="absent"),
            task("absent again", **name, state="absent"),
            task("restore", **ACCOUNT, deleted="restore"),
            task("restored", **ACCOUNT, deleted="restore"),
            task("purge", **name, state="absent", deleted="purge"),
            task("purge again", **name, state="absent", deleted="purge"),
        ],
        auth(tenant),
    ).ok()
    assert [one.task for one in run.results if one.changed] == ["create", "rename", "absent", "restore", "purge"]
    assert creates(tenant) == 1
    time.sleep(1)
    administrator = Administrator(tenant)
    assert administrator.users(UPN) == []
    assert administrator.deleted("user") == []


def test_purge_with_lag_makes_a_new_account(simulator: Tenants, ansible: Ansible) -> None:
    tenant = simulator(lag=1)
    run = ansible.tasks(
        [
            task("create", **ACCOUNT),
            task("absent", user_principal_name=UPN, state="absent"),
            task("purge", **ACCOUNT, deleted="purge"),
            task("again", **ACCOUNT, deleted="purge"),
        ],
        auth(tenant),
    ).ok()
    assert [one.changed for one in run.results] == [True, True, True, False]
    assert run["purge"]["user"]["id"] != run["create"]["user"]["id"]
    time.sleep(1)
    assert Administrator(tenant).deleted("user") == []


def test_create_that_may_have_happened_is_looked_up(simulator: Tenants, ansible: Ansible) -> None:
    drop = {"match": {"method": "POST", "path": "/users$"}, "do": "drop", "when": "after"}
    tenant = simulator(faults=[drop], lag=1)
    result = account(tenant, ansible)
    assert result.changed
    assert len(result["password"]) == 32
    assert result["user"]["licenses"] == [EXCHANGE_PLAN_1]
    time.sleep(1)
    assert len(Administrator(tenant).users(UPN)) == 1
    assert not account(tenant, ansible).changed


@pytest.mark.parametrize(
    "fault",
    [
        {"match": {"method": "POST", "path": "/users$"}, "do": "drop"},
        {"match": {"path": "/assignLicense$"}, "do": "drop", "when": "after"},
        {
            "match": {"path": "/users/.*assignLicense$"},
            "do": "respond",
            "status": 409,
            "times": 2,
            "body": {"error": {"code": "Directory_ConcurrencyViolation", "message": "Conflicting request."}},
        },
        {
            "match": {"method": "GET", "path": "/users[/(]"},
            "do": "respond",
            "status": 429,
            "headers": {"Retry-After": "1"},
        },
    ],
    ids=["create dropped before", "licence dropped after", "concurrent", "throttled"],
)
def test_survives(simulator: Tenants, ansible: Ansible, fault: dict[str, Any]) -> None:
    tenant = simulator(faults=[fault])
    result = account(tenant, ansible)
    assert result["user"]["licenses"] == [EXCHANGE_PLAN_1]
    assert creates(tenant) == 1


def test_x17_a_failed_read_is_no_absence(simulator: Tenants, ansible: Ansible) -> None:
    refusal = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}
    tenant = simulator(faults=wherever("/users[/(]", do="respond", status=403, times=0, body=refusal))
    with tenant.no_writes():
        failed = ansible.module(MODULE, ACCOUNT, auth(tenant)).failure()
    for words in (f"Could not read the user {UPN}", "403 Authorization_RequestDenied", "User.Read.All"):
        assert words in failed.msg


def test_missing_permission_is_named(simulator: Tenants, ansible: Ansible) -> None:
    tenant = simulator(seed={"automation": {"roles": ["User.Read.All", "Domain.Read.All", "Organization.Read.All"]}})
    failed = ansible.module(MODULE, ACCOUNT, auth(tenant)).failure()
    assert "User.ReadWrite.All" in failed.msg
    assert creates(tenant) == 0


def test_password_needs_its_own_permission(simulator: Tenants, ansible: Ansible) -> None:
    roles = ["User.ReadWrite.All", "Domain.Read.All"]
    tenant = simulator(seed={"automation": {"roles": roles, "directory_roles": []}})
    options = {"user_principal_name": "dave@contoso.com", "password": PASSWORD, "update_password": "always"}
    failed = ansible.module(MODULE, options, auth(tenant)).failure()
    assert "User-PasswordProfile.ReadWrite.All" in failed.msg


# --- bad input --------------------------------------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown SKU": ({"licenses": [{"sku": "NO_SUCH"}]}, ["licenses: the tenant has no licence NO_SUCH", "SPE_E3"]),
    "unknown plan": (
        {"licenses": [{"sku": "EXCHANGESTANDARD", "disabled_plans": ["TEAMS9"]}]},
        ["licenses.disabled_plans:", "no service plan TEAMS9", "EXCHANGE_S_STANDARD"],
    ),
    "unverified domain": (
        {"user_principal_name": "pexip@contoso-lab.com"},
        ["user_principal_name: contoso-lab.com is not verified in this tenant", "contoso.com"],
    ),
    "foreign domain": (
        {"user_principal_name": "pexip@example.net"},
        ["user_principal_name: example.net is not a domain of this tenant", "contoso.com"],
    ),
    "no domain": ({"user_principal_name": "pexip"}, ["user_principal_name:", "name@domain"]),
    "country by name": ({"usage_location": "Norway"}, ["usage_location: Norway is no ISO 3166 country code"]),
    "no display name": ({"display_name": None}, ["display_name: a new account needs one"]),
}


def test_bad_input_is_refused_before_the_first_write(tenant: Simulator, ansible: Ansible) -> None:
    tasks = [{**task(name, **{**ACCOUNT, **options}), "ignore_errors": True} for name, (options, _words) in BAD.items()]
    with tenant.no_writes():
        run = ansible.tasks(tasks, auth(tenant))
    silent = {name: run[name].msg for name in BAD if run[name].status != "failed"}
    missing = {name: (words, run[name].msg) for name in BAD for words in BAD[name][1] if words not in run[name].msg}
    assert (silent, missing) == ({}, {})
