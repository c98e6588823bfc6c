# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible in, result out: options to a connection, a run, and errors to fail_json. The only file that knows both sides."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ansible.module_utils.basic import missing_required_lib

from ._arguments import Module
from ._input import check
from ._masking import masked
from ._plan import Refused
from ._private_files import UnsafeFile
from ._reconcile import Clients, Resource, Run
from ._resources._base import Many
from ._text import LONGEST_MESSAGE, one_line
from ._transport.credentials import BadCredentials
from ._transport.errors import Denied, MissingLibrary, ServiceError
from ._transport.kept import Keeper

if TYPE_CHECKING:
    from ._many import Runs
    from ._progress import Teller
    from ._transport.clock import Deadline


class Opened(Protocol):
    """A connection: what managed objects read through, and who carries out their steps."""

    @property
    def clients(self) -> Clients:
        """Who carries out steps."""

    @property
    def deadline(self) -> Deadline:
        """When to stop waiting."""

    @property
    def secrets(self) -> Collection[str]:
        """What signing in told beside what was given."""

    def forget_inherited(self) -> bool:
        """Drop the tokens that earlier modules got; whether any was used."""


class Way(NamedTuple):
    """How modules sign in, and to what.

    Args:
        arguments: the options that say so.
        connect: from those options, and what earlier modules have left, to the connection; nothing is sent yet.
    """

    arguments: Mapping[str, dict[str, Any]]
    connect: Callable[[Mapping[str, Any], Keeper | None], Opened]


# What earlier modules have left; None in a process that is for one module alone, which looks where the environment says.
KEEPER: Keeper | None = None
# How to say something while a module runs; None where that cannot be done.
TELLER: Teller | None = None


def show_on_terminal(message: str) -> None:
    """Print a device code message on the terminal that the playbook was started from. Raises BadCredentials."""
    if TELLER and TELLER.ask:
        TELLER.ask(message)
        return
    try:
        with open("/dev/tty", "w") as terminal:
            terminal.write(f"\n{message}\n")
    except OSError as error:
        raise BadCredentials(
            "auth_method device_code needs a terminal to print the code on, and with ansible-core 2.19 or newer a module that "
            "runs in Ansible's own process (docs/performance.md says when); use another method in jobs without one."
        ) from error


def run_module(
    arguments: Mapping[str, Any],
    make_resource: Callable[[Mapping[str, Any]], Resource[Any] | Many],
    way: Way,
    **more: Any,
) -> None:
    """Run a module: the resource is made from its options, reconciled, and the result returned to Ansible.

    Args:
        arguments: the module's own argument specification; the options to sign in are added.
        make_resource: from options (None for those not given) to the managed object. May raise Refused.
        way: how to sign in, and to what.
        more: further arguments of AnsibleModule (required_if, mutually_exclusive, ...).
    """
    module = Module(argument_spec={**way.arguments, **arguments}, supports_check_mode=True, **more)
    connection: Opened | None = None
    run: Run[Any] | Runs | None = None

    def secrets() -> set[str]:
        signed_in = connection.secrets if connection else ()
        return {*module.no_log_values, *signed_in, *(run.known_secrets() if run else ())}

    try:
        check(module.argument_spec, module.params)
        options = {**module.params, "check_mode": module.check_mode}
        resource = make_resource(options)
        connection = way.connect(module.params, KEEPER or Keeper.of_environment())
        if TELLER and TELLER.every:
            from ._progress import Progress

            connection.deadline.progress = Progress(TELLER, module.no_log, lambda: run.awaited if run else (), secrets)
        run = _run(resource, connection, module.check_mode)
        try:
            result = run.reconcile()
        except Denied:
            if run.done or not connection.forget_inherited():
                raise
            run = _run(make_resource(options), connection, module.check_mode)
            result = run.reconcile()
    except MissingLibrary as error:
        failure = {"msg": missing_required_lib(error.name), "exception": error.trace}
    except (Refused, BadCredentials, UnsafeFile, ServiceError) as error:
        failure = {"msg": _message(error, run)}
    except KeyboardInterrupt:
        failure = {"msg": _message(Refused("Interrupted."), run)}
    except Exception as error:
        unforeseen = RuntimeError(f"This was not foreseen, and is an error in the collection: {error!r}.")
        failure = {"msg": _message(unforeseen, run), "exception": traceback.format_exc()}
    else:
        for warning in result.pop("warnings"):
            module.warn(masked(one_line(warning, LONGEST_MESSAGE), secrets()))
        module.no_log_values.update(connection.secrets)
        module.exit_json(**result)
    # Not while the exception is handled: Ansible would add its traceback, and with it texts that are not masked.
    texts = {name: masked(text, secrets()) for name, text in failure.items()}
    module.no_log_values.update(connection.secrets if connection else ())
    module.fail_json(**texts, **(run.so_far() if run else {}))


def _run(resource: Resource[Any] | Many, connection: Opened, check_mode: bool) -> Run[Any] | Runs:
    """The run of one managed object, or of many."""
    means = connection, connection.clients, connection.deadline, check_mode
    if isinstance(resource, Many):
        from ._many import Runs

        return Runs(resource, *means)
    return Run(resource, *means)


def _message(error: Exception, run: Run[Any] | Runs | None) -> str:
    """The error, and what was done before it."""
    text = one_line(str(error), LONGEST_MESSAGE)
    if run is None or not run.done:
        return text
    return f"{text} Already done: {run.outline()}. Running again continues from there."
