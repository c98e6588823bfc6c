# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph: tokens in, one operation at a time, Graph's envelope out.

v1.0 is what is simulated. ``/beta`` is answered by the same operations, since clients in the field use it for the same
objects; what only beta has is not there.

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
    entra_userinfo,
    graph_applications,
    graph_calendars,
    graph_credentials,
    graph_deleted,
    graph_directory,
    graph_grants,
    graph_groups,
    graph_licences,
    graph_mailboxes,
    graph_members,
    graph_policies,
    graph_roles,
    graph_service_principals,
    graph_users,
)
from .breaches import Breach, refuse
from .graph_batch import run_batch
from .graph_call import OPERATIONS, OPTIONS, Answer, Call, GraphError, Key, denied
from .graph_contract import breaches, error_breaches
from .graph_odata import metadata_level
from .graph_path import methods, resolve, segments
from .graph_permissions import check, of_mailbox
from .store import Document
from .tenant import Tenant
from .tokens import GRAPH_AUDIENCES, Principal, TokenRefused

# Importing them registers their operations.
RESOURCES = (
    graph_applications,
    graph_calendars,
    graph_credentials,
    graph_deleted,
    graph_directory,
    graph_grants,
    graph_groups,
    graph_licences,
    graph_mailboxes,
    graph_policies,
    graph_members,
    graph_roles,
    graph_service_principals,
    graph_users,
)
VERSIONS = ("/v1.0", "/beta")
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


def application(tenant: Tenant, urls: Mapping[str, str], breach: Breach = refuse) -> ASGIApp:
    """Graph for one tenant. ``breach`` is told of each answer that is not as Microsoft describes it."""
    service = _Graph(tenant, urls, breach)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            if request.url.path == entra_userinfo.PATH:
                answer = entra_userinfo.userinfo(tenant, request.headers.get("authorization"))
            else:
                answer = service.respond(request, await request.body())
            await answer(scope, receive, send)

    return serve


class _Graph:
    def __init__(self, tenant: Tenant, urls: Mapping[str, str], breach: Breach) -> None:
        self.tenant, self.urls, self.breach = tenant, urls, breach

    def respond(self, request: Request, content: bytes) -> Response:
        request_id = str(uuid.uuid4())
        headers = {name.lower(): value for name, value in request.headers.items()}
        ids = {"request-id": request_id, "client-request-id": headers.get("client-request-id", request_id)}
        method = "GET" if request.method == "HEAD" else request.method
        try:
            version, path, query = _target(request.scope["path"], request.scope["query_string"].decode("latin-1"))
            if method == "OPTIONS":
                return _options(path, headers, ids)
            principal = self._principal(headers.get("authorization"))
            if path.lower() == "/$batch" and method == "POST":
                answer = run_batch(_json(headers, content), lambda *item: self._item(principal, version, *item))
            else:
                with self.tenant.store.savepoint():
                    answer = self.run(principal, version, method, path, query, headers, _json(headers, content))
        except GraphError as error:
            answer = self._envelope(error, ids)
        return _http(answer, headers, ids)

    def _principal(self, authorization: str | None) -> Principal:
        try:
            return self.tenant.tokens.verify(authorization, GRAPH_AUDIENCES)
        except TokenRefused as refused:
            challenge = {"WWW-Authenticate": _CHALLENGE.format(self.urls["login"])}
            raise GraphError(
                401, "InvalidAuthenticationToken", _UNAUTHORISED[refused.reason], None, challenge
            ) from refused

    def _item(
        self, principal: Principal, version: str, method: str, url: str, headers: Mapping[str, str], body: Any
    ) -> Answer:
        """One item of a batch."""
        request_id = str(uuid.uuid4())
        try:
            path, _rest, options = url.partition("?")
            version, path, query = _target(f"{version}/{unquote(path).lstrip('/')}", options)
            with self.tenant.store.savepoint():
                answer = self.run(principal, version, method, path, query, headers, body)
        except GraphError as error:
            ids = {"request-id": request_id, "client-request-id": headers.get("client-request-id", request_id)}
            answer = self._envelope(error, ids)
        return answer

    def run(
        self,
        principal: Principal,
        version: str,
        method: str,
        path: str,
        query: dict[str, str],
        headers: Mapping[str, str],
        body: Any,
    ) -> Answer:
        """One operation: find it, check that the caller may, do it. Raises GraphError."""
        parts = segments(path)
        if parts and parts[0].lower() == "me":
            if principal.app_only:
                text = "/me request is only valid with delegated authentication flow."
                raise GraphError(400, "BadRequest", text)
            parts = ["users", Key(principal.user_id), *parts[1:]]
        target = resolve(method, parts)
        name, keys = target.operation, target.keys
        own = (
            bool(keys)
            and name.startswith(("GET /users/", "PATCH /users/", "POST /users/"))
            and self._own(principal, keys[0])
        )
        permissions = check(name, principal, own)
        if permissions is None and not of_mailbox(name):
            raise denied()
        call = Call(
            self.tenant,
            self.urls["graph"] + version,
            method,
            "/" + "/".join(parts),
            query,
            headers,
            body,
            principal,
            permissions or frozenset(),
            target.counting,
            target.cast,
        )
        answer = OPERATIONS[name](call, *keys)
        for breach in breaches(name, call, answer, metadata_level(headers) != "none"):
            self.breach(breach)
        return answer

    def _envelope(self, error: GraphError, ids: Mapping[str, str]) -> Answer:
        answer = envelope(error, ids)
        for breach in error_breaches(answer):
            self.breach(f"{error}: {breach}")
        return answer

    @staticmethod
    def _own(principal: Principal, key: str) -> bool:
        return not principal.app_only and key.lower() in (
            principal.user_id.lower(),
            principal.user_principal_name.lower(),
        )


def envelope(error: GraphError, ids: Mapping[str, str]) -> Answer:
    """The error as Graph's directory endpoints write it: ``innerError``, and a date without ``Z``."""
    inner = {
        "date": datetime.fromtimestamp(time.time(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),
        **ids,
    }
    body: Document = {"code": error.code, "message": error.message}
    if error.details:
        body["details"] = error.details
    return Answer(error.status, {"error": {**body, "innerError": inner}}, error.headers)


def _target(path: str, query: str) -> tuple[str, str, dict[str, str]]:
    """The version, the path after it, and the query options with lower-case names and no ``$``."""
    path = "/" + path.lstrip("/")
    version = next((one for one in VERSIONS if path.lower().startswith(one + "/")), None)
    if version is None:
        # Unverified wording.
        raise GraphError(400, "BadRequest", f"Invalid version: {path.strip('/').split('/')[0]}")
    options = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.startswith("$") and name[1:].lower() not in OPTIONS:
            # Unverified wording.
            raise GraphError(400, "BadRequest", f"The query parameter '{name}' is not supported.")
        options[name.lstrip("$").lower()] = value
    return version, path[len(version) :], options


def _options(path: str, headers: Mapping[str, str], ids: dict[str, str]) -> Response:
    """What a path takes; to a browser's preflight, that every origin may ask (headers: Microsoft docs on CORS)."""
    taken = methods(segments(path)) or ["GET"]
    allow = ",".join([*taken, *(["HEAD"] if "GET" in taken else []), "OPTIONS"])
    cors = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": allow,
        "Access-Control-Allow-Headers": headers.get("access-control-request-headers", "*"),
        "Access-Control-Expose-Headers": "ETag, Location, Preference-Applied, request-id, client-request-id, Retry-After",
        "Access-Control-Max-Age": "3600",
    }
    return Response(status_code=200, headers={**ids, "Allow": allow, **(cors if "origin" in headers else {})})


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


def _http(answer: Answer, asked: Mapping[str, str], ids: dict[str, str]) -> Response:
    headers = {
        "Cache-Control": "no-cache",
        "Strict-Transport-Security": "max-age=31536000",
        "Vary": "Accept-Encoding",
        **ids,
        "x-ms-ags-diagnostic": json.dumps(_DIAGNOSTIC, separators=(",", ":")),
        **({"Access-Control-Allow-Origin": "*"} if "origin" in asked else {}),
        **answer.headers,
    }
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    if isinstance(answer.body, str):
        return Response(answer.body, answer.status, headers, "text/plain")
    level = metadata_level(asked)
    media_type = (
        f"application/json; odata.metadata={level}; odata.streaming=true; IEEE754Compatible=false; charset=utf-8"
    )
    content = json.dumps(answer.body, ensure_ascii=False).encode()
    return Response(content, answer.status, {**headers, "OData-Version": "4.0", "Content-Type": media_type})
