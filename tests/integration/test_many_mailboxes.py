# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many equipment mailboxes in one task: what it costs, what one of them may break, and what throttling does to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from support.ansible import Ansible, Result
from support.exchange import ExchangeAdministrator
from support.simulator import Request, Simulator
from support.tasks import good, refused, task

MODULE = "o365_equipment_mailbox"
SHARED: dict[str, Any] = {
    "hidden_from_address_lists": True,
    "calendar_processing": {"automate_processing": "None", "delete_subject": False},
}
# Requests for that many mailboxes that are not there, and for as many that are as they should be.
APPLIED = {10: 14, 100: 131, 1000: 1310}
AGAIN = {10: 2, 100: 20, 1000: 200}


def listed(number: int) -> list[dict[str, Any]]:
    """So many mailboxes that are not in the default tenant."""
    return [
        {
            "name": f"VMR {one:04}",
            "alias": f"vmr-{one:04}",
            "primary_smtp_address": f"vmr-{one:04}@contoso.com",
            "display_name": f"VMR no. {one}",
        }
        for one in range(number)
    ]


def converge(title: str, mailboxes: Sequence[dict[str, Any]], **options: Any) -> dict[str, Any]:
    """A task that brings all of them about."""
    return task(title, MODULE, **{**SHARED, "mailboxes": list(mailboxes), **options})


def requests_of(tenant: Simulator) -> list[Request]:
    """What was sent to Exchange."""
    return [one for one in tenant.wire() if one.service == "outlook"]


def throttled(each: int) -> list[dict[str, Any]]:
    """Every so many requests, and every so many items of batches, are answered 429."""
    answer = {"do": "respond", "status": 429, "times": 0, "every": each, "headers": {"Retry-After": "0.1"}}
    words = {"error": {"code": "TooManyRequests", "message": "Too many requests."}}
    return [
        {"match": {"service": "outlook"}, "body": words, **answer},
        {"match": {"service": "outlook", "item": "."}, "body": words, **answer},
    ]


def measured(ansible: Ansible, tenant: Simulator, number: int) -> tuple[Result, int]:
    """The result of converging so many mailboxes, and the requests that it took."""
    before = len(requests_of(tenant))
    run = ansible.tasks([converge("converge", listed(number))], tenant.auth())
    return good(run, "converge")[0], len(requests_of(tenant)) - before


@pytest.mark.parametrize(("number", "each", "most"), [(10, 5, 3.0), (1000, 50, 1.3)])
def test_s24_many_mailboxes_while_requests_and_items_of_batches_are_throttled(
    number: int, each: int, most: float, simulator: Callable[..., Simulator], ansible: Ansible
) -> None:
    """In one task; two in a hundred requests, as a busy tenant does it, and far more. A thousand cost ten times a hundred."""
    tenant = simulator(faults=throttled(each))
    result, disturbed = measured(ansible, tenant, number)
    assert result.changed
    assert [(one["changed"], one["failed"]) for one in result["mailboxes"]] == [(True, False)] * number
    requests = requests_of(tenant)
    statuses = [one.status for one in requests]
    items = [
        one["status"]
        for request in requests
        if request.path.endswith("/$batch") and request.status == 200
        for one in request.response["responses"]
    ]
    for answers in (statuses, items):
        assert answers.count(429) >= 0.95 * len(answers) // each
    assert disturbed <= most * APPLIED[number]
    boxes = ExchangeAdministrator(tenant).mailboxes()
    assert sorted(box["PrimarySmtpAddress"] for box in boxes) == [one["primary_smtp_address"] for one in listed(number)]


@pytest.mark.parametrize("number", [10, 100])
def test_s35_many_mailboxes_are_read_in_batches_and_a_second_run_writes_nothing(
    number: int, tenant: Simulator, ansible: Ansible
) -> None:
    assert measured(ansible, tenant, number)[1] == APPLIED[number]
    with tenant.no_writes():
        result, requests = measured(ansible, tenant, number)
    assert not result.changed
    assert requests == AGAIN[number]


def test_many_mailboxes_are_foreseen_changed_and_removed(tenant: Simulator, ansible: Ansible) -> None:
    """What check mode says is what is done; the defaults hold where an item says nothing else."""
    three = listed(3)
    three[1] |= {"hidden_from_address_lists": False, "calendar_processing": {"booking_window_in_days": 400}}
    tasks = [
        {**converge("foresee", three), "check_mode": True},
        converge("make", three),
        converge("make again", three),
        task("change", MODULE, mailboxes=three, capacity=4),
        task(
            "remove two", MODULE, mailboxes=[{**three[0], "state": "absent"}, three[1], {**three[2], "state": "absent"}]
        ),
        task("remove all", MODULE, state="absent", mailboxes=[{"name": one["name"]} for one in three]),
        task("remove all again", MODULE, state="absent", mailboxes=[{"name": one["name"]} for one in three]),
    ]
    run = ansible.tasks(tasks, tenant.auth(), diff=True).ok()
    foreseen, made, again, changed, two, rest, gone = good(run, *(one["name"] for one in tasks))
    assert [one.changed for one in (foreseen, made, again, changed, two, rest, gone)] == [True] * 2 + [
        False,
        True,
        True,
        True,
        False,
    ]
    assert sorted(map(str, foreseen["steps"])) == sorted(map(str, made["steps"]))
    assert foreseen["diff"] == made["diff"]
    assert [one["after_header"] for one in made["diff"]] == [one["name"] for one in three]
    settings = [one["after"]["calendar_processing"] for one in made["diff"]]
    shared = SHARED["calendar_processing"]
    assert settings == [shared, {**shared, "booking_window_in_days": 400}, shared]
    assert [one["after"]["hidden_from_address_lists"] for one in made["diff"]] == [True, False, True]
    assert (again["diff"], again["steps"]) == ([], [])
    assert [one["mailbox"]["primary_smtp_address"] for one in again["mailboxes"]] == [
        one["primary_smtp_address"] for one in three
    ]
    assert [step["body"]["CmdletInput"]["CmdletName"] for step in changed["steps"]] == ["Set-Mailbox"] * 3
    assert [one["changed"] for one in two["mailboxes"]] == [True, False, True]
    assert len(two["warnings"]) == 2
    assert [one["changed"] for one in rest["mailboxes"]] == [False, True, False]
    assert ExchangeAdministrator(tenant).mailboxes() == []


def test_a_bad_mailbox_does_not_stop_the_others_and_running_again_continues(
    simulator: Callable[..., Simulator], ansible: Ansible
) -> None:
    """Refused by the plan, refused by the service, and by the service for good."""
    denied = {
        "error": {
            "code": "BadRequest",
            "message": "x",
            "details": [{"message": "|Some.Exception|The quota is used up."}],
        }
    }
    quota = {"match": {"item": "New-Mailbox"}, "do": "respond", "status": 400, "body": denied, "skip": 3}
    tenant = simulator(faults=[quota])
    five = listed(5)
    five[1]["primary_smtp_address"] = "alice@contoso.com"
    run = ansible.tasks([converge("make", five)], tenant.auth())
    failed = run["make"]
    assert failed.status == "failed"
    assert failed.msg.startswith("2 of 5 mailboxes failed: VMR 0001: ")
    assert "never taken over" in failed.msg
    assert "The quota is used up." in failed.msg
    assert "Already done: 9 steps" in failed.msg
    assert failed.changed
    ends = failed["mailboxes"]
    assert [one["failed"] for one in ends] == [False, True, False, False, True]
    assert all("msg" in one for one in ends if one["failed"])
    five[1]["primary_smtp_address"] = "vmr-0001@contoso.com"
    again = good(ansible.tasks([converge("make", five)], tenant.auth()), "make")[0]
    assert [one["changed"] for one in again["mailboxes"]] == [False, True, False, False, True]
    assert len(ExchangeAdministrator(tenant).mailboxes()) == 5


def test_a_batch_of_writes_whose_answer_is_lost_makes_nothing_twice(
    simulator: Callable[..., Simulator], ansible: Ansible
) -> None:
    tenant = simulator()
    writes = [number for number, one in enumerate(batches(ansible, tenant)) if one.is_write]
    cut = {"match": {"path": "batch$"}, "do": "drop", "when": "after", "skip": writes[0]}
    disturbed = simulator(faults=[cut])
    made = batches(ansible, disturbed)
    assert made[writes[0]].status == 0
    assert sum(one.operations.count("New-Mailbox") for one in made) == 4
    assert len(ExchangeAdministrator(disturbed).mailboxes()) == 4


def batches(ansible: Ansible, tenant: Simulator) -> list[Request]:
    """The batches that making four mailboxes takes."""
    good(ansible.tasks([converge("make", listed(4))], tenant.auth()), "make")
    return [one for one in requests_of(tenant) if one.path.endswith("/$batch")]


def test_a_list_that_cannot_be_meant_is_refused_before_anything_is_read(tenant: Simulator, ansible: Ansible) -> None:
    cases: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({}, ("name", "mailboxes")),
        ({"_name": "VMR", "mailboxes": listed(1)}, ("mutually exclusive", "name|mailboxes")),
        ({"mailboxes": [*listed(1), {"name": "x" * 65}]}, ("mailboxes[1].name:", "65")),
        ({"mailboxes": [*listed(2), {"name": "vmr 0001"}]}, ("mailboxes[2].name:", "mailboxes[1]", "List each")),
        ({"mailboxes": [{"name": "a", "capacity": -1}]}, ("mailboxes[0].capacity:", "from 0")),
    ]
    tasks = [task(f"case {number}", MODULE, **options) for number, (options, _words) in enumerate(cases)]
    run = ansible.tasks(tasks, tenant.auth())
    for number, (_options, words) in enumerate(cases):
        refused(run, f"case {number}", *words)
    assert tenant.wire() == []
