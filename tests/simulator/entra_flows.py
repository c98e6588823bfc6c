# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grants of the token endpoint, and device codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from . import entra_errors as errors
from .entra_clients import PUBLIC, Client, authenticate
from .entra_errors import EntraError
from .entra_tokens import Resources, Wish, application_token, hash_of, keep_grant, user_answer
from .store import Document
from .tenant import Tenant
from .tokens import LIFETIME_SECONDS

DEVICE_SECONDS, DEVICE_INTERVAL = 900, 5
_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXYZ23456789"
DEVICE_GRANTS = ("urn:ietf:params:oauth:grant-type:device_code", "device_code")


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

    def wish(self, otherwise: str = "") -> Wish:
        """The scopes asked for: ``scope``, or the v1 endpoint's ``resource`` as its .default."""
        if self.version_1 and self.form.get("resource"):
            resource = self.form["resource"]
            return self.resources.parse(f"{resource}/.default openid offline_access", self.segment)
        scope = self.form.get("scope") or otherwise
        if not scope:
            raise errors.missing_parameter("resource" if self.version_1 else "scope")
        return self.resources.parse(scope, self.segment)


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
    if grant == "client_credentials":
        return _client_credentials(asked)
    if grant == "password":
        return _password(asked)
    if grant == "refresh_token":
        return _refresh(asked)
    if grant == "authorization_code":
        return _code(asked)
    if grant in DEVICE_GRANTS:
        return _device(asked)
    text = f"The app requested an unsupported grant type '{grant}'."  # unverified wording
    raise EntraError(400, "unsupported_grant_type", 70003, text)


def sign_in(tenant: Tenant, name: str, password: str) -> Document:
    """The user with that name and password; EntraError otherwise."""
    user = tenant.fresh.first(
        "user", lambda one: one["userPrincipalName"].lower() == name.strip().lower() and not one.get("deletedDateTime")
    )
    if user is None:
        raise errors.unknown_user(tenant.id)
    if not user["_password"] or not hmac.compare_digest(user["_password"].encode(), password.encode()):
        raise errors.wrong_password()
    _check_account(user)
    return user


def _check_account(user: Document | None) -> Document:
    if user is None or user.get("deletedDateTime"):
        raise errors.bad_grant()
    if not user["accountEnabled"]:
        raise errors.disabled_user()
    if user.get("_forceChangePasswordNextSignIn"):
        raise errors.expired_password()
    return user


def _client_credentials(asked: Asked) -> dict[str, Any]:
    if asked.segment.lower() in ("common", "organizations"):
        # Unverified that it is this code.
        text = "No tenant-identifying information found in either the request or implied by any provided credentials."
        raise EntraError(400, "invalid_request", 50059, text)
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


def _may_be_public(client: Client) -> None:
    if client.proof == PUBLIC and client.application.get("isFallbackPublicClient") is not True:
        raise errors.no_credential()


def _for_user(asked: Asked, client: Client, wish: Wish, user: Document, nonce: str = "") -> dict[str, Any]:
    answer = user_answer(asked.tenant, client, wish, user, asked.form, asked.base, nonce)
    if asked.version_1:
        answer = {**answer, **_version_1_times(), "resource": wish.audience}
    return answer


def _password(asked: Asked) -> dict[str, Any]:
    name, password = asked.need("username"), asked.need("password")
    client = asked.client()
    _may_be_public(client)
    return _for_user(asked, client, asked.wish(), sign_in(asked.tenant, name, password))


def _kept(asked: Asked, client: Client, value: str, kind: str) -> Document:
    grant = asked.tenant.fresh.get("grant", hash_of(value))
    if grant is None or grant["type"] != kind or grant["clientId"] != client.app_id or grant["expires"] < time.time():
        raise errors.bad_grant()
    return grant


def _user_of(asked: Asked, grant: Document) -> Document:
    user = _check_account(asked.tenant.fresh.get("user", grant["userId"]))
    if grant["issued"] < user.get("_sessionsValidFrom", 0):
        raise errors.revoked_grant()
    return user


def _refresh(asked: Asked) -> dict[str, Any]:
    value = asked.need("refresh_token")
    client = asked.client()
    grant = _kept(asked, client, value, "refresh")
    if grant.get("confidential") and client.proof == PUBLIC:
        raise errors.no_credential()
    return _for_user(asked, client, asked.wish(grant.get("scope", "")), _user_of(asked, grant))


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
    if not grant["publicRedirect"] and client.proof == PUBLIC:
        raise errors.no_credential()
    _check_verifier(grant, asked.form.get("code_verifier", ""))
    answer = _for_user(asked, client, asked.wish(grant["scope"]), _user_of(asked, grant), grant.get("nonce", ""))
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


# --- device codes -----------------------------------------------------------------------------------------------------


def device_code(asked: Asked) -> dict[str, Any]:
    """Step 1: a code for the device and one for the user. Raises EntraError."""
    client = asked.client()
    asked.wish()
    scope = asked.form.get("scope") or f"{asked.form['resource']}/.default openid offline_access"
    user_code = "".join(secrets.choice(_CODE_LETTERS) for _rest in range(9))
    value = keep_grant(
        asked.tenant, "device", client, None, DEVICE_SECONDS, scope=scope, userCode=user_code, state="pending"
    )
    page = f"{asked.base}/common/oauth2/deviceauth"
    return {
        "user_code": user_code,
        "device_code": value,
        "verification_uri": page,
        "expires_in": DEVICE_SECONDS,
        "interval": DEVICE_INTERVAL,
        "message": f"To sign in, use a web browser to open the page {page} and enter the code {user_code} to "
        "authenticate.",
    }


def _device(asked: Asked) -> dict[str, Any]:
    value = asked.form.get("device_code") or asked.need("code")
    client = asked.client()
    _may_be_public(client)
    grant = asked.tenant.fresh.get("grant", hash_of(value))
    if grant is None or grant["type"] != "device" or grant["clientId"] != client.app_id or grant["state"] == "used":
        raise EntraError(400, "bad_verification_code", 70019, "Verification code expired.")  # unverified wording
    if grant["expires"] < time.time():
        raise EntraError(
            400, "expired_token", 70020, "The provided value for the input parameter 'device_code' has expired."
        )
    if grant["state"] == "declined":
        raise EntraError(
            400, "authorization_declined", 70017, "The user declined the authorization."
        )  # unverified wording
    if grant["state"] == "pending":
        text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling."
        raise EntraError(400, "authorization_pending", 70016, text)
    wish = asked.resources.parse(grant["scope"], asked.segment)
    answer = _for_user(asked, client, wish, _user_of(asked, grant))
    asked.tenant.store.update("grant", hash_of(value), state="used")
    return answer
