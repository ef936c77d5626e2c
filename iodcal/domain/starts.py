"""The conditions on the local time of an event's start: each is judged where a circuit is."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, TypeAlias

from msgspec import Struct

from iodcal.domain.condition import Condition
from iodcal.domain.workdays import DayInMonth, Holidays, business_day, weekday_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Day(Struct, frozen=True):
    """A local day, and whether it is a holiday there."""

    date: date
    holiday: bool

    @property
    def name(self) -> str:
        """`Friday 25 Dec, a holiday`."""
        holiday = ", a holiday" if self.holiday else ""
        return f"{self.date:%A} {self.date.day} {self.date:%b}{holiday}"


class Start(Struct, frozen=True):
    """When an event begins, `at` in local time, and the holidays that are kept there."""

    at: datetime
    holidays: Holidays

    @property
    def day(self) -> Day:
        """The day on which it begins."""
        return Day(self.at.date(), self.at.date() in self.holidays)


OfStart: TypeAlias = Condition[Start, Any]


class OnDays(Condition[Start, tuple[Day, int]], frozen=True):
    """`days`: the event begins on one of these days of the week; Monday is 0. With `holidays_as_sunday` a
    holiday is one of the Sundays."""

    days: frozenset[int]
    holidays_as_sunday: bool = False
    key = "days"

    def look(self, thing: Start) -> tuple[Day, int]:
        counts_as = weekday_of(thing.at.date(), thing.holidays, as_sunday=self.holidays_as_sunday)
        return thing.day, counts_as

    def accepts(self, value: tuple[Day, int]) -> bool:
        _, counts_as = value
        return counts_as in self.days

    @property
    def wanted(self) -> str:
        return ", ".join(_DAYS[day] for day in sorted(self.days))

    def shown(self, value: tuple[Day, int]) -> str:
        day, counts_as = value
        if counts_as == day.date.weekday():
            return _DAYS[counts_as]
        return f"{day.name}, which counts as a Sunday"


class OnBusinessDays(Condition[Start, tuple[Day, DayInMonth | None]], frozen=True):
    """`business_days`: the event begins on one of these business days of the month; 1 is the first and -1 the
    last. Holidays are none."""

    numbers: frozenset[int]
    key = "business_days"

    def look(self, thing: Start) -> tuple[Day, DayInMonth | None]:
        return thing.day, business_day(thing.at.date(), thing.holidays)

    def accepts(self, value: tuple[Day, DayInMonth | None]) -> bool:
        _, number = value
        return number is not None and not self.numbers.isdisjoint(number)

    @property
    def wanted(self) -> str:
        return ", ".join(str(number) for number in sorted(self.numbers))

    def shown(self, value: tuple[Day, DayInMonth | None]) -> str:
        day, number = value
        if number is None:
            return f"{day.name}{',' if day.holiday else ''} is no business day"
        return f"business day {number.from_start} ({number.from_end} from the end)"


class StartsWithin(Condition[Start, time], frozen=True):
    """`from` and `to`: the time of day at which the event begins, half open; None is no bound. Where the
    last is not after the first it is that of the next day; so two equal ones mean any time of day."""

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
