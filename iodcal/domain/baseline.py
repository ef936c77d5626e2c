"""A circuit's recurring schedule laid out over a stretch of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Baseline, Circuit, Peak
from iodcal.domain.localtime import Interval, instant, midnight
from iodcal.domain.steps import Steps
from iodcal.domain.workdays import Holidays, is_chosen

_ONE_DAY = timedelta(days=1)


class Stretch(Struct, frozen=True):
    """A time during which the baseline asks for one level. `peak` is False for the off-peak level. `begins`
    is when the peak itself begins, its lead after it is first asked for."""

    span: Interval
    bandwidth: Bandwidth
    peak: bool
    begins: datetime


def lay_out(
    baseline: Baseline, zone: ZoneInfo, over: Interval, holidays: Holidays = frozenset()
) -> tuple[Stretch, ...]:
    """The baseline's levels, without a gap, from `over.start` to `over.end` (UTC), in order."""
    return _laid_out(baseline, zone, over, holidays)


@lru_cache(maxsize=256)  # circuits of one site mostly share a baseline
def _laid_out(baseline: Baseline, zone: ZoneInfo, over: Interval, holidays: Holidays) -> tuple[Stretch, ...]:
    asked = [
        (Interval(span.start - peak.lead, span.end), peak)
        for peak in baseline.peaks
        for span in peak_spans(peak, zone, over, holidays)
    ]
    cuts = {over.start, over.end}
    for span, _ in asked:
        cuts.update(cut for cut in (span.start, span.end) if cut in over)
    levels: Steps[tuple[Bandwidth, bool]] = Steps.of(
        (start, _highest([peak.bandwidth for span, peak in asked if start in span], baseline))
        for start in sorted(cuts - {over.end})
    )
    return tuple(
        Stretch(span, level, peak=peak, begins=_begin(span, level, asked) if peak else span.start)
        for span, (level, peak) in levels.pieces(over)
    )


def _begin(span: Interval, level: Bandwidth, asked: Sequence[tuple[Interval, Peak]]) -> datetime:
    """When the first peak at `level` begins that is asked for as `span` starts."""
    begins = (own.start + peak.lead for own, peak in asked if span.start in own and peak.bandwidth == level)
    return max(span.start, min(begins))


def baseline_tiers(circuit: Circuit, over: Interval) -> Steps[Bandwidth]:
    """The tiers that the baseline alone asks for during `over` (UTC)."""
    stretches = lay_out(circuit.baseline, circuit.zone, over, circuit.holidays)
    return Steps.of((stretch.span.start, circuit.sold(stretch.bandwidth)) for stretch in stretches)


def _highest(peaks: Sequence[Bandwidth], baseline: Baseline) -> tuple[Bandwidth, bool]:
    """The level where `peaks` cover, and whether any does."""
    return (max(peaks), True) if peaks else (baseline.off_peak, False)


def peak_spans(peak: Peak, zone: ZoneInfo, over: Interval, holidays: Holidays) -> Iterator[Interval]:
    """The times of `peak`, without its lead, that can reach into `over`."""
    # A peak past midnight belongs to its first day, so the day before `over` may still reach into it.
    day = over.start.astimezone(zone).date() - _ONE_DAY
    last = (over.end + peak.lead).astimezone(zone).date()
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
