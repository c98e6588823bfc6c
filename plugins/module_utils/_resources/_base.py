# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What most managed objects have nothing to add to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._plan import Plan

if TYPE_CHECKING:
    from ._readers import Object, Readers


class Managed:
    """Defaults for the optional parts of a managed object."""

    def prove(self, readers: Readers, state: Any) -> dict[str, Any]:
        """Nothing that a read does not show already."""
        return {}

    def secrets(self, answers: Mapping[str, Object]) -> dict[str, Any]:
        """No secret was made."""
        return {}


class Many(NamedTuple):
    """Objects to be managed in one run.

    Args:
        kind: what they are called, which is also the name of the result's list.
        members: each with the name that messages have for it. None depends on another.
    """

    kind: str
    members: Sequence[tuple[str, Any]]


class Report(Managed):
    """What a module that only reads finds out."""

    def report(self, readers: Readers) -> dict[str, Any]:
        """The module's result, with ``warnings``."""
        raise NotImplementedError

    def read(self, readers: Readers, answers: Mapping[str, Object]) -> dict[str, Any]:
        """The report is all there is to read."""
        return self.report(readers)

    def plan(self, state: Mapping[str, Any]) -> Plan:
        """Nothing to do."""
        return Plan(warnings=state["warnings"])

    def result(self, state: Mapping[str, Any], answers: Mapping[str, Object]) -> dict[str, Any]:
        """The report, without what is said in another way."""
        return {name: value for name, value in state.items() if name != "warnings"}
