# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of one simulated tenant's Exchange Online admin interface, for unit tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator import exchange, seed
from simulator.tenant import Tenant
from starlette.applications import Starlette
from starlette.testclient import TestClient

AUDIENCE = "https://outlook.office365.com"
ADMIN = seed.DIRECTORY_ROLES["Exchange Administrator"]
RECIPIENT_ADMIN = seed.DIRECTORY_ROLES["Exchange Recipient Administrator"]
READER = seed.DIRECTORY_ROLES["Global Reader"]


class Exchange:
    """A client of one simulated tenant: a new default one, or one that is there already."""

    def __init__(self, directory: Path, lag: float = 0.0, tenant: Tenant | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.tenant = tenant or Tenant(directory, lag)
        seed.plant(self.tenant, None)
        self.http = TestClient(Starlette(routes=exchange.routes(self.tenant, {"outlook": AUDIENCE})), AUDIENCE)
        self.token = self.app_token()

    def app_token(self, roles: tuple[str, ...] = ("Exchange.ManageAsApp",), wids: tuple[str, ...] = (ADMIN,)) -> str:
        app = self.tenant.settings["automation"]["client_id"]
        claims = {"appid": app, "oid": "11111111-1111-4111-8111-111111111111", "roles": [*roles], "wids": [*wids]}
        return self.tenant.tokens.issue(AUDIENCE, claims)

    def user_token(self, upn: str, scope: str = "Exchange.Manage") -> str:
        user = self.tenant.fresh.first("user", lambda one: one["userPrincipalName"] == upn)
        assert user is not None
        claims = {"appid": "fb78d390-0c51-40cd-8e17-fdbfab77341b", "oid": user["id"], "upn": upn, "scp": scope}
        return self.tenant.tokens.issue(AUDIENCE, claims)

    def send(self, cmdlet: str, query: str = "", headers: dict[str, str] | None = None, **parameters: Any) -> Any:
        return self.http.post(
            f"/adminapi/beta/{self.tenant.id}/InvokeCommand{query}",
            json={"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}},
            headers={"authorization": f"Bearer {self.token}", **(headers or {})},
        )

    def run(self, cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
        answer = self.send(cmdlet, **parameters)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["value"]
        return rows

    def one(self, cmdlet: str, **parameters: Any) -> dict[str, Any]:
        rows = self.run(cmdlet, **parameters)
        assert len(rows) == 1
        return rows[0]

    def fails(self, cmdlet: str, **parameters: Any) -> str:
        answer = self.send(cmdlet, **parameters)
        assert answer.status_code in (400, 404, 500), answer.text
        error = answer.json()["error"]
        text = (error.get("details") or [{}])[0].get("message") or error["innererror"]["internalexception"]["message"]
        return str(text)

    def raw(self, cmdlet: str, **parameters: Any) -> tuple[int, dict[str, str], bytes]:
        body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
        url, headers = f"/adminapi/beta/{self.tenant.id}/InvokeCommand", {"authorization": f"Bearer {self.token}"}
        with self.http.stream("POST", url, json=body, headers=headers) as answer:
            return answer.status_code, dict(answer.headers), b"".join(answer.iter_raw())
