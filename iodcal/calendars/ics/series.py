"""From VEVENTs of one UID to occurrences: series, their exceptions, and changes of "this and following".

Nothing is lost over a UID that is used in ways RFC 5545 does not know of: an event too many costs money, one
too few is an event without its bandwidth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec import Struct

from iodcal.calendars.ics.recurrence import (
    RecurrenceRule,
    StepBudget,
    TooDenseError,
    expand,
    has_a_day,
    parse_rule,
)
from iodcal.calendars.ics.values import DamagedPropertyError, Length, Moment, Properties, add
from iodcal.calendars.ics.zones import instant_in, local_in
from iodcal.domain.events import Floating, Span, Timed
from iodcal.domain.localtime import Interval

# Local times may lie this far off from UTC, on either side of the range.
MARGIN = timedelta(hours=26)
_MOST_AT_ONCE = 15_000
_DAY = timedelta(days=1)
_NOTHING = timedelta()

End: TypeAlias = Moment | Length | None


class EventEntry(Struct, frozen=True):
    """A VEVENT whose own times are understood. `slot` is the occurrence that it takes the place of;
    `following` says that it changes those after it, too."""

    properties: Properties
    uid: str
    sequence: int
    start: Moment
    end: End
    slot: Moment | None = None
    following: bool = False

    @property
    def recurs(self) -> bool:
        return self.properties.recurs


class Occurrence(Struct, frozen=True):
    """One occurrence of `entry`. `slot` names the occurrence within its series and stays when it is moved;
    it is empty for what is no series."""

    entry: EventEntry
    span: Span
    slot: str = ""


def read_entry(properties: Properties) -> EventEntry:
    """Raises DamagedPropertyError where a property that says what the event is, or when, is damaged."""
    properties.check_lines()
    start = properties.moment("DTSTART")
    if start is None:
        raise DamagedPropertyError("ics_damaged", "DTSTART", properties.component.number, "no start")
    end = _settled_end(properties, start)
    entry = EventEntry(
        properties,
        properties.text("UID").strip()[:255],
        sequence=_sequence(properties),
        start=start,
        end=end,
        slot=properties.moment("RECURRENCE-ID"),
        following=_is_following(properties),
    )
    for name in ("EXDATE", "RDATE"):
        for _ in properties.moments(name):
            pass  # each must be understood
    return entry


def _settled_end(properties: Properties, start: Moment) -> End:
    """DTEND, else DURATION, else None; of one kind with the start."""
    end = properties.moment("DTEND")
    if end is None:
        return properties.length("DURATION")
    if start.day and not end.day and (end.local.hour, end.local.minute) == (0, 0):
        return Moment(end.local, day=True)
    if end.zone is None and not end.day and start.zone is not None:
        return Moment(end.local, start.zone)
    if start.day != end.day or (start.zone is None and end.zone is not None):
        found = "an end of another kind than the start"
        raise DamagedPropertyError("ics_damaged", "DTEND", properties.number("DTEND"), found)
    return end


def _sequence(properties: Properties) -> int:
    for _, text in properties.values("SEQUENCE"):
        return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19 else 0
    return 0


def _is_following(properties: Properties) -> bool:
    return any(
        "RANGE=THISANDFUTURE" in "".join(line.upper().split())
        for _, line in properties.component.named("RECURRENCE-ID")
    )


def occurrences(group: Sequence[EventEntry], window: Interval, budget: StepBudget) -> Iterator[Occurrence]:
    """What the VEVENTs of one UID come to within `window` and MARGIN on either side, and maybe some beyond.

    Raises DamagedPropertyError, and TooDenseError where a series takes too long to expand.
    """
    masters, changed = _latest_states(group)
    for entry in changed:
        if not (entry.following and entry.recurs):
            yield Occurrence(entry, span_of(entry.start, entry.end), _slot_name(_slot(entry), entry.start))
    for master in [*masters, *(entry for entry in changed if entry.following and entry.recurs)]:
        yield from _Series(master, changed).occurrences(window, budget)


def _latest_states(group: Sequence[EventEntry]) -> tuple[list[EventEntry], list[EventEntry]]:
    """The series and single events, and the changed occurrences. Of different SEQUENCEs the highest is the
    latest state, and counts alone; those with the same one all count."""
    if len(group) == 1:
        return ([], list(group)) if group[0].slot is not None else (list(group), [])
    masters = [entry for entry in group if entry.slot is None]
    latest = max((entry.sequence for entry in masters), default=0)
    masters = [entry for entry in masters if entry.sequence == latest]
    like = masters[0].start if masters else None
    newest: dict[tuple[datetime, bool], int] = {}
    changed = [entry for entry in group if entry.slot is not None]
    for entry in changed:
        key = (_key(_slot(entry), like or entry.start), entry.following)
        newest[key] = max(entry.sequence, newest.get(key, entry.sequence))
    return masters, [
        entry
        for entry in changed
        if entry.sequence == newest[_key(_slot(entry), like or entry.start), entry.following]
    ]


def _slot(entry: EventEntry) -> Moment:
    return entry.slot if entry.slot is not None else entry.start


class _Series:
    """One series, or a single event, and what takes occurrences out of it or changes them."""

    def __init__(self, master: EventEntry, changed: Iterable[EventEntry]) -> None:
        self.master = master
        self.start = master.start
        others = [entry for entry in changed if entry is not master]
        self._replaced = {_key(_slot(entry), self.start) for entry in others}
        self._following = sorted(
            ((_key(_slot(entry), self.start), entry) for entry in others if entry.following),
            key=lambda pair: pair[0],
        )
        self._days: set[datetime] = set()
        for excepted, _ in master.properties.moments("EXDATE"):
            if excepted.day and not self.start.day:
                self._days.add(excepted.local)
            else:
                self._replaced.add(_key(excepted, self.start))

    def occurrences(self, window: Interval, budget: StepBudget) -> Iterator[Occurrence]:
        recurs = self.master.recurs
        for at, end in self._planned(window, budget):
            moment = Moment(at, self.start.zone, day=self.start.day)
            key = _key(moment, self.start)
            if key in self._replaced or at.replace(hour=0, minute=0, second=0) in self._days:
                continue
            slot = _slot_name(moment, self.start) if recurs else ""
            entry = self._entry_at(key)
            if entry is self.master:
                yield Occurrence(entry, span_of(*_moved(entry, at - self.start.local, end)), slot)
            elif not entry.recurs:
                by = add(at, entry.start.local - _local(_slot(entry), self.start))
                yield Occurrence(entry, span_of(*_moved(entry, by - entry.start.local, None)), slot)

    def _entry_at(self, key: datetime) -> EventEntry:
        """What says how the occurrence is: the series, or the last change of "this and following"."""
        entry = self.master
        for since, changed in self._following:
            if since <= key:
                entry = changed
        return entry

    def _planned(self, window: Interval, budget: StepBudget) -> list[tuple[datetime, End]]:
        """The local times of all occurrences that could reach into the window, with an end of their own."""
        if not self.master.recurs:
            return [(self.start.local, None)]
        reach = max(_reach(entry) for entry in (self.master, *(one for _, one in self._following)))
        first = add(window.start.replace(tzinfo=None), -(MARGIN + reach))
        last = add(window.end.replace(tzinfo=None), MARGIN + reach)
        planned: dict[datetime, End] = {}
        if first <= self.start.local <= last and not self._is_empty():
            planned[self.start.local] = None
        for at in self._ruled("RRULE", first, last, budget):
            planned[at] = None
        for moment, end in self.master.properties.moments("RDATE"):
            at = _local(moment, self.start)
            if first <= at <= last:
                planned[at] = end
        for at in self._ruled("EXRULE", first, last, budget):
            planned.pop(at, None)
        return sorted(planned.items(), key=lambda item: item[0])

    def _is_empty(self) -> bool:
        """True where the rules end on a day before the series begins: that is how some servers delete one."""
        rules = [
            self._rule("RRULE", number, text)
            for number, text in self.master.properties.values("RRULE")
            if text
        ]
        ends = [rule.until for rule in rules]
        return bool(ends) and all(end is not None and end.date() < self.start.local.date() for end in ends)

    def _ruled(self, name: str, first: datetime, last: datetime, budget: StepBudget) -> Iterator[datetime]:
        for number, text in self.master.properties.values(name):
            if not text:
                continue
            rule = self._rule(name, number, text)
            for made, at in enumerate(expand(rule, self.start.local, first=first, last=last, budget=budget)):
                if made > _MOST_AT_ONCE:
                    raise TooDenseError(_MOST_AT_ONCE)
                yield at

    def _rule(self, name: str, number: int, text: str) -> RecurrenceRule:
        try:
            rule = parse_rule(text, self.start.local, self._until)
        except (ValueError, OverflowError):
            raise DamagedPropertyError("ics_damaged", name, number, text[:80]) from None
        if not has_a_day(rule):
            raise DamagedPropertyError("ics_no_day", name, number, text[:80])
        return rule

    def _until(self, text: str) -> datetime:
        """The last local time that counts. A day means its end; a time without a zone that of the series."""
        moment = self.master.properties.moment_of(text)
        if moment.day:
            return moment.local.replace(hour=23, minute=59, second=59)
        if self.start.day:
            return moment.local
        return _local(moment, self.start)


def _reach(entry: EventEntry) -> timedelta:
    """How far from its slot an occurrence can reach: its length, and how far it was moved."""
    length = _length(entry)
    slot = _slot(entry)
    moved = abs(entry.start.local - slot.local)
    return max(length, _NOTHING) + moved + (_DAY if slot.day else _NOTHING)


def _length(entry: EventEntry) -> timedelta:
    match entry.end:
        case Moment(local=end):
            return end - entry.start.local
        case Length(days=days, exact=exact):
            return days + exact
        case None:
            return _DAY


def _moved(entry: EventEntry, by: timedelta, end: End) -> tuple[Moment, End]:
    """The entry's start and end `by` later; `end` is the occurrence's own, where it has one."""
    start = entry.start.shifted(by)
    if end is not None:
        return start, end
    return start, entry.end.shifted(by) if isinstance(entry.end, Moment) else entry.end


def _local(moment: Moment, like: Moment) -> datetime:
    """The local time of `moment` in the zone of `like`; as it is written, where one of them has none."""
    moment = _at_time_of(moment, like)
    if like.day or moment.zone is None or like.zone is None or moment.zone is like.zone:
        return moment.local
    return local_in(like.zone, instant_in(moment.zone, moment.local))


def _key(moment: Moment, like: Moment) -> datetime:
    """What tells occurrences of a series like `like` apart: the instant, or the local time without a zone."""
    if like.day:
        return moment.local.replace(hour=0, minute=0, second=0)
    moment = _at_time_of(moment, like)
    if like.zone is None:
        return moment.local
    return instant_in(moment.zone or like.zone, moment.local).replace(tzinfo=None)


def _at_time_of(moment: Moment, like: Moment) -> Moment:
    """A day that names an occurrence of a series with times means the one at the series' time of day."""
    if moment.day and not like.day:
        return Moment(datetime.combine(moment.local, like.local.time()), like.zone)
    return moment


def _slot_name(slot: Moment, like: Moment) -> str:
    return (_key(slot, like)).isoformat()


def span_of(start: Moment, end: End) -> Span:
    """The span from `start` to `end` as this programme counts it (RFC 5545, 3.6.1): an all-day event whose
    end is its start, or that has none, is its day. What ends before it starts is handed on as it is."""
    if start.day:
        return Floating(start.local, _end_of_days(start, end))
    if start.zone is None:
        return Floating(start.local, _floating_end(start, end))
    first = instant_in(start.zone, start.local)
    match end:
        case Moment(local=local, zone=zone):
            return Timed(first, instant_in(zone or start.zone, local))
        case Length(days=days, exact=exact):
            return Timed(first, add(instant_in(start.zone, add(start.local, days)), exact))
        case None:
            return Timed(first, first)


def _end_of_days(start: Moment, end: End) -> datetime:
    match end:
        case Moment(local=local) if local != start.local:
            return local
        case Length(days=days, exact=exact) if abs(days + exact) >= _DAY:
            return add(start.local, (days + exact) // _DAY * _DAY)
        case _:
            return add(start.local, _DAY)


def _floating_end(start: Moment, end: End) -> datetime:
    match end:
        case Moment(local=local):
            return local
        case Length(days=days, exact=exact):
            return add(start.local, days + exact)
        case None:
            return start.local
