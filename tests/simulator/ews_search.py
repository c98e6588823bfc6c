# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FindItem's and FindFolder's restrictions, sort orders and pages."""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from .ews_store import EwsError, not_simulated, words
from .ews_time import moment
from .ews_xml import Element, child, elements, first, invalid, local, number

Thing = TypeVar("Thing")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "IsEqualTo": operator.eq,
    "IsNotEqualTo": operator.ne,
    "IsGreaterThan": operator.gt,
    "IsGreaterThanOrEqualTo": operator.ge,
    "IsLessThan": operator.lt,
    "IsLessThanOrEqualTo": operator.le,
}
# Fields that restrictions cannot name (exchangelib's tables, made against Exchange).
_NOT_SEARCHABLE = set(
    words(
        "RequiredAttendees OptionalAttendees Resources ToRecipients CcRecipients BccRecipients ReplyTo UID Recurrence "
        "StartTimeZone EndTimeZone MeetingTimeZone IsResponseRequested AllowNewTimeProposal Culture ReminderDueBy "
        "MimeContent InternetMessageHeaders Attachments EffectiveRights ResponseObjects"
    )
)


def _path(element: Element) -> Callable[[Mapping[str, Any]], Any]:
    """A reader of the field that a FieldURI or ExtendedFieldURI names."""
    kind = local(element)
    if kind == "FieldURI":
        name = element.get("FieldURI", "").partition(":")[2]
        if name in _NOT_SEARCHABLE:
            raise EwsError(
                "ErrorUnsupportedPathForQuery", "The property can not be used with this type of restriction."
            )
        return lambda values: values.get(name)
    if kind == "ExtendedFieldURI":
        wanted = {key: value.lower() for key, value in element.attrib.items()}
        return lambda values: next(
            (one.get("value") for one in values.get("ExtendedProperty", []) if same_field(one, wanted)), None
        )
    raise not_simulated(f"restrictions on {kind}")


def same_field(entry: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Whether an extended property is the one whose attributes, in lower case, are given."""
    return {key: value.lower() for key, value in entry["field"].items()} == dict(wanted)


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        value = value.get("EmailAddress", value.get("text"))
    if isinstance(value, str):
        try:
            return moment(value)
        except ValueError:
            return value
    return value


def _typed(value: str, like: Any) -> Any:
    """The constant of a comparison, as the type of what it is compared with."""
    if isinstance(like, bool):
        return value.lower() in ("true", "1")
    try:
        if isinstance(like, datetime):
            return moment(value)
        return int(value) if isinstance(like, int) else value
    except ValueError as error:
        raise EwsError("ErrorInvalidValueForProperty", "The specified value is invalid for property.") from error


def matches(restriction: Element, values: Mapping[str, Any]) -> bool:
    """Whether an item (or folder) with these values passes a Restriction, Not, And or Or. Raises EwsError."""
    name, inner = local(restriction), elements(restriction)
    if name in ("Restriction", "And"):
        return all(matches(one, values) for one in inner)
    if name == "Or":
        return any(matches(one, values) for one in inner)
    if name == "Not":
        return not matches(first(restriction, name), values)
    found = _path(first(restriction, name))(values)
    if name == "Exists":
        return found is not None
    if name == "Contains":
        return _contains(restriction, found)
    if name not in _COMPARISONS:
        raise not_simulated(f"the restriction {name}")
    other = first(child(restriction, "FieldURIOrConstant"), "FieldURIOrConstant")
    left = _comparable(found)
    right = _typed(other.get("Value", ""), left) if local(other) == "Constant" else _comparable(_path(other)(values))
    if left is None or right is None:
        return name == "IsNotEqualTo" and left is not right
    return _COMPARISONS[name](left, right)


def _contains(restriction: Element, found: Any) -> bool:
    mode = restriction.get("ContainmentMode", "Substring")
    comparison = restriction.get("ContainmentComparison", "Exact")
    constant = child(restriction, "Constant")
    if constant is None:
        raise invalid("The element 'Contains' has incomplete content.")
    wanted = constant.get("Value", "")
    texts = [str(_text(one)) for one in (found if isinstance(found, list) else [found]) if one is not None]

    def plain(text: str) -> str:
        folded = text.lower() if "Case" in comparison else text
        if "NonSpacing" not in comparison:
            return folded
        return "".join(letter for letter in unicodedata.normalize("NFD", folded) if not unicodedata.combining(letter))

    tests: dict[str, Callable[[str], bool]] = {
        "FullString": lambda text: text == plain(wanted),
        "Prefixed": lambda text: text.startswith(plain(wanted)),
        "Substring": lambda text: plain(wanted) in text,
        "PrefixOnWords": lambda text: any(word.startswith(plain(wanted)) for word in text.split()),
        "ExactPhrase": lambda text: f" {plain(wanted)} " in f" {text} ",
    }
    if mode not in tests:
        raise invalid(f"The 'ContainmentMode' attribute is invalid - The value '{mode}' is not in the enumeration.")
    return any(tests[mode](plain(text)) for text in texts)


def _text(value: Any) -> Any:
    return value.get("Name", value.get("text", "")) if isinstance(value, dict) else value


def sort(things: list[Thing], order: Element | None, values: Callable[[Thing], Mapping[str, Any]]) -> list[Thing]:
    """The things in the order that a SortOrder element asks for."""
    for field in reversed(elements(order)):
        read = _path(first(field, "FieldOrder"))

        def rank(thing: Thing, read: Callable[[Mapping[str, Any]], Any] = read) -> tuple[bool, Any]:
            value = _comparable(read(values(thing)))
            return (value is not None, value.lower() if isinstance(value, str) else value)

        present = [thing for thing in things if rank(thing)[0]]
        absent = [thing for thing in things if not rank(thing)[0]]
        descending = field.get("Order") == "Descending"
        present.sort(key=rank, reverse=descending)
        things = [*present, *absent] if descending else [*absent, *present]
    return things


def page(things: list[Thing], view: Element | None) -> tuple[list[Thing], dict[str, str]]:
    """One page of an IndexedPage…View, and the attributes of the RootFolder around it. Raises EwsError."""
    total, attributes = len(things), {}
    if view is None:
        first, last = 0, total
    else:
        if local(view) not in ("IndexedPageItemView", "IndexedPageFolderView"):
            raise not_simulated(f"the view {local(view)}")
        offset, size = number(view.get("Offset", "0")), number(view.get("MaxEntriesReturned", str(total)))
        if offset < 0 or (size < 1 and "MaxEntriesReturned" in view.attrib):
            raise EwsError("ErrorInvalidIndexedPagingParameters", "The IndexedPageView parameters are invalid.")
        if view.get("BasePoint") == "End":
            last = max(total - offset, 0)
            first = max(last - size, 0)
            over, following = first == 0, total - first
        else:
            first = min(offset, total)
            last = min(first + size, total)
            over, following = last == total, last
        attributes = {"IndexedPagingOffset": str(following)}
        attributes |= {"TotalItemsInView": str(total), "IncludesLastItemInRange": str(over).lower()}
        return things[first:last], attributes
    return things[first:last], {"TotalItemsInView": str(total), "IncludesLastItemInRange": "true"}
