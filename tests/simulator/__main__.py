# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m simulator serve``: the tenant, ready to be used."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from . import entra, graph, infinity, outlook, seed
from .faults import Faults
from .infinity_node import Node
from .server import REAL_HOSTS, SERVICES, Door, certificates, listen, serve
from .tenant import Tenant


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    command = parser.add_subparsers(dest="command", required=True).add_parser("serve")
    command.add_argument(
        "--state", type=Path, required=True, help="directory of the tenant; the same one, the same tenant"
    )
    command.add_argument("--seed", type=Path, help="YAML file merged over the default tenant when the state is new")
    command.add_argument("--listen", default="127.0.0.1", help="address to listen on")
    ports = command.add_mutually_exclusive_group()
    ports.add_argument("--ports", type=int, default=0, help="first of the four service ports; 0 takes free ones")
    ports.add_argument(
        "--real-hostnames", action="store_true", help="one listener on 443, services told apart by host name"
    )
    command.add_argument("--lag", type=float, default=0.0, help="seconds until every read shows a write")
    command.add_argument("--latency", type=float, default=0.0, help="milliseconds added to every answer")
    command.add_argument(
        "--poll",
        type=float,
        default=0.0,
        help="seconds after which the Management Node looks for meetings, again and again",
    )
    command.add_argument("--faults", type=Path, help="YAML list of what goes wrong on purpose")
    command.add_argument("--wire-log", type=Path, help="a JSON line per request is appended here")
    command.add_argument(
        "--breaches", type=Path, help="what the services' descriptions do not allow is told here; else on stderr"
    )
    options = parser.parse_args()

    options.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    tenant = Tenant(options.state, options.lag)
    seed.plant(tenant, options.seed)

    host = "127.0.0.1" if options.listen in ("0.0.0.0", "::") else options.listen
    numbers = (
        [443] if options.real_hostnames else [options.ports + i if options.ports else 0 for i in range(len(SERVICES))]
    )
    sockets = listen(options.listen, numbers)
    if options.real_hostnames:
        by_port: dict[int, str] = {}
        urls = {service: f"https://{name}" for name, service in reversed(REAL_HOSTS.items())}
        urls["infinity"] = f"https://{tenant.settings['management_node']}"
        names = [*REAL_HOSTS, "*.outlook.office365.com", tenant.settings["management_node"]]
    else:
        by_port = {one.getsockname()[1]: service for one, service in zip(sockets, SERVICES, strict=True)}
        urls = {service: f"https://{host}:{port}" for port, service in by_port.items()}
        names = ["localhost", "127.0.0.1", "::1", host]
    ca_path, certificate = certificates(options.state, list(dict.fromkeys(names)))

    automation = tenant.settings["automation"]
    node = Node(tenant)
    endpoints = {
        "tenant_id": tenant.id,
        "tenant_domain": tenant.domain,
        **{f"{service}_url": urls[service] for service in SERVICES},
        "ca_path": str(ca_path.resolve()),
        "client_id": automation["client_id"],
        "client_secret": automation["client_secret"],
        **node.credentials(),
    }
    path = options.state / "endpoints.json"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(endpoints, file, indent=2)

    if options.poll:
        infinity.scheduler_of(node, str(ca_path)).start(options.poll)
    tell = partial(_tell, options.breaches)
    services = {
        "login": entra.application(tenant, urls),
        "graph": graph.application(tenant, urls, tell),
        "outlook": outlook.application(tenant, urls, tell),
        "infinity": infinity.application(node, urls, ca_path),
    }
    door = Door(tenant, services, by_port, Faults.load(options.faults), options.latency / 1000, options.wire_log)
    asyncio.run(serve(door, sockets, certificate, f"ready: {path}"))


def _tell(path: Path | None, breach: str) -> None:
    with path.open("a") if path else nullcontext(sys.stderr) as file:
        print(breach, file=file)


if __name__ == "__main__":
    main()
