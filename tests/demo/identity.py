# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs in: the registered app by itself, or through it the service account. With what the role gave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.vmrops.o365.plugins.module_utils._transport.auth import Credential, Tokens
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.confidential import Confidential
from ansible_collections.vmrops.o365.plugins.module_utils._transport.session import make_session

from . import company
from .report import Failed
from .sign_in import AuthorizationCode

TIMEOUT = 30.0


def tokens(access: str, connector: Mapping[str, str], secrets_file: Path, ca_path: str) -> Tokens:
    """Tokens of whoever Pexip's scheduler would be.

    Args:
        connector: what the role says to enter on the Management Node.
        secrets_file: where it left the secrets.
        ca_path: the CA to trust.

    Raises:
        Failed: one of them lacks something.
    """
    secrets = yaml.safe_load(secrets_file.read_text()) or {}
    authority = _need(connector, "oauth_token_endpoint").partition("/oauth2/")[0]
    client_id, client_secret = _need(connector, "oauth_client_id"), _need(secrets, "client_secret")
    credential: Credential = Confidential(authority, client_id, lambda: client_secret, "client_secret")
    if access == company.SERVICE_ACCOUNT:
        redirect_uri, user = _need(connector, "oauth_redirect_uri"), _need(connector, "username")
        password = _need(secrets, "service_account_password")
        credential = AuthorizationCode(authority, client_id, client_secret, redirect_uri, user, password, ca_path)
    return Tokens(credential, make_session(ca_path, TIMEOUT), Deadline(TIMEOUT))


def _need(values: Mapping[str, Any], name: str) -> str:
    if not values.get(name):
        raise Failed(f"the role gave no {name}")
    return str(values[name])
