# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers, and what is believed of them."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urljoin, urlsplit

from .errors import BadAnswer, ServiceError

# Far above what any service nests, far below what Python takes.
DEEPEST = 64


class Response(NamedTuple):
    """An answer, read whole. ``headers`` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON; None when it is none (an empty body, a page of a proxy, NUL bytes)."""
        try:
            text = self.content.decode("utf-8-sig")
            document = json.loads(text, parse_constant=_no_number, parse_float=_finite)
            if "\\ud" in text.lower():
                json.dumps(document, ensure_ascii=False).encode()  # half a character is none
        except (ValueError, RecursionError):
            return None
        return document if _is_shallow(document) else None

    def document(self, tried: str) -> dict[str, Any]:
        """The JSON object that the body is. Raises BadAnswer when it is none."""
        body = self.json()
        if not isinstance(body, dict):
            text = "the answer is no JSON object, or was changed on its way" if self.content else "the answer is empty"
            raise BadAnswer(tried, self.status, text=text, request_id=self.request_id, advice=_PROXY_ADVICE)
        return body

    def batch(self, tried: str) -> dict[str, dict[str, Any]]:
        """The answers of a batch, by id. Raises BadAnswer when it is none."""
        answers = self.document(tried).get("responses")
        if not isinstance(answers, list) or not all(isinstance(one, dict) for one in answers):
            raise BadAnswer(tried, self.status, text="the answer is no batch's", request_id=self.request_id)
        return {str(one.get("id")): one for one in answers}

    @property
    def request_id(self) -> str:
        """The service's id of the request."""
        return self.headers.get("request-id", "")

    @property
    def retry_after(self) -> float:
        """The Retry-After header in seconds (it may be fractional), 0 when missing, a date or no number."""
        try:
            return max(0.0, float(self.headers.get("retry-after", "0")))
        except ValueError:
            return 0.0

    @property
    def words(self) -> str:
        """The service's words in an answer that is no success, as far as there are any."""
        body = self.json()
        error = body.get("error") if isinstance(body, dict) else None
        text = error.get("message") if isinstance(error, dict) else self.content[:300].decode("utf-8", "replace")
        return str(text or "no text")

    def redirects_to(self, url: str, tried: str) -> str:
        """Where a redirect of a request to ``url`` leads. Raises ServiceError when that is not the service itself."""
        try:
            target = urljoin(url, self.headers.get("location", ""))
            if is_same_service(url, target):
                return target
            goal = f"{urlsplit(target).scheme}://{urlsplit(target).hostname}"
        except ValueError:
            goal = "an address that cannot be read"
        advice = "Credentials are not sent to another host."
        raise ServiceError(tried, self.status, text=f"redirected to {goal}", advice=advice)


def next_page(body: Mapping[str, Any], base: str, seen: Collection[str], tried: str) -> str:
    """Where a collection goes on; empty at its end.

    Args:
        body: one page.
        base: the service's address.
        seen: the pages that were read.

    Raises:
        BadAnswer: that is no address of the service, or a page that was read before.
    """
    link = body.get("@odata.nextLink") or ""
    try:
        if not link or (is_same_service(base, link) and link not in seen):
            return str(link)
        goal = "the same again" if link in seen else f"on another host: {urlsplit(link).hostname}"
    except (ValueError, TypeError, AttributeError):
        goal = "no address"
    raise BadAnswer(tried, 200, text=f"the next page is {goal}")


def is_same_service(url: str, target: str) -> bool:
    """Whether a token for ``url`` may go to ``target``: the same host or one below it, by TLS, at the same port.

    Exchange answers from regional hosts below its own. Raises ValueError for what is no address.
    """
    origin, goal = urlsplit(url), urlsplit(target)
    host, name = str(origin.hostname), str(goal.hostname)
    below = name.endswith(f".{host}") and not host.replace(".", "").isdigit()
    plain = goal.username is None and goal.password is None
    return goal.scheme == "https" and plain and (name == host or below) and (goal.port or 443) == (origin.port or 443)


_PROXY_ADVICE = "Check what answers in the service's place: a proxy's page looks like this."


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("too large a number")
    return number


def _is_shallow(document: Any) -> bool:
    level = [document]
    for _depth in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False
