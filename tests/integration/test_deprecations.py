# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that the collection does is on its way out of Ansible or Python, as far as the ones at hand know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.ansible import Ansible, Run
from support.company import wish
from support.simulator import Simulator

# Ansible says what is deprecated in it; Python does so in the processes of the modules, too, where their code causes it.
ASKING = {
    "ANSIBLE_DEPRECATION_WARNINGS": "1",
    "PYTHONWARNINGS": "default::DeprecationWarning,default::PendingDeprecationWarning",
}
OUTDATED = """\
#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(argument_spec={}, supports_check_mode=True)
module.deprecate("This is on its way out", version="99.0.0", collection_name="vmrops.o365")
module.exit_json()
"""


def deprecations(run: Run) -> list[str]:
    """Whatever is said to be deprecated, by Ansible, or by Python about the collection's own files."""
    lines = [line for line in run.output.splitlines() if "[DEPRECATION WARNING]" in line]
    lines += [line for line in run.output.splitlines() if "DeprecationWarning" in line and "vmrops" in line]
    return lines + [str(one["deprecations"]) for one in run.results if one.get("deprecations")]


@pytest.mark.smoke
@pytest.mark.parametrize("access", ["app_permissions", "service_account"])
def test_the_role_uses_nothing_deprecated(
    access: str, simulator: Callable[..., Simulator], ansible: Ansible, tmp_path: Path
) -> None:
    tenant = simulator(seed={"impersonation_role": True})
    wanted = wish(tenant, access, tmp_path / "secrets.yml")
    options: dict[str, Any] = {"environment": ASKING, "diff": True}
    with tenant.no_writes():
        foreseen = ansible.role(wanted, check=True, **options).ok()
    applied = ansible.role(wanted, **options).ok()
    assert applied.changed
    with tenant.no_writes():
        again = ansible.role(wanted, **options).ok()
    assert not again.changed
    removed = ansible.role({**wanted, "vmr_scheduling_state": "absent"}, **options).ok()
    assert removed.changed
    assert not [line for run in (foreseen, applied, again, removed) for line in deprecations(run)]


def test_what_is_deprecated_would_be_seen(ansible: Ansible, tmp_path: Path) -> None:
    (tmp_path / "outdated.py").write_text(OUTDATED)
    run = ansible.run(
        [{"hosts": "all", "gather_facts": False, "tasks": [{"name": "Outdated", "outdated": {}}]}],
        environment={**ASKING, "ANSIBLE_LIBRARY": str(tmp_path)},
    ).ok()
    assert any("This is on its way out" in line for line in deprecations(run))
    assert len(deprecations(run)) == 2, "said to the user, and in the result"
