# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps and plans as data: references, masks, and what one step covers of another."""

from __future__ import annotations

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import (
    Plan,
    Ref,
    Refused,
    Secret,
    Step,
    printable,
    revealed,
)


def test_a_secret_is_masked_wherever_it_is_printed() -> None:
    step = Step(
        "s", "graph", "create_user", values={"passwordProfile": {"password": Secret("hunter2")}, "list": [Secret("x")]}
    )
    assert printable(step.values) == {"passwordProfile": {"password": "********"}, "list": ["********"]}
    assert "hunter2" not in repr(step)
    assert revealed(step.values) == {"passwordProfile": {"password": "hunter2"}, "list": ["x"]}


def test_a_diff_masks_both_sides() -> None:
    plan = Plan(before={"password": Secret("old")}, after={"password": Secret("new"), "id": Ref("user", "id")})
    assert plan.diff() == {"before": {"password": "********"}, "after": {"password": "********", "id": "<user.id>"}}


def test_references_are_resolved_once_the_answer_is_known() -> None:
    step = Step("s", "graph", "o", {"user": Ref("user", "id")}, {"list": [{"inner": Ref("user", "mail")}]})
    resolved = step.resolved({"user": {"id": "1"}})
    assert resolved.target == {"user": "1"}
    assert resolved.values == {"list": [{"inner": Ref("user", "mail")}]}
    assert step.follows_creation
    assert not step.resolved({"user": {"id": "1", "mail": "m"}}).follows_creation


def test_an_unresolved_reference_cannot_be_sent() -> None:
    with pytest.raises(LookupError, match=r"<user\.id>"):
        revealed({"id": Ref("user", "id")})


def test_a_step_covers_a_smaller_one_on_the_same_target() -> None:
    done = Step("all", "exchange", "Set-Mailbox", {"Identity": "a"}, {"Alias": "x", "Name": "y"})
    assert done.covers(Step("some", "exchange", "Set-Mailbox", {"Identity": "a"}, {"Alias": "x"}))
    assert not done.covers(Step("other value", "exchange", "Set-Mailbox", {"Identity": "a"}, {"Alias": "z"}))
    assert not done.covers(Step("other target", "exchange", "Set-Mailbox", {"Identity": "b"}, {"Alias": "x"}))
    assert not done.covers(Step("more", "exchange", "Set-Mailbox", {"Identity": "a"}, {"Alias": "x", "New": 1}))


def test_a_refusal_names_the_option_first_and_what_to_do_last() -> None:
    assert str(Refused("it is wrong.", "scope", "Give another.")) == "scope: it is wrong. Give another."
