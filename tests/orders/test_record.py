"""What a run keeps for the next one, and what the history has of it: everything once."""

from __future__ import annotations

from typing import Any

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Reason
from iodcal.domain.circuit_state import Drift, Foreseen
from iodcal.domain.circuits import Orders
from iodcal.domain.holds import Hold, Pause
from iodcal.domain.orders import Direction
from iodcal.domain.structs import replace
from iodcal.pipeline.save import held_mark
from iodcal.result import Report
from tests.machine.world import GRACE, HIGH, LOW, MIDDLE, SOURCES
from tests.orders.runs import Office, at, kinds, minute_of, one_circuit, outcomes

RATE = {mbps: Bandwidth(mbps) for mbps in (LOW, MIDDLE, HIGH)}
LABELS = (("cost_centre", "4711"),)


def calling(**special: Any) -> Office:
    """An office whose den-a needs 500 Mbps from minute 0 to 100."""
    office = Office(one_circuit(**special))
    office.meets("call", 30, 60)
    return office


def told(office: Office, kind: str) -> list[dict[str, Any]]:
    """The history's lines of a kind, without when and by whom."""
    common = ("kind", "at", "run_id", "iodcal")
    return [{name: fact for name, fact in line.items() if name not in common} for line in office.noted(kind)]


# --- curtain-up readings


def verdicts(report: Report) -> list[tuple[str, str, int | None]]:
    """What the looks of a run found: of which event, how it stands, and what the circuit runs at."""
    return [
        (check.subject or "", str(check.readiness), check.running.mbps if check.running else None)
        for check in report.preflight_checks
    ]


def results(office: Office) -> list[tuple[float | None, str]]:
    """The results of the looks in the history, with the minute of each."""
    return [(minute_of(line["at"]), str(line["result"])) for line in office.noted("curtain_up")]


@pytest.mark.parametrize("ready", [True, False])
def test_the_last_look_before_an_event_is_reported_noted_and_taken_once(ready: bool) -> None:
    office = calling(labels=LABELS)
    office.carrier.next_order = "fine" if ready else "stuck"
    assert [office.run(minute).preflight_checks for minute in (0, 5, 24)] == [(), (), ()]
    running = MIDDLE if ready else LOW
    assert verdicts(office.run(25)) == [("call", "ready" if ready else "at_risk", running)]
    assert verdicts(office.run(30)) == ([] if ready else [("call", "late", LOW)])
    assert office.run(35).preflight_checks == ()
    (cause,) = office.noted("order")[0]["causes"]
    assert results(office) == ([(25, "ready")] if ready else [(25, "at_risk"), (30, "late")])
    line = told(office, "curtain_up")[0]
    assert line == {
        "circuit": "den-a",
        "rule": "noc",
        "start": at(30),
        "result": "ready" if ready else "at_risk",
        "event": cause.id,
        "calendar": "noc",
        "subject": "call",
        "end": at(90),
        "needs_mbps": RATE[MIDDLE],
        "labels": {"cost_centre": "4711"},
    }
    assert office.circuit_state().preflight_checks == ((cause.id, at(90)),)
    office.run(90)
    assert office.circuit_state().preflight_checks == ()


def test_an_event_booked_late_whose_order_is_under_way_is_expected_and_then_in_time() -> None:
    office = Office()
    office.run(15)
    office.meets("call", 25, 60)
    ordered = office.run(20)  # done at minute 24
    assert verdicts(ordered) == [("call", "expected", LOW)]
    assert kinds(ordered) == set()
    assert office.run(23).preflight_checks == ()  # nothing new
    assert verdicts(office.run(25)) == [("call", "ready", MIDDLE)]
    assert results(office) == [(20, "expected"), (25, "ready")]


def test_an_event_whose_circuit_came_to_its_tier_after_the_start_was_late_and_says_why() -> None:
    office = Office()
    office.run(15)
    office.meets("call", 22, 60)
    early = office.run(20)
    (check,) = early.preflight_checks
    assert (kinds(early), check.readiness) == ({"event_at_risk"}, "late")  # done at minute 24 at the earliest
    assert (check.cause, check.running) == ("open_order", RATE[LOW])
    assert office.run(24).preflight_checks == ()
    assert results(office) == [(20, "late")]


def test_what_the_first_reading_of_all_shows_was_so_before() -> None:
    office = calling()
    office.in_the_portal(MIDDLE)
    assert verdicts(office.run(35)) == [("call", "ready", MIDDLE)]


def test_a_circuit_raised_by_hand_at_the_last_minute_was_in_time_after_all() -> None:
    office = calling()
    office.run(-60)
    office.carrier.next_order = "stuck"
    for minute in (0, 25):
        office.run(minute)
    office.in_the_portal(MIDDLE)
    office.run(29)
    assert results(office) == [(25, "at_risk"), (29, "ready")]


def test_a_circuit_that_a_person_changed_runs_at_what_they_made_of_it() -> None:
    office = calling()
    for minute in (0, 5, 20):
        office.run(minute)
    office.in_the_portal(LOW)
    (look,) = office.run(25).preflight_checks
    assert (look.running, look.readiness, look.cause) == (RATE[LOW], "expected", None)


def test_a_circuit_that_could_not_be_read_was_not_looked_at() -> None:
    office = calling()
    office.run(20)
    office.run(24)
    office.carrier.unreadable = True
    assert office.run(27).preflight_checks == ()
    office.carrier.unreadable = False
    assert verdicts(office.run(29)) == [("call", "ready", MIDDLE)]


def test_events_that_begin_together_are_all_looked_at() -> None:
    office = calling()
    office.meets("another call", 30, 60)
    office.run(0)
    office.run(4)
    assert len(office.run(26).preflight_checks) == 2
    assert len(office.circuit_state().preflight_checks) == 2


def test_a_circuit_that_is_only_observed_has_its_look_noted_and_nobody_told() -> None:
    office = calling(orders=Orders.NONE)
    assert office.run(27).preflight_checks == ()
    assert office.run(30).preflight_checks == ()
    assert results(office) == [(27, "late")]
    assert len(office.circuit_state().preflight_checks) == 1


# --- what is held back


def test_a_change_held_back_is_noted_once_and_again_when_it_is_another_or_comes_back() -> None:
    office = calling(orders=Orders.NONE, labels=LABELS)
    (plan,) = office.run(0).plans
    assert (held_mark(plan), office.circuit_state().held_told) == ("500/observe", "500/observe")
    office.run(5)
    assert plan.due is not None
    expected = {
        "circuit": "den-a",
        "direction": Direction.UP,
        "from_mbps": LOW,
        "to_mbps": MIDDLE,
        "held": Reason.OBSERVE,
        "until": None,
        "causes": plan.due.causes,
        "labels": {"cost_centre": "4711"},
    }
    assert told(office, "change") == [expected]
    office.meets("hands", 35, 30, "company")
    office.run(10)
    assert [line["to_mbps"] for line in office.noted("change")] == [MIDDLE, HIGH]
    for calendar in office.company.calendars.values():
        calendar.events.clear()
    for minute in (15, 20):
        office.run(minute)
    assert office.circuit_state().held_told is None
    office.meets("call", 60, 30)
    office.run(30)
    assert [line["to_mbps"] for line in office.noted("change")] == [MIDDLE, HIGH, MIDDLE]


def test_until_when_a_change_is_held_back_is_noted_where_it_is_known() -> None:
    office = calling()
    office.run(-5)
    office.change(pause=Pause(at(-5), at(50), "pat"))
    office.run(0)
    assert [(line["held"], line["until"]) for line in office.noted("change")] == [(Reason.PAUSE, at(50))]


def test_what_is_not_held_back_or_not_due_is_no_line_of_its_own() -> None:
    office = calling()
    for minute in (-10, 0, 5, 20):
        office.run(minute)
    assert office.noted("change") == []
    (plan,) = office.plan(20).plans
    assert (plan.due, held_mark(plan)) == (None, None)


# --- readings


def test_a_reading_is_noted_where_it_changes_what_counts_as_ordered_or_as_drift() -> None:
    office = calling()
    for minute in (-60, 0, 5, 10):
        office.run(minute)
    first, second = told(office, "reading")
    assert first == {
        "circuit": "den-a",
        "key": "memory|memory:|1|a",
        "confirmed_mbps": RATE[LOW],
        "off_peak_mbps": RATE[LOW],
        "drift": None,
    }
    assert (second["confirmed_mbps"], second["drift"]) == (RATE[MIDDLE], None)
    office.in_the_portal(HIGH)
    for minute in (28, 35):
        office.run(minute)
    *_, third = told(office, "reading")
    assert len(told(office, "reading")) == 3
    drift = office.circuit_state().drift
    assert drift == Drift(RATE[HIGH], at(28), at(5))
    assert (third["confirmed_mbps"], third["drift"]) == (RATE[MIDDLE], drift)


def test_a_new_baseline_is_noted_with_the_next_run() -> None:
    office = Office()
    office.run(0)
    office.company.special["a"] = {"floor": RATE[MIDDLE]}
    office.run(5)
    assert [line["off_peak_mbps"] for line in office.noted("reading")] == [RATE[LOW], RATE[MIDDLE]]


# --- what the next run must know


def test_lowerings_are_foreseen_by_runs_that_read_every_calendar() -> None:
    office = calling()
    office.run(0)
    office.run(5)
    assert office.circuit_state().foreseen == (Foreseen(at(100), RATE[LOW]),)
    office.company.calendars["company"].failing = True
    office.meets("call", 30, 90)
    office.run(10)
    assert office.circuit_state().foreseen == (Foreseen(at(100), RATE[LOW]),)
    office.company.calendars["company"].failing = False
    office.run(15)
    assert office.circuit_state().foreseen == (Foreseen(at(130), RATE[LOW]),)


def test_matched_events_are_remembered_by_source_and_so_are_the_calendars_own_ids() -> None:
    office = calling()
    noc, company = (SOURCES[name].key for name in ("noc", "company"))
    office.company.calendars["noc"].id = "id of noc"
    office.company.calendars["company"].failing = True
    office.run(0)
    state = office.disk.state
    assert set(state.remembered) == {noc}
    assert (state.remembered[noc].read_at, len(state.remembered[noc].events)) == (at(0), 1)
    assert state.calendar_ids == {noc: "id of noc"}
    office.company.calendars["noc"].failing = True
    office.company.calendars["company"].failing = False
    office.company.calendars["company"].id = "id of company"
    office.run(5)
    state = office.disk.state
    assert {key: one.read_at for key, one in state.remembered.items()} == {noc: at(0), company: at(5)}
    assert state.calendar_ids == {noc: "id of noc", company: "id of company"}
    office.company.calendars["noc"].failing = False
    office.company.calendars["noc"].id = "another"
    del office.company.calendars["company"]
    office.run(10)
    assert set(office.disk.state.remembered) == {noc}
    assert office.disk.state.calendar_ids == {noc: "another"}


def test_a_run_without_a_named_calendar_keeps_no_ids() -> None:
    office = calling()
    office.run(0)
    assert office.disk.state.calendar_ids == {}


def test_after_damage_nothing_is_lowered_for_one_run_and_nothing_ordered_within_the_grace() -> None:
    office = calling()
    office.in_the_portal(HIGH)
    office.disk.state = replace(office.disk.state, rebuilt_from="state.json.damaged", unknown_since=at(100))
    assert "state_rebuilt" in kinds(office.run(100 + GRACE - 1))
    assert office.disk.state.rebuilt_from is None
    assert office.disk.state.unknown_since == at(100)
    office.run(100 + GRACE)
    assert office.disk.state.unknown_since is None
    assert len(office.carrier.requests) == 1
    office.run(100 + GRACE + 5)
    assert office.disk.state.unknown_since is None


def test_what_people_asked_for_is_kept_until_it_is_over() -> None:
    office = calling()
    office.run(0)
    office.disk.state = replace(office.disk.state, pause=Pause(at(0), at(50), "pat"))
    office.change(hold=Hold(RATE[HIGH], at(0), at(50), "pat"))
    office.run(49)
    assert office.disk.state.pause is not None
    assert office.circuit_state().hold is not None
    office.run(50 + 24 * 60)
    assert office.disk.state.pause is None
    assert office.circuit_state().hold is None


def test_a_refusal_all_day_long_does_not_fill_the_state() -> None:
    office = calling()
    for minute in range(0, 60, 5):
        office.carrier.next_order = "refused"
        office.run(minute)
    assert len(office.circuit_state().recent) == 1
    assert minute_of(office.circuit_state().recent[0].created_at) == 55


def test_a_problem_is_noted_with_its_place_and_facts_when_it_begins_and_when_it_is_over() -> None:
    office = Office()
    office.run(0)
    office.carrier.unreadable = True
    office.run(60)
    office.run(65)
    office.carrier.unreadable = False
    office.run(70)
    begun, over = (
        next(line for line in told(office, kind) if line["where"] == "den-a")
        for kind in ("problem", "recovered")
    )
    place = {"id": "carrier_unreadable:den-a", "where": "den-a"}
    assert begun.pop("facts") == {
        "status": 503,
        "message": "maintenance",
        "code": "refused",
        "circuit": "den-a",
    }
    assert begun == {**place, "severity": "error"}
    assert over == {**place, "since": at(60)}


# --- what is told


def test_a_refused_lowering_is_a_problem_until_one_is_accepted_though_runs_in_between_only_wait() -> None:
    office = calling()
    for minute in (0, 5, 25, 90):
        office.run(minute)
    office.carrier.next_order = "refused"
    told = [(kinds(office.run(minute)), office.telling) for minute in (100, 101, 102)]
    assert [found for found, _ in told] == [{"order_refused"}] * 3
    assert [len(telling.new) for _, telling in told if telling is not None] == [1, 0, 0]
    (retry_at,) = [office.circuit_state().retry_at]
    assert retry_at is not None
    report = office.run(minute_of(retry_at) or 0)
    assert outcomes(report) == [("den-a", "accepted")]
    assert office.telling is not None
    assert "order_refused" in {gone.kind for gone in office.telling.cleared}
    assert kinds(report) == set()


def test_the_need_for_a_refused_order_may_go_as_well() -> None:
    office = calling()
    for minute in (0, 5, 25, 90):
        office.run(minute)
    office.carrier.next_order = "refused"
    office.run(100)
    office.meets("more", 101, 60)
    assert kinds(office.run(101)) == set()


def test_what_an_event_at_risk_turned_into_stands_beside_its_end() -> None:
    office = Office()
    office.run(15)
    office.meets("call", 21, 60)
    for minute in (20, 21):
        office.run(minute)
    (gone,) = [line for line in office.noted("recovered") if line["id"].startswith("event_at_risk")]
    assert gone["became"] == gone["id"].replace("at_risk", "late")
