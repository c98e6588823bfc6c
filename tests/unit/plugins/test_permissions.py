# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Permissions of an application: names to ids, and what consent has to change."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources import _permissions
from ansible_collections.vmrops.o365.plugins.module_utils._resources._permissions import Consent, Wanted

Data = dict[str, Any]

GRAPH_APP, EXCHANGE_APP = "00000003-0000-0000-c000-000000000000", "00000002-0000-0ff1-ce00-000000000000"


def resource(app_id: str, name: str, roles: tuple[str, ...], scopes: tuple[str, ...]) -> Data:
    return {
        "id": f"{name}-principal",
        "appId": app_id,
        "displayName": name,
        "appRoles": [{"id": f"role-{one}", "value": one, "allowedMemberTypes": ["Application"]} for one in roles]
        + [{"id": "role-of-users", "value": "Users.Only", "allowedMemberTypes": ["User"]}, {"id": "x", "value": None}],
        "oauth2PermissionScopes": [{"id": f"scope-{one}", "value": one} for one in scopes],
    }


GRAPH = resource(GRAPH_APP, "Microsoft Graph", ("Calendars.Read", "Mail.Read"), ("Calendars.Read", "offline_access"))
EXCHANGE = resource(EXCHANGE_APP, "Office 365 Exchange Online", ("full_access_as_app",), ("EWS.AccessAsUser.All",))


class Directory:
    """The resources that the tenant has."""

    def service_principal(self, app_id: str) -> Data | None:
        return next((one for one in (GRAPH, EXCHANGE) if one["appId"] == app_id), None)

    def service_principals_named(self, name: str) -> list[Data]:
        return [{**GRAPH, "appId": "one"}, {**GRAPH, "appId": "two"}] if name == "Twins" else []


class Tenant:
    directory: Any = Directory()


def resolve(*entries: Data) -> list[Wanted]:
    return _permissions.resolve(entries, Tenant())  # type: ignore[arg-type]  # of the readers, only these two are used


def test_names_become_ids_of_their_resource() -> None:
    [graph, exchange] = resolve(
        {"resource": "microsoft graph", "application": ["calendars.read"], "delegated": None},
        {"resource": EXCHANGE_APP, "delegated": ["EWS.AccessAsUser.All"]},
    )
    assert (graph.application, graph.delegated) == ({"Calendars.Read": "role-Calendars.Read"}, {})
    assert exchange.delegated == {"EWS.AccessAsUser.All": "scope-EWS.AccessAsUser.All"}


def test_entries_of_one_resource_become_one() -> None:
    [graph] = resolve(
        {"resource": "Microsoft Graph", "application": ["Mail.Read"], "delegated": ["offline_access"]},
        {"resource": GRAPH_APP, "application": ["Calendars.Read"]},
    )
    assert set(graph.application) == {"Mail.Read", "Calendars.Read"}
    assert set(graph.delegated) == {"offline_access"}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"resource": "Microsoft Graph", "application": ["Calendar.Read"]}, "Did you mean Calendars.Read"),
        ({"resource": "Microsoft Graph", "application": ["Users.Only"]}, "has no application permission Users.Only"),
        ({"resource": EXCHANGE_APP, "delegated": ["Full_Access_As_App"]}, "of the other kind"),
        ({"resource": EXCHANGE_APP, "delegated": ["???"]}, "Check the name"),
        ({"resource": "Nothing", "delegated": []}, "permissions.resource: no service principal is called Nothing"),
        ({"resource": "Twins", "delegated": []}, "several service principals are called Twins: one, two"),
        ({"resource": "0" * 8 + EXCHANGE_APP[8:].replace("ce", "ff"), "delegated": []}, "has no service principal of"),
    ],
)
def test_unknown_names(entry: Data, words: str) -> None:
    with pytest.raises(Refused) as refused:
        resolve(entry)
    assert words in str(refused.value)


def access(app_id: str, **parts: str) -> Data:
    return {"resourceAppId": app_id, "resourceAccess": [{"id": key, "type": kind} for key, kind in parts.items()]}


def test_required_access_merges_and_replaces() -> None:
    wanted = resolve({"resource": "Microsoft Graph", "application": ["Mail.Read"], "delegated": ["Calendars.Read"]})
    current = [access(GRAPH_APP, other="Role"), access("foreign", thing="Scope")]
    merged = _permissions.required_access(wanted, current, "merge")
    assert _permissions.same_access(
        merged,
        [
            access("foreign", thing="Scope"),
            access(GRAPH_APP, **{"scope-Calendars.Read": "Scope", "role-Mail.Read": "Role", "other": "Role"}),
        ],
    )
    replaced = _permissions.required_access(wanted, current, "replace")
    assert [one["resourceAppId"] for one in replaced] == [GRAPH_APP]
    assert not _permissions.same_access(merged, replaced)
    assert _permissions.required_access([], current, "replace") == []
    assert _permissions.same_access(_permissions.required_access([], current, "merge"), current)
    shown = _permissions.names_of(merged, [GRAPH])
    assert shown == {"Microsoft Graph": ["Calendars.Read", "Mail.Read", "other"], "foreign": ["thing"]}


def assignment(owner: Data, role: str) -> Data:
    return {
        "id": f"assignment-{role}",
        "resourceId": owner["id"],
        "resourceDisplayName": owner["displayName"],
        "appRoleId": f"role-{role}",
    }


def grant(owner: Data, scope: str) -> Data:
    return {"id": f"grant-{owner['displayName']}", "resourceId": owner["id"], "scope": scope}


def consent(
    wanted: list[Wanted], assignments: list[Data] | None = None, grants: list[Data] | None = None, mode: str = "merge"
) -> Consent:
    return _permissions.consent(wanted, "principal", assignments or [], grants or [], mode, settling=False)


WANTED = resolve(
    {"resource": "Microsoft Graph", "application": ["Mail.Read"]},
    {"resource": EXCHANGE_APP, "delegated": ["EWS.AccessAsUser.All"]},
)


def test_consent_to_everything() -> None:
    outcome = consent(WANTED)
    assert [(step.operation, step.values) for step in outcome.steps] == [
        (
            "grant_app_role",
            {"principalId": "principal", "resourceId": GRAPH["id"], "appRoleId": "role-Mail.Read"},
        ),
        (
            "create_delegated_grant",
            {
                "clientId": "principal",
                "consentType": "AllPrincipals",
                "resourceId": EXCHANGE["id"],
                "scope": "EWS.AccessAsUser.All",
            },
        ),
    ]
    assert outcome.wider == []
    assert outcome.after == {"Microsoft Graph": ["Mail.Read"], "Office 365 Exchange Online": ["EWS.AccessAsUser.All"]}


def test_consent_is_there() -> None:
    outcome = consent(WANTED, [assignment(GRAPH, "Mail.Read")], [grant(EXCHANGE, " ews.accessasuser.all ")])
    assert outcome.steps == []
    assert outcome.wider == []


def test_other_scopes_stay_in_one_union() -> None:
    outcome = consent(WANTED, [assignment(GRAPH, "Mail.Read")], [grant(EXCHANGE, "Exchange.Manage")])
    [step] = outcome.steps
    assert (step.operation, step.target) == ("update_delegated_grant", {"grant": "grant-Office 365 Exchange Online"})
    assert step.values == {"scope": "EWS.AccessAsUser.All Exchange.Manage"}
    assert outcome.wider == ["delegated permissions Exchange.Manage of Office 365 Exchange Online"]


def test_replace_narrows_a_grant() -> None:
    there = [grant(EXCHANGE, "Exchange.Manage EWS.AccessAsUser.All")]
    [step] = consent(WANTED, [assignment(GRAPH, "Mail.Read")], there, "replace").steps
    assert step.values == {"scope": "EWS.AccessAsUser.All"}


def test_wider_is_reported_and_with_replace_revoked_after_the_narrow_is_granted() -> None:
    assignments = [assignment(EXCHANGE, "full_access_as_app"), assignment(GRAPH, "Calendars.Read")]
    grants = [grant(GRAPH, "offline_access"), grant({"id": "foreign", "displayName": "Foreign"}, "do.things")]
    merged = consent(WANTED, assignments, grants)
    assert sorted(merged.wider) == [
        "application permission Calendars.Read of Microsoft Graph",
        "application permission full_access_as_app of Office 365 Exchange Online",
        "delegated permissions do.things",
        "delegated permissions offline_access",
    ]
    assert [step.operation for step in merged.steps] == ["grant_app_role", "create_delegated_grant"]
    replaced = consent(WANTED, assignments, grants, "replace")
    assert [step.operation for step in replaced.steps] == [
        "grant_app_role",
        "create_delegated_grant",
        "revoke_app_role",
        "revoke_app_role",
        "delete_delegated_grant",
        "delete_delegated_grant",
    ]
    assert replaced.steps[2].target == {"resource": EXCHANGE["id"], "assignment": "assignment-full_access_as_app"}


def test_only_what_is_named_is_removed() -> None:
    wanted = resolve(
        {"resource": EXCHANGE_APP, "application": ["full_access_as_app"], "delegated": ["EWS.AccessAsUser.All"]},
        {"resource": "Microsoft Graph", "delegated": ["offline_access"]},
    )
    granted = [assignment(EXCHANGE, "full_access_as_app"), assignment(GRAPH, "Mail.Read")]
    grants = [grant(EXCHANGE, " ews.accessasuser.all "), grant(GRAPH, "Calendars.Read offline_access")]
    outcome = consent(wanted, granted, grants, "remove")
    assert [(step.operation, step.target, step.values) for step in outcome.steps] == [
        ("revoke_app_role", {"resource": EXCHANGE["id"], "assignment": "assignment-full_access_as_app"}, {}),
        ("delete_delegated_grant", {"grant": "grant-Office 365 Exchange Online"}, {}),
        ("update_delegated_grant", {"grant": "grant-Microsoft Graph"}, {"scope": "Calendars.Read"}),
    ]
    assert outcome.steps[-1].summary == "revoke the delegated permissions offline_access of Microsoft Graph"
    assert outcome.wider == []
    assert outcome.before["Microsoft Graph"] == ["Calendars.Read", "Mail.Read", "offline_access"]
    assert outcome.after["Microsoft Graph"] == ["Calendars.Read", "Mail.Read"]
    assert consent(wanted, granted[1:], [grant(GRAPH, "Calendars.Read")], "remove").steps == []

    current = [access(EXCHANGE_APP, **{"role-full_access_as_app": "Role"}), access(GRAPH_APP, other="Role")]
    assert _permissions.required_access(wanted, current, "remove") == [access(GRAPH_APP, other="Role")]
