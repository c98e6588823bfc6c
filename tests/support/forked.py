# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated tenants as forks of a process that has imported what they need: where there are hundreds of them."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import IO, TextIO
from unittest import mock

from simulator.__main__ import main

from . import TESTS
from .simulator import Simulator

CONTEXT = multiprocessing.get_context("forkserver")


def fork_simulators() -> None:
    """Let the simulators that this process starts from now on be forks of another, which does nothing else."""
    CONTEXT.set_forkserver_preload([__name__])
    with mock.patch.dict(os.environ, {"PYTHONPATH": str(TESTS)}):  # older Pythons know no other path at that point
        forkserver.ensure_running()
    Simulator.launch = Forked


class Forked:
    """``python -m simulator`` in a fork; as of Popen what is used of it."""

    def __init__(self, command: Sequence[str], *, stderr: TextIO, **_others: object) -> None:
        output, theirs = CONTEXT.Pipe(duplex=False)
        self._command = command
        _python, _option, *arguments = command
        self._process = CONTEXT.Process(target=_become, args=(arguments, theirs, stderr.name), daemon=True)
        self._process.start()
        theirs.close()
        self.stdout: IO[str] | None = os.fdopen(os.dup(output.fileno()))
        output.close()

    def poll(self) -> int | None:
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._command, timeout or 0)
        return self._process.exitcode


def _become(arguments: list[str], output: Connection, log: str) -> None:
    """Be the simulator, to its end."""
    gc.freeze()  # else the first collection would copy everything
    with open(log, "a") as errors:
        os.dup2(errors.fileno(), 2)
    os.dup2(output.fileno(), 1)
    output.close()
    sys.argv = arguments
    main()
