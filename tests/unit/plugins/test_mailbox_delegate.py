# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for a delegate of a mailbox: pure functions of state and options."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Plan, Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources.mailbox_delegate import MailboxDelegate, State

BOX = {"PrimarySmtpAddress": "vmr@contoso.com", "Guid": "1"}
BOB = {"PrimarySmtpAddress": "bob@contoso.com", "Guid": "2"}
FOLDER = "vmr@contoso.com:\\Kalender"
OPTIONS: dict[str, Any] = {
    "mailbox": "vmr",
    "delegate": "bob",
    "access_rights": None,
    "automapping": None,
    "calendar_role": None,
    "state": "present",
    "check_mode": False,
}


def plan(found: State, /, **options: Any) -> Plan:
    """The plan for these options on top of none."""
    return MailboxDelegate({**OPTIONS, **options}).plan(found)


def calls(found: Plan) -> list[tuple[str, dict[str, Any]]]:
    """Cmdlet and parameters of each step."""
    return [(one.operation, {**one.target, **one.values}) for one in found.steps]


def state(*held: str, **more: Any) -> State:
    """What bob has on the mailbox."""
    return State(BOX, BOB, frozenset(held), **more)


def test_each_right_has_its_cmdlet() -> None:
    rights = ["SendOnBehalf", "FullAccess", "SendAs"]
    assert calls(plan(state(), access_rights=rights, automapping=False)) == [
        ("Set-Mailbox", {"Identity": "vmr@contoso.com", "GrantSendOnBehalfTo": {"Add": ["bob@contoso.com"]}}),
        (
            "Add-MailboxPermission",
            {
                "Identity": "vmr@contoso.com",
                "User": "bob@contoso.com",
                "AccessRights": ["FullAccess"],
                "InheritanceType": "All",
                "AutoMapping": False,
            },
        ),
        (
            "Add-RecipientPermission",
            {
                "Identity": "vmr@contoso.com",
                "Trustee": "bob@contoso.com",
                "AccessRights": ["SendAs"],
                "Confirm": False,
            },
        ),
    ]
    assert [name for name, _values in calls(plan(state(*rights), access_rights=rights, state="absent"))] == [
        "Set-Mailbox",
        "Remove-MailboxPermission",
        "Remove-RecipientPermission",
    ]


def test_only_what_is_missing_or_there_is_touched() -> None:
    assert [name for name, _values in calls(plan(state("SendAs"), access_rights=["FullAccess", "SendAs"]))] == [
        "Add-MailboxPermission"
    ]
    assert not calls(plan(state("FullAccess"), access_rights=["FullAccess"], automapping=True))
    assert not calls(plan(state(), access_rights=["FullAccess", "SendAs"], state="absent"))


def test_a_denial_is_not_hidden() -> None:
    with pytest.raises(Refused, match="denied"):
        plan(state(denied=True), access_rights=["FullAccess"])


def test_what_is_inherited_stays_and_is_said() -> None:
    found = plan(state("FullAccess", inherited=frozenset({"FullAccess"})), access_rights=["FullAccess"], state="absent")
    assert not found.steps
    assert "Inherited" in found.warnings[0]


@pytest.mark.parametrize(
    ("role", "wanted", "cmdlet"),
    [
        ("", "Reviewer", "Add-MailboxFolderPermission"),
        ("Editor", "Reviewer", "Set-MailboxFolderPermission"),
        ("CreateItems, ReadItems", "Reviewer", "Set-MailboxFolderPermission"),
    ],
)
def test_a_calendar_role_is_added_or_replaced(role: str, wanted: str, cmdlet: str) -> None:
    found = plan(state(folder=FOLDER, role=role), calendar_role=wanted)
    assert calls(found) == [(cmdlet, {"Identity": FOLDER, "User": "bob@contoso.com", "AccessRights": [wanted]})]
    assert found.diff()["after"]["calendar_role"] == wanted


def test_a_calendar_role_that_is_there_stays_and_any_goes() -> None:
    assert not plan(state(folder=FOLDER, role="Reviewer"), calendar_role="Reviewer").steps
    gone = plan(state(folder=FOLDER, role="Editor"), calendar_role="Reviewer", state="absent")
    assert [name for name, _values in calls(gone)] == ["Remove-MailboxFolderPermission"]
    assert not plan(state(folder=FOLDER), calendar_role="Reviewer", state="absent").steps


def test_check_mode_plans_for_what_an_earlier_task_makes() -> None:
    found = plan(State(None, BOB), access_rights=["FullAccess"], calendar_role="Reviewer", check_mode=True)
    assert [values["Identity"] for _name, values in calls(found)] == ["vmr", "vmr:<calendar>"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"access_rights": []},
        {"access_rights": ["SendAs"], "automapping": True},
        {"access_rights": ["FullAccess"], "automapping": True, "state": "absent"},
    ],
)
def test_options_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        MailboxDelegate({**OPTIONS, **wrong})
