# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a mailbox treats meeting requests: every documented option of Set-CalendarProcessing, as a table."""

from __future__ import annotations

from ._properties import Property, same_number, same_text, same_truth


def _flag(option: str, name: str) -> Property:
    return Property(option, name, "bool", compare=same_truth)


def _number(option: str, name: str) -> Property:
    return Property(option, name, "int", compare=same_number)


def _recipients(option: str, name: str) -> Property:
    return Property(option, name, "list", elements="str")


RECIPIENT_LISTS = (
    _recipients("book_in_policy", "BookInPolicy"),
    _recipients("request_in_policy", "RequestInPolicy"),
    _recipients("request_out_of_policy", "RequestOutOfPolicy"),
    _recipients("resource_delegates", "ResourceDelegates"),
)

SETTINGS = (
    Property(
        "automate_processing", "AutomateProcessing", choices=("None", "AutoUpdate", "AutoAccept"), compare=same_text
    ),
    Property("booking_type", "BookingType", choices=("Standard", "Reserved"), compare=same_text),
    _flag("allow_conflicts", "AllowConflicts"),
    _number("conflict_percentage_allowed", "ConflictPercentageAllowed"),
    _number("maximum_conflict_instances", "MaximumConflictInstances"),
    _flag("allow_recurring_meetings", "AllowRecurringMeetings"),
    _number("booking_window_in_days", "BookingWindowInDays"),
    _flag("enforce_scheduling_horizon", "EnforceSchedulingHorizon"),
    _number("maximum_duration_in_minutes", "MaximumDurationInMinutes"),
    _number("minimum_duration_in_minutes", "MinimumDurationInMinutes"),
    _flag("schedule_only_during_work_hours", "ScheduleOnlyDuringWorkHours"),
    _flag("all_book_in_policy", "AllBookInPolicy"),
    _flag("all_request_in_policy", "AllRequestInPolicy"),
    _flag("all_request_out_of_policy", "AllRequestOutOfPolicy"),
    _flag("forward_requests_to_delegates", "ForwardRequestsToDelegates"),
    _flag("tentative_pending_approval", "TentativePendingApproval"),
    _flag("add_new_requests_tentatively", "AddNewRequestsTentatively"),
    _flag("add_additional_response", "AddAdditionalResponse"),
    Property("additional_response", "AdditionalResponse"),
    _flag("add_organizer_to_subject", "AddOrganizerToSubject"),
    _flag("delete_subject", "DeleteSubject"),
    _flag("delete_comments", "DeleteComments"),
    _flag("delete_attachments", "DeleteAttachments"),
    _flag("delete_non_calendar_items", "DeleteNonCalendarItems"),
    _flag("organizer_info", "OrganizerInfo"),
    _flag("enable_response_details", "EnableResponseDetails"),
    _flag("remove_private_property", "RemovePrivateProperty"),
    _flag("remove_old_meeting_messages", "RemoveOldMeetingMessages"),
    _flag("remove_forwarded_meeting_notifications", "RemoveForwardedMeetingNotifications"),
    _flag("remove_canceled_meetings", "RemoveCanceledMeetings"),
    _flag("process_external_meeting_messages", "ProcessExternalMeetingMessages"),
    _flag("enforce_capacity", "EnforceCapacity"),
    _flag("enable_auto_release", "EnableAutoRelease"),
    _number("post_reservation_max_claim_time_in_minutes", "PostReservationMaxClaimTimeInMinutes"),
)

LARGEST = 2**31 - 1
# Set-CalendarProcessing's documentation.
_RANGES = {"booking_window_in_days": (0, 1080), "conflict_percentage_allowed": (0, 100)}


def limits(option: str) -> tuple[int, int]:
    """The least and the greatest value of a number; without a documented range any that is not negative."""
    return _RANGES.get(option, (0, LARGEST))
