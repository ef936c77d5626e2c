"""The environment that simulated runs live in: replayed calendars, carriers in memory, a clock that jumps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from iodcal.config import CalendarConfig, CarrierConfig, Configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Account, Circuit, Orders
from iodcal.domain.events import CalendarReading
from iodcal.domain.values import replace
from iodcal.pipeline.fetch import calendars_in_use
from iodcal.simulation.calendars import ReplayPlugin, ReplayReader, Shelf
from iodcal.simulation.carrier import MemoryShelf, VirtualCarrier, VirtualCarrierPlugin, virtual_carrier
from iodcal.simulation.faults import FaultInjector, FaultPlan, Injected

Opening = Mapping[str, Bandwidth]
"""Where each circuit stands at the beginning, by its name."""


class VirtualClock(Struct):
    """A clock that shows what it was set to (UTC)."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


class Environment(Struct, frozen=True):
    """`configuration` is the user's, but for its edges: no calendar and no carrier in it is a real one."""

    configuration: Configuration
    clock: VirtualClock
    carriers: Mapping[str, VirtualCarrier]
    chances: tuple[FaultInjector, ...]

    def injected(self) -> tuple[Injected, ...]:
        """Every failure so far, in order of time."""
        return tuple(sorted((one for chance in self.chances for one in chance.injected), key=_when))


def as_simulated(configuration: Configuration) -> Configuration:
    """`configuration` as the simulation takes it: where nothing may be ordered, it is asked what would be."""
    lifted = {
        name: replace(circuit, orders=Orders.ALL) if circuit.orders is Orders.NONE else circuit
        for name, circuit in configuration.circuits.items()
    }
    return replace(configuration, circuits=lifted)


def build(
    configuration: Configuration,
    readings: Mapping[str, CalendarReading],
    opening: Opening,
    start: datetime,
    faults: FaultPlan,
) -> Environment:
    """An environment at `start` (UTC), where the calendars hold `readings` (by source key) and the circuits
    stand as in `opening`."""
    clock, chances = VirtualClock(start), list[FaultInjector]()

    def chance(edge: str) -> FaultInjector:
        chances.append(FaultInjector(faults, edge))
        return chances[-1]

    def replay(calendar: CalendarConfig) -> CalendarConfig:
        sources = calendar.plugin.sources(calendar.name, calendar.options, calendar.context)
        readers = tuple(
            ReplayReader(
                source, Shelf(readings[source.key].events), clock, chance(f"calendar {source.label}")
            )
            for source in sources
        )
        return replace(calendar, plugin=ReplayPlugin(readers), options=None)

    shelves = _shelves(configuration, opening)
    carriers: dict[str, VirtualCarrier] = {}
    for name, config in configuration.carriers.items():
        account = next((c.account for c in configuration.circuits.values() if c.carrier == name), None)
        if account is not None:  # else no circuit is on it
            luck, patience = chance(f"carrier {name}"), configuration.settings.patience
            carriers[name] = virtual_carrier(
                account,
                shelves[account],
                clock,
                config.provisioning,
                config.changes_per_day,
                luck,
                patience,
            )
    virtual = replace(
        configuration,
        calendars={calendar.name: replay(calendar) for calendar in calendars_in_use(configuration)},
        carriers={name: _on(configuration.carriers[name], carrier) for name, carrier in carriers.items()},
    )
    return Environment(virtual, clock, carriers, tuple(chances))


def _on(config: CarrierConfig, carrier: VirtualCarrier) -> CarrierConfig:
    return replace(config, plugin=VirtualCarrierPlugin(carrier), options=None)


def _shelves(configuration: Configuration, opening: Opening) -> dict[Account, MemoryShelf]:
    of_account: defaultdict[Account, list[Circuit]] = defaultdict(list)
    for circuit in configuration.circuits.values():
        of_account[circuit.account].append(circuit)
    return {
        account: MemoryShelf({circuit.service_id: opening[circuit.name] for circuit in circuits})
        for account, circuits in of_account.items()
    }


def _when(injected: Injected) -> tuple[datetime, str, str]:
    return (injected.at, injected.place, injected.kind)
