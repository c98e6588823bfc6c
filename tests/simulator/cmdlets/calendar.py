# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a resource answers meeting requests, and a mailbox's calendar: CalendarProcessing and its neighbours."""

from __future__ import annotations

from ..store import Document
from ..tenant import graph_time
from . import identity
from .base import Call, CmdletError, Output, cmdlet

_RECIPIENT_LISTS = ("BookInPolicy", "RequestInPolicy", "RequestOutOfPolicy", "ResourceDelegates")
# Microsoft docs for the first two; the rest must not be negative (inferred).
_RANGES = {
    "BookingWindowInDays": (0, 1080),
    "ConflictPercentageAllowed": (0, 100),
    "MaximumConflictInstances": (0, 2**31 - 1),
    "MaximumDurationInMinutes": (0, 2**31 - 1),
    "MinimumDurationInMinutes": (0, 2**31 - 1),
    "PostReservationMaxClaimTimeInMinutes": (0, 2**31 - 1),
}
_SETTINGS = {"Identity", "Confirm", "WhatIf", "IgnoreDefaultScope", "ResultSize", "MailboxLocation"}

# Microsoft docs (Set-MailboxCalendarConfiguration).
_CALENDAR: Document = {
    "WorkDays": "Weekdays",
    "WorkingHoursStartTime": "08:00:00",
    "WorkingHoursEndTime": "17:00:00",
    "WorkingHoursTimeZone": "Pacific Standard Time",
    "WeekStartDay": "Sunday",
    "ShowWeekNumbers": False,
    "FirstWeekOfYear": "FirstDay",
    "TimeIncrement": "ThirtyMinutes",
    "RemindersEnabled": True,
    "ReminderSoundEnabled": True,
    "DefaultReminderTime": "00:15:00",
    "DefaultMeetingDuration": 30,
    "AutoDeclineWhenBusy": False,
    "PreserveDeclinedMeetings": False,
}


@cmdlet("Get-CalendarProcessing")
def get_calendar_processing(call: Call) -> Output:
    """The settings of one mailbox."""
    box = identity.mailbox_seen(call, call.get("Identity"))
    return [{**_owner(box), **box["_calendarProcessing"], "IsValid": True, "ObjectState": "Unchanged"}]


@cmdlet("Set-CalendarProcessing")
def set_calendar_processing(call: Call) -> Output:
    """Change the settings; recipients are stored, and read back, as legacyExchangeDN."""
    changes: Document = {}
    for name, value in call.parameters.items():
        if name in _SETTINGS:
            continue
        if name in _RANGES:
            _check_range(name, value)
        changes[name] = value
    box = identity.mailbox(call, call.get("Identity"))
    for name in _RECIPIENT_LISTS:
        if name in changes:
            changes[name] = list(dict.fromkeys(_legacy_dn(call, wanted) for wanted in changes[name]))
    _store(call, box, "_calendarProcessing", box["_calendarProcessing"], changes)
    return None


def _check_range(name: str, value: int) -> None:
    low, high = _RANGES[name]
    if not low <= value <= high:  # range: Microsoft docs; text: unverified
        raise CmdletError(
            "Microsoft.Exchange.Data.PropertyValidationException",
            f'The property value "{value}" of "{name}" is invalid: the value must be between {low} and {high}.',
        )


def _legacy_dn(call: Call, wanted: str) -> str:
    kind, found = identity.recipient(call, wanted)
    if kind == "mailbox":
        return str(found["LegacyExchangeDN"])
    return identity.legacy_dn(found)


@cmdlet("Get-MailboxCalendarConfiguration")
def get_mailbox_calendar_configuration(call: Call) -> Output:
    """Working hours and the like of one mailbox."""
    box = identity.mailbox_seen(call, call.get("Identity"))
    return [{**_owner(box), **_CALENDAR, **box.get("_calendarConfiguration", {}), "IsValid": True}]


@cmdlet("Set-MailboxCalendarConfiguration")
def set_mailbox_calendar_configuration(call: Call) -> Output:
    """Change them."""
    changes = {name: value for name, value in call.parameters.items() if name not in _SETTINGS}
    box = identity.mailbox(call, call.get("Identity"))
    _store(call, box, "_calendarConfiguration", {**_CALENDAR, **box.get("_calendarConfiguration", {})}, changes)
    return None


def _owner(box: Document) -> Document:
    return {"Identity": box["Identity"], "MailboxOwnerId": box["Identity"]}


def _store(call: Call, box: Document, key: str, current: Document, changes: Document) -> None:
    wish = {**current, **changes}
    if wish == current:
        call.unchanged(box["Identity"])
        return
    call.tenant.store.update("mailbox", box["Guid"], **{key: wish}, WhenChanged=graph_time())
