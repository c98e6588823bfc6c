# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about the simulator's fidelity is true where a test can tell."""

from __future__ import annotations

import re

from simulator import cmdlets
from simulator.cmdlets.binding import DOCUMENTED
from simulator.tenant import SWITCHES
from support import ROOT

PAGE = (ROOT / "docs" / "fidelity.md").read_text()


def test_every_switch_is_on_the_page_with_its_default_and_no_other() -> None:
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
    assert set(rows) == set(SWITCHES)
    for name, default in SWITCHES.items():
        if isinstance(default, (bool, int, float)):
            assert rows[name] == str(int(default) if isinstance(default, float) else default).lower(), name


def test_every_cmdlet_of_the_contract_is_simulated() -> None:
    assert {one.name for one in cmdlets.REGISTRY.values()} == set(DOCUMENTED.values())
    assert f"All {len(cmdlets.REGISTRY)} cmdlets" in PAGE


def test_every_client_that_the_page_names_is_used_by_a_test() -> None:
    table = PAGE.partition("| Client |")[2].partition("\n\n")[0]
    names = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:]
    modules = {
        "requests-oauthlib": "requests_oauthlib",
        "office365-rest-python-client": "office365",
        "PyJWT's PyJWKClient": "jwt",
        "azure-identity": "azure.identity",
    }
    clients = [client for cell in names for client in cell.split(", ")]
    assert len(clients) >= 9
    tests = "\n".join(
        path.read_text() for path in (ROOT / "tests").rglob("*.py") if "simulator" not in path.parent.name
    )
    tests += "\n".join(path.read_text() for path in (ROOT / "tests" / "unit" / "simulator").glob("*.py"))
    for client in clients:
        name = modules.get(client, client)
        assert re.search(rf"^\s*(import|from) .*\b{re.escape(name)}\b", tests, re.MULTILINE), client
