# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs playbooks and measures them."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPSConnection
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psutil
from support.ansible import GROUP, HOST, Ansible, Run
from support.simulator import Request, Simulator

Data = dict[str, Any]
Row = dict[str, Any]

PLUGINS = Path(__file__).parent / "plugins"
NODES = "group/vmrops.o365.pexip"
EXCHANGES = 200
OWN_PROCESS = {"VMROPS_O365_OWN_PROCESS": "1"}


@dataclass(frozen=True)
class Measured:
    """One run of a playbook.

    Args:
        seconds: from start to end, start-up of ansible-playbook included.
        tasks: seconds of each task, from its beginning to that of the next.
        requests: what went over the wire.
        peak: the most memory that all its processes had together, in MiB (pages that several share count once).
        exchange: seconds of a request beside those that the service takes to answer it (``exchange``), where they matter.
    """

    run: Run
    seconds: float
    tasks: list[float]
    requests: list[Request]
    peak: float
    exchange: float = 0.0

    @property
    def wire(self) -> float:
        """Seconds that the services took to answer."""
        return sum(request.seconds for request in self.requests)

    @property
    def network(self) -> float:
        """Seconds that the least client would have waited for as many answers, over connections that it has."""
        return self.wire + self.exchange * len(self.requests)

    @property
    def overhead(self) -> float:
        """Seconds of a task in the middle, without the network's share; the first also pays for what all need."""
        return median(self.tasks[1:] or self.tasks) - self.network / len(self.tasks)

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
    play = {
        "name": "Measure",
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": _defaults(tenants),
        "tasks": list(tasks),
    }
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


def exchange(tenant: Simulator) -> float:
    """Seconds of a request over a connection that is there, beside those that the service takes to answer it."""
    ends = tenant.endpoints
    service = urlsplit(ends["graph_url"])
    context = ssl.create_default_context(cafile=ends["ca_path"])
    connection = HTTPSConnection(str(service.hostname), service.port, context=context)
    mark, seconds = tenant.mark(), []
    for _number in range(EXCHANGES):
        began = time.perf_counter()
        connection.request("GET", "/v1.0/organization")
        connection.getresponse().read()
        seconds.append(time.perf_counter() - began)
    connection.close()
    return median(seconds) - median(request.seconds for request in tenant.wire(mark))


def _defaults(tenants: Sequence[Simulator]) -> Data:
    """What modules sign in with: of one tenant as it is, so that no template is paid for; of many, by variables."""
    if len(tenants) == 1:
        return {GROUP: tenants[0].auth(), NODES: tenants[0].node()}
    signs_in = {GROUP: ("tenant", tenants[0].auth()), NODES: ("node", tenants[0].node())}
    return {
        group: {name: f"{{{{ {variable}.{name} }}}}" for name in options}
        for group, (variable, options) in signs_in.items()
    }


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
