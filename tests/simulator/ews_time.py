# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and time zones as EWS writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

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


@dataclass(frozen=True)
class Transition:
    """A change to a period: its offset from UTC in minutes, and the local hour and day (of a month) on which it begins.

    ``occurrence`` is which of that weekday in the month, -1 for the last.
    """

    offset: int
    month: int
    weekday: str
    occurrence: int
    hour: int


def standard_offset(windows_id: str) -> int:
    """Minutes from UTC in winter."""
    found = zone(windows_id)
    offsets = (datetime(2026, month, 1, tzinfo=found).utcoffset() for month in (1, 7))
    return min(int(one.total_seconds()) // 60 for one in offsets if one is not None)


def transitions(windows_id: str, year: int) -> dict[str, Transition]:
    """The changes to Standard and Daylight time in a year; empty for a zone without them."""
    found, here = {}, zone(windows_id)
    standard = standard_offset(windows_id)
    for hours in range(366 * 24):
        utc = datetime(year, 1, 1, tzinfo=timezone.utc) + timedelta(hours=hours)
        before, after = (one.astimezone(here).utcoffset() or timedelta() for one in (utc - timedelta(hours=1), utc))
        if before != after and utc.year == year:
            local = utc + before
            last = (local + timedelta(days=7)).month != local.month
            offset = int(after.total_seconds()) // 60
            found["Standard" if offset == standard else "Daylight"] = Transition(
                offset, local.month, local.strftime("%A"), -1 if last else (local.day - 1) // 7 + 1, local.hour
            )
    return found
