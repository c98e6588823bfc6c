# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph v1.0: tokens in, one operation at a time, Graph's envelope out.

The operations themselves register in the ``graph_*`` modules. Sources of facts are named where they are used.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from . import (
    graph_applications,
    graph_credentials,
    graph_deleted,
    graph_directory,
    graph_grants,
    graph_groups,
    graph_licences,
    graph_mailboxes,
    graph_roles,
    graph_service_principals,
    graph_users,
)
from .graph_batch import run_batch
from .graph_call import OPERATIONS, Answer, Call, GraphError, Key, denied, match, segments
from .graph_permissions import check
from .store import Document
from .tenant import Tenant
from .tokens import GRAPH_AUDIENCES, Principal, TokenRefused

# Importing them registers their operations.
RESOURCES = (
    graph_applications,
    graph_credentials,
    graph_deleted,
    graph_directory,
    graph_grants,
    graph_groups,
    graph_licences,
    graph_mailboxes,
    graph_roles,
    graph_service_principals,
    graph_users,
)
VERSION = "/v1.0"
_UNAUTHORISED = {
    "missing": "Access token is empty.",
    "expired": "Lifetime validation failed, the token is expired.",
    "malformed": "IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS or JWE "
    "Compact Serialization Format. (JWS): 'EncodedHeader.EncodedPayload.EncodedSignature'. (JWE): "
    "'EncodedProtectedHeader.EncodedEncryptedKey.EncodedInitializationVector.EncodedCiphertext.EncodedAuthenticationTag'.",
    # Unverified wordings.
    "audience": "Access token validation failure. Invalid audience.",
    "signature": "Access token validation failure. Invalid signature.",
}
_CHALLENGE = (
    'Bearer realm="", authorization_uri="{}/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"'
)
_DIAGNOSTIC = {
    "ServerInfo": {
        "DataCenter": "West Europe",
        "Slice": "E",
        "Ring": "5",
        "ScaleUnit": "003",
        "RoleInstance": "AM2PEPF0001",
    }
}


def application(tenant: Tenant, urls: Mapping[str, str]) -> ASGIApp:
    """Graph for one tenant."""
    service = _Graph(tenant, urls)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            body = await request.body()
            await service.respond(request, body)(scope, receive, send)

    return serve


class _Graph:
    def __init__(self, tenant: Tenant, urls: Mapping[str, str]) -> None:
        self.tenant, self.urls = tenant, urls
        self.base = urls["graph"] + VERSION

    def respond(self, request: Request, content: bytes) -> Response:
        request_id = str(uuid.uuid4())
        headers = {name.lower(): value for name, value in request.headers.items()}
        client_request_id = headers.get("client-request-id", request_id)
        ids = {"request-id": request_id, "client-request-id": client_request_id}
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            return Response(status_code=200, headers={**ids, "Allow": "GET,POST,PATCH,DELETE,OPTIONS"})
        try:
            principal = self._principal(headers.get("authorization"))
            path, query = self._target(request.scope["path"], request.scope["query_string"].decode("latin-1"))
            if path.lower() == "/$batch" and method == "POST":
                answer = run_batch(_json(headers, content), lambda *item: self._item(principal, *item))
            else:
                with self.tenant.store.savepoint():
                    answer = self.run(principal, method, path, query, headers, _json(headers, content))
        except GraphError as error:
            answer = envelope(error, request_id, client_request_id)
        return _http(answer, ids)

    def _principal(self, authorization: str | None) -> Principal:
        try:
            return self.tenant.tokens.verify(authorization, GRAPH_AUDIENCES)
        except TokenRefused as refused:
            challenge = {"WWW-Authenticate": _CHALLENGE.format(self.urls["login"])}
            raise GraphError(
                401, "InvalidAuthenticationToken", _UNAUTHORISED[refused.reason], None, challenge
            ) from refused

    @staticmethod
    def _target(path: str, query: str) -> tuple[str, dict[str, str]]:
        """The path after the version, and the query options with lower-case names and no ``$``."""
        path = "/" + path.lstrip("/")
        if not path.lower().startswith(VERSION + "/"):
            # Unverified wording.
            raise GraphError(400, "BadRequest", f"Invalid version: {path.strip('/').split('/')[0]}")
        options = {name.lstrip("$").lower(): value for name, value in parse_qsl(query, keep_blank_values=True)}
        return path[len(VERSION) :], options

    def _item(self, principal: Principal, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        """One item of a batch."""
        request_id = str(uuid.uuid4())
        try:
            path, _rest, options = url.partition("?")
            path, query = self._target(VERSION + "/" + unquote(path).lstrip("/"), options)
            with self.tenant.store.savepoint():
                answer = self.run(principal, method, path, query, headers, body)
        except GraphError as error:
            answer = envelope(error, request_id, headers.get("client-request-id", request_id))
        return answer

    def run(
        self, principal: Principal, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: Any
    ) -> Answer:
        """One operation: find it, check that the caller may, do it. Raises GraphError."""
        parts = segments(path)
        me = bool(parts) and parts[0].lower() == "me"
        if me:
            if principal.app_only:
                text = "/me request is only valid with delegated authentication flow."
                raise GraphError(400, "BadRequest", text)
            parts = ["users", Key(principal.user_id), *parts[1:]]
        found = match(method, parts)
        if found is None and parts and parts[-1].startswith("microsoft.graph."):
            found = match(method, [*parts[:-1], parts[-1].removeprefix("microsoft.graph.")])
        if found is None:
            raise _unknown_segment(parts)
        name, keys = found[0], found[1]
        own = (
            bool(keys)
            and name.startswith(("GET /users/", "PATCH /users/", "POST /users/"))
            and self._own(principal, keys[0])
        )
        permissions = check(name, principal, own)
        if permissions is None:
            raise denied()
        tidy = "/" + "/".join(parts)
        call = Call(self.tenant, self.base, method, tidy, query, headers, body, principal, permissions)
        return OPERATIONS[name](call, *keys)

    @staticmethod
    def _own(principal: Principal, key: str) -> bool:
        return not principal.app_only and key.lower() in (
            principal.user_id.lower(),
            principal.user_principal_name.lower(),
        )


def envelope(error: GraphError, request_id: str, client_request_id: str) -> Answer:
    """The error as Graph's directory endpoints write it: ``innerError``, and a date without ``Z``."""
    inner = {
        "date": datetime.fromtimestamp(time.time(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": client_request_id,
    }
    body: Document = {"code": error.code, "message": error.message}
    if error.details:
        body["details"] = error.details
    return Answer(error.status, {"error": {**body, "innerError": inner}}, error.headers)


def _unknown_segment(parts: list[str]) -> GraphError:
    for count in range(1, len(parts) + 1):
        prefixes = (name.partition(" ")[2].strip("/").split("/")[:count] for name in OPERATIONS)
        if not any(
            len(prefix) == count
            and all(
                want.startswith("{") or want.lower() == part.lower()
                for want, part in zip(prefix, parts[:count], strict=True)
            )
            for prefix in prefixes
        ):
            return GraphError(400, "BadRequest", f"Resource not found for the segment '{parts[count - 1]}'.")
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{parts[-1] if parts else ''}'.")


def _json(headers: Mapping[str, str], content: bytes) -> Any:
    if not content.strip():
        return None
    content_type = headers.get("content-type", "")
    if not content_type:
        text = "Write requests (excluding DELETE) must contain the Content-Type header declaration."
        raise GraphError(400, "BadRequest", text)
    if "json" not in content_type.lower():
        # Unverified wording.
        raise GraphError(415, "UnsupportedMediaType", f"The content type '{content_type}' is not supported.")
    try:
        return json.loads(content)
    except ValueError as error:
        text = (
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid "
            "JSON format."
        )
        raise GraphError(400, "BadRequest", text) from error


def _http(answer: Answer, ids: dict[str, str]) -> Response:
    headers = {
        "Cache-Control": "no-cache",
        "Strict-Transport-Security": "max-age=31536000",
        "Vary": "Accept-Encoding",
        **ids,
        "x-ms-ags-diagnostic": json.dumps(_DIAGNOSTIC, separators=(",", ":")),
        **answer.headers,
    }
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    if isinstance(answer.body, str):
        return Response(answer.body, answer.status, headers, "text/plain")
    media_type = (
        "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8"
    )
    content = json.dumps(answer.body, ensure_ascii=False).encode()
    return Response(content, answer.status, {**headers, "OData-Version": "4.0", "Content-Type": media_type})
