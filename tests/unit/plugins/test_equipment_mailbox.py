# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for an equipment mailbox: pure functions of state and options."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Plan, Ref, Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources.calendar_processing import (
    RECIPIENT_LISTS,
    SETTINGS,
)
from ansible_collections.vmrops.o365.plugins.module_utils._resources.equipment_mailbox import (
    PROPERTIES,
    EquipmentMailbox,
    State,
)
from ansible_collections.vmrops.o365.plugins.module_utils._services.batches import Together
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from support import TESTS

OPTIONS = {table.option: None for table in PROPERTIES} | {
    "name": "VMR",
    "calendar_processing": None,
    "state": "present",
}
BOX = {
    "Name": "VMR",
    "Alias": "vmr",
    "PrimarySmtpAddress": "vmr@contoso.com",
    "DisplayName": "VMR",
    "HiddenFromAddressListsEnabled": False,
    "ResourceCapacity": None,
    "RecipientTypeDetails": "EquipmentMailbox",
    "Guid": "1",
    "ExternalDirectoryObjectId": "2",
}
OTHER = {**BOX, "Name": "Other", "DisplayName": "Another", "Alias": "other", "Guid": "9"}


def plan(state: State, /, **options: Any) -> Plan:
    """The plan for these options on top of none."""
    return EquipmentMailbox({**OPTIONS, **options}).plan(state)


def steps(found: Plan) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Cmdlet, identity and values of each step."""
    return [(one.operation, dict(one.target), dict(one.values)) for one in found.steps]


def test_every_documented_option_of_the_cmdlet_is_in_the_table() -> None:
    """Microsoft's reference is the authority, not the simulator's defaults."""
    contract = json.loads((TESTS / "simulator/contracts/cmdlets.json").read_text())["Set-CalendarProcessing"][
        "parameters"
    ]
    control = {"Identity", "Confirm", "WhatIf", "IgnoreDefaultScope"}
    assert {table.name for table in (*SETTINGS, *RECIPIENT_LISTS)} == set(contract) - control
    types = {"Boolean": "bool", "Int32": "int", "RecipientIdParameter[]": "list"}
    for table in (*SETTINGS, *RECIPIENT_LISTS):
        assert table.type == types.get(contract[table.name]["type"], "str"), table.name
        assert table.option.replace("_", "") == table.name.lower()


def test_creation_sends_what_new_mailbox_takes_and_sets_the_rest() -> None:
    found = plan(
        State(None, domains=["contoso.com"]),
        alias="vmr",
        primary_smtp_address="vmr@contoso.com",
        capacity=4,
        hidden_from_address_lists=True,
        calendar_processing={"automate_processing": "None", "delete_subject": None},
    )
    assert steps(found) == [
        (
            "New-Mailbox",
            {},
            {"Name": "VMR", "Equipment": True, "Alias": "vmr", "PrimarySmtpAddress": "vmr@contoso.com"},
        ),
        (
            "Set-Mailbox",
            {"Identity": "vmr@contoso.com"},
            {"HiddenFromAddressListsEnabled": True, "ResourceCapacity": 4},
        ),
        ("Set-CalendarProcessing", {"Identity": "vmr@contoso.com"}, {"AutomateProcessing": "None"}),
    ]
    assert all(one.settling for one in found.steps[1:])
    assert found.before == {"state": "absent"}
    assert found.after["calendar_processing"] == {"automate_processing": "None"}


def test_creation_without_an_address_refers_to_the_answer() -> None:
    found = plan(State(None), capacity=4)
    assert found.steps[1].target == {"Identity": Ref("mailbox", "PrimarySmtpAddress")}
    assert found.steps[0].saves == "mailbox"


def test_options_left_out_are_left_alone() -> None:
    assert steps(plan(State({**BOX, "DisplayName": "Renamed by hand", "ResourceCapacity": 7}))) == []


def test_values_as_text_are_the_same_values() -> None:
    box = {**BOX, "HiddenFromAddressListsEnabled": "False", "ResourceCapacity": "4", "Alias": "VMR"}
    processing = {"AutomateProcessing": "autoaccept", "DeleteSubject": "True", "BookingWindowInDays": "180"}
    wanted = {"automate_processing": "AutoAccept", "delete_subject": True, "booking_window_in_days": 180}
    found = plan(
        State(box, processing), alias="vmr", hidden_from_address_lists=False, capacity=4, calendar_processing=wanted
    )
    assert steps(found) == []
    assert found.before == found.after


def test_false_and_zero_are_wishes() -> None:
    processing = {"DeleteSubject": True, "BookingWindowInDays": 180, "AdditionalResponse": "Thanks"}
    wanted = {"delete_subject": False, "booking_window_in_days": 0, "additional_response": ""}
    [(_rest, _rest, values)] = steps(plan(State(BOX, processing), calendar_processing=wanted))
    assert values == {"DeleteSubject": False, "BookingWindowInDays": 0, "AdditionalResponse": ""}
    assert steps(plan(State(BOX, {"AdditionalResponse": None}), calendar_processing={"additional_response": ""})) == []


def test_a_new_address_is_written_as_the_service_takes_it_and_found_by_later_steps() -> None:
    found = plan(
        State(BOX, {"DeleteSubject": True}, domains=["Contoso.com"]),
        primary_smtp_address="new@contoso.COM",
        calendar_processing={"delete_subject": False},
    )
    assert steps(found)[0] == (
        "Set-Mailbox",
        {"Identity": "vmr@contoso.com"},
        {"WindowsEmailAddress": "new@contoso.COM"},
    )
    assert steps(found)[1][1] == {"Identity": "new@contoso.COM"}


def test_recipient_lists_compare_by_recipient() -> None:
    alice, group = {"Guid": "a"}, {"Guid": "g"}
    known = {"alice@contoso.com": alice, "Alice": alice, "/o=x/cn=alice": alice, "group": group, "/o=x/cn=group": group}
    state = State(BOX, {"BookInPolicy": ["/o=x/cn=group", "/o=x/cn=alice"]}, recipients=known)
    same = {"book_in_policy": ["alice@contoso.com", "Alice", "group"]}
    assert steps(plan(state, calendar_processing=same)) == []
    fewer = steps(plan(state, calendar_processing={"book_in_policy": ["Alice"]}))
    assert fewer[0][2] == {"BookInPolicy": ["Alice"]}
    none = steps(plan(state, calendar_processing={"book_in_policy": []}))
    assert none[0][2] == {"BookInPolicy": None}
    # Whom the service names and nobody knows any more is still somebody else.
    gone = State(BOX, {"BookInPolicy": ["/o=x/cn=left"]}, recipients={"Alice": alice, "/o=x/cn=left": None})
    assert steps(plan(gone, calendar_processing={"book_in_policy": ["Alice"]}))[0][2] == {"BookInPolicy": ["Alice"]}


@pytest.mark.parametrize(
    ("state", "options", "words"),
    [
        (State({**BOX, "RecipientTypeDetails": "UserMailbox"}), {}, "name: vmr@contoso.com is a UserMailbox"),
        (State({**BOX, "RecipientTypeDetails": "RoomMailbox"}), {}, "RoomMailbox, not an equipment"),
        (
            State({**OTHER, "RecipientTypeDetails": "SharedMailbox"}),
            {"primary_smtp_address": "vmr@contoso.com"},
            "primary_smtp_address: vmr@contoso.com is a SharedMailbox",
        ),
        (State({**BOX, "RecipientTypeDetails": "UserMailbox"}), {"state": "absent"}, "is a UserMailbox"),
        (State(None, domains=["a.com", "b.com"]), {"primary_smtp_address": "x@c.com"}, "Use one of a.com, b.com"),
        (
            State(BOX, holders={"alias": OTHER}),
            {"alias": "other"},
            "alias: other belongs to Another (EquipmentMailbox). Choose another alias.",
        ),
        (State(BOX, recipients={}), {"calendar_processing": {"book_in_policy": ["x"]}}, "there is no recipient x"),
    ],
)
def test_refusals(state: State, options: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as caught:
        plan(state, **options)
    assert words in str(caught.value)


def test_holders_that_do_not_stand_in_the_way() -> None:
    made_a_moment_ago = State(
        None, holders={"name": BOX, "alias": BOX, "primary_smtp_address": BOX}, domains=["contoso.com"]
    )
    assert len(plan(made_a_moment_ago, alias="vmr", primary_smtp_address="vmr@contoso.com").steps) == 1
    # Somebody is shown under this name, but is not called it.
    assert len(plan(State(None, holders={"name": {**OTHER, "RecipientTypeDetails": "UserMailbox"}})).steps) == 1


@pytest.mark.parametrize("option", [table.option for table in SETTINGS if table.type == "int"])
def test_numbers_out_of_range_are_refused_by_name(option: str) -> None:
    for value in (-1, 2**31):
        with pytest.raises(Refused, match=rf"^calendar_processing\.{option}: .*Give a number from 0 to \d+"):
            EquipmentMailbox({**OPTIONS, "calendar_processing": {option: value}})


class Exchange:
    """The reads of one tenant whose mailboxes answer to the identities given."""

    def __init__(self, **boxes: dict[str, Any]) -> None:
        self.boxes = boxes
        self.mailboxes = self
        self.together = Together(Deadline(1))

    def mailbox(self, identity: str) -> dict[str, Any] | None:
        return self.boxes.get(identity.partition("@")[0])

    def recipients(self, identities: list[str]) -> list[dict[str, Any] | None]:
        return [self.mailbox(one) for one in identities]

    def accepted_domains(self) -> list[str]:
        return ["contoso.com"]


def test_two_candidates_are_an_error_that_names_both() -> None:
    resource = EquipmentMailbox({**OPTIONS, "primary_smtp_address": "other@contoso.com"})
    readers: Any = Exchange(VMR=BOX, other={**OTHER, "PrimarySmtpAddress": "other@contoso.com"})
    with pytest.raises(
        Refused, match=r"other@contoso\.com belongs to the mailbox Other.*called VMR \(vmr@contoso\.com\)"
    ):
        resource.read(readers, {})


def test_an_alias_that_equals_the_name_finds_nothing() -> None:
    readers: Any = Exchange(VMR={**OTHER, "Alias": "VMR"})
    assert EquipmentMailbox({**OPTIONS, "state": "absent"}).read(readers, {}).mailbox is None
