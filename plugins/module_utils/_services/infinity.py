# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Pexip Management Node's management API: requests, paging, schemas and errors in its words.

Every address ends in a slash, and nothing is ever deleted but one object by its number: a DELETE on a list would remove
every object in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from .._transport.errors import Conflict, Denied, NotFound, ServiceError, SignInFailed
from .._transport.http import Http, Request

if TYPE_CHECKING:
    from .._transport.answer import Response
    from .._transport.node_auth import NodeSignIn
    from .write import Write

CONFIGURATION = "/api/admin/configuration/v1"
STATUS = "/api/admin/status/v1"
PAGE_SIZE = 100
PAGE_LIMIT = 1000
# What a GET returns and nobody else needs to know.
HIDDEN = frozenset(
    {
        "private_key",
        "oauth_refresh_token",
        "oauth_state",
        "password",
        "oauth_client_secret",
        "personal_vmr_oauth_client_secret",
    }
)
_LOCATION = re.compile(r"/(\d+)/?$")


class Operation(NamedTuple):
    """One kind of write; ``path`` has the number of the object in braces, where there is one."""

    method: str
    path: str


OPERATIONS: Mapping[str, Operation] = {
    "create_connector": Operation("POST", "/ms_exchange_connector/"),
    "update_connector": Operation("PATCH", "/ms_exchange_connector/{connector:d}/"),
    "delete_connector": Operation("DELETE", "/ms_exchange_connector/{connector:d}/"),
    "create_domain": Operation("POST", "/exchange_domain/"),
    "delete_domain": Operation("DELETE", "/exchange_domain/{domain:d}/"),
}


class Infinity:
    """The client.

    Args:
        base_url: the node's address, without a slash at its end.
        sign_in: who asks.
    """

    def __init__(self, http: Http, sign_in: NodeSignIn, base_url: str) -> None:
        self._http, self._sign_in, self._base = http, sign_in, base_url

    # --- reads --------------------------------------------------------------------------------------------------------

    def fields(self, resource: str) -> dict[str, dict[str, Any]]:
        """The fields of a resource, as this node's version has them, by name."""
        tried = f"read the schema of {resource}"
        fields = self._get(f"{CONFIGURATION}/{resource}/schema/", tried).get("fields")
        if not isinstance(fields, dict) or not all(isinstance(one, dict) for one in fields.values()):
            raise ServiceError(tried, 200, text="the answer holds no fields", advice=_ADDRESS_ADVICE)
        return fields

    def connectors(self) -> list[dict[str, Any]]:
        """Every integration, without the secrets that a GET returns; ``signed_in`` says whether there is a refresh token."""
        found = self._collect(f"{CONFIGURATION}/ms_exchange_connector/", "list the integrations with Exchange")
        return [
            {name: value for name, value in one.items() if name not in HIDDEN}
            | {"signed_in": bool(one.get("oauth_refresh_token"))}
            for one in found
        ]

    def domains(self) -> list[dict[str, Any]]:
        """Every Exchange metadata domain, of any integration."""
        return self._collect(f"{CONFIGURATION}/exchange_domain/", "list the Exchange metadata domains")

    def scheduler(self, connector: int) -> dict[str, Any] | None:
        """The status of an integration's scheduler; None when the node does not show it to the caller."""
        try:
            found = self._collect(f"{STATUS}/exchange_scheduler/", "read the status of the schedulers")
        except (Denied, NotFound):
            return None
        return next((one for one in found if one.get("exchange_connector_id") == connector), None)

    def last_failure(self) -> dict[str, Any] | None:
        """The newest operation of any scheduler that failed; None for none, and when the node does not show them.

        Their list grows, and nothing says that it can be sorted: its end is read.
        """
        path, tried = f"{STATUS}/scheduling_operation/?limit={PAGE_SIZE}", "read what the schedulers did"
        try:
            body = self._get(path, tried)
            total = int((body.get("meta") or {}).get("total_count") or 0)
            if total > PAGE_SIZE:
                body = self._get(f"{path}&offset={total - PAGE_SIZE}", tried)
            failed = [one for one in body.get("objects") or () if one.get("success") is False]
        except (ServiceError, AttributeError, TypeError, ValueError):
            return None
        # Of those without a time, the last one of the list.
        return max(reversed(failed), key=lambda one: str(one.get("creation_time") or ""), default=None)

    # --- writes -------------------------------------------------------------------------------------------------------

    def perform(self, write: Write, body: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a write; what was made is answered as its ``id`` and ``resource_uri``.

        Raises:
            NotFound, Conflict, Denied, MayHaveHappened, ServiceError
        """
        operation = OPERATIONS[write.operation]
        repeatable = operation.method != "POST"
        path = _path(operation, write.target)
        response = self._send(operation.method, path, write.summary, dict(body) or None, repeatable)
        made = _LOCATION.search(urlsplit(response.headers.get("location", "")).path) if response.status == 201 else None
        return {"id": int(made[1]), "resource_uri": f"{path}{made[1]}/"} if made else {}

    def render(self, write: Write, body: Mapping[str, Any]) -> dict[str, Any]:
        """The write as the HTTP request it will be; ``body`` is its values fit for printing."""
        operation = OPERATIONS[write.operation]
        request = {"method": operation.method, "path": _path(operation, write.target)}
        return {**request, "body": dict(body)} if body else request

    def removes(self, write: Write) -> bool:
        """Whether the write is done as well when its target is not there."""
        return OPERATIONS[write.operation].method == "DELETE"

    # --- inside -------------------------------------------------------------------------------------------------------

    def _get(self, path: str, tried: str) -> dict[str, Any]:
        body = self._send("GET", path, tried).json()
        if not isinstance(body, dict):
            raise ServiceError(tried, 200, text="the answer is no JSON object", advice=_ADDRESS_ADVICE)
        return body

    def _collect(self, path: str, tried: str) -> list[dict[str, Any]]:
        """Every object of a list, page after page. Pages must come from the same list."""
        address, found = f"{path}?limit={PAGE_SIZE}", list[dict[str, Any]]()
        for _page in range(PAGE_LIMIT):
            body = self._get(address, tried)
            objects, meta = body.get("objects"), body.get("meta")
            if not isinstance(objects, list) or not isinstance(meta, dict):
                raise ServiceError(tried, 200, text="the answer is no list", advice=_ADDRESS_ADVICE)
            found += objects
            if not meta.get("next"):
                return found
            following = urlsplit(urljoin(self._base + address, str(meta["next"])))
            if f"{following.scheme}://{following.netloc}" != self._base or following.path != path:
                raise ServiceError(tried, 200, text=f"the next page is elsewhere: {following.netloc}{following.path}")
            address = f"{path}?{following.query}"
        raise ServiceError(tried, 200, text=f"the list has more than {PAGE_LIMIT} pages")

    def _send(
        self, method: str, path: str, tried: str, body: dict[str, Any] | None = None, repeatable: bool = True
    ) -> Response:
        request = Request(method, self._base + path, tried, {}, body, repeatable, scheme=self._sign_in.scheme)
        response = self._http.send(request, self._sign_in)
        if not 200 <= response.status < 300:
            raise _error(tried, response, one_object=method in ("PATCH", "DELETE"))
        return response


def _path(operation: Operation, target: Mapping[str, Any]) -> str:
    """The path of a write. A target that is no number does not make one."""
    return CONFIGURATION + operation.path.format(**target)


_ADDRESS_ADVICE = "Check that node_url is a Pexip Management Node, and what answers in its place."


def _error(tried: str, response: Response, one_object: bool) -> ServiceError:
    """The node's answer as an exception. Only an object that was asked for by its number can be "not found"."""
    text, status = _words(response), response.status
    if status == 401:
        advice = "Check node_username and node_password, or use an OAuth2 client; the node may have Basic switched off."
        return SignInFailed(tried, status, text=text, advice=advice)
    if status == 403:
        return Denied(
            tried, status, text=text, advice="The account's role on the Management Node lacks the permission."
        )
    if status == 404 and one_object:
        return NotFound(tried, status, text=text)
    if status == 404:
        advice = f"{_ADDRESS_ADVICE} A version without the Secure Scheduler for Exchange does not know it either."
        return ServiceError(tried, status, text=text, advice=advice)
    if status == 400 and "already exists" in text:
        return Conflict(tried, status, text=text)
    return ServiceError(tried, status, text=text)


def _words(response: Response) -> str:
    """What the node says is wrong: by field, by resource and field, or under one of its other names."""
    body = response.json()
    if isinstance(body, dict):
        for name in ("error_description", "error", "message", "detail", "details"):
            if isinstance(body.get(name), str):
                return str(body[name])
        if len(body) == 1 and isinstance(inner := next(iter(body.values())), dict):
            body = inner
        found = [
            f"{name}: {' '.join(map(str, text)) if isinstance(text, list) else text}" for name, text in body.items()
        ]
        return "; ".join(found)
    return response.content[:300].decode("utf-8", "replace") or "no text"
