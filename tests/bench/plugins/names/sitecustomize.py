# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python processes with this on their path find Microsoft's services where BENCH_ADDRESS says."""

from __future__ import annotations

import os
import socket
from typing import Any

HOSTS = {"login.microsoftonline.com", "graph.microsoft.com"}
resolve = socket.getaddrinfo


def to_loopback(host: Any, *args: Any, **kwargs: Any) -> Any:
    """As getaddrinfo."""
    name = host.decode() if isinstance(host, bytes) else host
    return resolve(os.environ["BENCH_ADDRESS"] if name in HOSTS else host, *args, **kwargs)


socket.getaddrinfo = to_loopback
