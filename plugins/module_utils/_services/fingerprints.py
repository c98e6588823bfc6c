# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingerprints of secrets that a service never returns, in a private file on the machine that runs the module."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._private_files import UnsafeFile, read_private, write_private

if TYPE_CHECKING:
    from .write import Write


class Fingerprints:
    """The client of the file, whose path is the target of its writes."""

    def read(self, path: str) -> dict[str, Any]:
        """What is kept, {} when there is no file. Raises UnsafeFile."""
        text = read_private(Path(path))
        if text is None:
            return {}
        try:
            kept = json.loads(text)
        except ValueError as error:
            raise UnsafeFile(f"{path} holds no fingerprints; remove it, or give another path.") from error
        return kept if isinstance(kept, dict) else {}

    def perform(self, write: Write, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the fingerprints. Raises UnsafeFile."""
        write_private(Path(str(write.target["path"])), json.dumps(body, indent=2) + "\n")
        return {}

    def render(self, write: Write, body: Mapping[str, Any]) -> dict[str, Any]:
        """Where they go; what they are is nobody's business."""
        return {"path": write.target["path"]}

    def removes(self, write: Write) -> bool:
        """Nothing is ever removed."""
        return False
