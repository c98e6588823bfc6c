# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in to a Pexip Management Node: as an administrator, or as an OAuth2 client that signs an assertion."""

from __future__ import annotations

import base64
import time
import traceback
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .clock import Backoff
from .credentials import BadCredentials
from .errors import MayHaveHappened, MissingLibrary, SignInFailed, Unreachable
from .http import Http, Request

if TYPE_CHECKING:
    from .answer import Response
    from .kept import Shelf, Token

TOKEN_PATH = "/oauth/token/"  # noqa: S105 - an address
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 300
# The node refuses what was issued in its future, and its clock may be behind ours.
SLOW_CLOCK_SECONDS = 180
RENEW_SECONDS_BEFORE_END = 120
SCOPE = "is_admin use_api"


class NodeSignIn(Protocol):
    """How requests prove who sends them."""

    @property
    def scheme(self) -> str:
        """The first word of the Authorization header."""

    @property
    def secrets(self) -> Collection[str]:
        """What was sent or told on the way, in clear; an answer may repeat it."""

    def __call__(self, renew: bool) -> str:
        """What follows it; ``renew`` asks for a new one."""


@dataclass(frozen=True)
class Administrator:
    """A web administrator, or an LDAP account that may use the API."""

    basic: str = field(repr=False)
    scheme: str = "Basic"

    @classmethod
    def named(cls, username: str, password: str) -> Administrator:
        """From a name and a password."""
        return cls(base64.b64encode(f"{username}:{password}".encode()).decode())

    @property
    def secrets(self) -> Collection[str]:
        """Name and password as they are sent."""
        return [self.basic]

    def __call__(self, renew: bool) -> str:
        return self.basic


@dataclass
class OAuth2Client:
    """An OAuth2 client of the node: it signs an assertion with its private key (ES256) and gets a token for an hour.

    Args:
        base_url: the node's address.
        client_id: the client's id.
        private_key: its private key, as PEM.
        http: what the token is asked for with.
        shelf: where earlier modules of the run left their token; None where there is no such place.
    """

    base_url: str
    client_id: str
    private_key: str = field(repr=False)
    http: Http
    shelf: Shelf | None = None
    scheme: str = "Bearer"
    _issued: list[str] = field(default_factory=list, repr=False)

    @property
    def secrets(self) -> Collection[str]:
        """The tokens that were issued."""
        return self._issued

    def __call__(self, renew: bool) -> str:
        """The token, asked for when there is none or a new one is wanted. Raises SignInFailed, BadCredentials."""
        if renew or not self._issued:
            self._issued.append(self._left(renew) or self._new())
        return self._issued[-1]

    def _left(self, renew: bool) -> str:
        """The token that an earlier module left, empty when there is none to be used."""
        if renew or self.shelf is None:
            return ""
        token, ends = self.shelf.get(self.base_url) or ("", 0.0)
        return token if ends > time.time() else ""

    def _new(self) -> str:
        token = self._ask()
        if self.shelf is not None:
            self.shelf.put(self.base_url, token)
        return token[0]

    def _ask(self) -> Token:
        """A new token. Each attempt signs anew: the node takes an assertion once, also when its answer was lost."""
        tried = f"sign in to {self.base_url} as the OAuth2 client {self.client_id}"
        backoff = Backoff()
        while True:
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": self._assertion(),
                "scope": SCOPE,
            }
            request = Request("POST", self.base_url + TOKEN_PATH, tried, repeatable=False, form=form)
            try:
                return _token(tried, self.http.send(request, _nobody))
            except MayHaveHappened as failure:
                if not self.http.deadline.sleep(backoff.next(), failure):
                    raise Unreachable(tried, failure.status, text=failure.text) from failure

    def _assertion(self) -> str:
        try:
            import jwt
        except ImportError as error:
            raise MissingLibrary("PyJWT", traceback.format_exc()) from error
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.base_url + TOKEN_PATH,
            "iat": now - SLOW_CLOCK_SECONDS,
            "exp": now + ASSERTION_SECONDS,
            "jti": str(uuid.uuid4()),
        }
        try:
            return jwt.encode(claims, self.private_key, algorithm="ES256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise BadCredentials(f"node_private_key is no PEM of a P-256 key: {error}") from error


def _token(tried: str, response: Response) -> Token:
    """The token in an answer, and its end; without one it is for this module alone. Raises SignInFailed."""
    body: Any = response.json()
    answer: Mapping[str, Any] = body if isinstance(body, dict) else {}
    token = answer.get("access_token")
    if response.status != 200 or not isinstance(token, str) or not token.isascii() or not token.isprintable():
        text = str(answer.get("error_description") or "the node gave no token")
        advice = "Check node_client_id and node_private_key, that the client is enabled, and both machines' clocks."
        raise SignInFailed(tried, response.status, str(answer.get("error") or ""), text, advice=advice)
    seconds = answer.get("expires_in")
    lasts = seconds - RENEW_SECONDS_BEFORE_END if isinstance(seconds, int) else 0
    return token, time.time() + lasts


def _nobody(renew: bool) -> str:
    """No Authorization header: the assertion says who asks."""
    return ""
