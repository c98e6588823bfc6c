# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans as data: steps, what they refer to, and how they are printed without secrets. Pure data, pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

MASK = "********"
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Refused(Exception):
    """The request cannot be carried out, found before anything was written.

    Args:
        text: what is wrong.
        option: the module option at fault, named first in the message.
        advice: what to do.
    """

    def __init__(self, text: str, option: str = "", advice: str = "") -> None:
        named = f"{option}: {text}" if option else text
        super().__init__(f"{named} {advice}".strip())


@dataclass(frozen=True)
class Secret:
    """A value that is sent and never printed."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return MASK


@dataclass(frozen=True)
class Ref:
    """A member of the answer to an earlier step, known only once that step is done."""

    step: str
    member: str

    def __str__(self) -> str:
        return f"<{self.step}.{self.member}>"


class Step(NamedTuple):
    """One write.

    Args:
        summary: what it does, as an administrator would say it.
        service: which client carries it out.
        operation: the client's name for it; for Exchange the cmdlet.
        target: what it is done to (parts of a path, a cmdlet's Identity).
        values: what is written (a request body, a cmdlet's other parameters).
        saves: the name under which later steps refer to its answer.
        settling: what it names may be so new that the service does not know it everywhere yet.
        visible: whether a read can show its effect; a password cannot be read.
    """

    summary: str
    service: Literal["graph", "exchange", "infinity", "file"]
    operation: str
    target: Mapping[str, Any] = NOTHING
    values: Mapping[str, Any] = NOTHING
    saves: str = ""
    settling: bool = False
    visible: bool = True

    @property
    def refers(self) -> bool:
        """Whether it holds references that are not resolved."""
        return next(_references([self.target, self.values]), None) is not None

    @property
    def follows_creation(self) -> bool:
        """Whether a "not found" may mean "not yet found"."""
        return self.settling or self.refers

    def resolved(self, answers: Mapping[str, Mapping[str, Any]]) -> Step:
        """The step with references replaced where the answer is known."""
        return self._replace(target=_resolve(self.target, answers), values=_resolve(self.values, answers))

    def covers(self, other: Step) -> bool:
        """Whether this step, done, has done what ``other`` (both resolved) would do."""
        same = (self.service, self.operation, self.target) == (other.service, other.operation, other.target)
        return same and all(name in self.values and self.values[name] == value for name, value in other.values.items())


class Plan(NamedTuple):
    """What leads from the current to the desired state.

    Args:
        steps: the writes, in order.
        before, after: the managed properties now and then, for the diff.
        awaits: what the service itself still has to do (a mailbox to appear).
        warnings: what the user should know.
    """

    steps: Sequence[Step] = ()
    before: Mapping[str, Any] = NOTHING
    after: Mapping[str, Any] = NOTHING
    awaits: Sequence[str] = ()
    warnings: Sequence[str] = ()

    def diff(self) -> dict[str, Any]:
        """Ansible's diff of the managed properties, secrets masked on both sides."""
        return {"before": printable(self.before), "after": printable(self.after)}


def printable(value: Any) -> Any:
    """A copy with secrets masked and references spelled out, fit for output."""
    if isinstance(value, (Secret, Ref)):
        return str(value)
    if isinstance(value, Mapping):
        return {name: printable(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(inner) for inner in value]
    return value


def revealed(value: Any) -> Any:
    """A copy with secrets in clear, fit for sending. References must be resolved before."""
    if isinstance(value, Secret):
        return value.value
    if isinstance(value, Ref):
        raise LookupError(f"the answer that {value} refers to is not known")
    if isinstance(value, Mapping):
        return {name: revealed(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [revealed(inner) for inner in value]
    return value


def secrets_in(value: Any) -> Iterator[str]:
    """The secrets that a value holds, in clear."""
    if isinstance(value, Secret):
        yield value.value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from secrets_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from secrets_in(inner)


def _resolve(value: Any, answers: Mapping[str, Mapping[str, Any]]) -> Any:
    if isinstance(value, Ref):
        return answers.get(value.step, {}).get(value.member, value)
    if isinstance(value, Mapping):
        return {name: _resolve(inner, answers) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_resolve(inner, answers) for inner in value]
    return value


def _references(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _references(inner)
