# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consent on a page: which delegated permissions a person is asked for, who may give them, and the grants made."""

from __future__ import annotations

from . import entra_errors as errors
from .entra_clients import Client
from .entra_errors import EntraError
from .entra_tokens import Wish, granted
from .seed import DIRECTORY_ROLES
from .store import Document
from .tenant import Tenant, graph_time, new_id

# A resource's service principal, and the scopes of it.
Permissions = list[tuple[Document, list[Document]]]

_MAY_CONSENT = {
    DIRECTORY_ROLES[name]
    for name in (
        "Global Administrator",
        "Application Administrator",
        "Cloud Application Administrator",
        "Privileged Role Administrator",
    )
}


def missing(tenant: Tenant, client: Client, wishes: list[Wish], user: Document, again: bool) -> Permissions:
    """What the person has to consent to; all that is asked for, given before or not, when ``again``.

    ``.default`` asks for all that the registration lists, unless the resource was consented to before.
    """
    found: Permissions = []
    for wish in wishes:
        given = granted(tenant, client, wish, user)
        if ".default" in wish.permissions:
            wanted = [] if given and not again else _listed(tenant, client)
        else:
            wanted = [(wish.resource, _scopes(wish))]
        for resource, scopes in wanted:
            left = scopes if again else [one for one in scopes if one["value"].lower() not in given]
            if left:
                found.append((resource, left))
    return found


def check_scopes(application: Document, wishes: list[Wish]) -> None:
    """Raise EntraError for a permission that its resource does not have."""
    for wish in wishes:
        known = {one["value"].lower() for one in wish.resource["oauth2PermissionScopes"] if one["isEnabled"]}
        for name in wish.permissions:
            if name.lower() not in known and name != ".default":
                text = (
                    f"The application '{application['displayName']}' asked for scope '{name}' that doesn't exist on the "
                    f"resource '{wish.resource['appId']}'. Contact the app vendor."
                )
                raise EntraError(400, "invalid_client", 650053, text)


def _scopes(wish: Wish) -> list[Document]:
    wanted = [name.lower() for name in wish.permissions]
    return [one for one in wish.resource["oauth2PermissionScopes"] if one["value"].lower() in wanted]


def _listed(tenant: Tenant, client: Client) -> Permissions:
    """The delegated permissions of the registration."""
    found: Permissions = []
    for access in client.application["requiredResourceAccess"]:
        resource = tenant.service_principal(access["resourceAppId"])
        ids = {one["id"].lower() for one in access["resourceAccess"] if one["type"] == "Scope"}
        scopes = [one for one in (resource or {}).get("oauth2PermissionScopes", []) if one["id"].lower() in ids]
        if resource and scopes:
            found.append((resource, scopes))
    return found


def listed_roles(tenant: Tenant, client: Client) -> list[tuple[Document, Document]]:
    """The application permissions of the registration, each with its resource."""
    found = []
    for access in client.application["requiredResourceAccess"]:
        resource = tenant.service_principal(access["resourceAppId"])
        ids = {one["id"].lower() for one in access["resourceAccess"] if one["type"] == "Role"}
        found += [
            (resource, one) for one in (resource or {}).get("appRoles", []) if resource and one["id"].lower() in ids
        ]
    return found


def give_roles(tenant: Tenant, client: Client, user: Document) -> None:
    """Assign the application permissions of the registration. Raises EntraError for what the user may not give."""
    if not is_administrator(tenant, user):
        raise errors.needs_administrator()
    held = tenant.fresh.having("appRoleAssignment", "principalId", client.principal["id"])
    for resource, role in listed_roles(tenant, client):
        if any((one["resourceId"], one["appRoleId"]) == (resource["id"], role["id"]) for one in held):
            continue
        assignment = {
            "id": new_id().replace("-", "") + "-aRa",
            "deletedDateTime": None,
            "appRoleId": role["id"],
            "createdDateTime": graph_time(),
            "principalDisplayName": client.principal["displayName"],
            "principalId": client.principal["id"],
            "principalType": "ServicePrincipal",
            "resourceDisplayName": resource["displayName"],
            "resourceId": resource["id"],
        }
        tenant.store.put("appRoleAssignment", assignment["id"], assignment)


def restricted(permissions: Permissions) -> bool:
    """Whether some are for an administrator to give."""
    return any(scope["type"] == "Admin" for _resource, scopes in permissions for scope in scopes)


def is_administrator(tenant: Tenant, user: Document) -> bool:
    """Whether the user may consent for everybody."""
    roles = {one["roleDefinitionId"] for one in tenant.fresh.having("roleAssignment", "principalId", user["id"])}
    return bool(roles & _MAY_CONSENT)


def give(tenant: Tenant, client: Client, permissions: Permissions, user: Document, everyone: bool) -> None:
    """Record the consent as Graph's oauth2PermissionGrants show it. Raises EntraError for what the user may not give."""
    administrator = is_administrator(tenant, user)
    if (everyone or restricted(permissions)) and not administrator:
        raise errors.needs_administrator()
    who = {"consentType": "AllPrincipals", "principalId": None}
    if not everyone:
        who = {"consentType": "Principal", "principalId": user["id"]}
    for resource, scopes in permissions:
        same = {"clientId": client.principal["id"], "resourceId": resource["id"], **who}
        known = tenant.fresh.having("oauth2PermissionGrant", "clientId", client.principal["id"])
        grant = next((one for one in known if same.items() <= one.items()), None)
        before = grant["scope"].split() if grant else []
        names = [*before, *(scope["value"] for scope in scopes if scope["value"] not in before)]
        key = grant["id"] if grant else new_id().replace("-", "") + "-oPg"
        tenant.store.put("oauth2PermissionGrant", key, {**(grant or {"id": key, **same}), "scope": " ".join(names)})
