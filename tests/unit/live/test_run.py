# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorder, and that what was made is removed whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from live.recorder import Recorder
from live.stages import STAGES, Life, People, variables
from support.simulator import Simulator

PEOPLE = People("contoso.com", "vmr-users@contoso.com", "alice@contoso.com", "carol@contoso.com")


@pytest.fixture
def tenant(simulator: Callable[..., Simulator]) -> Simulator:
    """One that gives cookies where it is asked to."""
    cookie = {"match": {"path": "biscuit"}, "do": "respond", "status": 200, "headers": {"Set-Cookie": "a=b; Path=/"}}
    return simulator(faults=[cookie])


@pytest.fixture
def recorder(tenant: Simulator, tmp_path: Path) -> Iterator[Recorder]:
    """In front of a simulated tenant, whose Graph is known to it, and the sign-in service of which is not."""
    services = {"graph": tenant.endpoints["graph_url"], "outlook": "https://127.0.0.1:1"}
    with Recorder(services, tmp_path, tenant.endpoints["ca_path"]) as made:
        yield made


def through(recorder: Recorder, url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = "Bearer nothing"
        return session.get(url, proxies={"https": recorder.url}, verify=str(recorder.ca_path), timeout=30)


def test_what_goes_through_is_taken_down_as_it_was(recorder: Recorder, tenant: Simulator) -> None:
    recorder.begin("audit")
    url = f"{tenant.endpoints['graph_url']}/v1.0/users?$filter=displayName%20eq%20'O''Brien'"
    answer = through(recorder, url)
    direct = requests.get(
        url, headers={"Authorization": "Bearer nothing"}, verify=tenant.endpoints["ca_path"], timeout=30
    )
    assert answer.status_code == direct.status_code == 401
    [call] = recorder.calls
    assert (call.stage, call.service, call.method, call.status) == ("audit", "graph", "GET", 401)
    assert call.target == "/v1.0/users?$filter=displayName%20eq%20'O''Brien'"
    assert call.request_headers["authorization"] == "Bearer nothing"
    assert call.response == answer.content
    varying = {"date", "request-id", "client-request-id", "x-ms-ags-diagnostic"}
    assert {name.lower() for name in answer.headers} - varying == {name.lower() for name in direct.headers} - varying
    assert tenant.wire()[0].query == "$filter=displayName eq 'O''Brien'"


def test_clients_share_nothing_on_the_way(recorder: Recorder, tenant: Simulator) -> None:
    """One client's cookie is not sent for another, which a service would notice."""
    assert "a=b" in through(recorder, f"{tenant.endpoints['graph_url']}/v1.0/biscuit").headers["Set-Cookie"]
    for _again in range(3):
        through(recorder, f"{tenant.endpoints['graph_url']}/v1.0/users")
    assert [name for request in tenant.wire() for name in request.request_headers if name.lower() == "cookie"] == []


def test_the_proxy_of_the_environment_is_used(
    recorder: Recorder, tenant: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The company's, which inspects TLS, and for which another recorder stands in."""
    session = recorder._session

    def direct() -> requests.Session:
        made = session()
        made.trust_env = False  # the environment is the inner one's
        return made

    monkeypatch.setattr(recorder, "_session", direct)
    (tmp_path / "inner").mkdir()
    services = {"graph": tenant.endpoints["graph_url"]}
    with Recorder(services, tmp_path / "inner", str(recorder.ca_path)) as inner:
        monkeypatch.setenv("HTTPS_PROXY", recorder.url)
        monkeypatch.setenv("NO_PROXY", "")
        assert through(inner, f"{tenant.endpoints['graph_url']}/v1.0/users").status_code == 401
    assert [(call.service, call.target, call.status) for call in inner.calls] == [("graph", "/v1.0/users", 401)]
    assert len(recorder.calls) == len(tenant.wire()) == 1


def test_it_leads_nowhere_else(recorder: Recorder, tenant: Simulator) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        through(recorder, f"{tenant.endpoints['login_url']}/common/.well-known/openid-configuration")
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(
            tenant.endpoints["graph_url"],
            proxies={"https": recorder.url},
            verify=tenant.endpoints["ca_path"],
            timeout=30,
        )
    elsewhere = requests.Request("GET", tenant.endpoints["graph_url"], headers={"Host": "other.example"}).prepare()
    with requests.Session() as session:
        answer = session.send(elsewhere, proxies={"https": recorder.url}, verify=str(recorder.ca_path), timeout=30)
    assert answer.status_code == 421
    assert (recorder.calls, tenant.wire()) == ([], [])
    # Where nobody answers, that is said.
    answer = through(recorder, "https://127.0.0.1:1/EWS/Exchange.asmx")
    assert answer.status_code == 502
    assert "refused" in answer.text
    [call] = recorder.calls
    assert (call.service, call.status, call.response) == ("outlook", 0, b"")
    assert "refused" in call.failure


@pytest.mark.parametrize("at", ["configure", "proof", "audit", "rotation"])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_stopped_it_is_undone(
    at: str, stop: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life, begun = a_life(tmp_path), list[str]()

    def stage(name: str, _playbook: Any) -> bool:
        begun.append(name)
        if name == at:
            raise stop
        return True

    monkeypatch.setattr(life, "_stage", stage)
    with pytest.raises(stop):
        life.live()
    assert begun == [*STAGES[: STAGES.index(at) + 1], "teardown"]
    assert not life.left_behind


@pytest.mark.parametrize(
    ("fail", "stages", "left"),
    [
        ("preflight", ["preflight"], False),
        ("configure", ["preflight", "configure", "teardown"], False),
        ("proof", list(STAGES), False),
        ("teardown", list(STAGES), True),
    ],
)
def test_failed_it_is_undone(
    fail: str, stages: list[str], left: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life, begun = a_life(tmp_path), list[str]()

    def stage(name: str, _playbook: Any) -> bool:
        begun.append(name)
        return name != fail

    monkeypatch.setattr(life, "_stage", stage)
    life.live()
    assert (begun, life.left_behind) == (stages, left)


def test_an_end_that_is_stopped_too_says_that_something_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = a_life(tmp_path)

    def stage(name: str, _playbook: Any) -> bool:
        if name == "teardown":
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(life, "_stage", stage)
    with pytest.raises(KeyboardInterrupt):
        life.live()
    assert life.left_behind


def a_life(directory: Path) -> Life:
    """One whose stages are to be replaced."""
    wish = variables("0a1b2c3d", PEOPLE, directory / "secrets.yml")
    return Life(Recorder({}, directory, None), {}, directory, wish, PEOPLE, 15, lambda *_told: None)
