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
  - Opens the mailboxes of a scope in Exchange Online to an application (RBAC for Applications) or to a service account
    (Application Impersonation), and closes them again.
  - Both are a role assignment over a management scope. The module makes the scope and the assignment, and for an
    application the service principal by which Exchange knows it; it changes them when the options change.
  - Microsoft removed Application Impersonation from Exchange Online in 2025. Where a tenant still has the role,
    O(method=application_impersonation) uses it; everywhere else the error says so and names the other method.
  - Reach is the union of all grants. When something else opens every mailbox to the application, such as
    C(full_access_as_app) in Entra ID, the module warns that the scope is void.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.auth
  - vmrops.o365.attributes
  - vmrops.o365.attributes.action_group
options:
  name:
    description:
      - The name of the management scope and of the role assignment, 64 characters at most.
      - With several O(roles) each assignment is called by this name and its role.
    type: str
    required: true
  assignment_name:
    description:
      - The name of a new role assignment, when it shall not be called as the management scope, O(name). So an assignment
        to an application can stand beside one to a service account over the same management scope.
      - An assignment of the same role over that management scope counts as the wanted one, whatever its name. With
        O(state=absent) those called O(name) go too.
    type: str
  method:
    description:
      - V(application_rbac) assigns application roles to an application, O(app_id).
      - V(application_impersonation) assigns the role ApplicationImpersonation to a service account, O(user).
    type: str
    choices: [application_rbac, application_impersonation]
    default: application_rbac
  app_id:
    description:
      - The application (client) id of the application, which needs a service principal (enterprise application) in the
        tenant. M(vmrops.o365.o365_oauth_app) makes both and returns the id.
      - Required with O(method=application_rbac).
    type: str
  roles:
    description:
      - The application roles to assign; their names begin with C(Application).
      - Pexip's scheduler speaks EWS, which is the one role of the default. C(Get-ManagementRole) lists the others.
    type: list
    elements: str
    default: [Application EWS.AccessAsApp]
  user:
    description:
      - The service account, by its address or another identity that Exchange takes. It needs a mailbox.
      - Required with O(method=application_impersonation).
    type: str
  scope:
    description:
      - Whose mailboxes are opened. Give exactly one kind with O(state=present).
      - Without a scope the role would reach every mailbox of the tenant. That is refused unless O(scope.organization) says
        it.
    type: dict
    suboptions:
      recipient_filter:
        description:
          - A recipient filter (OPATH), such as C(CustomAttribute1 -eq 'VMR'). An apostrophe within a value is doubled.
          - It is compared by meaning with what Exchange shows, since Exchange formats filters in its own way.
        type: str
      group:
        description:
          - A mail-enabled group, by name or address. Who joins it comes into scope, who leaves it goes out.
          - Direct members only. A warning names groups among the members, since their members are not in scope.
        type: str
      mailboxes:
        description:
          - The addresses of the mailboxes. A mailbox whose primary address changes later is out of scope until the module
            runs again.
        type: list
        elements: str
      administrative_unit:
        description:
          - An administrative unit of Entra ID, by name or id. It needs no management scope.
        type: str
      organization:
        description:
          - V(true) opens every mailbox of the tenant.
        type: bool
  verify:
    description:
      - Mailboxes to ask Exchange about once the assignment stands (C(Test-ServicePrincipalAuthorization)). A wrong answer
        fails the module, though the assignment stays.
      - Only with O(method=application_rbac). Check mode looks the mailboxes up and does not ask.
    type: dict
    suboptions:
      in_scope:
        description: The address of a mailbox that every one of the O(roles) must reach.
        type: str
      out_of_scope:
        description: The address of a mailbox that none of the O(roles) may reach.
        type: str
  keep_scope:
    description:
      - Whether V(absent) leaves the management scope, for another assignment that uses it.
    type: bool
    default: false
  conflict:
    description:
      - What to do when a role assignment of this name has another role or another assignee, or when the filter of the
        management scope has to change and assignments of others use it too.
      - V(fail) changes nothing and shows both. V(change) replaces the assignment, or changes the filter for everybody.
    type: str
    choices: [fail, change]
    default: fail
  state:
    description:
      - V(present) makes the assignments, or changes them to what the options say.
      - V(absent) removes them, then the management scope unless others use it, then the service principal by which
        Exchange knows the application unless it has other assignments. Nothing changes in Entra ID.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Needs the app role C(Exchange.ManageAsApp) on Office 365 Exchange Online and the directory role Exchange Administrator,
    and for O(method=application_rbac) the Microsoft Graph permission C(Application.Read.All),
    C(Application.ReadWrite.OwnedBy) or C(Application.ReadWrite.All).
  - Exchange applies a new assignment to applications that are running after 30 minutes to 2 hours. O(verify) asks past
    that cache, so it may prove an assignment that the application cannot use yet.
  - A tenant whose Exchange settings were never customized refuses role assignments; the error says how to change that.
  - In check mode an application, group or mailbox that is missing is only warned about, since an earlier task may be
    about to make it.
seealso:
  - module: vmrops.o365.o365_oauth_app
  - module: vmrops.o365.o365_service_account
  - name: Role based access control for applications in Exchange Online
    description: Microsoft's description of scoped application roles.
    link: https://learn.microsoft.com/exchange/permissions-exo/application-rbac
  - name: Filterable properties for the RecipientFilter parameter
    description: Microsoft's list of what a recipient filter can name.
    link: https://learn.microsoft.com/powershell/exchange/recipientfilter-properties
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

- name: The same for an administrative unit, with one role more
  vmrops.o365.o365_impersonation:
    name: Pexip VMR scheduling in Oslo
    app_id: "{{ app.application.app_id }}"
    roles:
      - Application EWS.AccessAsApp
      - Application Calendars.ReadWrite
    scope:
      administrative_unit: Oslo

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
  description: The role assignments as Exchange shows them; in check mode those that there are now.
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
  sample: ((CustomAttribute1 -eq 'VMR') -and (RecipientTypeDetails -eq 'UserMailbox'))
verified:
  description: What Exchange answered about the mailboxes of O(verify), under C(in_scope) and C(out_of_scope).
  returned: when O(verify) was asked for, except in check mode
  type: dict
  sample:
    in_scope: {mailbox: alice@contoso.com, roles: [Application EWS.AccessAsApp]}
    out_of_scope: {mailbox: carol@contoso.com, roles: []}
steps:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    summary:
      description: The step in words.
      type: str
      sample: remove the management scope Pexip VMR scheduling
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
          CmdletName: Remove-ManagementScope
          Parameters: {Identity: Pexip VMR scheduling, Confirm: false}
    cmdlet:
      description: For Exchange, the PowerShell command line that an administrator would have typed.
      type: str
      sample: Remove-ManagementScope -Identity 'Pexip VMR scheduling' -Confirm:$false
steps_done:
  description: The steps that were carried out before the failure.
  returned: failure
  type: list
  elements: str
"""

from ansible_collections.vmrops.o365.plugins.module_utils._module import run_module
from ansible_collections.vmrops.o365.plugins.module_utils._resources.impersonation import Impersonation
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import TENANT


def main() -> None:
    spec = {
        "name": {"type": "str", "required": True},
        "assignment_name": {"type": "str"},
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
        "keep_scope": {"type": "bool", "default": False},
        "conflict": {"type": "str", "choices": ["fail", "change"], "default": "fail"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    required = [("method", "application_rbac", ["app_id"]), ("method", "application_impersonation", ["user"])]
    run_module(spec, Impersonation, TENANT, required_if=required)


if __name__ == "__main__":
    main()
