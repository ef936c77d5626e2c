"""A baseline's peaks and their leads, against a model that knows minutes of the week and nothing else."""

from __future__ import annotations

from datetime import time

from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import lay_out
from iodcal.domain.circuits import Baseline, Peak
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from tests.domain.minutes import CIRCUIT, TIERS, Ask, at, minutes, timeline_of
from tests.domain.test_properties import EVERY, LAST, PROVISIONING, Simulation, asks, levels

WEEK, DAY = 7 * 1440, 1440
NOON = DAY + 5 * 60  # noon UTC of the tests' Tuesday, in Denver: a minute of the week
ALL_DAYS = tuple(range(7))


def of_day(minute: int) -> time:
    return time(minute // 60, minute % 60)


@st.composite
def peaks(draw: st.DrawFn, *, leads: st.SearchStrategy[int], first: int = 0, last: int = DAY - 1) -> Peak:
    """A peak whose `from` lies between two minutes of a local day."""
    start = draw(st.integers(first, last))
    end = draw(st.none() | st.integers(0, DAY - 1).filter(lambda minute: minute != start))
    return Peak(
        frozenset(draw(st.sets(st.sampled_from(ALL_DAYS), min_size=1)) if first == 0 else ALL_DAYS),
        of_day(start),
        None if end is None else of_day(end),
        Bandwidth(draw(levels)),
        lead=minutes(draw(leads)),
    )


def begins(peak: Peak) -> list[int]:
    """The minutes of the week at which it begins."""
    return [day * DAY + peak.start.hour * 60 + peak.start.minute for day in peak.days]


def runs(peak: Peak, minute: int) -> bool:
    """Whether it runs at a minute of the week, its lead left out."""
    start = peak.start.hour * 60 + peak.start.minute
    end = DAY if peak.end is None else peak.end.hour * 60 + peak.end.minute
    length = end - start if end > start else end - start + DAY
    return any((minute - begin) % WEEK < length for begin in begins(peak))


def asked(peak: Peak, minute: int) -> bool:
    """Whether it runs, or begins within its lead."""
    lead = int(peak.lead.total_seconds()) // 60
    return runs(peak, minute) or any(0 < (begin - minute) % WEEK <= lead for begin in begins(peak))


@given(st.lists(peaks(leads=st.integers(0, 1500)), max_size=4), st.integers(0, 2 * WEEK))
def test_a_baseline_is_what_each_minute_by_itself_says(several: list[Peak], first: int) -> None:
    baseline, length = Baseline(TIERS[0], tuple(several)), 2 * DAY
    stretches = lay_out(baseline, CIRCUIT.zone, Interval(at(first - WEEK), at(first - WEEK + length)))
    found = [
        (stretch.bandwidth.mbps, stretch.peak)
        for stretch in stretches
        for _ in range(int((stretch.span.end - stretch.span.start) / minutes(1)))
    ]
    for offset, told in enumerate(found):
        minute = (NOON + first + offset) % WEEK
        here = [peak.bandwidth.mbps for peak in several if asked(peak, minute)]
        assert told == (max(here, default=100), bool(here)), f"{offset} minutes after the start"
    assert len(found) == length


def settled(ask: Ask, minute: int) -> bool:
    """True if an exactly window has no say at `minute` any more, nor has an order that it delayed: one may
    be under way as it ends, the next run comes up to `EVERY` after that."""
    return not ask.exactly or not ask.start <= minute < ask.end + 2 * PROVISIONING + EVERY


default_or_longer = st.just(PROVISIONING) | st.integers(PROVISIONING, 90)


@given(
    st.lists(peaks(leads=default_or_longer, first=5 * 60, last=5 * 60 + LAST), min_size=1, max_size=3),
    st.lists(asks(exactly=True), max_size=5, unique_by=lambda ask: ask.name),
    st.integers(0, EVERY - 1),
)
def test_a_peak_is_reached_by_its_beginning(several: list[Peak], wanted: list[Ask], phase: int) -> None:
    circuit = replace(CIRCUIT, baseline=Baseline(TIERS[0], tuple(several)))
    wanted = [replace(ask, lead=0, trail=0) if ask.exactly else ask for ask in wanted]
    simulation = Simulation(timeline_of(*wanted, circuit=circuit), phase)
    for minute in range(EVERY + PROVISIONING, LAST):
        running = [peak.bandwidth for peak in several if runs(peak, (NOON + minute) % WEEK)]
        if running and all(settled(ask, minute) for ask in wanted):
            need = circuit.sold(max(running)).mbps
            assert simulation.active[minute] >= need, f"too slow {minute} minutes after noon"


def test_a_peak_without_a_lead_is_late() -> None:
    """The property above can fail."""
    peak = Peak(frozenset(ALL_DAYS), time(7), time(9), TIERS[-1])
    for lead, reached in ((0, 100), (PROVISIONING, 1000)):
        baseline = Baseline(TIERS[0], (replace(peak, lead=minutes(lead)),))
        circuit = replace(CIRCUIT, baseline=baseline)
        assert Simulation(timeline_of(circuit=circuit), EVERY - 1).active[120] == reached
