# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of two sides beside each other, and what is said of how they differ."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live.calls import Call, exchanges
from live.cleaner import Cleaner
from live.compare import Side, differences, pairs
from live.shapes import Unlike, unlike

JSON = {"content-type": "application/json"}


def get(path: str, status: int, body: Any, stage: str = "configure", **headers: str) -> Call:
    names = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Call(stage, 0.0, "graph", "GET", f"/v1.0/{path}", {}, b"", status, names, json.dumps(body).encode())


def side(*calls: Call, domain: str = "fabrikam.com") -> Side:
    said = [one for call in calls for one in exchanges(call)]
    cleaner = Cleaner("0a1b2c3d", (domain,), {})
    cleaner.learn(said)
    cleaner.allow({"v1.0", "users", "groups", "domains", "x", "a"}, said)
    return Side(said, cleaner)


def told(ours: Side, theirs: Side) -> list[tuple[str, str, str, str]]:
    return [(one.kind, one.where, one.tenant, one.simulator) for one in differences(pairs(ours, theirs), ours, theirs)]


def test_data_makes_no_difference() -> None:
    ours = side(get("users/ann@fabrikam.com", 200, {"displayName": "Ann", "accountEnabled": True, "list": [1, 2]}))
    theirs = side(get("users/bob@contoso.com", 200, {"displayName": "Bob", "accountEnabled": False, "list": []}))
    assert told(ours, theirs) == []


def test_what_got_the_same_outcome_stands_beside_each_other() -> None:
    missing = {"error": {"code": "NotFound", "message": "x"}}
    ours = side(
        get("users/a", 404, missing),
        get("users/a", 404, missing),
        get("users/a", 200, {"id": "x"}),
        get("groups", 200, {}),
    )
    theirs = side(get("users/a", 200, {"id": "x"}), get("domains", 200, {}), get("groups", 200, {}))
    found = pairs(ours, theirs)
    assert [
        (one.operation, one.tenant and one.tenant.status, one.simulator and one.simulator.status) for one in found
    ] == [
        ("GET /v1.0/users/a", 404, None),
        ("GET /v1.0/users/a", 404, None),
        ("GET /v1.0/users/a", 200, 200),
        ("GET /v1.0/domains", None, 200),
        ("GET /v1.0/groups", 200, 200),
    ]
    listed = differences(found, ours, theirs)
    assert [(one.kind, one.tenant, one.simulator, one.pairs) for one in listed] == [
        ("only", "asked: 404 NotFound", "", [1, 2]),
        ("only", "", "asked: 200", [4]),
    ]


def test_stages_are_not_mixed() -> None:
    ours, theirs = side(get("users", 200, {}, "audit")), side(get("users", 200, {}, "teardown"))
    assert [(one.stage, one.simulator is None) for one in pairs(ours, theirs)] == [("audit", True), ("teardown", False)]


def test_status_headers_and_words_of_errors() -> None:
    text = "Resource '{}' does not exist in {}."
    ours = side(
        get("x", 404, {"error": {"code": "Missing", "message": text.format("Ann", "fabrikam.com")}}, retry_after="3")
    )
    theirs = side(
        get("x", 400, {"error": {"code": "Gone", "message": text.format("Bob", "contoso.com")}}), domain="contoso.com"
    )
    assert told(ours, theirs) == [
        ("status", "", "404", "400"),
        ("header", "retry-after", "there", "not there"),
        ("error", "error.code", "Missing", "Gone"),
    ]
    theirs = side(get("x", 404, {"error": {"code": "Missing", "message": "No 'x'."}}, retry_after="9"))
    assert told(ours, theirs) == [
        ("error", "error.message", "Resource '<text>' does not exist in <domain>.", "No 'x'.")
    ]


def test_items_of_a_batch_are_compared_one_by_one() -> None:
    def batch(status: int) -> Call:
        command = {"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": {"Identity": "x"}}}
        sent = {"requests": [{"id": key, "method": "POST", "url": "/InvokeCommand", "body": command} for key in "ab"]}
        answers = [{"id": "b", "status": status, "body": {}}, {"id": "a", "status": 200, "body": {}}]
        bodies = [json.dumps(one).encode() for one in (sent, {"responses": answers})]
        return Call("audit", 0.0, "outlook", "POST", "/adminapi/beta/t/$batch", JSON, bodies[0], 200, JSON, bodies[1])

    ours, theirs = side(batch(200)), side(batch(404))
    [found] = differences(pairs(ours, theirs), ours, theirs)
    assert (found.kind, found.operation, found.pairs) == ("status", "Get-Mailbox (Identity)", [2])


def test_soap_is_told_by_its_operation_and_compared_by_its_elements() -> None:
    def soap(inner: str) -> Call:
        envelope = '<s:Envelope xmlns:s="x"><s:Body><m:{} xmlns:m="y">{}</m:{}></s:Body></s:Envelope>'
        sent = envelope.format("GetFolder", "<m:Id/>", "GetFolder").encode()
        body = envelope.format("GetFolderResponse", inner, "GetFolderResponse").encode()
        kind = {"content-type": "text/xml; charset=utf-8"}
        return Call("proof", 0.0, "outlook", "POST", "/EWS/Exchange.asmx", kind, sent, 200, kind, body)

    ours = side(soap('<m:Folder Id="1"><m:Count>3</m:Count></m:Folder><m:Folder Id="2"/>'))
    theirs = side(soap('<m:Folder Id="7"><m:Count>many</m:Count><m:New/></m:Folder><m:Folder Id="8"/>'))
    where = "Body.GetFolderResponse.Folder[]"
    assert told(ours, theirs) == [
        ("form", f"{where}.Count", "number as text", "text"),
        ("member", f"{where}.New", "not there", "there"),
    ]
    assert pairs(ours, theirs)[0].operation == "EWS GetFolder"


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ({"a": [{"b": 1}, {"c": 1}]}, {"a": [{"b": 2, "c": 2}]}, []),
        ({"a": "False"}, {"a": False}, [Unlike("type", "a", "text", "boolean")]),
        ({"a": ["x"]}, {"a": "x"}, [Unlike("type", "a", "list", "text")]),
        ({"a": None}, {"a": {"b": 1}}, [Unlike("null", "a", "null", "object")]),
        ({"a": [{"b": 1}]}, {"a": [{}]}, [Unlike("member", "a[].b", "there", "not there")]),
        (
            {"a": "2026-11-26T15:09:40Z"},
            {"a": "2026-11-26T15:09:40.1234567+00:00"},
            [Unlike("form", "a", "time as 9999-99-99T99:99:99Z", "time as 9999-99-99T99:99:99.9+99:99")],
        ),
        (
            {"a": "8c1f0d4e-6a0b-4b1e-9f55-2f6f3a1d7c20"},
            {"a": "VMR"},
            [Unlike("form", "a", "GUID", "text")],
        ),
        ({"a": [{"hint": "123"}]}, {"a": [{"hint": "1b~"}]}, []),
        ({"hint": "123"}, {"hint": 123}, [Unlike("type", "hint", "text", "number")]),
    ],
)
def test_the_make_of_an_answer(ours: Any, theirs: Any, found: list[Unlike]) -> None:
    assert list(unlike("", [ours], [theirs])) == found
    assert list(unlike("", [ours], [ours])) == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.from_regex(r"[\w.@'<>:/-]{1,40}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(ANYTHING, ANYTHING, ANYTHING)
def test_whatever_is_answered_can_be_cleaned_and_compared(sent: Any, ours: Any, theirs: Any) -> None:
    """The transcript of a long run is not lost to an answer that nobody expected."""
    answer = {"id": "1", "status": ours, "headers": theirs, "body": theirs}
    calls = [
        Call("audit", 0.0, "graph", "POST", "/v1.0/$batch", JSON, json.dumps(request).encode(), 200, JSON, body)
        for request in (sent, {"requests": [{"id": "1", "body": sent}]})
        for body in (json.dumps(one).encode() for one in (ours, theirs, {"responses": ours}, {"responses": [answer]}))
    ]
    first, second = side(*calls), side(*calls[::-1])
    differences(pairs(first, second), first, second)
    for one in first.exchanges:
        json.dumps(first.cleaner.value([one.request, one.response, dict(one.query)]))
