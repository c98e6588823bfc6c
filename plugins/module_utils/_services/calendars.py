# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox's calendar, by either service, in the same words.

An event is a mapping of ``uid``, ``subject``, ``organizer`` {name, address} or None, ``start`` and ``end`` (with their
offsets), ``time_zone`` (the event's own, as the service names it), ``all_day``, ``location``, ``attendees`` [{name,
address, type, response}], ``sensitivity``, ``show_as``, ``cancelled`` and ``recurrence`` (single, occurrence, exception).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .._transport.clock import Backoff, Deadline
from .._transport.errors import Denied, MissingLibrary, NotFound, ServiceError, Unreachable
from .ews import import_exchangelib

if TYPE_CHECKING:
    from .graph import Graph

Event = dict[str, Any]
# A calendar view of EWS has no pages; a server gives up at a thousand items.
WINDOW = timedelta(days=31)
FIELDS = (
    "uid",
    "subject",
    "organizer",
    "start",
    "end",
    "_start_timezone",
    "_end_timezone",
    "is_all_day",
    "location",
    "required_attendees",
    "optional_attendees",
    "resources",
    "sensitivity",
    "legacy_free_busy_status",
    "is_cancelled",
    "type",
)
SELECT = (
    "iCalUId,subject,organizer,start,end,originalStartTimeZone,isAllDay,location,attendees,sensitivity,showAs,"
    "isCancelled,type"
)
_RESPONSES = {
    "organizer": "organizer",
    "tentative": "tentative",
    "tentativelyaccepted": "tentative",
    "accept": "accepted",
    "accepted": "accepted",
    "decline": "declined",
    "declined": "declined",
    "noresponsereceived": "not_responded",
    "notresponded": "not_responded",
}
_SHOW_AS = {"oof": "out_of_office", "workingelsewhere": "working_elsewhere"}


class Calendars:
    """Reads calendars.

    Args:
        calendar: opens the calendar of an address, as exchangelib has it.
        graph: the client.
        deadline: when to stop asking a service that is busy.
    """

    def __init__(self, calendar: Callable[[str], Any], graph: Graph, deadline: Deadline) -> None:
        self._calendar, self._graph, self._deadline = calendar, graph, deadline

    def view(self, mailbox: str, start: datetime, end: datetime, backend: str) -> tuple[str, list[Event], list[str]]:
        """The service that answered, the events that overlap with the time between start and end, and warnings.

        With auto EWS comes first, since that is what Pexip's scheduler speaks; Graph where EWS refuses, or its library is
        not installed. Raises ServiceError, MissingLibrary.
        """
        if backend == "graph":
            return backend, self.through_graph(mailbox, start, end), []
        try:
            return "ews", self.through_ews(mailbox, start, end), []
        except (Denied, MissingLibrary) as error:
            if backend == "ews":
                raise
            refusal = f"Through EWS: {error}"
        try:
            events = self.through_graph(mailbox, start, end)
        except Denied as error:
            raise Denied(
                error.tried, error.status, error.code, error.text, error.request_id, f"{error.advice} {refusal}"
            ) from error
        return "graph", events, [f"The calendar was read through Graph. {refusal}"]

    def through_ews(self, mailbox: str, start: datetime, end: datetime) -> list[Event]:
        """The events that overlap with the time between start and end. Raises ServiceError, MissingLibrary."""
        tried, found = f"view the calendar of {mailbox} through EWS", dict[tuple[str, datetime], Event]()
        calendar = self._calendar(mailbox)
        for begin, finish in _windows(start, end):
            for event in self._view(calendar, begin, finish, tried):
                found[event["uid"], event["start"]] = event
        return list(found.values())

    def _view(self, calendar: Any, start: datetime, end: datetime, tried: str) -> list[Event]:
        exchangelib, backoff = import_exchangelib(), Backoff()
        begin, finish = (exchangelib.EWSDateTime.from_datetime(one.astimezone(timezone.utc)) for one in (start, end))
        while True:
            try:
                return [_from_ews(item) for item in calendar.view(begin, finish).only(*FIELDS)]
            except exchangelib.errors.EWSError as error:
                failure = _ews_failure(tried, error)
                if not isinstance(failure, Unreachable) or not self._deadline.sleep(backoff.next(), failure):
                    raise failure from error

    def through_graph(self, mailbox: str, start: datetime, end: datetime) -> list[Event]:
        """The events that overlap with the time between start and end. Raises ServiceError."""
        begin, finish = (one.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for one in (start, end))
        url = f"/users/{quote(mailbox)}/calendarView?startDateTime={begin}&endDateTime={finish}"
        tried = f"view the calendar of {mailbox} through Graph"
        return [_from_graph(one, tried) for one in self._graph.collect(url, tried, select=SELECT)]


def _windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        finish = min(start + WINDOW, end)
        yield start, finish
        start = finish


# --- EWS --------------------------------------------------------------------------------------------------------------

_POLICY = re.compile(r"X-EWS-Policy-Reason'?: '?([^',}]+)", re.IGNORECASE)
_HTTP = re.compile(r"Code: (\d{3})")
_REASON = re.compile(r'reason="([^"]*)"')
_CLOSED_ADVICE = (
    "EWS has to be open for the organization, the mailbox and the application; o365_ews_access opens it for an application "
    "until it ends for everybody on 2027-04-01."
)
_DENIED_ADVICE = (
    "The mailbox has to be in the scope of the application's role Application EWS.AccessAsApp (o365_impersonation)."
)
_DELEGATE_ADVICE = "The person who signed in needs rights on the mailbox (o365_mailbox_delegate)."


def _ews_failure(tried: str, error: Exception) -> ServiceError:
    """exchangelib's error in the words of this collection. It hides HTTP answers in the text of its own."""
    errors, text = import_exchangelib().errors, str(error)
    policy, answer = _POLICY.search(text), _HTTP.search(text)
    status, code = int(answer[1]) if answer else 0, type(error).__name__
    if policy:
        return Denied(tried, status, text=policy[1].strip(), advice=_CLOSED_ADVICE)
    if isinstance(error, (errors.ErrorImpersonateUserDenied, errors.ErrorImpersonationDenied)):
        return Denied(tried, 500, code, text, advice=_DENIED_ADVICE)
    if isinstance(error, (errors.ErrorAccessDenied, errors.ErrorFolderNotFound, errors.ErrorItemNotFound)):
        return Denied(tried, 0, code, text, advice=_DELEGATE_ADVICE)
    if isinstance(error, errors.UnauthorizedError) or status in (401, 403):
        reason = _REASON.search(text)
        return Denied(tried, status or 401, text=reason[1] if reason else text[:300], advice=_DENIED_ADVICE)
    if isinstance(error, errors.ErrorNonExistentMailbox):
        return NotFound(tried, 0, code, text, advice="Give the mailbox's primary address.")
    busy = (errors.ErrorServerBusy, errors.ErrorMailboxStoreUnavailable, errors.ErrorMailboxMoveInProgress)
    if isinstance(error, busy) or status == 429 or status >= 500 or code == "TransportError":
        return Unreachable(tried, status, code, text[:300])
    return ServiceError(tried, status, code, text[:300])


def _from_ews(item: Any) -> Event:
    people = (
        ("required", item.required_attendees),
        ("optional", item.optional_attendees),
        ("resource", item.resources),
    )
    zone = getattr(item, "_start_timezone", None)
    organizer = item.organizer
    return {
        "uid": str(item.uid or ""),
        "subject": item.subject or "",
        "organizer": {"name": organizer.name, "address": organizer.email_address} if organizer else None,
        "start": _instant(item.start, zone, 0),
        "end": _instant(item.end, zone, 1),
        "time_zone": str(zone) if zone else None,
        "all_day": bool(item.is_all_day),
        "location": item.location,
        "attendees": [
            {
                "name": one.mailbox.name,
                "address": one.mailbox.email_address,
                "type": kind,
                "response": _response(one.response_type),
            }
            for kind, attendees in people
            for one in attendees or ()
        ],
        "sensitivity": str(item.sensitivity or "Normal").lower(),
        "show_as": _show_as(item.legacy_free_busy_status),
        "cancelled": bool(item.is_cancelled),
        "recurrence": str(item.type or "Single").lower(),
    }


def _instant(value: Any, zone: Any, days: int) -> datetime:
    """exchangelib gives the times of an event that lasts all day as its first and last day, in the event's own zone."""
    if isinstance(value, datetime):
        return value
    return datetime.combine(value + timedelta(days=days), time(), zone or timezone.utc)


# --- Graph ------------------------------------------------------------------------------------------------------------


def _from_graph(event: Mapping[str, Any], tried: str) -> Event:
    return {
        "uid": str(event.get("iCalUId") or ""),
        "subject": event.get("subject") or "",
        "organizer": _address(event.get("organizer")),
        "start": _utc(event.get("start"), tried),
        "end": _utc(event.get("end"), tried),
        "time_zone": event.get("originalStartTimeZone"),
        "all_day": bool(event.get("isAllDay")),
        "location": (event.get("location") or {}).get("displayName") or None,
        "attendees": [
            {
                **(_address(one) or {"name": None, "address": None}),
                "type": str(one.get("type") or "required"),
                "response": _response((one.get("status") or {}).get("response")),
            }
            for one in event.get("attendees") or ()
        ],
        "sensitivity": str(event.get("sensitivity") or "normal").lower(),
        "show_as": _show_as(event.get("showAs")),
        "cancelled": bool(event.get("isCancelled")),
        "recurrence": {"singleInstance": "single"}.get(str(event.get("type")), str(event.get("type") or "single")),
    }


def _address(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    found = (value or {}).get("emailAddress")
    return {"name": found.get("name"), "address": found.get("address")} if found else None


def _utc(value: Mapping[str, Any] | None, tried: str) -> datetime:
    """A time of Graph, which is in UTC unless asked for otherwise, with seven digits of a second's fraction."""
    try:
        return datetime.fromisoformat(str((value or {})["dateTime"])[:19]).replace(tzinfo=timezone.utc)
    except (KeyError, ValueError) as error:
        raise ServiceError(tried, 200, text="an event has no time") from error


# --- both -------------------------------------------------------------------------------------------------------------


def _response(value: Any) -> str:
    return _RESPONSES.get(str(value or "").lower(), "none")


def _show_as(value: Any) -> str:
    word = str(value or "").lower()
    return _SHOW_AS.get(word, word or "unknown")
