# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Management Node's scheduler: it watches each equipment mailbox and answers the meeting requests that arrive there.

It knows a connector's values and nothing else of the tenant. What it does follows the help texts of those values:

* The add-in puts a mark into the meeting's text: ``PXPS:-<uuid>#`` names the alias that the node gave it. When the node
  could not be reached, the mark is ``TOK:-<token>#``; the scheduler then makes the alias itself, and sends the joining
  instructions in a mail of their own, in the organizer's name (which of the marks means what is inferred).
* A request is accepted, as the equipment, with a text from the accept_* templates, or declined with one of the reject_*
  templates: without a good mark, over already, or when the organizer's mailbox is closed to the scheduler.
* What was done shows under ``status/v1/scheduling_operation/``; ``last_modified_time`` under
  ``status/v1/exchange_scheduler/`` moves with success only.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment

from .infinity_node import Node, now
from .infinity_oauth import SignInFailed, sign_in
from .scheduler_mail import FAILURES, Cancellation, Invitation, Post
from .store import Document
from .tenant import new_id

_MARK = re.compile(r"(PXPS|TOK):-([0-9A-Za-z-]+)#")
_JINJA = SandboxedEnvironment(autoescape=False)


class Rejected(Exception):
    """The meeting is declined, with the text of this template."""


@dataclass(frozen=True)
class Booking:
    """What a request is about: who asks, the alias it got, and whether the scheduler has to say how to join."""

    alias: Document
    late: bool


class Scheduler:
    """All schedulers of a node, one per connector.

    Args:
        node: whose connectors, aliases and conferences these are.
        ca_path: the CA to trust.
    """

    def __init__(self, node: Node, ca_path: str) -> None:
        self.node, self.ca_path = node, ca_path
        self._working = threading.Lock()

    def start(self, seconds: float) -> None:
        """Poll again and again, in the background, as long as the process lives."""

        def work() -> None:
            while True:
                time.sleep(seconds)
                self.poll()

        threading.Thread(target=work, daemon=True, name="scheduler").start()

    def poll(self) -> list[Document]:
        """Look into every equipment mailbox once; what was done there, and what went wrong."""
        with self._working:
            with self.node.lock:
                connectors = self.node.all("ms_exchange_connector")
            return [self._work(one) for one in connectors if one["room_mailbox_email_address"]]

    def _work(self, connector: Document) -> Document:
        report: Document = {"connector": connector["name"], "error": "", "handled": []}
        try:
            tokens = sign_in(connector, self.ca_path)
        except SignInFailed as error:
            self._operation("SignInFailed", str(error))
            return {**report, "error": str(error)}
        if tokens.get("refresh_token"):
            with self.node.lock:
                key = str(connector["id"])
                self.node.store.update("ms_exchange_connector", key, oauth_refresh_token=tokens["refresh_token"])
        with Post(connector["url"], tokens["access_token"], self.ca_path) as post:
            try:
                received = post.received(connector["room_mailbox_email_address"])
            except FAILURES as error:
                self._operation(type(error).__name__, str(error))
                return {**report, "error": f"{type(error).__name__}: {error}"}
            for message in received:
                handle = self._cancel if isinstance(message, Cancellation) else self._schedule
                report["handled"].append(self._handled(connector, post, message, handle))
        return report

    def _handled(
        self, connector: Document, post: Post, message: Any, handle: Callable[[Document, Post, Any], Document]
    ) -> Document:
        """One message; a failure is written down, and the next message gets its turn."""
        said = {"subject": message.subject, "organizer": message.organizer}
        try:
            return {**said, **handle(connector, post, message)}
        except (TemplateError, *FAILURES) as error:
            self._operation(type(error).__name__, str(error))
            return {**said, "outcome": "failed", "reason": f"{type(error).__name__}: {error}"}

    # --- requests -----------------------------------------------------------------------------------------------------

    def _schedule(self, connector: Document, post: Post, request: Invitation) -> Document:
        """Answer a meeting request."""
        correlation = new_id()
        variables: Document = {
            "subject": request.subject,
            "organizer_name": request.organizer_name,
            "organizer_email": request.organizer,
            "addin_server_domain": connector["addin_server_domain"],
            "correlation_id": correlation,
        }
        known = self._conference(request.uid)
        try:
            booking = self._booking(connector, request, known)
            variables |= {
                "alias": booking.alias["alias"],
                "numeric_alias": booking.alias["numeric_alias"],
                "alias_uuid": f"PXPS:-{booking.alias['uuid']}#",
            }
            if booking.late:
                text = _rendered(connector, "meeting_instructions_template", variables)
                post.send_as_organizer(request, text, connector["room_mailbox_email_address"])
        except Rejected as error:
            return self._reject(connector, request, str(error), variables, "", correlation)
        except (TemplateError, *FAILURES) as error:
            reason = f"{type(error).__name__}: {error}"
            return self._reject(connector, request, "reject_general_error_template", variables, reason, correlation)
        kind = "recurring_series" if request.recurring else "single_meeting"
        template = f"accept_{'edited' if known else 'new'}_{kind}_template"
        request.accept(_rendered(connector, template, variables))
        conference = self._keep(
            request, booking.alias, known, _rendered(connector, "conference_name_template", variables)
        )
        self._operation("", "", conference["id"], correlation)
        self._succeeded(connector)
        return {"outcome": "accepted", "reason": template, "alias": booking.alias["alias"]}

    def _booking(self, connector: Document, request: Invitation, known: Document | None) -> Booking:
        """The alias of a request, known or new. Raises Rejected."""
        if request.end < datetime.now(timezone.utc):
            raise Rejected(
                "reject_recurring_series_past_template" if request.recurring else "reject_single_meeting_past"
            )
        if known:
            with self.node.lock:
                alias = self.node.by_uri(known["scheduled_alias"])
            if alias is None:
                raise Rejected("reject_alias_deleted_template")
            return Booking(alias, late=False)
        mark = _MARK.search(request.text)
        if mark is None:
            raise Rejected("reject_invalid_alias_id_template")
        if mark[1] == "TOK":
            return Booking(self._new_alias(connector), late=True)
        with self.node.lock:
            own = self.node.uri("ms_exchange_connector", connector)
            aliases = [one for one in self.node.all("scheduled_alias") if one["exchange_connector"] == own]
        alias = next((one for one in aliases if one["uuid"] == mark[2] and not one["is_used"]), None)
        if alias is None:
            raise Rejected("reject_invalid_alias_id_template")
        return Booking(alias, late=False)

    def _new_alias(self, connector: Document) -> Document:
        digits = "".join(secrets.choice("0123456789") for _rest in range(connector["scheduled_alias_suffix_length"]))
        numeric = f"{connector['scheduled_alias_prefix'] or ''}{digits}"
        domain = connector["scheduled_alias_domain"]
        values = {
            "alias": f"{numeric}@{domain}" if domain else numeric,
            "numeric_alias": numeric,
            "alias_number": int(digits),
        }
        with self.node.lock:
            return self.node.create(
                "scheduled_alias",
                {**values, "exchange_connector": self.node.uri("ms_exchange_connector", connector)},
            )

    def _keep(self, request: Invitation, alias: Document, known: Document | None, name: str) -> Document:
        values = {
            "conference": name,
            "subject": request.subject,
            "start_time": request.start.isoformat(),
            "end_time": request.end.isoformat(),
            "ews_item_uid": request.uid,
        }
        with self.node.lock:
            self.node.change("scheduled_alias", alias, {"is_used": True, "ews_item_uid": request.uid})
            if known:
                return self.node.change("scheduled_conference", known, values)
            return self.node.create(
                "scheduled_conference", {**values, "scheduled_alias": self.node.uri("scheduled_alias", alias)}
            )

    def _reject(
        self,
        connector: Document,
        request: Invitation,
        template: str,
        variables: Document,
        reason: str,
        correlation: str,
    ) -> Document:
        request.decline(_rendered(connector, template, variables))
        self._operation(template, reason or "The meeting was declined.", None, correlation)
        return {"outcome": "declined", "reason": reason or template}

    def _cancel(self, connector: Document, post: Post, cancellation: Cancellation) -> Document:
        """Forget a meeting that its organizer cancelled."""
        cancellation.remove()
        known = self._conference(cancellation.uid)
        if known is None:
            return {"outcome": "ignored", "reason": "The meeting is not known."}
        with self.node.lock:
            alias = self.node.by_uri(known["scheduled_alias"])
            self.node.remove("scheduled_conference", known)
            if alias:
                self.node.remove("scheduled_alias", alias)
        self._operation("", "", known["id"])
        self._succeeded(connector)
        return {"outcome": "cancelled", "reason": ""}

    # --- the node's records -------------------------------------------------------------------------------------------

    def _conference(self, uid: str) -> Document | None:
        with self.node.lock:
            found = (one for one in self.node.all("scheduled_conference") if one["ews_item_uid"] == uid)
            return next(found, None)

    def _operation(self, code: str, text: str, resource: int | None = None, correlation: str = "") -> None:
        values = {
            "success": not code,
            "error_code": code[:250],
            "error_description": text[:4096],
            "resource_id": resource,
            "transaction_uuid": correlation or new_id(),
            "creation_time": now(),
        }
        with self.node.lock:
            self.node.create("scheduling_operation", values)

    def _succeeded(self, connector: Document) -> None:
        with self.node.lock:
            for one in self.node.all("exchange_scheduler"):
                if one["exchange_connector_id"] == connector["id"]:
                    self.node.change("exchange_scheduler", one, {"last_modified_time": now()})


def _rendered(connector: Document, template: str, variables: Document) -> str:
    """A template's text. Raises TemplateError."""
    return _JINJA.from_string(connector[template]).render(variables)
