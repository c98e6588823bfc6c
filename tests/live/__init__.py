# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection on a real tenant, and what the simulator answers to the same: where the two differ, the simulator is wrong."""

from __future__ import annotations

import sys

from support import COLLECTIONS

# The collection is found under its full name, as Ansible finds it.
sys.path.insert(0, str(COLLECTIONS))
