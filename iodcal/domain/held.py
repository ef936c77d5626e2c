"""Holding back because somebody said so: pauses, which stop every change, and change freezes.

Neither touches the target: what is asked for stays visible, and so does what is missed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuits import Quote
from iodcal.domain.due import maximum
from iodcal.domain.holds import Pause, longest_pause
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Tariff
from iodcal.domain.timeline import Timeline
from iodcal.domain.windows import Freeze

STANDSTILL = frozenset({Reason.PAUSE, Reason.FREEZE})


def held_by_pause(one: Pause | None, all_of_them: Pause | None, at: datetime) -> Held | None:
    """Holds back any change at `at`, until the longer of the circuit's own pause and that of all ends."""
    pause = longest_pause((one, all_of_them), at)
    return Held(Reason.PAUSE, pause.until) if pause is not None else None


def held_by_freeze(change: Change, timeline: Timeline, at: datetime, sight: timedelta) -> Held | None:
    """Holds back a change that would be ordered at `at` inside a freeze that forbids it.

    A lowering is held back, too, if within `sight` a freeze begins that allows no raise, and more is asked
    for before that ends: what cannot be raised again must not be dropped.
    """
    if not timeline.freezes:
        return None
    thaw = _thaw(timeline, at, up=change.up)
    if thaw > at:
        return Held(Reason.FREEZE, thaw)
    if change.up:
        return None
    for freeze in timeline.freezes:
        if freeze.total and at < freeze.span.start < at + sight:
            thaw = _thaw(timeline, freeze.span.start, up=True)
            if maximum(timeline, Interval(at, thaw)) > change.new:
                return Held(Reason.FREEZE, _thaw(timeline, thaw, up=False))
    return None


def _thaw(timeline: Timeline, at: datetime, *, up: bool) -> datetime:
    """When the freezes that forbid such a change at `at`, and those that follow on them, are over."""
    end = at
    while ends := [freeze.span.end for freeze in timeline.freezes if _forbids(freeze, end, up=up)]:
        end = max(ends)
    return end


def _forbids(freeze: Freeze, at: datetime, *, up: bool) -> bool:
    return at in freeze.span and (freeze.total or not up)


def price_ceiling(change: Change, timeline: Timeline) -> Decimal | None:
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
    limit, price = price_ceiling(change, timeline), tariff.per_hour(change.new)
    return Held(Reason.PRICE) if limit is not None and price is not None and price > limit else None


def comparable_price(quote: Quote, tariff: Tariff) -> Decimal | None:
    """The quote's price per hour, None where it tells none, or tells it in another currency."""
    return quote.hourly if quote.currency == tariff.currency else None
