# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way: the role's values go to the Management Node, and its scheduler answers a meeting; or not, and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from exchangelib.items import Message
from support.ansible import Ansible
from support.company import EQUIPMENT, wish
from support.connector import integrate
from support.exchange import ExchangeAdministrator
from support.mailboxes import inbox, invite, mailbox, response
from support.node import NodeAdministrator
from support.simulator import Simulator

Data = dict[str, Any]

ALICE, BOB, CAROL = (f"{name}@contoso.com" for name in ("alice", "bob", "carol"))
TOKEN = "TOK:-0123456789abcdef#"


class Company:
    """A company after the role's run, with its Management Node configured from what the role handed over."""

    def __init__(self, tenant: Simulator, access: str, ansible: Ansible, file: Path) -> None:
        self.tenant, self.node, self.exchange = tenant, NodeAdministrator(tenant), ExchangeAdministrator(tenant)
        done = ansible.role(wish(tenant, access, file)).ok()
        self.secrets: Data = yaml.safe_load(file.read_text())
        handed_over = done["Collect what the Management Node needs"]["ansible_facts"]["vmr_scheduling_connector"]
        self.values = {"name": "Microsoft 365", "addin_server_domain": "join.contoso.com", **handed_over}
        self.kept = {"update_secrets": "when_changed", "fingerprint_path": str(file.with_suffix(".json"))}
        self.connector = self.configure(self.secrets["client_secret"])["connector"]
        self._meetings = 0

    def configure(self, client_secret: str) -> Data:
        """Enter the values on the node; the module's result."""
        return integrate(self.tenant, **self.values, **self.kept, oauth_client_secret=client_secret)

    def meeting(self, organizer: str) -> tuple[Any, str]:
        """A new meeting of the organizer with the equipment, and its subject."""
        self._meetings += 1
        subject = f"Meeting {self._meetings}"
        return invite(mailbox(self.tenant, organizer), subject, EQUIPMENT, TOKEN, 7 + self._meetings), subject

    def answered(self, organizer: str = ALICE) -> None:
        """A new meeting must be answered, with joining instructions in the organizer's own name."""
        meeting, subject = self.meeting(organizer)
        (report,) = self.tenant.poll()
        assert not report["error"], report
        assert [one["outcome"] for one in report["handled"] if one["subject"] == subject] == ["accepted"], report
        assert response(meeting) == "Accept"
        (instructions,) = [one for one in inbox(mailbox(self.tenant, organizer), subject) if isinstance(one, Message)]
        assert instructions.author.email_address == organizer
        assert "https://join.contoso.com/webapp/" in instructions.body
        assert self.configure(self.secrets["client_secret"])["health"]["last_modified_time"]

    def failing(self, text: str) -> None:
        """A poll must fail with these words, and the node must show it."""
        before = self.configure(self.secrets["client_secret"])["health"]
        (report,) = self.tenant.poll()
        said = report["error"] + " ".join(one["reason"] for one in report["handled"])
        assert text in said, report
        assert not [one for one in report["handled"] if one["outcome"] == "accepted"]
        assert not self.node.all("scheduling_operation")[-1]["success"]
        assert self.configure(self.secrets["client_secret"])["health"] == before

    @contextmanager
    def changed(self, cmdlet: str, undo: Data, **parameters: Any) -> Iterator[None]:
        """A cmdlet of an administrator, undone afterwards."""
        self.exchange.run(cmdlet, **parameters)
        yield
        self.exchange.run(cmdlet, **{**parameters, **undo})


def lose_rights(company: Company, on: str) -> None:
    """Remove the role assignments over the users, or over the equipment."""
    for one in company.exchange.run("Get-ManagementRoleAssignment"):
        scope = str(one.get("CustomResourceScope") or one.get("CustomRecipientWriteScope") or "")
        if scope.startswith("Pexip") and scope.endswith("equipment") == (on == "equipment"):
            company.exchange.run("Remove-ManagementRoleAssignment", Identity=one["Name"], Confirm=False)


@pytest.mark.timeout(300)
def test_app_permissions(simulator: Callable[..., Simulator], ansible: Ansible, tmp_path: Path) -> None:
    company = Company(simulator(), "app_permissions", ansible, tmp_path / "secrets.yml")
    company.answered(ALICE)
    company.answered(BOB)

    # Somebody else's meeting is out of scope; she is told so.
    theirs, _subject = company.meeting(CAROL)
    company.failing("ErrorImpersonateUserDenied")
    assert response(theirs) == "Decline"

    # A wrong secret on the node.
    company.node.change(company.connector["resource_uri"], oauth_client_secret="wrong")
    company.failing("AADSTS7000215")
    assert integrate(
        company.tenant, **company.values, oauth_client_secret=company.secrets["client_secret"], update_secrets="always"
    )["changed"]
    company.answered()

    # The equipment answers itself, as Exchange makes it: accepted at once, and nobody learns how to join.
    processing = {"Identity": EQUIPMENT, "AutomateProcessing": "AutoAccept"}
    with company.changed("Set-CalendarProcessing", {"AutomateProcessing": "None"}, **processing):
        meeting, subject = company.meeting(ALICE)
        assert response(meeting) == "Accept"
        assert company.tenant.poll()[0]["handled"] == []
        assert not [one for one in inbox(mailbox(company.tenant, ALICE), subject) if isinstance(one, Message)]
    company.answered()

    # EWS is closed for the tenant, as Microsoft does it, or open for other applications only.
    with company.changed("Set-OrganizationConfig", {"EwsEnabled": None}, EwsEnabled=False):
        company.failing("disabled for this user or tenant")
    others = {"EwsEnabled": True, "EwsAllowedAppIDs": "aaaaaaaa-0000-4000-8000-000000000009"}
    with company.changed("Set-OrganizationConfig", {"EwsEnabled": None, "EwsAllowedAppIDs": None}, **others):
        company.failing("policy for this user or tenant")
    company.answered()

    # Each half of the app's access on its own is not enough.
    lose_rights(company, "users")
    company.meeting(ALICE)
    company.failing("ErrorImpersonateUserDenied")
    lose_rights(company, "equipment")
    company.failing("not enough scope")


@pytest.mark.timeout(300)
def test_service_account(simulator: Callable[..., Simulator], ansible: Ansible, tmp_path: Path) -> None:
    tenant = simulator(seed={"impersonation_role": True})
    company = Company(tenant, "service_account", ansible, tmp_path / "secrets.yml")
    account, password = company.values["username"], company.secrets["service_account_password"]
    number = company.connector["id"]
    assert not company.connector["signed_in"]
    company.failing("No administrator has signed in")

    # Somebody signs in on the node: with the wrong password, with a wrong secret on the node, and rightly.
    assert "password" in company.node.sign_in(number, username=account, password="wrong")
    company.node.change(company.connector["resource_uri"], oauth_client_secret="wrong")
    assert "AADSTS7000215" in company.node.sign_in(number, username=account, password=password)
    assert not company.configure(company.secrets["client_secret"])["connector"]["signed_in"]
    company.node.change(company.connector["resource_uri"], oauth_client_secret=company.secrets["client_secret"])
    assert company.node.sign_in(number, username=account, password=password) == ""
    assert company.configure(company.secrets["client_secret"])["connector"]["signed_in"]
    assert tenant.endpoints["infinity_url"] not in company.values["oauth_redirect_uri"], "the node has its own name"
    company.answered(ALICE)
    company.answered(BOB)

    # A sign-in cannot be played back, nor begun by somebody else.
    page = company.node.follow("https://node/admin/platform/msexchangeconnector/oauth_redirect/?code=x&state=invented")
    assert page.status_code == 400
    assert "not known" in page.text

    theirs, _subject = company.meeting(CAROL)
    company.failing("ErrorImpersonateUserDenied")
    assert response(theirs) == "Decline"

    lose_rights(company, "users")
    company.meeting(ALICE)
    company.failing("ErrorImpersonateUserDenied")
    company.node.change(company.connector["resource_uri"], oauth_refresh_token="")
    company.failing("No administrator has signed in")
