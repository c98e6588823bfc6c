# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nearest module of azure.azcollection, as it is in the PyPI package ansible: it looks up a user of the same tenant."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from support import ROOT
from support.real_names import free_address
from support.simulator import Simulator
from tools.own_venv import own_venv

from .measure import PLUGINS, Row, measure

AZURE = "azure.azcollection.azure_rm_aduser_info"
OURS = "vmrops.o365.o365_service_account"
USER = "alice@contoso.com"


def elsewhere(directory: Path, tasks: int) -> Iterator[Row]:
    """Seconds of a task that reads one user, beside those of the services; nothing where port 443 may not be used."""
    address = free_address()
    if not address:
        print("Not measured: it needs the right to listen on port 443.", file=sys.stderr)
        return
    python = _with_azure()
    with Simulator(directory / "tenant", address=address) as tenant:
        ends = tenant.endpoints
        environment = {
            "PYTHONPATH": str(PLUGINS / "names"),
            "BENCH_ADDRESS": address,
            "REQUESTS_CA_BUNDLE": ends["ca_path"],
            "SSL_CERT_FILE": ends["ca_path"],
            "AZURE_TENANT": ends["tenant_id"],
            "AZURE_SUBSCRIPTION_ID": ends["tenant_id"],
            "AZURE_CLIENT_ID": ends["client_id"],
            "AZURE_SECRET": ends["client_secret"],
        }
        theirs = {
            "name": "theirs",
            AZURE: {"user_principal_name": USER},
            "vars": {"ansible_python_interpreter": python},
        }
        ours = {
            "name": "ours",
            OURS: {"user_principal_name": USER, "display_name": "Alice Anker", "wait_for_mailbox": False},
        }
        empty = {"name": "empty", "empty_module": {}}
        number = max(tasks // 4, 2)
        base = measure(directory, [empty] * number, [tenant], environment).overhead
        measure(directory, [ours], [tenant], environment)
        for what, task in ((AZURE, theirs), (OURS, ours)):
            measured = measure(directory, [task] * number, [tenant], environment)
            row = {"what": what, "seconds, task": measured.overhead, "of an empty module": measured.overhead / base}
            yield {**row, "requests of a task": len(measured.requests) / number}


def _with_azure() -> str:
    """An interpreter that has what the collection asks for."""
    spec = find_spec("ansible_collections.azure.azcollection")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("azure.azcollection is not installed; `make setup` does that")
    wanted = ROOT / ".cache" / "bench-azure.txt"
    wanted.write_text(f"-r {Path(next(iter(spec.submodule_search_locations))) / 'requirements.txt'}\n")
    return str(own_venv("bench-azure", wanted) / "python")
