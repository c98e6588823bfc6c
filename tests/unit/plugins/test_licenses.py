# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Licences: what is wanted against what is held."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources.licenses import compare, held_by, mailbox_plans

Data = dict[str, Any]


def sku(name: str, *plans: str, bought: int = 5, used: int = 0, grace: int = 0) -> Data:
    return {
        "skuId": f"{name}-id",
        "skuPartNumber": name,
        "prepaidUnits": {"enabled": bought, "warning": grace},
        "consumedUnits": used,
        "servicePlans": [{"servicePlanId": f"{plan}-id", "servicePlanName": plan} for plan in plans],
    }


SKUS = [
    sku("MAIL", "EXCHANGE_S_STANDARD", "TODO"),
    sku("FLOW", "FLOW_P2"),
    sku("FULL", "EXCHANGE_S_ENTERPRISE", bought=2, used=2),
    sku("BASE", "EXCHANGE_S_FOUNDATION", "EXCHANGE_S_ARCHIVE_ADDON"),
]


def holder(direct: dict[str, list[str]] | None = None, inherited: tuple[str, ...] = ()) -> Data:
    """A user as Graph shows one: inherited licences are in both lists."""
    direct = direct or {}
    licences = [{"skuId": key, "disabledPlans": plans} for key, plans in direct.items()]
    states = [{"skuId": key, "disabledPlans": plans, "assignedByGroup": None} for key, plans in direct.items()]
    for key in inherited:
        states.append({"skuId": key, "disabledPlans": [], "assignedByGroup": "group"})
        if key not in direct:
            licences.append({"skuId": key, "disabledPlans": []})
    return {"assignedLicenses": licences, "licenseAssignmentStates": states}


def want(name: str, *disabled: str, plans: bool = True) -> Data:
    return {"sku": name, "disabled_plans": list(disabled) if disabled or not plans else None}


def test_part_numbers_and_ids_name_the_same_in_any_case() -> None:
    for name in ("MAIL", "mail", "MAIL-ID"):
        change, after = compare([want(name)], "merge", {}, SKUS)
        assert change.add == [{"skuId": "MAIL-id", "disabledPlans": []}]
        assert after == {"MAIL-id": []}


def test_two_licences_are_one_change() -> None:
    change, _after = compare([want("MAIL"), want("FLOW")], "merge", {}, SKUS)
    assert [one["skuId"] for one in change.add] == ["MAIL-id", "FLOW-id"]
    assert change.remove == []
    assert (change.before, change.after) == ({}, {"MAIL": [], "FLOW": []})


def test_inherited_counts_as_held_and_is_never_removed() -> None:
    user = holder({"FLOW-id": []}, inherited=("MAIL-id",))
    assert held_by(user) == ({"FLOW-id": [], "MAIL-id": []}, {"MAIL-id"})
    change, _after = compare([want("MAIL")], "merge", user, SKUS)
    assert (change.add, change.remove) == ([], [])
    change, after = compare([], "replace", user, SKUS)
    assert change.remove == ["FLOW-id"]
    assert after == {"MAIL-id": []}


def test_replace_removes_the_direct_assignment_of_what_is_inherited_too() -> None:
    user = holder({"MAIL-id": [], "FLOW-id": []}, inherited=("FLOW-id",))
    change, after = compare([want("MAIL")], "replace", user, SKUS)
    assert (change.add, change.remove) == ([], [])
    assert set(after) == {"MAIL-id", "FLOW-id"}


def test_merge_keeps_others() -> None:
    change, after = compare([want("MAIL")], "merge", holder({"FLOW-id": []}), SKUS)
    assert [one["skuId"] for one in change.add] == ["MAIL-id"]
    assert set(after) == {"FLOW-id", "MAIL-id"}


def test_plans_left_out_stay_and_given_ones_are_the_whole_list() -> None:
    user = holder({"MAIL-id": ["TODO-id"]})
    assert compare([want("MAIL")], "merge", user, SKUS)[0].add == []
    change, _after = compare([want("MAIL", plans=False)], "merge", user, SKUS)
    assert change.add == [{"skuId": "MAIL-id", "disabledPlans": []}]
    assert (change.before, change.after) == ({"MAIL": ["TODO"]}, {"MAIL": []})
    assert compare([want("MAIL", "todo")], "merge", user, SKUS)[0].add == []
    assert compare([want("MAIL", "TODO-ID")], "merge", user, SKUS)[0].add == []


def test_seats() -> None:
    with pytest.raises(Refused, match="licenses: no free seat of FULL: 2 bought, 2 used"):
        compare([want("FULL")], "merge", {}, SKUS)
    assert compare([want("FULL")], "merge", {}, SKUS, check_seats=False)[0].add
    assert compare([want("FULL")], "merge", holder({"FULL-id": []}), SKUS)[0].add == []
    grace = [sku("FULL", "EXCHANGE_S_ENTERPRISE", bought=2, used=2, grace=1)]
    assert compare([want("FULL")], "merge", {}, grace)[0].add


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(Refused, match=r"licenses: the tenant has no licence MALL\. It has: BASE, FLOW, FULL, MAIL"):
        compare([want("MALL")], "merge", {}, SKUS)
    with pytest.raises(
        Refused, match=r"licenses\.disabled_plans: MAIL has no service plan TEAMS.*EXCHANGE_S_STANDARD, TODO"
    ):
        compare([want("MAIL", "TEAMS", "TODO")], "merge", {}, SKUS)


def test_mailbox_plans() -> None:
    assert mailbox_plans(SKUS, {"MAIL-id": [], "FLOW-id": []}) == ["EXCHANGE_S_STANDARD"]
    assert mailbox_plans(SKUS, {"MAIL-id": ["EXCHANGE_S_STANDARD-id"]}) == []
    assert mailbox_plans(SKUS, {"BASE-id": []}) == []
    assert mailbox_plans(SKUS, {}) == []
