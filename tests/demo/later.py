# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes later in the life of a set-up: the secret is rotated, and a service account makes way for app permissions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.exchange import ExchangeAdministrator
from support.graph import sign_in

from . import company
from .stage import Stage, changed

CONFIGURATION = "Configure the equipment resource"


def audit(stage: Stage) -> None:
    """The tenant as it was set up, and after somebody changed it by hand."""
    stage.report.part(f"ansible-playbook {company.AUDIT}")
    mark = stage.simulator.mark()
    found = _audited(stage)
    stage.report.claim("requests that ask for a change", *stage.writes(mark, 0))
    steps = found["steps"]
    right = sum(step["state"] == "in_place" for step in steps)
    stage.holds("steps that are in place", f"{right} of {len(steps)}", f"{len(steps)} of {len(steps)}")
    exchange = ExchangeAdministrator(stage.simulator)
    by_hand = {"Identity": company.EQUIPMENT, "AutomateProcessing": "AutoAccept"}
    exchange.run("Set-CalendarProcessing", **by_hand)
    differs = [step["name"] for step in _audited(stage)["steps"] if step["state"] == "differs"]
    stage.holds("somebody lets the equipment answer by itself; what differs", ", ".join(differs), CONFIGURATION)
    exchange.run("Set-CalendarProcessing", **{**by_hand, "AutomateProcessing": "None"})
    stage.report.where("its page", _reports(stage) / "all-tenants.html")


def _reports(stage: Stage) -> Path:
    return stage.directory / "reports"


def _audited(stage: Stage) -> dict[str, Any]:
    """The report of the one tenant."""
    stage.run(company.AUDIT, report_directory=str(_reports(stage)))
    (tenant,) = json.loads((_reports(stage) / "all-tenants.json").read_text())["tenants"]
    found: dict[str, Any] = tenant
    return found


def rotate(stage: Stage, app_id: str) -> None:
    """A new client secret, while the scheduler goes on."""
    stage.report.part(
        f"ansible-playbook {company.ROTATE} -e vmr_scheduling_rotate_now=true -e vmr_scheduling_rotate_overlap=0"
    )
    former = stage.secrets()["client_secret"]
    with stage.at_work():
        run = stage.run(company.ROTATE, rotate_now=True, rotate_overlap=0, node_watch=3)
    stage.report.claim("changed", changed(run), changed(run) > 0)
    new = stage.secrets()["client_secret"]
    stage.holds("the secrets file holds a new secret", "yes" if new != former else "no", "yes")
    stage.holds("the new one signs in", _signs_in(stage, app_id, new), "yes")
    stage.holds("the former one signs in", _signs_in(stage, app_id, former), "no")
    stage.silent(company.ROTATE, "changed when nothing is due")


def migrate(stage: Stage) -> None:
    """From the service account to app permissions, while the scheduler goes on."""
    stage.report.part(f"ansible-playbook {company.MIGRATE} -e vmr_scheduling_access={company.APP_PERMISSIONS}")
    stage.holds("the integration signs in by", _method(stage), "OAUTH")
    to: dict[str, Any] = {"access": company.APP_PERMISSIONS, "proof_timeout": 20, "node_watch": 3}
    with stage.at_work():
        run = stage.run(company.MIGRATE, **to)
    stage.report.claim("changed", changed(run), changed(run) > 0)
    stage.holds("the integration signs in by", _method(stage), "APP_PERM")
    stage.silent(company.MIGRATE, "changed when migrated again", **to)
    stage.silent(company.CONFIGURE, "changed by the set-up with app permissions", access=company.APP_PERMISSIONS)


def _signs_in(stage: Stage, app_id: str, secret: str) -> str:
    return "yes" if "access_token" in sign_in(stage.simulator, app_id, secret) else "no"


def _method(stage: Stage) -> str:
    (integration,) = stage.node.all("ms_exchange_connector")
    return str(integration["authentication_method"])
