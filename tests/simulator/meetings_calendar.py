# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A calendar and what is in it: entering and changing appointments and meetings, and which lie in a period."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from . import meetings
from .ews_recurrence import occurrences, original_start
from .ews_store import EwsError, new_item, occurrence_id, save_item
from .ews_time import moment, span, written
from .store import Document
from .tenant import Tenant

# A change of these is a new version of the meeting, to which attendees have not answered yet (MS-OXOCAL).
_SIGNIFICANT = ("Start", "End", "Recurrence", "Location")


def named(tenant: Tenant, fields: Document) -> Document:
    """The fields with every attendee's and recipient's name looked up in the directory where the client gave none."""

    def look_up(person: Document) -> Document:
        address = person.get("EmailAddress", "")
        box = tenant.mailbox_by_address(address)
        name = person.get("Name") or (box["DisplayName"] if box else address)
        return {**person, "Name": name, "EmailAddress": address}

    changed = dict(fields)
    for role in meetings.ATTENDEES:
        if role in fields:
            changed[role] = [{**one, "Mailbox": look_up(one["Mailbox"])} for one in fields[role]]
    for role in ("ToRecipients", "CcRecipients", "BccRecipients", "ReplyTo"):
        if role in fields:
            changed[role] = [look_up(one) for one in fields[role]]
    return changed


def _check_times(item: Document) -> None:
    """Raises EwsError when an item ends before it starts, lasts too long, or recurs in a way that is not simulated."""
    start, end = span(item)
    if end < start:
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate")
    if (end - start).days > 5 * 366:
        raise EwsError("ErrorCalendarDurationIsTooLong", "The duration of the calendar item exceeds five years.")
    try:
        once = next(occurrences(item), None)
    except (KeyError, ValueError, OverflowError) as error:
        raise EwsError("ErrorCalendarInvalidRecurrence", "The recurrence pattern is invalid.") from error
    if once is None:
        raise EwsError("ErrorRecurrenceHasNoOccurrence", "The recurrence has no occurrence.")


def enter(tenant: Tenant, mailbox: Document, given: Document, *, by: str, send: bool, copy: bool) -> Document:
    """Put a new item into the calendar of ``mailbox``, its organizer; returns it. Raises EwsError.

    Args:
        given: what the client said of it.
        by: the display name of who made it.
        send: whether its attendees are invited.
        copy: whether a copy of the invitation goes to Sent Items.
    """
    now = datetime.now(timezone.utc).replace(second=0, microsecond=0)
    fields: dict[str, Any] = {
        "ItemClass": "IPM.Appointment",
        "Start": written(now),
        "ReminderIsSet": True,
        "ReminderMinutesBeforeStart": 15,
        "IsAllDayEvent": False,
        "LegacyFreeBusyStatus": "Busy",
        "IsCancelled": False,
        "MeetingRequestWasSent": False,
        "IsResponseRequested": True,
        "MyResponseType": "Organizer",
        "AppointmentSequenceNumber": 0,
        "AllowNewTimeProposal": True,
        "IsOnlineMeeting": False,
        "UID": meetings.new_uid(),
        **given,
        "Organizer": meetings.person(mailbox),
        "LastModifiedName": by,
    }
    fields.setdefault("End", written(span({**fields, "End": fields["Start"]})[0] + timedelta(minutes=30)))
    _check_times(fields)
    fields["IsMeeting"] = bool(meetings.addresses(fields))
    fields["AppointmentState"] = int(fields["IsMeeting"])
    item = new_item(tenant, mailbox, "calendar", "CalendarItem", **fields)
    return meetings.invite(tenant, item, copy=copy) if fields["IsMeeting"] and send else item


def revise(tenant: Tenant, item: Document, wanted: Document, sending: str) -> Document:
    """Change members of a calendar item, None for those to remove; returns it. Raises EwsError.

    Args:
        sending: who is told when the mailbox organizes the meeting, in the words of EWS's UpdateItem
            (SendToNone, SendOnlyToAll, SendToChangedAndSaveCopy, ...).
    """
    new = {name: value for name, value in {**item, **wanted}.items() if value is not None}
    _check_times(new)
    if not meetings.is_organizer(tenant, item):
        # An attendee's own copy: nobody is told (Microsoft docs: only the organizer sends updates).
        return save_item(tenant, item, **wanted)
    before, after = meetings.addresses(item), meetings.addresses(new)
    significant = any(item.get(name) != new.get(name) for name in _SIGNIFICANT)
    for role in meetings.ATTENDEES:
        if new.get(role):
            wanted[role] = _tracked(item, new[role], afresh=significant and sending != "SendToNone")
    wanted["IsMeeting"] = bool(after) or bool(item.get("IsMeeting"))
    wanted["AppointmentState"] = int(wanted["IsMeeting"])
    if significant:
        wanted["AppointmentSequenceNumber"] = int(item.get("AppointmentSequenceNumber", 0)) + 1
    updated = save_item(tenant, item, **wanted)
    if sending == "SendToNone":
        return updated
    copy = sending.endswith("SaveCopy")
    gone, new_ones = set(before) - set(after), set(after) - set(before)
    if gone and item.get("MeetingRequestWasSent"):
        meetings.cancel(tenant, {**item, "Subject": new.get("Subject")}, copy=False, only=gone)
    # "Changed" are the attendees who were added or removed (Microsoft docs, UpdateItem).
    to = new_ones if "Changed" in sending else set(after)
    known = to & set(before) if item.get("MeetingRequestWasSent") else set()
    if known:
        updated = meetings.invite(tenant, updated, copy=copy, update=True, only=known)
    if to - known:
        updated = meetings.invite(tenant, updated, copy=copy and not known, only=to - known)
    return updated


def _tracked(item: Document, attendees: list[Document], *, afresh: bool) -> list[Document]:
    """The attendees with the responses that are known of them, or none of them when the meeting is another one now."""
    known = {
        one["Mailbox"].get("EmailAddress", "").lower(): one for role in meetings.ATTENDEES for one in item.get(role, [])
    }
    kept = []
    for one in attendees:
        old = known.get(one["Mailbox"].get("EmailAddress", "").lower(), {})
        held = {} if afresh else {name: old[name] for name in ("ResponseType", "LastResponseTime") if name in old}
        kept.append({"Mailbox": one["Mailbox"], **held})
    return kept


def occurrence(item: Document, index: int, start: datetime, end: datetime) -> Document:
    """One occurrence of a series, changed or not, as an item of its own."""
    change = item.get("_exceptions", {}).get(str(index))
    original = (original_start(item, index) or start) if change else start
    return {
        **{name: value for name, value in item.items() if name != "Recurrence"},
        **(change or {}),
        "Start": written(start),
        "End": written(end),
        "OriginalStart": written(original),
        "RecurrenceId": written(original),
        "CalendarItemType": "Exception" if change else "Occurrence",
        "IsRecurring": True,
        "ItemId": occurrence_id(item["ItemId"], index),
    }


def revise_occurrence(tenant: Tenant, item: Document, index: int, wanted: Document) -> None:
    """Change members of one occurrence of a series, None for those to remove. Raises EwsError.

    Nobody is told: what attendees get of a changed occurrence is not simulated.
    """
    changes = item.get("_exceptions", {})
    merged = {**changes.get(str(index), {}), **wanted}
    start, end = next((start, end) for number, start, end in occurrences(item) if number == index)
    _check_times({"Start": written(start), "End": written(end), **merged})
    save_item(tenant, item, _exceptions={**changes, str(index): merged})


def in_period(items: Iterable[Document], begin: datetime, end: datetime) -> list[Document]:
    """The calendar items that overlap a period, in order of start, series as their occurrences."""
    found = []
    for item in items:
        if item["_kind"] != "CalendarItem":
            continue
        for index, starts, ends in occurrences(item, end):
            if ends > begin or starts == ends == begin:
                found.append(occurrence(item, index, starts, ends) if item.get("Recurrence") else item)
    return sorted(found, key=lambda item: moment(item["Start"]))
