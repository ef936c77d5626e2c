"""What `simulate` is asked to play."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from iodcal.config import Configuration
from iodcal.domain.localtime import Interval
from iodcal.domain.moments import parse_moment
from iodcal.errors import UsageError
from iodcal.simulation.chance import NO_FAULTS, FaultPlan


class Asked(Struct, frozen=True):
    """What `simulate` was asked for. `every` None means that of each rules file."""

    start: str
    end: str
    every: timedelta | None = None
    faults: FaultPlan = NO_FAULTS


def span_of(configuration: Configuration, asked: Asked) -> Interval:
    """The time (UTC) that is played, in whole minutes. Raises UsageError."""
    now = datetime.now(UTC)
    try:
        start, end = (parse_moment(text, now, configuration.zone) for text in (asked.start, asked.end))
    except ValueError as error:
        raise UsageError("bad_time", message=str(error)) from None
    if start >= end:
        raise UsageError("simulate_order", start=asked.start, end=asked.end)
    # A run takes place at a whole minute, whatever second the range was typed at.
    return Interval(start.replace(second=0, microsecond=0), end)
