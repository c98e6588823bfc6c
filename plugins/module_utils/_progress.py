# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module waits for, in words, for whoever sits in front of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._masking import masked
from ._text import one_line

if TYPE_CHECKING:
    from ._transport.errors import ServiceError

LONGEST = 300


@dataclass(frozen=True)
class Teller:
    """A way to say something while a module runs.

    Args:
        show: shows a line.
        ask: shows a line to somebody who is at a terminal, and keeps it nowhere; None where nobody is.
        every: seconds between two lines about a wait, of which the first one comes after half as many; 0 for none.
    """

    show: Callable[[str], None]
    ask: Callable[[str], None] | None
    every: float


@dataclass(frozen=True)
class Progress:
    """Says what is waited for. Nothing of it is in the result.

    Args:
        teller: how, and how often.
        hidden: the task's no_log: then names are not told, only what kind of wait it is.
        awaited: what the service has still to show.
        secrets: what must not be shown.
    """

    teller: Teller
    hidden: bool
    awaited: Callable[[], Collection[str]]
    secrets: Callable[[], Collection[str]]

    @property
    def every(self) -> float:
        """Seconds between two words."""
        return self.teller.every

    def tell(self, failure: ServiceError | None, so_far: float, at_most: float) -> None:
        """Say it.

        Args:
            failure: what was answered last; None when the answers are good, and do not show yet what they should.
            so_far: seconds since the work began.
            at_most: seconds after which it is given up.
        """
        kind, what = (" to settle", "; ".join(self.awaited())) if failure is None else (_kind(failure), failure.tried)
        named = f"{', to' if failure else '; still to be seen:'} {what}" if what and not self.hidden else ""
        words = masked(one_line(f"Waiting for the service{kind}{named}", LONGEST), set(self.secrets()))
        self.teller.show(f"{words}: {so_far:.0f} s so far, gives up after {at_most:.0f} s.")


def _kind(failure: ServiceError) -> str:
    """Why a request is sent again."""
    if failure.status == 429:
        return ", which throttles requests"
    answer = str(failure.status or failure.code)
    return f", which answers {answer}" if answer else ", which does not answer"
