# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the environment gives where an option is left out: Azure's names, those of AWX's own credential, and empty texts."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without any variable that counts."""
    for name in list(os.environ):
        if name.startswith(("AZURE_", "VMROPS_")):
            monkeypatch.delenv(name)
    return monkeypatch


def options(**given: Any) -> tuple[dict[str, Any], list[str]]:
    """The options as a module has them, and what is wrong with them."""
    checked = ArgumentSpecValidator(AUTH_ARGUMENTS).validate(given)
    return checked.validated_parameters, checked.error_messages


@pytest.mark.parametrize(
    ("variables", "option", "value"),
    [
        ({"AZURE_TENANT": "t"}, "tenant_id", "t"),
        ({"AZURE_TENANT_ID": "", "AZURE_TENANT": "t"}, "tenant_id", "t"),
        ({"AZURE_TENANT_ID": "own", "AZURE_TENANT": "t"}, "tenant_id", "own"),
        ({"AZURE_SECRET": "s"}, "client_secret", "s"),
        ({"AZURE_CLIENT_SECRET": ""}, "client_secret", None),
        ({"AZURE_CLIENT_CERTIFICATE_PATH": ""}, "certificate_path", None),
        ({}, "cloud", "global"),
        ({"VMROPS_O365_CLOUD": "", "AZURE_CLOUD_ENVIRONMENT": ""}, "cloud", "global"),
        ({"AZURE_CLOUD_ENVIRONMENT": "AzureChinaCloud"}, "cloud", "china"),
        ({"AZURE_CLOUD_ENVIRONMENT": "AzureUSGovernment"}, "cloud", "usgov_gcc_high"),
        ({"VMROPS_O365_CLOUD": "usgov_dod", "AZURE_CLOUD_ENVIRONMENT": "AzureUSGovernment"}, "cloud", "usgov_dod"),
        ({"VMROPS_O365_GRAPH_URL": "https://g"}, "graph_url", "https://g"),
        ({"VMROPS_O365_OUTLOOK_URL": "https://o"}, "outlook_url", "https://o"),
        ({"VMROPS_O365_CA_PATH": "/ca.pem"}, "ca_path", "/ca.pem"),
    ],
)
def test_what_the_environment_gives(
    variables: dict[str, str], option: str, value: str | None, environment: pytest.MonkeyPatch
) -> None:
    for name, text in variables.items():
        environment.setenv(name, text)
    found, wrong = options()
    assert not wrong
    assert found[option] == value


def test_an_option_wins(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AZURE_TENANT", "t")
    environment.setenv("AZURE_CLOUD_ENVIRONMENT", "AzureChinaCloud")
    found, _wrong = options(tenant_id="given", cloud="global")
    assert (found["tenant_id"], found["cloud"]) == ("given", "global")


def test_a_cloud_that_nobody_knows_is_an_error(environment: pytest.MonkeyPatch) -> None:
    """Azure's modules also take the address of a private cloud there."""
    environment.setenv("AZURE_CLOUD_ENVIRONMENT", "https://stack.example.com")
    assert "https://stack.example.com" in options()[1][0]
