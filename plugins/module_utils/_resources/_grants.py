# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which role assignments the options ask for, and how those that exist compare with them. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._plan import Refused
from . import _scope
from ._opath import meaning
from ._properties import same_text, same_truth

if TYPE_CHECKING:
    from ._readers import Object

IMPERSONATION_ROLE = "ApplicationImpersonation"
TENANT_WIDE_APP_ROLE = "dc890d15-9560-4a4c-9b7f-a736ec74ec40"  # full_access_as_app of Office 365 Exchange Online
NAME_LIMIT = 64
APPLICATION_ROLE = "Application "  # how the names of all roles begin that applications can have
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# What identifies an application or user for good; display names do not.
APPLICATION_KEYS = ("id", "app_id", "AppId", "ObjectId", "Guid", "Identity", "DistinguishedName")
USER_KEYS = ("id", "Name", "Alias", "Guid", "Identity", "DistinguishedName", "ExternalDirectoryObjectId")


@dataclass(frozen=True)
class State:
    """What the services say.

    Args:
        assignee: the identities of the application or user, by which its assignments are recognised; {} when missing.
        pointer: Exchange's service principal of the application; None when there is none, or for a user.
        scope: the resolved scope; None when the role is to be taken away.
        management_scope: the management scope of the wanted name.
        assignments: the assignee's role assignments.
        named: role assignments that hold the names this object would use, by name.
        scope_users: every assignment that uses the management scope; read only when the scope has to change or go.
        tenant_wide: whether Entra ID grants the application all mailboxes beside.
        tried: what Exchange says the application may do with the mailboxes to verify, as far as it knows the application.
        warnings: what the user should know.
    """

    assignee: Object = field(default_factory=dict)
    pointer: Object | None = None
    scope: _scope.Scope | None = None
    management_scope: Object | None = None
    assignments: Sequence[Object] = ()
    named: Mapping[str, Object] = field(default_factory=dict)
    scope_users: Sequence[Object] = ()
    tenant_wide: bool = False
    tried: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    warnings: Sequence[str] = ()


class Grants:
    """The wanted role assignments. Raises Refused for options that no tenant would accept.

    Args:
        options: the module's options; None for those not given.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.name: str = options["name"]
        self.present = options["state"] == "present"
        self.for_app = options["method"] == "application_rbac"
        self.roles: list[str] = options["roles"] if self.for_app else [IMPERSONATION_ROLE]
        self.kind = _scope.check(options["scope"]) if self.present else ""
        self.scoped = self.kind in ("recipient_filter", "group", "mailboxes")
        self._check_options()

    def _check_options(self) -> None:
        """Raise Refused for what no tenant would accept."""
        # Check mode of an application that is not registered yet gives a placeholder, as o365_oauth_app returns it.
        placeholder = self.options["check_mode"] and self.options["app_id"].startswith("<") if self.for_app else False
        if self.for_app and not placeholder and not GUID.fullmatch(self.options["app_id"]):
            raise Refused(
                f"{self.options['app_id']!r} is no application id.",
                "app_id",
                "Give the application (client) id, a GUID.",
            )
        if not self.for_app and not self.options["user"].strip():
            raise Refused("it is empty.", "user", "Give the address of the service account.")
        if not self.roles:
            raise Refused("at least one role is needed.", "roles", "Leave the option out for the role that EWS needs.")
        for role in self.roles if self.for_app else []:
            if not role.lower().startswith(APPLICATION_ROLE.lower()):
                raise Refused(
                    f"{role!r} is no application role.", "roles", "Their names begin so: Application EWS.AccessAsApp."
                )
        if self.options["verify"] and not self.for_app:
            raise Refused(
                "Exchange can only test the authorization of applications.", "verify", "Leave it out with this method."
            )
        option = "assignment_name" if self.options["assignment_name"] else "name"
        for named, name in [("name", self.name), *((option, one) for one in self.names.values())]:
            if not name.strip() or len(name) > NAME_LIMIT:
                raise Refused(
                    f"{name!r} has {len(name)} characters.", named, f"Give 1 to {NAME_LIMIT}, Exchange's limit."
                )

    @property
    def trials(self) -> list[str]:
        """The mailboxes on which the role is to be tried."""
        verify = self.options["verify"] or {} if self.present else {}
        return list(dict.fromkeys(mailbox for mailbox in verify.values() if mailbox))

    @property
    def names(self) -> dict[str, str]:
        """The name of the role assignment, by role."""
        return self._named(self.options["assignment_name"] or self.name)

    @property
    def all_names(self) -> list[str]:
        """Every name that a role assignment of this object may have."""
        return list(dict.fromkeys([*self.names.values(), *self._named(self.name).values()]))

    def _named(self, name: str) -> dict[str, str]:
        return {role: name if len(self.roles) == 1 else f"{name} {role}" for role in self.roles}

    def own(self, state: State) -> list[Object]:
        """The assignee's assignments, by whichever read found them; one read by its name counts before one of a list."""
        others = [one for one in (*state.named.values(), *state.scope_users) if self.is_assignee(one, state)]
        found: dict[str, Object] = {}
        for one in (*others, *state.assignments):
            found.setdefault(str(one["Name"]).lower(), one)
        return list(found.values())

    def is_assignee(self, assignment: Object, state: State) -> bool:
        """Whether an assignment is the application's or user's; a display name proves nothing."""
        if any(same_text(one["Name"], assignment["Name"]) for one in state.assignments):
            return True
        keys = APPLICATION_KEYS if self.for_app else USER_KEYS
        known = {str(state.assignee[key]).lower() for key in keys if state.assignee.get(key)}
        return bool(known & {str(assignment.get(one)).lower() for one in ("RoleAssignee", "App")})

    def has_role(self, assignment: Object) -> bool:
        """Whether an assignment gives one of the wanted roles."""
        return any(same_text(assignment["Role"], role) for role in self.roles)

    def is_ours(self, assignment: Object) -> bool:
        """Whether an assignment bears a name of this object, or uses its scope."""
        return assignment["Name"] in self.all_names or self.uses_scope(assignment)

    def uses_scope(self, assignment: Object) -> bool:
        """Whether an assignment is over the management scope."""
        scopes = (assignment.get("CustomResourceScope"), assignment.get("CustomRecipientWriteScope"))
        return any(same_text(self.name, one) for one in scopes if one)

    def fits(self, assignment: Object, role: str, state: State) -> bool:
        """Whether an assignment gives this role over exactly the wanted scope."""
        if not same_text(assignment["Role"], role) or not same_truth(True, assignment.get("Enabled", True)):
            return False
        if self.scoped:
            return self.uses_scope(assignment)
        if self.kind == "administrative_unit" and state.scope:
            units = (assignment.get("CustomRecipientWriteScope"), assignment.get("RecipientAdministrativeUnitScope"))
            wanted = (state.scope.administrative_unit, self.options["scope"]["administrative_unit"])
            return any(same_text(one, unit) for one in wanted for unit in units if unit)
        return reaches_everything(assignment)


def same_filter(wanted: str, current: str) -> bool:
    """Whether two filters mean the same; one that is given back in a form not known here, or too deep, counts as another."""
    try:
        return meaning(wanted) == meaning(current)
    except (ValueError, RecursionError):
        return wanted == current


def reaches_everything(assignment: Object) -> bool:
    """Whether an assignment is over the whole organization."""
    scope = str(assignment.get("RecipientWriteScope") or "Organization")
    return scope == "Organization" and not assignment.get("CustomResourceScope")


def shown(assignment: Object) -> Object:
    """An assignment as the module returns it."""
    scope = assignment.get("CustomResourceScope") or assignment.get("CustomRecipientWriteScope")
    return {
        "name": assignment["Name"],
        "role": assignment["Role"],
        "scope": scope or assignment.get("RecipientWriteScope"),
    }
