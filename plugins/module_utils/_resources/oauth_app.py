# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application registration: itself, its service principal, permissions, consent and credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._plan import Plan, Ref, Refused, Secret, Step
from . import _app_credentials, _application_state, _permissions
from ._base import Managed
from ._properties import Property, difference

if TYPE_CHECKING:
    from ._application_state import State
    from ._readers import Object, Readers

PROPERTIES = (
    Property("display_name", "displayName"),
    Property(
        "sign_in_audience",
        "signInAudience",
        choices=(
            "AzureADMyOrg",
            "AzureADMultipleOrgs",
            "AzureADandPersonalMicrosoftAccount",
            "PersonalMicrosoftAccount",
        ),
    ),
)
WEB_URIS = ("https://", "http://localhost")
PLATFORMS = {"web": "web", "public_client": "publicClient"}
# How long after its creation an application may still be unknown to some replicas.
SETTLING_SECONDS = 900


class OAuthApp(Managed):
    """The managed object.

    Args:
        options: the module's options; None for those not given.
        now: seconds since the epoch.
    """

    def __init__(self, options: Mapping[str, Any], now: float) -> None:
        self.options = options
        self.present = options["state"] == "present"
        self.label = options["unique_name"] or options["app_id"]
        self.secret = _app_credentials.ClientSecret(options["secret"], now) if options["secret"] else None
        self.certificates = _app_credentials.certificates(options["certificates"] or [])
        for platform, uris in (options["redirect_uris"] or {}).items():
            for uri in uris or ():
                if not urlsplit(uri).scheme or (platform == "web" and not uri.startswith(WEB_URIS)):
                    raise Refused(
                        f"{uri} cannot be a redirect URI of this platform.",
                        f"redirect_uris.{platform}",
                        "It must begin with https:// (or http://localhost on the web platform).",
                    )

    def read(self, readers: Readers, answers: Mapping[str, Object]) -> State:
        """The registration and all that belongs to it. Raises Refused when several could be meant."""
        state = _application_state.read(self.options, bool(self.certificates), readers, answers)
        if self.secret and state.application:
            credentials = state.application.get("passwordCredentials") or []
            if self.secret.refusal is None and self.secret.former(credentials):
                held = self.secret.options["held"]
                self.secret.refusal = readers.refusal_of(state.application["appId"], held)
        if self.secret and self.secret.known is None:
            self.secret.known = frozenset(
                one["keyId"] for one in (state.application or {}).get("passwordCredentials") or []
            )
        return state

    # --- planning -----------------------------------------------------------------------------------------------------

    def plan(self, state: State) -> Plan:
        """The steps: the registration, its service principal, owners, consent, and the secret last."""
        if not self.present:
            return self._removal(state)
        self._check(state)
        steps: list[Step] = []
        current = state.application
        if current is None and state.deleted:
            current = self._from_recycle_bin(state, steps)
        values, before, after = self._registration(current or {}, state)
        if current is None:
            body = {"signInAudience": "AzureADMyOrg", **values}
            summary, target = f"register the application {self.label}", {"unique_name": self.options["unique_name"]}
            # A lost answer is read back from the same name, which may not be known everywhere yet.
            steps.append(Step(summary, "graph", "upsert_application", target, body, "application", settling=True))
        elif values:
            summary, target = f"change the application {self.label}", {"application": current["id"]}
            settling = state.application is None
            steps.append(Step(summary, "graph", "update_application", target, values, settling=settling))
        key = current["id"] if current else Ref("application", "id")
        settling = state.application is None or self._is_new(state.application, state.now)
        principal = self._plan_principal(current, state, steps)
        if state.new_owners:
            before["owners"] = [name for name, owner in state.new_owners.items() if owner in state.owners]
            after["owners"] = list(state.new_owners)
        for name, owner in state.new_owners.items():
            if owner not in state.owners:
                summary, target = f"make {name} an owner of {self.label}", {"application": key}
                steps.append(Step(summary, "graph", "add_owner", target, {"id": owner}, settling=settling))
        warnings = self._plan_consent(principal, state, settling, steps, before, after)
        if self.secret:
            # A certificate or secret write beside another on the same application is refused as concurrent; they are in order.
            credentials = (current or {}).get("passwordCredentials") or []
            steps += self.secret.plan(key, credentials, state.secret, settling)
            before["secrets"] = [one["keyId"] for one in credentials]
            after["secrets"] = self._secrets_after(credentials, steps)
        before["state"], after["state"] = "present" if state.application else "absent", "present"
        return Plan(steps, before if state.application else {"state": "absent"}, after, warnings=warnings)

    def _check(self, state: State) -> None:
        if state.application is None and not self.options["unique_name"]:
            raise Refused("it is needed to register a new application.", "unique_name")
        if state.application is None and not state.deleted and not self.options["display_name"]:
            raise Refused("it is needed to register a new application.", "display_name")
        if state.namesakes:
            names = ", ".join(f"{one['appId']} (object {one['id']})" for one in state.namesakes)
            raise Refused(
                f"{len(state.namesakes)} application(s) called {self.options['display_name']} exist already: {names}.",
                "display_name",
                "An application is never adopted by its display name. Give the app_id of the one you mean, or choose another "
                "display_name.",
            )

    def _from_recycle_bin(self, state: State, steps: list[Step]) -> Object | None:
        choice, names = self.options["deleted"], ", ".join(one["appId"] for one in state.deleted)
        if choice == "fail":
            raise Refused(
                f"the unique name {self.options['unique_name']} belongs to a deleted application in the recycle bin ({names}).",
                "deleted",
                "Choose restore to bring it back or purge to remove it for good.",
            )
        if choice == "restore":
            found = state.deleted[0]
            target = {"application": found["id"]}
            steps.append(
                Step(
                    f"restore the application {self.label} from the recycle bin", "graph", "restore_application", target
                )
            )
            return found
        for one in state.deleted:
            target = {"application": one["id"]}
            steps.append(
                Step(f"purge the application {self.label} from the recycle bin", "graph", "purge_application", target)
            )
        return None

    def _registration(self, current: Object, state: State) -> tuple[Object, Object, Object]:
        """Values to write to the registration, and both sides of the diff."""
        change = difference(PROPERTIES, self.options, current)
        values, before, after = dict(change.values), dict(change.before), dict(change.after)
        for option, platform in PLATFORMS.items():
            wanted = (self.options["redirect_uris"] or {}).get(option)
            if wanted is None:
                continue
            actual = (current.get(platform) or {}).get("redirectUris") or []
            before[f"redirect_uris.{option}"] = sorted(actual)
            after[f"redirect_uris.{option}"] = sorted(wanted)
            if sorted(actual) != sorted(wanted):
                values[platform] = {"redirectUris": list(wanted)}
        if self.options["permissions"] is not None:
            actual = current.get("requiredResourceAccess") or []
            access = _permissions.required_access(state.wanted, actual, self.options["permissions_mode"])
            resources = [one.resource for one in state.wanted]
            before["permissions"] = _permissions.names_of(actual, resources)
            after["permissions"] = _permissions.names_of(access, resources)
            if not _permissions.same_access(actual, access):
                values["requiredResourceAccess"] = access
        keys = _app_credentials.key_credentials(self.certificates, state.keys)
        # A write replaces the list, and the keys of a deleted application cannot be read: they come after its restoration.
        unread = state.application is None and bool(current.get("keyCredentials"))
        if keys is not None and not unread:
            values["keyCredentials"] = keys
            before["certificates"] = [one.get("displayName") for one in state.keys]
            after["certificates"] = [one.get("displayName") for one in keys]
        return values, before, after

    def _plan_principal(self, current: Object | None, state: State, steps: list[Step]) -> Any:
        """The service principal's id, or a reference to it once it is restored or created."""
        if state.principal:
            return state.principal["id"]
        restoring = current is not None and (state.application is not None or self.options["deleted"] == "restore")
        if state.deleted_principals and restoring:
            key = state.deleted_principals[0]["id"]
            summary = f"restore the service principal of {self.label}"
            steps.append(Step(summary, "graph", "restore_service_principal", {"service_principal": key}, settling=True))
            return key
        app_id = current["appId"] if current else Ref("application", "appId")
        new = state.application is None or self._is_new(state.application, state.now)
        summary, values = f"create the service principal of {self.label}", {"appId": app_id}
        steps.append(
            Step(summary, "graph", "create_service_principal", values=values, saves="service_principal", settling=new)
        )
        return Ref("service_principal", "id")

    def _plan_consent(
        self, principal: Any, state: State, settling: bool, steps: list[Step], before: Object, after: Object
    ) -> list[str]:
        if not self.options["admin_consent"] or self.options["permissions"] is None:
            return []
        mode = self.options["permissions_mode"]
        outcome = _permissions.consent(state.wanted, principal, state.assignments, state.grants, mode, settling)
        steps += outcome.steps
        before["consent"], after["consent"] = outcome.before, outcome.after
        if mode != "merge" or not outcome.wider:
            return []
        return [f"{self.label} was granted more than is asked for here: {'; '.join(outcome.wider)}."]

    def _secrets_after(self, credentials: Sequence[Object], steps: Sequence[Step]) -> list[str]:
        removed = {step.values["keyId"] for step in steps if step.operation == "remove_password"}
        added = ["a new one" for step in steps if step.operation == "add_password"]
        return [one["keyId"] for one in credentials if one["keyId"] not in removed] + added

    def _is_new(self, application: Object, now: float) -> bool:
        created = application.get("createdDateTime")
        moment = datetime.fromtimestamp(now, timezone.utc)
        return bool(created) and (moment - _app_credentials.parse_time(str(created))).total_seconds() < SETTLING_SECONDS

    def _removal(self, state: State) -> Plan:
        steps = []
        if state.application:
            key = state.application["id"]
            summary = f"delete the application {self.label}, its service principal and its grants"
            steps.append(Step(summary, "graph", "delete_application", {"application": key}))
        if self.options["deleted"] == "purge":
            steps += self._purge(state)
        return Plan(steps, {"state": "present" if state.application else "absent"}, {"state": "absent"})

    def _purge(self, state: State) -> list[Step]:
        """The application last: as long as it is in the recycle bin, a later run knows whose service principals to look for."""
        new, steps = state.application is not None, []
        for one in [*([state.principal] if state.principal else []), *state.deleted_principals]:
            summary = f"purge the service principal of {self.label} from the recycle bin"
            target = {"service_principal": one["id"]}
            steps.append(Step(summary, "graph", "purge_service_principal", target, settling=new))
        for one in [state.application] if state.application else state.deleted:
            summary = f"purge the application {self.label} from the recycle bin"
            steps.append(Step(summary, "graph", "purge_application", {"application": one["id"]}, settling=new))
        return steps

    # --- result -------------------------------------------------------------------------------------------------------

    def result(self, state: State, answers: Mapping[str, Object]) -> dict[str, Any]:
        """The ids and endpoints that the application's user has to enter; ids not known in check mode are placeholders."""
        if not self.present:
            return {"application": None}
        application = state.application or {}
        base = f"{state.login_url}/{state.tenant_id}/oauth2/v2.0"
        return {
            "application": {
                "app_id": application.get("appId") or str(Ref("application", "appId")),
                "object_id": application.get("id") or str(Ref("application", "id")),
                "service_principal_id": (state.principal or {}).get("id") or str(Ref("service_principal", "id")),
                "unique_name": application.get("uniqueName") or self.options["unique_name"],
                "display_name": application.get("displayName") or self.options["display_name"],
                "tenant_id": state.tenant_id,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "redirect_uris": {
                    option: (application.get(platform) or {}).get("redirectUris") or []
                    for option, platform in PLATFORMS.items()
                },
                "secrets": _ends(application.get("passwordCredentials")),
                "certificates": _ends(application.get("keyCredentials")),
            },
            "wider_grants": list(self._wider(state)),
        }

    def _wider(self, state: State) -> Sequence[str]:
        asked = self.options["admin_consent"] and self.options["permissions"] is not None
        if not asked or state.principal is None or self.options["permissions_mode"] == "remove":
            return ()
        return _permissions.consent(state.wanted, "", state.assignments, state.grants, "merge", False).wider

    def prove(self, readers: Readers, state: State) -> dict[str, Any]:
        """Sign in as the application."""
        if not self.present or not self.secret or not self.secret.options["prove"] or not state.application:
            return {}
        text = (state.secret or {}).get("secretText") or self.secret.options["held"]
        refusal = readers.refusal_of(state.application["appId"], text) if text else "its text is not known here"
        if refusal:
            raise Refused(f"no token came for it: {refusal}.", "secret", "Former secrets were left as they are.")
        return {"proved": True}

    def secrets(self, answers: Mapping[str, Object]) -> dict[str, Any]:
        """The client secret that this run made; it cannot be read again."""
        made = answers.get("secret")
        if not made:
            return {}
        return {"secret": {"value": Secret(made["secretText"]), "key_id": made["keyId"], "end": made["endDateTime"]}}


def _ends(credentials: Sequence[Object] | None) -> list[dict[str, Any]]:
    """Which credentials there are, and until when; nothing of what they are."""
    return [
        {"key_id": one["keyId"], "display_name": one.get("displayName"), "end": one["endDateTime"]}
        for one in credentials or []
    ]
