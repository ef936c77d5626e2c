"""Titles that no rule took, for people who look for a misspelt one. Only ever shown, never stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from iodcal.config import Configuration
from iodcal.domain.events import Event, MatchedEvent, mark_of
from iodcal.notices import NoticeKind
from iodcal.pipeline.fetch import EventSnapshot, hidden_calendars


def untaken(configuration: Configuration, sight: EventSnapshot) -> tuple[str, ...]:
    """The titles that no rule took in this run; none where no target has a daily summary that wants them."""
    if not any(NoticeKind.DAILY in target.kinds for target in configuration.notify.values()):
        return ()
    matching = sight.matching
    taken = (*matching.matched, *matching.refused, *matching.invalid, *(e for e, _ in matching.unreadable))
    events = (event for reading in sight.readings.values() for event in reading.events)
    return untaken_titles(events, taken, hidden_calendars(configuration))


def untaken_titles(
    events: Iterable[Event], taken: Iterable[MatchedEvent], hidden_calendars: Collection[str]
) -> tuple[str, ...]:
    """The titles of `events` that are in none of `taken`, once each, in order of start.

    Left out are what does not count (cancelled, declined), calendars in `hidden_calendars`, and a meeting of
    which any copy is private.
    """
    events = tuple(events)
    known = {(event.source.key, event.id) for event in taken}
    private = {_meeting(event) for event in events if event.private}
    left = (
        event
        for event in events
        if (event.source.key, mark_of(event)) not in known
        and event.source.calendar not in hidden_calendars
        and _meeting(event) not in private
        and not (event.cancelled or event.declined)
    )
    return tuple(dict.fromkeys(_titles(sorted(left, key=lambda event: event.span.start.isoformat()))))


def _titles(events: Iterable[Event]) -> Iterator[str]:
    return (event.subject for event in events if event.subject.strip())


def _meeting(event: Event) -> tuple[str, ...]:
    """What copies of one meeting have in common; a series is one, so that no day of it slips through."""
    return ("uid", event.uid) if event.uid else (event.source.key, event.id)
