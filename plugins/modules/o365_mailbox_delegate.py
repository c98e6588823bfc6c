#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: o365_mailbox_delegate
short_description: Manage what a delegate may do with a mailbox
version_added: 0.1.0
description:
  - Gives a person or a mail-enabled security group rights on a mailbox in Exchange Online, and takes them away. Full
    access, sending as the mailbox, sending on its behalf, and a role on its calendar are told apart.
  - For Pexip VMR scheduling this is how somebody looks into the mailbox of the equipment resource.
  - Only what is named is touched. Other delegates, and other rights of this one, stay as they are.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.auth
  - vmrops.o365.attributes
  - vmrops.o365.attributes.action_group
options:
  mailbox:
    description:
      - The mailbox, by any identity that Exchange takes, such as its address.
    type: str
    required: true
  delegate:
    description:
      - Who gets or loses the rights, by any identity that Exchange takes.
    type: str
    required: true
  access_rights:
    description:
      - The rights on the whole mailbox. V(FullAccess) opens it and shows everything in it, private meetings too.
      - V(SendAs) lets the delegate send mail that looks as if the mailbox had sent it, V(SendOnBehalf) mail that says who did.
    type: list
    elements: str
    choices: [FullAccess, SendAs, SendOnBehalf]
  automapping:
    description:
      - Whether Outlook opens the mailbox by itself for a delegate with V(FullAccess). Exchange's default is to do so.
      - Exchange does not show it, so it counts only when V(FullAccess) is given, and is not compared later. To change it, take
        V(FullAccess) away and give it again.
    type: bool
  calendar_role:
    description:
      - The delegate's role on the mailbox's calendar. With O(state=absent) the delegate loses the role there, whichever it is.
      - The calendar is found by its type, so it may have a name in any language.
    type: str
    choices:
      - AvailabilityOnly
      - LimitedDetails
      - Reviewer
      - Contributor
      - NonEditingAuthor
      - Author
      - PublishingAuthor
      - Editor
      - PublishingEditor
      - Owner
  state:
    description:
      - V(present) gives what is named.
      - V(absent) takes what is named away. Inherited rights cannot be taken away here; a warning says so.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Needs the app role C(Exchange.ManageAsApp) on Office 365 Exchange Online and the directory role Exchange Administrator or
    Exchange Recipient Administrator.
  - Exchange shows a changed permission after 20 seconds to several minutes. The module waits for it, O(wait_timeout) at most.
  - A delegate who is explicitly denied full access is refused, since the denial wins over what is given.
seealso:
  - module: vmrops.o365.o365_equipment_mailbox
"""

EXAMPLES = r"""
- name: Let Bob look into the mailbox of the equipment resource
  vmrops.o365.o365_mailbox_delegate:
    mailbox: vmr-scheduling@contoso.com
    delegate: bob@contoso.com
    access_rights:
      - FullAccess
    automapping: false

- name: Let Alice see its calendar, and nothing else
  vmrops.o365.o365_mailbox_delegate:
    mailbox: vmr-scheduling@contoso.com
    delegate: alice@contoso.com
    calendar_role: Reviewer

- name: Close the mailbox to Bob again
  vmrops.o365.o365_mailbox_delegate:
    mailbox: vmr-scheduling@contoso.com
    delegate: bob@contoso.com
    access_rights:
      - FullAccess
    state: absent
"""

RETURN = r"""
permissions:
  description: What was asked about, as Exchange shows it; in check mode as it is now.
  returned: success
  type: dict
  contains:
    mailbox:
      description: The address of the mailbox.
      type: str
      sample: vmr-scheduling@contoso.com
    delegate:
      description: The address of the delegate.
      type: str
      sample: bob@contoso.com
    access_rights:
      description: Those of O(access_rights) that the delegate has.
      type: list
      elements: str
      sample: [FullAccess]
    calendar_role:
      description: The delegate's role on the calendar; null when there is none, or when O(calendar_role) was not given.
      type: str
      sample: Reviewer
    calendar_folder:
      description: The calendar's folder; null when O(calendar_role) was not given.
      type: str
      sample: vmr-scheduling@contoso.com:\Calendar
steps:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    summary:
      description: The step in words.
      type: str
      sample: give bob@contoso.com FullAccess on vmr-scheduling@contoso.com
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
          CmdletName: Add-MailboxPermission
          Parameters:
            Identity: vmr-scheduling@contoso.com
            User: bob@contoso.com
            AccessRights: [FullAccess]
            InheritanceType: All
            AutoMapping: false
    cmdlet:
      description: For Exchange, the PowerShell command line that an administrator would have typed.
      type: str
      sample: >-
        Add-MailboxPermission -Identity 'vmr-scheduling@contoso.com' -User 'bob@contoso.com' -AccessRights 'FullAccess'
        -InheritanceType 'All' -AutoMapping $false
steps_done:
  description: The steps that were carried out before the failure.
  returned: failure
  type: list
  elements: str
"""

from ansible_collections.vmrops.o365.plugins.module_utils._module import run_module
from ansible_collections.vmrops.o365.plugins.module_utils._resources.mailbox_delegate import (
    CALENDAR_ROLES,
    RIGHTS,
    MailboxDelegate,
)
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import TENANT


def main() -> None:
    spec = {
        "mailbox": {"type": "str", "required": True},
        "delegate": {"type": "str", "required": True},
        "access_rights": {"type": "list", "elements": "str", "choices": list(RIGHTS)},
        "automapping": {"type": "bool"},
        "calendar_role": {"type": "str", "choices": list(CALENDAR_ROLES)},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    run_module(spec, MailboxDelegate, TENANT)


if __name__ == "__main__":
    main()
