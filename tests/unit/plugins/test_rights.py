# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of rights: what it says by module, in words, and that documentation and Microsoft's permission map say the same."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from ansible_collections.vmrops.o365.plugins.module_utils import _module_rights, _rights
from ansible_collections.vmrops.o365.plugins.module_utils._granted import Granted, advice, in_words
from ansible_collections.vmrops.o365.plugins.module_utils._rights import DIRECTORY_ROLE, GRAPH, Need, Right
from ansible_collections.vmrops.o365.plugins.module_utils._services.graph_operations import OPERATIONS
from ansible_collections.vmrops.o365.plugins.module_utils._services.graph_rights import READS, WRITES
from simulator import seed
from simulator.cmdlets import REGISTRY
from simulator.exchange_roles import ROLE_GROUPS, ROLES
from support import COLLECTIONS, ROOT, TESTS
from tools import permissions

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("o365_*.py"))
PERMISSION = re.compile(r"C\(([A-Z][\w-]*(?:\.[A-Z]\w*)+|full_access_as_app)\)")
ROLE = re.compile(r"Exchange Recipient Administrator|Exchange Administrator|User Administrator|Global Reader")
# Operations of the contract by the collection's name for them; deleting for good is in no published list.
CONTRACT: Mapping[str, str] = {
    "create_user": "POST /users",
    "update_user": "PATCH /users/{user-id}",
    "set_password": "PATCH /users/{user-id}",
    "delete_user": "DELETE /users/{user-id}",
    "assign_licenses": "POST /users/{user-id}/assignLicense",
    "restore_user": "POST /directory/deletedItems/{directoryObject-id}/restore",
    "upsert_application": "PATCH /applications(uniqueName='{uniqueName}')",
    "update_application": "PATCH /applications/{application-id}",
    "delete_application": "DELETE /applications/{application-id}",
    "add_password": "POST /applications/{application-id}/addPassword",
    "remove_password": "POST /applications/{application-id}/removePassword",
    "add_owner": "POST /applications/{application-id}/owners/$ref",
    "create_service_principal": "POST /servicePrincipals",
    "grant_app_role": "POST /servicePrincipals/{servicePrincipal-id}/appRoleAssignedTo",
    "revoke_app_role": "DELETE /servicePrincipals/{servicePrincipal-id}/appRoleAssignedTo/{appRoleAssignment-id}",
    "create_delegated_grant": "POST /oauth2PermissionGrants",
    "update_delegated_grant": "PATCH /oauth2PermissionGrants/{oAuth2PermissionGrant-id}",
    "delete_delegated_grant": "DELETE /oauth2PermissionGrants/{oAuth2PermissionGrant-id}",
    "*/calendarView": "GET /users/{user-id}/calendarView",
    "*/mailboxSettings": "GET /users/{user-id}/mailboxSettings",
    "*/oauth2PermissionGrants": "GET /servicePrincipals/{servicePrincipal-id}/oauth2PermissionGrants",
    "/users": "GET /users/{user-id}",
    "/organization": "GET /organization",
    "/identity/conditionalAccess": "GET /identity/conditionalAccess/policies",
    "/policies": "GET /policies/identitySecurityDefaultsEnforcementPolicy",
    "/subscribedSkus": "GET /subscribedSkus",
    "/domains": "GET /domains",
    "/tenantRelationships": "GET /tenantRelationships/delegatedAdminCustomers",
    "/applications": "GET /applications/{application-id}/owners",
    "/servicePrincipals": "GET /servicePrincipals",
}
NOT_IN_THE_CONTRACT = {
    "purge_user",
    "purge_application",
    "purge_service_principal",
    "restore_application",
    "restore_service_principal",
    "/directory/deletedItems",
    "/directory/deletedItems/microsoft.graph.user",
}
NEEDS: dict[str, tuple[Need, ...]] = {
    **WRITES,
    **dict(READS),
}
# The role group of Exchange that a directory role is a member of.
MEMBER_OF = {
    "Exchange Administrator": "Organization Management",
    "Exchange Recipient Administrator": "Recipient Management",
}


def notes(module: str) -> str:
    """The notes of a module's documentation, as one text."""
    tree = ast.parse((ROOT / "plugins" / "modules" / f"{module}.py").read_text())
    texts = [
        node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION"
        if isinstance(node.value, ast.Constant)
    ]
    return " ".join(yaml.safe_load(str(texts[0]))["notes"])


def names(rights: Any) -> set[str]:
    return {right.name for right in rights}


# --- no drift ---------------------------------------------------------------------------------------------------------


def test_the_page_has_the_tables_of_the_list() -> None:
    page = permissions.PAGE.read_text()
    assert page == permissions.rendered(page), "run: make permissions"


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_in_the_list_and_its_notes_name_the_same_rights(module: str) -> None:
    needs = [need for rule in _module_rights.RULES if rule.module == module for need in rule.needs]
    assert needs, f"{module} has no rule in _module_rights.RULES"
    text = notes(module)
    said, listed = (
        {*PERMISSION.findall(text), *ROLE.findall(text)},
        set().union(*(names((*n.application, *n.delegated)) for n in needs)),
    )
    assert said <= listed, "the notes name a right that the list does not have"
    base = {right for rule in _module_rights.RULES if rule.module == module for right in _rights.least(rule.needs)}
    union = _rights.least(dict.fromkeys(needs))
    assert names(right for right in base if right in union) <= said, "the notes leave a right out"


def test_every_write_has_its_needs_listed() -> None:
    assert set(WRITES) == set(OPERATIONS)


def test_every_request_has_its_needs_compared() -> None:
    assert set(CONTRACT) | NOT_IN_THE_CONTRACT == set(NEEDS)


@pytest.mark.parametrize(("name", "operation"), CONTRACT.items(), ids=list(CONTRACT))
def test_graph_takes_what_is_listed(name: str, operation: str) -> None:
    """Microsoft's permission map has every right that is named here, for apps and for people."""
    entry = json.loads((TESTS / "simulator" / "contracts" / "graph-permissions.json").read_text())[operation]
    # What a request needs beside is a right of its own in the map.
    beside = {one for companions in entry.get("alsoRequires", {}).values() for one in companions}
    for need in NEEDS[name]:
        for kind, rights in (("application", need.application), ("delegated", need.delegated)):
            listed = {*entry[kind], *beside}
            wanted = {right.name for right in (*rights, *need.also) if right.of == GRAPH}
            assert wanted <= listed, f"{kind}: {need.purpose}"


def test_the_directory_roles_are_those_that_exist() -> None:
    assert set(_rights.DIRECTORY_ROLES.items()) <= {(key, name) for name, key in seed.DIRECTORY_ROLES.items()}
    held = {right.name for need in NEEDS.values() for one in need for right in one.person}
    assert held <= set(_rights.DIRECTORY_ROLES.values())


@pytest.mark.parametrize("cmdlet", sorted(one.name for one in REGISTRY.values()))
def test_exchange_takes_what_is_listed(cmdlet: str) -> None:
    _interface, need = _rights.of_cmdlet(cmdlet)
    for right in need.application:
        assert cmdlet in {one for role in ROLE_GROUPS[MEMBER_OF[right.name]] for one in ROLES[role]}, right.name


# --- by module --------------------------------------------------------------------------------------------------------

ACCOUNT = {"state": "present", "licenses": None, "wait_for_mailbox": False, "hide_from_address_lists": None}


@pytest.mark.parametrize(
    ("module", "options", "expected"),
    [
        ("o365_service_account", {**ACCOUNT}, {"User.ReadWrite.All", "Domain.Read.All"}),
        ("o365_service_account", {**ACCOUNT, "state": "absent"}, {"User.Read.All", "User.DeleteRestore.All"}),
        (
            "o365_service_account",
            {**ACCOUNT, "licenses": [], "wait_for_mailbox": True},
            {"User.ReadWrite.All", "Domain.Read.All", "LicenseAssignment.Read.All", "MailboxSettings.Read"},
        ),
        ("o365_oauth_app", {"state": "present", "permissions": [{"delegated": ["x"]}]}, {_rights.OWNED}),
        (
            "o365_oauth_app",
            {"state": "present", "permissions": [{"delegated": ["x"], "application": None}], "admin_consent": True},
            {_rights.OWNED, "DelegatedPermissionGrant.ReadWrite.All"},
        ),
        ("o365_oauth_app", {"state": "present", "owners": ["a"]}, {_rights.OWNED, "Directory.Read.All"}),
        (
            "o365_impersonation",
            {"state": "absent", "method": "application_rbac"},
            {"Application.Read.All", "Exchange.ManageAsApp", "Exchange Administrator"},
        ),
    ],
)
def test_least_rights_by_options(module: str, options: dict[str, Any], expected: set[str]) -> None:
    assert names(_rights.least(_module_rights.of_module(module, options))) == expected


def test_a_preferred_right_takes_the_place_of_those_it_covers() -> None:
    needs = _module_rights.of_module("o365_service_account", {**ACCOUNT, "state": "absent"})
    assert names(_rights.least(needs, [Right(GRAPH, "User.ReadWrite.All")])) == {"User.ReadWrite.All"}


def test_global_administrator_stands_for_every_directory_role() -> None:
    superior = [Right(DIRECTORY_ROLE, "Global Administrator")]
    assert _rights.ORGANIZATION.satisfied(superior)
    assert not _rights.READ_USERS.satisfied(superior)
    assert not _rights.WRITE_USERS.satisfied(superior, "person")
    assert _rights.WRITE_USERS.satisfied([*superior, Right(GRAPH, "User.ReadWrite.All")], "person")


# --- in words ---------------------------------------------------------------------------------------------------------


def test_what_is_missing_is_named_with_what_the_token_has() -> None:
    granted = Granted.of({"roles": ["User.Read.All"], "wids": []}, GRAPH)
    assert advice([_rights.READ_LICENCES], granted) == (
        "The caller lacks the application permission LicenseAssignment.Read.All or Organization.Read.All of Microsoft Graph "
        "(with admin consent). Its token has: User.Read.All."
    )
    assert "nothing" in advice([_rights.READ_LICENCES], Granted.of({"roles": None}, GRAPH))


def test_what_another_missing_right_brings_is_not_named() -> None:
    words = advice([_rights.READ_USERS, _rights.READ_DIRECTORY], Granted.of({"roles": []}, GRAPH))
    assert "Directory.Read.All" in words
    assert "User.Read.All" not in words


def test_a_token_that_has_it_is_told_from_one_that_cannot_be_read() -> None:
    held = advice([_rights.WRITE_APPLICATIONS], Granted.of({"roles": [_rights.OWNED]}, GRAPH))
    assert held.startswith("The caller needs the application permission Application.ReadWrite.OwnedBy or ")
    assert "Its token has: Application.ReadWrite.OwnedBy." in held
    assert "only applications that the caller owns" in held
    assert "token" not in advice([_rights.READ_USERS], Granted.of({}, GRAPH))
    assert advice([], Granted.of({}, GRAPH)) == ""


def test_a_person_needs_a_delegated_permission_and_a_role() -> None:
    granted = Granted.of(
        {"scp": "User.Read User.ReadWrite.All", "wids": ["b79fbf4d-3ef9-4689-8143-76b194e85509"]}, GRAPH
    )
    assert granted.by == "person"
    assert in_words(_rights.WRITE_USERS, "person") == (
        "the delegated permission User.ReadWrite.All of Microsoft Graph (with admin consent) and, for the person who signs in, "
        "the directory role User Administrator"
    )
    assert "User Administrator" in advice([_rights.WRITE_USERS], granted)
    allowed = Granted.of({"scp": "User.ReadWrite.All", "wids": ["fe930be7-5e62-47db-91af-98c3a49a38b1"]}, GRAPH)
    assert not allowed.lacks([_rights.WRITE_USERS, _rights.DELETE_USERS, _rights.READ_USERS])


def test_a_long_list_is_cut() -> None:
    granted = Granted.of({"roles": [f"Thing{number}.Read" for number in range(30)]}, GRAPH)
    assert str(granted).endswith("and 18 more")


def test_the_list_is_importable_without_ansible() -> None:
    code = (
        "import sys; sys.modules['ansible'] = None;"
        "from ansible_collections.vmrops.o365.plugins.module_utils import _granted, _rights"
    )
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(COLLECTIONS)}, check=True)
