"""A moment as people write it on a command line."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from iodcal.domain.durations import parse_duration
from iodcal.domain.localtime import instant


def parse_moment(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant meant by `text`: an instant (`2026-11-22T15:00:00Z`), an offset from `now` (`+3h`,
    `-30m`), or a local time in `zone` (`2026-11-22 15:00`, or `15:00` of today). Raises ValueError.
    """
    text = text.strip()
    if text[:1] in ("+", "-"):
        offset = parse_duration(text[1:])
        return now + offset if text[0] == "+" else now - offset
    try:
        moment = _local(text, now, zone)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a time such as 2026-11-22T15:00:00Z, '2026-11-22 15:00', 15:00 or +3h"
        ) from None
    return moment.astimezone(UTC) if moment.tzinfo else instant(moment, zone)


def _local(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    if ":" in text and "-" not in text and "T" not in text:
        return datetime.combine(now.astimezone(zone).date(), time.fromisoformat(text))
    return datetime.fromisoformat(text)
