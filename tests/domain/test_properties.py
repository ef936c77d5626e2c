"""What must always hold, whatever the calendars say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Baseline, Peak
from iodcal.domain.conditions import Conditions
from iodcal.domain.due import coming_changes, due_change
from iodcal.domain.events import Event, Floating, Source, Timed
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import match_events
from iodcal.domain.rules import Mode, Rule
from iodcal.domain.structs import replace
from iodcal.domain.text_match import Keyword
from iodcal.domain.timeline import Timeline, draw_timeline
from iodcal.domain.windows import open_windows
from tests.domain.minutes import CIRCUIT, TIERS, Ask, at, minute_of, minutes, timeline_of, timing

EVERY, PROVISIONING, MIN_GAP = 5, 10, 60
PACE = timing(EVERY, PROVISIONING, MIN_GAP)
LAST = 600

levels = st.sampled_from([100, 200, 300, 500, 1000])


@st.composite
def asks(draw: st.DrawFn, *, exactly: bool = False, lead: int = EVERY + PROVISIONING) -> Ask:
    start = draw(st.integers(30, LAST - 60))
    return Ask(
        start,
        start + draw(st.integers(1, 180)),
        draw(levels),
        exactly=exactly and draw(st.booleans()),
        priority=draw(st.integers(-2, 2)) if exactly else 0,
        lead=draw(st.integers(lead, 45)),
        trail=draw(st.integers(0, 20)),
        name=f"event {draw(st.integers(0, 10**9))}",
        hold=exactly and draw(st.booleans()),
    )


several = st.lists(asks(), max_size=8, unique_by=lambda ask: ask.name)
mixed = st.lists(asks(exactly=True, lead=0), max_size=8, unique_by=lambda ask: ask.name)


class Simulation:
    """A circuit, runs every five minutes, orders that take ten."""

    def __init__(self, timeline: Timeline, phase: int) -> None:
        self.timeline = timeline
        self.active: dict[int, int] = {}
        self.downs: list[tuple[int, int]] = []
        self.ups: list[tuple[float, int]] = []
        running, target, done_at = 100, 100, -1
        for minute in range(LAST):
            if minute == done_at:
                running = target
            if minute % EVERY == phase and minute >= done_at:
                change = due_change(timeline, Bandwidth(running), at(minute), PACE).change
                if change is not None:
                    target, done_at = change.new.mbps, minute + PROVISIONING
                    (self.ups if change.up else self.downs).append((minute, change.new.mbps))
            self.active[minute] = running


@given(several, st.integers(0, EVERY - 1))
def test_the_circuit_is_at_tier_whenever_an_event_runs(wanted: list[Ask], phase: int) -> None:
    simulation = Simulation(timeline_of(*wanted), phase)
    for ask in wanted:
        need = CIRCUIT.sold(Bandwidth(ask.mbps)).mbps
        for minute in range(int(ask.start), min(int(ask.end), LAST)):
            assert simulation.active[minute] >= need, f"too slow at {minute} for {ask}"


@given(several, st.integers(0, EVERY - 1))
def test_no_lowering_must_be_taken_back_within_the_billing_hour(wanted: list[Ask], phase: int) -> None:
    simulation = Simulation(timeline_of(*wanted), phase)
    for down, level in simulation.downs:
        again = [up for up, mbps in simulation.ups if up > down and mbps > level]
        assert all(up >= down + MIN_GAP - EVERY for up in again)


@given(mixed, st.sampled_from(TIERS), st.integers(0, LAST))
def test_applying_a_plan_and_planning_again_asks_for_nothing(
    wanted: list[Ask], ordered: Bandwidth, now: int
) -> None:
    timeline = timeline_of(*wanted)
    change = due_change(timeline, ordered, at(now), PACE).change
    if change is not None:
        assert change.new != ordered
        assert due_change(timeline, change.new, at(now), PACE).change is None


@given(mixed, st.sampled_from(TIERS), st.integers(0, LAST))
def test_changes_to_come_form_a_chain_in_order(wanted: list[Ask], level: Bandwidth, now: int) -> None:
    changes = list(
        coming_changes(timeline_of(*wanted), level, after=at(now), until=at(LAST), min_gap=minutes(MIN_GAP))
    )
    for earlier, later in pairwise(changes):
        assert earlier.new == later.old
        assert earlier.at < later.at
    assert all(change.new in TIERS and change.old != change.new for change in changes)
    assert not changes or changes[0].old == level


@given(mixed)
def test_a_timeline_has_no_gap_and_asks_only_for_tiers(wanted: list[Ask]) -> None:
    timeline = timeline_of(*wanted)
    for earlier, later in pairwise(timeline.segments):
        assert earlier.span.end == later.span.start
        assert (earlier.target, earlier.baseline, earlier.pin) != (later.target, later.baseline, later.pin)
    assert all(segment.target in TIERS for segment in timeline.segments)


@given(mixed, st.randoms(use_true_random=False))
def test_the_order_of_events_and_rules_never_matters(wanted: list[Ask], random: object) -> None:
    shuffled = list(wanted)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' own Random
    assert timeline_of(*wanted).segments == timeline_of(*shuffled).segments


@given(several)
def test_within_a_target_nothing_that_covers_asks_for_more(wanted: list[Ask]) -> None:
    timeline = timeline_of(*wanted)
    for window in timeline.windows:
        for segment in timeline.over(window.demand.span):
            assert segment.target >= CIRCUIT.sold(window.bandwidth)


SOURCES = [Source(f"s{number}", f"calendar {number}", f"calendar {number}") for number in range(3)]
subjects = st.sampled_from(["All-Hands", "Town Hall", "all hands Q3", "Budget", ""])


@st.composite
def copies(draw: st.DrawFn) -> Event:
    start = datetime(2026, 11, 24, draw(st.integers(0, 23)), tzinfo=UTC)
    return Event(
        source=draw(st.sampled_from(SOURCES)),
        id=str(draw(st.integers(0, 10**6))),
        uid=draw(st.sampled_from(["", "a", "b", "c"])),
        span=Timed(start, start + timedelta(minutes=draw(st.integers(-5, 90)))),
        subject=draw(subjects),
        sensitivity=draw(st.sampled_from(["normal", "private"])),
        organizer=draw(st.sampled_from([None, "a@contoso.example"])),
    )


@given(st.lists(copies(), max_size=8, unique_by=lambda event: event.id), st.randoms(use_true_random=False))
def test_the_order_of_calendars_rules_and_copies_never_matters(events: list[Event], random: object) -> None:
    named = {source.calendar: (CIRCUIT.name,) for source in SOURCES}
    rules = [
        Rule("hands", named, Bandwidth(500), Conditions(subject=(Keyword("All-Hands"),))),
        Rule("hall", named, Bandwidth(1000), Conditions(subject=(Keyword("Town Hall"),)), lead=minutes(5)),
        Rule("quiet", named, Bandwidth(200), Conditions(longer_than=minutes(45)), mode=Mode.EXACTLY),
    ]
    expected = open_windows(match_events(events, rules).matched, rules, [CIRCUIT])
    for shuffled in (events, rules):
        random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' own Random
    found = open_windows(match_events(events, rules).matched, rules, [CIRCUIT])
    assert _comparable(found) == _comparable(expected)


def _comparable(opened: Mapping[str, tuple[object, ...]]) -> dict[str, list[str]]:
    return {name: sorted(map(repr, windows)) for name, windows in opened.items()}


ZONES = [
    "America/Denver",
    "Europe/London",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Africa/Cairo",
    "UTC",
]


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 - local times
    st.integers(1, 3),
    st.integers(0, 23),
    st.integers(0, 23),
)
def test_clock_changes_leave_no_gap(zone: str, day: datetime, days: int, first: int, last: int) -> None:
    day = day.replace(hour=0, minute=0, second=0, microsecond=0)
    peak = Peak(frozenset(range(7)), time(first, 30), time(last), Bandwidth(500))
    circuit = replace(CIRCUIT, zone=ZoneInfo(zone), baseline=Baseline(TIERS[0], (peak,)))
    span = Floating(day, day + timedelta(days=days))
    start, end = (at_.replace(tzinfo=UTC) for at_ in (day - timedelta(days=2), day + timedelta(days=6)))
    event = Event(SOURCES[0], "1", "u", span, subject="close", all_day=True)
    rule = Rule("close", {SOURCES[0].calendar: (CIRCUIT.name,)}, Bandwidth(1000))
    windows = open_windows(match_events([event], [rule]).matched, [rule], [circuit])[CIRCUIT.name]
    timeline = draw_timeline(circuit, windows, Interval(start, end))
    for earlier, later in pairwise(timeline.segments):
        assert earlier.span.end == later.span.start
    (window,) = windows
    hours = (window.demand.event.end - window.demand.event.start) / timedelta(hours=1)
    assert abs(hours - 24 * days) <= 1
    noon = (day + timedelta(hours=12)).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert timeline.at(noon).target == Bandwidth(1000)


def test_the_simulation_sees_what_is_wrong() -> None:
    """A circuit that is never raised is too slow: the property above can fail."""
    simulation = Simulation(timeline_of(Ask(100, 160, lead=30)), 0)
    assert simulation.active[100] == 1000
    assert simulation.ups[0][0] <= 70
    assert minute_of(simulation.timeline.segments[-1].span.end) > LAST
