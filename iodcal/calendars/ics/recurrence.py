"""Recurrence rules (RFC 5545, 3.3.10), expanded in local time near where they are wanted.

Whatever expands is bounded: each step, also one that finds nothing, counts against a budget, and a rule
without COUNT starts near the wanted stretch, however long ago it began.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import MAXYEAR, datetime, timedelta
from itertools import product
from typing import TypeAlias

from msgspec import Struct

_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_LISTS = {
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
    "BYSECOND": (0, 60),
    "BYSETPOS": (-366, 366),
}
_UNITS = {
    "WEEKLY": timedelta(weeks=1),
    "DAILY": timedelta(days=1),
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}
_DAY = timedelta(days=1)
MOST_STEPS = 100_000  # about a second

Until: TypeAlias = Callable[[str], datetime]


class TooDenseError(Exception):
    """A rule takes too many steps to expand; `limit` says how many may be taken."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class StepBudget:
    """Steps that may be taken, and a look at the clock now and then."""

    def __init__(self, steps: int = MOST_STEPS, check: Callable[[], None] = lambda: None) -> None:
        self._limit = steps
        self._left = steps
        self._check = check

    def spend(self, steps: int = 1) -> None:
        """Raises TooDenseError when all is spent, and what `check` raises."""
        before, self._left = self._left, self._left - steps
        if self._left < 0:
            raise TooDenseError(self._limit)
        if before >> 12 != self._left >> 12:
            self._check()


class RecurrenceRule(Struct, frozen=True):
    """A rule as it is written. `until` is the last local time that counts; days run from Monday, 0."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    year_days: frozenset[int] = frozenset()
    weeks: frozenset[int] = frozenset()
    weekdays: frozenset[tuple[int, int]] = frozenset()
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    seconds: tuple[int, ...] = ()
    positions: frozenset[int] = frozenset()
    week_start: int = 0


def parse_rule(text: str, start: datetime, until: Until) -> RecurrenceRule:
    """The rule `text` of a series that begins at the local time `start`. `until` makes of the text of an
    UNTIL the local time in the series' zone.

    A part that RFC 5545 forbids at the rule's frequency is left out, as other readers do; so are X- parts.
    Raises ValueError where the rule is not understood.
    """
    parts = {}
    for part in text.split(";"):
        if part.strip():
            name, equals, value = part.partition("=")
            if not equals:
                raise ValueError(part)
            parts[name.strip().upper()] = "".join(value.split()).upper()
    frequency = parts.pop("FREQ", "")
    if frequency not in _FREQUENCIES or parts.pop("RSCALE", "GREGORIAN") != "GREGORIAN":
        raise ValueError(frequency)
    if parts.pop("SKIP", "OMIT") != "OMIT":
        raise ValueError("SKIP")
    lists = {name: _numbers(parts.pop(name, ""), name) for name in _LISTS}
    rule = RecurrenceRule(
        frequency,
        interval=_positive(parts.pop("INTERVAL", "1") or "1"),
        count=_count(parts.pop("COUNT", "")),
        until=until(end) if (end := parts.pop("UNTIL", "")) else None,
        months=frozenset(lists["BYMONTH"]),
        month_days=frozenset(lists["BYMONTHDAY"]),
        year_days=frozenset(lists["BYYEARDAY"] if frequency not in ("MONTHLY", "WEEKLY", "DAILY") else ()),
        weeks=frozenset(lists["BYWEEKNO"] if frequency == "YEARLY" else ()),
        weekdays=frozenset(map(_weekday, filter(None, parts.pop("BYDAY", "").split(",")))),
        hours=tuple(sorted(lists["BYHOUR"])),
        minutes=tuple(sorted(lists["BYMINUTE"])),
        seconds=tuple(sorted({min(second, 59) for second in lists["BYSECOND"]})),
        positions=frozenset(lists["BYSETPOS"]),
        week_start=_DAYS.index(parts.pop("WKST", "") or "MO"),
    )
    if any(not name.startswith("X-") for name in parts):
        raise ValueError("an unknown part")
    return _completed(rule, start)


def has_a_day(rule: RecurrenceRule) -> bool:
    """False for a rule whose days do not exist, such as the 30th of February."""
    if not rule.month_days:
        return True
    lengths = [monthrange(2024, month)[1] for month in rule.months or range(1, 13)]  # a leap year
    return any(abs(day) <= length for day, length in product(rule.month_days, lengths))


def _numbers(text: str, name: str) -> set[int]:
    least, most = _LISTS[name]
    numbers = {int(part) for part in text.split(",") if part}
    if any(not least <= number <= most or (number == 0 and least < 0) for number in numbers):
        raise ValueError(name)
    return numbers


def _count(text: str) -> int | None:
    """None where there is no end: some servers write -1 for that."""
    number = int(text) if text else 0
    return number if number > 0 else None


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("INTERVAL")
    return number


def _weekday(text: str) -> tuple[int, int]:
    number = int(text[:-2] or "0")
    if not -53 <= number <= 53:
        raise ValueError(text)
    return _DAYS.index(text[-2:]), number


def _completed(rule: RecurrenceRule, start: datetime) -> RecurrenceRule:
    """With what the rule leaves to the start of its series."""
    changes: dict[str, object] = {}
    named = rule.weeks or rule.year_days or rule.month_days or rule.weekdays
    if not named:
        if rule.frequency == "YEARLY":
            changes["month_days"] = frozenset({start.day})
            changes["months"] = rule.months or frozenset({start.month})
        elif rule.frequency == "MONTHLY":
            changes["month_days"] = frozenset({start.day})
        elif rule.frequency == "WEEKLY":
            changes["weekdays"] = frozenset({(start.weekday(), 0)})
    elif rule.weeks and not (rule.weekdays or rule.month_days or rule.year_days):
        changes["weekdays"] = frozenset({(start.weekday(), 0)})
    if rule.frequency in _FREQUENCIES[:4]:
        changes["hours"] = rule.hours or (start.hour,)
    if rule.frequency in _FREQUENCIES[:5]:
        changes["minutes"] = rule.minutes or (start.minute,)
    if rule.frequency in _FREQUENCIES[:6]:
        changes["seconds"] = rule.seconds or (start.second,)
    return _replaced(rule, changes)


def _replaced(rule: RecurrenceRule, changes: dict[str, object]) -> RecurrenceRule:
    fields = {name: getattr(rule, name) for name in rule.__struct_fields__}
    return RecurrenceRule(**{**fields, **changes})


def expand(
    rule: RecurrenceRule, start: datetime, first: datetime, last: datetime, budget: StepBudget
) -> Iterator[datetime]:
    """The local times that the rule makes from `first` to `last`, in order. Raises TooDenseError."""
    if rule.until is not None:
        last = min(last, rule.until)
    if last < start or last < first:
        return
    number, made = _beginning(rule, start, first)
    while True:
        if rule.count is not None and made >= rule.count:
            return
        period = _period(rule, start, number)
        number += 1
        budget.spend()
        if period is None or period > last:
            return
        for at in _in_period(rule, period, budget):
            if at < start:
                continue
            made += 1
            if at > last or (rule.count is not None and made > rule.count):
                return
            if at >= first:
                yield at


def _beginning(rule: RecurrenceRule, start: datetime, first: datetime) -> tuple[int, int]:
    """The number of the period to begin with, and how many occurrences lie before it."""
    if first <= start:
        return 0, 0
    skipped = max(0, _periods_between(rule, start, first) - 2)
    if rule.count is None:
        return skipped, 0
    each = _of_each_period(rule)
    if each is None or skipped < 1:
        return 0, 0
    period = _period(rule, start, 0)
    of_first = [at for at in _in_period(rule, period, StepBudget()) if at >= start] if period else []
    return skipped, len(of_first) + (skipped - 1) * each


def _periods_between(rule: RecurrenceRule, start: datetime, at: datetime) -> int:
    if rule.frequency == "YEARLY":
        return (at.year - start.year) // rule.interval
    if rule.frequency == "MONTHLY":
        return ((at.year - start.year) * 12 + at.month - start.month) // rule.interval
    return (at - start) // _UNITS[rule.frequency] // rule.interval


def _of_each_period(rule: RecurrenceRule) -> int | None:
    """How many occurrences each period has, where each has as many."""
    filters = rule.months or rule.month_days or rule.year_days or rule.weeks or rule.positions
    times = len(rule.hours or "x") * len(rule.minutes or "x") * len(rule.seconds or "x")
    if filters:
        return None
    if rule.frequency == "WEEKLY":
        return times * len({day for day, _ in rule.weekdays})
    if rule.frequency == "DAILY" and not rule.weekdays:
        return times
    listed = {
        "HOURLY": rule.hours,
        "MINUTELY": rule.hours or rule.minutes,
        "SECONDLY": rule.hours or rule.minutes or rule.seconds,
    }
    return times if not rule.weekdays and not listed.get(rule.frequency, "x") else None


def _period(rule: RecurrenceRule, start: datetime, number: int) -> datetime | None:
    """When the period begins; None after the last year that there is."""
    steps = number * rule.interval
    try:
        if rule.frequency == "YEARLY":
            return datetime(start.year + steps, 1, 1)  # noqa: DTZ001 - local time
        if rule.frequency == "MONTHLY":
            years, month = divmod(start.month - 1 + steps, 12)
            return datetime(start.year + years, month + 1, 1)  # noqa: DTZ001 - local time
        begin = start
        if rule.frequency in ("WEEKLY", "DAILY"):
            begin = start.replace(hour=0, minute=0, second=0)
        if rule.frequency == "WEEKLY":
            begin -= ((start.weekday() - rule.week_start) % 7) * _DAY
        elif rule.frequency == "HOURLY":
            begin = start.replace(minute=0, second=0)
        elif rule.frequency == "MINUTELY":
            begin = start.replace(second=0)
        return begin + _UNITS[rule.frequency] * steps
    except (ValueError, OverflowError):
        return None


def _in_period(rule: RecurrenceRule, period: datetime, budget: StepBudget) -> Iterator[datetime]:
    """The local times of one period, in order; those of BYSETPOS where the rule has it."""
    found = [at + time for at, time in product(_days(rule, period), _times(rule, period))]
    budget.spend(len(found))
    if not rule.positions:
        yield from found
        return
    chosen = {at - 1 if at > 0 else len(found) + at for at in rule.positions}
    yield from (at for index, at in enumerate(found) if index in chosen)


def _times(rule: RecurrenceRule, period: datetime) -> list[timedelta]:
    """The times of day within the period."""
    hours = rule.hours or (period.hour,)
    minutes = rule.minutes or (period.minute,)
    seconds = rule.seconds or (period.second,)
    level = _FREQUENCIES.index(rule.frequency)
    if level >= 4:
        hours = tuple(hour for hour in hours if hour == period.hour)
    if level >= 5:
        minutes = tuple(minute for minute in minutes if minute == period.minute)
    if level >= 6:
        seconds = tuple(second for second in seconds if second == period.second)
    return [
        timedelta(hours=hour, minutes=minute, seconds=second)
        for hour, minute, second in product(hours, minutes, seconds)
    ]


def _days(rule: RecurrenceRule, period: datetime) -> list[datetime]:
    """The days of the period that the rule names, as midnights."""
    midnight = period.replace(hour=0, minute=0, second=0)
    if rule.frequency == "YEARLY":
        return [day for month in _months(rule, midnight) for day in _days_of_month(rule, month)]
    if rule.frequency == "MONTHLY":
        return _days_of_month(rule, midnight) if not rule.months or midnight.month in rule.months else []
    length = 7 if rule.frequency == "WEEKLY" else 1
    days = []
    for number in range(length):
        try:
            day = midnight + number * _DAY
        except OverflowError:
            break
        if _suits(rule, day):
            days.append(day)
    return days


def _months(rule: RecurrenceRule, year: datetime) -> list[datetime]:
    return [year.replace(month=month) for month in sorted(rule.months or range(1, 13))]


def _days_of_month(rule: RecurrenceRule, month: datetime) -> list[datetime]:
    length = monthrange(month.year, month.month)[1]
    if rule.month_days:
        numbers = sorted({day if day > 0 else length + 1 + day for day in rule.month_days})
    else:
        numbers = list(range(1, length + 1))
    days = [month.replace(day=number) for number in numbers if 1 <= number <= length]
    return [day for day in days if _suits(rule, day)]


def _suits(rule: RecurrenceRule, day: datetime) -> bool:
    """True if the day passes every part of the rule that names days."""
    if rule.months and day.month not in rule.months:
        return False
    if rule.month_days:
        length = monthrange(day.year, day.month)[1]
        if day.day not in rule.month_days and day.day - length - 1 not in rule.month_days:
            return False
    if rule.year_days:
        number = day.timetuple().tm_yday
        if number not in rule.year_days and number - _year_length(day.year) - 1 not in rule.year_days:
            return False
    if rule.weeks and not _in_weeks(rule, day):
        return False
    return not rule.weekdays or _is_weekday(rule, day)


def _is_weekday(rule: RecurrenceRule, day: datetime) -> bool:
    """True for a weekday of the rule, by its number in month or year where one is given."""
    for weekday, number in rule.weekdays:
        if day.weekday() != weekday:
            continue
        if not number or rule.frequency not in ("YEARLY", "MONTHLY") or rule.weeks:
            return True
        if rule.frequency == "MONTHLY" or rule.months:
            index, length = day.day - 1, monthrange(day.year, day.month)[1]
        else:
            index, length = day.timetuple().tm_yday - 1, _year_length(day.year)
        if number in (index // 7 + 1, -((length - 1 - index) // 7 + 1)):
            return True
    return False


def _in_weeks(rule: RecurrenceRule, day: datetime) -> bool:
    """True if the day lies in a week of the rule, a week belonging to the year that has most of it."""
    year = day.year
    if day < _first_week(year, rule.week_start):
        year -= 1
    elif year < MAXYEAR and day >= _first_week(year + 1, rule.week_start):
        year += 1
    first = _first_week(year, rule.week_start)
    count = 52
    if year < MAXYEAR:
        count = (_first_week(year + 1, rule.week_start) - first).days // 7
    index = (day - first).days // 7
    return index + 1 in rule.weeks or index - count in rule.weeks


def _first_week(year: int, week_start: int) -> datetime:
    fourth = datetime(year, 1, 4)  # noqa: DTZ001 - local time; always in the first week
    return fourth - ((fourth.weekday() - week_start) % 7) * _DAY


def _year_length(year: int) -> int:
    return 366 if monthrange(year, 2)[1] == 29 else 365
