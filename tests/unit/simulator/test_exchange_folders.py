# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders in the simulator's Exchange Online: found by type, in any language, and who may do what in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.simulator.exchange_client import Exchange

CALENDAR = "alice@contoso.com:\\Calendar"


@pytest.fixture
def exo(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path / "tenant")


def entries(exo: Exchange, folder: str = CALENDAR) -> dict[str, Any]:
    found = exo.run("Get-MailboxFolderPermission", Identity=folder)
    return {one["User"]: (one["AccessRights"], one["SharingPermissionFlags"]) for one in found}


def test_a_folder_in_the_owners_language_is_found_by_its_type(exo: Exchange) -> None:
    box = exo.one("Get-Mailbox", Identity="alice")
    exo.tenant.store.update("mailbox", box["Guid"], _folderNames={"calendar": "Kalender"})
    found = exo.one("Get-MailboxFolderStatistics", Identity="alice", FolderScope="Calendar")
    assert (found["Name"], found["FolderType"], found["FolderPath"]) == ("Kalender", "Calendar", "/Kalender")
    assert "couldn't be found" in exo.fails("Get-MailboxFolderPermission", Identity=CALENDAR)
    for path in ("\\Kalender", "\\kalender", "/Kalender", found["FolderId"]):
        assert set(entries(exo, f"alice:{path}")) == {"Default", "Anonymous"}


def test_every_folder_has_a_row(exo: Exchange) -> None:
    rows = exo.run("Get-MailboxFolderStatistics", Identity="alice")
    kinds = {row["FolderType"]: row for row in rows}
    assert {"Root", "Inbox", "Calendar", "SentItems", "RecoverableItemsDeletions"} <= set(kinds)
    assert kinds["Root"]["FolderPath"] == "/Top of Information Store"
    assert kinds["Inbox"]["ParentFolderId"] == kinds["Root"]["FolderId"]
    assert "enumerator name" in exo.fails("Get-MailboxFolderStatistics", Identity="alice", FolderScope="Agenda")
    assert "couldn't be found" in exo.fails("Get-MailboxFolderStatistics", Identity="nobody")


def test_an_entry_is_added_changed_and_removed(exo: Exchange) -> None:
    assert entries(exo) == {"Default": (["AvailabilityOnly"], None), "Anonymous": (["None"], None)}
    bob = {"Identity": CALENDAR, "User": "bob@contoso.com"}
    assert exo.fails("Set-MailboxFolderPermission", **bob, AccessRights=["Editor"]).endswith(
        "There is no existing permission entry found for user: Bob O'Brien."
    )
    made = exo.one("Add-MailboxFolderPermission", **bob, AccessRights=["reviewer"])
    assert (made["User"], made["FolderName"], made["AccessRights"]) == ("Bob O'Brien", "Calendar", ["Reviewer"])
    assert exo.fails("Add-MailboxFolderPermission", **bob, AccessRights=["Editor"]).endswith(
        "An existing permission entry was found for user: Bob O'Brien."
    )
    flags = {"AccessRights": "Editor", "SharingPermissionFlags": "Delegate,CanViewPrivateItems"}
    exo.run("Set-MailboxFolderPermission", **bob, **flags)
    assert exo.one("Get-MailboxFolderPermission", **bob)["AccessRights"] == ["Editor"]
    assert entries(exo)["Bob O'Brien"][1] == "Delegate, CanViewPrivateItems"
    exo.run("Remove-MailboxFolderPermission", Identity=CALENDAR, ResetDelegateUserCollection=True, Confirm=False)
    assert entries(exo)["Bob O'Brien"] == (["Editor"], None)
    exo.run("Remove-MailboxFolderPermission", **bob, Confirm=False)
    assert "no existing permission entry" in exo.fails("Remove-MailboxFolderPermission", **bob, Confirm=False)
    assert "no existing permission entry" in exo.fails("Get-MailboxFolderPermission", **bob)


def test_everybody_has_an_entry_that_stays(exo: Exchange) -> None:
    everybody = {"Identity": CALENDAR, "User": "default"}
    exo.run("Set-MailboxFolderPermission", **everybody, AccessRights="LimitedDetails")
    assert entries(exo)["Default"] == (["LimitedDetails"], None)
    assert "can't be removed" in exo.fails("Remove-MailboxFolderPermission", **everybody, Confirm=False)
    assert entries(exo, "alice")["Default"] == (["None"], None), "without a path it is the root"


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ({"AccessRights": ["Boss"]}, "valid enumerator name"),
        ({"AccessRights": ["Editor", "ReadItems"]}, "can't be combined"),
        ({"AccessRights": ["Reviewer"], "SharingPermissionFlags": "Delegate"}, "needs the calendar folder"),
        ({"AccessRights": ["Editor"], "SharingPermissionFlags": "CanViewPrivateItems"}, "the flag Delegate"),
        ({"AccessRights": ["Editor"], "User": "nobody@elsewhere.example"}, "is either not valid SMTP address"),
        ({"AccessRights": ["AvailabilityOnly"], "Identity": "alice:\\Inbox"}, "calendar folders only"),
        ({"User": None, "AccessRights": ["Editor"]}, "Missing mandatory parameters: User"),
    ],
)
def test_what_makes_no_sense_is_refused(exo: Exchange, wish: dict[str, Any], text: str) -> None:
    given = {"Identity": CALENDAR, "User": "bob", **wish}
    assert text in exo.fails("Add-MailboxFolderPermission", **given)


def test_single_rights_and_groups(exo: Exchange) -> None:
    exo.run("New-DistributionGroup", Name="Desk", Type="Security", Members=["carol"])
    exo.run("Add-MailboxFolderPermission", Identity=CALENDAR, User="Desk", AccessRights="ReadItems, CreateItems")
    assert entries(exo)["Desk"] == (["ReadItems", "CreateItems"], None)
    refused = exo.fails("Add-MailboxFolderPermission", Identity=CALENDAR, User="vmr-users", AccessRights="Reviewer")
    assert "InvalidExternalUserIdException" in refused, "a plain distribution group holds no permissions"


def test_who_is_gone_reads_as_a_sid(exo: Exchange) -> None:
    exo.run("Add-MailboxFolderPermission", Identity=CALENDAR, User="bob", AccessRights="Reviewer")
    exo.run("Add-MailboxPermission", Identity="alice", User="bob", AccessRights="FullAccess")
    exo.run("Remove-Mailbox", Identity="bob", Confirm=False)
    assert [name for name in entries(exo) if name.startswith("S-1-5-21-")]
    holders = [one["User"] for one in exo.run("Get-MailboxPermission", Identity="alice")]
    assert holders[1].startswith("S-1-5-21-")


def test_the_user_may_come_as_an_object(exo: Exchange) -> None:
    exo.tenant.store.put("setting", "switches", {"folder_permission_user_as_object": True})
    found = exo.run("Get-MailboxFolderPermission", Identity=CALENDAR)
    assert [one["User"] for one in found] == [
        {"UserType": "Default", "DisplayName": "Default"},
        {"UserType": "Anonymous", "DisplayName": "Anonymous"},
    ]


def test_a_security_group_may_hold_full_access(exo: Exchange) -> None:
    exo.run("New-DistributionGroup", Name="Desk", Type="Security", Members=["carol"])
    exo.run("Add-MailboxPermission", Identity="alice", User="Desk", AccessRights="FullAccess")
    assert exo.one("Get-MailboxPermission", Identity="alice", User="Desk")["User"] == "Desk"
    alice, carol = (exo.one("Get-Mailbox", Identity=name) for name in ("alice", "carol"))
    assert exo.tenant.user_opens(carol["ExternalDirectoryObjectId"], alice)
    exo.run("Add-MailboxPermission", Identity="alice", User="carol", AccessRights="FullAccess", Deny=True)
    assert not exo.tenant.user_opens(carol["ExternalDirectoryObjectId"], alice)


def test_send_on_behalf_reads_back_as_names(exo: Exchange) -> None:
    add = {"@odata.type": "#Exchange.GenericHashTable", "Add": ["bob@contoso.com", "vmr-users@contoso.com"]}
    exo.run("Set-Mailbox", Identity="alice", GrantSendOnBehalfTo=add)
    assert exo.one("Get-Mailbox", Identity="alice")["GrantSendOnBehalfTo"] == ["Bob O'Brien", "VMR scheduling users"]
    drop = {"@odata.type": "#Exchange.GenericHashTable", "Remove": ["vmr-users"]}
    exo.run("Set-Mailbox", Identity="alice", GrantSendOnBehalfTo=drop)
    assert exo.one("Get-Mailbox", Identity="alice")["GrantSendOnBehalfTo"] == ["Bob O'Brien"]
    twice = exo.fails("Set-Mailbox", Identity="alice", GrantSendOnBehalfTo=["bob", "bob@contoso.com"])
    assert "contains the following duplicated recipient identity" in twice


def test_resetting_removes_every_entry_of_the_mailbox(exo: Exchange) -> None:
    exo.run("Add-MailboxPermission", Identity="alice", User="bob", AccessRights="FullAccess")
    exo.run("Remove-MailboxPermission", Identity="alice", ClearAutoMapping=True, Confirm=False)
    assert len(exo.run("Get-MailboxPermission", Identity="alice")) == 2
    exo.run("Remove-MailboxPermission", Identity="alice", ResetDefault=True, Confirm=False)
    assert len(exo.run("Get-MailboxPermission", Identity="alice")) == 1
