# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant itself: organization, domains, administrative units, and what this tenant has none of."""

from __future__ import annotations

from collections.abc import Callable

from .graph_call import Answer, Call, not_found, operation
from .graph_lists import collection, mixed
from .graph_objects import objects
from .graph_odata import KINDS, Kind, single

_ORGANIZATION = Kind("organization", "organization")
_DOMAIN = Kind("domain", "domains")
_UNIT = KINDS["administrativeUnit"]
_CUSTOMER = Kind(
    "delegatedAdminCustomer",
    "tenantRelationships/delegatedAdminCustomers",
    filterable=frozenset({"displayName", "tenantId"}),  # unverified: the page says $filter, and not of what
    service="partner",
    # The page says that each has an ETag, and not what is in it.
    show=lambda call, document: {"@odata.etag": f'W/"{document["id"]}"', **document},
)


@operation("GET /organization")
def list_organizations(call: Call) -> Answer:
    """A list of one."""
    return collection(call, _ORGANIZATION, call.lists.all("organization"))


@operation("GET /organization/{organization-id}")
def get_organization(call: Call, key: str) -> Answer:
    """The tenant by its id."""
    found = call.view.get("organization", key)
    if found is None:
        raise not_found(key)
    return single(call, _ORGANIZATION, found)


@operation("GET /domains")
def list_domains(call: Call) -> Answer:
    """The tenant's domains, verified or not."""
    return collection(call, _DOMAIN, call.lists.all("domain"))


@operation("GET /domains/{domain-id}")
def get_domain(call: Call, key: str) -> Answer:
    """One domain by its name."""
    found = call.view.get("domain", key)
    if found is None:
        raise not_found(key)
    return single(call, _DOMAIN, found)


@operation("GET /directory/administrativeUnits")
def list_units(call: Call) -> Answer:
    """The administrative units."""
    return collection(call, _UNIT, call.lists.all("administrativeUnit"))


@operation("GET /directory/administrativeUnits/{administrativeUnit-id}")
def get_unit(call: Call, key: str) -> Answer:
    """One administrative unit."""
    found = call.view.get("administrativeUnit", key)
    if found is None:
        raise not_found(key)
    return single(call, _UNIT, found)


@operation("GET /directory/administrativeUnits/{administrativeUnit-id}/members")
def list_unit_members(call: Call, key: str) -> Answer:
    """The members of an administrative unit."""
    found = call.view.get("administrativeUnit", key)
    if found is None:
        raise not_found(key)
    return mixed(call, objects(call, found["_members"]))


@operation("GET /tenantRelationships/delegatedAdminCustomers")
def list_customers(call: Call) -> Answer:
    """The customers of the partner that this tenant is, if it is one."""
    return collection(call, _CUSTOMER, call.lists.all("delegatedAdminCustomer"))


@operation("GET /tenantRelationships/delegatedAdminCustomers/{delegatedAdminCustomer-id}")
def get_customer(call: Call, key: str) -> Answer:
    """One customer."""
    found = call.view.get("delegatedAdminCustomer", key)
    if found is None:
        raise not_found(key)
    return single(call, _CUSTOMER, found)


def _nothing(kind: Kind) -> tuple[Callable[[Call], Answer], Callable[[Call, str], Answer]]:
    def empty(call: Call) -> Answer:
        return collection(call, kind, [])

    def missing(call: Call, key: str) -> Answer:
        raise not_found(key)

    return empty, missing


for _type, _path in (
    ("contract", "contracts"),
    ("delegatedAdminRelationship", "tenantRelationships/delegatedAdminRelationships"),
):
    _empty, _missing = _nothing(Kind(_type, _path))
    operation(f"GET /{_path}")(_empty)
    operation(f"GET /{_path}/{{{_type}-id}}")(_missing)
