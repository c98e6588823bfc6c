# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no option may hold, whatever the module: characters that make a text look like another, or end it early.

Everything else is sent as it is, quoted where a service reads it as a part of something.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from ._plan import Refused
from ._text import is_plain

# Options whose texts have lines, beside those called templates.
LINES = frozenset(
    {
        "additional_add_in_script_sources",
        "additional_response",
        "manifest",
        "node_private_key",
        "recipient_filter",
        "reject_single_meeting_past",
    }
)
LONGEST = 4096
# Control characters, half characters, line separators; of the invisible ones those that change the direction of what
# follows, and those that nothing is written with. Joiners and direction marks belong to some scripts, and stay.
_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_INVISIBLE = frozenset("\u200b\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_ENDPOINT = re.compile(r"https://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?/*")
_TENANT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def check(arguments: Mapping[str, Any], options: Mapping[str, Any], within: str = "") -> None:
    """Raise Refused for a text that no service should be asked to understand.

    Args:
        arguments: the argument specification.
        options: the values; None for those not given.
        within: the options that these belong to, with a dot at the end.
    """
    for name, specification in arguments.items():
        values = options.get(name)
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str):
                _check_text(value, f"{within}{name}", name in LINES or name.endswith("_template"))
            elif isinstance(value, Mapping):
                check(specification.get("options") or {}, value, f"{within}{name}.")


def check_addresses(options: Mapping[str, Any]) -> None:
    """Raise Refused for a tenant or an endpoint that would lead credentials elsewhere."""
    for name in ("login_url", "graph_url", "outlook_url"):
        if options[name] and not _ENDPOINT.fullmatch(options[name]):
            raise Refused(
                "it is no base address.", name, "Give it as https://host or https://host:port, without a path."
            )
    if options["tenant_id"] and not _TENANT.fullmatch(options["tenant_id"]):
        raise Refused("it is no tenant.", "tenant_id", "Give the tenant's id, a GUID, or one of its domains.")


def _check_text(text: str, option: str, lines: bool) -> None:
    """The text itself may be a secret, and is not repeated."""
    for position, letter in enumerate("" if is_plain(text) else text, start=1):
        if letter in _INVISIBLE or (unicodedata.category(letter) in _CATEGORIES and not (lines and letter in "\r\n\t")):
            shown = letter.encode("unicode_escape").decode()
            raise Refused(
                f"character {position} is {shown}, which is invisible and changes what is read.", option, "Remove it."
            )
    if len(text) > LONGEST and not lines:
        raise Refused(f"it has {len(text)} characters.", option, f"Give at most {LONGEST}.")
