# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front door: TLS sockets, dispatch to a service by port or host name, faults, latency and the wire log.

Every request is read whole, handled in one transaction of the tenant's store, and answered whole.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import trustme
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .faults import Disturbed, Fault, Faults
from .tenant import Tenant
from .wire_log import WireLog

NO_FAULTS = Faults([])
SERVICES = ("login", "graph", "outlook", "infinity")
REAL_HOSTS = {
    "login.microsoftonline.com": "login",
    "login.windows.net": "login",
    "graph.microsoft.com": "graph",
    "outlook.office365.com": "outlook",
    "outlook.office.com": "outlook",
}


class Door:
    """The ASGI application around the services.

    Args:
        tenant: whose transactions wrap the requests.
        services: ASGI applications by service name.
        by_port: service names by listening port (empty with real host names).
    """

    def __init__(
        self,
        tenant: Tenant,
        services: Mapping[str, ASGIApp],
        by_port: Mapping[int, str],
        faults: Faults,
        latency: float,
        wire_log: Path | None,
    ) -> None:
        self.tenant, self.services, self.by_port = tenant, services, by_port
        self.faults, self.latency = faults, latency
        self.log = WireLog(wire_log) if wire_log else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = time.time()
        service = self._service(scope)
        body = await _whole_body(receive)
        facts = {"service": service, "method": scope["method"], "path": unquote(scope["path"]), "cmdlet": _cmdlet(body)}
        fault = self.faults.pick(facts)
        disturbed = Disturbed(NO_FAULTS if fault else self.faults, facts, body)
        fault = fault or disturbed.whole
        if self.latency:
            await asyncio.sleep(self.latency)
        answer = _Answer()
        record = partial(self._record, started, service, scope, body)
        if fault and fault.when == "before" and await self._do(fault, answer, send, _head(scope) + body, record):
            await _hold(fault, receive)
            return
        # The Management Node is not part of the tenant; it waits for the tenant's answers meanwhile.
        with nullcontext() if service == "infinity" else self.tenant.store.transaction():
            if disturbed.nothing_left:
                answer.status, answer.body = 200, b'{"responses": []}'
                answer.headers = [(b"content-type", b"application/json")]
            else:
                await self.services[service](scope, _replay(disturbed.request), answer)
        if disturbed.picked and answer.status == 200:
            answer.body = disturbed.answered(answer.body)
            kept = [(name, value) for name, value in answer.headers if name != b"content-length"]
            answer.headers = [*kept, (b"content-length", str(len(answer.body)).encode())]
        if fault and fault.when == "after":
            answer = answer if fault.do == "delay" else _Answer()
            if await self._do(fault, answer, send, _head(scope) + body, record):
                await _hold(fault, receive)
                return
        record(answer)
        await answer.pass_on(send, head=scope["method"] == "HEAD")

    def _service(self, scope: Scope) -> str:
        if self.by_port:
            return self.by_port[scope["server"][1]]
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").split(":")[0].lower()
        return REAL_HOSTS.get(host, "outlook" if host.endswith(".outlook.office365.com") else "infinity")

    async def _do(
        self, fault: Fault, answer: _Answer, send: Send, request: bytes, record: Callable[[_Answer], None]
    ) -> bool:
        """Carry out a fault; True when the request is over with it, and recorded before the client can see that."""
        if fault.do in ("delay", "stall"):
            await asyncio.sleep(fault.seconds)
        if fault.do == "delay":
            return False
        if fault.do == "hold":
            record(answer)
            return True
        if fault.do in ("drop", "stall"):
            answer.status = 0
            record(answer)
            # The server's own send callable knows its connection; ASGI has no word for cutting it.
            send.__self__.transport.abort()  # type: ignore[attr-defined]
            return True
        content, content_type = fault.content(request)
        headers = {"content-type": content_type, "content-length": str(len(content)), **fault.headers}
        answer.status = fault.status
        answer.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        answer.body = content
        record(answer)
        await answer.pass_on(send)
        return True

    def _record(self, started: float, service: str, scope: Scope, body: bytes, answer: _Answer) -> None:
        if self.log is not None:
            self.log.record(started, service, scope, body, (answer.status, answer.headers, answer.body))


class _Answer:
    """Collects what a service sends."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def pass_on(self, send: Send, head: bool = False) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"" if head else self.body})


async def _whole_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _hold(fault: Fault, receive: Receive) -> None:
    """Keep a client waiting that is to be held, until it goes away."""
    while fault.do == "hold" and (await receive())["type"] != "http.disconnect":
        pass


def _head(scope: Scope) -> bytes:
    """A request's line and headers as they were sent, but on one line."""
    lines = [f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}".encode()]
    return b" ".join([*lines, *(name + b": " + value for name, value in scope["headers"]), b""])


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _cmdlet(body: bytes) -> str:
    if b"CmdletInput" not in body[:200]:
        return ""
    try:
        return str(json.loads(body)["CmdletInput"]["CmdletName"])
    except (ValueError, KeyError, TypeError):
        return ""


def certificates(directory: Path, names: list[str]) -> tuple[Path, Path]:
    """The CA file for clients and the server's certificate chain with key. The CA is made once per directory."""
    ca_path, key_path, server_path = directory / "ca.pem", directory / "ca-key.pem", directory / "server.pem"
    if key_path.exists():
        ca = trustme.CA.from_pem(ca_path.read_bytes(), key_path.read_bytes())
    else:
        ca = trustme.CA(organization_name="Simulated tenant")
        key_path.touch(mode=0o600)
        key_path.write_bytes(ca.private_key_pem.bytes())
        ca.cert_pem.write_to_path(str(ca_path))
    server_path.unlink(missing_ok=True)
    server_path.touch(mode=0o600)
    server_path.write_bytes(ca.issue_cert(*names).private_key_and_cert_chain_pem.bytes())
    return ca_path, server_path


def listen(address: str, ports: list[int]) -> list[socket.socket]:
    """One listening socket per port; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sockets = []
    for port in ports:
        # Named, since asyncio switches Nagle's delay off only where the protocol is.
        one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((address, port))
        one.set_inheritable(True)
        sockets.append(one)
    return sockets


async def serve(door: Door, sockets: list[socket.socket], certificate: Path, ready: str) -> None:
    """Serve until the process is told to stop (SIGINT, SIGTERM); prints ``ready`` once connections are taken."""
    config = uvicorn.Config(
        door,
        ssl_certfile=str(certificate),
        ssl_keyfile=str(certificate),
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
        http="h11",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
        server_header=False,
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(ready, flush=True)

    await Server(config).serve(sockets)
