# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths as clients write them, and the operations they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .graph_call import OPERATIONS, GraphError, Key

_NAMESPACE = "microsoft.graph."
_KEYED = re.compile(r"^([\w.$]+)\((.*)\)$", re.DOTALL)
_NAMED_KEY = re.compile(r"^(\w+)='(.*)'$", re.DOTALL)


def segments(path: str) -> list[str]:
    """The path's segments, keys as Key; ``users('a''b')`` and ``applications(appId='x')`` give two each.

    Doubled slashes count as one. Parentheses without a key (``revokeSignInSessions()``) are dropped.
    """
    found: list[str] = []
    for segment in path.split("/"):
        if not segment:
            continue
        keyed = _KEYED.match(segment)
        if not keyed:
            found.append(Key(segment))
            continue
        found.append(keyed[1])
        named = _NAMED_KEY.match(keyed[2])
        if named:
            found.append(Key(named[2].replace("''", "'"), named[1]))
        elif keyed[2]:
            inner = keyed[2]
            quoted = inner.startswith("'") and inner.endswith("'") and len(inner) > 1
            found.append(Key(inner[1:-1].replace("''", "'") if quoted else inner))
    return found


@dataclass(frozen=True)
class Target:
    """What a path means: the operation, its keys, and how the path ends (see Call)."""

    operation: str
    keys: list[str]
    counting: bool
    cast: str


def resolve(method: str, parts: list[str]) -> Target:
    """The operation behind a path's segments. Raises GraphError: 400 for an unknown segment, 405 for another method.

    A list can be counted (``/$count``) and narrowed to a type (``/microsoft.graph.user``); an action can carry its
    namespace.
    """
    counting = method == "GET" and len(parts) > 1 and parts[-1].lower() == "$count"
    wanted, cast = parts[:-1] if counting else parts, ""
    found = _match(method, wanted)
    if found is None and len(wanted) > 1:
        # A type in the middle, as in deletedItems/microsoft.graph.user/{id}, says nothing that the id does not say.
        plain = [part for part in wanted[:-1] if not part.lower().startswith(_NAMESPACE)] + wanted[-1:]
        wanted, found = plain, _match(method, plain)
    if found is None and wanted and wanted[-1].lower().startswith(_NAMESPACE):
        found = _match(method, [*wanted[:-1], wanted[-1][len(_NAMESPACE) :]])
        if found is None and method == "GET":
            found, cast = _match(method, wanted[:-1]), wanted[-1]
    if found is None:
        if methods(parts):
            # Unverified wording.
            raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
        raise _unknown_segment(parts)
    return Target(*found, counting, cast)


def methods(parts: list[str]) -> list[str]:
    """The methods that a path takes; empty for an unknown one."""
    every = ("GET", "POST", "PATCH", "PUT", "DELETE")
    return [method for method in every if _match(method, parts)]


def _match(method: str, parts: list[str]) -> tuple[str, list[str]] | None:
    """The operation's name and its keys; literal segments win over keys."""
    best: tuple[str, list[str]] | None = None
    for name in OPERATIONS:
        verb, _rest, template = name.partition(" ")
        pattern = template.strip("/").split("/")
        if verb != method or len(pattern) != len(parts):
            continue
        keys: list[str] = []
        for wanted, part in zip(pattern, parts, strict=True):
            if wanted.startswith("{"):
                keys.append(part)
            elif wanted.lower() != part.lower():
                break
        else:
            if best is None or len(keys) < len(best[1]):
                best = (name, keys)
    return best


def _unknown_segment(parts: list[str]) -> GraphError:
    for count in range(1, len(parts) + 1):
        prefixes = (name.partition(" ")[2].strip("/").split("/")[:count] for name in OPERATIONS)
        if not any(
            len(prefix) == count
            and all(
                want.startswith("{") or want.lower() == part.lower()
                for want, part in zip(prefix, parts[:count], strict=True)
            )
            for prefix in prefixes
        ):
            return GraphError(400, "BadRequest", f"Resource not found for the segment '{parts[count - 1]}'.")
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{parts[-1] if parts else ''}'.")
