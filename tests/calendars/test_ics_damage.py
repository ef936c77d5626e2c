"""Damaged iCalendars: never a short list, and never unreadable over what nobody reads."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import responses

from iodcal.calendars.ics.address import fetch
from iodcal.calendars.ics.document import parse_document
from iodcal.calendars.ics.parse import parse_events
from iodcal.domain.events import Timed
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from tests.calendars.test_ics import SOURCE, URL, WEEK, calendar

GOOD = "UID:a\nDTSTART:20260106T080000Z\nDURATION:PT1H"
WHOLE = calendar(GOOD).decode()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(WHOLE.replace("END:VEVENT\r\n", ""), "ics_unbalanced", id="an END missing"),
        pytest.param(WHOLE.replace("BEGIN:VEVENT\r\n", ""), "ics_unbalanced", id="a BEGIN missing"),
        pytest.param(
            WHOLE.replace("BEGIN:VEVENT\r\n", "").replace("END:VEVENT\r\n", ""),
            "ics_unbalanced",
            id="both missing",
        ),
        pytest.param(
            WHOLE.replace("END:VEVENT", "BEGIN:VALARM\r\nACTION:AUDIO\r\nEND:VEVENT"),
            "ics_unbalanced",
            id="an alarm's",
        ),
        pytest.param(WHOLE.replace("\r\n", "\r\n  "), "ics_unbalanced", id="indented"),
        pytest.param(
            WHOLE.replace("\r\n", "\r\n ")
            .replace("\n VERSION", "\nVERSION")
            .replace("\n END:VCAL", "\nEND:VCAL"),
            "ics_miscounted",
            id="indented under a property",
        ),
        pytest.param(WHOLE.replace("BEGIN:VEVENT", "BEGIN: VEVENT"), "ics_unbalanced", id="a blank"),
        pytest.param(WHOLE.replace("VEVENT", "VEVNT"), "ics_unbalanced", id="spelt wrong"),
        pytest.param(WHOLE[:60] + WHOLE, "ics_unbalanced", id="a cut one before a whole one"),
        pytest.param(WHOLE + WHOLE[:60], "ics_truncated", id="a cut one after a whole one"),
        pytest.param(WHOLE + "<!-- 12 ms -->", "ics_outside", id="a remark behind it"),
        pytest.param(
            WHOLE.replace("END:VEVENT", "BEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VEVENT"),
            "ics_unbalanced",
            id="nested",
        ),
    ],
)
def test_a_short_list_is_never_an_answer(text: str, code: str) -> None:
    with pytest.raises(CalendarError) as caught:
        parse_events(SOURCE, text.encode(), WEEK)
    assert caught.value.code == code


def test_the_line_that_is_wrong_is_named() -> None:
    text = WHOLE.replace("UID:a", "SUMMARY:a long\r\n  title\r\nUID:a").replace("END:VEVENT\r\n", "")
    with pytest.raises(CalendarError) as caught:
        parse_document(text.encode())
    assert caught.value.facts == {"line": 10, "found": "END:VCALENDAR"}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x1f\x8b\x08\x00", "is gzip data"),
        (b"PK\x03\x04", "is a ZIP archive"),
        (b"", "is empty"),
        (b"<a>", 'begins "<a>"'),
    ],
)
def test_what_is_no_text_is_named_as_what_it_is(content: bytes, what: str) -> None:
    with pytest.raises(CalendarError) as caught:
        parse_events(SOURCE, content, WEEK)
    assert caught.value.facts["what"] == what


def test_a_zone_that_nobody_can_know_is_named_by_the_configuration() -> None:
    content = calendar("UID:a\nDTSTART;TZID=Customized Time Zone:20260106T080000\nDURATION:PT1H")
    found = parse_events(SOURCE, content, WEEK, zones={"customized  TIME zone": ZoneInfo("Europe/Berlin")})
    (event,) = found.events
    assert event.span == Timed(datetime(2026, 1, 6, 7, tzinfo=UTC), datetime(2026, 1, 6, 8, tzinfo=UTC))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        pytest.param("DTSTART;TZID=Nowhere:20110106T080000\nDURATION:PT1H", False, id="long gone"),
        pytest.param("DTSTART:20110106T080000Z\nRRULE:FREQ=OFTEN", True, id="it may recur"),
        pytest.param(
            "DTSTART:20110106T080000Z\nRRULE:FREQ=OFTEN;UNTIL=20120101", False, id="its end is known"
        ),
        pytest.param(
            "DTSTART:20110106T080000Z\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", False, id="no such day"
        ),
        pytest.param("DTSTART:never\nDTEND:20110106T080000Z", False, id="its end is past"),
        pytest.param("DTSTART:never\nDTEND:20260106T080000Z", True, id="its end is in the range"),
        pytest.param("DTSTART:20260106T080000Z\nDTEND:\nSTATUS:CANCELLED", False, id="cancelled"),
        pytest.param("DTSTART:20260106T080000Z\nDTSTART:20260107T080000Z", True, id="two starts"),
        pytest.param("DTSTART:20260201T080000Z\nDTEND:", False, id="far ahead"),
        pytest.param(
            "DTSTART:20110106T080000Z\nRRULE:FREQ=DAILY\nEXDATE;TZID=Nowhere:20110109T080000",
            False,
            id="excepted long ago",
        ),
        pytest.param(
            "DTSTART:20110106T080000Z\nRRULE:FREQ=DAILY\nEXDATE;TZID=Nowhere:20260109T080000",
            True,
            id="excepted",
        ),
    ],
)
def test_only_what_could_matter_is_told(lines: str, told: bool) -> None:
    assert bool(parse_events(SOURCE, calendar(f"UID:b\n{lines}", GOOD), WEEK).spoiled) is told


@pytest.mark.parametrize("hour", [0, 1, 2, 3])
def test_a_zone_of_the_calendars_own_goes_by_the_same_rules_as_an_iana_one(hour: int) -> None:
    """The night of the spring change, each hour; the zone's definition is New York's."""
    head = (
        "BEGIN:VTIMEZONE\nTZID:{name}\nBEGIN:STANDARD\nDTSTART:16010101T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\n"
        "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010101T020000\n"
        "TZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nRRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE\n"
    )
    march = Interval(datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))
    spans = []
    for name in ("America/New_York", "Ours"):
        event = f"UID:a\nDTSTART;TZID={name}:20260308T{hour:02d}1500\nDTEND;TZID={name}:20260308T023000"
        found = parse_events(SOURCE, calendar(event, head=head.format(name=name)), march)
        spans.append([event.span for event in found.events])
    assert spans[0] == spans[1]


def test_a_zone_whose_rules_have_no_end_is_not_known() -> None:
    head = (
        "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:16010101T020000\nTZOFFSETFROM:-0400\n"
        "TZOFFSETTO:-0500\nRRULE:FREQ=SECONDLY\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    content = calendar("UID:b\nDTSTART;TZID=Ours:20260106T080000\nDURATION:PT1H", GOOD, head=head)
    found = parse_events(SOURCE, content, WEEK)
    assert [event.code for event in found.spoiled] == ["ics_unknown_zone"]
    assert len(found.events) == 1


@pytest.mark.parametrize(
    "name",
    [
        "(UTC-05:00) Eastern Time (US & Canada)",
        '"(UTC-05:00) Eastern Time (US & Canada)"',
        "Eastern Standard Time",
        "eastern standard time",
        " America/New_York ",
        "AMERICA/NEW_YORK",
        "/citadel.org/20070227_1/America/New_York",
        "/America/New_York",
        "UTC-5",
        "GMT-0500",
        "utc -05:00",
        "EST",
    ],
)
def test_a_zone_is_known_by_many_names(name: str) -> None:
    for event in (
        f"DTSTART;TZID={name}:20260106T080000\nDURATION:PT1H",
        "DTSTART:20260106T080000\nDURATION:PT1H",
    ):
        content = calendar(f"UID:a\n{event}", head=f"X-WR-TIMEZONE:{name}\n")
        (found,) = parse_events(SOURCE, content, WEEK).events
        assert found.span.start == datetime(2026, 1, 6, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["CST", "IST", "Customized Time Zone", "America", "tzone://Microsoft/Custom", "W"]
)
def test_a_zone_that_is_not_certain_is_not_guessed(name: str) -> None:
    content = calendar(f"UID:a\nDTSTART;TZID={name}:20260106T080000\nDURATION:PT1H")
    (spoiled,) = parse_events(SOURCE, content, WEEK).spoiled
    assert (spoiled.code, spoiled.found) == ("ics_unknown_zone", name)


def fetched(**answer: object) -> CalendarError | float | None:
    with responses.RequestsMock() as server:
        server.get(URL, **answer)
        try:
            _, clock_error = fetch(URL, Deadline.after(20), private_network=False, user_agent="Tester")
        except CalendarError as error:
            return error
        finally:
            assert server.calls[0].request.headers["User-Agent"] == "Tester"
    return clock_error


def test_outlooks_error_page_is_told_as_what_it_means() -> None:
    target = "https://outlook.office365.com/owa/auth/errorfe.aspx?redirectType=32"
    error = fetched(status=302, headers={"Location": target})
    assert isinstance(error, CalendarError)
    assert (error.code, error.facts["host"]) == ("ics_agent_refused", "calendar.example")


@pytest.mark.parametrize(
    ("headers", "code"), [({}, "redirect_nowhere"), ({"Location": URL}, "redirect_circle")]
)
def test_a_redirect_that_leads_nowhere_is_told_as_that(headers: dict[str, str], code: str) -> None:
    error = fetched(status=302, headers=headers)
    assert isinstance(error, CalendarError)
    assert error.code == code


def test_a_cached_answers_age_belongs_to_its_servers_clock() -> None:
    date = {"Date": "Tue, 24 Nov 2020 12:00:00 GMT"}
    plain, aged = fetched(body=b"", headers=date), fetched(body=b"", headers={**date, "Age": "3600"})
    assert isinstance(plain, float)
    assert isinstance(aged, float)
    assert 3590 < aged - plain < 3610
    assert fetched(body=b"", headers={**date, "Age": "old"}) is None


def test_the_usual_name_is_one_that_outlook_takes_and_says_iodcal() -> None:
    with responses.RequestsMock() as server:
        server.get(URL, body=b"")
        fetch(URL, Deadline.after(20), private_network=False)
        agent = server.calls[0].request.headers["User-Agent"]
    assert agent.startswith("Mozilla/5.0 (")
    assert "iodcal/" in agent
