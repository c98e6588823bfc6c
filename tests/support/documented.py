# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code in README files and guides.

A block is run by ``tests/integration/test_documented_code.py``, unless the line above it says why not:
``<!-- syntax only: the reason -->``. Its syntax, and the names in it, are checked either way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from . import ROOT

_BLOCK = re.compile(r"^(?:<!-- syntax only: ([^\n]*?) -->\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("README.md", "CONTRIBUTING.md", "MAINTAINERS.md", "docs/*.md", "roles/*/README.md")
    for path in ROOT.glob(pattern)
)


class _Loader(yaml.SafeLoader):
    """YAML with Ansible's own tags."""


for _tag in ("!unsafe", "!vault"):
    _Loader.add_constructor(_tag, lambda _loader, node: str(node.value))


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; ``reason`` says why it is not run, and is empty when it is."""

    page: str
    language: str
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text.splitlines()[0][:40]}"

    def load(self) -> Any:
        """The block as YAML, with what is marked as Ansible alone understands it as plain text."""
        return yaml.load(self.text, _Loader)  # noqa: S506  # a SafeLoader


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in order."""
    return [Block(page, found[2], found[3], found[1] or "") for found in _BLOCK.finditer((ROOT / page).read_text())]


def run_blocks(page: str) -> list[Block]:
    """Those that are run."""
    return [block for block in blocks(page) if not block.reason]
