# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated scheduler, in a tenant that was set up by hand: what it answers, and how it fails when something is amiss."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from exchangelib import Attendee, Mailbox
from exchangelib.items import SEND_TO_ALL_AND_SAVE_COPY, MeetingRequest, Message
from exchangelib.recurrence import DailyPattern, Recurrence
from simulator import seed
from simulator.tenant import EWS_APPLICATION_ROLE, Tenant, graph_time, new_id
from support.mailboxes import eventually, inbox, invite, mailbox, response
from support.node import NodeAdministrator
from support.simulator import Simulator

APP_ID = "aaaaaaaa-0000-4000-8000-000000000001"
SECRET = "the-apps-own-secret-1234"
ALICE, BOB, CAROL, VMR = (f"{name}@contoso.com" for name in ("alice", "bob", "carol", "vmr"))
TOKEN = "TOK:-d41d8cd98f00b204#"


def prepare(directory: Path, processing: str = "None", scope: str = "") -> Path:
    """A tenant with the app, its role over the mailboxes in scope (a recipient filter), and the equipment."""
    directory.mkdir()
    tenant = Tenant(directory)
    seed.plant(tenant, None)
    application = seed.application_document("app", APP_ID, "Pexip")
    secret = {"keyId": new_id(), "displayName": "hand-made", "hint": SECRET[:3], "secretText": None}
    times = {"startDateTime": graph_time(0), "endDateTime": "2099-12-31T00:00:00Z", "customKeyIdentifier": None}
    application["passwordCredentials"] = [{**secret, **times, "_secretText": SECRET}]
    tenant.store.put("application", "app", application)
    principal = seed.service_principal_document("sp", APP_ID, "Pexip", "Application", tenant.id)
    tenant.store.put("servicePrincipal", "sp", principal)
    tenant.store.put("exchangeServicePrincipal", "sp", {"ObjectId": "sp", "AppId": APP_ID})
    if scope:
        tenant.store.put("managementScope", "scope", {"Name": "scope", "Guid": "scope", "RecipientFilter": scope})
    assignment = {
        "Name": "by hand",
        "Guid": "assignment",
        "Role": EWS_APPLICATION_ROLE,
        "RoleAssignee": "sp",
        "RoleAssigneeType": "ServicePrincipal",
        "Enabled": True,
        "RecipientWriteScope": "CustomRecipientScope" if scope else "Organization",
        "CustomResourceScope": "scope" if scope else None,
        "CustomRecipientWriteScope": None,
    }
    tenant.store.put("managementRoleAssignment", "assignment", assignment)
    user = seed.user_document(new_id(), VMR, "VMR scheduling")
    tenant.store.put("user", user["id"], user)
    box = tenant.add_mailbox(user, "EquipmentMailbox", "vmr", VMR)
    tenant.store.update(
        "mailbox", box["Guid"], _calendarProcessing={**box["_calendarProcessing"], "AutomateProcessing": processing}
    )
    tenant.store.settle()
    tenant.store.connection.close()
    return directory


def values(tenant: Simulator, **changes: Any) -> dict[str, Any]:
    """A connector's values, right for the tenant but for the changes."""
    ends = tenant.endpoints
    return {
        "name": "Microsoft 365",
        "addin_server_domain": "join.contoso.com",
        "authentication_method": "APP_PERM",
        "url": f"{ends['outlook_url']}/EWS/Exchange.asmx",
        "oauth_client_id": APP_ID,
        "oauth_client_secret": SECRET,
        "oauth_token_endpoint": f"{ends['login_url']}/{ends['tenant_id']}/oauth2/v2.0/token",
        "room_mailbox_email_address": VMR,
        "scheduled_alias_prefix": "77",
        "scheduled_alias_domain": "contoso.com",
        **changes,
    }


@pytest.fixture
def tenant(simulator: Callable[..., Simulator], tmp_path: Path) -> Simulator:
    """A tenant in which everything is as it should be; no connector yet."""
    return simulator(state=prepare(tmp_path / "tenant"))


def handled(tenant: Simulator) -> list[tuple[str, str, str]]:
    """What one poll of the one connector did: subject, outcome, reason."""
    (report,) = tenant.poll()
    assert report["error"] == ""
    return [(one["subject"], one["outcome"], one["reason"]) for one in report["handled"]]


def test_a_meeting_is_answered_and_how_to_join_comes_in_the_organizers_name(tenant: Simulator) -> None:
    node = NodeAdministrator(tenant)
    node.create("ms_exchange_connector", **values(tenant))
    alice, bob = mailbox(tenant, ALICE), mailbox(tenant, BOB)
    meeting = invite(alice, "Figures", VMR, TOKEN, required_attendees=[Attendee(mailbox=Mailbox(email_address=BOB))])
    mark = tenant.mark()
    assert handled(tenant) == [("Figures", "accepted", "accept_new_single_meeting_template")]
    calls = [one.request for one in tenant.wire(mark) if one.path == "/EWS/Exchange.asmx"]
    acted_for = {call.split("PrimarySmtpAddress>")[1].split("<")[0] for call in calls}
    assert acted_for == {VMR, ALICE}
    assert response(meeting) == "Accept"

    (alias,) = node.all("scheduled_alias")
    assert alias["alias"] == f"{alias['numeric_alias']}@contoso.com"
    assert alias["numeric_alias"].startswith("77")
    assert len(alias["numeric_alias"]) == 8
    (late,) = [one for one in inbox(bob, "Figures") if isinstance(one, Message)]
    assert late.author.email_address == ALICE
    assert f"conference={alias['alias']}" in late.body
    assert f"PXPS:-{alias['uuid']}#" in late.body
    assert not [one for one in mailbox(tenant, VMR).inbox.all() if isinstance(one, MeetingRequest)]

    (conference,) = node.all("scheduled_conference")
    assert conference["conference"] == "Figures (Alice Anker)"
    assert node.scheduler()["last_modified_time"]
    assert [one["success"] for one in node.all("scheduling_operation")] == [True]
    assert handled(tenant) == []


def test_a_change_and_a_cancellation(tenant: Simulator) -> None:
    node = NodeAdministrator(tenant)
    node.create("ms_exchange_connector", **values(tenant))
    meeting = invite(mailbox(tenant, ALICE), "Figures", VMR, TOKEN)
    handled(tenant)
    (before,) = node.all("scheduled_conference")
    meeting.refresh()
    meeting.start += timedelta(days=1)
    meeting.end += timedelta(days=1)
    meeting.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    assert handled(tenant) == [("Figures", "accepted", "accept_edited_single_meeting_template")]
    (after,) = node.all("scheduled_conference")
    assert (after["id"], after["scheduled_alias"]) == (before["id"], before["scheduled_alias"])
    assert after["start_time"] > before["start_time"]

    meeting.refresh()
    meeting.cancel()
    assert handled(tenant) == [("Canceled: Figures", "cancelled", "")]
    assert node.all("scheduled_conference") == node.all("scheduled_alias") == []


def test_a_series(tenant: Simulator) -> None:
    NodeAdministrator(tenant).create("ms_exchange_connector", **values(tenant))
    alice = mailbox(tenant, ALICE)
    start = invite(alice, "Not this", VMR).start.date()
    handled(tenant)
    weekly = Recurrence(pattern=DailyPattern(interval=1), start=start, number=3)
    invite(alice, "Stand-up", VMR, TOKEN, recurrence=weekly)
    assert handled(tenant) == [("Stand-up", "accepted", "accept_new_recurring_series_template")]


def test_an_alias_of_the_add_in_is_used_once(tenant: Simulator) -> None:
    node = NodeAdministrator(tenant)
    uri = node.create("ms_exchange_connector", **values(tenant))
    alias = {"uuid": new_id(), "alias": "42@contoso.com", "numeric_alias": "42", "exchange_connector": uri}
    node.create("scheduled_alias", **alias)
    alice = mailbox(tenant, ALICE)
    meeting = invite(alice, "With it", VMR, f"PXPS:-{alias['uuid']}#")
    assert handled(tenant) == [("With it", "accepted", "accept_new_single_meeting_template")]
    assert not [one for one in inbox(alice, "With it") if isinstance(one, Message)], "the add-in has said how to join"
    assert "42@contoso.com" in inbox(alice, "With it")[0].body
    copy = invite(alice, "Copied", VMR, f"PXPS:-{alias['uuid']}#")
    assert handled(tenant) == [("Copied", "declined", "reject_invalid_alias_id_template")]
    assert (response(meeting), response(copy)) == ("Accept", "Decline")


def test_what_is_declined(tenant: Simulator) -> None:
    node, alice = NodeAdministrator(tenant), mailbox(tenant, ALICE)
    cases = {
        "By hand": ("no mark at all", 7, "reject_invalid_alias_id_template"),
        "Unknown": (f"PXPS:-{APP_ID}#", 7, "reject_invalid_alias_id_template"),
        "Over": (TOKEN, -7, "reject_single_meeting_past"),
    }
    texts = {template: "No: {{subject}}" for _text, _days, template in cases.values()}
    node.create("ms_exchange_connector", **values(tenant, **texts))
    for subject, (text, days, template) in cases.items():
        meeting = invite(alice, subject, VMR, text, days)
        assert handled(tenant) == [(subject, "declined", template)]
        assert response(meeting) == "Decline"
        assert inbox(alice, subject)[0].body == f"No: {subject}"
    assert node.scheduler()["last_modified_time"] is None
    codes = [one["error_code"] for one in node.all("scheduling_operation")]
    assert codes == [template for _text, _days, template in cases.values()]
    assert node.all("scheduled_conference") == []


def test_two_integrations_at_one_mailbox_reject_each_others_meetings(tenant: Simulator) -> None:
    node = NodeAdministrator(tenant)
    node.create("ms_exchange_connector", **values(tenant, name="First"))
    second = node.create("ms_exchange_connector", **values(tenant, name="Second"))
    alias = {"uuid": new_id(), "alias": "42", "numeric_alias": "42", "exchange_connector": second}
    node.create("scheduled_alias", **alias)
    meeting = invite(mailbox(tenant, ALICE), "Figures", VMR, f"PXPS:-{alias['uuid']}#")
    tenant.poll()
    assert response(meeting) == "Decline"


# --- what is amiss ----------------------------------------------------------------------------------------------------


def test_a_wrong_value_stops_everything(tenant: Simulator) -> None:
    node, right = NodeAdministrator(tenant), values(tenant)
    uri = node.create("ms_exchange_connector", **right)
    meeting = invite(mailbox(tenant, ALICE), "Figures", VMR, TOKEN)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"oauth_client_secret": "wrong"}, "AADSTS7000215"),
        ({"oauth_client_id": "aaaaaaaa-0000-4000-8000-000000000002"}, "AADSTS700016"),
        ({"oauth_token_endpoint": "https://127.0.0.1:1/token"}, "gave no answer"),
        ({"authentication_method": "BASIC"}, "does not take BASIC"),
        ({"authentication_method": "OAUTH"}, "No administrator has signed in"),
        ({"room_mailbox_email_address": "nobody@contoso.com"}, "ErrorNonExistentMailbox"),
    ]
    for changes, text in cases:
        node.change(uri, **{**right, **changes})
        (report,) = tenant.poll()
        assert text in report["error"]
        assert report["handled"] == []
        operation = node.all("scheduling_operation")[-1]
        assert not operation["success"]
        assert text in operation["error_code"] + operation["error_description"]
    assert node.scheduler()["last_modified_time"] is None
    assert response(meeting) == "Unknown"
    assert SECRET not in str(node.all("scheduling_operation"))
    node.change(uri, **right)
    assert handled(tenant) == [("Figures", "accepted", "accept_new_single_meeting_template")]


def test_an_organizer_out_of_scope_is_told(simulator: Callable[..., Simulator], tmp_path: Path) -> None:
    scope = f"PrimarySmtpAddress -eq '{VMR}' -or PrimarySmtpAddress -eq '{ALICE}'"
    tenant = simulator(state=prepare(tmp_path / "tenant", scope=scope))
    node = NodeAdministrator(tenant)
    node.create("ms_exchange_connector", **values(tenant))
    theirs = invite(mailbox(tenant, CAROL), "Carol's", VMR, TOKEN)
    hers = invite(mailbox(tenant, ALICE), "Alice's", VMR, TOKEN)
    done = {subject: (outcome, reason) for subject, outcome, reason in handled(tenant)}
    assert done["Carol's"][0] == "declined"
    assert "ErrorImpersonateUserDenied" in done["Carol's"][1]
    assert done["Alice's"][0] == "accepted", "one failure does not stop the others"
    assert (response(theirs), response(hers)) == ("Decline", "Accept")
    (failed,) = [one for one in node.all("scheduling_operation") if not one["success"]]
    assert failed["transaction_uuid"] in inbox(mailbox(tenant, CAROL), "Carol's")[0].body


def test_an_equipment_out_of_scope_is_not_read(simulator: Callable[..., Simulator], tmp_path: Path) -> None:
    tenant = simulator(state=prepare(tmp_path / "tenant", scope=f"PrimarySmtpAddress -eq '{ALICE}'"))
    NodeAdministrator(tenant).create("ms_exchange_connector", **values(tenant))
    (report,) = tenant.poll()
    assert "ErrorImpersonateUserDenied" in report["error"]


def test_an_equipment_that_answers_itself_leaves_nothing_to_do(
    simulator: Callable[..., Simulator], tmp_path: Path
) -> None:
    """Exchange's own default: the meeting looks accepted, and nobody learns how to join."""
    tenant = simulator(state=prepare(tmp_path / "tenant", processing="AutoAccept"))
    node = NodeAdministrator(tenant)
    node.create("ms_exchange_connector", **values(tenant))
    alice = mailbox(tenant, ALICE)
    meeting = invite(alice, "Figures", VMR, TOKEN)
    assert response(meeting) == "Accept"
    assert handled(tenant) == []
    assert node.all("scheduled_conference") == node.all("scheduling_operation") == []
    assert node.scheduler()["last_modified_time"] is None
    assert not [one for one in inbox(alice, "Figures") if isinstance(one, Message)]


def test_templates_that_do_not_render_do_not_stop_it(tenant: Simulator) -> None:
    node = NodeAdministrator(tenant)
    broken = {"accept_new_single_meeting_template": "{% if", "reject_invalid_alias_id_template": "{{ 1 / 0 }}"}
    node.create("ms_exchange_connector", **values(tenant, **broken))
    alice = mailbox(tenant, ALICE)
    invite(alice, "One", VMR, TOKEN)
    outcomes = [(subject, outcome) for subject, outcome, _reason in handled(tenant)]
    assert outcomes == [("One", "failed")]
    assert [one["error_code"] for one in node.all("scheduling_operation")] == ["TemplateSyntaxError"]


def test_it_works_by_itself_when_switched_on(simulator: Callable[..., Simulator], tmp_path: Path) -> None:
    tenant = simulator(state=prepare(tmp_path / "tenant"), poll=0.3)
    NodeAdministrator(tenant).create("ms_exchange_connector", **values(tenant))
    meeting = invite(mailbox(tenant, ALICE), "Figures", VMR, TOKEN)
    assert eventually(lambda: response(meeting) == "Accept")
