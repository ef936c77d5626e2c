"""Of each baseline: are its levels those of the traffic, and its peaks at the hours of it?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import takewhile

from msgspec import Struct

from iodcal.analysis.advice import (
    FEWEST_DAYS,
    FEWEST_WEEKS,
    Advice,
    AdviceEvidence,
    AdviceKind,
    CircuitWeeks,
    Finding,
    KeyPath,
    SetKey,
    Undecided,
    least_tier,
    next_tier,
)
from iodcal.analysis.usage import BIN, figures_of_bins
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import peak_spans
from iodcal.domain.circuits import Peak
from iodcal.domain.localtime import Interval

_KNOWN = 0.9  # of the time: a gap may hide the busiest hour
_SLOT_MINUTES = 30
_SLOTS = 24 * 60 // _SLOT_MINUTES
_OFTEN = 0.2  # of the days on which an hour beside a peak was full
_FEWEST_PEAK_DAYS = 10
_MOST_MOVED = 8  # half hours


class _Slots(Struct, frozen=True):
    """One circuit by what its baseline asks for: the bins off peak, and those of each peak, all of them
    outside of the windows of events. `days` are the local days of each bin."""

    weeks: CircuitWeeks
    off_peak: frozenset[int]
    peaks: tuple[frozenset[int], ...]
    outside: frozenset[int]
    explained: frozenset[int]

    def full(self, bins: frozenset[int], level: Bandwidth) -> frozenset[int]:
        """Those of `bins` in which all of `level` was used, and no event explains that."""
        levels, sold = self.weeks.levels, self.weeks.circuit.sold(level)
        return frozenset(n for n in (bins & self.weeks.full) - self.explained if levels[n] == sold)

    def local(self, number: int) -> datetime:
        assert self.weeks.series is not None  # noqa: S101 - only measured circuits have slots
        return self.weeks.series.at(number).astimezone(self.weeks.circuit.zone)

    def days(self, bins: frozenset[int]) -> set[date]:
        return {self.local(n).date() for n in bins}


def advise_baseline(
    name: str,
    circuits: Sequence[CircuitWeeks],
    explained: Mapping[str, frozenset[int]],
    *,
    headroom: float,
) -> Iterator[Finding]:
    """What the weeks teach of the baseline that `circuits` share; `explained` are bins, by circuit, in which
    an event without a rule filled it."""
    baseline, place = circuits[0].circuit.baseline, circuits[0].place
    nothing: frozenset[int] = frozenset()
    slots = [
        _slots(one, explained.get(one.circuit.name, nothing)) for one in circuits if one.series is not None
    ]
    if not slots:
        return
    moved: frozenset[int] = frozenset()
    hours: list[Finding] = []
    blind = [one.circuit.name for one in circuits if one.series is None]
    doubt = _doubt(name, slots, blind)
    for number, peak in enumerate(baseline.peaks):
        path = (*place, "peaks", number)
        found, beside = _peak_hours(name, path, peak, slots, headroom=headroom, cut=doubt is None)
        hours += found
        moved |= beside
    yield from hours
    levels: list[tuple[KeyPath, str, Bandwidth, list[frozenset[int]]]] = [
        ((*place, "off_peak"), f"{name}, off peak", baseline.off_peak, [one.off_peak for one in slots])
    ]
    for number, peak in enumerate(baseline.peaks):
        title = f"{name}, peak" if len(baseline.peaks) == 1 else f"{name}, peak {number + 1}"
        own = [one.peaks[number] for one in slots]
        levels.append(((*place, "peaks", number, "bandwidth"), title, peak.bandwidth, own))
    decided: list[Finding] = []
    for key, title, level, bins in levels:
        advice = _too_low(key, title, level, bins, slots=slots, moved=moved)
        if advice is None and doubt is None:
            advice = _too_high(key, title, level, bins, slots=slots, headroom=headroom)
        decided += [advice] if advice is not None else []
    yield from decided
    if doubt is not None and not decided and not hours:
        yield doubt


def _slots(weeks: CircuitWeeks, explained: frozenset[int]) -> _Slots:
    series, circuit = weeks.series, weeks.circuit
    assert series is not None  # noqa: S101 - only measured circuits have slots
    over = Interval(series.start, series.at(len(series.mbps)))
    outside = frozenset(range(len(series.mbps))) - weeks.in_window
    peaks = [
        frozenset(
            n
            for span in peak_spans(peak, circuit.zone, over, circuit.holidays)
            for n in series.numbers(Interval(span.start - peak.lead, span.end))
        )
        for peak in circuit.baseline.peaks
    ]
    return _Slots(
        weeks,
        off_peak=outside.difference(*peaks),
        peaks=tuple(one & outside for one in peaks),
        outside=outside,
        explained=explained,
    )


def _doubt(name: str, slots: Sequence[_Slots], blind: Sequence[str]) -> Undecided | None:
    """Why this baseline cannot be lowered, whatever is seen."""
    if blind:
        return Undecided(name, "use_unknown", {"circuits": ", ".join(blind)})
    for one in slots:
        mbps = one.weeks.series.mbps if one.weeks.series is not None else ()
        weeks = len(mbps) * BIN / timedelta(days=7)
        if weeks < FEWEST_WEEKS:
            return Undecided(name, "too_few_weeks", {"weeks": f"{weeks:.1f}", "least": FEWEST_WEEKS})
        known = sum(value is not None for value in mbps) / len(mbps)
        if known < _KNOWN:
            return Undecided(name, "gaps_of", {"circuit": one.weeks.circuit.name, "known": f"{known:.0%}"})
    return None


def _evidence(
    one: _Slots, bins: frozenset[int], level: Bandwidth, full: frozenset[int]
) -> AdviceEvidence | None:
    series = one.weeks.series
    use = figures_of_bins(series, bins, full=len(full)) if series is not None else None
    if use is None or series is None:
        return None
    firsts: dict[date, int] = {}
    for n in sorted(full):
        firsts.setdefault(one.local(n).date(), n)
    return AdviceEvidence(
        one.weeks.circuit.name, level, use, full_on=tuple(series.at(n) for n in firsts.values())
    )


def _too_low(
    path: KeyPath,
    title: str,
    level: Bandwidth,
    bins: Sequence[frozenset[int]],
    *,
    slots: Sequence[_Slots],
    moved: frozenset[int],
) -> Advice | None:
    """The level was full again and again, at hours that no peak and no event explains."""
    full = [one.full(own, level) - moved for one, own in zip(slots, bins, strict=True)]
    short = [(one, own) for one, own in zip(slots, full, strict=True) if _is_recurring(one, own)]
    if not short:
        return None
    higher = [next_tier(one.weeks.circuit, level) for one, _ in short]
    new = max((tier for tier in higher if tier is not None), default=None)
    found = [_evidence(one, own, level, own) for one, own in short]
    return Advice(
        AdviceKind.BASELINE_TOO_LOW,
        title,
        old=str(level),
        new=str(new) if new is not None else None,
        edits=(SetKey(path, str(new)),) if new is not None else (),
        evidence=tuple(one for one in found if one is not None),
        needed=None,
        events=len(set().union(*(one.days(own) for one, own in zip(slots, bins, strict=True)))),
        measured=len(set().union(*(one.days(own) for one, own in short))),
    )


def _is_recurring(one: _Slots, full: frozenset[int]) -> bool:
    days = one.days(full)
    return len(days) >= FEWEST_DAYS and len({day.isocalendar()[:2] for day in days}) > 1


def _too_high(
    path: KeyPath,
    title: str,
    level: Bandwidth,
    bins: Sequence[frozenset[int]],
    *,
    slots: Sequence[_Slots],
    headroom: float,
) -> Advice | None:
    """The level was never needed on any circuit that shares it."""
    evidence, wanted = [], []
    for one, own in zip(slots, bins, strict=True):
        found = _evidence(one, own, level, frozenset())
        if found is None:
            return None
        tier = least_tier(one.weeks.circuit, found.use.highest * (1 + headroom))
        if tier is None or tier >= one.weeks.circuit.sold(level):
            return None
        evidence.append(found)
        wanted.append(tier)
    new, highest = max(wanted), max(one.use.highest for one in evidence)
    days = len(set().union(*(one.days(own) for one, own in zip(slots, bins, strict=True))))
    return Advice(
        AdviceKind.BASELINE_TOO_HIGH,
        title,
        old=str(level),
        new=str(new),
        edits=(SetKey(path, str(new)),),
        evidence=tuple(evidence),
        needed=highest * (1 + headroom),
        events=days,
        measured=days,
    )


class _SlotUse(Struct, frozen=True):
    """One bin in a half hour of a day on which a peak stands: `full` at the level off peak."""

    number: int
    day: date
    mbps: float
    full: bool


_DayTable = Mapping[int, Sequence[_SlotUse]]
"""By the half hour of the day, counted from midnight."""


def _peak_hours(
    name: str, path: KeyPath, peak: Peak, slots: Sequence[_Slots], *, headroom: float, cut: bool
) -> tuple[list[Advice], frozenset[int]]:
    """The hours at which a peak should begin and end, and the bins beside it that were full; only with `cut`
    may it become shorter. A peak past midnight is left alone."""
    if peak.end is not None and peak.end <= peak.start:
        return [], frozenset()
    first, last = _slot_of(peak.start), _slot_of(peak.end) if peak.end is not None else _SLOTS
    tables = [_day_table(one, peak) for one in slots]
    before = _full_beside(range(first - 1, -1, -1), tables)
    behind = _full_beside(range(last, _SLOTS), tables)
    begin, stop = first - before, last + behind
    beside = {*range(begin, first), *range(last, stop)}
    idle = [number for number in range(first, last) if cut and _is_idle(number, tables, slots, headroom)]
    while begin >= first and begin in idle:
        begin += 1
    while stop <= last and stop - 1 in idle:
        stop -= 1
    if (begin, stop) == (first, last) or begin >= stop:
        return [], frozenset()  # of a peak that is never needed its bandwidth tells
    full = [frozenset(u.number for n in beside for u in table.get(n, ()) if u.full) for table in tables]
    changed = beside | set(range(first, begin)) | set(range(stop, last))
    advice = _hours_advice(name, path, peak, hours=(begin, stop), changed=changed, tables=tables, slots=slots)
    return [advice], frozenset().union(*full)


def _full_beside(half_hours: Iterable[int], tables: Sequence[_DayTable]) -> int:
    """How many of `half_hours`, from the peak on, were full again and again. Where it is most of the day, the
    level off peak is too low, and no peak would mend that."""
    full = takewhile(lambda n: any(_was_full(table.get(n, ())) for table in tables), half_hours)
    count = sum(1 for _ in full)
    return count if count <= _MOST_MOVED else 0


def _hours_advice(
    name: str,
    path: KeyPath,
    peak: Peak,
    *,
    hours: tuple[int, int],
    changed: set[int],
    tables: Sequence[_DayTable],
    slots: Sequence[_Slots],
) -> Advice:
    begin, stop = hours
    old = f"{peak.start:%H:%M}-{peak.end:%H:%M}" if peak.end is not None else f"{peak.start:%H:%M}-24:00"
    start = _clock(begin) if begin != _slot_of(peak.start) else f"{peak.start:%H:%M}"
    end = _clock(stop) if peak.end is None or stop != _slot_of(peak.end) else f"{peak.end:%H:%M}"
    ends = {"from": start, "to": end}
    edits = [SetKey((*path, key), f'"{ends[key]}"') for key in ends if ends[key] not in old.split("-")]
    evidence = []
    for one, table in zip(slots, tables, strict=True):
        used = [u for number in changed for u in table.get(number, ())]
        bins, full = frozenset(u.number for u in used), frozenset(u.number for u in used if u.full)
        evidence.append(_evidence(one, bins, one.weeks.circuit.baseline.off_peak, full))
    days = len({u.day for table in tables for own in table.values() for u in own})
    return Advice(
        AdviceKind.PEAK_HOURS,
        name,
        old=old,
        new=f"{start}-{end}",
        edits=tuple(edits),
        evidence=tuple(one for one in evidence if one is not None),
        needed=None,
        events=days,
        measured=days,
    )


def _slot_of(clock: time) -> int:
    return (clock.hour * 60 + clock.minute) // _SLOT_MINUTES


def _clock(slot: int) -> str:
    return f"{slot * _SLOT_MINUTES // 60:02}:{slot * _SLOT_MINUTES % 60:02}"


def _day_table(one: _Slots, peak: Peak) -> _DayTable:
    series, circuit = one.weeks.series, one.weeks.circuit
    assert series is not None  # noqa: S101 - only measured circuits have slots
    over = Interval(series.start, series.at(len(series.mbps)))
    spans = peak_spans(peak, circuit.zone, over, circuit.holidays)
    days = {span.start.astimezone(circuit.zone).date() for span in spans}
    off_peak, usual = circuit.sold(circuit.baseline.off_peak), one.weeks.full - one.explained
    found: defaultdict[int, list[_SlotUse]] = defaultdict(list)
    for number in one.outside:
        mbps = series.mbps[number]
        local = one.local(number)
        if mbps is not None and local.date() in days:
            full = number in usual and one.weeks.levels[number] == off_peak
            found[_slot_of(local.time())].append(_SlotUse(number, local.date(), mbps, full))
    return found


def _was_full(used: Sequence[_SlotUse]) -> bool:
    """On enough days, and often enough."""
    full = {u.day for u in used if u.full}
    return len(full) >= FEWEST_DAYS and len(full) >= _OFTEN * len({u.day for u in used})


def _is_idle(number: int, tables: Sequence[_DayTable], slots: Sequence[_Slots], headroom: float) -> bool:
    """On no day more than the level off peak carries, with headroom; and that on days enough."""
    for table, one in zip(tables, slots, strict=True):
        used = table.get(number, ())
        level = one.weeks.circuit.sold(one.weeks.circuit.baseline.off_peak)
        if len({u.day for u in used}) < _FEWEST_PEAK_DAYS:
            return False
        if max(u.mbps for u in used) * (1 + headroom) > level.mbps:
            return False
    return True
