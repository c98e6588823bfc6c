# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tenant: its state and the rules that tie Entra, Graph, Exchange and EWS together.

Documents by kind (the id is the store's key; members that start with ``_`` never leave the simulator):

``setting``               ``tenant``: {id, domain, ...}; ``switches``: named behaviours, see SWITCHES
``organization`` ``domain`` ``user`` ``group`` ``application`` ``servicePrincipal`` ``administrativeUnit``
                          Graph's shapes, keyed by object id (domains by name). Deleted users, applications and service
                          principals stay, with ``deletedDateTime`` set. Users have ``_password`` and
                          ``assignedLicenses`` [{skuId, disabledPlans}] and ``_groupLicenses`` (inherited, same shape);
                          groups and administrative units have ``_members`` (object ids); an application's
                          ``passwordCredentials`` carry ``_secretText``.
``subscribedSku``         {skuId, skuPartNumber, prepaidUnits, servicePlans}, keyed by skuId
``appRoleAssignment`` ``oauth2PermissionGrant`` ``roleAssignment``   Graph's shapes
``mailbox``               Exchange's words as Get-Mailbox prints them, keyed by ``Guid``; ``ExternalDirectoryObjectId``
                          names the user; ``_ready`` is the time from which it exists; ``_calendarProcessing`` holds
                          Get-CalendarProcessing's properties, ``_casMailbox`` those of Get-CASMailbox that were set
                          (``EwsEnabled``: true, false or null); ``WhenSoftDeleted`` is set on removed ones
``managementScope`` ``managementRole`` ``managementRoleAssignment`` ``exchangeServicePrincipal``
                          Exchange's words, keyed by ``Guid`` (service principals by ``ObjectId``); a role assignment
                          has ``Role``, ``RoleAssignee`` (object id or user guid), ``RoleAssigneeType``,
                          ``RecipientWriteScope``, ``CustomResourceScope``, ``CustomRecipientWriteScope``
``mailboxPermission``     {Identity: mailbox Guid, User: user principal name or group's name, AccessRights: [..], Deny,
                          IsInherited, _trustee: id of the user or group}
``recipientPermission``   {_recipient: Guid, Identity: display name, Trustee, _trustee}: who may send as whom
``roleGroup``             one that was made or changed, see ``exchange_roles``
``applicationAccessPolicy`` as Get-ApplicationAccessPolicy prints it; ``_scope`` is the id of the group or user
``app``                   an Outlook add-in, see ``cmdlets.apps``
``folderPermission``      one entry of one folder, see ``ews_rights``
``organizationConfig``    one, keyed ``organization``
``item``                  a mailbox item, see ``meetings``
``grant``                 codes and refresh tokens, see ``entra``
"""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .opath import Condition, parse
from .store import Document, Store, View
from .tokens import Principal, TokenAuthority

EXCHANGE_PLANS = ("EXCHANGE_S_STANDARD", "EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_DESKLESS")
EWS_APPLICATION_ROLE = "Application EWS.AccessAsApp"
IMPERSONATION_ROLE = "ApplicationImpersonation"

SWITCHES: dict[str, Any] = {
    "deny_as_string": False,  # Get-MailboxPermission's Deny: "False" instead of false (both were seen)
    "not_found_status": 400,  # HTTP status of a cmdlet's not-found (400 or 404)
    "assignee_by_app_id": True,  # whether Get-ManagementRoleAssignment's RoleAssignee takes an application's AppId
    "app_list_as_collection": False,  # EwsAllowedAppIDs: one joined string, or a list of that one string (both were seen)
    "app_update_in_place": True,  # whether New-App takes a newer version of an add-in that is installed
    "app_user_list_form": "Identity",  # the property of a mailbox as which Get-App's UserList shows it
    "empty_app_list_blocks": True,  # whether EwsEnabled true with an empty EwsAllowedAppIDs blocks every application
    "folder_permission_user_as_object": False,  # Get-MailboxFolderPermission's User: {UserType, DisplayName} or a name
    "follow_next_link": True,  # whether InvokeCommand's @odata.nextLink can be followed (both were seen)
    "duplicate_grant_status": 409,  # oauth2PermissionGrants that exist already: 409 or 400
    "duplicate_role_assignment_status": 400,  # directory role assignments that exist already: 400 or 409
    "restore_licences": True,  # whether restoring a user gives back the licences for which there are seats
    "mailbox_delay": 0.0,  # seconds from licence to mailbox
    "private_items_masked": True,  # private items of others over EWS: as "Private Appointment", or not there at all
    "regional_host": "",  # the host name to which Exchange's commands are redirected; empty: they are answered at once
    "restore_service_principal": False,  # whether restoring an application restores its service principal too
    "infinity_errors_named": False,  # the Management Node's validation errors: by field, or by resource and field
    "infinity_fields_lacking": [],  # fields that this version of the Management Node does not have
    "infinity_patch_status": 202,  # what the Management Node answers to a PATCH (202 or 200)
    "infinity_rate": [1000, 60],  # requests, and in how many seconds, that the Management Node takes
    "security_defaults_ask_users": True,  # whether security defaults find a second factor of users necessary each time
}

# What Exchange Online gives a new resource mailbox (Set-CalendarProcessing's documentation).
RESOURCE_CALENDAR_PROCESSING: dict[str, Any] = {
    "AutomateProcessing": "AutoAccept",
    "BookingType": "Standard",
    "AllowConflicts": False,
    "ConflictPercentageAllowed": 0,
    "MaximumConflictInstances": 0,
    "AllowRecurringMeetings": True,
    "BookingWindowInDays": 180,
    "EnforceSchedulingHorizon": True,
    "MaximumDurationInMinutes": 1440,
    "MinimumDurationInMinutes": 0,
    "ScheduleOnlyDuringWorkHours": False,
    "AllBookInPolicy": True,
    "AllRequestInPolicy": False,
    "AllRequestOutOfPolicy": False,
    "BookInPolicy": [],
    "RequestInPolicy": [],
    "RequestOutOfPolicy": [],
    "ResourceDelegates": [],
    "ForwardRequestsToDelegates": True,
    "TentativePendingApproval": True,
    "AddNewRequestsTentatively": True,
    "AddAdditionalResponse": False,
    "AdditionalResponse": "",
    "AddOrganizerToSubject": True,
    "DeleteSubject": True,
    "DeleteComments": True,
    "DeleteAttachments": True,
    "DeleteNonCalendarItems": True,
    "OrganizerInfo": True,
    "EnableResponseDetails": True,
    "RemovePrivateProperty": True,
    "RemoveOldMeetingMessages": True,
    "RemoveForwardedMeetingNotifications": False,
    "RemoveCanceledMeetings": False,
    "ProcessExternalMeetingMessages": False,
    "EnforceCapacity": False,
    "EnableAutoRelease": False,
    "PostReservationMaxClaimTimeInMinutes": 10,
}


def new_id() -> str:
    """A random GUID."""
    return str(uuid.uuid4())


def graph_time(moment: float | None = None) -> str:
    """Graph's timestamp, e.g. ``2026-11-22T18:46:32Z``; now, or ``moment`` in seconds since the epoch."""
    return datetime.fromtimestamp(time.time() if moment is None else moment, timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


class Tenant:
    """The state and the rules; the services hold one of these."""

    def __init__(self, directory: Path, lag: float = 0.0) -> None:
        self.directory = directory
        self.store = Store(directory / "tenant.sqlite", lag)
        self._authority: TokenAuthority | None = None

    @property
    def fresh(self) -> View:
        """The view on which rules are checked."""
        return self.store.fresh

    @property
    def tokens(self) -> TokenAuthority:
        """The signing key of this tenant."""
        if self._authority is None:
            self._authority = TokenAuthority(self.directory, self.id)
        return self._authority

    @property
    def settings(self) -> Document:
        """The ``tenant`` setting: id, domain (the initial one), automation app."""
        settings = self.fresh.get("setting", "tenant")
        if settings is None:
            raise LookupError("the tenant is not seeded")
        return settings

    @property
    def id(self) -> str:
        """The tenant's GUID."""
        return str(self.settings["id"])

    @property
    def domain(self) -> str:
        """The initial domain, e.g. ``contoso.onmicrosoft.com``."""
        return str(self.settings["domain"])

    def switch(self, name: str) -> Any:
        """A named behaviour: as seeded, else its default in SWITCHES."""
        switches = self.fresh.get("setting", "switches") or {}
        return switches.get(name, SWITCHES[name])

    def names_tenant(self, segment: str) -> bool:
        """Whether a URL's tenant segment means this tenant: its GUID or one of its verified domains."""
        domain = self.fresh.get("domain", segment)
        return segment.lower() == self.id.lower() or bool(domain and domain["isVerified"])

    # --- licences and mailboxes -----------------------------------------------------------------------------------

    def exchange_plans(self, user: Document) -> list[str]:
        """The names of the Exchange mailbox plans that the user's licences switch on."""
        names = []
        for licence in user.get("assignedLicenses", []) + user.get("_groupLicenses", []):
            sku = self.fresh.get("subscribedSku", licence["skuId"])
            for plan in sku["servicePlans"] if sku else []:
                if plan["servicePlanName"] in EXCHANGE_PLANS and plan["servicePlanId"] not in licence["disabledPlans"]:
                    names.append(plan["servicePlanName"])
        return names

    def align_mailbox(self, user: Document) -> None:
        """Make, keep or soft-delete the mailbox of a user whose licences changed, or who was deleted or restored.

        Resource and shared mailboxes need no licence; they follow their user only.
        """
        mailbox = next(iter(self.fresh.having("mailbox", "ExternalDirectoryObjectId", user["id"])), None)
        unlicensed = mailbox is not None and mailbox["RecipientTypeDetails"] != "UserMailbox"
        wanted = (unlicensed or bool(self.exchange_plans(user))) and not user.get("deletedDateTime")
        if mailbox is None:
            if wanted:
                ready = time.time() + float(self.switch("mailbox_delay"))
                self.add_mailbox(user, "UserMailbox", user["mailNickname"], user["userPrincipalName"], ready=ready)
        elif wanted == bool(mailbox["WhenSoftDeleted"]):
            self.store.update("mailbox", mailbox["Guid"], WhenSoftDeleted=None if wanted else graph_time())

    def add_mailbox(
        self, user: Document, kind: str, alias: str, address: str, ready: float = 0.0, **more: Any
    ) -> Document:
        """Make a mailbox for ``user`` of that RecipientTypeDetails, with Exchange's defaults; returns it."""
        guid, resource = new_id(), kind in ("EquipmentMailbox", "RoomMailbox")
        processing = dict(RESOURCE_CALENDAR_PROCESSING)
        if not resource:
            processing["AutomateProcessing"] = "AutoUpdate"
        forest = f"OU={self.domain},OU=Microsoft Exchange Hosted Organizations,DC=EURPR01A001,DC=PROD,DC=OUTLOOK,DC=COM"
        now = graph_time()
        mailbox: Document = {
            "Identity": user["id"],
            "Id": user["id"],
            "Guid": guid,
            "ExchangeGuid": new_id(),
            "Name": user["displayName"],
            "Alias": alias,
            "DisplayName": user["displayName"],
            "UserPrincipalName": user["userPrincipalName"],
            "MicrosoftOnlineServicesID": user["userPrincipalName"],
            "WindowsLiveID": user["userPrincipalName"],
            "PrimarySmtpAddress": address,
            "WindowsEmailAddress": address,
            "EmailAddresses": [f"SMTP:{address}", f"smtp:{alias}@{self.domain}"]
            if not address.lower().endswith("@" + self.domain)
            else [f"SMTP:{address}"],
            "ExternalDirectoryObjectId": user["id"],
            "DistinguishedName": f"CN={user['id']},{forest}",
            "OrganizationalUnit": f"eurpr01a001.prod.outlook.com/Microsoft Exchange Hosted Organizations/{self.domain}",
            "LegacyExchangeDN": "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients"
            f"/cn={guid.replace('-', '')}-{alias}",
            "RecipientType": "UserMailbox",
            "RecipientTypeDetails": kind,
            "IsResource": resource,
            "ResourceType": kind.removesuffix("Mailbox") if resource else None,
            "ResourceCapacity": None,
            "ResourceCustom": [],
            "IsShared": False,
            "IsMailboxEnabled": True,
            "AccountDisabled": resource,
            "HiddenFromAddressListsEnabled": False,
            "EmailAddressPolicyEnabled": False,
            "IsDirSynced": False,
            "SKUAssigned": not resource,
            "RoomMailboxAccountEnabled": None,
            "GrantSendOnBehalfTo": [],
            "AdministrativeUnits": [],
            "Languages": ["en-US"],
            "WhenSoftDeleted": None,
            "WhenMailboxCreated": now,
            "WhenCreated": now,
            "WhenChanged": now,
            "IsValid": True,
            "ExchangeVersion": "0.20 (15.0.0.0)",
            "_ready": ready,
            "_calendarProcessing": processing,
            **{f"CustomAttribute{number}": "" for number in range(1, 16)},
            **more,
        }
        return self.store.put("mailbox", guid, mailbox)

    def mailboxes(self, view: View, mentioning: str = "") -> list[Document]:
        """The mailboxes that exist now: ready and not soft-deleted; at least those in which ``mentioning`` occurs."""
        now = time.time()
        boxes = view.mentioning("mailbox", mentioning) if mentioning else view.all("mailbox")
        return [box for box in boxes if not box["WhenSoftDeleted"] and box["_ready"] <= now]

    def mailbox_by_address(self, address: str, view: View | None = None) -> Document | None:
        """The mailbox that owns an SMTP address, primary or not."""
        wanted = "smtp:" + address.lower()
        boxes = self.mailboxes(view or self.fresh, wanted)
        return next((box for box in boxes if wanted in [entry.lower() for entry in box["EmailAddresses"]]), None)

    def address_holder(self, address: str) -> Document | None:
        """The mailbox, user or group, soft-deleted mailboxes excepted, that holds an SMTP address; None if free."""
        wanted = address.lower()
        mailbox = next(
            (
                box
                for box in self.fresh.mentioning("mailbox", "smtp:" + wanted)
                if not box["WhenSoftDeleted"] and "smtp:" + wanted in [entry.lower() for entry in box["EmailAddresses"]]
            ),
            None,
        )
        return mailbox or self.fresh.first(
            "group", lambda one: (one.get("mail") or "").lower() == wanted and not one.get("deletedDateTime")
        )

    # --- Exchange role-based access control ---------------------------------------------------------------------------

    def recipient_properties(self, mailbox: Document) -> Document:
        """What a recipient filter sees of a mailbox: its properties and its user's, ``MemberOfGroup`` as groups' DNs.

        Only direct members of groups that Exchange recognises (mail-enabled) count.
        """
        user_id = mailbox["ExternalDirectoryObjectId"]
        groups = self.fresh.where("group", lambda group: group["mailEnabled"] and user_id in group["_members"])
        user = self.fresh.get("user", user_id) or {}
        of_user = {"Department": user.get("department"), "Title": user.get("jobTitle")}
        return {**of_user, **mailbox, "MemberOfGroup": [group["_distinguishedName"] for group in groups]}

    def matches_filter(self, recipient_filter: str, mailbox: Document) -> bool:
        """Whether a mailbox passes an OPATH filter. Raises opath.FilterError for a malformed one."""
        condition: Condition = parse(recipient_filter)
        return condition.matches(self.recipient_properties(mailbox))

    def in_assignment_scope(self, assignment: Document, mailbox: Document) -> bool:
        """Whether a role assignment reaches a mailbox: everyone, a management scope, an administrative unit or a group."""
        user_id = mailbox["ExternalDirectoryObjectId"]
        kind = assignment["RecipientWriteScope"]
        if kind == "AdministrativeUnit":
            unit = self.fresh.get("administrativeUnit", assignment["CustomRecipientWriteScope"])
            return bool(unit and user_id in unit["_members"])
        if kind == "Group":
            group = self.fresh.get("group", assignment["CustomRecipientWriteScope"])
            return bool(group and user_id in group["_members"])
        name = assignment.get("CustomResourceScope") or assignment.get("CustomRecipientWriteScope")
        if not name:
            return True
        scope = self.fresh.first("managementScope", lambda one: one["Name"].lower() == name.lower())
        return bool(scope and self.matches_filter(scope["RecipientFilter"], mailbox))

    def role_assignments(self, assignee: str, role: str) -> list[Document]:
        """The enabled assignments of a role to an assignee (a service principal's object id, or a user's id)."""
        return self.fresh.where(
            "managementRoleAssignment",
            lambda one: one["Enabled"] and one["Role"] == role and one["RoleAssignee"].lower() == assignee.lower(),
        )

    def service_principal(self, app_id: str) -> Document | None:
        """The Entra service principal of an application, if it is there and not deleted."""
        found = self.fresh.having("servicePrincipal", "appId", app_id)
        return next((one for one in found if not one.get("deletedDateTime")), None)

    def application_reaches(self, principal: Principal, mailbox: Document) -> bool:
        """Whether an app-only token opens a mailbox over EWS: the tenant-wide role or a scoped one (the union)."""
        if "full_access_as_app" in principal.roles and self.policies_allow(principal.app_id, mailbox, self.store.stale):
            return True
        entra = self.service_principal(principal.app_id)
        exchange = self.fresh.get("exchangeServicePrincipal", entra["id"]) if entra else None
        return exchange is not None and any(
            self.in_assignment_scope(assignment, mailbox)
            for assignment in self.role_assignments(exchange["ObjectId"], EWS_APPLICATION_ROLE)
        )

    def policies_allow(self, app_id: str, mailbox: Document, view: View) -> bool:
        """Whether the application access policies leave a mailbox to an application that Entra granted access.

        Restricting ones together name the mailboxes that it may open, denying ones those that it may not (Microsoft
        docs). Direct members of a group count. Live traffic follows late: it looks at the stale view.
        """
        found: dict[str, list[bool]] = {"RestrictAccess": [], "DenyAccess": []}
        user_id = mailbox["ExternalDirectoryObjectId"]
        for policy in view.having("applicationAccessPolicy", "AppId", app_id):
            group = self.fresh.get("group", policy["_scope"])
            members = group["_members"] if group else [policy["_scope"]]
            found[policy["AccessRight"]].append(user_id in members)
        return not any(found["DenyAccess"]) and (not found["RestrictAccess"] or any(found["RestrictAccess"]))

    def user_impersonates(self, user_id: str, mailbox: Document) -> bool:
        """Whether a user holds ApplicationImpersonation over a mailbox."""
        return any(
            self.in_assignment_scope(assignment, mailbox)
            for assignment in self.role_assignments(user_id, IMPERSONATION_ROLE)
        )

    def user_opens(self, user_id: str, mailbox: Document) -> bool:
        """Whether a user may open a mailbox without impersonation: their own, or one with a FullAccess entry.

        An entry may be a security group's, of which the user is a direct member; Deny wins.
        """
        if mailbox["ExternalDirectoryObjectId"] == user_id:
            return True
        name = str((self.fresh.get("user", user_id) or {}).get("userPrincipalName", "")).lower()
        groups = {one["id"] for one in self.fresh.where("group", lambda one: user_id in one["_members"])}
        entries = [
            one
            for one in self.fresh.mentioning("mailboxPermission", mailbox["Guid"])
            if one["Identity"] == mailbox["Guid"]
            and (one["User"].lower() == name or one.get("_trustee") in groups)
            and "FullAccess" in one["AccessRights"]
        ]
        return bool(entries) and not any(entry["Deny"] for entry in entries)
