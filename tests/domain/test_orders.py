"""S7: the life of an order, one reading at a time; S11: what people did."""

from __future__ import annotations

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Held, Reason
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Acceptance, Quote, Reading, Status
from iodcal.domain.orders import (
    GATEWAY_ANSWERED,
    BootTime,
    Direction,
    Order,
    Outcome,
    adoptable,
    make_intent,
    settle_order,
    waited_too_long,
    with_answer,
    with_end,
)
from iodcal.domain.overrides import apply_manual_change, forget_old_orders, starting_point
from iodcal.domain.structs import replace
from tests.domain.minutes import PATIENCE, Ask, at, circuit_state_at, minute_of, plan_of

OLD, NEW, OTHER = Bandwidth(100), Bandwidth(1000), Bandwidth(500)


def order(outcome: Outcome = Outcome.SENDING, **changes: object) -> Order:
    """An order up from 100 Mbps to 1 Gbps, sent at noon."""
    made = make_intent(
        id="a1",
        circuit_key="k",
        circuit="den-a",
        old=OLD,
        quote=Quote("q", NEW, at(0)),
        now=at(0),
        demand="d",
        resends=0,
        run_id="r",
    )
    if outcome not in (Outcome.SENDING, Outcome.UNKNOWN):
        made = with_answer(made, Acceptance(at(0), "42"))
    return replace(made, outcome=outcome, **changes)  # type: ignore[arg-type]  # fields by name


def reading(minute: float, mbps: int | None, status: Status = Status.ACTIVE) -> Reading:
    return Reading(at(minute), status, Bandwidth(mbps) if mbps else None, str(status))


@pytest.mark.parametrize(
    ("before", "seen", "after"),
    [
        pytest.param(Outcome.ACCEPTED, reading(5, 1000), Outcome.CONFIRMED, id="done"),
        pytest.param(Outcome.ACCEPTED, reading(5, 100), Outcome.ACCEPTED, id="not yet to be seen"),
        pytest.param(Outcome.ACCEPTED, reading(5, 100, Status.PENDING), Outcome.PENDING, id="pending"),
        pytest.param(
            Outcome.PENDING, reading(5, 1000, Status.PENDING), Outcome.PENDING, id="target but pending"
        ),
        pytest.param(Outcome.PENDING, reading(5, 100), Outcome.FAILED, id="seen under way, and back at once"),
        pytest.param(Outcome.PENDING, reading(19, 500), Outcome.FAILED, id="elsewhere, within the time-out"),
        pytest.param(Outcome.ACCEPTED, reading(5, 500), Outcome.FAILED, id="elsewhere at once"),
        pytest.param(
            Outcome.PENDING, reading(5, 500, Status.PENDING), Outcome.PENDING, id="elsewhere, pending"
        ),
        pytest.param(Outcome.UNKNOWN, reading(5, 500), Outcome.ACCEPTED, id="elsewhere, and no answer"),
        pytest.param(Outcome.PENDING, reading(20, 100), Outcome.FAILED, id="old after the time-out: failed"),
        pytest.param(Outcome.ACCEPTED, reading(20, 500), Outcome.FAILED, id="replaced by somebody"),
        pytest.param(Outcome.ACCEPTED, reading(20, 100, Status.PENDING), Outcome.OVERDUE, id="overdue"),
        pytest.param(Outcome.OVERDUE, reading(90, 1000), Outcome.CONFIRMED, id="done after all"),
        pytest.param(Outcome.OVERDUE, reading(90, 100), Outcome.FAILED, id="failed after all"),
        pytest.param(
            Outcome.ACCEPTED, reading(30, 100, Status.UNKNOWN), Outcome.OVERDUE, id="a strange status"
        ),
        pytest.param(Outcome.UNKNOWN, reading(5, 1000), Outcome.CONFIRMED, id="lost answer, but done"),
        pytest.param(
            Outcome.UNKNOWN, reading(5, 100, Status.PENDING), Outcome.PENDING, id="lost, but pending"
        ),
        pytest.param(Outcome.UNKNOWN, reading(5, 500), Outcome.ACCEPTED, id="lost, something moved"),
        pytest.param(Outcome.UNKNOWN, reading(14, 100), Outcome.UNKNOWN, id="lost, within the grace"),
        pytest.param(Outcome.UNKNOWN, reading(15, 100), Outcome.LOST, id="lost for good"),
        pytest.param(Outcome.SENDING, reading(1, 100), Outcome.UNKNOWN, id="crashed while sending"),
        pytest.param(Outcome.SENDING, reading(15, 100), Outcome.LOST, id="crashed, never arrived"),
        pytest.param(Outcome.FAILED, reading(50, 1000), Outcome.FAILED, id="settled"),
    ],
)
def test_what_a_reading_makes_of_an_order(before: Outcome, seen: Reading, after: Outcome) -> None:
    assert settle_order(order(before), seen, PATIENCE).outcome is after


def test_a_reading_that_differed_once_keeps_a_lost_order_from_being_resent() -> None:
    seen = settle_order(order(Outcome.UNKNOWN), reading(5, 100, Status.PENDING), PATIENCE)
    assert (seen.outcome, seen.accepted_at) == (Outcome.PENDING, at(0))
    assert settle_order(seen, reading(16, 100), PATIENCE).outcome is Outcome.PENDING
    assert settle_order(seen, reading(20, 100), PATIENCE).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("wall", "boot", "after"),
    [
        pytest.param(15, BootTime("one", 60 + 15 * 60), Outcome.LOST, id="both have passed"),
        pytest.param(300, BootTime("one", 60 + 14 * 60), Outcome.UNKNOWN, id="the clock was set forward"),
        pytest.param(
            14, BootTime("one", 60 + 300 * 60), Outcome.UNKNOWN, id="the clock was set back a little"
        ),
        pytest.param(
            -60, BootTime("one", 60 + 15 * 60), Outcome.LOST, id="the clock was set back by an hour"
        ),
        pytest.param(-60, BootTime("one", 60 + 14 * 60), Outcome.UNKNOWN, id="set back, and not long ago"),
        pytest.param(15, BootTime("two", 5), Outcome.LOST, id="another boot: the wall clock alone"),
        pytest.param(15, None, Outcome.LOST, id="no boot time is to be had"),
    ],
)
def test_no_setting_of_the_clock_makes_an_order_older(
    wall: float, boot: BootTime | None, after: Outcome
) -> None:
    sent = order(Outcome.UNKNOWN, boot=BootTime("one", 60))
    assert settle_order(sent, reading(wall, 100), PATIENCE, boot).outcome is after


def test_an_order_that_a_gateway_answered_has_failed_where_nothing_came_of_it() -> None:
    answered = order(Outcome.UNKNOWN, reason=GATEWAY_ANSWERED)
    assert settle_order(answered, reading(14, 100), PATIENCE).outcome is Outcome.UNKNOWN
    assert settle_order(answered, reading(15, 100), PATIENCE).outcome is Outcome.FAILED
    assert settle_order(answered, reading(15, 1000), PATIENCE).outcome is Outcome.CONFIRMED


def test_the_clock_alone_makes_an_order_overdue_and_nothing_else() -> None:
    assert waited_too_long(order(Outcome.ACCEPTED), at(19), PATIENCE).outcome is Outcome.ACCEPTED
    assert waited_too_long(order(Outcome.ACCEPTED), at(20), PATIENCE).outcome is Outcome.OVERDUE
    assert waited_too_long(order(Outcome.UNKNOWN), at(99), PATIENCE).outcome is Outcome.UNKNOWN


def test_an_own_order_that_surfaces_late_is_adopted() -> None:
    lost = order(Outcome.LOST)
    assert adoptable([lost], reading(60, 1000)) is lost
    assert adoptable([lost], reading(60, 500)) is None
    assert adoptable([order(Outcome.CONFIRMED)], reading(60, 1000)) is None
    assert adoptable([lost], reading(24 * 60 + 1, 1000)) is None
    circuit_state = replace(circuit_state_at(100), recent=(lost,))
    after = apply_manual_change(circuit_state, reading(60, 1000), PATIENCE)
    assert (after.confirmed, after.drift, after.recent[0].outcome) == (NEW, None, Outcome.CONFIRMED)


def test_external_ids_are_short_and_another_for_every_attempt() -> None:
    ids = {
        order(id=f"{number:032x}", resends=resends).external_id
        for number in range(200)
        for resends in range(3)
    }
    assert len(ids) == 600
    assert all(len(one) <= 20 and one.isascii() and one.isalnum() for one in ids)
    assert order().external_id == order().external_id
    assert order().note == f"iodcal den-a 100->1000 {order().external_id[-8:]}"
    assert len(order().note) < 100


def test_directions_quota_and_giving_up() -> None:
    assert order().direction is Direction.UP
    assert replace(order(), new=Bandwidth(50)).direction is Direction.DOWN
    counted = {outcome for outcome in Outcome if outcome.counts_against_quota}
    assert counted == set(Outcome) - {Outcome.REFUSED, Outcome.NOT_SENT}
    assert order(Outcome.LOST, resends=2).gives_up
    assert not order(Outcome.LOST, resends=1).gives_up
    assert with_end(order(), Outcome.UNKNOWN, at(1)).settled_at is None
    assert with_end(order(), Outcome.REFUSED, at(1), "why").reason == "why"


def first_seen(mbps: int, status: Status = Status.ACTIVE) -> CircuitState:
    return apply_manual_change(circuit_state_at(None), reading(0, mbps, status), PATIENCE)


def test_the_first_reading_is_ours_by_definition() -> None:
    assert first_seen(500).confirmed == OTHER
    assert first_seen(500).drift is None
    pending = first_seen(500, Status.PENDING)
    assert pending.confirmed is None
    assert starting_point(pending) == OTHER


def test_a_reading_that_no_order_explains_is_drift_dated_by_the_last_that_agreed() -> None:
    agreed = apply_manual_change(circuit_state_at(100), reading(0, 100), PATIENCE)
    raised = apply_manual_change(agreed, reading(60, 1000), PATIENCE)
    assert raised.drift is not None
    assert (raised.drift.observed, minute_of(raised.drift.agreed_at)) == (NEW, 0)
    again = apply_manual_change(raised, reading(70, 1000), PATIENCE)
    assert again.drift == raised.drift
    other = apply_manual_change(again, reading(80, 500), PATIENCE)
    assert other.drift is not None
    assert (other.drift.observed, minute_of(other.drift.agreed_at)) == (OTHER, 0)
    assert apply_manual_change(other, reading(90, 100), PATIENCE).drift is None


def test_drift_behind_a_confirmed_order_is_dated_by_it() -> None:
    done = replace(order(Outcome.CONFIRMED), settled_at=at(-30))
    circuit_state = replace(circuit_state_at(1000), reading=None, recent=(done,))
    drifted = apply_manual_change(circuit_state, reading(10, 100), PATIENCE)
    assert drifted.drift is not None
    assert minute_of(drifted.drift.agreed_at) == -30


def test_a_copy_that_lags_behind_a_confirmed_order_is_no_drift() -> None:
    done = replace(order(Outcome.CONFIRMED), settled_at=at(0))
    circuit_state = replace(circuit_state_at(1000), recent=(done,))
    assert apply_manual_change(circuit_state, reading(14, 100), PATIENCE).drift is None
    assert apply_manual_change(circuit_state, reading(14, 500), PATIENCE).drift is not None
    assert apply_manual_change(circuit_state, reading(15, 100), PATIENCE).drift is not None


def test_an_open_order_is_no_drift() -> None:
    circuit_state = replace(circuit_state_at(100), order=order(Outcome.ACCEPTED))
    seen = apply_manual_change(circuit_state, reading(5, 100), PATIENCE)
    assert (seen.drift, seen.order) == (None, circuit_state.order)
    done = apply_manual_change(circuit_state, reading(5, 1000), PATIENCE)
    assert (done.confirmed, done.order, done.recent[0].outcome) == (NEW, None, Outcome.CONFIRMED)
    failed = apply_manual_change(circuit_state, reading(25, 100), PATIENCE)
    assert (failed.confirmed, failed.order, failed.recent[0].outcome) == (OLD, None, Outcome.FAILED)


def test_old_orders_are_forgotten_after_a_day() -> None:
    circuit_state = replace(circuit_state_at(100), recent=(order(Outcome.LOST),))
    assert len(forget_old_orders(circuit_state, at(24 * 60)).recent) == 1
    assert forget_old_orders(circuit_state, at(24 * 60 + 1)).recent == ()


def test_of_orders_that_came_to_the_same_end_only_the_latest_is_kept() -> None:
    def ended_at(minute: float, outcome: Outcome, mbps: int = 1000) -> Order:
        return order(outcome, id=f"{outcome} {minute}", created_at=at(minute), new=Bandwidth(mbps))

    kept = [
        ended_at(20, Outcome.REFUSED),
        ended_at(15, Outcome.REFUSED, 500),
        ended_at(18, Outcome.FAILED),
        ended_at(40, Outcome.CONFIRMED, 500),
    ]
    dropped = [
        ended_at(10, Outcome.REFUSED),
        ended_at(5, Outcome.REFUSED, 500),
        ended_at(30, Outcome.CONFIRMED),
    ]
    for recent in ([*kept, *dropped], [*dropped, *kept]):
        circuit_state = replace(circuit_state_at(100), recent=tuple(recent))
        assert forget_old_orders(circuit_state, at(60)).recent == tuple(kept)


def test_a_curtain_up_reading_is_remembered_until_its_event_is_over() -> None:
    circuit_state = replace(circuit_state_at(100), preflight_checks=(("e", at(30)),))
    assert forget_old_orders(circuit_state, at(29)).preflight_checks == (("e", at(30)),)
    assert forget_old_orders(circuit_state, at(30)).preflight_checks == ()


def drifted(mbps: int, *, confirmed: int, agreed: float = -30, **changes: object) -> CircuitState:
    circuit_state = apply_manual_change(
        circuit_state_at(confirmed, read_at=agreed), reading(0, mbps), PATIENCE
    )
    return replace(circuit_state, **changes)  # type: ignore[arg-type]  # fields by name


def test_a_persons_raise_stays_until_the_target_next_steps_down() -> None:
    raised = drifted(1000, confirmed=100)
    plan = plan_of(Ask(120, 180, 500), circuit_state=raised)
    assert plan.due is not None
    assert plan.due.held is not None
    assert (plan.due.held.reason, plan.due.held.until) == (Reason.PERSON, at(180))
    after = plan_of(circuit_state=replace(raised, level=OTHER), now=1)
    assert after.to_order is not None
    assert after.to_order.new == OLD


def test_an_event_before_a_held_lowering_is_planned_from_where_the_circuit_stands() -> None:
    raised = drifted(500, confirmed=100)
    plan = plan_of(Ask(120, 180, 1000), Ask(240, 300, 500), circuit_state=raised)
    assert plan.due is not None
    assert plan.due.held == Held(Reason.PERSON, at(180))
    steps = [(change.at, change.old.mbps, change.new.mbps) for change in plan.changes[1:]]
    assert steps == [(at(120), 500, 1000), (at(180), 1000, 100), (at(240), 100, 500), (at(300), 500, 100)]


def test_on_drift_enforce_lowers_at_once() -> None:
    from tests.domain.minutes import POLICY

    plan = plan_of(circuit_state=drifted(1000, confirmed=100), policy=replace(POLICY, enforce=True))
    assert plan.to_order is not None


def test_a_persons_change_that_is_just_what_is_asked_for_is_adopted() -> None:
    plan = plan_of(Ask(-5, 60), circuit_state=drifted(1000, confirmed=100))
    assert (plan.changes[0].due, plan.circuit_state.drift, plan.circuit_state.confirmed) == (False, None, NEW)


def test_a_lowered_circuit_is_raised_once_for_a_demand() -> None:
    lowered = drifted(100, confirmed=1000)
    plan = plan_of(Ask(-30, 60, name="call"), circuit_state=lowered)
    assert plan.to_order is not None
    again = replace(lowered, raised_for=plan.to_order.demand)
    held = plan_of(Ask(-30, 60, name="call"), circuit_state=again).due
    assert held is not None
    assert held.held is not None
    assert held.held.reason is Reason.PERSON
    other = plan_of(Ask(-30, 60, name="another"), circuit_state=again)
    assert other.to_order is not None


def test_an_up_is_needed_when_its_first_event_begins() -> None:
    due = plan_of(Ask(20, 60, lead=30), Ask(25, 90, lead=30)).due
    assert due is not None
    assert due.needed_by == at(20)
    lowered = plan_of(ordered=1000).due
    assert lowered is not None
    assert lowered.needed_by is None


def test_the_lead_left_is_known_once_an_up_is_confirmed() -> None:
    needed = order(Outcome.ACCEPTED, needed_by=at(20))
    assert needed.lead_left is None
    done = settle_order(needed, Reading(at(12), Status.ACTIVE, NEW), PATIENCE)
    assert done.lead_left == at(20) - at(12)
    late = settle_order(needed, Reading(at(25), Status.ACTIVE, NEW), PATIENCE)
    assert late.lead_left == at(20) - at(25)
    assert (
        settle_order(order(Outcome.ACCEPTED), Reading(at(12), Status.ACTIVE, NEW), PATIENCE).lead_left is None
    )
