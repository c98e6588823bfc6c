# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The make of what two sides answered: members, JSON types and the forms of texts, whatever the data."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .vocabulary import GUID

# The first characters of a secret: what they look like is chance, and three digits are no other form than three letters.
_CHANCE = "hint"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")


@dataclass(frozen=True)
class Unlike:
    """One way in which two answers are made differently.

    Args:
        kind: member (only one side has it), type, form (of a text), or null (on one side, which data may explain).
        path: of the member; ``[]`` stands for every element of a list.
        ours, theirs: what was seen on the first and on the second side.
    """

    kind: str
    path: str
    ours: str
    theirs: str


def unlike(
    path: str, ours: Sequence[Any], theirs: Sequence[Any], name_of: Callable[[str], str] = str
) -> Iterator[Unlike]:
    """How the values that two sides have at one path differ in their make.

    An element of a list stands for all of them, so that a list with other elements, or none, is no difference.

    Args:
        name_of: the name of a member without what is somebody's in it.
    """
    types, others = {_type(one) for one in ours} - {"null"}, {_type(one) for one in theirs} - {"null"}
    if types and others and not types & others:
        yield Unlike("type", path, _listed(types), _listed(others))
    elif bool(types) != bool(others):
        yield Unlike("null", path, _listed(types) or "null", _listed(others) or "null")
    elif "text" in types & others and path.rpartition(".")[2] != _CHANCE:
        forms, forms_there = ({_form(one) for one in side if isinstance(one, str)} for side in (ours, theirs))
        if not forms & forms_there:
            yield Unlike("form", path, _listed(forms), _listed(forms_there))
    yield from _unlike_members(path, _all(ours, Mapping), _all(theirs, Mapping), name_of)
    inner, inner_there = ([one for found in _all(side, list) for one in found] for side in (ours, theirs))
    if inner and inner_there:
        yield from unlike(f"{path}[]", inner, inner_there, name_of)


def _unlike_members(
    path: str, ours: Sequence[Any], theirs: Sequence[Any], name_of: Callable[[str], str]
) -> Iterator[Unlike]:
    if not ours or not theirs:
        return
    members, members_there = _members(ours, name_of), _members(theirs, name_of)
    for name in dict.fromkeys([*members, *members_there]):
        here = f"{path}.{name}".lstrip(".")
        if name not in members_there:
            yield Unlike("member", here, "there", "not there")
        elif name not in members:
            yield Unlike("member", here, "not there", "there")
        else:
            yield from unlike(here, members[name], members_there[name], name_of)


def _members(objects: Sequence[Any], name_of: Callable[[str], str]) -> dict[str, list[Any]]:
    """The values of each member, over all objects."""
    found: dict[str, list[Any]] = {}
    for one in objects:
        for name, value in one.items():
            found.setdefault(name_of(name), []).append(value)
    return found


def _all(values: Sequence[Any], kind: type) -> list[Any]:
    return [one for one in values if isinstance(one, kind)]


def _listed(words: Collection[str]) -> str:
    return " or ".join(sorted(words))


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, list) else "object"


def _form(text: str) -> str:
    """What kind of text that is, as far as clients tell kinds apart."""
    if GUID.fullmatch(text):
        return "GUID"
    if _TIME.fullmatch(text):
        return "time as " + re.sub(r"\.9+", ".9", re.sub(r"\d", "9", text))
    if text in ("True", "False", "true", "false"):
        return "True or False as text" if text[0].isupper() else "true or false as text"
    return "number as text" if re.fullmatch(r"-?\d+", text) else "text"
