"""What things cost: rates and where they are from, bills, limits, and what a plan says of all that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.billing import billed_cost, billed_time, cost_difference, longest_wait
from iodcal.domain.changes import Held, Reason
from iodcal.domain.circuit_state import Drift
from iodcal.domain.circuits import Quote
from iodcal.domain.costs import (
    change_costs,
    has_estimates,
    hourly_difference,
    list_prices_of,
    stay_cost,
    window_cost,
    window_total,
)
from iodcal.domain.held import price_ceiling, price_of
from iodcal.domain.localtime import Interval
from iodcal.domain.money import UNPRICED, Billing, Cost, QuotedPrice, Rate, RateSource, Tariff, add_up
from iodcal.domain.planning import CircuitPlan, Shortage
from iodcal.domain.steps import Steps
from iodcal.domain.structs import Fact, replace
from iodcal.problems.at_risk import events_at_risk
from iodcal.problems.kinds import Kind, Problem
from iodcal.problems.limits import long_windows, of_prices, of_quotas
from tests.domain.minutes import ACCOUNT, CIRCUIT, POLICY, TIERS, Ask, at, circuit_state_at, minutes, plan_of
from tests.domain.test_together import TARIFF, planned, together

LOW, MID, HIGH, TOP = TIERS
WINDOW = Interval(at(0), at(720))


def bill(course: Sequence[tuple[float, Bandwidth]], start: float, end: float, billing: Billing) -> str:
    steps = Steps.of((at(minute), bandwidth) for minute, bandwidth in course)
    tariff = replace(TARIFF, billing=billing)
    return str(billed_cost(steps, Interval(at(start), at(end)), tariff).rounded)


@pytest.mark.parametrize(
    ("course", "end", "billing", "expected"),
    [
        pytest.param([(0, LOW)], 60, Billing.MINUTE, "0.46", id="an hour"),
        pytest.param([(-90, LOW)], 30, Billing.MINUTE, "0.23", id="only what lies in the span"),
        pytest.param([(0, LOW), (30, TOP)], 60, Billing.MINUTE, "0.76", id="half an hour each"),
        pytest.param([(0, LOW), (30, TOP)], 60, Billing.HOUR, "1.06", id="the hour's highest tier"),
        pytest.param([(0, TOP), (59, LOW)], 120, Billing.HOUR, "1.52", id="a new hour, a lower tier"),
        pytest.param([(0, LOW), (20, TOP), (40, LOW)], 60, Billing.HOUR, "1.06", id="a peak in the hour"),
        pytest.param([(0, TOP), (10, LOW)], 720, Billing.DAY, "12.72", id="the day's highest tier"),
        pytest.param([(0, TOP), (10, LOW)], 720 + 60, Billing.DAY, "13.18", id="a new day"),
        pytest.param([(0, LOW)], 0, Billing.DAY, "0.00", id="no time, no money"),
        pytest.param([(0, TOP), (10, LOW)], 720, Billing.CHANGE_DAY, "5.52", id="the day's last tier"),
        pytest.param([(0, LOW), (10, TOP)], 780, Billing.CHANGE_DAY, "13.78", id="and the day after"),
        pytest.param([(0, LOW), (0.5, TOP), (0.75, LOW)], 1, Billing.MINUTE, "0.02", id="a started minute"),
        pytest.param([(0, LOW), (30, TOP), (90, LOW)], 120, Billing.HOUR, "2.12", id="two started hours"),
        pytest.param([(0, LOW), (90, TOP)], 240, Billing.HOUR, "3.64", id="from half an hour on"),
        pytest.param([(-60, TOP), (0, LOW)], 60, Billing.HOUR, "0.46", id="what ended as the span begins"),
        pytest.param([(0, TOP), (0, LOW)], 60, Billing.HOUR, "0.46", id="replaced at once, never ordered"),
    ],
)
def test_a_bill(course: list[tuple[float, Bandwidth]], end: float, billing: Billing, expected: str) -> None:
    assert bill(course, 0, end, billing) == expected


def test_what_has_no_rate_makes_the_bill_incomplete_and_adds_nothing() -> None:
    over, odd = Interval(at(0), at(120)), Bandwidth(300)
    assert billed_cost(Steps.of([(at(0), LOW), (at(60), odd)]), over, TARIFF) == Cost(
        Decimal("0.46"), "USD", complete=False
    )
    assert billed_cost(Steps.of([(at(0), LOW)]), over, TARIFF) == Cost(Decimal("0.92"), "USD")
    hourly = replace(TARIFF, billing=Billing.HOUR)  # in no hour is the unknown tier the highest
    overshadowed = Steps.of([(at(0), TOP), (at(30), odd), (at(90), TOP)])
    assert billed_cost(overshadowed, over, hourly) == Cost(Decimal("2.12"), "USD")
    unknown, known = Steps.of([(at(0), Bandwidth(300))]), Steps.of([(at(0), LOW)])
    assert not cost_difference(unknown, known, WINDOW, TARIFF).complete


courses = st.lists(
    st.tuples(st.integers(0, 3000), st.sampled_from(TIERS)),
    min_size=1,
    max_size=8,
    unique_by=lambda step: step[0],
).map(lambda steps: [(at(0), TIERS[0]), *((at(minute + 0.5), level) for minute, level in sorted(steps))])


@given(
    courses,
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.sampled_from([Billing.MINUTE, Billing.HOUR, Billing.DAY]),
)
def test_every_minute_is_billed_once_at_the_highest_tier_of_its_period(
    course: list[tuple[datetime, Bandwidth]], first: int, length: int, billing: Billing
) -> None:
    over = Interval(at(first), at(first + length))
    billed = billed_time(Steps.of(course), over, billing)
    assert sum(billed.values(), timedelta()) == minutes(length)
    by_minute = billed_time(Steps.of(course), over, Billing.MINUTE)
    for tier in TIERS:
        above = [sum((t for b, t in each.items() if b >= tier), timedelta()) for each in (billed, by_minute)]
        assert above[0] >= above[1], "a longer period never bills less"


@given(courses, st.sampled_from([Billing.MINUTE, Billing.HOUR, Billing.DAY]), st.integers(1, 6))
def test_bills_add_up_where_they_are_cut_between_two_periods(
    course: list[tuple[datetime, Bandwidth]], billing: Billing, periods: int
) -> None:
    start = at(-720)
    middle, end = start + timedelta(seconds=billing.seconds * periods), start + timedelta(days=9)
    tariff = replace(TARIFF, billing=billing)
    steps = Steps.of([(start, TOP), *course])
    parts = [
        billed_cost(steps, span, tariff)
        for span in (Interval(start, middle), Interval(middle, end), Interval(start, end))
    ]
    assert abs(Fraction(parts[0].amount + parts[1].amount - parts[2].amount)) < Fraction(1, 10**20)


def test_amounts_of_two_currencies_are_never_added() -> None:
    usd, eur = Cost(Decimal(1), "USD"), Cost(Decimal(2), "EUR", complete=False)
    assert add_up([usd, eur, usd]) == (eur, Cost(Decimal(2), "USD"))
    assert (usd - usd).amount == 0
    assert -eur == Cost(Decimal(-2), "EUR", complete=False)
    with pytest.raises(ValueError, match="EUR and USD cannot be added"):
        _ = eur + usd


def test_a_quote_counts_before_any_other_rate_but_not_in_another_currency() -> None:
    older, newer = (
        QuotedPrice(LOW, Decimal(price), "USD", at(minute)) for price, minute in (("1", 0), ("2", 9))
    )
    foreign = QuotedPrice(MID, Decimal(9), "EUR", at(0))
    tariff = TARIFF.with_quotes([newer, foreign, older])
    assert tariff.rate(LOW) == Rate(Decimal(2), RateSource.QUOTED, date(2026, 11, 24))
    assert tariff.per_hour(MID) == Decimal("0.58")
    assert TARIFF.with_quotes([foreign]) is TARIFF
    assert UNPRICED.per_hour(LOW) is None


def test_one_quote_is_remembered_for_each_tier_and_currency() -> None:
    quotes = [
        QuotedPrice(LOW, Decimal(n), currency, at(n)) for n, currency in ((1, "USD"), (2, "EUR"), (3, "USD"))
    ]
    circuit_state = circuit_state_at(100)
    for quote in quotes:
        circuit_state = circuit_state.with_quote(quote)
    assert circuit_state.quotes == (quotes[1], quotes[2])


# --- limits


def limited(own: str | None, *rules: str | None, peak: bool = False) -> CircuitPlan:
    """A raise to 1 Gbps for as many rules as are given, each with its limit."""
    circuit = replace(CIRCUIT, tariff=TARIFF, max_price_per_hour=Decimal(own) if own else None)
    if peak:
        circuit = replace(circuit, floor=TOP)
    asks = [Ask(0, 60, lead=10, name=f"r{number}") for number in range(len(rules))]
    plan = plan_of(*asks, circuit=circuit)
    limits = {f"r{number}": Decimal(limit) if limit else None for number, limit in enumerate(rules)}
    windows = tuple(
        replace(
            window,
            demand=replace(
                window.demand,
                rule=replace(window.demand.rule, max_price_per_hour=limits[window.demand.rule.name]),
            ),
        )
        for window in plan.timeline.windows
    )
    return replace(plan, timeline=replace(plan.timeline, windows=windows))


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (limited(None, None), None),
        (limited("1", None), "1"),
        (limited(None, "0.5"), "0.5"),
        (limited("1", "0.5"), "0.5"),
        (limited("0.4", "0.5"), "0.4"),
        (limited(None, "0.5", "2"), "2"),
        (limited(None, "0.5", None), None),
        (limited("1", peak=True), "1"),
    ],
)
def test_the_most_that_a_raise_may_cost(plan: CircuitPlan, expected: str | None) -> None:
    (change, *_) = plan.changes
    assert price_ceiling(change, plan.timeline) == (Decimal(expected) if expected else None)


def test_a_lowering_is_never_too_dear() -> None:
    plan = plan_of(ordered=1000, circuit=replace(CIRCUIT, tariff=TARIFF, max_price_per_hour=Decimal("0.01")))
    assert plan.due is not None
    assert (plan.due.held, price_ceiling(plan.due, plan.timeline)) == (None, None)


def test_a_raise_that_is_too_dear_is_held_told_and_asked_for_again() -> None:
    circuit = replace(CIRCUIT, tariff=TARIFF, max_price_per_hour=Decimal(1))
    now, later = plan_of(Ask(0, 60), circuit=circuit), plan_of(Ask(300, 360, lead=30), circuit=circuit)
    assert now.due is not None
    assert (now.due.held, now.to_order, now.to_try) == (Held(Reason.PRICE), None, now.due)
    assert later.changes[0].held == Held(Reason.PRICE)
    risk = [(problem.kind, problem.facts["cause"]) for problem in events_at_risk([now, later], at(0), POLICY)]
    assert risk == [(Kind.EVENT_LATE, "price"), (Kind.EVENT_AT_RISK, "price")]
    facts = {"circuit": "den-a", "to": "1 Gbps", "price": "1.06", "limit": "1", "currency": "USD"}
    assert list(of_prices(now, None)) == [Problem(Kind.PRICE, "den-a", facts)]
    assert list(of_prices(later, None)) == []


def test_a_raise_that_was_too_dear_for_a_limit_that_is_gone_tells_none() -> None:
    plan = plan_of(Ask(0, 60), circuit=replace(CIRCUIT, tariff=TARIFF))
    held = replace(plan, changes=(replace(plan.changes[0], held=Held(Reason.PRICE)),))
    (problem,) = of_prices(held, None)
    assert (problem.facts["price"], problem.facts["limit"]) == ("1.06", None)


def test_a_raise_at_the_very_limit_is_not_too_dear() -> None:
    plan = plan_of(Ask(0, 60), circuit=replace(CIRCUIT, tariff=TARIFF, max_price_per_hour=Decimal("1.06")))
    assert plan.to_order is not None


def test_a_quote_in_another_currency_is_told() -> None:
    plan = plan_of(Ask(0, 60), circuit=replace(CIRCUIT, tariff=TARIFF))
    assert price_of(Quote("q", TOP, at(0), Decimal(1)), TARIFF) == Decimal(1)
    assert price_of(Quote("q", TOP, at(0), Decimal(1), "EUR"), TARIFF) == Decimal("1.06")
    assert price_of(Quote("q", TOP, at(0)), TARIFF) == Decimal("1.06")
    assert price_of(Quote("q", TOP, at(0)), replace(TARIFF, rates=())) is None
    assert list(of_prices(plan, Quote("q", TOP, at(0), Decimal(1)))) == []
    assert list(of_prices(plan, Quote("q", TOP, at(0), None, "EUR"))) == []
    facts = {"circuit": "den-a", "to": "1 Gbps", "currency": "EUR", "wanted": "USD"}
    problems = list(of_prices(plan, Quote("q", TOP, at(0), Decimal(1), "EUR")))
    assert problems == [Problem(Kind.PRICE_UNKNOWN, "den-a", facts)]


# --- what a plan costs


def test_a_plan_tells_what_its_window_and_each_change_costs() -> None:
    plan = planned(Ask(60, 180), name="a")
    assert [str(found.rounded) for found in change_costs(plan, WINDOW) if found] == ["1.20", "-5.40"]
    total = window_cost(plan, WINDOW)
    assert total is not None
    assert total.rounded == Decimal("6.72")  # ten hours at 0.46, two at 1.06


def test_a_change_has_a_difference_per_hour() -> None:
    plan = planned(Ask(60, 180), name="a")
    up, down = (hourly_difference(change, plan.tariff) for change in plan.changes)
    assert (up, down) == (Cost(Decimal("0.60"), "USD"), Cost(Decimal("-0.60"), "USD"))
    assert hourly_difference(plan.changes[0], UNPRICED) is None
    some = replace(TARIFF, rates=TARIFF.rates[:1])
    assert hourly_difference(plan.changes[0], some) == Cost(Decimal(0), "USD", complete=False)


def test_where_an_event_ends_its_stay_is_priced() -> None:
    plan = planned(Ask(60, 180), name="a")
    up, down = plan.changes
    assert stay_cost(plan, up, WINDOW) is None
    assert stay_cost(plan, down, WINDOW) == (Cost(Decimal("1.20"), "USD"), True)
    running = planned(Ask(-60, 180), name="a", ordered=1000)
    (down,) = running.changes
    assert stay_cost(running, down, WINDOW) == (Cost(Decimal("1.80"), "USD"), False)


def test_a_stay_without_event_rate_or_bandwidth_has_no_price() -> None:
    plan = planned(Ask(60, 180), name="a")
    _, down = plan.changes
    assert stay_cost(plan_of(Ask(60, 180)), down, WINDOW) is None
    nothing_ended = tuple(replace(cause, ended=False) for cause in down.causes)
    assert stay_cost(plan, replace(down, causes=nothing_ended), WINDOW) is None
    quota = replace(down, held=Held(Reason.QUOTA))
    assert stay_cost(plan, quota, WINDOW) is None
    unread = replace(plan, circuit_state=replace(plan.circuit_state, confirmed=None, reading=None))
    assert stay_cost(unread, down, WINDOW) is None
    alone = replace(plan, changes=(down,))  # as if the raise before it had been refused
    assert stay_cost(alone, down, WINDOW) is None


def test_all_circuits_together_have_a_total_for_each_currency() -> None:
    plan = planned(Ask(60, 180), name="a")
    assert window_total([plan, plan, plan_of(Ask(60, 120))], WINDOW) == (Cost(Decimal("13.44"), "USD"),)


def test_what_waits_for_the_quota_is_not_in_the_cost_but_what_it_would_save_is_told() -> None:
    plan = together(planned(name="a", ordered=500, limit=1), used=1)["a"]
    (saving,) = change_costs(plan, WINDOW)
    assert saving is not None
    assert saving.rounded == Decimal("-4.32")
    total = window_cost(plan, WINDOW)
    assert total is not None
    assert total.rounded == Decimal("9.84")
    lost = replace(plan, left_out=())
    assert change_costs(lost, WINDOW) == (Cost(Decimal(0), "USD"),)


def test_other_held_changes_count_as_done_when_they_may_be() -> None:
    plan = planned(name="a", ordered=500)
    held = replace(plan, changes=(replace(plan.changes[0], held=Held(Reason.PERSON, at(600))),))
    total = window_cost(held, WINDOW)
    assert total is not None
    assert total.rounded == Decimal("9.12")


@pytest.mark.parametrize(
    ("ask", "ordered", "seen", "expected"),
    [
        pytest.param(Ask(120, 180, 500), LOW, TOP, "7.32", id="raised, to be lowered at 15:00"),
        pytest.param(Ask(-5, 9), TOP, LOW, "5.52", id="lowered, and too late to raise it again"),
    ],
)
def test_what_somebody_changed_costs_what_is_there_and_not_what_was_ordered(
    ask: Ask, ordered: Bandwidth, seen: Bandwidth, expected: str
) -> None:
    changed = replace(circuit_state_at(ordered.mbps), drift=Drift(seen, at(-1), at(-30)))
    plan = plan_of(ask, circuit_state=changed, circuit=replace(CIRCUIT, tariff=TARIFF))
    total = window_cost(plan, WINDOW)
    assert total is not None
    assert str(total.rounded) == expected


def test_without_rates_or_bandwidth_there_is_no_cost() -> None:
    plan = plan_of(Ask(60, 120))
    assert window_cost(plan, WINDOW) is None
    assert change_costs(plan, WINDOW) == (None, None)
    unread = plan_of(ordered=None, circuit=replace(CIRCUIT, tariff=TARIFF))
    assert window_cost(unread, WINDOW) is None


def test_the_list_that_prices_are_from_is_named() -> None:
    listed = tuple((tier, Rate(Decimal(1), RateSource.LIST, date(2026, 9, 1))) for tier in TIERS)
    plan = plan_of(Ask(60, 120), circuit=replace(CIRCUIT, tariff=Tariff(rates=listed)))
    assert list_prices_of([plan]) == "2026-09-01"
    assert list_prices_of([planned(), plan_of(Ask(60, 120))]) is None
    older = ((TOP, Rate(Decimal(1), RateSource.LIST, date(2026, 8, 1))),)
    rising = plan_of(Ask(60, 720), circuit=replace(CIRCUIT, tariff=Tariff(rates=older)))
    assert list_prices_of([rising]) == "2026-08-01"
    resting = plan_of(circuit=replace(CIRCUIT, tariff=Tariff(rates=listed)))
    assert list_prices_of([resting, rising, plan]) == "2026-08-01"
    assert list_prices_of([resting]) == "2026-09-01"


# --- problems of the quota


def quota_problems(*plans: CircuitPlan, used: int = 0, reserve: int = 0) -> list[tuple[str, object]]:
    policy = replace(POLICY, quota_reserve=reserve)
    found = together(*plans, used=used, reserve=reserve)
    problems = of_quotas(found.values(), policy, {ACCOUNT: used})
    return [
        (str(problem.kind), problem.facts.get("count", problem.facts.get("held"))) for problem in problems
    ]


def test_problems_of_the_quota() -> None:
    deep = planned(Ask(600, 700), name="deep", ordered=1000, limit=3)
    short = planned(Ask(120, 700, 500), name="short", ordered=500, limit=3)
    assert quota_problems(planned(name="a")) == []
    assert quota_problems(deep, short) == [("quota_planned", 2)]
    assert quota_problems(planned(name="a", ordered=500, limit=9), used=5, reserve=4) == [("quota", 1)]
    assert quota_problems(planned(Ask(0, 60), name="a", limit=1), used=1) == [
        ("quota_short", None),
        ("quota", 1),
    ]
    assert list(of_quotas([plan_of()], POLICY, {})) == []


def test_changes_that_are_used_up_are_told_with_what_is_left_and_kept() -> None:
    waiting = together(planned(name="a", ordered=500, limit=9), used=5, reserve=4)["a"]
    facts: dict[str, Fact] = {"account": "1-A", "used": 5, "limit": 9, "reserve": 4, "held": 1}
    assert list(of_quotas([waiting], POLICY, {ACCOUNT: 5})) == [Problem(Kind.QUOTA, "1-A", facts)]


def test_what_the_quota_has_no_room_for_is_told_with_what_it_costs_in_each_currency() -> None:
    plan = together(planned(Ask(600, 700), name="a", ordered=500, limit=1))["a"]
    usd, eur = Cost(Decimal("1.5"), "USD"), Cost(Decimal(2), "EUR", complete=False)
    left_out = tuple(replace(plan.left_out[0], cost=cost) for cost in (usd, eur, usd))
    facts: dict[str, Fact] = {"account": "1-A", "count": 3, "cost": "at least 2.00 EUR, 3.00 USD"}
    problems = list(of_quotas([replace(plan, left_out=left_out)], replace(POLICY, quota_reserve=0), {}))
    assert problems == [Problem(Kind.QUOTA_PLANNED, "1-A", facts)]


def test_of_days_without_room_for_all_raises_the_first_is_told() -> None:
    days = [Shortage(date(2026, 11, day), 3, 2, 1) for day in (25, 26)]
    short = replace(planned(name="a"), shortages=tuple(days))
    facts: dict[str, Fact] = {"account": "1-A", "day": "2026-11-25", "asked": 3, "left": 2, "unmet": 1}
    assert list(of_quotas([short], POLICY, {})) == [Problem(Kind.QUOTA_SHORT, "1-A", facts)]


def test_an_account_without_a_number_is_named_by_its_carrier_and_unknown_rates_are_told() -> None:
    plan = planned(
        Ask(600, 700), name="a", ordered=500, limit=1, account=replace(ACCOUNT, number=""), tariff=UNPRICED
    )
    found, unreserved = together(plan)["a"], replace(POLICY, quota_reserve=0)
    (problem,) = of_quotas([found], unreserved, {})
    assert problem.facts["account"] == "lab"
    assert problem.facts["cost"] == "an unknown amount"
    short = replace(found, shortages=(Shortage(date(2026, 11, 25), 3, 2, 0),))
    assert [each.kind for each in of_quotas([short], unreserved, {})] == [
        Kind.QUOTA_SHORT,
        Kind.QUOTA_PLANNED,
    ]


def test_a_freeze_holds_back_before_the_price_does_and_then_the_price_does() -> None:
    """What would be ordered in a freeze is not asked for its price either; once it is over, that counts."""
    dear = replace(CIRCUIT, tariff=TARIFF, max_price_per_hour=Decimal("0.90"))
    asks = (Ask(2, 200, name="hands"), Ask(-5, 60, freeze="none", name="quiet"))
    frozen, thawed = plan_of(*asks, circuit=dear), plan_of(*asks, circuit=dear, now=60)
    assert (frozen.due and frozen.due.held, frozen.to_try) == (Held(Reason.FREEZE, at(60)), None)
    assert list(of_prices(frozen, None)) == []
    assert [risk.facts["cause"] for risk in events_at_risk([frozen], at(0), POLICY)] == ["freeze"]
    assert thawed.due is not None
    assert (thawed.due.held, thawed.to_try, thawed.to_order) == (Held(Reason.PRICE), thawed.due, None)
    assert [problem.kind for problem in of_prices(thawed, None)] == [Kind.PRICE]


def test_a_freeze_of_lowerings_does_not_let_a_dear_raise_through() -> None:
    dear = replace(CIRCUIT, tariff=TARIFF, max_price_per_hour=Decimal("0.90"))
    plan = plan_of(Ask(2, 200), Ask(-5, 60, freeze="ups", name="quiet"), circuit=dear)
    assert plan.due is not None
    assert plan.due.held == Held(Reason.PRICE)


def test_a_hold_keeps_to_the_circuits_limit_and_to_no_rules() -> None:
    held = Ask(0, 120, hold=True)
    dear = replace(CIRCUIT, tariff=TARIFF, max_price_per_hour=Decimal("0.90"))
    (problem,) = of_prices(plan_of(held, circuit=dear), None)
    assert (problem.kind, problem.facts["limit"]) == (Kind.PRICE, "0.90")
    free = plan_of(held, circuit=replace(CIRCUIT, tariff=TARIFF))
    assert free.to_order is not None
    assert price_ceiling(free.to_order, free.timeline) is None


def test_a_public_list_is_a_tariff_of_that_day() -> None:
    listed = Tariff.listed("EUR", date(2026, 9, 1), {500: "0.82", 100: "0.46"})
    prices = tuple(
        (Bandwidth(mbps), Rate(Decimal(price), RateSource.LIST, date(2026, 9, 1)))
        for mbps, price in ((100, "0.46"), (500, "0.82"))
    )
    assert listed == Tariff("EUR", Billing.MINUTE, prices)


@pytest.mark.parametrize(
    ("quote", "hourly", "estimated"),
    [
        (Quote("q", MID, at(0), Decimal(2), price_per_month=Decimal(730)), Decimal(2), False),
        (Quote(None, MID, at(0), price_per_day=Decimal(24)), Decimal(1), True),
        (Quote(None, MID, at(0), price_per_month=Decimal(365)), Decimal("0.5"), True),
        (Quote(None, MID, at(0)), None, False),
    ],
)
def test_what_a_quote_says_of_an_hour_and_whether_that_is_an_estimate(
    quote: Quote, hourly: Decimal | None, estimated: bool
) -> None:
    assert (quote.hourly, quote.estimated) == (hourly, estimated)


def test_a_price_by_the_month_counts_as_an_estimate_and_is_known_as_one() -> None:
    told = QuotedPrice(TOP, Decimal("0.5"), TARIFF.currency, at(0), estimated=True)
    rate = TARIFF.with_quotes([told]).rate(TOP)
    assert rate == Rate(Decimal("0.5"), RateSource.ESTIMATED, at(0).date())
    priced = plan_of(Ask(0, 60), circuit=replace(CIRCUIT, tariff=TARIFF))
    guessed = replace(priced, circuit_state=priced.circuit_state.with_quote(told))
    assert (has_estimates([priced]), has_estimates([guessed])) == (False, True)


# --- what lowering saves under each kind of billing: minute 0 is noon, minute 720 midnight


@pytest.mark.parametrize(
    ("billing", "now", "again", "lowered"),
    [
        (Billing.MINUTE, 10, 71, True),
        (Billing.MINUTE, 10, 69, False),
        (Billing.HOUR, 10, 119, False),  # both hours are billed at the top anyway
        (Billing.HOUR, 10, 120, True),
        (Billing.HOUR, 59, 119, False),
        (Billing.DAY, 10, 200, False),
        (Billing.DAY, 10, 2159, False),
        (Billing.DAY, 10, 2160, True),
        (Billing.CHANGE_DAY, 10, 719, False),
        (Billing.CHANGE_DAY, 10, 720, True),
    ],
)
def test_a_circuit_is_lowered_only_where_that_saves_something(
    billing: Billing, now: int, again: int, *, lowered: bool
) -> None:
    circuit = replace(CIRCUIT, tariff=replace(TARIFF, billing=billing))
    asks = (Ask(now - 60, now), Ask(again, again + 60))
    plan = plan_of(*asks, now=now, ordered=1000, circuit=circuit)
    assert (plan.due is not None) == lowered
    span = Interval(at(now - 60), at(5000))
    whole = Steps.of([(at(now - 60), TOP)])
    low = Steps.of([(at(now - 60), TOP), (at(now), LOW), (at(again), TOP)])
    saved = cost_difference(whole, low, span, circuit.tariff).amount
    assert (saved > 0) == lowered or billing is Billing.MINUTE


def test_how_far_ahead_each_kind_of_billing_looks() -> None:
    waits = [longest_wait(billing) / timedelta(hours=1) for billing in Billing]
    assert waits == [0, 2, 48, 24]
    assert [billing.in_words for billing in Billing][2:] == [
        "by the day's highest tier",
        "by the day at its last tier",
    ]


def test_with_few_changes_a_day_of_change_counts_as_if_by_the_minute() -> None:
    tariff = replace(TARIFF, billing=Billing.CHANGE_DAY)
    asks = (Ask(0, 60), Ask(300, 360))
    found = together(planned(*asks, limit=2, tariff=tariff), used=0)["a"]
    assert [change.new for change in found.changes][:1] == [TOP]


DAY = 24 * 60


def of_week(*asks: Ask, tariff: Tariff = TARIFF, longest: timedelta | None = None) -> list[Problem]:
    circuit = replace(CIRCUIT, tariff=tariff)
    plan = plan_of(*asks, circuit=circuit)
    windows = tuple(
        replace(one, demand=replace(one.demand, rule=replace(one.demand.rule, longest=longest)))
        for one in plan.timeline.windows
    )
    return list(long_windows(replace(plan, timeline=replace(plan.timeline, windows=windows)), at(0)))


def test_an_event_of_a_week_is_told_with_its_price() -> None:
    (told,) = of_week(Ask(60, 60 + 7 * DAY, name="On call"))
    assert (told.kind, told.facts["length"]) == (Kind.WINDOW_LONG, "7 days")
    beyond = (TARIFF.per_hour(TOP) or Decimal(0)) - (TARIFF.per_hour(LOW) or Decimal(0))
    assert told.facts["cost"] == f"{(beyond * 24 * 7).quantize(Decimal('0.01'))} USD"
    (unpriced,) = of_week(Ask(60, 60 + 7 * DAY), tariff=Tariff())
    assert unpriced.facts["cost"] is None
    (endless,) = of_week(Ask(60, 60 + 400 * DAY))
    assert endless.facts["cost"] is None


@pytest.mark.parametrize(
    ("ask", "longest"),
    [
        pytest.param(Ask(60, 60 + DAY, lead=45, trail=10), None, id="a day, lead and trail beside"),
        pytest.param(Ask(60, 60 + 7 * DAY), timedelta(days=8), id="the rule says how long"),
        pytest.param(Ask(60, 60 + 7 * DAY, 100), None, id="no more than off-peak"),
        pytest.param(Ask(60, 60 + 7 * DAY, exactly=True), None, id="exactly"),
        pytest.param(Ask(60, 60 + 7 * DAY, hold=True), None, id="a person's hold"),
        pytest.param(Ask(-7 * DAY, -60), None, id="over"),
    ],
)
def test_what_is_no_long_window(ask: Ask, longest: timedelta | None) -> None:
    assert of_week(ask, longest=longest) == []
