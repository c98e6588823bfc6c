# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph's writes by name: where each goes, and which permission it needs.

Permissions are the least privileged application permissions of Microsoft's permission reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Operation:
    """One kind of write.

    Args:
        method, path: ``path`` has the step's target in braces.
        permission: what the caller needs, for the advice of a 403.
        repeatable: whether doing it twice is the same as doing it once.
        headers: sent along.
        read_back: whether the answer may be empty and is then read from the same path.
        grants: whether tokens issued before it lack what it grants.
        reference: whether the body is a reference to the directory object whose ``id`` is written.
    """

    method: str
    path: str
    permission: str
    repeatable: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    read_back: bool = False
    grants: bool = False
    reference: bool = False


_APPLICATIONS = "Application.ReadWrite.All (or Application.ReadWrite.OwnedBy for an application it owns)"

OPERATIONS: Mapping[str, Operation] = {
    "create_user": Operation("POST", "/users", "User.ReadWrite.All", repeatable=False),
    "update_user": Operation("PATCH", "/users/{user}", "User.ReadWrite.All"),
    "set_password": Operation(
        "PATCH",
        "/users/{user}",
        "User-PasswordProfile.ReadWrite.All (or the directory role User Administrator; for an administrator's password "
        "Privileged Authentication Administrator)",
    ),
    "delete_user": Operation("DELETE", "/users/{user}", "User.ReadWrite.All"),
    "assign_licenses": Operation("POST", "/users/{user}/assignLicense", "LicenseAssignment.ReadWrite.All"),
    "restore_user": Operation(
        "POST", "/directory/deletedItems/{user}/restore", "User.DeleteRestore.All", repeatable=False
    ),
    "purge_user": Operation("DELETE", "/directory/deletedItems/{user}", "User.ReadWrite.All"),
    "upsert_application": Operation(
        "PATCH",
        "/applications(uniqueName='{unique_name}')",
        _APPLICATIONS,
        headers={"Prefer": "create-if-missing"},
        read_back=True,
    ),
    "update_application": Operation("PATCH", "/applications/{application}", _APPLICATIONS),
    "delete_application": Operation("DELETE", "/applications/{application}", _APPLICATIONS),
    "restore_application": Operation(
        "POST", "/directory/deletedItems/{application}/restore", _APPLICATIONS, repeatable=False
    ),
    "purge_application": Operation("DELETE", "/directory/deletedItems/{application}", _APPLICATIONS),
    "add_password": Operation("POST", "/applications/{application}/addPassword", _APPLICATIONS, repeatable=False),
    "remove_password": Operation("POST", "/applications/{application}/removePassword", _APPLICATIONS),
    "add_owner": Operation(
        "POST",
        "/applications/{application}/owners/$ref",
        f"{_APPLICATIONS} and Directory.Read.All",
        repeatable=False,
        reference=True,
    ),
    "create_service_principal": Operation("POST", "/servicePrincipals", _APPLICATIONS, repeatable=False),
    "restore_service_principal": Operation(
        "POST", "/directory/deletedItems/{service_principal}/restore", _APPLICATIONS, repeatable=False
    ),
    "purge_service_principal": Operation("DELETE", "/directory/deletedItems/{service_principal}", _APPLICATIONS),
    "grant_app_role": Operation(
        "POST",
        "/servicePrincipals/{resource}/appRoleAssignedTo",
        "AppRoleAssignment.ReadWrite.All and Application.Read.All",
        repeatable=False,
        grants=True,
    ),
    "revoke_app_role": Operation(
        "DELETE",
        "/servicePrincipals/{resource}/appRoleAssignedTo/{assignment}",
        "AppRoleAssignment.ReadWrite.All",
        grants=True,
    ),
    "create_delegated_grant": Operation(
        "POST", "/oauth2PermissionGrants", "DelegatedPermissionGrant.ReadWrite.All", repeatable=False, grants=True
    ),
    "update_delegated_grant": Operation(
        "PATCH", "/oauth2PermissionGrants/{grant}", "DelegatedPermissionGrant.ReadWrite.All", grants=True
    ),
    "delete_delegated_grant": Operation(
        "DELETE", "/oauth2PermissionGrants/{grant}", "DelegatedPermissionGrant.ReadWrite.All", grants=True
    ),
}

READ_PERMISSIONS: tuple[tuple[str, str], ...] = (
    ("/users", "User.Read.All"),
    ("/subscribedSkus", "LicenseAssignment.Read.All or Organization.Read.All"),
    ("/domains", "Domain.Read.All"),
    ("/directory/deletedItems", "User.Read.All for users, Application.Read.All for applications"),
    ("/applications", "Application.Read.All"),
    ("/servicePrincipals", "Application.Read.All"),
    ("/oauth2PermissionGrants", "Directory.Read.All"),
)
