"""Finds the words of an edge's fault by its code."""

from __future__ import annotations

from iodcal.problems.kinds import Kind
from iodcal.words import Words
from iodcal.words.calendars import CALENDARS
from iodcal.words.carriers import CARRIERS
from iodcal.words.files import FILES

_UNKNOWN = Words("something went wrong ({code})", "run again with -v")


def words_of(code: str, kind: Kind) -> Words:
    """The words for `code`, as an edge of that kind of problem uses it."""
    of_calendar = kind in (Kind.CALENDAR_UNREADABLE, Kind.EVENT_UNREADABLE)
    tables = (CALENDARS, FILES) if of_calendar else (CARRIERS, FILES)
    for table in tables:
        if code in table:
            return table[code]
    return _UNKNOWN
