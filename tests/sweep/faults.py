# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong at one request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from simulator.cmdlets.base import NOT_FOUND, CmdletError
from simulator.exchange_command import cmdlet_envelope
from support.simulator import Request

Rule = dict[str, Any]
_CREATING_CMDLETS = ("New-",)


def _cut(when: str) -> Callable[[Request, bool], Rule]:
    return lambda request, created: {"do": "drop", "when": when}


def _hold(when: str) -> Callable[[Request, bool], Rule]:
    return lambda request, created: {"do": "hold", "when": when}


def _answer(status: int, **more: Any) -> Callable[[Request, bool], Rule]:
    return lambda request, created: {"do": "respond", "status": status, **more}


def _expired(request: Request, created: bool) -> Rule | None:
    """The token is refused although its end has not come."""
    if request.service == "graph":
        text = "Lifetime validation failed, the token is expired."
        return {"do": "respond", "status": 401, "body": _graph("InvalidAuthenticationToken", text)}
    signs_in = request.service == "login" or request.path.startswith("/oauth/")
    return None if signs_in else {"do": "respond", "status": 401}


def _concurrency(request: Request, created: bool) -> Rule | None:
    """Refused because of another request at the same time, in each service's words."""
    if request.service == "graph":
        text = "Error due to concurrent requests being made to the tenant. Please wait briefly and retry."
        return {"do": "respond", "status": 409, "body": _graph("Directory_ConcurrencyViolation", text)}
    if request.service == "outlook":
        text = "You have reached the maximum number of concurrent requests per tenant. Please wait and try again..."
        return _cmdlet_failure("Microsoft.Exchange.Data.Directory.OverBudgetException", text, 409)
    return None


def _not_found_yet(request: Request, created: bool) -> Rule | None:
    """A replica that does not know yet what this run made. Before that, "not there" is simply the truth about it."""
    if not created or request.path.endswith("/$batch"):
        return None
    if request.service == "graph":
        text = "Resource does not exist or one of its queried reference-property objects are not present."
        return {"do": "respond", "status": 404, "body": _graph("Request_ResourceNotFound", text)}
    if request.service == "outlook":
        text = "The operation couldn't be performed because object couldn't be found on 'DB8PR01A001DC01'."
        return _cmdlet_failure(NOT_FOUND, text, 400)
    return None


def _graph(code: str, text: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": text, "innerError": {}}}


def _cmdlet_failure(kind: str, text: str, status: int) -> Rule:
    return {"do": "respond", "status": status, "body": cmdlet_envelope(CmdletError(kind, text, "Ex6F9304"))}


# From a request of the undisturbed run, and whether it comes after the first that made something, to what happens to it;
# None where it cannot happen. A run that is held is killed or interrupted.
FAULTS: dict[str, Callable[[Request, bool], Rule | None]] = {
    "cut before": _cut("before"),
    "cut after": _cut("after"),
    "kill before": _hold("before"),
    "kill after": _hold("after"),
    "interrupt after": _hold("after"),
    "401 expired": _expired,
    "404 after create": _not_found_yet,
    "409 concurrency": _concurrency,
    "429": _answer(429, headers={"Retry-After": "0.2"}),
    "500": _answer(500),
    "500 after": _answer(500, when="after"),
    "503": _answer(503),
}


def rules(fault: str, requests: Sequence[Request]) -> dict[int, Rule]:
    """The simulator's rule for each request, counted from 1, at which the fault can happen.

    A rule counts the requests to one service, since services are asked at the same time, and in any order then.
    """
    found: dict[int, Rule] = {}
    created, before = False, Counter[str]()
    for number, request in enumerate(requests, 1):
        rule = FAULTS[fault](request, created)
        if rule is not None:
            match = {"service": f"^{request.service}$"}
            found[number] = {"match": match, "skip": before[request.service], "times": 1, **rule}
        before[request.service] += 1
        created = created or any(_creates(operation) for operation in request.operations)
    return found


def _creates(operation: str) -> bool:
    method, _space, path = operation.partition(" ")
    if not path:
        return operation.startswith(_CREATING_CMDLETS)
    if method == "PATCH":
        return "uniqueName=" in path  # made if missing
    return method == "POST" and path.rsplit("/", 1)[-1] in ("users", "servicePrincipals")
