# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible in, result out: options to a connection, a run, and errors to fail_json. The only file that knows both sides."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from ansible.module_utils.basic import env_fallback, missing_required_lib

from ._arguments import Module, marked
from ._input import check, check_addresses
from ._many import Runs
from ._masking import masked
from ._plan import Refused
from ._private_files import UnsafeFile
from ._progress import Progress, Teller
from ._reconcile import PROOF_SECONDS, Client, Resource, Run
from ._resources._base import Many
from ._rights import GRAPH
from ._services.batches import Together
from ._services.calendars import Calendars
from ._services.directory import Directory
from ._services.ews import account
from ._services.exchange import Exchange
from ._services.graph import Graph
from ._services.mailboxes import Mailboxes
from ._text import one_line
from ._transport.auth import Tokens
from ._transport.clock import Backoff, Deadline
from ._transport.cloud import AZURE_CLOUDS, CLOUDS, Cloud
from ._transport.credentials import METHODS, BadCredentials, credential_from
from ._transport.errors import Denied, MissingLibrary, ServiceError
from ._transport.http import Http
from ._transport.kept import Keeper

LONGEST_MESSAGE = 4000
Value = TypeVar("Value")


def _first_set(*variables: str) -> Any:
    """The first of some environment variables that is not empty: job runners set those left out to empty texts."""
    return env_fallback(*filter(os.environ.get, variables))


def _first_cloud(*variables: str) -> Any:
    """The same, by this collection's names of clouds."""
    name = _first_set(*variables)
    return AZURE_CLOUDS.get(name, name)


def _from_environment(*variables: str, **more: Any) -> dict[str, Any]:
    return {"type": "str", "fallback": (_first_set, list(variables)), **more}


AUTH_ARGUMENTS: dict[str, dict[str, Any]] = {
    "auth_method": {"type": "str", "default": "auto", "choices": list(METHODS)},
    "tenant_id": _from_environment("AZURE_TENANT_ID", "AZURE_TENANT"),
    "client_id": _from_environment("AZURE_CLIENT_ID"),
    "client_secret": _from_environment("AZURE_CLIENT_SECRET", "AZURE_SECRET", no_log=True),
    "certificate_path": _from_environment("AZURE_CLIENT_CERTIFICATE_PATH", type="path"),
    "certificate_passphrase": _from_environment("AZURE_CLIENT_CERTIFICATE_PASSWORD", no_log=True),
    "federated_token_file": _from_environment("AZURE_FEDERATED_TOKEN_FILE", type="path", no_log=False),
    "token_cache_path": {"type": "path", "no_log": False},
    "cloud": {
        "type": "str",
        "default": "global",
        "choices": list(CLOUDS),
        "fallback": (_first_cloud, ["VMROPS_O365_CLOUD", "AZURE_CLOUD_ENVIRONMENT"]),
    },
    "login_url": _from_environment("AZURE_AUTHORITY_HOST"),
    "graph_url": _from_environment("VMROPS_O365_GRAPH_URL"),
    "outlook_url": _from_environment("VMROPS_O365_OUTLOOK_URL"),
    "ca_path": _from_environment("VMROPS_O365_CA_PATH", type="path"),
    "timeout": {"type": "int", "default": 60},
    "wait_timeout": {"type": "int", "default": 300},
}


# What tells one who signs in from another, beside the secret.
_WHO = (
    "auth_method",
    "tenant_id",
    "client_id",
    "certificate_path",
    "federated_token_file",
    "token_cache_path",
    "cloud",
)


@dataclass(frozen=True)
class Connection:
    """The clients of one module run; also what managed objects read through. ``given`` are the secrets to sign in with."""

    tenant_id: str
    login_url: str
    cloud: Cloud
    tokens: Tokens
    deadline: Deadline
    graph: Graph
    exchange: Exchange
    directory: Directory
    mailboxes: Mailboxes
    calendars: Calendars
    together: Together
    now: float
    sign_in_as: Callable[[str, str], Tokens]
    given: frozenset[str] = field(default=frozenset(), repr=False)

    def claims(self, service: str) -> dict[str, Any]:
        """What the token for GRAPH or EXCHANGE_ONLINE says of its bearer; {} when it cannot be read. Raises ServiceError."""
        resource = self.cloud.graph_resource if service == GRAPH else self.cloud.outlook_resource
        self.tokens.own_token(resource)
        return self.tokens.claims(resource)

    def refusal_of(self, client_id: str, client_secret: str) -> str:
        """Why an application gets no token for Exchange with this secret; empty when it gets one.

        One that was made a moment ago is refused by those who do not know it yet, so it is tried for a while.
        """
        backoff, patience = Backoff(0.5, 5.0), Deadline(PROOF_SECONDS)
        while True:
            try:
                self.sign_in_as(client_id, client_secret).token(self.cloud.outlook_resource)
            except ServiceError as error:
                text = masked(one_line(str(error), LONGEST_MESSAGE), {client_secret, *self.secrets, *self.given})
                if not (patience.left and self.deadline.sleep(backoff.next(), error)):
                    return text.removesuffix(".")
            else:
                return ""

    def attempt(self, read: Callable[[], Value]) -> tuple[Value | None, str]:
        """What a read gives, and why it failed, fit to be shown; empty when it did not."""
        try:
            return read(), ""
        except ServiceError as error:
            if isinstance(error, Denied) and self.forget_inherited():
                self.together.forget_failures()
                return self.attempt(read)
            return None, self.shown(error)

    def shown(self, error: Exception) -> str:
        """The text of an error, fit to be shown."""
        return masked(one_line(str(error), LONGEST_MESSAGE), {*self.secrets, *self.given})

    def forget_inherited(self) -> bool:
        """Drop the tokens that earlier modules got; whether any was used."""
        return self.tokens.forget_inherited()

    @property
    def clients(self) -> Mapping[str, Client]:
        """Who carries out steps, by service."""
        return {"graph": self.graph, "exchange": self.exchange}

    @property
    def secrets(self) -> Collection[str]:
        """What signing in told beside what was given."""
        return self.tokens.secrets


def connect(options: Mapping[str, Any], show: Callable[[str], None], keeper: Keeper | None = None) -> Connection:
    """The connection that the authentication options describe; nothing is sent yet.

    Args:
        options: as in AUTH_ARGUMENTS.
        show: prints where to go with a device code.
        keeper: what earlier modules of the run have left.

    Raises:
        Refused, BadCredentials, MissingLibrary
    """
    check_addresses(options)
    cloud = CLOUDS[options["cloud"]].overridden(options["login_url"], options["graph_url"], options["outlook_url"])
    credential = credential_from(options, cloud.login_url, show)
    deadline = Deadline(options["wait_timeout"])
    who = {**{name: options[name] for name in _WHO}, "login_url": cloud.login_url}
    session = keeper.session(who, options["ca_path"], options["timeout"]) if keeper else None
    http = Http(options["ca_path"], options["timeout"], deadline, session=session)
    tokens = Tokens(credential, http.session, deadline, keeper.shelf(who, credential.proof()) if keeper else None)
    together = Together(deadline)
    graph = Graph(http, tokens, cloud.graph_url, cloud.graph_resource, together)
    tenant = options["tenant_id"] or ""
    exchange = Exchange(http, tokens, cloud.outlook_url, cloud.outlook_resource, tenant, together)

    def open_mailbox(address: str) -> Any:
        resource, timeout = cloud.outlook_resource, options["timeout"]
        tokens.token(resource)
        # A token of an app alone has no scopes: the app then acts as the mailbox's owner, else the person as a delegate.
        impersonate = "scp" not in tokens.claims(resource)
        return account(address, tokens, resource, cloud.outlook_url, options["ca_path"], timeout, impersonate)

    def sign_in_as(client_id: str, client_secret: str) -> Tokens:
        other = {**options, "auth_method": "client_secret", "client_id": client_id, "client_secret": client_secret}
        return Tokens(credential_from(other, cloud.login_url, show), http.session, deadline)

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
        Calendars(open_mailbox, graph, deadline),
        together,
        time.time(),
        sign_in_as,
        frozenset(marked(AUTH_ARGUMENTS, options)),
    )


def show_on_terminal(message: str) -> None:
    """Print a device code message on the terminal that the playbook was started from. Raises BadCredentials."""
    if TELLER and TELLER.ask:
        TELLER.ask(message)
        return
    try:
        with open("/dev/tty", "w") as terminal:
            terminal.write(f"\n{message}\n")
    except OSError as error:
        raise BadCredentials(
            "auth_method device_code needs a terminal to print the code on, and with ansible-core 2.19 or newer a module that "
            "runs in Ansible's own process (docs/performance.md says when); use another method in jobs without one."
        ) from error


class Opened(Protocol):
    """A connection: what managed objects read through, and who carries out their steps."""

    @property
    def clients(self) -> Mapping[str, Client]:
        """Who carries out steps, by service."""

    @property
    def deadline(self) -> Deadline:
        """When to stop waiting."""

    @property
    def secrets(self) -> Collection[str]:
        """What signing in told beside what was given."""

    def forget_inherited(self) -> bool:
        """Drop the tokens that earlier modules got; whether any was used."""


@dataclass(frozen=True)
class Way:
    """How modules sign in, and to what.

    Args:
        arguments: the options that say so.
        connect: from those options, and what earlier modules have left, to the connection; nothing is sent yet.
    """

    arguments: Mapping[str, dict[str, Any]]
    connect: Callable[[Mapping[str, Any], Keeper | None], Opened]


TENANT = Way(AUTH_ARGUMENTS, lambda options, keeper: connect(options, show_on_terminal, keeper))

# What earlier modules have left; None in a process that is for one module alone.
KEEPER: Keeper | None = None
# How to say something while a module runs; None where that cannot be done.
TELLER: Teller | None = None


def run_module(
    arguments: Mapping[str, Any],
    make_resource: Callable[[Mapping[str, Any]], Resource[Any] | Many],
    way: Way = TENANT,
    **more: Any,
) -> None:
    """Run a module: the resource is made from its options, reconciled, and the result returned to Ansible.

    Args:
        arguments: the module's own argument specification; the options to sign in are added.
        make_resource: from options (None for those not given) to the managed object. May raise Refused.
        way: how to sign in, and to what.
        more: further arguments of AnsibleModule (required_if, mutually_exclusive, ...).
    """
    module = Module(argument_spec={**way.arguments, **arguments}, supports_check_mode=True, **more)
    connection: Opened | None = None
    run: Run[Any] | Runs | None = None

    def secrets() -> set[str]:
        signed_in = connection.secrets if connection else ()
        return {*module.no_log_values, *signed_in, *(run.known_secrets() if run else ())}

    try:
        check(module.argument_spec, module.params)
        options = {**module.params, "check_mode": module.check_mode}
        resource = make_resource(options)
        connection = way.connect(module.params, KEEPER)
        if TELLER and TELLER.every:
            connection.deadline.progress = Progress(TELLER, module.no_log, lambda: run.awaited if run else (), secrets)
        run = _run(resource, connection, module.check_mode)
        try:
            result = run.reconcile()
        except Denied:
            if run.done or not connection.forget_inherited():
                raise
            run = _run(make_resource(options), connection, module.check_mode)
            result = run.reconcile()
    except MissingLibrary as error:
        failure = {"msg": missing_required_lib(error.name), "exception": error.trace}
    except (Refused, BadCredentials, UnsafeFile, ServiceError) as error:
        failure = {"msg": _message(error, run)}
    except KeyboardInterrupt:
        failure = {"msg": _message(Refused("Interrupted."), run)}
    except Exception as error:
        unforeseen = RuntimeError(f"This was not foreseen, and is an error in the collection: {error!r}.")
        failure = {"msg": _message(unforeseen, run), "exception": traceback.format_exc()}
    else:
        for warning in result.pop("warnings"):
            module.warn(masked(one_line(warning, LONGEST_MESSAGE), secrets()))
        module.no_log_values.update(connection.secrets)
        module.exit_json(**result)
    # Not while the exception is handled: Ansible would add its traceback, and with it texts that are not masked.
    texts = {name: masked(text, secrets()) for name, text in failure.items()}
    module.no_log_values.update(connection.secrets if connection else ())
    module.fail_json(**texts, **(run.so_far() if run else {}))


def _run(resource: Resource[Any] | Many, connection: Opened, check_mode: bool) -> Run[Any] | Runs:
    """The run of one managed object, or of many."""
    means = connection, connection.clients, connection.deadline, check_mode
    return Runs(resource, *means) if isinstance(resource, Many) else Run(resource, *means)


def _message(error: Exception, run: Run[Any] | Runs | None) -> str:
    """The error, and what was done before it."""
    text = one_line(str(error), LONGEST_MESSAGE)
    if run is None or not run.done:
        return text
    return f"{text} Already done: {run.outline()}. Running again continues from there."
