# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX: the playbook that configures it, and its job templates as the controller would run them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import yaml
from controller.server import Controller, serving
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from support import BIN, COLLECTIONS, ROOT
from support.ansible import Ansible, Run
from support.company import wish
from support.simulator import Simulator

Data = dict[str, Any]
NAME = "VMR scheduling"
SECRET = "canary-of-the-credential"
SETTINGS: Data = {
    "awx_execution_environment_image": "registry.example.com/vmrops-o365:latest",
    "awx_credentials": [
        {"name": "Automation", "inputs": {"client_id": "an-app", "client_secret": SECRET, "cloud": "global"}},
        {
            "name": "Fabrikam",
            "inputs": {"client_id": "another", "certificate": "-----BEGIN", "tenant_id": "fabrikam.com"},
        },
    ],
    "awx_tenants": [
        {"name": "contoso", "variables": {"vmr_scheduling_auth": {"tenant_id": "contoso.com"}}},
        {"name": "fabrikam", "variables": {"vmr_scheduling_auth": {"tenant_id": "fabrikam.com"}}},
    ],
    "awx_tenant_variables": {"vmr_scheduling_app_secret_lifetime": 210},
    "awx_notifications": [
        {
            "name": "Operations",
            "notification_type": "webhook",
            "notification_configuration": {
                "url": "https://hooks.example.com/vmr",
                "http_method": "POST",
                "headers": {},
                "disable_ssl_verification": False,
            },
        }
    ],
    "awx_job_slice_count": 4,
    "awx_approval_timeout": 3600,
}


@dataclass(frozen=True)
class Configured:
    """A controller, the way to it, and the run that configured it."""

    controller: Controller
    environment: dict[str, str]
    run: Run


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Configured]:
    """One that was empty before."""
    controller, directory = Controller(), tmp_path_factory.mktemp("controller")
    with serving(controller, directory) as environment:
        ansible = Ansible(directory / "ansible")
        run = ansible.run("vmrops.o365.awx", extra_vars=SETTINGS, environment=environment, verbosity=3)
        yield Configured(controller, environment, run)


@pytest.mark.timeout(900)
def test_the_controller_is_configured_once(configured: Configured, ansible: Ansible) -> None:
    controller, first = configured.controller, configured.run
    assert not controller.breaches
    first.ok()
    assert SECRET not in first.output
    assert not [one.task for one in first.results if SECRET in str(one.result)]

    kind = controller.named("credential_types", f"{NAME} (Microsoft 365 app)")
    assert set(kind["injectors"]) == {"env", "file"}
    assert {field["id"] for field in kind["inputs"]["fields"] if field.get("secret")} == {
        "client_secret",
        "certificate",
    }
    assert controller.named("credentials", "Automation")["credential_type"] == kind["id"]

    templates = {one["name"].removeprefix(f"{NAME}: "): one for one in controller.objects["job_templates"].values()}
    assert {name: (one["job_type"], one["playbook"]) for name, one in templates.items()} == {
        "configure": ("run", "playbooks/configure.yml"),
        "plan": ("check", "playbooks/configure.yml"),
        "audit": ("run", "playbooks/audit.yml"),
        "rotate": ("run", "playbooks/rotate_secret.yml"),
        "view calendar": ("run", "playbooks/view_calendar.yml"),
        "tear down": ("run", "playbooks/teardown.yml"),
    }
    assert templates["plan"]["diff_mode"] is True
    for one in templates.values():
        assert (one["forks"], one["job_slice_count"]) == (10, 4)
        assert controller.names("job_templates", one, "credentials") == ["Automation"]
        assert controller.names("job_templates", one, "notification_templates_error") == ["Operations"]
        assert "extra_vars" not in one
    questions = [question for survey in controller.surveys.values() for question in survey["spec"]]
    assert {question["type"] for question in questions} == {"text", "multiplechoice"}
    assert not [question for question in questions if "secret" in json.dumps(question).lower()]

    group = controller.named("groups", "o365_tenants")
    assert controller.names("groups", group, "hosts") == ["contoso", "fabrikam"]
    assert json.loads(group["variables"]) == SETTINGS["awx_tenant_variables"]
    order, node = ["plan"], controller.named("workflow_job_template_nodes", "plan")
    while following := controller.names("workflow_job_template_nodes", node, "success_nodes"):
        order += following
        node = controller.named("workflow_job_template_nodes", following[0])
    assert order == ["plan", "approve", "configure", "verify"]
    assert controller.named("workflow_approval_templates", "Approve what the plan says")["timeout"] == 3600
    assert len(controller.objects["schedules"]) == 2

    before = json.dumps(controller.objects, sort_keys=True)
    second = ansible.run("vmrops.o365.awx", extra_vars=SETTINGS, environment=configured.environment)
    assert not controller.breaches
    assert not [(one.task, one.result) for one in second.ok().results if one.changed]
    assert json.dumps(controller.objects, sort_keys=True) == before


@pytest.mark.smoke
def test_bad_settings_before_any_write(tmp_path: Path, ansible: Ansible) -> None:
    controller = Controller()
    with serving(controller, tmp_path) as environment:
        for wrong in (
            {"awx_tenants": []},
            {"awx_credentials": [{"name": "x", "inputs": {}}]},
            {"awx_execution_environment_image": ""},
            {"awx_tenant_variables": {"vmr_scheduling_auth": {"client_secret": SECRET}}},
        ):
            run = ansible.run("vmrops.o365.awx", extra_vars={**SETTINGS, **wrong}, environment=environment)
            assert "awx_" in run.failure().msg
            assert SECRET not in run.output
    assert not controller.writes


def test_the_values_for_aap_configuration_are_the_same(ansible: Ansible) -> None:
    """docs/examples/aap has the objects that the playbook makes of the settings next to it."""
    examples = ROOT / "docs" / "examples" / "aap"
    (play,) = yaml.safe_load((ROOT / "playbooks" / "awx.yml").read_text())
    files = [str(ROOT / "playbooks" / name) for name in play["vars_files"]]
    loops = [task["loop"].strip("{} ") for task in play["tasks"] if "loop" in task]
    names = [name for name in loops if name.isidentifier()]
    assert len(names) == 11
    made = "{" + ", ".join(f"'{name}': {name}" for name in names) + "}"
    tasks: list[Data] = [
        {"name": "Read", "ansible.builtin.include_vars": {"file": str(examples / "controller.yml"), "name": "written"}},
        {
            "name": "Compare",
            "ansible.builtin.debug": {"msg": {"made": f"{{{{ {made} }}}}", "written": "{{ written }}"}},
        },
    ]
    test = {
        "name": "Test",
        "hosts": "all",
        "gather_facts": False,
        "vars_files": files,
        "vars": play["vars"],
        "tasks": tasks,
    }
    shown = ansible.run(
        [test],
        extra_vars={"vault_vmr_client_secret": "from the vault"},
        arguments=["-e", f"@{examples / 'awx-settings.yml'}"],
        environment={"ANSIBLE_JINJA2_NATIVE": "1"},  # the oldest makes text of numbers, which only modules convert back
    ).ok()["Compare"]["msg"]
    assert shown["made"] == shown["written"]


class Jobs:
    """Runs job templates as the controller does: its playbook from the project, and what the credential injects."""

    def __init__(self, controller: Controller, directory: Path, tenant: Simulator) -> None:
        self.controller, self.directory, self.tenant = controller, directory, tenant
        self.runs = 0

    def injected(self, inputs: Data) -> dict[str, str]:
        """The environment; files are written where it says."""
        injectors = self.controller.named("credential_types", f"{NAME} (Microsoft 365 app)")["injectors"]
        engine = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
        names = {}
        for name, template in injectors["file"].items():
            path = self.directory / f"credential-{name.partition('.')[2]}"
            path.touch(mode=0o600)
            path.write_text(engine.from_string(template).render(inputs))
            names[name.partition(".")[2]] = str(path)
        space = {**inputs, "tower": {"filename": names}}
        return {name: engine.from_string(template).render(space) for name, template in injectors["env"].items()}

    def run(self, title: str, variables: Data, environment: dict[str, str], extra_vars: Data | None = None) -> Any:
        """One job of a template, over the only host."""
        self.runs += 1
        template = self.controller.named("job_templates", f"{NAME}: {title}")
        assert not (extra_vars or {}).keys() - {
            question["variable"]
            for question in self.controller.surveys.get(("job_templates", template["id"]), {"spec": []})["spec"]
        }
        private = self.directory / f"job-{self.runs}"
        private.mkdir(mode=0o700)
        return ansible_runner.run(
            private_data_dir=str(private),
            project_dir=str(ROOT),
            playbook=template["playbook"],
            inventory={"o365_tenants": {"hosts": {"contoso": variables}}},
            extravars=extra_vars or {},
            forks=template["forks"],
            cmdline=("--check " if template["job_type"] == "check" else "")
            + ("--diff" * template.get("diff_mode", False)),
            envvars={
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "ANSIBLE_HOME": str(self.directory / "home"),
                "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
                **environment,
            },
            quiet=True,
        )


@pytest.mark.timeout(1200)  # a configuration and eleven jobs
def test_the_job_templates_run(configured: Configured, tenant: Simulator, tmp_path: Path) -> None:
    configured.run.ok()
    ends = tenant.endpoints
    jobs = Jobs(configured.controller, tmp_path, tenant)
    inputs = {name: ends[name] for name in ("client_id", "client_secret", "login_url", "graph_url", "outlook_url")}
    inputs |= {"cloud": "global", "ca": Path(ends["ca_path"]).read_text()}
    injected = jobs.injected(inputs)
    assert injected["AZURE_CLIENT_CERTIFICATE_PATH"] == injected["AZURE_TENANT_ID"] == ""
    kept, reports = tmp_path / "secrets.yml", tmp_path / "reports"
    variables = {
        **wish(tenant, "app_permissions", kept),
        "vmr_scheduling_auth": {"tenant_id": ends["tenant_id"]},
        "vmr_scheduling_report_directory": str(reports),
        "vmr_scheduling_audit_fail_on": "error",
        "vmr_scheduling_rotate_overlap": 0,
    }

    def audited() -> Data:
        """The tenant, as the report of the last audit has it."""
        (one,) = json.loads((reports / "all-tenants.json").read_text())["tenants"]
        return dict(one)

    with tenant.no_writes():
        assert jobs.run("plan", variables, injected).rc == 0
        assert jobs.run("audit", variables, injected).rc != 0
    assert "missing" in {step["state"] for step in audited()["steps"]}
    done = jobs.run("configure", variables, injected)
    assert done.rc == 0, done.stdout.read()
    said = done.stdout.read()
    assert f"{ends['outlook_url']}/EWS/Exchange.asmx" in said
    with tenant.no_writes():
        again = jobs.run("configure", variables, injected)
        verified = jobs.run("audit", variables, injected)
        early = jobs.run("rotate", variables, injected)
    assert again.rc == verified.rc == early.rc == 0, verified.stdout.read() + early.stdout.read()
    assert not again.stats["changed"]
    assert not early.stats["changed"]
    assert {step["state"] for step in audited()["steps"]} <= {"in_place", "by_hand", "off"}

    # Nobody else has the secret yet, so that the next run may end what a rotation began.
    first = yaml.safe_load(kept.read_text())
    rotated = jobs.run("rotate", variables, injected, {"vmr_scheduling_rotate_now": "true"})
    assert rotated.rc == 0, rotated.stdout.read()
    second = yaml.safe_load(kept.read_text())
    assert second["client_secret"] != first["client_secret"]
    entered = {"vmr_scheduling_rotate_entered": second["client_secret_key_id"]}
    ended = jobs.run("rotate", variables, injected, entered)
    assert ended.rc == 0, ended.stdout.read()
    assert ended.stats["changed"]
    secret = {"client_secret": second["client_secret"]}
    reader = jobs.injected({**inputs, "client_id": audited()["handover"]["oauth_client_id"], **secret})
    with tenant.no_writes():
        seen = jobs.run("view calendar", variables, reader, {"vmr_scheduling_view_time_zone": "Europe/Oslo"})
    assert seen.rc == 0, seen.stdout.read()
    for job in (done, verified, rotated, ended, seen):
        said = job.stdout.read()
        assert not [name for name in (ends, first, second) if name["client_secret"] in said]

    survey = {"vmr_scheduling_hosts": "contoso", "vmr_scheduling_confirm": "fabrikam", "vmr_scheduling_purge": "true"}
    with tenant.no_writes():
        refused = jobs.run("tear down", variables, injected, survey)
    assert refused.rc != 0
    assert "vmr_scheduling_confirm" in refused.stdout.read()
    # AWX's own credential for Azure, with its names of variables.
    azure = {
        "AZURE_SUBSCRIPTION_ID": "",
        "AZURE_CLIENT_ID": ends["client_id"],
        "AZURE_TENANT": ends["tenant_id"],
        "AZURE_SECRET": ends["client_secret"],
        "AZURE_CLOUD_ENVIRONMENT": "AzureCloud",
    }
    endpoints = {name: value for name, value in injected.items() if name.startswith("VMROPS_")}
    del endpoints["VMROPS_O365_CLOUD"]
    built_in = {**azure, **endpoints, "AZURE_AUTHORITY_HOST": ends["login_url"]}
    away = jobs.run(
        "tear down", {**variables, "vmr_scheduling_auth": {}}, built_in, {**survey, "vmr_scheduling_confirm": "contoso"}
    )
    assert away.rc == 0, away.stdout.read()
    assert away.stats["changed"]
    assert not kept.exists()
