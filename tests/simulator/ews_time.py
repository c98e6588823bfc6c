# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times, time zones and recurrences as EWS writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from .ews_store import EwsError
from .store import Document

# The Windows zones that the simulator knows; others count as UTC.
ZONES = {
    "UTC": "UTC",
    "GMT Standard Time": "Europe/London",
    "W. Europe Standard Time": "Europe/Berlin",
    "Romance Standard Time": "Europe/Paris",
    "Central Europe Standard Time": "Europe/Budapest",
    "Central European Standard Time": "Europe/Warsaw",
    "FLE Standard Time": "Europe/Kiev",
    "GTB Standard Time": "Europe/Bucharest",
    "Eastern Standard Time": "America/New_York",
    "Central Standard Time": "America/Chicago",
    "Mountain Standard Time": "America/Denver",
    "Pacific Standard Time": "America/Los_Angeles",
    "India Standard Time": "Asia/Kolkata",
    "China Standard Time": "Asia/Shanghai",
    "Tokyo Standard Time": "Asia/Tokyo",
    "AUS Eastern Standard Time": "Australia/Sydney",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_GROUPS = {"Day": _DAYS, "Weekday": _DAYS[:5], "WeekendDay": _DAYS[5:]}
_ENDLESS = 3660  # days for which a series without an end is followed


def zone(windows_id: str | None) -> tzinfo:
    """The zone of a Windows id."""
    return ZoneInfo(ZONES.get(windows_id or "UTC", "UTC"))


def moment(text: str, default: tzinfo = timezone.utc) -> datetime:
    """Read an xs:dateTime; one without an offset is in the ``default`` zone. Raises ValueError."""
    if "T" not in text:
        raise ValueError(f"{text!r} is not a date and time")
    read = datetime.fromisoformat(re.sub(r"\.\d+", "", text.strip()).replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=default)


def written(when: datetime) -> str:
    """A time as the service answers it: UTC, whole seconds, e.g. ``2026-11-22T18:46:32Z``."""
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(item: Document) -> tuple[datetime, datetime]:
    """Start and end of a calendar item."""
    return moment(item["Start"]), moment(item["End"])


def duration(item: Document) -> str:
    """``PT1H30M``."""
    start, end = span(item)
    minutes = int((end - start).total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    hours, left = divmod(rest, 60)
    time = "".join(f"{number}{letter}" for number, letter in ((hours, "H"), (left, "M")) if number)
    return f"P{days}D" * bool(days) + ("T" + time if time else "") if days else "PT" + (time or "0S")


def _local(element: Any) -> dict[str, str]:
    return {etree.QName(child).localname: (child.text or "").strip() for child in element}


def occurrences(item: Document, until: datetime | None = None) -> Iterator[tuple[int, datetime, datetime]]:
    """The occurrences of an item as (index from 1, start, end), in order; one for an item without recurrence.

    Args:
        until: none that starts at or after this time.
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
    for index, day in enumerate(_days(pattern, local.date()), 1):
        begins = datetime.combine(day, local.timetz().replace(tzinfo=None), local.tzinfo).astimezone(timezone.utc)
        over = (count and index > count) or (last and day > last) or (day - local.date()).days > _ENDLESS
        if over or (until is not None and begins >= until):
            return
        if index not in gone:
            yield index, begins, begins + length


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
        wanted = {day for word in said["DaysOfWeek"].split() for day in _GROUPS.get(word, (word,))}
        if not wanted <= set(_DAYS) or not wanted:
            raise ValueError(f"no weekdays: {said['DaysOfWeek']}")
        week_start = _DAYS.index(said.get("FirstDayOfWeek", "Sunday"))
        monday = first - timedelta(days=(first.weekday() - week_start) % 7)
        while True:
            week = (monday + timedelta(days=offset) for offset in range(7))
            yield from (day for day in week if day >= first and _DAYS[day.weekday()] in wanted)
            monday += timedelta(weeks=interval)
    else:
        raise EwsError("ErrorInternalServerError", f"The simulator does not implement {name}.")
