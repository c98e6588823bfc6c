# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every cmdlet shares: the registry, the call it gets, and the errors it raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from ..store import Document
from ..tenant import Tenant
from ..tokens import Principal

Output = list[Document] | None
Handler = Callable[["Call"], Output]

DOMAIN_CONTROLLER = "DB8PR01A001DC01.EURPR01A001.PROD.OUTLOOK.COM"
NOT_FOUND = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"


class CmdletError(Exception):
    """A cmdlet's own failure, as the service reports it.

    Args:
        kind: the .NET exception's name; without a dot it stands for one of Microsoft.Exchange.Management.Tasks.
        text: what the service says.
        error_id: e.g. ``Ex6F9304``, where a capture shows it.
        status: the HTTP status; nearly always 400.
        code: ``error.code``.
    """

    def __init__(self, kind: str, text: str, error_id: str = "", status: int = 400, code: str = "BadRequest") -> None:
        super().__init__(text)
        self.kind = kind if "." in kind else f"Microsoft.Exchange.Management.Tasks.{kind}"
        self.text, self.error_id, self.status, self.code = text, error_id, status, code


class BindingError(Exception):
    """The parameters do not fit the cmdlet. ``kind`` is a name in Microsoft.Exchange.AdminApi.CommandInvocation."""

    def __init__(
        self, kind: Literal["ParameterTransformationException", "AmbiguousParameterSetException"], text: str
    ) -> None:
        super().__init__(text)
        self.kind, self.text = f"Microsoft.Exchange.AdminApi.CommandInvocation.{kind}", text


@dataclass
class Call:
    """One run of a cmdlet. ``parameters`` are bound: documented names, converted values.

    The run leaves ``warnings``, and sets ``cut_short`` when ResultSize left results out.
    """

    tenant: Tenant
    principal: Principal
    cmdlet: str
    parameters: Document
    warnings: list[str] = field(default_factory=list)
    cut_short: bool = False

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter's value, or ``default`` when it was not given."""
        return self.parameters.get(name, default)

    def given(self, name: str) -> bool:
        """Whether the parameter was given, be it with null."""
        return name in self.parameters

    def not_found(self, identity: str) -> CmdletError:
        """The error for an object that this cmdlet cannot find (text: live capture; status: a switch)."""
        status = int(self.tenant.switch("not_found_status"))
        where = f"object '{identity}' couldn't be found on '{DOMAIN_CONTROLLER}'"
        text = f"The operation couldn't be performed because {where}."
        return CmdletError(NOT_FOUND, text, "Ex6F9304", status, "NotFound" if status == 404 else "BadRequest")

    def unchanged(self, identity: str) -> None:
        """Warn that a Set cmdlet had nothing to change (text: working client)."""
        self.warnings.append(f"The command completed successfully but no settings of '{identity}' have been modified.")


@dataclass(frozen=True)
class Cmdlet:
    """A cmdlet that the simulator runs; who may is in ``exchange_roles``."""

    name: str
    run: Handler


REGISTRY: dict[str, Cmdlet] = {}


def cmdlet(name: str) -> Callable[[Handler], Handler]:
    """Register the function that runs a cmdlet."""

    def register(run: Handler) -> Handler:
        REGISTRY[name.lower()] = Cmdlet(name, run)
        return run

    return register


def already_exists(name: str, container: str) -> CmdletError:
    """A second object of that name (type: working client; text: unverified, wording of the directory's own error)."""
    return CmdletError(
        "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
        f"Active Directory operation failed on {DOMAIN_CONTROLLER}. The object 'CN={name},{container}' already exists.",
    )


def invalid(text: str) -> CmdletError:
    """A value that the cmdlet refuses (type: working client; texts that use it are unverified unless they say so)."""
    return CmdletError("ValidationException", text)
