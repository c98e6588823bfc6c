# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of the Management Node's resources: types, defaults and limits.

Names, types and limits of ms_exchange_connector are those of a node's schema page (May 2026) and of Pexip's Terraform
provider. Default texts and templates are this simulator's own words with the provider's variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

NOTHING = object()
"""No default: the field has to be given, unless it may be null."""


@dataclass(frozen=True)
class Field:
    """One field of a resource.

    Args:
        name, type: tastypie's type: string, integer, boolean, datetime or related.
        default: what it is when it was not given.
        least, most: limits of a number, or of a text's length.
        choices: the accepted values, () for any.
        null: whether it may be null; a text that may be is never empty.
        read_only: ignored when written.
        secret: never read.
        related: the resource that it refers to.
    """

    name: str
    type: str = "string"
    default: Any = ""
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    null: bool = False
    read_only: bool = False
    secret: bool = False
    related: str = ""

    def schema(self, many: bool = False) -> dict[str, Any]:
        """How the schema page describes it."""
        described: dict[str, Any] = {
            "blank": self.default is not NOTHING,
            "default": "No default provided." if self.default is NOTHING else self.default,
            "help_text": self._help(),
            "nullable": self.null,
            "readonly": self.read_only,
            "type": self.type,
            "unique": self.name in ("id", "uuid", "name", "resource_uri"),
        }
        if self.choices:
            described["valid_choices"] = list(self.choices)
        if self.related:
            described["related_type"] = "to_many" if many else "to_one"
        return described

    def _help(self) -> str:
        words = [f"The {self.name.replace('_', ' ')}."]
        if self.type == "string" and self.most:
            words.append(f"Maximum length: {self.most} characters.")
        if self.type == "integer" and self.most:
            words.append(f"Range: {self.least} to {self.most}. Default: {self.default}.")
        return " ".join(words)


def _texts(most: int, **defaults: str) -> list[Field]:
    return [Field(name, default=default, most=most) for name, default in defaults.items()]


def _switches(**defaults: bool) -> list[Field]:
    return [Field(name, "boolean", default) for name, default in defaults.items()]


def _nullable(most: int | None, *names: str, least: int | None = None) -> list[Field]:
    return [Field(name, default=None, most=most, least=least, null=True) for name in names]


_KEY = Field("id", "integer", NOTHING, read_only=True)
_URI = Field("resource_uri", default=NOTHING, read_only=True)
_NAME = Field("name", default=NOTHING, least=1, most=250)

CONNECTOR = [
    _KEY,
    Field("uuid", default=None),
    _URI,
    _NAME,
    *_texts(250, description="", room_mailbox_name=""),
    *_texts(255, url="", oauth_auth_endpoint="", oauth_token_endpoint="", oauth_redirect_uri=""),
    *_texts(100, username=""),
    Field("password", most=100, secret=True),
    Field("authentication_method", default="BASIC", choices=("BASIC", "NTLM", "KERBEROS", "OAUTH", "APP_PERM")),
    *_nullable(100, "room_mailbox_email_address"),
    *_switches(disable_proxy=False),
    Field("domains", "related", None, null=True, related="exchange_domain"),
    *_nullable(None, "oauth_client_id"),
    Field("oauth_client_secret", secret=True),
    Field("oauth_refresh_token", most=4096),
    Field("oauth_state", default=None, null=True, read_only=True),
    *_texts(250, kerberos_realm=""),
    *_texts(255, kerberos_kdc="", kerberos_kdc_https_proxy="", kerberos_exchange_spn=""),
    *_switches(kerberos_enable_tls=True, kerberos_auth_every_request=False, kerberos_verify_tls_using_custom_ca=False),
    *_nullable(8, "scheduled_alias_prefix", least=1),
    *_texts(192, scheduled_alias_domain=""),
    Field("scheduled_alias_suffix_length", "integer", 6, 5, 15),
    Field("meeting_buffer_before", "integer", 30, 0, 180),
    Field("meeting_buffer_after", "integer", 60, 0, 180),
    *_switches(enable_dynamic_vmrs=True, enable_personal_vmrs=False, allow_new_users=True),
    Field("host_identity_provider_group", "related", None, null=True, related="identity_provider_group"),
    Field("non_idp_participants", default="disallow_all", choices=("disallow_all", "allow_if_trusted")),
    Field("ivr_theme", "related", None, null=True, related="ivr_theme"),
    Field("addin_server_domain", default=NOTHING, least=1, most=192),
    Field(
        "addin_authentication_method",
        default="EXCHANGE_USER_ID_TOKEN",
        choices=("EXCHANGE_USER_ID_TOKEN", "SSO_TOKEN", "NAA_TOKEN"),
    ),
    *_nullable(None, "addin_application_id", "addin_naa_web_api_application_id"),
    *_texts(255, addin_authority_url="", addin_oidc_metadata_url=""),
    *_switches(use_custom_add_in_sources=False, enable_addin_debug_logs=False),
    *_texts(
        255,
        office_js_url="https://appsforoffice.microsoft.com/lib/1/hosted/office.js",
        microsoft_fabric_url="https://appsforoffice.microsoft.com/fabric/1.0/fabric.min.css",
        microsoft_fabric_components_url="https://appsforoffice.microsoft.com/fabric/1.0/fabric.components.min.css",
    ),
    *_texts(4096, additional_add_in_script_sources=""),
    *_texts(
        250,
        addin_display_name="Pexip Scheduling Service",
        addin_description="Turns meetings into Pexip meetings",
        addin_provider_name="Pexip",
        addin_button_label="Create a Pexip meeting",
        addin_group_label="Pexip meeting",
        addin_supertip_title="Makes this a Pexip meeting",
        addin_supertip_description="Adds a virtual meeting room, and how to join it, to this meeting",
        addin_pane_title="Add a VMR",
        addin_pane_description="This assigns a Virtual Meeting Room for your meeting",
        addin_pane_button_title="Add a Single-use VMR",
        addin_pane_success_heading="Success",
        addin_pane_success_message="The meeting has a virtual meeting room now.",
        addin_pane_already_video_meeting_heading="VMR already assigned",
        addin_pane_already_video_meeting_message="This meeting has a virtual meeting room already.",
        addin_pane_general_error_heading="Error",
        addin_pane_general_error_message="There was a problem adding the joining instructions. Please try again.",
        addin_pane_management_node_down_heading="Cannot assign a VMR right now",
        addin_pane_management_node_down_message="How to join follows by mail once the meeting was sent.",
        addin_pane_personal_vmr_add_button="Add a Personal VMR",
        addin_pane_personal_vmr_sign_in_button="Sign In",
        addin_pane_personal_vmr_select_message="Select the VMR you want to add to the meeting",
        addin_pane_personal_vmr_none_message="You do not have any personal VMRs",
        addin_pane_personal_vmr_error_getting_message="There was a problem getting your personal VMRs. Please try again.",
        addin_pane_personal_vmr_error_signing_in_message="There was a problem signing you in. Please try again.",
        addin_pane_personal_vmr_error_inserting_meeting_message=(
            "There was a problem adding the joining instructions. Please try again."
        ),
    ),
    Field("auth_provider", default="ADFS", choices=("ADFS", "AZURE")),
    Field("personal_vmr_oauth_client_id", default="4189c2b4-92ca-416c-b7ea-bc3cfab3d0f0", null=True),
    Field("personal_vmr_oauth_client_secret", secret=True),
    *_texts(
        255,
        personal_vmr_oauth_auth_endpoint="",
        personal_vmr_oauth_token_endpoint="",
        personal_vmr_adfs_relying_party_trust_identifier="",
    ),
    *_texts(
        12288,
        meeting_instructions_template="<div>Join this meeting:<br>\r\nfrom a video system: {{alias}}<br>\r\n"
        'from a browser: <a href="https://{{addin_server_domain}}/webapp/#/?conference={{alias}}">'
        "{{addin_server_domain}}</a><br>\r\nby telephone: {{numeric_alias}} #<br>\r\n{{alias_uuid}}</div>",
        personal_vmr_instructions_template="<div>Join my room:<br>\r\n"
        "{% for alias in domain_aliases %}{{alias}}<br>\r\n{% endfor %}</div>",
        personal_vmr_location_template="https://{{addin_server_domain}}/webapp/#/?conference={{domain_aliases[0]}}",
        personal_vmr_name_template="{{name}}",
        personal_vmr_description_template="{{description}}",
        placeholder_instructions_template="<div>This meeting has a virtual meeting room.<br>\r\nHow to join follows in "
        "another mail.</div>",
        conference_name_template="{{subject}} ({{organizer_name}})",
        conference_description_template="Scheduled Conference booked by {{organizer_email}}",
        conference_subject_template="{{subject}}",
        scheduled_alias_description_template="Scheduled Conference booked by {{organizer_email}}",
        accept_new_single_meeting_template="<div>The meeting is scheduled.<br>\r\nIts aliases are {{alias}} and "
        "{{numeric_alias}}.</div>",
        accept_new_recurring_series_template="<div>The series is scheduled.<br>\r\nIts aliases are {{alias}} and "
        "{{numeric_alias}}.</div>",
        accept_edited_single_meeting_template="<div>The meeting is rescheduled.<br>\r\nIts aliases are {{alias}} and "
        "{{numeric_alias}}.</div>",
        accept_edited_recurring_series_template="<div>The series is rescheduled.<br>\r\nIts aliases are {{alias}} and "
        "{{numeric_alias}}.</div>",
        accept_edited_occurrence_template="<div>This meeting of the series is rescheduled.<br>\r\nIts aliases are "
        "{{alias}} and {{numeric_alias}}.</div>",
        reject_general_error_template="<div>The meeting could not be scheduled.<br>\r\nTell your administrator "
        'CorrelationID="{{correlation_id}}".</div>',
        reject_alias_conflict_template="<div>The meeting could not be scheduled: another room uses {{alias}}.</div>",
        reject_alias_deleted_template="<div>The meeting could not be scheduled: its alias was deleted.</div>",
        reject_invalid_alias_id_template="<div>The meeting could not be scheduled: it lacks what the add-in puts into "
        "it.<br>\r\nMake a new one with the add-in, and leave its text as it is.</div>",
        reject_single_meeting_past="<div>The meeting could not be scheduled: it is over.</div>",
        reject_recurring_series_past_template="<div>The series could not be scheduled: it is over.</div>",
    ),
    Field("private_key", default=None, null=True, read_only=True, most=12288),
    Field("public_key", default=None, read_only=True, most=12288),
]


@dataclass(frozen=True)
class Resource:
    """One resource of the API.

    Args:
        fields: in the order of the schema.
        methods: what is allowed on the list and on one object.
        singular: how errors call one of them.
    """

    fields: tuple[Field, ...]
    methods: tuple[str, ...] = ("get", "post", "put", "delete", "patch")
    singular: str = "object"

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((one for one in self.fields if one.name == name), None)


def _resource(fields: Iterable[Field], *methods: str, singular: str = "object") -> Resource:
    return Resource(tuple(fields), methods or Resource.methods, singular)


_CONNECTOR_REFERENCE = Field("exchange_connector", "related", NOTHING, related="ms_exchange_connector")

CONFIGURATION: Mapping[str, Resource] = {
    "ms_exchange_connector": _resource(CONNECTOR, singular="Secure Scheduler for Exchange Integration"),
    "exchange_domain": _resource(
        [
            _KEY,
            _URI,
            Field("domain", default=NOTHING, least=1, most=192),
            _CONNECTOR_REFERENCE,
            Field("creation_time", "datetime", None, null=True, read_only=True),
        ],
        singular="Exchange Metadata Domain",
    ),
    "scheduled_alias": _resource(
        [
            _KEY,
            _URI,
            *_texts(250, alias="", numeric_alias=""),
            Field("alias_number", "integer", 0),
            Field("uuid", default=None),
            _CONNECTOR_REFERENCE,
            *_switches(is_used=False),
            *_nullable(250, "ews_item_uid"),
            Field("creation_time", "datetime", None, null=True, read_only=True),
        ]
    ),
    "scheduled_conference": _resource(
        [
            _KEY,
            _URI,
            *_texts(250, conference="", subject=""),
            *_texts(4096, ews_item_id="", ews_item_uid=""),
            Field("start_time", "datetime", None, null=True),
            Field("end_time", "datetime", None, null=True),
            Field("scheduled_alias", "related", None, null=True, related="scheduled_alias"),
        ]
    ),
    "identity_provider_group": _resource([_KEY, _URI, _NAME, *_texts(250, description="")]),
    "ivr_theme": _resource([_KEY, _URI, _NAME]),
    "authentication": _resource(
        [
            _KEY,
            _URI,
            *_switches(api_oauth2_disable_basic=False, api_oauth2_allow_all_perms=False),
            Field("api_oauth2_expiration", "integer", 3600, 60, 86400),
        ],
        "get",
        "patch",
    ),
}

STATUS: Mapping[str, Resource] = {
    "exchange_scheduler": _resource(
        [
            _KEY,
            _URI,
            Field("exchange_connector_id", "integer", None),
            Field("last_modified_time", "datetime", None, null=True),
        ],
        "get",
    ),
    "scheduling_operation": _resource(
        [
            _KEY,
            _URI,
            *_switches(success=True),
            *_texts(250, error_code=""),
            *_texts(4096, error_description=""),
            Field("resource_id", "integer", None, null=True),
            Field("transaction_uuid"),
            Field("creation_time", "datetime", None, null=True),
        ],
        "get",
    ),
}
