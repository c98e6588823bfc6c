# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Graph's objects: users and licences, applications and credentials, consent, roles, the recycle bin."""

from __future__ import annotations

import base64
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from simulator.seed import DIRECTORY_ROLES, EXCHANGE_APP_ID, GRAPH_APP_ID
from simulator.store import Document
from simulator.tenant import new_id
from unit.simulator.graph_client import PASSWORD, Microsoft
from unit.simulator.test_entra import Certificate

E3, P1 = "05e9a617-0261-4cee-bb44-138d3ef5d965", "4b9405b0-7788-4568-add1-99614e613b69"
BAD = "Request_BadRequest"


@pytest.fixture
def graph(tmp_path: Path) -> Microsoft:
    return Microsoft(tmp_path / "tenant")


# --- users ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"displayName": None}, "A value is required for property 'displayName' of resource 'User'."),
        ({"mailNickname": None}, "A value is required for property 'mailNickname' of resource 'User'."),
        ({"passwordProfile": None}, "A value is required for property 'passwordProfile' of resource 'User'."),
        ({"passwordProfile": {"password": "short"}}, "The specified password does not comply with password complexity"),
        ({"passwordProfile": {"password": "onlylowercase"}}, "The specified password does not comply with password"),
        ({"userPrincipalName": "a@other.example"}, "The domain portion of the userPrincipalName property is invalid."),
        (
            {"userPrincipalName": "a@contoso-lab.com"},
            "The domain portion of the userPrincipalName property is invalid.",
        ),
        ({"userPrincipalName": "a b@contoso.com"}, "Property userPrincipalName is invalid."),
        ({"mailNickname": "a b"}, "Invalid value specified for property 'mailNickname' of resource 'User'."),
        ({"mailNickname": "a" * 65}, "Invalid value specified for property 'mailNickname' of resource 'User'."),
        ({"usageLocation": "Norway"}, "Invalid value specified for property 'usageLocation' of resource 'User'."),
        ({"passwordPolicies": "None, Whatever"}, "Invalid value specified for property 'passwordPolicies' of resource"),
        (
            {"userPrincipalName": "alice@contoso.com"},
            "Another object with the same value for property userPrincipalName",
        ),
        (
            {"userPrincipalName": "vmr-users@contoso.com"},
            "Another object with the same value for property proxyAddresses",
        ),
        ({"assignedLicenses": []}, "Property 'assignedLicenses' is read-only and cannot be set."),
    ],
)
def test_users_that_cannot_be_created(graph: Microsoft, changes: dict[str, Any], message: str) -> None:
    body = {
        "accountEnabled": True,
        "displayName": "x",
        "mailNickname": "x",
        "userPrincipalName": "x@contoso.com",
        "passwordProfile": {"password": PASSWORD},
        **changes,
    }
    assert graph.refused(400, BAD, "POST", "/users", body).startswith(message)


def test_conflicts_name_the_property(graph: Microsoft) -> None:
    graph.user("x")
    for name, target in (("alice@contoso.com", "userPrincipalName"), ("vmr-users@contoso.com", "proxyAddresses")):
        error = graph.call("PATCH", "/users/x@contoso.com", {"userPrincipalName": name}).json()["error"]
        assert (error["details"][0]["code"], error["details"][0]["target"]) == ("ObjectConflict", target)
    assert error["details"][1]["code"] == "ConflictingObjects"


def test_user_is_created_changed_and_hides_its_password(graph: Microsoft) -> None:
    user = graph.user(usageLocation="no", passwordPolicies="DisablePasswordExpiration", showInAddressList=False)
    assert list(user)[-1] == "id"
    assert "passwordProfile" not in user
    path = f"/users/{user['id']}"
    shown = graph.ok(
        "GET", path + "?$select=usageLocation,passwordPolicies,showInAddressList,passwordProfile,accountEnabled"
    )
    del shown["@odata.context"]
    assert shown == {
        "usageLocation": "NO",
        "passwordPolicies": "DisablePasswordExpiration",
        "showInAddressList": False,
        "passwordProfile": None,
        "accountEnabled": True,
    }
    assert (
        graph.call("PATCH", path, {"displayName": "Renamed", "userPrincipalName": "new@contoso.com"}).status_code == 204
    )
    assert graph.ok("GET", "/users/new@contoso.com")["displayName"] == "Renamed"
    assert PASSWORD not in graph.call("GET", path).text


def test_a_renamed_user_keeps_mailbox_rights(graph: Microsoft) -> None:
    alice = graph.ok("GET", "/users/alice@contoso.com")["id"]
    box = graph.tenant.mailbox_by_address("bob@contoso.com") or {}
    entry = {"Identity": box["Guid"], "User": "alice@contoso.com", "AccessRights": ["FullAccess"], "Deny": False}
    graph.tenant.store.put("mailboxPermission", f"{box['Guid']}/alice@contoso.com/False", entry)
    graph.ok("PATCH", f"/users/{alice}", {"userPrincipalName": "alicia@contoso.com"})
    assert graph.tenant.user_opens(alice, box)
    assert (graph.tenant.mailbox_by_address("alice@contoso.com") or {})["UserPrincipalName"] == "alicia@contoso.com"


def test_administrators_are_guarded(graph: Microsoft) -> None:
    admin = graph.administrator("Exchange Administrator")
    path = f"/users/{admin['id']}"
    graph.refused(403, "Authorization_RequestDenied", "PATCH", path, {"passwordProfile": {"password": PASSWORD}})
    graph.refused(403, "Authorization_RequestDenied", "DELETE", path)


# --- licences ---------------------------------------------------------------------------------------------------------


def test_licence_makes_a_mailbox_after_a_while(tmp_path: Path) -> None:
    graph = Microsoft(tmp_path / "tenant", switches={"mailbox_delay": 0.4})
    user = graph.user()
    path = f"/users/{user['id']}"
    text = graph.refused(404, "MailboxNotEnabledForRESTAPI", "GET", path + "/mailboxSettings")
    assert text == "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
    graph.give(user["id"], "EXCHANGESTANDARD")

    def state() -> str:
        plans = graph.ok("GET", path + "/licenseDetails")["value"][0]["servicePlans"]
        return next(
            str(plan["provisioningStatus"]) for plan in plans if plan["servicePlanName"] == "EXCHANGE_S_STANDARD"
        )

    assert state() == "PendingProvisioning"
    assert graph.call("GET", path + "/mailboxSettings").status_code == 404
    assert graph.ok("GET", path)["mail"] is None
    time.sleep(0.5)
    assert state() == "Success"
    assert graph.ok("GET", path)["mail"] == "svc@contoso.com"
    assert graph.ok("GET", path + "/mailboxSettings")["userPurpose"] == "user"
    assert graph.ok("PATCH", path + "/mailboxSettings", {"timeZone": "W. Europe Standard Time"})["timeZone"].startswith(
        "W."
    )
    assert graph.ok("GET", path + "/calendar")["owner"]["address"] == "svc@contoso.com"


def test_licence_errors(graph: Microsoft) -> None:
    user = graph.user(usageLocation=None)
    path = f"/users/{user['id']}/assignLicense"
    other = new_id()

    def refusal(add: list[Any] | None = None, remove: list[Any] | None = None) -> str:
        body = {"addLicenses": add or [], "removeLicenses": remove or []}
        return graph.refused(400, BAD, "POST", path, body)

    one = {"skuId": P1, "disabledPlans": []}
    assert refusal([one]) == "License assignment cannot be done for user with invalid usage location."
    graph.ok("PATCH", f"/users/{user['id']}", {"usageLocation": "NO"})
    assert refusal([{"skuId": other}]) == f"License {other} does not correspond to a valid company License."
    assert refusal(remove=[other]) == f"License {other} does not correspond to a valid company License."
    assert refusal(remove=[P1]) == "User does not have a corresponding license."
    guid = "Cannot convert a primitive value to the expected type 'Edm.Guid'. See the inner exception for more details"
    assert refusal([{"skuId": "EXCHANGESTANDARD"}]) == guid
    text = graph.refused(400, BAD, "POST", path, {"removeLicenses": []})
    assert text.endswith("The missing parameters are: addLicenses.")
    assert refusal([one, {"skuId": E3, "disabledPlans": []}]).endswith("are mutually exclusive.")
    assert "is not part of license" in refusal([{"skuId": P1, "disabledPlans": [other]}])
    sku = graph.tenant.fresh.get("subscribedSku", E3) or {}
    sharepoint = next(
        one["servicePlanId"] for one in sku["servicePlans"] if one["servicePlanName"] == "SHAREPOINTENTERPRISE"
    )
    assert f"depends on the service plan(s) {sharepoint}" in refusal([{"skuId": E3, "disabledPlans": [sharepoint]}])


def test_seats(tmp_path: Path) -> None:
    graph = Microsoft(tmp_path / "tenant", skus={"EXCHANGESTANDARD": 1, "SPE_E3": 25})
    first, second = graph.user("first"), graph.user("second")
    graph.give(first["id"], "EXCHANGESTANDARD")
    graph.give(first["id"], "EXCHANGESTANDARD")  # held already: no further seat
    body = {"addLicenses": [{"skuId": P1, "disabledPlans": []}], "removeLicenses": []}
    text = graph.refused(400, BAD, "POST", f"/users/{second['id']}/assignLicense", body)
    assert text == f"Subscription with SKU {P1} does not have any available licenses."

    def used() -> int:
        return next(
            int(one["consumedUnits"]) for one in graph.ok("GET", "/subscribedSkus")["value"] if one["skuId"] == P1
        )

    assert used() == 1
    graph.ok("DELETE", f"/users/{first['id']}")
    assert used() == 0
    graph.ok("POST", f"/users/{second['id']}/assignLicense", body)
    graph.ok("POST", f"/directory/deletedItems/{first['id']}/restore")
    assert graph.ok("GET", f"/users/{first['id']}?$select=assignedLicenses")["assignedLicenses"] == []


def test_inherited_licences(tmp_path: Path) -> None:
    users = [{"upn": "eve@contoso.com", "name": "Eve", "licences": [], "group_licences": ["SPE_E3"]}]
    graph = Microsoft(tmp_path / "tenant", users=users, groups=[], administrative_units=[])
    shown = graph.ok("GET", "/users/eve@contoso.com?$select=assignedLicenses,licenseAssignmentStates")
    assert [one["skuId"] for one in shown["assignedLicenses"]] == [E3]
    assert shown["licenseAssignmentStates"][0]["assignedByGroup"]
    text = graph.refused(
        400, BAD, "POST", "/users/eve@contoso.com/assignLicense", {"addLicenses": [], "removeLicenses": [E3]}
    )
    assert text.startswith("User license is inherited from a group membership")


# --- the recycle bin --------------------------------------------------------------------------------------------------


def test_deleted_user_comes_back_with_name_licence_and_mailbox(graph: Microsoft) -> None:
    alice = graph.ok("GET", "/users/alice@contoso.com")["id"]
    assert graph.call("DELETE", "/users/alice@contoso.com").status_code == 204
    graph.refused(404, "Request_ResourceNotFound", "DELETE", "/users/alice@contoso.com")
    assert graph.tenant.mailbox_by_address("alice@contoso.com") is None
    bin_path = "/directory/deletedItems/microsoft.graph.user"
    deleted = graph.ok("GET", bin_path + f"?$filter=id eq '{alice}'&$select=userPrincipalName,deletedDateTime")["value"]
    assert deleted[0]["userPrincipalName"] == alice.replace("-", "") + "alice@contoso.com"
    assert deleted[0]["deletedDateTime"]
    graph.refused(400, BAD, "GET", "/directory/deletedItems")
    restored = graph.ok("POST", f"/directory/deletedItems/{alice}/restore")
    assert (restored["@odata.type"], restored["userPrincipalName"]) == ("#microsoft.graph.user", "alice@contoso.com")
    assert graph.tenant.mailbox_by_address("alice@contoso.com")
    assert graph.ok("GET", "/users/alice@contoso.com?$select=assignedLicenses")["assignedLicenses"]
    graph.refused(404, "Request_ResourceNotFound", "POST", f"/directory/deletedItems/{alice}/restore")


def test_restore_collides_with_a_new_user_of_that_name(graph: Microsoft) -> None:
    first = graph.user("twin")["id"]
    graph.ok("DELETE", f"/users/{first}")
    second = graph.user("twin")["id"]
    text = graph.refused(400, BAD, "POST", f"/directory/deletedItems/{first}/restore")
    assert text == "Another object with the same value for property userPrincipalName already exists."
    assert graph.ok("GET", "/users/twin@contoso.com")["id"] == second
    assert graph.call("DELETE", f"/directory/deletedItems/{first}").status_code == 204
    graph.refused(404, "Request_ResourceNotFound", "GET", f"/directory/deletedItems/{first}")


@pytest.mark.parametrize("both", [False, True])
def test_deleting_and_restoring_an_application(tmp_path: Path, both: bool) -> None:
    graph = Microsoft(tmp_path / "tenant", switches={"restore_service_principal": both})
    application, principal = graph.registration()
    pointer: Document = {"ObjectId": principal["id"], "AppId": application["appId"]}
    graph.tenant.store.put("exchangeServicePrincipal", principal["id"], pointer)
    graph.tenant.store.put("managementRoleAssignment", "ra", {"Guid": "ra", "RoleAssignee": principal["id"]})
    graph.ok("DELETE", f"/applications/{application['id']}")
    graph.refused(404, "Request_ResourceNotFound", "GET", f"/servicePrincipals/{principal['id']}")
    assert not graph.tenant.fresh.all("exchangeServicePrincipal")
    assert not graph.tenant.fresh.all("managementRoleAssignment")
    graph.ok("POST", f"/directory/deletedItems/{application['id']}/restore")
    found = graph.call("GET", f"/servicePrincipals/{principal['id']}").status_code
    assert found == (200 if both else 404)
    if not both:
        body = {"appId": application["appId"]}
        text = graph.refused(409, "Request_MultipleObjectsWithSameKeyValue", "POST", "/servicePrincipals", body)
        assert text.endswith(f"because the service principal name {application['appId']} is already in use.")
        graph.ok("POST", f"/directory/deletedItems/{principal['id']}/restore")


def test_a_deleted_application_keeps_its_unique_name(graph: Microsoft) -> None:
    path, prefer = "/applications(uniqueName='mine')", {"Prefer": "create-if-missing"}
    graph.refused(404, "Request_ResourceNotFound", "PATCH", path, {"displayName": "A"})
    application = graph.ok("PATCH", path, {"displayName": "A"}, **prefer)
    graph.ok("DELETE", path)
    text = graph.refused(400, BAD, "PATCH", path, {"displayName": "A"}, **prefer)
    assert text == "Another object with the same value for property uniqueName already exists."
    deleted = graph.ok("GET", "/directory/deletedItems/microsoft.graph.application")["value"]
    assert [one["uniqueName"] for one in deleted] == ["mine"]
    graph.ok("DELETE", f"/directory/deletedItems/{application['id']}")
    assert graph.ok("PATCH", path, {"displayName": "A"}, **prefer)["id"] != application["id"]


# --- applications -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"displayName": None}, "A value is required for property 'displayName'"),
        ({"displayName": "x", "signInAudience": "Everyone"}, "Invalid value specified for property 'signInAudience'"),
        ({"displayName": "x", "uniqueName": "y"}, "Property 'uniqueName' is read-only"),
        (
            {"displayName": "x", "passwordCredentials": [{"displayName": "s"}]},
            "Property 'passwordCredentials' cannot be set",
        ),
        (
            {"displayName": "x", "identifierUris": ["https://evil.example/api"]},
            "Values of identifierUris property must use",
        ),
    ],
)
def test_applications_that_cannot_be_created(graph: Microsoft, body: dict[str, Any], message: str) -> None:
    assert graph.refused(400, BAD, "POST", "/applications", body).startswith(message)


def test_application_parts_are_merged_and_complete(graph: Microsoft) -> None:
    application = graph.ok(
        "POST", "/applications", {"displayName": "A", "web": {"redirectUris": ["https://a.example/x"]}}
    )
    path = f"/applications/{application['id']}"
    graph.ok("PATCH", path, {"web": {"homePageUrl": "https://a.example"}, "isFallbackPublicClient": True, "notes": "n"})
    shown = graph.ok("GET", path)
    assert shown["web"]["redirectUris"] == ["https://a.example/x"]
    assert (shown["web"]["homePageUrl"], shown["isFallbackPublicClient"], shown["notes"]) == (
        "https://a.example",
        True,
        "n",
    )
    assert {"publisherDomain", "optionalClaims", "addIns", "uniqueName"} <= set(shown)
    assert not [name for name in shown if name.startswith("_")]


def test_secrets(graph: Microsoft) -> None:
    application, _rest = graph.registration()
    path = f"/applications/{application['id']}"
    secret = graph.ok("POST", path + "/addPassword", {"passwordCredential": {"displayName": "x"}})
    assert len(secret["secretText"]) == 40
    assert secret["hint"] == secret["secretText"][:3]
    start, end = (
        datetime.fromisoformat(secret[name].replace("Z", "+00:00")) for name in ("startDateTime", "endDateTime")
    )
    assert (end - start).days == 730
    answer = graph.call("GET", path)
    assert answer.json()["passwordCredentials"][0]["keyId"] == secret["keyId"]
    assert secret["secretText"] not in answer.text
    assert "_secretText" not in answer.text
    text = graph.refused(400, BAD, "POST", path + "/removePassword", {"keyId": new_id()})
    assert text == "No credentials found to be removed."
    assert graph.call("POST", path + "/removePassword", {"keyId": secret["keyId"]}).status_code == 204
    assert graph.token(client_id=application["appId"], client_secret=secret["secretText"]).status_code == 401


def test_certificates(graph: Microsoft) -> None:
    application, _rest = graph.registration()
    path, one, two = f"/applications/{application['id']}", Certificate(), Certificate()
    graph.ok("PATCH", path, {"keyCredentials": [one.credential()]})
    listed = graph.ok("GET", path)["keyCredentials"][0]
    assert listed["key"] is None
    assert listed["customKeyIdentifier"] == one.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303
    assert (
        graph.ok("GET", path + "?$select=keyCredentials")["keyCredentials"][0]["key"]
        == base64.b64encode(one.der).decode()
    )
    everywhere = graph.ok("GET", f"/applications?$select=keyCredentials&$filter=appId eq '{application['appId']}'")
    assert everywhere["value"][0]["keyCredentials"][0]["key"] is None
    kept = {name: listed[name] for name in ("keyId", "type", "usage")}
    graph.ok("PATCH", path, {"keyCredentials": [kept, two.credential()]})
    assert len(graph.ok("GET", path + "?$select=keyCredentials")["keyCredentials"]) == 2
    late = {**one.credential(), "endDateTime": "2099-01-01T00:00:00Z"}
    graph.refused(400, "KeyCredentialsInvalidEndDate", "PATCH", path, {"keyCredentials": [late]})
    broken = {**one.credential(), "key": "AAAA"}
    graph.refused(400, "KeyCredentialsInvalidValue", "PATCH", path, {"keyCredentials": [broken]})


def test_rolling_keys_takes_a_proof(graph: Microsoft) -> None:
    application, _rest = graph.registration()
    path, one, two = f"/applications/{application['id']}", Certificate(), Certificate()
    graph.ok("PATCH", path, {"keyCredentials": [one.credential()]})
    now = int(time.time())
    claims = {"aud": "00000002-0000-0000-c000-000000000000", "iss": application["id"], "nbf": now, "exp": now + 600}
    proof = jwt.encode(claims, one.key, "RS256")
    body = {"keyCredential": two.credential(), "passwordCredential": None}
    added = graph.ok("POST", path + "/addKey", {**body, "proof": proof})
    long_lived = jwt.encode({**claims, "exp": now + 3600}, one.key, "RS256")
    for wrong in (jwt.encode(claims, Certificate().key, "RS256"), long_lived, proof + "=", None):
        text = graph.refused(
            401, "Authentication_MissingOrMalformed", "POST", path + "/addKey", {**body, "proof": wrong}
        )
        assert text == "Access Token missing or malformed."
    assert graph.call("POST", path + "/removeKey", {"keyId": added["keyId"], "proof": proof}).status_code == 204


def test_federated_credentials(graph: Microsoft) -> None:
    application, _rest = graph.registration()
    path = f"/applications/{application['id']}/federatedIdentityCredentials"
    body = {"name": "ci", "issuer": "https://i.example", "subject": "s", "audiences": ["api://AzureADTokenExchange"]}
    created = graph.ok("POST", path, body)
    graph.refused(409, "Request_MultipleObjectsWithSameKeyValue", "POST", path, {**body, "subject": "t"})
    graph.refused(400, BAD, "POST", path, {**body, "name": "other"})
    graph.ok("PATCH", f"{path}/{created['id']}", {"subject": "u"})
    assert graph.ok("GET", f"{path}/ci")["subject"] == "u"
    assert graph.call("DELETE", f"{path}/{created['id']}").status_code == 204
    assert graph.ok("GET", path)["value"] == []


def test_owners(graph: Microsoft) -> None:
    application, _rest = graph.registration()
    alice = graph.ok("GET", "/users/alice@contoso.com")["id"]
    path = f"/applications/{application['id']}/owners"
    link = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{alice}"}
    assert graph.call("POST", path + "/$ref", link).status_code == 204
    text = graph.refused(400, BAD, "POST", path + "/$ref", link)
    assert text == "One or more added object references already exist for the following modified properties: 'owners'."
    owner = next(one for one in graph.ok("GET", path)["value"] if one["id"] == alice)
    assert owner["@odata.type"] == "#microsoft.graph.user"
    assert graph.call("DELETE", f"{path}/{alice}/$ref").status_code == 204
    bound = graph.ok("POST", "/applications", {"displayName": "B", "owners@odata.bind": [link["@odata.id"]]})
    assert alice in [one["id"] for one in graph.ok("GET", f"/applications/{bound['id']}/owners")["value"]]


def test_enabled_roles_stay(graph: Microsoft) -> None:
    role = {
        "id": new_id(),
        "value": "A",
        "displayName": "A",
        "description": "A",
        "isEnabled": True,
        "allowedMemberTypes": ["User"],
    }
    application = graph.ok("POST", "/applications", {"displayName": "A", "appRoles": [role]})
    path = f"/applications/{application['id']}"
    graph.refused(400, "CannotDeleteOrUpdateEnabledEntitlement", "PATCH", path, {"appRoles": []})
    graph.ok("PATCH", path, {"appRoles": [{**role, "isEnabled": False}]})
    graph.ok("PATCH", path, {"appRoles": []})


# --- consent and roles ------------------------------------------------------------------------------------------------


def test_application_permissions(graph: Microsoft) -> None:
    _rest, principal = graph.registration()
    target = graph.ok("GET", f"/servicePrincipals(appId='{EXCHANGE_APP_ID}')")
    role = next(one["id"] for one in target["appRoles"] if one["value"] == "full_access_as_app")
    body = {"principalId": principal["id"], "resourceId": target["id"], "appRoleId": role}
    mine = f"/servicePrincipals/{principal['id']}/appRoleAssignments"
    created = graph.ok("POST", mine, body)
    assert (created["principalType"], created["resourceDisplayName"]) == (
        "ServicePrincipal",
        "Office 365 Exchange Online",
    )
    theirs = f"/servicePrincipals/{target['id']}/appRoleAssignedTo"
    assert graph.refused(400, BAD, "POST", theirs, body) == "Permission being assigned already exists on the object"
    text = graph.refused(400, BAD, "POST", theirs, {**body, "appRoleId": new_id()})
    assert text.startswith("Permission being assigned was not found on application")
    assert created["id"] in [one["id"] for one in graph.ok("GET", theirs)["value"]]
    assert graph.call("DELETE", f"{theirs}/{created['id']}").status_code == 204
    assert graph.ok("GET", mine)["value"] == []


@pytest.mark.parametrize(("status", "code"), [(409, "Request_MultipleObjectsWithSameKeyValue"), (400, BAD)])
def test_delegated_permissions(tmp_path: Path, status: int, code: str) -> None:
    graph = Microsoft(tmp_path / "tenant", switches={"duplicate_grant_status": status})
    _rest, principal = graph.registration()
    target = graph.tenant.service_principal(GRAPH_APP_ID) or {}
    body = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": target["id"],
        "scope": "User.Read",
    }
    created = graph.ok("POST", "/oauth2PermissionGrants", body)
    text = graph.refused(status, code, "POST", "/oauth2PermissionGrants", {**body, "scope": "Mail.ReadWrite"})
    assert text == "Permission entry already exists."
    alice = graph.ok("GET", "/users/alice@contoso.com")["id"]
    graph.ok("POST", "/oauth2PermissionGrants", {**body, "consentType": "Principal", "principalId": alice})
    path = f"/oauth2PermissionGrants/{created['id']}"
    assert graph.call("PATCH", path, {"scope": "User.Read Mail.ReadWrite"}).status_code == 204
    listed = graph.ok(
        "GET", f"/oauth2PermissionGrants?$filter=clientId eq '{principal['id']}' and consentType eq 'AllPrincipals'"
    )
    assert [one["scope"] for one in listed["value"]] == ["User.Read Mail.ReadWrite"]
    assert len(graph.ok("GET", f"/servicePrincipals/{principal['id']}/oauth2PermissionGrants")["value"]) == 2
    assert graph.call("DELETE", path).status_code == 204


def test_directory_roles(graph: Microsoft) -> None:
    _rest, principal = graph.registration()
    role = DIRECTORY_ROLES["Exchange Administrator"]
    body = {"roleDefinitionId": role, "principalId": principal["id"], "directoryScopeId": "/"}
    path = "/roleManagement/directory/roleAssignments"
    created = graph.ok("POST", path, {"@odata.type": "#microsoft.graph.unifiedRoleAssignment", **body})
    assert created["id"].endswith("-1")
    assert graph.refused(400, BAD, "POST", path, body).startswith("A conflicting object with one or more")
    listed = graph.ok("GET", f"{path}?$filter=principalId eq '{principal['id']}'&$expand=roleDefinition")["value"]
    assert [one["roleDefinition"]["displayName"] for one in listed] == ["Exchange Administrator"]
    members = graph.ok("GET", f"/directoryRoles(roleTemplateId='{role}')/members")["value"]
    assert principal["id"] in [one["id"] for one in members]
    graph.refused(409, "Request_MultipleObjectsWithSameKeyValue", "POST", "/directoryRoles", {"roleTemplateId": role})
    assert graph.call("DELETE", f"{path}/{created['id']}").status_code == 204


def test_the_tenant_and_its_groups(graph: Microsoft) -> None:
    organization = graph.ok("GET", "/organization")["value"]
    assert [one["id"] for one in organization] == [graph.tenant.id]
    domains = {one["id"]: one["isVerified"] for one in graph.ok("GET", "/domains")["value"]}
    assert domains == {"contoso.onmicrosoft.com": True, "contoso.com": True, "contoso-lab.com": False}
    groups = {one["displayName"]: one["id"] for one in graph.ok("GET", "/groups")["value"]}
    members = graph.ok("GET", f"/groups/{groups['VMR scheduling users']}/members?$select=displayName")["value"]
    assert [one["displayName"] for one in members] == ["Alice Anker", "Bob O'Brien"]
    carol = graph.ok("GET", "/users/carol@contoso.com")["id"]
    link = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{carol}"}
    graph.refused(400, BAD, "POST", f"/groups/{groups['VMR scheduling users']}/members/$ref", link)
    graph.ok("POST", f"/groups/{groups['Entra only']}/members/$ref", link)
    path = "/users/carol@contoso.com/getMemberGroups"
    assert graph.ok("POST", path, {"securityEnabledOnly": False})["value"] == [groups["Entra only"]]
    units = graph.ok("GET", "/directory/administrativeUnits")["value"]
    assert [one["displayName"] for one in units] == ["Oslo"]
    types = {one["@odata.type"] for one in graph.ok("GET", "/users/alice@contoso.com/memberOf")["value"]}
    assert types == {"#microsoft.graph.group", "#microsoft.graph.administrativeUnit"}
