# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two tenants answered to the same calls, and how that differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from .calls import Exchange
from .cleaner import SPEECH, Cleaner
from .shapes import unlike

# What clients act on: by value, or only by whether it is there.
_HEADERS = ("content-type", "content-encoding", "x-ews-policy-reason", "preference-applied", "x-ms-diagnostics")
_PRESENCE = ("location", "retry-after", "www-authenticate", "request-id", "etag", "date")


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
        path = "/".join(self.cleaner.known(part) for part in one.path)
        names = ",".join(sorted(one.query))
        grant = one.request.get("grant_type", "") if isinstance(one.request, dict) else ""
        return f"{one.method} /{path}" + (f"?{names}" if names else "") + (f" ({grant})" if grant else "")

    def outcome(self, one: Exchange) -> str:
        """Status and error code."""
        codes = [text for path, text in _speech(one.response) if path.rpartition(".")[2].lower() in ("code", "error")]
        return " ".join([str(one.status), *(self.cleaner.speech(code, numbered=False) for code in codes[:1])])


def pairs(tenant: Side, simulator: Side) -> list[Pair]:
    """The exchanges of both sides beside each other, stage by stage and service by service, in order.

    Services are asked at the same time, so that the order over all of them is chance. What got the same outcome is paired
    first, then what only the operation has in common: of three reads until something shows, the last one is the other side's
    only one.
    """
    calls = [one.call for side in (tenant, simulator) for one in side.exchanges]
    services = dict.fromkeys(call.service for call in calls)
    parts = [(stage, service) for stage in dict.fromkeys(call.stage for call in calls) for service in services]
    return [pair for stage, service in parts for pair in _paired(stage, service, tenant, simulator)]


def _paired(stage: str, service: str, tenant: Side, simulator: Side) -> Iterator[Pair]:
    ours, theirs = (
        [one for one in side.exchanges if (one.call.stage, one.call.service) == (stage, service)]
        for side in (tenant, simulator)
    )
    marks, marks_there = (
        [f"{side.operation(one)} -> {side.outcome(one)}" for one in ones]
        for side, ones in ((tenant, ours), (simulator, theirs))
    )
    for first, last, first_there, last_there in _blocks(marks, marks_there):
        some, some_there = ours[first:last], theirs[first_there:last_there]
        names = [tenant.operation(one) for one in some]
        names_there = [simulator.operation(one) for one in some_there]
        for begin, end, begin_there, end_there in _blocks(names, names_there):
            if names[begin:end] == names_there[begin_there:end_there]:
                for number in range(end - begin):
                    yield Pair(stage, names[begin + number], some[begin + number], some_there[begin_there + number])
                continue
            yield from (Pair(stage, names[number], some[number], None) for number in range(begin, end))
            yield from (
                Pair(stage, names_there[number], None, some_there[number]) for number in range(begin_there, end_there)
            )


def _blocks(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Where two sequences are the same and where they are not: begin and end in each, alternately."""
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    return ((a, b, c, d) for _tag, a, b, c, d in matcher.get_opcodes())


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
        yield (
            "only",
            "",
            f"asked: {tenant.outcome(ours)}" if ours else "",
            f"asked: {simulator.outcome(theirs)}" if theirs else "",
        )
        return
    if ours.status != theirs.status:
        yield "status", "", str(ours.status or "no answer"), str(theirs.status or "no answer")
        if _succeeded(ours) != _succeeded(theirs):
            return  # an error is made otherwise than what was asked for
    for name in _HEADERS:
        values = (
            side.cleaner.speech(one.headers.get(name, "none"), numbered=False)
            for side, one in ((tenant, ours), (simulator, theirs))
        )
        yield from _unequal("header", name, *values)
    for name in _PRESENCE:
        yield from _unequal(
            "header", name, *("there" if name in one.headers else "not there" for one in (ours, theirs))
        )
    said = [dict(_speech(one.response)) for one in (ours, theirs)]
    for path in dict.fromkeys([*said[0], *said[1]]):
        if path in said[0] and path in said[1]:
            texts = (
                side.cleaner.speech(one[path], numbered=False)
                for side, one in ((tenant, said[0]), (simulator, said[1]))
            )
            yield from _unequal("error", path, *texts)
    for one in unlike("", [ours.response], [theirs.response], tenant.cleaner.plain):
        yield one.kind, one.path, one.ours, one.theirs


def _succeeded(one: Exchange) -> bool:
    return 200 <= one.status < 300


def _unequal(kind: str, where: str, ours: str, theirs: str) -> Iterator[tuple[str, str, str, str]]:
    if ours != theirs:
        yield kind, where, ours, theirs


def _speech(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
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
