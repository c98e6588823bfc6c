# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free and busy times over EWS, as exchangelib asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from exchangelib import EWSDateTime, EWSTimeZone, errors
from simulator.ews_time import Transition, standard_offset, transitions
from simulator.tenant import Tenant
from unit.simulator.ews_client import ALICE, BOB, CAROL, TOMORROW, Field, only, running, stage, user_token
from unit.simulator.exchange_client import Exchange


@pytest.fixture
def field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    with running(stage(tmp_path), monkeypatch) as field:
        yield field


def availability(field: Field, whom: str, zone: str = "UTC", **more: Any) -> Any:
    carol = field.account(CAROL, user_token(field.tenant, CAROL), "delegate")
    start = EWSDateTime.from_datetime(TOMORROW).astimezone(EWSTimeZone(zone))
    end = start + timedelta(hours=3)
    return only(carol.protocol.get_free_busy_info([(whom, "Required", False)], start, end, **more))


def everybody(tenant: Tenant, rights: str) -> None:
    exo = Exchange(tenant.directory, tenant=tenant)
    exo.run("Set-MailboxFolderPermission", Identity="alice:\\Calendar", User="Default", AccessRights=rights)


def test_colleagues_see_when_and_no_more(field: Field) -> None:
    field.book(location="Oslo")
    found = availability(field, ALICE)
    assert (found.view_type, found.merged) == ("FreeBusyMerged", "220000")
    event = only(found.calendar_events)
    assert (event.start, event.end, event.busy_type, event.details) == (
        TOMORROW,
        TOMORROW + timedelta(hours=1),
        "Busy",
        None,
    )
    assert availability(field, BOB, merged_free_busy_interval=60).merged == "100", "tentative until answered"


def test_more_rights_show_more(field: Field) -> None:
    field.book(location="Oslo", sensitivity="Normal", required_attendees=[], resources=[])
    everybody(field.tenant, "LimitedDetails")
    details = only(availability(field, ALICE).calendar_events).details
    assert (details.subject, details.location, details.is_private, details.is_meeting) == (
        "Budget",
        "Oslo",
        False,
        False,
    )


def test_private_times_keep_their_subject(field: Field) -> None:
    field.book(required_attendees=[], resources=[])
    everybody(field.tenant, "Reviewer")
    details = only(availability(field, ALICE).calendar_events).details
    assert (details.subject, details.is_private) == (None, True)


def test_who_may_see_nothing_and_who_is_not_there(field: Field) -> None:
    everybody(field.tenant, "None")
    with pytest.raises(errors.ErrorNoFreeBusyAccess):
        raise availability(field, ALICE)
    with pytest.raises(errors.ErrorMailRecipientNotFound):
        raise availability(field, "nobody@contoso.com")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Tokyo"])
def test_times_are_those_of_the_asked_zone(field: Field, zone: str) -> None:
    field.book(required_attendees=[], resources=[])
    assert only(availability(field, ALICE, zone).calendar_events).start == TOMORROW


def test_the_rules_of_a_zone() -> None:
    assert standard_offset("W. Europe Standard Time") == 60
    assert transitions("W. Europe Standard Time", 2026) == {
        "Daylight": Transition(120, 3, "Sunday", -1, 2),
        "Standard": Transition(60, 10, "Sunday", -1, 3),
    }
    assert transitions("Eastern Standard Time", 2026) == {
        "Daylight": Transition(-240, 3, "Sunday", 2, 2),
        "Standard": Transition(-300, 11, "Sunday", 1, 2),
    }
    assert transitions("Tokyo Standard Time", 2026) == {}
