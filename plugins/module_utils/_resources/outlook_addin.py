# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Outlook add-in of the organization: installed from its manifest, offered to everybody or to named users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._plan import Plan, Refused, Step
from ._base import Managed
from ._manifest import Manifest, parse, version_key
from ._properties import same_text, same_truth

if TYPE_CHECKING:
    from ._readers import Object, Readers

USER_LIMIT = 1000  # of New-App and Set-App
DEFAULT_STATES = ("Enabled", "Disabled", "AlwaysEnabled")
_EVERYONE, _SOME = "Everyone", "SpecificUsers"


@dataclass(frozen=True)
class State:
    """What Exchange says.

    Args:
        app: the organization's add-in of that id, None when there is none.
        users: the recipients wanted and present, by the name used there; None for those that are not there.
    """

    app: Object | None
    users: Mapping[str, Object | None] = field(default_factory=dict)


class OutlookAddin(Managed):
    """The managed object. Raises Refused for a manifest that is none, and for options that Exchange cannot accept.

    Args:
        options: the module's options; None for those not given. ``manifest`` is the manifest's text.
        source: the option that the manifest came from.
    """

    def __init__(self, options: Mapping[str, Any], source: str) -> None:
        self.options = options
        self.present, self.by_hand = options["state"] == "present", options["method"] == "manual"
        self.manifest: Manifest | None = parse(options["manifest"], source) if options["manifest"] else None
        if self.present and self.manifest is None:
            raise Refused("is needed to install an add-in.", source)
        named = str(options["app_id"] or "").lower()
        if self.manifest and named and named != self.manifest.app_id:
            raise Refused(f"{named} is not the manifest's, which is {self.manifest.app_id}.", "app_id")
        self.app_id = self.manifest.app_id if self.manifest else named
        if not self.app_id:
            raise Refused("name the add-in by its manifest or its app_id.", "app_id")
        self.users: Sequence[str] | None = options["users"]
        if self.users is not None and len(self.users) > USER_LIMIT:
            raise Refused(
                f"there are {len(self.users)}, more than the {USER_LIMIT} that Exchange takes.",
                "users",
                "Offer it to everybody, or deploy it in the Microsoft 365 admin center (method: manual).",
            )

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, readers: Readers, answers: Mapping[str, Object]) -> State:
        """The add-in among the organization's, and the users that are wanted or present."""
        recipients = [lambda one=one: readers.mailboxes.recipient(one) for one in sorted(self.users or ())]
        guesses = recipients if self.present and not self.by_hand else []
        return readers.together.expecting(lambda: self._read(readers), *guesses)

    def _read(self, readers: Readers) -> State:
        mailboxes = readers.mailboxes
        app = next((one for one in mailboxes.organization_apps() if same_text(one["AppId"], self.app_id)), None)
        if not self.present or self.by_hand or not self.users:
            return State(app)
        names = sorted({*self.users, *((app or {}).get("UserList") or [])})
        return State(app, dict(zip(names, mailboxes.recipients(names), strict=True)))

    # --- planning -----------------------------------------------------------------------------------------------------

    def plan(self, state: State) -> Plan:
        """Install, put the newer version in the old one's place, change to whom it is offered, or remove."""
        before = _shown(state.app)
        if self.by_hand:
            return Plan(before=before, after=before, warnings=self._left_to_do(state))
        if not self.present or self.manifest is None:
            return self._removal(state, before)
        return self._installing(self.manifest, state, before)

    def _installing(self, manifest: Manifest, state: State, before: Object) -> Plan:
        missing = [name for name in self.users or () if state.users.get(name) is None]
        if missing:
            raise Refused(f"there is no user {', '.join(missing)}.", "users", "Check the addresses.")
        after = {"state": "present", "version": manifest.version, **self._offer(state)}
        warnings = list[str]()
        if state.app is None:
            return Plan([self._installation(manifest)], before, after)
        there, wanted = version_key(str(state.app.get("AppVersion"))), version_key(manifest.version)
        if wanted > there:
            return Plan([*self._making_room(), self._installation(manifest)], before, after)
        after["version"] = state.app.get("AppVersion")
        if wanted < there:
            warnings.append(
                f"The installed version {state.app.get('AppVersion')} is newer than the manifest's "
                f"{manifest.version}, and stays."
            )
        steps = [] if after == before else [self._change(after, before)]
        return Plan(steps, before, after, warnings=warnings)

    def _offer(self, state: State) -> Object:
        """To whom it is to be offered, with the present list where that means the same people."""
        there = list((state.app or {}).get("UserList") or [])
        users = list(self.users or ())
        if self._people(there, state) == self._people(users, state):
            users = there
        return {
            "provided_to": _SOME if self.users else _EVERYONE,
            "users": users,
            "default_state": self.options["default_state"],
            "enabled": True,
        }

    def _people(self, names: Sequence[str], state: State) -> set[str]:
        found = ((name, state.users.get(name)) for name in names)
        return {str(one["Guid"]) if one else name for name, one in found}

    def _values(self) -> Object:
        values: Object = {
            "ProvidedTo": _SOME if self.users else _EVERYONE,
            "DefaultStateForUser": self.options["default_state"],
            "Enabled": True,
        }
        return {**values, "UserList": list(self.users)} if self.users else values

    def _installation(self, manifest: Manifest) -> Step:
        values = {"OrganizationApp": True, "FileData": manifest.text.encode(), **self._values()}
        summary = f"install the add-in {manifest.name} {manifest.version}"
        return Step(summary, "exchange", "New-App", values=values)

    def _making_room(self) -> list[Step]:
        return [] if self.options["update"] == "in_place" else [self._remove("remove the older version of the add-in")]

    def _change(self, after: Object, before: Object) -> Step:
        values = self._values()
        if not self.users and before.get("users"):
            values["UserList"] = None
        target = {"Identity": self.app_id, "OrganizationApp": True}
        return Step(f"change to whom the add-in {self._name} is offered", "exchange", "Set-App", target, values)

    def _removal(self, state: State, before: Object) -> Plan:
        if state.app is None:
            return Plan(before=before, after=before)
        if state.app.get("Type") == "Default":
            raise Refused(f"{state.app.get('DisplayName')} comes with Exchange and cannot be removed.", "app_id")
        step = self._remove(f"remove the add-in {state.app.get('DisplayName')}")
        return Plan([step], before, {"state": "absent"})

    def _remove(self, summary: str) -> Step:
        target = {"Identity": self.app_id, "OrganizationApp": True}
        return Step(summary, "exchange", "Remove-App", target, {"Confirm": False})

    @property
    def _name(self) -> str:
        return self.manifest.name if self.manifest else self.app_id

    # --- by hand ------------------------------------------------------------------------------------------------------

    def _left_to_do(self, state: State) -> list[str]:
        done = self._done(state)
        return (
            []
            if done
            else [f"The add-in {self._name} is still to be {'deployed' if self.present else 'removed'} by hand."]
        )

    def _done(self, state: State) -> bool:
        """Whether what was asked for is there to see."""
        if not self.present:
            return state.app is None
        wanted = version_key(self.manifest.version) if self.manifest else ()
        return state.app is not None and version_key(str(state.app.get("AppVersion"))) >= wanted

    def _manual_steps(self) -> list[str]:
        manifest = self.manifest
        if not self.present or manifest is None:
            return [
                "Open the Microsoft 365 admin center (https://admin.microsoft.com) as Exchange Administrator.",
                "Go to Settings, Integrated apps.",
                f"Choose the app {self._name} ({self.app_id}), Remove app, and confirm.",
                "Run this task again to check; it takes up to 24 hours until the add-in is gone everywhere.",
            ]
        people = f"Specific users: {', '.join(self.users)}" if self.users else "Entire organization"
        return [
            "Open the Microsoft 365 admin center (https://admin.microsoft.com) as Exchange Administrator.",
            "Go to Settings, Integrated apps, Upload custom apps.",
            "Choose the app type Office Add-in, Upload manifest file, and the manifest of the add-in "
            f"{manifest.name} {manifest.version} ({self.app_id}).",
            f"Assign users: {people}.",
            f"Accept the permission {manifest.permission}, and Finish deployment.",
            "Run this task again to check; it takes up to 72 hours until the add-in shows everywhere.",
        ]

    # --- results ------------------------------------------------------------------------------------------------------

    def result(self, state: State, answers: Mapping[str, Object]) -> dict[str, Any]:
        """The add-in as Exchange shows it, and where somebody has to do it, how."""
        app = state.app
        shown = None
        if app is not None:
            shown = {"app_id": app["AppId"], "name": app.get("DisplayName"), **_shown(app)}
            del shown["state"]
        result: dict[str, Any] = {"addin": shown, "verified": self._done(state)}
        return {**result, "manual_steps": self._manual_steps()} if self.by_hand else result


def _shown(app: Object | None) -> Object:
    """The managed properties, as the diff shows them."""
    if app is None:
        return {"state": "absent"}
    return {
        "state": "present",
        "version": app.get("AppVersion"),
        "provided_to": app.get("ProvidedTo"),
        "users": list(app.get("UserList") or []),
        "default_state": app.get("DefaultStateForUser"),
        "enabled": same_truth(True, app.get("Enabled")),
    }
