# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants as hosts: what a list says of them, what the partner's customers add, and their names. Pure functions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ._plan import Refused

# What a tenant of the list may say, and what becomes a variable of the host with ``tenant_`` in front.
FACTS = ("id", "name", "domain", "country", "state")
_MEMBERS = {"tenant_id", "name", "hostname", "domain", "country", "state", "auth", "vars"}


def listed(entries: Sequence[Any]) -> list[dict[str, Any]]:
    """The tenants of a list, checked. Raises Refused."""
    for number, entry in enumerate(entries, start=1):
        option = f"tenants[{number}]"
        if not isinstance(entry, Mapping):
            raise Refused("it is no mapping.", option, "Give tenant_id and hostname at least.")
        unknown = sorted(str(name) for name in entry if name not in _MEMBERS)
        if unknown:
            raise Refused(
                f"there is no {', '.join(unknown)}.",
                option,
                f"It may have {', '.join(sorted(_MEMBERS))}; others in vars.",
            )
        if not entry.get("tenant_id") and not entry.get("domain"):
            raise Refused("it names no tenant.", option, "Give its tenant_id or its domain.")
        for name in ("auth", "vars"):
            if not isinstance(entry.get(name) or {}, Mapping):
                raise Refused(f"{name} is no mapping.", option, "Give names and values.")
    return [dict(entry) for entry in entries]


def with_customers(
    entries: Sequence[Mapping[str, Any]], customers: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The listed tenants, and after them the customers that are not listed; what the list says of a customer wins.

    Args:
        customers: ``tenantId`` and ``displayName`` of each.
    """
    found = {
        str(one["tenantId"]).lower(): {"tenant_id": one["tenantId"], "name": one["displayName"]} for one in customers
    }
    tenants = [{**found.pop(str(entry.get("tenant_id")).lower(), {}), **entry} for entry in entries]
    return tenants + list(found.values())


def named(tenants: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Each tenant with its host name: ``hostname``, else made from its name, else its domain or id.

    Customers that share a name get the first part of their ids behind it. Raises Refused where two hosts were one.
    """
    names = [str(one.get("hostname") or "") or slug(str(one.get("name") or "")) or _address(one) for one in tenants]
    counted = Counter(names)
    result = [
        (f"{name}-{_address(one)[:8]}" if counted[name] > 1 and not one.get("hostname") else name, one)
        for name, one in zip(names, tenants, strict=True)
    ]
    for name, number in Counter(name for name, _tenant in result).items():
        if number > 1:
            raise Refused(f"{number} tenants are called {name}.", "tenants", "Give each a hostname of its own.")
    return result


def slug(name: str) -> str:
    """A company's name as a host is called: letters and digits in lower case, and one dash for everything between."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")


def variables(tenant: Mapping[str, Any], auth: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a host. Templates in them stay what they are, for the play to resolve.

    Args:
        auth: what all tenants have in common of ``vmr_scheduling_auth``.
    """
    facts = {
        f"tenant_{fact}": tenant[name] for fact in FACTS if tenant.get(name := "tenant_id" if fact == "id" else fact)
    }
    own = {"tenant_id": _address(tenant), **auth, **(tenant.get("auth") or {})}
    return {**facts, "tenant_id": _address(tenant), "vmr_scheduling_auth": own, **(tenant.get("vars") or {})}


def group_names(tenant: Mapping[str, Any]) -> list[str]:
    """The groups by domain, country and state, before Ansible makes them valid."""
    return [f"{name}_{tenant[name]}" for name in ("domain", "country", "state") if tenant.get(name)]


def kept(filters: Sequence[Mapping[str, Any]], holds: Callable[[str], bool]) -> bool:
    """Whether a host stays: the first filter whose condition holds decides, and without one it does.

    Args:
        filters: each has ``include`` or ``exclude`` with a condition.
        holds: whether a condition holds for the host.
    """
    for one in filters:
        ((verb, condition),) = one.items()
        if condition is True or holds(condition):
            return verb == "include"
    return True


def check_filters(filters: Sequence[Any]) -> None:
    """Raise Refused for filters that are none."""
    for number, one in enumerate(filters, start=1):
        if not isinstance(one, Mapping) or len(one) != 1 or not set(one) <= {"include", "exclude"}:
            raise Refused("it is no filter.", f"filters[{number}]", "Give either include or exclude, and a condition.")


def _address(tenant: Mapping[str, Any]) -> str:
    address: str = tenant.get("tenant_id") or tenant["domain"]
    return address
