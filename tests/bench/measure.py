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
Row = dict[str, Any]

PLUGINS = Path(__file__).parent / "plugins"
DEFAULTS = {
    GROUP: {
        name: f"{{{{ tenant.{name} }}}}"
        for name in ("tenant_id", "client_id", "client_secret", "login_url", "graph_url", "outlook_url", "ca_path")
    },
    "group/vmrops.o365.pexip": {
        name: f"{{{{ node.{name} }}}}" for name in ("node_url", "node_client_id", "node_private_key", "ca_path")
    },
}
OWN_PROCESS = {"VMROPS_O365_OWN_PROCESS": "1"}


@dataclass(frozen=True)
class Measured:
    """One run of a playbook.

    Args:
        seconds: from start to end, start-up of ansible-playbook included.
        tasks: seconds of each task, from its beginning to that of the next.
        requests: what went over the wire.
        peak: the most memory that all its processes had together, in MiB (pages that several share count once).
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


def measure(
    directory: Path,
    tasks: Sequence[Data],
    tenants: Sequence[Simulator],
    environment: Mapping[str, str] | None = None,
    forks: int = 1,
) -> Measured:
    """Run tasks on as many hosts as there are tenants, each of them this machine. AssertionError when a task fails."""
    marks, ansible = [one.mark() for one in tenants], Ansible(directory / f"bench-{time.time_ns()}")
    ansible.directory.mkdir(parents=True)
    clock = ansible.directory / "seconds"
    hosts = {f"tenant{number}": _host(one) for number, one in enumerate(tenants)}
    play = {"name": "Measure", "hosts": "all", "gather_facts": False, "module_defaults": DEFAULTS, "tasks": list(tasks)}
    began = time.time()
    running = ansible.start(
        [play],
        inventory={"all": {"hosts": hosts}},
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
    each = [later - earlier for earlier, later in pairwise(times)]
    requests = [request for one, mark in zip(tenants, marks, strict=True) for request in one.wire(mark)]
    return Measured(run, seconds, each, requests, max(peaks))


def _host(tenant: Simulator) -> Data:
    """What a host's modules sign in with, and the variables that the tasks here name."""
    signs_in = {"tenant": tenant.auth(), "node": tenant.node()}
    return {**HOST, **signs_in, "client_id": tenant.endpoints["client_id"]}


def _watch(process: int, peaks: list[float], stop: threading.Event) -> None:
    """Note the memory of a process and all below it, ten times a second."""
    while not stop.wait(0.1):
        total = 0
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(process)
            for one in [top, *top.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    total += one.memory_full_info().pss
        peaks.append(total / 2**20)
