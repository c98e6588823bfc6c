# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of the same name returns the password that it makes."""

from __future__ import annotations

from ansible_collections.vmrops.o365.plugins.plugin_utils._censored import Censored


class ActionModule(Censored):
    """Runs the module."""
