# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One token for each service and run, not for each task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from support.ansible import Ansible
from support.company import wish
from support.graph import Administrator, sign_in
from support.simulator import Request, Simulator

Data = dict[str, Any]

WEAK: Data = {
    "name": "Weak",
    "client_id": "7f2b1f5e-5d39-4c7e-9a0e-1f0d6b3a2c11",
    "client_secret": "weak-secret-of-the-simulated-tenant",
    "roles": [],
}
EXCHANGE_ADMINISTRATOR = "29232cdf-9323-42fd-ade2-1d097af3e4de"
ABSENT = {"unique_name": "nothing", "state": "absent"}


def tokens(requests: Iterable[Request]) -> Counter[str]:
    """How many tokens each client was given for each service."""
    asked = [one.request for one in requests if one.service == "login" and one.method == "POST" and one.status == 200]
    return Counter(f"{form['client_id']} {form['scope']}" for form in asked)


OWN_PROCESS = "VMROPS_O365_OWN_PROCESS"


@pytest.fixture(autouse=True)
def fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever way `make apart` wants for the other tests."""
    monkeypatch.delenv(OWN_PROCESS, raising=False)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("access", ["app_permissions", "service_account"])
def test_the_role_signs_in_once(
    access: str, simulator: Callable[..., Simulator], ansible: Ansible, tmp_path: Path
) -> None:
    """For each of the two services; the tokens are new after a grant, which the second way has one of."""
    tenant = simulator(seed={"impersonation_role": True})
    wanted = {**wish(tenant, access, tmp_path / "secrets.yml"), "vmr_scheduling_verify": {}}
    ansible.role(wanted).ok()
    first, mark = tokens(tenant.wire()), tenant.mark()
    assert len(first) == 2
    assert set(first.values()) <= ({1} if access == "app_permissions" else {1, 2, 3})
    ansible.role(wanted).ok()
    again = tokens(tenant.wire(mark))
    assert len(again) == 2
    assert set(again.values()) == {1}


def test_modules_in_processes_of_their_own_sign_in_once(tenant: Simulator, ansible: Ansible) -> None:
    """As long as they run on the controller, as its user."""
    absent = {"vmrops.o365.o365_oauth_app": ABSENT}
    jobs = {"ansible_async_dir": str(ansible.directory / "jobs")}  # Ansible finds ~ in two ways, which differ here
    tasks: list[Data] = [
        {"name": "asks", **absent, "environment": {"LANG": "C"}},
        {"name": "does not ask", **absent, "environment": {"LANG": "C"}, "loop": [1, 2]},
        {"name": "in the background", **absent, "async": 60, "poll": 1, "vars": jobs},
        {"name": "in the worker", **absent},
    ]
    ansible.tasks(tasks, tenant.auth()).ok()
    assert list(tokens(tenant.wire()).values()) == [1]


@pytest.mark.parametrize("way", ["here", "apart"])
def test_what_was_granted_to_the_caller_meanwhile_counts(
    way: str, simulator: Callable[..., Simulator], ansible: Ansible, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By somebody else: the caller's own modules forget their tokens after a grant, and do not know of this one."""
    if way == "apart":
        monkeypatch.setenv(OWN_PROCESS, "1")
    tenant = simulator(seed={"apps": [WEAK]})
    weak = {**tenant.auth(), "client_id": WEAK["client_id"], "client_secret": WEAK["client_secret"]}
    permissions = [{"resource": "Microsoft Graph", "application": ["Application.ReadWrite.All"]}]
    grant = {"app_id": WEAK["client_id"], "permissions": permissions, "admin_consent": True}
    tasks: list[Data] = [
        {"name": "refused", "vmrops.o365.o365_oauth_app": {**weak, **ABSENT}, "ignore_errors": True},
        {"name": "refused again", "vmrops.o365.o365_oauth_app": {**weak, **ABSENT}, "ignore_errors": True},
        {"name": "grant", "vmrops.o365.o365_oauth_app": {**tenant.auth(), **grant}},
        {"name": "granted", "vmrops.o365.o365_oauth_app": {**weak, **ABSENT}},
        {"name": "in a loop", "vmrops.o365.o365_oauth_app": {**weak, **ABSENT}, "loop": [1, 2, 3]},
    ]
    run = ansible.tasks(tasks).ok()
    assert [run[name].status for name in ("refused", "refused again", "grant", "granted")] == ["failed"] * 2 + [
        "ok"
    ] * 2
    assert "Application.Read" in run["refused again"].msg
    # One; another since what the first allows may have changed; the same once more.
    assert tokens(tenant.wire())[f"{WEAK['client_id']} https://graph.microsoft.com/.default"] == 3


def test_what_was_granted_meanwhile_counts_for_many_mailboxes(
    simulator: Callable[..., Simulator], ansible: Ansible
) -> None:
    """They may be read and not made: all writes of the batch are refused, and tried again with a token of now."""
    reader = {**WEAK, "exchange_roles": ["Exchange.ManageAsApp"], "directory_roles": ["Global Reader"]}
    tenant = simulator(seed={"apps": [reader]})
    weak = {**tenant.auth(), "client_id": WEAK["client_id"], "client_secret": WEAK["client_secret"]}
    listed = [{"name": f"VMR {one}", "primary_smtp_address": f"vmr-{one}@contoso.com"} for one in range(3)]
    many = {"vmrops.o365.o365_equipment_mailbox": {**weak, "mailboxes": listed}}
    principal = Administrator(tenant).get(f"/servicePrincipals(appId='{WEAK['client_id']}')")
    token = sign_in(tenant, tenant.endpoints["client_id"], tenant.endpoints["client_secret"])["access_token"]
    request = {
        "url": f"{tenant.endpoints['graph_url']}/v1.0/roleManagement/directory/roleAssignments",
        "method": "POST",
        "body_format": "json",
        "body": {"principalId": principal["id"], "roleDefinitionId": EXCHANGE_ADMINISTRATOR, "directoryScopeId": "/"},
        "status_code": 201,
        "headers": {"Authorization": f"Bearer {token}"},
        "ca_path": tenant.endpoints["ca_path"],
    }
    tasks: list[Data] = [
        {"name": "refused", **many, "ignore_errors": True},
        {"name": "refused again", **many, "ignore_errors": True},
        {"name": "grant", "ansible.builtin.uri": request},
        {"name": "granted", **many},
        {"name": "nothing left", **many},
    ]
    run = ansible.tasks(tasks).ok()
    for name in ("refused", "refused again"):
        assert run[name].status == "failed"
        assert not run[name].changed
        assert run[name].msg.startswith("3 of 3 mailboxes failed: VMR 0: ")
        assert [one["failed"] for one in run[name]["mailboxes"]] == [True] * 3
        assert all("New-Mailbox" in one["msg"] for one in run[name]["mailboxes"])
    assert [run[name].changed for name in ("granted", "nothing left")] == [True, False]
    assert [one["changed"] for one in run["granted"]["mailboxes"]] == [True] * 3
    # One; another since what the first allows may have changed; the same once more.
    given = tokens(tenant.wire())
    assert [number for asked, number in given.items() if asked.startswith(WEAK["client_id"])] == [3]
    # What a batch makes of a refusal of rights is not known: one of its items goes alone, for all of them.
    alone = [one for one in tenant.writes() if one.status == 403]
    assert [one.operations for one in alone] == [["New-Mailbox"]] * 4


def test_tokens_are_kept_where_nobody_else_looks_and_not_for_long(tenant: Simulator, ansible: Ansible) -> None:
    local = ansible.directory / "run-1" / "local"  # ANSIBLE_LOCAL_TEMP
    tasks: list[Data] = [
        {"name": "sign in", "vmrops.o365.o365_oauth_app": ABSENT},
        {"name": "look", "ansible.builtin.command": f"find {local} -mindepth 1 -printf '%y %m %P\\n'"},
    ]
    run = ansible.tasks(tasks, tenant.auth()).ok()
    found = [line.split() for line in run["look"]["stdout_lines"]]
    assert [mode for kind, mode, path in found if kind == "d" and "/" not in path] == ["700"]
    assert [mode for _kind, mode, path in found if "vmrops.o365-" in path] == ["600"]
    assert not list(local.iterdir())
