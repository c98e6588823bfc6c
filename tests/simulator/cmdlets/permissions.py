# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Permissions on mailboxes (FullAccess and the like) and on recipients (SendAs)."""

from __future__ import annotations

import zlib
from typing import Any

from ..store import Document
from . import identity
from .base import Call, CmdletError, Output, cmdlet
from .convert import Change
from .listing import truncated

_SELF = "NT AUTHORITY\\SELF"


def _sid(guid: str) -> str:
    return f"S-1-5-21-{zlib.crc32(guid.encode())}-{zlib.crc32(guid[::-1].encode())}-1000-{int(guid[:4], 16)}"


def _key(box: Document, upn: str, deny: bool) -> str:
    return f"{box['Guid']}/{upn}/{deny}"


@cmdlet("Add-MailboxPermission")
def add_mailbox_permission(call: Call) -> Output:
    """Add rights for a user; what is there already is a warning (text: unverified)."""
    box = identity.mailbox(call, call.get("Identity"))
    if call.given("Owner"):
        raise CmdletError("Simulator.NotImplemented", "This simulator does not change the owner of a mailbox.")
    upn = identity.user(call, call.get("User"))["userPrincipalName"]
    deny = bool(call.get("Deny"))
    key, rights = _key(box, upn, deny), list(dict.fromkeys(call.get("AccessRights")))
    entry = call.tenant.fresh.get("mailboxPermission", key)
    had = entry["AccessRights"] if entry else []
    if not set(rights) - set(had):
        call.warnings.append(
            f'The appropriate access control entry is already present on the object "{box["Identity"]}" for account '
            f'"{upn}".'
        )
        return [_entry(call, box, {"User": upn, "AccessRights": had, "Deny": deny, "IsInherited": False})]
    document: Document = {
        "Identity": box["Guid"],
        "User": upn,
        "AccessRights": had + [right for right in rights if right not in had],
        "Deny": deny,
        "IsInherited": False,
        "InheritanceType": call.get("InheritanceType") or "All",
    }
    call.tenant.store.put("mailboxPermission", key, document)
    return [_entry(call, box, document)]


def _entry(call: Call, box: Document, entry: Document) -> Document:
    user = call.tenant.fresh.first("user", lambda one: one["userPrincipalName"].lower() == entry["User"].lower())
    deny: Any = entry["Deny"]
    return {
        "Identity": box["Identity"],
        "User": entry["User"],
        "AccessRights": entry["AccessRights"],
        "Deny": str(deny) if call.tenant.switch("deny_as_string") else deny,
        "IsInherited": entry["IsInherited"],
        "InheritanceType": entry.get("InheritanceType", "All"),
        "UserSid": "S-1-5-10" if entry["User"] == _SELF else _sid(user["id"] if user else entry["Identity"]),
        "PrimarySmtpAddress": "",
        "IsValid": True,
    }


@cmdlet("Get-MailboxPermission")
def get_mailbox_permission(call: Call) -> Output:
    """The entries, SELF first (live capture). AutoMapping cannot be read."""
    box = identity.mailbox_seen(call, call.get("Identity"))
    view = call.tenant.store.view_for(f"exchange/mailboxPermission/{box['Guid']}")
    entries = [{"User": _SELF, "AccessRights": ["FullAccess, ReadPermission"], "Deny": False, "IsInherited": False}]
    entries += view.where("mailboxPermission", lambda one: one["Identity"] == box["Guid"])
    if call.given("User"):
        wanted = call.get("User")
        name = _SELF if wanted.upper() == _SELF else identity.user(call, wanted)["userPrincipalName"]
        entries = [entry for entry in entries if str(entry["User"]).lower() == name.lower()]
    return truncated(call, [_entry(call, box, {"Identity": box["Guid"], **entry}) for entry in entries])


@cmdlet("Remove-MailboxPermission")
def remove_mailbox_permission(call: Call) -> Output:
    """Take rights away; a Deny entry needs Deny. An entry that is not there is a warning (Microsoft docs)."""
    box = identity.mailbox(call, call.get("Identity"))
    if call.get("ClearAutoMapping"):
        return None
    if call.get("ResetDefault"):
        for one in call.tenant.fresh.where("mailboxPermission", lambda each: each["Identity"] == box["Guid"]):
            call.tenant.store.remove("mailboxPermission", _key(box, one["User"], one["Deny"]))
        return None
    upn = identity.user(call, call.get("User"))["userPrincipalName"]
    key = _key(box, upn, bool(call.get("Deny")))
    entry = call.tenant.fresh.get("mailboxPermission", key)
    if entry is None or not set(entry["AccessRights"]) & set(call.get("AccessRights")):
        call.warnings.append(
            f'Can\'t remove the access control entry on the object "{box["Identity"]}" for the user account "{upn}" '
            "because the ACE doesn't exist on the object."
        )
        return None
    kept = [right for right in entry["AccessRights"] if right not in call.get("AccessRights")]
    if kept:
        call.tenant.store.update("mailboxPermission", key, AccessRights=kept)
    else:
        call.tenant.store.remove("mailboxPermission", key)
    return None


# --- SendAs -----------------------------------------------------------------------------------------------------------


def _send_as(call: Call) -> None:
    rights = call.get("AccessRights")
    asked = [right.lower() for right in (rights.replace or rights.add)] if isinstance(rights, Change) else []
    if asked != ["sendas"]:  # only SendAs exists (Microsoft docs); text: unverified
        raise CmdletError("TaskArgumentException", "The AccessRights parameter accepts the value SendAs only.")


def _recipient_guid(kind: str, one: Document) -> str:
    return str(one["Guid"] if kind == "mailbox" else one["_guid"])


def _display_name(kind: str, one: Document) -> str:
    return str(one["DisplayName"] if kind == "mailbox" else one["displayName"])


def _target(call: Call) -> tuple[str, Document]:
    kind, seen = identity.recipient_seen(call, call.get("Identity"))
    if call.tenant.fresh.get(kind, seen["Guid"] if kind == "mailbox" else seen["id"]) is None:
        raise call.not_found(call.get("Identity"))
    return kind, seen


@cmdlet("Add-RecipientPermission")
def add_recipient_permission(call: Call) -> Output:
    """Let a trustee send as a recipient."""
    _send_as(call)
    kind, one = _target(call)
    upn = identity.user(call, call.get("Trustee"))["userPrincipalName"]
    key = f"{_recipient_guid(kind, one)}/{upn}"
    if call.tenant.fresh.get("recipientPermission", key) is not None:
        call.warnings.append(
            f'The appropriate access control entry is already present on the object "{_display_name(kind, one)}" for '
            f'account "{upn}".'
        )
        return None
    document = {"_recipient": _recipient_guid(kind, one), "Identity": _display_name(kind, one), "Trustee": upn}
    return [_trust(call, call.tenant.store.put("recipientPermission", key, document))]


def _trust(call: Call, entry: Document) -> Document:
    """Identity reads as a display name; there is no Deny and no IsInherited (live capture)."""
    user = call.tenant.fresh.first("user", lambda one: one["userPrincipalName"].lower() == entry["Trustee"].lower())
    return {
        "Identity": entry["Identity"],
        "Trustee": entry["Trustee"],
        "AccessControlType": "Allow",
        "AccessRights": ["SendAs"],
        "TrusteeSidString": _sid(user["id"]) if user else "S-1-5-10",
        "TrusteeWithPrimarySmtpAddress": "",
    }


@cmdlet("Get-RecipientPermission")
def get_recipient_permission(call: Call) -> Output:
    """The SendAs entries of one recipient, with SELF, or of all."""
    rows: list[Document]
    if call.given("Identity"):
        kind, one = identity.recipient_seen(call, call.get("Identity"))
        guid = _recipient_guid(kind, one)
        view = call.tenant.store.view_for(f"exchange/recipientPermission/{guid}")
        rows = [{"Identity": _display_name(kind, one), "Trustee": _SELF}] if kind == "mailbox" else []
        rows += view.where("recipientPermission", lambda each: each["_recipient"] == guid)
    else:
        rows = call.tenant.store.stale.all("recipientPermission")
    if call.given("Trustee"):
        upn = identity.user(call, call.get("Trustee"))["userPrincipalName"]
        rows = [row for row in rows if row["Trustee"] == upn]
    return truncated(call, [_trust(call, row) for row in rows])


@cmdlet("Remove-RecipientPermission")
def remove_recipient_permission(call: Call) -> Output:
    """Take SendAs away; an entry that is not there is a warning."""
    _send_as(call)
    kind, one = _target(call)
    upn = identity.user(call, call.get("Trustee"))["userPrincipalName"]
    key = f"{_recipient_guid(kind, one)}/{upn}"
    if call.tenant.fresh.get("recipientPermission", key) is None:
        call.warnings.append(
            f'Can\'t remove the access control entry on the object "{_display_name(kind, one)}" for the user account '
            f'"{upn}" because the ACE doesn\'t exist on the object.'
        )
        return None
    call.tenant.store.remove("recipientPermission", key)
    return None
