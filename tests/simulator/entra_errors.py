# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra's errors: AADSTS codes with their texts, and the shape they are answered in.

Texts are Microsoft's (reference-error-codes, recorded responses) unless a line says otherwise.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone
from typing import Any


class EntraError(Exception):
    """An answer of the token endpoint, or a page's error.

    Args:
        status: HTTP status.
        error: OAuth's word.
        code: the AADSTS number.
        text: what follows ``AADSTS{code}: ``.
        suberror: what Microsoft's clients sort errors by.
        claims: what a client has to send along with its next request for this resource.
    """

    def __init__(
        self, status: int, error: str, code: int, text: str, suberror: str = "", claims: dict[str, Any] | None = None
    ) -> None:
        super().__init__(f"AADSTS{code}: {text}")
        self.status, self.error, self.code, self.text = status, error, code, text
        self.suberror, self.claims = suberror, claims

    def body(self, correlation_id: str, base: str) -> dict[str, Any]:
        """The JSON answer, with new trace and the caller's correlation id."""
        now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
        trace = str(uuid.uuid4())
        description = (
            f"AADSTS{self.code}: {self.text} Trace ID: {trace} Correlation ID: {correlation_id} Timestamp: {now}"
        )
        body: dict[str, Any] = {
            "error": self.error,
            "error_description": description,
            "error_codes": [self.code],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation_id,
            "error_uri": f"{base}/error?code={self.code}",
        }
        if self.suberror:
            body["suberror"] = self.suberror
        if self.claims:
            body["claims"] = json.dumps(self.claims, separators=(",", ":"))
        return body


def wrong_secret(app_id: str) -> EntraError:
    """No such secret, or not yet."""
    text = (
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        f"the client secret ID, for a secret added to app '{app_id}'."
    )
    return EntraError(401, "invalid_client", 7000215, text)


def expired_secret(app_id: str) -> EntraError:
    """The secret was right once."""
    text = (
        f"The provided client secret keys for app '{app_id}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds."
    )
    return EntraError(401, "invalid_client", 7000222, text)


def unknown_application(app_id: str, tenant: str) -> EntraError:
    """No such application in the tenant, or not on this replica yet."""
    text = (
        f"Application with identifier '{app_id}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant."
    )
    return EntraError(400, "unauthorized_client", 700016, text)


def no_service_principal(app_id: str, tenant_id: str) -> EntraError:
    """The application is there and its service principal is not (text from public reports; status unverified)."""
    text = (
        f"The client application {app_id} is missing service principal in the tenant {tenant_id}. See instructions "
        "here: https://go.microsoft.com/fwlink/?linkid=2225119"
    )
    return EntraError(401, "invalid_client", 7000229, text)


def disabled_application(app_id: str, name: str) -> EntraError:
    """The service principal's accountEnabled is false, or the application's isDisabled true."""
    return EntraError(400, "unauthorized_client", 7000112, f"Application '{app_id}'({name}) is disabled.")


def unknown_tenant(segment: str, error: str) -> EntraError:
    """Neither a tenant id nor a verified domain. ``error``: invalid_tenant on discovery, invalid_request for tokens."""
    text = (
        f"Tenant '{segment}' not found. This may happen if there are no active subscriptions for the tenant. Check to "
        "make sure you have the correct tenant ID. Check with your subscription administrator."
    )
    return EntraError(400, error, 90002, text)


def bad_assertion(reason: str) -> EntraError:
    """A certificate assertion that does not verify."""
    return EntraError(
        401, "invalid_client", 700027, f"Client assertion contains an invalid signature. [Reason - {reason}]"
    )


def assertion_time(valid_from: Any, expires: Any) -> EntraError:
    """Outside its life (text from public reports)."""
    now = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S.0000000Z}"
    text = (
        f"Client assertion is not within its valid time range. Current time: {now}, "
        f"assertion valid from {valid_from}, expiry time of assertion {expires}. Review the documentation at "
        "https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials ."
    )
    return EntraError(401, "invalid_client", 700024, text)


def no_federated_record(code: int, what: str) -> EntraError:
    """No federated credential fits: 700211 issuer, 700212 audience, 700213 subject, 70021 none at all.

    Recordings show 400 invalid_request, and 400 or 401 invalid_client.
    """
    text = (
        f"No matching federated identity record found for presented assertion{what}. Please check your federated "
        "identity credential Subject, Audience and Issuer against the presented assertion. "
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
    )
    return EntraError(401, "invalid_client", code, text)


def no_credential() -> EntraError:
    """A confidential client came without secret or assertion (text unverified)."""
    text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
    return EntraError(401, "invalid_client", 7000218, text)


def missing_parameter(name: str) -> EntraError:
    """A form field is not there."""
    return EntraError(
        400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'."
    )


def not_consented(app_id: str, name: str) -> EntraError:
    """No delegated grant covers what was asked for."""
    text = (
        f"The user or administrator has not consented to use the application with ID '{app_id}' named '{name}'. Send "
        "an interactive authorization request for this user and resource."
    )
    return EntraError(400, "invalid_grant", 65001, text, "consent_required")


def unknown_resource(name: str, tenant: str) -> EntraError:
    """The resource has no service principal in the tenant."""
    text = (
        f"The resource principal named {name} was not found in the tenant named {tenant}. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You might have sent your authentication request to the wrong tenant."
    )
    return EntraError(400, "invalid_resource", 500011, text)


def several_resources(scope: str) -> EntraError:
    """One token is for one resource (documented; wording and OAuth's word from public reports)."""
    text = (
        "The provided value for the input parameter 'scope' is not valid because it contains more than one resource. "
        f"Scope {scope} is not valid."
    )
    return EntraError(400, "invalid_request", 28000, text)


def bad_scope(scope: str) -> EntraError:
    """The scope cannot be read."""
    text = (
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        f"'scope' is not valid. The scope {scope} is not valid."
    )
    return EntraError(400, "invalid_scope", 70011, text)


def not_default_scope(scope: str) -> EntraError:
    """Client credentials take /.default only (text from public reports)."""
    text = (
        f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI)."
    )
    return EntraError(400, "invalid_scope", 1002012, text)


def unknown_user(tenant_id: str) -> EntraError:
    """No such account."""
    text = (
        f"The user account {{EmailHidden}} does not exist in the {tenant_id} directory. To sign into this application, "
        "the account must be added to the directory."
    )
    return EntraError(400, "invalid_grant", 50034, text)


def wrong_password() -> EntraError:
    """The password is not the user's (the second half of the sentence is unverified)."""
    return EntraError(400, "invalid_grant", 50126, "Error validating credentials due to invalid username or password.")


def disabled_user() -> EntraError:
    """accountEnabled is false."""
    return EntraError(400, "invalid_grant", 50057, "The user account is disabled.")


def expired_password() -> EntraError:
    """The password has to be changed at the next sign-in."""
    return EntraError(400, "invalid_grant", 50055, "The password is expired.")


def revoked_grant(issued: float, valid_from: float) -> EntraError:
    """The refresh token is older than the user's last revocation or password (wording from public reports)."""
    issued_at, valid_at = (
        datetime.fromtimestamp(one, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for one in (issued, valid_from)
    )
    text = (
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        f"changed or reset their password. The grant was issued on '{issued_at}' and the TokensValidFrom date (before "
        f"which tokens are not valid) for this user is '{valid_at}'."
    )
    return EntraError(400, "invalid_grant", 50173, text)


def bad_grant(text: str = "The provided authorization code or refresh token has expired or is invalid.") -> EntraError:
    """A code or refresh token that is unknown, used up or another client's (texts unverified)."""
    return EntraError(400, "invalid_grant", 70008, text)


def single_tenant(app_id: str, name: str) -> EntraError:
    """/common and /organizations are for applications of several tenants."""
    text = (
        f"Application '{app_id}'({name}) is not configured as a multi-tenant application. Usage of the /common "
        "endpoint is not supported for such applications created after '10/15/2018'. Use a tenant-specific endpoint "
        "or configure the application to be multi-tenant."
    )
    return EntraError(400, "invalid_request", 50194, text)


def no_tenant() -> EntraError:
    """/common and /organizations do not say which tenant an application signs in to."""
    text = "No tenant-identifying information found in either the request or implied by any provided credentials."
    return EntraError(400, "invalid_request", 50059, text)


def public_with_credential() -> EntraError:
    """What was given to a public client is redeemed without a secret."""
    text = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."
    return EntraError(401, "invalid_client", 700025, text)


def not_assigned(app_id: str, name: str) -> EntraError:
    """The application is for assigned users only."""
    text = (
        "Your administrator has configured the application "
        f"{name} ('{app_id}') to block users unless they are specifically granted ('assigned') access to the "
        "application. The signed in user '{EmailHidden}' is blocked because they are not a direct member of a group "
        "with access, nor had access directly assigned by an administrator. Please contact your administrator to "
        "assign access to this application."
    )
    return EntraError(400, "invalid_grant", 50105, text)


def wrong_verb(verb: str) -> EntraError:
    """The token endpoint is for POST."""
    text = f"The endpoint only accepts POST, OPTIONS requests. Received a {verb} request."
    return EntraError(400, "invalid_request", 900561, text)


def unreachable_issuer() -> EntraError:
    """The issuer of a federated credential does not show its keys (public reports; 50166 was seen too)."""
    return EntraError(401, "invalid_client", 501661, "Request to External OIDC endpoint failed.")


# --- what sends people back to the application ------------------------------------------------------------------------


def declined() -> EntraError:
    """The person pressed Cancel."""
    return EntraError(400, "access_denied", 65004, "User declined to consent to access the app.")


def needs_administrator() -> EntraError:
    """The permissions are not the person's to give."""
    return EntraError(400, "access_denied", 90094, "Administrator consent is required.")


def not_signed_in() -> EntraError:
    """``prompt=none`` without a session."""
    text = "Session information is not sufficient for single-sign-on."
    return EntraError(400, "login_required", 50058, text)
