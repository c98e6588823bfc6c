# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One disturbed run, another one where the first failed, and the comparison with a tenant that nothing disturbed."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from support.simulator import Request, Simulator

from .calls import Ended, Going, Subject
from .faults import FAULTS, Rule, rules
from .snapshot import snapshot

LAG = 3.0
CLOCK = 120.0
# Where the first of two runs has come, in parts of its requests, when the second starts.
HEAD_STARTS = (0.0, 0.25, 0.5, 0.75)
# What goes wrong with a whole run: how many cases there are of it.
CONDITIONS = {"lag": 1, "clock": 2, "two runs": len(HEAD_STARTS)}
DISTURBANCES = (*FAULTS, *CONDITIONS)


@dataclass(frozen=True)
class Clean:
    """What an undisturbed run sent, and what it left. ``directory`` is where every run starts from."""

    directory: Path
    requests: Sequence[Request]
    state: Counter[str]

    def cases(self, disturbance: str) -> list[int]:
        """The numbers of its cases: for faults those of the requests, counted from 1."""
        if disturbance in CONDITIONS:
            return list(range(1, CONDITIONS[disturbance] + 1))
        return list(rules(disturbance, self.requests))


@dataclass(frozen=True)
class Outcome:
    """What one case came to.

    Args:
        number: the case.
        recovered: whether the disturbed run succeeded by itself; otherwise it was run again.
        differences: what went wrong, in words.
    """

    number: int
    recovered: bool
    differences: list[str]


def undisturbed(subject: Subject, directory: Path) -> Clean:
    """Run a subject undisturbed, in a directory that must stay as long as cases are tried from it."""
    start = directory / "start"
    with Simulator(start / "tenant", seed=subject.seed) as tenant:
        if subject.state == "absent":
            _demand(subject.start(tenant, start, "present").finish())
    tenant.wire_log.unlink(missing_ok=True)
    shutil.copytree(start, directory / "end")
    with Simulator(directory / "end" / "tenant") as tenant:
        _demand(subject.start(tenant, directory / "end", subject.state).finish())
        requests = tenant.wire()
        again = subject.start(tenant, directory / "end", subject.state).finish()
        problems = [*subject.problems(tenant, directory / "end"), *(["the second run changes"] * again.changed)]
    if problems:
        raise RuntimeError(f"{subject.name} is in no state to be swept: {problems}")
    return Clean(start, requests, snapshot(tenant.state))


def try_case(subject: Subject, clean: Clean, disturbance: str, number: int) -> Outcome:
    """One case on a tenant of its own."""
    with TemporaryDirectory(prefix="sweep-") as name:
        directory = Path(name) / "case"
        shutil.copytree(clean.directory, directory)
        case = _Case(subject, clean, directory)
        if disturbance in CONDITIONS:
            differences = list(case.under(disturbance, number))
        else:
            differences = list(
                case.struck(rules(disturbance, clean.requests)[number], number, disturbance.startswith("interrupt"))
            )
        return Outcome(number, case.recovered, differences)


@dataclass
class _Case:
    subject: Subject
    clean: Clean
    directory: Path
    recovered: bool = False

    def start(self, tenant: Simulator, clock: float = 0.0) -> Going:
        return self.subject.start(tenant, self.directory, self.subject.state, clock)

    def struck(self, rule: Rule, number: int, by_user: bool) -> Iterator[str]:
        """Something happens at one request."""
        service = self.clean.requests[number - 1].service
        with Simulator(self.directory / "tenant", faults=[rule]) as tenant:

            def met() -> bool:
                return sum(one.service == service for one in tenant.wire()) > int(rule["skip"])

            first = self.start(tenant)
            if rule["do"] == "hold":
                _until(lambda: met() or not first.running)
                ended = first.interrupt() if by_user else _killed(first)
            else:
                ended = first.finish()
            if not met():
                yield f"the run ended before its request {number}: {ended.message}"
            yield from self.settle(tenant, [ended])

    def under(self, condition: str, number: int) -> Iterator[str]:
        """Something is wrong with the whole run."""
        lag = LAG if condition == "lag" else 0.0
        with Simulator(self.directory / "tenant", lag=lag) as tenant:
            if condition == "lag":
                runs = [self.start(tenant)]
            elif condition == "clock":
                runs = [self.start(tenant, CLOCK if number == 1 else -CLOCK)]
            else:
                runs = [self.start(tenant)]
                ahead = int(HEAD_STARTS[number - 1] * len(self.clean.requests))
                _until(lambda: tenant.mark() >= ahead or not runs[0].running)
                runs.append(self.start(tenant))
            ended = [one.finish() for one in runs]
            if condition != "two runs":
                yield from (f"it does not do it in one run: {one.message}" for one in ended if not one.succeeded)
            yield from self.settle(tenant, ended)

    def settle(self, tenant: Simulator, ended: Sequence[Ended]) -> Iterator[str]:
        """Run again what failed, and compare."""
        yield from (f"failed in a way that no message explains: {one.message}" for one in ended if not one.explained)
        self.recovered = all(one.succeeded for one in ended)
        if not self.recovered:
            again = self.start(tenant).finish()
            if not again.succeeded:
                yield f"running again does not help: {again.message}; before: {[one.message for one in ended]}"
                return
        now = snapshot(tenant.state)
        yield from (f"too much: {one[:300]}" for one in now - self.clean.state)
        yield from (f"missing: {one[:300]}" for one in self.clean.state - now)
        yield from self.subject.problems(tenant, self.directory)
        if self.subject.quick and self.start(tenant).finish().changed:
            yield "one more run still changes"


def _killed(run: Going) -> Ended:
    run.kill()
    return Ended(False, message="killed")


def _until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the run did not come that far")
        time.sleep(0.01)


def _demand(ended: Ended) -> None:
    if not ended.succeeded:
        raise RuntimeError(f"the undisturbed run failed: {ended.message}")
