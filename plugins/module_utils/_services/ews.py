# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange Web Services through exchangelib, with a token from the same msal as everything else."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from .._transport.errors import MissingLibrary
from .._transport.session import make_adapter

if TYPE_CHECKING:
    from .._transport.auth import Tokens


def import_exchangelib() -> Any:
    """The exchangelib module. Raises MissingLibrary."""
    try:
        import exchangelib
    except ImportError as error:
        raise MissingLibrary("exchangelib", traceback.format_exc()) from error
    return exchangelib


def account(
    mailbox: str,
    tokens: Tokens,
    resource: str,
    url: str,
    ca_path: str | None,
    timeout: float,
    impersonate: bool,
    time_zone: str = "UTC",
) -> Any:
    """An exchangelib Account for a mailbox.

    Args:
        mailbox: its primary SMTP address.
        tokens: where the access token comes from.
        resource: what the token is asked for.
        url: base address of Exchange Online.
        ca_path: a CA file that wins over REQUESTS_CA_BUNDLE; None for the system's.
        timeout: seconds for one request.
        impersonate: whether the caller acts as the mailbox's owner (ExchangeImpersonation), else with its own rights.
        time_zone: IANA name of the zone in which times are given.

    The version is pinned: guessing it costs a request and hides the service's errors behind its own. What the account is
    asked raises Untrusted and BadAnswer beside exchangelib's errors.
    """
    exchangelib = import_exchangelib()
    from exchangelib.protocol import BaseProtocol
    from oauthlib.oauth2 import OAuth2Token

    token = OAuth2Token({"access_token": tokens.token(resource), "token_type": "Bearer"})
    made_for = (ca_path, timeout, token["access_token"])
    if getattr(BaseProtocol.HTTP_ADAPTER_CLS, "made_for", None) != made_for:
        # exchangelib keeps connections for the process, whichever adapter or token a later account has.
        exchangelib.close_connections()
        BaseProtocol.HTTP_ADAPTER_CLS = type("Adapter", (make_adapter(ca_path, timeout),), {"made_for": made_for})
    credentials = exchangelib.OAuth2AuthorizationCodeCredentials(access_token=token)
    configuration = exchangelib.Configuration(
        service_endpoint=f"{url}/EWS/Exchange.asmx",
        credentials=credentials,
        auth_type=exchangelib.OAUTH2,
        version=exchangelib.Version(exchangelib.Build(15, 20, 9115, 20), api_version="Exchange2016"),
    )
    found = exchangelib.Account(
        primary_smtp_address=mailbox,
        config=configuration,
        autodiscover=False,
        access_type=exchangelib.IMPERSONATION if impersonate else exchangelib.DELEGATE,
        default_timezone=exchangelib.EWSTimeZone(time_zone),
    )
    # Else it is looked up, which costs a request and takes rights on all of the mailbox.
    found.root = exchangelib.folders.Root(account=found)
    return found


def calendar(account: Any) -> Any:
    """The calendar of an account, by the name that the service has for it; ``account.calendar`` looks it up first."""
    from exchangelib import Mailbox
    from exchangelib.folders import Calendar
    from exchangelib.properties import DistinguishedFolderId

    name = DistinguishedFolderId(
        id=Calendar.DISTINGUISHED_FOLDER_ID, mailbox=Mailbox(email_address=account.primary_smtp_address)
    )
    return Calendar(_distinguished_id=name, root=account.root)
