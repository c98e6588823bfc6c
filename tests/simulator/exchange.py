# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange Online's admin REST interface: InvokeCommand, $batch and EXOModuleFile."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .breaches import Breach
from .exchange_access import NO_DIRECTORY_ROLE, Forbidden, Unauthorized, allowed_cmdlets, authenticate
from .exchange_command import CONTENT_TYPE, Answer, Request, invalid_request, invoke, misfit
from .store import Document
from .tenant import Tenant, new_id
from .tokens import Principal

BATCH_LIMIT = 10
_COMMAND_PATH = re.compile(r"/adminapi/beta/([^/]+)/InvokeCommand", re.IGNORECASE)

Endpoint = Callable[[HttpRequest], Awaitable[Response]]


def routes(tenant: Tenant, urls: Mapping[str, str], breach: Breach | None = None) -> list[BaseRoute]:
    """The interface's routes; their paths compare without case.

    ``breach`` is told of each command that does not fit the documented parameters of its cmdlet.
    """
    service = _Service(tenant, urls["outlook"].rstrip("/"), breach)
    return [
        _route("/adminapi/beta/{tenant}/InvokeCommand", service.command, "POST"),
        _route("/adminapi/beta/{tenant}/$batch", service.batch, "POST"),
        _route("/adminapi/v1.0/{tenant}/EXOModuleFile", service.module_file, "GET"),
        _route("/adminapi/v1.0/{tenant}/InvokeCommand", service.not_here, "GET", "POST"),
    ]


def _route(path: str, endpoint: Endpoint, *methods: str) -> Route:
    route = Route(path, endpoint, methods=list(methods))
    route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route


class _Service:
    def __init__(self, tenant: Tenant, base_url: str, breach: Breach | None) -> None:
        self.tenant, self.base_url, self.breach = tenant, base_url, breach

    async def command(self, http: HttpRequest) -> Response:
        """``POST .../InvokeCommand``."""
        body, headers = await http.body(), dict(http.headers)
        try:
            principal = self._enter(http)
        except Unauthorized as refused:
            return _unauthorized(refused)
        refused_answer = self._elsewhere(http) or self._refuse(http.path_params["tenant"], headers)
        if refused_answer:
            return _response(refused_answer)
        request = Request(http.path_params["tenant"], http.url.query, headers, _parsed(body))
        return _response(self._invoke(principal, request))

    async def batch(self, http: HttpRequest) -> Response:
        """``POST .../$batch``: at most ten commands, each with its own status (working client)."""
        body, headers = await http.body(), dict(http.headers)
        try:
            principal = self._enter(http)
        except Unauthorized as refused:
            return _unauthorized(refused)
        refused_answer = self._elsewhere(http) or self._refuse(http.path_params["tenant"], headers)
        if refused_answer:
            return _response(refused_answer)
        parsed = _parsed(body)
        items = parsed.get("requests") if isinstance(parsed, dict) else None
        fault = _batch_fault(items)
        if fault or not isinstance(items, list):
            return _response(Answer(400, invalid_request(fault)))
        return _response(Answer(200, {"responses": [self._item(principal, item) for item in items]}))

    async def module_file(self, http: HttpRequest) -> Response:
        """``GET .../EXOModuleFile``: the names of the cmdlets that the caller may run (working client)."""
        try:
            principal = self._enter(http)
            refused_answer = self._refuse(http.path_params["tenant"], {"content-type": "application/json"})
            if refused_answer:
                return _response(refused_answer)
            names = allowed_cmdlets(self.tenant, principal)
        except Unauthorized as refused:
            return _unauthorized(refused)
        except Forbidden:
            # Text: live capture by its author; that it comes as JSON with 403 is inferred.
            text = NO_DIRECTORY_ROLE.format(app_id=principal.app_id)
            return _response(Answer(403, {"error": {"code": "Forbidden", "message": text}}))
        context = f"https://outlook.office.com/adminapi/v1.0/{http.path_params['tenant']}/$metadata#EXOModuleFile"
        return _response(Answer(200, {"@odata.context": context, "value": [{"exportedCmdlets": ",".join(names)}]}))

    async def not_here(self, http: HttpRequest) -> Response:
        """``v1.0/.../InvokeCommand`` is 405 (live capture)."""
        return Response(status_code=405, headers={"request-id": new_id()})

    def _invoke(self, principal: Principal, request: Request) -> Answer:
        if self.breach and (fault := misfit(request.body)):
            self.breach(f"Exchange: {fault}")
        return invoke(self.tenant, self.base_url, principal, request)

    def _enter(self, http: HttpRequest) -> Principal:
        return authenticate(self.tenant, http.headers.get("authorization"))

    def _elsewhere(self, http: HttpRequest) -> Answer | None:
        """The redirect to the region's host that some tenants give (working clients; a switch), with a cookie."""
        host = str(self.tenant.switch("regional_host"))
        if not host or http.url.hostname == host:
            return None
        target = http.url.replace(scheme="https", hostname=host)
        cookie = f"exchangecookie={new_id().replace('-', '')}; path=/; secure; HttpOnly"
        return Answer(302, b"", {"location": str(target), "set-cookie": cookie, "request-id": new_id()})

    def _refuse(self, segment: str, headers: Mapping[str, str]) -> Answer | None:
        """What is wrong with the request before a command is looked at; both answers are unverified."""
        if not self.tenant.names_tenant(segment):
            return Answer(404, invalid_request(f"The tenant '{segment}' couldn't be found."))
        if not headers.get("content-type", "").lower().startswith("application/json"):
            return Answer(415, invalid_request("The content type must be application/json."))
        return None

    def _item(self, principal: Principal, item: Document) -> Document:
        parts = urlsplit(str(item.get("url", "")))
        headers = {str(name).lower(): str(value) for name, value in (item.get("headers") or {}).items()}
        path = unquote(parts.path)
        found = _COMMAND_PATH.fullmatch(path if path.startswith("/") else f"/{path}")
        refused: Answer | None = None
        try:
            if "authorization" in headers:
                principal = authenticate(self.tenant, headers["authorization"])
        except Unauthorized as unauthorized:
            refused = Answer(401, {}, {"x-ms-diagnostics": unauthorized.diagnostics})
        if refused is None and (found is None or str(item.get("method", "")).upper() != "POST"):
            refused = Answer(404, invalid_request(f"No command at '{item.get('method')} {item.get('url')}'."))
        if refused is None and found is not None:
            refused = self._refuse(found[1], {"content-type": "application/json"})
        if refused is None and found is not None:
            refused = self._invoke(principal, Request(found[1], parts.query, headers, item.get("body")))
        return _batched(str(item["id"]), refused or Answer(404, {}))


def _batched(key: str, answer: Answer) -> Document:
    body: Any = answer.body
    if isinstance(body, bytes):
        # What stands in a batch for the 403 that is no JSON is unverified.
        body = {"error": {"code": "Forbidden", "message": answer.headers.get("x-ms-diagnostics", "")}}
    headers = {name: value for name, value in answer.headers.items() if name != "content-encoding"}
    return {"id": key, "status": answer.status, "headers": {"content-type": CONTENT_TYPE, **headers}, "body": body}


def _batch_fault(items: Any) -> str:
    """Why a batch as a whole is refused (the limit: working client; texts unverified)."""
    if not isinstance(items, list) or not all(isinstance(item, dict) and item.get("id") for item in items):
        return "The batch request must have an array named requests whose elements have an id."
    if len(items) > BATCH_LIMIT:
        return f"The number of batch requests {len(items)} exceeds the maximum of {BATCH_LIMIT}."
    if len({str(item["id"]) for item in items}) < len(items):
        return "The ids of the requests in a batch must be unique."
    return ""


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _response(answer: Answer) -> Response:
    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.status, answer.headers)
    headers = {"content-type": CONTENT_TYPE, "request-id": new_id(), **answer.headers}
    return Response(json.dumps(answer.body), answer.status, headers)


def _unauthorized(refused: Unauthorized) -> Response:
    """401 with WWW-Authenticate and no body (live capture; the header's parameters: unverified)."""
    challenge = (
        'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", '
        'trusted_issuers="00000001-0000-0000-c000-000000000000@*", '
        'token_types="app_asserted_user_v1 service_asserted_app_v1", '
        'authorization_uri="https://login.windows.net/common/oauth2/authorize", error="invalid_token"'
    )
    headers = {"www-authenticate": challenge, "x-ms-diagnostics": refused.diagnostics, "request-id": new_id()}
    return Response(status_code=401, headers=headers)
