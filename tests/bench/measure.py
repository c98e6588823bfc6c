# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs playbooks and measures them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from support.ansible import GROUP, HOST, Ansible, Run
from support.simulator import Request, Simulator

Data = dict[str, Any]

PLUGINS = Path(__file__).parent / "plugins"
OWN_PROCESS = {"VMROPS_O365_OWN_PROCESS": "1"}


@dataclass(frozen=True)
class Measured:
    """One run of a playbook.

    Args:
        seconds: from start to end, start-up of ansible-playbook included.
        tasks: seconds of each task, from its beginning to that of the next.
        requests: what went over the wire.
        peak: the most memory that all its processes had together, in MiB (resident; shared pages count for each).
    """

    run: Run
    seconds: float
    tasks: list[float]
    requests: list[Request]
    peak: float

    @property
    def wire(self) -> float:
        """Seconds that the services took to answer."""
        return sum(request.seconds for request in self.requests)

    @property
    def overhead(self) -> float:
        """Seconds of a task in the middle, without the services' share; the first also pays for what all need."""
        return median(self.tasks[1:] or self.tasks) - self.wire / len(self.tasks)

    def counts(self) -> dict[str, int]:
        """Requests by kind."""
        signs_in = [one for one in self.requests if one.service == "login" or one.path.startswith("/oauth/")]
        writes = sum(one.is_write for one in self.requests)
        return {"tokens": len(signs_in), "reads": len(self.requests) - len(signs_in) - writes, "writes": writes}


def play(tasks: Sequence[Data], tenant: Simulator) -> Data:
    """A play with the sign-in of the tenant and of its Management Node."""
    return {
        "name": "Measure",
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {GROUP: tenant.auth(), "group/vmrops.o365.pexip": tenant.node()},
        "vars": {"client_id": tenant.endpoints["client_id"]},
        "tasks": list(tasks),
    }


def measure(
    directory: Path,
    plays: Sequence[Data],
    tenant: Simulator,
    environment: Mapping[str, str] | None = None,
    hosts: int = 1,
    forks: int = 1,
) -> Measured:
    """Run plays on so many hosts, all of them this machine. AssertionError when a task fails."""
    mark, ansible = tenant.mark(), Ansible(directory / f"bench-{time.time_ns()}")
    ansible.directory.mkdir(parents=True)
    clock = ansible.directory / "seconds"
    began = time.time()
    running = ansible.start(
        plays,
        inventory={"all": {"hosts": {"localhost" if hosts == 1 else f"host{number}": HOST for number in range(hosts)}}},
        arguments=["--forks", str(forks)],
        environment={
            "ANSIBLE_LIBRARY": str(PLUGINS / "library"),
            "ANSIBLE_ACTION_PLUGINS": str(PLUGINS / "action_plugins"),
            "ANSIBLE_CALLBACK_PLUGINS": str(PLUGINS / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "seconds",
            "SECONDS_FILE": str(clock),
            **(environment or {}),
        },
    )
    peaks, stop = [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(running.process, peaks, stop))
    watcher.start()
    run = running.wait()
    seconds = time.time() - began
    stop.set()
    watcher.join()
    run.ok()
    times = [float(line) for line in clock.read_text().splitlines()]
    tasks = [later - earlier for earlier, later in pairwise(times)]
    return Measured(run, seconds, tasks, tenant.wire(mark), max(peaks))


def _watch(process: int, peaks: list[float], stop: threading.Event) -> None:
    """Note the memory of a process and all below it, ten times a second."""
    while not stop.wait(0.1):
        total = 0
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(process)
            for one in [top, *top.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    total += one.memory_info().rss
        peaks.append(total / 2**20)
