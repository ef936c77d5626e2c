"""What a plan costs: its window, and each of its changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import baseline_tiers
from iodcal.domain.billing import billed_cost, cost_difference
from iodcal.domain.changes import CauseKind, Change, Reason
from iodcal.domain.circuits import Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost, RateSource, Tariff, add_up
from iodcal.domain.overrides import starting_point
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.steps import Steps

_LONGEST_PRICED = timedelta(days=31)
_AN_INSTANT = timedelta(microseconds=1)


def window_cost(plan: CircuitPlan, window: Interval) -> Cost | None:
    """What the circuit costs during `window` as planned, as if held changes were done when they may be. None
    where no rate or no bandwidth is known."""
    start = starting_point(plan.circuit_state)
    if start is None or not plan.tariff.rates:
        return None
    levels = Steps.of([(window.start, start), *_done(plan, window.start)])
    return billed_cost(levels, window, plan.tariff)


def change_costs(plan: CircuitPlan, window: Interval) -> tuple[Cost | None, ...]:
    """For each change what it costs until the next one, or the window's end, beyond staying as before;
    negative where it saves. For one that the quota has no room for: what it would save."""
    if not plan.tariff.rates:
        return (None,) * len(plan.changes)
    times = [at for at, _ in _done(plan, window.start)]
    return tuple(_change_cost(plan, change, times, window) for change in plan.changes)


def window_total(plans: Iterable[CircuitPlan], window: Interval) -> tuple[Cost, ...]:
    """What all circuits cost together during `window`, as far as it is known: a total for each currency."""
    costs = (window_cost(plan, window) for plan in plans)
    return tuple(add_up(cost for cost in costs if cost is not None))


def hourly_difference(change: Change, tariff: Tariff) -> Cost | None:
    """What the new bandwidth costs an hour beyond the old one; negative where it saves. None where no rate is
    known at all."""
    if not tariff.rates:
        return None
    new, old = tariff.per_hour(change.new), tariff.per_hour(change.old)
    if new is None or old is None:
        return Cost(Decimal(0), tariff.currency, complete=False)
    return Cost(new - old, tariff.currency)


def stay_cost(plan: CircuitPlan, change: Change, window: Interval) -> tuple[Cost, bool] | None:
    """What a lowering ends: the cost of the stay above its new bandwidth beyond that bandwidth, and whether
    all of the stay lies in `window`. None for a raise, for one that the quota has no room for, where the
    ordinary week alone asked for the stay, and where no rate or no bandwidth is known."""
    start = starting_point(plan.circuit_state)
    asked = any(cause.ended and cause.kind is not CauseKind.BASELINE for cause in change.causes)
    if change.up or start is None or not plan.tariff.rates or not _is_done(change) or not asked:
        return None
    levels = Steps.of([(window.start, start), *_done(plan, window.start)])
    end = _time_of(change, window.start)
    since = levels.since(end - _AN_INSTANT, lambda level: level > change.new)
    if since is None or since >= end:
        return None
    rest = Steps((since,), (change.new,))
    return cost_difference(levels, rest, Interval(since, end), plan.tariff), since > window.start


def _change_cost(plan: CircuitPlan, change: Change, times: Iterable[datetime], window: Interval) -> Cost:
    if not _is_done(change):
        left = (left.cost for left in plan.left_out if left.change.at == change.at)
        return -next(left, Cost(Decimal(0), plan.tariff.currency))
    start = _time_of(change, window.start)
    end = min((at for at in times if at > start), default=window.end)
    span = Interval(start, max(start, end))
    after, before = (Steps((start,), (level,)) for level in (change.new, change.old))
    return cost_difference(after, before, span, plan.tariff)


def _done(plan: CircuitPlan, now: datetime) -> Iterator[tuple[datetime, Bandwidth]]:
    for change in plan.changes:
        if _is_done(change):
            yield _time_of(change, now), change.new


def _is_done(change: Change) -> bool:
    """False for what waits for the quota: the changes after it begin where the circuit stands."""
    return change.held is None or change.held.reason is not Reason.QUOTA


def _time_of(change: Change, now: datetime) -> datetime:
    waits = change.held.until if change.held is not None else None
    return max(change.at, waits or now)


def has_estimates(plans: Iterable[CircuitPlan]) -> bool:
    """True if some level of the plans is priced by an estimate: its carrier names no hourly price."""
    return any(
        (rate := plan.tariff.rate(level)) is not None and rate.source is RateSource.ESTIMATED
        for plan in plans
        for level in {change.new for change in plan.changes} | {plan.target}
    )


def list_prices_of(plans: Iterable[CircuitPlan]) -> str | None:
    """The day of the public list that some level of the plans is priced by, if any is."""
    days = [
        rate.as_of.isoformat()
        for plan in plans
        for level in {change.new for change in plan.changes} | {plan.target}
        if (rate := plan.tariff.rate(level)) is not None and rate.source is RateSource.LIST and rate.as_of
    ]
    return min(days, default=None)


def cost_beyond_baseline(circuit: Circuit, wanted: Bandwidth, span: Interval) -> Cost | None:
    """What `circuit` costs at `wanted` during `span` beyond its baseline. None where no rate is known, and
    for more than 31 days, which nobody plans for."""
    if not circuit.tariff.rates or span.length > _LONGEST_PRICED:
        return None
    ordinary = baseline_tiers(circuit, span)
    tier = circuit.sold(wanted)
    raised = Steps(ordinary.starts, tuple(max(tier, level) for level in ordinary.values))
    return cost_difference(raised, ordinary, span, circuit.tariff)
