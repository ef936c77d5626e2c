"""From local time to instants.

A local time that does not exist (the clock goes forward) means the first instant after the gap; one that
occurs twice (the clock goes back) means the first.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.structs import Instant

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Interval(Struct, frozen=True, order=True):
    """Half open, in UTC: `start` belongs to it, `end` does not."""

    start: Instant
    end: Instant

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.end - self.start

    def overlaps(self, other: Interval) -> bool:
        return self.start < other.end and other.start < self.end


def whole_days(span: Interval) -> Interval:
    """The whole UTC days that `span` touches."""
    last = span.end - timedelta(microseconds=1)
    return Interval(_utc_midnight(span.start), _utc_midnight(last) + timedelta(days=1))


def _utc_midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def widened(span: Interval, before: timedelta, after: timedelta) -> Interval:
    """`span` from `before` its start until `after` its end, as far as years go (1 to 9999)."""
    start = span.start - before if span.start - _FIRST > before else _FIRST
    end = span.end + after if _LAST - span.end > after else _LAST
    return Interval(start, end)


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a naive local time in `zone`, by the two rules at the top of this module. In the
    first year and the last one, which mean "never", it is the local time itself."""
    if not 1 < local.year < _LAST.year:
        return local.replace(tzinfo=UTC)
    earlier = local.replace(tzinfo=zone, fold=0)
    utc = earlier.astimezone(UTC)
    if utc.astimezone(zone).replace(tzinfo=None) == local:
        return utc
    return _end_of_gap(local, zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The UTC instant at which `day` begins in `zone`."""
    return instant(datetime.combine(day, time()), zone)


@lru_cache(maxsize=1024)
def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    # Inside a gap fold=0 reads the clock by the offset before it, fold=1 by the offset after it. Read so,
    # the two instants stand on either side of the change; where the offset flips is the gap's end.
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
