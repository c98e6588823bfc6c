# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditional access and security defaults: what a user has to bring along for a token.

Policies are Graph's conditionalAccessPolicy documents. They concern users only; applications that sign in as
themselves are left alone. Sign-ins here come from an unknown place, on an unknown and unmanaged device, without risk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .entra_errors import EntraError
from .seed import EXCHANGE_APP_ID
from .store import Document
from .tenant import Tenant

BROWSER, NATIVE = "browser", "mobileAppsAndDesktopClients"
# What security defaults ask a second factor of at every sign-in (Microsoft docs: security-defaults).
ADMINISTRATORS = {
    "62e90394-69f5-4237-9190-012177145e10",  # Global Administrator
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",  # Application Administrator
    "c4e39bd9-1100-46d3-8c65-fb160da0071f",  # Authentication Administrator
    "b0f54661-2d74-4c50-afa3-1ec803f12efe",  # Billing Administrator
    "158c047a-c907-4556-b7ef-446551a6b5f7",  # Cloud Application Administrator
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",  # Conditional Access Administrator
    "29232cdf-9323-42fd-ade2-1d097af3e4de",  # Exchange Administrator
    "729827e3-9c14-49f7-bb1b-9608f156bbb8",  # Helpdesk Administrator
    "966707d0-3269-4727-9be2-8c3a10f19b9d",  # Password Administrator
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",  # Privileged Authentication Administrator
    "e8611ab8-c189-46e8-94e1-60213ab1f814",  # Privileged Role Administrator
    "194ae4cb-b126-40b2-bd5b-6091b380977d",  # Security Administrator
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",  # SharePoint Administrator
    "fe930be7-5e62-47db-91af-98c3a49a38b1",  # User Administrator
}
_DEVICE_CONTROLS = {
    "compliantDevice": 53000,
    "domainJoinedDevice": 53001,
    "approvedApplication": 53002,
    "compliantApplication": 53002,
}


@dataclass(frozen=True)
class SignIn:
    """A user who wants a token.

    Attributes:
        resource: the application id of the API.
        client_app: BROWSER or NATIVE, as conditions name them.
        methods: how the user proved who they are: ``pwd``, ``mfa``.
        transfer: the condition's name of the flow if it is one that moves a sign-in: ``deviceCodeFlow``.
    """

    user: Document
    resource: str
    client_app: str
    methods: tuple[str, ...]
    version_1: bool = False
    transfer: str = ""


def check(tenant: Tenant, sign_in: SignIn) -> None:
    """Raise EntraError when a policy or the security defaults want more than this sign-in has."""
    roles = {
        one["roleDefinitionId"] for one in tenant.fresh.having("roleAssignment", "principalId", sign_in.user["id"])
    }
    asking: list[str] = []
    for policy in tenant.fresh.all("conditionalAccessPolicy"):
        if policy["state"] != "enabled" or not _concerns(tenant, policy["conditions"], sign_in, roles):
            continue
        missing = _missing(policy.get("grantControls") or {}, sign_in.methods)
        code = next((code for control, code in _DEVICE_CONTROLS.items() if control in missing), 53003)
        if missing - {"mfa"}:
            raise _blocked(code, sign_in.version_1)
        asking += [policy["id"]] * bool(missing)
    enrolled = bool(sign_in.user.get("_mfa"))
    if asking:
        raise _strong_authentication(sign_in.resource, enrolled, asking[0], sign_in.version_1)
    if _defaults_ask(tenant, sign_in, roles, enrolled):
        raise _strong_authentication(sign_in.resource, enrolled, "", sign_in.version_1)


def security_defaults(tenant: Tenant) -> Document:
    """Graph's identitySecurityDefaultsEnforcementPolicy."""
    return tenant.fresh.get("policy", "securityDefaults") or {"isEnabled": False}


def _defaults_ask(tenant: Tenant, sign_in: SignIn, roles: set[str], enrolled: bool) -> bool:
    """Everyone has to enrol; administrators need their second factor always, users when Entra finds it necessary."""
    if not security_defaults(tenant)["isEnabled"] or "mfa" in sign_in.methods:
        return False
    return not enrolled or bool(roles & ADMINISTRATORS) or bool(tenant.switch("security_defaults_ask_users"))


def _missing(controls: Document, methods: tuple[str, ...]) -> set[str]:
    """The controls that are not satisfied and have to be. Where one of several is enough, the second factor is."""
    wanted = set(controls.get("builtInControls") or [])
    if controls.get("authenticationStrength"):
        wanted.add("mfa")
    missing = wanted - ({"mfa"} if "mfa" in methods else set())
    if controls.get("operator") == "OR":
        return set() if missing != wanted else wanted & {"mfa"} or wanted
    return missing


def _concerns(tenant: Tenant, conditions: Document, sign_in: SignIn, roles: set[str]) -> bool:
    """Whether a policy's conditions, all of them, hold for this sign-in."""
    kinds = conditions.get("clientAppTypes") or ["all"]
    transfer = (conditions.get("authenticationFlows") or {}).get("transferMethods") or ""
    risky = any(conditions.get(name) for name in ("userRiskLevels", "signInRiskLevels", "servicePrincipalRiskLevels"))
    return (
        not risky
        and ("all" in kinds or sign_in.client_app in kinds)
        and (transfer in ("", "none") or (bool(sign_in.transfer) and sign_in.transfer in transfer))
        and _holds_user(tenant, conditions.get("users") or {}, sign_in.user, roles)
        and _holds_application(conditions.get("applications") or {}, sign_in.resource)
        and _holds_unknown(conditions.get("locations"), "Locations")
        and _holds_unknown(conditions.get("platforms"), "Platforms")
    )


def _holds_user(tenant: Tenant, users: Document, user: Document, roles: set[str]) -> bool:
    if user["id"] in _list(users, "excludeUsers") or roles & set(_list(users, "excludeRoles")):
        return False
    groups = {
        one["id"]
        for one in tenant.fresh.mentioning("group", user["id"])
        if user["id"] in one["_members"] and not one.get("deletedDateTime")
    }
    if groups & set(_list(users, "excludeGroups")):
        return False
    included = _list(users, "includeUsers")
    return (
        "All" in included
        or user["id"] in included
        or bool(roles & set(_list(users, "includeRoles")))
        or bool(groups & set(_list(users, "includeGroups")))
    )


def _holds_application(applications: Document, resource: str) -> bool:
    def names(option: str) -> bool:
        listed = [one.lower() for one in _list(applications, option)]
        return resource in listed or (resource == EXCHANGE_APP_ID and "office365" in listed)

    return not names("excludeApplications") and (
        "All" in _list(applications, "includeApplications") or names("includeApplications")
    )


def _holds_unknown(condition: Document | None, what: str) -> bool:
    """A condition on something that is not known of a sign-in here: it holds when everything is meant."""
    return not condition or any(one.lower() == "all" for one in _list(condition, f"include{what}"))


def _list(document: Document, name: str) -> list[Any]:
    return document.get(name) or []


def _strong_authentication(resource: str, enrolled: bool, policy: str, version_1: bool) -> EntraError:
    """A second factor is due: 50076, or 50079 for a user who has none yet.

    Recorded: v1 says interaction_required, v2 invalid_grant; ``claims`` names the policy.
    """
    action = "use multi-factor authentication" if enrolled else "enroll in multi-factor authentication"
    text = (
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        f"{action} to access '{resource}'."
    )
    claims = {"access_token": {"capolids": {"essential": True, "values": [policy]}}} if policy else None
    word = "interaction_required" if version_1 else "invalid_grant"
    return EntraError(400, word, 50076 if enrolled else 50079, text, "basic_action", claims)


_BLOCKED = {
    53000: "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, "
    "and the device is not compliant. The user must enroll their device with an approved MDM provider like Intune.",
    53001: "Device is not in required device state: domain_joined. Conditional Access policy requires a domain joined "
    "device, and the device is not domain joined.",
    53002: "Application used is not an approved application for Conditional Access. User needs to use one of the apps "
    "from the list of approved applications to use in order to get access.",
    53003: "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
}


def _blocked(code: int, version_1: bool) -> EntraError:
    """A policy stands in the way that no second factor removes (recorded for 53003, with its suberror)."""
    word = "interaction_required" if version_1 else "invalid_grant"
    return EntraError(400, word, code, _BLOCKED[code], "message_only")
