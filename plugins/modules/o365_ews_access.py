#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: o365_ews_access
short_description: Keep Exchange Web Services open for named applications
version_added: 0.1.0
description:
  - Puts applications on the tenant's list of those that may use Exchange Web Services (EWS), C(EwsAllowedAppIDs), verifies
    the list, and then switches EWS on. Pexip's scheduler speaks EWS.
  - Microsoft switches EWS off, tenant by tenant, from October 2026, unless a tenant has switched it on and listed the
    applications that need it. On 1 April 2027 EWS in Exchange Online ends for everybody.
  - The list is one text that every write replaces whole. This module merges; it never removes what O(app_ids) does not name.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.auth
  - vmrops.o365.attributes
  - vmrops.o365.attributes.action_group
options:
  app_ids:
    description:
      - The application (client) ids to put on the list, or with O(state=absent) to take from it.
    type: list
    elements: str
    required: true
  cut_off_others:
    description:
      - While EWS was never switched on or off, or is on without a list, any application may be using it. A list cuts off all
        others, so the module refuses to make one unless this is V(true).
      - Where a list is in force already, and where EWS is off, nothing that works is cut off and this has no effect.
    type: bool
    default: false
  state:
    description:
      - V(present) lists the applications and switches EWS on.
      - V(absent) takes them from the list. When that leaves the list empty while EWS is on, EWS is switched off first, since
        what an empty list means has changed over time.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Needs the app role C(Exchange.ManageAsApp) on Office 365 Exchange Online and the directory role Exchange Administrator.
  - A change of the list takes up to 24 hours until EWS requests see it.
  - A mailbox can be closed to EWS on its own (C(Set-CASMailbox -EwsEnabled $false)); this module does not touch mailboxes.
  - If two runs change the list at the same moment, the later one may have merged an older list. Each run reads the list back
    and writes again what is missing of its own.
seealso:
  - module: vmrops.o365.o365_oauth_app
  - name: Control access to EWS in Exchange
    description: Microsoft's description of the switches and lists.
    link: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-control-access-to-ews-in-exchange
"""

EXAMPLES = r"""
- name: Keep EWS open for Pexip's app, in a tenant that lists its applications already
  vmrops.o365.o365_ews_access:
    app_ids:
      - 4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11

- name: Close EWS to everything but the applications that need it
  vmrops.o365.o365_ews_access:
    app_ids:
      - 4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11
      - 0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42
    cut_off_others: true

- name: Take the app from the list again
  vmrops.o365.o365_ews_access:
    app_ids:
      - 4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11
    state: absent
"""

RETURN = r"""
ews:
  description: Who may use EWS, as Exchange shows it; in check mode as it is now.
  returned: success
  type: dict
  contains:
    enabled:
      description: Whether EWS is switched on for the organization; null where that was never said.
      type: bool
      sample: true
    app_ids:
      description: The applications on the list.
      type: list
      elements: str
      sample: [4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11]
    ends_on:
      description: The day on which EWS in Exchange Online ends for everybody.
      type: str
      sample: '2027-04-01'
steps:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    summary:
      description: The step in words.
      type: str
      sample: "add to the applications that may use EWS: 4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11"
    service:
      description: The service it is done in, C(graph) or C(exchange).
      type: str
      sample: exchange
    method:
      description: The HTTP method of the request.
      type: str
      sample: POST
    path:
      description: The path of the request.
      type: str
      sample: /adminapi/beta/8f9cf0b5-2a0e-4b7e-9a30-0a8f3f1c5e11/InvokeCommand
    body:
      description: The body of the request; secrets are masked.
      type: dict
      sample:
        CmdletInput:
          CmdletName: Set-OrganizationConfig
          Parameters: {EwsAllowedAppIDs: "0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42,4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11"}
    cmdlet:
      description: For Exchange, the PowerShell command line that an administrator would have typed.
      type: str
      sample: >-
        Set-OrganizationConfig -EwsAllowedAppIDs '0d5ac1b7-9d2e-4a53-8a63-8c5a7e1b3f42,4d7e3c8e-5a52-4d1c-b1a4-2f8d5c0e9a11'
steps_done:
  description: The steps that were carried out before the failure.
  returned: failure
  type: list
  elements: str
"""

from ansible_collections.vmrops.o365.plugins.module_utils._module import run_module
from ansible_collections.vmrops.o365.plugins.module_utils._resources.ews_access import EwsAccess
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import TENANT


def main() -> None:
    spec = {
        "app_ids": {"type": "list", "elements": "str", "required": True},
        "cut_off_others": {"type": "bool", "default": False},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    run_module(spec, EwsAccess, TENANT)


if __name__ == "__main__":
    main()
