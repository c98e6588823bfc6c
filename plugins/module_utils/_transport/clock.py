# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time that runs out: deadlines, and waits between attempts."""

from __future__ import annotations

import random
import time


class Deadline:
    """A moment after which nothing is waited for.

    Args:
        seconds: from now.
    """

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

    def sleep(self, seconds: float) -> bool:
        """Sleep and return True, or return False at once when the deadline would pass meanwhile."""
        if seconds >= self.left:
            return False
        time.sleep(seconds)
        return True


class Backoff:
    """Waits that double, with jitter: between half and the whole of first, 2 * first, ... up to cap (seconds)."""

    def __init__(self, first: float = 0.5, cap: float = 20.0) -> None:
        self._next, self._cap = first, cap

    def next(self) -> float:
        """The next wait, in seconds."""
        wait = self._next * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not cryptography
        self._next = min(self._next * 2, self._cap)
        return wait
