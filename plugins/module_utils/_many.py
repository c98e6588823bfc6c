# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many objects of one kind in one run of a module: each as if it were alone, and their requests in batches.

Every object has its own reconcile. They go in step: what all of them ask for next is sent together, and they wait together.
One that fails ends, and the others go on. Objects are taken in groups, so that what is held of them does not grow with
their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from ._plan import Refused, Step, revealed
from ._reconcile import Clients, Course, Effect, Reading, Resource, Run, Waiting, Writing
from ._text import one_line
from ._transport.errors import Denied, ServiceError

if TYPE_CHECKING:
    from ._resources._base import Many
    from ._transport.clock import Deadline

GROUP_SIZE = 100
# Of warnings that each object has, and of failures in the message; all of them stand in the result.
SHOWN = 5


class BulkClient(Protocol):
    """A service that carries out many steps at once."""

    def perform_many(self, writes: Sequence[tuple[Step, Mapping[str, Any]]]) -> Sequence[dict[str, Any] | ServiceError]:
        """Steps that do not depend on each other; the answer of each, or why it failed."""

    def render(self, write: Step, body: Mapping[str, Any]) -> dict[str, Any]:
        """The step as a request, fit for printing."""

    def removes(self, write: Step) -> bool:
        """Whether the step is done as well when its target is not there."""


class SomeFailed(ServiceError):
    """Objects failed, and the others are as they should be."""

    def __str__(self) -> str:
        return self.text


@dataclass
class Runs:
    """One run over many objects; what it did stays readable after a failure.

    The deadline counts for each group of objects.
    """

    resource: Many
    readers: Any
    clients: Clients
    deadline: Deadline
    check_mode: bool = False
    done: list[Step] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    diffs: list[dict[str, Any]] = field(default_factory=list)
    rendered: list[dict[str, Any]] = field(default_factory=list)
    under_way: Sequence[Run[Any]] = ()

    @property
    def awaited(self) -> list[str]:
        """What the service has still to show of the objects that are under way."""
        return [one for run in self.under_way for one in run.awaited]

    def reconcile(self) -> dict[str, Any]:
        """Bring every object into its desired state; in check mode only say how.

        Returns:
            The module's result, with a list of what each object's own would be.

        Raises:
            SomeFailed: after all the others were brought into theirs.
        """
        members = self.resource.members
        for start in range(0, len(members), GROUP_SIZE):
            self.deadline.restart()
            self._group(members[start : start + GROUP_SIZE])
        failures = [f"{one['name']}: {one['msg']}" for one in self.results if one["failed"]]
        if failures:
            raise SomeFailed(f"manage the {self.resource.kind}", text=self._failure(failures))
        return {
            "changed": any(one["changed"] for one in self.results),
            "diff": self.diffs,
            "warnings": list(self._warnings()),
            "steps": self.rendered,
            self.resource.kind: self.results,
        }

    def outline(self) -> str:
        """What was done, in words."""
        changed = sum(one["changed"] for one in self.results)
        return f"{len(self.done)} steps, and with them all of {changed} {self.resource.kind}"

    def so_far(self) -> dict[str, Any]:
        """What a run that failed changed, and how each object ended."""
        steps = [one_line(step.summary) for step in self.done]
        return {"changed": bool(self.done), "steps_done": steps, self.resource.kind: self.results}

    def known_secrets(self) -> set[str]:
        """None: what is managed in numbers has no secrets."""
        return set()

    def _failure(self, failures: Sequence[str]) -> str:
        more = f"; and {len(failures) - SHOWN} more" if len(failures) > SHOWN else ""
        count = f"{len(failures)} of {len(self.results)} {self.resource.kind} failed"
        shown = "; ".join(one.rstrip(". ") for one in failures[:SHOWN])
        return f"{count}: {shown}{more}. The result says of each how it ended."

    def _warnings(self) -> Iterator[str]:
        found = [warning for one in self.results for warning in one["warnings"]]
        yield from found[:SHOWN]
        if len(found) > SHOWN:
            yield f"There are {len(found) - SHOWN} more warnings of this kind, in the result."

    def _group(self, members: Sequence[tuple[str, Resource[Any]]]) -> None:
        """Bring a group about; again from its beginning where all that it lacked was a token that knows of a new right."""
        while True:
            self.under_way = runs = [
                Run(resource, self.readers, self.clients, self.deadline, self.check_mode) for _name, resource in members
            ]
            ends: dict[int, dict[str, Any] | Exception] = {}
            try:
                self._in_step(runs, ends)
                denied = any(isinstance(end, Denied) for end in ends.values())
                if not denied or any(run.done for run in runs) or not self.readers.forget_inherited():
                    break
                runs = []
            finally:
                # Whatever stopped the group, what was done in it is known.
                for number, run in enumerate(runs):
                    self._note(members[number][0], run, ends.get(number))

    def _in_step(self, runs: Sequence[Run[Any]], ends: dict[int, dict[str, Any] | Exception]) -> None:
        """Carry out runs side by side; how each ends is noted as it does."""
        courses = [run.course() for run in runs]
        effects: dict[int, Effect] = {}
        answers: dict[int, Any] = dict.fromkeys(range(len(runs)))
        while answers:
            for number, answer in answers.items():
                effects.pop(number, None)
                try:
                    effects[number] = _told(courses[number], answer)
                except StopIteration as end:
                    ends[number] = end.value
                except (Refused, ServiceError) as error:
                    ends[number] = error
            answers = self._answers(runs, effects)

    def _answers(self, runs: Sequence[Run[Any]], effects: Mapping[int, Effect]) -> dict[int, Any]:
        """What the effects give, or the errors that they end with. Waits are put off until all that is left waits."""
        reading = [number for number, one in effects.items() if isinstance(one, Reading)]
        writing = {number: one.step for number, one in effects.items() if isinstance(one, Writing)}
        if not reading and not writing:
            return self._waited({number: one.seconds for number, one in effects.items() if isinstance(one, Waiting)})
        reads = [lambda run=runs[number]: _ending(run) for number in reading]
        found: dict[int, Any] = dict(zip(reading, self.readers.together.of(*reads), strict=True))
        for service in dict.fromkeys(step.service for step in writing.values()):
            steps = {number: step for number, step in writing.items() if step.service == service}
            client = cast(BulkClient, self.clients[service])
            writes = [(step, revealed(step.values)) for step in steps.values()]
            found.update(zip(steps, client.perform_many(writes), strict=True))
        return found

    def _waited(self, seconds: Mapping[int, float]) -> dict[int, bool]:
        fitting = [one for one in seconds.values() if one < self.deadline.left]
        slept = bool(fitting) and self.deadline.sleep(max(fitting))
        return {number: slept and one in fitting for number, one in seconds.items()}

    def _note(self, name: str, run: Run[Any], end: dict[str, Any] | Exception | None) -> None:
        """Keep of an object's run what the result shows."""
        self.done += run.done
        if not isinstance(end, dict):
            reason = self.readers.shown(end) if end else "It was not finished."
            steps = [one_line(step.summary) for step in run.done]
            self.results.append(
                {
                    "name": name,
                    "changed": bool(run.done),
                    "failed": True,
                    "msg": reason,
                    "steps_done": steps,
                    "warnings": [],
                }
            )
            return
        diff = end.pop("diff")
        if diff["before"] != diff["after"]:
            self.diffs.append({"before_header": name, "after_header": name, **diff})
        self.rendered += end.pop("steps")
        self.results.append({"name": name, "failed": False, **end})


def _told(course: Course[dict[str, Any]], answer: Any) -> Effect:
    """The next effect of a course that is told the answer, or the error, of the last one."""
    return course.throw(answer) if isinstance(answer, Exception) else course.send(answer)


def _ending(run: Run[Any]) -> Any:
    """What a read of an object gives, or why it failed."""
    try:
        return run.resource.read(run.readers, run.answers)
    except (Refused, ServiceError) as error:
        return error
