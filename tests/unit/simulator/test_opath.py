# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipient filters: reading, evaluating, and the form in which they come back."""

from __future__ import annotations

from typing import Any

import pytest
from simulator import opath

DN = "CN=VMR users,OU=contoso.onmicrosoft.com,DC=EURPR01A001,DC=PROD,DC=OUTLOOK,DC=COM"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Alias -eq 'a'", "Alias -eq 'a'"),
        ('( Alias   -EQ "a" )', "Alias -eq 'a'"),
        ("Alias -eq 'a' -and Alias -ne 'b'", "((Alias -eq 'a') -and (Alias -ne 'b'))"),
        (
            "Alias -eq 'a' -and Alias -ne 'b' -and Alias -ne 'c'",
            "((((Alias -eq 'a') -and (Alias -ne 'b'))) -and (Alias -ne 'c'))",
        ),
        (
            "Alias -eq 'a' -or Alias -eq 'b' -and Alias -eq 'c'",
            "((Alias -eq 'a') -or (((Alias -eq 'b') -and (Alias -eq 'c'))))",
        ),
        ("-not (Alias -like 'x*')", "-not(Alias -like 'x*')"),
        ("DisplayName -eq 'Bob O''Brien'", "DisplayName -eq 'Bob O''Brien'"),
        ('DisplayName -eq "Bob O\'Brien"', "DisplayName -eq 'Bob O''Brien'"),
        ("IsShared -eq $TRUE", "IsShared -eq $true"),
        ("Office -ne $null", "Office -ne $null"),
        (f"MemberOfGroup -eq '{DN}'", f"MemberOfGroup -eq '{DN}'"),
    ],
)
def test_filters_come_back_in_one_form_that_means_the_same(text: str, printed: str) -> None:
    assert str(opath.parse(text)) == printed
    assert str(opath.parse(printed)) == printed


@pytest.mark.parametrize(
    ("text", "properties", "passes"),
    [
        ("Alias -eq 'VMR'", {"Alias": "vmr"}, True),
        ("alias -like 'v*r'", {"Alias": "VMR"}, True),
        ("Alias -like 'v[m]r'", {"Alias": "vmr"}, False),
        ("Alias -notlike 'v*'", {"Alias": "vmr"}, False),
        ("CustomAttribute1 -eq $null", {"CustomAttribute1": ""}, True),
        ("CustomAttribute1 -ne $null", {"CustomAttribute1": "x"}, True),
        ("Department -eq 'a'", {}, False),
        ("ExtensionCustomAttribute1 -eq 'b'", {"ExtensionCustomAttribute1": ["a", "B"]}, True),
        ("ExtensionCustomAttribute1 -ne 'b'", {"ExtensionCustomAttribute1": ["a", "B"]}, False),
        ("ExtensionCustomAttribute1 -eq $null", {"ExtensionCustomAttribute1": []}, True),
        ("HiddenFromAddressListsEnabled -eq 'True'", {"HiddenFromAddressListsEnabled": True}, True),
        ("Alias -ge 'b'", {"Alias": "c"}, True),
        ("Alias -lt 'b'", {"Alias": "c"}, False),
        ("-not(Alias -eq 'a') -and (Alias -eq 'b' -or Alias -eq 'c')", {"Alias": "c"}, True),
    ],
)
def test_evaluation(text: str, properties: dict[str, Any], passes: bool) -> None:
    assert opath.parse(text).matches(properties) is passes


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 1),
        ("Alias", 6),
        ("Alias -eq", 10),
        ("Alias -eq 'a' -and", 19),
        ("Alias -equals 'a'", 7),
        ("Alias -eq 'Bob O'Brien'", 23),
        ("(Alias -eq 'a'", 15),
        ("Alias -eq 'a')", 14),
        ("Alias = 'a'", 7),
        ("MemberOfGroup -eq 'VMR users'", 19),
        ("(" * 5000 + "Alias -eq 'a'" + ")" * 4999, 10013),
    ],
)
def test_malformed_filters_are_told_with_a_position(text: str, position: int) -> None:
    with pytest.raises(opath.FilterError) as caught:
        opath.parse(text)
    sentence, _rest, where = str(caught.value).partition("\n")
    assert sentence == "Invalid filter syntax. For a description of the filter parameter syntax see the command help."
    assert where.endswith(f'" at position {position}.')


def test_unknown_properties_are_named() -> None:
    with pytest.raises(opath.FilterError, match='"Colour" is not a recognized filterable property'):
        opath.parse("Colour -eq 'red'")


def test_filters_of_any_length_and_depth() -> None:
    many = " -or ".join(f"Alias -eq 'user{number}'" for number in range(3000))
    condition = opath.parse(many)
    printed = str(condition)
    assert printed.startswith("((((((")
    assert printed.endswith("-or (Alias -eq 'user2999'))")
    assert str(opath.parse(printed)) == printed
    assert condition.matches({"Alias": "user7"})
    assert not condition.matches({"Alias": "user3000"})
    assert str(opath.parse("(" * 5000 + "Alias -eq 'a'" + ")" * 5000)) == "Alias -eq 'a'"
    assert not opath.parse("-not " * 4001 + "Alias -eq 'a'").matches({"Alias": "a"})
