# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recurrences as EWS writes them, and the occurrences that follow from them.

Every pattern of the schema is known but those of tasks (regenerations). A day that a month lacks is its last one.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

from lxml import etree

from .ews_store import EwsError
from .ews_time import moment, span, zone
from .store import Document

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_GROUPS = {"Day": _DAYS, "Weekday": _DAYS[:5], "WeekendDay": _DAYS[5:]}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_INDEXES = {"First": 0, "Second": 1, "Third": 2, "Fourth": 3, "Last": -1}
_ENDLESS = 3660  # days for which a series without an end is followed


def _local(element: Any) -> dict[str, str]:
    return {etree.QName(child).localname: (child.text or "").strip() for child in element}


def occurrences(item: Document, until: datetime | None = None) -> Iterator[tuple[int, datetime, datetime]]:
    """The occurrences of an item as (index from 1, start, end), in order; one for an item without recurrence.

    A changed occurrence (``_exceptions`` of the item, by index) comes in its old place with its new times.

    Args:
        until: none that starts at or after this time, in the pattern's order.
    """
    start, end = span(item)
    if not item.get("Recurrence"):
        if until is None or start < until:
            yield 1, start, end
        return
    pattern, limit = etree.fromstring(item["Recurrence"])
    bounds = _local(limit)
    count = int(bounds.get("NumberOfOccurrences", 0))
    last = date.fromisoformat(bounds["EndDate"][:10]) if "EndDate" in bounds else None
    local = start.astimezone(zone((item.get("StartTimeZone") or {}).get("Id")))
    length, gone = end - start, set(item.get("_deletedOccurrences", []))
    changed = item.get("_exceptions", {})
    for index, day in enumerate(_days(pattern, local.date()), 1):
        begins = datetime.combine(day, local.timetz().replace(tzinfo=None), local.tzinfo).astimezone(timezone.utc)
        endless = not count and last is None and (day - local.date()).days > _ENDLESS
        if endless or (count and index > count) or (last and day > last) or (until is not None and begins >= until):
            return
        if index not in gone:
            times = changed.get(str(index), {})
            moved = moment(times["Start"]) if "Start" in times else begins
            yield index, moved, moment(times["End"]) if "End" in times else moved + length


def original_start(item: Document, index: int) -> datetime | None:
    """When the pattern of a series has its ``index``-th occurrence, changed, deleted or not; None beyond its end."""
    plain = {name: value for name, value in item.items() if name not in ("_exceptions", "_deletedOccurrences")}
    return next((start for number, start, _end in occurrences(plain) if number == index), None)


def _days(pattern: Any, first: date) -> Iterator[date]:
    """The days of a recurrence pattern, for ever. Raises EwsError for patterns that are not simulated."""
    name, said = etree.QName(pattern).localname, _local(pattern)
    interval = int(said.get("Interval", 1))
    if interval < 1:
        raise ValueError("an interval is at least 1")
    if name == "DailyRecurrence":
        while True:
            yield first
            first += timedelta(days=interval)
    elif name == "WeeklyRecurrence":
        yield from _weekly(said, interval, first)
    elif name in ("AbsoluteMonthlyRecurrence", "RelativeMonthlyRecurrence"):
        yield from _in_months(said, first, first.year * 12 + first.month - 1, interval)
    elif name in ("AbsoluteYearlyRecurrence", "RelativeYearlyRecurrence"):
        yield from _in_months(said, first, first.year * 12 + _MONTHS.index(said["Month"]), 12)
    else:
        raise EwsError("ErrorInternalServerError", f"The simulator does not implement {name}.")


def _weekdays(words: str) -> set[str]:
    wanted = {day for word in words.split() for day in _GROUPS.get(word, (word,))}
    if not wanted <= set(_DAYS) or not wanted:
        raise ValueError(f"no weekdays: {words}")
    return wanted


def _weekly(said: dict[str, str], interval: int, first: date) -> Iterator[date]:
    wanted, week_start = _weekdays(said["DaysOfWeek"]), _DAYS.index(said.get("FirstDayOfWeek", "Sunday"))
    begin = first - timedelta(days=(first.weekday() - week_start) % 7)
    while True:
        week = (begin + timedelta(days=offset) for offset in range(7))
        yield from (day for day in week if day >= first and _DAYS[day.weekday()] in wanted)
        begin += timedelta(weeks=interval)


def _in_months(said: dict[str, str], first: date, month: int, step: int) -> Iterator[date]:
    """A day in every ``step``-th month, by its number or by weekday; months are counted from year 0."""
    while month // 12 <= date.max.year:
        day = _day_of(said, *divmod(month, 12))
        if day >= first:
            yield day
        month += step


def _day_of(said: dict[str, str], year: int, month: int) -> date:
    length = calendar.monthrange(year, month + 1)[1]
    if "DayOfMonth" in said:
        number = int(said["DayOfMonth"])
        if not 1 <= number <= 31:
            raise ValueError(f"no day of a month: {number}")
        return date(year, month + 1, min(number, length))
    wanted = _weekdays(said["DaysOfWeek"])
    days = [date(year, month + 1, number) for number in range(1, length + 1)]
    return [day for day in days if _DAYS[day.weekday()] in wanted][_INDEXES[said["DayOfWeekIndex"]]]
