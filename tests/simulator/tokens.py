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
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

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
    """The tenant's signing keys: RSA, made once and kept in the state directory with mode 0600."""

    def __init__(self, directory: Path, tenant_id: str) -> None:
        self.tenant_id, self._directory = tenant_id, directory
        self._key = _kept_key(directory / "signing-key.pem")
        self.key_id = _key_id(_certificate(self._key))
        secret = self._key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._seal = hashlib.sha256(b"seal" + secret).digest()

    @cached_property
    def jwks(self) -> list[dict[str, Any]]:
        """The public keys as JSON Web Keys: the next one first, then the one that signs.

        Entra publishes several keys, names them by the thumbprint of a certificate and says no ``alg``.
        """
        keys = []
        for key in (_kept_key(self._directory / "next-signing-key.pem"), self._key):
            certificate = _certificate(key)
            numbers: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
            name = _key_id(certificate)
            der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
            public = {"kty": "RSA", "use": "sig", "kid": name, "x5t": name, "n": numbers["n"], "e": numbers["e"]}
            keys.append({**public, "x5c": [der]})
        return keys

    def seal(self, purpose: str, content: dict[str, Any], seconds: float) -> str:
        """The content as text that nobody can change, for hidden fields and cookies."""
        return jwt.encode({**content, "aud": purpose, "exp": time.time() + seconds}, self._seal, "HS256")

    def unseal(self, purpose: str, text: str) -> dict[str, Any] | None:
        """What was sealed for that purpose; None when it was changed, is too old or for something else."""
        try:
            content: dict[str, Any] = jwt.decode(text, self._seal, ["HS256"], audience=purpose)
        except jwt.InvalidTokenError:
            return None
        return content

    def issue(self, audience: str, claims: dict[str, Any], lifetime: int = LIFETIME_SECONDS) -> str:
        """A v1.0 access token for ``audience`` with ``claims`` added to the standard ones."""
        now = int(time.time())
        body = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self.tenant_id}/",
            # Five minutes early, as published tokens are: exp - nbf is about 3900.
            "iat": now - 300,
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


def _kept_key(path: Path) -> rsa.RSAPrivateKey:
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
    return loaded


def _certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    """The key's self-signed certificate: the same each time, so that its thumbprint is."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "accounts.accesscontrol.windows.net")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial_number=1)
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=timezone.utc))
    return builder.not_valid_after(datetime(2120, 1, 1, tzinfo=timezone.utc)).sign(key, hashes.SHA256())


def _key_id(certificate: x509.Certificate) -> str:
    return base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA1())).rstrip(b"=").decode()  # noqa: S303
