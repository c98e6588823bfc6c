# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Management Node's address. It answers, and says that the management API is not simulated yet."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from .tenant import Tenant


def application(tenant: Tenant, urls: Mapping[str, str]) -> ASGIApp:
    """Every path answers 501."""

    async def nothing(request: Request) -> Response:
        return JSONResponse({"error": "The management API is not simulated yet"}, 501)

    return Starlette(routes=[Route("/{path:path}", nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])])
