# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever sits in front of a long wait is told of it, of no secret, and of no name that is under no_log."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from support.ansible import HOST, Ansible
from support.simulator import Simulator

THROTTLED = {
    "match": {"cmdlet": "New-Mailbox"},
    "do": "respond",
    "status": 429,
    "headers": {"Retry-After": "2"},
    "body": {"error": {"code": "TooManyRequests", "message": "Wait."}},
    "times": 1,
}
CANARY = "canary-4711"
WORD = re.compile(r"^\[(\w+)\] (Waiting for the service.*): (\d+) s so far, gives up after 60 s\.$", re.MULTILINE)


@pytest.fixture(autouse=True)
def fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own a module cannot say anything."""
    monkeypatch.delenv("VMROPS_O365_OWN_PROCESS", raising=False)


def mailbox(title: str, name: str, **more: Any) -> dict[str, Any]:
    """A task that is told to wait before it is let through."""
    options = {"name": name, "primary_smtp_address": "vmr@contoso.com", **more}
    return {"name": title, "vmrops.o365.o365_equipment_mailbox": options}


def account(title: str, name: str, **more: Any) -> dict[str, Any]:
    """A task that waits for a mailbox."""
    options = {
        "user_principal_name": f"{name}@contoso.com",
        "display_name": "Pexip",
        "usage_location": "NO",
        "licenses": [{"sku": "EXCHANGESTANDARD"}],
        "wait_for_mailbox": True,
    }
    return {"name": title, "vmrops.o365.o365_service_account": options, **more}


def test_waits_are_told(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    tenant = simulator(faults=[THROTTLED], seed={"switches": {"mailbox_delay": 2}})
    tasks = [
        mailbox("throttled", CANARY, certificate_passphrase=CANARY),
        account("told", "first"),
        account("hidden", "second", no_log=True),
    ]
    inventory = {"all": {"hosts": {"contoso": HOST}}}
    auth = {**tenant.auth(), "wait_timeout": 60}
    run = ansible.tasks(tasks, auth, inventory=inventory, environment={"VMROPS_O365_PROGRESS": "1"}).ok()
    assert "Waiting" not in run.stdout, "it may be read by a program"
    assert "Waiting" not in str([one.result for one in run.results])
    told = WORD.findall(run.stderr)
    assert len(told) == run.stderr.count("Waiting for")
    assert {host for host, _words, _seconds in told} == {"contoso"}
    words = [words for _host, words, _seconds in told]
    throttled = [one for one in words if "which throttles requests, to create the equipment mailbox *" in one]
    assert throttled, "what somebody gave as a secret is none of the names that are told"
    assert CANARY not in run.stderr
    assert any("to settle; still to be seen: the mailbox of first@contoso.com" in one for one in words)
    assert "Waiting for the service to settle" in words, "names are not told under no_log"
    assert "second" not in " ".join(words)


def test_seconds_that_are_no_number_are_named(ansible: Ansible) -> None:
    run = ansible.module("o365_tenant_info", {}, environment={"VMROPS_O365_PROGRESS": "often"})
    assert run.failure().msg == "VMROPS_O365_PROGRESS is often, which is no number of seconds; 0 shows no progress."
    assert "Traceback" not in run.output + str(run.failure().result)
