#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_report
short_description: Write what an audit of VMR scheduling found, as JSON, Markdown and a web page
version_added: 0.1.0
description:
  - Writes the reports that the role P(vmrops.o365.vmr_scheduling#role) makes with its entry point C(audit), each for itself
    and all together. The playbook C(vmrops.o365.audit) does both.
  - The page needs nothing beside itself, and no network. It can be filtered and printed.
  - The files have mode 0600, and take the place of earlier ones when they are complete. They hold no secret, but all that is
    worth knowing about a tenant to somebody who attacks it.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.attributes
attributes:
  check_mode:
    support: full
    description: Makes the report and writes no file.
  diff_mode:
    support: N/A
    description: A report is no state that differs from another.
  idempotent:
    support: none
    description: Every report says when it was made, and so is written each time.
options:
  observed:
    description:
      - What the role's steps said about one tenant in check mode. It is for the role, and may change.
      - Nothing is written then; the report is only returned.
    type: dict
  reports:
    description:
      - The reports of single tenants, as this module returned them. Requires O(tenants) and O(directory).
    type: list
    elements: dict
  tenants:
    description:
      - The names of all tenants that were to be audited. One that has no report stands in the report of all as such.
    type: list
    elements: str
  directory:
    description:
      - Where the files go, on the controller. It is made with mode 0700 where it is missing.
      - A tenant's files are called after it, and those of all C(all-tenants), with the endings C(.json), C(.md) and C(.html).
    type: path
notes:
  - It runs in Ansible's own process on the controller.
seealso:
  - module: vmrops.o365.o365_tenant_info
"""

EXAMPLES = r"""
- name: Audit the tenant
  ansible.builtin.include_role:
    name: vmrops.o365.vmr_scheduling
    tasks_from: audit

- name: Write the reports of all tenants
  vmrops.o365.audit_report:
    reports: >-
      {{ ansible_play_hosts | map('extract', hostvars) | selectattr('vmr_scheduling_audit', 'defined')
      | map(attribute='vmr_scheduling_audit.report') | list }}
    tenants: "{{ ansible_play_hosts_all }}"
    directory: /srv/audit
  run_once: true
"""

RETURN = r"""
report:
  description:
    - The report of a tenant, or of all, as in the JSON files. C(docs/audit.md) of the collection describes every key.
  returned: success
  type: dict
  sample:
    schema_version: 1
    generated: '2026-12-01T08:30:00Z'
    summary: {tenants: 2, failed: 0, errors: 0, warnings: 1, infos: 3}
    tenants: []
files:
  description: The files that were written, or in check mode would be.
  returned: with O(reports)
  type: list
  elements: str
  sample: [/srv/audit/all-tenants.html]
"""
