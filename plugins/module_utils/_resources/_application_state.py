# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of an application: the registration, what is in the recycle bin, and all that belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._plan import Refused
from . import _permissions

if TYPE_CHECKING:
    from ._readers import Object, Readers


@dataclass(frozen=True)
class State:
    """What Graph says.

    Args:
        application: the registration, None when there is none.
        namesakes: other registrations of the same display name, read when there is none.
        deleted: registrations in the recycle bin that hold the unique name.
        principal: the service principal; deleted_principals those in the recycle bin.
        wanted: the resolved permissions.
        assignments, grants: what the service principal was granted.
        keys: the certificates, with their public keys.
        owners: ids of the present owners; new_owners ids of the wanted ones, by the name used in the options.
        secret: this run's answer to addPassword.
        now: seconds since the epoch.
    """

    application: Object | None
    namesakes: Sequence[Object] = ()
    deleted: Sequence[Object] = ()
    principal: Object | None = None
    deleted_principals: Sequence[Object] = ()
    wanted: Sequence[_permissions.Wanted] = ()
    assignments: Sequence[Object] = ()
    grants: Sequence[Object] = ()
    keys: Sequence[Object] = ()
    owners: Sequence[str] = ()
    new_owners: Mapping[str, str] = field(default_factory=dict)
    secret: Object | None = None
    now: float = 0.0
    tenant_id: str = ""
    login_url: str = ""


def read(options: Mapping[str, Any], with_keys: bool, readers: Readers, answers: Mapping[str, Object]) -> State:
    """The registration and all that belongs to it, as far as the options need it.

    Args:
        options: the module's options; None for those not given.
        with_keys: whether the certificates are needed, which take a read of their own.

    Raises:
        Refused: several applications could be meant, or something that the options name is not there.
    """
    directory, present = readers.directory, options["state"] == "present"
    guesses: list[Callable[[], Any]] = []
    if options["app_id"]:
        guesses.append(lambda: directory.application_by_app_id(options["app_id"]))
        if present or options["deleted"] == "purge":
            guesses.append(lambda: directory.service_principal(options["app_id"]))
    elif present and options["display_name"]:
        guesses.append(lambda: directory.service_principals_named(options["display_name"]))
    if present:
        guesses += [lambda one=one: _permissions.look_up(one, readers) for one in options["permissions"] or []]  # type: ignore[misc]
        guesses += [lambda name=name: directory.user_to_refer_to(name) for name in options["owners"] or []]  # type: ignore[misc]
    return readers.together.expecting(lambda: _read(options, with_keys, readers, answers), *guesses)


def _read(options: Mapping[str, Any], with_keys: bool, readers: Readers, answers: Mapping[str, Object]) -> State:
    directory, present = readers.directory, options["state"] == "present"
    application = _find(options, present, readers)
    owners = options["owners"] or []
    deleted = []
    if application is None:
        deleted = directory.deleted_applications(options["unique_name"] or options["app_id"])
    if not present:
        return _read_rest(options, application, deleted, readers)
    namesakes: list[Object] = []
    if application is None and not deleted and options["display_name"]:
        found = directory.applications_named(options["display_name"])
        namesakes = [one for one in found if one.get("uniqueName") != options["unique_name"]]
    known = application or (deleted[0] if deleted else None)
    app_id: str = known["appId"] if known else ""
    consents = bool(app_id) and options["permissions"] is not None and options["admin_consent"]
    # Reading these takes a permission that granting application permissions does not.
    delegates = consents and (
        options["permissions_mode"] == "replace" or any(one.get("delegated") for one in options["permissions"])
    )
    guesses: list[Callable[[], Any]] = [lambda: directory.app_role_assignments(app_id)] if consents else []
    guesses += [lambda: directory.delegated_grants(app_id)] if delegates else []
    principal, keys, present_owners, wanted = readers.together.expecting(
        lambda: readers.together.of(
            lambda: _principal(options, app_id, readers) if app_id else None,
            lambda: directory.key_credentials(application["id"]) if application and with_keys else (),
            lambda: [one["id"] for one in directory.owners(application["id"])] if application and owners else (),
            lambda: _permissions.resolve(options["permissions"] or [], readers),
        ),
        *guesses,
    )
    binned = directory.deleted_service_principals(app_id) if app_id and principal is None else []
    assignments = directory.app_role_assignments(app_id) if principal and consents else ()
    grants = directory.delegated_grants(app_id) if principal and delegates else ()
    return State(
        application,
        namesakes,
        deleted,
        principal,
        binned,
        wanted,
        assignments,
        grants,
        keys,
        present_owners,
        {name: _owner(name, readers) for name in owners},
        answers.get("secret"),
        readers.now,
        readers.tenant_id,
        readers.login_url,
    )


def _read_rest(
    options: Mapping[str, Any], application: Object | None, deleted: Sequence[Object], readers: Readers
) -> State:
    """What removing takes to know: with purging also the service principals, which have a recycle bin of their own."""
    known = application or (deleted[0] if deleted else None)
    if not known or options["deleted"] != "purge":
        return State(application, deleted=deleted)
    principal, binned = readers.together.of(
        lambda: readers.directory.service_principal(known["appId"]),
        lambda: readers.directory.deleted_service_principals(known["appId"]),
    )
    return State(application, deleted=deleted, principal=principal, deleted_principals=binned)


def _principal(options: Mapping[str, Any], app_id: str, readers: Readers) -> Object | None:
    """The service principal, among those of the wanted name that were guessed with, or else by the application id."""
    guessed: Sequence[Object] | None = None
    if options["display_name"] and not options["app_id"]:
        guessed, _reason = readers.attempt(lambda: readers.directory.service_principals_named(options["display_name"]))
    found = next((one for one in guessed or () if one["appId"] == app_id), None)
    return found or readers.directory.service_principal(app_id)


def _find(options: Mapping[str, Any], present: bool, readers: Readers) -> Object | None:
    by_name = by_id = None
    if options["unique_name"]:
        by_name = readers.directory.application_by_unique_name(options["unique_name"])
    if options["app_id"]:
        by_id = readers.directory.application_by_app_id(options["app_id"])
        if by_id is None and present:
            raise Refused(
                f"there is no application {options['app_id']}.",
                "app_id",
                "An application id cannot be chosen; leave it out to register a new application by its unique_name.",
            )
    if by_name and by_id and by_name["id"] != by_id["id"]:
        raise Refused(
            f"unique_name {options['unique_name']} is the application {by_name['appId']}, app_id is another one, "
            f"{by_id['displayName']}.",
            "app_id",
            "Give one of them.",
        )
    if by_id and present and options["unique_name"] not in (None, by_id.get("uniqueName")):
        raise Refused(
            f"the application {by_id['appId']} ({by_id['displayName']}) has the unique name {by_id.get('uniqueName')}, "
            "which cannot be changed.",
            "unique_name",
            "Leave it out to manage the application by its app_id.",
        )
    return by_name or by_id


def _owner(name: str, readers: Readers) -> str:
    user = readers.directory.user_to_refer_to(name)
    if user is None:
        raise Refused(f"there is no user {name}.", "owners", "Give user principal names or object ids of users.")
    return str(user["id"])
