# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold secrets: mode 0600 in one step, and nobody else's path."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils import _private_files
from ansible_collections.vmrops.o365.plugins.module_utils._private_files import (
    UnsafeFile,
    check_private,
    read_private,
    remove_private,
    write_private,
)

OTHER_USER = 4242
# What each function does at a path that is not safe: the same.
USES: list[Callable[[Path], Any]] = [
    check_private,
    read_private,
    remove_private,
    lambda path: write_private(path, "canary"),
]
every_use = pytest.mark.parametrize("use", USES, ids=["check", "read", "remove", "write"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.yml"


@pytest.fixture(params=[0o000, 0o022, 0o277, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_what_is_written_is_read_again(path: Path) -> None:
    assert read_private(path) is None
    assert check_private(path) is None
    write_private(path, "one\n")
    write_private(path, "zwei: ü\n")
    assert read_private(path) == "zwei: ü\n"
    assert os.listdir(path.parent) == [path.name]
    assert remove_private(path)
    assert not remove_private(path)


def test_the_mode_is_0600_from_the_first_moment(path: Path, umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the umask: the file is created with no more than 0600, before a byte is in it."""
    opened: list[tuple[int, int]] = []
    real = os.open

    def spy(name: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        handle = real(name, flags, mode, **more)
        if flags & os.O_CREAT:
            opened.append((flags, os.fstat(handle).st_mode & 0o7777))
        return handle

    monkeypatch.setattr(os, "open", spy)
    write_private(path, "canary")
    [(flags, created)] = opened
    assert flags & os.O_EXCL
    assert flags & os.O_NOFOLLOW
    assert created == 0o600 & ~umask
    assert mode(path) == 0o600


@pytest.mark.parametrize("before", [0o644, 0o666, 0o400])
def test_a_file_that_others_may_read_is_replaced_not_filled(path: Path, before: int) -> None:
    """Who opened the old file while that was possible does not see the secret."""
    path.touch()
    path.chmod(before)
    with path.open() as opened_before:
        write_private(path, "canary")
        assert opened_before.read() == ""
    assert mode(path) == 0o600


@every_use
def test_a_symbolic_link_is_refused(path: Path, use: Callable[[Path], Any]) -> None:
    target = path.with_name("target")
    target.write_text("before")
    for leads_to in (target, path.with_name("nowhere")):
        path.symlink_to(leads_to)
        with pytest.raises(UnsafeFile, match="is a symbolic link"):
            use(path)
        assert path.is_symlink()
        path.unlink()
    assert target.read_text() == "before"
    assert os.listdir(path.parent) == ["target"]


@every_use
def test_what_is_no_file_is_refused(path: Path, use: Callable[[Path], Any]) -> None:
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(UnsafeFile, match="is no regular file"):
        use(path)
    assert (path / "inside").exists()


@every_use
def test_a_file_of_another_user_is_refused(
    path: Path, use: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("theirs")
    path.parent.chmod(0o1777)
    if os.geteuid() == 0:
        os.chown(path, OTHER_USER, -1)
    else:  # nobody can give a file away, so this process claims to be somebody else, in a directory of root's
        monkeypatch.setattr(_private_files.os, "geteuid", lambda: OTHER_USER)
    with pytest.raises(UnsafeFile, match="belongs to"):
        use(path)
    assert path.read_text() == "theirs"
    assert os.listdir(path.parent) == [path.name]


@every_use
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(path: Path, use: Callable[[Path], Any]) -> None:
    os.chown(path.parent, OTHER_USER, -1)
    with pytest.raises(UnsafeFile, match=f"{path.parent} belongs to"):
        use(path)
    assert os.listdir(path.parent) == []


@every_use
def test_a_directory_that_everybody_may_write_to_is_refused(path: Path, use: Callable[[Path], Any]) -> None:
    path.parent.chmod(0o777)
    with pytest.raises(UnsafeFile, match="everybody may write to the directory"):
        use(path)
    path.parent.chmod(0o1777)
    use(path)


def test_a_directory_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(UnsafeFile, match=r"no-where cannot be opened: No such file"):
        write_private(path.parent / "no-where" / "file", "canary")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_private(path, "old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnsafeFile, match="cannot be written: No space left"):
        write_private(path, "canary")
    assert read_private(path) == "old"
    assert os.listdir(path.parent) == [path.name]
