# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials of applications and service principals: secrets, certificates, federated identities."""

from __future__ import annotations

import base64
import binascii
import secrets
import string
from datetime import datetime
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from .graph_call import NO_CONTENT, Answer, Call, GraphError, bad_request, denied, not_found, operation
from .graph_lists import collection
from .graph_objects import find, to_change
from .graph_odata import Kind, single
from .graph_types import check_body
from .store import Document
from .tenant import graph_time, new_id

PROOF_AUDIENCE = "00000002-0000-0000-c000-000000000000"
SECRET_LENGTH = 40
TWO_YEARS = 2 * 365 * 24 * 3600
_LETTERS = string.ascii_letters + string.digits + "~._-"
_FEDERATED = Kind(
    "federatedIdentityCredential", "federatedIdentityCredentials", filterable=frozenset({"name", "issuer", "subject"})
)
MOST_FEDERATED = 20


def _owner(call: Call, key: str) -> tuple[str, Document]:
    """The application or service principal that a credential operation changes, with its kind."""
    kind = "application" if call.path.lower().startswith("/applications") else "servicePrincipal"
    document = to_change(call, kind, key)
    if call.owned_only and call.principal.object_id not in document["_owners"]:
        raise denied()
    return kind, document


def moment(value: str) -> float:
    """Seconds since the epoch of a Graph timestamp."""
    return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()


def thumbprint_of(certificate: x509.Certificate) -> bytes:
    """The SHA-1 thumbprint, which is a certificate's name in x5t and customKeyIdentifier."""
    return certificate.fingerprint(hashes.SHA1())  # noqa: S303  (a name, not a proof)


@operation(
    "POST /applications/{application-id}/addPassword", "POST /servicePrincipals/{servicePrincipal-id}/addPassword"
)
def add_password(call: Call, key: str) -> Answer:
    """A new secret; its text is in this answer only."""
    kind, document = _owner(call, key)
    body = check_body("POST /applications/{application-id}/addPassword", call.body if call.body is not None else {})
    wish = body.get("passwordCredential") or {}
    start = wish.get("startDateTime") or graph_time()
    end = wish.get("endDateTime") or graph_time(moment(start) + TWO_YEARS)
    if moment(end) <= moment(start):
        # Unverified wording.
        raise GraphError(400, "PasswordCredentialsInvalidEndDate", "Password credential end date is invalid.")
    secret = "".join(secrets.choice(_LETTERS) for _rest in range(SECRET_LENGTH))
    credential: Document = {
        "customKeyIdentifier": wish.get("customKeyIdentifier"),
        "displayName": wish.get("displayName"),
        "endDateTime": end,
        "hint": secret[:3],
        "keyId": new_id(),
        "secretText": None,
        "startDateTime": start,
    }
    kept = [*document["passwordCredentials"], {**credential, "_secretText": secret}]
    call.tenant.store.update(kind, document["id"], passwordCredentials=kept)
    context = {"@odata.context": f"{call.base}/$metadata#microsoft.graph.passwordCredential"}
    return Answer(200, {**context, **credential, "secretText": secret})


@operation(
    "POST /applications/{application-id}/removePassword", "POST /servicePrincipals/{servicePrincipal-id}/removePassword"
)
def remove_password(call: Call, key: str) -> Answer:
    """Take a secret away by its keyId."""
    kind, document = _owner(call, key)
    body = check_body("POST /applications/{application-id}/removePassword", call.body)
    _must_hold(call, kind, document, "passwordCredentials", body.get("keyId"))
    kept = [one for one in document["passwordCredentials"] if one["keyId"] != body["keyId"]]
    call.tenant.store.update(kind, document["id"], passwordCredentials=kept)
    return NO_CONTENT


@operation("POST /applications/{application-id}/addKey", "POST /servicePrincipals/{servicePrincipal-id}/addKey")
def add_key(call: Call, key: str) -> Answer:
    """A further certificate, proved by one that is there already."""
    kind, document = _owner(call, key)
    body = check_body("POST /applications/{application-id}/addKey", call.body)
    _check_proof(document, body.get("proof"))
    added = key_credentials([body.get("keyCredential") or {}], [])
    call.tenant.store.update(kind, document["id"], keyCredentials=[*document["keyCredentials"], *added])
    context = {"@odata.context": f"{call.base}/$metadata#microsoft.graph.keyCredential"}
    return Answer(200, {**context, **added[0], "key": None})


@operation("POST /applications/{application-id}/removeKey", "POST /servicePrincipals/{servicePrincipal-id}/removeKey")
def remove_key(call: Call, key: str) -> Answer:
    """Take a certificate away, proved by one that is there."""
    kind, document = _owner(call, key)
    body = check_body("POST /applications/{application-id}/removeKey", call.body)
    _check_proof(document, body.get("proof"))
    _must_hold(call, kind, document, "keyCredentials", body.get("keyId"))
    kept = [one for one in document["keyCredentials"] if one["keyId"] != body["keyId"]]
    call.tenant.store.update(kind, document["id"], keyCredentials=kept)
    return NO_CONTENT


def _must_hold(call: Call, kind: str, document: Document, name: str, key_id: Any) -> None:
    seen = call.view.get(kind, document["id"]) or document
    if not all(any(one["keyId"] == key_id for one in version[name]) for version in (seen, document)):
        raise bad_request("No credentials found to be removed.")


def _check_proof(document: Document, proof: Any) -> None:
    """Microsoft docs: application-rollkey-prooftoken."""
    refused = GraphError(401, "Authentication_MissingOrMalformed", "Access Token missing or malformed.")
    if not isinstance(proof, str) or "=" in proof:
        raise refused
    for credential in document["keyCredentials"]:
        certificate = x509.load_der_x509_certificate(base64.b64decode(credential["key"]))
        try:
            claims = jwt.decode(
                proof,
                certificate.public_key(),  # type: ignore[arg-type]  # RSA or EC: the kinds that Entra takes
                ["RS256", "PS256"],
                audience=PROOF_AUDIENCE,
                issuer=document["id"],
                options={"require": ["exp", "nbf", "aud", "iss"]},
            )
        except (jwt.InvalidTokenError, TypeError):
            continue
        if claims["exp"] - claims["nbf"] <= 600:
            return
    raise refused


def key_credentials(wanted: list[Document], before: list[Document]) -> list[Document]:
    """``keyCredentials`` as they are kept; an entry without key keeps the one of its keyId (unverified).

    Raises GraphError for what is no certificate, and for an end after the certificate's own.
    """
    kept = []
    earlier = {one["keyId"]: one for one in before}
    for wish in wanted:
        known = earlier.get(wish.get("keyId") or "")
        if wish.get("key") is None and known:
            kept.append({**known, **{name: value for name, value in wish.items() if value is not None}})
            continue
        if wish.get("type") not in (None, "AsymmetricX509Cert") or wish.get("usage") not in (None, "Verify"):
            raise bad_request("Invalid value specified for property 'keyCredentials' of resource 'Application'.")
        try:
            certificate = x509.load_der_x509_certificate(base64.b64decode(str(wish.get("key") or ""), validate=True))
        except (ValueError, binascii.Error) as error:
            # Unverified wording.
            text = "Key credential's value is not a valid certificate."
            raise GraphError(400, "KeyCredentialsInvalidValue", text) from error
        start, end = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
        if wish.get("endDateTime") and moment(wish["endDateTime"]) > end:
            # Unverified wording.
            raise GraphError(400, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid.")
        kept.append(
            {
                "customKeyIdentifier": wish.get("customKeyIdentifier") or thumbprint_of(certificate).hex().upper(),
                "displayName": wish.get("displayName") or certificate.subject.rfc4514_string(),
                "endDateTime": wish.get("endDateTime") or graph_time(end),
                "key": wish["key"],
                "keyId": wish.get("keyId") or new_id(),
                "startDateTime": wish.get("startDateTime") or graph_time(start),
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
            }
        )
    return kept


# --- federated identity credentials -----------------------------------------------------------------------------------


def _context(application: Document) -> str:
    return f"applications('{application['id']}')/federatedIdentityCredentials"


@operation("GET /applications/{application-id}/federatedIdentityCredentials")
def list_federated(call: Call, key: str) -> Answer:
    """The federated credentials of an application."""
    application = find(call, "application", key)
    seen = call.lists.get("application", application["id"]) or {}
    return collection(call, _FEDERATED, seen.get("_federatedIdentityCredentials", []), _context(application))


@operation("GET /applications/{application-id}/federatedIdentityCredentials/{federatedIdentityCredential-id}")
def get_federated(call: Call, key: str, credential_key: str) -> Answer:
    """One federated credential, by id or name."""
    application = find(call, "application", key)
    return single(call, _FEDERATED, _federated(application, credential_key), context=_context(application) + "/$entity")


@operation("POST /applications/{application-id}/federatedIdentityCredentials")
def add_federated(call: Call, key: str) -> Answer:
    """A new federated credential; its name, and its issuer with subject, are unique within the application."""
    _rest, application = _owner(call, key)
    body = check_body("POST /applications/{application-id}/federatedIdentityCredentials", call.body)
    there = application["_federatedIdentityCredentials"]
    credential = {"id": new_id(), **_federated_values(body, {"description": None, "subject": None})}
    if len(there) >= MOST_FEDERATED:
        raise bad_request(
            "The maximum number of federated identity credentials has been reached."
        )  # unverified wording
    if any(one["name"].lower() == credential["name"].lower() for one in there):
        # Unverified wording and status.
        text = f"FederatedIdentityCredential with name {credential['name']} already exists."
        raise GraphError(409, "Request_MultipleObjectsWithSameKeyValue", text)
    if any((one["issuer"], one["subject"]) == (credential["issuer"], credential["subject"]) for one in there):
        # Unverified wording.
        raise bad_request("Issuer and subject combination already exists for this application.")
    call.tenant.store.update("application", application["id"], _federatedIdentityCredentials=[*there, credential])
    return single(call, _FEDERATED, credential, 201, context=_context(application) + "/$entity")


@operation("PATCH /applications/{application-id}/federatedIdentityCredentials/{federatedIdentityCredential-id}")
def update_federated(call: Call, key: str, credential_key: str) -> Answer:
    """Change a federated credential; its name stays."""
    _rest, application = _owner(call, key)
    operation_name = (
        "PATCH /applications/{application-id}/federatedIdentityCredentials/{federatedIdentityCredential-id}"
    )
    body = check_body(operation_name, call.body)
    credential = _federated(application, credential_key)
    if body.get("name", credential["name"]) != credential["name"]:
        raise bad_request("Property 'name' is read-only and cannot be set.")  # unverified wording
    changed = {**credential, **_federated_values(body, credential)}
    kept = [changed if one["id"] == credential["id"] else one for one in application["_federatedIdentityCredentials"]]
    call.tenant.store.update("application", application["id"], _federatedIdentityCredentials=kept)
    return NO_CONTENT


@operation("DELETE /applications/{application-id}/federatedIdentityCredentials/{federatedIdentityCredential-id}")
def delete_federated(call: Call, key: str, credential_key: str) -> Answer:
    """Take a federated credential away."""
    _rest, application = _owner(call, key)
    credential = _federated(application, credential_key)
    kept = [one for one in application["_federatedIdentityCredentials"] if one["id"] != credential["id"]]
    call.tenant.store.update("application", application["id"], _federatedIdentityCredentials=kept)
    return NO_CONTENT


def _federated(application: Document, key: str) -> Document:
    for one in application["_federatedIdentityCredentials"]:
        if key.lower() in (one["id"].lower(), one["name"].lower()):
            found: Document = one
            return found
    raise not_found(key)


def _federated_values(body: Document, before: Document) -> Document:
    values: Document = {
        name: body.get(name, before.get(name)) for name in ("name", "issuer", "subject", "audiences", "description")
    }
    for name in ("name", "issuer", "subject", "audiences"):
        if not values[name]:
            # Unverified wording.
            raise bad_request(f"A value is required for property '{name}' of resource 'FederatedIdentityCredential'.")
    if len(values["audiences"]) != 1:
        raise bad_request("Exactly one audience is allowed in a federated identity credential.")  # unverified wording
    return values
