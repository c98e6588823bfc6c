# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scheduler does over EWS, with exchangelib: read the equipment's inbox, answer, write in organizers' names.

Everything is done impersonating the mailbox's owner (ExchangeImpersonation), the equipment or the organizer.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

import exchangelib
import requests
from exchangelib.errors import EWSError
from exchangelib.fields import TextField
from exchangelib.items import MeetingCancellation, MeetingRequest
from exchangelib.protocol import BaseProtocol, close_connections
from oauthlib.oauth2 import OAuth2Token
from requests.adapters import HTTPAdapter

FAILURES = (EWSError, requests.RequestException)
# Every message about a meeting has the UID; exchangelib knows it of calendar items only.
for _kind in (MeetingRequest, MeetingCancellation):
    _kind.add_field(TextField("uid", field_uri="calendar:UID", is_read_only=True), insert_after="response_type")
VERSION = exchangelib.Version(exchangelib.Build(15, 20, 9115, 20), api_version="Exchange2016")


@dataclass(frozen=True)
class Meeting:
    """A message about a meeting, in the equipment's inbox."""

    item: Any

    @property
    def subject(self) -> str:
        return str(self.item.subject or "")

    @property
    def uid(self) -> str:
        return str(self.item.uid or "")

    @property
    def organizer(self) -> str:
        return str(self.item.author.email_address)


class Invitation(Meeting):
    """A meeting request."""

    @property
    def organizer(self) -> str:
        return str(self.item.organizer.email_address)

    @property
    def organizer_name(self) -> str:
        return str(self.item.organizer.name or self.organizer)

    @property
    def text(self) -> str:
        return str(self.item.body or "")

    @property
    def start(self) -> datetime:
        return _moment(self.item.start)

    @property
    def end(self) -> datetime:
        """The end of the meeting; of a series, that of its last one, or the far future."""
        recurrence = self.item.recurrence
        if recurrence is None:
            return _moment(self.item.end)
        last = getattr(recurrence.boundary, "end", None)
        return _moment(self.item.end) if last is None else datetime.combine(last, _moment(self.item.end).timetz())

    @property
    def recurring(self) -> bool:
        return self.item.recurrence is not None

    def accept(self, text: str) -> None:
        """AcceptItem: the equipment's calendar gets the meeting, the organizer the answer."""
        self.item.accept(body=exchangelib.HTMLBody(text))

    def decline(self, text: str) -> None:
        """DeclineItem."""
        self.item.decline(body=exchangelib.HTMLBody(text))

    def people(self) -> list[str]:
        """Who attends, the organizer too, and no resources."""
        attendees = [*(self.item.required_attendees or []), *(self.item.optional_attendees or [])]
        return list(dict.fromkeys([self.organizer, *(str(one.mailbox.email_address) for one in attendees)]))


class Cancellation(Meeting):
    """The news that a meeting is off."""

    def remove(self) -> None:
        """Take the message out of the inbox."""
        self.item.move_to_trash()


class Post:
    """Mailboxes, opened with one access token. A context manager: its connections end with it.

    Args:
        url: the EWS address.
        token: an access token for it.
        ca_path: the CA to trust.
    """

    def __init__(self, url: str, token: str, ca_path: str) -> None:
        class Adapter(HTTPAdapter):
            def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
                super().cert_verify(conn, url, ca_path, cert)  # type: ignore[no-untyped-call]

        BaseProtocol.HTTP_ADAPTER_CLS = Adapter
        logging.getLogger("exchangelib").setLevel(logging.CRITICAL)  # refusals are reported, not logged
        access = OAuth2Token({"access_token": token, "token_type": "Bearer"})
        self._configuration = exchangelib.Configuration(
            service_endpoint=url,
            credentials=exchangelib.OAuth2AuthorizationCodeCredentials(access_token=access),
            auth_type=exchangelib.OAUTH2,
            version=VERSION,
        )

    def __enter__(self) -> Post:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        close_connections()

    def _act_for(self, mailbox: str) -> Any:
        return exchangelib.Account(
            primary_smtp_address=mailbox,
            config=self._configuration,
            autodiscover=False,
            access_type=exchangelib.IMPERSONATION,
            default_timezone=exchangelib.UTC,
        )

    def received(self, equipment: str) -> list[Invitation | Cancellation]:
        """The meeting requests and cancellations in the equipment's inbox, oldest first. Raises what is in FAILURES."""
        found: list[Invitation | Cancellation] = []
        for item in reversed(list(self._act_for(equipment).inbox.all())):  # FindItem begins with the newest
            if isinstance(item, MeetingRequest):
                found.append(Invitation(item))
            elif isinstance(item, MeetingCancellation):
                found.append(Cancellation(item))
        return found

    def send_as_organizer(self, invitation: Invitation, text: str, equipment: str) -> None:
        """CreateItem, sent and saved, in the organizer's own mailbox: to everybody who attends, the equipment excepted."""
        people = [one for one in invitation.people() if one.lower() != equipment.lower()]
        exchangelib.Message(
            account=self._act_for(invitation.organizer),
            subject=invitation.subject,
            body=exchangelib.HTMLBody(text),
            to_recipients=[exchangelib.Mailbox(email_address=one) for one in people],
        ).send_and_save()


def _moment(value: Any) -> datetime:
    """A time, or the start of a whole day, as a moment."""
    moment = exchangelib.EWSDateTime.combine(value, datetime.min.time()) if not isinstance(value, datetime) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=exchangelib.UTC)
