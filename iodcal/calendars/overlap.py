"""Which of the events that a server chose do concern the time that was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta

from iodcal.domain.events import Event, Span, SpoiledEvent, Timed
from iodcal.domain.localtime import Interval

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
    else:
        start, end = sorted((span.start.replace(tzinfo=UTC), span.end.replace(tzinfo=UTC)))
        first, last = start - _EARLIEST, end + _LATEST
    return first < window.end and last > window.start


def spoils(event: SpoiledEvent, window: Interval) -> bool:
    """True unless what cannot be understood lies certainly outside `window` (UTC)."""
    return event.span is None or (event.span.start < window.end and event.span.end > window.start)
