# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that every module shares."""

from __future__ import annotations


class ModuleDocFragment:
    """How to sign in, and where the services are."""

    DOCUMENTATION = r"""
options:
  auth_method:
    description:
      - How to sign in.
      - With V(auto) the method follows from what is given - O(certificate_path), O(client_secret), then
        O(federated_token_file). Managed identity and device code are only used when named here.
      - V(device_code) shows a code on the terminal from which the playbook was started, and waits until somebody has entered
        it in a browser. Without a terminal it fails at once.
    type: str
    choices: [auto, client_secret, certificate, managed_identity, workload_identity, device_code]
    default: auto
  tenant_id:
    description:
      - The tenant, as its GUID or one of its verified domains.
      - Taken from the environment variable E(AZURE_TENANT_ID), or E(AZURE_TENANT), when left out.
    type: str
  client_id:
    description:
      - The application (client) id of the app that signs in; with O(auth_method=managed_identity) the id of a
        user-assigned identity.
      - Taken from the environment variable E(AZURE_CLIENT_ID) when left out.
    type: str
  client_secret:
    description:
      - A client secret of the app.
      - Taken from the environment variable E(AZURE_CLIENT_SECRET), or E(AZURE_SECRET), when left out.
    type: str
  certificate_path:
    description:
      - A file with the app's certificate and private key, as PEM or PFX (PKCS#12).
      - Taken from the environment variable E(AZURE_CLIENT_CERTIFICATE_PATH) when left out.
    type: path
  certificate_passphrase:
    description:
      - The passphrase of the key in O(certificate_path).
      - Taken from the environment variable E(AZURE_CLIENT_CERTIFICATE_PASSWORD) when left out.
    type: str
  federated_token_file:
    description:
      - A file with a token of another identity provider that the app trusts (workload identity federation).
      - Taken from the environment variable E(AZURE_FEDERATED_TOKEN_FILE) when left out.
    type: path
  token_cache_path:
    description:
      - A file that keeps the refresh token of O(auth_method=device_code), so that one sign-in serves several tasks.
        Without it every task asks for a sign-in.
      - It is created with mode 0600. A path that is a symbolic link or belongs to another user is refused, and so is a
        directory that belongs to another user than root, or that everybody may write to (unless it has the sticky bit).
    type: path
  cloud:
    description:
      - The national cloud that the tenant is in.
      - Taken from the environment variable E(VMROPS_O365_CLOUD) when left out, or from E(AZURE_CLOUD_ENVIRONMENT), where
        C(AzureUSGovernment) means V(usgov_gcc_high).
    type: str
    choices: [global, usgov_gcc_high, usgov_dod, china]
    default: global
  login_url:
    description:
      - Base address of the sign-in service, in place of the cloud's own.
      - Taken from the environment variable E(AZURE_AUTHORITY_HOST) when left out.
    type: str
  graph_url:
    description:
      - Base address of Microsoft Graph, in place of the cloud's own.
      - Taken from the environment variable E(VMROPS_O365_GRAPH_URL) when left out.
    type: str
  outlook_url:
    description:
      - Base address of Exchange Online, in place of the cloud's own.
      - Taken from the environment variable E(VMROPS_O365_OUTLOOK_URL) when left out.
    type: str
  ca_path:
    description:
      - A file with the certificates of the authorities to trust, e.g. of a proxy that inspects TLS.
      - It wins over E(REQUESTS_CA_BUNDLE). Verification cannot be switched off.
      - Taken from the environment variable E(VMROPS_O365_CA_PATH) when left out.
    type: path
  timeout:
    description:
      - Seconds that one request may take, from the connection to the last byte of the answer.
    type: int
    default: 60
  wait_timeout:
    description:
      - Seconds after which the module stops retrying, and stops waiting until the service shows what was written.
    type: int
    default: 300
notes:
  - The proxies of the environment (E(HTTPS_PROXY), E(NO_PROXY)) are used.
requirements:
  - msal
  - requests
"""
