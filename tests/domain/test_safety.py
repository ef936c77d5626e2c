"""S8 to S10: events at risk, memory, limits, quota; and all that keeps a circuit from being lowered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Held, Reason
from iodcal.domain.circuit_state import CircuitState, Drift, Foreseen, SourceMemory
from iodcal.domain.circuits import Orders, Reading, Status
from iodcal.domain.events import CalendarReading, Event, MatchedEvent, SpoiledEvent, Timed
from iodcal.domain.holds import Pause
from iodcal.domain.last_known_good import end_absent, recall_events, remember_reading
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Outcome
from iodcal.domain.planning import (
    CircuitPlan,
    first_start,
    foresee,
    in_order,
    next_quota_day,
    unplanned_downs,
)
from iodcal.domain.policy import SafetyFlags
from iodcal.domain.structs import replace
from iodcal.domain.together import plan_together
from iodcal.problems.at_risk import Retry, events_at_risk
from iodcal.problems.kinds import Kind
from tests.domain.minutes import (
    ACCOUNT,
    CIRCUIT,
    POLICY,
    SOURCE,
    TIERS,
    Ask,
    at,
    circuit_state_at,
    minutes,
    paced,
    plan_of,
)
from tests.domain.test_orders import order


def held_counts(plans: Iterable[CircuitPlan]) -> Counter[Reason]:
    """How many due changes are held back for which reason."""
    return Counter(plan.due.held.reason for plan in plans if plan.due is not None and plan.due.held)


def reason(plan: CircuitPlan) -> str | None:
    assert plan.due is not None
    return str(plan.due.held.reason) if plan.due.held else None


def reading(mbps: int | None, status: Status) -> Reading:
    return Reading(at(-1), status, Bandwidth(mbps) if mbps else None, "text")


UP = [Ask(-5, 120)]


@pytest.mark.parametrize(
    ("up", "down", "changes"),
    [
        pytest.param(None, None, {}, id="nothing in doubt"),
        pytest.param(
            "observe", "observe", {"circuit": replace(CIRCUIT, orders=Orders.NONE)}, id="orders: none"
        ),
        pytest.param(None, "ups_only", {"circuit": replace(CIRCUIT, orders=Orders.UPS)}, id="orders: ups"),
        pytest.param(None, "clock", {"knowledge": SafetyFlags(clock_wrong=True)}, id="the clocks differ"),
        pytest.param(
            None, "state_rebuilt", {"knowledge": SafetyFlags(rebuilt=True)}, id="the state was damaged"
        ),
        pytest.param(
            None,
            "calendar_unreadable",
            {"knowledge": SafetyFlags({"den-a": at(59)})},
            id="known for less than the hour",
        ),
        pytest.param(None, None, {"knowledge": SafetyFlags({"den-a": at(60)})}, id="known for the hour"),
        pytest.param(
            None, None, {"knowledge": SafetyFlags({"lon-a": at(0)})}, id="another circuit's calendar"
        ),
        pytest.param(
            None,
            "calendar_unreadable",
            {"knowledge": SafetyFlags(doubtful={"den-a": (Interval(at(59), at(90)),)})},
            id="an event within the hour is not understood",
        ),
        pytest.param(
            None,
            None,
            {
                "knowledge": SafetyFlags(
                    doubtful={"den-a": (Interval(at(60), at(90)), Interval(at(-9), at(0)))}
                )
            },
            id="an event that is not understood lies elsewhere",
        ),
        pytest.param(
            "carrier_unreadable",
            "carrier_unreadable",
            {"knowledge": SafetyFlags(unreadable=frozenset({"den-a"}))},
            id="the carrier does not answer",
        ),
        pytest.param(
            "unknown_order",
            "unknown_order",
            {"knowledge": SafetyFlags(unanswered_until=at(1))},
            id="state and history are gone, an order may be under way",
        ),
        pytest.param(
            None, None, {"knowledge": SafetyFlags(unanswered_until=at(0))}, id="it has surfaced by now"
        ),
    ],
)
def test_what_holds_back_a_change(up: str | None, down: str | None, changes: dict[str, object]) -> None:
    assert reason(plan_of(*UP, ordered=100, **changes)) == up  # type: ignore[arg-type]  # options by name
    assert reason(plan_of(ordered=1000, **changes)) == down  # type: ignore[arg-type]  # options by name


@pytest.mark.parametrize(
    ("circuit_state", "expected"),
    [
        (replace(circuit_state_at(200), reading=reading(200, Status.PENDING)), "pending"),
        (replace(circuit_state_at(200), reading=reading(200, Status.UNKNOWN)), "status_unknown"),
        (replace(circuit_state_at(200), order=replace(order(Outcome.ACCEPTED), new=TIERS[2])), "pending"),
        (
            replace(circuit_state_at(200), order=replace(order(Outcome.UNKNOWN), new=TIERS[2])),
            "unknown_order",
        ),
        (
            replace(circuit_state_at(200), order=replace(order(Outcome.SENDING), new=TIERS[2])),
            "unknown_order",
        ),
    ],
    ids=["pending", "status", "open order", "lost answer", "crashed"],
)
def test_one_order_at_a_time(circuit_state: CircuitState, expected: str) -> None:
    assert reason(plan_of(*UP, circuit_state=circuit_state)) == expected
    assert reason(plan_of(circuit_state=circuit_state)) == expected


@pytest.mark.parametrize("demands", [UP, []], ids=["up", "down"])
@pytest.mark.parametrize(("shown", "held"), [(True, "pending"), (False, None)], ids=["so", "not so"])
def test_nothing_is_ordered_for_what_the_carrier_says_is_so(
    demands: list[Ask], shown: bool, held: str | None
) -> None:
    """The order that was just confirmed is contradicted: by a copy that lags, or by a person."""
    at_rest, wanted = (100, 1000) if demands else (1000, 100)
    seen = reading(wanted if shown else at_rest, Status.ACTIVE)
    assert reason(plan_of(*demands, circuit_state=replace(circuit_state_at(at_rest), reading=seen))) == held


@pytest.mark.parametrize(
    ("circuit_state", "knowledge", "until"),
    [
        (replace(circuit_state_at(1000), order=order(Outcome.UNKNOWN)), SafetyFlags(), 15),
        (circuit_state_at(1000), SafetyFlags(unanswered_until=at(1)), 1),
        (replace(circuit_state_at(1000), retry_at=at(10)), SafetyFlags(), 10),
    ],
    ids=["lost answer", "the state is gone", "backoff"],
)
def test_what_will_pass_says_when(circuit_state: CircuitState, knowledge: SafetyFlags, until: int) -> None:
    due = plan_of(circuit_state=circuit_state, knowledge=knowledge).due
    assert due is not None
    assert due.held is not None
    assert due.held.until == at(until)


def test_what_would_hinder_a_raise_is_told_where_none_is_asked_for() -> None:
    unreadable = SafetyFlags(unreadable=frozenset({"den-a"}))
    assert plan_of(knowledge=unreadable).hindrance == Held(Reason.CARRIER_UNREADABLE)
    assert plan_of().hindrance is None


def test_an_order_lost_three_times_is_given_up_for_that_demand() -> None:
    wanted = plan_of(*UP, ordered=100).due
    assert wanted is not None
    lost = order(Outcome.LOST, demand=wanted.demand, resends=2)
    assert (
        reason(plan_of(*UP, circuit_state=replace(circuit_state_at(100), recent=(lost,)))) == "unknown_order"
    )
    once = replace(lost, resends=1)
    assert reason(plan_of(*UP, circuit_state=replace(circuit_state_at(100), recent=(once,)))) is None


def test_a_lowering_that_failed_waits() -> None:
    failed = replace(circuit_state_at(1000), retry_at=at(10))
    assert reason(plan_of(circuit_state=failed)) == "backoff"
    assert reason(plan_of(circuit_state=failed, now=10)) is None
    assert reason(plan_of(*UP, circuit_state=replace(circuit_state_at(100), retry_at=at(10)))) is None


@pytest.mark.parametrize(
    ("until", "asked", "later"),
    [
        (20, 1000, [(30, 100, 1000), (70, 1000, 100)]),
        (30, 1000, [(70, 1000, 100)]),  # by then the event is on: nothing will be lowered before it is over
        (69, 1000, [(70, 1000, 100)]),
        (70, 1000, []),
        (90, 1000, []),
        (40, 500, [(70, 500, 100)]),  # lowered as far as may be
    ],
)
def test_after_a_lowering_that_waits_the_plan_goes_on_from_where_the_circuit_will_stand(
    until: float, asked: int, later: list[tuple[float, int, int]]
) -> None:
    circuit, policy = paced(min_gap=10)
    failed = replace(circuit_state_at(1000), retry_at=at(until))
    due, *others = plan_of(Ask(30, 70, asked), circuit_state=failed, circuit=circuit, policy=policy).changes
    assert (due.old, due.new, due.held) == (TIERS[-1], TIERS[0], Held(Reason.BACKOFF, at(until)))
    assert [(change.at, change.old.mbps, change.new.mbps) for change in others] == [
        (at(minute), old, new) for minute, old, new in later
    ]


def test_a_remembered_exactly_starts_no_lowering() -> None:
    work = Ask(-5, 60, 100, exactly=True, remembered=True)
    assert reason(plan_of(work, ordered=1000)) == "calendar_unreadable"
    assert reason(plan_of(replace(work, remembered=False), ordered=1000)) is None


def test_changes_to_come_say_what_will_hold_them() -> None:
    plan = plan_of(Ask(30, 60), circuit=replace(CIRCUIT, orders=Orders.UPS))
    assert [change.held.reason if change.held else None for change in plan.changes] == [None, Reason.UPS_ONLY]


# --- S10


def fleet(count: int, *, foreseen: bool = False, **circuit: object) -> list[CircuitPlan]:
    """Circuits at 1 Gbps of which nothing is asked any more."""
    seen = (Foreseen(at(-1), TIERS[0]),) if foreseen else ()
    return [
        plan_of(
            circuit=replace(CIRCUIT, name=f"c{number}", service_id=str(number), **circuit),  # type: ignore[arg-type]
            circuit_state=replace(circuit_state_at(1000), key=str(number), foreseen=seen),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "foreseen", "allow", "held"),
    [(3, False, 0, 0), (4, False, 0, 4), (4, True, 0, 0), (4, False, 4, 0), (5, False, 4, 5)],
)
def test_unplanned_lowerings_are_stopped_together(count: int, foreseen: bool, allow: int, held: int) -> None:
    policy = replace(POLICY, allow_downs=allow)
    planned = plan_together(fleet(count, foreseen=foreseen), at(0), policy, {})
    assert held_counts(planned)[Reason.LIMIT] == held
    assert len(in_order(planned)) == count - held


def test_the_limit_stops_lowerings_only() -> None:
    up = plan_of(*UP, circuit=replace(CIRCUIT, name="up"))
    idle = plan_of(circuit=replace(CIRCUIT, name="idle"))
    planned = plan_together([*fleet(4), up, idle], at(0), POLICY, {})
    assert [change.circuit for change in in_order(planned)] == ["up"]
    assert planned[-1].changes == ()
    assert len(unplanned_downs(planned)) == 4, "what it stopped is told as such"


def test_a_lowering_that_something_else_holds_does_not_count() -> None:
    doubtful = plan_of(
        circuit=replace(CIRCUIT, name="d"), ordered=1000, knowledge=SafetyFlags(clock_wrong=True)
    )
    planned = plan_together([*fleet(3), doubtful], at(0), POLICY, {})
    assert len(in_order(planned)) == 3


@pytest.mark.parametrize(
    ("minute", "mbps", "foreseen"), [(0, 100, True), (-5, 100, True), (1, 100, False), (0, 200, False)]
)
def test_only_what_was_to_come_by_now_and_as_low_was_foreseen(minute: int, mbps: int, foreseen: bool) -> None:
    seen = (Foreseen(at(minute), Bandwidth(mbps)),)
    assert plan_of(circuit_state=replace(circuit_state_at(1000), foreseen=seen)).foreseen is foreseen


def test_what_the_limit_stopped_is_not_foreseen_by_the_next_run() -> None:
    planned = plan_together(fleet(4), at(0), POLICY, {})
    assert foresee(planned[0]) == ()
    coming = plan_of(Ask(30, 60))
    assert foresee(coming) == (Foreseen(at(60), TIERS[0]),)
    again = plan_of(
        Ask(30, 60),
        ordered=1000,
        now=61,
        circuit_state=replace(circuit_state_at(1000), foreseen=foresee(coming)),
    )
    assert again.foreseen


@pytest.mark.parametrize(("used", "held"), [(0, 0), (17, 0), (18, 1), (19, 2), (20, 3), (24, 3)], ids=str)
def test_lowerings_stop_where_only_the_reserve_is_left(used: int, held: int) -> None:
    planned = plan_together(fleet(3, changes_per_day=24), at(0), POLICY, {ACCOUNT: used})
    assert held_counts(planned)[Reason.QUOTA] == held


def test_ups_use_the_reserve_and_go_first() -> None:
    limited = replace(CIRCUIT, changes_per_day=24)
    plans = [
        *fleet(1, changes_per_day=24),
        plan_of(Ask(-5, 60, name="later"), circuit=replace(limited, name="b", service_id="b")),
        plan_of(Ask(-9, 60, name="sooner"), circuit=replace(limited, name="a", service_id="a")),
    ]
    assert [change.circuit for change in in_order(plans)] == ["a", "b", "c0"]
    planned = plan_together(plans, at(0), POLICY, {ACCOUNT: 23})
    held = {plan.circuit.name: plan.due.held for plan in planned if plan.due is not None}
    assert held["a"] is None
    assert held["b"] is not None
    assert held["b"].until == datetime(2026, 11, 25, tzinfo=UTC)
    assert held["c0"] is not None


def test_ups_go_by_the_start_of_their_event_whatever_its_lead() -> None:
    plans = [
        plan_of(Ask(start, 60, lead=lead), circuit=replace(CIRCUIT, name=name, service_id=name))
        for name, start, lead in (("a", 20, 30), ("b", 10, 10))
    ]
    found = in_order(plans)
    assert [(change.circuit, first_start(change)) for change in found] == [("b", at(10)), ("a", at(20))]
    assert first_start(replace(found[0], causes=())) == at(0), "where nothing is known to ask for it"


def test_the_reserve_is_the_ups_still_to_come_today_where_they_are_more() -> None:
    limited = replace(CIRCUIT, changes_per_day=24)
    busy = [Ask(70 + 130 * n, 130 + 130 * n) for n in range(5)]
    waiting = plan_of(*busy, circuit=replace(limited, name="b", service_id="b"))
    plans = [*fleet(1, changes_per_day=24), waiting]
    assert held_counts(plan_together(plans, at(0), POLICY, {ACCOUNT: 18}))[Reason.QUOTA] == 0
    assert held_counts(plan_together(plans, at(0), POLICY, {ACCOUNT: 19}))[Reason.QUOTA] == 1


def test_the_quotas_day_is_utcs() -> None:
    assert next_quota_day(datetime(2026, 11, 24, 23, 59, tzinfo=UTC)) == datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def _tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own day begins nine hours before UTC's."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_tokyo")
def test_the_quotas_day_is_utcs_wherever_the_machine_stands() -> None:
    assert next_quota_day(datetime(2026, 11, 24, 16, tzinfo=UTC)) == datetime(2026, 11, 25, tzinfo=UTC)


# --- S8


def risks(plan: CircuitPlan, now: float = 0, used: int = 0) -> list[tuple[str, object]]:
    plans = plan_together([plan], at(now), POLICY, {ACCOUNT: used})
    found = events_at_risk(plans, at(now), POLICY)
    return [(str(problem.kind), problem.facts["cause"]) for problem in found]


CALL = Ask(15, 60, lead=30)
AT_RISK, LATE = str(Kind.EVENT_AT_RISK), str(Kind.EVENT_LATE)


def with_order(
    outcome: Outcome, sent: float, mbps: int = 1000, accepted: float | None = None
) -> CircuitState:
    lost = outcome in (Outcome.UNKNOWN, Outcome.SENDING)
    accepted_at = None if lost else at(sent if accepted is None else accepted)
    made = replace(order(outcome), created_at=at(sent), accepted_at=accepted_at, new=Bandwidth(mbps))
    return replace(circuit_state_at(100), order=made)


def drifted(ours: int, observed: int) -> CircuitState:
    drift = Drift(Bandwidth(observed), at(-1), at(-30))
    return replace(circuit_state_at(observed), confirmed=Bandwidth(ours), drift=drift)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param(lambda: plan_of(CALL, ordered=1000), [], id="at tier"),
        pytest.param(lambda: plan_of(CALL), [], id="ordered in this run, in time"),
        pytest.param(lambda: plan_of(Ask(9, 60)), [(AT_RISK, "late_run")], id="an order takes longer"),
        pytest.param(lambda: plan_of(Ask(300, 360, lead=30)), [], id="hours ahead"),
        pytest.param(
            lambda: plan_of(Ask(300, 360, lead=9)), [(AT_RISK, "late_run")], id="its lead is too short"
        ),
        pytest.param(lambda: plan_of(Ask(-5, 60)), [(LATE, "late_run")], id="begun already"),
        pytest.param(lambda: plan_of(Ask(775, 840, lead=30)), [], id="beyond what is planned for"),
        pytest.param(
            lambda: plan_of(Ask(1, 6, lead=15)),
            [(AT_RISK, "late_run")],
            id="over before an order could be carried out",
        ),
        pytest.param(
            lambda: plan_of(Ask(-5, 6, lead=15), Ask(300, 360, 200, lead=30)),
            [(LATE, "late_run")],
            id="another one is in time",
        ),
        pytest.param(
            lambda: plan_of(Ask(-30, 3), Ask(775, 840, lead=30)),
            [(LATE, "late_run")],
            id="over too soon, and another one beyond what is planned for",
        ),
        pytest.param(lambda: plan_of(Ask(-90, -5, trail=10)), [], id="over"),
        pytest.param(lambda: plan_of(Ask(-90, 0, trail=10)), [], id="over just now"),
        pytest.param(lambda: plan_of(Ask(310, 360, lead=10)), [], id="its lead is just enough"),
        pytest.param(lambda: plan_of(Ask(13, 60, lead=9)), [], id="ordered before its window begins"),
        pytest.param(
            lambda: plan_of(Ask(100, 400, 200, lead=30), Ask(300, 360, lead=9)),
            [(AT_RISK, "late_run")],
            id="a smaller raise before it does not help",
        ),
        pytest.param(
            lambda: plan_of(Ask(-5, 60), circuit_state=drifted(1000, 100)),
            [(LATE, "late_run")],
            id="lowered by hand",
        ),
        pytest.param(lambda: plan_of(Ask(-5, 60), circuit_state=drifted(100, 1000)), [], id="raised by hand"),
        pytest.param(
            lambda: plan_of(CALL, circuit_state=with_order(Outcome.ACCEPTED, 0)), [], id="on its way"
        ),
        pytest.param(
            lambda: plan_of(Ask(8, 60, lead=30), circuit_state=with_order(Outcome.ACCEPTED, 0)),
            [(AT_RISK, "open_order")],
            id="on its way, too late",
        ),
        pytest.param(
            lambda: plan_of(Ask(10, 60, lead=30), circuit_state=with_order(Outcome.ACCEPTED, 0)),
            [],
            id="on its way, just in time",
        ),
        pytest.param(
            lambda: plan_of(Ask(0, 60, lead=30), circuit_state=with_order(Outcome.ACCEPTED, -10)),
            [(LATE, "late_run")],
            id="expected just now, and not seen",
        ),
        pytest.param(
            lambda: plan_of(Ask(8, 60, lead=30), circuit_state=with_order(Outcome.ACCEPTED, -5, accepted=0)),
            [(AT_RISK, "open_order")],
            id="accepted late",
        ),
        pytest.param(
            lambda: plan_of(Ask(4, 60, lead=30), circuit_state=with_order(Outcome.ACCEPTED, -15)),
            [(AT_RISK, "open_order")],
            id="expected before now: the next look may come too late",
        ),
        pytest.param(
            lambda: plan_of(Ask(5, 60, lead=30), circuit_state=with_order(Outcome.ACCEPTED, -15)),
            [],
            id="expected before now: the next look comes in time",
        ),
        pytest.param(
            lambda: plan_of(
                Ask(8, 60, 500, lead=30),
                circuit_state=replace(with_order(Outcome.ACCEPTED, 0, 500), confirmed=TIERS[3]),
            ),
            [],
            id="being lowered to what it needs",
        ),
        pytest.param(
            lambda: plan_of(CALL, circuit_state=with_order(Outcome.OVERDUE, -21)),
            [(AT_RISK, "open_order")],
            id="overdue",
        ),
        pytest.param(
            lambda: plan_of(Ask(20, 60, lead=30), circuit_state=with_order(Outcome.OVERDUE, -21)),
            [(AT_RISK, "open_order")],
            id="overdue, and no time for another time-out",
        ),
        pytest.param(
            lambda: plan_of(Ask(21, 60, lead=30), circuit_state=with_order(Outcome.OVERDUE, -21)),
            [],
            id="overdue, but time",
        ),
        pytest.param(
            lambda: plan_of(CALL, circuit_state=with_order(Outcome.ACCEPTED, 0, 200)),
            [(AT_RISK, "open_order")],
            id="an order for less must end first",
        ),
        pytest.param(
            lambda: plan_of(CALL, circuit_state=with_order(Outcome.UNKNOWN, 0)),
            [(AT_RISK, "lost_answer")],
            id="lost answer",
        ),
        pytest.param(
            lambda: plan_of(CALL, circuit_state=with_order(Outcome.UNKNOWN, 0, 200)),
            [(AT_RISK, "lost_answer")],
            id="lost answer to an order for less",
        ),
        pytest.param(
            lambda: plan_of(Ask(30, 60, lead=30), circuit_state=with_order(Outcome.UNKNOWN, 0)),
            [],
            id="lost answer, but time to order again",
        ),
        pytest.param(
            lambda: plan_of(CALL, knowledge=SafetyFlags(unreadable=frozenset({"den-a"}))),
            [(AT_RISK, "carrier_unreadable")],
            id="the carrier does not answer",
        ),
        pytest.param(
            lambda: plan_of(CALL, ordered=None),
            [(AT_RISK, "carrier_unreadable")],
            id="nothing known of the circuit",
        ),
        pytest.param(
            lambda: plan_of(Ask(20, 60, lead=15), ordered=None),
            [(AT_RISK, "carrier_unreadable")],
            id="nothing known, and the next run comes when its window begins",
        ),
        pytest.param(lambda: plan_of(Ask(300, 360, lead=30), ordered=None), [], id="nothing known, but time"),
        pytest.param(
            lambda: plan_of(
                CALL, circuit_state=replace(circuit_state_at(100), reading=reading(100, Status.UNKNOWN))
            ),
            [(AT_RISK, "status_unknown")],
            id="a strange status",
        ),
        *(
            pytest.param(
                lambda shown=shown, status=status: plan_of(
                    CALL, circuit_state=replace(circuit_state_at(1000), reading=reading(shown, status))
                ),
                expected,
                id=f"ordered, but it reads {shown} and is {status.name.lower()}",
            )
            for shown, status, expected in (
                (100, Status.UNKNOWN, [(AT_RISK, "status_unknown")]),
                (1000, Status.UNKNOWN, []),
                (100, Status.PENDING, [(AT_RISK, "open_order")]),
                (1000, Status.PENDING, []),
                (None, Status.UNKNOWN, []),
                (100, Status.ACTIVE, [(AT_RISK, "contradicted")]),  # as for a quarter of an hour after an up
                (1000, Status.ACTIVE, []),
            )
        ),
        pytest.param(
            lambda: plan_of(CALL, Ask(10, 30, 100, exactly=True, priority=5)),
            [(AT_RISK, "exactly")],
            id="exactly",
        ),
        pytest.param(
            lambda: plan_of(CALL, circuit=replace(CIRCUIT, orders=Orders.NONE)), [], id="only observed"
        ),
    ],
)
def test_events_at_risk(plan: object, expected: list[tuple[str, object]]) -> None:
    assert callable(plan)
    assert risks(plan()) == expected


@pytest.mark.parametrize(("again", "expected"), [(5, []), (6, ["order_refused"])])
def test_what_was_refused_is_in_time_only_if_the_next_try_is(again: float, expected: list[str]) -> None:
    plan = plan_of(Ask(15, 60, lead=15))  # orders take ten minutes
    retries = {plan.circuit.key: Retry(at(again), "order_refused")}
    found = events_at_risk([plan], at(0), POLICY, retries)
    assert [problem.facts["cause"] for problem in found] == expected


def test_a_pause_that_ends_before_the_up_is_asked_for_costs_the_time_between() -> None:
    pause = Pause(at(-10), at(2), "pat")
    assert risks(plan_of(Ask(13, 60, lead=9), policy=replace(POLICY, pause=pause))) == [(AT_RISK, "pause")]


def test_a_circuit_that_is_only_observed_hides_no_other() -> None:
    observed = plan_of(Ask(9, 60), circuit=replace(CIRCUIT, name="a", orders=Orders.NONE))
    (problem,) = events_at_risk([observed, plan_of(Ask(9, 60))], at(0), POLICY)
    assert problem.facts["circuit"] == "den-a"


def test_an_up_beyond_the_quota_is_seen_hours_before() -> None:
    plan = plan_of(Ask(300, 360, lead=30), circuit=replace(CIRCUIT, changes_per_day=24))
    assert risks(plan, used=23) == []
    assert risks(plan, used=24) == [(AT_RISK, "quota")]


def test_a_problem_of_an_event_names_it_without_its_subject() -> None:
    (problem,) = events_at_risk([plan_of(Ask(9, 60, name="call"))], at(0), POLICY)
    assert problem.where.startswith("den-a/call/2026-11-24T12:09Z/")
    assert problem.facts == {
        "circuit": "den-a",
        "rule": "call",
        "subject": "call",
        "start": "2026-11-24T12:09:00+00:00",
        "zone": "America/Denver",
        "needs": "1 Gbps",
        "cause": "late_run",
    }


# --- S9

RANGE = Interval(at(-60), at(600))
ALL_HANDS = Ask(-30, 60, name="All-Hands")


def event(ask: Ask, **changes: object) -> Event:
    made = Event(SOURCE, ask.title, ask.title, Timed(at(ask.start), at(ask.end)), subject=ask.title)
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def remembered(*asks: Ask) -> SourceMemory:
    return SourceMemory(SOURCE.key, "noc", at(-5), RANGE, tuple(ask.matched() for ask in asks))


def good(*events: Event, **changes: object) -> CalendarReading:
    made = CalendarReading(SOURCE, RANGE, at(0), events)
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def covers_now(found: MatchedEvent) -> bool:
    return found.span.start <= at(0).replace(tzinfo=found.span.start.tzinfo) < found.span.end


def test_a_window_that_covers_now_ends_by_absence_in_the_second_good_reading() -> None:
    first = end_absent(remember_reading(good(), (), remembered(ALL_HANDS)), covers_now)
    assert [found.subject for found in first.events] == ["All-Hands"]
    assert first.events[0].remembered_since == at(-5)
    second = end_absent(remember_reading(good(), (), first.remembered), covers_now)
    assert second.events == ()


@pytest.mark.parametrize(
    "reading_today",
    [
        good(event(ALL_HANDS, cancelled=True)),
        good(event(ALL_HANDS, span=Timed(at(120), at(180)))),
        good(event(ALL_HANDS, subject="Something else")),
        good(event(ALL_HANDS, id="new id")),
        good(elsewhere=(event(ALL_HANDS, span=Timed(at(9000), at(9060))),)),
    ],
    ids=["cancelled", "moved", "renamed", "made anew", "moved out of sight"],
)
def test_seen_otherwise_it_ends_at_once(reading_today: CalendarReading) -> None:
    assert end_absent(remember_reading(reading_today, (), remembered(ALL_HANDS)), covers_now).events == ()


def test_an_event_to_come_ends_by_absence_at_once() -> None:
    assert end_absent(remember_reading(good(), (), remembered(Ask(30, 60))), covers_now).events == ()


def test_events_without_a_uid_are_known_by_their_id() -> None:
    nameless = replace(remembered(ALL_HANDS), events=(replace(ALL_HANDS.matched(), uid=""),))
    seen = good(event(ALL_HANDS, uid="", span=Timed(at(120), at(180))))
    assert end_absent(remember_reading(seen, (), nameless), covers_now).events == ()
    assert len(end_absent(remember_reading(good(), (), nameless), covers_now).events) == 1


SPOILED = SpoiledEvent("All-Hands", "ics_damaged", "DTEND", 12, span=Interval(at(-30), at(600)))
TO_COME = Ask(90, 120, name="All-Hands")


@pytest.mark.parametrize(
    ("known", "reading_today", "kept"),
    [
        pytest.param(TO_COME, good(spoiled=(SPOILED,)), True, id="spoiled"),
        pytest.param(ALL_HANDS, good(spoiled=(SPOILED,)), True, id="spoiled while it lasts"),
        pytest.param(TO_COME, good(spoiled=(replace(SPOILED, uid=""),)), True, id="one of unknown identity"),
        pytest.param(TO_COME, good(spoiled=(replace(SPOILED, uid="b"),)), False, id="another is spoiled"),
        pytest.param(TO_COME, good(event(TO_COME), spoiled=(SPOILED,)), False, id="there beside it"),
        pytest.param(Ask(-900, -800, name="All-Hands"), good(spoiled=(SPOILED,)), False, id="long over"),
    ],
)
def test_what_was_known_of_a_spoiled_event_counts_on(
    known: Ask, reading_today: CalendarReading, kept: bool
) -> None:
    found = end_absent(remember_reading(reading_today, (), remembered(known)), covers_now)
    assert [one.remembered_since for one in found.events] == [at(-5)] * kept
    again = end_absent(remember_reading(reading_today, (), found.remembered), covers_now)
    assert len(again.events) == kept


def test_of_a_source_never_read_a_spoiled_event_leaves_nothing() -> None:
    assert end_absent(remember_reading(good(spoiled=(SPOILED,)), (), None), covers_now).events == ()


def test_an_empty_good_answer_is_an_answer() -> None:
    found = end_absent(remember_reading(good(), (), None), covers_now)
    assert (found.fresh, found.events, found.known_until) == (True, (), RANGE.end)


def test_what_cannot_be_read_is_remembered_with_its_age() -> None:
    found = recall_events(SOURCE, remembered(ALL_HANDS))
    assert (found.fresh, found.known_until) == (False, RANGE.end)
    assert [one.remembered_since for one in found.events] == [at(-5)]
    assert found.remembered == remembered(ALL_HANDS)


def test_what_a_rule_takes_is_remembered_if_it_was_asked() -> None:
    kept = SourceMemory("noc", "noc", at(-5), RANGE, asked=frozenset({"call"}))
    assert (kept.knows("call"), kept.knows("new")) == (True, False)
    assert replace(kept, asked=None).knows("new")


def test_what_was_never_read_is_not_known_at_all() -> None:
    found = recall_events(SOURCE, None)
    assert (found.fresh, found.known_until, found.events, found.remembered) == (False, None, (), None)


def test_a_remembered_cause_says_since_when() -> None:
    up = plan_of(replace(CALL, remembered=True)).due
    assert up is not None
    assert up.causes[0].remembered_since == at(-60)
    assert up.causes[0].start - at(15) == minutes(0)


def test_a_lowering_foreseen_once_need_not_be_foreseen_every_day() -> None:
    plan = plan_of(
        *[Ask(start, start + 60) for start in (180, 360, 540)], circuit_state=circuit_state_at(100)
    )
    assert len([change for change in plan.changes if not change.up]) == 3
    assert [seen.new.mbps for seen in foresee(plan)] == [100]
