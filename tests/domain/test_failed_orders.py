"""What is known of orders that came to nothing: how long the next one waits, and what it leaves to others."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Change
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Reading, Status
from iodcal.domain.failed_orders import (
    FailedOrders,
    Failure,
    failed_to,
    note_accepted,
    note_failed,
    note_refused,
    still_failed,
    still_needed,
)
from iodcal.domain.held import held_as_given_up, held_by_backoff, lost_before, may_still_come
from iodcal.domain.orders import GATEWAY_ANSWERED, Direction, Order, Outcome
from iodcal.domain.overrides import apply_manual_change
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.structs import replace
from iodcal.domain.together import hold_beyond_quota, plan_together
from iodcal.problems.at_risk import events_at_risk
from tests.domain.minutes import (
    ACCOUNT,
    CIRCUIT,
    PATIENCE,
    POLICY,
    Ask,
    at,
    circuit_state_at,
    minute_of,
    minutes,
    plan_of,
)
from tests.domain.test_orders import reading

UP, DOWN = Direction.UP, Direction.DOWN
CALL = Ask(30, 300, 1000, lead=30)


def failing(
    direction: Direction = UP,
    mbps: int = 1000,
    demand: str = "a",
    last: float = 0,
    tries: Mapping[str, int] | None = None,
    **more: object,
) -> FailedOrders:
    sent = sum((tries or {}).values())
    known = FailedOrders(direction, Bandwidth(mbps), demand, at(last), tries or {}, sent=sent)
    return replace(known, **more)  # type: ignore[arg-type]  # fields by name


def order(old: int = 100, new: int = 1000, demand: str = "a", outcome: Outcome = Outcome.FAILED) -> Order:
    return Order("1", "k", "den-a", Bandwidth(old), Bandwidth(new), at(0), outcome, demand=demand)


def due_of(*asks: Ask, mbps: int = 100) -> Change:
    due = plan_of(*asks, ordered=mbps).due
    assert due is not None
    return due


@pytest.mark.parametrize(
    ("direction", "tries", "wait"),
    [
        (UP, {}, None),
        (UP, {"refused": 1}, None),
        (UP, {"refused": 1, "not_done": 1}, None),
        (UP, {"refused": 2}, 10),
        (UP, {"not_done": 3, "refused": 1}, 15),
        (UP, {"not_done": 5000}, 15),
        (DOWN, {"refused": 9}, None),
        (DOWN, {"not_done": 1}, 10),
        (DOWN, {"not_done": 3}, 40),
        (DOWN, {"other_bandwidth": 4, "not_done": 1}, 60),
    ],
)
def test_the_wait_doubles_from_every_after_the_second_of_a_kind(
    direction: Direction, tries: dict[str, int], wait: float | None
) -> None:
    retry_at = failing(direction, tries=tries, last=3.5).retry_at(POLICY.every, POLICY.min_gap)
    assert (None if retry_at is None else minute_of(retry_at)) == (None if wait is None else 3 + wait)


def test_a_timer_that_is_slower_than_the_longest_wait_waits_once() -> None:
    slow = failing(tries={"refused": 3}).retry_at(minutes(40), minutes(60))
    assert slow == at(40)


@pytest.mark.parametrize(
    ("direction", "mbps", "demand", "covered"),
    [
        (UP, 1000, "a", True),
        (UP, 1000, "a+b", True),
        (UP, 1000, "", True),
        (UP, 1000, "a+c", False),
        (UP, 500, "a", False),
        (DOWN, 1000, "a", False),
    ],
)
def test_a_part_of_a_demand_repeats_it_and_a_new_cause_or_level_does_not(
    direction: Direction, mbps: int, demand: str, covered: bool
) -> None:
    assert failing(demand="b+a").covers(direction, Bandwidth(mbps), demand) is covered


def test_a_lowering_is_the_same_whatever_allows_it() -> None:
    assert failing(DOWN, 100, "a").covers(DOWN, Bandwidth(100), "z")


def test_what_a_failed_order_adds_to_what_is_known() -> None:
    (first,) = note_failed((), order(), Bandwidth(100), at(20))
    assert (first.tries, first.sent, first.failed, first.since) == ({Failure.NOT_DONE: 1}, 1, 1, at(20))
    assert (first.old, first.shown, first.external_id) == (Bandwidth(100), None, order().external_id)
    (second,) = note_failed((first,), order(), Bandwidth(100), at(40))
    assert (second.tries, second.failed, second.since) == ({Failure.NOT_DONE: 2}, 2, at(20))
    assert (second.repeated, second.given_up) == (True, False)
    (other,) = note_failed((second,), order(demand="b"), Bandwidth(100), at(60))
    assert (other.demand, other.tries, other.sent, other.failed) == ("b", {Failure.NOT_DONE: 1}, 1, 3)


def test_two_that_left_the_circuit_elsewhere_are_given_up() -> None:
    (first,) = note_failed((), order(), Bandwidth(300), at(20))
    assert (first.shown, first.given_up) == (Bandwidth(300), False)
    (second,) = note_failed((first,), order(old=300), Bandwidth(300), at(40))
    assert (second.shown, second.given_up) == (Bandwidth(300), True)


def test_a_raise_put_higher_by_the_quota_was_one_for_the_lower_level_too() -> None:
    lower, other = failing(mbps=500, tries={"refused": 1}), failing(mbps=200, demand="z")
    high = note_failed((lower, other), order(demand="a+b"), Bandwidth(100), at(9))
    assert [(one.new.mbps, one.tries, minute_of(one.last_at)) for one in high] == [
        (500, {"refused": 1, Failure.NOT_DONE: 1}, 9),
        (200, {}, 0),
        (1000, {Failure.NOT_DONE: 1}, 9),
    ]
    change = due_of(CALL)
    mine = failing(mbps=500, demand=change.demand, tries={"refused": 1})
    told = note_refused((mine,), change, None, {}, at(5), sent=False)
    assert [one.tries for one in told] == [{"refused": 1}, {}]


def test_a_refusal_stands_until_an_order_is_accepted() -> None:
    change = due_of(CALL)
    (refused,) = note_refused((), change, "refused", {"message": "no"}, at(1), sent=True)
    assert (refused.refusal, refused.tries, refused.sent) == ({"message": "no"}, {"refused": 1}, 1)
    assert note_accepted((refused,), change) == ()
    assert note_accepted((), change) == ()
    both = replace(refused, failed=1, tries={"refused": 1, Failure.NOT_DONE: 1})
    (after,) = note_accepted((both,), change)
    assert (after.refusal, after.tries) == ({}, {Failure.NOT_DONE: 1})


def test_what_is_reached_or_not_needed_any_more_is_forgotten() -> None:
    ups = tuple(failing(mbps=mbps) for mbps in (200, 500, 1000))
    down = failing(DOWN, 100)
    assert [one.new.mbps for one in still_failed((*ups, down), UP, Bandwidth(500))] == [1000, 100]
    assert still_failed((down,), DOWN, Bandwidth(100)) == ()
    assert still_failed((down,), DOWN, Bandwidth(200)) == (down,)
    needed = still_needed((*ups, down), Bandwidth(200), Bandwidth(500))
    assert [one.new.mbps for one in needed] == [500]
    assert still_needed((*ups, down), Bandwidth(500), Bandwidth(100)) == (down,)
    assert failed_to(ups, UP, Bandwidth(500)) is ups[1]


def test_a_reading_notes_what_failed_and_forgets_what_is_done() -> None:
    before = replace(circuit_state_at(100), order=replace(order(outcome=Outcome.ACCEPTED), accepted_at=at(1)))
    after = apply_manual_change(before, reading(30, 100), PATIENCE)
    assert [(one.failed, one.last_at) for one in after.failed] == [(1, at(30))]
    gateway = replace(order(outcome=Outcome.UNKNOWN), reason=GATEWAY_ANSWERED)
    answered = apply_manual_change(replace(circuit_state_at(100), order=gateway), reading(30, 100), PATIENCE)
    assert [one.last_at for one in answered.failed] == [at(0)]
    done = apply_manual_change(replace(before, failed=after.failed), reading(30, 1000), PATIENCE)
    assert done.failed == ()


# --- what it holds back


def failed_for(change: Change, last: float, **tries: int) -> CircuitState:
    one = failing(change.direction, change.new.mbps, change.demand, last, tries)
    return replace(circuit_state_at(change.old.mbps), failed=(one,))


@pytest.mark.parametrize(
    ("last", "now", "until"),
    [
        (0, 0, 10),  # the plain back-off
        (0, 10, None),
        (12, 13, 15),  # the last run that can order in time is the one after minute 15
        (12, 15, None),
        (16, 20, 31),  # and once that has passed the plain one again
    ],
)
def test_no_wait_goes_beyond_what_the_event_allows(last: float, now: float, until: float | None) -> None:
    change = due_of(CALL)
    held = held_by_backoff(
        failed_for(change, last, refused=3 if last else 2), change, CIRCUIT, at(now), POLICY
    )
    assert (None if held is None or held.until is None else minute_of(held.until)) == until


def test_what_was_never_tried_does_not_wait() -> None:
    change = due_of(CALL)
    assert held_by_backoff(circuit_state_at(100), change, CIRCUIT, at(0), POLICY) is None
    assert held_as_given_up(circuit_state_at(100), change) is None
    other = replace(circuit_state_at(100), failed=(failing(demand="other", tries={"refused": 5}),))
    assert held_by_backoff(other, change, CIRCUIT, at(0), POLICY) is None


def test_a_plan_says_what_it_waits_for() -> None:
    change = due_of(CALL)
    waiting = plan_of(CALL, circuit_state=failed_for(change, 0, refused=2)).due
    assert waiting is not None
    assert waiting.held is not None
    assert (str(waiting.held.reason), waiting.held.until) == ("backoff", at(10))
    given_up = plan_of(CALL, circuit_state=failed_for(change, 0, other_bandwidth=2)).due
    assert given_up is not None
    assert given_up.held is not None
    assert (str(given_up.held.reason), given_up.held.until) == ("other_bandwidth", None)


@pytest.mark.parametrize(
    ("accepted", "settled", "seen", "waits"),
    [(0, 5, 5, True), (0, 5, 6, False), (0, 20, 20, False), (None, 5, 5, False)],
)
def test_one_look_alone_is_not_enough_to_order_anew_before_the_time_out(
    accepted: float | None, settled: float, seen: float, waits: bool
) -> None:
    accepted_at = at(accepted) if accepted is not None else None
    failed = replace(order(), accepted_at=accepted_at, settled_at=at(settled))
    circuit_state = replace(circuit_state_at(100, read_at=seen), recent=(failed,))
    assert may_still_come(circuit_state, CIRCUIT, POLICY) is waits
    due = plan_of(CALL, circuit_state=circuit_state).due
    assert due is not None
    assert (due.held is not None) is waits


@pytest.mark.parametrize(
    ("shown", "seen", "waits"),
    [(500, 6, True), (500, 14, True), (500, 15, False), (2000, 6, False), (100, 6, False)],
)
def test_a_step_between_the_two_bandwidths_is_waited_for_as_long_as_provisioning_takes(
    shown: int, seen: float, waits: bool
) -> None:
    slow = replace(CIRCUIT, provisioning=minutes(10))
    failed = replace(order(), accepted_at=at(0), settled_at=at(5))
    circuit_state = replace(circuit_state_at(shown, read_at=seen), recent=(failed,))
    assert may_still_come(circuit_state, slow, POLICY) is waits


def test_only_an_order_of_the_same_kind_counts_as_lost_before() -> None:
    change = due_of(CALL)
    lost = order(demand=change.demand, outcome=Outcome.LOST)
    refused = order(outcome=Outcome.REFUSED)
    assert lost_before(replace(circuit_state_at(100), recent=(lost, refused)), change) is lost
    assert lost_before(replace(circuit_state_at(100), recent=(refused,)), change) is None
    for another in (
        replace(lost, outcome=Outcome.CONFIRMED),
        replace(lost, demand="other"),
        replace(lost, new=Bandwidth(500)),
    ):
        assert lost_before(replace(circuit_state_at(100), recent=(another,)), change) is None


# --- what it leaves to others


def account(mine: CircuitPlan, *others: CircuitPlan) -> list[CircuitPlan]:
    named = [
        replace(one, circuit=replace(CIRCUIT, name=f"c{number}", service_id=str(number), changes_per_day=24))
        for number, one in enumerate((mine, *others))
    ]
    return [
        replace(
            one,
            changes=tuple(replace(change, circuit=one.circuit.name) for change in one.changes),
            timeline=replace(one.timeline, circuit=one.circuit),
        )
        for one in named
    ]


def quota_holds(plans: list[CircuitPlan], used: int, refused: int = 0) -> bool:
    (mine, *_) = plan_together(plans, at(0), POLICY, {ACCOUNT: used}, {ACCOUNT: refused})
    return mine.due is not None and mine.due.held is not None


@pytest.mark.parametrize(
    ("tries", "demand", "limit"),
    [
        ({}, None, 24),  # never tried: it may have the last change
        ({"refused": 1}, None, 20),  # a repetition leaves the reserve
        ({"refused": 2}, None, 18),  # and, failed twice alike, room for one raise and one lowering of others
        ({"refused": 2}, "other", 23),  # a new demand leaves the raise of others
    ],
)
def test_a_repetition_leaves_what_others_need(tries: dict[str, int], demand: str | None, limit: int) -> None:
    change = due_of(CALL)
    known = failing(UP, 1000, demand or change.demand, -60, tries)
    mine = plan_of(CALL, circuit_state=replace(circuit_state_at(100), failed=(known,)))
    plans = account(mine, plan_of(Ask(200, 300)))
    assert [quota_holds(plans, used) for used in (limit - 1, limit)] == [
        False,
        limit < 24 or bool(tries) or True,
    ]
    assert quota_holds(plans, 0, limit - 1) is False or not tries


def test_within_a_run_a_repetition_leaves_it_too() -> None:
    change = due_of(CALL)
    mine = plan_of(CALL, circuit_state=failed_for(change, -60, refused=1))
    first, other = account(mine, plan_of(CALL))
    handed = {other.circuit.key}
    for used, held in ((18, False), (19, True)):
        plan, _ = hold_beyond_quota([first, other], handed, at(0), POLICY, {ACCOUNT: used})
        assert (plan.due is not None and plan.due.held is not None) is held
    plan, _ = hold_beyond_quota([first, other], handed, at(0), POLICY, {ACCOUNT: 17}, refused={ACCOUNT: 2})
    assert plan.due is not None
    assert plan.due.held is not None


def test_a_lowering_that_failed_leaves_room_for_the_lowerings_of_others() -> None:
    change = due_of(mbps=1000)
    mine = plan_of(circuit_state=failed_for(change, -120, not_done=1))
    plans = account(mine, plan_of(Ask(-60, 100)), plan_of(Ask(-60, 100), ordered=1000))
    held = [quota_holds(plans, used) for used in (0, 19)]
    assert held == [False, True]


def test_a_raise_that_the_quota_puts_higher_waits_as_the_higher_one_does() -> None:
    small, big = Ask(0, 60, 500), Ask(20, 60, 1000)
    change = due_of(small)
    plan = plan_of(small, big)
    demands = "+".join(sorted(cause.id for step in plan.changes for cause in step.causes if not cause.ended))
    failed = failing(UP, 1000, f"{change.demand}+{demands}", 0, {"refused": 2})
    stood = replace(circuit_state_at(100), failed=(failed,))
    mine = replace(plan, circuit_state=stood)
    (alone,) = plan_together(account(mine), at(1), POLICY, {ACCOUNT: 18})
    assert alone.due is not None
    assert (alone.due.new.mbps, alone.due.held is not None) == (1000, True)
    (free,) = plan_together(account(plan), at(1), POLICY, {ACCOUNT: 18})
    assert free.due is not None
    assert (free.due.new.mbps, free.due.held) == (1000, None)


# --- what it means for an event


def causes(plan: CircuitPlan, now: float = 0) -> list[object]:
    return [problem.facts["cause"] for problem in events_at_risk([plan], at(now), POLICY)]


LATE = Ask(-5, 300, 1000)
TWICE = {"refused": 2}


@pytest.mark.parametrize(
    ("ask", "known", "expected"),
    [
        pytest.param(CALL, {"tries": {"not_done": 1}, "failed": 1}, [], id="the next may be carried out"),
        pytest.param(CALL, {"tries": {"not_done": 2}, "failed": 2}, ["order_failed"], id="nor twice"),
        pytest.param(
            CALL, {"tries": {"refused": 2}, "refusal": {"code": "refused"}}, ["order_refused"], id="refused"
        ),
        pytest.param(
            CALL,
            {"tries": {"x": 2}, "refusal": {"code": "quota_exceeded"}},
            ["quota"],
            id="the day's changes",
        ),
        pytest.param(
            CALL, {"tries": {"other_bandwidth": 2}, "failed": 2}, ["other_bandwidth"], id="made another of it"
        ),
        pytest.param(LATE, {"tries": {"not_done": 1}, "failed": 1}, ["order_failed"], id="begun, and failed"),
        pytest.param(LATE, {"tries": {"change_pending": 2}}, ["late_run"], id="only waited for"),
    ],
)
def test_an_event_whose_orders_come_to_nothing_is_at_risk_by_that(
    ask: Ask, known: dict[str, object], expected: list[object]
) -> None:
    change = due_of(ask)
    failed = failing(UP, 1000, change.demand, -60, **known)  # type: ignore[arg-type]  # fields by name
    assert causes(plan_of(ask, circuit_state=replace(circuit_state_at(100), failed=(failed,)))) == expected


def test_a_raise_that_waits_too_long_for_its_event_is_at_risk() -> None:
    ask = Ask(15, 300, 1000, lead=15)
    change = due_of(ask)
    failed = failing(UP, 1000, change.demand, 3, {"refused": 2}, refusal={"code": "refused"})
    plan = plan_of(ask, circuit_state=replace(circuit_state_at(100), failed=(failed,)))
    assert plan.due is not None
    assert plan.due.held is not None
    assert causes(plan) == ["order_refused"]


def test_an_order_given_up_is_told_as_that() -> None:
    change = due_of(CALL)
    lost = replace(order(demand=change.demand, outcome=Outcome.LOST), resends=2)
    assert causes(plan_of(CALL, circuit_state=replace(circuit_state_at(100), recent=(lost,)))) == ["given_up"]


def test_the_own_order_of_an_event_says_when_it_is_expected() -> None:
    ask = Ask(8, 60, 1000, lead=30)
    open_order = replace(order(outcome=Outcome.ACCEPTED), accepted_at=at(0))
    plan = plan_of(ask, circuit_state=replace(circuit_state_at(100), order=open_order))
    (problem,) = events_at_risk([plan], at(0), POLICY)
    assert (problem.facts["accepted"], problem.facts["expected"]) == (at(0).isoformat(), at(10).isoformat())
    smaller = replace(open_order, new=Bandwidth(500))
    (other,) = events_at_risk(
        [plan_of(ask, circuit_state=replace(circuit_state_at(100), order=smaller))], at(0), POLICY
    )
    assert "accepted" not in other.facts


def test_an_order_that_waits_for_an_approval_puts_its_event_at_risk() -> None:
    waiting = Reading(at(0), Status.PENDING, Bandwidth(100), "deployable", waits_for="Contoso Cloud")
    open_order = replace(order(outcome=Outcome.PENDING), accepted_at=at(0))
    circuit_state = replace(circuit_state_at(100), order=open_order, reading=waiting)
    assert causes(plan_of(Ask(120, 180, 1000, lead=120), circuit_state=circuit_state)) == ["approval"]


def test_a_lost_order_is_kept_among_those_of_the_day() -> None:
    lost = apply_manual_change(
        replace(circuit_state_at(100), order=order(outcome=Outcome.UNKNOWN)), reading(30, 100), PATIENCE
    )
    assert (lost.order, lost.recent[-1].outcome, lost.failed) == (None, Outcome.LOST, ())


def test_refusals_count_for_nothing_where_nobody_else_needs_a_change() -> None:
    change = due_of(CALL)
    mine = plan_of(CALL, circuit_state=failed_for(change, -60, refused=3))
    assert not quota_holds(account(mine), 0, refused=100)
    assert quota_holds(account(mine, plan_of(Ask(200, 300))), 0, refused=18)
