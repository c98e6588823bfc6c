#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: o365_service_account
short_description: Manage a licensed service account with a mailbox
version_added: 0.1.0
description:
  - Creates, changes and removes a user in Entra ID, gives it licences, and waits for the mailbox that follows from
    them.
  - Everything that would make a later step fail is checked before the first write - the domain is verified, the
    address is
    free, the recycle bin does not hold the name, a usage location is set, seats are free, and a licence carries an
    Exchange
    mailbox plan.
  - Pexip's guide asks for an account that is used for nothing else.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.auth
  - vmrops.o365.attributes
  - vmrops.o365.attributes.action_group
attributes:
  idempotent:
    support: partial
    details:
      - With O(update_password=always) the password is set on every run, since no service tells whether it is the
        same.
options:
  user_principal_name:
    description:
      - The sign-in name, in a verified domain of the tenant. The user is looked up by it.
    type: str
    required: true
  display_name:
    description:
      - The name that people see. A new account needs one.
    type: str
  given_name:
    description:
      - The given name.
    type: str
  surname:
    description:
      - The family name.
    type: str
    aliases: [family_name]
  mail_nickname:
    description:
      - The mail alias. A new account gets the part of O(user_principal_name) before the V(@) when it is left out.
    type: str
  password:
    description:
      - The password.
      - When left out, a new account gets a random one of 32 characters, which is returned once.
    type: str
  update_password:
    description:
      - V(on_create) sets O(password) on a new account only. V(always) sets it on every run, and reports a change.
    type: str
    choices: [on_create, always]
    default: on_create
  password_never_expires:
    description:
      - Whether the password is exempt from the tenant's expiry policy.
    type: bool
  usage_location:
    description:
      - The country in which the services are used, as an ISO 3166 code of two letters. No licence can be assigned
        without
        one, and none is guessed.
    type: str
  licenses:
    description:
      - The licences. One that is inherited from a group counts as held.
      - At least one must carry an Exchange mailbox plan.
    type: list
    elements: dict
    suboptions:
      sku:
        description:
          - The SKU part number, such as V(EXCHANGESTANDARD), or the SKU id.
        type: str
        required: true
      disabled_plans:
        description:
          - Service plans to switch off, by name or id. When left out, plans stay as they are.
        type: list
        elements: str
  licenses_mode:
    description:
      - V(merge) keeps other licences. V(replace) removes those that are assigned directly.
    type: str
    choices: [merge, replace]
    default: merge
  account_enabled:
    description:
      - Whether the account can sign in. A new account is enabled when this is left out.
    type: bool
  hide_from_address_lists:
    description:
      - Whether address lists leave the account out. Needs its mailbox, and administration rights in Exchange Online.
    type: bool
  deleted:
    description:
      - What to do when a deleted user of this name is in the recycle bin.
      - V(restore) brings it back with its licences and group memberships, V(purge) removes it for good and creates a
        new
        one, V(fail) stops.
      - With O(state=absent), V(purge) removes the user from the recycle bin as well.
    type: str
    choices: [restore, purge, fail]
    default: fail
  wait_for_mailbox:
    description:
      - Whether to wait, O(wait_timeout) seconds at most, until Exchange Online has made the mailbox. That takes some
        minutes
        after the licence was assigned.
    type: bool
    default: false
  state:
    description:
      - V(present) creates or changes the account. V(absent) deletes it; it can be restored for 30 days.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Needs the Microsoft Graph application permissions C(User.ReadWrite.All) and C(Domain.Read.All). To remove an account,
    C(User.DeleteRestore.All) with C(User.Read.All), or C(User.ReadWrite.All).
  - O(licenses), O(wait_for_mailbox) and O(hide_from_address_lists) also need C(LicenseAssignment.Read.All) or
    C(Organization.Read.All), to see what was bought. O(wait_for_mailbox) needs C(MailboxSettings.Read), with
    which a person who signs in with a device code only sees their own mailbox. O(update_password=always) needs
    C(User-PasswordProfile.ReadWrite.All) or the directory role User Administrator.
  - O(hide_from_address_lists) needs the app role C(Exchange.ManageAsApp) on Office 365 Exchange Online and the directory
    role Exchange Recipient Administrator or Exchange Administrator.
  - A generated password is part of the result. Register it and set C(no_log) on the task.
"""

EXAMPLES = r"""
- name: The service account for VMR scheduling
  vmrops.o365.o365_service_account:
    user_principal_name: pexip-scheduling@contoso.com
    display_name: Pexip VMR scheduling
    password: "{{ vault_service_account_password }}"
    password_never_expires: true
    usage_location: 'NO'
    licenses:
      - sku: EXCHANGESTANDARD
    wait_for_mailbox: true

- name: The same with a password made here
  vmrops.o365.o365_service_account:
    user_principal_name: pexip-lab@contoso.com
    display_name: Pexip lab
    usage_location: 'NO'
    licenses:
      - sku: SPE_E3
        disabled_plans: [TEAMS1, YAMMER_ENTERPRISE]
  register: account
  no_log: true

- name: Keep it out of the address book
  vmrops.o365.o365_service_account:
    user_principal_name: pexip-scheduling@contoso.com
    hide_from_address_lists: true

- name: Delete it for good
  vmrops.o365.o365_service_account:
    user_principal_name: pexip-lab@contoso.com
    state: absent
    deleted: purge
"""

RETURN = r"""
user:
  description: The account as Microsoft Graph shows it; null when it is absent.
  returned: success
  type: dict
  contains:
    id:
      description: The object id.
      type: str
      sample: 5d2f6c1e-0f1b-4f55-9a53-2d9a1f0f7c11
    user_principal_name:
      description: The sign-in name.
      type: str
      sample: pexip-scheduling@contoso.com
    display_name:
      description: The name that people see.
      type: str
      sample: Pexip VMR scheduling
    mail:
      description: The primary address, once there is a mailbox.
      type: str
      sample: pexip-scheduling@contoso.com
    account_enabled:
      description: Whether the account can sign in.
      type: bool
      sample: true
    usage_location:
      description: The country code.
      type: str
      sample: 'NO'
    licenses:
      description: The ids of the SKUs it holds, inherited ones included.
      type: list
      elements: str
      sample: [4b9405b0-7788-4568-add1-99614e613b69]
    mailbox_ready:
      description: Whether the mailbox answers; null unless O(wait_for_mailbox) asks for it.
      type: bool
      sample: true
password:
  description: The password, when this run made it. It cannot be read again.
  returned: when the account was created and O(password) was left out
  type: str
steps:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    summary:
      description: The step in words.
      type: str
      sample: set the licences of pexip-scheduling@contoso.com
    service:
      description: The service it is done in, C(graph) or C(exchange).
      type: str
      sample: graph
    method:
      description: The HTTP method of the request.
      type: str
      sample: POST
    path:
      description: The path of the request.
      type: str
      sample: /v1.0/users/%3Cuser.id%3E/assignLicense
    body:
      description: The body of the request; secrets are masked.
      returned: when the request has one
      type: dict
      sample:
        addLicenses: [{skuId: 4b9405b0-7788-4568-add1-99614e613b69, disabledPlans: []}]
        removeLicenses: []
    cmdlet:
      description: The PowerShell command line that an administrator would have typed.
      returned: for Exchange
      type: str
      sample: Set-Mailbox -Identity 'pexip-scheduling@contoso.com' -HiddenFromAddressListsEnabled $true
steps_done:
  description: The steps that were carried out before the failure.
  returned: failure
  type: list
  elements: str
"""

from ansible_collections.vmrops.o365.plugins.module_utils._module import run_module
from ansible_collections.vmrops.o365.plugins.module_utils._resources._properties import arguments
from ansible_collections.vmrops.o365.plugins.module_utils._resources.service_account import PROPERTIES, ServiceAccount
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import TENANT


def main() -> None:
    spec = arguments(PROPERTIES)
    spec["surname"]["aliases"] = ["family_name"]
    spec |= {
        "user_principal_name": {"type": "str", "required": True},
        "password": {"type": "str", "no_log": True},
        "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
        "password_never_expires": {"type": "bool", "no_log": False},
        "licenses": {
            "type": "list",
            "elements": "dict",
            "options": {
                "sku": {"type": "str", "required": True},
                "disabled_plans": {"type": "list", "elements": "str"},
            },
        },
        "licenses_mode": {"type": "str", "choices": ["merge", "replace"], "default": "merge"},
        "hide_from_address_lists": {"type": "bool"},
        "deleted": {"type": "str", "choices": ["restore", "purge", "fail"], "default": "fail"},
        "wait_for_mailbox": {"type": "bool", "default": False},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    run_module(spec, ServiceAccount, TENANT)


if __name__ == "__main__":
    main()
