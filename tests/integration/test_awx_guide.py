# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/awx.md, followed as somebody new would: from a clone to a controller that is configured."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from controller.server import Controller, serving
from support import BIN, ROOT
from support.documented import run_blocks

IMAGE = "registry.example.com/vmrops-o365:latest"


def shell(script: str, directory: Path, variables: dict[str, str]) -> str:
    """What a script prints. AssertionError with all of it when a command of it fails."""
    command = ["bash", "-e", "-c", script]
    done = subprocess.run(
        command, cwd=directory, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.timeout(600)
def test_from_a_clone_to_a_configured_controller(tmp_path: Path) -> None:
    """Its commands as they are, but for where the repository and the controller are, and who types the password.

    Instead of podman there is a stand-in that notes what it is asked for; what it would build with is looked at.
    """
    image, settings, encrypt, configure = run_blocks("docs/awx.md")
    (tmp_path / "bin").mkdir()
    podman = tmp_path / "bin" / "podman"
    podman.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/podman.log"\n')
    podman.chmod(0o755)
    (tmp_path / "password").write_text("of your choice")
    (tmp_path / "ansible.cfg").touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    variables = {
        **kept,
        "PATH": f"{podman.parent}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_PIPELINING": "1",  # for speed
        "ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path / "password"),
    }

    assert "git clone https://github.com/vmrops/o365.git\n" in image.text
    shell(image.text.replace("https://github.com/vmrops/o365.git", f"{ROOT} o365"), tmp_path, variables)
    here = tmp_path / "o365" / "execution-environment"
    built, pushed = (tmp_path / "podman.log").read_text().splitlines()
    assert built.startswith("build ")
    assert f"-t {IMAGE}" in built
    assert pushed == f"push {IMAGE}"
    context = here / "context" / "_build"
    shell("ansible-galaxy collection install -r requirements.yml -p ../installed", context, variables)
    assert (context.parent / "installed" / "ansible_collections" / "vmrops" / "o365" / "MANIFEST.json").is_file()

    (here / "awx-settings.yml").write_text(settings.text)
    shell(encrypt.text, here, variables)
    assert (here / "awx-settings.yml").read_text().startswith("$ANSIBLE_VAULT;")

    controller = Controller()
    with serving(controller, tmp_path) as where:
        script = configure.text.replace(" --ask-vault-pass", "")
        for value, own in (("https://awx.example.com", "CONTROLLER_HOST"), ("the-token", "CONTROLLER_OAUTH_TOKEN")):
            assert value in script
            script = script.replace(value, where[own])
        said = shell(script, here, {**variables, "SSL_CERT_FILE": where["SSL_CERT_FILE"]})
    assert not controller.breaches
    wanted: dict[str, Any] = yaml.load(settings.text.replace("!unsafe ", ""), yaml.SafeLoader)
    assert controller.named("execution_environments", "VMR scheduling")["image"] == IMAGE
    for credential in wanted["awx_credentials"]:
        assert controller.named("credentials", credential["name"])["inputs"] == credential["inputs"]
        assert credential["inputs"]["client_secret"] not in said
    group = controller.named("groups", "o365_tenants")
    assert controller.names("groups", group, "hosts") == [one["name"] for one in wanted["awx_tenants"]]
    assert yaml.safe_load(group["variables"]) == wanted["awx_tenant_variables"]
    assert controller.named("workflow_job_templates", "VMR scheduling: plan, approve, configure, verify")


def test_what_the_guide_installs_is_what_the_tests_have() -> None:
    """Of the command that only installs."""
    page = (ROOT / "docs" / "awx.md").read_text()
    [line] = [line for line in page.splitlines() if line.startswith("pip install ")]
    assert set(shlex.split(line)[2:]) <= set((ROOT / "tests" / "requirements.txt").read_text().splitlines())
