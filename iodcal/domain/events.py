"""Events as calendars give them, and what remains of one once a rule matched it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval, instant
from iodcal.domain.structs import replace


class Source(Struct, frozen=True, order=True):
    """One place as one calendar has it: a mailbox, a file, a URL. It fails and is remembered on its own.

    `key` names the place itself and stays when the user renames the calendar; it holds no secret. Where the
    place stands in several calendars, each has a source of that key: the place is read once.
    `label` is what people see: the calendar's name, with the mailbox where a calendar has several.
    """

    key: str
    calendar: str
    label: str


class Timed(Struct, frozen=True):
    """A span between two instants, both UTC."""

    start: datetime
    end: datetime

    def within(self, zone: ZoneInfo) -> Interval:  # noqa: ARG002 - the same for every zone, unlike Floating
        return Interval(self.start, self.end)


class Floating(Struct, frozen=True):
    """A span between two local times without a zone: an all-day event, or a floating iCalendar time.

    It begins at another instant in each circuit's zone.
    """

    start: datetime
    end: datetime

    def within(self, zone: ZoneInfo) -> Interval:
        return Interval(instant(self.start, zone), instant(self.end, zone))


Span: TypeAlias = Timed | Floating

FEED_DOMAIN = "feed.iodcal"
FEED_CATEGORY = "iodcal planned change"
"""What marks the events of our own feed of planned changes, by UID and category."""

_LONGEST_ID = 40
LONGEST_SUBJECT = 255
"""What Exchange keeps of a subject, in characters; a longer one is somebody's attempt on something."""


def short_id(id_: str, digits: int = 24) -> str:
    """`id_`, or in place of a long one (Exchange's have 150 characters and more) so many `digits` of its
    digest: what is kept of events, in many places, must stay small."""
    if len(id_) <= _LONGEST_ID:
        return id_
    return hashlib.sha256(id_.encode(errors="replace")).hexdigest()[:digits]


def short_subject(subject: str) -> str:
    """`subject`, cut with an ellipsis where it is longer than any that Exchange would keep."""
    return subject if len(subject) <= LONGEST_SUBJECT else f"{subject[: LONGEST_SUBJECT - 1]}…"


# How Microsoft Graph can show an event's time, and how sensitive it can be, as far as is known. iCalendar has
# fewer of both.
SHOWN_AS = ("free", "tentative", "busy", "oof", "workingElsewhere", "unknown")
SENSITIVITIES = ("normal", "personal", "private", "confidential")
PRIVATE_SENSITIVITIES = frozenset({"private", "confidential"})


class Event(Struct, frozen=True):
    """One occurrence in one calendar. Texts are as the calendar gave them: untrusted.

    `id` is unique within its source; `uid` is the iCalUId that copies of one meeting share, or empty.
    `organizer` is an address, or None where the calendar names none. With `more_attendees` others than the
    `attendees` that were counted may be invited, too. Words such as `show_as` are in
    Microsoft Graph's spelling, whatever the calendar.
    """

    source: Source
    id: str
    uid: str
    span: Span
    subject: str = ""
    organizer: str | None = None
    locations: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    show_as: str = "busy"
    sensitivity: str = "normal"
    attendees: int | None = None
    more_attendees: bool = False
    online_meeting: bool = False
    all_day: bool = False
    cancelled: bool = False
    declined: bool = False

    @property
    def private(self) -> bool:
        return self.sensitivity.casefold() in PRIVATE_SENSITIVITIES

    @property
    def is_own_change(self) -> bool:
        """True for an event of our own feed, which never feeds itself. Where another calendar imported it,
        only the category may be left."""
        by_category = any(category.strip().casefold() == FEED_CATEGORY for category in self.categories)
        return by_category or self.uid.casefold().endswith(f"@{FEED_DOMAIN}")

    @property
    def copy_key(self) -> tuple[str, str, str]:
        """What copies of one meeting have in common; see `copy_key_of`."""
        return copy_key_of(self)


class NamedCircuits(Struct, frozen=True):
    """What an event names: circuits by their keys, and sites by their names. Empty where it names none."""

    circuits: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()

    def __or__(self, other: NamedCircuits) -> NamedCircuits:
        return NamedCircuits(self.circuits | other.circuits, self.sites | other.sites)

    def __bool__(self) -> bool:
        return bool(self.circuits or self.sites)


class Match(Struct, frozen=True, omit_defaults=True):
    """A rule that took an event; `bandwidth` is what the event itself named, for `from_event` rules."""

    rule: str = field(name="name")
    bandwidth: Bandwidth | None = field(default=None, name="mbps")


class MatchedEvent(Struct, frozen=True):
    """What is kept, shown and stored of an event that a rule matched; nothing else of it ever is.

    `subject` is None where it must not be seen. `remembered_since` is the time (UTC) of the reading that
    it comes from, where today's could not be had; `absent` marks one that the last good reading missed.
    `id` is as `mark_of` makes it, `uid` as `short_id` does, and `subject` as `short_subject` does. `named` is
    what the event names, where a rule that took it asks for that, else None; nothing of the texts it stands
    in is kept.
    """

    source: Source
    id: str
    uid: str
    span: Span
    all_day: bool
    subject: str | None
    matches: tuple[Match, ...] = field(default=())
    remembered_since: datetime | None = None
    absent: bool = False
    named: NamedCircuits | None = None

    @property
    def copy_key(self) -> tuple[str, str, str]:
        """What copies of one meeting have in common; see `copy_key_of`."""
        return copy_key_of(self)


def mark_of(event: Event | MatchedEvent) -> str:
    """What is kept of the event's id. Where a uid says which meeting it is, the id only tells events of one
    source apart, and need not be long."""
    return short_id(event.id, 12) if event.uid else short_id(event.id)


def copy_key_of(event: Event | MatchedEvent) -> tuple[str, str, str]:
    """What copies of one meeting have in common; copies without an iCalUId stand alone."""
    if event.uid:
        return ("uid", short_id(event.uid), event.span.start.isoformat())
    return (event.source.key, short_id(event.id), event.span.start.isoformat())


def occurrence_id(key: tuple[str, str, str]) -> str:
    """The short id by which people name one occurrence, and all copies of it; `key` as `copy_key_of`."""
    return hashlib.sha256("|".join(key).encode(errors="replace")).hexdigest()[:8]


class SpoiledEvent(Struct, frozen=True):
    """An event that is in a calendar but cannot be understood. It spoils itself, not its calendar.

    `uid` is its iCalUId or, where it has none, its id; empty where even that is not known. Nothing of its
    texts is kept. `code` says what is wrong, as a CalendarError's would; `line` (of the file) and `property`
    where, `found` what stands there, where that says more (a time, a zone, a rule). `span` is what it could
    touch (UTC), None where nobody knows.
    """

    uid: str
    code: str
    property: str | None = None
    line: int | None = None
    found: str | None = None
    span: Interval | None = None

    def may_be(self, event: MatchedEvent) -> bool:
        """True unless `event`, which was read earlier, is certainly another one."""
        return not self.uid or event.uid == short_id(self.uid) or event.id in _ids_kept(self.uid)


def _ids_kept(id_: str) -> tuple[str, str]:
    return short_id(id_), short_id(id_, 12)


class CalendarReading(Struct, frozen=True):
    """A good answer: every event of one source that overlaps `covers`, cancelled and declined ones too.

    `clock_error` is the server's clock less ours in seconds, None where no server told the time.
    `calendar_id` is the id that a named calendar was found under, to be kept for the next run.
    `elsewhere` are events outside `covers` that came along: they do not count, but one that was moved out
    is seen there and not missed. `spoiled` are events that cannot be understood and may overlap `covers`.
    `page_size` is how many events a page had, where that was to be found out; `looked_up` says that
    `calendar_id` was looked up by its name just now.
    """

    source: Source
    covers: Interval
    read_at: datetime
    events: tuple[Event, ...]
    clock_error: float | None = None
    calendar_id: str | None = None
    elsewhere: tuple[Event, ...] = ()
    spoiled: tuple[SpoiledEvent, ...] = ()
    page_size: int | None = None
    looked_up: bool = False

    def heard_by(self, source: Source) -> CalendarReading:
        """The same answer as `source` has it: another calendar that the place stands in, or a new name."""
        if source == self.source:
            return self
        events, elsewhere = (
            tuple(replace(event, source=source) for event in events)
            for events in (self.events, self.elsewhere)
        )
        return replace(self, source=source, events=events, elsewhere=elsewhere)
