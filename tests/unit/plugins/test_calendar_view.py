# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a calendar, and how the answers of both services become the same words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources.calendar_view import CalendarView
from ansible_collections.vmrops.o365.plugins.module_utils._services.calendars import Calendars
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import (
    Denied,
    MissingLibrary,
    NotFound,
    ServiceError,
    Unreachable,
)
from exchangelib import EWSDate, EWSDateTime, EWSTimeZone, errors

NOON = datetime(2026, 3, 28, 11, 0, tzinfo=timezone.utc)
OPTIONS: dict[str, Any] = {
    "mailbox": "vmr@contoso.com",
    "start": None,
    "end": None,
    "time_zone": "Europe/Oslo",
    "backend": "auto",
}


def view(**options: Any) -> CalendarView:
    """The report for these options on top of the defaults."""
    return CalendarView({**OPTIONS, **options}, NOON.timestamp())


def test_the_default_is_a_week_from_midnight_also_over_a_change_of_clocks() -> None:
    asked = view()
    assert asked.start.isoformat() == "2026-03-28T00:00:00+01:00"
    assert asked.end.isoformat() == "2026-04-04T00:00:00+02:00"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01", "2026-12-01T00:00:00+01:00"),
        ("2026-07-01T09:30", "2026-07-01T09:30:00+02:00"),
        ("2026-12-01T09:00:00Z", "2026-12-01T09:00:00+00:00"),
        ("2026-12-01T09:00:00-05:00", "2026-12-01T09:00:00-05:00"),
    ],
)
def test_a_time_without_an_offset_is_the_zone_s(text: str, moment: str) -> None:
    assert view(start=text).start.isoformat() == moment


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("start", {"start": "tomorrow"}),
        ("end", {"start": "2026-12-02", "end": "2026-12-02"}),
        ("end", {"start": "2026-12-02", "end": "2029-01-01"}),
        ("time_zone", {"time_zone": "Oslo"}),
        ("time_zone", {"time_zone": "../../etc/passwd"}),
    ],
)
def test_what_cannot_be_asked_is_refused(option: str, wrong: Mapping[str, Any]) -> None:
    with pytest.raises(Refused, match=f"^{option}: "):
        view(**wrong)


def test_events_are_sorted_and_in_the_zone_asked_for() -> None:
    late, early = ({"subject": str(hour), "start": NOON.replace(hour=hour), "end": NOON} for hour in (9, 8))
    calendars = SimpleNamespace(view=lambda *asked: ("ews", [late, early], ["x"]))
    found = view().report(SimpleNamespace(calendars=calendars))  # type: ignore[arg-type]
    assert [one["start"] for one in found["events"]] == ["2026-03-28T09:00:00+01:00", "2026-03-28T10:00:00+01:00"]
    assert (found["backend"], found["warnings"]) == ("ews", ["x"])


# --- the services -----------------------------------------------------------------------------------------------------

OSLO = EWSTimeZone("Europe/Oslo")
ITEM = SimpleNamespace(
    uid="040000",
    subject="Quarterly figures",
    organizer=SimpleNamespace(name="Alice", email_address="alice@contoso.com"),
    start=EWSDateTime(2026, 12, 1, 9, tzinfo=OSLO),
    end=EWSDateTime(2026, 12, 1, 10, tzinfo=OSLO),
    _start_timezone=OSLO,
    is_all_day=False,
    location="Fjord",
    required_attendees=[
        SimpleNamespace(mailbox=SimpleNamespace(name="Bob", email_address="bob@contoso.com"), response_type="Tentative")
    ],
    optional_attendees=None,
    resources=[
        SimpleNamespace(mailbox=SimpleNamespace(name="VMR", email_address="vmr@contoso.com"), response_type="Accept")
    ],
    sensitivity="Private",
    legacy_free_busy_status="OOF",
    is_cancelled=False,
    type="Occurrence",
)
EVENT = {
    "iCalUId": "040000",
    "subject": "Quarterly figures",
    "organizer": {"emailAddress": {"name": "Alice", "address": "alice@contoso.com"}},
    "start": {"dateTime": "2026-12-01T08:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-12-01T09:00:00.0000000", "timeZone": "UTC"},
    "originalStartTimeZone": "Europe/Oslo",
    "isAllDay": False,
    "location": {"displayName": "Fjord"},
    "attendees": [
        {
            "emailAddress": {"name": "Bob", "address": "bob@contoso.com"},
            "type": "required",
            "status": {"response": "tentativelyAccepted"},
        },
        {
            "emailAddress": {"name": "VMR", "address": "vmr@contoso.com"},
            "type": "resource",
            "status": {"response": "accepted"},
        },
    ],
    "sensitivity": "private",
    "showAs": "oof",
    "isCancelled": False,
    "type": "occurrence",
}


class Folder:
    """A calendar that answers each window with what it was given, an error or items."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[tuple[Any, Any]]()

    def view(self, start: Any, end: Any) -> Folder:
        self.asked.append((start, end))
        return self

    def only(self, *fields: str) -> list[Any]:
        if not self.answers:
            return []
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)


def calendars(folder: Folder, graph: Any = None, seconds: float = 5.0) -> Calendars:
    """The client over a folder, and over what Graph answers: events or an error."""

    def collect(url: str, tried: str, **query: str) -> Any:
        if isinstance(graph, Exception):
            raise graph
        return graph

    stand_in: Any = SimpleNamespace(collect=collect)
    return Calendars(lambda address: folder, stand_in, Deadline(seconds))


def read(backend: str, folder: Folder, graph: Any = None, days: int = 1, seconds: float = 5.0) -> Any:
    """What is read of the days from 1 December."""
    start = datetime(2026, 12, 1, tzinfo=timezone.utc)
    return calendars(folder, graph, seconds).view("vmr@contoso.com", start, start + timedelta(days=days), backend)


def test_both_services_end_in_the_same_words() -> None:
    _ews, through_ews, _warnings = read("ews", Folder([ITEM]))
    _graph, through_graph, _warnings = read("graph", Folder(), [EVENT])
    assert through_ews == through_graph
    assert through_ews[0]["attendees"][1] == {
        "name": "VMR",
        "address": "vmr@contoso.com",
        "type": "resource",
        "response": "accepted",
    }
    assert (through_ews[0]["show_as"], through_ews[0]["recurrence"]) == ("out_of_office", "occurrence")


def test_an_event_that_lasts_all_day_ends_at_the_midnight_after_in_its_own_zone() -> None:
    day = SimpleNamespace(
        **{**vars(ITEM), "start": EWSDate(2026, 12, 2), "end": EWSDate(2026, 12, 3), "is_all_day": True}
    )
    _backend, (event,), _warnings = read("ews", Folder([day]))
    assert event["start"].isoformat() == "2026-12-02T00:00:00+01:00"
    assert event["end"].isoformat() == "2026-12-04T00:00:00+01:00"


def test_a_long_time_is_asked_for_in_parts_and_nothing_is_shown_twice() -> None:
    folder = Folder([ITEM], [ITEM])
    _backend, events, _warnings = read("ews", folder, days=90)
    assert len(folder.asked) == 3
    assert folder.asked[0][1] == folder.asked[1][0]
    assert len(events) == 1


CLOSED = errors.MalformedResponseError(
    "Unknown failure in response. Code: 403 headers: {'x-ews-policy-reason': 'EWS is disabled for this user or tenant', "
    "'x': 'y'} content: "
)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (CLOSED, Denied, ("EWS is disabled for this user or tenant", "o365_ews_access")),
        (errors.ErrorImpersonateUserDenied("The account does not have permission"), Denied, ("o365_impersonation",)),
        (errors.ErrorAccessDenied("Access is denied."), Denied, ("o365_mailbox_delegate",)),
        (errors.ErrorItemNotFound("The specified object was not found."), Denied, ("o365_mailbox_delegate",)),
        (errors.UnauthorizedError("Invalid credentials"), Denied, ("401",)),
        (errors.ErrorNonExistentMailbox("no mailbox"), NotFound, ("primary address",)),
        (errors.ErrorInvalidOperation("what?"), ServiceError, ("ErrorInvalidOperation", "what?")),
    ],
)
def test_ews_errors_say_what_to_do(error: Exception, kind: type[Exception], words: tuple[str, ...]) -> None:
    with pytest.raises(kind) as caught:
        read("ews", Folder(error))
    assert not [word for word in words if word not in str(caught.value)], caught.value


def test_a_busy_server_is_asked_again_until_the_deadline() -> None:
    assert read("ews", Folder(errors.ErrorServerBusy("busy"), [ITEM]))[1]
    with pytest.raises(Unreachable):
        read("ews", Folder(*[errors.ErrorServerBusy("busy")] * 50), seconds=0.1)


@pytest.mark.parametrize("refusal", [CLOSED, MissingLibrary("exchangelib", "")])
def test_auto_asks_graph_where_ews_refuses(refusal: Exception) -> None:
    backend, events, warnings = read("auto", Folder(refusal), [EVENT])
    assert (backend, len(events)) == ("graph", 1)
    assert "EWS" in warnings[0]
    with pytest.raises((Denied, MissingLibrary)):
        read("ews", Folder(refusal), [EVENT])


def test_auto_tells_both_refusals_and_hides_no_other_failure() -> None:
    with pytest.raises(Denied, match=r"no right.*EWS is disabled"):
        read("auto", Folder(CLOSED), Denied("view the calendar", 403, text="no right"))
    with pytest.raises(NotFound):
        read("auto", Folder(errors.ErrorNonExistentMailbox("no mailbox")), [EVENT])


def test_an_event_without_a_time_is_an_error() -> None:
    with pytest.raises(ServiceError, match="no time"):
        read("graph", Folder(), [{**EVENT, "start": None}])
