# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant in this process, and its sign-in host and Graph as clients meet them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import yaml
from httpx2 import Response
from simulator import entra, graph, seed
from simulator.store import Document
from simulator.tenant import Tenant
from starlette.testclient import TestClient

URLS = {
    "login": "https://localhost:1000",
    "graph": "https://localhost:1001",
    "outlook": "https://localhost:1002",
    "infinity": "https://localhost:1003",
}
GRAPH_SCOPE = "https://graph.microsoft.com/.default"
PASSWORD = "Correct-horse-7"


def refusal(answer: Response) -> tuple[int, str, int]:
    """HTTP status, OAuth's word and the AADSTS number of what the token endpoint refused."""
    body = answer.json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= set(body)
    return answer.status_code, body["error"], body["error_codes"][0]


class Microsoft:
    """The tenant with both services. ``wishes`` is what a seed file says."""

    def __init__(self, directory: Path, lag: float = 0.0, **wishes: Any) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "seed.yml"
        path.write_text(yaml.safe_dump(wishes))
        self.tenant = Tenant(directory, lag)
        seed.plant(self.tenant, path)
        self.login = TestClient(entra.application(self.tenant, URLS), base_url=URLS["login"])
        self.service = TestClient(graph.application(self.tenant, URLS), base_url=URLS["graph"])
        self.automation: dict[str, str] = self.tenant.settings["automation"]
        self.bearer = self.token(**self.automation).json()["access_token"]

    def browse(self, method: str, url: str, form: Document | None = None) -> Response:
        """A browser's request to the sign-in host; it keeps cookies and follows no redirect."""
        return self.login.request(method, url, data=form, follow_redirects=False)

    def token(self, segment: str = "", version: str = "/v2.0", **fields: Any) -> Response:
        """A token request; client credentials for Graph unless the fields say otherwise."""
        form = {"grant_type": "client_credentials", "scope": GRAPH_SCOPE, **fields}
        form = {name: value for name, value in form.items() if value is not None}
        return self.login.post(f"/{segment or self.tenant.id}/oauth2{version}/token", data=form)

    def claims(self, **fields: Any) -> Document:
        """The claims of the access token that such a request gets."""
        answer = self.token(**fields).json()
        claims: Document = jwt.decode(answer["access_token"], options={"verify_signature": False})
        return claims

    def call(self, method: str, path: str, body: Any = None, bearer: str | None = None, **headers: str) -> Response:
        """A request to Graph as the automation app, or with another token. Underscores in header names are dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        token = self.bearer if bearer is None else bearer
        everything = {**({"Authorization": f"Bearer {token}"} if token else {}), **named}
        return self.service.request(method, "/v1.0" + path, json=body, headers=everything)

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The body of a request that succeeds."""
        answer = self.call(method, path, body, **more)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def refused(self, status: int, code: str, method: str, path: str, body: Any = None, **more: Any) -> str:
        """The message of a request that is refused with that status and code."""
        answer = self.call(method, path, body, **more)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (status, code), answer.text
        return str(error["message"])

    def user(self, name: str = "svc", **changes: Any) -> Document:
        """A new user in the default domain."""
        body = {
            "accountEnabled": True,
            "displayName": name,
            "mailNickname": name,
            "userPrincipalName": f"{name}@contoso.com",
            "usageLocation": "NO",
            "passwordProfile": {"password": PASSWORD, "forceChangePasswordNextSignIn": False},
        }
        user: Document = self.ok("POST", "/users", {**body, **changes})
        return user

    def registration(self, **body: Any) -> tuple[Document, Document]:
        """A new application and its service principal."""
        application = self.ok("POST", "/applications", {"displayName": "App", **body})
        return application, self.ok("POST", "/servicePrincipals", {"appId": application["appId"]})

    def client(self, *roles: str, resource: str = seed.GRAPH_APP_ID) -> dict[str, str]:
        """A new application with these application permissions: client_id and client_secret."""
        application, principal = self.registration()
        secret = self.ok("POST", f"/applications/{application['id']}/addPassword", {})["secretText"]
        target = self.tenant.service_principal(resource) or {}
        ids = {role["value"]: role["id"] for role in target["appRoles"]}
        for role in roles:
            body = {"principalId": principal["id"], "resourceId": target["id"], "appRoleId": ids[role]}
            self.ok("POST", f"/servicePrincipals/{target['id']}/appRoleAssignedTo", body)
        return {"client_id": application["appId"], "client_secret": secret}

    def bearer_of(self, *roles: str) -> str:
        """A token of a new application with these Graph permissions."""
        return str(self.token(**self.client(*roles)).json()["access_token"])

    def public_client(self, scope: str, user: Document | None = None, **body: Any) -> tuple[Document, Document]:
        """A new public client with delegated consent to Graph's ``scope``, for everyone or one user."""
        application, principal = self.registration(isFallbackPublicClient=True, **body)
        graph_principal = self.tenant.service_principal(seed.GRAPH_APP_ID) or {}
        kind = {"consentType": "Principal", "principalId": user["id"]} if user else {"consentType": "AllPrincipals"}
        grant = {"clientId": principal["id"], "resourceId": graph_principal["id"], "scope": scope, **kind}
        self.ok("POST", "/oauth2PermissionGrants", grant)
        return application, principal

    def sku(self, part_number: str) -> str:
        """The skuId of a product that the tenant has."""
        found = self.tenant.fresh.first("subscribedSku", lambda one: one["skuPartNumber"] == part_number)
        assert found
        return str(found["skuId"])

    def give(self, user: str, *parts: str) -> Any:
        """Assign licences."""
        added = [{"skuId": self.sku(part), "disabledPlans": []} for part in parts]
        return self.ok("POST", f"/users/{user}/assignLicense", {"addLicenses": added, "removeLicenses": []})

    def administrator(self, role: str, name: str = "admin") -> Document:
        """A new user with a directory role."""
        user = self.user(name)
        body = {"principalId": user["id"], "roleDefinitionId": seed.DIRECTORY_ROLES[role], "directoryScopeId": "/"}
        self.ok("POST", "/roleManagement/directory/roleAssignments", body)
        return user
