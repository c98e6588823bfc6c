# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module o365_calendar_info, run by ansible-playbook on a simulated tenant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import exchangelib
import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._services.ews import account
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, connect
from exchangelib.items import SEND_TO_ALL_AND_SAVE_COPY
from exchangelib.recurrence import DailyPattern, Recurrence
from support.ansible import HOST, Ansible
from support.examples import examples
from support.exchange import ExchangeAdministrator
from support.returned import differences
from support.simulator import Simulator
from support.tasks import good, refused, task

MODULE = "o365_calendar_info"
BOX = "vmr-scheduling@contoso.com"
OSLO = exchangelib.EWSTimeZone("Europe/Oslo")
MONDAY = exchangelib.EWSDateTime(2026, 12, 7, 9, tzinfo=OSLO)
WEEK = {"mailbox": "alice@contoso.com", "start": "2026-12-07", "end": "2026-12-14", "time_zone": "Europe/Oslo"}
READER: dict[str, Any] = {
    "name": "Reader",
    "client_id": "7f2b1f5e-5d39-4c7e-9a0e-1f0d6b3a2c11",
    "client_secret": "reader-secret-of-the-simulated-tenant",
    "roles": ["Calendars.Read"],
    "exchange_roles": ["full_access_as_app"],
}


def step(title: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """A task of this module."""
    return task(title, MODULE, check, **{**WEEK, **options})


def reader(tenant: Simulator) -> dict[str, str]:
    """The options with which the app signs in that may read every calendar."""
    return {**tenant.auth(), "client_id": READER["client_id"], "client_secret": READER["client_secret"]}


def mailbox(tenant: Simulator, address: str) -> Any:
    """An exchangelib account that acts as the mailbox's owner."""
    options = {**dict.fromkeys(AUTH_ARGUMENTS), "auth_method": "auto", "cloud": "global", "timeout": 10}
    connection = connect({**options, "wait_timeout": 10, **reader(tenant)}, print)
    resource, url, ca_path = (
        "https://outlook.office365.com",
        tenant.endpoints["outlook_url"],
        tenant.endpoints["ca_path"],
    )
    return account(address, connection.tokens, resource, url, ca_path, 10, impersonate=True)


def fill(tenant: Simulator) -> None:
    """A private meeting with Bob, a series of three days, and a day off, in Alice's calendar."""
    alice = mailbox(tenant, "alice@contoso.com")
    common = {"account": alice, "folder": alice.calendar}
    exchangelib.CalendarItem(
        **common,
        subject="Quarterly figures",
        sensitivity="Private",
        start=MONDAY,
        end=MONDAY + timedelta(hours=1),
        required_attendees=["bob@contoso.com"],
    ).save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    exchangelib.CalendarItem(
        **common,
        subject="Stand-up",
        start=MONDAY + timedelta(hours=2),
        end=MONDAY + timedelta(hours=2, minutes=15),
        recurrence=Recurrence(pattern=DailyPattern(interval=1), start=MONDAY.date(), number=3),
    ).save()
    exchangelib.CalendarItem(
        **common,
        subject="Day off",
        is_all_day=True,
        legacy_free_busy_status="OOF",
        start=exchangelib.EWSDate(2026, 12, 10),
        end=exchangelib.EWSDate(2026, 12, 10),
    ).save()


def test_both_backends_show_the_same_calendar(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    tenant = simulator(seed={"apps": [READER]})
    fill(tenant)
    tasks = [
        step("ews", backend="ews"),
        step("graph", backend="graph"),
        step("auto", check=True),
        step("one morning", start="2026-12-07T08:00", end="2026-12-07T09:30"),
        step("bob's copy", mailbox="bob@contoso.com"),
        step("nobody", mailbox="nobody@contoso.com", backend="ews"),
    ]
    with tenant.no_writes():
        run = ansible.tasks(tasks, reader(tenant))
    ews, graph, auto, morning, copy = good(run, "ews", "graph", "auto", "one morning", "bob's copy")

    shown = [(one["subject"], one["start"], one["recurrence"]) for one in ews["events"]]
    assert shown == [
        ("Quarterly figures", "2026-12-07T09:00:00+01:00", "single"),
        ("Stand-up", "2026-12-07T11:00:00+01:00", "occurrence"),
        ("Stand-up", "2026-12-08T11:00:00+01:00", "occurrence"),
        ("Stand-up", "2026-12-09T11:00:00+01:00", "occurrence"),
        ("Day off", ews["events"][4]["start"], "single"),
    ]
    meeting, day = ews["events"][0], ews["events"][4]
    assert meeting["organizer"] == {"name": "Alice Anker", "address": "alice@contoso.com"}
    assert (meeting["sensitivity"], meeting["show_as"], meeting["cancelled"]) == ("private", "busy", False)
    assert [(one["address"], one["type"]) for one in meeting["attendees"]] == [("bob@contoso.com", "required")]
    assert (day["all_day"], day["show_as"]) == (True, "out_of_office")

    assert [{**one, "time_zone": None} for one in graph["events"]] == [
        {**one, "time_zone": None} for one in ews["events"]
    ]
    assert (ews["backend"], graph["backend"], auto["backend"]) == ("ews", "graph", "ews")
    assert auto["events"] == ews["events"]
    assert [one["subject"] for one in morning["events"]] == ["Quarterly figures"]
    assert copy["events"][0]["uid"] == meeting["uid"]
    assert not any(one.changed for one in run.results)
    refused(run, "nobody", "nobody@contoso.com", "ErrorNonExistentMailbox")


@pytest.mark.parametrize("closed", ["organization", "application"])
def test_auto_takes_graph_where_ews_is_closed(
    closed: str, simulator: Callable[..., Simulator], ansible: Ansible
) -> None:
    tenant = simulator(seed={"apps": [READER]})
    fill(tenant)
    administrator = ExchangeAdministrator(tenant)
    if closed == "application":
        administrator.run("Set-OrganizationConfig", EwsAllowedAppIDs="0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42")
    administrator.run("Set-OrganizationConfig", EwsEnabled=closed == "application")
    run = ansible.tasks([step("auto"), step("ews", backend="ews")], reader(tenant))
    auto = good(run, "auto")[0]
    assert (auto["backend"], len(auto["events"])) == ("graph", 5)
    assert "o365_ews_access" in " ".join(auto["warnings"])
    refused(run, "ews", "EWS is", "o365_ews_access")


def test_refusals_name_what_is_missing(tenant: Simulator, ansible: Ansible) -> None:
    """An app without any right on mailboxes, and options that cannot be asked."""
    tasks = [
        step("ews", backend="ews"),
        step("zone", time_zone="Oslo"),
        step("end", end="2026-12-01"),
        step("start", start="soon"),
    ]
    run = ansible.tasks(tasks, tenant.auth())
    refused(run, "ews", "not enough scope", "Application EWS.AccessAsApp", "o365_impersonation")
    refused(run, "zone", "time_zone:", "IANA")
    refused(run, "end", "end:")
    refused(run, "start", "start:", "2026-12-01T09:00")


@pytest.mark.smoke
def test_examples(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    tenant = simulator(seed={"apps": [READER]})
    administrator = ExchangeAdministrator(tenant)
    administrator.run("New-Mailbox", Name="VMR scheduling", Equipment=True, PrimarySmtpAddress=BOX)
    administrator.run("Set-CalendarProcessing", Identity=BOX, AutomateProcessing="None")
    alice, tomorrow = mailbox(tenant, "alice@contoso.com"), exchangelib.EWSDateTime.now(OSLO) + timedelta(days=1)
    exchangelib.CalendarItem(
        account=alice,
        folder=alice.calendar,
        subject="Quarterly figures",
        location="Fjord",
        sensitivity="Private",
        start=tomorrow,
        end=tomorrow + timedelta(hours=1),
        resources=[BOX],
        recurrence=Recurrence(pattern=DailyPattern(interval=1), start=tomorrow.date(), number=2),
    ).save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    run = ansible.tasks(examples(MODULE), reader(tenant)).ok()
    assert not differences(MODULE, run.results)


def test_the_playbook_shows_a_table_and_lets_a_delegate_in_and_out(
    simulator: Callable[..., Simulator], ansible: Ansible
) -> None:
    tenant = simulator(seed={"apps": [READER]})
    fill(tenant)
    administrator = ExchangeAdministrator(tenant)
    variables = {
        **HOST,
        "vmr_scheduling_auth": tenant.auth(),
        "vmr_scheduling_equipment_address": "bob@contoso.com",
        "vmr_scheduling_view_auth": reader(tenant),
        "vmr_scheduling_view_start": "2026-12-07",
        "vmr_scheduling_view_time_zone": "Europe/Oslo",
    }

    def view(**more: Any) -> list[str]:
        inventory = {"o365_tenants": {"hosts": {"contoso": {**variables, **more}}}}
        shown = ansible.run("vmrops.o365.view_calendar", inventory=inventory).ok()["Show the calendar"]
        return [line for line in shown["msg"] if line]

    def delegates() -> list[Any]:
        return [one["User"] for one in administrator.run("Get-MailboxPermission", Identity="bob@contoso.com")[1:]]

    with tenant.no_writes():
        heading, _names, meeting = view()
    assert heading == "bob@contoso.com, 2026-12-07 to 2026-12-14, through EWS"
    assert meeting.split()[:3] == ["2026-12-07", "09:00", "10:00"]
    assert "Alice Anker" in meeting
    assert meeting.endswith("private")

    series = view(vmr_scheduling_view_mailbox="alice@contoso.com", vmr_scheduling_view_delegate="")[2:]
    assert [line.split()[1] for line in series] == ["09:00", "11:00", "11:00", "11:00", "all"]
    assert series[1].endswith("series")
    view(vmr_scheduling_view_delegate="carol@contoso.com")
    assert delegates() == ["carol@contoso.com"]
    nothing = view(
        vmr_scheduling_view_delegate="carol@contoso.com",
        vmr_scheduling_view_delegate_state="absent",
        vmr_scheduling_view_start="2027-01-01",
    )
    assert nothing[2:] == ["nothing"]
    assert delegates() == []
