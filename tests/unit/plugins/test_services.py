# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service clients against the simulated services: paging, batches, errors in the service's words, EWS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Step
from ansible_collections.vmrops.o365.plugins.module_utils._services.ews import account
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


def test_ews_opens_a_calendar_with_the_same_token_and_a_pinned_version(simulator: Start) -> None:
    tenant = simulator(seed={"automation": {"exchange_roles": ["Exchange.ManageAsApp", "full_access_as_app"]}})
    connection = connected(tenant)
    resource, url = connection.cloud.outlook_resource, tenant.endpoints["outlook_url"]
    box = account(
        "alice@contoso.com", connection.tokens, resource, url, tenant.endpoints["ca_path"], 10, impersonate=True
    )
    assert list(box.calendar.all()) == []
    box.protocol.close()
    operations = [operation for one in tenant.wire() for operation in one.operations]
    assert "FindItem" in operations
    assert "ConvertId" not in operations, "the version is not guessed"


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
