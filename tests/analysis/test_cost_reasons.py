"""What is paid for, and who is behind it: the parts always add up to the whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.analysis.cost_reasons import PaidDemand, shares
from iodcal.analysis.figures import UNKNOWN, CostReason
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.billing import billed_cost, billed_pieces, cost_difference, hours
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Billing, Tariff
from iodcal.domain.steps import Steps
from tests.analysis.past import HIGH, LOW, MIDDLE, at, levels, span, tariff

A, B = CostReason("event", "a", "A"), CostReason("event", "b", "B")
HOUR = span(0, 60)
_TINY = Decimal("1e-18")


def nobody(_at: datetime) -> Sequence[CostReason]:
    return (UNKNOWN,)


def shared(
    actual: Steps[Bandwidth],
    base: Steps[Bandwidth],
    demands: Sequence[PaidDemand],
    priced: Tariff,
    over: Interval = HOUR,
) -> dict[CostReason, Decimal]:
    found: defaultdict[CostReason, Decimal] = defaultdict(Decimal)
    billed, below = (billed_pieces(one, over, priced.billing) for one in (actual, base))
    for because, amount in shares(billed, below, demands=demands, behind=nobody, tariff=priced):
        found[because] += amount
    return dict(found)


@st.composite
def courses(draw: st.DrawFn) -> Steps[Bandwidth]:
    minutes = sorted(draw(st.sets(st.integers(1, 3 * 1440 - 1), max_size=8)))
    drawn = draw(st.lists(st.sampled_from((LOW, MIDDLE, HIGH)), min_size=9, max_size=9))
    return levels(*zip((0, *minutes), drawn, strict=False))


@st.composite
def demanded(draw: st.DrawFn) -> list[PaidDemand]:
    found = []
    for number in range(draw(st.integers(0, 5))):
        start = draw(st.integers(-100, 3 * 1440))
        end = start + draw(st.integers(1, 2000))
        needs = draw(st.sampled_from((LOW, MIDDLE, HIGH)))
        found.append(PaidDemand(CostReason("event", f"{number}", "R"), span(start, end), needs))
    return found


@given(courses(), st.sampled_from(Billing))
def test_the_pieces_cost_what_the_bill_says(actual: Steps[Bandwidth], billing: Billing) -> None:
    priced, over = tariff(billing), span(0, 3 * 1440)
    pieces = billed_pieces(actual, over, billing)
    assert [one.span.start for one in pieces] == [at(0), *(one.span.end for one in pieces[:-1])]
    amount = sum((priced.per_hour(one.level) or 0) * hours(one.span.end - one.span.start) for one in pieces)
    assert abs(amount - billed_cost(actual, over, priced).amount) < _TINY


@given(courses(), courses(), demanded(), st.sampled_from(Billing))
def test_the_shares_add_up_to_what_was_spent_beyond_the_baseline(
    actual: Steps[Bandwidth], base: Steps[Bandwidth], demands: list[PaidDemand], billing: Billing
) -> None:
    priced, over = tariff(billing), span(0, 3 * 1440)
    total = sum(shared(actual, base, demands, priced, over).values())
    assert abs(total - cost_difference(actual, base, over, priced).amount) < _TINY


@pytest.mark.parametrize(
    ("demands", "expected"),
    [
        ([], {UNKNOWN: "0.60"}),
        ([PaidDemand(A, span(0, 60), HIGH)], {A: "0.60"}),
        ([PaidDemand(A, span(0, 60), HIGH), PaidDemand(B, span(0, 60), HIGH)], {A: "0.30", B: "0.30"}),
        # the first step of the price is shared, what only A needs it pays alone
        ([PaidDemand(A, span(0, 60), HIGH), PaidDemand(B, span(0, 60), MIDDLE)], {A: "0.42", B: "0.18"}),
        ([PaidDemand(A, span(0, 60), MIDDLE)], {A: "0.36", UNKNOWN: "0.24"}),
        ([PaidDemand(A, span(0, 30), HIGH)], {A: "0.30", UNKNOWN: "0.30"}),
        ([PaidDemand(A, span(0, 60), LOW)], {UNKNOWN: "0.60"}),  # asks for no more than the baseline
    ],
)
def test_time_that_is_shared_is_shared_out_by_need(
    demands: list[PaidDemand], expected: dict[CostReason, str]
) -> None:
    found = shared(levels((0, HIGH)), levels((0, LOW)), demands, tariff())
    assert {because: str(amount.quantize(Decimal("0.01"))) for because, amount in found.items()} == expected


def test_what_a_lower_level_saves_is_its_askers() -> None:
    demands = [PaidDemand(A, span(0, 60), LOW), PaidDemand(B, span(0, 60), HIGH)]
    found = shared(levels((0, LOW)), levels((0, MIDDLE)), demands, tariff())
    assert found == {A: Decimal("-0.36")}


def test_a_billing_hour_belongs_to_whoever_made_it_dear() -> None:
    actual = levels((0, HIGH), (10, LOW))
    demands = [PaidDemand(A, span(0, 10), HIGH), PaidDemand(B, span(20, 60), HIGH)]
    found = shared(actual, levels((0, LOW)), demands, tariff(Billing.HOUR))
    assert found == {A: Decimal("0.60")}


def test_a_tier_without_a_rate_is_left_out_and_its_need_rides_on_the_next() -> None:
    demands = [PaidDemand(A, span(0, 60), MIDDLE)]
    flat = levels((0, LOW))
    assert shared(levels((0, MIDDLE)), flat, demands, tariff(Billing.MINUTE, MIDDLE)) == {}
    found = shared(levels((0, HIGH)), flat, demands, tariff(Billing.MINUTE, MIDDLE))
    assert found == {UNKNOWN: Decimal("0.60")}
