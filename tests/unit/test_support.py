# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests' own tools: what counts as a write decides what the no-write tests prove."""

from __future__ import annotations

from typing import Any

import pytest
from support.ansible import Ansible
from support.at_work import free_ports
from support.exchange import ExchangeAdministrator
from support.simulator import Request, Simulator


def request_of(service: str, method: str, path: str, body: Any = None) -> Request:
    return Request("", 0.0, service, method, path, "", {}, body, 200, {}, None)


def cmdlet(name: str) -> dict[str, Any]:
    return {"CmdletInput": {"CmdletName": name, "Parameters": {}}}


def soap(operation: str) -> str:
    return f'<s:Envelope xmlns:s="x"><s:Header/><s:Body><m:{operation} xmlns:m="y"/></s:Body></s:Envelope>'


@pytest.mark.parametrize(
    ("sent", "operations", "is_write"),
    [
        (request_of("login", "POST", "/t/oauth2/v2.0/token", {}), ["POST /t/oauth2/v2.0/token"], False),
        (request_of("graph", "GET", "/v1.0/users"), ["GET /v1.0/users"], False),
        (request_of("graph", "PATCH", "/v1.0/users/x", {}), ["PATCH /v1.0/users/x"], True),
        (request_of("graph", "POST", "/v1.0/directoryObjects/getByIds", {}), None, False),
        (request_of("graph", "POST", "/v1.0/applications/x/addPassword", {}), None, True),
        (
            request_of("graph", "POST", "/v1.0/$batch", {"requests": [{"method": "GET", "url": "/a"}]}),
            ["GET /a"],
            False,
        ),
        (
            request_of(
                "graph",
                "POST",
                "/v1.0/$batch",
                {"requests": [{"method": "GET", "url": "/a"}, {"method": "DELETE", "url": "/b"}]},
            ),
            ["GET /a", "DELETE /b"],
            True,
        ),
        (
            request_of("outlook", "POST", "/adminapi/beta/t/InvokeCommand", cmdlet("Get-Mailbox")),
            ["Get-Mailbox"],
            False,
        ),
        (request_of("outlook", "POST", "/adminapi/beta/t/InvokeCommand", cmdlet("New-Mailbox")), ["New-Mailbox"], True),
        (
            request_of(
                "outlook",
                "POST",
                "/adminapi/beta/t/$batch",
                {"requests": [{"body": cmdlet("Get-Mailbox")}, {"body": cmdlet("Set-Mailbox")}]},
            ),
            ["Get-Mailbox", "Set-Mailbox"],
            True,
        ),
        (request_of("outlook", "POST", "/EWS/Exchange.asmx", soap("FindItem")), ["FindItem"], False),
        (request_of("outlook", "POST", "/EWS/Exchange.asmx", soap("CreateItem")), ["CreateItem"], True),
    ],
    ids=lambda value: f"{value.service} {value.method} {value.path}" if isinstance(value, Request) else None,
)
def test_what_counts_as_a_write(sent: Request, operations: list[str] | None, is_write: bool) -> None:
    assert sent.is_write is is_write
    if operations:
        assert sent.operations == operations


def test_a_playbook_hands_back_what_its_tasks_returned(ansible: Ansible) -> None:
    run = ansible.tasks(
        [
            {"name": "Say", "ansible.builtin.debug": {"msg": "hello"}},
            {"name": "Fail", "ansible.builtin.fail": {"msg": "on purpose"}},
        ],
        check=True,
        diff=True,
    )
    assert run["Say"].msg == "hello"
    assert run.failure().msg == "on purpose"
    assert [one.status for one in run.results] == ["ok", "failed"]


def test_what_a_cmdlet_does_not_take_fails_the_test_that_sent_it(tenant: Simulator) -> None:
    administrator = ExchangeAdministrator(tenant)
    assert administrator.run("Get-Mailbox", Identity="alice")
    with pytest.raises(AssertionError, match=r"Invalid cmdlet parameters specified\. Colour"):
        administrator.run("Set-Mailbox", Identity="alice", Colour="red")
    with pytest.raises(AssertionError, match=r"do not allow this:\nExchange: Set-Mailbox: .* Colour"):
        tenant.stop()
    tenant.breaches.unlink()  # this one was meant


def test_ports_that_were_given_are_not_given_again() -> None:
    """While nothing listens there, as between a tenant's end and its next start."""
    first, second = free_ports(), free_ports()
    assert not set(range(first, first + 4)) & set(range(second, second + 4))
