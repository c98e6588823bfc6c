# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module whose result may hold a secret: the play gets it, and nothing that prints or records does."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action.normal import ActionModule as RunModule

# The members of results that hold a secret.
SECRETS = {"password", "secret"}


class Censored(RunModule):  # type: ignore[misc]  # ansible-core is not typed
    """The module, with a result that is treated as no_log when there is a secret in it, whatever the task says."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The module's result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if SECRETS & result.keys():
            result["_ansible_no_log"] = True
            if result.get("failed"):  # the reason holds no secret, and would be hidden with the rest
                self._display.warning(f"{self._task.action}: {result.get('msg')}")
        return result
