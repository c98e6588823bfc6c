# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in as the machine that this runs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .auth import import_msal

if TYPE_CHECKING:
    import requests


@dataclass(frozen=True)
class ManagedIdentity:
    """The identity of the machine; ``client_id`` picks a user-assigned one."""

    client_id: str | None
    hint: str = "auth_method"

    def acquire(self, resource: str, session: requests.Session) -> Mapping[str, Any]:
        """A token from the machine's identity endpoint."""
        msal = import_msal()
        identity = (
            msal.UserAssignedManagedIdentity(client_id=self.client_id)
            if self.client_id
            else msal.SystemAssignedManagedIdentity()
        )
        client = msal.ManagedIdentityClient(identity, http_client=session)
        result: Mapping[str, Any] = client.acquire_token_for_client(resource=resource)
        return result

    def proof(self) -> None:
        """None: the machine vouches for whoever asks on it."""
