# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sweep asks of whatever it disturbs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from support.simulator import Simulator


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Args:
        succeeded, changed: as Ansible counts it.
        message: why it failed.
        explained: whether the failure is one that a message explains, and no traceback.
    """

    succeeded: bool
    changed: bool = False
    message: str = ""
    explained: bool = True


class Going(Protocol):
    """A run that goes on, in processes of its own."""

    @property
    def running(self) -> bool:
        """Whether it has not ended."""

    def finish(self) -> Ended:
        """Wait for its end."""

    def kill(self) -> None:
        """SIGKILL to all its processes."""

    def interrupt(self) -> Ended:
        """Ctrl-C, and wait for its end."""


class Subject(Protocol):
    """Something to disturb. What it remembers between runs stands in files of the directory that it is given."""

    @property
    def name(self) -> str:
        """As it is printed."""

    @property
    def state(self) -> str:
        """Present or absent; before absent, present is run undisturbed."""

    @property
    def seed(self) -> dict[str, object]:
        """What the tenant must have."""

    @property
    def quick(self) -> bool:
        """Whether a run costs so little that every one is followed by another, which must change nothing."""

    def start(self, tenant: Simulator, directory: Path, state: str, clock: float = 0.0) -> Going:
        """Start one run to that state, by a clock that is so many seconds fast."""

    def problems(self, tenant: Simulator, directory: Path) -> Iterator[str]:
        """What the caller was left with that it cannot use, after the last run."""
