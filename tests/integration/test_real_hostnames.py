# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant under Microsoft's own host names: the collection with no endpoint overridden, as against a real tenant."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._module import AUTH_ARGUMENTS, connect
from ansible_collections.vmrops.o365.plugins.module_utils._services.ews import account
from support import TESTS

HOSTS = {"login.microsoftonline.com", "graph.microsoft.com", "outlook.office365.com"}


@pytest.fixture
def endpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A tenant on port 443 of a loopback address of its own, and a resolver that knows Microsoft's names for it."""
    address = f"127.{os.getpid() % 200 + 10}.{os.getpid() // 200 % 250}.1"
    with socket.socket() as probe:
        try:
            probe.bind((address, 443))
        except PermissionError:
            pytest.skip("needs the right to listen on port 443")
    command = [sys.executable, "-m", "simulator", "serve", "--state", str(tmp_path), "--listen", address]
    seed = tmp_path / "seed.yml"
    seed.write_text("automation: {exchange_roles: [Exchange.ManageAsApp, full_access_as_app]}")
    with subprocess.Popen(
        [*command, "--real-hostnames", "--seed", str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    ) as process:
        assert process.stdout
        assert select.select([process.stdout], [], [], 60)[0]
        assert process.stdout.readline().startswith("ready")
        resolve = socket.getaddrinfo

        def to_loopback(host: Any, *args: Any, **kwargs: Any) -> Any:
            return resolve(address if host in HOSTS else host, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", to_loopback)
        yield json.loads((tmp_path / "endpoints.json").read_text())
        process.terminate()


def test_no_endpoint_needs_to_be_overridden(endpoints: dict[str, str]) -> None:
    assert endpoints["graph_url"] == "https://graph.microsoft.com"
    given = dict.fromkeys(AUTH_ARGUMENTS) | {
        "auth_method": "auto",
        "cloud": "global",
        "timeout": 10,
        "wait_timeout": 20,
    }
    given |= {name: endpoints[name] for name in ("tenant_id", "client_id", "client_secret", "ca_path")}
    connection = connect(given, print)
    assert any(one["id"] == "contoso.com" for one in connection.directory.domains())
    mailbox = connection.mailboxes.mailbox("alice@contoso.com")
    assert mailbox
    address, cloud = mailbox["PrimarySmtpAddress"], connection.cloud
    box = account(address, connection.tokens, cloud.outlook_resource, cloud.outlook_url, endpoints["ca_path"], True)
    assert list(box.calendar.all()) == []
    box.protocol.close()
