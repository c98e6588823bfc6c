# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft 365 tenants as inventory hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tenants
short_description: Microsoft 365 tenants as hosts, from a list or from a partner's customers
version_added: 0.1.0
author: the vmrops.o365 authors (@vmrops)
description:
  - Each tenant becomes a host of the group C(o365_tenants), for which the playbooks of this collection run. Nothing is ever
    connected to by the host's name.
  - The tenants stand in O(tenants), or are the customers of a Microsoft partner, read from Microsoft Graph with O(partner), or
    both. Of a customer Graph knows the name and the id; O(tenants) can say more of it, under its id.
  - A host has the variables C(tenant_id), C(tenant_name), C(tenant_domain), C(tenant_country) and C(tenant_state), as far as
    they are known, and C(vmr_scheduling_auth) with what O(auth) and the tenant's own C(auth) say.
  - It is in a group each for its domain, country and state, such as C(domain_contoso_com), C(country_NO) and C(state_pilot).
  - Templates in O(auth), and in a tenant's C(auth) and C(vars), are left to the play. A secret that stands behind a template is
    therefore neither in the cache nor in what C(ansible-inventory --list) shows.
  - The file's name has to end in C(tenants.yml) or C(tenants.yaml).
extends_documentation_fragment:
  - constructed
  - inventory_cache
requirements:
  - msal and requests, with O(partner)
notes:
  - To read a partner's customers, the app needs the application permission C(DelegatedAdminRelationship.Read.All) of Microsoft
    Graph in the partner's own tenant.
  - The cache holds the names and ids of customers, and nothing else.
options:
  plugin:
    description: What says that the file is for this plugin.
    type: str
    required: true
    choices: [vmrops.o365.tenants]
  tenants:
    description:
      - The tenants. Each has C(tenant_id) (the GUID) or C(domain), or both, and may have C(name) (the company's), C(hostname),
        C(country), C(state), C(auth) and C(vars).
      - Without C(hostname), the host is called as the company, in lower case and with dashes. Names that occur twice get the
        first part of the id behind them, so a customer whose host should never change its name should be listed with one.
      - C(country) and C(state) are words of your own, for groups and conditions, such as V(NO) and V(pilot).
      - C(auth) and C(vars) are as O(auth) and O(vars), and win over them.
    type: list
    elements: dict
    default: []
  partner:
    description:
      - How to sign in to the partner's own tenant, with the options that every module of the collection has, such as
        C(tenant_id), C(client_id) and C(client_secret). The C(AZURE_*) environment variables count for those left out.
      - Templates are resolved here. Left out, no customers are read; V({}) takes everything from the environment.
    type: dict
  auth:
    description:
      - What C(vmr_scheduling_auth) has in common for all tenants, usually with templates. C(tenant_id) is added.
    type: dict
    default: {}
  vars:
    description: Variables of every tenant; templates are left to the play.
    type: dict
    default: {}
  filters:
    description:
      - Which tenants become hosts. Each filter has either C(include) or C(exclude), with a condition on the host's variables
        as in C(when), or V(true). The first whose condition holds decides; where none does, the tenant stays.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
# A list, with one secret each in Ansible Vault. All in one file, tenants.yml
plugin: vmrops.o365.tenants
tenants:
  - hostname: contoso
    tenant_id: 11111111-2222-4333-8444-555555555555
    domain: contoso.com
    country: "NO"
    state: live
    vars:
      vmr_scheduling_equipment_address: vmr-scheduling@contoso.com
      vmr_scheduling_scope:
        group: vmr-users@contoso.com
  - hostname: fabrikam
    domain: fabrikam.com
    country: SE
    state: pilot
auth:
  client_id: 66666666-7777-4888-9999-000000000000
  client_secret: "{{ vault_client_secrets[inventory_hostname] }}"

# Another file: a partner's customers, but for one, kept for an hour; the app of the partner signs in to each of them
#
# plugin: vmrops.o365.tenants
# partner:
#   tenant_id: partner.onmicrosoft.com
#   client_id: 66666666-7777-4888-9999-000000000000
#   client_secret: "{{ lookup('ansible.builtin.env', 'PARTNER_SECRET') }}"
# auth:
#   client_id: 66666666-7777-4888-9999-000000000000
#   client_secret: "{{ lookup('ansible.builtin.env', 'PARTNER_SECRET') }}"
# tenants:
#   - tenant_id: 11111111-2222-4333-8444-555555555555
#     hostname: contoso
#     state: pilot
# filters:
#   - exclude: tenant_name == 'Northwind Traders'
# compose:
#   vmr_scheduling_manage_ews_access: tenant_state | default('') == 'pilot'
# keyed_groups:
#   - key: tenant_name[0]
#     prefix: initial
# cache: true
# cache_plugin: ansible.builtin.jsonfile
# cache_connection: /var/cache/ansible/tenants
# cache_timeout: 3600
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.vmrops.o365.plugins.module_utils import _tenants
from ansible_collections.vmrops.o365.plugins.module_utils._input import check
from ansible_collections.vmrops.o365.plugins.module_utils._module import show_on_terminal
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused
from ansible_collections.vmrops.o365.plugins.module_utils._private_files import UnsafeFile
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS, connect
from ansible_collections.vmrops.o365.plugins.module_utils._transport.credentials import BadCredentials
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import MissingLibrary

GROUP = "o365_tenants"


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]  # ansible-core is not typed
    """The plugin."""

    NAME = "vmrops.o365.tenants"

    def verify_file(self, path: str) -> bool:
        """Whether the file is called as one for this plugin."""
        return bool(super().verify_file(path)) and path.endswith(("tenants.yml", "tenants.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Fill the inventory. Raises AnsibleParserError."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            tenants = _tenants.listed(self.get_option("tenants"))
            _tenants.check_filters(self.get_option("filters"))
            if self.get_option("partner") is not None:
                tenants = _tenants.with_customers(tenants, self._customers(path, cache))
            hosts = _tenants.named(tenants)
        except (Refused, BadCredentials, UnsafeFile) as error:
            raise AnsibleParserError(f"{path}: {error}") from error
        except MissingLibrary as error:
            raise AnsibleParserError(f"{path}: partner needs the Python library {error.name}.") from error
        inventory.add_group(GROUP)
        for name, tenant in hosts:
            self._add(name, tenant)

    def _add(self, name: str, tenant: Mapping[str, Any]) -> None:
        variables = {**self.get_option("vars"), **_tenants.variables(tenant, self.get_option("auth"))}
        known = {"inventory_hostname": name, **variables}
        if not _tenants.kept(self.get_option("filters"), lambda condition: self._holds(condition, known)):
            return
        self.inventory.add_host(name, group=GROUP)
        for variable, value in variables.items():
            self.inventory.set_variable(name, variable, value)
        for group in _tenants.group_names(tenant):
            self.inventory.add_child(self.inventory.add_group(self._sanitize_group_name(group)), name)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), known, name, strict=strict)
        known = {**known, **self.inventory.get_host(name).get_vars()}
        self._add_host_to_composed_groups(self.get_option("groups"), known, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), known, name, strict=strict)

    def _holds(self, condition: str, variables: dict[str, Any]) -> bool:
        try:
            return bool(boolean(self._compose(condition, variables), strict=False))
        except (AnsibleError, TypeError) as error:
            if self.get_option("strict"):
                raise AnsibleParserError(f"filters: {condition} cannot be said of a tenant: {error}") from error
            return False

    def _customers(self, path: str, cache: bool) -> list[dict[str, Any]]:
        """The partner's customers, from the cache where it may be used. Raises AnsibleParserError and what connect raises."""
        options = self._partner()
        self.load_cache_plugin()
        key = f"{self.get_cache_key(path)}_{options['tenant_id']}"
        may_keep = self.get_option("cache")
        if may_keep and cache and key in self._cache:
            kept: list[dict[str, Any]] = self._cache[key]
            return kept
        connection = connect(options, show_on_terminal)
        found, why = connection.attempt(connection.directory.customers)
        if found is None:
            raise AnsibleParserError(f"{path}: partner: {why}")
        customers = [{name: one[name] for name in ("tenantId", "displayName")} for one in found]
        if may_keep:
            self._cache[key] = customers
        return customers

    def _partner(self) -> dict[str, Any]:
        """The options to sign in with: templates resolved, checked as a module's, completed from the environment."""
        given = self.templar.template(self.get_option("partner"))
        checked = ArgumentSpecValidator(AUTH_ARGUMENTS).validate(given)
        if checked.error_messages:
            # Not with the words of the check, which repeat values.
            raise Refused(
                f"its options are not right; there are {', '.join(sorted(AUTH_ARGUMENTS))}.",
                "partner",
                "Correct " + (", ".join(sorted(set(given) - set(AUTH_ARGUMENTS))) or "their types") + ".",
            )
        options: dict[str, Any] = checked.validated_parameters
        check(AUTH_ARGUMENTS, options, "partner.")
        return options
