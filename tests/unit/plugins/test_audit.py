# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit's report: what it says of each step, of credentials and findings, and how it is written."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.vmrops.o365.plugins.action.audit_report import ALL, file_names
from ansible_collections.vmrops.o365.plugins.plugin_utils._audit import (
    APP_UNKNOWN,
    STATES,
    assemble,
    compared,
    expiry,
    gather,
)
from ansible_collections.vmrops.o365.plugins.plugin_utils._audit_drawing import narrow, wide
from ansible_collections.vmrops.o365.plugins.plugin_utils._audit_pages import markdown, page
from support.audited import ABSENT, HOSTILE, NOW, company, finding, observed, planning, secret, step

Data = dict[str, Any]
DIFFERS: Data = {"before": {"state": "present", "name": "A"}, "after": {"state": "present", "name": "B"}}


def of_step(result: Data, reason: str = "", **more: Any) -> Data:
    """What is reported of the step Equipment."""
    one = step("Equipment", **more)
    seen = observed(steps=[one], results={"Equipment": result}, reasons={one["file"]: reason} if reason else {})
    (found,) = assemble(seen, NOW)["steps"]
    return dict(found)


# --- steps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"result": planning()}, "in_place"),
        ({"result": planning("create it", diff=ABSENT)}, "missing"),
        ({"result": planning("rename it", diff=DIFFERS)}, "differs"),
        ({"result": planning("let bob in", diff=None)}, "differs"),
        ({"result": {}, "reason": "Exchange answered 403."}, "unknown"),
        ({"result": {}, "managed": False}, "off"),
        ({"result": {}, "managed": False, "step": "addin"}, "by_hand"),
        ({"result": planning(verified=False, manual_steps=["Go there.", "Click."])}, "by_hand"),
        ({"result": planning(verified=True, manual_steps=["Go there."])}, "in_place"),
    ],
)
def test_state_of_a_step(given: Data, state: str) -> None:
    assert of_step(**given)["state"] == state
    assert state in STATES


def test_a_step_says_what_would_change() -> None:
    found = of_step(planning("rename it", "rename it", diff=DIFFERS))
    assert found["changes"] == ["rename it"]
    assert found["differences"] == [{"property": "name", "now": "A", "wanted": "B"}]


def test_a_step_is_only_missing_when_all_of_it_is() -> None:
    one = {**step("Scope"), "results": ["users", "equipment"]}
    results = {"users": planning("assign it", diff=DIFFERS), "equipment": planning("create it", diff=ABSENT)}
    (found,) = assemble(observed(steps=[one], results=results), NOW)["steps"]
    assert found["state"] == "differs"


def test_what_an_earlier_step_would_do_is_not_said_of_a_later_one() -> None:
    steps = [step("Create"), step("Configure")]
    creating, both = planning("create it", diff=ABSENT), planning("create it", "set it", diff=ABSENT)
    found = assemble(observed(steps=steps, results={"Create": creating, "Configure": both}), NOW)["steps"]
    assert [one["changes"] for one in found] == [["create it"], ["set it"]]
    again = assemble(observed(steps=steps, results={"Create": creating, "Configure": creating}), NOW)["steps"]
    assert [one["state"] for one in again] == ["missing", "in_place"]


def test_a_step_about_an_app_that_could_not_be_read_says_so() -> None:
    reason = "Error while resolving value for 'app_id': object of type 'dict' has no attribute 'application'"
    assert of_step({}, reason)["reason"] == APP_UNKNOWN


def test_the_preflight_differs_when_it_found_an_error() -> None:
    def state(*findings: Data, **more: Any) -> Any:
        return assemble(observed(findings=list(findings), **more), NOW)["steps"][0]["state"]

    assert state(finding("warning")) == "in_place"
    assert state(finding("error")) == "differs"
    assert state(finding("error"), known=["ews-closed"]) == "in_place"


def test_compared() -> None:
    before, after = {"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"b": 2, "c": [1]}, "e": None}
    found = [tuple(one.values()) for one in compared(before, after)]
    assert found == [("a.b", 1, 2), ("d", 1, None)]


# --- findings ---------------------------------------------------------------------------------------------------------


def test_steps_are_findings_too() -> None:
    found = {one["id"]: one["severity"] for one in company()["tenants"][0]["findings"]}
    assert found == {
        "ews-closed": "error",
        "step-missing": "error",
        "step-differs": "warning",
        "step-unknown": "warning",
        "client-secret-expiring": "warning",
        "client-secret-expired": "info",
        "ews-ending": "info",
    }


def test_a_right_that_only_a_change_would_need_is_no_error_of_an_audit() -> None:
    report = assemble(observed(findings=[finding("error", "missing-right")]), NOW)
    assert [one["severity"] for one in report["findings"]] == ["info"]
    assert report["level"] == "info"


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([400], ["ok"]),
        ([30], ["ok"]),
        ([29], ["warning"]),
        ([0], ["warning"]),
        ([-1], ["error"]),
        ([-1, 10], ["info", "warning"]),
        ([-1, 400], ["info", "ok"]),
        ([10, 400], ["info", "ok"]),
        ([-20, -10], ["error", "error"]),
        ([5, 10], ["warning", "warning"]),
    ],
)
def test_how_bad_the_end_of_a_credential_is(ends: list[int], expected: list[str]) -> None:
    moments = [(NOW + timedelta(days=one)).strftime("%Y-%m-%dT%H:%M:%S.1234567Z") for one in ends]
    for member in ("secrets", "certificates"):
        held = {member: [secret(moment, str(number)) for number, moment in enumerate(moments)]}
        found = expiry(held, 30, NOW)
        assert [one["severity"] for one in found] == expected
        assert [one["days_left"] for one in found] == ends


def test_secrets_and_certificates_do_not_stand_in_for_each_other() -> None:
    held = {"secrets": [secret("2026-01-01T00:00:00Z")], "certificates": [secret("2030-01-01T00:00:00Z")]}
    assert [one["severity"] for one in expiry(held, 30, NOW)] == ["error", "ok"]


def test_a_value_that_is_not_known_yet_is_null() -> None:
    assert assemble(observed(), NOW)["handover"] == {"room_mailbox_name": "VMR", "oauth_client_id": None}


# --- all tenants ------------------------------------------------------------------------------------------------------


def test_all_tenants_stand_in_the_report_of_all() -> None:
    report = company()
    assert [one["status"] for one in report["tenants"]] == ["audited", "audited", "failed"]
    assert [one["level"] for one in report["tenants"]] == ["error", "ok", "error"]
    assert report["summary"] == {"tenants": 3, "failed": 1, "errors": 2, "warnings": 3, "infos": 2}
    assert report["tenants"][2]["reason"]


def test_every_tenant_has_the_same_keys() -> None:
    assert len({tuple(one) for one in company()["tenants"]}) == 1


def test_the_same_tenant_gives_the_same_report() -> None:
    first, second = (gather([assemble(observed(), NOW)], [], NOW + timedelta(seconds=one)) for one in (0, 5))
    assert first != second
    assert {**first, "generated": ""} == {**second, "generated": ""}


def test_file_names_lead_nowhere_and_are_no_other_tenants() -> None:
    tenants = ["contoso", "Contoso", "../../etc/passwd", "..", "", "a/b", "a_b", ALL, HOSTILE, "x" * 300, ".hidden"]
    names = list(file_names(tenants).values())
    assert names[0] == "contoso"
    assert len({name.lower() for name in names} | {ALL}) == len(tenants) + 1
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", name) for name in names), names


# --- pages ------------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Counts tags, and looks at what may lead out of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_hostile_names_are_no_markup() -> None:
    text = page(company())
    found = Tags(text)
    assert found.tags.count("script") == 1
    assert "<!--" not in text
    assert "&lt;script&gt;document.title" in text
    assert not [name for name, _value in found.attributes if name.startswith("on") or name in ("src", "style")]
    assert all(str(value).startswith("#") for name, value in found.attributes if name == "href")
    assert "\u202e" not in text
    assert "{{ 7 * 6 }}" in text


def test_the_page_needs_nothing_beside_itself() -> None:
    text = page(company())
    assert not re.findall(r"url\(|@import|src=|https?://(?!www\.gnu\.org/)", text)
    assert "default-src 'none'" in text


def test_hostile_names_mean_nothing_in_markdown() -> None:
    text = markdown(company())
    assert "<" not in text
    assert "\u202e" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {4, 5, 6, 3}
    assert not re.search(r"(?<!\\)\[x", text)


def test_the_report_is_json_that_hides_nothing() -> None:
    text = json.dumps(company(), ensure_ascii=False)
    assert json.loads(text) == company()
    assert "\u202e" not in text


@pytest.mark.parametrize("count", range(13))
def test_pictures_hold_every_step(count: int) -> None:
    steps = [{"name": f"Step number {number}", "state": "in_place"} for number in range(count)]
    for drawing in (wide(steps), narrow(steps)):
        assert [node.name for node in drawing.nodes] == [one["name"] for one in steps]
        assert len({(node.x, node.y) for node in drawing.nodes}) == count
        assert all(0 <= node.x <= drawing.width and 0 <= node.y <= drawing.height for node in drawing.nodes)


def test_pictures_are_well_formed() -> None:
    pictures = re.findall(r'<svg class="drawing.*?</svg>', page(company()), re.DOTALL)
    assert len(pictures) == 4
    for picture in pictures:
        ElementTree.fromstring(picture)
