"""Time zones: those of the IANA database, and those that a calendar defines itself."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from iodcal.domain.localtime import instant

_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?")
_LONGEST_OFFSET = timedelta(hours=24)


class UnknownZoneError(ValueError):
    """Nobody knows which zone `name` means."""

    def __init__(self, name: str) -> None:
        super().__init__("unknown zone")
        self.name = name[:80]


class DefinedZone:
    """A zone as a VTIMEZONE defines it: the offsets from UTC, and the UTC times at which they begin."""

    def __init__(self, first: timedelta, onsets: Iterable[tuple[datetime, timedelta]] = ()) -> None:
        changes = sorted(onsets)
        self._onsets = [at for at, _ in changes]
        self._offsets = [first, *(offset for _, offset in changes)]

    def offset_at(self, utc: datetime) -> timedelta:
        """The offset at the time `utc` (UTC, naive)."""
        return self._offsets[bisect_right(self._onsets, utc)]

    def instant(self, local: datetime) -> datetime:
        """The UTC instant of a naive local time: see `iodcal.domain.localtime`."""
        low = bisect_right(self._onsets, local - _LONGEST_OFFSET)
        high = bisect_right(self._onsets, local + _LONGEST_OFFSET)
        read = sorted(local - offset for offset in self._offsets[low : high + 1])
        for utc in read:
            if utc + self.offset_at(utc) == local:
                return utc.replace(tzinfo=UTC)
        gaps = (at for at in self._onsets[low:high] if read[0] <= at <= read[-1])
        return next(gaps, read[0]).replace(tzinfo=UTC)

    def local(self, utc: datetime) -> datetime:
        """The naive local time of a UTC instant."""
        utc = utc.replace(tzinfo=None)
        return utc + self.offset_at(utc)


Zone: TypeAlias = ZoneInfo | DefinedZone


def instant_in(zone: Zone, local: datetime) -> datetime:
    """The UTC instant of a naive local time; where years end (1 and 9999), the local time itself."""
    if not 1 < local.year < MAXYEAR:
        return local.replace(tzinfo=UTC)
    return zone.instant(local) if isinstance(zone, DefinedZone) else instant(local, zone)


def local_in(zone: Zone, utc: datetime) -> datetime:
    """The naive local time of a UTC instant."""
    if not 1 < utc.year < MAXYEAR:
        return utc.replace(tzinfo=None)
    return zone.local(utc) if isinstance(zone, DefinedZone) else utc.astimezone(zone).replace(tzinfo=None)


def offset_of(text: str) -> timedelta:
    """A UTC-OFFSET such as `-0530`. Raises ValueError."""
    found = _OFFSET.fullmatch(text.strip())
    if found is None:
        raise ValueError("offset")
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if minutes > 59 or seconds > 59 or offset >= _LONGEST_OFFSET:
        raise ValueError("offset")
    return -offset if found.group(1) == "-" else offset
