# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: a build context, and the Python environment that its files make, in which the role runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import BIN, ROOT
from support.company import wish
from support.simulator import Simulator

DEFINITION = ROOT / "execution-environment" / "execution-environment.yml"


def run(*command: object, **options: Any) -> str:
    """What a command prints. AssertionError with all of it when it fails."""
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.timeout(900)  # it installs a Python environment
def test_the_role_runs_in_what_the_builder_would_build(tenant: Simulator, tmp_path: Path) -> None:
    context, installed, venv = tmp_path / "context", tmp_path / "collections", tmp_path / "venv"
    run(BIN / "ansible-builder", "create", "-f", DEFINITION, "-c", context, "--output-filename", "Containerfile")
    built = context / "_build"
    definition = yaml.safe_load(DEFINITION.read_text())
    assert definition["dependencies"]["galaxy"] == "requirements.yml"
    assert [one["name"] for one in yaml.safe_load((built / "requirements.yml").read_text())["collections"]] == [
        "vmrops.o365"
    ]
    image = (context / "Containerfile").read_text()
    core, runner = (definition["dependencies"][name]["package_pip"] for name in ("ansible_core", "ansible_runner"))
    for part in (definition["images"]["base_image"]["name"], core, runner, "ansible-galaxy collection install"):
        assert part in image

    apart = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(installed)}  # where it is not installed yet
    archive = run(BIN / "ansible-galaxy", "collection", "build", ROOT, "--output-path", tmp_path).split()[-1]
    run(BIN / "ansible-galaxy", "collection", "install", archive, "-p", installed, "--no-deps", env=apart)
    # What the image's build runs over the installed collections, and installs.
    found = tmp_path / "requirements.txt"
    run(BIN / "ansible-builder", "introspect", installed, "--write-pip", found)
    assert {line.split("#")[0].strip() for line in found.read_text().splitlines() if line.strip()} == {
        "exchangelib",
        "msal",
        "requests",
    }
    run(sys.executable, "-m", "venv", venv)
    run(venv / "bin" / "pip", "install", "--quiet", "-r", found, core, runner)

    job = tmp_path / "job"
    job.mkdir()
    variables = wish(tenant, "app_permissions", tmp_path / "secrets.yml")
    (job / "hosts.yml").write_text(yaml.safe_dump({"o365_tenants": {"hosts": {"contoso": variables}}}))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AZURE_", "PYTHON"))}
    own = {
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.defpath}",
        "HOME": str(job),
        "ANSIBLE_COLLECTIONS_PATH": str(installed),
        "ANSIBLE_LOCAL_TEMP": str(job / "local"),
    }
    playbook = [venv / "bin" / "ansible-playbook", "vmrops.o365.configure", "-i", job / "hosts.yml"]
    said = run(*playbook, env={**kept, **own}, cwd=job)
    assert "enter_on_the_management_node" in said
    with tenant.no_writes():
        assert "changed=0" in run(*playbook, env={**kept, **own}, cwd=job)
