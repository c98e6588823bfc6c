# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization requests: the way back to the application, and what else has to be right before anybody signs in."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from . import entra_errors as errors
from .entra_errors import EntraError
from .store import Document

_METHODS = ("S256", "plain")
_MODES = ("query", "fragment", "form_post")


def check_request(application: Document, request: Mapping[str, str]) -> None:
    """Raise EntraError for what is wrong with an authorization request (documented codes, wordings unverified)."""
    kind = request.get("response_type", "")
    if not kind:
        raise errors.missing_parameter("response_type")
    if kind != "code":
        code, named = (700054, "id_token") if "id_token" in kind.split() else (700051, kind)
        text = f"response_type '{named}' is not enabled for the application."
        raise EntraError(400, "unsupported_response_type", code, text)
    if request.get("response_mode", "query") not in _MODES:
        text = f"'{request['response_mode']}' is not a supported value of 'response_mode'."
        raise EntraError(400, "invalid_request", 70007, text)
    challenge = request.get("code_challenge")
    if challenge is not None and not 43 <= len(challenge) <= 128:
        raise EntraError(400, "invalid_request", 501491, "Invalid size of Code_Challenge parameter.")
    if request.get("code_challenge_method", "plain") not in _METHODS:
        raise EntraError(400, "invalid_request", 90023, "The code_challenge_method is not supported.")


def address_of(application: Document, request: Mapping[str, str]) -> str:
    """Where the person goes back to. EntraError for an address that is not registered."""
    parts = ("web", "publicClient", "spa")
    known = [uri for part in parts for uri in (application.get(part) or {}).get("redirectUris") or []]
    if not known:
        text = "No reply address is registered for the application."
        raise EntraError(400, "invalid_request", 500113, text)
    address = request.get("redirect_uri") or known[0]
    if registered(application, address) is None:
        text = (
            f"The redirect URI '{address}' specified in the request does not match the redirect URIs configured for "
            f"the application '{application['appId']}'. Make sure the redirect URI sent in the request matches one "
            "added to your application in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to "
            "learn more about how to troubleshoot this."
        )
        raise EntraError(400, "invalid_request", 50011, text)
    return address


def registered(application: Document, address: str) -> bool | None:
    """Whether a registered redirect address belongs to a public client; None when it is not registered.

    Any port is right for a registered http://localhost or http://127.0.0.1 (Microsoft docs: reply-url).
    """
    for part in ("web", "publicClient", "spa"):
        for uri in (application.get(part) or {}).get("redirectUris") or []:
            one, other = urlsplit(uri), urlsplit(address)
            loopback = one.scheme == "http" and one.hostname in ("localhost", "127.0.0.1")
            same = (one.scheme, one.hostname, one.path.rstrip("/")) == (
                other.scheme,
                other.hostname,
                other.path.rstrip("/"),
            )
            if address == uri or (loopback and same):
                return part != "web"
    return None
