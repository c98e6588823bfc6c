# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways into a simulated tenant's EWS: posted SOAP without a network, and exchangelib over TLS."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from exchangelib import (
    IMPERSONATION,
    OAUTH2,
    Account,
    Build,
    CalendarItem,
    Configuration,
    Identity,
    OAuth2AuthorizationCodeCredentials,
    Version,
)
from exchangelib.items import SEND_TO_ALL_AND_SAVE_COPY
from exchangelib.protocol import BaseProtocol, close_connections
from oauthlib.oauth2 import OAuth2Token
from requests.adapters import HTTPAdapter
from simulator import ews, seed
from simulator.faults import Faults
from simulator.server import Door, certificates, listen
from simulator.store import Document
from simulator.tenant import Tenant, new_id
from starlette.applications import Starlette
from starlette.testclient import TestClient

AUDIENCE = "https://outlook.office365.com"
APP_ID = "aaaaaaaa-0000-4000-8000-000000000001"
VMR = "vmr@contoso.com"
ALICE, BOB, CAROL, DAVE = (f"{name}@contoso.com" for name in ("alice", "bob", "carol", "dave"))
TOMORROW = datetime.now(timezone.utc).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=1)
NAMESPACES = (
    'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
)
GET_INBOX = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds>"
    '<t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder>'
)


def stage(directory: Path) -> Tenant:
    """The default tenant with an app of no rights and an equipment mailbox that is left to its delegates."""
    tenant = Tenant(directory)
    seed.plant(tenant, None)
    tenant.store.put("servicePrincipal", "sp", {**seed.service_principal_document("sp", APP_ID, "Pexip"), "id": "sp"})
    user = seed.user_document(new_id(), VMR, "VMR Equipment")
    tenant.store.put("user", user["id"], user)
    box = tenant.add_mailbox(user, "EquipmentMailbox", "vmr", VMR)
    processing(tenant, AutomateProcessing="None")
    assert box["IsResource"]
    return tenant


def box_of(tenant: Tenant, address: str) -> Document:
    found = tenant.mailbox_by_address(address)
    assert found is not None
    return found


def user_id(tenant: Tenant, upn: str) -> str:
    user = tenant.fresh.first("user", lambda one: one["userPrincipalName"] == upn)
    assert user is not None
    return str(user["id"])


def processing(tenant: Tenant, address: str = VMR, **settings: Any) -> None:
    box = box_of(tenant, address)
    changed = {**box["_calendarProcessing"], **settings}
    tenant.store.update("mailbox", box["Guid"], _calendarProcessing=changed)


def app_token(tenant: Tenant, *roles: str, audience: str = AUDIENCE, lifetime: int = 3599) -> str:
    return tenant.tokens.issue(audience, {"appid": APP_ID, "oid": "sp", "roles": list(roles)}, lifetime)


def user_token(tenant: Tenant, upn: str, scope: str = "EWS.AccessAsUser.All") -> str:
    return tenant.tokens.issue(AUDIENCE, {"appid": APP_ID, "oid": user_id(tenant, upn), "upn": upn, "scp": scope})


def assign(tenant: Tenant, role: str, assignee: str, scope: str = "") -> None:
    """A role assignment; ``scope`` is a recipient filter, empty for everybody."""
    if assignee == "sp":
        tenant.store.put("exchangeServicePrincipal", "sp", {"ObjectId": "sp", "AppId": APP_ID})
    if scope:
        tenant.store.put("managementScope", scope, {"Name": scope, "RecipientFilter": scope})
    assignment = {
        "Role": role,
        "RoleAssignee": assignee,
        "Enabled": True,
        "RecipientWriteScope": "CustomRecipientScope" if scope else "Organization",
        "CustomResourceScope": scope or None,
    }
    tenant.store.put("managementRoleAssignment", new_id(), assignment)


def full_access(tenant: Tenant, owner: str, user: str, *, deny: bool = False) -> None:
    entry = {
        "Identity": box_of(tenant, owner)["Guid"],
        "User": user,
        "AccessRights": ["FullAccess"],
        "Deny": deny,
        "IsInherited": False,
    }
    tenant.store.put("mailboxPermission", new_id(), entry)


def sid(kind: str, value: str) -> str:
    named = f"<t:ConnectingSID><t:{kind}>{value}</t:{kind}></t:ConnectingSID>"
    return f"<t:ExchangeImpersonation>{named}</t:ExchangeImpersonation>"


def as_user(address: str) -> str:
    return sid("PrimarySmtpAddress", address)


def post(
    tenant: Tenant,
    token: str | None,
    header: str = "",
    body: str = GET_INBOX,
    path: str = "/EWS/Exchange.asmx",
    agent: str = "test",
) -> Any:
    content = f"<s:Envelope {NAMESPACES}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    return raw(tenant, token, content, path, agent)


def raw(tenant: Tenant, token: str | None, content: str, path: str = "/EWS/Exchange.asmx", agent: str = "test") -> Any:
    client = TestClient(Starlette(routes=ews.routes(tenant, {"outlook": AUDIENCE})), AUDIENCE)
    headers = {"content-type": "text/xml; charset=utf-8", "user-agent": agent}
    if token:
        headers["authorization"] = f"Bearer {token}"
    return client.post(path, content=content, headers=headers)


def fault_of(answer: Any, code: str) -> str:
    """The text of a SOAP fault with that code."""
    assert answer.status_code == 500, answer.text
    assert f">a:{code}</faultcode>" in answer.text
    assert f">{code}</e:ResponseCode>" in answer.text
    return str(answer.text)


class Field:
    """A running service and the ways into it."""

    def __init__(self, tenant: Tenant, port: int) -> None:
        self.tenant, self.url = tenant, f"https://127.0.0.1:{port}/EWS/Exchange.asmx"

    def account(self, address: str, token: str | None = None, access: str = IMPERSONATION, **config: Any) -> Account:
        token = token or app_token(self.tenant, "full_access_as_app")
        credentials = OAuth2AuthorizationCodeCredentials(
            access_token=OAuth2Token({"access_token": token, "token_type": "Bearer", "expires_at": time.time() + 3000}),
            identity=Identity(primary_smtp_address=address) if access == IMPERSONATION else None,
        )
        config = {"version": Version(Build(15, 20, 9115, 20), "Exchange2016"), **config}
        return Account(
            address,
            access_type=access,
            autodiscover=False,
            config=Configuration(service_endpoint=self.url, auth_type=OAUTH2, credentials=credentials, **config),
        )

    def book(self, organizer: str = ALICE, **fields: Any) -> CalendarItem:
        """Invite Bob and the equipment to a private meeting."""
        item = CalendarItem(
            account=self.account(organizer),
            **{
                "subject": "Budget",
                "body": "Figures",
                "sensitivity": "Private",
                "start": TOMORROW,
                "end": TOMORROW + timedelta(hours=1),
                "required_attendees": [BOB],
                "resources": [VMR],
                **fields,
            },
        )
        item.folder = item.account.calendar
        return item.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)


@contextmanager
def running(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    """EWS behind the simulator's own door and certificate, which exchangelib trusts meanwhile."""
    (socket,) = listen("127.0.0.1", [0])
    port = socket.getsockname()[1]
    ca, certificate = certificates(tenant.directory, ["127.0.0.1"])
    application = Starlette(routes=ews.routes(tenant, {"outlook": f"https://127.0.0.1:{port}"}))
    door = Door(tenant, {"outlook": application}, {port: "outlook"}, Faults([]), 0, None)
    config = uvicorn.Config(
        door, ssl_certfile=str(certificate), ssl_keyfile=str(certificate), lifespan="off", log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()

    class Adapter(HTTPAdapter):
        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            super().cert_verify(conn, url, str(ca), cert)

    monkeypatch.setattr(BaseProtocol, "HTTP_ADAPTER_CLS", Adapter)
    while not server.started:
        time.sleep(0.01)
    yield Field(tenant, port)
    close_connections()  # asyncio waits half a minute for a client that does not close TLS
    server.should_exit = True
    thread.join()
    socket.close()


def only(things: Any) -> Any:
    (thing,) = list(things)
    return thing
