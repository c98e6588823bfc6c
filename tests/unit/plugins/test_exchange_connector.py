# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner of the integration with Exchange, as a pure function, and fingerprints."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Plan, Ref, Refused, printable, revealed
from ansible_collections.vmrops.o365.plugins.module_utils._resources import _fingerprint
from ansible_collections.vmrops.o365.plugins.module_utils._resources.exchange_connector import (
    ExchangeConnector,
    State,
)
from ansible_collections.vmrops.o365.plugins.module_utils._resources.exchange_connector_fields import (
    FIELDS,
    LONGEST,
    SECRETS,
)
from simulator.infinity_fields import CONNECTOR

NODE = "https://infinity.contoso.com"
URI = "/api/admin/configuration/v1/ms_exchange_connector/5/"
SCHEMA = {field.name: field.schema() for field in CONNECTOR}
NOTHING = dict.fromkeys((*(one.option for one in FIELDS), *SECRETS, "domains", "fingerprint_path"))
FILE = {"update_secrets": "when_changed", "fingerprint_path": "/kept.json"}


def managed(**options: Any) -> ExchangeConnector:
    given = {"name": "365", "state": "present", "update_secrets": "on_create", **options}
    return ExchangeConnector({**NOTHING, **given})


def state(**more: Any) -> State:
    """A node on which the integration is there; ``connector`` holds what differs from an empty one."""
    connector = {
        "id": 5,
        "resource_uri": URI,
        "name": "365",
        "addin_server_domain": "join",
        **more.pop("connector", {}),
    }
    return State(NODE, connector, **{"fields": SCHEMA, **more})


def summaries(plan: Plan) -> list[str]:
    return [step.summary for step in plan.steps]


def test_every_field_that_can_be_set_is_an_option() -> None:
    own = {"id", "resource_uri", "oauth_state", "oauth_refresh_token", "private_key", "public_key"}
    options = {one.option for one in FIELDS} | set(SECRETS) | {"domains"}
    assert options == {field.name for field in CONNECTOR} - own
    kinds = {"string": "str", "integer": "int", "boolean": "bool", "related": "str"}
    fields = {field.name: field for field in CONNECTOR}
    assert not [one.option for one in FIELDS if one.type != kinds[fields[one.option].type]]
    assert {name: field.most for name, field in fields.items() if field.type == "string" and field.most} == {
        **LONGEST,
        "oauth_refresh_token": 4096,
        "private_key": 12288,
        "public_key": 12288,
    }


def test_a_new_integration_gets_everything_at_once() -> None:
    resource = managed(addin_server_domain="join", password="p", domains=["a.b"], scheduled_alias_prefix="", **FILE)
    plan = resource.plan(State(NODE, None, fields=SCHEMA))
    create, domain, keep = plan.steps
    assert create.operation == "create_connector"
    assert revealed(create.values) == {
        "name": "365",
        "addin_server_domain": "join",
        "scheduled_alias_prefix": None,
        "password": "p",
    }
    assert domain.values["exchange_connector"] == keep.values["connector"] == Ref("connector", "resource_uri")
    assert "p" not in str(printable(keep.values)["secrets"].values())
    assert resource.plan(State(NODE, None, fields=SCHEMA)) == plan, "a plan of the same state is the same"


def test_line_ends_and_empty_texts_are_no_difference() -> None:
    connector = {"conference_name_template": "a\r\nb\r\n", "oauth_client_id": None, "description": ""}
    resource = managed(conference_name_template="a\nb\n", oauth_client_id="", description="")
    assert resource.plan(state(connector=connector)).steps == []
    assert summaries(managed(conference_name_template="a\nb").plan(state(connector=connector))) == [
        "set the properties of the integration 365"
    ]


@pytest.mark.parametrize(
    ("options", "kept", "written"),
    [
        ({}, {}, []),
        ({"update_secrets": "always"}, {}, ["password", "oauth_client_secret"]),
        (FILE, {}, ["password", "oauth_client_secret"]),
        (FILE, {"password": "p", "oauth_client_secret": "s"}, []),
        (FILE, {"password": "old", "oauth_client_secret": "s"}, ["password"]),
    ],
    ids=["on_create", "always", "nothing kept", "all kept", "one kept"],
)
def test_which_secrets_are_written(options: dict[str, Any], kept: dict[str, str], written: list[str]) -> None:
    prints = {name: _fingerprint.fingerprint(value, "salt") for name, value in kept.items()}
    content = {"node": NODE, "connector": URI, "secrets": prints}
    resource = managed(password="p", oauth_client_secret="s", **options)
    plan = resource.plan(state(kept=content))
    steps = [step for step in plan.steps if step.service == "infinity"]
    assert [name for step in steps for name in step.values] == written
    assert [step.service for step in plan.steps][len(steps) :] == (["file"] if written and options == FILE else [])
    assert not [step for step in resource.plan(state(kept=content, written=True)).steps if step.service == "infinity"]


@pytest.mark.parametrize("other", [{"node": "https://other"}, {"connector": URI.replace("5", "6")}, {"secrets": "x"}])
def test_fingerprints_of_another_integration_say_nothing(other: dict[str, Any]) -> None:
    kept = {"node": NODE, "connector": URI, "secrets": {"password": _fingerprint.fingerprint("p", "salt")}}
    assert managed(password="p", **FILE).plan(state(kept=kept)).steps == []
    assert len(managed(password="p", **FILE).plan(state(kept={**kept, **other})).steps) == 2


def test_properties_and_secrets_go_in_one_request() -> None:
    plan = managed(oauth_client_id="x", oauth_client_secret="s", update_secrets="always").plan(state())
    assert summaries(plan) == ["set the properties and oauth_client_secret of the integration 365"]
    assert plan.diff()["after"]["oauth_client_secret"] == "********"


def test_domains_are_those_that_are_named() -> None:
    domains = [{"id": 1, "domain": "A.example"}, {"id": 2, "domain": "b.example"}]
    plan = managed(domains=["a.example", "c.example"]).plan(state(domains=domains))
    assert summaries(plan) == ["add the domain c.example", "remove the domain b.example"]
    assert plan.steps[1].target == {"domain": 2}
    assert plan.diff() == {
        "before": {"state": "present", "name": "365", "domains": ["a.example", "b.example"]},
        "after": {"state": "present", "name": "365", "domains": ["a.example", "c.example"]},
    }


def test_absent() -> None:
    plan = managed(state="absent").plan(state())
    assert [(step.operation, step.target) for step in plan.steps] == [("delete_connector", {"connector": 5})]
    assert managed(state="absent").plan(State(NODE, None)).steps == ()


def test_what_the_nodes_version_does_not_know_is_refused() -> None:
    older = {name: field for name, field in SCHEMA.items() if name != "ivr_theme"}
    older["authentication_method"] = {**SCHEMA["authentication_method"], "valid_choices": ["BASIC", "OAUTH"]}
    theme = "/api/admin/configuration/v1/ivr_theme/1/"
    with pytest.raises(Refused, match=r"ivr_theme: .* no such field"):
        managed(ivr_theme=theme).plan(state(fields=older))
    with pytest.raises(Refused, match="APP_PERM is none of BASIC, OAUTH"):
        managed(authentication_method="APP_PERM").plan(state(fields=older))
    with pytest.raises(Refused, match=r"password: .* no such field"):
        managed(password="p", update_secrets="always").plan(state(fields={**SCHEMA, "password": {"readonly": True}}))


def test_one_integration_for_one_equipment() -> None:
    others = [{"name": "Other", "room_mailbox_email_address": "VMR@contoso.com"}]
    with pytest.raises(Refused, match=r"the integration Other uses vmr@contoso\.com already"):
        managed(room_mailbox_email_address="vmr@contoso.com").plan(state(others=others))
    shared = state(others=others, connector={"room_mailbox_email_address": "vmr@contoso.com"})
    assert managed().plan(shared).warnings == ["365 and Other use the same equipment resource, vmr@contoso.com."]


def test_fingerprints() -> None:
    first, second = (_fingerprint.fingerprint("secret", salt) for salt in ("one", "two"))
    assert first != second
    assert "secret" not in first
    assert _fingerprint.is_of(first, "secret")
    assert not _fingerprint.is_of(first, "Secret")
    for text in (None, "", "secret", "pbkdf2_sha256$1$one$x", first.replace("pbkdf2", "md5")):
        assert not _fingerprint.is_of(text, "secret")
