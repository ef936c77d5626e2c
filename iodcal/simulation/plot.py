"""What a simulation is to play, and what its runs told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from iodcal.config import Configuration
from iodcal.domain.events import CalendarReading
from iodcal.domain.localtime import Interval
from iodcal.domain.timeline import Timeline, draw
from iodcal.domain.windows import open_windows
from iodcal.problems.kinds import Kind, Problem
from iodcal.reading import match
from iodcal.simulation.chance import NO_FAULTS, FaultPlan


class Plot(Struct, frozen=True):
    """What a simulation is to play: one rules file, over `span` (UTC), on calendars that hold `readings` (by
    source key). Without `quota_known` the program is not told how many orders a day the carrier takes."""

    configuration: Configuration
    readings: Mapping[str, CalendarReading]
    span: Interval
    faults: FaultPlan = NO_FAULTS
    quota_known: bool = True

    @property
    def every(self) -> timedelta:
        return self.configuration.settings.every


class Heard(Struct):
    """What the runs told: problems with their time, and why an event was at risk or late, by the place that
    names it."""

    runs: int = 0
    problems: list[tuple[datetime, Problem]] = field(default_factory=list)
    causes: dict[str, str] = field(default_factory=dict)

    def note(self, problem: Problem) -> None:
        """Keeps the first cause that is named for an event."""
        if problem.kind in (Kind.EVENT_AT_RISK, Kind.EVENT_LATE):
            self.causes.setdefault(problem.where, str(problem.facts["cause"]))


def timelines_of(configuration: Configuration, plot: Plot) -> dict[str, Timeline]:
    """What the calendars of `plot` ask for over the whole span, known afterwards; by circuit name."""
    events = (event for reading in plot.readings.values() for event in reading.events)
    matched = match(configuration, events).matched
    windows = open_windows(matched, configuration.rules, configuration.circuits.values())
    return {name: draw(circuit, windows[name], plot.span) for name, circuit in configuration.circuits.items()}
