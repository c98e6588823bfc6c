# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for the list of applications that may use EWS: pure functions of state and options."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Plan, Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources.ews_access import EwsAccess, allowed_apps, enabled

PEXIP, OTHER = "4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11", "0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42"
OPTIONS = {"app_ids": [PEXIP], "cut_off_others": False, "state": "present", "check_mode": False}


def plan(switched: bool | str | None, listed: Any, **options: Any) -> Plan:
    """The plan for an organization with that switch and list."""
    return EwsAccess({**OPTIONS, **options}).plan({"EwsEnabled": switched, "EwsAllowedAppIDs": listed})


def writes(found: Plan) -> list[dict[str, Any]]:
    """The values of each step, all of Set-OrganizationConfig."""
    assert {step.operation for step in found.steps} <= {"Set-OrganizationConfig"}
    return [dict(step.values) for step in found.steps]


@pytest.mark.parametrize(
    "listed", [f"{PEXIP},{OTHER}", f" {PEXIP.upper()} ; {OTHER}", [f"{PEXIP},{OTHER}"], [PEXIP, OTHER]]
)
def test_the_list_is_read_in_every_form(listed: Any) -> None:
    assert allowed_apps({"EwsAllowedAppIDs": listed}) == [PEXIP, OTHER]
    assert writes(plan(True, listed)) == []


@pytest.mark.parametrize("nothing", [None, "", []])
def test_nothing_is_read_as_nothing(nothing: Any) -> None:
    assert allowed_apps({"EwsAllowedAppIDs": nothing}) == []
    assert enabled({"EwsEnabled": None}) is None
    assert (enabled({"EwsEnabled": "False"}), enabled({"EwsEnabled": "True"})) == (False, True)


def test_a_list_in_force_is_merged() -> None:
    assert writes(plan(True, OTHER)) == [{"EwsAllowedAppIDs": f"{OTHER},{PEXIP}"}]


def test_the_switch_waits_until_a_read_shows_the_list() -> None:
    assert writes(plan(False, OTHER)) == [{"EwsAllowedAppIDs": f"{OTHER},{PEXIP}"}]
    assert writes(plan(False, f"{OTHER},{PEXIP}")) == [{"EwsEnabled": True}]


def test_check_mode_foresees_both_steps_and_the_same_end() -> None:
    foreseen = plan(False, OTHER, check_mode=True)
    assert writes(foreseen) == [{"EwsAllowedAppIDs": f"{OTHER},{PEXIP}"}, {"EwsEnabled": True}]
    assert foreseen.diff() == plan(False, OTHER).diff()
    assert foreseen.diff()["after"] == {"enabled": True, "app_ids": [OTHER, PEXIP]}


@pytest.mark.parametrize(("switched", "listed"), [(None, None), (None, PEXIP), (True, None), ("True", "")])
def test_applications_that_may_be_working_are_not_cut_off_unless_told(switched: Any, listed: Any) -> None:
    with pytest.raises(Refused, match="cut_off_others"):
        plan(switched, listed)
    assert plan(switched, listed, cut_off_others=True).steps


@pytest.mark.parametrize(("switched", "listed"), [(False, None), (False, OTHER), (True, OTHER)])
def test_where_nothing_works_that_would_be_cut_off_there_is_no_question(switched: Any, listed: Any) -> None:
    assert plan(switched, listed).steps


def test_absent_removes_only_what_is_named() -> None:
    assert writes(plan(True, f"{OTHER},{PEXIP}", state="absent")) == [{"EwsAllowedAppIDs": OTHER}]
    assert writes(plan(True, OTHER, state="absent")) == []
    assert writes(plan(None, None, state="absent")) == []
    assert writes(plan(None, PEXIP, state="absent")) == [{"EwsAllowedAppIDs": None}]


def test_absent_leaves_no_switch_on_without_a_list() -> None:
    assert writes(plan(True, PEXIP, state="absent")) == [{"EwsEnabled": False}, {"EwsAllowedAppIDs": None}]
    assert writes(plan(True, None, state="absent")) == [{"EwsEnabled": False}]


def test_a_user_agent_policy_is_named() -> None:
    state = {"EwsEnabled": True, "EwsAllowedAppIDs": PEXIP, "EwsApplicationAccessPolicy": "EnforceAllowList"}
    found = EwsAccess(OPTIONS).plan(state)
    assert not found.steps
    assert "EnforceAllowList" in " ".join(found.warnings)


@pytest.mark.parametrize("wrong", [["pexip"], [""], [f"{PEXIP},{OTHER}"], []])
def test_what_is_no_application_id_is_refused(wrong: list[str]) -> None:
    with pytest.raises(Refused, match=r"^app_ids: "):
        EwsAccess({**OPTIONS, "app_ids": wrong})


def test_the_same_id_twice_is_one() -> None:
    assert EwsAccess({**OPTIONS, "app_ids": [PEXIP, f"{{{PEXIP.upper()}}}"]}).app_ids == [PEXIP]


def test_check_mode_lets_the_id_of_an_application_pass_that_is_yet_to_be_made() -> None:
    found = plan(True, OTHER, app_ids=["<application.appId>"], check_mode=True)
    assert writes(found) == [{"EwsAllowedAppIDs": f"{OTHER},<application.appId>"}]
    assert "<application.appId>" in found.warnings[-1]
    with pytest.raises(Refused):
        EwsAccess({**OPTIONS, "app_ids": ["<application.appId>"]})
