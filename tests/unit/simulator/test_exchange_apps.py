# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlook add-ins in the simulator's Exchange Online."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from unit.simulator.exchange_client import RECIPIENT_ADMIN, Exchange

APP_ID = "6d1a2f3b-1111-4222-8333-123456789abc"
MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<OfficeApp xmlns="http://schemas.microsoft.com/office/appforoffice/1.1"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="{kind}">
  <Id>{id}</Id><Version>{version}</Version><ProviderName>Pexip</ProviderName><DefaultLocale>en-US</DefaultLocale>
  <DisplayName DefaultValue="VMR scheduling"/><Description DefaultValue="Rooms"/>
  <IconUrl DefaultValue="https://node.contoso.com/icon.png"/><Permissions>{permission}</Permissions>
</OfficeApp>"""


def manifest(**values: str) -> dict[str, str]:
    text = MANIFEST.format(
        **{"kind": "MailApp", "id": APP_ID, "version": "1.0.0.0", "permission": "ReadItem", **values}
    )
    return as_bytes(text)


def as_bytes(text: str) -> dict[str, str]:
    return {"@odata.type": "#Exchange.ByteArrayType", "Data": base64.b64encode(text.encode()).decode()}


@pytest.fixture
def exo(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path / "tenant")


def installed(exo: Exchange, **more: Any) -> dict[str, Any]:
    return exo.one("New-App", OrganizationApp=True, FileData=manifest(), **more)


def the_app(exo: Exchange) -> dict[str, Any]:
    return exo.one("Get-App", OrganizationApp=True, Identity=APP_ID)


def test_an_organizations_add_in_is_installed_offered_and_removed(exo: Exchange) -> None:
    made = installed(exo)
    assert (made["AppId"], made["DisplayName"], made["ProviderName"]) == (APP_ID, "VMR scheduling", "Pexip")
    assert (made["AppVersion"], made["Requirements"], made["Scope"]) == ("1.0.0.0", "ReadItem", "Organization")
    assert (made["ProvidedTo"], made["DefaultStateForUser"], made["Enabled"]) == ("Everyone", "Disabled", True)
    names = [one["DisplayName"] for one in exo.run("Get-App", OrganizationApp=True)]
    assert names == ["My Templates", "Action Items", "VMR scheduling"]
    exo.run("Set-App", OrganizationApp=True, Identity=APP_ID, DefaultStateForUser="Enabled")
    assert the_app(exo)["DefaultStateForUser"] == "Enabled"
    exo.run("Remove-App", OrganizationApp=True, Identity=APP_ID, Confirm=False)
    assert "couldn't be found" in exo.fails("Get-App", OrganizationApp=True, Identity=APP_ID)
    assert "couldn't be found" in exo.fails("Remove-App", OrganizationApp=True, Identity=APP_ID, Confirm=False)


def test_an_add_in_for_named_users(exo: Exchange) -> None:
    users = {"ProvidedTo": "SpecificUsers", "UserList": ["alice@contoso.com", "bob"]}
    installed(exo, **users, DefaultStateForUser="AlwaysEnabled")
    alice, bob = (exo.one("Get-Mailbox", Identity=name)["Identity"] for name in ("alice", "bob"))
    assert the_app(exo)["UserList"] == [alice, bob]
    change = {"@odata.type": "#Exchange.GenericHashTable", "Add": ["carol"], "Remove": ["alice"]}
    exo.run("Set-App", OrganizationApp=True, Identity=APP_ID, UserList=change)
    exo.tenant.store.put("setting", "switches", {"app_user_list_form": "PrimarySmtpAddress"})
    assert the_app(exo)["UserList"] == ["bob@contoso.com", "carol@contoso.com"]
    assert APP_ID in [one["AppId"] for one in exo.run("Get-App", Mailbox="bob")]
    assert APP_ID not in [one["AppId"] for one in exo.run("Get-App", Mailbox="alice")]
    exo.run("Set-App", OrganizationApp=True, Identity=APP_ID, ProvidedTo="Everyone")
    assert the_app(exo)["UserList"] == []
    assert "only when ProvidedTo is SpecificUsers" in exo.fails(
        "Set-App", OrganizationApp=True, Identity=APP_ID, UserList=["alice"]
    )
    assert "couldn't be found" in exo.fails(
        "Set-App", OrganizationApp=True, Identity=APP_ID, ProvidedTo="SpecificUsers", UserList=["nobody"]
    )


def test_a_thousand_users_and_no_more(exo: Exchange) -> None:
    alice = exo.one("Get-Mailbox", Identity="alice")
    stored = exo.tenant.fresh.get("mailbox", alice["Guid"]) or {}
    names = [f"user{number}" for number in range(1001)]
    with exo.tenant.store.transaction():
        for name in names:
            address = f"{name}@contoso.com"
            same = {"Guid": name, "Alias": name, "Name": name, "Identity": name, "EmailAddresses": [f"SMTP:{address}"]}
            same |= dict.fromkeys(("DisplayName", "PrimarySmtpAddress", "UserPrincipalName"), address)
            same |= dict.fromkeys(("ExchangeGuid", "ExternalDirectoryObjectId", "LegacyExchangeDN"), f"{name}-id")
            exo.tenant.store.put("mailbox", name, {**stored, **same})
    users = {"OrganizationApp": True, "FileData": manifest(), "ProvidedTo": "SpecificUsers"}
    assert "The maximum is 1000" in exo.fails("New-App", **users, UserList=names)
    assert len(exo.one("New-App", **users, UserList=names[:1000])["UserList"]) == 1000


def test_a_newer_version_takes_the_place_of_an_older_one(exo: Exchange) -> None:
    installed(exo, DefaultStateForUser="Enabled")
    assert "already installed" in exo.fails("New-App", OrganizationApp=True, FileData=manifest())
    exo.run("New-App", OrganizationApp=True, FileData=manifest(version="1.10.0.0"), WhatIf=True)
    exo.run("New-App", OrganizationApp=True, FileData=manifest(version="1.11.0.0"), DownloadOnly=True)
    assert the_app(exo)["AppVersion"] == "1.0.0.0"
    exo.run("New-App", OrganizationApp=True, FileData=manifest(version="1.9.0.0"))
    assert (the_app(exo)["AppVersion"], the_app(exo)["DefaultStateForUser"]) == ("1.9.0.0", "Enabled")
    exo.run("New-App", OrganizationApp=True, FileData=manifest(version="1.10.0.0"))
    exo.tenant.store.put("setting", "switches", {"app_update_in_place": False})
    assert "already installed" in exo.fails("New-App", OrganizationApp=True, FileData=manifest(version="2.0.0.0"))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (as_bytes("<OfficeApp"), "doesn't conform to the schema"),
        (as_bytes("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"), "isn't a mail app"),
        (manifest(kind="TaskPaneApp"), "isn't a mail app"),
        (manifest(id=""), "The element Id is missing"),
        (manifest(permission="Everything"), "The permission Everything is unknown"),
        (manifest(version="one"), "The version one isn't valid"),
        ("PE9mZmljZUFwcC8+", "isn't an Exchange.ByteArrayType"),
        ({"@odata.type": "#Exchange.ByteArrayType", "Data": "%"}, "not a valid Base-64 string"),
        (None, "You must specify FileData"),
    ],
)
def test_what_is_no_manifest_is_refused(exo: Exchange, data: Any, text: str) -> None:
    if text.startswith("The version"):
        installed(exo)
    assert text in exo.fails("New-App", OrganizationApp=True, FileData=data)


def test_a_mailboxs_own_add_ins_and_the_built_in_ones(exo: Exchange) -> None:
    exo.run("New-App", Mailbox="alice", FileData=manifest())
    own = exo.one("Get-App", Mailbox="alice", Identity=APP_ID)
    assert (own["Scope"], own["AppId"]) == ("User", APP_ID)
    assert "couldn't be found" in exo.fails("Get-App", OrganizationApp=True, Identity=APP_ID)
    assert "OrganizationApp switch or a Mailbox" in exo.fails("Get-App")
    exo.run("Remove-App", Mailbox="alice", Identity=APP_ID, Confirm=False)
    templates = exo.run("Get-App", OrganizationApp=True)[0]["AppId"]
    exo.run("Set-App", OrganizationApp=True, Identity=templates, Enabled=False)
    assert [one["DisplayName"] for one in exo.run("Get-App", Mailbox="alice")] == ["Action Items"]
    assert "default app" in exo.fails("Remove-App", OrganizationApp=True, Identity=templates, Confirm=False)


def test_add_ins_are_the_organizations_business(exo: Exchange) -> None:
    exo.token = exo.app_token(wids=(RECIPIENT_ADMIN,))
    assert exo.raw("New-App", OrganizationApp=True, FileData=manifest())[0] == 403
