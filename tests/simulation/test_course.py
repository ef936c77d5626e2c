"""Levels over time, and what they cost."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import baseline_tiers
from iodcal.domain.billing import billed_cost
from iodcal.domain.circuits import Baseline, Peak
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Billing, Rate, RateSource, Tariff
from iodcal.domain.steps import Steps
from iodcal.domain.structs import replace
from iodcal.simulation.outcome import above, hours_at, levels_of
from tests.analysis.past import circuit

START = datetime(2026, 11, 24, tzinfo=UTC)
LOW, MIDDLE, HIGH = Bandwidth(100), Bandwidth(500), Bandwidth(1000)
TARIFF = Tariff().over(
    {tier: Rate(Decimal(price), RateSource.CONFIGURED) for tier, price in ((LOW, "0.46"), (HIGH, "1.06"))}
)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


DAY = Interval(at(0), at(24))


def course(*steps: tuple[float, Bandwidth]) -> Steps[Bandwidth]:
    return levels_of(DAY, LOW, ((at(hour), level) for hour, level in steps))


def test_the_baseline_alone_keeps_its_holidays() -> None:
    """A Tuesday that is a holiday counts as a Sunday: no peak, as the runs themselves have it."""
    peak = Peak(frozenset(range(5)), time(8), time(18), HIGH, holidays_as_sunday=True)
    office = circuit(baseline=Baseline(LOW, (peak,)))
    quiet = circuit(baseline=Baseline(LOW, (peak,)), holidays=frozenset({START.date()}))
    assert hours_at(baseline_tiers(office, DAY), DAY) == {LOW: timedelta(hours=14), HIGH: timedelta(hours=10)}
    assert hours_at(baseline_tiers(quiet, DAY), DAY) == {LOW: timedelta(hours=24)}


def test_hours_are_counted_to_the_end_of_the_span() -> None:
    found = hours_at(course((2, HIGH), (3.5, LOW), (23, MIDDLE), (30, HIGH)), DAY)
    assert found == {
        LOW: timedelta(hours=21.5),
        MIDDLE: timedelta(hours=1),
        HIGH: timedelta(hours=1.5),
    }


def test_what_came_before_the_span_counts_from_its_start() -> None:
    assert hours_at(course((-1, HIGH)), DAY) == {HIGH: timedelta(hours=24)}


def test_cost_is_by_the_minute() -> None:
    found = billed_cost(course((2, HIGH), (2.5, LOW)), DAY, TARIFF).amount
    assert found == Decimal("0.46") * Decimal("23.5") + Decimal("0.53")


def test_cost_is_by_the_hour_where_the_carrier_bills_so() -> None:
    by_hour = replace(TARIFF, billing=Billing.HOUR)
    found = billed_cost(course((2, HIGH), (2.5, LOW)), DAY, by_hour).amount
    assert found == Decimal("0.46") * 23 + Decimal("1.06")


def test_a_tier_without_a_rate_leaves_the_cost_open() -> None:
    assert not billed_cost(course((2, MIDDLE)), DAY, TARIFF).complete


def test_above_counts_only_where_it_is_higher() -> None:
    one, other = course((2, HIGH), (6, LOW), (10, MIDDLE)), course((4, MIDDLE), (8, HIGH), (12, MIDDLE))
    assert above(one, other, DAY) == timedelta(hours=4)
    assert above(other, one, DAY) == timedelta(hours=6)


@pytest.mark.parametrize(
    ("hour", "least", "since"),
    [(1, LOW, 0), (1, MIDDLE, None), (3, MIDDLE, 2), (5, MIDDLE, 2), (5, HIGH, 4), (4, HIGH, 4)],
)
def test_since_when(hour: float, least: Bandwidth, since: float | None) -> None:
    found = course((2, MIDDLE), (4, HIGH), (6, LOW)).since(at(hour), lambda level: level >= least)
    assert found == (None if since is None else at(since))


@given(st.lists(st.tuples(st.integers(-3, 30), st.sampled_from([LOW, MIDDLE, HIGH])), max_size=9))
def test_hours_add_up_to_the_span(steps: list[tuple[int, Bandwidth]]) -> None:
    found = course(*sorted(steps, key=lambda step: step[0]))
    assert sum(hours_at(found, DAY).values(), timedelta()) == timedelta(days=1)
    assert above(found, found, DAY) == timedelta()
