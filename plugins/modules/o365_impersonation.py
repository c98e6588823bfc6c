#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: o365_impersonation
short_description: Let an application or a service account act for users, within a scope
version_added: 0.1.0
description:
  - Gives an application (RBAC for Applications) or a service account (Application Impersonation) access to the
    mailboxes of
    a scope in Exchange Online, and takes it away again.
  - Microsoft removed Application Impersonation from Exchange Online in 2025. Where a tenant still has the role,
    O(method=application_impersonation) uses it; everywhere else the error says so and names the other method.
  - Reach is the union of all grants. When something else gives the application every mailbox, the module says that
    the scope
    is void.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.auth
  - vmrops.o365.attributes
  - vmrops.o365.attributes.action_group
options:
  name:
    description:
      - The name of the management scope and of the role assignment, 64 characters at most. With several O(roles) each
        assignment is called by this name and its role.
    type: str
    required: true
  method:
    description:
      - V(application_rbac) makes the application known to Exchange and assigns it roles over the scope.
      - V(application_impersonation) assigns the role ApplicationImpersonation to a user.
    type: str
    choices: [application_rbac, application_impersonation]
    default: application_rbac
  app_id:
    description:
      - The application (client) id. The application needs a service principal in the tenant.
      - Required with O(method=application_rbac).
    type: str
  roles:
    description:
      - The application roles to assign. Pexip's scheduler speaks EWS, which is one role.
    type: list
    elements: str
    default: [Application EWS.AccessAsApp]
  user:
    description:
      - The service account, by its address or another identity that Exchange takes.
      - Required with O(method=application_impersonation).
    type: str
  scope:
    description:
      - Whose mailboxes are opened. Exactly one kind has to be given with O(state=present); without any, the role
        would
        reach every mailbox, so that is refused.
    type: dict
    suboptions:
      recipient_filter:
        description:
          - A recipient filter (OPATH), such as C(CustomAttribute1 -eq 'VMR').
          - It is compared by meaning with what Exchange shows, which formats filters in its own way.
        type: str
      group:
        description:
          - A mail-enabled group, by name or address; its direct members are in scope. A warning names groups among
            the
            members, since their members are not.
        type: str
      mailboxes:
        description:
          - The addresses of the mailboxes.
        type: list
        elements: str
      administrative_unit:
        description:
          - An administrative unit, by name or id.
        type: str
      organization:
        description:
          - Every mailbox of the tenant.
        type: bool
  verify:
    description:
      - Mailboxes to ask Exchange about once the assignment stands (C(Test-ServicePrincipalAuthorization)). A wrong
        answer
        fails the module. Only with O(method=application_rbac); skipped in check mode.
    type: dict
    suboptions:
      in_scope:
        description: The address of a mailbox that must be in scope.
        type: str
      out_of_scope:
        description: The address of a mailbox that must not be.
        type: str
  conflict:
    description:
      - What to do when a role assignment of this name has another role or assignee, or when assignments of others use
        the management scope whose filter has to change.
      - V(fail) stops and shows both. V(change) replaces the assignment, or changes the filter for everybody.
    type: str
    choices: [fail, change]
    default: fail
  state:
    description:
      - V(present) makes the assignments. V(absent) removes them, then the management scope unless others use it, then
        Exchange's knowledge of the application unless it has other assignments.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Needs the app role C(Exchange.ManageAsApp) and the directory role Exchange Administrator, and for
    O(method=application_rbac) the Microsoft Graph permission C(Application.Read.All).
  - Exchange applies a new assignment to running applications after 30 minutes to 2 hours; O(verify) asks past that
    cache.
seealso:
  - name: Role based access control for applications in Exchange Online
    description: Microsoft's description of scoped application roles.
    link: https://learn.microsoft.com/exchange/permissions-exo/application-rbac
"""

EXAMPLES = r"""
- name: Let Pexip's app act for the members of a group, and prove it
  vmrops.o365.o365_impersonation:
    name: Pexip VMR scheduling
    app_id: "{{ app.application.app_id }}"
    scope:
      group: vmr-users@contoso.com
    verify:
      in_scope: alice@contoso.com
      out_of_scope: carol@contoso.com

- name: The same for everybody with a mark, whatever group they are in
  vmrops.o365.o365_impersonation:
    name: Pexip VMR scheduling by mark
    app_id: "{{ app.application.app_id }}"
    scope:
      recipient_filter: CustomAttribute1 -eq 'VMR' -and RecipientTypeDetails -eq 'UserMailbox'

- name: Where the tenant still has the role, let the service account impersonate
  vmrops.o365.o365_impersonation:
    name: Pexip VMR scheduling account
    method: application_impersonation
    user: pexip-scheduling@contoso.com
    scope:
      group: vmr-users@contoso.com

- name: Take it away
  vmrops.o365.o365_impersonation:
    name: Pexip VMR scheduling
    app_id: "{{ app.application.app_id }}"
    state: absent
"""

RETURN = r"""
assignments:
  description: The role assignments as Exchange shows them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the assignment.
      type: str
      sample: Pexip VMR scheduling
    role:
      description: The role.
      type: str
      sample: Application EWS.AccessAsApp
    scope:
      description: The management scope, the administrative unit, or C(Organization).
      type: str
      sample: Pexip VMR scheduling
recipient_filter:
  description: The filter of the management scope as Exchange shows it; null when there is none.
  returned: success
  type: str
verified:
  description: What Exchange answered about the mailboxes of O(verify).
  returned: when O(verify) was asked for
  type: dict
steps:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    summary:
      description: The step in words.
      type: str
      sample: create the management scope Pexip VMR scheduling
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
      sample: /adminapi/beta/contoso.onmicrosoft.com/InvokeCommand
    body:
      description: The body of the request; secrets are masked.
      type: dict
    cmdlet:
      description: For Exchange, the PowerShell command line that an administrator would have typed.
      type: str
steps_done:
  description: The steps that were carried out before the failure.
  returned: failure
  type: list
  elements: str
"""

from ansible_collections.vmrops.o365.plugins.module_utils._module import run_module
from ansible_collections.vmrops.o365.plugins.module_utils._resources.impersonation import Impersonation


def main() -> None:
    spec = {
        "name": {"type": "str", "required": True},
        "method": {
            "type": "str",
            "choices": ["application_rbac", "application_impersonation"],
            "default": "application_rbac",
        },
        "app_id": {"type": "str"},
        "roles": {"type": "list", "elements": "str", "default": ["Application EWS.AccessAsApp"]},
        "user": {"type": "str"},
        "scope": {
            "type": "dict",
            "options": {
                "recipient_filter": {"type": "str"},
                "group": {"type": "str"},
                "mailboxes": {"type": "list", "elements": "str"},
                "administrative_unit": {"type": "str"},
                "organization": {"type": "bool"},
            },
        },
        "verify": {"type": "dict", "options": {"in_scope": {"type": "str"}, "out_of_scope": {"type": "str"}}},
        "conflict": {"type": "str", "choices": ["fail", "change"], "default": "fail"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    required = [("method", "application_rbac", ["app_id"]), ("method", "application_impersonation", ["user"])]
    run_module(spec, Impersonation, required_if=required)


if __name__ == "__main__":
    main()
