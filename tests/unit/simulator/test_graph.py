# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Graph's wire: envelope, request forms, queries, permissions, batches and lagging replicas."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from simulator.graph_call import OPERATIONS
from simulator.graph_permissions import check, of_mailbox
from simulator.graph_types import properties
from simulator.seed import DIRECTORY_ROLES, EXCHANGE_APP_ID, GRAPH_APP_ID
from simulator.tokens import Principal
from unit.simulator.graph_client import GRAPH_SCOPE, PASSWORD, Microsoft

EVENTUAL = {"ConsistencyLevel": "eventual"}
MISSING = "Resource '{}' does not exist or one of its queried reference-property objects are not present."


@pytest.fixture
def graph(tmp_path: Path) -> Microsoft:
    return Microsoft(tmp_path / "tenant")


# --- the wire ---------------------------------------------------------------------------------------------------------


def test_answer_headers_and_error_envelope(graph: Microsoft) -> None:
    answer = graph.call("GET", "/users/nobody@contoso.com", client_request_id="my-id")
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == ("Request_ResourceNotFound", MISSING.format("nobody@contoso.com"))
    assert error["innerError"]["client-request-id"] == answer.headers["client-request-id"] == "my-id"
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", error["innerError"]["date"])
    assert answer.headers["cache-control"] == "no-cache"
    assert "ServerInfo" in answer.headers["x-ms-ags-diagnostic"]
    assert {"strict-transport-security", "vary"} <= set(answer.headers)


@pytest.mark.parametrize(
    ("bearer", "message"),
    [
        ("", "Access token is empty."),
        (
            "opaque",
            "IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS or JWE Compact",
        ),
        ("a.b.c", "Access token validation failure. Invalid signature."),
        ("exchange", "Access token validation failure. Invalid audience."),
        ("expired", "Lifetime validation failed, the token is expired."),
    ],
)
def test_refused_tokens(graph: Microsoft, bearer: str, message: str) -> None:
    if bearer == "exchange":
        bearer = graph.token(**graph.automation, scope="https://outlook.office365.com/.default").json()["access_token"]
    elif bearer == "expired":
        bearer = graph.tenant.tokens.issue("https://graph.microsoft.com", {"appid": "a", "oid": "b"}, lifetime=-10)
    answer = graph.call("GET", "/users", bearer=bearer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert answer.json()["error"]["message"].startswith(message)
    assert answer.headers["www-authenticate"].startswith('Bearer realm="", authorization_uri="')


@pytest.mark.parametrize(
    "path",
    [
        "/users/alice@contoso.com",
        "//users/alice@contoso.com",
        "/users('alice@contoso.com')",
        "/users/alice%40contoso.com",
        "/Users/ALICE@contoso.com",
    ],
)
def test_request_forms_of_a_user(graph: Microsoft, path: str) -> None:
    assert graph.ok("GET", path)["displayName"] == "Alice Anker"


def test_request_forms_of_applications_and_actions(graph: Microsoft) -> None:
    application = graph.ok(
        "PATCH", "/applications(uniqueName='it''s-mine')", {"displayName": "App"}, Prefer="create-if-missing"
    )
    assert application["uniqueName"] == "it's-mine"
    by_app_id = f"/applications(appId='{application['appId']}')"
    assert graph.ok("GET", by_app_id)["id"] == application["id"]
    assert graph.ok("POST", by_app_id + "/microsoft.graph.addPassword", {})["secretText"]
    assert graph.ok("POST", by_app_id + "/addPassword")["secretText"]
    nometadata = "application/json;odata=nometadata"
    assert "@odata.context" not in graph.ok("GET", by_app_id, Accept=nometadata)
    assert "@odata.context" not in graph.ok("GET", "/users", Accept="application/json;odata.metadata=none")
    answer = graph.service.patch(
        f"/v1.0/applications/{application['id']}",
        content=b'{"notes":"x"}',
        headers={"Authorization": f"Bearer {graph.bearer}", "Content-Type": nometadata},
    )
    assert answer.status_code == 204


def test_wrong_requests(graph: Microsoft) -> None:
    assert graph.refused(400, "BadRequest", "GET", "/frobs") == "Resource not found for the segment 'frobs'."
    text = graph.refused(400, "BadRequest", "GET", "/users/alice@contoso.com/frobs")
    assert text == "Resource not found for the segment 'frobs'."
    graph.refused(405, "Request_BadRequest", "DELETE", "/organization")
    assert graph.refused(400, "BadRequest", "GET", "/me").startswith("/me request is only valid with delegated")
    headers = {"Authorization": f"Bearer {graph.bearer}"}
    assert graph.service.get("/v2.0/users", headers=headers).status_code == 400
    assert graph.service.head("/v1.0/users", headers=headers).status_code == 200
    for content, content_type, status in ((b"{", "application/json", 400), (b"x", "text/plain", 415), (b"{}", "", 400)):
        typed = {**headers, "Content-Type": content_type} if content_type else headers
        assert graph.service.post("/v1.0/users", content=content, headers=typed).status_code == status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"displayNam": "x"}, "Invalid property 'displayNam'."),
        ({"displayName": 7}, "Cannot convert a primitive value to the expected type 'Edm.String'."),
        ({"isFallbackPublicClient": "yes"}, "Cannot convert a primitive value to the expected type 'Edm.Boolean'."),
        ({"web": {"redirectUri": []}}, "Invalid property 'redirectUri'."),
        ({"tags": "one"}, "A value of another kind was read from the JSON reader"),
        ({"requiredResourceAccess": [{"resourceAccess": [{"id": "no guid"}]}]}, "Cannot convert a primitive value"),
    ],
)
def test_bodies_are_checked_against_the_published_types(graph: Microsoft, body: dict[str, Any], message: str) -> None:
    assert graph.refused(400, "Request_BadRequest", "POST", "/applications", {"displayName": "x", **body}).startswith(
        message
    )


STRANGE: list[Any] = [
    None,
    [],
    "x",
    5,
    {},
    {"@odata.id": 5},
    {"addLicenses": 5, "removeLicenses": "x"},
    {"addLicenses": [None], "removeLicenses": []},
    {"keyCredentials": [None]},
    {"keyCredentials": [{}]},
    {"passwordCredential": {"endDateTime": "2026-13-01T00:00:00Z"}},
    {"passwordProfile": {"password": None}},
    {"web": None, "api": None, "appRoles": [{}]},
    {"identifierUris": [None]},
    {"displayName": "x", "owners@odata.bind": 5},
    {"principalId": "5", "resourceId": "5", "appRoleId": "5"},
    {"principalId": "x", "roleDefinitionId": "x", "directoryScopeId": "/x"},
]


def test_strange_bodies_are_answered(graph: Microsoft) -> None:
    application, principal = graph.registration()
    keys = {
        "application-id": application["id"],
        "servicePrincipal-id": principal["id"],
        "user-id": graph.user()["id"],
        "group-id": graph.ok("GET", "/groups")["value"][1]["id"],
    }
    for name in OPERATIONS:
        method, _rest, template = name.partition(" ")
        if method in ("POST", "PATCH"):
            path = re.sub(r"\{(.*?)\}", lambda key: keys.get(key[1], "nothing"), template)
            for body in STRANGE:
                assert graph.call(method, path, body).status_code < 500, (name, body)


# --- queries ----------------------------------------------------------------------------------------------------------


def test_select(graph: Microsoft) -> None:
    default = graph.ok("GET", "/users/alice@contoso.com")
    assert "accountEnabled" not in default
    assert default["mail"] == "alice@contoso.com"
    some = graph.ok("GET", "/users?$select=usageLocation,ACCOUNTENABLED")
    assert some["@odata.context"].endswith("/$metadata#users(usageLocation,ACCOUNTENABLED)")
    assert set(some["value"][0]) == {"usageLocation", "accountEnabled"}
    text = graph.refused(400, "BadRequest", "GET", "/users?$select=frob")
    assert text.endswith("Could not find a property named 'frob' on type 'microsoft.graph.user'.")
    full = graph.ok(
        "GET", "/users/alice@contoso.com?$select=id,passwordProfile,department,assignedPlans,licenseAssignmentStates"
    )
    assert full["passwordProfile"] is None
    assert full["assignedPlans"]
    assert full["licenseAssignmentStates"][0]["state"] == "Active"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("userPrincipalName eq 'ALICE@contoso.com'", "alice"),
        ("displayName eq 'Bob O''Brien'", "bob"),
        ("startswith(displayName,'a') or startsWith(displayName, 'b')", "alice bob"),
        ("userPrincipalName in ('alice@contoso.com', 'carol@contoso.com')", "alice carol"),
        ("accountEnabled eq true and (displayName eq 'Dave Dahl')", "dave"),
        ("proxyAddresses/any(p:startswith(p,'smtp:carol'))", "carol"),
        ("assignedLicenses/any(x:x/skuId eq 05e9a617-0261-4cee-bb44-138d3ef5d965)", "alice bob carol"),
        ("createdDateTime ge 2020-01-01T00:00:00Z and mail eq null", "dave"),
    ],
)
def test_filter(graph: Microsoft, text: str, names: str) -> None:
    found = graph.ok("GET", f"/users?$select=mailNickname&$filter={text}")["value"]
    assert [one["mailNickname"] for one in found] == names.split()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accountEnabled ne true", "Unsupported Query."),
        ("not(accountEnabled eq true)", "Unsupported Query."),
        ("assignedLicenses/$count eq 0", "Unsupported Query."),
        (
            "endswith(mail,'contoso.com')",
            "Operator 'endsWith' is not supported because the 'ConsistencyLevel:eventual'",
        ),
        ("aboutMe eq 'x'", "The request uses a filter property that is not indexed"),
        ("frob eq 'x'", "Property 'frob' does not exist as a declared property or extension property."),
        ("passwordPolicies eq 'None'", "Unsupported Query."),
    ],
)
def test_advanced_filters_need_their_header(graph: Microsoft, text: str, message: str) -> None:
    assert graph.refused(400, "Request_UnsupportedQuery", "GET", f"/users?$filter={text}").startswith(message)
    if not text.startswith(("aboutMe", "frob", "passwordPolicies")):
        assert graph.ok("GET", f"/users?$count=true&$filter={text}", **EVENTUAL)["@odata.count"] < 5


def test_malformed_filters(graph: Microsoft) -> None:
    for text in ("displayName eq", "displayName 'x'", "(displayName eq 'x'", "displayName eq 'x' and", "~"):
        assert graph.refused(400, "BadRequest", "GET", f"/users?$filter={text}").startswith("Invalid filter clause")


def test_count_search_and_order(graph: Microsoft) -> None:
    assert "@odata.count" not in graph.ok("GET", "/users?$count=true")
    assert graph.ok("GET", "/users?$count=true", **EVENTUAL)["@odata.count"] == 4
    answer = graph.call("GET", "/users/$count", **EVENTUAL, Accept="text/plain")
    assert (answer.text, answer.headers["content-type"].split(";")[0]) == ("4", "text/plain")
    assert graph.call("GET", "/users/$count", **EVENTUAL, Accept="application/json").status_code == 415
    assert graph.refused(400, "Request_BadRequest", "GET", "/users/$count") == "$count is not currently supported."
    path = '/users?$select=displayName&$search="displayName:bri"'
    assert [one["displayName"] for one in graph.ok("GET", path, **EVENTUAL)["value"]] == ["Bob O'Brien"]
    assert "special request header" in graph.refused(400, "Request_UnsupportedQuery", "GET", path)
    ordered = graph.ok("GET", "/users?$orderby=displayName desc&$select=mailNickname")["value"]
    assert [one["mailNickname"] for one in ordered] == ["dave", "carol", "bob", "alice"]
    both = "/users?$orderby=displayName&$filter=accountEnabled eq true"
    graph.refused(400, "Request_UnsupportedQuery", "GET", both)
    graph.ok("GET", both + "&$count=true", **EVENTUAL)


def test_pages(graph: Microsoft) -> None:
    names, path = [], "/users?$top=3&$select=mailNickname&$filter=accountEnabled eq true"
    while path:
        page = graph.ok("GET", path)
        names += [one["mailNickname"] for one in page["value"]]
        link = page.get("@odata.nextLink", "")
        assert not link or link.startswith("https://localhost:1001/v1.0/users?")
        path = link.partition("/v1.0")[2]
    assert names == ["alice", "bob", "carol", "dave"]
    assert len(graph.ok("GET", "/users", Prefer="odata.maxpagesize=1")["value"]) == 1
    for size in ("0", "1000", "x"):
        graph.refused(400, "Request_UnsupportedQuery", "GET", f"/users?$top={size}")
    for path in ("/subscribedSkus", "/directoryRoles", "/directoryRoleTemplates"):
        text = graph.refused(400, "Request_UnsupportedQuery", "GET", path + "?$top=5")
        assert text == "This resource does not support custom page sizes. Please retry without a page size argument."


def test_expand(graph: Microsoft) -> None:
    path = (
        f"/servicePrincipals?$filter=appId eq '{graph.automation['client_id']}'&$expand=appRoleAssignments&$select=id"
    )
    principal = graph.ok("GET", path)["value"][0]
    assert all(one["principalId"] == principal["id"] for one in principal["appRoleAssignments"])
    assert len(principal["appRoleAssignments"]) > 10
    assert "frob" in graph.refused(400, "BadRequest", "GET", "/users?$expand=frob")


# --- permissions ------------------------------------------------------------------------------------------------------


def test_every_operation_has_permissions(graph: Microsoft) -> None:
    roles = {role["value"] for role in (graph.tenant.service_principal(GRAPH_APP_ID) or {})["appRoles"]}
    roles |= {"AdministrativeUnit.Read.All", "GroupMember.ReadWrite.All"}
    everything = Principal("a", "b", roles=frozenset(roles))
    decided_here = [name for name in OPERATIONS if not of_mailbox(name)]
    assert [name for name in decided_here if not check(name, everything, False)] == []
    assert [name for name in OPERATIONS if check(name, Principal("a", "b"), False)] == []


@pytest.mark.parametrize(
    ("roles", "method", "path", "allowed"),
    [
        ("User.Read.All", "GET", "/users", True),
        ("User.Read.All", "DELETE", "/users/dave@contoso.com", False),
        ("Directory.ReadWrite.All", "DELETE", "/users/dave@contoso.com", False),
        ("User.DeleteRestore.All", "DELETE", "/users/dave@contoso.com", True),
        ("MailboxSettings.Read", "GET", "/users/alice@contoso.com/mailboxSettings", True),
        ("User.Read.All", "GET", "/users/alice@contoso.com/mailboxSettings", False),
        ("Calendars.Read", "GET", "/users/alice@contoso.com/calendar", True),
        ("Organization.Read.All", "GET", "/subscribedSkus", True),
        ("Application.Read.All", "GET", "/applications", True),
        ("Application.Read.All", "POST", "/applications", False),
        ("User.Read.All", "GET", "/directory/deletedItems/microsoft.graph.user", True),
        ("User.Read.All", "GET", "/directory/deletedItems/microsoft.graph.application", False),
    ],
)
def test_permission_of_an_operation(graph: Microsoft, roles: str, method: str, path: str, allowed: bool) -> None:
    body = {"displayName": "x"} if method == "POST" else None
    answer = graph.call(method, path, body, bearer=graph.bearer_of(*roles.split()))
    assert (answer.status_code < 300) == allowed, answer.text
    if not allowed:
        denied = {
            "Authorization_RequestDenied": "Insufficient privileges to complete the operation.",
            "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
        }
        error = answer.json()["error"]
        code = "ErrorAccessDenied" if path.endswith("mailboxSettings") else "Authorization_RequestDenied"
        assert (answer.status_code, error["code"], error["message"]) == (403, code, denied[code])


def test_assigning_a_role_takes_two_permissions(graph: Microsoft) -> None:
    _rest, principal = graph.registration()
    target = graph.tenant.service_principal(EXCHANGE_APP_ID) or {}
    body = {"principalId": principal["id"], "resourceId": target["id"], "appRoleId": target["appRoles"][0]["id"]}
    path = f"/servicePrincipals/{target['id']}/appRoleAssignedTo"
    for roles in (["AppRoleAssignment.ReadWrite.All"], ["Application.ReadWrite.All"], ["Directory.Read.All"]):
        graph.refused(403, "Authorization_RequestDenied", "POST", path, body, bearer=graph.bearer_of(*roles))
    graph.ok("POST", path, body, bearer=graph.bearer_of("AppRoleAssignment.ReadWrite.All", "Application.ReadWrite.All"))


def test_owned_by_reaches_own_applications_only(graph: Microsoft) -> None:
    foreign, _rest = graph.registration()
    alone = graph.ok("POST", "/applications", {"displayName": "Foreign"})
    bearer = graph.bearer_of("Application.ReadWrite.OwnedBy")
    own = graph.ok("POST", "/applications", {"displayName": "Own"}, bearer=bearer)
    principal = graph.ok("POST", "/servicePrincipals", {"appId": own["appId"]}, bearer=bearer)
    assert len(graph.ok("GET", f"/applications/{own['id']}/owners", bearer=bearer)["value"]) == 1
    assert len(graph.ok("GET", "/applications", bearer=bearer)["value"]) > 2  # lists are not limited (Microsoft docs)
    graph.ok("POST", f"/applications/{own['id']}/addPassword", {}, bearer=bearer)
    graph.ok("PATCH", f"/servicePrincipals/{principal['id']}", {"tags": ["x"]}, bearer=bearer)
    for method, path, body in (
        ("PATCH", f"/applications/{foreign['id']}", {"notes": "x"}),
        ("POST", f"/applications/{foreign['id']}/addPassword", {}),
        ("DELETE", f"/applications/{foreign['id']}", None),
    ):
        graph.refused(403, "Authorization_RequestDenied", method, path, body, bearer=bearer)
    text = graph.refused(
        403, "Authorization_RequestDenied", "POST", "/servicePrincipals", {"appId": alone["appId"]}, bearer=bearer
    )
    assert text.startswith(
        "When using this permission, the backing application of the service principal being created must in"
    )


def test_narrow_permissions_change_their_property_only(graph: Microsoft) -> None:
    bearer = graph.bearer_of("User.EnableDisableAccount.All")
    graph.ok("PATCH", "/users/dave@contoso.com", {"accountEnabled": False}, bearer=bearer)
    graph.refused(
        403, "Authorization_RequestDenied", "PATCH", "/users/dave@contoso.com", {"department": "x"}, bearer=bearer
    )
    password = {"passwordProfile": {"password": PASSWORD}}
    plain = graph.bearer_of("User.ReadWrite.All")
    graph.refused(403, "Authorization_RequestDenied", "PATCH", "/users/dave@contoso.com", password, bearer=plain)
    graph.ok("PATCH", "/users/dave@contoso.com", password, bearer=graph.bearer_of("User-PasswordProfile.ReadWrite.All"))


def test_users_need_a_directory_role_to_write(graph: Microsoft) -> None:
    application, _rest = graph.public_client("User.ReadWrite.All Directory.Read.All User.Read")
    form = {"grant_type": "password", "client_id": application["appId"], "password": PASSWORD, "scope": GRAPH_SCOPE}
    plain, admin = graph.user("plain"), graph.administrator("User Administrator")
    bearers = [graph.token(**form, username=one["userPrincipalName"]).json()["access_token"] for one in (plain, admin)]
    change = {"department": "x"}
    graph.refused(403, "Authorization_RequestDenied", "PATCH", "/users/dave@contoso.com", change, bearer=bearers[0])
    graph.ok("PATCH", "/users/dave@contoso.com", change, bearer=bearers[1])
    assert graph.ok("GET", "/me", bearer=bearers[0])["userPrincipalName"] == "plain@contoso.com"


# --- batches ----------------------------------------------------------------------------------------------------------


def test_batch(graph: Microsoft) -> None:
    json_type = {"Content-Type": "application/json"}
    steps = [
        {"id": "1", "method": "GET", "url": "/users/alice@contoso.com?$select=id"},
        {"id": "2", "method": "POST", "url": "/applications", "body": {"displayName": "B"}, "headers": json_type},
        {"id": "3", "method": "GET", "url": "/users/nobody%40contoso.com"},
        {"id": "4", "method": "GET", "url": "/users", "dependsOn": ["3"]},
        {"id": "5", "method": "POST", "url": "/applications", "body": {"displayName": "B"}},
        {"id": "6", "method": "GET", "url": "/users", "dependsOn": ["2"]},
    ]
    answers = {one["id"]: one for one in graph.ok("POST", "/$batch", {"requests": steps})["responses"]}
    assert {key: one["status"] for key, one in answers.items()} == {
        "1": 200,
        "2": 201,
        "3": 404,
        "4": 424,
        "5": 400,
        "6": 200,
    }
    assert answers["3"]["body"]["error"]["message"] == MISSING.format("nobody@contoso.com")
    bearer = graph.bearer_of("User.Read.All")
    items = graph.ok("POST", "/$batch", {"requests": steps[:2]}, bearer=bearer)["responses"]
    assert {one["id"]: one["status"] for one in items} == {"1": 200, "2": 403}


def test_refused_batches(graph: Microsoft) -> None:
    one = {"method": "GET", "url": "/users"}
    many = [{"id": str(number), **one} for number in range(21)]
    text = graph.refused(400, "MaximumValueExceeded", "POST", "/$batch", {"requests": many})
    assert text == "Number of batch request steps exceeds the maximum value of 20."
    for body in (
        {},
        {"requests": [one]},
        {"requests": [{"id": "1", **one}] * 2},
        {"requests": [{"id": "1", **one, "dependsOn": ["9"]}]},
    ):
        graph.refused(400, "BadRequest", "POST", "/$batch", body)


# --- replicas ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def lagging(tmp_path: Path) -> Microsoft:
    return Microsoft(tmp_path / "tenant", lag=30)


def test_new_objects_are_found_by_some_reads(lagging: Microsoft) -> None:
    application = lagging.ok("POST", "/applications", {"displayName": "App"})
    path = f"/applications/{application['id']}"
    assert [lagging.call("GET", path).status_code for _rest in range(4)] == [404, 200, 404, 200]
    assert [lagging.call("PATCH", path, {"notes": "x"}).status_code for _rest in range(2)] == [404, 204]
    assert [lagging.call("POST", path + "/addPassword", {}).status_code for _rest in range(2)] == [404, 200]
    listed = f"/applications?$filter=appId eq '{application['appId']}'"
    assert lagging.ok("GET", listed)["value"] == []
    lagging.tenant.store.settle()
    assert [lagging.call("GET", path).status_code for _rest in range(2)] == [200, 200]
    assert len(lagging.ok("GET", listed)["value"]) == 1


def test_references_to_new_objects_fail_in_both_known_ways(lagging: Microsoft) -> None:
    application = lagging.ok("POST", "/applications", {"displayName": "App"})
    answers = [lagging.call("POST", "/servicePrincipals", {"appId": application["appId"]}) for _rest in range(4)]
    assert [one.status_code for one in answers] == [400, 403, 400, 201]
    assert answers[0].json()["error"]["details"][0]["code"] == "NoBackingApplicationObject"
    assert "must in the local tenant" in answers[1].json()["error"]["message"]
    principal = answers[3].json()
    target = lagging.tenant.service_principal(EXCHANGE_APP_ID) or {}
    body = {"principalId": principal["id"], "resourceId": target["id"], "appRoleId": target["appRoles"][0]["id"]}
    path = f"/servicePrincipals/{target['id']}/appRoleAssignedTo"
    answers = [lagging.call("POST", path, body) for _rest in range(4)]
    assert [one.status_code for one in answers] == [404, 400, 404, 201]
    assert answers[1].json()["error"]["message"] == "Not a valid reference update"
    assert principal["id"] not in [one["principalId"] for one in lagging.ok("GET", path)["value"]]
    role = {"principalId": principal["id"], "roleDefinitionId": DIRECTORY_ROLES["Exchange Administrator"]}
    answers = [lagging.call("POST", "/roleManagement/directory/roleAssignments", role) for _rest in range(4)]
    assert [one.status_code for one in answers] == [404, 400, 404, 201]
    grant = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": target["id"],
        "scope": "EWS.AccessAsUser.All",
    }
    answers = [lagging.call("POST", "/oauth2PermissionGrants", grant) for _rest in range(2)]
    assert [one.status_code for one in answers] == [404, 201]
    assert answers[0].json()["error"]["code"] == "Directory_ObjectNotFound"


def test_upsert_looks_at_the_newest_state(lagging: Microsoft) -> None:
    path = "/applications(uniqueName='once')"
    answers = [lagging.call("PATCH", path, {"displayName": "A"}, Prefer="create-if-missing") for _rest in range(2)]
    assert [one.status_code for one in answers] == [201, 204]


def test_types_come_from_the_contract() -> None:
    assert {"uniqueName", "isFallbackPublicClient", "id", "deletedDateTime"} <= set(
        properties("microsoft.graph.application")
    )
