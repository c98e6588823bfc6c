# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant under Microsoft's own host names: on port 443 of a loopback address, with a resolver that knows it."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from . import TESTS

HOSTS = {"login.microsoftonline.com", "graph.microsoft.com", "outlook.office365.com"}


@contextmanager
def real_names(state: Path, monkeypatch: pytest.MonkeyPatch, seed: str = "") -> Iterator[dict[str, str]]:
    """The endpoints of a new tenant that this process reaches as it would reach Microsoft. ``seed`` is YAML."""
    address = f"127.{os.getpid() % 200 + 10}.{os.getpid() // 200 % 250}.1"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, 443))
        except PermissionError:
            pytest.skip("needs the right to listen on port 443")
    path = state / "seed.yml"
    path.write_text(seed)
    breaches = state / "breaches.txt"
    command = [sys.executable, "-m", "simulator", "serve", "--state", str(state), "--listen", address]
    command += ["--breaches", str(breaches)]
    with subprocess.Popen(
        [*command, "--real-hostnames", "--seed", str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    ) as process:
        assert process.stdout
        assert select.select([process.stdout], [], [], 60)[0]
        assert process.stdout.readline().startswith("ready")
        resolve = socket.getaddrinfo

        def to_loopback(host: Any, *args: Any, **kwargs: Any) -> Any:
            return resolve(address if host in HOSTS else host, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", to_loopback)
        try:
            yield json.loads((state / "endpoints.json").read_text())
        finally:
            process.terminate()
    assert not breaches.exists(), f"the simulator answered what the service would not:\n{breaches.read_text()}"
