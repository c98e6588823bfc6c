# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin, through ansible-inventory."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import BIN, COLLECTIONS, ROOT
from support.ansible import Ansible
from support.simulator import Simulator

Data = dict[str, Any]
PATH = "/v1.0/tenantRelationships/delegatedAdminCustomers"
CUSTOMERS = [{"name": f"Customer {number:03}", "tenant_id": str(uuid.UUID(int=number))} for number in range(230)]
TWINS = [
    {"name": "Twin AS", "tenant_id": "aaaaaaaa-0000-4000-8000-000000000000"},
    {"name": "Twin A/S", "tenant_id": "bbbbbbbb-0000-4000-8000-000000000000"},
    {"name": "Twin AS", "tenant_id": "cccccccc-0000-4000-8000-000000000000"},
]


class Inventory:
    """``ansible-inventory --list`` over one file."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()

    def run(
        self, content: Data, name: str = "tenants.yml", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        path = self.directory / name
        path.write_text(yaml.safe_dump({"plugin": "vmrops.o365.tenants", **content}, sort_keys=False))
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "AZURE_"))}
        more = {
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(self.directory / "home"),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            **(environment or {}),
        }
        command = [str(BIN / "ansible-inventory"), "-i", str(path), "--list"]
        return subprocess.run(command, env={**kept, **more}, capture_output=True, text=True, check=False)

    def hosts(self, content: Data, **options: Any) -> tuple[Data, Data]:
        """The variables by host, and the hosts by group."""
        done = self.run(content, **options)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        variables = _plain(found.pop("_meta")["hostvars"])
        return variables, {group: one["hosts"] for group, one in found.items() if one.get("hosts")}

    def failure(self, content: Data, **options: Any) -> str:
        """What is said when it fails, on one line."""
        done = self.run(content, **options)
        assert done.returncode != 0, done.stdout
        return " ".join(done.stderr.split())


def _plain(value: Any) -> Any:
    """Without the marks of values that are no templates."""
    if isinstance(value, dict):
        return (
            value["__ansible_unsafe"]
            if set(value) == {"__ansible_unsafe"}
            else {k: _plain(v) for k, v in value.items()}
        )
    return [_plain(one) for one in value] if isinstance(value, list) else value


def test_a_list(tmp_path: Path) -> None:
    content: Data = {
        "tenants": [
            {
                "hostname": "contoso",
                "tenant_id": "11111111-2222-4333-8444-555555555555",
                "name": "Contoso",
                "domain": "contoso.com",
                "country": "NO",
                "state": "live",
                "auth": {"client_secret": "{{ lookup('env', 'CONTOSO') }}"},
                "vars": {"vmr_scheduling_equipment_name": "Its own"},
            },
            {"name": "Fabrikam, Inc. O'Brien", "domain": "fabrikam.com", "country": "NO", "state": "pilot"},
            {"domain": "out.example", "state": "gone"},
        ],
        "auth": {"client_id": "an-app", "client_secret": "{{ vault_secrets[inventory_hostname] }}"},
        "vars": {"vmr_scheduling_equipment_name": "Common"},
        "filters": [{"include": "tenant_name is defined"}, {"exclude": True}],
        "compose": {"vmr_scheduling_purge": "tenant_state == 'pilot'"},
        "groups": {"in_norway": "tenant_country == 'NO'"},
        "keyed_groups": [{"key": "tenant_domain[0]", "prefix": "initial"}],
    }
    variables, groups = Inventory(tmp_path / "inventory").hosts(content, environment={"CONTOSO": "canary"})
    assert variables == {
        "contoso": {
            "tenant_id": "11111111-2222-4333-8444-555555555555",
            "tenant_name": "Contoso",
            "tenant_domain": "contoso.com",
            "tenant_country": "NO",
            "tenant_state": "live",
            "vmr_scheduling_auth": {
                "tenant_id": "11111111-2222-4333-8444-555555555555",
                "client_id": "an-app",
                "client_secret": "{{ lookup('env', 'CONTOSO') }}",
            },
            "vmr_scheduling_equipment_name": "Its own",
            "vmr_scheduling_purge": False,
        },
        "fabrikam-inc-o-brien": {
            "tenant_id": "fabrikam.com",
            "tenant_name": "Fabrikam, Inc. O'Brien",
            "tenant_domain": "fabrikam.com",
            "tenant_country": "NO",
            "tenant_state": "pilot",
            "vmr_scheduling_auth": {
                "tenant_id": "fabrikam.com",
                "client_id": "an-app",
                "client_secret": "{{ vault_secrets[inventory_hostname] }}",
            },
            "vmr_scheduling_equipment_name": "Common",
            "vmr_scheduling_purge": True,
        },
    }
    both = ["contoso", "fabrikam-inc-o-brien"]
    assert groups == {
        "o365_tenants": both,
        "domain_contoso_com": ["contoso"],
        "domain_fabrikam_com": ["fabrikam-inc-o-brien"],
        "country_NO": both,
        "state_live": ["contoso"],
        "state_pilot": ["fabrikam-inc-o-brien"],
        "in_norway": both,
        "initial_c": ["contoso"],
        "initial_f": ["fabrikam-inc-o-brien"],
    }


def test_bad_input(tmp_path: Path) -> None:
    inventory = Inventory(tmp_path / "inventory")
    cases: dict[str, Data] = {
        "tenants[1]: there is no tenant.": {"tenants": [{"tenant": "x", "domain": "x.com"}]},
        "tenants[2]: it names no tenant.": {"tenants": [{"domain": "x.com"}, {"name": "X"}]},
        "2 tenants are called x.": {
            "tenants": [{"hostname": "x", "domain": "x.com"}, {"hostname": "x", "domain": "y.com"}]
        },
        "filters[1]: it is no filter.": {"filters": [{"include": "a", "exclude": "b"}]},
        "cannot be said of a tenant": {
            "tenants": [{"domain": "x.com"}],
            "filters": [{"include": "tenant_nothing == 1"}],
            "strict": True,
        },
        "partner: its options are not right": {"partner": {"secret": "canary"}},
        "client_id is missing": {"partner": {"tenant_id": "x.com", "client_secret": "canary"}},
    }
    for text, content in cases.items():
        said = inventory.failure(content)
        assert text in said
        assert "canary" not in said


@pytest.mark.smoke
def test_customers_of_a_partner(simulator: Callable[..., Simulator], ansible: Ansible, tmp_path: Path) -> None:
    """Three pages, what the list adds, the cache, and the permission that it takes."""
    app = {
        "name": "Inventory",
        "client_id": "5f0d0c4e-1111-4222-8333-444455556666",
        "client_secret": "s3cret-of-the-inventory",
        "roles": ["DelegatedAdminRelationship.Read.All"],
    }
    stranger = {**app, "client_id": "5f0d0c4e-1111-4222-8333-444455557777", "roles": ["User.Read.All"]}
    partner = simulator(seed={"customers": [*CUSTOMERS, *TWINS], "apps": [app, stranger]})
    inventory = Inventory(tmp_path / "inventory")
    auth = {**partner.auth(), "client_id": app["client_id"], "client_secret": "{{ lookup('env', 'PARTNER_SECRET') }}"}
    kept = tmp_path / "kept"
    content: Data = {
        "partner": auth,
        "tenants": [{"tenant_id": CUSTOMERS[7]["tenant_id"].upper(), "hostname": "seven", "state": "pilot"}],
        "filters": [{"exclude": "tenant_name == 'Customer 008'"}],
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(kept),
    }
    environment = {"PARTNER_SECRET": app["client_secret"]}
    variables, groups = inventory.hosts(content, environment=environment)
    assert len(variables) == 230 + 3 - 1
    assert groups["state_pilot"] == ["seven"]
    assert variables["seven"]["tenant_name"] == "Customer 007"
    assert variables["customer-229"]["tenant_id"] == CUSTOMERS[229]["tenant_id"]
    assert {"twin-as-aaaaaaaa", "twin-a-s", "twin-as-cccccccc"} < set(variables)
    asked = [request for request in partner.wire() if request.path == PATH]
    assert [request.status for request in asked] == [200, 200, 200]
    assert [request.query.count("skiptoken") for request in asked] == [0, 1, 1]

    assert app["client_secret"] not in "".join(path.read_text() for path in kept.iterdir())
    mark = partner.mark()
    assert inventory.hosts(content, environment=environment) == (variables, groups)
    assert partner.mark() == mark
    path = inventory.directory / "tenants.yml"
    play: Data = {"name": "Test", "hosts": "localhost", "gather_facts": False, "tasks": []}
    ansible.run([play], environment=environment, arguments=["-i", str(path), "--flush-cache"]).ok()
    assert len([request for request in partner.wire(mark) if request.path == PATH]) == 3

    for wrong, texts in (
        ({"client_id": stranger["client_id"]}, ["403", "DelegatedAdminRelationship.Read.All"]),
        ({"tenant_id": None, "client_secret": None, "client_id": None}, []),
    ):
        settings = {
            "AZURE_TENANT_ID": auth["tenant_id"],
            "AZURE_CLIENT_ID": app["client_id"],
            "AZURE_CLIENT_SECRET": app["client_secret"],
        }
        own = {name: value for name, value in {**auth, **wrong}.items() if value}
        one = {"partner": own, "tenants": []}
        if texts:
            said = inventory.failure(one, environment=environment)
            assert all(text in said for text in texts), said
            assert app["client_secret"] not in said
        else:
            assert len(inventory.hosts(one, environment=settings)[0]) == 233


def test_a_play_resolves_what_the_inventory_left(tmp_path: Path, ansible: Ansible) -> None:
    path = tmp_path / "tenants.yml"
    auth = {"client_secret": "{{ secrets_by_tenant[inventory_hostname] }}"}
    content = {"plugin": "vmrops.o365.tenants", "tenants": [{"hostname": "contoso", "domain": "x.com"}], "auth": auth}
    path.write_text(yaml.safe_dump(content))
    shown = [{"name": "Show", "ansible.builtin.debug": {"msg": "{{ vmr_scheduling_auth.client_secret }}"}}]
    run = ansible.run(
        [{"name": "Test", "hosts": "o365_tenants", "gather_facts": False, "tasks": shown}],
        arguments=["-i", str(path)],
        extra_vars={"secrets_by_tenant": {"contoso": "its own"}},
    )
    assert run.ok()["Show"].msg == "its own"


def test_the_examples_are_read(simulator: Callable[..., Simulator], tmp_path: Path) -> None:
    customers = [
        {"name": "Contoso", "tenant_id": "11111111-2222-4333-8444-555555555555"},
        {"name": "Northwind Traders", "tenant_id": str(uuid.UUID(int=1))},
        {"name": "Tailspin Toys", "tenant_id": str(uuid.UUID(int=2))},
    ]
    partner = simulator(seed={"customers": customers})
    tree = ast.parse((ROOT / "plugins" / "inventory" / "tenants.py").read_text())
    texts = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]
    # The oldest sanity check wants one document, so the second example is a comment.
    first, _heading, second = ast.literal_eval(texts["EXAMPLES"]).partition("# Another file:")
    listed = yaml.safe_load(first)
    discovered = yaml.safe_load(second.partition("\n#\n")[2].replace("# ", ""))
    inventory = Inventory(tmp_path / "inventory")
    assert set(inventory.hosts(listed)[0]) == {"contoso", "fabrikam"}
    discovered["cache_connection"] = str(tmp_path / "kept")
    discovered["partner"] = {**partner.auth(), "client_secret": discovered["partner"]["client_secret"]}
    environment = {"PARTNER_SECRET": partner.endpoints["client_secret"]}
    variables, groups = inventory.hosts(discovered, environment=environment)
    assert set(variables) == {"contoso", "tailspin-toys"}
    assert variables["contoso"]["vmr_scheduling_manage_ews_access"] is True
    assert groups["initial_T"] == ["tailspin-toys"]
