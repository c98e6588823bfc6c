# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of an integration with Exchange: option and field have the same name, and each its type and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._plan import Refused
from ._properties import Property, same


def same_lines(wanted: Any, actual: Any) -> bool:
    """Equal texts, whichever way their lines end: the node returns CRLF."""
    return same(_lines(wanted), _lines(actual))


def _lines(value: Any) -> Any:
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


def _names(text: str) -> list[str]:
    return text.split()


def _of(kind: str, names: str) -> list[Property]:
    return [Property(name, name, kind) for name in _names(names)]


def _choice(name: str, *choices: str) -> Property:
    return Property(name, name, choices=choices)


AUTHENTICATION_METHODS = ("BASIC", "NTLM", "KERBEROS", "OAUTH", "APP_PERM")
SECRETS = ("password", "oauth_client_secret", "personal_vmr_oauth_client_secret")
TEMPLATES = _names("""
    meeting_instructions_template personal_vmr_instructions_template personal_vmr_location_template
    personal_vmr_name_template personal_vmr_description_template placeholder_instructions_template
    conference_name_template conference_description_template conference_subject_template
    scheduled_alias_description_template accept_new_single_meeting_template accept_new_recurring_series_template
    accept_edited_single_meeting_template accept_edited_recurring_series_template accept_edited_occurrence_template
    reject_general_error_template reject_alias_conflict_template reject_alias_deleted_template
    reject_invalid_alias_id_template reject_single_meeting_past reject_recurring_series_past_template
""")
TEXTS = _names("""
    addin_display_name addin_description addin_provider_name addin_button_label addin_group_label addin_supertip_title
    addin_supertip_description addin_pane_title addin_pane_description addin_pane_button_title
    addin_pane_success_heading addin_pane_success_message addin_pane_already_video_meeting_heading
    addin_pane_already_video_meeting_message addin_pane_general_error_heading addin_pane_general_error_message
    addin_pane_management_node_down_heading addin_pane_management_node_down_message addin_pane_personal_vmr_add_button
    addin_pane_personal_vmr_sign_in_button addin_pane_personal_vmr_select_message addin_pane_personal_vmr_none_message
    addin_pane_personal_vmr_error_getting_message addin_pane_personal_vmr_error_signing_in_message
    addin_pane_personal_vmr_error_inserting_meeting_message
""")
ADDRESSES = _names("""
    url oauth_auth_endpoint oauth_token_endpoint oauth_redirect_uri kerberos_kdc kerberos_kdc_https_proxy
    kerberos_exchange_spn addin_authority_url addin_oidc_metadata_url office_js_url microsoft_fabric_url
    microsoft_fabric_components_url personal_vmr_oauth_auth_endpoint personal_vmr_oauth_token_endpoint
    personal_vmr_adfs_relying_party_trust_identifier
""")

FIELDS: tuple[Property, ...] = (
    *_of("str", "name uuid description username room_mailbox_email_address room_mailbox_name oauth_client_id"),
    *_of("str", " ".join(ADDRESSES)),
    _choice("authentication_method", *AUTHENTICATION_METHODS),
    *_of("bool", "disable_proxy kerberos_enable_tls kerberos_auth_every_request kerberos_verify_tls_using_custom_ca"),
    *_of("str", "kerberos_realm scheduled_alias_prefix scheduled_alias_domain"),
    *_of("int", "scheduled_alias_suffix_length meeting_buffer_before meeting_buffer_after"),
    *_of("bool", "enable_dynamic_vmrs enable_personal_vmrs allow_new_users"),
    *_of("str", "host_identity_provider_group ivr_theme"),
    _choice("non_idp_participants", "disallow_all", "allow_if_trusted"),
    *_of("str", "addin_server_domain addin_application_id addin_naa_web_api_application_id"),
    _choice("addin_authentication_method", "EXCHANGE_USER_ID_TOKEN", "SSO_TOKEN", "NAA_TOKEN"),
    *_of("bool", "use_custom_add_in_sources enable_addin_debug_logs"),
    Property("additional_add_in_script_sources", "additional_add_in_script_sources", compare=same_lines),
    _choice("auth_provider", "ADFS", "AZURE"),
    *_of("str", "personal_vmr_oauth_client_id"),
    *(Property(name, name, compare=same_lines) for name in TEXTS),
    *(Property(name, name, compare=same_lines) for name in TEMPLATES),
)

# The longest texts that the node takes.
LONGEST: Mapping[str, int] = {
    **dict.fromkeys(("name", "description", "room_mailbox_name", "kerberos_realm", *TEXTS), 250),
    **dict.fromkeys(ADDRESSES, 255),
    **dict.fromkeys(("username", "password", "room_mailbox_email_address"), 100),
    **dict.fromkeys(("scheduled_alias_domain", "addin_server_domain"), 192),
    **dict.fromkeys(TEMPLATES, 12288),
    "scheduled_alias_prefix": 8,
    "additional_add_in_script_sources": 4096,
}
RANGES: Mapping[str, tuple[int, int]] = {
    "scheduled_alias_suffix_length": (5, 15),
    "meeting_buffer_before": (0, 180),
    "meeting_buffer_after": (0, 180),
}
REFERENCES = {"host_identity_provider_group": "identity_provider_group", "ivr_theme": "ivr_theme"}
# Without these the scheduler cannot sign in.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "APP_PERM": ("url", "oauth_client_id", "oauth_token_endpoint", "room_mailbox_email_address"),
    "OAUTH": (
        "url",
        "username",
        "oauth_client_id",
        "oauth_auth_endpoint",
        "oauth_token_endpoint",
        "oauth_redirect_uri",
        "room_mailbox_email_address",
    ),
}


def check_options(options: Mapping[str, Any]) -> None:
    """Raise Refused for what no node would accept."""
    for option, most in LONGEST.items():
        value = options[option]
        if value is not None and len(value) > most:
            raise Refused(f"it has {len(value)} characters.", option, f"The Management Node takes {most} at most.")
    for option, (least, most) in RANGES.items():
        value = options[option]
        if value is not None and not least <= value <= most:
            raise Refused(f"{value} is out of range.", option, f"Give a number from {least} to {most}.")
    for option in ("name", "addin_server_domain"):
        if options[option] is not None and not options[option].strip():
            raise Refused("it is empty.", option)
    for option, resource in REFERENCES.items():
        value = options[option]
        if value and not re.fullmatch(rf"/api/admin/configuration/v1/{resource}/\d+/", value):
            raise Refused(
                f"{value} is no resource URI.", option, f"Write it as /api/admin/configuration/v1/{resource}/1/."
            )
    address = options["room_mailbox_email_address"]
    if address and not re.fullmatch(r"[^@\s:]+@[^@\s:]+", address):
        raise Refused(f"{address!r} is no address.", "room_mailbox_email_address", "Write it as name@domain.")
