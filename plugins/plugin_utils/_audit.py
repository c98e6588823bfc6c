# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit reports, from what the role's steps said in check mode. Pure functions; docs/audit.md describes the result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.vmrops.o365.plugins.module_utils._text import visible

Data = dict[str, Any]

SCHEMA_VERSION = 1
SEVERITIES = ("error", "warning", "info")
# The states of a step, and how they are said.
STATES: Mapping[str, str] = {
    "in_place": "in place",
    "differs": "differs",
    "missing": "missing",
    "unknown": "unknown",
    "by_hand": "by hand",
    "off": "switched off",
}
# Steps that somebody has to take by hand where the role does not.
BY_HAND = {
    "management_node": "The role does not manage the Management Node. Enter the values to hand over there.",
    "addin": "The role does not manage the add-in. Make it available in the Microsoft 365 admin center.",
}
# What an audit may miss, and a run that changes something may not.
FOR_WRITING = "missing-right"
APP_UNKNOWN = "The app registration could not be read, and this step is about its access."
_NEEDS_APP = re.compile(r"has no attribute '?(application|app_id)|vmr_scheduling_application")
_CREDENTIALS = {"secrets": "client secret", "certificates": "certificate"}
_DONE = {"expired": "ended", "expiring": "ends", "valid": "ends"}


# --- one tenant -------------------------------------------------------------------------------------------------------


def assemble(observed: Mapping[str, Any], now: datetime) -> Data:
    """The report of one tenant.

    Args:
        observed: ``tenant``, its name; ``reason`` when it could not be audited. Else ``access``; ``steps``, the sequence, each
            with ``name``, ``step``, ``file``, ``managed`` and ``results``, the names of its results; ``results`` by those
            names; ``reasons``, by file, why a step stopped; ``findings``; ``known``, the ids of those that somebody knows
            about; ``application``; ``renew_before`` in days; ``handover``.
        now: with a time zone.
    """
    if observed.get("reason"):
        return _closed(visible({**_EMPTY, **_about(observed), "status": "failed", "reason": observed["reason"]}))
    judged = list(_findings(observed))
    steps = [_preflight(judged, one) for one in _steps(observed)]
    credentials = expiry(observed.get("application") or {}, int(observed["renew_before"]), now)
    found = [*judged, *_of_steps(steps), *_of_credentials(credentials)]
    report = {
        **_EMPTY,
        **_about(observed),
        "steps": steps,
        "findings": sorted(found, key=lambda one: SEVERITIES.index(one["severity"])),
        "expiry": credentials,
        "handover": {name: _known(value) for name, value in (observed.get("handover") or {}).items()},
    }
    return _closed(visible(report))


_EMPTY: Mapping[str, Any] = {
    "tenant": "",
    "status": "audited",
    "reason": None,
    "access": None,
    "level": "ok",
    "steps": [],
    "findings": [],
    "expiry": [],
    "handover": {},
}


def _about(observed: Mapping[str, Any]) -> Data:
    return {"tenant": observed["tenant"], "access": observed.get("access") or None}


def _closed(report: Data) -> Data:
    """The report with its level: the worst that it says, a tenant that could not be audited being an error."""
    severities = [one["severity"] for one in report["findings"]] + ["error"] * (report["status"] == "failed")
    worst = next((one for one in SEVERITIES if one in severities), "ok")
    return {**report, "level": worst}


def _known(value: Any) -> Any:
    """A value; None for one that only exists once an earlier step is done, which a plan writes in angle brackets."""
    return None if isinstance(value, str) and re.search(r"<[^<>]+>", value) else value


# --- steps ------------------------------------------------------------------------------------------------------------


def _steps(observed: Mapping[str, Any]) -> Iterator[Data]:
    planned: list[str] = []
    for step in observed["steps"]:
        results = [observed["results"][name] for name in step["results"]]
        reason = str((observed.get("reasons") or {}).get(step["file"], ""))
        one = _step(step, [result for result in results if result], reason, planned)
        planned += one["changes"]
        yield one


def _preflight(findings: Sequence[Data], step: Data) -> Data:
    """The step, which for the preflight differs from what it should be when a finding is an error."""
    errors = sum(one["severity"] == "error" for one in findings)
    if step["step"] != "preflight" or step["state"] != "in_place" or not errors:
        return step
    return {**step, "state": "differs", "reason": f"Findings that stand in the way: {errors}."}


def _step(step: Mapping[str, Any], results: Sequence[Data], reason: str, planned: Sequence[str]) -> Data:
    shown = {"name": step["name"], "step": step["step"], "reason": None, "changes": [], "differences": []}
    if not step["managed"]:
        by_hand = BY_HAND.get(step["step"])
        return {**shown, "state": "by_hand" if by_hand else "off", "reason": reason or by_hand}
    if reason:
        return {**shown, "state": "unknown", "reason": APP_UNKNOWN if _NEEDS_APP.search(reason) else reason}
    # What an earlier step plans as well is that step's: check mode does not find what it has not made.
    planning = [one for one in results if _changes([one], planned)]
    changes = _changes(results, planned)
    if changes:
        absent = all((one.get("diff") or {}).get("before", {}).get("state") == "absent" for one in planning)
        state = "missing" if absent else "differs"
        return {**shown, "state": state, "changes": changes, "differences": _differences(planning)}
    to_do = [text for one in results if not one.get("verified", True) for text in one.get("manual_steps") or []]
    if to_do:
        return {**shown, "state": "by_hand", "reason": " ".join(to_do)}
    return {**shown, "state": "in_place"}


def _changes(results: Sequence[Data], planned: Sequence[str]) -> list[str]:
    summaries = [step["summary"] for one in results for step in one.get("steps") or []]
    return [one for one in dict.fromkeys(summaries) if one not in planned]


def _differences(results: Sequence[Data]) -> list[Data]:
    """The properties that differ, each once, with what they are and what the variables want."""
    found = [one for result in results for one in compared(*(_sides(result)))]
    return [one for number, one in enumerate(found) if one not in found[:number]]


def _sides(result: Data) -> tuple[Any, Any]:
    diff = result.get("diff") or {}
    return diff.get("before") or {}, diff.get("after") or {}


def compared(before: Any, after: Any, name: str = "") -> Iterator[Data]:
    """Where two documents differ: ``property`` (dotted), ``now`` and ``wanted``."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from compared(before.get(key), after.get(key), f"{name}.{key}" if name else str(key))
    elif before != after:
        yield {"property": name, "now": before, "wanted": after}


# --- credentials ------------------------------------------------------------------------------------------------------


def expiry(application: Mapping[str, Any], renew_before: int, now: datetime) -> list[Data]:
    """The application's credentials and when they end, the first to end first.

    One that ends soon, or has ended, matters as long as no other of its kind lives on.
    """
    found = []
    for member, kind in _CREDENTIALS.items():
        days = {one["key_id"]: (_moment(one["end"]) - now).days for one in application.get(member) or []}
        longest = max(days.values(), default=0)
        for one in application.get(member) or []:
            left = days[one["key_id"]]
            state = "expired" if left < 0 else "expiring" if left < renew_before else "valid"
            severity = {"expired": "error", "expiring": "warning", "valid": "ok"}[state]
            if state != "valid" and longest >= (renew_before if state == "expiring" else 0) and longest > left:
                severity = "info"
            named = {"kind": kind, "name": one.get("display_name") or "", "key_id": one["key_id"], "end": one["end"]}
            found.append({**named, "days_left": left, "state": state, "severity": severity})
    return sorted(found, key=lambda one: (one["end"], one["key_id"]))


def _moment(text: str) -> datetime:
    """A moment as Graph writes it, in UTC, to the second."""
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)


# --- findings ---------------------------------------------------------------------------------------------------------


def _findings(observed: Mapping[str, Any]) -> Iterator[Data]:
    """What the tenant's own state says; what somebody knows about, and what only a change would need, is for information."""
    for one in observed.get("findings") or []:
        spare = one["id"] == FOR_WRITING or one["id"] in (observed.get("known") or [])
        yield {**one, "severity": "info" if spare else one["severity"]}


def _of_steps(steps: Sequence[Data]) -> Iterator[Data]:
    for step in steps:
        name = step["name"]
        if step["state"] == "missing":
            what, why = f"{name}: it was not done.", "Scheduling does not work without it."
            yield _finding("step-missing", "error", what, why, "Run vmrops.o365.configure.")
        elif step["changes"]:
            what = f"{name}: the tenant is not as the variables say. A run would {'; '.join(step['changes'])}."
            why = "Somebody changed the tenant or the variables, or time did."
            yield _finding("step-differs", "warning", what, why, "Run vmrops.o365.configure, or change the variables.")
        elif step["state"] == "unknown":
            what, why = f"{name}: its state is not known. {step['reason']}", "What is wrong there stays unknown."
            yield _finding("step-unknown", "warning", what, why, "Mend the reason, and run the audit again.")


def _of_credentials(credentials: Sequence[Data]) -> Iterator[Data]:
    for one in credentials:
        if one["state"] == "valid":
            continue
        kind, left, needed = one["kind"], one["days_left"], one["severity"] != "info"
        days = "1 day" if abs(left) == 1 else f"{abs(left)} days"
        when = f"{days} ago" if left < 0 else f"in {days}"
        yield _finding(
            f"{kind.replace(' ', '-')}-{one['state']}",
            one["severity"],
            f"The {kind} {one['name'] or one['key_id']} {_DONE[one['state']]} on {one['end'][:10]}, {when}.",
            "Pexip cannot sign in without one that is valid." if needed else f"Another {kind} lives on.",
            "Renew it, and give the new one to the Management Node."
            if needed
            else "Remove it once nothing uses it any more.",
        )


def _finding(name: str, severity: str, what: str, why: str, do: str) -> Data:
    return {"id": name, "severity": severity, "what": what, "why": why, "do": do}


# --- all tenants ------------------------------------------------------------------------------------------------------


def gather(reports: Sequence[Data], tenants: Sequence[str], now: datetime) -> Data:
    """The reports of tenants as one document, in the order of their names; a tenant without one stands in it as well."""
    there = {one["tenant"] for one in reports}
    silent = [one for one in visible(list(tenants)) if one not in there]
    lost = [assemble({"tenant": one, "reason": "It was not reached, or the play ended for it."}, now) for one in silent]
    listed = sorted([*reports, *lost], key=lambda one: str(one["tenant"]))
    severities = [finding["severity"] for one in listed for finding in one["findings"]]
    return {
        "schema_version": SCHEMA_VERSION,
        "generated": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "summary": {
            "tenants": len(listed),
            "failed": sum(one["status"] == "failed" for one in listed),
            **{f"{severity}s": severities.count(severity) for severity in ("error", "warning")},
            "infos": severities.count("info"),
        },
        "tenants": listed,
    }
