# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's mailboxes over EWS: what rights on a folder allow, and what of private items is shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from exchangelib import DELEGATE, CalendarItem, Mailbox, Message, errors
from exchangelib.folders import Calendar, SingleFolderQuerySet
from exchangelib.properties import DistinguishedFolderId
from simulator.tenant import Tenant
from unit.simulator.ews_client import (
    ALICE,
    BOB,
    CAROL,
    GET_INBOX,
    TOMORROW,
    Field,
    full_access,
    only,
    post,
    running,
    stage,
    user_token,
)
from unit.simulator.exchange_client import Exchange


@pytest.fixture
def tenant(tmp_path: Path) -> Tenant:
    return stage(tmp_path)


@pytest.fixture
def field(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    with running(tenant, monkeypatch) as field:
        yield field


def grant(tenant: Tenant, rights: str, folder: str = "Calendar", **more: Any) -> None:
    """Carol's rights in one of Alice's folders."""
    exo = Exchange(tenant.directory, tenant=tenant)
    entry = {"Identity": f"alice:\\{folder}", "User": "carol", "AccessRights": rights, **more}
    there = exo.send("Get-MailboxFolderPermission", Identity=entry["Identity"], User="carol").status_code == 200
    exo.run("Set-MailboxFolderPermission" if there else "Add-MailboxFolderPermission", **entry)


def shared(field: Field, owner: str = ALICE) -> Any:
    """The owner's calendar as exchangelib opens one that is shared with Carol."""
    carol = field.account(CAROL, user_token(field.tenant, CAROL), DELEGATE)
    named = DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=owner))
    calendar = Calendar(root=carol.root, _distinguished_id=named)
    found = SingleFolderQuerySet(account=carol, folder=calendar).resolve()
    if isinstance(found, Exception):
        raise found
    return found


def view(folder: Any) -> list[CalendarItem]:
    return list(folder.view(start=TOMORROW - timedelta(hours=1), end=TOMORROW + timedelta(days=1)))


def appointment(field: Field, owner: str = ALICE, **fields: Any) -> CalendarItem:
    return field.book(owner, required_attendees=[], resources=[], **{"location": "Oslo", **fields})


@pytest.mark.parametrize("rights", ["AvailabilityOnly", "LimitedDetails", "Contributor", "FolderVisible", "None"])
def test_without_the_right_to_read_a_calendar_is_closed(field: Field, rights: str) -> None:
    appointment(field)
    with pytest.raises(errors.ErrorAccessDenied):
        view(shared(field))
    grant(field.tenant, rights)
    with pytest.raises(errors.ErrorAccessDenied):
        view(shared(field))


def test_a_reviewer_reads_and_does_not_write(field: Field) -> None:
    made = appointment(field, sensitivity="Normal")
    grant(field.tenant, "Reviewer")
    folder = shared(field)
    assert (folder.effective_rights.read, folder.effective_rights.create_contents) == (True, False)
    item = only(view(folder))
    assert (item.subject, item.location, item.id) == ("Budget", "Oslo", made.id)
    assert (item.effective_rights.read, item.effective_rights.modify, item.effective_rights.delete) == (
        True,
        False,
        False,
    )
    item.subject = "Mine"
    for write in (lambda: item.save(update_fields=["subject"]), item.delete):
        with pytest.raises(errors.ErrorAccessDenied):
            write()
    with pytest.raises(errors.ErrorAccessDenied):
        CalendarItem(account=folder.account, folder=folder, subject="New", start=TOMORROW, end=TOMORROW).save()
    with pytest.raises(errors.ErrorAccessDenied):
        list(field.account(ALICE, user_token(field.tenant, CAROL), DELEGATE).inbox.all())


def test_an_author_writes_what_is_theirs(field: Field) -> None:
    appointment(field, sensitivity="Normal")
    grant(field.tenant, "Author")
    folder = shared(field)
    own = CalendarItem(account=folder.account, folder=folder, subject="Own", start=TOMORROW, end=TOMORROW).save()
    own.subject = "Changed"
    own.save(update_fields=["subject"])
    items = {item.subject: item for item in view(folder)}
    assert items["Changed"].effective_rights.delete
    items["Changed"].delete()
    with pytest.raises(errors.ErrorAccessDenied):
        items["Budget"].delete()
    assert [item.subject for item in view(field.account(ALICE).calendar)] == ["Budget"]


def test_an_editor_changes_everything_but_private_items(field: Field) -> None:
    appointment(field, sensitivity="Normal", subject="Open")
    appointment(field, subject="Secret")
    grant(field.tenant, "Editor")
    items = {item.subject: item for item in view(shared(field))}
    items["Open"].delete()
    with pytest.raises(errors.ErrorAccessDenied):
        items["Private Appointment"].delete()


def test_private_items_say_when_and_no_more(field: Field) -> None:
    made = appointment(field)
    grant(field.tenant, "Editor")
    item = only(view(shared(field)))
    assert (item.subject, item.sensitivity, item.location, item.body) == ("Private Appointment", "Private", None, None)
    assert (item.start, item.legacy_free_busy_status) == (made.start, "Busy")
    assert not item.effective_rights.view_private_items
    assert not list(shared(field).filter(subject="Budget")), "nor can it be searched for"
    grant(field.tenant, "Editor", SharingPermissionFlags="Delegate,CanViewPrivateItems")
    item = only(view(shared(field)))
    assert (item.subject, item.location, item.effective_rights.view_private_items) == ("Budget", "Oslo", True)


def test_private_items_may_be_left_out(field: Field) -> None:
    made = appointment(field)
    field.tenant.store.put("setting", "switches", {"private_items_masked": False})
    grant(field.tenant, "Reviewer")
    assert view(shared(field)) == []
    with pytest.raises(errors.ErrorItemNotFound):
        shared(field).get(id=made.id)


def test_full_access_shows_private_items(field: Field) -> None:
    appointment(field)
    full_access(field.tenant, ALICE, CAROL)
    delegate = field.account(ALICE, user_token(field.tenant, CAROL), DELEGATE)
    assert only(view(delegate.calendar)).subject == "Budget"
    assert delegate.calendar.effective_rights.view_private_items


def test_everybodys_entry_counts_for_who_has_none(field: Field) -> None:
    appointment(field, sensitivity="Normal")
    exo = Exchange(field.tenant.directory, tenant=field.tenant)
    exo.run("Set-MailboxFolderPermission", Identity="alice:\\Calendar", User="Default", AccessRights="Reviewer")
    assert only(view(shared(field))).subject == "Budget"
    grant(field.tenant, "None")
    with pytest.raises(errors.ErrorAccessDenied):
        view(shared(field))


def test_a_groups_entry_counts_for_its_members(field: Field) -> None:
    appointment(field, sensitivity="Normal")
    exo = Exchange(field.tenant.directory, tenant=field.tenant)
    exo.run("New-DistributionGroup", Name="Desk", Type="Security", Members=["carol"])
    exo.run("Add-MailboxFolderPermission", Identity="alice:\\Calendar", User="Desk", AccessRights="Reviewer")
    assert only(view(shared(field))).subject == "Budget"


def test_an_owner_sees_the_permissions_of_a_folder(field: Field) -> None:
    grant(field.tenant, "Editor", SharingPermissionFlags="Delegate,CanViewPrivateItems")
    grant(field.tenant, "ReadItems, CreateItems", "Inbox")
    alice = field.account(ALICE)
    found = alice.calendar.permission_set.calendar_permissions
    entries = {one.user_id.distinguished_user or one.user_id.display_name: one for one in found}
    assert entries["Default"].calendar_permission_level == "FreeBusyTimeOnly"
    assert (entries["Default"].read_items, entries["Anonymous"].read_items) == ("TimeOnly", "None")
    carol = entries["Carol Chen"]
    assert (carol.calendar_permission_level, carol.edit_items, carol.read_items) == ("Editor", "All", "FullDetails")
    assert carol.user_id.primary_smtp_address == CAROL
    shape = "<t:BaseShape>AllProperties</t:BaseShape>"
    every = GET_INBOX.replace("<t:BaseShape>Default</t:BaseShape>", shape)
    inbox = post(field.tenant, user_token(field.tenant, ALICE), body=every)
    assert inbox.text.count("<t:PermissionLevel>None<") == 2
    assert inbox.text.count("<t:PermissionLevel>Custom<") == 1
    assert shared(field).permission_set is None


def test_a_delegate_answers_only_with_rights_on_the_calendar(field: Field) -> None:
    field.book(BOB, required_attendees=[ALICE], resources=[])
    request = only(field.account(ALICE).inbox.all())
    reply = (
        '<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:AcceptItem><t:ReferenceItemId '
        f'Id="{request.id}" ChangeKey="{request.changekey}"/></t:AcceptItem></m:Items></m:CreateItem>'
    )
    token = user_token(field.tenant, CAROL)
    grant(field.tenant, "Reviewer", "Inbox")
    assert "ErrorAccessDenied" in post(field.tenant, token, body=reply).text
    grant(field.tenant, "Editor")
    assert 'ResponseClass="Success"' in post(field.tenant, token, body=reply).text
    assert only(view(field.account(ALICE).calendar)).my_response_type == "Accept"


def test_a_tree_shows_the_folders_that_are_visible(field: Field) -> None:
    grant(field.tenant, "FolderVisible", "Top of Information Store")
    grant(field.tenant, "Reviewer", "Inbox")
    find = (
        '<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>'
        '<m:ParentFolderIds><t:DistinguishedFolderId Id="msgfolderroot"><t:Mailbox><t:EmailAddress>'
        f"{ALICE}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:ParentFolderIds></m:FindFolder>"
    )
    answer = post(field.tenant, user_token(field.tenant, CAROL), body=find)
    assert 'TotalItemsInView="1"' in answer.text
    assert ">Inbox<" in answer.text


def test_mail_in_anothers_name_takes_a_right(field: Field) -> None:
    def send() -> None:
        carol = field.account(CAROL, user_token(field.tenant, CAROL), DELEGATE)
        Message(account=carol, author=ALICE, subject="Hi", body="There", to_recipients=[BOB]).send()

    full_access(field.tenant, ALICE, CAROL)
    with pytest.raises(errors.ErrorSendAsDenied):
        send()
    exo = Exchange(field.tenant.directory, tenant=field.tenant)
    exo.run("Set-Mailbox", Identity="alice", GrantSendOnBehalfTo=["carol"])
    send()
    mail = only(field.account(BOB).inbox.all())
    assert (mail.author.email_address, mail.sender.email_address) == (ALICE, CAROL)
    mail.delete()
    exo.run("Add-RecipientPermission", Identity="alice", Trustee="carol", AccessRights="SendAs", Confirm=False)
    send()
    mail = only(field.account(BOB).inbox.all())
    assert (mail.author.email_address, mail.sender.email_address) == (ALICE, ALICE)
