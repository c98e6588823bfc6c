# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipient filters: what means the same, what does not, and what cannot be read."""

from __future__ import annotations

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._resources._opath import BadFilter, meaning, quoted
from simulator import opath

A, B, C = "Alias -eq 'a'", "CustomAttribute1 -ne 'b'", "Department -like 'c*'"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (A, "(alias  -EQ   'A')"),
        (A, 'Alias -eq "a"'),
        (A, "((Alias -eq 'a'))"),
        ("DisplayName -eq 'O''Brien'", 'DisplayName -eq "O\'Brien"'),
        ("DisplayName -eq 'say \"x\"'", 'DisplayName -eq "say ""x"""'),
        (f"{A} -and {B}", f"({B}) -AND ({A})"),
        (f"{A} -and {B} -and {C}", f"(({C}) -and (({A}) -and ({B})))"),
        (f"{A} -or {B} -or {C}", f"({B} -or {C}) -or {A}"),
        (f"{A} -or {B} -and {C}", f"({C} -and {B}) -or {A}"),
        (f"{A} -and {A}", A),
        (f"-not {A}", f"-not({A})"),
        (f"-not(-not({A}))", A),
        (f"-not -not -not ({A} -or {B})", f"-not(({B}) -or ({A}))"),
        ("(" * 5000 + A + ")" * 5000, A),
        ("-not " * 5000 + A, A),
        ("HiddenFromAddressListsEnabled -eq $true", "HiddenFromAddressListsEnabled -eq 'True'"),
        ("HiddenFromAddressListsEnabled -eq $False", "HiddenFromAddressListsEnabled -eq $false"),
        (f"  {A}\n", A),
    ],
)
def test_filters_that_mean_the_same(one: str, other: str) -> None:
    assert meaning(one) == meaning(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (A, "Alias -ne 'a'"),
        (A, "Alias -eq 'b'"),
        (A, "Name -eq 'a'"),
        (A, f"-not({A})"),
        (f"{A} -and {B}", f"{A} -or {B}"),
        (f"{A} -or {B} -and {C}", f"({A} -or {B}) -and {C}"),
        (f"{A} -and {B}", A),
        ("CustomAttribute1 -eq $null", "CustomAttribute1 -eq 'null'"),
        ("DisplayName -eq 'O''Brien'", "DisplayName -eq 'OBrien'"),
        ("Alias -eq 'a '", A),
    ],
)
def test_filters_that_mean_something_else(one: str, other: str) -> None:
    assert meaning(one) != meaning(other)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a property name is missing at the end"),
        ("   ", "a property name is missing"),
        ("Alias", "a comparison such as -eq is missing"),
        ("Alias -eq", "a value is missing"),
        ("Alias = 'a'", "cannot read \"= 'a'\" at position 7"),
        ("Alias -equals 'a'", "-equals at position 7 is no comparison"),
        ("Alias -eq 'O'Brien'", "position"),
        ("Alias -eq 'a", 'cannot read "\'a" at position 11'),
        ("(Alias -eq 'a'", "the parenthesis at position 1 is not closed"),
        ("Alias -eq 'a')", "unexpected ) at position 14"),
        ("Alias -eq 'a' Name -eq 'b'", "unexpected Name at position 15"),
        ("Alias -eq 'a' -and", "missing at the end"),
        ("-and Alias -eq 'a'", "a property name is expected at position 1, not -and"),
        ("'Alias' -eq 'a'", "a property name is expected"),
        ("Alias -eq \u2018a\u2019", "cannot read"),
        ("(" * 5000, "a property name is missing at the end"),
        ("((Alias -eq 'a')", "the parenthesis at position 1 is not closed"),
    ],
)
def test_filters_that_cannot_be_read(text: str, why: str) -> None:
    with pytest.raises(BadFilter) as caught:
        meaning(text)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        A,
        f"{A} -or {B} -and -not ({C} -or {A})",
        "MemberOfGroup -eq 'CN=O''Brien''s people,OU=contoso.onmicrosoft.com,DC=PROD,DC=OUTLOOK,DC=COM'",
        "HiddenFromAddressListsEnabled -eq $true -and Alias -ne $null",
        " -or ".join(f"PrimarySmtpAddress -eq 'user{number}@contoso.com'" for number in range(150)),
    ],
)
def test_what_the_service_gives_back_means_the_same(text: str) -> None:
    assert meaning(str(opath.parse(text))) == meaning(text)


def test_a_long_chain_comes_back_deeply_nested() -> None:
    parts = [f"PrimarySmtpAddress -eq 'user{number}@contoso.com'" for number in range(2000)]
    nested = parts[0]
    for part in parts[1:]:
        nested = f"(({nested}) -or ({part}))"
    assert meaning(nested) == meaning(" -or ".join(parts))


@pytest.mark.parametrize("value", ["O'Brien", "''", "'; -or Alias -like '*", 'say "x"', ""])
def test_a_quoted_value_is_one_value(value: str) -> None:
    assert meaning(f"Alias -eq {quoted(value)}") == ("-eq", "alias", value.lower())
