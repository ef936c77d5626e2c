"""From a calendarView answer of Microsoft Graph to events.

What the properties mean: learn.microsoft.com/graph/api/resources/event and .../resources/datetimetimezone.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta

from iodcal.calendars.json_values import JsonObject, wrong
from iodcal.config.microsoft365 import MOST_ATTENDEES
from iodcal.domain.events import Event, Floating, Source, Span, SpoiledEvent, Timed
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from iodcal.http.answers import printable

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
"""The properties that are needed of every event."""

COUNTED = ("attendees", "hideAttendees")
"""The properties that are needed by rules that count attendees; they are what makes pages heavy."""

_MIDNIGHT = time()
_DAY = timedelta(days=1)

# Local midnight comes first at UTC+14 (Kiribati) and last at UTC-12.
_ZONES = (timedelta(hours=14), timedelta(hours=12))

_UTC_NAMES = frozenset({"utc", "etc/utc", "etc/gmt"})

# Graph writes seven digits of a second, datetime holds six.
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?Z?)?", re.ASCII)

# How Exchange marks the kind of an address: internet mail, or one of its own directory.
_ADDRESS_TYPE = re.compile(r"^(smtp|ex|mailto):", re.IGNORECASE)

# OData's versions, and how much of itself an answer is to tell, decide how this is written. Left unread it
# would make a short list of a long one.
_NEXT = frozenset({"@odata.nextlink", "odata.nextlink", "@nextlink", "nextlink"})

# The years that Exchange itself can hold; outside of them nobody means an event.
_YEARS = range(1601, 4501)


def parse_page(source: Source, document: object) -> tuple[tuple[Event | SpoiledEvent, ...], str | None]:
    """The events of one page (`document` is its JSON) and the address of the next page, None on the last.

    A single event that is malformed spoils itself. Raises CalendarError (`answer_wrong`, `not_expanded`)
    where the page is no list of events: half understood it would be a short list.
    """
    page = JsonObject(document)
    if page.has("error"):  # Graph has been seen to break off a page so, with status 200
        raise CalendarError("answer_wrong", property="error", wanted="nothing", found="there")
    if not page.has("value"):
        raise wrong("value", "a list", None)
    following = next_page(page)
    return tuple(_event_or_spoiled(source, item) for item in page.objects("value")), following


def _event_or_spoiled(source: Source, item: JsonObject) -> Event | SpoiledEvent:
    try:
        return _event(source, item)
    except CalendarError as error:
        if error.code != "answer_wrong":
            raise
        return _spoiled(item, str(error.facts["property"]))


def _spoiled(item: JsonObject, path: str) -> SpoiledEvent:
    """What is left of an event that cannot be understood for the property at `path`; its times, where they
    can be read, in any zone."""
    name = path.partition("].")[2]
    found: str | None = None
    span: Interval | None = None
    uid = ""
    with suppress(CalendarError):
        uid = item.text("iCalUId") or item.text("id")
    with suppress(CalendarError):
        zone = item.object(name.partition(".")[0]).text("timeZone")
        found = printable(zone, 60) if name.endswith(".timeZone") and zone else None
    with suppress(CalendarError):
        start, end = sorted(_local(item, side)[0].replace(tzinfo=UTC) for side in ("start", "end"))
        span = Interval(start - _ZONES[0], end + _ZONES[1])
    code = "event_zone_strange" if found is not None else "event_malformed"
    return SpoiledEvent(uid, code, property=name, line=None, found=found, span=span)


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
    span = _span(item, all_day=all_day)
    uid, subject = item.text("iCalUId"), item.text("subject")
    return Event(
        source=source,
        id=item.text("id") or _derived_id(uid, subject, span),
        uid=uid,
        span=span,
        subject=subject,
        organizer=_organizer(item),
        locations=_locations(item),
        categories=item.texts("categories"),
        show_as=item.text("showAs") or "busy",
        sensitivity=item.text("sensitivity") or "normal",
        attendees=_attendees(item),
        more_attendees=_more_attendees(item),
        online_meeting=item.flag("isOnlineMeeting"),
        all_day=all_day,
        cancelled=item.flag("isCancelled"),
        declined=item.object("responseStatus").text("response").casefold() == "declined",
    )


def _span(item: JsonObject, *, all_day: bool) -> Span:
    """From when to when; an all-day event from midnight to midnight, whatever zone it is written in.

    One that ends on the day on which it starts is that day; one that is not at midnight is taken as an
    instant.
    """
    (start, start_zone), (end, end_zone) = _local(item, "start"), _local(item, "end")
    if all_day and start.time() == end.time() == _MIDNIGHT:
        return Floating(start, end if end != start else start + _DAY)
    for name, zone in (("start", start_zone), ("end", end_zone)):
        if zone.casefold() not in _UTC_NAMES:
            path = item.object(name).path("timeZone")
            raise CalendarError("answer_wrong", property=path, wanted="UTC", found="another")
    return Timed(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))


def _local(item: JsonObject, name: str) -> tuple[datetime, str]:
    """The naive time of day that stands there, and the name of its zone."""
    given = item.object(name)
    found = _TIME.fullmatch(given.text("dateTime"))
    local: datetime | None = None
    if found is not None:
        with suppress(ValueError):
            local = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00:00'}")
    if found is None or local is None or local.year not in _YEARS:
        raise CalendarError(
            "answer_wrong", property=given.path("dateTime"), wanted="a time", found="something else"
        )
    return local.replace(microsecond=int((found[3] or "").ljust(6, "0"))), given.text("timeZone")


def _organizer(item: JsonObject) -> str | None:
    """The organizer's address, without the prefix that Exchange puts before some."""
    address = item.object("organizer").object("emailAddress").text("address").strip()
    return _ADDRESS_TYPE.sub("", address) or None


def _locations(item: JsonObject) -> tuple[str, ...]:
    places = (item.object("location"), *item.objects("locations"))
    return tuple(dict.fromkeys(name for place in places if (name := place.text("displayName"))))


def _attendees(item: JsonObject) -> int | None:
    """How many people are invited; rooms and equipment are not people. None where it was not asked for."""
    if not item.has("attendees"):
        return None
    return sum(attendee.text("type").casefold() != "resource" for attendee in item.objects("attendees"))


def _more_attendees(item: JsonObject) -> bool:
    """True where the list need not be all: the organizer hides it, or Graph has cut it."""
    hidden = item.flag("hideAttendees")
    return hidden or len(item.objects("attendees")) >= MOST_ATTENDEES


def _derived_id(uid: str, subject: str, span: Span) -> str:
    # Graph has been seen to send an empty id; the event must still be told from others of its source.
    told = "\0".join((uid, subject, span.start.isoformat(), span.end.isoformat()))
    return "derived-" + hashlib.sha256(told.encode()).hexdigest()[:32]
