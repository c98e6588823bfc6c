# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People at their mailboxes in a simulated tenant: they invite, and read what comes back, past the rights under test."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import exchangelib
import requests
from exchangelib.items import SEND_TO_ALL_AND_SAVE_COPY
from exchangelib.protocol import BaseProtocol
from oauthlib.oauth2 import OAuth2Token
from requests.adapters import HTTPAdapter
from simulator.tokens import TokenAuthority

from .simulator import Simulator

AUDIENCE = "https://outlook.office365.com"
NOBODY = "00000000-0000-4000-8000-000000000000"
VERSION = exchangelib.Version(exchangelib.Build(15, 20, 9115, 20), api_version="Exchange2016")


def mailbox(tenant: Simulator, address: str) -> Any:
    """The mailbox, opened with a token that the tenant never issued: it may open every one."""
    ca_path = tenant.endpoints["ca_path"]

    class Adapter(HTTPAdapter):
        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            super().cert_verify(conn, url, ca_path, cert)  # type: ignore[no-untyped-call]

    BaseProtocol.HTTP_ADAPTER_CLS = Adapter
    # The tenant makes its signing key when it is asked for; two at once would make two.
    keys = f"{tenant.endpoints['login_url']}/{tenant.endpoints['tenant_id']}/discovery/v2.0/keys"
    requests.get(keys, verify=ca_path, timeout=30).raise_for_status()
    authority = TokenAuthority(tenant.state, tenant.endpoints["tenant_id"])
    token = authority.issue(AUDIENCE, {"appid": NOBODY, "oid": NOBODY, "roles": ["full_access_as_app"]})
    access = OAuth2Token({"access_token": token, "token_type": "Bearer"})
    return exchangelib.Account(
        primary_smtp_address=address,
        config=exchangelib.Configuration(
            service_endpoint=f"{tenant.endpoints['outlook_url']}/EWS/Exchange.asmx",
            credentials=exchangelib.OAuth2AuthorizationCodeCredentials(access_token=access),
            auth_type=exchangelib.OAUTH2,
            version=VERSION,
        ),
        autodiscover=False,
        access_type=exchangelib.IMPERSONATION,
        default_timezone=exchangelib.UTC,
    )


def invite(organizer: Any, subject: str, equipment: str, text: str = "", days: int = 7, **more: Any) -> Any:
    """Put a meeting of an hour, so many days from now, into the organizer's calendar and invite the equipment."""
    start = datetime.now(timezone.utc).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=days)
    begin = exchangelib.EWSDateTime.from_datetime(start)
    meeting = exchangelib.CalendarItem(
        account=organizer,
        folder=organizer.calendar,
        subject=subject,
        body=exchangelib.HTMLBody(f"<p>{text}</p>"),
        start=begin,
        end=begin + timedelta(hours=1),
        resources=[exchangelib.Attendee(mailbox=exchangelib.Mailbox(email_address=equipment))],
        **more,
    )
    meeting.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    return meeting


def response(meeting: Any) -> str:
    """What the organizer's calendar says the equipment answered."""
    meeting.refresh()
    return str(meeting.resources[0].response_type)


def inbox(owner: Any, subject: str) -> list[Any]:
    """What came into a mailbox about a subject, answers included."""
    return [item for item in owner.inbox.all() if subject in (item.subject or "")]


def eventually(test: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether something that goes on by itself comes true in time."""
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
