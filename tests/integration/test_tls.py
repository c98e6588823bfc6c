# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is trusted with credentials: certificates that do not prove it, switches that do not exist, proxies, .netrc."""

from __future__ import annotations

import base64
import importlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible_collections.vmrops.o365.plugins.module_utils._services.ews import account
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, Connection, connect
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import (
    ServiceError,
    SignInFailed,
    Unreachable,
    Untrusted,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support import ROOT
from support.hostile import HOST, Hostile, Received, http, saying, signed_in

NOW = datetime.now(timezone.utc)
SECRET = "the-client-secret"
NOTHING = saying(http(500, b""))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's own settings."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def connected(login: Hostile, other: Hostile, **changes: Any) -> Connection:
    """A connection that signs in at one server and finds every other service at the other one."""
    given = dict.fromkeys(AUTH_ARGUMENTS) | {"auth_method": "auto", "cloud": "global", "timeout": 5, "wait_timeout": 3}
    given |= {"tenant_id": "contoso.com", "client_id": "app", "client_secret": SECRET, "ca_path": login.ca_path}
    given |= {"login_url": login.url, "graph_url": other.url, "outlook_url": other.url}
    return connect({**given, **changes}, print)


def ask_sign_in(good: Hostile, bad: Hostile, **changes: Any) -> None:
    connected(good, good, **{"login_url": bad.url, **changes}).directory.domains()


def ask_graph(good: Hostile, bad: Hostile, **changes: Any) -> None:
    connected(good, bad, **changes).directory.domains()


def ask_exchange(good: Hostile, bad: Hostile, **changes: Any) -> None:
    connected(good, bad, **changes).mailboxes.mailbox("alice@contoso.com")


def ask_ews(good: Hostile, bad: Hostile, **changes: Any) -> None:
    connection = connected(good, bad, **changes)
    ca_path = changes.get("ca_path", good.ca_path)
    box = account("alice@contoso.com", connection.tokens, "https://x", bad.url, ca_path, 5, impersonate=True)
    list(box.calendar.all())


Ask = Callable[..., None]
SERVICES = pytest.mark.parametrize("ask", [ask_sign_in, ask_graph, ask_exchange, ask_ews])


def self_signed(directory: Path) -> ssl.SSLContext:
    """A server whose certificate vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "self-signed.pem"
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*pem) + certificate.public_bytes(serialization.Encoding.PEM))
    return loaded(path)


def loaded(path: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


def issued(authority: trustme.CA, *names: str, **more: Any) -> ssl.SSLContext:
    """A server with a certificate of that authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*(names or (HOST,)), **more).configure_cert(context)
    return context


def outdated(authority: trustme.CA) -> ssl.SSLContext:
    """A server that speaks TLS 1.1 at most."""
    context = issued(authority)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@SERVICES
@pytest.mark.parametrize(
    ("make", "words", "advice"),
    [
        (lambda ca, path: issued(ca, "other.example"), "another host name", "host name"),
        (lambda ca, path: issued(trustme.CA()), "unknown authority", "ca_path"),
        (lambda ca, path: self_signed(path), "self-signed", "ca_path"),
        (lambda ca, path: issued(ca, not_after=NOW - timedelta(days=1), not_before=NOW - timedelta(days=9)),
         "has expired", "clock"),
        (lambda ca, path: issued(ca, not_before=NOW + timedelta(days=1), not_after=NOW + timedelta(days=9)),
         "not valid yet", "clock"),
        (lambda ca, path: outdated(ca), "TLS 1.2 or newer", "proxy"),
    ],
    ids=["other host", "unknown authority", "self-signed", "expired", "not yet valid", "TLS 1.1"],
)  # fmt: skip
def test_a_server_that_does_not_prove_who_it_is_gets_nothing(
    tmp_path: Path, ask: Ask, make: Callable[[trustme.CA, Path], ssl.SSLContext], words: str, advice: str
) -> None:
    authority = trustme.CA()
    with (
        Hostile(signed_in(NOTHING), tmp_path, issued(authority)) as good,
        Hostile(signed_in(NOTHING), tmp_path, make(authority, tmp_path)) as bad,
    ):
        authority.cert_pem.write_to_path(good.ca_path)
        with pytest.raises((SignInFailed, Untrusted)) as caught:
            ask(good, bad)
    message = str(caught.value)
    assert f"TLS with {HOST} failed" in message
    assert words in message
    assert advice in message.partition(words)[2]
    assert "\n" not in message
    assert bad.received == []


@SERVICES
def test_a_server_without_tls_gets_nothing(tmp_path: Path, ask: Ask) -> None:
    with (
        Hostile(signed_in(NOTHING), tmp_path) as good,
        Hostile(NOTHING, tmp_path / "..", plain=True, deaf=True) as bad,
    ):
        bad.url = bad.url.replace("http://", "https://")
        with pytest.raises((SignInFailed, Untrusted), match="does not speak TLS at that port"):
            ask(good, bad)


# --- switches that do not exist ---------------------------------------------------------------------------------------


def option_names(arguments: dict[str, Any]) -> Iterator[str]:
    for name, option in arguments.items():
        yield name
        yield from option_names(option.get("options") or {})


def test_no_module_has_an_option_that_switches_verification_off() -> None:
    found = 0
    for path in sorted((ROOT / "plugins" / "modules").glob("o365_*.py")):
        module = importlib.import_module(f"ansible_collections.vmrops.o365.plugins.modules.{path.stem}")
        arguments = {**AUTH_ARGUMENTS, **getattr(module, "ARGUMENTS", {})}
        for name in option_names(arguments):
            found += 1
            assert not any(word in name for word in ("verify_ssl", "validate", "insecure", "verify_tls", "ssl")), name
    assert found > 50


@pytest.mark.parametrize("name", ["PYTHONHTTPSVERIFY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("value", ["", "0", "false"])
def test_no_variable_switches_verification_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with Hostile(signed_in(NOTHING), tmp_path) as server, pytest.raises(SignInFailed, match=r"TLS with|cannot be read"):
        ask_graph(server, server, ca_path=None)
    assert server.received == []


def test_verification_stays_on_for_who_asks_the_session_otherwise(tmp_path: Path) -> None:
    with Hostile(NOTHING, tmp_path) as server:
        session = connected(server, server, ca_path=None).graph._http.session
        session.verify = False
        with pytest.raises(Untrusted, match="unknown authority"):
            session.get(server.url, verify=False)
    assert server.received == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_bundle_of_the_environment_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with Hostile(signed_in(saying(http(200, b'{"value": []}'))), tmp_path) as server:
        monkeypatch.setenv(name, server.ca_path)
        ask_graph(server, server, ca_path=None)
        monkeypatch.setenv(name, str(tmp_path / "nowhere.pem"))
        ask_graph(server, server, ca_path=server.ca_path)
        with pytest.raises(SignInFailed, match=r"cannot be read.*nowhere\.pem.*Check ca_path"):
            ask_graph(server, server, ca_path=None)


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nxx\n"])
def test_a_ca_path_without_certificates_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "empty.pem"
    if content is not None:
        path.write_bytes(content)
    with Hostile(signed_in(NOTHING), tmp_path) as server, pytest.raises(SignInFailed, match="ca_path"):
        ask_graph(server, server, ca_path=str(path))
    assert server.received == []


# --- credentials that are not ours, and ours that are not for others --------------------------------------------------


@SERVICES
def test_a_netrc_file_changes_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    (tmp_path / ".netrc").write_text(f"machine {HOST} login other password hunter2\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Hostile(signed_in(saying(http(400, b"{}"))), tmp_path) as server:
        with suppress(Exception):
            ask(server, server)
        heads = [one.head for one in server.received]
        assert any("Authorization: Bearer x.y.z" in head for head in heads)
        other = base64.b64encode(b"other:hunter2").decode()
        assert not [head for head in heads if other in head]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_sign_in_follows_no_redirect(tmp_path: Path, status: int) -> None:
    with Hostile(NOTHING, tmp_path) as other:
        redirect = saying(http(status, b"", Location=f"{other.url}/stolen"))

        def answer(connection: socket.socket, request: Received) -> None:
            (redirect if request.method == "POST" else signed_in(NOTHING))(connection, request)

        with Hostile(answer, tmp_path) as server, pytest.raises(ServiceError):
            ask_graph(server, server)
    assert other.received == []


@pytest.mark.parametrize("location", ["http://{host}/token", "http://example.invalid/token"])
def test_the_client_secret_is_not_sent_without_tls(tmp_path: Path, location: str) -> None:
    """The sign-in service itself says where tokens are issued."""

    def answer(connection: socket.socket, request: Received) -> None:
        body = f'{{"authorization_endpoint": "https://{HOST}/a", "token_endpoint": "{location}", "issuer": "x"}}'
        connection.sendall(http(200, body.replace("{host}", "192.0.2.1").encode()))

    with Hostile(answer, tmp_path) as server, pytest.raises(SignInFailed, match="https"):
        ask_graph(server, server)


# --- proxies ----------------------------------------------------------------------------------------------------------


class Proxy:
    """An HTTP proxy that wants a user and a password, and tunnels to wherever it is asked, or answers as told."""

    def __init__(self, refusal: bytes = b"") -> None:
        self.listener, self.refusal, self.asked = socket.create_server(("127.0.0.1", 0)), refusal, list[str]()
        threading.Thread(target=self._serve, daemon=True).start()

    def address(self, user: str) -> str:
        return f"http://{user}@127.0.0.1:{self.listener.getsockname()[1]}"

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self.listener.accept()
                threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            self.asked.append(head.decode())
            if self.refusal:
                client.sendall(self.refusal)
                return
            host, _colon, port = head.split()[1].decode().partition(":")
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 Tunnel\r\n\r\n")
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


PASSWORD = "p%40ss w%3Ard".replace(" ", "%20")


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def use(address: str) -> None:
        monkeypatch.setenv("HTTPS_PROXY", address)

    return use


def test_the_proxy_of_the_environment_gets_its_password_and_nothing_else(
    tmp_path: Path, proxied: Callable[[str], None]
) -> None:
    proxy = Proxy()
    proxied(proxy.address(f"user:{PASSWORD}"))
    with Hostile(signed_in(saying(http(200, b'{"value": []}'))), tmp_path) as server:
        ask_graph(server, server)
        assert len(server.received) == 3
        assert all("Proxy-Authorization" not in one.head for one in server.received)
    assert all(asked.startswith(f"CONNECT {HOST}:") for asked in proxy.asked)
    assert all(base64.b64encode(b"user:p@ss w:rd").decode() in asked for asked in proxy.asked)
    assert all(SECRET not in asked and "Bearer" not in asked for asked in proxy.asked)


def test_a_proxy_does_not_vouch_for_a_server(tmp_path: Path, proxied: Callable[[str], None]) -> None:
    proxied(Proxy().address(f"user:{PASSWORD}"))
    with Hostile(NOTHING, tmp_path) as server, pytest.raises(SignInFailed, match="unknown authority"):
        ask_graph(server, server, ca_path=None)
    assert server.received == []


@pytest.mark.parametrize(
    "address",
    [
        f"http://user:{PASSWORD}@127.0.0.1:9",
        f"http://user:{PASSWORD}@no-such-proxy.invalid:3128",
        f"http://user:{PASSWORD}@127.0.0.1:99999",
        f"http://user:{PASSWORD}@127.0.0.1:port",
        "http://user:p@ss#w:rd@127.0.0.1:9",
        "http://user:p@ss/w:rd@127.0.0.1:9",
        "http://user:p@ss?w:rd@[::1",
        f"http://user:{PASSWORD}@",
        f"nothing://user:{PASSWORD}@127.0.0.1:9",
        f"socks5://user:{PASSWORD}@127.0.0.1:9",
        f"user:{PASSWORD}@127.0.0.1:9",
    ],
)
def test_a_message_never_holds_the_password_of_a_proxy(
    tmp_path: Path, proxied: Callable[[str], None], address: str
) -> None:
    proxied(address)
    with Hostile(NOTHING, tmp_path) as server, pytest.raises((SignInFailed, Unreachable)) as caught:
        ask_graph(server, server, wait_timeout=1)
    assert "HTTPS_PROXY" in str(caught.value)
    assert not [word for word in (PASSWORD, "p@ss", "p%40ss", "w:rd", "w%3Ard", "ss#w") if word in str(caught.value)]


def test_a_proxy_that_refuses_is_named_without_its_password(tmp_path: Path, proxied: Callable[[str], None]) -> None:
    refusal = f"HTTP/1.1 407 {PASSWORD} is wrong\r\n\r\n".encode()
    proxied(Proxy(refusal).address(f"user:{PASSWORD}"))
    with Hostile(NOTHING, tmp_path) as server, pytest.raises(Unreachable, match=r"407.*HTTPS_PROXY") as caught:
        ask_graph(server, server, wait_timeout=1)
    assert PASSWORD not in str(caught.value)
