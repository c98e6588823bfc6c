# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role: both ways to give access, from an empty tenant to one that holds nothing any more."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import ROOT
from support.ansible import Ansible, Run
from support.company import ACCOUNT, EQUIPMENT, MANAGEMENT_NODE, wish
from support.simulator import Simulator

Data = dict[str, Any]

REDIRECT = f"https://{MANAGEMENT_NODE}/admin/platform/msexchangeconnector/oauth_redirect/"
SUMMARY = "Say what to enter on the Pexip Management Node"
# What the modules would do on an empty tenant, in the order of Pexip's pages.
EQUIPMENT_STEPS = [
    "create the equipment mailbox VMR scheduling",
    "set how the equipment mailbox VMR scheduling treats meeting requests",
]
APP_STEPS = [
    "register the application pexip-vmr-scheduling",
    "create the service principal of pexip-vmr-scheduling",
]
SECRET_STEP = "add the client secret Pexip VMR scheduling"
STEPS = {
    "app_permissions": [
        *EQUIPMENT_STEPS,
        *APP_STEPS,
        SECRET_STEP,
        "create the management scope Pexip VMR scheduling",
        "make the application known to Exchange",
        "assign the role Application EWS.AccessAsApp to the application for members of vmr-users@contoso.com",
        "create the management scope Pexip VMR scheduling equipment from scope.recipient_filter",
        f"assign the role Application EWS.AccessAsApp to the application for PrimarySmtpAddress -eq '{EQUIPMENT}'",
    ],
    "service_account": [
        f"create the user {ACCOUNT}",
        f"set the licences of {ACCOUNT}",
        "create the management scope Pexip VMR scheduling",
        f"assign the role ApplicationImpersonation to {ACCOUNT} for members of vmr-users@contoso.com",
        "create the management scope Pexip VMR scheduling equipment from scope.recipient_filter",
        f"assign the role ApplicationImpersonation to {ACCOUNT} for PrimarySmtpAddress -eq '{EQUIPMENT}'",
        *EQUIPMENT_STEPS,
        *APP_STEPS,
        "consent to the delegated permissions EWS.AccessAsUser.All of Office 365 Exchange Online for everybody",
        "consent to the delegated permissions offline_access of Microsoft Graph for everybody",
        SECRET_STEP,
    ],
}
TASKS = {
    "service_account": {"Service account"},
    "impersonation": {"Access of the app to the users in scope", "Access of the app to the equipment resource"},
    "equipment": {"Equipment resource"},
    "equipment_configuration": {"Configuration of the equipment resource"},
    "app": {"App registration"},
}
both_ways = pytest.mark.parametrize("access", ["app_permissions", "service_account"])


def tried(title: str, variables: Data, **options: Any) -> Data:
    """A task that runs the role and goes on when it fails."""
    role = {"name": title, "ansible.builtin.include_role": {"name": "vmrops.o365.vmr_scheduling"}, "vars": variables}
    went_on = {"name": f"{title} failed", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}
    return {"name": title, "block": [role], "rescue": [went_on], **options}


def steps(run: Run, task: str = SUMMARY) -> list[str]:
    """The steps that the last task listed."""
    listed: list[str] = run[task]["msg"]["steps"]
    return listed


def secrets_in(path: Path) -> Data:
    assert path.stat().st_mode & 0o777 == 0o600
    content: Data = yaml.safe_load(path.read_text())
    return content


def silent_about(run: Run, *secrets: str) -> None:
    """Neither the output nor what callbacks were given holds a secret."""
    for secret in secrets:
        assert secret not in run.output
        assert not [one.task for one in run.results if secret in str(one.result)]


@pytest.mark.timeout(600)  # eight runs
@both_ways
def test_from_an_empty_tenant_and_back(
    access: str, simulator: Callable[..., Simulator], ansible: Ansible, tmp_path: Path
) -> None:
    tenant, file = simulator(seed={"impersonation_role": True}), tmp_path / "secrets.yml"
    wanted = wish(tenant, access, file)

    with tenant.no_writes():
        foreseen = ansible.role(wanted, check=True, diff=True).ok()
    assert steps(foreseen) == STEPS[access]
    assert not file.exists()

    mark = tenant.mark()
    applied = ansible.role(wanted, verbosity=3, diff=True).ok()
    assert steps(applied) == STEPS[access]
    assert len(tenant.writes(mark)) == len(STEPS[access])
    kept = secrets_in(file)
    secrets = [
        kept["client_secret"],
        tenant.endpoints["client_secret"],
        *kept.get("service_account_password", "").split(),
    ]
    assert len(secrets) == (2 if access == "app_permissions" else 3)
    silent_about(applied, *secrets)
    connector = applied[SUMMARY]["msg"]["enter_on_the_management_node"]
    assert connector == applied["Collect what the Management Node needs"]["ansible_facts"]["vmr_scheduling_connector"]
    prove_connector(tenant, access, connector)
    assert applied[SUMMARY]["msg"]["client_secret"] == f"client_secret in {file}"
    advice = " ".join(applied[SUMMARY]["msg"]["next"])
    assert kept["client_secret_end"][:10] in advice
    assert (f"sign in there as {ACCOUNT}" in advice) == (access == "service_account")

    with tenant.no_writes():
        again = ansible.role(wanted, verbosity=3).ok()
        silent_about(ansible.role(wanted, check=True, diff=True, verbosity=3).ok(), *secrets)
    assert again.changed == 0
    assert steps(again) == []
    silent_about(again, *secrets)
    assert secrets_in(file) == kept

    absent = {**wanted, "vmr_scheduling_state": "absent"}
    removed = ansible.role(absent).ok()
    assert removed.changed
    with tenant.no_writes():
        assert ansible.role(absent).ok().changed == 0

    restored = ansible.role({**wanted, "vmr_scheduling_deleted": "restore"}).ok()
    assert "restore the application pexip-vmr-scheduling from the recycle bin" in steps(restored)
    assert SECRET_STEP not in steps(restored), "restoring made the secret in the file valid again"
    assert secrets_in(file) == kept

    purged = ansible.role({**absent, "vmr_scheduling_purge": True}).ok()
    assert "purge the application pexip-vmr-scheduling from the recycle bin" in steps(purged, "Say what was removed")
    assert not file.exists()


def prove_connector(tenant: Simulator, access: str, connector: Data) -> None:
    ends = tenant.endpoints
    oauth = f"{ends['login_url']}/{ends['tenant_id']}/oauth2/v2.0"
    expected = {
        "authentication_method": "APP_PERM",
        "url": f"{ends['outlook_url']}/EWS/Exchange.asmx",
        "oauth_client_id": connector["oauth_client_id"],
        "oauth_token_endpoint": f"{oauth}/token",
        "room_mailbox_email_address": EQUIPMENT,
        "room_mailbox_name": "Pexip VMR scheduling",
    }
    if access == "service_account":
        expected |= {
            "authentication_method": "OAUTH",
            "username": ACCOUNT,
            "oauth_auth_endpoint": f"{oauth}/authorize",
            "oauth_redirect_uri": REDIRECT,
        }
    assert connector == expected
    assert len(connector["oauth_client_id"]) == 36


def test_steps_switched_off(tenant: Simulator, ansible: Ansible) -> None:
    wanted = wish(tenant, "app_permissions")
    without_app = {**wanted, "vmr_scheduling_manage_app": False}
    run = ansible.tasks([tried("No app", without_app)], check=True).ok()
    assert "vmr_scheduling_app_unique_name" in run["No app failed"].msg

    ansible.role(wanted).ok()
    switches = [name for name in TASKS if name != "service_account"]
    plays = [
        {
            "name": name,
            "hosts": "all",
            "gather_facts": False,
            "roles": [
                {"role": "vmrops.o365.vmr_scheduling", "vars": {**wanted, f"vmr_scheduling_manage_{name}": False}}
            ],
        }
        for name in switches
    ]
    with tenant.no_writes():
        run = ansible.run(plays).ok()
    assert run.changed == 0
    for name in switches:
        done = {
            one.task.split(" : ")[-1]
            for one in run.results
            if one.play == name and "vmrops" in one.action and one.status == "ok"
        }
        taken = {"Look at the tenant"}.union(*(TASKS[switch] for switch in switches if switch != name))
        looked_up = {
            "app": {"Look up the app registration"},
            "equipment": {"Look for the equipment resource"},
        }
        assert done == taken | looked_up.get(name, set()), name

    absent = {**without_app, "vmr_scheduling_state": "absent", "vmr_scheduling_manage_equipment": False}
    removed = steps(ansible.role(absent).ok(), "Say what was removed")
    assert len(removed) == 5, removed
    assert not [one for one in removed if "delete" in one or "mailbox" in one]


def test_without_what_another_team_should_have_made(tenant: Simulator, ansible: Ansible) -> None:
    """A step that is switched off leaves its object to others; the next one does not make it in passing."""
    wanted = {**wish(tenant, "app_permissions"), "vmr_scheduling_manage_equipment": False}
    with tenant.no_writes():
        failure = ansible.role(wanted).failure()
    assert "vmr_scheduling_manage_equipment" in failure.msg


def test_service_account_step_switched_off(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    tenant = simulator(seed={"impersonation_role": True})
    wanted = {
        **wish(tenant, "service_account"),
        "vmr_scheduling_manage_service_account": False,
        "vmr_scheduling_service_account_user_principal_name": "alice@contoso.com",
    }
    with tenant.no_writes():
        run = ansible.role(wanted, check=True).ok()
    assert steps(run)[0] == "create the management scope Pexip VMR scheduling"


def test_without_a_secrets_file(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    """The secret is a variable for the rest of the play; a file that is given later, or got lost, gets a new one."""
    wanted, file = wish(tenant, "app_permissions"), tmp_path / "secrets.yml"
    use = {
        "name": "Use it",
        "ansible.builtin.copy": {
            "dest": str(tmp_path / "used"),
            "content": "{{ vmr_scheduling_secrets.client_secret }}",
        },
        "no_log": True,
    }
    first = ansible.tasks([tried("Role", wanted), use], verbosity=3).ok()
    secret = (tmp_path / "used").read_text()
    assert len(secret) > 30
    silent_about(first, secret)
    assert "vmr_scheduling_secrets.client_secret" in first[SUMMARY]["msg"]["client_secret"]
    with tenant.no_writes():
        ansible.role(wanted).ok()
    run = ansible.role({**wanted, "vmr_scheduling_secrets_file": str(file)}).ok()
    assert steps(run) == [SECRET_STEP]
    assert secrets_in(file)["client_secret"] != secret


def test_secrets_outlive_a_failure(simulator: Callable[..., Simulator], ansible: Ansible, tmp_path: Path) -> None:
    """What a service told once is in the file, whatever fails after it."""
    refusal = {
        "do": "respond",
        "status": 400,
        "body": {"error": {"code": "Request_BadRequest", "message": "Not today."}},
    }
    refused_licence = {"match": {"service": "graph", "path": "/assignLicense$"}, **refusal, "times": 1}
    refused_scope = {"match": {"cmdlet": "New-ManagementScope"}, **refusal, "times": 1}
    tenant = simulator(seed={"impersonation_role": True}, faults=[refused_licence, refused_scope])
    file = tmp_path / "secrets.yml"
    file.touch(mode=0o644)
    wanted = wish(tenant, "service_account", file)

    failure = ansible.role(wanted).failure()
    assert "Not today." in failure.msg
    password = secrets_in(file)["service_account_password"]
    assert "client_secret" not in secrets_in(file)

    order = {"vmr_scheduling_manage_impersonation": False}
    ansible.role({**wanted, **order}).ok()
    kept = secrets_in(file)
    assert kept["service_account_password"] == password
    assert "Not today." in ansible.role(wanted).failure().msg
    run = ansible.role(wanted).ok()
    assert SECRET_STEP not in steps(run)
    assert secrets_in(file) == kept


def test_bad_input_before_any_write(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    app, account = wish(tenant, "app_permissions"), wish(tenant, "service_account")
    stranger = tmp_path / "other.yml"
    stranger.write_text("tenant: fabrikam\nclient_secret: canary\n")
    link, open_to_all = tmp_path / "link.yml", tmp_path / "open"
    link.symlink_to(tmp_path / "elsewhere.yml")
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    cases: dict[str, tuple[Data, str]] = {
        "no scope": ({**app, "vmr_scheduling_scope": {}}, "vmr_scheduling_scope"),
        "two scopes": (
            {**app, "vmr_scheduling_scope": {"group": "vmr-users@contoso.com", "organization": True}},
            "exactly one of",
        ),
        "no equipment": (
            {name: value for name, value in app.items() if name != "vmr_scheduling_equipment_address"},
            "vmr_scheduling_equipment_address",
        ),
        "no address": ({**app, "vmr_scheduling_equipment_address": "vmr"}, "vmr_scheduling_equipment_address"),
        "verify": ({**account, "vmr_scheduling_verify": {"in_scope": "alice@contoso.com"}}, "vmr_scheduling_verify"),
        "no account": (
            {**account, "vmr_scheduling_service_account_user_principal_name": ""},
            "vmr_scheduling_service_account_user_principal_name",
        ),
        "no node": ({**account, "vmr_scheduling_management_node": "https://x/"}, "vmr_scheduling_management_node"),
        "no directory": ({**app, "vmr_scheduling_secrets_file": "/no/where"}, "vmr_scheduling_secrets_file"),
        "a link": ({**app, "vmr_scheduling_secrets_file": str(link)}, "is a symbolic link"),
        "a directory": ({**app, "vmr_scheduling_secrets_file": str(tmp_path)}, "is no regular file"),
        "a directory for all": ({**app, "vmr_scheduling_secrets_file": str(open_to_all / "x")}, "everybody may write"),
        "another's file": ({**app, "vmr_scheduling_secrets_file": str(stranger)}, "fabrikam"),
        "unknown way": ({**app, "vmr_scheduling_access": "magic"}, "vmr_scheduling_access"),
        "misspelt sign-in": ({**app, "vmr_scheduling_auth": {**tenant.auth(), "tenant": "x"}}, "vmr_scheduling_auth"),
        "misspelt processing": (
            {**app, "vmr_scheduling_equipment_calendar_processing": {"automate": "None"}},
            "vmr_scheduling_equipment_calendar_processing",
        ),
    }
    with tenant.no_writes():
        run = ansible.tasks([tried(name, variables) for name, (variables, _text) in cases.items()], verbosity=3)
    run.ok()
    for name, (_variables, text) in cases.items():
        assert text in run[f"{name} failed"].msg, name
    silent_about(run, tenant.endpoints["client_secret"], "canary")


def test_tenants_of_the_example_inventory(
    simulator: Callable[..., Simulator], ansible: Ansible, tmp_path: Path
) -> None:
    """Each host is a tenant. The example runs as it is, but for where the services are and who signs in."""
    example = tmp_path / "tenants"
    shutil.copytree(ROOT / "docs" / "examples" / "tenants", example)
    (example / "secrets").mkdir(mode=0o700)
    contoso = simulator()
    fabrikam = simulator(
        seed={
            "tenant": {"domain": "fabrikam.onmicrosoft.com", "display_name": "Fabrikam"},
            "domains": [{"name": "fabrikam.com", "verified": True}],
            "users": [],
            "groups": [],
            "administrative_units": [],
            "impersonation_role": True,
        }
    )
    options: Data = {
        "arguments": ["-i", str(example / "inventory.yml")],
        "extra_vars": {
            "simulated": {"contoso": contoso.auth(), "fabrikam": fabrikam.auth()},
            "vmr_scheduling_auth": "{{ simulated[inventory_hostname] }}",
        },
    }
    run = ansible.run("vmrops.o365.configure", **options).ok()
    shown = {one.host: one["msg"]["enter_on_the_management_node"] for one in run.results if one.task.endswith(SUMMARY)}
    assert shown["contoso"]["authentication_method"] == "APP_PERM"
    assert shown["contoso"]["room_mailbox_email_address"] == "vmr-scheduling@contoso.com"
    assert shown["fabrikam"]["authentication_method"] == "OAUTH"
    assert shown["fabrikam"]["username"] == "pexip-scheduling@fabrikam.com"
    secrets = {name: secrets_in(example / "secrets" / f"{name}.yml") for name in ("contoso", "fabrikam")}
    assert {name: one["tenant"] for name, one in secrets.items()} == {"contoso": "contoso", "fabrikam": "fabrikam"}
    assert secrets["contoso"]["client_secret"] != secrets["fabrikam"]["client_secret"]
    with contoso.no_writes(), fabrikam.no_writes():
        assert ansible.run("vmrops.o365.configure", **options).ok().changed == 0

    options["extra_vars"]["vmr_scheduling_purge"] = True
    with fabrikam.no_writes():
        ansible.run("vmrops.o365.teardown", **{**options, "arguments": [*options["arguments"], "-l", "contoso"]}).ok()
    assert [path.name for path in (example / "secrets").iterdir()] == ["fabrikam.yml"]


@both_ways
def test_ews_is_kept_open_where_asked_for(
    access: str, simulator: Callable[..., Simulator], ansible: Ansible, tmp_path: Path
) -> None:
    """The app joins those that another team listed, goes again with the teardown, and leaves theirs."""
    other, third = "0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42", "4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11"
    config = {"EwsEnabled": False, "EwsAllowedAppIDs": other}
    tenant = simulator(seed={"impersonation_role": True, "organization_config": config})
    wanted = {
        **wish(tenant, access, tmp_path / "secrets.yml"),
        "vmr_scheduling_manage_ews_access": True,
        "vmr_scheduling_ews_other_app_ids": [third],
    }
    with tenant.no_writes():
        foreseen = ansible.role(wanted, check=True).ok()
    made = ansible.role(wanted).ok()
    assert steps(foreseen)[-1] == steps(made)[-1] == "switch EWS on for the listed applications"
    app_id = made[SUMMARY]["msg"]["enter_on_the_management_node"]["oauth_client_id"]
    task = made["Access of the app to EWS"]
    assert task["ews"]["app_ids"] == [other, app_id, third]
    with tenant.no_writes():
        ansible.role(wanted).ok()
    gone = {**wanted, "vmr_scheduling_state": "absent", "vmr_scheduling_purge": True}
    away = ansible.role(gone).ok()
    assert away["Access of the app to EWS"]["ews"]["app_ids"] == [other, third]
    with tenant.no_writes():
        ansible.role(gone).ok()
