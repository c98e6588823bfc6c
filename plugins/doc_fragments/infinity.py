# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that every module for a Pexip Management Node shares."""

from __future__ import annotations


class ModuleDocFragment:
    """Where the node is, and how to sign in to it."""

    DOCUMENTATION = r"""
options:
  node_url:
    description:
      - The address of the Management Node, V(https://infinity.example.com), with a port if need be.
    type: str
    required: true
  node_username:
    description:
      - A web administrator of the node, or an LDAP account, whose role may use the API.
      - Needs O(node_password). An OAuth2 client, O(node_client_id), can be limited to less.
    type: str
  node_password:
    description:
      - The password of O(node_username).
    type: str
  node_client_id:
    description:
      - The id of an OAuth2 client of the node. Needs O(node_private_key).
    type: str
  node_private_key:
    description:
      - The private key of the OAuth2 client, as PEM. The node shows it once, when the client is made.
    type: str
  validate_certs:
    description:
      - Whether the node has to prove who it is. V(false) gives the password, and every secret that is written, to whoever
        answers in the node's place; give O(ca_path) instead where that is possible.
    type: bool
    default: true
  ca_path:
    description:
      - A file with the certificates of the authorities to trust, e.g. the one that signed the node's certificate.
      - It wins over E(REQUESTS_CA_BUNDLE).
    type: path
  timeout:
    description:
      - Seconds that one request may take.
    type: int
    default: 60
  wait_timeout:
    description:
      - Seconds after which the module stops retrying, and stops waiting until the node shows what was written.
    type: int
    default: 300
notes:
  - The proxies of the environment (E(HTTPS_PROXY), E(NO_PROXY)) are used.
requirements:
  - requests
  - PyJWT and cryptography, which come with msal, for O(node_client_id)
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    support: full
    description: Use C(module_defaults) with C(group/vmrops.o365.pexip) to set how to sign in to the node once.
    membership:
      - vmrops.o365.pexip
"""
