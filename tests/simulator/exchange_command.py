# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One InvokeCommand: from a body to an answer, without the HTTP around it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from .cmdlets import DOCUMENTED, BindingError, Call, CmdletError, annotated, bind
from .exchange_access import Forbidden, authorize
from .store import Document
from .tenant import Tenant, new_id
from .tokens import Principal

CONTENT_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
PAGE_CAP = 1000
LINK_SECONDS = 30 * 60
_BACKEND = "DB8PR01MB1234.EURPR01A001.PROD.OUTLOOK.COM"
_ODATA_EXCEPTION = "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"
_DIRECT_INVOKE = "Microsoft.Exchange.Management.PSDirectInvoke.DirectInvokeCmdletExecutionException"
_NO_WARNINGS: Document = {"adminapi.warnings@odata.type": "#Collection(String)", "@adminapi.warnings": []}


@dataclass
class Answer:
    """A status, headers, and a body: a JSON document, or bytes for what is not JSON."""

    status: int
    body: Document | bytes
    headers: dict[str, str] = field(default_factory=dict)


class _Refused(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True)
class Request:
    """What of an HTTP request (or of a batch's item) a command needs.

    Args:
        segment: the tenant as the URL names it.
        query: the URL's query string.
        headers: lower-case names.
        body: the parsed JSON, or None when it is none.
    """

    segment: str
    query: str
    headers: Mapping[str, str]
    body: Any


def invoke(tenant: Tenant, base_url: str, principal: Principal, request: Request) -> Answer:
    """Run the command that a request asks for."""
    try:
        with tenant.store.savepoint():
            return _run(tenant, base_url, principal, request)
    except _Refused as refused:
        return refused.answer
    except Forbidden as forbidden:
        return forbidden_answer(forbidden.diagnostics)
    except BindingError as error:
        return Answer(400, binding_envelope(error))
    except CmdletError as error:
        return Answer(error.status, cmdlet_envelope(error))


def misfit(body: Any) -> str:
    """In what a command departs from the documented cmdlets, their parameters and types; empty when it does not."""
    try:
        name, given = _command(body)
        documented = DOCUMENTED.get(name.lower())
        if documented is None:
            return f"there is no cmdlet {name}"
        bind(documented, given)
    except _Refused:
        return f"not a command: {json.dumps(body)[:200]}"
    except BindingError as error:
        return f"{name}: {error.text}"
    return ""


class _Rehearsed(Exception):
    """Ends a WhatIf run so that its writes are undone."""


def _run(tenant: Tenant, base_url: str, principal: Principal, request: Request) -> Answer:
    name, given = _command(request.body)
    query = {key.lower(): values[-1] for key, values in parse_qs(request.query).items()}
    cmdlet = authorize(tenant, principal, name)
    call = Call(tenant, principal, cmdlet.name, bind(cmdlet.name, given))
    rehearsal = call.get("WhatIf") is True
    rows: list[Document] = []
    try:
        with tenant.store.savepoint():
            rows = cmdlet.run(call) or []
            if rehearsal:
                raise _Rehearsed
    except _Rehearsed:
        rows = []
    select = [part.strip() for part in query["$select"].split(",")] if query.get("$select") else None
    body: Document = {
        # The capture shows this host, whichever one was asked.
        "@odata.context": f"https://outlook.office.com/adminapi/beta/{request.segment}/$metadata"
        "#Collection(Exchange.GenericHashTable)",
        "adminapi.warnings@odata.type": "#Collection(String)",
        "@adminapi.warnings": call.warnings,
    }
    page, link = _page(tenant, request, query, rows, cut_short=call.cut_short)
    if link:
        body["@odata.nextLink"] = f"{base_url}/adminapi/beta/{request.segment}/InvokeCommand?%24skiptoken={link}"
        if select:
            body["@odata.nextLink"] += f"&%24select={query['$select']}"
    body["value"] = [annotated(row, select) for row in page]
    return Answer(200, body, _success_headers(principal, request))


def _command(body: Any) -> tuple[str, Document]:
    command = body.get("CmdletInput") if isinstance(body, dict) else None
    name = command.get("CmdletName") if isinstance(command, dict) else None
    parameters = command.get("Parameters") if isinstance(command, dict) else None
    if not isinstance(name, str) or not isinstance(parameters, dict):
        # Parameters has to be an object (working client, live capture); the text of the refusal is unverified.
        raise _Refused(Answer(400, invalid_request("The request body isn't a valid CmdletInput.")))
    return name, {key: value for key, value in parameters.items() if not key.startswith("@")}


# --- paging -----------------------------------------------------------------------------------------------------------


def _page(
    tenant: Tenant, request: Request, query: Mapping[str, str], rows: list[Document], cut_short: bool
) -> tuple[list[Document], str]:
    """The rows of this page, and the token of the next one (empty on the last)."""
    digest = hashlib.sha256(json.dumps(request.body, sort_keys=True).encode()).hexdigest()[:16]
    offset = _offset(tenant, query["$skiptoken"], digest) if "$skiptoken" in query else 0
    wish = re.search(r"odata\.maxpagesize=(\d+)", request.headers.get("prefer", ""), re.IGNORECASE)
    size = max(1, min(int(wish[1]), PAGE_CAP)) if wish else PAGE_CAP
    end = offset + size
    if end < len(rows):
        return rows[offset:end], _token(digest, end)
    # An answer that ResultSize cut short carries a link too, and following it fails (live capture; that this is the
    # reason of the failure is inferred).
    return rows[offset:end], _token("cut short", end) if cut_short else ""


def _token(digest: str, offset: int) -> str:
    text = json.dumps({"server": _BACKEND, "command": digest, "offset": offset, "made": int(time.time())})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _offset(tenant: Tenant, token: str, digest: str) -> int:
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        good = content["command"] == digest and time.time() - content["made"] < LINK_SECONDS
        if good and tenant.switch("follow_next_link"):
            return int(content["offset"])
    except (ValueError, KeyError, TypeError):
        pass
    text = "Expired or Invalid pagination request. Default Expiry time is 00:30:00"  # live capture
    raise _Refused(Answer(400, invalid_request(text)))


# --- envelopes --------------------------------------------------------------------------------------------------------


def _success_headers(principal: Principal, request: Request) -> dict[str, str]:
    """Names and forms: live capture of May 2024; its rate-limit headers were gone in July 2026."""
    headers = {
        "content-type": CONTENT_TYPE,
        "odata-version": "4.0",
        "request-id": new_id(),
        "x-backendhttpstatus": "200,200",
        "x-calculatedbetarget": _BACKEND,
        "x-concurrencycount": "0",
        "x-exchangeversion": "Version 15.20 (Build 9115.20)",
        "x-ms-appid": principal.app_id,
        "ms-cv": base64.b64encode(new_id().encode()[:16]).decode().rstrip("=") + ".1",
    }
    annotations = re.search(r'odata\.include-annotations="[^"]*"', request.headers.get("prefer", ""))
    if annotations:
        headers["preference-applied"] = annotations[0]
    return headers


def invalid_request(text: str) -> Document:
    """The envelope of a request that never reached a cmdlet (live capture: the pagination error)."""
    return {
        "error": {
            "code": "BadRequest",
            "message": "Invalid Operation",
            "innererror": _inner(
                "Invalid Operation", text, "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"
            ),
        }
    }


def binding_envelope(error: BindingError) -> Document:
    """Two live captures of July 2026: a transformation error has no details and its warnings inside ``error``."""
    inner = _inner("Invalid Operation", error.text, error.kind)
    body: Document = {"code": "BadRequest", "message": "Invalid Operation"}
    if error.kind.endswith("AmbiguousParameterSetException"):
        body["details"] = [{"code": "Client", "target": "", "message": f"|{error.kind}|{error.text}"}]
        return {"error": {**body, "innererror": inner}}
    return {"error": {**body, "innererror": inner, **_NO_WARNINGS}}


def cmdlet_envelope(error: CmdletError) -> Document:
    """Live capture of 2023: the useful text is in ``details`` only, the warnings stand beside ``error``."""
    message = "Error executing cmdlet"
    details = [{"code": "Client", "target": "", "message": f"{error.error_id}|{error.kind}|{error.text}"}]
    inner = _inner(message, f"Exception of type '{_DIRECT_INVOKE}' was thrown.", _DIRECT_INVOKE)
    return {"error": {"code": error.code, "message": message, "details": details, "innererror": inner}, **_NO_WARNINGS}


def _inner(message: str, text: str, kind: str) -> Document:
    internal = {"message": text, "type": kind, "stacktrace": ""}
    return {"message": message, "type": _ODATA_EXCEPTION, "stacktrace": "", "internalexception": internal}


def forbidden_answer(diagnostics: str) -> Answer:
    """403 as captured: NUL bytes that are declared gzip, the reason in a header only."""
    headers = {"content-encoding": "gzip", "x-ms-diagnostics": diagnostics, "request-id": new_id()}
    return Answer(403, bytes(1024), headers)
