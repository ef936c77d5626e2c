"""One invocation: read the calendars, apply the rules, lay the timeline, compare, order what is due.

`plan` and `sync` are this one function with a switch just before the write.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from iodcal.config import Configuration, OnDrift
from iodcal.domain.circuits import Circuit
from iodcal.domain.localtime import whole_days
from iodcal.domain.planning import (
    CircuitPlan,
    Knowledge,
    Policy,
    plan_circuit,
    plan_together,
    view_from,
)
from iodcal.domain.timeline import Timeline, draw
from iodcal.domain.windows import Window, open_windows
from iodcal.findings import clock_error, find
from iodcal.invocation import Request, Run, Surroundings
from iodcal.keeping import keep
from iodcal.ledger import Ledger, used_today
from iodcal.observing import Carriers, needs_reading, observe, standing_of
from iodcal.ordering import Desk, Placed
from iodcal.reading import Sight, look, remember
from iodcal.reporting import report
from iodcal.result import Report
from iodcal.reviewing import check_expected
from iodcal.state import State


def run(
    configuration: Configuration,
    state: State,
    request: Request,
    around: Surroundings,
    ledger: Ledger | None = None,
) -> Report:
    """Carries out one run. Without a `ledger` nothing is ordered and nothing is written.

    Faults of calendars and carriers become problems of the report. Raises StateError where state cannot
    be written before an order has been sent, PlanChangedError where `expect` names other changes than these.
    """
    carriers = Carriers(configuration, around.clock)
    this = Run(configuration, state, request, around, _policy(configuration, request), carriers)

    sight = _see(this)
    timelines = _draw(this, sight)
    plans = _compare(this, timelines, sight)
    placed: Mapping[str, Placed] = {}
    if ledger is not None:
        check_expected(request.expect, plans, request.now)
        placed = Desk(carriers, ledger, this.policy, around.deadline, around.boot).order_all(plans)
        plans = tuple(placed[plan.circuit.key].plan if plan.circuit.key in placed else plan for plan in plans)
    problems = tuple(find(this, sight, plans, placed))
    if ledger is not None:
        keep(this, ledger, sight, plans)
    return report(this, sight, plans, placed, problems, ledger)


def _policy(configuration: Configuration, request: Request) -> Policy:
    settings = configuration.settings
    return Policy(
        window=request.window,
        every=settings.every,
        min_gap=settings.min_gap,
        patience=settings.patience,
        enforce=settings.on_drift is OnDrift.ENFORCE,
        max_unplanned_downs=settings.max_unplanned_downs,
        allow_downs=request.allow_downs,
        quota_reserve=settings.quota_reserve,
    )


def _see(this: Run) -> Sight:
    """Steps one and two: the events that count, read or remembered, and the rules that took them."""
    if this.request.cached:
        return remember(this.configuration, this.state)
    around, request = this.around, this.request
    return look(
        this.configuration,
        this.state,
        request.now,
        request.window,
        around.calendar_deadline,
        around.progress,
        around.recent,
    )


def _draw(this: Run, sight: Sight) -> dict[str, Timeline]:
    """Step three: windows over the baseline, a timeline for each circuit, by its key."""
    configuration, events, recent = this.configuration, sight.events, this.around.recent
    circuits = configuration.circuits
    windows = recent.get(
        "windows",
        (configuration, *events),
        lambda: open_windows(events, configuration.rules, circuits.values()),
    )
    return {
        circuit.key: _draw_one(this, circuit, windows[name])
        for name, circuit in circuits.items()
        if this.request.circuit in (None, name)
    }


def _draw_one(this: Run, circuit: Circuit, windows: tuple[Window, ...]) -> Timeline:
    """Drawn over whole days, so that the runs of one day can share it, and cut to what this run sees."""
    view = view_from(this.request.now, circuit, this.policy)
    days = whole_days(view)
    name = f"timeline {circuit.name} {days.start.isoformat()} {days.end.isoformat()}"
    return this.around.recent.get(name, (circuit, windows), lambda: draw(circuit, windows, days)).cut(view)


def _compare(this: Run, timelines: Mapping[str, Timeline], sight: Sight) -> tuple[CircuitPlan, ...]:
    """Step four: plans from what is known, reads what an order needs to be sure of, and plans again."""
    if this.request.cached:
        return _plan(this, timelines, sight)
    this.around.progress("reading circuits")
    this.carriers.read(_to_verify(this, timelines), this.around.deadline)
    plans = _plan(this, timelines, sight)
    unread = [plan.circuit for plan in plans if plan.to_order and not this.carriers.has_read(plan.circuit)]
    if not unread:
        return plans
    this.carriers.read(unread, this.around.deadline)
    return _plan(this, timelines, sight)


def _to_verify(this: Run, timelines: Mapping[str, Timeline]) -> list[Circuit]:
    now, settings = this.request.now, this.configuration.settings
    return [
        timeline.circuit
        for timeline in timelines.values()
        if needs_reading(standing_of(timeline.circuit, this.state.circuits), timeline, now, settings)
    ]


def _plan(this: Run, timelines: Mapping[str, Timeline], sight: Sight) -> tuple[CircuitPlan, ...]:
    now, policy = this.request.now, this.policy
    circuits = [timeline.circuit for timeline in timelines.values()]
    standings = observe(
        circuits,
        this.state.circuits,
        this.carriers.readings,
        now,
        this.configuration.settings,
        this.around.boot(),
    )
    knowledge = _knowledge(this, sight)
    plans = [
        plan_circuit(timeline, standings[key], now, policy, knowledge) for key, timeline in timelines.items()
    ]
    used = used_today(this.state, {circuit.account for circuit in circuits}, now)
    return plan_together(plans, now, policy, used)


def _unanswered_until(this: Run) -> datetime | None:
    """Where nothing is left on record, the last order counts as sent, without an answer, just then."""
    since = this.state.unknown_since
    return since + this.policy.patience.lost_answer_grace if since is not None else None


def _knowledge(this: Run, sight: Sight) -> Knowledge:
    circuits = this.configuration.circuits.values()
    return Knowledge(
        blind_after=sight.blind_after(this.configuration.rules),
        unreadable=frozenset(circuit.name for circuit in circuits if circuit.key in this.carriers.failures),
        clock_wrong=clock_error(sight, this.carriers) is not None,
        rebuilt=this.state.rebuilt_from is not None,
        unanswered_until=_unanswered_until(this),
    )
