# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How objects look on the wire: the type annotations beside each property (live capture of May 2024)."""

from __future__ import annotations

import re
from typing import Any

from ..store import Document

_GUIDS = {"guid", "exchangeguid", "archiveguid", "disabledarchiveguid", "exchangeobjectid", "immutableguid"}
_INT16 = {"pitrcopyintervalinseconds"}
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?Z")


def annotated(document: Document, select: list[str] | None = None) -> Document:
    """An output object with its ``@data.type`` and ``@odata.type`` members.

    Args:
        document: property values; names with a leading underscore are left out, times are Graph's form.
        select: property names to keep (compared without case), or None for all.
    """
    wanted = None if select is None else {name.lower() for name in select}
    shown: Document = {}
    for name, value in document.items():
        if name.startswith("_") or (wanted is not None and name.lower() not in wanted):
            continue
        for annotation, kind in _types(name, value):
            shown[f"{name}@{annotation}.type"] = kind
        shown[name] = _value(name, value)
    return shown


def _types(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [("odata", "#Collection(String)")]
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, int):
        if name.lower() in _INT16:
            return [("data", "System.Int16"), ("odata", "#Int16")]
        return [("data", "System.Int32")]
    if name.lower() in _GUIDS:
        return [("data", "System.Guid"), ("odata", "#Guid")]
    if isinstance(value, str) and _is_time(name, value):
        return [("data", "System.DateTime")]
    return []


def _value(name: str, value: Any) -> Any:
    if isinstance(value, str) and _is_time(name, value):
        return _MOMENT.sub(r"\1.0000000" + ("Z" if name.lower().endswith("utc") else "+00:00"), value)
    return value


def _is_time(name: str, value: str) -> bool:
    return name.lower().startswith("when") and bool(_MOMENT.fullmatch(value))
