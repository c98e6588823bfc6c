# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calendar items as Graph's events, and back. What an item is: see ``meetings``."""

from __future__ import annotations

import html
import re
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from lxml import etree
from lxml import html as markup

from .ews_store import EwsError, decode
from .ews_time import ZONES, moment, written
from .ews_xml import TYPES
from .graph_call import Call, GraphError
from .meetings import ATTENDEES
from .store import Document

_ROLES = {"RequiredAttendees": "required", "OptionalAttendees": "optional", "Resources": "resource"}
_RESPONSES = {
    "Accept": "accepted",
    "Tentative": "tentativelyAccepted",
    "Decline": "declined",
    "Organizer": "organizer",
    "NoResponseReceived": "notResponded",
}
_SHOW_AS = {"Free": "free", "Tentative": "tentative", "Busy": "busy", "OOF": "oof"}
_NEVER = "0001-01-01T00:00:00Z"
_PREVIEW = 255  # characters (Microsoft docs: event)
_DATE = "%Y-%m-%dT%H:%M:%S.0000000"
# Members that a client sends and the store takes as they are.
_PLAIN = {
    "subject": "Subject",
    "isReminderOn": "ReminderIsSet",
    "reminderMinutesBeforeStart": "ReminderMinutesBeforeStart",
    "isAllDay": "IsAllDayEvent",
    "responseRequested": "IsResponseRequested",
    "allowNewTimeProposals": "AllowNewTimeProposal",
    "categories": "Categories",
}
_CAPITALS = {"importance": "Importance", "sensitivity": "Sensitivity"}


def rest_id(ews_id: str) -> str:
    """Graph's form of an EWS id: base64 for URLs (Microsoft docs: translateExchangeIds)."""
    return ews_id.replace("/", "-").replace("+", "_")


def ews_id(key: str) -> str:
    """The EWS form of an id in a path. Raises GraphError 400 for what this service did not make."""
    text = key.replace("-", "/").replace("_", "+")
    try:
        decode(text)
    except EwsError as error:
        raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.") from error
    return text


def zone(name: str | None) -> tzinfo:
    """The time zone of a Windows or IANA name; UTC for none. Raises GraphError 400 (text from public reports)."""
    known = {windows.lower(): iana for windows, iana in ZONES.items()} | {
        one.lower(): one for one in available_timezones()
    }
    if (name or "UTC").lower() not in known:
        text = f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'."
        raise GraphError(400, "TimeZoneNotSupportedException", text)
    return ZoneInfo(known[(name or "UTC").lower()])


def preferred_zone(call: Call) -> str:
    """The zone that ``Prefer: outlook.timezone`` asks times to be in."""
    return call.prefers("outlook.timezone") or "UTC"


def _time(text: str, name: str) -> Document:
    return {"dateTime": moment(text).astimezone(zone(name)).strftime(_DATE), "timeZone": name}


def _person(mailbox: Document | None) -> Document:
    said = mailbox or {}
    return {"emailAddress": {"name": said.get("Name"), "address": said.get("EmailAddress")}}


def _body(item: Document, kind: str | None) -> Document:
    """The body as HTML, or as text where that is preferred (Microsoft docs: event)."""
    said = item.get("Body") or {"BodyType": "HTML", "text": ""}
    text, is_html = said.get("text") or "", said.get("BodyType") == "HTML"
    if kind == "text":
        plain = markup.fromstring(text).text_content() if is_html and text.strip() else text
        return {"contentType": "text", "content": str(plain)}
    return {"contentType": "html", "content": text if is_html else f"<html><body>{html.escape(text)}</body></html>"}


def shape_of(call: Call, item: Document) -> Document:
    """An item as an event."""
    name = preferred_zone(call)
    body, preview = _body(item, call.prefers("outlook.body-content-type")), _body(item, "text")
    occurs = item.get("CalendarItemType") == "Occurrence"
    own = item.get("MyResponseType", "Organizer")
    location = {"displayName": item.get("Location") or "", "locationType": "default", "uniqueIdType": "unknown"}
    series = decode(item["ItemId"]).item_id if occurs else None
    return {
        "@odata.etag": f'W/"{item["ChangeKey"]}"',
        "id": rest_id(item["ItemId"]),
        "createdDateTime": item["DateTimeCreated"],
        "lastModifiedDateTime": item["LastModifiedTime"],
        "changeKey": item["ChangeKey"],
        "categories": item.get("Categories", []),
        "transactionId": None,
        "originalStart": item.get("OriginalStart"),
        "originalStartTimeZone": (item.get("StartTimeZone") or {}).get("Id", "UTC"),
        "originalEndTimeZone": (item.get("EndTimeZone") or item.get("StartTimeZone") or {}).get("Id", "UTC"),
        "iCalUId": item.get("UID"),
        "reminderMinutesBeforeStart": int(item.get("ReminderMinutesBeforeStart", 15)),
        "isReminderOn": bool(item.get("ReminderIsSet")),
        "hasAttachments": False,
        "subject": item.get("Subject") or "",
        "bodyPreview": preview["content"].strip()[:_PREVIEW],
        "importance": str(item["Importance"]).lower(),
        "sensitivity": str(item["Sensitivity"]).lower(),
        "isAllDay": bool(item.get("IsAllDayEvent")),
        "isCancelled": bool(item.get("IsCancelled")),
        "isOrganizer": own == "Organizer",
        "responseRequested": bool(item.get("IsResponseRequested", True)),
        "seriesMasterId": rest_id(series) if series else None,
        "showAs": _SHOW_AS.get(item.get("LegacyFreeBusyStatus", "Busy"), "unknown"),
        "type": "occurrence" if occurs else "seriesMaster" if item.get("Recurrence") else "singleInstance",
        "webLink": f"https://outlook.office365.com/owa/?itemid={rest_id(item['ItemId'])}&exvsurl=1&path=/calendar/item",
        "onlineMeetingUrl": None,
        "isOnlineMeeting": False,
        "onlineMeetingProvider": "unknown",
        "allowNewTimeProposals": bool(item.get("AllowNewTimeProposal", True)),
        "isDraft": False,
        "hideAttendees": False,
        "responseStatus": {"response": _RESPONSES.get(own, "none"), "time": item.get("AppointmentReplyTime") or _NEVER},
        "body": body,
        "start": _time(item["Start"], name),
        "end": _time(item["End"], name),
        "location": location,
        "locations": [location] if item.get("Location") else [],
        "recurrence": _recurrence(item),
        "attendees": [
            {
                "type": _ROLES[role],
                "status": {
                    "response": _RESPONSES.get(one.get("ResponseType", ""), "none"),
                    "time": one.get("LastResponseTime") or _NEVER,
                },
                **_person(one["Mailbox"]),
            }
            for role in ATTENDEES
            for one in item.get(role, [])
        ],
        "organizer": _person(item.get("Organizer")),
        "onlineMeeting": None,
    }


def _recurrence(item: Document) -> Document | None:
    """A series' pattern; those that the simulator follows are daily and weekly ones."""
    if not item.get("Recurrence"):
        return None
    pattern, limit = etree.fromstring(item["Recurrence"])
    said, bounds = ({etree.QName(one).localname: (one.text or "") for one in part} for part in (pattern, limit))
    weekly = etree.QName(pattern).localname == "WeeklyRecurrence"
    kind = {"EndDateRecurrence": "endDate", "NumberedRecurrence": "numbered"}
    return {
        "pattern": {
            "type": "weekly" if weekly else "daily",
            "interval": int(said.get("Interval", 1)),
            "month": 0,
            "dayOfMonth": 0,
            "daysOfWeek": [day.lower() for day in said.get("DaysOfWeek", "").split()],
            "firstDayOfWeek": said.get("FirstDayOfWeek", "Sunday").lower(),
            "index": "first",
        },
        "range": {
            "type": kind.get(etree.QName(limit).localname, "noEnd"),
            "startDate": bounds["StartDate"][:10],
            "endDate": bounds.get("EndDate", "0001-01-01")[:10],
            "recurrenceTimeZone": (item.get("StartTimeZone") or {}).get("Id", "UTC"),
            "numberOfOccurrences": int(bounds.get("NumberOfOccurrences", 0)),
        },
    }


# --- and back ---------------------------------------------------------------------------------------------------------


# An extended property's id, e.g. "String {guid} Name Color" or "Integer 0x1234" (Microsoft docs: extended-properties).
_EXTENDED = re.compile(
    r"(?P<type>\w+) (?:\{(?P<set>[0-9A-Fa-f-]{36})\} (?P<by>Name|Id) (?P<key>.+)|(?P<tag>0x[0-9A-Fa-f]+))"
)


def extended_of(item: Document) -> list[Document]:
    """The extended properties of an item with one value each, as Graph writes them."""
    found = []
    for one in item.get("ExtendedProperty", []):
        field = one["field"]
        key = field.get("PropertyTag") or (
            f"{{{field.get('PropertySetId', '')}}} "
            + (f"Name {field['PropertyName']}" if "PropertyName" in field else f"Id {field.get('PropertyId')}")
        )
        if "value" in one:
            found.append({"id": f"{field['PropertyType']} {key}", "value": one["value"]})
    return found


def _extended(said: Document) -> Document:
    parts = _EXTENDED.fullmatch(str(said.get("id")))
    if parts is None:
        text = "PropertyId values may only be in one of the following formats: 'MapiPropertyType namespaceGuid Name "
        raise GraphError(
            400, "ErrorInvalidProperty", text + "propertyName' or 'MapiPropertyType propertyTag'."
        )  # unverified
    place = (
        {"PropertyTag": parts["tag"]}
        if parts["tag"]
        else {"PropertySetId": parts["set"], f"Property{parts['by']}": parts["key"]}
    )
    return {"field": {**place, "PropertyType": parts["type"]}, "value": str(said.get("value"))}


def fields_of(body: Document) -> Document:
    """The members of an item that an event's body sets, None for those it removes. Raises GraphError 400."""
    fields: Document = {stored: body[name] for name, stored in _PLAIN.items() if name in body}
    fields |= {stored: str(body[name]).capitalize() for name, stored in _CAPITALS.items() if body.get(name)}
    if body.get("showAs"):
        fields["LegacyFreeBusyStatus"] = {value: key for key, value in _SHOW_AS.items()}.get(body["showAs"], "Busy")
    if "body" in body:
        said = body["body"] or {}
        kind = "Text" if str(said.get("contentType", "text")).lower() == "text" else "HTML"
        fields["Body"] = {"BodyType": kind, "text": said.get("content") or ""}
    if "location" in body:
        fields["Location"] = (body["location"] or {}).get("displayName")
    for name, stored in (("start", "Start"), ("end", "End")):
        if name in body:
            fields[stored] = written(_moment(body[name]))
            fields[f"{stored}TimeZone"] = {"Id": body[name].get("timeZone") or "UTC"}
    if "attendees" in body:
        fields |= {role: [] for role in ATTENDEES}
        for one in body["attendees"] or []:
            said = one.get("emailAddress") or {}
            role = {value: key for key, value in _ROLES.items()}[str(one.get("type") or "required").lower()]
            person = {"Name": said.get("name"), "EmailAddress": said.get("address") or ""}
            fields[role].append({"Mailbox": {name: value for name, value in person.items() if value}})
    if "singleValueExtendedProperties" in body:
        fields["ExtendedProperty"] = [_extended(one) for one in body["singleValueExtendedProperties"] or []]
    if "recurrence" in body:
        fields["Recurrence"] = _recurrence_xml(body["recurrence"]) if body["recurrence"] else None
    return fields


def _moment(said: Any) -> datetime:
    try:
        return moment(said["dateTime"], zone(said.get("timeZone")))
    except (KeyError, TypeError, ValueError) as error:
        raise GraphError(400, "ErrorPropertyValidationFailure", "At least one property failed validation.") from error


def _recurrence_xml(said: Document) -> str:
    pattern, limit = said.get("pattern") or {}, said.get("range") or {}
    kind = str(pattern.get("type", "")).lower()
    if kind not in ("daily", "weekly"):
        raise GraphError(500, "InternalServerError", f"The simulator does not implement the recurrence {kind!r}.")

    def element(parent: Any, name: str, text: str = "") -> Any:
        made = etree.SubElement(parent, f"{{{TYPES}}}{name}")
        made.text = text
        return made

    root = etree.Element(f"{{{TYPES}}}Recurrence")
    made = element(root, "WeeklyRecurrence" if kind == "weekly" else "DailyRecurrence")
    element(made, "Interval", str(pattern.get("interval") or 1))
    if kind == "weekly":
        element(made, "DaysOfWeek", " ".join(str(day).capitalize() for day in pattern.get("daysOfWeek") or []))
        element(made, "FirstDayOfWeek", str(pattern.get("firstDayOfWeek") or "sunday").capitalize())
    names = {"endDate": "EndDateRecurrence", "numbered": "NumberedRecurrence"}
    bounds = element(root, names.get(str(limit.get("type")), "NoEndRecurrence"))
    element(bounds, "StartDate", str(limit.get("startDate") or ""))
    if limit.get("type") == "endDate":
        element(bounds, "EndDate", str(limit.get("endDate") or ""))
    elif limit.get("type") == "numbered":
        element(bounds, "NumberOfOccurrences", str(limit.get("numberOfOccurrences") or 0))
    return str(etree.tostring(root).decode())
