# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EWS operations that read items: GetItem and FindItem, and the fields that are computed on reading."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from . import ews_rights, ews_search
from .ews_access import Caller
from .ews_folders import RIGHTS, shape
from .ews_names import Outcome
from .ews_recurrence import occurrences, original_start
from .ews_store import EwsError, Reference, folder_id, items_in, not_found, words
from .ews_store import find_item as stored
from .ews_time import duration, moment, written
from .ews_xml import FIELDS, MESSAGES, Element, child, elements, invalid, local, make, number, write_item
from .meetings import is_organizer
from .meetings_calendar import in_period, occurrence
from .store import Document

_DEFAULT = {
    "CalendarItem": "ItemId Subject HasAttachments ReminderIsSet Start End LegacyFreeBusyStatus Location IsMeeting "
    "CalendarItemType Organizer Body RequiredAttendees OptionalAttendees Resources",
    "": "ItemId Subject Sensitivity Body Size DateTimeSent DateTimeCreated HasAttachments ToRecipients CcRecipients "
    "BccRecipients From IsRead ResponseObjects AssociatedCalendarItemId Start End Location Organizer",
}
# What FindItem never answers, only GetItem (Microsoft docs for Body, recipients and attachments; the rest inferred).
_NOT_FOUND = set(
    words(
        "MimeContent Body TextBody UniqueBody Attachments InternetMessageHeaders ResponseObjects RequiredAttendees "
        "OptionalAttendees Resources ToRecipients CcRecipients BccRecipients ReplyTo Recurrence"
    )
)
# What is told of a private appointment to who may not see it.
_OF_PRIVATE = set(
    words(
        "ItemId ChangeKey ItemClass Sensitivity Start End OriginalStart RecurrenceId IsAllDayEvent LegacyFreeBusyStatus "
        "IsRecurring CalendarItemType IsCancelled LastModifiedTime DateTimeCreated DateTimeReceived DateTimeSent "
        "_kind _folder _mailbox _maker"
    )
)


def values_of(who: Caller, item: Document) -> Document:
    """Everything that can be asked of an item: what is stored, and what follows from it."""
    item = _masked(who, item)
    kind, body = item["_kind"], item.get("Body") or {}
    values: dict[str, Any] = {
        **item,
        "ItemId": {"Id": item["ItemId"], "ChangeKey": item["ChangeKey"]},
        "ParentFolderId": {"Id": folder_id(item["_mailbox"], item["_folder"]), "ChangeKey": "AQAAAA=="},
        "Size": len(json.dumps(item)),
        "IsSubmitted": False,
        "IsDraft": item["_folder"] == "drafts",
        "IsFromMe": item["_folder"] in ("sentitems", "drafts"),
        "IsResend": False,
        "IsUnmodified": item["_kind"] != "CalendarItem",
        "HasAttachments": any(not one["IsInline"] for one in item.get("_attachments", [])),
        "Attachments": {"of": item["ItemId"], "files": item["_attachments"]} if item.get("_attachments") else None,
        "Culture": item.get("Culture", "en-US"),
        "EffectiveRights": _rights(who, item),
        "IsAssociated": False,
        "ConversationId": {"Id": _conversation(item)},
        "TextBody": {"BodyType": "Text", "text": body["text"]} if body.get("BodyType") == "Text" else None,
        "UniqueBody": item.get("Body"),
        "DisplayTo": _names(item, "ToRecipients", "RequiredAttendees"),
        "DisplayCc": _names(item, "CcRecipients", "OptionalAttendees"),
        "ResponseObjects": _answers(who, item),
        "IsDelegated": False,
        "IsOutOfDate": False,
        "HasBeenProcessed": item.get("HasBeenProcessed", False),
        "IsOrganizer": is_organizer(who.tenant, item),
    }
    if "Start" in item and kind in ("CalendarItem", "MeetingRequest"):
        single = "RecurringMaster" if item.get("Recurrence") else "Single"
        values |= {
            "ReminderDueBy": item["Start"],
            "Duration": duration(item),
            "DateTimeStamp": item["LastModifiedTime"],
            "IsRecurring": item.get("IsRecurring", False),
            "CalendarItemType": item.get("CalendarItemType", single),
        }
    if kind == "CalendarItem" and item.get("Recurrence"):
        values |= _series(item)
    return values


def _series(item: Document) -> Document:
    """What a recurring master says of its occurrences: the first and last, the changed and the deleted ones."""
    every = list(occurrences(item))

    def info(index: int, start: datetime, end: datetime) -> Document:
        one = occurrence(item, index, start, end)
        times = {name: one[name] for name in ("Start", "End", "OriginalStart")}
        return {"ItemId": {"Id": one["ItemId"], "ChangeKey": item["ChangeKey"]}, **times}

    bounded = "NoEndRecurrence" not in item["Recurrence"]
    gone = (original_start(item, index) for index in item.get("_deletedOccurrences", []))
    return {
        "FirstOccurrence": info(*every[0]) if every else None,
        "LastOccurrence": info(*every[-1]) if every and bounded else None,
        "ModifiedOccurrences": [info(*one) for one in every if str(one[0]) in item.get("_exceptions", {})],
        "DeletedOccurrences": [written(start) for start in gone if start],
    }


def hidden(who: Caller, item: Document) -> bool:
    """Whether an item is a private appointment that the caller may not see."""
    if item.get("Sensitivity") != "Private" or item["_kind"] != "CalendarItem":
        return False
    return ews_rights.PRIVATE not in who.rights(who.box(item["_mailbox"]), item["_folder"])


def _masked(who: Caller, item: Document) -> Document:
    """A private appointment of somebody else's says when, and no more, to who may not see it (inferred)."""
    if not hidden(who, item):
        return item
    kept = {name: value for name, value in item.items() if name in _OF_PRIVATE}
    return {**kept, "Subject": "Private Appointment"}


def _rights(who: Caller, item: Document) -> dict[str, bool]:
    held = who.rights(who.box(item["_mailbox"]), item["_folder"])
    own = item.get("_maker") == who.user_id
    may = {
        "Delete": "DeleteAllItems" in held or (own and "DeleteOwnedItems" in held),
        "Modify": "EditAllItems" in held or (own and "EditOwnedItems" in held),
        "Read": "ReadItems" in held,
        "ViewPrivateItems": ews_rights.PRIVATE in held,
    }
    return {name: may.get(name, False) for name in RIGHTS}


def _conversation(item: Document) -> str:
    seed = str(item.get("UID") or item.get("ConversationTopic") or item["ItemId"])
    return base64.b64encode(b"\x00\x03\x24" + hashlib.sha256(seed.encode()).digest()).decode()


def _names(item: Document, *roles: str) -> str:
    people = [one.get("Mailbox", one) for role in roles for one in item.get(role, [])]
    return "; ".join(dict.fromkeys(one.get("Name") or one.get("EmailAddress", "") for one in people))


def _answers(who: Caller, item: Document) -> list[str]:
    """The response objects that an item takes, in schema order."""
    if item["_kind"] == "CalendarItem" and item.get("IsMeeting") and is_organizer(who.tenant, item):
        return ["CancelCalendarItem"]
    if item["_kind"] == "MeetingRequest" or (item["_kind"] == "CalendarItem" and item.get("IsMeeting")):
        return ["AcceptItem", "TentativelyAcceptItem", "DeclineItem"]
    return []


def _mime(item: Document) -> str:
    """An item as MIME. Meeting details are not in it: a calendar part is not simulated."""
    message = EmailMessage()
    message["Subject"] = str(item.get("Subject") or "").replace("\r", " ").replace("\n", " ")
    message["Message-ID"] = item.get("InternetMessageId", f"<{item['ItemId'][-24:]}@contoso>").replace("=", "")
    body = item.get("Body") or {"BodyType": "Text", "text": ""}
    message.set_content(body["text"], subtype="html" if body["BodyType"] == "HTML" else "plain")
    return base64.b64encode(message.as_bytes()).decode()


def write(who: Caller, item: Document, item_shape: Element | None, *, found: bool = False) -> Element:
    """An item as an ItemShape wants it; ``found`` for FindItem's answers, which lack some fields."""
    base, names, extended = shape(item_shape)
    kind = item["_kind"]
    wanted = {"ItemId", *names}
    if base == "Default":
        wanted |= set(_DEFAULT.get(kind, _DEFAULT[""]).split())
    elif base == "AllProperties":
        wanted |= set(FIELDS[kind]) - {"MimeContent"}
    elif base != "IdOnly":
        raise invalid(f"The 'BaseShape' element is invalid - The value '{base}' is not in the enumeration.")
    if found:
        wanted -= _NOT_FOUND
    values = values_of(who, item)
    if "MimeContent" in wanted:
        values["MimeContent"] = _mime(item)
    fields = [{key: value.lower() for key, value in one.items()} for one in extended]
    stored_properties = item.get("ExtendedProperty", [])
    held = [one for one in stored_properties if any(ews_search.same_field(one, field) for field in fields)]
    return write_item(kind, values, wanted, held)


def load(who: Caller, said: Reference) -> Document:
    """The item or occurrence that a reference means. Raises EwsError."""
    item = who.permit(stored(who.tenant, said.item_id), "ReadItems")
    if hidden(who, item) and not who.tenant.switch("private_items_masked"):
        raise not_found()
    if said.kind != "O":
        return item
    if not item.get("Recurrence"):
        raise EwsError("ErrorCalendarCannotUseIdForRecurringMasterId", "The item is no recurring master.")
    for index, start, end in occurrences(item):
        if index == said.index:
            return occurrence(item, index, start, end)
        if index > said.index:
            break
    if said.index in item.get("_deletedOccurrences", []):
        raise EwsError("ErrorCalendarOccurrenceIsDeletedFromRecurrence", "Occurrence is deleted from the recurrence.")
    raise EwsError(
        "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", "Occurrence with this index is not in the recurrence."
    )


def get_item(who: Caller, call: Element) -> Iterator[Outcome]:
    """GetItem."""
    for one in elements(child(call, "ItemIds")):
        try:
            item = load(who, who.reference(one))
            yield [make("Items", write(who, item, child(call, "ItemShape")), namespace=MESSAGES)]
        except EwsError as error:
            yield error


def find_item(who: Caller, call: Element) -> Iterator[Outcome]:
    """FindItem: one message per folder. Associated and soft-deleted traversal find nothing here."""
    if child(call, "QueryString") is not None:
        yield _no_query()
        return
    view = next((one for one in elements(call) if local(one).endswith("View")), None)
    for parent in elements(child(call, "ParentFolderIds")):
        try:
            mailbox, folder = who.folder(parent, "ReadItems")
            items = items_in(who.tenant, mailbox["Guid"], folder) if call.get("Traversal") == "Shallow" else []
            if not who.tenant.switch("private_items_masked"):
                items = [item for item in items if not hidden(who, item)]
            if view is not None and local(view) == "CalendarView":
                found, attributes = _calendar_view(items, folder, view)
            else:
                # Without a sort order the newest comes first (inferred).
                found, attributes = _search(who, items[::-1], call, view)
            written_items = [write(who, item, child(call, "ItemShape"), found=True) for item in found]
            yield [make("RootFolder", make("Items", *written_items), namespace=MESSAGES, **attributes)]
        except EwsError as error:
            yield error


def _no_query() -> EwsError:
    return EwsError("ErrorInternalServerError", "The simulator does not implement QueryString.")


def _search(
    who: Caller, items: list[Document], call: Element, view: Element | None
) -> tuple[list[Document], dict[str, str]]:
    restriction, order = child(call, "Restriction"), child(call, "SortOrder")
    if restriction is not None:
        items = [item for item in items if ews_search.matches(restriction, values_of(who, item))]
    if order is not None:
        items = ews_search.sort(items, order, lambda item: values_of(who, item))
    return ews_search.page(items, view)


def _calendar_view(items: list[Document], folder: str, view: Element) -> tuple[list[Document], dict[str, str]]:
    """What overlaps the view, in order of start, series as their occurrences. Raises EwsError."""
    if folder != "calendar":
        raise EwsError("ErrorCalendarFolderIsInvalidForCalendarView", "CalendarView works on calendar folders only.")
    try:
        begin, end = moment(view.get("StartDate", "")), moment(view.get("EndDate", ""))
    except ValueError as error:
        raise invalid("The 'StartDate' attribute is invalid.") from error
    if end < begin:
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate")
    if (end - begin).days > 2 * 366:
        raise EwsError(
            "ErrorCalendarViewRangeTooBig", "The specified view range exceeds the maximum range of two years."
        )
    shown = in_period(items, begin, end)
    limit = number(view.get("MaxEntriesReturned", str(len(shown))))
    over = str(len(shown) <= limit).lower()
    return shown[:limit], {"TotalItemsInView": str(min(limit, len(shown))), "IncludesLastItemInRange": over}
