# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditional access policies and security defaults of a new tenant."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .store import Document
from .tenant import Tenant, graph_time, new_id

# Microsoft's text and id, the same in every tenant (Microsoft docs: identitySecurityDefaultsEnforcementPolicy).
_SECURITY_DEFAULTS = {
    "id": "00000000-0000-0000-0000-000000000005",
    "displayName": "Security Defaults",
    "description": "Security defaults is a set of basic identity security mechanisms recommended by Microsoft. When "
    "enabled, these recommendations will be automatically enforced in your organization. Administrators and users will "
    "be better protected from common identity related attacks.",
}
_MEMBERS = ("Users", "Groups", "Roles")


def plant_policies(tenant: Tenant, wish: Mapping[str, Any], directory_roles: Mapping[str, str]) -> None:
    """Store what the seed says; users by user principal name, groups and directory roles by name become ids."""
    ids = {one["userPrincipalName"].lower(): one["id"] for one in tenant.fresh.all("user")}
    ids |= {one["displayName"].lower(): one["id"] for one in tenant.fresh.all("group")}
    ids |= {name.lower(): role for name, role in directory_roles.items()}
    for one in wish["conditional_access"]:
        policy = _policy(one)
        users = policy["conditions"]["users"]
        for option in (f"{verb}{what}" for verb in ("include", "exclude") for what in _MEMBERS):
            users[option] = [ids.get(name.lower(), name) for name in users.get(option) or []]
        tenant.store.put("conditionalAccessPolicy", policy["id"], policy)
    defaults = {**_SECURITY_DEFAULTS, "isEnabled": bool(wish["security_defaults"])}
    tenant.store.put("policy", "securityDefaults", defaults)


def _policy(wish: Document) -> Document:
    """The document as Graph would list it, with what the seed leaves out."""
    wish = copy.deepcopy(dict(wish))
    conditions: Document = {
        "clientAppTypes": ["all"],
        "userRiskLevels": [],
        "signInRiskLevels": [],
        "servicePrincipalRiskLevels": [],
        "platforms": None,
        "locations": None,
        "devices": None,
        "clientApplications": None,
        "authenticationFlows": None,
        **(wish.pop("conditions", None) or {}),
    }
    conditions["users"] = {"includeUsers": ["All"]} if conditions.get("users") is None else conditions["users"]
    conditions["applications"] = {
        "includeApplications": ["All"],
        "excludeApplications": [],
        "includeUserActions": [],
        **(conditions.get("applications") or {}),
    }
    controls = wish.pop("grantControls", None)
    return {
        "id": new_id(),
        "displayName": "Policy",
        "state": "enabled",
        "createdDateTime": graph_time(),
        "modifiedDateTime": None,
        "sessionControls": None,
        "conditions": conditions,
        "grantControls": controls
        and {
            "operator": "OR",
            "builtInControls": [],
            "customAuthenticationFactors": [],
            "termsOfUse": [],
            **controls,
        },
        **wish,
    }
