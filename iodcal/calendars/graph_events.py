"""From a calendarView answer of Microsoft Graph to events.

What the properties mean: learn.microsoft.com/graph/api/resources/event and .../resources/datetimetimezone.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

from iodcal.calendars.json_values import JsonObject, wrong
from iodcal.domain.events import Event, Floating, Source, Span, Timed
from iodcal.errors import CalendarError

PROPERTIES = (
    "id",
    "iCalUId",
    "subject",
    "start",
    "end",
    "isAllDay",
    "isCancelled",
    "showAs",
    "sensitivity",
    "categories",
    "location",
    "locations",
    "organizer",
    "responseStatus",
    "isOnlineMeeting",
)
"""The properties that are needed of every event; `attendees` only by rules that count them."""

_UTC_NAMES = frozenset({"utc", "etc/utc", "etc/gmt"})

# Graph writes seven digits of a second, datetime holds six.
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?Z?)?", re.ASCII)

# OData's versions, and how much of itself an answer is to tell, decide how this is written. Left unread it
# would make a short list of a long one.
_NEXT = frozenset({"@odata.nextlink", "odata.nextlink", "@nextlink", "nextlink"})

# The years that Exchange itself can hold; outside of them nobody means an event.
_YEARS = range(1601, 4501)


def parse_page(source: Source, document: object) -> tuple[tuple[Event, ...], str | None]:
    """The events of one page (`document` is its JSON) and the address of the next page, None on the last.

    Raises CalendarError (`answer_wrong`, `not_expanded`) where a single one is malformed: a page that is
    half understood would be a short list.
    """
    page = JsonObject(document)
    if page.has("error"):  # Graph has been seen to break off a page so, with status 200
        raise CalendarError("answer_wrong", property="error", wanted="nothing", found="there")
    if not page.has("value"):
        raise wrong("value", "a list", None)
    following = next_page(page)
    return tuple(_event(source, item) for item in page.objects("value")), following


def next_page(page: JsonObject) -> str | None:
    """The address of the next page, None on the last. Raises CalendarError (`answer_wrong`)."""
    names = page.spelt(_NEXT)
    links = {page.text(name) for name in names}
    if "" in links:
        raise CalendarError("answer_wrong", property=names[0], wanted="an address", found="an empty text")
    if len(links) > 1:
        raise CalendarError("answer_wrong", property=names[0], wanted="one address", found="two")
    return links.pop() if links else None


def event_from(source: Source, document: object) -> Event:
    """One event. Raises CalendarError as `parse_page` does."""
    return _event(source, JsonObject(document, "event"))


def _event(source: Source, item: JsonObject) -> Event:
    if item.text("type").casefold() == "seriesmaster":
        raise CalendarError("not_expanded", property=item.path("type"))
    all_day = item.flag("isAllDay")
    start, end = _time(item, "start", all_day=all_day), _time(item, "end", all_day=all_day)
    span: Span = Floating(start, end) if all_day else Timed(start, end)
    uid, subject = item.text("iCalUId"), item.text("subject")
    return Event(
        source=source,
        id=item.text("id") or _derived_id(uid, subject, span),
        uid=uid,
        span=span,
        subject=subject,
        organizer=item.object("organizer").object("emailAddress").text("address") or None,
        locations=_locations(item),
        categories=item.texts("categories"),
        show_as=item.text("showAs") or "busy",
        sensitivity=item.text("sensitivity") or "normal",
        attendees=_attendees(item),
        online_meeting=item.flag("isOnlineMeeting"),
        all_day=all_day,
        cancelled=item.flag("isCancelled"),
        declined=item.object("responseStatus").text("response").casefold() == "declined",
    )


def _time(item: JsonObject, name: str, *, all_day: bool) -> datetime:
    """For a timed event the instant; for an all-day one the naive midnight, as its zone says nothing."""
    given = item.object(name)
    found = _TIME.fullmatch(given.text("dateTime"))
    try:
        day = datetime.fromisoformat(found[1]) if found else None
        local = datetime.fromisoformat(f"{found[1]}T{found[2]}") if found and found[2] else day
    except ValueError:
        day = local = None
    if found is None or day is None or local is None or day.year not in _YEARS:
        raise CalendarError(
            "answer_wrong", property=given.path("dateTime"), wanted="a time", found="something else"
        )
    if all_day:
        return day
    if given.text("timeZone").casefold() not in _UTC_NAMES:
        raise CalendarError("answer_wrong", property=given.path("timeZone"), wanted="UTC", found="another")
    return local.replace(microsecond=int((found[3] or "").ljust(6, "0")), tzinfo=UTC)


def _locations(item: JsonObject) -> tuple[str, ...]:
    places = (item.object("location"), *item.objects("locations"))
    return tuple(dict.fromkeys(name for place in places if (name := place.text("displayName"))))


def _attendees(item: JsonObject) -> int | None:
    """How many people are invited; rooms and equipment are not people. None where it was not asked for."""
    if not item.has("attendees"):
        return None
    return sum(attendee.text("type").casefold() != "resource" for attendee in item.objects("attendees"))


def _derived_id(uid: str, subject: str, span: Span) -> str:
    # Graph has been seen to send an empty id; the event must still be told from others of its source.
    told = "\0".join((uid, subject, span.start.isoformat(), span.end.isoformat()))
    return "derived-" + hashlib.sha256(told.encode()).hexdigest()[:32]
