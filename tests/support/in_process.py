# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's work without Ansible around it: much faster than a playbook, over the same connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.vmrops.o365.plugins.module_utils._module import AUTH_ARGUMENTS, connect
from ansible_collections.vmrops.o365.plugins.module_utils._reconcile import Client, Resource, Run


def new_run(
    resource: Resource[Any], auth: Mapping[str, Any], check_mode: bool = False, wait_timeout: float = 20
) -> Run[Any]:
    """A run of a managed object, as a module with these authentication options would start it."""
    defaults = {**dict.fromkeys(AUTH_ARGUMENTS), "auth_method": "auto", "cloud": "global", "timeout": 10}
    connection = connect({**defaults, "wait_timeout": wait_timeout, **auth}, print)
    clients: dict[str, Client] = {"graph": connection.graph, "exchange": connection.exchange}
    return Run(resource, connection, clients, connection.deadline, check_mode)
