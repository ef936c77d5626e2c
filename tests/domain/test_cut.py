"""A timeline cut to a shorter span is the timeline drawn over that span."""

from __future__ import annotations

from datetime import time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.circuits import Baseline, Peak
from iodcal.domain.localtime import Interval, whole_days
from iodcal.domain.structs import replace
from iodcal.domain.timeline import draw_timeline
from tests.domain.minutes import CIRCUIT, TIERS, Ask, at, freezes_of, windows_of
from tests.domain.test_simulation import World, worlds


def test_cut_at_its_edges() -> None:
    peak = Peak(frozenset(range(7)), time(6), time(7), TIERS[1])  # from one to two o'clock UTC, in Denver
    circuit = replace(CIRCUIT, baseline=Baseline(TIERS[0], (peak,)))
    windows = windows_of(Ask(0, 60, 500), Ask(90, 120, 1000), circuit=circuit)
    freezes = freezes_of(Ask(-300, -200, freeze="ups"), Ask(50, 70, freeze="none"))
    wide = draw_timeline(circuit, windows, Interval(at(-600), at(600)), freezes)
    early = replace(circuit, baseline=Baseline(TIERS[0], (replace(peak, lead=timedelta(minutes=20)),)))
    for start, end in ((-20, 60), (0, 60), (30, 130)):
        over = Interval(at(start), at(end))
        whole = draw_timeline(early, windows, Interval(at(-600), at(600)))
        assert whole.cut(over) == draw_timeline(early, windows, over)
    for start, end in ((-600, 600), (0, 60), (30, 130), (60, 90), (59, 61), (-600, -599), (599, 600)):
        over = Interval(at(start), at(end))
        assert wide.cut(over) == draw_timeline(circuit, windows, over, freezes)


@given(worlds(exactly=True), st.integers(-2000, 2000), st.integers(1, 2000))
def test_any_cut_is_as_drawn(world: World, start: int, length: int) -> None:
    over = Interval(at(start), at(start + length))
    wide = draw_timeline(world.circuit, world.timeline.windows, whole_days(over))
    assert wide.cut(over) == draw_timeline(world.circuit, world.timeline.windows, over)


def test_whole_days_hold_what_they_are_made_of() -> None:
    noon = at(0).replace(hour=12, minute=0)
    midnight = noon.replace(hour=0)
    days = whole_days(Interval(noon, noon.replace(minute=1)))
    assert (days.start, (days.end - days.start).days) == (midnight, 1)
    assert whole_days(days) == days
