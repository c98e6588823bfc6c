# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody at a browser, who reads the sign-in pages and fills in what they ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import lxml.html

from .graph import Session


class Person:
    """Fills in each page until it leads elsewhere, says what is wrong, or asks for what the person does not have.

    Args:
        send: sends a method, a URL and form fields, without following redirects, and keeps cookies: of
            ``requests.Session`` or of a test client.
        answers: what the person types, by the field's name: ``username``, ``password``, ``user_code``, ``otp``.
            ``step`` is the button to press where a page has it, ``accept`` unless it is ``cancel``.
    """

    def __init__(self, send: Callable[..., Any], **answers: str) -> None:
        self._send, self._answers = send, {"step": "accept", **answers}
        self.seen: list[str] = []

    def visit(self, url: str) -> Any:
        """The last response: a redirect away from the pages, or the page where it ended."""
        response = self._send("GET", url)
        while (form := self._form(response)) is not None:
            self.seen.append(lxml.html.fromstring(response.text).findtext(".//h1"))
            fields = {name: value or "" for name, value in form.fields.items() if form.inputs[name].type == "hidden"}
            typed = [one for one in form.inputs if one.name and one.get("type") not in ("hidden", "checkbox", "submit")]
            wanted = {one.get("name") for one in typed if one.tag == "input"}
            if not wanted <= set(self._answers):
                break
            fields |= {name: self._answers[name] for name in wanted | (set(form.fields) & set(self._answers))}
            buttons = [one.get("value") for one in form.iter("button")]
            fields["step"] = self._answers["step"] if self._answers["step"] in buttons else "accept"
            url = urljoin(url, form.action)
            response = self._send("POST", url, fields)
            if problem(response):
                break
        return response

    @staticmethod
    def _form(response: Any) -> Any:
        """The page's own form; None for a page without one, or one that posts back to an application."""
        if response.status_code != 200 or "html" not in response.headers.get("content-type", ""):
            return None
        forms = lxml.html.fromstring(response.text).forms
        return forms[0] if forms and "flow" in forms[0].fields else None


def browser(ca_path: str) -> Callable[..., Any]:
    """A browser of its own, for ``Person``, that trusts one authority."""
    session = Session(ca_path)

    def send(method: str, url: str, form: dict[str, str] | None = None) -> Any:
        return session.request(method, url, data=form, allow_redirects=False, timeout=10)

    return send


def problem(response: Any) -> str:
    """What the page says is wrong."""
    if "html" not in response.headers.get("content-type", "") or not response.text:
        return ""
    found = lxml.html.fromstring(response.text).xpath("//*[@role='alert']")
    return str(found[0].text_content()) if found else ""


def came_back(response: Any) -> dict[str, str]:
    """What the application is told: of a redirect's query or fragment, or of a page that posts."""
    location = response.headers.get("location", "")
    if location:
        parts = urlsplit(location)
        return {name: values[0] for name, values in parse_qs(parts.query or parts.fragment).items()}
    form = lxml.html.fromstring(response.text).forms[0]
    return {name: str(value) for name, value in form.fields.items() if name}
