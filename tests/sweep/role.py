# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role, both ways, by real ansible-playbook, with a secrets file."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml
from support import TESTS
from support.ansible import Ansible, Running
from support.company import ACCOUNT, wish
from support.simulator import Simulator

from .calls import Ended
from .snapshot import documents, secret_texts

_CRASH = re.compile(r"Traceback|MODULE FAILURE|Unexpected failure")
_RUNS = itertools.count(1)


@dataclass(frozen=True)
class Role:
    """The role as one company runs it; a subject of the sweep. Undone, it is undone for good."""

    access: str
    state: str
    seed: dict[str, object] = field(default_factory=lambda: {"impersonation_role": True})
    quick: bool = False

    @property
    def name(self) -> str:
        return f"role ({self.access}) {self.state}"

    def start(self, tenant: Simulator, directory: Path, state: str, clock: float = 0.0) -> Played:
        """Start one playbook; the secrets file stands in the directory."""
        variables = {
            **wish(tenant, self.access, _secrets_file(directory)),
            "vmr_scheduling_state": state,
            "vmr_scheduling_purge": True,
            "vmr_scheduling_deleted": "purge",
        }
        environment = {"PYTHONPATH": str(TESTS / "sweep" / "clock"), "SWEEP_CLOCK": str(clock)} if clock else {}
        ansible = Ansible(directory / f"ansible-{next(_RUNS)}")
        return Played(ansible.start_role(variables, environment=environment))

    def problems(self, tenant: Simulator, directory: Path) -> Iterator[str]:
        """The secrets file: whole, private, alone in its place, and what is in it signs in."""
        file = _secrets_file(directory)
        yield from (f"left in the directory of secrets: {one.name}" for one in file.parent.iterdir() if one != file)
        if self.state == "absent":
            if file.exists():
                yield "the secrets file is still there"
            return
        if not file.exists():
            yield "there is no secrets file"
            return
        if file.stat().st_mode & 0o777 != 0o600:
            yield "others may read the secrets file"
        kept: dict[str, Any] = yaml.safe_load(file.read_text())
        if secret_texts(tenant.state) != [kept.get("client_secret")]:
            yield "the secrets file does not hold the one secret there should be"
        else:
            yield from self._signs_in(tenant, kept)

    def _signs_in(self, tenant: Simulator, kept: dict[str, Any]) -> Iterator[str]:
        [app] = [one for one in documents(tenant.state, "application") if one["displayName"] != "Automation"]
        form = {"client_id": app["appId"], "client_secret": kept["client_secret"]}
        form |= {"scope": "https://outlook.office365.com/.default", "grant_type": "client_credentials"}
        forms = {"client secret": form}
        if self.access == "service_account":
            account = {
                "grant_type": "password",
                "username": ACCOUNT,
                "password": kept.get("service_account_password", ""),
            }
            forms["password"] = {**form, **account}
        for what, content in forms.items():
            url = f"{tenant.endpoints['login_url']}/{tenant.endpoints['tenant_id']}/oauth2/v2.0/token"
            answer = requests.post(url, data=content, verify=tenant.endpoints["ca_path"], timeout=10)
            if answer.status_code != 200:
                yield f"the {what} in the secrets file does not sign in: {answer.json().get('error_description')}"


class Played:
    """A run of ansible-playbook."""

    def __init__(self, running: Running) -> None:
        self._running = running

    @property
    def running(self) -> bool:
        return self._running.running

    def finish(self) -> Ended:
        """Wait for its end."""
        run = self._running.wait()
        message = run.results[-1].msg if run.results and run.rc else run.stderr[-1000:]
        return Ended(run.rc == 0, bool(run.changed), message, not _CRASH.search(run.output))

    def kill(self) -> None:
        """End it as a power cut would."""
        self._running.kill()

    def interrupt(self) -> Ended:
        """Ctrl-C, which has to leave no temporary file, and be said."""
        run = self._running.interrupt()
        temporary = (self._running.directory / name for name in ("local", "remote"))
        left = [str(file) for directory in temporary for file in directory.rglob("*") if file.is_file()]
        said = "User interrupted execution" in run.output and not _CRASH.search(run.output)
        return Ended(run.rc == 0, bool(run.changed), f"{run.output}\nleft behind: {left}", said and not left)


def _secrets_file(directory: Path) -> Path:
    (directory / "secrets").mkdir(mode=0o700, exist_ok=True)
    return directory / "secrets" / "contoso.yml"


ROLES = [Role(access, state) for access in ("app_permissions", "service_account") for state in ("present", "absent")]
