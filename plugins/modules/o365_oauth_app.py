#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: o365_oauth_app
short_description: Manage an app registration, its permissions, consent and credentials
version_added: 0.1.0
description:
  - Registers an application in Entra ID with its service principal, gives it permissions by name, consents to them,
    and
    manages its client secret and certificates.
  - An application is found by its unique name, which only this kind of registration can set and no two share, or by
    its
    application id; never by its display name.
  - The ids and endpoints that Pexip Infinity asks for are returned.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.auth
  - vmrops.o365.attributes
  - vmrops.o365.attributes.action_group
attributes:
  idempotent:
    support: partial
    details: With O(secret.renew=now) every run makes a secret and is changed.
options:
  unique_name:
    description:
      - The unique name of the registration. It cannot be changed later. Needed to register a new application.
    type: str
  app_id:
    description:
      - The application (client) id of a registration that exists already, to manage one that was made elsewhere.
    type: str
  display_name:
    description:
      - The name that people see. Needed to register a new application; refused when other registrations have it
        already.
    type: str
  sign_in_audience:
    description:
      - Who can sign in to the application. A new one is for this tenant alone when this is left out.
    type: str
    choices: [AzureADMyOrg, AzureADMultipleOrgs, AzureADandPersonalMicrosoftAccount, PersonalMicrosoftAccount]
  redirect_uris:
    description:
      - Where sign-ins may lead back to, by platform. Each list given is the whole list.
    type: dict
    suboptions:
      web:
        description: Redirect URIs of the web platform.
        type: list
        elements: str
      public_client:
        description: Redirect URIs of mobile and desktop applications.
        type: list
        elements: str
  permissions:
    description:
      - The permissions that the application asks for, by resource and name. Ids are looked up on the resource.
    type: list
    elements: dict
    suboptions:
      resource:
        description:
          - The resource by name, such as V(Office 365 Exchange Online) or V(Microsoft Graph), or by its application
            id.
        type: str
        required: true
      application:
        description: Application permissions (app roles), for an app that acts as itself.
        type: list
        elements: str
      delegated:
        description: Delegated permissions (scopes), for an app that acts for a user who is signed in.
        type: list
        elements: str
  permissions_mode:
    description:
      - V(merge) keeps other permissions and grants. V(replace) removes them.
      - V(remove) takes those in O(permissions) away and leaves all others alone. With O(admin_consent) what was granted
        is revoked as well; without it the application merely stops asking for it.
    type: str
    choices: [merge, replace, remove]
    default: merge
  admin_consent:
    description:
      - Whether to consent, for the whole organization, to the permissions in O(permissions). What was granted beyond
        them is
        reported, and revoked with O(permissions_mode=replace). Grants of single users are never touched.
    type: bool
    default: false
  secret:
    description:
      - The client secret of the application (C(client_secret) is the one that this module signs in with).
      - Its text is returned once, by the run that made it. A former secret stays valid until its end or until it is
        removed.
    type: dict
    suboptions:
      present:
        description: Whether there is one; V(false) removes all of this O(secret.display_name).
        type: bool
        default: true
      display_name:
        description: Its name; secrets of other names are not touched.
        type: str
        default: vmrops.o365
      lifetime:
        description: Days until it ends.
        type: int
        default: 365
      renew_before:
        description: Days before its end from which a new one is made.
        type: int
        default: 30
      renew:
        description:
          - V(when_due) makes a new one from O(secret.renew_before) on, or when there is none.
          - V(now) makes one in every run, such as when somebody may have seen the present one.
          - V(never) makes none.
        type: str
        choices: [when_due, now, never]
        default: when_due
      overlap:
        description:
          - Days that former secrets of this O(secret.display_name), which are those older than the one in O(secret.held),
            stay valid beside it. Later runs remove them; V(0) removes them at once. When left out they stay until their
            end.
          - Before, the module signs in as the application with O(secret.held), which it needs for this. As long as no
            token comes it fails, and removes nothing. What else it takes to know that nobody uses the former ones any
            more is for the caller to know. A run that makes a secret removes none.
        type: int
      prove:
        description:
          - Whether to sign in as the application, with the secret that this run made or else with O(secret.held), and to fail
            when no token comes. That is tried for a minute, since a new secret is not known everywhere at once. Check mode
            does not try.
        type: bool
        default: false
      held:
        description:
          - The secret's text that the caller holds, or an empty text when it holds none. Given, a secret counts as
            present only when its first characters, which Entra ID shows, are those. It heals a run whose result was
            lost.
          - A run that is killed leaves a secret behind that nobody knows. The next run recognises and removes it when this
            is the same text as then and not empty; as long as there is no secret, any random text that is kept will do.
            Up to an hour of the O(secret.lifetime) goes into that.
        type: str
  certificates:
    description:
      - Files with certificates (PEM or DER) that the application may sign in with. Missing ones are added; none is
        removed.
    type: list
    elements: path
  owners:
    description:
      - Users who own the registration, by user principal name or object id. Missing ones are added; none is removed.
    type: list
    elements: str
  deleted:
    description:
      - What to do when a deleted application in the recycle bin holds the unique name.
      - V(restore) brings it back, V(purge) removes it for good and registers a new one, V(fail) stops.
      - With O(state=absent), V(purge) removes the application and its service principal from the recycle bin as well.
    type: str
    choices: [restore, purge, fail]
    default: fail
  state:
    description:
      - V(present) registers or changes the application. V(absent) deletes it with its service principal and grants;
        it can be
        restored for 30 days.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Needs the Microsoft Graph application permission C(Application.ReadWrite.OwnedBy), which reaches applications that the
    automation made itself, or C(Application.ReadWrite.All).
  - O(admin_consent) with application permissions also needs C(AppRoleAssignment.ReadWrite.All), and beside
    C(Application.ReadWrite.OwnedBy) C(Application.Read.All); with delegated permissions it needs
    C(DelegatedPermissionGrant.ReadWrite.All); with O(permissions_mode=replace) both. O(owners) needs C(Directory.Read.All).
  - A new secret is part of the result. Register it and set C(no_log) on the task.
  - In check mode, ids of an application that does not exist yet are placeholders such as C(<application.appId>).
"""

EXAMPLES = r"""
- name: The app that Pexip's scheduler signs in as, with no tenant-wide permission
  vmrops.o365.o365_oauth_app:
    unique_name: pexip-vmr-scheduling
    display_name: Pexip VMR scheduling
    secret:
      lifetime: 180
      renew_before: 30
  register: app
  no_log: true

- name: The app for a service account that signs in, as Pexip's guide for service accounts asks
  vmrops.o365.o365_oauth_app:
    unique_name: pexip-vmr-scheduling-account
    display_name: Pexip VMR scheduling (service account)
    redirect_uris:
      web:
        - https://infinity.contoso.com/admin/platform/msexchangeconnector/oauth_redirect/
    permissions:
      - resource: Office 365 Exchange Online
        delegated: [EWS.AccessAsUser.All]
      - resource: Microsoft Graph
        delegated: [offline_access]
    admin_consent: true
    secret: {}
  register: account_app
  no_log: true

- name: Take a permission away that reaches every mailbox, once a scoped role does its work
  vmrops.o365.o365_oauth_app:
    unique_name: pexip-vmr-scheduling
    permissions:
      - resource: Office 365 Exchange Online
        application: [full_access_as_app]
    permissions_mode: remove
    admin_consent: true

- name: Take the former secrets away a day after the new one was made; only once a token shows that the new one works
  vmrops.o365.o365_oauth_app:
    unique_name: pexip-vmr-scheduling
    secret:
      held: "{{ app.secret.value }}"
      renew: never
      overlap: 1

- name: Remove an app for good
  vmrops.o365.o365_oauth_app:
    unique_name: pexip-vmr-scheduling-account
    state: absent
    deleted: purge
"""

RETURN = r"""
application:
  description: The registration; null when it is absent.
  returned: success
  type: dict
  contains:
    app_id:
      description: The application (client) id.
      type: str
      sample: 1b4f6a0e-6a46-4a0f-9e7c-2f5b1c1d9c55
    object_id:
      description: The object id of the registration.
      type: str
      sample: 7c9e6a51-0d3b-4f0a-8f65-3e2a1b9c4d11
    service_principal_id:
      description: The object id of its service principal (enterprise application).
      type: str
      sample: 2e8b7d90-5f1c-4a3e-9b6d-8c7f6e5d4c22
    unique_name:
      description: The unique name.
      type: str
      sample: pexip-vmr-scheduling
    display_name:
      description: The name that people see.
      type: str
      sample: Pexip VMR scheduling
    tenant_id:
      description: The tenant as it was given.
      type: str
      sample: 8f9cf0b5-2a0e-4b7e-9a30-0a8f3f1c5e11
    authorization_endpoint:
      description: Where users are sent to sign in.
      type: str
      sample: https://login.microsoftonline.com/8f9cf0b5-2a0e-4b7e-9a30-0a8f3f1c5e11/oauth2/v2.0/authorize
    token_endpoint:
      description: Where tokens are fetched.
      type: str
      sample: https://login.microsoftonline.com/8f9cf0b5-2a0e-4b7e-9a30-0a8f3f1c5e11/oauth2/v2.0/token
    redirect_uris:
      description: The redirect URIs by platform.
      type: dict
      sample: {web: [], public_client: []}
    secrets:
      description: Key id, name and end of every client secret.
      type: list
      elements: dict
      sample: [{key_id: 9b21a026-326d-43fc-9928-e2ad99a6b59a, display_name: vmrops.o365, end: '2027-05-21T10:15:30.512Z'}]
    certificates:
      description: Key id, name and end of every certificate.
      type: list
      elements: dict
      sample: []
proved:
  description: That a token came for the secret.
  returned: with O(secret.prove), except in check mode
  type: bool
  sample: true
wider_grants:
  description:
    - What was granted beyond O(permissions); only looked for with O(admin_consent).
    - Delegated permissions are looked for when O(permissions) names some, or with O(permissions_mode=replace).
  returned: with O(state=present)
  type: list
  elements: str
  sample: []
secret:
  description: The client secret, when this run made it. It cannot be read again.
  returned: when a secret was made, also when a later step failed
  type: dict
  contains:
    value:
      description: Its text.
      type: str
    key_id:
      description: Its key id.
      type: str
      sample: 9b21a026-326d-43fc-9928-e2ad99a6b59a
    end:
      description: When it ends.
      type: str
      sample: '2027-05-21T10:15:30.512Z'
steps:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    summary:
      description: The step in words.
      type: str
      sample: register the application pexip-vmr-scheduling
    service:
      description: The service it is done in.
      type: str
      sample: graph
    method:
      description: The HTTP method of the request.
      type: str
      sample: POST
    path:
      description: The path of the request.
      type: str
      sample: /v1.0/applications(uniqueName='pexip-vmr-scheduling')
    body:
      description: The body of the request; secrets are masked.
      returned: when the request has one
      type: dict
      sample:
        passwordCredential: {displayName: vmrops.o365, endDateTime: '2027-05-21T10:15:30.512Z'}
steps_done:
  description: The steps that were carried out before the failure.
  returned: failure
  type: list
  elements: str
"""

import time

from ansible_collections.vmrops.o365.plugins.module_utils._module import run_module
from ansible_collections.vmrops.o365.plugins.module_utils._resources._properties import arguments
from ansible_collections.vmrops.o365.plugins.module_utils._resources.oauth_app import PROPERTIES, OAuthApp
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import TENANT


def main() -> None:
    spec = arguments(PROPERTIES)
    spec |= {
        "unique_name": {"type": "str"},
        "app_id": {"type": "str"},
        "redirect_uris": {
            "type": "dict",
            "options": {
                "web": {"type": "list", "elements": "str"},
                "public_client": {"type": "list", "elements": "str"},
            },
        },
        "permissions": {
            "type": "list",
            "elements": "dict",
            "options": {
                "resource": {"type": "str", "required": True},
                "application": {"type": "list", "elements": "str"},
                "delegated": {"type": "list", "elements": "str"},
            },
        },
        "permissions_mode": {"type": "str", "choices": ["merge", "replace", "remove"], "default": "merge"},
        "admin_consent": {"type": "bool", "default": False},
        "secret": {
            "type": "dict",
            "no_log": False,
            "options": {
                "present": {"type": "bool", "default": True},
                "display_name": {"type": "str", "default": "vmrops.o365"},
                "lifetime": {"type": "int", "default": 365},
                "renew_before": {"type": "int", "default": 30},
                "renew": {"type": "str", "choices": ["when_due", "now", "never"], "default": "when_due"},
                "overlap": {"type": "int"},
                "prove": {"type": "bool", "default": False},
                "held": {"type": "str", "no_log": True},
            },
        },
        "certificates": {"type": "list", "elements": "path"},
        "owners": {"type": "list", "elements": "str"},
        "deleted": {"type": "str", "choices": ["restore", "purge", "fail"], "default": "fail"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    run_module(
        spec, lambda options: OAuthApp(options, time.time()), TENANT, required_one_of=[("unique_name", "app_id")]
    )


if __name__ == "__main__":
    main()
