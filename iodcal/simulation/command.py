"""`simulate` as a plain function: typed arguments in, a typed result out. It prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from iodcal.calendars.overlap import may_overlap
from iodcal.config import Configuration
from iodcal.domain.events import CalendarReading
from iodcal.domain.localtime import Interval
from iodcal.errors import UsageError
from iodcal.simulation.ahead import read_ahead
from iodcal.simulation.asked import Asked, prepare
from iodcal.simulation.engine import simulate
from iodcal.simulation.plot import Plot
from iodcal.simulation.result import Comparison


def compare(
    configurations: Sequence[Configuration], asked: Asked, progress: Callable[[str], None]
) -> Comparison:
    """Simulates each of `configurations` over the same time. Times are judged in the zone of the first.

    Raises UsageError, SimulationError.
    """
    span, configurations = prepare(configurations, asked)
    plots = [
        Plot(configuration, _events(configuration, span, progress), span, asked.faults)
        for configuration in configurations
    ]
    return Comparison(span, asked.faults, tuple(simulate(plot, progress) for plot in plots))


def _events(
    configuration: Configuration, span: Interval, progress: Callable[[str], None]
) -> Mapping[str, CalendarReading]:
    readings = read_ahead(configuration, span, progress)
    if not any(may_overlap(event.span, span) for reading in readings.values() for event in reading.events):
        start, end = (at.astimezone(configuration.zone).strftime("%Y-%m-%d") for at in (span.start, span.end))
        raise UsageError("simulate_no_events", rules=configuration.path.name, start=start, end=end)
    return readings
