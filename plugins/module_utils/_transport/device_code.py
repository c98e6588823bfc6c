# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in as a person, with a browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._private_files import read_private, write_private
from .auth import import_msal

if TYPE_CHECKING:
    import requests


@dataclass(frozen=True)
class DeviceCode:
    """A person who signs in with a browser, once; the refresh token serves the other resources of this run.

    Args:
        show: prints where to go; raises when there is nowhere to print to.
        cache: a file for the refresh token (mode 0600), so that the next task need not ask again; None for none.
        secrets: what was sent or told beside tokens; an answer may repeat it.
        kept: the refresh token where there is no file, in msal's form.
    """

    authority: str
    client_id: str
    show: Callable[[str], None] = field(repr=False)
    cache: Path | None
    hint: str = "auth_method"
    secrets: set[str] = field(default_factory=set, repr=False)
    kept: list[str] = field(default_factory=list, repr=False)

    def acquire(self, resource: str, session: requests.Session) -> Mapping[str, Any]:
        """A new delegated token: by the refresh token when there is one, else by the device code grant."""
        msal = import_msal()
        cache = msal.SerializableTokenCache()
        kept = read_private(self.cache) if self.cache else "".join(self.kept)
        if kept:
            cache.deserialize(kept)
            self.secrets.update(one["secret"] for one in cache.search(msal.TokenCache.CredentialType.REFRESH_TOKEN))
        application = msal.PublicClientApplication(
            self.client_id, authority=self.authority, token_cache=cache, http_client=session, instance_discovery=False
        )
        scopes = [f"{resource}/.default"]
        result: Mapping[str, Any] | None = None
        for account in application.get_accounts():
            result = application.acquire_token_silent(scopes, account, force_refresh=True)
        if not result or "access_token" not in result:
            flow = application.initiate_device_flow(scopes)
            if "user_code" not in flow:
                return dict(flow)
            self.secrets.update((flow["device_code"], flow["user_code"]))
            self.show(flow["message"])
            result = application.acquire_token_by_device_flow(flow)
        if cache.has_state_changed:
            self.kept[:] = [cache.serialize()]
            if self.cache:
                write_private(self.cache, self.kept[0])
        return result or {}

    def proof(self) -> None:
        """None: a person signs in elsewhere."""
