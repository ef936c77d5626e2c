"""What a circuit costs: its ordered bandwidth over a span of time, under a billing rule.

A circuit is always on at some tier, so a bill is the sum over billing periods of the highest tier ordered
in each. Spans add up where they are cut between two periods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TypeAlias

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Billing, Cost, Tariff

# From each instant (UTC) on, the bandwidth that is ordered; in order.
Course: TypeAlias = Sequence[tuple[datetime, Bandwidth]]

_HOUR = timedelta(hours=1)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cost(course: Course, over: Interval, tariff: Tariff) -> Cost:
    """What `course` costs during `over` (UTC): the part of each billing period that lies in `over` at the
    highest tier ordered in that part."""
    amount, complete = Decimal(0), True
    for bandwidth, billed in billed_time(course, over, tariff.billing).items():
        rate = tariff.per_hour(bandwidth)
        if rate is None:
            complete = False
        else:
            amount += rate * _hours(billed)
    return Cost(amount, tariff.currency, complete)


def billed_time(course: Course, over: Interval, billing: Billing) -> Mapping[Bandwidth, timedelta]:
    """How long each tier is paid for during `over` (UTC)."""
    period = billing.length
    billed: defaultdict[Bandwidth, timedelta] = defaultdict(timedelta)
    partial: dict[datetime, Bandwidth] = {}
    for span, bandwidth in _stays(course, over):
        first, last = period_of(span.start, billing), period_of(span.end, billing)
        # The period in which a stay begins may not be its own, nor that in which it ends.
        partial[first] = max(bandwidth, partial.get(first, bandwidth))
        first += period
        if first < last:
            billed[bandwidth] += last - first
        if first <= last < span.end:
            partial[last] = bandwidth
    for start, bandwidth in partial.items():
        billed[bandwidth] += min(start + period, over.end) - max(start, over.start)
    return billed


def difference(course: Course, other: Course, over: Interval, tariff: Tariff) -> Cost:
    """How much more `course` costs than `other`; negative where it saves."""
    return cost(course, over, tariff) - cost(other, over, tariff)


def _stays(course: Course, over: Interval) -> Iterator[tuple[Interval, Bandwidth]]:
    """The stays at one bandwidth, each cut to `over`."""
    edges = [*(at for at, _ in course), over.end]
    for (start, end), (_, bandwidth) in zip(pairwise(edges), course, strict=True):
        cut = Interval(max(start, over.start), min(end, over.end))
        if cut.start < cut.end:
            yield cut, bandwidth


def period_of(instant: datetime, billing: Billing) -> datetime:
    """When the billing period begins that `instant` (UTC) lies in."""
    return instant - (instant - _EPOCH) % billing.length


def _hours(length: timedelta) -> Decimal:
    return Decimal(length // _MICROSECOND) / (_HOUR // _MICROSECOND)
