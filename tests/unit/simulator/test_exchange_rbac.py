# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RBAC for Applications in the simulator's Exchange Online: scopes, assignments, service principals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from simulator import seed
from simulator.store import Document
from unit.simulator.exchange_client import RECIPIENT_ADMIN, Exchange

ROLE = "Application EWS.AccessAsApp"


@pytest.fixture
def exo(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path / "tenant")


@pytest.fixture
def app(exo: Exchange) -> Document:
    """An Entra service principal that Exchange knows as "scheduler"."""
    entra = seed.service_principal_document(
        "5f0e8a55-9f31-4c2d-8a4b-e0aa6f9d3c3a", "9d3c3a5f-0e4a-459f-b11c-2d7a4be0aa6f", "Scheduler"
    )
    exo.tenant.store.put("servicePrincipal", entra["id"], entra)
    return exo.one("New-ServicePrincipal", AppId=entra["appId"], ObjectId=entra["id"], DisplayName="scheduler")


def scope(exo: Exchange, name: str = "VMR", text: str = "CustomAttribute1 -eq 'VMR'") -> Document:
    return exo.one("New-ManagementScope", Name=name, RecipientRestrictionFilter=text)


def reach(exo: Exchange, app: Document, resource: str) -> list[tuple[str, str, Any]]:
    rows = exo.run("Test-ServicePrincipalAuthorization", Identity=app["AppId"], Resource=resource)
    return [(row["AllowedResourceScope"], row["ScopeType"], row["InScope"]) for row in rows]


# --- scopes -----------------------------------------------------------------------------------------------------------


def test_scope_filters_come_back_reformatted(exo: Exchange) -> None:
    made = scope(exo, text="customattribute1 -eq \"O'Brien\"  -and RecipientTypeDetails -eq 'EquipmentMailbox'")
    wanted = "((customattribute1 -eq 'O''Brien') -and (RecipientTypeDetails -eq 'EquipmentMailbox'))"
    assert made["RecipientFilter"] == wanted
    assert exo.one("Get-ManagementScope", Identity=made["Guid"])["RecipientFilter"] == wanted
    assert (made["ScopeRestrictionType"], made["Exclusive"], made["RecipientRoot"]) == ("RecipientScope", False, "")


def test_scopes_are_changed_renamed_and_kept_while_in_use(exo: Exchange, app: Document) -> None:
    scope(exo)
    assert "ADObjectAlreadyExistsException" in exo.fails(
        "New-ManagementScope", Name="vmr", RecipientRestrictionFilter="Alias -eq 'x'"
    )
    assert "Invalid filter syntax" in exo.fails(
        "New-ManagementScope", Name="b", RecipientRestrictionFilter="Alias eq 'x'"
    )
    exo.run("New-ManagementRoleAssignment", Role=ROLE, App=app["ObjectId"], CustomResourceScope="VMR")
    assert exo.run("Get-ManagementScope", Orphan=True) == []
    assert (
        exo.run("Set-ManagementScope", Identity="VMR", Name="VMR two", RecipientRestrictionFilter="Alias -eq 'x'") == []
    )
    assert exo.one("Get-ManagementRoleAssignment", RoleAssignee=app["AppId"])["CustomResourceScope"] == "VMR two"
    assert "in use by" in exo.fails("Remove-ManagementScope", Identity="VMR two", Confirm=False)
    exo.run("Remove-ManagementRoleAssignment", Identity=f"{ROLE}-scheduler", Confirm=False)
    exo.run("Remove-ManagementScope", Identity="VMR two", Confirm=False)
    assert "couldn't be found" in exo.fails("Get-ManagementScope", Identity="VMR two")


# --- service principals -----------------------------------------------------------------------------------------------


def test_service_principals_point_to_the_enterprise_application(exo: Exchange, app: Document) -> None:
    for identity in (app["AppId"], app["ObjectId"], app["Guid"], "Scheduler"):
        assert exo.one("Get-ServicePrincipal", Identity=identity)["ObjectId"] == app["ObjectId"]
    again = exo.fails("New-ServicePrincipal", AppId=app["AppId"], ObjectId=app["ObjectId"])
    assert "already exists" in again
    other = exo.tenant.settings["automation"]["client_id"]
    assert "doesn't exist" in exo.fails("New-ServicePrincipal", AppId=other, ObjectId=app["ObjectId"])
    registration = exo.tenant.fresh.first("application", lambda one: one["appId"] == other) or {}
    assert "doesn't exist" in exo.fails("New-ServicePrincipal", AppId=other, ObjectId=registration["id"])
    exo.run("Set-ServicePrincipal", Identity=app["AppId"], DisplayName="renamed")
    assert exo.one("Get-ServicePrincipal", Identity="renamed")["AppId"] == app["AppId"]


def test_removing_a_service_principal_removes_its_assignments(exo: Exchange, app: Document) -> None:
    exo.run("New-ManagementRoleAssignment", Role=ROLE, App=app["AppId"])
    exo.run("Remove-ServicePrincipal", Identity=app["ObjectId"], Confirm=False)
    assert exo.run("Get-ManagementRoleAssignment") == []


def test_deleting_the_entra_service_principal_removes_everything(exo: Exchange, app: Document) -> None:
    exo.run("New-ManagementRoleAssignment", Role=ROLE, App=app["AppId"])
    exo.tenant.store.update("servicePrincipal", app["ObjectId"], deletedDateTime="2026-11-22T00:00:00Z")
    assert exo.run("Get-ServicePrincipal") == []
    assert exo.run("Get-ManagementRoleAssignment") == []


# --- assignments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["ObjectId", "AppId", "DisplayName"])
def test_assignment_to_an_application(exo: Exchange, app: Document, key: str) -> None:
    scope(exo)
    made = exo.one("New-ManagementRoleAssignment", Role=ROLE, App=app[key], CustomResourceScope="VMR", Name="vmr-ews")
    assert (made["RoleAssignee"], made["RoleAssigneeType"]) == (app["ObjectId"], "ServicePrincipal")
    assert (made["RecipientWriteScope"], made["CustomResourceScope"]) == ("CustomRecipientScope", "VMR")
    assert exo.one("Get-ManagementRoleAssignment", Identity="VMR-EWS")["Guid"] == made["Guid"]
    found = exo.one("Get-ManagementRoleAssignment", RoleAssignee=app[key], Role=ROLE, Enabled=True)
    assert found["Guid"] == made["Guid"]


def test_names_are_made_up_when_absent_and_unique(exo: Exchange, app: Document) -> None:
    first = exo.one("New-ManagementRoleAssignment", Role=ROLE, App=app["ObjectId"])
    second = exo.one("New-ManagementRoleAssignment", Role=ROLE, App=app["ObjectId"])
    assert [first["Name"], second["Name"]] == [f"{ROLE}-scheduler", f"{ROLE}-scheduler-1"]
    assert first["RecipientWriteScope"] == "Organization"
    taken = exo.fails("New-ManagementRoleAssignment", Role=ROLE, App=app["ObjectId"], Name=first["Name"])
    assert "ADObjectAlreadyExistsException" in taken


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        (
            {"Role": "ApplicationImpersonation", "User": "alice@contoso.com"},
            "'ApplicationImpersonation' couldn't be found",
        ),
        ({"Role": "Application Nonsense", "App": "scheduler"}, "couldn't be found"),
        ({"Role": ROLE, "App": "nobody"}, "'nobody' couldn't be found"),
        ({"Role": ROLE, "App": "scheduler", "CustomResourceScope": "none"}, "'none' couldn't be found"),
        ({"Role": ROLE, "App": "scheduler", "RecipientGroupScope": "Entra only"}, "'Entra only' couldn't be found"),
        ({"Role": ROLE, "User": "alice"}, "can't be assigned"),
        ({"Role": "Mail Recipients", "App": "scheduler"}, "can't be assigned"),
        ({"Role": ROLE, "App": "scheduler", "CustomRecipientWriteScope": "VMR"}, "AmbiguousParameterSetException"),
        ({"Role": ROLE, "App": "scheduler", "User": "alice"}, "AmbiguousParameterSetException"),
        ({"Role": ROLE}, "Missing mandatory parameters"),
    ],
)
def test_refused_assignments(exo: Exchange, app: Document, parameters: dict[str, Any], part: str) -> None:
    scope(exo)
    assert part in exo.fails("New-ManagementRoleAssignment", **parameters)
    assert exo.run("Get-ManagementRoleAssignment") == []


def test_a_dehydrated_tenant_says_what_to_do(exo: Exchange, app: Document) -> None:
    exo.tenant.store.update("organizationConfig", "organization", IsDehydrated=True)
    assert "execute Enable-OrganizationCustomization task first." in exo.fails(
        "New-ManagementRoleAssignment", Role=ROLE, App=app["ObjectId"]
    )
    exo.run("Enable-OrganizationCustomization")
    assert exo.one("Get-OrganizationConfig")["IsDehydrated"] is False
    assert "already enabled for customization" in exo.fails("Enable-OrganizationCustomization")
    assert exo.run("New-ManagementRoleAssignment", Role=ROLE, App=app["ObjectId"])


def test_what_a_scoped_application_reaches(exo: Exchange, app: Document) -> None:
    scope(exo)
    exo.run("New-ManagementRoleAssignment", Role=ROLE, App=app["ObjectId"], CustomResourceScope="VMR")
    assert reach(exo, app, "alice@contoso.com") == [("VMR", "CustomRecipientScope", False)]
    exo.run("Set-Mailbox", Identity="alice@contoso.com", CustomAttribute1="vmr")
    assert reach(exo, app, "alice@contoso.com") == [("VMR", "CustomRecipientScope", True)]
    rows = exo.run("Test-ServicePrincipalAuthorization", Identity="scheduler")
    assert (rows[0]["InScope"], rows[0]["GrantedPermissions"]) == ("Not Run", "EWS.AccessAsApp")


def test_groups_administrative_units_and_the_organization_as_scopes(exo: Exchange, app: Document) -> None:
    unit = exo.one("Get-AdministrativeUnit", Identity="Oslo")["ExternalDirectoryObjectId"]
    group = exo.one("Get-DistributionGroup", Identity="vmr-users@contoso.com")["ExternalDirectoryObjectId"]
    exo.run(
        "New-ManagementRoleAssignment", Role=ROLE, App="scheduler", Name="unit", RecipientAdministrativeUnitScope="Oslo"
    )
    exo.run("New-ManagementRoleAssignment", Role=ROLE, App="scheduler", Name="group", RecipientGroupScope="vmr-users")
    assert reach(exo, app, "alice") == [(unit, "AdministrativeUnit", True), (group, "Group", True)]
    assert reach(exo, app, "bob") == [(unit, "AdministrativeUnit", False), (group, "Group", True)]
    both = {"RecipientAdministrativeUnitScope": "Oslo", "RecipientGroupScope": "vmr-users"}
    assert "only one of these" in exo.fails("New-ManagementRoleAssignment", Role=ROLE, App="scheduler", **both)
    exo.run("Set-ManagementRoleAssignment", Identity="unit", Enabled=False)
    assert reach(exo, app, "bob") == [(group, "Group", True)]


def test_member_of_group_is_a_scope_by_distinguished_name(exo: Exchange, app: Document) -> None:
    name = exo.one("Get-DistributionGroup", Identity="vmr-users")["DistinguishedName"]
    scope(exo, text=f"MemberOfGroup -eq '{name}'")
    exo.run("New-ManagementRoleAssignment", Role=ROLE, App="scheduler", CustomResourceScope="VMR")
    assert [reach(exo, app, one)[0][2] for one in ("alice", "bob", "carol")] == [True, True, False]
    assert "Invalid filter syntax" in exo.fails(
        "New-ManagementScope", Name="b", RecipientRestrictionFilter="MemberOfGroup -eq 'vmr-users'"
    )


def test_scope_of_an_assignment_can_change(exo: Exchange, app: Document) -> None:
    scope(exo, "one")
    scope(exo, "two", "Alias -eq 'bob'")
    exo.run("New-ManagementRoleAssignment", Role=ROLE, App="scheduler", Name="a", CustomResourceScope="one")
    exo.run("Set-ManagementRoleAssignment", Identity="a", CustomResourceScope="two")
    assert reach(exo, app, "bob") == [("two", "CustomRecipientScope", True)]
    assert "can't be used" in exo.fails("Set-ManagementRoleAssignment", Identity="a", CustomRecipientWriteScope="one")


def test_users_take_impersonation_where_the_tenant_still_has_it(exo: Exchange) -> None:
    key = seed.made_up_id("managementRole", "ApplicationImpersonation")
    role = {"Name": "ApplicationImpersonation", "Identity": "ApplicationImpersonation", "Guid": key, "RoleType": "x"}
    exo.tenant.store.put("managementRole", key, role)
    scope(exo, text="Alias -eq 'bob'")
    made = exo.one(
        "New-ManagementRoleAssignment", Role=role["Name"], User="alice@contoso.com", CustomRecipientWriteScope="VMR"
    )
    assert (made["RoleAssigneeType"], made["CustomRecipientWriteScope"]) == ("User", "VMR")
    boxes = {one["Alias"]: one for one in exo.tenant.fresh.all("mailbox")}
    alice = boxes["alice"]["ExternalDirectoryObjectId"]
    assert exo.tenant.user_impersonates(alice, boxes["bob"])
    assert not exo.tenant.user_impersonates(alice, boxes["carol"])


def test_recipient_administrators_do_not_manage_roles(exo: Exchange) -> None:
    exo.token = exo.app_token(wids=(RECIPIENT_ADMIN,))
    assert exo.run("Get-Mailbox")
    assert exo.run("Get-OrganizationConfig")
    for name in ("New-ManagementScope", "Get-ManagementRoleAssignment", "Set-OrganizationConfig"):
        assert exo.raw(name)[0] == 403


def test_roles(exo: Exchange) -> None:
    assert ROLE in [one["Name"] for one in exo.run("Get-ManagementRole")]
    assert exo.one("Get-ManagementRole", Identity=ROLE)["Name"] == ROLE


def test_new_assignments_are_found_by_some_reads_only_while_replicas_lag(tmp_path: Path) -> None:
    exo = Exchange(tmp_path / "slow", lag=60.0)
    scope(exo)
    answers = [exo.send("Get-ManagementScope", Identity="VMR").status_code for _rest in range(2)]
    assert answers == [400, 200]
    assert exo.run("Get-ManagementScope") == []
