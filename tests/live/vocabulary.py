# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that are nobody's: published names and ids, and what the simulator says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from simulator import seed

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@cache
def published() -> frozenset[str]:
    """Every word of the services' published descriptions: members, enumerations, products, permissions, roles, their ids."""
    words = {
        word
        for path in seed.CONTRACTS.glob("*.json")
        for word in strings(json.loads(path.read_text()))
        if len(word) < 80
    }
    for permissions in (seed.GRAPH_PERMISSIONS, seed.EXCHANGE_PERMISSIONS):
        words.update(permissions, (key for pair in permissions.values() for key in pair if key))
    words.update(seed.DIRECTORY_ROLES, seed.DIRECTORY_ROLES.values(), seed.MANAGEMENT_ROLES)
    return frozenset(words | {seed.GRAPH_APP_ID, seed.EXCHANGE_APP_ID, "True", "False", "true", "false", ""})


def strings(value: Any) -> Iterator[str]:
    """Every text within, names of members too."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value
