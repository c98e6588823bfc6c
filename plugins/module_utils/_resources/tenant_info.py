# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a tenant as far as scheduling is concerned: read section by section, whatever one of them answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, TypeVar

from .._plan import Refused
from .._rights import EXCHANGE_ONLINE, GRAPH
from . import _findings, _findings_account, _findings_exchange, _tenant_shown
from ._base import Report
from ._findings import SEVERITIES, Facts
from ._grants import GUID, IMPERSONATION_ROLE
from ._properties import same_truth
from ._readers import Object, Readers
from .ews_access import ENDS_ON, allowed_apps, enabled

Value = TypeVar("Value")
JUDGES = (
    _findings.missing_rights,
    _findings.foreign_domains,
    _findings_account.licences,
    _findings_account.sign_in,
    _findings_exchange.dehydrated,
    _findings_exchange.impersonation,
    _findings_exchange.ews,
    _findings_exchange.mailboxes,
    _findings_exchange.scope,
    _findings.unreadable,
)


class Section:
    """Reads that may fail, each for itself, and why they did."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self.reasons: list[str] = []

    def read(self, read: Callable[[], Value]) -> Value | None:
        """What a read gives; None when it fails."""
        value, reason = self._readers.attempt(read)
        self.reasons += [reason] if reason else []
        return value

    def look_for(self, read: Callable[[], Object | None]) -> tuple[bool | None, Object]:
        """Whether an object is there, None when the read fails; and the object, {} for none."""
        failures = len(self.reasons)
        value = self.read(read)
        return (value is not None if len(self.reasons) == failures else None), value or {}

    def shown(self, **members: Any) -> Object:
        """The section with its members, as the module returns it."""
        return {"readable": not self.reasons, "reason": " ".join(self.reasons) or None, **members}


class TenantInfo(Report):
    """The report. Raises Refused for an application id that is none.

    Args:
        options: the module's options; None for those not given.
        now: seconds since the epoch.
    """

    def __init__(self, options: Mapping[str, Any], now: float) -> None:
        self.access, self.cloud = str(options["access"]), str(options["cloud"])
        self.app_id = options["app_id"] or None
        self.app_name = options["app_unique_name"] or None
        if self.app_id and not GUID.fullmatch(self.app_id):
            raise Refused(f"{self.app_id!r} is no application id.", "app_id", "Give a GUID, as Entra ID shows it.")
        self.for_account = self.access == "service_account"
        self.account = (options["service_account_user_principal_name"] or None) if self.for_account else None
        self.equipment = options["equipment_address"] or None
        self.licenses: list[str] = options["licenses"] or []
        self.steps: list[str] | None = options["steps"]
        self.people: list[str] = list({one.lower(): one for one in options["mailboxes"] or []}.values())
        ours = {one.lower(): one for one in (self.equipment, self.account) if one}
        self.addresses = [*ours.values(), *(one for one in self.people if one.lower() not in ours)]
        self.today = datetime.fromtimestamp(now, timezone.utc).date()

    def report(self, readers: Readers) -> dict[str, Any]:
        """The sections, and what follows from them. Raises Refused when nobody can sign in."""
        caller, directory, mailboxes = _caller(readers), readers.directory, readers.mailboxes
        guesses: list[Callable[[], Any]] = [
            mailboxes.organization,
            directory.organization,
            lambda: mailboxes.management_role(IMPERSONATION_ROLE),
            lambda: mailboxes.role_assignments_with(IMPERSONATION_ROLE),
        ]
        if self.addresses:
            guesses.append(lambda: mailboxes.client_access(self.addresses))
        if self.for_account:
            guesses += [directory.conditional_access_policies, directory.security_defaults]
        if self.account:
            account = self.account
            guesses.append(lambda: directory.user(account))
        if self.app_id:
            app_id = self.app_id
            guesses += [
                lambda: directory.service_principal(app_id),
                lambda: directory.app_role_assignments(app_id),
                lambda: mailboxes.role_assignments_of(app_id),
            ]
        return readers.together.expecting(lambda: self._report(readers, caller), *guesses)

    def _report(self, readers: Readers, caller: Object) -> dict[str, Any]:
        licences, exchange = Section(readers), Section(readers)
        skus = licences.read(readers.directory.subscribed_skus)
        config = exchange.read(readers.mailboxes.organization)
        sections: dict[str, Object | None] = {
            "caller": caller,
            "organization": self._organization(readers, config),
            "licenses": licences.shown(skus=None if skus is None else [_tenant_shown.licence(one) for one in skus]),
            "exchange": _exchange(readers, exchange, config),
            "mailboxes": self._mailboxes(readers, skus) if self.addresses else None,
            "sign_in": self._sign_in(readers, skus) if self.for_account else None,
            "scope": self._scope(readers) if self.app_id or self.app_name else None,
        }
        scope = sections["scope"] or {}
        facts = Facts(
            self.access,
            self.today,
            scope.get("app_id"),
            self.account,
            self.equipment,
            self.app_name if scope.get("registered") is False else None,
            self.licenses,
            self.steps,
            sections,
        )
        found = [finding for judge in JUDGES for finding in judge(facts)]
        found.sort(key=lambda one: SEVERITIES.index(one.severity))
        return {"access": self.access, **sections, "findings": [one.shown() for one in found], "warnings": []}

    def _organization(self, readers: Readers, config: Object | None) -> Object:
        section = Section(readers)
        found = section.read(readers.directory.organization) or {}
        domains = found.get("verifiedDomains") or []
        # What a tenant with several regions shows (Microsoft's pages on Multi-Geo); not verified for others.
        regions = _tenant_shown.texts((config or {}).get("AllowedMailboxRegions"))
        return section.shown(
            id=found.get("id"),
            name=found.get("displayName"),
            domains=[one["name"] for one in domains] or None,
            default_domain=next((one["name"] for one in domains if one.get("isDefault")), None),
            cloud=self.cloud,
            multi_geo=len(regions) > 1 if regions else None,
        )

    def _mailboxes(self, readers: Readers, skus: Sequence[Object] | None) -> Object:
        section = Section(readers)
        switches = section.read(lambda: readers.mailboxes.client_access(self.addresses))
        boxes = dict(zip(self.addresses, switches or [], strict=False))
        # An address need not be the name that its owner signs in with.
        names = {one: str((boxes.get(one) or {}).get("ExternalDirectoryObjectId") or one) for one in self.people}
        users = section.read(lambda: readers.directory.users(list(names.values()))) if names else []
        owners = dict(zip(names, users or [], strict=False))
        return section.shown(
            mailboxes=[
                {
                    "address": address,
                    "exists": None if switches is None else bool(boxes[address]),
                    "ews_enabled": enabled(boxes.get(address) or {}),
                    **_tenant_shown.user_agents(boxes.get(address) or {}),
                    "frontline": _tenant_shown.frontline(owners.get(address), skus),
                }
                for address in self.addresses
            ]
        )

    def _sign_in(self, readers: Readers, skus: Sequence[Object] | None) -> Object:
        section, directory, name = Section(readers), readers.directory, self.account
        there, user = section.look_for(lambda: directory.user(name)) if name else (None, {})
        memberships = section.read(lambda: directory.memberships(user["id"])) if user else None
        member_of = {str(one.get("roleTemplateId") or one["id"]) for one in memberships or []}
        policies = section.read(directory.conditional_access_policies)
        return section.shown(
            account=None if there is None else _tenant_shown.account(user or None, skus),
            security_defaults=section.read(directory.security_defaults),
            policies=None if policies is None else _findings_account.concerning(policies, user.get("id"), member_of),
        )

    def _scope(self, readers: Readers) -> Object:
        section, directory, app_id, name = Section(readers), readers.directory, self.app_id, str(self.app_name)
        there: bool | None = True
        if not app_id:
            there, application = section.look_for(lambda: directory.application_by_unique_name(name))
            app_id = application.get("appId")
        key, wanted = None, str(app_id)
        if app_id:
            readers.together.of(
                lambda: readers.attempt(lambda: directory.service_principal(wanted)),
                lambda: readers.attempt(lambda: directory.app_role_assignments(wanted)),
                lambda: readers.attempt(lambda: readers.mailboxes.role_assignments_of(wanted)),
            )
            there, principal = section.look_for(lambda: directory.service_principal(wanted))
            key = principal.get("id")
        granted: list[str] | None = []
        roles: list[Object] | None = []
        if key:
            granted, roles = readers.together.of(
                lambda: section.read(lambda: _granted(readers, wanted)),
                lambda: section.read(lambda: readers.mailboxes.application_role_assignments(wanted, key)),
            )
        wide = None if granted is None else [one for one in granted if _findings_exchange.WIDE.fullmatch(one)]
        return section.shown(
            app_id=app_id,
            registered=there,
            permissions=granted,
            tenant_wide_permissions=wide,
            roles=None if roles is None else [_tenant_shown.role(one) for one in roles if _tenant_shown.acts(one)],
        )


def _caller(readers: Readers) -> Object:
    """Who signs in, as the tokens say. Raises Refused when there is none."""
    section, tokens = Section(readers), dict[str, Object]()
    for service in (GRAPH, EXCHANGE_ONLINE):
        claims = section.read(lambda wanted=service: readers.claims(wanted))  # type: ignore[misc]
        if claims is not None:
            tokens[service] = claims
    if not tokens:
        raise Refused(section.reasons[0])
    section.reasons += [f"The token for {service} cannot be read." for service, claims in tokens.items() if not claims]
    return section.shown(**_tenant_shown.caller(tokens))


def _exchange(readers: Readers, section: Section, config: Object | None) -> Object:
    mailboxes = readers.mailboxes
    there, _role = section.look_for(lambda: mailboxes.management_role(IMPERSONATION_ROLE))
    holders = section.read(lambda: mailboxes.role_assignments_with(IMPERSONATION_ROLE)) if there else None
    acting = [_tenant_shown.holder(one) for one in holders or [] if _tenant_shown.acts(one)]
    switches: Object | None = None
    if config is not None:
        agents = _tenant_shown.user_agents(config)
        switches = {"enabled": enabled(config), "app_ids": allowed_apps(config), **agents, "ends_on": ENDS_ON}
    return section.shown(
        dehydrated=None if config is None else same_truth(True, config.get("IsDehydrated")),
        impersonation_role=there,
        impersonation_holders=None if there is None or (there and holders is None) else acting,
        ews=switches,
    )


def _granted(readers: Readers, app_id: str) -> list[str]:
    """The names of the application permissions that Entra ID grants, whatever service they are of."""
    granted = readers.directory.app_role_assignments(app_id)
    services = readers.directory.service_principals(list(dict.fromkeys(one["resourceId"] for one in granted)))
    names = {role["id"]: role.get("value") for one in services if one for role in one.get("appRoles") or []}
    return sorted({str(names.get(one["appRoleId"]) or one["appRoleId"]) for one in granted})
