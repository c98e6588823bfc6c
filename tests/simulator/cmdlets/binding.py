# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binding: the parameters of a call against the documented names, types and sets in ``contracts/cmdlets.json``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ..store import Document
from .base import BindingError
from .convert import convert

_CONTRACTS: dict[str, Document] = json.loads(
    (Path(__file__).parent.parent / "contracts" / "cmdlets.json").read_text(encoding="utf-8")
)
DOCUMENTED = {name.lower(): name for name in _CONTRACTS}

# Parameters of every cmdlet; the first two are known to pass (working clients), the rest is left out until seen.
COMMON: Document = {"ErrorAction": {"type": "String"}, "WarningAction": {"type": "String"}}

# What the pages lack: a switch that Microsoft's prose and a live capture name.
_EXTRA: dict[str, Document] = {
    "Get-OrganizationConfig": {"RetrieveEwsOperationAccessPolicy": {"type": "SwitchParameter"}}
}

# Marked required on the page, yet clients do without.
_OPTIONAL = {
    ("New-ServicePrincipal", "ServiceId"),  # working client; the page says that ObjectId replaces it
    ("Get-ManagementRole", "Identity"),  # inferred: the page's own first example lists all roles
    ("Get-ApplicationAccessPolicy", "Identity"),  # the page contradicts itself
    ("New-Mailbox", "Password"),  # not for resource and shared mailboxes; the cmdlet asks for it where it must
}

# Sets that exist on premises only (Microsoft docs), and Instance, which no page documents.
_NOT_IN_CLOUD = {
    *("DatabaseSet", "ServerSet", "Instance", "Computer", "DatabaseFilter", "DatabaseList", "ServerFilter"),
    *("ServerList", "StoreMailboxIdentity", "AdfsAuthenticationParameter", "AdfsAuthenticationRawConfiguration"),
    *("CrossForest", "User:New-Mailbox", "DisabledUser", "Linked", "LinkedRoomMailbox", "Arbitration", "AuditLog"),
    *("AuxAuditLog", "RemoteArchive", "SupervisoryReviewPolicyMailbox", "Database"),
}
# Its documented sets look generated; only Identity binds (inferred).
_WITHOUT_SETS = {"Set-Mailbox"}


@dataclass(frozen=True)
class Parameter:
    """A documented parameter and the sets that have it (empty: all)."""

    name: str
    type: str
    values: tuple[str, ...]
    sets: frozenset[str]
    required_in: frozenset[str]
    required: bool


@dataclass(frozen=True)
class Contract:
    """A documented cmdlet: parameters by lower-case name or alias, and its set names."""

    name: str
    parameters: dict[str, Parameter]
    sets: frozenset[str]


def contract(name: str) -> Contract:
    """The documented contract of a cmdlet, by its documented name."""
    if name not in _cache:
        _cache[name] = _read(name)
    return _cache[name]


_cache: dict[str, Contract] = {}


def _read(name: str) -> Contract:
    entry = _CONTRACTS[name]
    syntax: dict[str, list[str]] = {
        key: members
        for key, members in entry["sets"].items()
        if key not in _NOT_IN_CLOUD and f"{key}:{name}" not in _NOT_IN_CLOUD
    }
    gone = frozenset(entry["sets"]) - frozenset(syntax)
    in_cloud = {member for members in syntax.values() for member in members}
    if name in _WITHOUT_SETS or len(syntax) == 1:
        syntax = {}
    found: dict[str, Parameter] = {}
    for key, facts in {**entry["parameters"], **_EXTRA.get(name, {}), **COMMON}.items():
        if facts.get("sets") and frozenset(facts["sets"]) <= gone and key not in in_cloud:
            continue  # a parameter of on-premises sets only
        of_sets = frozenset(one for one, members in syntax.items() if key in members)
        of_sets = frozenset() if of_sets == frozenset(syntax) else of_sets
        marked = frozenset(facts.get("sets") or ()) & frozenset(syntax)
        required = bool(facts.get("required")) and (name, key) not in _OPTIONAL
        if name in _WITHOUT_SETS:
            required = key == "Identity"
        parameter = Parameter(
            key,
            str(facts["type"]).strip("<>"),
            tuple(facts.get("values") or ()),
            of_sets,
            (marked or of_sets or frozenset(syntax)) | (frozenset({key}) & frozenset(syntax))
            if required
            else frozenset(),
            required,
        )
        for alias in (key, *facts.get("aliases", ())):
            found[alias.lower()] = parameter
    return Contract(name, found, frozenset(syntax))


def bind(name: str, parameters: Document) -> Document:
    """The parameters under their documented names with converted values. Raises BindingError.

    Args:
        name: the cmdlet's documented name.
        parameters: as they came over the wire; names compare without case.
    """
    documented = contract(name)
    unknown = [given for given in parameters if given.lower() not in documented.parameters]
    if unknown:
        # Text: live capture, with one name; how several are joined is unverified.
        raise _ambiguous(f"Invalid cmdlet parameters specified. {', '.join(unknown)}")
    bound: Document = {}
    for given, value in parameters.items():
        parameter = documented.parameters[given.lower()]
        if parameter.name in bound:
            raise _ambiguous(f"Invalid cmdlet parameters specified. {given}")
        bound[parameter.name] = convert(name, parameter.name, parameter.type, parameter.values, value)
    _resolve_set(documented, bound)
    return {key: value for key, value in bound.items() if key not in COMMON}


def _resolve_set(documented: Contract, bound: Document) -> None:
    by_name = {parameter.name: parameter for parameter in documented.parameters.values()}
    # A switch given as false selects nothing (PowerShell).
    chosen = [name for name, value in bound.items() if not (by_name[name].type == "SwitchParameter" and value is False)]
    if not documented.sets:
        missing = [one.name for one in by_name.values() if one.required and bound.get(one.name) is None]
        _demand(missing)
        return
    candidates = set(documented.sets)
    for name in chosen:
        candidates &= by_name[name].sets or documented.sets
    if not candidates:
        raise _ambiguous("")
    lacks = {
        candidate: [
            one.name
            for one in by_name.values()
            if candidate in one.required_in and bound.get(one.name) in (None, False)
        ]
        for candidate in candidates
    }
    _demand(min(lacks.values(), key=len))


def _demand(missing: list[str]) -> None:
    if missing:
        # The family is known (400 Invalid Operation, live capture); the text is unverified.
        raise _ambiguous(f"Missing mandatory parameters: {' '.join(missing)}")


def _ambiguous(detail: str) -> BindingError:
    text = "Parameter set cannot be resolved using the specified named parameters."
    return BindingError("AmbiguousParameterSetException", re.sub(r"\s+$", "", f"{text} {detail}"))
