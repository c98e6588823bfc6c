# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the directory's objects look, are found and are queried: one Kind each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .graph_call import Call, Key, not_found
from .graph_odata import KINDS, Kind, Pair
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


def objects(call: Call, keys: Iterable[str]) -> list[Pair]:
    """The live objects with these ids, each with its kind (for lists of mixed types)."""
    found = (any_object(call, key, fresh=True) for key in keys)
    return [(KINDS[one[0]], one[1]) for one in found if one]


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


def _related(member: str) -> Callable[[Call, Document], list[Pair]]:
    return lambda call, document: objects(call, document[member])


def _grants(kind: str, member: str) -> Callable[[Call, Document], list[Pair]]:
    def listing(call: Call, document: Document) -> list[Pair]:
        found = call.lists.where(kind, lambda one: one[member] == document["id"])
        return [(KINDS[kind], one) for one in found]

    return listing


def _fields(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What groups show without being asked (Microsoft docs: group-get).
DEFAULT_GROUP = (
    "id deletedDateTime classification createdDateTime description displayName expirationDateTime groupTypes "
    "isAssignableToRole mail mailEnabled mailNickname membershipRule membershipRuleProcessingState "
    "onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName "
    "onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses "
    "renewedDateTime resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier theme "
    "uniqueName visibility onPremisesProvisioningErrors serviceProvisioningErrors"
)


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
)
KINDS["application"] = Kind(
    "application",
    "applications",
    (),
    _fields("id appId displayName identifierUris createdDateTime tags signInAudience publisherDomain deletedDateTime"),
    show=_show_credentials,
    expand={"owners": _related("_owners")},
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
        "appRoleAssignments": _grants("appRoleAssignment", "principalId"),
        "appRoleAssignedTo": _grants("appRoleAssignment", "resourceId"),
        "oauth2PermissionGrants": _grants("oauth2PermissionGrant", "clientId"),
        "owners": _related("_owners"),
    },
)
KINDS["group"] = Kind(
    "group",
    "groups",
    tuple(DEFAULT_GROUP.split()),
    _fields(
        "id displayName description mail mailNickname mailEnabled securityEnabled groupTypes createdDateTime "
        "proxyAddresses visibility onPremisesSyncEnabled deletedDateTime"
    ),
    expand={"members": _related("_members"), "owners": _related("_owners")},
)
KINDS["administrativeUnit"] = Kind("administrativeUnit", "directory/administrativeUnits", (), _fields("id displayName"))
KINDS["directoryObject"] = Kind("directoryObject", "directoryObjects")
KINDS["directoryRole"] = Kind(
    "directoryRole", "directoryRoles", filterable=_fields("displayName roleTemplateId"), service="whole"
)
KINDS["appRoleAssignment"] = Kind(
    "appRoleAssignment", "appRoleAssignments", filterable=_fields("principalId resourceId")
)
KINDS["oauth2PermissionGrant"] = Kind(
    "oAuth2PermissionGrant",
    "oauth2PermissionGrants",
    filterable=_fields("id clientId consentType principalId resourceId"),
)
