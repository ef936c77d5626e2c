"""Waiting for open orders: looks again and again, without holding the lock between looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from iodcal.boot import boot_time
from iodcal.config import Configuration
from iodcal.domain.orders import Order
from iodcal.domain.standing import Standing
from iodcal.http import Deadline
from iodcal.keeping import note_news
from iodcal.ledger import Ledger, stamp_of
from iodcal.observing import Carriers, observe
from iodcal.result import Report
from iodcal.state.store import StateStore

_BETWEEN_LOOKS = 15.0  # seconds
_LOCK_PATIENCE = 60.0  # seconds


def wait_for_orders(
    configuration: Configuration,
    store: StateStore,
    report: Report,
    patience: timedelta,
    clock: Callable[[], datetime],
    progress: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> Report:
    """Looks at the circuits of `report` until none has an open order, or `patience` is used up.

    The orders of the report that comes back are those that settled, or are still open; `waited_out` says
    that some are. Raises StateError, LockHeldError.
    """
    deadline = Deadline.after(patience.total_seconds())
    settled: dict[str, Order] = {order.id: order for order in report.orders}
    while True:
        still_open = _look_once(configuration, store, report, clock, settled, deadline)
        if not still_open or deadline.passed:
            orders = tuple(settled.values())
            return replace(report, orders=orders, waited_out=bool(still_open))
        progress(f"waiting for {len(still_open)} open orders")
        pause(min(_BETWEEN_LOOKS, deadline.left))


def _look_once(
    configuration: Configuration,
    store: StateStore,
    report: Report,
    clock: Callable[[], datetime],
    settled: dict[str, Order],
    deadline: Deadline,
) -> list[str]:
    with store.lock(command="sync --wait", wait_seconds=_LOCK_PATIENCE):
        state = store.load()
        circuits = [plan.circuit for plan in report.plans]
        waiting = [c for c in circuits if c.key in state.circuits and state.circuits[c.key].order is not None]
        if not waiting:
            return []
        carriers = Carriers(configuration, clock)
        carriers.read(waiting, Deadline.after(max(deadline.left, _BETWEEN_LOOKS)))
        now, ledger = (
            clock(),
            Ledger(store, state, report.run_id, clock, stamp=stamp_of(configuration.digest)),
        )
        for key, standing in observe(
            waiting, state.circuits, carriers.readings, now, configuration.settings, boot_time()
        ).items():
            note_news(state.circuits.get(key), standing, ledger)
            ledger.put(standing)
            _collect(standing, settled)
        ledger.save()
        return [key for key in (c.key for c in waiting) if ledger.state.circuits[key].order is not None]


def _collect(standing: Standing, settled: dict[str, Order]) -> None:
    for order in standing.all_orders:
        if order.id in settled or order is standing.order:
            settled[order.id] = order
