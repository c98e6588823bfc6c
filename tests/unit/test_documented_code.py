# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code in README files and guides: right as far as can be seen without running it, and run where nothing else is said."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml
from support import ROOT
from support.documented import PAGES, Block, blocks, run_blocks

ALL = [block for page in PAGES for block in blocks(page)]
# What tests/integration/test_documented_code.py runs (and of awx.md, test_awx_guide.py), and how many blocks of each page.
RUN = {
    "README.md": 1,
    "docs/awx.md": 4,
    "docs/many_tenants.md": 1,
    "docs/quickstart.md": 3,
    "roles/vmr_scheduling/README.md": 1,
}
SPEC = yaml.safe_load((ROOT / "roles" / "vmr_scheduling" / "meta" / "argument_specs.yml").read_text())


def test_every_block_is_run_or_says_why_not() -> None:
    assert {page: len(run_blocks(page)) for page in PAGES if run_blocks(page)} == RUN
    fences = sum(len(re.findall(r"^```\w", (ROOT / page).read_text(), re.MULTILINE)) for page in PAGES)
    assert len(ALL) == fences, "a block was not recognised"


@pytest.mark.parametrize("block", ALL, ids=str)
def test_its_language_is_one_that_is_checked(block: Block) -> None:
    assert block.language in ("shell", "yaml", "json", "text", "console", "ini", "powershell", "xml", "python", "diff")


@pytest.mark.parametrize("block", [one for one in ALL if one.language == "shell"], ids=str)
def test_shell(block: Block) -> None:
    """The shell takes it; playbooks and make's targets are there."""
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in re.findall(r"ansible-playbook vmrops\.o365\.(\w+)", block.text):
        assert (ROOT / "playbooks" / f"{name}.yml").is_file(), name
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"^make ([a-z-]+)", block.text, re.MULTILINE)) <= set(targets)


@pytest.mark.parametrize("block", [one for one in ALL if one.language == "yaml"], ids=str)
def test_yaml(block: Block) -> None:
    """It is YAML; the modules in it, and the role's variables, are there."""
    text = json.dumps(block.load())
    options = SPEC["argument_specs"]["main"]["options"]
    playbooks = "".join(path.read_text() for path in (ROOT / "playbooks").rglob("*.yml"))
    for name in re.findall(r'"(vmr_scheduling_\w+)":', text):
        assert name in options or name in playbooks, name
    for name in re.findall(r'"vmrops\.o365\.(\w+)":', text):
        assert (ROOT / "plugins" / "modules" / f"{name}.py").is_file(), name


def test_json() -> None:
    assert all(json.loads(block.text) is not None for block in ALL if block.language == "json")


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_refers_to_exists(page: str) -> None:
    """Targets of make, playbooks and links to files; ``make docs`` also looks for the headings that links name."""
    text = (ROOT / page).read_text()
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= set(targets)
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / page).parent.joinpath(link).exists(), link
