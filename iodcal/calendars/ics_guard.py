"""What a series is before it is expanded: never one that takes minutes (a recurrence bomb, a clock that ticks
every second), and never one that ends earlier than its writer meant."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any

from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError

# Going through this many occurrences takes about a second, and so does making these many into events.
_MOST_OCCURRENCES = 300_000
_MOST_AT_ONCE = 15_000
_SECONDS = {
    "SECONDLY": 1,
    "MINUTELY": 60,
    "HOURLY": 3600,
    "DAILY": 86_400,
    "WEEKLY": 86_400,
    "MONTHLY": 86_400,
    "YEARLY": 86_400,
}
# Lists that make occurrences inside one step, for rules that step by more than what they list.
_MULTIPLIERS = (("BYHOUR", 3600), ("BYMINUTE", 60), ("BYSECOND", 1))


def check_series(component: Any, start: date, window: Interval, uid: str) -> None:
    """Raises CalendarError where expanding the series up to `window.end` would go through too many steps, or
    where too many of them, each so long that it overlaps the next ones, would reach into the window.

    A rule that steps by weeks or more is counted by days: it makes at most one occurrence a day.
    """
    length = _length(component, start)
    # What ends before it starts is looked for as far behind the window as it runs backwards.
    ahead = window.end - _instant(start) + max(timedelta(), -length)
    overlapping = window.end - window.start + abs(length)
    rules = component.get("RRULE")
    for rule in rules if isinstance(rules, list) else [rules] if rules else []:
        frequency = str(_first(rule, "FREQ", "")).upper()
        if frequency not in _SECONDS:
            raise CalendarError("ics_damaged", uid=uid)
        if _interval(rule) < 1 or not _has_a_day(rule):
            raise CalendarError("ics_damaged", uid=uid)  # looked for up to the year 9999, or for ever
        if _steps(rule, frequency, ahead) > _MOST_OCCURRENCES:
            raise CalendarError("ics_too_dense", uid=uid, limit=_MOST_OCCURRENCES)
        if _steps(rule, frequency, min(ahead, overlapping)) > _MOST_AT_ONCE:
            raise CalendarError("ics_too_dense", uid=uid, limit=_MOST_AT_ONCE)


def _length(component: Any, start: date) -> timedelta:
    """From start to end; below zero where it ends before it starts."""
    end = component.get("DTEND")
    length = component.get("DURATION")
    try:
        return end.dt - start if end is not None else length.dt if length is not None else timedelta()
    except TypeError:
        return timedelta()  # a day and an instant: damaged, and told as that


def _steps(rule: Any, frequency: str, span: timedelta) -> float:
    """How many occurrences the rule makes in `span`, at most."""
    step = _SECONDS[frequency]
    by_days = step == _SECONDS["WEEKLY"] and frequency != "DAILY"
    interval = 1 if by_days else _interval(rule)
    steps = max(0.0, span.total_seconds()) / (step * interval)
    for name, unit in _MULTIPLIERS:
        listed = rule.get(name)
        if listed and step > unit:
            steps *= len(listed) if isinstance(listed, list) else 1
    count = _first(rule, "COUNT", None)
    return min(steps, count) if isinstance(count, int) else steps


def _interval(rule: Any) -> int:
    interval = _first(rule, "INTERVAL", 1)
    return interval if isinstance(interval, int) else 1


def _has_a_day(rule: Any) -> bool:
    """False for a rule whose days do not exist, such as the 30th of February."""
    days = _all(rule, "BYMONTHDAY")
    if not days:
        return True
    # 2024 is a leap year: it has every day that there is.
    lengths = [
        monthrange(2024, month)[1] for month in _all(rule, "BYMONTH") or range(1, 13) if 0 < month < 13
    ]
    return any(abs(day) <= length for day, length in product(days, lengths))


def settle_end(component: Any, start: date) -> None:
    """Gives a series whose UNTIL is a day, or a time without a zone, the instant that was meant: the end of
    the day, or the time in the zone of the series. Taken for UTC it would lose its last occurrence."""
    if not isinstance(start, datetime):
        return
    rules = component.get("RRULE")
    for rule in rules if isinstance(rules, list) else [rules] if rules else []:
        until = _first(rule, "UNTIL", None)
        if isinstance(until, date) and getattr(until, "tzinfo", None) is None:
            last = until if isinstance(until, datetime) else datetime.combine(until, time(23, 59, 59))
            rule["UNTIL"] = [
                last if start.tzinfo is None else last.replace(tzinfo=start.tzinfo).astimezone(UTC)
            ]


def _all(rule: Any, name: str) -> list[int]:
    values = rule.get(name) or []
    return [int(value) for value in (values if isinstance(values, list) else [values])]


def _first(rule: Any, name: str, default: Any) -> Any:
    value = rule.get(name, default)
    return value[0] if isinstance(value, list) and value else value


def _instant(start: date) -> datetime:
    if not isinstance(start, datetime):
        return datetime.combine(start, time(), UTC)
    return start if start.tzinfo is not None else start.replace(tzinfo=UTC)
