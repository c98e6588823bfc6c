# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EWS's UpdateItem: fields set, removed and appended, conflicts, and what the attendees are told."""

from __future__ import annotations

from collections.abc import Iterator

from . import meetings
from .ews_access import Caller
from .ews_items import READ_ONLY, check_times, choice, ids, named
from .ews_names import Outcome
from .ews_store import EwsError, find_item, not_simulated, save_item
from .ews_xml import FIELDS, MESSAGES, Element, child, elements, first, local, make, read_fields
from .store import Document

_SENDING = ("SendToNone", "SendOnlyToAll", "SendOnlyToChanged", "SendToAllAndSaveCopy", "SendToChangedAndSaveCopy")
_REQUIRED = {"Start", "End", "IsAllDayEvent", "LegacyFreeBusyStatus", "UID", "Sensitivity", "Importance", "ItemClass"}
# A change of these is a new version of the meeting, to which attendees have not answered yet (MS-OXOCAL).
_SIGNIFICANT = ("Start", "End", "Recurrence", "Location")


def update_item(who: Caller, call: Element) -> Iterator[Outcome]:
    """UpdateItem of items as a whole; single occurrences of a series cannot be changed here."""
    for change in elements(child(call, "ItemChanges")):
        try:
            named_id = first(change, "ItemChange")
            said = who.reference(named_id)
            if said.kind == "O":
                raise not_simulated("UpdateItem of one occurrence of a series")
            item = find_item(who.tenant, said.item_id)
            _check_version(call, item, named_id.get("ChangeKey"))
            wanted = _changed(who, item, child(change, "Updates"))
            change_it = _calendar if item["_kind"] == "CalendarItem" else _mail
            updated = change_it(who, call, item, wanted)
            yield [ids(updated), make("ConflictResults", make("Count", "0"), namespace=MESSAGES)]
        except EwsError as error:
            yield error


def _check_version(call: Element, item: Document, key: str | None) -> None:
    resolution = choice(
        call, "ConflictResolution", ("NeverOverwrite", "AutoResolve", "AlwaysOverwrite"), "ErrorSchemaValidation"
    )
    if resolution == "AlwaysOverwrite":
        return
    if not key:
        raise EwsError("ErrorChangeKeyRequired", "A change key is required for this operation.")
    if resolution == "NeverOverwrite" and key != item["ChangeKey"]:
        raise EwsError(
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in the request does "
            "not match the current change key for the item.",
        )


def _changed(who: Caller, item: Document, updates: Element) -> Document:
    """The members to change, None for those to remove."""
    wanted: Document = {}
    for update in elements(updates):
        path, rest = first(update, local(update)), elements(update)[1:]
        name = path.get("FieldURI", "").partition(":")[2]
        action = local(update)
        if local(path) == "ExtendedFieldURI":
            wanted["ExtendedProperty"] = _extended({**item, **wanted}, dict(path.attrib), rest)
            continue
        if local(path) != "FieldURI" or name not in FIELDS[item["_kind"]]:
            raise EwsError("ErrorInvalidPropertySet", "Set action is invalid for property.")
        if action == "DeleteItemField":
            if name in _REQUIRED or name in READ_ONLY:
                raise EwsError("ErrorInvalidPropertyDelete", "Delete action is invalid for property.")
            wanted[name] = None
            continue
        if name in READ_ONLY or name == "MimeContent":
            raise EwsError("ErrorInvalidPropertySet", "Set action is invalid for property.")
        if len(rest) != 1 or local(rest[0]) != item["_kind"]:
            raise EwsError("ErrorInvalidPropertySet", "Set action is invalid for property.")
        fields = named(who, read_fields(rest[0], who.time_zone))
        if set(fields) != {name}:
            raise EwsError("ErrorUpdatePropertyMismatch", "The property does not match the field URI.")
        value = fields[name]
        wanted[name] = _appended({**item, **wanted}.get(name), value) if action == "AppendToItemField" else value
    return wanted


def _extended(item: Document, field: dict[str, str], rest: list[Element]) -> list[Document]:
    kept = [one for one in item.get("ExtendedProperty") or [] if one["field"] != field]
    return kept + (read_fields(rest[0]).get("ExtendedProperty", []) if rest else [])


def _appended(old: object, new: object) -> object:
    if isinstance(new, list):
        return [*(old if isinstance(old, list) else []), *new]
    if isinstance(new, dict) and "text" in new:
        return {**new, "text": (old["text"] if isinstance(old, dict) else "") + new["text"]}
    raise EwsError("ErrorInvalidPropertyAppend", "Append action is invalid for property.")


def _mail(who: Caller, call: Element, item: Document, wanted: Document) -> Document:
    disposition = choice(
        call, "MessageDisposition", ("SaveOnly", "SendOnly", "SendAndSaveCopy"), "ErrorMessageDispositionRequired"
    )
    if disposition != "SaveOnly":
        raise not_simulated(f"UpdateItem with MessageDisposition {disposition}")
    return save_item(who.tenant, item, **wanted)


def _calendar(who: Caller, call: Element, item: Document, wanted: Document) -> Document:
    sending = choice(
        call, "SendMeetingInvitationsOrCancellations", _SENDING, "ErrorSendMeetingInvitationsOrCancellationsRequired"
    )
    new = {name: value for name, value in {**item, **wanted}.items() if value is not None}
    check_times(new)
    organizes = meetings.is_organizer(who.tenant, item)
    if not organizes:
        # An attendee's own copy: nobody is told (Microsoft docs: only the organizer sends updates).
        return save_item(who.tenant, item, **wanted)
    before, after = meetings.addresses(item), meetings.addresses(new)
    significant = any(item.get(name) != new.get(name) for name in _SIGNIFICANT)
    for role in meetings.ATTENDEES:
        if new.get(role):
            wanted[role] = _tracked(item, new[role], afresh=significant and sending != "SendToNone")
    wanted["IsMeeting"] = bool(after) or bool(item.get("IsMeeting"))
    wanted["AppointmentState"] = int(wanted["IsMeeting"])
    if significant:
        wanted["AppointmentSequenceNumber"] = int(item.get("AppointmentSequenceNumber", 0)) + 1
    updated = save_item(who.tenant, item, **wanted)
    if sending == "SendToNone":
        return updated
    copy = sending.endswith("SaveCopy")
    gone, new_ones = set(before) - set(after), set(after) - set(before)
    if gone and item.get("MeetingRequestWasSent"):
        meetings.cancel(who.tenant, {**item, "Subject": new.get("Subject")}, copy=False, only=gone)
    # "Changed" are the attendees who were added or removed (Microsoft docs, UpdateItem).
    to = new_ones if "Changed" in sending else set(after)
    known = to & set(before) if item.get("MeetingRequestWasSent") else set()
    if known:
        updated = meetings.invite(who.tenant, updated, copy=copy, update=True, only=known)
    if to - known:
        updated = meetings.invite(who.tenant, updated, copy=copy and not known, only=to - known)
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
