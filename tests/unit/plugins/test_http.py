# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP against a real TLS server that misbehaves as told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.vmrops.o365.plugins.module_utils._transport.answer import Response
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import (
    MayHaveHappened,
    ServiceError,
    Unreachable,
)
from ansible_collections.vmrops.o365.plugins.module_utils._transport.http import Http, Request
from ansible_collections.vmrops.o365.plugins.module_utils._transport.session import make_session
from support.simulator import Simulator

PATH = "/v1.0/domains"


def send(tenant: Simulator, method: str = "GET", repeatable: bool = True, seconds: float = 20.0) -> Response:
    http = Http(tenant.endpoints["ca_path"], 5, Deadline(seconds))
    return http.send(
        Request(method, tenant.endpoints["graph_url"] + PATH, "try", {}, None, repeatable), lambda renew: "x.y.z"
    )


def statuses(tenant: Simulator) -> list[int]:
    return [one.status for one in tenant.wire() if one.path == PATH]


Start = Callable[..., Simulator]


def fault(**more: Any) -> list[dict[str, Any]]:
    return [{"match": {"service": "graph", "path": "/domains$"}, **more}]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_read_is_sent_again_after_a_transient_status(simulator: Start, status: int) -> None:
    tenant = simulator(faults=fault(do="respond", status=status, times=2))
    assert send(tenant).status == 401
    assert statuses(tenant)[:2] == [status, status]


def test_retry_after_is_obeyed_also_when_fractional(simulator: Start) -> None:
    tenant = simulator(faults=fault(do="respond", status=429, headers={"Retry-After": "1.5"}))
    start = time.monotonic()
    send(tenant)
    assert time.monotonic() - start >= 1.5


def test_a_longer_retry_after_than_the_deadline_fails_at_once_and_says_so(simulator: Start) -> None:
    tenant = simulator(faults=fault(do="respond", status=429, headers={"Retry-After": "600"}, times=0))
    with pytest.raises(Unreachable, match="wait_timeout"):
        send(tenant, seconds=5)
    assert statuses(tenant) == [429]


def test_a_throttled_write_was_not_carried_out_and_is_sent_again(simulator: Start) -> None:
    tenant = simulator(faults=fault(do="respond", status=429, headers={"Retry-After": "0.1"}))
    assert send(tenant, "POST", repeatable=False).status == 401
    assert statuses(tenant)[0] == 429


@pytest.mark.parametrize("how", [{"do": "respond", "status": 503}, {"do": "drop"}, {"do": "drop", "when": "after"}])
def test_a_write_that_may_have_happened_is_not_repeated(simulator: Start, how: dict[str, Any]) -> None:
    tenant = simulator(faults=fault(**how))
    with pytest.raises(MayHaveHappened, match="run again"):
        send(tenant, "POST", repeatable=False)
    assert len(statuses(tenant)) == 1


def test_a_broken_connection_is_tried_again_for_a_read(simulator: Start) -> None:
    tenant = simulator(faults=fault(do="drop", times=2))
    assert send(tenant).status == 401


def test_an_answer_that_does_not_come_ends_with_the_timeout(simulator: Start) -> None:
    tenant = simulator(faults=fault(do="stall", seconds=30, times=0))
    http = Http(tenant.endpoints["ca_path"], 0.5, Deadline(2))
    with pytest.raises(Unreachable):
        http.send(Request("GET", tenant.endpoints["graph_url"] + PATH, "try"), lambda renew: "x.y.z")


def test_nobody_listening_is_unreachable_and_nothing_was_written() -> None:
    http = Http(None, 2, Deadline(1))
    with pytest.raises(Unreachable, match="Check the network"):
        http.send(Request("POST", "https://127.0.0.1:9/", "try", repeatable=False), lambda renew: "x")


def test_a_handshake_that_the_other_side_leaves_is_told_as_what_it_is() -> None:
    def leave(server: socket.socket) -> None:
        with suppress(OSError):  # the test is over
            while True:
                connection, _address = server.accept()
                connection.recv(65536)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=leave, args=[server], daemon=True).start()
        http = Http(None, 2, Deadline(0.5))
        with pytest.raises(Unreachable, match=r"EOF occurred.*Check the network"):
            http.send(Request("GET", f"https://127.0.0.1:{server.getsockname()[1]}/", "try"), lambda renew: "x")


def test_credentials_do_not_follow_a_redirect_to_another_host(simulator: Start) -> None:
    tenant = simulator(faults=fault(do="respond", status=302, headers={"Location": "https://evil.example/x"}, times=0))
    with pytest.raises(ServiceError, match=r"evil\.example.*not sent to another host"):
        send(tenant)


def test_a_redirect_within_the_service_is_followed_with_the_token(simulator: Start) -> None:
    tenant = simulator(faults=fault(do="respond", status=302, headers={"Location": "/v1.0/organization"}))
    send(tenant)
    followed = next(one for one in tenant.wire() if one.path == "/v1.0/organization")
    assert "authorization" in followed.request_headers


def test_ca_path_wins_over_the_environment(tenant: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    assert send(tenant).status == 401
    http = Http(None, 5, Deadline(5))
    with pytest.raises(ServiceError, match=r"TLS.*ca_path"):
        http.send(Request("GET", tenant.endpoints["graph_url"] + PATH, "try"), lambda renew: "x.y.z")


def test_an_expired_token_is_renewed_once(tenant: Simulator) -> None:
    asked: list[bool] = []

    def token(renew: bool) -> str:
        asked.append(renew)
        return "x.y.z"

    http = Http(tenant.endpoints["ca_path"], 5, Deadline(5))
    response = http.send(Request("GET", tenant.endpoints["graph_url"] + PATH, "try"), token)
    assert response.status == 401
    assert asked.count(True) == 1


def test_the_proxy_of_a_host_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []
    settings = requests.Session.merge_environment_settings

    def noted(session: requests.Session, url: Any, *given: Any) -> Any:
        looked_up.append(url)
        return settings(session, url, *given)

    monkeypatch.setattr(requests.Session, "merge_environment_settings", noted)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.contoso.com:3128")
    monkeypatch.setenv("NO_PROXY", "login.contoso.com")
    session = make_session(None, 5)
    for _again in range(2):
        proxies = [
            session.merge_environment_settings(f"https://{host}{path}", {}, None, None, None)["proxies"].get("https")
            for host in ("graph.contoso.com", "login.contoso.com", "graph.contoso.com:8443")
            for path in ("/a", "/b")
        ]
        assert proxies == [*["http://proxy.contoso.com:3128"] * 2, None, None, *["http://proxy.contoso.com:3128"] * 2]
    assert [url.removeprefix("https://") for url in looked_up] == [
        "graph.contoso.com/a",
        "login.contoso.com/a",
        "graph.contoso.com:8443/a",
    ]
