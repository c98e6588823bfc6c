# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's Exchange Online admin interface: wire format, access, binding, paging, batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from simulator import exchange, exchange_command
from simulator.cmdlets import DOCUMENTED, REGISTRY
from simulator.cmdlets.binding import contract
from simulator.exchange_roles import ROLE_GROUPS, ROLES
from starlette.applications import Starlette
from starlette.testclient import TestClient
from unit.simulator.exchange_client import ADMIN, AUDIENCE, READER, Exchange


@pytest.fixture
def exo(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path / "tenant")


# --- the wire ---------------------------------------------------------------------------------------------------------


def test_answer_has_the_captured_envelope_and_annotations(exo: Exchange) -> None:
    answer = exo.send("Get-Mailbox", Identity="alice@contoso.com")
    body = answer.json()
    assert body["@odata.context"].endswith(f"/beta/{exo.tenant.id}/$metadata#Collection(Exchange.GenericHashTable)")
    assert body["adminapi.warnings@odata.type"] == "#Collection(String)"
    assert body["@adminapi.warnings"] == []
    box = body["value"][0]
    assert box["EmailAddresses@odata.type"] == "#Collection(String)"
    assert (box["ExchangeGuid@data.type"], box["ExchangeGuid@odata.type"]) == ("System.Guid", "#Guid")
    assert box["WhenCreated@data.type"] == "System.DateTime"
    assert box["WhenCreated"].endswith(".0000000+00:00")
    assert box["WhenCreatedUTC"].endswith(".0000000Z")
    assert not [name for name in box if name.startswith("_")]
    assert "DisplayName@data.type" not in box
    assert answer.headers["content-type"].startswith("application/json;odata.metadata=minimal")
    assert answer.headers["odata-version"] == "4.0"


def test_integers_are_annotated_and_select_keeps_only_what_it_names(exo: Exchange) -> None:
    row = exo.send("Get-CalendarProcessing", "?%24select=BookingWindowInDays", Identity="alice").json()["value"][0]
    assert row == {"BookingWindowInDays@data.type": "System.Int32", "BookingWindowInDays": 180}


@pytest.mark.parametrize("path", ["/adminApi/beta/{}/InvokeCommand", "/AdminApi/Beta/{}/invokecommand"])
def test_path_and_tenant_in_any_form(exo: Exchange, path: str) -> None:
    command = {"CmdletInput": {"CmdletName": "get-mailbox", "Parameters": {}}}
    for tenant in (exo.tenant.id, "contoso.onmicrosoft.com", "contoso.com"):
        headers = {"authorization": f"Bearer {exo.token}"}
        assert exo.http.post(path.format(tenant), json=command, headers=headers).status_code == 200


def test_version_one_has_no_commands(exo: Exchange) -> None:
    assert exo.http.post(f"/adminapi/v1.0/{exo.tenant.id}/InvokeCommand", json={}).status_code == 405


def test_parameters_must_be_an_object(exo: Exchange) -> None:
    body = {"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": None}}
    url, headers = f"/adminapi/beta/{exo.tenant.id}/InvokeCommand", {"authorization": f"Bearer {exo.token}"}
    assert exo.http.post(url, json=body, headers=headers).status_code == 400


# --- access -----------------------------------------------------------------------------------------------------------


def test_tokens_that_are_missing_or_lack_the_application_role_are_401(exo: Exchange) -> None:
    graph = exo.tenant.tokens.issue("https://graph.microsoft.com", {"appid": "a", "oid": "b"})
    expired = exo.tenant.tokens.issue(AUDIENCE, {"appid": "a", "oid": "b"}, -10)
    for token in ("", "rubbish", graph, expired, exo.app_token(roles=("full_access_as_app",))):
        exo.token = token
        answer = exo.send("Get-Mailbox")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_without_directory_role_the_answer_is_nul_bytes_declared_gzip(exo: Exchange) -> None:
    exo.token = exo.app_token(wids=())
    status, headers, content = exo.raw("Get-Mailbox")
    assert (status, set(content), headers["content-encoding"]) == (403, {0}, "gzip")
    assert "isn't supported in this scenario" in headers["x-ms-diagnostics"]
    assert "content-type" not in headers


def test_unknown_cmdlets_are_not_allowed(exo: Exchange) -> None:
    status, headers, _rest = exo.raw("Get-Nonsense")
    assert status == 403
    assert "'Get-Nonsense' is not present in the role definition" in headers["x-ms-diagnostics"]


def test_every_documented_cmdlet_is_simulated_and_in_a_role() -> None:
    simulated = {one.name for one in REGISTRY.values()}
    assert simulated == set(DOCUMENTED.values())
    assert simulated == {name for names in ROLES.values() for name in names}
    assert {role for roles in ROLE_GROUPS.values() for role in roles} == set(ROLES)


def test_readers_read(exo: Exchange) -> None:
    exo.token = exo.app_token(wids=(READER,))
    assert exo.run("Get-Mailbox")
    assert exo.raw("Set-Mailbox", Identity="alice", Office="1")[0] == 403


def test_users_need_the_scope_and_a_directory_role(exo: Exchange) -> None:
    exo.token = exo.user_token("alice@contoso.com", "EWS.AccessAsUser.All")
    assert exo.raw("Get-Mailbox")[0] == 401
    exo.token = exo.user_token("alice@contoso.com")
    assert exo.raw("Get-Mailbox")[0] == 403
    user = exo.tenant.fresh.first("user", lambda one: one["userPrincipalName"] == "alice@contoso.com") or {}
    assignment = {"id": "x-1", "roleDefinitionId": ADMIN, "principalId": user["id"], "directoryScopeId": "/"}
    exo.tenant.store.put("roleAssignment", "x-1", assignment)
    assert exo.run("Get-Mailbox")


def test_module_file_lists_what_the_caller_may_run(exo: Exchange) -> None:
    def names() -> list[str]:
        headers = {"authorization": f"Bearer {exo.token}", "commandname": "*"}
        answer = exo.http.get(f"/adminapi/v1.0/{exo.tenant.id}/EXOModuleFile?Version=3.9.2", headers=headers)
        return str(answer.json()["value"][0]["exportedCmdlets"]).split(",")

    assert "New-Mailbox" in names()
    exo.token = exo.app_token(wids=(READER,))
    assert "New-Mailbox" not in names()


# --- binding ----------------------------------------------------------------------------------------------------------


def test_unknown_parameter_is_the_captured_body(exo: Exchange) -> None:
    answer = exo.send("Get-Mailbox", BogusParameter="x")
    text = (
        "Parameter set cannot be resolved using the specified named parameters. Invalid cmdlet parameters specified. "
        "BogusParameter"
    )
    kind = "Microsoft.Exchange.AdminApi.CommandInvocation.AmbiguousParameterSetException"
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "code": "BadRequest",
            "message": "Invalid Operation",
            "details": [{"code": "Client", "target": "", "message": f"|{kind}|{text}"}],
            "innererror": {
                "message": "Invalid Operation",
                "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                "stacktrace": "",
                "internalexception": {"message": text, "type": kind, "stacktrace": ""},
            },
        }
    }


def test_wrong_enumerator_is_the_captured_sentence(exo: Exchange) -> None:
    body = exo.send("Set-CalendarProcessing", Identity="alice", AutomateProcessing="Nonsense").json()
    assert "details" not in body["error"]
    assert body["error"]["@adminapi.warnings"] == []
    inner = body["error"]["innererror"]["internalexception"]
    assert inner["type"].endswith("ParameterTransformationException")
    assert inner["message"] == (
        "Cannot process argument transformation on parameter 'AutomateProcessing'. Cannot convert value "
        '"Nonsense" to type "Microsoft.Exchange.Data.Storage.CalendarProcessingFlags". Error: "Unable to match the '
        "identifier name "
        "Nonsense to a valid enumerator name. Specify one of the following enumerator names and try again: None, "
        'AutoUpdate, AutoAccept"'
    )


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("AllowConflicts", "true"),
        ("AllowConflicts", None),
        ("BookingWindowInDays", "soon"),
        ("BookingWindowInDays", 1.5),
        ("BookInPolicy", {"@odata.type": "#Exchange.GenericHashTable", "Add": ["bob"]}),
        ("Confirm", "false"),
        ("AdditionalResponse", ["a"]),
    ],
)
def test_values_of_the_wrong_type_are_refused(exo: Exchange, parameter: str, value: Any) -> None:
    text = exo.fails("Set-CalendarProcessing", Identity="alice", **{parameter: value})
    assert text.startswith(f"Cannot process argument transformation on parameter '{parameter}'.")


def test_missing_and_conflicting_parameters(exo: Exchange) -> None:
    assert "Missing mandatory parameters: Identity" in exo.fails("Get-CalendarProcessing")
    assert "Missing mandatory parameters: Name" in exo.fails("New-Mailbox", Equipment=True)
    conflict = exo.fails("New-Mailbox", Name="x", Equipment=True, ResourceCapacity=4)
    assert conflict.endswith(
        "AmbiguousParameterSetException|Parameter set cannot be resolved using the specified named parameters."
    )
    assert "AmbiguousParameterSet" in exo.fails("Get-Mailbox", Identity="alice", Anr="a")


def test_names_are_free_of_case_and_common_parameters_pass(exo: Exchange) -> None:
    assert exo.run("get-mailbox", identity="ALICE@contoso.com", ErrorAction="Stop", warningaction="Continue")


# --- paging and batches -----------------------------------------------------------------------------------------------


def test_pages_are_read_by_posting_the_same_body_again(exo: Exchange) -> None:
    first = exo.send("Get-Mailbox", headers={"prefer": "odata.maxpagesize=2"}, ResultSize="Unlimited").json()
    assert len(first["value"]) == 2
    query = first["@odata.nextLink"].partition("InvokeCommand")[2]
    assert query.startswith("?%24skiptoken=")
    second = exo.send("Get-Mailbox", query, headers={"prefer": "odata.maxpagesize=2"}, ResultSize="Unlimited").json()
    assert [box["Alias"] for box in first["value"] + second["value"]] == ["alice", "bob", "carol"]
    assert "@odata.nextLink" not in second
    for bad in (exo.send("Get-Mailbox", query), exo.send("Get-Mailbox", "?%24skiptoken=bm9uc2Vuc2U")):
        assert bad.status_code == 400
        inner = bad.json()["error"]["innererror"]["internalexception"]["message"]
        assert inner == "Expired or Invalid pagination request. Default Expiry time is 00:30:00"


def test_links_expire_and_can_be_switched_off(exo: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    def follow() -> int:
        page = exo.send("Get-Mailbox", headers={"prefer": "odata.maxpagesize=1"}, ResultSize="Unlimited").json()
        query = page["@odata.nextLink"].partition("InvokeCommand")[2]
        return int(exo.send("Get-Mailbox", query, ResultSize="Unlimited").status_code)

    assert follow() == 200
    monkeypatch.setattr(exchange_command, "LINK_SECONDS", -1)
    assert follow() == 400
    monkeypatch.undo()
    assert follow() == 200
    exo.tenant.store.put("setting", "switches", {"follow_next_link": False})
    assert follow() == 400


def test_result_size_cuts_short_with_a_warning_and_a_dead_link(exo: Exchange) -> None:
    page = exo.send("Get-Mailbox", ResultSize=1).json()
    assert len(page["value"]) == 1
    assert page["@adminapi.warnings"][0].startswith("There are more results available than are currently displayed.")
    assert (
        exo.send("Get-Mailbox", page["@odata.nextLink"].partition("InvokeCommand")[2], ResultSize=1).status_code == 400
    )


def batch(exo: Exchange, items: list[dict[str, Any]]) -> Any:
    url = f"/adminapi/beta/{exo.tenant.id}/$batch"
    return exo.http.post(url, json={"requests": items}, headers={"authorization": f"Bearer {exo.token}"})


def item(exo: Exchange, key: str, cmdlet: str, base: str = AUDIENCE, **parameters: Any) -> dict[str, Any]:
    return {
        "id": key,
        "method": "POST",
        "url": f"{base}/adminapi/beta/{exo.tenant.id}/InvokeCommand?$select=Alias",
        "headers": {"Prefer": "odata.maxpagesize=2"},
        "body": {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}},
    }


def test_batch_items_succeed_and_fail_on_their_own(exo: Exchange) -> None:
    items = [
        item(exo, "1", "Get-Mailbox", Identity="alice"),
        item(exo, "2", "Get-Mailbox", base="", Identity="nobody"),
        item(exo, "3", "Get-Mailbox", ResultSize="Unlimited"),
        item(exo, "4", "Get-Nonsense"),
    ]
    answers = {one["id"]: one for one in batch(exo, items).json()["responses"]}
    assert {key: one["status"] for key, one in answers.items()} == {"1": 200, "2": 400, "3": 200, "4": 403}
    assert answers["1"]["body"]["value"] == [{"Alias": "alice"}]
    assert answers["2"]["body"]["error"]["details"]
    assert "@odata.nextLink" in answers["3"]["body"]


def test_batches_hold_ten_items(exo: Exchange) -> None:
    items = [item(exo, str(number), "Get-Mailbox", Identity="alice") for number in range(11)]
    assert batch(exo, items).status_code == 400
    assert batch(exo, items[:10]).status_code == 200


def test_a_tenant_may_send_its_clients_to_its_region(exo: Exchange) -> None:
    exo.tenant.store.put("setting", "switches", {"regional_host": "eurprd01.outlook.office365.com"})
    command = {"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": {"Identity": "alice"}}}
    path, headers = f"/adminapi/beta/{exo.tenant.id}/InvokeCommand", {"authorization": f"Bearer {exo.token}"}
    answer = exo.http.post(f"{path}?$select=Name", json=command, headers=headers, follow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["location"] == f"https://eurprd01.outlook.office365.com{path}?$select=Name"
    assert "exchangecookie=" in answer.headers["set-cookie"]
    again = exo.http.post(answer.headers["location"], json=command, headers=headers)
    assert again.json()["value"] == [{"Name": "Alice Anker"}]


# --- the contract -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ({"CmdletName": "get-mailbox", "Parameters": {"identity": "alice"}}, None),
        ({"CmdletName": "Set-Mailbox", "Parameters": {"Identity": "alice", "Colour": "red"}}, "Colour"),
        ({"CmdletName": "Set-Mailbox", "Parameters": {"Identity": "alice", "ResourceCapacity": "many"}}, "many"),
        ({"CmdletName": "Set-Mailbox", "Parameters": {}}, "Missing mandatory parameters: Identity"),
        ({"CmdletName": "New-App", "Parameters": {"FileData": "text"}}, "isn't an Exchange.ByteArrayType"),
        ({"CmdletName": "Get-Nonsense", "Parameters": {}}, "there is no cmdlet Get-Nonsense"),
        ({"CmdletName": "Get-Mailbox", "Parameters": None}, "not a command"),
    ],
)
def test_what_does_not_fit_the_documented_parameters_is_told(
    exo: Exchange, command: dict[str, Any], text: str | None
) -> None:
    told: list[str] = []
    http = TestClient(Starlette(routes=exchange.routes(exo.tenant, {"outlook": AUDIENCE}, told.append)), AUDIENCE)
    headers, body = {"authorization": f"Bearer {exo.token}"}, {"CmdletInput": command}
    with http.stream("POST", f"/adminapi/beta/{exo.tenant.id}/InvokeCommand", json=body, headers=headers):
        pass  # what is no cmdlet answers NUL bytes declared gzip
    batch = {"requests": [{"id": "1", "method": "POST", "url": f"/adminapi/beta/{exo.tenant.id}/InvokeCommand"}]}
    batch["requests"][0]["body"] = body  # type: ignore[assignment]
    http.post(f"/adminapi/beta/{exo.tenant.id}/$batch", json=batch, headers=headers)
    assert [one for one in told if text and text in one] == (told if text else [])
    assert len(told) == (2 if text else 0)


_READS = sorted(
    name for name in DOCUMENTED.values() if name.startswith("Get-") and "identity" in contract(name).parameters
)
_IDENTITIES = {"Get-MailboxFolderPermission": "nobody:\\Calendar", "Get-ManagementRoleEntry": "Nobody\\Get-Mailbox"}


@pytest.mark.parametrize("cmdlet", _READS)
def test_an_identity_that_is_not_there_is_an_error_and_no_empty_list(exo: Exchange, cmdlet: str) -> None:
    given: dict[str, Any] = {"Identity": _IDENTITIES.get(cmdlet, "nobody")}
    given |= {"OrganizationApp": True} if cmdlet == "Get-App" else {}
    assert "couldn't be found" in exo.fails(cmdlet, **given)
    exo.tenant.store.put("setting", "switches", {"not_found_status": 404})
    assert exo.send(cmdlet, **given).status_code == 404
