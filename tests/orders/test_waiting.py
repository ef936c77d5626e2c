"""`sync --wait`: open orders are looked at until they are settled, and the lock is free between the looks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from iodcal.domain.circuits import Reading
from iodcal.domain.orders import BootTime
from iodcal.domain.structs import replace
from iodcal.errors import LockHeldError
from iodcal.http import Deadline
from iodcal.pipeline import wait
from iodcal.pipeline.wait import wait_for_orders
from iodcal.result import Report
from iodcal.store.store import StateStore
from tests.machine.world import HIGH, Company, MemoryCarrier
from tests.orders.runs import Office, at, outcomes

PATIENCE = 600.0  # seconds


@dataclass
class Waiting:
    """An office with orders out at minute 0, and somebody who waits for them: a minute at each pause."""

    office: Office
    store: StateStore
    report: Report
    minute: float = 0
    pauses: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None  # what happens between two looks

    def wait(self, patience: float = PATIENCE) -> Report:
        configuration = self.office.company.configuration()
        deadline = Deadline.after(patience, lambda: self.minute * 60)
        now, said = (lambda: at(self.minute)), self.said.append
        return wait_for_orders(
            configuration,
            self.store,
            report=self.report,
            deadline=deadline,
            clock=now,
            progress=said,
            pause=self.pause,
        )

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.minute += 1
        self.office.company.at(at(self.minute))
        with self.store.lock(command="somebody", wait_seconds=0):  # it is free between looks
            self.meanwhile()

    def history(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.store.history.read() if line["kind"] == kind]


def ordered(path: Path, company: Company | None = None, fault: str = "fine") -> Waiting:
    """All circuits have been ordered up at minute 0."""
    office = Office(company or Company(names={"a": "den-a"}))
    office.meets("hands", 30, 60, "company")
    office.carrier.next_order = fault
    report = office.run(0)
    store = StateStore(path / "state.json")
    with store.lock(command="sync", wait_seconds=0):
        store.save(office.disk.state)
    return Waiting(office, store, report)


def test_it_looks_until_every_order_is_settled(tmp_path: Path) -> None:
    waiting = ordered(tmp_path, Company())
    waiting.office.carrier.lines["b"].done_at = at(2)
    done = waiting.wait()
    assert outcomes(done) == [("den-a", "confirmed"), ("lon-a", "confirmed")]
    assert (done.waited_out, waiting.pauses) == (False, [15.0] * 4)
    assert waiting.said == ["waiting for 2 open orders"] * 2 + ["waiting for 1 open orders"] * 2
    state = waiting.store.load(read_only=True)
    assert [one.order for one in state.circuits.values()] == [None, None]
    assert {one.confirmed for one in state.circuits.values()} == {order.new for order in done.orders}


def test_what_it_sees_is_in_the_history_with_the_runs_id_and_stamp(tmp_path: Path) -> None:
    waiting = ordered(tmp_path)
    waiting.wait()
    told = [(line["order"]["outcome"], line["run_id"], line["rules"]) for line in waiting.history("order")]
    assert told == [("pending", "run-1", "sha256:memory"), ("confirmed", "run-1", "sha256:memory")]
    assert [line["confirmed_mbps"] for line in waiting.history("reading")] == [HIGH]
    assert [line["at"] for line in waiting.history("order")] == [
        "2026-11-24T20:00:00Z",
        "2026-11-24T20:04:00Z",
    ]


def test_what_another_run_settles_between_looks_is_seen_and_nobody_is_asked_again(tmp_path: Path) -> None:
    waiting = ordered(tmp_path)
    office = waiting.office

    def timer_run() -> None:
        office.disk.state = waiting.store.load()
        office.run(5)
        waiting.store.save(office.disk.state)
        office.carrier.calls.clear()

    waiting.meanwhile = timer_run
    done = waiting.wait()
    assert (outcomes(done), done.exit) == ([("den-a", "confirmed")], 0)
    assert (office.carrier.calls, waiting.pauses) == ([], [15.0])


def test_a_circuit_that_no_run_has_put_into_state_is_not_waited_for(tmp_path: Path) -> None:
    waiting = ordered(tmp_path)
    waiting.office.company.names["b"] = "lon-a"
    waiting.report = waiting.office.plan(1)
    done = waiting.wait()
    assert (done.waited_out, outcomes(done)) == (False, [("den-a", "confirmed")])
    assert "read b" not in waiting.office.carrier.calls[-3:]


def test_an_order_of_an_earlier_run_that_was_still_open_is_shown_too(tmp_path: Path) -> None:
    waiting = ordered(tmp_path)
    waiting.report = replace(waiting.report, orders=())
    assert outcomes(waiting.wait()) == [("den-a", "confirmed")]


def test_what_was_settled_before_is_not_shown_again(tmp_path: Path) -> None:
    waiting = ordered(tmp_path)
    office = waiting.office
    office.run(5)
    waiting.report = office.run(100)
    assert outcomes(waiting.report) == [("den-a", "accepted")]
    waiting.store.save(office.disk.state)
    waiting.minute = 100
    done = waiting.wait()
    assert [(order.new.mbps, str(order.outcome)) for order in done.orders] == [(100, "confirmed")]


def test_when_its_time_is_up_it_says_what_is_still_open(tmp_path: Path) -> None:
    waiting = ordered(tmp_path, fault="stuck")
    done = waiting.wait(70)
    assert (outcomes(done), done.waited_out, done.exit) == ([("den-a", "pending")], True, 3)
    assert waiting.pauses == [15.0, 10.0]
    assert waiting.said == ["waiting for 1 open orders"] * 2


class Curious(MemoryCarrier):
    """A carrier that looks at who holds the lock."""

    lock: Path

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        assert json.loads(self.lock.read_text())["command"] == "sync --wait"
        return super().read(service_id, deadline)


def test_a_look_has_the_lock_and_the_time_that_is_left_and_never_less_than_between_two_looks(
    tmp_path: Path,
) -> None:
    company = Company(names={"a": "den-a"})
    company.carrier = carrier = Curious()
    carrier.lock = tmp_path / "state.json.lock"
    carrier.lock.write_text('{"command": "sync --wait"}')
    waiting = ordered(tmp_path, company, fault="stuck")
    carrier.patience.clear()
    waiting.minute = 1
    waiting.wait(130)
    assert [round(seconds) for seconds in carrier.patience] == [43, 23, 15, 15]
    assert carrier.context is not None
    assert carrier.context.now() == at(4)


@pytest.mark.parametrize(
    ("fault", "minutes", "outcome"), [("fails", 4, "failed"), ("lost_before", 15, "lost")]
)
def test_an_order_that_comes_to_nothing_meanwhile_is_a_problem(
    tmp_path: Path, fault: str, minutes: int, outcome: str
) -> None:
    waiting = ordered(tmp_path, fault=fault)
    waiting.report = replace(waiting.report, problems=())
    done = waiting.wait(3600)
    assert (outcomes(done), len(waiting.pauses)) == ([("den-a", outcome)], minutes)
    (problem,) = done.problems
    assert (problem.id, problem.since) == (f"order_{outcome}:den-a", at(minutes))
    assert (problem.facts["minutes"], problem.facts["to"]) == (minutes, "1 Gbps")
    assert (done.waited_out, done.exit) == (False, 3)


def test_what_had_come_to_nothing_before_is_no_news(tmp_path: Path) -> None:
    waiting = ordered(tmp_path, fault="fails")
    office = waiting.office
    office.run(10)
    waiting.report = office.run(20)
    assert outcomes(waiting.report) == [("den-a", "failed"), ("den-a", "accepted")]
    waiting.store.save(office.disk.state)
    waiting.minute = 20
    done = waiting.wait()
    assert outcomes(done) == [("den-a", "failed"), ("den-a", "confirmed")]
    assert done.problems == waiting.report.problems


def test_the_clock_that_nobody_sets_has_its_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(Company(names={"a": "den-a"}), boot=BootTime("one", 60))
    office.meets("hands", 30, 60, "company")
    office.carrier.next_order = "stuck"
    report = office.run(0)
    store = StateStore(tmp_path / "state.json")
    with store.lock(command="sync", wait_seconds=0):
        store.save(office.disk.state)
    monkeypatch.setattr(wait, "boot_time", lambda: BootTime("one", 120))
    office.company.at(at(300))
    waiting = Waiting(office, store, report, minute=300)
    assert outcomes(waiting.wait(0)) == [("den-a", "pending")]


def test_a_carrier_that_does_not_answer_is_asked_again(tmp_path: Path) -> None:
    waiting = ordered(tmp_path)
    carrier = waiting.office.carrier
    carrier.unreadable = True

    def mended() -> None:
        carrier.unreadable = waiting.minute < 6

    waiting.meanwhile = mended
    assert outcomes(waiting.wait()) == [("den-a", "confirmed")]
    assert len(waiting.pauses) == 6


def test_another_run_at_work_is_waited_for_and_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = ordered(tmp_path)
    monkeypatch.setattr(wait, "_LOCK_PATIENCE", 0.0)
    with waiting.store.lock(command="sync", wait_seconds=0), pytest.raises(LockHeldError):
        waiting.wait()
