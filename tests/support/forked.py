# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated tenants as forks of a process that has imported what they need: where there are hundreds of them."""

from __future__ import annotations

import atexit
import gc
import inspect
import os
import subprocess
import sys
import traceback
import warnings
from collections.abc import Mapping
from typing import Any

from simulator.__main__ import main

from .simulator import Simulator


def fork_simulators() -> None:
    """Let the simulators that this process starts from now on be forks of it."""
    gc.freeze()  # else the first collection in a fork would copy everything
    Simulator.launch = Forked


class Forked(subprocess.Popen[str]):
    """``python -m simulator`` in a fork of this process; arguments as of Popen."""

    def _execute_child(self, *arguments: Any) -> None:
        parent = subprocess.Popen._execute_child  # type: ignore[attr-defined]
        given = inspect.signature(parent).bind(self, *arguments).arguments
        with warnings.catch_warnings():
            # Of other threads the fork has nothing; theirs here only read what pytest's processes tell each other.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if not self.pid:
            _become(given)
        self._child_created = True
        pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(given[name] for name in pipes))  # type: ignore[attr-defined]


def _become(given: Mapping[str, Any]) -> None:
    """Be the simulator, to its end."""
    code = 1
    try:
        for number, (name, pipe) in enumerate({"stdin": "p2cread", "stdout": "c2pwrite", "stderr": "errwrite"}.items()):
            os.dup2(given[pipe], number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        atexit._clear()
        _python, _option, *sys.argv = given["args"]
        main()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
