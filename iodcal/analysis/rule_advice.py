"""Of each rule: was its tier ever needed, was it ever too little, is there traffic in lead and trail?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from iodcal.analysis.advice import (
    FEWEST_EVENTS,
    FEWEST_EVENTS_AROUND,
    FULL_BINS,
    MOSTLY_KNOWN,
    Advice,
    AdviceEvidence,
    AdviceKind,
    CircuitWeeks,
    Finding,
    Occurrence,
    SetKey,
    Undecided,
    least_tier,
    next_tier,
)
from iodcal.analysis.usage import BIN, figures_of
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import baseline_tiers
from iodcal.domain.durations import format_duration
from iodcal.domain.localtime import Interval
from iodcal.domain.rules import Highest, Mode, Rule

_WORTH = timedelta(minutes=10)  # less is not worth an edit


class _Seen(Struct, frozen=True):
    """What one circuit saw of a rule."""

    weeks: CircuitWeeks
    all: tuple[Occurrence, ...]
    measured: tuple[Occurrence, ...]

    @property
    def needs(self) -> Bandwidth:
        return max(one.needs for one in self.all)


def advise_rule(
    number: int, rule: Rule, circuits: Sequence[CircuitWeeks], *, headroom: float, every: timedelta
) -> Iterator[Finding]:
    """What the weeks teach of `rule`, the one of this `number` in the file. `every` is the time between two
    runs: a lead is never advised to be too short for one, and for the carrier."""
    if rule.mode is not Mode.AT_LEAST or not isinstance(rule.bandwidth, (Bandwidth, Highest)):
        return
    seen = [one for weeks in circuits if (one := _seen(weeks, rule.name)).all]
    if not seen:
        return
    if (advice := _at_limit(number, rule, seen)) is not None:
        yield advice
        return
    blind = [one.weeks.circuit.name for one in seen if one.weeks.series is None]
    if blind:
        yield Undecided(rule.name, "use_unknown", {"circuits": ", ".join(blind)})
        return
    events, measured = _events(seen, measured=False), _events(seen, measured=True)
    if measured < FEWEST_EVENTS:
        yield Undecided(
            rule.name, "too_few_events", {"events": events, "measured": measured, "least": FEWEST_EVENTS}
        )
        return
    if any(len(one.measured) < MOSTLY_KNOWN * len(one.all) for one in seen):
        yield Undecided(rule.name, "gaps", {"events": events, "measured": measured})
        return
    if (advice := _not_needed(number, rule, seen, headroom)) is not None:
        yield advice
    elif measured < FEWEST_EVENTS_AROUND:
        yield Undecided(
            rule.name,
            "too_few_events_around",
            {"events": events, "measured": measured, "least": FEWEST_EVENTS_AROUND},
        )
    else:
        yield from _around(number, rule, seen, headroom=headroom, every=every)


def _seen(weeks: CircuitWeeks, rule: str) -> _Seen:
    own = tuple(one for one in weeks.occurrences if one.rule == rule)
    return _Seen(weeks, own, tuple(one for one in own if _is_measured(weeks, one)))


def _is_measured(weeks: CircuitWeeks, one: Occurrence) -> bool:
    if weeks.series is None:
        return False
    numbers = weeks.series.numbers(one.event)
    return len(numbers) > 0 and len(weeks.values(numbers)) >= MOSTLY_KNOWN * len(numbers)


def _events(seen: Sequence[_Seen], *, measured: bool) -> int:
    """How many events these are; one that several circuits carried is one."""
    return len({one.event for own in seen for one in (own.measured if measured else own.all)})


def _evidence(
    seen: _Seen, spans: Sequence[Interval], full: Sequence[Occurrence] = ()
) -> AdviceEvidence | None:
    series = seen.weeks.series
    use = figures_of(series, spans, seen.weeks.levels) if series is not None else None
    if use is None:
        return None
    during = (
        one for one in seen.all if use.highest_at < one.span.end and one.span.start < use.highest_at + BIN
    )
    there = next(during, None)
    return AdviceEvidence(
        seen.weeks.circuit.name,
        seen.needs,
        use,
        subject=there.subject if there is not None else None,
        full_on=tuple(one.event.start for one in full),
    )


def _at_limit(number: int, rule: Rule, seen: Sequence[_Seen]) -> Advice | None:
    """Some event used all that the rule gave it."""
    limited = {id(own): full for own in seen if (full := _full(own))}
    short = [own for own in seen if id(own) in limited]
    if not short:
        return None
    found = [_evidence(own, [one.event for one in limited[id(own)]], limited[id(own)]) for own in short]
    higher = [next_tier(own.weeks.circuit, own.needs) for own in short]
    new = max((tier for tier in higher if tier is not None), default=None)
    return Advice(
        AdviceKind.TIER_AT_LIMIT,
        rule.name,
        old=_written(rule),
        new=str(new) if new is not None else None,
        edits=(SetKey(("rules", number, "bandwidth"), str(new)),) if new is not None else (),
        evidence=tuple(one for one in found if one is not None),
        needed=None,
        events=_events(seen, measured=False),
        measured=_events(seen, measured=True),
    )


def _full(own: _Seen) -> list[Occurrence]:
    """The events that had what the rule asks for and used all of it."""
    series, levels = own.weeks.series, own.weeks.levels
    if series is None:
        return []
    found = []
    for one in own.all:
        at_tier = [
            n for n in series.numbers(one.event) if (level := levels[n]) is not None and level == one.needs
        ]
        if sum(n in own.weeks.full for n in at_tier) >= FULL_BINS:
            found.append(one)
    return found


def _written(rule: Rule) -> str:
    return str(rule.bandwidth)


def _not_needed(number: int, rule: Rule, seen: Sequence[_Seen], headroom: float) -> Advice | None:
    """The lowest tier that carries, with headroom, the most that any circuit used."""
    found = [_evidence(own, [one.span for one in own.all]) for own in seen]
    evidence = [one for one in found if one is not None]
    wanted = []
    for own, one in zip(seen, evidence, strict=True):
        tier = least_tier(own.weeks.circuit, one.use.highest * (1 + headroom))
        if tier is None or tier > own.needs:
            return None
        wanted.append(tier)
    new = max(wanted)
    if not any(own.weeks.circuit.sold(new) < own.needs for own in seen):
        return None
    return Advice(
        AdviceKind.TIER_NOT_NEEDED,
        rule.name,
        old=_written(rule),
        new=str(new),
        edits=(SetKey(("rules", number, "bandwidth"), str(new)),),
        evidence=tuple(evidence),
        needed=max(one.use.highest for one in evidence) * (1 + headroom),
        events=_events(seen, measured=False),
        measured=_events(seen, measured=True),
    )


def _around(
    number: int, rule: Rule, seen: Sequence[_Seen], *, headroom: float, every: timedelta
) -> Iterator[Advice]:
    """Lead and trail, cut to the traffic that needs them."""
    least_lead = every + max(own.weeks.circuit.provisioning for own in seen) + BIN
    early = _longest(seen, "lead", headroom)
    late = _longest(seen, "trail", headroom)
    if early is None or late is None:
        return
    lead = _whole(max(least_lead, early + BIN if early else timedelta()))
    trail = _whole(late + BIN)
    cuts: Mapping[str, tuple[AdviceKind, timedelta, timedelta, timedelta]] = {
        "lead": (AdviceKind.LEAD_TOO_LONG, rule.lead, lead, early),
        "trail": (AdviceKind.TRAIL_TOO_LONG, rule.trail, trail, late),
    }
    for key, (kind, old, new, traffic) in cuts.items():
        if old - new < _WORTH:
            continue
        parts = [
            _evidence(own, [_beside(one, key) for one in own.measured if _beside(one, key).length > BIN])
            for own in seen
        ]
        yield Advice(
            kind,
            rule.name,
            old=format_duration(old),
            new=format_duration(new),
            edits=(SetKey(("rules", number, key), format_duration(new)),),
            evidence=tuple(one for one in parts if one is not None),
            needed=None,
            events=_events(seen, measured=False),
            measured=_events(seen, measured=True),
            facts={"traffic": format_duration(traffic), "least": format_duration(least_lead)},
        )


def _beside(one: Occurrence, key: str) -> Interval:
    return (
        Interval(one.span.start, one.event.start) if key == "lead" else Interval(one.event.end, one.span.end)
    )


def _longest(seen: Sequence[_Seen], key: str, headroom: float) -> timedelta | None:
    """The longest time before or after an event in which traffic was more than the baseline alone carries;
    None where that is known of too few of them."""
    lengths = [
        length
        for own in seen
        for one in own.measured
        if (length := _reach(own, one, key=key, headroom=headroom)) is not None
    ]
    there = sum(len(own.all) for own in seen)
    return max(lengths) if lengths and len(lengths) >= MOSTLY_KNOWN * there else None


def _reach(own: _Seen, one: Occurrence, *, key: str, headroom: float) -> timedelta | None:
    """How far traffic reaches into lead or trail; None where a gap may hide it."""
    series, span = own.weeks.series, _beside(one, key)
    if series is None or span.length <= timedelta():
        return timedelta()
    base = baseline_tiers(own.weeks.circuit, Interval(span.start - BIN, span.end + BIN))
    others = [
        other.event
        for other in own.weeks.occurrences
        if other.span.overlaps(span) and other.event != one.event and other.needs >= one.needs
    ]
    reach = timedelta()
    for number in series.numbers(span):
        at, mbps = series.at(number), series.mbps[number]
        if mbps is None:
            return None
        if any(_distance(at, event) < _distance(at, one.event) for event in others):
            continue  # that traffic is another event's, whose own lead and trail are for it
        if mbps * (1 + headroom) > base.at(max(at, span.start)).mbps:
            reach = max(reach, one.event.start - at if key == "lead" else at + BIN - one.event.end)
    return reach


def _distance(at: datetime, event: Interval) -> timedelta:
    return max(event.start - at, at + BIN - event.end, timedelta())


def _whole(length: timedelta) -> timedelta:
    return math.ceil(length / BIN) * BIN
