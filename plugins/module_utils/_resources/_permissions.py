# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application's permissions: from names to ids, what it asks for, and what it was granted. Pure functions.

Names are looked up on the service principal of the resource, since the same name has another id on another resource.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._plan import Refused, Step

if TYPE_CHECKING:
    from ._readers import Object, Readers

WELL_KNOWN = {
    "microsoft graph": "00000003-0000-0000-c000-000000000000",
    "office 365 exchange online": "00000002-0000-0ff1-ce00-000000000000",
}
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Wanted(NamedTuple):
    """The permissions wanted on one resource.

    Args:
        resource: the resource's service principal, as Graph returned it.
        application, delegated: permission ids by name.
    """

    resource: Object
    application: Mapping[str, str]
    delegated: Mapping[str, str]


def resolve(permissions: Sequence[Mapping[str, Any]], readers: Readers) -> list[Wanted]:
    """Look up the resources and the names; several entries of one resource become one.

    Raises Refused for unknown ones, with the nearest names.
    """
    found: dict[str, Wanted] = {}
    for entry in permissions:
        want = _one(entry, look_up(entry, readers))
        same = found.get(want.resource["id"], want)
        application, delegated = {**same.application, **want.application}, {**same.delegated, **want.delegated}
        found[want.resource["id"]] = Wanted(want.resource, application, delegated)
    return list(found.values())


def look_up(entry: Mapping[str, Any], readers: Readers) -> Object:
    """The service principal of the resource that an entry names. Raises Refused when it is not one."""
    name = str(entry["resource"])
    app_id = WELL_KNOWN.get(name.lower(), name)
    if GUID.fullmatch(app_id):
        found = readers.directory.service_principal(app_id)
        if found:
            return found
        raise Refused(f"the tenant has no service principal of {name}.", "permissions.resource")
    candidates = readers.directory.service_principals_named(name)
    if len(candidates) == 1:
        return candidates[0]
    ids = ", ".join(one["appId"] for one in candidates)
    raise Refused(
        f"several service principals are called {name}: {ids}."
        if candidates
        else f"no service principal is called {name}.",
        "permissions.resource",
        "Give the resource's application id.",
    )


def _one(entry: Mapping[str, Any], resource: Object) -> Wanted:
    roles = {
        one["value"]: one["id"]
        for one in resource.get("appRoles") or []
        if one.get("value") and "Application" in one.get("allowedMemberTypes", ["Application"])
    }
    scopes = {one["value"]: one["id"] for one in resource.get("oauth2PermissionScopes") or [] if one.get("value")}
    return Wanted(
        resource,
        _ids(entry.get("application") or [], roles, scopes, "application", resource),
        _ids(entry.get("delegated") or [], scopes, roles, "delegated", resource),
    )


def _ids(
    names: Sequence[str], known: Mapping[str, str], other: Mapping[str, str], kind: str, resource: Object
) -> dict[str, str]:
    by_lower = {name.lower(): name for name in known}
    found = {}
    for name in names:
        match = by_lower.get(name.lower())
        if match is None:
            near = difflib.get_close_matches(name, known, 3, 0.5)
            advice = f"Did you mean {' or '.join(near)}?" if near else "Check the name."
            if name.lower() in {one.lower() for one in other}:
                advice = "There is one of that name of the other kind; permissions are application or delegated."
            raise Refused(f"{resource['displayName']} has no {kind} permission {name}.", f"permissions.{kind}", advice)
        found[match] = known[match]
    return found


def required_access(wanted: Sequence[Wanted], current: Sequence[Object], mode: str) -> list[Object]:
    """The application's requiredResourceAccess afterwards; equal to ``current`` by content when nothing changes."""
    access: dict[str, dict[str, str]] = {}
    if mode != "replace":
        for one in current:
            access.setdefault(one["resourceAppId"], {}).update(
                {part["id"]: part["type"] for part in one["resourceAccess"]}
            )
    for want in wanted:
        parts = access.setdefault(want.resource["appId"], {})
        if mode == "remove":
            for key in (*want.application.values(), *want.delegated.values()):
                parts.pop(key, None)
            continue
        parts.update(dict.fromkeys(want.application.values(), "Role"))
        parts.update(dict.fromkeys(want.delegated.values(), "Scope"))
    return [
        {"resourceAppId": app_id, "resourceAccess": [{"id": key, "type": kind} for key, kind in parts.items()]}
        for app_id, parts in access.items()
        if parts
    ]


def same_access(one: Sequence[Object], other: Sequence[Object]) -> bool:
    """Whether two requiredResourceAccess lists ask for the same, in any order."""
    return _flat(one) == _flat(other)


def _flat(access: Sequence[Object]) -> set[tuple[str, str, str]]:
    return {(one["resourceAppId"], part["id"], part["type"]) for one in access for part in one["resourceAccess"]}


def names_of(access: Sequence[Object], resources: Sequence[Object]) -> dict[str, list[str]]:
    """requiredResourceAccess by resource name and permission name, for the diff; ids where a name is not known."""
    known = {one["appId"]: one for one in resources}
    shown: dict[str, set[str]] = {}
    for one in access:
        resource = known.get(one["resourceAppId"], {"displayName": one["resourceAppId"]})
        names = {
            part["id"]: part["value"]
            for part in (resource.get("appRoles") or []) + (resource.get("oauth2PermissionScopes") or [])
        }
        shown.setdefault(resource["displayName"], set()).update(
            names.get(part["id"], part["id"]) for part in one["resourceAccess"]
        )
    return {resource: sorted(names) for resource, names in shown.items()}


class Consent(NamedTuple):
    """What consent has to change.

    Args:
        steps: grants, and in replace mode revocations.
        wider: what is granted and was not asked for, in words.
        before, after: granted permissions by resource, for the diff.
    """

    steps: Sequence[Step]
    wider: Sequence[str]
    before: Mapping[str, Sequence[str]]
    after: Mapping[str, Sequence[str]]


def consent(
    wanted: Sequence[Wanted],
    principal: Any,
    assignments: Sequence[Object],
    grants: Sequence[Object],
    mode: str,
    settling: bool,
) -> Consent:
    """Compare what is granted with what is wanted.

    Args:
        principal: the client's service principal id (or a reference to it).
        assignments: its app role assignments.
        grants: its delegated permission grants for everybody.
        mode: ``merge`` leaves wider grants and reports them; ``replace`` revokes them; ``remove`` revokes what is named.
        settling: whether the service principal may be new.
    """
    steps: list[Step] = []
    wider: list[str] = []
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    by_id = {want.resource["id"]: want for want in wanted}
    if mode == "remove":
        return _revoke(wanted, assignments, grants)
    for want in wanted:
        resource, label = want.resource, want.resource["displayName"]
        granted = {one["appRoleId"] for one in assignments if one["resourceId"] == resource["id"]}
        for name, key in want.application.items():
            if key not in granted:
                values = {"principalId": principal, "resourceId": resource["id"], "appRoleId": key}
                summary = f"grant the application permission {name} of {label}"
                steps.append(
                    Step(summary, "graph", "grant_app_role", {"resource": resource["id"]}, values, settling=settling)
                )
        _consent_delegated(want, principal, grants, mode, settling, steps, wider)
        before[label] = _granted_names(resource, assignments, grants)
        after[label] = sorted({*want.application, *want.delegated} | (set(before[label]) if mode == "merge" else set()))
    for one in assignments:
        owner = by_id.get(one["resourceId"])
        if owner is None or one["appRoleId"] not in owner.application.values():
            wider.append(f"application permission {_role_of(one, owner)}")
            if mode == "replace":
                steps.append(_revoke_role(one, owner))
    for one in grants:
        if one["resourceId"] not in by_id or not by_id[one["resourceId"]].delegated:
            wider.append(f"delegated permissions {one['scope'].strip()}")
            if mode == "replace":
                steps.append(_revoke_grant(one))
    return Consent(steps, wider, before, after)


def _revoke(wanted: Sequence[Wanted], assignments: Sequence[Object], grants: Sequence[Object]) -> Consent:
    """Take away what is named, and nothing else."""
    steps: list[Step] = []
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for want in wanted:
        resource, label = want.resource, want.resource["displayName"]
        before[label] = _granted_names(resource, assignments, grants)
        named = {name.lower() for name in (*want.application, *want.delegated)}
        after[label] = [name for name in before[label] if name.lower() not in named]
        for one in assignments:
            if one["resourceId"] == resource["id"] and one["appRoleId"] in want.application.values():
                steps.append(_revoke_role(one, want))
        unwanted = {name.lower() for name in want.delegated}
        for one in grants:
            scopes = one["scope"].split() if one["resourceId"] == resource["id"] else []
            kept = [name for name in scopes if name.lower() not in unwanted]
            if scopes and not kept:
                steps.append(_revoke_grant(one))
            elif len(kept) < len(scopes):
                gone = " ".join(name for name in scopes if name not in kept)
                summary, scope = f"revoke the delegated permissions {gone} of {label}", {"scope": " ".join(kept)}
                steps.append(Step(summary, "graph", "update_delegated_grant", {"grant": one["id"]}, scope))
    return Consent(steps, [], before, after)


def _revoke_role(assignment: Object, owner: Wanted | None) -> Step:
    summary = f"revoke the application permission {_role_of(assignment, owner)}"
    target = {"resource": assignment["resourceId"], "assignment": assignment["id"]}
    return Step(summary, "graph", "revoke_app_role", target)


def _revoke_grant(grant: Object) -> Step:
    summary = f"revoke the delegated permissions {grant['scope'].strip()}"
    return Step(summary, "graph", "delete_delegated_grant", {"grant": grant["id"]})


def _consent_delegated(
    want: Wanted,
    principal: Any,
    grants: Sequence[Object],
    mode: str,
    settling: bool,
    steps: list[Step],
    wider: list[str],
) -> None:
    if not want.delegated:
        return
    resource, label = want.resource, want.resource["displayName"]
    grant = next((one for one in grants if one["resourceId"] == resource["id"]), None)
    official = {name.lower(): name for name in want.delegated}
    current = {official.get(name.lower(), name) for name in grant["scope"].split()} if grant else set()
    extra = current - set(want.delegated)
    if extra:
        wider.append(f"delegated permissions {' '.join(sorted(extra))} of {label}")
    target = set(want.delegated) | (extra if mode == "merge" else set())
    scope = " ".join(sorted(target))
    summary = f"consent to the delegated permissions {scope} of {label} for everybody"
    if grant is None:
        values = {"clientId": principal, "consentType": "AllPrincipals", "resourceId": resource["id"], "scope": scope}
        steps.append(Step(summary, "graph", "create_delegated_grant", values=values, settling=settling))
    elif target != current:
        steps.append(Step(summary, "graph", "update_delegated_grant", {"grant": grant["id"]}, {"scope": scope}))


def _granted_names(resource: Object, assignments: Sequence[Object], grants: Sequence[Object]) -> list[str]:
    names = {one["id"]: one["value"] for one in resource.get("appRoles") or []}
    roles = [
        names.get(one["appRoleId"], one["appRoleId"]) for one in assignments if one["resourceId"] == resource["id"]
    ]
    return sorted(
        {*roles, *(name for one in grants if one["resourceId"] == resource["id"] for name in one["scope"].split())}
    )


def _role_of(assignment: Object, owner: Wanted | None) -> str:
    """The name of a granted role and of its resource; its id where the name is not known."""
    roles = (owner.resource.get("appRoles") or []) if owner else []
    name = next((one["value"] for one in roles if one["id"] == assignment["appRoleId"]), assignment["appRoleId"])
    return f"{name} of {assignment.get('resourceDisplayName')}"
