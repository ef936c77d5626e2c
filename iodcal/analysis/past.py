"""The past of a circuit: its bandwidth over time, as ordered and as the carrier showed it.

The one account of it: the page, the costs and the service level all ask here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause
from iodcal.domain.circuit_state import CircuitState, running
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.steps import EVER, NEVER, Steps
from iodcal.store.history import Past, PastOrder, PastReading

T = TypeVar("T", PastOrder, PastReading)


class PastLevel(Struct, frozen=True):
    """A circuit was at `level`, None where nobody knows; for `causes`, or because it was changed by hand."""

    level: Bandwidth | None
    causes: tuple[Cause, ...] = ()
    by_hand: bool = False


class OrderedPast(Struct, frozen=True):
    """The ordered levels, from `EVER` on; in `gaps` some step is missing from the history."""

    levels: Steps[PastLevel]
    gaps: tuple[Interval, ...] = ()


class CircuitPast(Struct, frozen=True):
    """What the history tells of the circuit with `key`. `otherwise` is the level where it tells of none."""

    key: str
    orders: Sequence[PastOrder] = ()
    readings: Sequence[PastReading] = ()
    otherwise: Bandwidth | None = None

    def ordered(self) -> OrderedPast:
        """Its ordered bandwidth: an order counts from its acceptance, a change by hand from the reading that
        saw it."""
        found: list[tuple[datetime, Bandwidth | None, PastLevel]] = [*_of_orders(self.orders)]
        open_ = [span for one in self.orders if (span := _open(one.order)) is not None]
        found += [(at, None, step) for at, step in _of_readings(self.readings, open_)]
        found.sort(key=lambda one: one[0])
        starts, levels = [EVER], [PastLevel(self._before())]
        gaps = list(_doubts(self.orders))
        for at, old, step in found:
            if old is not None and levels[-1].level not in (None, old):
                gaps.append(Interval(starts[-1], at))
            if step.level != levels[-1].level or step.by_hand:
                starts.append(at)
                levels.append(step)
        known = Steps(tuple(starts), tuple(levels))
        return OrderedPast(known, tuple(sorted(gap for gap in gaps if gap.start < gap.end)))

    def shown(self) -> Steps[Bandwidth | None]:
        """The bandwidth that the carrier showed; None where nobody knows, as before the first reading."""
        confirmed = [
            (one.order.settled_at, one.order.new)
            for one in self.orders
            if one.order.outcome is Outcome.CONFIRMED and one.order.settled_at is not None
        ]
        read = [(one.stamp.at, running(one.drift, one.confirmed)) for one in self.readings]
        steps = sorted((*confirmed, *read), key=lambda step: step[0])
        return Steps.of(((EVER, self._before()), *steps))

    def _before(self) -> Bandwidth | None:
        """The level before everything else: the history has every step, so the first one tells it. An order
        of the run that read the circuit for the first time only tells what that run saw."""
        order = min((one.order for one in self.orders), key=lambda one: one.created_at, default=None)
        reading = min(self.readings, key=lambda one: one.stamp.at, default=None)
        if order is not None and (reading is None or _came_first(order, reading)):
            return order.old
        if reading is not None:
            return reading.confirmed if reading.drift is not None else None
        return self.otherwise


def circuit_pasts(past: Past, circuit_states: Mapping[str, CircuitState]) -> dict[str, CircuitPast]:
    """The past of each circuit that `past` or `circuit_states` (by key) names, by key; first those of `past`.
    One that changed at no time has its level in the state."""
    orders = _by_key(past.orders, [one.order.circuit_key for one in past.orders])
    readings = _by_key(past.readings, [one.key for one in past.readings])
    levels = {key: one.running for key, one in circuit_states.items()}
    return {
        key: CircuitPast(key, orders.get(key, ()), readings.get(key, ()), levels.get(key))
        for key in (*orders, *readings, *circuit_states)
    }


def tells_of_circuits(past: Past) -> bool:
    """False where there is no history to speak of: then what the state knows of now says nothing of then."""
    return bool(past.orders or past.readings)


def _by_key(records: Sequence[T], keys: Sequence[str]) -> dict[str, list[T]]:
    found: defaultdict[str, list[T]] = defaultdict(list)
    for key, record in zip(keys, records, strict=True):
        found[key].append(record)
    return dict(found)


def _came_first(order: Order, reading: PastReading) -> bool:
    led_to_it = order.run_id == reading.stamp.run_id and order.old == running(
        reading.drift, reading.confirmed
    )
    return order.created_at <= reading.stamp.at and not led_to_it


def _of_orders(orders: Iterable[PastOrder]) -> Iterator[tuple[datetime, Bandwidth | None, PastLevel]]:
    for one in orders:
        order, at = one.order, _taken_at(one.order)
        if at is None:
            continue
        yield at, order.old, PastLevel(order.new, tuple(cause for cause in one.causes if not cause.ended))
        if order.outcome is Outcome.FAILED and order.settled_at is not None:
            yield order.settled_at, None, PastLevel(order.old)


def _of_readings(
    readings: Iterable[PastReading], open_: Sequence[Interval]
) -> Iterator[tuple[datetime, PastLevel]]:
    """While an order is open, it is what counts."""
    starts = [span.start for span in open_]
    for one in readings:
        index = bisect_right(starts, one.stamp.at) - 1
        if index < 0 or one.stamp.at not in open_[index]:
            level = running(one.drift, one.confirmed)
            yield one.stamp.at, PastLevel(level, by_hand=one.drift is not None)


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
