# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange Online's admin REST interface: cmdlets without PowerShell.

It is the interface that Microsoft's own module uses (``adminapi/beta/<tenant>/InvokeCommand``). Most cmdlets are not
documented for it; everything that the collection knows about it stands in this file.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._transport.answer import Response, next_page
from .._transport.errors import BadAnswer, Busy, Conflict, Denied, MayHaveHappened, NotFound, ServiceError
from .._transport.http import Http, Request
from .batches import BatchRefused, Call, Together, settle
from .powershell import command_line
from .shapes import EXCHANGE, checked

if TYPE_CHECKING:
    from .._transport.auth import Tokens
    from .write import Write

BATCH_SIZE = 10
PAGE_SIZE = 1000
PAGE_LIMIT = 1000
# The system mailbox that app-only callers anchor their requests to, so that a create and the next call meet one backend.
ANCHOR = "APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{tenant}"
_READS = ("Get-", "Test-")
REPEATABLE_VERBS = ("Get", "Set", "Test", "Remove")


class Exchange:
    """The client.

    Args:
        base_url: e.g. ``https://outlook.office365.com``.
        resource: what tokens are asked for.
        tenant: GUID or domain of the tenant.
        together: what its reads share with those of other services.
    """

    batch_size = BATCH_SIZE

    def __init__(
        self, http: Http, tokens: Tokens, base_url: str, resource: str, tenant: str, together: Together
    ) -> None:
        self._http, self._tokens, self._resource, self._together = http, tokens, resource, together
        self._token = tokens.provider(resource)
        self._base = f"{base_url}/adminapi/beta/{tenant}"
        self._headers = {
            "X-AnchorMailbox": ANCHOR.format(tenant=tenant),
            "connection-id": str(uuid.uuid4()),
            "X-ResponseFormat": "json",
        }

    def invoke(self, cmdlet: str, parameters: Mapping[str, Any], tried: str) -> list[dict[str, Any]]:
        """The objects a cmdlet returns, page after page, without the interface's annotations.

        Raises:
            NotFound: the service says that an object named in the parameters is not there.
            Conflict, Busy, Denied, MayHaveHappened, ServiceError
        """
        call = _call(cmdlet, parameters, tried)
        found: list[dict[str, Any]] = self._together.ask(self, call) if cmdlet.startswith(_READS) else self.alone(call)
        return found

    def find(self, cmdlet: str, parameters: Mapping[str, Any], tried: str) -> dict[str, Any] | None:
        """The one object a Get- cmdlet returns for an Identity, or None when the service says that it is not there.

        Raises ServiceError when several objects answer to the identity.
        """
        _check_identity(parameters, tried)
        try:
            found = self.invoke(cmdlet, parameters, tried)
        except NotFound:
            return None
        if len(found) > 1:
            names = ", ".join(str(one.get("Identity") or one.get("Name")) for one in found)
            raise ServiceError(tried, 200, text=f"several objects answer to it: {names}", advice="Name one exactly.")
        return found[0] if found else None

    def find_many(self, calls: Sequence[tuple[str, Mapping[str, Any]]], tried: str) -> list[dict[str, Any] | None]:
        """Like find, for several calls in batches of ten."""
        return self._together.of(
            *(lambda cmdlet=cmdlet, given=given: self.find(cmdlet, given, tried) for cmdlet, given in calls)
        )

    def perform(self, write: Write, values: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a write; the object it returned, {} when it returned none. Raises as invoke does."""
        found = self.invoke(write.operation, _parameters(write, values), write.summary)
        return found[0] if found else {}

    def perform_many(self, writes: Sequence[tuple[Write, Mapping[str, Any]]]) -> list[dict[str, Any] | ServiceError]:
        """Carry out writes that do not depend on each other, in batches; for each what ``perform`` returns, or raises."""
        calls = [_call(write.operation, _parameters(write, values), write.summary) for write, values in writes]
        outcomes = settle(self, calls, self._http.deadline)
        return [one if isinstance(one, ServiceError) else (one[0] if one else {}) for one in outcomes]

    # --- one call, or a batch of them ---------------------------------------------------------------------------------

    def alone(self, call: Call) -> list[dict[str, Any]]:
        """What a call returns, sent by itself. Raises as invoke does."""
        return self._pages(call, None)

    def batched(self, calls: Sequence[Call], tried: str) -> Mapping[str, Mapping[str, Any]]:
        """Send calls in one batch. Raises BatchRefused, ServiceError."""
        requests = [
            {
                "id": str(index),
                "method": "POST",
                "url": f"{self._base}/InvokeCommand",
                "headers": {**self._command_headers(call), "Content-Type": "application/json"},
                "body": _body(call),
            }
            for index, call in enumerate(calls)
        ]
        headers = {**self._headers, "Prefer": "odata.continue-on-error", "client-request-id": str(uuid.uuid4())}
        repeatable = all(call.repeatable for call in calls)
        request = Request("POST", f"{self._base}/$batch", tried, headers, {"requests": requests}, repeatable)
        response = self._http.send(request, self._token)
        if response.status >= 400:
            raise BatchRefused
        try:
            return response.batch(tried)
        except BadAnswer as error:
            if repeatable:
                raise
            raise MayHaveHappened(tried, response.status, text=error.text) from error

    def value(self, call: Call, response: Response) -> list[dict[str, Any]]:
        """What a call returns, from its item of a batch. Raises as invoke does."""
        return self._pages(call, response)

    def trusts(self, response: Response) -> bool:
        """Whether an item is an answer as it would be alone; what a batch makes of a refusal of rights is not known."""
        return response.status >= 200 and response.status not in (401, 403)

    def lasts(self, response: Response) -> bool:
        """Whether a status that means "later" means "never" here."""
        return _AMBIGUOUS.encode() in response.content

    def _command_headers(self, call: Call) -> dict[str, str]:
        return {**self._headers, "X-CmdletName": call.content[0], "Prefer": f"odata.maxpagesize={PAGE_SIZE}"}

    def _pages(self, call: Call, response: Response | None) -> list[dict[str, Any]]:
        """The objects of a call, of which the first answer may be there already."""
        cmdlet, _parameters = call.content
        url, found = f"{self._base}/InvokeCommand", list[dict[str, Any]]()
        seen = set[str]()
        while url and len(seen) < PAGE_LIMIT:
            seen.add(url)
            if response is None:
                headers = {**self._command_headers(call), "client-request-id": str(uuid.uuid4())}
                request = Request("POST", url, call.tried, headers, _body(call), call.repeatable, _AMBIGUOUS)
                response = self._http.send(request, self._token)
            if response.status >= 400:
                raise _error(call.tried, response, lambda: self._rights(cmdlet))
            try:
                # Cmdlets without output answer with an empty body; for one that reads, that is no answer.
                answer = response.document(call.tried) if response.content or cmdlet.startswith(_READS) else {}
                found += _objects(answer, cmdlet, call.tried)
                url = next_page(answer, self._base, seen, call.tried)
            except BadAnswer as error:
                if call.repeatable:
                    raise
                raise MayHaveHappened(call.tried, response.status, text=error.text) from error
            response = None
        if not url:
            return found
        raise ServiceError(call.tried, 200, text=f"{cmdlet} returned more than {PAGE_LIMIT} pages")

    def render(self, write: Write, values: Mapping[str, Any]) -> dict[str, Any]:
        """The write as the HTTP request it will be, and as the cmdlet an administrator would have typed."""
        return {
            "method": "POST",
            "path": "/adminapi/beta/" + self._base.rpartition("/")[2] + "/InvokeCommand",
            "body": {
                "CmdletInput": {"CmdletName": write.operation, "Parameters": _parameters(write, values, in_full=False)}
            },
            "cmdlet": command_line(write.operation, {**write.target, **values}),
        }

    def removes(self, write: Write) -> bool:
        """Whether the write is done as well when its target is not there."""
        return write.operation.startswith("Remove-")

    def _rights(self, cmdlet: str) -> str:
        """What to say when the caller may not run a cmdlet."""
        from .._granted import Granted, advice
        from .._rights import EXCHANGE_ONLINE, of_cmdlet

        granted = Granted.of(self._tokens.claims(self._resource), EXCHANGE_ONLINE)
        return f"For {cmdlet}: {advice(of_cmdlet(cmdlet), granted)}"


def _call(cmdlet: str, parameters: Mapping[str, Any], tried: str) -> Call:
    """A command; two are the same when their cmdlets and parameters are."""
    mark = (cmdlet, json.dumps(parameters, sort_keys=True, default=repr))
    return Call(tried, (cmdlet, dict(parameters)), mark, cmdlet.partition("-")[0] in REPEATABLE_VERBS)


def _body(call: Call) -> dict[str, Any]:
    cmdlet, parameters = call.content
    return {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}


def _parameters(write: Write, values: Mapping[str, Any], in_full: bool = True) -> dict[str, Any]:
    """A write's parameters as the interface takes them, which wants some types named.

    A mapping, such as {"Add": [..]} for a list, is a hash table. Bytes are only counted unless ``in_full``.
    """

    def typed(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {"@odata.type": "#Exchange.GenericHashTable", **value}
        if isinstance(value, bytes):
            data = base64.b64encode(value).decode() if in_full else f"({len(value)} bytes)"
            return {"@odata.type": "#Exchange.ByteArrayType", "Data": data}
        return value

    return {name: typed(value) for name, value in {**write.target, **values}.items()}


def truth(value: Any) -> bool:
    """A boolean of the interface, which some tenants give as the string "True" or "False"."""
    return str(value).lower() == "true"


def _check_identity(parameters: Mapping[str, Any], tried: str) -> None:
    """Raise ServiceError for an identity that Exchange would take for a pattern; one object is asked for."""
    if "*" in str(parameters.get("Identity")):
        text = f"an asterisk in {parameters['Identity']} stands for anything"
        raise ServiceError(tried, text=text, advice="Give the whole name, address or id.")


def _objects(answer: Any, cmdlet: str, tried: str) -> list[dict[str, Any]]:
    """The objects of an answer; absent, null and empty all mean none. Raises BadAnswer for what cannot be a cmdlet's."""
    rows = (answer.get("value") or answer.get("Value") or []) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise BadAnswer(tried, 200, text="the answer holds no list of objects")
    shape = EXCHANGE.get(cmdlet, {})
    return [
        {
            name: value
            for name, value in checked(row, shape, tried).items()
            if "@odata." not in name and "@data." not in name
        }
        for row in rows
    ]


# Exception types and texts, as clients in the field found them. Classified by text, since the HTTP status is nearly always
# 400; the texts of duplicate scopes, role assignments and service principals are not published, "already exists" is assumed.
_NOT_FOUND = (
    "ManagementObjectNotFoundException",
    "couldn't be found on",
    "wasn't found",
    "couldn't be found.",
    "no existing permission entry found",
)
_CONFLICT = (
    "AlreadyExistsException",
    "already exists",
    "ProxyAddressExistsException",
    "MemberExistsException",
    "is used by another recipient object",
)
_AMBIGUOUS = "multiple recipients matching identity"  # comes with status 500, and is no failure in passing
_BUSY = ("UnableToWriteToAadException", "maximum number of concurrent requests per tenant")


def _error(tried: str, response: Response, rights: Callable[[], str]) -> ServiceError:
    """The interface's error envelope as an exception: the useful text is in the details, else in the inner exception.

    ``rights`` gives what to say when the caller may not.
    """
    kind: type[ServiceError] = ServiceError
    error, status = _part(response.json(), "error"), response.status
    details = error.get("details")
    first = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
    internal = _part(_part(error, "innererror"), "internalexception")
    raw = str(first.get("message") or internal.get("message") or error.get("message") or "")
    if not raw:
        raw = _diagnostics(response) or "no reason given"
    text = raw.rpartition("|")[2]
    # A bare 404 may be a proxy's, or mean that the address is wrong; only the service's own word counts.
    if error.get("code") == "NotFound" or any(mark in raw for mark in _NOT_FOUND):
        kind = NotFound
    elif any(mark in raw for mark in _BUSY):
        kind = Busy
    elif any(mark in raw for mark in _CONFLICT):
        kind = Conflict
    words = ""
    if status in (401, 403) or "not present in the role definition" in raw:
        kind, words = Denied, rights()
    elif _AMBIGUOUS in raw:
        words = "Name it by something that only it has, such as its address."
    elif "disabled customizations" in raw:
        words = (
            "Run Enable-OrganizationCustomization once in this tenant, wait until it has taken effect, and run again."
        )
    return kind(tried, status, str(error.get("code") or ""), text, response.request_id, words)


def _part(document: Any, name: str) -> dict[str, Any]:
    """An object within an object; {} when there is none."""
    part = document.get(name) if isinstance(document, dict) else None
    return part if isinstance(part, dict) else {}


def _diagnostics(response: Response) -> str:
    """The reason of a 403 whose body is NUL bytes, from its x-ms-diagnostics header."""
    header = response.headers.get("x-ms-diagnostics", "")
    match = re.search(r'reason="([^"]*)"', header)
    return match.group(1) if match else header
