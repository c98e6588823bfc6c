# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to a Pexip Management Node, from the options of the modules that configure it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ._module import Way
from ._plan import Refused
from ._services.fingerprints import Fingerprints
from ._services.infinity import Infinity
from ._transport.clock import Deadline
from ._transport.http import Http
from ._transport.node_auth import Administrator, NodeSignIn, OAuth2Client

if TYPE_CHECKING:
    from ._reconcile import Client
    from ._transport.kept import Keeper, Shelf

NODE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "node_url": {"type": "str", "required": True},
    "node_username": {"type": "str"},
    "node_password": {"type": "str", "no_log": True},
    "node_client_id": {"type": "str"},
    "node_private_key": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "int", "default": 60},
    "wait_timeout": {"type": "int", "default": 300},
}


@dataclass(frozen=True)
class NodeConnection:
    """The clients of one module run; also what managed objects read through."""

    node_url: str
    infinity: Infinity
    fingerprints: Fingerprints
    deadline: Deadline
    sign_in: NodeSignIn

    @property
    def clients(self) -> Mapping[str, Client]:
        """Who carries out steps, by service."""
        return {"infinity": self.infinity, "file": self.fingerprints}

    @property
    def secrets(self) -> Collection[str]:
        """What signing in told beside what was given."""
        return self.sign_in.secrets

    def forget_inherited(self) -> bool:
        """False: what a token is good for is the node's to know, and may change while it lasts."""
        return False


def connect_node(options: Mapping[str, Any], keeper: Keeper | None = None) -> NodeConnection:
    """The connection that the sign-in options describe; nothing is sent yet.

    Args:
        options: as in NODE_ARGUMENTS.
        keeper: what earlier modules of the run have left.

    Raises:
        Refused: the options do not say how to sign in, or where.
        MissingLibrary
    """
    address = urlsplit(options["node_url"])
    if address.scheme != "https" or not address.hostname or address.path.strip("/") or address.username:
        raise Refused(
            f"{address.scheme}://{address.hostname} with its path is no address of a node.",
            "node_url",
            "Write it as https://host, with a port if need be.",
        )
    node_url = f"https://{address.netloc}"
    deadline = Deadline(options["wait_timeout"])
    who = {name: options[name] for name in ("node_url", "node_username", "node_client_id")}
    made = options["ca_path"], options["timeout"], options["validate_certs"]
    session = keeper.session(who, *made) if keeper else None
    http = Http(made[0], made[1], deadline, made[2], session)
    proof = (options["node_private_key"] or "").encode("utf-8", "surrogateescape")
    sign_in = _sign_in(options, node_url, http, keeper.shelf(who, proof) if keeper and proof else None)
    return NodeConnection(node_url, Infinity(http, sign_in, node_url), Fingerprints(), deadline, sign_in)


NODE = Way(NODE_ARGUMENTS, connect_node)


def _sign_in(options: Mapping[str, Any], node_url: str, http: Http, shelf: Shelf | None) -> NodeSignIn:
    administrator = options["node_username"], options["node_password"]
    client = options["node_client_id"], options["node_private_key"]
    if all(client) and not any(administrator):
        return OAuth2Client(node_url, options["node_client_id"], options["node_private_key"], http, shelf)
    if all(administrator) and not any(client):
        return Administrator.named(options["node_username"], options["node_password"])
    raise Refused(
        "the Management Node wants to know who asks.",
        "node_username",
        "Give node_username and node_password, or node_client_id and node_private_key.",
    )
