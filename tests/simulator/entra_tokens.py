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
        issuer: who the token says it is from; what the API asks for decides between v1.0 and v2.0.
        version_2: whether the API asks for v2.0 tokens.
    """

    resource: Document
    audience: str
    prefix: str
    permissions: tuple[str, ...]
    openid: tuple[str, ...]
    issuer: str
    version_2: bool = False


class Resources:
    """The APIs that tokens are for: by host of any cloud, by the simulator's own address, by application id or URI."""

    def __init__(self, tenant: Tenant, urls: Mapping[str, str]) -> None:
        self.tenant, self.login = tenant, urls["login"]
        self._own = {urls["graph"].lower(): GRAPH_AUDIENCES[0], urls["outlook"].lower(): OUTLOOK_AUDIENCES[0]}

    def find(self, name: str, segment: str) -> tuple[Document, str]:
        """The resource's service principal and the ``aud`` for it; EntraError 500011 when it is not in the tenant."""
        plain = name.rstrip("/").lower()
        audience = self._own[plain] + ("/" if name.endswith("/") else "") if plain in self._own else name
        wanted = audience.rstrip("/").lower()
        app_id = (
            GRAPH_APP_ID if wanted in GRAPH_AUDIENCES else EXCHANGE_APP_ID if wanted in OUTLOOK_AUDIENCES else wanted
        )
        found = self.tenant.service_principal(app_id) or self._by_uri(wanted)
        if found is None:
            raise errors.unknown_resource(name, segment)
        return found, audience

    def _by_uri(self, wanted: str) -> Document | None:
        """The service principal that has the URI among its names, or whose application has it."""
        for kind, member in (("servicePrincipal", "servicePrincipalNames"), ("application", "identifierUris")):
            for one in self.tenant.fresh.mentioning(kind, wanted, wanted + "/"):
                names = [name.rstrip("/").lower() for name in one[member]]
                if wanted in names and not one.get("deletedDateTime"):
                    return self.tenant.service_principal(one["appId"])
        return None

    def parse(self, scope: str, segment: str) -> Wish:
        """The ``scope`` parameter, understood; names without a resource are Graph's."""
        wishes = self.parse_all(scope, segment)
        if len(wishes) > 1:
            raise errors.several_resources(scope)
        return wishes[0]

    def parse_all(self, scope: str, segment: str) -> list[Wish]:
        """The same where several resources may be asked for at once: when a user signs in and consents."""
        openid = tuple(one for one in scope.split() if one in OPENID)
        asked: dict[str, list[str]] = {}
        for one in scope.split():
            if one in OPENID:
                continue
            prefix, _rest, permission = one.rpartition("/")
            if not permission or one.startswith("/") or (prefix and not _resource_like(prefix)):
                raise errors.bad_scope(one)
            known = next((each for each in asked if each.rstrip("/").lower() == prefix.rstrip("/").lower()), prefix)
            asked.setdefault(known, []).append(permission)
        return [
            self._wish(prefix, tuple(permissions), openid, segment)
            for prefix, permissions in (asked or {"": []}).items()
        ]

    def _wish(self, prefix: str, permissions: tuple[str, ...], openid: tuple[str, ...], segment: str) -> Wish:
        resource, audience = self.find(prefix or GRAPH_AUDIENCES[0], segment)
        own = self.tenant.fresh.having("application", "appId", resource["appId"])
        shown = prefix + "/" if prefix else ""
        if any(one["api"].get("requestedAccessTokenVersion") == 2 for one in own):
            issuer = f"{self.login}/{self.tenant.id}/v2.0"
            return Wish(resource, resource["appId"], shown, permissions, openid, issuer, True)
        return Wish(resource, audience, shown, permissions, openid, f"https://sts.windows.net/{self.tenant.id}/")


def _resource_like(prefix: str) -> bool:
    return bool(urlsplit(prefix).scheme) or prefix.count("-") == 4


def application_token(tenant: Tenant, client: Client, wish: Wish) -> str:
    """An app-only token: roles are the app role assignments on the resource, left out when there are none."""
    principal = client.principal["id"]
    values = {role["id"]: role["value"] for role in wish.resource["appRoles"]}
    held = tenant.fresh.having("appRoleAssignment", "principalId", principal)
    roles = {values.get(one["appRoleId"]) for one in held if one["resourceId"] == wish.resource["id"]} - {None}
    claims: dict[str, Any] = {
        **_both_versions(client, wish),
        "idp": f"https://sts.windows.net/{tenant.id}/",
        "idtyp": "app",
        "oid": principal,
        "sub": principal,
        "tenant_region_scope": "EU",
        "wids": [*_directory_roles(tenant, principal), APP_ONLY_WID],
        "roles": sorted(roles),
    }
    return tenant.tokens.issue(wish.audience, {name: value for name, value in claims.items() if value})


def _both_versions(client: Client, wish: Wish) -> dict[str, Any]:
    """What access tokens say of the client: v1.0 and v2.0 name it differently."""
    said = {"aio": secrets.token_urlsafe(24), "rh": "1." + secrets.token_urlsafe(16), "iss": wish.issuer}
    if wish.version_2:
        return {**said, "ver": "2.0", "azp": client.app_id, "azpacr": client.proof}
    name = client.application["displayName"]
    return {**said, "app_displayname": name, "appid": client.app_id, "appidacr": client.proof, "xms_tcdt": 1577836800}


def _directory_roles(tenant: Tenant, principal: str) -> list[str]:
    assigned = tenant.fresh.having("roleAssignment", "principalId", principal)
    return sorted({one["roleDefinitionId"] for one in assigned})


def granted(tenant: Tenant, client: Client, wish: Wish, user: Document) -> dict[str, str]:
    """The delegated permissions of the resource that the client has for this user, by name in lower case."""
    grants = tenant.fresh.having("oauth2PermissionGrant", "clientId", client.principal["id"])
    return {
        name.lower(): name
        for one in grants
        if one["resourceId"] == wish.resource["id"]
        and (one["consentType"] == "AllPrincipals" or one["principalId"] == user["id"])
        for name in one["scope"].split()
    }


def consented(tenant: Tenant, client: Client, wish: Wish, user: Document) -> list[str]:
    """The delegated permissions that a token for this user carries; EntraError 65001 when consent is missing."""
    given = granted(tenant, client, wish, user)
    if ".default" in wish.permissions:
        names = sorted(given.values())
    else:
        names = [given.get(name.lower(), "") for name in wish.permissions]
    if not all(names) or (wish.permissions and not names):
        raise errors.not_consented(client.app_id, client.application["displayName"])
    return [name for name in names if name not in OPENID]


def user_answer(
    tenant: Tenant, client: Client, wish: Wish, user: Document, methods: tuple[str, ...], **more: Any
) -> dict[str, Any]:
    """The token endpoint's answer for a signed-in user, with the tokens that the scopes ask for.

    Args:
        methods: how the user signed in, as ``amr`` names it.
        more: what a refresh token remembers.
    """
    names = consented(tenant, client, wish, user)
    openid = [one for one in wish.openid if one != "offline_access"]
    profile = _profile(client, user)
    upn = user["userPrincipalName"]
    claims = {
        **_both_versions(client, wish),
        **profile,
        "acct": 0,
        "idtyp": "user",
        "scp": " ".join([*names, *openid]) if wish.resource["appId"] == GRAPH_APP_ID else " ".join(names),
        # b79fbf4d-... marks a member of the tenant; it is no directory role (recorded response).
        "wids": [*_directory_roles(tenant, user["id"]), "b79fbf4d-3ef9-4689-8143-76b194e85509"],
    }
    if wish.version_2:
        claims["preferred_username"] = upn
    else:
        puid = "10032" + hashlib.sha256(user["id"].encode()).hexdigest()[:11].upper()
        claims |= {"acr": "1", "amr": list(methods), "puid": puid, "unique_name": upn, "upn": upn}
    shown = [wish.prefix + name for name in names] + [wish.prefix + ".default"] * (".default" in wish.permissions)
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": " ".join([*shown, *openid]),
        "expires_in": LIFETIME_SECONDS,
        "ext_expires_in": LIFETIME_SECONDS,
        "access_token": tenant.tokens.issue(wish.audience, claims),
    }
    if "offline_access" in wish.openid:
        confidential = client.proof != PUBLIC
        kept = {"methods": methods, "confidential": confidential, **more}
        answer["refresh_token"] = keep_grant(tenant, "refresh", client, user, REFRESH_SECONDS, **kept)
    return answer


def identity_token(
    tenant: Tenant, client: Client, user: Document, issuer: str, methods: tuple[str, ...], said: Mapping[str, Any]
) -> str:
    """An id token: v2.0, or v1.0 when the issuer is the v1.0 one. ``said`` is what else it says, empty values left out."""
    upn = user["userPrincipalName"]
    if issuer.endswith("/v2.0"):
        named: dict[str, Any] = {"ver": "2.0", "preferred_username": upn}
    else:
        named = {"ver": "1.0", "amr": list(methods), "unique_name": upn, "upn": upn}
    extra = {name: value for name, value in said.items() if value}
    return tenant.tokens.issue(client.app_id, {**_profile(client, user), "iss": issuer, **named, **extra})


def client_info(tenant: Tenant, user: Document) -> str:
    """What Microsoft's libraries keep accounts by."""
    info = json.dumps({"uid": user["id"], "utid": tenant.id}).encode()
    return base64.urlsafe_b64encode(info).rstrip(b"=").decode()


def _profile(client: Client, user: Document) -> dict[str, Any]:
    """Who the user is; ``sub`` differs from application to application."""
    subject = hashlib.sha256(f"{client.app_id}{user['id']}".encode()).digest()
    profile = {
        "family_name": user.get("surname"),
        "given_name": user.get("givenName"),
        "name": user["displayName"],
        "oid": user["id"],
        "sub": base64.urlsafe_b64encode(subject).rstrip(b"=").decode(),
    }
    return {name: value for name, value in profile.items() if value}


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
