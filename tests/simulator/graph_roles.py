# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directory roles: the unified way (roleManagement) and the older directoryRoles, over the same assignments."""

from __future__ import annotations

import base64
import uuid

from .graph_applications import linked_object
from .graph_call import NO_CONTENT, Answer, Call, GraphError, bad_request, not_found, operation
from .graph_lists import collection, mixed
from .graph_objects import any_object, live, objects
from .graph_odata import KINDS, Kind, is_named, links, single
from .graph_types import check_body
from .seed import DIRECTORY_ROLES, made_up_id
from .store import Document

CONFLICT = "A conflicting object with one or more of the specified property values is present in the directory."


def _definition(template: str) -> Document | None:
    name = next((name for name, key in DIRECTORY_ROLES.items() if key == template.lower()), None)
    if name is None:
        return None
    return {
        "id": template.lower(),
        "description": name,
        "displayName": name,
        "isBuiltIn": True,
        "isEnabled": True,
        "resourceScopes": ["/"],
        "templateId": template.lower(),
        "version": "1",
        "rolePermissions": [],
    }


_DEFINITION = Kind(
    "unifiedRoleDefinition",
    "roleManagement/directory/roleDefinitions",
    filterable=frozenset({"id", "displayName", "isBuiltIn", "templateId"}),
)
_ASSIGNMENT = Kind(
    "unifiedRoleAssignment",
    "roleManagement/directory/roleAssignments",
    filterable=frozenset({"id", "principalId", "roleDefinitionId", "directoryScopeId"}),
    expand={
        "principal": lambda call, one: next(iter(objects(call, [one["principalId"]])), None),
        "roleDefinition": lambda call, one: (_DEFINITION, _definition(one["roleDefinitionId"])),
    },
    show=lambda call, one: {
        name: one.get(name) for name in ("id", "principalId", "directoryScopeId", "roleDefinitionId")
    },
)
_ROLE = KINDS["directoryRole"]
_TEMPLATE = Kind("directoryRoleTemplate", "directoryRoleTemplates", service="whole")


@operation("GET /roleManagement/directory/roleAssignments")
def list_assignments(call: Call) -> Answer:
    """Role assignments; a filter is wise, and needed here as there."""
    return collection(call, _ASSIGNMENT, _assignments(call))


def _assignments(call: Call) -> list[Document]:
    kinds = ("user", "servicePrincipal", "group")
    return call.lists.where(
        "roleAssignment", lambda one: any(live(call.fresh.get(kind, one["principalId"])) for kind in kinds)
    )


@operation("GET /roleManagement/directory/roleAssignments/{unifiedRoleAssignment-id}")
def get_assignment(call: Call, key: str) -> Answer:
    """One role assignment."""
    found = call.view.get("roleAssignment", key)
    if found is None:
        raise not_found(key)
    return single(call, _ASSIGNMENT, found)


@operation("POST /roleManagement/directory/roleAssignments")
def assign(call: Call) -> Answer:
    """Give a directory role, named by definition or template id, tenant-wide or in an administrative unit."""
    body = check_body("POST /roleManagement/directory/roleAssignments", call.body)
    for name in ("roleDefinitionId", "principalId"):
        if not body.get(name):
            # Unverified wording.
            raise bad_request(f"A value is required for property '{name}' of resource 'UnifiedRoleAssignment'.")
    role, principal, scope = body["roleDefinitionId"].lower(), body["principalId"], body.get("directoryScopeId") or "/"
    if _definition(role) is None:
        raise not_found(role)
    _check_principal(call, principal)
    unit = scope.removeprefix("/administrativeUnits/")
    if scope != "/" and call.fresh.get("administrativeUnit", unit) is None:
        raise not_found(unit)
    return single(call, _ASSIGNMENT, give_role(call, role, principal, scope), 201)


def _check_principal(call: Call, principal: str) -> None:
    found = any_object(call, principal, fresh=True)
    settled = any(live(call.lists.get(kind, principal)) for kind in ("user", "servicePrincipal", "group"))
    turn = 0 if settled or not found else call.lagging_twice(f"principal of role {principal}")
    if found is None or turn == 1:
        raise not_found(principal)
    if turn == 2:
        raise bad_request("Not a valid reference update")  # inferred: 404 or 400 until replicated


def give_role(call: Call, role: str, principal: str, scope: str = "/") -> Document:
    """Store a role assignment; GraphError for one that exists (status and text unverified for role assignments)."""
    same = call.fresh.first(
        "roleAssignment",
        lambda one: (one["roleDefinitionId"], one["principalId"], one["directoryScopeId"]) == (role, principal, scope),
    )
    if same:
        status = int(call.tenant.switch("duplicate_role_assignment_status"))
        code = "Request_MultipleObjectsWithSameKeyValue" if status == 409 else "Request_BadRequest"
        raise GraphError(
            status, code, CONFLICT, [{"code": "ConflictingObjects", "message": CONFLICT, "target": "None"}]
        )
    key = base64.urlsafe_b64encode(uuid.uuid4().bytes + uuid.UUID(principal).bytes).rstrip(b"=").decode() + "-1"
    document = {"id": key, "roleDefinitionId": role, "principalId": principal, "directoryScopeId": scope}
    return call.tenant.store.put("roleAssignment", key, document)


@operation("DELETE /roleManagement/directory/roleAssignments/{unifiedRoleAssignment-id}")
def remove_assignment(call: Call, key: str) -> Answer:
    """Take a directory role back."""
    found = call.fresh.get("roleAssignment", key)
    if found is None:
        raise not_found(key)
    call.tenant.store.remove("roleAssignment", found["id"])
    return NO_CONTENT


@operation("GET /roleManagement/directory/roleDefinitions")
def list_definitions(call: Call) -> Answer:
    """The roles that the simulator knows."""
    return collection(call, _DEFINITION, [_definition(template) or {} for template in DIRECTORY_ROLES.values()])


@operation("GET /roleManagement/directory/roleDefinitions/{unifiedRoleDefinition-id}")
def get_definition(call: Call, key: str) -> Answer:
    """One role."""
    found = _definition(key)
    if found is None:
        raise not_found(key)
    return single(call, _DEFINITION, found)


# --- the older way ----------------------------------------------------------------------------------------------------


def _roles(call: Call) -> list[Document]:
    """Activated roles: those with an assignment, and those that were activated by POST."""
    active = {one["roleDefinitionId"] for one in call.lists.all("roleAssignment")}
    active |= {one["roleTemplateId"] for one in call.lists.all("directoryRole")}
    return [
        {
            "id": made_up_id(call.tenant.id, key),
            "deletedDateTime": None,
            "description": name,
            "displayName": name,
            "roleTemplateId": key,
        }
        for name, key in DIRECTORY_ROLES.items()
        if key in active
    ]


def roles_of(call: Call, principal_id: str) -> list[Document]:
    """The activated roles that a principal holds tenant-wide."""
    held = call.lists.where("roleAssignment", lambda one: one["principalId"] == principal_id)
    templates = {one["roleDefinitionId"] for one in held if one["directoryScopeId"] == "/"}
    return [role for role in _roles(call) if role["roleTemplateId"] in templates]


def _role(call: Call, key: str) -> Document:
    member = "roleTemplateId" if is_named(key, "roleTemplateId") else "id"
    for role in _roles(call):
        if role[member].lower() == key.lower():
            return role
    raise not_found(key)


@operation("GET /directoryRoles")
def list_roles(call: Call) -> Answer:
    """Activated roles only."""
    return collection(call, _ROLE, _roles(call))


@operation("GET /directoryRoles/{directoryRole-id}")
def get_role(call: Call, key: str) -> Answer:
    """One activated role, by id or roleTemplateId."""
    return single(call, _ROLE, _role(call, key))


@operation("POST /directoryRoles")
def activate(call: Call) -> Answer:
    """Activate a role by its template."""
    body = check_body("POST /directoryRoles", call.body)
    template = str(body.get("roleTemplateId") or "").lower()
    if _definition(template) is None:
        raise not_found(template)
    if any(one["roleTemplateId"] == template for one in _roles(call)):
        # Older recordings show 400 Request_BadRequest with the same text.
        details = [{"code": "ConflictingObjects", "message": CONFLICT, "target": "None"}]
        raise GraphError(409, "Request_MultipleObjectsWithSameKeyValue", CONFLICT, details)
    call.tenant.store.put("directoryRole", template, {"roleTemplateId": template})
    name = next(name for name, key in DIRECTORY_ROLES.items() if key == template)
    role = {
        "id": made_up_id(call.tenant.id, template),
        "displayName": name,
        "description": name,
        "roleTemplateId": template,
    }
    return single(call, _ROLE, role, 201)


def _members(call: Call, role: Document) -> list[str]:
    held = call.lists.where("roleAssignment", lambda one: one["roleDefinitionId"] == role["roleTemplateId"])
    return [one["principalId"] for one in held if one["directoryScopeId"] == "/"]


@operation("GET /directoryRoles/{directoryRole-id}/members")
def list_members(call: Call, key: str) -> Answer:
    """Who holds a role tenant-wide."""
    return mixed(call, objects(call, _members(call, _role(call, key))))


@operation("GET /directoryRoles/{directoryRole-id}/members/$ref")
def list_member_links(call: Call, key: str) -> Answer:
    """Who holds a role tenant-wide, as links."""
    return links(call, _members(call, _role(call, key)))


@operation("POST /directoryRoles/{directoryRole-id}/members/$ref")
def add_member(call: Call, key: str) -> Answer:
    """Give a role, the older way."""
    role = _role(call, key)
    principal = linked_object(call, call.body)["id"]
    _check_principal(call, principal)
    if principal in _members(call, role):
        raise bad_request(
            "One or more added object references already exist for the following modified properties: 'members'."
        )
    give_role(call, role["roleTemplateId"], principal)
    return NO_CONTENT


@operation("DELETE /directoryRoles/{directoryRole-id}/members/{directoryObject-id}/$ref")
def remove_member(call: Call, key: str, member: str) -> Answer:
    """Take a role back, the older way."""
    role = _role(call, key)
    found = call.fresh.first(
        "roleAssignment",
        lambda one: (one["roleDefinitionId"], one["principalId"]) == (role["roleTemplateId"], member),
    )
    if found is None:
        raise not_found(member)
    call.tenant.store.remove("roleAssignment", found["id"])
    return NO_CONTENT


@operation("GET /directoryRoleTemplates")
def list_templates(call: Call) -> Answer:
    """The roles that can be activated."""
    return collection(call, _TEMPLATE, [_template(name, key) for name, key in DIRECTORY_ROLES.items()])


@operation("GET /directoryRoleTemplates/{directoryRoleTemplate-id}")
def get_template(call: Call, key: str) -> Answer:
    """One of them."""
    for name, template in DIRECTORY_ROLES.items():
        if template == key.lower():
            return single(call, _TEMPLATE, _template(name, template))
    raise not_found(key)


def _template(name: str, key: str) -> Document:
    return {"id": key, "deletedDateTime": None, "description": name, "displayName": name}
