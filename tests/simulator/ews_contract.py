# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers against the published schema of EWS: names, order, number and types of elements, and attributes.

Every answer goes through here before it is sent, so that each test of this project is a contract test too. The table
``contracts/ews-schema.json`` has, by type, its content as slots in order: [marks, {element: type}], where ``r`` marks a
slot that must be filled and ``m`` one that may be filled more than once; more than one element is a choice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from .ews_xml import MESSAGES, TYPES, Element, elements

_SCHEMA: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "contracts" / "ews-schema.json").read_text(encoding="utf-8")
)
_PREFIXES = {TYPES: "t", MESSAGES: "m"}
_TYPE_OF = "{http://www.w3.org/2001/XMLSchema-instance}type"
_PLAIN = {
    "xs:boolean": re.compile(r"true|false|1|0"),
    "xs:dateTime": re.compile(r"-?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"),
    "xs:date": re.compile(r"\d{4}-\d\d-\d\d(Z|[+-]\d\d:\d\d)?"),
    "xs:time": re.compile(r"\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"),
    "xs:duration": re.compile(r"-?P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?"),
    "xs:base64Binary": re.compile(r"[A-Za-z0-9+/=\s]*"),
    **dict.fromkeys(("xs:int", "xs:short", "xs:long", "xs:integer"), re.compile(r"[+-]?\d+")),
}


def breaches(answer: Element) -> list[str]:
    """What is wrong with an answer's element, the one in the SOAP body; empty when nothing is."""
    name = _name(answer)
    if name not in _SCHEMA["elements"]:
        return [f"{name} is no answer that the schema knows"]
    return [f"{name}: {text}" for text in _element(answer, _SCHEMA["elements"][name])]


def _name(element: Element) -> str:
    name = etree.QName(element)
    return f"{_PREFIXES.get(name.namespace, '?')}:{name.localname}"


def _element(element: Element, kind: str) -> Iterator[str]:
    if kind == "any" or element.get(_TYPE_OF):
        return
    if kind not in _SCHEMA["types"]:
        if elements(element):
            yield f"{_name(element)} has elements, but is {kind}"
        yield from _text(_name(element), kind, element.text or "")
        return
    described = _SCHEMA["types"][kind]
    yield from _attributes(element, described.get("attributes", {}))
    if "text" in described:
        yield from _text(_name(element), described["text"], element.text or "")
    elif (element.text or "").strip():
        yield f"{_name(element)} has text, but is {kind}"
    yield from _content(element, described.get("content", []))


def _content(element: Element, slots: list[tuple[str, dict[str, str]]]) -> Iterator[str]:
    position, filled = 0, set()
    for inner in elements(element):
        name = _name(inner)
        found = next((at for at in range(position, len(slots)) if {name, "*"} & set(slots[at][1])), None)
        if found is None:
            known = any(name in choices for _marks, choices in slots)
            yield f"{name} {'stands in the wrong place' if known else 'has no place'} in {_name(element)}"
            continue
        marks, choices = slots[found]
        if found in filled and "m" not in marks:
            yield f"{_name(element)} has more than one {name}"
        filled.add(found)
        position = found
        yield from _element(inner, choices.get(name, "any"))
    for at, (marks, choices) in enumerate(slots):
        if "r" in marks and at not in filled:
            yield f"{_name(element)} lacks {' or '.join(choices)}"


def _attributes(element: Element, described: dict[str, tuple[str, bool]]) -> Iterator[str]:
    given = {etree.QName(name).localname: value for name, value in element.attrib.items()}
    for name, value in given.items():
        if name in described:
            yield from _text(f"{_name(element)}'s {name}", described[name][0], value)
        elif "*" not in described and name != "lang":
            yield f"{_name(element)} has no attribute {name}"
    for name, (_kind, required) in described.items():
        if required and name not in given:
            yield f"{_name(element)} lacks the attribute {name}"


def _text(where: str, kind: str, text: str) -> Iterator[str]:
    simple = _SCHEMA["simple"].get(kind)
    if simple is None:
        if kind in _PLAIN and not _PLAIN[kind].fullmatch(text.strip()):
            yield f"{where} is no {kind}: {text!r}"
    elif "list" in simple:
        for part in text.split():
            yield from _text(where, simple["list"], part)
    elif "base" in simple:
        yield from _text(where, simple["base"], text)
    elif text not in simple["values"]:
        yield f"{where} can't be {text!r}"
