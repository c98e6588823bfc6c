# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one company asks of the role, in both ways to give access."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .simulator import Simulator

EQUIPMENT = "vmr@contoso.com"
ACCOUNT = "pexip@contoso.com"
MANAGEMENT_NODE = "infinity.contoso.com"


def wish(tenant: Simulator, access: str, secrets: Path | None = None) -> dict[str, Any]:
    """The role's variables.

    Args:
        tenant: where, and who signs in.
        access: app_permissions or service_account.
        secrets: the secrets file; None for none.
    """
    wanted: dict[str, Any] = {
        "vmr_scheduling_access": access,
        "vmr_scheduling_auth": tenant.auth(),
        "vmr_scheduling_scope": {"group": "vmr-users@contoso.com"},
        "vmr_scheduling_equipment_address": EQUIPMENT,
        "vmr_scheduling_secrets_file": str(secrets or ""),
    }
    if access == "app_permissions":
        return {
            **wanted,
            "vmr_scheduling_verify": {"in_scope": "alice@contoso.com", "out_of_scope": "carol@contoso.com"},
        }
    return {
        **wanted,
        "vmr_scheduling_service_account_user_principal_name": ACCOUNT,
        "vmr_scheduling_service_account_usage_location": "NO",
        "vmr_scheduling_management_node": MANAGEMENT_NODE,
    }
