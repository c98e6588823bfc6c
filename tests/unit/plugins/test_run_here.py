# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module in a process that is not its own leaves nothing behind there."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common import warnings
from ansible_collections.vmrops.o365.plugins.module_utils import _module
from ansible_collections.vmrops.o365.plugins.module_utils._transport.kept import Keeper
from ansible_collections.vmrops.o365.plugins.plugin_utils._in_process import run_here

GIVEN = {"password": "secret-4711", "_ansible_remote_tmp": "/nowhere", "_ansible_keep_remote_files": False}


def main() -> None:
    """A module that says what it found."""
    module = AnsibleModule(argument_spec={"password": {"type": "str", "no_log": True}})
    module.warn(f"{module.params['password']} is weak")
    module.exit_json(cwd=os.getcwd(), kept=_module.KEEPER is not None)


def kept() -> list[Any]:
    """What a module could leave behind."""
    arguments = [getattr(basic, name, None) for name in ("_ANSIBLE_ARGS", "_ANSIBLE_PROFILE", "_PARSED_MODULE_ARGS")]
    of_process = [os.getcwd(), sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT), _module.KEEPER]
    return [*arguments, *of_process, list(warnings._global_warnings), list(warnings._global_deprecations)]


def test_it_finds_its_own_and_leaves_nothing(tmp_path: Path) -> None:
    before = kept()
    for _item in range(2):
        answer = run_here(main, GIVEN, str(tmp_path), Keeper(tmp_path))
        assert (answer["rc"], answer["stderr"]) == (0, "")
        result = json.loads(answer["stdout"])
        assert (result["cwd"], result["kept"], len(result["warnings"])) == (str(tmp_path), True, 1)
        assert kept() == before


def test_an_error_that_nobody_expected_is_shown_as_by_any_module(tmp_path: Path) -> None:
    before = kept()
    answer = run_here(lambda: sys.exit(json.loads("{")), GIVEN, str(tmp_path))
    assert answer["rc"] == 1
    assert answer["stderr"].startswith("Traceback")
    assert kept() == before


def test_an_interrupted_module_may_finish_its_words_and_no_other_follows(tmp_path: Path) -> None:
    said = []

    def interrupted() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            said.append("what was done")

    before = kept()
    with pytest.raises(KeyboardInterrupt):
        run_here(interrupted, GIVEN, str(tmp_path))
    assert said == ["what was done"]
    assert kept() == before
