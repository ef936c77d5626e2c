"""Calendars of a simulation: read once over the whole range, then answered from memory, run by run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct, field

from iodcal.calendars import CalendarContext
from iodcal.calendars.readings import divided
from iodcal.config import CalendarConfig, CarrierConfig, Configuration
from iodcal.config.forms import Section
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Account, Circuit, Orders
from iodcal.domain.events import CalendarReading, Event, Source, Timed
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.errors import CalendarError, SimulationError
from iodcal.http import Deadline
from iodcal.pipeline.attempts import read_all
from iodcal.pipeline.fetch import calendars_in_use, readers_of, span_to_read
from iodcal.simulation.carrier import MemoryShelf, VirtualCarrier, VirtualCarrierPlugin, virtual_carrier
from iodcal.simulation.faults import FaultInjector, FaultKind, FaultPlan, Injected
from iodcal.store.state import State

LONGEST = timedelta(days=1825)  # Microsoft Graph answers no longer range at once
_MARGIN = timedelta(days=2)
_PATIENCE = 1800.0  # seconds: a year of many mailboxes takes its time
# Servers send what lies around the stretch that was asked for along; floating times move by up to 14 hours.
_AROUND = timedelta(hours=26)


def margin_of(configuration: Configuration) -> timedelta:
    """How far around a range its runs look, in all."""
    reach = span_to_read(configuration, datetime.now(UTC), configuration.settings.window)
    return reach.length + 2 * _MARGIN


def read_ahead(
    configuration: Configuration, span: Interval, progress: Callable[[str], None]
) -> dict[Source, CalendarReading]:
    """What every calendar that a rule names holds for runs during `span` (UTC), by source.

    Reads through the calendars' own readers. Raises SimulationError where one cannot be read: a simulation
    without some of the events would say that less was needed.
    """
    readers = [
        reader
        for calendar in calendars_in_use(configuration)
        for reader in readers_of(calendar, State(), span.start)
    ]
    first = span_to_read(configuration, span.start, configuration.settings.window)
    last = span_to_read(configuration, span.end, configuration.settings.window)
    whole = Interval(first.start - _MARGIN, last.end + _MARGIN)
    progress(f"reading {len(readers)} calendars" if len(readers) != 1 else "reading 1 calendar")
    answers = read_all(readers, whole, Deadline.after(_PATIENCE))
    readings: dict[Source, CalendarReading] = {}
    for source, answer in answers.items():
        if isinstance(answer, CalendarError):
            raise SimulationError(answer.code, **{**answer.facts, "source": source.label})
        readings[source] = answer
    return readings


class ReplayStore:
    """The events of one source, found by time."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events = sorted(events, key=lambda event: (_first(event), event.id))
        self._starts = [_first(event) for event in self._events]
        self._longest = max((_last(event) - _first(event) for event in self._events), default=timedelta())

    def around(self, window: Interval) -> Sequence[Event]:
        """The events that overlap `window`, and some that lie near it."""
        begin = bisect_left(self._starts, window.start - _AROUND - self._longest)
        return self._events[begin : bisect_right(self._starts, window.end + _AROUND)]


class ReplayReader(Struct, frozen=True):
    """A `CalendarReader` of what was read before, as of virtual time."""

    source: Source
    shelf: ReplayStore
    clock: Callable[[], datetime]
    chance: FaultInjector

    @property
    def group(self) -> str:
        return "replay"  # memory is not read faster by several threads

    def read(self, window: Interval, deadline: Deadline) -> CalendarReading:  # noqa: ARG002 - memory answers at once
        """See `CalendarReader.read`."""
        now = self.clock()
        if self.chance.draw((FaultKind.CALENDAR_UNREADABLE,)):
            self.chance.note(now, self.source.label, FaultKind.CALENDAR_UNREADABLE, now)
            raise CalendarError("unreachable", host="the calendar", reason="injected by the simulation")
        inside, elsewhere = divided(self.shelf.around(window), window)
        return CalendarReading(self.source, window, now, inside, elsewhere=elsewhere)


class ReplayPlugin(Struct, frozen=True):
    """A `CalendarPlugin` whose sources are `read` already."""

    read: tuple[ReplayReader, ...]
    Options: type[Section] = field(default=Section)

    def sources(self, name: str, options: Any, context: CalendarContext) -> Sequence[Source]:  # noqa: ARG002
        return tuple(reader.source for reader in self.read)

    def readers(self, name: str, options: Any, context: CalendarContext) -> Sequence[ReplayReader]:  # noqa: ARG002
        return self.read


def _first(event: Event) -> datetime:
    return min(_utc(event.span.start, event), _utc(event.span.end, event))


def _last(event: Event) -> datetime:
    return max(_utc(event.span.start, event), _utc(event.span.end, event))


def _utc(at: datetime, event: Event) -> datetime:
    return at if isinstance(event.span, Timed) else at.replace(tzinfo=UTC)


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
    readings: Mapping[Source, CalendarReading],
    opening: Opening,
    start: datetime,
    faults: FaultPlan,
) -> Environment:
    """An environment at `start` (UTC), where the calendars hold `readings` and the circuits
    stand as in `opening`."""
    clock, chances = VirtualClock(start), list[FaultInjector]()

    def chance(edge: str) -> FaultInjector:
        chances.append(FaultInjector(faults, edge))
        return chances[-1]

    def replay(calendar: CalendarConfig) -> CalendarConfig:
        sources = calendar.plugin.sources(calendar.name, calendar.options, calendar.context)
        readers = tuple(
            ReplayReader(
                source, ReplayStore(readings[source].events), clock, chance(f"calendar {source.label}")
            )
            for source in sources
        )
        return replace(calendar, plugin=ReplayPlugin(readers), options=None)

    shelves = _shelves(configuration, opening)
    carriers: dict[str, VirtualCarrier] = {}
    for name, config in configuration.carriers.items():
        account = next((c.account for c in configuration.circuits.values() if c.carrier == name), None)
        if account is not None:  # else no circuit is on it
            luck, order_timeouts = chance(f"carrier {name}"), configuration.settings.order_timeouts
            carriers[name] = virtual_carrier(
                account,
                shelves[account],
                clock=clock,
                provisioning=config.provisioning,
                changes_per_day=config.changes_per_day,
                chance=luck,
                order_timeouts=order_timeouts,
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
