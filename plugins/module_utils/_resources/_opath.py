# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipient filters (OPATH): read, compare by meaning, and quote.

Exchange gives a filter back with other parentheses, spaces, quotes and case than it was written with, so two filters are
the same when their trees are. Order and grouping within a run of -and, or of -or, do not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


class BadFilter(ValueError):
    """The filter cannot be read; the text says where."""


_TOKEN = re.compile(
    r"\s*(?:(?P<paren>[()])|(?P<operator>-[A-Za-z]+)|(?P<single>'(?:[^']|'')*')|(?P<double>\"(?:[^\"]|\"\")*\")"
    r"|(?P<bare>[$A-Za-z0-9][\w.]*))"
)
COMPARISONS = frozenset({"-eq", "-ne", "-like", "-notlike", "-gt", "-ge", "-lt", "-le"})
RANKS = {"-or": 0, "-and": 1}
Meaning = tuple[object, ...]


def quoted(value: str) -> str:
    """A value as a filter's text literal."""
    return "'" + value.replace("'", "''") + "'"


def meaning(text: str) -> Meaning:
    """A filter's tree in a canonical form: equal for filters that mean the same. Raises BadFilter."""
    return _Parser(_tokens(text)).tree()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def _tokens(text: str) -> list[_Token]:
    found, position, text = [], 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            position += len(text[position:]) - len(text[position:].lstrip())
            raise BadFilter(f"cannot read {text[position : position + 20]!r} at position {position + 1}")
        kind = str(match.lastgroup)
        found.append(_Token(kind, match.group(kind), match.start(kind) + 1))
        position = match.end()
    return found


@dataclass(eq=False)
class _Run:
    """What -and, or -or, joins so far; it grows in place, since a run may be long."""

    operator: str
    members: set[Meaning]

    def add(self, part: Meaning | _Run) -> None:
        """Join a part; one that is joined by the same operator with each of its members."""
        if isinstance(part, _Run) and part.operator == self.operator:
            self.members |= part.members
            return
        settled = _settled(part)
        inner = settled[1] if settled[0] == self.operator else None
        self.members |= inner if isinstance(inner, frozenset) else {settled}


def _settled(part: Meaning | _Run) -> Meaning:
    """A part as it stays; a run of one is that one."""
    if not isinstance(part, _Run):
        return part
    return (part.operator, frozenset(part.members)) if len(part.members) > 1 else next(iter(part.members))


class _Parser:
    """Reads tokens with stacks of its own: Exchange nests a chain of -or as deep as it is long."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.rest = tokens[::-1]
        self.operands: list[Meaning | _Run] = []
        self.operators: list[_Token] = []

    def tree(self) -> Meaning:
        """The whole filter's."""
        while True:
            while self._next("operator", "-not") or self._next("paren", "("):
                self.operators.append(self.rest.pop())
            self.operands.append(self._comparison())
            self._negate()
            while self._next("paren", ")"):
                self._close()
            if not self.rest:
                break
            if not (self._next("operator", "-and") or self._next("operator", "-or")):
                raise BadFilter(f"unexpected {self.rest[-1].text} at position {self.rest[-1].position}")
            token = self.rest.pop()
            self._reduce(RANKS[token.text.lower()])
            self.operators.append(token)
        self._reduce(0)
        if self.operators:
            raise BadFilter(f"the parenthesis at position {self.operators[-1].position} is not closed")
        return _settled(self.operands[0])

    def _comparison(self) -> Meaning:
        name = self._take("bare", "a property name")
        operator = self._take("operator", "a comparison such as -eq")
        if operator.text.lower() not in COMPARISONS:
            raise BadFilter(f"{operator.text} at position {operator.position} is no comparison")
        return (operator.text.lower(), name.text.lower(), _value(self._take("single double bare", "a value")))

    def _close(self) -> None:
        token = self.rest.pop()
        self._reduce(0)
        if not self.operators:
            raise BadFilter(f"unexpected ) at position {token.position}")
        self.operators.pop()
        self._negate()

    def _negate(self) -> None:
        """Apply the -not before what was just read; two of them are none."""
        while self.operators and self.operators[-1].text.lower() == "-not":
            self.operators.pop()
            inner = _settled(self.operands.pop())
            undone = inner[1] if inner[0] == "-not" else None
            self.operands.append(undone if isinstance(undone, tuple) else ("-not", inner))

    def _reduce(self, rank: int) -> None:
        """Join what -and and -or of at least that rank have to the left, up to the last open parenthesis."""
        while self.operators and RANKS.get(self.operators[-1].text.lower(), -1) >= rank:
            operator = self.operators.pop().text.lower()
            parts = [self.operands.pop(), self.operands.pop()]
            runs = [one for one in parts if isinstance(one, _Run) and one.operator == operator]
            run = max(runs, key=lambda one: len(one.members), default=_Run(operator, set()))
            for part in parts:
                if part is not run:
                    run.add(part)
            self.operands.append(run)

    def _next(self, kind: str, text: str) -> bool:
        return bool(self.rest) and self.rest[-1].kind == kind and self.rest[-1].text.lower() == text

    def _take(self, kinds: str, what: str) -> _Token:
        if not self.rest:
            raise BadFilter(f"{what} is missing at the end")
        token = self.rest.pop()
        if token.kind not in kinds.split():
            raise BadFilter(f"{what} is expected at position {token.position}, not {token.text}")
        return token


def _value(token: _Token) -> str:
    if token.kind == "bare":
        # Exchange gives $true and $false back as 'True' and 'False'.
        text = token.text.lower()
        return text[1:] if text in ("$true", "$false") else text
    mark = token.text[0]
    return token.text[1:-1].replace(mark * 2, mark).lower()
