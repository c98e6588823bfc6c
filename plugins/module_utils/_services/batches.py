# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests in batches, and reads that wait for each other's batch.

An item of a batch has an answer of its own, and is treated as a request of its own would be: throttled ones are sent again,
"not there" is believed only in the service's words, any other refusal is that request's error and no other's.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import Any, Protocol, TypeVar

from .._transport.answer import Response
from .._transport.clock import Backoff, Deadline
from .._transport.errors import MayHaveHappened, ServiceError
from .._transport.http import TRANSIENT, overloaded

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Call:
    """One request that may go alone or in a batch.

    Args:
        tried: what it tries to do, for messages.
        content: the request, in its client's own form.
        key: the same for requests that ask for the same.
        repeatable: whether doing it twice is the same as doing it once.
    """

    tried: str
    content: Any
    key: Hashable = None
    repeatable: bool = True


class Batching(Protocol):
    """A service's client that can send calls in batches."""

    batch_size: int

    def alone(self, call: Call) -> Any:
        """What a call gives, sent by itself. Raises ServiceError."""

    def batched(self, calls: Sequence[Call], tried: str) -> Mapping[str, Mapping[str, Any]]:
        """The items that answer to calls, by their place in the sequence. Raises BatchRefused, ServiceError."""

    def value(self, call: Call, response: Response) -> Any:
        """What a call gives, from its item. Raises ServiceError for a refusal."""

    def trusts(self, response: Response) -> bool:
        """Whether an item says what the same request would have been answered alone."""

    def lasts(self, response: Response) -> bool:
        """Whether a status that means "later" means "never" here."""


class BatchRefused(Exception):
    """The service takes no such batch; none of its items was looked at."""


Outcome = Any
"""What a call gave, or the ServiceError that it ended with."""


def settle(client: Batching, calls: Sequence[Call], deadline: Deadline) -> list[Outcome]:
    """Send calls in as few batches as there can be; what each gave, or its ServiceError.

    What was throttled is sent again once the service allows it, together. A batch whose answer is lost is sent again only
    when all of it may be.
    """
    outcomes: dict[int, Outcome] = {}
    backoff, waiting = Backoff(), list(range(len(calls)))
    while waiting:
        throttled: dict[int, Response] = {}
        for chunk in _chunks(calls, waiting, client.batch_size):
            for number, outcome in _sent(client, calls, chunk):
                (throttled if isinstance(outcome, Response) else outcomes)[number] = outcome
        wait = max((one.retry_after for one in throttled.values()), default=0.0) or backoff.next()
        failures = {number: overloaded(calls[number].tried, one) for number, one in throttled.items()}
        if failures and not deadline.sleep(wait, next(iter(failures.values()))):
            outcomes.update(failures)
            break
        waiting = list(throttled)
    return [outcomes[number] for number in range(len(calls))]


def _chunks(calls: Sequence[Call], numbers: Sequence[int], size: int) -> Iterator[list[int]]:
    """Batches; what may be sent twice and what may not never meet in one."""
    for repeatable in (True, False):
        chosen = [number for number in numbers if calls[number].repeatable == repeatable]
        for start in range(0, len(chosen), size):
            yield chosen[start : start + size]


def _sent(client: Batching, calls: Sequence[Call], chunk: Sequence[int]) -> Iterator[tuple[int, Outcome]]:
    """The outcomes of one batch; a Response for what was throttled."""
    refusals: dict[Hashable, tuple[Call, ServiceError]] = {}
    items: Mapping[str, Mapping[str, Any]] = {}
    tried = "; ".join(calls[number].tried for number in chunk[:3])
    try:
        items = client.batched([calls[number] for number in chunk], tried) if len(chunk) > 1 else {}
    except BatchRefused:
        pass
    except ServiceError as error:
        for number in chunk:
            yield number, _told(error, tried, calls[number])
        return
    for place, number in enumerate(chunk):
        call, item = calls[number], items.get(str(place))
        response = _response(item) if item is not None else None
        if response is None and items and not call.repeatable:
            text = "the batch's answer leaves it out"
            yield number, MayHaveHappened(call.tried, text=text, advice="Run again, the state is read first.")
        elif response is None or not client.trusts(response):
            # Only alone does the service say it in a form that is known; once is enough for all that are refused alike.
            mark = (response.status, response.content) if response else "refused"
            if mark in refusals:
                first, refusal = refusals[mark]
                yield number, _told(refusal, first.tried, call)
                continue
            outcome = _alone(client, call)
            if isinstance(outcome, ServiceError):
                refusals[mark] = call, outcome
            yield number, outcome
        elif response.status not in TRANSIENT or client.lasts(response):
            yield number, _outcome(lambda call=call, response=response: client.value(call, response))  # type: ignore[misc]
        elif response.status == 429 or call.repeatable:
            yield number, response
        else:
            yield number, MayHaveHappened(call.tried, response.status, text=response.words)


def _told(error: ServiceError, tried: str, call: Call) -> ServiceError:
    """An error of what was tried, as that of a call which was a part of it; one of signing in stays what it is."""
    return error.while_trying(call.tried) if error.tried == tried else error


def _alone(client: Batching, call: Call) -> Outcome:
    return _outcome(lambda: client.alone(call))


def _outcome(get: Callable[[], Any]) -> Outcome:
    try:
        return get()
    except ServiceError as error:
        return error


def _response(item: Mapping[str, Any]) -> Response:
    """An item as the answer that it stands for."""
    headers, status, body = item.get("headers") or {}, item.get("status"), item.get("body")
    names = {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    content = b"" if body is None else json.dumps(body).encode()
    return Response(status if isinstance(status, int) else 0, names, content)


class Missing(BaseException):
    """Ends a read that needs answers which are not there yet; no error, and for nobody on the way to handle.

    Args:
        calls: what has to be asked, with the client to ask.
    """

    def __init__(self, calls: Sequence[tuple[Batching, Call]]) -> None:
        super().__init__(len(calls))
        self.calls = calls


class Together:
    """Reads that do not depend on each other, sent together.

    Reads are plain functions. Within ``of`` each is run until it needs an answer that is not there, and then left; what all
    of them need goes out in batches, to each service at the same time, and those that were left are run again from their
    beginning, now with the answers. So they must do nothing but read. Nothing is asked twice, whoever asks.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._known: dict[tuple[Batching, Hashable], tuple[Call, Outcome]] | None = None

    def ask(self, client: Batching, call: Call) -> Any:
        """What a read gives. Raises ServiceError, and Missing within ``of``."""
        if self._known is None:
            return client.alone(call)
        mark = (client, call.key)
        if mark not in self._known:
            raise Missing([(client, call)])
        first, outcome = self._known[mark]
        if isinstance(outcome, ServiceError):
            raise _told(outcome, first.tried, call)
        return outcome

    def of(self, *reads: Callable[[], Any]) -> list[Any]:
        """What each of the reads gives. Raises what the first that fails raises."""
        outermost = self._known is None
        if self._known is None:
            self._known = {}
        found: dict[int, Any] = {}
        try:
            while True:
                missing: list[tuple[Batching, Call]] = []
                for number, read in enumerate(reads):
                    if number not in found:
                        try:
                            found[number] = read()
                        except Missing as left:
                            missing += left.calls
                if not missing:
                    return [found[number] for number in range(len(reads))]
                if not outermost:
                    raise Missing(missing)
                self._fetch(missing)
        finally:
            if outermost:
                self._known = None

    def expecting(self, read: Callable[[], Value], *guesses: Callable[[], Any]) -> Value:
        """What a read gives; the guesses at what it may ask later go with its first request, and may fail."""

        def guessed(guess: Callable[[], Any]) -> None:
            with contextlib.suppress(Exception):
                guess()

        found: Value = self.of(read, *(lambda guess=guess: guessed(guess) for guess in guesses))[0]
        return found

    def forget_failures(self) -> None:
        """Ask again, when it is needed, for what failed: the caller may do more now."""
        for mark, (_call, outcome) in list((self._known or {}).items()):
            if self._known and isinstance(outcome, ServiceError):
                del self._known[mark]

    def _fetch(self, missing: Sequence[tuple[Batching, Call]]) -> None:
        if self._known is None:
            return
        wanted: dict[Batching, dict[Hashable, Call]] = {}
        for client, call in missing:
            wanted.setdefault(client, {})[call.key] = call
        works = [
            lambda client=client, calls=calls: settle(client, list(calls.values()), self._deadline)
            for client, calls in wanted.items()
        ]
        for (client, calls), outcomes in zip(wanted.items(), _at_once(works), strict=True):
            for call, outcome in zip(calls.values(), outcomes, strict=True):
                self._known[client, call.key] = call, outcome


def _at_once(works: Sequence[Callable[[], Value]]) -> list[Value]:
    """What each of them returns: the first is done here, the others meanwhile. Raises what the first that fails raises."""
    others = [_aside(work) for work in works[1:]]
    return [work() for work in works[:1]] + [other.result() for other in others]


def _aside(work: Callable[[], Value]) -> Future[Value]:
    """Begin something in a thread of its own, for which no process that has to end waits."""
    outcome: Future[Value] = Future()

    def do() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=do, daemon=True).start()
    return outcome
