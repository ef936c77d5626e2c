"""From a run to its report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from iodcal.domain.circuits import Account
from iodcal.domain.holds import longest_pause
from iodcal.domain.last_known_good import LastKnownGood
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Order
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.structs import replace
from iodcal.domain.unmatched import Unmatched, unmatched, untaken_titles
from iodcal.notify import NoticeKind
from iodcal.pipeline.context import Run
from iodcal.pipeline.execute import Placed
from iodcal.pipeline.fetch import EventSnapshot, organizers_of, visibility_of
from iodcal.pipeline.journal import Journal, used_today
from iodcal.problems.at_risk import PreflightCheck
from iodcal.problems.kinds import Problem
from iodcal.result import Report, SourceReport
from iodcal.store.state import State


def report(
    run: Run,
    snapshot: EventSnapshot,
    *,
    plans: tuple[CircuitPlan, ...],
    placed: Mapping[str, Placed],
    problems: tuple[Problem, ...],
    journal: Journal | None,
    preflight_checks: tuple[PreflightCheck, ...] = (),
) -> Report:
    """All that the command line shows of a run."""
    request = run.request
    return Report(
        command=request.command,
        run_id=request.run_id,
        now=request.now,
        window=Interval(request.now, request.now + request.window),
        config_digest=run.configuration.digest,
        sources=tuple(_source(recalled, snapshot) for recalled in snapshot.recalled),
        plans=plans,
        orders=tuple(_orders(run, plans, placed)),
        problems=tuple(_since(problem, run) for problem in problems),
        last_run=run.state.last_run,
        test=run.configuration.is_test,
        cached=request.cached,
        detailed_exitcode=request.detailed_exitcode,
        config_path=str(run.configuration.path),
        faults=request.faults,
        lost_state=tuple(journal.lost) if journal is not None else (),
        preflight_checks=preflight_checks,
        unmatched=_unmatched(run, snapshot) if request.unmatched else None,
        pause=longest_pause((run.state.pause,), request.now),
        parked=run.state.parked,
        skips=tuple(skip for skip in run.state.skips if request.now < skip.until),
        untaken=_untaken_titles(run, snapshot),
        quotas=_quotas(run, journal.state if journal is not None else run.state),
    )


def _unmatched(run: Run, snapshot: EventSnapshot) -> Unmatched:
    """The events that no rule took: for a screen, never to be kept."""
    from iodcal.domain.explain import Explainer  # no timer job asks

    rules, circuits = run.configuration.rules, run.configuration.circuits
    explainer = Explainer(
        rules,
        circuits,
        windows={},
        organizers=organizers_of(run.configuration),
        visibility=visibility_of(run.configuration, snapshot),
    )
    return unmatched(
        snapshot.read,
        snapshot.matching,
        rules=rules,
        circuits=circuits,
        explainer=explainer,
        now=run.request.now,
    )


def _untaken_titles(run: Run, snapshot: EventSnapshot) -> tuple[str, ...]:
    """The same events by their titles alone; none where no target's daily summary wants them."""
    configuration = run.configuration
    if not any(NoticeKind.DAILY in target.kinds for target in configuration.notify.values()):
        return ()
    rules, circuits, visibility = (
        configuration.rules,
        configuration.circuits,
        visibility_of(configuration, snapshot),
    )
    return untaken_titles(
        snapshot.read,
        snapshot.matching,
        rules=rules,
        circuits=circuits,
        visibility=visibility,
        now=run.request.now,
    )


def _quotas(run: Run, state: State) -> dict[Account, tuple[int, int]]:
    circuits = run.configuration.circuits.values()
    limits = {c.account: c.changes_per_day for c in circuits if c.changes_per_day is not None}
    used = used_today(state, limits, run.request.now)
    return {account: (used.get(account, 0), limit) for account, limit in limits.items()}


def _source(recalled: LastKnownGood, snapshot: EventSnapshot) -> SourceReport:
    reading = snapshot.readings.get(recalled.source)
    kept = recalled.remembered
    refused = (event for event in snapshot.matching.refused if event.source == recalled.source)
    return SourceReport(
        recalled.source,
        kept.read_at if kept is not None else None,
        remembered=not recalled.fresh,
        events=len(reading.events) if reading is not None else len(recalled.events),
        matched=len(recalled.events),
        refused=tuple(refused),
    )


def _orders(run: Run, plans: tuple[CircuitPlan, ...], placed: Mapping[str, Placed]) -> Iterator[Order]:
    """The orders of which a reading of run run showed something new, then those it placed."""
    for plan in plans:
        before = run.state.circuits.get(plan.circuit.key)
        known = {order.id: order.outcome for order in before.all_orders} if before is not None else {}
        yield from (
            order
            for order in plan.circuit_state.all_orders
            if known.get(order.id, order.outcome) != order.outcome
        )
    yield from (attempt.order for attempt in placed.values() if attempt.order is not None)


def _since(problem: Problem, run: Run) -> Problem:
    told = run.state.told.get(problem.id)
    return replace(problem, since=told.since if told is not None else run.request.now)
