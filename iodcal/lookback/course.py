"""A circuit's ordered bandwidth over time, from its orders and readings."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.service_level import EVER
from iodcal.history import PastCause, PastOrder, PastReading

NEVER = datetime.max.replace(tzinfo=UTC)


class Step(Struct, frozen=True):
    """From `at` (UTC) on the circuit was ordered at `level`, None where nobody knows; for `causes`, or
    because somebody changed it by hand."""

    at: datetime
    level: Bandwidth | None
    causes: tuple[PastCause, ...] = ()
    by_hand: bool = False


class Known(Struct, frozen=True):
    """The steps, without a gap from `EVER` on; in `gaps` some step is missing from the history."""

    steps: tuple[Step, ...]
    gaps: tuple[Interval, ...] = ()

    def over(self, span: Interval) -> Iterator[tuple[Interval, Step]]:
        """The steps that lie in `span`, each cut to it."""
        ats = [step.at for step in self.steps]
        first = max(0, bisect_right(ats, span.start) - 1)
        for step, end in zip(self.steps[first:], [*ats[first + 1 :], NEVER], strict=True):
            cut = Interval(max(step.at, span.start), min(end, span.end))
            if step.at >= span.end:
                return
            if cut.start < cut.end:
                yield cut, step


def ordered(
    orders: Sequence[PastOrder], readings: Sequence[PastReading], otherwise: Bandwidth | None = None
) -> Known:
    """One circuit's ordered bandwidth: an order counts from its acceptance, a change by hand from the reading
    that saw it. `otherwise` is the level where the history tells of none at all."""
    found: list[tuple[datetime, Bandwidth | None, Step]] = [*_of_orders(orders)]
    open_ = [span for one in orders if (span := _open(one.order)) is not None]
    found += [(step.at, None, step) for step in _of_readings(readings, open_)]
    found.sort(key=lambda one: one[0])
    steps = [Step(EVER, _before(orders, readings, otherwise))]
    gaps = list(_doubts(orders))
    for at, old, step in found:
        last = steps[-1]
        if old is not None and last.level not in (None, old):
            gaps.append(Interval(last.at, at))
        if step.level != last.level or step.by_hand:
            steps.append(step)
    return Known(tuple(steps), tuple(sorted(gap for gap in gaps if gap.start < gap.end)))


def confirmed(orders: Sequence[PastOrder], readings: Sequence[PastReading]) -> Known:
    """The bandwidth that the carrier showed; not known before the first order or reading."""
    steps = [
        Step(one.order.settled_at, one.order.new)
        for one in orders
        if one.order.outcome is Outcome.CONFIRMED and one.order.settled_at is not None
    ]
    steps += [Step(one.stamp.at, _shown(one)) for one in readings]
    steps.sort(key=lambda step: step.at)
    merged = [Step(EVER, _before(orders, readings, None))]
    merged += [step for last, step in pairwise((merged[0], *steps)) if step.level != last.level]
    return Known(tuple(merged))


def _before(
    orders: Sequence[PastOrder], readings: Sequence[PastReading], otherwise: Bandwidth | None
) -> Bandwidth | None:
    """The level before everything else: the history has every step, so the first one tells it. An order of
    the run that read the circuit for the first time only tells what that run saw."""
    order = min(orders, key=lambda one: one.order.created_at, default=None)
    reading = min(readings, key=lambda one: one.stamp.at, default=None)
    if order is not None and (reading is None or _came_first(order.order, reading)):
        return order.order.old
    if reading is not None:
        return reading.confirmed if reading.drift is not None else None
    return otherwise


def _came_first(order: Order, reading: PastReading) -> bool:
    led_to_it = order.run_id == reading.stamp.run_id and order.old == _shown(reading)
    return order.created_at <= reading.stamp.at and not led_to_it


def _of_orders(orders: Iterable[PastOrder]) -> Iterator[tuple[datetime, Bandwidth | None, Step]]:
    for one in orders:
        order, at = one.order, _taken_at(one.order)
        if at is None:
            continue
        yield at, order.old, Step(at, order.new, tuple(cause for cause in one.causes if not cause.ended))
        if order.outcome is Outcome.FAILED and order.settled_at is not None:
            yield order.settled_at, None, Step(order.settled_at, order.old)


def _of_readings(readings: Iterable[PastReading], open_: Sequence[Interval]) -> Iterator[Step]:
    """While an order is open, it is what counts."""
    starts = [span.start for span in open_]
    for one in readings:
        index = bisect_right(starts, one.stamp.at) - 1
        if index < 0 or one.stamp.at not in open_[index]:
            yield Step(one.stamp.at, _shown(one), by_hand=one.drift is not None)


def _shown(reading: PastReading) -> Bandwidth | None:
    return reading.drift.observed if reading.drift is not None else reading.confirmed


def _taken_at(order: Order) -> datetime | None:
    """When the carrier took it; where its answer was lost and its effect seen, when it was sent."""
    if order.accepted_at is not None:
        return order.accepted_at
    return order.created_at if order.outcome is Outcome.CONFIRMED else None


def _open(order: Order) -> Interval | None:
    at = _taken_at(order)
    end = order.settled_at or NEVER
    return Interval(at, end) if at is not None and at < end else None


def _doubts(orders: Iterable[PastOrder]) -> Iterator[Interval]:
    """When nobody knows whether an order was taken: until the next one, which is only placed once the last
    one came to an end."""
    in_order = sorted((one.order for one in orders), key=lambda order: order.created_at)
    for order, following in pairwise((*in_order, None)):
        if order is not None and _is_doubtful(order):
            yield Interval(order.created_at, following.created_at if following is not None else NEVER)


def _is_doubtful(order: Order) -> bool:
    """Nobody knows yet whether it was taken."""
    return order.accepted_at is None and order.outcome in (Outcome.SENDING, Outcome.UNKNOWN)
