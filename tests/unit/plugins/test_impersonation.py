# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for a role assignment and its scope: pure functions of state and options."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Plan, Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources._grants import State
from ansible_collections.vmrops.o365.plugins.module_utils._resources._scope import Scope, resolve
from ansible_collections.vmrops.o365.plugins.module_utils._resources.impersonation import Impersonation
from ansible_collections.vmrops.o365.plugins.module_utils._services.batches import Together
from ansible_collections.vmrops.o365.plugins.module_utils._services.mailboxes import Mailboxes
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import NotFound, ServiceError

APP = "11111111-2222-3333-4444-555555555555"
ROLE = "Application EWS.AccessAsApp"
FILTER = "MemberOfGroup -eq 'CN=x'"
OPTIONS: dict[str, Any] = {
    "name": "VMR",
    "method": "application_rbac",
    "app_id": APP,
    "roles": [ROLE],
    "user": None,
    "scope": {"recipient_filter": FILTER},
    "verify": None,
    "conflict": "fail",
    "assignment_name": None,
    "keep_scope": False,
    "state": "present",
    "check_mode": False,
}
ACCOUNT = {"method": "application_impersonation", "user": "pexip@contoso.com", "roles": [ROLE]}
APPLICATION = {"id": "sp-1", "app_id": APP, "name": "Pexip"}
USER = {"id": "pexip@contoso.com", "name": "pexip@contoso.com", "Name": "pexip", "ExternalDirectoryObjectId": "u-1"}
POINTER = {"ObjectId": "sp-1", "AppId": APP}
SCOPE = {"Name": "VMR", "RecipientFilter": f"(({FILTER}))", "Exclusive": False}
GRANT = {
    "Name": "VMR",
    "Role": ROLE,
    "RoleAssignee": "sp-1",
    "RoleAssigneeName": "Pexip",
    "RecipientWriteScope": "CustomRecipientScope",
    "CustomResourceScope": "VMR",
    "CustomRecipientWriteScope": None,
    "Enabled": True,
}


def state(**values: Any) -> State:
    """A tenant that has everything as wanted, but for the values given."""
    usual = {
        "assignee": APPLICATION,
        "pointer": POINTER,
        "scope": Scope(FILTER, text="members of x"),
        "management_scope": SCOPE,
        "assignments": [GRANT],
        "named": {"VMR": GRANT},
    }
    return State(**{**usual, **values})


def plan(current: State, /, **options: Any) -> Plan:
    """The plan for these options in place of the usual ones."""
    return Impersonation({**OPTIONS, **options}).plan(current)


def cmdlets(found: Plan) -> list[str]:
    """The cmdlets of the steps."""
    return [one.operation for one in found.steps]


EMPTY = {"pointer": None, "management_scope": None, "assignments": [], "named": {}}


def test_nothing_to_do() -> None:
    found = plan(state())
    assert cmdlets(found) == []
    assert found.before == found.after


def test_creation_begins_with_what_the_service_may_refuse() -> None:
    found = plan(state(**EMPTY))
    assert cmdlets(found) == ["New-ManagementScope", "New-ServicePrincipal", "New-ManagementRoleAssignment"]
    scope, pointer, grant = found.steps
    assert scope.values == {"Name": "VMR", "RecipientRestrictionFilter": FILTER}
    assert "scope.recipient_filter" in scope.summary
    assert pointer.values == {"AppId": APP, "ObjectId": "sp-1", "DisplayName": "Pexip"}
    assert grant.values == {"Name": "VMR", "Role": ROLE, "App": APP, "CustomResourceScope": "VMR"}
    assert (found.before["state"], found.after["state"]) == ("absent", "present")


def test_a_user_gets_the_parameters_for_users() -> None:
    found = plan(state(**{**EMPTY, "assignee": USER}), **ACCOUNT)
    assert cmdlets(found) == ["New-ManagementScope", "New-ManagementRoleAssignment"]
    assert found.steps[1].values == {
        "Name": "VMR",
        "Role": "ApplicationImpersonation",
        "User": "pexip@contoso.com",
        "CustomRecipientWriteScope": "VMR",
    }


def test_read_by_name_counts_before_the_list_shows_it() -> None:
    assert cmdlets(plan(state(assignments=[]))) == []


def test_a_disabled_assignment_is_none() -> None:
    disabled = {**GRANT, "Enabled": "False"}
    found = plan(state(assignments=[disabled], named={"VMR": disabled}))
    assert cmdlets(found) == ["Set-ManagementRoleAssignment"]
    assert found.steps[0].values == {"CustomResourceScope": "VMR", "Enabled": True}


def test_an_assignment_under_another_name_will_do() -> None:
    assert cmdlets(plan(state(assignments=[{**GRANT, "Name": "By hand"}], named={}))) == []


def test_the_role_over_another_scope_is_another_assignment() -> None:
    elsewhere = {**GRANT, "Name": "Elsewhere", "CustomResourceScope": "Other"}
    assert cmdlets(plan(state(assignments=[elsewhere], named={}))) == ["New-ManagementRoleAssignment"]


def test_a_name_that_is_taken() -> None:
    """By another application of the same display name, or by another role: shown, or replaced."""
    theirs = {**GRANT, "RoleAssignee": "sp-2"}
    with pytest.raises(Refused, match=r"Pexip \(sp-2\); wanted is .* for Pexip \(sp-1\)\. Choose .* conflict: change"):
        plan(state(assignments=[], named={"VMR": theirs}))
    other_role = {**GRANT, "Role": "Application Mail.Read"}
    with pytest.raises(Refused, match=r"role Application Mail\.Read for .* wanted is Application EWS\.AccessAsApp"):
        plan(state(assignments=[other_role], named={"VMR": other_role}))
    found = plan(state(assignments=[], named={"VMR": theirs}), conflict="change")
    assert cmdlets(found) == ["Remove-ManagementRoleAssignment", "New-ManagementRoleAssignment"]


def test_from_scope_to_organization_and_back() -> None:
    everything = {"scope": {"organization": True}}
    found = plan(state(scope=Scope()), **everything)
    assert cmdlets(found) == ["Remove-ManagementRoleAssignment", "New-ManagementRoleAssignment"]
    assert found.steps[1].values == {"Name": "VMR", "Role": ROLE, "App": APP}
    wide = {**GRANT, "RecipientWriteScope": "Organization", "CustomResourceScope": None}
    assert cmdlets(plan(state(scope=Scope(), assignments=[wide], named={"VMR": wide}), **everything)) == []
    back = plan(state(assignments=[wide], named={"VMR": wide}))
    assert cmdlets(back) == ["Set-ManagementRoleAssignment"]
    assert back.steps[0].values["CustomResourceScope"] == "VMR"


def test_an_administrative_unit_is_recognised_by_id_and_by_name() -> None:
    scope = Scope(administrative_unit="au-1", text="the administrative unit Oslo")
    for shown in ("AU-1", "Oslo"):
        grant = {
            **GRANT,
            "RecipientWriteScope": "AdministrativeUnit",
            "CustomResourceScope": None,
            "CustomRecipientWriteScope": shown,
        }
        current = state(scope=scope, assignments=[grant], named={"VMR": grant})
        assert cmdlets(plan(current, scope={"administrative_unit": "Oslo"})) == []


def test_a_filter_changes_for_oneself_and_not_for_others() -> None:
    old = {**SCOPE, "RecipientFilter": "Alias -eq 'x'"}
    assert cmdlets(plan(state(management_scope=old, scope_users=[GRANT]))) == ["Set-ManagementScope"]
    theirs = {**GRANT, "Name": "Theirs", "RoleAssignee": "sp-2"}
    shared = state(management_scope=old, scope_users=[GRANT, theirs])
    with pytest.raises(Refused, match=r"has the filter Alias -eq 'x', wanted is MemberOfGroup .* use it too: Theirs\."):
        plan(shared)
    assert cmdlets(plan(shared, conflict="change")) == ["Set-ManagementScope"]


def test_a_filter_that_cannot_be_read_counts_as_another() -> None:
    assert cmdlets(plan(state(management_scope={**SCOPE, "RecipientFilter": "{something new}"}))) == [
        "Set-ManagementScope"
    ]


def test_an_exclusive_scope_is_refused() -> None:
    with pytest.raises(Refused, match="exclusive"):
        plan(state(management_scope={**SCOPE, "Exclusive": "True"}), conflict="change")


def test_removal_takes_what_is_ours_and_leaves_the_rest() -> None:
    found = plan(state(scope_users=[GRANT]), state="absent")
    assert cmdlets(found) == ["Remove-ManagementRoleAssignment", "Remove-ManagementScope", "Remove-ServicePrincipal"]
    elsewhere = {**GRANT, "Name": "Elsewhere", "CustomResourceScope": "Other"}
    shared = {**GRANT, "Name": "Theirs", "RoleAssignee": "sp-2"}
    found = plan(state(assignments=[GRANT, elsewhere], scope_users=[GRANT, shared]), state="absent")
    assert cmdlets(found) == ["Remove-ManagementRoleAssignment"]
    assert "Theirs" in found.warnings[0]


def test_removal_sees_an_assignment_that_one_list_does_not_show_yet() -> None:
    found = plan(state(assignments=[], scope_users=[GRANT]), state="absent")
    assert cmdlets(found) == ["Remove-ManagementRoleAssignment", "Remove-ManagementScope", "Remove-ServicePrincipal"]


def test_removal_leaves_another_applications_assignment_of_that_name() -> None:
    theirs = {**GRANT, "RoleAssignee": "sp-2"}
    found = plan(state(assignments=[], named={"VMR": theirs}, scope_users=[theirs], pointer=None), state="absent")
    assert cmdlets(found) == []
    assert "VMR stays" in found.warnings[0]


def test_an_assignment_may_be_called_otherwise_than_its_scope() -> None:
    """So that one to an application stands beside one to a user that has the name, over the same management scope."""
    theirs = {**GRANT, "Role": "ApplicationImpersonation", "RoleAssignee": "pexip"}
    apart = {"assignment_name": "VMR (app)"}
    [step] = plan(state(assignments=[], named={}, scope_users=[theirs]), **apart).steps
    assert (step.operation, step.values["Name"]) == ("New-ManagementRoleAssignment", "VMR (app)")
    assert step.values["CustomResourceScope"] == "VMR"
    with pytest.raises(Refused, match=r"assignment_name: .* has 65 characters"):
        plan(state(), assignment_name="x" * 65)

    ours = {**GRANT, "Name": "VMR (app)"}
    assert cmdlets(plan(state(assignments=[ours], named={}))) == []
    # Undone under either name, also where no management scope tells whose it is.
    everywhere = {"CustomResourceScope": None, "RecipientWriteScope": "Organization"}
    both = [{**GRANT, **everywhere}, {**ours, **everywhere}]
    found = plan(state(assignments=both, management_scope=None), state="absent", **apart)
    assert [step.target.get("Identity") for step in found.steps[:2]] == ["VMR", "VMR (app)"]


def test_removal_may_leave_the_scope() -> None:
    found = plan(state(scope_users=[GRANT]), state="absent", keep_scope=True)
    assert cmdlets(found) == ["Remove-ManagementRoleAssignment", "Remove-ServicePrincipal"]
    assert found.warnings == []


def test_what_is_wider_is_warned_about() -> None:
    wide = {**GRANT, "Name": "Wide", "RecipientWriteScope": "Organization", "CustomResourceScope": None}
    found = plan(state(assignments=[GRANT, wide], tenant_wide=True))
    assert ["full_access_as_app" in one or "Wide" in one for one in found.warnings] == [True, True]
    assert not plan(state(assignments=[GRANT, {**wide, "Role": "Application Mail.Read"}])).warnings
    assert not plan(state(scope=Scope(), assignments=[wide], tenant_wide=True), scope={"organization": True}).warnings


def test_several_roles_have_a_name_each() -> None:
    roles = [ROLE, "Application Calendars.ReadWrite"]
    found = plan(state(**EMPTY), roles=roles)
    assert [one.values["Name"] for one in found.steps[2:]] == [f"VMR {role}" for role in roles]
    with pytest.raises(Refused, match=r"name: .*characters"):
        plan(state(), name="x" * 60, roles=roles)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scope": None}, "scope: no scope is given"),
        ({"scope": {"organization": False}}, "scope: no scope is given"),
        ({"scope": {"group": "a", "mailboxes": ["b"]}}, "scope: group and mailboxes are both given"),
        ({"scope": {"recipient_filter": "nonsense"}}, "scope.recipient_filter: the filter cannot be read"),
        ({"app_id": "<application.appId>"}, "app_id: '<application.appId>' is no application id"),
        ({"app_id": ""}, "app_id: '' is no application id"),
        ({"roles": ["Mail Recipients"]}, "roles: 'Mail Recipients' is no application role"),
        ({**ACCOUNT, "user": ""}, "user: it is empty"),
        ({**ACCOUNT, "verify": {"in_scope": "a"}}, "verify: Exchange can only test"),
        ({"name": " "}, "name: ' ' has 1 characters"),
    ],
)
def test_options_that_are_refused_before_anything_is_read(options: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as caught:
        Impersonation({**OPTIONS, **options})
    assert str(caught.value).startswith(words)


def test_absence_needs_no_scope_and_check_mode_takes_a_placeholder() -> None:
    Impersonation({**OPTIONS, "scope": None, "state": "absent"})
    Impersonation({**OPTIONS, "app_id": "<application.appId>", "check_mode": True})


class Exchange:
    """The reads that a scope needs."""

    def __init__(self, **found: Any) -> None:
        self.found = found
        self.mailboxes = self

    def recipients(self, addresses: list[str]) -> list[dict[str, Any] | None]:
        return [self.found.get(one) for one in addresses]

    def group(self, name: str) -> dict[str, Any] | None:
        return self.found.get(name)

    def group_members(self, _name: str) -> list[dict[str, Any]]:
        return [
            {"DisplayName": "Inner", "RecipientType": "MailUniversalDistributionGroup"},
            {"DisplayName": "Dynamic", "RecipientTypeDetails": "DynamicDistributionGroup"},
            {"DisplayName": "Alice", "RecipientType": "UserMailbox"},
        ]


def test_a_scope_of_mailboxes_is_sorted_quoted_and_without_doubles() -> None:
    boxes: Any = Exchange(
        b={"PrimarySmtpAddress": "O'Brien@contoso.com"},
        a={"PrimarySmtpAddress": "alice@contoso.com"},
        alias={"PrimarySmtpAddress": "Alice@contoso.com"},
    )
    found = resolve({"mailboxes": ["b", "alias", "a"]}, "mailboxes", boxes)
    assert found.recipient_filter == (
        "PrimarySmtpAddress -eq 'alice@contoso.com' -or PrimarySmtpAddress -eq 'o''brien@contoso.com'"
    )


def test_a_scope_of_a_group_quotes_its_name_and_warns_of_groups_within() -> None:
    groups: Any = Exchange(**{"O'Brien": {"DistinguishedName": "CN=O'Brien,DC=x"}})
    found = resolve({"group": "O'Brien"}, "group", groups)
    assert found.recipient_filter == "MemberOfGroup -eq 'CN=O''Brien,DC=x'"
    assert found.warnings == [
        "Members of groups within O'Brien are out of scope, only direct members count: Dynamic, Inner."
    ]


class Tenant(Exchange):
    """What is read for an application.

    Args:
        pointers: Exchange's service principals by the id that is asked for, or what it fails with.
        grants: role assignments by the id that is asked for.
        trials: whether the role reaches a mailbox, time after time; the last for good.
    """

    def __init__(self, pointers: dict[str, Any], grants: dict[str, Any], **trials: list[bool]) -> None:
        super().__init__(inside={"Name": "inside"}, outside={"Name": "outside"})
        self.pointers, self.grants, self.trials = pointers, grants, trials
        entra = {"id": "sp-1", "displayName": "Pexip"}
        self.directory = SimpleNamespace(service_principal=lambda _id: entra, app_role_assignments=lambda _id: [])
        self.mailboxes = Mailboxes(self)  # type: ignore[arg-type, assignment]
        self.together = Together(Deadline(1))

    def attempt(self, read: Callable[[], Any]) -> tuple[Any, str]:
        try:
            return read(), ""
        except ServiceError as error:
            return None, str(error)

    def find(self, cmdlet: str, parameters: dict[str, Any], _tried: str) -> Any:
        there = {"Get-ManagementScope": SCOPE, "Get-ManagementRole": {"Name": parameters["Identity"]}}
        found = self.pointers.get(parameters["Identity"]) if cmdlet == "Get-ServicePrincipal" else there.get(cmdlet)
        if isinstance(found, Exception):
            raise found
        return found

    def find_many(self, calls: list[tuple[str, dict[str, Any]]], _tried: str) -> list[Any]:
        return self.recipients([parameters["Identity"] for _cmdlet, parameters in calls])

    def invoke(self, cmdlet: str, parameters: dict[str, Any], _tried: str) -> list[Any]:
        if cmdlet == "Get-ManagementRoleAssignment":
            return list(self.grants.get(parameters.get("RoleAssignee", ""), []))
        assert cmdlet == "Test-ServicePrincipalAuthorization"
        if not self.pointers:
            raise NotFound("test", text="the service principal wasn't found")
        reached = self.trials[parameters["Resource"]]
        return [{"RoleName": ROLE, "InScope": reached.pop(0) if len(reached) > 1 else reached[0]}]


LEFTOVER = {**POINTER, "ObjectId": "sp-0"}
LOST = {**GRANT, "RoleAssignee": "sp-0"}


@pytest.mark.parametrize(
    ("pointers", "grants", "expected"),
    [
        pytest.param({APP: POINTER}, {APP: [GRANT]}, (POINTER, [GRANT]), id="by the application id"),
        pytest.param({APP: POINTER}, {"sp-1": [GRANT]}, (POINTER, [GRANT]), id="assignments only by the object id"),
        pytest.param(
            {APP: LEFTOVER, "sp-1": POINTER},
            {APP: [LOST], "sp-1": [GRANT]},
            (POINTER, [GRANT]),
            id="the application id is a leftover's",
        ),
        pytest.param({APP: LEFTOVER}, {APP: [LOST]}, (None, []), id="there is a leftover alone"),
        pytest.param(
            {APP: ServiceError("read", text="several"), "sp-1": POINTER},
            {APP: [LOST, GRANT], "sp-1": [GRANT]},
            (POINTER, [GRANT]),
            id="two answer to the application id",
        ),
        pytest.param({}, {}, (None, []), id="nothing"),
    ],
)
def test_what_answers_to_the_application_id_counts_when_it_is_this_service_principals(
    pointers: dict[str, Any], grants: dict[str, Any], expected: tuple[Any, Any]
) -> None:
    readers: Any = Tenant(pointers, grants)
    found = Impersonation(OPTIONS).read(readers, {})
    assert (found.pointer, found.assignments) == expected


@pytest.mark.parametrize(
    ("pointers", "known", "expected"),
    [
        pytest.param({APP: POINTER}, True, POINTER, id="Exchange's own word"),
        pytest.param({APP: POINTER}, False, POINTER, id="of a deleted application"),
        pytest.param(
            {APP: ServiceError("read", text="several"), "sp-1": POINTER}, True, POINTER, id="by the object id"
        ),
        pytest.param({}, True, None, id="none"),
        pytest.param({}, False, None, id="none of a deleted application"),
    ],
)
def test_what_exchange_knows_is_what_there_is_to_remove(pointers: dict[str, Any], known: bool, expected: Any) -> None:
    readers: Any = Tenant(pointers, {APP: [GRANT]})
    if not known:
        readers.directory.service_principal = lambda _id: None
    found = Impersonation({**OPTIONS, "scope": None, "state": "absent"}).read(readers, {})
    assert (found.pointer, found.assignments) == (expected, [GRANT] if expected else [])


def test_a_failed_read_does_not_mean_that_there_is_nothing_to_remove() -> None:
    readers: Any = Tenant({APP: ServiceError("read", text="busy")}, {})
    readers.directory.service_principal = lambda _id: None
    with pytest.raises(ServiceError, match="busy"):
        Impersonation({**OPTIONS, "scope": None, "state": "absent"}).read(readers, {})


VERIFY = {"verify": {"in_scope": "inside", "out_of_scope": "outside"}}


@pytest.mark.parametrize(
    ("inside", "outside", "words"),
    [
        pytest.param([True], [False], "", id="as it should be"),
        pytest.param([False, True], [False], "", id="only when asked once more"),
        pytest.param([True], [True, False], "", id="still out of an earlier scope"),
        pytest.param([False], [False], "inside is not in the scope", id="not reached"),
        pytest.param([True], [True], "outside is in the scope", id="reached though out of scope"),
    ],
)
def test_a_trial_is_believed_when_it_shows_what_it_should_and_repeated_when_not(
    inside: list[bool], outside: list[bool], words: str
) -> None:
    readers: Any = Tenant({APP: POINTER}, {APP: [GRANT]}, inside=inside, outside=outside)
    resource = Impersonation({**OPTIONS, **VERIFY})
    found = resource.read(readers, {})
    if words:
        with pytest.raises(Refused, match=words):
            resource.prove(readers, found)
        return
    verified = resource.prove(readers, found)["verified"]
    assert [verified[one]["roles"] for one in ("in_scope", "out_of_scope")] == [[ROLE], []]


def test_a_trial_that_was_not_possible_proves_nothing() -> None:
    """Nothing that is said of a mailbox does not mean that the mailbox is out of scope."""
    readers: Any = Tenant({}, {}, outside=[True])
    resource = Impersonation({**OPTIONS, "verify": {"out_of_scope": "outside"}})
    found = resource.read(readers, {})
    assert found.tried == {}
    readers.pointers = {APP: POINTER}
    with pytest.raises(Refused, match="outside is in the scope"):
        resource.prove(readers, found)
