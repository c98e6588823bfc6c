# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of a mailbox: their statistics and who may do what in them."""

from __future__ import annotations

import base64
from typing import Any

from .. import ews_rights
from ..ews_store import FOLDERS, display_name, items_in
from ..store import Document
from . import identity
from .base import BindingError, Call, CmdletError, Output, cmdlet
from .listing import truncated

_STORE_TASKS = "Microsoft.Exchange.Management.StoreTasks."
# FolderType as Get-MailboxFolderStatistics prints it (names: administrators' listings); the rest is "User Created".
_TYPES = {
    "msgfolderroot": "Root",
    "calendar": "Calendar",
    "contacts": "Contacts",
    "deleteditems": "DeletedItems",
    "drafts": "Drafts",
    "inbox": "Inbox",
    "journal": "Journal",
    "junkemail": "JunkEmail",
    "notes": "Notes",
    "outbox": "Outbox",
    "sentitems": "SentItems",
    "tasks": "Tasks",
    "recoverableitemsroot": "RecoverableItemsRoot",
    "recoverableitemsdeletions": "RecoverableItemsDeletions",
}
# FolderScope's values (Microsoft docs).
_SCOPES = (
    *("All", "Archive", "Calendar", "Contacts", "ConversationHistory", "DeletedItems", "Drafts", "Inbox", "JunkEmail"),
    *("Journal", "LegacyArchiveJournals", "ManagedCustomFolder", "NonIpmRoot", "Notes", "Outbox", "Personal"),
    *("RecoverableItems", "RssSubscriptions", "SentItems", "SyncIssues", "Tasks"),
)


def _path(mailbox: Document, folder: str) -> str:
    """``/Kalender``; the root of what a user sees has a path of its own."""
    if folder == "msgfolderroot":
        return "/Top of Information Store"
    above = FOLDERS[folder].parent
    start = _path(mailbox, above) if above not in (None, "root", "msgfolderroot") and above else ""
    return f"{start}/{display_name(mailbox, folder)}"


def _folder_id(mailbox: Document, folder: str) -> str:
    """The folder's id as this interface writes it; another one than in EWS."""
    return base64.b64encode(b"\x2e\x00" + f"{mailbox['Guid']}{folder}".encode()).decode()


@cmdlet("Get-MailboxFolderStatistics")
def get_mailbox_folder_statistics(call: Call) -> Output:
    """A row per folder, of all or of the well-known one that FolderScope names."""
    box = identity.mailbox_seen(call, call.get("Identity"))
    scope = str(call.get("FolderScope") or "All")
    if scope.lower() not in (one.lower() for one in _SCOPES):
        raise _not_one_of("FolderScope", scope, "Microsoft.Exchange.Data.Directory.SystemConfiguration", _SCOPES)
    dumpster = {"recoverableitemsroot", "recoverableitemsdeletions"}
    names = [name for name in _TYPES if scope.lower() != "nonipmroot" or name in dumpster]
    if scope.lower() == "recoverableitems":
        names = [name for name in names if name in dumpster]
    elif scope.lower() not in ("all", "nonipmroot"):
        names = [name for name in names if _TYPES[name].lower() == scope.lower()]
    return truncated(call, [_statistics(call, box, name) for name in names])


def _statistics(call: Call, box: Document, folder: str) -> Document:
    """Names: administrators' listings. Sizes are those of the simulator's items."""
    items = items_in(call.tenant, box["Guid"], folder)
    size = sum(len(str(item)) for item in items)
    times = sorted(item["DateTimeReceived"] for item in items)
    with_times = bool(call.get("IncludeOldestAndNewestItems"))
    above = FOLDERS[folder].parent
    return {
        "CreationTime": box["WhenMailboxCreated"],
        "LastModifiedTime": times[-1] if times else box["WhenMailboxCreated"],
        "Name": display_name(box, folder),
        "FolderPath": _path(box, folder),
        "FolderId": _folder_id(box, folder),
        "ParentFolderId": _folder_id(box, above) if above else None,
        "FolderType": _TYPES[folder],
        "ContainerClass": FOLDERS[folder].folder_class or "",
        "ItemsInFolder": len(items),
        "VisibleItemsInFolder": len(items),
        "HiddenItemsInFolder": 0,
        "ItemsInFolderAndSubfolders": len(items),
        "FolderSize": _size(size),
        "FolderAndSubfolderSize": _size(size),
        "OldestItemReceivedDate": times[0] if times and with_times else None,
        "NewestItemReceivedDate": times[-1] if times and with_times else None,
        "Identity": f"{box['Identity']}{_path(box, folder)}".replace("/", "\\"),
        "IsValid": True,
    }


def _size(count: int) -> str:
    return f"{count / 1024:.4g} KB ({count:,} bytes)" if count else "0 B (0 bytes)"


# --- permissions ------------------------------------------------------------------------------------------------------


def _folder(call: Call, *, newest: bool) -> tuple[Document, str]:
    r"""The mailbox and folder of ``mailbox:\path`` or ``mailbox:id``; without a folder it is the root.

    The well-known folders answer to their names in the owner's language only.
    """
    said = str(call.get("Identity"))
    wanted, _rest, path = said.partition(":")
    box = (identity.mailbox if newest else identity.mailbox_seen)(call, wanted)
    plain = path.replace("\\", "/").strip("/").lower()
    if not plain:
        return box, "msgfolderroot"
    for name in _TYPES:
        if path == _folder_id(box, name) or plain == _path(box, name).strip("/").lower():
            return box, name
    # Wording: administrators' quotations; the type is that of every missing object.
    raise CmdletError(
        "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
        f"The operation couldn't be performed because '{said}' couldn't be found.",
    )


def _user(call: Call) -> tuple[str, str]:
    """The id and display name of whom the entry is for: everybody, a user, or a security group."""
    wanted = str(call.get("User"))
    everybody = next((name for name in ews_rights.EVERYBODY if name.lower() == wanted.lower()), None)
    if everybody:
        return everybody, everybody
    try:
        found = identity.trustee(call, wanted)
    except CmdletError as error:
        if error.status == 500:
            raise
        raise CmdletError(  # as administrators quote it
            f"{_STORE_TASKS}InvalidExternalUserIdException",
            f'The user "{wanted}" is either not valid SMTP address, or there is no matching information.',
        ) from error
    return str(found["id"]), str(found["displayName"])


def _rights(call: Call, folder: str) -> list[str]:
    """The documented names of the wanted rights, a role or single ones."""
    singles = sorted(ews_rights.OWNER)
    known = {name.lower(): name for name in (*ews_rights.ROLES, *singles)}
    asked = [part.strip() for one in call.get("AccessRights") for part in str(one).split(",")]
    wrong = next((one for one in asked if one.lower() not in known), None)
    if wrong is not None:
        kind = "Microsoft.Exchange.Management.StoreTasks.MailboxFolderAccessRight"
        raise _not_one_of("AccessRights", wrong, kind, tuple(known.values()))
    names = list(dict.fromkeys(known[one.lower()] for one in asked))
    roles = [name for name in names if name in ews_rights.ROLES]
    if roles and len(names) > 1:  # that a role stands alone is inferred; text: unverified
        raise CmdletError("TaskArgumentException", f"The role {roles[0]} can't be combined with other access rights.")
    if folder != "calendar" and set(names) & set(ews_rights.CALENDAR_ROLES):  # Microsoft docs; text: unverified
        raise CmdletError("TaskArgumentException", f"The role {names[0]} applies to calendar folders only.")
    return names


def _flags(call: Call, folder: str, rights: list[str]) -> list[str]:
    """Delegate goes with Editor on the calendar, and private items go with Delegate (Microsoft docs)."""
    flags = [flag for flag in str(call.get("SharingPermissionFlags") or "None").split(", ") if flag != "None"]
    fits = folder == "calendar" and rights == ["Editor"]
    if flags and (not fits or "Delegate" not in flags):  # text: unverified
        raise CmdletError(
            "TaskArgumentException",
            "SharingPermissionFlags needs the calendar folder, the access right Editor and the flag Delegate.",
        )
    return flags


def _not_one_of(parameter: str, value: str, kind: str, names: tuple[str, ...]) -> BindingError:
    return BindingError(
        "ParameterTransformationException",
        f"Cannot process argument transformation on parameter '{parameter}'. Cannot convert value \"{value}\" to type "
        f'"{kind}". Error: "Unable to match the identifier name {value} to a valid enumerator name. Specify one of the '
        f'following enumerator names and try again: {", ".join(names)}"',
    )


def _shown(call: Call, box: Document, one: Document) -> Document:
    """An entry as printed: the user by display name, who is gone by SID.

    Whether REST answers the user as text or as an object is not known (switch).
    """
    name = identity.trustee_name(call, one["user"]) if one["user"] not in ews_rights.EVERYBODY else one["user"]
    kind = one["user"] if one["user"] in ews_rights.EVERYBODY else "Unknown" if name.startswith("S-1-5") else "Internal"
    user: Any = name
    if call.tenant.switch("folder_permission_user_as_object"):
        user = {"UserType": kind, "DisplayName": name}
    return {
        "Identity": name,
        "FolderName": display_name(box, one["folder"]),
        "User": user,
        "AccessRights": one["AccessRights"],
        "SharingPermissionFlags": ", ".join(one["SharingPermissionFlags"]) or None,
        "IsValid": True,
    }


def _no_entry(name: str) -> CmdletError:
    # As administrators quote it.
    return CmdletError(
        f"{_STORE_TASKS}UserNotFoundInPermissionEntryException",
        f"There is no existing permission entry found for user: {name}.",
    )


@cmdlet("Get-MailboxFolderPermission")
def get_mailbox_folder_permission(call: Call) -> Output:
    """The entries of a folder, or the one of a user."""
    box, folder = _folder(call, newest=False)
    view = call.tenant.store.view_for(f"exchange/folderPermission/{box['Guid']}/{folder}")
    found = ews_rights.entries(view, box, folder)
    if call.given("User"):
        user, name = _user(call)
        found = [one for one in found if one["user"] == user]
        if not found:
            raise _no_entry(name)
    return truncated(call, [_shown(call, box, one) for one in found])


@cmdlet("Add-MailboxFolderPermission")
def add_mailbox_folder_permission(call: Call) -> Output:
    """Make an entry for a user who has none; SendNotificationToUser is taken and nothing is sent."""
    box, folder = _folder(call, newest=True)
    rights = _rights(call, folder)
    user, name = _user(call)
    if any(one["user"] == user for one in ews_rights.entries(call.tenant.fresh, box, folder)):
        raise CmdletError(  # as administrators quote it
            f"{_STORE_TASKS}UserAlreadyExistsInPermissionEntryException",
            f"An existing permission entry was found for user: {name}.",
        )
    made = ews_rights.entry(box, folder, user, rights, _flags(call, folder, rights))
    call.tenant.store.put("folderPermission", ews_rights.key(box, folder, user), made)
    return [_shown(call, box, made)]


@cmdlet("Set-MailboxFolderPermission")
def set_mailbox_folder_permission(call: Call) -> Output:
    """Replace the rights of an entry that is there."""
    box, folder = _folder(call, newest=True)
    rights = _rights(call, folder)
    user, name = _user(call)
    if not any(one["user"] == user for one in ews_rights.entries(call.tenant.fresh, box, folder)):
        raise _no_entry(name)
    wish = ews_rights.entry(box, folder, user, rights, _flags(call, folder, rights))
    call.tenant.store.put("folderPermission", ews_rights.key(box, folder, user), wish)
    return None


@cmdlet("Remove-MailboxFolderPermission")
def remove_mailbox_folder_permission(call: Call) -> Output:
    """Remove an entry; those for everybody stay (text: unverified). Resetting delegates drops their flags."""
    box, folder = _folder(call, newest=True)
    if call.get("ResetDelegateUserCollection"):
        for one in ews_rights.entries(call.tenant.fresh, box, folder):
            if one["SharingPermissionFlags"]:
                key = ews_rights.key(box, folder, one["user"])
                call.tenant.store.update("folderPermission", key, SharingPermissionFlags=[])
        return None
    user, name = _user(call)
    if user in ews_rights.EVERYBODY:
        raise CmdletError("TaskArgumentException", f"The permission entry of {user} can't be removed.")
    if not any(one["user"] == user for one in ews_rights.entries(call.tenant.fresh, box, folder)):
        raise _no_entry(name)
    call.tenant.store.remove("folderPermission", ews_rights.key(box, folder, user))
    return None
