# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for every test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

sys.path.insert(0, str(Path(__file__).parent))

from support import BIN, COLLECTIONS, ROOT
from support.ansible import Ansible
from support.forked import fork_simulators
from support.simulator import Simulator

# Here Python and Ansible, in this process and in those it starts, find the collection under its full name.
sys.path.insert(0, str(COLLECTIONS))
os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(ROOT / ".cache" / "hypothesis")
os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
fork_simulators()


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Callable[..., Simulator]]:
    """Starts tenants, each new unless it is given a ``state``; options as in Simulator. They end with the test."""
    with ExitStack() as stack:
        started = 0

        def start(state: Path | None = None, **options: Any) -> Simulator:
            nonlocal started
            started += 1
            return stack.enter_context(Simulator(state or tmp_path / f"tenant-{started}", **options))

        yield start


@pytest.fixture(autouse=True)
def exchangelib_as_it_comes() -> Iterator[None]:
    """What opens a mailbox sets exchangelib's adapter for the whole process, with a CA that the next test does not have."""
    yield
    protocol = sys.modules.get("exchangelib.protocol")
    if protocol:
        protocol.BaseProtocol.HTTP_ADAPTER_CLS = requests.adapters.HTTPAdapter


@pytest.fixture
def tenant(simulator: Callable[..., Simulator]) -> Simulator:
    """A new default tenant."""
    return simulator()


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    """Runs playbooks."""
    return Ansible(tmp_path / "ansible")
