"""One run: read the calendars, apply the rules, lay the timelines, compare, order what is due.

`plan` and `sync` are this one function with a switch just before the write.
"""

from __future__ import annotations

from iodcal.config import Configuration, OnDrift
from iodcal.domain.policy import Policy
from iodcal.pipeline.context import Request, Run, RunContext
from iodcal.pipeline.detect import find_problems
from iodcal.pipeline.execute import OrderPlacer, Placed
from iodcal.pipeline.fetch import EventSnapshot, fetch_events, remember
from iodcal.pipeline.journal import Journal, refused_today, used_today
from iodcal.pipeline.poll import Carriers
from iodcal.pipeline.report import report
from iodcal.pipeline.rounds import Rounds, draw_timelines, plan_circuits
from iodcal.pipeline.save import keep
from iodcal.result import Report
from iodcal.store.state import State


def run(
    configuration: Configuration,
    state: State,
    *,
    request: Request,
    context: RunContext,
    journal: Journal | None = None,
    carriers: Carriers | None = None,
) -> Report:
    """Carries out one run. Without a `journal` nothing is ordered and nothing is written. `carriers` that
    have read circuits before need not read them again.

    Faults of calendars and carriers become problems of the report. Raises StateError where state cannot
    be written before an order has been sent, PlanChangedError where `expect` names other changes than these.
    """
    current = _prepare(configuration, state, request=request, context=context, carriers=carriers)
    snapshot = _fetch(current)
    timelines = draw_timelines(current, snapshot)
    if request.cached:
        plans, placed = plan_circuits(current, timelines, snapshot), dict[str, Placed]()
    else:
        context.progress("reading circuits")
        plans, placed = Rounds(current, timelines, snapshot, _placer(current, journal)).carry_out()
    problems = tuple(find_problems(current, snapshot, plans, placed))
    checks = (
        keep(current, journal, snapshot=snapshot, plans=plans, problems=problems)
        if journal is not None
        else ()
    )
    return report(
        current,
        snapshot,
        plans=plans,
        placed=placed,
        problems=problems,
        journal=journal,
        preflight_checks=checks,
    )


def _prepare(
    configuration: Configuration,
    state: State,
    request: Request,
    context: RunContext,
    carriers: Carriers | None,
) -> Run:
    accounts = {circuit.account for circuit in configuration.circuits.values()}
    return Run(
        configuration,
        state,
        request=request,
        context=context,
        policy=_policy(configuration, state, request),
        carriers=carriers or Carriers(configuration, context.clock),
        used=used_today(state, accounts, request.now),
        refused=refused_today(state, accounts, request.now),
    )


def _policy(configuration: Configuration, state: State, request: Request) -> Policy:
    settings = configuration.settings
    return Policy(
        window=request.window,
        every=settings.every,
        min_gap=settings.min_gap,
        order_timeouts=settings.order_timeouts,
        enforce=settings.on_drift is OnDrift.ENFORCE,
        max_unplanned_downs=settings.max_unplanned_downs,
        allow_downs=request.allow_downs,
        quota_reserve=settings.quota_reserve if state.parked is None else 0,  # no raise is to come
        pause=state.pause,
        parked=state.parked,
    )


def _fetch(current: Run) -> EventSnapshot:
    """The events that count, read or remembered, and the rules that took them."""
    if current.request.cached:
        return remember(current.configuration, current.state)
    context, request = current.context, current.request
    return fetch_events(
        current.configuration,
        current.state,
        now=request.now,
        window=request.window,
        deadline=context.calendar_deadline,
        progress=context.progress,
        read=context.read_calendars,
        memo=context.memo,
    )


def _placer(current: Run, journal: Journal | None) -> OrderPlacer | None:
    if journal is None:
        return None
    context, strict = current.context, bool(current.request.expect)
    return OrderPlacer(
        current.carriers,
        journal,
        policy=current.policy,
        deadline=context.deadline,
        boot=context.boot,
        strict=strict,
    )
