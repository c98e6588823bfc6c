# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists: ``$filter``, ``$search``, ``$orderby``, ``$count``, and pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from . import graph_types
from .graph_call import OPTIONS, Answer, Call, GraphError, bad_request
from .graph_filter import SEARCH, Filter, search, unsupported
from .graph_odata import (
    KINDS,
    Kind,
    Pair,
    check_names,
    expanded,
    selected_names,
    shape,
    shown,
    split,
    typed,
    wants_metadata,
)
from .store import Document

# Page sizes: without $top, and the largest that $top asks for.
# (partner: 300 is documented, and the size without $top is unverified).
PAGES = {"directory": (100, 999), "exchange": (10, 1000), "partner": (100, 300)}


def collection(call: Call, kind: Kind, documents: Iterable[Document], context: str = "") -> Answer:
    """A list as an answer, with the call's query options applied. ``context`` replaces the fragment after ``$metadata#``."""
    stored = list(documents)
    if call.cast:
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{call.cast}'.")
    call.expect_many()
    if call.counting:
        return _counted(call, kind, stored)
    found = _filtered(call, kind, stored)
    names = selected_names(call)
    return _page(
        call,
        kind,
        found,
        lambda one: {**shape(call, kind, one, names), **expanded(call, kind, one)},
        context or f"{kind.collection}{'(' + ','.join(names) + ')' if names else ''}",
    )


def mixed(call: Call, pairs: list[Pair]) -> Answer:
    """A list of directory objects of several types; one of one type, where the path ends in that type."""
    if call.cast:
        kind = next((one for one in KINDS.values() if one.full_type.lower() == call.cast.lower()), None)
        narrowed = [document for own, document in pairs if own is kind]
        return collection(call if kind is None else replace(call, cast=""), kind or KINDS["directoryObject"], narrowed)
    call.expect_many()
    kinds = {document["id"]: kind for kind, document in pairs}
    stored = [document for _kind, document in pairs]
    if call.counting:
        return _counted(call, KINDS["directoryObject"], stored)
    found = _filtered(call, KINDS["directoryObject"], stored)
    names = selected_names(call)
    check_names(names)
    return _page(
        call, KINDS["directoryObject"], found, lambda one: typed(call, kinds[one["id"]], one, names), "directoryObjects"
    )


def _counted(call: Call, kind: Kind, documents: list[Document]) -> Answer:
    """The answer of ``/{collection}/$count``: plain text."""
    if kind.service == "whole":
        raise GraphError(400, "BadRequest", "Resource not found for the segment '$count'.")  # unverified
    if kind.directory and not call.eventual:
        raise bad_request("$count is not currently supported.")
    if "application/json" in call.headers.get("accept", ""):
        # Recorded response: graph2otel.
        text = "A supported MIME type could not be found that matches the acceptable MIME types."
        raise GraphError(415, "UnsupportedMediaType", text)
    return Answer(200, str(len(_filtered(call, kind, documents))))


def _filtered(call: Call, kind: Kind, documents: list[Document]) -> list[Document]:
    """The stored documents that pass ``$filter`` and ``$search``, in the order of ``$orderby``."""
    if not {"filter", "search", "orderby"} & set(call.query):
        return documents
    pairs = [(shown(call, kind, document), document) for document in documents]
    advanced = call.eventual and (call.counting or call.query.get("count", "").lower() == "true")
    known = frozenset(graph_types.properties(kind.full_type)) | (frozenset(pairs[0][0]) if pairs else frozenset())
    known |= kind.filterable
    if "filter" in call.query:
        filterable = known if kind.service == "exchange" else kind.filterable
        if not filterable:
            raise unsupported()
        test = Filter(call.query["filter"])
        test.check(filterable, known, advanced or not kind.directory, kind.never_eq, kind.directory)
        pairs = [pair for pair in pairs if test(pair[0])]
    if "search" in call.query:
        if not kind.directory:
            raise unsupported()
        if not call.eventual:
            raise unsupported(SEARCH)
        matches = search(call.query["search"])
        pairs = [pair for pair in pairs if matches(pair[0])]
    if "orderby" in call.query:
        if "filter" in call.query and not advanced and kind.directory:
            raise unsupported()
        for term in reversed(split(call.query["orderby"])):
            name, _rest, direction = term.partition(" ")
            if name.split("/")[0].lower() not in {one.lower() for one in known}:
                # The OData library's words (unverified).
                raise GraphError(
                    400, "BadRequest", f"Could not find a property named '{name}' on type '{kind.full_type}'."
                )
            if kind.directory and name.lower() == "deleteddatetime" and not advanced:
                raise unsupported()
            pairs.sort(key=_order_by(name), reverse=direction.strip().lower() == "desc")
    return [document for _rest, document in pairs]


def _order_by(path: str) -> Callable[[tuple[Document, Document]], str]:
    def value(pair: tuple[Document, Document]) -> str:
        found: Any = pair[0]
        for name in path.split("/"):
            members = found.items() if isinstance(found, dict) else ()
            found = next((inner for key, inner in members if key.lower() == name.lower()), None)
        return str(found or "").lower()

    return value


def _page(call: Call, kind: Kind, found: list[Document], show: Callable[[Document], Document], context: str) -> Answer:
    size, start = _size(call, kind), _start(call, kind)
    body: Document = {"@odata.context": f"{call.base}/$metadata#{context}"} if wants_metadata(call) else {}
    if call.query.get("count", "").lower() == "true" and not start and (call.eventual or kind.service == "exchange"):
        body["@odata.count"] = len(found)
    if start + size < len(found):
        body["@odata.nextLink"] = _next_link(call, kind, start + size)
    return Answer(200, {**body, "value": [show(one) for one in found[start : start + size]]})


def _size(call: Call, kind: Kind) -> int:
    if kind.service == "whole":
        if "top" in call.query:
            # Recorded response: subscribedSkus, directoryRoles and directoryRoleTemplates take no $top.
            text = "This resource does not support custom page sizes. Please retry without a page size argument."
            raise unsupported(text)
        return 10**6
    page, largest = PAGES[kind.service]
    text = call.query.get("top") or call.prefers("odata.maxpagesize") or str(page)
    if not text.isdigit() or not 1 <= int(text) <= largest:
        # Unverified wording.
        raise unsupported(f"Invalid page size specified: '{text}'. Must be between 1 and {largest} inclusive.")
    return int(text)


def _start(call: Call, kind: Kind) -> int:
    skip, token = call.query.get("skip"), call.query.get("skiptoken")
    if skip is not None:
        if kind.service != "exchange":
            raise bad_request("'$skip' is not supported by the service.")
        if not skip.isdigit():
            # The OData library's words (unverified).
            raise GraphError(400, "BadRequest", f"Invalid value '{skip}' for $skip query option found.")
        return int(skip)
    if token is None:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(token))["from"])
    except (ValueError, KeyError, TypeError) as error:
        # Unverified wording.
        text = "The specified page token value has expired and can no longer be included in your request."
        raise GraphError(400, "Directory_ExpiredPageToken", text) from error


def _next_link(call: Call, kind: Kind, start: int) -> str:
    """The same request from another place on: Exchange counts, the directory hands out opaque tokens."""
    token = base64.urlsafe_b64encode(json.dumps({"from": start}).encode()).decode()
    place = {"$skip": str(start)} if kind.service == "exchange" else {"$skiptoken": token}
    kept = {
        (f"${name}" if name in OPTIONS else name): value
        for name, value in call.query.items()
        if name.lower() not in ("skip", "skiptoken")
    }
    return f"{call.base}{quote(call.path)}?{urlencode({**kept, **place}, safe='$', quote_via=quote)}"
