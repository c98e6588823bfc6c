# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consent: app role assignments (application permissions) and OAuth2 permission grants (delegated ones)."""

from __future__ import annotations

from .graph_call import NO_CONTENT, Answer, Call, GraphError, bad_request, not_found, operation
from .graph_lists import collection
from .graph_objects import any_object, find, live
from .graph_odata import KINDS, single
from .graph_types import check_body
from .store import Document
from .tenant import graph_time, new_id

_ASSIGNMENT, _GRANT = KINDS["appRoleAssignment"], KINDS["oauth2PermissionGrant"]
# "The default access": an assignment without a particular role (Microsoft docs: appRoleAssignment).
DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"
LONGEST_SCOPE = 3850
_TYPES = {"servicePrincipal": "ServicePrincipal", "user": "User", "group": "Group"}


def _side(call: Call) -> tuple[str, str]:
    """The member of an assignment that the URL's object is, and the object's kind."""
    kind = "user" if call.path.lower().startswith("/users/") else "servicePrincipal"
    return ("resourceId" if "/approleassignedto" in call.path.lower() else "principalId"), kind


def _visible(call: Call, assignment: Document) -> bool:
    """Assignments of deleted principals are kept for a restore, and not shown."""
    return any(live(call.fresh.get(kind, assignment["principalId"])) for kind in _TYPES) and bool(
        live(call.fresh.get("servicePrincipal", assignment["resourceId"]))
    )


@operation(
    "GET /servicePrincipals/{servicePrincipal-id}/appRoleAssignedTo",
    "GET /servicePrincipals/{servicePrincipal-id}/appRoleAssignments",
    "GET /users/{user-id}/appRoleAssignments",
)
def list_assignments(call: Call, key: str) -> Answer:
    """What an object is assigned, or who is assigned to it."""
    side, kind = _side(call)
    document = find(call, kind, key)
    found = call.lists.where("appRoleAssignment", lambda one: one[side] == document["id"] and _visible(call, one))
    name = call.path.rpartition("/")[2]
    return collection(call, _ASSIGNMENT, found, f"{kind}s('{document['id']}')/{name}")


@operation(
    "GET /servicePrincipals/{servicePrincipal-id}/appRoleAssignedTo/{appRoleAssignment-id}",
    "GET /servicePrincipals/{servicePrincipal-id}/appRoleAssignments/{appRoleAssignment-id}",
    "GET /users/{user-id}/appRoleAssignments/{appRoleAssignment-id}",
)
def get_assignment(call: Call, key: str, assignment_key: str) -> Answer:
    """One assignment of an object."""
    side, kind = _side(call)
    document = find(call, kind, key)
    found = call.view.get("appRoleAssignment", assignment_key)
    if found is None or found[side] != document["id"]:
        raise not_found(assignment_key)
    return single(call, _ASSIGNMENT, found)


@operation(
    "POST /servicePrincipals/{servicePrincipal-id}/appRoleAssignedTo",
    "POST /servicePrincipals/{servicePrincipal-id}/appRoleAssignments",
    "POST /users/{user-id}/appRoleAssignments",
)
def assign(call: Call, key: str) -> Answer:
    """Grant an application permission; fails in two ways while the principal replicates."""
    side, kind = _side(call)
    body = check_body("POST /servicePrincipals/{servicePrincipal-id}/appRoleAssignedTo", call.body)
    document = live(call.fresh.get(kind, find(call, kind, key)["id"]))
    for name in ("principalId", "resourceId", "appRoleId"):
        if not body.get(name):
            # Unverified wording.
            raise bad_request(f"A value is required for property '{name}' of resource 'AppRoleAssignment'.")
    if document is None or body[side].lower() != document["id"].lower():
        raise bad_request("Not a valid reference update")
    _check_replicated(call, body["principalId"])
    found = any_object(call, body["principalId"], fresh=True)
    resource = live(call.fresh.get("servicePrincipal", body["resourceId"]))
    if found is None or found[0] not in _TYPES:
        raise not_found(body["principalId"])
    if resource is None:
        raise not_found(body["resourceId"])
    principal_kind, principal = found
    role = body["appRoleId"].lower()
    if role != DEFAULT_ACCESS and role not in [
        one["id"].lower() for one in resource["appRoles"] if one.get("isEnabled", True)
    ]:
        raise bad_request(f"Permission being assigned was not found on application '{resource['appId']}'.")
    same = call.fresh.first(
        "appRoleAssignment",
        lambda one: (
            (one["principalId"], one["resourceId"], one["appRoleId"].lower()) == (principal["id"], resource["id"], role)
        ),
    )
    if same:
        raise bad_request("Permission being assigned already exists on the object")
    assignment = {
        "id": new_id().replace("-", "") + "-aRa",
        "deletedDateTime": None,
        "appRoleId": role,
        "createdDateTime": graph_time(),
        "principalDisplayName": principal["displayName"],
        "principalId": principal["id"],
        "principalType": _TYPES[principal_kind],
        "resourceDisplayName": resource["displayName"],
        "resourceId": resource["id"],
    }
    call.tenant.store.put("appRoleAssignment", assignment["id"], assignment)
    return single(call, _ASSIGNMENT, assignment, 201)


def _check_replicated(call: Call, principal_id: str) -> None:
    if any(live(call.lists.get(kind, principal_id)) for kind in _TYPES):
        return
    if not any(live(call.fresh.get(kind, principal_id)) for kind in _TYPES):
        return
    turn = call.lagging_twice(f"principal of assignment {principal_id}")
    if turn == 1:
        raise not_found(principal_id)
    if turn == 2:
        raise bad_request("Not a valid reference update")


@operation(
    "DELETE /servicePrincipals/{servicePrincipal-id}/appRoleAssignedTo/{appRoleAssignment-id}",
    "DELETE /servicePrincipals/{servicePrincipal-id}/appRoleAssignments/{appRoleAssignment-id}",
    "DELETE /users/{user-id}/appRoleAssignments/{appRoleAssignment-id}",
)
def remove_assignment(call: Call, key: str, assignment_key: str) -> Answer:
    """Take an application permission back."""
    side, kind = _side(call)
    document = find(call, kind, key)
    found = call.fresh.get("appRoleAssignment", assignment_key)
    if found is None or found[side] != document["id"]:
        raise not_found(assignment_key)
    call.tenant.store.remove("appRoleAssignment", found["id"])
    return NO_CONTENT


# --- delegated --------------------------------------------------------------------------------------------------------


@operation("GET /oauth2PermissionGrants")
def list_grants(call: Call) -> Answer:
    """Every delegated grant."""
    return collection(call, _GRANT, _grants(call))


@operation("GET /oauth2PermissionGrants/{oAuth2PermissionGrant-id}")
def get_grant(call: Call, key: str) -> Answer:
    """One delegated grant."""
    found = call.view.get("oauth2PermissionGrant", key)
    if found is None:
        raise not_found(key)
    return single(call, _GRANT, found)


@operation(
    "GET /servicePrincipals/{servicePrincipal-id}/oauth2PermissionGrants", "GET /users/{user-id}/oauth2PermissionGrants"
)
def grants_of(call: Call, key: str) -> Answer:
    """The delegated grants of a client, or of a user."""
    kind, member = (
        ("user", "principalId") if call.path.lower().startswith("/users/") else ("servicePrincipal", "clientId")
    )
    document = find(call, kind, key)
    return collection(call, _GRANT, [one for one in _grants(call) if one[member] == document["id"]])


def _grants(call: Call) -> list[Document]:
    return call.lists.where(
        "oauth2PermissionGrant", lambda one: bool(live(call.fresh.get("servicePrincipal", one["clientId"])))
    )


@operation("POST /oauth2PermissionGrants")
def grant(call: Call) -> Answer:
    """Consent to delegated permissions: one grant for each client, resource, consent type and principal."""
    body = check_body("POST /oauth2PermissionGrants", call.body)
    for name in ("clientId", "consentType", "resourceId", "scope"):
        if body.get(name) is None:
            # Unverified wording.
            raise bad_request(f"A value is required for property '{name}' of resource 'OAuth2PermissionGrant'.")
    everyone = body["consentType"] == "AllPrincipals"
    if body["consentType"] not in ("AllPrincipals", "Principal") or everyone != (body.get("principalId") is None):
        raise bad_request("Invalid value specified for property 'consentType' of resource 'OAuth2PermissionGrant'.")
    for kind, key in (
        ("servicePrincipal", body["clientId"]),
        ("servicePrincipal", body["resourceId"]),
        ("user", body.get("principalId")),
    ):
        if key is not None:
            _must_be_there(call, kind, key)
    wish: Document = {
        name: body.get(name) for name in ("clientId", "consentType", "principalId", "resourceId", "scope")
    }
    _check_scope(call, wish["resourceId"], wish["scope"])
    names = ("clientId", "resourceId", "consentType", "principalId")
    if call.fresh.first("oauth2PermissionGrant", lambda one: all(one[name] == wish[name] for name in names)):
        status = int(call.tenant.switch("duplicate_grant_status"))
        code = "Request_MultipleObjectsWithSameKeyValue" if status == 409 else "Request_BadRequest"
        raise GraphError(status, code, "Permission entry already exists.")
    document: Document = {"id": new_id().replace("-", "") + "-oPg", **wish}
    call.tenant.store.put("oauth2PermissionGrant", document["id"], document)
    return single(call, _GRANT, document, 201)


def _must_be_there(call: Call, kind: str, key: str) -> None:
    view = call.tenant.store.view_for(f"object of grant {key}")
    if live(view.get(kind, key)) is None or live(call.fresh.get(kind, key)) is None:
        text = f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
        raise GraphError(404, "Directory_ObjectNotFound", text)


def _check_scope(call: Call, resource_id: str, scope: str) -> None:
    resource = call.fresh.get("servicePrincipal", resource_id) or {"oauth2PermissionScopes": []}
    known = {one["value"].lower() for one in resource["oauth2PermissionScopes"]} | {
        "openid",
        "profile",
        "email",
        "offline_access",
    }
    unknown = [name for name in scope.split() if name.lower() not in known]
    if len(scope) > LONGEST_SCOPE or unknown:
        # Unverified wording; that unknown names are refused is unverified too.
        raise bad_request("Invalid value specified for property 'scope' of resource 'OAuth2PermissionGrant'.")


@operation("PATCH /oauth2PermissionGrants/{oAuth2PermissionGrant-id}")
def update_grant(call: Call, key: str) -> Answer:
    """Replace the scopes of a grant; nothing else of it changes."""
    body = check_body("PATCH /oauth2PermissionGrants/{oAuth2PermissionGrant-id}", call.body)
    found = call.fresh.get("oauth2PermissionGrant", key)
    if found is None or call.view.get("oauth2PermissionGrant", key) is None:
        raise not_found(key)
    for name in ("clientId", "consentType", "principalId", "resourceId"):
        if name in body and body[name] != found[name]:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")  # unverified wording
    scope = body.get("scope", found["scope"]) or ""
    _check_scope(call, found["resourceId"], scope)
    call.tenant.store.update("oauth2PermissionGrant", found["id"], scope=scope)
    return NO_CONTENT


@operation("DELETE /oauth2PermissionGrants/{oAuth2PermissionGrant-id}")
def remove_grant(call: Call, key: str) -> Answer:
    """Take a delegated grant back."""
    found = call.fresh.get("oauth2PermissionGrant", key)
    if found is None:
        raise not_found(key)
    call.tenant.store.remove("oauth2PermissionGrant", found["id"])
    return NO_CONTENT
