# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to sign in, with real msal against the simulated Entra ID over TLS."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from ansible_collections.vmrops.o365.plugins.module_utils._resources._app_credentials import certificates
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, Connection, connect
from ansible_collections.vmrops.o365.plugins.module_utils._transport.cloud import CLOUDS
from ansible_collections.vmrops.o365.plugins.module_utils._transport.credentials import BadCredentials
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import (
    MissingLibrary,
    SignInFailed,
    Unreachable,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from support.person import Person, browser
from support.simulator import Simulator

NOTHING = dict.fromkeys(AUTH_ARGUMENTS) | {"auth_method": "auto", "cloud": "global", "timeout": 10, "wait_timeout": 10}


def nowhere(message: str) -> None:
    pytest.fail(f"nobody should be asked: {message}")


def options(tenant: Simulator, **changes: Any) -> dict[str, Any]:
    given = {**NOTHING, **tenant.auth(), "wait_timeout": 10}
    if {"certificate_path", "federated_token_file", "auth_method"} & set(changes):
        given["client_secret"] = None
    return {**given, **changes}


def signs_in(given: dict[str, Any]) -> Connection:
    connection = connect(given, nowhere)
    assert connection.directory.domains()
    return connection


def automation_app(connection: Connection, tenant: Simulator) -> str:
    application = connection.directory.application_by_app_id(tenant.endpoints["client_id"])
    assert application
    return str(application["id"])


def patch(tenant: Simulator, application: str, body: dict[str, Any]) -> None:
    connection = signs_in(options(tenant))
    token = connection.tokens.token(connection.cloud.graph_resource)
    answer = requests.patch(
        f"{tenant.endpoints['graph_url']}/v1.0/applications/{application}",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        verify=tenant.endpoints["ca_path"],
        timeout=10,
    )
    assert answer.status_code == 204, answer.text


@pytest.fixture(autouse=True)
def _no_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own requests have no ca_path option that wins over these."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)


PASSPHRASE = "s3cret phrase"


class Pair:
    """A key and a self-signed certificate, as files."""

    def __init__(self, directory: Path, passphrase: str = PASSPHRASE, days: int = 30) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "automation")])
        now = datetime.now(timezone.utc)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        locked = serialization.BestAvailableEncryption(passphrase.encode())
        pkcs8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
        plain = key.private_bytes(*pkcs8, serialization.NoEncryption())
        self.files = {
            "public": (directory / "public.pem", pem),
            "key": (directory / "key.pem", plain),
            "pem": (directory / "both.pem", plain + pem),
            "locked": (directory / "locked.pem", key.private_bytes(*pkcs8, locked) + pem),
            "pfx": (
                directory / "both.pfx",
                pkcs12.serialize_key_and_certificates(b"a", key, certificate, None, locked),
            ),
        }
        for path, content in self.files.values():
            path.write_bytes(content)
        self.private = key

    def __getitem__(self, name: str) -> str:
        return str(self.files[name][0])


@pytest.fixture
def registered(tenant: Simulator, tmp_path: Path) -> Pair:
    """A certificate that the automation app may sign in with."""
    pair = Pair(tmp_path)
    application = automation_app(signs_in(options(tenant)), tenant)
    key = certificates([pair["public"]])[pair["public"]]
    patch(tenant, application, {"keyCredentials": [{"type": "AsymmetricX509Cert", "usage": "Verify", "key": key}]})
    return pair


# --- client secret ----------------------------------------------------------------------------------------------------


def test_client_secret(tenant: Simulator) -> None:
    connection = signs_in(options(tenant))
    before = len([one for one in tenant.wire() if one.path.endswith("/token")])
    connection.directory.subscribed_skus()
    assert len([one for one in tenant.wire() if one.path.endswith("/token")]) == before == 1, "the token is kept"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_secret": "wrong"}, "AADSTS7000215.*client_secret"),
        ({"client_id": "11111111-2222-3333-4444-555555555555"}, "AADSTS700016.*client_id and tenant_id"),
        ({"tenant_id": "nobody.onmicrosoft.com"}, "tenant_id"),
    ],
)
def test_a_refused_sign_in_names_the_option(tenant: Simulator, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SignInFailed, match=f"(?s){words}"):
        connect(options(tenant, **changes), nowhere).directory.domains()


def test_the_tenant_is_looked_up_once_for_all_services_and_anew_for_a_renewed_token(tenant: Simulator) -> None:
    connection = signs_in(options(tenant))
    graph, exchange = connection.cloud.graph_resource, connection.cloud.outlook_resource
    mark = tenant.mark()
    connection.tokens.forget()
    first, other = connection.tokens.token(graph), connection.tokens.token(exchange)
    assert first != other
    assert [one.method for one in tenant.wire(mark)] == ["GET", "POST", "POST"]
    mark = tenant.mark()
    assert connection.tokens.token(graph, renew=True) not in (first, other)
    assert [one.method for one in tenant.wire(mark)] == ["GET", "POST"]


def test_a_sign_in_service_that_hiccups_is_asked_again(simulator: Any) -> None:
    busy = {"match": {"service": "login", "path": "/token$"}, "do": "respond", "status": 429, "times": 2}
    broken = {**busy, "status": 502, "times": 1, "body": "<html>Bad gateway</html>"}
    tenant = simulator(
        faults=[{**busy, "headers": {"Retry-After": "1"}, "body": {"error": "temporarily_unavailable"}}, broken]
    )
    signs_in(options(tenant))


def test_a_sign_in_service_that_is_gone_is_unreachable(tenant: Simulator) -> None:
    with pytest.raises(Unreachable, match="login_url"):
        connect(options(tenant, login_url="https://127.0.0.1:9", wait_timeout=1), nowhere).directory.domains()


# --- certificate ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "passphrase"), [("pem", None), ("locked", PASSPHRASE), ("pfx", PASSPHRASE)])
def test_certificate(tenant: Simulator, registered: Pair, name: str, passphrase: str | None) -> None:
    signs_in(options(tenant, certificate_path=registered[name], certificate_passphrase=passphrase))


@pytest.mark.parametrize("name", ["locked", "pfx"])
def test_a_wrong_passphrase_names_the_option(tenant: Simulator, registered: Pair, name: str) -> None:
    given = options(tenant, certificate_path=registered[name], certificate_passphrase="wrong")
    with pytest.raises(SignInFailed, match="certificate_passphrase"):
        connect(given, nowhere).directory.domains()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("public", "certificate_path: .* holds no private key"),
        ("key", "certificate_path: .* holds no certificate"),
        ("locked", "certificate_passphrase is missing"),
    ],
)
def test_half_a_certificate_is_refused_before_anything_is_sent(
    tenant: Simulator, registered: Pair, name: str, words: str
) -> None:
    sent = len(tenant.wire())
    with pytest.raises(BadCredentials, match=words):
        connect(options(tenant, certificate_path=registered[name]), nowhere)
    assert len(tenant.wire()) == sent


def test_a_certificate_that_is_not_registered(tenant: Simulator, tmp_path: Path) -> None:
    with pytest.raises(SignInFailed, match=r"(?s)AADSTS700027.*certificate_path"):
        connect(options(tenant, certificate_path=Pair(tmp_path)["pem"]), nowhere).directory.domains()


# --- federation and managed identity ----------------------------------------------------------------------------------


def test_workload_identity(simulator: Callable[..., Simulator], tmp_path: Path) -> None:
    key, path = Pair(tmp_path).private, tmp_path / "token"
    tenant = simulator(
        seed={
            "issuers": {
                "https://issuer.example": {"keys": [jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)]}
            }
        }
    )
    connection = signs_in(options(tenant))
    application = automation_app(connection, tenant)
    token = connection.tokens.token(connection.cloud.graph_resource)
    answer = requests.post(
        f"{tenant.endpoints['graph_url']}/v1.0/applications/{application}/federatedIdentityCredentials",
        json={
            "name": "runner",
            "issuer": "https://issuer.example",
            "subject": "repo:infra",
            "audiences": ["api://AzureADTokenExchange"],
        },
        headers={"Authorization": f"Bearer {token}"},
        verify=tenant.endpoints["ca_path"],
        timeout=10,
    )
    assert answer.status_code == 201, answer.text

    def write_token(subject: str) -> None:
        claims = {"iss": "https://issuer.example", "sub": subject, "aud": "api://AzureADTokenExchange"}
        path.write_text(jwt.encode({**claims, "exp": time.time() + 600, "iat": time.time()}, key, "RS256") + "\n")

    write_token("repo:infra")
    signs_in(options(tenant, federated_token_file=str(path)))
    write_token("repo:other")
    with pytest.raises(SignInFailed, match=r"(?s)AADSTS7002\d+.*subject"):
        connect(options(tenant, federated_token_file=str(path)), nowhere).directory.domains()


@pytest.fixture
def identity_endpoint(tenant: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The endpoint of a machine's managed identity; yields the paths it was asked for."""
    connection = signs_in(options(tenant))
    token, asked = connection.tokens.token(connection.cloud.graph_resource), list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = {"access_token": token, "expires_in": "3599", "resource": "r", "token_type": "Bearer"}
            content = json.dumps(body if self.headers.get("Metadata") == "true" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{server.server_port}")
    yield asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("client_id", [None, "9c1d5a3e-6d4e-4e52-8a3b-3c6a2f0c8a11"])
def test_managed_identity(tenant: Simulator, identity_endpoint: list[str], client_id: str | None) -> None:
    signs_in(options(tenant, auth_method="managed_identity", client_id=client_id))
    assert len(identity_endpoint) == 1
    assert (f"client_id={client_id}" in identity_endpoint[0]) == bool(client_id)


# --- device code ------------------------------------------------------------------------------------------------------


def test_device_code_asks_once_and_keeps_the_refresh_token_private(tenant: Simulator, tmp_path: Path) -> None:
    application = automation_app(signs_in(options(tenant)), tenant)
    patch(tenant, application, {"isFallbackPublicClient": True})
    asked: list[str] = []

    def person(message: str) -> None:
        """Somebody who reads the message and signs in with a browser."""
        asked.append(message)
        address = next(word for word in message.split() if word.startswith("https://"))
        code = message.partition("enter the code ")[2].split()[0]
        typed = {"user_code": code, "username": "alice@contoso.com", "password": "Simulated-alice"}
        page = Person(browser(tenant.endpoints["ca_path"]), **typed).visit(address)
        assert "You have signed in" in page.text

    cache = tmp_path / "tokens"
    given = options(tenant, auth_method="device_code", token_cache_path=str(cache))
    grant_consent(tenant)
    connection = connect(given, person)
    user = connection.graph.get("/me", "read who I am")
    assert user["userPrincipalName"] == "alice@contoso.com"
    assert cache.stat().st_mode & 0o777 == 0o600
    connect(given, person).graph.get("/me", "read who I am")
    assert len(asked) == 1, "the second task uses the refresh token"


def grant_consent(tenant: Simulator) -> None:
    """Consent to the automation app for everybody, as device code sign-in needs it."""
    connection = signs_in(options(tenant))
    client = connection.directory.service_principal(tenant.endpoints["client_id"])
    resource = connection.directory.service_principal("00000003-0000-0000-c000-000000000000")
    assert client
    assert resource
    grant = {"clientId": client["id"], "consentType": "AllPrincipals", "resourceId": resource["id"]}
    token = connection.tokens.token(connection.cloud.graph_resource)
    answer = requests.post(
        f"{tenant.endpoints['graph_url']}/v1.0/oauth2PermissionGrants",
        json={**grant, "scope": "User.Read offline_access openid profile"},
        headers={"Authorization": f"Bearer {token}"},
        verify=tenant.endpoints["ca_path"],
        timeout=10,
    )
    assert answer.status_code == 201, answer.text


# --- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_secret": None}, "no credential is given"),
        ({"tenant_id": None}, "tenant_id is missing"),
        ({"client_id": None}, "client_id is missing"),
        ({"auth_method": "client_secret"}, "client_secret is missing"),
        ({"auth_method": "certificate"}, "certificate_path is missing"),
        ({"auth_method": "workload_identity"}, "federated_token_file is missing"),
        ({"certificate_path": "/nowhere/file.pem"}, "certificate_path: /nowhere/file.pem cannot be read"),
    ],
)
def test_options_that_do_not_fit_name_what_is_missing(tenant: Simulator, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadCredentials, match=words):
        connect(options(tenant, **changes), nowhere)


def test_two_credentials_are_refused(tenant: Simulator) -> None:
    with pytest.raises(BadCredentials, match=r"both given.*auth_method"):
        connect({**options(tenant), "certificate_path": "/x.pem"}, nowhere)


def test_every_cloud_asks_for_tokens_of_its_own_services() -> None:
    for cloud in CLOUDS.values():
        moved = cloud.overridden("https://login.example/", None, None)
        assert moved.login_url == "https://login.example"
        assert moved.graph_url == cloud.graph_url == moved.graph_resource
    assert len({cloud.outlook_resource for cloud in CLOUDS.values()}) == 4


@pytest.mark.parametrize("library", ["msal", "requests"])
def test_a_missing_library_is_named(tenant: Simulator, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary, match=library):
        connect(options(tenant), nowhere).directory.domains()


def test_the_proxy_of_the_environment_is_used(tenant: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"(?i)proxy"):
        connect(options(tenant, wait_timeout=1), nowhere).directory.domains()
