"""`simulate` as a plain function: typed arguments in, a typed result out. It prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from iodcal.calendars.overlap import may_overlap
from iodcal.config import Configuration
from iodcal.domain.durations import format_duration
from iodcal.domain.events import CalendarReading
from iodcal.domain.localtime import Interval
from iodcal.domain.values import replace
from iodcal.errors import UsageError
from iodcal.reading import calendars_in_use
from iodcal.simulation.ahead import LONGEST, margin_of, read_ahead
from iodcal.simulation.asked import Asked, span_of
from iodcal.simulation.engine import simulate
from iodcal.simulation.plot import Plot
from iodcal.simulation.result import Comparison

_SHORTEST_STEP = timedelta(minutes=1)


def compare(
    configurations: Sequence[Configuration], asked: Asked, progress: Callable[[str], None]
) -> Comparison:
    """Simulates each of `configurations` over the same time. Times are judged in the zone of the first.

    Raises UsageError, SimulationError.
    """
    span = span_of(configurations[0], asked)
    configurations = [_with_step(configuration, asked.every) for configuration in configurations]
    for configuration in configurations:
        _check(configuration, span)
    plots = [
        Plot(configuration, _events(configuration, span, progress), span, asked.faults)
        for configuration in configurations
    ]
    return Comparison(span, asked.faults, tuple(simulate(plot, progress) for plot in plots))


def _with_step(configuration: Configuration, every: timedelta | None) -> Configuration:
    if every is None:
        return configuration
    if every < _SHORTEST_STEP:
        raise UsageError("simulate_every", every=format_duration(every))
    return replace(configuration, settings=replace(configuration.settings, every=every))


def _check(configuration: Configuration, span: Interval) -> None:
    if not calendars_in_use(configuration):
        raise UsageError("simulate_no_calendars", rules=configuration.path.name)
    limit = LONGEST - margin_of(configuration)
    if span.end - span.start > limit:
        raise UsageError("simulate_too_long", days=(span.end - span.start).days, limit=limit.days)


def _events(
    configuration: Configuration, span: Interval, progress: Callable[[str], None]
) -> Mapping[str, CalendarReading]:
    readings = read_ahead(configuration, span, progress)
    if not any(may_overlap(event.span, span) for reading in readings.values() for event in reading.events):
        start, end = (at.astimezone(configuration.zone).strftime("%Y-%m-%d") for at in (span.start, span.end))
        raise UsageError("simulate_no_events", rules=configuration.path.name, start=start, end=end)
    return readings
