# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for secrets where none may be: in bytes, in every usual form, whole or in part."""

from __future__ import annotations

import base64
import html
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, quote_plus

# A piece of that many bytes is a find. One begins at every STEP bytes of a form, so any part longer by that is found.
WINDOW, STEP = 16, 4

FORMS: Mapping[str, Callable[[bytes], Iterable[bytes]]] = {
    "plain": lambda secret: [secret],
    "JSON": lambda secret: [json.dumps(secret.decode()).encode()[1:-1]],
    "JSON in JSON": lambda secret: [json.dumps(json.dumps(secret.decode())).encode()[3:-3]],
    "Python": lambda secret: [repr(secret.decode()).encode()[1:-1]],
    "URL": lambda secret: [quote(secret, safe="").encode(), quote(secret).encode(), quote_plus(secret).encode()],
    "HTML": lambda secret: [html.escape(secret.decode()).encode()],
    "hex": lambda secret: [secret.hex().encode(), secret.hex().upper().encode()],
    "base64": lambda secret: _base64(secret, base64.b64encode),
    "URL-safe base64": lambda secret: _base64(secret, base64.urlsafe_b64encode),
}


def _base64(secret: bytes, encode: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """What is the secret's own in its encoding, for each place in base64's groups of three where it may begin."""
    for before in range(3):
        yield encode(bytes(before) + secret)[-(-before * 4 // 3) : (before + len(secret)) * 8 // 6]


class Scanner:
    """Finds secrets.

    Args:
        secrets: by name.

    Raises:
        ValueError: a secret is too short to be told from other text.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._windows: dict[bytes, str] = {}
        for name, secret in secrets.items():
            if len(secret) < WINDOW:
                raise ValueError(f"{name} is too short to look for")
            for form, encode in FORMS.items():
                for encoded in encode(secret.encode()):
                    for start in {*range(0, len(encoded) - WINDOW + 1, STEP), len(encoded) - WINDOW}:
                        self._windows.setdefault(encoded[start : start + WINDOW], f"{name} ({form})")

    def finds(self, content: bytes) -> list[str]:
        """The names and forms of the secrets in the content, each with what stands around it."""
        windows, found = self._windows, {}
        for start in range(len(content) - WINDOW + 1):
            name = windows.get(content[start : start + WINDOW])
            if name and name not in found:
                found[name] = content[max(0, start - 150) : start + 40]
        return [f"{name}: {around!r}" for name, around in found.items()]

    def leaks(self, places: Mapping[str, bytes]) -> list[str]:
        """What is found in any of the places, by their names."""
        return [f"{place}: {find}" for place, content in places.items() for find in self.finds(content)]


def files_below(directory: Path) -> dict[str, bytes]:
    """The content of every file of a tree, by path, and the paths themselves."""
    files = {str(path): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}
    return {**files, "names of files": "\n".join(map(str, directory.rglob("*"))).encode()}


class CommandLines:
    """A context manager that notes what the process list shows meanwhile: every command line on this machine."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> CommandLines:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):  # processes end while they are looked at
                    self.seen.add(path.read_bytes())
