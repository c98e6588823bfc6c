# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A chart of a part's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def draw(title: str, rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write bars, a group for each row, as SVG; a logarithmic axis, for a ratio is a distance there."""
    import matplotlib as mpl  # type: ignore[import-not-found,unused-ignore]  # only `make bench` installs it
    from matplotlib import pyplot as plt  # type: ignore[import-not-found,unused-ignore]

    mpl.use("svg")
    columns = [name for name in dict.fromkeys(name for row in rows for name in row) if name != "what"]
    figure, axes = plt.subplots(figsize=(9, 1 + 0.3 * len(rows) * max(1, len(columns) // 3)))
    height = 0.8 / len(columns)
    for number, name in enumerate(columns):
        places = [place + number * height for place in range(len(rows))]
        axes.barh(places, [row.get(name) or 0 for row in rows], height, label=name)
    axes.set_yticks([place + 0.4 for place in range(len(rows))], [str(row["what"]) for row in rows])
    axes.invert_yaxis()
    axes.set_xscale("symlog", linthresh=0.001)
    axes.set_title(title)
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
