"""What people and runs said is not lost: not by a clock that is wrong, nor by an end before it was told."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from iodcal.commands import sync
from iodcal.commands.requests import SyncRequest
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.holds import Hold, Pause
from iodcal.domain.structs import replace
from iodcal.pipeline.alerts import AlertDecision
from iodcal.result import Report
from iodcal.signals import Interrupted
from iodcal.store import store
from iodcal.store.store import StateStore
from tests.machine.world import HIGH, MIDDLE, Company, minutes
from tests.orders.runs import TIMER, Office, at, held, kinds, outcomes

SIX_HOURS = 360  # minutes
AHEAD = 420  # minutes: how far the clock goes wrong


def wrong_by(office: Office, ahead: float) -> None:
    """The servers say that it is earlier by so many minutes."""
    for calendar in office.company.calendars.values():
        calendar.clock_error = -ahead * 60 if ahead else None


def paused() -> Office:
    """Den-a is needed at minute 30 and at minute 450; everything is paused for six hours."""
    office = Office()
    office.meets("call", 30, 60)
    office.meets("late call", 450, 60, uid="late")
    office.disk.state = replace(office.disk.state, pause=Pause(at(0), at(SIX_HOURS), "pat"))
    return office


def test_a_pause_outlives_a_run_under_a_clock_that_is_ahead() -> None:
    office = paused()
    assert held(office.run(5)) == {"den-a": "pause"}
    wrong_by(office, AHEAD)
    doubtful = office.run(AHEAD + 10)
    assert ("clock" in kinds(doubtful), doubtful.orders) == (True, ())
    assert held(doubtful) == {"den-a": "pause"}
    wrong_by(office, 0)
    assert held(office.run(15)) == {"den-a": "pause"}
    assert office.noted("ended") == []
    office.run(SIX_HOURS)
    assert office.disk.state.pause is None
    (line,) = office.noted("ended")
    assert (line["what"], line["circuit"], line["who"], line["until"]) == (
        "pause",
        None,
        "pat",
        at(SIX_HOURS),
    )


def test_what_ends_a_circuits_hold_and_pause_stands_in_the_history_once() -> None:
    office = Office()
    office.run(0)
    hold = Hold(Bandwidth(MIDDLE), at(0), at(60), "pat")
    office.change(hold=hold, pause=Pause(at(0), at(30), "pat"))
    for minute in (25, 30, 55, 60, 65):
        office.run(minute)
    ended = [(line["what"], line["circuit"], line["at"]) for line in office.noted("ended")]
    assert ended == [("pause", "den-a", at(30)), ("hold", "den-a", at(60))]


def test_the_end_of_a_freeze_that_held_something_back_stands_in_the_history() -> None:
    office = Office()
    office.run(0)
    office.change(held_told="100/freeze")
    office.run(5)
    office.run(10)
    assert [(line["what"], line["circuit"]) for line in office.noted("ended")] == [("freeze", "den-a")]


def test_a_carriers_clock_is_a_witness_too() -> None:
    office = Office()
    office.in_the_portal(HIGH)
    office.carrier.clock_error = 61.0
    doubtful = office.run(0)
    assert (held(doubtful), doubtful.orders, kinds(doubtful)) == ({"den-a": "clock"}, (), {"clock"})
    office.carrier.clock_error = 60.0
    assert outcomes(office.run(5)) == [("den-a", "accepted")]


def test_a_gateways_answers_never_give_an_event_up() -> None:
    office = Office()
    office.meets("call", 30, 300)
    for minute in range(0, 80, 16):
        office.carrier.next_order = "gateway"
        office.run(minute)
    assert sum(call.startswith("order") for call in office.carrier.calls) == 5
    office.carrier.next_order = "fine"
    assert outcomes(office.run(96))[-1] == ("den-a", "accepted")


def test_lost_answers_do() -> None:
    office = Office()
    office.meets("call", 30, 300)
    for minute in range(0, 112, 16):
        office.carrier.next_order = "lost_before"
        office.run(minute)
    assert sum(call.startswith("order") for call in office.carrier.calls) == 3


# --- told, and only then counted as told


def test_what_is_to_be_said_is_said_before_it_counts_as_told() -> None:
    office = Office()
    office.carrier.unreadable = True
    journal = office.journal(0)
    report = office.plan(0)
    said: list[int] = []

    def say(_report: Report, telling: AlertDecision) -> None:
        said.append(len(telling.new))
        assert office.disk.state.told == {}
        raise Interrupted

    with pytest.raises(Interrupted):
        sync.finish(journal, report, asked=TIMER, history_keep=timedelta(days=1), say=say)
    assert said == [1]
    assert office.disk.state.told == {}, "the next run tells it again"


def test_a_run_begins_once_it_has_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = Company(names={"a": "den-a"})
    clock = [at(0)]

    class Locked(StateStore):
        def lock(self, *, command: str, wait_seconds: float) -> object:  # type: ignore[override]
            held = super().lock(command=command, wait_seconds=wait_seconds)
            clock[0] += minutes(3)  # somebody else's run took so long
            return held

    def clock_of(*_: object) -> tuple[object, datetime]:
        return (lambda: clock[0]), clock[0]

    monkeypatch.setattr(store, "StateStore", Locked)
    monkeypatch.setattr(sync, "clock_of", clock_of)
    asked = SyncRequest(terminal=False)
    done = sync.sync(company.configuration(), tmp_path / "state.json", asked=asked, progress=lambda _: None)
    assert done.report.now == at(3)
