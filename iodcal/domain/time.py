"""Instants as text: as people write them, and as files and JSON have them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from iodcal.domain.durations import parse_duration
from iodcal.domain.localtime import instant

_YEARS = range(1900, 3000)


EXAMPLES = "2026-11-22, '2026-11-22 15:00', 2026-11-22T15:00:00Z, 15:00 or +3h"


def parse_moment(text: str, now: datetime, zone: ZoneInfo, *, examples: str = EXAMPLES) -> datetime:
    """The UTC instant meant by `text`: an instant (`2026-11-22T15:00:00Z`), an offset from `now` (`+3h`,
    `-30m`), or a local time in `zone` (`2026-11-22 15:00`, or `15:00` of today). Raises ValueError, which
    names `examples`.
    """
    text = text.strip()
    try:
        moment = _offset(text, now) if text[:1] in ("+", "-") else _utc(text, now, zone, examples)
    except OverflowError:
        moment = None
    if moment is None or moment.year not in _YEARS:
        raise ValueError(f"{text!r} is too far away: times from {_YEARS[0]} to {_YEARS[-1]} are known")
    return moment


def moment(at: datetime | None) -> str | None:
    """An instant in UTC, to the second, as `2026-11-22T15:00:00Z`."""
    if at is None:
        return None
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def instant_of(text: str) -> datetime:
    """The UTC instant that ISO 8601 `text` means. Raises ValueError, also where it has no offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} is a time without an offset")
    return at.astimezone(UTC)


def next_like(moment: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """The naive local time in `zone` at which it is next the time of day of `moment` after `now` (both UTC):
    today or tomorrow, by the minute."""
    at = moment.astimezone(zone).time().replace(second=0, microsecond=0, fold=0)
    today = datetime.combine(now.astimezone(zone).date(), at)
    return today if instant(today, zone) > now else today + timedelta(days=1)


def _offset(text: str, now: datetime) -> datetime:
    offset = parse_duration(text[1:])
    return now + offset if text[0] == "+" else now - offset


def _utc(text: str, now: datetime, zone: ZoneInfo, examples: str) -> datetime:
    try:
        moment = _local(text, now, zone)
    except ValueError:
        raise ValueError(f"{text!r} is not a time such as {examples}") from None
    return moment.astimezone(UTC) if moment.tzinfo else instant(moment, zone)


def _local(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    if ":" in text and "-" not in text and "T" not in text:
        return datetime.combine(now.astimezone(zone).date(), time.fromisoformat(text))
    return datetime.fromisoformat(text)
