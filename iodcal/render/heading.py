"""The first line of what people are shown: what time it is about.

It is written before calendars are read, and before anything is loaded that takes long, so without rich.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from iodcal.render.text import for_line
from iodcal.render.when import rough, with_zone

_BOLD, _DIM, _LOUD = "1", "2", "1;7"
_TRIAL = "An event that does not exist, tried on today's rules; nothing was read"
_TEST = "TEST environment: no production circuit is changed"


def is_plain(stream: IO[str], *, no_color: bool) -> bool:
    """True where text on `stream` has no colour and no weight: where that was asked for (`no_color`,
    `NO_COLOR`, `TERM=dumb`), and off a terminal."""
    asked_for = no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return asked_for or not stream.isatty()


def plan_heading(
    now: datetime, zone: ZoneInfo | None, ahead: timedelta, *, cached: bool, test: bool, plain: bool
) -> str:
    """When a plan begins and how far it goes; a test environment is named first. `zone` is None where there
    is no circuit."""
    begin = with_zone(now, zone) if zone else f"{now:%a %d %b %Y %H:%M} UTC"
    source = ", from the last run's readings" if cached else ""
    warning = f"{_painted(_TEST, _LOUD, plain)}\n" if test else ""
    return f"{warning}{_painted(begin, _BOLD, plain)}, {rough(ahead)} ahead{source}\n"


def report_heading(start: datetime, end: datetime, zone: ZoneInfo, *, plain: bool) -> str:
    """The time that a report looks back on."""
    return f"{_painted(f'From {with_zone(start, zone)} to {with_zone(end, zone)}', _DIM, plain)}\n"


def trial_heading(*, plain: bool) -> str:
    """That nothing is behind what is said of an event."""
    return f"{_painted(_TRIAL, _BOLD, plain)}\n"


def simulation_heading(start: datetime, end: datetime, zone: ZoneInfo, *, plain: bool) -> str:
    """The time that is played."""
    first, last = (_painted(with_zone(at, zone), _BOLD, plain) for at in (start, end))
    return f"simulated {first} to {last}\n"


def doctor_heading(now: datetime, zone: ZoneInfo, path: Path, *, plain: bool) -> str:
    """When which rules file was examined."""
    return f"{_painted(with_zone(now, zone), _BOLD, plain)}, {for_line(str(path))}\n"


def history_heading(zone: ZoneInfo, *, plain: bool) -> str:
    """Whose times a history shows."""
    return f"{_painted(f'times are those of {zone.key}', _DIM, plain)}\n"


def _painted(text: str, code: str, plain: bool) -> str:
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"
