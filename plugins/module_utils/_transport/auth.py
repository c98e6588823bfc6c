# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials to tokens, which are kept here, and for later modules of the same run where there is a shelf for them.

Each sign-in method has a file of its own, and goes through msal.
"""

from __future__ import annotations

import base64
import json
import time
import traceback
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from .clock import Backoff, Deadline
from .errors import BadAnswer, MissingLibrary, SignInFailed, Unreachable, Untrusted
from .session import network_words

if TYPE_CHECKING:
    import requests

    from .kept import Shelf, Token

RENEW_SECONDS_BEFORE_END = 120
TRANSIENT_CODES = {"temporarily_unavailable", "server_error"}


def import_msal() -> Any:
    """The msal module. Raises MissingLibrary."""
    try:
        import msal
    except ImportError as error:
        raise MissingLibrary("msal", traceback.format_exc()) from error
    return msal


class Credential(Protocol):
    """One way to sign in."""

    def acquire(self, resource: str, session: requests.Session) -> Mapping[str, Any]:
        """msal's result for an app-only or delegated token for ``resource`` (its base address)."""

    def proof(self) -> bytes | None:
        """The secret that is signed in with; None for one who has none of their own."""


class Tokens:
    """Tokens by resource, kept until shortly before they end.

    Args:
        deadline: when to stop retrying a sign-in service that does not answer.
        shelf: where earlier modules of the run left theirs; None where there is no such place.
    """

    def __init__(
        self, credential: Credential, session: requests.Session, deadline: Deadline, shelf: Shelf | None = None
    ) -> None:
        self._credential, self._session, self._deadline, self._shelf = credential, session, deadline, shelf
        self._kept: dict[str, Token] = {}
        self._issued: set[str] = set()
        self._inherited: set[str] = set()
        self._signing_in = Lock()

    @property
    def secrets(self) -> set[str]:
        """Every secret that signing in has brought, for whoever has to keep them out of texts."""
        return self._issued | getattr(self._credential, "secrets", set())

    def provider(self, resource: str) -> Callable[[bool], str]:
        """A function that gives a token for ``resource``; called with True it asks for a new one."""
        return lambda renew: self.token(resource, renew)

    def forget(self) -> None:
        """Drop what is kept: a role granted a moment ago is only in tokens issued after it.

        It may be some moments more until it is, so what this module gets from now on is not for later ones.
        """
        self._kept.clear()
        if self._shelf is not None:
            self._shelf.clear()
            self._shelf = None

    def forget_inherited(self) -> bool:
        """Drop what earlier modules got; whether that was used. Since then, more may have been granted."""
        inherited, self._inherited = self._inherited, set()
        if self._shelf is not None and inherited:
            self._kept.clear()
            self._shelf.clear()
        return bool(inherited)

    def own_token(self, resource: str) -> str:
        """A token that no earlier module got, for whoever asks what is granted now. Raises as ``token`` does."""
        self.token(resource)
        return self.token(resource, renew=resource in self._inherited)

    def claims(self, resource: str) -> dict[str, Any]:
        """What the kept token says of its bearer, {} when it cannot be read. For messages; the service decides."""
        token = self._kept.get(resource, ("", 0.0))[0]
        parts = token.split(".")
        try:
            found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        except (IndexError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def token(self, resource: str, renew: bool = False) -> str:
        """A bearer token; one sign-in at a time, whoever asks. Raises SignInFailed or Unreachable."""
        with self._signing_in:
            return self._token(resource, renew)

    def _token(self, resource: str, renew: bool) -> str:
        if resource not in self._kept and not renew and self._shelf is not None:
            self._inherit(resource, self._shelf)
        kept = self._kept.get(resource)
        if kept and not renew and kept[1] > time.time():
            return kept[0]
        result = self._acquire(resource)
        ends = time.time() + float(result.get("expires_in") or 0) - RENEW_SECONDS_BEFORE_END
        self._kept[resource] = (str(result["access_token"]), ends)
        self._inherited.discard(resource)
        if self._shelf is not None:
            self._shelf.put(resource, self._kept[resource])
        return self._kept[resource][0]

    def _inherit(self, resource: str, shelf: Shelf) -> None:
        """Take the token that an earlier module left, if there is one."""
        left = shelf.get(resource)
        if left:
            self._kept[resource] = left
            self._issued.add(left[0])
            self._inherited.add(resource)

    def _acquire(self, resource: str) -> Mapping[str, Any]:
        import requests

        tried, backoff = f"sign in for {resource}", Backoff()
        failed = import_msal().exceptions.MsalServiceError  # what msal makes of a 5xx
        while True:
            try:
                result = self._credential.acquire(resource, self._session)
                self._issued.update(str(value) for name, value in result.items() if name.endswith("_token"))
            except (Untrusted, BadAnswer) as error:
                raise SignInFailed(tried, text=error.text, advice=error.advice) from error
            except requests.exceptions.RequestException as error:
                failure = Unreachable(tried, text=network_words(error), advice=_NETWORK_ADVICE)
            except failed as error:
                failure = Unreachable(tried, text=str(error), advice=_NETWORK_ADVICE)
            except ValueError as error:
                raise self._refused(tried, "", str(error)) from error
            except _UNEXPECTED as error:
                raise SignInFailed(tried, text=f"the answer makes no sense: {error}", advice=_NETWORK_ADVICE) from error
            else:
                if _is_usable(result):
                    return result
                code = str(result.get("error", ""))
                text = str(result.get("error_description", "")).splitlines()
                first = text[0] if text else "no token and no reason"
                if code not in TRANSIENT_CODES and "status_code" not in code:
                    raise self._refused(tried, code, first, str(result.get("correlation_id", "")))
                failure = Unreachable(tried, code=code, text=first, advice=_NETWORK_ADVICE)
            if not self._deadline.sleep(backoff.next(), failure):
                raise failure

    def _refused(self, tried: str, code: str, text: str, correlation_id: str = "") -> SignInFailed:
        hint = getattr(self._credential, "hint", "client_id")
        advice = next(
            (words for marks, words in _ADVICE if any(mark in text for mark in marks)), f"Check {hint}."
        ).format(hint=hint)
        return SignInFailed(tried, code=code, text=text, request_id=correlation_id, advice=advice)


def _is_usable(result: Any) -> bool:
    """Whether msal's result holds a token that fits into a header, where a newline would end it."""
    token = result.get("access_token")
    return isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token


_NETWORK_ADVICE = "Check the network, the proxy (HTTPS_PROXY) and login_url."
# What msal raises on answers that it does not expect, beside ValueError.
_UNEXPECTED = (TypeError, AttributeError, LookupError, ArithmeticError, RecursionError, RuntimeError)
_ADVICE: tuple[tuple[tuple[str, ...], str], ...] = (
    (("AADSTS7000215",), "Check client_secret: it must be the secret's value, not its id."),
    (("AADSTS7000222",), "client_secret has expired; create a new one for the app, or use certificate_path."),
    (("AADSTS700016",), "Check client_id and tenant_id: the app is not in this tenant."),
    (
        ("AADSTS90002", "AADSTS900021", "Unable to get authority configuration"),
        "Check tenant_id: there is no such tenant (a GUID or a verified domain), or login_url is wrong.",
    ),
    (("AADSTS700027",), "Check certificate_path: the certificate is not registered for the app, or has expired."),
    (
        ("AADSTS70021", "AADSTS700211", "AADSTS700213"),
        "Check the app's federated credential: its issuer, subject and audience must be those of the token.",
    ),
    (("AADSTS65001",), "An administrator has to consent to the app's permissions first."),
    (("AADSTS500011",), "Check cloud: the service is not known in this tenant's cloud."),
    (
        ("Could not deserialize key", "Incorrect password", "Invalid password", "Bad decrypt", "bad decrypt"),
        "Check certificate_passphrase, and that certificate_path holds a private key.",
    ),
)
