# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: the role on a simulated tenant, and the proof that it did what it says; and that tenant to try things on."""

from __future__ import annotations

import sys

from support import COLLECTIONS

# The collection is found under its full name, as Ansible finds it.
sys.path.insert(0, str(COLLECTIONS))
