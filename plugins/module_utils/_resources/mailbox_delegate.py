# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delegate of a mailbox: rights on the whole mailbox, the right to send for it, and a role on its calendar.

What a delegate has is asked of Exchange by the delegate's address, never compared here: the lists show users by display
name, by user principal name or by SID, depending on the cmdlet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._plan import Plan, Refused, Step
from ._base import Managed
from ._properties import same_text, same_truth

if TYPE_CHECKING:
    from ._readers import MailboxReads, Object, Readers

RIGHTS = ("FullAccess", "SendAs", "SendOnBehalf")
# MailboxFolderAccessRight's roles; single rights (ReadItems, ...) are no roles.
CALENDAR_ROLES = (
    "AvailabilityOnly",
    "LimitedDetails",
    "Reviewer",
    "Contributor",
    "NonEditingAuthor",
    "Author",
    "PublishingAuthor",
    "Editor",
    "PublishingEditor",
    "Owner",
)


@dataclass(frozen=True)
class State:
    """What Exchange says.

    Args:
        mailbox, delegate: the recipients; None when they are not there.
        held: the rights of the delegate that were asked about and are there.
        inherited: those of them that are inherited, and cannot be taken away here.
        denied: whether full access is explicitly denied to the delegate.
        folder: the calendar's folder, as the folder cmdlets name it; "" when not asked for.
        role: the delegate's rights on the calendar, "" for no entry.
    """

    mailbox: Object | None
    delegate: Object | None
    held: frozenset[str] = frozenset()
    inherited: frozenset[str] = frozenset()
    denied: bool = False
    folder: str = ""
    role: str = ""
    warnings: list[str] = field(default_factory=list)


class MailboxDelegate(Managed):
    """The managed object. Raises Refused for options that ask for nothing.

    Args:
        options: the module's options; None for those not given. ``check_mode`` says that earlier tasks of the same play may
            not have made what this one needs.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.present = options["state"] == "present"
        self.rights = list(dict.fromkeys(options["access_rights"] or ()))
        self.calendar_role: str | None = options["calendar_role"]
        if not self.rights and not self.calendar_role:
            raise Refused("name at least one right, or a calendar_role.", "access_rights")
        if options["automapping"] is not None and not (self.present and "FullAccess" in self.rights):
            raise Refused("only counts when FullAccess is given.", "automapping")

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, readers: Readers, answers: Mapping[str, Object]) -> State:
        """The mailbox, the delegate, and what the one has on the other. Raises Refused for what is missing."""
        mailboxes, box, who = readers.mailboxes, self.options["mailbox"], self.options["delegate"]
        guesses: list[Callable[[], Any]] = [lambda: mailboxes.recipient(who)]
        if "FullAccess" in self.rights:
            guesses.append(lambda: mailboxes.mailbox_permissions(box, who))
        if "SendAs" in self.rights:
            guesses.append(lambda: mailboxes.send_as(box, who))
        if self.calendar_role:
            guesses.append(lambda: mailboxes.calendar_folder(box))
        return readers.together.expecting(lambda: self._read(readers), *guesses)

    def _read(self, readers: Readers) -> State:
        mailboxes, warnings = readers.mailboxes, list[str]()
        mailbox = mailboxes.mailbox(self.options["mailbox"])
        delegate = mailboxes.recipient(self.options["delegate"])
        for option, found in (("mailbox", mailbox), ("delegate", delegate)):
            if found is None:
                self._missing(option, warnings)
        if mailbox is None or delegate is None:
            return State(mailbox, delegate, warnings=warnings)
        on_behalf = "SendOnBehalf" in self.rights
        box, who = _named(self.options["mailbox"], mailbox), _named(self.options["delegate"], delegate)
        listed, folder, role = readers.together.of(
            lambda: mailboxes.recipients(mailbox.get("GrantSendOnBehalfTo") or []) if on_behalf else [],
            lambda: mailboxes.calendar_folder(box) if self.calendar_role else "",
            lambda: self._role(mailboxes, box, who),
        )
        held, inherited, denied = set[str](), set[str](), False
        if "FullAccess" in self.rights:
            entries = [one for one in mailboxes.mailbox_permissions(box, who) if "FullAccess" in _rights(one)]
            denied = any(same_truth(True, one["Deny"]) for one in entries)
            allowed = [one for one in entries if not same_truth(True, one["Deny"])]
            held |= {"FullAccess"} if allowed else set()
            own = [one for one in allowed if not same_truth(True, one.get("IsInherited"))]
            inherited |= {"FullAccess"} if allowed and not own else set()
        if "SendAs" in self.rights and any("SendAs" in _rights(one) for one in mailboxes.send_as(box, who)):
            held.add("SendAs")
        if on_behalf:
            held |= {"SendOnBehalf"} if any(one and one["Guid"] == delegate["Guid"] for one in listed) else set()
        return State(mailbox, delegate, frozenset(held), frozenset(inherited), denied, folder, role, warnings)

    def _role(self, mailboxes: MailboxReads, box: str, who: str) -> str:
        """What the delegate may do with the calendar."""
        if not self.calendar_role:
            return ""
        return ", ".join(_rights(mailboxes.folder_permission(mailboxes.calendar_folder(box), who) or {}))

    def _missing(self, option: str, warnings: list[str]) -> None:
        """Who is not there has nothing to lose; giving fails, but in check mode an earlier task may be about to make it."""
        text = f"there is no {'mailbox' if option == 'mailbox' else 'recipient'} {self.options[option]}."
        if not self.present:
            return
        if not self.options["check_mode"]:
            raise Refused(text, option, "Check the address.")
        warnings.append(f"Not there yet, which only check mode lets pass: {text}")

    # --- planning -----------------------------------------------------------------------------------------------------

    def plan(self, state: State) -> Plan:
        """A cmdlet for each right that is missing, or is to go."""
        before: Object = {"access_rights": [one for one in self.rights if one in state.held]}
        after: Object = {"access_rights": list(self.rights) if self.present else sorted(state.inherited)}
        steps, warnings = list[Step](), list(state.warnings)
        if self.present and state.denied:
            raise Refused(
                f"{self.options['delegate']} is explicitly denied FullAccess, and a denial wins over what is given.",
                "access_rights",
                "Remove it first: Remove-MailboxPermission with Deny.",
            )
        if state.inherited and not self.present:
            warnings.append(f"Inherited, and so not taken away: {', '.join(sorted(state.inherited))}.")
        for right in self.rights:
            if self.present and right not in state.held:
                steps.append(self._give(right, state))
            elif not self.present and right in state.held - state.inherited:
                steps.append(self._take(right, state))
        if self.calendar_role:
            before["calendar_role"], after["calendar_role"] = state.role or None, self.calendar_role
            if not self.present:
                after["calendar_role"] = None
            steps += self._calendar(state)
        return Plan(steps, before, after, warnings=warnings)

    def _give(self, right: str, state: State) -> Step:
        box, who = self._names(state)
        summary = f"give {who} {right} on {box}"
        if right == "FullAccess":
            values: Object = {"User": who, "AccessRights": ["FullAccess"], "InheritanceType": "All"}
            if self.options["automapping"] is not None:
                values["AutoMapping"] = self.options["automapping"]
            return _step(summary, "Add-MailboxPermission", box, values)
        if right == "SendAs":
            values = {"Trustee": who, "AccessRights": ["SendAs"], "Confirm": False}
            return _step(summary, "Add-RecipientPermission", box, values)
        return _step(summary, "Set-Mailbox", box, {"GrantSendOnBehalfTo": {"Add": [who]}})

    def _take(self, right: str, state: State) -> Step:
        box, who = self._names(state)
        summary = f"take {right} on {box} from {who}"
        if right == "FullAccess":
            values: Object = {"User": who, "AccessRights": ["FullAccess"], "Confirm": False}
            return _step(summary, "Remove-MailboxPermission", box, values)
        if right == "SendAs":
            values = {"Trustee": who, "AccessRights": ["SendAs"], "Confirm": False}
            return _step(summary, "Remove-RecipientPermission", box, values)
        return _step(summary, "Set-Mailbox", box, {"GrantSendOnBehalfTo": {"Remove": [who]}})

    def _calendar(self, state: State) -> list[Step]:
        box, who = self._names(state)
        folder = state.folder or f"{box}:<calendar>"
        wanted = self.calendar_role if self.present else ""
        if state.role == wanted:
            return []
        if not wanted:
            values: Object = {"User": who, "Confirm": False}
            return [_step(f"take {who} off the calendar of {box}", "Remove-MailboxFolderPermission", folder, values)]
        cmdlet = "Set-MailboxFolderPermission" if state.role else "Add-MailboxFolderPermission"
        values = {"User": who, "AccessRights": [wanted]}
        return [_step(f"make {who} {wanted} of the calendar of {box}", cmdlet, folder, values)]

    def _names(self, state: State) -> tuple[str, str]:
        """Both addresses; in check mode, of what is not there yet, the text of the option."""
        found = ((state.mailbox, self.options["mailbox"]), (state.delegate, self.options["delegate"]))
        box, who = (str(one["PrimarySmtpAddress"]) if one else str(text) for one, text in found)
        return box, who

    def result(self, state: State, answers: Mapping[str, Object]) -> dict[str, Any]:
        """The rights that were asked about, as Exchange shows them."""
        box, who = self._names(state)
        rights = [one for one in self.rights if one in state.held]
        return {
            "permissions": {
                "mailbox": box,
                "delegate": who,
                "access_rights": rights,
                "calendar_role": state.role or None,
                "calendar_folder": state.folder or None,
            }
        }


def _step(summary: str, cmdlet: str, identity: str, values: Mapping[str, Any]) -> Step:
    return Step(summary, "exchange", cmdlet, {"Identity": identity}, values)


def _named(option: str, found: Object) -> str:
    """The name by which more is read of a recipient: the one that was given, where that is its address."""
    address = str(found["PrimarySmtpAddress"])
    return option if same_text(option, address) else address


def _rights(entry: Mapping[str, Any]) -> list[str]:
    """The rights of an entry; one element may hold several, joined by commas."""
    return [right.strip() for text in entry.get("AccessRights") or [] for right in str(text).split(",")]
