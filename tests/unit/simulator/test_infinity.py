# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Management Node's API: signing in, schemas, lists, writes and what they refuse."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import jwt
import pytest
from simulator import infinity, seed
from simulator.infinity_node import Node
from simulator.tenant import Tenant
from starlette.testclient import TestClient

BASE = "https://infinity.contoso.com"
API = "/api/admin/configuration/v1"
CONNECTORS = f"{API}/ms_exchange_connector/"
MINIMAL = {"name": "Microsoft 365", "addin_server_domain": "join.contoso.com"}


class Client(TestClient):
    """An administrator at a fresh node; redirects are not followed."""

    def __init__(self, directory: Path, **switches: Any) -> None:
        tenant = Tenant(directory)
        seed.plant(tenant, None)
        tenant.store.put("setting", "switches", switches)
        self.node = Node(tenant)
        application = infinity.application(self.node, {"infinity": BASE}, directory / "ca.pem")
        super().__init__(application, BASE, follow_redirects=False)
        ends = self.node.credentials()
        self.password = ends["infinity_password"]
        self.auth = (ends["infinity_username"], self.password)  # type: ignore[assignment]

    def make(self, **values: Any) -> str:
        """A new connector; its address."""
        answer = self.post(CONNECTORS, json={**MINIMAL, **values})
        assert answer.status_code == 201, answer.text
        assert answer.content == b""
        return str(answer.headers["location"])


@pytest.fixture
def node(tmp_path: Path) -> Client:
    return Client(tmp_path)


def assertion(client: Client, **changes: Any) -> dict[str, str]:
    """The form of a token request, good but for the changes; ``key`` is what it is signed with."""
    ends = client.node.credentials()
    now = int(time.time())
    claims = {
        "iss": ends["infinity_client_id"],
        "sub": ends["infinity_client_id"],
        "aud": f"{BASE}/oauth/token/",
        "iat": now,
        "exp": now + 300,
        "jti": str(uuid.uuid4()),
    }
    key = changes.pop("key", ends["infinity_private_key"])
    algorithm = "HS256" if "PRIVATE" not in key else "ES256"
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode({**claims, **changes}, key, algorithm),
        "scope": "is_admin use_api",
    }


# --- signing in -------------------------------------------------------------------------------------------------------


def test_an_administrator_signs_in_with_a_password(node: Client) -> None:
    assert node.get(CONNECTORS).status_code == 200
    for auth in (("admin", "wrong"), ("nobody", node.password), None):
        node.auth = auth  # type: ignore[assignment]
        answer = node.get(CONNECTORS)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")


def test_a_client_signs_in_with_an_assertion_once(node: Client) -> None:
    form = assertion(node)
    answer = node.post("/oauth/token/", data=form)
    assert answer.json()["expires_in"] == 3600
    node.auth = None  # type: ignore[assignment]
    assert node.get(CONNECTORS, headers={"Authorization": f"Bearer {answer.json()['access_token']}"}).status_code == 200
    assert node.get(CONNECTORS, headers={"Authorization": "Bearer invented"}).status_code == 401
    assert node.post("/oauth/token/", data=form).status_code == 401, "an assertion is used once"


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": f"{BASE}/oauth/token"},
        {"sub": "somebody else"},
        {"iss": "nobody"},
        {"exp": int(time.time()) + 7200},
        {"exp": int(time.time()) - 10},
        {"key": "x" * 32},
    ],
    ids=["audience", "subject", "issuer", "too long", "over", "key"],
)
def test_a_bad_assertion_gives_no_token(node: Client, wrong: dict[str, Any]) -> None:
    answer = node.post("/oauth/token/", data=assertion(node, **wrong))
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_passwords_can_be_switched_off(node: Client) -> None:
    token = node.post("/oauth/token/", data=assertion(node)).json()["access_token"]
    assert node.patch(f"{API}/authentication/1/", json={"api_oauth2_disable_basic": True}).status_code == 202
    assert node.get(CONNECTORS).status_code == 401
    node.auth = None  # type: ignore[assignment]
    assert node.get(CONNECTORS, headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_too_many_requests_are_told_when_to_come_back(tmp_path: Path) -> None:
    node = Client(tmp_path, infinity_rate=[3, 60])
    assert [node.get(CONNECTORS).status_code for _time in range(5)] == [200, 200, 200, 429, 429]
    assert 0 < int(node.get(CONNECTORS).headers["retry-after"]) <= 60


# --- addresses --------------------------------------------------------------------------------------------------------


def test_without_the_slash_a_post_is_lost(node: Client) -> None:
    answer = node.post(CONNECTORS[:-1], json=MINIMAL)
    assert (answer.status_code, answer.headers["location"]) == (301, CONNECTORS)
    # What most clients make of a 301: a GET without the body.
    followed = node.post(CONNECTORS[:-1], json=MINIMAL, follow_redirects=True)
    assert followed.status_code == 200
    assert followed.json()["meta"]["total_count"] == 0
    assert node.get(f"{CONNECTORS[:-1]}?limit=5").headers["location"] == f"{CONNECTORS}?limit=5"


@pytest.mark.parametrize(
    "path", ["/api/admin/configuration/v1/nothing/", f"{CONNECTORS}7/", f"{CONNECTORS}x/", "/else/"]
)
def test_what_is_not_there(node: Client, path: str) -> None:
    assert node.get(path).status_code == 404


def test_the_summary_and_the_schema(node: Client) -> None:
    assert node.get(f"{API}/").json()["exchange_domain"]["schema"] == f"{API}/exchange_domain/schema/"
    schema = node.get(f"{CONNECTORS}schema/").json()
    assert len(schema["fields"]) == 104
    assert set(schema["allowed_list_http_methods"]) == {"get", "post", "put", "delete", "patch"}
    fields = schema["fields"]
    assert fields["name"]["blank"] is False
    assert fields["authentication_method"]["valid_choices"] == ["BASIC", "NTLM", "KERBEROS", "OAUTH", "APP_PERM"]
    assert fields["room_mailbox_email_address"]["nullable"] is True
    assert fields["private_key"]["readonly"] is True
    assert fields["domains"]["related_type"] == "to_many"


def test_an_older_version_lacks_fields(tmp_path: Path) -> None:
    node = Client(tmp_path, infinity_fields_lacking=["addin_authentication_method"])
    assert len(node.get(f"{CONNECTORS}schema/").json()["fields"]) == 103
    address = node.make(addin_authentication_method="NAA_TOKEN")
    assert "addin_authentication_method" not in node.get(address).json()


# --- writes -----------------------------------------------------------------------------------------------------------


def test_secrets_go_in_and_never_come_out(node: Client) -> None:
    secrets = ("password", "oauth_client_secret", "personal_vmr_oauth_client_secret")
    address = node.make(**dict.fromkeys(secrets, "canary"))
    shown = node.get(address)
    assert not set(secrets) & set(shown.json())
    assert "canary" not in shown.text + node.get(CONNECTORS).text
    kept = node.node.all("ms_exchange_connector")[0]
    assert {kept[name] for name in secrets} == {"canary"}
    assert shown.json()["private_key"].startswith("-----BEGIN PRIVATE KEY")


def test_a_connector_is_made_with_defaults_and_changed_in_part(node: Client) -> None:
    address = node.make(conference_name_template="one\ntwo")
    made = node.get(address).json()
    assert made["resource_uri"] == address == f"{CONNECTORS}1/"
    assert (made["authentication_method"], made["meeting_buffer_after"]) == ("BASIC", 60)
    assert made["conference_name_template"] == "one\r\ntwo"
    assert node.patch(address, json={"meeting_buffer_after": 5, "nonsense": 1, "oauth_state": "x"}).status_code == 202
    changed = node.get(address).json()
    assert changed == {**made, "meeting_buffer_after": 5}
    assert node.delete(address).status_code == 204
    assert node.get(address).status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("name", "x" * 251, "at most 250 characters"),
        ("addin_server_domain", "", "cannot be blank"),
        ("scheduled_alias_prefix", "", "cannot be blank"),
        ("authentication_method", "MAGIC", "not a valid choice"),
        ("meeting_buffer_before", 181, "less than or equal to 180"),
        ("scheduled_alias_suffix_length", 4, "greater than or equal to 5"),
        ("meeting_buffer_before", "10", "must be an integer"),
        ("disable_proxy", "yes", "True or False"),
        ("description", None, "cannot be null"),
        ("ivr_theme", f"{API}/ivr_theme/9/", "Could not find"),
    ],
)
def test_what_is_refused_is_named(node: Client, field: str, value: Any, text: str) -> None:
    address = node.make()
    answer = node.patch(address, json={field: value, "description" if field != "description" else "url": "new"})
    assert answer.status_code == 400
    assert text in answer.json()[field][0]
    assert node.get(address).json()["description"] == "", "nothing is written of a request that is refused"


def test_errors_may_be_named_by_resource_too(tmp_path: Path) -> None:
    answer = Client(tmp_path, infinity_errors_named=True).post(CONNECTORS, json={"name": "x"})
    assert answer.json() == {"ms_exchange_connector": {"addin_server_domain": ["This field is required."]}}


def test_names_are_given_once(node: Client) -> None:
    address = node.make()
    assert "already exists" in node.post(CONNECTORS, json=MINIMAL).json()["name"][0]
    assert node.patch(address, json={"name": MINIMAL["name"]}).status_code == 202


def test_domains_belong_to_a_connector_and_go_with_it(node: Client) -> None:
    address = node.make()
    domain = {"domain": "contoso.com", "exchange_connector": address}
    assert node.post(f"{API}/exchange_domain/", json=domain).status_code == 201
    assert node.get(address).json()["domains"] == [{"id": 1, "domain": "contoso.com"}]
    assert "exchange_connector" in node.post(f"{API}/exchange_domain/", json={"domain": "x.com"}).json()
    node.delete(address)
    assert node.get(f"{API}/exchange_domain/").json()["objects"] == []


def test_delete_on_the_list_deletes_everything(node: Client) -> None:
    node.make(name="One")
    node.make(name="Two")
    assert node.delete(CONNECTORS).status_code == 204
    assert node.get(CONNECTORS).json()["meta"]["total_count"] == 0
    assert node.get("/api/admin/status/v1/exchange_scheduler/").json()["objects"] == []


def test_patch_on_the_list_is_a_bulk_call(node: Client) -> None:
    one = node.make(name="One")
    made = {**MINIMAL, "name": "Two"}
    answer = node.patch(CONNECTORS, json={"objects": [made], "deleted_objects": [one]})
    assert answer.status_code == 202
    assert [found["name"] for found in node.get(CONNECTORS).json()["objects"]] == ["Two"]


# --- lists ------------------------------------------------------------------------------------------------------------


def test_lists_come_in_pages(node: Client) -> None:
    for number in range(45):
        node.make(name=f"Integration {number:02}")
    path, pages, names = CONNECTORS, 0, []
    while path:
        page = node.get(path).json()
        assert (page["meta"]["limit"], page["meta"]["total_count"]) == (20, 45)
        names += [one["name"] for one in page["objects"]]
        path, pages = page["meta"]["next"], pages + 1
    assert pages == 3
    assert len(set(names)) == 45
    page = node.get(f"{CONNECTORS}?limit=5&offset=40").json()
    assert len(page["objects"]) == 5
    assert "offset=35" in page["meta"]["previous"]
    assert len(node.get(f"{CONNECTORS}?limit=0").json()["objects"]) == 45
    assert node.get(f"{CONNECTORS}?limit=x").status_code == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=Beta", ["Beta"]),
        ("name__icontains=ET", ["Beta"]),
        ("name__startswith=A", ["Alpha"]),
        ("name__in=Alpha,Beta", ["Alpha", "Beta"]),
        ("meeting_buffer_before__gte=100", ["Beta"]),
        ("order_by=-name", ["Beta", "Alpha"]),
    ],
)
def test_lists_are_filtered_and_ordered(node: Client, query: str, found: list[str]) -> None:
    node.make(name="Alpha")
    node.make(name="Beta", meeting_buffer_before=120)
    assert [one["name"] for one in node.get(f"{CONNECTORS}?{query}").json()["objects"]] == found


def test_secrets_are_no_filter(node: Client) -> None:
    assert node.get(f"{CONNECTORS}?password__startswith=a").status_code == 400


def test_the_state_is_kept(tmp_path: Path) -> None:
    first = Client(tmp_path)
    first.make()
    again = Client(tmp_path)
    assert again.password == first.password
    assert again.get(CONNECTORS).json()["objects"][0]["name"] == MINIMAL["name"]
