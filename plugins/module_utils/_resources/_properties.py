# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed properties as tables: option, the service's name, type, and how values compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple


def same(wanted: Any, actual: Any) -> bool:
    """Equal, where the service gives None for an empty text."""
    return bool(wanted == actual) or (wanted == "" and actual is None)


def same_text(wanted: Any, actual: Any) -> bool:
    """Equal without regard to case, for addresses and enumerations."""
    return str(wanted or "").lower() == str(actual or "").lower()


def same_truth(wanted: Any, actual: Any) -> bool:
    """Equal as booleans, where the service may give "True" for true."""
    return str(wanted).lower() == str(actual).lower()


def same_number(wanted: Any, actual: Any) -> bool:
    """Equal as numbers, where the service may give "10" for 10."""
    return str(wanted) == str(actual)


class Property(NamedTuple):
    """One managed property.

    Args:
        option: the module's name for it.
        name: the service's name for it.
        type: Ansible's type of the option.
        choices: the accepted values, None for any.
        compare: whether a wanted and an actual value mean the same.
        elements: the type of a list's elements.
    """

    option: str
    name: str
    type: str = "str"
    choices: tuple[str, ...] | None = None
    compare: Callable[[Any, Any], bool] = same
    elements: str | None = None

    @property
    def argument(self) -> dict[str, Any]:
        """The option's argument specification."""
        specification: dict[str, Any] = {"type": self.type}
        if self.choices:
            specification["choices"] = list(self.choices)
        if self.elements:
            specification["elements"] = self.elements
        return specification


def arguments(properties: Iterable[Property]) -> dict[str, dict[str, Any]]:
    """The argument specification of a table."""
    return {one.option: one.argument for one in properties}


class Difference(NamedTuple):
    """What has to change: values to write by the service's names, and both sides by option for the diff."""

    values: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def difference(properties: Iterable[Property], options: Mapping[str, Any], actual: Mapping[str, Any]) -> Difference:
    """Compare the options that were given (not None) with an object as the service returned it."""
    values: dict[str, Any] = {}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for one in properties:
        wanted = options.get(one.option)
        if wanted is None:
            continue
        current = actual.get(one.name)
        before[one.option] = current
        if one.compare(wanted, current):
            after[one.option] = current
        else:
            after[one.option] = values[one.name] = wanted
    return Difference(values, before, after)
