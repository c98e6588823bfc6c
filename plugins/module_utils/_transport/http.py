# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that talks HTTP: one session per module run, retries, a deadline, typed errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .answer import Response
from .clock import Backoff, Deadline
from .errors import BadAnswer, MayHaveHappened, ServiceError, Unreachable, Untrusted
from .session import make_session, network_words

if TYPE_CHECKING:
    import requests

TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
REDIRECTS = frozenset({302, 307, 308})


class Request(NamedTuple):
    """One HTTP request, before a token is added.

    Args:
        method, url: where it goes.
        tried: what it tries to do, for messages: "read the user x".
        headers: beside Authorization, Content-Type and User-Agent.
        body: sent as JSON when not None.
        form: sent as a form when not None.
        repeatable: whether doing it twice is the same as doing it once.
        lasting: a text that makes an answer final although its status is a transient one.
        scheme: the first word of the Authorization header, which is left out where there is no token.
    """

    method: str
    url: str
    tried: str
    headers: Mapping[str, str] | None = None
    body: Any = None
    repeatable: bool = True
    lasting: str = ""
    form: Mapping[str, str] | None = None
    scheme: str = "Bearer"


TokenProvider = Callable[[bool], str]
"""Gives a token, what follows the scheme in the Authorization header; True asks for a new one."""


class Http:
    """A session with retries.

    Args:
        ca_path: a CA file that wins over REQUESTS_CA_BUNDLE; None for the system's.
        timeout: seconds for one request.
        deadline: when to stop retrying.
        verify: whether the other side must prove who it is; only ever False for a machine of the user's own.
        session: one that is there already, made with the same arguments.
    """

    def __init__(
        self,
        ca_path: str | None,
        timeout: float,
        deadline: Deadline,
        verify: bool = True,
        session: requests.Session | None = None,
    ) -> None:
        self.session = session or make_session(ca_path, timeout, verify)
        self.deadline = deadline

    def send(self, request: Request, token: TokenProvider) -> Response:
        """The answer to a request, whatever its status, once it is no transient one.

        Throttled requests (429) were not carried out and are always sent again. A write that is not repeatable is not:
        a broken connection, 408 or 5xx raises MayHaveHappened, and the caller looks before it repeats.

        Raises:
            Unreachable: no answer, or only transient ones, until the deadline.
            MayHaveHappened: see above.
            Untrusted: TLS failed.
            BadAnswer: the answer is too large, or not readable.
            ServiceError: a redirect leads elsewhere.
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
            except BadAnswer as error:
                if not request.repeatable:
                    raise MayHaveHappened(request.tried, text=error.text, advice=_AGAIN_ADVICE) from error
                raise
            else:
                if response.status == 401 and bearer and not renewed:
                    renewed = True
                    token(True)
                    continue
                if response.status not in TRANSIENT or _lasts(request, response):
                    return response
                if response.status != 429 and not request.repeatable:
                    raise MayHaveHappened(
                        request.tried,
                        response.status,
                        text=response.words,
                        request_id=response.request_id,
                        advice=_AGAIN_ADVICE,
                    )
                failure = overloaded(request.tried, response)
                wait = response.retry_after or backoff.next()
            if not self.deadline.sleep(wait, failure):
                raise failure

    def _once(self, request: Request, bearer: str) -> Response:
        import requests

        headers = {"Accept": "application/json", **(request.headers or {})}
        if bearer:
            headers["Authorization"] = f"{request.scheme} {bearer}"
        data: bytes | Mapping[str, str] | None = request.form
        if request.body is not None:
            data = json.dumps(request.body).encode()
            headers.setdefault("Content-Type", "application/json")
        url = request.url
        for _redirects in range(3):
            try:
                answer = self.session.request(request.method, url, data=data, headers=headers)
            except (Untrusted, BadAnswer) as error:
                raise error.while_trying(request.tried) from error
            except (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError) as error:
                raise _NotSent(network_words(error)) from error
            except requests.exceptions.ConnectionError as error:
                raise (_NotSent if _refused(error) else _Broken)(network_words(error)) from error
            except requests.exceptions.RequestException as error:
                raise _Broken(network_words(error)) from error
            names = {name.lower(): value for name, value in answer.headers.items()}
            response = Response(answer.status_code, names, answer.content)
            if response.status not in REDIRECTS:
                if not 200 <= response.status < 300 and response.status < 400:
                    raise BadAnswer(request.tried, response.status, text="the status is no answer to what was asked")
                return response
            url = response.redirects_to(url, request.tried)
        raise ServiceError(request.tried, response.status, text="redirected more than three times")


class _NotSent(Exception):
    """No connection: the request did not reach the service."""


class _Broken(Exception):
    """The connection broke after the request may have been sent."""


_NETWORK_ADVICE = "Check the network, the proxy (HTTPS_PROXY) and the endpoints."
_AGAIN_ADVICE = "It may have been done all the same; run again, the state is read first."


def overloaded(tried: str, response: Response) -> Unreachable:
    """The failure of a request that got only transient answers, of which this is the last."""
    return Unreachable(
        tried,
        response.status,
        text=response.words,
        request_id=response.request_id,
        advice="The service asked to wait longer than wait_timeout allows; run again later.",
    )


def _refused(error: Exception) -> bool:
    """Whether a connection could not even be opened (refused, no route, unknown host)."""
    import urllib3

    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _lasts(request: Request, response: Response) -> bool:
    return bool(request.lasting) and request.lasting.encode() in response.content
