# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service clients against the simulated services: paging, batches, errors in the service's words, EWS."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import exchangelib
import msal
import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Step
from ansible_collections.vmrops.o365.plugins.module_utils._services.ews import account, calendar
from ansible_collections.vmrops.o365.plugins.module_utils._services.exchange import truth
from ansible_collections.vmrops.o365.plugins.module_utils._services.graph import key, literal
from ansible_collections.vmrops.o365.plugins.module_utils._services.powershell import command_line
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, Connection, connect
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import (
    Busy,
    Conflict,
    Denied,
    NotFound,
    ServiceError,
    Unsettled,
)
from support.exchange import AUDIENCE, ExchangeAdministrator
from support.graph import Administrator, Session
from support.person import Person, browser
from support.simulator import Simulator

Start = Callable[..., Simulator]


def connected(tenant: Simulator, **changes: Any) -> Connection:
    given = dict.fromkeys(AUTH_ARGUMENTS) | {"auth_method": "auto", "cloud": "global", "timeout": 10}
    return connect({**given, **tenant.auth(), "wait_timeout": 10, **changes}, print)


def respond(match: dict[str, str], status: int, body: Any = None, **more: Any) -> list[dict[str, Any]]:
    return [{"match": match, "do": "respond", "status": status, "body": body, "times": 0, **more}]


# --- Graph ------------------------------------------------------------------------------------------------------------


def test_graph_follows_every_page(simulator: Start) -> None:
    users = [{"upn": f"user{number}@contoso.com", "name": f"User {number}"} for number in range(230)]
    tenant = simulator(seed={"users": users, "groups": [], "administrative_units": []})
    found = connected(tenant).graph.collect("/users", "list the users", select="id,userPrincipalName")
    assert len({one["userPrincipalName"] for one in found}) == 230
    assert len([one for one in tenant.wire() if one.path == "/v1.0/users"]) == 3


def test_graph_does_not_follow_a_page_to_another_host(simulator: Start) -> None:
    page = {"value": [], "@odata.nextLink": "https://evil.example/v1.0/users?$skiptoken=x"}
    tenant = simulator(faults=respond({"path": "/domains$"}, 200, page))
    with pytest.raises(ServiceError, match=r"another host: evil\.example"):
        connected(tenant).directory.domains()


def test_graph_batches_reads_and_tells_what_is_missing(tenant: Simulator) -> None:
    names = ("alice", "nobody", "bob", *(f"absent{number}" for number in range(24)))
    paths = [f"/users/{name}@contoso.com" for name in names]
    found = connected(tenant).graph.get_many(paths, "read users")
    assert [one["displayName"] if one else None for one in found[:3]] == ["Alice Anker", None, "Bob O'Brien"]
    assert len(found) == 27
    assert len([one for one in tenant.wire() if one.path.endswith("/$batch")]) == 2


def test_graph_reads_an_item_of_a_batch_again_when_it_was_throttled(simulator: Start) -> None:
    throttled = {"responses": [{"id": "0", "status": 429, "headers": {"Retry-After": "1"}, "body": {}}]}
    tenant = simulator(faults=respond({"path": r"\$batch$"}, 200, throttled))
    (found,) = connected(tenant).graph.get_many(["/users/alice@contoso.com"], "read users")
    assert found
    assert found["displayName"] == "Alice Anker"


@pytest.mark.parametrize(
    ("status", "code", "text", "kind"),
    [
        (404, "Request_ResourceNotFound", "Resource 'x' does not exist or one of its queried", NotFound),
        (404, "Directory_ObjectNotFound", "does not exist or one of its queried reference-property objects", NotFound),
        (400, "Request_BadRequest", "Not a valid reference update", Unsettled),
        (403, "Authorization_RequestDenied",
         "When using this permission, the backing application of the service principal", Unsettled),
        (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.", Denied),
        (401, "InvalidAuthenticationToken", "Access token is empty.", Denied),
        (409, "Directory_ConcurrencyViolation", "Error due to concurrent requests being made to the tenant.", Busy),
        (409, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists.", Conflict),
        (400, "Request_BadRequest", "Permission entry already exists.", Conflict),
        (400, "Request_BadRequest", "Another object with the same value for property x already exists.", Conflict),
        (400, "Request_BadRequest", "No credentials found to be removed.", NotFound),
        (400, "Request_BadRequest", "Something new.", ServiceError),
    ],
)  # fmt: skip
def test_graph_errors_by_kind(simulator: Start, status: int, code: str, text: str, kind: type[ServiceError]) -> None:
    body = {"error": {"code": code, "message": text}}
    tenant = simulator(faults=respond({"path": "/domains$"}, status, body, headers={"request-id": "the-request"}))
    with pytest.raises(ServiceError) as failure:
        connected(tenant).directory.domains()
    assert failure.type is kind
    shown = str(failure.value)
    assert shown.startswith("Could not read the domains:")
    assert all(part in shown for part in (code, text.rstrip("."), "the-request"))
    if kind is Denied:
        assert "Domain.Read.All" in shown


@pytest.mark.parametrize("body", [None, "<html>Not Found</html>", {"message": "no route"}])
def test_graph_does_not_take_a_proxys_404_for_absent(simulator: Start, body: Any) -> None:
    tenant = simulator(faults=respond({"path": "/users[/(]"}, 404, body))
    with pytest.raises(ServiceError) as failure:
        connected(tenant).directory.user("alice@contoso.com")
    assert failure.type is ServiceError


def test_graph_keys_and_literals_are_quoted() -> None:
    assert key("o'brien@contoso.com") == "o''brien@contoso.com"
    assert key("a/b?c#d") == "a%2Fb%3Fc%23d"
    assert literal("O'Brien") == "'O''Brien'"


# --- Exchange ---------------------------------------------------------------------------------------------------------


def test_exchange_sends_the_anchor_and_one_connection_id_with_every_request(tenant: Simulator) -> None:
    connection = connected(tenant)
    connection.mailboxes.mailbox("alice@contoso.com")
    connection.mailboxes.recipients(["alice@contoso.com", "bob@contoso.com"])
    headers = [one.request_headers for one in tenant.wire() if one.service == "outlook"]
    assert len(headers) == 2
    assert {one["x-anchormailbox"] for one in headers} == {
        f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{tenant.endpoints['tenant_id']}"
    }
    assert len({one["connection-id"] for one in headers}) == 1


def test_exchange_drops_annotations(tenant: Simulator) -> None:
    mailbox = connected(tenant).mailboxes.mailbox("alice@contoso.com")
    assert mailbox
    assert not [name for name in mailbox if "@" in name]


def test_exchange_batches_ten_at_a_time_in_order(tenant: Simulator) -> None:
    names = ["alice@contoso.com", "nobody@contoso.com", "bob@contoso.com"]
    names += [f"absent{number}@contoso.com" for number in range(9)]
    found = connected(tenant).mailboxes.recipients(names)
    assert [one["PrimarySmtpAddress"] if one else None for one in found[:3]] == [names[0], None, names[2]]
    assert len([one for one in tenant.wire() if one.path.endswith("/$batch")]) == 2


def envelope(message: str, **error: Any) -> dict[str, Any]:
    return {
        "error": {"code": "BadRequest", "message": "Error executing cmdlet", "details": [{"message": message}], **error}
    }


@pytest.mark.parametrize(
    ("status", "message", "kind", "words"),
    [
        (400, "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The object "
         "'x' couldn't be found on 'DC'.", NotFound, "couldn't be found"),
        (404, "anything but that it is not there", ServiceError, "anything"),
        (400, "|Microsoft.Exchange.Tasks.ProxyAddressExistsException|The proxy address is taken.", Conflict, "taken"),
        (400, "|System.UnableToWriteToAadException|try later", Busy, "try later"),
        (400, "'New-Mailbox' is not present in the role definition of the current user", Denied, "For Get-AcceptedDomain"),
        (400, "This operation is not allowed for the organization with disabled customizations.", ServiceError,
         "Enable-OrganizationCustomization"),
    ],
)  # fmt: skip
def test_exchange_errors_by_kind(
    simulator: Start, status: int, message: str, kind: type[ServiceError], words: str
) -> None:
    tenant = simulator(faults=respond({"cmdlet": "Get-AcceptedDomain"}, status, envelope(message)))
    with pytest.raises(ServiceError, match=words) as failure:
        connected(tenant).mailboxes.accepted_domains()
    assert failure.type is kind


def test_exchange_finds_the_reason_in_the_inner_exception_when_there_are_no_details(simulator: Start) -> None:
    inner = {"internalexception": {"message": "Cannot process argument transformation on parameter 'Type'."}}
    body = {"error": {"code": "BadRequest", "message": "Invalid Operation", "innererror": inner}}
    tenant = simulator(faults=respond({"cmdlet": "Get-AcceptedDomain"}, 400, body))
    with pytest.raises(ServiceError, match="argument transformation"):
        connected(tenant).mailboxes.accepted_domains()


def test_exchange_reads_the_reason_of_a_403_of_nul_bytes(simulator: Start) -> None:
    tenant = simulator(seed={"automation": {"directory_roles": []}})
    with pytest.raises(Denied, match=r"lacks the directory role .*Exchange Administrator"):
        connected(tenant).mailboxes.accepted_domains()
    refused = tenant.wire()[-1]
    assert refused.status == 403
    assert "\0" in refused.response


def test_exchange_takes_an_empty_answer_for_success(simulator: Start) -> None:
    tenant = simulator(faults=respond({"cmdlet": "Set-Mailbox"}, 200))
    step = Step("s", "exchange", "Set-Mailbox", {"Identity": "alice@contoso.com"}, {"Alias": "x"})
    assert connected(tenant).exchange.perform(step, step.values) == {}


def test_truth_is_read_from_booleans_and_strings() -> None:
    assert [truth(value) for value in (True, "True", "true", False, "False", None)] == [True] * 3 + [False] * 3


def test_a_cmdlet_reads_as_an_administrator_would_type_it() -> None:
    line = command_line(
        "New-Mailbox",
        {"Name": "O'Brien", "Equipment": True, "ResourceCapacity": 4, "HiddenFromAddressListsEnabled": False,
         "BookInPolicy": ["a", "b"], "ResourceDelegates": [], "AdditionalResponse": None, "Confirm": False,
         "EmailAddresses": {"@odata.type": "#Exchange.GenericHashTable", "Add": ["x"]}},
    )  # fmt: skip
    assert line == (
        "New-Mailbox -Name 'O''Brien' -Equipment -ResourceCapacity 4 -HiddenFromAddressListsEnabled $false "
        "-BookInPolicy 'a','b' -ResourceDelegates @() -AdditionalResponse $null -Confirm:$false -EmailAddresses @{Add='x'}"
    )


# --- EWS --------------------------------------------------------------------------------------------------------------


AUGUST, SEPTEMBER = (datetime(2026, month, 1, tzinfo=timezone.utc) for month in (8, 9))


def test_ews_views_a_calendar_in_one_request_of_a_pinned_version(simulator: Start) -> None:
    tenant = simulator(seed={"automation": {"exchange_roles": ["Exchange.ManageAsApp", "full_access_as_app"]}})
    assert connected(tenant).calendars.view("alice@contoso.com", AUGUST, SEPTEMBER, "ews") == ("ews", [], [])
    assert [operation for one in tenant.wire() if "/EWS/" in one.path for operation in one.operations] == ["FindItem"]


def test_ews_shows_a_calendar_to_who_has_rights_on_nothing_else(tenant: Simulator) -> None:
    """Neither the root of the mailbox nor anything else is asked for on the way."""
    administrator, ends = Administrator(tenant), tenant.endpoints
    app = administrator.register("Reader", isFallbackPublicClient=True)
    exchange = administrator.resource("00000002-0000-0ff1-ce00-000000000000")
    grant = {"clientId": app["principal"]["id"], "resourceId": exchange["id"], "scope": "EWS.AccessAsUser.All"}
    administrator.call("POST", "/oauth2PermissionGrants", {**grant, "consentType": "AllPrincipals"})
    reviewed = {"Identity": "alice@contoso.com:\\Calendar", "User": "carol@contoso.com", "AccessRights": ["Reviewer"]}
    ExchangeAdministrator(tenant).run("Add-MailboxFolderPermission", **reviewed)
    client = msal.PublicClientApplication(
        app["appId"],
        authority=f"{ends['login_url']}/{ends['tenant_id']}",
        http_client=Session(ends["ca_path"]),
        instance_discovery=False,
    )
    flow = client.initiate_device_flow([f"{AUDIENCE}/EWS.AccessAsUser.All"])
    carol = {"username": "carol@contoso.com", "password": "Simulated-carol", "user_code": flow["user_code"]}
    Person(browser(ends["ca_path"]), **carol).visit(flow["verification_uri"])
    answer = client.acquire_token_by_device_flow(flow)

    tokens: Any = SimpleNamespace(token=lambda _resource: answer["access_token"])
    begin, end = (exchangelib.EWSDateTime.from_datetime(one) for one in (AUGUST, SEPTEMBER))
    for owner, shown in (("alice@contoso.com", True), ("bob@contoso.com", False)):
        box = account(owner, tokens, AUDIENCE, ends["outlook_url"], ends["ca_path"], 10, impersonate=False)
        with nullcontext() if shown else pytest.raises(exchangelib.errors.EWSError):
            assert list(calendar(box).view(begin, end)) == []
        box.protocol.close()


# --- both -------------------------------------------------------------------------------------------------------------


def test_graph_and_exchange_are_asked_at_the_same_time_with_one_sign_in_after_the_other(simulator: Start) -> None:
    slow = [{"match": {"service": f"^{one}$"}, "do": "delay", "seconds": 2.0} for one in ("graph", "outlook")]
    tenant = simulator(faults=slow)
    connection = connected(tenant)
    reads = connection.directory.organization, connection.mailboxes.organization
    organization, config = connection.together.of(*reads)
    assert (organization["id"], config["Name"]) == (tenant.auth()["tenant_id"], "contoso.onmicrosoft.com")

    requests = [one for one in tenant.wire() if one.service != "login"]
    first, second = sorted(datetime.fromisoformat(one.time).timestamp() for one in requests)
    assert second < first + requests[0].seconds
    assert sum(one.path.endswith("/token") for one in tenant.wire()) == 2
