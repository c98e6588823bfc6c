# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``$filter`` and ``$search``: parsed once, then asked about each object.

The directory's rules about which operators need the advanced query capabilities are Microsoft's (aad-advanced-queries).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from .graph_call import GraphError
from .store import Document

Test = Callable[[Document], bool]
_Value = Callable[[dict[str, Any]], Any]
_Condition = Callable[[dict[str, Any]], bool]

NOT_INDEXED = "The request uses a filter property that is not indexed"
ENDS_WITH = "Operator 'endsWith' is not supported because the 'ConsistencyLevel:eventual' header is missing."
SEARCH = (
    "Request with $search query parameter only works through MSGraph with a special request header: "
    "'ConsistencyLevel: eventual'"
)

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<date>\d{4}-\d\d-\d\d(?:T[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*(?:/[$A-Za-z_]\w*)*)"
    r"|(?P<mark>[(),:]))"
)
_LITERALS = {"true": True, "false": False, "null": None}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": lambda value, wanted: wanted in value,
}
_COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")


def unsupported(message: str = "Unsupported Query.") -> GraphError:
    """A query that the directory does not answer."""
    return GraphError(400, "Request_UnsupportedQuery", message)


class Filter:
    """A parsed ``$filter``.

    Attributes:
        used: (property, operator) pairs, properties without their inner path, operators in lower case.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._tokenize(text)
        self._at = 0
        self._variables: dict[str, str] = {}
        self.used: set[tuple[str, str]] = set()
        self._condition = self._either()
        if self._at < len(self._tokens):
            raise self._wrong()

    def __call__(self, document: Document) -> bool:
        return self._condition({"": document})

    def check(
        self,
        filterable: frozenset[str],
        known: frozenset[str],
        advanced: bool,
        eq_refused: frozenset[str],
        directory: bool,
    ) -> None:
        """Raise GraphError when the directory would refuse this filter.

        Args:
            filterable: the type's indexed properties.
            known: all of its properties.
            advanced: ConsistencyLevel: eventual and $count=true were both sent.
            eq_refused: properties that filter with ne and not only.
            directory: whether the directory answers, which knows no ``contains``.
        """
        lower = {name.lower() for name in filterable}
        for name, operator in sorted(self.used):
            if name.lower() not in {one.lower() for one in known}:
                message = f"Property '{name}' does not exist as a declared property or extension property."
                raise unsupported(message)
            if name.lower() not in lower:
                raise unsupported(NOT_INDEXED)
            if operator == "endswith" and not advanced:
                raise unsupported(ENDS_WITH)
            if operator in ("ne", "not", "count") and not advanced:
                raise unsupported()
            if (operator == "eq" and name in eq_refused) or (operator == "contains" and directory):
                raise unsupported()

    # --- reading ------------------------------------------------------------------------------------------------------

    def _tokenize(self, text: str) -> list[tuple[str, str]]:
        tokens, position = [], 0
        while position < len(text.rstrip()):
            found = _TOKEN.match(text, position)
            if not found:
                raise self._wrong(position)
            tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
            position = found.end()
        return tokens

    def _wrong(self, position: int | None = None) -> GraphError:
        # The OData library's words (unverified).
        at = len(self._text) if position is None else position
        return GraphError(400, "BadRequest", f"Invalid filter clause: Syntax error at position {at} in '{self._text}'.")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "")

    def _word(self) -> str:
        kind, text = self._peek()
        return text.lower() if kind == "name" else ""

    def _take(self, mark: str | None = None) -> tuple[str, str]:
        token = self._peek()
        if not token[0] or (mark is not None and token != ("mark", mark)):
            raise self._wrong()
        self._at += 1
        return token

    def _either(self) -> _Condition:
        parts = [self._both()]
        while self._word() == "or":
            self._at += 1
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda scope: any(part(scope) for part in parts)

    def _both(self) -> _Condition:
        parts = [self._one()]
        while self._word() == "and":
            self._at += 1
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda scope: all(part(scope) for part in parts)

    def _one(self) -> _Condition:
        if self._word() == "not":
            self._at += 1
            before = set(self.used)
            inner = self._one()
            self.used = before | {(name, "not") for name, _rest in self.used - before}
            return lambda scope: not inner(scope)
        if self._peek() == ("mark", "("):
            self._at += 1
            inner = self._either()
            self._take(")")
            return inner
        kind, name = self._take()
        if kind != "name":
            raise self._wrong()
        if self._peek() == ("mark", "("):
            return self._any(name) if name.lower().endswith("/any") else self._function(name.lower())
        return self._comparison(name)

    def _function(self, function: str) -> _Condition:
        if function not in _FUNCTIONS:
            raise unsupported()
        self._take("(")
        kind, name = self._take()
        if kind != "name":
            raise self._wrong()
        self._take(",")
        wanted = str(self._literal()).lower()
        self._take(")")
        value = self._property(name, function)
        test = _FUNCTIONS[function]
        return lambda scope: isinstance(value(scope), str) and test(value(scope).lower(), wanted)

    def _any(self, name: str) -> _Condition:
        value = self._property(name.rpartition("/")[0], "any")
        self._take("(")
        if self._peek() == ("mark", ")"):
            self._at += 1
            return lambda scope: bool(value(scope))
        variable = self._take()[1]
        self._take(":")
        self._variables[variable] = name.split("/")[0]
        inner = self._either()
        del self._variables[variable]
        self._take(")")
        return lambda scope: any(inner({**scope, variable: item}) for item in value(scope) or [])

    def _comparison(self, name: str) -> _Condition:
        operator = self._take()[1].lower()
        if operator == "in":
            self._take("(")
            wanted = [_plain(self._literal())]
            while self._peek() == ("mark", ","):
                self._at += 1
                wanted.append(_plain(self._literal()))
            self._take(")")
            member = self._property(name, "in")
            return lambda scope: _plain(member(scope)) in wanted
        if operator not in _COMPARISONS:
            raise self._wrong()
        literal = self._literal()
        value = self._property(name, "count" if name.endswith("/$count") else operator)
        return lambda scope: _compare(operator, value(scope), literal)

    def _literal(self) -> Any:
        kind, text = self._take()
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text)
        if kind in ("guid", "date"):
            return text
        if kind == "name" and text.lower() in _LITERALS:
            return _LITERALS[text.lower()]
        raise self._wrong()

    def _property(self, name: str, operator: str) -> _Value:
        parts = name.split("/")
        start = parts[0] if parts[0] in self._variables else ""
        self.used.add((self._variables[start] if start else parts[0], operator))
        inner = parts[1:] if start else parts

        def value(scope: dict[str, Any]) -> Any:
            found = scope[start]
            for part in inner:
                if part == "$count":
                    return len(found or [])
                if not isinstance(found, dict):
                    return None
                found = next((item for key, item in found.items() if key.lower() == part.lower()), None)
            return found

        return value


def _plain(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _compare(operator: str, value: Any, literal: Any) -> bool:
    if operator in ("eq", "ne"):
        if isinstance(value, list):
            raise unsupported()
        return bool(_plain(value) == _plain(literal)) == (operator == "eq")
    if value is None or literal is None:
        return False
    left, right = _ordered(value), _ordered(literal)
    if isinstance(left, str) != isinstance(right, str):
        return False
    return bool({"gt": left > right, "ge": left >= right, "lt": left < right, "le": left <= right}[operator])


def _ordered(value: Any) -> Any:
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d(T|$)", value):
        full = re.sub(r"\.\d+", "", value if "T" in value else value + "T00:00:00Z").replace("Z", "+00:00")
        try:
            when = datetime.fromisoformat(full)
            return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()
        except ValueError as error:
            # The OData library's words (unverified).
            raise GraphError(
                400, "BadRequest", f"Invalid filter clause: Unrecognized 'Edm.DateTimeOffset' literal '{value}'."
            ) from error
    return _plain(value)


def search(text: str) -> Test:
    """A ``$search`` such as ``"displayName:room" OR "mail:a"``: words that begin with each term.

    Terms joined by AND or by a space must all be there.
    """
    groups: list[list[tuple[str, str]]] = []
    for alternative in re.split(r"\s+OR\s+", text):
        terms = re.findall(r'"([^":]+):([^"]*)"', alternative)
        if not terms:
            # Unverified wording.
            raise GraphError(
                400, "Request_BadRequest", "Syntax error: expected a quoted 'property:value' clause in $search."
            )
        groups.append(terms)

    def begins(document: Document, name: str, wanted: str) -> bool:
        value = str(next((item for key, item in document.items() if key.lower() == name.lower()), None) or "").lower()
        words = [value, *re.split(r"[^\w]+", value)]
        return (
            all(any(word.startswith(one) for word in words) for one in wanted.lower().split())
            or wanted.lower() in value
        )

    return lambda document: any(all(begins(document, *term) for term in terms) for terms in groups)
