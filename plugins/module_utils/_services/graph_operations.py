# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph's writes by name, and where each goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Operation(NamedTuple):
    """One kind of write.

    Args:
        method, path: ``path`` has the step's target in braces.
        repeatable: whether doing it twice is the same as doing it once.
        headers: sent along, if any.
        read_back: whether the answer may be empty and is then read from the same path.
        grants: whether tokens issued before it lack what it grants.
        reference: whether the body is a reference to the directory object whose ``id`` is written.
    """

    method: str
    path: str
    repeatable: bool = True
    headers: Mapping[str, str] | None = None
    read_back: bool = False
    grants: bool = False
    reference: bool = False


OPERATIONS: Mapping[str, Operation] = {
    "create_user": Operation("POST", "/users", repeatable=False),
    "update_user": Operation("PATCH", "/users/{user}"),
    "set_password": Operation("PATCH", "/users/{user}"),
    "delete_user": Operation("DELETE", "/users/{user}"),
    "assign_licenses": Operation("POST", "/users/{user}/assignLicense"),
    "restore_user": Operation("POST", "/directory/deletedItems/{user}/restore", repeatable=False),
    "purge_user": Operation("DELETE", "/directory/deletedItems/{user}"),
    "upsert_application": Operation(
        "PATCH", "/applications(uniqueName='{unique_name}')", headers={"Prefer": "create-if-missing"}, read_back=True
    ),
    "update_application": Operation("PATCH", "/applications/{application}"),
    "delete_application": Operation("DELETE", "/applications/{application}"),
    "restore_application": Operation("POST", "/directory/deletedItems/{application}/restore", repeatable=False),
    "purge_application": Operation("DELETE", "/directory/deletedItems/{application}"),
    "add_password": Operation("POST", "/applications/{application}/addPassword", repeatable=False),
    "remove_password": Operation("POST", "/applications/{application}/removePassword"),
    "add_owner": Operation("POST", "/applications/{application}/owners/$ref", repeatable=False, reference=True),
    "create_service_principal": Operation("POST", "/servicePrincipals", repeatable=False),
    "restore_service_principal": Operation(
        "POST", "/directory/deletedItems/{service_principal}/restore", repeatable=False
    ),
    "purge_service_principal": Operation("DELETE", "/directory/deletedItems/{service_principal}"),
    "grant_app_role": Operation(
        "POST", "/servicePrincipals/{resource}/appRoleAssignedTo", repeatable=False, grants=True
    ),
    "revoke_app_role": Operation("DELETE", "/servicePrincipals/{resource}/appRoleAssignedTo/{assignment}", grants=True),
    "create_delegated_grant": Operation("POST", "/oauth2PermissionGrants", repeatable=False, grants=True),
    "update_delegated_grant": Operation("PATCH", "/oauth2PermissionGrants/{grant}", grants=True),
    "delete_delegated_grant": Operation("DELETE", "/oauth2PermissionGrants/{grant}", grants=True),
}
