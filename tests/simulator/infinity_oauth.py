# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens for EWS, from a connector's values alone, at whatever service they name.

The endpoints may be those of Entra's v2.0 or v1; which of them Pexip means is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from .store import Document

TIMEOUT = 30


class SignInFailed(Exception):
    """No token; the text is the service's."""


def _resource(connector: Document) -> str:
    parts = urlsplit(connector["url"])
    return f"{parts.scheme}://{parts.netloc}"


def _asked_for(connector: Document, endpoint: str, permission: str) -> dict[str, str]:
    """What a request says it wants, in the words of the endpoint's version."""
    if "/v2.0/" in endpoint:
        return {"scope": f"{_resource(connector)}/{permission}"}
    return {"resource": _resource(connector)}


def authorize_address(connector: Document, state: str) -> str:
    """Where an administrator's browser is sent, to sign in there as the service account."""
    endpoint = connector["oauth_auth_endpoint"]
    query = {
        "client_id": connector["oauth_client_id"] or "",
        "response_type": "code",
        "redirect_uri": connector["oauth_redirect_uri"],
        "response_mode": "query",
        **_asked_for(connector, endpoint, "EWS.AccessAsUser.All offline_access"),
        "state": state,
        "login_hint": connector["username"],
    }
    return f"{endpoint}?{urlencode(query)}"


def redeem(connector: Document, code: str, ca_path: str) -> Mapping[str, Any]:
    """The tokens for an authorization code. Raises SignInFailed."""
    wanted = {"redirect_uri": connector["oauth_redirect_uri"], "code": code}
    permission = "EWS.AccessAsUser.All offline_access"
    return _ask(connector, "authorization_code", permission, wanted, ca_path)


def sign_in(connector: Document, ca_path: str) -> Mapping[str, Any]:
    """The tokens with which the scheduler works: the app's own, or the service account's. Raises SignInFailed."""
    method = connector["authentication_method"]
    if method == "APP_PERM":
        return _ask(connector, "client_credentials", ".default", {}, ca_path)
    if method == "OAUTH":
        if not connector["oauth_refresh_token"]:
            raise SignInFailed("No administrator has signed in as the service account yet.")
        refresh = {"refresh_token": connector["oauth_refresh_token"]}
        return _ask(connector, "refresh_token", "EWS.AccessAsUser.All offline_access", refresh, ca_path)
    raise SignInFailed(f"Exchange Online does not take {method}.")


def _ask(connector: Document, grant: str, permission: str, more: Mapping[str, str], ca_path: str) -> Mapping[str, Any]:
    import requests

    endpoint = connector["oauth_token_endpoint"]
    form = {
        "grant_type": grant,
        "client_id": connector["oauth_client_id"] or "",
        "client_secret": connector["oauth_client_secret"],
        **_asked_for(connector, endpoint, permission),
        **more,
    }
    try:
        answer = requests.post(endpoint, data=form, timeout=TIMEOUT, verify=ca_path)
        tokens = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise SignInFailed(f"{endpoint} gave no answer: {error}") from error
    if not answer.ok or "access_token" not in tokens:
        raise SignInFailed(str(tokens.get("error_description") or tokens))
    return dict(tokens)
