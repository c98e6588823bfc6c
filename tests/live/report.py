# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written: the transcript of both sides as JSON, the differences as JSON and as a page of Markdown."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .calls import Exchange
from .compare import Difference, Pair, Side
from .stages import Ended

# In the order in which they matter, with what each is.
KINDS = {
    "only": "Calls that only one side was asked",
    "status": "Another status",
    "error": "Other words of an error",
    "header": "Headers that clients act on",
    "type": "Another JSON type",
    "form": "Another form of a text",
    "member": "Members that only one side has",
    "null": "Null on one side; the tenants' data may explain that",
}


@dataclass(frozen=True)
class Told:
    """One side: how its stages ended, and what was said in them."""

    ended: Sequence[Ended]
    side: Side


def write(
    directory: Path, version: str, found: Sequence[Pair], listed: Sequence[Difference], tenant: Told, simulator: Told
) -> None:
    """Write report.md, differences.json and transcript.json, readable by their owner alone."""
    directory.mkdir(parents=True, mode=0o700)
    entries = [
        {
            "number": number,
            "stage": pair.stage,
            "operation": pair.operation,
            "tenant": _shown(pair.tenant, tenant.side),
            "simulator": _shown(pair.simulator, simulator.side),
        }
        for number, pair in enumerate(found, 1)
    ]
    stages = _stages(tenant, simulator)
    content = {"collection": version, "stages": stages, "differences": [asdict(one) for one in listed]}
    _private(directory / "transcript.json", json.dumps(entries, indent=1))
    _private(directory / "differences.json", json.dumps(content, indent=1))
    _private(directory / "report.md", _page(version, stages, found, listed))


def _shown(one: Exchange | None, side: Side) -> dict[str, Any] | None:
    if one is None:
        return None
    clean = side.cleaner
    return {
        "at": one.call.at,
        "service": one.call.service,
        "method": one.method,
        "path": "/" + "/".join(clean.value(part) for part in one.path),
        "query": {name: clean.speech(text) for name, text in one.query.items()},
        "request_headers": clean.headers(one.call.request_headers),
        "request": clean.value(one.request),
        "status": one.status,
        "failure": clean.speech(one.call.failure),
        "response_headers": clean.headers(one.headers),
        "response": clean.value(one.response),
    }


def _stages(tenant: Told, simulator: Told) -> list[dict[str, str]]:
    by_name = [
        {one.stage: told.side.cleaner.speech(one.problem) or "done" for one in told.ended}
        for told in (tenant, simulator)
    ]
    names = dict.fromkeys([*by_name[0], *by_name[1]])
    return [
        {"stage": name, "tenant": by_name[0].get(name, "not run"), "simulator": by_name[1].get(name, "not run")}
        for name in names
    ]


def _page(version: str, stages: Sequence[dict[str, str]], found: Sequence[Pair], listed: Sequence[Difference]) -> str:
    both = sum(1 for pair in found if pair.tenant and pair.simulator)
    lines = [
        "# A tenant and the simulator",
        "",
        f"vmrops.o365 {version}. {both} answers were compared, in which {count(listed)} differences were seen; "
        f"{len(found) - both} calls were sent to one side only. The numbers are those of transcript.json.",
        "",
        *_table(("Stage", "Tenant", "Simulator"), ([one["stage"], one["tenant"], one["simulator"]] for one in stages)),
    ]
    for kind, title in KINDS.items():
        rows = [one for one in listed if one.kind == kind]
        if rows:
            lines += ["", f"## {title}", ""]
            lines += _table(
                ("Operation", "Where", "Tenant", "Simulator", "Seen in"),
                ([one.operation, one.where, one.tenant, one.simulator, _numbers(one.pairs)] for one in rows),
            )
    return "\n".join([*lines, ""])


def count(listed: Sequence[Difference]) -> int:
    """How many of them are of answers."""
    return sum(one.kind != "only" for one in listed)


def _numbers(pairs: Sequence[int]) -> str:
    shown = ", ".join(map(str, pairs[:8]))
    return f"{shown} and {len(pairs) - 8} more" if len(pairs) > 8 else shown


def _table(head: Sequence[str], rows: Any) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(_cell(str(one)) for one in line)} |" for line in lines]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "\\<")


def _private(path: Path, text: str) -> None:
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", errors="backslashreplace"
    ) as file:
        file.write(text if text.endswith("\n") else f"{text}\n")
