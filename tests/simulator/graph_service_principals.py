# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service principals: create from an application, read, change, delete; owners of both."""

from __future__ import annotations

from .graph_applications import delete_principal, linked_object, must_own
from .graph_call import NO_CONTENT, Answer, Call, GraphError, bad_request, denied, not_found, operation
from .graph_credentials import key_credentials
from .graph_lists import collection, mixed
from .graph_objects import find, live, objects, to_change
from .graph_odata import KINDS, links, single
from .graph_types import check_body
from .seed import service_principal_document
from .store import Document
from .tenant import new_id

SERVICE_PRINCIPAL = KINDS["servicePrincipal"]
_READ_ONLY = frozenset(
    ["id", "appId", "createdDateTime", "deletedDateTime", "appOwnerOrganizationId", "signInAudience", "appDisplayName"]
)
FOREIGN = (
    "When using this permission, the backing application of the service principal being created must in the local "
    "tenant"
)


@operation("GET /servicePrincipals")
def list_principals(call: Call) -> Answer:
    """The service principals that are not deleted."""
    return collection(call, SERVICE_PRINCIPAL, call.lists.where("servicePrincipal", lambda one: live(one) is not None))


@operation("GET /servicePrincipals/{servicePrincipal-id}")
def get_principal(call: Call, key: str) -> Answer:
    """One service principal, by object id or appId."""
    return single(call, SERVICE_PRINCIPAL, find(call, "servicePrincipal", key))


@operation("POST /servicePrincipals")
def create_principal(call: Call) -> Answer:
    """The service principal of an application; fails in two ways while the application replicates."""
    body = check_body("POST /servicePrincipals", call.body)
    app_id = str(body.get("appId") or "")
    if not app_id:
        # Unverified wording.
        raise bad_request("A value is required for property 'appId' of resource 'ServicePrincipal'.")
    _check_values(body, {"appId"})
    application = live(call.fresh.first("application", lambda one: one["appId"].lower() == app_id.lower()))
    settled = live(call.lists.first("application", lambda one: one["appId"].lower() == app_id.lower()))
    turn = 0 if settled or not application else call.lagging_twice(f"backing application {app_id}")
    if turn == 2 or (application and call.owned_only and call.principal.object_id not in application["_owners"]):
        raise denied(FOREIGN)
    if application is None or turn == 1:
        text = f"The appId '{app_id}' of the service principal does not reference a valid application object."
        raise bad_request(text, [{"code": "NoBackingApplicationObject", "message": text, "target": "appId"}])
    if call.fresh.first("servicePrincipal", lambda one: one["appId"].lower() == app_id.lower()):
        text = (
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{app_id} is already in use."
        )
        details = [{"code": "ObjectConflict", "message": text, "target": "None"}]
        raise GraphError(409, "Request_MultipleObjectsWithSameKeyValue", text, details)
    key = new_id()
    principal = service_principal_document(key, application["appId"], application["displayName"], owner=call.tenant.id)
    principal["appRoles"] = application["appRoles"]
    principal["oauth2PermissionScopes"] = application["api"]["oauth2PermissionScopes"]
    principal["servicePrincipalNames"] = [application["appId"], *application["identifierUris"]]
    principal["signInAudience"] = application["signInAudience"]
    principal["createdByAppId"] = call.principal.app_id
    if not call.principal.app_only:
        principal["_owners"] = [call.principal.user_id]
    elif "Application.ReadWrite.OwnedBy" in call.principal.roles:
        principal["_owners"] = [call.principal.object_id]
    call.tenant.store.put("servicePrincipal", key, _changed(principal, body))
    return single(call, SERVICE_PRINCIPAL, _changed(principal, body), 201)


@operation("PATCH /servicePrincipals/{servicePrincipal-id}")
def update_principal(call: Call, key: str) -> Answer:
    """Change some properties."""
    body = check_body("PATCH /servicePrincipals/{servicePrincipal-id}", call.body)
    principal = to_change(call, "servicePrincipal", key)
    must_own(call, principal)
    _check_values(body, set())
    call.tenant.store.put("servicePrincipal", principal["id"], _changed(principal, body))
    return NO_CONTENT


@operation("DELETE /servicePrincipals/{servicePrincipal-id}")
def remove_principal(call: Call, key: str) -> Answer:
    """Soft-delete, with what Exchange holds for it."""
    principal = to_change(call, "servicePrincipal", key)
    must_own(call, principal)
    delete_principal(call.tenant, principal)
    return NO_CONTENT


def _check_values(body: Document, allowed: set[str]) -> None:
    for name in (_READ_ONLY - allowed) & set(body):
        raise bad_request(f"Property '{name}' is read-only and cannot be set.")  # unverified wording
    if body.get("passwordCredentials"):
        raise bad_request(
            "Property 'passwordCredentials' cannot be set; use the addPassword action."
        )  # unverified wording


def _changed(principal: Document, body: Document) -> Document:
    after = {**principal, **{name: value for name, value in body.items() if "@odata." not in name and name != "appId"}}
    if "keyCredentials" in body:
        after["keyCredentials"] = key_credentials(body["keyCredentials"] or [], principal["keyCredentials"])
    return after


# --- owners -----------------------------------------------------------------------------------------------------------


def _kind(call: Call) -> str:
    return "application" if call.path.lower().startswith("/applications") else "servicePrincipal"


@operation("GET /applications/{application-id}/owners", "GET /servicePrincipals/{servicePrincipal-id}/owners")
def list_owners(call: Call, key: str) -> Answer:
    """The owners: users and service principals."""
    document = find(call, _kind(call), key)
    seen = call.lists.get(_kind(call), document["id"]) or {"_owners": []}
    return mixed(call, objects(call, seen["_owners"]))


@operation("GET /applications/{application-id}/owners/$ref", "GET /servicePrincipals/{servicePrincipal-id}/owners/$ref")
def list_owner_links(call: Call, key: str) -> Answer:
    """The owners as links."""
    document = find(call, _kind(call), key)
    return links(call, document["_owners"])


@operation(
    "POST /applications/{application-id}/owners/$ref", "POST /servicePrincipals/{servicePrincipal-id}/owners/$ref"
)
def add_owner(call: Call, key: str) -> Answer:
    """One more owner."""
    document = to_change(call, _kind(call), key)
    must_own(call, document)
    owner = linked_object(call, call.body)["id"]
    if owner in document["_owners"]:
        raise bad_request(
            "One or more added object references already exist for the following modified properties: 'owners'."
        )
    call.tenant.store.update(_kind(call), document["id"], _owners=[*document["_owners"], owner])
    return NO_CONTENT


@operation(
    "DELETE /applications/{application-id}/owners/{directoryObject-id}/$ref",
    "DELETE /servicePrincipals/{servicePrincipal-id}/owners/{directoryObject-id}/$ref",
)
def remove_owner(call: Call, key: str, owner: str) -> Answer:
    """One owner less."""
    document = to_change(call, _kind(call), key)
    must_own(call, document)
    if owner not in document["_owners"]:
        raise not_found(owner)
    call.tenant.store.update(_kind(call), document["id"], _owners=[one for one in document["_owners"] if one != owner])
    return NO_CONTENT
