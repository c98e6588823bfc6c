# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series of meetings, and files attached to items, as exchangelib makes and reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from exchangelib import CalendarItem, FileAttachment, errors
from exchangelib.items import SEND_TO_ALL_AND_SAVE_COPY
from exchangelib.recurrence import (
    AbsoluteMonthlyPattern,
    AbsoluteYearlyPattern,
    DailyPattern,
    Recurrence,
    RelativeMonthlyPattern,
    RelativeYearlyPattern,
)
from simulator.tenant import Tenant
from unit.simulator.ews_client import ALICE, BOB, CAROL, VMR, Field, only, processing, running, stage, user_token

FIRST = datetime(2027, 1, 31, 9, tzinfo=timezone.utc)


@pytest.fixture
def tenant(tmp_path: Path) -> Tenant:
    return stage(tmp_path)


@pytest.fixture
def field(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    with running(tenant, monkeypatch) as field:
        yield field


def series(field: Field, pattern: Any, number: int = 4, **fields: Any) -> CalendarItem:
    recurrence = Recurrence(pattern=pattern, start=FIRST.date(), number=number)
    times = {"start": FIRST, "end": FIRST + timedelta(hours=1), "recurrence": recurrence}
    return field.book(**{**times, "required_attendees": [], "resources": [], "sensitivity": "Normal", **fields})


def view(field: Field, years: int = 2, owner: str = ALICE) -> list[CalendarItem]:
    found: list[CalendarItem] = []
    for year in range(years):  # a view may be two years long at most
        start = FIRST.replace(month=1, day=1) + timedelta(days=365 * year)
        found += field.account(owner).calendar.view(start=start, end=start + timedelta(days=365))
    return found


@pytest.mark.parametrize(
    ("pattern", "days"),
    [
        (AbsoluteMonthlyPattern(interval=1, day_of_month=31), ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]),
        (AbsoluteMonthlyPattern(interval=3, day_of_month=5), ["2027-04-05", "2027-07-05", "2027-10-05", "2028-01-05"]),
        (
            RelativeMonthlyPattern(interval=1, weekday="Monday", week_number="Second"),
            ["2027-02-08", "2027-03-08", "2027-04-12", "2027-05-10"],
        ),
        (
            RelativeMonthlyPattern(interval=2, weekday="Weekday", week_number="Last"),
            ["2027-03-31", "2027-05-31", "2027-07-30", "2027-09-30"],
        ),
    ],
)
def test_monthly_series(field: Field, pattern: Any, days: list[str]) -> None:
    series(field, pattern)
    assert [item.start.date().isoformat() for item in view(field)] == days


@pytest.mark.parametrize(
    ("pattern", "days"),
    [
        (AbsoluteYearlyPattern(day_of_month=29, month=2), ["2027-02-28", "2028-02-29", "2029-02-28"]),
        (
            RelativeYearlyPattern(weekday="WeekendDay", week_number="First", month=1),
            ["2028-01-01", "2029-01-06"],
        ),
    ],
)
def test_yearly_series(field: Field, pattern: Any, days: list[str]) -> None:
    series(field, pattern, number=20)
    assert [item.start.date().isoformat() for item in view(field, years=3)] == days


def test_a_series_says_what_became_of_its_occurrences(field: Field) -> None:
    made = series(field, DailyPattern(interval=1))
    second, third = view(field)[1:3]
    second.subject, second.start = "Later", second.start + timedelta(hours=5)
    second.end = second.start + timedelta(hours=2)
    second.save(update_fields=["subject", "start", "end"])
    third.delete()
    shown = view(field)
    assert [(one.subject, one.type) for one in shown] == [
        ("Budget", "Occurrence"),
        ("Later", "Exception"),
        ("Budget", "Occurrence"),
    ]
    assert (shown[1].start, shown[1].original_start) == (FIRST + timedelta(days=1, hours=5), FIRST + timedelta(days=1))
    master = field.account(ALICE).calendar.get(id=made.id)
    assert (master.first_occurrence.start, master.last_occurrence.start) == (FIRST, FIRST + timedelta(days=3))
    assert [one.start for one in master.modified_occurrences] == [FIRST + timedelta(days=1, hours=5)]
    assert [one.start for one in master.deleted_occurrences] == [FIRST + timedelta(days=2)]
    assert shown[0].recurring_master().refresh().subject == "Budget"
    shown[1].end = shown[1].start - timedelta(hours=1)
    with pytest.raises(errors.ErrorCalendarEndDateIsEarlierThanStartDate):
        field.account(ALICE).bulk_update([(shown[1], ["end"])])


def test_a_resource_answers_a_monthly_series_as_one(field: Field) -> None:
    processing(field.tenant, AutomateProcessing="AutoAccept", BookingWindowInDays=1080)
    start = datetime.now(timezone.utc).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=3)
    recurrence = Recurrence(
        pattern=AbsoluteMonthlyPattern(interval=1, day_of_month=start.day), start=start.date(), number=3
    )
    field.book(start=start, end=start + timedelta(hours=1), recurrence=recurrence, required_attendees=[])
    master = only(field.account(VMR).calendar.all())
    assert (master.type, master.recurrence.boundary.number, master.my_response_type) == ("RecurringMaster", 3, "Accept")


def test_an_endless_series_has_no_last_occurrence(field: Field) -> None:
    made = series(field, DailyPattern(interval=1), number=2)
    made.recurrence = Recurrence(pattern=DailyPattern(interval=7), start=date(2027, 1, 31))
    made.save(update_fields=["recurrence"])
    master = field.account(ALICE).calendar.get(id=made.id)
    assert (master.first_occurrence.start, master.last_occurrence) == (FIRST, None)


# --- attachments ------------------------------------------------------------------------------------------------------


def test_a_file_is_attached_read_and_removed(field: Field) -> None:
    made = field.book(required_attendees=[], resources=[])
    made.attach(FileAttachment(name="agenda.txt", content=b"One, two", content_type="text/plain"))
    made.attach(FileAttachment(name="logo.png", content=b"\x89PNG", is_inline=True, content_id="logo"))
    item = only(field.account(ALICE).calendar.all())
    assert item.has_attachments
    agenda, logo = item.attachments
    assert (agenda.name, agenda.content, agenda.content_type, agenda.size) == (
        "agenda.txt",
        b"One, two",
        "text/plain",
        9,
    )
    assert (logo.is_inline, logo.content_id, logo.content) == (True, "logo", b"\x89PNG")
    with agenda.fp as stream:
        assert stream.read() == b"One, two"
    gone = agenda.attachment_id
    item.detach(agenda)
    left = only(field.account(ALICE).calendar.all())
    assert [one.name for one in left.attachments] == ["logo.png"]
    assert not left.has_attachments, "an inline picture does not count"
    stale = FileAttachment(attachment_id=gone, parent_item=left, name="agenda.txt")
    with pytest.raises(errors.ErrorInvalidAttachmentId):
        _content = stale.content


def test_attachments_travel_with_an_update_and_stay_out_of_the_equipments_calendar(field: Field) -> None:
    processing(field.tenant, AutomateProcessing="AutoAccept")
    made = field.book()
    made.attach(FileAttachment(name="agenda.txt", content=b"One"))
    made.location = "Oslo"
    made.save(update_fields=["location"], send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    request = only(field.account(BOB).inbox.filter(item_class="IPM.Schedule.Meeting.Request"))
    assert only(request.attachments).content == b"One"
    assert only(only(field.account(BOB).calendar.all()).attachments).name == "agenda.txt"
    assert only(field.account(VMR).calendar.all()).attachments == []


def test_attachments_follow_the_rights_on_the_item(field: Field) -> None:
    made = field.book(required_attendees=[], resources=[])
    made.attach(FileAttachment(name="secret.txt", content=b"Figures"))
    account = field.account(CAROL, user_token(field.tenant, CAROL), "delegate")
    theirs = FileAttachment(attachment_id=only(made.attachments).attachment_id, name="secret.txt")
    theirs.parent_item = CalendarItem(account=account)
    with pytest.raises(errors.ErrorAccessDenied):
        _content = theirs.content
