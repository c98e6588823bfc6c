# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How meetings travel between the tenant's mailboxes, whichever interface made them.

A document of kind ``item`` is one item of a mailbox, keyed by its EWS id. Its members are EWS's elements by name:
times are UTC strings (``2026-11-22T18:46:32Z``), ``Body`` is {BodyType, text}, ``Organizer``, ``Sender`` and ``From``
are {Name, EmailAddress}, recipients lists of those, attendees [{Mailbox, ResponseType, LastResponseTime}],
``StartTimeZone`` {Id: Windows zone}, ``Recurrence`` the element as XML, ``ExtendedProperty`` [{field, value or
values}]. ``ItemId`` and ``ChangeKey`` are strings. Beside them: ``_mailbox`` (Guid), ``_folder`` (distinguished name),
``_kind`` (XML element: CalendarItem, Message, MeetingRequest, MeetingResponse, MeetingCancellation),
``_deletedOccurrences`` (indexes), ``_exceptions`` (changed members by an occurrence's index), ``_attachments`` (see
``ews_attachments``) and ``_maker`` (user id). The items of one meeting share their ``UID``.

What AutomateProcessing and its companions do is Set-CalendarProcessing's documentation unless a comment says otherwise.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any

from .ews_store import EwsError, by_uid, items_in, move_item, new_item, save_item, words
from .meetings_booking import decide, without_details
from .store import Document
from .tenant import Tenant, graph_time

ATTENDEES = ("RequiredAttendees", "OptionalAttendees", "Resources")
RESPONSES = {"Accept": "Accepted", "Tentative": "Tentative", "Decline": "Declined"}
_CLASSES = {name: f"IPM.Schedule.Meeting.Resp.{end}" for name, end in (("Accept", "Pos"), ("Tentative", "Tent"))}
_CLASSES["Decline"] = "IPM.Schedule.Meeting.Resp.Neg"
# What an invitation carries from the organizer's calendar item.
_CARRIED = words(
    "Subject Sensitivity Importance Body Categories Start End IsAllDayEvent Location UID Organizer RequiredAttendees "
    "OptionalAttendees Resources AppointmentSequenceNumber Recurrence StartTimeZone EndTimeZone ExtendedProperty "
    "ConferenceType AllowNewTimeProposal MeetingWorkspaceUrl NetShowUrl IsResponseRequested _attachments"
)


def new_uid() -> str:
    """A GlobalObjectId in hexadecimal, as Exchange writes UIDs."""
    return "040000008200E00074C5B7101A82E00800000000" + secrets.token_hex(36).upper()


def person(mailbox: Document) -> Document:
    """A mailbox as sender, organizer or attendee."""
    return {"Name": mailbox["DisplayName"], "EmailAddress": mailbox["PrimarySmtpAddress"]}


def mailbox_of(tenant: Tenant, address: str | None) -> Document | None:
    """The mailbox that owns an address; None for another company's, or one that does not exist."""
    return tenant.mailbox_by_address(address) if address else None


def _receivers(tenant: Tenant, address: str) -> list[Document]:
    """The mailboxes that get what is sent to an address: its own, or those of a group's direct members.

    Another company's address gets nothing. Nor does an unknown one of ours, for which Exchange would send back a
    non-delivery report; that is not simulated.
    """
    own = tenant.mailbox_by_address(address)
    if own:
        return [own]
    group = tenant.fresh.first("group", lambda one: (one.get("mail") or "").lower() == address.lower())
    members = group["_members"] if group else []
    return [box for box in tenant.mailboxes(tenant.fresh) if box["ExternalDirectoryObjectId"] in members]


def addresses(meeting: Document) -> list[str]:
    """The addresses of every attendee, in lower case."""
    attendees = [attendee for role in ATTENDEES for attendee in meeting.get(role, [])]
    return [str(one["Mailbox"].get("EmailAddress", "")).lower() for one in attendees]


def is_organizer(tenant: Tenant, item: Document) -> bool:
    """Whether an item lies in the mailbox of the meeting's organizer."""
    mailbox = mailbox_of(tenant, (item.get("Organizer") or {}).get("EmailAddress"))
    return mailbox is not None and mailbox["Guid"] == item["_mailbox"]


def _header(sender: Document, to: list[Document], subject: str | None, item_class: str) -> Document:
    who = person(sender)
    return {
        "ItemClass": item_class,
        "Subject": subject,
        "Sender": who,
        "From": who,
        "ToRecipients": to,
        "ConversationTopic": subject,
        "InternetMessageId": f"<{secrets.token_hex(16)}@EURP190MB0001.EURP190.PROD.OUTLOOK.COM>",
        "IsRead": False,
    }


def _list(meeting: Document, *roles: str) -> list[Document]:
    return [attendee["Mailbox"] for role in roles for attendee in meeting.get(role, [])]


def invite(
    tenant: Tenant, meeting: Document, *, copy: bool, update: bool = False, only: Collection[str] | None = None
) -> Document:
    """Send the invitation, or an update, of the organizer's calendar item; returns the item as it is then.

    Args:
        copy: whether a copy goes to the organizer's Sent Items.
        update: whether the attendees know the meeting already.
        only: addresses (lower case) to send to; None is everybody.
    """
    organizer = tenant.fresh.get("mailbox", meeting["_mailbox"]) or {}
    meeting = save_item(tenant, meeting, MeetingRequestWasSent=True, IsMeeting=True)
    fields = {name: meeting[name] for name in _CARRIED if name in meeting}
    fields |= _header(
        organizer,
        _list(meeting, "RequiredAttendees", "Resources"),
        meeting.get("Subject"),
        "IPM.Schedule.Meeting.Request",
    )
    fields |= {
        "CcRecipients": _list(meeting, "OptionalAttendees"),
        "MeetingRequestType": "FullUpdate" if update else "NewMeetingRequest",
        "IntendedFreeBusyStatus": meeting["LegacyFreeBusyStatus"],
        "LegacyFreeBusyStatus": "Tentative",
        "ResponseType": "NoResponseReceived",
        "MyResponseType": "NoResponseReceived",
        "IsMeeting": True,
        "IsCancelled": False,
        "MeetingRequestWasSent": True,
        "AppointmentState": 3,  # meeting, received (MS-OXOCAL)
    }
    for mailbox in _attending(tenant, meeting, organizer, only):
        process(tenant, mailbox, new_item(tenant, mailbox, "inbox", "MeetingRequest", **fields))
    if copy:
        new_item(tenant, organizer, "sentitems", "MeetingRequest", **{**fields, "IsRead": True})
    return tenant.fresh.get("item", meeting["ItemId"]) or meeting


def _attending(tenant: Tenant, meeting: Document, organizer: Document, only: Collection[str] | None) -> list[Document]:
    wanted = [one for one in addresses(meeting) if only is None or one in only]
    boxes = {box["Guid"]: box for address in wanted for box in _receivers(tenant, address)}
    return [box for guid, box in boxes.items() if guid != organizer["Guid"]]


def cancel(
    tenant: Tenant,
    meeting: Document,
    *,
    copy: bool,
    only: Collection[str] | None = None,
    body: Document | None = None,
) -> None:
    """Tell the attendees (or ``only`` those addresses) that the organizer's meeting is off."""
    organizer = tenant.fresh.get("mailbox", meeting["_mailbox"]) or {}
    subject = f"Canceled: {meeting.get('Subject') or ''}"
    to = _list(meeting, *ATTENDEES)
    fields = {name: meeting[name] for name in _CARRIED if name in meeting}
    fields |= _header(organizer, to, subject, "IPM.Schedule.Meeting.Canceled")
    fields |= {"AppointmentState": 7, "Body": body}  # meeting, received, cancelled (MS-OXOCAL)
    for mailbox in _attending(tenant, meeting, organizer, only):
        process(tenant, mailbox, new_item(tenant, mailbox, "inbox", "MeetingCancellation", **fields))
    if copy:
        new_item(tenant, organizer, "sentitems", "MeetingCancellation", **{**fields, "IsRead": True})


def process(tenant: Tenant, mailbox: Document, message: Document) -> None:
    """What the mailbox's calendar processing does with a meeting request or cancellation in its inbox."""
    settings = mailbox["_calendarProcessing"]
    if settings["AutomateProcessing"] == "None":
        return
    from_outside = mailbox_of(tenant, (message.get("Organizer") or {}).get("EmailAddress")) is None
    if from_outside and mailbox["IsResource"] and not settings["ProcessExternalMeetingMessages"]:
        return
    if settings["RemoveOldMeetingMessages"]:
        for old in items_in(tenant, mailbox["Guid"], "inbox"):
            same = old.get("UID") == message["UID"] and old["ItemId"] != message["ItemId"]
            if same and old["_kind"] in ("MeetingRequest", "MeetingCancellation"):
                move_item(tenant, old, "deleteditems")
    books = settings["AutomateProcessing"] == "AutoAccept" and mailbox["IsResource"]
    if message["_kind"] == "MeetingCancellation":
        _take_off(tenant, mailbox, message)
        if books:
            move_item(tenant, message, "deleteditems")
    elif books:
        verdict = decide(tenant, mailbox, message)
        stripped = without_details(settings, message)
        respond(tenant, mailbox, {**message, **stripped}, verdict, send=True, copy=False)
    elif settings["AddNewRequestsTentatively"] or by_uid(
        tenant, mailbox["Guid"], "calendar", message["UID"], "CalendarItem"
    ):
        item = _enter(tenant, mailbox, message, "NoResponseReceived")
        reference = {"Id": item["ItemId"], "ChangeKey": item["ChangeKey"]}
        save_item(tenant, message, AssociatedCalendarItemId=reference, HasBeenProcessed=True)


def _take_off(tenant: Tenant, mailbox: Document, message: Document) -> None:
    item = by_uid(tenant, mailbox["Guid"], "calendar", message["UID"], "CalendarItem")
    if item is None:
        return
    if mailbox["IsResource"] and mailbox["_calendarProcessing"]["RemoveCanceledMeetings"]:
        # The parameter's page is empty; its name is all that is known (inferred).
        tenant.store.remove("item", item["ItemId"])
        return
    subject = item.get("Subject") if mailbox["IsResource"] else message["Subject"]
    free = {"LegacyFreeBusyStatus": "Free", "AppointmentState": 7, "Subject": subject}
    save_item(tenant, item, IsCancelled=True, **free)


def _enter(tenant: Tenant, mailbox: Document, request: Document, response: str) -> Document:
    """Make or update the calendar item of a request."""
    status = request.get("IntendedFreeBusyStatus", "Busy") if response == "Accept" else "Tentative"
    fields: dict[str, Any] = {name: request.get(name) for name in _CARRIED}
    fields |= {
        "ItemClass": "IPM.Appointment",
        "LegacyFreeBusyStatus": status,
        "MyResponseType": response,
        "IsMeeting": True,
        "IsCancelled": False,
        "MeetingRequestWasSent": True,
        "AppointmentState": 3,
        "AppointmentReplyTime": None if response == "NoResponseReceived" else graph_time(),
        "ReminderIsSet": not mailbox["IsResource"],
        "ReminderMinutesBeforeStart": 15,
        "IntendedFreeBusyStatus": request.get("IntendedFreeBusyStatus"),
    }
    item = by_uid(tenant, mailbox["Guid"], "calendar", request["UID"], "CalendarItem")
    if item is None:
        given = {name: value for name, value in fields.items() if value is not None}
        return new_item(tenant, mailbox, "calendar", "CalendarItem", **given)
    return save_item(tenant, item, **fields)


def respond(
    tenant: Tenant,
    mailbox: Document,
    message: Document,
    response: str,
    *,
    send: bool,
    copy: bool,
    body: Document | None = None,
) -> list[Document]:
    """Answer a meeting request, or the calendar item that came of one, with Accept, Tentative or Decline.

    Returns the items that are left of it: the calendar item (not after Decline), the request in Deleted Items.
    Raises EwsError when the mailbox organizes the meeting itself.
    """
    if is_organizer(tenant, message):
        raise EwsError(f"ErrorCalendarIsOrganizerFor{response}", "You are the organizer of this meeting.")
    left = []
    if response == "Decline":
        item = by_uid(tenant, mailbox["Guid"], "calendar", message["UID"], "CalendarItem")
        if item:
            move_item(tenant, save_item(tenant, item, MyResponseType="Decline"), "deleteditems")
    else:
        left.append(_enter(tenant, mailbox, message, response))
    if message["_kind"] == "MeetingRequest":
        left.append(move_item(tenant, save_item(tenant, message, IsRead=True), "deleteditems"))
    organizer = mailbox_of(tenant, (message.get("Organizer") or {}).get("EmailAddress"))
    subject = f"{RESPONSES[response]}: {_asked_subject(tenant, organizer, message) or ''}"
    carried = ("UID", "Start", "End", "Location", "Recurrence")
    fields: Document = {name: message[name] for name in carried if name in message}
    fields |= _header(mailbox, [message["Organizer"]], subject, _CLASSES[response])
    fields |= {"ResponseType": response, "Body": body}
    if send and organizer:
        _deliver_response(tenant, mailbox, organizer, fields)
    if send and copy:
        new_item(tenant, mailbox, "sentitems", "MeetingResponse", **{**fields, "IsRead": True})
    return left


def _asked_subject(tenant: Tenant, organizer: Document | None, message: Document) -> str | None:
    """The meeting's subject as its organizer wrote it: a resource that hid it in its calendar still answers with it."""
    own = by_uid(tenant, organizer["Guid"], "calendar", message["UID"], "CalendarItem") if organizer else None
    return str((own or message).get("Subject") or "")


def _deliver_response(tenant: Tenant, mailbox: Document, organizer: Document, fields: Document) -> None:
    """Put the response into the organizer's inbox and, by the organizer's Calendar Attendant, track it."""
    answer = new_item(tenant, organizer, "inbox", "MeetingResponse", **fields)
    meeting = by_uid(tenant, organizer["Guid"], "calendar", fields["UID"], "CalendarItem")
    if meeting is None or organizer["_calendarProcessing"]["AutomateProcessing"] == "None":
        return
    own = {entry.split(":", 1)[1].lower() for entry in mailbox["EmailAddresses"]}
    tracked = {"ResponseType": fields["ResponseType"], "LastResponseTime": graph_time()}
    changes = {
        role: [
            {**one, **tracked} if one["Mailbox"].get("EmailAddress", "").lower() in own else one
            for one in meeting[role]
        ]
        for role in ATTENDEES
        if meeting.get(role)
    }
    meeting = save_item(tenant, meeting, **changes)
    reference = {"Id": meeting["ItemId"], "ChangeKey": meeting["ChangeKey"]}
    save_item(tenant, answer, AssociatedCalendarItemId=reference, HasBeenProcessed=True)


def send_message(tenant: Tenant, sender: Document, fields: Document) -> None:
    """Deliver a mail to every recipient in the tenant."""
    recipients = [one for role in ("ToRecipients", "CcRecipients", "BccRecipients") for one in fields.get(role, [])]
    boxes = {box["Guid"]: box for one in recipients for box in _receivers(tenant, one.get("EmailAddress", ""))}
    seen = {name: value for name, value in fields.items() if name != "BccRecipients"}
    for box in boxes.values():
        settings = box["_calendarProcessing"]
        removed = settings["AutomateProcessing"] == "AutoAccept" and settings["DeleteNonCalendarItems"]
        folder = "deleteditems" if removed and box["IsResource"] else "inbox"
        who = {"ReceivedBy": person(box), "ReceivedRepresenting": person(box)}
        new_item(tenant, box, folder, "Message", **{**seen, "IsRead": False, **who})
