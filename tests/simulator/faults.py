# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on purpose: rules read from a YAML list, first match wins."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml


@dataclass
class Fault:
    """One rule. ``match`` maps service, method, path or cmdlet to a regular expression (searched, not anchored).

    ``skip`` matching requests are left alone, then of the others each that is the last of ``every`` gets what ``do`` says,
    up to ``times`` (0 = all), ``before`` or ``after`` the request took effect:
    ``respond`` with ``status``, ``headers``, ``body``; ``drop`` the connection; ``delay`` the
    answer by ``seconds``; ``stall`` for ``seconds`` and then drop; ``hold``, which is logged at once and never answered.
    ``{request}`` in a text of the body stands for the request, headers and credentials included.
    """

    match: dict[str, str]
    do: Literal["respond", "drop", "delay", "stall", "hold"]
    when: Literal["before", "after"] = "before"
    skip: int = 0
    times: int = 1
    every: int = 1
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 5.0
    seen: int = 0

    def __post_init__(self) -> None:
        unknown = set(self.match) - {"service", "method", "path", "cmdlet"}
        if unknown:
            raise ValueError(f"a fault's match knows service, method, path and cmdlet, not {sorted(unknown)}")
        for pattern in self.match.values():
            re.compile(pattern)

    def applies(self, facts: dict[str, str]) -> bool:
        """Whether this request gets the fault; counts it when the rule matches."""
        if not all(re.search(pattern, facts.get(name, "")) for name, pattern in self.match.items()):
            return False
        self.seen += 1
        hits, rest = divmod(self.seen - self.skip, self.every)
        return self.seen > self.skip and rest == 0 and (self.times == 0 or hits <= self.times)

    def content(self, request: bytes = b"") -> tuple[bytes, str]:
        """The body to respond with, and its content type."""
        body = _filled(self.body, request.decode("utf-8", "replace"))
        if isinstance(body, str):
            return body.encode(), "text/plain"
        return (b"" if body is None else json.dumps(body).encode()), "application/json"


def _filled(value: Any, request: str) -> Any:
    """The same with the request in place of ``{request}``."""
    if isinstance(value, dict):
        return {name: _filled(inner, request) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, request) for inner in value]
    return value.replace("{request}", request) if isinstance(value, str) else value


class Faults:
    """The rules of one faults file, in order."""

    def __init__(self, rules: list[Fault]) -> None:
        self.rules = rules

    @classmethod
    def load(cls, path: Path | None) -> Faults:
        """Read a YAML list of rules; no path, no faults. Raises TypeError or ValueError for a rule it cannot read."""
        if path is None:
            return cls([])
        return cls([Fault(**rule) for rule in yaml.safe_load(path.read_text()) or []])

    def pick(self, facts: dict[str, str]) -> Fault | None:
        """The first rule that applies to a request with these facts (service, method, path, cmdlet)."""
        return next((rule for rule in self.rules if rule.applies(facts)), None)
