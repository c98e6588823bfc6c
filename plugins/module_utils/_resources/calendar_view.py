# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a mailbox's calendar between two times, through EWS or Graph."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .._plan import Refused
from ._base import Report

if TYPE_CHECKING:
    from ._readers import Readers

# EWS refuses more (ErrorCalendarViewRangeTooBig); the same here for both.
LONGEST = timedelta(days=731)
DAYS = 7


class CalendarView(Report):
    """The report. Raises Refused for times and zones that are none.

    Args:
        options: the module's options; None for those not given.
        now: seconds since the epoch.
    """

    def __init__(self, options: Mapping[str, Any], now: float) -> None:
        self.mailbox, self.backend = str(options["mailbox"]), str(options["backend"])
        self.zone = _zone(options["time_zone"])
        today = datetime.fromtimestamp(now, self.zone).date()
        self.start = _moment(options["start"], "start", self.zone) or datetime.combine(today, time(), self.zone)
        self.end = _moment(options["end"], "end", self.zone) or self.start + timedelta(days=DAYS)
        if self.end <= self.start:
            raise Refused(f"{self.end.isoformat()} is not after {self.start.isoformat()}.", "end")
        if self.end - self.start > LONGEST:
            raise Refused(f"there are more than {LONGEST.days} days in between.", "end", "Ask for a shorter time.")

    def report(self, readers: Readers) -> dict[str, Any]:
        """The events, sorted by their start, with the zone's times. Raises ServiceError."""
        backend, events, warnings = readers.calendars.view(self.mailbox, self.start, self.end, self.backend)
        shown = sorted(events, key=lambda one: (one["start"], one["end"], one["subject"]))
        return {
            "mailbox": self.mailbox,
            "backend": backend,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "events": [{**one, "start": self._local(one["start"]), "end": self._local(one["end"])} for one in shown],
            "warnings": warnings,
        }

    def _local(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).isoformat()


def _zone(name: str) -> tzinfo:
    try:
        return timezone.utc if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refused(f"{name!r} is no time zone.", "time_zone", "Give an IANA name, such as Europe/Oslo.") from error


def _moment(text: str | None, option: str, zone: tzinfo) -> datetime | None:
    """A date or a time; one that names no offset is the zone's. Python 3.10 does not read the Z of ISO 8601."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
    except ValueError as error:
        raise Refused(f"{text!r} is no time.", option, "Write it as 2026-12-01 or 2026-12-01T09:00.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
