# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that a mailbox answers: mailboxSettings and the default calendar."""

from __future__ import annotations

import base64
from typing import Any

from .graph_call import Answer, Call, GraphError, operation
from .graph_objects import find
from .graph_odata import Kind, single
from .graph_types import check_body
from .store import Document

_SETTINGS = Kind("mailboxSettings", "mailboxSettings", service="exchange")
_CALENDAR = Kind("calendar", "calendar", service="exchange")
_PURPOSES = {
    "UserMailbox": "user",
    "SharedMailbox": "shared",
    "RoomMailbox": "room",
    "EquipmentMailbox": "equipment",
    "LinkedMailbox": "linked",
}


def _mailbox(call: Call, key: str) -> tuple[Document, Document]:
    """The user and the mailbox; GraphError 404 until the mailbox is ready."""
    user = find(call, "user", key)
    mailbox = call.mailbox_of(user["id"])
    if mailbox is None:
        text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
        raise GraphError(404, "MailboxNotEnabledForRESTAPI", text)
    return user, mailbox


def _settings(mailbox: Document) -> Document:
    """Defaults of a new mailbox; the ids of folders are opaque."""
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
    return {
        "archiveFolder": base64.urlsafe_b64encode(f"archive/{mailbox['Guid']}".encode()).decode(),
        "timeZone": "UTC",
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH:mm",
        "userPurpose": _PURPOSES.get(mailbox["RecipientTypeDetails"], "others"),
        "automaticRepliesSetting": silent,
        "language": {"locale": (mailbox.get("Languages") or ["en-US"])[0], "displayName": "English (United States)"},
        "workingHours": hours,
        **mailbox.get("_mailboxSettings", {}),
    }


@operation("GET /users/{user-id}/mailboxSettings")
def get_settings(call: Call, key: str) -> Answer:
    """The mailbox's settings."""
    user, mailbox = _mailbox(call, key)
    return single(call, _SETTINGS, _settings(mailbox), context=f"users('{user['id']}')/mailboxSettings")


@operation("PATCH /users/{user-id}/mailboxSettings")
def update_settings(call: Call, key: str) -> Answer:
    """Change some settings; answers with what was sent, as the service does (Microsoft docs)."""
    user, mailbox = _mailbox(call, key)
    body = check_body("PATCH /users/{user-id}/mailboxSettings", call.body)
    if "userPurpose" in body:
        # Unverified wording.
        raise GraphError(400, "ErrorInvalidPropertySet", "The property 'userPurpose' is read-only and can't be set.")
    sent: dict[str, Any] = {name: value for name, value in body.items() if "@odata." not in name}
    kept = dict(mailbox.get("_mailboxSettings", {}))
    for name, value in sent.items():
        current = _settings(mailbox).get(name)
        kept[name] = {**current, **value} if isinstance(value, dict) and isinstance(current, dict) else value
    call.tenant.store.update("mailbox", mailbox["Guid"], _mailboxSettings=kept)
    shown = {name: kept[name] for name in sent}
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#users('{user['id']}')/mailboxSettings", **shown})


@operation("GET /users/{user-id}/calendar")
def get_calendar(call: Call, key: str) -> Answer:
    """The default calendar."""
    user, mailbox = _mailbox(call, key)
    opaque = base64.urlsafe_b64encode(f"calendar/{mailbox['Guid']}".encode()).decode()
    calendar = {
        "id": opaque,
        "name": "Calendar",
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": True,
        "changeKey": base64.b64encode(mailbox["Guid"].encode()[:15]).decode(),
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": True,
        "isRemovable": False,
        "owner": {"name": mailbox["DisplayName"], "address": mailbox["PrimarySmtpAddress"]},
    }
    return single(call, _CALENDAR, calendar, context=f"users('{user['id']}')/calendar/$entity")
