# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sequence that is proved, for one way of access on a tenant of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exchangelib.items import SEND_ONLY_TO_ALL
from support.simulator import Simulator

from . import company, later, leftovers, mail
from .identity import tokens
from .report import Report
from .stage import Stage, changed, said, steps_of

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
        later.audit(proof)
        if access == company.APP_PERMISSIONS:
            later.rotate(proof, proof.connector["oauth_client_id"])
            proof.teardown(empty)
        else:
            later.migrate(proof)
            proof.teardown(empty, access=company.APP_PERMISSIONS)


class _Proof(Stage):
    connector: Mapping[str, str] = {}

    def introduce(self) -> None:
        ends = self.simulator.endpoints
        self.report.part(f"A simulated tenant, {ends['tenant_domain']}, over TLS on loopback")
        for service, what in (("login", "sign-in"), ("graph", "Microsoft Graph"), ("outlook", "Exchange, EWS")):
            self.report.where(what, ends[f"{service}_url"])
        self.report.where("Management Node", ends["infinity_url"])
        self.report.where("CA", ends["ca_path"])
        self.report.where("wire log", self.simulator.wire_log)
        self.report.where("variables", self.inventory.directory)

    def check_mode(self) -> list[str]:
        """The steps that check mode predicts on the empty tenant."""
        self.report.part(f"ansible-playbook {company.CONFIGURE} --check, on the empty tenant")
        mark = self.simulator.mark()
        steps = steps_of(self.run(check=True))
        self.report.claim("requests that ask for a change", *self.writes(mark, 0))
        self.report.claim("steps predicted", len(steps), bool(steps))
        self.report.listed(steps)
        self.report.claim("files with secrets written", int(self.secrets_file.exists()), not self.secrets_file.exists())
        return steps

    def apply(self, predicted: list[str]) -> None:
        """The role does what was predicted."""
        self.report.part(f"ansible-playbook {company.CONFIGURE}")
        run = self.run()
        steps = steps_of(run)
        (summary,) = (one for one in said(run) if "enter_on_the_management_node" in one)
        self.connector = summary["enter_on_the_management_node"]
        self.report.claim("changed", changed(run), changed(run) > 0)
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
        self.silent(company.CONFIGURE, "changed")

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
            self.holds(f"{who} invites, acting for {company.ORGANIZER}", "sent", "sent")
            request = mail.request_in(equipment)
            self.holds("the equipment's inbox holds the request; its subject is", request.subject, mail.SUBJECT)
            self.holds("its private flag is", request.sensitivity, mail.PRIVATE)
            self.holds("items in the equipment's calendar before anybody answered", equipment.calendar.all().count(), 0)
            request.accept()
            entry = mail.only(equipment.calendar)
            self.holds("accepted for the equipment, it stands in its calendar as", entry.subject, mail.SUBJECT)
            self.holds("the organizer sees the answer", mail.answer_of(meeting, company.EQUIPMENT), "Accept")
        self.holds(
            f"acting for {company.STRANGER}, who is out of scope, ends in",
            post.denied(company.STRANGER),
            "ErrorImpersonateUserDenied",
        )

    def schedule(self) -> None:
        """The Management Node's own scheduler answers a meeting, with nothing but what the role wrote there."""
        self.report.part("The scheduler of the Management Node, with what the role entered there")
        (integration,) = self.node.all("ms_exchange_connector")
        self.holds("its integration is called", integration["name"], company.INTEGRATION)
        if self.access == company.SERVICE_ACCOUNT:
            password = self.secrets()["service_account_password"]
            problem = self.node.sign_in(integration["id"], username=company.ACCOUNT, password=password)
            self.holds(f"somebody signs in on the node as {company.ACCOUNT}", problem or "signed in", "signed in")
        organizer, equipment = self.post.act_for(company.ORGANIZER), self.post.act_for(company.EQUIPMENT)
        with mail.tidy(organizer, equipment):
            meeting = mail.invite(organizer, company.EQUIPMENT, mail.MARK)
            self.holds("a meeting arrives, and the scheduler has", self.polled(), "accepted")
            self.holds("the organizer sees the answer", mail.answer_of(meeting, company.EQUIPMENT), "Accept")
            told = "https://join.contoso.com/webapp/" in mail.instructions(organizer)
            self.holds("the organizer is told how to join, in her own name", "yes" if told else "no", "yes")
            meeting.delete(send_meeting_cancellations=SEND_ONLY_TO_ALL)
            self.holds("she cancels it, and the scheduler has", self.polled(), "cancelled")

    def teardown(self, empty: leftovers.Documents, **variables: Any) -> None:
        """What the role made is gone; what the services keep is named."""
        self.report.part(f"ansible-playbook {company.TEARDOWN} -e vmr_scheduling_purge=true")
        run = self.run(company.TEARDOWN, purge=True, **variables)
        self.report.claim("changed", changed(run), changed(run) > 0)
        if variables:
            # What came before the migration, its account among it, is undone as what it was.
            self.run(company.TEARDOWN, purge=True)
        found = leftovers.differences(empty, leftovers.documents(self.simulator.state))
        left = [str(one) for one in found if not one.kept_by_service]
        self.report.claim("differences from the tenant as it was before", len(left), not left, "\n".join(left))
        kept = [str(one) for one in found if one.kept_by_service]
        self.report.say(f"    kept by the services, not by the role{'' if kept else ': nothing'}")
        self.report.listed(kept)
        self.silent(company.TEARDOWN, "changed when undone again", purge=True)
