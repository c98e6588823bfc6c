# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in to the Management Node (an administrator's password, or an OAuth2 client's assertion), and its rate limit."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import jwt
from starlette.responses import JSONResponse, Response

from .infinity_node import Node

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_ASSERTION = 3600


def administrator(node: Node, authorization: str) -> bool:
    """Whether a Basic header names an administrator."""
    scheme, _space, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        name, _colon, password = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return False
    known = node.get("administrator", name)
    return known is not None and hmac.compare_digest(known["password"].encode(), password.encode())


def may_call(node: Node, authorization: str) -> bool:
    """Whether a request to the API carries a good credential."""
    scheme, _space, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        token = node.get("token", _hashed(value))
        return token is not None and token["expires"] > time.time()
    settings = node.get("authentication", "1") or {}
    return not settings["api_oauth2_disable_basic"] and administrator(node, authorization)


def token(node: Node, form: Mapping[str, str], address: str) -> Response:
    """The token endpoint: client credentials by an ES256 assertion, good for an hour."""
    if form.get("grant_type") != "client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, 400)
    problem = _problem(node, form, address)
    if problem:
        return JSONResponse({"error": "invalid_client", "error_description": problem}, 401)
    value, seconds = secrets.token_urlsafe(32), int((node.get("authentication", "1") or {})["api_oauth2_expiration"])
    node.store.put("token", _hashed(value), {"expires": time.time() + seconds})
    scope = form.get("scope") or "is_admin use_api"
    return JSONResponse({"access_token": value, "expires_in": seconds, "token_type": "Bearer", "scope": scope})


def _problem(node: Node, form: Mapping[str, str], address: str) -> str:
    """What is wrong with the assertion; the words are not the node's."""
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        return "client_assertion_type is not that of a JWT."
    assertion = form.get("client_assertion", "")
    try:
        unproved: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
        client = node.get("oauth2_client", str(unproved.get("iss", "")))
        if client is None:
            return "There is no such client."
        claims = jwt.decode(
            assertion,
            client["public_key"],
            algorithms=["ES256"],
            audience=address,
            options={"require": ["iss", "sub", "aud", "iat", "exp", "jti"]},
        )
    except jwt.PyJWTError as error:
        return str(error)
    if claims["sub"] != claims["iss"]:
        return "iss and sub differ."
    if claims["exp"] - claims["iat"] > LONGEST_ASSERTION:
        return "The assertion lives longer than an hour."
    if node.get("assertion", claims["jti"]):
        return "The assertion was used before."
    node.store.put("assertion", claims["jti"], {"expires": claims["exp"]})
    return ""


def _hashed(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


class RateLimit:
    """So many requests in so many seconds; the next one is told when to come back."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def wait(self, most: int, seconds: float) -> float:
        """0 when a request may pass, which is then counted, else the seconds to wait."""
        moment = time.monotonic()
        while self._times and self._times[0] <= moment - seconds:
            self._times.popleft()
        if len(self._times) >= most:
            return self._times[0] + seconds - moment
        self._times.append(moment)
        return 0.0
