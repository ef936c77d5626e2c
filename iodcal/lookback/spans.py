"""Days and months as people write them, and where local months begin."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from iodcal.domain.localtime import Interval, midnight
from iodcal.domain.moments import EXAMPLES, parse_moment

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


def parse_day(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant at which the month `2026-11` begins in `zone`; anything else as `parse_moment` reads
    it. Raises ValueError."""
    found = _MONTH.fullmatch(text.strip())
    if found is None or found[1] == "0000":
        return parse_moment(text, now, zone, examples=f"2026-11, {EXAMPLES}")
    return midnight(date(int(found[1]), int(found[2]), 1), zone)


def month_start(at: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant at which the local month of `at` began."""
    return midnight(at.astimezone(zone).date().replace(day=1), zone)


def month_begins(over: Interval, zone: ZoneInfo) -> list[datetime]:
    """The UTC instants at which local months begin, from that of `over.start` on."""
    begins: list[datetime] = []
    day = over.start.astimezone(zone).date().replace(day=1)
    while midnight(day, zone) < over.end:
        begins.append(midnight(day, zone))
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return begins
