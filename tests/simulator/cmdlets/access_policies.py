# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Application access policies: they narrow what Entra granted an application, and never what role assignments give."""

from __future__ import annotations

import re

from ..store import Document
from ..tenant import new_id
from . import identity
from .base import Call, CmdletError, Output, cmdlet

_LIMIT = 300  # about (Microsoft docs)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UNFIT = ("RoomMailbox", "EquipmentMailbox", "SharedMailbox")


@cmdlet("New-ApplicationAccessPolicy")
def new_application_access_policy(call: Call) -> Output:
    """Restrict applications to the members of a group, or keep them out of those mailboxes; one policy for each."""
    kind, scope = identity.recipient(call, call.get("PolicyScopeGroupID"))
    if (kind == "mailbox" and scope["RecipientTypeDetails"] in _UNFIT) or (
        kind == "group" and not scope["securityEnabled"]
    ):  # what fits: Microsoft docs; text: unverified
        raise CmdletError(
            "TaskArgumentException",
            f'The recipient "{call.get("PolicyScopeGroupID")}" isn\'t a security principal that can scope a policy.',
        )
    given = call.get("AppId")
    made = []
    for app_id in given:
        if not _GUID.fullmatch(app_id):  # text: unverified
            raise CmdletError("TaskArgumentException", f'"{app_id}" isn\'t a valid application ID.')
        if call.tenant.fresh.having("applicationAccessPolicy", "AppId", app_id):  # text: unverified
            raise CmdletError("TaskArgumentException", "A security object with the specified AppId already exists")
        if len(call.tenant.fresh.all("applicationAccessPolicy")) >= _LIMIT:  # text: Microsoft docs
            raise CmdletError("TaskArgumentException", "The total size of App Access Policies exceeded the limit.")
        made.append(_put(call, app_id, kind, scope))
    return made


def _put(call: Call, app_id: str, kind: str, scope: Document) -> Document:
    key = str(scope["ExternalDirectoryObjectId"] if kind == "mailbox" else scope["id"])
    policy = {
        "Identity": f"{call.tenant.id}\\{app_id}:{identity.sid(key)};{new_id()}",
        "AppId": app_id,
        "ScopeName": str(scope["DisplayName" if kind == "mailbox" else "displayName"]),
        "ScopeIdentity": str(scope["Identity"] if kind == "mailbox" else scope.get("_name") or scope["displayName"]),
        "AccessRight": call.get("AccessRight"),
        "Description": call.get("Description") or "",
        "IsValid": True,
        "_scope": key,
    }
    return call.tenant.store.put("applicationAccessPolicy", str(policy["Identity"]), policy)


@cmdlet("Get-ApplicationAccessPolicy")
def get_application_access_policy(call: Call) -> Output:
    """One policy, or all."""
    if not call.given("Identity"):
        return call.tenant.store.stale.all("applicationAccessPolicy")
    return [_find(call)]


def _find(call: Call) -> Document:
    wanted = str(call.get("Identity"))
    found = call.tenant.store.view_for(f"exchange/applicationAccessPolicy/{wanted}").get(
        "applicationAccessPolicy", wanted
    )
    if found is None:
        raise call.not_found(wanted)
    return found


@cmdlet("Remove-ApplicationAccessPolicy")
def remove_application_access_policy(call: Call) -> Output:
    """Remove a policy."""
    call.tenant.store.remove("applicationAccessPolicy", _find(call)["Identity"])
    return None


@cmdlet("Test-ApplicationAccessPolicy")
def test_application_access_policy(call: Call) -> Output:
    """What the policies say at once; live traffic follows later (Microsoft docs)."""
    kind, box = identity.recipient(call, call.get("Identity"))
    if kind != "mailbox":
        raise call.not_found(call.get("Identity"))
    granted = call.tenant.policies_allow(call.get("AppId"), box, call.tenant.fresh)
    return [
        {
            "AppId": call.get("AppId"),
            "Mailbox": box["Alias"],
            "MailboxId": box["Guid"],
            "MailboxSid": identity.sid(box["ExternalDirectoryObjectId"]),
            "AccessCheckResult": "Granted" if granted else "Denied",
        }
    ]
