"""What held when, as the history recorded it: prices by the quotes of that time, labels by its orders.

What it did not record counts as it is today: the rate of a tier that was not quoted yet, a label that no
order had.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from iodcal.domain.billing import period_of
from iodcal.domain.labels import Labels, labels_of
from iodcal.domain.localtime import Interval
from iodcal.domain.money import QuotedPrice, RateSource, Tariff
from iodcal.domain.service_level import EVER
from iodcal.history import PastOrder
from iodcal.lookback.course import NEVER


class Era(Struct, frozen=True):
    """From `since` (UTC) on these were a circuit's prices and labels."""

    since: datetime
    tariff: Tariff
    labels: Labels


def eras_of(
    tariff: Tariff, labels: Labels, orders: Sequence[PastOrder], quotes: Iterable[QuotedPrice] = ()
) -> tuple[Era, ...]:
    """One circuit's eras, from `EVER` on. `tariff` and `labels` are today's; `quotes` are known besides those
    of the `orders`.

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
    eras = [Era(EVER, tariff.with_quotes(missing), _laid_over(labels, next(iter(worn.values()), ())))]
    for since in sorted({*told, *worn}):
        last = eras[-1]
        news = [quote for quote in told[since] if _is_news(quote, last.tariff)]
        now_worn = _laid_over(labels, worn[since]) if since in worn else last.labels
        if news or now_worn != last.labels:
            eras.append(Era(since, last.tariff.with_quotes(news), now_worn))
    return tuple(eras)


def within(eras: Sequence[Era], span: Interval) -> Iterator[tuple[Interval, Era]]:
    """The eras that lie in `span`, each cut to it."""
    ends = [*(era.since for era in eras[1:]), NEVER]
    for era, end in zip(eras, ends, strict=True):
        cut = Interval(max(era.since, span.start), min(end, span.end))
        if cut.start < cut.end:
            yield cut, era


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
