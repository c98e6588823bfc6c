# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tenant's services say of it, in the words of the report. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._rights import DIRECTORY_ROLES, EXCHANGE_ONLINE, GRAPH
from ._grants import reaches_everything
from ._properties import same_truth
from .licenses import carries_ews, held_by, mailbox_plans, seats

if TYPE_CHECKING:
    from ._readers import Object

# What tokens hold beside directory roles: of every application, and of every member of a tenant.
_NO_ROLES = {"0997a1d0-0d1d-4acb-b408-d5ca73121e90", "b79fbf4d-3ef9-4689-8143-76b194e85509"}


def caller(tokens: Mapping[str, Object]) -> Object:
    """Who signed in, by the claims of the tokens for GRAPH and EXCHANGE_ONLINE; {} for a token that says nothing."""
    claims = {name: value for one in tokens.values() for name, value in one.items()}
    ids = [str(one) for one in claims.get("wids") or [] if one not in _NO_ROLES]
    return {
        "app_id": claims.get("appid") or claims.get("azp"),
        "app_name": claims.get("app_displayname"),
        "kind": "person" if "scp" in claims else "application",
        "user": claims.get("upn") or claims.get("unique_name") if "scp" in claims else None,
        "graph_permissions": _permissions(tokens.get(GRAPH)),
        "exchange_permissions": _permissions(tokens.get(EXCHANGE_ONLINE)),
        "directory_roles": sorted(DIRECTORY_ROLES.get(one, one) for one in ids),
    }


def _permissions(claims: Object | None) -> list[str] | None:
    if not claims:
        return None
    return sorted(str(claims["scp"]).split() if "scp" in claims else map(str, claims.get("roles") or []))


def licence(sku: Object) -> Object:
    """A licence that the tenant bought, its seats, and whether it makes a mailbox that EWS opens."""
    bought, used = seats(sku)
    plans = mailbox_plans([sku], {sku["skuId"]: []})
    return {
        "sku": sku["skuPartNumber"],
        "sku_id": sku["skuId"],
        "bought": bought,
        "used": used,
        "free": max(0, bought - used),
        "mailbox": bool(plans),
        "ews": carries_ews(plans),
    }


def account(user: Object | None, skus: Sequence[Object] | None) -> Object:
    """The service account; without the licences that the tenant bought, those that it has are not known by name."""
    held = held_by(user)[0] if user else {}
    plans = None if skus is None else mailbox_plans(skus, held)
    return {
        "exists": user is not None,
        "enabled": user.get("accountEnabled") if user else None,
        "licenses": None if skus is None else [sku["skuPartNumber"] for sku in skus if sku["skuId"] in held],
        "mailbox_plans": plans,
        "ews": None if plans is None else carries_ews(plans),
    }


def frontline(user: Object | None, skus: Sequence[Object] | None) -> bool | None:
    """Whether EWS is closed to a user for its licences; resource and shared mailboxes need none."""
    if user is None or skus is None:
        return None
    plans = mailbox_plans(skus, held_by(user)[0])
    return bool(plans) and not carries_ews(plans)


def user_agents(settings: Object) -> Object:
    """The User-Agent policy of an organization or a mailbox, with the list that it enforces."""
    policy = settings.get("EwsApplicationAccessPolicy") or None
    names = {"EnforceAllowList": "EwsAllowList", "EnforceBlockList": "EwsBlockList"}
    return {"user_agent_policy": policy, "user_agents": texts(settings.get(names.get(str(policy), "")))}


def texts(value: Any) -> list[str]:
    """A list of Exchange's, which may be a single text or nothing."""
    return [value] if isinstance(value, str) else [str(one) for one in value or []]


def acts(assignment: Object) -> bool:
    """Whether an assignment lets somebody act; a delegating one only lets them assign the role to others."""
    regular = not str(assignment.get("RoleAssignmentDelegationType") or "").startswith("Delegating")
    return regular and same_truth(True, assignment.get("Enabled", True))


def holder(assignment: Object) -> Object:
    """Who has a role, and over what."""
    assignee = assignment.get("RoleAssigneeName") or assignment.get("RoleAssignee")
    return {"assignee": assignee, "type": assignment.get("RoleAssigneeType"), **reach(assignment)}


def role(assignment: Object) -> Object:
    """A role of an application, and over what."""
    return {"role": assignment["Role"], **reach(assignment)}


def reach(assignment: Object) -> Object:
    """What a role assignment is over."""
    scope = assignment.get("CustomResourceScope") or assignment.get("CustomRecipientWriteScope")
    return {
        "assignment": assignment["Name"],
        "scope": scope or assignment.get("RecipientWriteScope"),
        "everything": reaches_everything(assignment),
    }
