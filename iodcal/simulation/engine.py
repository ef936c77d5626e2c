"""The runs, one after another at virtual time, and what is made of them afterwards."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from iodcal.commands import Syncing, finish
from iodcal.config import Configuration
from iodcal.domain.events import CalendarReading
from iodcal.domain.localtime import Interval
from iodcal.domain.problems import Kind, Problem
from iodcal.domain.timeline import Timeline, draw
from iodcal.domain.windows import open_windows
from iodcal.http import Deadline
from iodcal.invocation import Request, Surroundings
from iodcal.ledger import Ledger
from iodcal.reading import match
from iodcal.recent import Recent
from iodcal.run import run
from iodcal.simulation.carrier import Taken
from iodcal.simulation.chance import NO_FAULTS, FaultPlan
from iodcal.simulation.course import Course, above, cost
from iodcal.simulation.optimum import at_highest, best, on_baseline
from iodcal.simulation.rates import rates_of
from iodcal.simulation.result import CircuitResult, Money, Served, Simulation
from iodcal.simulation.service import Evidence, judge_all
from iodcal.simulation.world import World, as_simulated, build
from iodcal.state.memory import MemoryStore

_NEVER = Deadline(math.inf)  # nothing takes time here
_UNWATCHED = Syncing(terminal=False)

Progress = Callable[[str], None]
"""Told what is being done."""


@dataclass(frozen=True, slots=True)
class Plot:
    """What a simulation is to play: one rules file, over `span` (UTC), on calendars that hold `readings` (by
    source key). Without `quota_known` the program is not told how many orders a day the carrier takes."""

    configuration: Configuration
    readings: Mapping[str, CalendarReading]
    span: Interval
    faults: FaultPlan = NO_FAULTS
    quota_known: bool = True

    @property
    def every(self) -> timedelta:
        return self.configuration.settings.every


@dataclass(slots=True)
class _Heard:
    """What the runs told."""

    runs: int = 0
    problems: list[tuple[datetime, Problem]] = field(default_factory=list)
    causes: dict[tuple[str, str, str], str] = field(default_factory=dict)


def simulate(plot: Plot, progress: Progress) -> Simulation:
    """Plays `plot` from beginning to end. Nothing outside this process is read or changed."""
    configuration = as_simulated(plot.configuration)
    timelines = _timelines(configuration, plot)
    opening = {name: timeline.at(plot.span.start).target for name, timeline in timelines.items()}
    told = configuration if plot.quota_known else _without_quota(configuration)
    world = build(told, plot.readings, opening, plot.span.start, plot.faults)
    heard = _run_all(world, plot, progress)
    return _conclude(plot, timelines, world, heard)


def _timelines(configuration: Configuration, plot: Plot) -> dict[str, Timeline]:
    """What the calendars ask for over the whole span, known afterwards."""
    events = (event for reading in plot.readings.values() for event in reading.events)
    matched = match(configuration, events).matched
    windows = open_windows(matched, configuration.rules, configuration.circuits.values())
    return {name: draw(circuit, windows[name], plot.span) for name, circuit in configuration.circuits.items()}


def _without_quota(configuration: Configuration) -> Configuration:
    unlimited = {name: replace(c, changes_per_day=None) for name, c in configuration.circuits.items()}
    return replace(configuration, circuits=unlimited)


def _run_all(world: World, plot: Plot, progress: Progress) -> _Heard:
    store, heard, recent = MemoryStore(), _Heard(), Recent()
    length = plot.span.end - plot.span.start
    day = None
    while world.clock.now < plot.span.end:
        now = world.clock.now
        if now.date() != day:
            day = now.date()
            progress(f"simulating {day} ({(now - plot.span.start) / length:.0%})")
        _run_once(world, store, heard, recent)
        world.clock.now = now + plot.every
    return heard


def _run_once(world: World, store: MemoryStore, heard: _Heard, recent: Recent) -> None:
    configuration, clock = world.configuration, world.clock
    heard.runs += 1
    request = Request("sync", clock.now, configuration.settings.window, f"run {heard.runs}")
    ledger = Ledger(store, store.state, request.run_id, clock)
    around = Surroundings(clock, _NEVER, _NEVER, _quietly, _no_boot_time, recent)
    report = run(configuration, store.state, request, around, ledger)
    telling = finish(ledger, report, _UNWATCHED, configuration.settings.history_keep)
    heard.problems += ((clock.now, problem) for problem in (*telling.new, *telling.changed))
    for problem in report.problems:
        if problem.kind in (Kind.EVENT_AT_RISK, Kind.EVENT_LATE):
            circuit, rule, start, cause = (
                str(problem.facts[name]) for name in ("circuit", "rule", "start", "cause")
            )
            heard.causes[circuit, rule, start] = cause


def _conclude(plot: Plot, timelines: Mapping[str, Timeline], world: World, heard: _Heard) -> Simulation:
    configuration, injected = world.configuration, world.injected()
    circuits: list[CircuitResult] = []
    served: list[Served] = []
    for name, timeline in timelines.items():
        circuit = timeline.circuit
        carrier = world.carriers[circuit.carrier]
        taken = [order for order in carrier.taken if order.service_id == circuit.service_id]
        lifted = plot.configuration.circuits[name].orders is not circuit.orders
        circuits.append(_circuit(timeline, taken, plot, lifted=lifted))
        running = _running(timeline, taken, plot.span)
        own = tuple(one for one in injected if one.place == circuit.service_id)
        served += judge_all(Evidence(timeline, running, own, heard.causes, plot.span, plot.every))
    return Simulation(
        rules=configuration.path,
        config_digest=configuration.digest,
        zone=configuration.zone,
        span=plot.span,
        every=plot.every,
        runs=heard.runs,
        circuits=tuple(circuits),
        served=tuple(sorted(served, key=lambda one: (one.event, one.circuit, one.rule))),
        problems=tuple(heard.problems),
        injected=Counter(one.kind for one in injected),
    )


def _running(timeline: Timeline, taken: list[Taken], span: Interval) -> Course:
    opening = timeline.at(span.start).target
    return Course.of(span, opening, ((order.active_at, order.new) for order in taken))


def _circuit(timeline: Timeline, taken: list[Taken], plot: Plot, *, lifted: bool) -> CircuitResult:
    circuit, span = timeline.circuit, plot.span
    opening, min_gap = timeline.at(span.start).target, plot.configuration.settings.min_gap
    ordered = Course.of(span, opening, ((order.accepted_at, order.new) for order in taken))
    optimum = best(timeline, opening, span, min_gap)
    courses = (ordered, at_highest(circuit, span), on_baseline(circuit, span), optimum)
    rates = rates_of(circuit)
    used = {tier for course in courses for tier in course.levels}
    return CircuitResult(
        name=circuit.name,
        zone=circuit.zone,
        hours=ordered.hours(),
        ups=sum(order.new > order.old for order in taken),
        downs=sum(order.new < order.old for order in taken),
        doubles=sum(order.double for order in taken),
        optimal_orders=sum(1 for _ in pairwise(optimum.levels)),
        excess=above(ordered, optimum),
        money=Money(*(cost(course.hours(), rates) for course in courses)),
        unpriced=tuple(sorted(tier for tier in used if tier not in rates)),
        lifted=lifted,
    )


def _quietly(_text: str) -> None:
    """What a single run does is over before it could be read."""


def _no_boot_time() -> None:
    """Only virtual time counts."""
