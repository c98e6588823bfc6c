# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra: discovery, every way to a token, and the errors in Microsoft's words."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from httpx2 import Response
from simulator.seed import DIRECTORY_ROLES, EXCHANGE_APP_ID
from simulator.tenant import graph_time
from simulator.tokens import APP_ONLY_WID, GRAPH_AUDIENCES, OUTLOOK_AUDIENCES
from support.simulator import Simulator
from unit.simulator.graph_client import GRAPH_SCOPE, PASSWORD, URLS, Microsoft

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def entra(tmp_path: Path) -> Microsoft:
    return Microsoft(tmp_path / "tenant")


def refusal(answer: Response) -> tuple[int, str, int]:
    """HTTP status, OAuth's word and the AADSTS number."""
    body = answer.json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= set(body)
    return answer.status_code, body["error"], body["error_codes"][0]


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
    assert jwt.decode(entra.bearer, jwt.PyJWK(keys[0]).key, ["RS256"], audience="https://graph.microsoft.com")


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


def test_federated_identity(entra: Microsoft) -> None:
    application, _rest = entra.registration()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def ask(**changes: Any) -> Response:
        audience = "api://AzureADTokenExchange"
        claims = {"iss": "https://issuer.example", "sub": "job", "aud": audience, "exp": time.time() + 600, **changes}
        assertion = jwt.encode(claims, key, "RS256", headers={"kid": "1"})
        return entra.token(client_id=application["appId"], client_assertion=assertion, client_assertion_type=ASSERTION)

    assert refusal(ask())[2] == 70021
    body = {
        "name": "ci",
        "issuer": "https://issuer.example",
        "subject": "job",
        "audiences": ["api://AzureADTokenExchange"],
    }
    entra.ok("POST", f"/applications/{application['id']}/federatedIdentityCredentials", body)
    assert ask().status_code == 200
    assert refusal(ask(iss="https://other.example"))[2] == 700211
    assert refusal(ask(sub="other"))[2] == 700213
    assert refusal(ask(aud="api://other"))[2] == 700212
    assert refusal(ask(exp=time.time() - 3600))[2] == 700024
    stored = entra.tenant.fresh.get("application", application["id"]) or {}
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    for public, status in ((key.public_key(), 200), (other, 401)):
        jwks = {"keys": [{**jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True), "kid": "1", "alg": "RS256"}]}
        record = {**stored["_federatedIdentityCredentials"][0], "_jwks": jwks}
        entra.tenant.store.update("application", application["id"], _federatedIdentityCredentials=[record])
        assert ask().status_code == status


# --- users ------------------------------------------------------------------------------------------------------------


def password_form(application: dict[str, Any], user: dict[str, Any], scope: str, **more: Any) -> dict[str, Any]:
    return {
        "grant_type": "password",
        "client_id": application["appId"],
        "username": user["userPrincipalName"],
        "password": PASSWORD,
        "scope": scope,
        **more,
    }


def test_user_token(entra: Microsoft) -> None:
    user = entra.administrator("Exchange Administrator")
    application, _rest = entra.public_client("User.Read Directory.Read.All")
    form = password_form(application, user, "https://graph.microsoft.com/User.Read openid profile offline_access")
    answer = entra.token("organizations", **form, client_info="1").json()
    assert answer["scope"] == "https://graph.microsoft.com/User.Read openid profile"
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["upn"], claims["oid"], claims["scp"]) == (
        user["userPrincipalName"],
        user["id"],
        "User.Read openid profile",
    )
    assert DIRECTORY_ROLES["Exchange Administrator"] in claims["wids"]
    assert "roles" not in claims
    identity = jwt.decode(answer["id_token"], options={"verify_signature": False})
    assert (identity["aud"], identity["ver"]) == (application["appId"], "2.0")
    assert "client_info" in answer
    everything = entra.token(**password_form(application, user, GRAPH_SCOPE)).json()
    assert "client_info" not in everything
    assert "refresh_token" not in everything
    assert (
        jwt.decode(everything["access_token"], options={"verify_signature": False})["scp"]
        == "Directory.Read.All User.Read"
    )
    assert entra.ok("GET", "/me", bearer=everything["access_token"])["id"] == user["id"]


def test_consent_is_needed_and_may_be_one_users(entra: Microsoft) -> None:
    anna, bert = entra.user("anna"), entra.user("bert")
    application, _rest = entra.public_client("User.Read", anna)
    assert entra.token(**password_form(application, anna, "User.Read")).status_code == 200
    missing = entra.token(**password_form(application, anna, "Mail.ReadWrite"))
    assert refusal(missing) == (400, "invalid_grant", 65001)
    assert missing.json()["suberror"] == "consent_required"
    assert f"'{application['appId']}' named 'App'." in missing.json()["error_description"]
    assert refusal(entra.token(**password_form(application, bert, "User.Read")))[2] == 65001
    assert (
        refusal(entra.token(**password_form(application, anna, "https://outlook.office365.com/.default")))[2] == 65001
    )


def test_refused_users(entra: Microsoft) -> None:
    user = entra.user()
    application, _rest = entra.public_client("User.Read")
    form = password_form(application, user, "User.Read")
    assert refusal(entra.token(**{**form, "password": "wrong"}))[2] == 50126
    unknown = entra.token(**{**form, "username": "nobody@contoso.com"})
    assert refusal(unknown) == (400, "invalid_grant", 50034)
    assert f"does not exist in the {entra.tenant.id} directory" in unknown.json()["error_description"]
    change = {"password": PASSWORD, "forceChangePasswordNextSignIn": True}
    entra.administrator("User Administrator")
    entra.ok("PATCH", f"/users/{user['id']}", {"passwordProfile": change})
    assert refusal(entra.token(**form))[2] == 50055
    entra.ok("PATCH", f"/users/{user['id']}", {"accountEnabled": False})
    assert refusal(entra.token(**form))[2] == 50057
    confidential, _rest = entra.registration()
    assert refusal(entra.token(**password_form(confidential, user, "User.Read"))) == (401, "invalid_client", 7000218)


def test_refresh_until_revoked(entra: Microsoft) -> None:
    user = entra.user()
    application, _rest = entra.public_client("User.Read")
    first = entra.token(**password_form(application, user, "User.Read offline_access")).json()
    form = {"grant_type": "refresh_token", "client_id": application["appId"], "scope": "User.Read offline_access"}
    second = entra.token(**form, refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert refusal(entra.token(**form, refresh_token="made up"))[:2] == (400, "invalid_grant")
    assert entra.ok("POST", f"/users/{user['id']}/revokeSignInSessions")["value"] is True
    assert refusal(entra.token(**form, refresh_token=second["refresh_token"]))[2] == 50173


def test_device_code(entra: Microsoft) -> None:
    user = entra.user()
    application, _rest = entra.public_client("User.Read")
    form = {"client_id": application["appId"], "scope": "User.Read offline_access openid profile"}
    device = entra.login.post("/organizations/oauth2/v2.0/devicecode", data=form).json()
    assert (device["expires_in"], device["interval"]) == (900, 5)
    poll = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": application["appId"],
        "device_code": device["device_code"],
        "scope": None,
    }
    assert refusal(entra.token(**poll)) == (400, "authorization_pending", 70016)
    page = device["verification_uri"].removeprefix(URLS["login"])
    assert 'name="user_code"' in entra.login.get(page).text
    sign_in = {"user_code": device["user_code"], "username": user["userPrincipalName"], "password": "wrong"}
    assert "AADSTS50126" in entra.login.post(page, data=sign_in).text
    assert "You have signed in" in entra.login.post(page, data={**sign_in, "password": PASSWORD}).text
    assert entra.token(**poll).json()["refresh_token"]
    assert entra.token(**poll).json()["error"] == "bad_verification_code"


def test_authorization_code_with_proof_key(entra: Microsoft) -> None:
    user = entra.user()
    application, _rest = entra.public_client("User.Read", publicClient={"redirectUris": ["http://localhost"]})
    verifier = "v" * 43
    query = {
        "client_id": application["appId"],
        "response_type": "code",
        "redirect_uri": "http://localhost:8765",
        "scope": "User.Read openid",
        "state": "a&b",
        "nonce": "n-1",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    path = "/organizations/oauth2/v2.0/authorize"
    assert 'name="password"' in entra.login.get(path, params=query).text
    credentials = {"username": user["userPrincipalName"], "password": PASSWORD}
    back = entra.login.post(path, data={**query, **credentials}, follow_redirects=False).headers["location"]
    assert back.startswith("http://localhost:8765?code=")
    assert back.endswith("&state=a%26b")
    code = re.findall(r"code=([^&]+)", back)[0]
    form = {
        "grant_type": "authorization_code",
        "client_id": application["appId"],
        "code": code,
        "redirect_uri": "http://localhost:8765",
        "scope": None,
    }
    assert refusal(entra.token(**form, code_verifier="w" * 43))[2] == 501481
    answer = entra.token(**form, code_verifier=verifier).json()
    assert jwt.decode(answer["id_token"], options={"verify_signature": False})["nonce"] == "n-1"
    assert refusal(entra.token(**form, code_verifier=verifier))[2] == 54005
    stranger = entra.login.get(path, params={**query, "redirect_uri": "https://evil.example"})
    assert (stranger.status_code, "AADSTS50011" in stranger.text) == (400, True)
    silent = entra.login.get(path, params={**query, "prompt": "none"}, follow_redirects=False)
    assert "error=login_required" in silent.headers["location"]


def test_web_application_redeems_its_code_with_its_secret(entra: Microsoft) -> None:
    user = entra.user()
    address = "https://infinity.contoso.com/admin/platform/msexchangeconnector/oauth_redirect/"
    application, _rest = entra.public_client("User.Read", web={"redirectUris": [address]})
    secret = entra.ok("POST", f"/applications/{application['id']}/addPassword")["secretText"]
    query = {"client_id": application["appId"], "response_type": "code", "redirect_uri": address, "scope": "User.Read"}
    data = {**query, "username": user["userPrincipalName"], "password": PASSWORD}
    back = entra.login.post("/contoso.com/oauth2/v2.0/authorize", data=data, follow_redirects=False).headers["location"]
    form = {
        "grant_type": "authorization_code",
        "client_id": application["appId"],
        "code": re.findall(r"code=([^&]+)", back)[0],
        "redirect_uri": address,
        "scope": "User.Read offline_access",
    }
    assert refusal(entra.token(**form))[2] == 7000218
    answer = entra.token(**form, client_secret=secret).json()
    refresh = {
        "grant_type": "refresh_token",
        "client_id": application["appId"],
        "refresh_token": answer["refresh_token"],
    }
    assert refusal(entra.token(**refresh))[2] == 7000218
    assert entra.token(**refresh, client_secret=secret).status_code == 200


def test_exchange_scope_for_users(entra: Microsoft) -> None:
    user = entra.user()
    application, principal = entra.public_client("User.Read")
    exchange = entra.tenant.service_principal(EXCHANGE_APP_ID) or {}
    grant = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": exchange["id"],
        "scope": "EWS.AccessAsUser.All",
    }
    entra.ok("POST", "/oauth2PermissionGrants", grant)
    claims = entra.claims(**password_form(application, user, "https://outlook.office365.com/EWS.AccessAsUser.All"))
    assert (claims["aud"], claims["scp"]) == ("https://outlook.office365.com", "EWS.AccessAsUser.All")


# --- msal itself, over TLS --------------------------------------------------------------------------------------------


def options(tenant: Simulator, segment: str = "") -> dict[str, Any]:
    """What every msal application needs to trust the simulator."""
    ends = tenant.endpoints
    authority = f"{ends['login_url']}/{segment or ends['tenant_id']}"
    return {"authority": authority, "http_client": session(tenant), "instance_discovery": False}


def session(tenant: Simulator) -> requests.Session:
    """A session that trusts the simulator, whatever REQUESTS_CA_BUNDLE says (it overrides msal's own ``verify``)."""
    one = requests.Session()
    one.trust_env, one.verify = False, tenant.endpoints["ca_path"]
    return one


def test_msal_with_secret_and_certificate(tenant: Simulator) -> None:
    ends = tenant.endpoints
    client = msal.ConfidentialClientApplication(
        ends["client_id"], client_credential=ends["client_secret"], **options(tenant)
    )
    answer = client.acquire_token_for_client([GRAPH_SCOPE])
    assert answer["token_source"] == "identity_provider"
    assert client.acquire_token_for_client([GRAPH_SCOPE])["token_source"] == "cache"
    web = session(tenant)
    web.headers["Authorization"] = f"Bearer {answer['access_token']}"
    service = ends["graph_url"] + "/v1.0"
    application = web.get(f"{service}/applications(appId='{ends['client_id']}')").json()
    certificate = Certificate()
    body = {"keyCredentials": [certificate.credential()]}
    assert web.patch(f"{service}/applications/{application['id']}", json=body).status_code == 204
    private, public = certificate.pem()
    thumbprint = hashlib.sha1(certificate.der).hexdigest()
    for credential in (
        {"private_key": private, "public_certificate": public},
        {"private_key": private, "thumbprint": thumbprint},
        {"private_key": private, "thumbprint": thumbprint, "public_certificate": public},
    ):
        for segment in ("", "contoso.com"):
            certified = msal.ConfidentialClientApplication(
                ends["client_id"], client_credential=credential, **options(tenant, segment)
            )
            answer = certified.acquire_token_for_client(["https://outlook.office365.com/.default"])
            assert "access_token" in answer, answer
    wrong = msal.ConfidentialClientApplication(ends["client_id"], client_credential="no", **options(tenant))
    refused = wrong.acquire_token_for_client([GRAPH_SCOPE])
    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [7000215])
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        msal.ConfidentialClientApplication("a", client_credential="b", **options(tenant, "nowhere.example"))


def test_msal_discovers_the_simulator_as_an_authority(tenant: Simulator) -> None:
    ends = tenant.endpoints
    ways: list[dict[str, Any]] = [
        {"authority": f"{ends['login_url']}/{ends['tenant_id']}", "validate_authority": False},
        {
            "authority": f"{ends['login_url']}/{ends['tenant_id']}",
            "instance_discovery": f"{ends['login_url']}/common/discovery/instance",
        },
        {"oidc_authority": f"{ends['login_url']}/{ends['tenant_id']}/v2.0"},
    ]
    for way in ways:
        client = msal.ConfidentialClientApplication(
            ends["client_id"], client_credential=ends["client_secret"], http_client=session(tenant), **way
        )
        assert "access_token" in client.acquire_token_for_client([GRAPH_SCOPE]), way


def test_msal_for_users(tenant: Simulator) -> None:
    ends = tenant.endpoints
    automation = msal.ConfidentialClientApplication(
        ends["client_id"], client_credential=ends["client_secret"], **options(tenant)
    )
    web = session(tenant)
    web.headers["Authorization"] = f"Bearer {automation.acquire_token_for_client([GRAPH_SCOPE])['access_token']}"
    service = ends["graph_url"] + "/v1.0"
    body = {"displayName": "P", "isFallbackPublicClient": True, "publicClient": {"redirectUris": ["http://localhost"]}}
    application = web.post(f"{service}/applications", json=body).json()
    principal = web.post(f"{service}/servicePrincipals", json={"appId": application["appId"]}).json()
    target = web.get(f"{service}/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").json()
    grant = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": target["id"],
        "scope": "User.Read",
    }
    assert web.post(f"{service}/oauth2PermissionGrants", json=grant).status_code == 201

    scopes, credentials = ["User.Read"], {"username": "alice@contoso.com", "password": "Simulated-alice"}
    client = msal.PublicClientApplication(application["appId"], **options(tenant))
    flow = client.initiate_device_flow(scopes)
    flow["interval"] = 0.1
    page = web.post(flow["verification_uri"], data={"user_code": flow["user_code"], **credentials}, timeout=10)
    assert "You have signed in" in page.text
    assert "access_token" in client.acquire_token_by_device_flow(flow)
    account = client.get_accounts()[0]
    assert account["username"] == "alice@contoso.com"
    assert client.acquire_token_silent(scopes, account)["token_source"] == "cache"
    refreshed = client.acquire_token_silent(scopes, account, force_refresh=True)
    assert refreshed["token_source"] == "identity_provider"

    other = msal.PublicClientApplication(application["appId"], **options(tenant))
    code = other.initiate_auth_code_flow(scopes, redirect_uri="http://localhost:8400")
    back = web.post(code["auth_uri"], data=credentials, allow_redirects=False, timeout=10).headers["Location"]
    response = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    answer = other.acquire_token_by_auth_code_flow(code, response)
    assert answer["id_token_claims"]["preferred_username"] == "alice@contoso.com"
