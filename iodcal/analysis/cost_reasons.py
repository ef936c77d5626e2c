"""What held when, as the history recorded it: prices by the quotes of that time, labels by its orders.

What it did not record counts as it is today: the rate of a tier that was not quoted yet, a label that no
order had.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from msgspec import Struct

from iodcal.analysis.figures import BASELINE, BY_HAND, UNKNOWN, CostReason
from iodcal.analysis.past import PastLevel
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.billing import BilledPiece, hours, period_of
from iodcal.domain.changes import Cause
from iodcal.domain.circuits import Labels, labels_of
from iodcal.domain.localtime import Interval
from iodcal.domain.money import QuotedPrice, RateSource, Tariff
from iodcal.domain.steps import EVER, Steps
from iodcal.domain.structs import replace
from iodcal.store.history import CurtainUp, PastChange, PastOrder


class PricePeriod(Struct, frozen=True):
    """A circuit's prices and labels at one time."""

    tariff: Tariff
    labels: Labels


def price_periods(
    tariff: Tariff, labels: Labels, orders: Sequence[PastOrder], quotes: Iterable[QuotedPrice] = ()
) -> Steps[PricePeriod]:
    """One circuit's prices and labels, from `EVER` on. `tariff` and `labels` are today's; `quotes` are known
    besides those of the `orders`.

    All count from the beginning of their billing period, so that what it costs adds up. A tier whose rate
    nobody gave is priced by its first quote before that, too.
    """
    told: defaultdict[datetime, list[QuotedPrice]] = defaultdict(list)
    known = sorted((*quotes, *quotes_of(orders)), key=lambda quote: quote.at)
    for quote in known:
        told[period_of(quote.at, tariff.billing)].append(quote)
    worn = {period_of(one.order.created_at, tariff.billing): one.labels for one in orders if one.labels}
    first = {quote.bandwidth: quote for quote in reversed(known)}
    missing = [quote for tier, quote in first.items() if tariff.rate(tier) is None]
    last = PricePeriod(tariff.with_quotes(missing), _laid_over(labels, next(iter(worn.values()), ())))
    found = [(EVER, last)]
    for since in sorted({*told, *worn}):
        news = [quote for quote in told[since] if _is_news(quote, last.tariff)]
        now_worn = _laid_over(labels, worn[since]) if since in worn else last.labels
        last = PricePeriod(last.tariff.with_quotes(news), now_worn)
        found.append((since, last))
    return Steps.of(found)


def quotes_of(orders: Iterable[PastOrder]) -> Iterator[QuotedPrice]:
    """The prices that were quoted for `orders`."""
    for one in orders:
        order = one.order
        if order.price_per_hour is not None and order.currency is not None:
            yield QuotedPrice(order.new, order.price_per_hour, order.currency, order.created_at)


def _laid_over(labels: Labels, recorded: Labels) -> Labels:
    return labels_of(dict(labels), dict(recorded))


def _is_news(quote: QuotedPrice, tariff: Tariff) -> bool:
    rate = tariff.rate(quote.bandwidth)
    known = (rate.per_hour, rate.source) if rate is not None else None
    return quote.currency == tariff.currency and known != (quote.per_hour, RateSource.QUOTED)


_ASKS = ("event", "hold")

# Who is behind a level at a time when no demand asks for it: the reasons of the step it came by.
Behind = Callable[[datetime], Sequence[CostReason]]


class PaidDemand(Struct, frozen=True):
    """`because` asked for `needs` during `span` (lead and trail included)."""

    because: CostReason
    span: Interval
    needs: Bandwidth


def demands_of(
    orders: Iterable[PastOrder], changes: Iterable[PastChange], looks: Iterable[CurtainUp]
) -> tuple[PaidDemand, ...]:
    """The demands on one circuit, by start. A look knows no lead and trail, so a cause counts more; of
    several causes of one event the last: it may have moved, or come to need more."""
    found: dict[str, PaidDemand] = {}
    for look in looks:
        if look.needs is not None and look.end is not None and look.start < look.end:
            because = reason_of_look(look)
            found[because.id] = PaidDemand(because, Interval(look.start, look.end), look.needs)
    for demand in _of_causes(orders, changes):
        known = found.get(demand.because.id)
        needs = max(demand.needs, known.needs) if known is not None else demand.needs
        found[demand.because.id] = replace(demand, needs=needs)
    return tuple(sorted(found.values(), key=lambda one: (one.span, one.because.id)))


def reason_of(cause: Cause) -> CostReason | None:
    """The reason that a cause is; None for one that asks for nothing that could be paid for."""
    if cause.kind == "baseline":
        return BASELINE
    if cause.kind not in _ASKS:
        return None
    rule = cause.rule if cause.kind == "event" else None
    return CostReason(
        cause.kind, cause_id(cause), rule=rule, subject=cause.subject, start=cause.start, end=cause.end
    )


def reason_of_look(look: CurtainUp) -> CostReason:
    """The event that a look was for."""
    return CostReason(
        "event", look_id(look), rule=look.rule, subject=look.subject, start=look.start, end=look.end
    )


def cause_id(cause: Cause) -> str:
    """Names what asked: one event and rule, or a hold. Lines of the first versions have no such name."""
    return cause.id or f"{cause.rule}/{cause.start.isoformat()}"


def look_id(look: CurtainUp) -> str:
    """As `cause_id`, of the event that a look was for."""
    return look.event or f"{look.rule}/{look.start.isoformat()}"


def _of_causes(orders: Iterable[PastOrder], changes: Iterable[PastChange]) -> Iterator[PaidDemand]:
    for one in orders:
        yield from _demands(one.causes, one.order.old, one.order.new)
    for change in changes:
        yield from _demands(change.causes, change.old, change.new)


def _demands(causes: Iterable[Cause], old: Bandwidth, new: Bandwidth) -> Iterator[PaidDemand]:
    """What has ended asked for the old level, what goes on asks for the new one."""
    for cause in causes:
        because = reason_of(cause)
        span = cause.asks or Interval(cause.start, cause.end)
        if because is not None and because.kind in _ASKS and span.start < span.end:
            yield PaidDemand(because, span, old if cause.ended else new)


def reasons_of(step: PastLevel) -> Sequence[CostReason]:
    """What a level was for when it was ordered: events and holds before the baseline."""
    if step.by_hand:
        return (BY_HAND,)
    found = [because for cause in step.causes if (because := reason_of(cause)) is not None]
    asked = [because for because in found if because.id]
    return tuple(dict.fromkeys(asked or found)) or (UNKNOWN,)


def shares(
    actual: Sequence[BilledPiece],
    base: Sequence[BilledPiece],
    demands: Sequence[PaidDemand],
    behind: Behind,
    tariff: Tariff,
) -> Iterator[tuple[CostReason, Decimal]]:
    """What each reason cost beyond the baseline, piece by piece. All of it is given to somebody, but not that
    of tiers without a rate. `actual` and `base` cover the same time."""
    for piece, level in _side_by_side(actual, base, demands):
        before, after = tariff.per_hour(level), tariff.per_hour(piece.level)
        if level == piece.level or before is None or after is None:
            continue
        asking = [one for one in demands if any(one.span.overlaps(during) for during in piece.during)]
        length = hours(piece.span.length)
        for because, price in _priced(piece, level, asking=asking, behind=behind, tariff=tariff):
            yield because, price * length


def _priced(
    piece: BilledPiece, base: Bandwidth, asking: Sequence[PaidDemand], behind: Behind, tariff: Tariff
) -> Iterator[tuple[CostReason, Decimal]]:
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


def _side_by_side(
    actual: Sequence[BilledPiece], base: Sequence[BilledPiece], demands: Sequence[PaidDemand]
) -> Iterator[tuple[BilledPiece, Bandwidth]]:
    """`actual`, cut wherever anything changes, each with the level that the baseline is paid for."""
    below = Steps(tuple(one.span.start for one in base), tuple(one.level for one in base))
    edges = sorted({edge for one in demands for edge in (one.span.start, one.span.end)})
    for piece in actual:
        for span, level in below.pieces(piece.span):
            inside = edges[bisect_right(edges, span.start) : bisect_left(edges, span.end)]
            for start, end in pairwise((span.start, *inside, span.end)):
                cut = Interval(start, end)
                during = (cut,) if piece.during == (piece.span,) else piece.during
                yield BilledPiece(cut, piece.level, during), level
