# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The integration on the Management Node: its life through playbooks, and what a node may do meanwhile."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused
from ansible_collections.vmrops.o365.plugins.module_utils._transport.credentials import BadCredentials
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import (
    ServiceError,
    SignInFailed,
    Untrusted,
)
from support.ansible import Ansible, Run
from support.connector import integrate
from support.examples import examples
from support.node import NodeAdministrator
from support.returned import differences
from support.simulator import Request, Simulator
from support.tasks import good, refused, task

Data = dict[str, Any]
Start = Callable[..., Simulator]

MODULE = "pexip_exchange_connector"
WANTED: Data = {
    "name": "Microsoft 365",
    "addin_server_domain": "join.contoso.com",
    "authentication_method": "APP_PERM",
    "url": "https://outlook.office365.com/EWS/Exchange.asmx",
    "oauth_client_id": "3f0f6a7e-8a7e-4d0e-9d0e-6f3b8c1a2b4d",
    "oauth_token_endpoint": "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token",
    "room_mailbox_email_address": "vmr@contoso.com",
}


def run(tenant: Simulator, check: bool = False, **options: Any) -> Data:
    """The module's result, without Ansible around it."""
    return integrate(tenant, check, **{**WANTED, **options})


def play(ansible: Ansible, tenant: Simulator, tasks: list[Data], **options: Any) -> Run:
    """Tasks with the sign-in as the defaults of the action group."""
    defaults = {"group/vmrops.o365.pexip": {**tenant.node(), "wait_timeout": 20}}
    one = {"name": "Test", "hosts": "all", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}
    return ansible.run([one], **options)


@pytest.mark.parametrize("seconds", [-120, 120])
def test_a_clock_two_minutes_off(simulator: Start, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """The node refuses an assertion from its future, and one that has ended."""
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + seconds)
    assert run(simulator())["changed"]


def wanted(title: str, check: bool = False, **options: Any) -> Data:
    given = {**WANTED, **options}
    return task(title, MODULE, check, _name=given.pop("name"), **given)


def sent(requests: list[Request]) -> list[tuple[str, str]]:
    """Method and path of what was written to the node."""
    return [(one.method, one.path) for one in requests if one.is_write]


def planned(*results: Any) -> list[tuple[str, str]]:
    """The same of results' steps."""
    return [(step["method"], step["path"]) for one in results for step in one["steps"] if step["service"] == "infinity"]


# --- playbooks --------------------------------------------------------------------------------------------------------


def test_life(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    file = tmp_path / "fingerprints.json"
    kept = {"update_secrets": "when_changed", "fingerprint_path": str(file), "oauth_client_secret": "first-canary-123"}
    first = {**kept, "domains": ["contoso.com", "Mail.Contoso.com"], "meeting_instructions_template": "join\nhere\n"}
    second = {
        **first,
        "domains": ["contoso.com"],
        "oauth_client_secret": "second-canary-456",
        "meeting_buffer_before": 15,
        "enable_personal_vmrs": True,
        "scheduled_alias_prefix": "77",
    }
    with tenant.no_writes():
        foreseen = play(ansible, tenant, [wanted("Foreseen", **first)], check=True, diff=True).ok()
    assert not file.exists()
    tasks = [
        wanted("Created", **first),
        wanted("Again", **first),
        wanted("Change foreseen", check=True, **second),
        wanted("Changed", **second),
        wanted("And again", **second),
        wanted("Emptied", scheduled_alias_prefix="", domains=[]),
        wanted("Removal foreseen", check=True, state="absent"),
        wanted("Removed", state="absent"),
        wanted("Removed again", state="absent"),
    ]
    done = play(ansible, tenant, tasks, verbosity=3, diff=True).ok()
    results = dict(zip((one["name"] for one in tasks), good(done, *(one["name"] for one in tasks)), strict=True))
    assert [name for name, result in results.items() if not result.changed] == ["Again", "And again", "Removed again"]
    assert foreseen["Foreseen"]["steps"] == results["Created"]["steps"]
    assert results["Change foreseen"]["steps"] == results["Changed"]["steps"]
    assert results["Removal foreseen"]["steps"] == results["Removed"]["steps"]
    written = [results[name] for name in ("Created", "Changed", "Emptied", "Removed")]
    created = ("POST", "/api/admin/configuration/v1/ms_exchange_connector/")
    assert sent(tenant.wire())[0] == created
    assert sent(tenant.wire()) == planned(*written)

    made, changed = results["Created"]["connector"], results["Changed"]["connector"]
    assert made["domains"] == ["contoso.com", "Mail.Contoso.com"]
    assert made["resource_uri"] == f"{created[1]}{made['id']}/"
    assert (made["signed_in"], results["Created"]["health"]) == (False, {"last_modified_time": None})
    assert changed == {**made, "domains": ["contoso.com"]}
    assert results["Changed"]["diff"]["before"]["meeting_buffer_before"] == 30
    assert results["Changed"]["diff"]["after"]["oauth_client_secret"] == "********"
    assert results["Removed"]["connector"] is None

    assert file.stat().st_mode & 0o777 == 0o600
    key = tenant.endpoints["infinity_private_key"].splitlines()[1]
    for secret in (kept["oauth_client_secret"], second["oauth_client_secret"], key):
        assert secret not in done.output + foreseen.output + file.read_text() + str(
            [one.result for one in done.results]
        )
    assert "PRIVATE KEY" not in str([one.result["connector"] for one in written])


def test_refusals(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    NodeAdministrator(tenant).create(
        "ms_exchange_connector",
        name="Of others",
        addin_server_domain="join.fabrikam.com",
        room_mailbox_email_address="VMR@contoso.com",
    )
    other = {"room_mailbox_email_address": "other@contoso.com"}
    cases: dict[str, tuple[Data, tuple[str, ...]]] = {
        "Taken": ({}, ("room_mailbox_email_address", "Of others", "one integration")),
        "No host": ({**other, "addin_server_domain": None}, ("addin_server_domain", "a new integration needs it")),
        "Long": ({**other, "description": "x" * 251}, ("description", "250")),
        "Range": ({**other, "meeting_buffer_after": 181}, ("meeting_buffer_after", "0 to 180")),
        "Reference": ({**other, "ivr_theme": "My theme"}, ("ivr_theme", "/api/admin/configuration/v1/ivr_theme/1/")),
        "Unknown theme": (
            {**other, "ivr_theme": "/api/admin/configuration/v1/ivr_theme/9/"},
            ("ivr_theme", "Could not find"),
        ),
        "Address": ({"room_mailbox_email_address": "SMTP:vmr@contoso.com"}, ("room_mailbox_email_address",)),
        "Method": ({**other, "authentication_method": "MAGIC"}, ("authentication_method", "APP_PERM")),
        "No file": ({**other, "update_secrets": "when_changed"}, ("fingerprint_path",)),
        "Link": (
            {
                **other,
                "update_secrets": "when_changed",
                "fingerprint_path": str(tmp_path / "link"),
                "password": "canary-password",
            },
            ("symbolic link",),
        ),
        "Two sign-ins": ({**other, "node_username": "admin", "node_password": "canary-password"}, ("node_client_id",)),
        "Plain": ({**other, "node_url": "http://infinity.contoso.com"}, ("node_url", "https://")),
        "Key": ({**other, "node_private_key": "canary-key"}, ("node_private_key", "PEM")),
    }
    (tmp_path / "link").symlink_to(tmp_path / "target")
    mark = tenant.mark()
    tasks = [wanted(title, **options) for title, (options, _words) in cases.items()]
    done = play(ansible, tenant, tasks, verbosity=3).ok()
    for title, (_options, words) in cases.items():
        refused(done, title, *words)
    assert [one.status for one in tenant.wire(mark) if one.is_write] == [400], (
        "the node itself refuses the unknown theme"
    )
    assert len(NodeAdministrator(tenant).all("ms_exchange_connector")) == 1
    assert "canary" not in str([one.result for one in done.results])


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_secrets_are_written_when_they_should(tenant: Simulator, tmp_path: Path) -> None:
    node, file = NodeAdministrator(tenant), tmp_path / "fingerprints.json"
    assert run(tenant, oauth_client_secret="one")["changed"]
    with tenant.no_writes():
        assert not run(tenant, oauth_client_secret="two")["changed"]

    for _time in range(2):
        mark = tenant.mark()
        always = run(tenant, oauth_client_secret="two", password="p", update_secrets="always", meeting_buffer_after=9)
        assert always["changed"]
        (write,) = [one for one in tenant.wire(mark) if one.is_write]
        assert write.request["oauth_client_secret"] == write.request["password"] == "********"

    when = {"update_secrets": "when_changed", "fingerprint_path": str(file)}
    with tenant.no_writes():
        assert len(run(tenant, check=True, oauth_client_secret="two", **when)["steps"]) == 2
    assert run(tenant, oauth_client_secret="two", **when)["changed"], "what was written before is not known"
    with tenant.no_writes():
        assert not run(tenant, oauth_client_secret="two", **when)["changed"]
    assert run(tenant, oauth_client_secret="three", password="p", **when)["changed"]
    kept = json.loads(file.read_text())
    assert set(kept["secrets"]) == {"oauth_client_secret", "password"}
    assert len({text.split("$")[3] for text in kept["secrets"].values()}) == 2
    with tenant.no_writes():
        assert not run(tenant, password="p", **when)["changed"]

    (connector,) = node.all("ms_exchange_connector")
    run(tenant, state="absent")
    run(tenant)
    assert node.all("ms_exchange_connector")[0]["id"] != connector["id"]
    assert run(tenant, oauth_client_secret="three", **when)["changed"], "the fingerprints are another integration's"


def test_a_file_of_something_else_is_not_overwritten(tenant: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("my notes")
    with pytest.raises(Exception, match="holds no fingerprints"), tenant.no_writes():
        run(tenant, password="p", update_secrets="when_changed", fingerprint_path=str(file))
    assert file.read_text() == "my notes"


@pytest.mark.smoke
def test_examples(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    """As the documentation has them, but for where the node is, who its client is, and where files lie."""
    ends = tenant.endpoints
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "node-client.pem").write_text(ends["infinity_private_key"])
    (tmp_path / "accepted.html.j2").write_text("<p>{{ subject }} has a room.</p>")
    text = json.dumps(examples(MODULE))
    for written, meant in {
        "https://infinity.contoso.com": ends["infinity_url"],
        "3f0f6a7e-8a7e-4d0e-9d0e-6f3b8c1a2b4d": ends["infinity_client_id"],
        'node_username": "automation': f'node_username": "{ends["infinity_username"]}',
        "{{ playbook_dir }}": str(tmp_path),
        "'node-client.pem'": f"'{tmp_path}/node-client.pem'",
        "'accepted.html.j2'": f"'{tmp_path}/accepted.html.j2'",
    }.items():
        assert written in text
        text = text.replace(written, meant)
    defaults = {"group/vmrops.o365.pexip": {"ca_path": ends["ca_path"]}}
    variables = {
        "vmr_scheduling_connector": {
            **{name: value for name, value in WANTED.items() if not name.startswith(("name", "addin"))},
            "room_mailbox_name": "VMR scheduling",
        },
        "vmr_scheduling_secrets": {"client_secret": "canary-of-the-app"},
        "vault_node_password": ends["infinity_password"],
    }
    play = {"hosts": "all", "gather_facts": False, "module_defaults": defaults, "tasks": json.loads(text)}
    done = ansible.run([play], extra_vars=variables).ok()
    assert [one.changed for one in done.results] == [True, True, True]
    assert not differences(MODULE, done.results)
    bodies = [one.request for one in tenant.writes() if one.service == "infinity" and isinstance(one.request, dict)]
    assert [body["accept_new_single_meeting_template"] for body in bodies[1:]] == ["<p>{{ subject }} has a room.</p>"]


# --- signing in -------------------------------------------------------------------------------------------------------


def test_who_signs_in(tenant: Simulator, tmp_path: Path) -> None:
    ends = tenant.endpoints
    nobody = {"node_client_id": None, "node_private_key": None}
    administrator = {"node_username": ends["infinity_username"], "node_password": ends["infinity_password"]}
    assert run(tenant, **nobody, **administrator)["connector"]["id"] == 1
    with tenant.no_writes():
        assert not run(tenant)["changed"]
        with pytest.raises(SignInFailed, match="401"):
            run(tenant, **nobody, **{**administrator, "node_password": "wrong"})
        with pytest.raises(SignInFailed, match="There is no such client"):
            run(tenant, node_client_id="somebody")
        with pytest.raises(BadCredentials, match="P-256"):
            run(tenant, node_private_key="-----BEGIN NOTHING-----")
        with pytest.raises(Refused, match="node_private_key"):
            run(tenant, node_private_key=None)
        with pytest.raises(Untrusted, match="signed by an unknown authority"):
            run(tenant, ca_path=None)
        assert not run(tenant, ca_path=None, validate_certs=False)["changed"]
    NodeAdministrator(tenant).change("/api/admin/configuration/v1/authentication/1/", api_oauth2_disable_basic=True)
    with pytest.raises(SignInFailed, match="Basic switched off"):
        run(tenant, **nobody, **administrator)
    assert not run(tenant)["changed"]


def test_a_token_that_ends_is_asked_for_again(simulator: Start) -> None:
    over = {"match": {"service": "infinity", "path": "/schema/$"}, "do": "respond", "status": 401, "times": 1}
    tenant = simulator(faults=[over])
    assert run(tenant)["changed"]
    assert len([one for one in tenant.wire() if one.path == "/oauth/token/"]) == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_assertion_is_not_sent_twice(simulator: Start, when: str) -> None:
    """The node takes each once; an answer that was lost has used it up."""
    lost = {"match": {"service": "infinity", "path": "^/oauth/token/$"}, "do": "respond", "status": 503, "when": when}
    assert run(simulator(faults=[lost]))["changed"]


# --- the node's ways --------------------------------------------------------------------------------------------------


def test_found_on_a_later_page(tenant: Simulator) -> None:
    node = NodeAdministrator(tenant)
    for number in range(105):
        node.create("ms_exchange_connector", name=f"Integration {number}", addin_server_domain="join.contoso.com")
    with tenant.no_writes():
        found = run(tenant, check=True, name="Integration 104", room_mailbox_email_address=None)
    assert found["connector"]["id"] == 105
    assert [one.query for one in tenant.wire() if one.path.endswith("connector/") and one.method == "GET"] == [
        "limit=100",
        "limit=100&offset=100",
    ]
    node.change("/api/admin/configuration/v1/ms_exchange_connector/8/", room_mailbox_email_address="vmr@contoso.com")
    with pytest.raises(Refused, match="Integration 7 uses"):
        run(tenant)


def test_every_address_ends_in_a_slash_and_nothing_but_one_object_is_deleted(tenant: Simulator) -> None:
    run(tenant, domains=["a.example", "b.example"])
    run(tenant, domains=["a.example"])
    run(tenant, state="absent")
    asked = [one for one in tenant.wire() if one.service == "infinity"]
    assert not [one for one in asked if not one.path.endswith("/") or one.status >= 300]
    deletions = [one.path for one in asked if one.method == "DELETE"]
    assert len(deletions) == 2
    assert not [path for path in deletions if not re.search(r"/\d+/$", path)]


def test_only_what_is_named_is_touched(tenant: Simulator) -> None:
    node = NodeAdministrator(tenant)
    run(tenant, password="p", domains=["contoso.com"], conference_name_template="{{subject}}\r\nnow")
    node.change("/api/admin/configuration/v1/ms_exchange_connector/1/", description="by hand", meeting_buffer_after=7)
    before = node.all("ms_exchange_connector")
    with tenant.no_writes():
        assert not run(tenant, conference_name_template="{{subject}}\nnow")["changed"]
    run(tenant, addin_pane_title="New")
    assert node.all("ms_exchange_connector") == [{**before[0], "addin_pane_title": "New"}]


def test_another_version(simulator: Start) -> None:
    """What a version lacks is refused when it is given, and left out when it is not."""
    tenant = simulator(seed={"switches": {"infinity_fields_lacking": ["addin_naa_web_api_application_id", "password"]}})
    with tenant.no_writes():
        for option in ("addin_naa_web_api_application_id", "password"):
            with pytest.raises(Refused, match=f"{option}.*no such field"):
                run(tenant, **{option: "x"})
    assert run(tenant)["connector"]["name"] == WANTED["name"]


def test_other_ways_to_answer(simulator: Start) -> None:
    """Errors named by resource, 200 for a PATCH, and a limit of requests that is waited for."""
    switches = {"infinity_errors_named": True, "infinity_patch_status": 200, "infinity_rate": [4, 1]}
    tenant = simulator(seed={"switches": switches})
    run(tenant)
    with pytest.raises(ServiceError, match="Could not find"):
        run(tenant, ivr_theme="/api/admin/configuration/v1/ivr_theme/9/")
    assert run(tenant, meeting_buffer_after=3)["changed"]
    statuses = {one.status for one in tenant.wire()}
    assert {200, 429} <= statuses
    assert 202 not in statuses


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_breaks_makes_nothing_twice(simulator: Start, tmp_path: Path, when: str) -> None:
    broken = {"match": {"service": "infinity", "method": "POST", "path": "/v1/"}, "do": "drop", "when": when}
    tenant = simulator(faults=[{**broken, "times": 1}, {**broken, "skip": 1, "times": 1}])
    kept = {"update_secrets": "when_changed", "fingerprint_path": str(tmp_path / "kept"), "password": "p"}
    result = run(tenant, domains=["a.example", "b.example"], **kept)
    assert result["changed"]
    node = NodeAdministrator(tenant)
    assert len(node.all("ms_exchange_connector")) == 1
    assert sorted(one["domain"] for one in node.all("exchange_domain")) == ["a.example", "b.example"]
    with tenant.no_writes():
        assert not run(tenant, domains=["a.example", "b.example"], **kept)["changed"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 404}, "without the Secure Scheduler"),
        ({"status": 500}, "500"),
        ({"status": 403, "body": {"detail": "Not for you."}}, "Not for you.*role on the Management Node"),
        ({"status": 200, "body": "<html>A proxy's page</html>"}, "JSON"),
        ({"status": 200, "body": {"objects": [], "meta": {"next": "https://evil.example/"}}}, "elsewhere"),
    ],
    ids=["404", "500", "403", "html", "page"],
)
def test_a_read_that_fails_is_no_absence(simulator: Start, answer: Data, words: str) -> None:
    fault = {"match": {"path": "/ms_exchange_connector/$", "method": "GET"}, "do": "respond", "times": 0, **answer}
    tenant = simulator(faults=[fault])
    with tenant.no_writes():
        for state in ("present", "absent"):
            with pytest.raises(ServiceError, match=words):
                run(tenant, state=state, wait_timeout=1)


def test_the_status_may_be_closed(simulator: Start) -> None:
    fault = {"match": {"path": "/exchange_scheduler/"}, "do": "respond", "times": 0, "status": 403}
    assert run(simulator(faults=[fault]))["health"] is None


def test_what_failed_last_is_shown(simulator: Start) -> None:
    """Also at the end of a list of several pages; a node that does not show the list stops nothing."""
    tenant = simulator()
    assert run(tenant)["last_failure"] is None
    for _poll in range(102):
        tenant.poll()
    *_earlier, last = NodeAdministrator(tenant).all("scheduling_operation")
    shown = run(tenant)["last_failure"]
    assert (shown["id"], shown["time"]) == (last["transaction_uuid"], last["creation_time"])
    assert shown["code"] == "SignInFailed"
    assert shown["text"] == last["error_description"][:500] != ""
    tenant.restart(faults=[{"match": {"path": "/scheduling_operation/"}, "do": "respond", "times": 0, "status": 404}])
    closed = run(tenant)
    assert closed["last_failure"] is None
    assert closed["health"]


def test_what_keeps_the_scheduler_from_working_is_said(tenant: Simulator) -> None:
    (warning,) = run(tenant, oauth_client_id=None)["warnings"]
    assert "oauth_client_id" in warning
    assert run(tenant)["warnings"] == []
    account = {"authentication_method": "OAUTH", "username": "pexip@contoso.com"}
    (warning,) = run(tenant, check=True, **account)["warnings"]
    assert "oauth_auth_endpoint, oauth_redirect_uri" in warning
    ends = {"oauth_auth_endpoint": "https://login/authorize", "oauth_redirect_uri": "https://node/oauth_redirect/"}
    (warning,) = run(tenant, **account, **ends)["warnings"]
    assert "sign in as pexip@contoso.com" in warning
    NodeAdministrator(tenant).create(
        "ms_exchange_connector", name="Two", addin_server_domain="x", room_mailbox_email_address="vmr@contoso.com"
    )
    warnings = run(tenant, room_mailbox_email_address=None)["warnings"]
    assert [one for one in warnings if "Two use the same equipment" in one]
