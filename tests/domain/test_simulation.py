"""S5 in use: hours of runs at uneven times, orders that take their time, and what must come of it.

The tables say what one run does; here a circuit lives through all of it. Any carrier, any cron line: `every`,
`provisioning` and `min_gap` are drawn with the events, and so are the times of the runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Baseline, Circuit, Peak
from iodcal.domain.due import Timing, coming_changes, due_change
from iodcal.domain.localtime import Interval
from iodcal.domain.planning import view_from
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline, draw_timeline
from tests.domain.minutes import CIRCUIT, POLICY, TIERS, Ask, at, minute_of, minutes, windows_of

LAST = 480  # minutes
OFF_PEAK = TIERS[0].mbps


@dataclass
class World:
    """What is asked for, how the carrier is, and when runs come (minutes, at most `every` apart)."""

    asks: list[Ask]
    every: int
    provisioning: int
    min_gap: int
    runs: list[int] = field(repr=False)
    circuit: Circuit = field(repr=False)
    timeline: Timeline = field(init=False, repr=False)

    def __post_init__(self) -> None:
        windows = windows_of(*self.asks, circuit=self.circuit)
        self.timeline = draw_timeline(self.circuit, windows, view_from(at(0), self.circuit, POLICY))

    @property
    def timing(self) -> Timing:
        return Timing(minutes(self.every), minutes(self.provisioning), minutes(self.min_gap))

    def wanted(self, start: float, end: float) -> set[int]:
        """Every level of the timeline between two minutes."""
        return {segment.target.mbps for segment in self.timeline.over(Interval(at(start), at(end)))}


@st.composite
def worlds(draw: st.DrawFn, *, exactly: bool = False) -> World:
    every, provisioning = draw(st.integers(1, 30)), draw(st.integers(1, 90))
    asks = draw(st.lists(_asks(every + provisioning), max_size=6, unique_by=lambda ask: ask.name))
    if exactly:
        start = draw(st.integers(0, LAST))
        level = draw(st.sampled_from([tier.mbps for tier in TIERS]))
        end, hold = start + draw(st.integers(1, 200)), draw(st.booleans())
        asks.append(Ask(start, end, level, exactly=True, priority=5, name="work", hold=hold))
    gaps = draw(st.lists(st.integers(1, every), min_size=5, max_size=40))
    peaks = draw(st.lists(_peaks(), max_size=2))
    return World(
        asks,
        every,
        provisioning,
        draw(st.sampled_from([0, 15, 60, 120])),
        _run_times(gaps),
        replace(CIRCUIT, provisioning=minutes(provisioning), baseline=Baseline(TIERS[0], tuple(peaks))),
    )


def _run_times(gaps: list[int]) -> list[int]:
    runs = [0]
    while runs[-1] < LAST:
        runs.append(runs[-1] + gaps[len(runs) % len(gaps)])
    return runs


@st.composite
def _asks(draw: st.DrawFn, least_lead: int) -> Ask:
    start = draw(st.integers(least_lead, LAST - 1))
    return Ask(
        start,
        start + draw(st.integers(1, 120)),
        draw(st.sampled_from([50, 200, 300, 500, 1000, 4000])),
        priority=draw(st.integers(-1, 6)),
        lead=least_lead + draw(st.integers(0, 30)),
        trail=draw(st.integers(0, 20)),
        name=f"event {draw(st.integers(0, 10**9))}",
    )


@st.composite
def _peaks(draw: st.DrawFn) -> Peak:
    start, length = draw(st.integers(5 * 60, 12 * 60)), draw(st.integers(5, 180))  # noon UTC is 5 in Denver
    first, last = divmod(start, 60), divmod(start + length, 60)
    return Peak(frozenset(range(7)), time(*first), time(*last), draw(st.sampled_from(TIERS)))


@dataclass
class Life:
    """What became of a circuit: its bandwidth by minute, and the changes that were ordered."""

    running: list[int]
    changes: list[tuple[int, int, int]]  # minute, from, to


def live(world: World, start: int = OFF_PEAK) -> Life:
    """One order at a time; a run that meets an open one waits, as iodcal does."""
    runs, life = set(world.runs), Life([], [])
    running = ordered = start
    done_at = 0
    for minute in range(LAST):
        if minute >= done_at:
            running = ordered
        if minute in runs and minute >= done_at:
            change = due_change(world.timeline, Bandwidth(ordered), at(minute), world.timing).change
            if change is not None:
                assert change.old == Bandwidth(ordered)
                life.changes.append((minute, ordered, change.new.mbps))
                ordered, done_at = change.new.mbps, minute + world.provisioning
        life.running.append(running)
    return life


@given(worlds())
def test_the_circuit_is_at_tier_whenever_an_event_runs(world: World) -> None:
    running = live(world).running
    for ask in world.asks:
        need = CIRCUIT.sold(Bandwidth(ask.mbps)).mbps
        slow = [m for m in range(int(ask.start), min(int(ask.end), LAST)) if running[m] < need]
        assert not slow, f"too slow for {ask} at {slow}"


@given(worlds(), st.sampled_from(TIERS))
def test_no_lowering_must_be_taken_back_within_the_billing_hour(world: World, start: Bandwidth) -> None:
    changes = live(world, start.mbps).changes
    for number, (minute, old, new) in enumerate(changes):
        if new < old:
            assert max(world.wanted(minute, minute + world.min_gap + 0.1 * (not world.min_gap))) <= new
            raised = [later for later, was, to in changes[number:] if to > was]
            assert all(later > minute + world.min_gap - world.every for later in raised)


@given(worlds(exactly=True), st.sampled_from(TIERS))
def test_where_one_level_is_asked_for_long_enough_it_is_the_level(world: World, start: Bandwidth) -> None:
    """Neither too slow nor paid for too long: an open order may have to end first, then a run come."""
    running = live(world, start.mbps).running
    settling = 2 * world.provisioning + world.every
    ahead = max(world.min_gap, world.every + world.provisioning)
    for minute in range(settling, LAST):
        wanted = world.wanted(minute - settling, minute + ahead)
        if len(wanted) == 1:
            assert running[minute] == wanted.pop()


@given(worlds(exactly=True), st.sampled_from(TIERS))
def test_never_a_level_that_nothing_near_asks_for(world: World, start: Bandwidth) -> None:
    for minute, old, new in live(world, start.mbps).changes:
        ahead = world.every + world.provisioning if new > old else max(world.min_gap, 120)
        assert new in world.wanted(minute, minute + ahead)


@given(worlds(exactly=True), st.sampled_from(TIERS), st.integers(0, LAST))
def test_applying_a_plan_and_planning_again_asks_for_nothing(
    world: World, ordered: Bandwidth, now: int
) -> None:
    change = due_change(world.timeline, ordered, at(now), world.timing).change
    if change is not None:
        assert change.new != change.old == ordered
        assert due_change(world.timeline, change.new, at(now), world.timing).change is None


@given(worlds(exactly=True), st.sampled_from(TIERS))
def test_what_is_to_come_is_what_a_swift_carrier_would_do(world: World, start: Bandwidth) -> None:
    """Runs every minute and orders that take no time: the plan foresees each change, to the minute."""
    level = first = _at_once(world, start, 0)
    done = []
    for minute in range(1, LAST):
        level, before = _at_once(world, level, minute), level
        if level != before:
            done.append((minute, before.mbps, level.mbps))
    planned = coming_changes(world.timeline, first, after=at(0), until=at(LAST), min_gap=world.timing.min_gap)
    assert [(minute_of(change.at), change.old.mbps, change.new.mbps) for change in planned] == done


def _at_once(world: World, level: Bandwidth, minute: int) -> Bandwidth:
    """The level after a run that is followed by another at once, at a carrier that takes no time."""
    target = world.timeline.at(at(minute)).target
    if target > level:
        return target
    highest = max(world.wanted(minute, _sight_ends(world, minute)), default=target.mbps)
    return min(level, Bandwidth(max(highest, target.mbps)))


def _sight_ends(world: World, minute: int) -> float:
    """The billing hour's end, or where `exactly` begins or stops to govern before it."""
    work = [ask for ask in world.asks if ask.exactly]
    ends = [edge for ask in work for edge in (ask.start, ask.end) if edge > minute]
    return min([minute + world.min_gap, *ends])


@given(worlds(exactly=True), st.sampled_from(TIERS), st.integers(0, LAST))
def test_changes_to_come_form_a_chain_in_order(world: World, level: Bandwidth, now: int) -> None:
    changes = list(
        coming_changes(world.timeline, level, after=at(now), until=at(LAST), min_gap=world.timing.min_gap)
    )
    assert not changes or changes[0].old == level
    for earlier, later in pairwise(changes):
        assert (earlier.new, earlier.at < later.at) == (later.old, True)
