# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One reconcile for all modules: read, plan, apply each step, read back until the service shows it.

The loop trusts reads, not answers. After a full pass it reads and plans again; a step that was done and is still planned is
only waited for, a new one is carried out. A write that may have happened is looked up by the same reading before it is sent
again. What was done is known at every moment, so that a failure can say it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from ._plan import Plan, Refused, Step, printable, revealed, secrets_in
from ._text import one_line, visible
from ._transport.clock import Backoff, Deadline
from ._transport.errors import Busy, Conflict, MayHaveHappened, NotFound, ServiceError, TimedOut, Unsettled

State = TypeVar("State")
Value = TypeVar("Value")
Answers = dict[str, dict[str, Any]]

# How long a conflict may be explained by a read that lags behind; then it is the error it says it is.
CONFLICT_SECONDS = 60.0
# Replicas answer in turn; one good read may come from the only one that knows.
GOOD_READS = 2
# How long a refusal that newness explains is answered by trying again, before the state is read again.
LOOK_AGAIN_SECONDS = 5.0
# How long "not there" is not believed of what has to be removed a moment after it came where it is.
GONE_SECONDS = 30.0
# How long a failed trial is not believed of what was made a moment ago.
PROOF_SECONDS = 60.0


class Reading:
    """Asks for the current state of the object."""


class Writing(NamedTuple):
    """Asks for a step, resolved, to be carried out, and for its answer."""

    step: Step


class Waiting(NamedTuple):
    """Asks to wait, and whether that was possible before the deadline."""

    seconds: float


Effect: TypeAlias = "Reading | Writing | Waiting"
# What a run does, one effect after the other: whoever drives it carries them out and tells it the answers, or the errors.
Course = Generator[Effect, Any, Value]


def drive(course: Course[Value], carry_out: Callable[[Effect], Any]) -> Value:
    """Carry out a course, effect by effect; what it returns in the end. Raises what it raises."""
    try:
        effect = next(course)
        while True:
            try:
                answer = carry_out(effect)
            except Exception as error:
                effect = course.throw(error)
            else:
                effect = course.send(answer)
    except StopIteration as end:
        value: Value = end.value
        return value


class Resource(Protocol[State]):
    """A managed object: how to read it, what should be, and what leads there."""

    def read(self, readers: Any, answers: Answers) -> State:
        """The current state. ``answers`` holds what this run's steps returned, by the name they were saved under."""

    def plan(self, state: State) -> Plan:
        """The steps from the state to what the options ask for. Pure. Raises Refused."""

    def result(self, state: State, answers: Answers) -> dict[str, Any]:
        """What the module returns beside the standard members."""

    def prove(self, readers: Any, state: State) -> dict[str, Any]:
        """What only a trial can show, tried after everything else; merged into the result. Raises Refused."""

    def secrets(self, answers: Answers) -> dict[str, Any]:
        """What only this run's answers hold, secrets marked; returned even when a later step fails."""


class Client(Protocol):
    """A service that carries out steps."""

    def perform(self, write: Step, body: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a step; its answer, {} for none."""

    def render(self, write: Step, body: Mapping[str, Any]) -> dict[str, Any]:
        """The step as a request, fit for printing."""

    def removes(self, write: Step) -> bool:
        """Whether the step is done as well when its target is not there."""


class Clients(Protocol):
    """Who carries out steps."""

    def __getitem__(self, service: str) -> Client:
        """The client of a service, as steps name it."""


@dataclass
class Run(Generic[State]):
    """One run of one module. ``done``, ``answers`` and what is ``awaited`` stay readable after a failure."""

    resource: Resource[State]
    readers: Any
    clients: Clients
    deadline: Deadline
    check_mode: bool = False
    plan: Plan = field(default_factory=Plan)
    done: list[Step] = field(default_factory=list)
    doubtful: list[Step] = field(default_factory=list)
    answers: Answers = field(default_factory=dict)
    awaited: Sequence[str] = ()

    def reconcile(self) -> dict[str, Any]:
        """Bring the object into the desired state; in check mode only say how.

        Returns:
            The module's result.

        Raises:
            Refused: before anything was written, or because the proof failed.
            ServiceError: a step failed; ``done`` says which did not.
        """
        return drive(self.course(), self._carry_out)

    def course(self) -> Course[dict[str, Any]]:
        """What reconcile does, for a driver that knows of more than this run. Returns and raises as reconcile does."""
        state = yield from self._read()
        self.plan = self.resource.plan(state)
        if not self.check_mode:
            state = yield from self._converge(state)
        proof = {} if self.check_mode else (yield from self._prove(state))
        return {
            "changed": bool(self.plan.steps if self.check_mode else self.done),
            "diff": visible(self.plan.diff()),
            "warnings": list(self.plan.warnings),
            **self.steps(),
            **self.resource.result(state, self.answers),
            **self.secrets(),
            **proof,
        }

    def outline(self) -> str:
        """What was done, in words."""
        return "; ".join(one_line(step.summary) for step in self.done)

    def so_far(self) -> dict[str, Any]:
        """What a run that failed changed, and the secrets that only its answers held."""
        return {
            "changed": bool(self.done),
            "steps_done": [one_line(step.summary) for step in self.done],
            **self.secrets(),
        }

    def secrets(self) -> dict[str, Any]:
        """The members of the result that hold what only this run knows, in clear."""
        found: dict[str, Any] = revealed(self.resource.secrets(self.answers))
        return found

    def known_secrets(self) -> set[str]:
        """Every secret that this run sent or was told; none of them may stand in a text."""
        return {
            *secrets_in([step.values for step in self.plan.steps]),
            *secrets_in(self.resource.secrets(self.answers)),
        }

    def steps(self) -> dict[str, Any]:
        """The steps of the plan, and any that came up later, as they may be printed."""
        planned = list(self.plan.steps)
        later = [step for step in self.done if not any(step.covers(one.resolved(self.answers)) for one in planned)]
        return {"steps": [self._rendered(step) for step in planned + later]}

    def _rendered(self, step: Step) -> dict[str, Any]:
        printed = Step(step.summary, step.service, step.operation, printable(step.target), printable(step.values))
        request = self.clients[step.service].render(printed, dict(printed.values))
        return {"summary": one_line(step.summary), "service": step.service, **request}

    def _carry_out(self, effect: Effect) -> Any:
        if isinstance(effect, Reading):
            return self.resource.read(self.readers, self.answers)
        if isinstance(effect, Writing):
            return self.clients[effect.step.service].perform(effect.step, revealed(effect.step.values))
        return self.deadline.sleep(effect.seconds)

    def _converge(self, state: State) -> Course[State]:
        plan, polls, conflicts, good = self.plan, Backoff(0.2, 5.0), Deadline(CONFLICT_SECONDS), 0
        while True:
            done = len(self.done)
            broken = yield from self._pass(plan)
            if not self.done and broken is None and not plan.awaits:
                return state
            state = yield from self._read()
            plan = self.resource.plan(state)
            self._settle_doubts(plan)
            self.awaited = [step.summary for step in plan.steps if step.visible] + list(plan.awaits)
            if not self.done:
                self.plan = plan
            if len(self.done) > done:
                polls = Backoff(0.2, 5.0)  # what an earlier step had to wait for says nothing about this one
            good = 0 if self._visible(plan) or plan.awaits else good + 1
            if good == GOOD_READS:
                return state
            expired = isinstance(broken, Conflict) and not conflicts.left
            if expired or ((not self._pending(plan) or broken) and not (yield Waiting(polls.next()))):
                raise broken or self._not_shown()

    def _prove(self, state: State) -> Course[dict[str, Any]]:
        """The trial, again for a while when what it tries was made a moment ago."""
        backoff, patience = Backoff(0.2, 5.0), Deadline(PROOF_SECONDS)
        while True:
            try:
                return self.resource.prove(self.readers, state)
            except (Refused, NotFound):
                if not (self.done and patience.left and (yield Waiting(backoff.next()))):
                    raise
            except Busy:
                if not (yield Waiting(backoff.next())):
                    raise

    def _read(self) -> Course[State]:
        """The current state, read again while one replica does not know what another has just shown."""
        backoff, patience = Backoff(0.2, 5.0), Deadline(LOOK_AGAIN_SECONDS)
        while True:
            try:
                state: State = yield Reading()
                return state
            except NotFound:
                if not (self.done or patience.left) or not (yield Waiting(backoff.next())):
                    raise
            except Busy:
                if not (yield Waiting(backoff.next())):
                    raise

    def _pass(self, plan: Plan) -> Course[ServiceError | None]:
        """Carry out what is pending, in order; the failure that has to be looked into before going on, if any."""
        for step in self._pending(plan):
            resolved = step.resolved(self.answers)
            if resolved.refers:
                return Unsettled(
                    step.summary, text="what it is done to was made a moment ago, and no read shows it yet"
                )
            try:
                answer = yield from self._perform(resolved)
            except Conflict as failure:
                return failure
            except (MayHaveHappened, NotFound, Unsettled) as failure:
                if not isinstance(failure, MayHaveHappened) and not self._may_be_new(step):
                    raise
                self.doubtful.append(resolved)
                return failure
            self.done.append(resolved)
            if step.saves:
                self.answers[step.saves] = answer
        return None

    def _settle_doubts(self, plan: Plan) -> None:
        """A write that may have happened has, once it is not planned any more."""
        planned = [step.resolved(self.answers) for step in plan.steps]
        for step in list(self.doubtful):
            if not any(step.covers(one) for one in planned):
                self.doubtful.remove(step)
                if step not in self.done:
                    self.done.append(step)
                self.answers.setdefault(step.saves, {})

    def _perform(self, step: Step) -> Course[dict[str, Any]]:
        """One step, again for a while when the service does not know what was made a moment ago."""
        client, backoff = self.clients[step.service], Backoff()
        looking, gone = Deadline(LOOK_AGAIN_SECONDS), Deadline(GONE_SECONDS)
        while True:
            try:
                answer: dict[str, Any] = yield Writing(step)
                return answer
            except (NotFound, Unsettled) as failure:
                removing = isinstance(failure, NotFound) and client.removes(step)
                if removing and not (step.settling and gone.left):
                    return {}
                patience = gone if removing else looking
                # What a step changes was read a moment ago; the replica that is asked now may not know it yet, whoever made it.
                known = isinstance(failure, NotFound) and bool(step.target) and not removing
                if not ((known or self._may_be_new(step)) and patience.left and (yield Waiting(backoff.next()))):
                    raise
            except Busy:
                if not (yield Waiting(backoff.next())):
                    raise

    def _may_be_new(self, step: Step) -> bool:
        """Whether "not found" may mean "not yet found"."""
        return bool(self.done) or step.follows_creation

    def _pending(self, plan: Plan) -> Sequence[Step]:
        """The steps that no step of this run has done."""
        return [step for step in plan.steps if not any(one.covers(step.resolved(self.answers)) for one in self.done)]

    def _visible(self, plan: Plan) -> Sequence[Step]:
        """What the service still has to show: planned steps, less the done ones that no read can show."""
        pending = self._pending(plan)
        return [step for step in plan.steps if step.visible or step in pending]

    def _not_shown(self) -> TimedOut:
        return TimedOut(
            "see the result within wait_timeout",
            text=f"the service still does not show: {'; '.join(self.awaited)}",
            advice="Running again continues, and makes nothing twice.",
        )
