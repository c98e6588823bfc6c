# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Device codes: asked for by a device, entered by a person (see ``entra_signin``), redeemed by the device."""

from __future__ import annotations

import secrets
import time
from typing import Any

from . import entra_errors as errors
from . import entra_policies
from .entra_clients import SHARED_SEGMENTS
from .entra_errors import EntraError
from .entra_flows import GRANTS, Asked, for_user, may_be_public, user_of
from .entra_tokens import hash_of, keep_grant
from .store import Document
from .tenant import Tenant

DEVICE_SECONDS, DEVICE_INTERVAL = 900, 5
_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXYZ23456789"


def device_code(asked: Asked) -> dict[str, Any]:
    """Step 1: a code for the device and one for the user. Raises EntraError."""
    client = asked.client()
    if asked.segment.lower() in SHARED_SEGMENTS and client.application["signInAudience"] == "AzureADMyOrg":
        raise errors.no_tenant()  # unverified that it is this code
    asked.wish()
    scope = asked.scope()
    user_code = "".join(secrets.choice(_CODE_LETTERS) for _rest in range(9))
    value = keep_grant(
        asked.tenant,
        "device",
        client,
        None,
        DEVICE_SECONDS,
        scope=scope,
        userCode=user_code,
        state="pending",
        clientApp=entra_policies.NATIVE,
        segment=asked.segment,
        version_1=asked.version_1,
    )
    page = f"{asked.base}/common/oauth2/deviceauth"
    answer = {
        "user_code": user_code,
        "device_code": value,
        "verification_uri": page,
        "expires_in": DEVICE_SECONDS,
        "interval": DEVICE_INTERVAL,
        "message": f"To sign in, use a web browser to open the page {page} and enter the code {user_code} to "
        "authenticate.",
    }
    if asked.version_1:
        # What clients of the v1 endpoint read: another name, and numbers as strings.
        answer |= {"verification_url": page, "expires_in": str(DEVICE_SECONDS), "interval": str(DEVICE_INTERVAL)}
    return answer


def waiting(tenant: Tenant, user_code: str) -> Document | None:
    """The device that waits for this user code."""
    return tenant.fresh.first(
        "grant",
        lambda one: (
            one["type"] == "device"
            and (one["userCode"], one["state"]) == (user_code.strip().upper(), "pending")
            and one["expires"] > time.time()
        ),
    )


def _device(asked: Asked) -> dict[str, Any]:
    value = asked.form.get("device_code") or asked.need("code")
    client = asked.client()
    may_be_public(client)
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
    answer = for_user(asked, client, wish, user_of(asked, grant), grant, "deviceCodeFlow")
    asked.tenant.store.update("grant", hash_of(value), state="used")
    return answer


GRANTS |= {"urn:ietf:params:oauth:grant-type:device_code": _device, "device_code": _device}
