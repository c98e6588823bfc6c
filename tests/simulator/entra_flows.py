# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grants of the token endpoint, and device codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from . import entra_errors as errors
from . import entra_policies
from .entra_clients import PUBLIC, SHARED_SEGMENTS, Client, authenticate, check_audience
from .entra_errors import EntraError
from .entra_policies import SignIn
from .entra_tokens import (
    Resources,
    Wish,
    application_token,
    client_info,
    hash_of,
    identity_token,
    user_answer,
)
from .store import Document
from .tenant import Tenant
from .tokens import LIFETIME_SECONDS


@dataclass(frozen=True)
class Asked:
    """One request to a flow: the tenant segment of its URL, its form fields, and whether it is the v1 endpoint."""

    tenant: Tenant
    resources: Resources
    base: str
    segment: str
    form: Mapping[str, str]
    version_1: bool

    def need(self, name: str) -> str:
        """A form field; EntraError 900144 when it is missing."""
        if not self.form.get(name):
            raise errors.missing_parameter(name)
        return self.form[name]

    def client(self) -> Client:
        """The client, authenticated if it sent a credential."""
        return authenticate(self.tenant, self.form, self.segment, self.base)

    def scope(self, otherwise: str = "") -> str:
        """The scopes asked for: ``scope``, or the v1 endpoint's ``resource`` as its .default."""
        if self.version_1 and self.form.get("resource"):
            return f"{self.form['resource']}/.default openid offline_access"
        scope = self.form.get("scope") or otherwise
        if not scope:
            raise errors.missing_parameter("resource" if self.version_1 else "scope")
        return scope

    def wish(self, otherwise: str = "") -> Wish:
        """The same, understood. Raises EntraError."""
        return self.resources.parse(self.scope(otherwise), self.segment)


def basic(authorization: str | None) -> dict[str, str]:
    """Client id and secret of an HTTP Basic header, as form fields."""
    if not authorization or not authorization.lower().startswith("basic "):
        return {}
    try:
        name, _rest, secret = base64.b64decode(authorization[6:]).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}


def token(asked: Asked) -> dict[str, Any]:
    """The token endpoint's answer. Raises EntraError."""
    grant = asked.need("grant_type")
    if grant in GRANTS:
        return GRANTS[grant](asked)
    text = f"The app requested an unsupported grant type '{grant}'."  # unverified wording
    raise EntraError(400, "unsupported_grant_type", 70003, text)


def sign_in(tenant: Tenant, name: str, password: str) -> Document:
    """The user with that name and password; EntraError otherwise."""
    named = tenant.fresh.having("user", "userPrincipalName", name.strip())
    user = next((one for one in named if not one.get("deletedDateTime")), None)
    if user is None:
        raise errors.unknown_user(tenant.id)
    if not user["_password"] or not hmac.compare_digest(user["_password"].encode(), password.encode()):
        raise errors.wrong_password()
    check_account(user)
    if user.get("_forceChangePasswordNextSignIn"):
        raise errors.expired_password()
    return user


def check_account(user: Document | None) -> Document:
    """The user, if the account can be used; EntraError otherwise."""
    if user is None or user.get("deletedDateTime"):
        raise errors.bad_grant()
    if not user["accountEnabled"]:
        raise errors.disabled_user()
    return user


def check_assigned(tenant: Tenant, client: Client, user: Document) -> None:
    """Raise EntraError when the application is for assigned users and this is none, directly or through a group."""
    if not client.principal["appRoleAssignmentRequired"]:
        return
    holders = {
        one["principalId"] for one in tenant.fresh.having("appRoleAssignment", "resourceId", client.principal["id"])
    }
    groups = tenant.fresh.where("group", lambda one: one["id"] in holders and user["id"] in one["_members"])
    if user["id"] not in holders and not groups:
        raise errors.not_assigned(client.app_id, client.application["displayName"])


def _client_credentials(asked: Asked) -> dict[str, Any]:
    if asked.segment.lower() in SHARED_SEGMENTS:
        raise errors.no_tenant()  # unverified that it is this code
    client = asked.client()
    if client.proof == PUBLIC:
        raise errors.no_credential()
    if asked.version_1:
        asked.need("resource")
    else:
        scope = asked.need("scope")
        if not scope.endswith("/.default") or " " in scope.strip():
            raise errors.not_default_scope(scope)
    wish = asked.wish()
    access_token = application_token(asked.tenant, client, wish)
    if not asked.version_1:
        seconds = LIFETIME_SECONDS
        return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": access_token}
    return {
        "token_type": "Bearer",
        **_version_1_times(),
        "resource": asked.form["resource"],
        "access_token": access_token,
    }


def _version_1_times() -> dict[str, str]:
    """The v1 endpoint writes numbers as strings."""
    now = int(time.time())
    seconds = str(LIFETIME_SECONDS)
    return {
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "expires_on": str(now + LIFETIME_SECONDS),
        "not_before": str(now - 300),
    }


def may_be_public(client: Client) -> None:
    if client.proof == PUBLIC and client.application.get("isFallbackPublicClient") is not True:
        raise errors.no_credential()


def for_user(
    asked: Asked, client: Client, wish: Wish, user: Document, grant: Mapping[str, Any], transfer: str = ""
) -> dict[str, Any]:
    """The answer for a user. ``grant`` says how they signed in: ``methods``, ``clientApp``, ``nonce``."""
    check_audience(client.application, asked.segment)
    check_assigned(asked.tenant, client, user)
    methods, client_app = tuple(grant["methods"]), grant["clientApp"]
    signing_in = SignIn(user, wish.resource["appId"], client_app, methods, asked.version_1, transfer)
    entra_policies.check(asked.tenant, signing_in)
    more = {"clientApp": client_app, "scope": grant.get("scope") or asked.form.get("scope", "")}
    answer = user_answer(asked.tenant, client, wish, user, methods, **more)
    if "openid" in wish.openid:
        own = (
            f"https://sts.windows.net/{asked.tenant.id}/" if asked.version_1 else f"{asked.base}/{asked.tenant.id}/v2.0"
        )
        said = {"nonce": grant.get("nonce"), "email": user.get("mail") if "email" in wish.openid else None}
        answer["id_token"] = identity_token(asked.tenant, client, user, own, methods, said)
    if asked.form.get("client_info") == "1":
        answer["client_info"] = client_info(asked.tenant, user)
    if asked.version_1:
        answer |= {**_version_1_times(), "resource": wish.audience}
    return answer


def _password(asked: Asked) -> dict[str, Any]:
    name, password = asked.need("username"), asked.need("password")
    client = asked.client()
    may_be_public(client)
    if asked.segment.lower() == "common":
        text = (
            "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations "
            "or tenant-specific endpoint."
        )
        raise EntraError(400, "invalid_request", 9001023, text)
    wish = asked.wish()
    user = sign_in(asked.tenant, name, password)
    return for_user(asked, client, wish, user, {"methods": ["pwd"], "clientApp": entra_policies.NATIVE})


def _kept(asked: Asked, client: Client, value: str, kind: str) -> Document:
    grant = asked.tenant.fresh.get("grant", hash_of(value))
    if grant is None or grant["type"] != kind or grant["clientId"] != client.app_id or grant["expires"] < time.time():
        raise errors.bad_grant()
    return grant


def user_of(asked: Asked, grant: Document) -> Document:
    """Whose the grant is; EntraError when the account is closed or its sessions were ended after the grant."""
    user = check_account(asked.tenant.fresh.get("user", grant["userId"]))
    valid_from = user.get("_sessionsValidFrom", 0)
    if grant["issued"] < valid_from:
        raise errors.revoked_grant(grant["issued"], valid_from)
    return user


def _refresh(asked: Asked) -> dict[str, Any]:
    value = asked.need("refresh_token")
    client = asked.client()
    grant = _kept(asked, client, value, "refresh")
    _same_proof(client, grant["confidential"])
    return for_user(asked, client, asked.wish(grant["scope"]), user_of(asked, grant), grant)


def _same_proof(client: Client, confidential: bool) -> None:
    """What a confidential client was given takes its credential; what a public one was given takes none."""
    if confidential and client.proof == PUBLIC:
        raise errors.no_credential()
    if not confidential and client.proof != PUBLIC and client.application.get("isFallbackPublicClient") is not True:
        raise errors.public_with_credential()


def _code(asked: Asked) -> dict[str, Any]:
    value = asked.need("code")
    client = asked.client()
    grant = _kept(asked, client, value, "code")
    if grant.get("used"):
        text = (
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing "
            "refresh token."
        )
        raise EntraError(400, "invalid_grant", 54005, text)
    if grant["redirectUri"] != asked.form.get("redirect_uri"):
        text = (
            f"The reply address '{asked.form.get('redirect_uri')}' does not match the reply address "
            f"'{grant['redirectUri']}' provided when requesting Authorization code."
        )
        raise EntraError(400, "invalid_grant", 500112, text)
    _same_proof(client, not grant["publicRedirect"])
    _check_verifier(grant, asked.form.get("code_verifier", ""))
    wish = asked.wish() if asked.form.get("scope") else asked.resources.parse_all(grant["scope"], asked.segment)[0]
    answer = for_user(asked, client, wish, user_of(asked, grant), grant)
    asked.tenant.store.update("grant", hash_of(value), used=True)
    return answer


def _check_verifier(grant: Document, verifier: str) -> None:
    challenge = grant.get("challenge")
    if not challenge:
        return
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if challenge != (hashed if grant["challengeMethod"] == "S256" else verifier):
        text = "The Code_Verifier does not match the code_challenge supplied in the authorization request."
        raise EntraError(400, "invalid_grant", 501481, text)


GRANTS: dict[str, Callable[[Asked], dict[str, Any]]] = {
    "client_credentials": _client_credentials,
    "password": _password,
    "refresh_token": _refresh,
    "authorization_code": _code,
}
