# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs real ``ansible-playbook`` and hands back what every task returned."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pexpect
import psutil
import yaml

from . import BIN, COLLECTIONS

Data = dict[str, Any]

GROUP = "group/vmrops.o365.o365"
# Modules whose results may hold a secret, and the task that keeps them for the test.
SECRETIVE = {"vmrops.o365.o365_oauth_app", "vmrops.o365.o365_service_account"}
KEEP = "Keep what was registered"
HOST = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


@dataclass(frozen=True)
class Result:
    """What one task returned on one host. ``status`` is ok, failed, skipped or unreachable."""

    play: str
    task: str
    action: str
    host: str
    status: str
    result: Data

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def msg(self) -> str:
        return str(self.result.get("msg", ""))

    def __getitem__(self, name: str) -> Any:
        return self.result[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.result.get(name, default)


@dataclass(frozen=True)
class Run:
    """One run of ``ansible-playbook``."""

    rc: int
    stdout: str
    stderr: str
    results: list[Result]

    def __getitem__(self, task: str) -> Result:
        """The last result of the task with that name (roles prefix it: ``role : name`` may be given as ``name``)."""
        found = [one for one in self.results if one.task == task or one.task.endswith(f" : {task}")]
        assert found, f"no task {task!r} ran; there were {[one.task for one in self.results]}\n{self.output}"
        return found[-1]

    @property
    def last(self) -> Result:
        assert self.results, f"no task ran\n{self.output}"
        return self.results[-1]

    @property
    def changed(self) -> int:
        """How many tasks changed something."""
        return sum(one.changed for one in self.results)

    @property
    def output(self) -> str:
        return f"{self.stdout}\n{self.stderr}"

    def ok(self) -> Run:
        """This run, which must have succeeded."""
        assert self.rc == 0, self.output
        return self

    def revealing(self, kept: Path) -> Run:
        """This run with hidden results as a file has them, by task, and without the task that kept them."""
        known: Data = json.loads(kept.read_text()) if kept.exists() else {}
        results = [
            replace(one, result=known[one.task]) if "censored" in one.result and known.get(one.task) else one
            for one in self.results
            if one.task != KEEP
        ]
        return replace(self, results=results)

    def failure(self) -> Result:
        """The result of the task that failed, as one must have."""
        failed = [one for one in self.results if one.status in ("failed", "unreachable")]
        assert self.rc != 0, f"this should have failed\n{self.output}"
        assert failed, self.output
        return failed[-1]


class Running:
    """An ``ansible-playbook`` that was started, in a session of its own as on a terminal."""

    def __init__(self, command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def process(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait(self) -> Run:
        """Wait for its end; what is started in a test ends with the test."""
        try:
            stdout, stderr = self._process.communicate()
        except BaseException:
            self.kill()
            raise
        return Run(self._process.returncode, stdout, stderr, _results(self.directory / "results.jsonl"))

    def interrupt(self) -> Run:
        """Ctrl-C: the terminal tells every process of the foreground group."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self.wait()

    def kill(self) -> None:
        """End it, its workers (which Ansible puts into sessions of their own) and their modules as a power cut would."""
        family = [psutil.Process(self._process.pid)]
        family[0].suspend()  # it starts nothing more
        family += family[0].children(recursive=True)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.communicate()


class Ansible:
    """Runs playbooks in a directory of their own, untouched by the settings of whoever runs the tests.

    ``REQUESTS_CA_BUNDLE`` and its like stay as they are on the machine: the collection must cope with them.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._runs = 0

    def tasks(self, tasks: Sequence[Data], auth: Mapping[str, Any] | None = None, **options: Any) -> Run:
        """Run tasks on localhost. ``auth`` becomes the defaults of the collection's modules; options as in ``run``.

        A result that holds a secret is hidden from callbacks, and shown here as the play has it, unless the task says
        ``no_log`` or registers it itself.
        """
        kept = self.directory / f"registered-{self._runs + 1}.json"
        shown = [task for task in tasks if SECRETIVE & task.keys() and not {"no_log", "register", "loop"} & task.keys()]
        names = {id(task): f"registered_{number}" for number, task in enumerate(shown)}
        listed = [{**task, "register": names[id(task)]} if id(task) in names else task for task in tasks]
        if names:
            found = ", ".join(f"'{task['name']}': {names[id(task)]} | default({{}})" for task in shown)
            content = {"dest": str(kept), "mode": "0600", "content": f"{{{{ {{{found}}} | to_json }}}}"}
            keep = {"name": KEEP, "ansible.builtin.copy": content, "no_log": True, "check_mode": False, "diff": False}
            listed = [{"block": listed, "always": [keep]}]
        play: Data = {"name": "Test", "hosts": "all", "gather_facts": False, "tasks": listed}
        if auth is not None:
            play["module_defaults"] = {GROUP: dict(auth)}
        return self.run([play], **options).revealing(kept)

    def module(self, name: str, arguments: Data, auth: Mapping[str, Any] | None = None, **options: Any) -> Run:
        """Run one module of the collection, by its short name."""
        return self.tasks([{"name": name, f"vmrops.o365.{name}": arguments}], auth, **options)

    def role(self, variables: Data, name: str = "vmr_scheduling", **options: Any) -> Run:
        """Run a role of the collection."""
        return self.start_role(variables, name, **options).wait()

    def start_role(self, variables: Data, name: str = "vmr_scheduling", **options: Any) -> Running:
        """Start a role of the collection."""
        roles = [{"role": f"vmrops.o365.{name}", "vars": variables}]
        return self.start([{"name": "Test", "hosts": "all", "gather_facts": False, "roles": roles}], **options)

    def run(
        self,
        playbook: Sequence[Data] | str,
        *,
        check: bool = False,
        diff: bool = False,
        verbosity: int = 0,
        extra_vars: Data | None = None,
        inventory: Data | None = None,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> Run:
        """Run plays, or a playbook by path or name (``vmrops.o365.configure``); arguments as for start."""
        running = self.start(
            playbook,
            check=check,
            diff=diff,
            verbosity=verbosity,
            extra_vars=extra_vars,
            inventory=inventory,
            environment=environment,
            arguments=arguments,
        )
        return running.wait()

    def start(
        self,
        playbook: Sequence[Data] | str,
        *,
        check: bool = False,
        diff: bool = False,
        verbosity: int = 0,
        extra_vars: Data | None = None,
        inventory: Data | None = None,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> Running:
        """Start plays, or a playbook by path or name (``vmrops.o365.configure``).

        Args:
            inventory: in YAML inventory form; localhost alone when left out.
            environment: variables on top of the cleaned environment.
            arguments: more arguments for ``ansible-playbook``.
        """
        return Running(
            *self._prepared(playbook, check, diff, verbosity, extra_vars, inventory, environment or {}, arguments)
        )

    def on_terminal(self, playbook: str, extra_vars: Data, environment: Mapping[str, str]) -> pexpect.spawn:
        """Start a playbook on a terminal of its own, with somebody who reads what it says; arguments as for start."""
        command, here, variables = self._prepared(playbook, False, False, 0, extra_vars, None, environment, ())
        return pexpect.spawn(
            command[0], command[1:], cwd=str(here), env=variables, encoding="utf-8", dimensions=(50, 500)
        )

    def _prepared(
        self,
        playbook: Sequence[Data] | str,
        check: bool,
        diff: bool,
        verbosity: int,
        extra_vars: Data | None,
        inventory: Data | None,
        environment: Mapping[str, str],
        arguments: Sequence[str],
    ) -> tuple[list[str], Path, dict[str, str]]:
        """The command, the directory and the environment of a run; the files it takes are there."""
        self._runs += 1
        here = self.directory / f"run-{self._runs}"
        here.mkdir(parents=True)
        if not isinstance(playbook, str):
            (here / "playbook.yml").write_text(yaml.safe_dump(list(playbook), sort_keys=False))
            playbook = str(here / "playbook.yml")
        (here / "inventory.yml").write_text(yaml.safe_dump(inventory or {"all": {"hosts": {"localhost": HOST}}}))
        command = [str(BIN / "ansible-playbook"), playbook, "-i", str(here / "inventory.yml"), *arguments]
        command += ["--check"] * check + ["--diff"] * diff
        if verbosity:
            command.append("-" + "v" * verbosity)
        if extra_vars:
            (here / "extra.json").write_text(json.dumps(extra_vars))
            command += ["-e", f"@{here / 'extra.json'}"]
        return command, here, self._environment(here, environment)

    def _environment(self, here: Path, more: Mapping[str, str]) -> dict[str, str]:
        (here / "ansible.cfg").touch()
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AZURE_", "PYTHON"))
        }
        return {
            **kept,
            "PATH": f"{BIN}{os.pathsep}{kept.get('PATH', os.defpath)}",
            "HOME": str(self.directory),
            "ANSIBLE_CONFIG": str(here / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.directory / ".ansible"),
            "ANSIBLE_LOCAL_TEMP": str(here / "local"),
            "ANSIBLE_REMOTE_TEMP": str(here / "remote"),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "results",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            "RESULTS_FILE": str(here / "results.jsonl"),
            **more,
        }


def _results(path: Path) -> list[Result]:
    return [Result(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
