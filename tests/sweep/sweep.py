# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sweep: cut the connection at request k, run again, and compare with an undisturbed tenant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import ServiceError
from support.simulator import Simulator

from .snapshot import secret_texts, snapshot
from .subjects import Caller, Subject

# What may go wrong at a request; all but the drops are answers.
FAULTS: dict[str, dict[str, Any]] = {
    "cut before": {"do": "drop", "when": "before"},
    "cut after": {"do": "drop", "when": "after"},
    "429": {"do": "respond", "status": 429, "headers": {"Retry-After": "0.2"}},
    "503": {"do": "respond", "status": 503},
    "500": {"do": "respond", "status": 500},
    "500 after": {"do": "respond", "status": 500, "when": "after"},
}


@dataclass
class Outcome:
    """What a sweep of one subject with one fault found.

    Args:
        requests: how many requests the undisturbed run sends (n).
        recovered: how many disturbed runs succeeded by themselves.
        failed: how many failed with a clear error, and then succeeded when run again.
        differences: what went wrong, in words, by request.
    """

    requests: int
    recovered: int = 0
    failed: int = 0
    differences: list[str] = field(default_factory=list)


def sweep(subject: Subject, fault: str, only: Sequence[int] = ()) -> Outcome:
    """Sweep one subject: every request, or those in ``only`` (counted from 1)."""
    with TemporaryDirectory() as directory:
        clean = _undisturbed(subject, Path(directory))
        outcome = Outcome(clean.requests)
        for number in only or range(1, clean.requests + 1):
            if number <= clean.requests:
                for problem in _disturbed(subject, fault, number, clean, Path(directory) / str(number), outcome):
                    outcome.differences.append(f"request {number}: {problem}")
        return outcome


@dataclass(frozen=True)
class _Clean:
    requests: int
    state: Any


def _prepare(subject: Subject, state: Path) -> Caller:
    """A new tenant, with the object made first when its removal is swept. It is stopped again."""
    with Simulator(state, seed=subject.seed) as tenant:
        caller = Caller(subject, tenant.endpoints, tenant.auth())
        if subject.state == "absent":
            caller.run("present")
    return caller


def _run(
    subject: Subject, caller: Caller, state: Path, faults: Sequence[dict[str, Any]] = ()
) -> tuple[dict[str, Any], int]:
    """One run on the tenant of that directory; its result and how many requests it sent."""
    with Simulator(state, faults=faults) as tenant:
        caller.endpoints = tenant.endpoints
        caller.auth.update(tenant.auth())
        before = len(tenant.wire())
        result = caller.run(subject.state)
        return result, len(tenant.wire()) - before


def _undisturbed(subject: Subject, directory: Path) -> _Clean:
    state = directory / "clean"
    caller = _prepare(subject, state)
    _result, requests = _run(subject, caller, state)
    return _Clean(requests, snapshot(state))


def _disturbed(
    subject: Subject, fault: str, number: int, clean: _Clean, state: Path, outcome: Outcome
) -> Iterator[str]:
    caller = _prepare(subject, state)
    rule = {"match": {"service": "."}, "skip": number - 1, "times": 1, **FAULTS[fault]}
    try:
        _run(subject, caller, state, [rule])
        outcome.recovered += 1
    except (Refused, ServiceError):
        outcome.failed += 1
    except Exception as error:
        yield f"failed in a way that no message explains: {error!r}"
    try:
        _run(subject, caller, state)
        again, _requests = _run(subject, caller, state)
    except (Refused, ServiceError) as error:
        yield f"running again does not help: {error}"
        return
    if again["changed"]:
        yield f"the third run still changes: {[step['summary'] for step in again['steps']]}"
    now = snapshot(state)
    yield from (f"too much: {one[:300]}" for one in now - clean.state)
    yield from (f"missing: {one[:300]}" for one in clean.state - now)
    if subject.options.get("secret") and subject.state == "present" and secret_texts(state) != [caller.secret]:
        yield "the secret that the caller holds is not the one there is"
