# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module's documentation says that it returns, against what it did return.

Keys and types must be the documented ones. A sample that is a text must be what some of the results have there, but for ids,
times and the names of servers, and one that is a dictionary must have the keys of some; where no result has anything there, a
sample must be of the documented type.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from . import ROOT
from .ansible import Result

Data = dict[str, Any]
# What Ansible has in results of its own accord.
ANSIBLES = {"changed", "changed_when_result", "diff", "failed", "invocation", "warnings", "deprecations"}
TYPES: dict[str, type | tuple[type, ...]] = {
    "bool": bool,
    "dict": dict,
    "float": (int, float),
    "int": int,
    "list": list,
    "str": str,
}
# Nobody is to see one, not even as a sample.
SECRETS = {"password", "secret.value"}
_VOLATILE = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b20\d\d-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d:\d\d)?"), "TIME"),
    (re.compile(r"\b0400000082[0-9A-F]+\b"), "ID"),
    (re.compile(r"https://[^/]+"), "SERVER"),
    (re.compile(r"\bin \d+ days\b"), "in DAYS"),
    (re.compile(r"^/\S*/(?=[\w-]+\.\w+$)"), "DIRECTORY/"),
)


def documented(module: str) -> Data:
    """A module's RETURN, read without importing the module."""
    for node in ast.parse((ROOT / "plugins" / "modules" / f"{module}.py").read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "RETURN":
            found: Data = yaml.safe_load(ast.literal_eval(node.value))
            return found
    raise LookupError(f"{module} does not say what it returns")


def differences(module: str, results: Iterable[Result]) -> list[str]:
    """Where the documentation is not what the module's successful results are; empty when it is.

    Args:
        module: its short name.
        results: of whichever tasks; those of other modules, and hidden ones, are passed over.
    """
    shown = [
        each
        for one in results
        if one.action == f"vmrops.o365.{module}" and one.status == "ok"
        for each in one.result.get("results", [one.result])
        if "censored" not in each
    ]
    if not shown:
        raise LookupError(f"there is no result of {module} to compare with")
    values = [
        {name: value for name, value in one.items() if name not in ANSIBLES and not name.startswith(("_", "ansible_"))}
        for one in shown
    ]
    return sorted(set(_members(documented(module), values, "")))


def _members(expected: Mapping[str, Data], values: list[Data], place: str) -> Iterator[str]:
    """The same of the members of dictionaries that should have these."""
    for name in sorted({name for value in values for name in value} - set(expected)):
        yield f"{place}{name} is returned, and not documented"
    for name, about in expected.items():
        if about.get("returned") == "failure":
            continue
        found = [value[name] for value in values if name in value]
        if len(found) < len(values) and about.get("returned", "success") == "success":
            yield f"{place}{name} is documented, and not in every result"
        yield from _value(about, found, place + name)


def _value(about: Data, found: list[Any], place: str) -> Iterator[str]:
    """The same of what one place has in these results."""
    kind, there = about["type"], [value for value in found if value is not None]
    wrong = [value for value in there if not _is(value, kind)]
    if wrong:
        yield f"{place} is no {kind}: {wrong[0]!r}"
    if kind == "list":
        if "elements" not in about:
            yield f"{place} does not say what it is a list of"
        elements = [element for value in there for element in value]
        if [element for element in elements if not _is(element, about.get("elements", "str"))]:
            yield f"{place} holds other things than {about['elements']}"
        there_within = [element for element in elements if isinstance(element, dict)]
    else:
        there_within = [value for value in there if isinstance(value, dict)]
    if "contains" in about:
        yield from _members(about["contains"], there_within, f"{place}.")
    elif place not in SECRETS:
        yield from _sample(about, found, place)


def _sample(about: Data, found: list[Any], place: str) -> Iterator[str]:
    if "sample" not in about:
        yield f"{place} has no sample"
        return
    sample = about["sample"]
    if sample is not None and not _is(sample, about["type"]):
        yield f"{place}: the sample is no {about['type']}: {sample!r}"
    telling = [value for value in found if value not in (None, "", [], {})]
    if telling and not any(_like(sample, value) for value in found):
        yield f"{place}: the sample {sample!r} is none of what was returned, such as {telling[0]!r}"


def _like(sample: Any, value: Any) -> bool:
    """Texts must be the same, lists hold the same things, and dictionaries have the same keys; numbers may be any."""
    if isinstance(sample, dict) and isinstance(value, dict):
        return sample.keys() == value.keys()
    if isinstance(sample, list) and isinstance(value, list):
        return all(any(_like(one, another) for another in value) for one in sample)
    if isinstance(sample, str) and isinstance(value, str):
        return _plain(sample) == _plain(value)
    return type(sample) is type(value)


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))


def _plain(text: str) -> str:
    """The text without what is another in each run."""
    for pattern, name in _VOLATILE:
        text = pattern.sub(name, text)
    return text
