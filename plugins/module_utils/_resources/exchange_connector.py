# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An integration of a Pexip Management Node with Exchange: the Secure Scheduler's connector."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .._plan import Plan, Ref, Refused, Secret, Step
from ._base import Managed
from ._fingerprint import fingerprint, is_of
from ._properties import difference, same_text
from .exchange_connector_fields import FIELDS, NEEDED, SECRETS, check_options

if TYPE_CHECKING:
    from ._node_readers import Readers
    from ._readers import Object

CONNECTOR = "ms_exchange_connector"
FAILURE = {
    "id": "transaction_uuid",
    "time": "creation_time",
    "code": "error_code",
    "text": "error_description",
}
LONGEST_TEXT = 500
SHOWN = (
    "id",
    "uuid",
    "resource_uri",
    "name",
    "authentication_method",
    "url",
    "username",
    "oauth_client_id",
    "oauth_token_endpoint",
    "room_mailbox_email_address",
    "room_mailbox_name",
    "addin_server_domain",
    "signed_in",
)


@dataclass(frozen=True)
class State:
    """What the node says, and what is known of the secrets that it does not say.

    Args:
        node_url: which node.
        connector: the integration, None when there is none.
        others: every other integration.
        fields: what this node's version has; read only when something is to be written.
        domains: the integration's domains.
        kept: fingerprints of the secrets that were written last.
        scheduler: the status of its scheduler.
        failure: the newest operation of any scheduler that failed.
        written: whether this run has written the secrets, which no read shows.
    """

    node_url: str
    connector: Object | None
    others: Sequence[Object] = ()
    fields: Mapping[str, Object] = field(default_factory=dict)
    domains: Sequence[Object] = ()
    kept: Object = field(default_factory=dict)
    scheduler: Object | None = None
    failure: Object | None = None
    written: bool = False


class ExchangeConnector(Managed):
    """The managed object. Raises Refused for options that no node accepts.

    Args:
        options: the module's options; None for those not given.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.present = options["state"] == "present"
        self.secrets_given = {name: options[name] for name in SECRETS if options[name] is not None}
        self.fingerprinted = options["update_secrets"] == "when_changed" and bool(self.secrets_given)
        self._salt = secrets.token_hex(16)  # one a run: plans of the same state are the same
        check_options(options)

    def read(self, readers: Readers, answers: Mapping[str, Object]) -> State:
        """Look the integration up by its name, in every page of the list. Raises Refused for two of that name."""
        everything = readers.infinity.connectors()
        found = [one for one in everything if one.get("name") == self.options["name"]]
        if len(found) > 1:
            uris = ", ".join(str(one.get("resource_uri")) for one in found)
            raise Refused(f"several integrations have this name: {uris}.", "name", "Rename all but one on the node.")
        connector = found[0] if found else None
        if not self.present:
            return State(readers.node_url, connector)
        wants_domains = self.options["domains"] is not None
        domains = [
            one
            for one in (readers.infinity.domains() if wants_domains and connector else [])
            if one.get("exchange_connector") == (connector or {}).get("resource_uri")
        ]
        state = State(
            readers.node_url,
            connector,
            [one for one in everything if one not in found],
            {},
            domains,
            readers.fingerprints.read(self.options["fingerprint_path"]) if self.fingerprinted else {},
            readers.infinity.scheduler(int(connector["id"])) if connector else None,
            readers.infinity.last_failure() if connector else None,
            bool({"connector", "secrets"} & set(answers)),
        )
        return replace(state, fields=readers.infinity.fields(CONNECTOR)) if self._is_written(state) else state

    def plan(self, state: State) -> Plan:
        """Make, change or remove the integration; then its domains, its secrets and their fingerprints."""
        name, connector = self.options["name"], state.connector
        if not self.present:
            return _removal(name, connector)
        given = {one.option: self._as_written(one.option, state) for one in FIELDS}
        given = {option: value for option, value in given.items() if self.options[option] is not None}
        if self._is_written(state):
            self._check_fields(given, state)
        self._check_address(state)
        change = difference(FIELDS, self.options, connector or {})
        before: Object = {"state": "present" if connector else "absent", **(change.before if connector else {})}
        after: Object = {"state": "present", **change.after}
        hidden = {option: Secret(value) for option, value in self._secrets_to_write(state).items()}
        steps = []
        if connector is None:
            summary = f"create the integration {name} on the Management Node"
            steps.append(Step(summary, "infinity", "create_connector", {}, {**given, **hidden}, "connector"))
        elif change.values or hidden:
            # In one request: the scheduler must not sign in with one half of it meanwhile.
            values = {**{option: given[option] for option in change.values}, **hidden}
            what = " and ".join([*(["the properties"] if change.values else []), *hidden])
            target, saves = {"connector": int(connector["id"])}, "secrets" if hidden else ""
            summary = f"set {what} of the integration {name}"
            steps.append(Step(summary, "infinity", "update_connector", target, values, saves))
        steps += self._domain_steps(state, before, after)
        steps += self._fingerprint_steps(state)
        after |= hidden
        return Plan(steps, before, after, warnings=self._warnings(state, {**(connector or {}), **given}))

    def result(self, state: State, answers: Mapping[str, Object]) -> dict[str, Any]:
        """The integration as the node shows it, and when its scheduler last did something."""
        if state.connector is None or not self.present:
            return {"connector": None, "health": None, "last_failure": None}
        shown = {name: state.connector.get(name) for name in SHOWN}
        domains = [one.get("domain") for one in state.connector.get("domains") or [] if isinstance(one, dict)]
        scheduler = state.scheduler
        health = None if scheduler is None else {"last_modified_time": scheduler.get("last_modified_time")}
        return {"connector": {**shown, "domains": domains}, "health": health, "last_failure": _failure(state.failure)}

    # --- inside -------------------------------------------------------------------------------------------------------

    def _as_written(self, option: str, state: State) -> Any:
        """A value as the node takes it: where a field may be null, that is what empties it."""
        value = self.options[option]
        return None if value == "" and state.fields.get(option, {}).get("nullable") else value

    def _is_written(self, state: State) -> bool:
        """Whether there is anything to write on the node."""
        if state.connector is None or difference(FIELDS, self.options, state.connector).values:
            return True
        return bool(self._secrets_to_write(state) or self._domain_steps(state, {}, {}))

    def _check_fields(self, given: Mapping[str, Any], state: State) -> None:
        """Raise Refused for what this node's version does not know."""
        named = {**given, **self.secrets_given}
        if self.options["domains"] is not None:
            named["domains"] = self.options["domains"]
        for option, value in named.items():
            known = state.fields.get(option)
            if known is None or (known.get("readonly") and option != "domains"):
                raise Refused(
                    f"{state.node_url} has no such field that can be set.",
                    option,
                    "Its version is older or newer than this module knows; leave the option out.",
                )
            choices = known.get("valid_choices")
            if choices and value not in choices:
                raise Refused(f"{value} is none of {', '.join(map(str, choices))}, which this node knows.", option)
        if state.connector is None and not self.options["addin_server_domain"]:
            raise Refused("a new integration needs it.", "addin_server_domain", "Give the host that serves the add-in.")

    def _check_address(self, state: State) -> None:
        """Raise Refused for an equipment resource that is another integration's."""
        address = self.options["room_mailbox_email_address"]
        for other in state.others:
            if address and same_text(address, other.get("room_mailbox_email_address")):
                raise Refused(
                    f"the integration {other.get('name')} uses {address} already.",
                    "room_mailbox_email_address",
                    "An equipment resource belongs to one integration; two schedulers would reject each other's meetings.",
                )

    def _secrets_to_write(self, state: State) -> dict[str, str]:
        if state.written:
            return {}
        if state.connector is None or self.options["update_secrets"] == "always":
            return self.secrets_given
        if self.fingerprinted:
            kept = self._kept(state)
            return {name: value for name, value in self.secrets_given.items() if not is_of(kept.get(name), value)}
        return {}

    def _kept(self, state: State) -> Object:
        """The fingerprints, if they are this integration's; those of another one, or of its predecessor, say nothing."""
        connector, kept = state.connector or {}, state.kept
        own = (kept.get("node"), kept.get("connector")) == (state.node_url, connector.get("resource_uri"))
        found = kept.get("secrets") if own else None
        return found if isinstance(found, dict) else {}

    def _fingerprint_steps(self, state: State) -> list[Step]:
        kept = self._kept(state)
        if not self.fingerprinted or all(is_of(kept.get(name), value) for name, value in self.secrets_given.items()):
            return []
        new = {name: fingerprint(value, self._salt) for name, value in self.secrets_given.items()}
        values = {
            "node": state.node_url,
            "connector": state.connector["resource_uri"] if state.connector else Ref("connector", "resource_uri"),
            "secrets": {name: Secret(str(value)) for name, value in {**kept, **new}.items()},
        }
        path = self.options["fingerprint_path"]
        return [Step(f"keep the fingerprints of the secrets in {path}", "file", "keep", {"path": path}, values)]

    def _domain_steps(self, state: State, before: Object, after: Object) -> list[Step]:
        """Exactly the domains that are named; both sides go into the diff."""
        if self.options["domains"] is None:
            return []
        present = {str(one["domain"]).lower(): one for one in state.domains}
        wanted = {one.lower(): one for one in self.options["domains"]}
        if state.connector:
            before["domains"] = sorted(present)
        after["domains"] = sorted(wanted)
        uri = state.connector["resource_uri"] if state.connector else Ref("connector", "resource_uri")
        steps = [
            Step(
                f"add the domain {domain}",
                "infinity",
                "create_domain",
                values={"domain": domain, "exchange_connector": uri},
            )
            for name, domain in wanted.items()
            if name not in present
        ]
        return steps + [
            Step(f"remove the domain {one['domain']}", "infinity", "delete_domain", {"domain": int(one["id"])})
            for name, one in present.items()
            if name not in wanted
        ]

    def _warnings(self, state: State, effective: Mapping[str, Any]) -> list[str]:
        """What keeps the scheduler from working, as far as the node shows it."""
        name, method = self.options["name"], effective.get("authentication_method")
        missing = [one for one in NEEDED.get(str(method), ()) if not effective.get(one)]
        found = []
        if missing:
            found.append(f"The scheduler of {name} cannot work with {method} before {', '.join(missing)} are set.")
        if method == "OAUTH" and not missing and not effective.get("signed_in"):
            found.append(
                f"An administrator has to sign in as {effective['username']} on the Management Node, at the integration "
                f"{name}; until then its scheduler has no access."
            )
        address = effective.get("room_mailbox_email_address")
        sharing = [one for one in state.others if address and same_text(address, one.get("room_mailbox_email_address"))]
        if sharing:
            found.append(f"{name} and {sharing[0].get('name')} use the same equipment resource, {address}.")
        return found


def _failure(operation: Object | None) -> Object | None:
    if operation is None:
        return None
    found = {option: operation.get(name) for option, name in FAILURE.items()}
    return {name: None if value is None else str(value)[:LONGEST_TEXT] for name, value in found.items()}


def _removal(name: str, connector: Object | None) -> Plan:
    if connector is None:
        return Plan(before={"state": "absent"}, after={"state": "absent"})
    step = Step(
        f"remove the integration {name} from the Management Node",
        "infinity",
        "delete_connector",
        {"connector": int(connector["id"])},
    )
    before = {"state": "present", **{one: connector.get(one) for one in ("name", "room_mailbox_email_address")}}
    return Plan([step], before, {"state": "absent"})
