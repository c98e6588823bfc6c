# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests as clients in the field send them: versions, types in paths, annotations, options, methods, pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulator.graph_call import OPERATIONS
from simulator.graph_types import response
from simulator.seed import DIRECTORY_ROLES
from unit.simulator.graph_client import Microsoft

EVENTUAL = {"ConsistencyLevel": "eventual"}
ALICE = "/users/alice@contoso.com"
# Lists that come whole (recorded response for the first three; Microsoft docs for conditional access).
WHOLE = {"/subscribedSkus", "/directoryRoles", "/directoryRoleTemplates", "/identity/conditionalAccess/policies"}


@pytest.fixture
def graph(tmp_path: Path) -> Microsoft:
    return Microsoft(tmp_path / "tenant")


def test_beta_is_the_same_tenant_and_shows_everything(graph: Microsoft) -> None:
    headers = {"Authorization": f"Bearer {graph.bearer}"}
    answer = graph.service.get(f"/beta{ALICE}", headers=headers).json()
    assert answer["@odata.context"] == "https://localhost:1001/beta/$metadata#users/$entity"
    assert answer["mailNickname"] == "alice"
    assert "mailNickname" not in graph.ok("GET", ALICE)
    page = graph.service.get("/beta//users?$top=1", headers=headers).json()
    assert page["@odata.nextLink"].startswith("https://localhost:1001/beta/users?")


@pytest.mark.parametrize(
    ("accept", "level"),
    [
        ("application/json", "minimal"),
        ("application/json;odata.metadata=minimal", "minimal"),
        ("application/json; odata=nometadata", "none"),
        ("application/json;odata.metadata=none", "none"),
        ("application/json;odata.metadata=full", "full"),
    ],
)
def test_annotations_are_those_that_are_asked_for(graph: Microsoft, accept: str, level: str) -> None:
    answer = graph.call("GET", f"{ALICE}?$select=id,displayName,businessPhones,createdDateTime", Accept=accept)
    assert f"odata.metadata={level};" in answer.headers["Content-Type"]
    noted = {name for name in answer.json() if "@odata." in name}
    assert (
        noted
        == {
            "none": set(),
            "minimal": {"@odata.context"},
            "full": {
                "@odata.context",
                "@odata.type",
                "@odata.id",
                "@odata.editLink",
                "businessPhones@odata.type",
                "createdDateTime@odata.type",
            },
        }[level]
    )
    assert {
        name for name in graph.ok("GET", f"{ALICE}/memberOf", Accept=accept)["value"][0] if name == "@odata.type"
    } == (set() if level == "none" else {"@odata.type"})


def test_types_in_paths(graph: Microsoft) -> None:
    groups = graph.ok("GET", f"{ALICE}/memberOf/microsoft.graph.group?$select=displayName,mailEnabled")["value"]
    assert {one["displayName"] for one in groups} == {"VMR scheduling users", "Entra only"}
    assert set(groups[0]) == {"displayName", "mailEnabled"}
    [unit] = graph.ok("GET", f"{ALICE}/memberOf/microsoft.graph.administrativeUnit")["value"]
    assert unit["displayName"] == "Oslo"
    assert graph.call("GET", f"{ALICE}/memberOf/microsoft.graph.group/$count", **EVENTUAL).text == "2"
    assert graph.call("GET", f"{ALICE}/memberOf/$count", **EVENTUAL).text == "3"
    graph.refused(400, "BadRequest", "GET", f"{ALICE}/memberOf/microsoft.graph.frob")
    graph.refused(400, "BadRequest", "GET", f"{ALICE}/$count", **EVENTUAL)
    key = graph.ok("GET", ALICE)["id"]
    graph.ok("DELETE", ALICE)
    restored = graph.ok("POST", f"/directory/deletedItems/microsoft.graph.user/{key}/microsoft.graph.restore")
    assert (restored["id"], restored["@odata.type"]) == (key, "#microsoft.graph.user")


def test_expand_has_options_and_a_limit(graph: Microsoft) -> None:
    user = graph.ok("GET", f"{ALICE}?$select=displayName&$expand=memberOf($select=id,displayName)")
    assert {frozenset(one) for one in user["memberOf"]} == {frozenset({"@odata.type", "id", "displayName"})}
    for number in range(22):
        graph.ok("POST", "/groups", group(f"g{number}", **{"members@odata.bind": [link(graph, ALICE)]}))
    assert len(graph.ok("GET", f"{ALICE}?$expand=memberOf")["memberOf"]) == 20
    listed = graph.ok("GET", "/groups?$expand=members($select=id)&$select=displayName")["value"]
    assert {"displayName", "members"} == set(listed[0])
    graph.refused(400, "BadRequest", "GET", f"{ALICE}?$expand=memberOf($select=frob)")


def group(name: str, **more: object) -> dict[str, object]:
    return {"displayName": name, "mailNickname": name, "mailEnabled": False, "securityEnabled": True, **more}


def link(graph: Microsoft, path: str) -> str:
    return f"https://graph.microsoft.com/v1.0/directoryObjects/{graph.ok('GET', path)['id']}"


def test_options_that_the_directory_refuses(graph: Microsoft) -> None:
    text = graph.refused(400, "Request_BadRequest", "GET", "/users?$skip=1")
    assert text == "'$skip' is not supported by the service."
    graph.refused(400, "BadRequest", "GET", "/users?$frob=1")
    graph.refused(400, "BadRequest", "GET", "/users?$orderby=frob")
    graph.refused(400, "Request_UnsupportedQuery", "GET", "/users?$filter=contains(displayName,'a')")
    graph.refused(400, "Directory_ExpiredPageToken", "GET", "/users?$skiptoken=nonsense")
    assert graph.ok("GET", "/users?top=1&custom=1")["value"]


def test_head_and_options(graph: Microsoft) -> None:
    headers = {"Authorization": f"Bearer {graph.bearer}"}
    assert graph.service.head(f"/v1.0{ALICE}", headers=headers).status_code == 200
    assert graph.service.head("/v1.0/users/nobody", headers=headers).status_code == 404
    assert graph.service.head(f"/v1.0{ALICE}").status_code == 401
    answer = graph.service.options(f"/v1.0{ALICE}")
    assert (answer.status_code, answer.headers["Allow"]) == (200, "GET,PATCH,DELETE,HEAD,OPTIONS")
    preflight = {
        "Origin": "https://portal.contoso.com",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = graph.service.options(f"/v1.0{ALICE}", headers=preflight)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization"
    assert (
        graph.service.get(f"/v1.0{ALICE}", headers={**headers, **preflight}).headers["Access-Control-Allow-Origin"]
        == "*"
    )


def test_actions_ignore_what_they_have_no_parameter_for(graph: Microsoft) -> None:
    application = graph.ok("POST", "/applications", {"displayName": "App"})
    made = graph.ok("POST", f"/applications/{application['id']}/addPassword", {"displayName": "first"})
    assert made["displayName"] is None


def lists() -> list[str]:
    """Every list by its path, the keys of users and others left in."""
    found = []
    for name in OPERATIONS:
        method, _rest, path = name.partition(" ")
        schema = response(name) or {}
        collection = str(schema.get("$ref", schema.get("$response", ""))).endswith("CollectionResponse")
        if method == "GET" and collection and not path.endswith("$ref") and path.count("{") < 2:
            found.append(path)
    return sorted(set(found) - {"/directory/deletedItems"})


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Microsoft, dict[str, str]]:
    """A tenant, and an object's key by its name in paths."""
    graph = Microsoft(tmp_path_factory.mktemp("lists") / "tenant")
    graph.ok("POST", "/directoryRoles", {"roleTemplateId": DIRECTORY_ROLES["Directory Readers"]})
    found = {"user-id": "alice@contoso.com"}
    sets = ("groups", "applications", "servicePrincipals", "directoryRoles", "directory/administrativeUnits")
    for name in sets:
        found[f"{name.rpartition('/')[2].removesuffix('s')}-id"] = graph.ok("GET", f"/{name}")["value"][0]["id"]
    return graph, found


@pytest.mark.parametrize("path", lists())
def test_every_list_pages_or_says_that_it_does_not(keys: tuple[Microsoft, dict[str, str]], path: str) -> None:
    """Page sizes are honoured, links lead on, and nothing is lost or doubled on the way."""
    graph, kinds = keys
    filled = path.format(**kinds)
    if path in WHOLE:
        graph.refused(400, "Request_UnsupportedQuery", "GET", f"{filled}?$top=1")
        return
    query = "startDateTime=2026-12-01&endDateTime=2026-12-02&" if "calendarView" in path else ""
    total = int(graph.call("GET", f"{filled}/$count?{query}", **EVENTUAL).text)
    pages, url = 0, f"{filled}?{query}$top=1"
    while url and pages < 12:
        page = graph.ok("GET", url)
        pages += 1
        assert len(page["value"]) == min(total, 1)
        url = page.get("@odata.nextLink", "").partition("/v1.0")[2]
    assert pages == max(min(total, 12), 1)
    assert bool(url) == (total > 12)
