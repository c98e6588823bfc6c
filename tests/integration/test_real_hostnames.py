# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant under Microsoft's own host names: the collection with no endpoint overridden, as against a real tenant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._services.ews import account
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, connect
from support.real_names import real_names


@pytest.fixture
def endpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    seed = {"automation": {"exchange_roles": ["Exchange.ManageAsApp", "full_access_as_app"]}}
    with real_names(tmp_path, monkeypatch, seed) as found:
        yield found


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
    box = account(address, connection.tokens, cloud.outlook_resource, cloud.outlook_url, endpoints["ca_path"], 10, True)
    assert list(box.calendar.all()) == []
    box.protocol.close()
