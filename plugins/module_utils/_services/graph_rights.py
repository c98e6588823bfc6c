# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights Microsoft Graph's requests need, and what to say to a caller who was refused one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import _rights
from .._granted import Granted, advice

if TYPE_CHECKING:
    from .._rights import Need

_USERS, _DELETED_USERS = (_rights.WRITE_USERS,), (_rights.DELETE_USERS,)
_APPLICATIONS, _GRANTS = (_rights.WRITE_APPLICATIONS,), (_rights.WRITE_GRANTS,)

# By operation; all of it.
WRITES: Mapping[str, tuple[Need, ...]] = {
    "create_user": _USERS,
    "update_user": _USERS,
    "set_password": (*_USERS, _rights.SET_PASSWORDS),
    "delete_user": _DELETED_USERS,
    "assign_licenses": (_rights.ASSIGN_LICENCES,),
    "restore_user": _DELETED_USERS,
    "purge_user": _DELETED_USERS,
    "upsert_application": _APPLICATIONS,
    "update_application": _APPLICATIONS,
    "delete_application": _APPLICATIONS,
    "restore_application": _APPLICATIONS,
    "purge_application": _APPLICATIONS,
    "add_password": _APPLICATIONS,
    "remove_password": _APPLICATIONS,
    "add_owner": (*_APPLICATIONS, _rights.READ_DIRECTORY),
    "create_service_principal": _APPLICATIONS,
    "restore_service_principal": _APPLICATIONS,
    "purge_service_principal": _APPLICATIONS,
    "grant_app_role": (_rights.GRANT_APP_ROLES, _rights.READ_ALL_APPLICATIONS),
    "revoke_app_role": (_rights.REVOKE_APP_ROLES,),
    "create_delegated_grant": _GRANTS,
    "update_delegated_grant": _GRANTS,
    "delete_delegated_grant": _GRANTS,
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

# By what a read is for, where that takes more than reading its path.
PURPOSES: Mapping[str, tuple[Need, ...]] = {"refer": (_rights.READ_DIRECTORY,)}


def to_say(what: str, path: str, claims: Mapping[str, Any]) -> str:
    """What the caller must be allowed, and lacks.

    Args:
        what: the operation; for a read its purpose, if it has one.
        path: with or without a query.
        claims: of the caller's token, {} when it cannot be read.
    """
    needs = WRITES.get(what) or (*_of_read(path), *PURPOSES.get(what, ()))
    return advice(needs, Granted.of(claims, _rights.GRAPH))


def _of_read(path: str) -> tuple[Need, ...]:
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
