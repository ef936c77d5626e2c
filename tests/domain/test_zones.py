"""S1: local times are judged where the circuit is, whatever the zone of the machine that runs iodcal."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import lay_out
from iodcal.domain.circuits import Baseline, Peak
from iodcal.domain.events import Floating, Timed
from iodcal.domain.localtime import Interval, instant
from iodcal.domain.time import parse_moment
from tests.domain.minutes import DENVER, NOON, at
from tests.domain.test_unmatched import HALL, event, left


@pytest.fixture(params=["Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe"], autouse=True)
def machine_zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """The machine stands 14 hours before UTC, 11 behind it, or somewhere in between."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        clock.tzset()
        yield
    clock.tzset()


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("15:00", "2026-11-24T22:00"),
        ("2026-11-22 15:00", "2026-11-22T22:00"),
        ("2026-11-22T15:00+01:00", "2026-11-22T14:00"),
        ("+3h", "2026-11-24T15:00"),
    ],
)
def test_a_moment_is_read_in_the_zone_it_is_asked_for(text: str, utc: str) -> None:
    found = parse_moment(text, NOON, DENVER)
    assert (found, found.tzinfo) == (datetime.fromisoformat(utc).replace(tzinfo=UTC), UTC)


def test_a_local_time_becomes_an_instant_in_utc() -> None:
    found = instant(datetime(2026, 11, 24, 5), DENVER)  # noqa: DTZ001 - naive: local
    assert (found, found.tzinfo) == (NOON, UTC)


@pytest.mark.parametrize(
    ("zone", "first"),
    [("America/Denver", "2026-11-24T15:00"), ("Asia/Tokyo", "2026-11-23T23:00"), ("UTC", "2026-11-24T08:00")],
)
def test_a_peak_begins_where_the_circuit_is(zone: str, first: str) -> None:
    tuesdays = Baseline(Bandwidth(100), (Peak(frozenset({1}), time(8), time(9), Bandwidth(500)),))
    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    for over in (
        Interval(start - timedelta(hours=20), start + timedelta(minutes=1)),
        Interval(start + timedelta(minutes=59), start + timedelta(hours=20)),
    ):
        (peak,) = (part for part in lay_out(tuesdays, ZoneInfo(zone), over) if part.peak)
        assert peak.span == Interval(max(start, over.start), min(start + timedelta(hours=1), over.end))


def test_a_floating_event_that_no_rule_took_is_shown_as_if_in_utc() -> None:
    noon = NOON.replace(tzinfo=None)
    floating = event("Lunch", span=Floating(noon, noon + timedelta(minutes=30)))
    timed = event("Lunch", 1, span=Timed(at(-5), at(25)))
    (one,) = left(floating, rules=[HALL]).titles
    assert one.first == Interval(NOON, at(30))
    (both,) = left(floating, timed, rules=[HALL]).titles
    assert (both.count, both.first.start) == (2, at(-5))
    later = event("Lunch", 2, span=Timed(at(5), at(25)))
    (both,) = left(floating, later, rules=[HALL]).titles
    assert (both.count, both.first.start) == (2, NOON)
