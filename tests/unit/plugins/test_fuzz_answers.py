# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real answers, changed in one place or more: every module plans from them, or says in its own words why it does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Plan, Refused
from ansible_collections.vmrops.o365.plugins.module_utils._reconcile import Run
from ansible_collections.vmrops.o365.plugins.module_utils._services import exchange, graph
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, Connection, connect
from ansible_collections.vmrops.o365.plugins.module_utils._transport.answer import Response
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import ServiceError
from ansible_collections.vmrops.o365.plugins.module_utils._transport.http import Request, TokenProvider
from hypothesis import given
from hypothesis import strategies as st
from support.fuzz import JUNK, MISSING, examples, places, replaced
from support.simulator import Simulator
from sweep.modules import MODULES

Make = Callable[[], Any]


@dataclass
class Replay:
    """Stands where Http stands: passes requests on and keeps the answers, or gives the kept ones again, changed."""

    live: Any = None
    kept: dict[str, Response] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)

    def send(self, request: Request, token: TokenProvider) -> Response:
        key = f"{request.method} {request.url} {json.dumps(request.body, sort_keys=True)}"
        if self.live:
            self.kept[key] = self.live.send(request, token)
            return self.kept[key]
        if key in self.changed:
            return Response(200, {}, json.dumps(self.changed[key]).encode())
        missing = {"error": {"code": "NotFound", "message": "ManagementObjectNotFoundException"}}
        return self.kept.get(key, Response(404, {}, json.dumps(missing).encode()))


@dataclass(frozen=True)
class Recorded:
    """A module's reads of a tenant."""

    name: str
    make: Make
    connection: Connection
    kept: dict[str, Response]


def plan(resource: Any, connection: Connection) -> Plan:
    """What a module does in check mode, and what it returns."""
    state = resource.read(connection, {})
    made: Plan = resource.plan(state)
    run: Run[Any] = Run(resource, connection, {"graph": connection.graph, "exchange": connection.exchange},
                        connection.deadline, plan=made)  # fmt: skip
    json.dumps([run.steps(), made.diff(), resource.result(state, {})])
    return made


def subjects(app_id: str) -> Iterator[tuple[str, Callable[[dict[str, Any]], Any], dict[str, Any]]]:
    for module in MODULES:
        options = {"check_mode": False, **module.options, "state": module.state}
        if "conflict" in options:
            options |= {"name": options["method"], "app_id": app_id}
        yield module.name, module.make, options


NAMES = [name for name, _make, _options in subjects("")]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Recorded]]:
    """The reads of every module, on a tenant where nothing is there yet and on one where everything is."""
    directory: Path = tmp_path_factory.mktemp("fuzz")
    found: dict[str, list[Recorded]] = {name: [] for name in NAMES}
    with Simulator(directory / "tenant", seed={"impersonation_role": True}) as tenant:
        auth = {**dict.fromkeys(AUTH_ARGUMENTS), "auth_method": "auto", "cloud": "global", **tenant.auth()}

        def connected() -> Connection:
            return connect({**auth, "timeout": 10, "wait_timeout": 30}, print)

        def record() -> None:
            for name, make, options in subjects(tenant.endpoints["client_id"]):
                connection = connected()
                replay = Replay(connection.graph._http)
                connection.graph._http = connection.exchange._http = replay  # type: ignore[assignment]
                plan(make(options), connection)
                replay.live = None
                found[name].append(
                    Recorded(name, lambda make=make, options=options: make(options), connection, replay.kept)
                )  # type: ignore[misc]

        record()
        for _name, make, options in subjects(tenant.endpoints["client_id"]):
            if options["state"] == "present":
                connection = connected()
                Run(make(options), connection, connection.clients, connection.deadline).reconcile()
        record()
    return found


@pytest.mark.parametrize("name", NAMES)
@examples(50)
@given(data=st.data())
def test_a_changed_answer_is_planned_from_or_refused(
    recorded: dict[str, list[Recorded]], name: str, data: st.DataObject
) -> None:
    one = recorded[name][data.draw(st.integers(0, 1))]
    replay: Any = one.connection.graph._http
    replay.changed = {}
    for key in data.draw(st.lists(st.sampled_from(sorted(one.kept)), min_size=1, max_size=3, unique=True)):
        document = one.kept[key].json()
        way = data.draw(st.sampled_from(places(document)))
        replay.changed[key] = replaced(document, way, data.draw(JUNK | st.just(MISSING)))
    with suppress(Refused, ServiceError):
        plan(one.make(), one.connection)


RESPONSES = st.builds(
    Response,
    st.sampled_from([400, 401, 403, 404, 409, 429, 500]),
    st.dictionaries(st.sampled_from(["request-id", "x-ms-diagnostics", "retry-after"]), st.text(max_size=20)),
    st.one_of(
        st.binary(max_size=100),
        st.recursive(
            JUNK,
            lambda inner: st.dictionaries(
                st.sampled_from(["error", "code", "message", "details", "innererror", "internalexception", "value"]), inner
            )
            | st.lists(inner, max_size=3),
        ).map(lambda document: json.dumps(document).encode()),
        st.fixed_dictionaries({"error": st.fixed_dictionaries(
            {}, optional={"code": JUNK, "message": JUNK, "details": JUNK | st.lists(JUNK), "innererror": JUNK}
        )}).map(lambda document: json.dumps(document).encode()),
    ),
)  # fmt: skip


@examples(100)
@given(response=RESPONSES)
def test_every_refusal_is_an_error_that_can_be_printed(response: Response) -> None:
    for error in (one._error("read", response, lambda: "Ask.") for one in (graph, exchange)):
        text = str(error)
        assert text.startswith("Could not read")
        assert len(text) < 3000
        assert text.isprintable() or not text.isascii()
        assert "\n" not in text
