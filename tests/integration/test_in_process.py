# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules run in Ansible's worker where they can be; what they do, return and show is the same as in their own process."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from difflib import unified_diff
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.ansible import GROUP, HOST, Ansible, Run
from support.simulator import Simulator
from support.work import PASSWORD, SEED, WORK

Data = dict[str, Any]

# Those that sign in; the others are actions of their own.
MODULES = sorted(
    path.stem for path in (ROOT / "plugins" / "modules").glob("*_*.py") if path.stem.startswith(("o365_", "pexip_"))
)
OWN_PROCESS = {"VMROPS_O365_OWN_PROCESS": "1"}
HERE = "Running it in process"


@pytest.fixture(autouse=True)
def fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever way `make apart` wants for the other tests."""
    monkeypatch.delenv(*OWN_PROCESS, raising=False)


def play(module: str) -> list[Data]:
    """Predicted, done, done again, in a loop, hidden, refused by the service, by the module, and by Ansible."""
    works, fails = WORK[module]
    name = f"vmrops.o365.{module}"
    tasks: list[Data] = [
        {"name": "predict", name: works, "check_mode": True, "diff": True},
        {"name": "do", name: works, "diff": True, "register": "done"},
        {"name": "again", name: works},
        {"name": "hidden", name: works, "no_log": True},
        {"name": "loop", name: "{{ item }}", "loop": [works, fails, works], "loop_control": {"label": "one"}},
        {"name": "refused", name: fails},
        {"name": "misspelt", name: {**works, "nmae": PASSWORD}},
        {"name": "delegated", name: works, "delegate_to": "localhost"},
    ]
    return [{**task, "name": f"{module}: {task['name']}", "ignore_errors": True} for task in tasks]


def plain(text: str, places: dict[str, str]) -> str:
    """The text without what is another in each run: ids, addresses, times, secrets, paths."""
    for place, name in places.items():
        text = text.replace(place, name)
    for pattern, name in (
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID"),
        (r"\b20\d\d-\d\d-\d\d[T ][\d:.]+(Z|\+00:00)?", "TIME"),
        (r"(127\.0\.0\.1|localhost):\d+", "SERVICE"),
    ):
        text = re.sub(pattern, name, text)
    return text


def one_way(way: str, tenant: Simulator, directory: Path, environment: Data) -> tuple[Run, str, list[str]]:
    """The run; what it printed and returned, and what was asked of the tenant beside tokens, in a form to compare."""
    node = {**tenant.node(), "wait_timeout": 20}
    auth = {**tenant.auth(), "wait_timeout": 20}
    one = {
        "name": "Test",
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {GROUP: auth, "group/vmrops.o365.pexip": node},
        "vars": {"client_id": tenant.endpoints["client_id"]},
        "tasks": [task for module in MODULES for task in play(module)],
    }
    ansible = Ansible(directory / way)
    run = ansible.run([one], verbosity=3, environment={**environment, "VMROPS_O365_PROGRESS": "0"})
    noise = ("<localhost>", "<127.0.0.1>", "Using module file", "Pipelining is enabled", HERE, "task path:")
    shown = "\n".join(line for line in run.output.splitlines() if not line.startswith(noise))
    results = "\n".join(json.dumps(one.__dict__, sort_keys=True) for one in run.results)
    secrets = dict.fromkeys([*tenant.secrets(), tenant.endpoints["client_secret"]], "SECRET")
    places = {str(tenant.state): "TENANT", str(ansible.directory): "HERE", tenant.endpoints["client_id"]: "APP"}
    requests = [one for one in tenant.wire() if one.service != "login" and one.path != "/oauth/token/"]
    # By service: what several are asked at the same time comes in any order.
    asked = [operation for request in sorted(requests, key=lambda one: one.service) for operation in request.operations]
    # exchangelib asks for a folder that it is refused under all the versions that it knows, in any order.
    asked = [operation for operation, _repeated in groupby(plain(one, places) for one in asked)]
    return run, plain(f"{shown}\n{results}", {**places, **secrets}), asked


@pytest.mark.timeout(900)  # some hundred and fifty tasks
def test_both_ways_do_and_say_the_same(simulator: Callable[..., Simulator], tmp_path: Path) -> None:
    first, second = simulator(seed=SEED), simulator(seed=SEED)
    here, said, asked = one_way("here", first, tmp_path, {})
    apart, said_apart, asked_apart = one_way("apart", second, tmp_path, OWN_PROCESS)
    assert set(WORK) == set(MODULES)
    assert here.stdout.count(HERE) == 10 * len(MODULES)  # three items in the loop
    assert HERE not in apart.stdout
    for module in MODULES:
        done = {one.task.partition(": ")[2]: one.status for one in here.results if one.task.startswith(f"{module}:")}
        assert [done[name] for name in ("do", "again", "refused", "misspelt")] == ["ok", "ok", "failed", "failed"], (
            module
        )
    assert list(unified_diff(said.splitlines(), said_apart.splitlines(), n=0, lineterm="")) == []
    assert list(unified_diff(asked, asked_apart, n=0, lineterm="")) == []


def test_a_process_of_its_own_where_it_would_not_be_the_same(ansible: Ansible, tmp_path: Path) -> None:
    """Ansible's own way for whatever this machine, user, environment and interpreter are not; else the fast one."""
    (tmp_path / "python").symlink_to(sys.executable)
    own: dict[str, Data] = {
        "async": {"async": 60, "poll": 1},
        "become": {"become": True},
        "environment": {"environment": {"AZURE_CLIENT_ID": "another"}},
        "another interpreter": {"vars": {"ansible_python_interpreter": str(tmp_path / "python")}},
        "interpreter by a variable": {
            "vars": {"ansible_python_interpreter": "{{ elsewhere }}", "elsewhere": str(tmp_path / "python")}
        },
        "found interpreter": {"vars": {"ansible_python_interpreter": "auto_silent"}},
        "another machine": {"delegate_to": "remote"},
    }
    here: dict[str, Data] = {
        "plain": {},
        "own interpreter by a variable": {
            "vars": {"ansible_python_interpreter": "{{ ours }}", "ours": "{{ ansible_playbook_python }}"}
        },
        "no environment": {"environment": {}},
        "delegated": {"delegate_to": "localhost"},
        "with a user": {"remote_user": "somebody"},
        "in a loop": {"loop": [1, 2]},
    }
    tasks = [
        {"name": name, "vmrops.o365.o365_tenant_info": {}, "ignore_errors": True, "ignore_unreachable": True, **options}
        for name, options in {**own, **here}.items()
    ]
    hosts = {"localhost": HOST, "remote": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}}
    one = {"name": "Test", "hosts": "localhost", "gather_facts": False, "tasks": tasks}
    for keep, expected in (({}, set(here)), ({"ANSIBLE_KEEP_REMOTE_FILES": "1"}, set()), (OWN_PROCESS, set())):
        run = ansible.run([one], verbosity=3, inventory={"all": {"hosts": hosts}}, environment=keep)
        parts = re.split(r"^TASK \[(.*)\] \**$", run.stdout, flags=re.MULTILINE)
        assert {name for name, said in zip(parts[1::2], parts[2::2], strict=True) if HERE in said} == expected
        assert {one.task for one in run.results} == {*own, *here}
        assert all(
            "no credential is given" in one.msg for one in run.results if one.task in here and "loop" not in one.task
        )
