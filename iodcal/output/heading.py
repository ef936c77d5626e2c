"""What is shown without rich: the first line of a result, which says what time it is about, and `check`'s.

The first line is written before calendars are read, and before anything is loaded that takes long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from iodcal.messages import counted
from iodcal.output.text import BOLD, DIM, LOUD, for_line, painted, rough, with_zone

if TYPE_CHECKING:
    from iodcal.config import Configuration
    from iodcal.errors import Fault

_TRIAL = "An event that does not exist, tried on today's rules; nothing was read"
_TEST = "TEST environment: no production circuit is changed"


def plan_heading(
    now: datetime, zone: ZoneInfo | None, ahead: timedelta, *, cached: bool, test: bool, plain: bool
) -> str:
    """When a plan begins and how far it goes; a test environment is named first. `zone` is None where there
    is no circuit."""
    begin = with_zone(now, zone) if zone else f"{now:%a %d %b %Y %H:%M} UTC"
    source = ", from the last run's readings" if cached else ""
    warning = f"{painted(_TEST, LOUD, plain=plain)}\n" if test else ""
    return f"{warning}{painted(begin, BOLD, plain=plain)}, {rough(ahead)} ahead{source}\n"


def report_heading(start: datetime, end: datetime, zone: ZoneInfo, *, plain: bool) -> str:
    """The time that a report looks back on."""
    return f"{painted(f'From {with_zone(start, zone)} to {with_zone(end, zone)}', DIM, plain=plain)}\n"


def trial_heading(*, plain: bool) -> str:
    """That nothing is behind what is said of an event."""
    return f"{painted(_TRIAL, BOLD, plain=plain)}\n"


def simulation_heading(start: datetime, end: datetime, zone: ZoneInfo, *, plain: bool) -> str:
    """The time that is played."""
    first, last = (painted(with_zone(at, zone), BOLD, plain=plain) for at in (start, end))
    return f"simulated {first} to {last}\n"


def doctor_heading(now: datetime, zone: ZoneInfo, path: Path, *, plain: bool) -> str:
    """When which rules file was examined."""
    return f"{painted(with_zone(now, zone), BOLD, plain=plain)}, {for_line(str(path))}\n"


def history_heading(zone: ZoneInfo, *, plain: bool) -> str:
    """Whose times a history shows."""
    return f"{painted(f'times are those of {zone.key}', DIM, plain=plain)}\n"


def warning_lines(warnings: Iterable[Fault], *, plain: bool) -> Iterator[str]:
    """A line for each warning."""
    for warning in warnings:
        yield f"{painted('warning: ', BOLD, plain=plain)}{for_line(str(warning))}"


def summary(path: Path, configuration: Configuration, warnings: int) -> str:
    """What the file amounts to, which `path` names as faults do; with the number of its warnings."""
    counts = [
        counted(len(configuration.calendars), "calendar"),
        counted(len(configuration.circuits), "circuit"),
        counted(len(configuration.rules), "rule"),
    ]
    doubts = counted(warnings, "warning") if warnings else "no warnings"
    return f"{for_line(str(path))}: {', '.join(counts)}; no errors, {doubts}"
