# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EWS operations that touch no folder: ConvertId, ResolveNames, GetServerTimeZones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from .ews_access import Caller
from .ews_store import EwsError, decode, not_simulated
from .ews_time import ZONES, standard_offset, transitions
from .ews_xml import MESSAGES, Element, child, elements, flag, local, make, text, write_mailbox
from .meetings import person

Outcome = list[Element] | EwsError


def convert_id(who: Caller, call: Element) -> Iterator[Outcome]:
    """Only from EWS's format to itself; a malformed id gets its error, which is what version guessing asks for."""
    wanted = call.get("DestinationFormat")
    for one in elements(child(call, "SourceIds")):
        try:
            if local(one) != "AlternateId":
                raise not_simulated(f"ConvertId of {local(one)}")
            decode(one.get("Id", ""))
            if (one.get("Format"), wanted) != ("EwsId", "EwsId"):
                raise not_simulated(f"ConvertId from {one.get('Format')} to {wanted}")
            converted = make("AlternateId", namespace=MESSAGES, **dict(one.attrib))
            converted.set("{http://www.w3.org/2001/XMLSchema-instance}type", "t:AlternateIdType")
            yield [converted]
        except EwsError as error:
            yield error


def resolve_names(who: Caller, call: Element) -> Iterator[Outcome]:
    """Directory entries whose name, alias or address starts with what is asked for (contacts folders are empty)."""
    full = flag(call.get("ReturnFullContactData", "false"))
    entry = text(child(call, "UnresolvedEntry")).lower()
    wanted = entry.removeprefix("smtp:")
    found = [
        box
        for box in who.tenant.mailboxes(who.tenant.fresh)
        if not box["HiddenFromAddressListsEnabled"]
        and (
            any(box[name].lower().startswith(wanted) for name in ("DisplayName", "Alias", "PrimarySmtpAddress"))
            or f"smtp:{wanted}" in (address.lower() for address in box["EmailAddresses"])
        )
    ]
    if not found or not wanted:
        yield EwsError("ErrorNameResolutionNoResults", "No results were found.")
        return
    resolutions = [
        make(
            "Resolution",
            write_mailbox(person(box)),
            make("Contact", make("DisplayName", box["DisplayName"])) if full else None,
        )
        for box in found[:100]
    ]
    resolved = make(
        "ResolutionSet",
        *resolutions,
        namespace=MESSAGES,
        TotalItemsInView=str(len(resolutions)),
        IncludesLastItemInRange=str(len(found) <= 100).lower(),
    )
    if len(found) == 1:
        yield [resolved]
        return
    yield [
        make("MessageText", "Multiple results were found.", namespace=MESSAGES),
        make("ResponseCode", "ErrorNameResolutionMultipleResults", namespace=MESSAGES),
        make("DescriptiveLinkKey", "0", namespace=MESSAGES),
        resolved,
    ]


def get_server_time_zones(who: Caller, call: Element) -> Iterator[Outcome]:
    """The zones that the simulator knows, with this year's rules where full data is wanted."""
    full = flag(call.get("ReturnFullTimeZoneData", "false"))
    asked = [text(one) for one in elements(child(call, "Ids"))]
    names = [name for name in ZONES if not asked or name in asked]
    zones = (make("TimeZoneDefinition", *(_rules(name) if full else ()), Id=name, Name=name) for name in names)
    yield [make("TimeZoneDefinitions", *zones, namespace=MESSAGES)]


def _rules(name: str) -> list[Element]:
    """Periods, and the changes between them, as they are every year since the first one."""
    changes = transitions(name, datetime.now(timezone.utc).year)
    periods = {"Standard": standard_offset(name)} | {kind: one.offset for kind, one in changes.items()}
    group = [
        make(
            "RecurringDayTransition",
            make("To", kind, Kind="Period"),
            make("TimeOffset", f"PT{one.hour}H"),
            make("Month", str(one.month)),
            make("DayOfWeek", one.weekday),
            make("Occurrence", str(one.occurrence)),
        )
        for kind, one in sorted(changes.items(), key=lambda item: item[1].month)
    ] or [make("Transition", make("To", "Standard", Kind="Period"))]
    biases = {kind: f"{'-' if minutes > 0 else ''}PT{abs(minutes)}M" for kind, minutes in periods.items()}
    return [
        make("Periods", *(make("Period", Bias=bias, Name=kind, Id=kind) for kind, bias in biases.items())),
        make("TransitionsGroups", make("TransitionsGroup", *group, Id="0")),
        make("Transitions", make("Transition", make("To", "0", Kind="Group"))),
    ]
