# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acting for users: the role assignment that lets an application, or a service account, open their mailboxes.

Two ways. RBAC for Applications gives an application's service principal a role over a scope. Application Impersonation, which
Exchange Online has taken away from most tenants, gives a user a role over a scope. Both are a management scope and a
role assignment; they differ in who is assigned, and in the names of the parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._plan import Plan, Refused, Step
from . import _scope
from ._base import Managed
from ._opath import meaning
from ._properties import same_text, same_truth
from ._readers import Object, Readers

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
    warnings: Sequence[str] = ()


class Impersonation(Managed):
    """The managed object.

    Args:
        options: the module's options; None for those not given. ``check_mode`` says that earlier tasks of the same play may
            not have made what this one needs.
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
        for name in [self.name, *self.names.values()]:
            if not name.strip() or len(name) > NAME_LIMIT:
                raise Refused(
                    f"{name!r} has {len(name)} characters.", "name", f"Give 1 to {NAME_LIMIT}, Exchange's limit."
                )

    @property
    def names(self) -> dict[str, str]:
        """The name of the role assignment, by role."""
        return {role: self.name if len(self.roles) == 1 else f"{self.name} {role}" for role in self.roles}

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, readers: Readers, answers: Mapping[str, Object]) -> State:
        """The assignee, the scope and every role assignment that matters. Raises Refused for what is missing."""
        mailboxes, warnings = readers.mailboxes, list[str]()
        if self.present and not self.for_app and mailboxes.management_role(IMPERSONATION_ROLE) is None:
            raise Refused(
                "this tenant has no role ApplicationImpersonation any more; Microsoft removed it from Exchange Online.",
                "method",
                "Use method: application_rbac, with the app_id of an application in place of the user.",
            )
        assignee, pointer, tenant_wide = self._assignee(readers, warnings)
        scope = self._scope(readers, warnings) if self.present else None
        management_scope = mailboxes.management_scope(self.name)
        assignments = (
            mailboxes.role_assignments_of(str(assignee["id"])) if pointer or (not self.for_app and assignee) else []
        )
        named = {name: found for name in self.names.values() if (found := mailboxes.role_assignment(name))}
        users: list[Object] = []
        if management_scope and not self._keeps(management_scope, scope):
            users = [one for one in mailboxes.role_assignments_to("ServicePrincipal") if self._uses_scope(one)]
            users += mailboxes.role_assignments_over(self.name)
        if self.present:
            self._check_roles(readers, assignments)
            self._check_verify(readers, warnings)
        return State(assignee, pointer, scope, management_scope, assignments, named, users, tenant_wide, warnings)

    def _keeps(self, management_scope: Object, scope: _scope.Scope | None) -> bool:
        """Whether the management scope stays as it is."""
        wanted = scope.recipient_filter if scope and self.scoped else None
        return self.present and (wanted is None or _same_filter(wanted, management_scope["RecipientFilter"]))

    def _check_roles(self, readers: Readers, assignments: Sequence[Object]) -> None:
        """Roles that are assigned already need no look-up."""
        held = {str(one["Role"]).lower() for one in assignments}
        for role in self.roles if self.for_app else []:
            if role.lower() not in held and readers.mailboxes.management_role(role) is None:
                raise Refused(
                    f"this tenant has no role {role}.",
                    "roles",
                    "Pexip's scheduler needs Application EWS.AccessAsApp; Get-ManagementRole lists the others.",
                )

    def _check_verify(self, readers: Readers, warnings: list[str]) -> None:
        wanted = {option: name for option, name in (self.options["verify"] or {}).items() if name}
        if not wanted:
            return
        for option, found in zip(wanted, readers.mailboxes.recipients(list(wanted.values())), strict=True):
            if found is None:
                text = f"there is no mailbox {wanted[option]}."
                self._missing(text, f"verify.{option}", "Check the address.", warnings)

    def _assignee(self, readers: Readers, warnings: list[str]) -> tuple[Object, Object | None, bool]:
        if not self.for_app:
            name = self.options["user"]
            user = readers.mailboxes.recipient(name)
            if user is None:
                self._missing(f"Exchange knows no user {name}.", "user", "Create it with a mailbox first.", warnings)
                return ({"id": name, "name": name} if self.present else {}), None, False
            if _scope.is_group(user):
                raise Refused(f"{name} is a group.", "user", "Give a user, whose mailbox Exchange knows.")
            return {**user, "id": user["PrimarySmtpAddress"], "name": name}, None, False
        app_id = self.options["app_id"]
        entra = readers.directory.service_principal(app_id)
        if entra is None:
            self._missing(
                f"the application {app_id} has no service principal in this tenant.",
                "app_id",
                "Register it first, e.g. with o365_oauth_app, and give the application (client) id.",
                warnings,
            )
            if self.present:
                return {"id": f"<service principal of {app_id}>", "name": app_id}, None, False
            # What Exchange still knows of a deleted application goes as well.
            left = readers.mailboxes.service_principal(app_id)
            return ({**left, "id": left["ObjectId"], "name": app_id} if left else {}), left, False
        pointer = readers.mailboxes.service_principal(entra["id"])
        granted = readers.directory.app_role_assignments(entra["id"])
        tenant_wide = any(one["appRoleId"] == TENANT_WIDE_APP_ROLE for one in granted)
        identities = {**(pointer or {}), "id": entra["id"], "app_id": app_id, "name": entra["displayName"]}
        return identities, pointer, tenant_wide

    def _missing(self, text: str, option: str, advice: str, warnings: list[str]) -> None:
        """What is not there fails the run; in check mode an earlier task may be about to make it."""
        if self.present and not self.options["check_mode"]:
            raise Refused(text, option, advice)
        if self.present:
            warnings.append(f"Not there yet, which only check mode lets pass: {text}")

    def _scope(self, readers: Readers, warnings: list[str]) -> _scope.Scope:
        try:
            scope = _scope.resolve(self.options["scope"], self.kind, readers)
        except Refused as error:
            if not self.options["check_mode"]:
                raise
            warnings.append(f"Not there yet, which only check mode lets pass: {error}")
            wanted = self.options["scope"][self.kind]
            return _scope.Scope(
                "" if not self.scoped else f"<{self.kind} {wanted}>", str(wanted), f"{self.kind} {wanted}"
            )
        warnings += scope.warnings
        return scope

    # --- planning -----------------------------------------------------------------------------------------------------

    def plan(self, state: State) -> Plan:
        """The cmdlets that lead to the wanted assignments, and to no wider ones under the same names."""
        if not self.present:
            return self._removal(state)
        steps: list[Step] = []
        # The scope first: a filter that Exchange refuses fails before anything is made.
        self._plan_scope(state, steps)
        if self.for_app and state.pointer is None:
            values = {
                "AppId": self.options["app_id"],
                "ObjectId": state.assignee["id"],
                "DisplayName": state.assignee["name"],
            }
            # No name: in check mode the application may not have one yet, and the step is the same.
            summary = "make the application known to Exchange"
            steps.append(Step(summary, "exchange", "New-ServicePrincipal", values=values, settling=True))
        for role, name in self.names.items():
            self._plan_assignment(role, name, state, steps)
        before, after = self._sides(state)
        return Plan(steps, before, after, warnings=[*state.warnings, *self._wider(state)])

    def _plan_scope(self, state: State, steps: list[Step]) -> None:
        if not self.scoped or state.scope is None:
            return
        wanted, current = state.scope.recipient_filter, state.management_scope
        if current and same_truth(True, current.get("Exclusive")):
            raise Refused(
                f"the management scope {self.name} is an exclusive one, which grants nothing.",
                "name",
                "Choose another name.",
            )
        if current is None:
            values = {"Name": self.name, "RecipientRestrictionFilter": wanted}
            steps.append(
                Step(f"create the management scope {self.name}", "exchange", "New-ManagementScope", values=values)
            )
        elif not _same_filter(wanted, current["RecipientFilter"]):
            strangers = [str(one["Name"]) for one in state.scope_users if not self._is_assignee(one, state)]
            if strangers and self.options["conflict"] == "fail":
                raise Refused(
                    f"the management scope {self.name} has the filter {current['RecipientFilter']}, wanted is {wanted}, and "
                    f"other role assignments use it too: {', '.join(strangers)}.",
                    "name",
                    "Choose another name, or conflict: change to change it for all of them.",
                )
            summary, values = (
                f"change the filter of the management scope {self.name}",
                {"RecipientRestrictionFilter": wanted},
            )
            steps.append(Step(summary, "exchange", "Set-ManagementScope", {"Identity": self.name}, values))

    def _plan_assignment(self, role: str, name: str, state: State, steps: list[Step]) -> None:
        current = state.named.get(name)
        if any(self._fits(one, role, state) for one in self._own(state)):
            return
        if current and not (same_text(current["Role"], role) and self._is_assignee(current, state)):
            if self.options["conflict"] == "fail":
                raise Refused(
                    f"a role assignment {name} exists with the role {current['Role']} for "
                    f"{current.get('RoleAssigneeName') or current.get('RoleAssignee')}; wanted is {role} for "
                    f"{state.assignee['name']}.",
                    "name",
                    "Choose another name, or conflict: change to replace it.",
                )
            steps.append(self._remove_assignment(name))
            current = None
        scope = self._scope_parameters(state)
        if current is None:
            subject = {"App": self.options["app_id"]} if self.for_app else {"User": state.assignee["id"]}
            values = {"Name": name, "Role": role, **subject, **scope}
            who = "the application" if self.for_app else state.assignee["name"]
            summary = f"assign the role {role} to {who} for {self._words(state)}"
            steps.append(Step(summary, "exchange", "New-ManagementRoleAssignment", values=values, settling=True))
        elif self.kind == "organization":
            # A scope cannot be taken off an assignment, so that one is made anew.
            steps.append(self._remove_assignment(name))
            self._plan_assignment(role, name, _without(state, name), steps)
        else:
            summary, values = f"change the scope of the role assignment {name}", {**scope, "Enabled": True}
            steps.append(
                Step(summary, "exchange", "Set-ManagementRoleAssignment", {"Identity": name}, values, settling=True)
            )

    def _remove_assignment(self, name: str) -> Step:
        summary = f"remove the role assignment {name}"
        return Step(summary, "exchange", "Remove-ManagementRoleAssignment", {"Identity": name}, {"Confirm": False})

    def _scope_parameters(self, state: State) -> Object:
        if self.scoped:
            return {"CustomResourceScope" if self.for_app else "CustomRecipientWriteScope": self.name}
        if self.kind == "administrative_unit" and state.scope:
            return {"RecipientAdministrativeUnitScope": state.scope.administrative_unit}
        return {}

    def _removal(self, state: State) -> Plan:
        """Assignments first, then the scope unless others use it, then Exchange's pointer unless anything is left of it."""
        own = self._own(state)
        mine = [one for one in own if self._has_role(one) and self._is_ours(one)]
        steps = [self._remove_assignment(str(one["Name"])) for one in mine]
        warnings = []
        strangers = [
            str(one["Name"]) for one in state.scope_users if one["Name"] not in [each["Name"] for each in mine]
        ]
        if state.management_scope and strangers:
            warnings.append(
                f"The management scope {self.name} stays: other role assignments use it: {', '.join(strangers)}."
            )
        elif state.management_scope:
            summary = f"remove the management scope {self.name}"
            steps.append(
                Step(summary, "exchange", "Remove-ManagementScope", {"Identity": self.name}, {"Confirm": False})
            )
        if state.pointer and len(mine) == len(own):
            summary = f"make Exchange forget the application {state.assignee['name']}"
            target = {"Identity": state.assignee["id"]}
            steps.append(Step(summary, "exchange", "Remove-ServicePrincipal", target, {"Confirm": False}))
        before = {"state": "present", "assignments": [_shown(one) for one in mine]} if steps else {"state": "absent"}
        return Plan(steps, before, {"state": "absent"}, warnings=warnings)

    # --- comparing ----------------------------------------------------------------------------------------------------

    def _own(self, state: State) -> list[Object]:
        """The assignee's assignments, by whichever read found them; one read by its name counts before one of a list."""
        others = [one for one in (*state.named.values(), *state.scope_users) if self._is_assignee(one, state)]
        found: dict[str, Object] = {}
        for one in (*others, *state.assignments):
            found.setdefault(str(one["Name"]).lower(), one)
        return list(found.values())

    def _is_assignee(self, assignment: Object, state: State) -> bool:
        if any(same_text(one["Name"], assignment["Name"]) for one in state.assignments):
            return True
        keys = APPLICATION_KEYS if self.for_app else USER_KEYS
        known = {str(state.assignee[key]).lower() for key in keys if state.assignee.get(key)}
        return bool(known & {str(assignment.get(one)).lower() for one in ("RoleAssignee", "App")})

    def _has_role(self, assignment: Object) -> bool:
        return any(same_text(assignment["Role"], role) for role in self.roles)

    def _is_ours(self, assignment: Object) -> bool:
        return assignment["Name"] in self.names.values() or self._uses_scope(assignment)

    def _uses_scope(self, assignment: Object) -> bool:
        scopes = (assignment.get("CustomResourceScope"), assignment.get("CustomRecipientWriteScope"))
        return any(same_text(self.name, one) for one in scopes if one)

    def _fits(self, assignment: Object, role: str, state: State) -> bool:
        """Whether an assignment gives this role over exactly the wanted scope."""
        if not same_text(assignment["Role"], role) or not same_truth(True, assignment.get("Enabled", True)):
            return False
        if self.scoped:
            return self._uses_scope(assignment)
        if self.kind == "administrative_unit" and state.scope:
            units = (assignment.get("CustomRecipientWriteScope"), assignment.get("RecipientAdministrativeUnitScope"))
            wanted = (state.scope.administrative_unit, self.options["scope"]["administrative_unit"])
            return any(same_text(one, unit) for one in wanted for unit in units if unit)
        return _reaches_everything(assignment)

    def _wider(self, state: State) -> list[str]:
        """What makes the scope void: reach is the union of all grants."""
        if self.kind == "organization":
            return []
        found = []
        if state.tenant_wide:
            found.append(
                f"The scope is void: Entra ID also grants {state.assignee['name']} full_access_as_app, which opens every "
                "mailbox. Remove that grant."
            )
        for one in self._own(state):
            if self._has_role(one) and _reaches_everything(one) and not self._is_ours(one):
                found.append(
                    f"The scope is void: the role assignment {one['Name']} gives {state.assignee['name']} the role "
                    f"{one['Role']} over the whole organization. Remove it."
                )
        return found

    def _words(self, state: State) -> str:
        return state.scope.text if state.scope else ""

    def _sides(self, state: State) -> tuple[Object, Object]:
        own = self._own(state)
        current = [_shown(one) for one in own if self._has_role(one) and self._is_ours(one)]
        before: Object = {"state": "present" if current else "absent", "assignments": current}
        wanted = [
            {"name": name, "role": role, "scope": self.name if self.scoped else self._words(state)}
            for role, name in self.names.items()
        ]
        kept = all(any(self._fits(one, role, state) for one in own) for role in self.roles)
        after: Object = {"state": "present", "assignments": current if kept else wanted}
        if self.scoped and state.scope:
            old = state.management_scope["RecipientFilter"] if state.management_scope else None
            same = old is not None and _same_filter(state.scope.recipient_filter, old)
            before["recipient_filter"], after["recipient_filter"] = old, old if same else state.scope.recipient_filter
        return before, after

    # --- result and proof ---------------------------------------------------------------------------------------------

    def result(self, state: State, answers: Mapping[str, Object]) -> dict[str, Any]:
        """The assignments as Exchange shows them, and the scope."""
        return {
            "assignments": [_shown(one) for one in self._own(state) if self._has_role(one) and self._is_ours(one)],
            "recipient_filter": state.management_scope["RecipientFilter"] if state.management_scope else None,
        }

    def prove(self, readers: Readers, state: State) -> dict[str, Any]:
        """Ask Exchange about a mailbox in scope and one out of scope, past its permission cache."""
        wanted = self.options["verify"] or {}
        if not self.present or not wanted:
            return {}
        proof = {}
        for option, expected in (("in_scope", True), ("out_of_scope", False)):
            mailbox = wanted.get(option)
            if not mailbox:
                continue
            rows = readers.mailboxes.authorization(self.options["app_id"], mailbox)
            reached = {str(row["RoleName"]).lower() for row in rows if same_truth(True, row.get("InScope"))}
            proof[option] = {"mailbox": mailbox, "roles": [role for role in self.roles if role.lower() in reached]}
            wrong = [role for role in self.roles if (role.lower() in reached) != expected]
            if wrong:
                raise Refused(
                    f"{mailbox} is {'not ' if expected else ''}in the scope of {', '.join(wrong)}.",
                    f"verify.{option}",
                    "Check the scope"
                    + ("." if expected else ", and other role assignments and Entra grants of the application."),
                )
        return {"verified": proof}


def _same_filter(wanted: str, current: str) -> bool:
    """Whether two filters mean the same; a filter that Exchange gives back in a form not known here counts as another."""
    try:
        return meaning(wanted) == meaning(current)
    except ValueError:
        return wanted == current


def _reaches_everything(assignment: Object) -> bool:
    scope = str(assignment.get("RecipientWriteScope") or "Organization")
    return scope == "Organization" and not assignment.get("CustomResourceScope")


def _without(state: State, name: str) -> State:
    remaining = {key: value for key, value in state.named.items() if key != name}
    others = [one for one in state.assignments if one["Name"] != name]
    return State(**{**state.__dict__, "named": remaining, "assignments": others})


def _shown(assignment: Object) -> Object:
    scope = assignment.get("CustomResourceScope") or assignment.get("CustomRecipientWriteScope")
    return {
        "name": assignment["Name"],
        "role": assignment["Role"],
        "scope": scope or assignment.get("RecipientWriteScope"),
    }
