# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange recipient filters (OPATH): parse, evaluate, and print as the service prints them back."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import Any, Literal

FILTERABLE = frozenset(
    {"alias", "customattribute", "department", "displayname", "memberofgroup", "name", "primarysmtpaddress"}
    | {"recipienttype", "recipienttypedetails", "userprincipalname", "emailaddresses", "hiddenfromaddresslistsenabled"}
    | {f"customattribute{number}" for number in range(1, 16)}
    | {f"extensioncustomattribute{number}" for number in range(1, 6)}
    | {"externaldirectoryobjectid", "guid", "exchangeguid", "distinguishedname", "resourcetype", "isshared"}
) - {"customattribute"}

_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<operator>-[A-Za-z]+)|'(?P<text>(?:[^']|'')*)'|"(?P<quoted>(?:[^"]|"")*)"
    |(?P<variable>\$(?:true|false|null))|(?P<word>[A-Za-z][A-Za-z0-9]*|\d+))""",
    re.VERBOSE | re.IGNORECASE,
)


class FilterError(ValueError):
    """The filter cannot be read; the text says where."""


@dataclass(frozen=True)
class Comparison:
    """``Property -operator value``."""

    name: str
    operator: Literal["eq", "ne", "like", "notlike"]
    value: str | bool | None

    def matches(self, properties: dict[str, Any]) -> bool:
        """Whether an object with these properties passes; a list passes when one of its elements does."""
        actual = next((value for key, value in properties.items() if key.lower() == self.name.lower()), None)
        found = any(self._equal(one) for one in actual) if isinstance(actual, list) else self._equal(actual)
        return found if self.operator in ("eq", "like") else not found

    def _equal(self, actual: Any) -> bool:
        if isinstance(self.value, bool) or self.value is None:
            return bool(actual == self.value) or (self.value is None and actual == "")
        if actual is None:
            return False
        if self.operator.endswith("like"):
            pattern = re.sub(r"([\[?])", r"[\1]", self.value.lower())
            return fnmatch.fnmatchcase(str(actual).lower(), pattern)
        return str(actual).lower() == self.value.lower()

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
        return not self.inner.matches(properties)

    def __str__(self) -> str:
        return f"-not({self.inner})"


@dataclass(frozen=True)
class Combination:
    """``((a) -and (b))`` or ``-or``."""

    operator: Literal["and", "or"]
    left: Condition
    right: Condition

    def matches(self, properties: dict[str, Any]) -> bool:
        """Whether both (and) or one (or) of the conditions match."""
        left, right = self.left.matches(properties), self.right.matches(properties)
        return (left and right) if self.operator == "and" else (left or right)

    def __str__(self) -> str:
        return f"(({self.left}) -{self.operator} ({self.right}))"


Condition = Comparison | Not | Combination


def parse(text: str) -> Condition:
    """Read a filter. ``str()`` of the result is the form in which the service returns it. Raises FilterError."""
    reader = _Reader(text)
    condition = reader.expression()
    reader.expect_end()
    return condition


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str, int]] = []
        position = 0
        stripped = text.rstrip()
        while position < len(stripped):
            match = _TOKEN.match(stripped, position)
            if match is None:
                raise FilterError(f"Invalid filter syntax at position {position + 1}: {stripped[position:position + 20]!r}")
            self.tokens.append((str(match.lastgroup), str(match.group(str(match.lastgroup))), position))
            position = match.end()
        self.index = 0

    def _peek(self, kind: str, *values: str) -> bool:
        if self.index >= len(self.tokens):
            return False
        found, value, _ = self.tokens[self.index]
        return found == kind and (not values or value.lower() in values)

    def _take(self, *kinds: str) -> tuple[str, str]:
        if self.index >= len(self.tokens):
            raise FilterError("Invalid filter syntax: the filter ends too early")
        kind, value, position = self.tokens[self.index]
        if kind not in kinds:
            raise FilterError(f"Invalid filter syntax at position {position + 1}: {value!r}")
        self.index += 1
        return kind, value

    def expect_end(self) -> None:
        if self.index < len(self.tokens):
            _, value, position = self.tokens[self.index]
            raise FilterError(f"Invalid filter syntax at position {position + 1}: {value!r}")

    def expression(self) -> Condition:
        left = self._conjunction()
        while self._peek("operator", "-or"):
            self._take("operator")
            left = Combination("or", left, self._conjunction())
        return left

    def _conjunction(self) -> Condition:
        left = self._term()
        while self._peek("operator", "-and"):
            self._take("operator")
            left = Combination("and", left, self._term())
        return left

    def _term(self) -> Condition:
        if self._peek("operator", "-not"):
            self._take("operator")
            return Not(self._term())
        if self._peek("open"):
            self._take("open")
            inner = self.expression()
            self._take("close")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        _, name = self._take("word")
        if name.lower() not in FILTERABLE:
            raise FilterError(f"'{name}' is not a recognized filterable property")
        _, operator = self._take("operator")
        if operator.lower() not in ("-eq", "-ne", "-like", "-notlike"):
            raise FilterError(f"Invalid filter operator {operator!r}")
        kind, value = self._take("text", "quoted", "variable", "word")
        literal: str | bool | None = value
        if kind == "variable":
            literal = {"$true": True, "$false": False, "$null": None}[value.lower()]
        elif kind in ("text", "quoted"):
            literal = value.replace("''", "'") if kind == "text" else value.replace('""', '"')
        return Comparison(name, operator.lower()[1:], literal)  # type: ignore[arg-type]
