# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules, present and absent, each run in a process of its own that is forked: no start-up, and it can be killed."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ansible_collections.vmrops.o365.plugins.module_utils._node import connect_node
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused
from ansible_collections.vmrops.o365.plugins.module_utils._reconcile import Client, Run
from ansible_collections.vmrops.o365.plugins.module_utils._resources.equipment_mailbox import EquipmentMailbox
from ansible_collections.vmrops.o365.plugins.module_utils._resources.ews_access import EwsAccess
from ansible_collections.vmrops.o365.plugins.module_utils._resources.exchange_connector import ExchangeConnector
from ansible_collections.vmrops.o365.plugins.module_utils._resources.impersonation import Impersonation
from ansible_collections.vmrops.o365.plugins.module_utils._resources.mailbox_delegate import MailboxDelegate
from ansible_collections.vmrops.o365.plugins.module_utils._resources.oauth_app import OAuthApp
from ansible_collections.vmrops.o365.plugins.module_utils._resources.outlook_addin import OutlookAddin
from ansible_collections.vmrops.o365.plugins.module_utils._resources.service_account import ServiceAccount
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, connect
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import ServiceError
from support.connector import DEFAULTS
from support.manifest import manifest
from support.simulator import Simulator

from .calls import Ended
from .snapshot import documents, secret_texts

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
    "secret": {"present": True, "display_name": "sweep", "lifetime": 90, "renew_before": 30, "held": ""}
    | {"renew": "when_due", "overlap": None, "prove": False},
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
    "assignment_name": None,
    "keep_scope": False,
    "check_mode": False,
}
EWS: Options = {"app_ids": ["5b2f6a1e-3c0d-4e57-8a8b-0d6c2f1e9a11"], "cut_off_others": True, "check_mode": False}
DELEGATE: Options = {
    "mailbox": "alice@contoso.com",
    "delegate": "bob@contoso.com",
    "access_rights": ["FullAccess", "SendAs", "SendOnBehalf"],
    "automapping": None,
    "calendar_role": "Editor",
}
ADDIN: Options = {
    "manifest": manifest(),
    "app_id": None,
    "users": ["alice@contoso.com"],
    "default_state": "AlwaysEnabled",
    "update": "replace",
    "method": "exchange",
}
CONNECTOR: Options = {
    **DEFAULTS,
    "name": "Microsoft 365",
    "addin_server_domain": "join.contoso.com",
    "authentication_method": "APP_PERM",
    "url": "https://outlook.office365.com/EWS/Exchange.asmx",
    "oauth_client_id": "3f0f6a7e-8a7e-4d0e-9d0e-6f3b8c1a2b4d",
    "oauth_client_secret": "the-secret-that-the-scheduler-signs-in-with",
    "oauth_token_endpoint": "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token",
    "room_mailbox_email_address": "vmr@contoso.com",
    "domains": ["contoso.com"],
    "update_secrets": "when_changed",
}
ACTING_USER: Options = {**SCOPE, "method": "application_impersonation", "user": "bob@contoso.com", "verify": None}


def _addin(options: Options) -> OutlookAddin:
    return OutlookAddin(options, "manifest")


def _app(options: Options) -> OAuthApp:
    return OAuthApp(options, time.time())


@dataclass(frozen=True)
class Module:
    """A module with the options that it is called with; a subject of the sweep."""

    name: str
    make: Callable[[Options], Any]
    options: Options
    state: str
    seed: dict[str, object] = field(default_factory=dict)
    quick: bool = True

    def start(self, tenant: Simulator, directory: Path, state: str, clock: float = 0.0) -> Forked:
        """Start one run; the secret that it returns, also when it fails, is kept in the directory."""
        held = directory / "held"
        if not held.exists():
            held.write_text(f"none yet {secrets.token_hex(8)}")
        options = {**self.options, "state": state}
        if options.get("secret"):
            options["secret"] = {**options["secret"], "held": held.read_text()}
        if options.get("method") == "application_rbac":
            options["app_id"] = tenant.endpoints["client_id"]
        if "fingerprint_path" in options:
            options["fingerprint_path"] = str(directory / "fingerprints")
        return Forked(lambda: self._reconcile(self._run(tenant, options), held), clock)

    def _run(self, tenant: Simulator, options: Options) -> Run[Any]:
        """As a module makes it."""
        auth = {**dict.fromkeys(AUTH_ARGUMENTS), "auth_method": "auto", "cloud": "global", **tenant.auth()}
        connection = connect({**auth, "timeout": 10, "wait_timeout": 30}, print)
        clients: dict[str, Client] = {"graph": connection.graph, "exchange": connection.exchange}
        return Run(self.make(options), connection, clients, connection.deadline)

    def _reconcile(self, run: Run[Any], held: Path) -> bool:
        """Whether anything changed."""
        try:
            return bool(run.reconcile()["changed"])
        finally:
            made = run.secrets().get("secret")
            if made:
                held.write_text(made["value"])

    def problems(self, tenant: Simulator, directory: Path) -> Iterator[str]:
        """The one secret that there is must be the one that the caller holds."""
        if self.options.get("secret") and self.state == "present":
            found = secret_texts(tenant.state)
            if found != [(directory / "held").read_text()]:
                yield f"the caller does not hold the one secret there should be; there are {len(found)}"


@dataclass(frozen=True)
class NodeModule(Module):
    """One that configures the Management Node."""

    def _run(self, tenant: Simulator, options: Options) -> Run[Any]:
        given = {**options, **tenant.node()}
        connection = connect_node(given)
        return Run(self.make(given), connection, connection.clients, connection.deadline)

    def problems(self, tenant: Simulator, directory: Path) -> Iterator[str]:
        """The node must hold the secret that it was given."""
        if self.state == "present":
            held = [one["oauth_client_secret"] for one in documents(tenant.state, "ms_exchange_connector")]
            if held != [self.options["oauth_client_secret"]]:
                yield "the node does not hold the secret"


class Forked:
    """A run in a forked process."""

    def __init__(self, run: Callable[[], bool], clock: float) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, there = context.Pipe(duplex=False)
        self._process = context.Process(target=_child, args=(run, clock, there))
        self._process.start()
        there.close()

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def finish(self) -> Ended:
        """Wait for its end."""
        try:
            ended: Ended = self._pipe.recv()
        except EOFError:
            ended = Ended(False, message="it died", explained=False)
        self._process.join()
        return ended

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.join()

    def interrupt(self) -> Ended:
        """Ctrl-C."""
        os.kill(self._process.pid or 0, signal.SIGINT)
        return self.finish()


def _child(run: Callable[[], bool], clock: float, pipe: Connection) -> None:
    right = time.time
    time.time = lambda: right() + clock
    try:
        pipe.send(Ended(True, run()))
    except KeyboardInterrupt:
        pipe.send(Ended(False, message="interrupted"))
    except (Refused, ServiceError) as error:
        pipe.send(Ended(False, message=str(error)))
    except Exception as error:
        pipe.send(Ended(False, message=repr(error), explained=False))


STATES = ("present", "absent")
_MODULES: list[tuple[str, Callable[[Options], Any], Options, dict[str, object]]] = [
    ("o365_equipment_mailbox", EquipmentMailbox, EQUIPMENT, {}),
    ("o365_oauth_app", _app, APP, {}),
    ("o365_impersonation (application_rbac)", Impersonation, SCOPE, {}),
    ("o365_impersonation (application_impersonation)", Impersonation, ACTING_USER, {"impersonation_role": True}),
    ("o365_service_account", ServiceAccount, ACCOUNT, {}),
    ("o365_ews_access", EwsAccess, EWS, {}),
    ("o365_mailbox_delegate", MailboxDelegate, DELEGATE, {}),
    ("o365_outlook_addin", _addin, ADDIN, {}),
]
MODULES = [
    Module(f"{name} {state}", make, options, state, seed) for name, make, options, seed in _MODULES for state in STATES
]
NODE_MODULES = [
    NodeModule(f"pexip_exchange_connector {state}", ExchangeConnector, CONNECTOR, state) for state in STATES
]
