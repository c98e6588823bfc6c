# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo and the tenant to try things on, as a newcomer starts them; and what README and docs say, held to its word."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from demo import __main__ as command
from demo import company, proof
from demo.report import Failed, Report
from support import ROOT, TESTS
from support.ansible import Ansible
from support.simulator import Simulator

NAMES = re.compile(r"\bvmr_scheduling_[a-z_]+")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TESTS)}


def demo(*arguments: str) -> list[str]:
    """The command line of the demo."""
    return [sys.executable, "-m", "demo", *arguments]


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


# --- the demo ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("access", company.ACCESS)
def test_demo(access: str, tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    (directory / "old").mkdir(parents=True)
    done = subprocess.run(
        demo("--directory", str(directory), "--access", access),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    claims = re.findall(r"^  ok  (.+?)  +(.+)$", done.stdout, re.MULTILINE)
    figures = [figure for _claim, figure in claims]
    seen = dict(claims)
    assert f"All {len(claims)} claims hold" in done.stdout
    quiet = [figure.split()[0] for claim, figure in claims if claim == "requests that ask for a change"]
    assert quiet == ["0"] * (5 if access == company.APP_PERMISSIONS else 6)
    steps = seen["steps predicted"]
    assert int(steps) >= 8
    assert seen["steps done as predicted"] == f"{steps} of {steps}"
    changed = [int(figure) for claim, figure in claims if claim.startswith("changed")]
    later = [True, False] if access == company.APP_PERMISSIONS else [True, False, False]  # a rotation, or a migration
    assert [bool(one) for one in changed] == [True, False, *later, True, False]
    assert seen["polls of the scheduler meanwhile that failed"].startswith("0 of ")
    assert (directory / access / "reports" / "all-tenants.html").stat().st_mode & 0o777 == 0o600
    assert figures.count("Quarterly figures") == 2
    assert {"Private", "Accept", "accepted", "cancelled", "ErrorImpersonateUserDenied", "0o600"} <= set(figures)
    assert seen["differences from the tenant as it was before"] == "0"
    assert not (directory / "old").exists()
    for place in ("tenant/ca.pem", "tenant/wire.jsonl", "inventory/hosts.yml"):
        assert (directory / access / place).exists()
    secret = yaml.safe_load((directory / access / f"inventory/host_vars/{company.HOST}/sign_in.yml").read_text())
    assert secret["vmr_scheduling_auth"]["client_secret"] not in done.stdout


def test_demo_ends_with_what_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def prove(_access: str, _directory: Path, report: Report) -> None:
        report.claim("changed", 3, False, "wanted: 0")

    monkeypatch.setattr(proof, "prove", prove)
    monkeypatch.setattr(sys, "argv", demo("--directory", str(tmp_path / "demo"))[2:])
    assert command.main() == 1
    output = capsys.readouterr()
    assert "NO  changed" in output.out
    assert output.err.strip() == "The demo failed. changed: 3\nwanted: 0"
    with pytest.raises(Failed):
        Report().claim("changed", 3, False)


# --- the tenant to try things on --------------------------------------------------------------------------------------


@contextmanager
def running(directory: Path) -> Iterator[str]:
    """The tenant by itself, until the block ends; gives the one line that it prints."""
    process = subprocess.Popen(
        demo("tenant", "--directory", str(directory), "--port", "28443"),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        lines = (line.strip() for line in process.stdout)
        yield next((line for line in lines if "ansible-playbook " in line), "")
    finally:
        # As Ctrl-C does: to the whole group.
        os.killpg(process.pid, signal.SIGINT)
        last, _nothing = process.communicate(timeout=30)
    assert (process.returncode, "The tenant is kept" in last) == (0, True)


def run_line(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell in the checkout, as a person would."""
    return subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)


def test_tenant_is_the_same_one_from_start_to_start(tmp_path: Path) -> None:
    variables = tmp_path / "inventory" / "host_vars" / company.HOST / "vmr_scheduling.yml"
    with running(tmp_path) as line:
        done = run_line(line)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "changed=0" not in done.stdout
        sign_in = variables.with_name("sign_in.yml")
        assert oct(sign_in.stat().st_mode & 0o777) == "0o600"
        wish = yaml.safe_load(variables.read_text())
    variables.write_text(yaml.safe_dump({**wish, "vmr_scheduling_equipment_display_name": "Changed by hand"}))
    with running(tmp_path) as line:
        done = run_line(f"{line} --check")
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"changed=[1-9]", done.stdout), done.stdout


# --- README and docs --------------------------------------------------------------------------------------------------


def test_the_line_in_the_readme_is_the_line_that_is_printed() -> None:
    lines = [line for block in blocks(ROOT / "README.md", "shell") for line in block.splitlines()]
    printed = f"ansible-playbook {company.CONFIGURE} -i .tenant/inventory"
    assert [line for line in lines if line.endswith(printed)] == [
        f"ANSIBLE_COLLECTIONS_PATH=.venv/collections .venv/bin/{printed}"
    ]


def test_variables_in_the_pages_exist() -> None:
    specification = yaml.safe_load((ROOT / "roles/vmr_scheduling/meta/argument_specs.yml").read_text())
    playbooks = "".join(path.read_text() for path in (ROOT / "playbooks").rglob("*.yml"))
    known = {*specification["argument_specs"]["main"]["options"], *NAMES.findall(playbooks)}
    for page in PAGES:
        assert set(NAMES.findall(page.read_text())) <= known, page


def test_readme_names_every_module() -> None:
    text = (ROOT / "README.md").read_text()
    for module in (ROOT / "plugins" / "modules").glob("o365_*.py"):
        assert f"| `{module.stem}` |" in text


def permissions() -> dict[str, dict[str, list[str]]]:
    """What docs/permissions.md says that the role needs, by way of access, as the seed of a tenant says it."""
    text = (ROOT / "docs" / "permissions.md").read_text().split("<!-- A test runs")[1]
    found = {}
    for access in company.ACCESS:
        (row,) = re.findall(rf"^\| `{access}` \| (.*) \| (.*) \| (.*) \|$", text, re.MULTILINE)
        graph, exchange = (re.findall(r"`([^`]+)`", cell) for cell in row[:2])
        found[access] = {"roles": graph, "exchange_roles": exchange, "directory_roles": row[2].split(", ")}
    return found


@pytest.mark.parametrize("access", company.ACCESS)
def test_documented_permissions_suffice(
    access: str, simulator: Callable[..., Simulator], ansible: Ansible, tmp_path: Path
) -> None:
    tenant = simulator(seed={**proof.SEEDS[access], "automation": permissions()[access]})
    sign_in = {"vmr_scheduling_auth": tenant.auth(), "vmr_scheduling_node": tenant.node()}
    wish = {**company.variables(access, tmp_path / "secrets.yml"), **sign_in}
    with tenant.no_writes():
        ansible.role(wish, check=True).ok()
    ansible.role(wish).ok()
    ansible.role({**wish, "vmr_scheduling_state": "absent", "vmr_scheduling_purge": True}).ok()
