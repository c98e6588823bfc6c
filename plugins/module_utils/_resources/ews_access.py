# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use EWS in the tenant: the list of allowed applications, and the switch that puts it in force.

The list is one comma-joined text that a write replaces whole, so it is always merged from what a read has just shown. It is
in force while EWS is switched on; with EWS not set, every application may use it until Microsoft's deadline for the tenant.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._plan import Plan, Refused, Step
from ._base import Managed

if TYPE_CHECKING:
    from ._readers import Object, Readers

# Microsoft's announcement of the end of EWS in Exchange Online; it knows no exceptions.
ENDS_ON = "2027-04-01"
_PLACEHOLDER = re.compile(r"<[\w.]+>")
_SEPARATOR = re.compile(r"[,;\s]+")


def allowed_apps(organization: Mapping[str, Any]) -> list[str]:
    """The application ids in EwsAllowedAppIDs, which comes as one text, or as a list of such texts."""
    value = organization.get("EwsAllowedAppIDs") or []
    texts = [value] if isinstance(value, str) else value
    return [one.lower() for text in texts for one in _SEPARATOR.split(str(text)) if one]


def enabled(organization: Mapping[str, Any]) -> bool | None:
    """EwsEnabled of the organization: True, False, or None where it was never set."""
    value = organization.get("EwsEnabled")
    return None if value in (None, "") else str(value).lower() == "true"


class EwsAccess(Managed):
    """The managed object. Raises Refused for application ids that are none.

    Args:
        options: the module's options, and ``check_mode``.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.present = options["state"] == "present"
        # In check mode an earlier task may be about to make the application, and its id is a placeholder.
        self.unknown = [one for one in options["app_ids"] if options["check_mode"] and _PLACEHOLDER.fullmatch(one)]
        known = [one if one in self.unknown else _guid(one) for one in options["app_ids"]]
        self.app_ids = list(dict.fromkeys(known))
        if not self.app_ids:
            raise Refused("is empty.", "app_ids", "Name the applications by their application (client) ids.")

    def read(self, readers: Readers, answers: Mapping[str, Object]) -> Object:
        """The organization's configuration, with the list that only a special read shows."""
        return readers.mailboxes.organization()

    def plan(self, state: Object) -> Plan:
        """The list first, and the switch only once a read shows the list: on with an empty list closes EWS for everybody."""
        switched, listed = enabled(state), allowed_apps(state)
        wanted = self._wanted(listed)
        after = {"enabled": switched, "app_ids": wanted}
        write = [self._list(listed, wanted)] if wanted != listed else []
        if self.present:
            self._refuse_to_cut_off(switched, listed)
            after["enabled"] = True
            on = [_switch(True, "switch EWS on for the listed applications")] if switched is not True else []
            steps = write + on if self.options["check_mode"] or not write else write
        elif switched and not wanted:
            # On without a list is documented as "closed for everybody" today, and was "open to everybody" before.
            after["enabled"] = False
            steps = [_switch(False, "switch EWS off, since no application is left on the list"), *write]
        else:
            steps = write
        before = {"enabled": switched, "app_ids": listed}
        warnings = _warnings(state, bool(steps)) if self.present else []
        warnings += [f"Not there yet, which only check mode lets pass: the application {one}." for one in self.unknown]
        return Plan(steps, before, after, warnings=warnings)

    def result(self, state: Object, answers: Mapping[str, Object]) -> dict[str, Any]:
        """Who may use EWS as Exchange shows it, and until when."""
        return {"ews": {"enabled": enabled(state), "app_ids": allowed_apps(state), "ends_on": ENDS_ON}}

    def _wanted(self, listed: Sequence[str]) -> list[str]:
        if self.present:
            return [*listed, *(one for one in self.app_ids if one not in listed)]
        return [one for one in listed if one not in self.app_ids]

    def _refuse_to_cut_off(self, switched: bool | None, listed: Sequence[str]) -> None:
        if self.options["cut_off_others"] or switched is False or (switched and listed):
            return
        now = "EWS is on without a list of applications" if switched else "EWS was never switched on or off"
        raise Refused(
            f"{now}, so any application may be using it now, and all but those on the list would be cut off.",
            "app_ids",
            "Name every application that needs EWS, and set cut_off_others to true.",
        )

    def _list(self, listed: Sequence[str], wanted: Sequence[str]) -> Step:
        verb = "add to" if self.present else "remove from"
        changed = [one for one in self.app_ids if (one in wanted) != (one in listed)]
        return Step(
            f"{verb} the applications that may use EWS: {', '.join(changed)}",
            "exchange",
            "Set-OrganizationConfig",
            values={"EwsAllowedAppIDs": ",".join(wanted) or None},
        )


def _switch(on: bool, summary: str) -> Step:
    return Step(summary, "exchange", "Set-OrganizationConfig", values={"EwsEnabled": on})


def _guid(text: str) -> str:
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError as error:
        raise Refused(
            f"{text!r} is no application id.", "app_ids", "Give GUIDs, as Entra ID shows them for the app registration."
        ) from error


def _warnings(organization: Object, changing: bool) -> list[str]:
    """What else stands between an application and EWS; what is only news is told when something changes."""
    warnings = []
    policy = organization.get("EwsApplicationAccessPolicy")
    if policy:
        warnings.append(
            f"The organization also has the User-Agent policy {policy}; the applications must pass both. Compare its list "
            "with the User-Agent that they send."
        )
    if changing:
        warnings.append(
            f"EWS in Exchange Online ends for everybody on {ENDS_ON}. A change of the list takes up to 24 hours."
        )
    return warnings
