# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed access tokens: issued by ``entra``, checked by every other service."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

LIFETIME_SECONDS = 3599
APP_ONLY_WID = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"

# What a resource accepts as ``aud``: its hosts in every national cloud, and its application id (Microsoft docs).
# Trailing slashes do not matter. Requests for a simulator's own URL are issued for the public cloud's host.
GRAPH_AUDIENCES = (
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
    "00000003-0000-0000-c000-000000000000",
)
OUTLOOK_AUDIENCES = (
    "https://outlook.office365.com",
    "https://outlook.office.com",
    "https://outlook.office365.us",
    "https://webmail.apps.mil",
    "https://partner.outlook.cn",
    "00000002-0000-0ff1-ce00-000000000000",
)


class TokenRefused(Exception):
    """The token cannot be used here. ``reason`` is one of missing, malformed, expired, audience, signature."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Principal:
    """Who a verified token speaks for: an application alone (``user_id`` empty) or a user through an application."""

    app_id: str
    object_id: str
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    directory_roles: frozenset[str] = frozenset()
    user_id: str = ""
    user_principal_name: str = ""
    claims: dict[str, Any] = field(default_factory=dict)

    @property
    def app_only(self) -> bool:
        """Whether no user is behind the token."""
        return not self.user_id


class TokenAuthority:
    """The tenant's signing key: RSA, made once and kept in the state directory with mode 0600."""

    def __init__(self, directory: Path, tenant_id: str) -> None:
        self.tenant_id = tenant_id
        path = directory / "signing-key.pem"
        if not path.exists():
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            path.touch(mode=0o600)
            path.write_bytes(pem)
        loaded = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise ValueError(f"{path} holds no RSA key")
        self._key = loaded
        der = loaded.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.key_id = base64.urlsafe_b64encode(hashlib.sha1(der).digest()).rstrip(b"=").decode()

    def jwks(self) -> dict[str, Any]:
        """The public key as a JSON Web Key Set."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "use": "sig", "kid": self.key_id, "x5t": self.key_id, "alg": "RS256"}]}

    def issue(self, audience: str, claims: dict[str, Any], lifetime: int = LIFETIME_SECONDS) -> str:
        """A v1.0 access token for ``audience`` with ``claims`` added to the standard ones."""
        now = int(time.time())
        body = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self.tenant_id}/",
            "iat": now,
            "nbf": now - 300,
            "exp": now + lifetime,
            "tid": self.tenant_id,
            "uti": base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode(),
            "ver": "1.0",
            **claims,
        }
        return jwt.encode(body, self._key, "RS256", headers={"kid": self.key_id, "x5t": self.key_id})

    def verify(self, authorization: str | None, audiences: tuple[str, ...]) -> Principal:
        """The principal of an ``Authorization`` header, or TokenRefused.

        Args:
            authorization: the header's value, or None.
            audiences: accepted audiences, compared without a trailing slash.
        """
        if not authorization or not authorization.lower().startswith("bearer "):
            raise TokenRefused("missing")
        token = authorization[7:].strip()
        if token.count(".") != 2:
            raise TokenRefused("malformed" if token else "missing")
        try:
            claims = jwt.decode(
                token, self._key.public_key(), ["RS256"], options={"verify_aud": False, "require": ["exp", "aud"]}
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenRefused("expired") from error
        except jwt.InvalidTokenError as error:
            raise TokenRefused("signature") from error
        if str(claims["aud"]).rstrip("/").lower() not in {audience.rstrip("/").lower() for audience in audiences}:
            raise TokenRefused("audience")
        delegated = "scp" in claims
        return Principal(
            app_id=claims["appid"],
            object_id=claims["oid"],
            roles=frozenset(claims.get("roles", [])),
            scopes=frozenset(claims.get("scp", "").split()),
            directory_roles=frozenset(claims.get("wids", [])) - {APP_ONLY_WID},
            user_id=claims["oid"] if delegated else "",
            user_principal_name=claims.get("upn", ""),
            claims=claims,
        )
