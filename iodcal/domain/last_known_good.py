"""Memory: what the last good reading of a source still says once today's cannot be had.

Inside the range of the last good reading its matched events count on and end normally. Beyond it, and for
a source never read, nobody knows; the circuits concerned are then not lowered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.circuit_state import SourceMemory
from iodcal.domain.events import CalendarReading, Event, MatchedEvent, Source, mark_of, short_id
from iodcal.domain.structs import replace

_LAST_ZONE = ZoneInfo("Etc/GMT+12")  # where a floating event ends last


class LastKnownGood(Struct, frozen=True):
    """What counts of one source in this run. `known_until` is the end (UTC) of what is known of it, None
    where it was never read; `remembered` is what to keep for the next run, None for nothing."""

    source: Source
    events: tuple[MatchedEvent, ...]
    known_until: datetime | None
    remembered: SourceMemory | None
    fresh: bool


def memory_of(source: Source, remembered: Mapping[str, SourceMemory]) -> SourceMemory | None:
    """What is remembered of the place of `source`: by its own calendar, else by any other that had it. What
    rules took there is the same in each; `SourceMemory.asked` says which they were."""
    kept = (memory for memory in remembered.values() if memory.source_key == source.key)
    return min(kept, key=lambda memory: _strangeness(memory.label, source), default=None)


def _strangeness(label: str, source: Source) -> tuple[bool, bool]:
    return (label != source.label, not label.startswith(f"{source.calendar}/") and label != source.calendar)


def memories_of(recalled: Iterable[LastKnownGood]) -> dict[str, SourceMemory]:
    """What the next run must remember, each under its source's key; where a place stands in several
    calendars, the second and later ones under that key and their calendar's name."""
    kept: dict[str, SourceMemory] = {}
    for one in recalled:
        if one.remembered is None:
            continue
        key = one.source.key
        while key in kept:
            key = f"{key}#{one.source.calendar}"
        kept[key] = one.remembered
    return kept


def remember_reading(
    reading: CalendarReading,
    matched: Iterable[MatchedEvent],
    remembered: SourceMemory | None,
    asked: frozenset[str] | None = None,
) -> LastKnownGood:
    """A good reading replaces memory, but for one thing: an event that just is not there any more is
    `absent`, and `end_absent` says whether it counts on. Seen cancelled, moved or changed, it is gone at
    once. `asked` names the rules that were asked."""
    matched = tuple(matched)
    missed = (*_newly_absent(reading, remembered), *_spoiled_but_known(reading, remembered))
    events = (*matched, *(replace(event, remembered_since=None) for event in missed))
    kept = SourceMemory(
        reading.source.key,
        reading.source.label,
        read_at=reading.read_at,
        covers=reading.covers,
        events=events,
        asked=asked,
    )
    return LastKnownGood(reading.source, (*matched, *missed), reading.covers.end, kept, fresh=True)


def end_absent(known: LastKnownGood, covers_now: Callable[[MatchedEvent], bool]) -> LastKnownGood:
    """`known` without events that a good reading has just missed, but for those of which a window covers now:
    they count until the second good reading in a row without them."""
    if not known.fresh or not any(event.absent for event in known.events):
        return known
    lasting = {_place_in(event) for event in known.events if event.absent and covers_now(event)}

    def left(events: Iterable[MatchedEvent]) -> tuple[MatchedEvent, ...]:
        return tuple(event for event in events if not event.absent or _place_in(event) in lasting)

    memory = known.remembered
    kept = replace(memory, events=left(memory.events)) if memory is not None else None
    return replace(known, events=left(known.events), remembered=kept)


def _place_in(event: MatchedEvent) -> tuple[str, str, str, str]:
    return (event.id, *event.copy_key)


def recall_events(source: Source, remembered: SourceMemory | None) -> LastKnownGood:
    """What is left of a source that cannot be read now."""
    if remembered is None:
        return LastKnownGood(source, (), None, None, fresh=False)
    events = tuple(
        replace(event, source=source, remembered_since=remembered.read_at) for event in remembered.events
    )
    if remembered.label != source.label:
        own = tuple(replace(event, source=source) for event in remembered.events)
        remembered = replace(remembered, label=source.label, events=own)
    return LastKnownGood(source, events, remembered.covers.end, remembered, fresh=False)


def _spoiled_but_known(reading: CalendarReading, remembered: SourceMemory | None) -> Iterable[MatchedEvent]:
    """What was known of events that cannot be understood now: it counts on, as if they could not be read."""
    if remembered is None or not reading.spoiled:
        return
    seen = {identity for event in (*reading.events, *reading.elsewhere) for identity in _identities(event)}
    for event in remembered.events:
        spoiled = any(one.may_be(event) for one in reading.spoiled)
        lasts = event.span.within(_LAST_ZONE).end > reading.covers.start
        if spoiled and lasts and seen.isdisjoint(_identities(event)):
            yield replace(event, source=reading.source, absent=False, remembered_since=remembered.read_at)


def _newly_absent(reading: CalendarReading, remembered: SourceMemory | None) -> Iterable[MatchedEvent]:
    if remembered is None:
        return
    ids = {mark_of(event) for event in (*reading.events, *reading.elsewhere)}
    if all(event.id in ids for event in remembered.events):
        return  # the usual case, and the quick one
    seen = {identity for event in (*reading.events, *reading.elsewhere) for identity in _identities(event)}
    for event in remembered.events:
        here = replace(event, source=reading.source, absent=True, remembered_since=remembered.read_at)
        spoiled = any(one.may_be(event) for one in reading.spoiled)
        if not spoiled and not event.absent and seen.isdisjoint(_identities(event)):
            yield here


def _identities(event: Event | MatchedEvent) -> Iterable[tuple[str, ...]]:
    # Of different lengths, so that an id is never taken for a uid.
    yield (mark_of(event),)
    yield (short_id(event.id),)  # as the first version of the state has it of an event with a uid, too
    if event.uid:
        # A meeting deleted and made anew at another id but the same time is still there.
        yield event.copy_key
