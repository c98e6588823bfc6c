# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a wait is told of, and in which words."""

from __future__ import annotations

import pytest
from ansible.utils.display import Display
from ansible_collections.vmrops.o365.plugins.module_utils._progress import Progress, Teller
from ansible_collections.vmrops.o365.plugins.module_utils._transport import clock
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import (
    ServiceError,
    SignInFailed,
    Unreachable,
)
from ansible_collections.vmrops.o365.plugins.plugin_utils._action import PROGRESS, teller


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    stand_in = Time()
    monkeypatch.setattr(clock, "time", stand_in)
    return stand_in


def progress(shown: list[str], hidden: bool = False, secret: str = "") -> Progress:
    awaited = ["the mailbox of pexip@contoso.com"]
    return Progress(Teller(shown.append, None, 30), hidden, lambda: awaited, lambda: {secret} if secret else set())


def test_first_soon_then_sparingly(time: Time) -> None:
    shown = list[str]()
    deadline = Deadline(600)
    deadline.progress = progress(shown)
    for _poll in range(16):
        assert deadline.sleep(5)
    assert time.now == 1080
    assert [line.rpartition(": ")[2] for line in shown] == [
        f"{seconds} s so far, gives up after 600 s." for seconds in (15, 45, 75)
    ]


def test_while_it_sleeps_for_long(time: Time) -> None:
    shown = list[str]()
    deadline = Deadline(600)
    deadline.progress = progress(shown)
    time.now += 50  # requests that took long
    assert deadline.sleep(100)
    assert time.now == 1150
    assert [line.split()[-9] for line in shown] == ["50", "80", "110", "140"]
    assert not deadline.sleep(500), "nothing is told of what is not waited for"
    assert len(shown) == 4


@pytest.mark.parametrize(
    ("failure", "kind", "named"),
    [
        (None, " to settle", "; still to be seen: the mailbox of pexip@contoso.com"),
        (Unreachable("read the user x", 429), ", which throttles requests", ", to read the user x"),
        (Unreachable("read the user x", 503), ", which answers 503", ", to read the user x"),
        (Unreachable("read the user x"), ", which does not answer", ", to read the user x"),
        (SignInFailed("sign in", code="invalid_client"), ", which answers invalid_client", ", to sign in"),
    ],
)
def test_words(failure: ServiceError | None, kind: str, named: str) -> None:
    shown = list[str]()
    progress(shown).tell(failure, 44.6, 300)
    progress(shown, hidden=True).tell(failure, 44.6, 300)
    assert shown == [
        f"Waiting for the service{words}: 45 s so far, gives up after 300 s." for words in (kind + named, kind)
    ]


def test_no_secret_and_one_line() -> None:
    shown = list[str]()
    failure = Unreachable("read the user password-4711\n\u202e" + "x" * 1000)
    progress(shown, secret="password-4711").tell(failure, 1, 2)
    assert "4711" not in shown[0]
    assert "\n" not in shown[0]
    assert "\u202e" not in shown[0]
    assert len(shown[0]) < 400


def test_how_often_is_for_the_user_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, every in (("", 30), ("5", 5), ("0", 0)):
        monkeypatch.setenv(PROGRESS, given)
        assert teller(Display(), "contoso").every == every
    monkeypatch.setenv(PROGRESS, "often")
    with pytest.raises(ValueError, match=f"{PROGRESS} is often"):
        teller(Display(), "contoso")
