# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules read of a tenant's directory through Microsoft Graph, in Graph's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._transport.errors import NotFound, ServiceError
from .graph import Graph, key, literal

USER_PROPERTIES = (
    "id,userPrincipalName,displayName,givenName,surname,mailNickname,mail,accountEnabled,usageLocation,passwordPolicies,"
    "assignedLicenses,licenseAssignmentStates,createdDateTime"
)


class Directory:
    """Reads; every method raises Denied or ServiceError when the read fails, and None means that the object is not there."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    # --- users and licences -------------------------------------------------------------------------------------------

    def user(self, name: str) -> dict[str, Any] | None:
        """A user by user principal name or object id, with what account management needs."""
        return self._graph.find(f"/users('{key(name)}')", f"read the user {name}", select=USER_PROPERTIES)

    def users(self, names: Sequence[str]) -> list[dict[str, Any] | None]:
        """Several users as ``user`` reads them, in batches."""
        paths = [f"/users('{key(name)}')?$select={USER_PROPERTIES}" for name in names]
        return self._graph.get_many(paths, "read users")

    def memberships(self, user_id: str) -> list[dict[str, Any]]:
        """The groups, administrative units and directory roles of a user, through groups in groups."""
        return self._graph.collect(f"/users/{key(user_id)}/transitiveMemberOf", "read what the user belongs to")

    def user_to_refer_to(self, name: str) -> dict[str, Any] | None:
        """The id of a user, by user principal name or object id, for another object to refer to."""
        tried = f"look for the user {name}"
        return self._graph.find(f"/users('{key(name)}')", tried, purpose="refer", select="id")

    def deleted_users(self, user_principal_name: str) -> list[dict[str, Any]]:
        """Users in the recycle bin that had this user principal name.

        Entra ID puts the object id, without dashes, in front of a deleted user's name; both forms are looked for.
        """
        found = self._graph.collect(
            "/directory/deletedItems/microsoft.graph.user",
            f"look for {user_principal_name} in the recycle bin",
            select=f"{USER_PROPERTIES},deletedDateTime",
        )
        wanted = user_principal_name.lower()
        return [
            user
            for user in found
            if (name := str(user.get("userPrincipalName", "")).lower()) == wanted
            or name == user["id"].replace("-", "").lower() + wanted
        ]

    def holders_of_address(self, address: str) -> list[dict[str, Any]]:
        """Users that hold an SMTP address."""
        return self._graph.collect(
            "/users",
            f"look for the holder of {address}",
            filter=f"proxyAddresses/any(p:p eq {literal('smtp:' + address)})",
            select="id,userPrincipalName,displayName",
        )

    def domains(self) -> list[dict[str, Any]]:
        """The tenant's domains, verified or not."""
        return self._graph.collect("/domains", "read the domains")

    def subscribed_skus(self) -> list[dict[str, Any]]:
        """The licences that the tenant has bought."""
        return self._graph.collect("/subscribedSkus", "read the licences")

    def organization(self) -> dict[str, Any]:
        """The tenant itself: its name and its verified domains."""
        tried = "read the organization"
        found = self._graph.collect("/organization", tried)
        if not found:
            raise ServiceError(tried, 200, text="Graph returned none")
        return found[0]

    def security_defaults(self) -> bool:
        """Whether the tenant's security defaults are on."""
        path, tried = "/policies/identitySecurityDefaultsEnforcementPolicy", "read the security defaults"
        return bool(self._graph.get(path, tried)["isEnabled"])

    def conditional_access_policies(self) -> list[dict[str, Any]]:
        """Every conditional access policy, enforced or not."""
        return self._graph.collect("/identity/conditionalAccess/policies", "read the conditional access policies")

    def mailbox_provisioned(self, user_id: str) -> bool:
        """Whether Exchange has made the user's mailbox; until then Graph answers MailboxNotEnabledForRESTAPI."""
        path, tried = f"/users/{key(user_id)}/mailboxSettings", "look for the mailbox"
        try:
            self._graph.get(path, tried)
        except NotFound:
            return False
        return True

    # --- applications -------------------------------------------------------------------------------------------------

    def application_by_unique_name(self, unique_name: str) -> dict[str, Any] | None:
        """An application registration by its unique name."""
        return self._graph.find(
            f"/applications(uniqueName='{key(unique_name)}')", f"read the application {unique_name}"
        )

    def application_by_app_id(self, app_id: str) -> dict[str, Any] | None:
        """An application registration by its application (client) id."""
        return self._graph.find(f"/applications(appId='{key(app_id)}')", f"read the application {app_id}")

    def applications_named(self, display_name: str) -> list[dict[str, Any]]:
        """Application registrations of that display name, which need not be unique."""
        return self._graph.collect(
            "/applications",
            f"look for applications called {display_name}",
            filter=f"displayName eq {literal(display_name)}",
            select="id,appId,displayName,uniqueName",
        )

    def deleted_applications(self, name: str) -> list[dict[str, Any]]:
        """Application registrations in the recycle bin that hold this unique name or application id."""
        found = self._graph.collect(
            "/directory/deletedItems/microsoft.graph.application", f"look for {name} in the recycle bin"
        )
        return [application for application in found if name in (application.get("uniqueName"), application["appId"])]

    def deleted_service_principals(self, app_id: str) -> list[dict[str, Any]]:
        """Service principals of an application in the recycle bin."""
        found = self._graph.collect(
            "/directory/deletedItems/microsoft.graph.servicePrincipal", f"look for {app_id} in the recycle bin"
        )
        return [principal for principal in found if principal.get("appId") == app_id]

    def key_credentials(self, application_id: str) -> list[dict[str, Any]]:
        """An application's certificates with their public keys, which only this read returns."""
        body = self._graph.get(
            f"/applications/{key(application_id)}", "read the application's certificates", select="keyCredentials"
        )
        return list(body.get("keyCredentials") or [])

    def owners(self, application_id: str) -> list[dict[str, Any]]:
        """The owners of an application."""
        return self._graph.collect(f"/applications/{key(application_id)}/owners", "read the application's owners")

    # --- service principals and consent -------------------------------------------------------------------------------

    def service_principal(self, app_id: str) -> dict[str, Any] | None:
        """The service principal of an application id in this tenant."""
        return self._graph.find(f"/servicePrincipals(appId='{key(app_id)}')", f"read the service principal of {app_id}")

    def service_principals_named(self, display_name: str) -> list[dict[str, Any]]:
        """Service principals of that display name."""
        return self._graph.collect(
            "/servicePrincipals",
            f"look for the service principal {display_name}",
            filter=f"displayName eq {literal(display_name)}",
        )

    def service_principals(self, ids: Sequence[str]) -> list[dict[str, Any] | None]:
        """Several service principals by object id, with the app roles that they offer, in batches."""
        paths = [f"/servicePrincipals/{key(one)}?$select=id,appId,displayName,appRoles" for one in ids]
        return self._graph.get_many(paths, "read the services whose permissions were granted")

    def app_role_assignments(self, app_id: str) -> list[dict[str, Any]]:
        """The app roles that the service principal of an application was granted."""
        path = f"/servicePrincipals(appId='{key(app_id)}')/appRoleAssignments"
        return self._graph.collect(path, "read the granted app roles")

    def delegated_grants(self, app_id: str) -> list[dict[str, Any]]:
        """The delegated permission grants for everybody that an application has; those of single users are left out."""
        path = f"/servicePrincipals(appId='{key(app_id)}')/oauth2PermissionGrants"
        found = self._graph.collect(path, "read the delegated grants")
        return [grant for grant in found if grant.get("consentType") == "AllPrincipals"]

    # --- partners -----------------------------------------------------------------------------------------------------

    def customers(self) -> list[dict[str, Any]]:
        """The customers that gave this tenant, a partner's, delegated administration: tenantId and displayName of each."""
        return self._graph.collect(
            "/tenantRelationships/delegatedAdminCustomers",
            "read the customers of the partner",
            select="tenantId,displayName",
        )
