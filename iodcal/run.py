"""One invocation: read the calendars, apply the rules, lay the timeline, compare, order what is due.

`plan` and `sync` are this one function with a switch just before the write.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from iodcal.config import Configuration, OnDrift
from iodcal.domain.circuits import Circuit
from iodcal.domain.freezes import Freeze, open_freezes
from iodcal.domain.localtime import whole_days
from iodcal.domain.planning import (
    CircuitPlan,
    Knowledge,
    Policy,
    in_order,
    plan_circuit,
    view_from,
)
from iodcal.domain.timeline import Timeline, draw, park
from iodcal.domain.together import plan_together
from iodcal.domain.values import replace
from iodcal.domain.windows import Window, hold_window, open_windows
from iodcal.invocation import Request, Run, Surroundings
from iodcal.keeping import keep
from iodcal.ledger import Ledger, used_today
from iodcal.observing import Carriers, most_urgent_first, needs_reading, observe, standing_of
from iodcal.ordering import Desk, Placed
from iodcal.problems.detect import clock_error, find_problems
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
    carriers: Carriers | None = None,
) -> Report:
    """Carries out one run. Without a `ledger` nothing is ordered and nothing is written. `carriers` that have
    read circuits before need not read them again.

    Faults of calendars and carriers become problems of the report. Raises StateError where state cannot
    be written before an order has been sent, PlanChangedError where `expect` names other changes than these.
    """
    carriers = carriers or Carriers(configuration, around.clock)
    policy = _policy(configuration, state, request)
    this = Run(configuration, state, request, around, policy, carriers)

    sight = _see(this)
    timelines = _draw(this, sight)
    plans = _compare(this, timelines, sight)
    placed: Mapping[str, Placed] = {}
    if ledger is not None:
        check_expected(request.expect, plans, request.now)
        desk = Desk(carriers, ledger, this.policy, around.deadline, around.boot, bool(request.expect))
        placed = desk.order_all(plans)
        plans = tuple(placed[plan.circuit.key].plan if plan.circuit.key in placed else plan for plan in plans)
    problems = tuple(find_problems(this, sight, plans, placed))
    curtain_ups = keep(this, ledger, sight, plans, problems) if ledger is not None else ()
    made = report(this, sight, plans, placed, problems, ledger)
    return replace(made, curtain_ups=curtain_ups)


def _policy(configuration: Configuration, state: State, request: Request) -> Policy:
    settings = configuration.settings
    return Policy(
        window=request.window,
        every=settings.every,
        min_gap=settings.min_gap,
        patience=settings.patience,
        enforce=settings.on_drift is OnDrift.ENFORCE,
        max_unplanned_downs=settings.max_unplanned_downs,
        allow_downs=request.allow_downs,
        quota_reserve=settings.quota_reserve if state.parked is None else 0,  # no raise is to come
        pause=state.pause,
        parked=state.parked,
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
        around.read_calendars,
        around.recent,
    )


def _draw(this: Run, sight: Sight) -> dict[str, Timeline]:
    """Step three: windows over the baseline, a timeline for each circuit, by its key."""
    configuration, events, recent = this.configuration, sight.events, this.around.recent
    circuits, rules = configuration.circuits, configuration.rules
    made_from = (configuration, *events)
    windows = recent.get("windows", made_from, lambda: open_windows(events, rules, circuits.values()))
    freezes = recent.get("freezes", made_from, lambda: open_freezes(events, rules, circuits.values()))
    return {
        circuit.key: _timeline(this, circuit, windows[name], freezes[name])
        for name, circuit in circuits.items()
        if this.request.circuit in (None, name)
    }


def _timeline(
    this: Run, circuit: Circuit, windows: tuple[Window, ...], freezes: tuple[Freeze, ...]
) -> Timeline:
    """Drawn over whole days, so that the runs of one day can share it, and cut to what this run sees."""
    hold = standing_of(circuit, this.state.circuits).hold
    held = (hold_window(hold, circuit),) if hold is not None and hold.since < hold.until else ()
    view = view_from(this.request.now, circuit, this.policy)
    days = whole_days(view)
    name = f"timeline {circuit.name} {days.start.isoformat()} {days.end.isoformat()}"
    whole = this.around.recent.get(
        name, (circuit, windows, freezes, hold), lambda: draw(circuit, (*windows, *held), days, freezes)
    )
    timeline = whole.cut(view)
    return park(timeline) if this.state.parked is not None else timeline


def _compare(this: Run, timelines: Mapping[str, Timeline], sight: Sight) -> tuple[CircuitPlan, ...]:
    """Step four: plans from what is known, reads what an order needs to be sure of, and plans again."""
    if this.request.cached:
        return _plan(this, timelines, sight)
    this.around.progress("reading circuits")
    this.carriers.read(_to_verify(this, timelines), this.around.deadline)
    plans = _plan(this, timelines, sight)
    circuits = this.configuration.circuits
    due = [circuits[change.circuit] for change in in_order(plans)]
    unread = [circuit for circuit in due if not this.carriers.has_read(circuit)]
    if not unread:
        return plans
    this.carriers.read(unread, this.around.deadline)
    return _plan(this, timelines, sight)


def _to_verify(this: Run, timelines: Mapping[str, Timeline]) -> list[Circuit]:
    now, settings = this.request.now, this.configuration.settings
    return [
        timeline.circuit
        for timeline in most_urgent_first(timelines.values(), this.state.circuits, now)
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
