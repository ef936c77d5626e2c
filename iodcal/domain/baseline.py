"""A circuit's recurring schedule laid out over a stretch of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Baseline, Peak
from iodcal.domain.localtime import Interval, instant, midnight
from iodcal.domain.workdays import Holidays, is_chosen

_ONE_DAY = timedelta(days=1)


class Stretch(Struct, frozen=True):
    """A time during which the baseline stays at one level. `peak` is False for the off-peak level."""

    span: Interval
    bandwidth: Bandwidth
    peak: bool


def lay_out(
    baseline: Baseline, zone: ZoneInfo, over: Interval, holidays: Holidays = frozenset()
) -> tuple[Stretch, ...]:
    """The baseline's levels, without a gap, from `over.start` to `over.end` (UTC), in order."""
    return _laid_out(baseline, zone, over, holidays)


@lru_cache(maxsize=256)  # circuits of one site mostly share a baseline
def _laid_out(baseline: Baseline, zone: ZoneInfo, over: Interval, holidays: Holidays) -> tuple[Stretch, ...]:
    peaks = [
        (span, peak.bandwidth) for peak in baseline.peaks for span in _occurrences(peak, zone, over, holidays)
    ]
    cuts = {over.start, over.end}
    for span, _ in peaks:
        cuts.update(cut for cut in (span.start, span.end) if cut in over)
    stretches: list[Stretch] = []
    for start, end in pairwise(sorted(cuts)):
        highest = max((bandwidth for span, bandwidth in peaks if start in span), default=None)
        _append(stretches, start, end, highest or baseline.off_peak, highest is not None)
    return tuple(stretches)


def _occurrences(peak: Peak, zone: ZoneInfo, over: Interval, holidays: Holidays) -> Iterator[Interval]:
    # A peak past midnight belongs to its first day, so the day before `over` may still reach into it.
    day = over.start.astimezone(zone).date() - _ONE_DAY
    last = over.end.astimezone(zone).date()
    while day <= last:
        if is_chosen(peak, day, holidays):
            start = instant(datetime.combine(day, peak.start), zone)
            yield Interval(start, _end_of(peak, day, zone))
        day += _ONE_DAY


def _end_of(peak: Peak, day: date, zone: ZoneInfo) -> datetime:
    if peak.end is None:
        return midnight(day + _ONE_DAY, zone)
    last_day = day if peak.end > peak.start else day + _ONE_DAY
    return instant(datetime.combine(last_day, peak.end), zone)


def _append(stretches: list[Stretch], start: datetime, end: datetime, level: Bandwidth, peak: bool) -> None:
    if stretches and stretches[-1].bandwidth == level and stretches[-1].peak == peak:
        start = stretches.pop().span.start
    stretches.append(Stretch(Interval(start, end), level, peak))
