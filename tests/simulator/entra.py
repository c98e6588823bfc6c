# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Entra sign-in host: discovery, keys, tokens, device codes and the sign-in page.

Request forms are what msal 1.39.0 sends (captured); answers follow Microsoft's documentation.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import entra_devices, entra_flows, entra_pages, entra_sessions, entra_signin
from . import entra_errors as errors
from .entra_clients import AUTHORITY_HOSTS, SHARED_SEGMENTS
from .entra_errors import EntraError
from .entra_tokens import Resources
from .store import Document
from .tenant import Tenant

_NO_STORE = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
_CLOUDS = (
    (
        "login.microsoftonline.com",
        "login.windows.net",
        ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
    ),
    (
        "login.partner.microsoftonline.cn",
        "login.partner.microsoftonline.cn",
        ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
    ),
    ("login.microsoftonline.us", "login.microsoftonline.us", ("login.microsoftonline.us", "login.usgovcloudapi.net")),
)
_GRAPH_HOSTS = {
    "login.microsoftonline.us": "graph.microsoft.us",
    "login.chinacloudapi.cn": "microsoftgraph.chinacloudapi.cn",
}


def application(tenant: Tenant, urls: Mapping[str, str]) -> ASGIApp:
    """Entra for one tenant."""
    service = _Entra(tenant, urls)
    paths: dict[str, tuple[Callable[[Request, Mapping[str, str]], Response], list[str]]] = {
        "/common/discovery/instance": (service.instance, ["GET"]),
        "/{tenant}/discovery/instance": (service.instance, ["GET"]),
        "/{tenant}/v2.0/.well-known/openid-configuration": (service.configuration, ["GET"]),
        "/{tenant}/.well-known/openid-configuration": (service.configuration, ["GET"]),
        "/{tenant}/discovery/v2.0/keys": (service.keys, ["GET"]),
        "/{tenant}/discovery/keys": (service.keys, ["GET"]),
        "/{tenant}/oauth2/v2.0/token": (service.token, ["GET", "POST"]),
        "/{tenant}/oauth2/token": (service.token, ["GET", "POST"]),
        "/{tenant}/oauth2/v2.0/devicecode": (service.device_code, ["POST"]),
        "/{tenant}/oauth2/devicecode": (service.device_code, ["POST"]),
        "/{tenant}/oauth2/deviceauth": (service.device_page, ["GET"]),
        "/devicelogin": (service.device_page, ["GET"]),
        "/{tenant}/oauth2/v2.0/authorize": (service.authorize, ["GET", "POST"]),
        "/{tenant}/oauth2/authorize": (service.authorize, ["GET", "POST"]),
        "/{tenant}/v2.0/adminconsent": (service.admin_consent, ["GET"]),
        "/{tenant}/adminconsent": (service.admin_consent, ["GET"]),
        "/{tenant}/login": (service.submitted, ["POST"]),
        "/{tenant}/oauth2/v2.0/logout": (service.sign_out, ["GET", "POST"]),
        "/{tenant}/oauth2/logout": (service.sign_out, ["GET", "POST"]),
        "/{tenant}/userrealm/{name}": (service.user_realm, ["GET"]),
    }
    return Starlette(
        routes=[Route(path, _endpoint(handler), methods=methods) for path, (handler, methods) in paths.items()]
    )


def _endpoint(
    handler: Callable[[Request, Mapping[str, str]], Response],
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def endpoint(request: Request) -> Response:
        # Read here, so that the handler runs without giving way to another request.
        body = await request.body()
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        return handler(request, form)

    return endpoint


class _Entra:
    def __init__(self, tenant: Tenant, urls: Mapping[str, str]) -> None:
        self.tenant, self.base = tenant, urls["login"]
        self.graph = urls["graph"]
        self.resources = Resources(tenant, urls)
        self.pages = entra_signin.SignInPages(tenant, self.resources, self.base)

    # --- discovery ----------------------------------------------------------------------------------------------------

    def instance(self, request: Request, form: Mapping[str, str]) -> Response:
        """Which hosts are the same authority; any host asked about is one (a simulator may have any name)."""
        parts = urlsplit(request.query_params.get("authorization_endpoint", ""))
        host = parts.hostname or urlsplit(self.base).hostname or ""
        segment = parts.path.strip("/").split("/")[0] or "common"
        metadata = [
            {"preferred_network": network, "preferred_cache": cache, "aliases": list(aliases)}
            for network, cache, aliases in _CLOUDS
        ]
        if host not in AUTHORITY_HOSTS:
            metadata.append({"preferred_network": host, "preferred_cache": host, "aliases": [host]})
        discovery = f"{self.base}/{segment}/v2.0/.well-known/openid-configuration"
        return JSONResponse({"tenant_discovery_endpoint": discovery, "api-version": "1.1", "metadata": metadata})

    def configuration(self, request: Request, form: Mapping[str, str]) -> Response:
        """The OpenID configuration, v2.0 or v1."""
        segment = request.path_params["tenant"]
        if not self._is_tenant(segment):
            return self._error(request, errors.unknown_tenant(segment, "invalid_tenant"))
        version_2 = "/v2.0/" in request.url.path
        named = segment if segment.lower() in SHARED_SEGMENTS else self.tenant.id
        root, middle = f"{self.base}/{named}", "/v2.0" if version_2 else ""
        issuer_tenant = "{tenantid}" if named != self.tenant.id else self.tenant.id
        host = urlsplit(self.base).hostname or ""
        document: Document = {
            "token_endpoint": f"{root}/oauth2{middle}/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{root}/discovery{middle}/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{self.base}/{issuer_tenant}/v2.0" if version_2 else f"https://sts.windows.net/{issuer_tenant}/",
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": f"{self.graph}/oidc/userinfo",
            "authorization_endpoint": f"{root}/oauth2{middle}/authorize",
            "device_authorization_endpoint": f"{root}/oauth2{middle}/devicecode",
            "http_logout_supported": True,
            "end_session_endpoint": f"{root}/oauth2{middle}/logout",
            "claims_supported": [
                "sub",
                "iss",
                "aud",
                "exp",
                "iat",
                "nonce",
                "preferred_username",
                "name",
                "tid",
                "ver",
            ],
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": _GRAPH_HOSTS.get(host, "graph.microsoft.com"),
        }
        return JSONResponse(document)

    def keys(self, request: Request, form: Mapping[str, str]) -> Response:
        """The keys that sign tokens, now and soon; v2.0 says for whom."""
        issuer = {"issuer": f"{self.base}/{self.tenant.id}/v2.0"} if "/v2.0/" in request.url.path else {}
        keys = [{**key, "cloud_instance_name": "microsoftonline.com", **issuer} for key in self.tenant.tokens.jwks]
        return JSONResponse({"keys": keys})

    def user_realm(self, request: Request, form: Mapping[str, str]) -> Response:
        """Whether a user's domain signs in here; msal asks before it sends a password."""
        name = request.path_params["name"]
        domain = name.rpartition("@")[2]
        known = self.tenant.fresh.get("domain", domain)
        answer: Document = {
            "ver": "1.0",
            "account_type": "Managed" if known and known["isVerified"] else "Unknown",
            "domain_name": domain,
            "cloud_instance_name": "microsoftonline.com",
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        }
        return JSONResponse(answer)

    # --- tokens -------------------------------------------------------------------------------------------------------

    def token(self, request: Request, form: Mapping[str, str]) -> Response:
        """The token endpoint, v2.0 (``scope``) and v1 (``resource``)."""
        return self._answer(request, form, entra_flows.token)

    def device_code(self, request: Request, form: Mapping[str, str]) -> Response:
        """A new device code."""
        return self._answer(request, form, entra_devices.device_code)

    def _answer(
        self, request: Request, form: Mapping[str, str], flow: Callable[[entra_flows.Asked], dict[str, Any]]
    ) -> Response:
        segment = request.path_params["tenant"]
        try:
            if request.method != "POST":
                raise errors.wrong_verb(request.method)
            if not self._is_tenant(segment):
                raise errors.unknown_tenant(segment, "invalid_request")
            version_1 = "/v2.0/" not in request.url.path
            fields = {**entra_flows.basic(request.headers.get("authorization")), **form}
            with self.tenant.store.savepoint():
                answer = flow(entra_flows.Asked(self.tenant, self.resources, self.base, segment, fields, version_1))
        except EntraError as error:
            return self._error(request, error)
        return JSONResponse(answer, headers=self._headers(request))

    # --- pages --------------------------------------------------------------------------------------------------------

    def device_page(self, request: Request, form: Mapping[str, str]) -> Response:
        """Where a person enters the device's code."""
        return self.pages.device()

    def authorize(self, request: Request, form: Mapping[str, str]) -> Response:
        """The beginning of the authorization code flow."""
        cookie = request.cookies.get(entra_sessions.COOKIE, "")
        return self._page(request, form, lambda asked: self.pages.authorize(asked, cookie))

    def admin_consent(self, request: Request, form: Mapping[str, str]) -> Response:
        """Where an administrator consents for everybody."""
        return self._page(request, form, self.pages.admin_consent)

    def _page(
        self, request: Request, form: Mapping[str, str], begin: Callable[[entra_flows.Asked], Response]
    ) -> Response:
        segment = request.path_params["tenant"]
        fields = {**dict(request.query_params), **form}
        version_1 = "/v2.0/" not in request.url.path
        try:
            if not self._is_tenant(segment):
                raise errors.unknown_tenant(segment, "invalid_request")
            with self.tenant.store.savepoint():
                return begin(entra_flows.Asked(self.tenant, self.resources, self.base, segment, fields, version_1))
        except EntraError as error:
            return entra_pages.trouble(error)

    def submitted(self, request: Request, form: Mapping[str, str]) -> Response:
        """Where the forms of all pages go."""
        with self.tenant.store.savepoint():
            return self.pages.submitted(form)

    def sign_out(self, request: Request, form: Mapping[str, str]) -> Response:
        """The end of a session."""
        return self.pages.sign_out({**dict(request.query_params), **form})

    # --- shared -------------------------------------------------------------------------------------------------------

    def _is_tenant(self, segment: str) -> bool:
        return segment.lower() in SHARED_SEGMENTS or self.tenant.names_tenant(segment)

    @staticmethod
    def _headers(request: Request) -> dict[str, str]:
        headers = {**_NO_STORE, "x-ms-request-id": str(uuid.uuid4()), "x-ms-ests-server": "2.1.0 - WEULR1 ProdSlices"}
        if "client-request-id" in request.headers:
            headers["client-request-id"] = request.headers["client-request-id"]
        return headers

    def _error(self, request: Request, error: EntraError) -> Response:
        correlation = request.headers.get("client-request-id") or str(uuid.uuid4())
        return JSONResponse(error.body(correlation, self.base), error.status, self._headers(request))
