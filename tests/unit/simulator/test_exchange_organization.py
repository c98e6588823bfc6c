# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Permissions, protocols, groups, users and the organization in the simulator's Exchange Online."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.simulator.exchange_client import Exchange

APPS = "11111111-1111-4111-8111-111111111111, 22222222-2222-4222-8222-222222222222"


@pytest.fixture
def exo(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path / "tenant")


def warnings(exo: Exchange, cmdlet: str, **parameters: Any) -> list[str]:
    answer = exo.send(cmdlet, **parameters)
    assert answer.status_code == 200
    return [str(one) for one in answer.json()["@adminapi.warnings"]]


# --- permissions ------------------------------------------------------------------------------------------------------


def test_mailbox_permissions(exo: Exchange) -> None:
    grant = {"Identity": "alice", "User": "bob@contoso.com", "AccessRights": ["FullAccess"]}
    made = exo.one("Add-MailboxPermission", **grant, AutoMapping=False, InheritanceType="All")
    assert (made["User"], made["AccessRights"], made["Deny"]) == ("bob@contoso.com", ["FullAccess"], False)
    assert "already present on the object" in warnings(exo, "Add-MailboxPermission", **grant)[0]
    entries = exo.run("Get-MailboxPermission", Identity="alice")
    assert [entry["User"] for entry in entries] == ["NT AUTHORITY\\SELF", "bob@contoso.com"]
    assert entries[0]["AccessRights"] == ["FullAccess, ReadPermission"]
    assert warnings(exo, "Remove-MailboxPermission", **grant, Deny=True)[0].endswith(
        "because the ACE doesn't exist on the object."
    )
    exo.run("Remove-MailboxPermission", **grant, Confirm=False)
    assert exo.run("Get-MailboxPermission", Identity="alice", User="bob") == []
    assert "Missing mandatory parameters" in exo.fails("Get-MailboxPermission")
    assert "enumerator name" in exo.fails("Add-MailboxPermission", Identity="alice", User="bob", AccessRights="SendAs")


def test_deny_is_a_string_in_some_tenants(exo: Exchange) -> None:
    exo.tenant.store.put("setting", "switches", {"deny_as_string": True})
    exo.run("Add-MailboxPermission", Identity="alice", User="bob", AccessRights="FullAccess", Deny=True)
    assert [entry["Deny"] for entry in exo.run("Get-MailboxPermission", Identity="alice")] == ["False", "True"]


def test_recipient_permissions(exo: Exchange) -> None:
    grant = {"Identity": "vmr-users@contoso.com", "Trustee": "bob@contoso.com", "AccessRights": "SendAs"}
    made = exo.one("Add-RecipientPermission", **grant, Confirm=False)
    assert (made["Identity"], made["AccessControlType"]) == ("VMR scheduling users", "Allow")
    assert "Deny" not in made
    assert [one["Trustee"] for one in exo.run("Get-RecipientPermission", Identity="vmr-users")] == ["bob@contoso.com"]
    assert warnings(exo, "Add-RecipientPermission", **grant)
    exo.run("Remove-RecipientPermission", **grant, Confirm=False)
    assert warnings(exo, "Remove-RecipientPermission", **grant, Confirm=False)
    assert "SendAs only" in exo.fails("Add-RecipientPermission", **{**grant, "AccessRights": "FullAccess"})


def test_a_holder_may_be_renamed(exo: Exchange) -> None:
    grant = {"Identity": "alice", "Trustee": "bob@contoso.com", "AccessRights": "SendAs"}
    exo.run("Add-RecipientPermission", **grant, Confirm=False)
    bob = exo.one("Get-User", Identity="bob@contoso.com")["ExternalDirectoryObjectId"]
    exo.tenant.store.update("user", bob, userPrincipalName="robert@contoso.com")
    assert [one["Trustee"] for one in exo.run("Get-RecipientPermission", Identity="alice")][1] == "robert@contoso.com"
    grant["Trustee"] = "robert@contoso.com"
    assert exo.one("Get-RecipientPermission", Identity="alice", Trustee="robert@contoso.com")
    assert warnings(exo, "Remove-RecipientPermission", **grant, Confirm=False) == []


# --- organization and protocols ---------------------------------------------------------------------------------------


def test_ews_app_list_is_one_string_that_shows_with_its_switch_only(exo: Exchange) -> None:
    exo.run("Set-OrganizationConfig", EwsAllowedAppIDs=APPS, EwsEnabled=True)
    assert not exo.one("Get-OrganizationConfig")["EwsAllowedAppIDs"]
    read = exo.one("Get-OrganizationConfig", RetrieveEwsOperationAccessPolicy=True)
    assert read["EwsAllowedAppIDs"] == APPS.replace(" ", "")
    assert read["EwsEnabled"] is True
    assert "isn't a valid GUID" in exo.fails("Set-OrganizationConfig", EwsAllowedAppIDs="scheduler")
    assert "argument transformation" in exo.fails("Set-OrganizationConfig", EwsAllowedAppIDs=["a"])
    exo.run("Set-OrganizationConfig", EwsAllowedAppIDs=None, EwsEnabled=None)
    read = exo.one("Get-OrganizationConfig", RetrieveEwsOperationAccessPolicy=True)
    assert (read["EwsAllowedAppIDs"], read["EwsEnabled"]) == (None, None)


def test_the_app_list_may_come_as_one_element(exo: Exchange) -> None:
    exo.tenant.store.put("setting", "switches", {"app_list_as_collection": True})
    exo.run("Set-OrganizationConfig", EwsAllowedAppIDs=APPS)
    read = exo.one("Get-OrganizationConfig", RetrieveEwsOperationAccessPolicy=True)
    assert read["EwsAllowedAppIDs"] == [APPS.replace(" ", "")]


def test_user_agent_lists_need_their_policy_in_the_same_call(exo: Exchange) -> None:
    for cmdlet, more in (("Set-OrganizationConfig", {}), ("Set-CASMailbox", {"Identity": "alice"})):
        assert "must be specified" in exo.fails(cmdlet, EwsAllowList=["a/*"], **more)
        exo.run(cmdlet, EwsAllowList=["a/*"], EwsApplicationAccessPolicy="enforceallowlist", **more)
    assert exo.one("Get-CASMailbox", Identity="alice")["EwsApplicationAccessPolicy"] == "EnforceAllowList"
    assert exo.one("Get-OrganizationConfig")["EwsAllowList"] == ["a/*"]


def test_client_access_settings(exo: Exchange) -> None:
    exo.run("Set-CASMailbox", Identity="alice", EwsEnabled=False)
    assert exo.one("Get-CASMailbox", Identity="alice")["EwsEnabled"] is False
    exo.run("Set-CASMailbox", Identity="alice", EwsEnabled=None)
    assert [box["EwsEnabled"] for box in exo.run("Get-CASMailbox")] == [None] * 3


def test_domains_units_and_roles_are_the_tenants(exo: Exchange) -> None:
    domains = {one["DomainName"]: (one["Default"], one["InitialDomain"]) for one in exo.run("Get-AcceptedDomain")}
    assert domains == {"contoso.onmicrosoft.com": (False, True), "contoso.com": (True, False)}
    assert [one["DisplayName"] for one in exo.run("Get-AdministrativeUnit")] == ["Oslo"]


# --- groups, recipients, users ----------------------------------------------------------------------------------------


def test_distribution_groups_and_nested_members(exo: Exchange) -> None:
    made = exo.one("New-DistributionGroup", Name="VMR admins", Type="security", Members=["carol@contoso.com"])
    assert (made["PrimarySmtpAddress"], made["RecipientType"]) == (
        "VMRadmins@contoso.com",
        "MailUniversalSecurityGroup",
    )
    add = {"Identity": "VMR admins", "Member": "vmr-users@contoso.com"}
    exo.run("Add-DistributionGroupMember", **add)
    assert "MemberAlreadyExistsException" in exo.fails("Add-DistributionGroupMember", **add)
    members = exo.run("Get-DistributionGroupMember", Identity="VMR admins")
    assert [(one["DisplayName"], one["RecipientType"]) for one in members] == [
        ("Carol Chen", "UserMailbox"),
        ("VMR scheduling users", "MailUniversalDistributionGroup"),
    ]
    exo.run("Remove-DistributionGroupMember", **add, Confirm=False)
    assert "MemberNotFoundException" in exo.fails("Remove-DistributionGroupMember", **add, Confirm=False)
    exo.run("Update-DistributionGroupMember", Identity="VMR admins", Members=["alice", "bob"], Confirm=False)
    assert len(exo.run("Get-DistributionGroupMember", Identity="VMR admins")) == 2
    exo.run("Remove-DistributionGroup", Identity="VMR admins", Confirm=False)
    assert [one["Name"] for one in exo.run("Get-DistributionGroup")] == ["VMR scheduling users"]


def test_recipients_are_mailboxes_and_mail_enabled_groups(exo: Exchange) -> None:
    names = [one["DisplayName"] for one in exo.run("Get-Recipient")]
    assert names == ["Alice Anker", "Bob O'Brien", "Carol Chen", "VMR scheduling users"]
    found = exo.one("Get-Recipient", RecipientTypeDetails="MailUniversalDistributionGroup")
    assert found["PrimarySmtpAddress"] == "vmr-users@contoso.com"
    member_of = f"MemberOfGroup -eq '{found['DistinguishedName']}'"
    assert [one["Alias"] for one in exo.run("Get-Recipient", Filter=member_of)] == ["alice", "bob"]


def test_users_with_and_without_mailbox(exo: Exchange) -> None:
    kinds = {one["DisplayName"]: one["RecipientTypeDetails"] for one in exo.run("Get-User")}
    assert (kinds["Alice Anker"], kinds["Dave Dahl"]) == ("UserMailbox", "User")
    exo.run("Set-User", Identity="alice@contoso.com", Department="Video", Phone="+47 1")
    user = exo.one("Get-User", Identity="alice@contoso.com")
    assert (user["Department"], user["Phone"]) == ("Video", "+47 1")
    assert [box["Alias"] for box in exo.run("Get-Mailbox", Filter="Department -eq 'Video'")] == ["alice"]


def test_calendar_configuration_and_folder_permissions(exo: Exchange) -> None:
    exo.run(
        "Set-MailboxCalendarConfiguration",
        Identity="alice",
        WorkDays=["Monday", "tuesday"],
        WorkingHoursTimeZone="W. Europe Standard Time",
    )
    read = exo.one("Get-MailboxCalendarConfiguration", Identity="alice")
    assert (read["WorkDays"], read["WorkingHoursStartTime"]) == ("Monday, Tuesday", "08:00:00")
    assert "AmbiguousParameterSet" in exo.fails(
        "Set-MailboxCalendarConfiguration", Identity="alice", WorkHoursStartTime="07:00:00"
    )
    entries = exo.run("Get-MailboxFolderPermission", Identity="alice@contoso.com:\\Calendar")
    assert [(one["User"], one["AccessRights"]) for one in entries] == [
        ("Default", ["AvailabilityOnly"]),
        ("Anonymous", ["None"]),
    ]
    assert "couldn't be found" in exo.fails("Get-MailboxFolderPermission", Identity="alice:\\Kalender")


def test_a_group_is_changed(exo: Exchange) -> None:
    group = {"Identity": "vmr-users"}
    exo.run("Set-DistributionGroup", **group, DisplayName="Rooms", PrimarySmtpAddress="rooms@contoso.com")
    exo.run("Set-DistributionGroup", **group, CustomAttribute1="vmr", HiddenFromAddressListsEnabled=True)
    exo.run("Set-DistributionGroup", **group, ManagedBy=["alice"], Description=["Meeting rooms"], MailTip="Hi")
    read = exo.one("Get-DistributionGroup", Identity="rooms@contoso.com")
    assert (read["DisplayName"], read["CustomAttribute1"], read["HiddenFromAddressListsEnabled"]) == (
        "Rooms",
        "vmr",
        True,
    )
    assert read["EmailAddresses"] == ["SMTP:rooms@contoso.com", "smtp:vmr-users@contoso.com"]
    assert (read["ManagedBy"], read["Description"], read["MailTip"]) == (["Alice Anker"], ["Meeting rooms"], "Hi")
    assert "no settings of" in warnings(exo, "Set-DistributionGroup", **group, DisplayName="Rooms")[0]
    assert "already being used" in exo.fails("Set-DistributionGroup", **group, PrimarySmtpAddress="bob@contoso.com")
    exo.run("Set-DistributionGroup", **group, Name="Room users", Alias="room-users")
    assert exo.one("Get-DistributionGroup", Identity="Room users")["Alias"] == "room-users"


def test_microsoft_365_groups_are_no_distribution_groups(exo: Exchange) -> None:
    assert exo.run("Get-UnifiedGroup") == []
    group = exo.tenant.fresh.all("group")[0]
    exo.tenant.store.put("group", "m365", {**group, "id": "m365", "groupTypes": ["Unified"], "mailNickname": "team"})
    assert exo.one("Get-UnifiedGroup", Identity="team")["RecipientTypeDetails"] == "GroupMailbox"
    assert len(exo.run("Get-DistributionGroup")) == 1
    assert "couldn't be found" in exo.fails("Get-UnifiedGroup", Identity="nobody")


# --- language and access policies -------------------------------------------------------------------------------------


def test_a_language_renames_the_folders_where_asked(exo: Exchange) -> None:
    alice = {"Identity": "alice"}
    assert exo.one("Get-MailboxRegionalConfiguration", **alice)["Language"] is None
    exo.run("Set-MailboxRegionalConfiguration", **alice, Language="de-DE", TimeZone="W. Europe Standard Time")
    read = exo.one("Get-MailboxRegionalConfiguration", **alice, VerifyDefaultFolderNameLanguage=True)
    assert (read["Language"], read["DefaultFolderNameMatchingUserLanguage"]) == ("de-DE", False)
    exo.run("Set-MailboxRegionalConfiguration", **alice, LocalizeDefaultFolderName=True)
    assert exo.one("Get-MailboxFolderStatistics", **alice, FolderScope="Calendar")["Name"] == "Kalender"
    read = exo.one("Get-MailboxRegionalConfiguration", **alice, VerifyDefaultFolderNameLanguage=True)
    assert read["DefaultFolderNameMatchingUserLanguage"] is True
    assert "isn't valid" in exo.fails("Set-MailboxRegionalConfiguration", **alice, Language="Klingon!")
    assert warnings(exo, "Set-MailboxRegionalConfiguration", **alice, Language="de-DE")


def test_access_policies_narrow_an_application(exo: Exchange) -> None:
    exo.run("New-DistributionGroup", Name="Rooms", Type="Security", Members=["alice"])
    app = "11111111-1111-4111-8111-111111111111"
    policy = {"AppId": [app], "PolicyScopeGroupID": "Rooms", "AccessRight": "RestrictAccess"}
    made = exo.one("New-ApplicationAccessPolicy", **policy, Description="Rooms only")
    assert (made["AppId"], made["ScopeName"], made["AccessRight"]) == (app, "Rooms", "RestrictAccess")

    def check(who: str) -> str:
        return str(exo.one("Test-ApplicationAccessPolicy", Identity=who, AppId=app)["AccessCheckResult"])

    assert (check("alice"), check("bob")) == ("Granted", "Denied")
    assert "already exists" in exo.fails("New-ApplicationAccessPolicy", **policy)
    assert exo.run("Get-ApplicationAccessPolicy", Identity=made["Identity"]) == exo.run("Get-ApplicationAccessPolicy")
    exo.run("Remove-ApplicationAccessPolicy", Identity=made["Identity"], Confirm=False)
    assert "couldn't be found" in exo.fails("Get-ApplicationAccessPolicy", Identity=made["Identity"])
    exo.run("New-ApplicationAccessPolicy", **{**policy, "AccessRight": "DenyAccess"})
    assert (check("alice"), check("bob")) == ("Denied", "Granted")
    unfit = {**policy, "AppId": ["22222222-2222-4222-8222-222222222222"], "PolicyScopeGroupID": "vmr-users"}
    assert "isn't a security principal" in exo.fails("New-ApplicationAccessPolicy", **unfit)
    assert "valid application ID" in exo.fails("New-ApplicationAccessPolicy", **{**policy, "AppId": ["scheduler"]})
    wrong = {**policy, "AccessRight": "Allow"}
    assert "RestrictAccess, DenyAccess" in exo.fails("New-ApplicationAccessPolicy", **wrong)
