"""One identity of an event on a circuit, and one verdict on whether it was in time."""

from __future__ import annotations

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.service_level import EventOnCircuit, came_to_tier, judge, recorded_id
from iodcal.domain.steps import EVER
from iodcal.domain.structs import replace
from tests.domain.minutes import at

START = 30


@pytest.mark.parametrize(
    ("now", "since", "cause", "can_be_done", "verdict"),
    [
        (29, 10, None, True, "ready"),
        (29, None, None, True, "expected"),
        (29, None, "quota", True, "at_risk"),
        (29, None, "quota", False, "late"),
        (29, 10, "exactly", True, "at_risk"),
        (30, 30, None, True, "ready"),
        (30, 31, None, True, "late"),
        (30, None, None, True, "late"),
        (99, 10, None, False, "ready"),
    ],
)
def test_the_verdict(now: int, since: int | None, cause: str | None, can_be_done: bool, verdict: str) -> None:
    known = at(since) if since is not None else None
    found = judge(at(START), at(now), at_tier_since=known, cause=cause, can_be_done=can_be_done)
    assert found == verdict


@pytest.mark.parametrize(
    ("levels", "since"),
    [
        ([(0, 1000)], None),
        ([(0, 100), (20, 1000)], 20),
        ([(0, 100), (20, 500), (25, 1000)], 25),
        ([(0, 100), (20, 1000), (25, 100)], "never"),
        ([(0, 100), (20, 1000), (31, 100)], 20),
        ([(0, 100), (40, 1000)], 40),
        ([(0, 100), (40, 500), (50, 1000), (55, 100)], 50),
        ([(0, 100), (40, 500), (50, 1000)], 50),
        ([(0, 100), (60, 1000)], "never"),
        ([(0, None), (40, 1000)], None),
        ([(0, None), (10, 100), (40, 1000)], 40),
        ([(0, None)], "never"),
    ],
)
def test_since_when_a_circuit_was_at_the_tier(
    levels: list[tuple[int, int | None]], since: int | str | None
) -> None:
    ends = [start for start, _ in levels[1:]] + [90]
    pieces = [
        (Interval(at(start), at(end)), Bandwidth(mbps) if mbps is not None else None)
        for (start, mbps), end in zip(levels, ends, strict=True)
    ]
    found = came_to_tier(pieces, Interval(at(START), at(60)), Bandwidth(1000))
    assert found == (None if since == "never" else EVER if since is None else at(float(since)))


def test_events_of_one_rule_that_begin_at_once_have_places_of_their_own() -> None:
    one = EventOnCircuit("den-a", "Calls", at(START), "uid/1/Calls")
    other = replace(one, event="uid/2/Calls")
    assert one.place.startswith("den-a/Calls/2026-11-24T12:30Z/")
    assert one.common_place == other.common_place == "den-a/Calls/2026-11-24T12:30Z"
    assert len({one.place, other.place, one.common_place}) == 3
    assert (one.id, other.id) == ("uid/1/Calls", "uid/2/Calls")


def test_a_line_of_the_first_versions_names_rule_and_start() -> None:
    old = EventOnCircuit("den-a", "Calls", at(START), None)
    assert old.place == old.common_place == "den-a/Calls/2026-11-24T12:30Z"
    assert old.id == recorded_id(None, "Calls", at(START)) == "Calls/2026-11-24T12:30:00+00:00"
