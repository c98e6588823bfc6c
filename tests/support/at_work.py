# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A company whose scheduling works, and the playbooks that change it meanwhile."""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .ansible import Ansible, Run, Running
from .company import EQUIPMENT, wish
from .graph import Administrator, sign_in
from .mailboxes import invite, mailbox, response
from .node import NodeAdministrator
from .simulator import Simulator

Data = dict[str, Any]

APP = "pexip-vmr-scheduling"
TOKEN = "TOK:-0123456789abcdef#"
_DAYS = itertools.count(7)


class Company:
    """A company at work, with its Management Node, and a playbook as its administrator runs it.

    Args:
        file: the secrets file.
        access: the way of access that it was set up with.
    """

    playbook = ""

    def __init__(self, tenant: Simulator, ansible: Ansible, file: Path, access: str = "app_permissions") -> None:
        self.tenant, self.ansible, self.file, self.access = tenant, ansible, file, access
        self.more: Data = {}
        self.ansible.role(self.variables()).ok()
        self.app_id: str = self.directory().application(APP)["appId"]

    def variables(self) -> Data:
        """Where services are changes with each start of the tenant."""
        return {
            **wish(self.tenant, self.access, self.file),
            "vmr_scheduling_preflight": False,
            "vmr_scheduling_manage_connector": True,
            "vmr_scheduling_node": self.tenant.node(),
            "vmr_scheduling_connector_settings": {"addin_server_domain": "join.contoso.com"},
            "vmr_scheduling_hosts": "all",
            "vmr_scheduling_proof_timeout": 10,
            "vmr_scheduling_node_watch": 6,
            **self.more,
        }

    @property
    def node(self) -> NodeAdministrator:
        return NodeAdministrator(self.tenant)

    def directory(self) -> Administrator:
        return Administrator(self.tenant)

    def run(self, more: Data | None = None, **options: Any) -> Run:
        return self.ansible.run(self.playbook, extra_vars={**self.variables(), **(more or {})}, **options)

    def start(self, more: Data | None = None) -> Running:
        return self.ansible.start(self.playbook, extra_vars={**self.variables(), **(more or {})})

    def secrets(self) -> Data:
        """The secrets file."""
        assert self.file.stat().st_mode & 0o777 == 0o600
        content: Data = yaml.safe_load(self.file.read_text())
        return content

    def keys(self) -> list[str]:
        """The key ids of the app's secrets."""
        return [one["keyId"] for one in self.directory().application(APP)["passwordCredentials"]]

    def signs_in(self, secret: str) -> bool:
        return "access_token" in sign_in(self.tenant, self.app_id, secret)

    def failures(self) -> list[Data]:
        """What went wrong on the node."""
        return [one for one in self.node.all("scheduling_operation") if not one["success"]]

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """The scheduler polls through what is done within, and no poll fails."""
        before, polls = len(self.failures()), self.polls()
        yield
        until = time.monotonic() + 20
        while self.polls() < polls + 2 and time.monotonic() < until:
            time.sleep(0.2)
        assert self.polls() > polls, "the scheduler does not poll"
        assert self.failures()[before:] == []

    def polls(self) -> int:
        """How often the scheduler looked into the equipment's mailbox."""
        return sum("FindItem" in one.operations for one in self.tenant.wire())

    def answers(self) -> None:
        """A meeting of now is answered."""
        meeting = invite(
            mailbox(self.tenant, "alice@contoso.com"), f"Planning {time.time()}", EQUIPMENT, TOKEN, next(_DAYS)
        )
        reports = self.tenant.poll()
        assert not [one["error"] for one in reports if one["error"]]
        assert response(meeting) == "Accept"


_HELD: list[socket.socket] = []


def free_ports() -> int:
    """The first of four ports in a row that nobody listens at; the same ones after each start.

    They are this process's to its end, also while nothing listens there: whoever else asks here finds the first of them
    taken, as a port of UDP.
    """
    for base in range(21000, 29000, 7):
        held = socket.socket(type=socket.SOCK_DGRAM)
        with contextlib.ExitStack() as stack:
            try:
                held.bind(("127.0.0.1", base))
                for port in range(base, base + 4):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                held.close()
                continue
            _HELD.append(held)
            return base
    raise AssertionError("no free ports")
