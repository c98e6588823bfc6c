# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Distribution groups and their members. Exchange sees the mail-enabled groups of the directory, and no others."""

from __future__ import annotations

from ..store import Document
from ..tenant import graph_time, new_id
from . import identity
from .addresses import set_addresses, set_primary
from .base import Call, CmdletError, Output, cmdlet
from .convert import Change
from .listing import anr, condition, truncated

_MEMBER = (
    *("Identity", "Guid", "Name", "DisplayName", "Alias", "PrimarySmtpAddress", "ExternalDirectoryObjectId"),
    *("DistinguishedName", "RecipientType", "RecipientTypeDetails"),
)
# What Set-DistributionGroup changes and only Exchange shows.
_KEPT = {
    *("HiddenFromAddressListsEnabled", "MailTip", "SimpleDisplayName", "ModerationEnabled", "ModeratedBy"),
    *("GrantSendOnBehalfTo", "AcceptMessagesOnlyFrom", "RejectMessagesFrom", "ReportToManagerEnabled"),
    *(f"CustomAttribute{number}" for number in range(1, 16)),
    *(f"ExtensionCustomAttribute{number}" for number in range(1, 6)),
}


def shown(group: Document) -> Document:
    """A group as Get-DistributionGroup prints it (names: Microsoft docs)."""
    security = bool(group["securityEnabled"])
    kind = "MailUniversalSecurityGroup" if security else "MailUniversalDistributionGroup"
    name = group.get("_name") or group["displayName"]
    return {
        "Identity": name,
        "Id": name,
        "Guid": group["_guid"],
        "Name": name,
        "DisplayName": group["displayName"],
        "Alias": group["mailNickname"],
        "PrimarySmtpAddress": group["mail"],
        "WindowsEmailAddress": group["mail"],
        "EmailAddresses": group.get("_emailAddresses") or [f"SMTP:{group['mail']}"],
        "ExternalDirectoryObjectId": group["id"],
        "DistinguishedName": group["_distinguishedName"],
        "LegacyExchangeDN": identity.legacy_dn(group),
        "GroupType": "Universal, SecurityEnabled" if security else "Universal",
        "RecipientType": kind,
        "RecipientTypeDetails": "RoomList" if group.get("_roomList") else kind,
        "ManagedBy": group.get("_managedBy", []),
        "Description": [group["description"]] if group.get("description") else [],
        "HiddenFromAddressListsEnabled": False,
        "MailTip": None,
        "GrantSendOnBehalfTo": [],
        **{f"CustomAttribute{number}": "" for number in range(1, 16)},
        "MemberJoinRestriction": group.get("_join", "Closed"),
        "MemberDepartRestriction": group.get("_depart", "Closed" if security else "Open"),
        "RequireSenderAuthenticationEnabled": group.get("_senderAuthentication", True),
        "IsDirSynced": False,
        **group.get("_exchange", {}),
        "WhenCreated": group["createdDateTime"],
        "WhenChanged": group["createdDateTime"],
        "IsValid": True,
    }


@cmdlet("Get-DistributionGroup")
def get_distribution_group(call: Call) -> Output:
    """One group, or those that pass the filters."""
    wanted = call.get("Identity")
    rows = (
        [shown(identity.group_seen(call, wanted))]
        if wanted is not None
        else [shown(one) for one in identity.groups(call.tenant.store.stale)]
    )
    if call.given("RecipientTypeDetails"):
        rows = [row for row in rows if row["RecipientTypeDetails"] in call.get("RecipientTypeDetails")]
    if call.given("Filter"):
        passes = condition(call, "Filter")
        rows = [row for row in rows if passes.matches(row)]
    if call.given("Anr"):
        rows = [row for row in rows if anr(call.get("Anr"), row)]
    return truncated(call, rows)


@cmdlet("New-DistributionGroup")
def new_distribution_group(call: Call) -> Output:
    """Make a distribution group, or a mail-enabled security group with Type Security."""
    name = call.get("Name")
    identity.check_name(name)
    identity.check_new_name(call, "Name", name, None)
    alias = call.get("Alias") or identity.default_alias(name)
    identity.check_new_name(call, "Alias", alias, None)
    address = call.get("PrimarySmtpAddress") or f"{alias}@{identity.default_domain(call.tenant)}"
    identity.check_new_address(call, address, None)
    members = call.get("Members")
    key = new_id()
    forest = "OU=Microsoft Exchange Hosted Organizations,DC=EURPR01A001,DC=PROD,DC=OUTLOOK,DC=COM"
    owners = call.get("ManagedBy")
    document: Document = {
        "id": key,
        "displayName": call.get("DisplayName") or name,
        "description": call.get("Notes"),
        "mail": address,
        "mailNickname": alias,
        "mailEnabled": True,
        "securityEnabled": call.get("Type") == "Security",
        "groupTypes": [],
        "createdDateTime": graph_time(),
        "deletedDateTime": None,
        "_members": list(dict.fromkeys(_member_id(call, one) for one in members.replace or ())) if members else [],
        "_owners": [],
        "_guid": new_id(),
        "_name": name,
        "_emailAddresses": [f"SMTP:{address}"],
        "_distinguishedName": f"CN={name},OU={call.tenant.domain},{forest}",
        "_roomList": bool(call.get("RoomList")),
        "_managedBy": [identity.user(call, one)["displayName"] for one in owners.replace or ()] if owners else [],
    }
    for option, stored in (
        ("MemberJoinRestriction", "_join"),
        ("MemberDepartRestriction", "_depart"),
        ("RequireSenderAuthenticationEnabled", "_senderAuthentication"),
    ):
        if call.given(option):
            document[stored] = call.get(option)
    call.tenant.store.put("group", key, document)
    return [shown(document)]


@cmdlet("Set-DistributionGroup")
def set_distribution_group(call: Call) -> Output:
    """Change a group. Who may change one they do not manage is not simulated (BypassSecurityGroupManagerCheck)."""
    group = identity.group(call, call.get("Identity"))
    before, now = dict(group), shown(group)
    for prop, stored in (("Name", "_name"), ("Alias", "mailNickname")):
        if call.given(prop):
            if prop == "Name":
                identity.check_name(call.get(prop))
            identity.check_new_name(call, prop, call.get(prop), group["id"])
            group[stored] = call.get(prop)
    for option, stored in (
        ("DisplayName", "displayName"),
        ("MemberJoinRestriction", "_join"),
        ("MemberDepartRestriction", "_depart"),
        ("RequireSenderAuthenticationEnabled", "_senderAuthentication"),
    ):
        if call.given(option):
            group[stored] = call.get(option)
    if call.get("RoomList"):
        group["_roomList"] = True
    _set_addresses(call, group, now)
    for option, value in call.parameters.items():
        if option in _KEPT:
            kept = value.apply(list(now.get(option) or [])) if isinstance(value, Change) else value
            group["_exchange"] = {**group.get("_exchange", {}), option: kept}
    if isinstance(call.get("Description"), Change):
        group["description"] = next(iter(call.get("Description").apply([])), None)
    if isinstance(call.get("ManagedBy"), Change):
        names = call.get("ManagedBy").map(lambda one: str(identity.user(call, one)["displayName"]))
        group["_managedBy"] = names.apply(list(now["ManagedBy"]))
    if group == before:
        call.unchanged(now["Identity"])
        return None
    call.tenant.store.put("group", group["id"], group)
    return None


def _set_addresses(call: Call, group: Document, now: Document) -> None:
    holder = {"EmailAddresses": list(now["EmailAddresses"]), "Guid": group["id"]}
    if call.given("EmailAddresses"):
        set_addresses(call, holder, call.get("EmailAddresses"))
    primary = call.get("PrimarySmtpAddress") or call.get("WindowsEmailAddress")
    if primary:
        set_primary(call, holder, primary)
    if holder["EmailAddresses"] != now["EmailAddresses"]:
        group.update(_emailAddresses=holder["EmailAddresses"], mail=holder["PrimarySmtpAddress"])


@cmdlet("Remove-DistributionGroup")
def remove_distribution_group(call: Call) -> Output:
    """Remove a group for good: distribution groups have no recycle bin."""
    call.tenant.store.remove("group", identity.group(call, call.get("Identity"))["id"])
    return None


@cmdlet("Get-DistributionGroupMember")
def get_distribution_group_member(call: Call) -> Output:
    """The direct members; nested groups are rows of their own."""
    group = identity.group_seen(call, call.get("Identity"))
    rows = [row for key in group["_members"] if (row := _member(call, key)) is not None]
    return truncated(call, rows)


def _member(call: Call, key: str) -> Document | None:
    fresh = call.tenant.fresh
    box = fresh.first("mailbox", lambda one: one["ExternalDirectoryObjectId"] == key and not one["WhenSoftDeleted"])
    if box is not None:
        return {name: box[name] for name in _MEMBER}
    nested = fresh.get("group", key)
    if nested is not None and nested["mailEnabled"]:
        return {name: value for name, value in shown(nested).items() if name in _MEMBER}
    user = fresh.get("user", key)
    if user is None or user.get("deletedDateTime"):
        return None
    # A user without mailbox is a plain User here (inferred).
    return {
        "Identity": user["id"],
        "Name": user["displayName"],
        "DisplayName": user["displayName"],
        "Alias": "",
        "PrimarySmtpAddress": "",
        "ExternalDirectoryObjectId": user["id"],
        "RecipientType": "User",
        "RecipientTypeDetails": "User",
    }


def _member_id(call: Call, wanted: str) -> str:
    try:
        kind, found = identity.recipient(call, wanted)
    except CmdletError:
        return str(identity.user(call, wanted)["id"])
    return str(found["ExternalDirectoryObjectId"] if kind == "mailbox" else found["id"])


@cmdlet("Add-DistributionGroupMember")
def add_distribution_group_member(call: Call) -> Output:
    """Add one member; one who is in already is an error (type: working client; text: unverified)."""
    group = identity.group(call, call.get("Identity"))
    key = _member_id(call, _named(call))
    if key in group["_members"]:
        raise CmdletError(
            "MemberAlreadyExistsException",
            f'The recipient "{_named(call)}" is already a member of the group "{group["displayName"]}".',
        )
    call.tenant.store.update("group", group["id"], _members=[*group["_members"], key])
    return None


@cmdlet("Remove-DistributionGroupMember")
def remove_distribution_group_member(call: Call) -> Output:
    """Remove one member; one who is not in is an error (text: unverified)."""
    group = identity.group(call, call.get("Identity"))
    key = _member_id(call, _named(call))
    if key not in group["_members"]:
        raise CmdletError(
            "MemberNotFoundException",
            f'The recipient "{_named(call)}" isn\'t a member of the group "{group["displayName"]}".',
        )
    call.tenant.store.update("group", group["id"], _members=[one for one in group["_members"] if one != key])
    return None


@cmdlet("Update-DistributionGroupMember")
def update_distribution_group_member(call: Call) -> Output:
    """Replace the members."""
    group = identity.group(call, call.get("Identity"))
    members = call.get("Members")
    keys = list(dict.fromkeys(_member_id(call, one) for one in members.replace or ())) if members else []
    call.tenant.store.update("group", group["id"], _members=keys)
    return None


def _named(call: Call) -> str:
    if not call.get("Member"):  # optional in the syntax; what happens without it is unverified
        raise CmdletError("TaskArgumentException", "The Member parameter is required.")
    return str(call.get("Member"))
