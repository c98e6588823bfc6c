# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches with which an organization and a mailbox close EWS, set by cmdlet and felt over EWS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from simulator.ews_policy import BLOCKED, DISABLED
from simulator.tenant import EWS_APPLICATION_ROLE, Tenant
from unit.simulator.ews_client import (
    ALICE,
    APP_ID,
    BOB,
    VMR,
    app_token,
    as_user,
    assign,
    box_of,
    fault_of,
    post,
    stage,
    user_token,
)
from unit.simulator.exchange_client import Exchange

OTHER_APP = "bbbbbbbb-0000-4000-8000-000000000002"


@pytest.fixture
def exo(tmp_path: Path) -> Exchange:
    """An administrator of the tenant that EWS is asked in."""
    return Exchange(tmp_path, tenant=stage(tmp_path))


def ask(tenant: Tenant, address: str = ALICE, agent: str = "") -> str:
    """What the policy says about an application that may open every mailbox; empty when it gets its answer."""
    answer = post(tenant, app_token(tenant, "full_access_as_app"), as_user(address), agent=agent)
    if answer.status_code == 200:
        return ""
    assert (answer.status_code, answer.content) == (403, b"")
    return str(answer.headers["x-ews-policy-reason"])


@pytest.mark.parametrize("organization", [True, False, None])
@pytest.mark.parametrize("mailbox", [True, False, None])
def test_organization_and_mailbox_both_have_to_allow_ews(
    exo: Exchange, organization: bool | None, mailbox: bool | None
) -> None:
    exo.run("Set-OrganizationConfig", EwsEnabled=organization, EwsAllowedAppIDs=APP_ID)
    exo.run("Set-CASMailbox", Identity="alice", EwsEnabled=mailbox)
    assert ask(exo.tenant) == (DISABLED if False in (organization, mailbox) else "")
    assert ask(exo.tenant, BOB) == (DISABLED if organization is False else "")


def test_only_listed_applications_pass_once_ews_is_switched_on(exo: Exchange) -> None:
    exo.run("Set-OrganizationConfig", EwsAllowedAppIDs=OTHER_APP)
    assert ask(exo.tenant) == "", "the list is not in force before EWS is switched on"
    exo.run("Set-OrganizationConfig", EwsEnabled=True)
    assert ask(exo.tenant) == BLOCKED
    exo.run("Set-OrganizationConfig", EwsAllowedAppIDs=f"{OTHER_APP},{APP_ID.upper()}")
    assert ask(exo.tenant) == ""
    own = post(exo.tenant, user_token(exo.tenant, ALICE))
    assert own.status_code == 200, "a signed-in user's application is the same one"
    exo.run("Set-OrganizationConfig", EwsAllowedAppIDs=None)
    assert ask(exo.tenant) == BLOCKED


def test_an_empty_list_may_mean_no_restriction(exo: Exchange) -> None:
    exo.tenant.store.put("setting", "switches", {"empty_app_list_blocks": False})
    exo.run("Set-OrganizationConfig", EwsEnabled=True)
    assert ask(exo.tenant) == ""


@pytest.mark.parametrize("where", [{}, {"Identity": "alice"}])
def test_user_agents_are_allowed_or_blocked_by_pattern(exo: Exchange, where: dict[str, Any]) -> None:
    cmdlet = "Set-CASMailbox" if where else "Set-OrganizationConfig"
    exo.run(cmdlet, EwsApplicationAccessPolicy="EnforceAllowList", EwsAllowList=["Pexip/*"], **where)
    assert ask(exo.tenant, agent="pexip/36 (scheduler)") == ""
    assert ask(exo.tenant, agent="exchangelib/5.6.0") == BLOCKED
    assert ask(exo.tenant, BOB, agent="exchangelib/5.6.0") == ("" if where else BLOCKED)
    exo.run(cmdlet, EwsApplicationAccessPolicy="EnforceBlockList", EwsBlockList=["exchangelib/*"], **where)
    assert ask(exo.tenant, agent="exchangelib/5.6.0") == BLOCKED
    assert ask(exo.tenant, agent="Pexip/36") == ""


def test_frontline_licences_have_no_ews(exo: Exchange) -> None:
    sku = {"skuId": "f3", "servicePlans": [{"servicePlanId": "kiosk", "servicePlanName": "EXCHANGE_S_DESKLESS"}]}
    exo.tenant.store.put("subscribedSku", "f3", sku)
    user = box_of(exo.tenant, ALICE)["ExternalDirectoryObjectId"]
    exo.tenant.store.update("user", user, assignedLicenses=[{"skuId": "f3", "disabledPlans": []}])
    assert ask(exo.tenant) == DISABLED
    assert ask(exo.tenant, VMR) == "", "resource mailboxes are not meant"


def test_a_change_takes_effect_when_every_replica_has_it(tmp_path: Path) -> None:
    tenant = stage(tmp_path)
    tenant.store.settle()
    exo = Exchange(tmp_path, tenant=tenant)
    tenant.store.lag = 600
    exo.run("Set-OrganizationConfig", EwsEnabled=False)
    assert ask(tenant) == ""
    tenant.store.settle()
    assert ask(tenant) == DISABLED


def test_an_access_policy_narrows_the_entra_grant_and_not_the_scoped_role(exo: Exchange) -> None:
    exo.run("New-DistributionGroup", Name="Rooms", Type="Security", Members=["vmr@contoso.com"])
    exo.run("New-ApplicationAccessPolicy", AppId=[APP_ID], PolicyScopeGroupID="Rooms", AccessRight="RestrictAccess")
    token = app_token(exo.tenant, "full_access_as_app")
    assert post(exo.tenant, token, as_user(VMR)).status_code == 200
    fault_of(post(exo.tenant, token, as_user(ALICE)), "ErrorImpersonateUserDenied")
    assign(exo.tenant, EWS_APPLICATION_ROLE, "sp", "Alias -eq 'alice'")
    assert post(exo.tenant, token, as_user(ALICE)).status_code == 200
