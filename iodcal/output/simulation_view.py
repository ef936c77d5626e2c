"""A simulation as JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from iodcal.exits import Exit
from iodcal.output.json import SPAN_KEYS, ResultView, View, seconds
from iodcal.problems.kinds import Problem
from iodcal.problems.messages import describe
from iodcal.simulation.result import (
    CircuitResult,
    Hours,
    Money,
    SimulatedEvent,
    Simulation,
    SimulationComparison,
)


class InjectedFaultsView(View):
    """What share of all calls failed, and which."""

    rate: float
    seed: int


class _MoneyView(View, kw_only=True):
    cost: str | None
    cost_highest: str | None
    cost_baseline: str | None
    cost_optimum: str | None
    savings: str | None


class _PaidInView(_MoneyView, kw_only=True):
    currency: str
    billing: str


class SimulatedCircuitView(_PaidInView):
    """One circuit; `hours` by Mbps, amounts to the cent and null where a tier has no rate."""

    name: str
    hours: dict[str, float]
    orders_up: int
    orders_down: int
    double_orders: int
    optimum_orders: int
    excess_hours: float
    orders_lifted: bool


class _PaidInAllView(_MoneyView, kw_only=True):
    currencies: tuple[str, ...]


class SimulatedTotalView(_PaidInAllView):
    """All circuits together."""

    hours: dict[str, float]
    orders_up: int
    orders_down: int
    double_orders: int


class SimulatedEventView(View):
    """A matching event on one circuit."""

    circuit: str
    rule: str
    calendar: str
    subject: str | None
    start: datetime
    end: datetime
    needs_mbps: int


class LateEventView(SimulatedEventView):
    """One that lacked bandwidth; `avoidable` says that it could have been in time whatever was injected."""

    late_seconds: int | None
    short_seconds: int | None
    reason: str | None
    avoidable: bool


class MarginView(SimulatedEventView):
    """One that was in time, and by how much."""

    spare_seconds: int | None


class ToldProblemView(View):
    """A problem that somebody would have been told, and when."""

    at: datetime
    id: str
    kind: str
    where: str
    severity: str
    message: str
    remedy: str


class SimulationView(View):
    """One rules file over the span."""

    rules: str
    config_digest: str
    every_seconds: int | None
    runs: int
    circuits: tuple[SimulatedCircuitView, ...]
    total: SimulatedTotalView
    unpriced_mbps: tuple[int, ...]
    events: int
    late: tuple[LateEventView, ...]
    margins: tuple[MarginView, ...]
    problems: tuple[ToldProblemView, ...]
    injected: dict[str, int]


class SimulationsView(ResultView, rename=SPAN_KEYS):
    """What `simulate` prints: one rules file, or two beside each other."""

    start: datetime
    end: datetime
    faults: InjectedFaultsView
    simulations: tuple[SimulationView, ...]


def simulations_view(comparison: SimulationComparison) -> SimulationsView:
    """The object that `simulate` prints."""
    return SimulationsView(
        command="simulate",
        exit=int(Exit.OK),
        start=comparison.span.start,
        end=comparison.span.end,
        faults=InjectedFaultsView.of(comparison.faults),
        simulations=tuple(map(_simulation, comparison.simulations)),
    )


def _simulation(simulation: Simulation) -> SimulationView:
    return SimulationView.of(
        simulation,
        rules=str(simulation.rules),
        every_seconds=seconds(simulation.every),
        circuits=tuple(map(_circuit, simulation.circuits)),
        total=SimulatedTotalView.of(
            simulation,
            hours=_hours(simulation.hours),
            orders_up=sum(circuit.ups for circuit in simulation.circuits),
            orders_down=sum(circuit.downs for circuit in simulation.circuits),
            double_orders=simulation.doubles,
            **_money(simulation.money),
        ),
        unpriced_mbps=tuple(tier.mbps for tier in simulation.unpriced),
        events=len(simulation.served),
        late=tuple(map(_late, simulation.late)),
        margins=tuple(
            MarginView.of(one, spare_seconds=seconds(one.spare), **_span(one)) for one in simulation.margins
        ),
        problems=tuple(_problem(at, problem) for at, problem in simulation.problems),
        injected={str(kind): count for kind, count in sorted(simulation.injected.items())},
    )


def _circuit(circuit: CircuitResult) -> SimulatedCircuitView:
    return SimulatedCircuitView.of(
        circuit,
        hours=_hours(circuit.hours),
        orders_up=circuit.ups,
        orders_down=circuit.downs,
        double_orders=circuit.doubles,
        optimum_orders=circuit.optimal_orders,
        excess_hours=_in_hours(circuit.excess),
        orders_lifted=circuit.lifted,
        currency=circuit.tariff.currency,
        billing=str(circuit.tariff.billing),
        **_money(circuit.money),
    )


def _money(money: Money) -> dict[str, Any]:
    return {
        "cost": _amount(money.simulated),
        "cost_highest": _amount(money.highest),
        "cost_baseline": _amount(money.baseline),
        "cost_optimum": _amount(money.optimum),
        "savings": _amount(money.savings),
    }


def _late(one: SimulatedEvent) -> LateEventView:
    return LateEventView.of(
        one, late_seconds=seconds(one.late), short_seconds=seconds(one.short), **_span(one)
    )


def _span(one: SimulatedEvent) -> dict[str, Any]:
    return {"start": one.event.start, "end": one.event.end}


def _problem(at: datetime, problem: Problem) -> ToldProblemView:
    words = describe(problem)
    return ToldProblemView.of(problem, at=at, message=words.message, remedy=words.remedy)


def _hours(hours: Hours) -> dict[str, float]:
    """By Mbps, as text: JSON's keys are texts."""
    return {str(tier.mbps): _in_hours(lasting) for tier, lasting in hours.items()}


def _in_hours(length: timedelta) -> float:
    return round(length.total_seconds() / 3600, 4)


def _amount(amount: Decimal | None) -> str | None:
    """To the cent, as text, so that no reader makes a binary fraction of it."""
    return None if amount is None else f"{amount:.2f}"
