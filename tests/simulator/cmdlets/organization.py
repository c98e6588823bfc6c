# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The organization: its settings, domains and administrative units, and the protocols of a mailbox."""

from __future__ import annotations

import re

from ..store import Document
from ..tenant import graph_time
from . import identity
from .base import Call, CmdletError, Output, cmdlet
from .convert import Change
from .listing import anr, condition, truncated

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CONTROL = {"Confirm", "WhatIf", "Identity", "Force"}

# What Get-CASMailbox prints of a mailbox on which nothing was set (names: Microsoft docs; values inferred).
_CAS: Document = {
    "EwsEnabled": None,
    "EwsAllowOutlook": None,
    "EwsAllowMacOutlook": None,
    "EwsAllowEntourage": None,
    "EwsApplicationAccessPolicy": None,
    "EwsAllowList": [],
    "EwsBlockList": [],
    "ActiveSyncEnabled": True,
    "ImapEnabled": True,
    "PopEnabled": True,
    "MAPIEnabled": True,
    "OWAEnabled": True,
    "OWAforDevicesEnabled": True,
    "MacOutlookEnabled": None,
    "OutlookMobileEnabled": None,
    "UniversalOutlookEnabled": None,
    "OneWinNativeOutlookEnabled": None,
    "SmtpClientAuthenticationDisabled": None,
}
_CAS_OF_MAILBOX = ("Identity", "Guid", "Name", "DisplayName", "PrimarySmtpAddress", "ExternalDirectoryObjectId")


def _config(call: Call) -> Document:
    return call.tenant.fresh.get("organizationConfig", "organization") or {}


@cmdlet("Get-OrganizationConfig")
def get_organization_config(call: Call) -> Output:
    """The settings; the app list is empty without its switch, even while it is enforced (live capture)."""
    config = call.tenant.store.view_for("exchange/organizationConfig").get("organizationConfig", "organization") or {}
    if not call.get("RetrieveEwsOperationAccessPolicy"):
        config["EwsAllowedAppIDs"] = None
    elif config["EwsAllowedAppIDs"] and call.tenant.switch("app_list_as_collection"):
        config["EwsAllowedAppIDs"] = [config["EwsAllowedAppIDs"]]
    return [config]


@cmdlet("Set-OrganizationConfig")
def set_organization_config(call: Call) -> Output:
    """Change settings; the app list is one string that overwrites the whole list (Microsoft docs)."""
    config = _config(call)
    wish = _changed(call, config)
    _check_agents(call, wish)
    apps = call.get("EwsAllowedAppIDs")
    if apps:
        wrong = [one.strip() for one in apps.split(",") if not _GUID.fullmatch(one.strip())]
        if wrong:  # text: unverified
            raise CmdletError("TaskArgumentException", f'"{wrong[0]}" in EwsAllowedAppIDs isn\'t a valid GUID.')
        wish["EwsAllowedAppIDs"] = ",".join(one.strip() for one in apps.split(","))
    elif call.given("EwsAllowedAppIDs"):
        wish["EwsAllowedAppIDs"] = None
    if wish == config:
        call.unchanged(config["Identity"])
        return None
    call.tenant.store.put("organizationConfig", "organization", wish)
    return None


def _changed(call: Call, current: Document) -> Document:
    wish = dict(current)
    for name, value in call.parameters.items():
        if name not in _CONTROL:
            wish[name] = value.apply(list(current.get(name) or [])) if isinstance(value, Change) else value
    return wish


def _check_agents(call: Call, wish: Document) -> None:
    """A list of user agents needs its policy in the same call (text: unverified)."""
    lists = any(call.given(name) for name in ("EwsAllowList", "EwsBlockList"))
    if lists and not call.get("EwsApplicationAccessPolicy") and (wish["EwsAllowList"] or wish["EwsBlockList"]):
        raise CmdletError(
            "System.ArgumentException",
            "EwsApplicationAccessPolicy must be specified if to set EwsAllowList or EwsBlockList.",
            "3C683803",
        )


@cmdlet("Enable-OrganizationCustomization")
def enable_organization_customization(call: Call) -> Output:
    """Hydrate the tenant; a second run is an error (Microsoft docs; text: as administrators quote it)."""
    if not _config(call).get("IsDehydrated"):
        raise CmdletError(
            "System.InvalidOperationException",
            "This operation is not required. Organization is already enabled for customization.",
        )
    call.tenant.store.update("organizationConfig", "organization", IsDehydrated=False)
    return None


@cmdlet("Get-AcceptedDomain")
def get_accepted_domain(call: Call) -> Output:
    """The verified domains."""
    domains = call.tenant.store.stale.where("domain", lambda one: bool(one["isVerified"]))
    wanted = call.get("Identity")
    if wanted is not None:
        domains = [one for one in domains if one["id"].lower() == wanted.lower()]
        if not domains:
            raise call.not_found(wanted)
    rows = [
        {
            "Name": one["id"],
            "Identity": one["id"],
            "Id": one["id"],
            "DomainName": one["id"],
            "DomainType": "Authoritative",
            "Default": one["isDefault"],
            "InitialDomain": one["isInitial"],
            "AuthenticationType": one["authenticationType"],
            "IsValid": True,
        }
        for one in domains
    ]
    return truncated(call, rows)


@cmdlet("Get-AdministrativeUnit")
def get_administrative_unit(call: Call) -> Output:
    """Entra's administrative units, by id or display name."""
    if call.given("Identity"):
        units = [identity.administrative_unit(call, call.get("Identity"))]
    else:
        units = call.tenant.store.stale.all("administrativeUnit")
    return [
        {
            "Identity": one["id"],
            "Id": one["id"],
            "Name": one["id"],
            "Guid": one["id"],
            "ExternalDirectoryObjectId": one["id"],
            "DisplayName": one["displayName"],
            "Description": one.get("description") or "",
            "IsValid": True,
        }
        for one in units
    ]


# --- client access ----------------------------------------------------------------------------------------------------


@cmdlet("Get-CASMailbox")
def get_cas_mailbox(call: Call) -> Output:
    """The protocols of one mailbox, or of those that pass the filters."""
    wanted, view = call.get("Identity"), call.tenant.store.stale
    boxes = call.tenant.mailboxes(view) if wanted is None else [identity.mailbox_seen(call, wanted)]
    if call.given("RecipientTypeDetails"):
        boxes = [box for box in boxes if box["RecipientTypeDetails"] in call.get("RecipientTypeDetails")]
    if call.given("Filter"):
        passes = condition(call, "Filter")
        boxes = [box for box in boxes if passes.matches(call.tenant.recipient_properties(box))]
    if call.given("Anr"):
        boxes = [box for box in boxes if anr(call.get("Anr"), box)]
    rows = [{**{key: box[key] for key in _CAS_OF_MAILBOX}, **_CAS, **box.get("_casMailbox", {})} for box in boxes]
    return truncated(call, rows)


@cmdlet("Set-CASMailbox")
def set_cas_mailbox(call: Call) -> Output:
    """Change the protocols of a mailbox."""
    box = identity.mailbox(call, call.get("Identity"))
    current = {**_CAS, **box.get("_casMailbox", {})}
    wish = _changed(call, current)
    _check_agents(call, wish)
    if wish == current:
        call.unchanged(box["Identity"])
        return None
    call.tenant.store.update("mailbox", box["Guid"], _casMailbox=wish, WhenChanged=graph_time())
    return None
