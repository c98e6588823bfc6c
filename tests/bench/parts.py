# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured. Each part gives rows: the first column says of what, the others are figures."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import msal
import requests
from support import COLLECTIONS
from support.company import wish
from support.simulator import Request, Simulator
from support.work import SEED, WORK

from .elsewhere import elsewhere
from .growth import mailboxes, tenants
from .measure import OWN_PROCESS, Row, exchange, measure

MODULES = "ansible_collections.vmrops.o365.plugins.modules"
LIBRARIES = ("requests", "msal", "exchangelib")


def overhead(directory: Path, tasks: int) -> Iterator[Row]:
    """Seconds beside those of the network that a module with nothing to do takes, and how many of them an empty one does.

    As the items of a loop, which share a worker; as a task each, which has a worker of its own; and in processes of their own.
    """
    with Simulator(directory / "tenant", seed=SEED) as tenant:
        each_request = exchange(tenant)

        def each(action: str, arguments: Any, number: int) -> float:
            task = {"name": action, action: arguments}
            return replace(measure(directory, [task] * number, [tenant]), exchange=each_request).overhead

        def apart(action: str, arguments: Any, number: int) -> tuple[float, float]:
            """Seconds, and how many an empty module takes in turn with it: a machine's speed is not the same for minutes."""
            tasks = [{"name": "empty", "empty_module": {}}, {"name": action, action: arguments}] * (number + 1)
            measured = replace(measure(directory, tasks, [tenant], OWN_PROCESS), exchange=each_request)
            seconds = median(measured.tasks[3::2]) - measured.network / (number + 1)
            return seconds, median(measured.tasks[2::2])

        def loop(action: str, arguments: Any, number: int) -> float:
            task = {"name": action, action: arguments, "loop": list(range(number)), "loop_control": {"label": "one"}}
            measured = replace(measure(directory, [task, task], [tenant]), exchange=each_request)
            return (measured.tasks[1] - measured.network / 2) / number  # the first one pays for what all need

        empty = loop("empty_module", {}, tasks), each("empty_module", {}, tasks)

        def row(what: str, item: float, task: float, own: tuple[float, float]) -> Row:
            return {
                "what": what,
                "seconds, item of a loop": item,
                "of an empty module": item / empty[0],
                "seconds, task": task,
                "of an empty module, task": task / empty[1],
                "seconds, own process": own[0],
                "of an empty module, own process": own[0] / own[1],
            }

        few = max(tasks // 4, 2)
        yield row("empty module", *empty, apart("empty_module", {}, few))
        for what, name in (("requests and msal alone", "libraries_module"), ("empty action", "empty_action")):
            yield row(what, loop(name, {}, tasks), each(name, {}, tasks), apart(name, {}, few))
        for name, (works, _fails) in WORK.items():
            module = f"vmrops.o365.{name}"
            each(module, works, 1)
            here = loop(module, works, tasks), each(module, works, tasks)
            yield row(name, *here, apart(module, works, few))


def requests_sent(directory: Path) -> Iterator[Row]:
    """Requests of each module and of the role, when there is something to do and when there is nothing."""
    with Simulator(directory / "tenant", seed=SEED) as tenant:
        for module, (works, _fails) in WORK.items():
            for what in ("applied", "again"):
                task = {"name": module, f"vmrops.o365.{module}": works}
                yield {"what": f"{module}, {what}", **measure(directory, [task], [tenant]).counts()}


def role(directory: Path, latencies: tuple[int, ...]) -> Iterator[Row]:
    """Seconds of the role beside those of the same requests, each once, in a bare script; beyond the latency in both."""
    for latency in latencies:
        with Simulator(directory / f"tenant-{latency}", latency=latency) as tenant:
            variables = wish(tenant, "app_permissions", directory / f"secrets-{latency}.yml")
            tasks = [
                {
                    "name": "role",
                    "ansible.builtin.import_role": {"name": "vmrops.o365.vmr_scheduling"},
                    "vars": variables,
                }
            ]
            for what in ("applied", "again"):
                measured = measure(directory, tasks, [tenant])
                row = {"what": f"{latency} ms, {what}", "seconds": measured.seconds, **measured.counts()}
                row |= {"waited": measured.wire, "beyond": measured.seconds - measured.wire}
                if what == "again":
                    row["bare script"], row["bare requests"] = _bare(tenant, measured.requests)
                yield row


def _bare(tenant: Simulator, sent: list[Request]) -> tuple[float, int]:
    """Seconds and number of the requests of a script that signs in once to each service and sends the reads, each once."""
    began = time.time()
    session, mark = requests.Session(), tenant.mark()
    session.trust_env = False  # or REQUESTS_CA_BUNDLE would win
    session.verify = tenant.endpoints["ca_path"]
    application = msal.ConfidentialClientApplication(
        tenant.endpoints["client_id"],
        tenant.endpoints["client_secret"],
        authority=f"{tenant.endpoints['login_url']}/{tenant.endpoints['tenant_id']}",
        http_client=session,
        instance_discovery=False,
    )
    tokens = {
        service: application.acquire_token_for_client([f"{resource}/.default"])["access_token"]
        for service, resource in {
            "graph": "https://graph.microsoft.com",
            "outlook": "https://outlook.office365.com",
        }.items()
    }
    seen = set()
    for one in sent:
        key = str((one.service, one.method, one.path, one.query, one.request))
        if one.service == "login" or key in seen:
            continue
        seen.add(key)
        known = {
            name: text for name, text in one.request_headers.items() if name.startswith(("x-", "prefer", "consistency"))
        }
        answer = session.request(
            one.method,
            f"{tenant.endpoints[one.service + '_url']}{one.path}" + (f"?{one.query}" if one.query else ""),
            json=one.request,
            headers={**known, "Authorization": f"Bearer {tokens[one.service]}"},
        )
        if answer.status_code != one.status:
            raise RuntimeError(f"the script was answered {answer.status_code} to {one}")
    return time.time() - began, len(tenant.wire(mark))


def imports(_directory: Path) -> Iterator[Row]:
    """Seconds to import each module and library in a new interpreter, itself and all that it imports."""
    for what, name in [*((module, f"{MODULES}.{module}") for module in WORK), *((name, name) for name in LIBRARIES)]:
        command = [
            sys.executable,
            "-X",
            "importtime",
            "-c",
            f"import sys; sys.path.insert(0, {str(COLLECTIONS)!r}); import {name}",
        ]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
        found = [line.split("|") for line in lines if line.startswith("import time:") and line.endswith(name)]
        roots = [line.split("|") for line in lines if "|" in line and line.split("|")[2].strip() == name]
        yield {"what": what, "seconds": float((roots or found)[-1][1]) / 1e6}


PARTS: dict[str, tuple[str, Callable[..., Iterator[Row]]]] = {
    "overhead": ("Overhead of a task with nothing to do", overhead),
    "elsewhere": ("The nearest module of another collection", elsewhere),
    "requests": ("Requests of each module", requests_sent),
    "role": ("The role at three latencies", role),
    "mailboxes": ("Many mailboxes in one tenant", mailboxes),
    "tenants": ("Many tenants", tenants),
    "imports": ("Import cost", imports),
}
