# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's Exchange Online admin interface: wire format, access, binding, mailboxes, paging, batches."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from simulator import exchange, seed
from simulator.cmdlets import NOT_SIMULATED, REGISTRY
from simulator.tenant import Tenant
from starlette.applications import Starlette
from starlette.testclient import TestClient

AUDIENCE = "https://outlook.office365.com"
ADMIN = seed.DIRECTORY_ROLES["Exchange Administrator"]
RECIPIENT_ADMIN = seed.DIRECTORY_ROLES["Exchange Recipient Administrator"]
READER = seed.DIRECTORY_ROLES["Global Reader"]


class Exchange:
    """A client of one simulated tenant."""

    def __init__(self, directory: Path, lag: float = 0.0) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.tenant = Tenant(directory, lag)
        seed.plant(self.tenant, None)
        self.http = TestClient(Starlette(routes=exchange.routes(self.tenant, {"outlook": AUDIENCE})), AUDIENCE)
        self.token = self.app_token()

    def app_token(self, roles: tuple[str, ...] = ("Exchange.ManageAsApp",), wids: tuple[str, ...] = (ADMIN,)) -> str:
        app = self.tenant.settings["automation"]["client_id"]
        claims = {"appid": app, "oid": "11111111-1111-4111-8111-111111111111", "roles": [*roles], "wids": [*wids]}
        return self.tenant.tokens.issue(AUDIENCE, claims)

    def user_token(self, upn: str, scope: str = "Exchange.Manage") -> str:
        user = self.tenant.fresh.first("user", lambda one: one["userPrincipalName"] == upn)
        assert user is not None
        claims = {"appid": "fb78d390-0c51-40cd-8e17-fdbfab77341b", "oid": user["id"], "upn": upn, "scp": scope}
        return self.tenant.tokens.issue(AUDIENCE, claims)

    def send(self, cmdlet: str, query: str = "", headers: dict[str, str] | None = None, **parameters: Any) -> Any:
        return self.http.post(
            f"/adminapi/beta/{self.tenant.id}/InvokeCommand{query}",
            json={"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}},
            headers={"authorization": f"Bearer {self.token}", **(headers or {})},
        )

    def run(self, cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
        answer = self.send(cmdlet, **parameters)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["value"]
        return rows

    def one(self, cmdlet: str, **parameters: Any) -> dict[str, Any]:
        rows = self.run(cmdlet, **parameters)
        assert len(rows) == 1
        return rows[0]

    def fails(self, cmdlet: str, **parameters: Any) -> str:
        answer = self.send(cmdlet, **parameters)
        assert answer.status_code in (400, 404, 500), answer.text
        error = answer.json()["error"]
        text = (error.get("details") or [{}])[0].get("message") or error["innererror"]["internalexception"]["message"]
        return str(text)

    def raw(self, cmdlet: str, **parameters: Any) -> tuple[int, dict[str, str], bytes]:
        body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
        url, headers = f"/adminapi/beta/{self.tenant.id}/InvokeCommand", {"authorization": f"Bearer {self.token}"}
        with self.http.stream("POST", url, json=body, headers=headers) as answer:
            return answer.status_code, dict(answer.headers), b"".join(answer.iter_raw())


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


def test_unknown_and_unsimulated_cmdlets_are_not_allowed(exo: Exchange) -> None:
    for name in ("Get-Nonsense", "New-App"):
        status, headers, _ = exo.raw(name)
        assert status == 403
        assert f"'{name}' is not present in the role definition" in headers["x-ms-diagnostics"]
    assert "New-App" in NOT_SIMULATED
    assert not NOT_SIMULATED & {one.name for one in REGISTRY.values()}


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
        '"Nonsense" to type "Microsoft.Exchange.Data.Storage.CalendarProcessingFlags". Error: "Unable to match the identifier name '
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


# --- mailboxes --------------------------------------------------------------------------------------------------------


def equipment(exo: Exchange, name: str = "VMR Oslo", **more: Any) -> dict[str, Any]:
    return exo.one("New-Mailbox", Name=name, Equipment=True, **more)


def test_equipment_mailbox_comes_with_a_disabled_user(exo: Exchange) -> None:
    box = equipment(exo, PrimarySmtpAddress="vmr.oslo@contoso.com", DisplayName="VMR i Oslo")
    assert (box["RecipientTypeDetails"], box["ResourceType"], box["IsResource"]) == (
        "EquipmentMailbox",
        "Equipment",
        True,
    )
    assert box["Alias"] == "VMROslo"
    assert box["EmailAddresses"] == ["SMTP:vmr.oslo@contoso.com", "smtp:VMROslo@contoso.onmicrosoft.com"]
    assert box["EmailAddressPolicyEnabled"] is False
    user = exo.tenant.fresh.get("user", box["ExternalDirectoryObjectId"])
    assert user is not None
    assert (user["accountEnabled"], user["mail"], user["displayName"]) == (False, "vmr.oslo@contoso.com", "VMR i Oslo")
    assert exo.one("Get-Mailbox", Identity="vmr.oslo@contoso.com")["Guid"] == box["Guid"]


def test_default_address_is_the_alias_at_the_default_domain(exo: Exchange) -> None:
    assert equipment(exo)["PrimarySmtpAddress"] == "VMROslo@contoso.com"


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ({"Name": "Alice Anker"}, 'property "Name" is used'),
        ({"Name": "Møterom"}, "isn't valid"),
        ({"Name": "x" * 65}, "maximum length is 64"),
        ({"Name": "a", "PrimarySmtpAddress": "alice@contoso.com"}, "ProxyAddressExistsException|The proxy address"),
        ({"Name": "dave"}, "ExB10BE9|"),
        ({"Name": "a", "PrimarySmtpAddress": "a@contoso-lab.com"}, "not an accepted domain"),
        ({"Name": "a", "PrimarySmtpAddress": "a@elsewhere.org"}, "not an accepted domain"),
        ({"Name": "a", "PrimarySmtpAddress": "no address"}, "valid SMTP address"),
    ],
)
def test_refused_mailboxes_leave_nothing_behind(exo: Exchange, parameters: dict[str, Any], part: str) -> None:
    users = len(exo.tenant.fresh.all("user"))
    assert part in exo.fails("New-Mailbox", Equipment=True, **parameters)
    assert len(exo.tenant.fresh.all("user")) == users


def test_not_found_is_the_captured_envelope_with_a_switch_for_its_status(exo: Exchange) -> None:
    answer = exo.send("Get-Mailbox", Identity="nobody")
    body = answer.json()
    assert (answer.status_code, body["error"]["code"]) == (400, "BadRequest")
    assert body["error"]["message"] == "Error executing cmdlet"
    assert body["error"]["details"][0]["message"].startswith(
        "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be "
        "performed because object 'nobody' couldn't be found on '"
    )
    assert body["@adminapi.warnings"] == []
    exo.tenant.store.put("setting", "switches", {"not_found_status": 404})
    answer = exo.send("Get-Mailbox", Identity="nobody")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound")


def test_every_identity_finds_the_mailbox(exo: Exchange) -> None:
    box = equipment(exo, PrimarySmtpAddress="vmr@contoso.com")
    keys = "Guid ExchangeGuid ExternalDirectoryObjectId Alias UserPrincipalName DistinguishedName LegacyExchangeDN Name"
    for identity in (*(box[key] for key in keys.split()), "VMR@CONTOSO.COM", "vmroslo@contoso.onmicrosoft.com"):
        assert exo.one("Get-Mailbox", Identity=identity)["Guid"] == box["Guid"]


def test_two_mailboxes_of_one_display_name_are_ambiguous(exo: Exchange) -> None:
    for name in ("a", "b"):
        equipment(exo, name, DisplayName="Twin")
    answer = exo.send("Get-Mailbox", Identity="Twin")
    assert answer.status_code == 500
    assert 'multiple recipients matching identity "Twin"' in answer.json()["error"]["details"][0]["message"]


def test_lists_filter(exo: Exchange) -> None:
    equipment(exo)
    assert [box["Name"] for box in exo.run("Get-Mailbox", RecipientTypeDetails=["EquipmentMailbox"])] == ["VMR Oslo"]
    assert [box["Name"] for box in exo.run("Get-Mailbox", Filter="DisplayName -eq 'Bob O''Brien'")] == ["Bob O'Brien"]
    assert [box["Name"] for box in exo.run("Get-Mailbox", Anr="Car")] == ["Carol Chen"]
    assert "Invalid filter syntax" in exo.fails("Get-Mailbox", Filter="DisplayName -eq 'Bob O'Brien'")


def test_set_mailbox_changes_addresses_by_the_services_rules(exo: Exchange) -> None:
    equipment(exo, PrimarySmtpAddress="vmr@contoso.com")
    change = {"@odata.type": "#Exchange.GenericHashTable", "Add": ["smtp:two@contoso.com"]}
    assert exo.run("Set-Mailbox", Identity="vmr@contoso.com", EmailAddresses=change, CustomAttribute3="VMR") == []
    box = exo.one("Get-Mailbox", Identity="two@contoso.com")
    assert (box["PrimarySmtpAddress"], box["CustomAttribute3"]) == ("vmr@contoso.com", "VMR")
    exo.run("Set-Mailbox", Identity="vmr@contoso.com", WindowsEmailAddress="two@contoso.com")
    box = exo.one("Get-Mailbox", Identity="vmr@contoso.com")
    assert box["PrimarySmtpAddress"] == "two@contoso.com"
    assert "smtp:vmr@contoso.com" in box["EmailAddresses"]
    exo.run("Set-Mailbox", Identity="VMROslo", EmailAddresses=["three@contoso.com", "SMTP:four@contoso.com"])
    assert exo.one("Get-Mailbox", Identity="VMROslo")["EmailAddresses"] == [
        "smtp:three@contoso.com",
        "SMTP:four@contoso.com",
    ]
    taken = exo.fails("Set-Mailbox", Identity="VMROslo", EmailAddresses=["SMTP:alice@contoso.com"])
    assert "ProxyAddressExistsException" in taken
    assert "AmbiguousParameterSet" in exo.fails("Set-Mailbox", Identity="VMROslo", PrimarySmtpAddress="a@contoso.com")


def test_set_mailbox_without_effect_warns(exo: Exchange) -> None:
    answer = exo.send("Set-Mailbox", Identity="alice", HiddenFromAddressListsEnabled=False)
    assert answer.json()["value"] == []
    assert answer.json()["@adminapi.warnings"][0].startswith("The command completed successfully but no settings of '")


def test_send_on_behalf_reads_back_as_display_names(exo: Exchange) -> None:
    exo.run("Set-Mailbox", Identity="alice", GrantSendOnBehalfTo=["bob@contoso.com"])
    assert exo.one("Get-Mailbox", Identity="alice")["GrantSendOnBehalfTo"] == ["Bob O'Brien"]
    text = exo.fails("Set-Mailbox", Identity="alice", GrantSendOnBehalfTo=["bob@contoso.com", "bob"])
    assert text.endswith('"GrantSendOnBehalfTo" contains the following duplicated recipient identity: "Bob O\'Brien".')
    exo.run("Set-Mailbox", Identity="alice", GrantSendOnBehalfTo={"@odata.type": "#Exchange.GenericHashTable"})
    assert exo.one("Get-Mailbox", Identity="alice")["GrantSendOnBehalfTo"] == []


def test_removed_mailboxes_are_soft_deleted_then_purged(exo: Exchange) -> None:
    box = equipment(exo, PrimarySmtpAddress="vmr@contoso.com")
    assert "couldn't be found" in exo.fails("Remove-Mailbox", Identity=box["Guid"], PermanentlyDelete=True)
    exo.run("Remove-Mailbox", Identity=box["Guid"], Confirm=False)
    assert "couldn't be found" in exo.fails("Get-Mailbox", Identity=box["Guid"])
    assert (exo.tenant.fresh.get("user", box["ExternalDirectoryObjectId"]) or {})["deletedDateTime"]
    gone = exo.one("Get-Mailbox", Identity=box["Guid"], SoftDeletedMailbox=True)
    assert gone["IsSoftDeletedByRemove"] is True
    equipment(exo, PrimarySmtpAddress="vmr@contoso.com")
    exo.run("Remove-Mailbox", Identity=box["Guid"], PermanentlyDelete=True, Confirm=False)
    assert exo.run("Get-Mailbox", SoftDeletedMailbox=True) == []


def test_what_if_changes_nothing(exo: Exchange) -> None:
    assert exo.run("New-Mailbox", Name="x", Room=True, ResourceCapacity=4, WhatIf=True) == []
    assert "couldn't be found" in exo.fails("Get-Mailbox", Identity="x")


# --- calendar processing ----------------------------------------------------------------------------------------------


def test_calendar_processing_defaults_and_changes(exo: Exchange) -> None:
    box = equipment(exo)
    settings = exo.one("Get-CalendarProcessing", Identity=box["Guid"])
    assert (settings["AutomateProcessing"], settings["DeleteComments"]) == ("AutoAccept", True)
    exo.run("Set-CalendarProcessing", Identity=box["Guid"], DeleteComments=False, BookInPolicy=["alice", "vmr-users"])
    settings = exo.one("Get-CalendarProcessing", Identity=box["Guid"])
    assert settings["DeleteComments"] is False
    assert [entry.partition("cn=Recipients/cn=")[0] for entry in settings["BookInPolicy"]] == [
        "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/"
    ] * 2
    exo.run("Set-CalendarProcessing", Identity=box["Guid"], BookInPolicy=None)
    assert exo.one("Get-CalendarProcessing", Identity=box["Guid"])["BookInPolicy"] == []
    again = exo.send("Set-CalendarProcessing", Identity=box["Guid"], DeleteComments=False).json()
    assert "no settings of" in again["@adminapi.warnings"][0]


@pytest.mark.parametrize(("name", "value"), [("BookingWindowInDays", 1081), ("ConflictPercentageAllowed", 101)])
def test_calendar_processing_ranges(exo: Exchange, name: str, value: int) -> None:
    assert "must be between 0 and" in exo.fails("Set-CalendarProcessing", Identity="alice", **{name: value})


def test_a_new_mailbox_is_found_by_some_reads_only_while_replicas_lag(tmp_path: Path) -> None:
    exo = Exchange(tmp_path / "slow", lag=60.0)
    box = equipment(exo)
    answers = [
        exo.send("Set-CalendarProcessing", Identity=box["Guid"], DeleteSubject=False).status_code for _ in range(4)
    ]
    assert answers == [400, 200, 400, 200]
    assert exo.run("Get-Mailbox", RecipientTypeDetails="EquipmentMailbox") == []
    exo.tenant.store.settle()
    assert exo.one("Get-CalendarProcessing", Identity=box["Guid"])["DeleteSubject"] is False


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


def test_lists_stay_quick_with_a_thousand_mailboxes(exo: Exchange) -> None:
    started = time.monotonic()
    assert exo.run("Get-Mailbox", ResultSize="Unlimited")
    assert time.monotonic() - started < 5
