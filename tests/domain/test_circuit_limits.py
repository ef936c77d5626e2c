"""How often one circuit may be changed, and what its carrier said of the next change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuit_limits import allowed_at, count_change, held_by_answer, held_by_limits, name_change
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import ChangeLimit, Circuit, contradiction
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.structs import replace
from iodcal.problems.at_risk import events_at_risk
from iodcal.problems.kinds import Kind
from tests.domain.minutes import (
    CIRCUIT,
    POLICY,
    Ask,
    at,
    circuit_state_at,
    minute_of,
    minutes,
    plan_of,
    timeline_of,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LOW, HIGH = Bandwidth(100), Bandwidth(500)
STATE = CircuitState("key", "den-a", "memory", "1")


def ago(*minutes: float) -> tuple[datetime, ...]:
    return tuple(NOW - timedelta(minutes=one) for one in minutes)


@pytest.mark.parametrize(
    ("limits", "changed", "until"),
    [
        (["1 in 5m"], ago(), 0),
        (["1 in 5m"], ago(4), 1),
        (["1 in 5m"], ago(5), 0),
        (["2 in 1h"], ago(50, 10), 10),
        (["2 in 1h"], ago(60, 10), 0),
        (["1 in 5m", "2 in 1h"], ago(50, 3), 10),
        (["1 in 24h"], ago(60), 23 * 60),
        (["2 a month"], ago(30, 20), 6 * 1440 + 12 * 60),
        (["2 a month"], ago(30 * 1440, 20), 0),
    ],
)
def test_the_next_change_is_allowed_once_every_limit_has_room(
    limits: list[str], changed: tuple[datetime, ...], until: int
) -> None:
    found = allowed_at([ChangeLimit.parse(one) for one in limits], changed, NOW)
    assert found == NOW + timedelta(minutes=until)


@pytest.mark.parametrize(
    "text", ["", "5m", "0 in 5m", "1 in 0m", "1 in 32d", "1 of 5m", "x a month", "1 a week", "-1 in 5m"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ChangeLimit.parse(text)


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        ([], None),
        (["1 in 5m", "100 a month"], None),
        (["1 in 5m", "2 in 5m"], "1 in 5m and 2 in 5m limit the same period: keep one"),
        (
            ["3 in 5m", "2 in 1h"],
            "3 in 5m can never be used up, as 2 in 1h allows fewer: correct one",
        ),
        (
            ["5 a month", "9 in 1d"],
            "9 in 1d can never be used up, as 5 a month allows fewer: correct one",
        ),
    ],
)
def test_limits_that_cannot_both_be_meant_are_named(limits: list[str], fault: str | None) -> None:
    assert contradiction([ChangeLimit.parse(one) for one in limits]) == fault


def change(old: Bandwidth, new: Bandwidth) -> Change:
    return Change("den-a", NOW, due=True, old=old, new=new)


def test_a_carrier_that_said_not_now_is_left_alone_for_so_long() -> None:
    until = NOW + timedelta(minutes=2)
    told = replace(STATE, not_before=until)
    assert held_by_answer(told, change(LOW, HIGH), NOW) == Held(Reason.NOT_NOW, until)
    assert held_by_answer(told, change(LOW, HIGH), until) is None


def test_what_was_refused_for_good_is_not_asked_again_and_another_change_is() -> None:
    refused = replace(STATE, refused_for=name_change(change(LOW, HIGH)))
    assert held_by_answer(refused, change(LOW, HIGH), NOW) == Held(Reason.REFUSED)
    assert held_by_answer(refused, change(HIGH, LOW), NOW) is None


def order(outcome: Outcome, at: datetime = NOW) -> Order:
    return Order("1", "key", "den-a", LOW, HIGH, at, outcome)


def test_what_may_have_reached_the_carrier_counts() -> None:
    limits = (ChangeLimit(1, timedelta(minutes=5)),)
    old = replace(STATE, changed_at=ago(10, 3))
    assert count_change(old, limits, order(Outcome.REFUSED)).changed_at == (*ago(3), NOW)
    assert count_change(old, limits, order(Outcome.NOT_SENT)) == old
    assert count_change(old, (), order(Outcome.ACCEPTED)) == old


def limited(*limits: str) -> Circuit:
    return replace(CIRCUIT, limits=tuple(ChangeLimit.parse(one) for one in limits))


def held_of(plan: CircuitPlan) -> tuple[str, float | None] | None:
    """Why the change that is due is held back, and until which minute."""
    held = plan.due.held if plan.due is not None else None
    if held is None:
        return None
    return str(held.reason), None if held.until is None else minute_of(held.until)


def changed(mbps: int, *at_minutes: float) -> CircuitState:
    return replace(circuit_state_at(mbps), changed_at=tuple(at(minute) for minute in at_minutes))


def test_a_raise_waits_for_the_circuits_own_limit_and_says_until_when() -> None:
    plan = plan_of(Ask(0, 60), circuit=limited("1 in 5m"), circuit_state=changed(100, -2))
    assert held_of(plan) == ("not_now", 3)
    assert held_of(plan_of(Ask(0, 60), circuit=limited("1 in 5m"), circuit_state=changed(100, -5))) is None


def test_a_circuit_without_limits_is_never_held_by_them() -> None:
    assert held_of(plan_of(Ask(0, 60), circuit_state=changed(100, -1))) is None


def test_a_lowering_leaves_room_for_the_raise_that_is_seen_coming() -> None:
    policy = replace(POLICY, min_gap=minutes(60))
    soon, later = Ask(90, 120), Ask(200, 230)
    day = limited("1 in 3h")
    assert held_of(plan_of(soon, ordered=1000, circuit=day, policy=policy)) == ("not_now", 180)
    assert held_of(plan_of(later, ordered=1000, circuit=day, policy=policy)) is None


def test_a_lowering_leaves_one_change_of_the_month_for_a_raise() -> None:
    monthly = limited("2 a month")
    month_over = 6 * 1440 + 12 * 60
    assert held_of(plan_of(circuit=monthly, circuit_state=changed(1000, -2000))) == ("not_now", month_over)
    assert held_of(plan_of(circuit=monthly, ordered=1000)) is None
    assert held_of(plan_of(Ask(0, 60), circuit=monthly, circuit_state=changed(100, -2000))) is None
    assert held_of(plan_of(Ask(0, 60), circuit=monthly, circuit_state=changed(100, -9, -7))) == (
        "not_now",
        month_over,
    )


def test_an_order_that_a_killed_run_did_not_count_counts() -> None:
    sent = replace(
        circuit_state_at(100), recent=(order(Outcome.FAILED, at(-2)), order(Outcome.NOT_SENT, at(-1)))
    )
    assert held_of(plan_of(Ask(0, 60), circuit=limited("1 in 5m"), circuit_state=sent)) == ("not_now", 3)


def test_at_the_very_end_of_what_is_seen_nothing_is_known_to_come() -> None:
    timeline = timeline_of(circuit=limited("1 in 5m"))
    down = change(HIGH, LOW)
    assert held_by_limits(down, timeline, (), timeline.span.end) is None


def test_a_refusal_for_good_is_held_as_such() -> None:
    plan = plan_of(Ask(0, 60))
    assert plan.due is not None
    refused = replace(circuit_state_at(100), refused_for=name_change(plan.due))
    assert held_of(plan_of(Ask(0, 60), circuit_state=refused)) == ("refused", None)


def test_an_event_that_a_limit_will_make_late_is_seen_ahead() -> None:
    daily = limited("1 in 24h")
    plan = plan_of(Ask(180, 240), circuit=daily, circuit_state=changed(100, -60))
    (up, *_) = plan.changes
    assert (up.due, up.held) == (False, Held(Reason.NOT_NOW, at(23 * 60)))
    (problem,) = events_at_risk([plan], at(0), POLICY)
    assert (problem.kind, problem.facts["cause"]) == (Kind.EVENT_AT_RISK, "not_now")


def test_what_is_planned_before_counts_against_a_limit_too() -> None:
    plan = plan_of(Ask(0, 60, mbps=500), Ask(90, 240), circuit=limited("1 in 2h"))
    held = [(one.new.mbps, one.held) for one in plan.changes]
    assert held[:2] == [(500, None), (1000, Held(Reason.NOT_NOW, at(120)))]
