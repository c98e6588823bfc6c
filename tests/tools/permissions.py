# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables of docs/permissions.md from the collection's own list of rights."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(sys.prefix) / "collections"))

from ansible_collections.vmrops.o365.plugins.module_utils import _module_rights, _rights
from ansible_collections.vmrops.o365.plugins.module_utils._module_rights import Rule
from ansible_collections.vmrops.o365.plugins.module_utils._rights import Need, Right, least

PAGE = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
KINDS = (_rights.GRAPH, _rights.EXCHANGE_ONLINE, _rights.DIRECTORY_ROLE)


def tables() -> dict[str, list[list[str]]]:
    """The tables by the name that marks their place, with their headings first."""
    kinds = ["Microsoft Graph", "Office 365 Exchange Online", "Directory role"]
    return {
        "modules": [["Module", "With", *kinds], *(_by_module(rule) for rule in _module_rights.RULES if not rule.adds)],
        "options": [
            ["Module and option", *kinds],
            *(row for rule in _module_rights.RULES if rule.adds for row in _added(rule)),
        ],
        "role": [["`vmr_scheduling_access`", *kinds], *(_by_access(access) for access in _module_rights.STEPS)],
        "device code": [["To", "Delegated permission", "The person's directory role"], *map(_by_purpose, _all_needs())],
    }


def rendered(page: str) -> str:
    """The page with its tables as they should be."""
    for name, (heading, *rows) in tables().items():
        lines = [_line(heading), _line(["---"] * len(heading)).replace(" ", ""), *map(_line, rows)]
        mark = f"<!-- {name}: written by tests/tools/permissions.py -->\n\n"
        place = re.search(re.escape(mark) + r"(\|.*\n)*", page)
        if place is None:
            raise ValueError(f"{PAGE} has no place for the table of {name}")
        page = page[: place.start()] + mark + "".join(f"{line}\n" for line in lines) + page[place.end() :]
    return page


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _base(module: str) -> list[Need]:
    """What a module needs that makes something."""
    rules = (rule for rule in _module_rights.RULES if rule.module == module and not rule.adds)
    return [need for rule in rules if rule.when.get("state") != "absent" for need in rule.needs]


def _cells(needs: Iterable[Need], beside: Iterable[Need] = ()) -> list[str]:
    """A cell for each kind of right: what is needed beside what other needs take already."""
    there = least(beside)
    left = [need for need in dict.fromkeys(needs) if not need.satisfied(there)]
    # The least rights are those with what is there; needs that another one's right meets are not repeated.
    chosen = least([*left, *beside])
    shown = [need for need in left if need.application[0] in chosen]
    return [_joined(shown, kind) for kind in KINDS]


def _joined(needs: Sequence[Need], kind: str) -> str:
    cells = []
    for need in needs:
        names = [_code(right) for right in need.application if right.of == kind]
        other = any(right.of != kind for right in need.application)
        cells += [" or ".join(names) + (" (either)" if other else "")] if names else []
    return "; ".join(dict.fromkeys(cells)) or "none"


def _code(right: Right) -> str:
    return right.name if _rights.is_role(right) else f"`{right.name}`"


def _by_module(rule: Rule) -> list[str]:
    always = "always" if rule.module.endswith("_info") else "present, absent"
    when = ", ".join(f"`{name}: {value}`" for name, value in rule.when.items()) or always
    return [f"`{rule.module}`", when, *_cells(rule.needs)]


def _added(rule: Rule) -> list[list[str]]:
    cells = _cells(rule.needs, _base(rule.module))
    return [[f"`{rule.module}`: {rule.adds}", *cells]] if set(cells) != {"none"} else []


def _by_access(access: str) -> list[str]:
    needs = [
        need for step in _module_rights.STEPS[access] for need in _module_rights.of_module(step.module, step.options)
    ]
    rights = least(needs)
    return [f"`{access}`", *(", ".join(_code(one) for one in rights if one.of == kind) or "none" for kind in KINDS)]


def _all_needs() -> list[Need]:
    return list(dict.fromkeys(need for rule in _module_rights.RULES for need in rule.needs))


def _by_purpose(need: Need) -> list[str]:
    permissions = " or ".join(f"`{right.name}`" for right in need.delegated) or "none more"
    roles = " or ".join(right.name for right in need.person) or "none"
    return [need.purpose, permissions, roles]


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text()))
