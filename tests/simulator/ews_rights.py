# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Permissions on folders: who may do what in a folder of somebody else's mailbox.

A document of kind ``folderPermission`` is one entry of one folder: {mailbox: Guid, folder: distinguished name, user: id
of a user or group, ``Default`` or ``Anonymous``, AccessRights: roles or single rights, SharingPermissionFlags}.
"""

from __future__ import annotations

from .store import Document, View
from .tenant import Tenant

EVERYBODY = ("Default", "Anonymous")
PRIVATE = "CanViewPrivateItems"
# The roles and their rights (Add-MailboxFolderPermission's documentation).
_VISIBLE = ("FolderVisible",)
_READER = (*_VISIBLE, "ReadItems")
_AUTHOR = (*_READER, "CreateItems", "DeleteOwnedItems", "EditOwnedItems")
_EDITOR = (*_AUTHOR, "DeleteAllItems", "EditAllItems")
ROLES: dict[str, tuple[str, ...]] = {
    "None": (),
    "AvailabilityOnly": (),
    "LimitedDetails": (),
    "Reviewer": _READER,
    "Contributor": (*_VISIBLE, "CreateItems"),
    "NonEditingAuthor": (*_READER, "CreateItems", "DeleteOwnedItems"),
    "Author": _AUTHOR,
    "PublishingAuthor": (*_AUTHOR, "CreateSubfolders"),
    "Editor": _EDITOR,
    "PublishingEditor": (*_EDITOR, "CreateSubfolders"),
    "Owner": (*_EDITOR, "CreateSubfolders", "FolderContact", "FolderOwner"),
}
OWNER = frozenset(ROLES["Owner"])
CALENDAR_ROLES = ("AvailabilityOnly", "LimitedDetails")


def key(mailbox: Document, folder: str, user: str) -> str:
    """The id of an entry's document."""
    return f"{mailbox['Guid']}/{folder}/{user}"


def entries(view: View, mailbox: Document, folder: str) -> list[Document]:
    """The entries of a folder, first those for everybody, which every folder has (defaults: Microsoft docs)."""
    default = {"Default": "AvailabilityOnly" if folder == "calendar" else "None", "Anonymous": "None"}
    prefix = f"{mailbox['Guid']}/{folder}/"
    stored = {
        one["user"]: one
        for one in view.mentioning("folderPermission", mailbox["Guid"])
        if key(mailbox, one["folder"], "") == prefix and one["mailbox"] == mailbox["Guid"]
    }
    rest = [one for user, one in stored.items() if user not in EVERYBODY]
    return [stored.get(user) or entry(mailbox, folder, user, [default[user]]) for user in EVERYBODY] + rest


def entry(
    mailbox: Document, folder: str, user: str, access_rights: list[str], flags: list[str] | None = None
) -> Document:
    """An entry's document."""
    return {
        "mailbox": mailbox["Guid"],
        "folder": folder,
        "user": user,
        "AccessRights": access_rights,
        "SharingPermissionFlags": flags or [],
    }


def expanded(one: Document) -> frozenset[str]:
    """The single rights of an entry, ``CanViewPrivateItems`` among them when it is flagged."""
    rights = {right for name in one["AccessRights"] for right in ROLES.get(name, (name,))}
    return frozenset(rights | {flag for flag in one["SharingPermissionFlags"] if flag == PRIVATE})


def rights(tenant: Tenant, mailbox: Document, folder: str, user_id: str) -> frozenset[str]:
    """What a user may do in a folder; the owner, and who has full access, everything, private items included."""
    if tenant.user_opens(user_id, mailbox):
        return OWNER | {PRIVATE}
    return frozenset().union(*map(expanded, _applying(tenant, mailbox, folder, user_id)))


def roles(tenant: Tenant, mailbox: Document, folder: str, user_id: str) -> set[str]:
    """The names of the roles and single rights that others have in a folder."""
    return {name for one in _applying(tenant, mailbox, folder, user_id) for name in one["AccessRights"]}


def _applying(tenant: Tenant, mailbox: Document, folder: str, user_id: str) -> list[Document]:
    """The entries that count for a user: their own, else those of their groups together, else everybody's."""
    found = entries(tenant.fresh, mailbox, folder)
    own = [one for one in found if one["user"] == user_id]
    if not own:
        groups = {group["id"] for group in tenant.fresh.where("group", lambda one: user_id in one["_members"])}
        own = [one for one in found if one["user"] in groups]
    return own or found[:1]


def sends_as(tenant: Tenant, address: str, user_id: str) -> bool:
    """Whether a user has SendAs over the mailbox with that address, directly or through a group of theirs."""
    mailbox = tenant.mailbox_by_address(address)
    holders = {user_id} | {one["id"] for one in tenant.fresh.where("group", lambda one: user_id in one["_members"])}
    granted = tenant.fresh.having("recipientPermission", "_recipient", mailbox["Guid"]) if mailbox else []
    return any(one.get("_trustee") in holders for one in granted)


def sends_for(tenant: Tenant, mailbox: Document, user_id: str) -> bool:
    """Whether a user may send as a mailbox or on its behalf (GrantSendOnBehalfTo holds display names)."""
    name = (tenant.fresh.get("user", user_id) or {}).get("displayName")
    return name in mailbox["GrantSendOnBehalfTo"] or sends_as(tenant, mailbox["PrimarySmtpAddress"], user_id)
