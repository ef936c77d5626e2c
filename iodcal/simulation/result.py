"""What a simulation found, as values that rendering turns into text or JSON. Times are UTC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.money import UNPRICED, Tariff
from iodcal.domain.steps import Steps
from iodcal.problems.kinds import Problem
from iodcal.simulation.faults import FaultKind, FaultPlan

Hours = Mapping[Bandwidth, timedelta]
"""How long a circuit was at each tier."""


class Money(Struct, frozen=True):
    """What a circuit, or all of them, cost: as simulated, always at the highest tier, on the baseline alone,
    and at best. None where some tier has no known rate."""

    simulated: Decimal | None
    highest: Decimal | None
    baseline: Decimal | None
    optimum: Decimal | None

    @property
    def savings(self) -> Decimal | None:
        """Against always being at the highest tier."""
        return None if self.highest is None or self.simulated is None else self.highest - self.simulated


class CircuitResult(Struct, frozen=True):
    """One circuit. `doubles` are orders for what was already so; `excess` is how long the circuit was ordered
    higher than the optimum. `lifted` says that the configuration allows no orders, and the simulation did;
    `running` is what it ran at."""

    name: str
    zone: ZoneInfo
    hours: Hours
    ups: int
    downs: int
    doubles: int
    optimal_orders: int
    excess: timedelta
    money: Money
    unpriced: tuple[Bandwidth, ...]
    lifted: bool
    running: Steps[Bandwidth]
    tariff: Tariff = UNPRICED


class SimulatedEvent(Struct, frozen=True):
    """How a matching event fared on one circuit. `spare` is how long before its start the circuit was at its
    tier, None where that was before the simulation; `late` how long after its start, None where it was in
    time; `short` how long in all it lacked bandwidth. `reason` is a cause as in `event_late`; `avoidable`
    says that, whatever was injected, it could have been in time."""

    circuit: str
    zone: ZoneInfo
    rule: str
    calendar: str
    subject: str | None
    event: Interval
    needs: Bandwidth
    spare: timedelta | None
    late: timedelta | None = None
    short: timedelta = timedelta()
    reason: str | None = None
    avoidable: bool = False


class Simulation(Struct, frozen=True):
    """One rules file over `span`. `problems` are those that somebody would have been told, each time with
    its time."""

    rules: Path
    config_digest: str
    zone: ZoneInfo
    span: Interval
    every: timedelta
    runs: int
    circuits: tuple[CircuitResult, ...]
    served: tuple[SimulatedEvent, ...]
    problems: tuple[tuple[datetime, Problem], ...]
    injected: Mapping[FaultKind, int]

    @property
    def late(self) -> tuple[SimulatedEvent, ...]:
        """The events that lacked bandwidth, the worst first."""
        found = [one for one in self.served if one.short]
        return tuple(sorted(found, key=lambda one: (-one.short, one.event, one.circuit)))

    @property
    def margins(self) -> tuple[SimulatedEvent, ...]:
        """The events that were in time, the narrowest first."""
        found = [one for one in self.served if not one.short and one.spare is not None]
        return tuple(sorted(found, key=lambda one: (one.spare, one.event, one.circuit)))

    @property
    def hours(self) -> Hours:
        """How long all circuits together were at each tier."""
        total: Counter[Bandwidth] = Counter()
        for circuit in self.circuits:
            total.update({tier: int(lasting.total_seconds()) for tier, lasting in circuit.hours.items()})
        return {tier: timedelta(seconds=total[tier]) for tier in sorted(total)}

    @property
    def money(self) -> Money:
        """What all circuits together cost; None where the cost of one is not known, or currencies differ."""
        if len(self.currencies) > 1:
            return Money(None, None, None, None)
        every = [circuit.money for circuit in self.circuits]
        return Money(
            _sum([money.simulated for money in every]),
            _sum([money.highest for money in every]),
            _sum([money.baseline for money in every]),
            _sum([money.optimum for money in every]),
        )

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies that the circuits are paid in."""
        return tuple(sorted({circuit.tariff.currency for circuit in self.circuits}))

    @property
    def doubles(self) -> int:
        return sum(circuit.doubles for circuit in self.circuits)

    @property
    def unpriced(self) -> tuple[Bandwidth, ...]:
        """The tiers in use without a known rate."""
        return tuple(sorted({tier for circuit in self.circuits for tier in circuit.unpriced}))


class SimulationComparison(Struct, frozen=True):
    """What `simulate` shows: one rules file, or two side by side."""

    span: Interval
    faults: FaultPlan
    simulations: tuple[Simulation, ...]


def _sum(amounts: list[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None
