#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: o365_outlook_addin
short_description: Offer an Outlook add-in to the users of the tenant
version_added: 0.1.0
description:
  - Installs an Outlook add-in for the organization from its manifest, offers it to everybody or to named users, puts a newer
    version in an older one's place, and removes it.
  - For Pexip VMR scheduling this is the add-in with which people book meetings in Pexip rooms. The Management Node generates
    its manifest, as a download in its web interface only.
  - The manifest is checked before anything is sent. It must be for mailboxes, have a GUID, a version and a known permission,
    refer to C(https) addresses only, and have no document type and no entities.
  - Microsoft prefers deployment in the Microsoft 365 admin center, for which there is no interface that is sure to work
    unattended. O(method=manual) says step by step how to do it there, and checks the result.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.auth
  - vmrops.o365.attributes
  - vmrops.o365.attributes.action_group
options:
  manifest:
    description:
      - The manifest itself. One of this and O(manifest_path) is needed to install.
    type: str
  manifest_path:
    description:
      - A file with the manifest, on the host that runs the module.
    type: path
  app_id:
    description:
      - The add-in's id, a GUID. Enough for O(state=absent); beside a manifest it must be that of the manifest.
    type: str
  users:
    description:
      - To whom the add-in is offered, 1000 users at most, by any identity that Exchange takes. The list replaces the present
        one.
      - Everybody when left out or empty.
    type: list
    elements: str
  default_state:
    description:
      - Whether the add-in is switched on for users who have not chosen, and with V(AlwaysEnabled) whether they may choose.
    type: str
    choices: [Enabled, Disabled, AlwaysEnabled]
    default: Enabled
  update:
    description:
      - How a newer version gets in place of an older one. V(replace) removes the older one first, so that the add-in is gone
        for a moment. V(in_place) installs over it, which Microsoft does not document.
      - An older version never takes the place of a newer one.
    type: str
    choices: [replace, in_place]
    default: replace
  method:
    description:
      - V(exchange) sends cmdlets to Exchange.
      - V(manual) changes nothing. It returns RV(manual_steps), and RV(verified) once somebody has taken them.
    type: str
    choices: [exchange, manual]
    default: exchange
  state:
    description:
      - V(present) installs the add-in and offers it.
      - V(absent) removes it.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Needs the app role C(Exchange.ManageAsApp) on Office 365 Exchange Online and the directory role Exchange Administrator.
  - It takes up to 72 hours until Outlook shows a new add-in to everybody.
  - A change of the manifest without a higher version is not installed, since Exchange would not.
  - The list of users is static. Run again when people come and go.
seealso:
  - module: vmrops.o365.pexip_exchange_connector
  - name: Deploy add-ins in the Microsoft 365 admin center
    description: Microsoft's description of the way by hand.
    link: https://learn.microsoft.com/microsoft-365/admin/manage/manage-deployment-of-add-ins
"""

EXAMPLES = r"""
- name: Offer the add-in to everybody
  vmrops.o365.o365_outlook_addin:
    manifest_path: "{{ playbook_dir }}/pexip-scheduling.xml"

- name: Offer it to some people only, switched on for good
  vmrops.o365.o365_outlook_addin:
    manifest_path: "{{ playbook_dir }}/pexip-scheduling.xml"
    users:
      - alice@contoso.com
      - bob@contoso.com
    default_state: AlwaysEnabled

- name: Say how to deploy it in the Microsoft 365 admin center, and check whether somebody has
  vmrops.o365.o365_outlook_addin:
    manifest_path: "{{ playbook_dir }}/pexip-scheduling.xml"
    method: manual
  register: addin

- name: Remove it
  vmrops.o365.o365_outlook_addin:
    app_id: 3f2b7a52-6a0c-4f0e-9b57-0c1b54a6d9e1
    state: absent
"""

RETURN = r"""
addin:
  description: The add-in as Exchange shows it, in check mode as it is now; null when it is absent.
  returned: success
  type: dict
  contains:
    app_id:
      description: Its id.
      type: str
      sample: 3f2b7a52-6a0c-4f0e-9b57-0c1b54a6d9e1
    name:
      description: Its name.
      type: str
      sample: Pexip scheduling
    version:
      description: The installed version.
      type: str
      sample: 1.0.0.0
    provided_to:
      description: C(Everyone) or C(SpecificUsers).
      type: str
      sample: Everyone
    users:
      description: The users, as Exchange names them.
      type: list
      elements: str
      sample: []
    default_state:
      description: Whether it is switched on for users who have not chosen.
      type: str
      sample: Enabled
    enabled:
      description: Whether it is offered at all.
      type: bool
      sample: true
verified:
  description: Whether Exchange shows the add-in in the manifest's version or a newer one, or with O(state=absent) no more.
  returned: success
  type: bool
  sample: true
manual_steps:
  description: What somebody has to do in the Microsoft 365 admin center, in order.
  returned: with O(method=manual)
  type: list
  elements: str
  sample: ['Go to Settings, Integrated apps, Upload custom apps.']
steps:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    summary:
      description: The step in words.
      type: str
      sample: remove the add-in Pexip scheduling
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
      description: The body of the request; of the manifest only its length is shown.
      type: dict
      sample:
        CmdletInput:
          CmdletName: Remove-App
          Parameters: {Identity: 3f2b7a52-6a0c-4f0e-9b57-0c1b54a6d9e1, OrganizationApp: true, Confirm: false}
    cmdlet:
      description: For Exchange, the PowerShell command line that an administrator would have typed.
      type: str
      sample: Remove-App -Identity '3f2b7a52-6a0c-4f0e-9b57-0c1b54a6d9e1' -OrganizationApp -Confirm:$false
steps_done:
  description: The steps that were carried out before the failure.
  returned: failure
  type: list
  elements: str
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.vmrops.o365.plugins.module_utils._module import run_module
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources.outlook_addin import DEFAULT_STATES, OutlookAddin
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import TENANT


def make_addin(options: Mapping[str, Any]) -> OutlookAddin:
    path = options["manifest_path"]
    if not path:
        return OutlookAddin(options, "manifest")
    try:
        # With or without a byte order mark, which Windows likes to write.
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read: {error}.", "manifest_path") from error
    return OutlookAddin({**options, "manifest": text}, "manifest_path")


def main() -> None:
    spec = {
        "manifest": {"type": "str"},
        "manifest_path": {"type": "path"},
        "app_id": {"type": "str"},
        "users": {"type": "list", "elements": "str"},
        "default_state": {"type": "str", "choices": list(DEFAULT_STATES), "default": "Enabled"},
        "update": {"type": "str", "choices": ["replace", "in_place"], "default": "replace"},
        "method": {"type": "str", "choices": ["exchange", "manual"], "default": "exchange"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    run_module(spec, make_addin, TENANT, mutually_exclusive=[("manifest", "manifest_path")])


if __name__ == "__main__":
    main()
