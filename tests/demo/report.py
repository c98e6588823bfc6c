# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo prints: claims, each with its figure, in columns."""

from __future__ import annotations

import sys
from collections.abc import Iterable

WIDTH = 74


class Failed(Exception):
    """A claim that does not hold, or something that stopped the demo; the text says which."""


class Report:
    """Prints to the terminal as things happen.

    ``claims`` counts those that held.
    """

    def __init__(self) -> None:
        self.claims = 0

    def title(self, text: str) -> None:
        """A line that stands out."""
        self._print(f"\n{text}\n{'=' * len(text)}")

    def part(self, text: str) -> None:
        """A heading."""
        self._print(f"\n{text}")

    def say(self, text: str) -> None:
        """A line of explanation."""
        self._print(f"  {text}")

    def where(self, what: str, place: object) -> None:
        """Where something lies."""
        self._print(f"  {what:<18}{place}")

    def listed(self, lines: Iterable[str]) -> None:
        """Lines below a claim, numbered."""
        for number, line in enumerate(lines, 1):
            self._print(f"    {number:>4}. {line}")

    def claim(self, text: str, figure: object, holds: bool, otherwise: str = "") -> None:
        """A claim with its figure. Raises Failed, with what was seen in place of it, unless it holds."""
        self._print(f"  {'ok' if holds else 'NO':<4}{text:<{WIDTH}}{figure}")
        if not holds:
            raise Failed(f"{text}: {figure}" + (f"\n{otherwise}" if otherwise else ""))
        self.claims += 1

    def _print(self, text: str) -> None:
        print(text, flush=True)


def complain(text: object) -> None:
    """Print to the error output."""
    print(f"\n{text}", file=sys.stderr, flush=True)
