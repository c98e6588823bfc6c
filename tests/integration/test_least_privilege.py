# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module, state and option with exactly the rights that are listed for it, and with each of them taken away.

The role with exactly the documented rights is in test_demo.
"""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils import _module_rights, _rights
from ansible_collections.vmrops.o365.plugins.module_utils._reconcile import Run
from ansible_collections.vmrops.o365.plugins.module_utils._resources.equipment_mailbox import EquipmentMailbox
from ansible_collections.vmrops.o365.plugins.module_utils._resources.impersonation import Impersonation
from ansible_collections.vmrops.o365.plugins.module_utils._resources.oauth_app import OAuthApp
from ansible_collections.vmrops.o365.plugins.module_utils._resources.service_account import ServiceAccount
from ansible_collections.vmrops.o365.plugins.module_utils._rights import Need, Right
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import Denied, SignInFailed
from support.graph import Administrator
from support.in_process import Person, new_run
from support.simulator import Request, Simulator
from sweep.modules import ACCOUNT, ACTING_USER, APP, EQUIPMENT, SCOPE

Options = dict[str, Any]
Rights = tuple[Right, ...]

LICENCE = [{"sku": "EXCHANGESTANDARD", "disabled_plans": None}]
PASSWORD = "Correct-horse-battery-7"
BARE_ACCOUNT: Options = {
    **ACCOUNT,
    "licenses": None,
    "hide_from_address_lists": None,
    "wait_for_mailbox": False,
    "deleted": "fail",
}
BARE_APP: Options = {
    **APP,
    "permissions": None,
    "admin_consent": False,
    "owners": None,
    "deleted": "fail",
    "secret": {**APP["secret"], "held": None},
}
EXCHANGE = "Office 365 Exchange Online"
RESOURCES = {
    "00000003-0000-0000-c000-000000000000": _rights.GRAPH,
    "00000002-0000-0ff1-ce00-000000000000": _rights.EXCHANGE_ONLINE,
}
AS_APP = [{"resource": EXCHANGE, "application": ["full_access_as_app"], "delegated": None}]
AS_USER = [{"resource": EXCHANGE, "application": None, "delegated": ["EWS.AccessAsUser.All"]}]


@dataclass(frozen=True)
class Case:
    """A module with options.

    Args:
        module: its name.
        options: all of its options.
        stage: what other options brought about before, in order; in place of nothing.
        idle: whether running it again finds nothing to do.
        spare: listed for the same options in another situation, and not needed in this one.
    """

    module: str
    options: Options
    stage: tuple[Options, ...] = ()
    idle: bool = True
    spare: str = ""

    @property
    def needs(self) -> list[Need]:
        return _module_rights.of_module(self.module, self.options)


PRESENT, ABSENT, PURGED = ({"state": "present"}, {"state": "absent"}, {"state": "absent", "deleted": "purge"})


def account(stage: tuple[Options, ...] = (), **options: Any) -> Case:
    return Case("o365_service_account", {**BARE_ACCOUNT, **PRESENT, **options}, stage)


def app(stage: tuple[Options, ...] = (), **options: Any) -> Case:
    return Case("o365_oauth_app", {**BARE_APP, **PRESENT, **options}, stage)


CASES: dict[str, Case] = {
    "equipment": Case("o365_equipment_mailbox", {**EQUIPMENT, **PRESENT}),
    "equipment absent": Case("o365_equipment_mailbox", {**EQUIPMENT, **ABSENT}, (PRESENT,)),
    "scoped app": Case("o365_impersonation", {**SCOPE, **PRESENT}),
    "scoped app by unit": Case("o365_impersonation", {**SCOPE, **PRESENT, "scope": {"administrative_unit": "Oslo"}}),
    "scoped app absent": Case("o365_impersonation", {**SCOPE, **ABSENT}, (PRESENT,)),
    "acting user": Case("o365_impersonation", {**ACTING_USER, **PRESENT}),
    "acting user absent": Case("o365_impersonation", {**ACTING_USER, **ABSENT}, (PRESENT,)),
    "app": app(),
    "app without consent": app(permissions=AS_APP + AS_USER),
    "app with application permissions": app(permissions=AS_APP, admin_consent=True),
    "app with delegated permissions": app(permissions=AS_USER, admin_consent=True),
    "app with both": app(permissions=AS_APP + AS_USER, admin_consent=True),
    "app with narrower consent": app(
        ({**PRESENT, "permissions": AS_APP + AS_USER, "admin_consent": True},),
        permissions=[],
        admin_consent=True,
        permissions_mode="replace",
    ),
    "app with owners": app(owners=["alice@contoso.com"]),
    "app restored": app((PRESENT, ABSENT), deleted="restore"),
    "app purged and made anew": app((PRESENT, ABSENT), deleted="purge"),
    "app absent": app((PRESENT,), **ABSENT),
    "app absent and purged": app((PRESENT,), **PURGED),
    "account": account(),
    "account with licence": account(licenses=LICENCE),
    "account with mailbox": account(licenses=LICENCE, wait_for_mailbox=True),
    "account hidden": account(licenses=LICENCE, hide_from_address_lists=True),
    # Only a new account is checked against the domains.
    "account with new password": replace(
        account((PRESENT,), password=PASSWORD, update_password="always"), idle=False, spare="Domain.Read.All"
    ),
    "account restored": account((PRESENT, ABSENT), deleted="restore"),
    "account purged and made anew": account((PRESENT, ABSENT), deleted="purge"),
    "account absent": account((PRESENT,), **ABSENT),
    "account absent and purged": account((PRESENT,), **PURGED),
}


def ways(case: Case) -> list[Rights]:
    """The sets of rights that are listed for a case: the least one, and one with each alternative."""
    needs = case.needs
    alternatives = [[], *([right] for need in needs for right in need.application[1:])]
    return list(dict.fromkeys(tuple(sorted(_rights.least(needs, preferred))) for preferred in alternatives))


def without(rights: Rights, gone: Right) -> Rights:
    return tuple(one for one in rights if one != gone)


WAYS = [(name, rights) for name, case in CASES.items() for rights in ways(case)]
LEAST = {name: ways(case)[0] for name, case in CASES.items()}
LESS = [(name, gone) for name, rights in LEAST.items() for gone in rights if gone.name != CASES[name].spare]
SETS = {rights for _name, rights in WAYS} | {without(LEAST[name], gone) for name, gone in LESS}


def client_id(rights: Rights) -> str:
    """The app that holds exactly these."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, repr(rights)))


def seeded(rights: Rights) -> dict[str, Any]:
    names = {of: [one.name for one in rights if one.of == of] for of in {one.of for one in rights}}
    return {
        "name": "Holder of rights",
        "client_id": client_id(rights),
        "client_secret": "seeded-secret",
        "roles": names.get(_rights.GRAPH, []),
        "exchange_roles": names.get(_rights.EXCHANGE_ONLINE, []),
        "directory_roles": names.get(_rights.DIRECTORY_ROLE, []),
    }


@dataclass
class Company:
    """A tenant with an app for each set of rights."""

    tenant: Simulator
    administrator: Administrator
    count: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    read: int = 0

    def fresh(self, case: Case) -> Options:
        """A case's options about an object that is not there yet."""
        number = next(self.count)
        named: dict[str, Callable[[], Options]] = {
            "o365_equipment_mailbox": lambda: {
                "name": f"VMR {number}",
                "alias": f"vmr{number}",
                "primary_smtp_address": f"vmr{number}@contoso.com",
            },
            "o365_oauth_app": lambda: {"unique_name": f"pexip-{number}", "display_name": f"Pexip {number}"},
            "o365_service_account": lambda: {"user_principal_name": f"pexip{number}@contoso.com"},
            "o365_impersonation": lambda: {"name": f"Pexip {number}", **self._assignee(case, number)},
        }
        return {**case.options, **named[case.module]()}

    def _assignee(self, case: Case, number: int) -> Options:
        if case.options["method"] != "application_rbac":
            return {}
        return {"app_id": self.administrator.register(f"Assignee {number}")["appId"]}

    def person(self, rights: Rights) -> Person:
        """Somebody with these directory roles, at an app with these delegated permissions."""
        administrator, number = self.administrator, next(self.count)
        app = administrator.register(f"Console {number}", isFallbackPublicClient=True)
        for app_id, of in RESOURCES.items():
            scope = " ".join(one.name for one in rights if one.of == of)
            grant = {"clientId": app["principal"]["id"], "resourceId": administrator.resource(app_id)["id"]}
            if scope:
                body = {**grant, "consentType": "AllPrincipals", "scope": scope}
                administrator.call("POST", "/oauth2PermissionGrants", body)
        name = f"person{number}@contoso.com"
        profile = {"password": PASSWORD, "forceChangePasswordNextSignIn": False}
        user = {"accountEnabled": True, "displayName": name, "mailNickname": f"person{number}"}
        made = administrator.call("POST", "/users", {**user, "userPrincipalName": name, "passwordProfile": profile})
        for role in (one.name for one in rights if _rights.is_role(one)):
            template = next(key for key, known in _rights.DIRECTORY_ROLES.items() if known == role)
            body = {"principalId": made["id"], "roleDefinitionId": template, "directoryScopeId": "/"}
            administrator.call("POST", "/roleManagement/directory/roleAssignments", body)
        url = f"{self.tenant.endpoints['login_url']}/{self.tenant.endpoints['tenant_id']}"
        return Person(url, app["appId"], name, PASSWORD)

    def run(self, module: str, options: Options, who: Rights | Person | None, check_mode: bool = False) -> Run[Any]:
        """A run as the app with these rights, as a person, or as the app that may do everything."""
        credentials = {"client_id": client_id(who), "client_secret": "seeded-secret"} if isinstance(who, tuple) else {}
        person = who if isinstance(who, Person) else None
        makers: dict[str, Callable[[Options], Any]] = {
            "o365_equipment_mailbox": EquipmentMailbox,
            "o365_impersonation": Impersonation,
            "o365_oauth_app": lambda wanted: OAuthApp(wanted, time.time()),
            "o365_service_account": ServiceAccount,
        }
        resource = makers[module]({**options, "check_mode": check_mode})
        return new_run(resource, {**self.tenant.auth(), **credentials}, check_mode, person=person)

    def set_stage(self, case: Case, options: Options, rights: Rights | None) -> None:
        """What was there before; of an application the app with these rights is an owner."""
        bare = {"o365_oauth_app": BARE_APP, "o365_service_account": BARE_ACCOUNT}.get(case.module, case.options)
        for number, change in enumerate(case.stage):
            names = {key: options[key] for key in options if options[key] != case.options[key]}
            self.run(case.module, {**bare, **names, **change}, None).reconcile()
            if rights is not None and case.module == "o365_oauth_app" and number == 0:
                self._own(options["unique_name"], rights)

    def _own(self, unique_name: str, rights: Rights) -> None:
        owner = self.administrator.resource(client_id(rights))["id"]
        url = f"{self.tenant.endpoints['graph_url']}/v1.0/directoryObjects/{owner}"
        application = self.administrator.application(unique_name)
        principal = self.administrator.resource(application["appId"])
        for path in (f"/applications/{application['id']}", f"/servicePrincipals/{principal['id']}"):
            self.administrator.call("POST", f"{path}/owners/$ref", {"@odata.id": url})

    def writes(self) -> list[Request]:
        """The writes since the last look that the service carried out."""
        with self.tenant.wire_log.open() as log:
            log.seek(self.read)
            lines = log.readlines()
            self.read = log.tell()
        sent = [Request(**json.loads(line)) for line in lines]
        return [one for one in sent if one.is_write and one.status < 300]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    seed: Mapping[str, Any] = {
        "impersonation_role": True,
        "skus": {"EXCHANGESTANDARD": 1000, "SPE_E3": 25},
        "apps": [seeded(rights) for rights in sorted(SETS)],
    }
    with Simulator(tmp_path_factory.mktemp("company"), seed=seed) as tenant:
        yield Company(tenant, Administrator(tenant))


def in_words(value: Any) -> str | None:
    if isinstance(value, Right):
        return value.name
    return ", ".join(one.name for one in value) if isinstance(value, tuple) else None


@pytest.mark.parametrize(("name", "rights"), WAYS, ids=in_words)
def test_the_listed_rights_are_enough(company: Company, name: str, rights: Rights) -> None:
    case = CASES[name]
    options = company.fresh(case)
    company.set_stage(case, options, rights)
    company.writes()
    predicted = company.run(case.module, options, rights, check_mode=True).reconcile()
    assert predicted["changed"]
    assert not company.writes()
    assert company.run(case.module, options, rights).reconcile()["changed"]
    assert company.writes()
    if case.idle:
        assert not company.run(case.module, options, rights).reconcile()["changed"]
        assert not company.writes()


@pytest.mark.parametrize(("name", "gone"), LESS, ids=in_words)
def test_each_right_is_needed_and_named_when_it_is_missing(company: Company, name: str, gone: Right) -> None:
    case, left = CASES[name], without(LEAST[name], gone)
    options = company.fresh(case)
    company.set_stage(case, options, left)
    company.writes()
    run = company.run(case.module, options, left)
    with pytest.raises(Denied) as failure:
        run.reconcile()
    assert "The caller lacks " in failure.value.advice
    assert gone.name in failure.value.advice.partition("Its token has")[0]
    assert len(company.writes()) == len(run.done), "the failed run says what it did"


# --- a person who signs in through an app -----------------------------------------------------------------------------


def of_person(needs: list[Need]) -> Rights:
    """The least delegated permissions and directory roles, in the order of the list."""
    chosen: list[Right] = []
    for rights in (rights for need in needs for rights in (need.delegated, need.person) if rights):
        if not set(rights) & set(chosen):
            chosen.append(rights[0])
    for right in reversed(chosen):
        rest = [one for one in chosen if one != right]
        if all(need.satisfied(rest, "person") for need in needs):
            chosen = rest
    return tuple(chosen)


# A person sees no mailbox settings but their own; the other cases need the same as these.
BY_PERSON = {of_person(case.needs): name for name, case in CASES.items() if not case.options.get("wait_for_mailbox")}


@pytest.mark.parametrize("name", BY_PERSON.values())
def test_a_person_needs_delegated_permissions_and_directory_roles(company: Company, name: str) -> None:
    case = CASES[name]
    options = company.fresh(case)
    rights = of_person(case.needs)
    person = company.person(rights)
    company.set_stage(case, options, None)
    company.writes()
    assert company.run(case.module, options, person).reconcile()["changed"]
    assert company.writes()
    if case.idle:
        assert not company.run(case.module, options, person).reconcile()["changed"]


@pytest.mark.parametrize("name", ["scoped app", "app with both", "account hidden"])
def test_what_a_person_lacks_is_named(company: Company, name: str) -> None:
    case = CASES[name]
    rights = of_person(case.needs)
    for gone in rights:
        left = without(rights, gone)
        run = company.run(case.module, company.fresh(case), company.person(left))
        with pytest.raises((Denied, SignInFailed)) as failure:
            run.reconcile()
        if failure.type is SignInFailed:
            assert gone.of not in {one.of for one in left}, (
                "only what was not consented to at all keeps from signing in"
            )
            assert "has to consent" in failure.value.advice
        else:
            assert "The caller lacks " in failure.value.advice
            assert gone.name in failure.value.advice.partition("Its token has")[0]


def test_a_person_cannot_wait_for_anothers_mailbox(company: Company) -> None:
    case = CASES["account with mailbox"]
    run = company.run(case.module, company.fresh(case), company.person(of_person(case.needs)))
    with pytest.raises(Denied, match="no mailbox settings but their own"):
        run.reconcile()
