"""From Graph's JSON to events: every property, and every way in which one may be wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from iodcal.calendars.graph.events import event_from, parse_page
from iodcal.calendars.readings import may_overlap
from iodcal.domain.events import Event, Floating, Source, SpoiledEvent, Timed
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from tests.servers.graph import all_day, event

SOURCE = Source("graph:t/a@b/", "noc", "noc")
START = datetime(2026, 6, 18, 13, tzinfo=UTC)
END = START + timedelta(minutes=90)


def item(**properties: object) -> dict[str, Any]:
    return event("Town hall", START, END, **properties)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in item().items() if key != name}


def test_a_whole_event() -> None:
    person = {"type": "required", "emailAddress": {"address": "a@contoso.example"}}
    room = {"type": "Resource", "emailAddress": {"address": "room@contoso.example"}}
    given = item(
        id="AAMk_x-=",
        iCalUId="0400",
        showAs="tentative",
        sensitivity="private",
        categories=["Streaming"],
        location={"displayName": "Auditorium 2"},
        locations=[{"displayName": "Auditorium 2"}, {"displayName": "Teams"}, {"displayName": ""}],
        attendees=[person, room, {}],
        isOnlineMeeting=True,
        responseStatus={"response": "tentativelyAccepted"},
    )
    read = event_from(SOURCE, given)
    assert read.source == SOURCE
    assert (read.id, read.uid, read.subject) == ("AAMk_x-=", "0400", "Town hall")
    assert read.span == Timed(START, END)
    assert read.organizer == "pat@contoso.example"
    assert read.locations == ("Auditorium 2", "Teams")
    assert read.categories == ("Streaming",)
    assert (read.show_as, read.sensitivity, read.private) == ("tentative", "private", True)
    assert (read.attendees, read.online_meeting) == (2, True)
    assert (read.all_day, read.cancelled, read.declined) == (False, False, False)


def test_what_may_be_missing_is() -> None:
    bare = {"start": item()["start"], "end": item()["end"]}
    nothing: dict[str, Any] = dict.fromkeys((*item(), "attendees", "@odata.etag"))
    for given in (bare, {**nothing, **bare}):
        read = event_from(SOURCE, given)
        assert read.span == Timed(START, END)
        assert (read.uid, read.subject, read.organizer, read.locations, read.categories) == (
            "",
            "",
            None,
            (),
            (),
        )
        assert (read.show_as, read.sensitivity, read.attendees) == ("busy", "normal", None)
        assert not any((read.all_day, read.cancelled, read.declined, read.online_meeting))


@pytest.mark.parametrize(
    "given", [{"organizer": None}, {"organizer": {}}, {"organizer": {"emailAddress": None}}]
)
def test_an_organizer_may_be_missing_at_any_depth(given: dict[str, Any]) -> None:
    assert event_from(SOURCE, item(**given)).organizer is None


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_id_is_replaced_by_one_that_stays(empty: str | None) -> None:
    first, again = (event_from(SOURCE, item(id=empty)) for _ in range(2))
    other = event_from(SOURCE, {**event("Town hall", START, END + timedelta(hours=1)), "id": empty})
    assert first.id == again.id
    assert first.id not in ("", other.id)
    assert "Town" not in first.id


def test_words_never_seen_before_are_kept_as_given() -> None:
    read = event_from(
        SOURCE, item(showAs="onTheMoon", sensitivity="sealed", responseStatus={"response": "eh"})
    )
    assert (read.show_as, read.sensitivity, read.declined) == ("onTheMoon", "sealed", False)


def test_cancelled_and_declined_copies_are_passed_on_and_marked() -> None:
    assert event_from(SOURCE, item(isCancelled=True)).cancelled
    assert event_from(SOURCE, item(responseStatus={"response": "Declined"})).declined


def test_an_event_that_ends_before_it_starts_is_passed_on() -> None:
    read = event_from(SOURCE, event("Odd", END, START))
    assert read.span == Timed(END, START)


def time(text: str, zone: str | None = "UTC") -> dict[str, Any]:
    return {"dateTime": text, "timeZone": zone}


@pytest.mark.parametrize(
    ("given", "microsecond"),
    [
        (time("2026-06-18T13:00:00.0000000"), 0),
        (time("2026-06-18T13:00:00"), 0),
        (time("2026-06-18T13:00:00.5"), 500_000),
        (time("2026-06-18T13:00:00.1234567"), 123_456),
        (time("2026-06-18T13:00:00.0000000Z"), 0),
        (time("2026-06-18T13:00:00.0000000", "utc"), 0),
        (time("2026-06-18T13:00:00.0000000", "Etc/UTC"), 0),
        (time("2026-06-18T13:00:00.0000000", "Etc/GMT"), 0),
    ],
)
def test_times_are_utc_to_the_microsecond(given: dict[str, Any], microsecond: int) -> None:
    span = event_from(SOURCE, item(start=given)).span
    assert span.start == START.replace(microsecond=microsecond)


@pytest.mark.parametrize("zone", ["UTC", "Mountain Standard Time", "", None])
@pytest.mark.parametrize("clock", ["T00:00:00.0000000", ""])
def test_all_day_events_are_dates_whatever_the_zone(zone: str | None, clock: str) -> None:
    given = item(isAllDay=True, start=time(f"2026-06-12{clock}", zone), end=time(f"2026-06-13{clock}", zone))
    read = event_from(SOURCE, given)
    assert read.all_day
    assert read.span == Floating(datetime(2026, 6, 12), datetime(2026, 6, 13))  # noqa: DTZ001 - it floats


def test_an_all_day_event_that_is_not_at_midnight_is_taken_as_an_instant() -> None:
    day = (time("2026-06-12T07:00:00.0000000"), time("2026-06-13T07:00:00.0000000"))
    read = event_from(SOURCE, item(isAllDay=True, start=day[0], end=day[1]))
    start = datetime(2026, 6, 12, 7, tzinfo=UTC)
    assert (read.span, read.all_day) == (Timed(start, start + timedelta(days=1)), True)


def test_an_all_day_event_whose_end_is_its_start_is_its_day() -> None:
    at = time("2026-06-12T00:00:00.0000000")
    read = event_from(SOURCE, item(isAllDay=True, start=at, end=at))
    assert read.span == Floating(datetime(2026, 6, 12), datetime(2026, 6, 13))  # noqa: DTZ001 - it floats


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("SMTP:Pat@contoso.example", "Pat@contoso.example"),
        (" pat@contoso.example ", "pat@contoso.example"),
        ("EX:/o=ExchangeLabs/ou=X/cn=Recipients/cn=1", "/o=ExchangeLabs/ou=X/cn=Recipients/cn=1"),
        ("mailto:", None),
    ],
)
def test_an_organizers_address_is_bare(given: str, read: str | None) -> None:
    organizer = {"emailAddress": {"address": given}}
    assert event_from(SOURCE, item(organizer=organizer)).organizer == read


@pytest.mark.parametrize(
    ("given", "more"),
    [
        ({"attendees": [{}] * 3}, False),
        ({"attendees": [{}], "hideAttendees": True}, True),
        ({"attendees": [{}] * 500}, True),
    ],
)
def test_a_list_of_attendees_may_be_short(given: dict[str, Any], more: bool) -> None:
    assert event_from(SOURCE, item(**given)).more_attendees is more


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param({"start": None}, "start.dateTime", id="no start"),
        pytest.param({"end": {}}, "end.dateTime", id="no end"),
        pytest.param({"start": "2026-06-18"}, "start", id="start is a text"),
        pytest.param({"start": time("tomorrow")}, "start.dateTime", id="no time"),
        pytest.param({"start": time("2026-13-01T00:00:00")}, "start.dateTime", id="no such month"),
        pytest.param({"start": time("2026-06-18T25:00:00")}, "start.dateTime", id="no such hour"),
        pytest.param({"start": time("2026-06-18T13:00:00+02:00")}, "start.dateTime", id="with an offset"),
        pytest.param({"start": time("2026-06-18T13:00:00\n")}, "start.dateTime", id="and a line end"),
        pytest.param({"start": time("٢٠٢٦-06-18T13:00:00")}, "start.dateTime", id="other digits"),
        pytest.param({"start": time("0001-01-01T00:00:00")}, "start.dateTime", id="year 1"),
        pytest.param({"end": time("9999-12-31T23:59:59")}, "end.dateTime", id="year 9999"),
        pytest.param({"start": {"dateTime": 5, "timeZone": "UTC"}}, "start.dateTime", id="a number"),
        pytest.param({"start": time("2026-06-18T13:00:00", "")}, "start.timeZone", id="no zone"),
        pytest.param({"start": time("2026-06-18T13:00:00", None)}, "start.timeZone", id="zone null"),
        pytest.param(
            {"start": time("2026-06-18T13:00:00", "Pacific Standard Time")},
            "start.timeZone",
            id="another zone",
        ),
        pytest.param({"id": 5}, "id", id="id"),
        pytest.param({"iCalUId": ["x"]}, "iCalUId", id="uid"),
        pytest.param({"subject": {"planted": 1}}, "subject", id="subject"),
        pytest.param({"isAllDay": "true"}, "isAllDay", id="flag as text"),
        pytest.param({"isAllDay": 1}, "isAllDay", id="flag as number"),
        pytest.param({"isCancelled": 0}, "isCancelled", id="flag as zero"),
        pytest.param({"isOnlineMeeting": "planted"}, "isOnlineMeeting", id="online"),
        pytest.param({"showAs": 3}, "showAs", id="show as"),
        pytest.param({"sensitivity": False}, "sensitivity", id="sensitivity"),
        pytest.param({"categories": "planted"}, "categories", id="categories no list"),
        pytest.param({"categories": ["a", None]}, "categories[1]", id="category null"),
        pytest.param({"location": "planted"}, "location", id="location"),
        pytest.param({"location": {"displayName": 1}}, "location.displayName", id="location name"),
        pytest.param({"locations": [{}, "planted"]}, "locations[1]", id="locations"),
        pytest.param({"organizer": []}, "organizer", id="organizer"),
        pytest.param({"organizer": {"emailAddress": "planted"}}, "organizer.emailAddress", id="its address"),
        pytest.param(
            {"organizer": {"emailAddress": {"address": 7.5}}}, "organizer.emailAddress.address", id="its text"
        ),
        pytest.param({"responseStatus": "declined"}, "responseStatus", id="response"),
        pytest.param({"attendees": 500}, "attendees", id="attendees"),
        pytest.param({"attendees": [None]}, "attendees[0]", id="attendee"),
        pytest.param({"attendees": [{"type": 1}]}, "attendees[0].type", id="attendee type"),
    ],
)
def test_one_malformed_property_spoils_its_event_alone(given: dict[str, Any], named: str) -> None:
    page = {"value": [item(subject="planted subject"), {**item(subject="planted subject"), **given}]}
    (good, spoiled), _ = parse_page(SOURCE, page)
    assert isinstance(good, Event)
    assert isinstance(spoiled, SpoiledEvent)
    assert spoiled.property == named
    assert "planted" not in repr(spoiled)


def test_what_a_spoiled_event_could_touch() -> None:
    (strange,), _ = parse_page(SOURCE, {"value": [item(end=time("2026-06-18T14:30:00", "Mars Time"))]})
    assert strange == SpoiledEvent(
        item()["iCalUId"],
        "event_zone_strange",
        "end.timeZone",
        found="Mars Time",
        span=Interval(START - timedelta(hours=14), END + timedelta(hours=12)),
    )
    (unknown,), _ = parse_page(SOURCE, {"value": [item(start=None, iCalUId=None)]})
    assert isinstance(unknown, SpoiledEvent)
    assert (unknown.uid, unknown.span) == (item()["id"], None)


@pytest.mark.parametrize(
    ("page", "named"),
    [
        pytest.param(None, "the answer", id="null"),
        pytest.param([], "the answer", id="a list"),
        pytest.param("text", "the answer", id="a text"),
        pytest.param(5, "the answer", id="a number"),
        pytest.param({}, "value", id="nothing in it"),
        pytest.param({"error": {"code": "x"}}, "error", id="an error with status 200"),
        pytest.param({"value": [], "error": {"code": "x"}}, "error", id="a list that an error breaks off"),
        pytest.param({"value": None}, "value", id="null in it"),
        pytest.param({"value": {}}, "value", id="an object in it"),
        pytest.param({"value": [[]]}, "value[0]", id="a list for an event"),
        pytest.param({"value": [], "@odata.nextLink": 5}, "@odata.nextLink", id="a number for a link"),
        pytest.param({"value": [], "@odata.nextLink": ""}, "@odata.nextLink", id="an empty link"),
        pytest.param(
            {"value": [], "nextLink": "https://a/", "@nextLink": "https://b/"}, "nextLink", id="two links"
        ),
    ],
)
def test_what_is_no_page(page: object, named: str) -> None:
    with pytest.raises(CalendarError) as caught:
        parse_page(SOURCE, page)
    assert (caught.value.code, caught.value.facts["property"]) == ("answer_wrong", named)


@pytest.mark.parametrize("name", ["@odata.NextLink", "odata.nextLink", "@nextLink", "nextLink"])
def test_the_next_page_is_found_however_it_is_spelt(name: str) -> None:
    link = "https://graph.microsoft.com/v1.0/x?$skip=10"
    assert parse_page(SOURCE, {"value": [], name: link}) == ((), link)


def test_a_page_and_its_successor() -> None:
    link = "https://graph.microsoft.com/v1.0/x?$skip=10"
    assert parse_page(SOURCE, {"value": [], "@odata.nextLink": link}) == ((), link)
    events, following = parse_page(
        SOURCE, {"value": [item(), all_day("Day", START)], "@odata.nextLink": None}
    )
    assert ([read.subject for read in events if isinstance(read, Event)], following) == (
        ["Town hall", "Day"],
        None,
    )


def test_a_series_that_is_not_expanded_is_refused() -> None:
    with pytest.raises(CalendarError, match="not_expanded"):
        parse_page(SOURCE, {"value": [item(type="seriesMaster")]})
    assert event_from(SOURCE, item(type="occurrence")).subject == "Town hall"


def test_half_a_surrogate_pair_can_still_be_written_to_a_file() -> None:
    given = json.loads(json.dumps(item()).replace("Town hall", r"Town \ud83d hall"))
    read = event_from(SOURCE, {**given, "categories": ["ok", json.loads(r'"\udc00"')]})
    assert (read.subject, read.categories) == ("Town ? hall", ("ok", "?"))
    whole = json.loads(json.dumps(item()).replace("Town hall", r"\ud83d\ude80 lançamento"))
    assert event_from(SOURCE, whole).subject == "🚀 lançamento"


WINDOW = Interval(START, END)


@pytest.mark.parametrize(
    ("span", "kept"),
    [
        pytest.param(Timed(START - timedelta(hours=1), START), False, id="ends as the window starts"),
        pytest.param(Timed(END, END + timedelta(hours=1)), False, id="starts as it ends"),
        pytest.param(
            Timed(START - timedelta(hours=1), START + timedelta(seconds=1)), True, id="overlaps its start"
        ),
        pytest.param(
            Timed(END - timedelta(seconds=1), END + timedelta(hours=1)), True, id="overlaps its end"
        ),
        pytest.param(Timed(START - timedelta(days=9), END + timedelta(days=9)), True, id="covers it"),
        pytest.param(Timed(END, START), True, id="turned round"),
        pytest.param(Timed(END + timedelta(hours=2), END), False, id="turned round, outside"),
    ],
)
def test_timed_events_are_chosen_half_open(span: Timed, kept: bool) -> None:
    assert may_overlap(span, WINDOW) is kept


@pytest.mark.parametrize("day", range(14, 24))
def test_floating_events_are_kept_if_they_overlap_in_any_zone(day: int) -> None:
    span = Floating(datetime(2026, 6, day), datetime(2026, 6, day + 1))  # noqa: DTZ001 - they float
    zones = [ZoneInfo(f"Etc/GMT{hours:+d}") for hours in range(-14, 13)]
    in_some_zone = any(span.within(zone).overlaps(WINDOW) for zone in zones)
    assert may_overlap(span, WINDOW) is in_some_zone
