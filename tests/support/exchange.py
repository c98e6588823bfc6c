# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Exchange administrator at a simulated tenant: looks past the module under test, and sets the stage for it."""

from __future__ import annotations

from typing import Any

import msal
import requests

from .graph import Session
from .simulator import Simulator

Data = dict[str, Any]
# What tokens for Exchange are asked for, wherever it listens.
AUDIENCE = "https://outlook.office365.com"


class ExchangeAdministrator:
    """Cmdlets as the tenant's automation app. With a lag, half of the answers are old: look once it is over."""

    def __init__(self, tenant: Simulator) -> None:
        ends = tenant.endpoints
        self._url = f"{ends['outlook_url']}/adminapi/beta/{ends['tenant_id']}/InvokeCommand"
        self._session = Session(ends["ca_path"])
        application = msal.ConfidentialClientApplication(
            ends["client_id"],
            authority=f"{ends['login_url']}/{ends['tenant_id']}",
            client_credential=ends["client_secret"],
            http_client=Session(ends["ca_path"]),
            instance_discovery=False,
        )
        answer = application.acquire_token_for_client([f"{AUDIENCE}/.default"])
        self._session.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def run(self, cmdlet: str, **parameters: Any) -> list[Data]:
        """What a cmdlet returns; it must succeed."""
        answer = self._send(cmdlet, parameters)
        assert answer.ok, f"{cmdlet}: {answer.status_code} {answer.text}"
        found: list[Data] = answer.json()["value"]
        return found

    def one(self, cmdlet: str, **parameters: Any) -> Data:
        """The one object that it returns."""
        found = self.run(cmdlet, **parameters)
        assert len(found) == 1, found
        return found[0]

    def knows(self, cmdlet: str, identity: str) -> bool:
        """Whether a Get- cmdlet finds an object. Any failure but a not-found fails the test."""
        answer = self._send(cmdlet, {"Identity": identity})
        assert answer.ok or "couldn't be found" in answer.text, answer.text
        return bool(answer.ok)

    def mailboxes(self) -> list[Data]:
        """The equipment mailboxes."""
        return self.run("Get-Mailbox", RecipientTypeDetails=["EquipmentMailbox"])

    def _send(self, cmdlet: str, parameters: Data) -> requests.Response:
        body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
        return self._session.post(self._url, json=body)
