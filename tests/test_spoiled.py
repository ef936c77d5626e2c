"""An event that cannot be understood: told, and nothing lowered that it could need."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.events import CalendarReading, Source, SpoiledEvent
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import Matching
from iodcal.domain.rules import Rule
from iodcal.pipeline.detect import of_spoiled
from iodcal.pipeline.fetch import EventSnapshot
from iodcal.problems.kinds import Severity
from iodcal.problems.messages import describe

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
COMPANY, OTHER = Source("ics:a", "company", "company"), Source("ics:b", "other", "other")
RULES = (
    Rule("talks", {"company": ("den-a", "lon-a")}, Bandwidth(1000), lead=HOUR, trail=HOUR / 2),
    Rule("calls", {"other": ("den-b",)}, Bandwidth(500)),
)


def snapshot(*spoiled: SpoiledEvent, source: Source = COMPANY) -> EventSnapshot:
    reading = CalendarReading(source, Interval(NOON, NOON + 72 * HOUR), NOON, (), spoiled=spoiled)
    return EventSnapshot((), {source: reading}, {}, Matching(()))


def test_the_circuits_of_its_calendars_rules_are_in_doubt_while_it_could_last() -> None:
    span = Interval(NOON + HOUR, NOON + 2 * HOUR)
    doubtful = snapshot(SpoiledEvent("a", "ics_damaged", span=span)).doubtful(RULES)
    assert doubtful == {name: (Interval(NOON, NOON + 2.5 * HOUR),) for name in ("den-a", "lon-a")}
    assert snapshot().doubtful(RULES) == {}


def test_one_whose_time_nobody_knows_is_always_in_doubt() -> None:
    (doubt,) = snapshot(SpoiledEvent("", "ics_damaged"), source=OTHER).doubtful(RULES)["den-b"]
    assert NOON - 10**6 * HOUR in doubt
    assert NOON + 10**6 * HOUR in doubt


def test_it_is_told_with_line_property_and_uid() -> None:
    first = SpoiledEvent("a", "ics_unknown_zone", "DTSTART", 7, "Custom")
    problem = of_spoiled(COMPANY, [SpoiledEvent("b", "ics_damaged", line=30), first], RULES)
    assert (problem.id, problem.severity) == ("event_unreadable:company", Severity.ERROR)
    assert problem.facts["circuits"] == "den-a, lon-a"
    words = describe(problem)
    assert words.message == (
        "The calendar company holds an event, and 1 more, that cannot be understood: nobody knows the time "
        'zone "Custom" (line 7, property DTSTART, UID a)'
    )
    assert words.remedy.startswith('Say what it means: settings: {zones: {"Custom": America/Denver}}')


def test_one_of_which_little_is_known_is_told_too() -> None:
    words = describe(of_spoiled(OTHER, [SpoiledEvent("", "ics_too_dense")], RULES))
    assert words.message == (
        "The calendar other holds an event that cannot be understood: the series has too many occurrences to "
        "look at"
    )
