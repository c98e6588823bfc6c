# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TLS server that answers with whatever bytes it is told to, which no HTTP library would send."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import trustme

HOST = "localhost"


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    head: str
    body: bytes


Answer = Callable[[socket.socket, Received], None]
"""Writes an answer, or whatever else, to the connection, which is closed after it."""


class Hostile:
    """Serves on a free loopback port until the block ends.

    Args:
        answer: what every request gets.
        directory: where the certificate to trust is written, as ``ca_path``.
        context: another TLS context for the server; None for one that ``ca_path`` vouches for.
        plain: speak no TLS at all.
        deaf: answer without having read anything.
    """

    def __init__(
        self,
        answer: Answer,
        directory: Path,
        context: ssl.SSLContext | None = None,
        plain: bool = False,
        deaf: bool = False,
    ) -> None:
        authority = trustme.CA()
        self.ca_path = str(directory / "hostile-ca.pem")
        authority.cert_pem.write_to_path(self.ca_path)
        if context is None and not plain:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority.issue_cert(HOST, "127.0.0.1").configure_cert(context)
        self.answer, self._context, self._deaf = answer, context, deaf
        self.received: list[Received] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'http' if plain else 'https'}://{HOST}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Hostile:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        # What the client does not wait for, or refuses, ends the conversation here.
        with connection, suppress(OSError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                request = Received("", "", "", b"") if self._deaf else _receive(connection)
                if request:
                    self.received.append(request)
                    self.answer(connection, request)


def _receive(connection: socket.socket) -> Received | None:
    with connection.makefile("rb") as file:
        lines = []
        while (line := file.readline()) not in (b"\r\n", b""):
            lines.append(line.decode("latin-1"))
        if not lines:
            return None
        method, path, _version = lines[0].split(" ", 2)
        lengths = [line.partition(":")[2] for line in lines if line.lower().startswith("content-length:")]
        return Received(method, path, "".join(lines), file.read(int(lengths[0])) if lengths else b"")


def http(status: int, body: bytes, **headers: str) -> bytes:
    """A proper answer; an underscore in a header's name stands for a dash."""
    named = {"Content_Type": "application/json", "Content_Length": str(len(body)), "Connection": "close", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    return "\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, "", ""]).encode("latin-1") + body


def saying(*parts: bytes) -> Answer:
    """Every request gets these bytes."""

    def answer(connection: socket.socket, request: Received) -> None:
        for part in parts:
            connection.sendall(part)

    return answer


def forever(start: bytes, part: bytes, pause: float = 0.0) -> Answer:
    """Every request gets the start, and then the part, again and again."""

    def answer(connection: socket.socket, request: Received) -> None:
        connection.sendall(start)
        wait = threading.Event()
        while not wait.wait(pause):
            connection.sendall(part)

    return answer


def signed_in(answer: Answer) -> Answer:
    """Whoever signs in gets a token; everything else gets that answer."""

    def answered(connection: socket.socket, request: Received) -> None:
        if "/.well-known/openid-configuration" in request.path:
            host = next(line for line in request.head.splitlines() if line.lower().startswith("host:"))
            base = "https://" + host.partition(":")[2].strip() + request.path.partition("/v2.0")[0]
            names = ("issuer", "authorization_endpoint", "token_endpoint", "device_authorization_endpoint")
            body: dict[str, Any] = {name: f"{base}/{name}" for name in names}
        elif request.path.endswith("/token_endpoint"):
            body = {"access_token": "x.y.z", "token_type": "Bearer", "expires_in": 3600}
        else:
            answer(connection, request)
            return
        connection.sendall(http(200, json.dumps(body).encode()))

    return answered
