# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes and calendar processing in the simulator's Exchange Online."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.simulator.exchange_client import Exchange


@pytest.fixture
def exo(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path / "tenant")


# --- mailboxes --------------------------------------------------------------------------------------------------------


def equipment(exo: Exchange, name: str = "VMR Oslo", **more: Any) -> dict[str, Any]:
    return exo.one("New-Mailbox", Name=name, Equipment=True, **more)


def test_equipment_mailbox_comes_with_a_disabled_user(exo: Exchange) -> None:
    box = equipment(exo, PrimarySmtpAddress="vmr.oslo@contoso.com", DisplayName="VMR i Oslo")
    assert (box["RecipientTypeDetails"], box["ResourceType"], box["IsResource"]) == (
        "EquipmentMailbox",
        "Equipment",
        True,
    )
    assert box["Alias"] == "VMROslo"
    assert box["EmailAddresses"] == ["SMTP:vmr.oslo@contoso.com", "smtp:VMROslo@contoso.onmicrosoft.com"]
    assert box["EmailAddressPolicyEnabled"] is False
    user = exo.tenant.fresh.get("user", box["ExternalDirectoryObjectId"])
    assert user is not None
    assert (user["accountEnabled"], user["mail"], user["displayName"]) == (False, "vmr.oslo@contoso.com", "VMR i Oslo")
    assert exo.one("Get-Mailbox", Identity="vmr.oslo@contoso.com")["Guid"] == box["Guid"]


def test_default_address_is_the_alias_at_the_default_domain(exo: Exchange) -> None:
    assert equipment(exo)["PrimarySmtpAddress"] == "VMROslo@contoso.com"


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ({"Name": "Alice Anker"}, 'property "Name" is used'),
        ({"Name": "Møterom"}, "isn't valid"),
        ({"Name": "x" * 65}, "maximum length is 64"),
        ({"Name": "a", "PrimarySmtpAddress": "alice@contoso.com"}, "ProxyAddressExistsException|The proxy address"),
        ({"Name": "dave"}, "ExB10BE9|"),
        ({"Name": "a", "PrimarySmtpAddress": "a@contoso-lab.com"}, "not an accepted domain"),
        ({"Name": "a", "PrimarySmtpAddress": "a@elsewhere.org"}, "not an accepted domain"),
        ({"Name": "a", "PrimarySmtpAddress": "no address"}, "valid SMTP address"),
    ],
)
def test_refused_mailboxes_leave_nothing_behind(exo: Exchange, parameters: dict[str, Any], part: str) -> None:
    users = len(exo.tenant.fresh.all("user"))
    assert part in exo.fails("New-Mailbox", Equipment=True, **parameters)
    assert len(exo.tenant.fresh.all("user")) == users


def test_not_found_is_the_captured_envelope_with_a_switch_for_its_status(exo: Exchange) -> None:
    answer = exo.send("Get-Mailbox", Identity="nobody")
    body = answer.json()
    assert (answer.status_code, body["error"]["code"]) == (400, "BadRequest")
    assert body["error"]["message"] == "Error executing cmdlet"
    assert body["error"]["details"][0]["message"].startswith(
        "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be "
        "performed because object 'nobody' couldn't be found on '"
    )
    assert body["@adminapi.warnings"] == []
    exo.tenant.store.put("setting", "switches", {"not_found_status": 404})
    answer = exo.send("Get-Mailbox", Identity="nobody")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound")


def test_every_identity_finds_the_mailbox(exo: Exchange) -> None:
    box = equipment(exo, PrimarySmtpAddress="vmr@contoso.com")
    keys = "Guid ExchangeGuid ExternalDirectoryObjectId Alias UserPrincipalName DistinguishedName LegacyExchangeDN Name"
    for identity in (*(box[key] for key in keys.split()), "VMR@CONTOSO.COM", "vmroslo@contoso.onmicrosoft.com"):
        assert exo.one("Get-Mailbox", Identity=identity)["Guid"] == box["Guid"]


def test_two_mailboxes_of_one_display_name_are_ambiguous(exo: Exchange) -> None:
    for name in ("a", "b"):
        equipment(exo, name, DisplayName="Twin")
    answer = exo.send("Get-Mailbox", Identity="Twin")
    assert answer.status_code == 500
    assert 'multiple recipients matching identity "Twin"' in answer.json()["error"]["details"][0]["message"]


def test_lists_filter(exo: Exchange) -> None:
    equipment(exo)
    assert [box["Name"] for box in exo.run("Get-Mailbox", RecipientTypeDetails=["EquipmentMailbox"])] == ["VMR Oslo"]
    assert [box["Name"] for box in exo.run("Get-Mailbox", Filter="DisplayName -eq 'Bob O''Brien'")] == ["Bob O'Brien"]
    assert [box["Name"] for box in exo.run("Get-Mailbox", Anr="Car")] == ["Carol Chen"]
    assert "Invalid filter syntax" in exo.fails("Get-Mailbox", Filter="DisplayName -eq 'Bob O'Brien'")


def test_set_mailbox_changes_addresses_by_the_services_rules(exo: Exchange) -> None:
    equipment(exo, PrimarySmtpAddress="vmr@contoso.com")
    change = {"@odata.type": "#Exchange.GenericHashTable", "Add": ["smtp:two@contoso.com"]}
    assert exo.run("Set-Mailbox", Identity="vmr@contoso.com", EmailAddresses=change, CustomAttribute3="VMR") == []
    box = exo.one("Get-Mailbox", Identity="two@contoso.com")
    assert (box["PrimarySmtpAddress"], box["CustomAttribute3"]) == ("vmr@contoso.com", "VMR")
    exo.run("Set-Mailbox", Identity="vmr@contoso.com", WindowsEmailAddress="two@contoso.com")
    box = exo.one("Get-Mailbox", Identity="vmr@contoso.com")
    assert box["PrimarySmtpAddress"] == "two@contoso.com"
    assert "smtp:vmr@contoso.com" in box["EmailAddresses"]
    exo.run("Set-Mailbox", Identity="VMROslo", EmailAddresses=["three@contoso.com", "SMTP:four@contoso.com"])
    assert exo.one("Get-Mailbox", Identity="VMROslo")["EmailAddresses"] == [
        "smtp:three@contoso.com",
        "SMTP:four@contoso.com",
    ]
    taken = exo.fails("Set-Mailbox", Identity="VMROslo", EmailAddresses=["SMTP:alice@contoso.com"])
    assert "ProxyAddressExistsException" in taken
    assert "AmbiguousParameterSet" in exo.fails("Set-Mailbox", Identity="VMROslo", PrimarySmtpAddress="a@contoso.com")


def test_set_mailbox_without_effect_warns(exo: Exchange) -> None:
    answer = exo.send("Set-Mailbox", Identity="alice", HiddenFromAddressListsEnabled=False)
    assert answer.json()["value"] == []
    assert answer.json()["@adminapi.warnings"][0].startswith("The command completed successfully but no settings of '")


def test_send_on_behalf_reads_back_as_display_names(exo: Exchange) -> None:
    exo.run("Set-Mailbox", Identity="alice", GrantSendOnBehalfTo=["bob@contoso.com"])
    assert exo.one("Get-Mailbox", Identity="alice")["GrantSendOnBehalfTo"] == ["Bob O'Brien"]
    text = exo.fails("Set-Mailbox", Identity="alice", GrantSendOnBehalfTo=["bob@contoso.com", "bob"])
    assert text.endswith('"GrantSendOnBehalfTo" contains the following duplicated recipient identity: "Bob O\'Brien".')
    exo.run("Set-Mailbox", Identity="alice", GrantSendOnBehalfTo={"@odata.type": "#Exchange.GenericHashTable"})
    assert exo.one("Get-Mailbox", Identity="alice")["GrantSendOnBehalfTo"] == []


def test_removed_mailboxes_are_soft_deleted_then_purged(exo: Exchange) -> None:
    box = equipment(exo, PrimarySmtpAddress="vmr@contoso.com")
    assert "couldn't be found" in exo.fails("Remove-Mailbox", Identity=box["Guid"], PermanentlyDelete=True)
    exo.run("Remove-Mailbox", Identity=box["Guid"], Confirm=False)
    assert "couldn't be found" in exo.fails("Get-Mailbox", Identity=box["Guid"])
    assert (exo.tenant.fresh.get("user", box["ExternalDirectoryObjectId"]) or {})["deletedDateTime"]
    gone = exo.one("Get-Mailbox", Identity=box["Guid"], SoftDeletedMailbox=True)
    assert gone["IsSoftDeletedByRemove"] is True
    equipment(exo, PrimarySmtpAddress="vmr@contoso.com")
    exo.run("Remove-Mailbox", Identity=box["Guid"], PermanentlyDelete=True, Confirm=False)
    assert exo.run("Get-Mailbox", SoftDeletedMailbox=True) == []


def test_what_if_changes_nothing(exo: Exchange) -> None:
    assert exo.run("New-Mailbox", Name="x", Room=True, ResourceCapacity=4, WhatIf=True) == []
    assert "couldn't be found" in exo.fails("Get-Mailbox", Identity="x")


# --- calendar processing ----------------------------------------------------------------------------------------------


def test_calendar_processing_defaults_and_changes(exo: Exchange) -> None:
    box = equipment(exo)
    settings = exo.one("Get-CalendarProcessing", Identity=box["Guid"])
    assert (settings["AutomateProcessing"], settings["DeleteComments"]) == ("AutoAccept", True)
    exo.run("Set-CalendarProcessing", Identity=box["Guid"], DeleteComments=False, BookInPolicy=["alice", "vmr-users"])
    settings = exo.one("Get-CalendarProcessing", Identity=box["Guid"])
    assert settings["DeleteComments"] is False
    assert [entry.partition("cn=Recipients/cn=")[0] for entry in settings["BookInPolicy"]] == [
        "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/"
    ] * 2
    exo.run("Set-CalendarProcessing", Identity=box["Guid"], BookInPolicy=None)
    assert exo.one("Get-CalendarProcessing", Identity=box["Guid"])["BookInPolicy"] == []
    again = exo.send("Set-CalendarProcessing", Identity=box["Guid"], DeleteComments=False).json()
    assert "no settings of" in again["@adminapi.warnings"][0]


@pytest.mark.parametrize(("name", "value"), [("BookingWindowInDays", 1081), ("ConflictPercentageAllowed", 101)])
def test_calendar_processing_ranges(exo: Exchange, name: str, value: int) -> None:
    assert "must be between 0 and" in exo.fails("Set-CalendarProcessing", Identity="alice", **{name: value})


def test_a_new_mailbox_is_found_by_some_reads_only_while_replicas_lag(tmp_path: Path) -> None:
    exo = Exchange(tmp_path / "slow", lag=60.0)
    box = equipment(exo)
    answers = [
        exo.send("Set-CalendarProcessing", Identity=box["Guid"], DeleteSubject=False).status_code for _rest in range(4)
    ]
    assert answers == [400, 200, 400, 200]
    assert exo.run("Get-Mailbox", RecipientTypeDetails="EquipmentMailbox") == []
    exo.tenant.store.settle()
    assert exo.one("Get-CalendarProcessing", Identity=box["Guid"])["DeleteSubject"] is False
