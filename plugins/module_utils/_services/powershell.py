# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cmdlet call as an administrator would have typed it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# PowerShell takes typographic quotes for quotes, and any of them ends a text.
_QUOTE = re.compile("['\u2018\u2019\u201a\u201b]")
SWITCHES = frozenset({"Equipment", "Room", "Shared", "Force", "OrganizationApp", "PermanentlyDelete", "Delegating"})


def command_line(cmdlet: str, parameters: Mapping[str, Any]) -> str:
    """The command line, quoted for PowerShell: ``New-Mailbox -Name 'VMR' -Equipment``."""
    words = [cmdlet]
    for name, value in parameters.items():
        if name in SWITCHES and value is True:
            words.append(f"-{name}")
        elif name == "Confirm" or name in SWITCHES:
            words.append(f"-{name}:{_literal(value)}")
        else:
            words.append(f"-{name} {_literal(value)}")
    return " ".join(words)


def _literal(value: Any) -> str:
    if value is None:
        return "$null"
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return ",".join(_literal(one) for one in value) if value else "@()"
    if isinstance(value, Mapping):
        inner = "; ".join(f"{name}={_literal(one)}" for name, one in value.items() if not name.startswith("@"))
        return "@{" + inner + "}"
    if isinstance(value, bytes):
        return "([IO.File]::ReadAllBytes('manifest.xml'))"
    return "'" + _QUOTE.sub(r"\g<0>\g<0>", str(value)) + "'"
