# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that others wrote, fit to be printed: unable to pass for anything else. Pure functions.

Control characters (terminal escapes), characters that turn the direction of what follows, invisible ones and lone surrogates
are written as escapes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from ._plan import MASK

# A longer text of a service says nothing more, and fills the screen.
LONGEST = 1000
# What Ansible shows of a run: what a service said, what it was asked, and what was done before.
LONGEST_MESSAGE = 4000
# Tokens and assertions are recognised by how they begin, also those that a library made.
_TOKEN = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*){0,4}")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LINES = frozenset("\n\r\t")


def without_tokens(text: str) -> str:
    """The text with everything that looks like a token masked."""
    return _TOKEN.sub(MASK, text)


def one_line(text: str, longest: int = LONGEST) -> str:
    """A text on one line and of bounded length. What is too long loses its middle, since advice stands at the end.

    Tokens go first: the end of one whose beginning is left out does not look like one.
    """
    half, text = longest // 2, without_tokens(text)
    if len(text) > longest:
        text = f"{text[:half]} [{len(text) - 2 * half} characters left out] {text[-half:]}"
    return _visible(" ".join(text.split()))


def visible(value: Any) -> Any:
    """A copy of a document whose texts hide nothing; their lines stay."""
    if isinstance(value, str):
        return value if is_plain(value) else "".join(one if one in _LINES else _visible(one) for one in value)
    if isinstance(value, Mapping):
        return {visible(name): visible(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [visible(inner) for inner in value]
    return value


def is_plain(text: str) -> bool:
    """Whether a text is one of the many that need no closer look."""
    return text.isascii() and text.isprintable()


def _visible(text: str) -> str:
    if is_plain(text):
        return text
    return "".join(
        one.encode("unicode_escape").decode() if unicodedata.category(one) in _HIDDEN else one for one in text
    )
