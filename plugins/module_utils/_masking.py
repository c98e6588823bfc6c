# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets out of texts that others wrote: a service's error that repeats the request, a traceback. Pure functions.

Ansible masks the options that are marked, letter by letter. A service may repeat them encoded, cut off, or in parts, and
knows secrets that are no option, such as the access token; so any stretch of a secret is masked here, in every usual form.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from ._plan import MASK
from ._text import without_tokens

# That many characters of a secret in a row are too much. A shorter secret is masked as a whole.
STRETCH = 8


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text with every stretch of the secrets, plain or encoded, and everything that looks like a token masked."""
    covered: set[str] = set()
    for form in {form for secret in secrets if secret for form in _forms(secret)}:
        if len(form) < STRETCH:
            text = text.replace(form, MASK)
        covered.update(stretches(form))
    return without_tokens("".join(_uncovered(text, covered)))


def stretches(text: str) -> Iterator[str]:
    """Every stretch of a text, overlapping."""
    return (text[start : start + STRETCH] for start in range(len(text) - STRETCH + 1))


def _uncovered(text: str, covered: set[str]) -> Iterator[str]:
    """The letters that are in no covered stretch, and a mask for each run of those that are."""
    end = 0  # of what is covered
    for start, letter in enumerate(text):
        if text[start : start + STRETCH] in covered:
            if start >= end:
                yield MASK
            end = start + STRETCH
        if start >= end:
            yield letter


def _forms(secret: str) -> Iterator[str]:
    """The secret as it may stand in an answer."""
    content = secret.encode("utf-8", "surrogateescape")
    yield secret
    if len(content) < STRETCH:
        return  # its encoded forms are too short to mean anything
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret), html.escape(secret))
    yield from (content.hex(), content.hex().upper())
    for before in range(3):  # where base64's groups of three begin depends on what stands before
        encoded = base64.b64encode(b"\0" * before + content).decode()
        own = encoded[-(-before * 4 // 3) : (before + len(content)) * 8 // 6]
        yield from (own, own.replace("+", "-").replace("/", "_"))
