# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools that others wrote, as they are, against the simulated Entra: Microsoft's libraries and independent ones."""

from __future__ import annotations

import hashlib
import time
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import jwt
import lxml.html
import msal
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthorizationCodeCredential,
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    UsernamePasswordCredential,
    WorkloadIdentityCredential,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from exchangelib import OAUTH2, Account, Configuration, OAuth2AuthorizationCodeCredentials
from joserfc import jwk
from joserfc import jwt as joserfc_jwt
from joserfc.errors import InvalidKeyIdError
from oauthlib.oauth2 import OAuth2Token
from requests_oauthlib import OAuth2Session
from simulator.seed import EXCHANGE_APP_ID, GRAPH_APP_ID
from support.graph import Administrator
from support.person import Person, browser, came_back
from support.real_names import real_names
from support.simulator import Simulator
from unit.simulator.graph_client import GRAPH_SCOPE
from unit.simulator.test_entra import Certificate

NODE = "https://infinity.contoso.com/admin/platform/msexchangeconnector/oauth_redirect/"
ISSUER = "https://issuer.example"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EXCHANGE_SCOPE = "https://outlook.office365.com/.default"
ALICE = {"username": "alice@contoso.com", "password": "Simulated-alice"}


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    keys = {"keys": [{**jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "1"}]}
    with Simulator(tmp_path_factory.mktemp("tenant"), seed={"issuers": {ISSUER: keys}}) as one:
        yield one


@pytest.fixture(autouse=True)
def trust(tenant: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an administrator sets for tools that know no option of their own."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tenant.endpoints["ca_path"])
    monkeypatch.setenv("SSL_CERT_FILE", tenant.endpoints["ca_path"])


@pytest.fixture(scope="module")
def administrator(tenant: Simulator) -> Administrator:
    return Administrator(tenant)


@pytest.fixture(scope="module")
def register(administrator: Administrator) -> Callable[..., dict[str, Any]]:
    """Makes an application with its service principal; its secret, if it gets one, is ``secret``."""

    def make(secret: bool = False, **body: Any) -> dict[str, Any]:
        application: dict[str, Any] = administrator.call("POST", "/applications", {"displayName": "Tool", **body})
        administrator.call("POST", "/servicePrincipals", {"appId": application["appId"]})
        if secret:
            path = f"/applications/{application['id']}/addPassword"
            application["secret"] = administrator.call("POST", path, {})["secretText"]
        return application

    return make


@pytest.fixture(scope="module")
def public(register: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    body = {"isFallbackPublicClient": True, "publicClient": {"redirectUris": ["http://localhost"]}}
    return register(**body, signInAudience="AzureADMultipleOrgs")


@pytest.fixture(scope="module")
def node(register: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The registration of a Management Node: a confidential web application."""
    return register(secret=True, web={"redirectUris": [NODE]})


@pytest.fixture(scope="module")
def certified(
    administrator: Administrator, register: Callable[..., dict[str, Any]]
) -> tuple[dict[str, Any], Certificate]:
    application, certificate = register(), Certificate()
    body = {"keyCredentials": [certificate.credential()]}
    administrator.call("PATCH", f"/applications/{application['id']}", body)
    return application, certificate


def alice(tenant: Simulator, **more: str) -> Person:
    return Person(browser(tenant.endpoints["ca_path"]), **{**ALICE, **more})


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


# --- azure-identity -------------------------------------------------------------------------------------------------------


def azure(tenant: Simulator, segment: str = "") -> dict[str, Any]:
    ends = tenant.endpoints
    return {
        "tenant_id": segment or ends["tenant_id"],
        "authority": ends["login_url"],
        "disable_instance_discovery": True,
    }


def test_azure_identity_with_a_secret(tenant: Simulator) -> None:
    ends = tenant.endpoints
    with ClientSecretCredential(
        client_id=ends["client_id"], client_secret=ends["client_secret"], **azure(tenant)
    ) as one:
        token = one.get_token(GRAPH_SCOPE)
    assert claims_of(token.token)["appid"] == ends["client_id"]
    assert token.expires_on - time.time() > 3000
    wrong = ClientSecretCredential(client_id=ends["client_id"], client_secret="no", **azure(tenant))
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215: Invalid client secret provided"):
        wrong.get_token(GRAPH_SCOPE)
    nobody = ClientSecretCredential(client_id=ends["tenant_id"], client_secret="no", **azure(tenant))
    with pytest.raises(ClientAuthenticationError, match="AADSTS700016: Application with identifier"):
        nobody.get_token(GRAPH_SCOPE)


def test_azure_identity_with_a_certificate(tenant: Simulator, certified: tuple[dict[str, Any], Certificate]) -> None:
    application, certificate = certified
    pem = "".join(certificate.pem()).encode()
    pfx = pkcs12.serialize_key_and_certificates(
        b"one", certificate.key, certificate.certificate, None, serialization.BestAvailableEncryption(b"pass phrase")
    )
    for given in (
        {"certificate_data": pem},
        {"certificate_data": pem, "send_certificate_chain": True},
        {"certificate_data": pfx, "password": "pass phrase"},
    ):
        credential = CertificateCredential(client_id=application["appId"], **given, **azure(tenant))
        claims = claims_of(credential.get_token(EXCHANGE_SCOPE).token)
        assert (claims["aud"], claims["appidacr"]) == ("https://outlook.office365.com", "2")
    stranger = "".join(Certificate().pem()).encode()
    credential = CertificateCredential(client_id=application["appId"], certificate_data=stranger, **azure(tenant))
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        credential.get_token(EXCHANGE_SCOPE)


def test_azure_identity_with_a_federated_token(
    tenant: Simulator, administrator: Administrator, register: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    application = register()
    body = {"name": "ci", "issuer": ISSUER, "subject": "job", "audiences": ["api://AzureADTokenExchange"]}
    administrator.call("POST", f"/applications/{application['id']}/federatedIdentityCredentials", body)
    claims = {"iss": ISSUER, "sub": "job", "aud": "api://AzureADTokenExchange", "exp": time.time() + 600}
    assertion = jwt.encode(claims, KEY, "RS256", headers={"kid": "1"})
    given = {"client_id": application["appId"], **azure(tenant)}
    token = ClientAssertionCredential(func=lambda: assertion, **given).get_token(GRAPH_SCOPE).token
    assert claims_of(token)["appidacr"] == "2"
    path = tmp_path / "token"
    path.write_text(assertion)
    assert WorkloadIdentityCredential(token_file_path=str(path), **given).get_token(GRAPH_SCOPE).token
    other = jwt.encode({**claims, "sub": "other"}, KEY, "RS256", headers={"kid": "1"})
    with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
        ClientAssertionCredential(func=lambda: other, **given).get_token(GRAPH_SCOPE)


def test_azure_identity_with_a_device_code(tenant: Simulator, public: dict[str, Any]) -> None:
    shown: list[str] = []

    def prompt(address: str, user_code: str, expires: Any) -> None:
        page = alice(tenant, user_code=user_code).visit(address)
        shown.append(page.text)

    for segment in ("", "organizations"):
        credential = DeviceCodeCredential(client_id=public["appId"], prompt_callback=prompt, **azure(tenant, segment))
        token = credential.get_token("https://graph.microsoft.com/User.Read").token
        assert claims_of(token)["upn"] == "alice@contoso.com"
        assert "You have signed in" in shown[-1]
        credential.get_token("https://graph.microsoft.com/User.Read", claims='{"access_token":{}}')
    assert len(shown) == 2, "the refresh token is used"


def test_azure_identity_with_a_browser(
    tenant: Simulator, public: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser comes back to the port that the library listens on."""

    def person(url: str) -> None:
        response = alice(tenant).visit(url)
        if "location" in response.headers:
            requests.get(response.headers["location"], timeout=10)
        else:
            requests.post(lxml.html.fromstring(response.text).forms[0].action, data=came_back(response), timeout=10)

    class Browser(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
            Thread(target=person, args=[url], daemon=True).start()
            return True

    monkeypatch.setattr(webbrowser, "get", lambda *_names: Browser())
    monkeypatch.setattr(webbrowser, "open", Browser().open)
    credential = InteractiveBrowserCredential(client_id=public["appId"], timeout=20, **azure(tenant))
    token = credential.get_token("https://graph.microsoft.com/User.Read").token
    assert claims_of(token)["scp"].split()[0] == "User.Read"


def test_azure_identity_with_a_code(tenant: Simulator, node: dict[str, Any]) -> None:
    query = {
        "client_id": node["appId"],
        "response_type": "code",
        "redirect_uri": NODE,
        "scope": "https://graph.microsoft.com/User.Read offline_access",
    }
    ends = tenant.endpoints
    url = f"{ends['login_url']}/{ends['tenant_id']}/oauth2/v2.0/authorize?{urlencode(query)}"
    code = came_back(alice(tenant).visit(url))["code"]
    given = {"client_id": node["appId"], "client_secret": node["secret"], "redirect_uri": NODE, **azure(tenant)}
    credential = AuthorizationCodeCredential(authorization_code=code, **given)
    assert claims_of(credential.get_token("https://graph.microsoft.com/User.Read").token)["upn"] == "alice@contoso.com"


def test_azure_identity_under_the_real_host_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the trusted authority is set: instance discovery, user realm and all endpoints are the default ones."""
    with real_names(tmp_path, monkeypatch) as ends:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", ends["ca_path"])
        secret = ClientSecretCredential(ends["tenant_id"], ends["client_id"], ends["client_secret"])
        bearer = {"Authorization": f"Bearer {secret.get_token(GRAPH_SCOPE).token}"}
        graph = "https://graph.microsoft.com/v1.0"
        body = {"displayName": "Tool", "isFallbackPublicClient": True}
        application = requests.post(f"{graph}/applications", json=body, headers=bearer, timeout=10).json()
        body = {"appId": application["appId"]}
        principal = requests.post(f"{graph}/servicePrincipals", json=body, headers=bearer, timeout=10).json()
        resource = requests.get(f"{graph}/servicePrincipals(appId='{GRAPH_APP_ID}')", headers=bearer, timeout=10).json()
        grant = {"clientId": principal["id"], "consentType": "AllPrincipals", "resourceId": resource["id"]}
        path = f"{graph}/oauth2PermissionGrants"
        assert requests.post(path, json={**grant, "scope": "User.Read"}, headers=bearer, timeout=10).ok
        with pytest.warns(DeprecationWarning, match="UsernamePasswordCredential"):
            user = UsernamePasswordCredential(application["appId"], **ALICE, tenant_id=ends["tenant_id"])
        token = user.get_token("https://graph.microsoft.com/User.Read").token
        assert claims_of(token)["upn"] == "alice@contoso.com"
        with pytest.warns(DeprecationWarning, match="UsernamePasswordCredential"):
            wrong = UsernamePasswordCredential(
                application["appId"], "alice@contoso.com", "wrong", tenant_id=ends["tenant_id"]
            )
        with pytest.raises(ClientAuthenticationError, match="AADSTS50126"):
            wrong.get_token("https://graph.microsoft.com/User.Read")


# --- independent libraries ------------------------------------------------------------------------------------------------


def discovered(tenant: Simulator, version: str = "/v2.0") -> dict[str, Any]:
    ends = tenant.endpoints
    found: dict[str, Any] = requests.get(
        f"{ends['login_url']}/{ends['tenant_id']}{version}/.well-known/openid-configuration", timeout=10
    ).json()
    return found


def test_authlib_signs_a_user_in_with_proof_key(tenant: Simulator, node: dict[str, Any]) -> None:
    metadata = discovered(tenant)
    client = AuthlibSession(
        node["appId"],
        node["secret"],
        scope="openid profile email offline_access User.Read",
        redirect_uri=NODE,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
    )
    verifier = "a-verifier-of-at-least-forty-three-characters"
    url, state = client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce="once", response_mode="query"
    )
    back = alice(tenant).visit(url).headers["location"]
    endpoint = metadata["token_endpoint"]
    token = client.fetch_token(endpoint, authorization_response=back, state=state, code_verifier=verifier)
    keys = jwk.KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    identity = joserfc_jwt.decode(token["id_token"], keys)
    wanted = {"iss": metadata["issuer"], "aud": node["appId"], "nonce": "once"}
    registry = joserfc_jwt.JWTClaimsRegistry(**{k: {"essential": True, "value": v} for k, v in wanted.items()})
    registry.validate(identity.claims)
    assert identity.claims["email"] == "alice@contoso.com"
    about = client.get(metadata["userinfo_endpoint"]).json()
    assert (about["sub"], about["email"]) == (identity.claims["sub"], "alice@contoso.com")
    assert client.refresh_token(endpoint)["access_token"] != token["access_token"]


@pytest.mark.parametrize("version", ["/v2.0", ""])
def test_requests_oauthlib_signs_the_service_account_in(tenant: Simulator, node: dict[str, Any], version: str) -> None:
    """The delegated way: a confidential web client, and what it gets opens the mailbox over EWS."""
    metadata, resource = discovered(tenant, version), "https://outlook.office365.com"
    scope = [f"{resource}/EWS.AccessAsUser.All", "offline_access"] if version else None
    more = {} if version else {"resource": resource}
    client = OAuth2Session(node["appId"], redirect_uri=NODE, scope=scope)
    url, _state = client.authorization_url(metadata["authorization_endpoint"], **more)
    back = alice(tenant).visit(url).headers["location"]
    secret = {"client_secret": node["secret"], "include_client_id": True}
    # It warns, and stops, when the answer names its scopes another way: Entra leaves offline_access out.
    client.scope = None
    token = client.fetch_token(metadata["token_endpoint"], authorization_response=back, **secret, **more)
    again = client.refresh_token(metadata["token_endpoint"], client_id=node["appId"], **secret, **more)
    assert again["refresh_token"] != token["refresh_token"]
    credentials = OAuth2AuthorizationCodeCredentials(
        access_token=OAuth2Token({"access_token": again["access_token"], "token_type": "Bearer"})
    )
    endpoint = f"{tenant.endpoints['outlook_url']}/EWS/Exchange.asmx"
    configuration = Configuration(service_endpoint=endpoint, credentials=credentials, auth_type=OAUTH2)
    mailbox = Account("alice@contoso.com", config=configuration, autodiscover=False, access_type="delegate")
    assert list(mailbox.calendar.all()) == []
    mailbox.protocol.close()


@pytest.mark.parametrize("version", [1, 2])
def test_independent_validators_accept_tokens(
    tenant: Simulator, register: Callable[..., dict[str, Any]], administrator: Administrator, version: int
) -> None:
    api = register(api={"requestedAccessTokenVersion": version})
    uri = f"api://{api['appId']}"
    administrator.call("PATCH", f"/applications/{api['id']}", {"identifierUris": [uri]})
    ends = tenant.endpoints
    metadata = discovered(tenant, "/v2.0" if version == 2 else "")
    credential = ClientSecretCredential(
        client_id=ends["client_id"], client_secret=ends["client_secret"], **azure(tenant)
    )
    token = credential.get_token(f"{uri}/.default").token
    audience = api["appId"] if version == 2 else uri
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, ["RS256"], audience=audience, issuer=metadata["issuer"])
    assert claims["ver"] == f"{version}.0"
    document = requests.get(metadata["jwks_uri"], timeout=10).json()
    keys = jwk.KeySet.import_key_set(document)
    joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": metadata["issuer"]}, aud={"essential": True, "value": audience}
    ).validate(joserfc_jwt.decode(token, keys).claims)
    header, _payload, signature = token.split(".")
    forged = f"{header}.{jwt.encode({**claims, 'oid': 'x'}, KEY, 'RS256').split('.')[1]}.{signature}"
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(forged, key, ["RS256"], audience=audience)
    other = {"keys": [one for one in document["keys"] if one["kid"] != key.key_id]}
    with pytest.raises(InvalidKeyIdError):
        joserfc_jwt.decode(token, jwk.KeySet.import_key_set(other))


# --- msal -----------------------------------------------------------------------------------------------------------------


def options(tenant: Simulator, segment: str = "") -> dict[str, Any]:
    ends = tenant.endpoints
    return {"authority": f"{ends['login_url']}/{segment or ends['tenant_id']}", "instance_discovery": False}


def test_msal_with_secret_and_certificate(tenant: Simulator, certified: tuple[dict[str, Any], Certificate]) -> None:
    ends = tenant.endpoints
    client = msal.ConfidentialClientApplication(
        ends["client_id"], client_credential=ends["client_secret"], **options(tenant)
    )
    assert client.acquire_token_for_client([GRAPH_SCOPE])["token_source"] == "identity_provider"
    assert client.acquire_token_for_client([GRAPH_SCOPE])["token_source"] == "cache"
    application, certificate = certified
    private, public = certificate.pem()
    thumbprint = hashlib.sha1(certificate.der).hexdigest()
    for credential in (
        {"private_key": private, "public_certificate": public},
        {"private_key": private, "thumbprint": thumbprint},
        {"private_key": private, "thumbprint": thumbprint, "public_certificate": public},
    ):
        for segment in ("", "contoso.com"):
            one = msal.ConfidentialClientApplication(
                application["appId"], client_credential=credential, **options(tenant, segment)
            )
            answer = one.acquire_token_for_client([EXCHANGE_SCOPE])
            assert "access_token" in answer, answer
    wrong = msal.ConfidentialClientApplication(ends["client_id"], client_credential="no", **options(tenant))
    refused = wrong.acquire_token_for_client([GRAPH_SCOPE])
    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [7000215])
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        msal.ConfidentialClientApplication("a", client_credential="b", **options(tenant, "nowhere.example"))


def test_msal_discovers_the_simulator_as_an_authority(tenant: Simulator) -> None:
    ends = tenant.endpoints
    authority = f"{ends['login_url']}/{ends['tenant_id']}"
    ways: list[dict[str, Any]] = [
        {"authority": authority, "validate_authority": False},
        {"authority": authority, "instance_discovery": f"{ends['login_url']}/common/discovery/instance"},
        {"oidc_authority": f"{authority}/v2.0"},
    ]
    for way in ways:
        client = msal.ConfidentialClientApplication(ends["client_id"], client_credential=ends["client_secret"], **way)
        assert "access_token" in client.acquire_token_for_client([GRAPH_SCOPE]), way


def test_msal_for_users(tenant: Simulator, public: dict[str, Any]) -> None:
    scopes = ["User.Read"]
    client = msal.PublicClientApplication(public["appId"], **options(tenant, "organizations"))
    flow = client.initiate_device_flow(scopes)
    flow["interval"] = 0.1
    assert "You have signed in" in alice(tenant, user_code=flow["user_code"]).visit(flow["verification_uri"]).text
    assert "access_token" in client.acquire_token_by_device_flow(flow)
    account = client.get_accounts()[0]
    assert account["username"] == "alice@contoso.com"
    assert client.acquire_token_silent(scopes, account)["token_source"] == "cache"
    refreshed = client.acquire_token_silent(scopes, account, force_refresh=True)
    assert refreshed["token_source"] == "identity_provider"
    other = msal.PublicClientApplication(public["appId"], **options(tenant))
    asked = other.initiate_auth_code_flow(scopes, redirect_uri="http://localhost:8400", response_mode="form_post")
    back = came_back(alice(tenant).visit(asked["auth_uri"]))
    answer = other.acquire_token_by_auth_code_flow(asked, back)
    assert answer["id_token_claims"]["preferred_username"] == "alice@contoso.com"
    assert back["code"] not in tenant.wire_log.read_text()
    with pytest.raises(ValueError, match="state mismatch"):
        other.acquire_token_by_auth_code_flow(asked, {"code": "c", "state": "forged"})
    assert answer["id_token_claims"]["aud"] == public["appId"]


def test_msal_for_a_confidential_web_client(tenant: Simulator, node: dict[str, Any]) -> None:
    client = msal.ConfidentialClientApplication(node["appId"], client_credential=node["secret"], **options(tenant))
    scopes = ["https://outlook.office365.com/EWS.AccessAsUser.All"]
    asked = client.initiate_auth_code_flow(scopes, redirect_uri=NODE, response_mode="form_post")
    answer = client.acquire_token_by_auth_code_flow(asked, came_back(alice(tenant).visit(asked["auth_uri"])))
    claims = claims_of(answer["access_token"])
    assert (claims["scp"], claims["appidacr"]) == ("EWS.AccessAsUser.All", "1")
    assert EXCHANGE_APP_ID not in claims["aud"]
