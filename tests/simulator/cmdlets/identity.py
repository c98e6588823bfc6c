# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding objects by any identity that Exchange takes, and who holds a name or an address."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Iterable

from ..store import Document, View
from ..tenant import Tenant
from .base import Call, CmdletError

_MAILBOX_KEYS = (
    *("Guid", "ExchangeGuid", "ExternalDirectoryObjectId", "Identity", "Alias", "UserPrincipalName", "Name"),
    *("DistinguishedName", "LegacyExchangeDN"),
)
_GROUP_KEYS = ("id", "_guid", "mailNickname", "mail", "displayName", "_distinguishedName", "_name")
_USER_KEYS = ("id", "userPrincipalName", "mail", "mailNickname", "displayName")


def mailbox(call: Call, identity: str, soft_deleted: bool = False) -> Document:
    """The newest state of the mailbox that the replica of this read finds under ``identity``.

    Raises CmdletError when it finds none, or several.
    """
    seen = mailbox_seen(call, identity, soft_deleted)
    newest = call.tenant.fresh.get("mailbox", seen["Guid"])
    if newest is None or bool(newest["WhenSoftDeleted"]) != soft_deleted:
        raise call.not_found(identity)
    return newest


def mailbox_seen(call: Call, identity: str, soft_deleted: bool = False) -> Document:
    """The mailbox as the replica of this read has it."""
    view = call.tenant.store.view_for(f"exchange/mailbox/{identity.lower()}")
    return _single(call, identity, _mailboxes(call.tenant, view, identity, soft_deleted), _is_mailbox)


def mailbox_guids(call: Call) -> Callable[[str], str]:
    """A finder of mailboxes' Guids by any identity, for long lists: it reads the mailboxes once."""
    known: dict[str, set[str]] = {}
    for box in call.tenant.mailboxes(call.tenant.fresh):
        names = [str(box.get(key) or "") for key in (*_MAILBOX_KEYS, "DisplayName")]
        for name in (*names, *(entry.partition(":")[2] for entry in box["EmailAddresses"])):
            known.setdefault(name.lower(), set()).add(box["Guid"])

    def find(identity: str) -> str:
        found = known.get(identity.lower(), set())
        if not found:
            raise call.not_found(identity)
        if len(found) > 1:
            raise ambiguous(identity)
        return next(iter(found))

    return find


def recipient_seen(call: Call, identity: str) -> tuple[str, Document]:
    """The kind (``mailbox`` or ``group``) and state of a recipient, as the replica of this read has it."""
    return recipient_in(call, identity, call.tenant.store.view_for(f"exchange/recipient/{identity.lower()}"))


def recipient(call: Call, identity: str) -> tuple[str, Document]:
    """The same on the newest state: for references in what is written."""
    return recipient_in(call, identity, call.tenant.fresh)


def recipient_in(call: Call, identity: str, view: View) -> tuple[str, Document]:
    """The recipient of that identity in one view. Raises CmdletError when there is none, or several."""
    found: list[tuple[str, Document]] = [
        ("mailbox", one) for one in _mailboxes(call.tenant, view, identity) if _is_mailbox(one, identity)
    ]
    found += [("group", one) for one in groups(view) if _is_group(one, identity)]
    if len(found) > 1:
        raise ambiguous(identity)
    if not found:
        raise call.not_found(identity)
    return found[0]


def group_seen(call: Call, identity: str) -> Document:
    """A distribution group as the replica of this read has it."""
    view = call.tenant.store.view_for(f"exchange/group/{identity.lower()}")
    return _single(call, identity, groups(view), _is_group)


def group(call: Call, identity: str) -> Document:
    """A distribution group to be changed: found by the replica of this read, in its newest state."""
    newest = call.tenant.fresh.get("group", group_seen(call, identity)["id"])
    if newest is None:
        raise call.not_found(identity)
    return newest


def group_reference(call: Call, identity: str) -> Document:
    """A mail-enabled group named in what is written."""
    return _single(call, identity, groups(call.tenant.fresh), _is_group)


def groups(view: View) -> list[Document]:
    """The groups that Exchange sees as distribution groups: mail-enabled, not deleted, no Microsoft 365 groups."""
    return view.where(
        "group",
        lambda one: (
            one["mailEnabled"] and not one.get("deletedDateTime") and "Unified" not in one.get("groupTypes", [])
        ),
    )


def user(call: Call, identity: str, view: View | None = None) -> Document:
    """An Entra user by any of a user's or their mailbox's identities."""
    where = view or call.tenant.fresh
    boxes = {
        one["ExternalDirectoryObjectId"]
        for one in _mailboxes(call.tenant, where, identity)
        if _is_mailbox(one, identity)
    }
    users = where.all("user") if boxes else where.mentioning("user", identity)
    users = [one for one in users if not one.get("deletedDateTime")]
    return _single(call, identity, users, lambda one, wanted: one["id"] in boxes or _any(one, _USER_KEYS, wanted))


def trustee(call: Call, identity: str) -> Document:
    """Whom a permission is for: a user, or a mail-enabled security group."""
    try:
        return user(call, identity)
    except CmdletError as error:
        if error.status == 500:
            raise
        security = [one for one in groups(call.tenant.fresh) if one["securityEnabled"]]
        return _single(call, identity, security, _is_group)


def trustee_name(call: Call, key: str) -> str:
    """The display name of a permission's holder by id; who is gone reads as a SID (live capture)."""
    for kind in ("user", "group"):
        found = call.tenant.fresh.get(kind, key)
        if found and not found.get("deletedDateTime"):
            return str(found["displayName"])
    return sid(key)


def sid(key: str) -> str:
    """A security identifier, the same for the same object."""
    return (
        f"S-1-5-21-{zlib.crc32(key.encode())}-{zlib.crc32(key[::-1].encode())}-{zlib.crc32(key[4:].encode()) % 65536}"
    )


def administrative_unit(call: Call, identity: str) -> Document:
    """An administrative unit by id or display name."""
    units = call.tenant.fresh.all("administrativeUnit")
    return _single(call, identity, units, lambda one, wanted: _any(one, ("id", "displayName"), wanted))


def named(call: Call, kind: str, identity: str, view: View, keys: tuple[str, ...]) -> Document:
    """A configuration object of that kind by one of ``keys``."""
    return _single(call, identity, view.all(kind), lambda one, wanted: _any(one, keys, wanted))


def legacy_dn(one: Document) -> str:
    """A group's legacyExchangeDN."""
    return (
        "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn="
        f"{one['_guid'].replace('-', '')}-{one['mailNickname']}"
    )


def ambiguous(identity: str) -> CmdletError:
    """Several recipients answer to one identity (wording and status 500: working client)."""
    return CmdletError(
        "RecipientTaskException",
        f'There are multiple recipients matching identity "{identity}". Please specify a unique value.',
        status=500,
        code="InternalServerError",
    )


def check_new_address(call: Call, address: str, own: str | None) -> None:
    """Refuse an address outside the verified domains, or one that somebody else holds.

    Args:
        call: the running cmdlet.
        address: without prefix.
        own: the mailbox Guid or group id that may hold it already.
    """
    domain = call.tenant.fresh.get("domain", address.rpartition("@")[2])
    if domain is None or not domain["isVerified"]:
        raise CmdletError(  # the service's words as administrators quote them; type seen in a public blog
            "Microsoft.Exchange.Data.Directory.NotAcceptedDomainException",
            "You can't use the domain because it's not an accepted domain for your organization.",
        )
    holder = call.tenant.address_holder(address)
    if holder is not None and (own is None or own not in (holder.get("Guid"), holder.get("id"))):
        taken_by = holder.get("ExternalDirectoryObjectId") or holder.get("id")
        raise CmdletError(  # text: working client
            "Microsoft.Exchange.Data.Directory.ProxyAddressExistsException",
            f'The proxy address "SMTP:{address}" is already being used by the proxy addresses or LegacyExchangeDN of '
            f'"{taken_by}". Please choose another proxy address.',
        )


def check_new_user_name(call: Call, name: str) -> None:
    """Refuse a user principal name that an Entra user has (id, type and text: live capture by its author)."""
    wanted = name.lower()
    users = call.tenant.fresh.mentioning("user", name)
    if any(one["userPrincipalName"].lower() == wanted and not one.get("deletedDateTime") for one in users):
        raise CmdletError(
            "WLCDManagedMemberExistsException",
            f'The proxy address "SMTP:{name}" is already being used by the proxy addresses or LegacyExchangeDN. '
            "Please choose another proxy address.",
            "ExB10BE9",
        )


def check_new_name(call: Call, prop: str, value: str, own: str | None) -> None:
    """Refuse a Name or Alias that another recipient has (text: unverified)."""
    mine = {"Name": "_name", "Alias": "mailNickname"}[prop]
    boxes = call.tenant.fresh.mentioning("mailbox", value)
    others = [box[prop] for box in boxes if not box["WhenSoftDeleted"] and box["Guid"] != own]
    others += [one.get(mine) or one["displayName"] for one in groups(call.tenant.fresh) if one["id"] != own]
    if value.lower() in (other.lower() for other in others):
        raise CmdletError(
            "RecipientTaskException",
            f'The value "{value}" of property "{prop}" is used by another recipient object. '
            "Please specify a unique value.",
        )


def check_name(value: str) -> None:
    """Refuse a recipient's Name that is too long or has letters that the cloud does not take (Microsoft docs)."""
    if len(value) > 64:
        raise _bad_name(value, "The length of the property is too long. The maximum length is 64")
    if not value.strip() or re.search(r"[^\x20-\x7e]", value):
        raise _bad_name(value, "It contains characters that aren't supported")


def _bad_name(value: str, why: str) -> CmdletError:
    return CmdletError("Microsoft.Exchange.Data.DataValidationException", f'The Name "{value}" isn\'t valid. {why}.')


def default_alias(name: str) -> str:
    """The alias of a recipient without one: its name, no spaces, ``?`` for what no alias has (Microsoft docs)."""
    return re.sub(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]", "?", name.replace(" ", ""))


def default_domain(tenant: Tenant) -> str:
    """The domain of new addresses."""
    domain = tenant.fresh.first("domain", lambda one: one["isDefault"] and one["isVerified"])
    return str(domain["id"]) if domain else tenant.domain


def _mailboxes(tenant: Tenant, view: View, identity: str, soft_deleted: bool = False) -> list[Document]:
    if not soft_deleted:
        return tenant.mailboxes(view, identity)
    boxes = view.mentioning("mailbox", identity)
    return [box for box in boxes if box["WhenSoftDeleted"] and box["_ready"] <= time.time()]


def _is_mailbox(one: Document, identity: str) -> bool:
    addresses = {entry.lower() for entry in one["EmailAddresses"]}
    return (
        _any(one, (*_MAILBOX_KEYS, "DisplayName"), identity)
        or identity.lower() in addresses
        or f"smtp:{identity.lower()}" in addresses
    )


def _is_group(one: Document, identity: str) -> bool:
    addresses = [entry.lower() for entry in one.get("_emailAddresses", [])]
    by_name = _any(one, _GROUP_KEYS, identity) or identity.lower() == legacy_dn(one).lower()
    return by_name or f"smtp:{identity.lower()}" in addresses


def _any(one: Document, keys: Iterable[str], identity: str) -> bool:
    wanted = identity.lower()
    return any(str(one.get(key) or "").lower() == wanted for key in keys)


def _single(call: Call, identity: str, candidates: list[Document], test: Callable[[Document, str], bool]) -> Document:
    found = [one for one in candidates if test(one, identity)]
    if not found:
        raise call.not_found(identity)
    if len(found) > 1:
        raise ambiguous(identity)
    return found[0]
