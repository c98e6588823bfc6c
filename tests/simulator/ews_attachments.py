# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EWS operations on files attached to items. Items attached to items are not simulated.

They lie in the item's document, ``_attachments``: [{number, Name, ContentType, ContentId, ContentLocation, IsInline,
Content (base64), LastModifiedTime}].
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from .ews_access import Caller
from .ews_names import Outcome
from .ews_read import hidden
from .ews_store import EwsError, attachment_id, decode, find_item, not_simulated, save_item
from .ews_xml import MESSAGES, Element, child, elements, flag, invalid, local, make, text, write_attachment
from .store import Document
from .tenant import graph_time

_TEXTS = ("Name", "ContentType", "ContentId", "ContentLocation")


def _read(element: Element, number: int) -> Document:
    if local(element) != "FileAttachment":
        raise not_simulated(f"attachments of the kind {local(element)}")
    content = text(child(element, "Content"))
    try:
        base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise invalid("The 'Content' element is invalid - it is no base64Binary.") from error
    said = {name: text(child(element, name)) for name in _TEXTS if child(element, name) is not None}
    inline = child(element, "IsInline")
    made = {"number": number, "Content": content, "LastModifiedTime": graph_time()}
    return {**said, **made, "IsInline": inline is not None and flag(text(inline))}


def create_attachment(who: Caller, call: Element) -> Iterator[Outcome]:
    """CreateAttachment: one message per attachment; each names the item's new version."""
    for element in elements(child(call, "Attachments")):
        try:
            said = who.reference(child(call, "ParentItemId"))
            if said.kind == "O":
                raise not_simulated("attachments of one occurrence of a series")
            item = who.permit(find_item(who.tenant, said.item_id), "EditAllItems")
            held = item.get("_attachments", [])
            made = _read(element, max((one["number"] for one in held), default=0) + 1)
            item = save_item(who.tenant, item, _attachments=[*held, made])
            named = make(
                "AttachmentId",
                Id=attachment_id(item["ItemId"], made["number"]),
                RootItemId=item["ItemId"],
                RootItemChangeKey=item["ChangeKey"],
            )
            yield [make("Attachments", make("FileAttachment", named), namespace=MESSAGES)]
        except EwsError as error:
            yield error


def _find(who: Caller, element: Element, right: str) -> tuple[Document, Document]:
    """The item and the attachment that an AttachmentId names. Raises EwsError."""
    said = decode(element.get("Id", ""))
    if said.kind != "A":
        raise EwsError("ErrorInvalidAttachmentId", "The attachment ID is invalid.")
    item = who.permit(find_item(who.tenant, said.item_id), right)
    found = next((one for one in item.get("_attachments", []) if one["number"] == said.index), None)
    if found is None or hidden(who, item):
        raise EwsError("ErrorInvalidAttachmentId", "The attachment ID is invalid.")
    return item, found


def get_attachment(who: Caller, call: Element) -> Iterator[Outcome]:
    """GetAttachment, with content."""
    for one in elements(child(call, "AttachmentIds")):
        try:
            item, found = _find(who, one, "ReadItems")
            content = write_attachment(item["ItemId"], found, content=True)
            yield [make("Attachments", content, namespace=MESSAGES)]
        except EwsError as error:
            yield error


def delete_attachment(who: Caller, call: Element) -> Iterator[Outcome]:
    """DeleteAttachment: the answer names the item's new version."""
    for one in elements(child(call, "AttachmentIds")):
        try:
            item, found = _find(who, one, "EditAllItems")
            kept = [each for each in item["_attachments"] if each["number"] != found["number"]]
            item = save_item(who.tenant, item, _attachments=kept)
            root = {"RootItemId": item["ItemId"], "RootItemChangeKey": item["ChangeKey"]}
            yield [make("RootItemId", namespace=MESSAGES, **root)]
        except EwsError as error:
            yield error
