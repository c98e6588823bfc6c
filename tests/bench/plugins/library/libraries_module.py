# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that does nothing but import what signs in: the least that any module costs which speaks to Microsoft 365."""

from __future__ import annotations

import msal
import requests
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """The module."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.exit_json(changed=False, versions=[msal.__version__, requests.__version__])


if __name__ == "__main__":
    main()
