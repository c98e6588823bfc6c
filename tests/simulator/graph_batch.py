# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``$batch``: up to twenty requests in one (Microsoft docs: json-batching)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from .graph_call import Answer, GraphError
from .store import Document

LARGEST = 20
_METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def run_batch(body: Any, run: Callable[[str, str, Mapping[str, str], Any], Answer]) -> Answer:
    """The batch's answer; GraphError 400 when the batch itself is malformed.

    Args:
        body: the parsed request.
        run: carries out one request given as method, relative URL, headers with lower-case names, and body.
    """
    steps = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(steps, list) or not all(_well_formed(step) for step in steps):
        raise GraphError(400, "BadRequest", "Invalid batch payload format.")
    if len(steps) > LARGEST:
        text = f"Number of batch request steps exceeds the maximum value of {LARGEST}."
        raise GraphError(400, "MaximumValueExceeded", text)
    ids = [str(step["id"]) for step in steps]
    if len(set(ids)) != len(ids):
        raise GraphError(400, "BadRequest", "Request Id has to be unique in a batch.")
    responses: dict[str, Document] = {}
    waiting = list(steps)
    while waiting:
        ready = [step for step in waiting if all(str(one) in responses for one in step.get("dependsOn") or [])]
        if not ready:
            raise GraphError(400, "BadRequest", "Invalid batch payload format.")
        for step in ready:
            waiting.remove(step)
            responses[str(step["id"])] = _step(step, responses, run)
    # Microsoft's answers come in any order; clients that count on one should fail here.
    return Answer(200, {"responses": list(reversed(responses.values()))})


def _well_formed(step: Any) -> bool:
    return (
        isinstance(step, dict)
        and bool(step.get("id"))
        and str(step.get("method", "")).upper() in _METHODS
        and isinstance(step.get("url"), str)
        and isinstance(step.get("headers") or {}, dict)
        and isinstance(step.get("dependsOn") or [], list)
    )


def _step(
    step: Document, done: dict[str, Document], run: Callable[[str, str, Mapping[str, str], Any], Answer]
) -> Document:
    if any(done[str(one)]["status"] >= 400 for one in step.get("dependsOn") or []):
        error = {"code": "FailedDependency", "message": "A request that this one depends on failed."}  # unverified
        return {"id": str(step["id"]), "status": 424, "headers": {}, "body": {"error": error}}
    headers = {str(name).lower(): str(value) for name, value in (step.get("headers") or {}).items()}
    if step.get("body") is not None and "content-type" not in headers:
        text = "Write requests (excluding DELETE) must contain the Content-Type header declaration."
        error = {"code": "BadRequest", "message": text}
        return {"id": str(step["id"]), "status": 400, "headers": {}, "body": {"error": error}}
    answer = run(str(step["method"]).upper(), step["url"], headers, step.get("body"))
    result: Document = {
        "id": str(step["id"]),
        "status": answer.status,
        "headers": {"Cache-Control": "no-cache", **answer.headers},
    }
    if isinstance(answer.body, str):
        result["headers"]["Content-Type"] = "text/plain"
        result["body"] = base64.b64encode(answer.body.encode()).decode()
    elif answer.body is not None:
        result["headers"]["Content-Type"] = (
            "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8"
        )
        result["body"] = answer.body
    return result
