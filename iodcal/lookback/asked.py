"""Which time `report` is asked to look back on."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from iodcal.asked import check_circuit
from iodcal.config import Configuration
from iodcal.domain.localtime import Interval
from iodcal.errors import UsageError
from iodcal.lookback.spans import month_start, parse_day


class LookbackAsked(Struct, frozen=True):
    """From when until when, as people write it: this month so far, where neither is given."""

    start: str | None = None
    end: str | None = None
    circuit: str | None = None
    now: str | None = None


def span_of(configuration: Configuration, asked: LookbackAsked, now: datetime) -> Interval:
    """The time (UTC) that is looked back on, none of it to come. Raises UsageError, also for a circuit that
    the configuration does not have."""
    check_circuit(configuration, asked.circuit)
    start = _day(asked.start, configuration, now) if asked.start else month_start(now, configuration.zone)
    end = _day(asked.end, configuration, now) if asked.end else now
    if asked.start and start >= now:
        raise UsageError("not_yet", start=shown(start, configuration))
    if end <= start:
        raise UsageError("empty_report", start=shown(start, configuration), end=shown(end, configuration))
    return Interval(start, min(end, now))


def _day(text: str, configuration: Configuration, now: datetime) -> datetime:
    try:
        return parse_day(text, now, configuration.zone)
    except (ValueError, OverflowError) as error:
        raise UsageError("bad_time", message=str(error)) from None


def shown(at: datetime, configuration: Configuration) -> str:
    """An instant as the errors name it, in the configuration's zone."""
    return at.astimezone(configuration.zone).strftime("%Y-%m-%d %H:%M")
