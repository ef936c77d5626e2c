"""Only what was reviewed: a sync that was given a plan's digest orders that plan's changes, or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from iodcal.domain.changes import Change
from iodcal.domain.orders import Order
from iodcal.domain.planning import CircuitPlan
from iodcal.errors import PlanChangedError
from iodcal.result import changes_digest

_LATELY = timedelta(hours=1)


def check_expected(expected: str | None, plans: Iterable[CircuitPlan], now: datetime) -> None:
    """Raises PlanChangedError unless `expected` is None or the digest of what would be ordered now."""
    plans = tuple(plans)
    found = changes_digest(plans)
    if expected in (None, found):
        return
    due = [_change(change) for plan in plans if (change := plan.to_order) is not None]
    done = [
        _order(order)
        for plan in plans
        for order in plan.standing.all_orders
        if now - order.created_at <= _LATELY
    ]
    raise PlanChangedError(
        "plan_changed",
        expected=expected,
        found=found,
        due=", ".join(sorted(due)) or "nothing",
        done=", ".join(sorted(done)) or "nothing",
    )


def _change(change: Change) -> str:
    return f"{change.circuit} {change.direction} {change.old} to {change.new}"


def _order(order: Order) -> str:
    return f"{order.circuit} {order.direction} {order.old} to {order.new} ({order.outcome})"
