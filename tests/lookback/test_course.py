"""From orders and readings to the bandwidth that was ordered, and to what the carrier showed."""

from __future__ import annotations

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.orders import Outcome
from iodcal.lookback.course import Known, confirmed, ordered
from iodcal.store.history import PastOrder, PastReading
from tests.lookback.past import HIGH, LOW, MIDDLE, at, order, reading, span


def levels(known: Known, start: float = -60, end: float = 240) -> list[tuple[float, Bandwidth | None]]:
    return [
        ((cut.start - at(0)).total_seconds() / 60, step.level) for cut, step in known.over(span(start, end))
    ]


@pytest.mark.parametrize(
    ("orders", "readings", "expected"),
    [
        ([], [], [(-60, MIDDLE)]),  # as the state says
        ([order(0, LOW, HIGH), order(90, HIGH, LOW)], [], [(-60, LOW), (0, HIGH), (90, LOW)]),
        ([order(0, LOW, HIGH, Outcome.REFUSED)], [], [(-60, LOW)]),
        ([order(0, LOW, HIGH, Outcome.LOST)], [], [(-60, LOW)]),
        ([order(0, LOW, HIGH, Outcome.OVERDUE)], [], [(-60, LOW), (0, HIGH)]),
        ([order(0, LOW, HIGH, Outcome.FAILED, settled=30)], [], [(-60, LOW), (0, HIGH), (30, LOW)]),
        ([order(0, LOW, HIGH, accepted_at=None)], [], [(-60, LOW), (0, HIGH)]),  # its answer was lost
        ([], [reading(10, LOW)], [(-60, None), (10, LOW)]),
        ([], [reading(10, LOW, by_hand=HIGH)], [(-60, LOW), (10, HIGH)]),
        ([], [reading(10, None)], [(-60, None)]),
        ([order(0, LOW, HIGH)], [reading(3, LOW), reading(60, HIGH, by_hand=MIDDLE)],
         [(-60, LOW), (0, HIGH), (60, MIDDLE)]),  # the order was open at the first reading
    ],
)  # fmt: skip
def test_what_was_ordered(
    orders: list[PastOrder], readings: list[PastReading], expected: list[tuple[float, Bandwidth | None]]
) -> None:
    known = ordered(orders, readings, MIDDLE)
    assert (levels(known), known.gaps) == (expected, ())


def test_of_what_was_before_the_run_that_read_first_and_ordered_at_once_nothing_is_known() -> None:
    """The order is made a moment before the line of that reading is written."""
    first, shown = order(0, HIGH, LOW, accepted_at=at(2), run_id="r"), reading(1, HIGH)
    assert levels(ordered([first], [shown], MIDDLE)) == [(-60, None), (1, HIGH), (2, LOW)]
    assert levels(confirmed([first], [shown])) == [(-60, None), (1, HIGH), (5, LOW)]


def test_a_run_that_sees_a_change_by_hand_and_orders_at_once_knows_what_was_before() -> None:
    found = ordered([order(0, HIGH, LOW, accepted_at=at(2), run_id="r")], [reading(1, MIDDLE, by_hand=HIGH)])
    assert levels(found) == [(-60, MIDDLE), (1, HIGH), (2, LOW)]


def test_a_change_that_is_missing_is_a_gap() -> None:
    known = ordered([order(0, LOW, HIGH), order(90, MIDDLE, LOW)], [])
    assert known.gaps == (span(0, 90),)


def test_an_order_that_nobody_knows_the_fate_of_is_a_gap() -> None:
    (gap,) = ordered([order(0, LOW, HIGH, Outcome.UNKNOWN)], []).gaps
    assert gap.start == at(0)


def test_an_order_without_an_end_is_a_gap_until_the_next_one() -> None:
    """A kill may leave an intent behind that nothing ever came of."""
    known = ordered([order(0, LOW, HIGH, Outcome.SENDING), order(90, LOW, HIGH)], [])
    assert (levels(known), known.gaps) == ([(-60, LOW), (90, HIGH)], (span(0, 90),))


def test_what_the_carrier_showed_comes_later_than_the_order() -> None:
    known = confirmed([order(0, LOW, HIGH), order(90, HIGH, LOW, Outcome.FAILED)], [reading(200, LOW)])
    assert levels(known) == [(-60, LOW), (5, HIGH), (200, LOW)]


def test_a_span_far_from_every_step_has_one_level() -> None:
    known = ordered([order(0, LOW, HIGH)], [])
    assert levels(known, 1000, 1001) == [(1000, HIGH)]
    assert levels(known, -9, -8) == [(-9, LOW)]
