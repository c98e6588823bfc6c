# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which role assignments there are, of whom, and over what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._plan import Refused
from . import _scope
from ._grants import IMPERSONATION_ROLE, TENANT_WIDE_APP_ROLE, Grants, State, same_filter
from ._properties import same_text

if TYPE_CHECKING:
    from ._readers import Object, Readers


class FoundGrants(Grants):
    """The wanted role assignments, and what the services say of them. Arguments and errors as of Grants."""

    def read(self, readers: Readers, answers: Mapping[str, Object]) -> State:
        """The assignee, the scope and every role assignment that matters. Raises Refused for what is missing."""
        mailboxes, app_id = readers.mailboxes, self.options["app_id"]
        guesses: list[Callable[[], Any]] = [lambda: mailboxes.management_scope(self.name)]
        guesses += [lambda name=name: mailboxes.role_assignment(name) for name in self.names.values()]  # type: ignore[misc]
        if not self.for_app:
            user = self.options["user"]
            guesses += [lambda: mailboxes.recipient(user), lambda: mailboxes.role_assignments_of(user)]
        elif not self._foreseen:
            guesses += [
                lambda: mailboxes.service_principal(app_id),
                lambda: mailboxes.role_assignments_of(app_id),
                lambda: self._tried(readers),
            ]
            if self.present:
                guesses.append(lambda: readers.directory.app_role_assignments(app_id))
        if self.present:
            guesses += [lambda: self._scope(readers, []), lambda: mailboxes.recipients(self.trials)]
        if self.kind == "group":
            guesses.append(lambda: mailboxes.group_members(self.options["scope"]["group"]))
        return readers.together.expecting(lambda: self._read(readers), *guesses)

    def _read(self, readers: Readers) -> State:
        mailboxes, warnings = readers.mailboxes, list[str]()
        if self.present and not self.for_app and mailboxes.management_role(IMPERSONATION_ROLE) is None:
            raise Refused(
                "this tenant has no role ApplicationImpersonation any more; Microsoft removed it from Exchange Online.",
                "method",
                "Use method: application_rbac, with the app_id of an application in place of the user.",
            )
        assignee, pointer, tenant_wide = (
            self._application(readers, warnings) if self.for_app else (self._user(readers, warnings), None, False)
        )
        scope = self._scope(readers, warnings) if self.present else None
        management_scope = mailboxes.management_scope(self.name)
        assignments = self._assignments(readers, assignee, pointer)
        names = list(self.names.values()) if self.present else self.all_names
        named = {name: found for name in names if (found := mailboxes.role_assignment(name))}
        users: list[Object] = []
        if management_scope and not self._keeps(management_scope, scope):
            users = [one for one in mailboxes.role_assignments_to("ServicePrincipal") if self.uses_scope(one)]
            users += mailboxes.role_assignments_over(self.name)
        tried = self._tried(readers) if pointer else {}
        if self.present:
            self._check_roles(readers, assignments)
            self._check_verify(readers, warnings)
        return State(
            assignee, pointer, scope, management_scope, assignments, named, users, tenant_wide, tried, warnings
        )

    @property
    def _foreseen(self) -> bool:
        """Whether the application is only a placeholder of check mode, and nothing to ask for."""
        return str(self.options["app_id"]).startswith("<")

    def _keeps(self, management_scope: Object, scope: _scope.Scope | None) -> bool:
        """Whether the management scope stays as it is."""
        wanted = scope.recipient_filter if scope and self.scoped else None
        return self.present and (wanted is None or same_filter(wanted, management_scope["RecipientFilter"]))

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
        for mailbox, found in zip(self.trials, readers.mailboxes.recipients(self.trials), strict=True):
            if found is None:
                option = next(one for one, wanted in self.options["verify"].items() if wanted == mailbox)
                text = f"there is no mailbox {mailbox}."
                self._missing(text, f"verify.{option}", "Check the address.", warnings)

    def _tried(self, readers: Readers) -> dict[str, Sequence[Object]]:
        """What Exchange says the application may do with each mailbox that it can tell it of; check mode proves nothing."""
        if self.options["check_mode"]:
            return {}
        tests = [lambda one=one: readers.mailboxes.authorization(self.options["app_id"], one) for one in self.trials]
        outcomes = readers.together.of(*(lambda test=test: readers.attempt(test)[0] for test in tests))
        return {mailbox: rows for mailbox, rows in zip(self.trials, outcomes, strict=True) if rows is not None}

    def _user(self, readers: Readers, warnings: list[str]) -> Object:
        """The identities of the user; {} where it is missing and nothing is wanted of it."""
        name = self.options["user"]
        user = readers.mailboxes.recipient(name)
        if user is None:
            self._missing(f"Exchange knows no user {name}.", "user", "Create it with a mailbox first.", warnings)
            return {"id": name, "name": name} if self.present else {}
        if _scope.is_group(user):
            raise Refused(f"{name} is a group.", "user", "Give a user, whose mailbox Exchange knows.")
        return {**user, "id": user["PrimarySmtpAddress"], "name": name}

    def _application(self, readers: Readers, warnings: list[str]) -> tuple[Object, Object | None, bool]:
        """Its identities, Exchange's service principal, and whether Entra ID grants it all mailboxes."""
        app_id = self.options["app_id"]
        if not self.present:
            # What Exchange knows of it is what there is to remove, that of a deleted application too.
            left = readers.attempt(lambda: readers.mailboxes.service_principal(app_id))[0]
            if left:
                return {**left, "id": left["ObjectId"], "name": left.get("DisplayName") or app_id}, left, False
        entra = None if self._foreseen else readers.directory.service_principal(app_id)
        if entra is None:
            self._missing(
                f"the application {app_id} has no service principal in this tenant.",
                "app_id",
                "Register it first, e.g. with o365_oauth_app, and give the application (client) id.",
                warnings,
            )
            if self.present:
                return {"id": f"<service principal of {app_id}>", "name": app_id}, None, False
            readers.mailboxes.service_principal(app_id)  # raises, where Exchange did not say that there is none
            return {}, None, False
        granted = readers.directory.app_role_assignments(app_id) if self.present else []
        tenant_wide = any(one["appRoleId"] == TENANT_WIDE_APP_ROLE for one in granted)
        pointer = readers.mailboxes.application_service_principal(app_id, entra["id"])
        identities = {**(pointer or {}), "id": entra["id"], "app_id": app_id, "name": entra["displayName"]}
        return identities, pointer, tenant_wide

    def _assignments(self, readers: Readers, assignee: Object, pointer: Object | None) -> list[Object]:
        """The assignee's role assignments, none of one that Exchange does not know."""
        if not (pointer if self.for_app else assignee):
            return []
        if self.for_app:
            return readers.mailboxes.application_role_assignments(self.options["app_id"], assignee["id"])
        # By the name that was given, and guessed with, where that is the address.
        given, address = str(self.options["user"]), str(assignee["id"])
        return readers.mailboxes.role_assignments_of(given if same_text(given, address) else address)

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
