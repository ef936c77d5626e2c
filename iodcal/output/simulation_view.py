"""A simulation as JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from iodcal.exits import Exit
from iodcal.output.json import VERSION, Json, moment
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


def comparison_json(comparison: SimulationComparison) -> Json:
    """The object that `simulate` prints."""
    return {
        "version": VERSION,
        "command": "simulate",
        "exit": int(Exit.OK),
        "from": moment(comparison.span.start),
        "to": moment(comparison.span.end),
        "faults": {"rate": comparison.faults.rate, "seed": comparison.faults.seed},
        "simulations": [_simulation(simulation) for simulation in comparison.simulations],
    }


def _simulation(simulation: Simulation) -> Json:
    return {
        "rules": str(simulation.rules),
        "config_digest": simulation.config_digest,
        "every_seconds": _seconds(simulation.every),
        "runs": simulation.runs,
        "circuits": [_circuit(circuit) for circuit in simulation.circuits],
        "total": {
            "hours": _hours(simulation.hours),
            "orders_up": sum(circuit.ups for circuit in simulation.circuits),
            "orders_down": sum(circuit.downs for circuit in simulation.circuits),
            "double_orders": simulation.doubles,
            **_money(simulation.money),
            "currencies": list(simulation.currencies),
        },
        "unpriced_mbps": [tier.mbps for tier in simulation.unpriced],
        "events": len(simulation.served),
        "late": [_late(one) for one in simulation.late],
        "margins": [_event(one) | {"spare_seconds": _seconds(one.spare)} for one in simulation.margins],
        "problems": [_problem(at, problem) for at, problem in simulation.problems],
        "injected": {str(kind): count for kind, count in sorted(simulation.injected.items())},
    }


def _circuit(circuit: CircuitResult) -> Json:
    return {
        "name": circuit.name,
        "hours": _hours(circuit.hours),
        "orders_up": circuit.ups,
        "orders_down": circuit.downs,
        "double_orders": circuit.doubles,
        "optimum_orders": circuit.optimal_orders,
        "excess_hours": _in_hours(circuit.excess),
        "orders_lifted": circuit.lifted,
        **_money(circuit.money),
        "currency": circuit.tariff.currency,
        "billing": str(circuit.tariff.billing),
    }


def _money(money: Money) -> Json:
    return {
        "cost": _amount(money.simulated),
        "cost_highest": _amount(money.highest),
        "cost_baseline": _amount(money.baseline),
        "cost_optimum": _amount(money.optimum),
        "savings": _amount(money.savings),
    }


def _late(one: SimulatedEvent) -> Json:
    return _event(one) | {
        "late_seconds": _seconds(one.late),
        "short_seconds": _seconds(one.short),
        "reason": one.reason,
        "avoidable": one.avoidable,
    }


def _event(one: SimulatedEvent) -> Json:
    return {
        "circuit": one.circuit,
        "rule": one.rule,
        "calendar": one.calendar,
        "subject": one.subject,
        "start": moment(one.event.start),
        "end": moment(one.event.end),
        "needs_mbps": one.needs.mbps,
    }


def _problem(at: datetime, problem: Problem) -> Json:
    words = describe(problem)
    return {
        "at": moment(at),
        "id": problem.id,
        "kind": str(problem.kind),
        "where": problem.where,
        "severity": str(problem.severity),
        "message": words.message,
        "remedy": words.remedy,
    }


def _hours(hours: Hours) -> dict[str, float]:
    """By Mbps, as text: JSON's keys are texts."""
    return {str(tier.mbps): _in_hours(lasting) for tier, lasting in hours.items()}


def _in_hours(length: timedelta) -> float:
    return round(length.total_seconds() / 3600, 4)


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else int(length.total_seconds())


def _amount(amount: Decimal | None) -> str | None:
    """To the cent, as text, so that no reader makes a binary fraction of it."""
    return None if amount is None else f"{amount:.2f}"
