# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole sequence of the role: the preflight before it, and the steps that Pexip's page says come next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.ansible import Ansible, Run
from support.company import EQUIPMENT, wish
from support.mailboxes import NOBODY, invite, mailbox, response
from support.manifest import manifest
from support.node import NodeAdministrator
from support.simulator import Simulator

Data = dict[str, Any]
Start = Callable[..., Simulator]

SUMMARY = "Say what to enter on the Pexip Management Node"
OBSTACLES = "Stop before anything is written"
NAME = "Microsoft 365"
TOKEN = "TOK:-0123456789abcdef#"
OTHER = "0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42"
# A new list of apps would cut these off.
LISTED: Data = {"organization_config": {"EwsEnabled": True, "EwsAllowedAppIDs": OTHER}}
both_ways = pytest.mark.parametrize("access", ["app_permissions", "service_account"])


def whole(tenant: Simulator, access: str, directory: Path) -> Data:
    """The variables with which every step is taken."""
    addin = directory / "addin.xml"
    addin.write_text(manifest())
    return {
        **wish(tenant, access, directory / "secrets.yml"),
        "vmr_scheduling_manage_ews_access": True,
        "vmr_scheduling_ews_other_app_ids": [NOBODY],  # by which these tests look into mailboxes
        "vmr_scheduling_manage_connector": True,
        "vmr_scheduling_node": tenant.node(),
        "vmr_scheduling_connector_settings": {"addin_server_domain": "join.contoso.com"},
        "vmr_scheduling_delegates": [{"delegate": "bob@contoso.com", "automapping": False}],
        "vmr_scheduling_addin_manifest": str(addin),
    }


def said(run: Run, task: str = SUMMARY) -> Data:
    content: Data = run[task]["msg"]
    return content


@pytest.mark.timeout(600)  # eight runs
@both_ways
def test_every_step_from_an_empty_tenant_and_back(
    access: str, simulator: Start, ansible: Ansible, tmp_path: Path
) -> None:
    tenant = simulator(seed={"impersonation_role": True, **LISTED})
    wanted, node = whole(tenant, access, tmp_path), NodeAdministrator(tenant)
    with tenant.no_writes():
        foreseen = ansible.role(wanted, check=True).ok()
    made = ansible.role(wanted, verbosity=3).ok()
    steps = said(made)["steps"]
    app_id = said(made)["enter_on_the_management_node"]["oauth_client_id"]
    known = [one.replace(app_id, "<application.appId>") for one in steps]
    assert said(foreseen)["steps"] == known
    assert steps[-1].startswith("install the add-in")
    assert f"create the integration {NAME} on the Management Node" in steps
    assert f"give bob@contoso.com FullAccess on {EQUIPMENT}" in steps
    secrets = yaml.safe_load((tmp_path / "secrets.yml").read_text())
    for secret in (secrets["client_secret"], tenant.node()["node_private_key"]):
        assert secret not in made.output
        assert not [one.task for one in made.results if secret in str(one.result)]
    advice = " ".join(said(made)["next"])
    assert f"The integration {NAME} on the Management Node has these values." in advice
    assert ("sign in there" in advice.lower()) == (access == "service_account")

    with tenant.no_writes():
        assert ansible.role(wanted).ok().changed == 0

    # The scheduler has all it needs: nobody typed anything.
    if access == "service_account":
        (connector,) = node.all("ms_exchange_connector")
        account = {"username": secrets["service_account"], "password": secrets["service_account_password"]}
        assert node.sign_in(connector["id"], **account) == ""
        assert "sign in there" not in " ".join(said(ansible.role(wanted).ok())["next"]).lower()
    meeting = invite(mailbox(tenant, "alice@contoso.com"), "Planning", EQUIPMENT, TOKEN, 7)
    (report,) = tenant.poll()
    assert [one["outcome"] for one in report["handled"]] == ["accepted"], report
    assert response(meeting) == "Accept"

    gone = {**wanted, "vmr_scheduling_state": "absent", "vmr_scheduling_purge": True}
    removed = said(ansible.role(gone).ok(), "Say what was removed")["steps"]
    assert removed[0].startswith("remove the add-in")
    assert removed[1] == f"remove the integration {NAME} from the Management Node"
    assert node.all("ms_exchange_connector") == []
    assert sorted(one.name for one in tmp_path.glob("secrets*")) == []
    with tenant.no_writes():
        assert ansible.role(gone).ok().changed == 0


def test_a_secret_that_never_reached_the_node_reaches_it_later(
    simulator: Start, ansible: Ansible, tmp_path: Path
) -> None:
    """A run that is cut off between making a secret and writing it to the node is finished by the next one."""
    creation = {"service": "infinity", "method": "POST", "path": "ms_exchange_connector"}
    refused = {"match": creation, "do": "respond", "status": 403, "times": 1}
    tenant = simulator(seed=LISTED, faults=[refused])
    wanted = whole(tenant, "app_permissions", tmp_path)
    failure = ansible.role(wanted).failure()
    assert "403" in failure.msg
    assert "client_secret" in yaml.safe_load((tmp_path / "secrets.yml").read_text())
    ansible.role(wanted).ok()
    invite(mailbox(tenant, "alice@contoso.com"), "Planning", EQUIPMENT, TOKEN, 7)
    (report,) = tenant.poll()
    assert [one["outcome"] for one in report["handled"]] == ["accepted"], report


def test_delegates_go_where_the_mailbox_stays(tenant: Simulator, ansible: Ansible) -> None:
    wanted = {
        **wish(tenant, "app_permissions"),
        "vmr_scheduling_delegates": [{"delegate": "bob@contoso.com", "calendar_role": "Reviewer"}],
    }
    made = ansible.role(wanted).ok()
    assert said(made)["steps"][-1] == f"make bob@contoso.com Reviewer of the calendar of {EQUIPMENT}"
    stays = {**wanted, "vmr_scheduling_state": "absent", "vmr_scheduling_manage_equipment": False}
    removed = said(ansible.role(stays).ok(), "Say what was removed")["steps"]
    assert "calendar" in removed[0]


def test_an_addin_by_hand_is_explained(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    addin = tmp_path / "addin.xml"
    addin.write_text(manifest())
    by_hand = {"vmr_scheduling_addin_manifest": str(addin), "vmr_scheduling_addin_method": "manual"}
    with tenant.no_writes():
        run = ansible.role({**wish(tenant, "app_permissions"), **by_hand}, check=True).ok()
    assert "admin center" in said(run)["next"][-1]
    assert "Integrated apps" in said(run)["next"][-1]


# --- the preflight ----------------------------------------------------------------------------------------------------


def obstacle(run: Run) -> str:
    failure = run.failure()
    assert failure.task.endswith(OBSTACLES), failure
    return failure.msg


def test_stops_before_anything_is_written(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    """What would fail or not work is said at once, and known findings can be gone on with."""
    tenant = simulator(seed=LISTED)
    wanted = wish(tenant, "app_permissions", tmp_path / "secrets.yml")
    with tenant.no_writes():
        unlisted = obstacle(ansible.role(wanted))
        assert "pexip-vmr-scheduling, which is not registered yet, is not on the list" in unlisted
        assert "app-not-listed" in unlisted
        foreign = {**wanted, "vmr_scheduling_equipment_address": "vmr@elsewhere.example"}
        assert "no verified domain" in obstacle(ansible.role(foreign))
        assert "no role ApplicationImpersonation" in obstacle(ansible.role(wish(tenant, "service_account")))
        dehydrated = obstacle(ansible.role(wish(simulator(seed={"dehydrated": True}), "app_permissions")))
        assert "Enable-OrganizationCustomization" in dehydrated
    assert not (tmp_path / "secrets.yml").exists()
    ignored = {"vmr_scheduling_preflight_ignore": ["app-not-listed"]}
    assert ansible.role({**wanted, **ignored}, check=True).ok()
    assert ansible.role({**wanted, "vmr_scheduling_manage_ews_access": True}, check=True).ok()
    assert ansible.role({**wanted, "vmr_scheduling_preflight": False}, check=True).ok()


def test_a_step_that_would_cut_others_off_is_refused_at_once(tenant: Simulator, ansible: Ansible) -> None:
    wanted = {**wish(tenant, "app_permissions"), "vmr_scheduling_manage_ews_access": True}
    with tenant.no_writes():
        assert "vmr_scheduling_ews_cut_off_others" in obstacle(ansible.role(wanted))
    assert ansible.role({**wanted, "vmr_scheduling_ews_cut_off_others": True}, check=True).ok()


def test_what_is_wrong_at_the_node_and_in_the_manifest_is_known_at_once(
    simulator: Start, ansible: Ansible, tmp_path: Path
) -> None:
    tenant = simulator(seed=LISTED)
    wanted = whole(tenant, "app_permissions", tmp_path)
    NodeAdministrator(tenant).create(
        "ms_exchange_connector",
        name="Another",
        addin_server_domain="join.contoso.com",
        room_mailbox_email_address=EQUIPMENT,
    )
    broken = tmp_path / "broken.xml"
    broken.write_text("<OfficeApp/>")
    cases: dict[str, tuple[Data, str]] = {
        "no domain": ({"vmr_scheduling_connector_settings": {}}, "addin_server_domain"),
        "wrong client": ({"vmr_scheduling_node": {**tenant.node(), "node_client_id": OTHER}}, "node_client_id"),
        "another one": ({}, "Another uses"),
        "no address of the node": ({"vmr_scheduling_node": {}}, "vmr_scheduling_node"),
        "no manifest": ({"vmr_scheduling_addin_manifest": "/no/where.xml"}, "vmr_scheduling_addin_manifest"),
        "broken manifest": (
            {"vmr_scheduling_manage_connector": False, "vmr_scheduling_addin_manifest": str(broken)},
            "manifest",
        ),
    }
    with tenant.no_writes():
        for name, (variables, text) in cases.items():
            assert text in ansible.role({**wanted, **variables}).failure().msg, name


def test_rights_that_no_step_needs_are_not_missed(simulator: Start, ansible: Ansible) -> None:
    """The preflight names the right that a step lacks, and is silent about those of steps that are switched off."""
    rights = {
        "roles": ["Application.ReadWrite.OwnedBy", "Organization.Read.All"],
        "exchange_roles": ["Exchange.ManageAsApp"],
        "directory_roles": ["Exchange Recipient Administrator"],
    }
    tenant = simulator(seed={"automation": rights})
    wanted = wish(tenant, "app_permissions")
    with tenant.no_writes():
        assert "directory role Exchange Administrator" in obstacle(ansible.role(wanted))
        ansible.role({**wanted, "vmr_scheduling_manage_impersonation": False}, check=True).ok()
