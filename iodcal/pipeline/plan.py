"""The pure middle of a run: from the events that count to timelines, and from what is known to plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from iodcal.domain.circuits import Circuit
from iodcal.domain.freezes import Freeze, open_freezes
from iodcal.domain.localtime import whole_days
from iodcal.domain.planning import CircuitPlan, Knowledge, plan_circuit, view_from
from iodcal.domain.timeline import Timeline, draw, park
from iodcal.domain.together import plan_together
from iodcal.domain.windows import Window, hold_window, open_windows
from iodcal.pipeline.context import Run
from iodcal.pipeline.fetch import EventSnapshot
from iodcal.pipeline.poll import clock_error, earliest_now, observe, standing_of


def draw_timelines(run: Run, sight: EventSnapshot) -> dict[str, Timeline]:
    """Windows over the baseline, a timeline for each circuit that was asked for, by its key."""
    configuration, memo = run.configuration, run.context.memo
    circuits, rules, events = configuration.circuits, configuration.rules, sight.events
    made_from = (configuration, *events)
    windows = memo.get("windows", made_from, lambda: open_windows(events, rules, circuits.values()))
    freezes = memo.get("freezes", made_from, lambda: open_freezes(events, rules, circuits.values()))
    return {
        circuit.key: _timeline(run, circuit, windows[name], freezes[name])
        for name, circuit in circuits.items()
        if run.request.circuit in (None, name)
    }


def _timeline(
    run: Run, circuit: Circuit, windows: tuple[Window, ...], freezes: tuple[Freeze, ...]
) -> Timeline:
    """Drawn over whole days, so that the runs of one day can share it, and cut to what this run sees."""
    hold = standing_of(circuit, run.state.circuits).hold
    held = (hold_window(hold, circuit),) if hold is not None and hold.since < hold.until else ()
    view = view_from(run.request.now, circuit, run.policy)
    days = whole_days(view)
    name = f"timeline {circuit.name} {days.start.isoformat()} {days.end.isoformat()}"
    whole = run.context.memo.get(
        name, (circuit, windows, freezes, hold), lambda: draw(circuit, (*windows, *held), days, freezes)
    )
    timeline = whole.cut(view)
    return park(timeline) if run.state.parked is not None else timeline


def plan_circuits(
    run: Run, timelines: Mapping[str, Timeline], sight: EventSnapshot, unanswered: Iterable[str] = ()
) -> tuple[CircuitPlan, ...]:
    """Plans for the circuits of `timelines`, from the state at the run's start and what was read since.
    `unanswered` are the keys of circuits that were asked for a reading, and have not given one yet."""
    now, policy = run.request.now, run.policy
    circuits = [timeline.circuit for timeline in timelines.values()]
    readings, settings = run.carriers.readings, run.configuration.settings
    standings = observe(circuits, run.state.circuits, readings, now, settings, run.context.boot())
    knowledge = _knowledge(run, sight, unanswered)
    plans = [
        plan_circuit(timeline, standings[key], now, policy, knowledge) for key, timeline in timelines.items()
    ]
    return plan_together(plans, now, policy, run.used)


def _knowledge(run: Run, sight: EventSnapshot, unanswered: Iterable[str]) -> Knowledge:
    unknown = {*run.carriers.failures, *unanswered}
    circuits = run.configuration.circuits.values()
    return Knowledge(
        blind_after=sight.blind_after(run.configuration.rules),
        doubtful=sight.doubtful(run.configuration.rules),
        unreadable=frozenset(circuit.name for circuit in circuits if circuit.key in unknown),
        clock_wrong=clock_error(sight, run.carriers) is not None,
        rebuilt=run.state.rebuilt_from is not None,
        unanswered_until=_unanswered_until(run),
        earliest_now=earliest_now(sight, run.carriers, run.request.now),
    )


def _unanswered_until(run: Run) -> datetime | None:
    """Where nothing is left on record, the last order counts as sent, without an answer, just then."""
    since = run.state.unknown_since
    return since + run.policy.patience.lost_answer_grace if since is not None else None
