# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""That the check of EWS answers against the published schema finds what is wrong, in any answer of the simulator."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree
from simulator import ews_xml
from simulator.ews_contract import breaches
from unit.simulator.ews_client import ALICE, NAMESPACES, post, stage, user_token

ITEM = (
    '<t:CalendarItem><t:ItemId Id="AAMk" ChangeKey="DwAA"/><t:Subject>Budget</t:Subject>'
    '<t:Sensitivity>Private</t:Sensitivity><t:Body BodyType="Text">Figures</t:Body><t:Size>12</t:Size>'
    "<t:Start>2026-12-01T10:00:00Z</t:Start><t:End>2026-12-01T11:00:00Z</t:End><t:IsAllDayEvent>false</t:IsAllDayEvent>"
    "<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>bob@contoso.com</t:EmailAddress></t:Mailbox>"
    "</t:Attendee></t:RequiredAttendees></t:CalendarItem>"
)


def wrong(item: str = ITEM, message: str = "{}") -> list[str]:
    """What is wrong with GetItem's answer around an item."""
    content = (
        f'<m:GetItemResponse {NAMESPACES}><m:ResponseMessages><m:GetItemResponseMessage ResponseClass="Success">'
        f"<m:ResponseCode>NoError</m:ResponseCode>{message.format(f'<m:Items>{item}</m:Items>')}"
        "</m:GetItemResponseMessage></m:ResponseMessages></m:GetItemResponse>"
    )
    return breaches(etree.fromstring(content))


def test_an_answer_as_the_schema_has_it_is_fine() -> None:
    assert wrong() == []


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("<t:Subject>Budget</t:Subject>", "", None),
        ("</t:Sensitivity>", "</t:Sensitivity><t:Subject>Late</t:Subject>", "t:Subject stands in the wrong place"),
        ("<t:Size>", "<t:Size>1</t:Size><t:Size>", "more than one t:Size"),
        ("<t:Size>12</t:Size>", "<t:Weight>12</t:Weight>", "t:Weight has no place in t:CalendarItem"),
        ("<t:Size>12</t:Size>", "<m:Size>12</m:Size>", "m:Size has no place in t:CalendarItem"),
        ("12", "twelve", "t:Size is no xs:int: 'twelve'"),
        ("Private", "Secret", "t:Sensitivity can't be 'Secret'"),
        ("10:00:00Z", "10:00", "t:Start is no xs:dateTime"),
        (">false<", ">False<", "t:IsAllDayEvent is no xs:boolean"),
        (' Id="AAMk"', "", "t:ItemId lacks the attribute Id"),
        (' Id="AAMk"', ' Id="AAMk" Kind="x"', "t:ItemId has no attribute Kind"),
        ('BodyType="Text"', 'BodyType="Plain"', "t:Body's BodyType can't be 'Plain'"),
        ("<t:Mailbox><t:EmailAddress>bob@contoso.com</t:EmailAddress></t:Mailbox>", "", "t:Attendee lacks t:Mailbox"),
        ("Budget", "<t:Text/>", "t:Subject has elements"),
        ("<t:Attendee>", "<t:Attendee>Bob", "t:Attendee has text"),
    ],
)
def test_what_is_not_as_the_schema_has_it_is_named(old: str, new: str, text: str | None) -> None:
    assert old in ITEM
    found = wrong(ITEM.replace(old, new))
    assert found == [] if text is None else any(text in one for one in found)


def test_the_message_around_the_items_is_looked_at_too() -> None:
    assert "m:ResponseCode stands in the wrong place" in wrong(message="{}<m:ResponseCode>NoError</m:ResponseCode>")[0]
    assert "lacks m:Items" in wrong(message="")[0]
    assert "is no answer that the schema knows" in breaches(etree.fromstring("<Answer/>"))[0]


def test_a_simulator_that_mixes_up_its_elements_fails_its_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = stage(tmp_path)
    token = user_token(tenant, ALICE)
    body = (
        '<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:Subject>Budget</t:Subject>'
        "</t:CalendarItem></m:Items></m:CreateItem>"
    )
    assert post(tenant, token, body=body).status_code == 200
    find = (
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>'
        '<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>'
    )
    assert "Budget" in post(tenant, token, body=find).text
    backwards = dict(reversed(ews_xml.FIELDS["CalendarItem"].items()))
    monkeypatch.setitem(ews_xml.FIELDS, "CalendarItem", backwards)
    with pytest.raises(AssertionError, match="stands in the wrong place"):
        post(tenant, token, body=find)
