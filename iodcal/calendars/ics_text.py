"""From the bytes of an iCalendar file to its calendars, parsed one by one.

RFC 5545 wants UTF-8 and lines of 75 bytes; what servers and people save is less regular.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import icalendar
from icalendar.timezone import tzp

from iodcal.errors import CalendarError

_FOLD = re.compile(rb"(?:\r\n|\n|\r)[ \t]")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_OBJECT = re.compile(r"^(?=BEGIN:VCALENDAR[ \t]*$)", re.IGNORECASE | re.MULTILINE)
# icalendar keeps the zones that files define in one place for the whole process.
_zones = threading.Lock()


def parse_calendars(content: bytes) -> list[Any]:
    """The VCALENDAR objects in `content`. Raises CalendarError (`not_ics`, `ics_truncated`,
    `ics_free_busy`), and whatever icalendar raises where a file is damaged."""
    trimmed = _text(content).strip()
    if not trimmed[:15].upper().startswith("BEGIN:VCALENDAR"):
        raise CalendarError("not_ics", first_words=_first_words(trimmed))
    if not trimmed[-13:].upper().endswith("END:VCALENDAR"):
        raise CalendarError("ics_truncated")
    return [calendar for text in _OBJECT.split(trimmed) if text for calendar in _parsed(text)]


def _parsed(text: str) -> list[Any]:
    """A zone that a calendar defines is that calendar's own: many call theirs "Customized Time Zone", and the
    first to be read would lend its hours to all."""
    with _zones:
        tzp.use_zoneinfo()  # forgets the zones of others
        calendars = list(icalendar.Calendar.from_ical(text, multiple=True))
    if any(calendar.walk("VFREEBUSY") and not calendar.walk("VEVENT") for calendar in calendars):
        raise CalendarError("ics_free_busy")  # an empty calendar would be something else
    return calendars


def _text(content: bytes) -> str:
    """Lines are joined before they are decoded: some writers fold in the middle of a letter."""
    lines = _LINE_END.split(_FOLD.sub(b"", content))
    return "\n".join(_decoded(lines)).removeprefix("\ufeff")


def _decoded(lines: list[bytes]) -> Iterator[str]:
    """Each line as UTF-8, and one that is not in the encoding that Windows and the web mean by Latin-1: a
    keyword with an accent is to be found in it."""
    for line in lines:
        try:
            yield line.decode()
        except UnicodeDecodeError:
            yield line.decode("cp1252", errors="replace")


def _first_words(text: str) -> str:
    shown = "".join(character for character in text[:200] if character.isprintable())
    return shown[:80] or "nothing at all"
