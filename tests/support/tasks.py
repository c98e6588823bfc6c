# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks to run several of in one playbook, and what they must have sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .ansible import Result, Run
from .simulator import Request


def task(title: str, module: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """A task that goes on after a failure. ``check`` runs it, and it alone, in check mode; ``_name`` becomes ``name``."""
    arguments = {key.removeprefix("_"): value for key, value in options.items()}
    made = {"name": title, f"vmrops.o365.{module}": arguments, "ignore_errors": True}
    return {**made, "check_mode": True} if check else made


def good(run: Run, *titles: str) -> list[Result]:
    """The results of these tasks, none of which may have failed."""
    results = [run[title] for title in titles]
    failed = [f"{one.task}: {one.msg}" for one in results if one.status != "ok"]
    assert not failed, "\n".join(failed)
    return results


def refused(run: Run, title: str, *words: str) -> Result:
    """The result of a task that must have failed before it changed anything, with a message that has these words."""
    result = run[title]
    assert result.status == "failed", f"{title} should have failed: {result.result}"
    assert not result.changed, result.result
    missing = [word for word in words if word not in result.msg]
    assert not missing, f"{title} does not say {missing}: {result.msg}"
    assert "Traceback" not in str(result.result), result.result
    return result


def commands(requests: Iterable[Request]) -> list[Any]:
    """The Exchange commands that were sent, as cmdlet and parameters."""
    return [request.request["CmdletInput"] for request in requests if request.service == "outlook"]


def planned(*results: Result) -> list[Any]:
    """The Exchange commands of these results' steps, in order."""
    return [
        step["body"]["CmdletInput"] for result in results for step in result["steps"] if step["service"] == "exchange"
    ]
