# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra's pages: a person signs in, consents and gets back to an application, or learns why not."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import lxml.html
import pyotp
import pytest
from httpx2 import Response
from simulator.seed import EXCHANGE_APP_ID
from simulator.store import Document
from support.person import Person, came_back, problem
from unit.simulator.graph_client import PASSWORD, URLS, Microsoft, refusal

NODE = "https://infinity.contoso.com/admin/platform/msexchangeconnector/oauth_redirect/"
EWS = "https://outlook.office365.com/EWS.AccessAsUser.All"
FACTOR = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def entra(tmp_path: Path) -> Microsoft:
    return Microsoft(tmp_path / "tenant")


def person(entra: Microsoft, name: str = "svc", **more: Any) -> Person:
    return Person(entra.browse, username=f"{name}@contoso.com", **{"password": PASSWORD, **more})


def request_of(entra: Microsoft, application: Document, address: str = NODE, **changes: str) -> str:
    """The URL that an application sends a browser to."""
    query = {"client_id": application["appId"], "response_type": "code", "redirect_uri": address, "state": "a&b=c"}
    version = changes.pop("version", "/v2.0")
    return f"/{entra.tenant.id}/oauth2{version}/authorize?" + urlencode({**query, "scope": "User.Read", **changes})


def redeem(entra: Microsoft, application: Document, code: str, address: str = NODE, **more: Any) -> Response:
    form = {"grant_type": "authorization_code", "client_id": application["appId"], "code": code, "scope": None}
    return entra.token(**{**form, "redirect_uri": address, **more})


def node(entra: Microsoft, *scopes: str, **more: Any) -> tuple[Document, str]:
    """The registration of a Management Node, with nothing consented to, and its secret."""
    exchange = entra.tenant.service_principal(EXCHANGE_APP_ID) or {}
    ids = [
        one["id"] for one in exchange["oauth2PermissionScopes"] if one["value"] in (scopes or ("EWS.AccessAsUser.All",))
    ]
    access = [{"resourceAppId": EXCHANGE_APP_ID, "resourceAccess": [{"id": one, "type": "Scope"} for one in ids]}]
    body = {"web": {"redirectUris": [NODE]}, "requiredResourceAccess": access, **more}
    application, _principal = entra.registration(**body)
    return application, entra.ok("POST", f"/applications/{application['id']}/addPassword")["secretText"]


# --- the delegated way, as the Management Node signs its service account in ----------------------------------------------


@pytest.mark.parametrize("version", ["/v2.0", ""])
def test_service_account_signs_in_consents_and_is_refreshed(entra: Microsoft, version: str) -> None:
    user = entra.user()
    application, secret = node(entra)
    asked = (
        {"scope": f"{EWS} offline_access"} if version else {"resource": "https://outlook.office365.com", "scope": ""}
    )
    browser = person(entra)
    response = browser.visit(request_of(entra, application, version=version, **asked))
    assert browser.seen == ["Sign in to your account", "Permissions requested"]
    assert response.headers["location"].startswith(NODE + "?code=")
    back = came_back(response)
    assert back["state"] == "a&b=c"
    fields = {"version": version, "client_secret": secret}
    assert refusal(redeem(entra, application, back["code"], version=version)) == (401, "invalid_client", 7000218)
    answer = redeem(entra, application, back["code"], **fields).json()
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["scp"], claims["ver"]) == (
        "https://outlook.office365.com",
        "EWS.AccessAsUser.All",
        "1.0",
    )
    assert (claims["oid"], claims["appidacr"], claims["amr"]) == (user["id"], "1", ["pwd"])
    form = {"grant_type": "refresh_token", "client_id": application["appId"], "refresh_token": answer["refresh_token"]}
    again = entra.token(version=version, **form, **{**asked, "scope": None}, client_secret=secret).json()
    assert again["refresh_token"] != answer["refresh_token"]
    assert refusal(entra.token(version=version, **form, **{**asked, "scope": None}))[2] == 7000218
    assert refusal(redeem(entra, application, back["code"], **fields))[2] == 54005
    grants = entra.ok("GET", "/oauth2PermissionGrants")["value"]
    assert [(one["consentType"], one["principalId"], one["scope"]) for one in grants] == [
        ("Principal", user["id"], "EWS.AccessAsUser.All")
    ]


def test_page_is_proper_html(entra: Microsoft) -> None:
    entra.user()
    application, _secret = node(entra)
    page = entra.browse("GET", request_of(entra, application, login_hint='"><b>svc@contoso.com'))
    assert page.headers["x-frame-options"] == "DENY"
    tree = lxml.html.fromstring(page.text)
    assert tree.get("lang") == "en"
    assert tree.findtext("head/title") == tree.findtext(".//h1") == "Sign in to your account"
    visible = [one for one in tree.forms[0].inputs if one.get("type") not in ("hidden", None) and one.tag == "input"]
    assert [(one.get("id"), one.get("type"), one.get("autocomplete")) for one in visible] == [
        ("username", "email", "username"),
        ("password", "password", "current-password"),
    ]
    assert [one.get("for") for one in tree.iter("label")] == ["username", "password"]
    assert visible[0].value == '"><b>svc@contoso.com'
    assert visible[1].value is None


def test_wrong_password_is_said_and_may_be_tried_again(entra: Microsoft) -> None:
    entra.user()
    application, _secret = node(entra)
    page = person(entra, password="wrong").visit(request_of(entra, application))
    assert page.status_code == 200
    assert problem(page).startswith("AADSTS50126: Error validating credentials due to invalid username or password.")
    form = lxml.html.fromstring(page.text).forms[0]
    assert form.fields["username"] == "svc@contoso.com"
    assert form.fields["password"] in (None, "")
    again = entra.browse("POST", form.action, {**dict(form.fields), "password": PASSWORD})
    assert lxml.html.fromstring(again.text).findtext(".//h1") == "Permissions requested"
    assert problem(person(entra, "nobody").visit(request_of(entra, application))).startswith("AADSTS50034")


def test_pages_state_cannot_be_changed(entra: Microsoft) -> None:
    entra.user()
    application, _secret = node(entra)
    page = entra.browse("GET", request_of(entra, application))
    form = lxml.html.fromstring(page.text).forms[0]
    header, _payload, signature = form.fields["flow"].split(".")
    stranger = {"segment": "common", "version_1": False, "request": {"redirect_uri": "https://evil.example"}}
    payload = jwt.encode({**stranger, "aud": "page", "exp": 9999999999}, "k" * 32).split(".")[1]
    typed = {"username": "svc@contoso.com", "password": PASSWORD}
    for flow in (f"{header}.{payload}.{signature}", entra.bearer, ""):
        answer = entra.browse("POST", form.action, {**typed, "flow": flow})
        assert (answer.status_code, problem(answer)[:12]) == (400, "AADSTS50089:")


def test_administrator_consents_for_everybody(entra: Microsoft) -> None:
    entra.administrator("Global Administrator")
    entra.user()
    application, _secret = node(entra)
    person(entra, "admin", admin="true").visit(request_of(entra, application, scope=EWS))
    grants = entra.ok("GET", "/oauth2PermissionGrants")["value"]
    assert [(one["consentType"], one["scope"]) for one in grants] == [("AllPrincipals", "EWS.AccessAsUser.All")]
    entra.login.cookies.clear()
    browser = person(entra)
    assert "code" in came_back(browser.visit(request_of(entra, application, scope=EWS)))
    assert browser.seen == ["Sign in to your account"]
    browser.visit(request_of(entra, application, scope=EWS, prompt="consent"))
    assert browser.seen[-1] == "Permissions requested"


def test_restricted_permissions_need_an_administrator(entra: Microsoft) -> None:
    entra.user()
    application, _secret = node(entra)
    page = person(entra).visit(request_of(entra, application, scope="Directory.Read.All"))
    assert page.status_code == 403
    assert problem(page) == "AADSTS90094: Administrator consent is required."
    flow = lxml.html.fromstring(entra.browse("GET", request_of(entra, application, scope="Directory.Read.All")).text)
    form = dict(flow.forms[0].fields)
    forced = {**form, "username": "svc@contoso.com", "password": PASSWORD, "step": "accept", "admin": "true"}
    assert problem(entra.browse("POST", flow.forms[0].action, forced)).startswith("AADSTS90094")
    assert entra.ok("GET", "/oauth2PermissionGrants")["value"] == []


def test_default_scope_asks_for_what_the_registration_lists(entra: Microsoft) -> None:
    entra.user()
    application, _secret = node(entra, "EWS.AccessAsUser.All", "Exchange.Manage")
    browser = person(entra, step="cancel")
    page = browser.visit(request_of(entra, application, scope="https://outlook.office365.com/.default"))
    assert "code" not in came_back(page)
    browser = person(entra)
    back = came_back(browser.visit(request_of(entra, application, scope="https://outlook.office365.com/.default")))
    assert "code" in back
    assert entra.ok("GET", "/oauth2PermissionGrants")["value"][0]["scope"] == "EWS.AccessAsUser.All Exchange.Manage"


@pytest.mark.parametrize("version", ["", "/v2.0"])
def test_admin_consent(entra: Microsoft, version: str) -> None:
    entra.administrator("Global Administrator")
    entra.user()
    application, secret = node(entra)
    exchange = entra.tenant.service_principal(EXCHANGE_APP_ID) or {}
    role = next(one["id"] for one in exchange["appRoles"] if one["value"] == "full_access_as_app")
    access = application["requiredResourceAccess"]
    access[0]["resourceAccess"].append({"id": role, "type": "Role"})
    entra.ok("PATCH", f"/applications/{application['id']}", {"requiredResourceAccess": access})
    query = {"client_id": application["appId"], "redirect_uri": NODE, "state": "s"}
    scope = {"scope": "https://outlook.office365.com/.default"} if version else {}
    url = f"/{entra.tenant.id}{version}/adminconsent?" + urlencode({**query, **scope})
    assert problem(person(entra).visit(url)).startswith("AADSTS90094")
    declined = came_back(person(entra, "admin", step="cancel").visit(url))
    assert (declined["error"], declined["error_description"][:11]) == ("consent_required", "AADSTS65004")
    assert entra.ok("GET", "/oauth2PermissionGrants")["value"] == []
    back = came_back(person(entra, "admin").visit(url))
    assert back == {"admin_consent": "True", "tenant": entra.tenant.id, **scope, "state": "s"}
    grants = entra.ok("GET", "/oauth2PermissionGrants")["value"]
    assert [(one["consentType"], one["scope"]) for one in grants] == [("AllPrincipals", "EWS.AccessAsUser.All")]
    fields = {"client_id": application["appId"], "client_secret": secret}
    claims = entra.claims(**fields, scope="https://outlook.office365.com/.default")
    assert claims["roles"] == ["full_access_as_app"]


# --- what goes back to the application ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"response_type": ""}, "invalid_request", 900144),
        ({"response_type": "token"}, "unsupported_response_type", 700051),
        ({"response_type": "code id_token"}, "unsupported_response_type", 700054),
        ({"response_mode": "pigeon"}, "invalid_request", 70007),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request", 501491),
        ({"code_challenge": "c" * 43, "code_challenge_method": "MD5"}, "invalid_request", 90023),
        ({"scope": ""}, "invalid_request", 900144),
        ({"scope": "a/b/c"}, "invalid_scope", 70011),
        ({"scope": "https://unknown.example/x"}, "invalid_resource", 500011),
        ({"scope": "https://outlook.office365.com/No.Such"}, "invalid_client", 650053),
        ({"prompt": "none"}, "login_required", 50058),
    ],
)
def test_requests_that_are_wrong(entra: Microsoft, changes: dict[str, str], error: str, code: int) -> None:
    application, _secret = node(entra)
    back = came_back(entra.browse("GET", request_of(entra, application, **changes)))
    assert (back["error"], back["state"]) == (error, "a&b=c")
    assert back["error_description"].startswith(f"AADSTS{code}: ")


def test_requests_without_a_way_back(entra: Microsoft) -> None:
    application, _secret = node(entra)
    bare, _rest = entra.registration()
    for url, code in (
        (request_of(entra, application, "https://evil.example/"), 50011),
        (request_of(entra, application, NODE.rstrip("/")), 50011),
        (request_of(entra, {"appId": "00000000-0000-0000-0000-00000000000a"}), 700016),
        (request_of(entra, bare), 500113),
        (request_of(entra, application).replace(entra.tenant.id, "nowhere.example"), 90002),
        (request_of(entra, application).replace(entra.tenant.id, "organizations"), 50194),
        (f"/{entra.tenant.id}/oauth2/v2.0/authorize", 900144),
    ):
        page = entra.browse("GET", url)
        assert "location" not in page.headers
        assert (page.status_code, problem(page).partition(":")[0]) == (400, f"AADSTS{code}")


def test_cancel(entra: Microsoft) -> None:
    entra.user()
    application, _secret = node(entra)
    back = came_back(person(entra, step="cancel").visit(request_of(entra, application)))
    assert (back["error"], back["error_subcode"], back["state"]) == ("access_denied", "cancel", "a&b=c")
    assert back["error_description"] == "AADSTS65004: User declined to consent to access the app."
    assert entra.ok("GET", "/oauth2PermissionGrants")["value"] == []


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_response_modes(entra: Microsoft, mode: str) -> None:
    entra.user()
    application, secret = node(entra)
    page = person(entra).visit(request_of(entra, application, response_mode=mode, scope="User.Read openid", nonce="n"))
    location = page.headers.get("location", "")
    if mode == "form_post":
        form = lxml.html.fromstring(page.text).forms[0]
        assert (form.method, form.action) == ("POST", NODE)
    else:
        assert location.startswith(NODE + ("#code=" if mode == "fragment" else "?code="))
    back = came_back(page)
    assert back["state"] == "a&b=c"
    answer = redeem(entra, application, back["code"], client_secret=secret).json()
    identity = jwt.decode(answer["id_token"], options={"verify_signature": False})
    assert (identity["nonce"], identity["iss"]) == ("n", f"{URLS['login']}/{entra.tenant.id}/v2.0")


def test_proof_key(entra: Microsoft) -> None:
    entra.user()
    application, _rest = entra.public_client("User.Read", publicClient={"redirectUris": ["http://localhost"]})
    verifier, address = "v" * 43, "http://localhost:8765"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    changes = {"code_challenge": challenge, "code_challenge_method": "S256"}
    code = came_back(person(entra).visit(request_of(entra, application, address, **changes)))["code"]
    assert refusal(redeem(entra, application, code, address))[2] == 501481
    assert refusal(redeem(entra, application, code, address, code_verifier="w" * 43))[2] == 501481
    other = redeem(entra, application, code, "http://localhost:1", code_verifier=verifier)
    assert refusal(other)[2] == 500112
    assert redeem(entra, application, code, address, code_verifier=verifier).status_code == 200


def test_public_client_shows_no_secret(entra: Microsoft) -> None:
    entra.user()
    body = {"publicClient": {"redirectUris": ["http://localhost"]}, "isFallbackPublicClient": None}
    application, _secret = node(entra, **body)
    secret = entra.ok("POST", f"/applications/{application['id']}/addPassword")["secretText"]
    code = came_back(person(entra).visit(request_of(entra, application, "http://localhost")))["code"]
    assert refusal(redeem(entra, application, code, "http://localhost", client_secret=secret))[2] == 700025
    assert redeem(entra, application, code, "http://localhost").status_code == 200


# --- sessions -------------------------------------------------------------------------------------------------------------


def test_session_signs_in_silently_until_it_ends(entra: Microsoft) -> None:
    user = entra.user()
    application, _secret = node(entra)
    url = request_of(entra, application, prompt="none")
    person(entra).visit(request_of(entra, application))
    assert "code" in came_back(entra.browse("GET", url))
    more = came_back(entra.browse("GET", request_of(entra, application, prompt="none", scope="Calendars.Read")))
    assert more["error"] == "consent_required"
    browser = person(entra)
    assert "code" in came_back(browser.visit(request_of(entra, application)))
    assert browser.seen == []
    browser.visit(request_of(entra, application, prompt="login"))
    assert browser.seen == ["Sign in to your account"]
    other = came_back(entra.browse("GET", request_of(entra, application, prompt="none", login_hint="bob@contoso.com")))
    assert other["error"] == "login_required"
    entra.ok("POST", f"/users/{user['id']}/revokeSignInSessions")
    assert came_back(entra.browse("GET", url))["error"] == "login_required"


def test_sign_out(entra: Microsoft) -> None:
    entra.user()
    application, _secret = node(entra)
    person(entra).visit(request_of(entra, application))
    path = f"/{entra.tenant.id}/oauth2/v2.0/logout"
    page = entra.browse("GET", path + "?post_logout_redirect_uri=https://evil.example/")
    assert "You signed out of your account" in page.text
    assert came_back(entra.browse("GET", request_of(entra, application, prompt="none")))["error"] == "login_required"
    back = entra.browse("GET", f"{path}?" + urlencode({"post_logout_redirect_uri": NODE, "state": "s"}))
    assert back.headers["location"] == NODE + "?state=s"


# --- devices --------------------------------------------------------------------------------------------------------------


def device_form(device: dict[str, Any], application: Document) -> dict[str, Any]:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    return {"grant_type": grant, "client_id": application["appId"], "device_code": device["device_code"], "scope": None}


def test_device_code(entra: Microsoft) -> None:
    entra.user()
    application, _rest = entra.registration(isFallbackPublicClient=True)
    form = {"client_id": application["appId"], "scope": "User.Read offline_access openid profile"}
    device = entra.login.post(f"/{entra.tenant.id}/oauth2/v2.0/devicecode", data=form).json()
    assert (device["expires_in"], device["interval"]) == (900, 5)
    poll = device_form(device, application)
    assert refusal(entra.token(**poll)) == (400, "authorization_pending", 70016)
    url = device["verification_uri"].removeprefix(URLS["login"])
    assert "That code didn't work" in problem(person(entra, user_code="WRONG").visit(url))
    browser = person(entra, user_code=device["user_code"])
    assert "You have signed in to the App application" in browser.visit(url).text
    assert browser.seen == ["Sign in to your account", "Sign in to your account", "Permissions requested"]
    assert entra.token(**poll).json()["refresh_token"]
    assert entra.token(**poll).json()["error"] == "bad_verification_code"
    old = entra.login.post(
        f"/{entra.tenant.id}/oauth2/devicecode", data={**form, "resource": "https://graph.microsoft.com"}
    )
    assert (old.json()["verification_url"], old.json()["expires_in"]) == (device["verification_uri"], "900")


def test_device_code_declined(entra: Microsoft) -> None:
    entra.user()
    application, _rest = entra.public_client("User.Read")
    form = {"client_id": application["appId"], "scope": "User.Read"}
    refused = entra.login.post("/organizations/oauth2/v2.0/devicecode", data=form)
    assert refusal(refused) == (400, "invalid_request", 50059)
    device = entra.login.post(f"/{entra.tenant.id}/oauth2/v2.0/devicecode", data=form).json()
    browser = person(entra, user_code=device["user_code"], step="cancel")
    browser.visit("/common/oauth2/deviceauth")
    assert browser.seen[-1] == "Continue to App"
    assert refusal(entra.token(**device_form(device, application)))[1] == "authorization_declined"


# --- second factor (the policies themselves: test_entra_policies) ---------------------------------------------------------


def test_second_factor_on_the_page(tmp_path: Path) -> None:
    policy = {"grantControls": {"builtInControls": ["mfa"]}}
    users = [
        {"upn": "alice@contoso.com", "name": "Alice", "mfa": FACTOR},
        {"upn": "bob@contoso.com", "name": "Bob"},
    ]
    entra = Microsoft(tmp_path / "tenant", users=users, groups=[], administrative_units=[], conditional_access=[policy])
    application, secret = node(entra)
    url = request_of(entra, application, scope=EWS)
    wrong = person(entra, "alice", password="Simulated-alice", otp="000000")
    assert "That code didn't work." in problem(wrong.visit(url))
    otp = pyotp.TOTP(FACTOR).now()
    browser = person(entra, "alice", password="Simulated-alice", otp=otp)
    code = came_back(browser.visit(url))["code"]
    assert browser.seen == ["Sign in to your account", "Enter code", "Permissions requested"]
    answer = redeem(entra, application, code, client_secret=secret).json()
    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["amr"] == ["pwd", "mfa"]
    entra.login.cookies.clear()
    page = person(entra, "bob", password="Simulated-bob").visit(url)
    assert page.status_code == 403
    assert problem(page).startswith("AADSTS50079")
