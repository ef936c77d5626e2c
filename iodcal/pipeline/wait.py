"""Waiting for open orders: looks again and again, without holding the lock between looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime

from iodcal.clock import boot_time
from iodcal.config import Configuration
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.structs import replace
from iodcal.errors import FencedError
from iodcal.http import Deadline
from iodcal.pipeline.detect import of_trouble
from iodcal.pipeline.journal import Journal, stamp_of
from iodcal.pipeline.poll import Carriers, observe
from iodcal.problems.kinds import Problem
from iodcal.result import Report
from iodcal.store.state import KeptStore

_BETWEEN_LOOKS = 15.0  # seconds
_LOCK_PATIENCE = 60.0  # seconds


def wait_for_orders(
    configuration: Configuration,
    store: KeptStore,
    *,
    report: Report,
    deadline: Deadline,
    clock: Callable[[], datetime],
    progress: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> Report:
    """Looks at the circuits of `report` until none has an open order, or `deadline` has passed.

    The orders of the report that comes back are those that settled, by these looks or by another run between
    them, or are still open: `waited_out` says that some are. What came to nothing meanwhile is a problem of
    the report, too. Raises StateError, LockHeldError.
    """
    orders: dict[str, Order] = {order.id: order for order in report.orders}
    still_open = [order.circuit_key for order in report.orders if order.outcome.open]
    while True:
        with suppress(FencedError):  # another command was first: the next look sees what it wrote
            still_open = _look_once(
                configuration, store, report=report, clock=clock, orders=orders, deadline=deadline
            )
        if not still_open or deadline.passed:
            problems = (*report.problems, *_came_to_nothing(report, orders.values(), clock()))
            found = tuple(orders.values())
            return replace(report, orders=found, problems=problems, waited_out=bool(still_open))
        progress(f"waiting for {len(still_open)} open orders")
        pause(min(_BETWEEN_LOOKS, deadline.left))


def _look_once(
    configuration: Configuration,
    store: KeptStore,
    *,
    report: Report,
    clock: Callable[[], datetime],
    orders: dict[str, Order],
    deadline: Deadline,
) -> list[str]:
    """The circuits, by key, whose order is still open; what is known of `orders` is put there."""
    with store.lock(command="sync --wait", wait_seconds=_LOCK_PATIENCE):
        state = store.load()
        known = [plan.circuit for plan in report.plans if plan.circuit.key in state.circuits]
        for circuit in known:
            _collect(state.circuits[circuit.key], orders)
        waiting = [circuit for circuit in known if state.circuits[circuit.key].order is not None]
        if not waiting:
            return []
        carriers = Carriers(configuration, clock)
        carriers.read(waiting, Deadline.after(max(deadline.left, _BETWEEN_LOOKS), deadline.clock))
        journal = Journal(store, state, report.run_id, clock, stamp=stamp_of(configuration.digest))
        settings, boot = configuration.settings, boot_time()
        observed = observe(
            waiting, state.circuits, readings=carriers.readings, now=clock(), settings=settings, boot=boot
        )
        for circuit_state in observed.values():
            journal.put(circuit_state)
            _collect(circuit_state, orders)
        journal.save()
        return [key for key, circuit_state in observed.items() if circuit_state.order is not None]


def _collect(circuit_state: CircuitState, orders: dict[str, Order]) -> None:
    for order in circuit_state.all_orders:
        if order.id in orders or order is circuit_state.order:
            orders[order.id] = order


def _came_to_nothing(report: Report, orders: Iterable[Order], now: datetime) -> Iterator[Problem]:
    """A problem for each order that ended without its change since `report` was made, but where it tells
    of one like it."""
    known = {problem.id for problem in report.problems}
    settled = {order.id for order in report.orders if not order.outcome.open}
    for order in orders:
        if order.outcome in (Outcome.FAILED, Outcome.LOST) and order.id not in settled:
            problem = replace(of_trouble(order, now), since=now)
            if problem.id not in known:
                yield problem
