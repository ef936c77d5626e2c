"""Rules: which events ask for which bandwidth on which circuits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.conditions import (
    AtLocation,
    HasAttendees,
    HasKeyword,
    HasNoKeyword,
    HasPattern,
    InCategory,
    IsAllDay,
    IsOnline,
    LongerThan,
    OfEvent,
    OfLength,
    OfSensitivity,
    OrganizedBy,
    ShorterThan,
    ShownAs,
)
from iodcal.domain.keywords import Keyword
from iodcal.domain.labels import Labels
from iodcal.domain.patterns import Pattern
from iodcal.domain.starts import OfStart, OnBusinessDays, OnDays, StartsWithin


class Mode(StrEnum):
    AT_LEAST = "at_least"
    EXACTLY = "exactly"
    FREEZE = "freeze"


class Allow(StrEnum):
    """What may be ordered while a `freeze` rule covers."""

    UPS = "ups"
    NONE = "none"


class Highest(StrEnum):
    """The circuit's highest tier."""

    HIGHEST = "highest"


class FromEvent(StrEnum):
    """What the group `bandwidth` of `subject_regex` found in the event's subject."""

    FROM_EVENT = "from_event"


Wanted: TypeAlias = Bandwidth | Highest | FromEvent


@dataclass(frozen=True, slots=True)
class Conditions:
    """A rule's `match`: every given condition must hold, a list holds if any of its entries does.

    Empty tuples and None are conditions that are not given. Addresses and `@domain` entries of `organizer`
    and the words of `show_as` and `sensitivity` are case-folded. `days` counts Monday as 0; with
    `holidays_as_sunday` a holiday is one of its Sundays. `business_days` are numbers in the month.
    `of_event`, `of_length`, `of_start` and `of_search` are the given ones as values that judge, by what they
    judge.
    """

    subject: tuple[Keyword, ...] = ()
    subject_regex: Pattern | None = None
    not_subject: tuple[Keyword, ...] = ()
    location: tuple[Keyword, ...] = ()
    categories: tuple[str, ...] = ()
    organizer: tuple[str, ...] = ()
    show_as: tuple[str, ...] = ()
    sensitivity: tuple[str, ...] = ()
    online_meeting: bool | None = None
    min_attendees: int | None = None
    all_day: bool | None = None
    longer_than: timedelta | None = None
    shorter_than: timedelta | None = None
    days: frozenset[int] = frozenset()
    start_from: time | None = None
    start_to: time | None = None
    business_days: frozenset[int] = frozenset()
    holidays_as_sunday: bool = False
    of_event: tuple[OfEvent, ...] = field(init=False, repr=False, compare=False)
    of_length: tuple[OfLength, ...] = field(init=False, repr=False, compare=False)
    of_start: tuple[OfStart, ...] = field(init=False, repr=False, compare=False)
    of_search: tuple[HasPattern, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "of_event", tuple(self._of_event()))
        object.__setattr__(self, "of_length", tuple(self._of_length()))
        object.__setattr__(self, "of_start", tuple(self._of_start()))
        of_search = (HasPattern(self.subject_regex),) if self.subject_regex is not None else ()
        object.__setattr__(self, "of_search", of_search)

    def _of_event(self) -> Iterator[OfEvent]:
        lists: tuple[tuple[Callable[[Any], OfEvent], Any], ...] = (
            (HasKeyword, self.subject),
            (HasNoKeyword, self.not_subject),
            (AtLocation, self.location),
            (InCategory, self.categories),
            (OrganizedBy, self.organizer),
            (ShownAs, self.show_as),
            (OfSensitivity, self.sensitivity),
        )
        scalars: tuple[tuple[Callable[[Any], OfEvent], Any], ...] = (
            (IsOnline, self.online_meeting),
            (HasAttendees, self.min_attendees),
            (IsAllDay, self.all_day),
        )
        yield from (condition(given) for condition, given in lists if given)
        yield from (condition(given) for condition, given in scalars if given is not None)

    def _of_length(self) -> Iterator[OfLength]:
        if self.longer_than is not None:
            yield LongerThan(self.longer_than)
        if self.shorter_than is not None:
            yield ShorterThan(self.shorter_than)

    def _of_start(self) -> Iterator[OfStart]:
        if self.days:
            yield OnDays(self.days, self.holidays_as_sunday)
        if self.business_days:
            yield OnBusinessDays(self.business_days)
        if self.start_from is not None or self.start_to is not None:
            yield StartsWithin(self.start_from, self.start_to)


class Rule(Struct, frozen=True):
    """`circuits` names, for each calendar of the rule, the circuits it asks for (`same_site` resolved).
    `bandwidth` is None for a `freeze` rule, which asks for none; `allow` is of no account for the others.
    `max_price_per_hour` is in the currency of whichever circuit it is asked for. With `named_in_event` the
    rule asks only for those of its circuits that the event names, or for all where it names none."""

    name: str
    circuits: Mapping[str, tuple[str, ...]]
    bandwidth: Wanted | None
    conditions: Conditions = Conditions()
    mode: Mode = Mode.AT_LEAST
    priority: int = 0
    lead: timedelta = timedelta()
    trail: timedelta = timedelta()
    allow: Allow = Allow.UPS
    max_price_per_hour: Decimal | None = None
    labels: Labels = ()
    named_in_event: bool = False
