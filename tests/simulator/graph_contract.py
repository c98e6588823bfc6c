# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers against Microsoft's published description: what differs from it, in words.

Every answer goes through here before it is sent, so that each test of this project is a contract test too. The
description leaves types open; here a member that it does not name is an error, and so is an enumeration value in another
case. In one place it is not followed: it makes lists of ``$ref`` lists of strings, where the service (and OData 4.0) has
objects with ``@odata.id``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .graph_call import Answer, Call
from .graph_types import derives_from, members, named, response
from .store import Document

_JSON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}
# Formats that the description names without a pattern.
_FORMATS = {
    "base64url": re.compile(r"[A-Za-z0-9+/_=-]*"),
    "time": re.compile(r"\d\d:\d\d:\d\d(\.\d+)?"),
    "duration": re.compile(r"-?P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?"),
}
_LINKS: Document = {
    "type": "object",
    "properties": {
        "value": {"type": "array", "items": {"type": "object", "properties": {"@odata.id": {"type": "string"}}}}
    },
}
_ANNOTATION = re.compile(r"[\w.]*@(odata|microsoft\.graph)\.\w+")
# What the service answers and the description does not name (its type is an open one): recorded responses of az ad sp.
_UNDESCRIBED = {("microsoft.graph.servicePrincipal", "createdDateTime")}
_OUTLOOK = {"id", "@odata.etag"}  # what mailbox items always carry, selected or not


def breaches(operation: str, call: Call, answer: Answer, metadata: bool) -> list[str]:
    """What is wrong with the answer of an operation; empty when nothing is.

    Args:
        metadata: whether the client wants ``@odata`` annotations.
    """
    return [f"{operation} -> {answer.status}: {text}" for text in _of_answer(operation, call, answer, metadata)]


def error_breaches(answer: Answer) -> list[str]:
    """What is wrong with an answer in Graph's error envelope."""
    found = list(_wrong({"$ref": "microsoft.graph.ODataErrors.ODataError"}, answer.body, "body"))
    if not 400 <= answer.status < 600:
        found.append(f"{answer.status} is no error's status")
    return found


def _of_answer(operation: str, call: Call, answer: Answer, metadata: bool) -> Iterator[str]:
    schema, body = response(operation), answer.body
    if schema is None or (body is None and answer.status == 204 and call.method != "GET"):
        if body is not None or answer.status not in (202, 204):
            yield f"nothing to answer, which is 204 or 202 without a body, but there is {body!r}"
        return
    if answer.status not in ((200,) if call.method in ("GET", "DELETE") else (200, 201)):
        yield "not the status of an answer with a body"
    if call.counting:
        if not (isinstance(body, str) and body.isdigit()):
            yield f"a count is a number as text, not {body!r}"
        return
    if metadata != (isinstance(body, dict) and "@odata.context" in body):
        yield f"@odata.context is {'missing' if metadata else 'not wanted'}"
    if call.cast:
        items = {"$ref": call.cast}
        schema = {"type": "object", "properties": {"value": {"type": "array", "items": items}}}
    yield from _wrong(_LINKS if operation.endswith("/$ref") else schema, body, "body", typed=metadata)
    yield from _unasked(call, body)


def _unasked(call: Call, body: Any) -> Iterator[str]:
    if call.method != "GET" or not call.query.get("select") or "*" in call.query["select"]:
        return
    asked = {name.lower() for name in re.findall(r"\w+", call.query["select"] + "," + call.query.get("expand", ""))}
    value = body.get("value") if isinstance(body, dict) else None
    for one in value if isinstance(value, list) else [body]:
        extra = [name for name in one if name.lower() not in asked and name not in _OUTLOOK and "@odata." not in name]
        if extra:
            yield f"{', '.join(extra)} was not selected"


def _wrong(schema: Document, value: Any, where: str, typed: bool = True) -> Iterator[str]:
    """What of a value does not fit. ``typed``: objects whose type is only known from ``@odata.type`` have to say it."""
    if "anyOf" in schema:  # a complex property that may be null
        if value is None:
            return
        schema = schema["anyOf"][0]
    declared = ""
    if "$ref" in schema:
        declared = schema["$ref"].rpartition("/")[2]
        schema = named(declared)
    kind = schema.get("type") or ("object" if "allOf" in schema or "properties" in schema else "")
    if value is None and schema.get("nullable"):
        return
    if kind and (not isinstance(value, _JSON[kind]) or (kind != "boolean" and isinstance(value, bool))):
        yield f"{where} is {value!r}, not of type {kind}"
    elif kind == "array":
        for number, item in enumerate(value):
            yield from _wrong(schema.get("items", {}), item, f"{where}[{number}]", typed)
    elif kind == "object":
        yield from _wrong_object(declared, schema, value, where, typed)
    elif kind == "string":
        pattern = schema.get("pattern")
        form = _FORMATS.get(schema.get("format", ""))
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where} is {value!r}, none of {', '.join(schema['enum'])}"
        elif (pattern and not re.match(pattern, value)) or (not pattern and form and not form.fullmatch(value)):
            yield f"{where} is {value!r}, no {schema.get('format')}"


def _wrong_object(declared: str, schema: Document, value: Document, where: str, typed: bool) -> Iterator[str]:
    actual = str(value.get("@odata.type", "")).removeprefix("#")
    if actual:
        if declared and not derives_from(actual, declared):
            yield f"{where} is of type {actual}, which is no {declared}"
            return
        schema = named(actual)
    elif declared == "microsoft.graph.directoryObject":
        if typed:
            yield f"{where} does not say of which type it is"
        return
    known = members(schema)
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where} has no {name}"
    for name, inner in value.items():
        if name in known:
            yield from _wrong(known[name], inner, f"{where}.{name}", typed)
        elif known and not _ANNOTATION.fullmatch(name) and (actual or declared, name) not in _UNDESCRIBED:
            yield f"{where} has {name}, which is not described"
