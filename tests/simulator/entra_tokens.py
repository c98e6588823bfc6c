# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for and what is given: resources, scopes, access tokens, id tokens, refresh tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import entra_errors as errors
from .entra_clients import PUBLIC, Client
from .seed import EXCHANGE_APP_ID, GRAPH_APP_ID
from .store import Document
from .tenant import Tenant
from .tokens import APP_ONLY_WID, GRAPH_AUDIENCES, LIFETIME_SECONDS, OUTLOOK_AUDIENCES

OPENID = ("openid", "profile", "email", "offline_access")
REFRESH_SECONDS = 90 * 24 * 3600
CODE_SECONDS = 600


@dataclass(frozen=True)
class Wish:
    """What a request asks for.

    Attributes:
        resource: the resource's service principal.
        audience: the ``aud`` of the token: the form that was asked for.
        prefix: what goes before a permission's name in the answer's ``scope``.
        permissions: names, or ``.default``.
        openid: the OpenID scopes that were asked for.
    """

    resource: Document
    audience: str
    prefix: str
    permissions: tuple[str, ...]
    openid: tuple[str, ...]


class Resources:
    """The APIs that tokens are for: by host of any cloud, by the simulator's own address, by application id or URI."""

    def __init__(self, tenant: Tenant, urls: Mapping[str, str]) -> None:
        self.tenant = tenant
        self._own = {urls["graph"].lower(): GRAPH_AUDIENCES[0], urls["outlook"].lower(): OUTLOOK_AUDIENCES[0]}

    def find(self, name: str, segment: str) -> tuple[Document, str]:
        """The resource's service principal and the ``aud`` for it; EntraError 500011 when it is not in the tenant."""
        plain = name.rstrip("/").lower()
        audience = self._own[plain] + ("/" if name.endswith("/") else "") if plain in self._own else name
        wanted = audience.rstrip("/").lower()
        app_id = (
            GRAPH_APP_ID if wanted in GRAPH_AUDIENCES else EXCHANGE_APP_ID if wanted in OUTLOOK_AUDIENCES else wanted
        )
        found = self.tenant.service_principal(app_id) or self.tenant.fresh.first(
            "servicePrincipal",
            lambda one: (
                not one.get("deletedDateTime")
                and wanted in [each.rstrip("/").lower() for each in one["servicePrincipalNames"]]
            ),
        )
        if found is None:
            raise errors.unknown_resource(name, segment)
        return found, audience

    def parse(self, scope: str, segment: str) -> Wish:
        """The ``scope`` parameter, understood; names without a resource are Graph's."""
        openid = tuple(one for one in scope.split() if one in OPENID)
        prefixes: dict[str, str] = {}
        permissions = []
        for one in scope.split():
            if one in OPENID:
                continue
            prefix, _rest, permission = one.rpartition("/")
            if not permission or one.startswith("/") or (prefix and not _resource_like(prefix)):
                raise errors.bad_scope(one)
            prefixes[prefix.rstrip("/").lower()] = prefix
            permissions.append(permission)
        if len(prefixes) > 1:
            raise errors.bad_scope(scope)
        prefix = next(iter(prefixes.values()), "")
        resource, audience = self.find(prefix or GRAPH_AUDIENCES[0], segment)
        return Wish(resource, audience, prefix + "/" if prefix else "", tuple(permissions), openid)


def _resource_like(prefix: str) -> bool:
    return bool(urlsplit(prefix).scheme) or prefix.count("-") == 4


def application_token(tenant: Tenant, client: Client, wish: Wish) -> str:
    """An app-only token: roles are the app role assignments on the resource, left out when there are none."""
    principal = client.principal["id"]
    values = {role["id"]: role["value"] for role in wish.resource["appRoles"]}
    held = tenant.fresh.where(
        "appRoleAssignment", lambda one: one["principalId"] == principal and one["resourceId"] == wish.resource["id"]
    )
    roles = sorted({values[one["appRoleId"]] for one in held if one["appRoleId"] in values})
    directory = tenant.fresh.where("roleAssignment", lambda one: one["principalId"] == principal)
    claims: dict[str, Any] = {
        "app_displayname": client.application["displayName"],
        "appid": client.app_id,
        "appidacr": client.proof,
        "idp": f"https://sts.windows.net/{tenant.id}/",
        "idtyp": "app",
        "oid": principal,
        "rh": "0." + secrets.token_urlsafe(16),
        "sub": principal,
        "tenant_region_scope": "EU",
        "wids": [*sorted({one["roleDefinitionId"] for one in directory}), APP_ONLY_WID],
    }
    if roles:
        claims["roles"] = roles
    return tenant.tokens.issue(wish.audience, {**claims, **_version_2(tenant, wish, client)})


def _version_2(tenant: Tenant, wish: Wish, client: Client) -> dict[str, Any]:
    """The claims that differ for an own API that asks for v2.0 tokens."""
    api = tenant.fresh.first("application", lambda one: one["appId"] == wish.resource["appId"])
    if not api or api["api"].get("requestedAccessTokenVersion") != 2:
        return {}
    issuer = f"https://login.microsoftonline.com/{tenant.id}/v2.0"
    return {"iss": issuer, "ver": "2.0", "aud": api["appId"], "azp": client.app_id, "azpacr": client.proof}


def consented(tenant: Tenant, client: Client, wish: Wish, user: Document) -> list[str]:
    """The delegated permissions that a token for this user carries; EntraError 65001 when consent is missing."""
    grants = tenant.fresh.where(
        "oauth2PermissionGrant",
        lambda one: (
            one["clientId"] == client.principal["id"]
            and one["resourceId"] == wish.resource["id"]
            and (one["consentType"] == "AllPrincipals" or one["principalId"] == user["id"])
        ),
    )
    granted = {name.lower(): name for one in grants for name in one["scope"].split()}
    if ".default" in wish.permissions:
        names = sorted(granted.values())
    else:
        names = [granted.get(name.lower(), "") for name in wish.permissions]
    if not all(names) or (wish.permissions and not names):
        raise errors.not_consented(client.app_id, client.application["displayName"])
    return [name for name in names if name not in OPENID]


def user_answer(
    tenant: Tenant, client: Client, wish: Wish, user: Document, form: Mapping[str, str], base: str, nonce: str = ""
) -> dict[str, Any]:
    """The token endpoint's answer for a signed-in user, with the tokens that the scopes ask for."""
    names = consented(tenant, client, wish, user)
    openid = [one for one in wish.openid if one != "offline_access"]
    roles = tenant.fresh.where("roleAssignment", lambda one: one["principalId"] == user["id"])
    profile = {
        "family_name": user.get("surname"),
        "given_name": user.get("givenName"),
        "name": user["displayName"],
        "oid": user["id"],
        "sub": base64.urlsafe_b64encode(hashlib.sha256(f"{client.app_id}{user['id']}".encode()).digest())
        .rstrip(b"=")
        .decode(),
    }
    claims = {
        **{name: value for name, value in profile.items() if value},
        "acr": "1",
        "amr": ["pwd"],
        "app_displayname": client.application["displayName"],
        "appid": client.app_id,
        "appidacr": client.proof,
        "idtyp": "user",
        "puid": "10032" + hashlib.sha256(user["id"].encode()).hexdigest()[:11].upper(),
        "scp": " ".join([*names, *openid]) if wish.resource["appId"] == GRAPH_APP_ID else " ".join(names),
        "unique_name": user["userPrincipalName"],
        "upn": user["userPrincipalName"],
        # b79fbf4d-... marks a member of the tenant; it is no directory role (recorded response).
        "wids": [*sorted({one["roleDefinitionId"] for one in roles}), "b79fbf4d-3ef9-4689-8143-76b194e85509"],
    }
    shown = [wish.prefix + name for name in names] + [wish.prefix + ".default"] * (".default" in wish.permissions)
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": " ".join([*shown, *openid]),
        "expires_in": LIFETIME_SECONDS,
        "ext_expires_in": LIFETIME_SECONDS,
        "access_token": tenant.tokens.issue(wish.audience, {**claims, **_version_2(tenant, wish, client)}),
    }
    if "offline_access" in wish.openid:
        answer["refresh_token"] = keep_grant(
            tenant, "refresh", client, user, REFRESH_SECONDS, confidential=client.proof != PUBLIC
        )
    if "openid" in wish.openid:
        extra = {"nonce": nonce} if nonce else {}
        identity = {
            **profile,
            "iss": f"{base}/{tenant.id}/v2.0",
            "ver": "2.0",
            "preferred_username": user["userPrincipalName"],
        }
        answer["id_token"] = tenant.tokens.issue(client.app_id, {**{k: v for k, v in identity.items() if v}, **extra})
    if form.get("client_info") == "1":
        info = json.dumps({"uid": user["id"], "utid": tenant.id}).encode()
        answer["client_info"] = base64.urlsafe_b64encode(info).rstrip(b"=").decode()
    return answer


def keep_grant(tenant: Tenant, kind: str, client: Client, user: Document | None, seconds: float, **more: Any) -> str:
    """Store a code or token under its hash and return it."""
    value = secrets.token_urlsafe(48)
    grant = {
        "key": hash_of(value),
        "type": kind,
        "clientId": client.app_id,
        "userId": user["id"] if user else None,
        "issued": time.time(),
        **more,
    }
    tenant.store.put("grant", hash_of(value), {**grant, "expires": time.time() + seconds})
    return value


def hash_of(value: str) -> str:
    """The key under which a code or token is kept."""
    return hashlib.sha256(value.encode()).hexdigest()
