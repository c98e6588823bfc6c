#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: private_file
short_description: Keep a secret in a file on the controller that only its owner can read
version_added: 0.1.0
description:
  - Writes a file on the controller, whatever host the task is for. It has mode 0600 from the moment it is created, and
    takes the place of an earlier one when it is complete.
  - M(ansible.builtin.copy) creates a new file with the mode that the umask leaves, and narrows it afterwards; it follows or
    replaces symbolic links, and gives the file to whoever owned the one before. For a secret each of these can mean that
    somebody else reads it.
  - Refused, before anything is written, are a path that is a symbolic link, no regular file, or another user's, and one in a
    directory that belongs to another user than root, or that everybody may write to (unless it has the sticky bit).
  - A file that is encrypted with Ansible Vault stays encrypted; then the play needs its password.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.attributes
attributes:
  check_mode:
    support: full
    description: Says whether the file would change, and refuses what a run would refuse.
  diff_mode:
    support: N/A
    description: A secret has no difference to show.
  idempotent:
    support: full
    description: A file that has the content already, and mode 0600, is left alone.
options:
  path:
    description:
      - The file. Its directory has to exist.
    type: path
    required: true
  content:
    description:
      - What the file shall hold, as UTF-8 text. Required with O(state=present).
    type: str
  instead_of:
    description:
      - What the file held when it was read, empty when there was none. Given, a file that holds something else by now is
        left alone, so that of two plays at the same time only one writes.
    type: str
  state:
    description:
      - V(present) writes the file, V(absent) removes it.
    type: str
    choices: [present, absent]
    default: present
notes:
  - It runs in Ansible's own process on the controller; no content goes through temporary files or another process.
seealso:
  - module: vmrops.o365.o365_oauth_app
"""

EXAMPLES = r"""
- name: Register the app and make a secret
  vmrops.o365.o365_oauth_app:
    unique_name: pexip-vmr-scheduling
    display_name: Pexip VMR scheduling
    secret: {}
  register: app
  no_log: true

- name: Keep the secret
  vmrops.o365.private_file:
    path: "{{ playbook_dir }}/secrets/pexip.yml"
    content: "{{ {'client_secret': app.secret.value} | to_nice_yaml }}"
  when: app.secret is defined
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /srv/pexip/secrets/pexip.yml
"""
