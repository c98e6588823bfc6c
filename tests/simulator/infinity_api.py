# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The management API's requests: lists with paging and filters, objects, schemas, and how errors look.

It is a tastypie API, whose ways are kept also where they are dangerous: DELETE on a list removes every object, unknown
fields are ignored, and a request without the trailing slash is redirected, which turns a POST into a GET.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from .infinity_node import Invalid, Node
from .store import Document

DEFAULT_LIMIT, LARGEST_LIMIT = 20, 10_000
_OPERATORS = ("exact", "iexact", "icontains", "contains", "startswith", "in", "gt", "gte", "lt", "lte")


class Failure(Exception):
    """An error answer: a status and what is in its ``error`` member."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def summary(prefix: str, names: list[str]) -> Response:
    """Every resource with its addresses."""
    return JSONResponse(
        {name: {"list_endpoint": f"{prefix}/{name}/", "schema": f"{prefix}/{name}/schema/"} for name in names}
    )


def schema(node: Node, name: str) -> Response:
    """What this node's version of a resource has."""
    resource = node.resource(name)
    methods = list(resource.methods)
    return JSONResponse(
        {
            "allowed_detail_http_methods": methods,
            "allowed_list_http_methods": methods,
            "default_format": "application/json",
            "default_limit": DEFAULT_LIMIT,
            "fields": {field.name: field.schema(many=field.name == "domains") for field in resource.fields},
            "filtering": {field.name: 1 for field in resource.fields if not field.secret},
            "ordering": [field.name for field in resource.fields if not field.secret],
        }
    )


def answer(node: Node, name: str, key: str, method: str, query: Mapping[str, str], path: str, body: bytes) -> Response:
    """A request to a list (``key`` is empty) or an object. Raises Failure."""
    if method.lower() not in node.resource(name).methods:
        return Response(status_code=405)
    try:
        return _object(node, name, key, method, body) if key else _list(node, name, method, query, path, body)
    except Invalid as error:
        named = node.tenant.switch("infinity_errors_named")
        return JSONResponse({error.resource: error.errors} if named else error.errors, 400)


def _object(node: Node, name: str, key: str, method: str, body: bytes) -> Response:
    found = node.get(name, key) if key.isdigit() else None
    if found is None:
        return Response(status_code=404)
    if method == "GET":
        return JSONResponse(node.shown(name, found))
    if method == "DELETE":
        node.remove(name, found)
        return Response(status_code=204)
    if method == "POST":
        return Response(status_code=405)
    node.change(name, found, _sent(body))
    return Response(status_code=node.tenant.switch("infinity_patch_status") if method == "PATCH" else 204)


def _list(node: Node, name: str, method: str, query: Mapping[str, str], path: str, body: bytes) -> Response:
    if method == "GET":
        return JSONResponse(_page(node, name, query, path))
    if method == "DELETE":
        for one in _matching(node, name, query):
            node.remove(name, one)
        return Response(status_code=204)
    values = _sent(body)
    if method == "POST":
        made = node.create(name, values)
        return Response(status_code=201, headers={"Location": node.uri(name, made)})
    if method == "PATCH":
        return _bulk(node, name, values)
    raise Failure(501, "Replacing a whole list is not simulated.")


def _bulk(node: Node, name: str, values: Mapping[str, Any]) -> Response:
    """PATCH on a list: objects to make or change, and URIs to remove."""
    if not isinstance(values.get("objects"), list):
        raise Failure(400, "Invalid data sent.")
    for one in values["objects"]:
        found = node.by_uri(str(one.get("resource_uri", "")))
        if found:
            node.change(name, found, one)
        else:
            node.create(name, one)
    for uri in values.get("deleted_objects", []):
        found = node.by_uri(str(uri))
        if found:
            node.remove(name, found)
    return Response(status_code=202)


def _sent(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise Failure(400, "The body is no JSON object.")
    return values


def _page(node: Node, name: str, query: Mapping[str, str], path: str) -> Document:
    limit, offset = _number(query, "limit", DEFAULT_LIMIT), _number(query, "offset", 0)
    limit = min(limit or LARGEST_LIMIT, LARGEST_LIMIT)  # 0 is as many as possible
    found = [node.shown(name, one) for one in _matching(node, name, query)]
    order = query.get("order_by", "")
    if order:
        if node.resource(name).field(order.lstrip("-")) is None:
            raise Failure(400, f"No matching '{order.lstrip('-')}' field for ordering on.")
        found.sort(key=lambda one: str(one.get(order.lstrip("-"))), reverse=order.startswith("-"))

    def link(start: int) -> str:
        return f"{path}?{urlencode({**query, 'limit': limit, 'offset': start})}"

    return {
        "meta": {
            "limit": limit,
            "next": link(offset + limit) if offset + limit < len(found) else None,
            "offset": offset,
            "previous": link(max(0, offset - limit)) if offset else None,
            "total_count": len(found),
        },
        "objects": found[offset : offset + limit],
    }


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    value = query.get(name, str(otherwise))
    if not value.isdigit():
        raise Failure(400, f"Invalid {name} '{value}' provided. Please provide a positive integer >= 0.")
    return int(value)


def _matching(node: Node, name: str, query: Mapping[str, str]) -> list[Document]:
    """The objects that pass the filters: ``name=``, ``name__icontains=`` and so on."""
    found = node.all(name)
    for given, value in query.items():
        if given in ("limit", "offset", "order_by", "format"):
            continue
        field, _rest, operator = given.partition("__")
        known = node.resource(name).field(field)
        if known is None or known.secret or operator not in ("", *_OPERATORS):
            raise Failure(400, f"Invalid filter '{given}'.")
        found = [one for one in found if _passes(one.get(field), operator or "exact", value)]
    return found


def _passes(actual: Any, operator: str, wanted: str) -> bool:
    text = "" if actual is None else str(actual)
    if operator == "in":
        return text in wanted.split(",")
    if operator in ("gt", "gte", "lt", "lte"):
        one, other = (int(text), int(wanted)) if text.isdigit() and wanted.isdigit() else (text, wanted)
        return {"gt": one > other, "gte": one >= other, "lt": one < other, "lte": one <= other}[operator]  # type: ignore[operator]
    if operator.startswith("i") and operator != "in":
        text, wanted, operator = text.lower(), wanted.lower(), operator[1:]
    return {"exact": text == wanted, "contains": wanted in text, "startswith": text.startswith(wanted)}[operator]
