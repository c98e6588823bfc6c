# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes when each task began, and when the last one had ended, to the file that SECONDS_FILE names."""

from __future__ import annotations

import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: seconds
type: aggregate
short_description: Writes when tasks begin
description: Writes when each task began, and when the last one had ended, to the file that SECONDS_FILE names.
author: the vmrops.o365 authors (@vmrops)
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core is not typed
    """The callback, as Ansible wants it to be called."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "seconds"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._write()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._write()

    def _write(self) -> None:
        with open(os.environ["SECONDS_FILE"], "a", encoding="utf-8") as file:
            file.write(f"{time.time()}\n")
