# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange recipient filters (OPATH): parse, evaluate, and print as the service prints them back."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

# Microsoft docs (recipientfilter-properties.md), as far as mailboxes, users and groups of this tenant have them.
FILTERABLE = frozenset(
    name.lower()
    for name in (
        *("Alias", "City", "Company", "CountryCode", "Department", "DisplayName", "DistinguishedName"),
        *("EmailAddresses", "ExchangeGuid", "ExternalDirectoryObjectId", "FirstName", "Guid", "LastName"),
        *("HiddenFromAddressListsEnabled", "IsShared", "MemberOfGroup", "Name", "Office", "PrimarySmtpAddress"),
        *("RecipientType", "RecipientTypeDetails", "ResourceType", "Title", "UserPrincipalName", "WhenCreated"),
        *(f"CustomAttribute{number}" for number in range(1, 16)),
        *(f"ExtensionCustomAttribute{number}" for number in range(1, 6)),
    )
)
_OPERATORS = ("eq", "ne", "like", "notlike", "gt", "ge", "lt", "le")
_BINDING = {"(": 0, "or": 1, "and": 2, "not": 3}

_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<operator>-[A-Za-z]+)|'(?P<text>(?:[^']|'')*)'|"(?P<quoted>(?:[^"]|"")*)"
    |(?P<variable>\$(?:true|false|null)\b)|(?P<word>[A-Za-z][A-Za-z0-9]*|\d+))""",
    re.VERBOSE | re.IGNORECASE,
)


class FilterError(ValueError):
    """The filter cannot be read; the text says where."""


@dataclass(frozen=True)
class Comparison:
    """``Property -operator value``."""

    name: str
    operator: Literal["eq", "ne", "like", "notlike", "gt", "ge", "lt", "le"]
    value: str | bool | None

    def matches(self, properties: dict[str, Any]) -> bool:
        """Whether an object with these properties passes; a list passes when one of its elements does."""
        actual = next((value for key, value in properties.items() if key.lower() == self.name.lower()), None)
        found = any(self._holds(one) for one in actual) if isinstance(actual, list) else self._holds(actual)
        # An empty list has no element that equals; for $null it counts as absent.
        found = found or (actual == [] and self.value is None)
        return not found if self.operator in ("ne", "notlike") else found

    def _holds(self, actual: Any) -> bool:
        if self.operator in ("gt", "ge", "lt", "le"):
            return self._ordered(actual)
        if isinstance(self.value, bool) or self.value is None:
            return bool(actual == self.value) or (self.value is None and actual == "")
        if actual is None:
            return False
        if self.operator.endswith("like"):
            pattern = re.sub(r"([\[?])", r"[\1]", self.value.lower())
            return fnmatch.fnmatchcase(str(actual).lower(), pattern)
        return str(actual).lower() == self.value.lower()

    def _ordered(self, actual: Any) -> bool:
        if actual is None or not isinstance(self.value, str):
            return False
        left, right = str(actual).lower(), self.value.lower()
        return {"gt": left > right, "ge": left >= right, "lt": left < right, "le": left <= right}[self.operator]

    def __str__(self) -> str:
        if self.value is None or isinstance(self.value, bool):
            literal = "$null" if self.value is None else f"${str(self.value).lower()}"
        else:
            literal = "'" + self.value.replace("'", "''") + "'"
        return f"{self.name} -{self.operator} {literal}"


@dataclass(frozen=True)
class Not:
    """``-not(...)``."""

    inner: Condition

    def matches(self, properties: dict[str, Any]) -> bool:
        """Whether the inner condition does not match."""
        return _matches(self, properties)

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Combination:
    """``((a) -and (b))`` or ``-or``."""

    operator: Literal["and", "or"]
    left: Condition
    right: Condition

    def matches(self, properties: dict[str, Any]) -> bool:
        """Whether both (and) or one (or) of the conditions match."""
        return _matches(self, properties)

    def __str__(self) -> str:
        return _text(self)


Condition = Comparison | Not | Combination
Folded = TypeVar("Folded", bool, str)


def _fold(
    condition: Condition,
    leaf: Callable[[Comparison], Folded],
    invert: Callable[[Folded], Folded],
    join: Callable[[str, Folded, Folded], Folded],
) -> Folded:
    """A value for the whole condition out of those of its parts; the condition may be of any depth."""
    todo: list[tuple[Condition, bool]] = [(condition, False)]
    done: list[Folded] = []
    while todo:
        one, parts_done = todo.pop()
        if isinstance(one, Comparison):
            done.append(leaf(one))
        elif not parts_done:
            parts: tuple[Condition, ...] = (one.inner,) if isinstance(one, Not) else (one.right, one.left)
            todo += [(one, True), *((part, False) for part in parts)]
        elif isinstance(one, Not):
            done.append(invert(done.pop()))
        else:
            right, left = done.pop(), done.pop()
            done.append(join(one.operator, left, right))
    return done.pop()


def _matches(condition: Condition, properties: dict[str, Any]) -> bool:
    def join(operator: str, left: bool, right: bool) -> bool:
        return (left and right) if operator == "and" else (left or right)

    def invert(inner: bool) -> bool:
        return not inner

    return _fold(condition, lambda one: one.matches(properties), invert, join)


def _text(condition: Condition) -> str:
    return _fold(condition, str, "-not({})".format, lambda operator, left, right: f"(({left}) -{operator} ({right}))")


def parse(text: str) -> Condition:
    """Read a filter. ``str()`` of the result is the form in which the service returns it. Raises FilterError."""
    return _Reader(text).expression()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        position = 0
        stripped = text.rstrip()
        while position < len(stripped):
            match = _TOKEN.match(stripped, position)
            if match is None:
                raise self._error(position + len(stripped[position:]) - len(stripped[position:].lstrip()))
            kind = str(match.lastgroup)
            self.tokens.append((kind, match.group(kind), match.end() - len(match.group().lstrip())))
            position = match.end()
        self.index = 0

    def _error(
        self, position: int, what: str = "Invalid filter syntax. For a description of the filter"
    ) -> FilterError:
        """What administrators see: a sentence, then the filter and a position (from 1)."""
        return FilterError(f'{what} parameter syntax see the command help.\n"{self.text}" at position {position + 1}.')

    def _wrong_property(self, name: str, position: int) -> FilterError:
        return self._error(
            position,
            f'"{name}" is not a recognized filterable property. For a complete list of filterable properties and the',
        )

    def _here(self) -> int:
        return self.tokens[self.index][2] if self.index < len(self.tokens) else len(self.text)

    def _peek(self, kind: str, *values: str) -> bool:
        if self.index >= len(self.tokens):
            return False
        found, value, _rest = self.tokens[self.index]
        return found == kind and (not values or value.lower() in values)

    def _take(self, *kinds: str) -> tuple[str, str]:
        if self.index >= len(self.tokens) or self.tokens[self.index][0] not in kinds:
            raise self._error(self._here())
        kind, value, _rest = self.tokens[self.index]
        self.index += 1
        return kind, value

    def expression(self) -> Condition:
        """The whole filter. Operators wait until what binds less strongly comes, or the end (no recursion)."""
        waiting: list[str] = []
        found: list[Condition] = []
        while True:
            while self._peek("open") or self._peek("operator", "-not"):
                waiting.append("(" if self._take("open", "operator")[0] == "open" else "not")
            found.append(self._comparison())
            while self._peek("close"):
                self._reduce(waiting, found, 1)
                if not waiting:
                    raise self._error(self._here())
                self._take("close")
                waiting.pop()
            if self.index == len(self.tokens):
                self._reduce(waiting, found, 1)
                if waiting:
                    raise self._error(self._here())
                return found.pop()
            if not self._peek("operator", "-and", "-or"):
                raise self._error(self._here())
            operator = self._take("operator")[1].lower().removeprefix("-")
            self._reduce(waiting, found, _BINDING[operator])
            waiting.append(operator)

    @staticmethod
    def _reduce(waiting: list[str], found: list[Condition], binding: int) -> None:
        """Apply the operators that wait and bind as strongly as that, up to an open parenthesis."""
        while waiting and _BINDING[waiting[-1]] >= binding:
            operator = waiting.pop()
            right = found.pop()
            if operator == "not":
                found.append(Not(right))
            else:
                found.append(Combination("and" if operator == "and" else "or", found.pop(), right))

    def _comparison(self) -> Comparison:
        position = self._here()
        _rest, name = self._take("word")
        if name.lower() not in FILTERABLE:
            raise self._wrong_property(name, position)
        position = self._here()
        operator = self._take("operator")[1].lower().removeprefix("-")
        if operator not in _OPERATORS:
            raise self._error(position)
        position = self._here()
        kind, value = self._take("text", "quoted", "variable", "word")
        literal: str | bool | None = value
        if kind == "variable":
            literal = {"$true": True, "$false": False, "$null": None}[value.lower()]
        elif kind in ("text", "quoted"):
            literal = value.replace("''", "'") if kind == "text" else value.replace('""', '"')
        if name.lower() == "memberofgroup" and isinstance(literal, str) and not re.match(r"CN=.+,", literal, re.I):
            # Microsoft docs: a distinguished name only; that another value is refused, and how, is inferred.
            raise self._error(position)
        return Comparison(name, operator, literal)  # type: ignore[arg-type]
