# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EWS operations that make, send, move and delete items."""

from __future__ import annotations

from collections.abc import Iterator

from . import ews_rights, meetings
from .ews_access import Caller
from .ews_names import Outcome
from .ews_read import load
from .ews_store import EwsError, find_item, new_item, not_simulated, save_item, words
from .ews_store import move_item as move
from .ews_xml import MESSAGES, Element, child, elements, first, flag, invalid, local, make, read_fields
from .meetings_calendar import enter, named
from .store import Document

_REPLIES = {"AcceptItem": "Accept", "TentativelyAcceptItem": "Tentative", "DeclineItem": "Decline"}
_INVITATIONS = ("SendToNone", "SendOnlyToAll", "SendToAllAndSaveCopy")
_DISPOSITIONS = ("SaveOnly", "SendOnly", "SendAndSaveCopy")
# Fields of a new item that only the service writes (ErrorInvalidPropertySet; Microsoft docs name them read-only).
READ_ONLY = frozenset(
    words(
        "ItemId ParentFolderId DateTimeReceived Size IsSubmitted IsDraft IsFromMe IsResend IsUnmodified DateTimeSent "
        "DateTimeCreated ResponseObjects DisplayCc DisplayTo HasAttachments EffectiveRights LastModifiedName "
        "LastModifiedTime IsAssociated ConversationId UniqueBody TextBody RecurrenceId DateTimeStamp OriginalStart "
        "IsMeeting IsCancelled IsRecurring MeetingRequestWasSent CalendarItemType MyResponseType Organizer "
        "ConflictingMeetingCount AdjacentMeetingCount FirstOccurrence LastOccurrence ModifiedOccurrences "
        "DeletedOccurrences Duration TimeZone AppointmentReplyTime IsOnlineMeeting "
        "AppointmentSequenceNumber AppointmentState IsOrganizer ConversationIndex ConversationTopic ReceivedBy "
        "ReceivedRepresenting"
    )
)


def choice(call: Element, name: str, choices: tuple[str, ...], missing: str) -> str:
    """An attribute of the operation. Raises EwsError ``missing`` without it, ErrorSchemaValidation for a wrong one."""
    value = call.get(name)
    if value is None:
        raise EwsError(missing, f"{name} is required for this operation.")
    if value not in choices:
        raise invalid(f"The '{name}' attribute is invalid - The value '{value}' is invalid according to its datatype.")
    return str(value)


def ids(*items: Document) -> Element:
    """Items as answers to a write: their ids."""
    each = (make(one["_kind"], make("ItemId", Id=one["ItemId"], ChangeKey=one["ChangeKey"])) for one in items)
    return make("Items", *each, namespace=MESSAGES)


def create_item(who: Caller, call: Element) -> Iterator[Outcome]:
    """CreateItem of calendar items, mails, and responses to meeting requests."""
    for element in elements(child(call, "Items")):
        try:
            target = elements(child(call, "SavedItemFolderId"))
            folder = who.folder(target[0]) if target else None
            kind = local(element)
            if kind == "CalendarItem":
                made = _calendar_item(who, call, element, folder)
            elif kind == "Message":
                made = _message(who, call, element, folder)
            elif kind in _REPLIES:
                made = _reply(who, call, element)
            elif kind == "CancelCalendarItem":
                made = _cancel(who, call, element)
            else:
                raise not_simulated(f"CreateItem of {kind}")
            yield [ids(*made)]
        except EwsError as error:
            yield error


def _own(who: Caller, folder: tuple[Document, str] | None, default: str) -> tuple[Document, str]:
    mailbox, name = folder or who.folder(make("DistinguishedFolderId", Id=default))
    who.demand(mailbox, name, "CreateItems")
    return mailbox, name


def _given(who: Caller, element: Element) -> Document:
    fields = read_fields(element, who.time_zone)
    for name in fields:
        if name in READ_ONLY:
            raise EwsError("ErrorInvalidPropertySet", "Set action is invalid for property.", FieldURI=name)
    if fields.pop("MimeContent", None) is not None or "Attachments" in fields:
        raise not_simulated("items made from MIME content, or with attachments in the same request")
    return named(who.tenant, fields)


def _calendar_item(who: Caller, call: Element, element: Element, folder: tuple[Document, str] | None) -> list[Document]:
    sending = choice(call, "SendMeetingInvitations", _INVITATIONS, "ErrorSendMeetingInvitationsRequired")
    mailbox, name = _own(who, folder, "calendar")
    if name != "calendar":
        raise EwsError(
            "ErrorCannotCreateCalendarItemInNonCalendarFolder", "Cannot create a calendar item in this folder."
        )
    by = (who.mailbox or mailbox)["DisplayName"]
    send, copy = sending != "SendToNone", sending == "SendToAllAndSaveCopy"
    given = {**_given(who, element), "_maker": who.user_id}
    return [enter(who.tenant, mailbox, given, by=by, send=send, copy=copy)]


def _message(who: Caller, call: Element, element: Element, folder: tuple[Document, str] | None) -> list[Document]:
    disposition = choice(call, "MessageDisposition", _DISPOSITIONS, "ErrorMessageDispositionRequired")
    fields = _given(who, element)
    mailbox, name = _own(who, folder, "drafts" if disposition == "SaveOnly" else "sentitems")
    sender, said = meetings.person(who.mailbox or mailbox), fields.pop("From", None)
    author = _author(who, said, sender) if said else sender
    if ews_rights.sends_as(who.tenant, author["EmailAddress"], who.user_id):
        sender = author  # nothing shows who it was
    defaults = {"ItemClass": "IPM.Note", "ConversationTopic": fields.get("Subject"), "IsRead": True}
    fields = {**defaults, **fields, "From": author, "Sender": sender, "_maker": who.user_id}
    if disposition == "SaveOnly":
        return [new_item(who.tenant, mailbox, name, "Message", **fields)]
    _require_recipients(fields)
    meetings.send_message(who.tenant, who.mailbox or mailbox, fields)
    if disposition == "SendAndSaveCopy":
        new_item(who.tenant, mailbox, name, "Message", **{**fields, "IsRead": True})
    return []  # what is sent has no id to answer (Microsoft docs)


def _author(who: Caller, said: Document, sender: Document) -> Document:
    """In whose name a mail goes out: somebody else's takes SendAs, or being granted to send on behalf."""
    named_box = who.tenant.mailbox_by_address(said.get("EmailAddress", ""))
    author = meetings.person(named_box) if named_box else None
    if author == sender or (named_box and ews_rights.sends_for(who.tenant, named_box, who.user_id)):
        return author or sender
    raise EwsError(
        "ErrorSendAsDenied",
        "The user account which was used to submit this request does not have the right to send mail on behalf of the "
        "specified sending account.",
    )


def _require_recipients(fields: Document) -> None:
    if not any(fields.get(role) for role in ("ToRecipients", "CcRecipients", "BccRecipients")):
        raise EwsError("ErrorInvalidRecipients", "At least one recipient isn't valid.")


def _referred(who: Caller, element: Element) -> Document:
    item = load(who, who.reference(child(element, "ReferenceItemId")))
    if item["_kind"] not in ("MeetingRequest", "CalendarItem") or not item.get("IsMeeting"):
        raise EwsError("ErrorInvalidReferenceItem", "The reference item is not valid for the response object.")
    if item.get("CalendarItemType") == "Occurrence":
        raise not_simulated("responses to one occurrence of a series")
    return item


def _body(element: Element, name: str) -> Document | None:
    said = child(element, name)
    return {"BodyType": said.get("BodyType", "Text"), "text": said.text or ""} if said is not None else None


def _reply(who: Caller, call: Element, element: Element) -> list[Document]:
    """Accept, accept tentatively or decline.

    Microsoft's sample answers no ids; the EWS Managed API (CalendarActionResults) and exchangelib (issue 886) got those
    of the calendar item and of the request in Deleted Items, so these are answered.
    """
    disposition = choice(call, "MessageDisposition", _DISPOSITIONS, "ErrorMessageDispositionRequired")
    item = _referred(who, element)
    mailbox = who.box(item["_mailbox"])
    who.demand(mailbox, "calendar", "EditAllItems")
    send, copy = disposition != "SaveOnly", disposition == "SendAndSaveCopy"
    response = _REPLIES[local(element)]
    return meetings.respond(who.tenant, mailbox, item, response, send=send, copy=copy, body=_body(element, "Body"))


def _cancel(who: Caller, call: Element, element: Element) -> list[Document]:
    disposition = choice(call, "MessageDisposition", _DISPOSITIONS, "ErrorMessageDispositionRequired")
    item = who.permit(_referred(who, element), "DeleteAllItems")
    if not meetings.is_organizer(who.tenant, item):
        raise EwsError("ErrorCalendarIsNotOrganizer", "You must be the meeting organizer to perform this operation.")
    if disposition != "SaveOnly":
        copy = disposition == "SendAndSaveCopy"
        meetings.cancel(who.tenant, item, copy=copy, body=_body(element, "NewBodyContent"))
    return [move(who.tenant, save_item(who.tenant, item, IsCancelled=True), "deleteditems")]


def send_item(who: Caller, call: Element) -> Iterator[Outcome]:
    """SendItem: drafts go out, and to Sent Items when SaveItemToFolder says so."""
    keep = flag(call.get("SaveItemToFolder", "false"))
    for one in elements(child(call, "ItemIds")):
        try:
            item = who.permit(find_item(who.tenant, who.reference(one).item_id), "DeleteAllItems")
            if item["_kind"] != "Message":
                raise not_simulated(f"SendItem of {item['_kind']}")
            _require_recipients(item)
            target = elements(child(call, "SavedItemFolderId"))
            mailbox, folder = who.folder(target[0]) if target else (who.box(item["_mailbox"]), "sentitems")
            fields = {name: value for name, value in item.items() if not name.startswith("_")}
            meetings.send_message(who.tenant, mailbox, fields)
            if keep:
                move(who.tenant, item, folder, mailbox)
            else:
                who.tenant.store.remove("item", item["ItemId"])
            yield []
        except EwsError as error:
            yield error


def move_item(who: Caller, call: Element) -> Iterator[Outcome]:
    """MoveItem."""
    for one in elements(child(call, "ItemIds")):
        try:
            mailbox, folder = who.folder(first(child(call, "ToFolderId"), "ToFolderId"), "CreateItems")
            item = who.permit(find_item(who.tenant, who.reference(one).item_id), "DeleteAllItems")
            yield [ids(move(who.tenant, item, folder, mailbox))]
        except EwsError as error:
            yield error


def delete_item(who: Caller, call: Element) -> Iterator[Outcome]:
    """DeleteItem; a meeting's organizer may tell the attendees with it."""
    folders = {"HardDelete": None, "SoftDelete": "recoverableitemsdeletions", "MoveToDeletedItems": "deleteditems"}
    way = choice(call, "DeleteType", tuple(folders), "ErrorSchemaValidation")
    for one in elements(child(call, "ItemIds")):
        try:
            said = who.reference(one)
            item = who.permit(find_item(who.tenant, said.item_id), "DeleteAllItems")
            sending = call.get("SendMeetingCancellations")
            if item["_kind"] == "CalendarItem":
                choice(call, "SendMeetingCancellations", _INVITATIONS, "ErrorSendMeetingCancellationsRequired")
            calendar = item["_kind"] == "CalendarItem" and item["_folder"] == "calendar"
            tells = calendar and sending not in (None, "SendToNone")
            organizes = meetings.is_organizer(who.tenant, item) and item.get("MeetingRequestWasSent")
            if said.kind == "O":
                if tells and organizes:
                    raise not_simulated("cancelling one occurrence of a series")
                load(who, said)
                save_item(who.tenant, item, _deletedOccurrences=[*item.get("_deletedOccurrences", []), said.index])
                yield []
                continue
            if tells and organizes:
                meetings.cancel(who.tenant, item, copy=sending == "SendToAllAndSaveCopy")
            folder = folders[way]
            if folder:
                move(who.tenant, item, folder)
            else:
                who.tenant.store.remove("item", item["ItemId"])
            yield []
        except EwsError as error:
            yield error
