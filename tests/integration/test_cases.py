# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of docs/cases.md that no module's own tests have, and that each case has a test named after it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._module import _message
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused, revealed
from ansible_collections.vmrops.o365.plugins.module_utils._reconcile import Run
from ansible_collections.vmrops.o365.plugins.module_utils._resources.equipment_mailbox import EquipmentMailbox
from ansible_collections.vmrops.o365.plugins.module_utils._resources.oauth_app import OAuthApp
from ansible_collections.vmrops.o365.plugins.module_utils._resources.service_account import ServiceAccount
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import ServiceError
from support import ROOT, TESTS
from support.graph import Administrator, sign_in
from support.in_process import new_run
from support.simulator import Simulator, wherever
from sweep.modules import ACCOUNT, APP, EQUIPMENT

Options = dict[str, Any]
Tenants = Callable[..., Simulator]

NAME, GOES_ON = "pexip", "Running again continues from there."
PRESENT: Options = {"state": "present"}
YOUNG = {**APP["secret"], "display_name": "scheduler", "lifetime": 20, "renew_before": 10, "held": None}
RENEWED = {**YOUNG, "lifetime": 40, "renew_before": 30}


def run_app(tenant: Simulator, secret: Options | None, wait_timeout: float = 20, check_mode: bool = False) -> Run[Any]:
    """A run for an app with that secret, and nothing else."""
    bare = {"permissions": None, "admin_consent": False, "owners": None, "deleted": "fail"}
    options = {**APP, **PRESENT, **bare, "unique_name": NAME, "secret": secret}
    return new_run(OAuthApp(options, time.time()), tenant.auth(), check_mode, wait_timeout)


# --- the application's secret -----------------------------------------------------------------------------------------


def test_r11_both_secrets_work_after_a_renewal(tenant: Simulator) -> None:
    """The former is not taken away: whoever uses the app changes over once the new one is proved."""
    first = run_app(tenant, YOUNG).reconcile()
    second = run_app(tenant, RENEWED).reconcile()
    for made in (first, second):
        assert "access_token" in sign_in(tenant, first["application"]["app_id"], revealed(made["secret"]["value"]))
    assert [step["summary"] for step in second["steps"]] == ["add the client secret scheduler"]
    kept = {one["key_id"] for one in second["application"]["secrets"]}
    assert kept == {made["secret"]["key_id"] for made in (first, second)}


def test_r11_a_renewal_that_fails_midway_leaves_two_secrets_and_says_so(tenant: Simulator) -> None:
    first = run_app(tenant, YOUNG).reconcile()
    # The first read goes well.
    alone, in_a_batch = wherever(r"/applications\(uniqueName=", do="respond", status=500, times=0)
    tenant.restart(faults=[alone, {**in_a_batch, "skip": 1}])
    broken = run_app(tenant, RENEWED, wait_timeout=2)
    with pytest.raises(ServiceError) as failure:
        broken.reconcile()
    # What the module says and returns on a failure.
    assert _message(failure.value, broken).endswith("Already done: add the client secret scheduler. " + GOES_ON)
    second = revealed(broken.resource.secrets(broken.answers)["secret"]["value"])
    tenant.restart(faults=[])
    for secret in (revealed(first["secret"]["value"]), second):
        assert "access_token" in sign_in(tenant, first["application"]["app_id"], secret)
    assert len(Administrator(tenant).application(NAME)["passwordCredentials"]) == 2
    assert not run_app(tenant, RENEWED).reconcile()["changed"]


def test_r11_former_secrets_go_only_once_the_new_one_is_proved_by_a_token(simulator: Tenants) -> None:
    """A token for the new one is tried for again for a while; as long as none comes, nothing is removed."""
    tenant = simulator()
    first = run_app(tenant, YOUNG).reconcile()
    other = run_app(tenant, {**YOUNG, "display_name": "another"}).reconcile()
    time.sleep(1.1)  # Graph tells the time of a secret by the second, and older is what counts
    second = run_app(tenant, {**YOUNG, "renew": "now"}).reconcile()
    app_id, texts = first["application"]["app_id"], [one["secret"]["value"] for one in (first, other, second)]
    after = {**YOUNG, "renew": "never", "held": texts[2]}
    assert not run_app(tenant, {**after, "overlap": 1}).reconcile()["changed"]

    # The automation's own sign-in is the first.
    refusal = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
    fault = {"match": {"path": "/token$"}, "do": "respond", "status": 401, "body": refusal, "skip": 1}
    tenant.restart(faults=[{**fault, "times": 0}])
    with tenant.no_writes(), pytest.raises(Refused) as failure:
        run_app(tenant, {**after, "overlap": 0}, wait_timeout=2).reconcile()
    for words in ("secret.held: no token came for it:", "AADSTS7000215", "stay", first["secret"]["key_id"]):
        assert words in str(failure.value)

    tenant.restart(faults=[{**fault, "times": 2}])
    with tenant.no_writes():
        foreseen = run_app(tenant, {**after, "overlap": 0}, check_mode=True).reconcile()
    tenant.restart(faults=[{**fault, "times": 2}])
    gone = run_app(tenant, {**after, "overlap": 0}).reconcile()
    tenant.restart(faults=[])
    assert [one["summary"] for one in gone["steps"]] == [one["summary"] for one in foreseen["steps"]]
    assert len(gone["steps"]) == 1
    assert first["secret"]["key_id"] in gone["steps"][0]["summary"]
    assert ["access_token" in sign_in(tenant, app_id, text) for text in texts] == [False, True, True]
    assert not run_app(tenant, {**after, "overlap": 0}).reconcile()["changed"]


# --- the recycle bin --------------------------------------------------------------------------------------------------


def test_r9_the_recycle_bin_shows_it_only_after_the_name_was_refused(tenant: Simulator) -> None:
    """The service says 400 for a name that a deleted application holds; the next look says why."""
    administrator = Administrator(tenant)
    deleted = administrator.register("Pexip", NAME)
    administrator.call("DELETE", f"/applications/{deleted['id']}")
    empty = {"match": {"path": "/deletedItems/microsoft.graph.application$"}, "do": "respond", "status": 200}
    tenant.restart(faults=[{**empty, "body": {"value": []}}])
    run = run_app(tenant, None)
    with pytest.raises(Refused) as failure:
        run.reconcile()
    assert [one.status for one in tenant.writes() if "uniqueName" in one.path][-1] == 400
    assert not run.done
    for words in ("deleted:", NAME, deleted["appId"], "restore", "purge"):
        assert words in str(failure.value)


# --- failed reads -----------------------------------------------------------------------------------------------------

# What is read, as the message says it, by the path.
READS: dict[str, tuple[Callable[[], Any], dict[str, str]]] = {
    "o365_service_account": (
        lambda: ServiceAccount({**ACCOUNT, **PRESENT}),
        {
            r"/users\('pexip@contoso\.com'\)$": "read the user pexip@contoso.com",
            "/users$": "look for the holder of pexip@contoso.com",
            "/deletedItems/microsoft.graph.user$": "look for pexip@contoso.com in the recycle bin",
            "/domains$": "read the domains",
            "/subscribedSkus$": "read the licences",
        },
    ),
    "o365_oauth_app": (
        lambda: OAuthApp({**APP, **PRESENT}, time.time()),
        {
            r"/applications\(uniqueName=": "read the application pexip",
            "/deletedItems/microsoft.graph.application$": "look for pexip in the recycle bin",
            "/applications$": "look for applications called Pexip",
            r"/servicePrincipals\(appId=": "read the service principal",
            "/users.+alice@": "look for the user alice@contoso.com",
        },
    ),
}


@pytest.mark.parametrize("module", READS)
def test_x17_a_failed_read_of_the_directory_never_creates(tenant: Simulator, module: str) -> None:
    """A read that answers 403 or 500, or hangs, is a failure and no absence; alone, and as one of a batch."""
    make, reads = READS[module]
    for path, tried in reads.items():
        ways = [{"do": "respond", "status": 403}, {"do": "respond", "status": 500}, {"do": "hold"}]
        tenant.restart(faults=[rule for way in ways for rule in wherever(path, **way)])
        for words in ("403", "500", "timed out"):
            run: Run[Any] = new_run(make(), {**tenant.auth(), "timeout": 1}, wait_timeout=0)
            with tenant.no_writes(), pytest.raises(ServiceError) as failure:
                run.reconcile()
            assert not run.done
            assert words in str(failure.value)
            if words != "timed out":
                assert tried in str(failure.value)
        # All of a batch hang with the one that does; the message names the first.
        hung = [each for one, each in reads.items() if any(asks(one, operation) for operation in unanswered(tenant))]
        assert tried in hung
        assert any(each in str(failure.value) for each in hung)


def unanswered(tenant: Simulator) -> list[str]:
    """What the request asked for that has no answer."""
    return [one.operations for one in tenant.wire() if not one.status][-1]


def asks(path: str, operation: str) -> bool:
    """Whether an operation is a read of that path, which may be a pattern."""
    return re.search(path, re.sub(r"^GET (/v1\.0)?|\?.*", "", operation)) is not None


def test_x17_a_failed_read_of_the_mailbox_changes_nothing(simulator: Tenants) -> None:
    """The account is there; what Exchange does not tell is not taken for hidden or shown."""
    tenant = simulator(faults=[{"match": {"cmdlet": "Get-Mailbox"}, "do": "respond", "status": 500, "times": 0}])
    options = {**ACCOUNT, **PRESENT, "user_principal_name": "alice@contoso.com", "licenses": None}
    with tenant.no_writes(), pytest.raises(ServiceError, match="read the mailbox"):
        new_run(ServiceAccount(options), tenant.auth(), wait_timeout=0).reconcile()


# --- Exchange's words -------------------------------------------------------------------------------------------------


def test_x20_what_exchange_says_of_a_wrong_anchor_reaches_the_user(simulator: Tenants) -> None:
    said = "The mailbox SystemMailbox{x}@contoso.com that the request is anchored to was not located"
    body = {"error": {"code": "BadRequest", "message": "", "details": [{"message": f"Ex6F9304|{said}"}]}}
    tenant = simulator(faults=[{"match": {"cmdlet": "."}, "do": "respond", "status": 400, "body": body, "times": 0}])
    with tenant.no_writes(), pytest.raises(ServiceError) as failure:
        new_run(EquipmentMailbox({**EQUIPMENT, **PRESENT}), tenant.auth()).reconcile()
    assert said in str(failure.value)


# --- the page ---------------------------------------------------------------------------------------------------------


def named_after_cases() -> dict[str, set[str]]:
    """The tests by the case that their names begin with: test_r1_r4_... is of R1 and of R4."""
    found: dict[str, set[str]] = {}
    for path in TESTS.rglob("test_*.py"):
        for name in re.findall(r"^def (test_(?:[a-z]\d+_)+\w+)\(", path.read_text(), re.MULTILINE):
            for case in re.findall(r"(?:(?<=_)|(?<=^))([a-z]\d+)(?=_)", name.removeprefix("test_")):
                found.setdefault(case.upper(), set()).add(f"{path.stem}::{name}")
    return found


def test_every_case_of_the_page_has_its_tests_and_every_such_test_is_on_the_page() -> None:
    rows = re.findall(r"^\| ([A-Z]\d+) \|.*\| (.*) \|$", (ROOT / "docs" / "cases.md").read_text(), re.MULTILINE)
    page = {case: set(re.findall(r"`([^`]+)`", cell)) for case, cell in rows}
    assert len(page) == len(rows) > 0
    assert page == named_after_cases()
