# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reconcile loop, with a service that fails in every way a real one does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Plan, Ref, Refused, Step
from ansible_collections.vmrops.o365.plugins.module_utils._reconcile import Run, drive
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import (
    Busy,
    Conflict,
    Denied,
    MayHaveHappened,
    NotFound,
    ServiceError,
    TimedOut,
    Unsettled,
)

Script = list[Exception | None]


class Service:
    """Objects by name. ``script`` says what happens to the next writes: raise, take effect and raise (Lost), just do (None)."""

    def __init__(self, script: Script | None = None, stale_reads: int = 0) -> None:
        self.objects: dict[str, str] = {}
        self.script: Script = script or []
        self.stale_reads = stale_reads
        self.writes: list[str] = []
        self.targets: list[Mapping[str, Any]] = []
        self.failing_reads: list[Exception] = []
        self.appearing: dict[str, str] = {}

    def perform(self, write: Step, body: Mapping[str, Any]) -> dict[str, Any]:
        self.writes.append(write.summary)
        self.targets.append(write.target)
        failure = self.script.pop(0) if self.script else None
        name = str(body.get("name") or write.target.get("name"))
        if failure is not None:
            self.fail(failure, name)
        if write.operation == "create" and name in self.objects:
            raise Conflict("create", 409, "exists")
        if write.operation == "remove":
            if name not in self.objects:
                raise NotFound("remove", 404)
            del self.objects[name]
            return {}
        self.objects[name] = str(body.get("value", "1"))
        return {"id": f"id-of-{name}"}

    def fail(self, failure: Exception, name: str) -> None:
        if isinstance(failure, Lost):
            self.objects[name] = "1"
            raise failure.error
        self.objects.update(self.appearing)
        raise failure

    def render(self, write: Step, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"operation": write.operation, "target": write.target, "body": dict(body)}

    def removes(self, write: Step) -> bool:
        return write.operation == "remove"

    def read(self) -> dict[str, str]:
        if self.failing_reads:
            raise self.failing_reads.pop(0)
        if self.stale_reads and self.writes:
            self.stale_reads -= 1
            return {}
        return dict(self.objects)


class Lost(Exception):
    """The write takes effect and its answer is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.error = MayHaveHappened("create", text="connection reset")


class Pair:
    """Two objects, the second made for the first's id."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def read(self, readers: Any, answers: Any) -> dict[str, str]:
        return self.service.read()

    def plan(self, state: dict[str, str]) -> Plan:
        steps = []
        first: Any = "id-of-a" if "a" in state else Ref("a", "id")
        if "a" not in state:
            steps.append(Step("make a", "graph", "create", values={"name": "a"}, saves="a"))
        if "b" not in state:
            steps.append(Step("make b", "graph", "create", {"of": first}, {"name": "b"}))
        return Plan(steps, {"state": sorted(state)}, {"state": ["a", "b"]})

    def result(self, state: dict[str, str], answers: Any) -> dict[str, Any]:
        return {"state": sorted(state)}

    def prove(self, readers: Any, state: Any) -> dict[str, Any]:
        return {"proved": True}

    def secrets(self, answers: Any) -> dict[str, Any]:
        return {"made": sorted(answers)}


def run(service: Service, check_mode: bool = False, seconds: float = 30.0) -> Run[dict[str, str]]:
    return Run(Pair(service), None, {"graph": service}, Deadline(seconds), check_mode)


def test_a_trial_that_fails_is_repeated_only_where_something_was_made() -> None:
    class Tried(Pair):
        denials = 2

        def prove(self, readers: Any, state: Any) -> dict[str, Any]:
            self.denials -= 1
            if self.denials >= 0:
                raise Refused("b is not in the scope.") if self.denials else NotFound("test b", 404)
            return {"proved": True}

    service = Service()
    clients = {"graph": service}
    assert Run(Tried(service), None, clients, Deadline(30)).reconcile()["proved"]
    with pytest.raises(Refused):
        Run(Tried(service), None, clients, Deadline(30)).reconcile()


def test_a_read_that_is_refused_for_now_is_repeated() -> None:
    service = Service()
    service.objects = {"a": "1", "b": "1"}
    service.failing_reads = [Busy("read", 409)]
    assert not run(service).reconcile()["changed"]
    service.failing_reads = [Busy("read", 409)]
    with pytest.raises(Busy):
        run(service, seconds=0).reconcile()


def test_nothing_to_do_reads_once_and_writes_nothing() -> None:
    service = Service()
    service.objects = {"a": "1", "b": "1"}
    result = run(service).reconcile()
    assert not result["changed"]
    assert result["steps"] == []
    assert service.writes == []


def test_check_mode_predicts_the_steps_that_a_run_takes_and_proves_nothing() -> None:
    predicted = run(Service(), check_mode=True).reconcile()
    applied = run(Service()).reconcile()
    assert predicted["changed"]
    assert applied["changed"]
    assert predicted["steps"] == applied["steps"]
    assert predicted["steps"][1]["target"] == {"of": "<a.id>"}
    assert "proved" not in predicted
    assert applied["proved"]


def test_stale_reads_are_waited_for_and_nothing_is_made_twice() -> None:
    service = Service(stale_reads=3)
    result = run(service).reconcile()
    assert service.writes == ["make a", "make b"]
    assert result["state"] == ["a", "b"]


def test_reads_that_never_show_it_time_out_and_say_what_was_done() -> None:
    service = Service(stale_reads=10_000)
    attempt = run(service, seconds=1.0)
    with pytest.raises(TimedOut, match=r"still does not show: make a; make b.*Running again continues"):
        attempt.reconcile()
    assert [step.summary for step in attempt.done] == ["make a", "make b"]


def test_a_lost_answer_is_looked_up_and_counts_as_done() -> None:
    service = Service([Lost()])
    attempt = run(service)
    result = attempt.reconcile()
    assert service.writes == ["make a", "make b"]
    assert [step.summary for step in attempt.done] == ["make a", "make b"]
    assert result["changed"]
    assert "a" in result["made"]


def test_a_lost_request_is_sent_again_after_looking() -> None:
    service = Service([MayHaveHappened("create", text="connection reset")])
    run(service).reconcile()
    assert service.writes == ["make a", "make a", "make b"]


def test_a_lost_answer_behind_a_stale_read_meets_a_conflict_and_converges() -> None:
    service = Service([Lost()], stale_reads=2)
    result = run(service).reconcile()
    assert result["state"] == ["a", "b"]
    assert sorted(service.objects) == ["a", "b"]


@pytest.mark.parametrize("failure", [NotFound("make b", 404), Unsettled("make b", 403), Busy("make b", 409)])
def test_what_is_new_may_not_be_known_everywhere(failure: ServiceError) -> None:
    service = Service([None, failure, failure])
    run(service).reconcile()
    assert service.writes == ["make a", "make b", "make b", "make b"]


def test_a_lost_id_is_waited_for_and_not_made_up() -> None:
    """Behind a stale read the first object's id is known to nobody: the second cannot be made yet."""
    service = Service([Lost(), Conflict("make a", 409, "exists")], stale_reads=3)
    result = run(service).reconcile()
    assert result["state"] == ["a", "b"]
    assert service.targets[-1] == {"of": "id-of-a"}


def test_a_refusal_that_newness_explains_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something else makes the second object meanwhile: the state is read again instead of insisting."""
    monkeypatch.setattr("ansible_collections.vmrops.o365.plugins.module_utils._reconcile.LOOK_AGAIN_SECONDS", 0.0)
    service = Service([None, NotFound("make b", 404)])
    service.appearing = {"b": "1"}
    result = run(service).reconcile()
    assert service.writes == ["make a", "make b"]
    assert result["state"] == ["a", "b"]


def test_a_read_across_replicas_is_tried_again() -> None:
    service = Service()
    service.failing_reads = [NotFound("read the members", 404)]
    assert run(service).reconcile()["changed"]
    service.failing_reads = [Denied("read", 403)]
    with pytest.raises(Denied):
        run(service).reconcile()


@pytest.mark.parametrize("settling", [True, False])
def test_what_came_there_a_moment_ago_is_not_gone_because_it_is_not_found(settling: bool) -> None:
    service = Service([NotFound("remove c", 404), NotFound("remove c", 404)])
    service.objects = {"c": "1"}
    step = Step("remove c", "graph", "remove", {"name": "c"}, settling=settling)
    attempt = run(service)
    assert drive(attempt._perform(step), attempt._carry_out) == {}
    assert len(service.writes) == (3 if settling else 1)
    assert service.objects == ({} if settling else {"c": "1"})


def test_an_old_object_that_one_replica_does_not_know_is_looked_for() -> None:
    """An earlier task may have made it a moment ago; this run has read it from another replica."""
    service = Service([NotFound("make b", 404, "gone")])
    service.objects = {"a": "1"}
    assert run(service).reconcile()["changed"]
    assert service.writes == ["make b"] * 2


def test_an_old_object_that_stays_away_is_an_error_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.vmrops.o365.plugins.module_utils._reconcile.LOOK_AGAIN_SECONDS", 1.0)
    service = Service([NotFound("make b", 404, "gone")] * 20)
    service.objects = {"a": "1"}
    with pytest.raises(NotFound, match="gone"):
        run(service).reconcile()
    assert 1 < len(service.writes) < 20


def test_a_refusal_in_the_middle_keeps_what_was_done() -> None:
    service = Service([None, Denied("make b", 403, "forbidden")])
    attempt = run(service)
    with pytest.raises(Denied):
        attempt.reconcile()
    assert [step.summary for step in attempt.done] == ["make a"]
    assert attempt.answers == {"a": {"id": "id-of-a"}}


def test_a_conflict_that_reads_never_explain_is_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.vmrops.o365.plugins.module_utils._reconcile.CONFLICT_SECONDS", 0.5)
    conflicts: Script = [Conflict("make a", 409, "name taken") for _rest in range(50)]
    service = Service(conflicts)
    with pytest.raises(Conflict, match="name taken"):
        run(service).reconcile()
    assert service.objects == {}
