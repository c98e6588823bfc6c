# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Application registrations: create, upsert by unique name, change, delete."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from .graph_call import NO_CONTENT, Answer, Call, GraphError, Key, bad_request, denied, not_found, operation, taken
from .graph_credentials import key_credentials
from .graph_lists import collection
from .graph_objects import any_object, find, live, to_change
from .graph_odata import KINDS, single
from .graph_types import check_body
from .seed import application_document
from .store import Document
from .tenant import Tenant, graph_time, new_id

APPLICATION = KINDS["application"]
MOST_OWNERS = 20
_READ_ONLY = frozenset(
    [
        "id",
        "appId",
        "createdDateTime",
        "deletedDateTime",
        "publisherDomain",
        "uniqueName",
        "createdByAppId",
        "applicationTemplateId",
        "certification",
        "verifiedPublisher",
        "disabledByMicrosoftStatus",
    ]
)
_AUDIENCES = {"AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"}
_PARTS = ("web", "spa", "publicClient", "api")


@operation("GET /applications")
def list_applications(call: Call) -> Answer:
    """The registrations that are not deleted."""
    return collection(call, APPLICATION, call.lists.where("application", lambda one: live(one) is not None))


@operation("GET /applications/{application-id}")
def get_application(call: Call, key: str) -> Answer:
    """One registration, by object id, appId or uniqueName."""
    return single(call, APPLICATION, find(call, "application", key))


@operation("POST /applications")
def create_application(call: Call) -> Answer:
    """A new registration; an app-only caller with OwnedBy becomes its owner."""
    body = check_body("POST /applications", call.body)
    return single(call, APPLICATION, _create(call, body, None), 201)


@operation("PATCH /applications/{application-id}")
def update_application(call: Call, key: str) -> Answer:
    """Change some properties, or make the registration (uniqueName with ``Prefer: create-if-missing``)."""
    body = check_body("PATCH /applications/{application-id}", call.body)
    if isinstance(key, Key) and key.name == "uniqueName" and call.prefers("create-if-missing") is not None:
        # Unique names are checked on the newest state, whatever reads show.
        named = [one for one in call.fresh.all("application") if str(one["uniqueName"] or "").lower() == key.lower()]
        if any(one["deletedDateTime"] for one in named):
            # The bin holds the name: 400, not 409 (recorded response; the text is unverified).
            raise taken("uniqueName")
        if not named:
            return single(call, APPLICATION, _create(call, body, str(key)), 201)
        application = named[0]
    else:
        application = to_change(call, "application", key)
    must_own(call, application)
    _check_values(call, body, application)
    call.tenant.store.put("application", application["id"], _changed(application, body))
    if body.get("displayName"):
        principal = call.tenant.service_principal(application["appId"])
        if principal:
            name = body["displayName"]
            call.tenant.store.update("servicePrincipal", principal["id"], displayName=name, appDisplayName=name)
    return NO_CONTENT


@operation("DELETE /applications/{application-id}")
def delete_application(call: Call, key: str) -> Answer:
    """Soft-delete the registration and its service principal (the latter is unverified)."""
    application = to_change(call, "application", key)
    must_own(call, application)
    call.tenant.store.update("application", application["id"], deletedDateTime=graph_time())
    principal = call.tenant.service_principal(application["appId"])
    if principal:
        delete_principal(call.tenant, principal)
    return NO_CONTENT


def _create(call: Call, body: Document, unique_name: str | None) -> Document:
    if not body.get("displayName"):
        # Unverified wording.
        raise bad_request("A value is required for property 'displayName' of resource 'Application'.")
    owners = _bound_owners(call, body)
    _check_values(call, body, None)
    principal = call.principal
    if not principal.app_only:
        owners.insert(0, principal.user_id)
    elif "Application.ReadWrite.OwnedBy" in principal.roles:
        owners.insert(0, principal.object_id)
    application = application_document(new_id(), new_id(), body["displayName"])
    application |= {
        "uniqueName": unique_name,
        "publisherDomain": call.tenant.domain,
        "createdByAppId": principal.app_id,
        "_owners": list(dict.fromkeys(owners)),
    }
    return call.tenant.store.put("application", application["id"], _changed(application, body))


def _bound_owners(call: Call, body: Document) -> list[str]:
    links = body.get("owners@odata.bind") or []
    if not isinstance(links, list):
        raise bad_request("Invalid URL format specified in owners@odata.bind.")  # unverified wording
    if len(links) > MOST_OWNERS:
        # Unverified wording.
        raise bad_request(f"The maximum number of owners that can be bound is {MOST_OWNERS}.")
    return [linked_object(call, link)["id"] for link in links]


def linked_object(call: Call, link: Any) -> Document:
    """The object that a link, or the ``@odata.id`` of a ``$ref`` body, names; GraphError when there is none."""
    url = str((link.get("@odata.id") if isinstance(link, dict) else link) or "")
    key = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    if not key:
        # Unverified wording.
        raise bad_request("Invalid URL format specified in @odata.id.")
    found = any_object(call, key, fresh=True)
    if found is None and "/users/" in url:
        return find(call, "user", key, own_view=True)  # by user principal name too (working client)
    if found is None:
        raise not_found(key)
    return found[1]


def must_own(call: Call, document: Document) -> None:
    """Raise GraphError 403 when Application.ReadWrite.OwnedBy is all there is and the object is not the caller's."""
    if call.owned_only and call.principal.object_id not in document["_owners"]:
        raise denied()


def _check_values(call: Call, body: Document, application: Document | None) -> None:
    for name in _READ_ONLY & set(body):
        raise bad_request(f"Property '{name}' is read-only and cannot be set.")  # unverified wording
    if body.get("passwordCredentials"):
        # addPassword makes them (Microsoft docs: application-upsert; the text is unverified).
        raise bad_request("Property 'passwordCredentials' cannot be set; use the addPassword action.")
    if "displayName" in body and not body["displayName"]:
        raise bad_request("Invalid value specified for property 'displayName' of resource 'Application'.")
    if body.get("signInAudience") is not None and body["signInAudience"] not in _AUDIENCES:
        raise bad_request("Invalid value specified for property 'signInAudience' of resource 'Application'.")
    app_id = application["appId"] if application else None
    for uri in body.get("identifierUris") or []:
        _check_identifier_uri(call, uri, app_id)
    for name, inside in (("appRoles", body), ("oauth2PermissionScopes", body.get("api") or {})):
        if name in inside and application:
            before = application[name] if name == "appRoles" else application["api"][name]
            _check_entitlements(before, inside[name] or [])


def _check_identifier_uri(call: Call, uri: str, app_id: str | None) -> None:
    parts = urlsplit(uri)
    host = parts.netloc.lower()
    verified = [one["id"].lower() for one in call.fresh.where("domain", lambda one: one["isVerified"])]
    own = parts.scheme == "api" and host in {(app_id or "").lower(), call.tenant.id.lower()}
    if not own and not any(host == name or host.endswith("." + name) for name in verified):
        # Unverified wording.
        text = "Values of identifierUris property must use a verified domain of the organization or its subdomain: "
        text += f"'{uri}'"
        raise bad_request(text, [{"code": "HostNameNotOnVerifiedDomain", "message": text, "target": "identifierUris"}])
    other = call.fresh.first("application", lambda one: uri in one["identifierUris"] and one["appId"] != app_id)
    if other:
        raise taken("identifierUris")


def _check_entitlements(before: list[Document], after: list[Document]) -> None:
    """An app role or scope is switched off before it is changed or taken away."""
    by_id = {one.get("id"): one for one in after}
    for one in before:
        new = by_id.get(one["id"])
        changed = new is None or any(
            new.get(name, one.get(name)) != one.get(name) for name in ("value", "allowedMemberTypes")
        )
        if one.get("isEnabled") and changed and not (new and new.get("isEnabled") is False):
            text = "Permission (scope or role) cannot be deleted or updated unless disabled first."
            raise GraphError(400, "CannotDeleteOrUpdateEnabledEntitlement", text)


def _changed(application: Document, body: Document) -> Document:
    """The registration with the body's properties; complex parts are merged member by member."""
    after = dict(application)
    for name, value in body.items():
        if "@odata." in name or name in ("owners", "passwordCredentials"):
            continue
        if name == "keyCredentials":
            after[name] = key_credentials(value or [], application["keyCredentials"])
        elif name in _PARTS and isinstance(value, dict):
            after[name] = {**(application.get(name) or {}), **value}
        else:
            after[name] = value
    return after


def delete_principal(tenant: Tenant, principal: Document) -> None:
    """Soft-delete it; Exchange drops its service principal and role assignments (Microsoft docs: application-rbac)."""
    tenant.store.update("servicePrincipal", principal["id"], deletedDateTime=graph_time())
    if tenant.fresh.get("exchangeServicePrincipal", principal["id"]):
        tenant.store.remove("exchangeServicePrincipal", principal["id"])
    for assignment in tenant.fresh.all("managementRoleAssignment"):
        if str(assignment["RoleAssignee"]).lower() == principal["id"].lower():
            tenant.store.remove("managementRoleAssignment", assignment["Guid"])
