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

    With ``item`` it is for the items of batches alone, each of them by its cmdlet, or by its method and path. Such a rule
    responds to the item, before it took effect or after; anything else it does to the whole batch.

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
        unknown = set(self.match) - {"service", "method", "path", "cmdlet", "item"}
        if unknown:
            raise ValueError(f"a fault's match knows service, method, path, cmdlet and item, not {sorted(unknown)}")
        for pattern in self.match.values():
            re.compile(pattern)

    def applies(self, facts: dict[str, str]) -> bool:
        """Whether this request gets the fault; counts it when the rule matches."""
        if ("item" in self.match) != ("item" in facts):
            return False
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

    @property
    def in_batches(self) -> bool:
        """Whether any rule is for the items of batches."""
        return any("item" in rule.match for rule in self.rules)

    def pick(self, facts: dict[str, str]) -> Fault | None:
        """The first rule that applies to a request with these facts (service, method, path, cmdlet)."""
        return next((rule for rule in self.rules if rule.applies(facts)), None)


class Disturbed:
    """A batch of which some items are to go wrong.

    Args:
        faults: by whose rules.
        facts: of the request; what is no batch is left alone.
        body: the request as it came.
    """

    def __init__(self, faults: Faults, facts: dict[str, str], body: bytes) -> None:
        self.request, self.nothing_left = body, False
        self.picked: dict[str, Fault] = {}
        if not faults.in_batches or not facts["path"].endswith("/$batch"):
            return
        try:
            batch = json.loads(body)
            items = {str(item["id"]): item for item in batch["requests"]}
        except (ValueError, KeyError, TypeError):
            return  # the service says what is wrong with it
        for key, item in items.items():
            fault = faults.pick({**facts, "item": _operation(item)})
            if fault:
                self.picked[key] = fault
        before = {key for key, fault in self.picked.items() if fault.when == "before"}
        left = [item for key, item in items.items() if key not in before]
        self.request, self.nothing_left = json.dumps({**batch, "requests": left}).encode(), not left

    @property
    def whole(self) -> Fault | None:
        """What is done to the whole batch because of one of its items."""
        return next((fault for fault in self.picked.values() if fault.do != "respond"), None)

    def answered(self, content: bytes) -> bytes:
        """The batch's answer with those of the items that went wrong."""
        answer = json.loads(content)
        kept = [one for one in answer["responses"] if one["id"] not in self.picked]
        wrong = [
            {"id": key, "status": fault.status, "headers": fault.headers, "body": fault.body}
            for key, fault in self.picked.items()
        ]
        return json.dumps({**answer, "responses": kept + wrong}).encode()


def _operation(item: Any) -> str:
    """What an item of a batch asks for."""
    command = item.get("body", {}).get("CmdletInput") if isinstance(item.get("body"), dict) else None
    if isinstance(command, dict):
        return str(command["CmdletName"])
    path, _rest, _query = str(item.get("url")).partition("?")
    return f"{item.get('method')} {path}"
