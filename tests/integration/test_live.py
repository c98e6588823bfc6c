# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make live``, on a simulated tenant in place of a real one: another company's, with other switches."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._transport.cloud import CLOUDS
from demo import leftovers
from live import target as targets
from live.recorder import Recorder
from live.stages import Life, People, variables
from live.target import Refused, simulated, target
from live.vocabulary import GUID, published
from support import ROOT, TESTS
from support.real_names import real_names
from support.simulator import Simulator

Start = Callable[..., Simulator]

DOMAIN = "fabrikam.com"
SWITCHES = {"not_found_status": 404, "deny_as_string": True, "app_list_as_collection": True}
PEOPLE = People(DOMAIN, "fishers@fabrikam.com", "ann.smith@fabrikam.com", "zed@fabrikam.com")
SEED: dict[str, Any] = {
    "tenant": {"domain": "fabrikam.onmicrosoft.com", "display_name": "Fabrikam Fishing"},
    "domains": [{"name": DOMAIN, "verified": True}],
    "users": [
        {"upn": PEOPLE.in_scope, "name": "Ann Smith", "licences": ["SPE_E3"]},
        {"upn": PEOPLE.out_of_scope, "name": "Zed Zimmer", "licences": ["SPE_E3"]},
    ],
    "groups": [{"name": "Deep sea fishers", "mail": PEOPLE.group, "members": [PEOPLE.in_scope]}],
    "administrative_units": [],
    "organization_config": {"EwsEnabled": True, "EwsAllowedAppIDs": "0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42"},
    "automation": {
        "roles": ["Application.ReadWrite.OwnedBy"],
        "exchange_roles": ["Exchange.ManageAsApp"],
        "directory_roles": ["Exchange Administrator"],
    },
}


def signed_in(tenant: Simulator) -> dict[str, str]:
    """The environment of somebody with that tenant's credentials."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "VMROPS_"))}
    own = {**simulated(tenant.endpoints).environment, "VMROPS_O365_CA_PATH": tenant.endpoints["ca_path"]}
    return {**others, **own, "PYTHONPATH": str(TESTS)}


def live(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """``make live``, without make."""
    command = [sys.executable, "-m", "live", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def private(tenant: Simulator) -> Iterator[str]:
    """What is that company's and nobody else's: secrets, ids, names, addresses."""
    yield from (secret for secret in tenant.secrets() if len(secret) > 10)
    yield from ("fabrikam", "Deep sea", "fishers", "Ann Smith", "ann.smith", "Zimmer", "zed@")
    yield from (tenant.endpoints[name] for name in ("tenant_id", "client_id", "client_secret"))
    text = json.dumps(list(leftovers.documents(tenant.state).values()))
    yield from {found.lower() for found in GUID.findall(text)} - published()


@pytest.mark.timeout(900)  # twelve playbooks, one after the other, on whatever else the machine has to do
def test_a_whole_run(simulator: Start, tmp_path: Path) -> None:
    tenant = simulator(seed={**SEED, "switches": SWITCHES})
    before = leftovers.documents(tenant.state)
    more = tmp_path / "variables.yml"
    more.write_text("vmr_scheduling_manage_ews_access: true\n")
    people = ["--group", PEOPLE.group, "--in-scope", PEOPLE.in_scope, "--out-of-scope", PEOPLE.out_of_scope]
    options = ["--variables", str(more), "--patience", "1", "--output", str(tmp_path / "live")]
    done = live(DOMAIN, *people, *options, environment=signed_in(tenant))
    assert done.returncode == 0, done.stdout + done.stderr
    [directory] = (tmp_path / "live").iterdir()

    # What differs is what is switched, and nothing else.
    found = json.loads((directory / "differences.json").read_text())
    assert {(one["stage"], one["tenant"], one["simulator"]) for one in found["stages"]} == {
        (stage, "done", "done") for stage in ("preflight", "configure", "proof", "audit", "rotation", "teardown")
    }
    kinds = {(one["kind"], one["where"], one["tenant"], one["simulator"]) for one in found["differences"]}
    assert kinds == {
        ("status", "", "404", "400"),
        ("error", "error.code", "NotFound", "BadRequest"),
        ("type", "value[].Deny", "text", "boolean"),
        ("type", "value[].EwsAllowedAppIDs", "list", "text"),
    }
    [deny] = {one["operation"].split()[0] for one in found["differences"] if "Deny" in one["where"]} - {
        "Add-MailboxPermission"
    }
    assert deny == "Get-MailboxPermission"

    # Both sides stand beside each other, and show what nobody owns.
    entries = json.loads((directory / "transcript.json").read_text())
    for difference in found["differences"]:
        assert all(entries[number - 1]["operation"] == difference["operation"] for number in difference["pairs"])
    [made] = (one for one in entries if one["operation"].startswith("New-Mailbox"))
    for side in ("tenant", "simulator"):
        parameters = made[side]["request"]["CmdletInput"]["Parameters"]
        assert re.fullmatch(r"vmr-live-<run>@<domain-\d+>", parameters["PrimarySmtpAddress"])
        assert parameters["Equipment"] is True
        [mailbox] = made[side]["response"]["value"]
        assert mailbox["RecipientTypeDetails"] == "EquipmentMailbox"
        assert re.fullmatch(r"<id-\d+>", mailbox["ExternalDirectoryObjectId"])
    page = (directory / "report.md").read_text()
    assert f"{len(found['differences'])} differences" in page
    assert "| Get-MailboxPermission (Identity, User) | value[].Deny | text | boolean |" in page

    # Nothing of the company's is in what is written, which nobody else can read; and nothing is left in its tenant.
    files = sorted(directory.iterdir())
    assert [file.name for file in files] == ["differences.json", "report.md", "transcript.json"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    written = "".join(file.read_text() for file in files).lower()
    assert [one for one in private(tenant) if one.lower() in written] == []
    left = leftovers.differences(before, leftovers.documents(tenant.state))
    assert [str(one) for one in left if not one.kept_by_service] == []


def test_what_a_failed_stage_left_is_removed(simulator: Start, tmp_path: Path) -> None:
    refused = {"error": {"code": "Forbidden", "message": "Not today."}}
    fault = {"match": {"cmdlet": "New-ManagementScope"}, "do": "respond", "status": 403, "times": 0, "body": refused}
    tenant = simulator(seed={**SEED, "organization_config": {}}, faults=[fault])
    before = leftovers.documents(tenant.state)
    goal = simulated(tenant.endpoints)
    with Recorder(goal.services, tmp_path, goal.ca_path) as recorder:
        wish = variables("0a1b2c3d", PEOPLE, tmp_path / "secrets.yml")
        life = Life(recorder, goal.environment, tmp_path / "ansible", wish, PEOPLE, 15, lambda *_told: None)
        life.live()
    assert [one.stage for one in life.ended] == ["preflight", "configure", "teardown"]
    assert "Not today." in life.ended[1].problem
    assert not life.ended[2].problem
    assert not life.left_behind
    assert "New-Mailbox" in {name for request in tenant.wire() for name in request.operations}
    left = leftovers.differences(before, leftovers.documents(tenant.state))
    assert [str(one) for one in left if not one.kept_by_service] == []


def test_the_services_own_names_and_regional_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is overridden: clients say Microsoft's names, also that of the region to which Exchange redirects."""
    region, cloud = "eurprd01.outlook.office365.com", CLOUDS["global"]
    with real_names(tmp_path / "tenant", monkeypatch, {"switches": {"regional_host": region}}) as ends:
        services = {"login": cloud.login_url, "graph": cloud.graph_url, "outlook": cloud.outlook_url}
        who = {f"AZURE_{name.upper()}": ends[name] for name in ("tenant_id", "client_id", "client_secret")}
        with Recorder(services, tmp_path, ends["ca_path"]) as recorder:
            wish = variables("0a1b2c3d", PEOPLE, tmp_path / "secrets.yml")
            life = Life(recorder, who, tmp_path / "ansible", wish, PEOPLE, 15, lambda *_told: None)
            life.live(["preflight"])
    assert [(one.stage, one.problem) for one in life.ended] == [("preflight", "")]
    assert {call.service for call in recorder.calls} == {"login", "graph", "outlook"}
    redirects = [call for call in recorder.calls if call.status == 302]
    assert redirects
    assert all(call.response_headers["location"].startswith(f"https://{region}/") for call in redirects)
    followed = [call for call in recorder.calls if call.service == "outlook" and call.status != 302]
    assert {call.target for call in followed} == {call.target for call in redirects}


# --- refused before anything is sent or written -----------------------------------------------------------------------


def test_it_is_off_by_default() -> None:
    done = live(environment={**os.environ, "PYTHONPATH": str(TESTS)})
    assert (done.returncode, done.stdout) == (2, "")
    assert "Nothing was sent." in done.stderr
    for page in re.findall(r"docs/\w+\.md", done.stderr):
        assert (ROOT / page).exists()


def test_what_else_is_said_is_checked_first(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = live(DOMAIN, "--group", PEOPLE.group, environment=environment)
    assert done.returncode == 2
    assert "Give --in-scope, --out-of-scope as well." in done.stderr
    more = tmp_path / "more.yml"
    more.write_text("vmr_scheduling_app_unique_name: theirs\n")
    people = ["--group", PEOPLE.group, "--in-scope", PEOPLE.in_scope, "--out-of-scope", PEOPLE.out_of_scope]
    done = live(DOMAIN, *people, "--variables", str(more), environment=environment)
    assert done.returncode == 2
    assert "vmr_scheduling_app_unique_name cannot be chosen here." in done.stderr
    more.write_text("switches: {deny_as_strings: true}\n")
    done = live(DOMAIN, *people, "--seed", str(more), environment=environment)
    assert done.returncode == 2
    assert "there is no switch deny_as_strings." in done.stderr


def test_credentials_have_to_be_those_of_the_named_tenant(tenant: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = signed_in(tenant)
    assert target("contoso.com", environment).tenant_id == tenant.endpoints["tenant_id"]
    with pytest.raises(Refused, match="no credential is given"):
        target("contoso.com", {**environment, "AZURE_CLIENT_SECRET": ""})
    with pytest.raises(Refused, match="AADSTS7000215"):
        target("contoso.com", {**environment, "AZURE_CLIENT_SECRET": "wrong"})
    with pytest.raises(Refused, match=r"knows no tenant fabrikam\.com"):
        target(DOMAIN, environment)
    tenants = {"contoso.com": "0f0f0f0f-1111-4222-8333-444444444444"}
    monkeypatch.setattr(targets, "_tenant_of", lambda name, *_rest: tenants.get(name, name))
    with pytest.raises(Refused, match="credentials are of the tenant " + tenant.endpoints["tenant_id"]):
        target("contoso.com", environment)
    assert tenant.writes() == []
