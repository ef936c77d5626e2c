"""The highest price that a raise may have."""

from __future__ import annotations

from decimal import Decimal

from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuits import Quote
from iodcal.domain.money import Tariff
from iodcal.domain.timeline import Timeline


def ceiling(change: Change, timeline: Timeline) -> Decimal | None:
    """The most that `change` may cost an hour, in the circuit's currency; None where nothing limits it.

    The circuit's own limit holds for every raise. A rule's holds for what that rule alone asks for: where
    several ask for the level the highest limit counts, and none where one of them has none.
    """
    if not change.up:
        return None  # a lowering is never too dear: staying up costs more
    limits = {
        window.demand.id: window.demand.rule.max_price_per_hour
        for window in timeline.windows
        if window.demand.rule.max_price_per_hour is not None
    }
    of_rules = [limits.get(cause.id) for cause in change.causes if not cause.ended]
    known = [limit for limit in of_rules if limit is not None]
    own = timeline.circuit.max_price_per_hour
    if not known or len(known) < len(of_rules):
        return own
    return max(known) if own is None else min(own, max(known))


def too_dear(change: Change, timeline: Timeline, tariff: Tariff) -> Held | None:
    """Holds back a raise whose price, as far as it is known, is above its limit."""
    limit, price = ceiling(change, timeline), tariff.per_hour(change.new)
    return Held(Reason.PRICE) if limit is not None and price is not None and price > limit else None


def comparable_price(quote: Quote, tariff: Tariff) -> Decimal | None:
    """The quote's price per hour, None where it tells none, or tells it in another currency."""
    return quote.price_per_hour if quote.currency == tariff.currency else None
