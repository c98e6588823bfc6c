# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes out of a transcript what is somebody's: what is left is known to be nobody's, instead of the other way round.

A text of a request or an answer stays only if it is a published word or the simulator says the same; any other becomes a
placeholder such as <text-3>, which stands for the same text wherever it occurs. Of what a service says to people, such as an
error, the words stay, without ids, addresses, hosts, times, what is quoted, and whatever was taken out elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .calls import Exchange
from .vocabulary import GUID, published

# Members that hold what a service says to people, its codes, and filters as it writes them.
SPEECH = {
    *("message", "error", "error_description", "error_uri", "code", "suberror", "target", "type", "internalexception"),
    *("messagetext", "responsecode", "faultstring", "faultcode", "@adminapi.warnings", "warnings"),
    *("@odata.context", "@odata.type", "@odata.nextlink", "recipientfilter", "recipientrestrictionfilter"),
}
# Members that hold a domain, whatever it looks like.
_DOMAINS = {"domainname", "name", "defaultdomainname", "id"}
# Headers whose values are shown. Of others there is only the name.
SHOWN_HEADERS = (
    *("content-type", "content-encoding", "location", "retry-after", "www-authenticate", "x-ms-diagnostics"),
    *("x-ews-policy-reason", "preference-applied", "etag", "prefer", "consistencylevel", "accept", "warning"),
)
_ADDRESS = re.compile(r"(?<![\w.+#&-])\w[\w.+'#&-]*@[\w-]+(?:\.[\w-]+)+")
# What ends in one of these is a host's name; names of types and settings have dots, too.
_ENDS = "com|net|org|edu|gov|mil|int|info|biz|cloud|app|dev|local|internal|lan|corp|test|example|[a-z]{2}"
_DOMAIN = re.compile(rf"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_ENDS})")
_DOTTED = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_MICROSOFT = (
    *("microsoft.com", "microsoftonline.com", "windows.net", "office365.com", "office.com"),
    *("xmlsoap.org", "w3.org"),  # names of things, in XML
)
_SHORTEST = 3  # what is shorter would be found within other words

_PATTERNS: Sequence[tuple[str, re.Pattern[str]]] = (
    ("token", re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")),
    ("path", re.compile(r"(?<![\w:/.<>])/(?:home|Users|root|tmp|var|opt|srv|mnt)/[^\s'\",;]+")),
    ("id", GUID),
    ("address", _ADDRESS),
    ("time", re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?")),
    ("time", re.compile(r"\d{1,2}/\d{1,2}/\d{4}(?: \d{1,2}:\d\d(?::\d\d)?(?: [AP]M)?)?")),
    ("host", re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}")),
    ("host", re.compile(r"(?i)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:outlook|exchangelabs|onmicrosoft|sharepoint)\.com")),
    ("host", re.compile(rf"(?<![\w.@#$-]){_DOMAIN.pattern}(?![\w-]|\.\w)")),
    ("opaque", re.compile(r"(?<![\w<])(?=[\w+=%-]*\d)(?=[\w+=%-]*[A-Za-z])[\w+=%-]{24,}")),
    ("number", re.compile(r"(?<![\w.<-])\d{6,}(?![\w-])")),
)
_QUOTED = re.compile(r"(?<!\w)(['\"\u201c\u2018])([^'\"\u201c\u201d\u2018\u2019]+)(['\"\u201d\u2019])(?!\w)")
_PLACEHOLDER = re.compile(r"<([a-z]+)(?:-\d+)?>")


class Cleaner:
    """Cleans the transcript of one side.

    Args:
        run: what tells the names of this run from others.
        tenant: what the tenant is called in addresses: its id, its domain.
        hosts: addresses of the services here (host, and port where there is one), and what they are in the global cloud.

    It has to ``learn`` the transcript, and then what to ``allow``.
    """

    def __init__(self, run: str, tenant: Iterable[str], hosts: Mapping[str, str]) -> None:
        self._run, self._tenant, self._hosts = run, {one.lower() for one in tenant}, hosts
        self._words: Collection[str] = ()
        self._domains: set[str] = {one for one in self._tenant if "." in one}
        self._numbers: dict[str, dict[str, int]] = {}
        self._plain: dict[str, str] = {}

    def learn(self, exchanges: Sequence[Exchange]) -> None:
        """Note every domain, which is hidden wherever it occurs."""
        for member, text in _members(exchanges):
            self._domains.update(address.rpartition("@")[2].lower() for address in _ADDRESS.findall(text))
            named = member in _DOMAINS and _DOTTED.fullmatch(text) and text not in published()
            if (named or _DOMAIN.fullmatch(text.lower())) and not _is_microsoft(text):
                self._domains.add(text.lower())
        self._domain = _any_of(self._domains)
        self._plain.clear()

    def words(self, exchanges: Sequence[Exchange]) -> set[str]:
        """The texts of a transcript, without what is somebody's within them: words for the other side's cleaner."""
        return {self.plain(text) for _member, text in _members(exchanges)}

    def allow(self, words: Collection[str], exchanges: Sequence[Exchange]) -> None:
        """Let these words stay, as the other side says them too, and note what else the transcript has."""
        self._words = words
        texts = {text for member, text in _members(exchanges) if member not in SPEECH and len(text) >= _SHORTEST}
        self._hiding = _any_of({self.plain(text) for text in texts if not self._is_known(text)})

    def plain(self, text: str) -> str:
        """A text whose placeholders have no number, so that it can be compared with another side's."""
        if text not in self._plain:
            self._plain[text] = self._patterns(text, lambda kind, _value: f"<{kind}>")
        return self._plain[text]

    def known(self, text: str) -> str:
        """A text as ``plain`` gives it, or what stands for any text that is somebody's."""
        return self.plain(text) if self._is_known(text) else "<text>"

    def value(self, value: Any, member: str = "") -> Any:
        """The same with placeholders."""
        if isinstance(value, dict):
            return {self._patterns(name, self._numbered): self.value(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner, member) for inner in value]
        return self._text(value, member) if isinstance(value, str) else value

    def speech(self, text: str, numbered: bool = True) -> str:
        """What a service says, without what is somebody's."""
        name = self._numbered if numbered else lambda kind, _value: f"<{kind}>"
        text = self._hiding.sub(lambda found: name("text", found[0]), self._patterns(text, name))

        def unquoted(found: re.Match[str]) -> str:
            known = self._is_known(found[2]) or _PLACEHOLDER.fullmatch(found[2])
            return found[0] if known else f"{found[1]}{name('text', found[2])}{found[3]}"

        return _QUOTED.sub(unquoted, text)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Names, and values where they are shown."""
        shown = {name: self.speech(value) for name, value in headers.items() if name in SHOWN_HEADERS}
        return {name: shown.get(name, "<not shown>") for name in sorted(headers)}

    def _text(self, text: str, member: str) -> str:
        if self._is_known(text):
            return self._patterns(text, self._numbered)
        if member.lower() in SPEECH:
            return self.speech(text)
        return self._numbered("text", self._patterns(text, self._numbered))

    def _is_known(self, text: str) -> bool:
        plain = self.plain(text)
        return plain in published() or plain in self._words or not _PLACEHOLDER.sub("", plain).strip(" ,;:/")

    def _numbered(self, kind: str, value: str) -> str:
        known = self._numbers.setdefault(kind, {})
        return f"<{kind}-{known.setdefault(value.lower(), len(known) + 1)}>"

    def _patterns(self, text: str, name: Callable[[str, str], str]) -> str:
        if text.lower() in self._tenant:
            return "<tenant>"
        text = text.replace(self._run, "<run>")
        for host, standard in self._hosts.items():
            text = text.replace(host, standard)
        for kind, pattern in _PATTERNS:

            def placed(found: re.Match[str], kind: str = kind) -> str:
                return found[0] if _stays(kind, found[0]) else name(kind, found[0])

            text = pattern.sub(placed, text)
            if kind == "address":
                text = self._domain.sub(lambda found: name("domain", found[0]), text)
        return text


def _members(exchanges: Sequence[Exchange]) -> Iterator[tuple[str, str]]:
    """Every text of a transcript, with the name of the member that it is in, in lower case."""
    for one in exchanges:
        for part in (one.request, one.response, one.query, list(one.path)):
            yield from _texts(part, "")


def _texts(value: Any, member: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield "", name
            yield from _texts(inner, name.lower())
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, member)
    elif isinstance(value, str):
        yield member, value


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Finds any of them as a word of its own, the longest first, with or without numbers in its placeholders."""
    longest = (_PLACEHOLDER.sub(r"<\1>", one) for one in sorted(texts, key=len, reverse=True))
    patterns = (re.sub(r"<([a-z]+)>", r"<\1(?:-\\d+)?>", re.escape(one)) for one in longest)
    return re.compile("|".join(rf"(?<![\w<-]){one}(?![\w-])" for one in patterns) or r"(?!)", re.IGNORECASE)


def _stays(kind: str, text: str) -> bool:
    """Whether what looks like an id or a host is a published one."""
    if kind in ("id", "opaque"):
        return text.lower() in published()
    return kind == "host" and (_is_microsoft(text) or text.startswith("microsoft.graph.") or text in published())


def _is_microsoft(host: str) -> bool:
    return (
        any(host.lower() == one or host.lower().endswith(f".{one}") for one in _MICROSOFT)
        and ".prod." not in host.lower()
    )
