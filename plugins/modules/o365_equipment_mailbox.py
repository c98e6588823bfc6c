#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: o365_equipment_mailbox
short_description: Manage an equipment mailbox and how it treats meeting requests
version_added: 0.1.0
description:
  - Creates, changes and removes an equipment mailbox in Exchange Online, and sets its calendar processing.
  - For Pexip VMR scheduling this is the resource that is added as an attendee to every meeting made with the Outlook
    add-in. Pexip's scheduler watches its mailbox.
  - An equipment mailbox needs no licence and no password. A mailbox of another kind is never taken over.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.auth
  - vmrops.o365.attributes
  - vmrops.o365.attributes.action_group
options:
  name:
    description:
      - The name of the mailbox, unique in the tenant, 64 characters at most.
      - The mailbox is looked up by O(primary_smtp_address), when given, and by this name. A mailbox found by its address
        gets this name.
      - Either this or O(mailboxes) is required.
    type: str
  alias:
    description:
      - The mail alias. Exchange makes one from O(name) when it is left out.
    type: str
  primary_smtp_address:
    description:
      - The primary address, in an accepted domain of the tenant. A former primary address stays a secondary one.
      - When left out, Exchange makes one from the alias and the default domain.
    type: str
  display_name:
    description:
      - The name that people see.
    type: str
  hidden_from_address_lists:
    description:
      - Whether address lists leave the mailbox out.
    type: bool
  capacity:
    description:
      - How many people the equipment serves.
    type: int
  calendar_processing:
    description:
      - How the mailbox treats meeting requests, in the options of C(Set-CalendarProcessing). Only those given are touched.
      - Exchange's own defaults for a new equipment mailbox accept requests, remove their subject, text and private flag,
        and put the organizer's name into the subject.
      - Recipients in lists may be given by any identity that Exchange takes; an empty list clears.
    type: dict
    suboptions:
      automate_processing:
        description:
          - V(AutoAccept) lets Exchange answer requests by the policies below.
          - V(AutoUpdate) only puts them into the calendar as tentative.
          - V(None) leaves them in the inbox, as they came, for somebody else to answer, such as Pexip's scheduler.
        type: str
        choices: ['None', AutoUpdate, AutoAccept]
      booking_type:
        description: Whether the resource can be booked by meetings (V(Standard)) or is set aside (V(Reserved)).
        type: str
        choices: [Standard, Reserved]
      allow_conflicts:
        description: Whether overlapping meetings are accepted.
        type: bool
      conflict_percentage_allowed:
        description: Percentage of a series' meetings that may conflict, 0 to 100.
        type: int
      maximum_conflict_instances:
        description: Number of a series' meetings that may conflict.
        type: int
      allow_recurring_meetings:
        description: Whether series are accepted.
        type: bool
      booking_window_in_days:
        description: How many days ahead a meeting may be booked, 0 to 1080.
        type: int
      enforce_scheduling_horizon:
        description: Whether a series that runs beyond O(calendar_processing.booking_window_in_days) is declined.
        type: bool
      maximum_duration_in_minutes:
        description: Longest meeting that is accepted, in minutes; 0 for no limit.
        type: int
      minimum_duration_in_minutes:
        description: Shortest meeting that is accepted, in minutes (workspaces only).
        type: int
      schedule_only_during_work_hours:
        description: Whether meetings outside the mailbox's working hours are declined.
        type: bool
      all_book_in_policy:
        description: Whether requests within policy are accepted from everybody.
        type: bool
      all_request_in_policy:
        description: Whether everybody may ask a delegate for meetings within policy.
        type: bool
      all_request_out_of_policy:
        description: Whether everybody may ask a delegate for meetings outside policy.
        type: bool
      book_in_policy:
        description: Whose requests within policy are accepted. The list replaces the present one.
        type: list
        elements: str
      request_in_policy:
        description: Who may ask a delegate for meetings within policy. The list replaces the present one.
        type: list
        elements: str
      request_out_of_policy:
        description: Who may ask a delegate for meetings outside policy. The list replaces the present one.
        type: list
        elements: str
      resource_delegates:
        description: Who decides on requests. The list replaces the present one.
        type: list
        elements: str
      forward_requests_to_delegates:
        description: Whether requests are forwarded to the delegates.
        type: bool
      tentative_pending_approval:
        description: Whether requests that wait for a delegate stand in the calendar as tentative.
        type: bool
      add_new_requests_tentatively:
        description: Whether new requests are put into the calendar as tentative.
        type: bool
      add_additional_response:
        description: Whether O(calendar_processing.additional_response) is added to answers.
        type: bool
      additional_response:
        description: Text that is added to answers.
        type: str
      add_organizer_to_subject:
        description: Whether the organizer's name is put into the subject (with V(AutoAccept) only).
        type: bool
      delete_subject:
        description: Whether the subject is removed (with V(AutoAccept) only).
        type: bool
      delete_comments:
        description: Whether the text of requests is removed (with V(AutoAccept) only).
        type: bool
      delete_attachments:
        description: Whether attachments are removed (with V(AutoAccept) only).
        type: bool
      delete_non_calendar_items:
        description: Whether messages that are no meeting messages are removed.
        type: bool
      organizer_info:
        description: Whether the organizer is told who booked when a request is declined for a conflict.
        type: bool
      enable_response_details:
        description: Whether answers say why a request was accepted or declined.
        type: bool
      remove_private_property:
        description: Whether the private flag is removed.
        type: bool
      remove_old_meeting_messages:
        description: Whether outdated meeting messages are removed.
        type: bool
      remove_forwarded_meeting_notifications:
        description: Whether notifications of forwarded meetings are removed.
        type: bool
      remove_canceled_meetings:
        description: Whether cancelled meetings are removed from the calendar.
        type: bool
      process_external_meeting_messages:
        description: Whether requests from outside the organisation are treated as well.
        type: bool
      enforce_capacity:
        description: Whether the capacity limits the number of attendees (workspaces only).
        type: bool
      enable_auto_release:
        description: Whether a reservation that nobody claims is released (workspaces only).
        type: bool
      post_reservation_max_claim_time_in_minutes:
        description: Minutes after the start within which a reservation has to be claimed (workspaces only).
        type: int
  state:
    description:
      - V(present) creates or changes the mailbox.
      - V(absent) removes it, with its disabled user. It stays recoverable for the tenant's retention period.
    type: str
    choices: [present, absent]
    default: present
  mailboxes:
    description:
      - Many mailboxes in one task, instead of the one that O(name) names. Each has the options that one alone has.
      - O(hidden_from_address_lists), O(capacity), O(calendar_processing) and O(state) beside the list hold for every mailbox
        in it that does not say otherwise; O(calendar_processing) is completed option by option.
      - What Exchange is asked for and told goes in batches. A mailbox that fails does not stop the others. The task fails
        in the end and names it, and running it again continues.
      - O(wait_timeout) counts for each hundred mailboxes.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the mailbox, as O(name).
        type: str
        required: true
      alias:
        description:
          - The mail alias, as O(alias).
        type: str
      primary_smtp_address:
        description:
          - The primary address, as O(primary_smtp_address).
        type: str
      display_name:
        description:
          - The name that people see.
        type: str
      hidden_from_address_lists:
        description:
          - Whether address lists leave the mailbox out.
        type: bool
      capacity:
        description:
          - How many people the equipment serves.
        type: int
      calendar_processing:
        description:
          - As O(calendar_processing), whose options hold where this one leaves them out.
        type: dict
        suboptions:
          automate_processing:
            description:
              - V(AutoAccept) lets Exchange answer requests by the policies below.
              - V(AutoUpdate) only puts them into the calendar as tentative.
              - V(None) leaves them in the inbox, as they came, for somebody else to answer, such as Pexip's scheduler.
            type: str
            choices: ['None', AutoUpdate, AutoAccept]
          booking_type:
            description: Whether the resource can be booked by meetings (V(Standard)) or is set aside (V(Reserved)).
            type: str
            choices: [Standard, Reserved]
          allow_conflicts:
            description: Whether overlapping meetings are accepted.
            type: bool
          conflict_percentage_allowed:
            description: Percentage of a series' meetings that may conflict, 0 to 100.
            type: int
          maximum_conflict_instances:
            description: Number of a series' meetings that may conflict.
            type: int
          allow_recurring_meetings:
            description: Whether series are accepted.
            type: bool
          booking_window_in_days:
            description: How many days ahead a meeting may be booked, 0 to 1080.
            type: int
          enforce_scheduling_horizon:
            description:
              - Whether a series that runs beyond O(mailboxes[].calendar_processing.booking_window_in_days) is declined.
            type: bool
          maximum_duration_in_minutes:
            description: Longest meeting that is accepted, in minutes; 0 for no limit.
            type: int
          minimum_duration_in_minutes:
            description: Shortest meeting that is accepted, in minutes (workspaces only).
            type: int
          schedule_only_during_work_hours:
            description: Whether meetings outside the mailbox's working hours are declined.
            type: bool
          all_book_in_policy:
            description: Whether requests within policy are accepted from everybody.
            type: bool
          all_request_in_policy:
            description: Whether everybody may ask a delegate for meetings within policy.
            type: bool
          all_request_out_of_policy:
            description: Whether everybody may ask a delegate for meetings outside policy.
            type: bool
          book_in_policy:
            description: Whose requests within policy are accepted. The list replaces the present one.
            type: list
            elements: str
          request_in_policy:
            description: Who may ask a delegate for meetings within policy. The list replaces the present one.
            type: list
            elements: str
          request_out_of_policy:
            description: Who may ask a delegate for meetings outside policy. The list replaces the present one.
            type: list
            elements: str
          resource_delegates:
            description: Who decides on requests. The list replaces the present one.
            type: list
            elements: str
          forward_requests_to_delegates:
            description: Whether requests are forwarded to the delegates.
            type: bool
          tentative_pending_approval:
            description: Whether requests that wait for a delegate stand in the calendar as tentative.
            type: bool
          add_new_requests_tentatively:
            description: Whether new requests are put into the calendar as tentative.
            type: bool
          add_additional_response:
            description: Whether O(mailboxes[].calendar_processing.additional_response) is added to answers.
            type: bool
          additional_response:
            description: Text that is added to answers.
            type: str
          add_organizer_to_subject:
            description: Whether the organizer's name is put into the subject (with V(AutoAccept) only).
            type: bool
          delete_subject:
            description: Whether the subject is removed (with V(AutoAccept) only).
            type: bool
          delete_comments:
            description: Whether the text of requests is removed (with V(AutoAccept) only).
            type: bool
          delete_attachments:
            description: Whether attachments are removed (with V(AutoAccept) only).
            type: bool
          delete_non_calendar_items:
            description: Whether messages that are no meeting messages are removed.
            type: bool
          organizer_info:
            description: Whether the organizer is told who booked when a request is declined for a conflict.
            type: bool
          enable_response_details:
            description: Whether answers say why a request was accepted or declined.
            type: bool
          remove_private_property:
            description: Whether the private flag is removed.
            type: bool
          remove_old_meeting_messages:
            description: Whether outdated meeting messages are removed.
            type: bool
          remove_forwarded_meeting_notifications:
            description: Whether notifications of forwarded meetings are removed.
            type: bool
          remove_canceled_meetings:
            description: Whether cancelled meetings are removed from the calendar.
            type: bool
          process_external_meeting_messages:
            description: Whether requests from outside the organisation are treated as well.
            type: bool
          enforce_capacity:
            description: Whether the capacity limits the number of attendees (workspaces only).
            type: bool
          enable_auto_release:
            description: Whether a reservation that nobody claims is released (workspaces only).
            type: bool
          post_reservation_max_claim_time_in_minutes:
            description: Minutes after the start within which a reservation has to be claimed (workspaces only).
            type: int
      state:
        description:
          - Whether the mailbox is to be there; O(state) when left out.
        type: str
        choices: [present, absent]
notes:
  - Needs the app role C(Exchange.ManageAsApp) on Office 365 Exchange Online and the directory role Exchange Administrator or
    Exchange Recipient Administrator.
  - Exchange Online's admin REST interface, which this module uses, is the one that Microsoft's own PowerShell module uses.
    Microsoft does not document it for these cmdlets.
seealso:
  - module: vmrops.o365.o365_impersonation
  - name: Set-CalendarProcessing
    description: Microsoft's reference of the calendar processing options.
    link: https://learn.microsoft.com/powershell/module/exchange/set-calendarprocessing
"""

EXAMPLES = r"""
- name: The equipment resource that attends every VMR meeting, with requests left to Pexip's scheduler
  vmrops.o365.o365_equipment_mailbox:
    name: VMR scheduling
    alias: vmr-scheduling
    primary_smtp_address: vmr-scheduling@contoso.com
    display_name: Pexip VMR scheduling
    calendar_processing:
      automate_processing: 'None'

- name: Hide it from the address book
  vmrops.o365.o365_equipment_mailbox:
    name: VMR scheduling
    primary_smtp_address: vmr-scheduling@contoso.com
    hidden_from_address_lists: true

- name: Two more in one task, hidden both
  vmrops.o365.o365_equipment_mailbox:
    hidden_from_address_lists: true
    calendar_processing:
      automate_processing: 'None'
    mailboxes:
      - name: VMR scheduling Oslo
        primary_smtp_address: vmr-oslo@contoso.com
      - name: VMR scheduling Rome
        primary_smtp_address: vmr-rome@contoso.com
        calendar_processing:
          booking_window_in_days: 400

- name: Remove those two
  vmrops.o365.o365_equipment_mailbox:
    state: absent
    mailboxes:
      - name: VMR scheduling Oslo
      - name: VMR scheduling Rome

- name: Remove it
  vmrops.o365.o365_equipment_mailbox:
    name: VMR scheduling
    primary_smtp_address: vmr-scheduling@contoso.com
    state: absent
"""

RETURN = r"""
mailbox:
  description: The equipment mailbox as Exchange shows it; null when it is absent.
  returned: success, without O(mailboxes)
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: VMR scheduling
    alias:
      description: Its mail alias.
      type: str
      sample: vmr-scheduling
    display_name:
      description: The name that people see.
      type: str
      sample: Pexip VMR scheduling
    primary_smtp_address:
      description: Its primary address.
      type: str
      sample: vmr-scheduling@contoso.com
    guid:
      description: Its GUID.
      type: str
      sample: 4b1f6a0e-6a46-4a0f-9e7c-2f5b1c1d9c55
    external_directory_object_id:
      description: The object id of its (disabled) user in Entra ID.
      type: str
      sample: 8a5a6a2e-5a3d-4c55-8b8b-0a1f3a4b5c6d
mailboxes:
  description: How each mailbox of O(mailboxes) ended, in order of the list.
  returned: with O(mailboxes)
  type: list
  elements: dict
  contains:
    name:
      description: The name in the list.
      type: str
      sample: VMR scheduling Oslo
    changed:
      description: Whether it was changed, or in check mode would be.
      type: bool
      sample: true
    failed:
      description: Whether it is not as it should be.
      type: bool
      sample: false
    msg:
      description: Why it failed.
      returned: when it failed
      type: str
      sample: >-
        primary_smtp_address: vmr-oslo@contoso.com belongs to Oslo (UserMailbox). Choose another address.
    steps_done:
      description: What was done to it before it failed.
      returned: when it failed
      type: list
      elements: str
      sample: []
    mailbox:
      description: The mailbox as RV(mailbox) shows one alone.
      returned: when it did not fail
      type: dict
      sample:
        name: VMR scheduling Oslo
        alias: vmr-oslo
        display_name: VMR scheduling Oslo
        primary_smtp_address: vmr-oslo@contoso.com
        guid: 4b1f6a0e-6a46-4a0f-9e7c-2f5b1c1d9c55
        external_directory_object_id: 8a5a6a2e-5a3d-4c55-8b8b-0a1f3a4b5c6d
    warnings:
      description: What one should know of it.
      type: list
      elements: str
      sample:
        - >-
          The mailbox vmr-oslo@contoso.com stays recoverable until the tenant's retention period for deleted mailboxes ends.
steps:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    summary:
      description: The step in words.
      type: str
      sample: set how the equipment mailbox VMR scheduling treats meeting requests
    service:
      description: The service it is done in, C(graph) or C(exchange).
      type: str
      sample: exchange
    method:
      description: The HTTP method of the request.
      type: str
      sample: POST
    path:
      description: The path of the request.
      type: str
      sample: /adminapi/beta/8f9cf0b5-2a0e-4b7e-9a30-0a8f3f1c5e11/InvokeCommand
    body:
      description: The body of the request; secrets are masked.
      type: dict
      sample:
        CmdletInput:
          CmdletName: Set-CalendarProcessing
          Parameters: {Identity: vmr-scheduling@contoso.com, AutomateProcessing: None}
    cmdlet:
      description: For Exchange, the PowerShell command line that an administrator would have typed.
      type: str
      sample: Set-CalendarProcessing -Identity 'vmr-scheduling@contoso.com' -AutomateProcessing 'None'
steps_done:
  description: The steps that were carried out before the failure.
  returned: failure
  type: list
  elements: str
"""

from ansible_collections.vmrops.o365.plugins.module_utils._module import run_module
from ansible_collections.vmrops.o365.plugins.module_utils._resources._properties import arguments
from ansible_collections.vmrops.o365.plugins.module_utils._resources.calendar_processing import (
    RECIPIENT_LISTS,
    SETTINGS,
)
from ansible_collections.vmrops.o365.plugins.module_utils._resources.equipment_mailbox import (
    PROPERTIES,
    make,
)
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import TENANT


def main() -> None:
    spec = arguments(PROPERTIES)
    spec["calendar_processing"] = {"type": "dict", "options": arguments((*SETTINGS, *RECIPIENT_LISTS))}
    spec["state"] = {"type": "str", "choices": ["present", "absent"]}
    member = {**spec, "name": {**spec["name"], "required": True}}
    run_module(
        {
            **spec,
            "state": {**spec["state"], "default": "present"},
            "mailboxes": {"type": "list", "elements": "dict", "options": member},
        },
        make,
        TENANT,
        required_one_of=[("name", "mailboxes")],
        mutually_exclusive=[
            (option, "mailboxes") for option in ("name", "alias", "primary_smtp_address", "display_name")
        ],
    )


if __name__ == "__main__":
    main()
