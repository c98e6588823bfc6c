# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that moves a company from a service account to app permissions, while its scheduler works."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.ansible import Ansible, Run
from support.at_work import APP, Company, free_ports
from support.company import ACCOUNT, EQUIPMENT, wish
from support.exchange import ExchangeAdministrator
from support.graph import Administrator
from support.simulator import Simulator

Data = dict[str, Any]
Start = Callable[..., Simulator]

PLAYBOOK = "vmrops.o365.migrate"
REPORT = "Say where the migration stands"
NAME = "Pexip VMR scheduling"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
FULL_ACCESS = "dc890d15-9560-4a4c-9b7f-a736ec74ec40"
FORMER = {"impersonation_role": True}
ROLE = "Application EWS.AccessAsApp"
GRANT = [
    "make the application known to Exchange",
    f"assign the role {ROLE} to the application for members of vmr-users@contoso.com",
    f"assign the role {ROLE} to the application for PrimarySmtpAddress -eq '{EQUIPMENT}'",
]
SWITCH = "set the properties of the integration Microsoft 365"
REMOVE = [
    f"remove the role assignment {NAME}",
    f"remove the role assignment {NAME} equipment",
    f"change the application {APP}",
    "revoke the delegated permissions EWS.AccessAsUser.All",
    "revoke the delegated permissions offline_access",
]


class Migrating(Company):
    """A company that has a service account, whose scheduler works with it; then one that is to move away from it."""

    playbook = PLAYBOOK

    def __init__(self, tenant: Simulator, ansible: Ansible, file: Path) -> None:
        super().__init__(tenant, ansible, file, "service_account")
        kept, (connector,) = self.secrets(), self.node.all("ms_exchange_connector")
        person = {"username": kept["service_account"], "password": kept["service_account_password"]}
        assert self.node.sign_in(connector["id"], **person) == ""

    def moving(self) -> Data:
        """The variables afterwards, with those of the service account as they were."""
        return {**self.variables(), **wish(self.tenant, "app_permissions", self.file)}

    def migrate(self, more: Data | None = None, **options: Any) -> Run:
        return self.ansible.run(PLAYBOOK, extra_vars={**self.moving(), **(more or {})}, **options)

    def assignments(self) -> dict[str, str]:
        """The names and roles of the role assignments for scheduling."""
        found = ExchangeAdministrator(self.tenant).run("Get-ManagementRoleAssignment")
        return {one["Name"]: one["Role"] for one in found if one["Name"].startswith(NAME)}

    def method(self) -> str:
        (connector,) = self.node.all("ms_exchange_connector")
        return str(connector["authentication_method"])


def steps(run: Run) -> list[str]:
    listed: list[str] = run[REPORT]["msg"]["steps"]
    return listed


def advice(run: Run) -> str:
    return " ".join(run[REPORT]["msg"]["next"])


@pytest.mark.timeout(600)
def test_a_migration_without_an_outage(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    company = Migrating(simulator(seed=FORMER, poll=0.5), ansible, tmp_path / "secrets.yml")
    company.answers()
    with company.at_work():
        with company.tenant.no_writes():
            foreseen = company.migrate(check=True, diff=True).ok()
        assert steps(foreseen) == [*GRANT, SWITCH, *REMOVE]
        done = company.migrate(verbosity=3, diff=True).ok()
        assert steps(done) == [*GRANT, SWITCH, *REMOVE]
        for secret in (company.secrets()["client_secret"], company.secrets()["service_account_password"]):
            assert secret not in done.output
        kept = company.secrets()
        with company.tenant.no_writes():
            assert company.migrate().ok().changed == 0
        assert company.secrets() == kept
    company.answers()
    assert company.method() == "APP_PERM"
    assert company.assignments() == {f"{NAME} (app)": ROLE, f"{NAME} equipment (app)": ROLE}
    application = company.directory().application(APP)
    assert application["web"]["redirectUris"] == application["requiredResourceAccess"] == []
    assert f"Nothing here needs the service account {ACCOUNT} any more" in advice(done)
    assert company.directory().call("GET", f"/users/{ACCOUNT}?$select=accountEnabled")["accountEnabled"]

    # From now on it is as if it had been set up so: the role finds nothing to do, and takes all of it away.
    with company.tenant.no_writes():
        assert ansible.role(company.moving()).ok().changed == 0
    gone = company.migrate({"vmr_scheduling_migrate_remove_service_account": True}).ok()
    assert steps(gone) == [f"delete the user {ACCOUNT}"]
    assert [one["userPrincipalName"] for one in company.directory().deleted("user")]
    ansible.role({**company.moving(), "vmr_scheduling_state": "absent"}).ok()
    assert company.assignments() == {}
    assert [
        one["Name"]
        for one in ExchangeAdministrator(company.tenant).run("Get-ManagementScope")
        if one["Name"].startswith(NAME)
    ] == []


@pytest.mark.timeout(600)
def test_a_migration_with_a_node_that_is_configured_by_hand(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    """It stops before anything of the old way goes, says what to enter, and goes on when told that it was entered."""
    company = Migrating(simulator(seed=FORMER), ansible, tmp_path / "secrets.yml")
    company.more, entered = {"vmr_scheduling_manage_connector": False}, {"vmr_scheduling_migrate_entered": True}
    # Nobody can have entered before what only this run makes possible.
    granted = company.migrate(entered).ok()
    assert steps(granted) == GRANT
    assert "not believed" in advice(granted)
    values = granted[REPORT]["msg"]["enter_on_the_management_node"]
    assert values["authentication_method"] == "APP_PERM"
    with company.tenant.no_writes():
        waiting = company.migrate().ok()
    assert "-e vmr_scheduling_migrate_entered=true" in advice(waiting)
    company.answers()

    (connector,) = company.node.all("ms_exchange_connector")
    secret = {"oauth_client_secret": company.secrets()["client_secret"]}
    company.node.change(connector["resource_uri"], **values, **secret)
    company.answers()
    assert steps(company.migrate(entered).ok()) == REMOVE
    company.answers()
    with company.tenant.no_writes():
        assert company.migrate(entered).ok().changed == 0


@pytest.mark.timeout(600)
def test_new_access_that_is_not_there_yet(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    """Exchange lets an app in up to 2 hours after the assignment; until then the service account does the work."""
    company = Migrating(simulator(seed=FORMER, ports=free_ports()), ansible, tmp_path / "secrets.yml")
    refused = {"match": {"service": "outlook", "path": "/EWS/"}, "do": "respond", "status": 403, "times": 0}
    company.tenant.restart(faults=[refused])
    company.more = {"vmr_scheduling_proof_timeout": 5}
    failure = company.migrate().failure()
    for words in ("403", "30 minutes to 2 hours", "service account does the work", "Nothing was removed", "Run again"):
        assert words in failure.msg
    assert company.method() == "OAUTH"
    company.tenant.restart(faults=[])
    company.answers()
    assert steps(company.migrate().ok()) == [SWITCH, *REMOVE]
    company.answers()


@pytest.mark.timeout(900)
def test_a_migration_that_is_killed_at_each_of_its_writes(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    """Before the write took effect, and after it: the scheduler works on in one of the ways, and the same command goes on."""
    company = Migrating(simulator(seed=FORMER, ports=free_ports()), ansible, tmp_path / "secrets.yml")
    company.more = {"vmr_scheduling_node_watch": 1, "vmr_scheduling_preflight": False}
    writes = [
        {"cmdlet": "^(New|Set|Remove)-"},
        {"service": "graph", "method": "^(POST|PATCH|DELETE)$", "path": "/(applications|oauth2PermissionGrants)"},
        {"service": "infinity", "method": "^PATCH$"},
    ]
    killed = 0
    for when in ("before", "after") * 12:
        company.tenant.restart(faults=[{"match": match, "do": "hold", "when": when} for match in writes])
        mark = company.tenant.mark()
        running = company.ansible.start(PLAYBOOK, extra_vars=company.moving())
        while running.running and 0 not in [one.status for one in company.tenant.wire(mark)]:
            time.sleep(0.1)
        if not running.running:
            break
        running.kill()
        killed += 1
        company.tenant.restart(faults=[])
        [polled] = company.tenant.poll()
        assert not polled["error"], (killed, polled)
    running.wait().ok()
    assert killed == 2 * len([*GRANT, SWITCH, *REMOVE])
    company.answers()
    assert company.method() == "APP_PERM"
    assert set(company.assignments().values()) == {ROLE}
    with company.tenant.no_writes():
        assert company.migrate().ok().changed == 0


def test_the_way_back_is_refused(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    tenant = simulator(seed=FORMER)
    back = {**wish(tenant, "service_account", tmp_path / "secrets.yml"), "vmr_scheduling_hosts": "all"}
    nobody = {**wish(tenant, "app_permissions", tmp_path / "secrets.yml"), "vmr_scheduling_hosts": "all"}
    with tenant.no_writes():
        for variables, words in (
            (back, "Microsoft removed the role"),
            (nobody, "user_principal_name: no name is given"),
        ):
            assert words in ansible.run(PLAYBOOK, extra_vars=variables).failure().msg


@pytest.mark.timeout(600)
def test_x38_the_tenant_wide_permission_goes_once_the_scoped_role_is_proved(
    simulator: Start, ansible: Ansible, tmp_path: Path
) -> None:
    """Scope first: not by the run that assigns the role, and not without a proof; the preflight says that it is there."""
    tenant = simulator()
    wanted = wish(tenant, "app_permissions", tmp_path / "secrets.yml")
    asked = {**wanted, "vmr_scheduling_remove_tenant_wide_access": True}
    ansible.role({**wanted, "vmr_scheduling_manage_impersonation": False}).ok()
    directory = Administrator(tenant)
    principal = directory.resource(directory.application(APP)["appId"])
    assignments = f"/servicePrincipals/{principal['id']}/appRoleAssignments"
    body = {"principalId": principal["id"], "resourceId": directory.resource(EXCHANGE)["id"], "appRoleId": FULL_ACCESS}
    directory.call("POST", assignments, body)

    with tenant.no_writes():
        unproved = ansible.role({**asked, "vmr_scheduling_verify": {}}).failure()
    assert "vmr_scheduling_verify.in_scope" in unproved.msg
    granting = ansible.role(asked).ok()
    assert "full_access_as_app" in str(granting["Say what the preflight found"]["msg"])
    assert "stays until then" in granting["Say why tenant-wide access stays for now"].msg
    assert directory.all(assignments)

    revoke = "revoke the application permission full_access_as_app of Office 365 Exchange Online"
    summary = "Say what to enter on the Pexip Management Node"
    with tenant.no_writes():
        assert ansible.role(wanted).ok().changed == 0
        assert ansible.role(asked, check=True).ok()[summary]["msg"]["steps"] == [revoke]
    assert ansible.role(asked).ok()[summary]["msg"]["steps"] == [revoke]
    assert directory.all(assignments) == []
    with tenant.no_writes():
        assert ansible.role(asked).ok().changed == 0
