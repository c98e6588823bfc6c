# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of an Outlook add-in, as far as deploying it is concerned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .._plan import Refused

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAMESPACE = "{http://schemas.microsoft.com/office/appforoffice/1.1}"
KIND = "{http://www.w3.org/2001/XMLSchema-instance}type"
PERMISSIONS = ("Restricted", "ReadItem", "ReadWriteItem", "ReadWriteMailbox")
LARGEST = 256 * 1024  # characters; what add-in stores take
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VERSION = re.compile(r"\d{1,10}(\.\d{1,10}){1,3}")


@dataclass(frozen=True)
class Manifest:
    """What a manifest says.

    Args:
        app_id: the add-in's id, a GUID in lower case.
        version: as it is written.
        name, provider: as people see them.
        permission: what the add-in may do with the mailbox that it runs in.
        text: the manifest itself.
    """

    app_id: str
    version: str
    name: str
    provider: str
    permission: str
    text: str


def version_key(version: str) -> tuple[int, ...]:
    """A version to compare by: 1.2 and 1.2.0.0 are the same. What is no version comes before every other."""
    if not _VERSION.fullmatch(version):
        return ()
    parts = [int(part) for part in version.split(".")]
    return tuple(parts + [0] * (4 - len(parts)))


def parse(text: str, option: str) -> Manifest:
    """Read and check a manifest. Raises Refused, naming the option, for anything that Outlook would not take or should not."""
    if len(text) > LARGEST:
        raise Refused(f"the manifest has {len(text)} characters, more than {LARGEST}.", option)
    root = _root(text, option)
    if root.tag != f"{NAMESPACE}OfficeApp" or root.get(KIND) != "MailApp":
        raise Refused(
            "this is no manifest of an Outlook add-in.",
            option,
            "Give the XML file that the Management Node generates; its root is an OfficeApp of the type MailApp.",
        )
    manifest = Manifest(
        _said(root, "Id").lower(),
        _said(root, "Version"),
        _said(root, "DisplayName"),
        _said(root, "ProviderName"),
        _said(root, "Permissions") or "Restricted",
        text,
    )
    for problem in _problems(root, manifest):
        raise Refused(f"the manifest {problem}.", option, "Generate it again, or ask whoever made it.")
    return manifest


def _root(text: str, option: str) -> Element:
    """The root element. A manifest needs no document type, and with it no entities, which is how XML harms its readers."""
    try:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring
    except ImportError as error:
        raise Refused("defusedxml, which comes with exchangelib, is not installed.", option) from error
    try:
        root: Element = fromstring(text.encode(), forbid_dtd=True)
    except DefusedXmlException as error:
        raise Refused("the manifest has a document type or entities, which no add-in needs.", option) from error
    except (ParseError, ValueError, LookupError) as error:
        raise Refused(f"the manifest is no XML: {error}.", option) from error
    return root


def _said(root: Element, name: str) -> str:
    """What an element says, in its DefaultValue or as its text; the first of that name, also below another."""
    found = root.find(f"{NAMESPACE}{name}")
    return "" if found is None else (found.get("DefaultValue") or found.text or "").strip()


def _problems(root: Element, manifest: Manifest) -> Iterator[str]:
    if not _GUID.fullmatch(manifest.app_id):
        yield f"has the id {manifest.app_id!r}, which is no GUID"
    if not version_key(manifest.version):
        yield f"has the version {manifest.version!r}, not two to four numbers with dots"
    for name, value in (("DisplayName", manifest.name), ("ProviderName", manifest.provider)):
        if not value:
            yield f"has no {name}"
    hosts = {str(one.get("Name")) for one in root.findall(f"{NAMESPACE}Hosts/{NAMESPACE}Host")}
    if "Mailbox" not in hosts:
        yield f"is not for mailboxes, but for {', '.join(sorted(hosts)) or 'nothing'}"
    if manifest.permission not in PERMISSIONS:
        yield f"asks for the permission {manifest.permission!r}, which there is not"
    for address in _addresses(root):
        if not _over_tls(address):
            yield f"refers to {address[:80]}, which is not an https address"


def _addresses(root: Element) -> Iterator[str]:
    """Every address, wherever it stands: in attributes, and for domains as text."""
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        value = (element.get("DefaultValue") or element.text or "").strip()
        located = name.endswith(("Location", "Url")) or name == "AppDomain" or "://" in value
        if value and located and not name.endswith("Description"):
            yield value


def _over_tls(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
