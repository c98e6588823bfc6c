# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of one company, Contoso, and the inventory that Ansible reads them from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from support.manifest import manifest

APP_PERMISSIONS, SERVICE_ACCOUNT = "app_permissions", "service_account"
ACCESS = (APP_PERMISSIONS, SERVICE_ACCOUNT)
HOST = "contoso"
EQUIPMENT = "vmr-scheduling@contoso.com"
ACCOUNT = "pexip-scheduling@contoso.com"
MANAGEMENT_NODE = "infinity.contoso.com"
INTEGRATION = "Microsoft 365"
DELEGATE = "bob@contoso.com"
# Another application that the tenant lets use EWS, as many have one.
OTHER_APP = "0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42"
EWS: Mapping[str, Any] = {"EwsEnabled": True, "EwsAllowedAppIDs": OTHER_APP}
ORGANIZER, STRANGER = "alice@contoso.com", "carol@contoso.com"
CONFIGURE, TEARDOWN = "vmrops.o365.configure", "vmrops.o365.teardown"
ROTATE, MIGRATE, AUDIT = "vmrops.o365.rotate_secret", "vmrops.o365.migrate", "vmrops.o365.audit"


def variables(access: str, secrets_file: Path) -> dict[str, Any]:
    """The role's variables for one way of access; the add-in's manifest is written beside the secrets file."""
    addin = secrets_file.with_name("pexip-scheduling.xml")
    addin.write_text(manifest())
    wish: dict[str, Any] = {
        "vmr_scheduling_access": access,
        "vmr_scheduling_management_node": MANAGEMENT_NODE,
        "vmr_scheduling_equipment_name": "VMR scheduling",
        "vmr_scheduling_equipment_alias": "vmr-scheduling",
        "vmr_scheduling_equipment_address": EQUIPMENT,
        "vmr_scheduling_equipment_display_name": "Pexip VMR scheduling",
        "vmr_scheduling_scope": {"group": "vmr-users@contoso.com"},
        "vmr_scheduling_secrets_file": str(secrets_file),
        "vmr_scheduling_manage_ews_access": True,
        "vmr_scheduling_delegates": [{"delegate": DELEGATE, "automapping": False}],
        "vmr_scheduling_manage_connector": True,
        "vmr_scheduling_connector_name": INTEGRATION,
        "vmr_scheduling_connector_settings": {"addin_server_domain": "join.contoso.com"},
        "vmr_scheduling_addin_manifest": str(addin),
    }
    if access == APP_PERMISSIONS:
        return {**wish, "vmr_scheduling_verify": {"in_scope": ORGANIZER, "out_of_scope": STRANGER}}
    return {
        **wish,
        "vmr_scheduling_service_account_user_principal_name": ACCOUNT,
        "vmr_scheduling_service_account_display_name": "Pexip VMR scheduling account",
        "vmr_scheduling_service_account_licenses": [{"sku": "EXCHANGESTANDARD"}],
        "vmr_scheduling_service_account_usage_location": "NO",
    }


class Inventory:
    """A directory for ``ansible-playbook -i``: one host, which is one tenant, and its variables in two files.

    Args:
        directory: where it is written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sign_in = directory / "host_vars" / HOST / "sign_in.yml"
        self.variables = directory / "host_vars" / HOST / "vmr_scheduling.yml"

    def write(
        self, auth: Mapping[str, str], node: Mapping[str, str], wish: Mapping[str, Any], *, keep: bool = False
    ) -> None:
        """Write it, readable by its owner alone, since it holds a client secret.

        Args:
            auth: how to sign in to the tenant, as the modules' options.
            node: how to sign in to the Management Node, likewise.
            wish: the role's variables; with ``keep`` those that are there already stay.
        """
        self.sign_in.parent.mkdir(parents=True, exist_ok=True)
        _write(self.directory / "hosts.yml", "Each host is a tenant.", {"o365_tenants": {"hosts": {HOST: None}}})
        text = "How to sign in to the tenant and to the Management Node; in real life secrets would come from a vault."
        _write(self.sign_in, text, {"vmr_scheduling_auth": dict(auth), "vmr_scheduling_node": dict(node)})
        if not (keep and self.variables.exists()):
            _write(self.variables, "What the tenant should look like.", wish)


def _write(path: Path, comment: str, content: Mapping[str, Any]) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"---\n# {comment}\n{yaml.safe_dump(dict(content), sort_keys=False)}")
