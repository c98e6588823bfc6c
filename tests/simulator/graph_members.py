# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object is a member of: groups, administrative units and directory roles; and objects of any type by id."""

from __future__ import annotations

from collections.abc import Callable

from .graph_call import Answer, Call, bad_request, not_found, operation
from .graph_lists import mixed
from .graph_objects import any_object, find, live, objects
from .graph_odata import KINDS, Pair, single, typed, wants_metadata
from .graph_roles import roles_of
from .graph_types import check_body
from .store import Document

_SETS = {"users": "user", "servicePrincipals": "servicePrincipal", "groups": "group"}
MOST_IDS = 1000


def _groups_with(call: Call, member: str) -> list[Document]:
    return call.lists.where("group", lambda one: live(one) is not None and member in one["_members"])


def _group_ids(call: Call, member: str) -> list[str]:
    """The ids of the groups of an object, through groups in groups, nearest first."""
    found: list[str] = []
    pending = [member]
    while pending:
        new = [one["id"] for one in _groups_with(call, pending.pop(0)) if one["id"] not in found]
        found += new
        pending += new
    return found


def _holders(call: Call, document: Document, groups: list[str]) -> list[Pair]:
    units = call.lists.where("administrativeUnit", lambda one: document["id"] in one["_members"])
    roles = roles_of(call, document["id"])
    return [*objects(call, [*groups, *(one["id"] for one in units)]), *((KINDS["directoryRole"], one) for one in roles)]


def _member_of(call: Call, document: Document) -> list[Pair]:
    return _holders(call, document, [one["id"] for one in _groups_with(call, document["id"])])


def _direct(kind: str) -> Callable[[Call, str], Answer]:
    return lambda call, key: mixed(call, _member_of(call, find(call, kind, key)))


def _transitive(kind: str) -> Callable[[Call, str], Answer]:
    def listing(call: Call, key: str) -> Answer:
        document = find(call, kind, key)
        return mixed(call, _holders(call, document, _group_ids(call, document["id"])))

    return listing


for _set, _kind in _SETS.items():
    operation(f"GET /{_set}/{{{_kind}-id}}/memberOf")(_direct(_kind))
    operation(f"GET /{_set}/{{{_kind}-id}}/transitiveMemberOf")(_transitive(_kind))
    KINDS[_kind].expand["memberOf"] = _member_of


def _strings(call: Call, ids: list[str]) -> Answer:
    context = {"@odata.context": f"{call.base}/$metadata#Collection(Edm.String)"} if wants_metadata(call) else {}
    return Answer(200, {**context, "value": ids})


@operation("POST /users/{user-id}/getMemberGroups")
def get_member_groups(call: Call, key: str) -> Answer:
    """The ids of a user's groups; only security-enabled ones where that is asked for."""
    body = check_body("POST /users/{user-id}/getMemberGroups", call.body)
    ids = _group_ids(call, find(call, "user", key)["id"])
    if body.get("securityEnabledOnly"):
        secure = {one["id"] for one in call.lists.where("group", lambda one: bool(one["securityEnabled"]))}
        ids = [one for one in ids if one in secure]
    return _strings(call, ids)


@operation("POST /users/{user-id}/checkMemberGroups")
def check_member_groups(call: Call, key: str) -> Answer:
    """Which of these groups a user is in."""
    body = check_body("POST /users/{user-id}/checkMemberGroups", call.body)
    held = _group_ids(call, find(call, "user", key)["id"])
    return _strings(call, [one for one in body.get("groupIds") or [] if one in held])


@operation("GET /directoryObjects/{directoryObject-id}")
def get_directory_object(call: Call, key: str) -> Answer:
    """A user, group, application, service principal or administrative unit by its id."""
    found = any_object(call, key)
    if found is None:
        raise not_found(key)
    kind, document = KINDS[found[0]], found[1]
    answer = single(call, kind, document, context="directoryObjects/$entity")
    mark = {"@odata.type": f"#{kind.full_type}"} if wants_metadata(call) else {}
    return Answer(200, {**mark, **answer.body})


@operation("POST /directoryObjects/getByIds")
def get_by_ids(call: Call) -> Answer:
    """Objects of any type, or of the named types, by their ids; those that are not there are left out."""
    body = check_body("POST /directoryObjects/getByIds", call.body)
    ids, types = body.get("ids") or [], {one.lower() for one in body.get("types") or ["directoryObject"]}
    if len(ids) > MOST_IDS:
        raise bad_request(f"Number of included identifiers cannot exceed '{MOST_IDS}'.")  # unverified wording
    found = [(kind, one) for kind, one in objects(call, ids) if {kind.type_name.lower(), "directoryobject"} & types]
    value = [typed(call, kind, one, []) for kind, one in found]
    context = {"@odata.context": f"{call.base}/$metadata#directoryObjects"} if wants_metadata(call) else {}
    return Answer(200, {**context, "value": value})
