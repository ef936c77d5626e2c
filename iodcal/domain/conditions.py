"""The conditions of a rule, one class for each key of `match`.

There are three kinds, by what they judge: the event itself; the length of its time; the local time of its
start, which differs from circuit to circuit (those are in `iodcal.domain.starts`).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeAlias

from msgspec import Struct

from iodcal.domain.condition import Condition, Finding
from iodcal.domain.durations import format_duration
from iodcal.domain.events import SHOWN_AS, Event
from iodcal.domain.keywords import Keyword, normalise
from iodcal.domain.patterns import Budget, Pattern, TooSlowError

OfEvent: TypeAlias = Condition[Event, Any]
OfLength: TypeAlias = Condition[timedelta, Any]

_SHOWN = frozenset(word.casefold() for word in SHOWN_AS)


class _Keywords(Condition[Event, str], frozen=True):
    """Keywords in the subject."""

    personal = True
    keywords: tuple[Keyword, ...]

    def look(self, thing: Event) -> str:
        return thing.subject

    @property
    def wanted(self) -> str:
        return ", ".join(keyword.text for keyword in self.keywords)


class HasKeyword(_Keywords, frozen=True):
    """`subject`: any of the keywords stands in the event's subject."""

    key = "subject"

    def accepts(self, value: str) -> bool:
        return _any_in(self.keywords, normalise(value))


class HasNoKeyword(_Keywords, frozen=True):
    """`not_subject`: none of the keywords stands in the event's subject."""

    key = "not_subject"

    def accepts(self, value: str) -> bool:
        return not _any_in(self.keywords, normalise(value))


class Search(Struct, frozen=True):
    """A subject to be searched, and what the searches of a run may cost."""

    subject: str
    budget: Budget


class Sighting(Struct, frozen=True):
    """What a search came to; `found` is None where it was given up."""

    subject: str
    found: bool | None


class HasPattern(Condition[Search, Sighting], frozen=True):
    """`subject_regex`: the pattern is found in the event's subject as it is written. Where the search was
    given up nobody knows: `accepts` and `holds` raise TooSlowError."""

    pattern: Pattern
    key = "subject_regex"
    personal = True

    def look(self, thing: Search) -> Sighting:
        found: bool | None = None
        with suppress(TooSlowError):
            found = self.pattern.search(thing.subject, thing.budget) is not None
        return Sighting(thing.subject, found)

    def accepts(self, value: Sighting) -> bool:
        if value.found is None:
            raise TooSlowError
        return value.found

    @property
    def wanted(self) -> str:
        return self.pattern.text

    def shown(self, value: Sighting) -> str:
        return value.subject

    def judge(self, thing: Search, *, hidden: bool = False) -> Finding:
        value = self.look(thing)
        if value.found is None:
            return Finding(self.key, False, "a subject that the expression takes too long on", self.wanted)
        return Finding(self.key, value.found, None if hidden else self.shown(value), self.wanted)


class AtLocation(Condition[Event, tuple[str, ...]], frozen=True):
    """`location`: any of the keywords stands in one of the event's locations."""

    keywords: tuple[Keyword, ...]
    key = "location"
    personal = True

    def look(self, thing: Event) -> tuple[str, ...]:
        return thing.locations

    def accepts(self, value: tuple[str, ...]) -> bool:
        return any(_any_in(self.keywords, normalise(location)) for location in value)

    @property
    def wanted(self) -> str:
        return ", ".join(keyword.text for keyword in self.keywords)

    def shown(self, value: tuple[str, ...]) -> str:
        return ", ".join(value)


class InCategory(Condition[Event, tuple[str, ...]], frozen=True):
    """`categories`: the event has any of these."""

    names: tuple[str, ...]
    key = "categories"
    personal = True

    def look(self, thing: Event) -> tuple[str, ...]:
        return thing.categories

    def accepts(self, value: tuple[str, ...]) -> bool:
        wanted = {normalise(name) for name in self.names}
        return not wanted.isdisjoint(normalise(category) for category in value)

    @property
    def wanted(self) -> str:
        return ", ".join(self.names)

    def shown(self, value: tuple[str, ...]) -> str:
        return ", ".join(value)


class OrganizedBy(Condition[Event, str | None], frozen=True):
    """`organizer`: the organizer's address is one of these, or of one of these `@domain` entries."""

    entries: tuple[str, ...]
    key = "organizer"
    personal = True

    def look(self, thing: Event) -> str | None:
        return thing.organizer

    def accepts(self, value: str | None) -> bool:
        return address_in(value, self.entries)

    @property
    def wanted(self) -> str:
        return ", ".join(self.entries)

    def shown(self, value: str | None) -> str:
        return value or ""


class ShownAs(Condition[Event, str], frozen=True):
    """`show_as`: the event is shown as one of these words, which are case-folded. A word that nobody has seen
    before counts as busy as well: better dear than too slow."""

    words: tuple[str, ...]
    key = "show_as"

    def look(self, thing: Event) -> str:
        return thing.show_as

    def accepts(self, value: str) -> bool:
        word = value.casefold()
        return word in self.words or ("busy" in self.words and word not in _SHOWN)

    @property
    def wanted(self) -> str:
        return ", ".join(self.words)


class OfSensitivity(Condition[Event, str], frozen=True):
    """`sensitivity`: one of these words, which are case-folded."""

    words: tuple[str, ...]
    key = "sensitivity"

    def look(self, thing: Event) -> str:
        return thing.sensitivity

    def accepts(self, value: str) -> bool:
        return value.casefold() in self.words

    @property
    def wanted(self) -> str:
        return ", ".join(self.words)


class _Flag(Condition[Event, bool], frozen=True):
    """A property that the event has or has not."""

    flag: bool

    def accepts(self, value: bool) -> bool:
        return value == self.flag

    @property
    def wanted(self) -> str:
        return self.shown(self.flag)

    def shown(self, value: bool) -> str:
        return "true" if value else "false"


class IsOnline(_Flag, frozen=True):
    """`online_meeting`."""

    key = "online_meeting"

    def look(self, thing: Event) -> bool:
        return thing.online_meeting


class IsAllDay(_Flag, frozen=True):
    """`all_day`."""

    key = "all_day"

    def look(self, thing: Event) -> bool:
        return thing.all_day


class HasAttendees(Condition[Event, int], frozen=True):
    """`min_attendees`: at least so many are invited; where nobody counted them there are none."""

    count: int
    key = "min_attendees"

    def look(self, thing: Event) -> int:
        return thing.attendees or 0

    def accepts(self, value: int) -> bool:
        return value >= self.count

    @property
    def wanted(self) -> str:
        return str(self.count)


class _Length(Condition[timedelta, timedelta], frozen=True):
    """Judges how long an event is."""

    length: timedelta

    def look(self, thing: timedelta) -> timedelta:
        return thing

    @property
    def wanted(self) -> str:
        return format_duration(self.length)

    def shown(self, value: timedelta) -> str:
        return f"-{format_duration(-value)}" if value < timedelta() else format_duration(value)


class LongerThan(_Length, frozen=True):
    """`longer_than`, strictly."""

    key = "longer_than"

    def accepts(self, value: timedelta) -> bool:
        return value > self.length


class ShorterThan(_Length, frozen=True):
    """`shorter_than`, strictly."""

    key = "shorter_than"

    def accepts(self, value: timedelta) -> bool:
        return value < self.length


def address_in(address: str | None, entries: Iterable[str]) -> bool:
    """True if `address`, or its `@domain`, is among the case-folded `entries`.

    Exchange gives some senders of the tenant itself by their place in its directory (`/o=...`): such an
    address stands for any domain.
    """
    if not address:
        return False
    folded = address.casefold()
    if folded.startswith("/o="):
        return any(entry == folded or entry.startswith("@") for entry in entries)
    return folded in entries or "@" + folded.rpartition("@")[2] in entries


def _any_in(keywords: Iterable[Keyword], normal: str) -> bool:
    return any(keyword.is_in(normal) for keyword in keywords)
