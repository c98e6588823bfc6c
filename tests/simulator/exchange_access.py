# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may run which cmdlet: the token's role or scope, then directory roles."""

from __future__ import annotations

from .cmdlets import REGISTRY
from .cmdlets.base import Cmdlet
from .exchange_roles import cmdlets
from .tenant import Tenant
from .tokens import OUTLOOK_AUDIENCES, Principal, TokenRefused

APP_ROLE = "Exchange.ManageAsApp"
SCOPE = "Exchange.Manage"

# Live capture by its author: said at connect time. Here it is also the reason in x-ms-diagnostics (inferred).
NO_DIRECTORY_ROLE = (
    "The role assigned to application {app_id} isn't supported in this scenario. Please check online documentation "
    "for assigning correct Directory Roles to Azure AD Application for EXO App-Only Authentication."
)
NOT_IN_ROLE = "'{cmdlet}' is not present in the role definition of the current user"  # working client


class _Refused(Exception):
    def __init__(self, diagnostics: str) -> None:
        super().__init__(diagnostics)
        self.diagnostics = diagnostics


class Unauthorized(_Refused):
    """401: no usable token. ``diagnostics`` is the x-ms-diagnostics header."""


class Forbidden(_Refused):
    """403: the token is good and its principal may not do this."""


def authenticate(tenant: Tenant, authorization: str | None) -> Principal:
    """The principal of a token that may use this interface at all. Raises Unauthorized.

    Lacking Exchange.ManageAsApp and a wrong audience are 401 (live capture); the same for the delegated scope is
    inferred, and the numbers are unverified.
    """
    try:
        principal = tenant.tokens.verify(authorization, OUTLOOK_AUDIENCES)
    except TokenRefused as refused:
        number, reason, category = {
            "missing": (2000001, "No token was sent.", "invalid_request"),
            "expired": (2000007, "The token has expired.", "invalid_token"),
            "audience": (2000003, "The audience claim value is invalid for current resource.", "invalid_resource"),
        }.get(refused.reason, (2000010, "The token has an invalid signature.", "invalid_token"))
        raise Unauthorized(f'{number};reason="{reason}";error_category="{category}"') from refused
    if (principal.app_only and APP_ROLE not in principal.roles) or (
        not principal.app_only and SCOPE not in principal.scopes
    ):
        reason = "The token contains no permissions, or permissions can not be understood."
        raise Unauthorized(f'2000008;reason="{reason}";error_category="invalid_grant"')
    return principal


def directory_roles(tenant: Tenant, principal: Principal) -> frozenset[str]:
    """The role template ids that count: the token's, and for a user those assigned now."""
    if principal.app_only:
        return principal.directory_roles
    assigned = tenant.fresh.where("roleAssignment", lambda one: one["principalId"] == principal.user_id)
    return principal.directory_roles | {one["roleDefinitionId"] for one in assigned}


def allowed_cmdlets(tenant: Tenant, principal: Principal) -> list[str]:
    """The names of the cmdlets that a principal may run, in order. Raises Forbidden when there are none.

    An application counts with the directory roles in its token, and with the role groups and role assignments of its
    service principal in Exchange.
    """
    may = cmdlets(tenant, directory_roles(tenant, principal), principal.user_id or principal.object_id)
    names = sorted(one.name for one in REGISTRY.values() if one.name in may)
    if not names:
        raise Forbidden(f'2000003;reason="{NO_DIRECTORY_ROLE.format(app_id=principal.app_id)}"')
    return names


def authorize(tenant: Tenant, principal: Principal, name: str) -> Cmdlet:
    """The cmdlet of that name, if the principal may run it. Raises Forbidden, for an unknown one too (live capture)."""
    names = allowed_cmdlets(tenant, principal)
    one = REGISTRY.get(name.lower())
    if one is None or one.name not in names:
        raise Forbidden(f'2000003;reason="{NOT_IN_ROLE.format(cmdlet=name)}"')
    return one
