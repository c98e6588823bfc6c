# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant under Microsoft's own host names: on port 443 of a loopback address, with a resolver that knows it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .simulator import Simulator

HOSTS = {"login.microsoftonline.com", "graph.microsoft.com", "outlook.office365.com"}
REGIONAL = ".outlook.office365.com"


def free_address() -> str | None:
    """A loopback address of this process's own with port 443; None where this user may not listen on that."""
    address = f"127.{os.getpid() % 200 + 10}.{os.getpid() // 200 % 250}.1"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, 443))
        except PermissionError:
            return None
    return address


@contextmanager
def real_names(
    state: Path, monkeypatch: pytest.MonkeyPatch, seed: Mapping[str, Any] | None = None
) -> Iterator[dict[str, str]]:
    """The endpoints of a new tenant that this process reaches as it would reach Microsoft."""
    address = free_address()
    if address is None:
        pytest.skip("needs the right to listen on port 443")
    resolve = socket.getaddrinfo

    def to_loopback(host: Any, *args: Any, **kwargs: Any) -> Any:
        ours = host in HOSTS or str(host).endswith(REGIONAL)
        return resolve(address if ours else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", to_loopback)
    with Simulator(state, seed=seed, address=address) as tenant:
        yield tenant.endpoints
