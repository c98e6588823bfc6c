# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes: New-, Get-, Set- and Remove-Mailbox."""

from __future__ import annotations

import secrets
from typing import Any

from .. import seed
from ..store import Document
from ..tenant import graph_time, new_id
from . import identity
from .addresses import set_addresses, set_primary
from .base import Call, CmdletError, Output, cmdlet
from .convert import Change
from .listing import anr, condition, truncated

# What Get-Mailbox prints beside the stored properties (names: live capture; values: Microsoft docs, else inferred).
_DEFAULTS: Document = {
    "IsSoftDeletedByRemove": False,
    "ForwardingAddress": None,
    "ForwardingSmtpAddress": None,
    "DeliverToMailboxAndForward": False,
    "MailboxPlan": None,
    "RetentionPolicy": "Default MRM Policy",
    "RoleAssignmentPolicy": "Default Role Assignment Policy",
    "SharingPolicy": "Default Sharing Policy",
    "UsageLocation": None,
    "Office": "",
    "MailTip": None,
    "SimpleDisplayName": "",
    "ArchiveGuid": "00000000-0000-0000-0000-000000000000",
    "IssueWarningQuota": "49 GB (52,613,349,376 bytes)",
    "ProhibitSendQuota": "49.5 GB (53,150,220,288 bytes)",
    "ProhibitSendReceiveQuota": "50 GB (53,687,091,200 bytes)",
    "MaxSendSize": "35 MB (36,700,160 bytes)",
    "MaxReceiveSize": "36 MB (37,748,736 bytes)",
    "RetainDeletedItemsFor": "14.00:00:00",
    "AuditEnabled": True,
    "RequireSenderAuthenticationEnabled": False,
    "MailboxLocations": [],
    "ObjectClass": ["top", "person", "organizationalPerson", "user"],
    **{f"ExtensionCustomAttribute{number}": [] for number in range(1, 6)},
}

_TYPES = {"Equipment": "EquipmentMailbox", "Room": "RoomMailbox", "Shared": "SharedMailbox", "Regular": "UserMailbox"}
_HANDLED = {"Identity", "Confirm", "Force", "WhatIf", "EmailAddresses", "WindowsEmailAddress", "Type", "Name", "Alias"}
_HANDLED |= {"GrantSendOnBehalfTo", "Password", "RoomMailboxPassword", "ApplyMandatoryProperties"}


def shown(box: Document) -> Document:
    """A mailbox as Get-Mailbox prints it."""
    moments = {f"{name}UTC": box[name] for name in ("WhenChanged", "WhenCreated") if isinstance(box.get(name), str)}
    return {**_DEFAULTS, **box, **moments}


@cmdlet("New-Mailbox")
def new_mailbox(call: Call) -> Output:
    """Make a resource or shared mailbox with its disabled Entra user."""
    kind = next((_TYPES[name] for name in ("Equipment", "Room", "Shared") if call.get(name)), None)
    if kind is None or call.given("MicrosoftOnlineServicesID"):
        # Honest rather than faithful: how a plain Password is taken over REST is not known.
        raise CmdletError("Simulator.NotImplemented", "This simulator makes Equipment, Room and Shared mailboxes only.")
    name = call.get("Name")
    identity.check_name(name)
    identity.check_new_name(call, "Name", name, None)
    alias = call.get("Alias") or identity.default_alias(name)
    identity.check_new_name(call, "Alias", alias, None)
    domain = identity.default_domain(call.tenant)
    address = call.get("PrimarySmtpAddress") or f"{alias}@{domain}"
    # The account's name comes from the alias, not from the address (inferred).
    principal_name = f"{alias}@{domain}"
    identity.check_new_user_name(call, principal_name)
    identity.check_new_address(call, address, None)
    routing = f"{alias}@{call.tenant.domain}"
    if routing.lower() != address.lower():
        identity.check_new_address(call, routing, None)
    display_name = call.get("DisplayName") or name
    user = {
        **seed.user_document(new_id(), principal_name, display_name),
        "accountEnabled": False,
        "givenName": call.get("FirstName"),
        "surname": call.get("LastName"),
        "mail": address,
        "_password": secrets.token_urlsafe(24),
    }
    call.tenant.store.put("user", user["id"], user)
    more: Document = {"Name": name, "EmailAddressPolicyEnabled": not call.given("PrimarySmtpAddress")}
    for option in ("ResourceCapacity", "Office"):
        if call.given(option):
            more[option] = call.get(option)
    box = call.tenant.add_mailbox(
        user, kind, alias, address, IsShared=kind == "SharedMailbox", **more, **_account(kind != "UserMailbox")
    )
    call.tenant.store.update("user", user["id"], proxyAddresses=box["EmailAddresses"])
    return [shown(box)]


def _account(disabled: bool) -> Document:
    return {"AccountDisabled": disabled, "SKUAssigned": None if disabled else True}


@cmdlet("Get-Mailbox")
def get_mailbox(call: Call) -> Output:
    """One mailbox, or those that pass the filters."""
    soft_deleted = bool(call.get("SoftDeletedMailbox"))
    wanted = call.get("Identity")
    if wanted is not None:
        boxes = [identity.mailbox_seen(call, wanted, soft_deleted)]
    elif soft_deleted:
        boxes = call.tenant.store.stale.where("mailbox", lambda box: bool(box["WhenSoftDeleted"]))
    else:
        boxes = call.tenant.mailboxes(call.tenant.store.stale)
    if call.given("RecipientTypeDetails"):
        boxes = [box for box in boxes if box["RecipientTypeDetails"] in call.get("RecipientTypeDetails")]
    if call.given("Filter"):
        passes = condition(call, "Filter")
        boxes = [box for box in boxes if passes.matches(call.tenant.recipient_properties(box))]
    if call.given("Anr"):
        boxes = [box for box in boxes if anr(call.get("Anr"), box)]
    return truncated(call, [shown(box) for box in boxes])


@cmdlet("Set-Mailbox")
def set_mailbox(call: Call) -> Output:
    """Change a mailbox, and what its Entra user shows of it."""
    box = identity.mailbox(call, call.get("Identity"))
    before = dict(box)
    for prop in ("Name", "Alias"):
        if call.given(prop):
            if prop == "Name":
                identity.check_name(call.get(prop))
            identity.check_new_name(call, prop, call.get(prop), box["Guid"])
            box[prop] = call.get(prop)
    if call.given("Type"):
        _convert(box, call.get("Type"))
    if call.given("EmailAddresses"):
        set_addresses(call, box, call.get("EmailAddresses"))
    if call.given("WindowsEmailAddress"):
        set_primary(call, box, call.get("WindowsEmailAddress"))
    if call.given("GrantSendOnBehalfTo"):
        box["GrantSendOnBehalfTo"] = _send_on_behalf(call, call.get("GrantSendOnBehalfTo"), box["GrantSendOnBehalfTo"])
    for name, value in call.parameters.items():
        if name not in _HANDLED:
            _assign(box, name, value)
    if box == before:
        call.unchanged(box["Identity"])
        return None
    box["WhenChanged"] = graph_time()
    call.tenant.store.put("mailbox", box["Guid"], box)
    _mirror(call, box)
    return None


def _assign(box: Document, name: str, value: Any) -> None:
    current = box.get(name, _DEFAULTS.get(name))
    if isinstance(value, Change):
        value = value.apply(list(current or []))
    elif value is None and isinstance(current, str):
        value = ""  # a string property is cleared to the empty string (inferred from Get-Mailbox)
    if value != current:
        box[name] = value


def _convert(box: Document, kind: str) -> None:
    details = _TYPES.get(kind)
    if details is None:
        raise CmdletError("Simulator.NotImplemented", f"This simulator has no mailboxes of type {kind}.")
    resource = kind in ("Equipment", "Room")
    box.update(RecipientTypeDetails=details, IsResource=resource, ResourceType=kind if resource else None)
    box["IsShared"] = kind == "Shared"


def _send_on_behalf(call: Call, change: Change, current: list[str]) -> list[str]:
    def display_name(wanted: str) -> str:
        kind, found = identity.recipient(call, wanted)
        return str(found["DisplayName" if kind == "mailbox" else "displayName"])

    change = change.map(display_name)
    names = change.replace or change.add
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:  # text: live capture
        raise CmdletError(
            "RecipientTaskException",
            f'The parameter "GrantSendOnBehalfTo" contains the following duplicated recipient identity: "{twice}".',
        )
    return change.apply(current)


def _mirror(call: Call, box: Document) -> None:
    """Entra shows the mailbox's names and addresses."""
    user = call.tenant.fresh.get("user", box["ExternalDirectoryObjectId"])
    if user is not None:
        call.tenant.store.update(
            "user",
            user["id"],
            displayName=box["DisplayName"],
            mailNickname=box["Alias"],
            mail=box["PrimarySmtpAddress"],
            proxyAddresses=box["EmailAddresses"],
            accountEnabled=user["accountEnabled"] if not call.given("AccountDisabled") else not box["AccountDisabled"],
        )


@cmdlet("Remove-Mailbox")
def remove_mailbox(call: Call) -> Output:
    """Soft-delete mailbox and user; PermanentlyDelete purges a mailbox that is soft-deleted already."""
    wanted, store = call.get("Identity"), call.tenant.store
    if call.get("PermanentlyDelete"):
        box = identity.mailbox(call, wanted, soft_deleted=True)
        store.remove("mailbox", box["Guid"])
        return None
    box = identity.mailbox(call, wanted)
    now = graph_time()
    store.update("mailbox", box["Guid"], WhenSoftDeleted=now, IsSoftDeletedByRemove=True)
    if call.tenant.fresh.get("user", box["ExternalDirectoryObjectId"]) is not None:
        store.update("user", box["ExternalDirectoryObjectId"], deletedDateTime=now)
    return None
