# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How modules sign in to a tenant, and the clients of its services, which are imported and made when they are asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from ansible.module_utils.basic import env_fallback

from ._arguments import marked
from ._input import check_addresses
from ._masking import masked
from ._module import Way, show_on_terminal
from ._reconcile import PROOF_SECONDS, Client, Clients
from ._text import LONGEST_MESSAGE, one_line
from ._transport.auth import Tokens
from ._transport.clock import Backoff, Deadline
from ._transport.cloud import AZURE_CLOUDS, CLOUDS, Cloud
from ._transport.credentials import METHODS, credential_from
from ._transport.errors import Denied, ServiceError
from ._transport.http import Http

if TYPE_CHECKING:
    from ._services.batches import Together
    from ._services.calendars import Calendars
    from ._services.directory import Directory
    from ._services.exchange import Exchange
    from ._services.graph import Graph
    from ._services.mailboxes import Mailboxes
    from ._transport.kept import Keeper

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
    """The clients of one module run; also what managed objects read through.

    Args:
        options: as in AUTH_ARGUMENTS.
        sign_in_as: the tokens of another application, by its client id and a client secret.
    """

    options: Mapping[str, Any] = field(repr=False)
    cloud: Cloud
    http: Http
    tokens: Tokens
    deadline: Deadline
    sign_in_as: Callable[[str, str], Tokens]
    now: float = field(default_factory=time.time)

    @property
    def tenant_id(self) -> str:
        """The tenant, as it was given."""
        return self.options["tenant_id"] or ""

    @property
    def login_url(self) -> str:
        """Base address of the sign-in service."""
        return self.cloud.login_url

    @cached_property
    def together(self) -> Together:
        """Sends reads together."""
        from ._services.batches import Together

        return Together(self.deadline)

    @cached_property
    def graph(self) -> Graph:
        """Microsoft Graph."""
        from ._services.graph import Graph

        return Graph(self.http, self.tokens, self.cloud.graph_url, self.cloud.graph_resource, self.together)

    @cached_property
    def exchange(self) -> Exchange:
        """Exchange's cmdlets."""
        from ._services.exchange import Exchange

        url, resource = self.cloud.outlook_url, self.cloud.outlook_resource
        return Exchange(self.http, self.tokens, url, resource, self.tenant_id, self.together)

    @cached_property
    def directory(self) -> Directory:
        """Reads of the directory."""
        from ._services.directory import Directory

        return Directory(self.graph)

    @cached_property
    def mailboxes(self) -> Mailboxes:
        """Reads of Exchange Online."""
        from ._services.mailboxes import Mailboxes

        return Mailboxes(self.exchange)

    @cached_property
    def calendars(self) -> Calendars:
        """Reads of calendars."""
        from ._services.calendars import Calendars

        return Calendars(self._open_calendar, self.graph, self.deadline)

    def _open_calendar(self, address: str) -> Any:
        """A calendar of exchangelib's."""
        from ._services.ews import account, calendar

        resource = self.cloud.outlook_resource
        self.tokens.token(resource)
        # A token of an app alone has no scopes: the app then acts as the mailbox's owner, else the person as a delegate.
        impersonate = "scp" not in self.tokens.claims(resource)
        tls, timeout = self.options["ca_path"], self.options["timeout"]
        return calendar(account(address, self.tokens, resource, self.cloud.outlook_url, tls, timeout, impersonate))

    def claims(self, service: str) -> dict[str, Any]:
        """What the token for GRAPH or EXCHANGE_ONLINE says of its bearer; {} when it cannot be read. Raises ServiceError."""
        from ._rights import GRAPH

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
                text = masked(one_line(str(error), LONGEST_MESSAGE), {client_secret, *self._all_secrets})
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
        return masked(one_line(str(error), LONGEST_MESSAGE), self._all_secrets)

    def forget_inherited(self) -> bool:
        """Drop the tokens that earlier modules got; whether any was used."""
        return self.tokens.forget_inherited()

    @property
    def clients(self) -> Clients:
        """Who carries out steps."""
        return self

    def __getitem__(self, service: str) -> Client:
        """The client of a service, as steps name it."""
        client: Client = getattr(self, service)
        return client

    @property
    def secrets(self) -> Collection[str]:
        """What signing in told beside what was given."""
        return self.tokens.secrets

    @property
    def _all_secrets(self) -> set[str]:
        """What signing in told, and what was given to sign in with."""
        return {*self.secrets, *marked(AUTH_ARGUMENTS, self.options)}


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

    def sign_in_as(client_id: str, client_secret: str) -> Tokens:
        other = {**options, "auth_method": "client_secret", "client_id": client_id, "client_secret": client_secret}
        return Tokens(credential_from(other, cloud.login_url, show), http.session, deadline)

    return Connection(options, cloud, http, tokens, deadline, sign_in_as)


TENANT = Way(AUTH_ARGUMENTS, lambda options, keeper: connect(options, show_on_terminal, keeper))
