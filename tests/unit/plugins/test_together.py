# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads of several services at the same time: each service is asked while the others are, and fails for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Barrier
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._services.batches import Call, Together
from ansible_collections.vmrops.o365.plugins.module_utils._transport.answer import Response
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import Denied


class Service:
    """A service whose answer to a call is what a function makes of its key."""

    batch_size = 10

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def alone(self, call: Call) -> Any:
        self.asked.append(str(call.key))
        return self.answer(str(call.key))

    def batched(self, calls: Sequence[Call], tried: str) -> Mapping[str, Mapping[str, Any]]:
        return {str(place): {"status": 200, "body": self.alone(call)} for place, call in enumerate(calls)}

    def value(self, call: Call, response: Response) -> Any:
        return response.json()

    def trusts(self, response: Response) -> bool:
        return True

    def lasts(self, response: Response) -> bool:
        return False


def asks(together: Together, service: Service, *keys: str) -> Callable[[], list[Any]]:
    return lambda: [together.ask(service, Call(f"read {key}", key, key)) for key in keys]


def test_each_service_is_asked_while_the_others_are() -> None:
    together, all_asked = Together(Deadline(10)), Barrier(3, timeout=10)

    def answer(key: str) -> str:
        all_asked.wait()  # raises unless three are asked at the same time
        return f"answer to {key}"

    services = [Service(answer) for _number in range(3)]
    found = together.of(*(asks(together, one, key) for one, key in zip(services, "abc", strict=True)))
    assert found == [["answer to a"], ["answer to b"], ["answer to c"]]
    assert [one.asked for one in services] == [["a"], ["b"], ["c"]]


def test_what_a_service_refuses_is_raised_where_it_is_read() -> None:
    def refuse(key: str) -> None:
        raise Denied(f"read {key}", 403, text="no")

    together = Together(Deadline(10))
    good, bad = Service(str.upper), Service(refuse)
    with pytest.raises(Denied, match="read b"):
        together.of(asks(together, good, "a"), asks(together, bad, "b"))
    assert together.expecting(asks(together, good, "a"), asks(together, bad, "b")) == ["A"]


@pytest.mark.parametrize("order", [0, 1])
def test_a_fault_of_our_own_in_another_thread_is_not_lost(order: int) -> None:
    def fail(key: str) -> None:
        raise ZeroDivisionError(key)

    together = Together(Deadline(10))
    reads = [asks(together, Service(str.upper), "a"), asks(together, Service(fail), "b")]
    with pytest.raises(ZeroDivisionError):
        together.of(*(reads if order else reads[::-1]))
