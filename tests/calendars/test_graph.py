"""Mailboxes read from a strict local Graph: what is asked for, what is kept, and every way it can fail."""

from __future__ import annotations

import base64
import dataclasses
import inspect
import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from iodcal.calendars import CalendarContext, CalendarPlugin, SourceHint
from iodcal.calendars.graph import GraphOptions, GraphPlugin, plugin
from iodcal.calendars.graph.client import GraphClient
from iodcal.calendars.graph.errors import error_of
from iodcal.calendars.graph.mailbox import MailboxReader
from iodcal.config.parse import section_of
from iodcal.domain.events import CalendarReading, Event
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.errors import CalendarError, ConfigurationError, PassingError
from iodcal.http import Answer, Deadline, ReadingSession
from iodcal.messages.calendars import CALENDARS
from iodcal.pipeline.attempts import read_all
from tests.calendars.microsoft import settings_for
from tests.servers.entra import TENANT
from tests.servers.faults import (
    Fault,
    changed,
    cut_json,
    cut_short,
    dropped,
    fine,
    graph_error,
    html,
    instead,
    next_page_at,
    refused,
    throttled,
)
from tests.servers.graph import EventJson, GraphServer, NamedCalendar, all_day, event
from tests.servers.tls import Reply, Request

NOC = "noc@contoso.example"
KEY = f"graph:{TENANT}/{NOC}/"
START = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
WINDOW = Interval(START, START + timedelta(hours=72))
HOUR = timedelta(hours=1)
TIMES = "startDateTime=2026-11-22&endDateTime=2026-11-30"


def soon() -> Deadline:
    return Deadline.after(120)


def meeting(subject: str, start: datetime, hours: float = 1, /, **properties: object) -> EventJson:
    return event(subject, start, start + timedelta(hours=hours), **properties)


def many(count: int) -> list[EventJson]:
    return [meeting(f"Meeting {number}", START + timedelta(minutes=number)) for number in range(count)]


def context_for(server: GraphServer, **changes: object) -> CalendarContext:
    return CalendarContext(Path(), shared=settings_for(server), **changes)  # type: ignore[arg-type]  # named as they are


def readers_of(
    context: CalendarContext, options: GraphOptions | None = None, name: str = "noc"
) -> Sequence[MailboxReader]:
    return GraphPlugin().readers(name, options or GraphOptions(mailbox=NOC), context)


def read(server: GraphServer, options: GraphOptions | None = None, **changes: object) -> CalendarReading:
    """As a run reads: with further tries where they may help."""
    (reader,) = readers_of(context_for(server, **changes), options)
    answer = read_all([reader], WINDOW, soon())[reader.source]
    if isinstance(answer, CalendarError):
        raise answer
    return answer


def failure(server: GraphServer, options: GraphOptions | None = None, **changes: object) -> CalendarError:
    with pytest.raises(CalendarError) as caught:
        read(server, options, **changes)
    words = CALENDARS[caught.value.code]
    told = words.message.format(**caught.value.facts) + words.remedy.format(**caught.value.facts)
    assert "planted" not in told + str(caught.value)
    assert not any(token in str(caught.value) for token in server.entra.tokens)
    return caught.value


def subjects(reading: CalendarReading) -> list[str]:
    return sorted(event.subject for event in reading.events)


def views(server: GraphServer) -> list[Request]:
    return [request for request in server.requests if request.path.endswith("/calendarView")]


class TestReading:
    def test_one_mailbox_costs_one_request_beside_the_login(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = [meeting("All-Hands", START + HOUR)]
        reading = read(microsoft)
        assert subjects(reading) == ["All-Hands"]
        assert reading.covers == WINDOW
        assert reading.calendar_id is None
        assert abs((reading.read_at - datetime.now(UTC)).total_seconds()) < 60
        assert [request.method for request in microsoft.requests] == ["GET", "POST", "GET"]

    def test_what_is_asked_for(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        read(microsoft)
        (request,) = views(microsoft)
        assert request.raw_path.split("?")[0] == "/v1.0/users/noc%40contoso.example/calendarView"
        assert request.query["startdatetime"] == "2026-11-21T12:00:00Z"
        assert request.query["enddatetime"] == "2026-11-26T16:00:00Z"
        assert request.query["$top"] == "250"
        selected = request.query["$select"].split(",")
        assert "start" in selected
        assert not {"body", "attendees", "bodyPreview"} & set(selected)
        assert request.headers["prefer"] == 'outlook.timezone="UTC", IdType="ImmutableId"'
        assert len(request.headers["client-request-id"]) == 36

    def test_attendees_are_asked_for_only_if_a_rule_counts_them(self, microsoft: GraphServer) -> None:
        people = [{"type": "required"}] * 3
        microsoft.mailboxes[NOC] = [meeting("Big", START, attendees=people)]
        assert [found.attendees for found in read(microsoft).events] == [None]
        assert [found.attendees for found in read(microsoft, attendees=True).events] == [3]

    def test_pages_are_read_to_the_end(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(600)
        assert len(read(microsoft).events) == 600
        pages = views(microsoft)
        assert len(pages) == 3
        for page in pages:
            assert page.headers["prefer"] == 'outlook.timezone="UTC", IdType="ImmutableId"'
            assert page.headers["authorization"].startswith("Bearer test-token-")
        assert len({page.headers["client-request-id"] for page in pages}) == 3

    def test_an_empty_page_may_have_a_successor(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(260)
        microsoft.script(NOC, [changed(value=[])])
        assert len(read(microsoft).events) == 10

    def test_an_empty_calendar_is_an_answer(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        assert read(microsoft).events == ()

    def test_an_event_that_comes_twice_counts_once_as_it_came_last(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(251)
        moved = {**many(1)[0], "subject": "Moved"}
        microsoft.script(NOC, [fine, changed(value=[moved])])
        found = subjects(read(microsoft))
        assert (len(found), "Moved" in found, "Meeting 0" in found) == (250, True, False)

    def test_only_what_overlaps_the_window_is_kept(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = [
            meeting("ends as it starts", START - HOUR),
            meeting("starts as it ends", WINDOW.end),
            meeting("half inside", START - HOUR, 1.5),
            meeting("the day before", START - 24 * HOUR),
            all_day("a day that is over everywhere", START - timedelta(days=1)),
            all_day("first day, by a creator far east", START, utc_offset_hours=14),
            all_day("last day", WINDOW.end),
            all_day("begun in the far east only", WINDOW.end + timedelta(days=1), utc_offset_hours=-12),
            all_day("a day that begins nowhere", WINDOW.end + timedelta(days=2)),
        ]
        assert subjects(read(microsoft)) == [
            "begun in the far east only",
            "first day, by a creator far east",
            "half inside",
            "last day",
        ]

    def test_cancelled_and_declined_events_are_passed_on(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = [
            meeting("off", START, isCancelled=True),
            meeting("no", START, responseStatus={"response": "declined"}),
        ]
        found = {event.subject: (event.cancelled, event.declined) for event in read(microsoft).events}
        assert found == {"off": (True, False), "no": (False, True)}

    def test_the_servers_clock_is_witness(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.now = lambda: datetime.now(UTC) + timedelta(minutes=7)
        error = read(microsoft).clock_error
        assert error is not None
        assert abs(error - 420) < 5

    @pytest.mark.parametrize("wrong_page", [0, 1, 2])
    def test_the_clock_of_every_page_is_witness(self, microsoft: GraphServer, wrong_page: int) -> None:
        microsoft.mailboxes[NOC] = many(600)

        def fault(reply: Reply, request: Request) -> Reply:  # noqa: ARG001 - a Fault
            ahead = format_datetime(datetime.now(UTC) + timedelta(minutes=7), usegmt=True)
            return dataclasses.replace(reply, headers={**reply.headers, "Date": ahead})

        microsoft.script(NOC, [*[fine] * wrong_page, fault])
        error = read(microsoft).clock_error
        assert error is not None
        assert abs(error - 420) < 5

    def test_two_calendars_of_one_section_share_one_login(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes = {NOC: [], "room@contoso.example": []}
        context, ours = context_for(microsoft), GraphPlugin()
        for name, mailbox in (("noc", NOC), ("room", "room@contoso.example")):
            # As the run does it: the context is replaced, the section in it is the very same.
            again = replace(context, calendar_ids={})
            (reader,) = ours.readers(name, GraphOptions(mailbox=mailbox), again)
            reader.read(WINDOW, soon())
        assert [request.method for request in microsoft.requests] == ["GET", "POST", "GET", "GET"]

    def test_readers_may_be_used_side_by_side(self, microsoft: GraphServer) -> None:
        names = [f"room{number}@contoso.example" for number in range(12)]
        microsoft.mailboxes = {name: [meeting(name, START)] for name in names}
        readers = readers_of(context_for(microsoft), GraphOptions(mailboxes=tuple(names)))
        found: list[Event] = []
        threads = [
            threading.Thread(target=lambda reader=reader: found.extend(reader.read(WINDOW, soon()).events))
            for reader in readers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(event.subject for event in found) == sorted(names)
        assert len(microsoft.requests) == 14

    def test_a_mailbox_may_be_an_object_id(self, microsoft: GraphServer) -> None:
        object_id = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
        microsoft.mailboxes[NOC] = many(1)
        microsoft.users[object_id] = NOC
        assert len(read(microsoft, GraphOptions(mailbox=object_id)).events) == 1

    def test_an_odd_address_is_percent_encoded(self, microsoft: GraphServer) -> None:
        guest = "pat_doe.example#EXT#@contoso.example"
        microsoft.mailboxes[guest] = many(1)
        assert len(read(microsoft, GraphOptions(mailbox=guest)).events) == 1
        assert "pat_doe.example%23EXT%23%40contoso.example" in views(microsoft)[0].raw_path


class TestNamedCalendars:
    OPTIONS = GraphOptions(mailbox=NOC, calendar="Company events")
    KEY = f"graph:{TENANT}/{NOC}/company events"

    @pytest.fixture
    def company(self, microsoft: GraphServer) -> GraphServer:
        microsoft.mailboxes[NOC] = [meeting("in the default calendar", START)]
        microsoft.calendars[NOC] = [
            NamedCalendar("AAMk_b=", "Birthdays", []),
            NamedCalendar("AAMk_c/=", "company Events", [meeting("All-Hands", START)]),
        ]
        return microsoft

    def test_its_id_is_looked_up_by_name_and_handed_back(self, company: GraphServer) -> None:
        reading = read(company, self.OPTIONS)
        assert (subjects(reading), reading.calendar_id) == (["All-Hands"], "AAMk_c/=")
        assert company.requests[-2].query["$select"] == "id,name"

    def test_a_known_id_costs_no_look_up(self, company: GraphServer) -> None:
        reading = read(company, self.OPTIONS, calendar_ids={self.KEY: "AAMk_c/="})
        assert (subjects(reading), reading.calendar_id) == (["All-Hands"], "AAMk_c/=")
        assert company.paths("/calendars") == []
        assert len(company.requests) == 3

    @pytest.mark.parametrize("code", [None, "ErrorInvalidIdMalformed"])
    def test_an_id_that_is_gone_is_looked_up_once_more(self, company: GraphServer, code: str | None) -> None:
        if code is not None:
            company.script(NOC, [refused(400, code)])
        reading = read(company, self.OPTIONS, calendar_ids={self.KEY: "AAMk_old="})
        assert reading.calendar_id == "AAMk_c/="
        assert len(company.paths("/calendars")) == 1

    def test_one_that_is_gone_right_after_the_look_up_is_a_fault(self, company: GraphServer) -> None:
        company.script(NOC, [refused(404, "ErrorItemNotFound")] * 2)
        error = failure(company, self.OPTIONS, calendar_ids={self.KEY: "AAMk_old="})
        assert (error.code, error.facts["calendar"]) == ("calendar_gone", "Company events")
        assert len(company.paths("/calendars")) == 1

    def test_another_fault_does_not_lead_to_a_look_up(self, company: GraphServer) -> None:
        company.script(NOC, [refused(403, "ErrorAccessDenied")])
        assert failure(company, self.OPTIONS, calendar_ids={self.KEY: "x"}).code == "access_denied"
        assert company.paths("/calendars") == []

    def test_a_name_that_is_not_there_tells_which_are(self, company: GraphServer) -> None:
        error = failure(company, GraphOptions(mailbox=NOC, calendar="Compny"))
        assert error.code == "calendar_not_found"
        assert error.facts["there"] == "Calendar, Birthdays, company Events"
        company.calendars[NOC] += [NamedCalendar(f"id{number}", f"N{number}", []) for number in range(9)]
        assert str(failure(company, GraphOptions(mailbox=NOC, calendar="X")).facts["there"]).endswith(
            "N1, ..."
        )

    def test_a_mailbox_without_any_calendar(self, company: GraphServer) -> None:
        company.script(f"calendars:{NOC}", [changed(value=[])])
        assert failure(company, self.OPTIONS).facts["there"] == "none"

    def test_a_name_that_is_there_twice_is_refused(self, company: GraphServer) -> None:
        company.calendars[NOC].append(NamedCalendar("AAMk_d=", "COMPANY EVENTS ", []))
        error = failure(company, self.OPTIONS)
        assert (error.code, error.facts["count"]) == ("calendar_ambiguous", 2)
        assert error.facts["there"] == "AAMk_c/= (1 event), AAMk_d= (0 events)"

    def test_a_calendar_may_be_named_by_its_id(self, company: GraphServer) -> None:
        company.calendars[NOC].append(NamedCalendar("AAMk_d=", "Company events", []))
        reading = read(company, GraphOptions(mailbox=NOC, calendar_id="AAMk_c/="))
        assert (subjects(reading), reading.calendar_id) == (["All-Hands"], None)
        assert company.paths("/calendars") == []
        error = failure(company, GraphOptions(mailbox=NOC, calendar_id="AAMk_gone="))
        assert (error.code, error.facts["calendar"]) == ("calendar_gone", "calendar_id")

    def test_an_id_is_looked_up_again_once_it_is_due_and_the_name_decides(self, company: GraphServer) -> None:
        company.calendars[NOC][1].name = "Company events (old)"
        company.calendars[NOC].append(NamedCalendar("AAMk_d=", "Company events", many(2)))
        known = {"calendar_ids": {self.KEY: "AAMk_c/="}}
        assert read(company, self.OPTIONS, **known).calendar_id == "AAMk_c/="
        due = read(company, self.OPTIONS, **known, hints={self.KEY: SourceHint(id_due=True)})
        assert (due.calendar_id, due.looked_up, len(due.events)) == ("AAMk_d=", True, 2)

    @pytest.mark.usefixtures("waits")
    def test_where_the_look_up_fails_yesterdays_id_serves(self, company: GraphServer) -> None:
        company.script(f"calendars:{NOC}", [html(503)])
        known = {"calendar_ids": {self.KEY: "AAMk_c/="}, "hints": {self.KEY: SourceHint(id_due=True)}}
        reading = read(company, self.OPTIONS, **known)
        assert (reading.calendar_id, reading.looked_up) == ("AAMk_c/=", False)

    def test_a_trial_takes_the_calendar_that_a_run_would_read(self, company: GraphServer) -> None:
        (reader,) = readers_of(context_for(company, calendar_ids={self.KEY: "AAMk_c/="}), self.OPTIONS)
        reader.probe(WINDOW, soon())
        assert company.paths("/calendars") == []

    def test_calendars_are_paged_too(self, company: GraphServer) -> None:
        more = [NamedCalendar(f"id{number}", f"Calendar {number}", []) for number in range(150)]
        company.calendars[NOC] = more + company.calendars[NOC]
        assert read(company, self.OPTIONS).calendar_id == "AAMk_c/="
        assert len(company.paths("/calendars")) == 2

    @pytest.mark.parametrize("value", [5, [5], [{"id": 5}], [{"id": "x", "name": []}]])
    def test_a_list_of_calendars_that_makes_no_sense(self, company: GraphServer, value: object) -> None:
        company.script(f"calendars:{NOC}", [changed(value=value)])
        assert failure(company, self.OPTIONS).code == "answer_wrong"


class TestRetries:
    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param(throttled("3"), id="429"),
            pytest.param(html(500), id="500 HTML"),
            pytest.param(html(503), id="503 HTML"),
            pytest.param(refused(504, "UnknownError"), id="504"),
            pytest.param(html(200), id="200 HTML"),
            pytest.param(cut_json, id="half a document"),
            pytest.param(cut_short, id="fewer bytes than announced"),
            pytest.param(dropped, id="no answer"),
        ],
    )
    def test_a_fault_that_passes_is_waited_out(
        self, microsoft: GraphServer, waits: list[float], fault: Fault
    ) -> None:
        microsoft.mailboxes[NOC] = many(260)
        microsoft.script(NOC, [fault, fine, fault])
        assert len(read(microsoft).events) == 260
        assert len(waits) == 2

    def test_retry_after_is_honoured(self, microsoft: GraphServer, waits: list[float]) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [throttled("30")])
        read(microsoft)
        assert 29.5 <= waits[0] <= 30.5

    def test_a_failed_page_is_a_failed_calendar(self, microsoft: GraphServer, waits: list[float]) -> None:
        microsoft.mailboxes[NOC] = many(600)
        microsoft.script(NOC, [fine, fine, *[html(503)] * 4])
        error = failure(microsoft)
        assert (error.code, error.facts["status"], len(waits)) == ("server_fault", 503, 3)

    @pytest.mark.parametrize("status", [500, 503, 504])
    def test_pages_are_made_smaller_after_a_500_or_504(
        self, microsoft: GraphServer, waits: list[float], status: int
    ) -> None:
        microsoft.mailboxes[NOC] = many(300)
        microsoft.script(NOC, [fine, html(status)])
        reading = read(microsoft)
        assert (len(reading.events), reading.page_size) == (300, 125)
        assert [page.query["$top"] for page in views(microsoft)] == ["250"] * 2 + ["125"] * 3
        assert len(waits) == 1

    def test_pages_are_not_made_smaller_for_ever(self, microsoft: GraphServer, waits: list[float]) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [html(500)] * 12)
        assert failure(microsoft).code == "server_fault"
        assert [page.query["$top"] for page in views(microsoft)] == ["250", "125", "62", "31"]
        assert len(waits) == 3

    @pytest.mark.usefixtures("waits")
    def test_the_page_size_that_worked_is_where_the_next_run_begins(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(100)
        hints = {KEY: SourceHint(page_size=62)}
        assert read(microsoft, hints=hints).page_size == 62
        assert [page.query["$top"] for page in views(microsoft)] == ["62"] * 2

    @pytest.mark.usefixtures("waits")
    def test_an_outage_with_a_time_to_wait_leaves_the_pages_alone(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(3)
        microsoft.script(NOC, [instead(graph_error(503, "ServiceUnavailable", Retry_After="2"))])
        assert read(microsoft).page_size is None
        assert [page.query["$top"] for page in views(microsoft)] == ["250"] * 2

    @pytest.mark.usefixtures("waits")
    def test_reading_goes_on_with_the_page_that_failed(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(600)
        microsoft.script(NOC, [fine, fine, throttled("1")])
        assert len(read(microsoft).events) == 600
        assert len(views(microsoft)) == 4

    def test_every_try_has_an_id_of_its_own(self, microsoft: GraphServer, waits: list[float]) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [throttled("1"), refused(401, "InvalidAuthenticationToken")])
        read(microsoft)
        ids = [request.headers["client-request-id"] for request in views(microsoft)]
        assert len(set(ids)) == len(ids) == 3
        assert len(waits) == 1

    def test_waits_grow_from_refusal_to_refusal(self, microsoft: GraphServer, waits: list[float]) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [throttled("1")] * 6)
        read(microsoft)
        assert [round(wait) for wait in waits] == [1, 2, 4, 8, 16, 32]

    def test_a_token_that_was_revoked_is_replaced_once(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(1)
        (reader,) = readers_of(context_for(microsoft))
        reader.read(WINDOW, soon())
        microsoft.entra.tokens.clear()
        assert len(reader.read(WINDOW, soon()).events) == 1
        assert len(microsoft.paths("/token")) == 2

    def test_a_second_401_is_a_fault(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [refused(401, "InvalidAuthenticationToken")] * 2)
        assert failure(microsoft).code == "token_refused"
        assert len(views(microsoft)) == 2

    @pytest.mark.usefixtures("waits")
    def test_what_stays_no_json_is_told(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [html(200)] * 4)
        error = failure(microsoft)
        assert (error.code, error.facts["content_type"]) == ("not_json", "text/html")
        assert str(error.facts["first_words"]).startswith("<!DOCTYPE html>")

    def test_no_request_goes_out_after_the_deadline(self, microsoft: GraphServer) -> None:
        (reader,) = readers_of(context_for(microsoft))
        with pytest.raises(CalendarError, match="deadline"):
            reader.read(WINDOW, Deadline.after(0))
        assert microsoft.requests == []


class TestPages:
    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.example/v1.0/users/x/calendarView",
            "http://graph.microsoft.com/v1.0/users/x/calendarView",
            "https://127.0.0.1:1/v1.0/users/x/calendarView",
            "//evil.example/v1.0",
            "/v1.0/users/x/calendarView",
            "https://[::1",
            "file:///etc/passwd",
            "{base}@evil.example/v1.0",
            "{base}\n.evil.example/",
            "https://user:word@{host}/v1.0/x",
        ],
    )
    def test_the_token_never_goes_elsewhere(self, microsoft: GraphServer, address: str) -> None:
        microsoft.mailboxes[NOC] = many(1)
        host = microsoft.authority.removeprefix("https://")
        address = address.replace("{base}", microsoft.authority).replace("{host}", host)
        microsoft.script(NOC, [next_page_at(address)])
        assert failure(microsoft).code == "link_foreign"
        assert len(views(microsoft)) == 1

    def test_a_redirect_is_not_followed(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [instead(Reply(302, headers={"Location": "https://evil.example/"}))])
        assert failure(microsoft).code == "answered_in_between"

    def test_a_page_that_names_itself_is_noticed(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(3)
        itself = f"{microsoft.graph}/users/{NOC}/calendarView?$skip=0&{TIMES}"
        microsoft.script(NOC, [next_page_at(itself)] * 3)
        assert failure(microsoft).code == "page_repeated"

    def test_empty_pages_in_a_circle_are_noticed(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        itself = f"{microsoft.graph}/users/{NOC}/calendarView?{TIMES}"
        microsoft.script(NOC, [next_page_at(itself)] * 3)
        assert failure(microsoft).code == "page_repeated"
        assert len(views(microsoft)) == 2

    def test_the_same_page_under_new_addresses_is_noticed(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(600)
        first: list[Reply] = []

        def again(reply: Reply, request: Request) -> Reply:  # noqa: ARG001 - a Fault
            first.append(reply)
            return dataclasses.replace(reply, body=next_page_body(first[0], len(first), microsoft))

        microsoft.script(NOC, [again] * 3)
        assert failure(microsoft).code == "page_repeated"

    def test_pages_without_end_are_given_up(
        self, microsoft: GraphServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("iodcal.calendars.graph.client._MOST_PAGES", 2)
        microsoft.mailboxes[NOC] = many(600)
        error = failure(microsoft)
        assert (error.code, error.facts["pages"]) == ("pages_endless", 2)
        assert len(views(microsoft)) == 2

    def test_one_malformed_event_spoils_itself(self, microsoft: GraphServer) -> None:
        over = meeting("planted, and over", START - timedelta(days=3), showAs=5)
        microsoft.mailboxes[NOC] = [*many(2), meeting("planted", START, showAs=5), over]
        reading = read(microsoft)
        assert len(reading.events) == 2
        assert [(one.code, one.property) for one in reading.spoiled] == [("event_malformed", "showAs")]

    def test_each_spoiled_event_of_one_uid_says_when_it_is(self, microsoft: GraphServer) -> None:
        """Or a circuit could be lowered in all occurrences of a damaged series but its last."""
        starts = [START + timedelta(hours=hours) for hours in (2, 26)]
        microsoft.mailboxes[NOC] = [
            meeting("All-Hands", start, iCalUId="series", showAs=[number])
            for number, start in enumerate(starts)
        ]
        touched = [one.span for one in read(microsoft).spoiled]
        assert [any(span and start in span for span in touched) for start in starts] == [True, True]


def next_page_body(reply: Reply, number: int, server: GraphServer) -> bytes:
    link = f"{server.graph}/users/{NOC}/calendarView?$skip={number}&{TIMES}"
    return changed(**{"@odata.nextLink": link})(reply, server.requests[-1]).body


CLAIMS = {"access_token": {"nbf": {"essential": True, "value": "1735689600"}}}


def challenged(reply: Reply, request: Request) -> Reply:  # noqa: ARG001 - a Fault
    """What Graph says to a token that a policy does not take."""
    claims = base64.urlsafe_b64encode(json.dumps(CLAIMS).encode()).decode().rstrip("=")
    challenge = f'Bearer realm="", error="insufficient_claims", claims="{claims}"'
    return graph_error(401, "InvalidAuthenticationToken", WWW_Authenticate=challenge)


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "code", "told"),
        [
            (400, "ErrorInvalidRequest", "request_refused"),
            (400, "BadRequest", "request_refused"),
            (400, "TimeZoneNotSupportedException", "request_refused"),
            (403, "ErrorAccessDenied", "access_denied"),
            (403, "", "access_denied"),
            (404, "MailboxNotEnabledForRESTAPI", "mailbox_unsupported"),
            (404, "MailboxNotSupportedForRESTAPI", "mailbox_unsupported"),
            (404, "ErrorInvalidUser", "mailbox_unusable"),
            (404, "errorinvaliduser", "mailbox_unusable"),
            (404, "ResourceNotFound", "mailbox_missing"),
            (404, "Request_ResourceNotFound", "mailbox_unknown"),
            (404, "ErrorItemNotFound", "mailbox_unopened"),
            (401, "OrganizationFromTenantGuidNotFound", "tenant_without_exchange"),
            (404, "SomethingNew", "mailbox_not_found"),
            (400, "extensionError", "access_denied"),
            (410, "SyncStateNotFound", "status_unexpected"),
            (418, "Teapot", "status_unexpected"),
            (204, "NoContent", "status_unexpected"),
        ],
    )
    def test_every_refusal_has_its_code_and_remedy(
        self, microsoft: GraphServer, status: int, code: str, told: str
    ) -> None:
        microsoft.mailboxes[NOC] = []
        fault = instead(Reply(204)) if status == 204 else refused(status, code)
        microsoft.script(NOC, [fault] * (2 if status == 401 else 1))
        error = failure(microsoft)
        assert (error.code, error.facts["status"], error.facts["mailbox"]) == (told, status, NOC)
        if status not in (204, 403):
            assert error.facts["graph_code"] == code.casefold()
        if status == 404 and told != "mailbox_unopened":
            assert "group" in CALENDARS[told].remedy

    def test_the_ids_that_support_asks_for_are_kept(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [refused(403, "ErrorAccessDenied")])
        facts = failure(microsoft).facts
        assert facts["request_id"] == "11112222-aaaa"
        assert facts["client_request_id"] == views(microsoft)[0].headers["client-request-id"]
        assert str(facts["date"]).endswith("GMT")

    @pytest.mark.parametrize(
        ("body", "graph_code", "request_id"),
        [
            pytest.param(b'{"error": "planted"}', "none", "none", id="a text"),
            pytest.param(
                b'{"error": {"code": 5, "innererror": {"code": "Deep"}}}', "deep", "none", id="nested"
            ),
            pytest.param(
                b'{"error": {"innerError": {"request-id": "r1"}}}', "none", "r1", id="an id and nothing else"
            ),
            pytest.param(b'{"error": {"code": "A\\u001b[31m"}}', "a [31m", "none", id="controls"),
            pytest.param(b"[]", "none", "none", id="a list"),
        ],
    )
    def test_an_error_may_have_any_shape(
        self, microsoft: GraphServer, body: bytes, graph_code: str, request_id: str
    ) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [instead(Reply(403, body))])
        error = failure(microsoft)
        assert (error.code, error.facts["graph_code"], error.facts["request_id"]) == (
            "access_denied",
            graph_code,
            request_id,
        )

    @pytest.mark.parametrize(
        ("code", "message", "shared", "sure"),
        [
            ("TooManyRequests", "Slow down.", True, True),
            ("ApplicationThrottled", "Application is over its limit for this tenant.", True, True),
            ("ApplicationThrottled", "Slow down.", True, False),
            ("applicationThrottled", "Application is over its MailboxConcurrency limit.", False, False),
            ("activityLimitReached", "The app or user has been throttled.", True, True),
            ("activityLimitReached", "", True, False),
            ("", "Too many requests for this tenant.", True, True),
            ("", "", False, False),
            ("ErrorExceededConnectionCount", "Too many at once.", False, False),
        ],
    )
    def test_whom_a_429_concerns(self, code: str, message: str, shared: bool, sure: bool) -> None:
        said = json.dumps({"error": {"code": code, "message": message}}).encode()
        error = error_of(
            Answer(429, {"Retry-After": "9"}, said, "https://a.example/"), "id", "the application"
        )
        assert isinstance(error, PassingError)
        assert (error.shared is not None, error.sure, error.wait) == (shared, sure, 9.0)

    @pytest.mark.parametrize("status", [401, 403, 404, 407])
    def test_a_refusal_that_is_not_graphs_own_is_told_as_one_in_between(
        self, microsoft: GraphServer, status: int
    ) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [html(status)] * 2)
        error = failure(microsoft)
        assert (error.code, error.facts["status"]) == ("answered_in_between", status)

    @pytest.mark.usefixtures("waits")
    def test_an_outage_is_never_told_as_access_denied(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [refused(503, "ExtensionError")] * 5)
        assert failure(microsoft).code == "server_fault"

    @pytest.mark.usefixtures("waits")
    def test_what_was_read_lately_and_is_not_found_is_tried_again(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(1)
        hints = {KEY: SourceHint(read_lately=True)}
        microsoft.script(NOC, [refused(404, "ErrorInvalidUser")])
        assert len(read(microsoft, hints=hints).events) == 1
        microsoft.script(NOC, [refused(404, "ErrorInvalidUser")] * 5)
        assert failure(microsoft, hints=hints).code == "mailbox_away"

    def test_a_mailbox_that_was_never_opened(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.unopened.add(NOC)
        assert failure(microsoft).code == "mailbox_unopened"

    def test_a_claims_challenge_is_answered(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(1)
        microsoft.script(NOC, [challenged])
        assert len(read(microsoft).events) == 1
        asked = [request.form.get("claims") for request in microsoft.requests if request.method == "POST"]
        assert asked[0] is None
        assert json.loads(asked[1] or "") == CLAIMS

    def test_a_claims_challenge_that_stays_is_told_as_a_policy(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(1)
        microsoft.script(NOC, [challenged] * 2)
        assert failure(microsoft).code == "claims_required"

    def test_a_range_that_is_too_long_is_refused_by_the_server(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        (reader,) = readers_of(context_for(microsoft))
        with pytest.raises(CalendarError, match="request_refused"):
            reader.read(Interval(START, START + timedelta(days=2000)), soon())

    def test_throttled_for_longer_than_there_is_time(
        self, microsoft: GraphServer, waits: list[float]
    ) -> None:
        microsoft.mailboxes[NOC] = []
        microsoft.script(NOC, [throttled("600")])
        assert failure(microsoft).code == "throttled"
        assert waits == []


class TestDirectory:
    def test_without_permission_nothing_more_is_learnt(self, microsoft: GraphServer) -> None:
        assert failure(microsoft).code == "mailbox_unusable"
        assert microsoft.requests[-1].path == f"/v1.0/users/{NOC}"

    def test_a_user_that_does_not_exist(self, microsoft: GraphServer) -> None:
        microsoft.user_read = True
        assert failure(microsoft).code == "mailbox_unknown"

    @pytest.mark.parametrize(
        ("code", "told"),
        [
            ("ErrorInvalidUser", "mailbox_missing"),
            ("SomethingNew", "mailbox_missing"),
            ("MailboxNotEnabledForRESTAPI", "mailbox_unsupported"),
        ],
    )
    def test_a_user_without_a_mailbox_is_named(self, microsoft: GraphServer, code: str, told: str) -> None:
        object_id = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
        microsoft.user_read, microsoft.unknown_mailbox_code = True, code
        microsoft.users[object_id] = "pat@contoso.example"
        error = failure(microsoft, GraphOptions(mailbox=object_id))
        assert (error.code, error.facts["mailbox"]) == (told, f"{object_id} (pat@contoso.example)")

    def test_a_user_that_is_known_by_the_same_name(self, microsoft: GraphServer) -> None:
        microsoft.user_read = True
        microsoft.users["x"] = NOC.upper()
        assert failure(microsoft).facts["mailbox"] == NOC

    @pytest.mark.usefixtures("waits")
    @pytest.mark.parametrize("fault", [html(503), html(200), changed(userPrincipalName=5), dropped])
    def test_a_directory_that_fails_changes_nothing(self, microsoft: GraphServer, fault: Fault) -> None:
        microsoft.user_read = True
        microsoft.users["x"] = NOC
        microsoft.script(f"user:{NOC}", [fault] * 4)
        assert failure(microsoft).code == "mailbox_unusable"

    def test_nobody_asks_the_directory_while_all_is_well(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        read(microsoft)
        assert not any(path.endswith(NOC) for path in microsoft.paths())


class TestOptions:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({}, "either mailbox or mailboxes"),
            ({"mailbox": NOC, "mailboxes": [NOC]}, "either mailbox or mailboxes"),
            ({"mailboxes": []}, "an empty list"),
            ({"mailboxes": [NOC, NOC.upper()]}, "stands twice"),
            ({"mailbox": "groups/1234"}, "group cannot be read by an application"),
            ({"mailbox": "/Groups/1234"}, "group cannot be read by an application"),
            ({"mailbox": "Board room"}, "neither a user principal name"),
            ({"mailbox": ""}, "an empty text"),
            ({"mailbox": "a@b/../c@d"}, "neither a user principal name"),
            ({"mailbox": "a @b"}, "neither a user principal name"),
            ({"mailbox": NOC, "calendar": "  "}, "an empty text"),
            ({"mailbox": NOC, "calender": "x"}, "unknown key; did you mean calendar"),
            ({"mailbox": 5}, "a text is wanted"),
            ({"mailboxes": [NOC, "x@y.example"], "calendar_id": "AAMk"}, "is of one mailbox"),
        ],
    )
    def test_options_that_are_refused(self, given: dict[str, object], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            section_of(GraphOptions, given)

    def test_sources_are_named_by_place_and_shown_by_name(self, microsoft: GraphServer) -> None:
        context = context_for(microsoft)
        (one,) = plugin.sources("noc", GraphOptions(mailbox="NOC@Contoso.example"), context)
        assert (one.key, one.calendar, one.label) == (f"graph:{TENANT}/noc@contoso.example/", "noc", "noc")
        rooms = GraphOptions(mailboxes=("a@b.example", "C@b.example"), calendar="Main")
        named = plugin.sources("rooms", rooms, context)
        assert [source.key for source in named] == [
            f"graph:{TENANT}/a@b.example/main",
            f"graph:{TENANT}/c@b.example/main",
        ]
        assert [source.label for source in named] == ["rooms/a@b.example", "rooms/C@b.example"]

    def test_readers_match_sources_and_one_mailbox_is_one_group(self, microsoft: GraphServer) -> None:
        context, options = context_for(microsoft), GraphOptions(mailboxes=("a@b.example", "C@b.example"))
        readers = readers_of(context, options, "rooms")
        assert [reader.source for reader in readers] == list(plugin.sources("rooms", options, context))
        (again,) = readers_of(context, GraphOptions(mailbox="A@b.example", calendar="Main"))
        assert readers[0].group == again.group != readers[1].group
        assert microsoft.requests == []

    def test_a_missing_section_is_a_fault_of_the_configuration(self) -> None:
        for ask in (plugin.sources, plugin.readers):
            with pytest.raises(ConfigurationError):
                ask("noc", GraphOptions(mailbox=NOC), CalendarContext(Path()))

    def test_the_plugin_is_what_the_entry_point_promises(self) -> None:
        promised: CalendarPlugin = plugin
        assert promised.Options is GraphOptions

    def test_a_new_section_means_a_new_login(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = []
        ours = GraphPlugin()
        for _ in range(2):
            (reader,) = ours.readers("noc", GraphOptions(mailbox=NOC), context_for(microsoft))
            reader.read(WINDOW, soon())
        assert len(microsoft.paths("/token")) == 2


class TestReadingIsAllThereIs:
    def test_the_client_holds_nothing_that_can_send(self) -> None:
        verbs = {"post", "put", "patch", "delete", "request", "send", "options", "head"}
        for thing in (ReadingSession, GraphClient):
            public = {name for name in dir(thing) if not name.startswith("_")}
            assert not public & verbs
        assert "ReadingSession" in str(
            inspect.signature(GraphClient.__init__).parameters["session"].annotation
        )

    def test_the_local_server_would_have_refused(self, microsoft: GraphServer) -> None:
        microsoft.mailboxes[NOC] = many(40)
        read(microsoft)
        reads = [request for request in microsoft.requests if request.path.startswith("/v1.0")]
        assert {request.method for request in reads} == {"GET"}


@pytest.mark.parametrize(
    ("query", "headers", "method", "status"),
    [
        pytest.param({}, {}, "GET", 400, id="no times"),
        pytest.param({"startDateTime": "x", "endDateTime": "y"}, {}, "GET", 400, id="no real times"),
        pytest.param({"$select": "lastModifiedDateTime"}, {}, "GET", 400, id="not selectable"),
        pytest.param({"$top": "1001"}, {}, "GET", 400, id="page too large"),
        pytest.param({"$filter": "x"}, {}, "GET", 400, id="filter"),
        pytest.param({}, {"prefer": "outlook.timezone='UTC'"}, "GET", 500, id="single quotes"),
        pytest.param({}, {"prefer": 'outlook.timezone="Mars"'}, "GET", 400, id="no such zone"),
        pytest.param({}, {"authorization": "Bearer other"}, "GET", 401, id="another token"),
        pytest.param({}, {}, "PATCH", 403, id="PATCH"),
        pytest.param({}, {}, "POST", 403, id="POST"),
    ],
)
def test_the_local_server_is_strict(
    microsoft: GraphServer, query: dict[str, str], headers: dict[str, str], method: str, status: int
) -> None:
    microsoft.mailboxes[NOC] = []
    microsoft.entra.tokens.add("good")
    times = {"startDateTime": "2026-01-01T00:00:00", "endDateTime": "2026-01-02"} if query or headers else {}
    asked = {name.lower(): value for name, value in {**times, **query}.items()}
    path = f"/v1.0/users/{NOC}/calendarView"
    request = Request(method, path, path, asked, {"authorization": "Bearer good", **headers})
    assert microsoft.answer(request).status == status


@pytest.mark.parametrize("code", sorted(CALENDARS))
def test_words_are_one_line_without_a_full_stop(code: str) -> None:
    for text in (CALENDARS[code].message, CALENDARS[code].remedy):
        assert "\n" not in text
        assert text.strip() == text != ""
        assert not text.endswith(".")


def test_a_trial_asks_for_one_event_of_one_day(microsoft: GraphServer) -> None:
    microsoft.mailboxes[NOC] = many(30)
    microsoft.calendars[NOC] = [NamedCalendar("events-id", "Company events", many(3))]
    day = Interval(START, START + timedelta(days=1))
    for options in (GraphOptions(mailbox=NOC), GraphOptions(mailbox=NOC, calendar="company events")):
        (reader,) = readers_of(context_for(microsoft), options)
        microsoft.requests.clear()
        clock_error = reader.probe(day, soon())
        assert clock_error is not None
        (view,) = (request for request in microsoft.requests if request.path.endswith("calendarView"))
        assert view.query["$top"] == "1"
        assert (view.query["startdatetime"], view.query["enddatetime"]) == (
            "2026-11-22T14:00:00Z",
            "2026-11-23T14:00:00Z",
        )
    assert "/calendars/events-id/" in view.path


def test_a_trial_that_fails_names_the_mailbox(microsoft: GraphServer) -> None:
    microsoft.mailboxes[NOC] = []
    microsoft.denied.add(NOC)
    (reader,) = readers_of(context_for(microsoft))
    with pytest.raises(CalendarError) as caught:
        reader.probe(WINDOW, soon())
    assert (caught.value.code, caught.value.facts["mailbox"]) == ("access_denied", NOC)
