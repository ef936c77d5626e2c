"""The runs, one after another at virtual time. It prints nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from iodcal.commands.requests import SyncRequest
from iodcal.commands.sync import finish
from iodcal.config import Configuration
from iodcal.domain.structs import replace
from iodcal.http import Deadline
from iodcal.memo import Memo
from iodcal.pipeline.context import Request, RunContext
from iodcal.pipeline.journal import Journal
from iodcal.pipeline.poll import Carriers
from iodcal.pipeline.run import run
from iodcal.simulation.environment import Environment, as_simulated, build, read_ahead
from iodcal.simulation.outcome import conclude
from iodcal.simulation.result import Simulation, SimulationComparison
from iodcal.simulation.scenario import RunLog, Scenario, SimulationRequest, prepare, timelines_of
from iodcal.store.memory import MemoryStore

NEVER = Deadline(math.inf)  # nothing takes time here
_UNWATCHED = SyncRequest(terminal=False)

Progress = Callable[[str], None]
"""Told what is being done."""


def compare(
    configurations: Sequence[Configuration], asked: SimulationRequest, progress: Progress
) -> SimulationComparison:
    """Simulates each of `configurations` over the same time. Times are judged in the zone of the first.

    Raises UsageError, SimulationError.
    """
    span, configurations = prepare(configurations, asked)
    scenarios = [
        Scenario(configuration, read_ahead(configuration, span, progress), span, asked.faults)
        for configuration in configurations
    ]
    return SimulationComparison(
        span, asked.faults, tuple(simulate(scenario, progress) for scenario in scenarios)
    )


def simulate(scenario: Scenario, progress: Progress) -> Simulation:
    """Plays `scenario` from beginning to end. Nothing outside this process is read or changed."""
    configuration = as_simulated(scenario.configuration)
    timelines = timelines_of(configuration, scenario)
    opening = {name: timeline.at(scenario.span.start).target for name, timeline in timelines.items()}
    told = configuration if scenario.quota_known else _without_quota(configuration)
    environment = build(
        told, scenario.readings, opening=opening, start=scenario.span.start, faults=scenario.faults
    )
    log = _run_all(environment, scenario, progress)
    return conclude(scenario, timelines, environment, log)


def _without_quota(configuration: Configuration) -> Configuration:
    unlimited = {name: replace(c, changes_per_day=None) for name, c in configuration.circuits.items()}
    return replace(configuration, circuits=unlimited)


def _run_all(environment: Environment, scenario: Scenario, progress: Progress) -> RunLog:
    store, log, memo = MemoryStore(), RunLog(), Memo()
    length = scenario.span.length
    day = None
    while environment.clock.now < scenario.span.end:
        now = environment.clock.now
        if now.date() != day:
            day = now.date()
            progress(f"simulating {day} ({(now - scenario.span.start) / length:.0%})")
        _run_once(environment, store, log, memo)
        environment.clock.now = now + scenario.every
    return log


def _run_once(environment: Environment, store: MemoryStore, log: RunLog, memo: Memo) -> None:
    configuration, clock = environment.configuration, environment.clock
    log.runs += 1
    request = Request("sync", clock.now, configuration.settings.window, f"run {log.runs}")
    journal = Journal(store, store.state, request.run_id, clock)
    context = RunContext(
        clock, NEVER, calendar_deadline=NEVER, progress=_quietly, boot=_no_boot_time, memo=memo
    )
    carriers = Carriers(configuration, clock, threads=False)
    report = run(
        configuration, store.state, request=request, context=context, journal=journal, carriers=carriers
    )
    telling = finish(journal, report, _UNWATCHED, configuration.settings.history_keep)
    log.problems += ((clock.now, problem) for problem in (*telling.new, *telling.changed))
    for problem in report.problems:
        log.note(problem)


def _quietly(_text: str) -> None:
    """What a single run does is over before it could be read."""


def _no_boot_time() -> None:
    """Only virtual time counts."""
