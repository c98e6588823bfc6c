# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m bench [part ...]``: measure, print tables, write .cache/bench/results.json and a chart for each part."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import ansible.release
from support import ROOT

from .chart import draw
from .measure import Row
from .parts import PARTS

# How much is measured: enough for stable ratios, and enough to see that the bench works.
WHOLE: dict[str, Row] = {
    "overhead": {"tasks": 40},
    "elsewhere": {"tasks": 40},
    "role": {"latencies": (0, 50, 300)},
    "mailboxes": {"sizes": (1, 10, 100, 1000)},
    "tenants": {"sizes": (1, 10, 100), "forks": (1, 5, 20)},
}
SMALL: dict[str, Row] = {
    "overhead": {"tasks": 3},
    "elsewhere": {"tasks": 3},
    "role": {"latencies": (0,)},
    "mailboxes": {"sizes": (1, 2)},
    "tenants": {"sizes": (1, 2), "forks": (2,)},
}


def main() -> int:
    """Read the command line and measure; the exit status."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all when left out")
    parser.add_argument("--output", type=Path, default=ROOT / ".cache" / "bench")
    parser.add_argument("--small", action="store_true", help="only to see that it works; the figures say nothing")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    output: Path = options.output
    output.mkdir(parents=True, exist_ok=True)
    results = output / "results.json"
    kept = json.loads(results.read_text()) if results.exists() else {}
    for part in options.parts or PARTS:
        title, measured = PARTS[part]
        with tempfile.TemporaryDirectory() as directory:
            rows = list(measured(Path(directory), **(SMALL if options.small else WHOLE).get(part, {})))
        print(f"\n{title}\n\n{table(rows)}", flush=True)
        kept[part] = {"machine": machine(), "rows": rows}
        results.write_text(json.dumps(kept, indent=2) + "\n")
        draw(title, rows, output / f"{part}.svg")
    print(f"\nWritten to {output}")
    return 0


def machine() -> dict[str, str]:
    """Where and when this was measured."""
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    versions = {"python": platform.python_version(), "ansible-core": ansible.release.__version__}
    return {**versions, "cores": str(os.cpu_count()), "load": load}


def table(rows: Sequence[Row]) -> str:
    """Rows as a table of Markdown."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [[shown(row.get(name, "")) for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [columns, ["---"] * len(columns), *lines])


def shown(figure: object) -> str:
    """A figure with as many digits as mean something."""
    return (f"{figure:.3f}" if figure < 10 else f"{figure:.1f}") if isinstance(figure, float) else str(figure)


if __name__ == "__main__":
    sys.exit(main())
