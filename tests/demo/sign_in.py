# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in as Pexip's Management Node does it: with the registered app, for the service account, by a code."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msal
from support.person import Person, browser, came_back, problem

from .report import Failed

if TYPE_CHECKING:
    import requests


@dataclass(frozen=True)
class AuthorizationCode:
    """The authorization code flow of a confidential client; the browser's part is played here.

    It is a credential of the collection's transport, which keeps the token.

    Args:
        authority: address of the sign-in service, with the tenant.
        client_id, client_secret: the registered app.
        redirect_uri: where the sign-in leads back to: the Management Node's page, which is not called.
        user, password: who signs in on the page.
        ca_path: the CA that the browser trusts.
    """

    authority: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    user: str
    password: str = field(repr=False)
    ca_path: str

    def acquire(self, resource: str, session: requests.Session) -> Mapping[str, Any]:
        """msal's result for a delegated EWS token. Raises Failed when the page does not lead back."""
        application = msal.ConfidentialClientApplication(
            self.client_id,
            authority=self.authority,
            client_credential=self.client_secret,
            http_client=session,
            instance_discovery=False,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # msal would rather have the code posted to the redirect URI
            flow = application.initiate_auth_code_flow(
                [f"{resource}/EWS.AccessAsUser.All"], redirect_uri=self.redirect_uri
            )
        answer = Person(browser(self.ca_path), username=self.user, password=self.password).visit(flow["auth_uri"])
        back = answer.headers.get("location", "")
        if not back.startswith(self.redirect_uri):
            raise Failed(f"signing in as {self.user} did not lead back to {self.redirect_uri}: {problem(answer)}")
        result: Mapping[str, Any] = application.acquire_token_by_auth_code_flow(flow, came_back(answer))
        return result

    def proof(self) -> None:
        """None: nothing of this is kept."""
