"""Hostile text, times in words, and words for everything."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from iodcal.carriers import ListedCircuit
from iodcal.domain.changes import Reason
from iodcal.errors import IodcalError, LockHeldError, StateError, UsageError
from iodcal.messages.calendars import CALENDARS
from iodcal.messages.carriers import CARRIERS, HELD
from iodcal.messages.errors import describe as describe_error
from iodcal.messages.files import FILES, STATE_WORDS
from iodcal.output.lines import lost_state_text
from iodcal.output.operations import circuits_table
from iodcal.output.text import (
    for_label,
    for_line,
    for_terminal,
    local_named,
    local_span,
    relative,
    rough,
    span_with_zone,
)
from iodcal.problems.kinds import Kind, Problem
from iodcal.problems.messages import describe
from tests.e2e.command import ROOT

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m"),
        ("one\nline\r\ttwo", "one line two"),
        ("evil\u202etxt.exe", "eviltxt.exe"),
        ("\u2066a\u2069\u200b", "a"),
        ("[bold]x[/bold] :smile:", "[bold]x[/bold] :smile:"),
        ("\x00\x07\x9b", "\ufffd\ufffd\ufffd"),
        ("👩\u200d💻 ops", "👩\u200d💻 ops"),
        ("=cmd()", "=cmd()"),
        ("", ""),
    ],
)
def test_hostile_text_is_made_harmless(hostile: str, shown: str) -> None:
    assert for_line(hostile) == shown


def test_two_names_that_differ_are_two_labels() -> None:
    names = ["a b", "a  b", "a\u200bb", "ab", "a\x1bb", "a\u200db"]
    assert len({for_label(name) for name in names}) == len(names) - 1  # two unseen ones look alike
    assert for_label("a\n\x1b\u202e\ud800b") == "a \ufffd\ufffd\ufffdb"


def test_circuits_to_pick_from_are_shown_without_their_controls() -> None:
    out = StringIO()
    hostile = "\x1b[38;5;201m\u202e[red]x[/red]\n"
    table = circuits_table([ListedCircuit(hostile, None, hostile, hostile)])
    Console(file=out, width=100, force_terminal=True, color_system="standard", markup=False).print(table)
    text = re.sub(r"\x1b\[[01]m", "", out.getvalue())
    assert text.count("\ufffd[38;5;201m[red]x[/red]") == 3
    assert not {"\x1b", "\u202e"} & set(text)


def test_a_long_title_is_cut() -> None:
    assert for_terminal("x" * 100, 10) == "x" * 9 + "…"
    assert for_terminal("short", 10) == "short"


@pytest.mark.parametrize(
    ("length", "text"),
    [(5, "5 s"), (60, "1 min"), (7199, "119 min"), (7200, "2 h"), (172799, "47 h"), (172800, "2 days")],
)
def test_lengths_in_words(length: int, text: str) -> None:
    assert rough(timedelta(seconds=length)) == text


def test_times_relative_to_now() -> None:
    assert relative(NOON, NOON) == "now"
    assert relative(NOON + timedelta(minutes=5), NOON) == "in 5 min"
    assert relative(NOON - timedelta(hours=3), NOON) == "3 h ago"
    denver = ZoneInfo("America/Denver")
    assert local_span(NOON, NOON + timedelta(hours=1), denver) == "05:00-06:00"
    assert local_span(NOON, NOON + timedelta(hours=20), denver) == "05:00-Wed 25 01:00"


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    "facts", [{}, {"code": "timeout", "subject": None, "rule": "r", "start": "?", "zone": "UTC"}]
)
def test_every_problem_has_words_whatever_is_missing(kind: Kind, facts: dict[str, str | None]) -> None:
    words = describe(Problem(kind, "here", facts))
    assert words.message
    assert words.remedy
    assert "{" not in words.message + words.remedy


def test_a_problem_of_an_event_speaks_in_the_circuits_time() -> None:
    facts = {
        "circuit": "den-a",
        "needs": "1 Gbps",
        "subject": "All-Hands",
        "start": "2026-11-24T15:25:00+00:00",
        "zone": "America/Denver",
        "cause": "late_run",
    }
    words = describe(Problem(Kind.EVENT_AT_RISK, "x", facts))
    assert words.message.startswith('den-a will not be at 1 Gbps for "All-Hands" (Tue 24 Nov 08:25 MST): ')
    hidden = describe(Problem(Kind.EVENT_LATE, "x", {**facts, "subject": None, "rule": "Rooms"}))
    assert hidden.message.startswith("den-a is not at 1 Gbps for an event of the rule Rooms")


def test_drift_says_when_it_ends() -> None:
    facts = {"circuit": "a", "observed": "1 Gbps", "ordered": "100 Mbps", "direction": "up", "zone": "UTC"}
    until = {**facts, "lowers_at": "2026-11-24T18:00:00+00:00"}
    assert "Tue 24 Nov 18:00 UTC" in describe(Problem(Kind.DRIFT, "a", until)).remedy
    assert "when the demand next falls" in describe(Problem(Kind.DRIFT, "a", facts)).remedy
    for remedy in (describe(Problem(Kind.DRIFT, "a", given)).remedy for given in (until, facts)):
        assert "iodcal hold a 1 Gbps --until TIME" in remedy
    lowered = {**facts, "direction": "down", "raising": "yes"}
    assert describe(Problem(Kind.DRIFT, "a", lowered)).remedy == "It is raised now"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words(reason: Reason) -> None:
    assert HELD[reason]


CODES = re.compile(
    r'(Calendar|Carrier|Order\w*|AnswerLost|ChangePending|QuotaExceeded|State|Secret)Error\(\s*"(\w+)"'
)
TABLES = {
    "Calendar": {**CALENDARS, **FILES},
    "State": STATE_WORDS,
    "Secret": FILES,
}


def raised_codes() -> list[tuple[str, str]]:
    sources = "".join(path.read_text() for path in sorted(Path(ROOT, "iodcal").rglob("*.py")))
    return sorted(set(CODES.findall(sources)))


@pytest.mark.parametrize(("edge", "code"), raised_codes())
def test_every_code_that_is_raised_has_words(edge: str, code: str) -> None:
    assert code in TABLES.get(edge, CARRIERS)


def test_the_errors_that_end_a_command_have_words() -> None:
    held = LockHeldError(pid=7, host="den", command="sync", since=NOON)
    assert describe_error(held).message == (
        "Another run is at work: sync (process 7 on den) since 2026-11-24T12:00:00+00:00"
    )
    nobody = LockHeldError(pid=None, host=None, command=None, since=None)
    assert describe_error(nobody).message == "Another run is at work"
    assert "/s" in describe_error(StateError("unwritable", path="/s", reason="full")).message
    assert "den-x" in describe_error(UsageError("no_such_circuit", circuit="den-x", known="a")).message
    assert "strange" in describe_error(IodcalError("strange")).message


def test_a_state_that_could_be_saved_nowhere_is_told_without_a_place() -> None:
    assert "here or elsewhere" in lost_state_text("")
    assert "written to /tmp/x" in lost_state_text("/tmp/x")  # noqa: S108 - a name only


@pytest.mark.parametrize(
    ("zone", "home", "shown"),
    [
        ("America/Denver", "America/Denver", "Tue 24 05:00"),
        ("Europe/London", "America/Denver", "Tue 24 12:00 GMT"),
        ("America/Sao_Paulo", "America/Denver", "Tue 24 09:00 -03"),
        ("America/Phoenix", "America/Denver", "Tue 24 05:00 MST"),
        ("Asia/Shanghai", "America/Chicago", "Tue 24 20:00 UTC+0800"),
    ],
)
def test_a_time_names_its_zone_where_that_is_not_the_headings(zone: str, home: str, shown: str) -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert local_named(noon, ZoneInfo(zone), ZoneInfo(home)) == shown


def test_a_span_that_stands_by_itself_names_its_zone() -> None:
    zone, begin = ZoneInfo("America/Denver"), datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
    assert span_with_zone(begin, begin + timedelta(minutes=15), zone) == "01:30-01:45 MDT"
    assert span_with_zone(begin, begin + timedelta(hours=1), zone) == "01:30-01:30 MDT/MST"
