# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/troubleshooting.md has every message that does not explain itself, and none that nobody says any more.

A message explains itself when it begins with the option or variable that is wrong: it then says what is wrong with it. The
others, and whatever comes from a service or from the machine, have to be on the page, by what stays the same of them: a symptom
there is bold code, with ``...`` for what differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._node import NODE_ARGUMENTS
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import AUTH_ARGUMENTS
from ansible_collections.vmrops.o365.plugins.module_utils._transport import auth, tls
from support import ROOT
from support.messages import HOLE, SERVICE, Message, asserted, raised

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
SYMPTOMS = [
    code
    for bold in re.findall(r"^\*\*(.+?)\*\*", PAGE, re.MULTILINE | re.DOTALL)
    for code in re.findall(r"`([^`]+)`", bold)
]
MESSAGES = [*raised(), *asserted()]
# Of services, Ansible and Python, which are not in the source here.
FOREIGN = {
    "403",
    "X-EWS-Policy-Reason",
    "ErrorImpersonateUserDenied",
    "disabled customizations",
    "Failed to import the required Python library (msal)",
    "couldn't resolve module/action 'vmrops.o365...'",
    "Could not match supplied host pattern, ignoring: o365_tenants",
}


def says(text: str, symptom: str) -> bool:
    """Whether a message has the symptom: its parts, in order."""
    pattern = ".*".join(re.escape(part.strip()) for part in symptom.split("..."))
    return re.search(pattern, " ".join(text.split()), re.DOTALL) is not None


def listed(texts: Iterable[str]) -> bool:
    """Whether the page has a symptom for each of these, which may be said in place of another."""
    return all(any(says(text, symptom) for symptom in SYMPTOMS) for text in texts if text.strip(HOLE + " .:"))


def explains_itself(message: Message) -> bool:
    """Whether it names, at its beginning, what is to be changed."""
    if message.kind in ("assert", "fail"):
        return re.match(r"(vmr_scheduling_\w+|Give awx_\w+)", message.texts[0]) is not None
    if message.option or message.kind == "UnsafeFile":
        return message.option
    options = "|".join(
        (*AUTH_ARGUMENTS, *NODE_ARGUMENTS, "path", "directory", "partner", "filters", "VMROPS_O365_PROGRESS")
    )
    named = re.compile(rf"({HOLE}: )?({options}|\w+\[{HOLE}\]\.|{HOLE}:)")  # on its own, in a file, or of a list's item
    return all(named.match(text) is not None for text in message.texts)


def test_there_is_something_to_check() -> None:
    kinds = {message.kind for message in MESSAGES}
    assert {"Refused", "BadCredentials", "UnsafeFile", "Denied", "Unreachable", "TimedOut", "assert", "fail"} <= kinds
    assert len(MESSAGES) > 200


@pytest.mark.parametrize("message", [one for one in MESSAGES if one.kind in SERVICE], ids=lambda one: one.place)
def test_what_comes_from_elsewhere_is_on_the_page(message: Message) -> None:
    """By its own words; what only repeats a service's is looked up by what the message advises."""
    own = [text for text in message.texts if text.strip(HOLE + " .:")]
    assert listed(own or message.advice), f"docs/troubleshooting.md does not have: {message}"


@pytest.mark.parametrize("message", [one for one in MESSAGES if one.kind not in SERVICE], ids=lambda one: one.place)
def test_bad_input_names_the_option_or_is_on_the_page(message: Message) -> None:
    assert explains_itself(message) or listed(message.texts), f"docs/troubleshooting.md does not have: {message}"


def test_what_is_known_of_certain_answers_is_on_the_page() -> None:
    for marks, _advice in auth._ADVICE:
        for mark in marks:
            assert any(mark in symptom for symptom in SYMPTOMS), mark
    for text in {text for text, _advice in tls._CERTIFICATE.values()} | {
        text for _mark, text, _advice in tls._HANDSHAKE
    }:
        assert text in PAGE, text


@pytest.mark.parametrize("symptom", [one for one in SYMPTOMS if one not in FOREIGN])
def test_a_symptom_is_still_said(symptom: str) -> None:
    known = {mark for marks, _advice in auth._ADVICE for mark in marks}
    texts = [text for message in MESSAGES for text in (*message.texts, *message.advice)]
    source = "\n".join(path.read_text() for path in (ROOT / "plugins").rglob("*.py"))
    parts = [part.strip(" `") for part in symptom.split("...")]
    assert symptom in known or any(says(text, symptom) for text in texts) or all(part in source for part in parts)


def test_what_is_foreign_is_on_the_page() -> None:
    assert set(SYMPTOMS) >= FOREIGN
