"""Holding back: because somebody said so (pauses, change freezes, prices), or because orders for the same
came to nothing before.

None of it touches the target: what is asked for stays visible, and so does what is missed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Circuit, Quote
from iodcal.domain.due import maximum
from iodcal.domain.failed_orders import FailedOrders, failed_to, is_part_of
from iodcal.domain.holds import Pause, longest_pause
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Tariff
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.policy import Policy
from iodcal.domain.timeline import Timeline
from iodcal.domain.windows import Freeze

_NEVER_TAKEN = frozenset({Outcome.REFUSED, Outcome.NOT_SENT})
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


def too_dear(change: Change, timeline: Timeline, circuit_state: CircuitState) -> Held | None:
    """Holds back a raise that has a limit and costs more, as far as is known, or whose quote told no price
    where no rate is known either. What was not yet asked for is not held back."""
    limit = price_ceiling(change, timeline)
    if limit is None:
        return None
    price = timeline.circuit.tariff.with_quotes(circuit_state.quotes).per_hour(change.new)
    if price is None and circuit_state.unpriced != change.new:
        return None
    return Held(Reason.PRICE) if price is None or price > limit else None


def price_of(quote: Quote, tariff: Tariff) -> Decimal | None:
    """The price per hour that counts for `quote`: its own or, where it tells none in the currency of
    `tariff`, the known rate; None where nobody knows one."""
    told = quote.hourly if quote.currency == tariff.currency else None
    return told if told is not None else tariff.per_hour(quote.bandwidth)


def lost_before(circuit_state: CircuitState, change: Change) -> Order | None:
    """The last order of this circuit that was not refused, if it was lost on its way and was for what
    `change` is for."""
    sent = (order for order in reversed(circuit_state.recent) if order.outcome not in _NEVER_TAKEN)
    last = next(sent, None)
    if last is None or last.outcome is not Outcome.LOST:
        return None
    alike = (last.direction, last.new) == (change.direction, change.new)
    return last if alike and is_part_of(change.demand, last.demand) else None


def _failed_before(circuit_state: CircuitState, change: Change) -> FailedOrders | None:
    """What is known of orders for what `change` is for that came to nothing."""
    failed = failed_to(circuit_state.failed, change.direction, change.new)
    return failed if failed and failed.covers(change.direction, change.new, change.demand) else None


def may_still_come(circuit_state: CircuitState, circuit: Circuit, policy: Policy) -> bool:
    """True if the last order was seen to have failed before its time-out, but may be carried out yet: by the
    latest reading alone, which may be a copy that lags; or at rest between its two bandwidths for less than
    the provisioning takes, since some carriers come up in steps."""
    last, reading = circuit_state.recent[-1] if circuit_state.recent else None, circuit_state.reading
    if last is None or reading is None or last.outcome is not Outcome.FAILED:
        return False
    if last.accepted_at is None or last.settled_at is None:
        return False
    if reading.at - last.accepted_at >= policy.order_timeouts.order_timeout:
        return False
    low, high = sorted((last.old, last.new))
    on_its_way = reading.bandwidth is not None and low < reading.bandwidth < high
    at_rest = reading.at - last.settled_at
    return at_rest == timedelta() or (on_its_way and at_rest < circuit.provisioning)


def held_as_given_up(circuit_state: CircuitState, change: Change) -> Held | None:
    """Holds back for good what was ordered as often as may be for this very demand: another demand, such as a
    hold, is ordered for."""
    lost, failed = lost_before(circuit_state, change), _failed_before(circuit_state, change)
    if lost is not None and lost.gives_up:
        return Held(Reason.UNKNOWN_ORDER)
    return Held(Reason.OTHER_BANDWIDTH) if failed is not None and failed.given_up else None


def held_by_backoff(
    circuit_state: CircuitState, change: Change, circuit: Circuit, now: datetime, policy: Policy
) -> Held | None:
    """Holds back what came to nothing before, longer each time; but never beyond the last run that can still
    order in time for an event which asks for it."""
    failed = _failed_before(circuit_state, change)
    retry_at = failed.retry_at(policy.every, policy.min_gap) if failed is not None else None
    if failed is None or retry_at is None:
        return None
    chances = (start - circuit.provisioning - policy.every for start in change.event_starts)
    until = min([retry_at, *(chance for chance in chances if chance > failed.last_at)])
    return Held(Reason.BACKOFF, until) if now < until else None
