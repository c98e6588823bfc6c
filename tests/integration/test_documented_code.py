# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks, inventories and commands of README files and guides, as they are but for where the tenant is."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import BIN, COLLECTIONS
from support.ansible import HOST, Ansible
from support.documented import run_blocks
from support.simulator import Simulator

SECRETS = "vmr_scheduling_secrets_file"


@pytest.mark.parametrize("page", ["README.md", "roles/vmr_scheduling/README.md"])
def test_the_playbook_of_the_readme(page: str, tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    [block] = run_blocks(page)
    [play] = block.load()
    inventory = {"o365_tenants": {"hosts": {"contoso": HOST}}, "all": {"hosts": {"localhost": HOST}}}
    options: dict[str, Any] = {
        "inventory": inventory,
        "extra_vars": {"vmr_scheduling_auth": tenant.auth(), SECRETS: str(tmp_path / "secrets.yml")},
    }
    assert play["roles"][0]["vars"][SECRETS]
    assert ansible.run([play], **options).ok().changed
    with tenant.no_writes():
        assert ansible.run([play], **options).ok().changed == 0


def test_the_quick_start(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    hosts, variables, commands = run_blocks("docs/quickstart.md")
    directory = tmp_path / "inventory"
    (directory / "host_vars" / "contoso").mkdir(parents=True)
    (directory / "hosts.yml").write_text(hosts.text)
    (directory / "host_vars" / "contoso" / "vmr_scheduling.yml").write_text(variables.text)
    ran = []
    for line in commands.text.splitlines():
        command, playbook, *arguments = [word for word in shlex.split(line) if word != "--ask-vault-pass"]
        assert command == "ansible-playbook"
        arguments = [str(directory) if word == "inventory" else word for word in arguments]
        mark = tenant.mark()
        run = ansible.run(playbook, arguments=arguments, extra_vars={"vmr_scheduling_auth": tenant.auth()}).ok()
        ran.append((run.changed > 0, bool(tenant.writes(mark))))
    assert ran == [(True, False), (True, True)], "the first only says what the second does"
    assert (directory / "contoso-secrets.yml").stat().st_mode & 0o777 == 0o600


def test_the_inventory_of_many_tenants(tmp_path: Path) -> None:
    [block] = run_blocks("docs/many_tenants.md")
    (tmp_path / "tenants.yml").write_text(block.text)
    (tmp_path / "ansible.cfg").touch()
    variables = {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(tmp_path),
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
    }
    command = [str(BIN / "ansible-inventory"), "-i", str(tmp_path / "tenants.yml"), "--list"]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert set(shown["_meta"]["hostvars"]) == {one["hostname"] for one in block.load()["tenants"]}
    assert "state_pilot" in shown, "the guide goes on with this group"
