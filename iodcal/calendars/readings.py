"""What every reader of a calendar needs: overlaps with a range, what could not be read, local files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, timedelta
from pathlib import Path

from iodcal.bounds import read_bytes
from iodcal.domain.events import Event, Span, SpoiledEvent, Timed
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import Fact
from iodcal.errors import CalendarError, IodcalError

# Local midnight comes first at UTC+14 (Kiribati) and last at UTC-12.
_EARLIEST = timedelta(hours=14)
_LATEST = timedelta(hours=12)


def divided(events: Iterable[Event], window: Interval) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """The events that may overlap `window`, and the others."""
    inside: list[Event] = []
    elsewhere: list[Event] = []
    for event in events:
        (inside if may_overlap(event.span, window) else elsewhere).append(event)
    return tuple(inside), tuple(elsewhere)


def may_overlap(span: Span, window: Interval) -> bool:
    """True if `span` overlaps `window` (half open, UTC), for a floating one in any zone of the world.

    A span that ends before it starts counts as if it were turned round, so that its fault is seen.
    """
    if isinstance(span, Timed):
        first, last = sorted((span.start, span.end))
        return first < window.end and last > window.start
    first, last = sorted((span.start.replace(tzinfo=UTC), span.end.replace(tzinfo=UTC)))
    return first < window.end + _EARLIEST and last > window.start - _LATEST


def spoils(event: SpoiledEvent, window: Interval) -> bool:
    """True unless what cannot be understood lies certainly outside `window` (UTC)."""
    return event.span is None or (event.span.start < window.end and event.span.end > window.start)


def unread(error: IodcalError, **facts: Fact) -> CalendarError:
    """An HttpError or AnswerError as a CalendarError of the same code; `facts` are added to its own.

    Every fact that the words of its code use is there.
    """
    told: dict[str, Fact] = {**error.facts, **facts}
    told["reason"] = told.get("reason") or "no reason given"
    told["host"] = told.get("host") or "the server"
    return CalendarError(error.code, **told)


_ADDRESS = re.compile(r"\b(?:https?|webcals?|feeds?):/", re.IGNORECASE)


def read_file(path: Path, most_bytes: int, *, shown: str | None = None) -> bytes:
    """The content of `path`, which errors call `shown`. Raises CalendarError (`file_unreadable`,
    `file_too_large`, `file_is_address`)."""
    if _ADDRESS.search(str(path)):
        raise CalendarError("file_is_address")
    name = shown or str(path)
    try:
        content = read_bytes(path, most_bytes + 1)
    except OSError as error:
        raise CalendarError("file_unreadable", file=name, reason=error.strerror) from None
    if len(content) > most_bytes:
        raise CalendarError("file_too_large", file=name, limit=most_bytes)
    return content
