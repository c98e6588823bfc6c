# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mailboxes a role reaches: the one kind of scope that the options name, as Exchange will be told. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._plan import Refused
from ._opath import BadFilter, meaning, quoted

if TYPE_CHECKING:
    from ._readers import Object, Readers

KINDS = ("recipient_filter", "group", "mailboxes", "administrative_unit", "organization")
GROUP_TYPES = (
    "MailUniversalDistributionGroup",
    "MailUniversalSecurityGroup",
    "GroupMailbox",
    "MailNonUniversalGroup",
    "DynamicDistributionGroup",
    "RoomList",
)


class Scope(NamedTuple):
    """A resolved scope.

    Args:
        recipient_filter: the filter of the management scope; empty when no management scope is needed.
        administrative_unit: the unit's id as Exchange names it; empty for the other kinds.
        text: the scope in words, for the diff.
        warnings: what the user should know about it.
    """

    recipient_filter: str = ""
    administrative_unit: str = ""
    text: str = "the whole organization"
    warnings: Sequence[str] = ()


def check(scope: Mapping[str, Any] | None) -> str:
    """The kind of scope that is meant. Raises Refused unless it is exactly one, and readable."""
    given = [kind for kind in KINDS if scope and scope.get(kind)]
    if len(given) > 1:
        raise Refused(
            f"{' and '.join(given)} are both given.", "scope", "A role assignment has one scope; keep one of them."
        )
    if not given:
        raise Refused(
            "no scope is given, and without one the role would reach every mailbox of the tenant.",
            "scope",
            f"Give one of {', '.join(KINDS[:-1])}, or organization: true if every mailbox is what you mean.",
        )
    if given == ["recipient_filter"] and scope:
        try:
            meaning(scope["recipient_filter"])
        except BadFilter as error:
            raise Refused(
                f"the filter cannot be read: {error}.",
                "scope.recipient_filter",
                "Write it as Property -eq 'value', joined by -and, -or, -not; an apostrophe within a value is doubled.",
            ) from error
    return given[0]


def resolve(scope: Mapping[str, Any], kind: str, readers: Readers) -> Scope:
    """Look up what the scope names. Raises Refused when it is not there."""
    if kind == "organization":
        return Scope()
    if kind == "recipient_filter":
        return Scope(scope[kind], text=scope[kind])
    if kind == "mailboxes":
        return _mailboxes(scope[kind], readers)
    if kind == "group":
        return _group(scope[kind], readers)
    unit = readers.mailboxes.administrative_unit(scope[kind])
    if unit is None:
        raise Refused(
            f"there is no administrative unit {scope[kind]}.", "scope.administrative_unit", "Give its name or id."
        )
    identity = str(unit.get("ExternalDirectoryObjectId") or unit.get("Guid") or unit.get("Identity"))
    return Scope(administrative_unit=identity, text=f"the administrative unit {scope[kind]}")


def _mailboxes(addresses: Sequence[str], readers: Readers) -> Scope:
    found = readers.mailboxes.recipients(addresses)
    missing = [address for address, one in zip(addresses, found, strict=True) if one is None]
    if missing:
        raise Refused(f"there is no mailbox {', '.join(missing)}.", "scope.mailboxes", "Check the addresses.")
    groups = [address for address, one in zip(addresses, found, strict=True) if one and is_group(one)]
    if groups:
        raise Refused(
            f"{', '.join(groups)} is a group, not a mailbox.",
            "scope.mailboxes",
            "Name its members, or give scope.group.",
        )
    primary = sorted({str(one["PrimarySmtpAddress"]).lower() for one in found if one})
    text = " -or ".join(f"PrimarySmtpAddress -eq {quoted(address)}" for address in primary)
    return Scope(text, text=", ".join(primary))


def _group(name: str, readers: Readers) -> Scope:
    group = readers.mailboxes.group(name)
    if group is None:
        raise Refused(
            f"Exchange knows no group {name}.",
            "scope.group",
            "It must be mail-enabled; an Entra security group without an address cannot be a scope.",
        )
    members = readers.mailboxes.group_members(name)
    nested = [str(one.get("DisplayName") or one.get("Name")) for one in members if is_group(one)]
    warnings = []
    if nested:
        warnings.append(
            f"Members of groups within {name} are out of scope, only direct members count: {', '.join(sorted(nested))}."
        )
    return Scope(
        f"MemberOfGroup -eq {quoted(group['DistinguishedName'])}", text=f"members of {name}", warnings=warnings
    )


def is_group(member: Object) -> bool:
    """Whether a recipient is a group."""
    kinds = {str(member.get("RecipientType")), str(member.get("RecipientTypeDetails"))}
    return bool(kinds & set(GROUP_TYPES))
