# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action that works on files of the controller, and fails in words."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


class FileAction(ActionBase):  # type: ignore[misc]  # ansible-core is not typed
    """What is raised as AnsibleActionFail becomes a result; before ansible-core 2.19 it would be shown as a traceback."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            return {**result, **self.outcome()}
        except AnsibleActionFail as error:
            return {**result, "failed": True, "msg": str(error)}

    def outcome(self) -> dict[str, Any]:
        """What the task adds to the result, of its own arguments."""
        raise NotImplementedError
