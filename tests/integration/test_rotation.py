# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that rotates the client secret, while the scheduler on the Management Node works through it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.ansible import Ansible, Run
from support.at_work import APP, Company, free_ports
from support.company import wish
from support.simulator import Simulator

Data = dict[str, Any]
Start = Callable[..., Simulator]

PLAYBOOK = "vmrops.o365.rotate_secret"
REPORT = "Say where the rotation stands"
MAKE = "add the client secret Pexip VMR scheduling"
WRITE = "set oauth_client_secret of the integration Microsoft 365"
NOW: Data = {"vmr_scheduling_rotate_now": True}
AT_ONCE: Data = {"vmr_scheduling_rotate_overlap": 0}


class Rotating(Company):
    playbook = PLAYBOOK


def report(run: Run) -> Data:
    said: Data = run[REPORT]["msg"]
    return said


@pytest.mark.timeout(600)
def test_r11_a_rotation_without_an_outage(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    """The former secret works until the new one is proved by a token, over EWS and on the node; then it goes."""
    company = Rotating(simulator(poll=0.5), ansible, tmp_path / "secrets.yml")
    first = company.secrets()
    with company.at_work():
        with company.tenant.no_writes():
            assert company.run(check=True).ok().changed == 0
            assert company.run().ok().changed == 0
            foreseen = company.run(NOW, check=True, diff=True).ok()
        assert report(foreseen)["steps"][:2] == [MAKE, WRITE]
        assert company.secrets() == first

        made = company.run(NOW, verbosity=3, diff=True).ok()
        assert report(made)["steps"] == report(foreseen)["steps"]
        second = company.secrets()
        assert second["client_secret_key_id"] == second["client_secret_on_node"] != first["client_secret_key_id"]
        assert report(made)["former_secrets"] == [first["client_secret_key_id"]]
        advice = " ".join(report(made)["next"])
        assert "1 days after the new one was made" in advice
        assert "refused nothing" in advice
        for secret in (first["client_secret"], second["client_secret"]):
            assert company.signs_in(secret)
            assert secret not in made.output
            assert not [one.task for one in made.results if secret in str(one.result)]

        # A day has not passed.
        with company.tenant.no_writes():
            assert company.run().ok().changed == 0
        assert company.secrets() == second

        with company.tenant.no_writes():
            foreseen = company.run(AT_ONCE, check=True).ok()
        removed = company.run(AT_ONCE).ok()
        assert report(removed)["steps"] == report(foreseen)["steps"]
        assert report(removed)["steps"][-1].startswith("remove the client secret Pexip VMR scheduling")
        assert company.keys() == [second["client_secret_key_id"]]
        assert not company.signs_in(first["client_secret"])
        with company.tenant.no_writes():
            assert company.run(AT_ONCE).ok().changed == 0
        assert company.secrets() == second
    company.answers()


@pytest.mark.timeout(600)
def test_r11_rotation_with_a_service_account(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    """The refresh token of the person who signed in goes on working with the new secret; nobody signs in again."""
    tenant = simulator(seed={"impersonation_role": True}, poll=0.5)
    company = Rotating(tenant, ansible, tmp_path / "secrets.yml", "service_account")
    first = company.secrets()
    (connector,) = company.node.all("ms_exchange_connector")
    person = {"username": first["service_account"], "password": first["service_account_password"]}
    assert company.node.sign_in(connector["id"], **person) == ""
    with company.at_work():
        rotated = company.run({**NOW, **AT_ONCE}).ok()
        assert company.keys() == [company.secrets()["client_secret_key_id"]] != [first["client_secret_key_id"]]
        assert "A token is all that can be proved" in " ".join(report(rotated)["next"])
        with tenant.no_writes():
            assert company.run(AT_ONCE).ok().changed == 0
    company.answers()


@pytest.mark.timeout(600)
def test_r11_what_was_entered_by_hand_has_to_be_said(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    """Without the node's API nobody knows which secret it has, so that the former one stays until somebody says so."""
    company = Rotating(simulator(), ansible, tmp_path / "secrets.yml")
    first, (connector,) = company.secrets(), company.node.all("ms_exchange_connector")
    company.more = {"vmr_scheduling_manage_connector": False, **AT_ONCE}
    made = company.run(NOW).ok()
    second = company.secrets()
    key = second["client_secret_key_id"]
    advice = f"-e vmr_scheduling_rotate_entered={key}"
    assert advice in " ".join(report(made)["next"])
    assert second["client_secret_on_node"] == first["client_secret_key_id"]
    # Neither another run, nor one for which an earlier rotation is confirmed, nor one that is to make another secret.
    with company.tenant.no_writes():
        for more in ({}, {"vmr_scheduling_rotate_entered": first["client_secret_key_id"]}, NOW):
            waiting = company.run(more).ok()
            assert waiting.changed == 0
            assert advice in " ".join(report(waiting)["next"])
    assert "A rotation was under way" in " ".join(report(waiting)["next"])
    company.answers()

    company.node.change(connector["resource_uri"], oauth_client_secret=second["client_secret"])
    company.run({"vmr_scheduling_rotate_entered": key}).ok()
    assert company.keys() == [key]
    company.answers()
    with company.tenant.no_writes():
        assert company.run().ok().changed == 0


@pytest.mark.timeout(600)
def test_a_secret_that_is_about_to_end_and_others_of_the_app(
    simulator: Start, ansible: Ansible, tmp_path: Path
) -> None:
    """A rotation is due by itself in the last days; what else the app has is left alone."""
    company = Rotating(simulator(), ansible, tmp_path / "secrets.yml")
    first = company.secrets()
    directory = company.directory()
    app = directory.application(APP)
    other = directory.call(
        "POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "somebody's"}}
    )
    assert report(company.run().ok())["steps"] == []
    company.more = {"vmr_scheduling_app_secret_lifetime": 700, "vmr_scheduling_app_secret_renew_before": 400, **AT_ONCE}
    assert MAKE in report(company.run().ok())["steps"]
    assert sorted(company.keys()) == sorted([company.secrets()["client_secret_key_id"], other["keyId"]])
    assert not company.signs_in(first["client_secret"])
    assert company.signs_in(other["secretText"])
    company.answers()


@pytest.mark.timeout(600)
def test_a_node_that_is_refused_keeps_the_former_secret_alive(
    simulator: Start, ansible: Ansible, tmp_path: Path
) -> None:
    company = Rotating(simulator(), ansible, tmp_path / "secrets.yml")
    first, (connector,) = company.secrets(), company.node.all("ms_exchange_connector")
    company.more = {"vmr_scheduling_node_watch": 60, **AT_ONCE}
    mark = company.tenant.mark()
    running = company.start({**NOW})
    while running.running and not [one for one in company.tenant.writes(mark) if one.method == "PATCH"]:
        time.sleep(0.1)
    time.sleep(0.5)
    company.node.change(connector["resource_uri"], oauth_client_secret="mistyped")
    while running.running:
        company.tenant.poll()
        time.sleep(0.5)
    failure = running.wait().failure()
    for words in ("AADSTS7000215", "Nothing was removed", "Run again"):
        assert words in failure.msg
    assert company.signs_in(first["client_secret"])
    assert company.signs_in(company.secrets()["client_secret"])
    assert first["client_secret_key_id"] == company.secrets()["client_secret_on_node"]

    company.more = AT_ONCE
    company.run().ok()
    assert company.keys() == [company.secrets()["client_secret_key_id"]]
    company.answers()


def test_a_new_secret_that_is_not_known_everywhere_yet(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    """It is tried again for a while; one that never works stops the rotation before the node hears of it."""
    company = Rotating(simulator(ports=free_ports()), ansible, tmp_path / "secrets.yml")
    first = company.secrets()
    refusal = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
    fault = {"match": {"service": "login", "path": "/token$"}, "do": "respond", "status": 401, "body": refusal}
    # The automation signs in once; what follows is the app.
    company.tenant.restart(faults=[{**fault, "skip": 1, "times": 0}])
    company.more = {"vmr_scheduling_auth": {**company.tenant.auth(), "wait_timeout": 3}}
    failure = company.run(NOW).failure()
    for words in ("no token came for it", "AADSTS7000215", "works as before", str(company.file)):
        assert words in failure.msg
    assert not [one for one in company.tenant.writes() if one.service == "infinity"][1:]
    company.tenant.restart(faults=[{**fault, "skip": 1, "times": 2}])
    company.more = {}
    assert MAKE not in report(company.run(NOW).ok())["steps"]
    assert sorted(company.keys()) == sorted([first["client_secret_key_id"], company.secrets()["client_secret_key_id"]])
    company.answers()


@pytest.mark.timeout(900)
def test_r11_a_rotation_that_is_killed_anywhere(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    """A sample of its requests, with all that write: the scheduler works on, and the same command finishes."""
    company = Rotating(simulator(ports=free_ports()), ansible, tmp_path / "secrets.yml")
    company.more = {"vmr_scheduling_node_watch": 1, **NOW, **AT_ONCE}
    company.tenant.restart()
    mark = company.tenant.mark()
    company.run().ok()
    requests = company.tenant.wire(mark)
    writes = [number for number, one in enumerate(requests) if one.is_write]
    assert [requests[one].method for one in writes] == ["POST", "PATCH", "POST"]
    sample = [(one, when) for one in writes for when in ("before", "after")]
    sample += [(one, "after") for one in range(0, len(requests), 8) if one not in writes]
    for number, when in sample:
        company.tenant.restart(faults=[{"match": {}, "skip": number, "do": "hold", "when": when}])
        mark = company.tenant.mark()
        running = company.start()
        while running.running and 0 not in [one.status for one in company.tenant.wire(mark)]:
            time.sleep(0.1)
        assert running.running, f"{number}: {running.wait().output}"
        running.kill()
        company.tenant.restart(faults=[])
        [done] = company.tenant.poll()
        assert not done["error"], (number, when, str(requests[number]), done)
        company.run().ok()
        [done] = company.tenant.poll()
        assert not done["error"], (number, when, str(requests[number]), done)
        assert company.keys() == [company.secrets()["client_secret_key_id"]], (number, when, str(requests[number]))
        assert company.signs_in(company.secrets()["client_secret"])
    company.answers()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"vmr_scheduling_secrets_file": ""}, "vmr_scheduling_secrets_file: no file is given"),
        ({"vmr_scheduling_manage_app": False}, "vmr_scheduling_manage_app"),
        ({}, "vmr_scheduling_app_unique_name: there is no app registration"),
    ],
)
def test_nothing_to_rotate(tenant: Simulator, ansible: Ansible, tmp_path: Path, more: Data, words: str) -> None:
    variables = {**wish(tenant, "app_permissions", tmp_path / "secrets.yml"), "vmr_scheduling_hosts": "all", **more}
    with tenant.no_writes():
        assert words in ansible.run(PLAYBOOK, extra_vars=variables).failure().msg
