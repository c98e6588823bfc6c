# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind every module that signs in: it runs the module where that is fast, and hides results that hold a secret.

Ansible starts an interpreter for each task, which imports everything anew. Where the module would run on the controller all
the same, as its user and with its interpreter, its code is run in the worker that Ansible has forked for the task. What it
imports was imported in Ansible's main process: the strategy loads the action there, to know how it wants to be run. (It looks
for an action of the module's name; one that meta/runtime.yml maps to the module is loaded in the worker alone.) In every other
case the module is run as Ansible runs modules.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible import constants
from ansible.executor import module_common
from ansible.plugins.action.normal import ActionModule as RunModule
from ansible.release import __version__ as release
from ansible_collections.vmrops.o365.plugins.module_utils._progress import Teller
from ansible_collections.vmrops.o365.plugins.module_utils._transport.kept import DIRECTORY, Keeper
from ansible_collections.vmrops.o365.plugins.plugin_utils._in_process import PROFILE, run_here

# What is done here, behind Ansible's back, is known to work with releases before this one.
UNKNOWN_RELEASE = (2, 22)
SERVICES = "ansible_collections.vmrops.o365.plugins.module_utils._services"
# Needed by whatever signs in to a tenant, and imported by a module only when it is asked for.
LIBRARIES = (
    "requests",
    "msal",
    "cryptography.fernet",
    "cryptography.hazmat.primitives.kdf.hkdf",
    f"{SERVICES}.directory",
    f"{SERVICES}.mailboxes",
)
# Set to anything, each module gets a process of its own.
SWITCH = "VMROPS_O365_OWN_PROCESS"
# Seconds between two words about a wait; 0 for none.
PROGRESS = "VMROPS_O365_PROGRESS"
PROGRESS_SECONDS = "30"
# The members of results that hold a secret.
SECRETS = {"password", "secret"}


@cache
def _keeper() -> Keeper:
    """What is kept for the modules of this worker: a new one's has nothing but the directory of the run."""
    return Keeper(Path(constants.DEFAULT_LOCAL_TMP))


def _at_a_terminal() -> bool:
    """Whether somebody started this from a terminal."""
    try:
        with open("/dev/tty", "w"):
            return True
    except OSError:
        return False


# Seen in Ansible's main process: since ansible-core 2.19 a worker has no terminal, and what it has to say is sent there.
SOMEBODY = _at_a_terminal()


def teller(display: Any, host: str) -> Teller:
    """How the module of a task says something: where errors go, since a program may read the other output.

    Raises ValueError for seconds that are no number.
    """
    given = os.environ.get(PROGRESS) or PROGRESS_SECONDS
    if not given.isdecimal():
        raise ValueError(f"{PROGRESS} is {given}, which is no number of seconds; 0 shows no progress.")

    def show(words: str, keep: bool = True) -> None:
        display.display(f"[{host}] {words}", stderr=True, screen_only=not keep)

    return Teller(show, partial(show, keep=False) if SOMEBODY else None, int(given))


class Action(RunModule):  # type: ignore[misc]  # ansible-core is not typed
    """The module, with a result that is treated as no_log when there is a secret in it, whatever the task says."""

    module: ModuleType
    _here = False

    def __init_subclass__(cls, *, module: ModuleType, libraries: Sequence[str] = LIBRARIES, **more: Any) -> None:
        """Take note of the module to run, and import the libraries that it needs whatever it is asked for."""
        super().__init_subclass__(**more)
        cls.module = module
        for library in libraries:
            with suppress(ImportError):  # the module says what is missing
                import_module(library)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The module's result."""
        self._here = self._runs_here(task_vars or {})
        try:
            self._teller = teller(self._display, str((task_vars or {}).get("inventory_hostname")))
        except ValueError as error:
            return {"failed": True, "msg": str(error)}
        result: dict[str, Any] = super().run(tmp, task_vars)
        if SECRETS & result.keys():
            result["_ansible_no_log"] = True
            if result.get("failed"):  # the reason holds no secret, and would be hidden with the rest
                self._display.warning(f"{self._task.action}: {result.get('msg')}")
        return result

    def _runs_here(self, task_vars: dict[str, Any]) -> bool:
        """Whether Ansible would run the module on this machine, as this user, in this environment, with this interpreter."""
        return (
            self._connection.transport == "local"
            and not self._task.async_val
            and not (self._play_context.become or self._connection.become)
            and not super()._compute_environment_string()
            and not constants.DEFAULT_KEEP_REMOTE_FILES
            and not os.environ.get(SWITCH)
            and tuple(map(int, release.split(".")[:2])) < UNKNOWN_RELEASE
            and self._interpreter(task_vars) == sys.executable
        )

    def _interpreter(self, task_vars: dict[str, Any]) -> str | None:
        """The interpreter that was chosen or found for the host; None when it is still to be found."""
        host = self._task.delegate_to
        known = task_vars["ansible_delegated_vars"][host] if host else task_vars
        chosen = constants.config.get_config_value("INTERPRETER_PYTHON", variables=known)
        # What localhost has, and the documentation advises: not worth a template for each item of a loop.
        own = str(chosen).replace(" ", "") == "{{ansible_playbook_python}}"
        chosen = task_vars["ansible_playbook_python"] if own else self._templar.template(chosen)
        if chosen and not str(chosen).startswith("auto"):
            return str(chosen).strip()
        found: str | None = known.get("ansible_facts", {}).get("discovered_interpreter_python")
        return found

    def _compute_environment_string(self, *args: Any, **kwargs: Any) -> str:
        """What the task sets for the module; beside it, where a process of its own on this machine finds the run's tokens."""
        environment = str(super()._compute_environment_string(*args, **kwargs))
        if self._here or self._connection.transport != "local":
            return environment
        directory = self._connection._shell.env_prefix(**{DIRECTORY: constants.DEFAULT_LOCAL_TMP})
        return f"{directory} {environment}".strip()

    # What ActionBase._execute_module asks for on its way; what it does before and after is the same for every module.

    def _is_pipelining_enabled(self, *args: Any, **kwargs: Any) -> bool:
        """Whether the module needs no file."""
        return self._here or bool(super()._is_pipelining_enabled(*args, **kwargs))

    def _configure_module(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> Any:
        """The module with its arguments, as Ansible packs it; nothing is packed to run it here."""
        if not self._here:
            return super()._configure_module(module_name, module_args, task_vars)
        self._arguments = module_args
        style, shebang, path = "new", f"#!{sys.executable}", self.module.__file__
        if PROFILE is None:
            return style, shebang, b"", path
        packed = module_common._BuiltModule(
            module_style=style, shebang=shebang, b_module_data=b"", serialization_profile=PROFILE
        )
        return packed, path

    def _low_level_execute_command(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """What the module answers."""
        if self._here:
            self._display.vvv(f"Running it in process {os.getpid()}; {SWITCH}=1 gives it one of its own.")
            return run_here(self.module.main, self._arguments, self._loader.get_basedir(), _keeper(), self._teller)
        answer: dict[str, Any] = super()._low_level_execute_command(*args, **kwargs)
        return answer
