# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in a module's documentation, as tasks that can be run."""

from __future__ import annotations

import ast
from typing import Any

import yaml

from . import ROOT

Task = dict[str, Any]


def examples(module: str) -> list[Task]:
    """The tasks of a module's EXAMPLES, in order, read without importing the module.

    They are what a reader would paste: run them with the tenant's ``auth()`` as defaults, and give the variables that they
    use as ``extra_vars``.

    Args:
        module: its short name, e.g. ``o365_impersonation``.

    Raises:
        LookupError: the module has no examples, one is not named, or none uses the module.
    """
    tree = ast.parse((ROOT / "plugins" / "modules" / f"{module}.py").read_text())
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if "EXAMPLES" not in constants:
        raise LookupError(f"{module} has no EXAMPLES")
    tasks: list[Task] = yaml.safe_load(ast.literal_eval(constants["EXAMPLES"]))
    unnamed = [task for task in tasks if not task.get("name")]
    if unnamed or not any(f"vmrops.o365.{module}" in task for task in tasks):
        raise LookupError(f"an example of {module} has no name, or none uses it: {unnamed or tasks}")
    return tasks
