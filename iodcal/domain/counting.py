"""Whether an event counts at all, whoever's rule it is, and whether its texts may be seen."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from iodcal.domain.events import Event
from iodcal.domain.judges import address_in


class Obstacle(StrEnum):
    """Why an event does not count, whatever the rules say."""

    CANCELLED = "cancelled"
    DECLINED = "declined"
    NO_LENGTH = "no_length"
    ENDS_BEFORE_START = "ends_before_start"
    ORGANIZER = "organizer"


class Organizers(Struct, frozen=True):
    """Whose events count: addresses and `@domain` entries, case-folded; None means everybody's."""

    entries: frozenset[str] | None = None

    def allow(self, organizer: str | None) -> bool:
        """An event without an organizer is its calendar's own entry: an invitation always names one."""
        return self.entries is None or organizer is None or address_in(organizer, self.entries)


def void(event: Event) -> Obstacle | None:
    """Why `event` is none at all; nobody need be told."""
    if event.cancelled:
        return Obstacle.CANCELLED
    if event.declined:
        return Obstacle.DECLINED
    return Obstacle.NO_LENGTH if event.span.start == event.span.end else None


def doubtful(event: Event, organizers: Organizers) -> Obstacle | None:
    """Why `event` does not count though a rule takes it; that is worth telling."""
    if event.span.end < event.span.start:
        return Obstacle.ENDS_BEFORE_START
    return None if organizers.allow(event.organizer) else Obstacle.ORGANIZER


class Veil(Struct, frozen=True):
    """Which events' texts must not be seen: those of which any copy is private, and those of `calendars`."""

    private: frozenset[tuple[str, str, str]] = frozenset()
    calendars: frozenset[str] = frozenset()

    @classmethod
    def over(cls, events: Iterable[Event], calendars: frozenset[str] = frozenset()) -> Veil:
        """The veil over `events`, all copies of them, with those calendars hidden."""
        return cls(frozenset(event.copy_key for event in events if event.private), calendars)

    def hides(self, event: Event) -> bool:
        """True if nobody may see what `event` is about."""
        return event.source.calendar in self.calendars or event.private or event.copy_key in self.private
