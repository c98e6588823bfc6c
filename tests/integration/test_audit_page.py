# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's page in a real Chromium: it renders, filters, prints, and is accessible, without a network.

Skipped where there is no Chromium, but not in CI, where that is a failure. CHROMIUM names one that is not on the path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.plugin_utils._audit_pages import page as page_of
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from support.audited import HOSTILE, company
from support.browser import NoBrowser, chromium

CONFORMANCE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
WIDE, NARROW = {"width": 1240, "height": 900}, {"width": 390, "height": 800}
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        with chromium() as started:
            yield started
    except NoBrowser as missing:
        (pytest.fail if missing.failure else pytest.skip)(str(missing))


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the report of three tenants from a file, in a context of its own that is offline; no error may be logged."""
    file, logged, asked = tmp_path / "all tenants.html", list[str](), list[str]()
    file.write_text(page_of(company()), encoding="utf-8")
    contexts = []

    def start(**options: Any) -> Page:
        context = browser.new_context(viewport=options.pop("viewport", WIDE), **options)
        contexts.append(context)
        context.set_offline(True)
        shown = context.new_page()
        shown.on("console", lambda message: logged.append(message.text))
        shown.on("pageerror", lambda error: logged.append(str(error)))
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(file.as_uri())
        return shown

    yield start
    for context in contexts:
        context.close()
    assert logged == []
    assert set(asked) == {file.as_uri()}


def visible(page: Page, selector: str) -> int:
    return page.locator(selector).locator("visible=true").count()


def test_it_shows_every_tenant_as_text(opened: Open) -> None:
    page = opened()
    assert page.title() == "Audit of VMR scheduling"
    assert visible(page, "section.tenant") == 3
    assert HOSTILE.replace("\u202e", "\\u202e") in page.locator("section.tenant h2 bdi").all_text_contents()
    assert page.locator("section.tenant svg.drawing.wide g").count() == 3 + 7
    assert page.evaluate("document.querySelectorAll('script').length") == 1
    assert page.locator("[role=status]").text_content() == "3 of 3 tenants shown"


def test_it_filters(opened: Open) -> None:
    page = opened()
    page.get_by_label("Severity").select_option("error")
    assert visible(page, "section.tenant") == 2
    assert visible(page, ".findings li") == 2
    assert visible(page, ".findings li.error") == 2
    page.locator("#tenant").select_option(label="contoso")
    assert visible(page, "section.tenant") == 0
    assert page.locator("[role=status]").text_content() == "0 of 3 tenants shown"
    page.get_by_role("button", name="Show everything").click()
    page.wait_for_function("document.querySelector('[role=status]').textContent.startsWith('3 of 3')")
    page.get_by_label("Text").fill("EXCHANGE ANSWERED 403")
    assert visible(page, "section.tenant") == 1
    assert visible(page, ".overview tbody tr") == 1
    page.get_by_label("Text").fill("contoso")
    assert visible(page, "section.tenant") == 1
    assert visible(page, "section.tenant .steps tbody tr") == 3
    page.get_by_label("Text").fill("no such words")
    assert visible(page, "section.tenant") == 0


def test_it_works_by_keyboard(opened: Open) -> None:
    page = opened()
    reached = []
    for _press in range(12):
        page.keyboard.press("Tab")
        element = "document.activeElement"
        reached.append(page.evaluate(f"{element}.id || {element}.textContent"))
        outline = page.evaluate(f"getComputedStyle({element}).outlineStyle")
        assert outline not in ("none", ""), reached
    assert reached[:4] == ["tenant", "severity", "text", "Show everything"]
    page.get_by_label("Text").focus()
    page.keyboard.type("fabrikam")
    assert visible(page, "section.tenant") == 1
    page.keyboard.press("Enter")
    assert visible(page, "section.tenant") == 1


@pytest.mark.parametrize(
    ("scheme", "media", "viewport"),
    [
        ("light", "screen", WIDE),
        ("dark", "screen", WIDE),
        ("light", "print", WIDE),
        ("dark", "print", WIDE),
        ("light", "screen", NARROW),
        ("dark", "screen", NARROW),
    ],
)
def test_it_is_accessible(opened: Open, scheme: str, media: str, viewport: Any) -> None:
    page = opened(color_scheme=scheme, viewport=viewport)
    page.emulate_media(media=media)  # type: ignore[arg-type]  # one of playwright's literals
    found = Axe().run(page, options=CONFORMANCE)
    passed = {one["id"] for one in found.response["passes"]}
    assert {"color-contrast", "heading-order", "landmark-one-main", "region"} <= passed
    assert found.response["violations"] == [], found.generate_report()


@pytest.mark.parametrize("viewport", [WIDE, NARROW, {"width": 320, "height": 600}])
def test_nothing_runs_out_of_the_page(opened: Open, viewport: Any) -> None:
    page = opened(viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    shown = [name for name in ("wide", "narrow") if visible(page, f"svg.drawing.{name}")]
    assert shown == ["wide" if viewport is WIDE else "narrow"]


def test_it_follows_what_the_reader_prefers(opened: Open) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        page = opened(color_scheme=scheme, reduced_motion="reduce")
        grounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert len(set(grounds.values())) == 2


def test_it_prints(opened: Open) -> None:
    page = opened(color_scheme="dark")
    page.emulate_media(media="print")
    assert visible(page, "form") == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDE["width"]
    assert visible(page, "svg.drawing.wide") == 2
    assert page.pdf(prefer_css_page_size=True)[:5] == b"%PDF-"


def test_without_scripts_everything_is_there(opened: Open) -> None:
    page = opened(java_script_enabled=False)
    assert visible(page, "section.tenant") == 3
    assert visible(page, "form") == 0
