# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Graph's calendars: EWS's items as events, periods and time zones, changes that travel, and who may open a mailbox."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from simulator import meetings_calendar
from simulator.ews_store import items_in
from simulator.store import Document
from simulator.tenant import new_id
from unit.simulator.graph_client import Microsoft

ALICE, BOB = "/users/alice@contoso.com", "/users/bob@contoso.com"
PERIOD = "startDateTime=2026-12-01T00:00:00Z&endDateTime=2026-12-31T00:00:00Z"
DENIED = "Access is denied. Check credentials and try again."


@pytest.fixture
def graph(tmp_path: Path) -> Microsoft:
    return Microsoft(tmp_path / "tenant")


def mailbox(graph: Microsoft, name: str) -> Document:
    found = graph.tenant.mailbox_by_address(f"{name}@contoso.com")
    assert found
    return found


def by_ews(graph: Microsoft, **fields: object) -> Document:
    """An appointment in Alice's calendar as EWS's CreateItem makes it."""
    given = {"Subject": "Made by EWS", "Start": "2026-12-07T09:00:00Z", "End": "2026-12-07T10:00:00Z", **fields}
    return meetings_calendar.enter(graph.tenant, mailbox(graph, "alice"), given, by="Alice", send=True, copy=False)


def meeting(graph: Microsoft, owner: str = ALICE, **changes: object) -> Document:
    body = {
        "subject": "Weekly",
        "body": {"contentType": "html", "content": "<p>Join us</p>"},
        "start": {"dateTime": "2026-12-07T10:00:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2026-12-07T11:00:00", "timeZone": "W. Europe Standard Time"},
        "location": {"displayName": "Room 1"},
        "attendees": [{"emailAddress": {"address": "bob@contoso.com"}, "type": "required"}],
    }
    made: Document = graph.ok("POST", f"{owner}/events", {**body, **changes})
    return made


def subjects(answer: Document) -> list[str]:
    return [one["subject"] for one in answer["value"]]


def test_the_calendar_is_the_one_that_ews_shows(graph: Microsoft) -> None:
    calendar = graph.ok("GET", f"{ALICE}/calendar")
    assert (calendar["name"], calendar["isDefaultCalendar"]) == ("Calendar", True)
    assert [one["id"] for one in graph.ok("GET", f"{ALICE}/calendars")["value"]] == [calendar["id"]]
    item = by_ews(graph, Body={"BodyType": "Text", "text": "1 < 2"})
    [event] = graph.ok("GET", f"{ALICE}/calendars/{calendar['id']}/events")["value"]
    assert event["id"] == item["ItemId"].replace("/", "-").replace("+", "_")
    assert (event["subject"], event["iCalUId"], event["isOrganizer"]) == ("Made by EWS", item["UID"], True)
    assert event["body"] == {"contentType": "html", "content": "<html><body>1 &lt; 2</body></html>"}
    assert event["bodyPreview"] == "1 < 2"
    text = graph.ok("GET", f"{ALICE}/events/{event['id']}", Prefer='outlook.body-content-type="text"')
    assert text["body"] == {"contentType": "text", "content": "1 < 2"}
    graph.refused(404, "ErrorItemNotFound", "GET", f"{BOB}/events/{event['id']}")
    graph.refused(400, "ErrorInvalidIdMalformed", "GET", f"{ALICE}/events/nonsense")
    made = meeting(graph, attendees=[])
    uids = [one["UID"] for one in items_in(graph.tenant, mailbox(graph, "alice")["Guid"], "calendar")]
    assert uids == [item["UID"], made["iCalUId"]]


def test_a_mailbox_has_to_be_there(graph: Microsoft) -> None:
    for path in ("calendar", "events", f"calendarView?{PERIOD}", "mailboxSettings"):
        graph.refused(404, "MailboxNotEnabledForRESTAPI", "GET", f"/users/dave@contoso.com/{path}")


@pytest.mark.parametrize(
    ("prefer", "start", "zone"),
    [
        ("", "2026-12-07T09:00:00.0000000", "UTC"),
        ("W. Europe Standard Time", "2026-12-07T10:00:00.0000000", "W. Europe Standard Time"),
        ("Asia/Kolkata", "2026-12-07T14:30:00.0000000", "Asia/Kolkata"),
    ],
)
def test_times_come_in_the_preferred_zone(graph: Microsoft, prefer: str, start: str, zone: str) -> None:
    meeting(graph)
    headers = {"Prefer": f'outlook.timezone="{prefer}"'} if prefer else {}
    answer = graph.call("GET", f"{ALICE}/calendarView?{PERIOD}", **headers)
    [event] = answer.json()["value"]
    assert event["start"] == {"dateTime": start, "timeZone": zone}
    assert event["originalStartTimeZone"] == "W. Europe Standard Time"
    assert answer.headers["Preference-Applied"] == f'outlook.timezone="{zone}"'


def test_periods(graph: Microsoft) -> None:
    recurrence = {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
        "range": {"type": "numbered", "startDate": "2026-12-07", "numberOfOccurrences": 5},
    }
    series = meeting(graph, recurrence=recurrence)
    assert series["type"] == "seriesMaster"
    assert {**recurrence["pattern"], "index": "first"}.items() <= series["recurrence"]["pattern"].items()
    by_ews(graph)
    view = graph.ok("GET", f"{ALICE}/calendarView?{PERIOD}&$orderby=start/dateTime desc")["value"]
    assert [one["start"]["dateTime"][8:10] for one in view] == ["28", "21", "14", "07", "07"]
    assert {one["type"] for one in view} == {"occurrence", "singleInstance"}
    assert view[0]["seriesMasterId"] == series["id"]
    assert graph.ok("GET", f"{ALICE}/events/{view[0]['id']}")["start"] == view[0]["start"]
    assert len(graph.ok("GET", f"{ALICE}/events/{series['id']}/instances?{PERIOD}")["value"]) == 4
    graph.ok("DELETE", f"{ALICE}/events/{view[0]['id']}")
    assert len(graph.ok("GET", f"{ALICE}/calendarView?{PERIOD}")["value"]) == 4
    offset = quote("2026-12-07T10:30:00+02:00")
    late = graph.ok("GET", f"{ALICE}/calendarView?startDateTime={offset}&endDateTime=2026-12-08")["value"]
    assert len(late) == 2
    for query in ("", "?startDateTime=2026-12-01&endDateTime=soon", "?startDateTime=2026-12-02&endDateTime=2026-12-01"):
        graph.refused(400, "ErrorInvalidParameter", "GET", f"{ALICE}/calendarView{query}")
    bad = graph.refused(
        400, "TimeZoneNotSupportedException", "GET", f"{ALICE}/events", Prefer='outlook.timezone="Mars/Dome"'
    )
    assert "'Mars/Dome'" in bad


def test_events_are_queried_and_paged_as_exchange_does(graph: Microsoft) -> None:
    for number in range(12):
        by_ews(
            graph,
            Subject=f"Number {number:02}",
            Start=f"2026-12-{number + 1:02}T09:00:00Z",
            End=f"2026-12-{number + 1:02}T09:30:00Z",
        )
    first = graph.ok("GET", f"{ALICE}/events?$select=subject&$orderby=subject&$count=true")
    assert first["@odata.count"] == 12
    assert subjects(first) == [f"Number {number:02}" for number in range(10)]
    assert set(first["value"][0]) == {"@odata.etag", "id", "subject"}
    assert "$skip=10" in first["@odata.nextLink"]
    rest = graph.ok("GET", first["@odata.nextLink"].partition("/v1.0")[2])
    assert subjects(rest) == ["Number 10", "Number 11"]
    assert "@odata.nextLink" not in rest
    view = graph.ok("GET", f"{ALICE}/calendarView?{PERIOD}&$top=5")
    again = graph.ok("GET", view["@odata.nextLink"].partition("/v1.0")[2])
    assert subjects(again) == [f"Number {number:02}" for number in range(5, 10)]
    late = quote("start/dateTime ge '2026-12-10T00:00:00' and contains(subject,'number')")
    assert len(graph.ok("GET", f"{ALICE}/events?$filter={late}")["value"]) == 3
    assert graph.call("GET", f"{ALICE}/events/$count").text == "12"


def test_a_meeting_travels(graph: Microsoft) -> None:
    made = meeting(graph)
    [invited] = graph.ok("GET", f"{BOB}/events")["value"]
    assert (invited["iCalUId"], invited["isOrganizer"], invited["showAs"]) == (made["iCalUId"], False, "tentative")
    assert invited["responseStatus"]["response"] == "notResponded"
    answer = graph.call("POST", f"{BOB}/events/{invited['id']}/accept", {"comment": "Yes", "sendResponse": True})
    assert (answer.status_code, answer.content) == (202, b"")
    tracked = graph.ok("GET", f"{ALICE}/events/{made['id']}")
    assert tracked["attendees"][0]["status"]["response"] == "accepted"
    body = {"subject": "Moved", "start": {"dateTime": "2026-12-08T10:00:00", "timeZone": "UTC"}}
    old = {"If-Match": made["@odata.etag"]}
    graph.refused(412, "ErrorIrresolvableConflict", "PATCH", f"{ALICE}/events/{made['id']}", body, **old)
    body["end"] = {"dateTime": "2026-12-08T11:00:00", "timeZone": "UTC"}
    newest = {"If-Match": tracked["@odata.etag"]}
    assert graph.ok("PATCH", f"{ALICE}/events/{made['id']}", body, **newest)["subject"] == "Moved"
    assert subjects(graph.ok("GET", f"{BOB}/events")) == ["Moved"]
    assert graph.refused(400, "ErrorCalendarIsNotOrganizer", "POST", f"{BOB}/events/{invited['id']}/cancel", {})
    assert graph.call("DELETE", f"{ALICE}/events/{made['id']}").status_code == 204
    assert graph.ok("GET", f"{ALICE}/events")["value"] == []
    assert [one["isCancelled"] for one in graph.ok("GET", f"{BOB}/events")["value"]] == [True]


def test_wrong_events(graph: Microsoft) -> None:
    at = {"dateTime": "2026-12-07T10:00:00", "timeZone": "UTC"}
    for body, code in (
        ({"subject": "x"}, "ErrorPropertyValidationFailure"),
        ({"start": at, "end": {**at, "dateTime": "then"}}, "ErrorPropertyValidationFailure"),
        ({"start": at, "end": {**at, "dateTime": "2026-12-06T10:00:00"}}, "ErrorCalendarEndDateIsEarlierThanStartDate"),
        ({"start": at, "end": {**at, "timeZone": "Nowhere"}}, "TimeZoneNotSupportedException"),
        ({"start": at, "end": at, "subjekt": "x"}, "Request_BadRequest"),
    ):
        graph.refused(400, code, "POST", f"{ALICE}/events", body)


def scoped(graph: Microsoft, client: dict[str, str], role: str, recipient_filter: str) -> None:
    """A role of RBAC for Applications over the mailboxes that pass a filter, as Exchange keeps it."""
    store = graph.tenant.store
    principal = graph.tenant.service_principal(client["client_id"]) or {}
    document = {"ObjectId": principal["id"], "AppId": client["client_id"]}
    store.put("exchangeServicePrincipal", principal["id"], document)
    store.put("managementScope", "scope", {"Name": "scope", "RecipientFilter": recipient_filter})
    assignment = {
        "Guid": new_id(),
        "Enabled": True,
        "Role": role,
        "RoleAssignee": principal["id"],
        "RecipientWriteScope": "CustomRecipientScope",
        "CustomResourceScope": "scope",
    }
    store.put("managementRoleAssignment", assignment["Guid"], assignment)


def test_a_scoped_role_opens_the_mailboxes_in_scope(graph: Microsoft) -> None:
    by_ews(graph)
    client = graph.client()
    scoped(graph, client, "Application Calendars.Read", "Alias -eq 'alice'")
    bearer = graph.token(**client).json()["access_token"]
    assert subjects(graph.ok("GET", f"{ALICE}/calendarView?{PERIOD}", bearer=bearer)) == ["Made by EWS"]
    assert graph.refused(403, "ErrorAccessDenied", "GET", f"{BOB}/events", bearer=bearer) == DENIED
    graph.refused(403, "ErrorAccessDenied", "POST", f"{ALICE}/events", {"subject": "x"}, bearer=bearer)
    graph.refused(403, "ErrorAccessDenied", "GET", f"{ALICE}/mailboxSettings", bearer=bearer)


def test_basic_permission_hides_the_body(graph: Microsoft) -> None:
    meeting(graph)
    bearer = graph.bearer_of("Calendars.ReadBasic.All")
    [event] = graph.ok("GET", f"{ALICE}/events", bearer=bearer)["value"]
    assert event["subject"] == "Weekly"
    assert not {"body", "bodyPreview"} & set(event)


def test_people_open_their_own_calendar_and_shared_ones(graph: Microsoft) -> None:
    meeting(graph)
    bob = graph.ok("GET", BOB)
    _rest, own = graph.public_client("Calendars.ReadWrite")
    _rest, shared = graph.public_client("Calendars.Read Calendars.Read.Shared")

    def bearer(client: Document, scope: str) -> str:
        claims = {"appid": client["appId"], "oid": bob["id"], "upn": "bob@contoso.com", "scp": scope}
        return graph.tenant.tokens.issue("https://graph.microsoft.com", claims)

    token = bearer(own, "Calendars.ReadWrite")
    assert subjects(graph.ok("GET", "/me/events", bearer=token)) == ["Weekly"]
    assert graph.refused(403, "ErrorAccessDenied", "GET", f"{ALICE}/events", bearer=token) == DENIED
    token = bearer(shared, "Calendars.Read Calendars.Read.Shared")
    graph.refused(403, "ErrorAccessDenied", "GET", f"{ALICE}/events", bearer=token)
    box = mailbox(graph, "alice")
    entry = {
        "mailbox": box["Guid"],
        "folder": "calendar",
        "user": bob["id"],
        "AccessRights": ["Reviewer"],
        "SharingPermissionFlags": [],
    }
    graph.tenant.store.put("folderPermission", f"{box['Guid']}/calendar/{bob['id']}", entry)
    assert subjects(graph.ok("GET", f"{ALICE}/events", bearer=token)) == ["Weekly"]


def test_settings_are_those_that_exchange_shows(graph: Microsoft) -> None:
    changed = graph.ok(
        "PATCH", f"{ALICE}/mailboxSettings", {"timeZone": "Tokyo Standard Time", "language": {"locale": "ja-JP"}}
    )
    assert (changed["timeZone"], changed["language"]["locale"]) == ("Tokyo Standard Time", "ja-JP")
    kept = mailbox(graph, "alice")["_regionalConfiguration"]
    assert (kept["TimeZone"], kept["Language"]) == ("Tokyo Standard Time", "ja-JP")
    assert graph.ok("GET", f"{ALICE}/mailboxSettings")["timeZone"] == "Tokyo Standard Time"
