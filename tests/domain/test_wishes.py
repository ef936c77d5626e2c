"""S4, S5, S8 and S11 with people in them: holds, pauses, parking; and change freezes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import CauseKind, Reason
from iodcal.domain.circuit_state import CircuitState, Drift
from iodcal.domain.circuits import Circuit, Orders
from iodcal.domain.holds import Hold, Parked, Pause, Skip, doubts, longest_pause, still_of_use, still_skipped
from iodcal.domain.localtime import Interval
from iodcal.domain.overrides import forget_old_orders
from iodcal.domain.planning import CircuitPlan, plan_circuit, unplanned_downs
from iodcal.domain.policy import Policy, SafetyFlags
from iodcal.domain.structs import replace
from iodcal.domain.timeline import park_timeline
from iodcal.domain.together import plan_together
from iodcal.problems.at_risk import events_at_risk, overruled
from iodcal.problems.kinds import Kind, Problem
from tests.domain.minutes import (
    CIRCUIT,
    POLICY,
    TIERS,
    Ask,
    at,
    circuit_state_at,
    levels,
    minute_of,
    minutes,
    plan_of,
    timeline_of,
)
from tests.domain.test_targets import peak

SKIP = Skip(("uid", "u1", "2026-11-24T15:00:00+00:00"), at(-60), at(0), at(60), "pat", "company", "All-Hands")


def test_a_skip_is_kept_until_its_event_can_ask_for_nothing_any_more() -> None:
    assert still_skipped((SKIP,), at(60), timedelta(minutes=10)) == (SKIP,)
    gone = SKIP.until + timedelta(days=1, minutes=10)
    assert still_skipped((SKIP,), gone - timedelta(seconds=1), timedelta(minutes=10)) == (SKIP,)
    assert still_skipped((SKIP,), gone, timedelta(minutes=10)) == ()


def test_an_occurrence_has_a_short_id_of_its_own() -> None:
    other = replace(SKIP, event=("uid", "u1", "2026-12-01T15:00:00+00:00"))
    assert len({SKIP.id, other.id}) == 2
    assert all(len(one.id) == 8 for one in (SKIP, other))


PAUSE = Pause(at(-10), at(60), "pat", "why")
PARKED = Parked(at(0), "pat")
NOTHING_WRONG = SafetyFlags()


@pytest.mark.parametrize(
    ("asks", "expected"),
    [
        pytest.param(
            [Ask(10, 20, 500, hold=True)],
            [(0, 100), (10, 500), (20, 100)],
            id="a hold, without lead or trail",
        ),
        pytest.param(
            [Ask(10, 20, 500, hold=True), Ask(15, 30)],
            [(0, 100), (10, 500), (15, 1000), (30, 100)],
            id="a hold is a floor, not a ceiling",
        ),
        pytest.param(
            [Ask(10, 40, 500, hold=True), Ask(15, 30, 200, True, 99)],
            [(0, 100), (10, 500), (40, 100)],
            id="a hold counts against maintenance of any priority",
        ),
        pytest.param(
            [Ask(10, 40, 200, True, hold=True), Ask(15, 30, priority=99)],
            [(0, 100), (10, 200), (40, 100)],
            id="held exactly, below an event of any priority",
        ),
        pytest.param(
            [Ask(10, 40, 500, True, hold=True), Ask(15, 30, 200, True, 99)],
            [(0, 100), (10, 500), (40, 100)],
            id="held exactly, above maintenance",
        ),
        pytest.param(
            [Ask(10, 40, freeze="none"), Ask(15, 30)],
            [(0, 100), (15, 1000), (30, 100)],
            id="a freeze leaves the target alone",
        ),
    ],
)
def test_targets(asks: list[Ask], expected: list[tuple[float, int]]) -> None:
    assert levels(timeline_of(*asks), 0, 60) == expected


def steps(plan: CircuitPlan) -> list[tuple[str, int, str | None, float | None]]:
    """Each change as (due, now or minute), to, why held, until which minute."""
    return [
        (
            "due" if change.due else f"{minute_of(change.at):g}",
            change.new.mbps,
            str(change.held.reason) if change.held else None,
            minute_of(change.held.until) if change.held and change.held.until else None,
        )
        for change in plan.changes
    ]


@pytest.mark.parametrize(
    ("asks", "ordered", "expected"),
    [
        pytest.param(
            [Ask(0, 120, 500, hold=True)],
            100,
            [("due", 500, None, None), ("120", 100, None, None)],
            id="ordered at once, and lowered when it ends",
        ),
        pytest.param(
            [Ask(0, 120, 500, hold=True)], 500, [("120", 100, None, None)], id="it is there already"
        ),
        pytest.param(
            [Ask(0, 120, 500, hold=True)],
            1000,
            [("due", 500, None, None), ("120", 100, None, None)],
            id="lowered as far as the hold lets it",
        ),
        pytest.param(
            [Ask(0, 50, 200, True, hold=True), Ask(20, 90, lead=10)],
            1000,
            [("due", 200, None, None), ("50", 1000, None, None), ("90", 100, None, None)],
            id="held exactly: what follows it is not entered early",
        ),
        pytest.param(
            [Ask(7, 50, 200, True, hold=True), Ask(-10, 90)],
            1000,
            [("7", 200, None, None), ("50", 1000, None, None), ("90", 100, None, None)],
            id="held exactly ahead: nothing before it begins",
        ),
    ],
)
def test_what_is_due_with_holds(
    asks: list[Ask], ordered: int, expected: list[tuple[str, int, str | None, float | None]]
) -> None:
    assert steps(plan_of(*asks, ordered=ordered)) == expected


def test_a_hold_is_a_cause_with_who_and_why() -> None:
    plan = plan_of(Ask(0, 120, 500, hold=True, name="DR"), Ask(0, 60, 500, name="call"))
    up, down = plan.changes
    assert [(cause.kind, cause.who, cause.note) for cause in up.causes] == [
        (CauseKind.HOLD, "pat", "DR"),
        (CauseKind.EVENT, None, None),
    ]
    (ended,) = [cause for cause in down.causes if cause.ended]
    assert (ended.kind, ended.start, ended.end) == (CauseKind.HOLD, at(0), at(120))
    assert ended.asks == Interval(at(0), at(120))
    assert "DR" not in up.demand


def test_a_hold_is_known_by_its_circuit_and_start_and_told_by_its_note() -> None:
    demand = Ask(0, 60, 500, hold=True, name="DR").held().demand
    assert demand.id == "hold/77000000001/2026-11-24T12:00:00+00:00/hold"
    assert (demand.calendar, demand.subject) == ("", "DR")
    assert demand.event == demand.span == Interval(at(0), at(60))
    assert Ask(0, 60, hold=True).held().demand.subject is None


def test_an_event_below_an_exact_hold_is_told_with_who_holds_it() -> None:
    plan = plan_of(Ask(0, 120, 200, True, hold=True), Ask(60, 90, name="call"))
    (told,) = overruled(plan, at(0))
    assert (told.facts["rule"], told.facts["by"], told.facts["who"]) == ("call", "hold", "pat")
    assert [problem.facts["cause"] for problem in risks(plan)] == ["hold"]


def test_a_hold_by_itself_is_no_event_at_risk() -> None:
    held_back = plan_of(Ask(0, 120, 500, hold=True), policy=replace(POLICY, pause=PAUSE))
    assert risks(held_back) == []
    assert not list(overruled(plan_of(Ask(0, 9, 200, True, hold=True), Ask(0, 9, 500, hold=True)), at(0)))


OFFICE = replace(CIRCUIT, baseline=replace(CIRCUIT.baseline, peaks=(peak("tue", "04:00", "08:00"),)))


@pytest.mark.parametrize(
    ("circuit", "mbps", "exactly", "length", "running", "expected"),
    [
        (CIRCUIT, 500, False, 60, None, []),
        (CIRCUIT, 1000, False, 60, None, []),
        (CIRCUIT, 1001, False, 60, None, ["hold_too_high"]),
        (replace(CIRCUIT, ceiling=Bandwidth(500)), 1000, False, 60, None, ["hold_too_high"]),
        (CIRCUIT, 99, False, 60, 100, ["hold_below_baseline"]),
        (CIRCUIT, 100, False, 60, 100, []),
        (OFFICE, 200, False, 60, 500, ["hold_below_baseline"]),
        (OFFICE, 200, False, 240, 500, []),  # the peak, from 11:00 to 15:00 UTC, ends before the hold does
        (OFFICE, 200, True, 60, 500, []),
        (replace(CIRCUIT, floor=Bandwidth(200)), 100, False, 60, 200, ["hold_below_baseline"]),
        (replace(CIRCUIT, floor=Bandwidth(200)), 100, True, 60, 200, ["hold_no_tier"]),
        (CIRCUIT, 300, False, 60, None, []),
        (CIRCUIT, 300, True, 60, 500, ["hold_no_tier"]),
        (CIRCUIT, 500, False, 9, 100, ["hold_too_short"]),
        (CIRCUIT, 500, False, 9, None, ["hold_too_short"]),
        (CIRCUIT, 500, False, 10, 100, []),
        (CIRCUIT, 500, False, 9, 500, []),
    ],
)
def test_a_hold_that_cannot_be(
    circuit: Circuit, mbps: int, exactly: bool, length: int, running: int | None, expected: list[str]
) -> None:
    hold = Hold(Bandwidth(mbps), at(0), at(length), "pat", exactly=exactly)
    assert list(doubts(hold, circuit, Bandwidth(running) if running else None)) == expected


def test_what_people_asked_for_is_kept_while_it_is_of_use() -> None:
    hold, pause = Hold(TIERS[2], at(0), at(60), "pat"), Pause(at(0), at(60), "pat")
    circuit_state = replace(circuit_state_at(100), hold=hold, pause=pause)
    assert forget_old_orders(circuit_state, at(59)) == circuit_state
    over = forget_old_orders(circuit_state, at(60))
    assert (over.hold, over.pause) == (hold, None)
    assert forget_old_orders(circuit_state, at(60) + timedelta(days=1)).hold is None
    assert still_of_use(hold, at(60) + timedelta(days=1)) is None
    assert longest_pause(
        (None, pause, replace(pause, until=at(90)), replace(pause, until=at(80))), at(70)
    ) == (replace(pause, until=at(90)))


# --- pauses


def paused_plan(*asks: Ask, ordered: int = 100, of_all: bool = False, until: float = 60) -> CircuitPlan:
    pause = replace(PAUSE, until=at(until))
    circuit_state = circuit_state_at(ordered) if of_all else replace(circuit_state_at(ordered), pause=pause)
    policy = replace(POLICY, pause=pause) if of_all else POLICY
    return plan_of(*asks, circuit_state=circuit_state, policy=policy)


def risks(plan: CircuitPlan, policy: Policy = POLICY) -> list[Problem]:
    return list(events_at_risk([plan], at(0), policy))


@pytest.mark.parametrize("of_all", [False, True])
@pytest.mark.parametrize(
    ("asks", "ordered", "expected"),
    [
        pytest.param([Ask(0, 120)], 100, [("due", 1000, "pause", 60), ("120", 100, None, None)], id="an up"),
        pytest.param([], 1000, [("due", 100, "pause", 60)], id="a down"),
        pytest.param(
            [Ask(59, 60), Ask(200, 260)],
            100,
            [
                ("59", 1000, "pause", 60),
                ("60", 100, None, None),
                ("200", 1000, None, None),
                ("260", 100, None, None),
            ],
            id="what comes meanwhile, not what comes after",
        ),
    ],
)
def test_a_pause_holds_back_whatever_it_covers(
    asks: list[Ask], ordered: int, expected: list[tuple[str, int, str | None, float | None]], of_all: bool
) -> None:
    policy = replace(POLICY, min_gap=minutes(0))
    plan = paused_plan(*asks, ordered=ordered, of_all=of_all)
    plan = plan_circuit(
        plan.timeline,
        plan.circuit_state,
        now=at(0),
        policy=replace(policy, pause=PAUSE if of_all else None),
        knowledge=NOTHING_WRONG,
    )
    assert steps(plan) == expected


def test_a_pause_that_is_over_holds_back_nothing() -> None:
    assert steps(paused_plan(Ask(0, 120), until=0))[0] == ("due", 1000, None, None)


@pytest.mark.parametrize(
    ("asks", "ordered", "expected"),
    [
        pytest.param([Ask(70, 90, lead=30)], 100, [], id="the pause ends in time for the order"),
        pytest.param([Ask(69, 90, lead=30)], 100, [("event_at_risk", "pause")], id="it ends too late"),
        pytest.param(
            [Ask(69, 90, lead=0)],
            100,
            [("event_at_risk", "late_run")],
            id="without a lead, not the pause's fault",
        ),
        pytest.param([Ask(-5, 90)], 100, [("event_late", "pause")], id="it has begun"),
        pytest.param([Ask(-5, 90)], 1000, [], id="at tier already"),
        pytest.param([Ask(30, 50, 500), Ask(80, 90, lead=30)], 500, [], id="the latest up before it counts"),
    ],
)
def test_what_a_pause_makes_an_event_miss_is_told(
    asks: list[Ask], ordered: int, expected: list[tuple[str, str]]
) -> None:
    found = risks(paused_plan(*asks, ordered=ordered))
    assert [(problem.kind, problem.facts["cause"]) for problem in found] == expected


# --- change freezes


@pytest.mark.parametrize(
    ("asks", "ordered", "expected"),
    [
        pytest.param(
            [Ask(-5, 60, freeze="ups")], 1000, [("due", 100, "freeze", 60)], id="no down while it covers"
        ),
        pytest.param([Ask(-60, 0, freeze="ups")], 1000, [("due", 100, None, None)], id="half open"),
        pytest.param(
            [Ask(-5, 60, freeze="ups"), Ask(0, 90)],
            100,
            [("due", 1000, None, None), ("90", 100, None, None)],
            id="ups go on",
        ),
        pytest.param(
            [Ask(-5, 60, freeze="none"), Ask(0, 90)],
            100,
            [("due", 1000, "freeze", 60), ("90", 100, None, None)],
            id="allow none: no up either",
        ),
        pytest.param(
            [Ask(-5, 60, freeze="ups"), Ask(50, 90, freeze="ups"), Ask(90, 95, freeze="none")],
            1000,
            [("due", 100, "freeze", 95)],
            id="one follows on another",
        ),
        pytest.param(
            [Ask(-5, 60, freeze="none"), Ask(50, 90, freeze="ups"), Ask(0, 95)],
            100,
            [("due", 1000, "freeze", 60), ("95", 100, None, None)],
            id="an up waits for those only that forbid ups",
        ),
        pytest.param(
            [Ask(80, 200, freeze="ups"), Ask(60, 120)],
            100,
            [("60", 1000, None, None), ("120", 100, "freeze", 200)],
            id="what is to come",
        ),
        pytest.param(
            [Ask(10, 20, freeze="ups", lead=10, trail=5)],
            1000,
            [("due", 100, "freeze", 25)],
            id="lead, trail",
        ),
        pytest.param(
            [Ask(30, 200, freeze="none"), Ask(120, 150)],
            1000,
            [("due", 100, "freeze", 200), ("120", 1000, "freeze", 200), ("150", 100, "freeze", 200)],
            id="not lowered just before what could not be raised in it",
        ),
        pytest.param(
            [Ask(30, 200, freeze="none"), Ask(220, 250)],
            1000,
            [("due", 100, None, None), ("220", 1000, None, None), ("250", 100, None, None)],
            id="lowered before a freeze in which nothing is asked for",
        ),
        pytest.param(
            [Ask(30, 200, freeze="ups"), Ask(120, 150)],
            1000,
            [("due", 100, None, None), ("120", 1000, None, None), ("150", 100, "freeze", 200)],
            id="lowered before a freeze in which it can be raised",
        ),
        pytest.param(
            [Ask(30, 60, freeze="none"), Ask(50, 200, freeze="ups"), Ask(120, 150)],
            1000,
            [("due", 100, None, None), ("120", 1000, None, None), ("150", 100, "freeze", 200)],
            id="lowered before one that is over when it must be raised, though lowering is not",
        ),
        pytest.param(
            [Ask(30, 100, freeze="none"), Ask(90, 200, freeze="ups"), Ask(60, 150)],
            1000,
            [("due", 100, "freeze", 200), ("60", 1000, "freeze", 100), ("150", 100, "freeze", 200)],
            id="not lowered before one, nor after it while another forbids it",
        ),
        pytest.param(
            [Ask(60, 200, freeze="none"), Ask(120, 150)],
            1000,
            [("due", 100, None, None), ("120", 1000, "freeze", 200), ("150", 100, "freeze", 200)],
            id="lowered an hour before one",
        ),
    ],
)
def test_what_a_freeze_holds_back(
    asks: list[Ask], ordered: int, expected: list[tuple[str, int, str | None, float | None]]
) -> None:
    assert steps(plan_of(*asks, ordered=ordered)) == expected


@pytest.mark.parametrize(
    ("asks", "ordered", "expected"),
    [
        pytest.param([Ask(100, 300, freeze="none"), Ask(200, 250)], 100, ["freeze"], id="in the midst of it"),
        pytest.param([Ask(100, 300, freeze="ups"), Ask(200, 250, lead=30)], 100, [], id="ups are allowed"),
        pytest.param([Ask(100, 300, freeze="none"), Ask(130, 250, lead=40)], 100, [], id="raised before it"),
        pytest.param(
            [Ask(100, 300, freeze="none"), Ask(-5, 20), Ask(200, 250, lead=30)],
            1000,
            ["freeze"],
            id="told although the circuit is up today",
        ),
        pytest.param([Ask(100, 300, freeze="none"), Ask(310, 350, lead=30)], 100, [], id="over in time"),
    ],
)
def test_an_event_that_a_freeze_will_hurt_is_told_when_first_seen(
    asks: list[Ask], ordered: int, expected: list[str]
) -> None:
    found = risks(plan_of(*asks, ordered=ordered))
    assert [(problem.kind, problem.facts["cause"]) for problem in found] == [
        (Kind.EVENT_AT_RISK, cause) for cause in expected
    ]


# --- parking


def parked_plan(
    *asks: Ask, circuit_state: CircuitState, circuit: Circuit = CIRCUIT, enforce: bool = False
) -> CircuitPlan:
    policy = replace(POLICY, parked=PARKED, enforce=enforce)
    timeline = park_timeline(timeline_of(*asks, circuit=circuit))
    return plan_circuit(timeline, circuit_state, now=at(0), policy=policy, knowledge=NOTHING_WRONG)


def test_parked_circuits_go_to_their_off_peak_tier_and_stay_there() -> None:
    plan = parked_plan(
        Ask(-5, 120), Ask(200, 260, 500, hold=True), circuit_state=circuit_state_at(1000), circuit=OFFICE
    )
    assert steps(plan) == [("due", 100, None, None)]
    assert plan.circuit is OFFICE
    assert plan.timeline.circuit is OFFICE
    assert levels(plan.timeline, 0, 600) == [(0, 100)]
    assert steps(parked_plan(Ask(-5, 120), circuit_state=circuit_state_at(100))) == []


def test_parking_breaks_no_freeze() -> None:
    plan = parked_plan(Ask(-5, 60, freeze="ups"), circuit_state=circuit_state_at(1000))
    assert steps(plan) == [("due", 100, "freeze", 60)]


def test_parking_is_no_surprise_to_the_limit() -> None:
    plans = [
        replace(parked_plan(circuit_state=circuit_state_at(1000)), circuit=replace(CIRCUIT, name=n))
        for n in "abcde"
    ]
    together = plan_together(plans, at(0), replace(POLICY, parked=PARKED), {})
    assert unplanned_downs(together) == ()
    assert all(plan.to_order is not None for plan in together)


@pytest.mark.parametrize(
    ("seen", "enforce", "expected"),
    [
        pytest.param(-5, False, [("due", 100, None, None)], id="raised by hand before: goes to rest too"),
        pytest.param(0, False, [("due", 100, "person", None)], id="raised by hand since: left alone"),
        pytest.param(0, True, [("due", 100, "person", None)], id="even under on_drift: enforce"),
    ],
)
def test_what_people_do_while_everything_is_parked(
    seen: float, enforce: bool, expected: list[tuple[str, int, str | None, float | None]]
) -> None:
    drifted = replace(circuit_state_at(100), drift=Drift(Bandwidth(1000), at(seen), at(seen - 5)))
    assert steps(parked_plan(circuit_state=drifted, enforce=enforce)) == expected


@pytest.mark.parametrize(
    ("asks", "circuit_state", "expected"),
    [
        pytest.param([Ask(60, 120)], circuit_state_at(100), [("event_at_risk", "parked")], id="ahead"),
        pytest.param([Ask(-5, 120)], circuit_state_at(1000), [("event_late", "parked")], id="being lowered"),
        pytest.param([Ask(-60, 0)], circuit_state_at(100), [], id="over"),
        pytest.param([Ask(60, 120, 100)], circuit_state_at(100), [], id="off-peak is enough"),
        pytest.param([Ask(60, 120, 200, True)], circuit_state_at(100), [], id="maintenance"),
        pytest.param([Ask(60, 120, hold=True)], circuit_state_at(100), [], id="a hold"),
        pytest.param(
            [Ask(60, 120)], circuit_state_at(None), [("event_at_risk", "parked")], id="nothing known"
        ),
        pytest.param(
            [Ask(60, 120)],
            replace(circuit_state_at(100), drift=Drift(Bandwidth(1000), at(0), at(-5))),
            [],
            id="somebody raised it by hand",
        ),
    ],
)
def test_what_parking_makes_an_event_miss_is_told(
    asks: list[Ask], circuit_state: CircuitState, expected: list[tuple[str, str]]
) -> None:
    found = risks(parked_plan(*asks, circuit_state=circuit_state))
    assert [(problem.kind, problem.facts["cause"]) for problem in found] == expected


def test_observed_circuits_are_at_no_risk_however_they_are_paused() -> None:
    observed = replace(CIRCUIT, orders=Orders.NONE)
    plan = plan_of(Ask(0, 60), circuit=observed, policy=replace(POLICY, pause=PAUSE))
    assert plan.due is not None
    assert plan.due.held is not None
    assert plan.due.held.reason is Reason.OBSERVE
    assert risks(plan) == []


# --- all of it together, through hours of runs


@st.composite
def wanted(draw: st.DrawFn) -> list[Ask]:
    """Events, holds and freezes in any order."""
    asks = []
    for number in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(["event", "event", "hold", "ups", "none"]))
        start, level = draw(st.integers(0, 300)), draw(st.sampled_from([200, 500, 1000]))
        asks.append(
            Ask(
                start,
                start + draw(st.integers(1, 150)),
                level,
                exactly=kind == "hold" and draw(st.booleans()),
                lead=draw(st.integers(15, 40)) if kind == "event" else 0,
                name=f"{kind} {number}",
                hold=kind == "hold",
                freeze=kind if kind in ("ups", "none") else "",
            )
        )
    return asks


@given(wanted(), st.integers(0, 200), st.integers(0, 200))
def test_what_must_not_be_ordered_is_not_and_what_is_missed_was_told(
    asks: list[Ask], paused_from: int, paused_for: int
) -> None:
    timeline = timeline_of(*asks)
    running, told, told_before = 100, set(), set()
    for minute in range(0, 450, 5):
        paused = paused_from <= minute < paused_from + paused_for
        pause = Pause(at(paused_from), at(paused_from + paused_for), "pat") if paused else None
        policy = replace(POLICY, pause=pause)
        plan = plan_circuit(
            timeline,
            circuit_state_at(running, read_at=minute),
            now=at(minute),
            policy=policy,
            knowledge=NOTHING_WRONG,
        )
        problems = list(events_at_risk([plan], at(minute), policy))
        told |= {problem.where.rpartition("/")[0] for problem in problems}
        ahead = (problem for problem in problems if problem.kind is Kind.EVENT_AT_RISK)
        told_before |= {problem.where.rpartition("/")[0] for problem in ahead}
        for ask in (ask for ask in asks if not ask.hold and not ask.freeze):
            missed = ask.start <= minute < ask.end and running < ask.mbps
            place = f"den-a/{ask.title}/{at(ask.start):%Y-%m-%dT%H:%MZ}"
            assert not missed or place in told
            # Somebody may pause at any time; all else is to be seen before the event begins.
            foreseeable = ask.start > 0 and (ask.start <= paused_from or not paused_for)
            assert not (missed and foreseeable) or place in told_before or minute >= paused_from
        change = plan.to_order
        if change is not None:
            frozen = {ask.freeze for ask in asks if ask.freeze and ask.start <= minute < ask.end}
            assert not paused
            assert "none" not in frozen
            assert change.up or not frozen
            running = change.new.mbps
