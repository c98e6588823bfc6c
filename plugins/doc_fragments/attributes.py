# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the attributes that every state module has."""

from __future__ import annotations


class ModuleDocFragment:
    """What can be relied on."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Predicts the steps of a run without writing anything; the steps are those that the run would take.
  diff_mode:
    support: full
    description: Shows the managed properties before and after; secrets are masked on both sides.
  idempotent:
    support: full
    description: A second run with the same options changes nothing and sends no write.
  platform:
    support: full
    platforms: posix
    description: Target operating systems of the host that runs the module.
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Reads, and changes nothing, in check mode as well.
  diff_mode:
    support: N/A
    description: There is nothing that could differ.
  idempotent:
    support: N/A
    description: Changes nothing.
  platform:
    support: full
    platforms: posix
    description: Target operating systems of the host that runs the module.
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    support: full
    description: Use C(module_defaults) with C(group/vmrops.o365.o365) to set options of all modules at once.
    membership:
      - vmrops.o365.o365
"""
