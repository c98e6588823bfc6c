# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix of Ansibles and Pythons: what it leaves out is said, and what fails fails it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from support import ROOT
from tools import matrix
from tools.matrix import ALL, SUPPORTED, Outcome, Pair


def test_it_begins_with_what_the_collection_requires() -> None:
    required = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"]
    assert required == f">={next(iter(SUPPORTED))}.0"


def test_pairs_are_chosen_by_name() -> None:
    assert matrix.chosen(["all"]) == ALL
    assert matrix.chosen(["oldest", "newest"]) == [Pair("2.16", "3.10"), Pair("2.21", "3.13")]
    assert matrix.chosen(["2.20", "2.20/3.12"]) == [Pair("2.20", "3.12"), Pair("2.20", "3.13")]
    with pytest.raises(LookupError, match=r"2\.16/3\.13 is no supported pair"):
        matrix.chosen(["2.16/3.13"])


def test_what_was_not_run_is_listed() -> None:
    ran = Outcome(ALL[0], {"install": "ok", "units": "ok 3 passed"})
    missing = Outcome(ALL[-1], not_run="no Python 3.13 on this machine")
    assert "not run: no Python 3.13 on this machine" in matrix.table([ran, missing], ["units", "sanity"])
    assert matrix.verdict([ran, missing]) == "1 of 2 pairs passed; not run: 2.21/3.13"
    assert matrix.exit_code([ran, missing]) == 0
    assert matrix.exit_code([missing]) == 1, "nothing was shown"


def test_one_failure_fails_it() -> None:
    bad = Outcome(ALL[1], {"install": "ok", "units": "FAILED"}, [Path("units.log")])
    assert matrix.exit_code([Outcome(ALL[0]), bad]) == 1
    assert "failed: 2.16/3.11" in matrix.verdict([Outcome(ALL[0]), bad])


def test_the_checks_are_not_installed() -> None:
    text, collections = matrix.requirements("2.17")
    listed = text.splitlines()
    assert listed[0] == "ansible-core==2.17.*"
    assert {"msal", "pytest", "starlette"} < set(listed)
    assert not {"ansible-lint", "mypy", "ruff"} & set(listed)
    assert len([line for line in listed if line.startswith("ansible-core")]) == 1
    assert collections == "ansible<14"
    assert collections not in listed


def test_what_passed_with_the_same_commit_is_left_out_when_it_is_resumed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another commit, changes in none, and what failed are run again."""
    ran: list[bool] = []
    commit = [""]
    monkeypatch.setattr(matrix, "CACHE", tmp_path)
    monkeypatch.setattr(matrix, "commit", lambda: commit[0])
    monkeypatch.setattr(matrix, "find_python", lambda version: "python")
    monkeypatch.setattr(matrix, "install", lambda pair, python, log: True)
    monkeypatch.setattr(matrix, "execute", lambda command, variables, log: ran.append(len(ran) > 0) or ran[-1])

    def runs(at: str, resume: bool = True) -> int:
        commit[0] = at
        matrix.run_pair(ALL[0], ["units"], 1, resume)
        return len(ran)

    assert runs("one", resume=False) == 1, "which failed"
    assert runs("one") == 2, "which passed"
    assert runs("one") == 2
    assert runs("two") == 3
    assert runs("", resume=False) == 4, "changes that are in no commit"
    assert runs("two") == 5, "of which nothing is known any more"
    assert runs("two") == 5


def test_what_no_commit_holds_cannot_be_resumed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An unpacked archive has no commit; everything else works there."""
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert matrix.commit() == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert matrix.commit() == ""
    assert not matrix.parse([]).resume
    with pytest.raises(SystemExit):
        matrix.parse(["--resume"])
