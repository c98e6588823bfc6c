# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module o365_equipment_mailbox, run by ansible-playbook on a simulated tenant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from support.ansible import Ansible
from support.examples import examples
from support.exchange import ExchangeAdministrator
from support.returned import differences
from support.simulator import Simulator, wherever
from support.tasks import commands, good, planned, refused, task

MODULE = "o365_equipment_mailbox"
ADDRESS = "vmr-scheduling@contoso.com"
NAMED = {"_name": "VMR scheduling", "primary_smtp_address": ADDRESS}
WANTED = {
    **NAMED,
    "alias": "vmr-scheduling",
    "display_name": "Pexip VMR scheduling",
    "calendar_processing": {"automate_processing": "None", "delete_subject": False, "booking_window_in_days": 400},
}
CHANGED = {
    **NAMED,
    "display_name": "Pexip rooms",
    "hidden_from_address_lists": "yes",  # a boolean as Ansible lets people write it
    "capacity": 12,
    "calendar_processing": {
        "automate_processing": "AutoAccept",
        "delete_subject": "false",
        "allow_conflicts": "on",
        "book_in_policy": ["alice@contoso.com", "vmr-users@contoso.com"],
    },
}
NOT_FOUND = {
    "error": {
        "code": "BadRequest",
        "message": "Error executing cmdlet",
        "details": [
            {
                "code": "Client",
                "target": "",
                "message": "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The "
                f"operation couldn't be performed because object '{ADDRESS}' couldn't be found on 'DC01.PROD.OUTLOOK.COM'.",
            }
        ],
    }
}


def step(title: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """A task of this module."""
    return task(title, MODULE, check, **options)


def test_lifecycle(tenant: Simulator, ansible: Ansible) -> None:
    """Create, again, change, remove, again; each foreseen by check mode, with nothing on the wire but the steps."""
    tasks = [
        step("foresee creation", check=True, **WANTED),
        step("create", **WANTED),
        step("create again", **WANTED),
        step("foresee change", check=True, **CHANGED),
        step("change", **CHANGED),
        step("change again", **CHANGED),
        step("keep", **NAMED),
        step("foresee removal", check=True, state="absent", **NAMED),
        step("remove", state="absent", **NAMED),
        step("remove again", state="absent", **NAMED),
    ]
    run = ansible.tasks(tasks, tenant.auth(), diff=True).ok()

    foreseen, created = good(run, "foresee creation", "create")
    assert foreseen.changed
    assert created.changed
    assert foreseen["steps"] == created["steps"]
    assert [one["body"]["CmdletInput"]["CmdletName"] for one in created["steps"]] == [
        "New-Mailbox",
        "Set-CalendarProcessing",
    ]
    assert "New-Mailbox -Name 'VMR scheduling' -Equipment" in created["steps"][0]["cmdlet"]
    assert foreseen["diff"] == created["diff"]
    assert created["diff"]["before"] == {"state": "absent"}
    assert created["diff"]["after"]["calendar_processing"]["delete_subject"] is False
    mailbox = created["mailbox"]
    assert (mailbox["name"], mailbox["alias"]) == ("VMR scheduling", "vmr-scheduling")
    assert (mailbox["primary_smtp_address"], mailbox["display_name"]) == (ADDRESS, "Pexip VMR scheduling")
    assert mailbox["guid"]
    assert mailbox["external_directory_object_id"]

    changes = good(run, "foresee change", "change")
    assert [one.changed for one in changes] == [True, True]
    assert changes[0]["steps"] == changes[1]["steps"]
    diff = changes[1]["diff"]
    assert (diff["before"]["display_name"], diff["after"]["display_name"]) == ("Pexip VMR scheduling", "Pexip rooms")
    assert diff["before"]["calendar_processing"]["allow_conflicts"] is False
    assert diff["after"]["calendar_processing"]["allow_conflicts"] is True
    # What does not change is no difference, and what is not named is not shown.
    assert (
        diff["before"]["calendar_processing"]["delete_subject"]
        == diff["after"]["calendar_processing"]["delete_subject"]
    )
    assert "booking_window_in_days" not in diff["after"]["calendar_processing"]
    assert changes[1]["mailbox"]["guid"] == mailbox["guid"]

    removals = good(run, "foresee removal", "remove")
    assert removals[0]["steps"] == removals[1]["steps"]
    assert removals[1]["mailbox"] is None
    assert removals[1]["diff"]["before"]["primary_smtp_address"] == ADDRESS
    assert removals[1]["diff"]["after"] == {"state": "absent"}
    assert "stays recoverable" in " ".join(removals[1]["warnings"])

    unchanged = good(run, "create again", "change again", "keep", "remove again")
    assert [one.changed for one in unchanged] == [False] * 4
    assert [one["steps"] for one in unchanged] == [[]] * 4
    assert [one["diff"]["before"] == one["diff"]["after"] for one in unchanged] == [True] * 4
    assert commands(tenant.writes()) == planned(created, changes[1], removals[1])


def test_check_mode_and_second_run_write_nothing(tenant: Simulator, ansible: Ansible) -> None:
    with tenant.no_writes():
        assert good(ansible.module(MODULE, {"name": "VMR", "capacity": 4}, tenant.auth(), check=True), MODULE)[
            0
        ].changed
    ansible.module(MODULE, {"name": "VMR", "capacity": 4}, tenant.auth()).ok()
    with tenant.no_writes():
        again = ansible.module(MODULE, {"name": "VMR", "capacity": 4}, tenant.auth()).ok()
    assert again.changed == 0
    box = ExchangeAdministrator(tenant).one("Get-Mailbox", Identity="VMR")
    assert (box["ResourceCapacity"], box["PrimarySmtpAddress"]) == (4, "VMR@contoso.com")


@pytest.mark.smoke
def test_examples(tenant: Simulator, ansible: Ansible) -> None:
    run = ansible.tasks(examples(MODULE), tenant.auth()).ok()
    assert run.changed == len(run.results)
    assert not differences(MODULE, run.results)
    assert ExchangeAdministrator(tenant).mailboxes() == []


def test_found_by_address_and_by_name(tenant: Simulator, ansible: Ansible) -> None:
    """The address finds a mailbox and gives it the name; the name finds it and gives it the address; lists clear."""
    lists = {"resource_delegates": ["bob@contoso.com"], "book_in_policy": ["alice@contoso.com"]}
    tasks = [
        step("make", _name="Old", primary_smtp_address="old@contoso.com", calendar_processing=lists),
        step("rename", _name="New", primary_smtp_address="old@contoso.com", alias="new"),
        step("move", _name="New", primary_smtp_address="New@contoso.com"),
        step("by former address", _name="New", primary_smtp_address="old@contoso.com", check=True),
        step("move again", _name="New", primary_smtp_address="new@contoso.com"),
        step(
            "same recipients", _name="New", calendar_processing={"book_in_policy": ["ALICE@contoso.com", "Alice Anker"]}
        ),
        step("clear", _name="New", calendar_processing={"resource_delegates": [], "book_in_policy": []}),
        step("clear again", _name="New", calendar_processing={"resource_delegates": [], "book_in_policy": []}),
    ]
    run = ansible.tasks(tasks, tenant.auth(), diff=True).ok()
    results = good(run, *(one["name"] for one in tasks))
    assert [one.changed for one in results] == [True, True, True, True, False, False, True, False]
    assert len({one["mailbox"]["guid"] for one in results}) == 1
    boxes = ExchangeAdministrator(tenant).mailboxes()
    assert [(box["Name"], box["Alias"], box["PrimarySmtpAddress"].lower()) for box in boxes] == [
        ("New", "new", "new@contoso.com")
    ]
    assert "smtp:old@contoso.com" in boxes[0]["EmailAddresses"]


def test_bad_input(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """Each is refused before the first write, with the option's name and what to do."""
    tenant = simulator(
        seed={
            "groups": [
                {"name": "Sales", "mail": "sales@contoso.com", "members": ["alice@contoso.com"]},
                {"name": "Service", "mail": "service@contoso.com", "members": ["alice@contoso.com"]},
            ]
        }
    )
    box = {"_name": "VMR", "primary_smtp_address": "vmr@contoso.com"}
    booking = {"booking_window_in_days": 1081}
    cases: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"_name": ""}, ("name:", "1 to 64")),
        ({"_name": "x" * 65}, ("name:", "65", "64")),
        ({"_name": "VMR", "primary_smtp_address": "vmr"}, ("primary_smtp_address:", "name@domain")),
        ({"_name": "VMR", "alias": "two words"}, ("alias:", "without spaces")),
        ({"_name": "VMR", "capacity": -1}, ("capacity:", "from 0")),
        ({**box, "calendar_processing": booking}, ("calendar_processing.booking_window_in_days:", "0 to 1080")),
        ({**box, "calendar_processing": {"automate_processing": "Sometimes"}}, ("automate_processing", "AutoAccept")),
        ({**box, "calendar_processing": {"autoaccept": True}}, ("autoaccept", "automate_processing")),
        (
            {**box, "calendar_processing": {"resource_delegates": ["nobody@contoso.com"]}},
            ("nobody@contoso.com", "Check"),
        ),
        (
            {"_name": "VMR", "primary_smtp_address": "vmr@contoso-lab.com"},
            ("primary_smtp_address:", "contoso-lab.com", "accepted domain", "contoso.com"),
        ),
        ({"_name": "VMR", "primary_smtp_address": "vmr@elsewhere.org"}, ("primary_smtp_address:", "elsewhere.org")),
        (
            {"_name": "VMR", "primary_smtp_address": "sales@contoso.com"},
            ("primary_smtp_address:", "sales@contoso.com belongs to Sales", "another address"),
        ),
        (
            {"_name": "VMR", "primary_smtp_address": "alice@contoso.com"},
            ("primary_smtp_address:", "alice@contoso.com", "UserMailbox", "never taken over"),
        ),
        ({"_name": "VMR", "alias": "alice"}, ("alias:", "alice belongs to Alice Anker", "another alias")),
        ({"_name": "VMR", "alias": "service"}, ("alias:", "service belongs to Service", "another alias")),
        ({"_name": "Sales"}, ("name:", "Sales belongs to Sales", "another name")),
        ({"_name": "Alice Anker"}, ("name:", "alice@contoso.com is a UserMailbox", "never taken over")),
        ({"_name": "Alice Anker", "state": "absent"}, ("name:", "alice@contoso.com is a UserMailbox")),
        ({**box, "tenant_id": "fabrikam.onmicrosoft.com"}, ("tenant",)),
        ({**box, "client_secret": "wrong"}, ("client_secret", "AADSTS7000215")),
    ]
    tasks = [step(f"case {number}", **options) for number, (options, _words) in enumerate(cases)]
    with tenant.no_writes():
        run = ansible.tasks(tasks, tenant.auth())
    for number, (_options, words) in enumerate(cases):
        refused(run, f"case {number}", *words)


def test_address_of_another_recipient_for_an_existing_mailbox(tenant: Simulator, ansible: Ansible) -> None:
    ansible.module(MODULE, {"name": "VMR", "primary_smtp_address": "vmr@contoso.com"}, tenant.auth()).ok()
    tasks = [
        step("a group's", _name="VMR", primary_smtp_address="vmr-users@contoso.com"),
        step("a group's alias", _name="VMR", alias="vmr-users"),
        step("a user's", _name="VMR", primary_smtp_address="alice@contoso.com"),
    ]
    with tenant.no_writes():
        run = ansible.tasks(tasks, tenant.auth())
    refused(run, "a group's", "primary_smtp_address:", "VMR scheduling users", "another address")
    refused(run, "a group's alias", "alias:", "VMR scheduling users", "another alias")
    refused(run, "a user's", "primary_smtp_address:", "Alice Anker", "VMR")


def test_x33_apostrophes(tenant: Simulator, ansible: Ansible) -> None:
    wanted = {
        "_name": "O'Brien's VMR",
        "alias": "o'brien",
        "primary_smtp_address": "o'brien@contoso.com",
        "calendar_processing": {"automate_processing": "None", "book_in_policy": ["Bob O'Brien"]},
    }
    tasks = [step("create", **wanted), step("again", **wanted), step("remove", state="absent", **wanted)]
    run = ansible.tasks(tasks, tenant.auth()).ok()
    created, again, removed = good(run, "create", "again", "remove")
    assert (created.changed, again.changed, removed.changed) == (True, False, True)
    assert "-Name 'O''Brien''s VMR'" in created["steps"][0]["cmdlet"]
    assert ExchangeAdministrator(tenant).mailboxes() == []


def test_x17_a_failed_read_never_creates(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """A read that answers 500 or 403, hangs, or meets somebody else's 404, is a failure."""
    faults = [
        {"match": {"cmdlet": "Get-Mailbox"}, "do": "respond", "status": 403, "times": 1},
        {
            "match": {"cmdlet": "Get-Mailbox"},
            "do": "respond",
            "status": 404,
            "body": "<html>nothing here</html>",
            "times": 1,
        },
        {"match": {"cmdlet": "Get-Mailbox"}, "do": "stall", "seconds": 3, "times": 1},
        {"match": {"cmdlet": "Get-Mailbox"}, "do": "respond", "status": 500, "times": 0},
    ]
    tenant = simulator(faults=faults)
    patient = {**NAMED, "timeout": 1, "wait_timeout": 1}
    tasks = [step(title, **patient) for title in ("403", "404", "hangs", "500")]
    with tenant.no_writes():
        run = ansible.tasks(tasks, tenant.auth())
    refused(run, "403", f"read the mailbox {ADDRESS}", "403", "Exchange.ManageAsApp", "Exchange Administrator")
    refused(run, "404", f"read the mailbox {ADDRESS}", "404")
    refused(run, "hangs", f"read the mailbox {ADDRESS}", "timed out")
    refused(run, "500", f"read the mailbox {ADDRESS}", "500")


def test_x17_a_failed_read_of_the_settings_changes_nothing(
    simulator: Callable[..., Simulator], ansible: Ansible
) -> None:
    tenant = simulator()
    ansible.module(MODULE, {"name": "VMR", "primary_smtp_address": ADDRESS}, tenant.auth()).ok()
    tenant.restart(faults=wherever("Get-CalendarProcessing", do="respond", status=503, times=0))
    options = {"name": "VMR", "calendar_processing": {"automate_processing": "None"}, "wait_timeout": 1}
    with tenant.no_writes():
        failure = ansible.module(MODULE, options, tenant.auth()).failure()
    assert "calendar processing" in failure.msg
    assert "503" in failure.msg


def test_x20_every_request_carries_the_anchor(tenant: Simulator, ansible: Ansible) -> None:
    """Also those in a batch: without it, a create and the next call may meet different backends."""
    options = {**CHANGED, "name": CHANGED["_name"]}
    del options["_name"]
    ansible.module(MODULE, options, tenant.auth()).ok()
    anchor = f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{tenant.endpoints['tenant_id']}"
    requests = [one for one in tenant.wire() if one.service == "outlook"]
    batches = [item for one in requests if one.path.endswith("/$batch") for item in one.request["requests"]]
    assert batches
    headers = [one.request_headers for one in requests] + [item["headers"] for item in batches]
    anchors = [{name.lower(): value for name, value in one.items()}.get("x-anchormailbox") for one in headers]
    assert set(anchors) == {anchor}


def test_x31_settings_of_a_mailbox_made_a_second_ago(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """ "Couldn't be found" three times, from the read as well as from the write, is waited out."""
    faults = [
        {"match": {"cmdlet": cmdlet}, "do": "respond", "status": 400, "body": NOT_FOUND, "times": 3}
        for cmdlet in ("Set-CalendarProcessing", "Get-CalendarProcessing")
    ]
    tenant = simulator(faults=faults)
    created = good(ansible.tasks([step("create", **WANTED)], tenant.auth()).ok(), "create")[0]
    assert created.changed
    sent = [one for one in tenant.writes() if one.operations == ["Set-CalendarProcessing"]]
    assert [one.status for one in sent] == [400, 400, 400, 200]
    assert len([one for one in tenant.writes() if one.operations == ["New-Mailbox"]]) == 1
    assert good(ansible.tasks([step("again", **WANTED)], tenant.auth()).ok(), "again")[0].changed is False


def test_x31_ends_with_the_deadline(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """What exists already is said, and running again continues."""
    fault = {
        "match": {"cmdlet": "Set-CalendarProcessing"},
        "do": "respond",
        "status": 400,
        "body": NOT_FOUND,
        "times": 0,
    }
    tenant = simulator(faults=[fault])
    failure = ansible.tasks([step("create", wait_timeout=1, **WANTED)], tenant.auth())["create"]
    assert failure.status == "failed"
    assert failure.changed
    assert "couldn't be found" in failure.msg
    assert "Already done: create the equipment mailbox VMR scheduling" in failure.msg
    assert failure["steps_done"] == ["create the equipment mailbox VMR scheduling"]
    tenant.restart(faults=[])
    done = ansible.tasks([step("go on", **WANTED)], tenant.auth()).ok()["go on"]
    assert [one["body"]["CmdletInput"]["CmdletName"] for one in done["steps"]] == ["Set-CalendarProcessing"]


def test_replicas_that_lag(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """One create, the right result, and nothing to do for the task right after it; the same for change and removal."""
    tenant = simulator(lag=1.5)
    tasks = [
        step("create", **WANTED),
        step("create again", **WANTED),
        step("change", **CHANGED),
        step("change again", **CHANGED),
        step("remove", state="absent", **NAMED),
        step("remove again", state="absent", **NAMED),
    ]
    run = ansible.tasks(tasks, tenant.auth()).ok()
    results = good(run, *(one["name"] for one in tasks))
    assert [one.changed for one in results] == [True, False] * 3
    assert results[0]["mailbox"]["display_name"] == "Pexip VMR scheduling"
    assert results[2]["mailbox"]["display_name"] == "Pexip rooms"
    sent = tenant.writes()
    # Only a replica that does not know the mailbox yet may refuse, and then the same is sent again.
    again = [
        number for number, one in enumerate(sent) if one.status == 400 and "couldn't be found" in str(one.response)
    ]
    assert all(commands(sent[number : number + 1]) == commands(sent[number + 1 : number + 2]) for number in again)
    assert commands(one for number, one in enumerate(sent) if number not in again) == planned(*results[0::2])


@pytest.mark.parametrize(
    ("fault", "lag"),
    [
        pytest.param({"do": "drop", "when": "after"}, 0, id="dropped after"),
        pytest.param({"do": "drop", "when": "after"}, 1, id="dropped after, lag"),
        pytest.param({"do": "drop", "when": "before"}, 0, id="dropped before"),
        pytest.param({"do": "respond", "status": 503, "when": "after"}, 1, id="503 after, lag"),
        pytest.param({"do": "respond", "status": 503, "when": "before", "times": 2}, 0, id="503 before"),
    ],
)
def test_creation_that_may_have_happened(
    simulator: Callable[..., Simulator], ansible: Ansible, fault: dict[str, Any], lag: float
) -> None:
    """It is looked up before it is repeated: one mailbox, whatever the wire did."""
    tenant = simulator(lag=lag, faults=[{"match": {"cmdlet": "New-Mailbox"}, **fault}])
    run = ansible.tasks([step("create", **WANTED), step("again", **WANTED)], tenant.auth()).ok()
    created, again = good(run, "create", "again")
    assert (created.changed, again.changed) == (True, False)
    assert created["mailbox"]["primary_smtp_address"] == ADDRESS
    tenant.restart(lag=0, faults=[])
    boxes = ExchangeAdministrator(tenant).mailboxes()
    assert [box["PrimarySmtpAddress"] for box in boxes] == [ADDRESS]
    settings = ExchangeAdministrator(tenant).one("Get-CalendarProcessing", Identity=ADDRESS)
    assert settings["AutomateProcessing"] == "None"


def test_throttling_is_obeyed(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    fault = {
        "match": {"cmdlet": "New-Mailbox"},
        "do": "respond",
        "status": 429,
        "headers": {"Retry-After": "2"},
        "times": 1,
    }
    tenant = simulator(faults=[fault])
    ansible.tasks([step("create", **WANTED)], tenant.auth()).ok()
    first, second = [one for one in tenant.writes() if one.operations == ["New-Mailbox"]]
    assert (first.status, second.status) == (429, 200)
    assert seconds(second.time) - seconds(first.time) >= 2


def seconds(moment: str) -> float:
    """A time of the wire log in seconds."""
    return datetime.fromisoformat(moment).timestamp()


def test_x34_no_directory_role(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """A 403 whose body is NUL bytes declared gzip: the reason comes from a header, and the missing role is named."""
    tenant = simulator(seed={"automation": {"directory_roles": []}})
    with tenant.no_writes():
        run = ansible.tasks([step("create", **WANTED)], tenant.auth())
    # What a batch makes of such an answer is not known, so the request is sent alone before it is believed.
    denied = next(one for one in tenant.wire() if one.service == "outlook" and not one.path.endswith("/$batch"))
    assert (denied.status, denied.response_headers["content-encoding"]) == (403, "gzip")
    refused(
        run,
        "create",
        "isn't supported in this scenario",
        "Exchange.ManageAsApp",
        "Exchange Administrator",
        "Get-Mailbox",
    )


def test_settings_that_come_back_as_text(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """Some tenants give "False" for false, and "400" for 400."""
    rows = {"value": [{"AutomateProcessing": "none", "DeleteSubject": "False", "BookingWindowInDays": "400"}]}
    fault = {"match": {"cmdlet": "Get-CalendarProcessing"}, "do": "respond", "status": 200, "body": rows, "times": 0}
    tenant = simulator()
    ansible.tasks([step("create", **WANTED)], tenant.auth()).ok()
    tenant.restart(faults=[fault])
    assert good(ansible.tasks([step("again", **WANTED)], tenant.auth()), "again")[0].changed is False
