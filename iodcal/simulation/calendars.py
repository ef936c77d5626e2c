"""Calendars of a simulation: read once over the whole range, then answered from memory, run by run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct, field

from iodcal.calendars import CalendarContext
from iodcal.calendars.overlap import divided
from iodcal.config import Configuration
from iodcal.config.forms import Section
from iodcal.domain.events import CalendarReading, Event, Source, Timed
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError, SimulationError
from iodcal.http import Deadline
from iodcal.pipeline.attempts import read_all
from iodcal.pipeline.fetch import calendars_in_use, readers_of, span_to_read
from iodcal.simulation.faults import FaultInjector, FaultKind
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
) -> dict[str, CalendarReading]:
    """What every calendar that a rule names holds for runs during `span` (UTC), by source key.

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
    readings: dict[str, CalendarReading] = {}
    for reader in readers:
        answer = answers[reader.source.key]
        if isinstance(answer, CalendarError):
            raise SimulationError(answer.code, **{**answer.facts, "source": reader.source.label})
        readings[reader.source.key] = answer
    return readings


class Shelf:
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
    shelf: Shelf
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
