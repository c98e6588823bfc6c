# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role's steps say in check mode, as an audit gets it; and names that must not mean anything."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible_collections.vmrops.o365.plugins.plugin_utils._audit import assemble, gather

Data = dict[str, Any]

NOW = datetime(2026, 12, 1, 8, 30, tzinfo=timezone.utc)
HOSTILE = "\"><script>document.title='owned'</script>\u202e`|*[x](javascript:alert(1)) {{ 7 * 6 }}</script><!--"
ABSENT: Data = {"before": {"state": "absent"}, "after": {"state": "present"}}


def planning(*summaries: str, diff: Data | None = None, **more: Any) -> Data:
    """The result of a module that would do this."""
    return {"steps": [{"summary": one} for one in summaries], "diff": diff or {"before": {}, "after": {}}, **more}


def step(name: str, step: str = "equipment", managed: bool = True) -> Data:
    """An entry of the sequence, whose only result has its name."""
    return {"name": name, "step": step, "file": f"{name}.yml", "managed": managed, "results": [name]}


def observed(tenant: str = "contoso", **more: Any) -> Data:
    """A tenant in order: a preflight, a step, and one that is to be done by hand."""
    steps = [step("Look", "preflight"), step("Equipment"), step("Management Node", "management_node", managed=False)]
    return {
        "tenant": tenant,
        "access": "app_permissions",
        "steps": steps,
        "results": {"Look": planning(), "Equipment": planning(), "Management Node": {}},
        "reasons": {},
        "findings": [],
        "known": [],
        "application": {},
        "renew_before": 30,
        "handover": {"room_mailbox_name": "VMR", "oauth_client_id": "<application.appId>"},
        **more,
    }


def secret(end: str, key_id: str = "1", name: str = "Pexip") -> Data:
    return {"key_id": key_id, "display_name": name, "end": end}


def finding(severity: str, name: str = "ews-closed") -> Data:
    return {"id": name, "severity": severity, "what": "Something is.", "why": "It matters.", "do": "Do it."}


def company() -> Data:
    """The report of three tenants: one in order, one with everything that can be wrong and named with hostility, one lost."""
    drifted = observed(
        HOSTILE,
        steps=[
            step("Look", "preflight"),
            step("Equipment"),
            step(HOSTILE),
            step("Scope"),
            step("Rights"),
            step("Delegates", "delegates", managed=False),
            step("Management Node", "management_node", managed=False),
        ],
        results={
            "Look": planning(),
            "Equipment": planning(
                "set it", diff={"before": {"display_name": HOSTILE}, "after": {"display_name": "VMR"}}
            ),
            HOSTILE: planning(f"create {HOSTILE}", diff=ABSENT),
            "Scope": {},
            "Rights": planning(),
            "Delegates": {},
            "Management Node": {},
        },
        reasons={"Scope.yml": f"Exchange answered 403: {HOSTILE}"},
        findings=[{**finding("error"), "what": f"EWS is closed to {HOSTILE}."}, finding("info", "ews-ending")],
        application={"secrets": [secret("2026-12-11T00:00:00Z", name=HOSTILE), secret("2026-11-01T00:00:00Z", "2")]},
    )
    in_order = observed(application={"secrets": [secret("2027-11-01T00:00:00Z")]})
    reports = [assemble(one, NOW) for one in (in_order, drifted)]
    return gather(reports, ["contoso", HOSTILE, "fabrikam"], NOW)
