# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module o365_impersonation, run by ansible-playbook on a simulated tenant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from support.ansible import Ansible
from support.examples import examples
from support.exchange import ExchangeAdministrator
from support.graph import Administrator
from support.returned import differences
from support.simulator import Simulator, wherever
from support.tasks import commands, good, planned, refused, task

MODULE = "o365_impersonation"
NAME = "Pexip VMR scheduling"
ROLE = "Application EWS.AccessAsApp"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
FULL_ACCESS = "dc890d15-9560-4a4c-9b7f-a736ec74ec40"
USERS = [
    {"upn": "alice@contoso.com", "name": "Alice Anker", "licences": ["SPE_E3"]},
    {"upn": "bob@contoso.com", "name": "Bob O'Brien", "licences": ["SPE_E3"]},
    {"upn": "carol@contoso.com", "name": "Carol Chen", "licences": ["SPE_E3"]},
    {"upn": "pexip-scheduling@contoso.com", "name": "Pexip scheduling", "licences": ["EXCHANGESTANDARD"]},
]
GROUP = {"group": "vmr-users@contoso.com"}
VERIFY = {"in_scope": "alice@contoso.com", "out_of_scope": "carol@contoso.com"}
CREATION = ["New-ManagementScope", "New-ServicePrincipal", "New-ManagementRoleAssignment"]


def step(title: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """A task of this module, under the usual name unless another is given."""
    return task(title, MODULE, check, **{"_name": NAME, **options})


def register(tenant: Simulator, name: str = "Pexip") -> str:
    """The application id of a registration that another tool made."""
    return str(Administrator(tenant).register(name)["appId"])


def cmdlets(result: Any) -> list[str]:
    """The cmdlets of a result's steps."""
    return [one["body"]["CmdletInput"]["CmdletName"] for one in result["steps"]]


def test_lifecycle(tenant: Simulator, ansible: Ansible) -> None:
    """Grant, again, change the scope, take away, again; each foreseen by check mode, nothing else on the wire."""
    app = register(tenant)
    mark = tenant.mark()
    wide = {"mailboxes": ["carol@contoso.com", "bob@contoso.com"]}
    granted = {"app_id": app, "scope": GROUP, "verify": VERIFY}
    changed = {
        "app_id": app,
        "scope": wide,
        "verify": {"in_scope": "carol@contoso.com", "out_of_scope": "alice@contoso.com"},
    }
    tasks = [
        step("foresee grant", check=True, **granted),
        step("grant", **granted),
        step("grant again", **granted),
        step("foresee change", check=True, **changed),
        step("change", **changed),
        step("change again", **changed),
        step("foresee removal", check=True, app_id=app, state="absent"),
        step("remove", app_id=app, state="absent"),
        step("remove again", app_id=app, state="absent"),
    ]
    run = ansible.tasks(tasks, tenant.auth(), diff=True).ok()

    foreseen, made = good(run, "foresee grant", "grant")
    assert foreseen.changed
    assert made.changed
    assert foreseen["steps"] == made["steps"]
    assert foreseen["diff"] == made["diff"]
    assert cmdlets(made) == CREATION
    assert f"-App '{app}' -CustomResourceScope '{NAME}'" in made["steps"][2]["cmdlet"]
    assert made["diff"]["before"]["state"] == "absent"
    assert made["diff"]["after"]["recipient_filter"].startswith("MemberOfGroup -eq 'CN=VMR scheduling users,")
    assert made["assignments"] == [{"name": NAME, "role": ROLE, "scope": NAME}]
    assert made["verified"]["in_scope"] == {"mailbox": "alice@contoso.com", "roles": [ROLE]}
    assert made["verified"]["out_of_scope"] == {"mailbox": "carol@contoso.com", "roles": []}
    assert "verified" not in foreseen.result

    changes = good(run, "foresee change", "change")
    assert [one.changed for one in changes] == [True, True]
    assert changes[0]["steps"] == changes[1]["steps"]
    assert cmdlets(changes[1]) == ["Set-ManagementScope"]
    diff = changes[1]["diff"]
    assert "MemberOfGroup" in diff["before"]["recipient_filter"]
    assert diff["after"]["recipient_filter"].startswith("PrimarySmtpAddress -eq 'bob@contoso.com' -or ")
    assert diff["before"]["assignments"] == diff["after"]["assignments"]

    removals = good(run, "foresee removal", "remove")
    assert removals[0]["steps"] == removals[1]["steps"]
    assert cmdlets(removals[1]) == [
        "Remove-ManagementRoleAssignment",
        "Remove-ManagementScope",
        "Remove-ServicePrincipal",
    ]
    assert removals[1]["diff"]["after"] == {"state": "absent"}
    assert (removals[1]["assignments"], removals[1]["recipient_filter"]) == ([], None)

    unchanged = good(run, "grant again", "change again", "remove again")
    assert [one.changed for one in unchanged] == [False] * 3
    assert [one["steps"] for one in unchanged] == [[]] * 3
    assert [one["diff"]["before"] == one["diff"]["after"] for one in unchanged] == [True] * 3
    assert commands(tenant.writes(mark)) == planned(made, changes[1], removals[1])


def test_service_account(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """Where the tenant still has the role, a user can be given it, over a scope."""
    tenant = simulator(seed={"impersonation_role": True, "users": USERS})
    account = {"method": "application_impersonation", "user": "pexip-scheduling@contoso.com"}
    tasks = [
        step("foresee", check=True, scope=GROUP, **account),
        step("grant", scope=GROUP, **account),
        step("again", scope=GROUP, **account),
        step("narrow", scope={"mailboxes": ["alice@contoso.com"]}, **account),
        step("verify", scope=GROUP, verify=VERIFY, **account),
        step("a group", scope=GROUP, **{**account, "user": "vmr-users@contoso.com"}),
        step("nobody", scope=GROUP, **{**account, "user": "nobody@contoso.com"}),
        step("empty", scope=GROUP, **{**account, "user": " "}),
        step("remove", state="absent", **account),
        step("remove again", state="absent", **account),
    ]
    run = ansible.tasks(tasks, tenant.auth()).ok()
    foreseen, granted, again, narrowed, removed, gone = good(
        run, "foresee", "grant", "again", "narrow", "remove", "remove again"
    )
    assert foreseen["steps"] == granted["steps"]
    assert cmdlets(granted) == ["New-ManagementScope", "New-ManagementRoleAssignment"]
    values = granted["steps"][1]["body"]["CmdletInput"]["Parameters"]
    assert (values["Role"], values["CustomRecipientWriteScope"]) == ("ApplicationImpersonation", NAME)
    assert cmdlets(narrowed) == ["Set-ManagementScope"]
    assert cmdlets(removed) == ["Remove-ManagementRoleAssignment", "Remove-ManagementScope"]
    assert [one.changed for one in (granted, again, narrowed, removed, gone)] == [True, False, True, True, False]
    refused(run, "verify", "verify:", "applications")
    refused(run, "a group", "user:", "vmr-users@contoso.com is a group")
    refused(run, "nobody", "user:", "nobody@contoso.com", "mailbox")
    refused(run, "empty", "user:", "empty")
    assert commands(tenant.writes()) == planned(granted, narrowed, removed)


def test_tenant_without_the_impersonation_role(tenant: Simulator, ansible: Ansible) -> None:
    options = {"method": "application_impersonation", "user": "alice@contoso.com", "scope": GROUP}
    with tenant.no_writes():
        run = ansible.tasks([step("grant", **options), step("take away", state="absent", **options)], tenant.auth())
    refused(run, "grant", "method:", "ApplicationImpersonation", "removed it", "method: application_rbac", "app_id")
    assert good(run, "take away")[0].changed is False


@pytest.mark.smoke
def test_examples(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    tenant = simulator(seed={"impersonation_role": True, "users": USERS})
    app = {"application": {"app_id": register(tenant)}}
    run = ansible.tasks(examples(MODULE), tenant.auth(), extra_vars={"app": app}).ok()
    assert run.changed == len(run.results)
    assert not differences(MODULE, run.results)


def test_kinds_of_scope(tenant: Simulator, ansible: Ansible) -> None:
    """From a group to an administrative unit, to the organization (said explicitly), to a filter, and back to a group."""
    app = register(tenant)
    marked = {"recipient_filter": "CustomAttribute1 -eq 'VMR' -and RecipientTypeDetails -eq 'UserMailbox'"}
    scopes: dict[str, dict[str, Any]] = {
        "group": {"scope": GROUP},
        "unit": {"scope": {"administrative_unit": "Oslo"}, "verify": {**VERIFY, "out_of_scope": "bob@contoso.com"}},
        "organization": {"scope": {"organization": True}, "verify": {"in_scope": "carol@contoso.com"}},
        "filter": {"scope": marked, "verify": {"out_of_scope": "alice@contoso.com"}},
        "group once more": {"scope": GROUP, "verify": VERIFY},
    }
    mark = tenant.mark()
    tasks = []
    for title, options in scopes.items():
        tasks += [step(title, app_id=app, **options), step(f"{title} again", app_id=app, **options)]
    run = ansible.tasks([*tasks, step("remove", app_id=app, state="absent")], tenant.auth(), diff=True).ok()
    results = good(run, *scopes, "remove")
    assert [one.changed for one in results] == [True] * 6
    assert [one.changed for one in good(run, *(f"{title} again" for title in scopes))] == [False] * 5
    unit, organization = results[1], results[2]
    assert unit["steps"][0]["body"]["CmdletInput"]["Parameters"]["RecipientAdministrativeUnitScope"]
    assert unit["diff"]["after"]["assignments"][0]["scope"] == "the administrative unit Oslo"
    assert organization["assignments"] == [{"name": NAME, "role": ROLE, "scope": "Organization"}]
    assert commands(tenant.writes(mark)) == planned(*results)
    exchange = ExchangeAdministrator(tenant)
    assert not exchange.knows("Get-ManagementScope", NAME)
    assert not exchange.knows("Get-ServicePrincipal", app)


def test_several_roles(tenant: Simulator, ansible: Ansible) -> None:
    """Each role is an assignment of its own; a role in another case is the same one."""
    app, roles = register(tenant), [ROLE, "Application Calendars.ReadWrite"]
    tasks = [
        step("grant", app_id=app, scope=GROUP, roles=roles, verify=VERIFY),
        step("again", app_id=app, scope=GROUP, roles=[role.lower() for role in roles], verify=VERIFY),
        step("remove one", app_id=app, roles=roles[1:], state="absent"),
        step("remove both", app_id=app, roles=roles, state="absent"),
    ]
    run = ansible.tasks(tasks, tenant.auth()).ok()
    granted, again, first, second = good(run, *(one["name"] for one in tasks))
    assert [one["name"] for one in granted["assignments"]] == [f"{NAME} {role}" for role in roles]
    assert again.changed is False
    assert cmdlets(first) == ["Remove-ManagementRoleAssignment"]
    assert f"{NAME} stays" in " ".join(first["warnings"])
    assert cmdlets(second) == ["Remove-ManagementRoleAssignment", "Remove-ManagementScope", "Remove-ServicePrincipal"]


def test_where_exchange_knows_assignees_by_their_object_id_alone(
    simulator: Callable[..., Simulator], ansible: Ansible
) -> None:
    tenant = simulator(seed={"switches": {"assignee_by_app_id": False}})
    options = {"app_id": register(tenant), "scope": GROUP, "assignment_name": "VMR of another name"}
    tasks = [
        step("grant", **options),
        step("again", **options),
        step("another name", **{**options, "assignment_name": "Any"}),
        step("remove", app_id=options["app_id"], state="absent"),
    ]
    granted, again, renamed, removed = good(ansible.tasks(tasks, tenant.auth()).ok(), *(one["name"] for one in tasks))
    assert cmdlets(granted) == CREATION
    assert [again.changed, renamed.changed] == [False, False]
    assert cmdlets(removed)[0] == "Remove-ManagementRoleAssignment"


def test_bad_input(tenant: Simulator, ansible: Ansible) -> None:
    """Each is refused before the first write, with the option's name and what to do."""
    app = register(tenant)
    good_scope = {"app_id": app, "scope": GROUP}
    bad_filter = {"recipient_filter": "CustomAttribute1 = 'VMR'"}
    cases: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"app_id": app}, ("scope:", "no scope is given", "organization: true")),
        ({"app_id": app, "scope": {}}, ("scope:", "no scope is given")),
        ({"app_id": app, "scope": {"organization": False}}, ("scope:", "no scope is given")),
        ({"app_id": app, "scope": {"mailboxes": []}}, ("scope:", "no scope is given")),
        ({"app_id": app, "scope": {**GROUP, "organization": True}}, ("scope:", "group and organization", "keep one")),
        ({"app_id": app, "scope": {**GROUP, **bad_filter}}, ("scope:", "recipient_filter and group")),
        ({"app_id": app, "scope": bad_filter}, ("scope.recipient_filter:", "position", "-eq")),
        ({"app_id": app, "scope": {"recipient_filter": "Alias -eq 'O'Brien'"}}, ("scope.recipient_filter:", "doubled")),
        ({"app_id": app, "scope": {"recipient_filter": "(Alias -eq 'a'"}}, ("scope.recipient_filter:", "not closed")),
        ({"app_id": app, "scope": {"recipient_filter": "Shoesize -eq '44'"}}, ("Shoesize", "scope.recipient_filter")),
        (
            {"app_id": app, "scope": {"group": "nobody@contoso.com"}},
            ("scope.group:", "nobody@contoso.com", "mail-enabled"),
        ),
        ({"app_id": app, "scope": {"group": "Entra only"}}, ("scope.group:", "Entra only", "mail-enabled")),
        (
            {"app_id": app, "scope": {"mailboxes": ["alice@contoso.com", "x@contoso.com"]}},
            ("scope.mailboxes:", "x@contoso.com"),
        ),
        ({"app_id": app, "scope": {"mailboxes": ["vmr-users@contoso.com"]}}, ("scope.mailboxes:", "group")),
        (
            {"app_id": app, "scope": {"administrative_unit": "Bergen"}},
            ("scope.administrative_unit:", "Bergen", "name or id"),
        ),
        ({**good_scope, "verify": {"in_scope": "x@contoso.com"}}, ("verify.in_scope:", "x@contoso.com", "Check")),
        ({**good_scope, "roles": ["Application EWS.AccesAsApp"]}, ("roles:", "EWS.AccesAsApp", ROLE)),
        ({**good_scope, "roles": ["Mail Recipients"]}, ("roles:", "Mail Recipients", "no application role")),
        ({**good_scope, "roles": []}, ("roles:", "at least one")),
        ({**good_scope, "_name": ""}, ("name:", "1 to 64")),
        ({**good_scope, "_name": "x" * 65}, ("name:", "65", "64")),
        ({**good_scope, "app_id": "Pexip"}, ("app_id:", "'Pexip'", "GUID")),
        (
            {**good_scope, "app_id": "00000000-1111-2222-3333-444444444444"},
            ("app_id:", "no service principal", "o365_oauth_app"),
        ),
        ({"scope": GROUP}, ("app_id", "application_rbac")),
        ({"scope": GROUP, "method": "application_impersonation"}, ("user", "application_impersonation")),
    ]
    tasks = [step(f"case {number}", **options) for number, (options, _words) in enumerate(cases)]
    mark = tenant.mark()
    run = ansible.tasks(tasks, tenant.auth())
    for number, (_options, words) in enumerate(cases):
        refused(run, f"case {number}", *words)
    # Which properties can be filtered is the service's to know: it refuses, before anything else was written.
    assert [(one.operations, one.status) for one in tenant.writes(mark)] == [(["New-ManagementScope"], 400)]


def test_check_mode_lets_pass_what_earlier_tasks_would_make(tenant: Simulator, ansible: Ansible) -> None:
    options = {
        "app_id": "<application.appId>",
        "scope": {"group": "later@contoso.com"},
        "verify": {"in_scope": "l@contoso.com"},
    }
    with tenant.no_writes():
        result = good(ansible.tasks([step("foresee", check=True, **options)], tenant.auth()).ok(), "foresee")[0]
    assert cmdlets(result) == CREATION
    warnings = " ".join(result["warnings"])
    for word in ("<application.appId>", "later@contoso.com", "l@contoso.com"):
        assert word in warnings


def test_verify_tells_what_is_wrong(tenant: Simulator, ansible: Ansible) -> None:
    """A mailbox that should be in scope and is not, and the other way round: the run fails, and says what it has done."""
    app = register(tenant)
    tasks = [
        step("not in", app_id=app, scope=GROUP, verify={"in_scope": "carol@contoso.com"}, wait_timeout=5),
        step("not out", app_id=app, scope=GROUP, verify={"out_of_scope": "alice@contoso.com"}),
    ]
    run = ansible.tasks(tasks, tenant.auth())
    assert run["not in"].status == "failed"
    assert run["not in"].changed
    for word in ("verify.in_scope:", "carol@contoso.com is not in the scope", ROLE, "Already done"):
        assert word in run["not in"].msg
    refused(run, "not out", "verify.out_of_scope:", "alice@contoso.com is in the scope", ROLE)


def test_x18_assignment_of_that_name(tenant: Simulator, ansible: Ansible) -> None:
    """With another application (of the same display name even) or another role: both are shown, or it is replaced."""
    mine, other = register(tenant, "Pexip"), register(tenant, "Pexip")
    principals = [Administrator(tenant).resource(app)["id"] for app in (mine, other)]
    mail = {"roles": ["Application Mail.Read"]}
    tasks = [
        step("theirs", app_id=other, scope=GROUP),
        step("other app", app_id=mine, scope=GROUP),
        step("take theirs away as mine", app_id=mine, state="absent"),
        step("other role", app_id=other, scope=GROUP, **mail),
        step("foresee", check=True, app_id=mine, scope=GROUP, conflict="change"),
        step("replace", app_id=mine, scope=GROUP, conflict="change", verify=VERIFY),
        step("again", app_id=mine, scope=GROUP, conflict="fail"),
    ]
    run = ansible.tasks(tasks, tenant.auth())
    good(run, "theirs")
    refused(run, "other app", "name:", NAME, ROLE, "wanted is", *principals, "conflict: change")
    assert good(run, "take theirs away as mine")[0].changed is False
    refused(run, "other role", "name:", f"the role {ROLE}", "wanted is Application Mail.Read", "conflict: change")
    foreseen, replaced, again = good(run, "foresee", "replace", "again")
    assert foreseen["steps"] == replaced["steps"]
    assert cmdlets(replaced) == [
        "New-ServicePrincipal",
        "Remove-ManagementRoleAssignment",
        "New-ManagementRoleAssignment",
    ]
    assert again.changed is False
    exchange = ExchangeAdministrator(tenant)
    assert exchange.run("Get-ManagementRoleAssignment", RoleAssignee=other) == []


def test_x18_scope_of_that_name(tenant: Simulator, ansible: Ansible) -> None:
    """A shared scope is not bent for one of its users, nor removed under the others, whatever they are."""
    mine, other = register(tenant, "Pexip"), register(tenant, "Backup")
    exchange = ExchangeAdministrator(tenant)
    exchange.run("New-ManagementScope", Name=NAME, RecipientRestrictionFilter="CustomAttribute1 -eq 'VMR'")
    exchange.run("New-ManagementScope", Name="Exclusive", RecipientRestrictionFilter="Alias -eq 'x'", Exclusive=True)
    principal = Administrator(tenant).resource(other)["id"]
    exchange.run("New-ServicePrincipal", AppId=other, ObjectId=principal, DisplayName="Backup")
    exchange.run("New-ManagementRoleAssignment", Name="Backup", Role=ROLE, App=other, CustomResourceScope=NAME)
    exchange.run(
        "New-ManagementRoleAssignment",
        Name="Helpdesk",
        Role="Mail Recipients",
        User="carol@contoso.com",
        CustomRecipientWriteScope=NAME,
    )
    tasks = [
        step("share", app_id=mine, scope={"recipient_filter": 'customattribute1 -EQ "vmr"'}),
        step("another filter", app_id=mine, scope=GROUP),
        step("change", app_id=mine, scope=GROUP, conflict="change"),
        step("leave", app_id=mine, state="absent"),
        step("exclusive", _name="Exclusive", app_id=mine, scope=GROUP, conflict="change"),
    ]
    run = ansible.tasks(tasks, tenant.auth())
    shared, changed, left = good(run, "share", "change", "leave")
    assert cmdlets(shared) == CREATION[1:]
    words = ("CustomAttribute1 -eq 'VMR'", "MemberOfGroup", "Backup", "Helpdesk", "conflict: change")
    refused(run, "another filter", "name:", *words)
    assert cmdlets(changed) == ["Set-ManagementScope"]
    assert cmdlets(left) == ["Remove-ManagementRoleAssignment", "Remove-ServicePrincipal"]
    warning = " ".join(left["warnings"])
    assert f"{NAME} stays" in warning
    assert "Backup" in warning
    assert "Helpdesk" in warning
    refused(run, "exclusive", "name:", "Exclusive", "another name")
    assert exchange.knows("Get-ManagementScope", NAME)


def test_x32_filter_comes_back_reformatted(tenant: Simulator, ansible: Ansible) -> None:
    """Compared by meaning: parentheses, spaces, quotes, case, and the order of equals do not count."""
    app = register(tenant)
    written = (
        "customattribute1 -eq \"VMR\"   -AND (Department -like 'Sales*' -or -not(Alias -eq 'x')) "
        "-and HiddenFromAddressListsEnabled -eq $false"
    )
    other_order = (
        "(HiddenFromAddressListsEnabled -eq $False) -and (-not (alias -eq 'X') -or Department -like 'sales*') "
        "-and CustomAttribute1 -eq 'VMR'"
    )
    tasks = [
        step("grant", app_id=app, scope={"recipient_filter": written}),
        step("again", app_id=app, scope={"recipient_filter": written}),
        step("in another order", app_id=app, scope={"recipient_filter": other_order}),
        step("another meaning", app_id=app, scope={"recipient_filter": other_order.replace("VMR", "VIP")}),
    ]
    run = ansible.tasks(tasks, tenant.auth()).ok()
    results = good(run, *(one["name"] for one in tasks))
    assert results[0]["recipient_filter"] != written
    assert [one.changed for one in results] == [True, False, False, True]


def test_x33_apostrophes(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    tenant = simulator(
        seed={
            "users": [*USERS[:3], {"upn": "o'brien@contoso.com", "name": "Bridget O'Brien", "licences": ["SPE_E3"]}],
            "groups": [{"name": "O'Brien's people", "mail": "obriens@contoso.com", "members": ["o'brien@contoso.com"]}],
            "administrative_units": [{"name": "O'Brien's office", "members": ["o'brien@contoso.com"]}],
        }
    )
    app = register(tenant, "O'Brien's scheduler")
    verify = {"in_scope": "o'brien@contoso.com", "out_of_scope": "alice@contoso.com"}
    scopes: list[dict[str, Any]] = [
        {"group": "O'Brien's people"},
        {"mailboxes": ["o'brien@contoso.com"]},
        {"recipient_filter": "DisplayName -like '*O''Brien' -and Alias -eq \"o'brien\""},
        {"administrative_unit": "O'Brien's office"},
    ]
    tasks = []
    for number, scope in enumerate(scopes):
        options = {"_name": "O'Brien's VMRs", "app_id": app, "scope": scope, "verify": verify}
        tasks += [step(f"grant {number}", **options), step(f"again {number}", **options)]
    run = ansible.tasks(
        [*tasks, step("remove", _name="O'Brien's VMRs", app_id=app, state="absent")], tenant.auth()
    ).ok()
    assert [one.changed for one in good(run, *(one["name"] for one in tasks))] == [True, False] * len(scopes)
    removed = good(run, "remove")[0]
    assert "'O''Brien''s VMRs'" in removed["steps"][0]["cmdlet"]
    assert ExchangeAdministrator(tenant).run("Get-ManagementScope") == []


def test_x38_something_wider_makes_the_scope_void(tenant: Simulator, ansible: Ansible) -> None:
    """A warning names the tenant-wide grant, or the unscoped assignment, beside the scoped role."""
    app = register(tenant)
    administrator = Administrator(tenant)
    principal, exchange = administrator.resource(app), administrator.resource(EXCHANGE)
    body = {"principalId": principal["id"], "resourceId": exchange["id"], "appRoleId": FULL_ACCESS}
    administrator.call("POST", f"/servicePrincipals/{principal['id']}/appRoleAssignments", body)
    tasks = [
        step("beside a grant", app_id=app, scope=GROUP),
        step("all, as said", _name="All", app_id=app, scope={"organization": True}),
        step("beside both", app_id=app, scope=GROUP),
    ]
    run = ansible.tasks(tasks, tenant.auth()).ok()
    grant, everything, both = good(run, *(one["name"] for one in tasks))
    assert "The scope is void" in grant["warnings"][0]
    assert "full_access_as_app" in grant["warnings"][0]
    assert everything.get("warnings", []) == []
    assert len(both["warnings"]) == 2
    assert "the role assignment All gives Pexip the role" in both["warnings"][1]


def test_nested_groups_are_warned_about(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    tenant = simulator(
        seed={
            "groups": [
                {"name": "Inner", "mail": "inner@contoso.com", "members": ["carol@contoso.com"]},
                {"name": "Outer", "mail": "outer@contoso.com", "members": ["alice@contoso.com", "inner@contoso.com"]},
            ]
        }
    )
    options = {"app_id": register(tenant), "scope": {"group": "Outer"}, "verify": VERIFY}
    result = good(ansible.tasks([step("grant", **options)], tenant.auth()).ok(), "grant")[0]
    assert result["warnings"] == ["Members of groups within Outer are out of scope, only direct members count: Inner."]


def test_x17_a_failed_read_never_creates(tenant: Simulator, ansible: Ansible) -> None:
    app = register(tenant)
    mark = tenant.mark()
    for cmdlet in (
        "Get-ServicePrincipal",
        "Get-DistributionGroup",
        "Get-ManagementScope",
        "Get-ManagementRoleAssignment",
    ):
        for status, words in ((403, (cmdlet, "Exchange Administrator")), (500, ())):
            tenant.restart(faults=wherever(f"^{cmdlet}$", do="respond", status=status, times=0))
            run = ansible.tasks([step("refused", app_id=app, scope=GROUP, wait_timeout=0)], tenant.auth())
            refused(run, "refused", str(status), *words)
    assert tenant.writes(mark) == []


def test_x19_dehydrated_tenant(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    tenant = simulator(seed={"dehydrated": True})
    run = ansible.tasks([step("grant", app_id=register(tenant), scope=GROUP)], tenant.auth())
    message = run["grant"].msg
    assert run["grant"].status == "failed"
    for word in ("disabled customizations", "Run Enable-OrganizationCustomization once", "Already done"):
        assert word in message
    # Nothing customizes the organization unasked.
    assert "Enable-OrganizationCustomization" not in [name for one in tenant.wire() for name in one.operations]


def test_x20_every_request_carries_the_anchor(tenant: Simulator, ansible: Ansible) -> None:
    app, scope = register(tenant), {"mailboxes": ["alice@contoso.com", "bob@contoso.com"]}
    mark = tenant.mark()
    ansible.tasks([step("grant", app_id=app, scope=scope, verify=VERIFY)], tenant.auth()).ok()
    anchor = f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{tenant.endpoints['tenant_id']}"
    requests = [one for one in tenant.wire(mark) if one.service == "outlook"]
    batched = [item["headers"] for one in requests if one.path.endswith("/$batch") for item in one.request["requests"]]
    assert batched
    headers = [*(one.request_headers for one in requests), *batched]
    assert {{name.lower(): value for name, value in one.items()}.get("x-anchormailbox") for one in headers} == {anchor}


def test_x34_no_directory_role(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """The 403 of NUL bytes: the reason from the header, and the missing role, in the message."""
    tenant = simulator(seed={"automation": {"directory_roles": ["Exchange Recipient Administrator"]}})
    app = register(tenant)
    mark = tenant.mark()
    run = ansible.tasks([step("grant", app_id=app, scope=GROUP)], tenant.auth())
    words = ("is not present in the role definition", "Exchange.ManageAsApp", "Exchange Administrator")
    refused(run, "grant", *words)
    assert tenant.writes(mark) == []


def test_replicas_that_lag(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    """One of each, the right result, and nothing to do for the task right after it."""
    tenant = simulator()
    app = register(tenant)
    tenant.restart(lag=1.5)
    mark = tenant.mark()
    granted = {"app_id": app, "scope": GROUP, "verify": VERIFY}
    changed = {"app_id": app, "scope": {"mailboxes": ["carol@contoso.com"]}}
    tasks = [
        step("grant", **granted),
        step("grant again", **granted),
        step("change", **changed),
        step("change again", **changed),
        step("remove", app_id=app, state="absent"),
        step("remove again", app_id=app, state="absent"),
    ]
    run = ansible.tasks(tasks, tenant.auth()).ok()
    results = good(run, *(one["name"] for one in tasks))
    assert [one.changed for one in results] == [True, False] * 3
    assert results[0]["assignments"] == [{"name": NAME, "role": ROLE, "scope": NAME}]
    assert commands(tenant.writes(mark)) == planned(*results[0::2])


@pytest.mark.parametrize(
    ("fault", "lag"),
    [
        pytest.param({"do": "drop", "when": "after"}, 0, id="dropped after"),
        pytest.param({"do": "drop", "when": "after"}, 1, id="dropped after, lag"),
        pytest.param({"do": "drop", "when": "before"}, 0, id="dropped before"),
        pytest.param({"do": "respond", "status": 503, "when": "after"}, 1, id="503 after, lag"),
        pytest.param({"do": "respond", "status": 503, "when": "before", "times": 2}, 0, id="503 before"),
    ],
)
def test_creation_that_may_have_happened(
    simulator: Callable[..., Simulator], ansible: Ansible, fault: dict[str, Any], lag: float
) -> None:
    """Scope, service principal and assignment are looked up before they are made again: one of each."""
    tenant = simulator()
    app = register(tenant)
    tenant.restart(lag=lag, faults=[{"match": {"cmdlet": f"^{cmdlet}$"}, **fault} for cmdlet in CREATION])
    options = {"app_id": app, "scope": GROUP, "verify": VERIFY}
    run = ansible.tasks([step("grant", **options), step("again", **options)], tenant.auth()).ok()
    granted, again = good(run, "grant", "again")
    assert (granted.changed, again.changed) == (True, False)
    tenant.restart(lag=0, faults=[])
    exchange = ExchangeAdministrator(tenant)
    for noun in ("ManagementScope", "ServicePrincipal", "ManagementRoleAssignment"):
        assert len(exchange.run(f"Get-{noun}")) == 1, noun


def test_throttling_is_obeyed(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    headers = {"Retry-After": "2"}
    fault = {"match": {"cmdlet": "New-ManagementRoleAssignment"}, "do": "respond", "status": 429, "headers": headers}
    tenant = simulator(faults=[fault])
    ansible.tasks([step("grant", app_id=register(tenant), scope=GROUP)], tenant.auth()).ok()
    sent = [one for one in tenant.writes() if one.operations == ["New-ManagementRoleAssignment"]]
    assert [one.status for one in sent] == [429, 200]
    first, second = (datetime.fromisoformat(one.time) for one in sent)
    assert (second - first).total_seconds() >= 2


def test_graph_permission_that_is_missing_is_named(simulator: Callable[..., Simulator], ansible: Ansible) -> None:
    tenant = simulator(seed={"automation": {"roles": []}})
    with tenant.no_writes():
        run = ansible.tasks([step("grant", app_id=tenant.endpoints["client_id"], scope=GROUP)], tenant.auth())
    refused(run, "grant", "Application.Read.All")
