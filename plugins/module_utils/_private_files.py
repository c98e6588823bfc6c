# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold secrets: readable by their owner alone from the first moment, and never somebody else's.

A path that is a symbolic link, or belongs to another user, is refused before anything is written: who put it there decides
where a secret goes, or can read it afterwards. Everything is done relative to the directory that was checked.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MODE = 0o600


class UnsafeFile(Exception):
    """A secret must not be kept at this path; the text says why, and what to do."""


def check_private(path: Path) -> os.stat_result | None:
    """What is at the path, None for nothing. Raises UnsafeFile when a secret must not be kept there."""
    with _directory(path) as directory:
        return _present(path, directory)


def read_private(path: Path) -> str | None:
    """The content, None when there is no file. Raises UnsafeFile."""
    with _directory(path) as directory:
        if _present(path, directory) is None:
            return None
        with os.fdopen(_open(path, directory, os.O_RDONLY), encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                raise _belongs_to_others(path, os.fstat(file.fileno()))
            return file.read()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all. Raises UnsafeFile.

    It is a new file with mode 0600 in every case, which takes the place of the present one when it is complete.
    """
    with _directory(path) as directory:
        _present(path, directory)
        new = Path(path.parent, f".{path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(_open(new, directory, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), MODE)  # the umask may have taken the owner's own rights
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.rename(new.name, path.name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException as error:
            with suppress(FileNotFoundError):
                os.unlink(new.name, dir_fd=directory)
            if isinstance(error, OSError):
                raise UnsafeFile(f"{path} cannot be written: {error.strerror}.") from error
            raise


def remove_private(path: Path) -> bool:
    """Remove the file; whether there was one. Raises UnsafeFile."""
    with _directory(path) as directory:
        if _present(path, directory) is None:
            return False
        os.unlink(path.name, dir_fd=directory)
        return True


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """A moment in which no other run that asks for it writes to the same directory. Raises UnsafeFile."""
    with _directory(path) as directory:
        fcntl.flock(directory, fcntl.LOCK_EX)  # closing the directory lets go of it
        yield


@contextmanager
def _directory(path: Path) -> Iterator[int]:
    """The directory of a path, opened and found safe."""
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UnsafeFile(f"the directory {path.parent} cannot be opened: {error.strerror}.") from error
    try:
        found = os.fstat(directory)
        if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
            raise UnsafeFile(
                f"everybody may write to the directory {path.parent}, and so replace what is in it. Take that right away, "
                "or choose another directory."
            )
        if found.st_uid not in (0, os.geteuid()):
            raise _belongs_to_others(path.parent, found)
        yield directory
    finally:
        os.close(directory)


def _present(path: Path, directory: int) -> os.stat_result | None:
    try:
        found = os.stat(path.name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):
        raise UnsafeFile(f"{path} is a symbolic link; give the path that it leads to.")
    if not stat.S_ISREG(found.st_mode):
        raise UnsafeFile(f"{path} is no regular file; give another path.")
    if found.st_uid != os.geteuid():
        raise _belongs_to_others(path, found)
    return found


def _open(path: Path, directory: int, flags: int) -> int:
    try:
        return os.open(path.name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, MODE, dir_fd=directory)
    except OSError as error:
        raise UnsafeFile(f"{path} cannot be opened: {error.strerror}.") from error


def _belongs_to_others(path: Path, found: os.stat_result) -> UnsafeFile:
    return UnsafeFile(
        f"{path} belongs to {_user(found.st_uid)}, and this runs as {_user(os.geteuid())}. Remove it, give it to the user who "
        "runs this, or choose another path."
    )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
