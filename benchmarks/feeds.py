"""How long an iCalendar feed takes to read, beside icalendar's bare parse of the same text, which expands
nothing: processor time, and the memory that a process needs for it beyond its imports."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct

from iodcal.domain.events import Source
from iodcal.domain.localtime import Interval

_WINDOW = Interval(datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC))
_ZONE = """\
BEGIN:VTIMEZONE
TZID:Eastern Standard Time
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""
_EVENT = """\
BEGIN:VEVENT
UID:040000008200E00074C5B7101A82E008{number:08d}
DTSTAMP:20260901T120000Z
SUMMARY:Meeting {number}
DESCRIPTION:An agenda that is longer than a line of seventy-five bytes and s
 o is folded once\\n
DTSTART;TZID={zone}:{day}T090000
DTEND;TZID={zone}:{day}T100000
{rule}ORGANIZER;CN=Pat Doe:mailto:pat@contoso.example
ATTENDEE;CN=Ines:mailto:ines@contoso.example
LOCATION:Aud 1
CLASS:PUBLIC
STATUS:CONFIRMED
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
END:VEVENT
"""


class Ratios(Struct, frozen=True):
    """Our figure over that of the bare parse; `seconds` of CPU are ours."""

    time: float
    memory: float
    seconds: float


def of_single_events(count: int = 20_000) -> Ratios:
    """A feed of single events, over a year, in an IANA zone."""
    return _compared("single", count)


def of_series(count: int = 2_000) -> Ratios:
    """A feed of weekly series, in the zone that Exchange defines in its feeds."""
    return _compared("series", count)


def _feed(kind: str, count: int) -> bytes:
    if kind == "single":
        days = (f"2026{1 + number % 12:02d}{1 + number % 28:02d}" for number in range(count))
        zone, rule, head = "America/New_York", "", ""
    else:
        days = ("20240102" for _ in range(count))
        zone, rule, head = "Eastern Standard Time", "RRULE:FREQ=WEEKLY;BYDAY=TU\n", _ZONE
    events = (_EVENT.format(number=number, zone=zone, rule=rule, day=day) for number, day in enumerate(days))
    body = f"VERSION:2.0\nPRODID:-//contoso.example//feeds//EN\n{head}{''.join(events)}"
    text = f"BEGIN:VCALENDAR\n{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def _compared(kind: str, count: int) -> Ratios:
    """Each in a process of its own, so that neither finds what the other left in memory."""
    ours, bare = (_measured(reader, kind, count) for reader in ("ours", "bare"))
    return Ratios(ours[0] / bare[0], ours[1] / bare[1], ours[0])


def _measured(reader: str, kind: str, count: int) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.feeds", reader, kind, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, kibibytes = map(float, done.stdout.split())
    return seconds, kibibytes


def _main(reader: str, kind: str, count: int) -> None:
    read = _ours() if reader == "ours" else _bare()
    content = _feed(kind, count)
    read(_feed(kind, 1))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    read(content)
    seconds = time.process_time() - started
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def _ours() -> Callable[[bytes], object]:
    from iodcal.calendars.ics.parse import parse_events

    return lambda content: parse_events(Source("feed", "feed", "feed"), content, _WINDOW)


def _bare() -> Callable[[bytes], object]:
    import icalendar

    return icalendar.Calendar.from_ical


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
