# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time that runs out: deadlines, and waits between attempts."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .errors import ServiceError


class Told(Protocol):
    """Who is told of waits."""

    @property
    def every(self) -> float:
        """Seconds between two words; the first one comes after half as many."""

    def tell(self, failure: ServiceError | None, so_far: float, at_most: float) -> None:
        """What is waited for: what was answered last, the seconds until now, and when it is given up."""


class Deadline:
    """A moment after which nothing is waited for.

    Args:
        seconds: from now.

    Attributes:
        progress: who is told of waits; None for nobody.
    """

    progress: Told | None = None
    _told = float("-inf")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Count from now: the next of several pieces of work begins."""
        self._end = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    def sleep(self, seconds: float, failure: ServiceError | None = None) -> bool:
        """Sleep and return True, or return False at once when the deadline would pass meanwhile.

        Args:
            seconds: how long.
            failure: what was answered, for who is told of the wait.
        """
        if seconds >= self.left:
            return False
        end = time.monotonic() + seconds
        while self.progress and (due := self._due(self.progress.every)) < end:
            time.sleep(max(0.0, due - time.monotonic()))
            self._told = time.monotonic()
            self.progress.tell(failure, self.seconds - self.left, self.seconds)
        time.sleep(max(0.0, end - time.monotonic()))
        return True

    def _due(self, every: float) -> float:
        """When to say the next word."""
        return max(self._end - self.seconds + every / 2, self._told + every)


class Backoff:
    """Waits that double, with jitter: between half and the whole of first, 2 * first, ... up to cap (seconds)."""

    def __init__(self, first: float = 0.5, cap: float = 20.0) -> None:
        self._next, self._cap = first, cap

    def next(self) -> float:
        """The next wait, in seconds."""
        wait = self._next * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not cryptography
        self._next = min(self._next * 2, self._cap)
        return wait
