# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of Graph's answers against the published description: that wrong ones do not pass, in a test or outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from simulator import graph as service
from simulator.graph_call import OPERATIONS, Answer
from simulator.graph_contract import error_breaches
from simulator.graph_types import response
from starlette.testclient import TestClient
from support.simulator import Simulator
from unit.simulator.graph_client import URLS, Microsoft

ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
CONTEXT = {"@odata.context": "https://localhost:1001/v1.0/$metadata#users"}
ALICE = "/users/alice@contoso.com"


@pytest.fixture
def graph(tmp_path: Path) -> Microsoft:
    return Microsoft(tmp_path / "tenant")


@pytest.mark.parametrize(
    ("operation", "path", "answer", "breach"),
    [
        ("GET /users/{user-id}", ALICE, Answer(200, {"id": ID}), "@odata.context is missing"),
        ("GET /users/{user-id}", ALICE, Answer(200, {**CONTEXT, "nmae": "x"}), "body has nmae, which is not described"),
        ("GET /users/{user-id}", ALICE, Answer(200, {**CONTEXT, "displayName": 7}), "body.displayName is 7"),
        ("GET /users/{user-id}", ALICE, Answer(200, {**CONTEXT, "createdDateTime": "today"}), "no date-time"),
        ("GET /users/{user-id}", ALICE, Answer(200, {**CONTEXT, "businessPhones": None}), "not of type array"),
        ("GET /users/{user-id}", ALICE, Answer(201, CONTEXT), "not the status of an answer with a body"),
        (
            "GET /users/{user-id}",
            f"{ALICE}?$select=id",
            Answer(200, {**CONTEXT, "id": ID, "mail": None}),
            "mail was not selected",
        ),
        (
            "GET /users/{user-id}",
            ALICE,
            Answer(200, {**CONTEXT, "assignedLicenses": [{"skuId": "x", "disabledPlans": []}]}),
            "body.assignedLicenses[0].skuId is 'x', no uuid",
        ),
        ("GET /users", "/users", Answer(200, {**CONTEXT, "values": []}), "body has values, which is not described"),
        (
            "GET /users/{user-id}/memberOf",
            f"{ALICE}/memberOf",
            Answer(200, {**CONTEXT, "value": [{"id": ID}]}),
            "body.value[0] does not say of which type it is",
        ),
        (
            "GET /users/{user-id}/memberOf",
            f"{ALICE}/memberOf",
            Answer(200, {**CONTEXT, "value": [{"@odata.type": "#microsoft.graph.domain", "id": "x"}]}),
            "which is no microsoft.graph.directoryObject",
        ),
        (
            "GET /users/{user-id}/mailboxSettings",
            f"{ALICE}/mailboxSettings",
            Answer(200, {**CONTEXT, "userPurpose": "User"}),
            "body.userPurpose is 'User', none of",
        ),
        ("DELETE /users/{user-id}", ALICE, Answer(200, {}), "nothing to answer"),
        ("GET /users", "/users/$count", Answer(200, {**CONTEXT, "value": []}), "a count is a number as text"),
    ],
)
def test_a_wrong_answer_fails_the_test_that_gets_it(
    graph: Microsoft, monkeypatch: pytest.MonkeyPatch, operation: str, path: str, answer: Answer, breach: str
) -> None:
    monkeypatch.setitem(OPERATIONS, operation, lambda *_rest: answer)
    with pytest.raises(AssertionError) as raised:
        graph.call(operation.partition(" ")[0], path)
    assert breach in str(raised.value)


def test_errors_are_checked_too() -> None:
    good: dict[str, Any] = {"code": "x", "message": "y", "innerError": {"date": "z"}}
    assert error_breaches(Answer(400, {"error": good})) == []
    assert error_breaches(Answer(400, {"error": {**good, "details": [{"code": "x"}]}}))
    assert error_breaches(Answer(400, {"error": {"code": "x"}}))
    assert error_breaches(Answer(400, {"errors": good}))
    assert error_breaches(Answer(200, {"error": good}))


def test_every_operation_is_described() -> None:
    without_answer = {name for name in OPERATIONS if response(name) is None}
    silent = ("DELETE ", "POST /users/{user-id}/calendar", "POST /users/{user-id}/events")
    endings = ("/$ref", "/removePassword", "/removeKey")
    assert [one for one in without_answer if not one.startswith(silent) and not one.endswith(endings)] == []


def test_a_simulator_that_answers_wrongly_fails_when_it_ends(tmp_path: Path) -> None:
    simulator = Simulator(tmp_path / "tenant")
    simulator.start()
    simulator.breaches.write_text("GET /users -> 200: body has nmae, which is not described\n")
    with pytest.raises(AssertionError, match="do not allow this:\nGET /users"):
        simulator.stop()
    assert not simulator.running


def test_a_served_graph_tells_breaches_and_answers_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, told = Microsoft(tmp_path / "tenant"), list[str]()
    monkeypatch.setitem(OPERATIONS, "GET /users", lambda _call: Answer(200, {"value": []}))
    graph.service = TestClient(service.application(graph.tenant, URLS, told.append), base_url=URLS["graph"])
    assert graph.ok("GET", "/users") == {"value": []}
    assert told == ["GET /users -> 200: @odata.context is missing"]
