# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EWS's XML: the fields of each item element in the order of the published schema, read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lxml import etree

from .ews_store import EwsError, attachment_id
from .ews_time import moment, written, zone
from .store import Document

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
Element = Any  # lxml ships no types

# name or name:type, in schema order; without a type it is a string
_ITEM = """MimeContent:mime ItemId:id ParentFolderId:id ItemClass Subject Sensitivity Body:body Attachments:attachments
DateTimeReceived:time Size:int Categories:strings Importance InReplyTo IsSubmitted:bool IsDraft:bool IsFromMe:bool
IsResend:bool IsUnmodified:bool InternetMessageHeaders:xml DateTimeSent:time DateTimeCreated:time ResponseObjects:names
ReminderDueBy:time ReminderIsSet:bool ReminderMinutesBeforeStart:int DisplayCc DisplayTo HasAttachments:bool
ExtendedProperty:extended Culture EffectiveRights:flags LastModifiedName LastModifiedTime:time IsAssociated:bool
WebClientReadFormQueryString WebClientEditFormQueryString ConversationId:id UniqueBody:body TextBody:body"""
_MESSAGE = """Sender:mailbox ToRecipients:mailboxes CcRecipients:mailboxes BccRecipients:mailboxes
IsReadReceiptRequested:bool IsDeliveryReceiptRequested:bool ConversationIndex ConversationTopic From:mailbox
InternetMessageId IsRead:bool IsResponseRequested:bool References ReplyTo:mailboxes ReceivedBy:mailbox
ReceivedRepresenting:mailbox"""
_MEETING = """AssociatedCalendarItemId:id IsDelegated:bool IsOutOfDate:bool HasBeenProcessed:bool ResponseType UID
RecurrenceId:time DateTimeStamp:time IsOrganizer:bool"""
_TIMES = "Start:time End:time OriginalStart:time IsAllDayEvent:bool LegacyFreeBusyStatus Location When"
_STATE = "IsMeeting:bool IsCancelled:bool IsRecurring:bool MeetingRequestWasSent:bool"
_PEOPLE = """CalendarItemType MyResponseType Organizer:mailbox RequiredAttendees:attendees OptionalAttendees:attendees
Resources:attendees"""
_DETAILS = """ConflictingMeetingCount:int AdjacentMeetingCount:int Duration TimeZone AppointmentReplyTime:time
AppointmentSequenceNumber:int AppointmentState:int Recurrence:xml
FirstOccurrence:occurrence LastOccurrence:occurrence ModifiedOccurrences:occurrences DeletedOccurrences:gone
MeetingTimeZone:zone StartTimeZone:zone EndTimeZone:zone
ConferenceType:int AllowNewTimeProposal:bool IsOnlineMeeting:bool MeetingWorkspaceUrl NetShowUrl"""


def _table(*parts: str) -> dict[str, str]:
    pairs = (word.partition(":") for word in " ".join(parts).split())
    return {name: kind or "text" for name, _rest, kind in pairs}


FIELDS: dict[str, dict[str, str]] = {
    "CalendarItem": _table(
        _ITEM,
        "UID RecurrenceId:time DateTimeStamp:time",
        _TIMES,
        _STATE,
        "IsResponseRequested:bool",
        _PEOPLE,
        _DETAILS,
        "IsOrganizer:bool",
    ),
    "Message": _table(_ITEM, _MESSAGE),
    "MeetingRequest": _table(
        _ITEM, _MESSAGE, _MEETING, "MeetingRequestType IntendedFreeBusyStatus", _TIMES, _STATE, _PEOPLE, _DETAILS
    ),
    "MeetingResponse": _table(
        _ITEM,
        _MESSAGE,
        _MEETING,
        "Start:time End:time Location Recurrence:xml CalendarItemType ProposedStart:time ProposedEnd:time",
    ),
    "MeetingCancellation": _table(
        _ITEM, _MESSAGE, _MEETING, "Start:time End:time Location Recurrence:xml CalendarItemType"
    ),
}
_CHOICES = {
    "Sensitivity": ("Normal", "Personal", "Private", "Confidential"),
    "Importance": ("Low", "Normal", "High"),
    "LegacyFreeBusyStatus": ("Free", "Tentative", "Busy", "OOF", "NoData", "WorkingElsewhere"),
}


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return str(etree.QName(element).localname)


def make(name: str, *content: Element | str | None, namespace: str = TYPES, **attributes: str) -> Element:
    """An element with children or text."""
    element = etree.Element(f"{{{namespace}}}{name}", attributes, nsmap={"t": TYPES, "m": MESSAGES})
    for part in content:
        if isinstance(part, str):
            element.text = part
        elif part is not None:
            element.append(part)
    return element


def child(element: Element | None, name: str) -> Element | None:
    """The first child of that name in the types or messages namespace."""
    if element is None:
        return None
    found = element.find(f"{{{TYPES}}}{name}")
    return element.find(f"{{{MESSAGES}}}{name}") if found is None else found


def elements(element: Element | None) -> list[Element]:
    """The child elements (no comments)."""
    return [] if element is None else [one for one in element if isinstance(one.tag, str)]


def first(element: Element | None, name: str) -> Element:
    """The first child element of what has to have one, called ``name``. Raises EwsError."""
    inner = elements(element)
    if not inner:
        raise invalid(f"The element '{name}' has incomplete content.")
    return inner[0]


def text(element: Element | None) -> str:
    """The text of an element, empty for none."""
    return (element.text or "").strip() if element is not None else ""


def invalid(what: str) -> EwsError:
    """The fault for a request that the schema does not allow (wording: .NET's, as the service passes it on)."""
    return EwsError("ErrorSchemaValidation", f"The request failed schema validation: {what}", Violation=what)


def flag(value: str) -> bool:
    """An xs:boolean. Raises EwsError."""
    if value not in ("true", "false", "1", "0"):
        raise invalid(
            f"The value '{value}' is invalid according to its datatype 'http://www.w3.org/2001/XMLSchema:boolean'."
        )
    return value in ("true", "1")


def number(value: str) -> int:
    """An xs:int. Raises EwsError."""
    try:
        return int(value)
    except ValueError as error:
        raise invalid(f"The value '{value}' is invalid according to its datatype 'xs:int'.") from error


def read_mailbox(element: Element) -> Document:
    """A t:Mailbox: {Name, EmailAddress, RoutingType, MailboxType}, what is missing left out."""
    names = ("Name", "EmailAddress", "RoutingType", "MailboxType")
    return {name: text(child(element, name)) for name in names if child(element, name) is not None}


def read_extended(element: Element) -> Document:
    """A t:ExtendedProperty: {field: attributes, value} or {field, values}."""
    values = child(element, "Values")
    path = child(element, "ExtendedFieldURI")
    if path is None:
        raise invalid("The element 'ExtendedProperty' has no ExtendedFieldURI.")
    field = dict(path.attrib)
    if values is not None:
        return {"field": field, "values": [text(one) for one in elements(values)]}
    return {"field": field, "value": text(child(element, "Value"))}


def _read(kind: str, element: Element, time_zone: str | None) -> Any:
    if kind == "time":
        try:
            return written(moment(text(element), zone(time_zone)))
        except ValueError as error:
            raise invalid(f"The '{local(element)}' element is invalid - '{text(element)}' is no dateTime.") from error
    readers: dict[str, Callable[[], Any]] = {
        "int": lambda: number(text(element)),
        "bool": lambda: flag(text(element)),
        "body": lambda: {"BodyType": element.get("BodyType", "Text"), "text": element.text or ""},
        "strings": lambda: [text(one) for one in elements(element)],
        "mailbox": lambda: read_mailbox(child(element, "Mailbox")),
        "mailboxes": lambda: [read_mailbox(one) for one in elements(element)],
        "attendees": lambda: [{"Mailbox": read_mailbox(child(one, "Mailbox"))} for one in elements(element)],
        "zone": lambda: {"Id": element.get("Id", "UTC")},
        "xml": lambda: etree.tostring(element).decode(),
    }
    return readers[kind]() if kind in readers else element.text or ""


def read_fields(element: Element, time_zone: str | None = None) -> Document:
    """The fields of an item element that a client sent.

    Args:
        time_zone: Windows id of the zone of times without an offset.
    Raises:
        EwsError: ErrorSchemaValidation for an element that is unknown, out of order or of a wrong value.
    """
    table = FIELDS[local(element)]
    order = list(table)
    fields: Document = {}
    position = -1
    zone_element = child(element, "StartTimeZone")
    time_zone = zone_element.get("Id") if zone_element is not None else time_zone
    for one in elements(element):
        name = local(one)
        if name not in table or order.index(name) < position:
            raise invalid(
                f"The element '{local(element)}' in namespace '{TYPES}' has invalid child element '{name}' in "
                f"namespace '{etree.QName(one).namespace}'."
            )
        position = order.index(name)
        if name == "ExtendedProperty":
            fields.setdefault(name, []).append(read_extended(one))
            continue
        fields[name] = _read(table[name], one, time_zone)
        if name in _CHOICES and fields[name] not in _CHOICES[name]:
            raise invalid(f"The '{name}' element is invalid - The value '{fields[name]}' is not in the enumeration.")
    return fields


def write_mailbox(mailbox: Document, name: str = "Mailbox") -> Element:
    """A t:Mailbox."""
    said = {"RoutingType": "SMTP", "MailboxType": "Mailbox", **mailbox}
    order = ("Name", "EmailAddress", "RoutingType", "MailboxType")
    return make(name, *(make(part, said[part]) for part in order if said.get(part)))


def _attendee(attendee: Document) -> Element:
    when = attendee.get("LastResponseTime")
    return make(
        "Attendee",
        write_mailbox(attendee["Mailbox"]),
        make("ResponseType", attendee.get("ResponseType", "Unknown")),
        make("LastResponseTime", when) if when else None,
    )


def write_attachment(item_id: str, one: Document, *, content: bool = False) -> Element:
    """A t:FileAttachment of the item with that id."""
    texts = (make(part, one[part]) for part in ("Name", "ContentType", "ContentId", "ContentLocation") if one.get(part))
    return make(
        "FileAttachment",
        make("AttachmentId", Id=attachment_id(item_id, one["number"])),
        *texts,
        make("Size", str(len(one["Content"]) * 3 // 4)),
        make("LastModifiedTime", one["LastModifiedTime"]),
        make("IsInline", str(one["IsInline"]).lower()),
        make("Content", one["Content"]) if content else None,
    )


def _occurrence(name: str, one: Document) -> Element:
    times = (make(part, one[part]) for part in ("Start", "End", "OriginalStart"))
    return make(name, make("ItemId", **one["ItemId"]), *times)


def _write(name: str, kind: str, value: Any) -> Element:
    if kind == "xml":
        return etree.fromstring(value)
    writers: dict[str, Callable[[], Element]] = {
        "bool": lambda: make(name, str(bool(value)).lower()),
        "int": lambda: make(name, str(value)),
        "body": lambda: make(name, value["text"], BodyType=value["BodyType"]),
        "mime": lambda: make(name, value, CharacterSet="UTF-8"),
        "id": lambda: make(name, **value),
        "strings": lambda: make(name, *(make("String", one) for one in value)),
        "mailbox": lambda: make(name, write_mailbox(value)),
        "mailboxes": lambda: make(name, *(write_mailbox(one) for one in value)),
        "attendees": lambda: make(name, *(_attendee(one) for one in value)),
        "names": lambda: make(name, *(make(one) for one in value)),
        "flags": lambda: make(name, *(make(one, str(on).lower()) for one, on in value.items())),
        "zone": lambda: make(name, **value),
        "attachments": lambda: make(name, *(write_attachment(value["of"], one) for one in value["files"])),
        "occurrence": lambda: _occurrence(name, value),
        "occurrences": lambda: make(name, *(_occurrence("Occurrence", one) for one in value)),
        "gone": lambda: make(name, *(make("DeletedOccurrence", make("Start", one)) for one in value)),
    }
    return writers[kind]() if kind in writers else make(name, str(value))


def write_extended(entry: Document) -> Element:
    """A t:ExtendedProperty."""
    if "values" in entry:
        held = make("Values", *(make("Value", one) for one in entry["values"]))
    else:
        held = make("Value", entry["value"])
    return make("ExtendedProperty", make("ExtendedFieldURI", **entry["field"]), held)


def write_item(kind: str, values: Document, names: Iterable[str], extended: Iterable[Document] = ()) -> Element:
    """An item element with those of the named fields that have a value, in schema order."""
    wanted, item = set(names), make(kind)
    for name, type_name in FIELDS[kind].items():
        if name == "ExtendedProperty":
            for entry in extended:
                item.append(write_extended(entry))
        elif name in wanted and values.get(name) not in (None, [], ""):
            item.append(_write(name, type_name, values[name]))
    return item
