# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module, role, playbook and file must have, whoever adds it."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import BIN, COLLECTIONS, ROOT

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[!_]*.py"))
# Those that sign in to the same service share options, and so an action group.
GROUPS = {group: [module for module in MODULES if module.startswith(f"{group}_")] for group in ("o365", "pexip")}
ROLES = sorted(path.name for path in (ROOT / "roles").glob("*") if path.is_dir())
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
# ansible-test wants the __init__.py of module_utils empty.
PYTHON_FILES = sorted(
    path for part in ("plugins", "tests") for path in (ROOT / part).rglob("*.py") if path.stat().st_size
)
ATTRIBUTES = {"action_group", "check_mode", "diff_mode", "idempotent", "platform"}


def load(*path: str) -> Any:
    """The content of a YAML file, by its path in the repository."""
    return yaml.safe_load(ROOT.joinpath(*path).read_text())


def constant(module: str, name: str) -> Any:
    """A YAML constant of a module (DOCUMENTATION, EXAMPLES, RETURN), read without importing the module."""
    tree = ast.parse((ROOT / "plugins" / "modules" / f"{module}.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            return yaml.safe_load(ast.literal_eval(node.value))
    return pytest.fail(f"{module} has no {name}")


@pytest.fixture(scope="session")
def documented(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every module's documentation, doc fragments merged in, as ``ansible-doc`` has it."""
    command = [str(BIN / "ansible-doc"), "--json", *(f"vmrops.o365.{module}" for module in MODULES)]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(tmp_path_factory.mktemp("home")),
    }
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return {name.split(".")[-1]: entry for name, entry in json.loads(done.stdout).items()}


def options(specification: dict[str, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    """Options by name, those within other options too, with dots between the names."""
    found: dict[str, dict[str, Any]] = {}
    for name, option in (specification.get("options") or specification.get("suboptions") or {}).items():
        found[prefix + name] = option
        found.update(options(option, f"{prefix}{name}."))
    return found


def test_there_is_something_to_check() -> None:
    assert MODULES
    assert ROLES
    assert PLAYBOOKS


def test_the_action_groups_hold_exactly_the_modules_that_sign_in() -> None:
    groups = load("meta", "runtime.yml")["action_groups"]
    assert {name: sorted(members) for name, members in groups.items()} == GROUPS


@pytest.mark.parametrize("module", MODULES)
def test_module_has_a_playbook_test(module: str) -> None:
    assert (ROOT / "tests" / "integration" / f"test_{module}.py").is_file()


@pytest.mark.parametrize("module", [module for members in GROUPS.values() for module in members])
def test_module_has_an_action_that_runs_it_in_the_worker(module: str) -> None:
    plugins = "ansible_collections.vmrops.o365.plugins"
    action = importlib.import_module(f"{plugins}.action.{module}").ActionModule
    assert action.module is importlib.import_module(f"{plugins}.modules.{module}")


@pytest.mark.parametrize("module", MODULES)
def test_module_is_tried_on_every_ansible(module: str) -> None:
    """Its documentation's examples, as a rule."""
    assert "@pytest.mark.smoke\n" in (ROOT / "tests" / "integration" / f"test_{module}.py").read_text()


@pytest.mark.parametrize("module", MODULES)
def test_module_is_documented(module: str, documented: dict[str, Any]) -> None:
    documentation = documented[module]["doc"]
    assert documentation["module"] == module
    assert documentation["version_added"]
    assert documentation["author"]
    undescribed = [name for name, option in options(documentation).items() if not option.get("description")]
    assert not undescribed


@pytest.mark.parametrize("module", MODULES)
def test_module_documents_its_attributes(module: str, documented: dict[str, Any]) -> None:
    attributes = documented[module]["doc"].get("attributes", {})
    group = next((name for name, members in GROUPS.items() if module in members), "")
    assert set(attributes) >= ATTRIBUTES - (set() if group else {"action_group"})
    for name, attribute in attributes.items():
        assert attribute["description"], name
        if name == "action_group":
            assert f"vmrops.o365.{group}" in attribute["membership"]
        elif name != "platform":
            assert attribute["support"] in ("full", "partial", "none", "N/A"), name
            assert attribute["support"] != "partial" or attribute.get("details"), f"{name} is partial, with no reason"
    assert attributes["check_mode"]["support"] == "full"
    assert attributes["diff_mode"]["support"] in ("full", "N/A")


@pytest.mark.parametrize("module", MODULES)
def test_module_has_examples_that_are_tasks(module: str) -> None:
    examples = constant(module, "EXAMPLES")
    assert examples
    named = [task for task in examples if "name" in task]
    assert named == examples
    assert any(f"vmrops.o365.{module}" in json.dumps(task) for task in examples)


@pytest.mark.parametrize("module", MODULES)
def test_module_documents_what_it_returns(module: str) -> None:
    for name, value in constant(module, "RETURN").items():
        assert {"description", "returned", "type"} <= set(value), name


@pytest.mark.parametrize("name", [*MODULES, *ROLES, *(f"vmrops.o365.{playbook}" for playbook in PLAYBOOKS)])
def test_readme_mentions(name: str) -> None:
    assert name in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("role", ROLES)
def test_role_explains_its_variables(role: str) -> None:
    specified: set[str] = set()
    for entry in load("roles", role, "meta", "argument_specs.yml")["argument_specs"].values():
        specified |= set(entry.get("options") or {})
    defaults = set(load("roles", role, "defaults", "main.yml") or {})
    readme = (ROOT / "roles" / role / "README.md").read_text()
    assert not defaults - specified
    assert not [name for name in sorted(specified) if name not in readme]


def test_the_changelog_knows_this_version() -> None:
    version = load("galaxy.yml")["version"]
    releases = load("changelogs", "changelog.yaml")["releases"]
    listed = {module["name"] for release in releases.values() for module in release.get("modules", [])}
    assert version in releases
    assert set(MODULES) == listed, "run: make changelog"


def test_no_sanity_test_is_ignored() -> None:
    assert not list((ROOT / "tests").rglob("ignore-*.txt"))


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(Path(path).relative_to(ROOT)))
def test_python_file_carries_its_licence(path: Path) -> None:
    head = "\n".join(path.read_text().splitlines()[:6])
    assert "Copyright (c) 2026 the vmrops.o365 authors" in head
    assert "GNU General Public License v3.0+" in head
    assert "SPDX-License-Identifier: GPL-3.0-or-later" in head
