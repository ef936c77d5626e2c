"""Sources read try by try over real sockets: those that hang, those that are throttled, and what is kept of
it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iodcal.calendars import CalendarContext, CalendarReader
from iodcal.calendars.graph import GraphOptions, GraphPlugin
from iodcal.config import CalendarConfig
from iodcal.domain.circuit_state import SourceMemory
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.last_known_good import recall_events
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import Matching
from iodcal.domain.structs import replace
from iodcal.errors import CalendarError, PassingError
from iodcal.http import Deadline
from iodcal.pipeline.attempts import Earlier, read_all
from iodcal.pipeline.fetch import EventSnapshot, learn, readers_of, waits_of
from iodcal.store.state import State
from tests.calendars.microsoft import settings_for
from tests.servers.entra import CLIENT_ID, TENANT, login_error
from tests.servers.faults import graph_error, instead, refused
from tests.servers.graph import TOKEN, GraphServer
from tests.servers.tls import Reply

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
WINDOW = Interval(NOW, NOW + timedelta(hours=72))
APPLICATION = f"{TENANT}/{CLIENT_ID}"


def rooms(server: GraphServer, count: int) -> list[CalendarReader]:
    names = tuple(f"room-{number}@contoso.example" for number in range(count))
    server.mailboxes = {name: [] for name in names}
    context = CalendarContext(Path(), shared=settings_for(server))
    return list(GraphPlugin().readers("rooms", GraphOptions(mailboxes=names), context))


def failed(answers: dict[Source, CalendarReading | CalendarError]) -> list[str]:
    return [answer.code for answer in answers.values() if isinstance(answer, CalendarError)]


def test_mailboxes_that_hang_cost_the_others_nothing(microsoft: GraphServer) -> None:
    readers = rooms(microsoft, 40)
    microsoft.hanging = {f"room-{number}@contoso.example" for number in range(36)}
    answers = read_all(readers, WINDOW, Deadline.after(6))
    assert len(failed(answers)) == 36
    assert list(answers) == [reader.source for reader in readers]


def test_all_mailboxes_share_one_login_and_one_failed_login(microsoft: GraphServer) -> None:
    assert failed(read_all(rooms(microsoft, 12), WINDOW, Deadline.after(60))) == []
    assert len(microsoft.paths("/token")) == 1
    microsoft.script(TOKEN, [instead(login_error(401, "invalid_client", 7000222))])
    answers = read_all(rooms(microsoft, 12), WINDOW, Deadline.after(60))
    assert failed(answers) == ["login_secret_expired"] * 12
    assert len(microsoft.paths("/token")) == 2


@pytest.mark.parametrize("code", ["TooManyRequests", "ApplicationThrottled"])
def test_an_application_that_is_throttled_for_longer_than_a_run_is_left_alone_in_the_next(
    microsoft: GraphServer, code: str
) -> None:
    readers = rooms(microsoft, 3)
    refusal = instead(graph_error(429, code, Retry_After="900"))
    for number in range(3):
        microsoft.script(f"room-{number}@contoso.example", [refusal] * 9)
    answers = read_all(readers, WINDOW, Deadline.after(60))
    assert set(failed(answers)) <= {"throttled", "untried"}
    state = learn(State(), snapshot_of(readers, answers), NOW)
    assert state.throttled_until == {APPLICATION: NOW + timedelta(seconds=900)}
    assert state.failed_sources == {reader.source.key for reader in readers}
    microsoft.requests.clear()
    later = NOW + timedelta(minutes=5)
    earlier = Earlier(state.failed_sources, waits_of(state.throttled_until, later))
    answers = read_all(rooms(microsoft, 3), WINDOW, Deadline.after(60), earlier)
    assert failed(answers) == ["application_throttled"] * 3
    assert microsoft.requests == []
    still = learn(state, snapshot_of(readers, answers), later)
    assert still.throttled_until == state.throttled_until
    assert waits_of(state.throttled_until, NOW + timedelta(minutes=15)) == {}


@pytest.mark.parametrize(
    "message", ["Application is over its MailboxConcurrency limit.", "Text that nobody may rely on."]
)
def test_a_mailbox_that_is_throttled_under_the_applications_code_is_alone_with_it(
    microsoft: GraphServer, message: str
) -> None:
    readers = rooms(microsoft, 3)
    said = {"error": {"code": "ApplicationThrottled", "message": message}}
    microsoft.script("room-0@contoso.example", [instead(Reply.of(said, 429, Retry_After="900"))])
    answers = read_all(readers, WINDOW, Deadline.after(60))
    assert failed(answers) == ["throttled"]
    assert len(answers) == 3
    assert learn(State(), snapshot_of(readers, answers), NOW).throttled_until == {}


@pytest.mark.parametrize("asked", [901.0, 31_536_000.0, 1e300])
def test_no_server_can_keep_calendars_from_being_read_for_long(microsoft: GraphServer, asked: float) -> None:
    readers = rooms(microsoft, 1)
    throttled = PassingError("throttled", {}, wait=asked, shared=APPLICATION)
    answers: dict[Source, CalendarReading | CalendarError] = {readers[0].source: throttled}
    state = learn(State(), snapshot_of(readers, answers), NOW)
    assert waits_of(state.throttled_until, NOW + timedelta(minutes=15)) == {}


def test_a_rest_that_was_written_while_the_clock_was_ahead_is_forgotten(microsoft: GraphServer) -> None:
    readers = rooms(microsoft, 1)
    state = State(throttled_until={APPLICATION: NOW + timedelta(days=400)})
    assert waits_of(state.throttled_until, NOW) == {}
    assert learn(state, snapshot_of(readers, {}), NOW).throttled_until == {}


@pytest.mark.usefixtures("waits")
def test_what_was_learnt_of_a_source_is_kept_until_it_is_gone(microsoft: GraphServer) -> None:
    readers = rooms(microsoft, 1)
    key = readers[0].source.key
    microsoft.script("room-0@contoso.example", [refused(504, "UnknownError")])
    answers = read_all(readers, WINDOW, Deadline.after(60))
    state = learn(State(page_sizes={"gone": 62}), snapshot_of(readers, answers), NOW)
    assert (state.page_sizes, state.failed_sources) == ({key: 125}, frozenset())


def test_a_page_size_that_was_too_large_once_is_tried_again_the_next_day(microsoft: GraphServer) -> None:
    rooms(microsoft, 1)
    address = "room-0@contoso.example"
    context = CalendarContext(Path(), shared=settings_for(microsoft))
    calendar = CalendarConfig("rooms", GraphPlugin(), options=GraphOptions(mailbox=address), context=context)
    key = f"graph:{settings_for(microsoft).tenant_id}/{address}/"
    known = SourceMemory(key, "rooms", NOW, WINDOW)
    state, sizes = State(page_sizes={key: 31}, remembered={key: known}), []
    for days in (0, 1, 2, 3, 4):
        now = NOW + timedelta(days=days)
        (reader,) = readers_of(calendar, state, now)
        answers = read_all([reader], WINDOW, Deadline.after(60))
        state = learn(state, snapshot_of([reader], answers), now)
        state = replace(state, remembered={key: replace(known, read_at=now)})
        sizes.append(state.page_sizes.get(key))
    assert sizes == [31, 62, 124, 248, None]


def snapshot_of(
    readers: list[CalendarReader], answers: dict[Source, CalendarReading | CalendarError]
) -> EventSnapshot:
    readings = {key: answer for key, answer in answers.items() if isinstance(answer, CalendarReading)}
    failures = {key: answer for key, answer in answers.items() if isinstance(answer, CalendarError)}
    recalled = tuple(recall_events(reader.source, None) for reader in readers)
    return EventSnapshot(recalled, readings, failures, Matching(()))
