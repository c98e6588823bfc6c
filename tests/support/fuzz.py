# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to fuzz, and what with.

The same examples are tried in every run, so that what fails once fails again. With FUZZ=2000 in the environment, that many of
each kind are tried, other ones in every run; those that failed are remembered in .cache.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from . import ROOT

FUZZ = int(os.environ.get("FUZZ", "0"))

# What stands where a service's value was.
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(
        [-1, 0, 10**4000, 2**63, 1.5, -0.0, [], {}, [[]], [None], [{}], {"": None}, "", "*", "..", "null", "True"]
    ),
    st.sampled_from(["9999-99-99T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-02-30T00:00:00Z"]),
    st.text(max_size=8),
    st.recursive(st.none() | st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)),
)


def examples(number: int) -> Callable[[Any], Any]:
    """The decorator with which a test is fuzzed; ``number`` examples, unless FUZZ says otherwise."""
    if FUZZ:
        database = DirectoryBasedExampleDatabase(ROOT / ".cache" / "hypothesis")
        more: dict[str, Any] = {"max_examples": FUZZ, "database": database}
    else:
        more = {"max_examples": number, "derandomize": True, "database": None}
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(deadline=None, suppress_health_check=checks, **more)


def places(document: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to everything within a document, itself first."""
    found = [here]
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, inner in items:
        found += places(inner, (*here, name))
    return found


def replaced(document: Any, way: tuple[Any, ...], value: Any) -> Any:
    """A copy with the value there; without that member when the value is ``MISSING``."""
    if not way:
        return None if value is MISSING else value
    name, *rest = way
    copy = dict(document) if isinstance(document, dict) else list(document)
    if not rest and value is MISSING:
        del copy[name]
    else:
        copy[name] = replaced(document[name], tuple(rest), value)
    return copy


MISSING = object()
