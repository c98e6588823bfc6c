# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies that sign-ins are held against, to be read: conditional access and security defaults."""

from __future__ import annotations

from .entra_policies import security_defaults
from .graph_call import Answer, Call, not_found, operation
from .graph_lists import collection
from .graph_odata import Kind, single

_POLICY = Kind(
    "conditionalAccessPolicy",
    "identity/conditionalAccess/policies",
    filterable=frozenset({"id", "displayName", "state"}),
    service="whole",
)
_DEFAULTS = Kind("identitySecurityDefaultsEnforcementPolicy", "policies/identitySecurityDefaultsEnforcementPolicy")


@operation("GET /identity/conditionalAccess/policies")
def list_policies(call: Call) -> Answer:
    """Every policy, enforced or not."""
    return collection(call, _POLICY, call.lists.all("conditionalAccessPolicy"))


@operation("GET /identity/conditionalAccess/policies/{conditionalAccessPolicy-id}")
def get_policy(call: Call, key: str) -> Answer:
    """One policy."""
    found = call.view.get("conditionalAccessPolicy", key)
    if found is None:
        raise not_found(key)
    return single(call, _POLICY, found)


@operation("GET /policies/identitySecurityDefaultsEnforcementPolicy")
def get_security_defaults(call: Call) -> Answer:
    """Whether security defaults are on."""
    return single(call, _DEFAULTS, security_defaults(call.tenant), context=f"{_DEFAULTS.collection}/$entity")
