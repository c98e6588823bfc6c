# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's checks of the arguments, made safe for secrets in the wrong place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ._masking import STRETCH, masked, stretches
from ._plan import MASK

_WORD = re.compile(r"[A-Za-z_]+")


class Module(AnsibleModule):  # type: ignore[misc]  # ansible-core is not typed
    """AnsibleModule, silent about values for as long as it checks the arguments.

    A value in the wrong place may be a secret that no option marks: a misspelt option, a password where a word was expected.
    """

    def __init__(self, **more: Any) -> None:
        self.checked = False
        super().__init__(**more)
        self.checked = True
        # Ansible notes what is secret before it turns values into texts, which changes lists and dictionaries.
        self.no_log_values.update(marked(self.argument_spec, self.params))

    def fail_json(self, msg: str, **result: Any) -> None:
        """As Ansible's; the names of the arguments are shown, and their values only where they nearly are a known word."""
        if not self.checked:
            words = " ".join(_words(self.argument_spec))
            values = [value for value in _texts(self.params) if len(value) >= STRETCH]
            foreign = [one for one in values if not any(part in words for part in stretches(one))]
            msg, result["invocation"] = masked(str(msg), foreign), {"module_args": dict.fromkeys(self.params, MASK)}
        super().fail_json(msg, **result)


def _words(specification: Mapping[str, Any]) -> Iterator[str]:
    """The names of options, and what they may be."""
    for name, option in specification.items():
        yield name
        yield from map(str, option.get("choices") or ())
        yield from _words(option.get("options") or {})


def marked(specification: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[str]:
    """The values of secret options, those within other options too."""
    for name, option in specification.items():
        value = values.get(name)
        if option.get("no_log") and value:
            yield from _texts(value)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                yield from marked(option.get("options") or {}, one)


def _texts(value: Any) -> Iterator[str]:
    """The texts within a value, also in place of names: Ansible reads a text with an equals sign as a name and a value."""
    if isinstance(value, Mapping):
        yield from (name for name in value if not _WORD.fullmatch(name))
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
