# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recycle bin: deleted users, groups, applications and service principals, until they are restored or purged."""

from __future__ import annotations

from collections.abc import Callable

from .graph_applications import must_own
from .graph_call import NO_CONTENT, Answer, Call, GraphError, bad_request, denied, not_found, operation, taken
from .graph_licences import seats_used
from .graph_lists import collection
from .graph_objects import live
from .graph_odata import KINDS, single, wants_metadata
from .graph_permissions import has_role
from .graph_users import check_name_is_free, directory_roles
from .store import Document, View

BIN = ("user", "group", "application", "servicePrincipal")
# What the names of permissions begin with that are about a kind.
_FAMILIES = {"user": "User.", "group": "Group.", "application": "Application.", "servicePrincipal": "Application."}


def _deleted(view: View, kind: str) -> list[Document]:
    return view.where(kind, lambda one: bool(one.get("deletedDateTime")))


def _find(call: Call, key: str) -> tuple[str, Document]:
    """The deleted object with that id, and its kind. The caller's permissions must be about that kind."""
    for kind in BIN:
        found = call.view.get(kind, key)
        if found and found.get("deletedDateTime"):
            if not any(name.startswith((_FAMILIES[kind], "Directory.")) for name in call.permissions):
                raise denied()
            return kind, found
    raise not_found(key)


@operation("GET /directory/deletedItems")
def list_untyped(call: Call) -> Answer:
    """Refused: the bin is listed by type (Microsoft docs; the text is unverified)."""
    raise bad_request("The query must specify a type, for example /directory/deletedItems/microsoft.graph.user.")


def _list(kind: str) -> Callable[[Call], Answer]:
    def listing(call: Call) -> Answer:
        return collection(call, KINDS[kind], _deleted(call.lists, kind))

    return listing


def _get(kind: str) -> Callable[[Call, str], Answer]:
    def get(call: Call, key: str) -> Answer:
        found_kind, found = _find(call, key)
        if found_kind != kind:
            raise not_found(key)
        return single(call, KINDS[kind], found)

    return get


for _kind in BIN:
    operation(f"GET /directory/deletedItems/microsoft.graph.{_kind}")(_list(_kind))
    operation(f"GET /directory/deletedItems/{{directoryObject-id}}/microsoft.graph.{_kind}")(_get(_kind))


def _as_directory_object(call: Call, kind: str, document: Document) -> Answer:
    answer = single(call, KINDS[kind], document, context="directoryObjects/$entity")
    if not wants_metadata(call):
        return answer
    context = {"@odata.context": answer.body["@odata.context"], "@odata.type": f"#{KINDS[kind].full_type}"}
    return Answer(200, {**context, **answer.body})


@operation("GET /directory/deletedItems/{directoryObject-id}")
def get_deleted(call: Call, key: str) -> Answer:
    """One deleted object of any type."""
    return _as_directory_object(call, *_find(call, key))


@operation(
    "POST /directory/deletedItems/{directoryObject-id}/restore",
    "POST /users/{user-id}/restore",
    "POST /groups/{group-id}/restore",
    "POST /applications/{application-id}/restore",
    "POST /servicePrincipals/{servicePrincipal-id}/restore",
)
def restore(call: Call, key: str) -> Answer:
    """Bring an object back."""
    kind, found = _find(call, key)
    document = call.fresh.get(kind, found["id"])
    asked = call.path.split("/")[1].lower()
    if document is None or live(document) or asked not in ("directory", KINDS[kind].collection.lower()):
        raise not_found(key)
    _may_change(call, kind, document)
    makers = {
        "user": _restore_user,
        "group": _restore_group,
        "application": _restore_application,
        "servicePrincipal": _restore_principal,
    }
    return _as_directory_object(call, kind, makers[kind](call, document))


def _may_change(call: Call, kind: str, document: Document) -> None:
    if kind == "user":
        # Microsoft docs (directory-deleteditems-restore): administrators take a directory role on top.
        if directory_roles(call, document["id"]) and not has_role(
            call.principal, "Privileged Authentication Administrator"
        ):
            raise denied()
    elif kind != "group" and "Application.ReadWrite.All" not in call.permissions:
        must_own(call, document)


def _restore_user(call: Call, user: Document) -> Document:
    """The name comes back, and the licences for which there are seats (the latter is unverified)."""
    name = user.get("_earlierName") or user["userPrincipalName"].removeprefix(user["id"].replace("-", ""))
    check_name_is_free(call, name, user["id"])
    used = seats_used(call)
    kept = []
    for licence in user["assignedLicenses"] if call.tenant.switch("restore_licences") else []:
        sku = call.fresh.get("subscribedSku", licence["skuId"])
        units = sku["prepaidUnits"] if sku else {"enabled": 0, "warning": 0}
        if units["enabled"] + units["warning"] > used.get(licence["skuId"], 0):
            kept.append(licence)
    changes = {"deletedDateTime": None, "userPrincipalName": name, "assignedLicenses": kept}
    restored = call.tenant.store.update("user", user["id"], **changes)
    call.tenant.align_mailbox(restored)
    return restored


def _restore_group(call: Call, group: Document) -> Document:
    if call.tenant.address_holder(group["mail"]):
        raise taken("proxyAddresses")
    return call.tenant.store.update("group", group["id"], deletedDateTime=None)


def _restore_application(call: Call, application: Document) -> Document:
    restored = call.tenant.store.update("application", application["id"], deletedDateTime=None)
    if call.tenant.switch("restore_service_principal"):
        for principal in _deleted(call.fresh, "servicePrincipal"):
            if principal["appId"] == application["appId"]:
                _restore_principal(call, principal)
    return restored


def _restore_principal(call: Call, principal: Document) -> Document:
    if call.tenant.service_principal(principal["appId"]):
        text = (
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{principal['appId']} is already in use."
        )
        details = [{"code": "ObjectConflict", "message": text, "target": "None"}]
        raise GraphError(409, "Request_MultipleObjectsWithSameKeyValue", text, details)
    return call.tenant.store.update("servicePrincipal", principal["id"], deletedDateTime=None)


@operation("DELETE /directory/deletedItems/{directoryObject-id}")
def purge(call: Call, key: str) -> Answer:
    """Remove for good, with what points at the object."""
    kind, found = _find(call, key)
    document = call.fresh.get(kind, found["id"])
    if document is None:
        raise not_found(key)
    _may_change(call, kind, document)
    store = call.tenant.store
    store.remove(kind, document["id"])
    for name, members in (
        ("appRoleAssignment", ("principalId", "resourceId")),
        ("oauth2PermissionGrant", ("clientId", "resourceId", "principalId")),
        ("roleAssignment", ("principalId",)),
    ):
        for one in call.fresh.all(name):
            if document["id"] in [one[member] for member in members]:
                store.remove(name, one["id"])
    for name, member in (
        ("group", "_members"),
        ("group", "_owners"),
        ("administrativeUnit", "_members"),
        ("application", "_owners"),
        ("servicePrincipal", "_owners"),
    ):
        for one in call.fresh.all(name):
            if document["id"] in one[member]:
                store.update(name, one["id"], **{member: [each for each in one[member] if each != document["id"]]})
    return NO_CONTENT
