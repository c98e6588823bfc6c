# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EWS operations on folders. Every mailbox has the same ones (ews_store.FOLDERS); none can be made."""

from __future__ import annotations

from collections.abc import Iterator

from . import ews_rights, ews_search
from .ews_access import Caller
from .ews_names import Outcome
from .ews_store import FOLDERS, EwsError, change_key, display_name, folder_id, items_in, words
from .ews_xml import MESSAGES, Element, child, elements, local, make, text
from .store import Document

RIGHTS = ("CreateAssociated", "CreateContents", "CreateHierarchy", "Delete", "Modify", "Read", "ViewPrivateItems")
# What each of them takes; a folder is its owner's to change and delete.
_NEEDED = {
    "CreateAssociated": "FolderOwner",
    "CreateContents": "CreateItems",
    "CreateHierarchy": "CreateSubfolders",
    "Delete": "FolderOwner",
    "Modify": "FolderOwner",
    "Read": "ReadItems",
    "ViewPrivateItems": ews_rights.PRIVATE,
}
# The roles that EWS calls otherwise; single rights are "Custom".
_LEVELS = {
    "NonEditingAuthor": "NoneditingAuthor",
    "AvailabilityOnly": "FreeBusyTimeOnly",
    "LimitedDetails": "FreeBusyTimeAndSubjectAndLocation",
}
_DETAILS = {"AvailabilityOnly": "TimeOnly", "LimitedDetails": "TimeAndSubjectAndLocation"}
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
    # Of others' folders the name alone would mean one's own: exchangelib opens shared calendars in a way that works only
    # when it is not answered (inferred).
    own = who.mailbox is not None and who.mailbox["Guid"] == mailbox["Guid"]
    items = items_in(who.tenant, mailbox["Guid"], name)
    return {
        "FolderClass": FOLDERS[name].folder_class or "",
        "DisplayName": display_name(mailbox, name),
        "TotalCount": str(len(items)),
        "ChildFolderCount": str(sum(folder.parent == name for folder in FOLDERS.values())),
        "UnreadCount": str(sum(item.get("IsRead") is False for item in items)),
        "DistinguishedFolderId": name if own else "",
    }


def _write(who: Caller, mailbox: Document, name: str, wanted: set[str]) -> Element:
    folder, values, held = FOLDERS[name], _values(who, mailbox, name), who.rights(mailbox, name)
    may = {right: needed in held for right, needed in _NEEDED.items()}
    element = make(folder.element)
    for field in _ORDER:
        if field not in wanted or (field == "UnreadCount" and folder.element in ("CalendarFolder", "ContactsFolder")):
            continue
        if field == "FolderId":
            element.append(make(field, Id=folder_id(mailbox["Guid"], name), ChangeKey=_KEY))
        elif field == "ParentFolderId" and folder.parent:
            element.append(make(field, Id=folder_id(mailbox["Guid"], folder.parent), ChangeKey=_KEY))
        elif field == "EffectiveRights":
            element.append(make(field, *(make(right, str(may[right]).lower()) for right in RIGHTS)))
        elif field == "PermissionSet":
            if "FolderOwner" in held:
                element.append(_permission_set(who, mailbox, name))
        elif values.get(field):
            element.append(make(field, values[field]))
    return element


def _permission_set(who: Caller, mailbox: Document, name: str) -> Element:
    calendar = "Calendar" if FOLDERS[name].element == "CalendarFolder" else ""
    found = ews_rights.entries(who.tenant.fresh, mailbox, name)
    each = (_permission(who, one, f"{calendar}Permission") for one in found)
    return make("PermissionSet", make(f"{calendar}Permissions", *each))


def _permission(who: Caller, one: Document, element: str) -> Element:
    held, (role, *more) = ews_rights.expanded(one), one["AccessRights"]
    level = "Custom" if more or role not in ews_rights.ROLES else _LEVELS.get(role, role)
    flags = {
        "CanCreateItems": "CreateItems",
        "CanCreateSubFolders": "CreateSubfolders",
        "IsFolderOwner": "FolderOwner",
        "IsFolderVisible": "FolderVisible",
        "IsFolderContact": "FolderContact",
    }

    def reach(verb: str) -> str:
        return "All" if f"{verb}AllItems" in held else "Owned" if f"{verb}OwnedItems" in held else "None"

    return make(
        element,
        _user(who, one["user"]),
        *(make(flag, str(right in held).lower()) for flag, right in flags.items()),
        make("EditItems", reach("Edit")),
        make("DeleteItems", reach("Delete")),
        make("ReadItems", "FullDetails" if "ReadItems" in held else _DETAILS.get(role, "None")),
        make(f"{element}Level", level),
    )


def _user(who: Caller, key: str) -> Element:
    if key in ews_rights.EVERYBODY:
        return make("UserId", make("DistinguishedUser", key))
    found = who.tenant.fresh.get("user", key) or who.tenant.fresh.get("group", key) or {}
    address = make("PrimarySmtpAddress", found["mail"]) if found.get("mail") else None
    return make("UserId", address, make("DisplayName", found.get("displayName", key)))


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
            found = [name for name in found if "FolderVisible" in who.rights(mailbox, name)]
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
