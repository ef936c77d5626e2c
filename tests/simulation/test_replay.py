"""Calendars answered from memory: S2's filters, and failures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iodcal.calendars import CalendarContext
from iodcal.domain.events import Event, Floating, Source, Timed
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from iodcal.simulation.environment import ReplayPlugin, ReplayReader, ReplayStore
from iodcal.simulation.faults import NO_FAULTS, FaultInjector, FaultKind, FaultPlan

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOURCE = Source("memory:noc", "noc", "noc")
SOON = Deadline(float("inf"))


def event(name: str, start: float, length: float) -> Event:
    begin = NOW + timedelta(hours=start)
    return Event(SOURCE, name, name, Timed(begin, begin + timedelta(hours=length)))


def reader(*events: Event, rate: float = 0.0) -> ReplayReader:
    plan = FaultPlan(rate) if rate else NO_FAULTS
    return ReplayReader(SOURCE, ReplayStore(events), lambda: NOW, FaultInjector(plan, "noc"))


WINDOW = Interval(NOW, NOW + timedelta(hours=72))


def test_what_overlaps_counts_and_what_lies_near_comes_along() -> None:
    events = [
        event("long over", -500, 1),
        event("just over", -1, 1),
        event("running", -1, 2),
        event("months", -2000, 2100),
        event("inside", 71, 5),
        event("next", 72, 1),
        event("far", 200, 1),
    ]
    reading = reader(*events).read(WINDOW, SOON)
    assert {one.id for one in reading.events} == {"running", "months", "inside"}
    assert {one.id for one in reading.elsewhere} >= {"just over", "next"}
    assert "far" not in {one.id for one in reading.elsewhere}
    assert (reading.covers, reading.read_at) == (WINDOW, NOW)


def test_a_floating_day_may_begin_anywhere_in_the_world() -> None:
    day = Floating(datetime(2026, 11, 27), datetime(2026, 11, 28))  # noqa: DTZ001 - a floating time has no zone
    assert reader(replace(event("day off", 0, 1), span=day)).read(WINDOW, SOON).events


def test_the_same_events_are_the_same_objects_run_after_run() -> None:
    one = reader(event("a", 1, 1))
    assert one.read(WINDOW, SOON).events[0] is one.read(WINDOW, SOON).events[0]


def test_an_event_turned_round_is_still_shown() -> None:
    assert reader(event("turned", 2, -1)).read(WINDOW, SOON).events


def test_a_failing_call_is_recorded() -> None:
    failing = reader(event("a", 1, 1), rate=1.0)
    with pytest.raises(CalendarError):
        failing.read(WINDOW, SOON)
    assert [one.kind for one in failing.chance.injected] == [FaultKind.CALENDAR_UNREADABLE]


def test_the_plugin_hands_out_what_was_read() -> None:
    plugin, context = ReplayPlugin((reader(),)), CalendarContext(Path())
    assert plugin.sources("noc", None, context) == (SOURCE,)
    assert plugin.readers("noc", None, context)[0].group == "replay"
