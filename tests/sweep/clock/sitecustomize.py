# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client's clock that is off: Python reads this file at its start when PYTHONPATH leads here."""

import os
import time

_right, _off = time.time, float(os.environ.get("SWEEP_CLOCK", "0"))
time.time = lambda: _right() + _off
