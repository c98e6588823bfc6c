# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipient filters (OPATH): read, compare by meaning, and quote.

Exchange gives a filter back with other parentheses, spaces, quotes and case than it was written with, so two filters are
the same when their trees are. Order and grouping within a run of -and, or of -or, do not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


class BadFilter(ValueError):
    """The filter cannot be read; the text says where."""


_TOKEN = re.compile(
    r"\s*(?:(?P<paren>[()])|(?P<operator>-[A-Za-z]+)|(?P<single>'(?:[^']|'')*')|(?P<double>\"(?:[^\"]|\"\")*\")"
    r"|(?P<bare>[$A-Za-z0-9][\w.]*))"
)
COMPARISONS = frozenset({"-eq", "-ne", "-like", "-notlike", "-gt", "-ge", "-lt", "-le"})
Meaning = tuple[object, ...]


def quoted(value: str) -> str:
    """A value as a filter's text literal."""
    return "'" + value.replace("'", "''") + "'"


def meaning(text: str) -> Meaning:
    """A filter's tree in a canonical form: equal for filters that mean the same. Raises BadFilter."""
    parser = _Parser(_tokens(text))
    tree = parser.disjunction()
    if parser.rest:
        raise BadFilter(f"unexpected {parser.rest[0].text} at position {parser.rest[0].position}")
    return tree


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
            raise BadFilter(f"cannot read {text[position : position + 20]!r} at position {position + 1}")
        kind = str(match.lastgroup)
        found.append(_Token(kind, match.group(kind), match.start(kind) + 1))
        position = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self.rest = tokens

    def disjunction(self) -> Meaning:
        return self._chain("-or", lambda: self._chain("-and", self._term))

    def _chain(self, operator: str, part: Callable[[], Meaning]) -> Meaning:
        parts = [part()]
        while self._at("operator", operator):
            self.rest.pop(0)
            parts.append(part())
        flat: set[Meaning] = set()
        for kind, *rest in parts:
            inner = rest[0] if kind == operator else None
            flat |= inner if isinstance(inner, frozenset) else {(kind, *rest)}
        return (operator, frozenset(flat)) if len(flat) > 1 else next(iter(flat))

    def _term(self) -> Meaning:
        if self._at("operator", "-not"):
            self.rest.pop(0)
            return ("-not", self._term())
        if self._at("paren", "("):
            opening = self.rest.pop(0)
            inner = self.disjunction()
            if not self._at("paren", ")"):
                raise BadFilter(f"the parenthesis at position {opening.position} is not closed")
            self.rest.pop(0)
            return inner
        name = self._take("bare", "a property name")
        operator = self._take("operator", "a comparison such as -eq")
        if operator.text.lower() not in COMPARISONS:
            raise BadFilter(f"{operator.text} at position {operator.position} is no comparison")
        value = self._take("single double bare", "a value")
        return (operator.text.lower(), name.text.lower(), _value(value))

    def _at(self, kind: str, text: str) -> bool:
        return bool(self.rest) and self.rest[0].kind == kind and self.rest[0].text.lower() == text

    def _take(self, kinds: str, what: str) -> _Token:
        if not self.rest:
            raise BadFilter(f"{what} is missing at the end")
        token = self.rest.pop(0)
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
