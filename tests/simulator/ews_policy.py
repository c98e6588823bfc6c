# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the organization and a mailbox leave EWS open: their switches, the list of applications, user agents.

Sources: Microsoft's page "Control access to EWS in Exchange" and its announcements (MC1015893, MC1191578, MC1227454).
What was set takes effect when every replica shows it. ``EwsAllowOutlook`` and its companions, which speak of
Microsoft's own programs, are not looked at.
"""

from __future__ import annotations

import fnmatch

from .store import Document
from .tenant import Tenant

# The two values of the header X-EWS-Policy-Reason (Microsoft docs).
DISABLED = "EWS is disabled for this user or tenant"
BLOCKED = "EWS is blocked by policy for this user or tenant"


def refuses_application(tenant: Tenant, app_id: str, user_agent: str) -> str:
    """Why the organization keeps an application out of EWS, as the service words it; empty when it does not."""
    config = tenant.store.stale.get("organizationConfig", "organization") or {}
    if config.get("EwsEnabled") is False:
        return DISABLED
    if config.get("EwsEnabled") is True and not _listed(tenant, config.get("EwsAllowedAppIDs"), app_id):
        return BLOCKED
    return "" if _agent_passes(config, user_agent) else BLOCKED


def refuses_mailbox(tenant: Tenant, mailbox: Document, user_agent: str) -> str:
    """The same for one mailbox. That its user agents are checked beside the organization's is inferred."""
    seen = tenant.store.stale.get("mailbox", mailbox["Guid"]) or mailbox
    settings = seen.get("_casMailbox", {})
    if settings.get("EwsEnabled") is False or _is_frontline(tenant, mailbox):
        return DISABLED
    return "" if _agent_passes(settings, user_agent) else BLOCKED


def _listed(tenant: Tenant, apps: str | None, app_id: str) -> bool:
    if not apps:
        return not tenant.switch("empty_app_list_blocks")
    return app_id.lower() in apps.lower().split(",")


def _agent_passes(settings: Document, user_agent: str) -> bool:
    """Whether the lists of user agents, with ``*`` for anything, let one pass; without a policy they mean nothing."""
    policy = settings.get("EwsApplicationAccessPolicy")
    if policy not in ("EnforceAllowList", "EnforceBlockList"):
        return True
    allows = policy == "EnforceAllowList"
    patterns: list[str] = settings.get("EwsAllowList" if allows else "EwsBlockList") or []
    return any(fnmatch.fnmatchcase(user_agent.lower(), one.lower()) for one in patterns) == bool(allows)


def _is_frontline(tenant: Tenant, mailbox: Document) -> bool:
    """Whether a user has kiosk licences only. Resource and shared mailboxes are not meant (Microsoft docs)."""
    user = tenant.fresh.get("user", mailbox["ExternalDirectoryObjectId"])
    plans = set(tenant.exchange_plans(user)) if user else set()
    return mailbox["RecipientTypeDetails"] == "UserMailbox" and plans == {"EXCHANGE_S_DESKLESS"}
