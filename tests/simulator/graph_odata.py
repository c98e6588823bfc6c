# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of answers: which properties, which related objects, which annotations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import graph_types
from .graph_call import Answer, Call, GraphError, Key
from .graph_filter import Filter, Test
from .store import Document

ONLY_ALONE = "keyCredentials"
MOST_EXPANDED = 20  # of each related collection of a directory object, with no link to more (Microsoft docs)


@dataclass(frozen=True)
class Kind:
    """How one kind of object is shown and queried.

    Attributes:
        type_name: Graph's name of the type, without namespace.
        collection: its entity set, as contexts name it.
        default: the properties shown without ``$select``; empty for all.
        filterable: properties that ``$filter`` takes; everything where ``service`` is exchange.
        never_eq: properties that filter with ``ne`` and ``not`` only.
        service: who answers. ``directory``: the rules of advanced queries hold, and lists page by skip tokens;
            ``whole``: lists come whole and take no ``$top``; ``exchange``: lists page by ``$skip``; ``partner``: lists page
            by skip tokens.
        show: what clients see of a stored document, before ``$select``.
        expand: what ``$expand`` can add: the related objects, each with its kind, or one such pair or None.
    """

    type_name: str
    collection: str
    default: tuple[str, ...] = ()
    filterable: frozenset[str] = frozenset()
    never_eq: frozenset[str] = frozenset()
    service: str = "directory"
    show: Callable[[Call, Document], Document] = field(default=lambda call, document: document)
    expand: dict[str, Callable[[Call, Document], Any]] = field(default_factory=dict)

    @property
    def full_type(self) -> str:
        """The type's name with its namespace."""
        return f"microsoft.graph.{self.type_name}"

    @property
    def directory(self) -> bool:
        """Whether the directory answers."""
        return self.service == "directory"


Pair = tuple[Kind, Document]
_Show = Callable[[Call, Kind, Document, list[str]], Document]
KINDS: dict[str, Kind] = {}


def without_hidden(value: Any) -> Any:
    """The value without members that never leave the simulator, at any depth."""
    if isinstance(value, dict):
        return {name: without_hidden(inner) for name, inner in value.items() if not name.startswith("_")}
    return [without_hidden(inner) for inner in value] if isinstance(value, list) else value


def shown(call: Call, kind: Kind, document: Document) -> Document:
    """Everything of a document that a client could ask for."""
    full = without_hidden(kind.show(call, document))
    return graph_types.complete(kind.full_type, full) if kind.directory else full


def metadata_level(headers: Mapping[str, str]) -> str:
    """Which ``@odata`` annotations are wanted: none, minimal (unless the Accept header says otherwise) or full."""
    accept = headers.get("accept", "").lower().replace(" ", "")
    found = re.search(r"odata(?:\.metadata)?=(no|full|minimal)", accept)
    return {"no": "none", "full": "full"}.get(found[1] if found else "", "minimal")


def wants_metadata(call: Call) -> bool:
    """Whether any annotations are wanted."""
    return metadata_level(call.headers) != "none"


def split(text: str, separator: str = ",") -> list[str]:
    """The parts of an option; separators inside parentheses belong to nested options."""
    parts, depth, current = [], 0, ""
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == separator and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    return [part for part in [*parts, current.strip()] if part]


def no_property(name: str, kind: Kind) -> GraphError:
    """The OData library's words (unverified)."""
    text = (
        f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{kind.full_type}'."
    )
    return GraphError(400, "BadRequest", text)


def check_names(names: list[str]) -> None:
    """Raise GraphError when no directory object has a property of one of these names."""
    every = {name.lower() for kind in KINDS.values() for name in graph_types.properties(kind.full_type)}
    for name in names:
        if name.lower() not in every:
            raise no_property(name, KINDS["directoryObject"])


def selected_names(call: Call) -> list[str]:
    """The names in ``$select``."""
    return split(call.query.get("select", ""))


def shape(call: Call, kind: Kind, document: Document, names: list[str], alone: bool = False) -> Document:
    """A stored document as clients see it: the selected properties, or the default ones, and what annotates them.

    Args:
        names: what is selected; empty for the default.
        alone: whether it is the only object of the answer.
    """
    full = shown(call, kind, document)
    known = {name.lower(): name for name in (*full, *graph_types.properties(kind.full_type), "id")}
    for name in names:
        if name.lower() not in known and name != "*":
            raise no_property(name, kind)
    default = () if call.beta else kind.default  # beta shows everything (Microsoft docs)
    wanted = [known[name.lower()] for name in names if name != "*"] or default or list(full)
    result = {name: full.get(name) for name in dict.fromkeys(wanted) if name in full or names}
    keys = result.get(ONLY_ALONE)
    if keys and not (alone and ONLY_ALONE in [known.get(name.lower()) for name in names]):
        result[ONLY_ALONE] = [{**one, "key": None} for one in keys]
    if "@odata.etag" in full:
        result = {"@odata.etag": full["@odata.etag"], "id": full["id"], **result}
        if not wants_metadata(call):
            del result["@odata.etag"]
    return {**_full_annotations(call, kind, document, result), **result}


def _full_annotations(call: Call, kind: Kind, document: Document, result: Document) -> Document:
    """What ``odata.metadata=full`` adds (OData 4.0; the form of ids is a recorded response, that of edit links not)."""
    if metadata_level(call.headers) != "full" or "id" not in document:
        return {}
    schemas = graph_types.properties(kind.full_type)
    types = {
        f"{name}@odata.type": f"#{edm}"
        for name in result
        if (edm := graph_types.edm(schemas.get(name, {}))) is not None
    }
    name = kind.type_name[0].upper() + kind.type_name[1:]
    own = f"{call.base.rpartition('/')[0]}/v2/{call.tenant.id}/directoryObjects/{document['id']}"
    return {
        "@odata.type": f"#{kind.full_type}",
        **({"@odata.id": f"{own}/Microsoft.DirectoryServices.{name}"} if kind.directory else {}),
        "@odata.editLink": f"{kind.collection}('{document['id']}')",
        **types,
    }


def typed(call: Call, kind: Kind, document: Document, names: list[str]) -> Document:
    """An object among others of other types: with its ``@odata.type``, and only those selected names that it has."""
    known = {name.lower() for name in graph_types.properties(kind.full_type)}
    own = [name for name in names if name.lower() in known] or ["id"] * bool(names)
    mark = {"@odata.type": f"#{kind.full_type}"} if wants_metadata(call) else {}
    return {**mark, **shape(call, kind, document, own)}


def expanded(call: Call, kind: Kind, document: Document) -> Document:
    """What ``$expand`` adds; of the options inside its parentheses, ``$select`` and ``$filter`` are heeded."""
    added: Document = {}
    for item in split(call.query.get("expand", "")):
        asked, _rest, inside = item.partition("(")
        name = next((key for key in kind.expand if key.lower() == asked.strip().lower()), None)
        if name is None:
            raise no_property(asked, kind)
        options = dict(part.lstrip("$").split("=", 1) for part in split(inside.rstrip(")"), ";") if "=" in part)
        names = split(options.get("select", ""))
        found = kind.expand[name](call, document)
        show: _Show = shape
        if graph_types.leads_anywhere(kind.full_type, name):
            show = typed
            check_names(names)
        if isinstance(found, list):
            test: Test = Filter(options["filter"]) if "filter" in options else lambda one: True
            related = [pair for pair in found if test(pair[1])][: MOST_EXPANDED if kind.directory else None]
            added[name] = [show(call, of, one, names) for of, one in related]
        else:
            added[name] = found and show(call, found[0], found[1], names)
    return added


def single(call: Call, kind: Kind, document: Document, status: int = 200, context: str = "") -> Answer:
    """One object as an answer. ``context`` replaces the fragment after ``$metadata#``."""
    if call.counting or call.cast:
        ending = "$count" if call.counting else call.cast
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{ending}'.")
    names = selected_names(call)
    body = {**shape(call, kind, document, names, alone=True), **expanded(call, kind, document)}
    if wants_metadata(call):
        fragment = context or f"{kind.collection}{'(' + ','.join(names) + ')' if names else ''}/$entity"
        body = {"@odata.context": f"{call.base}/$metadata#{fragment}", **body}
    return Answer(status, body)


def links(call: Call, ids: Iterable[str]) -> Answer:
    """Objects as links: the answer of ``/{relation}/$ref``."""
    listed = [{"@odata.id": f"{call.base}/directoryObjects/{one}"} for one in ids]
    context = {"@odata.context": f"{call.base}/$metadata#Collection($ref)"} if wants_metadata(call) else {}
    return Answer(200, {**context, "value": listed})


def is_named(key: str, name: str) -> bool:
    """Whether a path's key is of that name, as in ``applications(appId='...')``."""
    return isinstance(key, Key) and key.name == name
