# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that want to be more than texts: refused by the option's name before anything is sent, or sent as one literal."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils import _module
from ansible_collections.vmrops.o365.plugins.module_utils._input import LINES, check, check_addresses
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources._opath import meaning
from ansible_collections.vmrops.o365.plugins.module_utils._resources._scope import resolve
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, Connection, connect
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import ServiceError
from support import ROOT
from support.simulator import Request, Simulator

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("o365_*.py"))

# Never understood as part of a name by anybody, and never sent.
HIDDEN = {
    "NUL": "a\0b",
    "newline": "a\nb",
    "carriage return": "a\rb",
    "escape": "\x1b[2J",
    "C1 control": "a\x9b1m",
    "right-to-left override": "a\u202eb",
    "isolate": "a\u2066b",
    "zero-width space": "a\u200bb",
    "line separator": "a\u2028b",
    "half a character": "a\ud800b",
    "10,000 characters": "x" * 10_000,
}
# Sent as they are.
QUOTED = [
    "o'brien@contoso.com",
    "x' or '1' eq '1",
    "x' -or Alias -ne 'x",
    "x'') or true or ('",
    '"; calc "',
    "$(calc)",
    "`calc`",
    "%27 or 1 eq 1",
    "%2e%2e/%2e%2e",
    "..",
    ".",
    "../../v1.0/me",
    "x/y?$select=a#b&c=d",
    "$count",
    "\\\\host\\share",
    "\U0001f600",
    "\u05d0\u200f\u05d1",
    "x" * 4000,
]


def arguments_of(name: str) -> dict[str, Any]:
    """A module's own argument specification, as its main() hands it over."""
    module = importlib.import_module(f"ansible_collections.vmrops.o365.plugins.modules.{name}")
    handed: list[Mapping[str, Any]] = []

    def take(arguments: Mapping[str, Any], *rest: Any, **more: Any) -> None:
        handed.append(arguments)

    taken = [one for one in dir(module) if one.startswith("run_") and callable(getattr(module, one))]
    assert len(taken) == 1, f"{name} starts in a way that is not known here: {taken}"
    with patch.object(module, taken[0], take):
        module.main()
    return {**AUTH_ARGUMENTS, **handed[0]}


def texts(arguments: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Every option that takes a text, by its full name, and how to nest a value there."""
    for name, option in arguments.items():
        kind, inner = option.get("type", "str"), option.get("options")
        if inner:
            for deeper, nest in texts(inner, f"{within}{name}."):
                if kind == "list":
                    yield deeper, lambda value, name=name, nest=nest: {name: [nest(value)]}
                else:
                    yield deeper, lambda value, name=name, nest=nest: {name: nest(value)}
        elif kind == "list" and option.get("elements", "str") in ("str", "path"):
            yield f"{within}{name}", lambda value, name=name: {name: [value]}
        elif kind in ("str", "path"):
            yield f"{within}{name}", lambda value, name=name: {name: value}


@pytest.mark.parametrize("module", MODULES)
def test_what_hides_is_refused_by_the_name_of_every_option(module: str) -> None:
    arguments = arguments_of(module)
    found = dict(texts(arguments))
    assert len(found) > 12
    for option, nest in found.items():
        lines = option.rpartition(".")[2] in LINES
        for what, text in HIDDEN.items():
            if lines and what in ("newline", "carriage return", "10,000 characters"):
                continue
            with pytest.raises(Refused) as refused:
                check(arguments, nest(text))
            assert str(refused.value).startswith(f"{option}: "), what
            assert str(refused.value).isprintable()
            assert len(str(refused.value)) < 200


def test_the_check_comes_before_anything_else() -> None:
    """run_module checks before it makes the managed object, and that before it connects."""
    source = Path(_module.__file__).read_text()
    body = source[source.index("def run_module") :]
    assert body.index("check(module.argument_spec") < body.index("make_resource(") < body.index(".connect(")


@pytest.mark.parametrize("option", ["login_url", "graph_url", "outlook_url"])
@pytest.mark.parametrize(
    "address",
    ["http://graph.microsoft.com", "graph.microsoft.com", "https://", "https://a b", "https://u:p@graph.microsoft.com",
     "https://graph.microsoft.com/../x", "https://graph.microsoft.com?x", "https://graph.microsoft.com#x",
     "https://graph.microsoft.com\\@evil.example", "https://graph.microsoft.com:port", "file:///etc/passwd",
     "https://-x", "https://graph.microsoft.com\n"],
)  # fmt: skip
def test_an_endpoint_is_a_base_address(option: str, address: str) -> None:
    options = {**dict.fromkeys(AUTH_ARGUMENTS), option: address}
    with pytest.raises(Refused, match=f"^{option}: ") as refused:
        check_addresses(options)
    assert "u:p" not in str(refused.value)


@pytest.mark.parametrize(
    "tenant", ["../common", "a/b", "a?b", "a#b", "..", ".", "a b", "a@b", "%2e%2e", "a\\b", "a%2Fb"]
)
def test_a_tenant_is_an_id_or_a_domain(tenant: str) -> None:
    with pytest.raises(Refused, match=r"^tenant_id: "):
        check_addresses({**dict.fromkeys(AUTH_ARGUMENTS), "tenant_id": tenant})


# --- on the wire ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(tmp_path_factory.mktemp("hostile") / "tenant") as running:
        yield running


@pytest.fixture(scope="module")
def connection(tenant: Simulator) -> Connection:
    options = {**dict.fromkeys(AUTH_ARGUMENTS), "auth_method": "auto", "cloud": "global", **tenant.auth()}
    return connect({**options, "timeout": 10, "wait_timeout": 10}, print)


def sent(tenant: Simulator, since: int, service: str) -> list[Request]:
    return [one for one in tenant.wire(since) if one.service == service]


def unquoted(text: str) -> str:
    """The one literal that a text is, apostrophes read as a service reads them."""
    assert text.startswith("'")
    assert text.endswith("'")
    assert "'" not in text[1:-1].replace("''", "")
    return text[1:-1].replace("''", "'")


@pytest.mark.parametrize("text", QUOTED, ids=lambda text: text[:20])
def test_what_arrives_is_one_literal(
    tenant: Simulator, connection: Connection, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    mark, directory = tenant.mark(), connection.directory
    urls: list[str] = []
    # As it was sent: the log shows addresses decoded, where a separator and a letter look alike.
    hooks = {"response": lambda response, *rest, **more: urls.append(response.request.url)}
    monkeypatch.setattr(connection.graph._http.session, "hooks", hooks)
    reads = {
        "/users(": directory.user,
        "/applications(uniqueName=": directory.application_by_unique_name,
        "/applications(appId=": directory.application_by_app_id,
        "/servicePrincipals(appId=": directory.service_principal,
    }
    for read in reads.values():
        with suppress(ServiceError):
            assert read(text) is None
    for listed in (directory.applications_named, directory.service_principals_named, directory.holders_of_address):
        with suppress(ServiceError):
            assert listed(text) == []
    with suppress(ServiceError):
        assert connection.mailboxes.mailbox(text) is None
    paths = [unquote(urlsplit(url).path) for url in urls if "/v1.0/" in url and "filter" not in url]
    assert len(paths) == len(reads)
    for start, path in zip(reads, paths, strict=True):
        assert path.startswith(f"/v1.0{start}"), "nothing leads out of the collection"
        assert path.endswith(")")
        assert unquoted(path.removeprefix(f"/v1.0{start}")[:-1]) == text
    queries = [parse_qs(urlsplit(url).query, strict_parsing=True) for url in urls if "filter" in url]
    assert len(queries) == 3
    assert all(query.keys() <= {"$filter", "$select"} for query in queries)
    values = [query["$filter"][0].partition(" eq ")[2].removesuffix(")") for query in queries]
    assert [unquoted(value) for value in values] == [text, text, f"smtp:{text}"]
    (asked,) = sent(tenant, mark, "outlook")
    assert asked.request["CmdletInput"]["Parameters"] == {"Identity": text}


@pytest.mark.parametrize("pattern", ["*", "a*", "*@contoso.com"])
def test_an_identity_is_no_pattern(tenant: Simulator, connection: Connection, pattern: str) -> None:
    mark = tenant.mark()
    for read in (
        connection.mailboxes.mailbox,
        connection.mailboxes.recipient,
        lambda one: connection.mailboxes.recipients([one]),
    ):
        with pytest.raises(ServiceError, match="asterisk"):
            read(pattern)
    assert sent(tenant, mark, "outlook") == []


@pytest.mark.parametrize("text", QUOTED, ids=lambda text: text[:20])
def test_a_filter_made_of_names_holds_exactly_the_names(text: str) -> None:
    class Mailboxes:
        def recipients(self, names: list[str]) -> list[dict[str, str]]:
            return [{"PrimarySmtpAddress": name} for name in names]

        def group(self, name: str) -> dict[str, str]:
            return {"DistinguishedName": name}

        def group_members(self, name: str) -> list[dict[str, str]]:
            return []

    class Readers:
        mailboxes = Mailboxes()

    readers: Any = Readers()
    named = resolve({"mailboxes": [text]}, "mailboxes", readers)
    assert meaning(named.recipient_filter) == ("-eq", "primarysmtpaddress", text.lower())
    grouped = resolve({"group": text}, "group", readers)
    assert meaning(grouped.recipient_filter) == ("-eq", "memberofgroup", text.lower())
    json.dumps([named.recipient_filter, grouped.recipient_filter])
