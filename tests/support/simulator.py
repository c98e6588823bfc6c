# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated tenant in a process of its own, and what went over its wire."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, ClassVar, Protocol

import requests
import yaml

from . import TESTS

# POST requests of Graph that read.
_GRAPH_READS = {
    "getByIds",
    "checkMemberGroups",
    "checkMemberObjects",
    "getMemberGroups",
    "getMemberObjects",
    "validateProperties",
}
_CMDLET_READS = ("Get-", "Test-")
_EWS_READS = ("Get", "Find", "Resolve", "Sync", "Expand", "Convert")
_NODE_SIGN_IN = ("/oauth/token/", "/admin/platform/", "/simulator/")
_EWS_OPERATION = re.compile(r"<(?:\w+:)?Body\b[^>]*>\s*<(?:\w+:)?(\w+)")


@dataclass(frozen=True)
class Request:
    """One line of the wire log: a request and its answer. ``seconds`` is how long the answer took."""

    time: str
    seconds: float
    service: str
    method: str
    path: str
    query: str
    request_headers: dict[str, str]
    request: Any
    status: int
    response_headers: dict[str, str]
    response: Any

    @property
    def operations(self) -> list[str]:
        """What was asked for, one per batch item: ``PATCH /v1.0/users/x``, a cmdlet's name, or an EWS operation's."""
        try:
            if self.path.endswith("/$batch"):
                return [self._batched(item) for item in self.request["requests"]]
            if self.path.endswith("/InvokeCommand"):
                return [str(self.request["CmdletInput"]["CmdletName"])]
        except (KeyError, TypeError):
            pass  # malformed, as a test may want it
        if isinstance(self.request, str) and (found := _EWS_OPERATION.search(self.request)):
            return [found[1]]
        return [f"{self.method} {self.path}"]

    def _batched(self, item: Mapping[str, Any]) -> str:
        if self.service == "outlook":
            return str(item["body"]["CmdletInput"]["CmdletName"])
        return f"{item['method']} {item['url']}"

    @property
    def is_write(self) -> bool:
        """Whether it asks for a change, granted or not. Signing in never does."""
        signs_in = self.service == "login" or self.path.startswith(_NODE_SIGN_IN)
        return not signs_in and not all(self._reads(operation) for operation in self.operations)

    def _reads(self, operation: str) -> bool:
        method, _space, path = operation.partition(" ")
        if path:
            return method in ("GET", "HEAD", "OPTIONS") or path.split("?")[0].rsplit("/", 1)[-1] in _GRAPH_READS
        return operation.startswith(_CMDLET_READS if "-" in operation else _EWS_READS)

    def __str__(self) -> str:
        body = "" if self.request is None else f" {json.dumps(self.request)[:2000]}"
        return f"{self.service} {self.method} {self.path} [{', '.join(self.operations)}] -> {self.status}{body}"


def wherever(operation: str, **fault: Any) -> list[dict[str, Any]]:
    """Rules for a command by its cmdlet, or a read of Graph by its path, sent alone or as an item of a batch.

    Args:
        operation: a pattern of the cmdlet, or of the path, where ``$`` is its end.
        fault: what goes wrong, as in ``simulator.faults``.
    """
    if re.match(r"\^?[A-Z(]", operation):
        matches = {"cmdlet": operation}, {"item": operation}
    else:
        matches = {"method": "GET", "path": operation}, {"item": f"GET .*{operation}"}
    return [{"match": match, **fault} for match in matches]


class Launched(Protocol):
    """What is used of ``Popen``."""

    stdout: IO[str] | None

    def poll(self) -> int | None:
        """Its exit code, when it has ended."""

    def terminate(self) -> None:
        """Send SIGTERM."""

    def kill(self) -> None:
        """Send SIGKILL."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, at its end. Raises TimeoutExpired after so many seconds."""


class Simulator:
    """``python -m simulator serve`` on free loopback ports. A context manager; the state outlives it.

    Args:
        state: the tenant's directory; the same directory is the same tenant.
        seed: what differs from the default tenant (see ``simulator.seed``); counts only when the state is new.
        faults: rules of what goes wrong on purpose (see ``simulator.faults``).
        lag: seconds until every read shows a write.
        latency: milliseconds added to every answer.
        ports: the first of four ports; free ones, other ones after each start, when 0.
        poll: seconds after which the Management Node's scheduler works, again and again; only when asked to, when 0.
        address: listen here, on port 443, under Microsoft's own host names; those who ask must resolve them to it.
    """

    launch: ClassVar[Callable[..., Launched]] = subprocess.Popen

    def __init__(
        self,
        state: Path,
        *,
        seed: Mapping[str, Any] | None = None,
        faults: Sequence[Mapping[str, Any]] = (),
        lag: float = 0.0,
        latency: float = 0.0,
        ports: int = 0,
        poll: float = 0.0,
        address: str = "",
    ) -> None:
        self.state, self.ports, self.poll_seconds, self.address = state, ports, poll, address
        self.seed, self.faults, self.lag, self.latency = seed, faults, lag, latency
        self.wire_log = state / "wire.jsonl"
        self.breaches = state / "breaches.txt"
        self.endpoints: dict[str, str] = {}
        self._process: Launched | None = None

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout: float = 60.0) -> None:
        """Start and wait until connections are taken. Raises RuntimeError, with what the process said, if it isn't."""
        self.state.mkdir(parents=True, exist_ok=True)
        log = self.state / "simulator.log"
        with log.open("a") as stderr:
            self._process = self.launch(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**os.environ, "PYTHONPATH": str(TESTS)},
            )
        output = self._process.stdout
        assert output is not None
        line = output.readline() if select.select([output], [], [], timeout)[0] else ""
        if not line.startswith("ready"):
            self.kill()
            raise RuntimeError(f"the simulator did not get ready; it said: {line}{log.read_text()}")
        self.endpoints = json.loads((self.state / "endpoints.json").read_text())

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "simulator", "serve", "--state", str(self.state)]
        command += ["--breaches", str(self.breaches)]
        command += ["--wire-log", str(self.wire_log), "--lag", str(self.lag), "--latency", str(self.latency)]
        command += ["--poll", str(self.poll_seconds)]
        real = ["--real-hostnames", "--listen", self.address]
        command += real if self.address else ["--ports", str(self.ports)]
        for option, content in (("seed", self.seed), ("faults", self.faults)):
            if content:
                path = self.state / f"{option}.yml"
                path.write_text(yaml.safe_dump(_plain(content)))
                command += [f"--{option}", str(path)]
        return command

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it as an administrator would (SIGTERM). AssertionError for what the services' descriptions do not allow."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL). AssertionError as with ``stop``."""
        self._end(kill=True)

    def _end(self, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
        breaches = self.breaches.read_text() if self.breaches.exists() else ""
        assert not breaches, f"the services' descriptions do not allow this:\n{breaches}"

    def restart(
        self,
        *,
        faults: Sequence[Mapping[str, Any]] | None = None,
        lag: float | None = None,
        latency: float | None = None,
    ) -> None:
        """Stop and start on the same state, with what is given changed. Free ports, and with them the endpoints, differ.

        What was there before is shown by every read, whatever the lag.
        """
        self.stop()
        self.faults = self.faults if faults is None else faults
        self.lag = self.lag if lag is None else lag
        self.latency = self.latency if latency is None else latency
        time.sleep(lag or 0)
        self.start()

    def auth(self) -> dict[str, str]:
        """The options with which a module signs in here as the automation app that may do everything."""
        names = ("tenant_id", "client_id", "client_secret", "login_url", "graph_url", "outlook_url", "ca_path")
        return {name: self.endpoints[name] for name in names}

    def node(self) -> dict[str, str]:
        """The options with which a module signs in to the Management Node here, as its OAuth2 client."""
        ends = self.endpoints
        return {
            "node_url": ends["infinity_url"],
            "node_client_id": ends["infinity_client_id"],
            "node_private_key": ends["infinity_private_key"],
            "ca_path": ends["ca_path"],
        }

    def poll(self) -> list[dict[str, Any]]:
        """Let the Management Node's scheduler work once, now; what it did, one entry per integration."""
        answer = requests.post(
            f"{self.endpoints['infinity_url']}/simulator/scheduler/poll", verify=self.endpoints["ca_path"], timeout=120
        )
        answer.raise_for_status()
        done: list[dict[str, Any]] = answer.json()
        return done

    def mark(self) -> int:
        """A point in the wire log, for ``since``."""
        return len(self.wire())

    def wire(self, since: int = 0) -> list[Request]:
        """The requests since a mark, in order of arrival."""
        if not self.wire_log.exists():
            return []
        # The last line may not be whole yet; a log that is whole ends with a line's end.
        *lines, _rest = self.wire_log.read_text().split("\n")
        return [Request(**json.loads(line)) for line in lines[since:]]

    def secrets(self) -> dict[str, str]:
        """Every secret that went over the wire, in either direction, with the member or header that it was in."""
        lines = map(json.loads, self.wire_log.with_suffix(".secrets").read_text().splitlines())
        return {line["secret"]: line["member"] for line in lines}

    def writes(self, since: int = 0) -> list[Request]:
        """The requests since a mark that asked for a change."""
        return [request for request in self.wire(since) if request.is_write]

    @contextmanager
    def no_writes(self) -> Iterator[None]:
        """Fails when the block within asked for a change."""
        mark = self.mark()
        yield
        writes = self.writes(mark)
        assert not writes, "nothing may be written here, but was:\n" + "\n".join(map(str, writes))


def _plain(content: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Any:
    """The same as lists and dicts, which is what YAML knows."""
    return json.loads(json.dumps(content if isinstance(content, Mapping) else list(content)))
