# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy on loopback that takes down what goes through it.

Clients use it as they use a company's proxy that inspects TLS: HTTPS_PROXY leads to it, and its own authority is to be trusted.
They keep the services' true addresses, so that nothing in what is sent or answered has to be rewritten: assertions for their
audience, links to the next page, redirects. It leads to the services that it was told of and to nothing else, verifies
who answers there, and uses the proxy of the environment, if there is one.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import h11
import requests
import trustme
import urllib3
import uvicorn
from ansible_collections.vmrops.o365.plugins.module_utils._transport.session import network_words
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .calls import Call

TIMEOUT = 120.0
# Headers that are between two neighbours, and those that whoever sends the request on makes anew.
_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
    "content-length",
}


class Recorder:
    """A context manager. While it is open the proxy works; ``calls`` has what went through it, in the order of the answers.

    Args:
        services: base address of each service, by name. Hosts below one of them belong to it, as Exchange's regional ones.
        directory: where the certificate of its authority is put.
        ca_path: authorities to trust in what it leads to, in place of the machine's.
    """

    def __init__(self, services: Mapping[str, str], directory: Path, ca_path: str | None) -> None:
        self._hosts = {urlsplit(url).netloc.lower(): name for name, url in services.items()}
        self._verify: str | bool = ca_path or True
        self.ca_path = directory / "recorder-ca.pem"
        self._key_path = directory / "recorder.pem"
        self.calls: list[Call] = []
        self._lock = threading.Lock()
        self._local = threading.local()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.begin("")

    def begin(self, stage: str) -> None:
        """What is taken down from now on belongs to that stage."""
        self._stage, self._since = stage, time.monotonic()

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which the collection's modules go through here."""
        proxy = {"HTTPS_PROXY": self.url, "https_proxy": self.url, "NO_PROXY": "", "no_proxy": ""}
        return {**proxy, "VMROPS_O365_CA_PATH": str(self.ca_path)}

    def __enter__(self) -> Recorder:
        names = {urlsplit(f"//{host}").hostname or "" for host in self._hosts}
        authority = trustme.CA(organization_name="Recorder of make live")
        authority.cert_pem.write_to_path(str(self.ca_path))
        certificate = authority.issue_cert(*sorted(names), *(f"*.{name}" for name in sorted(names) if _is_name(name)))
        with os.fdopen(os.open(self._key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(certificate.private_key_and_cert_chain_pem.bytes())
        self._thread.start()
        if not self._started.wait(30):
            raise RuntimeError("the recorder did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()

    async def _serve(self) -> None:
        config = uvicorn.Config(
            self._application,
            ssl_certfile=str(self._key_path),
            ssl_keyfile=str(self._key_path),
            ssl_version=ssl.PROTOCOL_TLS_SERVER,
            http="h11",
            interface="asgi3",
            proxy_headers=False,
            lifespan="off",
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
            server_header=False,
            date_header=False,
        )
        self._server = uvicorn.Server(config)
        inner = socket.create_server(("127.0.0.1", 0))
        self._inner_port = inner.getsockname()[1]
        front = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{front.sockets[0].getsockname()[1]}"
        self._started.set()
        async with front:
            await self._server.serve([inner])

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client's wish to be connected, answered; then bytes go to and fro."""
        connection = h11.Connection(h11.SERVER)
        try:
            while (event := connection.next_event()) is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            if (
                not isinstance(event, h11.Request)
                or event.method != b"CONNECT"
                or not self._service(event.target.decode())
            ):
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            within, without = await asyncio.open_connection("127.0.0.1", self._inner_port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pipe(reader, without), _pipe(within, writer))
        except (h11.RemoteProtocolError, OSError, ValueError, asyncio.CancelledError):
            pass  # it went away, or the recorder ends
        finally:
            with suppress(OSError):
                writer.close()

    def _service(self, place: str) -> str:
        """Whose host and port that is; empty for nobody's."""
        place = place.lower().removesuffix(":443")
        below = (name for host, name in self._hosts.items() if place == host or place.endswith(f".{host}"))
        return next(below, "")

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if not self._service(request.headers.get("host", "")):
            await Response(status_code=421)(scope, receive, send)
            return
        call, headers, content = await run_in_threadpool(self._pass_on, request, await request.body())
        with self._lock:
            self.calls.append(call)
        response = Response(content, call.status or 502)
        response.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        response.raw_headers.append((b"content-length", str(len(content)).encode()))
        await response(scope, receive, send)

    def _pass_on(self, request: Request, body: bytes) -> tuple[Call, list[tuple[str, str]], bytes]:
        """Ask the service itself; the call, and headers and content of the answer as they came."""
        stage, at, place = self._stage, round(time.monotonic() - self._since, 1), request.headers["host"]
        target = request.scope["raw_path"].decode("latin-1")
        target += f"?{request.url.query}" if request.url.query else ""
        sent = {name: value for name, value in request.headers.items() if name not in _HOP}
        failure, status, headers, content = "", 0, list[tuple[str, str]](), b""
        try:
            answer = self._session().request(
                request.method,
                f"https://{place}{target}",
                data=body,
                headers=sent,
                timeout=TIMEOUT,
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            )
            content = answer.raw.read(decode_content=False)
            status, headers = (
                answer.status_code,
                [(n, v) for n, v in answer.raw.headers.items() if n.lower() not in _HOP],
            )
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = network_words(error)
            content = f"The recorder of make live has no answer: {failure}".encode()
        names = {name.lower(): value for name, value in headers}
        plain = _decompressed(content, names.get("content-encoding", "")) if status else b""
        service = self._service(place)
        call = Call(stage, at, service, request.method, target, sent, body, status, names, plain, failure)
        return call, headers, content

    def _session(self) -> requests.Session:
        """A session of this thread, which adds nothing of its own to a request."""
        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.auth = lambda request: request  # or it would look for one in .netrc
            session.headers.clear()
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            self._local.session = session
        found: requests.Session = self._local.session
        return found


def _is_name(host: str) -> bool:
    return "." in host and not host.replace(".", "").isdigit() and ":" not in host


def _decompressed(content: bytes, encoding: str) -> bytes:
    """The content to look at; as it is where it is not what its encoding says, as Exchange sends some."""
    if encoding.strip().lower() != "gzip":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return content


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.close()
