# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a caller holds, as its token says, and what it lacks of what is needed, in words that an administrator acts on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from ._rights import DIRECTORY_ROLE, DIRECTORY_ROLES, Need, Right, is_role, least

By = Literal["application", "person"]
MOST_LISTED = 12


class Granted(NamedTuple):
    """What a token says of its bearer.

    Args:
        by: whether an app signed in as itself, or a person through it.
        rights: the permissions on the token's service, and the directory roles that are known here.
        readable: whether the token could be read; when not, nothing is known to be missing.
    """

    by: By = "application"
    rights: frozenset[Right] = frozenset()
    readable: bool = False

    @classmethod
    def of(cls, claims: Mapping[str, Any], service: str) -> Granted:
        """From a token's claims ({} when it cannot be read) for GRAPH or EXCHANGE_ONLINE."""
        names = str(claims["scp"]).split() if "scp" in claims else claims.get("roles") or []
        roles = {
            Right(DIRECTORY_ROLE, DIRECTORY_ROLES[one]) for one in claims.get("wids") or [] if one in DIRECTORY_ROLES
        }
        rights = frozenset({Right(service, str(name)) for name in names} | roles)
        return cls("person" if "scp" in claims else "application", rights, bool(claims))

    def lacks(self, needs: Iterable[Need]) -> list[Need]:
        """The needs that are not met, less those that come with another one; [] also when nothing is known."""
        lacking = [need for need in needs if self.readable and not need.satisfied(self.rights, self.by)]
        if self.by == "person":
            return lacking
        return [need for need in lacking if need.application[0] in least(lacking)]

    def __str__(self) -> str:
        names = sorted(right.name for right in self.rights)
        more = [f"and {len(names) - MOST_LISTED} more"] if len(names) > MOST_LISTED else []
        return ", ".join(names[:MOST_LISTED] + more) or "nothing"


def in_words(need: Need, by: By = "application") -> str:
    """What meets a need: "the application permission A or B of Microsoft Graph (with admin consent)"."""
    if by == "person":
        parts = [_any_of(need.delegated, "delegated"), _any_of(need.person, "delegated")]
        return " and, for the person who signs in, ".join(part for part in parts if part)
    return _any_of(need.application, "application")


def _any_of(rights: Sequence[Right], kind: str) -> str:
    permissions = [right for right in rights if not is_role(right)]
    roles = " or ".join(right.name for right in rights if is_role(right))
    parts = [f"the directory role {roles}"] if roles else []
    if permissions:
        names = " or ".join(right.name for right in permissions)
        parts.insert(0, f"the {kind} permission {names} of {permissions[0].of} (with admin consent)")
    return ", or ".join(parts)


def advice(needs: Sequence[Need], granted: Granted) -> str:
    """What to say to a caller who was refused what takes these needs; empty when nothing is known of them."""
    if not needs:
        return ""
    lacking = granted.lacks(needs)
    words = " and ".join(in_words(need, granted.by) for need in lacking or needs)
    limits = " ".join(need.limit for need in needs if need.limit and need not in lacking)
    if lacking:
        return f"The caller lacks {words}. Its token has: {granted}. {limits}".strip()
    held = f" Its token has: {granted}." if granted.readable else ""
    return f"The caller needs {words}.{held} {limits}".strip()
