# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the simulator's mailboxes treat meetings: calendar processing, responses, updates, cancellations."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from simulator import meetings, seed
from simulator.cmdlets.identity import legacy_dn
from simulator.ews_recurrence import occurrences
from simulator.ews_store import EwsError, items_in, new_item
from simulator.ews_time import written
from simulator.store import Document
from simulator.tenant import Tenant, new_id

ALICE, BOB, CAROL, VMR = (f"{name}@contoso.com" for name in ("alice", "bob", "carol", "vmr"))
TOMORROW = datetime.now(timezone.utc).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=1)
DAILY = (
    '<t:Recurrence xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><t:DailyRecurrence>'
    "<t:Interval>1</t:Interval></t:DailyRecurrence>{limit}</t:Recurrence>"
)
THRICE = DAILY.format(
    limit="<t:NumberedRecurrence><t:StartDate>2026-12-01</t:StartDate><t:NumberOfOccurrences>3</t:NumberOfOccurrences>"
    "</t:NumberedRecurrence>"
)
ENDLESS = DAILY.format(limit="<t:NoEndRecurrence><t:StartDate>2026-12-01</t:StartDate></t:NoEndRecurrence>")


class Office:
    """A tenant whose equipment books by itself."""

    def __init__(self, directory: Path) -> None:
        self.tenant = Tenant(directory)
        seed.plant(self.tenant, None)
        user = seed.user_document(new_id(), VMR, "VMR Equipment")
        self.tenant.store.put("user", user["id"], user)
        self.tenant.add_mailbox(user, "EquipmentMailbox", "vmr", VMR)

    def box(self, address: str) -> Document:
        found = self.tenant.mailbox_by_address(address)
        assert found is not None
        return found

    def set(self, **settings: Any) -> None:
        box = self.box(VMR)
        changed = {**box["_calendarProcessing"], **settings}
        self.tenant.store.update("mailbox", box["Guid"], _calendarProcessing=changed)

    def items(self, address: str, folder: str) -> list[Document]:
        return items_in(self.tenant, self.box(address)["Guid"], folder)

    def meeting(self, organizer: str = ALICE, start: datetime = TOMORROW, minutes: int = 60, **fields: Any) -> Document:
        item: Document = {
            "Subject": "Budget",
            "Start": written(start),
            "End": written(start + timedelta(minutes=minutes)),
            "LegacyFreeBusyStatus": "Busy",
            "UID": meetings.new_uid(),
            "Organizer": meetings.person(self.box(organizer)),
            "Resources": [{"Mailbox": {"Name": "VMR Equipment", "EmailAddress": VMR}}],
            **fields,
        }
        made = new_item(self.tenant, self.box(organizer), "calendar", "CalendarItem", **item)
        return meetings.invite(self.tenant, made, copy=False)

    def answer(self, meeting: Document) -> str:
        """What the equipment answered."""
        return str(meeting["Resources"][0].get("ResponseType", "Unknown"))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_free_resource_accepts(office: Office) -> None:
    assert office.answer(office.meeting()) == "Accept"
    (item,) = office.items(VMR, "calendar")
    assert item["Subject"] == "Alice Anker"
    assert [one["_kind"] for one in office.items(VMR, "deleteditems")] == ["MeetingRequest"]


def test_the_organizer_adds_nothing_when_the_subject_is_only_deleted(office: Office) -> None:
    office.set(AddOrganizerToSubject=False)
    office.meeting()
    assert office.items(VMR, "calendar")[0]["Subject"] == ""


@pytest.mark.parametrize(
    ("settings", "fields", "answer"),
    [
        ({}, {"minutes": 1441}, "Decline"),
        ({"MaximumDurationInMinutes": 0}, {"minutes": 5000}, "Accept"),
        ({}, {"start": TOMORROW + timedelta(days=200)}, "Decline"),
        ({"BookingWindowInDays": 300}, {"start": TOMORROW + timedelta(days=200)}, "Accept"),
        ({"BookingType": "Reserved"}, {}, "Decline"),
        ({}, {"Recurrence": THRICE}, "Accept"),
        ({"AllowRecurringMeetings": False}, {"Recurrence": THRICE}, "Decline"),
        ({}, {"Recurrence": ENDLESS}, "Decline"),
        ({"EnforceSchedulingHorizon": False}, {"Recurrence": ENDLESS}, "Accept"),
        ({"AllBookInPolicy": False}, {}, "Decline"),
        ({"AllBookInPolicy": False, "BookInPolicy": ["alice"]}, {}, "Accept"),
        ({"AllBookInPolicy": False, "BookInPolicy": ["vmr-users@contoso.com"]}, {}, "Accept"),
        ({"AllBookInPolicy": False, "BookInPolicy": [CAROL]}, {}, "Decline"),
        ({"AllBookInPolicy": False, "AllRequestInPolicy": True}, {}, "Tentative"),
        ({"AllRequestOutOfPolicy": True}, {"minutes": 1441}, "Tentative"),
    ],
)
def test_the_booking_policy(office: Office, settings: Document, fields: Document, answer: str) -> None:
    office.set(**settings)
    assert office.answer(office.meeting(**fields)) == answer


def test_the_booking_policy_knows_groups_as_the_cmdlet_stores_them(office: Office) -> None:
    group = office.tenant.fresh.first("group", lambda one: one["mail"] == "vmr-users@contoso.com")
    assert group is not None
    office.set(AllBookInPolicy=False, BookInPolicy=[legacy_dn(group)])
    assert office.answer(office.meeting()) == "Accept"
    assert office.answer(office.meeting(CAROL, TOMORROW + timedelta(days=1))) == "Decline"


def test_conflicts(office: Office) -> None:
    office.meeting()
    later = TOMORROW + timedelta(minutes=30)
    assert office.answer(office.meeting(BOB, later)) == "Decline"
    assert office.answer(office.meeting(BOB, TOMORROW + timedelta(hours=1))) == "Accept"
    office.set(AllowConflicts=True)
    assert office.answer(office.meeting(BOB, later)) == "Accept"


def test_some_conflicts_of_a_series_may_be_allowed(office: Office) -> None:
    office.meeting()
    assert office.answer(office.meeting(BOB, Recurrence=THRICE)) == "Decline"
    office.set(MaximumConflictInstances=1, ConflictPercentageAllowed=40)
    assert office.answer(office.meeting(BOB, Recurrence=THRICE)) == "Accept"


def test_the_calendar_attendant_alone_leaves_the_request_to_a_delegate(office: Office) -> None:
    office.set(AutomateProcessing="AutoUpdate")
    assert office.answer(office.meeting(Sensitivity="Private")) == "Unknown"
    (item,) = office.items(VMR, "calendar")
    assert (item["Subject"], item["Sensitivity"], item["LegacyFreeBusyStatus"]) == ("Budget", "Private", "Tentative")
    assert len(office.items(VMR, "inbox")) == 1
    office.set(AddNewRequestsTentatively=False)
    office.meeting(start=TOMORROW + timedelta(days=1))
    assert len(office.items(VMR, "calendar")) == 1


@pytest.mark.parametrize(
    ("mode", "remove", "left"), [("AutoAccept", False, 1), ("AutoAccept", True, 0), ("None", True, 0)]
)
def test_cancellations(office: Office, mode: str, remove: bool, left: int) -> None:
    office.set(AutomateProcessing=mode, RemoveCanceledMeetings=remove)
    meetings.cancel(office.tenant, office.meeting(), copy=False)
    found = office.items(VMR, "calendar")
    assert [item["LegacyFreeBusyStatus"] for item in found] == ["Free"] * left
    waiting = [one["_kind"] for one in office.items(VMR, "inbox")]
    assert waiting == (["MeetingRequest", "MeetingCancellation"] if mode == "None" else [])


def test_a_cancelled_meeting_leaves_room_for_another(office: Office) -> None:
    meetings.cancel(office.tenant, office.meeting(), copy=False)
    assert office.answer(office.meeting(BOB)) == "Accept"


def test_an_update_takes_the_place_of_the_older_request(office: Office) -> None:
    guest = [{"Mailbox": {"EmailAddress": BOB}}]
    meeting = office.meeting(RequiredAttendees=guest)
    meetings.invite(office.tenant, meeting, copy=False, update=True)
    assert [one["MeetingRequestType"] for one in office.items(BOB, "inbox")] == ["FullUpdate"]
    assert len(office.items(BOB, "calendar")) == 1


def test_groups_and_strangers(office: Office) -> None:
    guests = [
        {"Mailbox": {"EmailAddress": one}} for one in ("vmr-users@contoso.com", "x@elsewhere.example", "no@contoso.com")
    ]
    office.meeting(CAROL, RequiredAttendees=guests)
    assert len(office.items(ALICE, "inbox")) == len(office.items(BOB, "inbox")) == 1


def test_requests_from_outside_are_left_alone_unless_processed(office: Office) -> None:
    outside = {"Name": "Xavier", "EmailAddress": "x@elsewhere.example"}
    box = office.box(VMR)

    def arrive() -> None:
        fields = {"UID": meetings.new_uid(), "Start": written(TOMORROW), "End": written(TOMORROW), "Organizer": outside}
        meetings.process(
            office.tenant, office.box(VMR), new_item(office.tenant, box, "inbox", "MeetingRequest", **fields)
        )

    arrive()
    assert not office.items(VMR, "calendar")
    office.set(ProcessExternalMeetingMessages=True)
    arrive()
    assert office.items(VMR, "calendar")[0]["Subject"] == "Xavier"


def test_mail_to_a_booking_resource_is_deleted(office: Office) -> None:
    mail = {"Subject": "Hello", "ToRecipients": [{"EmailAddress": VMR}, {"EmailAddress": BOB}]}
    meetings.send_message(office.tenant, office.box(ALICE), mail)
    assert not office.items(VMR, "inbox")
    assert office.items(BOB, "inbox")[0]["Subject"] == "Hello"
    office.set(DeleteNonCalendarItems=False)
    meetings.send_message(office.tenant, office.box(ALICE), mail)
    assert len(office.items(VMR, "inbox")) == 1


def test_a_response_that_is_not_sent(office: Office) -> None:
    office.set(AutomateProcessing="None")
    office.meeting()
    (request,) = office.items(VMR, "inbox")
    left = meetings.respond(office.tenant, office.box(VMR), request, "Accept", send=False, copy=False)
    assert [one["_kind"] for one in left] == ["CalendarItem", "MeetingRequest"]
    assert not office.items(ALICE, "inbox")
    assert office.answer(office.items(ALICE, "calendar")[0]) == "Unknown"


def test_the_hours_of_a_series_are_local(office: Office) -> None:
    item = office.meeting(
        start=datetime(2026, 3, 28, 8, tzinfo=timezone.utc),
        StartTimeZone={"Id": "W. Europe Standard Time"},
        Recurrence=THRICE,
    )
    assert [start.hour for _rest, start, _rest in occurrences(item)] == [8, 7, 7]


def test_a_pattern_that_is_not_simulated_says_so(office: Office) -> None:
    of_a_task = THRICE.replace("DailyRecurrence", "DailyRegeneration")
    with pytest.raises(EwsError, match="does not implement DailyRegeneration"):
        office.meeting(Recurrence=of_a_task)
