# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service clients need of a step, which they know nothing else about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Write(Protocol):
    """One write, by the name that its service's client has for it; for Exchange that is the cmdlet."""

    @property
    def summary(self) -> str:
        """What it does."""

    @property
    def operation(self) -> str:
        """The operation's name."""

    @property
    def target(self) -> Mapping[str, Any]:
        """What it is done to."""

    @property
    def values(self) -> Mapping[str, Any]:
        """What is written."""
