# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users: create, read, change, delete, and the rules of their properties."""

from __future__ import annotations

import re
import time
from typing import Any

from .graph_call import NO_CONTENT, Answer, Call, GraphError, bad_request, denied, operation, taken
from .graph_lists import collection, mixed
from .graph_objects import find, live, objects, to_change
from .graph_odata import KINDS, single
from .graph_permissions import has_role
from .graph_types import check_body
from .seed import user_document
from .store import Document
from .tenant import graph_time, new_id

USER = KINDS["user"]
_REQUIRED = ("accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName")
# What the service fills in itself; setting it is refused (the reference's read-only marks; the text is unverified).
_READ_ONLY = frozenset(
    [
        "id",
        "createdDateTime",
        "deletedDateTime",
        "assignedLicenses",
        "assignedPlans",
        "provisionedPlans",
        "licenseAssignmentStates",
        "proxyAddresses",
        "signInSessionsValidFromDateTime",
        "lastPasswordChangeDateTime",
        "onPremisesSyncEnabled",
        "userPurpose",
        "creationType",
        "imAddresses",
        "securityIdentifier",
        "serviceProvisioningErrors",
        "signInActivity",
        "identityParentId",
    ]
)
# Permissions that change these properties and no others (Microsoft docs: user-update).
_NARROW = {
    "User-PasswordProfile.ReadWrite.All": {"passwordProfile"},
    "User.EnableDisableAccount.All": {"accountEnabled"},
    "User-Mail.ReadWrite.All": {"mail", "otherMails"},
    "User-Phone.ReadWrite.All": {"businessPhones", "mobilePhone"},
    "User.ManageIdentities.All": {"identities"},
}
_PASSWORD_POLICIES = {"none", "disablepasswordexpiration", "disablestrongpassword"}


@operation("GET /users")
def list_users(call: Call) -> Answer:
    """The users that are not deleted."""
    return collection(call, USER, call.lists.where("user", lambda user: live(user) is not None))


@operation("GET /users/{user-id}")
def get_user(call: Call, key: str) -> Answer:
    """One user, by id or user principal name."""
    return single(call, USER, find(call, "user", key))


@operation("POST /users")
def create_user(call: Call) -> Answer:
    """A new user, with the default properties in the answer."""
    body = check_body("POST /users", call.body)
    for name in _REQUIRED:
        if body.get(name) is None or (name == "passwordProfile" and not body[name].get("password")):
            # Unverified wording.
            raise bad_request(f"A value is required for property '{name}' of resource 'User'.")
    _check_values(call, body, None)
    key = new_id()
    user = user_document(key, body["userPrincipalName"], body["displayName"])
    call.tenant.store.put("user", key, {**user, **_stored(body)})
    return single(call, USER, {**user, **_stored(body)}, 201)


@operation("PATCH /users/{user-id}")
def update_user(call: Call, key: str) -> Answer:
    """Change some properties; the mailbox follows names."""
    user = to_change(call, "user", key)
    body = check_body("PATCH /users/{user-id}", call.body)
    narrow = [_NARROW.get(name) for name in call.permissions]
    allowed = set().union(*(names or set() for names in narrow))
    if all(names is not None for names in narrow) and not set(body) <= allowed:
        raise denied()
    if body.get("passwordProfile"):
        _may_set_password(call, user)
    _check_values(call, body, user)
    changed = call.tenant.store.put("user", user["id"], {**user, **_stored(body)})
    _pass_on(call, user["userPrincipalName"], changed)
    if (body.get("passwordProfile") or {}).get("password") is not None:
        end_sessions(call, user["id"])
    return NO_CONTENT


@operation("DELETE /users/{user-id}")
def delete_user(call: Call, key: str) -> Answer:
    """Soft-delete: the name is freed by a prefix, licences are freed, the mailbox is soft-deleted."""
    user = to_change(call, "user", key)
    if directory_roles(call, user["id"]) and not has_role(call.principal, "Privileged Authentication Administrator"):
        raise denied()
    # The prefix is unverified; public reports agree on it.
    name = user["id"].replace("-", "") + user["userPrincipalName"]
    changes = {"deletedDateTime": graph_time(), "userPrincipalName": name, "_earlierName": user["userPrincipalName"]}
    call.tenant.align_mailbox(call.tenant.store.update("user", user["id"], **changes))
    return NO_CONTENT


@operation("POST /users/{user-id}/revokeSignInSessions")
def revoke_sessions(call: Call, key: str) -> Answer:
    """Refresh tokens issued before now no longer work."""
    user = to_change(call, "user", key)
    end_sessions(call, user["id"])
    body = {"@odata.context": f"{call.base}/$metadata#Edm.Boolean", "value": True}
    return Answer(200, body)


@operation("GET /users/{user-id}/ownedObjects")
def owned_objects(call: Call, key: str) -> Answer:
    """The applications, service principals and groups that a user owns."""
    user = find(call, "user", key)
    kinds = ("application", "servicePrincipal", "group")
    keys = [one["id"] for kind in kinds for one in call.lists.where(kind, lambda one: user["id"] in one["_owners"])]
    return mixed(call, objects(call, keys))


def end_sessions(call: Call, user_id: str) -> None:
    """Make earlier refresh tokens of a user worthless. The seconds-exact property is what clients see."""
    now = time.time()
    call.tenant.store.update("user", user_id, signInSessionsValidFromDateTime=graph_time(now), _sessionsValidFrom=now)


def directory_roles(call: Call, principal_id: str) -> list[str]:
    """The directory role template ids that a principal holds."""
    held = call.fresh.where("roleAssignment", lambda one: one["principalId"] == principal_id)
    return [one["roleDefinitionId"] for one in held]


def check_password(password: str, policies: str | None) -> None:
    """Entra's complexity rule: 8 to 256 characters, three kinds of four unless DisableStrongPassword."""
    kinds = [r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]"]
    strong = "disablestrongpassword" not in (policies or "").lower()
    if not 8 <= len(password) <= 256 or (strong and sum(bool(re.search(kind, password)) for kind in kinds) < 3):
        text = "The specified password does not comply with password complexity requirements."
        raise bad_request(text + " Please provide a different password.")


def check_name_is_free(call: Call, name: str, own_id: str) -> None:
    """Raise GraphError when a user principal name is another's name or mail address."""
    if any(one["id"] != own_id and live(one) for one in call.fresh.having("user", "userPrincipalName", name)):
        raise taken("userPrincipalName")
    holder = call.tenant.address_holder(name)
    holder_id = holder and (holder.get("ExternalDirectoryObjectId") or holder.get("id"))
    if holder_id and holder_id != own_id:
        # Recorded response: microsoft-graph-docs-contrib issue 8421; the last message's form is unverified.
        text = f"Another object with the same value for property proxyAddresses already exists. ({holder_id})"
        raise taken("proxyAddresses", [{"code": "ConflictingObjects", "message": text, "target": holder_id}])


def _check_values(call: Call, body: Document, user: Document | None) -> None:
    for name in _READ_ONLY & set(body):
        raise bad_request(f"Property '{name}' is read-only and cannot be set.")
    for name in ("displayName", "mailNickname", "userPrincipalName", "accountEnabled"):
        if name in body and body[name] in (None, ""):
            raise _invalid(name)
    nickname = body.get("mailNickname")
    if nickname is not None and (
        len(nickname) > 64 or not re.fullmatch(r"[!#$%&'*+\-./0-9=?A-Z^_`a-z{|}~]+", nickname)
    ):
        raise _invalid("mailNickname")
    location = body.get("usageLocation")
    if location is not None and not re.fullmatch(r"[A-Za-z]{2}", location):
        raise _invalid("usageLocation")  # unverified: the template of mailNickname
    policies = body.get("passwordPolicies")
    if policies and not {one.strip().lower() for one in policies.split(",")} <= _PASSWORD_POLICIES:
        raise _invalid("passwordPolicies")
    if "userPrincipalName" in body and (
        user is None or body["userPrincipalName"].lower() != user["userPrincipalName"].lower()
    ):
        _check_user_principal_name(call, body["userPrincipalName"], user["id"] if user else "")
    password = (body.get("passwordProfile") or {}).get("password")
    if password is not None:
        check_password(password, body.get("passwordPolicies", (user or {}).get("passwordPolicies")))


def _check_user_principal_name(call: Call, name: str, own_id: str) -> None:
    local, at, domain = name.rpartition("@")
    if not at or not re.fullmatch(r"[A-Za-z0-9'.\-_!#^~]{1,64}", local) or local.endswith(".") or local.startswith("."):
        raise bad_request("Property userPrincipalName is invalid.")
    known = call.fresh.get("domain", domain)
    if known is None or not known["isVerified"]:
        text = (
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain "
            "names in your organization."
        )
        raise bad_request(text, [{"code": "InvalidValue", "message": text, "target": "userPrincipalName"}])
    check_name_is_free(call, name, own_id)


def _invalid(name: str) -> GraphError:
    return bad_request(f"Invalid value specified for property '{name}' of resource 'User'.")


def _may_set_password(call: Call, user: Document) -> None:
    """A password takes its own permission or a role; an administrator's takes a role (Microsoft docs: user-update)."""
    roles = ("User Administrator", "Privileged Authentication Administrator")
    if directory_roles(call, user["id"]):
        allowed = has_role(call.principal, roles[1])
    else:
        allowed = "User-PasswordProfile.ReadWrite.All" in call.permissions or has_role(call.principal, *roles)
    if not allowed:
        raise denied()


def _stored(body: Document) -> Document:
    """The body as it is kept: the password apart, no annotations."""
    plain: dict[str, Any] = {
        name: value for name, value in body.items() if "@odata." not in name and name != "passwordProfile"
    }
    if plain.get("usageLocation"):
        plain["usageLocation"] = plain["usageLocation"].upper()
    profile = body.get("passwordProfile") or {}
    if profile.get("password") is not None:
        plain["_password"] = profile["password"]
        plain["lastPasswordChangeDateTime"] = graph_time()
    if "forceChangePasswordNextSignIn" in profile:
        plain["_forceChangePasswordNextSignIn"] = bool(profile["forceChangePasswordNextSignIn"])
    return plain


def _pass_on(call: Call, earlier: str, after: Document) -> None:
    """Exchange shows Entra's names (inferred: its own copy is refreshed from the directory)."""
    store, name = call.tenant.store, after["userPrincipalName"]
    if name != earlier:
        for one in call.fresh.where("mailboxPermission", lambda each: each["User"].lower() == earlier.lower()):
            store.remove("mailboxPermission", f"{one['Identity']}/{one['User']}/{one['Deny']}")
            store.put("mailboxPermission", f"{one['Identity']}/{name}/{one['Deny']}", {**one, "User": name})
    mailbox = next(iter(call.fresh.having("mailbox", "ExternalDirectoryObjectId", after["id"])), None)
    if mailbox:
        store.update(
            "mailbox",
            mailbox["Guid"],
            DisplayName=after["displayName"],
            AccountDisabled=not after["accountEnabled"],
            UserPrincipalName=name,
            MicrosoftOnlineServicesID=name,
            WindowsLiveID=name,
        )
