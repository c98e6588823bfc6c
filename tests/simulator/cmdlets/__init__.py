# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange Online cmdlets. Importing this package registers them; see :mod:`.base`."""

from __future__ import annotations

from . import (
    access_policies,
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
    regional,
    role_groups,
    scopes,
)
from .base import REGISTRY, BindingError, Call, Cmdlet, CmdletError
from .binding import DOCUMENTED, bind
from .shapes import annotated

FAMILIES = (
    access_policies,
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
    regional,
    role_groups,
    scopes,
)

__all__ = [
    "DOCUMENTED",
    "FAMILIES",
    "REGISTRY",
    "BindingError",
    "Call",
    "Cmdlet",
    "CmdletError",
    "annotated",
    "bind",
]
