"""What a circuit costs: its ordered bandwidth over a span of time, under a billing rule.

A circuit is always on at some tier, so a bill is the sum over billing periods of the highest tier ordered
in each; by the day of change, of the last one. Spans add up where they are cut between two periods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Billing, Cost, Tariff
from iodcal.domain.steps import Steps

_HOUR = timedelta(hours=1) // timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BilledPiece(Struct, frozen=True):
    """`span` is paid for at `level`, because it was ordered `during` these times."""

    span: Interval
    level: Bandwidth
    during: tuple[Interval, ...]


def billed_pieces(levels: Steps[Bandwidth], over: Interval, billing: Billing) -> list[BilledPiece]:
    """`levels` during `over` (UTC) as they are billed, in order: the part of each billing period that lies in
    `over` at the tier that counts of those ordered in that part."""
    found: list[BilledPiece] = []
    shared: defaultdict[datetime, list[tuple[Interval, Bandwidth]]] = defaultdict(list)
    for span, level in levels.pieces(over):
        first, last = period_of(span.start, billing), period_of(span.end, billing)
        whole = first if first == span.start else first + billing.length
        if whole < last:
            found.append(BilledPiece(Interval(whole, last), level, (Interval(whole, last),)))
        # The period in which a stay begins may not be its own, nor that in which it ends.
        if span.start < whole:
            shared[first].append((Interval(span.start, min(whole, span.end)), level))
        if whole <= last < span.end:
            shared[last].append((Interval(last, span.end), level))
    found += (_at_one_level(stays, billing) for stays in shared.values())
    return sorted(found, key=lambda piece: piece.span)


def _at_one_level(stays: list[tuple[Interval, Bandwidth]], billing: Billing) -> BilledPiece:
    """One billing period, or the part of it that is looked at."""
    levels = [level for _, level in stays]
    billed = levels[-1] if billing is Billing.CHANGE_DAY else max(levels)
    during = tuple(span for span, level in stays if level == billed)
    return BilledPiece(Interval(stays[0][0].start, stays[-1][0].end), billed, during)


def saving_from(at: datetime, billing: Billing) -> datetime:
    """Until when a circuit lowered at `at` (UTC) must stay low for that to save anything. The period of `at`
    is billed at its highest tier already, so the one after it must pass; a day of change is billed at the
    tier that it ends with. By the minute anything saves."""
    if billing is Billing.MINUTE:
        return at
    periods = 1 if billing is Billing.CHANGE_DAY else 2
    return period_of(at, billing) + periods * billing.length


def longest_wait(billing: Billing) -> timedelta:
    """The longest time that a circuit must stay low for that to save anything."""
    return saving_from(_EPOCH, billing) - _EPOCH


def billed_time(levels: Steps[Bandwidth], over: Interval, billing: Billing) -> Mapping[Bandwidth, timedelta]:
    """How long each tier is paid for during `over` (UTC)."""
    billed: defaultdict[Bandwidth, timedelta] = defaultdict(timedelta)
    for piece in billed_pieces(levels, over, billing):
        billed[piece.level] += piece.span.length
    return billed


def billed_cost(levels: Steps[Bandwidth], over: Interval, tariff: Tariff) -> Cost:
    """What `levels` cost during `over` (UTC)."""
    amount, complete = Decimal(0), True
    for bandwidth, billed in billed_time(levels, over, tariff.billing).items():
        rate = tariff.per_hour(bandwidth)
        if rate is None:
            complete = False
        else:
            amount += rate * hours(billed)
    return Cost(amount, tariff.currency, complete=complete)


def cost_difference(
    levels: Steps[Bandwidth], other: Steps[Bandwidth], over: Interval, tariff: Tariff
) -> Cost:
    """How much more `levels` cost than `other`; negative where they save."""
    return billed_cost(levels, over, tariff) - billed_cost(other, over, tariff)


def period_of(instant: datetime, billing: Billing) -> datetime:
    """When the billing period begins that `instant` (UTC) lies in."""
    return instant - (instant - _EPOCH) % billing.length


def hours(length: timedelta) -> Decimal:
    """A length of time in hours."""
    return Decimal(length // timedelta(microseconds=1)) / _HOUR
