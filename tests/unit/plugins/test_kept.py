# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens that one module leaves for the next: for the same caller alone, encrypted, and gone when they may be out of date."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._rights import GRAPH as GRAPH_SERVICE
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, Connection, connect
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import SignInFailed
from ansible_collections.vmrops.o365.plugins.module_utils._transport.kept import DIRECTORY, Keeper, Token
from support.simulator import Simulator

GRAPH = "https://graph.microsoft.com"
TOKEN: Token = ("token-of-somebody-4711", 99.5)
WHO = {"tenant_id": "t", "client_id": "c", "cloud": "global"}
PROOF = b"secret"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """As Ansible makes it for a run."""
    path = tmp_path / "run"
    path.mkdir(mode=0o700)
    return path


def files(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if path.is_file()]


def test_a_token_is_there_for_the_next_module_whichever_worker_runs_it(directory: Path) -> None:
    Keeper(directory).shelf(WHO, PROOF).put(GRAPH, TOKEN)
    Keeper(directory).shelf(WHO, PROOF).put("https://another", ("another", 1.0))
    shelf = Keeper(directory).shelf(WHO, PROOF)
    assert shelf.get(GRAPH) == TOKEN
    assert shelf.get("https://nothing") is None
    (file,) = files(directory)
    assert file.stat().st_mode & 0o7777 == 0o600
    for secret in (TOKEN[0], PROOF.decode(), "tenant", GRAPH):
        assert secret not in file.read_text() + file.name
    shelf.clear()
    assert not files(directory)
    assert shelf.get(GRAPH) is None


@pytest.mark.parametrize(
    ("change", "proof"),
    [
        ({"tenant_id": "u"}, PROOF),
        ({"client_id": "d"}, PROOF),
        ({"cloud": "china"}, PROOF),
        ({}, b"another"),
        ({}, None),
    ],
)
def test_nobody_else_gets_it(change: dict[str, str], proof: bytes | None, directory: Path) -> None:
    Keeper(directory).shelf(WHO, PROOF).put(GRAPH, TOKEN)
    assert Keeper(directory).shelf({**WHO, **change}, proof).get(GRAPH) is None


def test_another_user_and_another_run_do_not_get_it(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Keeper(directory)
    keeper.shelf(WHO, PROOF).put(GRAPH, TOKEN)
    (tmp_path / "later").mkdir(mode=0o700)
    (file,) = files(directory)
    (tmp_path / "later" / file.name).write_text(file.read_text())
    assert Keeper(tmp_path / "later").shelf(WHO, PROOF).get(GRAPH) is None
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert keeper.shelf(WHO, PROOF).get(GRAPH) is None


def test_a_file_that_somebody_has_changed_is_as_good_as_none(directory: Path) -> None:
    shelf = Keeper(directory).shelf(WHO, PROOF)
    shelf.put(GRAPH, TOKEN)
    (file,) = files(directory)
    file.write_text(file.read_text()[:-9] + "AAAAAAAA=")
    assert shelf.get(GRAPH) is None
    shelf.put(GRAPH, TOKEN)
    assert shelf.get(GRAPH) == TOKEN


def test_without_a_directory_there_is_none(tmp_path: Path) -> None:
    shelf = Keeper(tmp_path / "missing").shelf(WHO, PROOF)
    shelf.put(GRAPH, TOKEN)
    assert shelf.get(GRAPH) is None


def test_a_module_in_a_process_of_its_own_is_told_where(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its environment, which it believes where nobody else may enter."""
    monkeypatch.setenv(DIRECTORY, str(directory))
    Keeper(directory).shelf(WHO, PROOF).put(GRAPH, TOKEN)
    keeper = Keeper.of_environment()
    assert keeper
    assert keeper.shelf(WHO, PROOF).get(GRAPH) == TOKEN
    monkeypatch.chdir(directory.parent)
    (directory.parent / "link").symlink_to(directory)
    for no_such in ("", "/no/such/directory", directory.name, str(directory.parent / "link")):
        monkeypatch.setenv(DIRECTORY, no_such)
        assert Keeper.of_environment() is None, no_such
    monkeypatch.setenv(DIRECTORY, str(directory))
    directory.chmod(0o750)
    assert Keeper.of_environment() is None
    directory.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert Keeper.of_environment() is None


def test_who_has_no_secret_keeps_tokens_in_the_process(directory: Path) -> None:
    keeper = Keeper(directory)
    keeper.shelf(WHO, None).put(GRAPH, TOKEN)
    assert keeper.shelf(WHO, None).get(GRAPH) == TOKEN
    assert keeper.shelf({**WHO, "tenant_id": "u"}, None).get(GRAPH) is None
    assert Keeper(directory).shelf(WHO, None).get(GRAPH) is None
    assert not files(directory)


# --- on a tenant ------------------------------------------------------------------------------------------------------


def connected(tenant: Simulator, directory: Path, **changes: Any) -> Connection:
    """A connection as the next task has it, in a worker of its own."""
    defaults = {"auth_method": "auto", "cloud": "global", "timeout": 10, "wait_timeout": 10}
    given = {**dict.fromkeys(AUTH_ARGUMENTS), **defaults, **tenant.auth(), **changes}
    return connect(given, print, Keeper(directory))


def asked(tenant: Simulator) -> int:
    """How many tokens were asked for."""
    return sum(request.service == "login" and request.method == "POST" for request in tenant.wire())


def test_the_next_module_asks_for_no_token(tenant: Simulator, directory: Path) -> None:
    first = connected(tenant, directory)
    first.directory.domains()
    second = connected(tenant, directory)
    second.directory.domains()
    assert asked(tenant) == 1
    assert second.secrets == first.secrets != set()  # what was not sent for must not be shown either


def test_a_wrong_secret_is_found_out_all_the_same(tenant: Simulator, directory: Path) -> None:
    connected(tenant, directory).directory.domains()
    with pytest.raises(SignInFailed, match="AADSTS7000215"):
        connected(tenant, directory, client_secret="wrong-secret-4711").directory.domains()


def test_tokens_near_their_end_are_not_used(
    tenant: Simulator, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(tenant, directory).directory.domains()
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3500)
    connected(tenant, directory).tokens.token(GRAPH)
    assert asked(tenant) == 2


def test_after_a_grant_nothing_is_left_for_later_modules(tenant: Simulator, directory: Path) -> None:
    """It may take a moment until the grant is in tokens: the next module asks anew, and leaves what it gets."""
    first = connected(tenant, directory)
    first.tokens.token(GRAPH)
    first.tokens.forget()
    first.tokens.token(GRAPH)
    assert not files(directory)
    connected(tenant, directory).tokens.token(GRAPH)
    connected(tenant, directory).tokens.token(GRAPH)
    assert asked(tenant) == 3


def test_what_is_granted_now_is_read_from_a_new_token(tenant: Simulator, directory: Path) -> None:
    first, second = connected(tenant, directory), connected(tenant, directory)
    first.claims(GRAPH_SERVICE)
    assert not first.forget_inherited()
    second.directory.domains()
    assert asked(tenant) == 1
    assert second.claims(GRAPH_SERVICE)["roles"] == first.claims(GRAPH_SERVICE)["roles"]
    assert asked(tenant) == 2
    second.claims(GRAPH_SERVICE)
    assert asked(tenant) == 2
