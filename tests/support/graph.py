# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An administrator at a simulated tenant: looks past the module under test, and sets the stage for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msal
import requests

from .simulator import Simulator

Data = dict[str, Any]


class Session(requests.Session):
    """Trusts the tenant's own authority, whatever REQUESTS_CA_BUNDLE says."""

    def __init__(self, ca_path: str) -> None:
        super().__init__()
        self.ca_path = ca_path

    def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:
        return {**super().merge_environment_settings(*args, **kwargs), "verify": self.ca_path}


def sign_in(tenant: Simulator, client_id: str, credential: Any) -> Data:
    """msal's answer to a sign-in as an application; ``access_token`` is in it when that worked."""
    application = msal.ConfidentialClientApplication(
        client_id,
        authority=f"{tenant.endpoints['login_url']}/{tenant.endpoints['tenant_id']}",
        client_credential=credential,
        http_client=Session(tenant.endpoints["ca_path"]),
        instance_discovery=False,
    )
    answer: Data = application.acquire_token_for_client([f"{tenant.endpoints['graph_url']}/.default"])
    return answer


def certificate_credential(path: Path) -> Data:
    """What msal takes to sign in with a PEM file of a certificate and its key."""
    pem = path.read_text()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return {"private_key": pem, "public_certificate": begin + pem.split(begin)[1].split(end)[0] + end}


class Administrator:
    """Requests to Graph as the tenant's automation app.

    With a lag, half of the answers are old: look once it is over.
    """

    def __init__(self, tenant: Simulator) -> None:
        self._url = f"{tenant.endpoints['graph_url']}/v1.0"
        self._session = Session(tenant.endpoints["ca_path"])
        answer = sign_in(tenant, tenant.endpoints["client_id"], tenant.endpoints["client_secret"])
        self._session.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The body of the answer, which must be a good one; None when there is none."""
        answer = self._session.request(method, self._url + path, json=body, headers=headers)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str) -> Data:
        """One object."""
        found: Data = self.call("GET", path)
        return found

    def all(self, path: str) -> list[Data]:
        """The first page of a collection."""
        found: list[Data] = self.call("GET", path)["value"]
        return found

    def user(self, name: str) -> Data:
        """A user with what is only shown when it is asked for."""
        select = "id,userPrincipalName,displayName,givenName,surname,mailNickname,mail,accountEnabled,usageLocation"
        return self.get(f"/users/{name}?$select={select},passwordPolicies,assignedLicenses,licenseAssignmentStates")

    def users(self, name: str) -> list[Data]:
        """The users with that user principal name."""
        return self.all(f"/users?$filter=userPrincipalName eq '{name}'")

    def deleted(self, kind: str) -> list[Data]:
        """The recycle bin: ``user``, ``application`` or ``servicePrincipal``."""
        return self.all(f"/directory/deletedItems/microsoft.graph.{kind}")

    def application(self, unique_name: str) -> Data:
        """A registration by its unique name."""
        return self.get(f"/applications(uniqueName='{unique_name}')")

    def register(self, display_name: str, unique_name: str = "", **values: Any) -> Data:
        """A registration made by another tool, with its service principal under ``principal``."""
        body = {"displayName": display_name, **values}
        if unique_name:
            path = f"/applications(uniqueName='{unique_name}')"
            made: Data = self.call("PATCH", path, body, Prefer="create-if-missing")
        else:
            made = self.call("POST", "/applications", body)
        principal = self.call("POST", "/servicePrincipals", {"appId": made["appId"]})
        return {**made, "principal": principal}

    def resource(self, app_id: str) -> Data:
        """A service principal by application id."""
        return self.get(f"/servicePrincipals(appId='{app_id}')")
