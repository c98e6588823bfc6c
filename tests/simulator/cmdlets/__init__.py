# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange Online cmdlets. Importing this package registers them; see :mod:`.base`."""

from __future__ import annotations

from . import (
    apps,
    assignments,
    calendar,
    folders,
    groups,
    mailboxes,
    organization,
    permissions,
    principals,
    recipients,
    scopes,
)
from .base import REGISTRY, BindingError, Call, Cmdlet, CmdletError
from .binding import DOCUMENTED, bind
from .shapes import annotated

# Documented, and part of the contract, but not simulated: they answer as a cmdlet that is not allowed.
NOT_SIMULATED = frozenset(DOCUMENTED.values()) - frozenset(one.name for one in REGISTRY.values())

FAMILIES = (
    apps,
    assignments,
    calendar,
    folders,
    groups,
    mailboxes,
    organization,
    permissions,
    principals,
    recipients,
    scopes,
)

__all__ = [
    "DOCUMENTED",
    "FAMILIES",
    "NOT_SIMULATED",
    "REGISTRY",
    "BindingError",
    "Call",
    "Cmdlet",
    "CmdletError",
    "annotated",
    "bind",
]
