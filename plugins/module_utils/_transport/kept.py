# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one module leaves for the next in the same run of Ansible: its session, and its tokens.

Sessions stay in the process. Tokens are put into the run's own directory, which only its user can enter and which Ansible
removes at the end; they are encrypted with a key from what signs in, so that nobody reads one who could not have asked for it.
A module in a process of its own finds them as well when it runs on the controller.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .._private_files import UnsafeFile, alone_with, read_private, remove_private, write_private
from .session import make_session

if TYPE_CHECKING:
    import requests

# Names the run's own directory to a module in a process of its own. For the action; nobody else sets it.
DIRECTORY = "VMROPS_O365_RUN_DIRECTORY"

Token = tuple[str, float]
"""A token, and when it should not be used any more, in seconds since 1970."""


class Shelf(Protocol):
    """The tokens of one who signs in, by resource."""

    def get(self, resource: str) -> Token | None:
        """The token that an earlier module got, if any."""

    def put(self, resource: str, token: Token) -> None:
        """Leave a token for the next."""

    def clear(self) -> None:
        """Leave none."""


class Keeper:
    """What is kept by this process, and for it.

    Args:
        directory: the run's own.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._sessions: dict[str, requests.Session] = {}
        self._shelves: dict[str, InProcess] = {}

    @classmethod
    def of_environment(cls) -> Keeper | None:
        """Where the environment names a directory that nobody else may enter."""
        directory = Path(os.environ.get(DIRECTORY, ""))
        with suppress(OSError):
            found = directory.lstat()
            if directory.is_absolute() and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == stat.S_IRWXU:
                return cls(directory)
        return None

    def session(self, who: Mapping[str, Any], *made: Any) -> requests.Session:
        """The session of one who signs in; made (arguments as of make_session) when there is none.

        Each has their own, for a session has cookies.
        """
        name = _name({**who, "made": made})
        if name not in self._sessions:
            self._sessions[name] = make_session(*made)
        return self._sessions[name]

    def shelf(self, who: Mapping[str, Any], proof: bytes | None) -> Shelf:
        """The tokens of one who signs in.

        Args:
            who: what tells them from all others: the tenant, its cloud, the client.
            proof: what they alone have, such as a client secret; None for who has nothing. Their tokens stay in the process.
        """
        name = _name(who)
        return self._shelves.setdefault(name, InProcess()) if proof is None else InFile(self.directory, name, proof)


def _name(who: Mapping[str, Any]) -> str:
    return json.dumps({**who, "user": os.geteuid()}, sort_keys=True)


class InProcess(dict[str, Token]):
    """A shelf that ends with the process."""

    def put(self, resource: str, token: Token) -> None:
        """Leave a token for the next."""
        self[resource] = token


class InFile:
    """A shelf that ends with the run. A file that cannot be read or written is as good as none.

    Args:
        directory: the run's own; its name is another for each run.
        who: whose tokens these are.
        proof: what they alone have.
    """

    def __init__(self, directory: Path, who: str, proof: bytes) -> None:
        from cryptography.fernet import Fernet
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        derived = HKDF(SHA256(), 64, salt=str(directory).encode(), info=who.encode()).derive(proof)
        self._cipher = Fernet(base64.urlsafe_b64encode(derived[:32]))
        self._path = directory / f"vmrops.o365-{derived[32:].hex()}"

    def get(self, resource: str) -> Token | None:
        """The token that an earlier module got, if any."""
        return self._content().get(resource)

    def put(self, resource: str, token: Token) -> None:
        """Leave a token for the next, beside those for other resources."""
        with suppress(UnsafeFile), alone_with(self._path):
            content = json.dumps({**self._content(), resource: token}).encode()
            write_private(self._path, self._cipher.encrypt(content).decode())

    def clear(self) -> None:
        """Leave none."""
        with suppress(UnsafeFile), alone_with(self._path):
            remove_private(self._path)

    def _content(self) -> dict[str, Token]:
        from cryptography.fernet import InvalidToken

        try:
            kept = read_private(self._path)
            content = json.loads(self._cipher.decrypt(kept)) if kept else {}
        except (UnsafeFile, InvalidToken):
            return {}
        return {resource: (token, ends) for resource, (token, ends) in content.items()}
