# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tenant it goes to: the credentials of the environment, and that they are of the tenant that was named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vmrops.o365.plugins.module_utils._transport.auth import Tokens
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.cloud import AZURE_CLOUDS, CLOUDS, Cloud
from ansible_collections.vmrops.o365.plugins.module_utils._transport.credentials import BadCredentials, credential_from
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import ServiceError
from ansible_collections.vmrops.o365.plugins.module_utils._transport.http import Http, Request
from simulator import seed
from simulator.server import REAL_HOSTS

from .calls import Call, Exchange, claims_of
from .vocabulary import GUID

TIMEOUT = 60.0
# The environment variables of the options, as the modules read them.
_OPTIONS = {
    "tenant_id": ("AZURE_TENANT_ID", "AZURE_TENANT"),
    "client_id": ("AZURE_CLIENT_ID",),
    "client_secret": ("AZURE_CLIENT_SECRET", "AZURE_SECRET"),
    "certificate_path": ("AZURE_CLIENT_CERTIFICATE_PATH",),
    "certificate_passphrase": ("AZURE_CLIENT_CERTIFICATE_PASSWORD",),
    "federated_token_file": ("AZURE_FEDERATED_TOKEN_FILE",),
}
_ADDRESSES = {"login": "AZURE_AUTHORITY_HOST", "graph": "VMROPS_O365_GRAPH_URL", "outlook": "VMROPS_O365_OUTLOOK_URL"}

# What of Get-OrganizationConfig decides whether EWS is open, without the lists of programs.
_EWS = ("EwsEnabled", "EwsAllowedAppIDs", "EwsApplicationAccessPolicy")


class Refused(Exception):
    """Nothing was written; the text says what is missing or wrong."""


@dataclass(frozen=True)
class Target:
    """A tenant.

    Args:
        tenant_id: its GUID.
        domain: the one that was named.
        services: base addresses, by service.
        environment: what the modules read to sign in there.
        ca_path: authorities to trust in place of the machine's.
        names: what else it is called in addresses.
    """

    tenant_id: str
    domain: str
    services: Mapping[str, str]
    environment: Mapping[str, str]
    ca_path: str | None
    names: tuple[str, ...] = ()

    @property
    def hosts(self) -> dict[str, str]:
        """The services' hosts here, and what they are called in the global cloud."""
        standard = {service: name for name, service in reversed(REAL_HOSTS.items())}
        return {url.partition("://")[2]: standard[service] for service, url in self.services.items()}


def target(domain: str, environment: Mapping[str, str]) -> Target:
    """The tenant of the environment's credentials, which has to be the one with that domain.

    Asks the sign-in service whose the domain is, and signs in; nothing is written.

    Raises:
        Refused: credentials are missing or wrong, or are of another tenant.
    """
    options: dict[str, Any] = {
        option: next(filter(None, map(environment.get, names)), None) for option, names in _OPTIONS.items()
    }
    ca_path = environment.get("VMROPS_O365_CA_PATH") or None
    cloud = _cloud(environment)
    try:
        credential = credential_from(
            {**options, "auth_method": "auto", "token_cache_path": None}, cloud.login_url, print
        )
        http = Http(ca_path, TIMEOUT, Deadline(TIMEOUT))
        named, own_tenant = (_tenant_of(one, cloud.login_url, http) for one in (domain, str(options["tenant_id"])))
        if named != own_tenant:
            raise Refused(f"The credentials are of the tenant {own_tenant}, and {domain} is a domain of {named}.")
        Tokens(credential, http.session, http.deadline).token(cloud.graph_resource)
    except (BadCredentials, ServiceError) as error:
        raise Refused(str(error)) from error
    services = {"login": cloud.login_url, "graph": cloud.graph_url, "outlook": cloud.outlook_url}
    own = {name: value for name, value in environment.items() if name.startswith(("AZURE_", "VMROPS_O365_"))}
    return Target(named, domain, services, own, ca_path, (str(options["tenant_id"]),))


def _tenant_of(name: str, login_url: str, http: Http) -> str:
    """The GUID of the tenant with that GUID or domain. Raises Refused."""
    url = f"{login_url}/{name}/v2.0/.well-known/openid-configuration"
    said = http.send(Request("GET", url, f"look up the tenant {name}"), lambda _renew: "").json()
    found = GUID.search(str(said.get("issuer", ""))) if isinstance(said, dict) else None
    if found is None:
        raise Refused(f"The sign-in service knows no tenant {name}.")
    return found[0].lower()


def _cloud(environment: Mapping[str, str]) -> Cloud:
    name = environment.get("VMROPS_O365_CLOUD") or AZURE_CLOUDS.get(
        environment.get("AZURE_CLOUD_ENVIRONMENT", ""), "global"
    )
    if name not in CLOUDS:
        raise Refused(f"VMROPS_O365_CLOUD: {name} is none of {', '.join(CLOUDS)}.")
    return CLOUDS[name].overridden(*(environment.get(variable) or None for variable in _ADDRESSES.values()))


def simulated(endpoints: Mapping[str, str]) -> Target:
    """A simulated tenant, by what it says of itself."""
    services = {service: endpoints[f"{service}_url"] for service in _ADDRESSES}
    own = {f"AZURE_{name.upper()}": endpoints[name] for name in ("tenant_id", "client_id", "client_secret")}
    own |= {variable: services[service] for service, variable in _ADDRESSES.items()}
    return Target(endpoints["tenant_id"], endpoints["tenant_domain"], services, own, endpoints["ca_path"])


def like(calls: list[Call], exchanges: list[Exchange], client_id: str) -> dict[str, Any]:
    """A seed for a simulated tenant like the one that was seen: the automation's rights, and whether EWS is open."""
    rights: dict[str, list[str]] = {"roles": [], "exchange_roles": [], "directory_roles": []}
    for call in calls:
        claims = (claims_of(call.request_headers.get("authorization", "").rpartition(" ")[2]) or ({}, {}))[1]
        if claims.get("appid", claims.get("azp")) == client_id and call.service in ("graph", "outlook"):
            rights["roles" if call.service == "graph" else "exchange_roles"] = list(claims.get("roles") or [])
            rights["directory_roles"] = [
                name for name, key in seed.DIRECTORY_ROLES.items() if key in (claims.get("wids") or [])
            ]
    config: dict[str, Any] = {}
    for one in exchanges:
        if one.operation == "Get-OrganizationConfig" and one.status == 200 and isinstance(one.response, dict):
            shown = one.response.get("value")
            if isinstance(shown, list) and shown and isinstance(shown[0], dict):
                config = {name: shown[0][name] for name in _EWS if name in shown[0]}
                break
    listed = config.get("EwsAllowedAppIDs")
    if isinstance(listed, list):
        config["EwsAllowedAppIDs"] = ",".join(listed)
    return {"automation": rights, "organization_config": config}
