# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EWS's GetUserAvailability: when people are busy, in as much detail as their calendar's permissions give.

Suggestions, groups and working hours are not simulated.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo

from . import ews_rights
from .ews_access import Caller
from .ews_store import EwsError, items_in
from .ews_time import moment, zone
from .ews_xml import MESSAGES, Element, child, elements, invalid, make, number, text
from .meetings_calendar import in_period
from .store import Document

_DIGITS = {"Free": "0", "Tentative": "1", "Busy": "2", "OOF": "3", "WorkingElsewhere": "4"}
_VIEWS = ("MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged")
_LONGEST = 62  # days (Microsoft docs)


def get_user_availability(who: Caller, call: Element) -> Element:
    """The whole answer: a response per mailbox."""
    options = child(call, "FreeBusyViewOptions")
    window, view = child(options, "TimeWindow"), text(child(options, "RequestedView"))
    if view not in _VIEWS:
        raise invalid(f"The 'RequestedView' element is invalid - The value '{view}' is not in the enumeration.")
    local = _zone(who, child(call, "TimeZone"))
    begin, end = (moment(text(child(window, name)), local) for name in ("StartTime", "EndTime"))
    if not timedelta() < end - begin <= timedelta(days=_LONGEST):
        raise EwsError("ErrorInvalidTimeInterval", "The time window is empty or longer than 62 days.")
    step = number(text(child(options, "MergedFreeBusyIntervalInMinutes")) or "30")
    if not 5 <= step <= 1440:
        raise EwsError("ErrorInvalidMergedFreeBusyInterval", "The interval must be between 5 and 1440 minutes.")
    asked = elements(child(call, "MailboxDataArray"))
    answers = (_response(who, one, (begin, end), local, view, step) for one in asked)
    return make(
        "GetUserAvailabilityResponse",
        make("FreeBusyResponseArray", *answers, namespace=MESSAGES),
        namespace=MESSAGES,
    )


def _zone(who: Caller, element: Element | None) -> tzinfo:
    """The zone of the SOAP header, else the fixed offset that the request's own zone has in winter."""
    if who.time_zone:
        return zone(who.time_zone)
    return timezone(-timedelta(minutes=number(text(child(element, "Bias")) or "0")))


def _response(
    who: Caller, asked: Element, window: tuple[datetime, datetime], local: tzinfo, view: str, step: int
) -> Element:
    message = make("ResponseMessage", namespace=MESSAGES, ResponseClass="Success")
    try:
        shown = _view(who, text(child(child(asked, "Email"), "Address")), window, local, view, step)
    except EwsError as error:
        message.set("ResponseClass", "Error")
        message.append(make("MessageText", error.text, namespace=MESSAGES))
        message.append(make("ResponseCode", error.code, namespace=MESSAGES))
        nothing = make("FreeBusyView", make("FreeBusyViewType", "None"), namespace=MESSAGES)
        return make("FreeBusyResponse", message, nothing, namespace=MESSAGES)
    message.append(make("ResponseCode", "NoError", namespace=MESSAGES))
    return make("FreeBusyResponse", message, shown, namespace=MESSAGES)


def _detail(who: Caller, mailbox: Document) -> int:
    """What the calendar's permissions show: 0 nothing, 1 when, 2 subject and place too (everything is not simulated)."""
    if "ReadItems" in who.rights(mailbox, "calendar"):
        return 2
    names = ews_rights.roles(who.tenant, mailbox, "calendar", who.user_id)
    return 2 if "LimitedDetails" in names else 1 if "AvailabilityOnly" in names else 0


def _view(who: Caller, address: str, window: tuple[datetime, datetime], local: tzinfo, view: str, step: int) -> Element:
    mailbox = who.tenant.mailbox_by_address(address)
    if mailbox is None:
        raise EwsError("ErrorMailRecipientNotFound", f"Unable to resolve e-mail address {address} to a mailbox.")
    detail = _detail(who, mailbox)
    if detail == 0:
        raise EwsError("ErrorNoFreeBusyAccess", f"No free/busy access to {address}.")
    kept = view if detail == 2 else view.replace("Detailed", "FreeBusy")
    items = in_period(items_in(who.tenant, mailbox["Guid"], "calendar"), *window)
    private = ews_rights.PRIVATE in who.rights(mailbox, "calendar")
    events = (_event(item, local, details="Detailed" in kept, private=private) for item in items)
    return make(
        "FreeBusyView",
        make("FreeBusyViewType", kept),
        make("MergedFreeBusy", _merged(items, window, step)) if "Merged" in kept else None,
        make("CalendarEventArray", *events) if items and kept != "MergedOnly" else None,
        namespace=MESSAGES,
    )


def _merged(items: list[Document], window: tuple[datetime, datetime], step: int) -> str:
    """A digit per interval: the busiest state in it."""
    begin, end = window
    digits = ""
    while begin < end:
        until = begin + timedelta(minutes=step)
        states = (item["LegacyFreeBusyStatus"] for item in items if _overlaps(item, begin, until))
        digits += max((_DIGITS.get(state, "0") for state in states), default="0")
        begin = until
    return digits


def _overlaps(item: Document, begin: datetime, end: datetime) -> bool:
    return moment(item["Start"]) < end and moment(item["End"]) > begin


def _event(item: Document, local: tzinfo, *, details: bool, private: bool) -> Element:
    hidden = item.get("Sensitivity") == "Private" and not private

    def shown(name: str) -> Element | None:
        return make(name, item[name]) if item.get(name) and not hidden else None

    flags = {
        "IsMeeting": bool(item.get("IsMeeting")),
        "IsRecurring": bool(item.get("IsRecurring")),
        "IsException": item.get("CalendarItemType") == "Exception",
        "IsReminderSet": bool(item.get("ReminderIsSet")),
        "IsPrivate": item.get("Sensitivity") == "Private",
    }
    told = make(
        "CalendarEventDetails",
        shown("Subject"),
        shown("Location"),
        *(make(name, str(on).lower()) for name, on in flags.items()),
    )
    times = (moment(item[name]).astimezone(local).strftime("%Y-%m-%dT%H:%M:%S") for name in ("Start", "End"))
    return make(
        "CalendarEvent",
        *(make(name, when) for name, when in zip(("StartTime", "EndTime"), times, strict=True)),
        make("BusyType", item["LegacyFreeBusyStatus"]),
        told if details else None,
    )
