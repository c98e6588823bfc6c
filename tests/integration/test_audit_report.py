# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook audit: what it says of tenants in every condition, that it writes nothing, and where its reports go."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support import returned
from support.ansible import Ansible, Run
from support.audited import HOSTILE
from support.canary import Scanner, files_below
from support.company import ACCOUNT, EQUIPMENT, wish
from support.exchange import ExchangeAdministrator
from support.graph import Administrator
from support.manifest import manifest
from support.simulator import Simulator

Data = dict[str, Any]
Start = Callable[..., Simulator]

PLAYBOOK = "vmrops.o365.audit"
READER: Data = {
    "name": "Auditor",
    "client_id": "7a1d6f0e-52c8-4d8a-9a57-0c6f0e6f3b11",
    "client_secret": "auditors-secret~0123456789abcdef",
    "roles": ["Organization.Read.All", "Application.Read.All"],
    "exchange_roles": ["Exchange.ManageAsApp"],
    "directory_roles": ["Global Reader"],
}
DONE = {
    "Look at the tenant beforehand": "in_place",
    "Create an equipment resource": "in_place",
    "Configure the equipment resource": "in_place",
    "Create an app registration": "in_place",
    "Create a management scope": "in_place",
    "Keep EWS open for the app": "off",
    "View the mailbox of the equipment resource": "off",
    "Configure Pexip Infinity": "by_hand",
    "Make the Outlook add-in available": "by_hand",
}


def audit(ansible: Ansible, directory: Path, tenants: Data, **options: Any) -> Run:
    """Audit tenants, given as the variables of each."""
    variables = {"vmr_scheduling_report_directory": str(directory), **options.pop("extra_vars", {})}
    inventory = {"o365_tenants": {"hosts": tenants}}
    return ansible.run(PLAYBOOK, inventory=inventory, extra_vars=variables, **options)


def reported(directory: Path, name: str = "all-tenants") -> Data:
    """The report in a file, by tenant, without when it was made."""
    found = json.loads((directory / f"{name}.json").read_text())
    assert found["schema_version"] == 1
    return {one["tenant"]: one for one in found["tenants"]}


def states(report: Data) -> dict[str, str]:
    return {one["name"]: one["state"] for one in report["steps"]}


def ids(report: Data, severity: str = "error") -> set[str]:
    return {one["id"] for one in report["findings"] if one["severity"] == severity}


@pytest.mark.timeout(900)
def test_tenants_in_every_condition(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    tenant, empty = simulator(seed={"apps": [READER]}), simulator()
    wanted = wish(tenant, "app_permissions")
    ansible.role(wanted).ok()
    reader = {**tenant.auth(), **{name: READER[name] for name in ("client_id", "client_secret")}}
    wrong, gone = "wrong-secret~0123456789abcdef", "https://127.0.0.1:9"
    tenants = {
        "contoso": wanted,
        "reader": {**wanted, "vmr_scheduling_auth": reader},
        "empty": wish(empty, "app_permissions"),
        "wrong": {**wanted, "vmr_scheduling_auth": {**tenant.auth(), "client_secret": wrong}},
        "unreachable": {**wanted, "vmr_scheduling_auth": {**tenant.auth(), "login_url": gone, "wait_timeout": 1}},
        "incomplete": {"vmr_scheduling_auth": tenant.auth()},
    }
    reports = tmp_path / "reports"

    with tenant.no_writes(), empty.no_writes():
        run = audit(ansible, reports, tenants, verbosity=3, diff=True).ok()
    assert not returned.differences("audit_report", run.results)
    found = reported(reports)
    assert list(found) == sorted(tenants)

    assert states(found["contoso"]) == DONE
    assert ids(found["contoso"]) == set()
    (secret,) = found["contoso"]["expiry"]
    assert (secret["kind"], secret["days_left"], secret["state"]) == ("client secret", 364, "valid")
    assert found["contoso"]["handover"]["room_mailbox_email_address"] == EQUIPMENT
    assert (
        found["contoso"]["handover"]["oauth_client_id"]
        == Administrator(tenant).application("pexip-vmr-scheduling")["appId"]
    )

    # Rights to read are enough, and say the same.
    assert states(found["reader"]) == DONE
    assert found["reader"]["expiry"] == found["contoso"]["expiry"]
    assert ids(found["reader"]) == set()
    assert "missing-right" in ids(found["reader"], "info")

    steps = states(found["empty"])
    assert {steps[name] for name in DONE if DONE[name] == "in_place"} == {"in_place", "missing"}
    assert [name for name, state in steps.items() if state == "missing"] == [
        name for name, state in DONE.items() if state == "in_place" and name != "Look at the tenant beforehand"
    ]
    assert found["empty"]["handover"]["oauth_client_id"] is None

    for name, words in {
        "wrong": "AADSTS7000215",
        "unreachable": "127.0.0.1",
        "incomplete": "vmr_scheduling_equipment_address",
    }.items():
        assert found[name]["status"] == "failed", name
        assert words in found[name]["reason"]

    files = [reports / f"{name}.{ending}" for name in [*tenants, "all-tenants"] for ending in ("json", "md", "html")]
    assert sorted(reports.iterdir()) == sorted(files)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    sent = {member: secret for secret, member in {**tenant.secrets(), wrong: "wrong"}.items()}
    assert len(sent) > 2
    scanner = Scanner(sent)
    assert scanner.leaks({**files_below(reports), "output": run.output.encode()}) == []
    assert reported(reports, "contoso") == {"contoso": found["contoso"]}
    assert str(reports / "all-tenants.html") in run.stdout

    # Nothing has changed, and so the report has not; check mode writes none.
    kept = {file: file.read_bytes() for file in reports.iterdir()}
    audit(ansible, reports, {"contoso": wanted}, check=True).ok()
    assert {file: file.read_bytes() for file in reports.iterdir()} == kept
    audit(ansible, reports, {"contoso": wanted}).ok()
    assert reported(reports)["contoso"] == found["contoso"]


@pytest.mark.timeout(600)
def test_what_somebody_changed_by_hand_is_found(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    wanted = wish(tenant, "app_permissions")
    ansible.role(wanted).ok()
    exchange, graph = ExchangeAdministrator(tenant), Administrator(tenant)
    exchange.run("Set-CalendarProcessing", Identity=EQUIPMENT, AutomateProcessing="AutoAccept")
    exchange.run("Set-ManagementScope", Identity="Pexip VMR scheduling", RecipientRestrictionFilter="City -eq 'Oslo'")
    application = graph.application("pexip-vmr-scheduling")
    renamed = f"Pexip {HOSTILE.partition('{{')[0]}{{{{ 7 * 6 }}}}"
    graph.call("PATCH", f"/applications/{application['id']}", {"displayName": renamed})
    end = datetime.now(timezone.utc) + timedelta(days=5)
    soon = {"passwordCredential": {"displayName": HOSTILE[:90], "endDateTime": end.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    graph.call("POST", f"/applications/{application['id']}/addPassword", soon)
    wanted = {**wanted, "vmr_scheduling_app_display_name": "Pexip VMR scheduling"}

    with tenant.no_writes():
        run = audit(ansible, tmp_path, {"contoso": wanted}).ok()
    report = reported(tmp_path)["contoso"]
    assert {name for name, state in states(report).items() if state == "differs"} == {
        "Configure the equipment resource",
        "Create an app registration",
        "Create a management scope",
    }
    differences = {one["property"]: one for step in report["steps"] for one in step["differences"]}
    assert differences["calendar_processing.automate_processing"] == {
        "property": "calendar_processing.automate_processing",
        "now": "AutoAccept",
        "wanted": "None",
    }
    assert differences["recipient_filter"]["now"] == "City -eq 'Oslo'"
    # Nothing has taken the name's braces for a template, and nothing else for markup.
    assert differences["display_name"]["now"] == renamed.replace("\u202e", "\\u202e")
    assert "<script>document" not in (tmp_path / "contoso.html").read_text()
    assert "client-secret-expiring" in ids(report, "info")
    assert "step-differs" in ids(report, "warning")
    assert run.rc == 0

    failed = audit(ansible, tmp_path, {"contoso": wanted}, extra_vars={"vmr_scheduling_audit_fail_on": "warning"})
    assert "contoso has findings" in failed.failure().msg
    audit(ansible, tmp_path, {"contoso": wanted}, extra_vars={"vmr_scheduling_audit_fail_on": "error"}).ok()
    refused = audit(ansible, tmp_path, {"contoso": wanted}, extra_vars={"vmr_scheduling_audit_fail_on": "info"})
    assert "vmr_scheduling_audit_fail_on" in refused.failure().msg


@pytest.mark.timeout(900)
def test_every_step_of_a_service_account(simulator: Start, ansible: Ansible, tmp_path: Path) -> None:
    rights = [
        "User.Read.All",
        "LicenseAssignment.Read.All",
        "MailboxSettings.Read",
        "Directory.Read.All",
        "Policy.Read.All",
    ]
    auditor = {**READER, "roles": [*READER["roles"], *rights]}
    tenant = simulator(seed={"impersonation_role": True, "apps": [auditor]})
    addin = tmp_path / "addin.xml"
    addin.write_text(manifest())
    wanted = {
        **wish(tenant, "service_account", tmp_path / "secrets.yml"),
        "vmr_scheduling_manage_ews_access": True,
        "vmr_scheduling_ews_cut_off_others": True,
        "vmr_scheduling_manage_connector": True,
        "vmr_scheduling_node": tenant.node(),
        "vmr_scheduling_connector_settings": {"addin_server_domain": "join.contoso.com"},
        "vmr_scheduling_delegates": [{"delegate": "bob@contoso.com"}],
        "vmr_scheduling_addin_manifest": str(addin),
    }
    ansible.run("vmrops.o365.configure", inventory={"o365_tenants": {"hosts": {"contoso": wanted}}}).ok()
    secrets = (tmp_path / "secrets.yml").read_bytes()
    with tenant.no_writes():
        audit(ansible, tmp_path / "a", {"contoso": wanted}).ok()
    report = reported(tmp_path / "a")["contoso"]
    assert set(states(report).values()) == {"in_place"}, report
    assert report["handover"]["username"] == ACCOUNT

    reader = {**tenant.auth(), **{name: READER[name] for name in ("client_id", "client_secret")}}
    reading = {**wanted, "vmr_scheduling_auth": reader, "vmr_scheduling_secrets_file": ""}
    with tenant.no_writes():
        audit(ansible, tmp_path / "r", {"contoso": reading}).ok()
    read = reported(tmp_path / "r")["contoso"]
    assert states(read) == states(report), read["steps"]
    assert not [one for one in read["findings"] if one["id"].startswith("unreadable-")]

    exchange = ExchangeAdministrator(tenant)
    exchange.run("Remove-MailboxPermission", Identity=EQUIPMENT, User="bob@contoso.com", AccessRights=["FullAccess"])
    lost = {**wanted, "vmr_scheduling_node": {**tenant.node(), "node_url": "https://127.0.0.1:9", "wait_timeout": 1}}
    with tenant.no_writes():
        audit(ansible, tmp_path / "b", {"contoso": lost}).ok()
    report = reported(tmp_path / "b")["contoso"]
    assert states(report)["View the mailbox of the equipment resource"] == "differs"
    assert states(report)["Configure Pexip Infinity"] == "unknown"
    assert states(report)["Look at the tenant beforehand"] == "in_place"
    assert states(report)["Make the Outlook add-in available"] == "in_place"
    assert (tmp_path / "secrets.yml").read_bytes() == secrets


@pytest.mark.smoke
def test_a_tenant_without_the_right_to_read_is_reported_step_by_step(
    simulator: Start, ansible: Ansible, tmp_path: Path
) -> None:
    tenant = simulator(seed={"automation": {"roles": ["Organization.Read.All"], "directory_roles": []}})
    audit(ansible, tmp_path, {"contoso": wish(tenant, "app_permissions")}).ok()
    report = reported(tmp_path)["contoso"]
    assert report["status"] == "audited"
    steps = {one["name"]: one for one in report["steps"]}
    assert {steps[name]["state"] for name in DONE if DONE[name] == "in_place"} == {"unknown", "in_place"}
    assert "could not be read" in steps["Create a management scope"]["reason"]
    assert {"unreadable-exchange", "step-unknown"} <= ids(report, "warning")


def test_a_directory_that_others_write_to_is_refused(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    refused = audit(ansible, shared, {"contoso": {"vmr_scheduling_auth": tenant.auth()}})
    assert "everybody may write to the directory" in refused.failure().msg
    assert list(shared.iterdir()) == []
