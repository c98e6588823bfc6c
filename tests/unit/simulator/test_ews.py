# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's EWS: who gets in, how errors look, and exchangelib over TLS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from exchangelib import (
    DELEGATE,
    Attendee,
    Build,
    CalendarItem,
    ExtendedProperty,
    FaultTolerance,
    Mailbox,
    Message,
    Q,
    errors,
)
from exchangelib.fields import WEEKDAY_NAMES
from exchangelib.folders import Calendar, SingleFolderQuerySet
from exchangelib.items import (
    SEND_ONLY_TO_ALL,
    SEND_TO_ALL_AND_SAVE_COPY,
    MeetingCancellation,
    MeetingRequest,
    MeetingResponse,
)
from exchangelib.properties import DistinguishedFolderId
from exchangelib.recurrence import Recurrence, WeeklyPattern
from simulator import ews
from simulator.ews_store import new_item
from simulator.store import Document
from simulator.tenant import EWS_APPLICATION_ROLE, IMPERSONATION_ROLE, Tenant
from starlette.applications import Starlette
from starlette.testclient import TestClient
from unit.simulator.ews_client import (
    ALICE,
    AUDIENCE,
    BOB,
    CAROL,
    DAVE,
    GET_INBOX,
    NAMESPACES,
    TOMORROW,
    VMR,
    Field,
    app_token,
    as_user,
    assign,
    box_of,
    fault_of,
    full_access,
    only,
    post,
    processing,
    raw,
    running,
    sid,
    stage,
    user_id,
    user_token,
)


@pytest.fixture
def tenant(tmp_path: Path) -> Tenant:
    return stage(tmp_path)


@pytest.fixture
def field(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    with running(tenant, monkeypatch) as field:
        yield field


# --- access, errors and forms, without a network ----------------------------------------------------------------------


def test_a_request_without_token_is_challenged(tenant: Tenant) -> None:
    answer = post(tenant, None)
    assert answer.status_code == 401
    assert answer.content == b""
    assert answer.headers["www-authenticate"].startswith('Bearer client_id="00000002-0000-0ff1-ce00-000000000000"')
    assert "x-ms-diagnostics" in answer.headers


@pytest.mark.parametrize("fault", [{"audience": "https://graph.microsoft.com"}, {"lifetime": -10}])
def test_a_token_for_another_service_or_of_yesterday_is_refused(tenant: Tenant, fault: dict[str, Any]) -> None:
    answer = post(tenant, app_token(tenant, "full_access_as_app", **fault), as_user(ALICE))
    assert answer.status_code == 401
    assert ("2000003" in answer.headers["x-ms-diagnostics"]) == ("audience" in fault)


def test_an_app_without_the_role_has_not_enough_scope(tenant: Tenant) -> None:
    answer = post(tenant, app_token(tenant, "Calendars.ReadWrite"), as_user(ALICE))
    assert answer.status_code == 403
    assert "not enough scope to make this call" in answer.headers["x-ms-diagnostics"]


def test_a_user_without_the_scope_has_not_enough_scope(tenant: Tenant) -> None:
    assert post(tenant, user_token(tenant, ALICE, "Mail.Read")).status_code == 403


def test_an_app_has_no_mailbox_of_its_own(tenant: Tenant) -> None:
    answer = post(tenant, app_token(tenant, "full_access_as_app"))
    assert "must be present for this type of OAuth token" in fault_of(
        answer, "ErrorInvalidExchangeImpersonationHeaderData"
    )


def test_the_tenant_wide_role_opens_every_mailbox(tenant: Tenant) -> None:
    for address in (ALICE, CAROL, VMR):
        answer = post(tenant, app_token(tenant, "full_access_as_app"), as_user(address))
        assert answer.status_code == 200
        assert "<t:DisplayName>Inbox</t:DisplayName>" in answer.text
        assert 'MajorVersion="15"' in answer.text


def test_a_scoped_role_opens_its_mailboxes_only(tenant: Tenant) -> None:
    assign(tenant, EWS_APPLICATION_ROLE, "sp", "Alias -eq 'alice'")
    token = app_token(tenant)
    assert post(tenant, token, as_user(ALICE)).status_code == 200
    text = fault_of(post(tenant, token, as_user(BOB)), "ErrorImpersonateUserDenied")
    assert "The account does not have permission to impersonate the requested user." in text
    assert "ServerVersionInfo" not in text


def test_whom_an_impersonation_may_name(tenant: Tenant) -> None:
    token = app_token(tenant, "full_access_as_app")
    second = f"alice@{tenant.domain}"
    for kind, value in (("PrimarySmtpAddress", ALICE), ("SmtpAddress", second), ("PrincipalName", ALICE)):
        assert post(tenant, token, sid(kind, value)).status_code == 200
    assert f'Name="Primary">{ALICE}<' in fault_of(post(tenant, token, as_user(second)), "ErrorNonPrimarySmtpAddress")
    fault_of(post(tenant, token, as_user("nobody@contoso.com")), "ErrorNonExistentMailbox")
    fault_of(post(tenant, token, sid("SID", "S-1-5-21-1")), "ErrorInvalidExchangeImpersonationHeaderData")


@pytest.mark.parametrize("change", [{"_ready": time.time() + 600}, {"WhenSoftDeleted": "2026-01-01T00:00:00Z"}])
def test_a_mailbox_that_is_not_there_now_does_not_exist(tenant: Tenant, change: Document) -> None:
    tenant.store.update("mailbox", box_of(tenant, ALICE)["Guid"], **change)
    fault_of(post(tenant, app_token(tenant, "full_access_as_app"), as_user(ALICE)), "ErrorNonExistentMailbox")


def test_a_user_impersonates_with_the_role_only(tenant: Tenant) -> None:
    token = user_token(tenant, CAROL)
    fault_of(post(tenant, token, as_user(ALICE)), "ErrorImpersonateUserDenied")
    assign(tenant, IMPERSONATION_ROLE, user_id(tenant, CAROL), "Alias -eq 'alice'")
    assert post(tenant, token, as_user(ALICE)).status_code == 200
    fault_of(post(tenant, token, as_user(BOB)), "ErrorImpersonateUserDenied")


def test_a_user_opens_other_mailboxes_with_full_access(tenant: Tenant) -> None:
    shared = GET_INBOX.replace(
        '"inbox"/>',
        f'"inbox"><t:Mailbox><t:EmailAddress>{ALICE}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>',
    )
    token = user_token(tenant, CAROL)
    assert "<m:ResponseCode>ErrorAccessDenied</m:ResponseCode>" in post(tenant, token, body=shared).text
    full_access(tenant, ALICE, CAROL)
    assert 'ResponseClass="Success"' in post(tenant, token, body=shared).text
    full_access(tenant, ALICE, CAROL, deny=True)
    assert "ErrorAccessDenied" in post(tenant, token, body=shared).text
    unknown = shared.replace(ALICE, "nobody@contoso.com")
    assert "ErrorNonExistentMailbox" in post(tenant, token, body=unknown).text


def test_a_user_without_mailbox_has_to_name_one(tenant: Tenant) -> None:
    assert "ErrorMissingEmailAddress" in post(tenant, user_token(tenant, DAVE)).text


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<s:Envelope",
        "<html/>",
        f"<s:Envelope {NAMESPACES}><s:Body/></s:Envelope>",
        f'<!DOCTYPE x [<!ENTITY e "e">]><s:Envelope {NAMESPACES}><s:Body>&e;</s:Body></s:Envelope>',
    ],
)
def test_what_is_no_request_is_a_schema_fault(tenant: Tenant, content: str) -> None:
    fault_of(raw(tenant, user_token(tenant, ALICE), content), "ErrorSchemaValidation")


def test_elements_out_of_schema_order_are_a_schema_fault(tenant: Tenant) -> None:
    body = (
        '<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>'
        "<t:Start>2026-12-01T10:00:00Z</t:Start><t:Subject>Late</t:Subject></t:CalendarItem></m:Items></m:CreateItem>"
    )
    fault_of(post(tenant, user_token(tenant, ALICE), body=body), "ErrorSchemaValidation")


def test_a_recurrence_without_end_or_sense_is_refused(tenant: Tenant) -> None:
    for pattern in (
        "<t:Interval>0</t:Interval><t:DaysOfWeek>Monday</t:DaysOfWeek>",
        "<t:DaysOfWeek>Someday</t:DaysOfWeek>",
    ):
        body = (
            '<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>'
            f"<t:Recurrence><t:WeeklyRecurrence>{pattern}</t:WeeklyRecurrence><t:NoEndRecurrence><t:StartDate>2026-12-01"
            "</t:StartDate></t:NoEndRecurrence></t:Recurrence></t:CalendarItem></m:Items></m:CreateItem>"
        )
        assert "ErrorCalendarInvalidRecurrence" in post(tenant, user_token(tenant, ALICE), body=body).text


def test_what_is_not_simulated_says_so(tenant: Tenant) -> None:
    answer = post(tenant, user_token(tenant, ALICE), body="<m:GetUserOofSettingsRequest/>")
    assert "does not implement GetUserOofSettingsRequest" in fault_of(answer, "ErrorInternalServerError")


def test_the_path_knows_no_case_and_autodiscover_leads_there(tenant: Tenant) -> None:
    assert post(tenant, user_token(tenant, ALICE), path="/ews/exchange.ASMX").status_code == 200
    client = TestClient(Starlette(routes=ews.routes(tenant, {"outlook": AUDIENCE})), AUDIENCE)
    answer = client.get("/autodiscover/autodiscover.json", params={"Email": ALICE, "Protocol": "EWS"})
    assert answer.json() == {"Protocol": "EWS", "Url": f"{AUDIENCE}/EWS/Exchange.asmx"}


# --- exchangelib over TLS ---------------------------------------------------------------------------------------------


def test_an_invitation_waits_untouched_in_the_equipments_inbox(field: Field) -> None:
    booked = field.book()
    vmr = field.account(VMR)
    request = only(vmr.inbox.all())
    assert isinstance(request, MeetingRequest)
    assert (request.subject, request.sensitivity, request.body.strip()) == ("Budget", "Private", "Figures")
    assert request.organizer.email_address == ALICE
    assert request.organizer.name == "Alice Anker"
    assert (request.start, request.end) == (TOMORROW, TOMORROW + timedelta(hours=1))
    assert request.item_class == "IPM.Schedule.Meeting.Request"
    assert request.meeting_request_type == "NewMeetingRequest"
    assert [one.mailbox.email_address for one in request.resources] == [VMR]
    assert not list(vmr.calendar.all())
    assert booked.id == only(field.account(ALICE).calendar.all()).id
    copy = only(field.account(ALICE).sent.all())
    assert (type(copy), copy.subject) == (MeetingRequest, "Budget")


def test_accepting_enters_the_meeting_and_tells_the_organizer(field: Field) -> None:
    field.book()
    vmr = field.account(VMR)
    only(vmr.inbox.all()).accept(body="Welcome")
    item = only(vmr.calendar.all())
    assert (item.my_response_type, item.legacy_free_busy_status) == ("Accept", "Busy")
    assert (item.subject, item.sensitivity) == ("Budget", "Private")
    assert not list(vmr.inbox.all())
    assert isinstance(only(vmr.trash.all()), MeetingRequest)
    assert isinstance(only(vmr.sent.all()), MeetingResponse)
    alice = field.account(ALICE)
    response = only(alice.inbox.all())
    assert isinstance(response, MeetingResponse)
    assert (response.subject, response.response_type) == ("Accepted: Budget", "Accept")
    assert response.item_class == "IPM.Schedule.Meeting.Resp.Pos"
    assert response.sender.email_address == VMR
    own = only(alice.calendar.all())
    equipment = only(own.resources)
    assert equipment.response_type == "Accept"
    assert equipment.last_response_time is not None
    assert only(own.required_attendees).response_type == "Unknown"
    assert response.associated_calendar_item_id.id == own.id


def test_declining_leaves_nothing_in_the_calendar(field: Field) -> None:
    field.book()
    bob = field.account(BOB)
    only(bob.inbox.all()).decline()
    assert not list(bob.calendar.all())
    own = only(field.account(ALICE).calendar.all())
    assert only(own.required_attendees).response_type == "Decline"


def test_a_users_calendar_shows_an_invitation_as_tentative(field: Field) -> None:
    field.book()
    bob = field.account(BOB)
    item = only(bob.calendar.all())
    assert (item.my_response_type, item.legacy_free_busy_status) == ("NoResponseReceived", "Tentative")
    request = only(bob.inbox.all())
    assert request.associated_calendar_item_id.id == item.id
    item.tentatively_accept()
    assert only(bob.calendar.all()).my_response_type == "Tentative"


def test_nobody_accepts_a_meeting_of_their_own(field: Field) -> None:
    booked = field.book()
    with pytest.raises(errors.ErrorCalendarIsOrganizerForAccept):
        booked.accept()


def test_auto_accept_strips_the_meeting(field: Field) -> None:
    processing(field.tenant, AutomateProcessing="AutoAccept")
    field.book()
    vmr = field.account(VMR)
    item = only(vmr.calendar.all())
    assert (item.subject, item.body, item.sensitivity) == ("Alice Anker", None, "Normal")
    assert item.my_response_type == "Accept"
    assert not list(vmr.inbox.all())
    response = only(field.account(ALICE).inbox.all())
    assert (response.subject, response.response_type) == ("Accepted: Budget", "Accept")


def test_auto_accept_keeps_what_it_is_told_to_keep(field: Field) -> None:
    keep = ("DeleteSubject", "DeleteComments", "AddOrganizerToSubject", "RemovePrivateProperty")
    processing(field.tenant, AutomateProcessing="AutoAccept", **dict.fromkeys(keep, False))
    field.book()
    item = only(field.account(VMR).calendar.all())
    assert (item.subject, item.body.strip(), item.sensitivity) == ("Budget", "Figures", "Private")


def test_auto_accept_declines_a_conflict(field: Field) -> None:
    processing(field.tenant, AutomateProcessing="AutoAccept")
    field.book()
    field.book(BOB, subject="Clash", required_attendees=[])
    assert only(field.account(VMR).calendar.all()).organizer.email_address == ALICE
    answers = [one for one in field.account(BOB).inbox.all() if isinstance(one, MeetingResponse)]
    assert only(answers).response_type == "Decline"


def test_a_view_shows_what_overlaps_it(field: Field) -> None:
    field.book()
    calendar = field.account(ALICE).calendar
    inside = calendar.view(start=TOMORROW + timedelta(minutes=30), end=TOMORROW + timedelta(hours=5))
    assert only(inside).subject == "Budget"
    assert not list(calendar.view(start=TOMORROW + timedelta(hours=1), end=TOMORROW + timedelta(hours=5)))
    with pytest.raises(errors.ErrorCalendarViewRangeTooBig):
        list(calendar.view(start=TOMORROW, end=TOMORROW + timedelta(days=800)))


def test_a_weekly_series_is_shown_as_its_occurrences(field: Field) -> None:
    weekly = Recurrence(
        pattern=WeeklyPattern(interval=1, weekdays=[WEEKDAY_NAMES[TOMORROW.weekday()]]), start=TOMORROW.date(), number=4
    )
    field.book(recurrence=weekly, required_attendees=[], resources=[])
    calendar = field.account(ALICE).calendar
    shown = list(calendar.view(start=TOMORROW, end=TOMORROW + timedelta(days=60)))
    assert [one.start for one in shown] == [TOMORROW + timedelta(weeks=week) for week in range(4)]
    assert {one.type for one in shown} == {"Occurrence"}
    shown[1].delete()
    assert len(list(calendar.view(start=TOMORROW, end=TOMORROW + timedelta(days=60)))) == 3
    master = only(calendar.all())
    assert (master.type, master.recurrence.boundary.number) == ("RecurringMaster", 4)
    shown[0].refresh()
    assert shown[0].subject == "Budget"


def test_filters_orders_and_pages(field: Field) -> None:
    for number in range(5):
        start = TOMORROW + timedelta(hours=number)
        field.book(subject=f"Meeting {number}", start=start, end=start, required_attendees=[], resources=[])
    calendar = field.account(ALICE).calendar

    def subjects(query: Any) -> list[int]:
        return [int(one.subject[-1]) for one in query]

    assert subjects(calendar.all().order_by("start")) == [0, 1, 2, 3, 4]
    assert subjects(calendar.all().order_by("-start")[1:3]) == [3, 2]
    assert subjects(calendar.filter(start__gte=TOMORROW + timedelta(hours=3)).order_by("start")) == [3, 4]
    assert subjects(calendar.filter(subject="Meeting 2").only("subject")) == [2]
    assert subjects(calendar.filter(Q(subject__icontains="MEETING 1") | Q(subject__startswith="Meeting 4"))) == [4, 1]
    assert subjects(calendar.filter(~Q(subject__contains="g 1"), start__lt=TOMORROW + timedelta(hours=3))) == [2, 0]
    assert not list(calendar.filter(location__exists=True))
    assert calendar.filter(sensitivity="Private").count() == 5
    calendar.all().page_size = 2
    assert len(list(SingleFolderQuerySet(account=calendar.account, folder=calendar.root).all())) > 5
    small = calendar.all().order_by("start")
    small.page_size = 2
    assert subjects(small) == [0, 1, 2, 3, 4]


def test_an_update_reaches_the_attendees(field: Field) -> None:
    booked = field.book()
    bob = field.account(BOB)
    only(bob.inbox.all()).accept()
    booked.refresh()
    assert only(booked.required_attendees).response_type == "Accept"
    old_key = booked.changekey
    booked.subject, booked.start = "Budget again", TOMORROW - timedelta(hours=1)
    booked.save(update_fields=["subject", "start"], send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    assert booked.changekey != old_key
    request = only(bob.inbox.all())
    assert (request.meeting_request_type, request.subject) == ("FullUpdate", "Budget again")
    item = only(bob.calendar.all())
    assert (item.subject, item.start, item.my_response_type) == (
        "Budget again",
        TOMORROW - timedelta(hours=1),
        "NoResponseReceived",
    )
    assert only(field.account(ALICE).calendar.all()).appointment_sequence_number == 1
    booked.refresh()
    assert only(booked.required_attendees).response_type == "Unknown"


def test_a_whole_item_can_be_saved_again(field: Field) -> None:
    booked = field.book()
    booked.refresh()
    booked.location = "Oslo"
    booked.save()
    assert only(field.account(ALICE).calendar.all()).location == "Oslo"
    assert only(field.account(BOB).calendar.all()).location is None


def test_a_removed_attendee_gets_a_cancellation(field: Field) -> None:
    booked = field.book()
    booked.required_attendees = [CAROL]
    booked.save(update_fields=["required_attendees"], send_meeting_invitations=SEND_ONLY_TO_ALL)
    gone = only(field.account(BOB).inbox.filter(item_class="IPM.Schedule.Meeting.Canceled"))
    assert isinstance(gone, MeetingCancellation)
    assert only(field.account(BOB).calendar.all()).is_cancelled
    assert only(field.account(CAROL).inbox.all()).meeting_request_type == "NewMeetingRequest"


def test_a_stale_version_is_a_conflict(field: Field) -> None:
    booked = field.book()
    stale = field.account(ALICE).calendar.get(id=booked.id)
    booked.subject = "First"
    booked.save(update_fields=["subject"])
    stale.subject = "Second"
    with pytest.raises(errors.ErrorIrresolvableConflict):
        stale.save(update_fields=["subject"], conflict_resolution="NeverOverwrite")
    stale.save(update_fields=["subject"], conflict_resolution="AlwaysOverwrite")
    assert only(field.account(ALICE).calendar.all()).subject == "Second"


def test_deleting_cancels(field: Field) -> None:
    booked = field.book()
    gone = booked.id
    booked.delete(send_meeting_cancellations=SEND_TO_ALL_AND_SAVE_COPY)
    assert not list(field.account(ALICE).calendar.all())
    item = only(field.account(BOB).calendar.all())
    assert (item.is_cancelled, item.legacy_free_busy_status, item.subject) == (True, "Free", "Canceled: Budget")
    waiting = list(field.account(VMR).inbox.all())  # with None, nobody tidies up
    assert {type(one) for one in waiting} == {MeetingRequest, MeetingCancellation}
    with pytest.raises(errors.ErrorItemNotFound):
        booked.account.calendar.get(id=gone)
    with pytest.raises(errors.ErrorInvalidIdMalformed):
        booked.account.calendar.get(id="AAMkAAAA")


def test_cancelling_moves_the_meeting_to_deleted_items(field: Field) -> None:
    field.book().cancel(new_body="Sorry")
    alice = field.account(ALICE)
    assert not list(alice.calendar.all())
    assert only(alice.trash.all()).is_cancelled
    assert only(field.account(BOB).inbox.filter(subject__startswith="Canceled")).body.strip() == "Sorry"


def test_trash_and_soft_deletion_and_moving(field: Field) -> None:
    booked = field.book(required_attendees=[], resources=[])
    first = booked.id
    booked.move(booked.account.trash)
    assert booked.id != first
    booked.soft_delete()
    assert not list(booked.account.trash.all())
    field.book(required_attendees=[], resources=[]).move_to_trash()
    assert only(booked.account.trash.all()).subject == "Budget"


def test_mail_and_drafts(field: Field) -> None:
    alice = field.account(ALICE)
    Message(account=alice, subject="Hi", body="There", to_recipients=[BOB, "x@elsewhere.example"]).send()
    mail = only(field.account(BOB).inbox.all())
    assert (mail.subject, mail.author.email_address, mail.is_read) == ("Hi", ALICE, False)
    assert only(alice.sent.all()).subject == "Hi"
    draft = Message(account=alice, folder=alice.drafts, subject="Later", to_recipients=["vmr-users@contoso.com"]).save()
    draft.send()
    assert not list(alice.drafts.all())
    assert len(list(field.account(BOB).inbox.all())) == 2
    assert field.account(BOB).inbox.filter(subject="Later").exists()


def test_properties_of_a_clients_own(field: Field) -> None:
    class Alias(ExtendedProperty):
        property_set_id = "00020329-0000-0000-c000-000000000046"
        property_name = "VmrAlias"
        property_type = "String"

    CalendarItem.register("vmr_alias", Alias)
    try:
        field.book(vmr_alias="meet.42")
        calendar = field.account(ALICE).calendar
        assert only(calendar.all()).vmr_alias == "meet.42"
        assert only(calendar.filter(vmr_alias="meet.42")).subject == "Budget"
    finally:
        CalendarItem.deregister("vmr_alias")


def test_the_folder_tree(field: Field) -> None:
    box = box_of(field.tenant, BOB)
    field.tenant.store.update("mailbox", box["Guid"], _folderNames={"calendar": "Kalender"})
    bob = field.account(BOB)
    assert isinstance(bob.calendar, Calendar)
    assert bob.calendar.name == "Kalender"
    assert bob.root / "Top of Information Store" / "Kalender" == bob.calendar
    assert {"Inbox", "Sent Items"} <= {one.name for one in bob.msg_folder_root.children}
    assert "inbox" in bob.root.tree().lower()


def test_a_mailbox_out_of_scope_is_refused(field: Field) -> None:
    assign(field.tenant, EWS_APPLICATION_ROLE, "sp", f"PrimarySmtpAddress -eq '{VMR}'")
    token = app_token(field.tenant)
    assert not list(field.account(VMR, token).calendar.all())
    with pytest.raises(errors.ErrorImpersonateUserDenied):
        list(field.account(ALICE, token).calendar.all())


def test_a_delegate_reads_the_equipments_calendar_with_full_access(field: Field) -> None:
    processing(field.tenant, AutomateProcessing="AutoAccept")
    field.book()
    token = user_token(field.tenant, CAROL)
    with pytest.raises(errors.ErrorAccessDenied):
        list(field.account(VMR, token, DELEGATE).calendar.all())
    full_access(field.tenant, VMR, CAROL)
    assert only(field.account(VMR, token, DELEGATE).calendar.all()).subject == "Alice Anker"
    carol = field.account(CAROL, token, DELEGATE)
    shared = Calendar(
        root=carol.root, _distinguished_id=DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=VMR))
    )
    assert SingleFolderQuerySet(account=carol, folder=shared).resolve().total_count == 1


def test_the_service_account_impersonates_by_role(field: Field) -> None:
    assign(field.tenant, IMPERSONATION_ROLE, user_id(field.tenant, CAROL), "Alias -eq 'alice'")
    token = user_token(field.tenant, CAROL)
    assert not list(field.account(ALICE, token).calendar.all())
    with pytest.raises(errors.ErrorImpersonateUserDenied):
        list(field.account(BOB, token).calendar.all())


def test_the_version_is_guessed_from_an_answer(field: Field) -> None:
    alice = field.account(ALICE, version=None)
    assert alice.version.build == Build(15, 20, 9115, 20)
    with pytest.raises(errors.TransportError, match="ErrorNonExistentMailbox"):
        _rest = field.account("nobody@contoso.com", version=None, retry_policy=FaultTolerance(max_wait=1)).version


def test_refusals_before_soap_reach_the_client(field: Field) -> None:
    with pytest.raises(errors.UnauthorizedError):
        list(field.account(ALICE, "x.y.z").calendar.all())
    with pytest.raises(errors.MalformedResponseError, match="not enough scope"):
        list(field.account(ALICE, app_token(field.tenant, "Mail.Read")).calendar.all())


def test_names_are_resolved(field: Field) -> None:
    protocol = field.account(ALICE).protocol
    assert only(protocol.resolve_names(["bob@contoso.com"])).email_address == BOB
    assert isinstance(only(protocol.resolve_names(["nobody"])), errors.ErrorNameResolutionNoResults)


def test_items_of_another_interface_are_read_too(field: Field) -> None:
    """What Graph or a scheduler puts into the store with fewer members than EWS writes."""
    box = box_of(field.tenant, ALICE)
    with field.tenant.store.transaction():
        new_item(field.tenant, box, "inbox", "Message", Subject="From elsewhere")
    assert only(field.account(ALICE).inbox.all()).subject == "From elsewhere"


def test_an_attendee_may_be_given_with_a_name(field: Field) -> None:
    field.book(required_attendees=[Attendee(mailbox=Mailbox(name="Bobby", email_address=BOB.upper()))])
    own = only(field.account(ALICE).calendar.all())
    assert only(own.required_attendees).mailbox.name == "Bobby"
    assert only(own.resources).mailbox.name == "VMR Equipment"
    assert only(field.account(BOB).calendar.all()).display_to == "Bobby"
