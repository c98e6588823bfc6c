# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each module that signs in may be asked for, on a tenant with the SEED here; ``client_id`` is a variable."""

from __future__ import annotations

from typing import Any

from .manifest import manifest

Data = dict[str, Any]

PASSWORD = "Pass-word+4711-of-the-account"
APP = "3f0f6a7e-8a7e-4d0e-9d0e-6f3b8c1a2b4d"
READER: Data = {
    "name": "Reader",
    "client_id": "7f2b1f5e-5d39-4c7e-9a0e-1f0d6b3a2c11",
    "client_secret": "reader-secret-of-the-simulated-tenant",
    "exchange_roles": ["full_access_as_app"],
}
SEED: Data = {"impersonation_role": True, "apps": [READER]}
CALENDAR: Data = {
    **{name: READER[name] for name in ("client_id", "client_secret")},
    **{"start": "2026-12-07", "end": "2026-12-14", "backend": "ews"},
}

# For each module: one that does something, one that fails at the service or before it.
WORK: dict[str, tuple[Data, Data]] = {
    "o365_calendar_info": (
        {**CALENDAR, "mailbox": "alice@contoso.com"},
        {**CALENDAR, "mailbox": "nobody@contoso.com"},
    ),
    "o365_equipment_mailbox": (
        {"name": "VMR", "primary_smtp_address": "vmr@contoso.com", "calendar_processing": {"delete_comments": False}},
        {"name": "VMR", "primary_smtp_address": "vmr@fabrikam.com"},
    ),
    "o365_ews_access": ({"app_ids": [APP], "cut_off_others": True}, {"app_ids": ["none"]}),
    "o365_impersonation": (
        {"name": "Pexip", "app_id": "{{ client_id }}", "scope": {"group": "vmr-users@contoso.com"}},
        {"name": "Pexip", "app_id": "{{ client_id }}", "scope": {"group": "nobody@contoso.com"}},
    ),
    "o365_mailbox_delegate": (
        {"mailbox": "alice@contoso.com", "delegate": "bob@contoso.com", "access_rights": ["FullAccess"]},
        {"mailbox": "alice@contoso.com", "delegate": "nobody@contoso.com", "access_rights": ["FullAccess"]},
    ),
    "o365_oauth_app": (
        {"unique_name": "pexip", "display_name": "Pexip", "secret": {"display_name": "first"}},
        {"app_id": APP, "display_name": "Pexip"},
    ),
    "o365_outlook_addin": ({"manifest": manifest()}, {"manifest_path": "/no/such/file.xml"}),
    "o365_service_account": (
        {"user_principal_name": "pexip@contoso.com", "display_name": "Pexip", "wait_for_mailbox": False},
        {"user_principal_name": "x@fabrikam.com", "display_name": "X", "password": PASSWORD, "wait_for_mailbox": False},
    ),
    "o365_tenant_info": ({}, {"client_secret": "wrong-secret-4711"}),
    "pexip_exchange_connector": (
        {
            "name": "Microsoft 365",
            "addin_server_domain": "join.contoso.com",
            "authentication_method": "APP_PERM",
            "url": "https://outlook.office365.com/EWS/Exchange.asmx",
            "oauth_client_id": APP,
            "oauth_token_endpoint": "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token",
            "room_mailbox_email_address": "vmr@contoso.com",
        },
        {"name": "Microsoft 365", "node_client_id": "nobody"},
    ),
}
