# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manifest must be, and what is planned for an add-in: pure functions of state and options."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Plan, Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources._manifest import LARGEST, parse, version_key
from ansible_collections.vmrops.o365.plugins.module_utils._resources.outlook_addin import OutlookAddin, State
from support.manifest import APP_ID, manifest

OPTIONS: dict[str, Any] = {
    "manifest": manifest(),
    "app_id": None,
    "users": None,
    "default_state": "Enabled",
    "update": "replace",
    "method": "exchange",
    "state": "present",
}
APP = {
    "AppId": APP_ID,
    "DisplayName": "Pexip scheduling",
    "AppVersion": "1.0.0.0",
    "Type": "PrivateCatalog",
    "Enabled": True,
    "ProvidedTo": "Everyone",
    "DefaultStateForUser": "Enabled",
    "UserList": [],
}
ALICE, BOB = {"Guid": "a"}, {"Guid": "b"}


def plan(found: State, /, **options: Any) -> Plan:
    """The plan for these options on top of the usual ones."""
    return OutlookAddin({**OPTIONS, **options}, "manifest").plan(found)


def cmdlets(found: Plan) -> list[str]:
    """The cmdlets of a plan."""
    return [step.operation for step in found.steps]


# --- the manifest -----------------------------------------------------------------------------------------------------


def test_what_a_manifest_says() -> None:
    found = parse(manifest(app_id=APP_ID.upper()), "manifest")
    assert (found.app_id, found.version, found.name) == (APP_ID, "1.0.0.0", "Pexip scheduling")
    assert (found.provider, found.permission) == ("Pexip", "ReadWriteItem")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no XML"),
        ("<OfficeApp>", "no XML"),
        ("<OfficeApp/>", "no manifest of an Outlook add-in"),
        (manifest().replace('"MailApp"', '"TaskPaneApp"'), "MailApp"),
        (manifest().replace("?>", f"?>{BOMB}", 1), "document type"),
        (manifest().replace("?>", f"?>{FILE}", 1), "document type"),
        (manifest().replace("?>", '?><!DOCTYPE x SYSTEM "https://join.contoso.com/x.dtd">', 1), "document type"),
        (manifest(app_id="pexip"), "no GUID"),
        (manifest("one"), "two to four numbers"),
        (manifest("1"), "two to four numbers"),
        (manifest(permission="Everything"), "permission 'Everything'"),
        (manifest().replace('Name="Mailbox" />\n  </Hosts>', 'Name="Document" />\n  </Hosts>'), "but for Document"),
        (manifest().replace("https://join.contoso.com/add-in", "http://join.contoso.com/add-in"), "no.*https"),
        (manifest(more='<bt:Url id="x" DefaultValue="javascript:alert(1)" />'), "javascript"),
        (manifest(more="<AppDomains><AppDomain>http://evil.example</AppDomain></AppDomains>"), "evil"),
        (manifest(more='<bt:Url id="x" DefaultValue="https://join.contoso.com@evil.example/" />'), "evil"),
        (manifest().replace("<ProviderName>Pexip</ProviderName>", ""), "no ProviderName"),
        ("x" * (LARGEST + 1), "characters"),
    ],
)
def test_what_is_no_manifest_is_refused(text: str, words: str) -> None:
    with pytest.raises(Refused, match=f"^manifest: .*{words}|https address"):
        parse(text, "manifest")


def test_versions_compare_as_numbers() -> None:
    assert version_key("1.10") > version_key("1.9.9.9") > version_key("1.9") == version_key("1.9.0.0") > version_key("")


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_an_absent_add_in_is_installed_for_everybody_or_for_some() -> None:
    (step,) = plan(State(None)).steps
    assert (step.operation, step.values["ProvidedTo"]) == ("New-App", "Everyone")
    assert step.values["FileData"].decode() == manifest()
    assert "UserList" not in step.values
    (step,) = plan(State(None, {"alice": ALICE}), users=["alice"]).steps
    assert (step.values["ProvidedTo"], step.values["UserList"]) == ("SpecificUsers", ["alice"])


def test_what_is_there_as_wanted_stays() -> None:
    assert not plan(State(APP)).steps
    some = {**APP, "ProvidedTo": "SpecificUsers", "UserList": ["Bob", "Alice"]}
    names = {"alice@contoso.com": ALICE, "bob@contoso.com": BOB, "Alice": ALICE, "Bob": BOB}
    assert not plan(State(some, names), users=["alice@contoso.com", "bob@contoso.com"]).steps


@pytest.mark.parametrize("change", [{"Enabled": "False"}, {"DefaultStateForUser": "Disabled"}])
def test_an_offer_that_differs_is_changed(change: dict[str, Any]) -> None:
    assert cmdlets(plan(State({**APP, **change}))) == ["Set-App"]


def test_everybody_in_place_of_some_clears_the_list() -> None:
    (step,) = plan(State({**APP, "ProvidedTo": "SpecificUsers", "UserList": ["Bob"]})).steps
    assert (step.operation, step.values["ProvidedTo"], step.values["UserList"]) == ("Set-App", "Everyone", None)


def test_a_newer_version_takes_the_place_of_an_older_one_and_never_the_other_way_round() -> None:
    older = State({**APP, "AppVersion": "0.9.0.0"})
    assert cmdlets(plan(older)) == ["Remove-App", "New-App"]
    assert cmdlets(plan(older, update="in_place")) == ["New-App"]
    newer = plan(State({**APP, "AppVersion": "1.0.0.1"}))
    assert not newer.steps
    assert "newer" in newer.warnings[0]


def test_absent_removes_it_by_its_id_but_not_what_comes_with_exchange() -> None:
    wanted = {"manifest": None, "app_id": APP_ID.upper(), "state": "absent"}
    assert cmdlets(plan(State(APP), **wanted)) == ["Remove-App"]
    assert not plan(State(None), **wanted).steps
    with pytest.raises(Refused, match="comes with Exchange"):
        plan(State({**APP, "Type": "Default"}), **wanted)


@pytest.mark.parametrize(
    ("state", "app", "verified"),
    [("present", None, False), ("present", APP, True), ("absent", APP, False), ("absent", None, True)],
)
def test_by_hand_nothing_is_planned_and_the_result_is_checked(state: str, app: Any, verified: bool) -> None:
    addin = OutlookAddin({**OPTIONS, "method": "manual", "state": state}, "manifest")
    found, result = addin.plan(State(app)), addin.result(State(app), {})
    assert not found.steps
    assert bool(found.warnings) is not verified
    assert result["verified"] is verified
    assert any(APP_ID in line for line in result["manual_steps"])


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("manifest", {"manifest": None}),
        ("app_id", {"app_id": "0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42"}),
        ("app_id", {"manifest": None, "state": "absent"}),
        ("users", {"users": [f"user{number}" for number in range(1001)]}),
    ],
)
def test_options_that_cannot_be_are_refused(option: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=f"^{option}: "):
        OutlookAddin({**OPTIONS, **wrong}, "manifest")


def test_a_user_who_is_not_there_is_named() -> None:
    with pytest.raises(Refused, match=r"^users: .*nobody"):
        plan(State(None, {"nobody": None}), users=["nobody"])
