# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two tenants answered to the same calls, and how that differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from .calls import Exchange
from .cleaner import SPEECH, Cleaner
from .vocabulary import GUID

# What clients act on: by value, or only by whether it is there.
_HEADERS = ("content-type", "content-encoding", "x-ews-policy-reason", "preference-applied", "x-ms-diagnostics")
_PRESENCE = ("location", "retry-after", "www-authenticate", "request-id", "etag", "date")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
_ABSENT = object()


@dataclass(frozen=True)
class Pair:
    """One operation as each side answered it; None where a side was not asked."""

    stage: str
    operation: str
    tenant: Exchange | None
    simulator: Exchange | None


@dataclass
class Difference:
    """One way in which answers differ, and in which pairs (by number, from 1) it was seen.

    Args:
        kind: only (asked on one side only), status, error, header, member, type, form, or null (which data may explain).
        where: the header, or the member's path.
    """

    kind: str
    operation: str
    where: str
    tenant: str
    simulator: str
    pairs: list[int] = field(default_factory=list)


class Side:
    """One side's exchanges, with the cleaner that knows what is somebody's in them."""

    def __init__(self, exchanges: Sequence[Exchange], cleaner: Cleaner) -> None:
        self.exchanges, self.cleaner = exchanges, cleaner

    def operation(self, one: Exchange) -> str:
        """What was asked for, told without anybody's words, so that it is the same on both sides."""
        if one.operation and isinstance(one.request, dict) and "CmdletInput" in one.request:
            parameters = one.request["CmdletInput"].get("Parameters") or {}
            return f"{one.operation} ({', '.join(sorted(parameters))})"
        if one.operation:
            return f"EWS {one.operation}"
        path = "/".join(self.cleaner.plain(part) for part in one.path)
        names = ",".join(sorted(one.query))
        grant = one.request.get("grant_type", "") if isinstance(one.request, dict) else ""
        return f"{one.method} /{path}" + (f"?{names}" if names else "") + (f" ({grant})" if grant else "")

    def outcome(self, one: Exchange) -> str:
        """Status and error code."""
        codes = [text for path, text in _speech(one.response) if path.rpartition(".")[2].lower() in ("code", "error")]
        return " ".join([str(one.status), *codes[:1]])


def pairs(tenant: Side, simulator: Side) -> list[Pair]:
    """The exchanges of both sides beside each other, stage by stage, in order.

    What got the same outcome is paired first, then what only the operation has in common: of three reads until something shows,
    the last one is the other side's only one.
    """
    stages = dict.fromkeys(one.call.stage for side in (tenant, simulator) for one in side.exchanges)
    return [pair for stage in stages for pair in _paired(stage, tenant, simulator)]


def _paired(stage: str, tenant: Side, simulator: Side) -> Iterator[Pair]:
    ours, theirs = ([one for one in side.exchanges if one.call.stage == stage] for side in (tenant, simulator))
    names = [tenant.operation(one) for one in ours], [simulator.operation(one) for one in theirs]
    marks = [
        [f"{name} -> {side.outcome(one)}" for name, one in zip(named, ones, strict=True)]
        for side, named, ones in ((tenant, names[0], ours), (simulator, names[1], theirs))
    ]
    for _tag, a, b, c, d in SequenceMatcher(None, *marks, autojunk=False).get_opcodes():
        if marks[0][a:b] == marks[1][c:d]:
            for number in range(b - a):
                yield Pair(stage, names[0][a + number], ours[a + number], theirs[c + number])
            continue
        for _inner, e, f, g, h in SequenceMatcher(None, names[0][a:b], names[1][c:d], autojunk=False).get_opcodes():
            same = names[0][a + e : a + f] == names[1][c + g : c + h]
            for number in range(max(f - e, h - g)):
                one = ours[a + e + number] if number < f - e else None
                other = theirs[c + g + number] if number < h - g else None
                if same:
                    yield Pair(stage, names[0][a + e + number], one, other)
                    continue
                if one:
                    yield Pair(stage, names[0][a + e + number], one, None)
                if other:
                    yield Pair(stage, names[1][c + g + number], None, other)


def differences(found: Sequence[Pair], tenant: Side, simulator: Side) -> list[Difference]:
    """Every difference once, with the pairs it was seen in."""
    known: dict[tuple[str, ...], Difference] = {}
    for number, pair in enumerate(found, 1):
        for kind, where, ours, theirs in _of_pair(pair, tenant, simulator):
            key = (kind, pair.operation, where, ours, theirs)
            known.setdefault(key, Difference(*key)).pairs.append(number)
    return list(known.values())


def _of_pair(pair: Pair, tenant: Side, simulator: Side) -> Iterator[tuple[str, str, str, str]]:
    ours, theirs = pair.tenant, pair.simulator
    if ours is None or theirs is None:
        yield "only", "", f"asked: {tenant.outcome(ours)}" if ours else "", f"asked: {simulator.outcome(theirs)}" if theirs else ""
        return
    if ours.status != theirs.status:
        yield "status", "", str(ours.status or ours.call.failure), str(theirs.status or theirs.call.failure)
    for name in _HEADERS:
        values = (
            side.cleaner.speech(one.headers.get(name, "none"), numbered=False)
            for side, one in ((tenant, ours), (simulator, theirs))
        )
        yield from _unequal("header", name, *values)
    for name in _PRESENCE:
        yield from _unequal("header", name, *("present" if name in one.headers else "absent" for one in (ours, theirs)))
    said = [dict(_speech(one.response)) for one in (ours, theirs)]
    for path in dict.fromkeys([*said[0], *said[1]]):
        if path in said[0] and path in said[1]:
            texts = (side.cleaner.speech(one[path], numbered=False) for side, one in ((tenant, said[0]), (simulator, said[1])))
            yield from _unequal("error", path, *texts)
    yield from _of_values("", [ours.response], [theirs.response], tenant.cleaner)


def _unequal(kind: str, where: str, ours: str, theirs: str) -> Iterator[tuple[str, str, str, str]]:
    if ours != theirs:
        yield kind, where, ours, theirs


def _speech(value: Any, path: str = "", number: int = 0) -> Iterator[tuple[str, str]]:
    """What a service says to people, by path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            here = f"{path}.{name}".lstrip(".")
            if isinstance(inner, str) and name.lower() in SPEECH:
                yield here, inner
            yield from _speech(inner, here)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            if isinstance(inner, str) and path.rpartition(".")[2].lower() in SPEECH:
                yield f"{path}[{number}]", inner
            yield from _speech(inner, f"{path}[{number}]")


def _of_values(path: str, ours: Sequence[Any], theirs: Sequence[Any], cleaner: Cleaner) -> Iterator[tuple[str, str, str, str]]:
    """How what two sides have at the same path differs in its make: members, types, forms of texts."""
    shapes = [{_type(one) for one in side} for side in (ours, theirs)]
    present = [shape - {"null"} for shape in shapes]
    if present[0] and present[1] and not present[0] & present[1]:
        yield "type", path, _listed(shapes[0]), _listed(shapes[1])
    elif bool(present[0]) != bool(present[1]):
        yield "null", path, _listed(shapes[0]), _listed(shapes[1])
    elif "text" in present[0] & present[1]:
        forms = [{_form(one) for one in side if isinstance(one, str)} for side in (ours, theirs)]
        if not forms[0] & forms[1]:
            yield "form", path, _listed(forms[0]), _listed(forms[1])
    objects = [[one for one in side if isinstance(one, Mapping)] for side in (ours, theirs)]
    if objects[0] and objects[1]:
        members = [{cleaner.plain(name): name for one in side for name in one} for side in objects]
        for name in dict.fromkeys([*members[0], *members[1]]):
            here = f"{path}.{name}".lstrip(".")
            if name in members[0] and name in members[1]:
                inner = (
                    [one[key[name]] for one in side if key[name] in one] for side, key in zip(objects, members, strict=True)
                )
                yield from _of_values(here, *inner, cleaner)
            else:
                yield "member", here, *("present" if name in side else "absent" for side in members)
    lists = [[inner for one in side if isinstance(one, list) for inner in one] for side in (ours, theirs)]
    if lists[0] and lists[1]:
        yield from _of_values(f"{path}[]", *lists, cleaner)


def _listed(words: set[str]) -> str:
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
        return f"{text[0]}... as text" if text[0].isupper() else "lower-case truth as text"
    return "number as text" if re.fullmatch(r"-?\d+", text) else "text"
