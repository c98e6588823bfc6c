# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups: read them, and change the members of those that Graph may change."""

from __future__ import annotations

from .graph_applications import linked_object, referenced
from .graph_call import NO_CONTENT, Answer, Call, bad_request, not_found, operation
from .graph_objects import find, live, objects, to_change
from .graph_odata import KINDS, collection, counted, single
from .graph_types import check_body
from .store import Document

_GROUP = KINDS["group"]


def _groups(call: Call) -> list[Document]:
    return call.lists.where("group", lambda one: live(one) is not None)


@operation("GET /groups")
def list_groups(call: Call) -> Answer:
    """The groups."""
    return collection(call, _GROUP, _groups(call))


@operation("GET /groups/$count")
def count_groups(call: Call) -> Answer:
    """How many pass the filter."""
    return counted(call, _groups(call), _GROUP)


@operation("GET /groups/{group-id}")
def get_group(call: Call, key: str) -> Answer:
    """One group."""
    return single(call, _GROUP, find(call, "group", key))


@operation("GET /groups/{group-id}/members")
def list_members(call: Call, key: str) -> Answer:
    """The direct members of a group."""
    group = find(call, "group", key)
    seen = call.lists.get("group", group["id"]) or {"_members": []}
    documents, kinds = objects(call, seen["_members"])
    return collection(call, KINDS["directoryObject"], documents, "directoryObjects", kinds)


def _to_change(call: Call, key: str) -> Document:
    group = to_change(call, "group", key)
    if group["mailEnabled"] and "Unified" not in group["groupTypes"]:
        # Text from public reports: these groups are Exchange's.
        raise bad_request("Cannot Update a mail-enabled security groups and or distribution list.")
    return group


@operation("POST /groups/{group-id}/members/$ref")
def add_member(call: Call, key: str) -> Answer:
    """One more member."""
    group = _to_change(call, key)
    member = linked_object(call, referenced(call.body))["id"]
    if member in group["_members"]:
        raise bad_request(
            "One or more added object references already exist for the following modified properties: 'members'."
        )
    call.tenant.store.update("group", group["id"], _members=[*group["_members"], member])
    return NO_CONTENT


@operation("DELETE /groups/{group-id}/members/{directoryObject-id}/$ref")
def remove_member(call: Call, key: str, member: str) -> Answer:
    """One member less."""
    group = _to_change(call, key)
    if member not in group["_members"]:
        raise not_found(member)
    call.tenant.store.update("group", group["id"], _members=[one for one in group["_members"] if one != member])
    return NO_CONTENT


def _groups_of(call: Call, key: str) -> list[str]:
    """The ids of a user's groups, through groups in groups."""
    found: list[str] = []
    pending = [find(call, "user", key)["id"]]
    while pending:
        member = pending.pop()
        new = [one["id"] for one in _groups(call) if member in one["_members"] and one["id"] not in found]
        found += new
        pending += new
    return found


def _strings(call: Call, ids: list[str]) -> Answer:
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#Collection(Edm.String)", "value": ids})


@operation("POST /users/{user-id}/getMemberGroups")
def get_member_groups(call: Call, key: str) -> Answer:
    """The ids of a user's groups; only security-enabled ones where that is asked for."""
    body = check_body("POST /users/{user-id}/getMemberGroups", call.body)
    ids = _groups_of(call, key)
    if body.get("securityEnabledOnly"):
        ids = [one["id"] for one in _groups(call) if one["id"] in ids and one["securityEnabled"]]
    return _strings(call, ids)


@operation("POST /users/{user-id}/checkMemberGroups")
def check_member_groups(call: Call, key: str) -> Answer:
    """Which of these groups a user is in."""
    body = check_body("POST /users/{user-id}/checkMemberGroups", call.body)
    held = _groups_of(call, key)
    return _strings(call, [one for one in body.get("groupIds") or [] if one in held])
