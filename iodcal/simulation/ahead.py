"""The real calendars, read once over the whole range: the only step of a simulation that asks anybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from iodcal.config import Configuration
from iodcal.domain.events import CalendarReading
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError, SimulationError
from iodcal.http import Deadline
from iodcal.reading import calendars_in_use, read_all, readers_of, span_to_read
from iodcal.store.state import State

LONGEST = timedelta(days=1825)  # Microsoft Graph answers no longer range at once
_MARGIN = timedelta(days=2)
_PATIENCE = 1800.0  # seconds: a year of many mailboxes takes its time


def margin_of(configuration: Configuration) -> timedelta:
    """How far around a range its runs look, in all."""
    reach = span_to_read(configuration, datetime.now(UTC), configuration.settings.window)
    return reach.end - reach.start + 2 * _MARGIN


def read_ahead(
    configuration: Configuration, span: Interval, progress: Callable[[str], None]
) -> dict[str, CalendarReading]:
    """What every calendar that a rule names holds for runs during `span` (UTC), by source key.

    Reads through the calendars' own readers. Raises SimulationError where one cannot be read: a simulation
    without some of the events would say that less was needed.
    """
    readers = [
        reader for calendar in calendars_in_use(configuration) for reader in readers_of(calendar, State())
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
