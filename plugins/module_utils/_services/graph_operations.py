# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph's writes by name: where each goes, and what it needs. And what reads need, by path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import _rights
from .._rights import Need


@dataclass(frozen=True)
class Operation:
    """One kind of write.

    Args:
        method, path: ``path`` has the step's target in braces.
        needs: what the caller must be allowed, all of it.
        repeatable: whether doing it twice is the same as doing it once.
        headers: sent along.
        read_back: whether the answer may be empty and is then read from the same path.
        grants: whether tokens issued before it lack what it grants.
        reference: whether the body is a reference to the directory object whose ``id`` is written.
    """

    method: str
    path: str
    needs: tuple[Need, ...]
    repeatable: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    read_back: bool = False
    grants: bool = False
    reference: bool = False


_USERS, _DELETED_USERS = (_rights.WRITE_USERS,), (_rights.DELETE_USERS,)
_APPLICATIONS, _GRANTS = (_rights.WRITE_APPLICATIONS,), (_rights.WRITE_GRANTS,)

OPERATIONS: Mapping[str, Operation] = {
    "create_user": Operation("POST", "/users", _USERS, repeatable=False),
    "update_user": Operation("PATCH", "/users/{user}", _USERS),
    "set_password": Operation("PATCH", "/users/{user}", (*_USERS, _rights.SET_PASSWORDS)),
    "delete_user": Operation("DELETE", "/users/{user}", _DELETED_USERS),
    "assign_licenses": Operation("POST", "/users/{user}/assignLicense", (_rights.ASSIGN_LICENCES,)),
    "restore_user": Operation("POST", "/directory/deletedItems/{user}/restore", _DELETED_USERS, repeatable=False),
    "purge_user": Operation("DELETE", "/directory/deletedItems/{user}", _DELETED_USERS),
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
        (*_APPLICATIONS, _rights.READ_DIRECTORY),
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
        (_rights.GRANT_APP_ROLES, _rights.READ_ALL_APPLICATIONS),
        repeatable=False,
        grants=True,
    ),
    "revoke_app_role": Operation(
        "DELETE",
        "/servicePrincipals/{resource}/appRoleAssignedTo/{assignment}",
        (_rights.REVOKE_APP_ROLES,),
        grants=True,
    ),
    "create_delegated_grant": Operation("POST", "/oauth2PermissionGrants", _GRANTS, repeatable=False, grants=True),
    "update_delegated_grant": Operation("PATCH", "/oauth2PermissionGrants/{grant}", _GRANTS, grants=True),
    "delete_delegated_grant": Operation("DELETE", "/oauth2PermissionGrants/{grant}", _GRANTS, grants=True),
}

# By the beginning of the path, or the end where it begins with an asterisk; the first that fits counts.
READS: tuple[tuple[str, tuple[Need, ...]], ...] = (
    ("*/calendarView", (_rights.VIEW_CALENDARS,)),
    ("*/mailboxSettings", (_rights.READ_MAILBOX_SETTINGS,)),
    ("*/oauth2PermissionGrants", (_rights.READ_GRANTS,)),
    ("/users", (_rights.READ_USERS,)),
    ("/directory/deletedItems/microsoft.graph.user", (_rights.READ_USERS,)),
    ("/directory/deletedItems", (_rights.READ_APPLICATIONS,)),
    ("/organization", (_rights.READ_ORGANIZATION,)),
    ("/identity/conditionalAccess", (_rights.READ_POLICIES,)),
    ("/policies", (_rights.READ_POLICIES,)),
    ("/subscribedSkus", (_rights.READ_LICENCES,)),
    ("/domains", (_rights.READ_DOMAINS,)),
    ("/tenantRelationships", (_rights.READ_CUSTOMERS,)),
    ("/applications", (_rights.READ_APPLICATIONS,)),
    ("/servicePrincipals", (_rights.READ_APPLICATIONS,)),
)


def needs_of_read(path: str) -> tuple[Need, ...]:
    """What reading a path needs; () when that is not known here."""
    plain = path.partition("?")[0]
    return next(
        (
            needs
            for mark, needs in READS
            if (plain.endswith(mark[1:]) if mark.startswith("*") else plain.startswith(mark))
        ),
        (),
    )
