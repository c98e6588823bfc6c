# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that a mailbox answers: who may open it, and mailboxSettings."""

from __future__ import annotations

import base64
from typing import Any

from . import ews_rights
from .ews_access import Caller
from .graph_call import Answer, Call, GraphError, operation
from .graph_objects import find
from .graph_odata import Kind, single, wants_metadata
from .graph_types import check_body
from .store import Document
from .tenant import Tenant

_SETTINGS = Kind("mailboxSettings", "mailboxSettings", service="exchange")
_PURPOSES = {
    "UserMailbox": "user",
    "SharedMailbox": "shared",
    "RoomMailbox": "room",
    "EquipmentMailbox": "equipment",
    "LinkedMailbox": "linked",
}
# Roles of RBAC for Applications that hold several permissions (Microsoft docs: application-rbac).
_FULL_ACCESS = "Application Exchange Full Access"
# Settings that Exchange's cmdlets show too, under their names.
_REGIONAL = {"timeZone": "TimeZone", "dateFormat": "DateFormat", "timeFormat": "TimeFormat"}


def access_denied() -> GraphError:
    """The mailbox is closed to the caller (recorded response: microsoftgraph-postman-collections issue 48)."""
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def open_mailbox(call: Call, key: str, *permissions: str, right: str = "ReadItems") -> Caller:
    """The mailbox behind a path's key, opened as its owner opens it.

    Application permissions count tenant-wide, less what application access policies take away, and as scoped roles of
    RBAC for Applications. A signed-in user opens their own mailbox, and with a ``.Shared`` permission calendars in which
    they have the right.

    Args:
        permissions: any of these is enough.
        right: what it takes in another's calendar (see ``ews_rights``).
    Raises:
        GraphError: 404 until the mailbox is ready, 403 when it is closed to the caller.
    """
    user = find(call, "user", key)
    mailbox = call.mailbox_of(user["id"])
    if mailbox is None:
        text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
        raise GraphError(404, "MailboxNotEnabledForRESTAPI", text)
    if not set(permissions) & permissions_over(call, mailbox, right):
        raise access_denied()
    return Caller(call.tenant, user["id"], mailbox)


def permissions_over(call: Call, mailbox: Document, right: str = "ReadItems") -> set[str]:
    """The permissions that the caller has over a mailbox, those of applications under the names of delegated ones."""
    principal, tenant = call.principal, call.tenant
    if principal.app_only:
        held = set(principal.roles) if tenant.policies_allow(principal.app_id, mailbox, tenant.store.stale) else set()
        scoped = _scoped_roles(tenant, principal.app_id, mailbox)
        if _FULL_ACCESS in scoped:
            scoped |= {"Application Calendars.ReadWrite", "Application MailboxSettings.ReadWrite"}
        held |= {name.removeprefix("Application ") for name in scoped}
        return {name.replace("ReadBasic.All", "ReadBasic") for name in held}
    if mailbox["ExternalDirectoryObjectId"] == principal.user_id:
        return set(principal.scopes)
    if right not in ews_rights.rights(tenant, mailbox, "calendar", principal.user_id):
        return set()
    return {name.removesuffix(".Shared") for name in principal.scopes if name.endswith(".Shared")}


def _scoped_roles(tenant: Tenant, app_id: str, mailbox: Document) -> set[str]:
    entra = tenant.service_principal(app_id)
    exchange = tenant.fresh.get("exchangeServicePrincipal", entra["id"]) if entra else None
    if exchange is None:
        return set()
    assignments = tenant.fresh.mentioning("managementRoleAssignment", exchange["ObjectId"])
    return {
        str(one["Role"])
        for one in assignments
        if one["Enabled"]
        and one["RoleAssignee"].lower() == exchange["ObjectId"].lower()
        and tenant.in_assignment_scope(one, mailbox)
    }


def _settings(mailbox: Document) -> Document:
    """Defaults of a new mailbox, and what was set; the ids of folders are opaque."""
    silent = {
        "status": "disabled",
        "externalAudience": "all",
        "internalReplyMessage": "",
        "externalReplyMessage": "",
        "scheduledStartDateTime": {"dateTime": "2026-01-01T00:00:00.0000000", "timeZone": "UTC"},
        "scheduledEndDateTime": {"dateTime": "2026-01-02T00:00:00.0000000", "timeZone": "UTC"},
    }
    hours = {
        "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "startTime": "08:00:00.0000000",
        "endTime": "17:00:00.0000000",
        "timeZone": {"name": "UTC"},
    }
    regional = mailbox.get("_regionalConfiguration", {})
    formats = {name: regional[word] for name, word in _REGIONAL.items() if regional.get(word)}
    locale = regional.get("Language") or (mailbox.get("Languages") or ["en-US"])[0]
    return {
        "archiveFolder": base64.urlsafe_b64encode(f"archive/{mailbox['Guid']}".encode()).decode(),
        "timeZone": "UTC",
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH:mm",
        **formats,
        "userPurpose": _PURPOSES.get(mailbox["RecipientTypeDetails"], "others"),
        "automaticRepliesSetting": silent,
        "language": {"locale": locale, "displayName": locale},
        "workingHours": hours,
        **mailbox.get("_mailboxSettings", {}),
    }


@operation("GET /users/{user-id}/mailboxSettings")
def get_settings(call: Call, key: str) -> Answer:
    """The mailbox's settings."""
    box = open_mailbox(call, key, "MailboxSettings.Read", "MailboxSettings.ReadWrite").mailbox or {}
    context = f"users('{box['ExternalDirectoryObjectId']}')/mailboxSettings"
    return single(call, _SETTINGS, _settings(box), context=context)


@operation("PATCH /users/{user-id}/mailboxSettings")
def update_settings(call: Call, key: str) -> Answer:
    """Change some settings; answers with what was sent, as the service does (Microsoft docs)."""
    mailbox = open_mailbox(call, key, "MailboxSettings.ReadWrite").mailbox or {}
    body = check_body("PATCH /users/{user-id}/mailboxSettings", call.body)
    if "userPurpose" in body:
        # Unverified wording.
        raise GraphError(400, "ErrorInvalidPropertySet", "The property 'userPurpose' is read-only and can't be set.")
    sent: dict[str, Any] = {name: value for name, value in body.items() if "@odata." not in name}
    kept, regional = dict(mailbox.get("_mailboxSettings", {})), dict(mailbox.get("_regionalConfiguration", {}))
    shown: Document = {}
    for name, value in sent.items():
        current = _settings(mailbox).get(name)
        shown[name] = {**current, **value} if isinstance(value, dict) and isinstance(current, dict) else value
        if name in _REGIONAL:
            regional[_REGIONAL[name]] = value
        elif name == "language":
            regional["Language"] = shown[name]["locale"]
        else:
            kept[name] = shown[name]
    changes = {"_mailboxSettings": kept, "_regionalConfiguration": regional}
    call.tenant.store.update("mailbox", mailbox["Guid"], **changes)
    context = f"{call.base}/$metadata#users('{mailbox['ExternalDirectoryObjectId']}')/mailboxSettings"
    return Answer(200, {**({"@odata.context": context} if wants_metadata(call) else {}), **shown})
