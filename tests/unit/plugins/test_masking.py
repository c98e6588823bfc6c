# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets out of texts that others wrote."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode
from xml.sax.saxutils import escape

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._masking import STRETCH, masked
from ansible_collections.vmrops.o365.plugins.module_utils._text import one_line

SECRET = 'Zx8~Q/+ é"<&\\.4711_tail-of-it'
ENCODERS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": json.dumps,
    "JSON with letters as they are": lambda text: json.dumps(text, ensure_ascii=False),
    "Python": repr,
    "URL": lambda text: quote(text, safe=""),
    "path": quote,
    "form": quote_plus,
    "query": lambda text: urlencode({"client_secret": text}),
    "XML": escape,
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    **{
        f"{name}, {before} before": lambda text, encode=encode, before=before: encode(  # type: ignore[misc]
            b"x" * before + text.encode() + b"yz"
        ).decode()
        for name, encode in (("base64", base64.b64encode), ("URL-safe base64", base64.urlsafe_b64encode))
        for before in range(4)
    },
}


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_every_form_of_a_secret_is_masked(encode: Callable[[str], str]) -> None:
    whole = encode(SECRET)
    shown = masked(f"before {whole} after", [SECRET, "another"])
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert "********" in shown
    stretches = {whole[start : start + STRETCH] for start in range(len(whole) - STRETCH + 1)}
    assert not [one for one in stretches if one in shown and one not in "client_secret="]


def test_what_is_cut_off_is_masked_too() -> None:
    assert masked(f"invalid: {SECRET[:20]}...", [SECRET]) == "invalid: ********..."
    assert masked(f"{SECRET[5:]}|{SECRET[:STRETCH]}", [SECRET]) == "********|********"


def test_less_than_a_stretch_is_left_alone() -> None:
    """Microsoft Graph shows the first three characters of a secret as its hint."""
    assert masked(f"hint {SECRET[:3]}", [SECRET]) == f"hint {SECRET[:3]}"
    assert masked("nothing here", [SECRET]) == "nothing here"
    assert masked("", [SECRET, ""]) == ""


def test_a_short_secret_is_masked_as_a_whole() -> None:
    assert masked("the pin is 4711.", ["4711"]) == "the pin is ********."


def test_tokens_are_recognised_by_how_they_begin() -> None:
    token = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJodHRwczovLyJ9.c2lnbmF0dXJl-_x"
    assert masked(f"Bearer {token}, twice {token[:30]}", []) == "Bearer ********, twice ********"


def test_the_end_of_a_token_is_not_left_where_its_beginning_is_cut_off() -> None:
    token = f"eyJhbGciOiJQUzI1NiJ9.{'x' * 600}.{'signature' * 20}"
    line = one_line(f"{'before ' * 60}{token} and after", longest=200)
    assert "signature" not in line
    assert line.endswith("after")
