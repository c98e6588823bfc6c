# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many tenants in one run: each for itself, and a summary of all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.ansible import HOST, Ansible
from support.company import wish
from support.simulator import Simulator

Data = dict[str, Any]
NAMES = ["adatum", "contoso", "fabrikam", "litware", "northwind", "tailspin"]
SUMMARY = "Say how each tenant went"


@pytest.mark.timeout(900)  # six tenants, and three runs over them
def test_one_failing_tenant_stops_no_other(
    simulator: Callable[..., Simulator], ansible: Ansible, tmp_path: Path
) -> None:
    """Litware's secret is wrong, Tailspin throttles; the summary names Litware, and nobody else notices anything."""
    throttled = [
        {
            "match": {"cmdlet": "New-Mailbox"},
            "do": "respond",
            "status": 429,
            "times": 3,
            "headers": {"Retry-After": "1"},
            "body": {"error": {"code": "TooManyRequests", "message": "Wait."}},
        }
    ]
    tenants = {name: simulator(faults=throttled if name == "tailspin" else []) for name in NAMES}
    wishes = {name: wish(tenant, "app_permissions", tmp_path / f"{name}.yml") for name, tenant in tenants.items()}
    auth = {name: wanted.pop("vmr_scheduling_auth") for name, wanted in wishes.items()}
    wrong = "not-the-secret-of-litware"
    auth["litware"] = {**auth["litware"], "client_secret": wrong}
    inventory = tmp_path / "tenants.yml"
    listed = [
        {"hostname": name, "tenant_id": auth[name]["tenant_id"], "auth": auth[name], "vars": wishes[name]}
        for name in NAMES
    ]
    inventory.write_text(yaml.safe_dump({"plugin": "vmrops.o365.tenants", "tenants": listed}))
    options: Data = {"arguments": ["-i", str(inventory), "--forks", "3"]}

    run = ansible.run("vmrops.o365.configure", **options)
    told = run[SUMMARY]["msg"]
    good = [name for name in NAMES if name != "litware"]
    assert run.rc == 2
    assert told["succeeded"] == good
    assert list(told["failed"]) == ["litware"]
    assert "AADSTS7000215" in told["failed"]["litware"]
    assert "Check client_secret" in told["failed"]["litware"]
    assert {one.host for one in run.results if one.status == "failed" and one.task == "Fail where the role failed"} == {
        "litware"
    }
    for secret in (wrong, *(one["client_secret"] for one in auth.values())):
        assert secret not in run.output
        assert not [one.task for one in run.results if secret in str(one.result)]

    statuses = {name: Counter(request.status for request in tenant.wire()) for name, tenant in tenants.items()}
    assert {name: count[429] for name, count in statuses.items() if count[429]} == {"tailspin": 3}
    writes = {name: sum(request.status != 429 for request in tenants[name].writes()) for name in NAMES}
    assert writes["litware"] == 0
    assert len({writes[name] for name in good}) == 1
    assert len({sum(statuses[name].values()) - statuses[name][429] for name in good}) == 1

    again = ansible.run("vmrops.o365.configure", **options, check=True, diff=True)
    assert again[SUMMARY]["msg"]["succeeded"] == good
    assert again.changed == 0

    listed[NAMES.index("litware")]["auth"]["client_secret"] = tenants["litware"].endpoints["client_secret"]
    inventory.write_text(yaml.safe_dump({"plugin": "vmrops.o365.tenants", "tenants": listed}))
    mended = ansible.run("vmrops.o365.configure", **options).ok()
    assert mended[SUMMARY]["msg"] == {"succeeded": NAMES, "failed": {}}
    assert {one.host for one in mended.results if one.changed} == {"litware"}


def test_as_many_at_a_time_as_forks_says(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """A dozen tenants, which one simulator stands in for: their work overlaps, and never that of more than four."""
    tenant = simulator(latency=100)
    names = [f"tenant{number:02}" for number in range(12)]
    inventory = {"all": {"hosts": {name: {**HOST, "address": f"{name}@contoso.com"} for name in names}}}
    box = {"name": "{{ inventory_hostname }}", "primary_smtp_address": "{{ address }}"}
    tasks = [{"name": "make", "vmrops.o365.o365_equipment_mailbox": box}]
    run = ansible.tasks(tasks, tenant.auth(), inventory=inventory, arguments=["--forks", "4"]).ok()
    assert run.changed == len(names)
    moments = []
    for name in names:
        own = [one for one in tenant.wire() if name in json.dumps(one.request)]
        begun = [datetime.fromisoformat(request.time).timestamp() for request in own]
        ended = [begin + request.seconds for begin, request in zip(begun, own, strict=True)]
        moments += [(min(begun), 1), (max(ended), -1)]
    at_work, most = 0, 0
    for _moment, more in sorted(moments):
        at_work += more
        most = max(most, at_work)
    assert 1 < most <= 4
