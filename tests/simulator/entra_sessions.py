# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of people's browsers: a sealed cookie that says who signed in, how and when."""

from __future__ import annotations

import time

from starlette.responses import Response

from .store import Document
from .tenant import Tenant

COOKIE = "ESTSAUTH"
_SECONDS = 24 * 3600


def start(tenant: Tenant, response: Response, user: Document, methods: tuple[str, ...]) -> None:
    """Remember who signed in."""
    session = {"user": user["id"], "methods": list(methods), "since": time.time()}
    sealed = tenant.tokens.seal("session", session, _SECONDS)
    response.set_cookie(COOKIE, sealed, path="/", secure=True, httponly=True, samesite="none")


def end(response: Response) -> None:
    """Forget it."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="none")


def of(tenant: Tenant, cookie: str) -> tuple[Document | None, tuple[str, ...]]:
    """Who the cookie says is signed in and by which methods; nobody when it is old, changed or ended since."""
    session = tenant.tokens.unseal("session", cookie)
    user = tenant.fresh.get("user", session["user"]) if session else None
    if session is None or user is None or session["since"] < user.get("_sessionsValidFrom", 0):
        return None, ()
    if user.get("deletedDateTime") or not user["accountEnabled"]:
        return None, ()
    return user, tuple(session["methods"])
