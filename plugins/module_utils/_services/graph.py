# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph v1.0: requests, paging, batches and errors in Graph's words."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode, urlsplit

from .._transport.answer import Response, next_page
from .._transport.errors import BadAnswer, Busy, Conflict, Denied, MayHaveHappened, NotFound, ServiceError, Unsettled
from .._transport.http import Http, Request
from .batches import BatchRefused, Call, Together
from .graph_operations import OPERATIONS, Operation
from .shapes import checked, of_path

if TYPE_CHECKING:
    from .._transport.auth import Tokens
    from .write import Write

BATCH_SIZE = 20
PAGE_LIMIT = 1000
Purpose = Literal["", "refer"]
"""What a read is for, where that takes more rights than to read its path."""


def key(value: str) -> str:
    """A value as it stands in a path; within quotes, an apostrophe is doubled."""
    return quote(value.replace("'", "''") if "'" in value else value, safe="@'")


def literal(value: str) -> str:
    """A string literal of a filter."""
    return "'" + value.replace("'", "''") + "'"


class Graph:
    """The client.

    Args:
        base_url: e.g. ``https://graph.microsoft.com``.
        resource: what tokens are asked for.
        together: what its reads share with those of other services.
    """

    batch_size = BATCH_SIZE

    def __init__(self, http: Http, tokens: Tokens, base_url: str, resource: str, together: Together) -> None:
        self._http, self._tokens, self._resource, self._together = http, tokens, resource, together
        self._base, self._token = f"{base_url}/v1.0", tokens.provider(resource)

    # --- reads --------------------------------------------------------------------------------------------------------

    def get(self, path: str, tried: str, purpose: Purpose = "", **query: str) -> dict[str, Any]:
        """One object.

        Args:
            purpose: what it is for, for the advice of a 403.
            query: OData options without their dollar sign.

        Raises:
            NotFound, Denied, ServiceError
        """
        found: dict[str, Any] = self._together.ask(self, self._call(path, tried, purpose, query, many=False))
        return found

    def find(self, path: str, tried: str, purpose: Purpose = "", **query: str) -> dict[str, Any] | None:
        """One object as ``get`` returns it, or None when the service says that it is not there."""
        try:
            return self.get(path, tried, purpose, **query)
        except NotFound:
            return None

    def collect(self, path: str, tried: str, **query: str) -> list[dict[str, Any]]:
        """Every object of a collection, page after page. Pages must come from the service itself."""
        found: list[dict[str, Any]] = self._together.ask(self, self._call(path, tried, "", query, many=True))
        return found

    def get_many(self, paths: Sequence[str], tried: str) -> list[dict[str, Any] | None]:
        """Objects by path, in batches; None for those that are not there."""
        return self._together.of(*(lambda path=path: self.find(path, tried) for path in paths))

    # --- one read, or a batch of them ---------------------------------------------------------------------------------

    def alone(self, call: Call) -> Any:
        """What a read gives, sent by itself. Raises as get does."""
        return self._pages(call, None)

    def batched(self, calls: Sequence[Call], tried: str) -> Mapping[str, Mapping[str, Any]]:
        """Send reads in one batch. Raises BatchRefused, ServiceError."""
        requests = [
            {"id": str(index), "method": "GET", "url": call.content[0].removeprefix(self._base)}
            for index, call in enumerate(calls)
        ]
        headers = {"client-request-id": str(uuid.uuid4())}
        request = Request("POST", f"{self._base}/$batch", tried, headers, {"requests": requests})
        response = self._http.send(request, self._token)
        if response.status >= 400:
            raise BatchRefused
        return response.batch(tried)

    def value(self, call: Call, response: Response) -> Any:
        """What a read gives, from its item of a batch. Raises as get does."""
        return self._pages(call, response)

    def trusts(self, response: Response) -> bool:
        """Whether an item is an answer as it would be alone; a token that is refused has to be renewed first."""
        return response.status >= 200 and response.status != 401

    def lasts(self, response: Response) -> bool:
        """Never: Graph's transient statuses mean what they say."""
        return False

    def _call(self, path: str, tried: str, purpose: Purpose, query: Mapping[str, str], many: bool) -> Call:
        url = self._url(path, query)
        return Call(tried, (url, purpose, many), (url, many))

    def _pages(self, call: Call, response: Response | None) -> Any:
        """The object of a read, or the objects of all pages. The first answer may be there already."""
        url, purpose, many = call.content
        path, found, seen = urlsplit(url.removeprefix(self._base)).path, list[dict[str, Any]](), set[str]()
        while url and len(seen) < PAGE_LIMIT:
            seen.add(url)
            if response is None:
                response = self._send("GET", url, call.tried, what=purpose)
            elif response.status >= 400:
                raise self._refusal(url, call.tried, response, purpose)
            body, response = response.document(call.tried), None
            if not many:
                return checked(body, of_path(path), call.tried)
            if not isinstance(body.get("value"), list):
                raise BadAnswer(call.tried, 200, text="the answer is no collection")
            found += [checked(one, of_path(path), call.tried) for one in body["value"]]
            url = next_page(body, self._base, seen, call.tried)
        if not url:
            return found
        raise ServiceError(call.tried, 200, text=f"the collection has more than {PAGE_LIMIT} pages")

    # --- writes -------------------------------------------------------------------------------------------------------

    def perform(self, write: Write, body: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a write; the answer, {} when it has none.

        Args:
            write: the step, resolved; ``body`` is its values with secrets in clear.

        Raises:
            NotFound, Unsettled, Conflict, Denied, MayHaveHappened, ServiceError
        """
        operation = OPERATIONS[write.operation]
        url = self._base + _path(operation, write.target)
        response = self._send(
            operation.method,
            url,
            write.summary,
            self._body(operation, body) or None,
            operation.headers,
            operation.repeatable,
            write.operation,
        )
        if operation.grants:
            self._tokens.forget()
        path, answer = url.removeprefix(self._base), response.json()
        if answer is None and operation.read_back:
            answer = self.get(path, write.summary)
        try:
            return checked(answer, of_path(path), write.summary) if answer else {}
        except BadAnswer as error:
            # It was done; what it made is found by reading.
            raise MayHaveHappened(write.summary, response.status, text=error.text) from error

    def render(self, write: Write, body: Mapping[str, Any]) -> dict[str, Any]:
        """The write as the HTTP request it will be; ``body`` is its values fit for printing."""
        operation = OPERATIONS[write.operation]
        request = {"method": operation.method, "path": "/v1.0" + _path(operation, write.target)}
        return {**request, "body": self._body(operation, body)} if body else request

    def removes(self, write: Write) -> bool:
        """Whether the write is done as well when its target is not there."""
        return OPERATIONS[write.operation].method == "DELETE" or write.operation == "remove_password"

    # --- inside -------------------------------------------------------------------------------------------------------

    def _body(self, operation: Operation, values: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"@odata.id": f"{self._base}/directoryObjects/{values['id']}"} if operation.reference else values

    def _url(self, path: str, query: Mapping[str, str]) -> str:
        options = urlencode({f"${name}": value for name, value in query.items()}, quote_via=quote)
        joint = "&" if "?" in path else "?"
        return f"{self._base}{path}{joint + options if options else ''}"

    def _send(
        self,
        method: str,
        url: str,
        tried: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        what: str = "",
    ) -> Response:
        headers = {"client-request-id": str(uuid.uuid4()), **(headers or {})}
        response = self._http.send(Request(method, url, tried, headers, body, repeatable), self._token)
        if response.status >= 400:
            raise self._refusal(url, tried, response, what)
        return response

    def _refusal(self, url: str, tried: str, response: Response, what: str) -> ServiceError:
        """A refusal as an exception, with what the caller must be allowed."""

        def rights() -> str:
            from .graph_rights import to_say

            return to_say(what, url.removeprefix(self._base), self._tokens.claims(self._resource))

        return _error(tried, response, rights)


def _path(operation: Operation, target: Mapping[str, Any]) -> str:
    return operation.path.format(**{name: key(str(value)) for name, value in target.items()})


# Texts that say "not replicated yet", as clients in the field found them; the second is also the true answer to a caller
# that may only manage its own applications.
_UNSETTLED = (
    "does not reference a valid application object",
    "When using this permission, the backing application of the service principal",
    "Not a valid reference update",
    "does not exist or one of its queried reference-property objects are not present",
    "Permission being assigned was not found on application",
)
_CONFLICT = (
    "already exist",
    "is already in use",
    "conflicting object",
)


def _error(tried: str, response: Response, rights: Callable[[], str]) -> ServiceError:
    """Graph's error envelope as an exception; ``rights`` gives what to say when the caller may not."""
    body = response.json()
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    message = error.get("message") or response.content[:300].decode("utf-8", "replace")
    text = str(message.get("value", message) if isinstance(message, dict) else message)
    details = error.get("details")
    for detail in details if isinstance(details, list) else []:
        more = str(detail.get("message") or "") if isinstance(detail, dict) else ""
        if more not in text:
            text += f" {more}"
    code = str(error.get("code") or "")
    kind: type[ServiceError] = ServiceError
    words = ""
    if code == "Directory_ConcurrencyViolation":
        kind = Busy
    elif (response.status == 404 and code) or "No credentials found to be removed" in text:
        # A 404 without Graph's own code may be a proxy's, or mean that the address is wrong.
        kind = NotFound
    elif any(mark in text for mark in _UNSETTLED):
        kind = Unsettled
        if response.status == 403:
            words = f"If the application is not new: {rights()}"
    elif response.status in (401, 403):
        kind = Denied
        words = rights()
    elif response.status in (400, 409) and any(mark in text for mark in _CONFLICT):
        kind = Conflict
    return kind(tried, response.status, code, text, response.request_id, words)
