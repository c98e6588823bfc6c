# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditional access and security defaults: who they stop, with which error, and how Graph lists them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
import pyotp
import pytest
from simulator.seed import DIRECTORY_ROLES, EXCHANGE_APP_ID, GRAPH_APP_ID
from simulator.store import Document
from support.person import Person, came_back, problem
from unit.simulator.graph_client import URLS, Microsoft, refusal

FACTOR = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
USERS = [
    {"upn": "alice@contoso.com", "name": "Alice Anker", "mfa": FACTOR},
    {"upn": "bob@contoso.com", "name": "Bob O'Brien"},
]
GROUPS = [{"name": "Service accounts", "mail": None, "members": ["alice@contoso.com"], "security": True}]
MFA = {"grantControls": {"builtInControls": ["mfa"]}}
BLOCK = {"grantControls": {"builtInControls": ["block"]}}


@pytest.fixture
def tenant(tmp_path: Path) -> Any:
    """Makes a tenant with two users, one of whom has a second factor, and policies."""

    def make(*policies: Document, **wishes: Any) -> Microsoft:
        return Microsoft(
            tmp_path / "tenant",
            users=USERS,
            groups=GROUPS,
            administrative_units=[],
            conditional_access=list(policies),
            **wishes,
        )

    return make


def ask(entra: Microsoft, name: str = "alice", scope: str = "User.Read", **more: Any) -> Any:
    """A password sign-in through a public client."""
    application, _rest = entra.public_client("User.Read")
    form = {"grant_type": "password", "client_id": application["appId"], "scope": scope, **more}
    return entra.token(**form, username=f"{name}@contoso.com", password=f"Simulated-{name}")


# --- what a sign-in is told -----------------------------------------------------------------------------------------------


def test_default_tenant_asks_for_nothing(tmp_path: Path) -> None:
    entra = Microsoft(tmp_path / "tenant")
    assert ask(entra).status_code == 200
    assert entra.ok("GET", "/identity/conditionalAccess/policies")["value"] == []
    assert entra.ok("GET", "/policies/identitySecurityDefaultsEnforcementPolicy")["isEnabled"] is False


def test_second_factor_stops_password_sign_in(tenant: Any) -> None:
    entra = tenant(MFA)
    refused = ask(entra)
    assert refusal(refused) == (400, "invalid_grant", 50076)
    body = refused.json()
    assert body["error_description"].startswith(
        "AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new location, "
        f"you must use multi-factor authentication to access '{GRAPH_APP_ID}'."
    )
    policy = entra.ok("GET", "/identity/conditionalAccess/policies")["value"][0]
    wanted = {"access_token": {"capolids": {"essential": True, "values": [policy["id"]]}}}
    assert (body["suberror"], json.loads(body["claims"])) == ("basic_action", wanted)
    enrol = ask(entra, "bob")
    assert refusal(enrol) == (400, "invalid_grant", 50079)
    assert "you must enroll in multi-factor authentication" in enrol.json()["error_description"]
    wrong = entra.token(
        grant_type="password",
        client_id=entra.public_client("User.Read")[0]["appId"],
        scope="User.Read",
        username="bob@contoso.com",
        password="wrong",
    )
    assert refusal(wrong)[2] == 50126, "the password comes first"


def test_block(tenant: Any) -> None:
    entra = tenant(BLOCK)
    refused = ask(entra)
    assert refusal(refused) == (400, "invalid_grant", 53003)
    assert refused.json()["suberror"] == "message_only"
    old = ask(entra, version="", resource="https://graph.microsoft.com", scope="openid")
    assert refusal(old) == (400, "interaction_required", 53003)


@pytest.mark.parametrize(
    ("controls", "code"),
    [
        ({"builtInControls": ["compliantDevice"]}, 53000),
        ({"builtInControls": ["domainJoinedDevice"]}, 53001),
        ({"builtInControls": ["approvedApplication"]}, 53002),
        ({"builtInControls": ["mfa", "compliantDevice"], "operator": "OR"}, 50076),
        ({"builtInControls": ["mfa", "compliantDevice"], "operator": "AND"}, 53000),
        ({"authenticationStrength": {"id": "00000000-0000-0000-0000-000000000002"}}, 50076),
    ],
)
def test_controls(tenant: Any, controls: Document, code: int) -> None:
    assert refusal(ask(tenant({"grantControls": controls})))[2] == code


@pytest.mark.parametrize(
    ("conditions", "stopped"),
    [
        ({"users": {"includeUsers": ["alice@contoso.com"]}}, True),
        ({"users": {"includeUsers": ["bob@contoso.com"]}}, False),
        ({"users": {"includeUsers": ["All"], "excludeUsers": ["alice@contoso.com"]}}, False),
        ({"users": {"includeGroups": ["Service accounts"]}}, True),
        ({"users": {"includeUsers": ["All"], "excludeGroups": ["Service accounts"]}}, False),
        ({"users": {"includeRoles": ["Exchange Administrator"]}}, False),
        ({"users": {"includeUsers": ["None"]}}, False),
        ({"applications": {"includeApplications": ["None"]}}, False),
        ({"applications": {"includeApplications": [GRAPH_APP_ID]}}, True),
        ({"applications": {"includeApplications": [EXCHANGE_APP_ID]}}, False),
        ({"applications": {"includeApplications": ["Office365"]}}, False),
        ({"applications": {"includeApplications": ["All"], "excludeApplications": [GRAPH_APP_ID]}}, False),
        ({"clientAppTypes": ["mobileAppsAndDesktopClients"]}, True),
        ({"clientAppTypes": ["browser"]}, False),
        ({"clientAppTypes": ["exchangeActiveSync", "other"]}, False),
        ({"locations": {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}}, True),
        ({"locations": {"includeLocations": ["AllTrusted"]}}, False),
        ({"platforms": {"includePlatforms": ["windows"]}}, False),
        ({"signInRiskLevels": ["high"]}, False),
        ({"authenticationFlows": {"transferMethods": "deviceCodeFlow"}}, False),
    ],
)
def test_conditions(tenant: Any, conditions: Document, stopped: bool) -> None:
    answer = ask(tenant({**BLOCK, "conditions": conditions}))
    assert answer.status_code == (400 if stopped else 200), answer.text


def test_roles_are_a_condition(tenant: Any) -> None:
    entra = tenant({**MFA, "conditions": {"users": {"includeRoles": ["Exchange Administrator"]}}})
    assert ask(entra).status_code == 200
    alice = entra.ok("GET", "/users/alice@contoso.com")["id"]
    body = {
        "principalId": alice,
        "roleDefinitionId": DIRECTORY_ROLES["Exchange Administrator"],
        "directoryScopeId": "/",
    }
    entra.ok("POST", "/roleManagement/directory/roleAssignments", body)
    assert refusal(ask(entra))[2] == 50076


@pytest.mark.parametrize("state", ["disabled", "enabledForReportingButNotEnforced"])
def test_policies_that_are_not_enforced(tenant: Any, state: str) -> None:
    entra = tenant({**BLOCK, "state": state})
    assert ask(entra).status_code == 200
    assert entra.ok("GET", "/identity/conditionalAccess/policies")["value"][0]["state"] == state


def test_applications_sign_in_as_themselves_all_the_same(tenant: Any) -> None:
    entra = tenant(BLOCK, MFA, security_defaults=True)
    assert entra.token(**entra.automation).status_code == 200


def test_refresh_is_held_against_policies_too(tenant: Any) -> None:
    policy = {**MFA, "conditions": {"applications": {"includeApplications": [EXCHANGE_APP_ID]}}}
    entra = tenant(policy)
    application, principal = entra.public_client("User.Read")
    exchange = entra.tenant.service_principal(EXCHANGE_APP_ID) or {}
    grant = {"clientId": principal["id"], "consentType": "AllPrincipals", "resourceId": exchange["id"]}
    entra.ok("POST", "/oauth2PermissionGrants", {**grant, "scope": "EWS.AccessAsUser.All"})
    form = {"client_id": application["appId"], "username": "alice@contoso.com", "password": "Simulated-alice"}
    answer = entra.token(grant_type="password", **form, scope="User.Read offline_access").json()
    refresh = {"grant_type": "refresh_token", "client_id": application["appId"]}
    other = "https://outlook.office365.com/EWS.AccessAsUser.All"
    refused = entra.token(**refresh, refresh_token=answer["refresh_token"], scope=other)
    assert refusal(refused)[2] == 50076
    assert f"to access '{EXCHANGE_APP_ID}'" in refused.json()["error_description"]


# --- security defaults ----------------------------------------------------------------------------------------------------


def test_security_defaults(tenant: Any) -> None:
    entra = tenant(security_defaults=True)
    assert refusal(ask(entra))[2] == 50076
    enrol = ask(entra, "bob")
    assert refusal(enrol)[2] == 50079
    assert "claims" not in enrol.json()


def test_security_defaults_may_leave_users_alone(tenant: Any) -> None:
    entra = tenant(security_defaults=True, switches={"security_defaults_ask_users": False})
    assert ask(entra).status_code == 200
    assert refusal(ask(entra, "bob"))[2] == 50079, "to enrol is for everyone"
    alice = entra.ok("GET", "/users/alice@contoso.com")["id"]
    body = {
        "principalId": alice,
        "roleDefinitionId": DIRECTORY_ROLES["Exchange Administrator"],
        "directoryScopeId": "/",
    }
    entra.ok("POST", "/roleManagement/directory/roleAssignments", body)
    assert refusal(ask(entra))[2] == 50076, "administrators always"


# --- people ---------------------------------------------------------------------------------------------------------------


def test_device_code_under_policies(tenant: Any) -> None:
    transfer = {"conditions": {"authenticationFlows": {"transferMethods": "deviceCodeFlow"}}}
    entra = tenant({**BLOCK, **transfer})
    application, _rest = entra.public_client("User.Read")
    form = {"client_id": application["appId"], "scope": "User.Read"}
    device = entra.login.post(f"/{entra.tenant.id}/oauth2/v2.0/devicecode", data=form).json()
    person = Person(
        entra.browse, user_code=device["user_code"], username="alice@contoso.com", password="Simulated-alice"
    )
    page = person.visit(device["verification_uri"].removeprefix(URLS["login"]))
    assert (page.status_code, problem(page)[:11]) == (403, "AADSTS53003")


def test_second_factor_lets_a_person_in_and_lasts(tenant: Any) -> None:
    entra = tenant(MFA)
    address = "https://infinity.contoso.com/admin/platform/msexchangeconnector/oauth_redirect/"
    application, _rest = entra.public_client("User.Read", web={"redirectUris": [address]})
    secret = entra.ok("POST", f"/applications/{application['id']}/addPassword")["secretText"]
    url = (
        f"/{entra.tenant.id}/oauth2/v2.0/authorize?client_id={application['appId']}&response_type=code"
        f"&redirect_uri={address}&scope=User.Read%20offline_access"
    )
    person = Person(
        entra.browse, username="alice@contoso.com", password="Simulated-alice", otp=pyotp.TOTP(FACTOR).now()
    )
    code = came_back(person.visit(url))["code"]
    client = {"client_id": application["appId"], "client_secret": secret, "scope": None}
    answer = entra.token(grant_type="authorization_code", code=code, redirect_uri=address, **client).json()
    again = entra.token(grant_type="refresh_token", refresh_token=answer["refresh_token"], **client).json()
    assert jwt.decode(again["access_token"], options={"verify_signature": False})["amr"] == ["pwd", "mfa"]
    silent = came_back(entra.browse("GET", url + "&prompt=none"))
    assert "code" in silent, "the session has the second factor"


def test_silent_sign_in_that_a_policy_stops(tenant: Any) -> None:
    entra = tenant({**MFA, "conditions": {"applications": {"includeApplications": [EXCHANGE_APP_ID]}}})
    body = {"web": {"redirectUris": ["https://app.example/"]}}
    application, _rest = entra.public_client("User.Read", **body)
    url = (
        f"/{entra.tenant.id}/oauth2/v2.0/authorize?client_id={application['appId']}&response_type=code"
        "&redirect_uri=https://app.example/&scope="
    )
    person = Person(entra.browse, username="alice@contoso.com", password="Simulated-alice")
    assert "code" in came_back(person.visit(url + "User.Read"))
    other = "https://outlook.office365.com/EWS.AccessAsUser.All&prompt=none"
    back = came_back(entra.browse("GET", url + other))
    assert (back["error"], back["error_description"][:11]) == ("interaction_required", "AADSTS50076")


# --- what Graph shows -----------------------------------------------------------------------------------------------------


def test_policies_can_be_read_with_one_permission(tenant: Any) -> None:
    conditions = {"users": {"includeUsers": ["All"], "excludeUsers": ["bob@contoso.com"]}}
    entra = tenant({**MFA, "displayName": "Second factor", "conditions": conditions}, security_defaults=True)
    bearer = entra.bearer_of("Policy.Read.All")
    listed = entra.ok("GET", "/identity/conditionalAccess/policies", bearer=bearer)["value"]
    bob = entra.ok("GET", "/users/bob@contoso.com")["id"]
    assert [(one["displayName"], one["conditions"]["users"]["excludeUsers"]) for one in listed] == [
        ("Second factor", [bob])
    ]
    one = entra.ok("GET", f"/identity/conditionalAccess/policies/{listed[0]['id']}", bearer=bearer)
    assert one["grantControls"]["builtInControls"] == ["mfa"]
    path = "/policies/identitySecurityDefaultsEnforcementPolicy"
    assert entra.ok("GET", path, bearer=bearer)["isEnabled"] is True
    for refused in ("/identity/conditionalAccess/policies", path):
        entra.refused(403, "Authorization_RequestDenied", "GET", refused, bearer=entra.bearer_of("User.Read.All"))
    unknown = "/identity/conditionalAccess/policies/00000000-0000-0000-0000-00000000000a"
    assert entra.call("GET", unknown, bearer=bearer).status_code == 404
