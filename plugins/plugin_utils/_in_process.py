# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's own code, run in a process of Ansible's that is there already, as if in one of its own.

What a module finds in its process is put there for as long as it runs, and taken away after it: its arguments, its working
directory, what it prints, its warnings. A worker runs every item of a loop, so nothing of one item may be left for the next.
"""

from __future__ import annotations

import io
import json
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from types import FrameType, ModuleType
from typing import Any, NoReturn

from ansible.module_utils import basic
from ansible.module_utils.common import json as ansible_json
from ansible.module_utils.common import warnings
from ansible_collections.vmrops.o365.plugins.module_utils import _module
from ansible_collections.vmrops.o365.plugins.module_utils._progress import Teller
from ansible_collections.vmrops.o365.plugins.module_utils._transport.kept import Keeper

try:
    from ansible.module_utils import _internal as core  # ansible-core 2.19 and later
except ImportError:
    core = None

# How arguments and results are written, in ansible-core 2.19 and later; modules that name no other profile get this one.
PROFILE = "legacy" if hasattr(ansible_json, "get_module_encoder") else None
if PROFILE:
    for direction in ansible_json.Direction:  # imports what is needed once, rather than in each worker
        ansible_json.get_module_encoder(PROFILE, direction)


def run_here(
    main: Callable[[], None],
    arguments: Mapping[str, Any],
    directory: str,
    keeper: Keeper | None = None,
    teller: Teller | None = None,
) -> dict[str, Any]:
    """Run a module in this process.

    Args:
        main: the module's.
        arguments: its arguments, those that Ansible adds included.
        directory: where it is to run.
        keeper: what earlier modules have left.
        teller: how the module says something while it runs.

    Returns:
        What a connection gives after a command: rc, stdout, stderr, and these two by lines.

    Raises:
        KeyboardInterrupt: after the module has ended, since there may be more items of a loop.
    """
    output, errors, rc = io.StringIO(), io.StringIO(), 0
    with ExitStack() as stack:
        stack.enter_context(_interruptible())
        given = {"_ANSIBLE_ARGS": _encoded(arguments), "_ANSIBLE_PROFILE": PROFILE, "_PARSED_MODULE_ARGS": None}
        stack.enter_context(_variables(basic, **given))
        if core:  # else warnings would be shown at once, and be missing in the result
            stack.enter_context(_variables(core, is_controller=False))
        stack.enter_context(_variables(_module, KEEPER=keeper, TELLER=teller))
        stack.enter_context(_no_warnings())
        stack.enter_context(_working_directory(directory))
        stack.enter_context(redirect_stdout(output))
        stack.enter_context(redirect_stderr(errors))
        try:
            main()
        except SystemExit as end:
            rc = end.code if isinstance(end.code, int) else 0
        except Exception:
            rc = 1
            traceback.print_exc()
    stdout, stderr = output.getvalue(), errors.getvalue()
    lines = {"stdout_lines": stdout.splitlines(), "stderr_lines": stderr.splitlines()}
    return {"rc": rc, "stdout": stdout, "stderr": stderr, **lines}


def _encoded(arguments: Mapping[str, Any]) -> bytes:
    """The arguments as Ansible writes them for a module."""
    content = {"ANSIBLE_MODULE_ARGS": dict(arguments)}
    if PROFILE:
        encoder = ansible_json.get_module_encoder(PROFILE, ansible_json.Direction.CONTROLLER_TO_MODULE)
        return json.dumps(content, cls=encoder).encode()
    return json.dumps(content, cls=ansible_json.AnsibleJSONEncoder, vault_to_text=True).encode()


@contextmanager
def _variables(module: ModuleType, **values: Any) -> Iterator[None]:
    """The module's variables have these values for a while; not every release of ansible-core has them all."""
    before = {name: getattr(module, name) for name in values if hasattr(module, name)}
    for name in before:
        setattr(module, name, values[name])
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


@contextmanager
def _no_warnings() -> Iterator[None]:
    """None at the beginning, and none left behind: they are kept for the whole process."""
    kept = warnings._global_warnings, warnings._global_deprecations
    for one in kept:
        one.clear()
    try:
        yield
    finally:
        for one in kept:
            one.clear()


@contextmanager
def _working_directory(directory: str) -> Iterator[None]:
    before = os.open(os.curdir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(directory)
        yield
    finally:
        os.fchdir(before)
        os.close(before)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends the module, which then says what it did, and after that the worker.

    Since ansible-core 2.19 the worker ends at once, by a handler of its own.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    interrupted = False

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if interrupted:
        raise KeyboardInterrupt
