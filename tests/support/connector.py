# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The integration on a simulated Management Node, managed without Ansible around the module."""

from __future__ import annotations

from typing import Any

from ansible_collections.vmrops.o365.plugins.module_utils._node import NODE_ARGUMENTS, connect_node
from ansible_collections.vmrops.o365.plugins.module_utils._reconcile import Run
from ansible_collections.vmrops.o365.plugins.module_utils._resources.exchange_connector import ExchangeConnector
from ansible_collections.vmrops.o365.plugins.module_utils._resources.exchange_connector_fields import FIELDS, SECRETS

from .simulator import Simulator

Data = dict[str, Any]
DEFAULTS: Data = {
    **dict.fromkeys((*NODE_ARGUMENTS, *(one.option for one in FIELDS), *SECRETS, "domains", "fingerprint_path")),
    "validate_certs": True,
    "timeout": 10,
    "wait_timeout": 20,
    "state": "present",
    "update_secrets": "on_create",
}


def integrate(tenant: Simulator, check: bool = False, **options: Any) -> Data:
    """The module's result. Raises what the module would report."""
    given = {**DEFAULTS, **tenant.node(), **options}
    connection = connect_node(given)
    run = Run(ExchangeConnector(given), connection, connection.clients, connection.deadline, check)
    return run.reconcile()
