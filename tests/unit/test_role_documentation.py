# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables: documented, with the defaults that they have, and the options of the modules they stand for."""

from __future__ import annotations

import ast
from typing import Any

import pytest
import yaml
from support import ROOT

ROLE = ROOT / "roles" / "vmr_scheduling"
SPEC = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
DEFAULTS = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())


def documentation(path: str) -> dict[str, Any]:
    """The options in a module's or fragment's DOCUMENTATION."""
    for node in ast.walk(ast.parse((ROOT / "plugins" / path).read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            assert isinstance(node.value, ast.Constant)
            options: dict[str, Any] = yaml.safe_load(str(node.value.value))["options"]
            return options
    raise AssertionError(f"{path} has no documentation")


def shape(options: dict[str, Any]) -> dict[str, Any]:
    """What must be the same on both sides."""
    keys = ("type", "elements", "choices", "required")
    return {name: {key: one[key] for key in keys if key in one} for name, one in options.items()}


def test_every_default_is_documented() -> None:
    required = {name for name, one in SPEC.items() if one.get("required")}
    assert set(SPEC) == set(DEFAULTS) | required
    for name, value in DEFAULTS.items():
        assert SPEC[name].get("default") == value, name


def test_every_variable_is_in_the_readme() -> None:
    readme = (ROLE / "README.md").read_text()
    assert not [name for name in SPEC if f"`{name}`" not in readme]


@pytest.mark.parametrize(
    ("variable", "path", "option"),
    [
        ("auth", "doc_fragments/auth.py", None),
        ("scope", "modules/o365_impersonation.py", "scope"),
        ("verify", "modules/o365_impersonation.py", "verify"),
        ("equipment_calendar_processing", "modules/o365_equipment_mailbox.py", "calendar_processing"),
        ("service_account_licenses", "modules/o365_service_account.py", "licenses"),
        ("app_permissions", "modules/o365_oauth_app.py", "permissions"),
        ("node", "doc_fragments/infinity.py", None),
    ],
)
def test_options_are_those_of_the_modules(variable: str, path: str, option: str | None) -> None:
    options = documentation(path)
    wanted = options[option]["suboptions"] if option else options
    found = SPEC[f"vmr_scheduling_{variable}"]
    if found["default" if "default" in found else "type"] == {}:  # an empty default must not lack anything
        wanted = {name: {key: one[key] for key in one if key != "required"} for name, one in wanted.items()}
    assert shape(found["options"]) == shape(wanted)


def test_delegates_are_given_the_options_of_the_module() -> None:
    wanted = documentation("modules/o365_mailbox_delegate.py")
    found = SPEC["vmr_scheduling_delegates"]["options"]
    assert shape(found) == shape({name: wanted[name] for name in found})
    assert set(wanted) - set(found) == {"mailbox", "state"}


def test_what_the_preflight_asks_about_is_what_steps_are_called() -> None:
    sequences = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())["vmr_scheduling_sequences"]
    names = {step["step"] for sequence in sequences.values() for step in sequence}
    assert names - {"management_node"} == set(documentation("modules/o365_tenant_info.py")["steps"]["choices"])
