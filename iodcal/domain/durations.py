"""Lengths of time as people write them: `90m`, `1h30m`, `2d`. Light, since `iodcal --help` loads it."""

from __future__ import annotations

import re
from datetime import timedelta

_TEXT = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Reads days, hours, minutes and seconds, in that order, each at most once; `0m` is allowed.

    Raises ValueError for anything else.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is not a duration such as 90m, 1h30m or 2d")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def format_duration(length: timedelta) -> str:
    """The shortest text that `parse_duration` reads back as the same length, to the second."""
    rest = int(length.total_seconds())
    parts = []
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0m"


# Beyond them a step of some days more leaves what a datetime can hold.
