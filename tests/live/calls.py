# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorder took down: requests with their answers, as they went over the wire, and as data to look at."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from lxml import etree

_TOKEN = re.compile(r"(eyJ[\w-]+)\.(eyJ[\w-]+)\.[\w-]*")
_COMMAND = "CmdletInput"


@dataclass(frozen=True)
class Call:
    """One request and its answer. Bodies are as they were sent, but no longer compressed; header names in lower case.

    Args:
        stage: the part of the run that sent it.
        at: seconds since the stage began.
        service: login, graph, outlook.
        target: path and query, percent-encoded.
        status: 0 where there was no answer.
        failure: why there was none.
    """

    stage: str
    at: float
    service: str
    method: str
    target: str
    request_headers: Mapping[str, str]
    request: bytes
    status: int
    response_headers: Mapping[str, str]
    response: bytes
    failure: str = ""


@dataclass(frozen=True)
class Exchange:
    """One thing that was asked for, and the answer: a call, or an item of one that is a batch. Bodies are data.

    Args:
        operation: a cmdlet, an EWS operation, or empty: then method and path say what it is.
    """

    call: Call
    operation: str
    method: str
    path: Sequence[str]
    query: Mapping[str, str]
    request: Any
    status: int
    headers: Mapping[str, str]
    response: Any


def exchanges(call: Call) -> Iterator[Exchange]:
    """What a call consists of: itself, or the items of a batch in the order in which they were asked."""
    request, response = _data(call.request, call.request_headers), _data(call.response, call.response_headers)
    parts = urlsplit(call.target)
    if parts.path.endswith("/$batch") and isinstance(request, dict) and isinstance(response, dict):
        answers = {str(one.get("id")): one for one in _objects(response.get("responses"))}
        for item in _objects(request.get("requests")):
            answer = answers.get(str(item.get("id")), {})
            status, headers = answer.get("status"), answer.get("headers")
            names = (
                {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
            )
            yield _exchange(
                call,
                str(item.get("method", "")),
                str(item.get("url", "")),
                item.get("body"),
                status if isinstance(status, int) else 0,
                names,
                answer.get("body"),
            )
        if answers:
            return
    yield _exchange(call, call.method, call.target, request, call.status, call.response_headers, response)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _exchange(
    call: Call, method: str, target: str, request: Any, status: int, headers: Mapping[str, str], response: Any
) -> Exchange:
    parts = urlsplit(target)
    path = [unquote(one) for one in parts.path.strip("/").split("/")]
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    operation = ""
    if isinstance(request, dict):
        if isinstance(request.get(_COMMAND), dict):
            operation = str(request[_COMMAND].get("CmdletName", ""))
        elif isinstance(body := request.get("Body"), dict):
            operation = next((name for name in body if not name.startswith("@")), "")
    return Exchange(call, operation, method, path, query, request, status, headers, _opened(response))


def _data(body: bytes, headers: Mapping[str, str]) -> Any:
    """A body as data: JSON, a form, or XML by its elements' names; other text as text, and what is no text as its length."""
    if not body:
        return None
    kind = headers.get("content-type", "").lower()
    try:
        text = body.decode("utf-8-sig")
        if "json" in kind or text[:1] in ("{", "["):
            return json.loads(text)
        if "x-www-form-urlencoded" in kind:
            return dict(parse_qsl(text, keep_blank_values=True))
        if "xml" in kind or text.startswith("<?xml"):
            parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
            return _element(etree.fromstring(body, parser))
    except (ValueError, etree.XMLSyntaxError):
        pass
    return f"{len(body)} bytes of {kind or 'no stated type'}"


def _element(element: Any) -> Any:
    """An element as a dictionary of what is in it, by local names; one that only holds text as that text."""
    found: dict[str, Any] = {f"@{etree.QName(name).localname}": str(value) for name, value in element.attrib.items()}
    for child in element:
        name, value = etree.QName(child).localname, _element(child)
        if name in found:
            found[name] = [*found[name], value] if isinstance(found[name], list) else [found[name], value]
        else:
            found[name] = value
    text = (element.text or "").strip()
    if not found:
        return text
    return {**found, "#text": text} if text else found


def _opened(value: Any) -> Any:
    """The same with every token as what it says; a token itself is nobody else's business."""
    if isinstance(value, dict):
        return {name: _opened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_opened(inner) for inner in value]
    if isinstance(value, str) and (claims := claims_of(value)):
        return {"token header": claims[0], "token claims": claims[1]}
    return value


def claims_of(token: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Header and claims of a signed token, without a look at the signature; None for what is none."""
    found = _TOKEN.fullmatch(token)
    if not found:
        return None
    try:
        header, claims = (json.loads(base64.urlsafe_b64decode(one + "=" * (-len(one) % 4))) for one in found.groups())
    except ValueError:
        return None
    return (header, claims) if isinstance(header, dict) and isinstance(claims, dict) else None
