# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Pexip Management Node: its management API, its OAuth sign-in pages, and the switch of its scheduler.

Where the sign-in of a service account starts is not documented; its page, and the one that lets the scheduler work at
once, are this simulator's own.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import infinity_api, infinity_auth, infinity_oauth
from .infinity_api import Failure
from .infinity_node import PREFIXES, Node
from .store import Document

if TYPE_CHECKING:
    from .scheduler import Scheduler

SIGN_IN = "/admin/platform/msexchangeconnector"
REDIRECT = f"{SIGN_IN}/oauth_redirect/"
TOKEN = "/oauth/token/"
POLL = "/simulator/scheduler/poll"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


def application(node: Node, urls: Mapping[str, str], ca_path: Path) -> ASGIApp:
    """The node's address. ``ca_path`` is the CA that it trusts, as an administrator would have uploaded it."""
    service = _Service(node, urls["infinity"], str(ca_path))

    async def poll(request: Request) -> Response:
        scheduler = await asyncio.to_thread(scheduler_of, node, str(ca_path))
        return JSONResponse(await asyncio.to_thread(scheduler.poll))

    return Starlette(
        routes=[
            Route(POLL, poll, methods=["POST"]),
            Route(REDIRECT, service.signed_in, methods=["GET"]),
            Route("/{path:path}", service.anything, methods=_METHODS),
        ]
    )


@cache
def scheduler_of(node: Node, ca_path: str) -> Scheduler:
    """The node's scheduler. Made when it has to work: exchangelib takes a second to import, which most callers save."""
    from .scheduler import Scheduler

    return Scheduler(node, ca_path)


class _Service:
    def __init__(self, node: Node, base: str, ca_path: str) -> None:
        self.node, self.base, self.ca_path = node, base, ca_path
        self.rate = infinity_auth.RateLimit()

    async def anything(self, request: Request) -> Response:
        """Every address but the pages that have to wait for somebody else."""
        path, body = request.url.path, await request.body()
        with self.node.lock, self.node.store.transaction():
            if not path.endswith("/"):
                # Django's APPEND_SLASH. Clients follow a 301 with GET, so that what a POST said is lost.
                query = f"?{request.url.query}" if request.url.query else ""
                return Response(status_code=301, headers={"Location": f"{path}/{query}"})
            if path == TOKEN:
                form = dict(parse_qsl(body.decode("utf-8", "replace")))
                return infinity_auth.token(self.node, form, self.base + TOKEN)
            if path.startswith(SIGN_IN):
                return self._sign_in(request)
            prefix = next((one for one in PREFIXES if path.startswith(f"{one}/")), "")
            return self._api(request, prefix, body) if prefix else Response(status_code=404)

    # --- API ----------------------------------------------------------------------------------------------------------

    def _api(self, request: Request, prefix: str, body: bytes) -> Response:
        most, seconds = self.node.tenant.switch("infinity_rate")
        wait = self.rate.wait(int(most), float(seconds))
        if wait:
            return JSONResponse({"error": "Too many requests."}, 429, {"Retry-After": str(math.ceil(wait))})
        if not infinity_auth.may_call(self.node, request.headers.get("authorization", "")):
            return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="api"'})
        path = request.url.path
        name, _slash, key = path.removeprefix(f"{prefix}/").strip("/").partition("/")
        if not name:
            return infinity_api.summary(prefix, list(PREFIXES[prefix]))
        if name not in PREFIXES[prefix] or "/" in key:
            return Response(status_code=404)
        if key == "schema":
            return infinity_api.schema(self.node, name)
        try:
            return infinity_api.answer(self.node, name, key, request.method, request.query_params, path, body)
        except Failure as failure:
            return JSONResponse({"error": failure.text}, failure.status)

    # --- the service account's sign-in --------------------------------------------------------------------------------

    def _sign_in(self, request: Request) -> Response:
        """An administrator sends the browser to Entra, with a state that is good for one way back."""
        if not infinity_auth.administrator(self.node, request.headers.get("authorization", "")):
            return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="admin"'})
        key, _slash, page = request.url.path.removeprefix(f"{SIGN_IN}/").strip("/").partition("/")
        connector = self.node.get("ms_exchange_connector", key)
        if connector is None or page != "oauth_sign_in":
            return Response(status_code=404)
        if connector["authentication_method"] != "OAUTH":
            return _page("This integration does not sign in as a service account.", 400)
        state = secrets.token_urlsafe(24)
        self.node.store.update("ms_exchange_connector", key, oauth_state=state)
        return RedirectResponse(infinity_oauth.authorize_address(connector, state), 302)

    async def signed_in(self, request: Request) -> Response:
        """Entra sends the browser back here; the code is redeemed, and the refresh token kept."""
        query = request.query_params
        with self.node.lock:
            connector = self._connector_of(query.get("state", ""))
        if connector is None:
            return _page("This sign-in is not known, or it was used before. Start it again.", 400)
        if "error" in query:
            return _page(f"{query['error']}: {query.get('error_description', '')}", 400)
        try:
            tokens = await asyncio.to_thread(infinity_oauth.redeem, connector, query.get("code", ""), self.ca_path)
        except infinity_oauth.SignInFailed as error:
            return _page(str(error), 400)
        if not tokens.get("refresh_token"):
            return _page("The sign-in gave no refresh token.", 400)
        with self.node.lock:
            key = str(connector["id"])
            self.node.store.update("ms_exchange_connector", key, oauth_refresh_token=tokens["refresh_token"])
        return _page("You have signed in. The scheduler can work now.", 200)

    def _connector_of(self, state: str) -> Document | None:
        """The connector whose sign-in this is; its state is used up."""
        found = next(
            (one for one in self.node.all("ms_exchange_connector") if state and one["oauth_state"] == state), None
        )
        if found:
            self.node.store.update("ms_exchange_connector", str(found["id"]), oauth_state=None)
        return found


def _page(text: str, status: int) -> Response:
    role = "status" if status == 200 else "alert"
    return HTMLResponse(
        f"<!DOCTYPE html><html lang=en><title>Pexip Infinity</title><body><p role={role}>{escape(text)}</p></body></html>",
        status,
    )
