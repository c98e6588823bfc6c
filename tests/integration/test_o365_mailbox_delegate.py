# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module o365_mailbox_delegate, run by ansible-playbook on a simulated tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.ansible import Ansible
from support.examples import examples
from support.exchange import ExchangeAdministrator
from support.returned import differences
from support.simulator import Simulator
from support.tasks import commands, good, planned, refused, task

MODULE = "o365_mailbox_delegate"
BOX = "vmr-scheduling@contoso.com"
PAIR = {"mailbox": BOX, "delegate": "bob@contoso.com"}
RIGHTS = ["FullAccess", "SendAs", "SendOnBehalf"]


def step(title: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """A task of this module."""
    return task(title, MODULE, check, **{**PAIR, **options})


def with_equipment(tenant: Simulator) -> ExchangeAdministrator:
    """An administrator who has made the equipment mailbox."""
    administrator = ExchangeAdministrator(tenant)
    administrator.run("New-Mailbox", Name="VMR scheduling", Equipment=True, PrimarySmtpAddress=BOX)
    return administrator


def test_lifecycle(tenant: Simulator, ansible: Ansible) -> None:
    """Give, again, take one, take all; each foreseen by check mode, with nothing on the wire but the steps."""
    administrator = with_equipment(tenant)
    administrator.run("Add-MailboxPermission", Identity=BOX, User="alice@contoso.com", AccessRights=["FullAccess"])
    wanted = {"access_rights": RIGHTS, "calendar_role": "Reviewer"}
    tasks = [
        step("foresee giving", check=True, **wanted),
        step("give", automapping=False, **wanted),
        step("give again", automapping=True, **wanted),
        step("another role", calendar_role="Editor"),
        step("take one", access_rights=["SendAs"], state="absent"),
        step("take one again", access_rights=["SendAs"], state="absent"),
        step("foresee taking", check=True, state="absent", **wanted),
        step("take all", state="absent", **wanted),
        step("take all again", state="absent", **wanted),
    ]
    mark = tenant.mark()
    run = ansible.tasks(tasks, tenant.auth(), diff=True).ok()

    foreseen, given = good(run, "foresee giving", "give")
    assert [one["summary"] for one in foreseen["steps"]] == [one["summary"] for one in given["steps"]]
    assert foreseen["diff"] == given["diff"]
    assert given["permissions"] == {
        "mailbox": BOX,
        "delegate": "bob@contoso.com",
        "access_rights": RIGHTS,
        "calendar_role": "Reviewer",
        "calendar_folder": f"{BOX}:\\Calendar",
    }
    full = next(one["cmdlet"] for one in given["steps"] if "Add-MailboxPermission" in one["cmdlet"])
    assert "-AutoMapping $false" in full

    changed, one, foreseen, gone = good(run, "another role", "take one", "foresee taking", "take all")
    assert changed["permissions"]["calendar_role"] == "Editor"
    assert one["permissions"]["access_rights"] == []
    assert foreseen["steps"] == gone["steps"]
    assert (gone["permissions"]["access_rights"], gone["permissions"]["calendar_role"]) == ([], None)

    again = good(run, "give again", "take one again", "take all again")
    assert [(each.changed, each["steps"]) for each in again] == [(False, [])] * 3
    assert commands(tenant.writes(mark)) == planned(given, changed, one, gone)
    others = administrator.run("Get-MailboxPermission", Identity=BOX, User="alice@contoso.com")
    assert [entry["AccessRights"] for entry in others] == [["FullAccess"]]


def test_x23_the_calendar_is_called_kalender(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    tenant = simulator()
    administrator = with_equipment(tenant)
    administrator.run(
        "Set-MailboxRegionalConfiguration", Identity=BOX, Language="de-DE", LocalizeDefaultFolderName=True
    )
    run = ansible.tasks(
        [step("give", calendar_role="Reviewer"), step("again", calendar_role="Reviewer")], tenant.auth()
    )
    given, again = good(run, "give", "again")
    assert given["permissions"]["calendar_folder"] == f"{BOX}:\\Kalender"
    assert (given.changed, again.changed) == (True, False)


def test_x27_automapping_is_not_compared(tenant: Simulator, ansible: Ansible) -> None:
    """Exchange does not show it; it is sent with the right, and the documentation says how to change it."""
    with_equipment(tenant)
    tasks = [
        step("give", access_rights=["FullAccess"], automapping=True),
        step("other", access_rights=["FullAccess"], automapping=False),
    ]
    given, other = good(ansible.tasks(tasks, tenant.auth()), "give", "other")
    assert commands(tenant.writes())[-1]["Parameters"]["AutoMapping"] is True
    assert (given.changed, other.changed) == (True, False)


def test_texts_for_truths_and_reads_that_lag(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """Some tenants write Deny as a text; and a permission that was given a moment ago is not given again."""
    tenant = simulator(seed={"switches": {"deny_as_string": True}})
    with_equipment(tenant)
    tenant.restart(lag=2)
    mark = tenant.mark()
    given = good(ansible.tasks([step("give", access_rights=RIGHTS)], tenant.auth()), "give")[0]
    assert given["permissions"]["access_rights"] == RIGHTS
    assert commands(tenant.writes(mark)) == planned(given)


def test_bad_input(tenant: Simulator, ansible: Ansible) -> None:
    """Each is refused before the first write, with the option's name and what to do."""
    administrator = with_equipment(tenant)
    administrator.run(
        "Add-MailboxPermission", Identity=BOX, User="bob@contoso.com", AccessRights=["FullAccess"], Deny=True
    )
    tasks = [
        step("nothing"),
        step("no mailbox", mailbox="nobody@contoso.com", access_rights=RIGHTS),
        step("no delegate", delegate="nobody@contoso.com", access_rights=RIGHTS),
        step("denied", access_rights=["FullAccess"]),
        step("automapping alone", access_rights=["SendAs"], automapping=True),
        step("nobody loses nothing", delegate="nobody@contoso.com", access_rights=RIGHTS, state="absent"),
    ]
    with tenant.no_writes():
        run = ansible.tasks(tasks, tenant.auth())
    refused(run, "nothing", "access_rights:", "calendar_role")
    refused(run, "no mailbox", "mailbox:", "nobody@contoso.com")
    refused(run, "no delegate", "delegate:", "nobody@contoso.com")
    refused(run, "denied", "access_rights:", "denied")
    refused(run, "automapping alone", "automapping:")
    assert not good(run, "nobody loses nothing")[0].changed


@pytest.mark.smoke
def test_examples(tenant: Simulator, ansible: Ansible) -> None:
    with_equipment(tenant)
    run = ansible.tasks(examples(MODULE), tenant.auth()).ok()
    assert run.changed == len(run.results)
    assert not differences(MODULE, run.results)
