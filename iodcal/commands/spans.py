"""Which time `report` is asked to look back on; days and months as people write them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.commands.requests import clock_of, select_circuits
from iodcal.config import Configuration
from iodcal.domain.localtime import Interval, midnight
from iodcal.domain.time import EXAMPLES, parse_moment
from iodcal.errors import UsageError

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


BACK, AHEAD = timedelta(days=3), timedelta(days=7)
_FARTHEST = timedelta(days=62)


class LookbackRequest(Struct, frozen=True):
    """From when until when, as people write it: this month so far, where neither is given. `usage` is a CSV
    file that takes the place of the servers that know how much was used."""

    start: str | None = None
    end: str | None = None
    circuits: tuple[str, ...] = ()
    now: str | None = None
    usage: Path | None = None


def span_of(configuration: Configuration, asked: LookbackRequest, now: datetime) -> Interval:
    """The time (UTC) that is looked back on, none of it to come. Raises UsageError, also for a circuit that
    the configuration does not have."""
    select_circuits(configuration.circuits, asked.circuits)
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


def parse_day(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant at which the month `2026-11` begins in `zone`; anything else as `parse_moment` reads
    it. Raises ValueError."""
    found = _MONTH.fullmatch(text.strip())
    if found is None or found[1] == "0000":
        return parse_moment(text, now, zone, examples=f"2026-11, {EXAMPLES}")
    return midnight(date(int(found[1]), int(found[2]), 1), zone)


def month_start(at: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant at which the local month of `at` began."""
    return midnight(at.astimezone(zone).date().replace(day=1), zone)


def months_of(over: Interval, zone: ZoneInfo) -> tuple[Interval, ...]:
    """`over`, cut where local months begin."""
    edges, day = [over.start], over.start.astimezone(zone).date()
    while (begin := midnight(day := _next_month(day), zone)) < over.end:
        edges.append(begin)
    return tuple(Interval(start, end) for start, end in pairwise((*edges, over.end)))


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


class PageRequest(Struct, frozen=True):
    """What the page is to show: so far `back` (three days if None), so far ahead (`window`; a week, or as far
    as each run looks, if None); costs from `start` until `end`, as people write them (this month so far)."""

    circuits: tuple[str, ...] = ()
    back: timedelta | None = None
    window: timedelta | None = None
    now: str | None = None
    start: str | None = None
    end: str | None = None

    @property
    def far_back(self) -> timedelta:
        """How far back the page goes."""
        return self.back or BACK

    def far_ahead(self, window: timedelta) -> timedelta:
        """How far ahead the page goes, where each run looks `window` ahead."""
        return self.window or max(AHEAD, window)

    @property
    def looks_back(self) -> bool:
        """True where its costs are those of a time that was named."""
        return self.start is not None or self.end is not None

    @property
    def lookback(self) -> LookbackRequest:
        """What its costs are asked for."""
        return LookbackRequest(self.start, self.end, self.circuits, self.now)


def check_page(configuration: Configuration, asked: PageRequest) -> None:
    """Raises UsageError where the page would have no end, or nothing to show."""
    select_circuits(configuration.circuits, asked.circuits)
    if not configuration.circuits:
        raise UsageError("no_circuits")
    if max(asked.far_back, asked.window or timedelta()) > _FARTHEST:
        raise UsageError("too_far", days=_FARTHEST.days)


def span_of_page(configuration: Configuration, asked: PageRequest) -> Interval:
    """The time (UTC) that the page shows. Raises UsageError."""
    check_page(configuration, asked)
    _, now = clock_of(configuration, asked.now)
    return Interval(now - asked.far_back, now + asked.far_ahead(configuration.settings.window))
