# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that makes the app for the automation: what it makes is enough for the role, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.ansible import Ansible
from support.company import wish
from support.graph import Administrator, certificate_credential, sign_in
from support.person import Person, browser
from support.simulator import Simulator
from trustme import CA, KeyType

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PLAYBOOK = str(ROOT / "docs" / "examples" / "automation_app.yml")


def test_the_automation_app_can_do_what_the_role_needs(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    issued = CA().issue_cert("automation.contoso.com", key_type=KeyType.RSA)
    pem, public = tmp_path / "key.pem", tmp_path / "automation.crt"
    pem.write_bytes(issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes())
    public.write_bytes(issued.cert_chain_pems[0].bytes())
    variables: dict[str, Any] = {"administrator": tenant.auth(), "certificate": str(public)}
    with tenant.no_writes():
        ansible.run(PLAYBOOK, extra_vars=variables, check=True, diff=True).ok()
    made = ansible.run(PLAYBOOK, extra_vars=variables).ok()
    client_id = made["Say what comes next"]["msg"]["client_id"]
    with tenant.no_writes():
        assert ansible.run(PLAYBOOK, extra_vars=variables).ok().changed == 0
    assert tenant.endpoints["client_secret"] not in made.output

    answer = sign_in(tenant, client_id, certificate_credential(pem))
    assert "access_token" in answer
    held = Administrator(tenant).all(f"/servicePrincipals(appId='{client_id}')/appRoleAssignments")
    assert len(held) == 2
    auth = {name: value for name, value in tenant.auth().items() if name != "client_secret"}
    wanted = wish(tenant, "app_permissions")
    wanted["vmr_scheduling_auth"] = {**auth, "client_id": client_id, "certificate_path": str(pem)}
    assert ansible.role(wanted).ok().changed


def test_an_administrator_signs_in_with_a_device_code(
    tenant: Simulator, ansible: Ansible, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the page's command: a code on the terminal, which an administrator enters in a browser; nothing without a terminal."""
    monkeypatch.delenv("VMROPS_O365_OWN_PROCESS", raising=False)
    ends, graph = tenant.endpoints, Administrator(tenant)
    public = graph.register("Sign-in for administrators", isFallbackPublicClient=True)
    scope = (
        "Application.ReadWrite.All AppRoleAssignment.ReadWrite.All Application.Read.All offline_access openid profile"
    )
    consent = {"clientId": public["principal"]["id"], "consentType": "AllPrincipals", "scope": scope}
    graph.call("POST", "/oauth2PermissionGrants", {**consent, "resourceId": graph.resource(GRAPH_APP_ID)["id"]})
    alice = graph.user("alice@contoso.com")
    role = {"principalId": alice["id"], "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/"}
    graph.call("POST", "/roleManagement/directory/roleAssignments", role)
    certificate = tmp_path / "automation.crt"
    CA().issue_cert("automation.contoso.com", key_type=KeyType.RSA).cert_chain_pems[0].write_to_path(str(certificate))
    variables = {"tenant_id": ends["tenant_id"], "certificate": str(certificate), "admin_client_id": public["appId"]}
    where = {
        "AZURE_AUTHORITY_HOST": ends["login_url"],
        "VMROPS_O365_GRAPH_URL": ends["graph_url"],
        "VMROPS_O365_CA_PATH": ends["ca_path"],
    }
    with tenant.no_writes():
        alone = ansible.run(PLAYBOOK, extra_vars=variables, environment=where)
    assert "auth_method device_code needs a terminal" in alone.failure().msg

    terminal = ansible.on_terminal(PLAYBOOK, variables, where)
    terminal.expect(r"open the page (https://\S+) and enter the code ([A-Z0-9]+) to authenticate", timeout=60)
    page, code = terminal.match.groups()
    typed = {"user_code": code, "username": "alice@contoso.com", "password": "Simulated-alice"}
    assert "You have signed in" in Person(browser(ends["ca_path"]), **typed).visit(page).text
    said = terminal.read()
    terminal.close()
    assert terminal.exitstatus == 0, said
    made = graph.application("vmrops-o365-automation")
    assert made["appId"] in said
    assert (
        "In the Entra admin center, Roles and administrators, assign the role Exchange Administrator to the app."
        in said
    )
