# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible in, result out: options to a connection, a run, and errors to fail_json. The only file that knows both sides."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from ._plan import Refused
from ._private_files import UnsafeFile
from ._reconcile import Client, Resource, Run
from ._services.directory import Directory
from ._services.exchange import Exchange
from ._services.graph import Graph
from ._services.mailboxes import Mailboxes
from ._transport.auth import Tokens
from ._transport.clock import Deadline
from ._transport.cloud import CLOUDS, Cloud
from ._transport.credentials import METHODS, BadCredentials, credential_from
from ._transport.errors import MissingLibrary, ServiceError
from ._transport.http import Http


def _from_environment(variable: str, **more: Any) -> dict[str, Any]:
    return {"type": "str", "fallback": (env_fallback, [variable]), **more}


AUTH_ARGUMENTS: dict[str, dict[str, Any]] = {
    "auth_method": {"type": "str", "default": "auto", "choices": list(METHODS)},
    "tenant_id": _from_environment("AZURE_TENANT_ID"),
    "client_id": _from_environment("AZURE_CLIENT_ID"),
    "client_secret": _from_environment("AZURE_CLIENT_SECRET", no_log=True),
    "certificate_path": {"type": "path", "fallback": (env_fallback, ["AZURE_CLIENT_CERTIFICATE_PATH"])},
    "certificate_passphrase": _from_environment("AZURE_CLIENT_CERTIFICATE_PASSWORD", no_log=True),
    "federated_token_file": {
        "type": "path",
        "fallback": (env_fallback, ["AZURE_FEDERATED_TOKEN_FILE"]),
        "no_log": False,
    },
    "token_cache_path": {"type": "path", "no_log": False},
    "cloud": {"type": "str", "default": "global", "choices": list(CLOUDS)},
    "login_url": _from_environment("AZURE_AUTHORITY_HOST"),
    "graph_url": {"type": "str"},
    "outlook_url": {"type": "str"},
    "ca_path": {"type": "path"},
    "timeout": {"type": "int", "default": 60},
    "wait_timeout": {"type": "int", "default": 300},
}


@dataclass(frozen=True)
class Connection:
    """The clients of one module run; also what managed objects read through."""

    tenant_id: str
    login_url: str
    cloud: Cloud
    tokens: Tokens
    deadline: Deadline
    graph: Graph
    exchange: Exchange
    directory: Directory
    mailboxes: Mailboxes
    now: float


def connect(options: Mapping[str, Any], show: Callable[[str], None]) -> Connection:
    """The connection that the authentication options describe; nothing is sent yet.

    Args:
        options: as in AUTH_ARGUMENTS.
        show: prints where to go with a device code.

    Raises:
        BadCredentials, MissingLibrary
    """
    cloud = CLOUDS[options["cloud"]].overridden(options["login_url"], options["graph_url"], options["outlook_url"])
    credential = credential_from(options, cloud.login_url, show)
    deadline = Deadline(options["wait_timeout"])
    http = Http(options["ca_path"], options["timeout"], deadline)
    tokens = Tokens(credential, http.session, deadline)
    graph = Graph(http, tokens, cloud.graph_url, cloud.graph_resource)
    tenant = options["tenant_id"] or ""
    exchange = Exchange(http, tokens, cloud.outlook_url, cloud.outlook_resource, tenant)
    return Connection(
        tenant,
        cloud.login_url,
        cloud,
        tokens,
        deadline,
        graph,
        exchange,
        Directory(graph),
        Mailboxes(exchange),
        time.time(),
    )


def show_on_terminal(message: str) -> None:
    """Print a device code message on the terminal that the playbook was started from. Raises BadCredentials."""
    try:
        with open("/dev/tty", "w") as terminal:
            terminal.write(f"\n{message}\n")
    except OSError as error:
        raise BadCredentials(
            "auth_method device_code needs a terminal to print the code on; use another method in jobs without one."
        ) from error


def run_module(
    arguments: Mapping[str, Any], make_resource: Callable[[Mapping[str, Any]], Resource[Any]], **more: Any
) -> None:
    """Run a module: the resource is made from its options, reconciled, and the result returned to Ansible.

    Args:
        arguments: the module's own argument specification; the authentication options are added.
        make_resource: from options (None for those not given) to the managed object. May raise Refused.
        more: further arguments of AnsibleModule (required_if, mutually_exclusive, ...).
    """
    module = AnsibleModule(argument_spec={**AUTH_ARGUMENTS, **arguments}, supports_check_mode=True, **more)
    run: Run[Any] | None = None
    try:
        resource = make_resource({**module.params, "check_mode": module.check_mode})
        connection = connect(module.params, show_on_terminal)
        clients: dict[str, Client] = {"graph": connection.graph, "exchange": connection.exchange}
        run = Run(resource, connection, clients, connection.deadline, module.check_mode)
        result = run.reconcile()
    except MissingLibrary as error:
        module.fail_json(msg=missing_required_lib(error.name), exception=error.trace)
    except (Refused, BadCredentials, UnsafeFile, ServiceError) as error:
        module.fail_json(msg=_message(error, run), **(_done(run) if run else {}))
    else:
        for warning in result.pop("warnings"):
            module.warn(warning)
        module.exit_json(**result)


def _message(error: Exception, run: Run[Any] | None) -> str:
    """The error, and what was done before it."""
    if run is None or not run.done:
        return str(error)
    done = "; ".join(step.summary for step in run.done)
    return f"{error} Already done: {done}. Running again continues from there."


def _done(run: Run[Any]) -> dict[str, Any]:
    """What a failed run changed, and the secrets that only its answers held."""
    return {
        "changed": bool(run.done),
        "steps_done": [step.summary for step in run.done],
        **run.resource.secrets(run.answers),
    }
