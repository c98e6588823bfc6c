# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Federated credentials: another issuer's token in place of a secret, verified with the keys that issuer shows."""

from __future__ import annotations

from typing import Any

import jwt
import requests

from . import entra_errors as errors
from .store import Document
from .tenant import Tenant

_SECONDS = 5
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]
# Entra verifies audience and times with errors of its own.
UNCHECKED: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False}


def check(tenant: Tenant, application: Document, assertion: str, claims: dict[str, Any]) -> None:
    """Raise EntraError unless a credential of the application names issuer, subject and audience, and the issuer signed."""
    records = application["_federatedIdentityCredentials"]
    if not records:
        raise errors.no_federated_record(70021, "")
    issuer, subject, audience = claims.get("iss"), claims.get("sub"), claims.get("aud")
    records = [one for one in records if one["issuer"] == issuer]
    if not records:
        raise errors.no_federated_record(700211, f" issuer '{issuer}'")
    records = [one for one in records if one["subject"] == subject]
    if not records:
        raise errors.no_federated_record(700213, f" subject '{subject}'")
    audiences = audience if isinstance(audience, list) else [audience]
    if not any(set(one["audiences"]) & set(audiences) for one in records):
        raise errors.no_federated_record(700212, f" audience '{audience}'")
    key_id = jwt.get_unverified_header(assertion).get("kid")
    for key in _keys(tenant, str(issuer)):
        if key_id in (None, key.key_id) and _signed(assertion, key):
            return
    raise errors.bad_assertion("The key was not found.")


def _signed(assertion: str, key: jwt.PyJWK) -> bool:
    try:
        jwt.decode(assertion, key, _ALGORITHMS, options=UNCHECKED)
    except jwt.InvalidTokenError:
        return False
    return True


def _keys(tenant: Tenant, issuer: str) -> list[jwt.PyJWK]:
    """The issuer's keys: as seeded, or fetched as OpenID Connect Discovery says.

    Fetching trusts what ``requests`` trusts: REQUESTS_CA_BUNDLE names a private authority.
    """
    seeded = (tenant.fresh.get("setting", "issuers") or {}).get(issuer)
    try:
        if seeded is None:
            configuration = _fetch(issuer.rstrip("/") + "/.well-known/openid-configuration")
            if configuration.get("issuer") != issuer:
                raise errors.unreachable_issuer()
            seeded = _fetch(str(configuration["jwks_uri"]))
        return jwt.PyJWKSet.from_dict(seeded).keys
    except (requests.RequestException, ValueError, KeyError, jwt.PyJWTError) as error:
        raise errors.unreachable_issuer() from error


def _fetch(url: str) -> dict[str, Any]:
    if not url.startswith("https://"):
        raise ValueError(f"{url} is not https")
    answer = requests.get(url, timeout=_SECONDS, allow_redirects=False)
    answer.raise_for_status()
    document = answer.json()
    if not isinstance(document, dict):
        raise ValueError(f"{url} holds no JSON object")
    return document
