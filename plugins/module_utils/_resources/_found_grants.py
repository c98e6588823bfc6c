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
        mailboxes, verify = readers.mailboxes, self.options["verify"] or {}
        guesses: list[Callable[[], Any]] = [lambda: mailboxes.management_scope(self.name)]
        guesses += [lambda name=name: mailboxes.role_assignment(name) for name in self.names.values()]  # type: ignore[misc]
        if not self.for_app:
            user = self.options["user"]
            guesses += [lambda: mailboxes.recipient(user), lambda: mailboxes.role_assignments_of(user)]
        elif not self._foreseen:
            guesses.append(lambda: readers.directory.app_role_assignments(self.options["app_id"]))
        if self.present:
            guesses += [
                lambda: self._scope(readers, []),
                lambda: mailboxes.recipients([one for one in verify.values() if one]),
            ]
        return readers.together.expecting(lambda: self._read(readers), *guesses)

    def _read(self, readers: Readers) -> State:
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
            mailboxes.role_assignments_of(self._assignee_name(assignee))
            if pointer or (not self.for_app and assignee)
            else []
        )
        names = list(self.names.values()) if self.present else self.all_names
        named = {name: found for name in names if (found := mailboxes.role_assignment(name))}
        users: list[Object] = []
        if management_scope and not self._keeps(management_scope, scope):
            users = [one for one in mailboxes.role_assignments_to("ServicePrincipal") if self.uses_scope(one)]
            users += mailboxes.role_assignments_over(self.name)
        if self.present:
            self._check_roles(readers, assignments)
            self._check_verify(readers, warnings)
        return State(assignee, pointer, scope, management_scope, assignments, named, users, tenant_wide, warnings)

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
            # What Exchange still knows of a deleted application goes as well.
            left = readers.mailboxes.service_principal(app_id)
            return ({**left, "id": left["ObjectId"], "name": app_id} if left else {}), left, False
        pointer, granted = readers.together.expecting(
            lambda: readers.together.of(
                lambda: readers.mailboxes.service_principal(entra["id"]),
                lambda: readers.directory.app_role_assignments(app_id),
            ),
            lambda: readers.mailboxes.role_assignments_of(entra["id"]),
        )
        tenant_wide = any(one["appRoleId"] == TENANT_WIDE_APP_ROLE for one in granted)
        identities = {**(pointer or {}), "id": entra["id"], "app_id": app_id, "name": entra["displayName"]}
        return identities, pointer, tenant_wide

    def _assignee_name(self, assignee: Object) -> str:
        """The name by which the role assignments are read: the one that was given, where that is the address."""
        given, name = str(self.options["user"]), str(assignee["id"])
        return given if not self.for_app and same_text(given, name) else name

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
