# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in as Pexip's Management Node does it: with the registered app, for the service account, by a code."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import msal

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
    """

    authority: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    user: str
    password: str = field(repr=False)

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
        page = session.get(flow["auth_uri"])
        form = _Form(page.text)
        fields = {**form.fields, "username": self.user, "password": self.password}
        answer = session.post(flow["auth_uri"].split("?")[0], data=fields, allow_redirects=False)
        back = answer.headers.get("location", "")
        if not back.startswith(self.redirect_uri):
            raise Failed(
                f"signing in as {self.user} did not lead back to {self.redirect_uri}: {_Form(answer.text).error}"
            )
        result: Mapping[str, Any] = application.acquire_token_by_auth_code_flow(
            flow, dict(parse_qsl(urlsplit(back).query))
        )
        return result


class _Form(HTMLParser):
    """The input fields of a page with their values, and the text of its alert."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.error = ""
        self._in_error = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("name"):
            self.fields[str(given["name"])] = given.get("value") or ""
        self._in_error = given.get("role") == "alert"

    def handle_data(self, data: str) -> None:
        if self._in_error:
            self.error += data

    def handle_endtag(self, tag: str) -> None:
        self._in_error = False
