# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents that Graph and Exchange return must be like, as far as anything here relies on it.

A member whose name ends in an exclamation mark must be there; the others may be missing or null. A time is a text in Graph's
form. Members that are not named may be anything. What does not fit is no document of the service's, and nothing is planned
from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .._transport.errors import BadAnswer

Shape = Any
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?", re.ASCII)
# Exchange gives numbers and booleans as texts, too.
_SCALAR = (str, bool, int, float)

_USER = {
    "id!": str,
    "userPrincipalName": str,
    "displayName": str,
    "mail": str,
    "usageLocation": str,
    "passwordPolicies": str,
    "accountEnabled": bool,
    "assignedLicenses": [{"skuId!": str, "disabledPlans": [str]}],
    "licenseAssignmentStates": [{"skuId!": str, "disabledPlans": [str], "assignedByGroup": str}],
}
_CREDENTIAL = {"keyId!": str, "displayName": str, "endDateTime!": datetime, "hint": str}
_PERMISSION = {"id!": str, "value": str, "allowedMemberTypes": [str]}
_APPLICATION = {
    "id!": str,
    "appId!": str,
    "displayName": str,
    "uniqueName": str,
    "signInAudience": str,
    "createdDateTime": datetime,
    "web": {"redirectUris": [str]},
    "publicClient": {"redirectUris": [str]},
    "passwordCredentials": [_CREDENTIAL],
    "keyCredentials": [{"key": str, "displayName": str}],
    "requiredResourceAccess": [{"resourceAppId!": str, "resourceAccess!": [{"id!": str, "type!": str}]}],
}
_PRINCIPAL = {
    "id!": str,
    "appId!": str,
    "displayName!": str,
    "appRoles": [_PERMISSION],
    "oauth2PermissionScopes": [_PERMISSION],
}
_NAMED_PLAN = {"servicePlanId!": str, "servicePlanName!": str}
_SKU = {
    "skuId!": str,
    "skuPartNumber!": str,
    "servicePlans!": [_NAMED_PLAN],
    "prepaidUnits": {"enabled": int, "warning": int},
    "consumedUnits": int,
}
_POLICY = {
    "displayName": str,
    "state!": str,
    "conditions!": {
        "users": {f"{verb}{what}": [str] for verb in ("include", "exclude") for what in ("Users", "Groups", "Roles")},
        "applications": {"includeApplications": [str], "excludeApplications": [str]},
        "clientAppTypes": [str],
        "authenticationFlows": {"transferMethods": str},
        "locations": {"includeLocations": [str], "excludeLocations": [str]},
        "platforms": {"includePlatforms": [str], "excludePlatforms": [str]},
    },
    "grantControls": {"operator": str, "builtInControls": [str], "authenticationStrength": {}},
    "sessionControls": {"signInFrequency": {"isEnabled": bool}},
}

# By path; the first that matches counts.
GRAPH: tuple[tuple[str, Shape], ...] = (
    (r"/users\(|/users$|/deletedItems/microsoft\.graph\.user$", _USER),
    (r"/applications\([^/]*\)$|/applications$|/deletedItems/microsoft\.graph\.application$", _APPLICATION),
    (r"/applications/[^/]+$", {"keyCredentials": _APPLICATION["keyCredentials"]}),
    (r"/owners$", {"id!": str}),
    (r"/servicePrincipals(\([^/]*\))?$|/deletedItems/microsoft\.graph\.servicePrincipal$", _PRINCIPAL),
    (r"/servicePrincipals/[^/]+$", _PRINCIPAL),
    (r"/appRoleAssignments$", {"id!": str, "appRoleId!": str, "resourceId!": str, "resourceDisplayName": str}),
    (r"/oauth2PermissionGrants$", {"id!": str, "resourceId!": str, "scope!": str, "consentType": str}),
    (r"/organization$", {"id!": str, "displayName": str, "verifiedDomains": [{"name!": str, "isDefault": bool}]}),
    (r"/conditionalAccess/policies$", _POLICY),
    (r"/identitySecurityDefaultsEnforcementPolicy$", {"isEnabled!": bool}),
    (r"/transitiveMemberOf$", {"id!": str, "roleTemplateId": str}),
    (r"/domains$", {"id!": str, "isVerified!": bool}),
    (r"/subscribedSkus$", _SKU),
    (r"/delegatedAdminCustomers$", {"tenantId!": str, "displayName!": str}),
    (r"/addPassword$", {**_CREDENTIAL, "secretText!": str}),
)

_RECIPIENT = {"Name!": str, "PrimarySmtpAddress!": str, "Guid!": str, "DisplayName": str, "RecipientTypeDetails": str}
_LISTS = ("BookInPolicy", "RequestInPolicy", "RequestOutOfPolicy", "ResourceDelegates")
EXCHANGE: Mapping[str, Shape] = {
    "Get-Mailbox": {
        **_RECIPIENT,
        "Alias!": str,
        "DisplayName!": str,
        "ExternalDirectoryObjectId!": str,
        "RecipientTypeDetails!": str,
        "GrantSendOnBehalfTo": [str],
        "HiddenFromAddressListsEnabled": _SCALAR,
        "ResourceCapacity": _SCALAR,
    },
    "Get-Recipient": _RECIPIENT,
    "Get-MailboxFolderStatistics": {"FolderPath!": str},
    "Get-MailboxPermission": {"Deny!": _SCALAR, "AccessRights!": [str]},
    "Get-RecipientPermission": {"AccessControlType": str, "AccessRights!": [str]},
    "Get-MailboxFolderPermission": {"AccessRights!": [str]},
    "Get-CASMailbox": {
        "PrimarySmtpAddress": str,
        "ExternalDirectoryObjectId": str,
        "EwsEnabled": _SCALAR,
        "EwsApplicationAccessPolicy": str,
    },
    "Get-CalendarProcessing": {name: [str] for name in _LISTS},
    "Get-DistributionGroup": {"DistinguishedName!": str},
    "Get-ManagementScope": {"Name!": str, "RecipientFilter!": str},
    "Get-ManagementRoleAssignment": {"Name!": str, "Role!": str},
    "Get-App": {
        "AppId!": str,
        "DisplayName": str,
        "AppVersion": str,
        "Type": str,
        "ProvidedTo": str,
        "DefaultStateForUser": str,
        "UserList": [str],
        "Enabled": _SCALAR,
    },
    "Get-OrganizationConfig": {"EwsAllowedAppIDs": (str, list), "EwsEnabled": _SCALAR},
    "Get-ServicePrincipal": {"ObjectId!": str},
    "Test-ServicePrincipalAuthorization": {"RoleName!": str},
}


def of_path(path: str) -> Shape:
    """The shape of what Graph returns at a path without its query."""
    return next((shape for pattern, shape in GRAPH if re.search(pattern, path)), {})


def checked(document: Any, shape: Shape, tried: str) -> dict[str, Any]:
    """The document, which fits the shape. Raises BadAnswer, naming what does not."""
    problem = _problem(document, shape, "the object") if isinstance(document, dict) else "the object is none"
    if problem:
        raise BadAnswer(tried, 200, text=f"the answer cannot be right: {problem}", advice="Check what gave it.")
    fitting: dict[str, Any] = document
    return fitting


def _problem(value: Any, shape: Shape, name: str) -> str:
    """What is wrong with a value, in words; empty when nothing is."""
    if isinstance(shape, Mapping):
        if not isinstance(value, dict):
            return f"{name} is no object"
        return next(filter(None, (_member(value, member, inner) for member, inner in shape.items())), "")
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{name} is no list"
        return next(filter(None, (_problem(one, shape[0], f"an element of {name}") for one in value)), "")
    if shape is datetime:
        return "" if isinstance(value, str) and _is_moment(value) else f"{name} is no time"
    wrong = not isinstance(value, shape) or (shape is int and isinstance(value, bool))
    return f"{name} is of another kind" if wrong else ""


def _member(document: Mapping[str, Any], member: str, shape: Shape) -> str:
    name = member.rstrip("!")
    value = document.get(name)
    if value is None:
        return f"{name} is missing" if member.endswith("!") else ""
    return _problem(value, shape, name)


def _is_moment(text: str) -> bool:
    """Whether it is a time, also by the calendar."""
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return True
