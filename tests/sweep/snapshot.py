# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant's and a Management Node's state, in a form in which two that hold the same are equal."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

_GUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_HERE = re.compile(r"127\.0\.0\.1:\d+")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?")
# Random by nature, or the service's own notes.
_RANDOM = {"_password", "_secretText", "hint", "_ready", "Identity", "Sid", "private_key", "public_key"}
_KINDS_LEFT_OUT = ("grant", "setting", "token", "assertion")


def snapshot(state: Path) -> Counter[str]:
    """How often each document occurs, with ids, times and addresses replaced by what they are."""
    rows = ((kind, body) for kind, body in _rows(state) if kind not in _KINDS_LEFT_OUT)
    return Counter(f"{kind} {json.dumps(_tidy(json.loads(body)), sort_keys=True)}" for kind, body in rows)


def documents(state: Path, kind: str) -> list[dict[str, Any]]:
    """The tenant's or the node's documents of a kind."""
    return [json.loads(body) for one, body in _rows(state) if one == kind]


def secret_texts(state: Path) -> list[str]:
    """The client secrets of every application but the automation's."""
    applications = [one for one in documents(state, "application") if one["displayName"] != "Automation"]
    return [one["_secretText"] for app in applications for one in app["passwordCredentials"]]


def _rows(state: Path) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name in ("tenant", "management_node"):
        with closing(sqlite3.connect(f"file:{state / name}.sqlite?mode=ro", uri=True)) as connection:
            found += connection.execute("SELECT kind, body FROM documents WHERE body IS NOT NULL")
    return found


def _tidy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "random" if name in _RANDOM else _tidy(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_tidy(inner) for inner in value]
    if isinstance(value, str):
        return _HERE.sub("here", _TIME.sub("time", _GUID.sub("guid", value)))
    return value
