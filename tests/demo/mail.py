# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A meeting from an organizer to the equipment and back, through exchangelib, as the scheduler would act."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import exchangelib
from ansible_collections.vmrops.o365.plugins.module_utils._services.ews import account
from ansible_collections.vmrops.o365.plugins.module_utils._transport.auth import Tokens
from exchangelib.errors import ErrorImpersonateUserDenied
from exchangelib.items import SEND_TO_ALL_AND_SAVE_COPY, MeetingRequest, Message

from .identity import TIMEOUT
from .report import Failed

RESOURCE = "https://outlook.office365.com"
SUBJECT = "Quarterly figures"
PRIVATE = "Private"
TEXT = "Join from the room, or by video."
# What the add-in writes into a meeting while the Management Node does not answer it.
MARK = "TOK:-0123456789abcdef#"


@dataclass(frozen=True)
class Post:
    """Acts for mailboxes with one identity's tokens.

    Args:
        tokens: of the app, or of the service account through the app.
        url: base address of Exchange Online.
        ca_path: the CA to trust.
    """

    tokens: Tokens
    url: str
    ca_path: str

    def act_for(self, mailbox: str) -> Any:
        """An exchangelib account that impersonates the mailbox's owner."""
        return account(mailbox, self.tokens, RESOURCE, self.url, self.ca_path, TIMEOUT, impersonate=True)

    def denied(self, mailbox: str) -> str:
        """The error that acting for the mailbox ends in; empty when it does not."""
        # exchangelib logs each refusal before it raises it.
        logging.getLogger("exchangelib").setLevel(logging.CRITICAL)
        try:
            self.act_for(mailbox).inbox.refresh()
        except ErrorImpersonateUserDenied as error:
            return type(error).__name__
        return ""


def invite(organizer: Any, equipment: str, text: str = TEXT) -> Any:
    """Put a private meeting into the organizer's calendar and invite the equipment; the calendar item."""
    start = datetime.now(timezone.utc).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=7)
    begin = exchangelib.EWSDateTime.from_datetime(start)
    meeting = exchangelib.CalendarItem(
        account=organizer,
        folder=organizer.calendar,
        subject=SUBJECT,
        body=text,
        sensitivity=PRIVATE,
        start=begin,
        end=begin + timedelta(hours=1),
        resources=[exchangelib.Attendee(mailbox=exchangelib.Mailbox(email_address=equipment))],
    )
    meeting.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    return meeting


def only(folder: Any) -> Any:
    """The one item of the demo's meeting in a folder. Raises Failed when there are none or several."""
    found = list(folder.filter(subject=SUBJECT))
    if len(found) != 1:
        raise Failed(
            f"{folder.account.primary_smtp_address} holds {len(found)} items {SUBJECT!r} in {folder.name}, not 1"
        )
    return found[0]


def request_in(equipment: Any) -> Any:
    """The meeting request in the equipment's inbox. Raises Failed."""
    request = only(equipment.inbox)
    if not isinstance(request, MeetingRequest):
        raise Failed(f"the equipment's inbox holds a {type(request).__name__}, not a MeetingRequest")
    return request


def answer_of(meeting: Any, equipment: str) -> str:
    """What the organizer's calendar says the equipment answered."""
    meeting.refresh()
    return str(next((one.response_type for one in meeting.resources if one.mailbox.email_address == equipment), None))


def instructions(organizer: Any) -> str:
    """What the organizer was told about how to join. Raises Failed for nothing."""
    found = [one for one in organizer.inbox.filter(subject=SUBJECT) if isinstance(one, Message)]
    if not found:
        raise Failed("nobody told the organizer how to join")
    return str(found[0].body)


@contextmanager
def tidy(*accounts: Any) -> Iterator[None]:
    """Remove, at the end, what the block put into these mailboxes, which the demo did and not the role."""
    folders = [folder for one in accounts for folder in (one.inbox, one.sent, one.calendar, one.trash)]
    before = {item.id for folder in folders for item in folder.all().only("subject")}
    yield
    for folder in folders:
        for item in folder.all().only("subject"):
            if item.id not in before:
                item.delete()
