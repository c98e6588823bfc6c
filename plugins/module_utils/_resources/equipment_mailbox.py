# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An equipment mailbox: the resource that attends every meeting, and how it treats the requests it gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._plan import Plan, Ref, Refused, Step
from ._base import Managed, Many
from ._properties import Difference, Property, difference, same_number, same_text, same_truth
from .calendar_processing import LARGEST, RECIPIENT_LISTS, SETTINGS, limits

if TYPE_CHECKING:
    from ._readers import Object, Readers

EQUIPMENT = "EquipmentMailbox"
PROPERTIES = (
    Property("name", "Name"),
    Property("alias", "Alias", compare=same_text),
    Property("primary_smtp_address", "PrimarySmtpAddress", compare=same_text),
    Property("display_name", "DisplayName"),
    Property("hidden_from_address_lists", "HiddenFromAddressListsEnabled", "bool", compare=same_truth),
    Property("capacity", "ResourceCapacity", "int", compare=same_number),
)
NAME_LIMIT = 64
ADDRESS = re.compile(r"[^@\s:]+@[^@\s:]+")
TABLE = {one.option: one for one in PROPERTIES}
WORDS = {"name": "name", "alias": "alias", "primary_smtp_address": "address"}
CREATED_WITH = {"Name", "Alias", "PrimarySmtpAddress", "DisplayName"}
# Set-Mailbox has no PrimarySmtpAddress in the cloud; WindowsEmailAddress sets the primary address and keeps the old one.
WRITTEN_AS = {"PrimarySmtpAddress": "WindowsEmailAddress"}


@dataclass(frozen=True)
class State:
    """What Exchange says.

    Args:
        mailbox: the equipment mailbox, None when there is none.
        processing: its calendar processing, {} when not asked for.
        holders: who has the name, alias or address that is not this mailbox's yet, by option.
        domains: the accepted domains, None when not needed.
        recipients: the recipients named in the options or in the calendar processing, by the name used there.
    """

    mailbox: Object | None
    processing: Object = field(default_factory=dict)
    holders: Mapping[str, Object | None] = field(default_factory=dict)
    domains: Sequence[str] | None = None
    recipients: Mapping[str, Object | None] = field(default_factory=dict)


class EquipmentMailbox(Managed):
    """The managed object. Raises Refused for options that Exchange cannot accept.

    Args:
        options: the module's options; None for those not given.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.processing: Mapping[str, Any] = options.get("calendar_processing") or {}
        self.present = options["state"] == "present"
        _check_options(options)

    def read(self, readers: Readers, answers: Mapping[str, Object]) -> State:
        """Look the mailbox up by its address and by its name. Raises Refused when that finds two."""
        mailboxes, name, address = readers.mailboxes, self.options["name"], self.options["primary_smtp_address"]
        guesses: list[Callable[[], Any]] = []
        if self.present and self.processing:
            guesses.append(lambda: mailboxes.calendar_processing(address or name))
            guesses += [lambda one=one: mailboxes.recipient(one) for one in sorted(self._named())]  # type: ignore[misc]
        return readers.together.expecting(lambda: self._read(readers), *guesses)

    def _read(self, readers: Readers) -> State:
        name, address = self.options["name"], self.options["primary_smtp_address"]
        by_address = readers.mailboxes.mailbox(address) if address else None
        by_name = None
        if by_address is None or not same_text(by_address["Name"], name):
            by_name = readers.mailboxes.mailbox(name)
            # Exchange takes aliases and addresses for identities as well; only the name itself counts.
            by_name = by_name if by_name and same_text(by_name["Name"], name) else None
        if by_address and by_name and by_address["Guid"] != by_name["Guid"]:
            raise Refused(
                f"{address} belongs to the mailbox {by_address['Name']}, and another mailbox is called {name} "
                f"({by_name['PrimarySmtpAddress']}).",
                "primary_smtp_address",
                "Name one of them with both options.",
            )
        mailbox = by_address or by_name
        if not self.present:
            return State(mailbox)
        moves = bool(address) and (mailbox is None or not same_text(mailbox["PrimarySmtpAddress"], address))
        processing, holders, domains = readers.together.of(
            lambda: self._settings(mailbox, readers),
            lambda: self._holders(mailbox, readers),
            lambda: readers.mailboxes.accepted_domains() if moves else None,
        )
        names = self._named() | {one for table in self._lists() for one in (processing or {}).get(table.name) or []}
        recipients = dict(zip(sorted(names), readers.mailboxes.recipients(sorted(names)), strict=True)) if names else {}
        return State(mailbox, processing or {}, holders, domains, recipients)

    def _settings(self, mailbox: Object | None, readers: Readers) -> Object | None:
        """How the mailbox treats requests, asked by the identity that was guessed where that is its own."""
        if mailbox is None or not self.processing:
            return None
        address, guess = mailbox["PrimarySmtpAddress"], self.options["primary_smtp_address"] or self.options["name"]
        own = same_text(guess, address) or same_text(guess, mailbox["Name"])
        return readers.mailboxes.calendar_processing(guess if own else address)

    def _lists(self) -> list[Property]:
        """The lists of recipients that are managed."""
        return [table for table in RECIPIENT_LISTS if self.processing.get(table.option) is not None]

    def _named(self) -> set[str]:
        """The recipients that the options name."""
        return {one for table in self._lists() for one in self.processing[table.option]}

    def _holders(self, mailbox: Object | None, readers: Readers) -> dict[str, Object | None]:
        """Who has the name, alias and address that the mailbox is to get."""
        wanted = {
            table.option: (self.options[table.option], (mailbox or {}).get(table.name))
            for table in map(TABLE.__getitem__, WORDS)
        }
        claims = {option: value for option, (value, has) in wanted.items() if value and not same_text(value, has)}
        if not claims:
            return {}
        return dict(zip(claims, readers.mailboxes.recipients(list(claims.values())), strict=True))

    def plan(self, state: State) -> Plan:
        """The cmdlets that lead to the desired mailbox."""
        if not self.present:
            return self._removal(state)
        self._check(state)
        options = {**self.options, "display_name": self.options["display_name"] or None}
        change = difference(PROPERTIES, options, state.mailbox or {})
        processing = self._processing(state)
        steps: list[Step] = []
        if state.mailbox is None:
            identity, steps = self._creation(change)
            values = {name: value for name, value in change.values.items() if name not in CREATED_WITH}
        else:
            identity = state.mailbox["PrimarySmtpAddress"]
            values = {WRITTEN_AS.get(name, name): value for name, value in change.values.items()}
        if values:
            summary = f"set the properties of the equipment mailbox {self.options['name']}"
            steps.append(self._step(summary, "Set-Mailbox", identity, values, state))
            identity = values.get("WindowsEmailAddress", identity)
        if processing.values:
            summary = f"set how the equipment mailbox {self.options['name']} treats meeting requests"
            steps.append(self._step(summary, "Set-CalendarProcessing", identity, processing.values, state))
        before: Object = {"state": "absent"} if state.mailbox is None else {"state": "present", **change.before}
        after: Object = {"state": "present", **change.after}
        if self.processing:
            after["calendar_processing"] = processing.after
            if state.mailbox is not None:
                before["calendar_processing"] = processing.before
        return Plan(steps, before, after)

    def result(self, state: State, answers: Mapping[str, Object]) -> dict[str, Any]:
        """The mailbox as Exchange shows it: identity and address."""
        mailbox = state.mailbox
        if mailbox is None or not self.present:
            return {"mailbox": None}
        return {
            "mailbox": {
                "name": mailbox["Name"],
                "alias": mailbox["Alias"],
                "display_name": mailbox["DisplayName"],
                "primary_smtp_address": mailbox["PrimarySmtpAddress"],
                "guid": mailbox["Guid"],
                "external_directory_object_id": mailbox["ExternalDirectoryObjectId"],
            }
        }

    def _check(self, state: State) -> None:
        address = self.options["primary_smtp_address"]
        if state.mailbox and state.mailbox["RecipientTypeDetails"] != EQUIPMENT:
            found_by_name = same_text(state.mailbox["Name"], self.options["name"])
            raise Refused(
                f"{state.mailbox['PrimarySmtpAddress']} is a {state.mailbox['RecipientTypeDetails']}, not an equipment "
                "mailbox.",
                "name" if found_by_name else "primary_smtp_address",
                "Choose another name and address; a mailbox of another kind is never taken over.",
            )
        for option, holder in state.holders.items():
            if holder and not self._is_this(option, holder, state.mailbox):
                kind = holder.get("RecipientTypeDetails") or holder.get("RecipientType")
                raise Refused(
                    f"{self.options[option]} belongs to {holder.get('DisplayName') or holder.get('Name')} ({kind}).",
                    option,
                    f"Choose another {WORDS[option]}.",
                )
        if state.domains is not None:
            domain = address.rpartition("@")[2].lower()
            if domain not in [one.lower() for one in state.domains]:
                raise Refused(
                    f"{domain} is not an accepted domain of this tenant.",
                    "primary_smtp_address",
                    f"Use one of {', '.join(state.domains)}, or verify the domain first.",
                )
        missing = [name for name in sorted(self._named()) if state.recipients.get(name) is None]
        if missing:
            raise Refused(f"there is no recipient {', '.join(missing)}.", "calendar_processing", "Check the addresses.")

    def _is_this(self, option: str, holder: Object, mailbox: Object | None) -> bool:
        """Whether a recipient that answers to a value does not stand in the way of it."""
        if option != "primary_smtp_address" and not same_text(self.options[option], holder.get(TABLE[option].name)):
            return True  # Exchange takes display names and addresses for identities as well; those may be alike.
        if mailbox:
            return bool(holder.get("Guid") == mailbox["Guid"])
        # An equipment mailbox that one read finds and the other does not is this one, made a moment ago.
        return bool(holder.get("RecipientTypeDetails") == EQUIPMENT)

    def _creation(self, change: Difference) -> tuple[Any, list[Step]]:
        created = {name: value for name, value in change.values.items() if name in CREATED_WITH}
        values = {"Name": self.options["name"], "Equipment": True, **created}
        step = Step(
            f"create the equipment mailbox {self.options['name']}",
            "exchange",
            "New-Mailbox",
            values=values,
            saves="mailbox",
        )
        return self.options["primary_smtp_address"] or Ref("mailbox", "PrimarySmtpAddress"), [step]

    def _step(self, summary: str, cmdlet: str, identity: Any, values: Mapping[str, Any], state: State) -> Step:
        new = state.mailbox is None
        return Step(summary, "exchange", cmdlet, {"Identity": identity}, values, settling=new)

    def _processing(self, state: State) -> Difference:
        """Settings and recipient lists together. Lists are read back as legacyExchangeDN; both sides compare by recipient."""
        settings = difference(SETTINGS, self.processing, state.processing)
        values, before, after = dict(settings.values), dict(settings.before), dict(settings.after)
        for table in RECIPIENT_LISTS:
            wanted = self.processing.get(table.option)
            if wanted is None:
                continue
            actual = state.processing.get(table.name) or []
            before[table.option] = actual
            if self._guids(wanted, state) == self._guids(actual, state):
                after[table.option] = actual
            else:
                after[table.option] = list(wanted)
                values[table.name] = list(wanted) or None  # null is what clears a list over this interface
        return Difference(values, before, after)

    def _guids(self, names: Sequence[str], state: State) -> set[str]:
        found = ((name, state.recipients.get(name)) for name in names)
        return {str(one["Guid"]) if one else name for name, one in found}

    def _removal(self, state: State) -> Plan:
        if state.mailbox is None:
            return Plan(before={"state": "absent"}, after={"state": "absent"})
        if state.mailbox["RecipientTypeDetails"] != EQUIPMENT:
            self._check(state)
        address = state.mailbox["PrimarySmtpAddress"]
        step = Step(
            f"remove the equipment mailbox {state.mailbox['Name']}",
            "exchange",
            "Remove-Mailbox",
            {"Identity": address},
            {"Confirm": False},
        )
        warning = (
            f"The mailbox {address} stays recoverable until the tenant's retention period for deleted mailboxes ends."
        )
        before = {"state": "present", "name": state.mailbox["Name"], "primary_smtp_address": address}
        return Plan([step], before, {"state": "absent"}, warnings=[warning])


def make(options: Mapping[str, Any]) -> EquipmentMailbox | Many:
    """One equipment mailbox, or the many that ``mailboxes`` lists. Raises Refused."""
    if options["mailboxes"] is None:
        return EquipmentMailbox(options)
    members = [_member(number, given, options) for number, given in enumerate(options["mailboxes"])]
    for option in ("name", "alias", "primary_smtp_address"):
        seen: dict[str, int] = {}
        for number, (_name, member) in enumerate(members):
            value = str(member.options[option] or "").lower()
            if value and seen.setdefault(value, number) != number:
                text = f"mailboxes[{seen[value]}] has the same, {member.options[option]}."
                raise Refused(text, f"mailboxes[{number}].{option}", "List each mailbox once.")
    return Many("mailboxes", members)


def _member(number: int, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[str, EquipmentMailbox]:
    """A mailbox of the list, what it does not say taken from the defaults for all. Raises Refused."""
    options = {name: given[name] if given[name] is not None else defaults[name] for name in given}
    both = [one or {} for one in (defaults["calendar_processing"], given["calendar_processing"])]
    names = dict.fromkeys(name for one in both for name in one)
    settings = {name: both[1].get(name) if both[1].get(name) is not None else both[0].get(name) for name in names}
    try:
        return options["name"], EquipmentMailbox({**options, "calendar_processing": settings or None})
    except Refused as error:
        raise Refused(f"mailboxes[{number}].{error}") from error


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise Refused for what no tenant would accept."""
    name, address = options["name"], options["primary_smtp_address"]
    if not name.strip() or len(name) > NAME_LIMIT:
        raise Refused(f"{name!r} has {len(name)} characters.", "name", f"Give 1 to {NAME_LIMIT}, Exchange's limit.")
    if options["alias"] is not None and not re.fullmatch(r"\S+", options["alias"]):
        raise Refused(
            f"{options['alias']!r} is no alias.",
            "alias",
            "Give one without spaces, or leave it out to let Exchange make it.",
        )
    if address is not None and not ADDRESS.fullmatch(address):
        raise Refused(
            f"{address!r} is no address.", "primary_smtp_address", "Write it as name@domain, without a prefix."
        )
    numbers = {"capacity": (options["capacity"], 0, LARGEST)}
    for one in SETTINGS:
        if one.type == "int":
            value = (options.get("calendar_processing") or {}).get(one.option)
            numbers[f"calendar_processing.{one.option}"] = (value, *limits(one.option))
    for option, (value, least, most) in numbers.items():
        if value is not None and not least <= value <= most:
            raise Refused(f"{value} is out of range.", option, f"Give a number from {least} to {most}.")
