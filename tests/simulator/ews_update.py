# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EWS's UpdateItem: fields set, removed and appended, conflicts, and what the attendees are told."""

from __future__ import annotations

from collections.abc import Iterator

from . import meetings
from .ews_access import Caller
from .ews_items import READ_ONLY, choice, ids
from .ews_names import Outcome
from .ews_read import load
from .ews_store import EwsError, Reference, find_item, not_simulated, save_item
from .ews_xml import FIELDS, MESSAGES, Element, child, elements, first, local, make, read_fields
from .meetings_calendar import named, revise, revise_occurrence
from .store import Document

_SENDING = ("SendToNone", "SendOnlyToAll", "SendOnlyToChanged", "SendToAllAndSaveCopy", "SendToChangedAndSaveCopy")
_REQUIRED = {"Start", "End", "IsAllDayEvent", "LegacyFreeBusyStatus", "UID", "Sensitivity", "Importance", "ItemClass"}


def update_item(who: Caller, call: Element) -> Iterator[Outcome]:
    """UpdateItem, of single occurrences of a series too."""
    for change in elements(child(call, "ItemChanges")):
        try:
            named_id = first(change, "ItemChange")
            said = who.reference(named_id)
            item = who.permit(find_item(who.tenant, said.item_id), "EditAllItems")
            _check_version(call, item, named_id.get("ChangeKey"))
            wanted = _changed(who, item, child(change, "Updates"))
            if said.kind == "O":
                yield _one_occurrence(who, call, item, said, wanted)
                continue
            change_it = _calendar if item["_kind"] == "CalendarItem" else _mail
            updated = change_it(who, call, item, wanted)
            yield [ids(updated), make("ConflictResults", make("Count", "0"), namespace=MESSAGES)]
        except EwsError as error:
            yield error


def _one_occurrence(who: Caller, call: Element, item: Document, said: Reference, wanted: Document) -> Outcome:
    load(who, said)  # it is there
    if meetings.is_organizer(who.tenant, item) and meetings.addresses(item) and _sending(call) != "SendToNone":
        raise not_simulated("telling attendees of one changed occurrence")
    revise_occurrence(who.tenant, item, said.index, wanted)
    return [ids(load(who, said)), make("ConflictResults", make("Count", "0"), namespace=MESSAGES)]


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
        fields = named(who.tenant, read_fields(rest[0], who.time_zone))
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
    return revise(who.tenant, item, wanted, _sending(call))


def _sending(call: Element) -> str:
    return choice(
        call, "SendMeetingInvitationsOrCancellations", _SENDING, "ErrorSendMeetingInvitationsOrCancellationsRequired"
    )
