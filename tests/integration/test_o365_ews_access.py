# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module o365_ews_access, run by ansible-playbook on a simulated tenant."""

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

MODULE = "o365_ews_access"
PEXIP, OTHER = "4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11", "0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42"


def step(title: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """A task of this module."""
    return task(title, MODULE, check, **{"app_ids": [PEXIP], **options})


def organization(tenant: Simulator) -> tuple[Any, Any]:
    """The switch and the list, as an administrator reads them."""
    config = ExchangeAdministrator(tenant).one("Get-OrganizationConfig", RetrieveEwsOperationAccessPolicy=True)
    return config["EwsEnabled"], config["EwsAllowedAppIDs"]


def test_lifecycle(tenant: Simulator, ansible: Ansible) -> None:
    """Refused while all may use EWS; then listed, switched on, merged and taken away, each foreseen by check mode."""
    tasks = [
        step("cut off all others unasked"),
        step("foresee", check=True, cut_off_others=True),
        step("open", cut_off_others=True),
        step("open again"),
        step("add", app_ids=[OTHER]),
        step("take one away", state="absent"),
        step("take one away again", state="absent"),
        step("foresee the last", check=True, app_ids=[OTHER], state="absent"),
        step("take the last away", app_ids=[OTHER], state="absent"),
    ]
    run = ansible.tasks(tasks, tenant.auth(), diff=True)

    refused(run, "cut off all others unasked", "app_ids:", "any application", "cut_off_others")
    foreseen, opened = good(run, "foresee", "open")
    assert foreseen["steps"] == opened["steps"]
    assert foreseen["diff"] == opened["diff"]
    assert [one["cmdlet"] for one in opened["steps"]] == [
        f"Set-OrganizationConfig -EwsAllowedAppIDs '{PEXIP}'",
        "Set-OrganizationConfig -EwsEnabled $true",
    ]
    assert opened["ews"] == {"enabled": True, "app_ids": [PEXIP], "ends_on": "2027-04-01"}
    assert "2027-04-01" in " ".join(opened["warnings"])

    added, taken = good(run, "add", "take one away")
    assert added["ews"]["app_ids"] == [PEXIP, OTHER]
    assert taken["ews"] == {"enabled": True, "app_ids": [OTHER], "ends_on": "2027-04-01"}

    foreseen, last = good(run, "foresee the last", "take the last away")
    assert foreseen["steps"] == last["steps"]
    assert (last["ews"]["enabled"], last["ews"]["app_ids"]) == (False, [])

    again = good(run, "open again", "take one away again")
    assert [(one.changed, one["steps"], one.get("warnings")) for one in again] == [(False, [], None)] * 2
    assert commands(tenant.writes()) == planned(opened, added, taken, last)


def test_x37_another_tool_switched_ews_off(tenant: Simulator, ansible: Ansible) -> None:
    """What another tool listed stays listed, whichever way it wrote the list, and also where reads lag behind writes."""
    administrator = ExchangeAdministrator(tenant)
    administrator.run("Set-OrganizationConfig", EwsAllowedAppIDs=f" {OTHER.upper()}")
    administrator.run("Set-OrganizationConfig", EwsEnabled=False)
    tenant.restart(lag=1.5)
    mark = tenant.mark()
    good(ansible.tasks([step("merge")], tenant.auth()), "merge")
    assert [one["Parameters"] for one in commands(tenant.writes(mark))] == [
        {"EwsAllowedAppIDs": f"{OTHER},{PEXIP}"},
        {"EwsEnabled": True},
    ]
    tenant.restart(lag=0)
    assert organization(tenant) == (True, f"{OTHER},{PEXIP}")


def test_a_list_that_is_not_read_is_not_written(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """Any failure to read is a failure: a list made of nothing would cut off everybody on the real one."""
    denied = {"match": {"cmdlet": "Get-OrganizationConfig"}, "do": "respond", "status": 403, "times": 0}
    tenant = simulator(faults=[denied])
    with tenant.no_writes():
        refused(ansible.tasks([step("unreadable", cut_off_others=True)], tenant.auth()), "unreadable", "Exchange")


@pytest.mark.smoke
def test_examples(tenant: Simulator, ansible: Ansible) -> None:
    """In a tenant that lists its applications already, as the first example says."""
    administrator = ExchangeAdministrator(tenant)
    administrator.run("Set-OrganizationConfig", EwsAllowedAppIDs=OTHER)
    administrator.run("Set-OrganizationConfig", EwsEnabled=True)
    run = ansible.tasks(examples(MODULE), tenant.auth()).ok()
    assert [one.changed for one in run.results] == [True, False, True]
    assert not differences(MODULE, run.results)
    assert organization(tenant) == (True, OTHER)
