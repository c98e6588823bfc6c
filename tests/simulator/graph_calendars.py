# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calendar of a mailbox and its events: the same items that EWS shows.

Every mailbox has one calendar here; birthdays, holidays and calendars that users add are not simulated.
"""

from __future__ import annotations

import base64
from datetime import datetime

from . import meetings
from .ews_access import Caller
from .ews_read import load
from .ews_store import EwsError, decode, display_name, folder_id, items_in, move_item, save_item
from .ews_time import moment
from .graph_call import NO_CONTENT, Answer, Call, GraphError, operation
from .graph_event_shape import ews_id, extended_of, fields_of, preferred_zone, rest_id, shape_of
from .graph_lists import collection
from .graph_mailboxes import access_denied, open_mailbox, permissions_over
from .graph_odata import Kind, single
from .graph_types import check_body, with_booleans
from .meetings_calendar import enter, in_period, named, revise
from .store import Document

_READ = ("Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite")
_WRITE = "Calendars.ReadWrite"
_WITHOUT_BODY = ("body", "bodyPreview")  # what ReadBasic does not show (Microsoft docs: permissions-reference)
_LONGEST_VIEW = 1825


def _shown(call: Call, item: Document) -> Document:
    mailbox = call.fresh.get("mailbox", item["_mailbox"]) or {}
    event = shape_of(call, item)
    basic = not {"Calendars.Read", _WRITE} & permissions_over(call, mailbox)
    return {name: value for name, value in event.items() if not (basic and name in _WITHOUT_BODY)}


_CALENDAR = Kind("calendar", "calendar", service="exchange")
_EXTENDED = Kind("singleValueLegacyExtendedProperty", "singleValueExtendedProperties", service="exchange")
_EVENT = Kind(
    "event",
    "events",
    service="exchange",
    show=_shown,
    expand={
        "singleValueExtendedProperties": lambda call, item: [(_EXTENDED, one) for one in extended_of(item)],
        "calendar": lambda call, item: (_CALENDAR, _calendar(call.fresh.get("mailbox", item["_mailbox"]) or {})),
    },
)


def _calendar(mailbox: Document) -> Document:
    return {
        "id": rest_id(folder_id(mailbox["Guid"], "calendar")),
        "name": display_name(mailbox, "calendar"),
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": True,
        "changeKey": base64.b64encode(mailbox["Guid"].encode()[:15]).decode(),
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": True,
        "isRemovable": False,
        "owner": {"name": mailbox["DisplayName"], "address": mailbox["PrimarySmtpAddress"]},
    }


def _mailbox(who: Caller) -> Document:
    return who.mailbox or {}


def _opened(call: Call, keys: tuple[str, ...], *permissions: str, right: str = "ReadItems") -> Caller:
    """The mailbox; keys after the user's are a calendar's id, which has to be that of its only calendar."""
    who = open_mailbox(call, keys[0], *permissions, right=right)
    for key in keys[1:]:
        said = decode(ews_id(key))
        if (said.kind, said.mailbox, said.folder) != ("F", _mailbox(who)["Guid"], "calendar"):
            raise _not_there()
    return who


def _not_there() -> GraphError:
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def _context(call: Call, who: Caller) -> str:
    """The path as contexts name it, the user by id."""
    return f"users('{who.user_id}')/" + "/".join(call.path.split("/")[3:])


@operation("GET /users/{user-id}/calendars")
def list_calendars(call: Call, key: str) -> Answer:
    """The calendars: one."""
    who = _opened(call, (key,), *_READ)
    return collection(call, _CALENDAR, [_calendar(_mailbox(who))], _context(call, who))


@operation("GET /users/{user-id}/calendar", "GET /users/{user-id}/calendars/{calendar-id}")
def get_calendar(call: Call, *keys: str) -> Answer:
    """The default calendar, which is the only one."""
    who = _opened(call, keys, *_READ)
    return single(call, _CALENDAR, _calendar(_mailbox(who)), context=f"users('{who.user_id}')/calendars/$entity")


def _zoned(call: Call, answer: Answer) -> Answer:
    applied = f'outlook.timezone="{preferred_zone(call)}"'
    return Answer(answer.status, answer.body, {**answer.headers, "Preference-Applied": applied})


@operation(
    "GET /users/{user-id}/events",
    "GET /users/{user-id}/calendar/events",
    "GET /users/{user-id}/calendars/{calendar-id}/events",
)
def list_events(call: Call, *keys: str) -> Answer:
    """Single events and series, the newest first (the order is inferred)."""
    who = _opened(call, keys, *_READ)
    items = items_in(call.tenant, _mailbox(who)["Guid"], "calendar")[::-1]
    return _zoned(call, collection(call, _EVENT, items, _context(call, who)))


@operation(
    "GET /users/{user-id}/calendarView",
    "GET /users/{user-id}/calendar/calendarView",
    "GET /users/{user-id}/calendars/{calendar-id}/calendarView",
)
def view(call: Call, *keys: str) -> Answer:
    """What lies in a period, series as their occurrences."""
    who = _opened(call, keys, *_READ)
    begin, end = _period(call)
    items = items_in(call.tenant, _mailbox(who)["Guid"], "calendar")
    return _zoned(call, collection(call, _EVENT, in_period(items, begin, end), _context(call, who)))


def _period(call: Call) -> tuple[datetime, datetime]:
    """The period that the query names; times without an offset are UTC (Microsoft docs: calendar-list-calendarview)."""
    try:
        # A plus sign that nobody encoded arrives as a space.
        texts = [call.query[name].replace(" ", "+") for name in ("startdatetime", "enddatetime")]
        begin, end = (moment(text if "T" in text else text + "T00:00:00") for text in texts)
    except KeyError as error:
        # Text from public reports.
        text = "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime."
        raise GraphError(400, "ErrorInvalidParameter", text) from error
    except ValueError as error:
        raise GraphError(400, "ErrorInvalidParameter", "The value of the time window is invalid.") from error
    if end < begin:
        raise GraphError(400, "ErrorInvalidParameter", "The StartDateTime must be earlier than EndDateTime.")
    if (end - begin).days > _LONGEST_VIEW:
        text = (
            f"The requested time duration specified for calendarview is too long. The maximum is {_LONGEST_VIEW} days."
        )
        raise GraphError(400, "ErrorInvalidParameter", text)
    return begin, end


def _event_paths(method: str, ending: str = "") -> list[str]:
    """One event has three paths: by its mailbox, in the calendar, and in one of the calendars."""
    places = ("", "/calendar", "/calendars/{calendar-id}")
    return [f"{method} /users/{{user-id}}{place}/events/{{event-id}}{ending}" for place in places]


def _event(who: Caller, key: str) -> Document:
    said = decode(ews_id(key))
    if said.kind == "F" or said.mailbox != _mailbox(who)["Guid"]:
        raise _not_there()
    try:
        item = load(who, said)
    except EwsError as error:
        raise GraphError(404, error.code, error.text) from error
    if item["_kind"] != "CalendarItem" or item["_folder"] != "calendar":
        raise _not_there()
    return item


@operation(*_event_paths("GET"))
def get_event(call: Call, *keys: str) -> Answer:
    """One event, series or occurrence."""
    who = _opened(call, keys[:-1], *_READ)
    return _zoned(call, single(call, _EVENT, _event(who, keys[-1]), context=f"users('{who.user_id}')/events/$entity"))


@operation(*_event_paths("GET", "/instances"))
def list_instances(call: Call, *keys: str) -> Answer:
    """The occurrences of a series in a period."""
    who = _opened(call, keys[:-1], *_READ)
    series, (begin, end) = _event(who, keys[-1]), _period(call)
    found = in_period([series], begin, end) if series.get("Recurrence") else []
    return _zoned(call, collection(call, _EVENT, found, _context(call, who)))


# --- changes ----------------------------------------------------------------------------------------------------------


def _as_graph(error: EwsError) -> GraphError:
    return GraphError(400, error.code, error.text)


@operation(
    "POST /users/{user-id}/events",
    "POST /users/{user-id}/calendar/events",
    "POST /users/{user-id}/calendars/{calendar-id}/events",
)
def create_event(call: Call, *keys: str) -> Answer:
    """A new event in the mailbox; attendees are invited."""
    body = check_body("POST /users/{user-id}/events", with_booleans("microsoft.graph.event", call.body))
    who = _opened(call, keys, _WRITE, right="CreateItems")
    if not body.get("start") or not body.get("end"):
        raise GraphError(400, "ErrorPropertyValidationFailure", "At least one property failed validation.")
    given = {name: value for name, value in named(call.tenant, fields_of(body)).items() if value is not None}
    mailbox = _mailbox(who)
    try:
        item = enter(call.tenant, mailbox, given, by=mailbox["DisplayName"], send=True, copy=True)
    except EwsError as error:
        raise _as_graph(error) from error
    answer = single(call, _EVENT, item, 201, context=f"users('{who.user_id}')/events/$entity")
    location = f"{call.base}/users('{who.user_id}')/events('{rest_id(item['ItemId'])}')"
    return _zoned(call, Answer(201, answer.body, {"Location": location}))


def _to_change(call: Call, keys: tuple[str, ...], right: str = "EditAllItems") -> tuple[Caller, Document]:
    """The event; GraphError 412 when ``If-Match`` names another version of it."""
    who = _opened(call, keys[:-1], _WRITE, right=right)
    item = _event(who, keys[-1])
    wanted = call.headers.get("if-match", "*")
    if wanted not in ("*", f'W/"{item["ChangeKey"]}"'):
        text = "The send or update operation could not be performed because the change key passed in the request does "
        raise GraphError(412, "ErrorIrresolvableConflict", text + "not match the current change key for the item.")
    if item.get("CalendarItemType") == "Occurrence" and call.method != "DELETE":
        text = "The simulator does not change single occurrences of a series."
        raise GraphError(500, "InternalServerError", text)
    return who, item


@operation(*_event_paths("PATCH"))
def update_event(call: Call, *keys: str) -> Answer:
    """Change an event; attendees of the organizer's meeting are told."""
    body = check_body("PATCH /users/{user-id}/events/{event-id}", with_booleans("microsoft.graph.event", call.body))
    who, item = _to_change(call, keys)
    try:
        item = revise(call.tenant, item, named(call.tenant, fields_of(body)), "SendToAllAndSaveCopy")
    except EwsError as error:
        raise _as_graph(error) from error
    return _zoned(call, single(call, _EVENT, item, context=f"users('{who.user_id}')/events/$entity"))


@operation(*_event_paths("DELETE"))
def delete_event(call: Call, *keys: str) -> Answer:
    """To Deleted Items; attendees of the organizer's meeting get a cancellation (Microsoft docs: event-delete)."""
    _rest, item = _to_change(call, keys, "DeleteAllItems")
    said = decode(item["ItemId"])
    if said.kind == "O":
        series = call.fresh.get("item", said.item_id) or {}
        gone = [*series.get("_deletedOccurrences", []), said.index]
        save_item(call.tenant, series, _deletedOccurrences=gone)
        return NO_CONTENT
    if meetings.is_organizer(call.tenant, item) and item.get("MeetingRequestWasSent"):
        meetings.cancel(call.tenant, item, copy=True)
    move_item(call.tenant, item, "deleteditems")
    return NO_CONTENT


@operation(*_event_paths("POST", "/cancel"))
def cancel_event(call: Call, *keys: str) -> Answer:
    """The organizer calls a meeting off."""
    body = check_body("POST /users/{user-id}/events/{event-id}/cancel", call.body or {})
    _rest, item = _to_change(call, keys)
    if not meetings.is_organizer(call.tenant, item):
        # Code from public reports; text: EWS's.
        text = "You must be the meeting organizer to perform this operation."
        raise GraphError(400, "ErrorCalendarIsNotOrganizer", text)
    meetings.cancel(call.tenant, item, copy=True, body=_comment(body))
    move_item(call.tenant, save_item(call.tenant, item, IsCancelled=True), "deleteditems")
    return Answer(202)


def _comment(body: Document) -> Document | None:
    said = next((value for name, value in body.items() if name.lower() == "comment"), None)
    return {"BodyType": "Text", "text": said} if said else None


def _response(action: str, response: str) -> None:
    @operation(*_event_paths("POST", f"/{action}"))
    def respond(call: Call, *keys: str) -> Answer:
        body = check_body(f"POST /users/{{user-id}}/events/{{event-id}}/{action}", call.body or {})
        who, item = _to_change(call, keys)
        if not item.get("IsMeeting"):
            raise access_denied()
        try:
            send = body.get("sendResponse") is not False
            meetings.respond(call.tenant, _mailbox(who), item, response, send=send, copy=send, body=_comment(body))
        except EwsError as error:
            raise _as_graph(error) from error
        return Answer(202)


for _action, _word in (("accept", "Accept"), ("tentativelyAccept", "Tentative"), ("decline", "Decline")):
    _response(_action, _word)
