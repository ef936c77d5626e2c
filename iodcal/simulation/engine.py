"""The runs, one after another at virtual time."""

from __future__ import annotations

import math
from collections.abc import Callable

from iodcal.asked import Syncing
from iodcal.commands import finish
from iodcal.config import Configuration
from iodcal.domain.values import replace
from iodcal.http import Deadline
from iodcal.invocation import Request, Surroundings
from iodcal.ledger import Ledger
from iodcal.recent import Recent
from iodcal.run import run
from iodcal.simulation.outcome import conclude
from iodcal.simulation.plot import Heard, Plot, timelines_of
from iodcal.simulation.result import Simulation
from iodcal.simulation.world import World, as_simulated, build
from iodcal.store.memory import MemoryStore

NEVER = Deadline(math.inf)  # nothing takes time here
_UNWATCHED = Syncing(terminal=False)

Progress = Callable[[str], None]
"""Told what is being done."""


def simulate(plot: Plot, progress: Progress) -> Simulation:
    """Plays `plot` from beginning to end. Nothing outside this process is read or changed."""
    configuration = as_simulated(plot.configuration)
    timelines = timelines_of(configuration, plot)
    opening = {name: timeline.at(plot.span.start).target for name, timeline in timelines.items()}
    told = configuration if plot.quota_known else _without_quota(configuration)
    world = build(told, plot.readings, opening, plot.span.start, plot.faults)
    heard = _run_all(world, plot, progress)
    return conclude(plot, timelines, world, heard)


def _without_quota(configuration: Configuration) -> Configuration:
    unlimited = {name: replace(c, changes_per_day=None) for name, c in configuration.circuits.items()}
    return replace(configuration, circuits=unlimited)


def _run_all(world: World, plot: Plot, progress: Progress) -> Heard:
    store, heard, recent = MemoryStore(), Heard(), Recent()
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


def _run_once(world: World, store: MemoryStore, heard: Heard, recent: Recent) -> None:
    configuration, clock = world.configuration, world.clock
    heard.runs += 1
    request = Request("sync", clock.now, configuration.settings.window, f"run {heard.runs}")
    ledger = Ledger(store, store.state, request.run_id, clock)
    around = Surroundings(clock, NEVER, NEVER, _quietly, _no_boot_time, recent=recent)
    report = run(configuration, store.state, request, around, ledger)
    telling = finish(ledger, report, _UNWATCHED, configuration.settings.history_keep)
    heard.problems += ((clock.now, problem) for problem in (*telling.new, *telling.changed))
    for problem in report.problems:
        heard.note(problem)


def _quietly(_text: str) -> None:
    """What a single run does is over before it could be read."""


def _no_boot_time() -> None:
    """Only virtual time counts."""
