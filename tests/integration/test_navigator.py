# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-navigator: it shows the documentation, runs, and shows what a run has left."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from support import BIN, COLLECTIONS, ROOT
from support.ansible import HOST
from support.company import wish
from support.simulator import Simulator

pytestmark = pytest.mark.skipif(
    not (BIN / "ansible-navigator").exists(), reason="make matrix does not install it, which needs ansible-lint"
)
Navigate = Callable[..., str]


@pytest.fixture
def navigate(tmp_path: Path) -> Navigate:
    """Runs a command of it, in a directory with the settings that the guide has, less containers; what it prints."""
    settings = (ROOT / "docs" / "examples" / "ansible-navigator.yml").read_text()
    assert "src: /srv/pexip/secrets" in settings
    (tmp_path / "ansible-navigator.yml").write_text(settings.replace("src: /srv/pexip/secrets", f"src: {tmp_path}"))
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AZURE_"))}
    variables |= {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "HOME": str(tmp_path), "ANSIBLE_NOCOLOR": "1"}
    common = ["--mode", "stdout", "--ee", "false", "--log-file", str(tmp_path / "navigator.log")]

    def run(*arguments: str, **more: str) -> str:
        done = subprocess.run(
            [str(BIN / "ansible-navigator"), *arguments, *common],
            cwd=tmp_path,
            env={**variables, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def test_it_shows_the_documentation(navigate: Navigate) -> None:
    shown = navigate("doc", "vmrops.o365.o365_oauth_app")
    assert "vmrops.o365.o365_oauth_app" in shown
    for part in ("admin_consent", "EXAMPLES", "RETURN VALUES", "wider_grants"):
        assert part in shown


def test_it_shows_what_a_run_has_left(navigate: Navigate, tenant: Simulator, tmp_path: Path) -> None:
    ends = tenant.endpoints
    wanted = {**HOST, **wish(tenant, "app_permissions"), "vmr_scheduling_report_directory": str(tmp_path / "reports")}
    secret = {"AZURE_CLIENT_SECRET": wanted["vmr_scheduling_auth"].pop("client_secret")}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"o365_tenants": {"hosts": {"contoso": wanted}}}))
    shown = navigate("run", "vmrops.o365.audit", "-i", "inventory.yml", **secret)
    assert "TASK [Write the reports]" in shown
    (artifact,) = (tmp_path / "artifacts").glob("*audit-*.json")
    content = artifact.read_text()
    assert json.loads(content)["status"] == "successful"
    assert ends["client_secret"] not in content
    again = navigate("replay", str(artifact))
    assert "TASK [Write the reports]" in again
    assert str(tmp_path / "reports" / "all-tenants.html") in again
