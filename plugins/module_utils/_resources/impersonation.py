# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acting for users: the role assignment that lets an application, or a service account, open their mailboxes.

Two ways. RBAC for Applications gives an application's service principal a role over a scope. Application Impersonation, which
Exchange Online has taken away from most tenants, gives a user a role over a scope. Both are a management scope and a
role assignment; they differ in who is assigned, and in the names of the parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._plan import Plan, Refused, Step
from ._base import Managed
from ._found_grants import FoundGrants
from ._grants import State, reaches_everything, same_filter, shown
from ._properties import same_text, same_truth

if TYPE_CHECKING:
    from ._readers import Object, Readers


class Impersonation(FoundGrants, Managed):
    """The managed object.

    Args:
        options: the module's options; None for those not given. ``check_mode`` says that earlier tasks of the same play may
            not have made what this one needs.
    """

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
        # The service alone knows which properties a filter may name; when it refuses, this names the option.
        source = " from scope.recipient_filter" if self.kind == "recipient_filter" else ""
        if current is None:
            values = {"Name": self.name, "RecipientRestrictionFilter": wanted}
            steps.append(
                Step(
                    f"create the management scope {self.name}{source}", "exchange", "New-ManagementScope", values=values
                )
            )
        elif not same_filter(wanted, current["RecipientFilter"]):
            strangers = [str(one["Name"]) for one in state.scope_users if not self.is_assignee(one, state)]
            if strangers and self.options["conflict"] == "fail":
                raise Refused(
                    f"the management scope {self.name} has the filter {current['RecipientFilter']}, wanted is {wanted}, and "
                    f"other role assignments use it too: {', '.join(strangers)}.",
                    "name",
                    "Choose another name, or conflict: change to change it for all of them.",
                )
            summary, values = (
                f"change the filter of the management scope {self.name}{source}",
                {"RecipientRestrictionFilter": wanted},
            )
            steps.append(Step(summary, "exchange", "Set-ManagementScope", {"Identity": self.name}, values))

    def _plan_assignment(self, role: str, name: str, state: State, steps: list[Step]) -> None:
        current = state.named.get(name)
        if any(self.fits(one, role, state) for one in self.own(state)):
            return
        if current and not (same_text(current["Role"], role) and self.is_assignee(current, state)):
            if self.options["conflict"] == "fail":
                raise Refused(
                    f"a role assignment {name} exists with the role {current['Role']} for "
                    f"{current.get('RoleAssigneeName')} ({current.get('RoleAssignee')}); wanted is {role} for "
                    f"{state.assignee['name']} ({state.assignee['id']}).",
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
        own = self.own(state)
        mine = [one for one in own if self.has_role(one) and self.is_ours(one)]
        steps = [self._remove_assignment(str(one["Name"])) for one in mine]
        warnings = []
        strangers = [
            str(one["Name"]) for one in state.scope_users if one["Name"] not in [each["Name"] for each in mine]
        ]
        management_scope = None if self.options["keep_scope"] else state.management_scope
        if management_scope and strangers:
            warnings.append(
                f"The management scope {self.name} stays: other role assignments use it: {', '.join(strangers)}."
            )
        elif management_scope:
            summary = f"remove the management scope {self.name}"
            steps.append(
                Step(summary, "exchange", "Remove-ManagementScope", {"Identity": self.name}, {"Confirm": False})
            )
        if state.pointer and len(mine) == len(own):
            summary = f"make Exchange forget the application {state.assignee['name']}"
            target = {"Identity": state.assignee["id"]}
            steps.append(Step(summary, "exchange", "Remove-ServicePrincipal", target, {"Confirm": False}))
        before = {"state": "present", "assignments": [shown(one) for one in mine]} if steps else {"state": "absent"}
        return Plan(steps, before, {"state": "absent"}, warnings=warnings)

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
        for one in self.own(state):
            if self.has_role(one) and reaches_everything(one) and not self.is_ours(one):
                found.append(
                    f"The scope is void: the role assignment {one['Name']} gives {state.assignee['name']} the role "
                    f"{one['Role']} over the whole organization. Remove it."
                )
        return found

    def _words(self, state: State) -> str:
        return state.scope.text if state.scope else ""

    def _sides(self, state: State) -> tuple[Object, Object]:
        own = self.own(state)
        current = [shown(one) for one in own if self.has_role(one) and self.is_ours(one)]
        before: Object = {"state": "present" if current else "absent", "assignments": current}
        wanted = [
            {"name": name, "role": role, "scope": self.name if self.scoped else self._words(state)}
            for role, name in self.names.items()
        ]
        kept = all(any(self.fits(one, role, state) for one in own) for role in self.roles)
        after: Object = {"state": "present", "assignments": current if kept else wanted}
        if self.scoped and state.scope:
            old = state.management_scope["RecipientFilter"] if state.management_scope else None
            same = old is not None and same_filter(state.scope.recipient_filter, old)
            before["recipient_filter"], after["recipient_filter"] = old, old if same else state.scope.recipient_filter
        return before, after

    # --- result and proof ---------------------------------------------------------------------------------------------

    def result(self, state: State, answers: Mapping[str, Object]) -> dict[str, Any]:
        """The assignments as Exchange shows them, and the scope."""
        return {
            "assignments": [shown(one) for one in self.own(state) if self.has_role(one) and self.is_ours(one)],
            "recipient_filter": state.management_scope["RecipientFilter"] if state.management_scope else None,
        }

    def prove(self, readers: Readers, state: State) -> dict[str, Any]:
        """What Exchange says of a mailbox in scope and one out of scope, past its permission cache.

        It said so with the state; where that is not as it should be, it is asked once more.
        """
        if not self.trials:
            return {}
        if set(state.tried) == set(self.trials):
            with suppress(Refused):
                return {"verified": self._proof(state.tried)}
        tests = [lambda one=one: readers.mailboxes.authorization(self.options["app_id"], one) for one in self.trials]
        return {"verified": self._proof(dict(zip(self.trials, readers.together.of(*tests), strict=True)))}

    def _proof(self, tried: Mapping[str, Sequence[Object]]) -> Object:
        """The roles by which each mailbox is reached. Raises Refused where these are too few, or too many."""
        proof: Object = {}
        for option, expected in (("in_scope", True), ("out_of_scope", False)):
            mailbox = self.options["verify"].get(option)
            if not mailbox:
                continue
            reached = {str(row["RoleName"]).lower() for row in tried[mailbox] if same_truth(True, row.get("InScope"))}
            proof[option] = {"mailbox": mailbox, "roles": [role for role in self.roles if role.lower() in reached]}
            wrong = [role for role in self.roles if (role.lower() in reached) != expected]
            if wrong:
                raise Refused(
                    f"{mailbox} is {'not ' if expected else ''}in the scope of {', '.join(wrong)}.",
                    f"verify.{option}",
                    "Check the scope"
                    + ("." if expected else ", and other role assignments and Entra grants of the application."),
                )
        return proof


def _without(state: State, name: str) -> State:
    remaining = {key: value for key, value in state.named.items() if key != name}
    others = [one for one in state.assignments if one["Name"] != name]
    return replace(state, named=remaining, assignments=others)
