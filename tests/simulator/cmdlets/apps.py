# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlook add-ins: those of the organization, and those of one mailbox.

A document of kind ``app`` is one of them as Get-App prints it; ``_home`` is the mailbox's Guid, or ``organization``, and
``_users`` are the Guids of the mailboxes that it is provided to. Names of properties: Pexip's pages and administrators'
listings; the raw JSON is not public.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from ..store import Document, View
from ..tenant import graph_time
from . import identity
from .base import Call, CmdletError, Output, cmdlet
from .convert import Change

USER_LIMIT = 1000  # Microsoft docs
_ORGANIZATION = "organization"
_NAMESPACE = "http://schemas.microsoft.com/office/appforoffice/1.1"
_PERMISSIONS = ("Restricted", "ReadItem", "ReadWriteItem", "ReadWriteMailbox")
# Add-ins that every organization has from the start, with their published ids.
_BUILT_IN = {
    "a216ceed-7791-4635-a752-5a4ac0a5eb93": "My Templates",
    "f60b8ac7-c3e3-4e42-8dad-e4e1fea59ff7": "Action Items",
}
_ELSEWHERE = ("Url", "FileStream", "Etoken", "MarketplaceAssetID")


def _refused(text: str) -> CmdletError:
    """An add-in that cannot be installed or changed like this (type and texts unverified)."""
    return CmdletError("Microsoft.Exchange.Data.ApplicationLogic.Extension.OwaExtensionOperationException", text)


def _manifest(data: bytes) -> Document:
    """What a manifest says: id, version, names and permission. Raises CmdletError when it is not an add-in's."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    problem = "This app can't be installed. The manifest file doesn't conform to the schema definition."
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _refused(f"{problem} {error}") from error
    kind = root.get("{http://www.w3.org/2001/XMLSchema-instance}type")
    if root.getroottree().docinfo.doctype or root.tag != f"{{{_NAMESPACE}}}OfficeApp" or kind != "MailApp":
        raise _refused(f"{problem} It isn't a mail app.")

    def said(name: str) -> str:
        found = root.find(f"{{{_NAMESPACE}}}{name}")
        return "" if found is None else (found.get("DefaultValue") or found.text or "").strip()

    missing = [name for name in ("Id", "Version", "ProviderName", "DisplayName", "Description") if not said(name)]
    if missing:
        raise _refused(f"{problem} The element {missing[0]} is missing.")
    permission = said("Permissions") or "Restricted"
    if permission not in _PERMISSIONS:
        raise _refused(f"{problem} The permission {permission} is unknown.")
    return {
        "AppId": said("Id").lower(),
        "DisplayName": said("DisplayName"),
        "Description": said("Description"),
        "ProviderName": said("ProviderName"),
        "AppVersion": said("Version"),
        "IconURL": said("IconUrl"),
        "Requirements": permission,
        "ManifestXml": data.decode("utf-8", "replace"),
    }


def _built_in() -> list[Document]:
    return [
        {
            **_document({"AppId": key, "DisplayName": name, "ProviderName": "Microsoft", "AppVersion": "1.0"}),
            **{"Type": "Default", "Scope": "Default", "DefaultStateForUser": "Enabled", "_home": _ORGANIZATION},
        }
        for key, name in _BUILT_IN.items()
    ]


def _document(manifest: Document) -> Document:
    return {
        "AppId": "",
        "DisplayName": "",
        "Description": "",
        "ProviderName": "",
        "AppVersion": "",
        "IconURL": "",
        "Requirements": "",
        "ManifestXml": "",
        "MarketplaceAssetID": "",
        "Type": "PrivateCatalog",
        "Enabled": True,
        "ProvidedTo": "Everyone",
        "DefaultStateForUser": "Disabled",
        "_users": [],
        **manifest,
        "Identity": manifest["AppId"],
        "IsValid": True,
    }


def _shown(call: Call, app: Document) -> Document:
    """An add-in as printed. In which form the users come back is not known (switch)."""
    form = call.tenant.switch("app_user_list_form")
    boxes = (call.tenant.fresh.get("mailbox", guid) for guid in app["_users"])
    return {**app, "UserList": [box[form] for box in boxes if box]}


def _home(call: Call) -> tuple[str, Document | None]:
    """Whose add-ins the call is about: the organization's, or those of the named or the caller's own mailbox."""
    if call.get("OrganizationApp"):
        return _ORGANIZATION, None
    wanted = call.get("Mailbox") or call.principal.user_id
    if not wanted or (call.principal.app_only and not call.given("Mailbox")):  # text: unverified
        raise CmdletError("TaskArgumentException", "You must specify the OrganizationApp switch or a Mailbox.")
    box = identity.mailbox_seen(call, str(wanted))
    return str(box["Guid"]), box


def _key(home: str, app_id: str) -> str:
    return f"{home}/{app_id.lower()}"


def _apps(view: View, home: str) -> list[Document]:
    stored = view.where("app", lambda one: one["_home"] == home)
    if home != _ORGANIZATION:
        return stored
    changed = {one["AppId"] for one in stored}
    return [one for one in _built_in() if one["AppId"] not in changed] + stored


def _find(call: Call, view: View, home: str) -> Document:
    wanted = str(call.get("Identity"))
    plain = wanted.rpartition("\\")[2].lower()
    for one in _apps(view, home):
        if plain == one["AppId"].lower():
            return one
    raise call.not_found(wanted)


@cmdlet("Get-App")
def get_app(call: Call) -> Output:
    """The organization's add-ins, or what one mailbox has: its own, and the organization's provided to it."""
    home, box = _home(call)
    view = call.tenant.store.view_for(f"exchange/app/{home}/{call.get('Identity')}")
    if box is None:
        found = [_find(call, view, home)] if call.given("Identity") else _apps(view, home)
        return [_shown(call, one) for one in found]
    offered = [one for one in _apps(view, _ORGANIZATION) if one["Enabled"] and _reaches(one, box)]
    rows = [{**_shown(call, one), "UserList": []} for one in [*_apps(view, home), *offered]]
    if call.given("Identity"):
        plain = str(call.get("Identity")).rpartition("\\")[2].lower()
        rows = [one for one in rows if one["AppId"].lower() == plain]
        if not rows:
            raise call.not_found(str(call.get("Identity")))
    return rows


def _reaches(app: Document, box: Document) -> bool:
    return app["ProvidedTo"] == "Everyone" or box["Guid"] in app["_users"]


@cmdlet("New-App")
def new_app(call: Call) -> Output:
    """Install an add-in from its manifest, or put a newer version in the place of one that is there.

    Whether the service updates in place is not known (switch). DownloadOnly installs nothing.
    """
    elsewhere = [name for name in _ELSEWHERE if call.given(name)]
    if elsewhere:  # honest rather than faithful
        raise CmdletError("Simulator.NotImplemented", f"This simulator does not install from {elsewhere[0]}.")
    if not call.get("FileData"):  # text: unverified
        raise CmdletError("TaskArgumentException", "You must specify FileData, Url, FileStream or Etoken.")
    home, _box = _home(call)
    manifest = _manifest(call.get("FileData"))
    there = call.tenant.fresh.get("app", _key(home, manifest["AppId"]))
    if there is not None:
        in_place = call.tenant.switch("app_update_in_place")
        if not in_place or _version(manifest["AppVersion"]) <= _version(there["AppVersion"]):
            raise _refused(
                f"The app {manifest['AppId']} can't be installed because version {there['AppVersion']} is already "
                "installed."
            )
    app = _document({**manifest, "_home": home})
    app["Scope"] = "Organization" if home == _ORGANIZATION else "User"
    app["WhenCreated"] = graph_time()
    app.update(_offer(call, there or app))
    if call.get("DownloadOnly"):
        return [_shown(call, app)]
    call.tenant.store.put("app", _key(home, app["AppId"]), app)
    return [_shown(call, app)]


def _version(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError as error:
        raise _refused(f"This app can't be installed. The version {text} isn't valid.") from error


def _offer(call: Call, current: Document) -> Document:
    """Enabled, default state and users after the call. Raises CmdletError for a list that does not fit."""
    wish: Document = {name: current[name] for name in ("Enabled", "DefaultStateForUser", "ProvidedTo", "_users")}
    for name in ("Enabled", "DefaultStateForUser", "ProvidedTo"):
        if call.given(name):
            wish[name] = call.get(name)
    change: Any = call.get("UserList")
    if isinstance(change, Change):
        known = change.map(identity.mailbox_guids(call))
        wish["_users"] = list(dict.fromkeys(known.apply(list(current["_users"]))))
    if wish["ProvidedTo"] == "Everyone":
        if isinstance(change, Change) and wish["_users"]:  # Microsoft docs: goes with SpecificUsers; text: unverified
            raise _refused("UserList can be used only when ProvidedTo is SpecificUsers.")
        wish["_users"] = []
    if len(wish["_users"]) > USER_LIMIT:  # limit: Microsoft docs; text: unverified
        raise _refused(f"UserList has {len(wish['_users'])} users. The maximum is {USER_LIMIT}.")
    return wish


@cmdlet("Set-App")
def set_app(call: Call) -> Output:
    """Change to whom an add-in of the organization is offered, and how."""
    if not call.get("OrganizationApp"):  # Microsoft docs: it is for the organization's; text: unverified
        raise CmdletError("TaskArgumentException", "You must specify the OrganizationApp switch.")
    app = _find(call, call.tenant.store.view_for(f"exchange/app/{_ORGANIZATION}/{call.get('Identity')}"), _ORGANIZATION)
    current = call.tenant.fresh.get("app", _key(_ORGANIZATION, app["AppId"])) or app
    wish = {**current, **_offer(call, current)}
    if wish == current:
        call.unchanged(app["AppId"])
        return None
    call.tenant.store.put("app", _key(_ORGANIZATION, app["AppId"]), wish)
    return None


@cmdlet("Remove-App")
def remove_app(call: Call) -> Output:
    """Remove an add-in; those that come with the organization stay (text: unverified)."""
    home, _box = _home(call)
    app = _find(call, call.tenant.store.view_for(f"exchange/app/{home}/{call.get('Identity')}"), home)
    if app["Type"] == "Default":
        raise _refused(f"The app {app['AppId']} can't be removed because it is a default app.")
    call.tenant.store.remove("app", _key(home, app["AppId"]))
    return None
