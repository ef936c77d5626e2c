"""From iCalendar text to events, and to those that cannot be understood."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.calendars.ics.document import Component, LineNumbers, parse_document
from iodcal.calendars.ics.recurrence import StepBudget, TooDenseError
from iodcal.calendars.ics.series import MARGIN, EventEntry, Occurrence, occurrences, read_entry
from iodcal.calendars.ics.values import DamagedPropertyError, Properties, add
from iodcal.calendars.ics.vtimezone import Zones
from iodcal.calendars.readings import may_overlap
from iodcal.domain.events import PRIVATE_SENSITIVITIES, Event, Source, SpoiledEvent
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.errors import CalendarError
from iodcal.http import Deadline

_MOST_EVENTS = 20_000
_DAY = timedelta(days=1)
# What lasts longer than this, and does not say until when, is not taken to reach into the range.
_LONGEST_UNKNOWN = timedelta(days=366)
_UNTIL = re.compile(r"UNTIL=(\d{4})(\d{2})(\d{2})", re.IGNORECASE)
_SHOW_AS = {"FREE": "free", "TENTATIVE": "tentative", "BUSY": "busy", "OOF": "oof"}
_ONLINE = ("X-MICROSOFT-SKYPETEAMSMEETINGURL", "X-GOOGLE-CONFERENCE", "CONFERENCE")


class ParsedEvents(Struct, frozen=True):
    """`events` may overlap the range in some zone, or lie near it; `spoiled` may overlap it and could not be
    understood."""

    events: tuple[Event, ...]
    spoiled: tuple[SpoiledEvent, ...] = ()


def parse_events(
    source: Source,
    content: bytes,
    window: Interval,
    deadline: Deadline | None = None,
    zones: Mapping[str, ZoneInfo] | None = None,
) -> ParsedEvents:
    """Every event in `content` that may overlap `window` (UTC) in some zone, and some around it. `zones`
    says what names of time zones mean.

    Raises CalendarError where the text as a whole is damaged or holds too much, and where its series take
    longer than `deadline` to expand.
    """
    reading = _Reading(source, content, window, deadline)
    for calendar in parse_document(content):
        reading.take(calendar, Zones(calendar, window, zones or {}))
    return ParsedEvents(tuple(_with_own_ids(reading.events)), tuple(reading.spoiled))


class _Reading:
    """Collects what the calendars of one text hold."""

    def __init__(self, source: Source, content: bytes, window: Interval, deadline: Deadline | None) -> None:
        self.source = source
        self.window = window
        self.deadline = deadline
        self.events: list[Event] = []
        self.spoiled: list[SpoiledEvent] = []
        self._lines = LineNumbers(content)
        self._around = Interval(window.start - MARGIN, window.end + MARGIN)

    def take(self, calendar: Component, zones: Zones) -> None:
        """Raises CalendarError."""
        groups: dict[str, list[EventEntry]] = {}
        for component in calendar.walk("VEVENT"):
            self._look_at_the_clock(1)
            properties = Properties(component, zones)
            try:
                entry = read_entry(properties)
            except DamagedPropertyError as damage:
                self._spoil(properties, damage)
            else:
                # Without a UID nothing says that an event belongs to another.
                groups.setdefault(entry.uid or f"\n{component.number}", []).append(entry)
        method = next((line.rpartition(":")[2] for _, line in calendar.named("METHOD")), "")
        cancelled = method.strip().upper() == "CANCEL"
        for group in groups.values():
            self._look_at_the_clock(len(groups))
            self._take_group(group, cancelled=cancelled)

    def _take_group(self, group: Sequence[EventEntry], *, cancelled: bool) -> None:
        budget = StepBudget(check=lambda: self._look_at_the_clock(1))
        try:
            for occurrence in occurrences(group, self.window, budget):
                if may_overlap(occurrence.span, self._around):
                    self.events.append(_event(self.source, occurrence, cancelled=cancelled))
        except DamagedPropertyError as damage:
            self._spoil(_recurring(group).properties, damage)
        except TooDenseError:
            properties = _recurring(group).properties
            self._spoil(
                properties, DamagedPropertyError("ics_too_dense", "RRULE", properties.number("RRULE"))
            )
        if len(self.events) > _MOST_EVENTS:
            raise CalendarError("too_many_events", limit=_MOST_EVENTS)

    def _look_at_the_clock(self, series: int) -> None:
        if self.deadline is not None and self.deadline.passed:
            raise CalendarError("ics_too_slow", series=series)

    def _spoil(self, properties: Properties, damage: DamagedPropertyError) -> None:
        """Notes an event that is not understood, unless it is provably outside of the range, or off."""
        span = _reach(properties, damage)
        off = properties.word("STATUS") == "CANCELLED" and "RECURRENCE-ID" not in properties
        if off or (span is not None and not span.overlaps(self.window)):
            return
        number = damage.number if damage.number is not None else properties.component.number
        self.spoiled.append(
            SpoiledEvent(
                properties.text("UID").strip()[:255],
                damage.code,
                property=damage.name,
                line=self._lines.of(number),
                found=damage.found,
                span=span,
            )
        )


def _recurring(group: Sequence[EventEntry]) -> EventEntry:
    return next((entry for entry in group if entry.recurs), group[0])


def _reach(properties: Properties, damage: DamagedPropertyError) -> Interval | None:
    """The time (UTC) that an event could touch which is not understood; None where nobody can say."""
    start, end = properties.written("DTSTART"), properties.written("DTEND")
    length = _length_of(properties)
    if start is None:
        if end is None or properties.recurs:
            return None
        start = add(end, -_LONGEST_UNKNOWN)
    if end is None:
        end = add(start, length)
    if properties.recurs and damage.code != "ics_no_day":
        end = _last_end(properties, max(end - start, length))
    first, last = sorted((start, end))
    return Interval(add(first, -MARGIN).replace(tzinfo=UTC), add(last, _DAY + MARGIN).replace(tzinfo=UTC))


def _length_of(properties: Properties) -> timedelta:
    """How long an event without an end that is understood may last at most."""
    try:
        length = properties.length("DURATION")
    except DamagedPropertyError:
        return _LONGEST_UNKNOWN
    if length is not None:
        return length.days + length.exact
    return _LONGEST_UNKNOWN if "DTEND" in properties else _DAY


def _last_end(properties: Properties, length: timedelta) -> datetime:
    """When the last occurrence of a series could end."""
    never = datetime.max.replace(microsecond=0)  # noqa: DTZ901 - local
    if "RDATE" in properties:
        return never
    ends = []
    for _, text in properties.values("RRULE"):
        found = _UNTIL.search(text)
        try:
            ends.append(datetime(*map(int, found.groups())) if found else never)  # type: ignore[arg-type]  # noqa: DTZ001 - three numbers, local
        except ValueError:
            return never
    return add(max(ends, default=never), length)


def _event(source: Source, occurrence: Occurrence, *, cancelled: bool) -> Event:
    entry = occurrence.entry
    said = entry.properties
    return Event(
        source=source,
        id=f"{entry.uid}/{occurrence.slot}",
        uid=entry.uid,
        span=occurrence.span,
        subject=said.text("SUMMARY"),
        organizer=said.address("ORGANIZER"),
        locations=tuple(text for text in [said.text("LOCATION")] if text),
        categories=said.texts("CATEGORIES"),
        show_as=_show_as(said),
        sensitivity=_sensitivity(said),
        attendees=said.count("ATTENDEE") or None,
        online_meeting=any(said.text(name) for name in _ONLINE),
        all_day=entry.start.day,
        cancelled=cancelled or said.word("STATUS") == "CANCELLED",
    )


def _sensitivity(said: Properties) -> str:
    word = said.word("CLASS").casefold()
    if word in ("", "public"):
        return "normal"
    # RFC 5545, 3.8.1.3: what is not known counts as private.
    return word if word in PRIVATE_SENSITIVITIES else "private"


def _show_as(said: Properties) -> str:
    word = said.word("X-MICROSOFT-CDO-BUSYSTATUS")
    if word:
        return _SHOW_AS.get(word, word.casefold())
    return "free" if said.word("TRANSP") == "TRANSPARENT" else "busy"


def _with_own_ids(events: Iterable[Event]) -> Iterator[Event]:
    """The events, each once and with an id of its own: those that share UID and slot are told apart by their
    starts, and those that share these, too, by their order."""
    different = list(dict.fromkeys(events))
    counts = Counter(event.id for event in different)
    taken: set[str] = set()
    for event in different:
        id_ = event.id if counts[event.id] == 1 else f"{event.id}/{event.span.start.isoformat()}"
        number = 1
        while id_ in taken:
            number += 1
            id_ = f"{event.id}/{event.span.start.isoformat()}/{number}"
        taken.add(id_)
        yield event if id_ == event.id else replace(event, id=id_)
