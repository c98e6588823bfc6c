# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the directory's objects look, are found and are queried: one Kind each."""

from __future__ import annotations

from typing import Any

from .graph_call import Call, Key, not_found
from .graph_odata import KINDS, Kind, typed
from .seed import made_up_id
from .store import Document

DEFAULT_USER = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
]


def live(document: Document | None) -> Document | None:
    """The document unless it is missing or deleted."""
    return document if document and not document.get("deletedDateTime") else None


def _first_live(documents: list[Document]) -> Document | None:
    return next((one for one in documents if live(one)), None)


def find(call: Call, kind: str, key: str, *, own_view: bool = False) -> Document:
    """The object that a path's key names, as the answering replica has it; GraphError 404 when it has none.

    Users are found by id or user principal name, other objects by id or alternate key.
    """
    view = call.fresh if own_view else call.view
    name = key.name if isinstance(key, Key) else "id"
    found = view.get(kind, key) if name == "id" else None
    if found is None and kind == "user" and name == "id":
        found = _first_live(view.having("user", "userPrincipalName", key))
    elif found is None and name in ("appId", "uniqueName"):
        found = _first_live(view.having(kind, name, key))
    found = live(found)
    if found is None:
        raise not_found(key)
    return found


def to_change(call: Call, kind: str, key: str) -> Document:
    """The newest state of an object that the answering replica also has; GraphError 404 otherwise."""
    newest = live(call.fresh.get(kind, find(call, kind, key)["id"]))
    if newest is None:
        raise not_found(key)
    return newest


def any_object(call: Call, key: str, fresh: bool = False) -> tuple[str, Document] | None:
    """A directory object of any type by its id, with its kind; None when there is none."""
    view = call.fresh if fresh else call.view
    for kind in ("user", "servicePrincipal", "group", "application", "administrativeUnit"):
        found = live(view.get(kind, key))
        if found:
            return kind, found
    return None


def objects(call: Call, keys: list[str]) -> tuple[list[Document], dict[str, Kind]]:
    """The live objects with these ids, and the kind of each by id (for lists of mixed types)."""
    found = [(kind, one) for kind, one in (any_object(call, key, fresh=True) or ("", {}) for key in keys) if one]
    return [one for _rest, one in found], {one["id"]: KINDS[kind] for kind, one in found}


def typed_objects(call: Call, keys: list[str]) -> list[Document]:
    """The live objects with these ids, each with its type (for ``$expand``)."""
    documents, kinds = objects(call, keys)
    return [typed(call, kinds[one["id"]], one) for one in documents]


def licences_of(user: Document) -> list[Document]:
    """A user's licences, direct and inherited: {skuId, disabledPlans}, one for each SKU."""
    merged: dict[str, Document] = {}
    for licence in [*user.get("assignedLicenses", []), *user.get("_groupLicenses", [])]:
        known = merged.setdefault(
            licence["skuId"], {"skuId": licence["skuId"], "disabledPlans": licence["disabledPlans"]}
        )
        known["disabledPlans"] = [plan for plan in known["disabledPlans"] if plan in licence["disabledPlans"]]
    return list(merged.values())


def _show_user(call: Call, user: Document) -> Document:
    mailbox = call.mailbox_of(user["id"])
    licences = licences_of(user)
    states = [
        {
            "skuId": licence["skuId"],
            "disabledPlans": licence["disabledPlans"],
            "assignedByGroup": group,
            "state": "Active",
            "error": "None",
            "lastUpdatedDateTime": user["createdDateTime"],
        }
        for key in ("assignedLicenses", "_groupLicenses")
        for licence in user.get(key, [])
        for group in [licence.get("groupId", made_up_id("licensing group")) if key == "_groupLicenses" else None]
    ]
    plans = []
    asked = (call.query.get("select", "") + call.query.get("filter", "")).lower()
    for licence in licences if "assignedplans" in asked or not asked else []:
        sku = call.fresh.get("subscribedSku", licence["skuId"]) or {"servicePlans": []}
        plans += [
            {
                "assignedDateTime": user["createdDateTime"],
                "capabilityStatus": "Deleted" if plan["servicePlanId"] in licence["disabledPlans"] else "Enabled",
                "service": "exchange" if plan["servicePlanName"].startswith("EXCHANGE") else plan["servicePlanName"],
                "servicePlanId": plan["servicePlanId"],
            }
            for plan in sku["servicePlans"]
        ]
    return {
        **user,
        "assignedLicenses": licences,
        "licenseAssignmentStates": states,
        "assignedPlans": plans,
        "mail": mailbox["PrimarySmtpAddress"] if mailbox else user["mail"],
        "proxyAddresses": mailbox["EmailAddresses"] if mailbox else user["proxyAddresses"],
        "passwordProfile": None,
    }


def _show_credentials(call: Call, document: Document) -> Document:
    return {**document, "passwordCredentials": [{**one, "secretText": None} for one in document["passwordCredentials"]]}


def _member_of(call: Call, document: Document) -> list[Document]:
    groups = call.lists.where("group", lambda group: document["id"] in group["_members"])
    units = call.lists.where("administrativeUnit", lambda unit: document["id"] in unit["_members"])
    return typed_objects(call, [one["id"] for one in (*groups, *units)])


def _assignments(name: str) -> Any:
    return lambda call, document: call.lists.where("appRoleAssignment", lambda one: one[name] == document["id"])


def _fields(words: str) -> frozenset[str]:
    return frozenset(words.split())


KINDS["user"] = Kind(
    "user",
    "users",
    tuple(DEFAULT_USER),
    _fields(
        "id userPrincipalName displayName mail mailNickname accountEnabled usageLocation userType department jobTitle "
        "givenName surname proxyAddresses assignedLicenses assignedPlans createdDateTime onPremisesSyncEnabled "
        "onPremisesImmutableId otherMails city country companyName employeeId passwordPolicies deletedDateTime"
    ),
    never_eq=frozenset({"passwordPolicies"}),
    show=_show_user,
    expand={"memberOf": _member_of},
)
KINDS["application"] = Kind(
    "application",
    "applications",
    (),
    _fields("id appId displayName identifierUris createdDateTime tags signInAudience publisherDomain deletedDateTime"),
    show=_show_credentials,
    expand={"owners": lambda call, document: typed_objects(call, document["_owners"])},
)
KINDS["servicePrincipal"] = Kind(
    "servicePrincipal",
    "servicePrincipals",
    (),
    _fields(
        "id appId displayName servicePrincipalNames servicePrincipalType accountEnabled createdDateTime tags "
        "appOwnerOrganizationId alternativeNames deletedDateTime"
    ),
    show=_show_credentials,
    expand={
        "appRoleAssignments": _assignments("principalId"),
        "appRoleAssignedTo": _assignments("resourceId"),
        "oauth2PermissionGrants": lambda call, document: call.lists.where(
            "oauth2PermissionGrant", lambda one: one["clientId"] == document["id"]
        ),
        "owners": lambda call, document: typed_objects(call, document["_owners"]),
        "memberOf": _member_of,
    },
)
KINDS["group"] = Kind(
    "group",
    "groups",
    (),
    _fields("id displayName mail mailNickname mailEnabled securityEnabled groupTypes createdDateTime"),
    expand={"members": lambda call, document: typed_objects(call, document["_members"])},
)
KINDS["administrativeUnit"] = Kind("administrativeUnit", "directory/administrativeUnits", (), _fields("id displayName"))
KINDS["directoryObject"] = Kind("directoryObject", "directoryObjects")
