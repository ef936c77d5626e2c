"""Time zones by any name that a calendar gives them, and zones that it defines itself.

A name counts in this order: what `zones` of the configuration says, an IANA name, the calendar's own
VTIMEZONE, and other names of which it is certain which zone they mean. Where a VTIMEZONE has such another
name and the known zone's rules, the known zone is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from iodcal.calendars.ics.document import Component
from iodcal.calendars.ics.recurrence import StepBudget, TooDenseError, expand, parse_rule
from iodcal.calendars.ics.zone_names import iana_zone, known_zone
from iodcal.calendars.ics.zones import DefinedZone, UnknownZoneError, Zone, offset_of
from iodcal.domain.localtime import Interval

_ONSET = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?)?Z?", re.IGNORECASE)
_BEFORE = timedelta(days=1200)  # so that the onsets before the range are among those worked out
_AFTER = timedelta(days=400)
_HOUR = timedelta(hours=1)


class Zones:
    """The zones of one VCALENDAR, found when they are asked for.

    `given` is what the configuration says that names mean; the zones that the calendar defines are worked
    out for the time around `window`.
    """

    def __init__(self, calendar: Component, window: Interval, given: Mapping[str, ZoneInfo]) -> None:
        self.utc: Zone = ZoneInfo("UTC")
        self.window = window
        self._given = {_plain(name): zone for name, zone in given.items()}
        self._definitions = {
            _plain(name): component
            for component in calendar.walk("VTIMEZONE")
            if (name := _property(component, "TZID"))
        }
        self._found: dict[str, Zone | None] = {}
        self.default = self._default(calendar)

    def named(self, name: str) -> Zone:
        """The zone called `name`. Raises UnknownZoneError."""
        if name not in self._found:
            self._found[name] = self._find(_plain(name))
        zone = self._found[name]
        if zone is None:
            raise UnknownZoneError(name)
        return zone

    def _default(self, calendar: Component) -> Zone | None:
        """The calendar's own zone for floating times, if it names one that is known."""
        for _, line in calendar.named("X-WR-TIMEZONE"):
            zone = self._find(_plain(line.partition(":")[2]))
            if zone is not None:
                return zone
        return None

    def _find(self, name: str) -> Zone | None:
        sure = self._given.get(name) or iana_zone(name)
        if sure is not None:
            return sure
        known, definition = known_zone(name), self._definitions.get(name)
        if definition is None:
            return known
        try:
            own = _defined(definition, self.window)
        except (ValueError, OverflowError, TooDenseError):
            return known or self._by_location(definition)
        return known if isinstance(known, ZoneInfo) and _agree(own, known, self.window) else own

    def _by_location(self, definition: Component) -> Zone | None:
        """What a damaged definition says that its zone is called elsewhere."""
        return iana_zone(_plain(_property(definition, "X-LIC-LOCATION")))


def _plain(name: str) -> str:
    """A zone's name without quotes, escapes and needless blanks, in one case."""
    return " ".join(name.replace("\\", "").replace('"', " ").split()).casefold()


def _property(component: Component, name: str) -> str:
    for _, line in component.named(name):
        return line.partition(":")[2] if ";" not in line.partition(":")[0] else line.rpartition(":")[2]
    return ""


def _defined(definition: Component, window: Interval) -> DefinedZone:
    """The zone of a VTIMEZONE around `window`. Raises ValueError."""
    around = Interval(
        max(window.start.replace(tzinfo=None), datetime.min + _BEFORE) - _BEFORE,  # noqa: DTZ901 - local
        min(window.end.replace(tzinfo=None), datetime.max - _AFTER) + _AFTER,  # noqa: DTZ901 - local
    )
    onsets: list[tuple[datetime, timedelta, timedelta]] = []
    for observance in definition.inner:
        if observance.name in ("STANDARD", "DAYLIGHT"):
            onsets.extend(_onsets(observance, around))
    if not onsets:
        raise ValueError("no observance")
    onsets.sort()
    return DefinedZone(onsets[0][1], [(at, offset) for at, _, offset in onsets])


def _onsets(observance: Component, around: Interval) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """When the observance begins: UTC times, with the offset before and from then on."""
    before = offset_of(_property(observance, "TZOFFSETFROM"))
    offset = offset_of(_property(observance, "TZOFFSETTO"))
    start = _onset(_property(observance, "DTSTART"))
    locals_ = {start}
    for _, line in observance.named("RRULE"):
        rule = parse_rule(line.partition(":")[2], start, lambda text: _until(text, before))
        locals_.update(expand(rule, start, first=around.start, last=around.end, budget=StepBudget()))
    for _, line in observance.named("RDATE"):
        locals_.update(_onset(part) for part in line.rpartition(":")[2].split(",") if part.strip())
    for local in locals_:
        at = local if local.year < 2 else local - before
        yield at, before, offset


def _until(text: str, before: timedelta) -> datetime:
    at = _onset(text)
    return at + before if text[-1:] in "zZ" else at


def _onset(text: str) -> datetime:
    found = _ONSET.fullmatch(text.strip().partition("/")[0])
    if found is None:
        raise ValueError("onset")
    year, *rest = (int(part or 0) for part in found.groups())
    return datetime(max(year, 1), *rest)  # type: ignore[arg-type]  # noqa: DTZ001 - six numbers, local


def _agree(own: DefinedZone, known: ZoneInfo, window: Interval) -> bool:
    """True if both say the same around `window`, hour by hour."""
    at = window.start - timedelta(days=40)
    end = min(window.end + timedelta(days=40), at + timedelta(days=500))
    while at < end:
        if at.astimezone(known).utcoffset() != own.offset_at(at.replace(tzinfo=None)):
            return False
        at += _HOUR
    return True
