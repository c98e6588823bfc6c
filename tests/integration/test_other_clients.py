# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools that others wrote, as they are, against the simulated Microsoft Graph, under Microsoft's own names.

What one of them writes is read by another, or by exchangelib: the same tenant, whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import exchangelib
import pytest
from O365 import Account
from O365.utils.token import MemoryTokenBackend
from office365.directory.applications.application import Application
from office365.directory.users.profile import UserProfile
from office365.graph_client import GraphClient
from office365.runtime.client_request_exception import ClientRequestException
from support.real_names import real_names

SEED = {"automation": {"exchange_roles": ["Exchange.ManageAsApp", "full_access_as_app"]}}
BEGIN, END = datetime(2026, 12, 1, tzinfo=timezone.utc), datetime(2026, 12, 31, tzinfo=timezone.utc)


@pytest.fixture
def endpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A tenant that these tools reach as they would reach Microsoft; its CA is one that the machine trusts."""
    with real_names(tmp_path, monkeypatch, SEED) as found:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", found["ca_path"])
        yield found


@pytest.fixture
def client(endpoints: dict[str, str]) -> GraphClient:
    """office365-rest-python-client, signed in with a secret."""
    signed_in = GraphClient(tenant=endpoints["tenant_id"])
    return signed_in.with_client_secret(endpoints["client_id"], endpoints["client_secret"])


@pytest.fixture
def account(endpoints: dict[str, str], tmp_path: Path) -> Account:
    """O365, signed in with a secret."""
    secret = (endpoints["client_id"], endpoints["client_secret"])
    made = Account(
        secret, auth_flow_type="credentials", tenant_id=endpoints["tenant_id"], token_backend=MemoryTokenBackend()
    )
    assert made.authenticate()
    return made


def user(client: GraphClient, name: str) -> Any:
    profile = UserProfile(f"{name}@contoso.com", mailNickname=name, displayName=name.capitalize(), accountEnabled=True)
    profile.passwordProfile.password = "Correct-horse-7"
    return client.users.add(profile).execute_query()


def test_an_administrator_keeps_users_and_groups(client: GraphClient, account: Account) -> None:
    erin = user(client, "erin")
    everybody = client.users.get_all(page_size=2).execute_query()
    assert len(everybody) == 5
    names = sorted(one.display_name for one in account.directory().get_users(limit=None, batch=2))
    assert names == sorted(one.properties["displayName"] for one in everybody)
    group = client.groups.create_security("Keepers", "Who books rooms").execute_query()
    group.members.add(erin).execute_query()
    group.owners.add(erin).execute_query()
    found = account.groups().get_group_by_id(group.id)
    assert (found.display_name, found.description) == ("Keepers", "Who books rooms")
    assert [one.display_name for one in found.get_group_members()] == ["Erin"]
    assert [one.display_name for one in found.get_group_owners()] == ["Erin"]
    erin.set_property("jobTitle", "Keeper").update().execute_query()
    assert account.directory().get_user("erin@contoso.com").job_title == "Keeper"
    erin.delete_object().execute_query()
    assert client.groups[group.id].members.get().execute_query().to_json() == []
    [gone] = client.directory.deleted_users.get().execute_query()
    assert gone.properties["displayName"] == "Erin"
    gone.restore().execute_query()
    assert len(client.groups[group.id].members.get().execute_query()) == 1


def test_an_administrator_registers_an_application(client: GraphClient, endpoints: dict[str, str]) -> None:
    application: Application = client.applications.add("Scheduling").execute_query()
    client.service_principals.add(application.app_id).execute_query()
    secret = application.add_password("first").execute_query().value.secretText
    application.grant_permissions("User.Read.All", "00000003-0000-0000-c000-000000000000").execute_query()
    own = GraphClient(tenant=endpoints["tenant_id"]).with_client_secret(application.app_id, secret)
    assert len(own.users.get().execute_query()) == 4
    with pytest.raises(ClientRequestException, match="Insufficient privileges to complete the operation"):
        own.groups.create_security("Mine").execute_query()
    with pytest.raises(ClientRequestException, match="'nobody@contoso\\.com' does not exist"):
        own.users.get_by_principal_name("nobody@contoso.com").get().execute_query()


def test_a_meeting_is_seen_by_every_tool(client: GraphClient, account: Account, endpoints: dict[str, str]) -> None:
    event = account.schedule(resource="alice@contoso.com").get_default_calendar().new_event("Made with O365")
    event.start = datetime(2026, 12, 7, 10, tzinfo=ZoneInfo("Europe/Berlin"))
    event.end = datetime(2026, 12, 7, 11, tzinfo=ZoneInfo("Europe/Berlin"))
    event.attendees.add("bob@contoso.com")
    assert event.save()
    [seen] = client.users["bob@contoso.com"].get_calendar_view(BEGIN, END).execute_query()
    assert (seen.subject, seen.properties["organizer"].emailAddress.address) == ("Made with O365", "alice@contoso.com")
    assert account.schedule(resource="bob@contoso.com").get_default_calendar().get_event(seen.id).accept_event()

    credentials = exchangelib.OAuth2Credentials(
        endpoints["client_id"],
        endpoints["client_secret"],
        endpoints["tenant_id"],
        exchangelib.Identity(primary_smtp_address="alice@contoso.com"),
    )
    config = exchangelib.Configuration(
        server="outlook.office365.com", credentials=credentials, auth_type=exchangelib.OAUTH2
    )
    mailbox = exchangelib.Account(
        "alice@contoso.com", config=config, autodiscover=False, access_type=exchangelib.IMPERSONATION
    )
    [item] = mailbox.calendar.all()
    assert (item.subject, item.uid) == ("Made with O365", event.ical_uid)
    assert [one.response_type for one in item.required_attendees] == ["Accept"]
    exchangelib.CalendarItem(
        account=mailbox,
        folder=mailbox.calendar,
        subject="Made with exchangelib",
        start=exchangelib.EWSDateTime(2026, 12, 8, 9, tzinfo=exchangelib.UTC),
        end=exchangelib.EWSDateTime(2026, 12, 8, 10, tzinfo=exchangelib.UTC),
    ).save()
    mailbox.protocol.close()
    calendar = account.schedule(resource="alice@contoso.com").get_default_calendar()
    view = calendar.get_events(limit=None, batch=1, start_recurring=BEGIN, end_recurring=END)
    assert [one.subject for one in view] == ["Made with O365", "Made with exchangelib"]
