"""Times as people read them: local, and relative to now."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def local(at: datetime, zone: ZoneInfo) -> str:
    """`Tue 24 07:55` in `zone`."""
    return at.astimezone(zone).strftime("%a %d %H:%M")


def local_named(at: datetime, zone: ZoneInfo, home: ZoneInfo) -> str:
    """`Tue 24 07:55` where `zone` is `home`, which a heading names, else `Tue 24 14:55 GMT`. Where both have
    one abbreviation for different times, as Chicago and China have, the distance from UTC stands for it."""
    here, there = at.astimezone(zone), at.astimezone(home)
    if zone.key == home.key:
        return local(at, zone)
    alike = here.tzname() == there.tzname() and here.utcoffset() != there.utcoffset()
    return f"{local(at, zone)} {here:UTC%z}" if alike else f"{local(at, zone)} {here:%Z}"


def local_span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`07:40-08:20`, with the day where it ends on another one."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    pattern = "%H:%M" if first.date() == last.date() else "%a %d %H:%M"
    return f"{first:%H:%M}-{last.strftime(pattern)}"


def span_with_zone(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`07:40-08:20 MST`, for lines that stand by themselves."""
    first, last = f"{start.astimezone(zone):%Z}", f"{end.astimezone(zone):%Z}"
    name = last if first == last else f"{first}/{last}"
    return f"{local_span(start, end, zone)} {name}"


def with_zone(at: datetime, zone: ZoneInfo) -> str:
    """`Tue 24 Nov 2026 07:55 MST`."""
    return at.astimezone(zone).strftime("%a %d %b %Y %H:%M %Z")


def relative(at: datetime, now: datetime) -> str:
    """`now`, `in 12 min`, `3 h ago`."""
    distance = at - now
    if abs(distance) < timedelta(minutes=1):
        return "now"
    text = rough(abs(distance))
    return f"in {text}" if distance > timedelta() else f"{text} ago"


def rough(length: timedelta) -> str:
    """A length in the unit that fits it."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return f"{int(length.total_seconds())} s"
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"
