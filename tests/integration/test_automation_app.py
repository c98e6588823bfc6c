# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that makes the app for the automation: what it makes is enough for the role, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support import ROOT
from support.ansible import Ansible
from support.company import wish
from support.graph import Administrator, certificate_credential, sign_in
from support.simulator import Simulator
from trustme import CA, KeyType

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
