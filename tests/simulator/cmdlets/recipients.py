# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipients of every kind, and the directory's users and Microsoft 365 groups as Exchange shows them."""

from __future__ import annotations

from ..store import Document
from . import groups, identity
from .base import Call, Output, cmdlet
from .listing import anr, condition, truncated

_RECIPIENT = (
    *("Identity", "Id", "Guid", "ExchangeGuid", "Name", "DisplayName", "Alias", "PrimarySmtpAddress", "EmailAddresses"),
    *("ExternalDirectoryObjectId", "DistinguishedName", "OrganizationalUnit", "RecipientType", "RecipientTypeDetails"),
    *("HiddenFromAddressListsEnabled", "ResourceType", "Office", "AdministrativeUnits", "IsDirSynced", "ManagedBy"),
    *(f"CustomAttribute{number}" for number in range(1, 16)),
    *("WhenMailboxCreated", "WhenSoftDeleted", "WhenCreated", "WhenChanged", "IsValid"),
)
# Set-User's parameters that the Entra user shows, and its property there.
_USER = {
    "DisplayName": "displayName",
    "FirstName": "givenName",
    "LastName": "surname",
    "Department": "department",
    "Title": "jobTitle",
    "Office": "officeLocation",
    "MobilePhone": "mobilePhone",
    "City": "city",
    "Company": "companyName",
    "CountryOrRegion": "country",
    "StateOrProvince": "state",
    "StreetAddress": "streetAddress",
    "PostalCode": "postalCode",
}
_CONTROL = {"Identity", "Confirm", "WhatIf", "Force"}


@cmdlet("Get-Recipient")
def get_recipient(call: Call) -> Output:
    """One recipient, or those that pass the filters."""
    if call.given("Identity"):
        kind, found = identity.recipient_seen(call, call.get("Identity"))
        rows = [_properties(call, kind, found)]
    else:
        view = call.tenant.store.stale
        rows = [_properties(call, "mailbox", box) for box in call.tenant.mailboxes(view)]
        rows += [_properties(call, "group", one) for one in identity.groups(view)]
    for name in ("RecipientType", "RecipientTypeDetails"):
        if call.given(name):
            rows = [row for row in rows if row[name] in call.get(name)]
    if call.given("Filter"):
        passes = condition(call, "Filter")
        rows = [row for row in rows if passes.matches(row)]
    if call.given("Anr"):
        rows = [row for row in rows if anr(call.get("Anr"), row)]
    return truncated(call, [{name: row[name] for name in _RECIPIENT if name in row} for row in rows])


def _properties(call: Call, kind: str, one: Document) -> Document:
    return call.tenant.recipient_properties(one) if kind == "mailbox" else groups.shown(one)


@cmdlet("Get-UnifiedGroup")
def get_unified_group(call: Call) -> Output:
    """Microsoft 365 groups, which live in Entra (names: Microsoft docs)."""
    rows = [_unified(one) for one in call.tenant.store.stale.where("group", _is_unified)]
    if call.given("Identity"):
        keys = ("Identity", "ExternalDirectoryObjectId", "Alias", "DisplayName", "PrimarySmtpAddress")
        wanted = call.get("Identity").lower()
        rows = [row for row in rows if wanted in (str(row[key]).lower() for key in keys)]
        if not rows:
            raise call.not_found(call.get("Identity"))
    if call.given("Filter"):
        passes = condition(call, "Filter")
        rows = [row for row in rows if passes.matches(row)]
    if call.given("Anr"):
        rows = [row for row in rows if anr(call.get("Anr"), row)]
    return truncated(call, rows)


def _is_unified(group: Document) -> bool:
    return "Unified" in group.get("groupTypes", []) and not group.get("deletedDateTime")


def _unified(group: Document) -> Document:
    return {
        "Identity": group["id"],
        "Id": group["id"],
        "Name": group["displayName"],
        "DisplayName": group["displayName"],
        "Alias": group["mailNickname"],
        "PrimarySmtpAddress": group.get("mail") or "",
        "EmailAddresses": [f"SMTP:{group.get('mail')}"] if group.get("mail") else [],
        "ExternalDirectoryObjectId": group["id"],
        "AccessType": group.get("visibility") or "Public",
        "RecipientType": "MailUniversalDistributionGroup",
        "RecipientTypeDetails": "GroupMailbox",
        "GroupMemberCount": len(group["_members"]),
        "WhenCreated": group["createdDateTime"],
        "IsValid": True,
    }


@cmdlet("Get-User")
def get_user(call: Call) -> Output:
    """One user, or those that pass the filters."""
    wanted = call.get("Identity")
    if wanted is not None:
        users = [identity.user(call, wanted, call.tenant.store.view_for(f"exchange/user/{wanted.lower()}"))]
    else:
        users = call.tenant.store.stale.where("user", lambda one: not one.get("deletedDateTime"))
    boxes = {box["ExternalDirectoryObjectId"]: box for box in call.tenant.mailboxes(call.tenant.fresh)}
    rows = [_user(one, boxes.get(one["id"])) for one in users]
    if call.given("RecipientTypeDetails"):
        rows = [row for row in rows if row["RecipientTypeDetails"] in call.get("RecipientTypeDetails")]
    if call.given("Filter"):
        passes = condition(call, "Filter")
        rows = [row for row in rows if passes.matches(row)]
    if call.given("Anr"):
        rows = [row for row in rows if anr(call.get("Anr"), row)]
    return truncated(call, rows)


def _user(user: Document, box: Document | None) -> Document:
    plain = "User" if user["accountEnabled"] else "DisabledUser"
    return {
        "Identity": user["id"],
        "Id": user["id"],
        "Guid": box["Guid"] if box else user["id"],
        "Name": box["Name"] if box else user["displayName"],
        "UserPrincipalName": user["userPrincipalName"],
        "MicrosoftOnlineServicesID": user["userPrincipalName"],
        "WindowsEmailAddress": user.get("mail") or "",
        "ExternalDirectoryObjectId": user["id"],
        **{name: user.get(stored) or "" for name, stored in _USER.items()},
        "Phone": next(iter(user.get("businessPhones") or []), ""),
        **user.get("_exchangeUser", {}),
        "AccountDisabled": not user["accountEnabled"],
        "RecipientType": "UserMailbox" if box else "User",
        "RecipientTypeDetails": box["RecipientTypeDetails"] if box else plain,
        "WhenCreated": user["createdDateTime"],
        "IsValid": True,
    }


@cmdlet("Set-User")
def set_user(call: Call) -> Output:
    """Change what Entra shows of a user, and keep the rest for Get-User."""
    wanted = call.get("Identity")
    seen = identity.user(call, wanted, call.tenant.store.view_for(f"exchange/user/{wanted.lower()}"))
    user = call.tenant.fresh.get("user", seen["id"])
    if user is None:
        raise call.not_found(wanted)
    wish = dict(user)
    for name, value in call.parameters.items():
        if name in _USER:
            wish[_USER[name]] = value or None
        elif name == "Phone":
            wish["businessPhones"] = [value] if value else []
        elif name not in _CONTROL and isinstance(value, (str, bool)):
            wish["_exchangeUser"] = {**wish.get("_exchangeUser", {}), name: value}
    if wish == user:
        call.unchanged(user["id"])
        return None
    call.tenant.store.put("user", user["id"], wish)
    box = call.tenant.fresh.first("mailbox", lambda one: one["ExternalDirectoryObjectId"] == user["id"])
    if box is not None and call.given("DisplayName"):
        call.tenant.store.update("mailbox", box["Guid"], DisplayName=call.get("DisplayName"))
    return None
