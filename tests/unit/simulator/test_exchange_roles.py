# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call which cmdlet in the simulator's Exchange Online: role groups, roles and their entries."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulator import seed
from unit.simulator.exchange_client import ADMIN, READER, RECIPIENT_ADMIN, Exchange

HELP_DESK = "729827e3-9c14-49f7-bb1b-9608f156bbb8"


@pytest.fixture
def exo(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path / "tenant")


@pytest.mark.parametrize(
    ("roles", "may", "may_not"),
    [
        ((ADMIN,), ("New-ManagementScope", "Set-Mailbox", "New-App"), ()),
        ((RECIPIENT_ADMIN,), ("Get-Mailbox", "Get-AcceptedDomain"), ("Get-ManagementScope", "Get-App")),
        ((READER,), ("Get-Mailbox", "Get-ManagementScope", "Get-App"), ("Set-Mailbox", "Test-ApplicationAccessPolicy")),
        ((HELP_DESK,), ("Get-Mailbox",), ("Get-OrganizationConfig", "Set-User")),
    ],
)
def test_directory_roles_are_members_of_role_groups(
    exo: Exchange, roles: tuple[str, ...], may: tuple[str, ...], may_not: tuple[str, ...]
) -> None:
    exo.token = exo.app_token(wids=roles)
    headers = {"authorization": f"Bearer {exo.token}"}
    answer = exo.http.get(f"/adminapi/v1.0/{exo.tenant.id}/EXOModuleFile?Version=3.9.2", headers=headers)
    allowed = answer.json()["value"][0]["exportedCmdlets"].split(",")
    assert set(may) <= set(allowed)
    assert not set(may_not) & set(allowed)
    for name in may_not:
        assert exo.raw(name)[0] == 403
    for name in may:
        assert exo.raw(name)[0] != 403


def test_an_application_gets_cmdlets_through_a_role_group_of_its_own(exo: Exchange) -> None:
    app_id, object_id = "cccccccc-0000-4000-8000-000000000003", "dddddddd-0000-4000-8000-000000000004"
    entra = seed.service_principal_document(object_id, app_id, "Reporter")
    exo.tenant.store.put("servicePrincipal", object_id, entra)
    claims = {"appid": app_id, "oid": object_id, "roles": ["Exchange.ManageAsApp"]}
    token = exo.tenant.tokens.issue("https://outlook.office365.com", claims)
    administrator, exo.token = exo.token, token
    assert exo.raw("Get-Mailbox")[0] == 403
    exo.token = administrator
    exo.run("New-ServicePrincipal", AppId=app_id, ObjectId=object_id, DisplayName="Reporter")
    made = exo.one("New-RoleGroup", Name="Reports", Roles=["View-Only Recipients"], Description="For reports")
    assert (made["Roles"], made["RoleAssignments"]) == (["View-Only Recipients"], ["View-Only Recipients-Reports"])
    assert (
        exo.one("Get-ManagementRoleAssignment", Identity="View-Only Recipients-Reports")["RoleAssigneeName"]
        == "Reports"
    )
    exo.run("Add-RoleGroupMember", Identity="Reports", Member=app_id)
    assert "MemberAlreadyExistsException" in exo.fails("Add-RoleGroupMember", Identity="Reports", Member=object_id)
    assert exo.one("Get-RoleGroupMember", Identity="Reports")["Name"] == "Reporter"
    exo.token = token
    assert exo.run("Get-Mailbox")
    assert exo.raw("Set-Mailbox", Identity="alice", Office="1")[0] == 403
    exo.token = administrator
    exo.run("Remove-RoleGroupMember", Identity="Reports", Member=app_id, Confirm=False)
    assert "MemberNotFoundException" in exo.fails("Remove-RoleGroupMember", Identity="Reports", Member=app_id)
    exo.token = token
    assert exo.raw("Get-Mailbox")[0] == 403


def test_built_in_role_groups_and_their_members(exo: Exchange) -> None:
    names = [one["Name"] for one in exo.run("Get-RoleGroup")]
    assert names[:2] == ["Organization Management", "Recipient Management"]
    group = exo.one("Get-RoleGroup", Identity="recipient management")
    assert exo.one("Get-RoleGroup", Identity=group["Guid"]) == group
    exo.run("Add-RoleGroupMember", Identity="Recipient Management", Member="alice@contoso.com")
    member = exo.one("Get-RoleGroupMember", Identity="Recipient Management")
    assert (member["Name"], member["RecipientType"]) == ("Alice Anker", "UserMailbox")
    exo.token = exo.user_token("alice@contoso.com")
    assert exo.run("Get-Mailbox")
    assert exo.raw("New-ManagementScope", Name="x", RecipientRestrictionFilter="Alias -eq 'x'")[0] == 403


def test_role_groups_that_cannot_be(exo: Exchange) -> None:
    assert "already exists" in exo.fails("New-RoleGroup", Name="Help Desk")
    assert "couldn't be found" in exo.fails("New-RoleGroup", Name="New", Roles=["Nonsense"])
    assert "couldn't be found" in exo.fails("Get-RoleGroup", Identity="New")
    exo.tenant.store.update("organizationConfig", "organization", IsDehydrated=True)
    assert "Enable-OrganizationCustomization" in exo.fails("New-RoleGroup", Name="New")


def test_role_entries_say_which_cmdlets_a_role_has(exo: Exchange) -> None:
    entry = exo.one("Get-ManagementRoleEntry", Identity="mail recipients\\set-calendarprocessing")
    assert (entry["Role"], entry["Name"]) == ("Mail Recipients", "Set-CalendarProcessing")
    assert "AutomateProcessing" in entry["Parameters"]
    roles = {one["Role"] for one in exo.run("Get-ManagementRoleEntry", Identity="*\\New-App")}
    assert roles == {"Org Custom Apps"}
    assert exo.run("Get-ManagementRoleEntry", Identity="*\\*", Parameters=["EwsAllowedAppIDs"])
    assert "couldn't be found" in exo.fails("Get-ManagementRoleEntry", Identity="Org Custom Apps\\Set-Mailbox")
    assert "must have the form" in exo.fails("Get-ManagementRoleEntry", Identity="Mail Recipients")
