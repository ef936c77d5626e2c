"""Circuits that share an account: what becomes of their plans when the day's changes are few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Held, Reason
from iodcal.domain.circuit_state import Foreseen
from iodcal.domain.circuits import Baseline, Orders, Peak
from iodcal.domain.money import Billing, Rate, RateSource, Tariff
from iodcal.domain.orders import Outcome
from iodcal.domain.planning import CircuitPlan, Shortage, foresee
from iodcal.domain.structs import replace
from iodcal.domain.together import hold_beyond_quota, plan_together
from iodcal.problems.at_risk import events_at_risk
from iodcal.problems.kinds import Kind
from tests.domain.minutes import (
    ACCOUNT,
    CIRCUIT,
    NOON,
    POLICY,
    TIERS,
    Ask,
    at,
    circuit_state_at,
    minute_of,
    minutes,
    plan_of,
)
from tests.domain.test_orders import order

PRICES = {100: "0.46", 200: "0.58", 500: "0.82", 1000: "1.06"}
TARIFF = Tariff(
    "USD",
    Billing.MINUTE,
    tuple((Bandwidth(mbps), Rate(Decimal(price), RateSource.CONFIGURED)) for mbps, price in PRICES.items()),
)
THREE_DAYS = replace(POLICY, window=timedelta(hours=72), quota_reserve=0)


def planned(
    *asks: Ask,
    name: str = "a",
    limit: int = 24,
    ordered: int = 100,
    policy: object = POLICY,
    **changes: object,
) -> CircuitPlan:
    """One circuit of the account, planned by itself."""
    circuit = replace(CIRCUIT, name=name, service_id=name, changes_per_day=limit, tariff=TARIFF)
    circuit = replace(circuit, **changes)  # type: ignore[arg-type]  # fields by name
    circuit_state = replace(circuit_state_at(ordered), key=name, foreseen=(Foreseen(at(-1), TIERS[0]),))
    return plan_of(*asks, circuit=circuit, circuit_state=circuit_state, policy=policy)  # type: ignore[arg-type]


def together(*plans: CircuitPlan, used: int = 0, reserve: int = 0) -> dict[str, CircuitPlan]:
    policy = replace(POLICY, quota_reserve=reserve)
    return {plan.circuit.name: plan for plan in plan_together(plans, at(0), policy, {ACCOUNT: used})}


def over_three_days(*plans: CircuitPlan, used: int = 0) -> dict[str, CircuitPlan]:
    return {plan.circuit.name: plan for plan in plan_together(plans, at(0), THREE_DAYS, {ACCOUNT: used})}


def shown(plan: CircuitPlan) -> list[tuple[float, int, int, str | None]]:
    """Changes as (minute, from, to, held)."""
    return [
        (
            0 if change.due else minute_of(change.at),
            change.old.mbps,
            change.new.mbps,
            str(change.held.reason) if change.held else None,
        )
        for change in plan.changes
    ]


def test_with_changes_to_spare_each_keeps_the_plan_it_has_by_itself() -> None:
    own = [planned(Ask(60, 120), name="a"), planned(Ask(300, 360, 500), name="b", ordered=500)]
    assert list(together(*own).values()) == own


def test_the_lowering_that_saves_least_is_left_out_and_what_that_costs_is_told() -> None:
    long = planned(Ask(600, 700, 500), name="long", ordered=500, limit=3)
    short = planned(Ask(120, 700, 500), name="short", ordered=500, limit=3)
    found = together(long, short)
    assert shown(found["long"]) == [(0, 500, 100, None), (600, 100, 500, None), (700, 500, 100, None)]
    assert shown(found["short"]) == [(0, 500, 100, "quota")]
    left, later = found["short"].left_out[0], found["short"].left_out[-1]
    assert (left.change.new, left.kept, minute_of(left.until)) == (TIERS[0], TIERS[2], 120)
    assert left.change.held == Held(Reason.QUOTA)
    assert left.cost.rounded == Decimal("0.72")  # two hours at 0.82 in the place of 0.46
    assert (later.change.new, minute_of(later.change.at), minute_of(later.until)) == (TIERS[0], 700, 720)
    assert found["long"].left_out == ()
    assert Foreseen(left.change.at, TIERS[0]) in foresee(found["short"]), "it may go as soon as there is room"


def test_a_circuit_that_the_quota_leaves_alone_keeps_its_own_plan() -> None:
    overdue = planned(Ask(-120, -10, 500), name="a", ordered=500, limit=1)
    other = planned(Ask(60, 660, 500), name="b", ordered=500, limit=1)
    found = together(overdue, other)
    assert (found["a"], shown(found["b"])) == (overdue, [(0, 500, 100, "quota")])


def test_what_stays_up_goes_up_from_there() -> None:
    found = together(planned(Ask(300, 400), ordered=500, limit=1))["a"]
    assert shown(found) == [(0, 500, 100, "quota"), (300, 500, 1000, None)]
    assert minute_of(found.left_out[0].until) == 300


def test_an_exactly_window_goes_before_money() -> None:
    work = [Ask(0, 720, 500), Ask(60, 120, 200, exactly=True, priority=9)]
    found = together(
        planned(*work, name="work", ordered=500, limit=2),
        planned(Ask(600, 720), name="dear", ordered=1000, limit=2),
    )
    assert shown(found["work"]) == [(60, 500, 200, None), (120, 200, 500, None)]
    assert shown(found["dear"]) == [(0, 1000, 100, "quota")]


def test_a_higher_tier_that_costs_less_is_what_a_lowering_goes_to() -> None:
    odd = TARIFF.over({TIERS[2]: Rate(Decimal("0.1"), RateSource.CONFIGURED)})
    found = together(
        planned(Ask(60, 200, 500), Ask(200, 300), name="a", limit=3, tariff=odd),
        planned(Ask(90, 720, 500), name="b", ordered=500, limit=3),
    )
    assert shown(found["a"]) == [(60, 100, 500, None), (200, 500, 1000, None), (300, 1000, 500, None)]


def test_a_tier_that_costs_nothing_counts_as_that() -> None:
    free = {Bandwidth(100): Rate(Decimal(0), RateSource.CONFIGURED)}
    found = together(
        planned(Ask(300, 720, 500), name="free", ordered=500, limit=2, tariff=TARIFF.over(free)),
        planned(Ask(120, 720, 500), name="paid", ordered=500, limit=2),
    )
    assert (len(found["free"].left_out), len(found["paid"].left_out)) == (0, 1)


def test_what_is_held_for_the_quota_waits_for_the_quotas_day() -> None:
    found = together(planned(name="a", ordered=500, limit=1), used=1)["a"]
    assert found.due is not None
    assert found.due.held == Held(
        Reason.QUOTA, datetime.combine(NOON.date() + timedelta(days=1), time(), NOON.tzinfo)
    )
    assert found.to_order is None
    assert found.target == TIERS[0]


def test_a_staircase_goes_up_early_where_its_steps_do_not_fit() -> None:
    steps = [
        Ask(60, 400, 200, name="s", lead=30),
        Ask(100, 400, 500, name="m", lead=30),
        Ask(200, 400, name="l", lead=30),
    ]
    found = together(planned(*steps, limit=1))["a"]
    assert shown(found) == [(30, 100, 1000, None)]
    assert [cause.subject for cause in found.changes[0].causes] == ["s", "l"]
    assert found.shortages == (Shortage(date(2026, 11, 24), 3, 1, 0),)
    assert [left.kept.mbps for left in found.left_out] == [1000, 1000, 1000]
    assert list(events_at_risk([found], at(0), POLICY)) == []


def test_a_raise_that_is_due_goes_as_high_as_it_must_for_the_later_ones() -> None:
    found = together(planned(Ask(0, 400, 200), Ask(100, 400), limit=1))["a"]
    assert shown(found) == [(0, 100, 1000, None)]
    assert (found.target, found.to_order) == (TIERS[3], found.changes[0])


def test_a_raise_that_goes_higher_starts_from_where_the_circuit_stayed() -> None:
    found = together(planned(Ask(120, 400, 500), Ask(200, 400), ordered=200, limit=1))["a"]
    assert shown(found) == [(0, 200, 100, "quota"), (120, 200, 1000, None)]


def test_where_not_even_raises_fit_those_whose_event_is_last_go_without_and_it_is_told_hours_before() -> None:
    plans = [
        planned(Ask(start, start + 60, lead=30), name=name, limit=1)
        for name, start in (("a", 400), ("b", 300))
    ]
    found = together(*plans)
    assert shown(found["b"]) == [(270, 100, 1000, None)]
    assert shown(found["a"]) == [(370, 100, 1000, "quota")]
    assert found["a"].shortages == (Shortage(date(2026, 11, 24), 2, 1, 1),)
    (problem,) = events_at_risk(found.values(), at(0), POLICY)
    assert (problem.kind, problem.facts["cause"], problem.facts["circuit"]) == (
        Kind.EVENT_AT_RISK,
        "quota",
        "a",
    )


def test_tomorrow_lowers_what_today_left_up() -> None:
    plan = planned(name="a", ordered=500, limit=1, policy=THREE_DAYS)
    (found,) = plan_together([plan], at(0), THREE_DAYS, {ACCOUNT: 1})
    assert shown(found) == [(0, 500, 100, "quota"), (720, 500, 100, None)]
    assert found.changes[1].causes == plan.changes[0].causes
    (left,) = found.left_out
    assert minute_of(left.until) == 720


def test_a_change_at_midnight_is_one_of_the_new_day() -> None:
    raised = planned(Ask(750, 9000, lead=30), limit=1, policy=THREE_DAYS)
    assert [minute_of(change.at) for change in raised.changes] == [720]
    assert over_three_days(raised, used=1)["a"] == raised


def test_a_lowering_before_midnight_saves_only_until_the_raise_at_midnight() -> None:
    found = over_three_days(
        planned(Ask(0, 660, 500), Ask(720, 9000, 500), name="a", ordered=500, limit=1, policy=THREE_DAYS),
        planned(Ask(0, 600, 500), Ask(740, 9000, 500), name="b", ordered=500, limit=1, policy=THREE_DAYS),
    )
    assert (shown(found["a"]), len(found["a"].left_out)) == ([], 1)
    assert shown(found["b"]) == [(600, 500, 100, None), (740, 100, 500, None)]


def test_a_lowering_at_midnight_stays_what_it_is_where_the_quota_makes_others_differ() -> None:
    own = planned(Ask(600, 720, 500), name="a", limit=1, policy=THREE_DAYS)
    left_up = planned(name="b", ordered=200, limit=1, policy=THREE_DAYS)
    found = over_three_days(own, left_up)
    assert found["a"].changes == own.changes
    assert shown(found["b"]) == [(0, 200, 100, "quota"), (2160, 200, 100, None)]


def test_what_was_left_up_is_lowered_day_by_day_what_saves_most_first() -> None:
    found = over_three_days(
        planned(name="a", ordered=500, limit=1, policy=THREE_DAYS),
        planned(name="b", ordered=1000, limit=1, policy=THREE_DAYS),
        used=1,
    )
    assert shown(found["a"]) == [(0, 500, 100, "quota"), (2160, 500, 100, None)]
    assert shown(found["b"]) == [(0, 1000, 100, "quota"), (720, 1000, 100, None)]


def test_what_was_left_up_and_has_a_lowering_at_midnight_is_lowered_once() -> None:
    plan = planned(Ask(0, 720, 500), name="a", ordered=1000, limit=4, policy=THREE_DAYS)
    found = over_three_days(plan, used=4)["a"]
    assert shown(found) == [(0, 1000, 500, "quota"), (720, 1000, 100, None)]
    assert found.changes[1].causes == plan.changes[1].causes


def test_tomorrow_lowers_to_what_is_asked_for_soon_after_midnight() -> None:
    soon = Ask(750, 900, 200, lead=10)
    plan = planned(Ask(0, 300, 500), soon, name="a", ordered=1000, limit=5, policy=THREE_DAYS)
    waiting = planned(soon, name="b", limit=5, policy=THREE_DAYS)
    found = over_three_days(plan, waiting, used=5)
    assert shown(found["a"]) == [
        (0, 1000, 500, "quota"),
        (720, 1000, 200, None),
        (900, 200, 100, None),
    ]
    assert found["a"].changes[1].causes == plan.changes[1].causes, "those of the last lowering that it is for"
    assert found["b"].changes == waiting.changes, "raised before it must"


def test_a_circuit_goes_up_before_midnight_where_tomorrow_has_no_room() -> None:
    """Two peaks at two in the morning UTC, one change a day."""
    office = Baseline(TIERS[0], (Peak(frozenset(range(7)), time(19), time(23), TIERS[2]),))
    plans = [planned(name=name, limit=1, policy=THREE_DAYS, baseline=office) for name in "ab"]
    found = plan_together(plans, at(0), THREE_DAYS, {})
    assert shown(found[0])[0] == (710, 100, 500, None)
    assert shown(found[1])[0] == (840, 100, 500, None)
    assert found[0].shortages[0] == Shortage(date(2026, 11, 25), 2, 1, 0)
    assert list(events_at_risk(found, at(0), THREE_DAYS)) == []


def test_no_circuit_goes_up_on_the_evening_before_where_tomorrow_has_room() -> None:
    plans = [planned(Ask(900, 1000), name=name, policy=THREE_DAYS) for name in "ab"]
    assert list(plan_together(plans, at(0), THREE_DAYS, {})) == plans


@pytest.mark.parametrize("limit", [24, 1])
def test_what_begins_in_the_second_in_which_the_plan_ends_is_left_to_a_later_run(limit: int) -> None:
    """Cron starts runs just after a whole minute, and events begin at whole minutes."""
    now, policy = 0.5 / 60, replace(POLICY, window=timedelta(hours=6))
    circuit = replace(CIRCUIT, changes_per_day=limit, tariff=TARIFF)
    plans = [
        plan_of(Ask(360, 500), circuit=replace(circuit, name=name, service_id=name), now=now, policy=policy)
        for name in "ab"
    ]
    assert [len(plan.changes) for plan in plans] == [1, 1]
    assert list(plan_together(plans, at(now), policy, {})) == plans


def test_one_change_a_day_is_one_on_the_evening_before_and_one_on_the_day() -> None:
    plans = [planned(Ask(900, 9000), name=name, limit=1, policy=THREE_DAYS) for name in "ab"]
    found = plan_together(plans, at(0), THREE_DAYS, {})
    assert [shown(plan) for plan in found] == [[(710, 100, 1000, None)], [(900, 100, 1000, None)]]


def test_changes_used_today_are_there_again_tomorrow() -> None:
    plans = [planned(Ask(900, 9000), name=name, limit=1, policy=THREE_DAYS) for name in "ab"]
    found = plan_together(plans, at(0), THREE_DAYS, {ACCOUNT: 1})
    assert [shown(plan) for plan in found] == [[(900, 100, 1000, None)], [(900, 100, 1000, "quota")]]
    assert found[0].shortages[0] == Shortage(date(2026, 11, 25), 2, 1, 1)


@pytest.mark.parametrize(("limit", "asked", "left"), [(2, 1, 0), (3, 2, 1)])
def test_changes_are_set_aside_on_the_day_on_which_a_held_circuit_needs_them(
    limit: int, asked: int, left: int
) -> None:
    """One on each day for the raise that waits, which may be let go on any; one at midnight for its end."""
    busy = planned(Ask(0, 720), name="busy", limit=limit, policy=THREE_DAYS)
    held = replace(busy, changes=(replace(busy.changes[0], held=Held(Reason.PENDING)), *busy.changes[1:]))
    plans = [planned(Ask(900, 9000), name=name, limit=limit, policy=THREE_DAYS) for name in "ab"]
    found = plan_together([*plans, held], at(0), THREE_DAYS, {})
    assert [shown(plan) for plan in found[:2]] == [[(710, 100, 1000, None)], [(900, 100, 1000, None)]]
    assert shown(found[2]) == [(0, 100, 1000, "pending"), (720, 1000, 100, None)]
    assert {plan.shortages for plan in found} == {(Shortage(date(2026, 11, 25), asked, left, 0),)}


def test_what_was_too_dear_needs_a_change_all_the_same() -> None:
    """The carrier is asked for its price again, and may take the order."""
    dear = planned(Ask(0, 60), limit=1, max_price_per_hour=Decimal("0.50"))
    assert shown(dear)[0] == (0, 100, 1000, "price")
    assert shown(together(dear, used=1)["a"])[0] == (0, 100, 1000, "quota")


def test_no_circuit_goes_up_on_the_evening_before_for_money_alone() -> None:
    odd = TARIFF.over({TIERS[2]: Rate(Decimal("0.1"), RateSource.CONFIGURED)})
    tomorrow = planned(Ask(840, 9000, 500), name="a", limit=2, policy=THREE_DAYS, tariff=odd)
    other = planned(Ask(600, 9000), name="b", ordered=1000, limit=2, policy=THREE_DAYS)
    found = over_three_days(tomorrow, other, used=1)
    assert found["a"].changes == tomorrow.changes
    assert shown(found["b"]) == [(0, 1000, 100, "quota")]


def test_a_circuit_goes_up_on_the_last_evening_before_not_on_the_one_before_that() -> None:
    plans = [planned(Ask(2160, 9000, 500), name=name, limit=1, policy=THREE_DAYS) for name in "ab"]
    found = over_three_days(*plans)
    assert [shown(plan) for plan in found.values()] == [
        [(2150, 100, 500, None)],
        [(2160, 100, 500, None)],
    ]


@pytest.mark.parametrize(("orders", "end"), [(Orders.ALL, 9000), (Orders.ALL, 2100), (Orders.UPS, 9000)])
def test_what_goes_up_on_the_evening_before_is_not_lowered_at_midnight_though_tomorrow_has_room(
    orders: Orders, end: int
) -> None:
    """A large account makes more circuits ready than it must."""
    policy = replace(THREE_DAYS, window=timedelta(hours=36))
    plans = [
        planned(Ask(900, end, 500), name=f"c{number:03}", limit=80, policy=policy, orders=orders)
        for number in range(140)
    ]
    found = [shown(plan) for plan in plan_together(plans, at(0), policy, {})]
    assert Counter(first for first, *_ in found) == {(710, 100, 500, None): 80, (900, 100, 500, None): 60}
    assert {minute for _, *later in found for minute, *_ in later} <= {end}


def test_a_raise_on_the_evening_before_comes_after_all_other_changes_of_the_day() -> None:
    late, early = Ask(715, 9000, 200), Ask(840, 9000, 500)
    plans = [
        planned(late, early, name="a", limit=2, policy=THREE_DAYS),
        *(planned(early, name=name, limit=2, policy=THREE_DAYS) for name in "bc"),
    ]
    raises = over_three_days(*plans)["a"].changes
    assert [(change.at, change.new) for change in raises] == [
        (at(715), TIERS[1]),
        (at(715) + timedelta(seconds=1), TIERS[2]),
    ]


def test_a_raise_on_the_evening_before_is_for_what_tomorrow_asks() -> None:
    today, tomorrow = Ask(60, 200, name="today"), Ask(730, 9000, name="tomorrow")
    plans = [
        planned(today, tomorrow, name="a", limit=3, policy=THREE_DAYS),
        *(planned(Ask(1300, 9000), name=name, limit=3, policy=THREE_DAYS) for name in "bcd"),
    ]
    (*_, early) = over_three_days(*plans)["a"].changes
    assert (minute_of(early.at), [cause.subject for cause in early.causes]) == (710, ["tomorrow"])


@pytest.mark.parametrize("now", [600, 711])
@pytest.mark.parametrize("outcome", [None, Outcome.PENDING])
def test_a_raise_on_the_evening_before_waits_for_an_open_order_as_any_other(
    outcome: Outcome | None, now: int
) -> None:
    office = Baseline(TIERS[0], (Peak(frozenset(range(7)), time(19), time(23), TIERS[2]),))
    circuit = replace(CIRCUIT, changes_per_day=1, tariff=TARIFF, baseline=office)
    open_order = replace(order(outcome), created_at=at(700), new=TIERS[0]) if outcome is not None else None
    plans = [
        plan_of(
            circuit=replace(circuit, name=name, service_id=name),
            circuit_state=replace(circuit_state_at(100), order=open_order),
            now=now,
            policy=THREE_DAYS,
        )
        for name in "ab"
    ]
    first, second = plan_together(plans, at(now), THREE_DAYS, {})
    early, held = first.changes[0], Held(Reason.PENDING) if outcome and now == 711 else None
    assert (early.at, early.new, early.due) == (at(max(now, 710)), TIERS[2], now == 711)
    assert (early.held, second.due) == (held, None)


@pytest.mark.parametrize(
    ("other", "left_out"),
    [
        pytest.param({}, (1, 1), id="five hours of $0.60 or nine of $0.36"),
        pytest.param({"tariff": Tariff()}, (0, 2), id="no rates"),
        pytest.param({"tariff": replace(TARIFF, currency="EUR")}, (0, 2), id="two currencies"),
    ],
)
def test_without_comparable_prices_bandwidth_stands_for_them(
    other: dict[str, object], left_out: tuple[int, int]
) -> None:
    deep = planned(Ask(300, 700), name="deep", ordered=1000, limit=3, **other)
    long = planned(Ask(540, 700, 500), name="long", ordered=500, limit=3)
    found = together(deep, long)
    assert (len(found["deep"].left_out), len(found["long"].left_out)) == left_out


def test_a_circuit_that_is_only_observed_uses_no_change() -> None:
    watched = planned(name="w", ordered=500, limit=1, orders=Orders.NONE)
    found = together(watched, planned(name="a", ordered=500, limit=1))
    assert shown(found["w"]) == [(0, 500, 100, "observe")]
    assert shown(found["a"]) == [(0, 500, 100, None)]


def test_a_circuit_that_is_never_lowered_asks_for_its_raises_only() -> None:
    ups = planned(Ask(60, 120), Ask(300, 360), name="u", limit=2, orders=Orders.UPS)
    other = planned(name="a", ordered=500, limit=2)
    found = together(ups, other)
    assert found["u"] == ups
    assert shown(found["a"]) == [(0, 500, 100, None)]
    scarce = together(ups, other, used=1)
    assert shown(scarce["u"]) == [(60, 100, 1000, None)]
    assert scarce["u"].left_out == ()
    assert shown(scarce["a"]) == [(0, 500, 100, "quota")]


def test_a_circuit_that_is_never_lowered_asks_for_higher_raises_after_what_would_be_a_lowering() -> None:
    ups = planned(Ask(60, 120, 500), Ask(300, 360), name="u", limit=2, orders=Orders.UPS)
    other = planned(Ask(500, 600, 500), name="a", ordered=500, limit=2)
    assert shown(together(ups, other)["u"]) == [(60, 100, 500, None), (300, 500, 1000, None)]
    assert shown(together(ups, other, used=1)["u"]) == [(60, 100, 1000, None)]


def test_changes_are_set_aside_for_a_circuit_whose_order_is_under_way() -> None:
    circuit_state = replace(circuit_state_at(100), order=None)
    busy = planned(Ask(0, 60), name="busy", limit=2)
    held = replace(busy, changes=(replace(busy.changes[0], held=Held(Reason.PENDING)), *busy.changes[1:]))
    found = together(held, planned(name="a", ordered=500, limit=2))
    assert shown(found["a"]) == [(0, 500, 100, "quota")]
    assert found["busy"] == held
    assert circuit_state.order is None


def test_what_is_due_now_does_not_wait_for_a_circuit_that_cannot_be_ordered_for() -> None:
    busy = planned(Ask(0, 60), name="busy", limit=1)
    held = replace(busy, changes=(replace(busy.changes[0], held=Held(Reason.PENDING)), *busy.changes[1:]))
    found = together(held, planned(Ask(0, 60), name="a", limit=1))
    assert found["a"].to_order is not None


# --- what must always hold


@st.composite
def fleets(draw: st.DrawFn) -> list[CircuitPlan]:
    limit = draw(st.integers(1, 12))
    return [
        planned(
            *draw(st.lists(_asks(), max_size=3, unique_by=lambda ask: ask.name)),
            name=f"c{number}",
            limit=limit,
            ordered=draw(st.sampled_from([100, 200, 500, 1000])),
            policy=THREE_DAYS,
            baseline=Baseline(TIERS[0], tuple(draw(st.lists(_peaks(), max_size=1)))),
        )
        for number in range(draw(st.integers(1, 5)))
    ]


@st.composite
def _asks(draw: st.DrawFn) -> Ask:
    start = draw(st.integers(20, 4000))
    level = draw(st.sampled_from([200, 500, 1000]))
    exactly = draw(st.integers(0, 5)) == 0
    length = draw(st.integers(20, 300))
    return Ask(start, start + length, level, exactly=exactly, priority=9 * exactly, name=f"e{start}")


@st.composite
def _peaks(draw: st.DrawFn) -> Peak:
    first, last = draw(st.integers(0, 11)), draw(st.integers(12, 23))
    return Peak(frozenset(range(7)), time(first), time(last, 30), draw(st.sampled_from(TIERS[1:])))


def way(plan: CircuitPlan) -> list[tuple[datetime, Bandwidth]]:
    """The levels that a plan orders, what is held left out."""
    start = plan.changes[0].old if plan.changes else plan.target
    made = [(at(0) if c.due else c.at, c.new) for c in plan.changes if c.held is None]
    return [(at(0), start), *made]


def level(course: Sequence[tuple[datetime, Bandwidth]], moment: datetime) -> Bandwidth:
    return next(bandwidth for since, bandwidth in reversed(course) if since <= moment)


@settings(max_examples=150, deadline=None)
@given(fleets(), st.integers(0, 12), st.randoms(use_true_random=False))
def test_what_must_always_hold(plans: list[CircuitPlan], used: int, random: object) -> None:
    found = plan_together(plans, at(0), THREE_DAYS, {ACCOUNT: used})
    short = {shortage.day for plan in found for shortage in plan.shortages if shortage.unmet}
    days: Counter[date] = Counter()
    for plan, own in zip(found, plans, strict=True):
        course, alone = way(plan), way(own)
        for earlier, later in pairwise(course):
            assert earlier[0] <= later[0]
            assert earlier[1] != later[1] or short
        for since, wanted in alone[1:] if not short else ():
            assert level(course, since) >= wanted, "never below the level with unlimited changes"
        for since, _ in course[1:]:
            days[since.date()] += 1
        assert sum(change.due for change in plan.changes) <= 1
        assert all(left.kept > left.change.new and left.cost.amount >= 0 for left in plan.left_out)
        extra = [since for since, wanted in alone[1:] if level(course, since) > wanted]
        if not short:
            assert bool(plan.left_out) == bool(extra)
    limit = plans[0].circuit.changes_per_day or 0
    for day, count in days.items():
        assert count <= max(0, limit - (used if day == NOON.date() else 0))
    shuffled = list(plans)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' own Random
    again = {plan.circuit.name: plan for plan in plan_together(shuffled, at(0), THREE_DAYS, {ACCOUNT: used})}
    assert all(again[plan.circuit.name] == plan for plan in found)


@settings(max_examples=60, deadline=None)
@given(fleets())
def test_with_changes_to_spare_the_plans_stay_as_they_are(plans: list[CircuitPlan]) -> None:
    free = [replace(plan, circuit=replace(plan.circuit, changes_per_day=1000)) for plan in plans]
    assert list(plan_together(free, at(0), THREE_DAYS, {})) == free
    assert minutes(1) < THREE_DAYS.window


@pytest.mark.parametrize(
    ("used", "reserve", "held"),
    [
        (0, 0, []),
        (1, 1, ["sinks"]),
        (2, 0, ["sinks"]),
        (3, 0, ["sinks", "waits"]),
        (9, 0, ["sinks", "waits"]),
    ],
)
def test_what_is_out_already_leaves_less_for_the_rest_of_a_run(
    used: int, reserve: int, held: list[str]
) -> None:
    plans = [
        planned(Ask(0, 60), name="went", limit=4),
        planned(Ask(0, 60), name="waits", limit=4),
        planned(name="sinks", ordered=500, limit=4),
        planned(name="idle", limit=4),
    ]
    policy, went = replace(POLICY, quota_reserve=reserve), {plans[0].circuit.key}
    found = hold_beyond_quota(plans, went, at(0), policy, {ACCOUNT: used})
    assert sorted(plan.circuit.name for plan in found if plan.due and plan.due.held) == held
    assert all(plan.due.held == Held(Reason.QUOTA, at(720)) for plan in found if plan.due and plan.due.held)
    unlimited = [replace(plan, circuit=replace(plan.circuit, changes_per_day=None)) for plan in plans]
    assert list(hold_beyond_quota(unlimited, went, at(0), policy, {ACCOUNT: used})) == unlimited
