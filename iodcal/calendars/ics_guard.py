"""Keeps a series from taking minutes to expand: a recurrence bomb, or a clock that ticks every second."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError

# Expanding this many occurrences takes about a second.
_MOST_OCCURRENCES = 300_000
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
    """Raises CalendarError where expanding the series up to `window.end` would go through too many steps.

    A rule that steps by weeks or more is counted by days: it makes at most one occurrence a day.
    """
    rules = component.get("RRULE")
    for rule in rules if isinstance(rules, list) else [rules] if rules else []:
        frequency = str(_first(rule, "FREQ", "")).upper()
        if frequency not in _SECONDS:
            raise CalendarError("ics_damaged", uid=uid)
        if _steps(rule, frequency, start, window) > _MOST_OCCURRENCES:
            raise CalendarError("ics_too_dense", uid=uid, limit=_MOST_OCCURRENCES)


def _steps(rule: Any, frequency: str, start: date, window: Interval) -> float:
    step = _SECONDS[frequency]
    interval = _first(rule, "INTERVAL", 1)
    if not isinstance(interval, int) or interval < 1 or (step == _SECONDS["WEEKLY"] and frequency != "DAILY"):
        interval = 1
    seconds = (window.end - _instant(start)).total_seconds()
    steps = max(0.0, seconds) / (step * interval)
    for name, unit in _MULTIPLIERS:
        listed = rule.get(name)
        if listed and step > unit:
            steps *= len(listed) if isinstance(listed, list) else 1
    count = _first(rule, "COUNT", None)
    return min(steps, count) if isinstance(count, int) else steps


def _first(rule: Any, name: str, default: Any) -> Any:
    value = rule.get(name, default)
    return value[0] if isinstance(value, list) and value else value


def _instant(start: date) -> datetime:
    if not isinstance(start, datetime):
        return datetime.combine(start, time(), UTC)
    return start if start.tzinfo is not None else start.replace(tzinfo=UTC)
