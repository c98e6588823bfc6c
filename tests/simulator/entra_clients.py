# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is asking: the application behind a token request, and how it proves itself."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from . import entra_errors as errors
from . import entra_federation
from .entra_errors import EntraError
from .graph_credentials import moment, thumbprint_of
from .store import Document
from .tenant import Tenant

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PUBLIC, SECRET, CERTIFICATE = "0", "1", "2"
LEEWAY = 300
SHARED_SEGMENTS = ("common", "organizations")
# The hosts that msal takes for Microsoft's (msal 1.39.0, WELL_KNOWN_AUTHORITY_HOSTS), and tests' own.
AUTHORITY_HOSTS = [
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "login.chinacloudapi.cn",
    "login.partner.microsoftonline.cn",
    "login.microsoftonline.de",
    "login-us.microsoftonline.com",
    "login.microsoftonline.us",
    "login.usgovcloudapi.net",
    "login.sovcloud-identity.fr",
    "login.sovcloud-identity.de",
    "login.sovcloud-identity.sg",
]


@dataclass(frozen=True)
class Client:
    """An application that takes part, with its service principal.

    Attributes:
        proof: how it proved itself, as ``appidacr`` puts it: 0 not at all, 1 secret, 2 certificate or federation.
    """

    application: Document
    principal: Document
    proof: str

    @property
    def app_id(self) -> str:
        """The client id."""
        return str(self.application["appId"])


def find_client(tenant: Tenant, app_id: str, segment: str) -> tuple[Document, Document]:
    """The application and its service principal as the answering replica has them; EntraError otherwise."""
    if not app_id:
        raise errors.missing_parameter("client_id")
    view = tenant.store.view_for(f"secret/{app_id.lower()}")
    application = next((one for one in view.having("application", "appId", app_id) if not one["deletedDateTime"]), None)
    if application is None or not tenant.fresh.get("application", application["id"]):
        raise errors.unknown_application(app_id, segment)
    principals = view.having("servicePrincipal", "appId", app_id)
    principal = next((one for one in principals if not one["deletedDateTime"]), None)
    if principal is None:
        raise errors.no_service_principal(app_id, tenant.id)
    if not principal["accountEnabled"] or application.get("isDisabled"):
        raise errors.disabled_application(app_id, application["displayName"])
    return application, principal


def check_audience(application: Document, segment: str) -> None:
    """Raise EntraError for an application of this tenant alone that is used at /common or /organizations."""
    if segment.lower() in SHARED_SEGMENTS and application["signInAudience"] == "AzureADMyOrg":
        raise errors.single_tenant(application["appId"], application["displayName"])


def authenticate(tenant: Tenant, form: Mapping[str, str], segment: str, base: str) -> Client:
    """The client with its proof checked; without one the proof is PUBLIC. Raises EntraError."""
    app_id = form.get("client_id", "")
    if not app_id and form.get("client_assertion"):
        app_id = str(_unverified(form["client_assertion"]).get("sub", ""))
    application, principal = find_client(tenant, app_id, segment)
    if form.get("client_secret"):
        _check_secret(application, principal, form["client_secret"])
        return Client(application, principal, SECRET)
    if form.get("client_assertion"):
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise errors.missing_parameter("client_assertion_type")
        _check_assertion(tenant, application, form["client_assertion"], base)
        return Client(application, principal, CERTIFICATE)
    return Client(application, principal, PUBLIC)


def _check_secret(application: Document, principal: Document, secret: str) -> None:
    now, expired = time.time(), False
    for one in [*application["passwordCredentials"], *principal["passwordCredentials"]]:
        if not hmac.compare_digest(str(one.get("_secretText") or "").encode(), secret.encode()):
            continue
        if moment(one["startDateTime"]) <= now + 1 and now < moment(one["endDateTime"]):
            return
        expired = expired or now >= moment(one["endDateTime"])
    raise errors.expired_secret(application["appId"]) if expired else errors.wrong_secret(application["appId"])


def _unverified(assertion: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        text = "Client assertion failed signature validation."
        raise EntraError(401, "invalid_client", 700027, text) from error
    return claims


def _check_assertion(tenant: Tenant, application: Document, assertion: str, base: str) -> None:
    claims = _unverified(assertion)
    header = jwt.get_unverified_header(assertion)
    if "x5t" in header or "x5t#S256" in header or str(claims.get("iss", "")).lower() == application["appId"].lower():
        _check_certificate(tenant, application, assertion, header, claims, base)
    else:
        entra_federation.check(tenant, application, assertion, claims)
    now = time.time()
    expires, begins = float(claims.get("exp") or 0), float(claims.get("nbf") or claims.get("iat") or 0)
    if not begins - LEEWAY <= now <= expires + LEEWAY:
        raise errors.assertion_time(begins, expires)


def _check_certificate(
    tenant: Tenant, application: Document, assertion: str, header: dict[str, Any], claims: dict[str, Any], base: str
) -> None:
    credential, certificate = _by_thumbprint(application, header)
    if credential is None or certificate is None:
        raise errors.bad_assertion("The key was not found.")
    thumbprint = thumbprint_of(certificate).hex().upper()
    start, end = credential["startDateTime"], credential["endDateTime"]
    if not moment(start) <= time.time() < moment(end):
        reason = (
            f"The key used is expired. Thumbprint of key used by client: '{thumbprint}', "
            f"Found key 'Start={start}, End={end}'"
        )
        raise errors.bad_assertion(reason)
    try:
        jwt.decode(
            assertion,
            certificate.public_key(),  # type: ignore[arg-type]  # RSA: the key that Entra takes
            ["RS256", "PS256"],
            # Times are checked for every assertion alike; msal writes them as floats.
            options=entra_federation.UNCHECKED,
        )
    except (jwt.InvalidTokenError, TypeError) as error:
        raise errors.bad_assertion(
            "The provided signature value did not match the expected signature value."
        ) from error
    if {str(claims.get("iss")).lower(), str(claims.get("sub")).lower()} != {application["appId"].lower()}:
        # Text from public reports.
        text = "Client assertion application identifier doesn't match 'client_id' parameter."
        raise EntraError(401, "invalid_client", 700021, text)
    if not _own_audience(tenant, str(claims.get("aud", "")), base):
        # Text from public reports.
        text = "Client assertion audience claim does not match Realm issuer."
        raise EntraError(401, "invalid_client", 700023, text)


def _by_thumbprint(application: Document, header: dict[str, Any]) -> tuple[Document | None, x509.Certificate | None]:
    for credential in application["keyCredentials"]:
        certificate = x509.load_der_x509_certificate(base64.b64decode(credential["key"]))
        sha1, sha256 = thumbprint_of(certificate), certificate.fingerprint(hashes.SHA256())
        if _bytes(header.get("x5t")) == sha1 or _bytes(header.get("x5t#S256")) == sha256:
            return credential, certificate
    return None, None


def _bytes(value: Any) -> bytes:
    """Base64url with or without padding (msal keeps it); empty when it is neither."""
    try:
        return base64.urlsafe_b64decode(str(value or "").rstrip("=") + "==")
    except ValueError:
        return b""


def _own_audience(tenant: Tenant, audience: str, base: str) -> bool:
    """Whether an assertion's audience is this tenant's token endpoint or issuer, at any of its addresses."""
    parts = urlsplit(audience)
    segment, _rest, rest = parts.path.strip("/").partition("/")
    known_host = parts.hostname in (*AUTHORITY_HOSTS, urlsplit(base).hostname)
    known_path = rest in ("oauth2/v2.0/token", "oauth2/token", "v2.0", "")
    return known_host and known_path and (segment in SHARED_SEGMENTS or tenant.names_tenant(segment))
