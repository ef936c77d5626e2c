"""The conditions on the local time of an event's start: each is judged where a circuit is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypeAlias

from iodcal.domain.condition import Condition
from iodcal.domain.workdays import DayInMonth, Holidays, business_day, weekday_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Start:
    """When an event begins, `at` in local time, and the holidays that are kept there."""

    at: datetime
    holidays: Holidays


OfStart: TypeAlias = Condition[Start, Any]


@dataclass(frozen=True, slots=True)
class Day:
    """A local day: what it counts as in the week, whether it is a holiday, which business day it is."""

    date: date
    weekday: int
    holiday: bool
    number: DayInMonth | None

    @property
    def name(self) -> str:
        """`Friday 25 Dec, a holiday`."""
        holiday = ", a holiday" if self.holiday else ""
        return f"{self.date:%A} {self.date.day} {self.date:%b}{holiday}"


@dataclass(frozen=True, slots=True)
class OnDays(Condition[Start, Day]):
    """`days`: the event begins on one of these days of the week; Monday is 0. With `holidays_as_sunday` a
    holiday is one of the Sundays."""

    days: frozenset[int]
    holidays_as_sunday: bool = False
    key = "days"

    def look(self, thing: Start) -> Day:
        day, kept = thing.at.date(), thing.holidays
        counts_as = weekday_of(day, kept, as_sunday=self.holidays_as_sunday)
        return Day(day, counts_as, day in kept, None)

    def accepts(self, value: Day) -> bool:
        return value.weekday in self.days

    @property
    def wanted(self) -> str:
        return ", ".join(_DAYS[day] for day in sorted(self.days))

    def shown(self, value: Day) -> str:
        if value.weekday == value.date.weekday():
            return _DAYS[value.weekday]
        return f"{value.name}, which counts as a Sunday"


@dataclass(frozen=True, slots=True)
class OnBusinessDays(Condition[Start, Day]):
    """`business_days`: the event begins on one of these business days of the month; 1 is the first and -1 the
    last. Holidays are none."""

    numbers: frozenset[int]
    key = "business_days"

    def look(self, thing: Start) -> Day:
        day, kept = thing.at.date(), thing.holidays
        return Day(day, day.weekday(), day in kept, business_day(day, kept))

    def accepts(self, value: Day) -> bool:
        return value.number is not None and not self.numbers.isdisjoint(value.number)

    @property
    def wanted(self) -> str:
        return ", ".join(str(number) for number in sorted(self.numbers))

    def shown(self, value: Day) -> str:
        if value.number is None:
            return f"{value.name}{',' if value.holiday else ''} is no business day"
        return f"business day {value.number.from_start} ({value.number.from_end} from the end)"


@dataclass(frozen=True, slots=True)
class StartsWithin(Condition[Start, time]):
    """`from` and `to`: the time of day at which the event begins, half open; None is no bound. Where the
    first is later than the last, the night between them is meant."""

    first: time | None
    last: time | None

    @property
    def key(self) -> str:
        return "from" if self.last is None else "to" if self.first is None else "from, to"

    def look(self, thing: Start) -> time:
        return thing.at.time()

    def accepts(self, value: time) -> bool:
        first, last = self.first, self.last
        if first is None or last is None:
            return (first is None or value >= first) and (last is None or value < last)
        if first < last:
            return first <= value < last
        return value >= first or value < last

    @property
    def wanted(self) -> str:
        return f"{self.first or time():%H:%M}-{f'{self.last:%H:%M}' if self.last else '24:00'}"

    def shown(self, value: time) -> str:
        return f"{value:%H:%M}"
