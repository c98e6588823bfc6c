# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module of the same name."""

from __future__ import annotations

from ansible_collections.vmrops.o365.plugins.modules import o365_calendar_info
from ansible_collections.vmrops.o365.plugins.plugin_utils._action import LIBRARIES, SERVICES, Action


class ActionModule(Action, module=o365_calendar_info, libraries=(*LIBRARIES, f"{SERVICES}.calendars", "exchangelib")):
    """Runs the module."""
