# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is swept: each module, present and absent, with what it needs beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.vmrops.o365.plugins.module_utils._module import AUTH_ARGUMENTS, connect
from ansible_collections.vmrops.o365.plugins.module_utils._reconcile import Client, Run
from ansible_collections.vmrops.o365.plugins.module_utils._resources.equipment_mailbox import EquipmentMailbox
from ansible_collections.vmrops.o365.plugins.module_utils._resources.impersonation import Impersonation
from ansible_collections.vmrops.o365.plugins.module_utils._resources.oauth_app import OAuthApp
from ansible_collections.vmrops.o365.plugins.module_utils._resources.service_account import ServiceAccount

Options = dict[str, Any]

ACCOUNT: Options = {
    "user_principal_name": "pexip@contoso.com",
    "display_name": "Pexip",
    "given_name": None,
    "surname": None,
    "mail_nickname": None,
    "password": None,
    "update_password": "on_create",
    "password_never_expires": True,
    "usage_location": "NO",
    "licenses": [{"sku": "EXCHANGESTANDARD", "disabled_plans": None}],
    "licenses_mode": "merge",
    "account_enabled": None,
    "hide_from_address_lists": True,
    "deleted": "purge",
    "wait_for_mailbox": True,
}
EQUIPMENT: Options = {
    "name": "VMR scheduling",
    "alias": "vmr",
    "primary_smtp_address": "vmr@contoso.com",
    "display_name": "VMR",
    "hidden_from_address_lists": True,
    "capacity": None,
    "calendar_processing": {"automate_processing": "None", "resource_delegates": ["bob@contoso.com"]},
}
APP: Options = {
    "unique_name": "pexip",
    "app_id": None,
    "display_name": "Pexip",
    "sign_in_audience": None,
    "redirect_uris": {"web": ["https://infinity.contoso.com/redirect/"], "public_client": None},
    "permissions": [
        {
            "resource": "Office 365 Exchange Online",
            "application": ["full_access_as_app"],
            "delegated": ["EWS.AccessAsUser.All"],
        }
    ],
    "permissions_mode": "merge",
    "admin_consent": True,
    "secret": {"present": True, "display_name": "sweep", "lifetime": 90, "renew_before": 30, "held": ""},
    "certificates": None,
    "owners": ["alice@contoso.com"],
    "deleted": "purge",
}
SCOPE: Options = {
    "name": "Pexip",
    "method": "application_rbac",
    "app_id": None,
    "roles": ["Application EWS.AccessAsApp"],
    "user": None,
    "scope": {"group": "vmr-users@contoso.com"},
    "verify": {"in_scope": "alice@contoso.com", "out_of_scope": "carol@contoso.com"},
    "conflict": "fail",
    "check_mode": False,
}
ACTING_USER: Options = {**SCOPE, "method": "application_impersonation", "user": "bob@contoso.com", "verify": None}


@dataclass(frozen=True)
class Subject:
    """One thing to sweep.

    Args:
        name: as it is printed.
        make: the managed object from options.
        options: those of the module; state is added.
        state: present or absent; before absent, present is run undisturbed.
        seed: what the tenant must have.
    """

    name: str
    make: Callable[[Options], Any]
    options: Options
    state: str
    seed: Mapping[str, Any] = field(default_factory=dict)


def _app(options: Options) -> OAuthApp:
    return OAuthApp(options, time.time())


_MODULES: list[tuple[str, Callable[[Options], Any], Options, Mapping[str, Any]]] = [
    ("o365_equipment_mailbox", EquipmentMailbox, EQUIPMENT, {}),
    ("o365_oauth_app", _app, APP, {}),
    ("o365_impersonation (application_rbac)", Impersonation, SCOPE, {}),
    ("o365_impersonation (application_impersonation)", Impersonation, ACTING_USER, {"impersonation_role": True}),
    ("o365_service_account", ServiceAccount, ACCOUNT, {}),
]
SUBJECTS = [
    Subject(f"{name} {state}", make, options, state, seed)
    for name, make, options, seed in _MODULES
    for state in ("present", "absent")
]


class Caller:
    """Runs a subject as a playbook does, and remembers the secrets that runs returned, also failing ones."""

    def __init__(self, subject: Subject, endpoints: Mapping[str, str], auth: Mapping[str, Any]) -> None:
        self.subject, self.endpoints = subject, endpoints
        self.auth = {**dict.fromkeys(AUTH_ARGUMENTS), "auth_method": "auto", "cloud": "global", "timeout": 10, **auth}
        self.secret = ""

    def run(self, state: str) -> dict[str, Any]:
        """One run to that state; the module's result. Raises what the module would report."""
        options = {**self.subject.options, "state": state}
        if options.get("secret"):
            options["secret"] = {**options["secret"], "held": self.secret}
        if "method" in options and options["method"] == "application_rbac":
            options["app_id"] = self.endpoints["client_id"]
        connection = connect({**self.auth, "wait_timeout": 20}, print)
        clients: dict[str, Client] = {"graph": connection.graph, "exchange": connection.exchange}
        run: Run[Any] = Run(self.subject.make(options), connection, clients, connection.deadline)
        try:
            return run.reconcile()
        finally:
            made = run.resource.secrets(run.answers).get("secret")
            self.secret = made["value"] if made else self.secret
