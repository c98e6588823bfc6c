# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call what: the permission map of Microsoft Graph, and the directory roles of users."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from .graph_call import OWNED
from .seed import DIRECTORY_ROLES
from .tokens import Principal

_SELF = {"User.Read", "User.ReadWrite"}
_SELF_TOO = {"GET /users/{user-id}/memberOf", "GET /users/{user-id}/transitiveMemberOf"}
_SELF_WITHOUT_ROLE = {"POST /users/{user-id}/revokeSignInSessions"}

_DELETED = {
    "user": ["User.Read.All", "User.ReadWrite.All", "User.DeleteRestore.All", "Directory.Read.All"],
    "application": ["Application.Read.All", "Application.ReadWrite.All", OWNED, "Directory.Read.All"],
}
_DELETED["servicePrincipal"] = _DELETED["application"]
_DELETED["group"] = ["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"]
_RESTORE = ["User.DeleteRestore.All", "User.ReadWrite.All", "Group.ReadWrite.All", "Application.ReadWrite.All", OWNED]
_GROUP_WRITES = ["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"]

# Operations that the published map leaves out, or where its list says less than the reference pages. All inferred,
# except: appRoleAssignedTo and appRoleAssignments, whose pages ask for AppRoleAssignment.ReadWrite.All and a permission
# to read; Application.ReadWrite.All "does not allow management of consent grants" (Microsoft docs).
_EXTRA: dict[str, list[str]] = {
    **{
        f"GET /directory/deletedItems/{prefix}microsoft.graph.{kind}": names
        for kind, names in _DELETED.items()
        for prefix in ("", "{directoryObject-id}/")
    },
    "GET /directory/deletedItems": ["Directory.Read.All"],
    "GET /directory/deletedItems/{directoryObject-id}": sorted({name for names in _DELETED.values() for name in names}),
    **dict.fromkeys(
        (
            "DELETE /directory/deletedItems/{directoryObject-id}",
            "POST /directory/deletedItems/{directoryObject-id}/restore",
            "POST /users/{user-id}/restore",
            "POST /groups/{group-id}/restore",
            "POST /applications/{application-id}/restore",
            "POST /servicePrincipals/{servicePrincipal-id}/restore",
        ),
        _RESTORE,
    ),
    "GET /policies/identitySecurityDefaultsEnforcementPolicy": ["Policy.Read.All"],
    "POST /groups/{group-id}/members/$ref": _GROUP_WRITES,
    "DELETE /groups/{group-id}": ["Group.ReadWrite.All", "Directory.ReadWrite.All"],
    "DELETE /applications/{application-id}/owners/{directoryObject-id}/$ref": [
        "Application.ReadWrite.All",
        OWNED,
        "Directory.ReadWrite.All",
    ],
    "DELETE /servicePrincipals/{servicePrincipal-id}/owners/{directoryObject-id}/$ref": [
        "Application.ReadWrite.All",
        OWNED,
        "Directory.ReadWrite.All",
    ],
    "POST /servicePrincipals/{servicePrincipal-id}/appRoleAssignedTo": ["AppRoleAssignment.ReadWrite.All"],
    "POST /servicePrincipals/{servicePrincipal-id}/appRoleAssignments": ["AppRoleAssignment.ReadWrite.All"],
    "GET /applications/{application-id}/federatedIdentityCredentials/{federatedIdentityCredential-id}": [
        "Application.Read.All",
        "Application.ReadWrite.All",
        OWNED,
    ],
}

# A user who acts through an application also needs one of these roles to write; everybody reads (inferred).
_WRITERS = {
    "users": {"User Administrator", "Privileged Authentication Administrator"},
    "assignLicense": {"User Administrator", "License Administrator"},
    "applications": {"Application Administrator", "Cloud Application Administrator"},
    "servicePrincipals": {"Application Administrator", "Cloud Application Administrator"},
    "oauth2PermissionGrants": {
        "Application Administrator",
        "Cloud Application Administrator",
        "Privileged Role Administrator",
    },
    "appRoleAssignedTo": {"Privileged Role Administrator"},
    "appRoleAssignments": {"Privileged Role Administrator"},
    "roleManagement": {"Privileged Role Administrator"},
    "directoryRoles": {"Privileged Role Administrator"},
    "directory": {"User Administrator", "Application Administrator", "Cloud Application Administrator"},
    "groups": {"User Administrator"},
}


@cache
def _map() -> dict[str, Any]:
    entries: dict[str, Any] = json.loads((Path(__file__).parent / "contracts" / "graph-permissions.json").read_text())
    return entries


def _with_write_forms(name: str) -> set[str]:
    return {name, name.replace(".Read.", ".ReadWrite.")}


def check(operation: str, principal: Principal, own: bool) -> frozenset[str] | None:
    """Which of the caller's permissions allow the operation; None when it may not be called.

    Args:
        operation: the contract's name of it.
        own: whether it concerns the signed-in user, for whom User.Read is enough.
    """
    entry = _map().get(operation) or {}
    held = principal.roles if principal.app_only else principal.scopes
    named = set(_EXTRA.get(operation) or entry.get("application" if principal.app_only else "delegated") or [])
    if not own:
        named -= _SELF
    elif operation in _SELF_TOO:
        named |= _SELF
    companions: dict[str, list[str]] = entry.get("alsoRequires") or {}
    only_companions = {name for names in companions.values() for name in names}
    used = {
        name
        for name in held & named
        if not (name in only_companions and name not in companions)
        and (name not in companions or any(held & _with_write_forms(companion) for companion in companions[name]))
    }
    if not used or (not principal.app_only and not _role_allows(operation, principal, own)):
        return None
    return frozenset(used)


def of_mailbox(operation: str) -> bool:
    """Whether Exchange answers an operation, and decides who may: permissions there can be scoped to some mailboxes."""
    return re.match(r"\w+ /users/\{user-id\}/(mailboxSettings|calendar|events)", operation) is not None


def has_role(principal: Principal, *names: str) -> bool:
    """Whether the caller holds one of these directory roles (Global Administrator always counts)."""
    return bool(principal.directory_roles & {DIRECTORY_ROLES[name] for name in (*names, "Global Administrator")})


def _role_allows(operation: str, principal: Principal, own: bool) -> bool:
    method, _rest, path = operation.partition(" ")
    if method == "GET" or (own and operation in _SELF_WITHOUT_ROLE):
        return True
    parts = path.strip("/").split("/")
    names = next((_WRITERS[part] for part in (*reversed(parts[1:]), parts[0]) if part in _WRITERS), set())
    return has_role(principal, *names)
