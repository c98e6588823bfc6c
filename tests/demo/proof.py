# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sequence that is proved, for one way of access on a tenant of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from exchangelib.items import SEND_ONLY_TO_ALL
from support.ansible import Ansible, Run
from support.node import NodeAdministrator
from support.simulator import Simulator

from . import company, leftovers, mail
from .identity import tokens
from .report import Failed, Report

TITLES = {
    company.APP_PERMISSIONS: "Access by app permissions: the app acts for users in a scope (RBAC for Applications)",
    company.SERVICE_ACCOUNT: "Access by a service account: it acts for users in a scope (Application Impersonation)",
}
SEEDS: dict[str, dict[str, Any]] = {
    company.APP_PERMISSIONS: {"organization_config": company.EWS},
    # As tenants were before Microsoft removed the role.
    company.SERVICE_ACCOUNT: {"organization_config": company.EWS, "impersonation_role": True},
}


def prove(access: str, directory: Path, report: Report) -> None:
    """Run the whole sequence. Raises Failed at the first claim that does not hold."""
    report.title(TITLES[access])
    with Simulator(directory / "tenant", seed=SEEDS[access]) as simulator:
        proof = _Proof(access, directory, report, simulator)
        proof.introduce()
        empty = leftovers.documents(simulator.state)
        predicted = proof.check_mode()
        proof.apply(predicted)
        proof.again()
        proof.mail()
        proof.schedule()
        proof.teardown(empty)


class _Proof:
    def __init__(self, access: str, directory: Path, report: Report, simulator: Simulator) -> None:
        self.access, self.directory, self.report, self.simulator = access, directory, report, simulator
        self.secrets_file = directory / "secrets.yml"
        self.inventory = company.Inventory(directory / "inventory")
        self.inventory.write(simulator.auth(), simulator.node(), company.variables(access, self.secrets_file))
        self.node = NodeAdministrator(simulator)
        self.ansible = Ansible(directory / "ansible")
        self.connector: dict[str, str] = {}

    def introduce(self) -> None:
        ends = self.simulator.endpoints
        self.report.part(f"A simulated tenant, {ends['tenant_domain']}, over TLS on loopback")
        for service, what in (("login", "sign-in"), ("graph", "Microsoft Graph"), ("outlook", "Exchange, EWS")):
            self.report.where(what, ends[f"{service}_url"])
        self.report.where("Management Node", ends["infinity_url"])
        self.report.where("CA", ends["ca_path"])
        self.report.where("wire log", self.simulator.wire_log)
        self.report.where("variables", self.inventory.directory)

    def run(self, playbook: str = company.CONFIGURE, *, check: bool = False, purge: bool = False) -> Run:
        """A playbook as a user would run it."""
        arguments = ["-i", str(self.inventory.directory)]
        run = self.ansible.run(
            playbook,
            check=check,
            extra_vars={"vmr_scheduling_purge": True} if purge else None,
            inventory={"all": {}},
            arguments=arguments,
        )
        if run.rc != 0:
            raise Failed(f"ansible-playbook {playbook} ended with {run.rc}:\n{run.output.strip()}")
        return run

    def check_mode(self) -> list[str]:
        """The steps that check mode predicts on the empty tenant."""
        self.report.part(f"ansible-playbook {company.CONFIGURE} --check, on the empty tenant")
        mark = self.simulator.mark()
        steps = _steps(self.run(check=True))
        self.report.claim("requests that ask for a change", *self._writes(mark, 0))
        self.report.claim("steps predicted", len(steps), bool(steps))
        self.report.listed(steps)
        self.report.claim("files with secrets written", int(self.secrets_file.exists()), not self.secrets_file.exists())
        return steps

    def apply(self, predicted: list[str]) -> None:
        """The role does what was predicted."""
        self.report.part(f"ansible-playbook {company.CONFIGURE}")
        run = self.run()
        steps = _steps(run)
        self.connector = _said(run)[-1]["enter_on_the_management_node"]
        self.report.claim("changed", _changed(run), _changed(run) > 0)
        app_id = self.connector["oauth_client_id"]  # which check mode cannot know
        steps = [one.replace(app_id, "<application.appId>") for one in steps]
        same = sum(one == other for one, other in zip(predicted, steps, strict=False))
        seen = f"predicted: {predicted}\ndone:      {steps}"
        self.report.claim("steps done as predicted", f"{same} of {len(steps)}", predicted == steps, seen)
        mode = oct(self.secrets_file.stat().st_mode & 0o777) if self.secrets_file.exists() else "missing"
        self.report.claim("mode of the file with the app's secret", mode, mode == "0o600")

    def again(self) -> None:
        """A second run finds everything as it should be."""
        self.report.part(f"ansible-playbook {company.CONFIGURE}, again")
        mark = self.simulator.mark()
        run = self.run()
        self.report.claim("changed", _changed(run), _changed(run) == 0)
        self.report.claim("requests that ask for a change", *self._writes(mark, 0))

    def mail(self) -> None:
        """The registered app's own secret opens what it should, and nothing else."""
        self.report.part("Signed in with the registered app's own secret, through exchangelib")
        who, connector = "the app", self.connector
        ca_path, url = self.simulator.endpoints["ca_path"], connector["url"].split("/EWS/")[0]
        if self.access == company.SERVICE_ACCOUNT:
            who = "the service account"
            self.report.where(
                "who signs in", f"{connector['username']}, on the sign-in page, with an authorization code"
            )
            self.report.where("leads back to", connector["oauth_redirect_uri"])
        self.post = post = mail.Post(tokens(self.access, connector, self.secrets_file, ca_path), url, ca_path)
        organizer, equipment = post.act_for(company.ORGANIZER), post.act_for(company.EQUIPMENT)
        with mail.tidy(organizer, equipment):
            meeting = mail.invite(organizer, company.EQUIPMENT)
            self._holds(f"{who} invites, acting for {company.ORGANIZER}", "sent", "sent")
            request = mail.request_in(equipment)
            self._holds("the equipment's inbox holds the request; its subject is", request.subject, mail.SUBJECT)
            self._holds("its private flag is", request.sensitivity, mail.PRIVATE)
            self._holds(
                "items in the equipment's calendar before anybody answered", equipment.calendar.all().count(), 0
            )
            request.accept()
            entry = mail.only(equipment.calendar)
            self._holds("accepted for the equipment, it stands in its calendar as", entry.subject, mail.SUBJECT)
            self._holds("the organizer sees the answer", mail.answer_of(meeting, company.EQUIPMENT), "Accept")
        self._holds(
            f"acting for {company.STRANGER}, who is out of scope, ends in",
            post.denied(company.STRANGER),
            "ErrorImpersonateUserDenied",
        )

    def schedule(self) -> None:
        """The Management Node's own scheduler answers a meeting, with nothing but what the role wrote there."""
        self.report.part("The scheduler of the Management Node, with what the role entered there")
        (integration,) = self.node.all("ms_exchange_connector")
        self._holds("its integration is called", integration["name"], company.INTEGRATION)
        if self.access == company.SERVICE_ACCOUNT:
            secrets = yaml.safe_load(self.secrets_file.read_text())
            password = secrets["service_account_password"]
            problem = self.node.sign_in(integration["id"], username=company.ACCOUNT, password=password)
            self._holds(f"somebody signs in on the node as {company.ACCOUNT}", problem or "signed in", "signed in")
        organizer, equipment = self.post.act_for(company.ORGANIZER), self.post.act_for(company.EQUIPMENT)
        with mail.tidy(organizer, equipment):
            meeting = mail.invite(organizer, company.EQUIPMENT, mail.MARK)
            self._holds("a meeting arrives, and the scheduler has", self.polled(), "accepted")
            self._holds("the organizer sees the answer", mail.answer_of(meeting, company.EQUIPMENT), "Accept")
            told = "https://join.contoso.com/webapp/" in mail.instructions(organizer)
            self._holds("the organizer is told how to join, in her own name", "yes" if told else "no", "yes")
            meeting.delete(send_meeting_cancellations=SEND_ONLY_TO_ALL)
            self._holds("she cancels it, and the scheduler has", self.polled(), "cancelled")

    def polled(self) -> str:
        """What the scheduler has done with the one message that waits; or what it has to complain of."""
        (report,) = self.simulator.poll()
        return str(report["error"] or ", ".join(one["outcome"] for one in report["handled"]))

    def teardown(self, empty: leftovers.Documents) -> None:
        """What the role made is gone; what the services keep is named."""
        self.report.part(f"ansible-playbook {company.TEARDOWN} -e vmr_scheduling_purge=true")
        run = self.run(company.TEARDOWN, purge=True)
        self.report.claim("changed", _changed(run), _changed(run) > 0)
        found = leftovers.differences(empty, leftovers.documents(self.simulator.state))
        left = [str(one) for one in found if not one.kept_by_service]
        self.report.claim("differences from the tenant as it was before", len(left), not left, "\n".join(left))
        kept = [str(one) for one in found if one.kept_by_service]
        self.report.say(f"    kept by the services, not by the role{'' if kept else ': nothing'}")
        self.report.listed(kept)
        mark = self.simulator.mark()
        run = self.run(company.TEARDOWN, purge=True)
        self.report.claim("changed when undone again", _changed(run), _changed(run) == 0)
        self.report.claim("requests that ask for a change", *self._writes(mark, 0))

    def _holds(self, text: str, seen: object, wanted: object) -> None:
        self.report.claim(text, seen, seen == wanted, f"wanted: {wanted}")

    def _writes(self, mark: int, wanted: int) -> tuple[str, bool, str]:
        """Figure, verdict and explanation of how many requests since a mark asked for a change."""
        writes, requests = self.simulator.writes(mark), len(self.simulator.wire(mark))
        return f"{len(writes)} of {requests}", len(writes) == wanted, "\n".join(map(str, writes))


def _steps(run: Run) -> list[str]:
    """The steps that the role says it took, or would take."""
    return [str(step) for one in _said(run) for step in one.get("steps", [])]


def _said(run: Run) -> list[dict[str, Any]]:
    """What the role says at its end."""
    return [one["msg"] for one in run.results if isinstance(one.get("msg"), dict)]


def _changed(run: Run) -> int:
    """The figure of Ansible's own recap."""
    found = re.search(rf"^{company.HOST}\s.*changed=(\d+)", run.stdout, re.MULTILINE)
    return int(found[1]) if found else -1
