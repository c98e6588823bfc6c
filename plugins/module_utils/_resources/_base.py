# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What most managed objects have nothing to add to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._readers import Object, Readers


class Managed:
    """Defaults for the optional parts of a managed object."""

    def prove(self, readers: Readers, state: Any) -> dict[str, Any]:
        """Nothing that a read does not show already."""
        return {}

    def secrets(self, answers: Mapping[str, Object]) -> dict[str, Any]:
        """No secret was made."""
        return {}
