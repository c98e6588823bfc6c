# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""o365_oauth_app through real ansible-playbook, against a simulated tenant."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from support.ansible import Ansible, Result
from support.examples import examples
from support.graph import Administrator, certificate_credential, sign_in
from support.returned import differences
from support.simulator import Simulator, wherever

MODULE = "o365_oauth_app"
NAME = "pexip-vmr-scheduling"
APP: dict[str, Any] = {"unique_name": NAME, "display_name": "Pexip VMR scheduling"}
GRAPH, EXCHANGE = "00000003-0000-0000-c000-000000000000", "00000002-0000-0ff1-ce00-000000000000"
EWS = {"resource": "Office 365 Exchange Online", "delegated": ["EWS.AccessAsUser.All"]}
CALENDARS = {"resource": "Microsoft Graph", "application": ["Calendars.Read"]}
CONSENT: dict[str, Any] = {"permissions": [EWS, CALENDARS], "admin_consent": True}
REDIRECT = "https://infinity.contoso.com/admin/platform/msexchangeconnector/oauth_redirect/"

Tenants = Callable[..., Simulator]


def task(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, f"vmrops.o365.{MODULE}": options}


def auth(tenant: Simulator) -> dict[str, Any]:
    """Long enough for every wait here, and short enough for a test that waits in vain."""
    return {**tenant.auth(), "wait_timeout": 60}


def app(tenant: Simulator, ansible: Ansible, more: dict[str, Any] | None = None, **run: Any) -> Result:
    """The module's result for the usual application; ``more`` are options on top."""
    return ansible.module(MODULE, {**APP, **(more or {})}, auth(tenant), **run).ok().last


def summaries(result: Result) -> list[str]:
    return [step["summary"] for step in result["steps"]]


def count(tenant: Simulator, method: str, path: str, status: int = 0, since: int = 0) -> int:
    """Requests whose path ends so, with that status (0: whatever the answer)."""
    return sum(
        one.method == method and one.path.endswith(path) and status in (0, one.status) for one in tenant.wire(since)
    )


def certificate(directory: Path, name: str, passphrase: str = "") -> Path:
    """A PEM file with a new self-signed certificate and its key."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    lock = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    path = directory / f"{name}.pem"
    directory.mkdir(parents=True, exist_ok=True)
    path.write_bytes(key.private_bytes(*form) + signed.public_bytes(serialization.Encoding.PEM))
    return path


def patch(tenant: Simulator, kind: str, key: str, **changes: Any) -> None:
    """Change an object behind the tenant's back, as time or another administrator would have."""
    with sqlite3.connect(tenant.state / "tenant.sqlite") as database:
        row = database.execute("SELECT body FROM documents WHERE kind = ? AND id = ?", (kind, key.lower())).fetchone()
        body = json.dumps({**json.loads(row[0]), **changes})
        database.execute("UPDATE documents SET body = ? WHERE kind = ? AND id = ?", (body, kind, key.lower()))
    database.close()


def granted(administrator: Administrator, principal_id: str) -> set[str]:
    """The names of the application permissions that a service principal was granted."""
    names = {role["id"]: role["value"] for key in (GRAPH, EXCHANGE) for role in administrator.resource(key)["appRoles"]}
    found = administrator.all(f"/servicePrincipals/{principal_id}/appRoleAssignments")
    return {names[one["appRoleId"]] for one in found}


def scopes(administrator: Administrator, principal_id: str) -> dict[str, set[str]]:
    """The delegated permissions by whom they were granted for: a user's id, or "" for everybody."""
    found = administrator.all(f"/servicePrincipals/{principal_id}/oauth2PermissionGrants")
    return {one["principalId"] or "": set(one["scope"].split()) for one in found}


# --- life -------------------------------------------------------------------------------------------------------------


def full(directory: Path) -> dict[str, Any]:
    """Every option that adds something."""
    return {
        **CONSENT,
        "sign_in_audience": "AzureADMultipleOrgs",
        "redirect_uris": {"web": [REDIRECT], "public_client": ["http://localhost"]},
        "secret": {"display_name": "pexip"},
        "certificates": [str(certificate(directory, "pexip"))],
        "owners": ["alice@contoso.com"],
    }


def test_check_mode_predicts_the_steps_and_writes_nothing(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    more = full(tmp_path)
    with tenant.no_writes():
        predicted = app(tenant, ansible, more, check=True, diff=True)
    applied = app(tenant, ansible, more, diff=True)
    assert predicted.changed
    assert applied.changed
    for result in (predicted, applied):
        # The end of a secret is chosen anew in every run.
        assert result["steps"][-1]["body"]["passwordCredential"].pop("endDateTime")
    assert predicted["steps"] == applied["steps"]
    assert predicted["diff"] == applied["diff"]
    assert summaries(applied) == [
        f"register the application {NAME}",
        f"create the service principal of {NAME}",
        f"make alice@contoso.com an owner of {NAME}",
        "consent to the delegated permissions EWS.AccessAsUser.All of Office 365 Exchange Online for everybody",
        "grant the application permission Calendars.Read of Microsoft Graph",
        "add the client secret pexip",
    ]
    assert applied["diff"]["before"] == {"state": "absent"}
    after = applied["diff"]["after"]
    assert after["permissions"] == {
        "Office 365 Exchange Online": ["EWS.AccessAsUser.All"],
        "Microsoft Graph": ["Calendars.Read"],
    }
    assert after["consent"] == after["permissions"]
    assert after["redirect_uris.web"] == [REDIRECT]
    assert after["certificates"] == ["pexip"]
    assert predicted["application"]["app_id"] == "<application.appId>"
    assert "secret" not in predicted.result


def test_r8_second_run_writes_nothing(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    more = full(tmp_path)
    first = app(tenant, ansible, more)
    with tenant.no_writes():
        second = app(tenant, ansible, more, diff=True)
    assert not second.changed
    assert second["steps"] == []
    assert second["diff"]["before"] == second["diff"]["after"]
    assert second["application"] == first["application"]
    assert "secret" not in second.result


def test_result_has_what_pexip_asks_for(tenant: Simulator, ansible: Ansible) -> None:
    result = app(tenant, ansible, {"redirect_uris": {"web": [REDIRECT]}, "secret": {}})
    found = Administrator(tenant).application(NAME)
    base = f"{tenant.endpoints['login_url']}/{tenant.endpoints['tenant_id']}/oauth2/v2.0"
    shown = result["application"]
    assert (shown["app_id"], shown["object_id"]) == (found["appId"], found["id"])
    assert (shown["authorization_endpoint"], shown["token_endpoint"]) == (f"{base}/authorize", f"{base}/token")
    assert shown["redirect_uris"] == {"web": [REDIRECT], "public_client": []}
    assert shown["secrets"] == [
        {"key_id": result["secret"]["key_id"], "display_name": "vmrops.o365", "end": result["secret"]["end"]}
    ]
    assert "access_token" in sign_in(tenant, shown["app_id"], result["secret"]["value"])


def test_change_touches_only_what_is_named(tenant: Simulator, ansible: Ansible) -> None:
    made = app(tenant, ansible, {"redirect_uris": {"web": [REDIRECT], "public_client": ["http://localhost"]}})
    app_id = made["application"]["app_id"]
    mark = tenant.mark()
    run = ansible.tasks(
        [
            task("rename", app_id=app_id, display_name="Pexip"),
            task("move", unique_name=NAME, redirect_uris={"web": [REDIRECT, f"{REDIRECT}2"]}),
            task("again", unique_name=NAME, redirect_uris={"web": [f"{REDIRECT}2", REDIRECT]}),
            task("clear", unique_name=NAME, redirect_uris={"web": []}),
        ],
        auth(tenant),
        diff=True,
    ).ok()
    assert [one.changed for one in run.results] == [True, True, False, True]
    assert run["rename"]["diff"]["before"] == {"state": "present", "display_name": "Pexip VMR scheduling"}
    assert [one.request for one in tenant.writes(mark)] == [
        {"displayName": "Pexip"},
        {"web": {"redirectUris": [REDIRECT, f"{REDIRECT}2"]}},
        {"web": {"redirectUris": []}},
    ]
    assert run["clear"]["application"]["redirect_uris"] == {"web": [], "public_client": ["http://localhost"]}


def test_absent_and_purge(tenant: Simulator, ansible: Ansible) -> None:
    made = app(tenant, ansible, CONSENT)
    with tenant.no_writes():
        check = ansible.module(MODULE, {"unique_name": NAME, "state": "absent"}, auth(tenant), check=True).ok().last
    run = ansible.tasks(
        [
            task("absent", unique_name=NAME, state="absent"),
            task("absent again", unique_name=NAME, state="absent"),
            task("purge", unique_name=NAME, state="absent", deleted="purge"),
            task("purge again", unique_name=NAME, state="absent", deleted="purge"),
            {**task("new", **APP), "register": "new"},
            task("by id", app_id="{{ new.application.app_id }}", state="absent"),
            task("purge by id", app_id="{{ new.application.app_id }}", state="absent", deleted="purge"),
            {**task("newer", **APP), "register": "newer"},
            task("both", app_id="{{ newer.application.app_id }}", state="absent", deleted="purge"),
            task("unknown", app_id=made["application"]["app_id"], state="absent"),
        ],
        auth(tenant),
        diff=True,
    ).ok()
    assert check["steps"] == run["absent"]["steps"]
    assert run["absent"]["diff"] == {"before": {"state": "present"}, "after": {"state": "absent"}}
    assert run["absent"]["application"] is None
    assert [one.task for one in run.results if one.changed] == [
        "absent",
        "purge",
        "new",
        "by id",
        "purge by id",
        "newer",
        "both",
    ]
    administrator = Administrator(tenant)
    assert administrator.deleted("application") == []


@pytest.mark.parametrize("together", [False, True], ids=["principal apart", "principal comes along"])
def test_r9_unique_name_in_the_recycle_bin(simulator: Tenants, ansible: Ansible, together: bool) -> None:
    tenant = simulator(seed={"switches": {"restore_service_principal": together}})
    first = app(tenant, ansible, CONSENT)["application"]
    administrator = Administrator(tenant)
    administrator.call("DELETE", f"/applications/{first['object_id']}")
    with tenant.no_writes():
        failed = ansible.module(MODULE, APP, auth(tenant)).failure()
        predicted = app(tenant, ansible, {**CONSENT, "deleted": "restore", "display_name": "Back"}, check=True)
    for words in ("deleted:", NAME, first["app_id"], "restore", "purge"):
        assert words in failed.msg
    restored = app(tenant, ansible, {**CONSENT, "deleted": "restore", "display_name": "Back"})
    assert restored["application"]["object_id"] == first["object_id"]
    assert restored["application"]["service_principal_id"] == first["service_principal_id"]
    assert restored["application"]["display_name"] == "Back"
    assert summaries(restored) == summaries(predicted)
    assert not app(tenant, ansible, {**CONSENT, "display_name": "Back"}).changed
    assert granted(administrator, first["service_principal_id"]) == {"Calendars.Read"}
    if together:
        return
    administrator.call("DELETE", f"/applications/{first['object_id']}")
    purged = app(tenant, ansible, {"deleted": "purge"})
    assert purged["application"]["app_id"] != first["app_id"]
    assert administrator.deleted("application") == []


@pytest.mark.smoke
def test_the_examples_of_the_documentation_run(tenant: Simulator, ansible: Ansible) -> None:
    tasks = examples(MODULE)
    show = {"name": "Show what the first one registered", "ansible.builtin.debug": {"var": "app"}}
    run = ansible.tasks([*tasks, show], auth(tenant)).ok()
    assert len(run.results) == len(tasks) + 1
    first = replace(run.results[0], result=run.last["app"])
    assert not differences(MODULE, [first, *run.results])
    found = Administrator(tenant).all("/applications")
    assert NAME in [one["uniqueName"] for one in found]


# --- identity ---------------------------------------------------------------------------------------------------------


def test_r7_applications_of_the_same_name_are_not_adopted(tenant: Simulator, ansible: Ansible) -> None:
    administrator = Administrator(tenant)
    twins = [administrator.register("Pexip VMR scheduling") for _twin in range(2)]
    with tenant.no_writes():
        failed = ansible.module(MODULE, APP, auth(tenant)).failure()
    assert failed.msg.startswith("display_name:")
    for twin in twins:
        assert twin["appId"] in failed.msg
    mine = {"app_id": twins[0]["appId"], "redirect_uris": {"web": [REDIRECT]}}
    managed = ansible.module(MODULE, mine, auth(tenant)).ok().last
    assert managed["application"]["object_id"] == twins[0]["id"]
    assert managed["application"]["unique_name"] is None
    other = app(tenant, ansible, {"display_name": "Another"})
    assert other["application"]["app_id"] not in [twin["appId"] for twin in twins]
    # Once it is found by its unique name, namesakes do not matter.
    assert app(tenant, ansible).changed


def test_a_registration_is_not_taken_for_another(tenant: Simulator, ansible: Ansible) -> None:
    administrator = Administrator(tenant)
    plain, named = administrator.register("Plain"), administrator.register("Named", "named")
    with tenant.no_writes():
        run = ansible.tasks(
            [
                {**task("no unique name", app_id=plain["appId"], unique_name="late"), "ignore_errors": True},
                {**task("two", app_id=plain["appId"], unique_name="named"), "ignore_errors": True},
                {**task("unknown", app_id="11111111-2222-3333-4444-555555555555"), "ignore_errors": True},
            ],
            auth(tenant),
        )
        ansible.module(MODULE, {"app_id": named["appId"], "unique_name": "named"}, auth(tenant)).ok()
    assert run["no unique name"].msg.startswith("unique_name:")
    assert run["two"].msg.startswith("app_id:")
    assert named["appId"] in run["two"].msg
    assert run["unknown"].msg.startswith("app_id: there is no application")
    assert [one.status for one in run.results] == ["failed"] * 3


# --- replicas ---------------------------------------------------------------------------------------------------------


def test_r1_r4_r10_replicas_that_lag(simulator: Tenants, ansible: Ansible, tmp_path: Path) -> None:
    """Half the reads, and every list, are two seconds old."""
    tenant = simulator(lag=2)
    more = full(tmp_path)
    run = ansible.tasks(
        [
            task("create", **APP, **more),
            task("again", **APP, **more),
            task("absent", unique_name=NAME, state="absent"),
            task("restore", **APP, **more, deleted="restore"),
            task("purge", unique_name=NAME, state="absent", deleted="purge"),
        ],
        auth(tenant),
    ).ok()
    assert [one.task for one in run.results if one.changed] == ["create", "absent", "restore", "purge"]
    assert count(tenant, "PATCH", f"(uniqueName='{NAME}')", 201) == 1
    assert count(tenant, "POST", "/servicePrincipals", 201) == 1
    assert count(tenant, "POST", "/appRoleAssignedTo", 201) == 1
    assert count(tenant, "POST", "/oauth2PermissionGrants", 201) == 1
    assert count(tenant, "POST", "/owners/$ref", 204) == 1
    assert count(tenant, "POST", "/addPassword", 200) == 1
    assert run["create"]["secret"]["value"]
    assert len(run["create"]["application"]["secrets"]) == 1
    time.sleep(2)
    assert Administrator(tenant).deleted("application") == []


def test_r1_service_principal_comes_and_goes(simulator: Tenants, ansible: Ansible) -> None:
    missing = {
        "match": {"method": "GET", "path": r"/servicePrincipals\(appId="},
        "do": "respond",
        "status": 404,
        "body": {"error": {"code": "Request_ResourceNotFound", "message": "Resource 'x' does not exist."}},
    }
    tenant = simulator(faults=[missing, {**missing, "skip": 1}])
    assert app(tenant, ansible, {"secret": {}}).changed
    assert count(tenant, "POST", "/servicePrincipals") == 1
    assert count(tenant, "POST", "/addPassword") == 1


BACKING = (
    "When using this permission, the backing application of the service principal being created must in the local "
    "tenant"
)


def test_r2_new_application_is_not_known_everywhere(simulator: Tenants, ansible: Ansible) -> None:
    refusal = {"error": {"code": "Authorization_RequestDenied", "message": BACKING}}
    fault = {"match": {"method": "POST", "path": "/servicePrincipals$"}, "do": "respond", "status": 403, "times": 3}
    tenant = simulator(faults=[{**fault, "body": refusal}])
    assert app(tenant, ansible).changed
    assert count(tenant, "POST", "/servicePrincipals", 201) == 1


def test_r2_old_application_of_others_is_a_missing_permission(simulator: Tenants, ansible: Ansible) -> None:
    roles = ["Application.ReadWrite.OwnedBy", "Application.Read.All"]
    tenant = simulator(seed={"automation": {"roles": roles, "exchange_roles": [], "directory_roles": []}})
    body = {"displayName": "Foreign"}
    path = "/applications(uniqueName='foreign')"
    foreign = Administrator(tenant).call("PATCH", path, body, Prefer="create-if-missing")
    patch(tenant, "application", foreign["id"], _owners=[], createdDateTime="2020-01-01T00:00:00Z")
    mark = tenant.mark()
    failed = ansible.module(MODULE, {"unique_name": "foreign"}, auth(tenant)).failure()
    assert len(tenant.writes(mark)) == 1
    assert BACKING in failed.msg
    for words in (
        "If the application is not new",
        "Application.ReadWrite.All",
        "reaches only applications that the caller owns",
    ):
        assert words in failed.msg
    # Of its own applications this caller manages everything but consent.
    assert ansible.module(MODULE, {**APP, "secret": {}}, auth(tenant)).ok().last.changed


def test_r3_replication_outlasts_the_deadline(simulator: Tenants, ansible: Ansible) -> None:
    tenant = simulator(lag=120)
    failed = ansible.module(MODULE, {**APP, "secret": {}}, {**tenant.auth(), "wait_timeout": 6}).failure()
    assert failed.changed
    assert f"Already done: register the application {NAME}" in failed.msg
    assert "Running again continues" in failed.msg
    assert f"register the application {NAME}" in failed["steps_done"]
    tenant.restart(lag=0)
    finished = app(tenant, ansible, {"secret": {}})
    administrator = Administrator(tenant)
    assert len([one for one in administrator.all("/applications") if one["uniqueName"] == NAME]) == 1
    assert len(administrator.application(NAME)["passwordCredentials"]) == 1
    secret = finished.get("secret") or failed["secret"]
    assert "access_token" in sign_in(tenant, finished["application"]["app_id"], secret["value"])
    assert not app(tenant, ansible, {"secret": {}}).changed


# --- permissions and consent ------------------------------------------------------------------------------------------


def test_r6_one_grant_with_the_union_of_scopes(tenant: Simulator, ansible: Ansible) -> None:
    administrator = Administrator(tenant)
    other = administrator.register("Pexip", NAME)
    exchange, alice = administrator.resource(EXCHANGE)["id"], administrator.user("alice@contoso.com")["id"]
    grant = {"clientId": other["principal"]["id"], "resourceId": exchange, "scope": "Exchange.Manage"}
    everybody = administrator.call("POST", "/oauth2PermissionGrants", {**grant, "consentType": "AllPrincipals"})
    administrator.call("POST", "/oauth2PermissionGrants", {**grant, "consentType": "Principal", "principalId": alice})
    mark = tenant.mark()
    options = {"unique_name": NAME, "permissions": [EWS], "admin_consent": True}
    merged = ansible.module(MODULE, options, auth(tenant), diff=True).ok().last
    writes = [one for one in tenant.writes(mark) if "oauth2PermissionGrants" in one.path]
    assert [(one.method, one.path) for one in writes] == [("PATCH", f"/v1.0/oauth2PermissionGrants/{everybody['id']}")]
    assert set(writes[0].request["scope"].split()) == {"EWS.AccessAsUser.All", "Exchange.Manage"}
    assert scopes(administrator, other["principal"]["id"]) == {
        "": {"EWS.AccessAsUser.All", "Exchange.Manage"},
        alice: {"Exchange.Manage"},
    }
    assert merged["wider_grants"] == ["delegated permissions Exchange.Manage of Office 365 Exchange Online"]
    with tenant.no_writes():
        again = ansible.module(MODULE, options, auth(tenant)).ok().last
    assert again["wider_grants"] == merged["wider_grants"]
    replaced = ansible.module(MODULE, {**options, "permissions_mode": "replace"}, auth(tenant)).ok().last
    assert replaced["wider_grants"] == []
    assert scopes(administrator, other["principal"]["id"]) == {"": {"EWS.AccessAsUser.All"}, alice: {"Exchange.Manage"}}


def test_wider_grants_are_reported_and_with_replace_revoked(tenant: Simulator, ansible: Ansible) -> None:
    administrator = Administrator(tenant)
    wide = {"resource": "Office 365 Exchange Online", "application": ["full_access_as_app"]}
    mail = {"resource": "Microsoft Graph", "application": ["Mail.ReadWrite"], "delegated": ["Mail.ReadWrite"]}
    options = {**APP, "permissions": [wide, mail, CALENDARS], "admin_consent": True}
    made = ansible.module(MODULE, options, auth(tenant)).ok().last
    principal = made["application"]["service_principal_id"]
    assert granted(administrator, principal) == {"full_access_as_app", "Mail.ReadWrite", "Calendars.Read"}
    narrow = {**APP, **CONSENT}
    reported = ansible.module(MODULE, narrow, auth(tenant)).ok()
    assert sorted(reported.last["wider_grants"]) == [
        "application permission Mail.ReadWrite of Microsoft Graph",
        "application permission full_access_as_app of Office 365 Exchange Online",
        "delegated permissions Mail.ReadWrite",
    ]
    [warning] = reported.last["warnings"]
    assert "full_access_as_app" in warning
    with tenant.no_writes():
        predicted = (
            ansible.module(MODULE, {**narrow, "permissions_mode": "replace"}, auth(tenant), check=True).ok().last
        )
    replaced = ansible.module(MODULE, {**narrow, "permissions_mode": "replace"}, auth(tenant), diff=True).ok().last
    assert summaries(replaced) == summaries(predicted)
    assert granted(administrator, principal) == {"Calendars.Read"}
    assert scopes(administrator, principal) == {"": {"EWS.AccessAsUser.All"}}
    assert replaced["diff"]["after"]["consent"]["Microsoft Graph"] == ["Calendars.Read"]
    access = administrator.application(NAME)["requiredResourceAccess"]
    assert sum(len(one["resourceAccess"]) for one in access) == 2


def test_permissions_merge_without_consent(tenant: Simulator, ansible: Ansible) -> None:
    run = ansible.tasks(
        [
            task("one", **APP, permissions=[EWS]),
            # Names in any case, the resource by its id, and in two entries.
            task(
                "more",
                **APP,
                permissions=[
                    {"resource": GRAPH, "application": ["calendars.read"]},
                    {"resource": "microsoft graph", "application": ["Mail.ReadWrite"]},
                ],
            ),
            task("replace", **APP, permissions=[CALENDARS], permissions_mode="replace"),
            task("none", **APP, permissions=[], permissions_mode="replace"),
        ],
        auth(tenant),
        diff=True,
    ).ok()
    assert run.changed == 4
    assert run["more"]["diff"]["after"]["permissions"]["Microsoft Graph"] == ["Calendars.Read", "Mail.ReadWrite"]
    assert len(run["more"]["diff"]["after"]["permissions"]) == 2
    assert run["replace"]["diff"]["after"]["permissions"] == {"Microsoft Graph": ["Calendars.Read"]}
    assert run["none"]["diff"]["after"]["permissions"] == {}
    administrator = Administrator(tenant)
    assert granted(administrator, run["one"]["application"]["service_principal_id"]) == set()


def test_two_entries_of_one_resource_are_consented_together(tenant: Simulator, ansible: Ansible) -> None:
    entries = [
        {"resource": "Microsoft Graph", "delegated": ["offline_access"], "application": ["Calendars.Read"]},
        {"resource": GRAPH, "delegated": ["User.Read"], "application": ["Mail.ReadWrite"]},
    ]
    options = {"permissions": entries, "admin_consent": True, "permissions_mode": "replace"}
    made = app(tenant, ansible, options)
    principal = made["application"]["service_principal_id"]
    administrator = Administrator(tenant)
    assert granted(administrator, principal) == {"Calendars.Read", "Mail.ReadWrite"}
    assert scopes(administrator, principal) == {"": {"offline_access", "User.Read"}}
    assert not app(tenant, ansible, options).changed


def test_r32_role_granted_in_this_run_is_in_the_next_token(simulator: Tenants, ansible: Ansible) -> None:
    """The caller grants itself what the next step needs: with the token it has, that step is refused."""
    roles = ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Directory.Read.All"]
    tenant = simulator(seed={"automation": {"roles": roles}})
    options = {
        "app_id": tenant.endpoints["client_id"],
        "permissions": [
            {
                "resource": "Microsoft Graph",
                "application": ["DelegatedPermissionGrant.ReadWrite.All"],
                "delegated": ["User.Read"],
            }
        ],
        "admin_consent": True,
    }
    result = ansible.module(MODULE, options, auth(tenant)).ok().last
    assert "delegated permissions User.Read" in " ".join(summaries(result))
    assert count(tenant, "POST", "/oauth2PermissionGrants", 403) == 0
    assert count(tenant, "POST", "/oauth2PermissionGrants", 201) == 1


@pytest.mark.parametrize("status", [400, 409])
def test_grants_that_exist_already_in_both_forms(simulator: Tenants, ansible: Ansible, status: int) -> None:
    """The answers to both grants are lost, and the lists do not show them yet."""
    drops = [
        {"match": {"method": "POST", "path": path}, "do": "drop", "when": "after"}
        for path in ("/oauth2PermissionGrants$", "/appRoleAssignedTo$")
    ]
    tenant = simulator(faults=drops, lag=1, seed={"switches": {"duplicate_grant_status": status}})
    made = app(tenant, ansible, CONSENT)
    assert made.changed
    time.sleep(1)
    administrator = Administrator(tenant)
    principal = made["application"]["service_principal_id"]
    assert granted(administrator, principal) == {"Calendars.Read"}
    assert scopes(administrator, principal) == {"": {"EWS.AccessAsUser.All"}}
    with tenant.no_writes():
        assert not app(tenant, ansible, CONSENT).changed


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_secret_is_returned_once_and_hidden_by_no_log(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    where = tmp_path / "secret"
    keep = {
        "name": "keep",
        "ansible.builtin.copy": {"content": "{{ app.secret.value }}", "dest": str(where), "mode": "0600"},
        "no_log": True,
    }
    make = {**task("make", **APP, secret={}), "register": "app", "no_log": True}
    run = ansible.tasks([make, keep], auth(tenant), verbosity=3, diff=True).ok()
    secret = where.read_text()
    assert "access_token" in sign_in(tenant, Administrator(tenant).application(NAME)["appId"], secret)
    assert secret not in run.output
    assert tenant.endpoints["client_secret"] not in run.output
    held = ansible.module(MODULE, {**APP, "secret": {"held": secret}}, auth(tenant), verbosity=3, diff=True).ok()
    assert not held.last.changed
    assert secret not in held.output
    assert secret not in json.dumps(held.last.result)


def test_secret_is_renewed_before_its_end_and_the_former_kept(tenant: Simulator, ansible: Ansible) -> None:
    run = ansible.tasks(
        [
            task("make", **APP, secret={"lifetime": 20, "renew_before": 10}),
            task("young", **APP, secret={"lifetime": 40, "renew_before": 19}),
            task("renew", **APP, secret={"lifetime": 40, "renew_before": 21}),
            task("renewed", **APP, secret={"lifetime": 40, "renew_before": 21}),
            task("other name", **APP, secret={"display_name": "other"}),
        ],
        auth(tenant),
        diff=True,
    ).ok()
    assert [one.changed for one in run.results] == [True, False, True, False, True]
    app_id = run["make"]["application"]["app_id"]
    for name in ("make", "renew", "other name"):
        assert "access_token" in sign_in(tenant, app_id, run[name]["secret"]["value"])
    end = datetime.fromisoformat(run["renew"]["secret"]["end"].replace("Z", "+00:00"))
    assert timedelta(days=39, hours=23) < end - datetime.now(timezone.utc) < timedelta(days=40, minutes=1)
    assert run["renew"]["diff"]["before"]["secrets"] == [run["make"]["secret"]["key_id"]]
    assert run["renew"]["diff"]["after"]["secrets"] == [run["make"]["secret"]["key_id"], "a new one"]
    assert len(run["other name"]["application"]["secrets"]) == 3
    gone = ansible.tasks(
        [
            task("remove", **APP, secret={"present": False, "lifetime": 1}),
            task("removed", **APP, secret={"present": False}),
        ],
        auth(tenant),
    ).ok()
    assert [one.changed for one in gone.results] == [True, False]
    assert [one["display_name"] for one in gone["removed"]["application"]["secrets"]] == ["other"]
    assert "access_token" not in sign_in(tenant, app_id, run["renew"]["secret"]["value"])


def test_secret_held_by_the_caller(tenant: Simulator, ansible: Ansible) -> None:
    first = app(tenant, ansible, {"secret": {"held": ""}})
    run = ansible.tasks(
        [
            task("fits", **APP, secret={"held": first["secret"]["value"]}),
            task("does not fit", **APP, secret={"held": "~~~nobody's secret"}),
            task("empty", **APP, secret={"held": ""}),
            task("not said", **APP, secret={}),
        ],
        auth(tenant),
    ).ok()
    assert [one.changed for one in run.results] == [False, True, True, False]
    for name in ("does not fit", "empty"):
        assert "access_token" in sign_in(tenant, first["application"]["app_id"], run[name]["secret"]["value"])


@pytest.mark.parametrize("when", ["before", "after"])
def test_lost_answer_to_add_password_leaves_one_secret(simulator: Tenants, ansible: Ansible, when: str) -> None:
    drop = {"match": {"method": "POST", "path": "/addPassword$"}, "do": "drop", "when": when}
    tenant = simulator(faults=[drop], lag=1)
    made = app(tenant, ansible, {"secret": {}})
    time.sleep(1)
    [credential] = Administrator(tenant).application(NAME)["passwordCredentials"]
    assert credential["keyId"] == made["secret"]["key_id"]
    assert "access_token" in sign_in(tenant, made["application"]["app_id"], made["secret"]["value"])
    assert not app(tenant, ansible, {"secret": {"held": made["secret"]["value"]}}).changed


def test_concurrent_credential_writes_are_sent_again(simulator: Tenants, ansible: Ansible) -> None:
    busy = {"error": {"code": "Directory_ConcurrencyViolation", "message": "Unable to complete due to concurrency."}}
    fault = {"match": {"path": "/(addPassword|removePassword)$"}, "do": "respond", "status": 409, "times": 2}
    tenant = simulator(faults=[{**fault, "body": busy}])
    made = app(tenant, ansible, {"secret": {}})
    assert "access_token" in sign_in(tenant, made["application"]["app_id"], made["secret"]["value"])
    assert len(made["application"]["secrets"]) == 1


def test_secret_is_not_lost_when_a_later_read_fails(simulator: Tenants, ansible: Ansible) -> None:
    """What only the answer held is returned with the failure."""
    broken = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}
    # The first read goes well; a refusal within a batch is asked for once more alone.
    first, rest = wherever(r"/applications\(uniqueName=", do="respond", status=403, times=0, body=broken)
    tenant = simulator(faults=[first, {**rest, "skip": 1}])
    failed = ansible.module(MODULE, {**APP, "secret": {}}, auth(tenant)).failure()
    assert "add the client secret vmrops.o365" in failed["steps_done"]
    tenant.restart(faults=[])
    app_id = Administrator(tenant).application(NAME)["appId"]
    assert "access_token" in sign_in(tenant, app_id, failed["secret"]["value"])


def test_lost_answer_to_the_registration(simulator: Tenants, ansible: Ansible) -> None:
    drop = {"match": {"method": "PATCH", "path": r"/applications\(uniqueName"}, "do": "drop", "when": "after"}
    lost = {"match": {"method": "POST", "path": "/servicePrincipals$"}, "do": "drop", "when": "after"}
    tenant = simulator(faults=[drop, lost], lag=1)
    made = app(tenant, ansible, CONSENT)
    time.sleep(1)
    administrator = Administrator(tenant)
    assert len([one for one in administrator.all("/applications") if one["uniqueName"] == NAME]) == 1
    assert granted(administrator, made["application"]["service_principal_id"]) == {"Calendars.Read"}
    assert not app(tenant, ansible, CONSENT).changed


# --- certificates and owners ------------------------------------------------------------------------------------------


def test_certificates_are_added_and_sign_in(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    first, second, locked = (
        certificate(tmp_path, name, passphrase)
        for name, passphrase in (("first", ""), ("second", ""), ("locked", "open sesame"))
    )
    der = tmp_path / "third.cer"
    pem = certificate(tmp_path, "third")
    der.write_bytes(x509.load_pem_x509_certificate(pem.read_bytes()).public_bytes(serialization.Encoding.DER))
    run = ansible.tasks(
        [
            task("one", **APP, certificates=[str(first)]),
            task("two", **APP, certificates=[str(second)]),
            task("both", **APP, certificates=[str(first), str(second)]),
            task("DER", **APP, certificates=[str(der)]),
        ],
        auth(tenant),
        diff=True,
    ).ok()
    assert [one.changed for one in run.results] == [True, True, False, True]
    assert run["two"]["diff"]["before"]["certificates"] == ["first"]
    assert run["two"]["diff"]["after"]["certificates"] == ["first", "second"]
    app_id = run["one"]["application"]["app_id"]
    for path in (first, second, pem):
        assert "access_token" in sign_in(tenant, app_id, certificate_credential(path))
    # The module itself, as the app that it manages, with a certificate whose key is locked.
    client = tenant.endpoints["client_id"]
    ansible.module(MODULE, {"app_id": client, "certificates": [str(locked)]}, auth(tenant)).ok()
    options = {name: value for name, value in auth(tenant).items() if name != "client_secret"}
    signed = {**options, "certificate_path": str(locked), "certificate_passphrase": "open sesame"}
    with tenant.no_writes():
        assert not ansible.module(MODULE, APP, signed).ok().last.changed


def test_restoring_keeps_the_certificates(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    first, second = certificate(tmp_path, "first"), certificate(tmp_path, "second")
    run = ansible.tasks(
        [
            task("make", **APP, certificates=[str(first)]),
            task("absent", unique_name=NAME, state="absent"),
            task("restore", **APP, certificates=[str(second)], deleted="restore"),
            task("again", **APP, certificates=[str(second)], deleted="restore"),
        ],
        auth(tenant),
    ).ok()
    assert [one.changed for one in run.results] == [True, True, True, False]
    for path in (first, second):
        assert "access_token" in sign_in(tenant, run["make"]["application"]["app_id"], certificate_credential(path))


def test_owners_are_added_and_none_is_removed(tenant: Simulator, ansible: Ansible) -> None:
    run = ansible.tasks(
        [
            task("alice", **APP, owners=["alice@contoso.com"]),
            task("bob", **APP, owners=["bob@contoso.com"]),
            task("both", **APP, owners=["alice@contoso.com", "bob@contoso.com"]),
        ],
        auth(tenant),
        diff=True,
    ).ok()
    assert [one.changed for one in run.results] == [True, True, False]
    assert run["bob"]["diff"]["before"]["owners"] == []
    assert run["bob"]["diff"]["after"]["owners"] == ["bob@contoso.com"]
    key = run["bob"]["application"]["object_id"]
    owners = Administrator(tenant).all(f"/applications/{key}/owners")
    # A caller that may manage its own applications owns what it registers.
    assert {one.get("userPrincipalName") for one in owners} - {None} == {"alice@contoso.com", "bob@contoso.com"}


# --- bad input --------------------------------------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown application permission": (
        {"permissions": [{"resource": "Microsoft Graph", "application": ["Calendar.ReadWrite"]}]},
        ["permissions.application: Microsoft Graph has no application permission Calendar.ReadWrite", "Calendars.Read"],
    ),
    "unknown delegated permission": (
        {"permissions": [{"resource": "Office 365 Exchange Online", "delegated": ["EWS.AccessAsUser"]}]},
        ["permissions.delegated:", "Did you mean EWS.AccessAsUser.All"],
    ),
    "permission of the other kind": (
        {"permissions": [{"resource": "Office 365 Exchange Online", "delegated": ["full_access_as_app"]}]},
        ["permissions.delegated:", "of the other kind"],
    ),
    "unknown resource": (
        {"permissions": [{"resource": "Office 356 Exchange Online", "delegated": ["EWS.AccessAsUser.All"]}]},
        ["permissions.resource: no service principal is called Office 356 Exchange Online", "application id"],
    ),
    "unknown resource id": (
        {"permissions": [{"resource": "11111111-2222-3333-4444-555555555555", "delegated": ["x"]}]},
        ["permissions.resource:", "11111111-2222-3333-4444-555555555555"],
    ),
    "no display name": ({"display_name": None}, ["display_name: it is needed to register a new application"]),
    "unknown owner": ({"owners": ["nobody@contoso.com"]}, ["owners: there is no user nobody@contoso.com"]),
    "endless renewal": ({"secret": {"lifetime": 10}}, ["secret.lifetime:", "renew_before"]),
    "no URI": (
        {"redirect_uris": {"web": ["infinity.contoso.com"]}},
        ["redirect_uris.web: infinity.contoso.com cannot be a redirect URI", "https://"],
    ),
    "URI without TLS": (
        {"redirect_uris": {"web": ["http://infinity.contoso.com/"]}},
        ["redirect_uris.web: http://infinity.contoso.com/ cannot be a redirect URI", "https://"],
    ),
    "no such certificate": ({"certificates": ["/nowhere.pem"]}, ["certificates: /nowhere.pem cannot be read"]),
    "key without certificate": ({"certificates": ["KEY"]}, ["certificates:", "holds no certificate"]),
    "torn certificate": ({"certificates": ["TORN"]}, ["certificates:", "holds no certificate"]),
}


def test_bad_input_is_refused_before_the_first_write(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    pem = certificate(tmp_path, "pexip").read_text()
    begin = pem.index("-----BEGIN CERTIFICATE-----")
    (tmp_path / "key.pem").write_text(pem[:begin])
    (tmp_path / "torn.pem").write_text(pem[begin : begin + 200])
    files = {"KEY": str(tmp_path / "key.pem"), "TORN": str(tmp_path / "torn.pem")}
    tasks = []
    for name, (bad, _words) in BAD.items():
        options = {**APP, **bad}
        if "certificates" in bad:
            options["certificates"] = [files.get(path, path) for path in bad["certificates"]]
        tasks.append({**task(name, **options), "ignore_errors": True})
    with tenant.no_writes():
        run = ansible.tasks(tasks, auth(tenant))
    silent = {name: run[name].msg for name in BAD if run[name].status != "failed"}
    missing = {name: (words, run[name].msg) for name in BAD for words in BAD[name][1] if words not in run[name].msg}
    assert (silent, missing) == ({}, {})


def test_bad_credentials_are_named(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    administrator = Administrator(tenant)
    client = tenant.endpoints["client_id"]
    past = {"startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2021-01-01T00:00:00Z"}
    mine = administrator.get(f"/applications(appId='{client}')")["id"]
    body = {"passwordCredential": past}
    expired = administrator.call("POST", f"/applications/{mine}/addPassword", body)["secretText"]
    pem = certificate(tmp_path, "pexip", "open sesame")
    text = pem.read_text()
    (tmp_path / "public.pem").write_text(text[text.index("-----BEGIN CERTIFICATE-----") :])
    stranger = certificate(tmp_path, "stranger")
    by_certificate: dict[str, Any] = {"auth_method": "certificate"}
    bad: dict[str, tuple[dict[str, Any], list[str]]] = {
        "wrong tenant": ({"tenant_id": "11111111-2222-3333-4444-555555555555"}, ["Check tenant_id"]),
        "wrong client": ({"client_id": "11111111-2222-3333-4444-555555555555"}, ["AADSTS700016", "Check client_id"]),
        "wrong secret": ({"client_secret": "{{ wrong }}"}, ["AADSTS7000215", "Check client_secret"]),
        "expired secret": ({"client_secret": "{{ expired }}"}, ["AADSTS7000222", "client_secret has expired"]),
        "no secret": ({"client_secret": None}, ["no credential is given", "client_secret"]),
        "certificate without key": (
            {**by_certificate, "certificate_path": str(tmp_path / "public.pem")},
            ["certificate_path:", "holds no private key"],
        ),
        "no passphrase": ({**by_certificate, "certificate_path": str(pem)}, ["certificate_passphrase is missing"]),
        "wrong passphrase": (
            {**by_certificate, "certificate_path": str(pem), "certificate_passphrase": "{{ barley }}"},
            ["Check certificate_passphrase"],
        ),
        "unknown certificate": (
            {**by_certificate, "certificate_path": str(stranger)},
            ["AADSTS700027", "Check certificate_path"],
        ),
        "no certificate": (
            {**by_certificate, "certificate_path": "/nowhere.pem"},
            ["certificate_path: /nowhere.pem cannot be read"],
        ),
        "both": ({"certificate_path": str(stranger)}, ["client_secret and certificate_path are both given"]),
    }
    tasks = [{**task(name, **APP, **options), "ignore_errors": True} for name, (options, _words) in bad.items()]
    # As variables, since Ansible prints the lines of a playbook around a task that fails.
    secrets = {
        "right": tenant.endpoints["client_secret"],
        "wrong": "not-the-one",
        "expired": expired,
        "barley": "open barley",
    }
    signer = {**auth(tenant), "client_secret": "{{ right }}"}
    with tenant.no_writes():
        run = ansible.tasks(tasks, signer, verbosity=3, extra_vars=secrets)
    silent = {name: run[name].msg for name in bad if run[name].status != "failed"}
    missing = {name: (words, run[name].msg) for name in bad for words in bad[name][1] if words not in run[name].msg}
    assert (silent, missing) == ({}, {})
    for secret in secrets.values():
        assert secret not in run.output


def test_missing_permission_is_named(simulator: Tenants, ansible: Ansible) -> None:
    roles = ["Application.ReadWrite.All", "Directory.Read.All"]
    tenant = simulator(seed={"automation": {"roles": roles, "exchange_roles": [], "directory_roles": []}})
    run = ansible.tasks(
        [
            {**task("role", **APP, permissions=[CALENDARS], admin_consent=True), "ignore_errors": True},
            {**task("scope", **APP, permissions=[EWS], admin_consent=True), "ignore_errors": True},
        ],
        auth(tenant),
    )
    assert "AppRoleAssignment.ReadWrite.All" in run["role"].msg
    assert "Already done: register the application" in run["role"].msg
    assert "DelegatedPermissionGrant.ReadWrite.All" in run["scope"].msg
