"""The costs on the report page: this month beside the last one, and what budgets allow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from iodcal.analysis.figures import Lookback
from iodcal.analysis.past import tells_of_circuits
from iodcal.commands.lookback import look_back, only_of
from iodcal.commands.requests import select_circuits
from iodcal.commands.spans import PageRequest, month_start, span_of
from iodcal.config import Configuration
from iodcal.domain.circuits import Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost
from iodcal.domain.structs import replace
from iodcal.problems.limits import BudgetUse, budget_uses
from iodcal.store.address import StateAddress
from iodcal.store.history import Past
from iodcal.store.state import State


class PageCosts(Struct, frozen=True):
    """What the span that was asked for cost. Where that is the month so far: all of last month, last month up
    to the same moment, and how much of each budget is used up."""

    found: Lookback
    last_month: Lookback | None = None
    last_month_so_far: Lookback | None = None
    budgets: tuple[BudgetUse, ...] = ()


def page_costs_since(configuration: Configuration, asked: PageRequest, now: datetime) -> datetime:
    """From when on (UTC) the past has to be known. Raises UsageError."""
    if asked.looks_back:
        return span_of(configuration, asked.lookback, now).start
    return _month_before(month_start(now, configuration.zone), configuration).start


def page_costs(
    configuration: Configuration,
    past: Past,
    *,
    state: State,
    state_path: StateAddress,
    asked: PageRequest,
    now: datetime,
) -> PageCosts | None:
    """The costs by `past`, which reaches back to `page_costs_since`; None where a month has only just begun.
    `state_path` is where the state is read from. Raises UsageError."""
    start = month_start(now, configuration.zone)
    if not asked.looks_back and start == now:
        return None
    chosen = select_circuits(configuration.circuits, asked.circuits)
    circuits = [one for one in configuration.circuits.values() if not chosen or one.name in chosen]
    past = only_of(past, circuits) if chosen else past
    over = span_of(configuration, asked.lookback, now)

    told = tells_of_circuits(past)
    circuit_states = state.circuits if told else {}

    def look(span: Interval) -> Lookback:
        found = look_back(
            past, circuits, circuit_states=circuit_states, over=span, now=now, zone=configuration.zone
        )
        return found if told else replace(found, nothing_beside=str(state_path))

    found = look(over)
    if asked.looks_back:
        return PageCosts(found)
    before = _month_before(over.start, configuration)
    so_far = Interval(before.start, min(before.start + over.length, before.end))
    costs = _of_circuits(found, configuration)
    budgets = () if chosen else tuple(budget_uses(configuration.budgets, costs))
    return PageCosts(found, look(before), look(so_far), budgets)


def _month_before(start: datetime, configuration: Configuration) -> Interval:
    return Interval(month_start(start - timedelta(days=1), configuration.zone), start)


def _of_circuits(found: Lookback, configuration: Configuration) -> Iterator[tuple[Circuit, Cost]]:
    for one in found.circuits:
        circuit = configuration.circuits.get(one.name)
        if circuit is not None and circuit.key == one.key:
            yield from ((circuit, bill.cost) for bill in one.figures.bills)
