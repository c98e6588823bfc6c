# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups: security groups and Microsoft 365 groups, made and changed here; mail-enabled others are Exchange's."""

from __future__ import annotations

from typing import Any

from .graph_applications import linked_object
from .graph_call import NO_CONTENT, Answer, Call, bad_request, not_found, operation, taken
from .graph_lists import collection, mixed
from .graph_objects import find, live, objects, to_change
from .graph_odata import KINDS, is_named, links, single
from .graph_types import check_body
from .seed import group_document
from .store import Document
from .tenant import graph_time, new_id

GROUP = KINDS["group"]
MOST_BOUND = 20  # members and owners in one request (Microsoft docs: group-post-groups, group-post-members)
_REQUIRED = ("displayName", "mailEnabled", "mailNickname", "securityEnabled")
_READ_ONLY = frozenset(
    [
        "id",
        "mail",
        "proxyAddresses",
        "createdDateTime",
        "deletedDateTime",
        "renewedDateTime",
        "expirationDateTime",
        "securityIdentifier",
        "onPremisesSyncEnabled",
        "onPremisesSecurityIdentifier",
        "assignedLicenses",
        "hasMembersWithLicenseErrors",
        "uniqueName",
    ]
)


def is_unified(group: Document) -> bool:
    """Whether it is a Microsoft 365 group."""
    return "Unified" in group["groupTypes"]


@operation("GET /groups")
def list_groups(call: Call) -> Answer:
    """The groups that are not deleted."""
    return collection(call, GROUP, call.lists.where("group", lambda one: live(one) is not None))


@operation("GET /groups/{group-id}")
def get_group(call: Call, key: str) -> Answer:
    """One group, by id or uniqueName."""
    return single(call, GROUP, find(call, "group", key))


@operation("POST /groups")
def create_group(call: Call) -> Answer:
    """A new security group or Microsoft 365 group."""
    return single(call, GROUP, _create(call, check_body("POST /groups", call.body), None), 201)


def _create(call: Call, body: Document, unique_name: str | None) -> Document:
    for name in _REQUIRED:
        if body.get(name) in (None, ""):
            # Unverified wording.
            raise bad_request(f"A value is required for property '{name}' of resource 'Group'.")
    _check_values(body)
    types = body.get("groupTypes") or []
    if "Unified" not in types and (body["mailEnabled"] or not body["securityEnabled"]):
        # Text from public reports.
        text = "The service does not currently support writes of mail-enabled groups. Please ensure that the "
        raise bad_request(text + "mail-enablement property is unset and the security-enablement property is set.")
    if "Unified" in types:
        _check_nickname(call, body["mailNickname"], "")
    members, owners = _bound(call, body, "members"), _bound(call, body, "owners")
    if not owners and not call.principal.app_only:
        owners = [call.principal.user_id]  # Microsoft docs: group-post-groups
    mail = f"{body['mailNickname']}@{_default_domain(call)}" if "Unified" in types else None
    group = group_document(new_id(), body["displayName"], body["mailNickname"], mail, call.tenant.domain)
    group |= {"uniqueName": unique_name, "_members": members, "_owners": owners}
    if mail:
        group |= {"visibility": "Public", "proxyAddresses": [f"SMTP:{mail}"], "renewedDateTime": graph_time()}
    return call.tenant.store.put("group", group["id"], {**group, **_plain(body)})


@operation("PATCH /groups/{group-id}")
def update_group(call: Call, key: str) -> Answer:
    """Change some properties, add members, or make the group (uniqueName with ``Prefer: create-if-missing``)."""
    body = check_body("PATCH /groups/{group-id}", call.body)
    if is_named(key, "uniqueName") and call.prefers("create-if-missing") is not None:
        named = [one for one in call.fresh.all("group") if str(one.get("uniqueName") or "").lower() == key.lower()]
        if not named:
            return single(call, GROUP, _create(call, body, str(key)), 201)
    group = to_change(call, "group", key)
    if set(_plain(body)) or body.get("members@odata.bind"):
        _must_be_ours(group)
    _check_values(body)
    if is_unified(group) and "mailNickname" in body:
        _check_nickname(call, body["mailNickname"], group["id"])
    added = _bound(call, body, "members")
    for member in added:
        _not_there_yet(group, "members", member)
    call.tenant.store.update("group", group["id"], **_plain(body), _members=[*group["_members"], *added])
    return NO_CONTENT


@operation("DELETE /groups/{group-id}")
def delete_group(call: Call, key: str) -> Answer:
    """Microsoft 365 groups go to the recycle bin, others are gone for good (Microsoft docs: group-delete)."""
    group = to_change(call, "group", key)
    _must_be_ours(group)
    if is_unified(group):
        call.tenant.store.update("group", group["id"], deletedDateTime=graph_time())
    else:
        call.tenant.store.remove("group", group["id"])
    return NO_CONTENT


def _check_values(body: Document) -> None:
    for name in _READ_ONLY & set(body):
        raise bad_request(f"Property '{name}' is read-only and cannot be set.")  # unverified wording
    for name in ("displayName", "mailNickname"):
        if name in body and not body[name]:
            raise bad_request(f"Invalid value specified for property '{name}' of resource 'Group'.")
    nickname = body.get("mailNickname") or ""
    if len(nickname) > 64 or set(nickname) & set('@()\\[]";:<>, ') or not nickname.isascii():
        raise bad_request("Invalid value specified for property 'mailNickname' of resource 'Group'.")
    if not {one.lower() for one in body.get("groupTypes") or []} <= {"unified", "dynamicmembership"}:
        raise bad_request("Invalid value specified for property 'groupTypes' of resource 'Group'.")


def _check_nickname(call: Call, nickname: str, own_id: str) -> None:
    address = f"{nickname}@{_default_domain(call)}"
    holder = call.tenant.address_holder(address)
    if holder and holder.get("id", holder.get("ExternalDirectoryObjectId")) != own_id:
        raise taken("mailNickname")


def _default_domain(call: Call) -> str:
    found = call.fresh.first("domain", lambda one: bool(one["isDefault"]))
    return str(found["id"]) if found else call.tenant.domain


def _plain(body: Document) -> Document:
    return {name: value for name, value in body.items() if "@odata." not in name and name not in ("members", "owners")}


def _bound(call: Call, body: Document, relation: str) -> list[str]:
    urls = body.get(f"{relation}@odata.bind") or []
    if not isinstance(urls, list) or len(urls) > MOST_BOUND:
        raise bad_request(f"Invalid value specified for property '{relation}@odata.bind'.")  # unverified wording
    return list(dict.fromkeys(linked_object(call, one)["id"] for one in urls))


def _must_be_ours(group: Document) -> None:
    if group["mailEnabled"] and not is_unified(group):
        # Text from public reports: these groups are Exchange's.
        raise bad_request("Cannot Update a mail-enabled security groups and or distribution list.")


# --- members and owners -----------------------------------------------------------------------------------------------


def _relation(call: Call) -> str:
    return "owners" if "/owners" in call.path.lower() else "members"


def _seen(call: Call, key: str) -> list[str]:
    group = find(call, "group", key)
    seen = call.lists.get("group", group["id"]) or {}
    return list(seen.get(f"_{_relation(call)}", []))


@operation("GET /groups/{group-id}/members", "GET /groups/{group-id}/owners")
def list_related(call: Call, key: str) -> Answer:
    """The direct members, or the owners."""
    return mixed(call, objects(call, _seen(call, key)))


@operation("GET /groups/{group-id}/members/$ref", "GET /groups/{group-id}/owners/$ref")
def list_related_links(call: Call, key: str) -> Answer:
    """The same as links."""
    return links(call, _seen(call, key))


@operation("GET /groups/{group-id}/transitiveMembers")
def list_transitive(call: Call, key: str) -> Answer:
    """The members, and those of the groups among them."""
    found: list[str] = []
    pending = [find(call, "group", key)["id"]]
    while pending:
        group: Any = call.lists.get("group", pending.pop(0)) or {"_members": []}
        new = [one for one in group["_members"] if one not in found]
        found += new
        pending += new
    return mixed(call, objects(call, found))


@operation("POST /groups/{group-id}/members/$ref", "POST /groups/{group-id}/owners/$ref")
def add_related(call: Call, key: str) -> Answer:
    """One more member or owner."""
    group, relation = to_change(call, "group", key), _relation(call)
    _must_be_ours(group)
    added = linked_object(call, call.body)["id"]
    _not_there_yet(group, relation, added)
    call.tenant.store.update("group", group["id"], **{f"_{relation}": [*group[f"_{relation}"], added]})
    return NO_CONTENT


def _not_there_yet(group: Document, relation: str, key: str) -> None:
    if key in group[f"_{relation}"]:
        raise bad_request(
            f"One or more added object references already exist for the following modified properties: '{relation}'."
        )


@operation(
    "DELETE /groups/{group-id}/members/{directoryObject-id}/$ref",
    "DELETE /groups/{group-id}/owners/{directoryObject-id}/$ref",
)
def remove_related(call: Call, key: str, other: str) -> Answer:
    """One member or owner less."""
    group, relation = to_change(call, "group", key), _relation(call)
    _must_be_ours(group)
    if other not in group[f"_{relation}"]:
        raise not_found(other)
    left = [one for one in group[f"_{relation}"] if one != other]
    if relation == "owners" and not left and is_unified(group):
        # Microsoft docs: group-delete-owners; text from public reports.
        raise bad_request("The group must have at least one owner, hence this owner cannot be removed.")
    call.tenant.store.update("group", group["id"], **{f"_{relation}": left})
    return NO_CONTENT
