# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One company on a simulated tenant: its playbooks, its Management Node, and claims about both."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from support.ansible import Ansible, Run
from support.node import NodeAdministrator
from support.simulator import Simulator

from . import company
from .report import Failed, Report


class Stage:
    """What every part of the demo plays on.

    Args:
        access: the way of access that the company starts with.
        directory: where everything that the demo makes lies.
    """

    def __init__(self, access: str, directory: Path, report: Report, simulator: Simulator) -> None:
        self.access, self.directory, self.report, self.simulator = access, directory, report, simulator
        self.secrets_file = directory / "secrets.yml"
        self.inventory = company.Inventory(directory / "inventory")
        self.inventory.write(simulator.auth(), simulator.node(), company.variables(access, self.secrets_file))
        self.node = NodeAdministrator(simulator)
        self.ansible = Ansible(directory / "ansible")

    def run(self, playbook: str = company.CONFIGURE, *, check: bool = False, **variables: Any) -> Run:
        """A playbook as a user would run it, with variables by ``-e`` (their names without the prefix). Raises Failed."""
        run = self.ansible.run(
            playbook,
            check=check,
            extra_vars={f"vmr_scheduling_{name}": value for name, value in variables.items()} or None,
            inventory={"all": {}},
            arguments=["-i", str(self.inventory.directory)],
        )
        if run.rc != 0:
            raise Failed(f"ansible-playbook {playbook} ended with {run.rc}:\n{run.output.strip()}")
        return run

    def secrets(self) -> dict[str, Any]:
        """The secrets file."""
        content: dict[str, Any] = yaml.safe_load(self.secrets_file.read_text())
        return content

    def polled(self) -> str:
        """What the scheduler has done with the one message that waits; or what it has to complain of."""
        (report,) = self.simulator.poll()
        return str(report["error"] or ", ".join(one["outcome"] for one in report["handled"]))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The scheduler polls all the time, and then it is claimed that none of it failed."""
        errors, polls, over = list[str](), list[int](), threading.Event()

        def work() -> None:
            while not over.wait(0.5):
                errors.extend(one["error"] for one in self.simulator.poll() if one["error"])
                polls.append(1)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        failed = f"{len(errors)} of {len(polls)}"
        self.report.claim(
            "polls of the scheduler meanwhile that failed", failed, bool(polls) and not errors, str(errors)
        )

    def holds(self, text: str, seen: object, wanted: object) -> None:
        """Claim that something is as it should be."""
        self.report.claim(text, seen, seen == wanted, f"wanted: {wanted}")

    def silent(self, playbook: str, words: str, **variables: Any) -> None:
        """Run a playbook, and claim that it finds nothing to do."""
        mark = self.simulator.mark()
        changes = changed(self.run(playbook, **variables))
        self.report.claim(words, changes, changes == 0)
        self.report.claim("requests that ask for a change", *self.writes(mark, 0))

    def writes(self, mark: int, wanted: int) -> tuple[str, bool, str]:
        """Figure, verdict and explanation of how many requests since a mark asked for a change."""
        found, requests = self.simulator.writes(mark), len(self.simulator.wire(mark))
        return f"{len(found)} of {requests}", len(found) == wanted, "\n".join(map(str, found))


def said(run: Run) -> list[dict[str, Any]]:
    """What the role says at its end."""
    return [one["msg"] for one in run.results if isinstance(one.get("msg"), dict)]


def steps_of(run: Run) -> list[str]:
    """The steps that the role says it took, or would take."""
    return [str(step) for one in said(run) for step in one.get("steps", [])]


def changed(run: Run) -> int:
    """The figure of Ansible's own recap."""
    found = re.search(rf"^{company.HOST}\s.*changed=(\d+)", run.stdout, re.MULTILINE)
    return int(found[1]) if found else -1
