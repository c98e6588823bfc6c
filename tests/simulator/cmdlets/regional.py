# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Language, formats and time zone of a mailbox, and the names of its folders that follow the language."""

from __future__ import annotations

import re

from ..store import Document
from ..tenant import graph_time
from . import identity
from .base import Call, CmdletError, Output, cmdlet

_FORMATS = ("DateFormat", "TimeFormat", "TimeZone")
# Names of folders by language; other languages keep the names that are there.
_NAMES: dict[str, dict[str, str]] = {
    "en": {"calendar": "Calendar", "inbox": "Inbox", "sentitems": "Sent Items", "deleteditems": "Deleted Items"},
    "de": {"calendar": "Kalender", "inbox": "Posteingang", "sentitems": "Gesendete Elemente"},
    "nb": {"calendar": "Kalender", "inbox": "Innboks", "sentitems": "Sendte elementer"},
    "fr": {"calendar": "Calendrier", "inbox": "Boîte de réception", "sentitems": "Éléments envoyés"},
    "es": {"calendar": "Calendario", "inbox": "Bandeja de entrada", "sentitems": "Elementos enviados"},
}


def _settings(box: Document) -> Document:
    """What was set; a mailbox that nobody has opened has nothing (Microsoft docs)."""
    return {"Language": None, **dict.fromkeys(_FORMATS), **box.get("_regionalConfiguration", {})}


@cmdlet("Get-MailboxRegionalConfiguration")
def get_mailbox_regional_configuration(call: Call) -> Output:
    """The settings of one mailbox, and whether its folders' names fit them where that is asked."""
    box = identity.mailbox_seen(call, call.get("Identity"))
    settings = _settings(box)
    row = {"Identity": box["Identity"], **settings, "IsValid": True}
    if call.get("VerifyDefaultFolderNameLanguage"):
        names = _NAMES.get(str(settings["Language"] or "en")[:2], {})
        held = box.get("_folderNames", {})
        row["DefaultFolderNameMatchingUserLanguage"] = all(
            held.get(key, _NAMES["en"].get(key)) == name for key, name in names.items()
        )
    return [row]


@cmdlet("Set-MailboxRegionalConfiguration")
def set_mailbox_regional_configuration(call: Call) -> Output:
    """Change the settings, and the folders' names where LocalizeDefaultFolderName asks for it.

    Which formats go with which language is not simulated.
    """
    box = identity.mailbox(call, call.get("Identity"))
    wish = _settings(box)
    language = call.get("Language")
    if language is not None and not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z]{2,4})*", language):  # text: unverified
        raise CmdletError("TaskArgumentException", f'The language "{language}" isn\'t valid.')
    wish |= {name: call.get(name) for name in ("Language", *_FORMATS) if call.given(name)}
    names = dict(box.get("_folderNames", {}))
    if call.get("LocalizeDefaultFolderName"):
        names |= _NAMES.get(str(wish["Language"] or "en")[:2].lower(), {})
    if (wish, names) == (_settings(box), box.get("_folderNames", {})):
        call.unchanged(box["Identity"])
        return None
    changes = {"_regionalConfiguration": wish, "_folderNames": names, "WhenChanged": graph_time()}
    call.tenant.store.update("mailbox", box["Guid"], **changes)
    return None
