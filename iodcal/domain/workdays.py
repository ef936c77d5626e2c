"""Days as a schedule counts them: weekdays, holidays, the business days of a month."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

_SUNDAY = 6
_WORKING_WEEK = range(5)


class Holidays(Protocol):
    """The days that are kept free somewhere, of any year."""

    def __contains__(self, day: object, /) -> bool: ...

    def __hash__(self) -> int: ...


class Place(NamedTuple):
    """Where local days and times are judged: the clock that counts there, and the holidays that are kept.
    Circuits of one place are judged alike."""

    zone: ZoneInfo
    holidays: Holidays = frozenset()


class DayChoice(Protocol):
    """Which local days are meant: every given choice must hold, and none given means every day.

    `days` counts Monday as 0. `business_days` are numbers in the month: 1 is its first business day, -1 its
    last. With `holidays_as_sunday` a holiday counts as a Sunday among `days`.
    """

    @property
    def days(self) -> frozenset[int]: ...

    @property
    def business_days(self) -> frozenset[int]: ...

    @property
    def holidays_as_sunday(self) -> bool: ...


class DayInMonth(NamedTuple):
    """Which business day of its month a day is, from the start (1 is the first) and the end (-1 the last)."""

    from_start: int
    from_end: int


def is_chosen(choice: DayChoice, day: date, holidays: Holidays) -> bool:
    """True if `day` is one of those meant, where `holidays` are kept."""
    if choice.days and weekday_of(day, holidays, as_sunday=choice.holidays_as_sunday) not in choice.days:
        return False
    return not choice.business_days or is_numbered(day, choice.business_days, holidays)


def weekday_of(day: date, holidays: Holidays, *, as_sunday: bool) -> int:
    """The day of the week that `day` counts as, Monday as 0; with `as_sunday` a holiday is a Sunday."""
    return _SUNDAY if as_sunday and day in holidays else day.weekday()


def is_numbered(day: date, numbers: frozenset[int], holidays: Holidays) -> bool:
    """True if `day` is one of the business days with these numbers in its month."""
    found = business_day(day, holidays)
    return found is not None and not numbers.isdisjoint(found)


def business_day(day: date, holidays: Holidays) -> DayInMonth | None:
    """Which business day of its month `day` is; None where it is none."""
    of_month = _business_days(day.year, day.month, holidays)
    if day not in of_month:
        return None
    from_start = of_month.index(day) + 1
    return DayInMonth(from_start, from_start - len(of_month) - 1)


@lru_cache(maxsize=256)
def _business_days(year: int, month: int, holidays: Holidays) -> tuple[date, ...]:
    days = (date(year, month, number) for number in range(1, monthrange(year, month)[1] + 1))
    return tuple(day for day in days if day.weekday() in _WORKING_WEEK and day not in holidays)
