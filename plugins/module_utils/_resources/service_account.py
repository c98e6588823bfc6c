# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The licensed service account: a user in Entra ID, its licences, and the mailbox that follows from them."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._plan import Plan, Ref, Refused, Secret, Step
from . import licenses
from ._base import Managed
from ._properties import Property, difference, same_text

if TYPE_CHECKING:
    from ._readers import Object, Readers

PROPERTIES = (
    Property("display_name", "displayName"),
    Property("given_name", "givenName"),
    Property("surname", "surname"),
    Property("mail_nickname", "mailNickname", compare=same_text),
    Property("usage_location", "usageLocation", compare=same_text),
    Property("account_enabled", "accountEnabled", "bool"),
)
NEVER_EXPIRES = "DisablePasswordExpiration"
PASSWORD_LENGTH = 32


def make_password() -> str:
    """A random password with characters of all four classes that Entra ID's complexity rule counts."""
    classes = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-._!")
    letters = [secrets.choice(one) for one in classes]
    letters += [secrets.choice("".join(classes)) for _rest in range(PASSWORD_LENGTH - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


class State(NamedTuple):
    """What the services say.

    Args:
        user: the user, None when there is none.
        deleted: users in the recycle bin that had the name.
        holders: other users that hold the name as an address.
        domains: the tenant's domains, None when not needed.
        skus: the tenant's licences, None when not needed.
        mailbox: Exchange's mailbox of the user, None when there is none (yet) or not asked for.
        mailbox_ready: whether the mailbox answers.
        licensed: whether this run assigned licences; then a seat in use may be this account's own.
    """

    user: Object | None
    deleted: Sequence[Object] = ()
    holders: Sequence[Object] = ()
    domains: Sequence[Object] | None = None
    skus: Sequence[Object] | None = None
    mailbox: Object | None = None
    mailbox_ready: bool = False
    licensed: bool = False


class ServiceAccount(Managed):
    """The managed object.

    Args:
        options: the module's options; None for those not given.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        # For a new account that is given none; made once, so that every plan of a run is the same.
        self.generated = make_password()
        self.name: str = self.options["user_principal_name"]
        self.present = self.options["state"] == "present"
        location = self.options.get("usage_location")
        if location and not (len(location) == 2 and location.isalpha() and location.isascii()):
            raise Refused(f"{location} is no ISO 3166 country code of two letters.", "usage_location")
        if "@" not in self.name:
            raise Refused(f"{self.name} has no domain.", "user_principal_name", "Give it as name@domain.")

    def read(self, readers: Readers, answers: Mapping[str, Object]) -> State:
        """The user, and whatever the checks before a write need."""
        directory, options = readers.directory, self.options
        guesses: list[Callable[[], Any]] = []
        if self.present and options["wait_for_mailbox"]:
            guesses.append(lambda: directory.mailbox_provisioned(self.name))
        if self.present and (options["licenses"] is not None or options["wait_for_mailbox"]):
            guesses.append(directory.subscribed_skus)
        if self.present and options["hide_from_address_lists"] is not None:
            guesses.append(lambda: readers.mailboxes.mailbox(self.name))
        return readers.together.expecting(lambda: self._read(readers, answers), *guesses)

    def _read(self, readers: Readers, answers: Mapping[str, Object]) -> State:
        directory = readers.directory
        user = directory.user(self.name)
        if not self.present:
            purging = user is None and self.options["deleted"] == "purge"
            return State(user, directory.deleted_users(self.name) if purging else ())
        missing = user is None
        hides, waits = self.options["hide_from_address_lists"] is not None, self.options["wait_for_mailbox"]
        mailbox = readers.mailboxes.mailbox(self.name) if user and hides else None
        needs_skus = self.options["licenses"] is not None or waits or (hides and mailbox is None)
        # What a user made a moment ago holds may be found before the user itself.
        own = answers.get("user", {}).get("id")
        deleted, holders, domains, skus, ready = readers.together.of(
            lambda: directory.deleted_users(self.name) if missing else (),
            lambda: directory.holders_of_address(self.name) if missing else [],
            lambda: directory.domains() if missing else None,
            lambda: directory.subscribed_skus() if needs_skus else None,
            lambda: bool(user and waits and directory.mailbox_provisioned(self.name)),
        )
        holders = [one for one in holders if one["id"] != own]
        return State(user, deleted, holders, domains, skus, mailbox, ready, "licences" in answers)

    def plan(self, state: State) -> Plan:
        """The steps to the account: restore or create, change, license, hide."""
        if not self.present:
            return self._removal(state)
        user, steps = state.user, list[Step]()
        revived = None
        if user is None:
            self._check_new(state)
            revived = self._from_recycle_bin(state, steps)
        # A restored account keeps its properties. Whether its licences come back is not certain, so they are assigned.
        current = user or ({**state.deleted[0], **licenses.NONE} if revived else {})
        change = difference(PROPERTIES, self.options, current)
        values = {**change.values, **self._policies(current)}
        held = self._licences(state, current)
        before: Object = {"state": "absent"} if user is None else {"state": "present", **change.before}
        after: Object = {"state": "present", **change.after}
        reset = self.options["password"] is not None and self.options["update_password"] == "always"  # noqa: S105
        if user is None and revived is None:
            steps.append(self._creation(values))
            target: Any = Ref("user", "id")
        else:
            target = user["id"] if user else revived
            settling = user is None
            if values:
                steps.append(
                    Step(f"change {self.name}", "graph", "update_user", {"user": target}, values, settling=settling)
                )
            if reset:
                steps.append(self._password_step(target, settling))
        if "passwordPolicies" in values:
            before.update(
                {"password_never_expires": NEVER_EXPIRES in str(current.get("passwordPolicies"))} if user else {}
            )
            after["password_never_expires"] = self.options["password_never_expires"]
        if held:
            before.update({"licenses": held.before} if user else {})
            after["licenses"] = held.after
            if held.add or held.remove:
                body = {"addLicenses": held.add, "removeLicenses": held.remove}
                summary = f"set the licences of {self.name}"
                steps.append(
                    Step(summary, "graph", "assign_licenses", {"user": target}, body, "licences", user is None)
                )
        self._hide(state, steps, before, after)
        awaits = []
        if self.options["wait_for_mailbox"] and not state.mailbox_ready:
            awaits = [f"the mailbox of {self.name} (Exchange makes it some minutes after the licence)"]
        if reset or (user is None and revived is None):
            after["password"] = Secret("new")
            before.update({"password": Secret("old")} if user else {})
        return Plan(steps, before, after, awaits)

    def result(self, state: State, answers: Mapping[str, Object]) -> dict[str, Any]:
        """The account as Graph shows it."""
        if state.user is None or not self.present:
            return {"user": None}
        user = state.user
        shown = {
            "id": user["id"],
            "user_principal_name": user.get("userPrincipalName"),
            "display_name": user.get("displayName"),
            "mail": user.get("mail"),
            "account_enabled": user.get("accountEnabled"),
            "usage_location": user.get("usageLocation"),
            "licenses": sorted(licenses.held_by(user)[0]),
            "mailbox_ready": state.mailbox_ready if self.options["wait_for_mailbox"] else None,
        }
        return {"user": shown}

    def secrets(self, answers: Mapping[str, Object]) -> dict[str, Any]:
        """What only this run knows: the password it generated, once the account was created with it."""
        if "user" in answers and self.options["password"] is None:
            return {"password": Secret(self.generated)}
        return {}

    # --- checks before any write --------------------------------------------------------------------------------------

    def _check_new(self, state: State) -> None:
        domain = self.name.rpartition("@")[2].lower()
        domains = {one["id"].lower(): one["isVerified"] for one in state.domains or ()}
        if not domains.get(domain):
            known = ", ".join(name for name, verified in domains.items() if verified)
            what = "is not verified in this tenant" if domain in domains else "is not a domain of this tenant"
            raise Refused(f"{domain} {what}.", "user_principal_name", f"Use one of {known}, or verify it first.")
        # The account itself was made a moment ago, where one replica does not know yet what another shows.
        others = [one for one in state.holders or () if not same_text(one.get("userPrincipalName"), self.name)]
        if others:
            names = ", ".join(f"{one.get('userPrincipalName')} ({one.get('displayName')})" for one in others)
            raise Refused(f"the address {self.name} is held by {names}.", "user_principal_name", "Choose another name.")
        restoring = state.deleted and self.options["deleted"] == "restore"
        if self.options["display_name"] is None and not restoring:
            raise Refused("a new account needs one.", "display_name")

    def _licences(self, state: State, user: Object) -> licenses.Licences | None:
        """The licences to change. Raises Refused without a usage location, a seat, or a mailbox plan."""
        wanted = self.options["licenses"]
        if state.skus is None:
            return None
        change, after = licenses.compare(
            wanted or [],
            self.options["licenses_mode"] if wanted is not None else "merge",
            user,
            state.skus,
            check_seats=not state.licensed,
        )
        if change.add and not (self.options["usage_location"] or user.get("usageLocation")):
            raise Refused(
                "a licence can only be assigned to a user with a usage location, and none is set.",
                "usage_location",
                "Give the two-letter code of the country in which the service is used.",
            )
        no_mailbox = (
            wanted == [] and not self.options["wait_for_mailbox"] and not self.options["hide_from_address_lists"]
        )
        if not licenses.mailbox_plans(state.skus, after) and not no_mailbox:
            names = ", ".join(change.after) or "none"
            raise Refused(
                f"no licence of {self.name} carries an Exchange mailbox plan that is switched on (licences: {names}).",
                "licenses",
                "Add one, e.g. EXCHANGESTANDARD; without it there will never be a mailbox.",
            )
        return change if wanted is not None else None

    # --- steps --------------------------------------------------------------------------------------------------------

    def _from_recycle_bin(self, state: State, steps: list[Step]) -> str | None:
        """Restore or purge as the option says; the id of a restored user."""
        if not state.deleted:
            return None
        choice = self.options["deleted"]
        names = ", ".join(f"{one['id']} (deleted {one.get('deletedDateTime')})" for one in state.deleted)
        if choice == "fail" or (choice == "restore" and len(state.deleted) > 1):
            raise Refused(
                f"{self.name} is in the recycle bin: {names}.",
                "deleted",
                "Choose restore to bring it back or purge to remove it for good"
                + ("; there are several, so restore one by hand." if len(state.deleted) > 1 else "."),
            )
        if choice == "restore":
            key: str = state.deleted[0]["id"]
            steps.append(Step(f"restore {self.name} from the recycle bin", "graph", "restore_user", {"user": key}))
            return key
        for one in state.deleted:
            steps.append(Step(f"purge {self.name} from the recycle bin", "graph", "purge_user", {"user": one["id"]}))
        return None

    def _creation(self, values: Mapping[str, Any]) -> Step:
        password = self.options["password"] if self.options["password"] is not None else self.generated
        body = {
            "accountEnabled": True,
            "mailNickname": self.name.partition("@")[0],
            **values,
            "userPrincipalName": self.name,
            "passwordProfile": {"password": Secret(password), "forceChangePasswordNextSignIn": False},
        }
        return Step(f"create the user {self.name}", "graph", "create_user", values=body, saves="user")

    def _password_step(self, target: Any, settling: bool) -> Step:
        profile = {"password": Secret(self.options["password"]), "forceChangePasswordNextSignIn": False}
        summary, body = f"set the password of {self.name}", {"passwordProfile": profile}
        return Step(summary, "graph", "set_password", {"user": target}, body, settling=settling, visible=False)

    def _policies(self, user: Object) -> Object:
        wanted = self.options["password_never_expires"]
        policies = [
            one for one in (user.get("passwordPolicies") or "").replace(" ", "").split(",") if one not in ("", "None")
        ]
        if wanted is None or wanted == (NEVER_EXPIRES in policies):
            return {}
        changed = [*policies, NEVER_EXPIRES] if wanted else [one for one in policies if one != NEVER_EXPIRES]
        return {"passwordPolicies": ", ".join(changed) or "None"}

    def _hide(self, state: State, steps: list[Step], before: Object, after: Object) -> None:
        wanted = self.options["hide_from_address_lists"]
        if wanted is None:
            return
        current = str((state.mailbox or {}).get("HiddenFromAddressListsEnabled", False)).lower() == "true"
        after["hide_from_address_lists"] = wanted
        if state.mailbox is not None:
            before["hide_from_address_lists"] = current
        if state.mailbox is None or current != wanted:
            steps.append(
                Step(
                    f"{'hide' if wanted else 'show'} {self.name} in address lists",
                    "exchange",
                    "Set-Mailbox",
                    {"Identity": self.name},
                    {"HiddenFromAddressListsEnabled": wanted},
                    settling=state.mailbox is None,
                )
            )

    def _removal(self, state: State) -> Plan:
        steps = []
        if state.user:
            key = state.user["id"]
            steps.append(Step(f"delete the user {self.name}", "graph", "delete_user", {"user": key}))
            if self.options["deleted"] == "purge":
                summary = f"purge {self.name} from the recycle bin"
                steps.append(Step(summary, "graph", "purge_user", {"user": key}, settling=True))
        for one in state.deleted:
            steps.append(Step(f"purge {self.name} from the recycle bin", "graph", "purge_user", {"user": one["id"]}))
        return Plan(steps, {"state": "present" if state.user else "absent"}, {"state": "absent"})
