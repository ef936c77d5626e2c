"""A circuit was full while no rule asked for anything: which event was on, so that a rule could take it?"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from iodcal.analysis.advice import (
    FULL_BINS,
    AddRule,
    Advice,
    AdviceEvidence,
    AdviceKind,
    CircuitWeeks,
    LooseEvent,
    next_tier,
)
from iodcal.analysis.usage import BIN, figures_of_bins
from iodcal.domain.localtime import widened
from iodcal.domain.text_match import normalise_text

_MOSTLY = 0.6  # of the events of a title, before it is likely to be the reason
_TIMES = 3.0  # as often as the circuit is full on other days
_AROUND = 14  # days before and after, for that
_WEEKEND = 5
_BESIDE = timedelta(minutes=30)  # people come early and leave late
_PART = 0.25  # of an event's time that must be full, if it is to explain that
_NUMBERED = re.compile(r"\S*\d\S*")
_JOINTS = " -\u2013\u2014:,;#|/()[]"


class _Suspect(Struct):
    """Events of one title: how many there were on a circuit whose use is known, and those during which it
    was full."""

    calendar: str
    title: str
    events: int
    full: dict[str, list[LooseEvent]]
    bins: dict[str, set[int]]

    @property
    def hits(self) -> int:
        return len({event.span for events in self.full.values() for event in events})

    @property
    def share(self) -> float:
        return self.hits / self.events


def keyword_of(title: str) -> str:
    """What of a title a rule should look for: the longest run of words without a number, since numbers and
    dates change from one event to the next."""
    parts = [part.strip(_JOINTS) for part in _NUMBERED.split(title)]
    best = max(parts, key=len, default="")
    return best if len(best) >= 4 else title.strip()


def advise_missing_rules(
    circuits: Sequence[CircuitWeeks], events: Iterable[LooseEvent]
) -> tuple[list[Advice], Mapping[str, frozenset[int]]]:
    """A rule for each title that is the likeliest reason for full circuits, the likeliest first; and the bins
    that are so explained, by circuit, some beside the events included."""
    measured = [one for one in circuits if one.series is not None]
    unexplained = {one.circuit.name: set(one.full - one.in_window) for one in measured}
    suspects = _suspects(measured, events, unexplained)
    explained: defaultdict[str, set[int]] = defaultdict(set)
    advice = []
    for suspect in sorted(suspects, key=lambda one: (-one.share, -one.hits, one.title)):
        fresh = {name: bins - explained[name] for name, bins in suspect.bins.items()}
        named = [name for name, bins in fresh.items() if len(bins) >= FULL_BINS]
        if not named:
            continue  # a likelier title has explained them
        found = _advice(suspect, [one for one in measured if one.circuit.name in named])
        if found is not None:
            advice.append(found)
            for weeks in measured:
                if weeks.circuit.name in named:
                    explained[weeks.circuit.name] |= _beside(weeks, suspect.full[weeks.circuit.name])
    return advice, {name: frozenset(bins) for name, bins in explained.items()}


def _beside(weeks: CircuitWeeks, events: Iterable[LooseEvent]) -> set[int]:
    """The bins of `events` and some around them."""
    if weeks.series is None:
        return set()
    spans = (widened(event.span, _BESIDE, _BESIDE) for event in events)
    return {number for span in spans for number in weeks.series.numbers(span)}


def _suspects(
    circuits: Sequence[CircuitWeeks], events: Iterable[LooseEvent], full: Mapping[str, set[int]]
) -> Iterator[_Suspect]:
    of_title: defaultdict[tuple[str, str], list[LooseEvent]] = defaultdict(list)
    for event in events:
        of_title[event.calendar, normalise_text(keyword_of(event.title))].append(event)
    for (calendar, _), own in of_title.items():
        title = Counter(keyword_of(event.title) for event in own).most_common(1)[0][0]
        suspect = _Suspect(calendar, title, events=len({one.span for one in own}), full={}, bins={})
        for weeks in circuits:
            _accuse(suspect, weeks, own, full[weeks.circuit.name])
        for weeks in circuits:
            usual = _usual(weeks, own, full[weeks.circuit.name])
            if suspect.share <= _TIMES * usual:
                suspect.full.pop(weeks.circuit.name, None)
                suspect.bins.pop(weeks.circuit.name, None)
        if suspect.full and suspect.share >= _MOSTLY:
            yield suspect


def _usual(weeks: CircuitWeeks, events: Sequence[LooseEvent], full: set[int]) -> float:
    """How often the circuit is as full at the same time of other days: then no event is the reason."""
    series, day = weeks.series, timedelta(days=1) // BIN
    if series is None:
        return 1.0
    own = {n for event in events for n in series.numbers(event.span)}
    times = hits = 0
    for event in events:
        numbers = series.numbers(event.span)
        workday = event.span.start.astimezone(weeks.circuit.zone).weekday() < _WEEKEND
        for days in (*range(-_AROUND, 0), *range(1, _AROUND + 1)):
            other = range(numbers.start + days * day, numbers.stop + days * day)
            at = event.span.start.astimezone(weeks.circuit.zone) + timedelta(days=days)
            inside = other.start >= 0 and other.stop <= len(series.mbps)
            if not inside or (at.weekday() < _WEEKEND) != workday or not own.isdisjoint(other):
                continue
            if weeks.in_window.isdisjoint(other):
                times += 1
                hits += _is_hit(sum(n in full for n in other), len(other))
    return hits / times if times else 0.0


def _is_hit(full: int, length: int) -> bool:
    return full >= max(FULL_BINS, _PART * length)


def _accuse(suspect: _Suspect, weeks: CircuitWeeks, events: Iterable[LooseEvent], full: set[int]) -> None:
    """Notes during which of `events` the circuit was full."""
    assert weeks.series is not None  # noqa: S101 - only measured circuits come here
    name = weeks.circuit.name
    for event in events:
        numbers = weeks.series.numbers(event.span)
        bins = {n for n in numbers if n in full}
        if _is_hit(len(bins), len(numbers)):
            suspect.full.setdefault(name, []).append(event)
            suspect.bins.setdefault(name, set()).update(bins)


def _advice(suspect: _Suspect, circuits: Sequence[CircuitWeeks]) -> Advice | None:
    evidence: list[AdviceEvidence] = []
    wanted = []
    for weeks in circuits:
        events = suspect.full.get(weeks.circuit.name, [])
        series = weeks.series
        if series is None:
            continue
        full = suspect.bins[weeks.circuit.name]
        during = {n for one in events for n in series.numbers(one.span)} - weeks.in_window
        use = figures_of_bins(series, during, full=len(full))
        held = [level for n in full if (level := weeks.levels[n]) is not None]
        if use is None:
            continue
        higher = next_tier(weeks.circuit, max(held))
        if higher is not None:
            wanted.append(higher)
        starts = tuple(sorted({one.span.start for one in events}))
        evidence.append(AdviceEvidence(weeks.circuit.name, max(held), use, suspect.title, full_on=starts))
    if not evidence:
        return None
    new = max(wanted, default=None)
    names = tuple(one.circuit for one in evidence)
    rule = AddRule(suspect.title, suspect.calendar, suspect.title, names, new) if new is not None else None
    return Advice(
        AdviceKind.RULE_MISSING,
        suspect.title,
        old="no rule",
        new=str(new) if new is not None else None,
        edits=(rule,) if rule is not None else (),
        evidence=tuple(evidence),
        needed=None,
        events=suspect.events,
        measured=suspect.hits,
        facts={"calendar": suspect.calendar},
    )
