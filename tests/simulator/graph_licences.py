# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Licences: what the tenant has bought, and who holds it."""

from __future__ import annotations

import base64
import re
import uuid
from typing import Any

from .graph_call import Answer, Call, GraphError, bad_request, not_found, operation
from .graph_lists import collection
from .graph_objects import find, licences_of, live, to_change
from .graph_odata import KINDS, Kind, single
from .graph_types import check_type
from .store import Document
from .tenant import EXCHANGE_PLANS

_SKU = Kind("subscribedSku", "subscribedSkus", service="whole")
_DETAILS = Kind("licenseDetails", "licenseDetails")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
EXCLUSIVE = ({"EXCHANGE_S_STANDARD", "EXCHANGE_S_ENTERPRISE"},)
# Which plans need one of which others. Only this pair is modelled; that it is one is unverified.
DEPENDS = {"SHAREPOINTWAC": ("SHAREPOINTSTANDARD", "SHAREPOINTENTERPRISE", "SHAREPOINTDESKLESS")}


@operation("GET /subscribedSkus")
def list_skus(call: Call) -> Answer:
    """What the tenant has bought, with the seats in use."""
    used = seats_used(call)
    return collection(call, _SKU, [_shown_sku(call, sku, used) for sku in call.lists.all("subscribedSku")])


@operation("GET /subscribedSkus/{subscribedSku-id}")
def get_sku(call: Call, key: str) -> Answer:
    """One SKU by ``{tenantId}_{skuId}``."""
    sku = call.view.get("subscribedSku", key.rpartition("_")[2])
    if sku is None:
        raise not_found(key)
    return single(call, _SKU, _shown_sku(call, sku, seats_used(call)))


def seats_used(call: Call) -> dict[str, int]:
    """Seats in use by SKU id; deleted users use none."""
    used: dict[str, int] = {}
    for user in call.fresh.where("user", lambda one: live(one) is not None):
        for licence in licences_of(user):
            used[licence["skuId"]] = used.get(licence["skuId"], 0) + 1
    return used


def _shown_sku(call: Call, sku: Document, used: dict[str, int]) -> Document:
    settings = call.tenant.settings
    return {
        "accountId": str(uuid.uuid5(uuid.UUID(call.tenant.id), "account")),
        "accountName": settings["domain"].split(".")[0],
        "appliesTo": sku["appliesTo"],
        "capabilityStatus": sku["capabilityStatus"],
        "consumedUnits": used.get(sku["skuId"], 0),
        "id": f"{call.tenant.id}_{sku['skuId']}",
        "prepaidUnits": sku["prepaidUnits"],
        "servicePlans": sku["servicePlans"],
        "skuId": sku["skuId"],
        "skuPartNumber": sku["skuPartNumber"],
        "subscriptionIds": [],
    }


@operation("POST /users/{user-id}/assignLicense")
def assign_license(call: Call, key: str) -> Answer:
    """Give and take licences in one step; the mailbox follows."""
    body: dict[str, Any] = call.body if isinstance(call.body, dict) else {}
    missing = [name for name in ("addLicenses", "removeLicenses") if body.get(name) is None]
    if missing:
        text = (
            "One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing "
            f"parameters are: {', '.join(missing)}."
        )
        raise bad_request(text)
    if not isinstance(body["addLicenses"], list) or not isinstance(body["removeLicenses"], list):
        # Unverified wording.
        raise bad_request(
            "A value of another kind was read from the JSON reader; however, a 'StartArray' node was expected."
        )
    user = to_change(call, "user", key)
    added = [_licence(one) for one in body["addLicenses"]]
    removed = [_guid(one) for one in body["removeLicenses"]]
    direct = {one["skuId"]: one for one in user["assignedLicenses"]}
    inherited = {one["skuId"] for one in user["_groupLicenses"]}
    for sku_id in [*removed, *(one["skuId"] for one in added)]:
        if call.fresh.get("subscribedSku", sku_id) is None:
            raise bad_request(f"License {sku_id} does not correspond to a valid company License.")
    for sku_id in removed:
        if sku_id not in direct and sku_id in inherited:
            raise bad_request(
                "User license is inherited from a group membership and it cannot be removed directly from the user."
            )
        if sku_id not in direct:
            raise bad_request("User does not have a corresponding license.")
        del direct[sku_id]
    if added and not user.get("usageLocation"):
        raise bad_request("License assignment cannot be done for user with invalid usage location.")
    held = {one["skuId"] for one in licences_of(user)}
    for licence in added:
        _check_seat(call, licence, held)
        direct[licence["skuId"]] = licence
    changed = {**user, "assignedLicenses": list(direct.values())}
    _check_plans(call, changed, added)
    call.tenant.store.put("user", user["id"], changed)
    call.tenant.align_mailbox(changed)
    return single(call, KINDS["user"], changed)


def _guid(value: Any) -> str:
    if not isinstance(value, str) or not _GUID.fullmatch(value):
        text = (
            "Cannot convert a primitive value to the expected type 'Edm.Guid'. See the inner exception for more details"
        )
        raise bad_request(text)
    return value.lower()


def _licence(value: Any) -> Document:
    sku_id = _guid(value.get("skuId") if isinstance(value, dict) else None)
    check_type("microsoft.graph.assignedLicense", value)
    return {"skuId": sku_id, "disabledPlans": [_guid(plan) for plan in value.get("disabledPlans") or []]}


def _check_seat(call: Call, licence: Document, held: set[str]) -> None:
    sku = call.fresh.get("subscribedSku", licence["skuId"]) or {}
    plans = {plan["servicePlanId"] for plan in sku["servicePlans"]}
    wrong = [plan for plan in licence["disabledPlans"] if plan not in plans]
    if wrong:
        # Unverified wording.
        raise bad_request(
            f"License assignment failed because service plan {wrong[0]} is not part of license {licence['skuId']}."
        )
    units = sku["prepaidUnits"]
    # Grace units count (unverified).
    free = units["enabled"] + units["warning"] - seats_used(call).get(licence["skuId"], 0)
    if licence["skuId"] not in held and free <= 0:
        raise bad_request(f"Subscription with SKU {licence['skuId']} does not have any available licenses.")


def _check_plans(call: Call, user: Document, added: list[Document]) -> None:
    """Mutual exclusion and dependency, over every plan that is on once the change is made."""
    on: dict[str, str] = {}
    for licence in licences_of(user):
        sku = call.fresh.get("subscribedSku", licence["skuId"]) or {"servicePlans": []}
        for plan in sku["servicePlans"]:
            if plan["servicePlanId"] not in licence["disabledPlans"]:
                on[plan["servicePlanName"]] = plan["servicePlanId"]
    for exclusive in EXCLUSIVE if added else ():
        both = sorted(exclusive & set(on))
        if len(both) > 1:
            text = (
                f"License assignment failed because service plans {on[both[0]]}, {on[both[1]]} are mutually exclusive."
            )
            raise bad_request(text)
    for licence in added:
        plans = {
            plan["servicePlanName"]: plan["servicePlanId"]
            for plan in (call.fresh.get("subscribedSku", licence["skuId"]) or {})["servicePlans"]
        }
        for name, needed in DEPENDS.items():
            if name in plans and name in on and not set(needed) & set(on):
                missing = next((plans[one] for one in needed if one in plans), None)
                if missing:
                    text = (
                        f"License assignment failed because service plan {plans[name]} depends on the service plan(s) "
                    )
                    raise bad_request(text + missing)


@operation("POST /users/{user-id}/reprocessLicenseAssignment")
def reprocess(call: Call, key: str) -> Answer:
    """Try again what groups assign; nothing is ever pending here."""
    return single(call, KINDS["user"], to_change(call, "user", key))


@operation("GET /users/{user-id}/licenseDetails")
def list_details(call: Call, key: str) -> Answer:
    """A user's licences with the state of each plan."""
    user = find(call, "user", key)
    return collection(call, _DETAILS, _details(call, user), f"users('{user['id']}')/licenseDetails")


@operation("GET /users/{user-id}/licenseDetails/{licenseDetails-id}")
def get_details(call: Call, key: str, details_key: str) -> Answer:
    """One licence of a user."""
    for one in _details(call, find(call, "user", key)):
        if one["id"] == details_key:
            return single(call, _DETAILS, one)
    raise GraphError(404, "Request_ResourceNotFound", f"Resource '{details_key}' does not exist.")


def _details(call: Call, user: Document) -> list[Document]:
    ready = call.mailbox_of(user["id"]) is not None
    details = []
    for licence in licences_of(user):
        sku = call.fresh.get("subscribedSku", licence["skuId"]) or {"servicePlans": [], "skuPartNumber": ""}
        plans = []
        for plan in sku["servicePlans"]:
            status = "Disabled" if plan["servicePlanId"] in licence["disabledPlans"] else "Success"
            if status == "Success" and plan["servicePlanName"] in EXCHANGE_PLANS and not ready:
                status = "PendingProvisioning"
            plans.append({**plan, "provisioningStatus": status})
        opaque = (
            base64.urlsafe_b64encode(uuid.UUID(user["id"]).bytes + uuid.UUID(licence["skuId"]).bytes)
            .rstrip(b"=")
            .decode()
        )
        details.append(
            {"id": opaque, "skuId": licence["skuId"], "skuPartNumber": sku["skuPartNumber"], "servicePlans": plans}
        )
    return details
