# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service account's planner: from a state and options to steps."""

from __future__ import annotations

import string
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Plan, Ref, Refused, Secret, printable
from ansible_collections.vmrops.o365.plugins.module_utils._resources.service_account import (
    ServiceAccount,
    State,
    make_password,
)

Data = dict[str, Any]

UPN = "pexip@contoso.com"
DOMAINS = [{"id": "contoso.com", "isVerified": True}, {"id": "lab.com", "isVerified": False}]
MAIL: Data = {
    "skuId": "mail-id",
    "skuPartNumber": "MAIL",
    "prepaidUnits": {"enabled": 1},
    "consumedUnits": 0,
    "servicePlans": [{"servicePlanId": "plan-id", "servicePlanName": "EXCHANGE_S_STANDARD"}],
}
USER: Data = {
    "id": "user-id",
    "userPrincipalName": UPN,
    "displayName": "Pexip",
    "givenName": None,
    "usageLocation": "NO",
    "mailNickname": "pexip",
    "accountEnabled": True,
    "passwordPolicies": None,
    "assignedLicenses": [{"skuId": "mail-id", "disabledPlans": []}],
    "licenseAssignmentStates": [],
}
DELETED = {**USER, "deletedDateTime": "2026-11-01T00:00:00Z"}
DEFAULTS: Data = {
    "user_principal_name": UPN,
    "display_name": None,
    "given_name": None,
    "surname": None,
    "mail_nickname": None,
    "password": None,
    "update_password": "on_create",
    "password_never_expires": None,
    "usage_location": None,
    "licenses": None,
    "licenses_mode": "merge",
    "account_enabled": None,
    "hide_from_address_lists": None,
    "deleted": "fail",
    "wait_for_mailbox": False,
    "state": "present",
}


def account(**options: Any) -> ServiceAccount:
    return ServiceAccount({**DEFAULTS, **options})


def plan(found: State, /, **options: Any) -> Plan:
    return account(**options).plan(found)


def operations(made: Plan) -> list[str]:
    return [step.operation for step in made.steps]


def nobody(**more: Any) -> State:
    return State(None, domains=DOMAINS, **more)


def test_new_account() -> None:
    made = plan(
        nobody(skus=[MAIL]), display_name="Pexip", usage_location="NO", licenses=[{"sku": "MAIL"}], password="secret-1"
    )
    create, license_step = made.steps
    assert (create.operation, create.saves) == ("create_user", "user")
    assert printable(create.values) == {
        "accountEnabled": True,
        "mailNickname": "pexip",
        "displayName": "Pexip",
        "usageLocation": "NO",
        "userPrincipalName": UPN,
        "passwordProfile": {"password": "********", "forceChangePasswordNextSignIn": False},
    }
    assert create.values["passwordProfile"]["password"].value == "secret-1"
    assert license_step.target == {"user": Ref("user", "id")}
    assert license_step.values["addLicenses"] == [{"skuId": "mail-id", "disabledPlans": []}]
    assert made.diff()["before"] == {"state": "absent"}
    assert made.diff()["after"]["password"] == "********"


def test_generated_password_is_the_same_in_every_plan_of_a_run_and_told_once_made() -> None:
    resource = account(display_name="Pexip")
    first, second = (resource.plan(nobody()).steps[0] for _plan in range(2))
    assert first.covers(second)
    assert resource.secrets({}) == {}
    assert resource.secrets({"user": {"id": "user-id"}}) == {"password": Secret(resource.generated)}
    assert account(display_name="Pexip", password="given").secrets({"user": {}}) == {}


def test_generated_passwords_are_long_and_of_all_classes() -> None:
    seen = {make_password() for _round in range(50)}
    assert len(seen) == 50
    for password in seen:
        assert len(password) == 32
        for letters in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-._!"):
            assert set(password) & set(letters)


def test_nothing_to_do() -> None:
    made = plan(State(USER, skus=[MAIL]), display_name="Pexip", usage_location="no", licenses=[{"sku": "mail"}])
    assert made.steps == []
    assert made.before == made.after


def test_only_what_is_named_is_changed() -> None:
    made = plan(State(USER), surname="Scheduling", account_enabled=False)
    [step] = made.steps
    assert (step.operation, step.target) == ("update_user", {"user": "user-id"})
    assert step.values == {"surname": "Scheduling", "accountEnabled": False}
    assert not step.settling


@pytest.mark.parametrize(
    ("before", "wanted", "written"),
    [
        (None, True, "DisablePasswordExpiration"),
        ("None", True, "DisablePasswordExpiration"),
        ("DisableStrongPassword", True, "DisableStrongPassword, DisablePasswordExpiration"),
        ("DisablePasswordExpiration, DisableStrongPassword", False, "DisableStrongPassword"),
        ("DisablePasswordExpiration", False, "None"),
        ("DisablePasswordExpiration", True, None),
        (None, False, None),
        ("DisablePasswordExpiration", None, None),
    ],
)
def test_password_policies(before: str | None, wanted: bool | None, written: str | None) -> None:
    made = plan(State({**USER, "passwordPolicies": before}), password_never_expires=wanted)
    assert [step.values["passwordPolicies"] for step in made.steps] == ([written] if written else [])


def test_password_is_set_when_asked_for() -> None:
    assert plan(State(USER), password="secret-1").steps == []
    made = plan(State(USER), password="secret-1", update_password="always")
    [step] = made.steps
    assert (step.operation, step.visible) == ("set_password", False)
    assert "secret-1" not in str(made.diff()) + repr(step)
    assert plan(State(USER), update_password="always").steps == []


def test_licence_needs_a_usage_location_before_anything_is_written() -> None:
    with pytest.raises(Refused, match="usage_location: a licence can only be assigned"):
        plan(nobody(skus=[MAIL]), display_name="Pexip", licenses=[{"sku": "MAIL"}])
    nowhere = {**USER, "usageLocation": None, "assignedLicenses": []}
    with pytest.raises(Refused, match="usage_location:"):
        plan(State(nowhere, skus=[MAIL]), licenses=[{"sku": "MAIL"}])
    assert operations(plan(State({**nowhere, "usageLocation": "SE"}, skus=[MAIL]), licenses=[{"sku": "MAIL"}]))


def test_no_mailbox_plan_is_told_before_anything_is_waited_for() -> None:
    bare = {**USER, "assignedLicenses": []}
    for options in (
        {"wait_for_mailbox": True},
        {"hide_from_address_lists": True},
        {"licenses": [], "wait_for_mailbox": True},
    ):
        with pytest.raises(Refused, match=r"no licence of pexip@contoso\.com carries an Exchange mailbox plan"):
            plan(State(bare, skus=[MAIL]), **options)
    assert plan(State(bare, skus=[MAIL]), licenses=[]).steps == []


def test_mailbox_is_awaited() -> None:
    waiting = plan(State(USER, skus=[MAIL]), wait_for_mailbox=True)
    assert "mailbox of pexip@contoso.com" in waiting.awaits[0]
    assert not waiting.steps
    assert not plan(State(USER, skus=[MAIL], mailbox_ready=True), wait_for_mailbox=True).awaits


def test_hidden_from_address_lists() -> None:
    shown = {"HiddenFromAddressListsEnabled": "False"}
    [step] = plan(State(USER, mailbox=shown), hide_from_address_lists=True).steps
    assert (step.operation, step.values) == ("Set-Mailbox", {"HiddenFromAddressListsEnabled": True})
    assert plan(State(USER, mailbox=shown), hide_from_address_lists=False).steps == []
    [later] = plan(State(USER, skus=[MAIL]), hide_from_address_lists=True).steps
    assert later.settling


def test_last_seat_of_this_run_is_its_own() -> None:
    full = {**MAIL, "consumedUnits": 1}
    unlicensed = {**USER, "assignedLicenses": []}
    with pytest.raises(Refused, match="no free seat"):
        plan(State(unlicensed, skus=[full]), licenses=[{"sku": "MAIL"}])
    assert plan(State(unlicensed, skus=[full], licensed=True), licenses=[{"sku": "MAIL"}]).steps


def test_names_that_cannot_be_had() -> None:
    holders = [{"id": "x", "userPrincipalName": "alice@contoso.com", "displayName": "Alice"}]
    for state, options, words in (
        (nobody(), {"user_principal_name": "a@lab.com"}, "lab.com is not verified"),
        (nobody(), {"user_principal_name": "a@example.net"}, "is not a domain of this tenant. Use one of contoso.com"),
        (nobody(holders=holders), {}, r"is held by alice@contoso.com \(Alice\)"),
        (nobody(), {"display_name": None}, "display_name: a new account needs one"),
        (nobody(deleted=[DELETED]), {}, "deleted: pexip@contoso.com is in the recycle bin: user-id"),
        (nobody(deleted=[DELETED, DELETED]), {"deleted": "restore"}, "restore one by hand"),
        (nobody(deleted=[DELETED]), {"deleted": "purge", "display_name": None}, "display_name:"),
    ):
        with pytest.raises(Refused, match=words):
            plan(state, **{"display_name": "Pexip", **options})


def test_an_account_is_not_in_its_own_way() -> None:
    """One replica does not know yet of the user whose address another one finds."""
    made = plan(nobody(holders=[{**USER, "userPrincipalName": UPN.upper()}]), display_name="Pexip")
    assert [step.operation for step in made.steps] == ["create_user"]


@pytest.mark.parametrize("location", ["Norway", "N1", "NOR", "ÅØ"])
def test_usage_location_is_a_country_code(location: str) -> None:
    with pytest.raises(Refused, match="usage_location"):
        account(usage_location=location)


def test_user_principal_name_has_a_domain() -> None:
    with pytest.raises(Refused, match="user_principal_name: pexip has no domain"):
        account(user_principal_name="pexip")


def test_restored_account_keeps_what_it_had() -> None:
    made = plan(
        nobody(deleted=[DELETED], skus=[MAIL]),
        deleted="restore",
        surname="S",
        display_name="Pexip",
        licenses=[{"sku": "MAIL"}],
    )
    assert operations(made) == ["restore_user", "update_user", "assign_licenses"]
    assert made.steps[1].values == {"surname": "S"}
    assert all(step.target == {"user": "user-id"} for step in made.steps)
    assert made.steps[1].settling
    assert made.steps[2].settling
    assert made.diff()["before"] == {"state": "absent"}


def test_purged_name_gets_a_new_account() -> None:
    made = plan(nobody(deleted=[DELETED, {**DELETED, "id": "other"}]), deleted="purge", display_name="Pexip")
    assert operations(made) == ["purge_user", "purge_user", "create_user"]


@pytest.mark.parametrize(
    ("state", "deleted", "expected"),
    [
        (State(None), "fail", []),
        (State(USER), "fail", ["delete_user"]),
        (State(USER), "purge", ["delete_user", "purge_user"]),
        (State(None, deleted=[DELETED]), "purge", ["purge_user"]),
    ],
)
def test_absent(state: State, deleted: str, expected: list[str]) -> None:
    assert operations(plan(state, state="absent", deleted=deleted)) == expected
