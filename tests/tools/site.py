# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site into ``.cache/docs/html``: guides, modules, roles, playbooks.

The sources lie in ``.cache/docs/source`` as in the repository, so that links between guides work in both. A warning of Sphinx's
stops the build, and so does a link within the site that leads nowhere. Links to elsewhere are not followed: there may be no
network. For the same reason the site needs nothing from elsewhere; its search runs in the browser, and is tried there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from support.browser import NoBrowser, chromium
from tools.own_venv import ROOT, environment, own_venv

WORK = ROOT / ".cache" / "docs"
SOURCE, HTML = WORK / "source", WORK / "html"
COLLECTIONS = Path(sys.prefix) / "collections"
ABROAD = "https://github.com/vmrops/o365/blob/main"
# The labels of Ansible's own documentation that antsibull-docs refers to.
ANSIBLE = {
    "action_plugins": "plugins/action.html",
    "ansible_collections.ansible.builtin.copy_module": "collections/ansible/builtin/copy_module.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
# And the environment variables that it documents.
ENVIRONMENT = (
    "ANSIBLE_CACHE_PLUGIN",
    *(f"ANSIBLE_CACHE_PLUGIN_{part}" for part in ("CONNECTION", "PREFIX", "TIMEOUT")),
)
# What somebody looks for, and the page that has to be found.
SEARCHES = {
    "o365_oauth_app": "collection/o365_oauth_app_module.html",
    "wait_timeout": "docs/troubleshooting.html",
    "delegate": "collection/o365_mailbox_delegate_module.html",
}
CONFIGURATION = "reference_appendices/config.html"
INDEX = """\
vmrops.o365
===========

Prepares Microsoft 365 for Pexip VMR scheduling, without PowerShell.

.. toctree::
   :maxdepth: 1

   README

.. toctree::
   :caption: Guides
   :maxdepth: 1
   :glob:

   docs/quickstart
   docs/*

.. toctree::
   :caption: Reference
   :maxdepth: 1

   collection/index
   roles/vmr_scheduling/README
   playbooks
   CHANGELOG
"""


def main() -> int:
    commands = own_venv("docs-venv", ROOT / "docs" / "requirements.txt")
    shutil.rmtree(WORK, ignore_errors=True)
    (SOURCE / "collection").mkdir(parents=True)
    variables = environment(
        commands, ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS), ANSIBLE_HOME=str(ROOT / ".cache" / "ansible")
    )
    reference = ["collection", "--use-current", "--squash-hierarchy", "--fail-on-error"]
    antsibull = [str(commands / "antsibull-docs"), *reference, "--dest-dir", str(SOURCE / "collection"), "vmrops.o365"]
    copy_guides()
    (SOURCE / "index.rst").write_text(INDEX)
    (WORK / "ansible.inv").write_bytes(inventory())
    (SOURCE / "playbooks.md").write_text(playbooks())
    sphinx = [str(commands / "sphinx-build"), "-W", "--keep-going", "-q", "-n", "-c", str(ROOT / "docs")]
    for command in (antsibull, [*sphinx, str(SOURCE), str(HTML)]):
        if subprocess.run(command, env=variables, check=False).returncode:
            print("the site was not built")
            return 1
    broken = sorted(dead_links())
    if broken:
        print("links that lead nowhere, or files that come from elsewhere:", *broken, sep="\n  ")
        return 1
    try:
        unfound = dict(search())
    except NoBrowser as missing:
        print(f"the search was not tried: {missing}")
        if missing.failure:
            return 1
    else:
        if unfound:
            print("the search does not find:", *(f"{words}: {found}" for words, found in unfound.items()), sep="\n  ")
            return 1
    pages = len(list(HTML.rglob("*.html")))
    print(
        f"built: {pages} pages in {HTML.relative_to(ROOT)}, every link within them checked; links to elsewhere were not"
    )
    return 0


def search() -> Iterator[tuple[str, list[str]]]:
    """Words with which the site's own search does not find the page, and what it finds, in a browser without network."""
    with chromium() as browser:
        context = browser.new_context()
        context.set_offline(True)
        page = context.new_page()
        for words, wanted in SEARCHES.items():
            page.goto((HTML / "index.html").as_uri())
            page.get_by_placeholder("Search").first.fill(words)
            page.keyboard.press("Enter")
            page.wait_for_selector("#search-results p.search-summary:not(:empty)")
            page.wait_for_function("!document.querySelector('#search-progress')?.textContent")
            hits = page.locator("#search-results ul.search li a")
            found = [str(hit.get_attribute("href")) for hit in hits.all()]
            if not any(wanted in address for address in found):
                yield words, found


def copy_guides() -> None:
    """What people read in the repository, at the same paths. What is no page of the site is linked in the repository."""
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")]
    for page in pages:
        copied = SOURCE / page.relative_to(ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text(_links(page, set(pages)))
    shutil.copytree(ROOT / "docs" / "images", SOURCE / "docs" / "images")


def _links(page: Path, pages: set[Path]) -> str:
    def abroad(found: re.Match[str]) -> str:
        address, hash_, anchor = found[2].partition("#")
        if not address or re.match(r"[a-z]+:", address):
            return found[0]
        target = (page.parent / address).resolve()
        if not target.exists():
            raise LookupError(f"{page.relative_to(ROOT)} links to {address}, which is not there")
        if target in pages or target.is_relative_to(ROOT / "docs" / "images"):
            return found[0]
        return f"{found[1]}{ABROAD}/{target.relative_to(ROOT)}{hash_}{anchor})"

    return re.sub(r"(\]\()([^)\s]+)\)", abroad, page.read_text())


def inventory() -> bytes:
    """Sphinx's list of another site's labels, which it would fetch from there."""
    head = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: latest\n"
    lines = "".join(f"{label} std:label -1 {page} {label}\n" for label, page in ANSIBLE.items())
    lines += "".join(f"{name} std:envvar 1 {CONFIGURATION}#envvar-{name} -\n" for name in ENVIRONMENT)
    return f"{head}# The remainder of this file is compressed using zlib.\n".encode() + zlib.compress(lines.encode())


def playbooks() -> str:
    """A page of the playbooks: each with the comment at its top, which says how it is run."""
    parts = ["# Playbooks\n\nThey come with the collection, and run by name."]
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        _licence, _blank, rest = path.read_text().partition("\n\n")
        comment = [line.removeprefix("#").removeprefix(" ") for line in _comment(rest)]
        title = next(line for line in rest.splitlines() if line.startswith("- name:")).split(": ", 1)[1]
        parts.append(f"## vmrops.o365.{path.stem}\n\n{title}.\n\n```text\n" + "\n".join(comment) + "\n```")
    return "\n\n".join(parts) + "\n"


def _comment(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("#"):
            return
        yield line


class Page(HTMLParser):
    """The anchors of a page, what it refers to, and what of that a browser loads by itself."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            if name in ("href", "src") and value:
                self.links.append(value)
                if name == "src" or ("rel", "stylesheet") in attrs:
                    self.loaded.add(value)


def dead_links() -> Iterator[str]:
    """Links within the site that lead nowhere, and what a page would load from elsewhere."""
    pages = {path: Page(path) for path in HTML.rglob("*.html")}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loaded and parts.scheme != "data":
                    yield f"{path.relative_to(HTML)} loads {link}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else {unquote(parts.fragment)}
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in anchors):
                yield f"{path.relative_to(HTML)}: {link}"


if __name__ == "__main__":
    sys.exit(main())
