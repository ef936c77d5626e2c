"""What a simulation is asked to play, and what its runs told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct, field

from iodcal.config import Configuration
from iodcal.domain.durations import format_duration
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.domain.time import parse_moment
from iodcal.domain.timeline import Timeline, draw_timeline
from iodcal.domain.windows import open_windows
from iodcal.errors import UsageError
from iodcal.pipeline.fetch import calendars_in_use, match
from iodcal.problems.kinds import Kind, Problem
from iodcal.simulation.environment import LONGEST, margin_of
from iodcal.simulation.faults import NO_FAULTS, FaultPlan

_SHORTEST_STEP = timedelta(minutes=1)


class SimulationRequest(Struct, frozen=True):
    """What `simulate` was asked for. `every` None means that of each rules file."""

    start: str
    end: str
    every: timedelta | None = None
    faults: FaultPlan = NO_FAULTS


def prepare(
    configurations: Sequence[Configuration], asked: SimulationRequest
) -> tuple[Interval, Sequence[Configuration]]:
    """The time (UTC) that is played, in whole minutes, judged in the zone of the first of `configurations`;
    and these, each with the step that was asked for.

    Raises UsageError where nothing could be played, or too much.
    """
    span = _span(configurations[0], asked)
    stepping = [_with_step(configuration, asked.every) for configuration in configurations]
    for configuration in stepping:
        _check(configuration, span)
    return span, stepping


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
    if span.length > limit:
        raise UsageError("simulate_too_long", days=span.length.days, limit=limit.days)


def _span(configuration: Configuration, asked: SimulationRequest) -> Interval:
    now = datetime.now(UTC)
    try:
        start, end = (parse_moment(text, now, configuration.zone) for text in (asked.start, asked.end))
    except ValueError as error:
        raise UsageError("bad_time", message=str(error)) from None
    if start >= end:
        raise UsageError("simulate_order", start=asked.start, end=asked.end)
    # A run takes place at a whole minute, whatever second the range was typed at.
    return Interval(start.replace(second=0, microsecond=0), end)


class Scenario(Struct, frozen=True):
    """What a simulation is to play: one rules file, over `span` (UTC), on calendars that hold `readings` (by
    source key). Without `quota_known` the program is not told how many orders a day the carrier takes."""

    configuration: Configuration
    readings: Mapping[Source, CalendarReading]
    span: Interval
    faults: FaultPlan = NO_FAULTS
    quota_known: bool = True

    @property
    def every(self) -> timedelta:
        return self.configuration.settings.every


class RunLog(Struct):
    """What the runs told: problems with their time, and why an event was at risk or late, by the place that
    names it."""

    runs: int = 0
    problems: list[tuple[datetime, Problem]] = field(default_factory=list)
    causes: dict[str, str] = field(default_factory=dict)

    def note(self, problem: Problem) -> None:
        """Keeps the first cause that is named for an event."""
        if problem.kind in (Kind.EVENT_AT_RISK, Kind.EVENT_LATE):
            self.causes.setdefault(problem.where, str(problem.facts["cause"]))


def timelines_of(configuration: Configuration, scenario: Scenario) -> dict[str, Timeline]:
    """What the calendars of `scenario` ask for over the whole span, known afterwards; by circuit name."""
    events = (event for reading in scenario.readings.values() for event in reading.events)
    matched = match(configuration, events).matched
    windows = open_windows(matched, configuration.rules, configuration.circuits.values())
    return {
        name: draw_timeline(circuit, windows[name], scenario.span)
        for name, circuit in configuration.circuits.items()
    }
