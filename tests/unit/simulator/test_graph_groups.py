# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Graph's groups: their life, members and owners, what objects are members of, and objects by id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from simulator.store import Document
from unit.simulator.graph_client import Microsoft

BAD = "Request_BadRequest"
EVENTUAL = {"ConsistencyLevel": "eventual"}


@pytest.fixture
def graph(tmp_path: Path) -> Microsoft:
    return Microsoft(tmp_path / "tenant")


def group(graph: Microsoft, name: str = "keepers", **changes: Any) -> Document:
    body = {"displayName": name, "mailNickname": name, "mailEnabled": False, "securityEnabled": True}
    made: Document = graph.ok("POST", "/groups", {**body, **changes})
    return made


def unified(graph: Microsoft, name: str = "team", **changes: Any) -> Document:
    return group(graph, name, mailEnabled=True, securityEnabled=False, groupTypes=["Unified"], **changes)


def user_id(graph: Microsoft, name: str) -> str:
    return str(graph.ok("GET", f"/users/{name}@contoso.com")["id"])


def link(key: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{key}"}


def ids(answer: Document) -> list[str]:
    return [one["id"] for one in answer["value"]]


def test_a_security_group_lives_and_is_gone_for_good(graph: Microsoft) -> None:
    made = group(graph, description="Who books rooms")
    path = f"/groups/{made['id']}"
    assert (made["mail"], made["securityEnabled"], made["groupTypes"]) == (None, True, [])
    assert graph.call("PATCH", path, {"displayName": "Room keepers"}).status_code == 204
    assert graph.ok("GET", f"{path}?$select=displayName")["displayName"] == "Room keepers"
    found = graph.ok("GET", "/groups?$filter=startswith(displayName,'room') and mailEnabled eq false")
    assert ids(found) == [made["id"]]
    found = graph.ok("GET", '/groups?$search="displayName:keepers"', **EVENTUAL)
    assert ids(found) == [made["id"]]
    assert graph.call("DELETE", path).status_code == 204
    graph.refused(404, "Request_ResourceNotFound", "GET", path)
    assert graph.ok("GET", "/directory/deletedItems/microsoft.graph.group")["value"] == []


def test_a_microsoft_365_group_has_an_address_and_comes_back(graph: Microsoft) -> None:
    made = unified(graph)
    assert (made["mail"], made["proxyAddresses"], made["visibility"]) == (
        "team@contoso.com",
        ["SMTP:team@contoso.com"],
        "Public",
    )
    message = graph.refused(400, BAD, "POST", "/groups", {**body_of(made), "displayName": "Other"})
    assert message == "Another object with the same value for property mailNickname already exists."
    graph.ok("DELETE", f"/groups/{made['id']}")
    assert ids(graph.ok("GET", "/directory/deletedItems/microsoft.graph.group")) == [made["id"]]
    graph.refused(404, "Request_ResourceNotFound", "POST", f"/users/{made['id']}/restore", {})
    assert graph.ok("POST", f"/groups/{made['id']}/restore")["@odata.type"] == "#microsoft.graph.group"
    assert graph.ok("GET", f"/groups/{made['id']}")["mail"] == "team@contoso.com"


def body_of(made: Document) -> Document:
    names = ("displayName", "mailNickname", "mailEnabled", "securityEnabled", "groupTypes")
    return {name: made[name] for name in names}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"displayName": None}, "A value is required for property 'displayName' of resource 'Group'."),
        ({"mailNickname": "a b"}, "Invalid value specified for property 'mailNickname' of resource 'Group'."),
        ({"mailEnabled": True}, "The service does not currently support writes of mail-enabled groups."),
        ({"securityEnabled": False}, "The service does not currently support writes of mail-enabled groups."),
        ({"groupTypes": ["Frob"]}, "Invalid value specified for property 'groupTypes' of resource 'Group'."),
        ({"mail": "x@contoso.com"}, "Property 'mail' is read-only and cannot be set."),
        ({"securityEnabled": "yes"}, "Cannot convert a primitive value to the expected type 'Edm.Boolean'."),
        ({"displayNam": "x"}, "Invalid property 'displayNam'."),
    ],
)
def test_groups_that_cannot_be_made(graph: Microsoft, changes: dict[str, Any], message: str) -> None:
    body = {"displayName": "x", "mailNickname": "x", "mailEnabled": False, "securityEnabled": True, **changes}
    assert graph.refused(400, BAD, "POST", "/groups", body).startswith(message)


def test_members_and_owners(graph: Microsoft) -> None:
    alice, bob = user_id(graph, "alice"), user_id(graph, "bob")
    bound = f"https://graph.microsoft.com/v1.0/users/{alice}"
    made = unified(graph, **{"members@odata.bind": [bound], "owners@odata.bind": [bound]})
    path = f"/groups/{made['id']}"
    assert ids(graph.ok("GET", f"{path}/members")) == ids(graph.ok("GET", f"{path}/owners")) == [alice]
    graph.ok("POST", f"{path}/members/$ref", link(bob))
    taken = "One or more added object references already exist for the following modified properties: 'members'."
    assert graph.refused(400, BAD, "POST", f"{path}/members/$ref", link(bob)) == taken
    graph.refused(404, "Request_ResourceNotFound", "POST", f"{path}/members/$ref", link(made["id"][::-1]))
    links = graph.ok("GET", f"{path}/members/$ref")["value"]
    assert [one["@odata.id"].rpartition("/")[2] for one in links] == [alice, bob]
    last = "The group must have at least one owner, hence this owner cannot be removed."
    assert graph.refused(400, BAD, "DELETE", f"{path}/owners/{alice}/$ref") == last
    assert graph.call("DELETE", f"{path}/members/{alice}/$ref").status_code == 204
    assert ids(graph.ok("GET", f"{path}/members")) == [bob]
    assert graph.call("PATCH", path, {"members@odata.bind": [bound]}).status_code == 204
    assert sorted(ids(graph.ok("GET", f"{path}/members"))) == sorted([alice, bob])


def test_membership_through_groups(graph: Microsoft) -> None:
    alice = user_id(graph, "alice")
    inner = group(graph, "inner", **{"members@odata.bind": [f"https://graph.microsoft.com/v1.0/users/{alice}"]})
    outer = group(graph, "outer")
    graph.ok("POST", f"/groups/{outer['id']}/members/$ref", link(inner["id"]))
    assert ids(graph.ok("GET", f"/groups/{outer['id']}/transitiveMembers")) == [inner["id"], alice]
    assert ids(graph.ok("GET", f"/groups/{inner['id']}/memberOf")) == [outer["id"]]
    direct, through = (
        ids(graph.ok("GET", f"/users/{alice}/{name}/microsoft.graph.group"))
        for name in ("memberOf", "transitiveMemberOf")
    )
    assert outer["id"] not in direct
    assert {inner["id"], outer["id"]} <= set(through)
    held = graph.ok("POST", f"/users/{alice}/getMemberGroups", {"securityEnabledOnly": True})["value"]
    assert {inner["id"], outer["id"]} <= set(held)
    named = graph.ok("POST", f"/users/{alice}/checkMemberGroups", {"groupIds": [outer["id"], alice]})["value"]
    assert named == [outer["id"]]


def test_directory_roles_are_memberships_too(graph: Microsoft) -> None:
    admin = graph.administrator("User Administrator")
    [role] = graph.ok("GET", f"/users/{admin['id']}/memberOf")["value"]
    assert (role["@odata.type"], role["displayName"]) == ("#microsoft.graph.directoryRole", "User Administrator")
    [held] = graph.ok("GET", f"/directoryRoles/{role['id']}/members/$ref")["value"]
    assert held["@odata.id"].endswith(admin["id"])


def test_objects_by_their_ids(graph: Microsoft) -> None:
    alice, made = user_id(graph, "alice"), group(graph)
    body = {"ids": [made["id"], alice, "3fa85f64-5717-4562-b3fc-2c963f66afa6"]}
    types = [one["@odata.type"] for one in graph.ok("POST", "/directoryObjects/getByIds", body)["value"]]
    assert types == ["#microsoft.graph.group", "#microsoft.graph.user"]
    assert ids(graph.ok("POST", "/directoryObjects/getByIds", {**body, "types": ["user"]})) == [alice]
    assert graph.ok("GET", f"/directoryObjects/{made['id']}")["@odata.type"] == "#microsoft.graph.group"


def test_a_group_by_unique_name(graph: Microsoft) -> None:
    path = "/groups(uniqueName='keepers')"
    body = {"displayName": "Keepers", "mailNickname": "keepers", "mailEnabled": False, "securityEnabled": True}
    graph.refused(404, "Request_ResourceNotFound", "PATCH", path, body)
    made = graph.call("PATCH", path, body, Prefer="create-if-missing")
    assert (made.status_code, made.json()["uniqueName"]) == (201, "keepers")
    again = graph.call("PATCH", path, {"displayName": "Again"}, Prefer="create-if-missing")
    assert again.status_code == 204
    assert graph.ok("GET", path)["displayName"] == "Again"


def test_permissions_on_groups(graph: Microsoft) -> None:
    made, alice = group(graph), user_id(graph, "alice")
    members = graph.bearer_of("GroupMember.ReadWrite.All")
    graph.ok("POST", f"/groups/{made['id']}/members/$ref", link(alice), bearer=members)
    graph.refused(
        403, "Authorization_RequestDenied", "PATCH", f"/groups/{made['id']}", {"description": "x"}, bearer=members
    )
    reader = graph.bearer_of("Group.Read.All")
    assert ids(graph.ok("GET", f"/groups/{made['id']}/members", bearer=reader)) == [alice]
    graph.refused(403, "Authorization_RequestDenied", "DELETE", f"/groups/{made['id']}", bearer=reader)
