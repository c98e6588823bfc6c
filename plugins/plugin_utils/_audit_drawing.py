# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sequence of steps as a picture: where everything goes. How it looks is in audit/page.css and page.html.j2. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LETTERS = 21  # of a step's name in one line


@dataclass(frozen=True)
class Node:
    """A step in the picture.

    Args:
        name: its name; ``lines`` the same, broken into lines.
        state: one of _audit.STATES.
        x, y: the middle of its sign.
    """

    name: str
    lines: Sequence[str]
    state: str
    x: int
    y: int


@dataclass(frozen=True)
class Drawing:
    """A picture.

    Args:
        name: tells it from the page's other pictures.
        width, height: of all of it.
        nodes: the steps.
        path: the way from the first to the last, as SVG writes paths.
        anchor: where texts begin or have their middle, beside or below the sign: start or middle.
    """

    name: str
    width: int
    height: int
    nodes: Sequence[Node]
    path: str
    anchor: str


def wide(steps: Sequence[Mapping[str, Any]], columns: int = 5, cell: int = 176, row: int = 122) -> Drawing:
    """The steps in rows, each row from left to right."""
    count = len(steps)
    rows = -(-count // columns)
    columns = -(-count // max(rows, 1))  # rows of about the same length
    nodes = [
        _node(step, cell // 2 + number % columns * cell, 26 + number // columns * row)
        for number, step in enumerate(steps)
    ]
    path = []
    for number, node in enumerate(nodes):
        turned = number and number % columns == 0
        middle = node.y - 24
        path.append(
            f"H{columns * cell - 6} V{middle} H{node.x} V{node.y}"
            if turned
            else f"{'L' if number else 'M'}{node.x} {node.y}"
        )
    return Drawing("wide", columns * cell, rows * row, nodes, " ".join(path), "middle")


def narrow(steps: Sequence[Mapping[str, Any]], row: int = 58, width: int = 360) -> Drawing:
    """The steps one below the other."""
    nodes = [_node(step, 24, 28 + number * row) for number, step in enumerate(steps)]
    path = f"M24 28 V{nodes[-1].y}" if nodes else ""
    return Drawing("narrow", width, len(nodes) * row, nodes, path, "start")


def _node(step: Mapping[str, Any], x: int, y: int) -> Node:
    name = str(step["name"])
    return Node(name, textwrap.wrap(name, LETTERS), str(step["state"]), x, y)
