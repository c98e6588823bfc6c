#!/usr/bin/python
# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: o365_calendar_info
short_description: View the calendar of a mailbox between two times
version_added: 0.1.0
description:
  - Returns the events in the calendar of a mailbox in Exchange Online, with every instance of a series, through Exchange Web
    Services (EWS) or Microsoft Graph.
  - For Pexip VMR scheduling this is the view of the equipment's calendar. Through EWS, signed in as the app that Pexip uses,
    it also proves that the app has access over the very protocol that Pexip's scheduler speaks.
  - An app that signs in as itself reads through EWS by acting as the mailbox's owner (impersonation). A person who signs in
    with a device code reads with the rights of a delegate, and sees private events only as those allow.
author:
  - the vmrops.o365 authors (@vmrops)
extends_documentation_fragment:
  - vmrops.o365.auth
  - vmrops.o365.attributes.info
  - vmrops.o365.attributes.action_group
options:
  mailbox:
    description:
      - The primary address of the mailbox.
    type: str
    required: true
  start:
    description:
      - From when, as C(2026-12-01) or C(2026-12-01T09:00). A time without an offset is one of O(time_zone).
      - Today at midnight when left out.
    type: str
  end:
    description:
      - Until when, two years after O(start) at most. Events that only overlap are shown too.
      - Seven days after O(start) when left out.
    type: str
  time_zone:
    description:
      - The zone in which the events' times are given, by its IANA name.
    type: str
    default: UTC
  backend:
    description:
      - V(ews) and V(graph) ask that service and no other.
      - V(auto) asks EWS first, and Graph where EWS is closed or refuses the caller; a warning then says why.
    type: str
    choices: [auto, ews, graph]
    default: auto
notes:
  - Through EWS an app needs the mailbox in the scope of a role C(Application EWS.AccessAsApp), or the app role
    C(full_access_as_app); a person needs C(EWS.AccessAsUser.All) and rights on the mailbox.
  - Through Graph an app needs the mailbox in the scope of a role C(Application Calendars.Read), or the app role
    C(Calendars.Read); a person needs C(Calendars.Read) and rights on the mailbox.
  - EWS ends for everybody on 1 April 2027.
seealso:
  - module: vmrops.o365.o365_mailbox_delegate
  - module: vmrops.o365.o365_impersonation
"""

EXAMPLES = r"""
- name: What is booked this week
  vmrops.o365.o365_calendar_info:
    mailbox: vmr-scheduling@contoso.com
    time_zone: Europe/Oslo
  register: calendar

- name: Prove that Pexip's app can read the calendar over EWS
  vmrops.o365.o365_calendar_info:
    mailbox: vmr-scheduling@contoso.com
    start: '2026-12-01'
    end: '2026-12-02'
    backend: ews
"""

RETURN = r"""
mailbox:
  description: The address that was asked about.
  returned: success
  type: str
  sample: vmr-scheduling@contoso.com
backend:
  description: The service that answered.
  returned: success
  type: str
  sample: ews
start:
  description: From when.
  returned: success
  type: str
  sample: '2026-12-01T00:00:00+01:00'
end:
  description: Until when.
  returned: success
  type: str
  sample: '2026-12-08T00:00:00+01:00'
events:
  description: The events by their start, a series as its instances.
  returned: success
  type: list
  elements: dict
  contains:
    uid:
      description: The id that all copies of a meeting share, in every attendee's calendar.
      type: str
      sample: 040000008200E00074C5B7101A82E008
    subject:
      description: The subject.
      type: str
      sample: Quarterly figures
    organizer:
      description: Who organizes it, as C(name) and C(address); null when unknown.
      type: dict
      sample: {name: Alice Anker, address: alice@contoso.com}
    start:
      description: When it starts, in O(time_zone).
      type: str
      sample: '2026-12-01T10:00:00+01:00'
    end:
      description: When it ends; for one that lasts all day the midnight after.
      type: str
      sample: '2026-12-01T11:00:00+01:00'
    time_zone:
      description: The zone in which it was planned, as the service names it; null when unknown.
      type: str
      sample: Europe/Berlin
    all_day:
      description: Whether it lasts all day.
      type: bool
      sample: false
    location:
      description: Where it is; null when that was not said.
      type: str
      sample: Fjord
    attendees:
      description: Who is invited.
      type: list
      elements: dict
      contains:
        name:
          description: The name.
          type: str
          sample: VMR scheduling
        address:
          description: The address.
          type: str
          sample: vmr-scheduling@contoso.com
        type:
          description: C(required), C(optional) or C(resource).
          type: str
          sample: resource
        response:
          description: C(none), C(organizer), C(tentative), C(accepted), C(declined) or C(not_responded).
          type: str
          sample: 'none'
    sensitivity:
      description: C(normal), C(personal), C(private) or C(confidential).
      type: str
      sample: private
    show_as:
      description: C(free), C(tentative), C(busy), C(out_of_office), C(working_elsewhere) or C(unknown).
      type: str
      sample: busy
    cancelled:
      description: Whether it was cancelled.
      type: bool
      sample: false
    recurrence:
      description: C(single), or for an instance of a series C(occurrence), or C(exception) when it was changed.
      type: str
      sample: occurrence
steps:
  description: Nothing is ever done.
  returned: success
  type: list
  elements: dict
  sample: []
"""

import time

from ansible_collections.vmrops.o365.plugins.module_utils._module import run_module
from ansible_collections.vmrops.o365.plugins.module_utils._resources.calendar_view import CalendarView
from ansible_collections.vmrops.o365.plugins.module_utils._tenant import TENANT


def main() -> None:
    spec = {
        "mailbox": {"type": "str", "required": True},
        "start": {"type": "str"},
        "end": {"type": "str"},
        "time_zone": {"type": "str", "default": "UTC"},
        "backend": {"type": "str", "choices": ["auto", "ews", "graph"], "default": "auto"},
    }
    run_module(spec, lambda options: CalendarView(options, time.time()), TENANT)


if __name__ == "__main__":
    main()
