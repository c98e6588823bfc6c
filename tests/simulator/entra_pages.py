# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two pages that people see: entering a device's code, and signing in for an authorization code."""

from __future__ import annotations

import time
from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode, urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

from .entra_clients import PUBLIC, Client, find_client
from .entra_errors import EntraError
from .entra_flows import Asked, sign_in
from .entra_tokens import CODE_SECONDS, consented, keep_grant
from .store import Document
from .tenant import Tenant

_METHODS = ("S256", "plain")


def page(title: str, text: str, error: EntraError | None = None, fields: str = "") -> str:
    """A plain HTML page with an optional error and form."""
    problem = f'<p id="error" role="alert">{escape(str(error))}</p>' if error else ""
    form = f'<form method="post">{fields}<button type="submit">Next</button></form>' if fields else ""
    return (
        f"<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>{escape(title)}</title></head>"
        f"<body><h1>{escape(title)}</h1><p>{escape(text)}</p>{problem}{form}</body></html>"
    )


def _field(name: str, label: str, kind: str = "text", value: str = "") -> str:
    return f'<label>{escape(label)} <input name="{name}" type="{kind}" value="{escape(value)}"></label>'


def device(tenant: Tenant, form: Mapping[str, str], posted: bool) -> str:
    """The page for a device's code: a form, the outcome, or the form again with what was wrong."""
    title = "Sign in to your account"
    fields = _field("user_code", "Code", value=form.get("user_code", "")) + _field("username", "User name")
    fields += _field("password", "Password", "password")
    if not posted:
        return page(title, "Enter the code displayed on your app or device.", None, fields)
    wanted = form.get("user_code", "").strip().upper()
    grant = tenant.fresh.first(
        "grant",
        lambda one: (
            one["type"] == "device"
            and (one["userCode"], one["state"]) == (wanted, "pending")
            and one["expires"] > time.time()
        ),
    )
    if grant is None:
        return page(title, "That code didn't work. Check the code and try again.", None, fields)
    if form.get("decline"):
        tenant.store.update("grant", grant["key"], state="declined")
        return page(title, "You declined.")
    try:
        user = sign_in(tenant, form.get("username", ""), form.get("password", ""))
    except EntraError as error:
        return page(title, "Sign in.", error, fields)
    tenant.store.update("grant", grant["key"], state="granted", userId=user["id"], issued=time.time())
    return page(title, "You have signed in to the application on your device. You may now close this window.")


def authorize(asked: Asked, posted: bool) -> Response:
    """The sign-in page, or the way back to the application with a code. Raises EntraError for a page of its own."""
    form = asked.form
    application, principal = find_client(asked.tenant, asked.need("client_id"), asked.segment)
    address = form.get("redirect_uri") or next(iter(_addresses(application)), "")
    public = _registered(application, address)
    if public is None:
        text = (
            f"The redirect URI '{address}' specified in the request does not match the redirect URIs configured for "
            f"the application '{application['appId']}'. Make sure the redirect URI sent in the request matches one "
            "added to your application in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to "
            "learn more about how to troubleshoot this."
        )
        raise EntraError(400, "invalid_request", 50011, text)
    problem = _problem(form)
    if problem:
        return _back(form, address, {"error": problem.error, "error_description": str(problem)})
    wish = asked.wish()
    if not posted:
        return _form(form)
    try:
        user = sign_in(asked.tenant, form.get("username", ""), form.get("password", ""))
    except EntraError as error:
        return _form(form, error)
    client = Client(application, principal, PUBLIC)
    consented(asked.tenant, client, wish, user)
    scope = form.get("scope") or f"{form['resource']}/.default openid offline_access"
    code = keep_grant(
        asked.tenant,
        "code",
        client,
        user,
        CODE_SECONDS,
        redirectUri=form.get("redirect_uri"),
        publicRedirect=public,
        scope=scope,
        nonce=form.get("nonce", ""),
        challenge=form.get("code_challenge"),
        challengeMethod=form.get("code_challenge_method", "plain"),
    )
    return _back(form, address, {"code": code})


def _problem(form: Mapping[str, str]) -> EntraError | None:
    """What is wrong with a request whose redirect address is right (texts unverified)."""
    if form.get("response_type") != "code":
        text = f"response_type '{form.get('response_type')}' is not enabled for the application."
        return EntraError(400, "unsupported_response_type", 700051, text)
    if form.get("code_challenge") and form.get("code_challenge_method", "plain") not in _METHODS:
        return EntraError(400, "invalid_request", 50147, "Invalid size or method of Code_Challenge parameter.")
    if form.get("prompt") == "none":
        text = "Session information is not sufficient for single-sign-on."
        return EntraError(400, "login_required", 50058, text)
    return None


def _addresses(application: Document) -> list[str]:
    parts = ("web", "publicClient", "spa")
    return [uri for part in parts for uri in (application.get(part) or {}).get("redirectUris") or []]


def _registered(application: Document, address: str) -> bool | None:
    """Whether a registered redirect address belongs to a public client; None when it is not registered.

    Any port is right for a registered http://localhost or http://127.0.0.1 (Microsoft docs: reply-url).
    """
    for part in ("web", "publicClient", "spa"):
        for uri in (application.get(part) or {}).get("redirectUris") or []:
            one, other = urlsplit(uri), urlsplit(address)
            loopback = one.scheme == "http" and one.hostname in ("localhost", "127.0.0.1")
            same = (one.scheme, one.hostname, one.path.rstrip("/")) == (
                other.scheme,
                other.hostname,
                other.path.rstrip("/"),
            )
            if address == uri or (loopback and same):
                return part != "web"
    return None


def _form(form: Mapping[str, str], error: EntraError | None = None) -> Response:
    fields = _field("username", "User name", value=form.get("username") or form.get("login_hint") or "")
    fields += _field("password", "Password", "password")
    hidden = [name for name in form if name not in ("username", "password")]
    fields += "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(form[name])}">' for name in hidden)
    return HTMLResponse(
        page("Sign in to your account", "Sign in.", error, fields), headers={"Cache-Control": "no-store, no-cache"}
    )


def _back(form: Mapping[str, str], address: str, answer: dict[str, str]) -> Response:
    if form.get("state"):
        answer["state"] = form["state"]
    mode = form.get("response_mode", "query")
    if mode == "form_post":
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in answer.items()
        )
        body = f'<form method="post" action="{escape(address)}">{fields}<button type="submit">Continue</button></form>'
        return HTMLResponse(f"<!DOCTYPE html><html lang=en><title>Working...</title><body>{body}</body></html>")
    mark = "#" if mode == "fragment" else "&" if urlsplit(address).query else "?"
    return RedirectResponse(f"{address}{mark}{urlencode(answer)}", 302)
