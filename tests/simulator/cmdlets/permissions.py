# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Permissions on mailboxes (FullAccess and the like) and on recipients (SendAs)."""

from __future__ import annotations

from typing import Any

from ..store import Document
from . import identity
from .base import Call, CmdletError, Output, cmdlet
from .convert import Change
from .listing import truncated

_SELF = "NT AUTHORITY\\SELF"


def _holder(call: Call, wanted: str) -> tuple[str, str]:
    """The id of the user or security group that a permission is for, and the name under which it is printed."""
    found = identity.trustee(call, wanted)
    return str(found["id"]), str(found.get("userPrincipalName") or found["displayName"])


def _name_now(call: Call, entry: Document, member: str) -> tuple[str, str]:
    """The name and SID of an entry's holder; who is gone has no name but the SID (live capture)."""
    name = str(entry[member])
    if name == _SELF:
        return name, "S-1-5-10"
    user = call.tenant.fresh.first("user", lambda one: one["userPrincipalName"].lower() == name.lower())
    key = str(entry.get("_trustee") or (user or {}).get("id") or entry["Identity"])
    if identity.trustee_name(call, key) == identity.sid(key):
        return identity.sid(key), identity.sid(key)
    renamed = call.tenant.fresh.get("user", key)
    return str(renamed["userPrincipalName"]) if renamed else name, identity.sid(key)


def _key(box: Document, upn: str, deny: bool) -> str:
    return f"{box['Guid']}/{upn}/{deny}"


@cmdlet("Add-MailboxPermission")
def add_mailbox_permission(call: Call) -> Output:
    """Add rights for a user; what is there already is a warning (text: unverified)."""
    box = identity.mailbox(call, call.get("Identity"))
    if call.given("Owner"):
        raise CmdletError("Simulator.NotImplemented", "This simulator does not change the owner of a mailbox.")
    holder, upn = _holder(call, call.get("User"))
    deny = bool(call.get("Deny"))
    key, rights = _key(box, upn, deny), list(dict.fromkeys(call.get("AccessRights")))
    entry = call.tenant.fresh.get("mailboxPermission", key)
    had = entry["AccessRights"] if entry else []
    if not set(rights) - set(had):
        call.warnings.append(
            f'The appropriate access control entry is already present on the object "{box["Identity"]}" for account '
            f'"{upn}".'
        )
        return [_entry(call, box, entry or {})]
    document: Document = {
        "Identity": box["Guid"],
        "User": upn,
        "AccessRights": had + [right for right in rights if right not in had],
        "Deny": deny,
        "IsInherited": False,
        "InheritanceType": call.get("InheritanceType") or "All",
        "_trustee": holder,
    }
    call.tenant.store.put("mailboxPermission", key, document)
    return [_entry(call, box, document)]


def _entry(call: Call, box: Document, entry: Document) -> Document:
    deny: Any = entry["Deny"]
    name, sid = _name_now(call, entry, "User")
    return {
        "Identity": box["Identity"],
        "User": name,
        "AccessRights": entry["AccessRights"],
        "Deny": str(deny) if call.tenant.switch("deny_as_string") else deny,
        "IsInherited": entry["IsInherited"],
        "InheritanceType": entry.get("InheritanceType", "All"),
        "UserSid": sid,
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
        name = _SELF if wanted.upper() == _SELF else _holder(call, wanted)[1]
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
    _holder_id, upn = _holder(call, call.get("User"))
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
    holder, upn = _holder(call, call.get("Trustee"))
    key = f"{_recipient_guid(kind, one)}/{holder}"
    if call.tenant.fresh.get("recipientPermission", key) is not None:
        call.warnings.append(
            f'The appropriate access control entry is already present on the object "{_display_name(kind, one)}" for '
            f'account "{upn}".'
        )
        return None
    document = {"_recipient": _recipient_guid(kind, one), "Identity": _display_name(kind, one), "Trustee": upn}
    document["_trustee"] = holder
    return [_trust(call, call.tenant.store.put("recipientPermission", key, document))]


def _trust(call: Call, entry: Document) -> Document:
    """Identity reads as a display name; there is no Deny and no IsInherited (live capture)."""
    name, sid = _name_now(call, entry, "Trustee")
    return {
        "Identity": entry["Identity"],
        "Trustee": name,
        "AccessControlType": "Allow",
        "AccessRights": ["SendAs"],
        "TrusteeSidString": sid,
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
        wanted = call.get("Trustee")
        upn = _SELF if wanted.upper() == _SELF else _holder(call, wanted)[1]
        rows = [row for row in rows if _name_now(call, row, "Trustee")[0] == upn]
    return truncated(call, [_trust(call, row) for row in rows])


@cmdlet("Remove-RecipientPermission")
def remove_recipient_permission(call: Call) -> Output:
    """Take SendAs away; an entry that is not there is a warning."""
    _send_as(call)
    kind, one = _target(call)
    holder, upn = _holder(call, call.get("Trustee"))
    key = f"{_recipient_guid(kind, one)}/{holder}"
    if call.tenant.fresh.get("recipientPermission", key) is None:
        call.warnings.append(
            f'Can\'t remove the access control entry on the object "{_display_name(kind, one)}" for the user account '
            f'"{upn}" because the ACE doesn\'t exist on the object.'
        )
        return None
    call.tenant.store.remove("recipientPermission", key)
    return None
