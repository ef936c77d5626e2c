"""What is paid for, and who is behind it: the parts always add up to the whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.billing import cost, difference
from iodcal.domain.money import Billing, Tariff
from iodcal.lookback import UNKNOWN, Because
from iodcal.lookback.paid import Demand, Stay, hours, paid, shares
from tests.lookback.past import HIGH, LOW, MIDDLE, at, span, stays, tariff

A, B = Because("event", "a", "A"), Because("event", "b", "B")
_TINY = Decimal("1e-18")


def nobody(_at: datetime) -> Sequence[Because]:
    return (UNKNOWN,)


def shared(
    actual: Sequence[Stay], base: Sequence[Stay], demands: Sequence[Demand], priced: Tariff
) -> dict[Because, Decimal]:
    found: defaultdict[Because, Decimal] = defaultdict(Decimal)
    billed, below = (paid(one, priced.billing) for one in (actual, base))
    for because, amount in shares(billed, below, demands, nobody, priced):
        found[because] += amount
    return dict(found)


@st.composite
def courses(draw: st.DrawFn) -> list[Stay]:
    minutes = sorted(draw(st.sets(st.integers(1, 3 * 1440 - 1), max_size=8)))
    levels = draw(st.lists(st.sampled_from((LOW, MIDDLE, HIGH)), min_size=9, max_size=9))
    return stays(*zip((0, *minutes), levels, strict=False), end=3 * 1440)


@st.composite
def demanded(draw: st.DrawFn) -> list[Demand]:
    found = []
    for number in range(draw(st.integers(0, 5))):
        start = draw(st.integers(-100, 3 * 1440))
        end = start + draw(st.integers(1, 2000))
        needs = draw(st.sampled_from((LOW, MIDDLE, HIGH)))
        found.append(Demand(Because("event", f"{number}", "R"), span(start, end), needs))
    return found


def course(of: Sequence[Stay]) -> list[tuple[datetime, Bandwidth]]:
    return [(stay.span.start, stay.level) for stay in of]


@given(courses(), st.sampled_from(Billing))
def test_the_pieces_cost_what_the_bill_says(actual: list[Stay], billing: Billing) -> None:
    priced, over = tariff(billing), span(0, 3 * 1440)
    pieces = paid(actual, billing)
    assert [one.span.start for one in pieces] == [at(0), *(one.span.end for one in pieces[:-1])]
    amount = sum((priced.per_hour(one.level) or 0) * hours(one.span.end - one.span.start) for one in pieces)
    assert abs(amount - cost(course(actual), over, priced).amount) < _TINY


@given(courses(), courses(), demanded(), st.sampled_from(Billing))
def test_the_shares_add_up_to_what_was_spent_beyond_the_baseline(
    actual: list[Stay], base: list[Stay], demands: list[Demand], billing: Billing
) -> None:
    priced, over = tariff(billing), span(0, 3 * 1440)
    total = sum(shared(actual, base, demands, priced).values())
    assert abs(total - difference(course(actual), course(base), over, priced).amount) < _TINY


@pytest.mark.parametrize(
    ("demands", "expected"),
    [
        ([], {UNKNOWN: "0.60"}),
        ([Demand(A, span(0, 60), HIGH)], {A: "0.60"}),
        ([Demand(A, span(0, 60), HIGH), Demand(B, span(0, 60), HIGH)], {A: "0.30", B: "0.30"}),
        # the first step of the price is shared, what only A needs it pays alone
        ([Demand(A, span(0, 60), HIGH), Demand(B, span(0, 60), MIDDLE)], {A: "0.42", B: "0.18"}),
        ([Demand(A, span(0, 60), MIDDLE)], {A: "0.36", UNKNOWN: "0.24"}),
        ([Demand(A, span(0, 30), HIGH)], {A: "0.30", UNKNOWN: "0.30"}),
        ([Demand(A, span(0, 60), LOW)], {UNKNOWN: "0.60"}),  # asks for no more than the baseline
    ],
)
def test_time_that_is_shared_is_shared_out_by_need(
    demands: list[Demand], expected: dict[Because, str]
) -> None:
    found = shared(stays((0, HIGH), end=60), stays((0, LOW), end=60), demands, tariff())
    assert {because: str(amount.quantize(Decimal("0.01"))) for because, amount in found.items()} == expected


def test_what_a_lower_level_saves_is_its_askers() -> None:
    demands = [Demand(A, span(0, 60), LOW), Demand(B, span(0, 60), HIGH)]
    found = shared(stays((0, LOW), end=60), stays((0, MIDDLE), end=60), demands, tariff())
    assert found == {A: Decimal("-0.36")}


def test_a_billing_hour_belongs_to_whoever_made_it_dear() -> None:
    actual = stays((0, HIGH), (10, LOW), end=60)
    demands = [Demand(A, span(0, 10), HIGH), Demand(B, span(20, 60), HIGH)]
    found = shared(actual, stays((0, LOW), end=60), demands, tariff(Billing.HOUR))
    assert found == {A: Decimal("0.60")}


def test_a_tier_without_a_rate_is_left_out_and_its_need_rides_on_the_next() -> None:
    demands = [Demand(A, span(0, 60), MIDDLE)]
    flat = stays((0, LOW), end=60)
    assert shared(stays((0, MIDDLE), end=60), flat, demands, tariff(Billing.MINUTE, MIDDLE)) == {}
    found = shared(stays((0, HIGH), end=60), flat, demands, tariff(Billing.MINUTE, MIDDLE))
    assert found == {UNKNOWN: Decimal("0.60")}
