# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox's e-mail addresses: which is primary, and what may be added."""

from __future__ import annotations

from ..store import Document
from . import identity
from .base import Call, CmdletError, invalid
from .convert import Change


def set_addresses(call: Call, box: Document, change: Change) -> None:
    """Change ``EmailAddresses``: ``SMTP:`` marks the primary, ``smtp:`` or no prefix another one (Microsoft docs)."""
    change = change.map(_prefixed)
    if change.replace is None:
        # Adding an SMTP: entry makes it the primary and the earlier primary a secondary (Microsoft docs).
        current = [
            f"smtp:{one[5:]}" if one.startswith("SMTP:") and any(new.startswith("SMTP:") for new in change.add) else one
            for one in box["EmailAddresses"]
        ]
        upper = {new.lower() for new in change.add if new.startswith("SMTP:")}
        entries = change.apply([one for one in current if one.lower() not in upper])
    else:
        entries = list(dict.fromkeys(change.replace))
        first = next((one for one in entries if one.startswith("smtp:")), None)
        if first and not any(one.startswith("SMTP:") for one in entries):
            entries[entries.index(first)] = f"SMTP:{first[5:]}"
    primary = [one for one in entries if one.startswith("SMTP:")]
    if len(primary) != 1:
        many = "multiple primary" if primary else "no primary"
        raise invalid(f"The e-mail address list has {many} SMTP addresses. Specify exactly one.")
    _write(call, box, entries, primary[0][5:])


def set_primary(call: Call, box: Document, address: str) -> None:
    """Make ``address`` the primary one and keep the earlier primary as another (Microsoft docs)."""
    kept = [
        f"smtp:{one[5:]}" if one.startswith("SMTP:") else one
        for one in box["EmailAddresses"]
        if one.lower() != f"smtp:{address.lower()}"
    ]
    _write(call, box, [f"SMTP:{address}", *kept], address)


def _write(call: Call, box: Document, entries: list[str], primary: str) -> None:
    if sorted(entries) == sorted(box["EmailAddresses"]):
        return
    for entry in entries:
        if entry.lower().startswith("smtp:"):
            identity.check_new_address(call, entry[5:], box["Guid"])
    box.update(EmailAddresses=entries, PrimarySmtpAddress=primary, WindowsEmailAddress=primary)
    box["EmailAddressPolicyEnabled"] = False


def _prefixed(entry: str) -> str:
    prefix, colon, rest = entry.partition(":")
    if not colon:
        prefix, rest = "smtp", entry
    if prefix.lower() == "smtp" and rest.count("@") != 1:
        raise CmdletError("Microsoft.Exchange.Data.DataValidationException", f'"{entry}" isn\'t a valid SMTP address.')
    return f"{prefix}:{rest}"
