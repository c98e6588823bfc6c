# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EWS operations on folders. Every mailbox has the same ones (ews_store.FOLDERS); none can be made."""

from __future__ import annotations

from collections.abc import Iterator

from . import ews_search
from .ews_access import Caller
from .ews_names import Outcome
from .ews_store import FOLDERS, EwsError, change_key, display_name, folder_id, items_in, words
from .ews_xml import MESSAGES, Element, child, elements, local, make, text
from .store import Document

RIGHTS = ("CreateAssociated", "CreateContents", "CreateHierarchy", "Delete", "Modify", "Read", "ViewPrivateItems")
_ORDER = words(
    "FolderId ParentFolderId FolderClass DisplayName TotalCount ChildFolderCount EffectiveRights DistinguishedFolderId "
    "PermissionSet UnreadCount"
)
_DEFAULT = {"FolderId", "DisplayName", "TotalCount", "ChildFolderCount", "UnreadCount"}
_KEY = change_key()  # folders never change here, so one key does


def shape(element: Element | None) -> tuple[str, list[str], list[dict[str, str]]]:
    """BaseShape, the names of the additional fields, and the extended fields' attributes."""
    names, extended = [], []
    for one in elements(child(element, "AdditionalProperties")):
        if local(one) == "ExtendedFieldURI":
            extended.append(dict(one.attrib))
        elif local(one) == "FieldURI":
            names.append(one.get("FieldURI", "").partition(":")[2])
    return text(child(element, "BaseShape")), names, extended


def _values(who: Caller, mailbox: Document, name: str) -> dict[str, str]:
    items = items_in(who.tenant, mailbox["Guid"], name)
    return {
        "FolderClass": FOLDERS[name].folder_class or "",
        "DisplayName": display_name(mailbox, name),
        "TotalCount": str(len(items)),
        "ChildFolderCount": str(sum(folder.parent == name for folder in FOLDERS.values())),
        "UnreadCount": str(sum(item.get("IsRead") is False for item in items)),
        "DistinguishedFolderId": name,
    }


def _write(who: Caller, mailbox: Document, name: str, wanted: set[str]) -> Element:
    folder, values = FOLDERS[name], _values(who, mailbox, name)
    element = make(folder.element)
    for field in _ORDER:
        if field not in wanted or (field == "UnreadCount" and folder.element in ("CalendarFolder", "ContactsFolder")):
            continue
        if field == "FolderId":
            element.append(make(field, Id=folder_id(mailbox["Guid"], name), ChangeKey=_KEY))
        elif field == "ParentFolderId" and folder.parent:
            element.append(make(field, Id=folder_id(mailbox["Guid"], folder.parent), ChangeKey=_KEY))
        elif field == "EffectiveRights":
            element.append(make(field, *(make(right, "true") for right in RIGHTS)))
        elif field == "PermissionSet":
            kind = "CalendarPermissions" if folder.element == "CalendarFolder" else "Permissions"
            element.append(make(field, make(kind)))
        elif values.get(field):
            element.append(make(field, values[field]))
    return element


def _wanted(call: Element) -> set[str]:
    base, names, _rest = shape(child(call, "FolderShape"))
    return {"FolderId", *names} | ({"IdOnly": set(), "Default": _DEFAULT}.get(base, set(_ORDER)))


def get_folder(who: Caller, call: Element) -> Iterator[Outcome]:
    """GetFolder."""
    for one in elements(child(call, "FolderIds")):
        try:
            mailbox, name = who.folder(one)
            yield [make("Folders", _write(who, mailbox, name, _wanted(call)), namespace=MESSAGES)]
        except EwsError as error:
            yield error


def find_folder(who: Caller, call: Element) -> Iterator[Outcome]:
    """FindFolder, Shallow and Deep."""
    deep, condition = call.get("Traversal") == "Deep", child(call, "Restriction")
    for one in elements(child(call, "ParentFolderIds")):
        try:
            mailbox, parent = who.folder(one)
            lost = call.get("Traversal") == "SoftDeleted"
            found = [name for name in FOLDERS if not lost and _below(name, parent, deep)]
            if condition is not None:
                found = [name for name in found if ews_search.matches(condition, _values(who, mailbox, name))]
            page, attributes = ews_search.page(found, child(call, "IndexedPageFolderView"))
            folders = make("Folders", *(_write(who, mailbox, name, _wanted(call)) for name in page))
            yield [make("RootFolder", folders, namespace=MESSAGES, **attributes)]
        except EwsError as error:
            yield error


def _below(name: str, parent: str, deep: bool) -> bool:
    above = FOLDERS[name].parent
    return above == parent or (deep and above is not None and _below(above, parent, deep))
