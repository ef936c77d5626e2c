"""A circuit's level over time: left of now from the history, right of it from the timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Outcome
from iodcal.domain.standing import Standing
from iodcal.domain.timeline import Timeline
from iodcal.reportpage import Block
from iodcal.store.history import Past


def was(past: Past, standing: Standing, over: Interval) -> Iterator[Block]:
    """The levels that the carrier showed during `over`; nothing where none is known. The last one lasts until
    `over.end`."""
    steps = sorted(_steps(past, standing, over.start), key=lambda step: step[0])
    cuts = [*steps, (over.end, None)]
    yield from _merged(
        Block(Interval(max(at, over.start), min(until, over.end)), level, planned=False)
        for (at, level), (until, _) in pairwise(cuts)
        if level is not None and max(at, over.start) < min(until, over.end)
    )


def _steps(past: Past, standing: Standing, start: datetime) -> Iterator[tuple[datetime, Bandwidth | None]]:
    """When the circuit came to a level. The history has every such step; so where it has none, or none before
    the first order, the level was the same before `start`."""
    orders = [one.order for one in past.orders if one.order.circuit_key == standing.key]
    readings = [one for one in past.readings if one.key == standing.key]
    for order in orders:
        if order.outcome is Outcome.CONFIRMED and order.settled_at is not None:
            yield order.settled_at, order.new
    for reading in readings:
        yield reading.stamp.at, reading.drift.observed if reading.drift is not None else reading.confirmed
    if orders and not (readings and readings[0].stamp.at <= orders[0].created_at):
        yield min(orders[0].created_at, start), orders[0].old
    if not orders and not readings:
        yield start, standing.drift.observed if standing.drift is not None else standing.confirmed


def asked(timeline: Timeline, over: Interval) -> Iterator[Block]:
    """The levels that the timeline asks for during `over`."""
    yield from _merged(
        Block(
            Interval(max(segment.span.start, over.start), min(segment.span.end, over.end)),
            segment.target,
            planned=True,
        )
        for segment in timeline.over(over)
    )


def _merged(blocks: Iterable[Block]) -> Iterator[Block]:
    last: Block | None = None
    for block in blocks:
        if last is not None and (last.level, last.span.end) == (block.level, block.span.start):
            last = Block(Interval(last.span.start, block.span.end), block.level, block.planned)
            continue
        if last is not None:
            yield last
        last = block
    if last is not None:
        yield last
