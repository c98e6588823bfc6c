# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Exchange Online host name: the admin REST interface and EWS behind one address."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.types import ASGIApp

from . import ews, exchange
from .breaches import Breach, refuse
from .tenant import Tenant


def application(tenant: Tenant, urls: Mapping[str, str], breach: Breach = refuse) -> ASGIApp:
    """Both services as one ASGI application. ``breach`` is told of what their descriptions do not allow."""
    return Starlette(routes=[*exchange.routes(tenant, urls, breach), *ews.routes(tenant, urls, breach)])
