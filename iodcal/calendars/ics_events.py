"""From iCalendar text to events: recurrences expanded, exceptions and cancelled instances included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import icalendar
import recurring_ical_events

from iodcal.calendars.ics_guard import check_series, settle_end
from iodcal.calendars.ics_series import series_of
from iodcal.calendars.ics_text import parse_calendars
from iodcal.domain.events import PRIVATE_SENSITIVITIES, Event, Floating, Source, Span, Timed
from iodcal.domain.localtime import Interval, instant
from iodcal.domain.values import replace
from iodcal.errors import CalendarError
from iodcal.http import Deadline

_MOST_EVENTS = 20_000
# Floating times may lie this far off in some circuit's zone.
_MARGIN = timedelta(hours=26)
_SHOW_AS = {"FREE": "free", "TENTATIVE": "tentative", "BUSY": "busy", "OOF": "oof"}
_ONLINE = ("X-MICROSOFT-SKYPETEAMSMEETINGURL", "X-GOOGLE-CONFERENCE", "CONFERENCE")
# What the two libraries raise, undocumented, where a file is damaged in ways that they do not expect.
_DAMAGE = (
    *(ValueError, KeyError, IndexError, TypeError, AttributeError),
    *(OverflowError, RecursionError, NotImplementedError),
    OSError,  # a zone named like a folder of zones: "America"
)
_TIMES = ("DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE")
# Properties without which, or with which misread, an event would be another one. None is a line that could
# be any of them.
_NEEDED = frozenset(
    {None, *_TIMES, "UID", "DURATION", "RRULE", "STATUS", "SUMMARY", "CLASS", "ORGANIZER", "ATTENDEE"}
    | {"LOCATION", "CATEGORIES", "TRANSP"}
)


def parse_events(
    source: Source, content: bytes, window: Interval, deadline: Deadline | None = None
) -> tuple[Event, ...]:
    """Every event in `content` that may overlap `window` (UTC) in some zone, and some around it.

    One that cannot be understood makes the whole content unreadable: a short list is never an answer.
    Raises CalendarError, also where the series take longer than `deadline` to expand.
    """
    try:
        calendars = parse_calendars(content)
        found = (event for one in calendars for event in _events(source, one, window, deadline))
        events = list(islice(found, _MOST_EVENTS + 1))
    except _DAMAGE:
        raise CalendarError("ics_damaged", uid="?") from None
    if len(events) > _MOST_EVENTS:
        raise CalendarError("too_many_events", limit=_MOST_EVENTS)
    return tuple(_with_own_ids(events))


def _events(source: Source, calendar: Any, window: Interval, deadline: Deadline | None) -> Iterator[Event]:
    zone = _default_zone(calendar)
    backwards: dict[str, bool] = {}  # by identity; that of a series is its UID alone
    for component in calendar.walk("VEVENT"):
        _check(component, window)
        turned = _ends_before_start(component)
        backwards[_identity(component)] = turned and backwards.get(_identity(component), True)
    cancelled = str(calendar.get("METHOD", "")).upper() == "CANCEL"
    for occurrence in _expand(calendar, window, deadline):
        series = backwards.get(f"{_uid(occurrence)}/", False)
        turned = backwards.get(_identity(occurrence), series)
        yield _event(source, occurrence, zone, cancelled=cancelled, backwards=turned)


def _default_zone(calendar: Any) -> ZoneInfo | None:
    """The calendar's own zone for floating times. The library would move zoned ones to it as well, and
    lose exceptions on the way; so it must not see it."""
    name = calendar.pop("X-WR-TIMEZONE", None)
    if not name:
        return None
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _check(component: Any, window: Interval) -> None:
    """Raises CalendarError for an event that the library would pass over, misread or never finish."""
    uid = _uid(component)
    if any(name in _NEEDED for name, _ in component.errors):
        raise CalendarError("ics_damaged", uid=uid)
    try:
        start = component["DTSTART"].dt
        for name in _TIMES:
            _check_zone(component, name, uid)
    except (KeyError, AttributeError, ValueError):
        raise CalendarError("ics_damaged", uid=uid) from None
    check_series(component, start, window, uid)
    settle_end(component, start)


def _check_zone(component: Any, name: str, uid: str) -> None:
    """A time in a zone that nobody knows would silently count as floating."""
    properties = component.get(name)
    for one in properties if isinstance(properties, list) else [properties] if properties else []:
        zone = one.params.get("TZID")
        times = [value.dt for value in one.dts] if hasattr(one, "dts") else [one.dt]
        if zone and any(isinstance(at, datetime) and at.tzinfo is None for at in times):
            raise CalendarError("ics_unknown_zone", uid=uid, zone=str(zone)[:80])


def _ends_before_start(component: Any) -> bool:
    end, length = component.get("DTEND"), component.get("DURATION")
    if end is None:
        return length is not None and bool(length.dt < timedelta())
    try:
        return bool(end.dt < component["DTSTART"].dt)
    except TypeError:
        raise CalendarError("ics_damaged", uid=_uid(component)) from None


def _expand(calendar: Any, window: Interval, deadline: Deadline | None) -> Iterator[Any]:
    """The occurrences, one series after the other, so that a look at the clock fits in between."""
    series = series_of(calendar.walk("VEVENT"))
    for components in series:
        if deadline is not None and deadline.passed:
            raise CalendarError("ics_too_slow", series=len(series))
        yield from _occurrences(components, window)


def _occurrences(components: Iterable[Any], window: Interval) -> list[Any]:
    alone = icalendar.Calendar()
    for component in components:
        alone.add_component(component)
    query = recurring_ical_events.of(alone, components=["VEVENT"])
    return list(query.between(window.start - _MARGIN, window.end + _MARGIN))


def _event(source: Source, item: Any, zone: ZoneInfo | None, *, cancelled: bool, backwards: bool) -> Event:
    start, end = item["DTSTART"].dt, item["DTEND"].dt
    span = _span(start, end, zone)
    if backwards:  # the library has turned it round
        span = type(span)(span.end, span.start)
    return Event(
        source=source,
        id=_identity(item),
        uid=_uid(item),
        span=span,
        subject=_text(item, "SUMMARY"),
        organizer=_address(item.get("ORGANIZER")),
        locations=tuple(text for text in [_text(item, "LOCATION")] if text),
        categories=_categories(item),
        show_as=_show_as(item),
        sensitivity=_sensitivity(item),
        attendees=_attendees(item),
        online_meeting=any(item.get(name) for name in _ONLINE),
        all_day=not isinstance(start, datetime),
        cancelled=cancelled or _text(item, "STATUS").upper() == "CANCELLED",
    )


def _span(start: date, end: date, zone: ZoneInfo | None) -> Span:
    first, last = _moment(start), _moment(end)
    if first.tzinfo is None or last.tzinfo is None:
        if zone is None or not isinstance(start, datetime):
            return Floating(first.replace(tzinfo=None), last.replace(tzinfo=None))
        return Timed(instant(first.replace(tzinfo=None), zone), instant(last.replace(tzinfo=None), zone))
    return Timed(_utc(first), _utc(last))


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001 - floating


def _utc(at: datetime) -> datetime:
    if isinstance(at.tzinfo, ZoneInfo):
        return instant(at.replace(tzinfo=None), at.tzinfo)
    return at.astimezone(UTC)


def _uid(item: Any) -> str:
    return _text(item, "UID")[:255]


def _identity(item: Any) -> str:
    """UID and, for an occurrence, the start that its series planned for it: it stays when it is moved."""
    planned = item.get("RECURRENCE-ID")
    original = planned.dt.isoformat() if planned is not None else ""
    return f"{_uid(item)}/{original}"


def _with_own_ids(events: list[Event]) -> Iterator[Event]:
    # Occurrences after a change of "this and following" share one identity: their starts tell them apart.
    counts = Counter(event.id for event in events)
    for event in events:
        yield event if counts[event.id] == 1 else _renamed(event)


def _renamed(event: Event) -> Event:
    return replace(event, id=f"{event.id}/{event.span.start.isoformat()}")


def _text(item: Any, name: str) -> str:
    value = item.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    return str(value) if value is not None else ""


def _address(organizer: Any) -> str | None:
    text = str(organizer[0] if isinstance(organizer, list) else organizer or "").strip()
    text = text[len("mailto:") :] if text.casefold().startswith("mailto:") else text
    return text or None


def _categories(item: Any) -> tuple[str, ...]:
    value = item.get("CATEGORIES")
    groups = value if isinstance(value, list) else [value] if value is not None else []
    return tuple(str(category) for group in groups for category in getattr(group, "cats", [group]))


def _sensitivity(item: Any) -> str:
    word = _text(item, "CLASS").casefold()
    if word in ("", "public"):
        return "normal"
    # RFC 5545, 3.8.1.3: what is not known counts as private.
    return word if word in PRIVATE_SENSITIVITIES else "private"


def _show_as(item: Any) -> str:
    word = _text(item, "X-MICROSOFT-CDO-BUSYSTATUS").upper()
    if word:
        return _SHOW_AS.get(word, word.casefold())
    return "free" if _text(item, "TRANSP").upper() == "TRANSPARENT" else "busy"


def _attendees(item: Any) -> int | None:
    value = item.get("ATTENDEE")
    return None if value is None else len(value) if isinstance(value, list) else 1
