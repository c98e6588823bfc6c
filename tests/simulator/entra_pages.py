# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see: HTML made from the templates in ``pages``, and the ways back to an application."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from .entra_errors import EntraError

_HEADERS = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True, undefined=StrictUndefined
)
_NOTHING: dict[str, Any] = {"title": "Sign in to your account", "who": "", "error": "", "text": "", "flow": ""}


def page(template: str, status: int = 200, **content: Any) -> Response:
    """A page of the sign-in host."""
    html = _TEMPLATES.get_template(template + ".html").render({**_NOTHING, **content})
    return HTMLResponse(html, status, _HEADERS)


def trouble(error: EntraError, title: str = "Sorry, but we're having trouble signing you in.") -> Response:
    """A page that leads nowhere: the request itself is wrong, or the person may not come in."""
    return page("message", error.status, title=title, error=str(error))


def back(request: Mapping[str, str], address: str, answer: Mapping[str, str]) -> Response:
    """To the application, the way it asked for."""
    answer = {**answer, **({"state": request["state"]} if request.get("state") else {})}
    mode = request.get("response_mode", "query")
    if mode == "form_post":
        return page("form_post", address=address, answer=answer)
    mark = "#" if mode == "fragment" else "&" if urlsplit(address).query else "?"
    return RedirectResponse(f"{address}{mark}{urlencode(answer)}", 302, {"Cache-Control": "no-store, no-cache"})


def back_with(request: Mapping[str, str], address: str, error: EntraError) -> Response:
    """The same with what went wrong."""
    answer = {
        "error": error.error,
        "error_description": str(error),
        "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
    }
    if error.code == 65004:
        answer["error_subcode"] = "cancel"
    return back(request, address, answer)
