# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What more mailboxes and more tenants cost, each time with no request throttled and with one in fifty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from support.forked import fork_simulators
from support.simulator import Simulator

from .measure import Data, Measured, Row, measure

MODULE = "vmrops.o365.o365_equipment_mailbox"
REFUSAL = {"do": "respond", "status": 429, "headers": {"Retry-After": "1"}, "body": {}, "every": 50, "times": 0}
# As requests, and as items of batches.
THROTTLED = [
    {"match": {"service": "outlook"}, **REFUSAL},
    {"match": {"service": "outlook", "item": ""}, **REFUSAL},
]
CONDITIONS: dict[str, list[Data]] = {"": [], ", 2 % throttled": THROTTLED}


def mailboxes(directory: Path, sizes: tuple[int, ...]) -> Iterator[Row]:
    """Equipment mailboxes that are made by one task, and looked at again."""
    for condition, faults in CONDITIONS.items():
        for size in sizes:
            with Simulator(directory / f"{size}{condition}", faults=faults) as tenant:
                wanted = [
                    {"name": f"VMR {one}", "primary_smtp_address": f"vmr{one}@contoso.com"} for one in range(size)
                ]
                task = {"name": "mailboxes", MODULE: {"mailboxes": wanted, "wait_timeout": 3600}}
                for what in ("made", "again"):
                    measured = measure(directory, [task], [tenant])
                    yield {"what": f"{size} {what}{condition}", **_grown(measured, size)}


def tenants(directory: Path, sizes: tuple[int, ...], forks: tuple[int, ...]) -> Iterator[Row]:
    """Hosts, each with a tenant of its own, that all look after one mailbox, with nothing to do."""
    fork_simulators()
    task = {"name": "mailbox", MODULE: {"name": "VMR", "primary_smtp_address": "vmr@contoso.com"}}
    for condition, faults in CONDITIONS.items():
        for size in sizes:
            with ExitStack() as stack:
                started = [
                    stack.enter_context(Simulator(directory / f"{size}-{number}{condition}", faults=faults))
                    for number in range(size)
                ]
                measure(directory, [task], started, forks=max(forks))
                for number in forks if size > 1 else (1,):
                    measured = measure(directory, [task], started, forks=number)
                    yield {"what": f"{size} tenants, {number} forks{condition}", **_grown(measured, size)}


def _grown(measured: Measured, size: int) -> Row:
    sent = len(measured.requests)
    each = {"seconds each": measured.seconds / size, "requests each": sent / size}
    return {"seconds": measured.seconds, "requests": sent, **each, "peak MiB": measured.peak}
