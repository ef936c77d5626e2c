"""Policies side by side, on the same calendars: `python -m benchmarks.policies [DAYS]`.

(a) The plain one orders what is asked for at each moment: up when a window opens, down when it ends.
(b) iodcal, not told how many orders a day the carrier takes: no order is saved up for later.
(c) iodcal as it is.

Each is held against the optimum of `iodcal.simulation.outcome`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from benchmarks.company import START, configuration, readings
from iodcal.carriers import OrderRequest
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.errors import CarrierError
from iodcal.simulation.carrier import VirtualCarrier
from iodcal.simulation.engine import NEVER, simulate
from iodcal.simulation.environment import build
from iodcal.simulation.outcome import conclude
from iodcal.simulation.result import Simulation
from iodcal.simulation.scenario import RunLog, Scenario, timelines_of

QUOTAS = (24, 8)
PROVISIONING = ("2m", "7m", "15m")


@dataclass(frozen=True, slots=True)
class Figures:
    """Late minutes of all events, hours above the optimum, orders, the optimum's orders, cost above the
    optimum's as a share."""

    late: float
    excess: float
    orders: int
    optimum: int
    cost: float


def plain(scenario: Scenario) -> Simulation:
    """Orders what the timeline asks for at each run, and again with the next one where that fails."""
    timelines = timelines_of(scenario.configuration, scenario)
    ordered = {name: timeline.at(scenario.span.start).target for name, timeline in timelines.items()}
    world = build(
        scenario.configuration,
        scenario.readings,
        opening=dict(ordered),
        start=scenario.span.start,
        faults=scenario.faults,
    )
    log = RunLog()
    while world.clock.now < scenario.span.end:
        log.runs += 1
        for name, timeline in timelines.items():
            target = timeline.at(world.clock.now).target
            carrier = world.carriers[timeline.circuit.carrier]
            if target != ordered[name] and _order(carrier, timeline.circuit, ordered[name], target):
                ordered[name] = target
        world.clock.now += scenario.every
    return conclude(scenario, timelines, world, log)


def _order(carrier: VirtualCarrier, circuit: Circuit, old: Bandwidth, new: Bandwidth) -> bool:
    try:
        quote = carrier.quote(circuit.service_id, new, NEVER)
        carrier.order(OrderRequest(circuit.service_id, old, new, quote, "", ""), NEVER)
    except CarrierError:
        return False
    return True


def unplanned(scenario: Scenario) -> Simulation:
    """iodcal, not told of the quota."""
    return simulate(replace(scenario, quota_known=False), _ignore)


def as_it_is(scenario: Scenario) -> Simulation:
    """iodcal."""
    return simulate(scenario, _ignore)


POLICIES: dict[str, Callable[[Scenario], Simulation]] = {"plain": plain, "S5": unplanned, "iodcal": as_it_is}


def compare(days: int) -> Iterator[tuple[int, str, str, Figures]]:
    """Quota, provisioning, policy and its figures, for every combination."""
    span = Interval(START, START + timedelta(days=days))
    for quota in QUOTAS:
        for provisioning in PROVISIONING:
            company = configuration(provisioning=provisioning, changes_per_day=quota)
            scenario = Scenario(company, readings(company, span, days * 500 // 30), span)
            for name, policy in POLICIES.items():
                yield quota, provisioning, name, figures(policy(scenario))


def figures(simulation: Simulation) -> Figures:
    """What counts of `simulation`."""
    money = simulation.money
    assert money.simulated is not None
    assert money.optimum
    return Figures(
        late=sum(one.short.total_seconds() for one in simulation.late) / 60,
        excess=sum(circuit.excess.total_seconds() for circuit in simulation.circuits) / 3600,
        orders=sum(circuit.ups + circuit.downs for circuit in simulation.circuits),
        optimum=sum(circuit.optimal_orders for circuit in simulation.circuits),
        cost=float(money.simulated / money.optimum) - 1,
    )


def _ignore(_text: str) -> None: ...


def main() -> None:
    """Prints a line for every combination."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(
        "changes a day, provisioning, policy: late minutes, excess hours, orders (optimum), cost over optimum"
    )
    for quota, provisioning, name, found in compare(days):
        print(
            f"{quota:>2} {provisioning:>3} {name:<6}: {found.late:8.0f} {found.excess:8.1f} "
            f"{found.orders:5} ({found.optimum}) {found.cost:+.2%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
