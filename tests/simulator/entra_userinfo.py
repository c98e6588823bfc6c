# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenID Connect UserInfo endpoint, which is Graph's host's (Microsoft docs: userinfo)."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from .tenant import Tenant
from .tokens import GRAPH_AUDIENCES, TokenRefused

PATH = "/oidc/userinfo"


def userinfo(tenant: Tenant, authorization: str | None) -> Response:
    """The claims about the user of an access token for Graph that has the scope ``openid``."""
    try:
        principal = tenant.tokens.verify(authorization, GRAPH_AUDIENCES)
    except TokenRefused:
        principal = None
    user = tenant.fresh.get("user", principal.user_id) if principal and "openid" in principal.scopes else None
    if principal is None or user is None:
        error = {"code": "InvalidAuthenticationToken", "message": "Access token validation failure."}  # unverified
        return JSONResponse({"error": error}, 401, {"WWW-Authenticate": 'Bearer realm="", error="invalid_token"'})
    known = {
        "sub": principal.claims["sub"],
        "name": user["displayName"],
        "family_name": user.get("surname"),
        "given_name": user.get("givenName"),
        "email": user.get("mail") if "email" in principal.scopes else None,
    }
    return JSONResponse({name: value for name, value in known.items() if value})
