# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and time zones as EWS writes them."""

from __future__ import annotations

import re
from datetime import datetime, timezone, tzinfo
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
