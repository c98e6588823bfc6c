#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: o365_tenant_info
short_description: Check a tenant before it is prepared for Pexip VMR scheduling, and audit it later
version_added: 0.1.0
description:
  - Reads who signs in and what it may do, the tenant's domains and licences, what Exchange Online allows, and what the
    application that Pexip uses was granted, and says in findings what stands in the way.
  - A finding of severity C(error) means that the set-up would fail, or does not work.
  - What cannot be read makes the module fail only when nobody can sign in. Otherwise it is a finding that names the right
    that reading it takes, and the rest is reported.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.auth
  - vmrops.o365.attributes.info
  - vmrops.o365.attributes.action_group
options:
  access:
    description:
      - How Pexip gets at the calendars, which decides what is checked.
      - V(app_permissions) - an application signs in as itself.
      - V(service_account) - a licensed account signs in, and acts for users through Application Impersonation.
    type: str
    choices: [app_permissions, service_account]
    default: app_permissions
  app_id:
    description:
      - The application (client) id of the app that Pexip uses, once it is registered. It is looked for in the list of
        applications that may use EWS, and what it was granted is read.
    type: str
  app_unique_name:
    description:
      - The unique name of that app registration in place of O(app_id), as O(vmrops.o365.o365_oauth_app#module:unique_name)
        has it. It need not be registered yet.
    type: str
  equipment_address:
    description:
      - The primary address of the equipment mailbox, which need not be there yet.
    type: str
  service_account_user_principal_name:
    description:
      - The service account, which need not be there yet. Only looked at with O(access=service_account).
    type: str
  licenses:
    description:
      - The licences that the service account is to have, by SKU part number, such as C(EXCHANGESTANDARD), or by id. Only
        looked at with O(access=service_account).
      - Any licence with a mailbox that EWS opens will do when left out.
    type: list
    elements: str
  mailboxes:
    description:
      - Addresses of more mailboxes to look at, such as those of people who are to schedule.
    type: list
    elements: str
  steps:
    description:
      - The steps that are to be taken. A right that only others need is not missed.
      - The steps of Pexip's page when left out, which are V(equipment), V(app) and V(impersonation), and with
        O(access=service_account) V(service_account).
    type: list
    elements: str
    choices: [equipment, app, impersonation, service_account, ews_access, delegates, addin]
notes:
  - An app needs C(Organization.Read.All) of Microsoft Graph, and for Exchange Online C(Exchange.ManageAsApp) with the
    directory role Global Reader, or Exchange Administrator.
  - O(app_id) and O(app_unique_name) take C(Application.Read.All) beside; O(mailboxes) takes C(User.Read.All);
    O(access=service_account) takes C(User.Read.All) and C(Policy.Read.All).
  - Rights are those in the token. Exchange also counts membership in its own role groups, which no token shows.
  - The dates are Microsoft's announcements; EWS ends for everybody on 1 April 2027.
seealso:
  - module: vmrops.o365.o365_ews_access
  - module: vmrops.o365.o365_impersonation
  - module: vmrops.o365.o365_calendar_info
"""

EXAMPLES = r"""
- name: Look at the tenant before anything is made
  vmrops.o365.o365_tenant_info:
    equipment_address: vmr-scheduling@contoso.com
  register: tenant

- name: Stop where the set-up would fail
  ansible.builtin.assert:
    that: tenant.findings | selectattr('severity', 'equalto', 'error') | length == 0
    fail_msg: "{{ tenant.findings | selectattr('severity', 'equalto', 'error') | map(attribute='what') | join(' ') }}"
  ignore_errors: true

- name: Look at it with the app that is to be registered, and those steps in mind that this play takes
  vmrops.o365.o365_tenant_info:
    equipment_address: vmr-scheduling@contoso.com
    app_unique_name: pexip-vmr-scheduling
    steps: [equipment, app, impersonation, ews_access]

- name: Look at a tenant with a service account
  vmrops.o365.o365_tenant_info:
    access: service_account
    service_account_user_principal_name: pexip@contoso.com
    licenses: [EXCHANGESTANDARD]
    app_id: 6f0c1c0e-6a53-4a3c-9f5f-5d3c7f1b9a10
    mailboxes: [alice@contoso.com]
"""

RETURN = r"""
access:
  description: The way of access that was checked.
  returned: success
  type: str
  sample: app_permissions
findings:
  description: What to know and to do, errors first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description:
        - What kind of finding it is; the same from version to version.
        - C(missing-right), C(domain-not-verified), C(unknown-licence), C(no-free-seat), C(no-mailbox-plan),
          C(frontline-licence), C(account-disabled), C(security-defaults), C(conditional-access), C(dehydrated),
          C(no-impersonation-role), C(impersonation-unscoped), C(ews-ending), C(ews-closed), C(ews-undecided),
          C(app-not-listed), C(ews-user-agents), C(no-mailbox), C(mailbox-ews-closed), C(scope-void),
          C(scope-organization); and for a section that could not be read, or not all of it, C(unreadable-) and its name,
          such as C(unreadable-licenses).
      type: str
      sample: ews-ending
    severity:
      description: C(error) when the set-up would fail or does not work, C(warning) or C(info).
      type: str
      sample: warning
    what:
      description: What was found.
      type: str
      sample: EWS in Exchange Online ends for everybody on 2027-04-01, in 126 days.
    why:
      description: Why it matters.
      type: str
      sample: Pexip's scheduler speaks EWS. Microsoft knows no exceptions.
    do:
      description: What to do.
      type: str
      sample: Ask Pexip what takes its place.
caller:
  description:
    - Who signed in. In this section and the following ones, what was not read is null.
  returned: success
  type: dict
  contains:
    readable:
      description: Whether everything in the section was read.
      type: bool
      sample: true
    reason:
      description: Why something was not; null when all was.
      type: str
      sample: null
    app_id:
      description: The app's id.
      type: str
      sample: 0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42
    app_name:
      description: The app's name.
      type: str
      sample: Automation
    kind:
      description: C(application) when the app signed in as itself, C(person) when somebody did through it.
      type: str
      sample: application
    user:
      description: The user principal name of that person; null for an application.
      type: str
      sample: null
    graph_permissions:
      description: The permissions of Microsoft Graph in the token.
      type: list
      elements: str
      sample: [Organization.Read.All]
    exchange_permissions:
      description: The permissions of Office 365 Exchange Online in the token.
      type: list
      elements: str
      sample: [Exchange.ManageAsApp]
    directory_roles:
      description: The directory roles in the token, by name or template id.
      type: list
      elements: str
      sample: [Exchange Administrator]
organization:
  description: The tenant itself.
  returned: success
  type: dict
  contains:
    readable:
      description: Whether everything in the section was read.
      type: bool
      sample: true
    reason:
      description: Why something was not; null when all was.
      type: str
      sample: null
    id:
      description: Its id.
      type: str
      sample: 8f9cf0b5-2a0e-4b7e-9a30-0a8f3f1c5e11
    name:
      description: Its name.
      type: str
      sample: Contoso
    domains:
      description: Its verified domains.
      type: list
      elements: str
      sample: [contoso.com, contoso.onmicrosoft.com]
    default_domain:
      description: The one that new accounts get.
      type: str
      sample: contoso.com
    cloud:
      description: The cloud that was asked, as O(cloud) says.
      type: str
      sample: global
    multi_geo:
      description: Whether mailboxes may be in several regions; null where Exchange does not say.
      type: bool
      sample: null
licenses:
  description: What the tenant has bought.
  returned: success
  type: dict
  contains:
    readable:
      description: Whether everything in the section was read.
      type: bool
      sample: true
    reason:
      description: Why something was not; null when all was.
      type: str
      sample: null
    skus:
      description: The licences.
      type: list
      elements: dict
      contains:
        sku:
          description: The part number.
          type: str
          sample: EXCHANGESTANDARD
        sku_id:
          description: The id.
          type: str
          sample: 4b9405b0-7788-4568-add1-99614e613b69
        bought:
          description: How many seats there are.
          type: int
          sample: 10
        used:
          description: How many of them are used.
          type: int
          sample: 9
        free:
          description: How many are free.
          type: int
          sample: 1
        mailbox:
          description: Whether it has a plan that makes a mailbox.
          type: bool
          sample: true
        ews:
          description: Whether EWS opens such a mailbox; false for frontline licences.
          type: bool
          sample: true
exchange:
  description: The organization's settings in Exchange Online.
  returned: success
  type: dict
  contains:
    readable:
      description: Whether everything in the section was read.
      type: bool
      sample: true
    reason:
      description: Why something was not; null when all was.
      type: str
      sample: null
    dehydrated:
      description: Whether C(Enable-OrganizationCustomization) was never run.
      type: bool
      sample: false
    impersonation_role:
      description: Whether the tenant still has the role ApplicationImpersonation.
      type: bool
      sample: false
    impersonation_holders:
      description: Who has that role, with C(assignee), C(type), C(assignment), C(scope) and C(everything).
      type: list
      elements: dict
      sample: []
    ews:
      description: Who may use EWS.
      type: dict
      contains:
        enabled:
          description: Whether EWS is switched on for the organization; null when it was never switched.
          type: bool
          sample: true
        app_ids:
          description: The applications that may use it while it is switched on.
          type: list
          elements: str
          sample: [6f0c1c0e-6a53-4a3c-9f5f-5d3c7f1b9a10]
        user_agent_policy:
          description: C(EnforceAllowList), C(EnforceBlockList), or null.
          type: str
          sample: null
        user_agents:
          description: The list of that policy.
          type: list
          elements: str
          sample: []
        ends_on:
          description: The day on which Microsoft ends EWS for everybody.
          type: str
          sample: '2027-04-01'
mailboxes:
  description: The mailboxes that were named; null when none was.
  returned: success
  type: dict
  contains:
    readable:
      description: Whether everything in the section was read.
      type: bool
      sample: true
    reason:
      description: Why something was not; null when all was.
      type: str
      sample: null
    mailboxes:
      description: One entry each.
      type: list
      elements: dict
      contains:
        address:
          description: The address.
          type: str
          sample: alice@contoso.com
        exists:
          description: Whether Exchange knows it.
          type: bool
          sample: true
        ews_enabled:
          description: Its own switch; null when that was never set, which counts as on.
          type: bool
          sample: null
        user_agent_policy:
          description: As of the organization.
          type: str
          sample: null
        user_agents:
          description: As of the organization.
          type: list
          elements: str
          sample: []
        frontline:
          description: Whether its owner has frontline licences alone; only for O(mailboxes), null when that is not known.
          type: bool
          sample: false
sign_in:
  description: What the sign-in of the service account has to pass; null with O(access=app_permissions).
  returned: success
  type: dict
  contains:
    readable:
      description: Whether everything in the section was read.
      type: bool
      sample: true
    reason:
      description: Why something was not; null when all was.
      type: str
      sample: null
    account:
      description:
        - The service account, with C(exists), C(enabled), C(licenses), C(mailbox_plans) and C(ews); null when none was named.
      type: dict
      sample: {exists: true, enabled: true, licenses: [EXCHANGESTANDARD], mailbox_plans: [EXCHANGE_S_STANDARD], ews: true}
    security_defaults:
      description: Whether security defaults are on.
      type: bool
      sample: false
    policies:
      description:
        - The conditional access policies that concern it, with C(name), C(state) (C(enabled) or C(report_only)), C(effects)
          (C(block), C(device), C(interaction), C(frequency)) and C(certain), which is false when they depend on something that
          is not known here, such as the place.
      type: list
      elements: dict
      sample: [{name: Everybody with two factors, state: enabled, effects: [interaction], certain: true}]
scope:
  description: What the app that Pexip uses was granted; null when O(app_id) and O(app_unique_name) are left out.
  returned: success
  type: dict
  contains:
    readable:
      description: Whether everything in the section was read.
      type: bool
      sample: true
    reason:
      description: Why something was not; null when all was.
      type: str
      sample: null
    app_id:
      description: Its application (client) id; null when it is not registered yet.
      type: str
      sample: 6f0c1c0e-6a53-4a3c-9f5f-5d3c7f1b9a10
    registered:
      description: Whether the tenant has a service principal of it.
      type: bool
      sample: true
    permissions:
      description: The application permissions that Entra ID grants it.
      type: list
      elements: str
      sample: []
    tenant_wide_permissions:
      description: Those of them that open every mailbox, so that no scope narrows them.
      type: list
      elements: str
      sample: []
    roles:
      description: Its roles in Exchange, with C(role), C(assignment), C(scope) and C(everything).
      type: list
      elements: dict
      sample: [{role: Application EWS.AccessAsApp, assignment: Pexip, scope: Pexip, everything: false}]
steps:
  description: Nothing is ever done.
  returned: success
  type: list
  elements: dict
  sample: []
"""

import time

from ansible_collections.vmrops.o365.plugins.module_utils._module import run_module
from ansible_collections.vmrops.o365.plugins.module_utils._module_rights import STEP_NAMES
from ansible_collections.vmrops.o365.plugins.module_utils._resources.tenant_info import TenantInfo
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import TENANT


def main() -> None:
    spec = {
        "access": {"type": "str", "choices": ["app_permissions", "service_account"], "default": "app_permissions"},
        "app_id": {"type": "str"},
        "equipment_address": {"type": "str"},
        "service_account_user_principal_name": {"type": "str"},
        "licenses": {"type": "list", "elements": "str"},
        "mailboxes": {"type": "list", "elements": "str"},
        "app_unique_name": {"type": "str"},
        "steps": {"type": "list", "elements": "str", "choices": list(STEP_NAMES)},
    }
    exclusive = [("app_id", "app_unique_name")]
    run_module(spec, lambda options: TenantInfo(options, time.time()), TENANT, mutually_exclusive=exclusive)


if __name__ == "__main__":
    main()
