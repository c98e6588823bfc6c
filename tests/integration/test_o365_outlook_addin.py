# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module o365_outlook_addin, run by ansible-playbook on a simulated tenant."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.ansible import Ansible
from support.examples import examples
from support.exchange import ExchangeAdministrator
from support.manifest import APP_ID, manifest
from support.returned import differences
from support.simulator import Simulator
from support.tasks import commands, good, planned, refused, task

MODULE = "o365_outlook_addin"


def step(title: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """A task of this module."""
    return task(title, MODULE, check, **options)


def offered(administrator: ExchangeAdministrator, mailbox: str) -> bool:
    """Whether a mailbox is offered the add-in."""
    return any(one["AppId"] == APP_ID for one in administrator.run("Get-App", Mailbox=mailbox))


def test_lifecycle(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    """Install, again, offer to some, update, remove; each foreseen by check mode, with nothing on the wire but the steps."""
    path = tmp_path / "pexip.xml"
    path.write_bytes(b"\xef\xbb\xbf" + manifest().encode())
    some = {"users": ["alice@contoso.com"], "default_state": "AlwaysEnabled"}
    tasks = [
        step("foresee", check=True, manifest_path=str(path)),
        step("install", manifest_path=str(path)),
        step("install again", manifest=manifest()),
        step("offer to some", manifest=manifest(), **some),
        step("offer to some again", manifest=manifest(), **{**some, "users": ["Alice Anker"]}),
        step("foresee update", check=True, manifest=manifest("1.1.0.0"), **some),
        step("update", manifest=manifest("1.1.0.0"), **some),
        step("older", manifest=manifest(), **some),
    ]
    run = ansible.tasks(tasks, tenant.auth(), diff=True).ok()
    administrator = ExchangeAdministrator(tenant)
    assert offered(administrator, "alice@contoso.com")
    assert not offered(administrator, "bob@contoso.com")

    foreseen, installed, some_only = good(run, "foresee", "install", "offer to some")
    assert foreseen["steps"] == installed["steps"]
    assert foreseen["diff"] == installed["diff"]
    (new,) = installed["steps"]
    assert new["cmdlet"].startswith("New-App -OrganizationApp -FileData ([IO.File]::ReadAllBytes('manifest.xml'))")
    assert "bytes" in new["body"]["CmdletInput"]["Parameters"]["FileData"]["Data"]
    assert installed["addin"] == {
        "app_id": APP_ID,
        "name": "Pexip scheduling",
        "version": "1.0.0.0",
        "provided_to": "Everyone",
        "users": [],
        "default_state": "Enabled",
        "enabled": True,
    }
    assert (some_only["addin"]["provided_to"], some_only["addin"]["default_state"]) == (
        "SpecificUsers",
        "AlwaysEnabled",
    )
    foreseen, updated, older = good(run, "foresee update", "update", "older")
    assert foreseen["steps"] == updated["steps"]
    assert updated["addin"]["version"] == older["addin"]["version"] == "1.1.0.0"
    assert "newer" in older["warnings"][0]
    assert [one.changed for one in good(run, "install again", "offer to some again", "older")] == [False] * 3
    sent = [one["CmdletName"] for one in commands(tenant.writes())]
    assert sent == [one["CmdletName"] for one in planned(installed, some_only, updated)]

    away = ansible.tasks([step(name, app_id=APP_ID, state="absent") for name in ("remove", "again")], tenant.auth())
    removed, again = good(away, "remove", "again")
    assert (removed.changed, removed["addin"], again.changed, again["verified"]) == (True, None, False, True)


@pytest.mark.parametrize("form", ["PrimarySmtpAddress", "Name"])
def test_a25_installed_and_verified_or_clear_steps_by_hand(
    form: str, simulator: Callable[..., Simulator], ansible: Ansible
) -> None:
    """By hand nothing is written, and the result says whether somebody did it; by Exchange the result is verified."""
    tenant = simulator(seed={"switches": {"app_user_list_form": form, "app_update_in_place": True}})
    by_hand = {"manifest": manifest(), "method": "manual"}
    tasks = [step("still to do", **by_hand), step("to remove", **{**by_hand, "state": "absent"})]
    with tenant.no_writes():
        run = ansible.tasks(tasks, tenant.auth())
    todo, gone = good(run, "still to do", "to remove")
    assert (todo.changed, todo["verified"], gone["verified"]) == (False, False, True)
    assert any("Upload manifest file" in line and APP_ID in line for line in todo["manual_steps"])
    assert "by hand" in todo["warnings"][0]

    users = {"users": ["alice@contoso.com", "bob@contoso.com"]}
    tasks = [
        step("install", manifest=manifest(), **users),
        step("again", manifest=manifest(), **users),
        step("done by hand", **by_hand),
        step("in place", manifest=manifest("2.0"), update="in_place", **users),
    ]
    installed, again, done, updated = good(ansible.tasks(tasks, tenant.auth()), *(one["name"] for one in tasks))
    assert (installed["verified"], again.changed, done["verified"]) == (True, False, True)
    assert [one["summary"] for one in updated["steps"]] == ["install the add-in Pexip scheduling 2.0"]
    assert updated["addin"]["version"] == "2.0"


def test_bad_input_and_reads_that_fail(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """Each is refused before the first write, with the option's name."""
    tenant = simulator()
    bomb = manifest().replace("?>", '?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', 1)
    cases: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"manifest": bomb}, ("manifest:", "document type")),
        ({"manifest_path": "/nowhere/pexip.xml"}, ("manifest_path:", "/nowhere/pexip.xml")),
        ({"manifest": manifest().replace("https://join", "http://join")}, ("manifest:", "https")),
        ({"manifest": manifest(), "users": ["nobody@contoso.com"]}, ("users:", "nobody@contoso.com")),
        ({"manifest": manifest(), "manifest_path": "/x"}, ("mutually exclusive",)),
        ({"state": "absent"}, ("app_id:",)),
        ({"app_id": APP_ID}, ("manifest:",)),
    ]
    with tenant.no_writes():
        run = ansible.tasks(
            [step(str(index), **options) for index, (options, _words) in enumerate(cases)], tenant.auth()
        )
    for index, (_options, words) in enumerate(cases):
        refused(run, str(index), *words)
    tenant.restart(faults=[{"match": {"cmdlet": "Get-App"}, "do": "respond", "status": 403, "times": 0}])
    with tenant.no_writes():
        refused(ansible.tasks([step("unreadable", manifest=manifest())], tenant.auth()), "unreadable", "Get-App")


@pytest.mark.smoke
def test_examples(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    (tmp_path / "pexip-scheduling.xml").write_text(manifest())
    tasks = json.loads(json.dumps(examples(MODULE)).replace("{{ playbook_dir }}", str(tmp_path)))
    run = ansible.tasks(tasks, tenant.auth()).ok()
    assert [one.changed for one in run.results] == [True, True, False, True]
    assert not differences(MODULE, run.results)
