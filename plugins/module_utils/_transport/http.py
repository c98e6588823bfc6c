# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that talks HTTP: one session per module run, retries, a deadline, typed errors.

`requests` is imported when the first session is made, so that documentation and argument checks do not need it.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from .clock import Backoff, Deadline
from .errors import MayHaveHappened, MissingLibrary, ServiceError, Unreachable

if TYPE_CHECKING:
    import requests

TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
LARGEST_ANSWER = 64 * 1024 * 1024
USER_AGENT = "vmrops.o365/0.1.0 (Ansible collection)"


@dataclass(frozen=True)
class Request:
    """One HTTP request, before a token is added.

    Args:
        method, url: where it goes.
        tried: what it tries to do, for messages: "read the user x".
        headers: beside Authorization, Content-Type and User-Agent.
        body: sent as JSON when not None.
        repeatable: whether doing it twice is the same as doing it once.
        lasting: a text that makes an answer final although its status is a transient one.
    """

    method: str
    url: str
    tried: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    repeatable: bool = True
    lasting: str = ""


@dataclass(frozen=True)
class Response:
    """An answer, read whole. ``headers`` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON; None when it is none (an empty body, a page of a proxy, NUL bytes)."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    @property
    def request_id(self) -> str:
        """The service's id of the request."""
        return self.headers.get("request-id", "")


TokenProvider = Callable[[bool], str]
"""Gives a bearer token; True asks for a new one."""


class Http:
    """A session with retries.

    Args:
        ca_path: a CA file that wins over REQUESTS_CA_BUNDLE; None for the system's.
        timeout: seconds for one request.
        deadline: when to stop retrying.
    """

    def __init__(self, ca_path: str | None, timeout: float, deadline: Deadline) -> None:
        self.session = make_session(ca_path, timeout)
        self.deadline = deadline

    def send(self, request: Request, token: TokenProvider) -> Response:
        """The answer to a request, whatever its status, once it is no transient one.

        Throttled requests (429) were not carried out and are always sent again. A write that is not repeatable is not:
        a broken connection, 408 or 5xx raises MayHaveHappened, and the caller looks before it repeats.

        Raises:
            Unreachable: no answer, or only transient ones, until the deadline.
            MayHaveHappened: see above.
            ServiceError: TLS failed, the answer is too large, or a redirect leads elsewhere.
        """
        backoff, renewed = Backoff(), False
        while True:
            bearer = token(False)
            try:
                response = self._once(request, bearer)
            except _NotSent as error:
                failure: ServiceError = Unreachable(request.tried, text=str(error), advice=_NETWORK_ADVICE)
                wait = backoff.next()
            except _Broken as error:
                if not request.repeatable:
                    raise MayHaveHappened(request.tried, text=str(error), advice=_AGAIN_ADVICE) from error
                failure = Unreachable(request.tried, text=str(error), advice=_NETWORK_ADVICE)
                wait = backoff.next()
            else:
                if response.status == 401 and not renewed:
                    renewed = True
                    token(True)
                    continue
                if response.status not in TRANSIENT or _lasts(request, response):
                    return response
                if response.status != 429 and not request.repeatable:
                    raise MayHaveHappened(
                        request.tried,
                        response.status,
                        text=_words(response),
                        request_id=response.request_id,
                        advice=_AGAIN_ADVICE,
                    )
                failure = Unreachable(
                    request.tried,
                    response.status,
                    text=_words(response),
                    request_id=response.request_id,
                    advice="The service asked to wait longer than wait_timeout allows; run again later.",
                )
                wait = _retry_after(response) or backoff.next()
            if not self.deadline.sleep(wait):
                raise failure

    def _once(self, request: Request, bearer: str) -> Response:
        import requests

        headers = {"Accept": "application/json", **request.headers, "Authorization": f"Bearer {bearer}"}
        data = None
        if request.body is not None:
            data = json.dumps(request.body).encode()
            headers.setdefault("Content-Type", "application/json")
        url = request.url
        for _redirects in range(3):
            try:
                with self.session.request(
                    request.method, url, data=data, headers=headers, stream=True, allow_redirects=False
                ) as answer:
                    response = Response(
                        answer.status_code,
                        {name.lower(): value for name, value in answer.headers.items()},
                        _read(answer, request.tried),
                    )
            except requests.exceptions.SSLError as error:
                raise ServiceError(request.tried, text=f"TLS with {url} failed: {error}", advice=_TLS_ADVICE) from error
            except (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError) as error:
                raise _NotSent(str(error)) from error
            except requests.exceptions.ConnectionError as error:
                raise (_NotSent if _refused(error) else _Broken)(str(error)) from error
            except requests.exceptions.RequestException as error:
                raise _Broken(str(error)) from error
            if response.status not in (302, 307, 308):
                return response
            url = _redirected(url, response, request.tried)
        raise ServiceError(request.tried, response.status, text="redirected more than three times")


class _NotSent(Exception):
    """No connection: the request did not reach the service."""


class _Broken(Exception):
    """The connection broke after the request may have been sent."""


_NETWORK_ADVICE = "Check the network, the proxy (HTTPS_PROXY) and the endpoints."
_TLS_ADVICE = "Check ca_path, or the proxy that inspects TLS; verification cannot be switched off."
_AGAIN_ADVICE = "It may have been done all the same; run again, the state is read first."


def make_session(ca_path: str | None, timeout: float) -> requests.Session:
    """A requests session whose ``ca_path`` wins over REQUESTS_CA_BUNDLE and whose requests have a timeout (seconds).

    requests lets REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE override Session.verify; merging is where that happens. Raises
    MissingLibrary.
    """
    try:
        import requests
    except ImportError as error:
        raise MissingLibrary("requests", traceback.format_exc()) from error

    class Session(requests.Session):
        def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:
            settings = super().merge_environment_settings(*args, **kwargs)
            if ca_path:
                settings["verify"] = ca_path
            return settings

        def request(self, *args: Any, **kwargs: Any) -> requests.Response:
            kwargs.setdefault("timeout", timeout)
            return super().request(*args, **kwargs)

    session = Session()
    session.headers["User-Agent"] = USER_AGENT
    return session


def _read(answer: requests.Response, tried: str) -> bytes:
    """The body, bounded. A body of NUL bytes that is declared gzip (Exchange's 403) is read as it is."""
    import urllib3

    try:
        content = answer.raw.read(LARGEST_ANSWER + 1, decode_content=True)
    except urllib3.exceptions.DecodeError:
        content = b""
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _Broken(str(error)) from error
    if len(content) > LARGEST_ANSWER:
        raise ServiceError(tried, answer.status_code, text=f"the answer is larger than {LARGEST_ANSWER} bytes")
    return bytes(content)


def _refused(error: Exception) -> bool:
    """Whether a connection could not even be opened (refused, no route, unknown host)."""
    import urllib3

    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _redirected(url: str, response: Response, tried: str) -> str:
    """Where a redirect leads: only to the same service (the host or one below it), since the token goes along."""
    target = urljoin(url, response.headers.get("location", ""))
    origin, goal = urlsplit(url), urlsplit(target)
    same_service = goal.hostname == origin.hostname or str(goal.hostname).endswith(f".{origin.hostname}")
    if goal.scheme != "https" or not same_service:
        raise ServiceError(
            tried,
            response.status,
            text=f"redirected to {goal.scheme}://{goal.netloc}",
            advice="Credentials are not sent to another host.",
        )
    return target


def _lasts(request: Request, response: Response) -> bool:
    return bool(request.lasting) and request.lasting.encode() in response.content


def _retry_after(response: Response) -> float:
    """The Retry-After header in seconds (it may be fractional), 0 when missing or a date."""
    try:
        return max(0.0, float(response.headers.get("retry-after", "0")))
    except ValueError:
        return 0.0


def _words(response: Response) -> str:
    """The service's words in a transient answer, as far as there are any."""
    body = response.json()
    error = body.get("error") if isinstance(body, dict) else None
    text = error.get("message") if isinstance(error, dict) else response.content[:300].decode("utf-8", "replace")
    return str(text or "no text")
