# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a tenant: the collection's playbooks in the order of a set-up's life, and its end whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.ansible import Ansible, Run

from .recorder import Recorder

HOST = "tenant"
# What stands between the set-up and its proof may take its time: Exchange tells running applications of a new role late.
PAUSE = 15
STAGES = ("preflight", "configure", "proof", "audit", "rotation", "teardown")
AUDIT, ROTATE = "vmrops.o365.audit", "vmrops.o365.rotate_secret"
Play = dict[str, Any]


@dataclass(frozen=True)
class People:
    """Who is there already, and stays as it is.

    Args:
        domain: where the equipment's address is.
        group: a mail-enabled group, for the scope; empty where all is only undone.
        in_scope: a direct member of it, with a mailbox.
        out_of_scope: somebody with a mailbox who is no member.
    """

    domain: str
    group: str
    in_scope: str
    out_of_scope: str


@dataclass(frozen=True)
class Ended:
    """How a stage ended. ``problem`` is why it failed, empty when it did not."""

    stage: str
    problem: str


def variables(run: str, people: People, secrets_file: Path) -> dict[str, Any]:
    """The role's variables, under names that nothing else in a tenant has.

    Args:
        run: what tells these names from those of every other run; lower-case letters and digits.
    """
    name = f"VMR live {run}"
    scope = {
        "vmr_scheduling_scope": {"group": people.group},
        "vmr_scheduling_verify": {"in_scope": people.in_scope, "out_of_scope": people.out_of_scope},
        "vmr_scheduling_delegates": [{"delegate": people.in_scope, "automapping": False}],
    }
    return {
        **(scope if people.group else {}),
        "vmr_scheduling_access": "app_permissions",
        "vmr_scheduling_equipment_name": name,
        "vmr_scheduling_equipment_alias": f"vmr-live-{run}",
        "vmr_scheduling_equipment_display_name": name,
        "vmr_scheduling_equipment_address": f"vmr-live-{run}@{people.domain}",
        "vmr_scheduling_impersonation_name": name,
        "vmr_scheduling_app_unique_name": f"vmr-live-{run}",
        "vmr_scheduling_app_display_name": name,
        "vmr_scheduling_app_secret_lifetime": 7,
        "vmr_scheduling_app_secret_renew_before": 1,
        "vmr_scheduling_secrets_file": str(secrets_file),
        "vmr_scheduling_rotate_now": True,
        # Nobody uses the former secret: as though the new one had been entered on a Management Node at once.
        "vmr_scheduling_rotate_entered": "{{ vmr_scheduling_secrets.client_secret_key_id | default('') }}",
        "vmr_scheduling_rotate_overlap": 0,
        "vmr_scheduling_purge": True,
    }


class Life:
    """A set-up on one tenant.

    Args:
        recorder: what it goes through.
        environment: how to sign in, as the modules' environment variables.
        directory: where Ansible and the secrets file are meanwhile; only for its owner, and gone afterwards.
        wish: the role's variables.
        people: whose mailboxes the proof looks into.
        patience: seconds that the proof may take to come about.
        tell: is told when a stage begins, and how it ended.
    """

    def __init__(
        self,
        recorder: Recorder,
        environment: Mapping[str, str],
        directory: Path,
        wish: Mapping[str, Any],
        people: People,
        patience: int,
        tell: Callable[[str, Ended | None], None],
    ) -> None:
        self.recorder, self.people, self.patience, self.tell = recorder, people, patience, tell
        self._environment = environment
        reports = {"vmr_scheduling_report_directory": str(directory / "reports")}
        self._wish = {**wish, **reports, "vmr_scheduling_proof_timeout": patience}
        self._ansible = Ansible(directory)
        self.ended: list[Ended] = []
        self.left_behind = False

    def live(self, stages: Collection[str] = STAGES) -> None:
        """Those stages. Once something may have been written it is undone at the end, also when a stage failed or was stopped.

        Raises KeyboardInterrupt when it was stopped; ``left_behind`` says whether the end failed too.
        """
        if not self._stage("preflight", self._preflight()) or "configure" not in stages:
            return
        self.left_behind = True  # until it is known to be gone
        try:
            if self._stage("configure", "vmrops.o365.configure"):
                for stage, playbook in (("proof", self._proof()), ("audit", AUDIT), ("rotation", ROTATE)):
                    if stage in stages:
                        self._stage(stage, playbook)
        finally:
            self.undo()

    def undo(self) -> None:
        """The last stage alone."""
        self.left_behind = not self._stage("teardown", "vmrops.o365.teardown")

    def _stage(self, stage: str, playbook: str | list[Play]) -> bool:
        self.recorder.begin(stage)
        self.tell(stage, None)
        problem = "stopped"
        try:
            run = self._ansible.run(
                playbook,
                extra_vars=self._wish,
                inventory={"o365_tenants": {"hosts": {HOST: None}}},
                environment={**self._environment, **self.recorder.environment},
            )
            problem = _problem(run)
        finally:
            self.ended.append(Ended(stage, problem))
            self.tell(stage, self.ended[-1])
        return not problem

    def _preflight(self) -> list[Play]:
        """What stands in the way. The role looks again before it writes, and refuses by itself."""
        names = ("access", "equipment_address", "app_unique_name")
        options = {name: f"{{{{ vmr_scheduling_{name} }}}}" for name in names}
        return _play("Preflight", [{"name": "Look at the tenant", "vmrops.o365.o365_tenant_info": options}])

    def _proof(self) -> list[Play]:
        """The registered app by itself opens a mailbox in scope, and none out of it; on a day long ago, nobody's business."""
        secret = "{{ (lookup('ansible.builtin.file', vmr_scheduling_secrets_file) | from_yaml).client_secret }}"
        who = {"auth_method": "client_secret", "client_id": "{{ app.application.app_id }}", "client_secret": secret}
        look = {"backend": "ews", "start": "2000-01-01", "end": "2000-01-02", **who}
        names = {
            "unique_name": "{{ vmr_scheduling_app_unique_name }}",
            "display_name": "{{ vmr_scheduling_app_display_name }}",
        }
        tasks: list[Play] = [
            {
                "name": "Look up the app",
                "vmrops.o365.o365_oauth_app": names,
                "check_mode": True,
                "register": "app",
            },
            {
                "name": "A mailbox in scope is open",
                "vmrops.o365.o365_calendar_info": {"mailbox": self.people.in_scope, **look},
                "register": "opened",
                "until": "opened is success",
                "retries": max(self.patience // PAUSE, 1),
                "delay": PAUSE,
            },
            {
                "name": "A mailbox out of scope is not",
                "vmrops.o365.o365_calendar_info": {"mailbox": self.people.out_of_scope, **look},
                "register": "closed",
                "failed_when": "closed is success",
            },
        ]
        return _play("Proof", tasks)


def _play(name: str, tasks: list[Play]) -> list[Play]:
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"name": name, "hosts": HOST, "connection": "local", "gather_facts": False, "vars": interpreter}
    return [{**play, "tasks": tasks}]


def _problem(run: Run) -> str:
    if run.rc == 0:
        return ""
    failed = [one for one in run.results if one.status in ("failed", "unreachable")]
    return f"{failed[-1].task}: {failed[-1].msg}" if failed else f"ansible-playbook ended with {run.rc}"
