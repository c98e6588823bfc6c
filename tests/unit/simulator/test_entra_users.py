# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra: users' ways to a token, at the token endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import pytest
from simulator.seed import DIRECTORY_ROLES, EXCHANGE_APP_ID
from unit.simulator.graph_client import GRAPH_SCOPE, PASSWORD, Microsoft, refusal

MANY = {"signInAudience": "AzureADMultipleOrgs"}


@pytest.fixture
def entra(tmp_path: Path) -> Microsoft:
    return Microsoft(tmp_path / "tenant")


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
    application, _rest = entra.public_client("User.Read Directory.Read.All", **MANY)
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


def test_version_1_endpoint_for_users(entra: Microsoft) -> None:
    user = entra.user()
    application, _rest = entra.public_client("User.Read")
    form: dict[str, Any] = password_form(application, user, "openid", resource="https://graph.microsoft.com")
    answer = entra.token(version="", **form).json()
    assert (answer["resource"], answer["scope"], answer["expires_in"]) == (
        "https://graph.microsoft.com",
        "https://graph.microsoft.com/User.Read https://graph.microsoft.com/.default openid",
        "3599",
    )
    identity = jwt.decode(answer["id_token"], options={"verify_signature": False})
    assert (identity["ver"], identity["iss"]) == ("1.0", f"https://sts.windows.net/{entra.tenant.id}/")
    assert (identity["upn"], identity["aud"]) == (user["userPrincipalName"], application["appId"])


def test_shared_endpoints_are_for_applications_of_several_tenants(entra: Microsoft) -> None:
    user = entra.user()
    alone, _rest = entra.public_client("User.Read")
    refused = entra.token("organizations", **password_form(alone, user, "User.Read"))
    assert refusal(refused) == (400, "invalid_request", 50194)
    many, _rest = entra.public_client("User.Read", **MANY)
    assert entra.token("organizations", **password_form(many, user, "User.Read")).status_code == 200
    assert refusal(entra.token("common", **password_form(many, user, "User.Read")))[2] == 9001023


def test_scopes_that_cannot_be_had(entra: Microsoft) -> None:
    user = entra.user()
    application, _rest = entra.public_client("User.Read")
    for scope, refused in (
        ("User.Read https://outlook.office365.com/EWS.AccessAsUser.All", ("invalid_request", 28000)),
        ("relative/path/User.Read", ("invalid_scope", 70011)),
        ("https://unknown.example/User.Read", ("invalid_resource", 500011)),
    ):
        assert refusal(entra.token(**password_form(application, user, scope)))[1:] == refused


def test_application_for_assigned_users(entra: Microsoft) -> None:
    user = entra.user()
    application, principal = entra.public_client("User.Read")
    form = password_form(application, user, "User.Read")
    entra.ok("PATCH", f"/servicePrincipals/{principal['id']}", {"appRoleAssignmentRequired": True})
    assert refusal(entra.token(**form)) == (400, "invalid_grant", 50105)
    role = "00000000-0000-0000-0000-000000000000"
    body = {"principalId": user["id"], "resourceId": principal["id"], "appRoleId": role}
    entra.ok("POST", f"/servicePrincipals/{principal['id']}/appRoleAssignedTo", body)
    assert entra.token(**form).status_code == 200


def test_new_password_ends_what_the_old_one_began(entra: Microsoft) -> None:
    user = entra.user()
    application, _rest = entra.public_client("User.Read")
    form = password_form(application, user, "User.Read offline_access")
    token = entra.token(**form).json()["refresh_token"]
    profile = {"password": "Another-horse-8", "forceChangePasswordNextSignIn": True}
    entra.ok("PATCH", f"/users/{user['id']}", {"passwordProfile": profile})
    refresh = {"grant_type": "refresh_token", "client_id": application["appId"], "scope": "User.Read"}
    refused = entra.token(**refresh, refresh_token=token)
    assert refusal(refused) == (400, "invalid_grant", 50173)
    assert "The user might have changed or reset their password." in refused.json()["error_description"]
    assert refusal(entra.token(**{**form, "password": "Another-horse-8"}))[2] == 50055


def test_userinfo(entra: Microsoft) -> None:
    user = entra.user(givenName="Anna", surname="Anker")
    application, _rest = entra.public_client("User.Read")
    form = password_form(application, user, "openid profile User.Read")

    def ask(token: str) -> Any:
        return entra.service.get("/oidc/userinfo", headers={"Authorization": f"Bearer {token}"})

    answer = entra.token(**form).json()
    identity = jwt.decode(answer["id_token"], options={"verify_signature": False})
    assert ask(answer["access_token"]).json() == {
        "sub": identity["sub"],
        "name": "svc",
        "given_name": "Anna",
        "family_name": "Anker",
    }
    for token in (entra.bearer, "rubbish", entra.token(**{**form, "scope": "User.Read"}).json()["access_token"]):
        assert ask(token).status_code == 401
