# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request bodies against Microsoft's published types, and the properties that a type has."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from .graph_call import GraphError, bad_request
from .store import Document

_EDM = {
    "uuid": "Guid",
    "date-time": "DateTimeOffset",
    "base64url": "Binary",
    "duration": "Duration",
    "time": "TimeOfDay",
}
_PRIMITIVES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


@cache
def _contract() -> dict[str, Any]:
    contract: dict[str, Any] = json.loads((Path(__file__).parent / "contracts" / "graph-types.json").read_text())
    return contract


def named(reference: str) -> Document:
    """The schema that a name, or a reference to one, means; an open one for names that the contract does not have."""
    schema: Document = _contract()["schemas"].get(reference.rpartition("/")[2], {})
    return schema


@cache
def response(operation: str) -> Document | None:
    """The schema of what an operation answers; None when it answers nothing."""
    said: Document | None = _contract()["operations"].get(operation, {}).get("response")
    return _contract()["responses"][said["$response"]] or {"type": "integer"} if said and "$response" in said else said


@cache
def derives_from(type_name: str, base: str) -> bool:
    """Whether a type is another one or inherits from it."""
    parents = (part["$ref"].rpartition("/")[2] for part in named(type_name).get("allOf", []) if "$ref" in part)
    return type_name == base or any(derives_from(parent, base) for parent in parents)


@cache
def properties(type_name: str) -> dict[str, Document]:
    """The properties of a type and its base types: name to schema, navigation properties included.

    Args:
        type_name: with its namespace, e.g. ``microsoft.graph.user``.
    """
    return members(named(type_name))


def members(schema: Document) -> dict[str, Document]:
    """The same of a schema."""
    found: dict[str, Document] = {}
    for part in schema.get("allOf", [schema]):
        found.update(properties(part["$ref"].rpartition("/")[2]) if "$ref" in part else part.get("properties", {}))
    return found


def leads_anywhere(type_name: str, name: str) -> bool:
    """Whether a navigation property leads to directory objects of any type, so that each has to say its own."""
    schema = properties(type_name).get(name, {})
    schema = schema.get("items", schema)
    schema = schema.get("anyOf", [schema])[0]
    return str(schema.get("$ref", "")).endswith("microsoft.graph.directoryObject")


def complete(type_name: str, document: Document) -> Document:
    """The document with every plain property of its type: those it lacks are null, false, or empty lists.

    Values that the type makes mandatory are not made up.
    """
    full = dict(document)
    for name, schema in properties(type_name).items():
        kind = schema.get("type")
        if name in full or schema.get("x-ms-navigationProperty") or name in ("logo", "mailboxSettings"):
            continue
        if "anyOf" in schema or schema.get("nullable"):
            full[name] = None
        elif kind in ("array", "boolean"):
            full[name] = [] if kind == "array" else False
    return full


def edm(schema: Document) -> str | None:
    """What ``odata.metadata=full`` says of a property's type; None where JSON shows it (strings, booleans, numbers)."""
    if schema.get("type") == "array":
        items = schema["items"]
        inner = items["$ref"].rpartition("/")[2] if "$ref" in items else edm(items) or "String"
        return f"Collection({inner})"
    if "anyOf" in schema:
        return str(schema["anyOf"][0]["$ref"].rpartition("/")[2])
    return _EDM.get(schema.get("format", ""))


def check_body(operation: str, body: Any) -> Document:
    """The body if it fits the operation's published type; GraphError 400 otherwise."""
    if body is None:
        # Unverified wording.
        raise GraphError(400, "BadRequest", "Empty Payload. JSON content expected.")
    schema = _contract()["operations"].get(operation, {}).get("request")
    if not isinstance(body, dict):
        raise _mismatch("StartObject")
    if schema:
        _check_object(schema, body, top=True)
    return body


def with_booleans(type_name: str, body: Any) -> Any:
    """The body with booleans for the texts "true" and "false", which Exchange's paths take (working client: O365)."""
    if not isinstance(body, dict):
        return body
    known, texts = properties(type_name), {"true": True, "false": False}
    flags = {name for name, schema in known.items() if schema.get("type") == "boolean"}
    return {
        name: texts.get(value, value) if name in flags and isinstance(value, str) else value
        for name, value in body.items()
    }


def check_type(type_name: str, value: Any) -> None:
    """Raise GraphError 400 unless the value fits the type (for bodies that the contract does not describe)."""
    _check({"$ref": type_name}, value)


def _mismatch(expected: str) -> GraphError:
    # The OData library's words; unverified that Graph passes them on for bodies.
    return bad_request(
        f"A value of another kind was read from the JSON reader; however, a '{expected}' node was expected."
    )


def _check(schema: Document, value: Any, inside_list: bool = False) -> None:
    if "anyOf" in schema:  # a complex property that may be null
        schema = schema["anyOf"][0]
        if value is None:
            return
    if "$ref" in schema:
        schema = named(schema["$ref"])
    kind = schema.get("type")
    if "allOf" in schema or kind == "object" or "properties" in schema:
        _check_object(schema, value)
    elif value is None:
        if schema.get("type") == "string" and inside_list:
            raise bad_request("A null value was found for a property that does not allow null values.")
        if kind == "array":
            raise _mismatch("StartArray")
        if not schema.get("nullable") and kind in ("boolean", "integer", "number"):
            raise bad_request("A null value was found for a property that does not allow null values.")
    elif kind == "array":
        if not isinstance(value, list):
            raise _mismatch("StartArray")
        for item in value:
            _check(schema.get("items", {}), item, inside_list=True)
    elif kind in _PRIMITIVES:
        _check_primitive(schema, kind, value)


def _check_primitive(schema: Document, kind: str, value: Any) -> None:
    wrong = not isinstance(value, _PRIMITIVES[kind]) or (kind != "boolean" and isinstance(value, bool))
    if "enum" in schema and not wrong:
        # Published examples write enum values in any case, so case is not looked at.
        wrong = value.lower() not in [one.lower() for one in schema["enum"]]
    elif not wrong and "pattern" in schema:
        wrong = not re.match(schema["pattern"], value)
    if wrong:
        # Recorded response for Edm.Guid (microsoft-graph-docs issue 2853); the others by analogy.
        edm = _EDM.get(schema.get("format", ""), {"string": "String", "boolean": "Boolean"}.get(kind, "Int32"))
        message = f"Cannot convert a primitive value to the expected type 'Edm.{edm}'."
        raise bad_request(message + " See the inner exception for more details")


def _check_object(schema: Document, value: Any, top: bool = False) -> None:
    if not isinstance(value, dict):
        raise _mismatch("StartObject")
    known = members(schema)
    for name, inner in value.items():
        if "@odata." in name:
            continue
        if top and name not in known and not schema.get("allOf") and "$ref" not in schema:
            continue  # an action ignores what it has no parameter for (recorded: msgraph-sdk-javascript issue 960)
        if name not in known and not schema.get("additionalProperties"):
            # Recorded response (pnp/PnP-Sites-Core issue 1807).
            raise bad_request(f"Invalid property '{name}'.")
        if name in known and not (top and known[name].get("x-ms-navigationProperty")):
            _check(known[name], inner)
