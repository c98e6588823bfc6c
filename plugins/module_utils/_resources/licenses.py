# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Licences of a user: what is wanted, what is held, and what one assignLicense call has to say. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._plan import Refused

if TYPE_CHECKING:
    from ._readers import Object

# A mailbox needs one of these plans; EXCHANGE_S_FOUNDATION and the add-ons make none (Microsoft's service plan reference
# names them; that Foundation alone makes none is not verified).
MAILBOX_PLAN_STEMS = ("EXCHANGE_S_STANDARD", "EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_DESKLESS", "EXCHANGE_S_ESSENTIALS")

# Of these, EWS is closed to since 30 June 2026 (Microsoft's message MC1191578): Exchange Online Kiosk, in frontline licences.
FRONTLINE_PLAN_STEM = "EXCHANGE_S_DESKLESS"

# A user without licences, in Graph's words.
NONE: Mapping[str, Any] = {"assignedLicenses": [], "licenseAssignmentStates": []}


class Licences(NamedTuple):
    """The outcome of the comparison.

    Args:
        add, remove: the two arrays of assignLicense; empty when nothing changes.
        before, after: licences as {SKU part number: disabled plan names}, for the diff.
    """

    add: Sequence[Mapping[str, Any]]
    remove: Sequence[str]
    before: Mapping[str, Sequence[str]]
    after: Mapping[str, Sequence[str]]


def mailbox_plans(skus: Iterable[Object], held: Mapping[str, Sequence[str]]) -> list[str]:
    """The mailbox plans that licences switch on.

    Args:
        skus: the tenant's subscribed SKUs.
        held: disabled plan ids by SKU id.
    """
    return [
        plan["servicePlanName"]
        for sku in skus
        if sku["skuId"] in held
        for plan in sku["servicePlans"]
        if plan["servicePlanName"].startswith(MAILBOX_PLAN_STEMS) and plan["servicePlanId"] not in held[sku["skuId"]]
    ]


def held_by(user: Object) -> tuple[dict[str, Sequence[str]], set[str]]:
    """A user's licences as disabled plan ids by SKU id, and the ids of those that (also) come from a group."""
    held: dict[str, Sequence[str]] = {
        one["skuId"]: list(one.get("disabledPlans") or []) for one in user.get("assignedLicenses") or []
    }
    inherited: set[str] = set()
    for one in user.get("licenseAssignmentStates") or []:
        if one.get("assignedByGroup"):
            inherited.add(one["skuId"])
            held.setdefault(one["skuId"], list(one.get("disabledPlans") or []))
    return held, inherited


def compare(
    wanted: Sequence[Mapping[str, Any]],
    mode: str,
    user: Object,
    skus: Sequence[Object],
    check_seats: bool = True,
) -> tuple[Licences, dict[str, Sequence[str]]]:
    """What has to change, and the licences afterwards (disabled plan ids by SKU id).

    Args:
        wanted: entries with ``sku`` (part number or id) and ``disabled_plans`` (names or ids; None leaves them alone).
        mode: ``merge`` keeps other licences, ``replace`` removes those assigned directly.
        user: as Graph returned it, {} for a new one.
        skus: the tenant's subscribed SKUs.
        check_seats: whether what is added must have a free seat.

    Raises:
        Refused: an unknown SKU or plan, or no free seat.
    """
    held, inherited = held_by(user)
    direct = {one["skuId"] for one in user.get("assignedLicenses") or []} - (inherited - _direct_of(user))
    after: dict[str, Sequence[str]] = (
        dict(held) if mode == "merge" else {key: held[key] for key in held if key in inherited}
    )
    add = []
    for entry in wanted:
        sku = _sku(str(entry["sku"]), skus)
        disabled = _plans(entry.get("disabled_plans"), sku)
        sku_id = sku["skuId"]
        current = held.get(sku_id)
        if current is None and check_seats:
            _check_seats(sku)
        settled = current if disabled is None else disabled
        after[sku_id] = settled or []
        if current is None or set(settled or []) != set(current):
            add.append({"skuId": sku_id, "disabledPlans": list(settled or [])})
    remove = sorted(direct - set(after)) if mode == "replace" else []
    return Licences(add, remove, _named(held, skus), _named(after, skus)), after


def _direct_of(user: Object) -> set[str]:
    """Licences that are assigned to the user itself, as the assignment states say."""
    states = user.get("licenseAssignmentStates") or []
    return {one["skuId"] for one in states if not one.get("assignedByGroup")}


def _sku(name: str, skus: Sequence[Object]) -> Object:
    for sku in skus:
        if name.lower() in (sku["skuPartNumber"].lower(), sku["skuId"].lower()):
            return sku
    known = ", ".join(sorted(sku["skuPartNumber"] for sku in skus)) or "none"
    raise Refused(f"the tenant has no licence {name}.", "licenses", f"It has: {known}.")


def _plans(names: Sequence[str] | None, sku: Object) -> list[str] | None:
    if names is None:
        return None
    ids = {plan["servicePlanName"].lower(): plan["servicePlanId"] for plan in sku["servicePlans"]}
    ids.update({plan["servicePlanId"].lower(): plan["servicePlanId"] for plan in sku["servicePlans"]})
    unknown = [name for name in names if name.lower() not in ids]
    if unknown:
        known = ", ".join(sorted(plan["servicePlanName"] for plan in sku["servicePlans"]))
        raise Refused(
            f"{sku['skuPartNumber']} has no service plan {', '.join(unknown)}.",
            "licenses.disabled_plans",
            f"It has: {known}.",
        )
    return [ids[name.lower()] for name in names]


def seats(sku: Object) -> tuple[int, int]:
    """How many seats of a SKU are bought, and how many used."""
    units = sku.get("prepaidUnits") or {}
    # Units in their grace period ("warning") can still be assigned; not verified against a real tenant.
    return int(units.get("enabled", 0)) + int(units.get("warning", 0)), int(sku.get("consumedUnits", 0))


def carries_ews(plans: Iterable[str]) -> bool:
    """Whether one of these mailbox plans still lets EWS in."""
    return any(not plan.startswith(FRONTLINE_PLAN_STEM) for plan in plans)


def _check_seats(sku: Object) -> None:
    bought, used = seats(sku)
    if used >= bought:
        raise Refused(
            f"no free seat of {sku['skuPartNumber']}: {bought} bought, {used} used.",
            "licenses",
            "Buy a seat or free one.",
        )


def _named(held: Mapping[str, Sequence[str]], skus: Sequence[Object]) -> dict[str, list[str]]:
    names = {sku["skuId"]: sku for sku in skus}
    result = {}
    for sku_id, disabled in held.items():
        sku = names.get(sku_id, {"skuPartNumber": sku_id, "servicePlans": []})
        plans = {plan["servicePlanId"]: plan["servicePlanName"] for plan in sku["servicePlans"]}
        result[sku["skuPartNumber"]] = sorted(plans.get(plan, plan) for plan in disabled)
    return result
