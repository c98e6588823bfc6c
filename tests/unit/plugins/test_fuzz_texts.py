# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any text at all, through everything that quotes, reads or prints texts."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._input import LONGEST, check
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Refused
from ansible_collections.vmrops.o365.plugins.module_utils._resources import licenses
from ansible_collections.vmrops.o365.plugins.module_utils._resources._grants import same_filter
from ansible_collections.vmrops.o365.plugins.module_utils._resources._opath import BadFilter, meaning, quoted
from ansible_collections.vmrops.o365.plugins.module_utils._services.graph import key, literal
from ansible_collections.vmrops.o365.plugins.module_utils._services.powershell import command_line
from ansible_collections.vmrops.o365.plugins.module_utils._text import one_line, visible
from hypothesis import example, given
from hypothesis import strategies as st
from support.fuzz import examples

# Texts that lean towards what ends a literal, or means something within one.
TEXTS = st.text(
    st.one_of(st.sampled_from("'\"\u2019\u2018\u201a\u201b`$(){}\\%*;&|<>#/.?\n\r\t\0-"), st.characters()), max_size=40
)
NASTY = [
    "' -or 'a' -eq 'a",
    "''",
    "'",
    "a''b",
    "$(calc)",
    "`",
    "%27 or 1 eq 1",
    "../..",
    "\u2019; Remove-Mailbox x; \u2019",
    "\u202e",
    "\\'",
]
PROPERTIES = st.sampled_from(["Alias", "Department", "CustomAttribute1", "MemberOfGroup"])


# --- recipient filters ------------------------------------------------------------------------------------------------


@examples(100)
@given(name=PROPERTIES, value=TEXTS)
@example("Alias", NASTY[0])
@example("Alias", "\u2019")
def test_a_quoted_value_is_one_value(name: str, value: str) -> None:
    assert meaning(f"{name} -eq {quoted(value)}") == ("-eq", name.lower(), value.lower())


@examples(100)
@given(
    text=st.one_of(
        TEXTS, st.lists(st.sampled_from(["(", ")", "-not", "-and", "-or", "a", "-eq", "'x'", '"', " "])).map(" ".join)
    )
)
def test_any_filter_has_a_meaning_or_is_refused(text: str) -> None:
    with suppress(BadFilter):
        assert meaning(text) == meaning(f"({text})")


FILTERS = st.recursive(
    st.tuples(PROPERTIES, st.sampled_from(["-eq", "-ne", "-like", "-gt"]), TEXTS).map(
        lambda one: f"{one[0]} {one[1]} {quoted(one[2])}"
    ),
    lambda inner: st.one_of(
        inner.map(lambda one: f"-not ({one})"),
        st.tuples(inner, st.sampled_from(["-and", "-or"]), inner).map(lambda one: f"({one[0]}) {one[1]} ({one[2]})"),
    ),
    max_leaves=12,
)


@examples(50)
@given(one=FILTERS, two=FILTERS, three=FILTERS)
def test_a_filter_means_the_same_however_it_is_written(one: str, two: str, three: str) -> None:
    assert meaning(f"(({one}))") == meaning(one) == meaning(f"-not (-not ({one}))")
    for operator in ("-and", "-or"):
        left = f"(({one}) {operator} ({two})) {operator} ({three})"
        right = f"({three}) {operator.upper()} (({two}){operator} ({one}))"
        assert meaning(left) == meaning(right)
        assert meaning(f"({one}) {operator} ({one})") == meaning(one)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "-not " * 100_000,
        "(" * 50_000 + "a -eq 'b'" + ")" * 50_000,
        "-not (" * 50_000 + "a -eq 'b'" + ")" * 50_000,
        " -or ".join(f"a -eq '{n}'" for n in range(20_000)),
        "(" * 20_000 + "a -eq 'b'" + "".join(f") -or (a -eq '{n}')" for n in range(20_000)),
    ],
    ids=["open", "not", "nested", "nested not", "long", "left"],
)
def test_depth_is_no_matter(text: str) -> None:
    with suppress(BadFilter):
        assert meaning(text)


def deep(start: str, depth: int) -> str:
    """A filter whose operators change at every level, so that none joins the next."""
    return "(" * depth + start + ") -or b -eq 'x') -and c -eq 'y'" * (depth // 2)


def test_filters_too_deep_to_compare_are_not_the_same() -> None:
    assert same_filter(deep("a -eq '1'", 100), deep("A -eq '1'", 100))
    assert not same_filter(deep("a -eq '1'", 100), deep("a -eq '2'", 100))
    assert not same_filter(deep("a -eq '1'", 20_000), deep("a -eq '2'", 20_000))


# --- PowerShell -------------------------------------------------------------------------------------------------------

_QUOTES = "'\u2018\u2019\u201a\u201b"


def read_literal(line: str, start: int) -> tuple[str, int]:
    """A single-quoted text as PowerShell reads it, and where it ends: any quote ends it, two are one (the first)."""
    assert line[start] in _QUOTES
    found, position = "", start + 1
    while True:
        if line[position] in _QUOTES:
            if line[position + 1 : position + 2] and line[position + 1] in _QUOTES:
                position += 1
                found += line[position - 1]
            else:
                return found, position + 1
        else:
            found += line[position]
        position += 1


@examples(100)
@given(values=st.lists(TEXTS, min_size=1, max_size=4))
@example([NASTY[8]])
@example(["'", "\u2019"])
def test_every_value_of_a_command_line_is_one_literal(values: list[str]) -> None:
    line = command_line("Set-Mailbox", {"Identity": values[0], "EmailAddresses": values})
    text, position = read_literal(line, len("Set-Mailbox -Identity "))
    assert text == values[0]
    assert line[position:].startswith(" -EmailAddresses ")
    position += len(" -EmailAddresses ")
    for value in values:
        text, position = read_literal(line, position)
        assert text == value
        position += 1
    assert position == len(line) + 1


# --- OData ------------------------------------------------------------------------------------------------------------


@examples(100)
@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@example(NASTY[0])
@example(NASTY[6])
def test_a_key_is_one_literal_of_a_path_and_of_a_filter(value: str) -> None:
    assert not set(key(value)) & set("/?#&() %\\") - {"%"}
    assert re.fullmatch(r"'(?:[^']|'')*'", literal(value), re.DOTALL)
    assert unquote(key(value)).replace("''", "'") == value == literal(value)[1:-1].replace("''", "'")


# --- licences ---------------------------------------------------------------------------------------------------------

_SKUS = [
    {"skuId": f"sku-{number}", "skuPartNumber": f"PART{number}", "consumedUnits": number, "prepaidUnits": {"enabled": 2},
     "servicePlans": [{"servicePlanId": f"plan-{number}-{plan}", "servicePlanName": f"PLAN{number}{plan}"} for plan in "ab"]}
    for number in range(3)
]  # fmt: skip
_IDS = st.sampled_from(["sku-0", "sku-1", "sku-2"])
_PLANS = st.lists(st.sampled_from([f"plan-{number}-{plan}" for number in range(3) for plan in "ab"]), unique=True)
USERS = st.fixed_dictionaries(
    {
        "assignedLicenses": st.lists(
            st.fixed_dictionaries({"skuId": _IDS, "disabledPlans": _PLANS}), unique_by=lambda one: one["skuId"]
        )
    },
    optional={
        "licenseAssignmentStates": st.lists(
            st.fixed_dictionaries({"skuId": _IDS, "assignedByGroup": st.sampled_from([None, "group"])}), max_size=3
        )
    },
)
WANTED = st.lists(
    st.fixed_dictionaries(
        {"sku": st.sampled_from(["PART0", "part1", "sku-2"]), "disabled_plans": st.none() | st.just([])}
    ),
    unique_by=lambda one: str(one["sku"]),
)


@examples(50)
@given(user=USERS, wanted=WANTED, mode=st.sampled_from(["merge", "replace"]))
def test_licences_that_were_set_need_no_second_setting(user: dict[str, Any], wanted: list[Any], mode: str) -> None:
    try:
        change, after = licenses.compare(wanted, mode, user, _SKUS)
    except Refused:
        return
    held = {one["skuId"]: one for one in user["assignedLicenses"] if one["skuId"] not in change.remove}
    held.update({str(one["skuId"]): dict(one) for one in change.add})
    again, _after = licenses.compare(wanted, mode, {**user, "assignedLicenses": list(held.values())}, _SKUS, False)
    assert not again.add
    assert not again.remove
    assert set(after) >= set(held)


# --- what is printed, and what is taken --------------------------------------------------------------------------------


@examples(100)
@given(text=st.text(max_size=60), longest=st.integers(2, 200))
@example("\x1b[2J\u202eevil\x9b1m\r\nTASK [done]", 200)
@example("\ud800\udc00", 50)
def test_a_line_hides_nothing(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert not {unicodedata.category(one) for one in line} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert len(line) <= (longest + 60) * 10
    line.encode()
    shown = visible({text: [text, None, 1]})
    assert not {unicodedata.category(one) for one in "".join(shown)} - {"Cc"} & {"Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@examples(100)
@given(text=st.text(max_size=30))
@example("name\n")
@example("\u200bname")
@example("x" * (LONGEST + 1))
def test_an_option_is_taken_as_it_is_or_refused_by_name(text: str) -> None:
    arguments = {"outer": {"type": "dict", "options": {"inner": {"type": "list", "elements": "str"}}}}
    hidden = any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in text)
    options = {"outer": {"inner": [text]}}
    if hidden or len(text) > LONGEST:
        with pytest.raises(Refused, match=r"^outer\.inner: ") as refused:
            check(arguments, options)
        assert str(refused.value).isprintable()
    else:
        with suppress(Refused):
            check(arguments, options)
