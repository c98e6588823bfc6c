#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pexip_exchange_connector
short_description: Manage the integration of a Pexip Management Node with Exchange
version_added: 0.1.0
description:
  - Creates, changes and removes an integration of the Secure Scheduler for Exchange on a Pexip Infinity Management Node,
    over its management API (C(ms_exchange_connector)), and shows when its scheduler last did something.
  - B(Pexip's own schema page says that this resource is not meant to be used directly, and that only the Secure Scheduler
    for Exchange service should change it.) Pexip's Terraform provider manages it all the same, as a beta. So does this
    module; it may stop working with any version of the node. Try it on a node that nobody depends on, and keep a backup.
  - The values for O(url), O(oauth_client_id), O(oauth_token_endpoint), O(room_mailbox_email_address) and so on are those
    that the role P(vmrops.o365.vmr_scheduling#role) hands over as C(vmr_scheduling_connector); O(oauth_client_secret) is
    in C(vmr_scheduling_secrets).
  - Options that are left out are left alone. The module asks the node which fields its version has; one that is given and
    that the node does not have is refused before anything is written.
  - With O(authentication_method=OAUTH) an administrator has to sign in on the node as the service account once the
    integration is there; nobody can do that by API. RV(connector.signed_in) tells whether it was done.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.infinity
  - vmrops.o365.infinity.action_group
  - vmrops.o365.attributes
attributes:
  idempotent:
    support: partial
    details: With O(update_secrets=always) every run writes the secrets and is changed.
options:
  name:
    description:
      - The name of the integration, by which it is found.
      - It cannot be renamed with this module; another name is another integration.
    type: str
    required: true
  state:
    description:
      - Whether the integration is there.
      - With V(absent) the node removes its Exchange metadata domains and unused aliases with it.
    type: str
    choices: [present, absent]
    default: present
  update_secrets:
    description:
      - When O(password), O(oauth_client_secret) and O(personal_vmr_oauth_client_secret) are written to an integration
        that is there. The node never returns them, so they cannot be compared. A new integration always gets them.
      - V(on_create) leaves them alone.
      - V(always) writes them in every run, which is then always changed.
      - V(when_changed) writes those that differ from the last ones that were written, as the fingerprints in
        O(fingerprint_path) tell. What somebody else wrote meanwhile does not show.
    type: str
    choices: [on_create, always, when_changed]
    default: on_create
  fingerprint_path:
    description:
      - A file on the machine that runs the module, for the fingerprints of the secrets (PBKDF2, salted), one file per
        integration. Only its owner may read it.
      - Needed with O(update_secrets=when_changed).
    type: path
  description:
    description:
      - A free text, 250 characters at most.
    type: str
  uuid:
    description:
      - The unique id of the integration. The node makes one when it is left out.
    type: str
  authentication_method:
    description:
      - How the scheduler signs in to Exchange.
      - V(APP_PERM) is the app's own sign-in, which Exchange Online and Pexip recommend; V(OAUTH) that of a service
        account, for which an administrator signs in on the node afterwards; the others are for Exchange on premises.
    type: str
    choices: [BASIC, NTLM, KERBEROS, OAUTH, APP_PERM]
  url:
    description:
      - The address of Exchange Web Services, for Microsoft 365 V(https://outlook.office365.com/EWS/Exchange.asmx).
    type: str
  username:
    description:
      - The name of the service account, where there is one.
    type: str
  password:
    description:
      - The password of the service account, for the methods on premises. See O(update_secrets).
    type: str
  room_mailbox_email_address:
    description:
      - The address of the equipment resource whose mailbox the scheduler watches.
      - An address that another integration uses is refused; two schedulers at one mailbox reject each other's
        meetings. That holds across Management Nodes too, which this module cannot see.
    type: str
  room_mailbox_name:
    description:
      - The name of the equipment resource, as people see it.
    type: str
  disable_proxy:
    description:
      - Whether the integration goes past the Management Node's web proxy.
    type: bool
  domains:
    description:
      - The Exchange metadata domains or URLs of the integration, all of them; one that is not named is removed, an
        empty list removes all.
    type: list
    elements: str
  oauth_client_id:
    description:
      - The application (client) id of the app registration.
    type: str
  oauth_client_secret:
    description:
      - The client secret of the app registration. See O(update_secrets).
    type: str
  oauth_auth_endpoint:
    description:
      - The authorization endpoint of the tenant, with O(authentication_method=OAUTH).
    type: str
  oauth_token_endpoint:
    description:
      - The token endpoint of the tenant.
    type: str
  oauth_redirect_uri:
    description:
      - Where the sign-in leads back to, as registered with the app, with O(authentication_method=OAUTH). Its form is
        V(https://infinity.example.com/admin/platform/msexchangeconnector/oauth_redirect/), with the slash at its end.
    type: str
  kerberos_realm:
    description:
      - The Kerberos realm, for Exchange on premises.
    type: str
  kerberos_kdc:
    description:
      - The address of the Kerberos key distribution center.
    type: str
  kerberos_kdc_https_proxy:
    description:
      - The URL of the key distribution center's HTTPS proxy.
    type: str
  kerberos_exchange_spn:
    description:
      - The service principal name of Exchange.
    type: str
  kerberos_enable_tls:
    description:
      - Whether everything to the key distribution center goes through its HTTPS proxy, by TLS.
    type: bool
  kerberos_auth_every_request:
    description:
      - Whether every request to Exchange carries a Kerberos header.
    type: bool
  kerberos_verify_tls_using_custom_ca:
    description:
      - Whether the HTTPS proxy's certificate is verified with the authorities uploaded to the node.
    type: bool
  scheduled_alias_prefix:
    description:
      - What generated aliases begin with, 8 characters at most.
    type: str
  scheduled_alias_domain:
    description:
      - The domain of generated aliases.
    type: str
  scheduled_alias_suffix_length:
    description:
      - How many random digits a generated alias has, 5 to 15.
    type: int
  meeting_buffer_before:
    description:
      - How many minutes before its meeting a room opens, 0 to 180.
    type: int
  meeting_buffer_after:
    description:
      - How many minutes after its meeting a room can still be joined, 0 to 180.
    type: int
  enable_dynamic_vmrs:
    description:
      - Whether people may book single-use rooms.
    type: bool
  enable_personal_vmrs:
    description:
      - Whether people may book their personal rooms.
    type: bool
  allow_new_users:
    description:
      - Whether people without a user record on the node may use the add-in.
    type: bool
  host_identity_provider_group:
    description:
      - The resource URI of the identity provider group with which participants have to sign in; an empty text for
        none.
    type: str
  non_idp_participants:
    description:
      - What becomes of devices that cannot sign in with an identity provider.
    type: str
    choices: [disallow_all, allow_if_trusted]
  ivr_theme:
    description:
      - The resource URI of the theme of the meetings; an empty text for none.
    type: str
  addin_server_domain:
    description:
      - The host name of the Conferencing Node or reverse proxy that serves the add-in, with a valid certificate. A
        new integration needs it.
    type: str
  addin_authentication_method:
    description:
      - The kind of token with which the add-in proves who uses it. A change to or from V(SSO_TOKEN) needs a new
        manifest of the add-in.
    type: str
    choices: [EXCHANGE_USER_ID_TOKEN, SSO_TOKEN, NAA_TOKEN]
  addin_application_id:
    description:
      - The application (client) id of the registration for the add-in's sign-in.
    type: str
  addin_naa_web_api_application_id:
    description:
      - The application (client) id of the Web API's registration, with V(NAA_TOKEN).
    type: str
  addin_authority_url:
    description:
      - The authority URL of the add-in's registration.
    type: str
  addin_oidc_metadata_url:
    description:
      - The address of the OpenID Connect metadata document for the add-in's sign-in.
    type: str
  use_custom_add_in_sources:
    description:
      - Whether the add-in's scripts and styles come from the addresses below instead of the public ones.
    type: bool
  enable_addin_debug_logs:
    description:
      - Whether the add-in shows its debug log, to everybody.
    type: bool
  office_js_url:
    description:
      - Where the Office.js library comes from.
    type: str
  microsoft_fabric_url:
    description:
      - Where the Microsoft Fabric styles come from.
    type: str
  microsoft_fabric_components_url:
    description:
      - Where the styles of the Microsoft Fabric components come from.
    type: str
  additional_add_in_script_sources:
    description:
      - Addresses of more scripts, each on a line of its own.
    type: str
  addin_display_name:
    description:
      - The name of the add-in.
    type: str
  addin_description:
    description:
      - The description of the add-in.
    type: str
  addin_provider_name:
    description:
      - Who provides the add-in.
    type: str
  addin_button_label:
    description:
      - The label of the add-in's button.
    type: str
  addin_group_label:
    description:
      - The name of the group that the button stands in.
    type: str
  addin_supertip_title:
    description:
      - The title of the button's tip.
    type: str
  addin_supertip_description:
    description:
      - The text of the button's tip.
    type: str
  addin_pane_title:
    description:
      - The title of the side pane.
    type: str
  addin_pane_description:
    description:
      - The description on the side pane.
    type: str
  addin_pane_button_title:
    description:
      - The label of the button for a single-use room.
    type: str
  addin_pane_success_heading:
    description:
      - The heading when a room was assigned.
    type: str
  addin_pane_success_message:
    description:
      - The text when a room was assigned.
    type: str
  addin_pane_already_video_meeting_heading:
    description:
      - The heading when the meeting has a room already.
    type: str
  addin_pane_already_video_meeting_message:
    description:
      - The text when the meeting has a room already.
    type: str
  addin_pane_general_error_heading:
    description:
      - The heading when something went wrong.
    type: str
  addin_pane_general_error_message:
    description:
      - The text when something went wrong.
    type: str
  addin_pane_management_node_down_heading:
    description:
      - The heading when the Management Node does not answer.
    type: str
  addin_pane_management_node_down_message:
    description:
      - The text when the Management Node does not answer.
    type: str
  addin_pane_personal_vmr_add_button:
    description:
      - The label of the button for a personal room.
    type: str
  addin_pane_personal_vmr_sign_in_button:
    description:
      - The label of the button to sign in.
    type: str
  addin_pane_personal_vmr_select_message:
    description:
      - The text that asks to choose a personal room.
    type: str
  addin_pane_personal_vmr_none_message:
    description:
      - The text for people without a personal room.
    type: str
  addin_pane_personal_vmr_error_getting_message:
    description:
      - The text when the personal rooms could not be listed.
    type: str
  addin_pane_personal_vmr_error_signing_in_message:
    description:
      - The text when the sign-in failed.
    type: str
  addin_pane_personal_vmr_error_inserting_meeting_message:
    description:
      - The text when the room could not be put into the meeting.
    type: str
  auth_provider:
    description:
      - With what people sign in to the add-in for their personal rooms.
    type: str
    choices: [ADFS, AZURE]
  personal_vmr_oauth_client_id:
    description:
      - The client id for the sign-in to personal rooms.
    type: str
  personal_vmr_oauth_client_secret:
    description:
      - The client secret for the sign-in to personal rooms. See O(update_secrets).
    type: str
  personal_vmr_oauth_auth_endpoint:
    description:
      - The authorization endpoint for the sign-in to personal rooms.
    type: str
  personal_vmr_oauth_token_endpoint:
    description:
      - The token endpoint for the sign-in to personal rooms.
    type: str
  personal_vmr_adfs_relying_party_trust_identifier:
    description:
      - The identifier of the relying party trust in AD FS.
    type: str
  meeting_instructions_template:
    description:
      - The joining instructions of a single-use room. Like all templates a Jinja2 text, 12288 characters at most;
        mark it C(!unsafe), or look it up in a file, or Ansible renders it. Line ends do not count as a difference.
    type: str
  personal_vmr_instructions_template:
    description:
      - The joining instructions of a personal room.
    type: str
  personal_vmr_location_template:
    description:
      - The location of a meeting in a personal room.
    type: str
  personal_vmr_name_template:
    description:
      - The name of a personal room on its button.
    type: str
  personal_vmr_description_template:
    description:
      - The description of a personal room.
    type: str
  placeholder_instructions_template:
    description:
      - The text of a meeting whose joining instructions follow by mail.
    type: str
  conference_name_template:
    description:
      - The name of a scheduled conference.
    type: str
  conference_description_template:
    description:
      - The description of a scheduled conference.
    type: str
  conference_subject_template:
    description:
      - The subject of a scheduled conference.
    type: str
  scheduled_alias_description_template:
    description:
      - The description of a scheduled conference's alias.
    type: str
  accept_new_single_meeting_template:
    description:
      - The answer to a new meeting.
    type: str
  accept_new_recurring_series_template:
    description:
      - The answer to a new series.
    type: str
  accept_edited_single_meeting_template:
    description:
      - The answer to a changed meeting.
    type: str
  accept_edited_recurring_series_template:
    description:
      - The answer to a changed series.
    type: str
  accept_edited_occurrence_template:
    description:
      - The answer to a changed meeting of a series.
    type: str
  reject_general_error_template:
    description:
      - The answer when something went wrong.
    type: str
  reject_alias_conflict_template:
    description:
      - The answer when another room has the alias.
    type: str
  reject_alias_deleted_template:
    description:
      - The answer when the alias was deleted.
    type: str
  reject_invalid_alias_id_template:
    description:
      - The answer to a meeting without what the add-in puts into it.
    type: str
  reject_single_meeting_past:
    description:
      - The answer to a meeting that is over.
    type: str
  reject_recurring_series_past_template:
    description:
      - The answer to a series that is over.
    type: str
"""

EXAMPLES = r"""
- name: Enter what the role made for Microsoft 365
  vmrops.o365.pexip_exchange_connector:
    node_url: https://infinity.contoso.com
    node_client_id: 3f0f6a7e-8a7e-4d0e-9d0e-6f3b8c1a2b4d
    node_private_key: "{{ lookup('ansible.builtin.file', 'node-client.pem') }}"
    name: Microsoft 365
    authentication_method: "{{ vmr_scheduling_connector.authentication_method }}"
    url: "{{ vmr_scheduling_connector.url }}"
    oauth_client_id: "{{ vmr_scheduling_connector.oauth_client_id }}"
    oauth_client_secret: "{{ vmr_scheduling_secrets.client_secret }}"
    oauth_token_endpoint: "{{ vmr_scheduling_connector.oauth_token_endpoint }}"
    room_mailbox_email_address: "{{ vmr_scheduling_connector.room_mailbox_email_address }}"
    room_mailbox_name: "{{ vmr_scheduling_connector.room_mailbox_name }}"
    addin_server_domain: join.contoso.com
    scheduled_alias_domain: contoso.com
    update_secrets: when_changed
    fingerprint_path: "{{ playbook_dir }}/secrets/connector.json"

- name: Say in our own words that a meeting has a room; what a lookup returns is not rendered by Ansible
  vmrops.o365.pexip_exchange_connector:
    node_url: https://infinity.contoso.com
    node_username: automation
    node_password: "{{ vault_node_password }}"
    name: Microsoft 365
    accept_new_single_meeting_template: "{{ lookup('ansible.builtin.file', 'accepted.html.j2') }}"

- name: Remove the integration
  vmrops.o365.pexip_exchange_connector:
    node_url: https://infinity.contoso.com
    node_username: automation
    node_password: "{{ vault_node_password }}"
    name: Microsoft 365
    state: absent
"""

RETURN = r"""
connector:
  description: The integration as the node shows it, without secrets; null when it is not there, and in check mode before it is.
  returned: success
  type: dict
  contains:
    id:
      description: Its number on the node.
      type: int
      sample: 1
    uuid:
      description: Its unique id.
      type: str
      sample: 9d3c1f46-6c0e-4b2e-8e58-0a8f5b0c6f11
    resource_uri:
      description: Its address in the API.
      type: str
      sample: /api/admin/configuration/v1/ms_exchange_connector/1/
    name:
      description: Its name.
      type: str
      sample: Microsoft 365
    authentication_method:
      description: How the scheduler signs in to Exchange.
      type: str
      sample: APP_PERM
    url:
      description: The address of Exchange Web Services.
      type: str
      sample: https://outlook.office365.com/EWS/Exchange.asmx
    username:
      description: The service account, if there is one.
      type: str
      sample: ""
    oauth_client_id:
      description: The application (client) id.
      type: str
      sample: 3f0f6a7e-8a7e-4d0e-9d0e-6f3b8c1a2b4d
    oauth_token_endpoint:
      description: The token endpoint.
      type: str
      sample: https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token
    room_mailbox_email_address:
      description: The equipment resource's address.
      type: str
      sample: vmr@contoso.com
    room_mailbox_name:
      description: The equipment resource's name.
      type: str
      sample: VMR scheduling
    addin_server_domain:
      description: The host that serves the add-in.
      type: str
      sample: join.contoso.com
    domains:
      description: The Exchange metadata domains.
      type: list
      elements: str
      sample: []
    signed_in:
      description: Whether the node holds a refresh token of the service account.
      type: bool
      sample: false
health:
  description:
    - What the node says of the integration's scheduler; null when the integration is not there, or when the account may not
      read the node's status.
  returned: success
  type: dict
  contains:
    last_modified_time:
      description: When the scheduler last processed something successfully; null for never.
      type: str
      sample: "2026-11-22T20:15:00.123456"
last_failure:
  description:
    - What failed last on the node, of whichever integration; null when nothing did, when the integration is not there, or when
      the node does not show it to the account.
  returned: success
  type: dict
  contains:
    id:
      description: The transaction.
      type: str
      sample: 0c9d8f52-7f0e-4d6c-a7c8-7f2f6f4a1b3e
    time:
      description: When it was; null when the node does not say.
      type: str
      sample: "2026-11-22T20:15:00.123456"
    code:
      description: The error's name.
      type: str
      sample: SignInFailed
    text:
      description: What went wrong.
      type: str
      sample: "AADSTS7000215: Invalid client secret provided."
steps:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    summary:
      description: The step in words.
      type: str
      sample: set the properties of the integration Microsoft 365
    service:
      description: Where it is done, C(infinity) or, for fingerprints, C(file).
      type: str
      sample: infinity
    method:
      description: The HTTP method of the request.
      returned: for C(infinity)
      type: str
      sample: PATCH
    path:
      description: The path of the request, or of the file.
      type: str
      sample: /api/admin/configuration/v1/ms_exchange_connector/1/
    body:
      description: The body of the request; secrets are masked.
      returned: when the request has one
      type: dict
      sample: {accept_new_single_meeting_template: '<p>{{ subject }} has a room.</p>'}
steps_done:
  description: The steps that were carried out before the failure.
  returned: failure
  type: list
  elements: str
"""

from ansible_collections.vmrops.o365.plugins.module_utils._module import run_module
from ansible_collections.vmrops.o365.plugins.module_utils._node import NODE
from ansible_collections.vmrops.o365.plugins.module_utils._resources._properties import arguments
from ansible_collections.vmrops.o365.plugins.module_utils._resources.exchange_connector import ExchangeConnector
from ansible_collections.vmrops.o365.plugins.module_utils._resources.exchange_connector_fields import FIELDS, SECRETS


def main() -> None:
    spec = arguments(FIELDS)
    spec["name"]["required"] = True
    for endpoint in ("oauth_token_endpoint", "personal_vmr_oauth_token_endpoint"):
        spec[endpoint]["no_log"] = False  # an address, in spite of its name
    spec["domains"] = {"type": "list", "elements": "str"}
    spec.update({name: {"type": "str", "no_log": True} for name in SECRETS})
    spec["update_secrets"] = {
        "type": "str",
        "choices": ["on_create", "always", "when_changed"],
        "default": "on_create",
        "no_log": False,
    }
    spec["fingerprint_path"] = {"type": "path"}
    spec["state"] = {"type": "str", "choices": ["present", "absent"], "default": "present"}
    required = [("update_secrets", "when_changed", ["fingerprint_path"])]
    run_module(spec, ExchangeConnector, NODE, required_if=required)


if __name__ == "__main__":
    main()
