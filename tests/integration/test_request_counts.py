# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each module costs: requests for tokens, reads and writes, with everything to do and with nothing to do.

Signing in takes a request for a token of each service, and one before it to learn about the tenant. A batch is one
request. After a write the state is read twice, since replicas answer in turn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._reconcile import Run
from ansible_collections.vmrops.o365.plugins.module_utils._resources.tenant_info import TenantInfo
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, connect
from support.simulator import Simulator
from sweep.modules import MODULES, NODE_MODULES, Module

Count = tuple[int, int, int]

# Tokens, reads and writes: applied, and again with nothing to do.
COUNTS: dict[str, tuple[Count, Count]] = {
    "o365_equipment_mailbox present": ((2, 7, 3), (2, 2, 0)),
    "o365_equipment_mailbox absent": ((2, 5, 1), (2, 2, 0)),
    "o365_oauth_app present": ((6, 7, 6), (2, 2, 0)),
    "o365_oauth_app absent": ((2, 6, 3), (2, 2, 0)),
    "o365_impersonation (application_rbac) present": ((3, 7, 3), (3, 2, 0)),
    "o365_impersonation (application_rbac) absent": ((3, 7, 3), (3, 2, 0)),
    "o365_impersonation (application_impersonation) present": ((2, 3, 2), (2, 1, 0)),
    "o365_impersonation (application_impersonation) absent": ((2, 5, 2), (2, 1, 0)),
    "o365_service_account present": ((3, 7, 3), (3, 2, 0)),
    "o365_service_account absent": ((2, 5, 2), (2, 2, 0)),
    "o365_ews_access present": ((2, 4, 2), (2, 1, 0)),
    "o365_ews_access absent": ((2, 3, 2), (2, 1, 0)),
    "o365_mailbox_delegate present": ((2, 6, 4), (2, 2, 0)),
    "o365_mailbox_delegate absent": ((2, 6, 4), (2, 2, 0)),
    "o365_outlook_addin present": ((2, 5, 1), (2, 2, 0)),
    "o365_outlook_addin absent": ((2, 3, 1), (2, 1, 0)),
    # The node has no batches: its connectors and their domains, and what the scheduler last did and failed to do.
    "pexip_exchange_connector present": ((1, 10, 2), (1, 4, 0)),
    "pexip_exchange_connector absent": ((1, 3, 1), (1, 1, 0)),
}


def spent(tenant: Simulator, since: int) -> Count:
    """Tokens, reads and writes among the requests after so many."""
    requests = tenant.wire()[since:]
    tokens = sum(one.service == "login" or one.path.startswith("/oauth/") for one in requests)
    writes = sum(one.is_write for one in requests)
    return tokens, len(requests) - tokens - writes, writes


@pytest.mark.parametrize("module", [*MODULES, *NODE_MODULES], ids=lambda one: str(one.name))
def test_what_a_module_costs(module: Module, tmp_path: Path) -> None:
    with Simulator(tmp_path / "tenant", seed=module.seed) as tenant:
        if module.state == "absent":
            assert module.start(tenant, tmp_path, "present").finish().succeeded
        found = []
        for _run in range(2):
            before = len(tenant.wire())
            ended = module.start(tenant, tmp_path, module.state).finish()
            assert ended.succeeded, ended.message
            found.append(spent(tenant, before))
    assert tuple(found) == COUNTS[module.name]


def report(tenant: Simulator, **options: Any) -> dict[str, Any]:
    """What o365_tenant_info returns."""
    none = (
        "app_id",
        "app_unique_name",
        "steps",
        "service_account_user_principal_name",
        "equipment_address",
        "licenses",
    )
    given = {**dict.fromkeys((*none, "mailboxes")), "access": "app_permissions", "cloud": "global", **options}
    auth = {**dict.fromkeys(AUTH_ARGUMENTS), "auth_method": "auto", "cloud": "global"}
    connection = connect({**auth, **tenant.auth(), "timeout": 10, "wait_timeout": 30}, print)
    run: Run[Any] = Run(TenantInfo(given, connection.now), connection, connection.clients, connection.deadline)
    return run.reconcile()


@pytest.mark.parametrize(
    ("options", "count"),
    [
        pytest.param({}, (3, 2, 0), id="tenant"),
        pytest.param({"equipment_address": "alice@contoso.com"}, (3, 2, 0), id="equipment"),
        # The names of what an application was granted are read from the services that grant it; that it has no role is asked by
        # both of its ids.
        pytest.param({"app_id": "automation"}, (3, 4, 0), id="application"),
        # An application is found by its name first.
        pytest.param({"app_unique_name": "nobody"}, (3, 3, 0), id="application by name"),
    ],
)
def test_what_a_report_costs(options: dict[str, Any], count: Count, tenant: Simulator) -> None:
    if options.get("app_id"):
        options = {"app_id": tenant.endpoints["client_id"]}
    assert report(tenant, **options)["caller"]["readable"]
    assert spent(tenant, 0) == count


def test_s35_a_report_over_many_mailboxes_reads_them_in_batches(tmp_path: Path) -> None:
    """Fifty mailboxes: their protocols ten at a time, their owners twenty at a time."""
    people = [{"upn": f"user{number}@contoso.com", "name": f"User {number}"} for number in range(50)]
    with Simulator(tmp_path / "tenant", seed={"users": people, "groups": [], "administrative_units": []}) as tenant:
        boxes = report(tenant, mailboxes=[one["upn"] for one in people])["mailboxes"]["mailboxes"]
        operations = [one.operations for one in tenant.wire()]
    assert len(boxes) == 50
    protocols = [one for one in operations if "Get-CASMailbox" in one]
    assert [sum(name == "Get-CASMailbox" for name in one) for one in protocols] == [7, 10, 10, 10, 10, 3]
