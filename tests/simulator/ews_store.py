# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders and items of mailboxes: their ids, and the documents of kind ``item`` (shape: see :mod:`.meetings`)."""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from .store import Document
from .tenant import Tenant, graph_time

_PREFIX = b"\x00\x03\x24"  # base64 makes "AAMk" of it, with which Exchange's ids start


def words(text: str) -> tuple[str, ...]:
    """The words of a table written as text."""
    return tuple(text.split())


class EwsError(Exception):
    """What a response message (or a SOAP fault) says: response code, text, and the ``Value`` elements of MessageXml."""

    def __init__(self, code: str, text: str, **values: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.text, self.values = code, text, values


def not_found() -> EwsError:
    """The error for an item that is not there (text: Microsoft docs, CreateItem)."""
    return EwsError("ErrorItemNotFound", "The specified object was not found in the store.")


def not_simulated(what: str) -> EwsError:
    """The honest error for what the real service does and this one does not."""
    return EwsError("ErrorInternalServerError", f"The simulator does not implement {what}.")


@dataclass(frozen=True)
class Folder:
    """A folder that every mailbox has. ``element`` is its XML element."""

    parent: str | None
    display_name: str
    folder_class: str | None
    element: str = "Folder"


FOLDERS: dict[str, Folder] = {
    "root": Folder(None, "", None),
    "msgfolderroot": Folder("root", "Top of Information Store", "IPF.Note"),
    "calendar": Folder("msgfolderroot", "Calendar", "IPF.Appointment", "CalendarFolder"),
    "contacts": Folder("msgfolderroot", "Contacts", "IPF.Contact", "ContactsFolder"),
    "deleteditems": Folder("msgfolderroot", "Deleted Items", "IPF.Note"),
    "drafts": Folder("msgfolderroot", "Drafts", "IPF.Note"),
    "inbox": Folder("msgfolderroot", "Inbox", "IPF.Note"),
    "journal": Folder("msgfolderroot", "Journal", "IPF.Journal"),
    "junkemail": Folder("msgfolderroot", "Junk Email", "IPF.Note"),
    "notes": Folder("msgfolderroot", "Notes", "IPF.StickyNote"),
    "outbox": Folder("msgfolderroot", "Outbox", "IPF.Note"),
    "sentitems": Folder("msgfolderroot", "Sent Items", "IPF.Note"),
    "tasks": Folder("msgfolderroot", "Tasks", "IPF.Task", "TasksFolder"),
    "searchfolders": Folder("root", "Finder", None),
    "recoverableitemsroot": Folder("root", "Recoverable Items", None),
    "recoverableitemsdeletions": Folder("recoverableitemsroot", "Deletions", None),
}


def display_name(mailbox: Document, name: str) -> str:
    """A folder's name; ``_folderNames`` of the mailbox document holds those in the owner's language, if any."""
    return str(mailbox.get("_folderNames", {}).get(name, FOLDERS[name].display_name))


@dataclass(frozen=True)
class Reference:
    """What an id says.

    ``kind`` is I (item), O (occurrence of the series ``item_id``), A (attachment of the item ``item_id``) or F (folder).
    """

    mailbox: str
    kind: str
    item_id: str = ""
    index: int = 0
    folder: str = ""


def _encode(mailbox: str, kind: bytes, rest: bytes) -> str:
    return base64.b64encode(_PREFIX + mailbox.encode() + kind + rest).decode()


def folder_id(mailbox: str, name: str) -> str:
    """The id of a folder; the same for ever."""
    return _encode(mailbox, b"F", name.encode())


def occurrence_id(item_id: str, index: int) -> str:
    """The id of the ``index``-th (from 1) occurrence of the series with that id."""
    mailbox, rest = _split(item_id)
    return _encode(mailbox, b"O", rest[1:] + index.to_bytes(4, "big"))


def attachment_id(item_id: str, number: int) -> str:
    """The id of an attachment of the item with that id."""
    mailbox, rest = _split(item_id)
    return _encode(mailbox, b"A", rest[1:17] + number.to_bytes(4, "big"))


def _split(text: str) -> tuple[str, bytes]:
    raw = base64.b64decode(text, validate=True)
    if not raw.startswith(_PREFIX) or len(raw) < 41:
        raise ValueError(text)
    return raw[3:39].decode("ascii"), raw[39:]


def decode(text: str) -> Reference:
    """Read an id. Raises EwsError ErrorInvalidIdMalformed for anything that this service did not make."""
    try:
        mailbox, rest = _split(text)
        kind = rest[:1].decode("ascii")
        if kind == "F":
            return Reference(mailbox, kind, folder=rest[1:].decode("ascii"))
        if kind == "I" and len(rest) == 17:
            return Reference(mailbox, kind, item_id=text)
        if kind in ("O", "A") and len(rest) == 21:
            return Reference(mailbox, kind, _encode(mailbox, b"I", rest[1:17]), int.from_bytes(rest[17:], "big"))
    except (ValueError, binascii.Error):
        pass
    raise EwsError("ErrorInvalidIdMalformed", "Id is malformed.")


def change_key() -> str:
    """A new version mark of an item."""
    return base64.b64encode(b"\x09\x00\x00\x00" + secrets.token_bytes(12)).decode()


def new_item(tenant: Tenant, mailbox: Document, folder: str, kind: str, **fields: Any) -> Document:
    """Put an item of that XML element into a folder; returns the document."""
    now = graph_time()
    key = _encode(mailbox["Guid"], b"I", uuid.uuid4().bytes)
    item = {
        "DateTimeCreated": now,
        "DateTimeReceived": now,
        "DateTimeSent": now,
        "Sensitivity": "Normal",
        "Importance": "Normal",
        **fields,
        "ItemId": key,
        "ChangeKey": change_key(),
        "LastModifiedTime": now,
        "_mailbox": mailbox["Guid"],
        "_folder": folder,
        "_kind": kind,
    }
    return tenant.store.put("item", key, item)


def save_item(tenant: Tenant, item: Document, **changes: Any) -> Document:
    """Change members of an item (None removes one); the change key becomes another one. Returns the new document."""
    changed = {name: value for name, value in {**item, **changes}.items() if value is not None}
    changed |= {"ChangeKey": change_key(), "LastModifiedTime": graph_time()}
    return tenant.store.put("item", item["ItemId"], changed)


def move_item(tenant: Tenant, item: Document, folder: str, mailbox: Document | None = None) -> Document:
    """Move an item to another folder. Like Exchange's, the moved item has another id (Microsoft docs, MoveItem)."""
    guid = mailbox["Guid"] if mailbox else item["_mailbox"]
    if (item["_folder"], item["_mailbox"]) == (folder, guid):
        return item
    tenant.store.remove("item", item["ItemId"])
    key = _encode(guid, b"I", uuid.uuid4().bytes)
    moved = {**item, "ItemId": key, "ChangeKey": change_key(), "_folder": folder, "_mailbox": guid}
    return tenant.store.put("item", key, moved)


def find_item(tenant: Tenant, item_id: str) -> Document:
    """The item with that id. Raises EwsError ErrorItemNotFound."""
    item = tenant.fresh.get("item", item_id)
    if item is None or item["ItemId"] != item_id:  # the store's keys know no case, ids do
        raise not_found()
    return item


def items_in(tenant: Tenant, mailbox: str, folder: str) -> list[Document]:
    """The items of a folder, oldest first."""
    return tenant.fresh.where("item", lambda item: item["_mailbox"] == mailbox and item["_folder"] == folder)


def by_uid(tenant: Tenant, mailbox: str, folder: str, uid: str | None, kind: str) -> Document | None:
    """The item of that kind that belongs to the meeting with that UID, or None."""
    found = (item for item in items_in(tenant, mailbox, folder) if item["_kind"] == kind)
    return next((item for item in found if uid and item.get("UID") == uid), None)
