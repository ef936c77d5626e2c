"""What is the same of many calendars is told once, and nothing else is."""

from __future__ import annotations

from iodcal.domain.structs import Fact
from iodcal.problems.kinds import Kind, Problem
from iodcal.problems.messages import describe_together


def unreadable(where: str, code: str = "login_secret_expired", **facts: Fact) -> Problem:
    return Problem(Kind.CALENDAR_UNREADABLE, where, {"code": code, "aadsts": "AADSTS7000222", **facts})


def told(*problems: Problem) -> list[tuple[str, str]]:
    """Which problem each text came with, and how it begins."""
    texts = describe_together(problems)
    return [(problem.where, words.message.partition(" cannot be")[0]) for problem, words in texts]


def test_one_reason_is_told_once_and_names_some_of_its_calendars() -> None:
    assert told(unreadable("a")) == [("a", "The calendar a")]
    assert told(unreadable("a"), unreadable("b")) == [("a", "The calendars a and b")]
    assert told(*map(unreadable, "abcd")) == [("a", "The calendars a, b, c and d")]
    assert told(*map(unreadable, "abcde")) == [("a", "The calendars a, b, c and 2 more")]


def test_another_reason_is_told_for_itself_and_all_keep_their_order() -> None:
    found = told(
        unreadable("a", circuits="den-a"),
        unreadable("b", "access_denied", mailbox="b@contoso.example"),
        unreadable("c", circuits="lon-a"),  # the same words, whatever hangs on it
        unreadable("d", aadsts="AADSTS1"),
        unreadable("e", "access_denied", mailbox="e@contoso.example"),
    )
    assert found == [
        ("a", "The calendars a and c"),
        ("b", "The calendar b"),
        ("d", "The calendar d"),
        ("e", "The calendar e"),
    ]


def test_what_is_no_calendar_stands_as_it_is() -> None:
    alike = [Problem(Kind.CARRIER_UNREADABLE, name, {"code": "timeout", "host": "x"}) for name in ("a", "b")]
    assert [problem.where for problem, _ in describe_together(alike)] == ["a", "b"]


def test_the_remedy_is_that_of_the_reason() -> None:
    ((_, words),) = describe_together([unreadable("a"), unreadable("b")])
    assert words.remedy.startswith("Create a new one in the Microsoft Entra admin centre")
