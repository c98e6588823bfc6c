# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs in: the registered app by itself, or through it the service account. Secrets come from the role's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.vmrops.o365.plugins.module_utils._transport.auth import Confidential, Credential, Tokens
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.http import make_session

from . import company
from .report import Failed
from .sign_in import AuthorizationCode

TIMEOUT = 30.0


def tokens(access: str, endpoints: Mapping[str, str], secrets_file: Path) -> Tokens:
    """Tokens of whoever Pexip's scheduler would be. Raises Failed when the secrets file lacks something."""
    secrets = yaml.safe_load(secrets_file.read_text()) or {}
    authority = f"{endpoints['login_url']}/{endpoints['tenant_id']}"
    client_id, client_secret = _need(secrets, "client_id"), _need(secrets, "client_secret")
    credential: Credential = Confidential(authority, client_id, lambda: client_secret, "client_secret")
    if access == company.SERVICE_ACCOUNT:
        credential = AuthorizationCode(
            authority,
            client_id,
            client_secret,
            f"https://{company.MANAGEMENT_NODE}/admin/platform/msexchangeconnector/oauth_redirect/",
            company.ACCOUNT,
            _need(secrets, "password"),
        )
    return Tokens(credential, make_session(endpoints["ca_path"], TIMEOUT), Deadline(TIMEOUT))


def _need(secrets: Mapping[str, Any], name: str) -> str:
    if not secrets.get(name):
        raise Failed(f"the role's secrets file has no {name}")
    return str(secrets[name])
