# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's work without Ansible around it: much faster than a playbook, over the same connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vmrops.o365.plugins.module_utils._reconcile import Client, Resource, Run
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, connect
from ansible_collections.vmrops.o365.plugins.module_utils._transport.auth import Credential


@dataclass(frozen=True)
class Person:
    """Somebody who signs in through an app, as with a device code, but by name and password: no page has to be clicked.

    Args:
        url: the tenant's sign-in service, with the tenant's id.
    """

    url: str
    client_id: str
    user_principal_name: str
    password: str

    def acquire(self, resource: str, session: Any) -> Mapping[str, Any]:
        """A delegated token with every permission that was consented to."""
        form = {
            "grant_type": "password",
            "client_id": self.client_id,
            "username": self.user_principal_name,
            "password": self.password,
            "scope": f"{resource}/.default",
        }
        answer: Mapping[str, Any] = session.post(f"{self.url}/oauth2/v2.0/token", data=form).json()
        return answer


def new_run(
    resource: Resource[Any],
    auth: Mapping[str, Any],
    check_mode: bool = False,
    wait_timeout: float = 20,
    person: Credential | None = None,
) -> Run[Any]:
    """A run of a managed object, as a module with these authentication options would start it; or as ``person`` does."""
    defaults = {**dict.fromkeys(AUTH_ARGUMENTS), "auth_method": "auto", "cloud": "global", "timeout": 10}
    connection = connect({**defaults, "wait_timeout": wait_timeout, **auth}, print)
    if person:
        connection.tokens._credential = person
    clients: dict[str, Client] = {"graph": connection.graph, "exchange": connection.exchange}
    return Run(resource, connection, clients, connection.deadline, check_mode)
