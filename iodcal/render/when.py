"""Times as people read them: local, and relative to now."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def local(at: datetime, zone: ZoneInfo) -> str:
    """`Tue 24 07:55` in `zone`."""
    return at.astimezone(zone).strftime("%a %d %H:%M")


def local_span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`07:40-08:20`, with the day where it ends on another one."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    pattern = "%H:%M" if first.date() == last.date() else "%a %d %H:%M"
    return f"{first:%H:%M}-{last.strftime(pattern)}"


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
