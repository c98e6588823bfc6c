# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra: discovery, applications' ways to a token, and the errors in Microsoft's words."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import certifi
import jwt
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from httpx2 import Response
from simulator.seed import DIRECTORY_ROLES
from simulator.tenant import graph_time
from simulator.tokens import APP_ONLY_WID, GRAPH_AUDIENCES, OUTLOOK_AUDIENCES
from unit.simulator.graph_client import GRAPH_SCOPE, URLS, Microsoft, refusal

EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def entra(tmp_path: Path) -> Microsoft:
    return Microsoft(tmp_path / "tenant")


# --- discovery --------------------------------------------------------------------------------------------------------


def test_discovery(entra: Microsoft) -> None:
    for segment in (entra.tenant.id, "contoso.com", "CONTOSO.onmicrosoft.com"):
        found = entra.login.get(f"/{segment}/v2.0/.well-known/openid-configuration").json()
        assert found["issuer"] == f"{URLS['login']}/{entra.tenant.id}/v2.0"
        assert found["token_endpoint"] == f"{URLS['login']}/{entra.tenant.id}/oauth2/v2.0/token"
    common = entra.login.get("/common/v2.0/.well-known/openid-configuration").json()
    assert common["issuer"] == f"{URLS['login']}/{{tenantid}}/v2.0"
    version_1 = entra.login.get(f"/{entra.tenant.id}/.well-known/openid-configuration").json()
    assert version_1["issuer"] == f"https://sts.windows.net/{entra.tenant.id}/"
    keys = entra.login.get(f"/{entra.tenant.id}/discovery/v2.0/keys").json()["keys"]
    assert jwt.get_unverified_header(entra.bearer)["kid"] in [key["kid"] for key in keys]
    signing = next(key for key in keys if key["kid"] == jwt.get_unverified_header(entra.bearer)["kid"])
    assert jwt.decode(entra.bearer, jwt.PyJWK(signing), ["RS256"], audience="https://graph.microsoft.com")
    assert len(keys) > 1
    assert [key["issuer"] for key in keys] == [found["issuer"]] * len(keys)
    der = base64.b64decode(signing["x5c"][0])
    assert x509.load_der_x509_certificate(der).public_key() == jwt.PyJWK(signing).key
    thumbprint = base64.urlsafe_b64encode(hashlib.sha1(der).digest()).rstrip(b"=").decode()
    assert thumbprint == signing["x5t"] == signing["kid"]
    old = entra.login.get(f"/{entra.tenant.id}/discovery/keys").json()["keys"]
    assert [key["kid"] for key in old] == [key["kid"] for key in keys]
    assert "issuer" not in old[0]


def test_unknown_tenant(entra: Microsoft) -> None:
    answer = entra.login.get("/contoso-lab.com/v2.0/.well-known/openid-configuration")  # a domain that is not verified
    assert refusal(answer) == (400, "invalid_tenant", 90002)
    assert "AADSTS90002: Tenant 'contoso-lab.com' not found. This may happen if" in answer.json()["error_description"]
    assert refusal(entra.token("nowhere.example", **entra.automation)) == (400, "invalid_request", 90002)


def test_instance_discovery_knows_any_host(entra: Microsoft) -> None:
    query = {"api-version": "1.0", "authorization_endpoint": "https://localhost/contoso.com/oauth2/v2.0/authorize"}
    found = entra.login.get("/common/discovery/instance", params=query).json()
    assert found["tenant_discovery_endpoint"] == f"{URLS['login']}/contoso.com/v2.0/.well-known/openid-configuration"
    aliases = [one["aliases"] for one in found["metadata"]]
    assert ["localhost"] in aliases
    assert any("login.microsoftonline.us" in names for names in aliases)


def test_user_realm(entra: Microsoft) -> None:
    assert entra.login.get("/common/userrealm/a@contoso.com?api-version=1.0").json()["account_type"] == "Managed"
    assert entra.login.get("/common/userrealm/a@other.example?api-version=1.0").json()["account_type"] == "Unknown"


# --- applications: secrets --------------------------------------------------------------------------------------------


def test_app_only_claims(entra: Microsoft) -> None:
    claims = entra.claims(**entra.automation)
    principal = entra.tenant.service_principal(entra.automation["client_id"])
    assert principal
    assert claims["aud"] == "https://graph.microsoft.com"
    assert claims["iss"] == f"https://sts.windows.net/{entra.tenant.id}/"
    assert (claims["ver"], claims["idtyp"], claims["appidacr"]) == ("1.0", "app", "1")
    assert claims["oid"] == claims["sub"] == principal["id"]
    assert claims["wids"] == [DIRECTORY_ROLES["Exchange Administrator"], APP_ONLY_WID]
    assert "User.ReadWrite.All" in claims["roles"]
    assert "scp" not in claims
    without = entra.claims(**entra.client())
    assert "roles" not in without
    assert without["wids"] == [APP_ONLY_WID]


@pytest.mark.parametrize(
    ("scope", "audience"),
    [
        *((f"{one}/.default", one) for one in (*GRAPH_AUDIENCES, *OUTLOOK_AUDIENCES)),
        ("https://outlook.office365.com//.default", "https://outlook.office365.com/"),
        (f"{URLS['graph']}/.default", "https://graph.microsoft.com"),
        (f"{URLS['outlook']}/.default", "https://outlook.office365.com"),
    ],
)
def test_audience_keeps_the_form_asked_for(entra: Microsoft, scope: str, audience: str) -> None:
    claims = entra.claims(**entra.automation, scope=scope)
    assert claims["aud"] == audience
    exchange = audience.rstrip("/") in OUTLOOK_AUDIENCES
    assert claims["roles"] == ["Exchange.ManageAsApp"] if exchange else "User.Read.All" in claims["roles"]


def test_version_1_endpoint_takes_resource(entra: Microsoft) -> None:
    fields: dict[str, Any] = {**entra.automation, "scope": None, "resource": "https://outlook.office365.com/"}
    answer = entra.token(version="", **fields).json()
    assert answer["expires_in"] == "3599"
    assert answer["resource"] == "https://outlook.office365.com/"
    assert (
        jwt.decode(answer["access_token"], options={"verify_signature": False})["aud"]
        == "https://outlook.office365.com/"
    )


def test_answer_of_client_credentials(entra: Microsoft) -> None:
    answer = entra.token(**entra.automation, client_info="1", claims='{"access_token":{"xms_cc":{"values":["CP1"]}}}')
    assert set(answer.json()) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert answer.headers["cache-control"] == "no-store, no-cache"
    basic = (entra.automation["client_id"], entra.automation["client_secret"])
    form = {"grant_type": "client_credentials", "scope": GRAPH_SCOPE}
    assert entra.login.post("/contoso.com/oauth2/v2.0/token", data=form, auth=basic).status_code == 200


def test_refused_applications(entra: Microsoft) -> None:
    app_id = entra.automation["client_id"]
    wrong = entra.token(client_id=app_id, client_secret="wrong")
    assert refusal(wrong) == (401, "invalid_client", 7000215)
    assert f"for a secret added to app '{app_id}'." in wrong.json()["error_description"]
    assert refusal(entra.token(client_id=app_id)) == (401, "invalid_client", 7000218)
    unknown = entra.token("contoso.com", client_id="00000000-0000-0000-0000-00000000000a", client_secret="x")
    assert refusal(unknown) == (400, "unauthorized_client", 700016)
    assert "was not found in the directory 'contoso.com'" in unknown.json()["error_description"]
    for fields, code in (
        ({"grant_type": None}, 900144),
        ({"scope": None}, 900144),
        ({"grant_type": "magic"}, 70003),
        ({"scope": "https://graph.microsoft.com/User.Read"}, 1002012),
        ({"scope": "https://unknown.example/.default"}, 500011),
    ):
        changed: dict[str, Any] = {**entra.automation, **fields}
        assert refusal(entra.token(**changed))[2] == code
    assert refusal(entra.token("common", **entra.automation))[2] == 50059


def test_secrets_have_a_time(entra: Microsoft) -> None:
    application, _rest = entra.registration()
    path = f"/applications/{application['id']}/addPassword"
    past = {"startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2020-02-01T00:00:00Z"}
    future = {"startDateTime": graph_time(time.time() + 3600)}
    for times, code in ((past, 7000222), (future, 7000215)):
        secret = entra.ok("POST", path, {"passwordCredential": times})["secretText"]
        answer = entra.token(client_id=application["appId"], client_secret=secret)
        assert refusal(answer) == (401, "invalid_client", code)


def test_application_without_usable_service_principal(entra: Microsoft) -> None:
    application = entra.ok("POST", "/applications", {"displayName": "Alone"})
    secret = entra.ok("POST", f"/applications/{application['id']}/addPassword")["secretText"]
    fields = {"client_id": application["appId"], "client_secret": secret}
    assert refusal(entra.token(**fields))[2] == 7000229
    principal = entra.ok("POST", "/servicePrincipals", {"appId": application["appId"]})
    assert entra.token(**fields).status_code == 200
    entra.ok("PATCH", f"/servicePrincipals/{principal['id']}", {"accountEnabled": False})
    assert refusal(entra.token(**fields))[2] == 7000112
    entra.ok("DELETE", f"/applications/{application['id']}")
    assert refusal(entra.token(**fields))[2] == 700016


def test_new_secret_is_not_known_everywhere_at_once(tmp_path: Path) -> None:
    entra = Microsoft(tmp_path / "tenant", lag=30)
    application = entra.ok("POST", "/applications", {"displayName": "App"})
    entra.tenant.store.settle()
    entra.ok("POST", "/servicePrincipals", {"appId": application["appId"]})
    entra.tenant.store.settle()
    secret = entra.ok("POST", f"/applications/{application['id']}/addPassword")["secretText"]
    fields = {"client_id": application["appId"], "client_secret": secret}
    assert [entra.token(**fields).status_code for _rest in range(3)] == [401, 200, 401]
    entra.tenant.store.settle()
    assert [entra.token(**fields).status_code for _rest in range(2)] == [200, 200]


# --- applications: assertions -----------------------------------------------------------------------------------------


class Certificate:
    def __init__(self, days: tuple[int, int] = (-1, 30)) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "automation")])
        now = datetime.now(timezone.utc)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now + timedelta(days[0])).not_valid_after(now + timedelta(days[1]))
        self.certificate = builder.sign(self.key, hashes.SHA256())
        self.der = self.certificate.public_bytes(serialization.Encoding.DER)

    def pem(self) -> tuple[str, str]:
        """Private key and certificate."""
        kind = serialization.Encoding.PEM
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self.key.private_bytes(kind, *plain).decode(), self.certificate.public_bytes(kind).decode()

    def credential(self) -> dict[str, Any]:
        return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(self.der).decode()}

    def assertion(self, app_id: str, audience: str, algorithm: str = "PS256", **changes: Any) -> str:
        claims = {
            "iss": app_id,
            "sub": app_id,
            "aud": audience,
            "iat": time.time(),
            "exp": time.time() + 600,
            "jti": "a",
        }
        digest = hashlib.sha256(self.der).digest() if algorithm == "PS256" else hashlib.sha1(self.der).digest()
        name = "x5t#S256" if algorithm == "PS256" else "x5t"
        headers = {name: base64.urlsafe_b64encode(digest).decode()}
        return jwt.encode({**claims, **changes}, self.key, algorithm, headers=headers)


@pytest.fixture
def certified(entra: Microsoft) -> Callable[..., Response]:
    """Registers a certificate and asks for a token with an assertion made from it."""

    def ask(
        certificate: Certificate, signer: Certificate | None = None, algorithm: str = "PS256", **changes: Any
    ) -> Response:
        application, _rest = entra.registration()
        entra.ok("PATCH", f"/applications/{application['id']}", {"keyCredentials": [certificate.credential()]})
        audience = changes.pop("aud", f"{URLS['login']}/{entra.tenant.id}/oauth2/v2.0/token")
        assertion = (signer or certificate).assertion(application["appId"], audience, algorithm, **changes)
        return entra.token(client_id=application["appId"], client_assertion=assertion, client_assertion_type=ASSERTION)

    return ask


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_certificate(certified: Callable[..., Response], algorithm: str) -> None:
    answer = certified(Certificate(), algorithm=algorithm)
    assert answer.status_code == 200, answer.text
    assert jwt.decode(answer.json()["access_token"], options={"verify_signature": False})["appidacr"] == "2"


def test_refused_certificates(certified: Callable[..., Response]) -> None:
    good = Certificate()
    assert "The key was not found." in certified(good, Certificate()).json()["error_description"]
    expired = certified(Certificate((-30, -1)))
    assert refusal(expired) == (401, "invalid_client", 700027)
    assert (
        "[Reason - The key used is expired. Thumbprint of key used by client: '" in expired.json()["error_description"]
    )
    forged = Certificate()
    forged.key = good.key
    assert refusal(certified(forged))[2] == 700027
    assert refusal(certified(good, aud="https://elsewhere.example/token"))[2] == 700023
    assert refusal(certified(good, sub="someone else"))[2] == 700021
    assert refusal(certified(good, exp=time.time() - 3600, iat=time.time() - 4200))[2] == 700024


class Issuer:
    """Somebody else's OpenID Connect provider, on loopback, with a certificate of its own authority."""

    def __init__(self, directory: Path) -> None:
        authority = trustme.CA()
        self.ca_path = directory / "issuer-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_path))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                configuration = {"issuer": issuer.url, "jwks_uri": issuer.url + "/keys"}
                content = json.dumps(issuer.jwks() if self.path == "/keys" else configuration).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"

    def jwks(self) -> dict[str, Any]:
        numbers = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**numbers, "kid": "1", "alg": "RS256"}]}

    def sign(self, key: rsa.RSAPrivateKey | None = None, **changes: Any) -> str:
        claims = {"iss": self.url, "sub": "job", "aud": EXCHANGE_AUDIENCE, "exp": time.time() + 600, **changes}
        return jwt.encode(claims, key or self.key, "RS256", headers={"kid": "1"})


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    one = Issuer(tmp_path)
    threading.Thread(target=one.server.serve_forever, daemon=True).start()
    yield one
    one.server.shutdown()
    one.server.server_close()


def test_federated_identity(entra: Microsoft, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    application, _rest = entra.registration()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(issuer.ca_path))

    def ask(key: rsa.RSAPrivateKey | None = None, **changes: Any) -> Response:
        assertion = issuer.sign(key, **changes)
        return entra.token(client_id=application["appId"], client_assertion=assertion, client_assertion_type=ASSERTION)

    assert refusal(ask())[2] == 70021
    body = {"name": "ci", "issuer": issuer.url, "subject": "job", "audiences": [EXCHANGE_AUDIENCE]}
    entra.ok("POST", f"/applications/{application['id']}/federatedIdentityCredentials", body)
    assert ask().status_code == 200
    assert refusal(ask(iss="https://other.example"))[2] == 700211
    assert refusal(ask(sub="other"))[2] == 700213
    assert refusal(ask(aud="api://other"))[2] == 700212
    assert refusal(ask(exp=time.time() - 3600))[2] == 700024
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert refusal(ask(stranger)) == (401, "invalid_client", 700027)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    assert refusal(ask()) == (401, "invalid_client", 501661), "an issuer that proves itself to nobody is not asked"


def test_federated_identity_of_an_issuer_that_is_seeded(tmp_path: Path, issuer: Issuer) -> None:
    entra = Microsoft(tmp_path / "tenant", issuers={issuer.url: issuer.jwks()})
    application, _rest = entra.registration()
    body = {"name": "ci", "issuer": issuer.url, "subject": "job", "audiences": [EXCHANGE_AUDIENCE]}
    entra.ok("POST", f"/applications/{application['id']}/federatedIdentityCredentials", body)
    form = {"client_id": application["appId"], "client_assertion_type": ASSERTION}
    assert entra.token(**form, client_assertion=issuer.sign()).status_code == 200
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert refusal(entra.token(**form, client_assertion=issuer.sign(stranger)))[2] == 700027


def test_api_that_asks_for_version_2_tokens(entra: Microsoft) -> None:
    api, _rest = entra.registration(api={"requestedAccessTokenVersion": 2})
    entra.ok("PATCH", f"/applications/{api['id']}", {"identifierUris": [f"api://{api['appId']}"]})
    other, _rest = entra.registration()
    entra.ok("PATCH", f"/applications/{other['id']}", {"identifierUris": [f"api://{other['appId']}"]})
    claims = entra.claims(**entra.automation, scope=f"api://{api['appId']}/.default")
    assert (claims["ver"], claims["aud"]) == ("2.0", api["appId"])
    assert claims["iss"] == f"{URLS['login']}/{entra.tenant.id}/v2.0"
    assert (claims["azp"], claims["azpacr"]) == (entra.automation["client_id"], "1")
    assert not {"appid", "appidacr", "upn", "unique_name"} & set(claims)
    first = entra.claims(**entra.automation, scope=f"api://{other['appId']}/.default")
    assert (first["ver"], first["aud"]) == ("1.0", f"api://{other['appId']}")
    assert first["iss"] == f"https://sts.windows.net/{entra.tenant.id}/"
    assert first["exp"] - first["nbf"] in range(3890, 3910)


def test_token_endpoint_takes_posts_only(entra: Microsoft) -> None:
    answer = entra.login.get(f"/{entra.tenant.id}/oauth2/v2.0/token")
    assert refusal(answer) == (400, "invalid_request", 900561)
    assert "Received a GET request." in answer.json()["error_description"]
