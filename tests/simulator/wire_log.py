# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire log: a line per request and answer, without secrets.

Those go to a file of their own, for tests that look for them elsewhere.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from starlette.types import Scope

MASK = "********"
_SECRET_HEADERS = {"authorization", "cookie", "set-cookie", "x-identity-header"}
_SECRET_MEMBERS = re.compile(
    r"(secret(text)?|password|assertion|_token|device_code|^key$|private_key|^proof$|passwordprofile)",
    re.IGNORECASE,
)
_NOT_SECRET_MEMBERS = {
    "client_assertion_type",
    "error_codes",
    "passwordCredential",
    "passwordCredentials",
    "passwordPolicies",
    "oauth_token_endpoint",
    "personal_vmr_oauth_token_endpoint",
    "token_endpoint",
    "token_type",
}
_CODE = re.compile(r"([?&#]code=)([^&#]+)")
_CODE_FIELD = re.compile(r'(name="code" value=")([^"]+)')
# What is shorter would be found in other words.
_SHORTEST = 6

Headers = Sequence[tuple[bytes, bytes]]


class WireLog:
    """Appends to the log, and to the file of the same name with the suffix ``.secrets``: a JSON line per masked value."""

    def __init__(self, path: Path) -> None:
        self._log = path.open("a", buffering=1)
        self._secrets = os.fdopen(
            os.open(path.with_suffix(".secrets"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", buffering=1
        )
        self._known: set[str] = set()

    def record(
        self, started: float, service: str, scope: Scope, body: bytes, answer: tuple[int, Headers, bytes]
    ) -> None:
        """Log a request and its answer: status, headers and body."""
        line = _Line()
        status, headers, content = answer
        entry = {
            "time": datetime.fromtimestamp(started, timezone.utc).isoformat(),
            "seconds": round(time.time() - started, 6),
            "service": service,
            "method": scope["method"],
            "path": unquote(scope["path"]),
            "query": line.without_code("?" + unquote(scope["query_string"].decode("latin-1")))[1:],
            "request_headers": line.headers(scope["headers"]),
            "request": line.content(body, scope["headers"]),
            "status": status,
            "response_headers": line.headers(headers),
            "response": line.content(content, headers),
        }
        self._log.write(json.dumps(line.without_echoes(entry)) + "\n")
        for secret, member in line.masked.items():
            if secret not in self._known:
                self._known.add(secret)
                self._secrets.write(json.dumps({"member": member, "secret": secret}) + "\n")


class _Line:
    """One request. ``masked`` has the secrets that were found, with the member or header that each was in."""

    def __init__(self) -> None:
        self.masked: dict[str, str] = {}

    def headers(self, headers: Headers) -> dict[str, str]:
        """Headers, credentials masked, also the code in a sign-in's redirect."""
        found = {}
        for raw, content in headers:
            name, value = raw.decode("latin-1"), content.decode("latin-1")
            secret = name.lower() in _SECRET_HEADERS
            found[name] = self._mask(name, value.rpartition(" ")[2]) if secret else self.without_code(value)
        return found

    def content(self, body: bytes, headers: Headers) -> Any:
        """JSON and forms as data without their secrets, anything else as text."""
        if not body:
            return None
        text = body.decode("utf-8", "replace")
        content_type = dict(headers).get(b"content-type", b"").decode("latin-1")
        if "json" in content_type:
            try:
                return self._without_secrets(json.loads(text))
            except ValueError:
                return text
        if "x-www-form-urlencoded" in content_type:
            pairs = (pair.partition("=") for pair in text.split("&"))
            form = {unquote_plus(name): unquote_plus(value) for name, _rest, value in pairs}
            if "code" in form:  # in JSON, that is what an error is called
                form["code"] = self._mask("code", form["code"])
            return self._without_secrets(form)
        return _CODE_FIELD.sub(lambda match: match[1] + self._mask("code", match[2]), text)

    def without_code(self, text: str) -> str:
        """An address without the code that a sign-in ends with."""
        return _CODE.sub(lambda match: match[1] + self._mask("code", match[2]), text)

    def without_echoes(self, value: Any) -> Any:
        """The same without what is secret in it elsewhere: an answer may repeat the request."""
        every = {
            form
            for secret in self.masked
            for form in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret))
        }
        return _replaced(value, every)

    def _without_secrets(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._member(name, inner) for name, inner in value.items()}
        return [self._without_secrets(inner) for inner in value] if isinstance(value, list) else value

    def _member(self, name: str, value: Any) -> Any:
        if not _is_secret(name) or not isinstance(value, (str, dict)):
            return self._without_secrets(value)
        for text in _texts(value):
            self._mask(name, text)
        return MASK

    def _mask(self, name: str, value: str) -> str:
        if len(value) >= _SHORTEST and value != MASK:
            self.masked[value] = name
        return MASK


@lru_cache
def _is_secret(member: str) -> bool:
    return member not in _NOT_SECRET_MEMBERS and bool(_SECRET_MEMBERS.search(member))


def _replaced(value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, secrets) for inner in value]
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
