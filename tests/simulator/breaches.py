# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a breach of contract: an answer, or a request, that the services' descriptions do not allow."""

from __future__ import annotations

from collections.abc import Callable

Breach = Callable[[str], None]


def refuse(breach: str) -> None:
    """What is done about a breach inside a test: it fails."""
    raise AssertionError(breach)
