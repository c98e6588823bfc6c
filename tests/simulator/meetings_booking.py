# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource booking attendant: what a mailbox with AutoAccept decides, and what it keeps of a request.

Source: Set-CalendarProcessing's documentation. Not simulated: work hours (ScheduleOnlyDuringWorkHours), workspaces
(capacity, minimum duration, auto release), forwarding to delegates, trimming a series to the booking window, and
declining single occurrences of a series.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from .cmdlets.identity import legacy_dn
from .ews_recurrence import occurrences
from .ews_store import items_in
from .store import Document
from .tenant import Tenant


def decide(tenant: Tenant, mailbox: Document, request: Document) -> str:
    """Accept, Tentative (a delegate has to approve) or Decline."""
    settings = mailbox["_calendarProcessing"]
    horizon = _horizon(settings)
    wanted = list(occurrences(request, horizon + timedelta(days=1)))
    if settings.get("BookingType") == "Reserved" or (
        not settings["AllowConflicts"] and _too_many_conflicts(tenant, mailbox, request, wanted)
    ):
        return "Decline"
    organizer = str((request.get("Organizer") or {}).get("EmailAddress", ""))

    def may(everybody: str, listed: str) -> bool:
        return bool(settings[everybody]) or _is_listed(tenant, organizer, settings[listed])

    if _in_policy(settings, request, horizon):
        if may("AllBookInPolicy", "BookInPolicy"):
            return "Accept"
        if may("AllRequestInPolicy", "RequestInPolicy"):
            return "Tentative"
    return "Tentative" if may("AllRequestOutOfPolicy", "RequestOutOfPolicy") else "Decline"


def _horizon(settings: Document) -> datetime:
    """The end of the last day that can be booked; BookingWindowInDays 0 is today."""
    today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=int(settings["BookingWindowInDays"]) + 1)


def _in_policy(settings: Document, request: Document, horizon: datetime) -> bool:
    times = occurrences(request, horizon + timedelta(days=1))
    first = next(times, None)
    if first is None or first[1] >= horizon:
        return False
    minutes = (first[2] - first[1]).total_seconds() / 60
    longest = int(settings["MaximumDurationInMinutes"])
    if longest and minutes > longest:
        return False
    if request.get("Recurrence"):
        beyond = any(start >= horizon for _index, start, _end in times)
        return bool(settings["AllowRecurringMeetings"]) and not (beyond and settings["EnforceSchedulingHorizon"])
    return True


def _too_many_conflicts(
    tenant: Tenant, mailbox: Document, request: Document, wanted: list[tuple[int, datetime, datetime]]
) -> bool:
    settings = mailbox["_calendarProcessing"]
    if not wanted:
        return False
    last = max(end for _index, _start, end in wanted)
    busy = [
        (start, end)
        for item in items_in(tenant, mailbox["Guid"], "calendar")
        if item.get("LegacyFreeBusyStatus") != "Free" and item.get("UID") != request["UID"]
        for _rest, start, end in occurrences(item, last)
    ]
    clashes = sum(any(begin < end and finish > start for begin, finish in busy) for _rest, start, end in wanted)
    if not request.get("Recurrence"):
        return clashes > 0
    over_number = clashes > int(settings["MaximumConflictInstances"])
    over_share = 100 * clashes / len(wanted) > int(settings["ConflictPercentageAllowed"])
    return over_number or over_share


def _is_listed(tenant: Tenant, address: str, entries: list[str]) -> bool:
    """Whether the owner of an address, or a group of theirs, is in a list of recipients, however it is named there."""
    mailbox = tenant.mailbox_by_address(address)
    if mailbox is None:
        return False
    names = ("LegacyExchangeDN", "PrimarySmtpAddress", "Alias", "Name", "DistinguishedName", "Guid", "Identity")
    known = {str(mailbox[name]).lower() for name in names}
    user = mailbox["ExternalDirectoryObjectId"]
    for group in tenant.fresh.where("group", lambda one: one["mailEnabled"] and user in one["_members"]):
        known |= {str(value).lower() for value in group.values() if isinstance(value, str) and value}
        known.add(legacy_dn(group).lower())
    return any(str(entry).lower() in known for entry in entries)


def without_details(settings: Document, request: Document) -> Document:
    """The members of a request that the attendant changes before it enters the meeting in the calendar."""
    changes: Document = {}
    if settings["DeleteSubject"]:
        changes["Subject"] = ""
    if settings["AddOrganizerToSubject"]:
        changes["Subject"] = (request.get("Organizer") or {}).get("Name", "")
    if settings["DeleteComments"]:
        changes["Body"] = None
    if settings["DeleteAttachments"]:
        changes["_attachments"] = None
    if settings["RemovePrivateProperty"] and request.get("Sensitivity") == "Private":
        changes["Sensitivity"] = "Normal"
    return changes
