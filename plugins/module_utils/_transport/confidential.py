# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in as an application with something that it has: a client secret, a certificate or a federated token.

msal keeps token answers per application object, refusals included (a 400 for a minute, a 429 for its Retry-After), so an object
is asked once for each resource, and no more once it was refused; it also keeps what it has read about the tenant, so one is
asked for several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .auth import import_msal

if TYPE_CHECKING:
    import requests


@dataclass(frozen=True)
class Confidential:
    """A client secret, a certificate or a federated token: what msal calls the client credential.

    Args:
        make_credential: gives msal's ``client_credential``; called for each attempt, since files change.
        hint: the module option to name when the credential is refused.
        secrets: what was sent and is no option; an answer may repeat it.
        served: the resources for which msal's application object has given a token, and that object.
    """

    authority: str
    client_id: str
    make_credential: Callable[[], Any] = field(repr=False)
    hint: str
    secrets: set[str] = field(default_factory=set, repr=False)
    served: dict[str, Any] = field(default_factory=dict, repr=False)

    def acquire(self, resource: str, session: requests.Session) -> Mapping[str, Any]:
        """A token by the client credentials grant."""
        known = {} if resource in self.served else dict(self.served)
        self.served.clear()
        application = next(iter(known.values()), None) or self._application(session)
        result: Mapping[str, Any] = application.acquire_token_for_client([f"{resource}/.default"])
        if "access_token" in result:
            self.served.update({**known, resource: application})
        return result

    def _application(self, session: requests.Session) -> Any:
        """A new object of msal's."""
        credential = self.make_credential()
        if isinstance(credential, dict) and "client_assertion" in credential:
            credential = {"client_assertion": self._assertion}  # newer msal warns of an assertion that is a text
        return import_msal().ConfidentialClientApplication(
            self.client_id,
            authority=self.authority,
            client_credential=credential,
            http_client=session,
            instance_discovery=False,
        )

    def _assertion(self) -> str:
        """The federated token, as it is now."""
        assertion: str = self.make_credential()["client_assertion"]
        self.secrets.add(assertion)
        return assertion

    def proof(self) -> bytes | None:
        """The client secret, the private key or the federated token, as it is now."""
        credential = self.make_credential()
        if isinstance(credential, str):
            return credential.encode("utf-8", "surrogateescape")
        file = credential.get("private_key_pfx_path")
        return repr((sorted(credential.items()), Path(file).read_bytes() if file else b"")).encode()
