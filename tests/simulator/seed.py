# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default tenant, and what a seed file changes in it.

A seed file is a YAML mapping; each key is optional:

    tenant: {id, domain, display_name, management_node}
    domains: [{name, verified}]
    skus: {EXCHANGESTANDARD: 10}                  # seats by SKU part number
    users: [{upn, name, licences: [..], group_licences: [..], usage_location,
             mfa: ABCD234..,                      # the base32 secret of an authenticator app
             mailbox: {..}}]                      # members of the mailbox document, e.g. _folderNames, _casMailbox
    groups: [{name, mail, members: [upn], security: bool}]
    administrative_units: [{name, members: [upn]}]
    impersonation_role: false                     # whether the tenant still has the ApplicationImpersonation role
    organization_config: {EwsEnabled: true}       # what Get-OrganizationConfig shows of it
    dehydrated: false                             # whether Enable-OrganizationCustomization was never run
    security_defaults: false
    conditional_access: [{displayName, state, conditions, grantControls}]
                                                  # as Graph has them; users by UPN, groups and roles by name
    issuers: {https://issuer.example: {keys: [..]}}   # what an issuer of federated tokens, not reached, would show
    automation: {roles: [..], exchange_roles: [..], directory_roles: [..]}   # in place of everything
    apps: [{name, client_id, client_secret, roles: [..], exchange_roles: [..], directory_roles: [..]}]   # more like it
    customers: [{name, tenant_id}]                # of the partner that this tenant then is
    switches: {name: value}                       # see tenant.SWITCHES
"""

from __future__ import annotations

import json
import secrets
import uuid
from pathlib import Path

import yaml

from .exchange_roles import ROLES
from .seed_policies import plant_policies
from .store import Document
from .tenant import SWITCHES, Tenant, graph_time, new_id

CONTRACTS = Path(__file__).parent / "contracts"
NAMESPACE = uuid.UUID("6f9d3c3a-5f0e-4a55-9f31-1c2d7a4be0aa")

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
EXCHANGE_APP_ID = "00000002-0000-0ff1-ce00-000000000000"

# Published ids (application role, delegated scope). Permissions beyond these get ids made up from their names.
GRAPH_PERMISSIONS: dict[str, tuple[str | None, str | None]] = {
    "Calendars.ReadWrite": ("ef54d2bf-783f-4e0f-bca1-3210c0444d99", "1ec239c2-d7c9-4623-a91a-a9775856bb36"),
    "Calendars.Read": ("798ee544-9d2d-430c-a058-570e29e34338", "465a38f9-76ea-45b9-9f34-9e8b0d4b0b42"),
    "Mail.ReadWrite": ("e2a3a72e-5f79-4c64-b1b1-878b674786c9", "024d486e-b451-40bb-833d-3e66d98c5c73"),
    "User.Read.All": ("df021288-bdef-4463-88db-98f22de89214", "a154be20-db9c-4678-8ab7-66f6cc099a59"),
    "User.ReadWrite.All": ("741f803b-c850-494e-b5df-cde7c675a1ca", "204e0828-b5ca-4ad8-b9f3-f32a958e7cc4"),
    "MailboxSettings.ReadWrite": ("6931bccd-447a-43d1-b442-00a195474933", "818c620a-27a9-40bd-a6a5-d96f7d610b4b"),
    "MailboxSettings.Read": ("40f97065-369a-49f4-947c-6a255697ae91", "87f447af-9fa4-4c32-9dfa-4a57a73d18ce"),
    "Application.ReadWrite.All": ("1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9", "bdfbf15f-ee85-4955-8675-146e8e5296b5"),
    "Application.ReadWrite.OwnedBy": ("18a4783c-866b-4cc7-a460-3d5e5662c884", None),
    "Application.Read.All": ("9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30", "c79f8feb-a9db-4090-85f9-90d820caa0eb"),
    "AppRoleAssignment.ReadWrite.All": ("06b708a9-e830-4db3-a914-8e69da51d44f", "84bccea3-f856-4a8a-967b-dbe0a3d53a64"),
    "DelegatedPermissionGrant.ReadWrite.All": (
        "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
        "41ce6ca6-6826-4807-84f1-1c82854f7ee5",
    ),
    "Organization.Read.All": ("498476ce-e0fe-48b0-b801-37ba7e2685c6", "4908d5b9-3fb2-4b1e-9336-1888b7937185"),
    "LicenseAssignment.ReadWrite.All": ("5facf0c1-8979-4e95-abcf-ff3d079771c0", "f55016cc-149c-447e-8f21-7cf3ec1d6350"),
    "Directory.Read.All": ("7ab1d382-f21e-4acd-a863-ba3e13f7da61", "06da0dbc-49e2-44d2-8312-53f166ab848a"),
    "Directory.ReadWrite.All": ("19dbc75e-c2e2-444c-a770-ec69d8559fc7", "c5366453-9fb0-48a5-a156-24f0c49a4b84"),
    "RoleManagement.ReadWrite.Directory": (
        "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
        "d01b97e9-cbc0-49fe-810a-750afd5527a3",
    ),
    "Domain.Read.All": ("dbb9058a-0e50-45d7-ae91-66909b5d4664", "2f9ee017-59c1-4f1d-9472-bd5529a7b311"),
    "Policy.Read.All": ("246dd0d5-5bd0-4def-940b-0421030a5b68", "572fea84-0151-49b2-9301-11cb16974376"),
    "User.RevokeSessions.All": ("77f3a031-c388-4f99-b373-dc68676a979e", "fc30e98b-8810-4501-81f5-c20a3196387b"),
    "User.DeleteRestore.All": ("eccc023d-eccf-4e7b-9683-8813ab36cecc", "4bb440cd-2cf2-4f90-8004-aa2acd2537c5"),
    "User.EnableDisableAccount.All": ("3011c876-62b7-4ada-afa2-506cbbecc68c", "f92e74e7-2563-467f-9dd0-902688cb5863"),
    "User-PasswordProfile.ReadWrite.All": (
        "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7",
        "56760768-b641-451f-8906-e1b8ab31bca7",
    ),
    "Place.Read.All": ("913b9306-0ce1-42b8-9137-6a7df690a760", "cb8f45a0-5c2e-4ea1-b803-84b870a7d7ec"),
    "User.Read": (None, "e1fe6dd8-ba31-4d61-89e7-88639da4683d"),
    "offline_access": (None, "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"),
    "openid": (None, "37f7f235-527c-4136-accd-4a02d197296e"),
    "profile": (None, "14dad69e-099b-42c9-810b-d002981feec1"),
    "email": (None, "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0"),
    "EWS.AccessAsUser.All": (None, "9769c687-087d-48ac-9cb3-c37dde652038"),
    "Calendars.ReadBasic.All": ("8ba4a692-bc31-4128-9094-475872af8a53", None),
    "Calendars.ReadBasic": (None, "662d75ba-a364-42ad-adee-f5f880ea4878"),
    "Calendars.Read.Shared": (None, "2b9c4092-424d-4249-948d-b43879977640"),
    "Calendars.ReadWrite.Shared": (None, "12466101-c9b8-439a-8589-dd09ee67e8e9"),
    "Group.Create": ("bf7b1a76-6e77-406b-b258-bf5c7720e98f", None),
    "Group.Read.All": ("5b567255-7703-4780-807c-7be8301ae99b", "5f8c59db-677d-491f-a6b8-5f174b11ec1d"),
    "Group.ReadWrite.All": ("62a82d76-70ea-41e2-9197-370581804d09", "4e46008b-f24c-477d-8fff-7bb4ec7aafe0"),
    "GroupMember.ReadWrite.All": ("dbaae8cf-10b5-4b86-a4a1-f871c94c6695", "f81125ac-d3b7-4573-a3b2-7099cc39df9e"),
}
EXCHANGE_PERMISSIONS: dict[str, tuple[str | None, str | None]] = {
    "full_access_as_app": ("dc890d15-9560-4a4c-9b7f-a736ec74ec40", None),
    "Exchange.ManageAsApp": ("dc50a0fb-09a3-484d-be87-e023b12c6440", None),
    "EWS.AccessAsUser.All": (None, "3b5f3d61-589b-4a3c-a359-5dd4b5ee5bd5"),
    "Exchange.Manage": (None, "ab4f2b77-0b06-4fc1-a9de-02113fc2ab7c"),
}
DIRECTORY_ROLES = {
    "Exchange Administrator": "29232cdf-9323-42fd-ade2-1d097af3e4de",
    "Exchange Recipient Administrator": "31392ffb-586c-42d1-9346-e59415a2cc4e",
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "User Administrator": "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "License Administrator": "4d6ac14f-3453-41d0-bef9-a3e0c569773a",
    "Application Administrator": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "Cloud Application Administrator": "158c047a-c907-4556-b7ef-446551a6b5f7",
    "Privileged Role Administrator": "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "Global Reader": "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "Directory Readers": "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
    "Privileged Authentication Administrator": "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
}
# The "Application " roles of RBAC for Applications, and roles that every tenant has.
MANAGEMENT_ROLES = [
    "Application Calendars.Read",
    "Application Calendars.ReadWrite",
    "Application Contacts.Read",
    "Application Contacts.ReadWrite",
    "Application EWS.AccessAsApp",
    "Application Exchange Full Access",
    "Application Mail Full Access",
    "Application Mail.Read",
    "Application Mail.ReadBasic",
    "Application Mail.ReadWrite",
    "Application Mail.Send",
    "Application MailboxSettings.Read",
    "Application MailboxSettings.ReadWrite",
    "Application SMTP.SendAsApp",
    *ROLES,
]

DEFAULT: Document = {
    "tenant": {
        "id": None,
        "domain": "contoso.onmicrosoft.com",
        "display_name": "Contoso",
        "management_node": "infinity.contoso.com",
    },
    "domains": [{"name": "contoso.com", "verified": True}, {"name": "contoso-lab.com", "verified": False}],
    "skus": {"EXCHANGESTANDARD": 10, "SPE_E3": 25, "FLOW_FREE": 10000},
    "users": [
        {"upn": "alice@contoso.com", "name": "Alice Anker", "licences": ["SPE_E3"]},
        {"upn": "bob@contoso.com", "name": "Bob O'Brien", "licences": ["SPE_E3"]},
        {"upn": "carol@contoso.com", "name": "Carol Chen", "licences": ["SPE_E3"]},
        {"upn": "dave@contoso.com", "name": "Dave Dahl", "licences": []},
    ],
    "groups": [
        {
            "name": "VMR scheduling users",
            "mail": "vmr-users@contoso.com",
            "members": ["alice@contoso.com", "bob@contoso.com"],
        },
        {"name": "Entra only", "mail": None, "members": ["alice@contoso.com"], "security": True},
    ],
    "administrative_units": [{"name": "Oslo", "members": ["alice@contoso.com"]}],
    "impersonation_role": False,
    "organization_config": {},
    "dehydrated": False,
    "security_defaults": False,
    "conditional_access": [],
    "issuers": {},
    "automation": None,
    "apps": [],
    "customers": [],
    "switches": {},
}


def plant(tenant: Tenant, path: Path | None) -> None:
    """Fill an empty store with the default tenant, changed as the seed file says; a store in use is left alone.

    Raises ValueError for a key or switch that does not exist.
    """
    if not tenant.store.empty():
        return
    changes = yaml.safe_load(path.read_text()) or {} if path else {}
    if unknown := unknown_in(changes):
        raise ValueError(f"{path}: there is no {', '.join(unknown)}")
    wish = {**DEFAULT, **changes, "tenant": {**DEFAULT["tenant"], **(changes.get("tenant") or {})}}
    with tenant.store.transaction():
        _Planter(tenant, wish).plant()
    tenant.store.settle()


def unknown_in(changes: Document) -> list[str]:
    """The keys and switches of a seed file that do not exist."""
    unknown = [f"key {key}" for key in changes if key not in DEFAULT]
    return unknown + [f"switch {name}" for name in changes.get("switches") or {} if name not in SWITCHES]


def made_up_id(*names: str) -> str:
    """A GUID that is the same in every tenant, for things whose published id is not known."""
    return str(uuid.uuid5(NAMESPACE, "/".join(names)))


class _Planter:
    def __init__(self, tenant: Tenant, wish: Document) -> None:
        self.tenant, self.store, self.wish = tenant, tenant.store, wish
        self.user_ids: dict[str, str] = {}

    def plant(self) -> None:
        tenant = self.wish["tenant"]
        automation = {"client_id": new_id(), "client_secret": secrets.token_urlsafe(30)}
        settings = {**tenant, "id": tenant["id"] or new_id(), "automation": automation}
        self.store.put("setting", "tenant", settings)
        self.store.put("setting", "switches", self.wish["switches"])
        self.store.put("setting", "issuers", self.wish["issuers"])
        self._organization(settings)
        self._skus()
        for app_id, name, permissions in (
            (GRAPH_APP_ID, "Microsoft Graph", self._graph_permissions()),
            (EXCHANGE_APP_ID, "Office 365 Exchange Online", EXCHANGE_PERMISSIONS),
        ):
            self._first_party(app_id, name, permissions)
        for user in self.wish["users"]:
            self._user(user)
        for group in self.wish["groups"]:
            self._group(group)
        for unit in self.wish["administrative_units"]:
            key = new_id()
            members = [self.user_ids[upn] for upn in unit["members"]]
            self.store.put("administrativeUnit", key, {"id": key, "displayName": unit["name"], "_members": members})
        roles = MANAGEMENT_ROLES + (["ApplicationImpersonation"] if self.wish["impersonation_role"] else [])
        for role in roles:
            key = made_up_id("managementRole", role)
            document = {"Name": role, "Identity": role, "Guid": key, "RoleType": role.replace(" ", "")}
            self.store.put("managementRole", key, document)
        plant_policies(self.tenant, self.wish, DIRECTORY_ROLES)
        self._app({"name": "Automation", **automation, **(self.wish["automation"] or {})})
        for app in self.wish["apps"]:
            self._app({"roles": [], "exchange_roles": [], "directory_roles": [], **app})
        for customer in self.wish["customers"]:
            # Microsoft's example shows one GUID as both ids.
            key = customer["tenant_id"]
            document = {"id": key, "tenantId": key, "displayName": customer["name"]}
            self.store.put("delegatedAdminCustomer", key, document)

    def _organization(self, settings: Document) -> None:
        domains = [{"name": settings["domain"], "verified": True, "initial": True}, *self.wish["domains"]]
        default = next((one["name"] for one in domains[1:] if one["verified"]), settings["domain"])
        for domain in domains:
            document = {
                "id": domain["name"],
                "authenticationType": "Managed",
                "isDefault": domain["name"] == default,
                "isInitial": bool(domain.get("initial")),
                "isAdminManaged": True,
                "isRoot": True,
                "isVerified": domain["verified"],
                "supportedServices": ["Email", "OfficeCommunicationsOnline"] if domain["verified"] else [],
                "passwordValidityPeriodInDays": 2147483647,
                "passwordNotificationWindowInDays": 14,
            }
            self.store.put("domain", domain["name"], document)
        verified = [
            {
                "name": one["name"],
                "isDefault": one["name"] == default,
                "isInitial": bool(one.get("initial")),
                "type": "Managed",
                "capabilities": "Email, OfficeCommunicationsOnline",
            }
            for one in domains
            if one["verified"]
        ]
        organization = {
            "id": settings["id"],
            "displayName": settings["display_name"],
            "verifiedDomains": verified,
            "assignedPlans": [],
            "provisionedPlans": [],
            "countryLetterCode": "NO",
            "tenantType": "AAD",
            "createdDateTime": graph_time(),
        }
        self.store.put("organization", settings["id"], organization)
        config = {
            "Name": settings["domain"],
            "Identity": settings["domain"],
            "DisplayName": settings["display_name"],
            "EwsEnabled": None,
            "EwsAllowOutlook": None,
            "EwsAllowMacOutlook": None,
            "EwsAllowEntourage": None,
            "EwsApplicationAccessPolicy": None,
            "EwsAllowList": [],
            "EwsBlockList": [],
            "EwsAllowedAppIDs": None,
            "IsDehydrated": self.wish["dehydrated"],
            "EnforceExoAppRbacPermissions": False,
            **self.wish["organization_config"],
        }
        self.store.put("organizationConfig", "organization", config)

    def _skus(self) -> None:
        known = json.loads((CONTRACTS / "skus.json").read_text())
        for part_number, seats in self.wish["skus"].items():
            sku = known.get(part_number)
            plans = sku["servicePlans"] if sku else [{"name": part_number, "id": made_up_id("plan", part_number)}]
            sku_id = sku["skuId"] if sku else made_up_id("sku", part_number)
            document = {
                "skuId": sku_id,
                "skuPartNumber": part_number,
                "appliesTo": "User",
                "capabilityStatus": "Enabled",
                "prepaidUnits": {"enabled": seats, "suspended": 0, "warning": 0, "lockedOut": 0},
                "servicePlans": [
                    {
                        "servicePlanId": plan["id"],
                        "servicePlanName": plan["name"],
                        "provisioningStatus": "Success",
                        "appliesTo": "User",
                    }
                    for plan in plans
                ],
            }
            self.store.put("subscribedSku", sku_id, document)

    def _sku_id(self, part_number: str) -> str:
        found = self.store.fresh.first("subscribedSku", lambda sku: sku["skuPartNumber"] == part_number)
        if found is None:
            raise ValueError(f"a user has the licence {part_number}, which the seed's skus do not have")
        return str(found["skuId"])

    def _graph_permissions(self) -> dict[str, tuple[str | None, str | None]]:
        permissions = dict(GRAPH_PERMISSIONS)
        for entry in json.loads((CONTRACTS / "graph-permissions.json").read_text()).values():
            for name in (entry or {}).get("application") or []:
                permissions.setdefault(name, (made_up_id("role", name), made_up_id("scope", name)))
        return permissions

    def _first_party(self, app_id: str, name: str, permissions: dict[str, tuple[str | None, str | None]]) -> None:
        key = new_id()
        document = service_principal_document(key, app_id, name, "Application")
        document["appOwnerOrganizationId"] = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
        document["appRoles"] = [
            {
                "id": role,
                "value": value,
                "displayName": value,
                "description": value,
                "isEnabled": True,
                "origin": "Application",
                "allowedMemberTypes": ["Application"],
            }
            for value, (role, _rest) in permissions.items()
            if role
        ]
        document["oauth2PermissionScopes"] = [
            {
                "id": scope,
                "value": value,
                # EWS.AccessAsUser.All is a user's own to give (Microsoft docs: permissions-reference).
                "type": "Admin" if value.endswith(".All") and value != "EWS.AccessAsUser.All" else "User",
                "isEnabled": True,
                "adminConsentDisplayName": value,
                "adminConsentDescription": value,
                "userConsentDisplayName": value,
                "userConsentDescription": value,
            }
            for value, (_rest, scope) in permissions.items()
            if scope
        ]
        document["servicePrincipalNames"] = [app_id] + (
            ["https://graph.microsoft.com"] if app_id == GRAPH_APP_ID else ["https://outlook.office365.com"]
        )
        self.store.put("servicePrincipal", key, document)

    def _user(self, wish: Document) -> None:
        key = new_id()
        self.user_ids[wish["upn"]] = key
        licences = [{"skuId": self._sku_id(part), "disabledPlans": []} for part in wish.get("licences", [])]
        inherited = [{"skuId": self._sku_id(part), "disabledPlans": []} for part in wish.get("group_licences", [])]
        user = {
            **user_document(key, wish["upn"], wish["name"]),
            "usageLocation": wish.get("usage_location", "NO"),
            "assignedLicenses": licences,
            "_groupLicenses": inherited,
            "_password": "Simulated-" + wish["upn"].split("@")[0],
            "_mfa": wish.get("mfa"),
        }
        self.store.put("user", key, user)
        self.tenant.align_mailbox(user)
        mailbox = next(iter(self.store.fresh.having("mailbox", "ExternalDirectoryObjectId", key)), None)
        if mailbox:
            self.store.update("mailbox", mailbox["Guid"], **{"_ready": 0.0, **wish.get("mailbox", {})})
            self.store.update("user", key, mail=wish["upn"], proxyAddresses=mailbox["EmailAddresses"])

    def _group(self, wish: Document) -> None:
        key, mail = new_id(), wish["mail"]
        alias = mail.split("@")[0] if mail else wish["name"].replace(" ", "-")
        group = group_document(key, wish["name"], alias, mail, self.wish["tenant"]["domain"])
        group["securityEnabled"] = bool(wish.get("security"))
        group["_members"] = [self.user_ids.get(upn) or self._group_id(upn) for upn in wish["members"]]
        self.store.put("group", key, group)

    def _group_id(self, mail: str) -> str:
        found = self.store.fresh.first("group", lambda group: group["mail"] == mail)
        if found is None:
            raise ValueError(f"a group has the member {mail}, which is no user and no group before it")
        return str(found["id"])

    def _app(self, wish: Document) -> None:
        """An app that runs playbooks: with every permission, or those that the seed names."""
        app_key, key = new_id(), new_id()
        application = application_document(app_key, wish["client_id"], wish["name"])
        application["passwordCredentials"] = [
            {
                "keyId": new_id(),
                "displayName": "seed",
                "hint": wish["client_secret"][:3],
                "startDateTime": graph_time(0),
                "endDateTime": "2099-12-31T00:00:00Z",
                "secretText": None,
                "customKeyIdentifier": None,
                "_secretText": wish["client_secret"],
            }
        ]
        self.store.put("application", app_key, application)
        self.store.put(
            "servicePrincipal",
            key,
            service_principal_document(key, wish["client_id"], wish["name"], "Application", self.tenant.id),
        )
        for app_id, names in (
            (GRAPH_APP_ID, wish.get("roles", self._all_roles(GRAPH_APP_ID))),
            (EXCHANGE_APP_ID, wish.get("exchange_roles", ["Exchange.ManageAsApp"])),
        ):
            resource = self.tenant.service_principal(app_id) or {}
            ids = {role["value"]: role["id"] for role in resource["appRoles"]}
            for name in names:
                assignment = {
                    "id": new_id().replace("-", ""),
                    "deletedDateTime": None,
                    "appRoleId": ids[name],
                    "createdDateTime": graph_time(),
                    "principalDisplayName": wish["name"],
                    "principalId": key,
                    "principalType": "ServicePrincipal",
                    "resourceDisplayName": resource["displayName"],
                    "resourceId": resource["id"],
                }
                self.store.put("appRoleAssignment", assignment["id"], assignment)
        for name in wish.get("directory_roles", ["Exchange Administrator"]):
            assignment_id = new_id().replace("-", "") + "-1"
            document = {
                "id": assignment_id,
                "roleDefinitionId": DIRECTORY_ROLES[name],
                "principalId": key,
                "directoryScopeId": "/",
            }
            self.store.put("roleAssignment", assignment_id, document)

    def _all_roles(self, app_id: str) -> list[str]:
        resource = self.tenant.service_principal(app_id) or {}
        return [role["value"] for role in resource["appRoles"]]


def user_document(key: str, upn: str, name: str) -> Document:
    """A new Entra user with every property that the simulator knows."""
    return {
        "id": key,
        "userPrincipalName": upn,
        "displayName": name,
        "givenName": None,
        "surname": None,
        "mailNickname": upn.split("@")[0],
        "mail": None,
        "proxyAddresses": [],
        "accountEnabled": True,
        "usageLocation": None,
        "passwordPolicies": None,
        "businessPhones": [],
        "jobTitle": None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "department": None,
        "showInAddressList": None,
        "userType": "Member",
        "createdDateTime": graph_time(),
        "deletedDateTime": None,
        "onPremisesSyncEnabled": None,
        "onPremisesImmutableId": None,
        "signInSessionsValidFromDateTime": graph_time(),
        "assignedLicenses": [],
        "_groupLicenses": [],
        "_password": "",
    }


def group_document(key: str, name: str, nickname: str, mail: str | None, domain: str) -> Document:
    """A new group without members; ``domain`` is the tenant's initial one."""
    return {
        "id": key,
        "displayName": name,
        "description": None,
        "mail": mail,
        "mailNickname": nickname,
        "mailEnabled": bool(mail),
        "securityEnabled": False,
        "groupTypes": [],
        "createdDateTime": graph_time(),
        "deletedDateTime": None,
        "_members": [],
        "_owners": [],
        "_guid": new_id(),
        "_distinguishedName": f"CN={name},OU={domain},OU=Microsoft Exchange Hosted Organizations,"
        "DC=EURPR01A001,DC=PROD,DC=OUTLOOK,DC=COM",
    }


def application_document(key: str, app_id: str, name: str) -> Document:
    """A new application registration with the directory's defaults."""
    return {
        "id": key,
        "appId": app_id,
        "displayName": name,
        "uniqueName": None,
        "description": None,
        "notes": None,
        "signInAudience": "AzureADMyOrg",
        "isFallbackPublicClient": None,
        "identifierUris": [],
        "tags": [],
        "createdDateTime": graph_time(),
        "deletedDateTime": None,
        "requiredResourceAccess": [],
        "passwordCredentials": [],
        "keyCredentials": [],
        "appRoles": [],
        "web": {
            "redirectUris": [],
            "homePageUrl": None,
            "logoutUrl": None,
            "implicitGrantSettings": {"enableIdTokenIssuance": False, "enableAccessTokenIssuance": False},
            "redirectUriSettings": [],
        },
        "publicClient": {"redirectUris": []},
        "spa": {"redirectUris": []},
        "api": {
            "requestedAccessTokenVersion": None,
            "oauth2PermissionScopes": [],
            "preAuthorizedApplications": [],
            "knownClientApplications": [],
            "acceptMappedClaims": None,
        },
        "_owners": [],
        "_federatedIdentityCredentials": [],
    }


def service_principal_document(
    key: str, app_id: str, name: str, kind: str = "Application", owner: str | None = None
) -> Document:
    """A new service principal with the directory's defaults."""
    return {
        "id": key,
        "appId": app_id,
        "displayName": name,
        "appDisplayName": name,
        "accountEnabled": True,
        "appOwnerOrganizationId": owner,
        "appRoleAssignmentRequired": False,
        "appRoles": [],
        "oauth2PermissionScopes": [],
        "servicePrincipalNames": [app_id],
        "servicePrincipalType": kind,
        "tags": [],
        "createdDateTime": graph_time(),
        "deletedDateTime": None,
        "passwordCredentials": [],
        "keyCredentials": [],
        "_owners": [],
    }
