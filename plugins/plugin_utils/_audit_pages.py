# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of an audit for people: a page that needs nothing beside itself, and Markdown. Pure but for the templates."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.vmrops.o365.plugins.plugin_utils._audit import SEVERITIES, STATES
from ansible_collections.vmrops.o365.plugins.plugin_utils._audit_drawing import narrow, wide
from jinja2 import Environment, FileSystemLoader, StrictUndefined

Data = dict[str, Any]

TEMPLATES = Path(__file__).with_name("audit")
LEVELS = {"error": "Error", "warning": "Warning", "info": "Note", "ok": "In order"}
WAYS = {"app_permissions": "the app itself (app permissions)", "service_account": "a service account"}
# What would mean something in Markdown, within a line.
_MEANS_SOMETHING = re.compile(r"([\\`*_\[\]|~])")


def page(report: Data) -> str:
    """The report as an HTML page. What others wrote is escaped, and no script runs but the page's own."""
    style, script = ((TEMPLATES / name).read_text("utf-8") for name in ("page.css", "page.js"))
    return (
        _environment(autoescape=True)
        .get_template("page.html.j2")
        .render(
            report=report,
            style=style,
            script=script,
            style_hash=_hash(style),
            script_hash=_hash(script),
            columns=_columns(report["tenants"]),
            wide=wide,
            narrow=narrow,
            **_WORDS,
        )
    )


def markdown(report: Data) -> str:
    """The report as Markdown (GitHub's, for its tables)."""
    environment = _environment(autoescape=False, finalize=_plain)
    return environment.get_template("report.md.j2").render(report=report, **_WORDS)


def said(value: Any) -> str:
    """A value as a reader expects it."""
    if value is None or value == [] or value == {} or value == "":
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_WORDS: Data = {"states": STATES, "severities": SEVERITIES, "levels": LEVELS, "ways": WAYS}


def _environment(**options: Any) -> Environment:
    environment = Environment(  # noqa: S701  # each caller says how it escapes
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )
    environment.filters["said"] = said
    return environment


def _plain(value: Any) -> str:
    """A value as text that means nothing in Markdown or HTML, on one line."""
    return _MEANS_SOMETHING.sub(r"\\\1", html.escape(" ".join(str(value).split()), quote=False))


def _hash(text: str) -> str:
    """By which a page's policy knows its own style and script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _columns(tenants: Sequence[Data]) -> list[str]:
    """The names of all steps, in an order that agrees with every tenant's."""
    names: list[str] = []
    for tenant in tenants:
        place = 0
        for step in tenant["steps"]:
            if step["name"] in names:
                place = max(place, names.index(step["name"]) + 1)
            else:
                names.insert(place, step["name"])
                place += 1
    return names
