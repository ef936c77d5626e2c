"""What `simulate` is asked to play."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from iodcal.config import Configuration
from iodcal.domain.durations import format_duration
from iodcal.domain.localtime import Interval
from iodcal.domain.moments import parse_moment
from iodcal.domain.values import replace
from iodcal.errors import UsageError
from iodcal.pipeline.fetch import calendars_in_use
from iodcal.simulation.ahead import LONGEST, margin_of
from iodcal.simulation.chance import NO_FAULTS, FaultPlan

_SHORTEST_STEP = timedelta(minutes=1)


class Asked(Struct, frozen=True):
    """What `simulate` was asked for. `every` None means that of each rules file."""

    start: str
    end: str
    every: timedelta | None = None
    faults: FaultPlan = NO_FAULTS


def prepare(
    configurations: Sequence[Configuration], asked: Asked
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
    if span.end - span.start > limit:
        raise UsageError("simulate_too_long", days=(span.end - span.start).days, limit=limit.days)


def _span(configuration: Configuration, asked: Asked) -> Interval:
    now = datetime.now(UTC)
    try:
        start, end = (parse_moment(text, now, configuration.zone) for text in (asked.start, asked.end))
    except ValueError as error:
        raise UsageError("bad_time", message=str(error)) from None
    if start >= end:
        raise UsageError("simulate_order", start=asked.start, end=asked.end)
    # A run takes place at a whole minute, whatever second the range was typed at.
    return Interval(start.replace(second=0, microsecond=0), end)
