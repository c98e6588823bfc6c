# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the sweep (all of it: make sweep): whatever happens at the write with most to lose, the tenant ends the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import COLLECTIONS
from support.simulator import Simulator
from sweep.calls import Subject
from sweep.modules import MODULES, NODE_MODULES
from sweep.role import Role
from sweep.snapshot import secret_texts
from sweep.sweep import Clean, try_case, undisturbed

PRESENT = [one for one in [*MODULES, *NODE_MODULES] if one.state == "present"]
# A Management Node is one machine, and not known to refuse a request because of another.
TENANT = [one for one in PRESENT if one.name.startswith("o365_")]
# The others change what is there.
CREATING = [one for one in TENANT if not one.name.startswith(("o365_ews_access", "o365_mailbox_delegate"))]
MODULE = "ansible_collections.vmrops.o365.plugins.modules.o365_oauth_app"
Undisturbed = Callable[[Subject], Clean]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Runs each subject undisturbed, once."""
    known: dict[str, Clean] = {}

    def run(subject: Subject) -> Clean:
        if subject.name not in known:
            known[subject.name] = undisturbed(subject, tmp_path_factory.mktemp("sweep"))
        return known[subject.name]

    return run


def last_write(clean: Clean) -> int:
    """The number of the last request that writes; where a secret is made, that one."""
    writes = [number for number, request in enumerate(clean.requests, 1) if request.is_write]
    secrets = [number for number in writes if clean.requests[number - 1].path.endswith("/addPassword")]
    return (secrets or writes)[-1]


@pytest.mark.parametrize("disturbance", ["cut after", "kill after", "401 expired"])
@pytest.mark.parametrize("subject", PRESENT, ids=lambda one: str(one.name))
def test_a_module_that_is_disturbed_at_a_write(subject: Subject, disturbance: str, clean: Undisturbed) -> None:
    before = clean(subject)
    assert try_case(subject, before, disturbance, last_write(before)).differences == []


@pytest.mark.parametrize("subject", TENANT, ids=lambda one: str(one.name))
def test_a_module_that_is_refused_for_now(subject: Subject, clean: Undisturbed) -> None:
    before = clean(subject)
    outcome = try_case(subject, before, "409 concurrency", before.cases("409 concurrency")[-1])
    assert outcome.differences == []
    assert outcome.recovered


@pytest.mark.parametrize("subject", CREATING, ids=lambda one: str(one.name))
def test_a_module_whose_object_is_not_known_yet(subject: Subject, clean: Undisturbed) -> None:
    before = clean(subject)
    outcome = try_case(subject, before, "404 after create", before.cases("404 after create")[0])
    assert outcome.differences == []
    assert outcome.recovered


@pytest.mark.parametrize("disturbance", ["kill after", "interrupt after"])
def test_the_role_that_is_ended_after_it_made_a_secret(disturbance: str, clean: Undisturbed) -> None:
    subject = Role("app_permissions", "present")
    before = clean(subject)
    outcome = try_case(subject, before, disturbance, last_write(before))
    assert outcome.differences == []
    assert not outcome.recovered


def test_a_module_that_is_interrupted_says_what_it_did(simulator: Callable[..., Simulator], tmp_path: Path) -> None:
    """Also the secret that it alone knows. Ansible itself does not wait for that; who starts the module may."""
    reading_back = {"match": {"item": r"^GET .*\(uniqueName="}, "skip": 1, "do": "hold"}
    tenant = simulator(faults=[reading_back])
    options = {"unique_name": "pexip", "display_name": "Pexip", "secret": {}, **tenant.auth()}
    (tmp_path / "arguments.json").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
    module = subprocess.Popen(
        [sys.executable, "-m", MODULE, str(tmp_path / "arguments.json")],
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while module.poll() is None and 0 not in [request.status for request in tenant.wire()]:
        time.sleep(0.05)
    module.send_signal(signal.SIGINT)
    output, errors = module.communicate()
    assert errors == ""
    result = json.loads(output)
    assert result["failed"]
    assert result["msg"].startswith("Interrupted. Already done: register the application pexip; ")
    assert result["steps_done"][-1] == "add the client secret vmrops.o365"
    assert secret_texts(tenant.state) == [result["secret"]["value"]]


def test_two_runs_of_the_role_at_once(clean: Undisturbed) -> None:
    subject = Role("app_permissions", "present")
    assert try_case(subject, clean(subject), "two runs", 1).differences == []
