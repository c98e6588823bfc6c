# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m demo``: prove the role. ``python -m demo tenant``: a tenant to try things on by hand."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from support import ROOT

from . import company, proof, tenant
from .report import Failed, Report, complain


def main() -> int:
    """Read the command line and run; the exit status."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--directory", type=Path, default=ROOT / ".demo", help="what the demo makes; emptied first")
    parser.add_argument("--access", choices=company.ACCESS, help="only this way of access")
    commands = parser.add_subparsers(dest="command")
    alone = commands.add_parser("tenant", help="the simulated tenant alone, until Ctrl-C")
    alone.add_argument("--directory", type=Path, default=ROOT / ".tenant", help="keeps the tenant from run to run")
    alone.add_argument("--port", type=int, default=18443, help="the first of four ports on loopback")
    options = parser.parse_args()
    try:
        if options.command == "tenant":
            tenant.serve(options.directory.resolve(), options.port)
        else:
            demo(options.directory.resolve(), [options.access] if options.access else company.ACCESS)
    except Failed as failure:
        complain(f"The demo failed. {failure}")
        return 1
    except RuntimeError as error:
        complain(error)
        return 1
    return 0


def demo(directory: Path, ways: tuple[str, ...] | list[str]) -> None:
    """Prove each way of access on a tenant of its own; say where to look. Raises Failed."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True, mode=0o700)
    report = Report()
    for access in ways:
        proof.prove(access, directory / access, report)
    report.title(f"All {report.claims} claims hold")
    for access in ways:
        report.part(access)
        report.where("CA", directory / access / "tenant" / "ca.pem")
        report.where("wire log", directory / access / "tenant" / "wire.jsonl")
        report.where("variables", directory / access / "inventory")
        report.where("runs of Ansible", directory / access / "ansible")


if __name__ == "__main__":
    sys.exit(main())
