# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option that holds a secret is marked, in every module and role, whoever adds it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic
from support import ROOT

PLUGINS = "ansible_collections.vmrops.o365.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
SPEAKS_OF_SECRETS = re.compile(r"secret|passw|passphrase|token|credential|private|\bkey\b|_key\b", re.IGNORECASE)
# Options that are called like secrets, and hold none. What is within them is looked at all the same.
NO_SECRET = {
    "federated_token_file": "a path",
    "fingerprint_path": "a path",
    "oauth_token_endpoint": "an address",
    "password_never_expires": "a switch",
    "personal_vmr_oauth_token_endpoint": "an address",
    "secret": "what is asked of a secret; the one that is held, within it, is marked",
    "token_cache_path": "a path",
    "update_password": "when",
    "update_secrets": "when",
    "vmr_scheduling_app_secret_display_name": "a name",
    "vmr_scheduling_secrets_file": "a path",
    "vmr_scheduling_service_account_update_password": "when",
}

Option = tuple[str, dict[str, Any]]


class Seen(BaseException):
    """Ends a module's main once it has said what it takes."""


def walk(specification: dict[str, Any], prefix: str = "") -> Iterator[Option]:
    """Every option by its full name, those within other options too."""
    for name, option in specification.items():
        yield prefix + name, option
        yield from walk(option.get("options") or {}, f"{prefix}{name}.")


def specification(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the module hands to Ansible; an action's for one that only documents an action."""
    imported = importlib.import_module(f"{PLUGINS}.modules.{module}")
    if not hasattr(imported, "main"):
        found: dict[str, Any] = importlib.import_module(f"{PLUGINS}.action.{module}").ARGUMENTS
        return found
    seen: list[dict[str, Any]] = []

    def look(_self: Any, argument_spec: dict[str, Any], **_more: Any) -> None:
        seen.append(argument_spec)
        raise Seen

    monkeypatch.setattr(basic.AnsibleModule, "__init__", look)
    with pytest.raises(Seen):
        imported.main()
    return seen[0]


def unmarked(options: Iterator[Option], named: re.Pattern[str] = SPEAKS_OF_SECRETS) -> list[str]:
    """Options that are called like a secret, are not marked as one, and are not known to hold none."""
    return [
        name
        for name, option in options
        if named.search(name.rpartition(".")[2])
        and option.get("type") not in ("bool", "int")
        and not option.get("no_log")
        and name.rpartition(".")[2] not in NO_SECRET
    ]


@pytest.mark.parametrize("module", MODULES)
def test_secret_options_of_a_module_are_marked(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unmarked(walk(specification(module, monkeypatch))) == []


@pytest.mark.parametrize("module", MODULES)
def test_no_option_leaves_it_to_ansible_to_guess(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible warns of options called like passwords that say neither that they are secret nor that they are not."""
    options = walk(specification(module, monkeypatch))
    unsaid = [name for name, option in options if basic.PASSWORD_MATCH.search(name) and option.get("no_log") is None]
    assert [name for name in unsaid if "." not in name] == []


def test_a_secret_that_is_not_marked_is_found() -> None:
    options = {
        "a": {"type": "dict", "options": {"api_key": {"type": "str"}, "password": {"type": "str", "no_log": True}}}
    }
    assert unmarked(walk(options)) == ["a.api_key"]


def test_secret_variables_of_the_roles_are_marked() -> None:
    for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            assert unmarked(walk(entry.get("options") or {})) == []
