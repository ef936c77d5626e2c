"""iCalendar: times, recurrences, exceptions; and everything that is not an iCalendar."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import responses

from iodcal.calendars import CalendarContext
from iodcal.calendars.ics import IcsOptions, plugin
from iodcal.calendars.ics.parse import parse_events
from iodcal.config.parse import section_of
from iodcal.domain.events import CalendarReading, Event, Floating, Source, Timed
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from iodcal.http import Deadline

SOURCE = Source("ics:x", "local", "local")
WEEK = Interval(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 12, tzinfo=UTC))


def calendar(*events: str, head: str = "") -> bytes:
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{head}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def events_of(content: bytes, window: Interval = WEEK) -> list[Event]:
    found = parse_events(SOURCE, content, window)
    assert found.spoiled == ()
    return sorted(found.events, key=lambda event: (event.span.start.replace(tzinfo=UTC), event.subject))


def one(event: str, window: Interval = WEEK, head: str = "") -> Event:
    (found,) = events_of(calendar(event, head=head), window)
    return found


def utc(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def timed(start: datetime, end: datetime) -> Timed:
    return Timed(start, end)


MARCH = Interval(utc(3, 1, 0), utc(3, 31, 0))
AUTUMN = Interval(utc(10, 20, 0), utc(11, 10, 0))


@pytest.mark.parametrize(
    ("event", "window", "span"),
    [
        pytest.param(
            "UID:a\nDTSTART:20260106T080000Z\nDTEND:20260106T090000Z",
            WEEK,
            timed(utc(1, 6, 8), utc(1, 6, 9)),
            id="utc",
        ),
        pytest.param(
            "UID:a\nDTSTART;TZID=America/Denver:20260106T080000\nDURATION:PT90M",
            WEEK,
            timed(utc(1, 6, 15), utc(1, 6, 16, 30)),
            id="zone and duration",
        ),
        pytest.param(
            "UID:a\nDTSTART;TZID=Eastern Standard Time:20260106T080000\n"
            "DTEND;TZID=Eastern Standard Time:20260106T090000",
            WEEK,
            timed(utc(1, 6, 13), utc(1, 6, 14)),
            id="Windows zone",
        ),
        pytest.param(
            "UID:a\nDTSTART;TZID=America/New_York:20260308T023000\n"
            "DTEND;TZID=America/New_York:20260308T033000",
            MARCH,
            timed(utc(3, 8, 7), utc(3, 8, 7, 30)),
            id="begins in the gap: the first instant after it",
        ),
        pytest.param(
            "UID:a\nDTSTART;TZID=America/New_York:20261101T013000\n"
            "DTEND;TZID=America/New_York:20261101T033000",
            AUTUMN,
            timed(utc(11, 1, 5, 30), utc(11, 1, 8, 30)),
            id="occurs twice: the first",
        ),
        pytest.param(
            "UID:a\nDTSTART;VALUE=DATE:20260106\nDTEND;VALUE=DATE:20260108",
            WEEK,
            Floating(datetime(2026, 1, 6), datetime(2026, 1, 8)),  # noqa: DTZ001 - floating
            id="all day",
        ),
        pytest.param(
            "UID:a\nDTSTART;VALUE=DATE:20260106",
            WEEK,
            Floating(datetime(2026, 1, 6), datetime(2026, 1, 7)),  # noqa: DTZ001 - floating
            id="all day without an end",
        ),
        pytest.param(
            "UID:a\nDTSTART:20260106T080000\nDTEND:20260106T090000",
            WEEK,
            Floating(datetime(2026, 1, 6, 8), datetime(2026, 1, 6, 9)),  # noqa: DTZ001 - floating
            id="floating",
        ),
        pytest.param(
            "UID:a\nDTSTART:20260106T090000Z\nDTEND:20260106T080000Z",
            WEEK,
            timed(utc(1, 6, 9), utc(1, 6, 8)),
            id="ends before it starts: handed on as it is",
        ),
        pytest.param(
            "UID:a\nDTSTART:20260106T090000Z\nDURATION:-PT1H",
            WEEK,
            timed(utc(1, 6, 9), utc(1, 6, 8)),
            id="a negative duration: handed on as it is",
        ),
    ],
)
def test_times(event: str, window: Interval, span: Timed | Floating) -> None:
    assert one(event, window).span == span


def test_a_calendars_own_zone_is_that_of_its_floating_times() -> None:
    event = "UID:a\nDTSTART:20260106T080000\nDTEND:20260106T090000"
    assert one(event, head="X-WR-TIMEZONE:Europe/Berlin\n").span == timed(utc(1, 6, 7), utc(1, 6, 8))
    all_day = one("UID:a\nDTSTART;VALUE=DATE:20260106", head="X-WR-TIMEZONE:Europe/Berlin\n")
    assert isinstance(all_day.span, Floating)


DAILY = "UID:d\nDTSTART:20260105T090000Z\nDTEND:20260105T100000Z\nSUMMARY:Daily\nRRULE:FREQ=DAILY;COUNT=4"


def starts(*events: str, head: str = "") -> list[tuple[str, bool]]:
    found = [event for event in events_of(calendar(*events, head=head)) if isinstance(event.span, Timed)]
    return [(event.span.start.strftime("%d %H:%M"), event.cancelled) for event in found]


def test_a_series_is_expanded() -> None:
    assert starts(DAILY) == [(f"0{day} 09:00", False) for day in (5, 6, 7, 8)]
    assert [day for day, _ in starts(DAILY + "\nEXDATE:20260106T090000Z")] == [
        "05 09:00",
        "07 09:00",
        "08 09:00",
    ]


def test_a_moved_occurrence_keeps_its_identity() -> None:
    moved = "UID:d\nRECURRENCE-ID:20260107T090000Z\nDTSTART:20260107T150000Z\nDTEND:20260107T160000Z"
    assert [day for day, _ in starts(DAILY, moved)] == ["05 09:00", "06 09:00", "07 15:00", "08 09:00"]
    planned = {event.id for event in events_of(calendar(DAILY))}
    assert {event.id for event in events_of(calendar(DAILY, moved))} == planned
    assert {event.uid for event in events_of(calendar(DAILY, moved))} == {"d"}


def test_an_occurrence_moved_into_the_window_is_seen() -> None:
    later = "UID:w\nDTSTART:20251201T090000Z\nDTEND:20251201T100000Z\nRRULE:FREQ=WEEKLY;COUNT=2"
    moved = "UID:w\nRECURRENCE-ID:20251208T090000Z\nDTSTART:20260107T150000Z\nDTEND:20260107T160000Z"
    assert starts(later, moved) == [("07 15:00", False)]


def test_a_cancelled_occurrence_is_handed_on_as_such() -> None:
    gone = "UID:d\nRECURRENCE-ID:20260106T090000Z\nDTSTART:20260106T090000Z\nDURATION:PT1H\nSTATUS:CANCELLED"
    assert starts(DAILY, gone)[1] == ("06 09:00", True)


@pytest.mark.parametrize("head", ["", "X-WR-TIMEZONE:Europe/Berlin\n"], ids=["", "with a calendar's zone"])
def test_this_and_following_are_moved_together(head: str) -> None:
    moved = (
        "UID:d\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260107T090000Z\n"
        "DTSTART:20260107T110000Z\nDTEND:20260107T120000Z"
    )
    found = events_of(calendar(DAILY, moved, head=head))
    assert [day for day, _ in starts(DAILY, moved, head=head)] == [
        "05 09:00",
        "06 09:00",
        "07 11:00",
        "08 11:00",
    ]
    assert len({event.id for event in found}) == 4


def test_what_an_event_says() -> None:
    event = one(
        "UID:a\nDTSTART:20260106T080000Z\nDTEND:20260106T090000Z\nSUMMARY:Town Hall\\, live\nLOCATION:Aud 2\n"
        "CATEGORIES:Streaming,Company\nORGANIZER;CN=Ines:MAILTO:ines@contoso.example\n"
        "ATTENDEE:mailto:a@contoso.example\nATTENDEE:mailto:b@contoso.example\nCLASS:PRIVATE\n"
        "X-MICROSOFT-CDO-BUSYSTATUS:OOF\nX-MICROSOFT-SKYPETEAMSMEETINGURL:https://teams.example/1"
    )
    assert (event.subject, event.locations, event.categories) == (
        "Town Hall, live",
        ("Aud 2",),
        ("Streaming", "Company"),
    )
    assert (event.organizer, event.attendees, event.private) == ("ines@contoso.example", 2, True)
    assert (event.show_as, event.online_meeting, event.uid) == ("oof", True, "a")


@pytest.mark.parametrize(
    ("line", "show_as"),
    [("TRANSP:TRANSPARENT", "free"), ("TRANSP:OPAQUE", "busy"), ("X-MICROSOFT-CDO-BUSYSTATUS:WHAT", "what")],
)
def test_show_as(line: str, show_as: str) -> None:
    assert one(f"UID:a\nDTSTART:20260106T080000Z\nDTEND:20260106T090000Z\n{line}").show_as == show_as


@pytest.mark.parametrize(
    ("line", "sensitivity"),
    [
        ("", "normal"),
        ("CLASS:Public", "normal"),
        ("CLASS:CONFIDENTIAL", "confidential"),
        ("CLASS:X-BOARD", "private"),
    ],
)
def test_a_class_never_seen_before_counts_as_private(line: str, sensitivity: str) -> None:
    event = one(f"UID:a\nDTSTART:20260106T080000Z\nDTEND:20260106T090000Z\n{line}")
    assert event.sensitivity == sensitivity


def test_a_published_cancellation_cancels_everything() -> None:
    assert one("UID:a\nDTSTART:20260106T080000Z\nDURATION:PT1H", head="METHOD:CANCEL\n").cancelled


@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n"], ids=["LF", "CR", "CRLF"])
def test_any_line_ending_and_a_mark_at_the_start_will_do(ending: str) -> None:
    text = calendar(DAILY).decode().replace("\r\n", ending)
    assert len(events_of(b"\xef\xbb\xbf" + text.encode())) == 4


def own_zone(offset: str) -> str:
    """A zone by the name that Outlook gives to every zone that somebody made."""
    return (
        "BEGIN:VTIMEZONE\nTZID:Customized Time Zone\nBEGIN:STANDARD\nDTSTART:16010101T000000\n"
        f"TZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n"
    )


def test_a_zone_that_a_calendar_defines_is_its_own() -> None:
    event = "UID:a\nDTSTART;TZID=Customized Time Zone:20260106T080000\nDURATION:PT1H"
    east, west = (calendar(event, head=own_zone(offset)) for offset in ("+0100", "-0500"))
    hours = [[found.span.start.hour for found in events_of(content)] for content in (east, west, east + west)]
    assert hours == [[7], [13], [7, 13]]


@pytest.mark.parametrize("fold", [b"\r\n ", b"\n\t", b"\r "])
def test_a_line_may_be_folded_inside_a_letter(fold: bytes) -> None:
    content = calendar("UID:a\nDTSTART:20260106T080000Z\nDURATION:PT1H\nSUMMARY:Réunion")
    folded = content.replace("é".encode(), fold.join((b"\xc3", b"\xa9")))
    assert [event.subject for event in events_of(folded)] == ["Réunion"]


def test_a_line_that_is_not_utf_8_is_read_as_windows_writes_it() -> None:
    event = "UID:a\nDTSTART:20260106T080000Z\nDURATION:PT1H\nSUMMARY:Réunion 5 €"
    content = calendar(event).decode().encode("cp1252")
    mixed = content.replace(b"UID:a", "LOCATION:Zürich\r\nUID:a".encode())
    assert [(found.subject, found.locations) for found in events_of(mixed)] == [("Réunion 5 €", ("Zürich",))]


def test_events_that_share_a_uid_all_count() -> None:
    """As servers write them that expand a series themselves."""
    monday = "UID:a\nDTSTART:20260105T080000Z\nDTEND:20260105T090000Z"
    tuesday = "UID:a\nDTSTART:20260106T080000Z\nDTEND:20260106T090000Z"
    assert [at for at, _ in starts(monday, tuesday, monday)] == ["05 08:00", "06 08:00"]
    backwards = "UID:a\nDTSTART:20260107T080000Z\nDTEND:20260107T070000Z"
    assert len(starts(monday, backwards)) == 2
    forwards = {event.span.end > event.span.start for event in events_of(calendar(monday, backwards))}
    assert forwards == {True, False}


def test_of_two_states_of_an_event_the_later_counts() -> None:
    old = "UID:a\nSEQUENCE:1\nDTSTART:20260105T080000Z\nDURATION:PT1H"
    new = "UID:a\nSEQUENCE:2\nDTSTART:20260106T080000Z\nDURATION:PT1H"
    assert starts(new, old) == starts(old, new) == [("06 08:00", False)]


def test_a_moved_occurrence_counts_though_its_slot_is_excepted() -> None:
    moved = "UID:d\nRECURRENCE-ID:20260106T090000Z\nDTSTART:20260106T150000Z\nDURATION:PT1H"
    series = DAILY + "\nEXDATE:20260106T090000Z\nEXDATE:20260107T090000Z"
    assert [at for at, _ in starts(series, moved)] == ["05 09:00", "06 15:00", "08 09:00"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "not_ics", id="empty"),
        pytest.param(b"<html><title>Sign in</title>", "not_ics", id="HTML"),
        pytest.param(calendar(DAILY)[:-20], "ics_truncated", id="cut off"),
        pytest.param(
            calendar(head="BEGIN:VFREEBUSY\nUID:1\nDTSTAMP:20260101T000000Z\nEND:VFREEBUSY\n"),
            "ics_free_busy",
            id="no events, only busy times",
        ),
        pytest.param(
            calendar(
                *[f"UID:{n}\nDTSTART:20260106T000000Z\nDURATION:PT1H\nRRULE:FREQ=MINUTELY" for n in range(3)]
            ),
            "too_many_events",
            id="too many",
        ),
    ],
)
def test_what_cannot_be_understood_makes_the_whole_unreadable(content: bytes, code: str) -> None:
    with pytest.raises(CalendarError) as caught:
        events_of(content)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(calendar("UID:a\nSUMMARY:no start"), "ics_damaged", id="no start"),
        pytest.param(calendar("UID:a\nDTSTART:tomorrow"), "ics_damaged", id="no time"),
        pytest.param(
            calendar("UID:a\nDTSTART:20260106T080000Z\nRRULE:FREQ=SOMETIMES"), "ics_damaged", id="rule"
        ),
        pytest.param(
            calendar("UID:a\nDTSTART:20260106T080000Z\nDTEND;VALUE=DATE:20260107"), "ics_damaged", id="mixed"
        ),
        pytest.param(
            calendar("UID:a\nDTSTART;TZID=Nowhere/Land:20260106T080000\nDURATION:PT1H"),
            "ics_unknown_zone",
            id="unknown zone",
        ),
        pytest.param(
            calendar("UID:a\nDTSTART:20260106T080000Z\nRRULE:FREQ=DAILY;INTERVAL=0"),
            "ics_damaged",
            id="a series that stands still",
        ),
        pytest.param(
            calendar("UID:a\nDTSTART:20260106T080000Z\nRRULE:FREQ=HOURLY;BYMONTH=2,4;BYMONTHDAY=31,-31"),
            "ics_no_day",
            id="days that do not exist",
        ),
        pytest.param(
            calendar("UID:a\nDTSTART:20260106T080000Z\nX (what is this"), "ics_damaged", id="no property"
        ),
        pytest.param(
            calendar("UID:a\nDTSTART:20260106T080000Z\nEXDATE:never"), "ics_damaged", id="no date left out"
        ),
        pytest.param(
            calendar("UID:a\nDTSTART:20200101T000000Z\nRRULE:FREQ=SECONDLY"),
            "ics_too_dense",
            id="every second",
        ),
        pytest.param(
            calendar(
                "UID:a\nDTSTART:20200101T000000Z\nRRULE:FREQ=DAILY;BYHOUR="
                + ",".join(map(str, range(24)))
                + ";BYMINUTE="
                + ",".join(map(str, range(60)))
            ),
            "ics_too_dense",
            id="every minute by another name",
        ),
        pytest.param(
            calendar("UID:a\nDTSTART;TZID=America:20260106T080000\nDURATION:PT1H"),
            "ics_unknown_zone",
            id="a zone named like a continent",
        ),
        pytest.param(
            calendar("UID:a\nDTSTART:19700101T000000Z\nDURATION:P20000D\nRRULE:FREQ=DAILY"),
            "ics_too_dense",
            id="days that each last for decades",
        ),
    ],
)
def test_an_event_that_cannot_be_understood_spoils_itself(content: bytes, code: str) -> None:
    good = calendar("UID:good\nDTSTART:20260107T080000Z\nDURATION:PT1H")
    found = parse_events(SOURCE, content + good, WEEK)
    assert [(event.uid, event.code) for event in found.spoiled] == [("a", code)]
    assert [event.uid for event in found.events if event.uid == "good"] == ["good"]


def test_what_runs_backwards_is_expanded_within_bounds() -> None:
    events = events_of(calendar("UID:a\nDTSTART:20260106T080000Z\nDTEND:02600105T090000Z\nRRULE:FREQ=DAILY"))
    assert {event.span.end < event.span.start for event in events} == {True}
    assert len(events) < 20


def test_what_is_not_read_may_be_damaged() -> None:
    assert one("UID:a\nDTSTART:20260106T080000Z\nDURATION:PT1H\nGEO:nowhere\nLAST-MODIFIED:never").uid == "a"


@pytest.mark.parametrize("until", ["20260108", "20260108T090000", "20260108T160000Z"])
def test_a_series_has_its_last_occurrence_however_its_end_is_written(until: str) -> None:
    series = "UID:a\nDTSTART;TZID=America/Denver:20260106T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL="
    assert [start for start, _ in starts(series + until)] == ["06 16:00", "07 16:00", "08 16:00"]


def test_a_floating_series_has_its_last_occurrence_too() -> None:
    series = "UID:a\nDTSTART:20260106T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260107"
    assert len(events_of(calendar(series))) == 2


def test_expanding_ends_with_the_deadline() -> None:
    with pytest.raises(CalendarError) as caught:
        parse_events(SOURCE, calendar(DAILY), WEEK, Deadline.after(-1))
    assert caught.value.code == "ics_too_slow"


def test_an_old_daily_series_is_quickly_at_hand() -> None:
    assert len(starts("UID:a\nDTSTART:19700101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY")) >= 7


URL = "https://calendar.example/published/s3cret-path/calendar.ics"


def read(ics: object, folder: Path) -> CalendarReading:
    context = CalendarContext(folder)
    (reader,) = plugin.readers("local", section_of(IcsOptions, {"ics": ics}), context)
    return reader.read(WEEK, Deadline.after(20))


def test_a_file_is_read_from_where_the_configuration_is(tmp_path: Path) -> None:
    (tmp_path / "local.ics").write_bytes(calendar(DAILY))
    reading = read("local.ics", tmp_path)
    assert (len(reading.events), reading.covers, reading.clock_error) == (4, WEEK, None)
    with pytest.raises(CalendarError) as caught:
        read("other.ics", tmp_path)
    assert caught.value.code == "file_unreadable"


def test_a_url_is_read_and_its_servers_clock_looked_at(tmp_path: Path) -> None:
    with responses.RequestsMock() as server:
        server.get(URL, body=calendar(DAILY), headers={"Date": "Tue, 24 Nov 2020 12:00:00 GMT"})
        reading = read(URL.replace("https", "webcal"), tmp_path)
    assert len(reading.events) == 4
    assert reading.clock_error is not None
    assert reading.clock_error < -1e8


def test_a_url_that_is_a_secret_shows_its_host_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHED", URL)
    options, context = section_of(IcsOptions, {"ics": {"env": "PUBLISHED"}}), CalendarContext(tmp_path)
    (source,) = plugin.sources("published", options, context)
    with responses.RequestsMock() as server:
        server.get(URL, status=404)
        with pytest.raises(CalendarError) as caught:
            read({"env": "PUBLISHED"}, tmp_path)
    assert "s3cret" not in f"{source} {options!r} {caught.value}"
    assert caught.value.facts["host"] == "calendar.example"


def test_a_literal_url_is_not_part_of_the_key(tmp_path: Path) -> None:
    (source,) = plugin.sources("x", section_of(IcsOptions, {"ics": URL}), CalendarContext(tmp_path))
    assert "s3cret" not in source.key


@pytest.mark.parametrize(
    "target",
    [
        "http://calendar.example/a.ics",
        "https://10.0.0.1/a.ics",
        "https://localhost/a",
        "https://[::ffff:10.0.0.1]/a",
    ],
)
def test_a_redirect_to_plain_http_or_a_private_place_is_not_followed(tmp_path: Path, target: str) -> None:
    with responses.RequestsMock() as server:
        server.get(URL, status=302, headers={"Location": target})
        with pytest.raises(CalendarError):
            read(URL, tmp_path)


def resolving(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Every name leads to `address`."""

    def found(host: str, *_: object, **__: object) -> list[object]:
        if host == "unknown.example":
            raise OSError("no such name")
        return [(2, 1, 6, "", (address, 0))]

    monkeypatch.setattr("socket.getaddrinfo", found)


WRAPPED = ("::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:a01:203::")


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "127.0.0.1", "169.254.169.254", "fe80::1%eth0", "::1", *WRAPPED]
)
def test_a_name_that_leads_into_a_private_network_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    resolving(monkeypatch, address)
    with responses.RequestsMock() as server:
        server.get(URL, status=302, headers={"Location": "https://innocent.example/a.ics"})
        with pytest.raises(CalendarError) as caught:
            read(URL, tmp_path)
    assert caught.value.code == "redirect_private"


@pytest.mark.parametrize(
    ("target", "address", "options"),
    [
        ("https://other.example/a.ics", "8.8.8.8", {}),
        ("https://unknown.example/a.ics", "8.8.8.8", {}),
        ("https://other.example/a.ics", "64:ff9b::808:808", {}),
        ("https://calendar.example/b.ics", "10.1.2.3", {}),
        ("https://intranet.example/a.ics", "10.1.2.3", {"private_network": True}),
    ],
)
def test_other_redirects_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, address: str, options: dict[str, bool]
) -> None:
    resolving(monkeypatch, address)
    with responses.RequestsMock() as server:
        server.get(URL, status=302, headers={"Location": target})
        server.get(target, body=calendar(DAILY))
        (reader,) = plugin.readers(
            "x", section_of(IcsOptions, {"ics": URL, **options}), CalendarContext(tmp_path)
        )
        assert reader.read(WEEK, Deadline.after(10)).events


def test_a_secret_that_does_not_resolve_is_named(tmp_path: Path) -> None:
    with pytest.raises(CalendarError) as caught:
        read({"env": "NOT_SET"}, tmp_path)
    assert caught.value.code == "secret_env_missing"


def test_a_plain_http_url_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHED", "http://calendar.example/s3cret.ics")
    with pytest.raises(CalendarError) as caught:
        read({"env": "PUBLISHED"}, tmp_path)
    assert caught.value.code == "insecure_url"


def test_a_plain_http_url_in_the_configuration_is_an_error_of_it() -> None:
    for good in ("http://127.0.0.1:8080/a.ics", "webcal://calendar.example/a.ics", "folder/a.ics"):
        section_of(IcsOptions, {"ics": good})
    with pytest.raises(ValueError, match="an https address is wanted"):
        section_of(IcsOptions, {"ics": "http://calendar.example/s3cret.ics"})


BERLIN = "DTSTART;TZID=Europe/Berlin:202601{0}\nDTEND;TZID=Europe/Berlin:202601{1}\n"
SERIES = "UID:a\n" + BERLIN.format("05T100000", "05T110000") + "RRULE:FREQ=DAILY;COUNT=3"
FLOATING = "UID:a\nDTSTART:20260105T100000\nDTEND:20260105T110000\nRRULE:FREQ=DAILY;COUNT=3"


@pytest.mark.parametrize(
    ("event", "changed", "starts"),
    [
        pytest.param(SERIES, "RECURRENCE-ID;VALUE=DATE:20260106", ["05 09", "06 14", "07 09"], id="moved"),
        pytest.param(
            SERIES,
            "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260106",
            ["05 09", "06 14", "07 14"],
            id="following",
        ),
        pytest.param(
            SERIES, "STATUS:CANCELLED\nRECURRENCE-ID;VALUE=DATE:20260106", ["05 09", "07 09"], id="cancelled"
        ),
        pytest.param(
            FLOATING, "RECURRENCE-ID;VALUE=DATE:20260106", ["05 10", "06 14", "07 10"], id="floating"
        ),
    ],
)
def test_a_day_names_the_occurrence_of_a_timed_series_on_it(
    event: str, changed: str, starts: list[str]
) -> None:
    other = f"UID:a\n{changed}\n" + BERLIN.format("06T150000", "06T160000")
    found = [one for one in events_of(calendar(event, other)) if not one.cancelled]
    assert [f"{one.span.start:%d %H}" for one in found] == starts


def test_a_further_day_of_a_timed_series_is_at_its_time() -> None:
    found = events_of(
        calendar("UID:a\n" + BERLIN.format("05T100000", "05T110000") + "RDATE;VALUE=DATE:20260108")
    )
    assert [one.span for one in found] == [timed(utc(1, day, 9), utc(1, day, 10)) for day in (5, 8)]


@pytest.mark.parametrize("end", [b"\r\r\n", b"\r", b"\n"])
def test_lines_end_as_they_do_where_a_text_was_copied(end: bytes) -> None:
    content = calendar("UID:a\nDTSTART:20260106T080000Z\nSUMMARY:All-\n Hands").replace(b"\r\n", end)
    assert [event.subject for event in events_of(content)] == ["All-Hands"]


@pytest.mark.parametrize(
    ("name", "hour"),
    [
        ("US-Eastern", 13),
        ("America-New_York", 13),
        ("(GMT+01.00) Amsterdam / Berlin / Bern / Rome / Stockholm / Vienna", 7),
    ],
)
def test_names_of_zones_that_older_servers_write(name: str, hour: int) -> None:
    event = one(f"UID:a\nDTSTART;TZID={name}:20260106T080000\nDURATION:PT1H")
    assert event.span == timed(utc(1, 6, hour), utc(1, 6, hour + 1))
