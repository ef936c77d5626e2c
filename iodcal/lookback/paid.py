"""What is paid for: a course of levels as the carrier bills it, and who is behind each part of the bill.

A bill is the sum over billing periods of the highest tier of each. Here every such period is one piece of
time at one level, so that pieces can be cut, laid beside those of the baseline, and shared out: their
prices add up to `domain.billing.cost`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.billing import period_of
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Billing, Tariff
from iodcal.lookback import Because

_HOUR = timedelta(hours=1) // timedelta(microseconds=1)


class Stay(Struct, frozen=True):
    """A time at one level."""

    span: Interval
    level: Bandwidth


class Paid(Struct, frozen=True):
    """`span` is paid for at `level`, because of what was so `during` these times."""

    span: Interval
    level: Bandwidth
    during: tuple[Interval, ...]


class Demand(Struct, frozen=True):
    """`because` asked for `needs` during `span` (lead and trail included)."""

    because: Because
    span: Interval
    needs: Bandwidth


# Who is behind a level at a time when no demand asks for it: the reasons of the step it came by.
Behind = Callable[[datetime], Sequence[Because]]


def hours(length: timedelta) -> Decimal:
    """A length of time in hours."""
    return Decimal(length // timedelta(microseconds=1)) / Decimal(_HOUR)


def paid(stays: Iterable[Stay], billing: Billing) -> list[Paid]:
    """`stays`, in order and without a gap, as they are billed: in order and without a gap."""
    period = billing.length
    found: list[Paid] = []
    mixed: defaultdict[datetime, list[Stay]] = defaultdict(list)
    for stay in stays:
        first, last = period_of(stay.span.start, billing), period_of(stay.span.end, billing)
        if first < stay.span.start or first == last:
            end = min(first + period, stay.span.end)
            mixed[first].append(Stay(Interval(stay.span.start, end), stay.level))
            first += period
        if first < last:
            found.append(Paid(Interval(first, last), stay.level, (Interval(first, last),)))
        if last < stay.span.end and last >= first:
            mixed[last].append(Stay(Interval(last, stay.span.end), stay.level))
    found += [_highest(parts) for parts in mixed.values()]
    return sorted(found, key=lambda one: one.span)


def shares(
    actual: Sequence[Paid],
    base: Sequence[Paid],
    demands: Sequence[Demand],
    behind: Behind,
    tariff: Tariff,
) -> Iterator[tuple[Because, Decimal]]:
    """What each reason cost beyond the baseline, piece by piece. All of it is given to somebody, but not that
    of tiers without a rate. `actual` and `base` cover the same time."""
    for piece, level in _pieces(actual, base, demands):
        before, after = tariff.per_hour(level), tariff.per_hour(piece.level)
        if level == piece.level or before is None or after is None:
            continue
        asking = [one for one in demands if any(one.span.overlaps(during) for during in piece.during)]
        length = hours(piece.span.end - piece.span.start)
        for because, price in _priced(piece, level, asking, behind, tariff):
            yield because, price * length


def _priced(
    piece: Paid, base: Bandwidth, asking: Sequence[Demand], behind: Behind, tariff: Tariff
) -> Iterator[tuple[Because, Decimal]]:
    """Each step of the price, from the baseline's level up, in equal parts to those who asked for at least as
    much: what only the biggest demand needs, it pays alone."""
    up = piece.level > base
    needs = {one.because: min(one.needs, piece.level) for one in asking if one.needs > base} if up else {}
    lower = [one.because for one in asking if one.needs < base] if not up else []
    known = [need for need in needs.values() if tariff.per_hour(need) is not None]
    price = tariff.per_hour(base) or Decimal(0)
    for top in sorted({*known, piece.level}):
        step = (tariff.per_hour(top) or Decimal(0)) - price
        price += step
        who = [because for because, need in needs.items() if need >= top] or lower
        payers = who or behind(piece.during[0].start)
        yield from ((because, step / len(payers)) for because in payers)


def _pieces(
    actual: Sequence[Paid], base: Sequence[Paid], demands: Sequence[Demand]
) -> Iterator[tuple[Paid, Bandwidth]]:
    """`actual`, cut wherever anything changes, each with the level that the baseline is paid for."""
    cuts = {edge for one in base for edge in (one.span.start, one.span.end)}
    cuts |= {edge for one in demands for edge in (one.span.start, one.span.end)}
    edges = sorted(cuts)
    levels = iter(base)
    below = next(levels, None)
    position = 0
    for one in actual:
        while position < len(edges) and edges[position] <= one.span.start:
            position += 1
        start = one.span.start
        while start < one.span.end and below is not None:
            while below is not None and below.span.end <= start:
                below = next(levels, None)
            inside = position < len(edges) and edges[position] < one.span.end
            end = edges[position] if inside else one.span.end
            position += inside
            cut = Interval(start, end)
            if below is not None:
                yield Paid(cut, one.level, (cut,) if one.during == (one.span,) else one.during), below.level
            start = end


def _highest(parts: Sequence[Stay]) -> Paid:
    """One billing period, or the part of it that is looked at, with several levels in it."""
    top = max(part.level for part in parts)
    during = tuple(part.span for part in parts if part.level == top)
    return Paid(Interval(parts[0].span.start, parts[-1].span.end), top, during)
