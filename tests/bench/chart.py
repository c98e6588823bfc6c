# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A chart of a part's rows: curves where they tell of growth, else bars."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[Mapping[str, Any]]
# "100 made, 2 % throttled": how many, and of what.
_GROWN = re.compile(r"(\d+) (.+)")


def draw(title: str, rows: Rows, path: Path) -> None:
    """Write a chart as SVG."""
    import matplotlib as mpl  # type: ignore[import-not-found,unused-ignore]  # only `make bench` installs it
    from matplotlib import pyplot as plt  # type: ignore[import-not-found,unused-ignore]

    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "font.size": 9})
    columns = [name for name in dict.fromkeys(name for row in rows for name in row) if name != "what"]
    grown = all(_GROWN.fullmatch(str(row["what"])) for row in rows)
    figure = (_curves if grown else _bars)(plt, rows, columns)
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def _curves(plt: Any, rows: Rows, columns: Sequence[str]) -> Any:
    """A panel for each column, with a curve for each kind of row over its number."""
    figure, panels = plt.subplots(1, len(columns), figsize=(3.2 * len(columns), 4), squeeze=False)
    kinds = dict.fromkeys(_kind(row) for row in rows)
    for axes, column in zip(panels[0], columns, strict=True):
        for kind in kinds:
            points = [(_number(row), row[column]) for row in rows if _kind(row) == kind and column in row]
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=kind)
        axes.set_xscale("symlog")
        axes.set_ylim(bottom=0)
        axes.set_title(column, fontsize="medium")
    panels[0][0].legend(fontsize="small")
    return figure


def _number(row: Mapping[str, Any]) -> int:
    return int(str(row["what"]).split(" ", 1)[0])


def _kind(row: Mapping[str, Any]) -> str:
    return str(row["what"]).split(" ", 1)[1]


def _bars(plt: Any, rows: Rows, columns: Sequence[str]) -> Any:
    """A group for each row, on a logarithmic axis, where a ratio is a distance."""
    figure, axes = plt.subplots(figsize=(9, 1 + 0.3 * len(rows) * max(1, len(columns) // 3)))
    height = 0.8 / len(columns)
    for number, name in enumerate(columns):
        places = [place + number * height for place in range(len(rows))]
        axes.barh(places, [row.get(name) or 0 for row in rows], height, label=name)
    axes.set_yticks([place + 0.4 for place in range(len(rows))], [str(row["what"]) for row in rows])
    axes.invert_yaxis()
    axes.set_xscale("symlog", linthresh=0.001)
    axes.legend(fontsize="small")
    return figure
