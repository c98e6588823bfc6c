# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what is left in the simulator's store, to compare the tenant before and after."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Documents = Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass(frozen=True)
class Difference:
    """One document that is not as it was.

    Args:
        how: added, removed or changed.
        name: what a person would call it.
        kept_by_service: why the service itself keeps it; empty when the role left it behind.
    """

    kind: str
    how: str
    name: str
    kept_by_service: str

    def __str__(self) -> str:
        reason = f" ({self.kept_by_service})" if self.kept_by_service else ""
        return f"{self.how} {self.kind}: {self.name}{reason}"


def documents(state: Path) -> Documents:
    """Everything the tenant holds, by kind and id: users, applications, mailboxes, scopes, assignments, items, ..."""
    with closing(sqlite3.connect(f"file:{state / 'tenant.sqlite'}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT kind, id, body FROM documents WHERE body IS NOT NULL").fetchall()
    return {(kind, key): json.loads(body) for kind, key, body in rows}


def differences(before: Documents, after: Documents) -> list[Difference]:
    """What is not as it was, ordered by kind."""
    found = []
    for kind, key in sorted({*before, *after}):
        old, new = before.get((kind, key)), after.get((kind, key))
        if old != new:
            how = "added" if old is None else "removed" if new is None else "changed"
            document = new or old or {}
            found.append(Difference(kind, how, _name(document, key), _kept(kind, document, after)))
    return found


def _name(document: Mapping[str, Any], key: str) -> str:
    names = ("userPrincipalName", "PrimarySmtpAddress", "displayName", "DisplayName", "Name", "Subject", "type")
    return next((str(document[name]) for name in names if document.get(name)), key)


def _kept(kind: str, document: Mapping[str, Any], after: Documents) -> str:
    """Why the service keeps a document after all was removed; empty when it does not."""
    if kind == "mailbox" and document.get("WhenSoftDeleted"):
        return "removed; Exchange keeps it recoverable for 30 days"
    if kind == "user" and document.get("deletedDateTime"):
        boxes = (one for (box, _key), one in after.items() if box == "mailbox")
        own = next((one for one in boxes if one["ExternalDirectoryObjectId"] == document["id"]), {})
        equipment = own.get("RecipientTypeDetails") == "EquipmentMailbox"
        return "belongs to the removed equipment mailbox" if equipment else ""
    if kind in ("item", "mailboxPermission"):
        guid = document["_mailbox" if kind == "item" else "Identity"]
        mailbox = after.get(("mailbox", str(guid).lower()), {})
        return "inside a removed mailbox" if mailbox.get("WhenSoftDeleted") else ""
    return "the sign-in service's note of a token it gave" if kind == "grant" else ""
