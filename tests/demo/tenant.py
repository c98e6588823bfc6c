# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m demo tenant``: the simulated tenant alone, with all that is needed to run the role on it by hand."""

from __future__ import annotations

import shlex
import signal
import time
from pathlib import Path
from typing import Any

from simulator.server import SERVICES, listen
from support import BIN, COLLECTIONS, ROOT
from support.simulator import Simulator

from .company import APP_PERMISSIONS, CONFIGURE, EWS, TEARDOWN, Inventory, variables
from .report import Report


class FixedPorts(Simulator):
    """A tenant whose addresses stay the same from start to start."""

    def __init__(self, state: Path, port: int, seed: dict[str, Any]) -> None:
        super().__init__(state, seed=seed)
        self.port = port

    def _command(self) -> list[str]:
        return [*super()._command(), "--ports", str(self.port)]

    @property
    def running(self) -> bool:
        """Whether it still serves."""
        return self._process is not None and self._process.poll() is None


def serve(directory: Path, port: int) -> None:
    """Start the tenant, say how to use it, and run until it is told to stop.

    Args:
        directory: keeps the tenant, so that the next start is the same one.
        port: the first of four ports on loopback; ten more, and so on, while one of them is taken.

    Raises:
        RuntimeError: it did not start.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    inventory = Inventory(directory / "inventory")
    # The role ApplicationImpersonation is there, so that both ways of access can be tried.
    seed = {"impersonation_role": True, "organization_config": EWS}
    simulator = FixedPorts(directory / "state", _free(port), seed)
    with simulator:
        wish = variables(APP_PERMISSIONS, directory / "secrets.yml")
        inventory.write(simulator.auth(), simulator.node(), wish, keep=True)
        _explain(Report(), simulator, inventory, directory)
        signal.signal(signal.SIGTERM, _stop)
        try:
            while simulator.running:
                time.sleep(0.5)
        except KeyboardInterrupt:
            print("\nStopped. The tenant is kept; make tenant starts it again.", flush=True)


def command_line(playbook: str, inventory: Inventory) -> str:
    """The one line that runs a playbook, from the checkout's directory."""
    program = _short(BIN / "ansible-playbook")
    return f"ANSIBLE_COLLECTIONS_PATH={_short(COLLECTIONS)} {program} {playbook} -i {_short(inventory.directory)}"


def _short(path: Path) -> str:
    """The path as seen from the checkout, where it lies in it."""
    return shlex.quote(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path))


def _free(port: int) -> int:
    for first in range(port, port + 1000, 10):
        try:
            for one in listen("127.0.0.1", list(range(first, first + len(SERVICES)))):
                one.close()
        except OSError:
            continue
        return first
    raise RuntimeError(f"no four ports from {port} on are free; choose others with --port")


def _stop(*_ignored: object) -> None:
    raise KeyboardInterrupt


def _explain(report: Report, simulator: FixedPorts, inventory: Inventory, directory: Path) -> None:
    ends = simulator.endpoints
    report.title(f"A simulated Microsoft 365 tenant, {ends['tenant_domain']}, is running")
    for service, what in (("login", "sign-in"), ("graph", "Microsoft Graph"), ("outlook", "Exchange, EWS")):
        report.where(what, ends[f"{service}_url"])
    report.where("CA", ends["ca_path"])
    report.where("wire log", simulator.wire_log)
    report.where("sign-in options", inventory.sign_in)
    report.where("variables", f"{inventory.variables} (yours to change)")
    report.where("secrets, later", directory / "secrets.yml")
    report.part("Run the role on it, from another terminal in this directory:")
    print(f"\n    {command_line(CONFIGURE, inventory)}\n", flush=True)
    report.say(f"With --check --diff it only says what it would do; {TEARDOWN} in place of")
    report.say(f"{CONFIGURE} undoes it, for good with -e vmr_scheduling_purge=true.")
    report.say(f"Ctrl-C ends the tenant and keeps it; rm -r {_short(directory)} makes the next one new.")
